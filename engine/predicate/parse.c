/* Text to tree, by recursive descent. format-spec/predicates.md has the grammar. */
#include "engine/predicate/number.h"
#include "engine/predicate/token.h"
#include "engine/schema/schema.h"

#define LITERALS_MAX 100000 /* of one list */
#define NUMBER_LEN_MAX 400

static teg_status parse_or(struct parser *p, struct teg_predicate **out);

static teg_status expect_mark(struct parser *p, char mark, const char *what)
{
	return parser_at_mark(p, mark) ? parser_next(p) : parser_refuse(p, what);
}

/* ---- literals ---- */

/* The literals of one condition; `bytes` grows with their texts, which are known by their places in
 * it until it is whole. */
struct literals {
	struct literal *at;
	uint32_t n;
	size_t cap;
	uint8_t *bytes;
	size_t len, bytes_cap;
};

static bool is_literal(const struct parser *p)
{
	return p->token == TOKEN_NUMBER || p->token == TOKEN_TEXT || p->token == TOKEN_HEX ||
	       parser_at_word(p, "true") || parser_at_word(p, "false");
}

static teg_status number(struct parser *p, struct literal *out)
{
	const char *text = (const char *)p->bytes, *wrong;
	struct whole whole;

	if (p->len > NUMBER_LEN_MAX)
		return parser_refuse(p, "a number is too long");
	wrong = decimal_of_text(text, &out->i, &out->scale);
	if (wrong)
		return parser_refuse(p, wrong);
	out->type = LITERAL_DECIMAL;
	whole = whole_of_decimal(out->i, out->scale, 0);
	if (text[strcspn(text, ".eE")] || whole.beyond)
		return TEG_OK;
	out->type = LITERAL_INTEGER;
	out->i = whole.floor;
	out->scale = 0;
	return TEG_OK;
}

static teg_status keep_bytes(struct parser *p, struct literals *l, struct literal *out)
{
	void *block = l->bytes;

	if (!mem_grow(p->alloc, &block, &l->bytes_cap, l->len + p->len + 1, 1))
		return parser_no_memory(p);
	l->bytes = block;
	memcpy(l->bytes + l->len, p->bytes, p->len + 1);
	out->bytes.len = p->len;
	l->len += p->len;
	return TEG_OK;
}

/* The texts lie one after the other, in the order of the literals. */
static void place_bytes(struct literals *l)
{
	size_t off = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		l->at[i].bytes.at = l->bytes ? l->bytes + off : NULL;
		off += l->at[i].bytes.len;
	}
}

static void free_literals(struct parser *p, struct literals *l)
{
	mem_free(p->alloc, l->at, l->cap * sizeof *l->at);
	mem_free(p->alloc, l->bytes, l->bytes_cap);
}

static teg_status read_literal(struct parser *p, struct literals *l, struct literal *out)
{
	if (p->token == TOKEN_NUMBER)
		return number(p, out);
	if (p->token == TOKEN_TEXT || p->token == TOKEN_HEX) {
		out->type = p->token == TOKEN_TEXT ? LITERAL_TEXT : LITERAL_BYTES;
		return keep_bytes(p, l, out);
	}
	if (parser_at_word(p, "null"))
		return parser_refuse(p, "null is asked for by 'is null'");
	if (!is_literal(p))
		return parser_refuse(p, "a value is missing");
	out->type = LITERAL_BOOL;
	out->i = parser_at_word(p, "true");
	return TEG_OK;
}

static teg_status take_literal(struct parser *p, struct literals *l)
{
	void *block = l->at;

	if (l->n == LITERALS_MAX)
		return parser_refuse(p, "a list is too long");
	if (!mem_grow(p->alloc, &block, &l->cap, l->n + 1, sizeof *l->at))
		return parser_no_memory(p);
	l->at = block;
	l->at[l->n] = (struct literal){ .type = LITERAL_INTEGER };
	TEG_TRY(read_literal(p, l, &l->at[l->n]));
	l->n++;
	return parser_next(p);
}

/* ---- conditions ---- */

struct column_name {
	char text[NAME_LEN_MAX + 1];
};

static teg_status take_column(struct parser *p, struct column_name *out)
{
	if (p->len > NAME_LEN_MAX)
		return parser_refuse(p, "a name is too long");
	memcpy(out->text, p->bytes, p->len + 1);
	return parser_next(p);
}

static teg_status make_leaf(struct parser *p, enum predicate_node node, const char *column,
                            teg_compare op, const struct literal *literals, uint32_t n,
                            struct teg_predicate **out)
{
	*out = predicate_leaf(node, column, (struct span){ NULL, 0 }, op, literals, n, p->alloc);
	return *out ? TEG_OK : parser_no_memory(p);
}

