/* Boxes and slices of dense arrays: what is asked for, checked, and where it goes. */
#include "codec/base/checked.h"
#include "engine/scan/box.h"
#include "engine/scan/cut.h"
#include <string.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to read a box");
}

/* ---- a box ---- */

/* An open end of the box is the domain's. A box outside the domain is refused: no cell is there. */
static teg_status lattice_of_box(const struct schema *schema, const teg_range *ranges,
                                 struct lattice *l, teg_error *err)
{
	struct box box;
	bool exact;

	TEG_TRY(read_box_lanes(schema, ranges, &box, &exact, err));
	l->n_dims = schema->n_dims;
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		const struct field *dim = &schema->dims[d];
		bool all = !ranges[d].lo.type && !ranges[d].hi.type;

		l->lo[d] = ranges[d].lo.type ? box.lo[d] : dim->lo;
		l->step[d] = 1;
		l->count[d] = (ranges[d].hi.type ? box.hi[d] : dim->hi) - l->lo[d] + 1;
		if (all || (l->lo[d] >= dim->lo && l->count[d] - 1 <= dim->hi - l->lo[d] &&
		            l->lo[d] <= dim->hi))
			continue;
		teg_fail(err, TEG_DOMAIN,
		         "the box leaves the domain of dimension '%s', or is empty", dim->name);
		return error_in_column(err, TEG_DOMAIN, dim->name);
	}
	if (!lattice_finish(l))
		return teg_fail(err, TEG_LIMIT, "the box has more cells than memory can hold");
	return TEG_OK;
}

/* ---- slices ---- */

/* Strides of the result become strides of the array's dimensions: none where a dimension is dropped;
 * backwards from its far end where one is reversed. */
static void turn_places(const struct cut *cut, const ptrdiff_t *given, struct places *places)
{
	const struct lattice *l = &cut->lattice;
	ptrdiff_t packed = (ptrdiff_t)places->width;
	uint32_t axis = 0;

	for (uint32_t d = 0; d < l->n_dims; d++)
		axis += !cut->dropped[d];
	for (uint32_t d = l->n_dims; d-- > 0;) {
		places->stride[d] = 0;
		if (cut->dropped[d])
			continue;
		axis--;
		places->stride[d] = given ? given[axis] : packed;
		packed *= (ptrdiff_t)l->count[d];
		if (!cut->reversed[d] || !l->n_cells)
			continue;
		places->at += (ptrdiff_t)(l->count[d] - 1) * places->stride[d];
		places->stride[d] = -places->stride[d];
	}
}

/* ---- buffers ---- */

/* The bytes that the strides span must lie in the buffer, whichever way they run: `values` is the
 * first cell of the result. */
static bool fits_buffer(const struct box_read *r, const struct target *target, size_t len)
{
	uint64_t span = target->field->width;

	for (uint32_t d = 0; d < r->schema->n_dims && r->lattice.n_cells; d++) {
		ptrdiff_t stride = target->values.stride[d];
		uint64_t step = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride, reach;

		if (!u64_mul(step, r->lattice.count[d] - 1, &reach) || !u64_add(span, reach, &span))
			return false;
	}
	return span <= len || !r->lattice.n_cells;
}

static teg_status choose_target(struct box_read *r, const struct cut *cut, const teg_buffer *buffer,
                                struct target *target, teg_error *err)
{
	const char *name = buffer->name ? buffer->name : "";
	const struct field *field = schema_field(r->schema, name);

	if (!field || field->id < COLUMN_ID_ATTRIBUTE) {
		teg_fail(err, TEG_NOT_FOUND, "array '%s' has no attribute '%s'",
		         r->array->state.name, name);
		return error_in_column(err, TEG_NOT_FOUND, name);
	}
	if (field->shape != COLUMN_FIXED)
		return teg_fail(err, TEG_MISUSE,
		                "attribute '%s' has no fixed width: scan it instead", field->name);
	target->field = field;
	column_buf_init(&target->column, COLUMN_FIXED, field->width, r->alloc);
	target->values = (struct places){ buffer->values, field->width, { 0 } };
	target->validity = (struct places){ buffer->validity, 1, { 0 } };
	turn_places(cut, buffer->strides, &target->values);
	if (buffer->validity)
		turn_places(cut, NULL, &target->validity);
	if ((buffer->values || !r->lattice.n_cells) && fits_buffer(r, target, buffer->values_len))
		return TEG_OK;
	teg_fail(err, TEG_MISUSE, "the buffer of '%s' is too small for the box and its strides",
	         field->name);
	return error_in_column(err, TEG_MISUSE, field->name);
}

