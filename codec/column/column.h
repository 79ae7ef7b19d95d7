/* Columns in memory: what an encoder is given and what a decoder gives back.
 *
 * Two flat shapes. FIXED: n values of `width` bytes in the machine's byte order (bool is one byte,
 * 0 or 1; decimal128 is 16). BYTES: n + 1 ascending offsets into one run of bytes (utf8, bytes).
 * Three nested ones, so that a column is a tree. LIST: offsets as BYTES has, into one child column.
 * FIXED_LIST: one child with `width` values for each of ours. STRUCT: children with a value for each
 * of ours. Validity is a bitmap, least significant bit first; without one every value is valid. What
 * a null slot holds means nothing to a reader of the column; what lies below it is tidy all the
 * same: a null list is empty, a null fixed list or struct has zeros in its children.
 *
 *   FIXED, width 4     values   [ 7 | . | 9 ]          validity 101
 *   BYTES              offsets  [ 0 3 3 5 ]  bytes "JFKLG"
 *   LIST               offsets  [ 0 2 2 3 ]  child [ 4 | 5 | 6 ]: [4, 5], [] (or null), [6]
 *
 * A `column` is a view of somebody's memory; a `column_buf` owns what it holds, on 64-byte
 * boundaries, and keeps its memory when cleared, because first touch of fresh pages costs more
 * than decoding into used ones.
 */
#ifndef TEG_CODEC_COLUMN_COLUMN_H
#define TEG_CODEC_COLUMN_COLUMN_H
#include <stdbool.h>
#include "codec/base/alloc.h"
#include "codec/base/bits.h"
#include "codec/base/error.h"
#include "codec/base/span.h"

#define COLUMN_BYTES_MAX 0x7fffffff /* bytes of a BYTES column: offsets are int32, as Arrow's are */

/* Bytes past the end of the values of every BYTES column_buf, so that short values may be copied with
 * a constant size from and to anywhere inside. */
#define COLUMN_SLACK 32

enum column_shape { COLUMN_FIXED, COLUMN_BYTES, COLUMN_LIST, COLUMN_FIXED_LIST, COLUMN_STRUCT };

static inline bool shape_is_nested(enum column_shape shape)
{
	return shape >= COLUMN_LIST;
}

static inline bool shape_has_offsets(enum column_shape shape)
{
	return shape == COLUMN_BYTES || shape == COLUMN_LIST;
}

/* The tree that a column is made by. */
struct column_layout {
	enum column_shape shape;
	uint32_t width; /* FIXED: bytes of a value; FIXED_LIST: values of a list; else 0 */
	uint32_t n_children;
	const struct column_layout *children;
};

struct column_buf;

struct column {
	enum column_shape shape;
	uint32_t width; /* as in the layout */
	size_t n;
	const uint8_t *validity; /* NULL: all valid */
	const uint8_t *values;   /* FIXED: n * width bytes; BYTES: what the offsets point into */
	const int32_t *offsets;  /* BYTES, LIST: n + 1, the first may be above 0; else NULL */
	const struct column_buf *children; /* nested: whole, whatever part this is a view of */
};

static inline bool column_valid(const struct column *c, size_t i)
{
	return !c->validity || bitmap_get(c->validity, i);
}

/* The bytes of value i of a flat column. */
static inline struct span column_value(const struct column *c, size_t i)
{
	if (c->shape == COLUMN_FIXED)
		return (struct span){ c->values + i * c->width, c->width };
	return (struct span){ c->values + c->offsets[i],
		              (size_t)(c->offsets[i + 1] - c->offsets[i]) };
}

size_t column_n_nulls(const struct column *c);
/* Bytes of the values (FIXED: n * width; BYTES: last offset - first), without validity. Flat only. */
size_t column_len(const struct column *c);
/* Where the values of our values [from, from + n) begin in a child, and how many they are. */
void column_child_range(const struct column *c, size_t from, size_t n, size_t *from_out,
                        size_t *n_out);

/* Somebody whose memory a column shows as its own: see column_buf_borrow. */
struct column_lender {
	void *owner; /* NULL: nobody */
	void (*give_back)(void *owner);
};

