/* Dictionary: the distinct values of a chunk once, ascending, and for every value its place among
 * them. format-spec/encodings.md, DICT-1 to DICT-5.
 *
 *   dictionary page   the values as a RAW page           "EWR" "JFK" "LGA"
 *   page              codes, a FOR stream of u16         1 1 0 2 1
 *
 * Codes keep the order of the values, so they can be searched and compared. A chunk has at most
 * 65536 distinct values, and its dictionary page at most 32 KiB before zstd. Values are distinct
 * by their bits: every NaN payload and -0.0 has its own entry.
 */
#ifndef TEG_CODEC_COLUMN_DICTIONARY_H
#define TEG_CODEC_COLUMN_DICTIONARY_H
#include "codec/column/scratch.h"

struct dictionary {
	size_t n;              /* distinct values; 0: a dictionary would not pay */
	size_t len;            /* bytes of the dictionary page, an upper bound */
	const uint16_t *codes; /* of every value of the column, in the scratch */
};

/* Finds the distinct values of `c` (nulls already filled) and their order; the values themselves
 * are in scratch->values then. Gives up as soon as there are more than max_n of them or their page may
 * take more than max_len bytes. TEG_NOMEM. */
teg_status dictionary_build(const struct column *c, enum value_class class, size_t max_n,
                            size_t max_len, struct codec_scratch *scratch, struct dictionary *out);

/* The hash by which values are found again; not stored anywhere. */
uint64_t dictionary_hash(struct span value);

/* Whether `values` ascend strictly by the order of their class, as a dictionary's must. */
bool dictionary_ascends(const struct column *values, enum value_class class);

/* Takes the codes of page_n values, all that is left of `in`, and appends values [from, from + n)
 * to `out`. A null slot (bit clear in `valid`, which counts from `from`; NULL: none) of a BYTES
 * column is empty. TEG_CORRUPT for a code outside the dictionary. */
teg_status dictionary_decode(struct reader *in, const struct column_buf *values, size_t page_n,
                             size_t from, size_t n, const uint8_t *valid, struct column_buf *out);

/* The same for the values at the places at[0 .. n), which ascend, at most PACK_BLOCK of them; `valid`
 * has a bit for each. */
teg_status dictionary_take(struct reader *in, const struct column_buf *values, size_t page_n,
                           const uint16_t *at, size_t n, const uint8_t *valid,
                           struct column_buf *out);

/* The same out of the dictionary page's payload of n_values values, for a few of them. */
teg_status dictionary_pick(struct reader *in, struct span values, size_t n_values,
                           enum value_class class, size_t page_n, size_t from, size_t n,
                           const uint8_t *valid, struct column_buf *out);
#endif
