/* Delta: for ascending and other slowly moving words. Every block starts from its own first value;
 * after it come the differences of neighbours, as a FOR stream. format-spec/encodings.md, DELTA-1
 * to DELTA-4.
 *
 *   first value of each block | FOR stream of n differences
 *
 *   100 107 112 120     first 100, differences . 7 5 8  ->  base 5, packed 2 2 0 3
 *
 * Differences wrap around (INT64_MIN after INT64_MAX is +1), and their base is the smallest by
 * signed order. Place 0 of a block has no difference; the writer repeats the next one there. A word
 * costs its block.
 */
#ifndef TEG_CODEC_COLUMN_DELTA_H
#define TEG_CODEC_COLUMN_DELTA_H
#include "codec/column/for.h"

struct delta_stream {
	const uint8_t *firsts;
	struct for_stream steps;
};

/* Bytes of one block of m words whose differences, less the smallest, take w bits. */
static inline size_t delta_block_len(uint32_t width, size_t m, unsigned w)
{
	return width + for_block_len(width, m, w);
}

/* Appends n words to `out`, which remembers failure; `room` is for the differences. */
void delta_encode(const void *words, uint32_t width, size_t n, struct buf *room, struct buf *out);

/* Takes the stream of n words off `in`; false for bytes that no writer makes. */
bool delta_open(struct reader *in, uint32_t width, size_t n, struct delta_stream *stream_out);

/* Words [from, from + n) into `out` (any alignment). */
void delta_decode(const struct delta_stream *stream, size_t from, size_t n, void *out);

/* The words at the places at[0 .. n), which ascend; n >= 1. */
void delta_take(const struct delta_stream *stream, const uint16_t *at, size_t n, void *out);
#endif
