/* Predicates over columns: one byte per row and node, 0 false, 1 true, 2 unknown (SQL's null). */
#include "engine/predicate/bound.h"
#include "codec/base/sort.h"
#include <math.h>
#include <string.h>

#define PIECE 1024 /* rows whose lanes are held at a time */

enum { NO = 0, YES = 1, UNKNOWN = 2 };

struct run {
	const struct bound_predicate *bound;
	const struct column *columns;
	size_t n;
	const teg_allocator *alloc;
};

static void mark_nulls(const struct column *c, size_t n, uint8_t *out)
{
	for (size_t i = 0; c->validity && i < n; i++)
		if (!bitmap_get(c->validity, i))
			out[i] = UNKNOWN;
}

#define LANE_LOOP(op)                       \
	for (size_t i = 0; i < n; i++)      \
		out[i] = lanes[i] op bound; \
	break

static void compare_lanes(const uint64_t *lanes, size_t n, teg_compare op, uint64_t bound,
                          uint8_t *out)
{
	switch (op) {
	case TEG_EQ: LANE_LOOP(==);
	case TEG_NE: LANE_LOOP(!=);
	case TEG_LT: LANE_LOOP(<);
	case TEG_LE: LANE_LOOP(<=);
	case TEG_GT: LANE_LOOP(>);
	case TEG_GE: LANE_LOOP(>=);
	}
}

static void test_lanes(const struct run *r, const struct bound_node *node, uint8_t *out)
{
	const struct column *c = &r->columns[node->slot];
	enum value_class class = r->bound->slots[node->slot].class;
	uint64_t lanes[PIECE];

	for (size_t from = 0; from < r->n; from += PIECE) {
		size_t n = r->n - from < PIECE ? r->n - from : PIECE;

		lanes_of_column(c, class, from, n, lanes);
		if (node->test == TEST_LANE) {
			compare_lanes(lanes, n, node->op, node->lane, out + from);
			continue;
		}
		if (node->test == TEST_NAN) {
			compare_lanes(lanes, n, TEG_EQ, LANE_NAN, out + from);
			continue;
		}
		for (size_t i = 0; i < n; i++)
			out[from + i] = sort_has_u64(node->lanes, node->n, lanes[i]);
	}
}

