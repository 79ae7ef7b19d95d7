/* Boxes of dense arrays, from the caller's strided memory: copied as they are put. */
#include "codec/base/checked.h"
#include "engine/scan/scan.h"
#include "engine/store/options.h"
#include "engine/txn/txn.h"
#include "engine/write/interval.h"
#include "engine/write/rules.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a box");
}

void txn_free_put(struct teg_txn *txn, const struct schema *schema, struct put_box *put)
{
	for (uint32_t a = 0; put->attrs && a < schema->n_attrs; a++)
		column_buf_release(&put->attrs[a]);
	mem_free(txn->alloc, put->attrs, schema->n_attrs * sizeof *put->attrs);
	put->attrs = NULL;
}

/* ---- taking a box from the caller ---- */

static teg_status check_box(const struct schema *schema, const teg_range *ranges, struct box *box,
                            uint64_t *n_out, teg_error *err)
{
	bool exact, none = false;

	TEG_TRY(read_box_lanes(schema, ranges, box, &exact, err));
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		const struct field *f = &schema->dims[d];

		/* All of a dimension that has no coordinates yet. */
		if (f->lo > f->hi && !ranges[d].lo.type && !ranges[d].hi.type) {
			none = true;
			continue;
		}

		if (!ranges[d].lo.type)
			box->lo[d] = f->lo;
		if (!ranges[d].hi.type)
			box->hi[d] = f->hi;
		if (box->lo[d] > box->hi[d]) {
			teg_fail(err, TEG_MISUSE, "the box ends before it begins");
			return error_in_column(err, TEG_MISUSE, f->name);
		}
		if (box->lo[d] < f->lo || box->hi[d] > f->hi) {
			teg_fail(err, TEG_DOMAIN, "the box is not inside the domain");
			return error_in_column(err, TEG_DOMAIN, f->name);
		}
	}
	*n_out = 0;
	if (none)
		return TEG_OK;
	if (!txn_box_cells(box, schema->n_dims, n_out) || *n_out > UINT32_MAX / 4)
		return teg_fail(err, TEG_LIMIT, "a box of more cells than one put takes");
	return TEG_OK;
}

/* Where the cells of a buffer lie. */
struct walk {
	uint32_t n_dims;
	uint64_t sides[TEG_MAX_DIMENSIONS];
	ptrdiff_t strides[TEG_MAX_DIMENSIONS];
};

static teg_status walk_init(struct walk *w, const struct schema *schema, const struct box *box,
                            const teg_buffer *buffer, uint32_t width, teg_error *err)
{
	ptrdiff_t packed = (ptrdiff_t)width;
	/* Bytes below the address of the first cell, and from it on, that are touched. */
	uint64_t low = 0, high = width, whole;

	w->n_dims = schema->n_dims;
	for (uint32_t d = schema->n_dims; d-- > 0;) {
		uint64_t reach, step;

		w->sides[d] = txn_box_side(box, d);
		w->strides[d] = buffer->strides ? buffer->strides[d] : packed;
		packed *= (ptrdiff_t)w->sides[d];
		step = (uint64_t)(w->strides[d] < 0 ? -w->strides[d] : w->strides[d]);
		if (!u64_mul(step, w->sides[d] - 1, &reach) ||
		    !u64_add(w->strides[d] < 0 ? low : high, reach,
		             w->strides[d] < 0 ? &low : &high))
			return teg_fail(err, TEG_MISUSE, "strides that no memory has");
	}
	if (!u64_add(low, high, &whole) || whole > buffer->values_len)
		return teg_fail(err, TEG_MISUSE, "the buffer has %zu bytes, which the box exceeds",
		                buffer->values_len);
	return TEG_OK;
}

/* Copies all cells in row-major order, one line of the last dimension at a time. */
static void copy_cells(const struct walk *w, const uint8_t *at, uint32_t width, uint64_t n,
                       uint8_t *to)
{
	uint64_t index[TEG_MAX_DIMENSIONS] = { 0 };
	uint32_t last = w->n_dims ? w->n_dims - 1 : 0;
	uint64_t side = w->n_dims ? w->sides[last] : 1;
	bool packed = !w->n_dims || w->strides[last] == (ptrdiff_t)width;

	for (uint64_t done = 0; done < n; done += side) {
		const uint8_t *line = at;

		for (uint32_t d = 0; d < last; d++)
			line += (ptrdiff_t)index[d] * w->strides[d];
		if (packed)
			memcpy(to, line, side * width);
		for (uint64_t i = 0; !packed && i < side; i++)
			memcpy(to + i * width, line + (ptrdiff_t)i * w->strides[last], width);
		to += side * width;
		for (uint32_t d = last; d-- > 0 && ++index[d] == w->sides[d];)
			index[d] = 0;
	}
}

