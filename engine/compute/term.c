#include "engine/compute/term.h"

#define BLOCK 512
#define DECIMAL_DIGITS 38

const char *term_sign(teg_operator op)
{
	static const char *const signs[] = { "?", "+", "-", "*", "/" };

	return signs[op >= TEG_ADD && op <= TEG_DIVIDE ? op : 0];
}

/* ---- types ---- */

static bool is_integer(const teg_data_type *t)
{
	return t->type >= TEG_INT8 && t->type <= TEG_UINT64;
}

static bool is_unsigned(const teg_data_type *t)
{
	return t->type >= TEG_UINT8 && t->type <= TEG_UINT64;
}

static bool is_float(const teg_data_type *t)
{
	return t->type >= TEG_FLOAT16 && t->type <= TEG_FLOAT64;
}

static __int128 power_of_ten(int n)
{
	__int128 p = 1;

	while (n-- > 0)
		p *= 10;
	return p;
}

static bool whole_types(struct term *t, const teg_data_type *a, const teg_data_type *b)
{
	bool plain = is_unsigned(a) && is_unsigned(b) && t->op != TEG_SUBTRACT;

	if (!is_integer(a) || !is_integer(b))
		return false;
	t->output.type.type = plain ? TEG_UINT64 : TEG_INT64;
	return true;
}

static bool float_types(struct term *t, const teg_data_type *a, const teg_data_type *b)
{
	const struct field *whole = is_integer(a) ? t->left : is_integer(b) ? t->right : NULL;

	if (!(is_float(a) && is_float(b)) &&
	    !(whole && whole->width <= 4 && is_float(a) != is_float(b)))
		return false;
	t->real = true;
	t->output.type.type = whole || a->type == TEG_FLOAT64 || b->type == TEG_FLOAT64
	                              ? TEG_FLOAT64
	                              : TEG_FLOAT32;
	return true;
}

static bool decimal_types(struct term *t, const teg_data_type *a, const teg_data_type *b)
{
	int left = a->type == TEG_DECIMAL128 ? a->scale : 0,
	    right = b->type == TEG_DECIMAL128 ? b->scale : 0, scale = left + right;

	if ((a->type != TEG_DECIMAL128 && !is_integer(a)) ||
	    (b->type != TEG_DECIMAL128 && !is_integer(b)) || t->op == TEG_DIVIDE)
		return false;
	if (t->op != TEG_MULTIPLY) {
		scale = left > right ? left : right;
		if (scale - left > DECIMAL_DIGITS || scale - right > DECIMAL_DIGITS)
			return false;
		t->left_factor = power_of_ten(scale - left);
		t->right_factor = power_of_ten(scale - right);
	}
	if (scale > DECIMAL_DIGITS || scale < INT8_MIN)
		return false;
	t->output.type = (teg_data_type){ .type = TEG_DECIMAL128,
		                          .precision = DECIMAL_DIGITS,
		                          .scale = (int8_t)scale };
	return true;
}

static bool time_types(struct term *t, const teg_data_type *a, const teg_data_type *b)
{
	bool add = t->op == TEG_ADD, subtract = t->op == TEG_SUBTRACT;

	if (a->unit != b->unit || !(add || subtract))
		return false;
	if (b->type == TEG_DURATION && (a->type == TEG_DURATION || a->type == TEG_TIMESTAMP))
		t->output.type = *a;
	else if (add && a->type == TEG_DURATION && b->type == TEG_TIMESTAMP)
		t->output.type = *b;
	else if (subtract && a->type == TEG_TIMESTAMP && b->type == TEG_TIMESTAMP &&
	         (a->zone && *a->zone) == (b->zone && *b->zone))
		t->output.type = (teg_data_type){ .type = TEG_DURATION, .unit = a->unit };
	else
		return false;
	return true;
}

static void set_bounds(struct term *t)
{
	t->least = INT64_MIN;
	t->most = INT64_MAX;
	if (t->output.type.type == TEG_UINT64) {
		t->least = 0;
		t->most = UINT64_MAX;
	}
	if (t->output.type.type == TEG_DECIMAL128) {
		t->most = power_of_ten(DECIMAL_DIGITS) - 1;
		t->least = -t->most;
	}
}

teg_status term_init(struct term *t, teg_error *err)
{
	const teg_data_type *a = &t->left->type, *b = &t->right->type;
	char left[96], right[96];
	enum value_class class;

	if (t->op < TEG_ADD || t->op > TEG_DIVIDE)
		return teg_fail(err, TEG_MISUSE, "an unknown operator");
	t->left_factor = t->right_factor = 1;
	t->output.nullable = true;
	if (!whole_types(t, a, b) && !float_types(t, a, b) && !decimal_types(t, a, b) &&
	    !time_types(t, a, b)) {
		type_name(a, left, sizeof left);
		type_name(b, right, sizeof right);
		teg_fail(err, TEG_MISUSE, "%s %s %s makes no sense for %s and %s", t->left->name,
		         term_sign(t->op), t->right->name, left, right);
		return error_in_column(err, TEG_MISUSE, t->left->name);
	}
	type_layout(&t->output.type, &t->output.layout.shape, &t->output.layout.width, &class);
	set_bounds(t);
	return TEG_OK;
}

/* ---- blocks of operands ---- */

struct block {
	uint32_t n;
	bool valid[BLOCK];
	union {
		__int128 whole[BLOCK];
		double real[BLOCK];
	} left, right;
};

