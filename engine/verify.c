/* Verify: every referenced byte against its checksum; deep: everything decoded, statistics checked.
 * Goes on after damage, so that one run lists all of it. */
#include <string.h>
#include "codec/base/hash.h"
#include "engine/scan/keys.h"
#include "engine/schema/key.h"
#include "engine/store/keys.h"
#include "engine/store/marker.h"
#include "engine/store/options.h"
#include "engine/store/version.h"
#include "engine/unique/unique.h"
#include "engine/verify_rules.h"

struct verifying {
	struct teg_store *store;
	bool deep;
	teg_damage each;
	void *ctx;
	teg_verify_result result;
	struct tile_reader reader;
	struct buf bytes;
	const char *array; /* at hand */
	/* Of the segment at hand, deep: what its key index has to hold, and what it does, as sums. */
	struct entries {
		uint64_t n, sum, code, row; /* the last one counted */
	} due, held;
};

/* Damage is reported and passed over; what is no damage ends the run. */
static teg_status settle(struct verifying *v, teg_status status, teg_error *err)
{
	if (status != TEG_CORRUPT && status != TEG_UNSUPPORTED && status != TEG_NOT_FOUND &&
	    status != TEG_SNAPSHOT_EXPIRED)
		return status;
	if (v->array)
		error_in_array(err, status, v->array);
	v->result.damages++;
	if (v->each)
		v->each(v->ctx, err);
	return TEG_OK;
}

/* ---- tiles ---- */

static teg_status check_page(struct verifying *v, const struct tile *tile,
                             const struct tile_column *column, const struct chunk_page *page,
                             teg_error *err)
{
	const struct segment *s = tile->segment;
	uint64_t off =
		s->ref->off + tile->entry.off + tile->entry.header_len + column->off + page->off;
	uint8_t *to;

	buf_clear(&v->bytes);
	to = buf_extend(&v->bytes, page->stored_len);
	if (!to)
		return teg_fail(err, TEG_NOMEM, "no memory for a page");
	TEG_TRY(os_read(s->os, s->file, s->path, off, to, page->stored_len, err));
	v->result.pages++;
	v->result.bytes += page->stored_len;
	if (hash_bytes(buf_span(&v->bytes)) == page->hash)
		return TEG_OK;
	teg_fail(err, TEG_CORRUPT, "a page's checksum differs");
	error_in_file(err, TEG_CORRUPT, s->path);
	return error_at_offset(err, TEG_CORRUPT, (int64_t)off);
}

static teg_status check_pages(struct verifying *v, const struct tile *tile, teg_error *err)
{
	for (uint32_t i = 0; i < tile->header.n_columns; i++) {
		const struct tile_column *column = &tile->header.columns[i];

		if (column->chunk.n_dictionary)
			TEG_TRY(settle(v,
			               check_page(v, tile, column, &column->chunk.dictionary, err),
			               err));
		for (uint32_t p = 0; p < column->chunk.n_pages; p++)
			TEG_TRY(settle(v, check_page(v, tile, column, &column->chunk.pages[p], err),
			               err));
	}
	return TEG_OK;
}

static teg_status differs(const struct tile *tile, const char *column, const char *what,
                          teg_error *err)
{
	teg_fail(err, TEG_CORRUPT, "%s", what);
	error_in_file(err, TEG_CORRUPT, tile->segment->path);
	error_in_column(err, TEG_CORRUPT, column);
	return error_at_offset(err, TEG_CORRUPT,
	                       (int64_t)(tile->segment->ref->off + tile->entry.off));
}

static bool same_stats(const struct column_stats *a, const struct column_stats *b)
{
	return a->has_bounds == b->has_bounds && a->n_nulls == b->n_nulls && a->n_nan == b->n_nan &&
	       (!a->has_bounds || (a->min == b->min && a->max == b->max));
}

/* Statistics cover live rows: the others are left out before they are counted. */
static teg_status check_stats(struct verifying *v, const struct tile *tile,
                              const struct field *field, const struct column *all,
                              const uint8_t *kinds, teg_error *err)
{
	const struct segment_footer *footer = &tile->segment->footer;
	struct column_stats stats;
	struct column_buf live;
	teg_status status = TEG_OK;
	struct column view;

	column_buf_init_as(&live, field_layout(field), v->store->alloc);
	for (uint32_t i = 0; status == TEG_OK && i < all->n; i++)
		if (kinds[i] == ROW_LIVE)
			status = column_buf_append(&live, all, i, 1);
	view = column_buf_view(&live);
	column_stats_of(&view, field->class, &stats);
	column_buf_release(&live);
	if (status != TEG_OK)
		return teg_fail(err, TEG_NOMEM, "no memory to check statistics");
	for (uint32_t i = 0; i < footer->n_attrs && tile->entry.stats; i++)
		if (footer->attr_ids[i] == field->id && !same_stats(&stats, &tile->entry.stats[i]))
			return differs(tile, field->name, "statistics differ from the values", err);
	return TEG_OK;
}

/* ---- the key index: as many entries as rows ask for, and the same ones ---- */