static teg_status make_inner(struct parser *p, enum predicate_node node, struct teg_predicate *a,
                             struct teg_predicate *b, struct teg_predicate **out)
{
	teg_status status = predicate_inner(node, a, b, out, p->err);

	return status == TEG_LIMIT ? error_at_offset(p->err, status, (int64_t)p->start) : status;
}

static teg_status negate(struct parser *p, bool negated, struct teg_predicate **out)
{
	return negated ? make_inner(p, NODE_NOT, *out, NULL, out) : TEG_OK;
}

static teg_status between(struct parser *p, const char *column, struct literals *l,
                          struct teg_predicate **out)
{
	struct teg_predicate *lo, *hi;
	teg_status status;

	TEG_TRY(parser_next(p));
	TEG_TRY(take_literal(p, l));
	if (!parser_at_word(p, "and"))
		return parser_refuse(p, "between needs 'and'");
	TEG_TRY(parser_next(p));
	TEG_TRY(take_literal(p, l));
	place_bytes(l);
	TEG_TRY(make_leaf(p, NODE_COMPARE, column, TEG_GE, l->at, 1, &lo));
	status = make_leaf(p, NODE_COMPARE, column, TEG_LE, l->at + 1, 1, &hi);
	if (status == TEG_OK)
		return make_inner(p, NODE_AND, lo, hi, out);
	teg_predicate_free(lo);
	return status;
}

static teg_status in_list(struct parser *p, const char *column, struct literals *l,
                          struct teg_predicate **out)
{
	TEG_TRY(parser_next(p));
	TEG_TRY(expect_mark(p, '(', "in needs a list in parentheses"));
	TEG_TRY(take_literal(p, l));
	while (parser_at_mark(p, ',')) {
		TEG_TRY(parser_next(p));
		TEG_TRY(take_literal(p, l));
	}
	TEG_TRY(expect_mark(p, ')', "a list is not closed"));
	place_bytes(l);
	return make_leaf(p, NODE_IN, column, TEG_EQ, l->at, l->n, out);
}

static teg_status is_null(struct parser *p, const char *column, struct teg_predicate **out)
{
	bool negated;

	TEG_TRY(parser_next(p));
	negated = parser_at_word(p, "not");
	if (negated)
		TEG_TRY(parser_next(p));
	if (!parser_at_word(p, "null"))
		return parser_refuse(p, "is needs 'null' or 'not null'");
	TEG_TRY(parser_next(p));
	TEG_TRY(make_leaf(p, NODE_IS_NULL, column, TEG_EQ, NULL, 0, out));
	return negate(p, negated, out);
}

static teg_status compare(struct parser *p, const char *column, struct literals *l,
                          struct teg_predicate **out)
{
	teg_compare op = p->op;
	struct column_name other;

	TEG_TRY(parser_next(p));
	if (!parser_at_column(p)) {
		TEG_TRY(take_literal(p, l));
		place_bytes(l);
		return make_leaf(p, NODE_COMPARE, column, op, l->at, 1, out);
	}
	TEG_TRY(take_column(p, &other));
	*out = predicate_leaf(NODE_COMPARE_COLUMNS, column, span_of_text(other.text), op, NULL, 0,
	                      p->alloc);
	return *out ? TEG_OK : parser_no_memory(p);
}

static teg_status after_column(struct parser *p, const char *column, struct literals *l,
                               struct teg_predicate **out)
{
	bool negated;

	if (p->token == TOKEN_COMPARE)
		return compare(p, column, l, out);
	if (parser_at_word(p, "is"))
		return is_null(p, column, out);
	negated = parser_at_word(p, "not");
	if (negated)
		TEG_TRY(parser_next(p));
	if (parser_at_word(p, "between"))
		TEG_TRY(between(p, column, l, out));
	else if (parser_at_word(p, "in"))
		TEG_TRY(in_list(p, column, l, out));
	else
		return parser_refuse(p, "a comparison is missing");
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
	struct column_name column;
	teg_compare op;

	TEG_TRY(take_literal(p, l));
	if (p->token != TOKEN_COMPARE)
		return parser_refuse(p, "a comparison is missing");
	op = mirrored(p->op);
	TEG_TRY(parser_next(p));
	if (!parser_at_column(p))
		return parser_refuse(p, "a column is missing");
	TEG_TRY(take_column(p, &column));
	place_bytes(l);
	return make_leaf(p, NODE_COMPARE, column.text, op, l->at, 1, out);
}

