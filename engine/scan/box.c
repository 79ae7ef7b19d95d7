/* Dense reads into the caller's strided memory. */
#include "engine/scan/scan.h"
#include "codec/base/checked.h"
#include <string.h>

/* One attribute on its way into one buffer. */
struct target {
	const struct field *field;
	const teg_buffer *buffer;
	ptrdiff_t strides[TEG_MAX_DIMENSIONS];
	struct column_buf column;
};

struct box_read {
	struct teg_array *array;
	const struct schema *schema;
	const teg_allocator *alloc;
	struct box box;
	uint64_t side[TEG_MAX_DIMENSIONS], n_cells;
	size_t n_targets;
	struct target *targets;
	struct column_buf lanes[TEG_MAX_DIMENSIONS]; /* coordinates of a selection, as stored */
	uint64_t *cells; /* index of each selected row in the box, row-major */
	size_t cells_cap;
	uint8_t *mask;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to read a box");
}

/* ---- checking what the caller gave ---- */

/* An open end of the box is the domain's. A box outside the domain is refused: no cell is there. */
static teg_status choose_box(struct box_read *r, const teg_range *ranges, teg_error *err)
{
	bool exact;

	TEG_TRY(read_box_lanes(r->schema, ranges, &r->box, &exact, err));
	r->n_cells = 1;
	for (uint32_t d = 0; d < r->schema->n_dims; d++) {
		const struct field *dim = &r->schema->dims[d];

		if (!ranges[d].lo.type)
			r->box.lo[d] = dim->lo;
		if (!ranges[d].hi.type)
			r->box.hi[d] = dim->hi;
		if (r->box.lo[d] < dim->lo || r->box.hi[d] > dim->hi ||
		    r->box.lo[d] > r->box.hi[d]) {
			teg_fail(err, TEG_DOMAIN,
			         "the box leaves the domain of dimension '%s', or is empty",
			         dim->name);
			return error_in_column(err, TEG_DOMAIN, dim->name);
		}
		r->side[d] = r->box.hi[d] - r->box.lo[d] + 1;
		if (!r->side[d] || !u64_mul(r->n_cells, r->side[d], &r->n_cells) ||
		    r->n_cells > SIZE_MAX / 16)
			return teg_fail(err, TEG_LIMIT,
			                "the box has more cells than memory can hold");
	}
	return TEG_OK;
}

static void default_strides(const struct box_read *r, struct target *target)
{
	ptrdiff_t stride = (ptrdiff_t)target->field->width;

	for (uint32_t d = r->schema->n_dims; d-- > 0;) {
		target->strides[d] = stride;
		stride *= (ptrdiff_t)r->side[d];
	}
}

/* The bytes that the strides span must lie in the buffer, whichever way they run: `values` is the
 * cell at the lower corner of the box. */
static bool fits_buffer(const struct box_read *r, const struct target *target)
{
	uint64_t span = target->field->width;

	for (uint32_t d = 0; d < r->schema->n_dims; d++) {
		ptrdiff_t stride = target->strides[d];
		uint64_t step = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride, reach;

		if (!u64_mul(step, r->side[d] - 1, &reach) || !u64_add(span, reach, &span))
			return false;
	}
	return span <= target->buffer->values_len;
}

static teg_status choose_target(struct box_read *r, const teg_buffer *buffer, struct target *target,
                                teg_error *err)
{
	const struct field *field = schema_field(r->schema, buffer->name ? buffer->name : "");

	if (!field || field->id < COLUMN_ID_ATTRIBUTE) {
		teg_fail(err, TEG_NOT_FOUND, "array '%s' has no attribute '%s'",
		         r->array->state.name, buffer->name ? buffer->name : "");
		return error_in_column(err, TEG_NOT_FOUND, buffer->name ? buffer->name : "");
	}
	if (field->shape != COLUMN_FIXED)
		return teg_fail(err, TEG_MISUSE,
		                "attribute '%s' has no fixed width: scan it instead", field->name);
	target->field = field;
	target->buffer = buffer;
	column_buf_init(&target->column, COLUMN_FIXED, field->width, r->alloc);
	if (buffer->strides)
		memcpy(target->strides, buffer->strides,
		       r->schema->n_dims * sizeof *buffer->strides);
	else
		default_strides(r, target);
	if (buffer->values && fits_buffer(r, target))
		return TEG_OK;
	teg_fail(err, TEG_MISUSE, "the buffer of '%s' is too small for the box and its strides",
	         field->name);
	return error_in_column(err, TEG_MISUSE, field->name);
}

