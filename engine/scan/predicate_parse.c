/* Text to tree, by recursive descent. format-spec/predicates.md has the grammar. */
#include "engine/scan/predicate_tree.h"
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum token {
	TOKEN_END,
	TOKEN_NAME,   /* or a keyword */
	TOKEN_QUOTED, /* "name" */
	TOKEN_NUMBER,
	TOKEN_TEXT, /* 'text' */
	TOKEN_HEX,  /* x'hex' */
	TOKEN_COMPARE,
	TOKEN_PUNCTUATION
};

#define LITERALS_MAX 100000 /* of one list */

struct parser {
	const char *text;
	size_t at, start, end; /* next byte; the token's first and the one after its last */
	enum token token;
	teg_compare op;
	struct buf_of_text {
		uint8_t *at;
		size_t len, cap;
	} bytes; /* of the token, unquoted */
	unsigned depth;
	const teg_allocator *alloc;
	teg_error *err;
};

static teg_status parse_or(struct parser *p, struct teg_predicate **out);

static teg_status syntax(struct parser *p, const char *what)
{
	teg_fail(p->err, TEG_MISUSE, "predicate: %s at byte %zu", what, p->start);
	return error_at_offset(p->err, TEG_MISUSE, (int64_t)p->start);
}

static teg_status no_memory(struct parser *p)
{
	return teg_fail(p->err, TEG_NOMEM, "no memory for a predicate");
}

/* ---- tokens ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool keep_byte(struct parser *p, char c)
{
	void *block = p->bytes.at;

	if (!mem_grow(p->alloc, &block, &p->bytes.cap, p->bytes.len + 2, 1))
		return false;
	p->bytes.at = block;
	p->bytes.at[p->bytes.len++] = (uint8_t)c;
	p->bytes.at[p->bytes.len] = 0;
	return true;
}

static teg_status quoted(struct parser *p, char quote, enum token token)
{
	p->at++;
	for (;; p->at++) {
		char c = p->text[p->at];

		if (!c)
			return syntax(p, "a quote is not closed");
		if (c == quote && p->text[p->at + 1] != quote)
			break;
		if (c == quote)
			p->at++;
		if (!keep_byte(p, c))
			return no_memory(p);
	}
	p->at++;
	p->token = token;
	return keep_byte(p, 0) ? (p->bytes.len--, TEG_OK) : no_memory(p);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static teg_status hex(struct parser *p)
{
	p->at++;
	TEG_TRY(quoted(p, '\'', TOKEN_HEX));
	if (p->bytes.len % 2)
		return syntax(p, "hex digits come in pairs");
	for (size_t i = 0; i < p->bytes.len; i += 2) {
		int hi = hex_digit(p->bytes.at[i]), lo = hex_digit(p->bytes.at[i + 1]);

		if (hi < 0 || lo < 0)
			return syntax(p, "not a hex digit");
		p->bytes.at[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	p->bytes.len /= 2;
	return TEG_OK;
}

static teg_status take_while_name(struct parser *p)
{
	while (is_name(p->text[p->at]) || is_digit(p->text[p->at]) || p->text[p->at] == '.')
		if (!keep_byte(p, p->text[p->at++]))
			return no_memory(p);
	p->token = TOKEN_NAME;
	return TEG_OK;
}

static teg_status take_number(struct parser *p)
{
	char c = p->text[p->at];

	if (c == '+' || c == '-')
		if (!keep_byte(p, p->text[p->at++]))
			return no_memory(p);
	for (;; p->at++) {
		char last = p->bytes.len ? (char)p->bytes.at[p->bytes.len - 1] : 0;

		c = p->text[p->at];
		if (!(is_digit(c) || c == '.' || c == 'e' || c == 'E' ||
		      ((c == '+' || c == '-') && (last == 'e' || last == 'E'))))
			break;
		if (!keep_byte(p, c))
			return no_memory(p);
	}
	p->token = TOKEN_NUMBER;
	return TEG_OK;
}

static bool take_compare(struct parser *p)
{
	static const struct {
		const char *text;
		teg_compare op;
	} ops[] = { { "<>", TEG_NE }, { "!=", TEG_NE }, { "<=", TEG_LE }, { ">=", TEG_GE },
		    { "<", TEG_LT },  { ">", TEG_GT },  { "=", TEG_EQ } };

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		size_t len = strlen(ops[i].text);

		if (strncmp(p->text + p->at, ops[i].text, len) == 0) {
			p->at += len;
			p->op = ops[i].op;
			p->token = TOKEN_COMPARE;
			return true;
		}
	}
	return false;
}

static teg_status next(struct parser *p)
{
	char c;

	while ((c = p->text[p->at]) == ' ' || c == '\t' || c == '\n' || c == '\r')
		p->at++;
	p->start = p->at;
	p->bytes.len = 0;
	p->token = TOKEN_END;
	if (!c)
		return TEG_OK;
	if (c == '"')
		return quoted(p, '"', TOKEN_QUOTED);
	if (c == '\'')
		return quoted(p, '\'', TOKEN_TEXT);
	if ((c == 'x' || c == 'X') && p->text[p->at + 1] == '\'')
		return hex(p);
	if (is_name(c))
		return take_while_name(p);
	if (is_digit(c) || ((c == '-' || c == '+' || c == '.') &&
	                    (is_digit(p->text[p->at + 1]) || p->text[p->at + 1] == '.')))
		return take_number(p);
	if (take_compare(p))
		return TEG_OK;
	if (!strchr("(),", c))
		return syntax(p, "an unexpected character");
	p->at++;
	p->token = TOKEN_PUNCTUATION;
	return keep_byte(p, c) ? TEG_OK : no_memory(p);
}

static bool is_text(const struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if (p->bytes.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = (char)p->bytes.at[i];

		if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != word[i])
			return false;
	}
	return true;
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token == TOKEN_NAME && is_text(p, word);
}

static bool is_mark(const struct parser *p, char mark)
{
	return p->token == TOKEN_PUNCTUATION && p->bytes.at[0] == (uint8_t)mark;
}

static teg_status expect_mark(struct parser *p, char mark, const char *what)
{
	return is_mark(p, mark) ? next(p) : syntax(p, what);
}

/* ---- literals ---- */

