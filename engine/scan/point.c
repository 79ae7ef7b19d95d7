/* Point reads: one key, one outcome. */
#include "engine/scan/scan.h"
#include <string.h>

struct point {
	struct teg_array *array;
	struct view view;
	struct box box;
	const teg_value *key;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a point read");
}

/* Null and NaN are no coordinates: no cell can have such a key. */
static teg_status check_coordinate(const struct field *dim, const teg_value *value, teg_error *err)
{
	if (!value->type) {
		teg_fail(err, TEG_MISUSE, "a key has no null: dimension '%s'", dim->name);
		return error_in_column(err, TEG_MISUSE, dim->name);
	}
	if (dim->class != VALUE_FLOAT || value->as.f == value->as.f)
		return TEG_OK;
	teg_fail(err, TEG_DOMAIN, "NaN is no coordinate of dimension '%s'", dim->name);
	return error_in_column(err, TEG_DOMAIN, dim->name);
}

static teg_status key_box(struct point *point, size_t n_key, teg_error *err)
{
	const struct schema *schema = point->array->state.schema;
	teg_range ranges[TEG_MAX_DIMENSIONS];
	bool exact;

	if (n_key != schema->n_dims)
		return teg_fail(err, TEG_MISUSE, "a key of array '%s' has %u values, not %zu",
		                point->array->state.name, schema->n_dims, n_key);
	for (size_t d = 0; d < n_key; d++) {
		TEG_TRY(check_coordinate(&schema->dims[d], &point->key[d], err));
		ranges[d] = (teg_range){ point->key[d], point->key[d] };
	}
	return read_box_lanes(schema, ranges, &point->box, &exact, err);
}

/* Lanes agree already; texts longer than a lane are compared here. */
static bool is_key(const struct key_rows *keys, uint32_t i, const struct point *point)
{
	for (uint32_t d = 0; d < keys->order->n_dims; d++) {
		struct column view;

		if (!keys->is_text[d])
			continue;
		view = column_buf_view(&keys->text[d]);
		if (!span_equal(column_value(&view, i),
		                span_of(point->key[d].as.bytes.at, point->key[d].as.bytes.len)))
			return false;
	}
	return true;
}

/* What a point read walks: the key's own versions, newest first, boxes after the rows of their
 * commit. */
struct found {
	struct version *versions;
	size_t n, cap;
	const teg_allocator *alloc;
};

/* Of one commit's rows an erased one comes last, whichever part it lies in; boxes after all rows. */
static bool comes_before(const struct version *a, const struct version *b)
{
	if (a->system_from != b->system_from)
		return a->system_from > b->system_from;
	return a->row != UINT32_MAX && b->row != UINT32_MAX && kind_erases(b->kind) &&
	       !kind_erases(a->kind);
}

static bool add_version(struct found *found, struct version version)
{
	void *block = found->versions;
	size_t at;

	if (!mem_grow(found->alloc, &block, &found->cap, found->n + 1, sizeof *found->versions))
		return false;
	found->versions = block;
	at = found->n++;
	for (; at && comes_before(&version, &found->versions[at - 1]); at--)
		found->versions[at] = found->versions[at - 1];
	found->versions[at] = version;
	return true;
}

static bool collect(struct found *found, const struct key_rows *keys, const struct plan *plan,
                    const struct point *point)
{
	bool repeated = point->array->state.schema->cells == TEG_CELLS_REPEATED;

	for (uint32_t i = 0; i < keys->n; i++)
		if (is_key(keys, i, point) &&
		    !add_version(found, key_rows_version(keys, i, repeated)))
			return false;
	for (uint32_t k = 0; k < plan->n_boxes; k++) {
		struct version version = plan->boxes[k].version;

		version.target = true;
		if (box_contains(&plan->boxes[k].box, &point->box, point->array->order->n_dims) &&
		    !add_version(found, version))
			return false;
	}
	return true;
}

static teg_outcome outcome_of(const struct found *found, const struct pieces *pieces)
{
	teg_outcome outcome = TEG_OUTCOME_NOT_FOUND;

	for (size_t p = 0; p < pieces->n; p++) {
		switch (found->versions[pieces->at[p].version].kind) {
		case ROW_LIVE: return TEG_OUTCOME_LIVE;
		case ROW_TOMBSTONE: outcome = TEG_OUTCOME_DELETED; break;
		default: outcome = outcome == TEG_OUTCOME_NOT_FOUND ? TEG_OUTCOME_ERASED : outcome;
		}
	}
	return outcome;
}

/* Loads the keys of the tiles that may hold the point, tile by tile. */
static teg_status load_keys(struct key_rows *keys, struct plan *plan, const struct point *point,
                            teg_error *err)
{
	struct teg_store *store = version_store(point->array->snapshot->version);
	struct tile_reader reader;
	teg_status status = store_reader_take(store, &reader, err);

	for (uint32_t i = 0; i < plan->n_tiles && status == TEG_OK; i++) {
		struct segment *segment;
		struct tile tile;

		status = array_segment(point->array, plan->tiles[i].segment, &segment, err);
		if (status != TEG_OK)
			break;
		status = tile_open(&tile, segment, &plan->tiles[i].entry, keys->alloc, err);
		if (status != TEG_OK)
			break;
		status = key_rows_load(keys, &reader, &tile, i, &point->box, err);
		tile_release(&tile);
	}
	store_reader_give(store, &reader);
	return status;
}

