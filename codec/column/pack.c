#include "codec/column/pack.h"
#include "codec/column/kernel.h"

#define ROW_BYTES 128 /* one row of a full block: 1024 / T lanes of T bits */

/* Rows are worked on as vectors of 64-bit words whatever T is: shifts move bits across the lanes'
 * borders, and masks repeated for every lane cut those off again. Vectors are written out, because
 * compilers differ widely in what they make of the plain loop. */
typedef uint64_t words_v __attribute__((vector_size(32)));
typedef uint8_t u8_v __attribute__((vector_size(32)));
typedef uint16_t u16_v __attribute__((vector_size(32)));
typedef uint32_t u32_v __attribute__((vector_size(32)));
typedef uint64_t u64_v __attribute__((vector_size(32)));

#define VECTOR 32                    /* bytes */
#define VECTORS (ROW_BYTES / VECTOR) /* in a row */

ALWAYS_INLINE uint64_t each_lane(uint64_t mask, unsigned bits)
{
	return bits == 64 ? mask : mask * (UINT64_MAX / (((uint64_t)1 << (bits & 63)) - 1));
}

/* w from 1; the row r starts at bit r * w of every lane. A row within one word of its lanes takes
 * the first loop, one across two words the second. */
#define UNPACK_FULL(NAME, U, S, BITS)                                                              \
	KERNEL static void unpack_full_##NAME(const uint8_t *in, U base, unsigned w, uint8_t *out) \
	{                                                                                          \
		const uint64_t mask = each_lane(low_mask(w), BITS);                                \
		words_v x, y;                                                                      \
		NAME##_v v;                                                                        \
                                                                                                   \
		for (unsigned r = 0, bit = 0; r < BITS; r++, bit += w, out += ROW_BYTES) {         \
			const uint8_t *at = in + bit / BITS * ROW_BYTES;                           \
			const unsigned s = bit % BITS, have = BITS - s;                            \
			const uint64_t low = mask & each_lane(low_mask(have), BITS);               \
			const uint64_t high = mask & ~low;                                         \
                                                                                                   \
			for (int j = 0; w <= have && j < VECTORS; j++) {                           \
				memcpy(&x, at + j * VECTOR, VECTOR);                               \
				x = (x >> s) & mask;                                               \
				v = (NAME##_v)x + base;                                            \
				memcpy(out + j * VECTOR, &v, VECTOR);                              \
			}                                                                          \
			for (int j = 0; w > have && j < VECTORS; j++) {                            \
				memcpy(&x, at + j * VECTOR, VECTOR);                               \
				memcpy(&y, at + j * VECTOR + ROW_BYTES, VECTOR);                   \
				x = ((x >> s) & low) | ((y << have) & high);                       \
				v = (NAME##_v)x + base;                                            \
				memcpy(out + j * VECTOR, &v, VECTOR);                              \
			}                                                                          \
		}                                                                                  \
	}
EACH_WORD(UNPACK_FULL)

/* Four columns of vectors, each packed from top to bottom with the unfinished words kept in a
 * register. */
#define PACK_FULL(NAME, U, S, BITS)                                                               \
	KERNEL static void pack_full_##NAME(const uint8_t *in, U base, unsigned w, uint8_t *out)  \
	{                                                                                         \
		for (int j = 0; j < VECTORS; j++, in += VECTOR, out += VECTOR) {                  \
			words_v x, pending = { 0 };                                               \
			uint8_t *to = out;                                                        \
			unsigned s = 0;                                                           \
			NAME##_v v;                                                               \
                                                                                                  \
			for (unsigned r = 0; r < BITS; r++) {                                     \
				const unsigned room = BITS - s;                                   \
				const uint64_t keep = ~each_lane(low_mask(s), BITS);              \
                                                                                                  \
				memcpy(&v, in + r * ROW_BYTES, VECTOR);                           \
				v = v - base;                                                     \
				x = (words_v)v;                                                   \
				pending |= (x << s) & keep;                                       \
				s += w;                                                           \
				if (s < BITS)                                                     \
					continue;                                                 \
				memcpy(to, &pending, VECTOR);                                     \
				to += ROW_BYTES;                                                  \
				s -= BITS;                                                        \
				pending = s ? (x >> room) & each_lane(low_mask(s), BITS) : x ^ x; \
			}                                                                         \
		}                                                                                 \
	}
EACH_WORD(PACK_FULL)

#define FILL(NAME, U)                                                      \
	KERNEL static void fill_##NAME(uint8_t *out, U base, size_t m)     \
	{                                                                  \
		for (size_t i = 0; i < m; i++)                             \
			memcpy(out + i * sizeof base, &base, sizeof base); \
	}
FILL(u16, uint16_t)
FILL(u32, uint32_t)
FILL(u64, uint64_t)

/* Up to 64 bits from bit `bit` on, out of `len` bytes. */
static uint64_t take_bits(const uint8_t *in, size_t len, size_t bit, unsigned w)
{
	size_t at = bit / 8;
	unsigned shift = bit % 8;
	uint8_t bytes[16] = { 0 };
	uint64_t v;

	if (len - at >= 9) {
		v = load_u64(in + at) >> shift;
		if (shift)
			v |= (uint64_t)in[at + 8] << (64 - shift);
		return v & low_mask(w);
	}
	memcpy(bytes, in + at, len - at);
	v = load_u64(bytes) >> shift;
	if (shift)
		v |= (uint64_t)bytes[8] << (64 - shift);
	return v & low_mask(w);
}

static void unpack_tail(uint32_t width, const uint8_t *in, size_t m, uint64_t base, unsigned w,
                        uint8_t *out)
{
	size_t len = pack_len(m, w);

	for (size_t i = 0; i < m; i++)
		word_store(out + i * width, width, base + take_bits(in, len, i * w, w));
}

static void pack_tail(uint32_t width, const uint8_t *values, size_t m, uint64_t base, unsigned w,
                      uint8_t *out)
{
	uint64_t pending = 0;
	unsigned n = 0; /* bits in `pending`, under 64 between values */

	for (size_t i = 0; i < m; i++) {
		uint64_t v = (word_load(values + i * width, width) - base) & low_mask(w);

		pending |= v << n;
		n += w;
		if (n < 64)
			continue;
		store_u64(out, pending);
		out += 8;
		n -= 64;
		pending = n ? v >> (w - n) : 0;
	}
	for (; n; n -= n < 8 ? n : 8, pending >>= 8)
		*out++ = (uint8_t)pending;
}

/* Full blocks on a big-endian machine: its words, put in order first. */
static const uint8_t *little_words(const uint8_t *in, uint32_t width, unsigned w, uint8_t *copy)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	memcpy(copy, in, pack_len(PACK_BLOCK, w));
	words_swap_to_little(copy, width, pack_len(PACK_BLOCK, w) / width);
	return copy;
#else
	(void)width;
	(void)w;
	(void)copy;
	return in;
#endif
}

void pack_block(uint32_t width, const void *values, size_t m, uint64_t base, unsigned w,
                uint8_t *out)
{
	if (!w)
		return;
	if (m < PACK_BLOCK) {
		pack_tail(width, values, m, base, w, out);
		return;
	}
	switch (width) {
	case 1: pack_full_u8(values, (uint8_t)base, w, out); break;
	case 2: pack_full_u16(values, (uint16_t)base, w, out); break;
	case 4: pack_full_u32(values, (uint32_t)base, w, out); break;
	default: pack_full_u64(values, base, w, out); break;
	}
	words_swap_to_little(out, width, pack_len(m, w) / width);
}

static void fill(uint32_t width, size_t m, uint64_t base, void *out)
{
	switch (width) {
	case 1: memset(out, (int)(base & 0xff), m); break;
	case 2: fill_u16(out, (uint16_t)base, m); break;
	case 4: fill_u32(out, (uint32_t)base, m); break;
	default: fill_u64(out, base, m); break;
	}
}

void unpack_block(uint32_t width, const uint8_t *in, size_t m, uint64_t base, unsigned w, void *out)
{
	uint8_t copy[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? PACK_BLOCK * 8 : 1];

	if (!w) {
		fill(width, m, base, out);
		return;
	}
	if (m < PACK_BLOCK) {
		unpack_tail(width, in, m, base, w, out);
		return;
	}
	in = little_words(in, width, w, copy);
	switch (width) {
	case 1: unpack_full_u8(in, (uint8_t)base, w, out); break;
	case 2: unpack_full_u16(in, (uint16_t)base, w, out); break;
	case 4: unpack_full_u32(in, (uint32_t)base, w, out); break;
	default: unpack_full_u64(in, base, w, out); break;
	}
}

static uint64_t load_little(const uint8_t *at, uint32_t width)
{
	switch (width) {
	case 1: return *at;
	case 2: return load_u16(at);
	case 4: return load_u32(at);
	default: return load_u64(at);
	}
}

uint64_t pack_get(uint32_t width, const uint8_t *in, size_t m, unsigned w, size_t i)
{
	unsigned bits = 8 * width, log = (unsigned)__builtin_ctz(bits);
	size_t lanes = PACK_BLOCK >> log; /* powers of two: nothing is divided */
	size_t bit = (i * bits / PACK_BLOCK) * w;
	unsigned s = (unsigned)(bit & (bits - 1));
	const uint8_t *at = in + (bit >> log) * ROW_BYTES + (i & (lanes - 1)) * width;
	uint64_t v;

	if (!w)
		return 0;
	if (m < PACK_BLOCK)
		return take_bits(in, pack_len(m, w), i * w, w);
	v = load_little(at, width) >> s;
	if (s + w > bits)
		v |= load_little(at + ROW_BYTES, width) << (bits - s);
	return v & low_mask(w);
}

bool pack_padding_ok(const uint8_t *in, size_t m, unsigned w)
{
	unsigned used = m * w % 8;

	return !used || in[m * w / 8] >> used == 0;
}
