#include "engine/write/convert.h"
#include "codec/base/checked.h"

#define BLOCK 512 /* values converted at a time, through a buffer on the stack */

/* ---- which types go into which ---- */

static bool is_signed(teg_type t)
{
	return t >= TEG_INT8 && t <= TEG_INT64;
}

static bool is_unsigned(teg_type t)
{
	return t >= TEG_UINT8 && t <= TEG_UINT64;
}

static bool is_float(teg_type t)
{
	return t >= TEG_FLOAT16 && t <= TEG_FLOAT64;
}

static bool has_zone(const teg_data_type *t)
{
	return t->zone && t->zone[0];
}

bool convert_allowed(const teg_data_type *from, const teg_data_type *to)
{
	teg_type f = from->type, t = to->type;

	if (type_is_nested(f) || type_is_nested(t))
		return convert_nested_allowed(from, to);
	if (type_equal(from, to))
		return true;
	if (is_signed(f) && is_signed(t))
		return f < t;
	if (is_unsigned(f) && is_unsigned(t))
		return f < t;
	if (is_unsigned(f) && is_signed(t))
		return f - TEG_UINT8 < t - TEG_INT8;
	if (is_signed(f) || is_unsigned(f))
		return t == TEG_FLOAT32 || t == TEG_FLOAT64;
	if (is_float(f) && is_float(t))
		return f < t;
	if (f == TEG_DECIMAL128 && t == f)
		return from->scale == to->scale && from->precision < to->precision;
	if (f == TEG_TIMESTAMP && t == f)
		return has_zone(from) == has_zone(to);
	return f == TEG_DURATION && t == f;
}

teg_status refuse_value(teg_error *err, teg_status status, const char *column, int64_t row,
                        const char *why)
{
	if (column && row >= 0)
		teg_fail(err, status, "column %s, row %lld: %s", column, (long long)row, why);
	else if (column)
		teg_fail(err, status, "column %s: %s", column, why);
	else
		teg_fail(err, status, "%s", why);
	if (column)
		error_in_column(err, status, column);
	return row >= 0 ? error_at_row(err, status, row) : status;
}

static bool is_valid(const teg_column *c, size_t i)
{
	return !c->validity || bitmap_get(c->validity, c->validity_bit + i);
}

/* ---- fixed width, same type ---- */

#define GATHER(W)                                                                            \
	static void gather_##W(uint8_t *to, const uint8_t *from, ptrdiff_t stride, size_t n) \
	{                                                                                    \
		for (size_t i = 0; i < n; i++)                                               \
			memcpy(to + i * W, from + (ptrdiff_t)i * stride, W);                 \
	}
GATHER(1)
GATHER(2)
GATHER(4)
GATHER(8)
GATHER(16)

static void gather_any(uint8_t *to, const uint8_t *from, ptrdiff_t stride, size_t width, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * width, from + (ptrdiff_t)i * stride, width);
}

static void gather(uint8_t *to, const uint8_t *from, ptrdiff_t stride, size_t width, size_t n)
{
	switch (width) {
	case 1: gather_1(to, from, stride, n); break;
	case 2: gather_2(to, from, stride, n); break;
	case 4: gather_4(to, from, stride, n); break;
	case 8: gather_8(to, from, stride, n); break;
	case 16: gather_16(to, from, stride, n); break;
	default: gather_any(to, from, stride, width, n);
	}
}

static void copy_fixed(const teg_column *c, size_t width, size_t n, uint8_t *to)
{
	if (c->stride == 0 || c->stride == (ptrdiff_t)width)
		memcpy(to, c->values, n * width);
	else
		gather(to, c->values, c->stride, width, n);
}

/* ---- fixed width, another type: a block at a time through int64 or double ---- */

#define WIDEN(NAME, T, VIA)                                                                 \
	static void widen_##NAME(const uint8_t *from, ptrdiff_t stride, size_t n, VIA *out) \
	{                                                                                   \
		for (size_t i = 0; i < n; i++) {                                            \
			T v;                                                                \
			memcpy(&v, from + (ptrdiff_t)i * stride, sizeof v);                 \
			out[i] = (VIA)v;                                                    \
		}                                                                           \
	}