static void count_entry(struct entries *e, uint64_t code, uint64_t row)
{
	uint64_t both[] = { code, row };

	e->n++;
	e->sum += hash_bytes(span_of(both, sizeof both));
	e->code = code;
	e->row = row;
}

/* Versions of one row that keep its key are neighbours and have one entry. */
static void count_due(struct verifying *v, const struct tile *tile, const struct key_rows *keys,
                      const struct field *field, const struct column *values)
{
	const struct segment_ref *ref = tile->segment->ref;
	int64_t first = ref->implicit_ids ? ref->first_row_id : 0;

	for (uint32_t i = 0; i < values->n; i++) {
		uint64_t row = (uint64_t)(lane_to_i64(keys->lane[0][i]) - first), code;

		if (keys->kind[i] != ROW_LIVE || !column_valid(values, i))
			continue;
		code = key_code(field, column_value(values, i));
		if (!v->due.n || v->due.code != code || v->due.row != row)
			count_entry(&v->due, code, row);
	}
}

static void count_held(struct verifying *v, const struct key_rows *keys,
                       const struct column *values)
{
	for (uint32_t i = 0; i < values->n; i++) {
		uint64_t row;

		memcpy(&row, values->values + 8 * i, sizeof row);
		count_entry(&v->held, keys->lane[0][i], row);
	}
}

static teg_status check_attribute(struct verifying *v, const struct tile *tile,
                                  const struct field *field, const struct key_rows *keys,
                                  teg_error *err)
{
	struct column_buf values;
	struct column view;
	teg_status status;

	column_buf_init_as(&values, field_layout(field), v->store->alloc);
	status =
		tile_read_column(&v->reader, tile, field->id, 0, tile->header.n_rows, &values, err);
	view = column_buf_view(&values);
	if (status == TEG_OK && view.n != tile->header.n_rows)
		status = differs(tile, field->name, "a column has another length than its tile",
		                 err);
	if (status == TEG_OK)
		status = check_stats(v, tile, field, &view, keys->kind, err);
	if (status == TEG_OK && field == tile->segment->schema->key)
		count_due(v, tile, keys, field, &view);
	if (status == TEG_OK && tile->segment->ref->within)
		count_held(v, keys, &view);
	column_buf_release(&values);
	return status;
}

/* Every key lies in the box, and the kinds are as counted. */
static teg_status check_keys(const struct tile *tile, const struct key_rows *keys, teg_error *err)
{
	uint64_t n_kind[ROW_KIND_MAX + 1] = { 0 };
	const struct index_entry *e = &tile->entry;

	for (uint32_t i = 0; i < keys->n; i++) {
		n_kind[keys->kind[i]]++;
		for (uint32_t d = 0; d < keys->order->n_dims; d++)
			if (keys->lane[d][i] < e->lo[d] || keys->lane[d][i] > e->hi[d])
				return differs(tile, tile->segment->schema->dims[d].name,
				               "a coordinate lies outside the tile's box", err);
	}
	if (n_kind[ROW_LIVE] != e->n_live || n_kind[ROW_TOMBSTONE] != e->n_tombstones ||
	    n_kind[ROW_ERASED] + n_kind[ROW_FORGET] != e->n_erased)
		return differs(tile, "row_kind", "rows by kind differ from the index", err);
	return TEG_OK;
}

static teg_status check_values(struct verifying *v, const struct tile *tile,
                               const struct order *order, teg_error *err)
{
	const struct schema *schema = tile->segment->schema;
	struct key_rows keys;
	teg_status status;

	key_rows_init(&keys, schema, order, v->store->alloc);
	status = key_rows_load(&keys, &v->reader, tile, 0, NULL, err);
	if (status == TEG_OK)
		status = check_keys(tile, &keys, err);
	for (uint32_t i = 0; status == TEG_OK && i < schema->n_attrs; i++)
		status = settle(v, check_attribute(v, tile, &schema->attrs[i], &keys, err), err);
	key_rows_release(&keys);
	return status;
}

struct tile_check {
	struct verifying *v;
	const struct order *order;
	struct segment *segment;
	teg_error *err;
};

static teg_status check_tile(struct tile_check *c, const struct index_entry *entry)
{
	struct verifying *v = c->v;
	struct tile tile;
	teg_status status;

	TEG_TRY(tile_open(&tile, c->segment, entry, v->store->alloc, c->err));
	v->result.tiles++;
	v->result.rows += c->segment->ref->within ? 0 : entry->n_rows;
	v->result.bytes += entry->header_len;
	status = check_pages(v, &tile, c->err);
	if (status == TEG_OK && v->deep && entry->shape != TILE_BOX)
		status = check_values(v, &tile, c->order, c->err);
	tile_release(&tile);
	return status;
}

static teg_status each_tile(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct tile_check *c = ctx;

	(void)number;
	return settle(c->v, check_tile(c, entry), c->err);
}

/* ---- arrays ---- */

