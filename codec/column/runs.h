/* Runs: a value once, and how often it follows itself. format-spec/encodings.md, RUNS-1 to RUNS-4.
 *
 *   n_runs u32 | FOR stream of the values | FOR stream of the lengths less one, u16
 *
 *   7 7 7 9 9     2 | 7 9 | 2 1
 */
#ifndef TEG_CODEC_COLUMN_RUNS_H
#define TEG_CODEC_COLUMN_RUNS_H
#include "codec/column/for.h"
#include "codec/column/scratch.h"

/* The most bytes that a block of `runs` runs adds to a page, whose values differ in w bits. */
static inline size_t runs_block_bound(uint32_t width, size_t runs, unsigned w)
{
	return (runs * (w + 16) + 7) / 8 + 2 * (width + 4) + 4;
}

/* Appends n words, at most 65536, to `out`, which remembers failure. */
void runs_encode(const void *words, uint32_t width, size_t n, bool is_signed,
                 struct codec_scratch *scratch, struct buf *out);

/* Takes page_n words, all that is left of `in`, and writes [from, from + n) of them to `out` (any
 * alignment). TEG_CORRUPT: runs of another total. */
teg_status runs_decode(struct reader *in, uint32_t width, size_t page_n, size_t from, size_t n,
                       struct codec_scratch *scratch, void *out);
/* The same for the words at the places at[0 .. n), which ascend; n >= 1. What lies behind the last is
 * not looked at. */
teg_status runs_take(struct reader *in, uint32_t width, size_t page_n, const uint16_t *at, size_t n,
                     void *out);
#endif
