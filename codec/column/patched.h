/* Patched: FOR for words of which most lie close together and a few far away. The far ones are
 * exceptions, kept apart; their places in the FOR stream hold the block's base.
 * format-spec/encodings.md, PATCH-1 to PATCH-3.
 *
 *   FOR stream of n words | exceptions in each block, u16 | their places in the block, u16 |
 *   FOR stream of the exceptions
 *
 *   9 9 9 4 9 9     base 9, 0 bits | 1 | 3 | 4
 *
 * The base of a block is its smallest word, or the word that most of it repeats (an open end among
 * valid times), whichever takes fewer bytes.
 */
#ifndef TEG_CODEC_COLUMN_PATCHED_H
#define TEG_CODEC_COLUMN_PATCHED_H
#include "codec/column/for.h"
#include "codec/column/scratch.h"

/* How a block is best split. */
struct patched_block {
	uint64_t base;
	unsigned w; /* words within base + [0, 2^w) are not exceptions */
	size_t n_exceptions;
	unsigned exception_bits; /* about what one takes, besides its place */
};

/* The best split of m >= 1 words, every `step`-th of them looked at (m is a multiple of it or step
 * is 1). `min` and `max` are the block's bounds. */
struct patched_block patched_split(const void *words, uint32_t width, size_t m, size_t step,
                                   uint64_t min, uint64_t max);

/* Bytes of a block of m words in that split, about; and at the most. */
size_t patched_block_len(uint32_t width, size_t m, const struct patched_block *block);
size_t patched_block_bound(uint32_t width, size_t m, const struct patched_block *block);

/* Appends n words, at most 65536, split block by block as `splits` say, to `out`, which remembers
 * failure. */
void patched_encode(const void *words, uint32_t width, size_t n, bool is_signed,
                    const struct patched_block *splits, struct codec_scratch *scratch,
                    struct buf *out);

/* Takes page_n words, all that is left of `in`, and writes [from, from + n) of them to `out` (any
 * alignment). TEG_CORRUPT: places that do not ascend or lie outside their block. */
teg_status patched_decode(struct reader *in, uint32_t width, size_t page_n, size_t from, size_t n,
                          struct codec_scratch *scratch, void *out);
/* The same for the words at the places at[0 .. n), which ascend; n >= 1. */
teg_status patched_take(struct reader *in, uint32_t width, size_t page_n, const uint16_t *at,
                        size_t n, void *out);
#endif
