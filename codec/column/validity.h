/* The validity section of a page: which of its values are null. format-spec/encodings.md, VALID-1
 * to VALID-5. The writer takes the shortest of four forms.
 *
 *   00                        all valid
 *   01                        all null
 *   02 | bitmap               bit i of the page, least significant first, 1 = valid
 *   03 | n u16 | n * u16      the positions of the nulls, ascending
 */
#ifndef TEG_CODEC_COLUMN_VALIDITY_H
#define TEG_CODEC_COLUMN_VALIDITY_H
#include "codec/base/buf.h"

struct validity {
	uint8_t mode;
	size_t n, n_nulls;
	struct span body; /* the bitmap, or the positions */
};

/* The longest that the section of n values can be. */
size_t validity_bound(size_t n);

/* Appends the section for bits [from, from + n) of `validity`; n <= 65536. */
void validity_encode(const uint8_t *validity, size_t from, size_t n, struct buf *out);

/* Takes the section of n values off `in`; false for bytes that no writer makes. */
bool validity_open(struct reader *in, size_t n, struct validity *validity_out);

/* The same of a section that validity_open has passed before, at no cost per value. n_nulls is set
 * for positions only. */
bool validity_reopen(struct reader *in, size_t n, struct validity *validity_out);

/* Bits of values [from, from + n) into bits_out, from its bit 0. False: all of them are valid and
 * nothing was written. */
bool validity_bits(const struct validity *v, size_t from, size_t n, uint8_t *bits_out);
/* The same of the values at the places at[0 .. n), which ascend. */
bool validity_take(const struct validity *v, const uint16_t *at, size_t n, uint8_t *bits_out);
#endif
