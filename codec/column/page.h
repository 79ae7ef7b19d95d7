/* What pages may look like, for the writer that cuts them and the reader that checks them.
 * format-spec/encodings.md, PAGE-1 to PAGE-7.
 */
#ifndef TEG_CODEC_COLUMN_PAGE_H
#define TEG_CODEC_COLUMN_PAGE_H
#include "codec/column/chunk.h"

#define CHUNK_VALUES_MAX (1u << 24)
#define PAGE_VALUES_MAX 65536u    /* positions inside a page are 16 bits */
#define PAGE_RAW_MAX (64u << 10)  /* bytes before zstd, of a page of several values */
#define VALUE_RAW_MAX (64u << 20) /* and of a page of one value, where zstd is used */
#define CONSTANT_LEN_MAX 1024u    /* bytes: a longer value does not belong into a tile's header */
#define BLOCK_WIDTH_MAX 16        /* bytes: wider values are not paged by whole blocks */

/* Whether the values of a chunk keep within COL-1: nobody allocates for more. */
static inline bool page_size_ok(const struct chunk *c)
{
	return c->n <= CHUNK_VALUES_MAX && c->width <= VALUE_RAW_MAX &&
	       (uint64_t)c->n * c->width <= COLUMN_BYTES_MAX;
}

/* Whether class, shape and width go together, and the encoding with them. */
bool page_types_agree(const struct chunk *chunk);

/* Whether every page but the last holds whole blocks: not where values may be large. */
static inline bool page_of_blocks(enum encoding encoding, enum column_shape shape, uint32_t width)
{
	return encoding != ENCODING_RAW || (shape == COLUMN_FIXED && width <= BLOCK_WIDTH_MAX);
}
#endif
