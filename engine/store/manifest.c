#include "engine/store/manifest.h"
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "codec/tile/segment.h"
#include <stdio.h>

#define NUMBER_DIGITS 20
#define TAIL_READ 4096 /* bytes read at once at the end: enough for most heads */

/* The first byte is not ASCII and CR LF follow, so that text transfers and cut files show. */
static const uint8_t magic[8] = { 0x89, 'T', 'E', 'G', 'M', '\r', '\n', 0x1a };

void manifest_path(uint64_t number, char path_out[OS_PATH_MAX])
{
	snprintf(path_out, OS_PATH_MAX, "manifests/%020llu", (unsigned long long)number);
}

bool manifest_number(const char *name, uint64_t *number_out)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < NUMBER_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		if (!u64_mul(number, 10, &number) ||
		    !u64_add(number, (uint64_t)(name[i] - '0'), &number))
			return false;
	}
	*number_out = number;
	return !name[i] && number;
}

/* ---- writing ---- */

void manifest_put_header(uint64_t number, const uint8_t store_id[16], struct buf *out)
{
	buf_append(out, magic, sizeof magic);
	buf_u16(out, FORMAT_MAJOR);
	buf_u16(out, FORMAT_MINOR);
	buf_u32(out, 0);
	buf_u64(out, number);
	buf_append(out, store_id, 16);
}

void manifest_put_entry(const struct manifest_entry *entry, struct buf *out)
{
	buf_u64(out, entry->off);
	buf_u64(out, entry->len);
	buf_u64(out, entry->array_id);
	buf_u64(out, entry->first_version);
	buf_u32(out, entry->part);
}

static void put_files(const struct manifest_head *head, struct buf *out)
{
	pack_array(out, head->n_files);
	for (uint32_t i = 0; i < head->n_files; i++) {
		pack_array(out, 3);
		pack_u64(out, head->files[i].number);
		pack_u64(out, head->files[i].live_len);
		pack_u64(out, head->files[i].dead_since);
	}
}

static void put_root(const struct page_ref *root, struct buf *out)
{
	pack_array(out, 4);
	pack_u64(out, root->manifest);
	pack_u64(out, root->off);
	pack_u64(out, root->len);
	pack_u64(out, root->hash);
}

static void put_head(const struct manifest_head *head, struct buf *out)
{
	pack_map(out, 8);
	pack_key(out, "version");
	pack_u64(out, head->record.version);
	pack_key(out, "record");
	record_put_version(&head->record, out);
	pack_key(out, "parent");
	pack_u64(out, head->parent_hash);
	pack_key(out, "newest");
	pack_i64(out, head->newest_time);
	pack_key(out, "arrays");
	pack_u64(out, head->n_arrays);
	pack_key(out, "root");
	put_root(&head->root, out);
	pack_key(out, "files");
	put_files(head, out);
	pack_key(out, "directory");
	pack_u64(out, head->dir_hash);
}

static uint64_t hash_ends(const uint8_t *header, const uint8_t *trailer)
{
	uint8_t ends[MANIFEST_HEADER_LEN + 48];

	memcpy(ends, header, MANIFEST_HEADER_LEN);
	memcpy(ends + MANIFEST_HEADER_LEN, trailer, 48);
	return hash_bytes(span_of(ends, sizeof ends));
}

void manifest_put_tail(const struct manifest_head *head, const uint8_t header[MANIFEST_HEADER_LEN],
                       uint64_t head_off, struct manifest_layout *layout, struct buf *out)
{
	size_t start = out->len;
	size_t trailer;

	put_head(head, out);
	if (buf_status(out) == TEG_OK && out->len - start > MANIFEST_HEAD_MAX)
		out->status = TEG_LIMIT;
	if (buf_status(out) != TEG_OK)
		return;
	layout->head_off = head_off;
	layout->head_len = (uint32_t)(out->len - start);
	layout->head_hash = hash_bytes(span_of(out->at + start, out->len - start));
	layout->file_len = head_off + layout->head_len + MANIFEST_TRAILER_LEN;
	trailer = out->len;
	buf_u64(out, layout->pages_off);
	buf_u64(out, layout->dir_off);
	buf_u64(out, layout->head_off);
	buf_u32(out, layout->head_len);
	buf_u32(out, 0);
	buf_u64(out, layout->head_hash);
	buf_u64(out, layout->file_len);
	if (buf_status(out) != TEG_OK)
		return;
	layout->hash = hash_ends(header, out->at + trailer);
	buf_u64(out, layout->hash);
	buf_append(out, magic, sizeof magic);
}

/* ---- reading ---- */