/* strtod reads the decimal point of the host's locale, so hand it that one. */
static bool float_of(const char *text, double *out)
{
	char copy[400];
	const char *point = localeconv()->decimal_point, *dot = strchr(text, '.');
	char *end;

	if (dot)
		snprintf(copy, sizeof copy, "%.*s%s%s", (int)(dot - text), text, point, dot + 1);
	else
		snprintf(copy, sizeof copy, "%s", text);
	*out = strtod(copy, &end);
	return end != copy && !*end;
}

/* Digits with an optional point as an exact decimal; false beyond 38 digits, or with an exponent. */
static bool decimal_of(const char *text, __int128 *i_out, int *scale_out)
{
	bool negative = *text == '-', point = false;
	int digits = 0;

	*i_out = 0;
	*scale_out = 0;
	for (text += *text == '-' || *text == '+'; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(*text) || ++digits > 38)
			return false;
		*i_out = *i_out * 10 + (*text - '0');
		*scale_out += point;
	}
	if (negative)
		*i_out = -*i_out;
	return digits > 0;
}

static teg_status number(struct parser *p, struct literal *out)
{
	const char *text = (const char *)p->bytes.at;

	if (p->bytes.len > 300)
		return syntax(p, "a number is too long");
	if (decimal_of(text, &out->i, &out->scale)) {
		out->type = out->scale ? LITERAL_DECIMAL : LITERAL_INTEGER;
		float_of(text, &out->f);
		return TEG_OK;
	}
	out->type = LITERAL_FLOAT;
	return float_of(text, &out->f) ? TEG_OK : syntax(p, "a number makes no sense");
}

