/* What the inner loops share: how they are compiled, and the machine's words of 1 to 8 bytes.
 *
 * KERNEL builds a loop twice on x86-64 (AVX2 and the baseline) and lets the loader pick. Not under
 * sanitizers, whose start-up the loader's choice precedes, nor without glibc.
 */
#ifndef TEG_CODEC_COLUMN_KERNEL_H
#define TEG_CODEC_COLUMN_KERNEL_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define KERNEL __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define KERNEL
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* X(name, unsigned type, signed type, bits) for each word that integer encodings work on. */
#define EACH_WORD(X)                  \
	X(u8, uint8_t, int8_t, 8)     \
	X(u16, uint16_t, int16_t, 16) \
	X(u32, uint32_t, int32_t, 32) \
	X(u64, uint64_t, int64_t, 64)

/* `function`_u8 to _u64 by the width in bytes; calls nothing for any other width. */
#define BY_WIDTH(width, function, ...)                      \
	do {                                                \
		switch (width) {                            \
		case 1: function##_u8(__VA_ARGS__); break;  \
		case 2: function##_u16(__VA_ARGS__); break; \
		case 4: function##_u32(__VA_ARGS__); break; \
		case 8: function##_u64(__VA_ARGS__); break; \
		default: break;                             \
		}                                           \
	} while (0)

static inline bool word_width(uint32_t width)
{
	return width == 1 || width == 2 || width == 4 || width == 8;
}

/* One value of 1, 2, 4 or 8 bytes in the machine's order. */
static inline uint64_t word_load(const void *at, uint32_t width)
{
	uint16_t w16;
	uint32_t w32;
	uint64_t w64 = 0;

	switch (width) {
	case 1: return *(const uint8_t *)at;
	case 2: memcpy(&w16, at, sizeof w16); return w16;
	case 4: memcpy(&w32, at, sizeof w32); return w32;
	default: memcpy(&w64, at, sizeof w64); return w64;
	}
}

static inline void word_store(void *at, uint32_t width, uint64_t v)
{
	uint16_t w16 = (uint16_t)v;
	uint32_t w32 = (uint32_t)v;

	switch (width) {
	case 1: *(uint8_t *)at = (uint8_t)v; break;
	case 2: memcpy(at, &w16, sizeof w16); break;
	case 4: memcpy(at, &w32, sizeof w32); break;
	default: memcpy(at, &v, sizeof v); break;
	}
}

/* The low `bits` bits, 0 to 64. */
static inline uint64_t low_mask(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

/* Between the machine's order and little-endian, in place; both ways. */
static inline void words_swap_to_little(void *at, uint32_t width, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint8_t *bytes = at;

	for (size_t i = 0; width > 1 && i < n; i++, bytes += width)
		for (uint32_t j = 0; j < width / 2; j++) {
			uint8_t byte = bytes[j];

			bytes[j] = bytes[width - 1 - j];
			bytes[width - 1 - j] = byte;
		}
#else
	(void)at;
	(void)width;
	(void)n;
#endif
}
#endif
