#include "engine/predicate/predicate.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include "engine/predicate/tree.h"
#include "tests/support/memory.h"

/* ---- a tree as text, to compare with ---- */

struct page {
	char text[2000];
	size_t len;
};

static void put(struct page *page, const char *text)
{
	int n = snprintf(page->text + page->len, sizeof page->text - page->len, "%s", text);

	page->len += (size_t)n;
	cr_assert_lt(page->len, sizeof page->text);
}

static void put_literal(struct page *page, const struct literal *l)
{
	static const char marks[] = { [LITERAL_TEXT] = '\'', [LITERAL_BYTES] = 'x' };
	char text[100];

	switch (l->type) {
	case LITERAL_BOOL: snprintf(text, sizeof text, l->i ? " true" : " false"); break;
	case LITERAL_FLOAT: snprintf(text, sizeof text, " %a", l->f); break;
	case LITERAL_INTEGER: snprintf(text, sizeof text, " %lld", (long long)l->i); break;
	case LITERAL_DECIMAL:
		snprintf(text, sizeof text, " %lld/%d", (long long)l->i, l->scale);
		break;
	case LITERAL_WIDE: snprintf(text, sizeof text, " wide %lld", (long long)l->i); break;
	default:
		snprintf(text, sizeof text, " %c%.*s", marks[l->type], (int)l->bytes.len,
		         (const char *)l->bytes.at);
	}
	put(page, text);
}

static void put_tree(struct page *page, const struct teg_predicate *p)
{
	static const char *const ops[] = { "?", "=", "<>", "<", "<=", ">", ">=" };
	static const char *const nodes[] = { "",     "columns ", "in ", "null ",
		                             "nan ", "and ",     "or ", "not " };

	put(page, "(");
	put(page, nodes[p->node]);
	if (p->node <= NODE_COMPARE_COLUMNS)
		put(page, ops[p->op]), put(page, " ");
	if (p->a) {
		put_tree(page, p->a);
		if (p->b)
			put_tree(page, p->b);
	} else {
		put(page, p->column);
	}
	if (p->node == NODE_COMPARE_COLUMNS)
		put(page, " "), put(page, p->other);
	for (uint32_t i = 0; i < p->n_literals; i++)
		put_literal(page, &p->literals[i]);
	put(page, ")");
}

static void check_tree(const teg_predicate *p, const char *want, const char *name)
{
	struct page page = { .len = 0 };

	put_tree(&page, p);
	cr_assert_str_eq(page.text, want, "%s", name);
}

/* ---- what is taken ---- */