teg_status manifest_check_header(struct span header, uint64_t number, const uint8_t store_id[16],
                                 teg_error *err)
{
	struct reader r = reader_of(header);
	struct span mark = reader_take(&r, sizeof magic);
	uint16_t major = reader_u16(&r), minor = reader_u16(&r);
	uint32_t required = reader_u32(&r);
	uint64_t there = reader_u64(&r);
	struct span id = reader_take(&r, 16);

	if (!reader_ok(&r) || memcmp(mark.at, magic, sizeof magic) != 0)
		return teg_fail(err, TEG_CORRUPT, "not a manifest: wrong magic");
	if (major != FORMAT_MAJOR)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "manifest of format %u.%u; this library reads %u", major, minor,
		                FORMAT_MAJOR);
	if (required)
		return teg_fail(err, TEG_UNSUPPORTED, "manifest needs unknown features 0x%x",
		                required);
	if (there != number)
		return teg_fail(err, TEG_CORRUPT, "manifest of version %llu under another's name",
		                (unsigned long long)there);
	if (memcmp(id.at, store_id, 16) != 0)
		return teg_fail(err, TEG_CORRUPT, "manifest of another store");
	return TEG_OK;
}

static bool layout_holds(const struct manifest_layout *l, uint64_t file_len)
{
	uint64_t body = file_len - MANIFEST_TRAILER_LEN;

	return l->file_len == file_len && l->pages_off >= MANIFEST_HEADER_LEN &&
	       l->pages_off <= l->dir_off && l->dir_off <= l->head_off && l->head_off <= body &&
	       l->head_len == body - l->head_off && l->head_len <= MANIFEST_HEAD_MAX &&
	       (l->head_off - l->dir_off) % MANIFEST_ENTRY_LEN == 0;
}

teg_status manifest_parse_trailer(struct span header, struct span trailer, uint64_t file_len,
                                  struct manifest_layout *layout_out, teg_error *err)
{
	struct reader r = reader_of(trailer);
	struct manifest_layout l = { 0 };
	uint32_t zero;
	struct span mark;

	l.pages_off = reader_u64(&r);
	l.dir_off = reader_u64(&r);
	l.head_off = reader_u64(&r);
	l.head_len = reader_u32(&r);
	zero = reader_u32(&r);
	l.head_hash = reader_u64(&r);
	l.file_len = reader_u64(&r);
	l.hash = reader_u64(&r);
	mark = reader_take(&r, sizeof magic);
	if (!reader_ok(&r) || memcmp(mark.at, magic, sizeof magic) != 0)
		return teg_fail(err, TEG_CORRUPT, "manifest ends without its trailer");
	if (hash_ends(header.at, trailer.at) != l.hash || zero)
		return teg_fail(err, TEG_CORRUPT,
		                "manifest: checksum of header and trailer differs");
	if (!layout_holds(&l, file_len))
		return teg_fail(err, TEG_CORRUPT, "manifest: parts do not fit a file of %llu bytes",
		                (unsigned long long)file_len);
	*layout_out = l;
	return TEG_OK;
}

static bool parse_root(const struct node *node, uint64_t number, struct page_ref *root)
{
	const struct node *items;
	uint64_t len;
	uint32_t n;

	if (!node_array(node, 4, &items, &n) || n != 4 ||
	    !node_u64(&items[0], number, &root->manifest) ||
	    !node_u64(&items[1], UINT64_MAX, &root->off) ||
	    !node_u64(&items[2], PAGE_LEN_LIMIT, &len) ||
	    !node_u64(&items[3], UINT64_MAX, &root->hash))
		return false;
	root->len = (uint32_t)len;
	return true;
}

static bool parse_use(const struct node *node, uint64_t number, struct manifest_use *use)
{
	const struct node *items;
	uint32_t n;

	return node_array(node, 3, &items, &n) && n == 3 &&
	       node_u64(&items[0], number, &use->number) &&
	       node_u64(&items[1], UINT64_MAX, &use->live_len) &&
	       node_u64(&items[2], number, &use->dead_since);
}

static teg_status parse_files(const struct node *node, uint64_t number, struct arena *arena,
                              struct manifest_head *head, teg_error *err)
{
	const struct node *items;
	uint32_t n;

	if (!node_array(node, PACK_NODES_MAX, &items, &n))
		return teg_fail(err, TEG_CORRUPT, "manifest: list of files");
	head->files = arena_array(arena, n, sizeof *head->files);
	if (!head->files)
		return teg_fail(err, TEG_NOMEM, "no memory for a manifest");
	for (uint32_t i = 0; i < n; i++)
		if (!parse_use(&items[i], number, &head->files[i]) ||
		    (i && head->files[i].number <= head->files[i - 1].number))
			return teg_fail(err, TEG_CORRUPT, "manifest: file %u of its list", i);
	head->n_files = n;
	return TEG_OK;
}

teg_status manifest_parse_head(struct span bytes, uint64_t number, struct arena *arena,
                               struct manifest_head *head_out, teg_error *err)
{
	const struct node *map, *record;
	uint64_t version;

