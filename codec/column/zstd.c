#include "codec/column/zstd.h"
#ifdef TEG_ZSTD_TAKES_ALLOCATOR
#define ZSTD_STATIC_LINKING_ONLY /* contexts in memory of ours; nothing else of it is used */
#endif
#include <zstd.h>
#include "codec/base/checked.h"

#define LEVEL 1

/* ---- contexts ---- */

#ifdef TEG_ZSTD_TAKES_ALLOCATOR
#define PREFIX 16 /* bytes before each block: its size, for zstd gives none back */

static void *allocate(void *opaque, size_t len)
{
	uint8_t *block = size_add(len, PREFIX, &len) ? mem_alloc(opaque, len) : NULL;

	if (!block)
		return NULL;
	memcpy(block, &len, sizeof len);
	return block + PREFIX;
}

static void release(void *opaque, void *address)
{
	uint8_t *block = address;
	size_t len;

	if (!block)
		return;
	block -= PREFIX;
	memcpy(&len, block, sizeof len);
	mem_free(opaque, block, len);
}

/* zstd hands `opaque` back as it is; what allocates and frees does not change the allocator. */
static ZSTD_customMem memory_of(const struct codec_scratch *scratch)
{
	return (ZSTD_customMem){ allocate, release, (void *)(uintptr_t)scratch->alloc };
}

static ZSTD_CCtx *new_compressor(const struct codec_scratch *scratch)
{
	return ZSTD_createCCtx_advanced(memory_of(scratch));
}

static ZSTD_DCtx *new_decompressor(const struct codec_scratch *scratch)
{
	return ZSTD_createDCtx_advanced(memory_of(scratch));
}
#else
static ZSTD_CCtx *new_compressor(const struct codec_scratch *scratch)
{
	(void)scratch;
	return ZSTD_createCCtx();
}

static ZSTD_DCtx *new_decompressor(const struct codec_scratch *scratch)
{
	(void)scratch;
	return ZSTD_createDCtx();
}
#endif

/* ---- frames ---- */

bool zstd_compress(struct codec_scratch *scratch, struct span raw, struct buf *out)
{
	size_t bound = ZSTD_compressBound(raw.len), len;

	if (!scratch->compressor)
		scratch->compressor = new_compressor(scratch);
	if (!scratch->compressor) {
		out->status = TEG_NOMEM;
		return false;
	}
	if (!buf_reserve(out, bound))
		return false;
	len = ZSTD_compressCCtx(scratch->compressor, out->at + out->len, bound, raw.at, raw.len,
	                        LEVEL);
	if (ZSTD_isError(len)) { /* the room is enough, so only memory can be short */
		out->status = TEG_NOMEM;
		return false;
	}
	out->len += len;
	return true;
}

teg_status zstd_decompress(struct codec_scratch *scratch, struct span frame, size_t raw_len,
                           struct span *raw_out)
{
	size_t whole = ZSTD_findFrameCompressedSize(frame.at, frame.len);
	uint8_t *raw;

	/* Asked first: zstd itself would take several frames, or none, for one. A payload is never
	 * empty, but a frame to be skipped looks so. */
	if (!raw_len || ZSTD_isError(whole) || whole != frame.len ||
	    ZSTD_getFrameContentSize(frame.at, frame.len) != raw_len)
		return TEG_CORRUPT;
	if (!scratch->decompressor)
		scratch->decompressor = new_decompressor(scratch);
	raw = scratch_array(&scratch->payload, raw_len, 1);
	if (!scratch->decompressor || !raw)
		return TEG_NOMEM;
	if (ZSTD_decompressDCtx(scratch->decompressor, raw, raw_len, frame.at, frame.len) !=
	    raw_len)
		return TEG_CORRUPT;
	*raw_out = (struct span){ raw, raw_len };
	return TEG_OK;
}