static const struct {
	const char *text, *tree;
} taken[] = {
	/* PRED-3: blanks, words in capitals, names */
	{ "a=1", "(= a 1)" },
	{ " \t\r\n a = 1 \n", "(= a 1)" },
	{ "a = 1 AND b = 2 Or NOT c = 3", "(or (and (= a 1)(= b 2))(not (= c 3)))" },
	{ "step.loss < 1", "(< step.loss 1)" },
	{ "größe > 1", "(> größe 1)" },
	{ "_x1 = 1", "(= _x1 1)" },
	{ "x = x", "(columns = x x)" },
	/* PRED-4: quoted names may be words of the language and hold quotes */
	{ "\"and\" = 1", "(= and 1)" },
	{ "\"a \"\"b\"\" c\" = 1", "(= a \"b\" c 1)" },
	{ "\"isnan\" = 1", "(= isnan 1)" },
	{ "isnan = 1", "(= isnan 1)" },
	{ "isnan(x)", "(nan x)" },
	{ "IsNaN ( \"x\" )", "(nan x)" },
	/* PRED-5: text and bytes */
	{ "a = 'it''s'", "(= a 'it's)" },
	{ "a = ''", "(= a ')" },
	{ "a = ''''", "(= a '')" },
	{ "a = '\"'", "(= a '\")" },
	{ "a = x'6a4B'", "(= a xjK)" },
	{ "a = X''", "(= a x)" },
	/* PRED-6: numbers */
	{ "a = -5", "(= a -5)" },
	{ "a = +5", "(= a 5)" },
	{ "a=-5", "(= a -5)" },
	{ "a = 2.50", "(= a 25/1)" },
	{ "a = .5", "(= a 5/1)" },
	{ "a = 5.", "(= a 5/0)" },
	{ "a = -1.5e3", "(= a -15/-2)" },
	{ "a = 29E-2", "(= a 29/2)" },
	{ "a = 1e+2", "(= a 1/-2)" },
	{ "a = 007", "(= a 7)" },
	{ "a = 1200", "(= a 1200)" },
	{ "a = 0.0", "(= a 0/0)" },
	{ "a = 9223372036854775807", "(= a 9223372036854775807)" },
	{ "a = true", "(= a true)" },
	{ "a <> FALSE", "(<> a false)" },
	/* PRED-7: comparisons */
	{ "a <> 1", "(<> a 1)" },
	{ "a != 1", "(<> a 1)" },
	{ "a <= 1", "(<= a 1)" },
	{ "a>=1", "(>= a 1)" },
	{ "a > b", "(columns > a b)" },
	{ "\"a\" = \"b c\"", "(columns = a b c)" },
	{ "10 < a", "(> a 10)" },
	{ "10 <= a", "(>= a 10)" },
	{ "10 > a", "(< a 10)" },
	{ "10 >= a", "(<= a 10)" },
	{ "'x' = a", "(= a 'x)" },
	{ "true != a", "(<> a true)" },
	/* PRED-8: between, in, is */
	{ "a between 1 and 2", "(and (>= a 1)(<= a 2))" },
	{ "a not between 1 and 2", "(not (and (>= a 1)(<= a 2)))" },
	{ "a between 1 and 2 and b = 3", "(and (and (>= a 1)(<= a 2))(= b 3))" },
	{ "a in (1)", "(in a 1)" },
	{ "a in ('JFK','','LGA')", "(in a 'JFK ' 'LGA)" },
	{ "a not in (1, 2.5, x'61')", "(not (in a 1 25/1 xa))" },
	{ "a is null", "(null a)" },
	{ "a IS NOT NULL", "(not (null a))" },
	/* PRED-9: precedence, parentheses */
	{ "a = 1 or b = 2 and c = 3", "(or (= a 1)(and (= b 2)(= c 3)))" },
	{ "(a = 1 or b = 2) and c = 3", "(and (or (= a 1)(= b 2))(= c 3))" },
	{ "not a = 1 and b = 2", "(and (not (= a 1))(= b 2))" },
	{ "not (a = 1 and b = 2)", "(not (and (= a 1)(= b 2)))" },
	{ "not not a = 1", "(not (not (= a 1)))" },
	{ "((a = 1))", "(= a 1)" },
	{ "not(a=1)or(b=2)", "(or (not (= a 1))(= b 2))" },
	{ "a = 1 and b = 2 and c = 3", "(and (and (= a 1)(= b 2))(= c 3))" },
	{ "a=1 or b=2 or c=3 or d=4", "(or (or (= a 1)(= b 2))(or (= c 3)(= d 4)))" },
	{ "delay > 10 and origin in ('JFK','LGA')", "(and (> delay 10)(in origin 'JFK 'LGA))" },
};

Test(predicate_parse, makes_the_tree_that_the_grammar_says) /* PRED-1 to PRED-9 */
{
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		teg_predicate *p = NULL;

		cr_assert_eq(teg_predicate_parse(taken[i].text, NULL, &p, NULL), TEG_OK, "%s",
		             taken[i].text);
		check_tree(p, taken[i].tree, taken[i].text);
		teg_predicate_free(p);
	}
}

Test(predicate_parse, keeps_zero_bytes_of_hex) /* PRED-5 */
{
	teg_predicate *p = NULL;

	cr_assert_eq(teg_predicate_parse("a in (x'0061', x'00')", NULL, &p, NULL), TEG_OK);
	cr_assert(span_equal(p->literals[0].bytes, span_of("\0a", 2)));
	cr_assert(span_equal(p->literals[1].bytes, span_of("\0", 1)));
	teg_predicate_free(p);
}

/* ---- what is refused, and where ---- */