static teg_status check_key_index(struct verifying *v, struct segment *host, teg_error *err)
{
	struct tile_check c = { v, NULL, NULL, err };
	struct order order;

	TEG_TRY(segment_keys(host, &c.segment, err));
	if (!c.segment)
		return TEG_OK;
	order_init(&order, c.segment->schema);
	c.order = &order;
	return segment_walk(c.segment, NULL, each_tile, &c, NULL, err);
}

static teg_status check_segment(struct verifying *v, struct teg_array *array, uint32_t i,
                                teg_error *err)
{
	struct tile_check c = { v, array->order, NULL, err };
	uint64_t damages = v->result.damages;

	v->due = v->held = (struct entries){ 0 };
	TEG_TRY(array_segment(array, i, &c.segment, err));
	v->result.files += !array->state.segments[i].inlined;
	TEG_TRY(segment_walk(c.segment, NULL, each_tile, &c, NULL, err));
	TEG_TRY(check_key_index(v, c.segment, err));
	if (v->deep && v->result.damages == damages &&
	    (v->due.n != v->held.n || v->due.sum != v->held.sum)) {
		teg_fail(err, TEG_CORRUPT, "the key index does not hold the keys of the rows");
		return error_in_file(err, TEG_CORRUPT, c.segment->path);
	}
	return TEG_OK;
}

static void tell_broken(void *ctx, const teg_error *broken)
{
	struct verifying *v = ctx;
	teg_error named = *broken;

	error_in_array(&named, TEG_SCHEMA, v->array);
	if (v->each)
		v->each(v->ctx, &named);
}

static teg_status check_unique(struct verifying *v, struct teg_array *array, teg_error *err)
{
	const struct field *key = array->state.schema->key;
	struct clash clash;
	teg_error broken = { 0 };

	if (!array->state.schema->key_unique)
		return TEG_OK;
	TEG_TRY(unique_check(array, 0, &clash, err));
	if (!clash.found)
		return TEG_OK;
	teg_fail(&broken, TEG_SCHEMA, "column %s: key %s is that of row %lld and of row %lld",
	         key->name, clash.key, (long long)clash.rows[0], (long long)clash.rows[1]);
	error_in_column(&broken, TEG_SCHEMA, key->name);
	error_at_row(&broken, TEG_SCHEMA, clash.rows[1]);
	v->result.broken_checks++;
	tell_broken(v, &broken);
	return TEG_OK;
}

static teg_status check_array(struct verifying *v, struct store_version *version, const char *name,
                              teg_error *err)
{
	uint64_t n_damages = v->result.damages;
	struct teg_array *array;
	teg_status status = TEG_OK;

	TEG_TRY(array_of_version(version, name, &array, err));
	v->array = name;
	for (uint32_t i = 0; i < array->state.n_segments && status == TEG_OK; i++)
		status = settle(v, check_segment(v, array, i, err), err);
	/* Damaged rows were told already, and nothing is known of them. */
	if (status == TEG_OK && v->deep && v->result.damages == n_damages)
		status = settle(v,
		                verify_rules(array, tell_broken, v, &v->result.broken_checks, err),
		                err);
	if (status == TEG_OK && v->deep && v->result.damages == n_damages)
		status = settle(v, check_unique(v, array, err), err);
	v->array = NULL;
	array_unref(array);
	return status;
}

static teg_status check_arrays(struct verifying *v, struct store_version *version, teg_error *err)
{
	char name[256], after[256];
	teg_status status = version_next_array(version, NULL, name, err);

	while (status == TEG_OK) {
		TEG_TRY(settle(v, check_array(v, version, name, err), err));
		memcpy(after, name, sizeof after);
		status = version_next_array(version, after, name, err);
	}
	return status == TEG_END ? TEG_OK : status;
}

static teg_status check_store(struct verifying *v, teg_error *err)
{
	struct store_version *version;
	struct marker marker;
	teg_status status;

	TEG_TRY(settle(v, marker_read(v->store->os, v->store->alloc, &marker, err), err));
	v->result.files++;
	status = version_read_newest(v->store, &version, err);
	if (status != TEG_OK)
		return settle(v, status, err);
	status = version_read_catalog(version, err);
	v->result.files += version->head.n_files;
	status = settle(v, status, err);
	if (status == TEG_OK)
		status = settle(v, check_arrays(v, version, err), err);
	version_unref(version);
	return status;
}

teg_status teg_verify(teg_store *store, bool deep, teg_damage each, void *ctx,
                      teg_verify_result *result_out, teg_error *err)
{
	struct verifying v = { .store = store, .deep = deep, .each = each, .ctx = ctx };
	teg_error own;
	teg_status status;

	if (!store)
		return teg_fail(err, TEG_MISUSE, "teg_verify needs a store");
	memset(&own, 0, sizeof own);
	TEG_TRY(tile_reader_init(&v.reader, store->alloc, err));
	buf_init(&v.bytes, store->alloc, BUF_NO_LIMIT);
	status = check_store(&v, &own);
	tile_reader_release(&v.reader);
	buf_release(&v.bytes);
	if (status != TEG_OK) {
		if (err)
			*err = own;
		return status;
	}
	options_give(result_out, &v.result, sizeof v.result);
	return TEG_OK;
}
