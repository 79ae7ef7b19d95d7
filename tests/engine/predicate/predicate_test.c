/* Predicates by calls, their copies, and what becomes of them where memory fails. */
#include "engine/predicate/predicate.h"
#include <criterion/criterion.h>
#include <math.h>
#include "engine/predicate/tree.h"
#include "tests/support/memory.h"

static const teg_value one = { .type = TEG_INT64, .as.i = 1 };

static teg_predicate *leaf(const teg_allocator *alloc)
{
	teg_predicate *p = NULL;

	cr_assert_eq(teg_predicate_compare("a", TEG_EQ, &one, alloc, &p, NULL), TEG_OK);
	return p;
}

/* ---- values ---- */

static const struct {
	teg_value value;
	enum literal_type type;
	long long i;
	double f;
	const char *bytes;
} values[] = {
	{ { .type = TEG_BOOL, .as.i = 1 }, LITERAL_BOOL, 1, 0, "" },
	{ { .type = TEG_INT8, .as.i = -128 }, LITERAL_INTEGER, -128, 0, "" },
	{ { .type = TEG_INT64, .as.i = INT64_MIN }, LITERAL_INTEGER, INT64_MIN, 0, "" },
	{ { .type = TEG_UINT8, .as.u = 255 }, LITERAL_INTEGER, 255, 0, "" },
	{ { .type = TEG_DATE32, .as.i = -3 }, LITERAL_INTEGER, -3, 0, "" },
	{ { .type = TEG_TIMESTAMP, .as.i = -3 }, LITERAL_INTEGER, -3, 0, "" },
	{ { .type = TEG_DURATION, .as.i = 7 }, LITERAL_INTEGER, 7, 0, "" },
	{ { .type = TEG_FLOAT16, .as.f = 0.5 }, LITERAL_FLOAT, 0, 0.5, "" },
	{ { .type = TEG_FLOAT32, .as.f = 0.5 }, LITERAL_FLOAT, 0, 0.5, "" },
	{ { .type = TEG_FLOAT64, .as.f = -INFINITY }, LITERAL_FLOAT, 0, -INFINITY, "" },
	{ { .type = TEG_UTF8, .as.bytes = { "JFK", 3 } }, LITERAL_TEXT, 0, 0, "JFK" },
	{ { .type = TEG_UTF8 }, LITERAL_TEXT, 0, 0, "" },
	{ { .type = TEG_BYTES, .as.bytes = { "JFK", 2 } }, LITERAL_BYTES, 0, 0, "JF" },
	{ { .type = TEG_FIXED_BYTES, .as.bytes = { "JFK", 3 } }, LITERAL_BYTES, 0, 0, "JFK" },
	{ { .type = TEG_DECIMAL128,
	    .as.bytes = { "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	                  16 } },
	  LITERAL_WIDE,
	  -2,
	  0,
	  "" },
};

Test(predicate, keeps_values_of_every_type)
{
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		teg_predicate *p = NULL;

		cr_assert_eq(teg_predicate_in("a", &values[i].value, 1, NULL, &p, NULL), TEG_OK);
		cr_assert_eq(p->node, NODE_IN);
		cr_assert_eq(p->literals->type, values[i].type, "%zu", i);
		cr_assert_eq((long long)p->literals->i, values[i].i, "%zu", i);
		cr_assert_eq(p->literals->f, values[i].f, "%zu", i);
		cr_assert(span_equal(p->literals->bytes, span_of_text(values[i].bytes)), "%zu", i);
		teg_predicate_free(p);
	}
}

Test(predicate, keeps_the_whole_of_a_uint64)
{
	teg_value v = { .type = TEG_UINT64, .as.u = UINT64_MAX };
	teg_predicate *p = NULL;

	cr_assert_eq(teg_predicate_compare("a", TEG_GE, &v, NULL, &p, NULL), TEG_OK);
	cr_assert(p->literals->i == (__int128)UINT64_MAX);
	teg_predicate_free(p);
}

Test(predicate, copies_what_it_is_given)
{
	char name[] = "a", text[] = "JFK";
	teg_value v = { .type = TEG_UTF8, .as.bytes = { text, 3 } };
	teg_predicate *p = NULL;

	cr_assert_eq(teg_predicate_compare(name, TEG_LT, &v, NULL, &p, NULL), TEG_OK);
	memset(name, 'z', 1);
	memset(text, 'z', 3);
	cr_assert_str_eq(p->column, "a");
	cr_assert(span_equal(p->literals->bytes, span_of_text("JFK")));
	cr_assert_eq(p->op, TEG_LT);
	teg_predicate_free(p);
}

/* ---- refusals ---- */

Test(predicate, refuses_values_that_are_none)
{
	static const teg_value none[] = {
		{ .type = 0 },
		{ .type = TEG_FIXED_BYTES + 1 },
		{ .type = (teg_type)-1 },
		{ .type = TEG_DECIMAL128, .as.bytes = { "short", 5 } },
	};

	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		teg_value list[] = { one, none[i] };
		struct memory mem;
		teg_predicate *p = (teg_predicate *)&mem;
		teg_error err;

		memory_init(&mem);
		cr_assert_eq(teg_predicate_compare("col", TEG_EQ, &none[i], &mem.alloc, &p, &err),
		             TEG_MISUSE, "%zu", i);
		cr_assert_null(p);
		cr_assert_not_null(strstr(err.message, "'col'"));
		cr_assert_eq(teg_predicate_in("col", list, 2, &mem.alloc, &p, &err), TEG_MISUSE);
		cr_assert_null(p);
		memory_check(&mem);
	}
}

