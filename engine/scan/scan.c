#include "engine/scan/scan.h"
#include "codec/base/checked.h"
#include "engine/scan/boxes.h"
#include "engine/scan/recheck.h"
#include <string.h>

#define BATCH_ROWS 65536
#define BATCH_LEN ((size_t)4 << 20)          /* bytes of a batch, unless one row has more */
#define FULL_LEN (BATCH_LEN - BATCH_LEN / 8) /* of one that gets no more rows */

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a scan");
}

/* ---- outputs ---- */

static const char *const time_names[] = { "system_from", "system_until", "valid_from",
	                                  "valid_until", "row_kind" };
static const uint32_t time_ids[] = { COLUMN_ID_SYSTEM_FROM, COLUMN_ID_SYSTEM_UNTIL,
	                             COLUMN_ID_VALID_FROM, COLUMN_ID_VALID_UNTIL, COLUMN_ID_KIND };
#define N_TIMES (sizeof time_ids / sizeof *time_ids)

static bool time_id_of(const struct schema *schema, const char *name, uint32_t *id_out)
{
	for (size_t i = 0; i < N_TIMES; i++) {
		bool valid = time_ids[i] == COLUMN_ID_VALID_FROM ||
		             time_ids[i] == COLUMN_ID_VALID_UNTIL;

		if (strcmp(name, time_names[i]) == 0 && (schema->valid_time || !valid)) {
			*id_out = time_ids[i];
			return true;
		}
	}
	return false;
}

static teg_status add_named(struct teg_scan *scan, const char *name, teg_error *err)
{
	const struct schema *schema = scan->array->state.schema;
	const struct field *field = schema_field(schema, name);
	struct output *out = &scan->outputs[scan->n_outputs];
	uint32_t id;

	if (field) {
		*out = output_of_field(field);
	} else if (!time_id_of(schema, name, &id) || !output_of_time(id, out)) {
		teg_fail(err, TEG_NOT_FOUND, "array '%s' has no column '%s'",
		         scan->array->state.name, name);
		error_in_array(err, TEG_NOT_FOUND, scan->array->state.name);
		return error_in_column(err, TEG_NOT_FOUND, name);
	}
	scan->n_outputs++;
	return TEG_OK;
}

static void add_all_fields(struct teg_scan *scan)
{
	const struct schema *schema = scan->array->state.schema;

	for (uint32_t d = 0; d < schema->n_dims && schema->kind != TEG_TABLE; d++)
		scan->outputs[scan->n_outputs++] = output_of_field(&schema->dims[d]);
	for (uint32_t i = 0; i < schema->n_attrs; i++)
		scan->outputs[scan->n_outputs++] = output_of_field(&schema->attrs[i]);
}

static bool has_output(const struct teg_scan *scan, uint32_t id)
{
	for (uint32_t i = 0; i < scan->n_outputs; i++)
		if (scan->outputs[i].id == id)
			return true;
	return false;
}

/* The time columns that `times` adds, and row_id in a table, unless they are named already. */
static void add_times(struct teg_scan *scan)
{
	const struct schema *schema = scan->array->state.schema;

	for (size_t i = 0; i < N_TIMES; i++) {
		bool valid = time_ids[i] == COLUMN_ID_VALID_FROM ||
		             time_ids[i] == COLUMN_ID_VALID_UNTIL;

		if ((schema->valid_time || !valid) && !has_output(scan, time_ids[i]) &&
		    output_of_time(time_ids[i], &scan->outputs[scan->n_outputs]))
			scan->n_outputs++;
	}
	if (schema->kind == TEG_TABLE && !has_output(scan, schema->dims[0].id))
		scan->outputs[scan->n_outputs++] = output_of_field(&schema->dims[0]);
}

static teg_status choose_outputs(struct teg_scan *scan, const teg_scan_options *options,
                                 teg_error *err)
{
	const struct schema *schema = scan->array->state.schema;
	size_t most =
		(options->columns ? options->n_columns : (size_t)schema->n_dims + schema->n_attrs) +
		schema->n_dims + N_TIMES + 2;

	scan->outputs = arena_array(&scan->arena, most, sizeof *scan->outputs);
	if (!scan->outputs)
		return no_memory(err);
	if (options->mode == TEG_SCAN_CHANGES && output_of_time(COLUMN_ID_CHANGE, scan->outputs))
		scan->n_outputs++;
	if (!options->columns)
		add_all_fields(scan);
	for (size_t i = 0; options->columns && i < options->n_columns; i++)
		TEG_TRY(add_named(scan, options->columns[i], err));
	if (options->times || options->mode == TEG_SCAN_ALL_VERSIONS)
		add_times(scan);
	return boxes_add_outputs(scan, err);
}