WIDEN(i8, int8_t, int64_t)
WIDEN(i16, int16_t, int64_t)
WIDEN(i32, int32_t, int64_t)
WIDEN(i64, int64_t, int64_t)
WIDEN(u8, uint8_t, int64_t)
WIDEN(u16, uint16_t, int64_t)
WIDEN(u32, uint32_t, int64_t)
WIDEN(f32, float, double)

/* uint64 comes as its bits: it only ever becomes a float, which looks at them as unsigned. */
static void widen_integers(teg_type type, const uint8_t *from, ptrdiff_t stride, size_t n,
                           int64_t *out)
{
	static void (*const loops[])(const uint8_t *, ptrdiff_t, size_t, int64_t *) = {
		[TEG_INT8] = widen_i8,    [TEG_INT16] = widen_i16,  [TEG_INT32] = widen_i32,
		[TEG_INT64] = widen_i64,  [TEG_UINT8] = widen_u8,   [TEG_UINT16] = widen_u16,
		[TEG_UINT32] = widen_u32, [TEG_UINT64] = widen_i64,
	};

	loops[type <= TEG_UINT64 ? type : TEG_INT64](from, stride, n, out);
}

static void widen_floats(teg_type type, const uint8_t *from, ptrdiff_t stride, size_t n,
                         double *out)
{
	struct field half = { .class = VALUE_FLOAT, .type.type = TEG_FLOAT64 };

	if (type == TEG_FLOAT32) {
		widen_f32(from, stride, n, out);
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = value_of_bytes(&half, span_of(from + (ptrdiff_t)i * stride, 2)).as.f;
}

/* Wider integers: the low bytes of the value are the value. */
static void store_integers(const int64_t *values, size_t n, uint32_t width, uint8_t *to)
{
	gather(to, (const uint8_t *)values, sizeof *values, width, n);
}

static void store_floats(const double *values, size_t n, uint32_t width, uint8_t *to)
{
	for (size_t i = 0; i < n; i++) {
		float narrow = (float)values[i];

		if (width == 4)
			memcpy(to + i * 4, &narrow, sizeof narrow);
		else
			memcpy(to + i * 8, &values[i], sizeof *values);
	}
}

/* Whether an integer's bits fit a float's fraction of `bits` (its leading one included). */
static bool is_exact(uint64_t size, unsigned bits)
{
	unsigned width = bit_width(size);

	return width <= bits || (size & ((UINT64_C(1) << (width - bits)) - 1)) == 0;
}

/* The first value of the block that is not exact, n where all are. */
static size_t floats_of_integers(const teg_column *c, size_t at, bool is_u64, unsigned bits,
                                 const int64_t *values, size_t n, double *out)
{
	for (size_t i = 0; i < n; i++) {
		bool negative = !is_u64 && values[i] < 0;
		uint64_t size = negative ? 0 - (uint64_t)values[i] : (uint64_t)values[i];

		if (!is_exact(size, bits) && is_valid(c, at + i))
			return i;
		out[i] = negative ? -(double)size : (double)size;
	}
	return n;
}

static size_t times_of_times(const teg_column *c, size_t at, int steps, int64_t *values, size_t n)
{
	int64_t factor = 1;

	for (int i = steps < 0 ? -steps : steps; i; i--)
		factor *= 1000;
	for (size_t i = 0; i < n; i++) {
		bool fits = steps < 0 ? values[i] % factor == 0
		                      : !__builtin_mul_overflow(values[i], factor, &values[i]);

		if (!fits && is_valid(c, at + i))
			return i;
		if (steps < 0)
			values[i] /= factor;
	}
	return n;
}

struct conversion {
	const teg_column *column;
	const teg_data_type *from, *to;
	ptrdiff_t stride;
	uint32_t width; /* of a value in `to` */
	uint8_t *out;
};

static size_t convert_integers(const struct conversion *v, size_t at, size_t n)
{
	int64_t values[BLOCK];
	double floats[BLOCK];
	const uint8_t *from = (const uint8_t *)v->column->values + (ptrdiff_t)at * v->stride;
	uint8_t *to = v->out + at * v->width;
	size_t done = n;

	widen_integers(v->from->type, from, v->stride, n, values);
	if (is_float(v->to->type)) {
		done = floats_of_integers(v->column, at, v->from->type == TEG_UINT64,
		                          v->width == 4 ? 24 : 53, values, n, floats);
		store_floats(floats, done, v->width, to);
		return done;
	}
	if (v->from->type == TEG_TIMESTAMP || v->from->type == TEG_DURATION)
		done = times_of_times(v->column, at, (int)v->to->unit - (int)v->from->unit, values,
		                      n);
	store_integers(values, done, v->width, to);
	return done;
}

static size_t convert_floats(const struct conversion *v, size_t at, size_t n)
{
	double values[BLOCK];
	const uint8_t *from = (const uint8_t *)v->column->values + (ptrdiff_t)at * v->stride;

	widen_floats(v->from->type, from, v->stride, n, values);
	store_floats(values, n, v->width, v->out + at * v->width);
	return n;
}

static teg_status convert_fixed(const struct conversion *v, size_t n, teg_error *err)
{
	for (size_t at = 0; at < n; at += BLOCK) {
		size_t block = size_min(BLOCK, n - at);
		size_t done = is_float(v->from->type) ? convert_floats(v, at, block)
		                                      : convert_integers(v, at, block);

		if (done < block)
			return refuse_value(err, TEG_SCHEMA, v->column->name, (int64_t)(at + done),
			                    "the value cannot be converted exactly");
	}
	return TEG_OK;
}

static void zero_nulls(const teg_column *c, size_t n, uint32_t width, uint8_t *values)
{
	for (size_t i = 0; i < n; i++)
		if (!is_valid(c, i))
			memset(values + i * width, 0, width);
}

static teg_status append_fixed(const teg_column *column, const teg_data_type *from,
                               const teg_data_type *to, size_t n, struct column_buf *out,
                               teg_error *err)
{
	struct conversion v = { column, from, to, column->stride, out->width, NULL };
	size_t first = out->n, n_nulls = out->n_nulls;
	enum column_shape shape;
	enum value_class class;
	uint32_t width;

	/* Same bits: the same type, or a decimal of a higher precision. */
	bool same = type_equal(from, to) || from->type == TEG_DECIMAL128;

	if (!column->values)
		return refuse_value(err, TEG_MISUSE, column->name, -1,
		                    "no memory is given for its values");
	v.out = column_buf_extend(out, n);
	if (!v.out)
		return teg_fail(err, TEG_NOMEM, "no memory for %zu rows", n);
	type_layout(from, &shape, &width, &class);
	v.stride = column->stride ? column->stride : (ptrdiff_t)width;
	if (same)
		copy_fixed(column, width, n, v.out);
	else
		TEG_TRY(convert_fixed(&v, n, err));
	if (!column->validity)
		return TEG_OK;
	if (column_buf_set_validity(out, first, n, column->validity, column->validity_bit) !=
	    TEG_OK)
		return teg_fail(err, TEG_NOMEM, "no memory for %zu rows", n);
	if (out->n_nulls > n_nulls)
		zero_nulls(column, n, out->width, v.out);
	return TEG_OK;
}

/* ---- text and bytes ---- */

static int64_t offset_at(const teg_column *c, size_t i)
{
	return c->offsets ? c->offsets[i] : c->large_offsets[i];
}

static bool block_has_nulls(const teg_column *c, size_t at, size_t n)
{
	return c->validity && bitmap_count(c->validity, c->validity_bit + at, n) < n;
}

/* Value by value, so that the bytes under a null are left out. */
static teg_status append_sparse_run(const teg_column *c, size_t at, size_t n,
                                    struct column_buf *out)
{
	for (size_t i = at; i < at + n; i++) {
		int64_t from = offset_at(c, i);
		size_t len = (size_t)(offset_at(c, i + 1) - from);

		if (!is_valid(c, i))
			TEG_TRY(column_buf_append_nulls(out, 1));
		else
			TEG_TRY(column_buf_append_value(out,
			                                span_of((const uint8_t *)c->values +
			                                                (len ? from : 0),
			                                        len),
			                                1));
	}
	return TEG_OK;
}

/* The block's offsets from its first value on; false where they descend or do not fit. */
static bool block_offsets(const teg_column *c, size_t at, size_t n, int32_t *out)
{
	int64_t first = offset_at(c, at), before = first;

	for (size_t i = 0; i <= n; i++) {
		int64_t here = offset_at(c, at + i);

		if (here < before)
			return false;
		if (here - first > COLUMN_BYTES_MAX)
			return false;
		out[i] = (int32_t)(here - first);
		before = here;
	}
	return true;
}

static teg_status append_block(const teg_column *c, size_t at, size_t n, struct column_buf *out,
                               teg_error *err)
{
	int32_t offsets[BLOCK + 1];
	struct column view = { COLUMN_BYTES, 0, n, NULL, c->values, offsets, NULL };
	teg_status status;

	if (offset_at(c, at) < 0 || !block_offsets(c, at, n, offsets))
		return refuse_value(
			err, TEG_MISUSE, c->name, (int64_t)at,
			"its offsets descend, are negative, or 2 GiB apart near this row");
	if (offsets[n] && !c->values)
		return refuse_value(err, TEG_MISUSE, c->name, -1,
		                    "no memory is given for its values");
	view.values = c->values ? view.values + offset_at(c, at) : NULL;
	status = block_has_nulls(c, at, n) ? append_sparse_run(c, at, n, out)
	                                   : column_buf_append(out, &view, 0, n);
	if (status == TEG_LIMIT)
		return refuse_value(err, TEG_LIMIT, c->name, (int64_t)at,
		                    "the column holds more than 2 GiB from about this row on");
	return status == TEG_OK ? TEG_OK : teg_fail(err, status, "no memory for %zu rows", n);
}

/* All of the room at once: growing on the way would touch fresh memory several times. Whether offsets
 * make sense, and the text fits, shows when blocks are appended. */
static teg_status reserve_text(const teg_column *c, size_t n, struct column_buf *out,
                               teg_error *err)
{
	int64_t from = offset_at(c, 0), to = offset_at(c, n);

	if (from < 0 || to < from || to - from > COLUMN_BYTES_MAX)
		return TEG_OK;
	if (column_buf_reserve(out, n, (size_t)(to - from)) == TEG_NOMEM)
		return teg_fail(err, TEG_NOMEM, "no memory for %zu rows", n);
	return TEG_OK;
}

static teg_status append_runs(const teg_column *c, size_t n, struct column_buf *out, teg_error *err)
{
	if (!c->offsets == !c->large_offsets)
		return refuse_value(err, TEG_MISUSE, c->name, -1,
		                    "text and bytes need offsets of one kind");
	if (c->stride)
		return refuse_value(err, TEG_MISUSE, c->name, -1, "text and bytes have no stride");
	TEG_TRY(reserve_text(c, n, out, err));
	for (size_t at = 0; at < n; at += BLOCK)
		TEG_TRY(append_block(c, at, size_min(BLOCK, n - at), out, err));
	return TEG_OK;
}

teg_status convert_append(const teg_column *column, const teg_data_type *from,
                          const teg_data_type *to, size_t n, struct column_buf *out, teg_error *err)
{
	if (!n)
		return TEG_OK;
	return out->shape == COLUMN_BYTES ? append_runs(column, n, out, err)
	                                  : append_fixed(column, from, to, n, out, err);
}
