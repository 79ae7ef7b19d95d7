#include "codec/tile/segment.h"
#include "codec/base/hash.h"
#include "codec/msgpack/pack.h"

/* Bytes that a text-mode copy or a seven-bit channel would break: CR LF, ^Z, LF. */
static const uint8_t head_magic[8] = { 'T', 'E', 'G', 'S', 0x0d, 0x0a, 0x1a, 0x0a };
static const uint8_t tail_magic[8] = { 'T', 'E', 'G', 'S', 'E', 'N', 'D', 0x0a };

#define ATTRS_MAX 10000
#define TRAILER_HASHED 24 /* bytes of the trailer that its own checksum covers, after the footer */

/* ---- header ---- */

void segment_put_header(struct buf *out)
{
	buf_append(out, head_magic, sizeof head_magic);
	buf_u16(out, FORMAT_MAJOR);
	buf_u16(out, FORMAT_MINOR);
	buf_u32(out, 0); /* required features: none are defined yet */
}

teg_status segment_check_header(struct span bytes, teg_error *err)
{
	struct reader r = reader_of(bytes);
	struct span magic = reader_take(&r, sizeof head_magic);
	unsigned major = reader_u16(&r), minor = reader_u16(&r);
	uint32_t required = reader_u32(&r);

	if (!reader_ok(&r))
		return teg_fail(err, TEG_CORRUPT, "segment header: %zu bytes are too few",
		                bytes.len);
	if (!span_equal(magic, span_of(head_magic, sizeof head_magic)))
		return teg_fail(err, TEG_CORRUPT, "segment header: wrong magic, not a segment");
	if (major != FORMAT_MAJOR)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "segment header: format version %u.%u, this build reads %d.x",
		                major, minor, FORMAT_MAJOR);
	if (required)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "segment header: format version %u.%u needs unknown features %#x",
		                major, minor, (unsigned)required);
	return TEG_OK;
}

/* ---- footer and trailer ---- */

static void put_root(const struct segment_footer *footer, struct buf *out)
{
	struct index_entry entry = footer->root;
	struct index_page page = {
		.n = 1, .n_dims = footer->n_dims, .n_attrs = footer->n_attrs, .entries = &entry
	};
	struct buf bytes;

	buf_init(&bytes, out->alloc, out->max);
	index_put_page(&page, &bytes);
	pack_key(out, "root");
	pack_bytes(out, buf_span(&bytes));
	if (buf_status(&bytes) != TEG_OK)
		out->status = buf_status(&bytes);
	buf_release(&bytes);
}

static void put_keys(const struct segment_footer *footer, struct buf *out)
{
	pack_key(out, "keys");
	pack_array(out, 3);
	pack_u64(out, footer->keys.off);
	pack_u64(out, footer->keys.len);
	pack_u64(out, footer->keys.checksum);
}

static void put_map(const struct segment_footer *footer, struct buf *out)
{
	pack_map(out, 8u + (footer->levels ? 1 : 0) + (footer->keys.len ? 1 : 0));
	pack_key(out, "array");
	pack_u64(out, footer->array_id);
	pack_key(out, "schema");
	pack_u64(out, footer->schema_version);
	pack_key(out, "commit");
	pack_bytes(out, span_of(footer->commit_id, sizeof footer->commit_id));
	pack_key(out, "fresh");
	pack_bool(out, footer->fresh);
	pack_key(out, "implicit");
	pack_bool(out, footer->implicit_ids);
	pack_key(out, "dims");
	pack_u64(out, footer->n_dims);
	pack_key(out, "attrs");
	pack_array(out, footer->n_attrs);
	for (uint32_t a = 0; a < footer->n_attrs; a++)
		pack_u64(out, footer->attr_ids[a]);
	pack_key(out, "levels");
	pack_u64(out, footer->levels);
	if (footer->levels)
		put_root(footer, out);
	if (footer->keys.len)
		put_keys(footer, out);
}

void segment_put_footer(const struct segment_footer *footer, uint64_t footer_off, struct buf *out,
                        uint64_t *checksum_out)
{
	size_t from = out->len, footer_len;

	*checksum_out = 0;
	put_map(footer, out);
	footer_len = out->len - from;
	buf_u64(out, footer_off);
	buf_u32(out, (uint32_t)footer_len);
	buf_u32(out, 0);
	buf_u64(out, footer_off + footer_len + SEGMENT_TRAILER_LEN);
	if (buf_status(out) != TEG_OK)
		return;
	buf_u64(out, hash_bytes(span_of(out->at + from, out->len - from)));
	buf_append(out, tail_magic, sizeof tail_magic);
	if (buf_status(out) == TEG_OK)
		*checksum_out = hash_bytes(span_of(out->at + from, out->len - from));
}

teg_status segment_parse_trailer(struct span bytes, uint64_t segment_len, uint64_t *footer_off_out,
                                 uint32_t *footer_len_out, teg_error *err)
{
	struct reader r = reader_of(bytes);
	uint64_t footer_off = reader_u64(&r);
	uint32_t footer_len = reader_u32(&r), zero = reader_u32(&r);
	uint64_t len = reader_u64(&r);
	struct span magic;

	reader_u64(&r); /* the checksum: needs the footer */
	magic = reader_take(&r, sizeof tail_magic);
	if (!reader_ok(&r) || bytes.len != SEGMENT_TRAILER_LEN)
		return teg_fail(err, TEG_CORRUPT, "segment trailer: cut off");
	if (!span_equal(magic, span_of(tail_magic, sizeof tail_magic)))
		return teg_fail(err, TEG_CORRUPT, "segment trailer: wrong magic");
	if (zero || len != segment_len)
		return teg_fail(err, TEG_CORRUPT,
		                "segment trailer: says %llu bytes, there are %llu",
		                (unsigned long long)len, (unsigned long long)segment_len);
	if (segment_len < SEGMENT_HEADER_LEN + SEGMENT_TRAILER_LEN ||
	    footer_off < SEGMENT_HEADER_LEN || footer_off > segment_len - SEGMENT_TRAILER_LEN ||
	    footer_len != segment_len - SEGMENT_TRAILER_LEN - footer_off)
		return teg_fail(err, TEG_CORRUPT,
		                "segment trailer: footer lies outside the segment");
	*footer_off_out = footer_off;
	*footer_len_out = footer_len;
	return TEG_OK;
}

