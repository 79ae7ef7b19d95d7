/* Dense puts: every cell of a box, out of strided memory. */
#include <string.h>
#include "codec/base/checked.h"
#include "engine/txn/txn.h"

struct box_put {
	struct teg_txn *txn;
	struct txn_array *array;
	const struct schema *schema;
	uint64_t lo[TEG_MAX_DIMENSIONS], side[TEG_MAX_DIMENSIONS];
	uint64_t n_cells;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a box");
}

static teg_status bound(const struct field *dim, const teg_value *value, uint64_t open,
                        uint64_t *lane_out, teg_error *err)
{
	*lane_out = open;
	if (!value->type || value_lane(dim, value, lane_out))
		return TEG_OK;
	teg_fail(err, TEG_MISUSE, "a bound of the box does not fit dimension '%s'", dim->name);
	return error_in_column(err, TEG_MISUSE, dim->name);
}

static teg_status take_box(struct box_put *b, const teg_range *box, teg_error *err)
{
	b->n_cells = 1;
	for (uint32_t d = 0; d < b->schema->n_dims; d++) {
		const struct field *dim = &b->schema->dims[d];
		uint64_t hi;

		TEG_TRY(bound(dim, &box[d].lo, dim->lo, &b->lo[d], err));
		TEG_TRY(bound(dim, &box[d].hi, dim->hi, &hi, err));
		if (b->lo[d] < dim->lo || hi > dim->hi || b->lo[d] > hi) {
			teg_fail(err, TEG_DOMAIN,
			         "the box leaves the domain of dimension '%s', or is empty",
			         dim->name);
			return error_in_column(err, TEG_DOMAIN, dim->name);
		}
		b->side[d] = hi - b->lo[d] + 1;
		if (!b->side[d] || !u64_mul(b->n_cells, b->side[d], &b->n_cells) ||
		    b->n_cells > UINT32_MAX / 4)
			return teg_fail(err, TEG_LIMIT, "a box of one call has at most %u cells",
			                UINT32_MAX / 4);
	}
	return TEG_OK;
}

/* ---- one buffer, packed ---- */

static teg_status check_buffer(const struct box_put *b, const teg_buffer *buffer,
                               const struct field *field, const ptrdiff_t *strides, teg_error *err)
{
	uint64_t span = field->width;

	for (uint32_t d = 0; d < b->schema->n_dims; d++) {
		uint64_t step = strides[d] < 0 ? 0 - (uint64_t)strides[d] : (uint64_t)strides[d],
			 reach;

		if (!u64_mul(step, b->side[d] - 1, &reach) || !u64_add(span, reach, &span))
			span = UINT64_MAX;
	}
	if (buffer->values && span <= buffer->values_len)
		return TEG_OK;
	teg_fail(err, TEG_MISUSE, "the buffer of '%s' is smaller than the box and its strides",
	         field->name);
	return error_in_column(err, TEG_MISUSE, field->name);
}

static void packed_strides(const struct box_put *b, uint32_t width, ptrdiff_t *strides)
{
	ptrdiff_t stride = (ptrdiff_t)width;

	for (uint32_t d = b->schema->n_dims; d-- > 0;) {
		strides[d] = stride;
		stride *= (ptrdiff_t)b->side[d];
	}
}

/* The first byte of the run of cells (along the last dimension) that starts at `cell`. */
static const uint8_t *run_at(const struct box_put *b, const uint8_t *values,
                             const ptrdiff_t *strides, uint64_t cell)
{
	for (uint32_t d = b->schema->n_dims; d-- > 0;) {
		values += (ptrdiff_t)(cell % b->side[d]) * strides[d];
		cell /= b->side[d];
	}
	return values;
}

static void pack_values(const struct box_put *b, const teg_buffer *buffer, uint32_t width,
                        const ptrdiff_t *strides, uint8_t *to)
{
	uint32_t last = b->schema->n_dims - 1;
	uint64_t run = b->side[last];

	for (uint64_t cell = 0; cell < b->n_cells; cell += run, to += run * width) {
		const uint8_t *from = run_at(b, buffer->values, strides, cell);

		if (strides[last] == (ptrdiff_t)width) {
			memcpy(to, from, run * width);
			continue;
		}
		for (uint64_t i = 0; i < run; i++, from += strides[last])
			memcpy(to + i * width, from, width);
	}
}

/* ---- columns of the put ---- */

struct packed {
	uint8_t *values, *validity;
	size_t values_len, validity_len;
};