/* ---- the calls ---- */

static teg_status run(struct box_read *r, const struct cut *cut, const teg_buffer *buffers,
                      size_t n_buffers, uint8_t *mask, const teg_read_options *options,
                      teg_error *err)
{
	struct view view;

	r->lattice = cut->lattice;
	if (!lattice_finish(&r->lattice))
		return teg_fail(err, TEG_LIMIT, "there are more cells than memory can hold");
	TEG_TRY(read_view(r->array, options, &view, err));
	r->mask = (struct places){ mask, 1, { 0 } };
	if (mask)
		turn_places(cut, NULL, &r->mask);
	for (uint32_t d = 0; d < r->schema->n_dims; d++)
		column_buf_init(&r->lanes[d], COLUMN_FIXED, r->schema->dims[d].width, r->alloc);
	for (; r->n_targets < n_buffers; r->n_targets++)
		TEG_TRY(choose_target(r, cut, &buffers[r->n_targets], &r->targets[r->n_targets],
		                      err));
	return box_read_run(r, &view, err);
}

static teg_status read_cut(struct teg_array *array, const struct cut *cut,
                           const teg_buffer *buffers, size_t n_buffers, uint8_t *mask,
                           const teg_read_options *options, teg_error *err)
{
	struct box_read r = { .array = array };
	teg_status status;

	r.schema = array->state.schema;
	r.alloc = array->arena.alloc;
	r.targets = mem_zalloc(r.alloc, (n_buffers + 1) * sizeof *r.targets);
	if (!r.targets)
		return no_memory(err);
	status = run(&r, cut, buffers, n_buffers, mask, options, err);
	for (size_t i = 0; i < n_buffers; i++)
		if (r.targets[i].field)
			column_buf_release(&r.targets[i].column);
	for (uint32_t d = 0; d < r.schema->n_dims; d++)
		if (r.lanes[d].alloc)
			column_buf_release(&r.lanes[d]);
	mem_free(r.alloc, r.targets, (n_buffers + 1) * sizeof *r.targets);
	mem_free(r.alloc, r.place, r.place_cap * sizeof *r.place);
	mem_free(r.alloc, r.rows, r.rows_cap * sizeof *r.rows);
	return status;
}

teg_status teg_read_box(teg_array *array, const teg_range *box, const teg_buffer *buffers,
                        size_t n_buffers, uint8_t *mask, const teg_read_options *options,
                        teg_error *err)
{
	struct cut cut = { 0 };
	teg_status status;

	if (!array || (!box && array->state.schema->n_dims) || (n_buffers && !buffers))
		return teg_fail(err, TEG_MISUSE, "teg_read_box needs an array, a box and buffers");
	status = must_be_dense(array, err);
	if (status == TEG_OK)
		status = lattice_of_box(array->state.schema, box, &cut.lattice, err);
	if (status == TEG_OK)
		status = read_cut(array, &cut, buffers, n_buffers, mask, options, err);
	return status == TEG_OK ? status : error_in_array(err, status, array->state.name);
}

teg_status teg_read_slice(teg_array *array, const teg_slice *slices, size_t n_slices,
                          const teg_buffer *buffers, size_t n_buffers, uint8_t *mask,
                          const teg_read_options *options, teg_error *err)
{
	struct cut cut;
	teg_status status;

	if (!array || (n_slices && !slices) || (n_buffers && !buffers))
		return teg_fail(err, TEG_MISUSE,
		                "teg_read_slice needs an array, slices and buffers");
	status = cut_of_slices(array, slices, n_slices, &cut, err);
	if (status == TEG_OK)
		status = read_cut(array, &cut, buffers, n_buffers, mask, options, err);
	return status == TEG_OK ? status : error_in_array(err, status, array->state.name);
}

teg_status teg_array_shape(teg_array *array, const teg_slice *slices, size_t n_slices,
                           size_t *n_axes_out, uint64_t *shape_out, teg_error *err)
{
	struct cut cut;
	teg_status status;

	if (!array || (n_slices && !slices) || !n_axes_out || !shape_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_array_shape needs an array and places for the shape");
	status = cut_of_slices(array, slices, n_slices, &cut, err);
	if (status != TEG_OK)
		return error_in_array(err, status, array->state.name);
	*n_axes_out = 0;
	for (uint32_t d = 0; d < cut.lattice.n_dims; d++)
		if (!cut.dropped[d])
			shape_out[(*n_axes_out)++] = cut.lattice.count[d];
	return TEG_OK;
}