/* ---- what is asked for ---- */

static teg_status choose_window(struct view *view, const teg_scan_options *options, teg_error *err)
{
	view->a = INT64_MIN;
	view->b = INT64_MAX;
	if (options->valid_mode == TEG_VALID_AT) {
		if (options->valid_at == INT64_MIN || options->valid_at == INT64_MAX)
			return teg_fail(err, TEG_MISUSE, "an open end is no time to read at");
		view->a = options->valid_at;
		view->b = options->valid_at + 1;
	}
	if (options->valid_mode == TEG_VALID_RANGE) {
		if (options->valid_at >= options->valid_end)
			return teg_fail(
				err, TEG_MISUSE,
				"the valid range is empty: it ends where it starts or before");
		view->a = options->valid_at;
		view->b = options->valid_end;
	}
	return TEG_OK;
}

static teg_status choose_view(struct teg_scan *scan, const teg_scan_options *options,
                              teg_error *err)
{
	struct view *view = &scan->view;

	TEG_TRY(choose_window(view, options, err));
	TEG_TRY(read_system_time(scan->array, options->mode, options->system_time, options->version,
	                         &view->s, err));
	TEG_TRY(read_range(scan->array, options, view, err));
	view->all_versions = options->mode == TEG_SCAN_ALL_VERSIONS;
	view->no_prune = options->no_prune;
	view->kinds = options->kinds & 7;
	if (!view->kinds)
		view->kinds = view->all_versions || view->changes ? 7 : TEG_KIND_LIVE;
	view->until |= has_output(scan, COLUMN_ID_SYSTEM_UNTIL);
	view->whole_pieces =
		options->valid_mode == TEG_VALID_AT &&
		(has_output(scan, COLUMN_ID_VALID_FROM) || has_output(scan, COLUMN_ID_VALID_UNTIL));
	view->predicate = scan->filter;
	for (uint32_t i = 0; i < scan->n_outputs && view->kinds != TEG_KIND_LIVE; i++)
		output_may_lack(&scan->outputs[i]);
	return TEG_OK;
}

/* Takes `one` over, whatever happens. */
static teg_status and_also(teg_predicate **all, teg_predicate *one, teg_error *err)
{
	teg_predicate *rest = *all;

	*all = one;
	if (!rest)
		return TEG_OK;
	*all = NULL; /* both operands are gone, after an error too */
	return teg_predicate_and(rest, one, all, err);
}

/* A text bound is exact only as a predicate; the box of lanes still prunes. */
static teg_status text_bounds(const struct schema *schema, const teg_range *ranges,
                              const teg_allocator *alloc, teg_predicate **all, teg_error *err)
{
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		for (int end = 0; end < 2; end++) {
			const teg_value *value = end ? &ranges[d].hi : &ranges[d].lo;
			teg_predicate *one = NULL;

			if (schema->dims[d].class != VALUE_BYTES || !value->type)
				continue;
			TEG_TRY(teg_predicate_compare(schema->dims[d].name, end ? TEG_LE : TEG_GE,
			                              value, alloc, &one, err));
			TEG_TRY(and_also(all, one, err));
		}
	}
	return TEG_OK;
}

static teg_status all_conditions(struct teg_scan *scan, const teg_scan_options *options,
                                 bool box_exact, teg_predicate **all, teg_error *err)
{
	teg_predicate *copy = NULL;

	if (!box_exact)
		TEG_TRY(text_bounds(scan->array->state.schema, options->box, scan->alloc, all,
		                    err));
	if (!options->predicate)
		return TEG_OK;
	TEG_TRY(predicate_copy(options->predicate, scan->alloc, &copy, err));
	return and_also(all, copy, err);
}

