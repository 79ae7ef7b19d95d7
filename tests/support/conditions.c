#include "tests/support/conditions.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct value {
	char text[120];
	__int128 i; /* integers and decimals in thousandths; times in nanoseconds; kinds */
	long double f;
	uint8_t bytes[16];
	size_t len;
};

enum condition_kind { COMPARE, COLUMNS, IN, BETWEEN, IS_NULL, IS_NAN, AND, OR, NOT };

struct condition {
	enum condition_kind kind;
	int op; /* 0 to 5: = <> < <= > >= */
	bool negated;
	const struct crowd_column *x, *y;
	uint32_t n_values;
	struct value values[4];
	struct condition *a, *b;
};

static const char *const op_texts[] = { "=", "<>", "<", "<=", ">", ">=" };

static void put(struct conditions *c, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(c->text + c->len, sizeof c->text - c->len, format, args);
	va_end(args);
	c->len += (size_t)n;
	cr_assert_lt(c->len, sizeof c->text);
}

/* Text of an integer that may take more than 64 bits. */
static void print_wide(__int128 v, char *text)
{
	char digits[50];
	int n = 0;

	*text = 0;
	if (v < 0)
		*text++ = '-';
	do {
		int digit = (int)(v % 10);

		digits[n++] = (char)('0' + (digit < 0 ? -digit : digit));
		v /= 10;
	} while (v);
	while (n)
		*text++ = digits[--n];
	*text = 0;
}

static void print_thousandths(__int128 v, char *text)
{
	__int128 size = v < 0 ? -v : v;

	*text++ = v < 0 ? '-' : '+';
	print_wide(size / 1000, text);
	snprintf(text + strlen(text), 10, ".%03d", (int)(size % 1000));
}

/* A number at or near one of the column's, or at the edge of a type. */
static void make_number(struct crowd *crowd, const struct crowd_column *x, struct value *v)
{
	static const __int128 edges[] = { 0,
		                          9007199254740993,
		                          INT64_MAX,
		                          (__int128)INT64_MAX + 1,
		                          -(__int128)INT64_MAX - 2,
		                          UINT64_MAX,
		                          (__int128)UINT64_MAX + 1,
		                          256,
		                          -1,
		                          65536 };
	static const int steps[] = { 0, 0, 0, 1000, -1000, 500, -500, 1, -1, 2500 };
	int scale = x->type.type == TEG_DECIMAL128 ? x->type.scale : 0;
	__int128 near = x->cells[crowd_below(crowd, crowd->n)].i;

	near = scale == 2 ? near * 10 : scale == -3 ? near * 1000000 : near * 1000;
	if (crowd_below(crowd, 3) == 0)
		near = edges[crowd_below(crowd, sizeof edges / sizeof *edges)] * 1000;
	v->i = near + steps[crowd_below(crowd, sizeof steps / sizeof *steps)];
	if (v->i % 1000 || !crowd_below(crowd, 4))
		print_thousandths(v->i, v->text);
	else
		print_wide(v->i / 1000, v->text);
}

static void make_float_number(struct crowd *crowd, const struct crowd_column *x, struct value *v)
{
	static const char *const texts[] = { "0.1",
		                             "2.5",
		                             "-2.5",
		                             "1e400",
		                             "-1e400",
		                             "0",
		                             "-0.0",
		                             "9007199254740993",
		                             "9007199254740992",
		                             "5",
		                             "18446744073709551615",
		                             "1e22",
		                             "1e-400",
		                             "65504.0",
		                             "16777217",
		                             "0.30000001192092896" };
	double near = (double)x->cells[crowd_below(crowd, crowd->n)].f;

	if (crowd_below(crowd, 2) && isfinite(near))
		snprintf(v->text, sizeof v->text, "%.17g", near);
	else
		snprintf(v->text, sizeof v->text, "%s",
		         texts[crowd_below(crowd, sizeof texts / sizeof *texts)]);
	/* With a point or an exponent the nearest float64, without one the number itself. */
	v->f = strtold(v->text, NULL);
	if (strpbrk(v->text, ".e") && isfinite(strtod(v->text, NULL)))
		v->f = (long double)strtod(v->text, NULL);
}

static void make_run_value(struct crowd *crowd, const struct crowd_column *x, struct value *v)
{
	teg_data_type text = { .type = TEG_UTF8 };
	const struct cell *near = &x->cells[crowd_below(crowd, crowd->n)];
	struct cell other = { .null = false };
	size_t at;

	crowd_make_cell(crowd,
	                x->type.type == TEG_FIXED_BYTES && crowd_below(crowd, 2) ? &text : &x->type,
	                &other);
	if (crowd_below(crowd, 2))
		other = *near;
	v->len = other.len;
	memcpy(v->bytes, other.bytes, other.len);
	at = (size_t)snprintf(v->text, sizeof v->text, x->type.type == TEG_UTF8 ? "'" : "x'");
	for (size_t i = 0; i < v->len; i++) {
		if (x->type.type != TEG_UTF8)
			at += (size_t)snprintf(v->text + at, sizeof v->text - at, "%02x",
			                       v->bytes[i]);
		else
			at += (size_t)snprintf(v->text + at, sizeof v->text - at,
			                       v->bytes[i] == '\'' ? "''" : "%c", v->bytes[i]);
	}
	snprintf(v->text + at, sizeof v->text - at, "'");
}