/* One byte per cell becomes one bit; null slots become zero bytes. */
static teg_status copy_validity(struct column_buf *to, const teg_buffer *buffer, uint32_t width,
                                uint64_t n, const teg_allocator *alloc, teg_error *err)
{
	uint8_t *bits = mem_zalloc(alloc, bitmap_len((size_t)n));
	teg_status status;

	if (!bits)
		return no_memory(err);
	for (uint64_t i = 0; i < n; i++) {
		bitmap_put(bits, i, buffer->validity[i] != 0);
		if (!buffer->validity[i])
			memset(to->values + i * width, 0, width);
	}
	status = column_buf_set_validity(to, 0, (size_t)n, bits, 0);
	mem_free(alloc, bits, bitmap_len((size_t)n));
	return status == TEG_OK ? TEG_OK : no_memory(err);
}

static const teg_buffer *find_buffer(const teg_buffer *buffers, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (buffers[i].name && strcmp(buffers[i].name, name) == 0)
			return &buffers[i];
	return NULL;
}

static teg_status take_values(struct teg_txn *txn, const struct schema *schema,
                              const struct field *field, const teg_buffer *buffer,
                              const struct put_box *put, struct column_buf *to, teg_error *err)
{
	struct walk walk;
	uint8_t *at;

	if (field->shape != COLUMN_FIXED)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "only values of fixed width go through buffers");
	if (!buffer->values)
		return teg_fail(err, TEG_MISUSE, "the buffer has no memory");
	if (buffer->validity && !field->nullable)
		for (uint64_t i = 0; i < put->n_cells; i++)
			if (!buffer->validity[i])
				return teg_fail(err, TEG_SCHEMA,
				                "null in an attribute that is not nullable");
	TEG_TRY(walk_init(&walk, schema, &put->box, buffer, field->width, err));
	at = column_buf_extend(to, (size_t)put->n_cells);
	if (!at)
		return no_memory(err);
	copy_cells(&walk, buffer->values, field->width, put->n_cells, at);
	if (field->type.type == TEG_BOOL)
		for (uint64_t i = 0; i < put->n_cells; i++)
			if (at[i] > 1)
				return teg_fail(err, TEG_SCHEMA, "a bool that is neither 0 nor 1");
	if (buffer->validity)
		return copy_validity(to, buffer, field->width, put->n_cells, txn->alloc, err);
	return TEG_OK;
}

/* An attribute without a buffer: null, where that was allowed. */
static teg_status take_attr(struct teg_txn *txn, const struct schema *schema, uint32_t a,
                            const teg_buffer *buffers, size_t n_buffers, bool fill_missing,
                            const struct put_box *put, teg_error *err)
{
	const struct field *field = &schema->attrs[a];
	const teg_buffer *buffer = find_buffer(buffers, n_buffers, field->name);
	struct column_buf *to = &put->attrs[a];

	column_buf_init_as(to, field_layout(field), txn->alloc);
	if (buffer)
		return take_values(txn, schema, field, buffer, put, to, err);
	if (!fill_missing || !field->nullable)
		return teg_fail(err, TEG_SCHEMA, "the attribute has no buffer");
	return column_buf_append_nulls(to, (size_t)put->n_cells) == TEG_OK ? TEG_OK
	                                                                   : no_memory(err);
}

static teg_status check_names(const struct schema *schema, const teg_buffer *buffers, size_t n,
                              teg_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = buffers[i].name;
		const struct field *field = name ? schema_field(schema, name) : NULL;

		if (!field || field->id < COLUMN_ID_ATTRIBUTE) {
			teg_fail(err, TEG_SCHEMA, "no such attribute");
			return error_in_column(err, TEG_SCHEMA, name ? name : "");
		}
		if (find_buffer(buffers, i, name)) {
			teg_fail(err, TEG_SCHEMA, "the attribute comes twice");
			return error_in_column(err, TEG_SCHEMA, name);
		}
	}
	return TEG_OK;
}

