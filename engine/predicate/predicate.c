#include "engine/predicate/predicate.h"
#include "codec/base/checked.h"
#include "engine/predicate/tree.h"
#include <string.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a predicate");
}

void teg_predicate_free(teg_predicate *p)
{
	/* Down the left side without recursion, so that long chains cost no stack. */
	while (p) {
		struct teg_predicate *next = p->a;

		teg_predicate_free(p->b);
		mem_free(p->alloc, p->text, p->text_len);
		mem_free(p->alloc, p->literals, p->n_literals * sizeof *p->literals);
		mem_free(p->alloc, p, sizeof *p);
		p = next;
	}
}

static size_t text_size(const char *column, struct span other, const struct literal *literals,
                        uint32_t n)
{
	size_t len = strlen(column) + other.len + 2;

	for (uint32_t i = 0; i < n; i++)
		len += literals[i].bytes.len;
	return len;
}

static void copy_texts(struct teg_predicate *p, const char *column, struct span other)
{
	uint8_t *at = p->text;
	size_t len = strlen(column) + 1;

	memcpy(at, column, len);
	p->column = (const char *)at;
	at += len;
	p->other = (const char *)at;
	if (other.len)
		memcpy(at, other.at, other.len);
	at[other.len] = 0;
	at += other.len + 1;
	for (uint32_t i = 0; i < p->n_literals; i++) {
		struct span *bytes = &p->literals[i].bytes;

		if (bytes->len)
			memcpy(at, bytes->at, bytes->len);
		bytes->at = at;
		at += bytes->len;
	}
}

struct teg_predicate *predicate_leaf(enum predicate_node node, const char *column,
                                     struct span other, teg_compare op,
                                     const struct literal *literals, uint32_t n,
                                     const teg_allocator *alloc)
{
	struct teg_predicate *p = mem_zalloc(alloc, sizeof *p);

	if (!p)
		return NULL;
	p->node = node;
	p->op = op;
	p->depth = 1;
	p->alloc = alloc;
	p->text_len = text_size(column, other, literals, n);
	p->text = mem_alloc(alloc, p->text_len);
	p->literals = mem_array(alloc, n, sizeof *p->literals);
	p->n_literals = n;
	if (p->text && p->literals) {
		if (n)
			memcpy(p->literals, literals, n * sizeof *literals);
		copy_texts(p, column, other);
		return p;
	}
	teg_predicate_free(p);
	return NULL;
}

teg_status predicate_inner(enum predicate_node node, struct teg_predicate *a,
                           struct teg_predicate *b, struct teg_predicate **out, teg_error *err)
{
	unsigned depth = 1 + (b && b->depth > a->depth ? b->depth : a->depth);
	struct teg_predicate *p = NULL;
	teg_status status = TEG_OK;

	*out = NULL;
	if (depth > PREDICATE_DEPTH_MAX)
		status = teg_fail(err, TEG_LIMIT, "a predicate is nested deeper than %d",
		                  PREDICATE_DEPTH_MAX);
	else if (!(p = mem_zalloc(a->alloc, sizeof *p)))
		status = no_memory(err);
	if (status != TEG_OK) {
		teg_predicate_free(a);
		teg_predicate_free(b);
		return status;
	}
	p->node = node;
	p->depth = depth;
	p->a = a;
	p->b = b;
	p->alloc = a->alloc;
	*out = p;
	return TEG_OK;
}

static teg_status copy_tree(const struct teg_predicate *from, const teg_allocator *alloc,
                            struct teg_predicate **out, teg_error *err)
{
	struct teg_predicate *a = NULL, *b = NULL;
	teg_status status;

	*out = NULL;
	if (!from->a) {
		*out = predicate_leaf(from->node, from->column, span_of_text(from->other), from->op,
		                      from->literals, from->n_literals, alloc);
		return *out ? TEG_OK : no_memory(err);
	}
	TEG_TRY(copy_tree(from->a, alloc, &a, err));
	status = from->b ? copy_tree(from->b, alloc, &b, err) : TEG_OK;
	if (status == TEG_OK)
		return predicate_inner(from->node, a, b, out, err);
	teg_predicate_free(a);
	return status;
}

teg_status predicate_copy(const teg_predicate *predicate, const teg_allocator *alloc,
                          teg_predicate **copy_out, teg_error *err)
{
	return copy_tree(predicate, alloc, copy_out, err);
}

/* ---- by calls ---- */

