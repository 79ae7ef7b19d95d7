/* Frame of reference: a stream of n words of 1, 2, 4 or 8 bytes, in blocks of 1024, each block as
 * its smallest value and the differences from it, bit-packed. format-spec/encodings.md, FOR-1 to
 * FOR-5.
 *
 *   widths, one byte a block | bases, one word a block | packed block 0 | packed block 1 | ...
 *
 *   1000 1003 1001     width 2, base 1000, bits 00 11 01
 *
 * The stream carries no count and no length: both follow from n and the widths. It is the payload
 * of FOR pages and a part of most others (lengths, codes, run values, exceptions). Word i is found
 * without unpacking its block.
 */
#ifndef TEG_CODEC_COLUMN_FOR_H
#define TEG_CODEC_COLUMN_FOR_H
#include "codec/base/buf.h"
#include "codec/column/pack.h"

struct for_stream {
	uint32_t width; /* bytes of a word */
	size_t n;
	const uint8_t *widths, *bases, *packed;
};

/* Smallest and largest of m >= 1 words, by signed or unsigned order. */
void words_bounds(const void *words, uint32_t width, size_t m, bool is_signed, uint64_t *min_out,
                  uint64_t *max_out);

/* Bytes of one block of m words whose differences take w bits. */
static inline size_t for_block_len(uint32_t width, size_t m, unsigned w)
{
	return 1 + width + pack_len(m, w);
}

/* Appends the stream of n words; `out` remembers failure. Signed: the base is the signed minimum,
 * which is never larger and smaller where a block holds both signs. */
void for_encode(const void *words, uint32_t width, size_t n, bool is_signed, struct buf *out);

/* Takes the stream of n words off `in`. False for bytes that no writer makes: cut off, a width
 * above the word's, padding that is not zero. */
bool for_open(struct reader *in, uint32_t width, size_t n, struct for_stream *stream_out);

/* Words [from, from + n) into `out` (any alignment). */
void for_decode(const struct for_stream *stream, size_t from, size_t n, void *out);

/* How many of the places at[0 .. n), which ascend, lie in block `b`; the first does. */
size_t places_in_block(const uint16_t *at, size_t n, size_t b);

/* The words at the places at[0 .. n), which ascend; n >= 1. */
void for_take(const struct for_stream *stream, const uint16_t *at, size_t n, void *out);

/* Word i < n. */
uint64_t for_get(const struct for_stream *stream, size_t i);
#endif
