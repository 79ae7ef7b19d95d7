/* Looking a key up in the index that a segment carries. */
#include <stdatomic.h>
#include "engine/schema/key.h"
#include "engine/store/headers.h"
#include "engine/store/segment_keys.h"
#include "engine/store/tile.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a key index");
}

/* ---- opening ---- */

/* The reference of the index, made from the one of its host. */
static struct segment_ref ref_of(const struct segment *host)
{
	struct segment_ref ref = { .inlined = host->ref->inlined,
		                   .manifest = host->ref->manifest,
		                   .off = host->ref->off + host->footer.keys.off,
		                   .len = host->footer.keys.len,
		                   .checksum = host->footer.keys.checksum,
		                   .within = true,
		                   .fresh = true };

	memcpy(ref.object, host->ref->object, sizeof ref.object);
	return ref;
}

static teg_status open_index(struct segment *host, struct key_segment *keys, teg_error *err)
{
	const struct schema *schema;
	teg_status status;

	keys->ref = ref_of(host);
	arena_init(&keys->arena, host->alloc, SIZE_MAX);
	status = key_index_schema(&keys->arena, &schema, err);
	if (status == TEG_OK)
		status = segment_open(&keys->segment, &keys->ref, schema, host->os, host->file,
		                      host->alloc, err);
	keys->segment.kept = host->kept;
	if (status == TEG_OK && host->map)
		keys->segment.map = os_map_share(host->map);
	if (status == TEG_OK) {
		status = segment_keep_headers(&keys->segment, HEADERS_KEPT, err);
		if (status != TEG_OK)
			segment_release(&keys->segment);
	}
	if (status != TEG_OK)
		arena_release(&keys->arena);
	return status;
}

void segment_keys_free(struct key_segment *keys, const teg_allocator *alloc)
{
	if (!keys)
		return;
	segment_release(&keys->segment);
	arena_release(&keys->arena);
	mem_free(alloc, keys, sizeof *keys);
}

teg_status segment_keys(struct segment *segment, struct segment **keys_out, teg_error *err)
{
	struct key_segment *keys = atomic_load(&segment->keys), *other = NULL;
	teg_status status;

	*keys_out = keys ? &keys->segment : NULL;
	if (keys || !segment->footer.keys.len)
		return TEG_OK;
	keys = mem_zalloc(segment->alloc, sizeof *keys);
	if (!keys)
		return no_memory(err);
	status = open_index(segment, keys, err);
	if (status != TEG_OK) {
		mem_free(segment->alloc, keys, sizeof *keys);
		return status;
	}
	if (!atomic_compare_exchange_strong(&segment->keys, &other, keys)) {
		segment_keys_free(keys, segment->alloc); /* another thread was faster */
		keys = other;
	}
	*keys_out = &keys->segment;
	return TEG_OK;
}

/* ---- looking up ---- */

struct lookup {
	struct segment *host, *keys;
	uint64_t code;
	struct tile_reader *reader;
	struct column_buf *ids;
	teg_error *err;
};

static bool may_hold(void *ctx, const struct index_entry *entry, bool leaf)
{
	const struct lookup *l = ctx;

	(void)leaf;
	return entry->lo[0] <= l->code && l->code <= entry->hi[0];
}

/* Places become ids where the host leaves ids out. */
static teg_status make_ids(const struct lookup *l, size_t from)
{
	const struct segment_ref *ref = l->host->ref;
	int64_t *ids = (int64_t *)(void *)l->ids->values;

	for (size_t i = from; ref->implicit_ids && i < l->ids->n; i++) {
		if ((uint64_t)ids[i] >= ref->n_rows)
			return teg_fail(l->err, TEG_CORRUPT,
			                "a key index names a row that its segment does not have");
		ids[i] += ref->first_row_id;
	}
	return TEG_OK;
}

