/* Exceptions of a page: words that its main stream does not hold. PATCHED and ALP end with them.
 * format-spec/encodings.md, EXC-1 to EXC-3.
 *
 *   how many in each block, u16 | places in their block, u16, ascending | FOR stream of the words
 */
#ifndef TEG_CODEC_COLUMN_PATCHES_H
#define TEG_CODEC_COLUMN_PATCHES_H
#include "codec/column/for.h"
#include "codec/column/scratch.h"

/* Room for what a page of n words needs while it is taken apart: all of them may be exceptions, and
 * one place more is written to before it is known that it is not needed. */
struct exceptions {
	uint8_t *values;
	uint16_t *counts, *places;
	size_t n;
};

/* Appends the exceptions of `blocks` blocks to `out`, which remembers failure. */
void patches_encode(const struct exceptions *e, size_t blocks, uint32_t width, bool is_signed,
                    struct buf *out);

struct patches {
	size_t page_n;
	const uint8_t *counts, *places; /* u16 each */
	struct for_stream values;
};

/* Takes the exceptions of a page of page_n words, all that is left of `in`; false where they are cut
 * off or bytes are left over. */
bool patches_open(struct reader *in, uint32_t width, size_t page_n, struct patches *patches_out);

/* Overwrites the exceptions among the words [from, from + n) in `out`. Uses scratch->words.
 * TEG_CORRUPT where places in their blocks do not ascend or lie outside. */
teg_status patches_apply(const struct patches *patches, size_t from, size_t n,
                         struct codec_scratch *scratch, uint8_t *out);
/* The same for the words at the places at[0 .. n) of the page, which ascend; n >= 1. */
teg_status patches_take(const struct patches *patches, const uint16_t *at, size_t n, uint8_t *out);
#endif