static bool in_bytes(const struct bound_node *node, struct span value)
{
	uint32_t lo = 0, hi = node->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (span_compare(node->texts[mid], value) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < node->n && span_equal(node->texts[lo], value);
}

static void test_bytes(const struct run *r, const struct bound_node *node, uint8_t *out)
{
	const struct column *c = &r->columns[node->slot];

	for (size_t i = 0; i < r->n; i++) {
		struct span value = column_value(c, i);

		out[i] = node->test == TEST_BYTES
		                 ? compare_holds(node->op, span_compare(value, node->bytes))
		                 : in_bytes(node, value);
	}
}

static __int128 wide_at(const struct column *c, size_t i)
{
	return load_wide(c->values + 16 * i);
}

static bool in_wides(const struct bound_node *node, __int128 value)
{
	uint32_t lo = 0, hi = node->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (node->wides[mid] < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < node->n && node->wides[lo] == value;
}

static int order_of_wide(__int128 a, __int128 b)
{
	return (a > b) - (a < b);
}

static void test_wide(const struct run *r, const struct bound_node *node, uint8_t *out)
{
	const struct column *c = &r->columns[node->slot];

	for (size_t i = 0; i < r->n; i++) {
		__int128 v = wide_at(c, i);

		out[i] = node->test == TEST_WIDE
		                 ? compare_holds(node->op, order_of_wide(v, node->wide))
		                 : in_wides(node, v);
	}
}

/* ---- column against column ---- */

static double float_at(const struct column *c, size_t i)
{
	uint64_t lane;

	lanes_of_column(c, VALUE_FLOAT, i, 1, &lane);
	return lane_to_f64(lane);
}

static __int128 integer_at(const struct column *c, enum value_class class, size_t i)
{
	uint64_t lane;

	lanes_of_column(c, class, i, 1, &lane);
	return class == VALUE_SIGNED ? (__int128)lane_to_i64(lane) : (__int128)lane;
}

/* Exact: the float's floor, and whether something is left, against the integer. NaN is above all. */
static int order_of_float(double f, __int128 i)
{
	double down = floor(f);

	if (isnan(f) || f >= 1e38)
		return 1;
	if (f <= -1e38)
		return -1;
	if ((__int128)down != i)
		return (__int128)down > i ? 1 : -1;
	return f > down;
}

static int order_of_rows(const struct run *r, const struct bound_node *node, size_t i)
{
	const struct bound_slot *x = &r->bound->slots[node->slot],
				*y = &r->bound->slots[node->other_slot];
	const struct column *a = &r->columns[node->slot], *b = &r->columns[node->other_slot];

	if (x->class == VALUE_BYTES)
		return span_compare(column_value(a, i), column_value(b, i));
	if (x->class == VALUE_WIDE)
		return order_of_wide(wide_at(a, i), wide_at(b, i));
	if (x->class == VALUE_FLOAT && y->class == VALUE_FLOAT) {
		uint64_t p = lane_of_f64(float_at(a, i)), q = lane_of_f64(float_at(b, i));

		return (p > q) - (p < q);
	}
	if (x->class == VALUE_FLOAT)
		return order_of_float(float_at(a, i), integer_at(b, y->class, i));
	if (y->class == VALUE_FLOAT)
		return -order_of_float(float_at(b, i), integer_at(a, x->class, i));
	return order_of_wide(integer_at(a, x->class, i), integer_at(b, y->class, i));
}

static void test_columns(const struct run *r, const struct bound_node *node, uint8_t *out)
{
	for (size_t i = 0; i < r->n; i++)
		out[i] = compare_holds(node->op, order_of_rows(r, node, i));
	mark_nulls(&r->columns[node->other_slot], r->n, out);
}

/* ---- the tree ---- */

static teg_status evaluate(const struct run *r, const struct bound_node *node, uint8_t *out);

static void combine_and(uint8_t *out, const uint8_t *with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = !out[i] || !with[i] ? NO
		                             : (uint8_t)((out[i] | with[i]) > 1 ? UNKNOWN : YES);
}

static void combine_or(uint8_t *out, const uint8_t *with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = out[i] == YES || with[i] == YES ? YES : (uint8_t)(out[i] | with[i]);
}

static teg_status evaluate_both(const struct run *r, const struct bound_node *node, uint8_t *out)
{
	uint8_t *with;
	teg_status status;

	TEG_TRY(evaluate(r, node->a, out));
	with = mem_alloc(r->alloc, r->n);
	if (!with)
		return TEG_NOMEM;
	status = evaluate(r, node->b, with);
	if (status == TEG_OK && node->test == TEST_AND)
		combine_and(out, with, r->n);
	if (status == TEG_OK && node->test == TEST_OR)
		combine_or(out, with, r->n);
	mem_free(r->alloc, with, r->n);
	return status;
}

static teg_status evaluate(const struct run *r, const struct bound_node *node, uint8_t *out)
{
	static const uint8_t opposite[] = { YES, NO, UNKNOWN };
	const struct column *c = &r->columns[node->slot];

	switch (node->test) {
	case TEST_AND:
	case TEST_OR: return evaluate_both(r, node, out);
	case TEST_NOT:
		TEG_TRY(evaluate(r, node->a, out));
		for (size_t i = 0; i < r->n; i++)
			out[i] = opposite[out[i]];
		return TEG_OK;
	case TEST_NULL:
		for (size_t i = 0; i < r->n; i++)
			out[i] = !column_valid(c, i);
		return TEG_OK;
	case TEST_CONSTANT: memset(out, node->result, r->n); break;
	case TEST_LANE:
	case TEST_NAN:
	case TEST_IN_LANES: test_lanes(r, node, out); break;
	case TEST_WIDE:
	case TEST_IN_WIDE: test_wide(r, node, out); break;
	case TEST_COLUMNS: test_columns(r, node, out); break;
	default: test_bytes(r, node, out);
	}
	mark_nulls(c, r->n, out);
	return TEG_OK;
}

teg_status predicate_run(const struct bound_predicate *bound, const struct column *columns,
                         size_t n, const teg_allocator *alloc, uint8_t *mask, teg_error *err)
{
	struct run r = { bound, columns, n, alloc };
	uint8_t *out = mem_alloc(alloc, n);
	teg_status status = out ? evaluate(&r, bound->root, out) : TEG_NOMEM;

	for (size_t i = 0; status == TEG_OK && i < n; i++)
		mask[i] &= out[i] == YES;
	mem_free(alloc, out, n);
	return status == TEG_OK ? status : teg_fail(err, status, "no memory to run a predicate");
}
