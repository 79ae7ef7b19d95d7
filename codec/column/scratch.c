#include "codec/column/scratch.h"
#include <zstd.h>
#include "codec/base/checked.h"

/* Calls `X` for every buffer. */
#define EACH_BUF(X, s)           \
	X(&(s)->payload);        \
	X(&(s)->filled);         \
	X(&(s)->blocks);         \
	X(&(s)->splits);         \
	X(&(s)->lens);           \
	X(&(s)->pages);          \
	X(&(s)->codes);          \
	X(&(s)->entries);        \
	X(&(s)->order);          \
	X(&(s)->table);          \
	X(&(s)->integers);       \
	X(&(s)->integer_blocks); \
	X(&(s)->counts);         \
	X(&(s)->alp_lens);       \
	X(&(s)->words);          \
	X(&(s)->more)

struct codec_scratch *codec_scratch_new(const teg_allocator *alloc)
{
	struct codec_scratch *s = mem_zalloc(alloc, sizeof *s);

	if (!s)
		return NULL;
	s->alloc = alloc;
#define INIT(b) buf_init(b, alloc, BUF_NO_LIMIT)
	EACH_BUF(INIT, s);
#undef INIT
	column_buf_init(&s->values, COLUMN_BYTES, 0, alloc);
	column_buf_init(&s->searched, COLUMN_BYTES, 0, alloc);
	return s;
}

void codec_scratch_free(struct codec_scratch *s)
{
	if (!s)
		return;
	ZSTD_freeCCtx(s->compressor);
	ZSTD_freeDCtx(s->decompressor);
	EACH_BUF(buf_release, s);
	column_buf_release(&s->values);
	column_buf_release(&s->searched);
	mem_free(s->alloc, s, sizeof *s);
}

void *scratch_array(struct buf *b, size_t n, size_t size)
{
	size_t len;

	buf_clear(b);
	return size_mul(n, size, &len) ? buf_extend(b, len) : NULL;
}
