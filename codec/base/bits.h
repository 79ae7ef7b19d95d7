/* Bitmaps, least significant bit first (as in Arrow), and small bit arithmetic. */
#ifndef TEG_CODEC_BASE_BITS_H
#define TEG_CODEC_BASE_BITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "codec/base/span.h"

static inline size_t bitmap_len(size_t n_bits)
{
	return n_bits / 8 + (n_bits % 8 != 0);
}

static inline bool bitmap_get(const uint8_t *map, size_t i)
{
	return (map[i >> 3] >> (i & 7)) & 1;
}

static inline void bitmap_set(uint8_t *map, size_t i)
{
	map[i >> 3] |= (uint8_t)(1u << (i & 7));
}

static inline void bitmap_clear(uint8_t *map, size_t i)
{
	map[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

static inline void bitmap_put(uint8_t *map, size_t i, bool on)
{
	if (on)
		bitmap_set(map, i);
	else
		bitmap_clear(map, i);
}

/* How many of the n bits from bit `from` are set. */
size_t bitmap_count(const uint8_t *map, size_t from, size_t n);

/* Copies n bits from src at bit src_from to dst at bit dst_from. The ranges must not overlap. */
void bitmap_copy(uint8_t *dst, size_t dst_from, const uint8_t *src, size_t src_from, size_t n);

/* Sets or clears n bits from bit `from`. */
void bitmap_fill(uint8_t *map, size_t from, size_t n, bool on);

/* Bits needed to write v: 0 for 0, 64 for the largest. */
static inline unsigned bit_width(uint64_t v)
{
	return v ? 64u - (unsigned)__builtin_clzll(v) : 0u;
}
#endif