struct column_buf {
	enum column_shape shape;
	uint32_t width;
	size_t n, cap; /* values held, and room for */
	size_t n_nulls;
	uint8_t *validity; /* NULL until the first null; room for cap bits */
	uint8_t *values;   /* FIXED: cap * width bytes; BYTES: bytes_cap bytes */
	int32_t *offsets;  /* BYTES, LIST: room for cap + 1 */
	size_t bytes_cap;
	struct column_lender lender; /* of `values` */
	uint32_t n_children;
	const struct column_layout *nested; /* of the children */
	struct column_buf *children;        /* NULL until they are needed */
	const teg_allocator *alloc;
};

void column_buf_init(struct column_buf *b, enum column_shape shape, uint32_t width,
                     const teg_allocator *alloc);
/* The same for any layout, whose children must stay for as long as values are added. */
void column_buf_init_as(struct column_buf *b, struct column_layout layout,
                        const teg_allocator *alloc);
/* An empty column of the layout of `like`: `b` as it is, emptied, where it has that layout. */
void column_buf_become(struct column_buf *b, const struct column_buf *like);
struct column_layout column_buf_layout(const struct column_buf *b);
void column_buf_release(struct column_buf *b);
void column_buf_clear(struct column_buf *b); /* n = 0; keeps the memory */
struct column column_buf_view(const struct column_buf *b);
/* Drops the values from n on. */
void column_buf_truncate(struct column_buf *b, size_t n);
/* Bytes of memory held. */
size_t column_buf_size(const struct column_buf *b);
/* Bytes of the values in it, children's and offsets too, without validity. */
size_t column_buf_len(const struct column_buf *b);

/* Room for n more values, and for BYTES `bytes` more bytes; the children of nested columns are there
 * then, without room of their own. TEG_NOMEM, or TEG_LIMIT above COLUMN_BYTES_MAX (bytes, or values
 * of a list's child); nothing changed then. True of every call below. */
teg_status column_buf_reserve(struct column_buf *b, size_t n, size_t bytes);

/* The same for n more values and all that is sure to lie below them: of structs and fixed lists. */
teg_status column_buf_reserve_below(struct column_buf *b, size_t n);

/* Appends values [from, from + n) of `c`, which has the same layout. */
teg_status column_buf_append(struct column_buf *b, const struct column *c, size_t from, size_t n);
/* Appends the values at[0 .. n) of `c`, in that order. */
teg_status column_buf_gather(struct column_buf *b, const struct column *c, const uint32_t *at,
                             size_t n);
/* Appends one value n times. Flat only; FIXED: value.len == width. */
teg_status column_buf_append_value(struct column_buf *b, struct span value, size_t n);
/* Appends n nulls; their slots are zero bytes. */
teg_status column_buf_append_nulls(struct column_buf *b, size_t n);
/* Appends n valid values that say nothing: zero bytes, no bytes, empty lists, zeros all the way. */
teg_status column_buf_append_zeros(struct column_buf *b, size_t n);
/* Counts in n more values of a FIXED_LIST or STRUCT, null where the flag is 0; what the children have
 * for them comes before or after. */
teg_status column_buf_append_flags(struct column_buf *b, const uint8_t *flags, size_t n);

/* FIXED only, empty: shows n values of somebody else's, all valid, which nobody changes and which start
 * on a MEM_ALIGN boundary. They are given back when the column is cleared or released, or copied and
 * given back when it grows. */
void column_buf_borrow(struct column_buf *b, const void *values, size_t n,
                       struct column_lender lender);

/* For decoders, FIXED only: counts n more values in and returns where they go; NULL: no memory.
 * Validity of the new values is "valid". */
void *column_buf_extend(struct column_buf *b, size_t n);
/* Counts in n values, all valid, that a decoder has written into reserved room itself, or that the
 * children hold. */
void column_buf_count(struct column_buf *b, size_t n);
/* Memory for the validity of all there is room for; the values so far are valid. TEG_NOMEM. */
teg_status column_buf_need_validity(struct column_buf *b);
/* Marks values [from, from + n) by the bits of `validity` from bit `bit`. TEG_NOMEM. */
teg_status column_buf_set_validity(struct column_buf *b, size_t from, size_t n,
                                   const uint8_t *validity, size_t bit);
#endif