static teg_status is_nan(struct parser *p, struct teg_predicate **out)
{
	struct column_name column;

	TEG_TRY(parser_next(p));
	if (!parser_at_column(p))
		return parser_refuse(p, "isnan needs a column");
	TEG_TRY(take_column(p, &column));
	TEG_TRY(expect_mark(p, ')', "isnan is not closed"));
	return make_leaf(p, NODE_IS_NAN, column.text, TEG_EQ, NULL, 0, out);
}

static teg_status column_first(struct parser *p, struct literals *l, struct teg_predicate **out)
{
	struct column_name column;
	bool may_call = parser_at_word(p, "isnan");

	TEG_TRY(take_column(p, &column));
	if (may_call && parser_at_mark(p, '('))
		return is_nan(p, out);
	return after_column(p, column.text, l, out);
}

static teg_status condition(struct parser *p, struct teg_predicate **out)
{
	struct literals l = { 0 };
	teg_status status;

	if (is_literal(p))
		status = literal_first(p, &l, out);
	else if (parser_at_column(p))
		status = column_first(p, &l, out);
	else
		status = parser_refuse(p, "a condition is missing");
	free_literals(p, &l);
	return status;
}

/* ---- and, or, not, parentheses ---- */

static teg_status parse_factor(struct parser *p, struct teg_predicate **out)
{
	teg_status status;

	if (++p->depth > PREDICATE_DEPTH_MAX)
		return parser_refuse(p, "too many parentheses or negations");
	if (parser_at_word(p, "not")) {
		TEG_TRY(parser_next(p));
		TEG_TRY(parse_factor(p, out));
		status = negate(p, true, out);
	} else if (parser_at_mark(p, '(')) {
		TEG_TRY(parser_next(p));
		TEG_TRY(parse_or(p, out));
		status = expect_mark(p, ')', "a parenthesis is not closed");
	} else {
		status = condition(p, out);
	}
	p->depth--;
	return status;
}

/* The operands of a run of `and` or `or`. */
struct operands {
	struct teg_predicate **at;
	size_t n, cap;
};

static teg_status add_operand(struct parser *p, struct operands *o,
                              teg_status (*part)(struct parser *, struct teg_predicate **))
{
	void *block = o->at;

	if (!mem_grow(p->alloc, &block, &o->cap, o->n + 1, sizeof *o->at))
		return parser_no_memory(p);
	o->at = block;
	o->at[o->n++] = NULL;
	return part(p, &o->at[o->n - 1]);
}

/* Neighbours in pairs until one is left, so that a thousand operands are ten levels. */
static teg_status join(struct parser *p, struct operands *o, enum predicate_node node)
{
	while (o->n > 1) {
		for (size_t i = 0; i + 1 < o->n; i += 2) {
			struct teg_predicate *a = o->at[i], *b = o->at[i + 1];

			o->at[i + 1] = NULL;
			TEG_TRY(make_inner(p, node, a, b, &o->at[i]));
		}
		for (size_t i = 0; i < o->n; i += 2)
			o->at[i / 2] = o->at[i];
		for (size_t i = (o->n + 1) / 2; i < o->n; i++)
			o->at[i] = NULL;
		o->n = (o->n + 1) / 2;
	}
	return TEG_OK;
}

static teg_status parse_chain(struct parser *p, const char *word, enum predicate_node node,
                              teg_status (*part)(struct parser *, struct teg_predicate **),
                              struct teg_predicate **out)
{
	struct operands o = { 0 };
	teg_status status = add_operand(p, &o, part);

	while (status == TEG_OK && parser_at_word(p, word)) {
		status = parser_next(p);
		if (status == TEG_OK)
			status = add_operand(p, &o, part);
	}
	if (status == TEG_OK)
		status = join(p, &o, node);
	if (status == TEG_OK) {
		*out = o.at[0];
		o.n = 0;
	}
	for (size_t i = 0; i < o.n; i++)
		teg_predicate_free(o.at[i]);
	mem_free(p->alloc, o.at, o.cap * sizeof *o.at);
	return status;
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
	status = parser_next(&p);
	if (status == TEG_OK)
		status = parse_or(&p, predicate_out);
	if (status == TEG_OK && p.token != TOKEN_END)
		status = parser_refuse(&p, "something is left over");
	mem_free(p.alloc, p.bytes, p.cap);
	if (status != TEG_OK) {
		teg_predicate_free(*predicate_out);
		*predicate_out = NULL;
	}
	return status;
}
