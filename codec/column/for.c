#include "codec/column/for.h"
#include "codec/base/bits.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"

/* Signed order is unsigned order with the top bit flipped; comparing signed is what vectorises. */
#define BOUNDS(NAME, U, S, BITS)                                                            \
	KERNEL static void bounds_##NAME(const uint8_t *at, size_t m, U flip, uint64_t *lo, \
	                                 uint64_t *hi)                                      \
	{                                                                                   \
		S min = (S)(((U)1 << (BITS - 1)) - 1), max = (S)((U)1 << (BITS - 1));       \
                                                                                            \
		for (size_t i = 0; i < m; i++) {                                            \
			U u;                                                                \
			S v;                                                                \
                                                                                            \
			memcpy(&u, at + i * sizeof u, sizeof u);                            \
			v = (S)(u ^ flip);                                                  \
			min = v < min ? v : min;                                            \
			max = v > max ? v : max;                                            \
		}                                                                           \
		*lo = (U)((U)min ^ flip);                                                   \
		*hi = (U)((U)max ^ flip);                                                   \
	}
EACH_WORD(BOUNDS)

void words_bounds(const void *words, uint32_t width, size_t m, bool is_signed, uint64_t *min_out,
                  uint64_t *max_out)
{
	uint64_t flip = is_signed ? 0 : (uint64_t)1 << (8 * width - 1);

	switch (width) {
	case 1: bounds_u8(words, m, (uint8_t)flip, min_out, max_out); break;
	case 2: bounds_u16(words, m, (uint16_t)flip, min_out, max_out); break;
	case 4: bounds_u32(words, m, (uint32_t)flip, min_out, max_out); break;
	default: bounds_u64(words, m, flip, min_out, max_out); break;
	}
}

static size_t n_blocks(size_t n)
{
	return n / PACK_BLOCK + (n % PACK_BLOCK != 0);
}

static size_t block_values(size_t n, size_t block)
{
	return size_min(PACK_BLOCK, n - block * PACK_BLOCK);
}

void for_encode(const void *words, uint32_t width, size_t n, bool is_signed, struct buf *out)
{
	const uint8_t *at = words;
	size_t blocks = n_blocks(n), head = out->len;

	buf_zeros(out, blocks * (1 + width));
	for (size_t b = 0; b < blocks; b++, at += PACK_BLOCK * width) {
		size_t m = block_values(n, b);
		uint64_t min, max;
		uint8_t *packed;
		unsigned w;

		words_bounds(at, width, m, is_signed, &min, &max);
		w = bit_width((max - min) & low_mask(8 * width));
		packed = buf_extend(out, pack_len(m, w));
		if (!packed)
			return;
		out->at[head + b] = (uint8_t)w;
		word_store(out->at + head + blocks + b * width, width, min);
		words_swap_to_little(out->at + head + blocks + b * width, width, 1);
		pack_block(width, at, m, min, w, packed);
	}
}

bool for_open(struct reader *in, uint32_t width, size_t n, struct for_stream *stream_out)
{
	size_t blocks = n_blocks(n), len = 0, last = 0;
	struct for_stream s = { width, n, NULL, NULL, NULL };

	if (blocks > reader_left(in))
		return false;
	s.widths = reader_take(in, blocks).at;
	s.bases = reader_take(in, blocks * width).at;
	if (!reader_ok(in))
		return false;
	for (size_t b = 0; b < blocks; b++) {
		if (s.widths[b] > 8 * width)
			return false;
		last = len;
		len += pack_len(block_values(n, b), s.widths[b]);
	}
	s.packed = reader_take(in, len).at;
	if (!reader_ok(in))
		return false;
	*stream_out = s;
	return n % PACK_BLOCK == 0 ||
	       pack_padding_ok(s.packed + last, n % PACK_BLOCK, s.widths[blocks - 1]);
}

/* Only the last block can be short, so those before block b are whole. */
static const uint8_t *packed_block(const struct for_stream *s, size_t b)
{
	size_t bits = 0;

	for (size_t i = 0; i < b; i++)
		bits += s->widths[i];
	return s->packed + bits * (PACK_BLOCK / 8);
}

static uint64_t base_of(const struct for_stream *s, size_t b)
{
	const uint8_t *at = s->bases + b * s->width;

	switch (s->width) {
	case 1: return *at;
	case 2: return load_u16(at);
	case 4: return load_u32(at);
	default: return load_u64(at);
	}
}

uint64_t for_get(const struct for_stream *s, size_t i)
{
	size_t b = i / PACK_BLOCK, m = block_values(s->n, b);
	uint64_t v = pack_get(s->width, packed_block(s, b), m, s->widths[b], i % PACK_BLOCK);

	return (base_of(s, b) + v) & low_mask(8 * s->width);
}

void for_decode(const struct for_stream *s, size_t from, size_t n, void *out)
{
	size_t b = from / PACK_BLOCK, skip = from % PACK_BLOCK;
	const uint8_t *packed = packed_block(s, b);
	_Alignas(64) uint8_t whole[PACK_BLOCK * 8];
	uint8_t *to = out;

	if (n == 1) {
		word_store(out, s->width, for_get(s, from));
		return;
	}
	for (; n; b++, skip = 0) {
		size_t m = block_values(s->n, b);
		size_t use = size_min(n, m - skip);
		bool direct = use == m;

		unpack_block(s->width, packed, m, base_of(s, b), s->widths[b], direct ? to : whole);
		if (!direct)
			memcpy(to, whole + skip * s->width, use * s->width);
		packed += pack_len(m, s->widths[b]);
		to += use * s->width;
		n -= use;
	}
}

/* ---- words here and there ---- */

#define TAKE_WHOLE 32 /* words of a block that take as long one by one as all of it */

size_t places_in_block(const uint16_t *at, size_t n, size_t b)
{
	size_t k = 1;

	while (k < n && at[k] / PACK_BLOCK == b)
		k++;
	return k;
}

#define PICK(NAME, U, S, BITS)                                                                   \
	static void pick_##NAME(const uint8_t *block, const uint16_t *at, size_t n, uint8_t *to) \
	{                                                                                        \
		for (size_t i = 0; i < n; i++)                                                   \
			memcpy(to + i * sizeof(U), block + at[i] % PACK_BLOCK * sizeof(U),       \
			       sizeof(U));                                                       \
	}
EACH_WORD(PICK)

static void take_in_block(const struct for_stream *s, size_t b, const uint8_t *packed,
                          const uint16_t *at, size_t n, uint8_t *to)
{
	size_t m = block_values(s->n, b);
	_Alignas(64) uint8_t whole[PACK_BLOCK * 8];

	if (n >= TAKE_WHOLE) {
		unpack_block(s->width, packed, m, base_of(s, b), s->widths[b], whole);
		BY_WIDTH(s->width, pick, whole, at, n, to);
		return;
	}
	for (size_t i = 0; i < n; i++)
		word_store(to + i * s->width, s->width,
		           base_of(s, b) +
		                   pack_get(s->width, packed, m, s->widths[b], at[i] % PACK_BLOCK));
}

void for_take(const struct for_stream *s, const uint16_t *at, size_t n, void *out)
{
	const uint8_t *packed = s->packed;
	uint8_t *to = out;
	size_t b = 0;

	for (size_t i = 0, k; i < n; i += k) {
		for (; b < at[i] / PACK_BLOCK; b++)
			packed += pack_len(PACK_BLOCK, s->widths[b]);
		k = places_in_block(at + i, n - i, b);
		take_in_block(s, b, packed, at + i, k, to);
		to += k * s->width;
	}
}