static const struct {
	const char *text;
	int64_t offset;
	const char *what;
} refused[] = {
	/* PRED-10 */
	{ "", 0, "a condition is missing" },
	{ "   ", 3, "a condition is missing" },
	{ "a", 1, "a comparison is missing" },
	{ "a b", 2, "a comparison is missing" },
	{ "a -5", 2, "a comparison is missing" },
	{ "a =", 3, "a value is missing" },
	{ "a = )", 4, "a value is missing" },
	{ "a = =", 4, "a value is missing" },
	{ "a == 1", 3, "a value is missing" },
	{ "a = null", 4, "null is asked for by 'is null'" },
	{ "a <> NULL", 5, "null is asked for by 'is null'" },
	{ "a in (1, null)", 9, "null is asked for by 'is null'" },
	{ "a = and", 4, "a value is missing" },
	{ "and = 1", 0, "a condition is missing" },
	{ "null = 1", 0, "a condition is missing" },
	{ "between = 1", 0, "a condition is missing" },
	{ "a = 1 and", 9, "a condition is missing" },
	{ "a = 1 and or b = 2", 10, "a condition is missing" },
	{ "a = 1 or", 8, "a condition is missing" },
	{ "a = 1 b = 2", 6, "something is left over" },
	{ "a = 1)", 5, "something is left over" },
	{ "a = 1, b = 2", 5, "something is left over" },
	{ "a = 'x' 'y'", 8, "something is left over" },
	{ "a = b = c", 6, "something is left over" },
	{ "not", 3, "a condition is missing" },
	{ "not not", 7, "a condition is missing" },
	{ "()", 1, "a condition is missing" },
	{ "(a = 1", 6, "a parenthesis is not closed" },
	{ "(a = 1 or (b = 2)", 17, "a parenthesis is not closed" },
	{ "(a = 1 b = 2)", 7, "a parenthesis is not closed" },
	{ "1 = 1", 4, "a column is missing" },
	{ "1 = and", 4, "a column is missing" },
	{ "1", 1, "a comparison is missing" },
	{ "1 between 0 and 2", 2, "a comparison is missing" },
	{ "1 is null", 2, "a comparison is missing" },
	{ "true", 4, "a comparison is missing" },
	{ "a not = 1", 6, "a comparison is missing" },
	{ "a not", 5, "a comparison is missing" },
	{ "a not is null", 6, "a comparison is missing" },
	{ "a is", 4, "is needs 'null' or 'not null'" },
	{ "a is 1", 5, "is needs 'null' or 'not null'" },
	{ "a is not", 8, "is needs 'null' or 'not null'" },
	{ "a is not not null", 9, "is needs 'null' or 'not null'" },
	{ "a is \"null\"", 5, "is needs 'null' or 'not null'" },
	{ "a between", 9, "a value is missing" },
	{ "a between 1", 11, "between needs 'and'" },
	{ "a between 1 or 2", 12, "between needs 'and'" },
	{ "a between 1 and", 15, "a value is missing" },
	{ "a between 1 and b", 16, "a value is missing" },
	{ "a in", 4, "in needs a list in parentheses" },
	{ "a in 1", 5, "in needs a list in parentheses" },
	{ "a in ()", 6, "a value is missing" },
	{ "a in (1", 7, "a list is not closed" },
	{ "a in (1 2)", 8, "a list is not closed" },
	{ "a in (1,)", 8, "a value is missing" },
	{ "a in (b)", 6, "a value is missing" },
	{ "isnan()", 6, "isnan needs a column" },
	{ "isnan(1)", 6, "isnan needs a column" },
	{ "isnan(null)", 6, "isnan needs a column" },
	{ "isnan(a", 7, "isnan is not closed" },
	{ "isnan(a, b)", 7, "isnan is not closed" },
	{ "\"isnan\"(a)", 7, "a comparison is missing" },
	{ "isinf(a)", 5, "a comparison is missing" },
	{ "a = 'x", 4, "a quote is not closed" },
	{ "a = 'x''", 4, "a quote is not closed" },
	{ "a = '", 4, "a quote is not closed" },
	{ "\"a = 1", 0, "a quote is not closed" },
	{ "a = x'61", 4, "a quote is not closed" },
	{ "a = x'6'", 4, "hex digits come in pairs" },
	{ "a = x'6g'", 4, "not a hex digit" },
	{ "a = x' 6'", 4, "not a hex digit" },
	{ "a = x'61''62'", 4, "hex digits come in pairs" },
	{ "a = 1.2.3", 4, "a number makes no sense" },
	{ "a = 1e", 4, "a number makes no sense" },
	{ "a = 1e+", 4, "a number makes no sense" },
	{ "a = 1e5.5", 4, "a number makes no sense" },
	{ "a = 1e5e5", 4, "a number makes no sense" },
	{ "a = -.", 4, "a number makes no sense" },
	{ "a = ..", 4, "a number makes no sense" },
	{ "a = 0x10", 4, "a number makes no sense" },
	{ "a = 10and b = 2", 4, "a number makes no sense" },
	{ "a = 1_000", 4, "a number makes no sense" },
	{ "a = 1-2", 5, "something is left over" },
	{ "a = --5", 4, "an unexpected character" },
	{ "a = - 5", 4, "an unexpected character" },
	{ "a = 123456789012345678901234567890123456789", 4, "a number has more than 38 digits" },
	{ "a = 1e10001", 4, "a number is too large or too small" },
	{ "a = 1e-10001", 4, "a number is too large or too small" },
	{ "a = 1e99999999999999999999", 4, "a number is too large or too small" },
	{ "a = 1;", 5, "an unexpected character" },
	{ "a & b", 2, "an unexpected character" },
	{ "a ! b", 2, "an unexpected character" },
	{ "a = $1", 4, "an unexpected character" },
	{ "a = 1 -- b", 6, "an unexpected character" },
	{ "a = 1\v", 5, "an unexpected character" },
	{ "[a] = 1", 0, "an unexpected character" },
	{ "a = 1 and b = 2 and c", 21, "a comparison is missing" },
};