	TEG_TRY(node_parse(bytes, "manifest head", arena, &map, err));
	record = node_get(map, "record");
	if (!node_u64(node_get(map, "version"), UINT64_MAX, &version) || version != number ||
	    !node_u64(node_get(map, "parent"), UINT64_MAX, &head_out->parent_hash) ||
	    !node_i64(node_get(map, "newest"), &head_out->newest_time) ||
	    !node_u64(node_get(map, "arrays"), UINT64_MAX, &head_out->n_arrays) ||
	    !node_u64(node_get(map, "directory"), UINT64_MAX, &head_out->dir_hash) ||
	    !parse_root(node_get(map, "root"), number, &head_out->root))
		return teg_fail(err, TEG_CORRUPT, "manifest: head is not whole");
	TEG_TRY(parse_files(node_get(map, "files"), number, arena, head_out, err));
	return record_read_version(number, record, arena, &head_out->record, err);
}

struct manifest_entry manifest_entry_at(struct span directory, size_t i)
{
	const uint8_t *at = directory.at + i * MANIFEST_ENTRY_LEN;

	return (struct manifest_entry){ load_u64(at), load_u64(at + 8), load_u64(at + 16),
		                        load_u64(at + 24), load_u32(at + 32) };
}

teg_status manifest_parse(struct span file, uint64_t number, const uint8_t store_id[16],
                          struct arena *arena, struct manifest_head *head_out, teg_error *err)
{
	struct span header = span_of(file.at, MANIFEST_HEADER_LEN), head, kept;
	struct manifest_layout *l = &head_out->layout;

	if (file.len < MANIFEST_HEADER_LEN + MANIFEST_TRAILER_LEN)
		return teg_fail(err, TEG_CORRUPT, "manifest of only %zu bytes", file.len);
	TEG_TRY(manifest_check_header(header, number, store_id, err));
	TEG_TRY(manifest_parse_trailer(header,
	                               span_of(file.at + file.len - MANIFEST_TRAILER_LEN,
	                                       MANIFEST_TRAILER_LEN),
	                               file.len, l, err));
	head = span_of(file.at + l->head_off, l->head_len);
	if (hash_bytes(head) != l->head_hash)
		return teg_fail(err, TEG_CORRUPT, "manifest: checksum of the head differs");
	kept = arena_copy(arena, head); /* what is parsed points into it */
	if (!kept.at)
		return teg_fail(err, TEG_NOMEM, "no memory for a manifest's head");
	return manifest_parse_head(kept, number, arena, head_out, err);
}

/* The head's bytes: most often they came with the tail. */
static teg_status read_head(struct os *os, struct os_file *file, const char *path,
                            const struct manifest_layout *l, struct span tail, struct arena *arena,
                            struct span *head_out, teg_error *err)
{
	uint64_t tail_off = l->file_len - tail.len;
	uint8_t *bytes;

	if (l->head_off >= tail_off) {
		*head_out = span_of(tail.at + (l->head_off - tail_off), l->head_len);
		return TEG_OK;
	}
	bytes = arena_alloc(arena, l->head_len);
	if (!bytes)
		return teg_fail(err, TEG_NOMEM, "no memory for a manifest's head");
	*head_out = span_of(bytes, l->head_len);
	return os_read(os, file, path, l->head_off, bytes, l->head_len, err);
}

static teg_status read_parts(struct os *os, struct os_file *file, const char *path, uint64_t number,
                             const uint8_t store_id[16], struct arena *arena,
                             struct manifest_head *head, teg_error *err)
{
	uint8_t header[MANIFEST_HEADER_LEN];
	struct span tail, trailer, bytes;
	uint64_t len;
	uint8_t *at;

	TEG_TRY(os_size(os, file, path, &len, err));
	if (len < MANIFEST_HEADER_LEN + MANIFEST_TRAILER_LEN)
		return teg_fail(err, TEG_CORRUPT, "manifest of only %llu bytes",
		                (unsigned long long)len);
	TEG_TRY(os_read(os, file, path, 0, header, sizeof header, err));
	TEG_TRY(manifest_check_header(span_of(header, sizeof header), number, store_id, err));
	tail.len = len < TAIL_READ ? (size_t)len : TAIL_READ;
	at = arena_alloc(arena, tail.len);
	if (!at)
		return teg_fail(err, TEG_NOMEM, "no memory for a manifest");
	tail.at = at;
	TEG_TRY(os_read(os, file, path, len - tail.len, at, tail.len, err));
	trailer = span_of(at + tail.len - MANIFEST_TRAILER_LEN, MANIFEST_TRAILER_LEN);
	TEG_TRY(manifest_parse_trailer(span_of(header, sizeof header), trailer, len, &head->layout,
	                               err));
	TEG_TRY(read_head(os, file, path, &head->layout, tail, arena, &bytes, err));
	if (hash_bytes(bytes) != head->layout.head_hash)
		return teg_fail(err, TEG_CORRUPT, "manifest: checksum of the head differs");
	return manifest_parse_head(bytes, number, arena, head, err);
}

teg_status manifest_read(struct os *os, struct os_file *file, uint64_t number,
                         const uint8_t store_id[16], struct arena *arena,
                         struct manifest_head *head_out, teg_error *err)
{
	char path[OS_PATH_MAX];
	teg_status status;

	manifest_path(number, path);
	status = read_parts(os, file, path, number, store_id, arena, head_out, err);
	return status == TEG_OK ? TEG_OK : error_in_file(err, status, path);
}
