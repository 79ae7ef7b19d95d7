/* ALP: doubles that were decimal numbers, as the integers that they were. After Afroozeh, Kuffo and
 * Boncz, "ALP: Adaptive Lossless floating-Point Compression", SIGMOD 2023.
 * format-spec/encodings.md, ALP-1 to ALP-6.
 *
 *   e u8 | f u8 | inner u8 | FOR (inner 0) or DELTA (inner 1) stream of the integers | exceptions
 *
 *   21.5 -3.25 0.1     e 14, f 12     2150 -325 10     integer * 10^12 * 10^-14
 *
 * Both products are taken in that order, each rounded once, which gives the bits back where the
 * writer found that it does; every other double (NaN, infinities, -0.0, what was no decimal) is an
 * exception with its own bits. Integers lie in [-2^51, 2^51), where adding 1.5 * 2^52 turns them
 * into doubles and back.
 */
#ifndef TEG_CODEC_COLUMN_ALP_H
#define TEG_CODEC_COLUMN_ALP_H
#include "codec/column/patches.h"

#define ALP_EXPONENT_MAX 18

enum alp_inner { ALP_INNER_FOR = 0, ALP_INNER_DELTA = 1 };

struct alp {
	unsigned e, f;
	enum alp_inner inner;
	const int64_t
		*integers; /* of every value of the column; exceptions repeat their neighbour */
};

/* Whether a sample of `values` (n doubles) looks like decimals; sets e and f. */
bool alp_guess(const uint8_t *values, size_t n, struct alp *alp_out);

/* The integers of n doubles into integers_out. Returns how many doubles are exceptions. */
size_t alp_integers(const uint8_t *values, size_t n, const struct alp *alp, int64_t *integers_out);

/* Of the integers of up to one block: few that are far above the rest become exceptions, where the rest
 * then takes so many bits less that it pays. Returns how many. */
size_t alp_trim(int64_t *integers, size_t n);

/* Appends n doubles, at most 65536, whose integers are `integers`, to `out`, which remembers
 * failure. */
void alp_encode(const uint8_t *values, const int64_t *integers, size_t n, const struct alp *alp,
                struct codec_scratch *scratch, struct buf *out);

/* Takes page_n doubles, all that is left of `in`, and writes [from, from + n) of them to `out` (any
 * alignment). TEG_CORRUPT for bytes that no writer makes, integers out of range among them. */
teg_status alp_decode(struct reader *in, size_t page_n, size_t from, size_t n,
                      struct codec_scratch *scratch, uint8_t *out);
/* The same for the doubles at the places at[0 .. n), which ascend; n >= 1. */
teg_status alp_take(struct reader *in, size_t page_n, const uint16_t *at, size_t n, uint8_t *out);
#endif
