/* Values as they are. format-spec/encodings.md, RAW-1 to RAW-4.
 *
 *   FIXED   n values, numbers little-endian
 *   BYTES   lengths, a FOR stream of 4-byte words | the bytes of all values, end to end
 *
 *   "JFK" "" "LG"     03 00 02 packed | 4a 46 4b 4c 47
 */
#ifndef TEG_CODEC_COLUMN_RAW_H
#define TEG_CODEC_COLUMN_RAW_H
#include "codec/base/buf.h"
#include "codec/column/lane.h"
#include "codec/column/scratch.h"

/* Bytes that change places between machines: the width of numbers, 1 for what is bytes. */
uint32_t raw_word(enum value_class class, uint32_t width);

/* Appends values [from, from + n) of `c`. */
void raw_encode(const struct column *c, enum value_class class, size_t from, size_t n,
                struct codec_scratch *scratch, struct buf *out);

/* Takes page_n values, all that is left of `in`, and appends [from, from + n) of them to `out`.
 * `valid` has a bit for each of these n (NULL: all valid). TEG_CORRUPT for lengths that do not add
 * up to the bytes, or a null slot that is not empty. */
teg_status raw_decode(struct reader *in, enum value_class class, size_t page_n, size_t from,
                      size_t n, const uint8_t *valid, struct column_buf *out);
/* FIXED only: the same for the values at the places at[0 .. n), which ascend. */
teg_status raw_take(struct reader *in, enum value_class class, size_t page_n, const uint16_t *at,
                    size_t n, struct column_buf *out);
#endif
