#include "engine/store/record.h"
#include "engine/order/order.h"
#include "engine/store/keys.h"

static void put_u64(struct buf *out, const char *key, uint64_t v)
{
	pack_key(out, key);
	pack_u64(out, v);
}

static void put_i64(struct buf *out, const char *key, int64_t v)
{
	pack_key(out, key);
	pack_i64(out, v);
}

static void put_bytes(struct buf *out, const char *key, struct span bytes)
{
	pack_key(out, key);
	pack_bytes(out, bytes);
}

static void put_text(struct buf *out, const char *key, struct span text)
{
	pack_key(out, key);
	pack_text(out, text);
}

static bool get_u64(const struct node *map, const char *key, uint64_t *out)
{
	return node_u64(node_get(map, key), UINT64_MAX, out);
}

static bool get_i64(const struct node *map, const char *key, int64_t *out)
{
	return node_i64(node_get(map, key), out);
}

static teg_status corrupt(teg_error *err, const char *what)
{
	return teg_fail(err, TEG_CORRUPT, "catalog: %s is not whole", what);
}

/* ---- arrays ---- */

void record_put_array(const struct array_record *record, struct buf *out)
{
	const struct retention *keep = &record->retention;

	pack_map(out, 6u + (keep->drops ? 1u : 0u) + (keep->floor_us ? 1u : 0u));
	put_u64(out, "id", record->id);
	put_u64(out, "created", record->created_version);
	put_i64(out, "last", record->last_system_time);
	put_i64(out, "horizon", record->horizon);
	put_i64(out, "next_row", record->next_row_id);
	if (keep->drops)
		put_i64(out, "retain", keep->duration_us);
	if (keep->floor_us)
		put_i64(out, "floor", keep->floor_us);
	put_bytes(out, "schema", record->schema);
}

/* Durations are not negative; without one everything is kept. */
static bool parse_retention(const struct node *map, struct retention *out)
{
	*out = (struct retention){ .drops = node_get(map, "retain") != NULL };
	if (out->drops && (!get_i64(map, "retain", &out->duration_us) || out->duration_us < 0))
		return false;
	return !node_get(map, "floor") ||
	       (get_i64(map, "floor", &out->floor_us) && out->floor_us > 0);
}

teg_status record_parse_array(struct span bytes, struct arena *arena,
                              struct array_record *record_out, teg_error *err)
{
	const struct node *map;

	TEG_TRY(node_parse(bytes, "array record", arena, &map, err));
	if (!get_u64(map, "id", &record_out->id) ||
	    !get_u64(map, "created", &record_out->created_version) ||
	    !get_i64(map, "last", &record_out->last_system_time) ||
	    !get_i64(map, "horizon", &record_out->horizon) ||
	    !get_i64(map, "next_row", &record_out->next_row_id) || record_out->next_row_id < 0 ||
	    !node_bytes(node_get(map, "schema"), &record_out->schema) ||
	    !parse_retention(map, &record_out->retention))
		return corrupt(err, "array record");
	return TEG_OK;
}

/* ---- segments ---- */

enum segment_flag {
	FLAG_INLINED = 1,
	FLAG_FRESH = 2,
	FLAG_IMPLICIT_IDS = 4,
	FLAG_COMPACTED = 8,
	FLAG_HISTORY = 16
};
#define FLAGS_ALL 31u

static uint64_t flags_of(const struct segment_ref *ref)
{
	return (ref->inlined ? FLAG_INLINED : 0u) | (ref->fresh ? FLAG_FRESH : 0u) |
	       (ref->implicit_ids ? FLAG_IMPLICIT_IDS : 0u) |
	       (ref->compacted ? FLAG_COMPACTED : 0u) | (ref->history ? FLAG_HISTORY : 0u);
}