Test(predicate, refuses_calls_without_what_they_need)
{
	teg_predicate *p = NULL;

	cr_assert_eq(teg_predicate_compare(NULL, TEG_EQ, &one, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_compare("a", TEG_EQ, NULL, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_compare("a", TEG_EQ, &one, NULL, NULL, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_compare("a", 0, &one, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_compare("a", TEG_GE + 1, &one, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_in("a", NULL, 1, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_in("a", &one, SIZE_MAX, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_in(NULL, &one, 1, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_is_null(NULL, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_is_null("a", NULL, NULL, NULL), TEG_MISUSE);
}

Test(predicate, takes_operands_over_after_an_error_too)
{
	struct memory mem, other;
	teg_predicate *p = (teg_predicate *)&mem, *same;

	memory_init(&mem);
	memory_init(&other);
	cr_assert_eq(teg_predicate_and(leaf(&mem.alloc), NULL, &p, NULL), TEG_MISUSE);
	cr_assert_null(p);
	cr_assert_eq(teg_predicate_or(NULL, leaf(&mem.alloc), &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_and(leaf(&mem.alloc), leaf(&mem.alloc), NULL, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_and(leaf(&mem.alloc), leaf(&other.alloc), &p, NULL), TEG_MISUSE);
	same = leaf(&mem.alloc);
	cr_assert_eq(teg_predicate_or(same, same, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_not(NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_not(leaf(&mem.alloc), NULL, NULL), TEG_MISUSE);
	memory_check(&mem);
	memory_check(&other);
}

Test(predicate, refuses_a_tree_of_too_many_levels) /* PRED-11 */
{
	struct memory mem;
	teg_predicate *p, *deeper = NULL;
	teg_error err;

	memory_init(&mem);
	p = leaf(&mem.alloc);
	for (int depth = 2; depth <= PREDICATE_DEPTH_MAX; depth++) {
		cr_assert_eq(teg_predicate_and(p, leaf(&mem.alloc), &deeper, &err), TEG_OK);
		p = deeper;
	}
	cr_assert_eq(teg_predicate_not(p, &deeper, &err), TEG_LIMIT);
	cr_assert_null(deeper);
	memory_check(&mem);
}

/* ---- copies ---- */

static void check_same(const teg_predicate *a, const teg_predicate *b)
{
	cr_assert_eq(a->node, b->node);
	cr_assert_eq(a->depth, b->depth);
	cr_assert_eq(!a->a, !b->a);
	cr_assert_eq(!a->b, !b->b);
	if (a->a)
		check_same(a->a, b->a);
	if (a->b)
		check_same(a->b, b->b);
	if (a->a)
		return;
	cr_assert_eq(a->op, b->op);
	cr_assert_neq(a->column, b->column);
	cr_assert_str_eq(a->column, b->column);
	cr_assert_str_eq(a->other, b->other);
	cr_assert_eq(a->n_literals, b->n_literals);
	for (uint32_t i = 0; i < a->n_literals; i++) {
		const struct literal *x = &a->literals[i], *y = &b->literals[i];

		cr_assert(x->type == y->type && x->i == y->i && x->scale == y->scale &&
		          x->f == y->f);
		cr_assert(span_equal(x->bytes, y->bytes));
		cr_assert(!x->bytes.len || x->bytes.at != y->bytes.at);
	}
}

#define OF_ALL_KINDS                                                                        \
	"a = 1 and (b < c or not d in ('x', '', x'00') and isnan(e)) or f not between 1.5 " \
	"and 2e3 or g is not null and 'z' >= h"

Test(predicate, copies_share_nothing)
{
	struct memory mem, other;
	teg_predicate *p = NULL, *copy = NULL;

	memory_init(&mem);
	memory_init(&other);
	cr_assert_eq(teg_predicate_parse(OF_ALL_KINDS, &mem.alloc, &p, NULL), TEG_OK);
	cr_assert_eq(predicate_copy(p, &other.alloc, &copy, NULL), TEG_OK);
	check_same(p, copy);
	cr_assert_eq(copy->alloc, &other.alloc);
	teg_predicate_free(p);
	memory_check(&mem);
	teg_predicate_free(copy);
	memory_check(&other);
	teg_predicate_free(NULL);
}

/* ---- memory that fails ---- */

static teg_status parse_and_copy(const teg_allocator *alloc, void *ctx)
{
	teg_predicate *p = NULL, *copy = NULL;
	teg_status status = teg_predicate_parse(ctx, alloc, &p, NULL);

	if (status == TEG_OK)
		status = predicate_copy(p, alloc, &copy, NULL);
	teg_predicate_free(p);
	teg_predicate_free(copy);
	return status;
}

Test(predicate, survives_memory_that_fails_while_text_is_read)
{
	char text[] = OF_ALL_KINDS;

	cr_assert_gt(memory_fail_each(parse_and_copy, text), 40);
}

static teg_status build(const teg_allocator *alloc, void *ctx)
{
	teg_predicate *a = NULL, *b = NULL, *p = NULL;

	(void)ctx;
	TEG_TRY(teg_predicate_compare("a", TEG_EQ, &one, alloc, &a, NULL));
	if (teg_predicate_in("b", &values[10].value, 1, alloc, &b, NULL) != TEG_OK) {
		teg_predicate_free(a);
		return TEG_NOMEM;
	}
	TEG_TRY(teg_predicate_and(a, b, &p, NULL));
	TEG_TRY(teg_predicate_not(p, &a, NULL));
	if (teg_predicate_is_null("c", alloc, &b, NULL) != TEG_OK) {
		teg_predicate_free(a);
		return TEG_NOMEM;
	}
	TEG_TRY(teg_predicate_or(a, b, &p, NULL));
	teg_predicate_free(p);
	return TEG_OK;
}

Test(predicate, survives_memory_that_fails_between_calls)
{
	cr_assert_gt(memory_fail_each(build, NULL), 10);
}