/* The box around the slices, and what is left out of it. */
static teg_status choose_slices(struct teg_scan *scan, const teg_scan_options *options,
                                teg_error *err)
{
	struct lattice *l;

	if (options->box || !options->slices)
		return teg_fail(err, TEG_MISUSE, "a scan takes a box or slices");
	scan->cut = arena_alloc(&scan->arena, sizeof *scan->cut);
	if (!scan->cut)
		return no_memory(err);
	TEG_TRY(cut_of_slices(scan->array, options->slices, options->n_slices, scan->cut, err));
	l = &scan->cut->lattice;
	lattice_box(l, &scan->box);
	scan->view.box = &scan->box;
	scan->view.step = l->step;
	return TEG_OK;
}

/* Box and predicate become lanes to prune by and one bound filter. */
static teg_status choose_filter(struct teg_scan *scan, const teg_scan_options *options,
                                teg_error *err)
{
	const struct schema *schema = scan->array->state.schema;
	teg_predicate *all = NULL;
	bool exact = true;
	teg_status status;

	if (options->box) {
		TEG_TRY(read_box_lanes(schema, options->box, &scan->box, &exact, err));
		scan->view.box = &scan->box;
		scan->in_one = true;
	}
	if (options->n_slices)
		TEG_TRY(choose_slices(scan, options, err));
	status = all_conditions(scan, options, exact, &all, err);
	if (status == TEG_OK && all)
		status = predicate_bind(all, schema, &scan->arena, &scan->filter, err);
	teg_predicate_free(all);
	return status == TEG_OK ? status : error_in_array(err, status, scan->array->state.name);
}

static teg_status make_filter_columns(struct teg_scan *scan, teg_error *err)
{
	const struct schema *schema = scan->array->state.schema;
	const uint32_t *ids;

	if (!scan->filter)
		return TEG_OK;
	ids = predicate_columns(scan->filter, &scan->n_filter);
	scan->filter_columns =
		arena_array(&scan->arena, scan->n_filter + 1u, sizeof *scan->filter_columns);
	scan->filter_views =
		arena_array(&scan->arena, scan->n_filter + 1u, sizeof *scan->filter_views);
	if (!scan->filter_columns || !scan->filter_views) {
		scan->n_filter = 0;
		return no_memory(err);
	}
	for (uint32_t i = 0; i < scan->n_filter; i++) {
		const struct field *field = schema_field_by_id(schema, ids[i]);
		struct output out;

		if (field)
			out = output_of_field(field);
		else
			output_of_time(ids[i], &out);
		column_buf_init_as(&scan->filter_columns[i], out.layout, scan->alloc);
		scan->view.until |= ids[i] == COLUMN_ID_SYSTEM_UNTIL;
		scan->view.whole_pieces |=
			scan->view.b == scan->view.a + 1 &&
			(ids[i] == COLUMN_ID_VALID_FROM || ids[i] == COLUMN_ID_VALID_UNTIL);
	}
	return TEG_OK;
}

/* ---- life ---- */

static bool known_size(const teg_scan_options *options)
{
	const uint8_t *tail = (const uint8_t *)options + sizeof *options;

	if (options->struct_size < offsetof(teg_scan_options, mode))
		return false;
	for (size_t i = sizeof *options; i < options->struct_size; i++)
		if (*tail++)
			return false;
	return true;
}

static teg_status open_scan(struct teg_scan *scan, const teg_scan_options *options, teg_error *err)
{
	TEG_TRY(boxes_choose(scan, options, err));
	TEG_TRY(choose_outputs(scan, options, err));
	TEG_TRY(choose_filter(scan, options, err));
	TEG_TRY(choose_view(scan, options, err));
	TEG_TRY(make_filter_columns(scan, err));
	scan->left = options->limit ? options->limit : UINT64_MAX;
	if (scan->cut && !scan->cut->lattice.n_cells)
		scan->left = 0;
	scan->damaged = options->damaged;
	scan->damaged_ctx = options->damaged_ctx;
	scan->batch_rows = options->batch_rows ? options->batch_rows : BATCH_ROWS;
	scan->in_one = scan->batch_rows == UINT32_MAX;
	scan->pool = batch_pool_new(scan->outputs, scan->n_outputs, scan->alloc);
	return scan->pool ? TEG_OK : no_memory(err);
}