/* One literal; `store` grows with the bytes of texts, which are named by offset until it is whole. */
struct literals {
	struct literal *at;
	uint32_t n;
	size_t cap;
	uint8_t *bytes;
	size_t len, bytes_cap;
};

static bool keep_bytes(struct parser *p, struct literals *l, struct literal *out)
{
	void *block = l->bytes;

	if (!mem_grow(p->alloc, &block, &l->bytes_cap, l->len + p->bytes.len + 1, 1))
		return false;
	l->bytes = block;
	if (p->bytes.len)
		memcpy(l->bytes + l->len, p->bytes.at, p->bytes.len);
	out->bytes.at = (const uint8_t *)l->len; /* an offset, see fix_bytes() */
	out->bytes.len = p->bytes.len;
	l->len += p->bytes.len;
	return true;
}

static void fix_bytes(struct literals *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->at[i].type == LITERAL_TEXT || l->at[i].type == LITERAL_BYTES)
			l->at[i].bytes.at = l->bytes + (size_t)l->at[i].bytes.at;
}

static void free_literals(struct parser *p, struct literals *l)
{
	mem_free(p->alloc, l->at, l->cap * sizeof *l->at);
	mem_free(p->alloc, l->bytes, l->bytes_cap);
}

static teg_status one_literal(struct parser *p, struct literals *l)
{
	void *block = l->at;
	struct literal *out;

	if (l->n == LITERALS_MAX)
		return syntax(p, "a list is too long");
	if (!mem_grow(p->alloc, &block, &l->cap, l->n + 1, sizeof *l->at))
		return no_memory(p);
	l->at = block;
	out = &l->at[l->n];
	memset(out, 0, sizeof *out);
	if (p->token == TOKEN_NUMBER) {
		TEG_TRY(number(p, out));
	} else if (p->token == TOKEN_TEXT || p->token == TOKEN_HEX) {
		out->type = p->token == TOKEN_TEXT ? LITERAL_TEXT : LITERAL_BYTES;
		if (!keep_bytes(p, l, out))
			return no_memory(p);
	} else if (is_word(p, "true") || is_word(p, "false")) {
		out->type = LITERAL_BOOL;
		out->i = is_word(p, "true");
	} else {
		return syntax(p, "a value is missing");
	}
	l->n++;
	return next(p);
}

static bool is_literal(const struct parser *p)
{
	return p->token == TOKEN_NUMBER || p->token == TOKEN_TEXT || p->token == TOKEN_HEX ||
	       is_word(p, "true") || is_word(p, "false");
}

/* ---- conditions ---- */

static teg_status make_leaf(struct parser *p, enum predicate_node node, const char *column,
                            teg_compare op, struct literals *l, uint32_t from, uint32_t n,
                            struct teg_predicate **out)
{
	*out = predicate_leaf(node, column, (struct span){ NULL, 0 }, op, n ? l->at + from : NULL,
	                      n, p->alloc);
	return *out ? TEG_OK : no_memory(p);
}

static teg_status negate(struct parser *p, bool negated, struct teg_predicate **out)
{
	return negated ? predicate_inner(NODE_NOT, *out, NULL, out, p->err) : TEG_OK;
}

static teg_status between(struct parser *p, const char *column, struct literals *l,
                          struct teg_predicate **out)
{
	struct teg_predicate *lo, *hi;
	teg_status status;

	TEG_TRY(next(p));
	TEG_TRY(one_literal(p, l));
	if (!is_word(p, "and"))
		return syntax(p, "between needs 'and'");
	TEG_TRY(next(p));
	TEG_TRY(one_literal(p, l));
	fix_bytes(l);
	TEG_TRY(make_leaf(p, NODE_COMPARE, column, TEG_GE, l, 0, 1, &lo));
	status = make_leaf(p, NODE_COMPARE, column, TEG_LE, l, 1, 1, &hi);
	if (status == TEG_OK)
		return predicate_inner(NODE_AND, lo, hi, out, p->err);
	teg_predicate_free(lo);
	return status;
}