/* The fields that are plain numbers, by name: one table for writing and for reading. */
static const struct {
	const char *key;
	size_t at;
} unsigned_fields[] = {
	{ "last", offsetof(struct segment_ref, last_version) },
	{ "off", offsetof(struct segment_ref, off) },
	{ "len", offsetof(struct segment_ref, len) },
	{ "hash", offsetof(struct segment_ref, checksum) },
	{ "erased", offsetof(struct segment_ref, erased_through) },
	{ "derived", offsetof(struct segment_ref, derived_through) },
	{ "tiles", offsetof(struct segment_ref, n_tiles) },
	{ "rows", offsetof(struct segment_ref, n_rows) },
	{ "live", offsetof(struct segment_ref, n_live) },
	{ "tombs", offsetof(struct segment_ref, n_tombstones) },
	{ "gone", offsetof(struct segment_ref, n_erased) },
	{ "inexact", offsetof(struct segment_ref, n_inexact) },
	{ "open", offsetof(struct segment_ref, n_open) },
}, signed_fields[] = {
	{ "time", offsetof(struct segment_ref, system_time) },
	{ "row", offsetof(struct segment_ref, first_row_id) },
	{ "s_min", offsetof(struct segment_ref, system_from_min) },
	{ "s_max", offsetof(struct segment_ref, system_from_max) },
	{ "s_end", offsetof(struct segment_ref, superseded_max) },
	{ "s_first", offsetof(struct segment_ref, superseded_min) },
	{ "v_min", offsetof(struct segment_ref, valid_from_min) },
	{ "v_max", offsetof(struct segment_ref, valid_until_max) },
};
#define N_UNSIGNED (sizeof unsigned_fields / sizeof *unsigned_fields)
#define N_SIGNED (sizeof signed_fields / sizeof *signed_fields)

static uint64_t number_at(const struct segment_ref *ref, size_t at)
{
	uint64_t v;

	memcpy(&v, (const uint8_t *)ref + at, sizeof v);
	return v;
}

/* Zeros are left out. */
static uint32_t count_numbers(const struct segment_ref *ref)
{
	uint32_t n = 0;

	for (size_t i = 0; i < N_UNSIGNED; i++)
		n += number_at(ref, unsigned_fields[i].at) != 0;
	for (size_t i = 0; i < N_SIGNED; i++)
		n += number_at(ref, signed_fields[i].at) != 0;
	return n;
}

static void put_numbers(const struct segment_ref *ref, struct buf *out)
{
	for (size_t i = 0; i < N_UNSIGNED; i++) {
		uint64_t v = number_at(ref, unsigned_fields[i].at);

		if (v)
			put_u64(out, unsigned_fields[i].key, v);
	}
	for (size_t i = 0; i < N_SIGNED; i++) {
		int64_t v = (int64_t)number_at(ref, signed_fields[i].at);

		if (v)
			put_i64(out, signed_fields[i].key, v);
	}
}

void record_put_segment(const struct segment_ref *ref, uint32_t n_dims, struct buf *out)
{
	pack_map(out, count_numbers(ref) + 4);
	put_u64(out, "flags", flags_of(ref));
	if (ref->inlined)
		put_u64(out, "in", ref->manifest);
	else
		put_bytes(out, "file", span_of(ref->object, sizeof ref->object));
	put_u64(out, "schema", ref->schema_version);
	put_numbers(ref, out);
	pack_key(out, "box");
	pack_array(out, 2 * n_dims);
	for (uint32_t d = 0; d < n_dims; d++) {
		pack_u64(out, ref->box->lo[d]);
		pack_u64(out, ref->box->hi[d]);
	}
}

/* A number that is left out is 0; one of the wrong type is damage. */
static bool parse_numbers(const struct node *map, struct segment_ref *ref)
{
	for (size_t i = 0; i < N_UNSIGNED; i++) {
		uint64_t v = 0;

		if (node_get(map, unsigned_fields[i].key) &&
		    !get_u64(map, unsigned_fields[i].key, &v))
			return false;
		memcpy((uint8_t *)ref + unsigned_fields[i].at, &v, sizeof v);
	}
	for (size_t i = 0; i < N_SIGNED; i++) {
		int64_t v = 0;

		if (node_get(map, signed_fields[i].key) && !get_i64(map, signed_fields[i].key, &v))
			return false;
		memcpy((uint8_t *)ref + signed_fields[i].at, &v, sizeof v);
	}
	return true;
}

