#include "codec/base/bits.h"

/* Written out: without a flag for the processor the compiler's own is a call. */
static size_t bits_set(uint64_t v)
{
	v -= v >> 1 & UINT64_C(0x5555555555555555);
	v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
	v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (size_t)(v * UINT64_C(0x0101010101010101) >> 56);
}

size_t bitmap_count(const uint8_t *map, size_t from, size_t n)
{
	size_t count = 0, i = from, end = from + n;

	for (; i < end && (i & 7); i++)
		count += bitmap_get(map, i);
	for (; end - i >= 64; i += 64)
		count += bits_set(load_u64(map + (i >> 3)));
	for (; i < end; i++)
		count += bitmap_get(map, i);
	return count;
}

void bitmap_copy(uint8_t *dst, size_t dst_from, const uint8_t *src, size_t src_from, size_t n)
{
	size_t i = 0;

	/* Up to a byte boundary of the target, then words and bytes, then the rest. */
	for (; i < n && ((dst_from + i) & 7); i++)
		bitmap_put(dst, dst_from + i, bitmap_get(src, src_from + i));
	/* A word is read with the byte after it: that one has bits of ours too, but where it needs
	 * none. */
	for (; n - i >= 64; i += 64) {
		const uint8_t *from = src + ((src_from + i) >> 3);
		unsigned shift = (src_from + i) & 7;
		uint64_t v = load_u64(from) >> shift;

		if (shift)
			v |= (uint64_t)from[8] << (64 - shift);
		store_u64(dst + ((dst_from + i) >> 3), v);
	}
	for (; n - i >= 8; i += 8) {
		size_t at = src_from + i;
		unsigned shift = at & 7;
		unsigned v = src[at >> 3] >> shift;

		if (shift)
			v |= (unsigned)src[(at >> 3) + 1] << (8 - shift);
		dst[(dst_from + i) >> 3] = (uint8_t)v;
	}
	for (; i < n; i++)
		bitmap_put(dst, dst_from + i, bitmap_get(src, src_from + i));
}

void bitmap_fill(uint8_t *map, size_t from, size_t n, bool on)
{
	size_t i = from, end = from + n;

	for (; i < end && (i & 7); i++)
		bitmap_put(map, i, on);
	if (end - i >= 8) {
		memset(map + (i >> 3), on ? 0xff : 0, (end - i) >> 3);
		i += (end - i) & ~(size_t)7;
	}
	for (; i < end; i++)
		bitmap_put(map, i, on);
}
