/* Columns in memory: what an encoder is given and what a decoder gives back.
 *
 * Two shapes only. FIXED: n values of `width` bytes in the machine's byte order (bool is one byte,
 * 0 or 1; decimal128 is 16). BYTES: n + 1 ascending offsets into one run of bytes (utf8, bytes).
 * Validity is a bitmap, least significant bit first; without one every value is valid. What a null
 * slot holds means nothing to a reader of the column.
 *
 *   FIXED, width 4     values   [ 7 | . | 9 ]          validity 101
 *   BYTES              offsets  [ 0 3 3 5 ]  bytes "JFKLG"
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

enum column_shape { COLUMN_FIXED, COLUMN_BYTES };

struct column {
	enum column_shape shape;
	uint32_t width; /* bytes per value; 0 for COLUMN_BYTES */
	size_t n;
	const uint8_t *validity; /* NULL: all valid */
	const uint8_t *values;   /* FIXED: n * width bytes; BYTES: what the offsets point into */
	const int32_t *offsets;  /* BYTES: n + 1, the first may be above 0; else NULL */
};

static inline bool column_valid(const struct column *c, size_t i)
{
	return !c->validity || bitmap_get(c->validity, i);
}

/* The bytes of value i, whichever the shape. */
static inline struct span column_value(const struct column *c, size_t i)
{
	if (c->shape == COLUMN_FIXED)
		return (struct span){ c->values + i * c->width, c->width };
	return (struct span){ c->values + c->offsets[i],
		              (size_t)(c->offsets[i + 1] - c->offsets[i]) };
}

size_t column_n_nulls(const struct column *c);
/* Bytes of the values (FIXED: n * width; BYTES: last offset - first), without validity. */
size_t column_len(const struct column *c);

struct column_buf {
	enum column_shape shape;
	uint32_t width;
	size_t n, cap; /* values held, and room for */
	size_t n_nulls;
	uint8_t *validity; /* NULL until the first null; room for cap bits */
	uint8_t *values;   /* FIXED: cap * width bytes; BYTES: bytes_cap bytes */
	int32_t *offsets;  /* BYTES: room for cap + 1 */
	size_t bytes_cap;
	const teg_allocator *alloc;
};

void column_buf_init(struct column_buf *b, enum column_shape shape, uint32_t width,
                     const teg_allocator *alloc);
void column_buf_release(struct column_buf *b);
void column_buf_clear(struct column_buf *b); /* n = 0; keeps the memory */
struct column column_buf_view(const struct column_buf *b);
/* Bytes of memory held. */
size_t column_buf_size(const struct column_buf *b);

/* Room for n more values, and for BYTES `bytes` more bytes. TEG_NOMEM, or TEG_LIMIT above
 * COLUMN_BYTES_MAX; nothing changed then. True of every call below. */
teg_status column_buf_reserve(struct column_buf *b, size_t n, size_t bytes);

/* Appends values [from, from + n) of `c`, which has the same shape and width. */
teg_status column_buf_append(struct column_buf *b, const struct column *c, size_t from, size_t n);
/* Appends the values at[0 .. n) of `c`, in that order. */
teg_status column_buf_gather(struct column_buf *b, const struct column *c, const uint32_t *at,
                             size_t n);
/* Appends one value n times. FIXED: value.len == width. */
teg_status column_buf_append_value(struct column_buf *b, struct span value, size_t n);
/* Appends n nulls; their slots are zero bytes. */
teg_status column_buf_append_nulls(struct column_buf *b, size_t n);

/* For decoders, FIXED only: counts n more values in and returns where they go; NULL: no memory.
 * Validity of the new values is "valid". */
void *column_buf_extend(struct column_buf *b, size_t n);
/* Counts in n values, all valid, that a decoder has written into reserved room itself. */
void column_buf_count(struct column_buf *b, size_t n);
/* Marks values [from, from + n) by the bits of `validity` from bit `bit`. TEG_NOMEM. */
teg_status column_buf_set_validity(struct column_buf *b, size_t from, size_t n,
                                   const uint8_t *validity, size_t bit);
#endif
