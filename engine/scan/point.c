/* Point reads: one key, one outcome. A live cell is what a scan of its key gives; where that gives
 * nothing, boxes and rows of other kinds tell what became of the key. */
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

/* The rows of the range that are the key's, newest first, follow each other in its order. */
static void find_rows(const struct group *group, const struct point *point, uint32_t *at_out,
                      uint32_t *end_out)
{
	uint32_t at = 0, end;

	while (at < group->range.n && !is_key(&group->range, group->perm[at], point))
		at++;
	for (end = at; end < group->range.n && is_key(&group->range, group->perm[end], point);)
		end++;
	*at_out = at;
	*end_out = end;
}

/* What there is to know of the key into group->pieces, of group->versions. */
static teg_status resolve(struct group *group, const struct point *point)
{
	uint32_t at, end;
	size_t n;

	find_rows(group, point, &at, &end);
	if (!group_reserve_versions(group, (size_t)(end - at) + group->plan->n_boxes))
		return TEG_NOMEM;
	n = at < end ? group_versions(group, at, end, group->versions) : group_take_boxes(group);
	for (size_t i = 0; i < n; i++)
		group->versions[i].target = true;
	return visible_at(group->versions, n, point->view.s, point->view.a, point->view.b, false,
	                  &group->pieces);
}

static teg_outcome outcome_of(const struct group *group)
{
	teg_outcome outcome = TEG_OUTCOME_NOT_FOUND;

	for (size_t p = 0; p < group->pieces.n; p++) {
		switch (group->versions[group->pieces.at[p].version].kind) {
		case ROW_LIVE: return TEG_OUTCOME_LIVE;
		case ROW_TOMBSTONE: outcome = TEG_OUTCOME_DELETED; break;
		default: outcome = outcome == TEG_OUTCOME_NOT_FOUND ? TEG_OUTCOME_ERASED : outcome;
		}
	}
	return outcome;
}

/* All tiles of the plan that hold the key's rows are one group here, and one range. */
static teg_status load_group(struct group *group, teg_error *err)
{
	uint32_t n = group->plan->n_tiles;
	uint32_t *all = mem_array(group->alloc, n, sizeof *all);
	teg_status status;

	if (!all)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++)
		all[i] = i;
	group_unlimit(group);
	status = group_begin(group, all, n, err);
	mem_free(group->alloc, all, n * sizeof *all);
	TEG_TRY(status);
	status = group_next_range(group, true, err);
	return status == TEG_END ? TEG_OK : status;
}

/* What became of a key that has no live row. */
static teg_status decide(struct point *point, teg_outcome *outcome_out, teg_error *err)
{
	const teg_allocator *alloc = point->array->arena.alloc;
	struct teg_store *store = version_store(point->array->snapshot->version);
	struct tile_reader reader;
	struct group group;
	struct plan plan;
	teg_status status;

	TEG_TRY(plan_make(&plan, point->array, &point->view, NULL, err));
	status = store_reader_take(store, &reader, err);
	if (status == TEG_OK) {
		group_init(&group, &plan, &point->view, &reader, alloc);
		status = load_group(&group, err);
		if (status == TEG_OK)
			status = error_of_memory(err, resolve(&group, point), "for a point read");
		if (status == TEG_OK)
			*outcome_out = outcome_of(&group);
		group_release(&group);
		store_reader_give(store, &reader);
	}
	plan_release(&plan);
	return status;
}

/* The live cell as a batch, by the scan that everything else uses. TEG_END: there is none. */
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
	return status;
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
	*outcome_out = TEG_OUTCOME_LIVE;
	status = read_cell(point, options, schema_out, batch_out, err);
	if (status != TEG_END)
		return status;
	TEG_TRY(decide(point, outcome_out, err));
	return *outcome_out == TEG_OUTCOME_LIVE
	               ? teg_fail(err, TEG_CORRUPT, "a live cell was not there when read")
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