teg_status teg_scan_open(teg_array *array, const teg_scan_options *options, teg_scan **scan_out,
                         teg_error *err)
{
	teg_scan_options known = { .struct_size = sizeof known };
	teg_scan *scan;
	teg_status status;

	if (!array || !scan_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_scan_open needs an array and a place for the scan");
	*scan_out = NULL;
	if (options && !known_size(options))
		return teg_fail(
			err, TEG_MISUSE,
			"scan options of a size or with fields that this library does not know");
	if (options)
		memcpy(&known, options, size_min(options->struct_size, sizeof known));
	scan = mem_zalloc(array->arena.alloc, sizeof *scan);
	if (!scan)
		return no_memory(err);
	scan->alloc = array->arena.alloc;
	scan->array = array;
	array_ref(array);
	arena_init(&scan->arena, scan->alloc, SIZE_MAX);
	status = open_scan(scan, &known, err);
	if (status == TEG_OK) {
		*scan_out = scan;
		return TEG_OK;
	}
	error_in_array(err, status, array->state.name);
	teg_scan_close(scan);
	return status;
}

void teg_scan_close(teg_scan *scan)
{
	const teg_allocator *alloc;

	if (!scan)
		return;
	alloc = scan->alloc;
	if (scan->batch)
		batch_give(scan->batch);
	batch_pool_release(scan->pool);
	if (scan->sweep_open)
		sweep_close(&scan->sweep);
	for (uint32_t i = 0; i < scan->n_filter; i++)
		column_buf_release(&scan->filter_columns[i]);
	mem_free(alloc, scan->keep, scan->keep_cap * sizeof *scan->keep);
	mem_free(alloc, scan->mask, scan->keep_cap);
	arena_release(&scan->arena);
	array_unref(scan->array);
	mem_free(alloc, scan, sizeof *scan);
}

/* ---- rows ---- */

teg_status scan_start(struct teg_scan *scan, teg_error *err)
{
	if (scan->sweep_open)
		return TEG_OK;
	TEG_TRY(sweep_open(&scan->sweep, scan->array, &scan->view, err));
	scan->sweep_open = true;
	return TEG_OK;
}

/* Damage that the caller lives with: true where the scan goes on behind it. */
static bool leaves_out(struct teg_scan *scan, teg_status status, teg_error *own)
{
	if (status != TEG_CORRUPT || !scan->damaged)
		return false;
	error_in_array(own, status, scan->array->state.name);
	scan->damaged(scan->damaged_ctx, own);
	scan->sweep.plan.stats.damages++;
	sweep_leave_group(&scan->sweep);
	scan->taken = scan->kept = 0;
	return true;
}

static teg_status try_selection(struct teg_scan *scan, teg_error *err)
{
	teg_status status = sweep_next(&scan->sweep, &scan->selection, err);

	if (status != TEG_OK)
		return status == TEG_END ? recheck_skipped(scan, err) : status;
	scan->kept = scan->selection.n;
	return scan->filter || scan->cut ? scan_run_filter(scan, err) : TEG_OK;
}

teg_status scan_next_selection(struct teg_scan *scan, teg_error *err)
{
	scan->taken = 0;
	scan->kept = 0;
	while (scan->kept == 0) {
		teg_error own;
		teg_status status = try_selection(scan, &own);

		if (status != TEG_OK && !leaves_out(scan, status, &own))
			return error_give(err, status, &own);
	}
	return TEG_OK;
}

/* The selection's rows that passed the filter, from the next on. NULL: all did. */
static const uint32_t *kept_rows(const struct teg_scan *scan)
{
	return scan->kept < scan->selection.n ? scan->keep + scan->taken : NULL;
}

/* Copies rows of the selection into the batch, column by column. */
static teg_status fill(struct teg_scan *scan, uint32_t n, teg_error *err)
{
	struct batch *batch = scan->batch;
	const uint32_t *keep = kept_rows(scan);

	/* All rows in one batch: each tile is read straight into its place. */
	if (scan->in_one && !scan->filter && !scan->view.box && !batch->n_rows &&
	    batch_reserve(batch, plan_n_live(&scan->sweep.plan, scan->left)) != TEG_OK)
		return no_memory(err);
	TEG_TRY(sweep_bind(&scan->sweep, &scan->selection, keep, keep ? 0 : scan->taken, n, err));
	for (uint32_t i = 0; i < scan->n_outputs; i++) {
		teg_status status =
			sweep_column(&scan->sweep, scan->outputs[i].id, &batch->columns[i], err);

		if (status != TEG_OK) {
			error_in_column(err, status, scan->outputs[i].name);
			return error_in_array(err, status, scan->array->state.name);
		}
	}
	batch->n_rows += n;
	scan->taken += n;
	scan->left -= n;
	scan->sweep.plan.stats.rows_emitted += n;
	return TEG_OK;
}

/* What a damaged column has left in the batch goes again, and with it the rest of the selection. */
static teg_status fill_or_leave(struct teg_scan *scan, uint32_t n, teg_error *err)
{
	teg_error own;
	teg_status status = fill(scan, n, &own);

	if (status == TEG_OK || !leaves_out(scan, status, &own))
		return error_give(err, status, &own);
	for (uint32_t i = 0; i < scan->n_outputs; i++)
		column_buf_truncate(&scan->batch->columns[i], scan->batch->n_rows);
	return TEG_OK;
}

/* A large selection starts a batch of its own rather than being cut to fill up a small one, and so does
 * what follows much data in few rows. */
static bool batch_is_full(const struct teg_scan *scan)
{
	uint32_t rows = scan->batch->n_rows, more = scan->kept - scan->taken;

	return rows >= scan->batch_rows ||
	       (rows >= scan->batch_rows / 4 && more > scan->batch_rows - rows) ||
	       (rows && !scan->in_one && batch_len(scan->batch) >= FULL_LEN);
}

/* Where resolution is short of memory, it does not go on beside a batch of some size. */
static bool batch_is_enough(const struct teg_scan *scan)
{
	return scan->sweep.group.tight && !scan->in_one &&
	       scan->batch->n_rows >= scan->batch_rows / 8 + 1;
}

teg_status scan_fill_batch(struct teg_scan *scan, teg_error *err)
{
	for (;;) {
		uint32_t n;

		if (scan->taken == scan->kept && batch_is_enough(scan))
			return TEG_OK;
		if (scan->taken == scan->kept) {
			teg_status status = scan->left ? scan_next_selection(scan, err) : TEG_END;

			if (status != TEG_OK)
				return status == TEG_END && scan->batch->n_rows ? TEG_OK : status;
		}
		if (batch_is_full(scan))
			return TEG_OK;
		n = (uint32_t)size_min(scan->kept - scan->taken,
		                       scan->batch_rows - scan->batch->n_rows);
		n = (uint32_t)size_min(n, scan->left);
		if (!scan->in_one)
			n = selection_fit(&scan->selection, kept_rows(scan), scan->taken, n,
			                  size_min(SCAN_SLICE_LEN,
			                           BATCH_LEN - batch_len(scan->batch)));
		if (!n)
			return scan->batch->n_rows ? TEG_OK : TEG_END;
		TEG_TRY(fill_or_leave(scan, n, err));
	}
}

teg_status scan_begin_batch(struct teg_scan *scan, teg_error *err)
{
	if (!scan->batch)
		scan->batch = batch_take(scan->pool);
	return scan->batch ? TEG_OK : no_memory(err);
}

teg_status scan_export_batch(struct teg_scan *scan, struct ArrowArray *batch_out, teg_error *err)
{
	TEG_TRY(batch_export(scan->batch, batch_out, err));
	scan->batch = NULL;
	return TEG_OK;
}

teg_status scan_gather_box(struct teg_scan *scan, const struct box *box, teg_error *err)
{
	teg_status status;

	if (scan->sweep_open)
		sweep_close(&scan->sweep);
	scan->sweep_open = false;
	scan->taken = scan->kept = 0;
	scan->in_one = true;
	scan->box = *box;
	scan->view.box = &scan->box;
	TEG_TRY(scan_start(scan, err));
	status = scan_fill_batch(scan, err);
	return status == TEG_END ? TEG_OK : status;
}

teg_status teg_scan_next(teg_scan *scan, struct ArrowArray *batch_out, teg_error *err)
{
	teg_status status;

	if (!scan || !batch_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_scan_next needs a scan and a place for the batch");
	memset(batch_out, 0, sizeof *batch_out);
	TEG_TRY(scan_start(scan, err));
	TEG_TRY(scan_begin_batch(scan, err));
	status = scan_fill_batch(scan, err);
	if (scan->view.boxes_apart && status == (scan->in_one ? TEG_OK : TEG_END))
		status = boxes_fill_batch(scan, err);
	if (status == TEG_OK)
		status = scan_export_batch(scan, batch_out, err);
	if (status == TEG_OK)
		return TEG_OK;
	batch_give(scan->batch);
	scan->batch = NULL;
	return status;
}