Test(predicate_parse, says_where_text_stops_making_sense) /* PRED-10 */
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct memory mem;
		teg_predicate *p = (teg_predicate *)&mem;
		teg_error err;
		const char *name = refused[i].text;

		memory_init(&mem);
		cr_assert_eq(teg_predicate_parse(name, &mem.alloc, &p, &err), TEG_MISUSE, "%s",
		             name);
		cr_assert_null(p, "%s", name);
		cr_assert_eq(err.offset, refused[i].offset, "%s: at %lld: %s", name,
		             (long long)err.offset, err.message);
		cr_assert_not_null(strstr(err.message, refused[i].what), "%s: %s", name,
		                   err.message);
		memory_check(&mem);
	}
}

Test(predicate_parse, refuses_what_is_no_call)
{
	teg_predicate *p = NULL;

	cr_assert_eq(teg_predicate_parse(NULL, NULL, &p, NULL), TEG_MISUSE);
	cr_assert_eq(teg_predicate_parse("a = 1", NULL, NULL, NULL), TEG_MISUSE);
}

/* ---- limits ---- */

static char *repeated(char *at, const char *text, int n)
{
	size_t len = strlen(text);

	for (int i = 0; i < n; i++, at += len)
		memcpy(at, text, len);
	*at = 0;
	return at;
}

/* `before` n times, a condition, `after` n times. */
static teg_status parse_nested(const char *before, int n, const char *after, teg_error *err)
{
	static char text[300000];
	char *at = repeated(text, before, n);
	teg_predicate *p = NULL;
	struct memory mem;
	teg_status status;

	at = repeated(at, "a = 1", 1);
	repeated(at, after, n);
	memory_init(&mem);
	status = teg_predicate_parse(text, &mem.alloc, &p, err);
	teg_predicate_free(p);
	memory_check(&mem);
	return status;
}

Test(predicate_parse, refuses_what_is_nested_too_deep) /* PRED-11 */
{
	teg_error err;

	cr_assert_eq(parse_nested("(", 199, ")", &err), TEG_OK);
	cr_assert_eq(parse_nested("(", 200, ")", &err), TEG_MISUSE);
	cr_assert_eq(err.offset, 200);
	cr_assert_eq(parse_nested("not ", 199, "", &err), TEG_OK);
	cr_assert_eq(parse_nested("not ", 200, "", &err), TEG_MISUSE);
	cr_assert_eq(err.offset, 800);
	cr_assert_eq(parse_nested("(", 100000, "", &err), TEG_MISUSE);
}

Test(predicate_parse, takes_ten_thousand_operands) /* PRED-11 */
{
	teg_error err;

	cr_assert_eq(parse_nested("a = 1 or ", 10000, "", &err), TEG_OK);
	cr_assert_eq(parse_nested("a = 1 or b = 2 and ", 5000, " and c = 3", &err), TEG_OK);
}

Test(predicate_parse, bounds_names_numbers_and_lists) /* PRED-11 */
{
	static char text[400000];
	teg_predicate *p = NULL;
	teg_error err;

	repeated(repeated(text, "n", 255), " = 1", 1);
	cr_assert_eq(teg_predicate_parse(text, NULL, &p, &err), TEG_OK);
	teg_predicate_free(p);
	repeated(repeated(text, "n", 256), " = 1", 1);
	cr_assert_eq(teg_predicate_parse(text, NULL, &p, &err), TEG_MISUSE);
	repeated(repeated(text, "a = ", 1), "0", 400);
	cr_assert_eq(teg_predicate_parse(text, NULL, &p, &err), TEG_OK);
	teg_predicate_free(p);
	repeated(repeated(text, "a = ", 1), "0", 401);
	cr_assert_eq(teg_predicate_parse(text, NULL, &p, &err), TEG_MISUSE);
	repeated(repeated(repeated(text, "a in (1", 1), ",1", 99999), ")", 1);
	cr_assert_eq(teg_predicate_parse(text, NULL, &p, &err), TEG_OK);
	cr_assert_eq(p->n_literals, 100000);
	teg_predicate_free(p);
	repeated(repeated(repeated(text, "a in (1", 1), ",1", 100000), ")", 1);
	cr_assert_eq(teg_predicate_parse(text, NULL, &p, &err), TEG_MISUSE);
	cr_assert_eq(err.offset, 7 + 2 * 100000 - 1);
}