static bool parse_place(const struct node *map, struct segment_ref *ref)
{
	uint64_t flags, schema;
	struct span object;

	if (!node_u64(node_get(map, "flags"), FLAGS_ALL, &flags) ||
	    !node_u64(node_get(map, "schema"), UINT32_MAX, &schema))
		return false;
	ref->inlined = flags & FLAG_INLINED;
	ref->fresh = flags & FLAG_FRESH;
	ref->implicit_ids = flags & FLAG_IMPLICIT_IDS;
	ref->compacted = flags & FLAG_COMPACTED;
	ref->history = flags & FLAG_HISTORY;
	ref->schema_version = (uint32_t)schema;
	if (ref->inlined)
		return get_u64(map, "in", &ref->manifest);
	if (!node_bytes(node_get(map, "file"), &object) || object.len != sizeof ref->object)
		return false;
	memcpy(ref->object, object.at, object.len);
	return true;
}

static bool parse_box(const struct node *map, uint32_t n_dims, struct box *box)
{
	const struct node *items;
	uint32_t n;

	if (!node_array(node_get(map, "box"), 2 * n_dims, &items, &n) || n != 2 * n_dims)
		return false;
	for (uint32_t d = 0; d < n_dims; d++)
		if (!node_u64(&items[2 * d], UINT64_MAX, &box->lo[d]) ||
		    !node_u64(&items[2 * d + 1], UINT64_MAX, &box->hi[d]))
			return false;
	return true;
}

teg_status record_parse_segment(struct span key, struct span bytes, uint32_t n_dims,
                                struct arena *scratch, struct arena *arena,
                                struct segment_ref *ref_out, teg_error *err)
{
	const struct node *map;
	uint64_t end;

	if (key.len != 21)
		return corrupt(err, "segment key");
	TEG_TRY(node_parse(bytes, "segment reference", scratch, &map, err));
	ref_out->first_version = key_load(key.at + 9, 8);
	ref_out->part = (uint32_t)key_load(key.at + 17, 4);
	ref_out->box = arena_alloc(arena, sizeof *ref_out->box);
	if (!ref_out->box)
		return teg_fail(err, TEG_NOMEM, "no memory for a segment reference");
	if (!parse_place(map, ref_out) || !parse_numbers(map, ref_out) ||
	    !parse_box(map, n_dims, ref_out->box) ||
	    ref_out->last_version < ref_out->first_version ||
	    __builtin_add_overflow(ref_out->off, ref_out->len, &end))
		return corrupt(err, "segment reference");
	return TEG_OK;
}

teg_status record_segment_dims(struct span bytes, struct arena *scratch, uint32_t *n_dims_out,
                               teg_error *err)
{
	const struct node *map, *items;
	uint32_t n;

	TEG_TRY(node_parse(bytes, "segment reference", scratch, &map, err));
	if (!node_array(node_get(map, "box"), 2 * TEG_MAX_DIMENSIONS, &items, &n) || n % 2)
		return corrupt(err, "segment reference");
	*n_dims_out = n / 2;
	return TEG_OK;
}

/* ---- versions ---- */

void record_put_metadata(const teg_metadata *metadata, size_t n, struct buf *out)
{
	pack_array(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		pack_array(out, 2);
		pack_bytes(out, span_of(metadata[i].key, metadata[i].key_len));
		pack_bytes(out, span_of(metadata[i].value, metadata[i].value_len));
	}
}

static bool parse_pair(const struct node *pair, struct arena *arena, teg_metadata *out)
{
	const struct node *items;
	struct span key, value;
	uint32_t n;

	if (!node_array(pair, 2, &items, &n) || n != 2 || !node_bytes(&items[0], &key) ||
	    !node_bytes(&items[1], &value))
		return false;
	*out = (teg_metadata){ arena_text(arena, key), arena_text(arena, value), key.len,
		               value.len };
	return out->key && out->value;
}