static int64_t ns_of_unit(const teg_data_type *t)
{
	static const int64_t units[] = { 1000000000, 1000000, 1000, 1 };

	return t->type == TEG_DATE32 ? 86400000000000 : units[t->unit];
}

static void make_time(struct crowd *crowd, const struct crowd_column *x, struct value *v)
{
	static const int64_t steps[] = { 0, 0, 0, 1, -1, 500, 1000000, -250000000, 1000000000 };
	__int128 ns = x->cells[crowd_below(crowd, crowd->n)].i * ns_of_unit(&x->type) +
	              steps[crowd_below(crowd, sizeof steps / sizeof *steps)];
	int zone = (int)crowd_below(crowd, 3) - 1;
	int64_t at = (int64_t)ns + zone * 5400 * (int64_t)1000000000;
	time_t seconds = (time_t)(at / 1000000000 - (at % 1000000000 < 0));
	char day[40];

	v->i = ns;
	if (crowd_below(crowd, 5) == 0) { /* an integer in the column's own unit */
		v->i = x->cells[crowd_below(crowd, crowd->n)].i;
		print_wide(v->i, v->text);
		v->i *= ns_of_unit(&x->type);
		return;
	}
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", gmtime(&seconds));
	snprintf(v->text, sizeof v->text, "'%s.%09lld%s'", day,
	         (long long)(at - seconds * 1000000000ll),
	         zone > 0   ? "+01:30"
	         : zone < 0 ? "-01:30"
	                    : "Z");
}

static void make_value(struct crowd *crowd, const struct crowd_column *x, struct value *v)
{
	static const char *const kinds[] = { "'live'", "'tombstone'", "'erased'", "3", "0" };
	static const int kind_values[] = { 0, 1, 2, 3, 0 };

	if (x->id == COLUMN_ID_KIND) {
		size_t pick = crowd_below(crowd, 5);

		v->i = kind_values[pick] * 1000;
		snprintf(v->text, sizeof v->text, "%s", kinds[pick]);
	} else if (crowd_is_run(&x->type)) {
		make_run_value(crowd, x, v);
	} else if (crowd_is_float(&x->type)) {
		make_float_number(crowd, x, v);
	} else if (crowd_is_time(&x->type)) {
		make_time(crowd, x, v);
	} else if (x->type.type == TEG_BOOL) {
		v->i = (__int128)crowd_below(crowd, 2) * 1000;
		snprintf(v->text, sizeof v->text, v->i ? "true" : "FALSE");
	} else {
		make_number(crowd, x, v);
	}
}

static const struct crowd_column *any_column(struct crowd *crowd)
{
	return &crowd->columns[crowd_below(crowd, crowd->n_columns)];
}

static bool comparable(const struct crowd_column *x, const struct crowd_column *y)
{
	if (crowd_is_run(&x->type) || crowd_is_run(&y->type))
		return crowd_is_run(&x->type) && crowd_is_run(&y->type);
	if (crowd_is_integer(&x->type) || crowd_is_float(&x->type))
		return crowd_is_integer(&y->type) || crowd_is_float(&y->type);
	return x->type.type == y->type.type && x->type.unit == y->type.unit &&
	       x->type.scale == y->type.scale;
}

static struct condition *new_condition(struct crowd *crowd, enum condition_kind kind)
{
	struct condition *k = arena_alloc(&crowd->arena, sizeof *k);

	k->kind = kind;
	k->op = (int)crowd_below(crowd, 6);
	return k;
}

static void make_values(struct conditions *c, struct crowd *crowd, struct condition *k, uint32_t n,
                        const char *between)
{
	for (; k->n_values < n; k->n_values++) {
		make_value(crowd, k->x, &k->values[k->n_values]);
		put(c, "%s%s", k->n_values ? between : "", k->values[k->n_values].text);
	}
}

static void make_leaf(struct conditions *c, struct crowd *crowd, struct condition *k)
{
	const char *not = k->negated ? "not " : "";

	switch (k->kind) {
	case COMPARE:
		put(c, "%s %s ", k->x->name, op_texts[k->op]);
		make_values(c, crowd, k, 1, "");
		break;
	case COLUMNS: put(c, "%s %s \"%s\"", k->x->name, op_texts[k->op], k->y->name); break;
	case IN:
		put(c, "%s %sin (", k->x->name, not );
		make_values(c, crowd, k, 1 + (uint32_t)crowd_below(crowd, 4), ", ");
		put(c, ")");
		break;
	case BETWEEN:
		put(c, "%s %sbetween ", k->x->name, not );
		make_values(c, crowd, k, 2, " and ");
		break;
	case IS_NAN: put(c, "isnan(%s)", k->x->name); break;
	default: put(c, "%s is %snull", k->x->name, not );
	}
}