static teg_status in_list(struct parser *p, const char *column, struct literals *l,
                          struct teg_predicate **out)
{
	TEG_TRY(next(p));
	TEG_TRY(expect_mark(p, '(', "in needs a list in parentheses"));
	TEG_TRY(one_literal(p, l));
	while (is_mark(p, ',')) {
		TEG_TRY(next(p));
		TEG_TRY(one_literal(p, l));
	}
	TEG_TRY(expect_mark(p, ')', "a list is not closed"));
	fix_bytes(l);
	return make_leaf(p, NODE_IN, column, TEG_EQ, l, 0, l->n, out);
}

static teg_status is_null(struct parser *p, const char *column, struct teg_predicate **out)
{
	bool negated;

	TEG_TRY(next(p));
	negated = is_word(p, "not");
	if (negated)
		TEG_TRY(next(p));
	if (!is_word(p, "null"))
		return syntax(p, "is needs 'null' or 'not null'");
	TEG_TRY(next(p));
	TEG_TRY(make_leaf(p, NODE_IS_NULL, column, TEG_EQ, NULL, 0, 0, out));
	return negate(p, negated, out);
}

static teg_status compare(struct parser *p, const char *column, struct literals *l,
                          struct teg_predicate **out)
{
	teg_compare op = p->op;

	TEG_TRY(next(p));
	if (is_literal(p)) {
		TEG_TRY(one_literal(p, l));
		fix_bytes(l);
		return make_leaf(p, NODE_COMPARE, column, op, l, 0, 1, out);
	}
	if (p->token != TOKEN_NAME && p->token != TOKEN_QUOTED)
		return syntax(p, "a value or a column is missing");
	*out = predicate_leaf(NODE_COMPARE_COLUMNS, column, span_of(p->bytes.at, p->bytes.len), op,
	                      NULL, 0, p->alloc);
	return *out ? next(p) : no_memory(p);
}

static teg_status after_column(struct parser *p, const char *column, struct literals *l,
                               struct teg_predicate **out)
{
	bool negated;

	if (p->token == TOKEN_COMPARE)
		return compare(p, column, l, out);
	if (is_word(p, "is"))
		return is_null(p, column, out);
	negated = is_word(p, "not");
	if (negated)
		TEG_TRY(next(p));
	if (is_word(p, "between"))
		TEG_TRY(between(p, column, l, out));
	else if (is_word(p, "in"))
		TEG_TRY(in_list(p, column, l, out));
	else
		return syntax(p, "a comparison is missing");
	return negate(p, negated, out);
}

static teg_compare mirrored(teg_compare op)
{
	static const teg_compare other[] = { 0, TEG_EQ, TEG_NE, TEG_GT, TEG_GE, TEG_LT, TEG_LE };

	return other[op];
}

/* `10 < delay`: the literal comes first. */
static teg_status literal_first(struct parser *p, struct literals *l, struct teg_predicate **out)
{
	teg_compare op;

	TEG_TRY(one_literal(p, l));
	if (p->token != TOKEN_COMPARE)
		return syntax(p, "a comparison is missing");
	op = mirrored(p->op);
	TEG_TRY(next(p));
	if (p->token != TOKEN_NAME && p->token != TOKEN_QUOTED)
		return syntax(p, "a column is missing");
	fix_bytes(l);
	TEG_TRY(make_leaf(p, NODE_COMPARE, (const char *)p->bytes.at, op, l, 0, 1, out));
	return next(p);
}