static teg_status look_in_tile(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct lookup *l = ctx;
	struct tile tile;
	uint32_t from = 0, end = 0;
	size_t before = l->ids->n;
	teg_status status;

	(void)number;
	TEG_TRY(tile_open(&tile, l->keys, entry, l->reader->alloc, l->err));
	status = tile_search_column(l->reader, &tile, &l->keys->schema->dims[0], l->code, l->code,
	                            &from, &end, l->err);
	if (status == TEG_OK && end > from)
		status = tile_read_column(l->reader, &tile, COLUMN_ID_ATTRIBUTE, from, end - from,
		                          l->ids, l->err);
	tile_release(&tile);
	return status == TEG_OK ? make_ids(l, before) : status;
}

teg_status segment_find_key(struct segment *segment, uint64_t code, struct tile_reader *reader,
                            struct column_buf *ids_out, teg_error *err)
{
	struct lookup l = {
		.host = segment, .code = code, .reader = reader, .ids = ids_out, .err = err
	};
	teg_status status;

	TEG_TRY(segment_keys(segment, &l.keys, err));
	if (!l.keys)
		return TEG_OK;
	status = segment_walk(l.keys, may_hold, look_in_tile, &l, NULL, err);
	return status == TEG_OK ? status : error_in_file(err, status, segment->path);
}

/* ---- walking ---- */

struct key_walk {
	struct lookup at; /* `ids` is what a tile gave */
	struct column_buf codes;
	keys_want want;
	keys_each each;
	void *ctx;
};

static bool is_wanted(void *ctx, const struct index_entry *entry, bool leaf)
{
	const struct key_walk *w = ctx;
	uint64_t lo = entry->lo[0], hi = entry->hi[0];

	(void)leaf;
	return !w->want || w->want(w->ctx, &lo, &hi);
}

static teg_status read_entries(struct key_walk *w, const struct tile *tile, uint64_t lo,
                               uint64_t hi)
{
	struct lookup *l = &w->at;
	uint32_t from = 0, end = 0;

	column_buf_clear(&w->codes);
	column_buf_clear(l->ids);
	TEG_TRY(tile_search_column(l->reader, tile, &l->keys->schema->dims[0], lo, hi, &from, &end,
	                           l->err));
	if (end <= from)
		return TEG_OK;
	TEG_TRY(tile_read_column(l->reader, tile, 0, from, end - from, &w->codes, l->err));
	TEG_TRY(tile_read_column(l->reader, tile, COLUMN_ID_ATTRIBUTE, from, end - from, l->ids,
	                         l->err));
	return make_ids(l, 0);
}

static teg_status walk_tile(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct key_walk *w = ctx;
	uint64_t lo = entry->lo[0], hi = entry->hi[0];
	struct tile tile;
	teg_status status;

	(void)number;
	if (w->want)
		w->want(w->ctx, &lo, &hi);
	TEG_TRY(tile_open(&tile, w->at.keys, entry, w->at.reader->alloc, w->at.err));
	status = read_entries(w, &tile, lo, hi);
	tile_release(&tile);
	if (status != TEG_OK || !w->codes.n)
		return status;
	return w->each(w->ctx, (const uint64_t *)(const void *)w->codes.values,
	               (const int64_t *)(const void *)w->at.ids->values, w->codes.n, w->at.err);
}

teg_status segment_walk_keys(struct segment *segment, keys_want want, keys_each each, void *ctx,
                             struct tile_reader *reader, teg_error *err)
{
	struct column_buf ids;
	struct key_walk w = { .at = { .host = segment, .reader = reader, .ids = &ids, .err = err },
		              .want = want,
		              .each = each,
		              .ctx = ctx };
	teg_status status;

	TEG_TRY(segment_keys(segment, &w.at.keys, err));
	if (!w.at.keys)
		return TEG_OK;
	column_buf_init(&w.codes, COLUMN_FIXED, 8, reader->alloc);
	column_buf_init(&ids, COLUMN_FIXED, 8, reader->alloc);
	status = segment_walk(w.at.keys, is_wanted, walk_tile, &w, NULL, err);
	column_buf_release(&w.codes);
	column_buf_release(&ids);
	return status == TEG_OK ? status : error_in_file(err, status, segment->path);
}
