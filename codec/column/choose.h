/* Which encoding a chunk takes, and how many bytes each of its blocks needs at most.
 *
 * One pass over the values gives, for every block of 1024, what the integer encodings cost to the
 * byte; only a dictionary has to be tried, and only where a sample says that it may pay. The
 * smallest wins, but an encoding that takes longer to read must earn it. The same values give the
 * same choice, always.
 */
#ifndef TEG_CODEC_COLUMN_CHOOSE_H
#define TEG_CODEC_COLUMN_CHOOSE_H
#include "codec/column/alp.h"
#include "codec/column/dictionary.h"
#include "codec/column/patched.h"

struct plan {
	enum encoding encoding;
	bool is_signed;
	struct dictionary dictionary;       /* ENCODING_DICTIONARY */
	const struct patched_block *splits; /* ENCODING_PATCHED: per block */
	struct alp alp;                     /* ENCODING_ALP */
	const uint32_t *block_len; /* per block of the chunk; NULL: values differ in size */
	unsigned length_bits;      /* BYTES, RAW: bits of a packed length */
};

/* When a dictionary is taken. */
struct dictionary_limits {
	size_t page_len; /* bytes of its page, before zstd */
	unsigned
		percent; /* of the bytes of the next best encoding, at most: of many numbers; else 80 */
	bool frame;      /* a long page becomes a frame */
};

/* Whether integer encodings apply: numbers of 1, 2, 4 or 8 bytes. */
bool choose_integers(const struct column *c, enum value_class class);

/* Bytes up to which the dictionary page of such a column is never compressed: reads of few values are
 * better off without. Less where it holds numbers and the column is long: a frame leaves a fifth. */
size_t choose_plain_dictionary(const struct column *c, enum value_class class);

/* `c` has at least one value and no nulls (its null slots are filled); `had_nulls` forbids
 * CONSTANT. TEG_NOMEM. */
teg_status choose(const struct column *c, enum value_class class, bool had_nulls,
                  const struct dictionary_limits *limits, struct codec_scratch *scratch,
                  struct plan *plan_out);

/* How many values from `first` on a page of at most `target` bytes can take, at least one. */
size_t choose_page(const struct plan *plan, const struct column *c, size_t first, bool has_nulls,
                   size_t target);
#endif
