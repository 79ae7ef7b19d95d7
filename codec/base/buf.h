/* The one growable byte buffer. It has a ceiling from the start, and failure is sticky: after the
 * first append that does not fit every later one is a no-op, and buf_status() tells once, at the
 * end, whether the bytes are whole.
 *
 *   invariants   len <= cap <= max;  at[0 .. len) is initialised;  failed => status != TEG_OK
 */
#ifndef TEG_CODEC_BASE_BUF_H
#define TEG_CODEC_BASE_BUF_H
#include "codec/base/alloc.h"
#include "codec/base/span.h"

struct buf {
	uint8_t *at;
	size_t len, cap, max;
	const teg_allocator *alloc;
	teg_status status; /* TEG_OK, TEG_NOMEM or TEG_LIMIT */
};

#define BUF_NO_LIMIT (SIZE_MAX / 2)

void buf_init(struct buf *b, const teg_allocator *alloc, size_t max);
void buf_release(struct buf *b); /* gives the memory back; the buffer may be used again */
void buf_clear(struct buf *b);   /* keeps the memory; clears the failure */

/* Makes room for `more` bytes after len. False: failed. */
bool buf_reserve(struct buf *b, size_t more);

/* Room for `len` bytes at the end, now counted in; NULL where it failed. The bytes are not set. */
uint8_t *buf_extend(struct buf *b, size_t len);

void buf_append(struct buf *b, const void *bytes, size_t len);
void buf_append_span(struct buf *b, struct span bytes);
void buf_zeros(struct buf *b, size_t len);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);

static inline teg_status buf_status(const struct buf *b)
{
	return b->status;
}

static inline struct span buf_span(const struct buf *b)
{
	return (struct span){ b->at, b->len };
}
#endif
