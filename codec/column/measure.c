#include "codec/column/measure.h"
#include "codec/base/checked.h"
#include "codec/column/for.h"
#include "codec/column/kernel.h"
#include "codec/column/scratch.h"

/* Differences and changes; block_stats holds them extended to 64 bits. */
#define STEPS(NAME, U, S, BITS)                                                                  \
	KERNEL static void steps_##NAME(const uint8_t *words, size_t m, struct block_stats *out) \
	{                                                                                        \
		S min = (S)(((U)1 << (BITS - 1)) - 1), max = (S)((U)1 << (BITS - 1));            \
		U same = 0;                                                                      \
                                                                                                 \
		for (size_t i = 1; i < m; i++) {                                                 \
			U a, b;                                                                  \
			S step;                                                                  \
                                                                                                 \
			memcpy(&a, words + (i - 1) * sizeof a, sizeof a);                        \
			memcpy(&b, words + i * sizeof b, sizeof b);                              \
			step = (S)(b - a);                                                       \
			min = step < min ? step : min;                                           \
			max = step > max ? step : max;                                           \
			same = (U)(same + (step == 0));                                          \
		}                                                                                \
		out->step_min = (uint64_t)min;                                                   \
		out->step_max = (uint64_t)max;                                                   \
		out->n_changes = same;                                                           \
	}
EACH_WORD(STEPS)

/* One count of the kernel may be 8 bits wide, so it is asked for few words at a time. */
#define STRETCH 128

static void merge(struct block_stats *to, const struct block_stats *part)
{
	if ((int64_t)part->step_min < (int64_t)to->step_min)
		to->step_min = part->step_min;
	if ((int64_t)part->step_max > (int64_t)to->step_max)
		to->step_max = part->step_max;
	to->n_changes += part->n_changes;
}

static void measure_steps(const uint8_t *words, uint32_t width, size_t m, struct block_stats *out)
{
	size_t stretch = width == 1 ? STRETCH : m, n_same;

	out->step_min = INT64_MAX;
	out->step_max = (uint64_t)INT64_MIN;
	out->n_changes = 0;
	for (size_t i = 0; i + 1 < m; i += stretch) {
		struct block_stats part = { 0 };

		BY_WIDTH(width, steps, words + i * width, size_min(stretch + 1, m - i), &part);
		merge(out, &part);
	}
	n_same = out->n_changes;
	out->n_changes = m - 1 - n_same;
	if (m == 1)
		out->step_min = out->step_max = 0;
}

struct block_stats *measure_blocks(const struct column *c, bool is_signed, struct buf *room)
{
	size_t blocks = c->n / PACK_BLOCK + (c->n % PACK_BLOCK != 0);
	struct block_stats *stats = scratch_array(room, blocks, sizeof *stats);

	for (size_t b = 0; stats && b < blocks; b++) {
		const uint8_t *at = c->values + b * PACK_BLOCK * c->width;
		size_t m = size_min(PACK_BLOCK, c->n - b * PACK_BLOCK);

		words_bounds(at, c->width, m, is_signed, &stats[b].min, &stats[b].max);
		measure_steps(at, c->width, m, &stats[b]);
	}
	return stats;
}
