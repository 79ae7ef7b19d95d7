#include "codec/base/buf.h"
#include "codec/base/checked.h"

void buf_init(struct buf *b, const teg_allocator *alloc, size_t max)
{
	*b = (struct buf){ NULL, 0, 0, max, alloc, TEG_OK };
}

void buf_release(struct buf *b)
{
	mem_free(b->alloc, b->at, b->cap);
	buf_init(b, b->alloc, b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->status = TEG_OK;
}

static bool fail(struct buf *b, teg_status status)
{
	b->status = status;
	return false;
}

bool buf_reserve(struct buf *b, size_t more)
{
	size_t need, want;
	uint8_t *grown;

	if (b->status != TEG_OK)
		return false;
	if (more <= b->cap - b->len)
		return true;
	if (!size_add(b->len, more, &need) || need > b->max)
		return fail(b, TEG_LIMIT);
	want = size_min(size_max(size_max(need, b->cap + b->cap / 2), 64), b->max);
	grown = mem_realloc(b->alloc, b->at, b->cap, want);
	if (!grown)
		return fail(b, TEG_NOMEM);
	b->at = grown;
	b->cap = want;
	return true;
}

uint8_t *buf_extend(struct buf *b, size_t len)
{
	uint8_t *at;

	/* Reserve at least one byte, so success is never NULL. */
	if (!buf_reserve(b, len ? len : 1))
		return NULL;
	at = b->at + b->len;
	b->len += len;
	return at;
}

void buf_append(struct buf *b, const void *bytes, size_t len)
{
	uint8_t *at = len ? buf_extend(b, len) : NULL;

	if (at)
		memcpy(at, bytes, len);
}

void buf_append_span(struct buf *b, struct span bytes)
{
	buf_append(b, bytes.at, bytes.len);
}

void buf_zeros(struct buf *b, size_t len)
{
	uint8_t *at = len ? buf_extend(b, len) : NULL;

	if (at)
		memset(at, 0, len);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_append(b, &v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	uint8_t bytes[2];

	store_u16(bytes, v);
	buf_append(b, bytes, sizeof bytes);
}

void buf_u32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];

	store_u32(bytes, v);
	buf_append(b, bytes, sizeof bytes);
}

void buf_u64(struct buf *b, uint64_t v)
{
	uint8_t bytes[8];

	store_u64(bytes, v);
	buf_append(b, bytes, sizeof bytes);
}
