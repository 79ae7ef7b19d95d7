/* Columns for tests: made up by shape, encoded, decoded and compared bit by bit.
 */
#ifndef TEG_TESTS_SUPPORT_COLUMNS_H
#define TEG_TESTS_SUPPORT_COLUMNS_H
#include "codec/base/arena.h"
#include "codec/column/chunk.h"

/* A chunk in memory, its descriptor parsed back. */
struct encoded {
	struct arena arena;
	struct buf bytes, descriptor;
	struct chunk made, chunk; /* as the encoder described it, and as the parser did */
	struct codec_scratch *scratch;
	struct column_buf dictionary;
};

/* Encodes `c` and parses the descriptor; fails the test where either fails. */
void encoded_init(struct encoded *e, const struct column *c, enum value_class class,
                  enum profile profile);
void encoded_release(struct encoded *e);

/* Values [from, from + n) of the chunk through its pages, appended to `out`. */
teg_status encoded_read(struct encoded *e, uint32_t from, uint32_t n, struct column_buf *out);
/* The stored bytes of a page. */
struct span encoded_page(const struct encoded *e, const struct chunk_page *page);

/* Fails the test where values [from, from + got->n) of `want` differ from `got`: nullness of every
 * value, and the bits of those that are valid. */
void columns_check_equal(const struct column *want, size_t from, const struct column_buf *got,
                         const char *name);

/* Encodes in the profile, reads everything back at once, by random ranges, one by one and by
 * rows here and there, and encodes again: equal values, equal bytes. Returns the encoding chosen. */
enum encoding columns_check_round_trip(const struct column *c, enum value_class class,
                                       enum profile profile, const char *name);
#endif