static bool literal_of_value(const teg_value *value, struct literal *out)
{
	memset(out, 0, sizeof *out);
	switch (value->type) {
	case TEG_BOOL:
		out->type = LITERAL_BOOL;
		out->i = value->as.i;
		return true;
	case TEG_UINT8:
	case TEG_UINT16:
	case TEG_UINT32:
	case TEG_UINT64: out->i = value->as.u; return true;
	case TEG_FLOAT16:
	case TEG_FLOAT32:
	case TEG_FLOAT64:
		out->type = LITERAL_FLOAT;
		out->f = value->as.f;
		return true;
	case TEG_UTF8:
		out->type = LITERAL_TEXT;
		out->bytes = span_of(value->as.bytes.at, value->as.bytes.len);
		return true;
	case TEG_DECIMAL128:
		out->type = LITERAL_WIDE;
		out->i = value->as.bytes.len == 16 ? load_wide(value->as.bytes.at) : 0;
		return value->as.bytes.len == 16;
	case TEG_BYTES:
	case TEG_FIXED_BYTES:
		out->type = LITERAL_BYTES;
		out->bytes = span_of(value->as.bytes.at, value->as.bytes.len);
		return true;
	default: out->i = value->as.i; return value->type != 0 && value->type <= TEG_FIXED_BYTES;
	}
}

static const teg_allocator *allocator_or_default(const teg_allocator *alloc)
{
	return alloc ? alloc : teg_allocator_default();
}

static teg_status leaf_of_values(enum predicate_node node, const char *column, teg_compare op,
                                 const teg_value *values, size_t n, const teg_allocator *alloc,
                                 teg_predicate **out, teg_error *err)
{
	struct literal *literals;
	teg_status status = TEG_OK;

	if (!out || !column || (n && !values) || n > UINT32_MAX / 2)
		return teg_fail(err, TEG_MISUSE,
		                "a predicate needs a column, values and a place to go");
	*out = NULL;
	alloc = allocator_or_default(alloc);
	literals = mem_array(alloc, n, sizeof *literals);
	if (!literals)
		return no_memory(err);
	for (size_t i = 0; i < n && status == TEG_OK; i++)
		if (!literal_of_value(&values[i], &literals[i]))
			status = teg_fail(err, TEG_MISUSE,
			                  "column '%s' is compared with null or with a "
			                  "value that is none",
			                  column);
	if (status == TEG_OK) {
		*out = predicate_leaf(node, column, (struct span){ NULL, 0 }, op, literals,
		                      (uint32_t)n, alloc);
		status = *out ? TEG_OK : no_memory(err);
	}
	mem_free(alloc, literals, n * sizeof *literals);
	return status;
}

teg_status teg_predicate_compare(const char *column, teg_compare op, const teg_value *value,
                                 const teg_allocator *allocator, teg_predicate **predicate_out,
                                 teg_error *err)
{
	if (op < TEG_EQ || op > TEG_GE)
		return teg_fail(err, TEG_MISUSE, "no such comparison: %d", (int)op);
	return leaf_of_values(NODE_COMPARE, column, op, value, 1, allocator, predicate_out, err);
}

teg_status teg_predicate_in(const char *column, const teg_value *values, size_t n_values,
                            const teg_allocator *allocator, teg_predicate **predicate_out,
                            teg_error *err)
{
	return leaf_of_values(NODE_IN, column, TEG_EQ, values, n_values, allocator, predicate_out,
	                      err);
}

teg_status teg_predicate_is_null(const char *column, const teg_allocator *allocator,
                                 teg_predicate **predicate_out, teg_error *err)
{
	return leaf_of_values(NODE_IS_NULL, column, TEG_EQ, NULL, 0, allocator, predicate_out, err);
}

static teg_status join(enum predicate_node node, teg_predicate *a, teg_predicate *b,
                       teg_predicate **out, teg_error *err)
{
	if (a && b && a != b && out && a->alloc == b->alloc)
		return predicate_inner(node, a, b, out, err);
	teg_predicate_free(a);
	teg_predicate_free(a == b ? NULL : b);
	if (out)
		*out = NULL;
	return teg_fail(err, TEG_MISUSE,
	                "two predicates of one allocator and a place to go are needed");
}

teg_status teg_predicate_and(teg_predicate *a, teg_predicate *b, teg_predicate **predicate_out,
                             teg_error *err)
{
	return join(NODE_AND, a, b, predicate_out, err);
}

teg_status teg_predicate_or(teg_predicate *a, teg_predicate *b, teg_predicate **predicate_out,
                            teg_error *err)
{
	return join(NODE_OR, a, b, predicate_out, err);
}

teg_status teg_predicate_not(teg_predicate *a, teg_predicate **predicate_out, teg_error *err)
{
	if (a && predicate_out)
		return predicate_inner(NODE_NOT, a, NULL, predicate_out, err);
	teg_predicate_free(a);
	if (predicate_out)
		*predicate_out = NULL;
	return teg_fail(err, TEG_MISUSE, "a predicate and a place for its negation are needed");
}
