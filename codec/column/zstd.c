#include "codec/column/zstd.h"
#include <zstd.h>

#define LEVEL 1

bool zstd_compress(struct codec_scratch *scratch, struct span raw, struct buf *out)
{
	size_t bound = ZSTD_compressBound(raw.len), len;

	if (!scratch->compressor)
		scratch->compressor = ZSTD_createCCtx();
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
		scratch->decompressor = ZSTD_createDCtx();
	raw = scratch_array(&scratch->payload, raw_len, 1);
	if (!scratch->decompressor || !raw)
		return TEG_NOMEM;
	if (ZSTD_decompressDCtx(scratch->decompressor, raw, raw_len, frame.at, frame.len) !=
	    raw_len)
		return TEG_CORRUPT;
	*raw_out = (struct span){ raw, raw_len };
	return TEG_OK;
}