static teg_status is_nan(struct parser *p, struct teg_predicate **out)
{
	TEG_TRY(next(p));
	if (p->token != TOKEN_NAME && p->token != TOKEN_QUOTED)
		return syntax(p, "isnan needs a column");
	TEG_TRY(make_leaf(p, NODE_IS_NAN, (const char *)p->bytes.at, TEG_EQ, NULL, 0, 0, out));
	TEG_TRY(next(p));
	return expect_mark(p, ')', "isnan is not closed");
}

static teg_status column_first(struct parser *p, struct literals *l, struct teg_predicate **out)
{
	char column[1024];
	bool may_call = is_word(p, "isnan");

	if (p->bytes.len >= sizeof column || memchr(p->bytes.at, 0, p->bytes.len))
		return syntax(p, "a column name is too long");
	memcpy(column, p->bytes.at, p->bytes.len);
	column[p->bytes.len] = 0;
	TEG_TRY(next(p));
	if (may_call && is_mark(p, '('))
		return is_nan(p, out);
	return after_column(p, column, l, out);
}

static teg_status condition(struct parser *p, struct teg_predicate **out)
{
	struct literals l = { 0 };
	teg_status status;

	if (is_literal(p))
		status = literal_first(p, &l, out);
	else if (p->token == TOKEN_NAME || p->token == TOKEN_QUOTED)
		status = column_first(p, &l, out);
	else
		status = syntax(p, "a condition is missing");
	free_literals(p, &l);
	return status;
}

/* ---- and, or, not, parentheses ---- */

static teg_status parse_factor(struct parser *p, struct teg_predicate **out)
{
	teg_status status;

	if (++p->depth > PREDICATE_DEPTH_MAX)
		return syntax(p, "nested too deep");
	if (is_word(p, "not")) {
		TEG_TRY(next(p));
		TEG_TRY(parse_factor(p, out));
		status = negate(p, true, out);
	} else if (is_mark(p, '(')) {
		TEG_TRY(next(p));
		TEG_TRY(parse_or(p, out));
		status = expect_mark(p, ')', "a parenthesis is not closed");
	} else {
		status = condition(p, out);
	}
	p->depth--;
	return status;
}

static teg_status parse_chain(struct parser *p, const char *word, enum predicate_node node,
                              teg_status (*part)(struct parser *, struct teg_predicate **),
                              struct teg_predicate **out)
{
	TEG_TRY(part(p, out));
	while (is_word(p, word)) {
		struct teg_predicate *left = *out, *right = NULL;
		teg_status status = next(p);

		*out = NULL;
		if (status == TEG_OK)
			status = part(p, &right);
		if (status != TEG_OK) {
			teg_predicate_free(left);
			teg_predicate_free(right);
			return status;
		}
		TEG_TRY(predicate_inner(node, left, right, out, p->err));
	}
	return TEG_OK;
}

static teg_status parse_and(struct parser *p, struct teg_predicate **out)
{
	return parse_chain(p, "and", NODE_AND, parse_factor, out);
}

static teg_status parse_or(struct parser *p, struct teg_predicate **out)
{
	return parse_chain(p, "or", NODE_OR, parse_and, out);
}

teg_status teg_predicate_parse(const char *text, const teg_allocator *allocator,
                               teg_predicate **predicate_out, teg_error *err)
{
	struct parser p = { .text = text,
		            .alloc = allocator ? allocator : teg_allocator_default(),
		            .err = err };
	teg_status status;

	if (!text || !predicate_out)
		return teg_fail(err, TEG_MISUSE, "a predicate needs text and a place to go");
	*predicate_out = NULL;
	status = next(&p);
	if (status == TEG_OK)
		status = parse_or(&p, predicate_out);
	if (status == TEG_OK && p.token != TOKEN_END)
		status = syntax(&p, "something is left over");
	mem_free(p.alloc, p.bytes.at, p.bytes.cap);
	if (status != TEG_OK) {
		teg_predicate_free(*predicate_out);
		*predicate_out = NULL;
	}
	return status;
}