/* ---- writing cells ---- */

static uint8_t *cell_at(const struct box_read *r, const struct target *target, uint64_t cell)
{
	uint8_t *at = target->buffer->values;

	for (uint32_t d = r->schema->n_dims; d-- > 0;) {
		at += (ptrdiff_t)(cell % r->side[d]) * target->strides[d];
		cell /= r->side[d];
	}
	return at;
}

static bool packed(const struct box_read *r, const struct target *target)
{
	ptrdiff_t stride = (ptrdiff_t)target->field->width;

	for (uint32_t d = r->schema->n_dims; d-- > 0;) {
		if (target->strides[d] != stride)
			return false;
		stride *= (ptrdiff_t)r->side[d];
	}
	return true;
}

/* Runs of cells that follow one another along the last dimension: one address per run. */
static void put_run(const struct box_read *r, const struct target *target, uint64_t cell,
                    const uint8_t *from, size_t n, size_t from_stride)
{
	size_t width = target->field->width;
	ptrdiff_t step = r->schema->n_dims ? target->strides[r->schema->n_dims - 1] : 0;
	uint8_t *to = cell_at(r, target, cell);

	if (step == (ptrdiff_t)width && from_stride == width) {
		memcpy(to, from, n * width);
		return;
	}
	for (size_t i = 0; i < n; i++, to += step, from += from_stride)
		memcpy(to, from, width);
}

static void put_fill(const struct box_read *r, const struct target *target)
{
	static const uint8_t zeros[65536];
	const uint8_t *fill = target->field->fill.at ? target->field->fill.at : zeros;
	uint64_t row = r->side[r->schema->n_dims - 1];

	if (target->buffer->validity)
		memset(target->buffer->validity, target->field->fill.at || !target->field->nullable,
		       r->n_cells);
	if (!target->field->fill.at && packed(r, target)) {
		memset(target->buffer->values, 0, r->n_cells * target->field->width);
		return;
	}
	for (uint64_t cell = 0; cell < r->n_cells; cell += row)
		put_run(r, target, cell, fill, row, 0);
}

/* The length of the run of selected rows that starts at i: neighbours along the last dimension. */
static uint32_t run_at(const struct box_read *r, uint32_t i, uint32_t n)
{
	uint64_t last = r->side[r->schema->n_dims - 1],
		 end = r->cells[i] - r->cells[i] % last + last;
	uint32_t k = i + 1;

	while (k < n && r->cells[k] == r->cells[i] + (k - i) && r->cells[k] < end)
		k++;
	return k - i;
}

static void put_column(const struct box_read *r, const struct target *target, uint32_t n)
{
	size_t width = target->field->width;
	uint8_t *validity = target->buffer->validity;

	for (uint32_t i = 0, run; i < n; i += run) {
		run = run_at(r, i, n);
		put_run(r, target, r->cells[i], target->column.values + (size_t)i * width, run,
		        width);
	}
	for (uint32_t i = 0; validity && i < n; i++)
		validity[r->cells[i]] = !target->column.validity ||
		                        bitmap_get(target->column.validity, i);
}

/* ---- reading ---- */

static bool reserve_cells(struct box_read *r, size_t n)
{
	void *block = r->cells;

	if (!mem_grow(r->alloc, &block, &r->cells_cap, n, sizeof *r->cells))
		return false;
	r->cells = block;
	return true;
}

static teg_status find_cells(struct box_read *r, struct sweep *sweep, uint32_t n, teg_error *err)
{
	if (!reserve_cells(r, (size_t)n * 2))
		return no_memory(err);
	memset(r->cells, 0, n * sizeof *r->cells);
	for (uint32_t d = 0; d < r->schema->n_dims; d++) {
		uint64_t *lanes = r->cells + n;
		struct column view;

		column_buf_clear(&r->lanes[d]);
		TEG_TRY(sweep_column(sweep, r->schema->dims[d].id, &r->lanes[d], err));
		view = column_buf_view(&r->lanes[d]);
		lanes_of_column(&view, r->schema->dims[d].class, 0, n, lanes);
		for (uint32_t i = 0; i < n; i++)
			r->cells[i] = r->cells[i] * r->side[d] + (lanes[i] - r->box.lo[d]);
	}
	return TEG_OK;
}