static teg_status take_put(struct teg_txn *txn, const struct schema *schema,
                           const teg_buffer *buffers, size_t n_buffers, const teg_put_options *o,
                           struct put_box *put, teg_error *err)
{
	TEG_TRY(check_names(schema, buffers, n_buffers, err));
	put->attrs = mem_zalloc(txn->alloc, schema->n_attrs * sizeof *put->attrs);
	if (!put->attrs)
		return no_memory(err);
	for (uint32_t a = 0; a < schema->n_attrs; a++)
		column_buf_init(&put->attrs[a], COLUMN_FIXED, 1, txn->alloc);
	for (uint32_t a = 0; a < schema->n_attrs; a++) {
		teg_status status =
			take_attr(txn, schema, a, buffers, n_buffers, o->fill_missing, put, err);

		if (status != TEG_OK)
			return error_in_column(err, status, schema->attrs[a].name);
	}
	return rules_check(schema, put->attrs, 0, (size_t)put->n_cells, err);
}

static teg_status put_interval(const struct schema *schema, const teg_put_options *o,
                               struct put_box *put, teg_error *err)
{
	TEG_TRY(interval_check_options(schema, o, err));
	if (o->valid_from_column || o->valid_until_column || o->row_id_column)
		return teg_fail(err, TEG_MISUSE, "a box has no columns");
	put->valid_from = o->valid_from || o->valid_until ? o->valid_from : INT64_MIN;
	put->valid_until = o->valid_from || o->valid_until ? o->valid_until : INT64_MAX;
	return TEG_OK;
}

static size_t put_size(const struct txn_array *a)
{
	size_t size = 0;

	for (size_t i = 0; i < a->n_puts; i++)
		for (uint32_t k = 0; k < a->schema->n_attrs; k++)
			size += column_buf_size(&a->puts[i].attrs[k]);
	return size;
}

static teg_status add_put(struct teg_txn *txn, struct txn_array *a, struct put_box *put,
                          teg_error *err)
{
	void *block = a->puts;

	if (!mem_grow(txn->alloc, &block, &a->puts_cap, a->n_puts + 1, sizeof *a->puts))
		return no_memory(err);
	a->puts = block;
	a->puts[a->n_puts++] = *put;
	a->is_built = false;
	txn_digest(txn, &put->box, sizeof put->box);
	for (uint32_t k = 0; k < a->schema->n_attrs; k++)
		txn_digest(txn, put->attrs[k].values, (size_t)put->n_cells * put->attrs[k].width);
	if (put_size(a) > txn->store->write_budget) {
		a->n_puts--;
		return teg_fail(err, TEG_LIMIT, "the transaction holds more than write_budget");
	}
	/* Cells or boxes came before: order matters, so all go the same way. */
	return a->cells || a->n_boxes ? txn_expand_boxes(txn, a, err) : TEG_OK;
}

teg_status teg_txn_put_box(teg_txn *txn, const char *array, const teg_range *box,
                           const teg_buffer *buffers, size_t n_buffers,
                           const teg_put_options *options, teg_error *err)
{
	struct put_box put = { 0 };
	teg_put_options o;
	struct txn_array *a;
	size_t n_puts;
	teg_status status;

	TEG_TRY(txn_array(txn, array, &a, err));
	if ((!box && a->schema->n_dims) || (n_buffers && !buffers))
		return teg_fail(err, TEG_MISUSE, "box or buffers is NULL");
	if (a->schema->kind != TEG_DENSE)
		return error_in_array(err, teg_fail(err, TEG_MISUSE, "the array is not dense"),
		                      array);
	TEG_TRY(options_take(options, &o, sizeof o, "teg_put_options", err));
	n_puts = a->n_puts;
	status = put_interval(a->schema, &o, &put, err);
	if (status == TEG_OK)
		status = check_box(a->schema, box, &put.box, &put.n_cells, err);
	if (status == TEG_OK && !put.n_cells)
		return check_names(a->schema, buffers, n_buffers, err);
	if (status == TEG_OK)
		status = take_put(txn, a->schema, buffers, n_buffers, &o, &put, err);
	if (status == TEG_OK)
		status = add_put(txn, a, &put, err);
	if (status == TEG_OK)
		return TEG_OK;
	if (a->n_puts == n_puts)
		txn_free_put(txn, a->schema, &put);
	return error_in_array(err, status, array);
}
