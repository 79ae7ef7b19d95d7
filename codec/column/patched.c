#include "codec/column/patched.h"
#include "codec/base/bits.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"
#include "codec/column/patches.h"

/* How many words need 0, 1, ... 64 bits above the base. */
#define COUNT_WIDTHS(NAME, U, S, BITS)                                               \
	static void count_widths_##NAME(const uint8_t *words, size_t m, size_t step, \
	                                uint64_t base, size_t *counts)               \
	{                                                                            \
		for (size_t i = 0; i < m; i += step) {                               \
			U v;                                                         \
                                                                                     \
			memcpy(&v, words + i * sizeof v, sizeof v);                  \
			counts[bit_width((U)(v - (U)base))]++;                       \
		}                                                                    \
	}
EACH_WORD(COUNT_WIDTHS)

static size_t split_bits(size_t n, unsigned w, size_t n_exceptions, unsigned exception_bits)
{
	return n * w + n_exceptions * (16 + exception_bits);
}

/* The width that takes the fewest bits above `base`. */
static struct patched_block best_width(const size_t *counts, size_t n, uint64_t base, unsigned full)
{
	struct patched_block best = { base, full, 0, full };
	size_t above = 0, best_bits = split_bits(n, full, 0, full);

	for (unsigned w = full; w-- > 0;) {
		size_t bits;

		above += counts[w + 1];
		bits = split_bits(n, w, above, full);
		if (bits < best_bits) {
			best_bits = bits;
			best.w = w;
			best.n_exceptions = above;
		}
	}
	return best;
}

/* The word that more than half of some of them are, if there is one (Boyer and Moore's vote). */
static uint64_t majority(const uint8_t *words, uint32_t width, size_t m)
{
	size_t step = size_max(m / 64, 1), votes = 0;
	uint64_t candidate = 0;

	for (size_t i = 0; i < m; i += step) {
		uint64_t v = word_load(words + i * width, width);

		if (!votes)
			candidate = v;
		votes += v == candidate ? 1 : (size_t)-1;
	}
	return candidate;
}

/* How many words are not the mode, and the bounds of those. */
#define OTHERS(NAME, U, S, BITS)                                                      \
	KERNEL static void others_##NAME(const uint8_t *words, size_t m, size_t step, \
	                                 uint64_t mode, struct patched_block *block)  \
	{                                                                             \
		const U flip = (U)1 << (BITS - 1);                                    \
		S min = (S)(flip - 1), max = (S)flip;                                 \
		size_t n = 0;                                                         \
                                                                                      \
		for (size_t i = 0; i < m; i += step) {                                \
			U u;                                                          \
			S v;                                                          \
                                                                                      \
			memcpy(&u, words + i * sizeof u, sizeof u);                   \
			v = (S)(u ^ flip);                                            \
			min = u != (U)mode && v < min ? v : min;                      \
			max = u != (U)mode && v > max ? v : max;                      \
			n += u != (U)mode;                                            \
		}                                                                     \
		block->n_exceptions = n;                                              \
		block->exception_bits = n ? bit_width((U)((U)max - (U)min)) : 0;      \
	}
EACH_WORD(OTHERS)

struct patched_block patched_split(const void *words, uint32_t width, size_t m, size_t step,
                                   uint64_t min, uint64_t max)
{
	unsigned full = bit_width((max - min) & low_mask(8 * width));
	size_t counts[66] = { 0 }, n = m / step;
	struct patched_block low, mode = { majority(words, width, m), 0, 0, 0 };

	BY_WIDTH(width, count_widths, words, m, step, min, counts);
	low = best_width(counts, n, min, full);
	BY_WIDTH(width, others, words, m, step, mode.base, &mode);
	low.n_exceptions *= step;
	mode.n_exceptions *= step;
	return patched_block_len(width, m, &mode) < patched_block_len(width, m, &low) ? mode : low;
}

size_t patched_block_len(uint32_t width, size_t m, const struct patched_block *b)
{
	return 2 + for_block_len(width, m, b->w) +
	       (b->n_exceptions * (16 + b->exception_bits) + 7) / 8;
}

size_t patched_block_bound(uint32_t width, size_t m, const struct patched_block *b)
{
	return 2 + for_block_len(width, m, b->w) + 2 * (1 + width) + b->n_exceptions * (2 + width);
}

/* ---- encoding -------------------------------------------------------------------------------- */

/* Without a branch on each word: whether one is an exception cannot be foreseen. */
#define TAKE(NAME, U, S, BITS)                                                               \
	static void take_##NAME(uint8_t *words, size_t m, const struct patched_block *block, \
	                        struct exceptions *e)                                        \
	{                                                                                    \
		const U base = (U)block->base, limit = (U)low_mask(block->w);                \
		U *values = (void *)e->values;                                               \
		size_t n = e->n;                                                             \
                                                                                             \
		for (size_t i = 0; i < m; i++) {                                             \
			bool far;                                                            \
			U v;                                                                 \
                                                                                             \
			memcpy(&v, words + i * sizeof v, sizeof v);                          \
			far = (U)(v - base) > limit;                                         \
			values[n] = v;                                                       \
			e->places[n] = (uint16_t)i;                                          \
			v = far ? base : v;                                                  \
			memcpy(words + i * sizeof v, &v, sizeof v);                          \
			n += far;                                                            \
		}                                                                            \
		e->n = n;                                                                    \
	}
EACH_WORD(TAKE)

void patched_encode(const void *words, uint32_t width, size_t n, bool is_signed,
                    const struct patched_block *splits, struct codec_scratch *scratch,
                    struct buf *out)
{
	size_t blocks = n / PACK_BLOCK + (n % PACK_BLOCK != 0);
	uint8_t *kept = scratch_array(&scratch->words, 2 * n + 1, width);
	uint16_t *room = scratch_array(&scratch->more, n + blocks + 1, sizeof *room);
	struct exceptions e = { 0 };

	if (!kept || !room) {
		out->status = TEG_NOMEM;
		return;
	}
	e = (struct exceptions){ kept + n * width, room, room + blocks, 0 };
	memcpy(kept, words, n * width);
	for (size_t b = 0; b < blocks; b++) {
		uint8_t *at = kept + b * PACK_BLOCK * width;
		size_t before = e.n;

		BY_WIDTH(width, take, at, size_min(PACK_BLOCK, n - b * PACK_BLOCK), &splits[b], &e);
		e.counts[b] = (uint16_t)(e.n - before);
	}
	for_encode(kept, width, n, is_signed, out);
	patches_encode(&e, blocks, width, is_signed, out);
}

/* ---- decoding -------------------------------------------------------------------------------- */

teg_status patched_decode(struct reader *in, uint32_t width, size_t page_n, size_t from, size_t n,
                          struct codec_scratch *scratch, void *out)
{
	struct for_stream stream;
	struct patches patches;

	if (!for_open(in, width, page_n, &stream) || !patches_open(in, width, page_n, &patches))
		return TEG_CORRUPT;
	for_decode(&stream, from, n, out);
	return patches_apply(&patches, from, n, scratch, out);
}

teg_status patched_take(struct reader *in, uint32_t width, size_t page_n, const uint16_t *at,
                        size_t n, void *out)
{
	struct for_stream stream;
	struct patches patches;

	if (!for_open(in, width, page_n, &stream) || !patches_open(in, width, page_n, &patches))
		return TEG_CORRUPT;
	for_take(&stream, at, n, out);
	return patches_take(&patches, at, n, out);
}
