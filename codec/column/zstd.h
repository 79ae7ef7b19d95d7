/* The zstd frame around a page. format-spec/encodings.md, ZSTD-1 to ZSTD-4.
 *
 * One page, one frame, which states its content size. Level 1: the encodings have done the work,
 * and higher levels cost far more time than they save bytes.
 */
#ifndef TEG_CODEC_COLUMN_ZSTD_H
#define TEG_CODEC_COLUMN_ZSTD_H
#include "codec/base/buf.h"
#include "codec/column/scratch.h"

/* Appends the frame of `raw` to `out`, which remembers failure; false then. */
bool zstd_compress(struct codec_scratch *scratch, struct span raw, struct buf *out);

/* The contents of the frame, exactly raw_len bytes, in the scratch until its next use. TEG_CORRUPT:
 * not one whole frame, or one that states another size. */
teg_status zstd_decompress(struct codec_scratch *scratch, struct span frame, size_t raw_len,
                           struct span *raw_out);
#endif