static struct condition *make(struct conditions *c, struct crowd *crowd, int depth)
{
	enum condition_kind kind = depth > 1 && crowd_below(crowd, 4)
	                                   ? (enum condition_kind)(AND + crowd_below(crowd, 3))
	                                   : (enum condition_kind)crowd_below(crowd, 6);
	struct condition *k = new_condition(crowd, kind);

	if (kind >= AND) {
		put(c, kind == NOT ? "not (" : "(");
		k->a = make(c, crowd, depth - 1);
		if (kind != NOT) {
			put(c, kind == AND ? " and " : " OR ");
			k->b = make(c, crowd, depth - 1);
		}
		put(c, ")");
		return k;
	}
	do {
		k->x = any_column(crowd);
		k->y = any_column(crowd);
	} while ((kind == COLUMNS && !comparable(k->x, k->y)) ||
	         (kind == IS_NAN && !crowd_is_float(&k->x->type)));
	k->negated = (kind == IN || kind == BETWEEN || kind == IS_NULL) && crowd_below(crowd, 2);
	make_leaf(c, crowd, k);
	return k;
}

void conditions_make(struct conditions *conditions, struct crowd *crowd, int depth)
{
	conditions->len = 0;
	conditions->root = make(conditions, crowd, depth);
}

/* ---- answers ---- */

enum { NO, YES, UNKNOWN };

static int sign_of(__int128 d)
{
	return d < 0 ? -1 : d > 0;
}

static int order_of_floats(long double a, long double b)
{
	if (isnan(a) || isnan(b))
		return !!isnan(a) - !!isnan(b);
	return a < b ? -1 : a > b;
}

static int order_of_runs(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int order_of_value(const struct crowd_column *x, const struct cell *cell,
                          const struct value *v)
{
	if (crowd_is_run(&x->type))
		return order_of_runs(cell->bytes, cell->len, v->bytes, v->len);
	if (crowd_is_float(&x->type))
		return order_of_floats(cell->f, v->f);
	if (crowd_is_time(&x->type))
		return sign_of(cell->i * ns_of_unit(&x->type) - v->i);
	if (x->type.type == TEG_DECIMAL128 && x->type.scale == 2)
		return sign_of(cell->i * 10 - v->i);
	if (x->type.type == TEG_DECIMAL128)
		return sign_of(cell->i * 1000000 - v->i);
	return sign_of(cell->i * 1000 - v->i);
}

static int holds(int op, int order)
{
	const bool answers[] = { order == 0, order != 0, order<0, order <= 0, order> 0,
		                 order >= 0 };

	return answers[op];
}

static int answer_columns(const struct condition *k, const struct cell *x, const struct cell *y)
{
	if (x->null || y->null)
		return UNKNOWN;
	if (crowd_is_run(&k->x->type))
		return holds(k->op, order_of_runs(x->bytes, x->len, y->bytes, y->len));
	if (crowd_is_integer(&k->x->type) || crowd_is_float(&k->x->type))
		return holds(k->op, order_of_floats(x->f, y->f));
	return holds(k->op, sign_of(x->i - y->i));
}

static int answer_leaf(const struct condition *k, const struct cell *cell)
{
	int any = NO;

	if (k->kind == IS_NULL)
		return cell->null != k->negated;
	if (cell->null)
		return UNKNOWN;
	switch (k->kind) {
	case COMPARE: return holds(k->op, order_of_value(k->x, cell, &k->values[0]));
	case IS_NAN: return isnan(cell->f) != 0;
	case BETWEEN:
		any = order_of_value(k->x, cell, &k->values[0]) >= 0 &&
		      order_of_value(k->x, cell, &k->values[1]) <= 0;
		break;
	default:
		for (uint32_t i = 0; i < k->n_values; i++)
			any |= order_of_value(k->x, cell, &k->values[i]) == 0;
	}
	return any != k->negated;
}

static int answer(const struct condition *k, size_t row)
{
	int a, b;

	if (k->kind == COLUMNS)
		return answer_columns(k, &k->x->cells[row], &k->y->cells[row]);
	if (k->kind < AND)
		return answer_leaf(k, &k->x->cells[row]);
	a = answer(k->a, row);
	if (k->kind == NOT)
		return a == UNKNOWN ? UNKNOWN : !a;
	b = answer(k->b, row);
	if (k->kind == AND)
		return a == NO || b == NO ? NO : a == YES && b == YES ? YES : UNKNOWN;
	return a == YES || b == YES ? YES : a == NO && b == NO ? NO : UNKNOWN;
}

int conditions_answer(const struct conditions *conditions, size_t row)
{
	return answer(conditions->root, row);
}