static teg_status decide(struct point *point, teg_outcome *outcome_out, teg_error *err)
{
	const teg_allocator *alloc = point->array->arena.alloc;
	struct found found = { NULL, 0, 0, alloc };
	struct key_rows keys;
	struct pieces pieces;
	struct plan plan;
	teg_status status;

	TEG_TRY(plan_make(&plan, point->array, &point->view, NULL, err));
	key_rows_init(&keys, point->array->state.schema, point->array->order, alloc);
	pieces_init(&pieces, alloc);
	status = load_keys(&keys, &plan, point, err);
	if (status == TEG_OK && !collect(&found, &keys, &plan, point))
		status = no_memory(err);
	if (status == TEG_OK && visible_at(found.versions, found.n, point->view.s, point->view.a,
	                                   point->view.b, false, &pieces) != TEG_OK)
		status = no_memory(err);
	if (status == TEG_OK)
		*outcome_out = outcome_of(&found, &pieces);
	mem_free(alloc, found.versions, found.cap * sizeof *found.versions);
	pieces_release(&pieces);
	key_rows_release(&keys);
	plan_release(&plan);
	return status;
}

/* The live cell as a batch, by the scan that everything else uses. */
static teg_status read_cell(struct point *point, const teg_read_options *options,
                            struct ArrowSchema *schema_out, struct ArrowArray *batch_out,
                            teg_error *err)
{
	teg_range ranges[TEG_MAX_DIMENSIONS];
	teg_scan_options scan_options = { .struct_size = sizeof scan_options,
		                          .box = ranges,
		                          .times = true };
	teg_scan *scan;
	teg_status status;

	for (uint32_t d = 0; d < point->array->order->n_dims; d++)
		ranges[d] = (teg_range){ point->key[d], point->key[d] };
	if (options) {
		scan_options.mode = options->mode;
		scan_options.system_time = options->system_time;
		scan_options.version = options->version;
		scan_options.valid_mode = options->has_valid_at ? TEG_VALID_AT : TEG_VALID_ANY;
		scan_options.valid_at = options->valid_at;
	}
	TEG_TRY(teg_scan_open(point->array, &scan_options, &scan, err));
	status = teg_scan_schema(scan, schema_out, err);
	if (status == TEG_OK)
		status = teg_scan_next(scan, batch_out, err);
	teg_scan_close(scan);
	if (status == TEG_OK)
		return TEG_OK;
	if (schema_out->release)
		schema_out->release(schema_out);
	return status == TEG_END ? teg_fail(err, TEG_CORRUPT, "a live cell was not there when read")
	                         : status;
}

/* Every kind of row is looked at: it decides between deleted, erased and not found. */
static teg_status point_view(struct point *point, const teg_read_options *options,
                             teg_outcome *outcome_out, teg_error *err)
{
	teg_error own;
	teg_status status = read_view(point->array, options, &point->view, &own);

	point->view.kinds = TEG_KIND_LIVE | TEG_KIND_TOMBSTONE | TEG_KIND_ERASED;
	point->view.box = &point->box;
	if (status != TEG_BEYOND_HORIZON)
		return error_give(err, status, &own);
	*outcome_out = TEG_OUTCOME_BEYOND_HORIZON;
	return TEG_END;
}

static teg_status read_point(struct point *point, size_t n_key, const teg_read_options *options,
                             teg_outcome *outcome_out, struct ArrowSchema *schema_out,
                             struct ArrowArray *batch_out, teg_error *err)
{
	teg_status status;

	TEG_TRY(key_box(point, n_key, err));
	status = point_view(point, options, outcome_out, err);
	if (status != TEG_OK)
		return status == TEG_END ? TEG_OK : status;
	TEG_TRY(decide(point, outcome_out, err));
	return *outcome_out == TEG_OUTCOME_LIVE
	               ? read_cell(point, options, schema_out, batch_out, err)
	               : TEG_OK;
}

teg_status teg_get(teg_array *array, const teg_value *key, size_t n_key,
                   const teg_read_options *options, teg_outcome *outcome_out,
                   struct ArrowSchema *schema_out, struct ArrowArray *batch_out, teg_error *err)
{
	struct point point = { .array = array, .key = key };
	teg_status status;

	if (!array || !key || !outcome_out || !schema_out || !batch_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_get needs an array, a key and places for the answer");
	memset(schema_out, 0, sizeof *schema_out);
	memset(batch_out, 0, sizeof *batch_out);
	status = read_point(&point, n_key, options, outcome_out, schema_out, batch_out, err);
	return status == TEG_OK ? status : error_in_array(err, status, array->state.name);
}