static teg_status pack_attribute(struct box_put *b, const teg_buffer *buffer, struct packed *packed,
                                 teg_column *column, teg_error *err)
{
	const struct field *field = schema_field(b->schema, buffer->name ? buffer->name : "");
	ptrdiff_t strides[TEG_MAX_DIMENSIONS];

	if (!field || field->id < COLUMN_ID_ATTRIBUTE) {
		teg_fail(err, TEG_SCHEMA, "array '%s' has no attribute '%s'", b->array->name,
		         buffer->name ? buffer->name : "");
		return error_in_column(err, TEG_SCHEMA, buffer->name ? buffer->name : "");
	}
	if (field->shape != COLUMN_FIXED)
		return teg_fail(err, TEG_MISUSE,
		                "attribute '%s' has no fixed width: put its cells instead",
		                field->name);
	packed_strides(b, field->width, strides);
	if (buffer->strides)
		memcpy(strides, buffer->strides, b->schema->n_dims * sizeof *strides);
	TEG_TRY(check_buffer(b, buffer, field, strides, err));
	packed->values_len = b->n_cells * field->width;
	packed->values = mem_alloc(b->txn->alloc, packed->values_len);
	packed->validity_len = buffer->validity ? bitmap_len(b->n_cells) : 0;
	packed->validity = mem_zalloc(b->txn->alloc, packed->validity_len);
	if (!packed->values || !packed->validity)
		return no_memory(err);
	pack_values(b, buffer, field->width, strides, packed->values);
	for (uint64_t i = 0; buffer->validity && i < b->n_cells; i++)
		bitmap_put(packed->validity, i, buffer->validity[i] != 0);
	*column = (teg_column){ .name = field->name,
		                .values = packed->values,
		                .validity = buffer->validity ? packed->validity : NULL };
	return TEG_OK;
}

static teg_status make_coordinates(struct box_put *b, uint32_t d, struct packed *packed,
                                   teg_column *column, teg_error *err)
{
	const struct field *dim = &b->schema->dims[d];
	uint64_t stride = 1;
	uint8_t *to;

	for (uint32_t k = d + 1; k < b->schema->n_dims; k++)
		stride *= b->side[k];
	packed->values_len = b->n_cells * dim->width;
	packed->values = to = mem_alloc(b->txn->alloc, packed->values_len);
	if (!to)
		return no_memory(err);
	for (uint64_t cell = 0; cell < b->n_cells; cell += stride) {
		uint8_t value[8];

		lane_to_value(dim->class, dim->width, b->lo[d] + cell / stride % b->side[d], value);
		for (uint64_t i = 0; i < stride; i++, to += dim->width)
			memcpy(to, value, dim->width);
	}
	*column = (teg_column){ .name = dim->name, .values = packed->values };
	return TEG_OK;
}

static teg_status put_columns(struct box_put *b, const teg_buffer *buffers, size_t n_buffers,
                              struct packed *packed, teg_column *columns,
                              const teg_put_options *options, teg_error *err)
{
	uint32_t n_dims = b->schema->n_dims;

	for (uint32_t d = 0; d < n_dims; d++)
		TEG_TRY(make_coordinates(b, d, &packed[d], &columns[d], err));
	for (size_t i = 0; i < n_buffers; i++)
		TEG_TRY(pack_attribute(b, &buffers[i], &packed[n_dims + i], &columns[n_dims + i],
		                       err));
	return teg_txn_put(b->txn, b->array->name, columns, n_dims + n_buffers, b->n_cells, options,
	                   err);
}

teg_status teg_txn_put_box(teg_txn *txn, const char *array, const teg_range *box,
                           const teg_buffer *buffers, size_t n_buffers,
                           const teg_put_options *options, teg_error *err)
{
	struct box_put b = { .txn = txn };
	struct packed *packed;
	teg_column *columns;
	teg_status status;
	size_t n;

	if (!txn || !array || !box || (n_buffers && !buffers))
		return teg_fail(err, TEG_MISUSE,
		                "teg_txn_put_box needs a transaction, an array, a box and buffers");
	TEG_TRY(txn_array(txn, array, &b.array, err));
	b.schema = b.array->schema;
	if (b.schema->kind != TEG_DENSE)
		return teg_fail(err, TEG_MISUSE,
		                "boxes are put into dense arrays only: '%s' is none", array);
	status = take_box(&b, box, err);
	if (status != TEG_OK)
		return error_in_array(err, status, array);
	n = b.schema->n_dims + n_buffers;
	packed = mem_zalloc(txn->alloc, n * sizeof *packed);
	columns = mem_zalloc(txn->alloc, n * sizeof *columns);
	status = packed && columns
	                 ? put_columns(&b, buffers, n_buffers, packed, columns, options, err)
	                 : no_memory(err);
	for (size_t i = 0; packed && i < n; i++) {
		mem_free(txn->alloc, packed[i].values, packed[i].values_len);
		mem_free(txn->alloc, packed[i].validity, packed[i].validity_len);
	}
	mem_free(txn->alloc, packed, n * sizeof *packed);
	mem_free(txn->alloc, columns, n * sizeof *columns);
	return status == TEG_OK ? status : error_in_array(err, status, array);
}
