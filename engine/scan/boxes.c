#include "engine/scan/boxes.h"
#include "codec/base/checked.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for the boxes of a scan");
}

bool box_hides(const struct plan_box *newer, const struct plan_box *old, uint32_t n_dims)
{
	return box_contains(&newer->box, &old->box, n_dims) &&
	       (kind_erases(newer->version.kind) ||
	        (!kind_erases(old->version.kind) &&
	         newer->version.valid_from <= old->version.valid_from &&
	         newer->version.valid_until >= old->version.valid_until));
}

/* ---- what is asked for ---- */

teg_status boxes_choose(struct teg_scan *scan, const teg_scan_options *options, teg_error *err)
{
	if (!(options->kinds & TEG_KIND_BOX))
		return TEG_OK;
	if (options->mode != TEG_SCAN_ALL_VERSIONS)
		return teg_fail(err, TEG_MISUSE, "boxes are rows of all versions only");
	if (options->predicate || options->n_slices)
		return teg_fail(err, TEG_MISUSE,
		                "boxes cannot be held against a predicate or slices");
	scan->view.boxes_apart = true;
	return TEG_OK;
}

teg_status boxes_add_outputs(struct teg_scan *scan, teg_error *err)
{
	const struct schema *schema = scan->array->state.schema;

	/* Lanes of text are prefixes: such arrays have no boxes. */
	if (!scan->view.boxes_apart || scan->array->order->has_text)
		return TEG_OK;
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		struct output *out = &scan->outputs[scan->n_outputs++];
		size_t len = strlen(schema->dims[d].name) + sizeof BOX_END_PREFIX;
		char *name = arena_alloc(&scan->arena, len);

		if (!name)
			return no_memory(err);
		snprintf(name, len, BOX_END_PREFIX "%s", schema->dims[d].name);
		if (schema_field(schema, name))
			return error_in_column(
				err,
				teg_fail(err, TEG_SCHEMA,
			                 "the array has a column '%s' of its own: boxes cannot be "
			                 "told beside it",
			                 name),
				name);
		*out = output_of_field(&schema->dims[d]);
		out->id = COLUMN_ID_BOX_END + d;
		out->name = name;
		out->nullable = true;
	}
	return TEG_OK;
}

/* ---- which boxes are told ---- */

/* The first system time from which the box answers for no key any more; INT64_MIN: for none at any. */
static int64_t ended_at(const struct plan *plan, uint32_t i)
{
	uint32_t n_dims = plan->array->order->n_dims;
	int64_t ended = INT64_MAX;

	for (uint32_t k = i; k-- > 0;) {
		const struct plan_box *newer = &plan->boxes[k];

		if (!box_hides(newer, &plan->boxes[i], n_dims))
			continue;
		if (kind_erases(newer->version.kind))
			return INT64_MIN;
		ended = ended == INT64_MAX ? newer->version.system_from : ended;
	}
	return ended > plan->boxes[i].version.system_from ? ended : INT64_MIN;
}

static bool is_told(const struct teg_scan *scan, uint32_t i, int64_t ended)
{
	const struct plan *plan = &scan->sweep.plan;
	const struct plan_box *box = &plan->boxes[i];
	const struct view *view = &scan->view;

	return (view->kinds >> box->version.kind) & 1 && ended > plan->array->state.horizon &&
	       box->version.valid_from < view->b && box->version.valid_until > view->a &&
	       (!view->box || box_overlaps(&box->box, view->box, plan->array->order->n_dims));
}

/* ---- their columns ---- */

struct told_box {
	const struct plan_box *box;
	int64_t ended;
};

/* The lanes that values of the dimension have: an open end of a box lies beyond them. */
static void lanes_of_type(const struct schema *schema, const struct field *dim, uint64_t *lo,
                          uint64_t *hi)
{
	uint64_t half = (uint64_t)1 << (8 * dim->width - 1), zero = lane_of_i64(0);

	*lo = 0;
	*hi = half - 1 + half;
	if (dim->class == VALUE_FLOAT) {
		*lo = lane_of_f64(-INFINITY);
		*hi = lane_of_f64(INFINITY);
	} else if (dim->class == VALUE_SIGNED) {
		*lo = schema->kind == TEG_TABLE ? zero : zero - half;
		*hi = zero + (half - 1);
	}
}

static teg_status append_corner(struct teg_scan *scan, uint32_t d, uint64_t lane,
                                struct column_buf *out)
{
	const struct schema *schema = scan->array->state.schema;
	const struct field *dim = &schema->dims[d];
	uint64_t lo, hi;
	uint8_t value[8];

	lanes_of_type(schema, dim, &lo, &hi);
	lane = lane < lo ? lo : lane > hi ? hi : lane;
	lane_to_value(dim->class, dim->width, lane, value);
	return column_buf_append_value(out, span_of(value, dim->width), 1);
}

static teg_status append_time(struct column_buf *out, int64_t time, int64_t open)
{
	if (time == open)
		return column_buf_append_nulls(out, 1);
	return column_buf_append_value(out, span_of(&time, sizeof time), 1);
}

static teg_status append_value(struct teg_scan *scan, const struct told_box *told, uint32_t id,
                               struct column_buf *out)
{
	const struct version *v = &told->box->version;

	if (id < COLUMN_ID_ATTRIBUTE)
		return append_corner(scan, id, told->box->box.lo[id], out);
	if (id >= COLUMN_ID_BOX_END)
		return append_corner(scan, id - COLUMN_ID_BOX_END,
		                     told->box->box.hi[id - COLUMN_ID_BOX_END], out);
	switch (id) {
	case COLUMN_ID_SYSTEM_FROM: return append_time(out, v->system_from, INT64_MAX);
	case COLUMN_ID_SYSTEM_UNTIL: return append_time(out, told->ended, INT64_MAX);
	case COLUMN_ID_VALID_FROM: return append_time(out, v->valid_from, INT64_MIN);
	case COLUMN_ID_VALID_UNTIL: return append_time(out, v->valid_until, INT64_MAX);
	case COLUMN_ID_KIND: return column_buf_append_value(out, span_of(&v->kind, 1), 1);
	default: return column_buf_append_nulls(out, 1);
	}
}

static teg_status append_box(struct teg_scan *scan, const struct told_box *told, teg_error *err)
{
	struct batch *batch = scan->batch;

	for (uint32_t c = 0; c < scan->n_outputs; c++)
		if (append_value(scan, told, scan->outputs[c].id, &batch->columns[c]) != TEG_OK)
			return no_memory(err);
	batch->n_rows++;
	scan->left--;
	scan->sweep.plan.stats.rows_emitted++;
	return TEG_OK;
}

teg_status boxes_fill_batch(struct teg_scan *scan, teg_error *err)
{
	const struct plan *plan = &scan->sweep.plan;

	while (scan->left && scan->batch->n_rows < scan->batch_rows &&
	       scan->next_box < plan->n_boxes) {
		uint32_t i = scan->next_box++;
		int64_t ended = ended_at(plan, i);

		if (is_told(scan, i, ended))
			TEG_TRY(append_box(scan, &(struct told_box){ &plan->boxes[i], ended },
			                   err));
	}
	return scan->batch->n_rows ? TEG_OK : TEG_END;
}
