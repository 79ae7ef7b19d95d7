/* Bit-packing: blocks of up to 1024 values of w bits each, w from 0 to the value's own width T.
 * format-spec/encodings.md, BITS-1 to BITS-5.
 *
 * A full block is interleaved, so that neighbouring values sit in neighbouring words and one vector
 * instruction serves many: L = 1024 / T lanes, value i in lane i % L at row i / L; each lane is a
 * stream of T-bit words, low bits first, and word k of lane l is word k * L + l of the block.
 *
 *   T = 64, L = 16     word 0 of lanes 0..15 | word 1 of lanes 0..15 | ...     128 * w bytes
 *
 * A shorter block is one stream of bits, low bits first, padded with zeros to a byte.
 */
#ifndef TEG_CODEC_COLUMN_PACK_H
#define TEG_CODEC_COLUMN_PACK_H
#include "codec/base/span.h"

#define PACK_BLOCK 1024 /* values */

/* Bytes of m values (at most PACK_BLOCK) of w bits. */
static inline size_t pack_len(size_t m, unsigned w)
{
	return (m * w + 7) / 8;
}

/* Packs values[i] - base of `width` bytes (1, 2, 4, 8); each difference fits in w bits. Writes
 * pack_len(m, w) bytes. */
void pack_block(uint32_t width, const void *values, size_t m, uint64_t base, unsigned w,
                uint8_t *out);

/* The inverse: m values into `out` (any alignment). `in` has pack_len(m, w) bytes. */
void unpack_block(uint32_t width, const uint8_t *in, size_t m, uint64_t base, unsigned w,
                  void *out);

/* Value i < m of the block, without the base. */
uint64_t pack_get(uint32_t width, const uint8_t *in, size_t m, unsigned w, size_t i);

/* Whether the bits after the last value of a shorter block are zero. */
bool pack_padding_ok(const uint8_t *in, size_t m, unsigned w);
#endif
