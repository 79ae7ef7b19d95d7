/* Boxes and slices of dense arrays: what is asked for, checked, and where it goes. */
#include "codec/base/checked.h"
#include "engine/scan/box.h"
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

/* What slices come down to: a lattice, which of its dimensions the result shows, and which of them
 * backwards. */
struct cut {
	struct lattice lattice;
	bool dropped[TEG_MAX_DIMENSIONS], reversed[TEG_MAX_DIMENSIONS];
};

static teg_status bad_slice(teg_error *err, teg_status status, const struct field *dim,
                            const char *why)
{
	teg_fail(err, status, "%s dimension '%s'", why, dim->name);
	return error_in_column(err, status, dim->name);
}

/* A bound that counts from the end where it is negative, cut to [least, most]. */
static int64_t bound_of(int64_t given, int64_t side, int64_t least, int64_t most)
{
	if (given < 0)
		given = given < -side ? least : given + side;
	return given < least ? least : given > most ? most : given;
}

static void cut_range(const teg_slice *slice, const struct field *dim, int64_t side, uint32_t d,
                      struct cut *cut)
{
	struct lattice *l = &cut->lattice;
	bool back = slice->step < 0;
	uint64_t step = slice->step ? (uint64_t)slice->step : 1;
	int64_t start = back ? side - 1 : 0, stop = back ? -1 : side;
	int64_t least = back ? -1 : 0, most = back ? side - 1 : side;

	step = back ? 0 - step : step;
	if (slice->has_start)
		start = bound_of(slice->start, side, least, most);
	if (slice->has_stop)
		stop = bound_of(slice->stop, side, least, most);
	l->count[d] = 0;
	if (back ? start > stop : start < stop)
		l->count[d] = ((uint64_t)(back ? start - stop : stop - start) - 1) / step + 1;
	cut->reversed[d] = back;
	l->step[d] = step;
	if (back && l->count[d])
		start -= (int64_t)((l->count[d] - 1) * step);
	l->lo[d] = dim->lo + (l->count[d] ? (uint64_t)start : 0);
}

static teg_status cut_dimension(const teg_slice *slice, const struct field *dim, uint32_t d,
                                struct cut *cut, teg_error *err)
{
	uint64_t span = dim->hi - dim->lo + 1;
	int64_t side = (int64_t)span, at = slice->start;

	if (span > INT64_MAX || (!span && dim->hi >= dim->lo))
		return bad_slice(err, TEG_LIMIT, dim, "slices do not count beyond 2^63 - 1 in");
	if (slice->kind == TEG_SLICE_RANGE) {
		cut_range(slice, dim, side, d, cut);
		return TEG_OK;
	}
	if (slice->kind != TEG_SLICE_INDEX)
		return bad_slice(err, TEG_MISUSE, dim, "an unknown kind of slice in");
	if (at < -side || at >= side)
		return bad_slice(err, TEG_DOMAIN, dim, "an index lies outside");
	cut->dropped[d] = true;
	cut->lattice.lo[d] = dim->lo + (uint64_t)(at < 0 ? at + side : at);
	cut->lattice.step[d] = 1;
	cut->lattice.count[d] = 1;
	return TEG_OK;
}

/* Finds the ellipsis: it stands for as many whole dimensions as are not spoken for. */
static teg_status find_ellipsis(const struct schema *schema, const teg_slice *slices, size_t n,
                                size_t *at_out, teg_error *err)
{
	size_t n_given = n;

	*at_out = n;
	for (size_t i = 0; i < n; i++) {
		if (slices[i].kind != TEG_SLICE_ELLIPSIS)
			continue;
		if (*at_out < n)
			return teg_fail(err, TEG_MISUSE, "a slice has one ellipsis at most");
		*at_out = i;
		n_given--;
	}
	if (n_given > schema->n_dims)
		return teg_fail(err, TEG_MISUSE, "%zu slices for an array of rank %u", n_given,
		                (unsigned)schema->n_dims);
	return TEG_OK;
}

static teg_status cut_array(const struct schema *schema, const teg_slice *slices, size_t n,
                            struct cut *cut, teg_error *err)
{
	static const teg_slice whole = { .kind = TEG_SLICE_RANGE };
	size_t ellipsis, at = 0;
	uint32_t left;

	memset(cut, 0, sizeof *cut);
	cut->lattice.n_dims = schema->n_dims;
	TEG_TRY(find_ellipsis(schema, slices, n, &ellipsis, err));
	left = schema->n_dims - (uint32_t)(ellipsis < n ? n - 1 : n);
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		const teg_slice *slice = &whole;

		if (at == ellipsis && !left)
			at++;
		if (at == ellipsis)
			left--;
		else if (at < n)
			slice = &slices[at++];
		TEG_TRY(cut_dimension(slice, &schema->dims[d], d, cut, err));
	}
	if (!lattice_finish(&cut->lattice))
		return teg_fail(err, TEG_LIMIT, "the slice has more cells than memory can hold");
	return TEG_OK;
}

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

static teg_status must_be_dense(const struct teg_array *array, teg_error *err)
{
	if (array->state.schema->kind == TEG_DENSE)
		return TEG_OK;
	return teg_fail(err, TEG_MISUSE, "boxes are read from dense arrays only: '%s' is none",
	                array->state.name);
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
	status = must_be_dense(array, err);
	if (status == TEG_OK)
		status = cut_array(array->state.schema, slices, n_slices, &cut, err);
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
	status = must_be_dense(array, err);
	if (status == TEG_OK)
		status = cut_array(array->state.schema, slices, n_slices, &cut, err);
	if (status != TEG_OK)
		return error_in_array(err, status, array->state.name);
	*n_axes_out = 0;
	for (uint32_t d = 0; d < cut.lattice.n_dims; d++)
		if (!cut.dropped[d])
			shape_out[(*n_axes_out)++] = cut.lattice.count[d];
	return TEG_OK;
}