bool record_parse_metadata(const struct node *node, struct arena *arena,
                           const teg_metadata **metadata_out, size_t *n_out)
{
	const struct node *items;
	teg_metadata *all;
	uint32_t n;

	if (!node_array(node, PACK_NODES_MAX, &items, &n))
		return false;
	all = arena_array(arena, n, sizeof *all);
	if (!all)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!parse_pair(&items[i], arena, &all[i]))
			return false;
	*metadata_out = all;
	*n_out = n;
	return true;
}

void record_put_version(const struct version_record *record, struct buf *out)
{
	pack_map(out, record->redacted ? 12 : 11);
	put_bytes(out, "commit", span_of(record->commit_id, sizeof record->commit_id));
	put_i64(out, "time", record->system_time);
	put_i64(out, "wall", record->wall_time);
	put_text(out, "writer", record->writer);
	put_text(out, "library", record->library);
	put_text(out, "action", record->action);
	put_u64(out, "arrays", record->n_arrays);
	put_u64(out, "rows", record->n_rows);
	put_u64(out, "segments", record->n_segments);
	put_u64(out, "bytes", record->n_bytes);
	pack_key(out, "meta");
	record_put_metadata(record->metadata, record->n_metadata, out);
	if (record->redacted)
		put_u64(out, "redacted", record->redacted);
}

teg_status record_read_version(uint64_t version, const struct node *map, struct arena *arena,
                               struct version_record *r, teg_error *err)
{
	struct span commit;

	r->redacted = 0;
	if (!node_bytes(node_get(map, "commit"), &commit) || commit.len != sizeof r->commit_id ||
	    !get_i64(map, "time", &r->system_time) || !get_i64(map, "wall", &r->wall_time) ||
	    !node_text(node_get(map, "writer"), &r->writer) ||
	    !node_text(node_get(map, "library"), &r->library) ||
	    !node_text(node_get(map, "action"), &r->action) ||
	    !get_u64(map, "arrays", &r->n_arrays) || !get_u64(map, "rows", &r->n_rows) ||
	    !get_u64(map, "segments", &r->n_segments) || !get_u64(map, "bytes", &r->n_bytes) ||
	    !record_parse_metadata(node_get(map, "meta"), arena, &r->metadata, &r->n_metadata) ||
	    (node_get(map, "redacted") && !get_u64(map, "redacted", &r->redacted)))
		return corrupt(err, "version record");
	memcpy(r->commit_id, commit.at, commit.len);
	r->version = version;
	return TEG_OK;
}

teg_status record_parse_version(uint64_t version, struct span bytes, struct arena *arena,
                                struct version_record *record_out, teg_error *err)
{
	const struct node *map;

	TEG_TRY(node_parse(bytes, "version record", arena, &map, err));
	return record_read_version(version, map, arena, record_out, err);
}

/* ---- writers ---- */

void record_put_writer(const struct writer_record *record, struct buf *out)
{
	pack_map(out, 9);
	put_u64(out, "sequence", record->sequence);
	put_u64(out, "digest", record->digest);
	put_u64(out, "version", record->version);
	put_i64(out, "time", record->system_time);
	put_i64(out, "distance", record->clock_distance);
	put_u64(out, "arrays", record->n_arrays);
	put_u64(out, "rows", record->n_rows);
	put_u64(out, "segments", record->n_segments);
	put_u64(out, "bytes", record->n_bytes);
}

teg_status record_parse_writer(struct span bytes, struct arena *arena, struct writer_record *r,
                               teg_error *err)
{
	const struct node *map;

	TEG_TRY(node_parse(bytes, "writer record", arena, &map, err));
	if (!get_u64(map, "sequence", &r->sequence) || !get_u64(map, "digest", &r->digest) ||
	    !get_u64(map, "version", &r->version) || !get_i64(map, "time", &r->system_time) ||
	    !get_i64(map, "distance", &r->clock_distance) ||
	    !get_u64(map, "arrays", &r->n_arrays) || !get_u64(map, "rows", &r->n_rows) ||
	    !get_u64(map, "segments", &r->n_segments) || !get_u64(map, "bytes", &r->n_bytes))
		return corrupt(err, "writer record");
	return TEG_OK;
}
