/* Byte planes: numbers split into the first bytes of all of them, the second bytes of all, and so
 * on. format-spec/encodings.md, PLANE-1 to PLANE-3.
 *
 *   values 0x1234 0x1256 0x1278     34 56 78 | 12 12 12
 *
 * RAW pages of numbers may be laid out like this for zstd: the bytes of a plane resemble each other
 * where those of a number do not, so floats shrink further, and unpack three times as fast.
 */
#ifndef TEG_CODEC_COLUMN_PLANES_H
#define TEG_CODEC_COLUMN_PLANES_H
#include "codec/base/buf.h"
#include "codec/column/lane.h"

/* Whether values are numbers of more than one byte. */
bool planes_apply(enum value_class class, uint32_t width);

/* Appends the planes of values [from, from + n) of `c`. */
void planes_encode(const struct column *c, size_t from, size_t n, struct buf *out);

/* Takes the planes of page_n values, all that is left of `in`, and appends [from, from + n) of the
 * values to `out`. TEG_CORRUPT where the bytes are too few or too many. */
teg_status planes_decode(struct reader *in, size_t page_n, size_t from, size_t n,
                         struct column_buf *out);
/* The same for the values at the places at[0 .. n), which ascend. */
teg_status planes_take(struct reader *in, size_t page_n, const uint16_t *at, size_t n,
                       struct column_buf *out);
#endif