static teg_status put_selection(struct box_read *r, struct sweep *sweep,
                                const struct selection *sel, teg_error *err)
{
	TEG_TRY(sweep_bind(sweep, sel, NULL, 0, sel->n, err));
	TEG_TRY(find_cells(r, sweep, sel->n, err));
	for (size_t i = 0; i < r->n_targets; i++) {
		column_buf_clear(&r->targets[i].column);
		TEG_TRY(sweep_column(sweep, r->targets[i].field->id, &r->targets[i].column, err));
		put_column(r, &r->targets[i], sel->n);
	}
	for (uint32_t i = 0; r->mask && i < sel->n; i++)
		r->mask[r->cells[i]] = 1;
	return TEG_OK;
}

static teg_status read_cells(struct box_read *r, const struct view *view, teg_error *err)
{
	struct selection sel;
	struct sweep sweep;
	teg_status status;

	TEG_TRY(sweep_open(&sweep, r->array, view, err));
	for (size_t i = 0; i < r->n_targets; i++)
		put_fill(r, &r->targets[i]);
	if (r->mask)
		memset(r->mask, 0, r->n_cells);
	while ((status = sweep_next(&sweep, &sel, err)) == TEG_OK) {
		status = put_selection(r, &sweep, &sel, err);
		if (status != TEG_OK)
			break;
	}
	sweep_close(&sweep);
	return status == TEG_END ? TEG_OK : status;
}

static teg_status run(struct box_read *r, const teg_range *ranges, const teg_buffer *buffers,
                      size_t n_buffers, const teg_read_options *options, teg_error *err)
{
	struct view view;

	TEG_TRY(choose_box(r, ranges, err));
	TEG_TRY(read_view(r->array, options, &view, err));
	view.box = &r->box;
	for (uint32_t d = 0; d < r->schema->n_dims; d++)
		column_buf_init(&r->lanes[d], COLUMN_FIXED, r->schema->dims[d].width, r->alloc);
	for (; r->n_targets < n_buffers; r->n_targets++)
		TEG_TRY(choose_target(r, &buffers[r->n_targets], &r->targets[r->n_targets], err));
	return read_cells(r, &view, err);
}

teg_status teg_read_box(teg_array *array, const teg_range *box, const teg_buffer *buffers,
                        size_t n_buffers, uint8_t *mask, const teg_read_options *options,
                        teg_error *err)
{
	struct box_read r = { .array = array, .mask = mask };
	teg_status status;

	if (!array || !box || (n_buffers && !buffers))
		return teg_fail(err, TEG_MISUSE, "teg_read_box needs an array, a box and buffers");
	if (array->state.schema->kind != TEG_DENSE) {
		teg_fail(err, TEG_MISUSE, "boxes are read from dense arrays only: '%s' is none",
		         array->state.name);
		return error_in_array(err, TEG_MISUSE, array->state.name);
	}
	r.schema = array->state.schema;
	r.alloc = array->arena.alloc;
	r.targets = mem_zalloc(r.alloc, (n_buffers + 1) * sizeof *r.targets);
	if (!r.targets)
		return no_memory(err);
	status = run(&r, box, buffers, n_buffers, options, err);
	for (size_t i = 0; i < n_buffers; i++)
		if (r.targets[i].field)
			column_buf_release(&r.targets[i].column);
	for (uint32_t d = 0; d < r.schema->n_dims; d++)
		if (r.lanes[d].alloc)
			column_buf_release(&r.lanes[d]);
	mem_free(r.alloc, r.targets, (n_buffers + 1) * sizeof *r.targets);
	mem_free(r.alloc, r.cells, r.cells_cap * sizeof *r.cells);
	return status == TEG_OK ? status : error_in_array(err, status, array->state.name);
}
