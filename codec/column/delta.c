#include "codec/column/delta.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"
#include "codec/column/scratch.h"

#define DIFFERENCES(NAME, U, S, BITS)                                                       \
	KERNEL static void differences_##NAME(const uint8_t *words, size_t m, uint8_t *out) \
	{                                                                                   \
		for (size_t i = 1; i < m; i++) {                                            \
			U a, b;                                                             \
                                                                                            \
			memcpy(&a, words + (i - 1) * sizeof a, sizeof a);                   \
			memcpy(&b, words + i * sizeof b, sizeof b);                         \
			b = (U)(b - a);                                                     \
			memcpy(out + i * sizeof b, &b, sizeof b);                           \
		}                                                                           \
	}
EACH_WORD(DIFFERENCES)

static void block_differences(const uint8_t *words, uint32_t width, size_t m, uint8_t *out)
{
	BY_WIDTH(width, differences, words, m, out);
	if (m == 1)
		memset(out, 0, width);
	else
		memcpy(out, out + width, width);
}

void delta_encode(const void *words, uint32_t width, size_t n, struct buf *room, struct buf *out)
{
	const uint8_t *at = words;
	uint8_t *steps = scratch_array(room, n, width);

	if (!steps) {
		out->status = room->status;
		return;
	}
	for (size_t i = 0; i < n; i += PACK_BLOCK) {
		uint8_t *first = buf_extend(out, width);

		if (!first)
			return;
		memcpy(first, at + i * width, width);
		words_swap_to_little(first, width, 1);
		block_differences(at + i * width, width, size_min(PACK_BLOCK, n - i),
		                  steps + i * width);
	}
	for_encode(steps, width, n, true, out);
}

bool delta_open(struct reader *in, uint32_t width, size_t n, struct delta_stream *stream_out)
{
	size_t blocks = n / PACK_BLOCK + (n % PACK_BLOCK != 0);

	stream_out->firsts = reader_take(in, blocks * width).at;
	return for_open(in, width, n, &stream_out->steps);
}

#define SUMS(NAME, U, S, BITS)                                               \
	static void sums_##NAME(uint8_t *words, size_t m)                    \
	{                                                                    \
		U sum, step;                                                 \
                                                                             \
		memcpy(&sum, words, sizeof sum);                             \
		for (size_t i = 1; i < m; i++) {                             \
			memcpy(&step, words + i * sizeof step, sizeof step); \
			sum = (U)(sum + step);                               \
			memcpy(words + i * sizeof sum, &sum, sizeof sum);    \
		}                                                            \
	}
EACH_WORD(SUMS)

/* The first `m` words of block b. */
static void decode_block(const struct delta_stream *s, size_t b, size_t m, uint8_t *out)
{
	uint32_t width = s->steps.width;

	for_decode(&s->steps, b * PACK_BLOCK, m, out);
	memcpy(out, s->firsts + b * width, width);
	words_swap_to_little(out, width, 1);
	BY_WIDTH(width, sums, out, m);
}

void delta_decode(const struct delta_stream *s, size_t from, size_t n, void *out)
{
	uint32_t width = s->steps.width;
	size_t b = from / PACK_BLOCK, skip = from % PACK_BLOCK;
	_Alignas(64) uint8_t whole[PACK_BLOCK * 8];
	uint8_t *to = out;

	for (; n; b++, skip = 0) {
		size_t use = size_min(n, PACK_BLOCK - skip);

		decode_block(s, b, skip + use, skip ? whole : to);
		if (skip)
			memcpy(to, whole + skip * width, use * width);
		to += use * width;
		n -= use;
	}
}

void delta_take(const struct delta_stream *s, const uint16_t *at, size_t n, void *out)
{
	uint32_t width = s->steps.width;
	_Alignas(64) uint8_t whole[PACK_BLOCK * 8];
	uint8_t *to = out;

	for (size_t i = 0, k; i < n; i += k) {
		size_t b = at[i] / PACK_BLOCK;

		k = places_in_block(at + i, n - i, b);
		decode_block(s, b, at[i + k - 1] % PACK_BLOCK + 1u, whole);
		for (size_t j = i; j < i + k; j++, to += width)
			memcpy(to, whole + at[j] % PACK_BLOCK * width, width);
	}
}