static __int128 whole_at(const struct column *c, enum value_class class, uint32_t row)
{
	const uint8_t *at = c->values + (size_t)row * c->width;
	uint64_t lane;
	__int128 wide;

	if (class == VALUE_WIDE) {
		memcpy(&wide, at, sizeof wide);
		return wide;
	}
	lane = lane_of_value(class, span_of(at, c->width));
	return class == VALUE_SIGNED ? (__int128)lane_to_i64(lane) : (__int128)lane;
}

static double real_at(const struct column *c, const struct field *field, uint32_t row)
{
	if (field->class == VALUE_FLOAT)
		return float_value(c->values + (size_t)row * c->width, c->width);
	return (double)(int64_t)whole_at(c, field->class, row); /* 32 bits at most */
}

static bool has_value(const struct column *c, uint32_t row)
{
	return row != NO_ROW && column_valid(c, row);
}

static void load(const struct term *t, struct block *b, const struct column *left,
                 const uint32_t *left_rows, const struct column *right, const uint32_t *right_rows)
{
	for (uint32_t i = 0; i < b->n; i++) {
		b->valid[i] = has_value(left, left_rows[i]) && has_value(right, right_rows[i]);
		if (!b->valid[i])
			continue;
		if (t->real) {
			b->left.real[i] = real_at(left, t->left, left_rows[i]);
			b->right.real[i] = real_at(right, t->right, right_rows[i]);
		} else {
			b->left.whole[i] = whole_at(left, t->left->class, left_rows[i]);
			b->right.whole[i] = whole_at(right, t->right->class, right_rows[i]);
		}
	}
}

/* ---- results ---- */

/* Halves and floats in double, rounded once: double has more than twice their digits, so the result
 * is that of the narrow operation. */
static double real_result(teg_operator op, double a, double b)
{
	switch (op) {
	case TEG_ADD: return a + b;
	case TEG_SUBTRACT: return a - b;
	case TEG_MULTIPLY: return a * b;
	default: return a / b;
	}
}

static void run_real(const struct term *t, struct block *b, uint8_t *to)
{
	bool narrow = t->output.layout.width == 4;

	for (uint32_t i = 0; i < b->n; i++) {
		double v = 0;
		float f;

		b->valid[i] = b->valid[i] && (t->op != TEG_DIVIDE || b->right.real[i] != 0);
		if (b->valid[i])
			v = real_result(t->op, b->left.real[i], b->right.real[i]);
		f = (float)v;
		if (narrow)
			memcpy(to + (size_t)i * sizeof f, &f, sizeof f);
		else
			memcpy(to + (size_t)i * sizeof v, &v, sizeof v);
	}
}

/* False: it overflows. */
static bool whole_result(const struct term *t, __int128 a, __int128 b, __int128 *out)
{
	bool over = __builtin_mul_overflow(a, t->left_factor, &a) ||
	            __builtin_mul_overflow(b, t->right_factor, &b);

	switch (t->op) {
	case TEG_ADD: over = over || __builtin_add_overflow(a, b, out); break;
	case TEG_SUBTRACT: over = over || __builtin_sub_overflow(a, b, out); break;
	case TEG_MULTIPLY: over = over || __builtin_mul_overflow(a, b, out); break;
	default: *out = a / b;
	}
	return !over && *out >= t->least && *out <= t->most;
}

/* The index of the pair that overflows; b->n: none does. */
static uint32_t run_whole(const struct term *t, struct block *b, uint8_t *to)
{
	uint32_t width = t->output.layout.width;

	for (uint32_t i = 0; i < b->n; i++) {
		__int128 v = 0;

		b->valid[i] = b->valid[i] && (t->op != TEG_DIVIDE || b->right.whole[i] != 0);
		if (b->valid[i] && !whole_result(t, b->left.whole[i], b->right.whole[i], &v))
			return i;
		memcpy(to + (size_t)i * width, &v, width);
	}
	return b->n;
}

static teg_status overflow(const struct term *t, uint64_t row, teg_error *err)
{
	char type[96];

	type_name(&t->output.type, type, sizeof type);
	teg_fail(err, TEG_LIMIT, "%s overflows %s in row %llu", t->output.name, type,
	         (unsigned long long)row);
	error_in_column(err, TEG_LIMIT, t->output.name);
	return error_at_row(err, TEG_LIMIT, (int64_t)row);
}

static teg_status mark_nulls(const struct block *b, struct column_buf *out, size_t from)
{
	uint8_t bits[BLOCK / 8] = { 0 };
	bool any = false;

	for (uint32_t i = 0; i < b->n; i++) {
		bits[i / 8] |= (uint8_t)(b->valid[i] << (i % 8));
		any |= !b->valid[i];
	}
	return any ? column_buf_set_validity(out, from, b->n, bits, 0) : TEG_OK;
}

teg_status term_run(const struct term *t, const struct column *left, const uint32_t *left_rows,
                    const struct column *right, const uint32_t *right_rows, uint32_t n,
                    uint64_t first_row, struct column_buf *out, teg_error *err)
{
	struct block b;

	for (uint32_t at = 0; at < n; at += b.n) {
		size_t from = out->n;
		uint8_t *to;
		uint32_t over;

		b.n = n - at < BLOCK ? n - at : BLOCK;
		load(t, &b, left, left_rows + at, right, right_rows + at);
		to = column_buf_extend(out, b.n);
		over = b.n;
		if (to && t->real)
			run_real(t, &b, to);
		else if (to)
			over = run_whole(t, &b, to);
		if (over < b.n)
			return overflow(t, first_row + at + over, err);
		if (!to || mark_nulls(&b, out, from) != TEG_OK)
			return teg_fail(err, TEG_NOMEM, "no memory for an elementwise result");
	}
	return TEG_OK;
}
