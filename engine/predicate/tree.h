/* The inside of a predicate: a tree of nodes with literals as they were given. Shared by the files
 * predicate_*.c only. */
#ifndef TEG_ENGINE_PREDICATE_TREE_H
#define TEG_ENGINE_PREDICATE_TREE_H
#include "codec/base/alloc.h"
#include "codec/base/error.h"
#include "codec/base/span.h"
#include "engine/tegula.h"

#define PREDICATE_DEPTH_MAX 200

enum predicate_node {
	NODE_COMPARE,         /* column op literal */
	NODE_COMPARE_COLUMNS, /* column op other */
	NODE_IN,
	NODE_IS_NULL,
	NODE_IS_NAN,
	NODE_AND,
	NODE_OR,
	NODE_NOT
};

enum literal_type {
	LITERAL_INTEGER, /* i */
	LITERAL_DECIMAL, /* i / 10^scale */
	LITERAL_FLOAT,   /* f */
	LITERAL_WIDE,    /* i, in the scale of the column */
	LITERAL_BOOL,    /* i */
	LITERAL_TEXT,
	LITERAL_BYTES
};

struct literal {
	enum literal_type type;
	__int128 i;
	int scale;
	double f;
	struct span bytes; /* in the node's own memory */
};

struct teg_predicate {
	enum predicate_node node;
	teg_compare op;
	unsigned depth;
	const char *column, *other; /* in `text` */
	uint32_t n_literals;
	struct literal *literals;
	struct teg_predicate *a, *b;
	uint8_t *text; /* names and literal bytes, one block */
	size_t text_len;
	const teg_allocator *alloc;
};

/* 16 bytes, little-endian two's complement: a decimal128. */
static inline __int128 load_wide(const void *at)
{
	unsigned __int128 high = load_u64((const uint8_t *)at + 8);

	return (__int128)(high << 64 | load_u64(at));
}

/* Makes a leaf; copies names and literals. NULL: no memory. `other` may be NULL. */
struct teg_predicate *predicate_leaf(enum predicate_node node, const char *column,
                                     struct span other, teg_compare op,
                                     const struct literal *literals, uint32_t n,
                                     const teg_allocator *alloc);
/* Makes an inner node, or frees both operands: TEG_NOMEM, TEG_LIMIT. `b` is NULL for NOT. */
teg_status predicate_inner(enum predicate_node node, struct teg_predicate *a,
                           struct teg_predicate *b, struct teg_predicate **out, teg_error *err);

/* Microseconds and the rest in nanoseconds (0 to 999) since 1970 of RFC 3339 text ("2013-01-01",
 * "2013-01-01T05:00:00Z", "... 05:00:00.25+01:00", without zone: as written). False: no such time. */
bool time_of_text(struct span text, int64_t *us_out, int *ns_out);
#endif