static teg_status corrupt(teg_error *err, const char *why)
{
	return teg_fail(err, TEG_CORRUPT, "segment footer: %s", why);
}

static teg_status take_attrs(const struct node *map, struct arena *arena,
                             struct segment_footer *footer, teg_error *err)
{
	const struct node *items;

	if (!node_array(node_get(map, "attrs"), ATTRS_MAX, &items, &footer->n_attrs))
		return corrupt(err, "attributes missing or too many");
	footer->attr_ids = arena_array(arena, footer->n_attrs, sizeof *footer->attr_ids);
	if (!footer->attr_ids)
		return teg_fail(err, TEG_NOMEM, "segment footer: no memory for attributes");
	for (uint32_t a = 0; a < footer->n_attrs; a++) {
		uint64_t id;

		if (!node_u64(&items[a], UINT16_MAX, &id) || (a && id <= footer->attr_ids[a - 1]))
			return corrupt(err, "attribute ids do not ascend");
		footer->attr_ids[a] = (uint32_t)id;
	}
	return TEG_OK;
}

static teg_status take_root(const struct node *map, uint64_t segment_len, struct arena *arena,
                            struct segment_footer *footer, teg_error *err)
{
	struct index_page page;
	struct span bytes;

	if (!footer->levels)
		return node_get(map, "root") ? corrupt(err, "a root but no levels") : TEG_OK;
	if (!node_bytes(node_get(map, "root"), &bytes))
		return corrupt(err, "no root of the index");
	TEG_TRY(index_parse_page(bytes, segment_len, footer->n_dims, footer->n_attrs, arena, &page,
	                         err));
	if (page.n != 1 || page.leaf)
		return corrupt(err, "the root is one entry of an upper page");
	footer->root = page.entries[0];
	return TEG_OK;
}

static teg_status take_keys(const struct node *map, uint64_t segment_len,
                            struct segment_footer *footer, teg_error *err)
{
	const struct node *keys = node_get(map, "keys"), *items;
	uint32_t n;

	if (!keys)
		return TEG_OK;
	if (!node_array(keys, 3, &items, &n) || n != 3 ||
	    !node_u64(&items[0], segment_len, &footer->keys.off) ||
	    !node_u64(&items[1], segment_len - footer->keys.off, &footer->keys.len) ||
	    !node_u64(&items[2], UINT64_MAX, &footer->keys.checksum) || !footer->keys.len)
		return corrupt(err, "the key index lies outside the segment");
	return TEG_OK;
}

static teg_status take_map(const struct node *map, struct segment_footer *footer, teg_error *err)
{
	uint64_t schema_version, n_dims, levels;
	struct span commit_id;

	if (map->type != NODE_MAP)
		return corrupt(err, "not a map");
	if (!node_u64(node_get(map, "array"), UINT64_MAX, &footer->array_id) ||
	    !node_u64(node_get(map, "schema"), UINT32_MAX, &schema_version) ||
	    !node_bytes(node_get(map, "commit"), &commit_id) ||
	    commit_id.len != sizeof footer->commit_id ||
	    !node_bool(node_get(map, "fresh"), &footer->fresh) ||
	    !node_bool(node_get(map, "implicit"), &footer->implicit_ids) ||
	    !node_u64(node_get(map, "dims"), TILE_DIMS_MAX, &n_dims) ||
	    !node_u64(node_get(map, "levels"), INDEX_LEVELS_MAX, &levels))
		return corrupt(err, "a field is missing or out of range");
	footer->schema_version = (uint32_t)schema_version;
	memcpy(footer->commit_id, commit_id.at, commit_id.len);
	footer->n_dims = (uint32_t)n_dims;
	footer->levels = (uint8_t)levels;
	return TEG_OK;
}

/* The trailer's own checksum holds where no reference is at hand, as in salvage. */
static bool own_checksum_holds(struct span bytes)
{
	size_t hashed = bytes.len - SEGMENT_TRAILER_LEN + TRAILER_HASHED;

	return hash_bytes((struct span){ bytes.at, hashed }) == load_u64(bytes.at + hashed);
}

teg_status segment_parse_footer(struct span bytes, uint64_t segment_len, struct arena *arena,
                                struct segment_footer *footer_out, teg_error *err)
{
	struct segment_footer footer = { 0 };
	const struct node *map;

	if (bytes.len < SEGMENT_TRAILER_LEN || !own_checksum_holds(bytes))
		return corrupt(err, "checksum differs");
	bytes.len -= SEGMENT_TRAILER_LEN;
	TEG_TRY(node_parse(bytes, "segment footer", arena, &map, err));
	TEG_TRY(take_map(map, &footer, err));
	TEG_TRY(take_attrs(map, arena, &footer, err));
	TEG_TRY(take_root(map, segment_len, arena, &footer, err));
	TEG_TRY(take_keys(map, segment_len, &footer, err));
	*footer_out = footer;
	return TEG_OK;
}
