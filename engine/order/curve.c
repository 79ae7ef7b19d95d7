#include "engine/order/curve.h"
#include <string.h>

#define STATES_MAX 96 /* 3 dimensions: orders of the axes, reflections, parity */

void curve_start(struct curve_state *state)
{
	memset(state, 0, sizeof *state);
	for (uint8_t i = 0; i < CURVE_DIMS_MAX; i++)
		state->axis[i] = i;
}

static void swap_axes(struct curve_state *state, uint32_t i)
{
	uint8_t axis = state->axis[0];
	uint16_t differ = (uint16_t)((state->flip ^ (state->flip >> i)) & 1u);

	state->axis[0] = state->axis[i];
	state->axis[i] = axis;
	state->flip ^= (uint16_t)(differ | differ << i);
}

uint32_t curve_step(bool hilbert, uint32_t n_dims, struct curve_state *state, uint32_t bits)
{
	uint32_t seen = 0, gray = 0, digit = 0;

	if (!hilbert) {
		for (uint32_t i = 0; i < n_dims; i++)
			digit = digit << 1 | ((bits >> i) & 1);
		return digit;
	}
	for (uint32_t i = 0; i < n_dims; i++)
		seen |= ((bits >> state->axis[i] & 1) ^ (state->flip >> i & 1)) << i;
	for (uint32_t i = 0; i < n_dims; i++) {
		gray ^= seen >> i & 1;
		digit = digit << 1 | (gray ^ (state->odd ? 1 : 0));
		if (seen >> i & 1)
			state->flip ^= 1;
		else
			swap_axes(state, i);
	}
	state->odd ^= gray;
	return digit;
}

static uint32_t level_bits(const uint64_t *cell, uint32_t n_dims, unsigned level)
{
	uint32_t bits = 0;

	for (uint32_t d = 0; d < n_dims; d++)
		bits |= (uint32_t)(cell[d] >> level & 1) << d;
	return bits;
}

void curve_narrow(struct curve *curve, uint64_t diff, const uint64_t *cell)
{
	unsigned unit = curve_table_levels(curve->n_dims);
	unsigned low = diff ? (unsigned)__builtin_ctzll(diff) : 64;
	unsigned levels = diff ? 64u - (unsigned)__builtin_clzll(diff) - low : 0;
	unsigned end = low + levels;

	/* Whole look-ups, borrowed from the shared levels above, or below where there are too few. */
	if (unit)
		levels = (levels + unit - 1) / unit * unit;
	if (low + levels > 64)
		low = 64 - levels;
	curve->low = low;
	curve->top = low + levels;
	curve->levels = levels ? end - low : 0;
	curve_start(&curve->start);
	for (unsigned level = 64; level > curve->top; level--)
		curve_step(curve->hilbert, curve->n_dims, &curve->start,
		           level_bits(cell, curve->n_dims, level - 1));
}

/* ---- the table: [state][bits of `levels` levels of each dimension] -> next state, digits ---- */

unsigned curve_table_levels(uint32_t n_dims)
{
	return n_dims == 2 ? 4 : n_dims == 3 ? 2 : 0;
}

static bool state_equal(const struct curve_state *a, const struct curve_state *b, uint32_t n_dims)
{
	return !memcmp(a->axis, b->axis, n_dims) && a->flip == b->flip && a->odd == b->odd;
}

/* The number of `state`, which is added where it is new. */
static uint32_t number_state(struct curve_state *states, uint32_t *n, uint32_t n_dims,
                             const struct curve_state *state)
{
	for (uint32_t s = 0; s < *n; s++)
		if (state_equal(&states[s], state, n_dims))
			return s;
	states[*n] = *state;
	return (*n)++;
}

/* `index` holds the levels' bits of dimension 0, then of dimension 1, ... */
static uint32_t table_digits(const struct curve *curve, struct curve_state *state, uint32_t index,
                             unsigned levels)
{
	uint32_t digits = 0;

	for (unsigned level = levels; level > 0; level--) {
		uint32_t bits = 0;

		for (uint32_t d = 0; d < curve->n_dims; d++)
			bits |= (index >> (levels * (curve->n_dims - 1 - d) + level - 1) & 1) << d;
		digits = digits << curve->n_dims |
		         curve_step(curve->hilbert, curve->n_dims, state, bits);
	}
	return digits;
}

void curve_table_fill(struct curve *curve, uint16_t *table)
{
	struct curve_state states[STATES_MAX];
	unsigned levels = curve_table_levels(curve->n_dims);
	unsigned width = levels * curve->n_dims;
	uint32_t n = 1;

	states[0] = curve->start;
	for (uint32_t s = 0; s < n; s++)
		for (uint32_t index = 0; index < 1u << width; index++) {
			struct curve_state next = states[s];
			uint32_t digits = table_digits(curve, &next, index, levels);
			uint32_t to = number_state(states, &n, curve->n_dims, &next);

			table[s << width | index] = (uint16_t)(to << width | digits);
		}
	curve->table = table;
}

/* ---- digits of many cells ---- */

static uint64_t low_bits(unsigned n)
{
	return n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
}

/* Adds `value`, up to 64 bits wide, at bit `at` of the number in words[..][i]. */
static inline void put_bits(uint64_t *const *words, uint32_t n_words, size_t i, unsigned at,
                            uint64_t value)
{
	uint32_t w = n_words - 1 - at / 64;
	unsigned bit = at % 64;

	words[w][i] |= value << bit;
	if (bit && w && value >> (64 - bit))
		words[w - 1][i] |= value >> (64 - bit);
}

static void digits_2d(const struct curve *curve, const uint64_t lanes[][CURVE_BLOCK], size_t n,
                      uint32_t n_words, uint64_t *const *words, unsigned shift)
{
	const uint16_t *table = curve->table;
	unsigned low = curve->low, levels = curve->top - low;
	uint64_t mask = low_bits(2 * curve->levels), upper_mask = low_bits(2 * curve->levels - 64);

	for (size_t i = 0; i < n; i++) {
		uint64_t x = lanes[0][i] >> low, y = lanes[1][i] >> low;
		uint64_t upper = 0, out = 0;
		uint32_t state = 0;

		for (unsigned level = levels; level > 0; level -= 4) {
			uint32_t index =
				(uint32_t)((x >> (level - 4) & 15) << 4 | (y >> (level - 4) & 15));
			uint32_t entry = table[state | index];

			upper = upper << 8 | out >> 56;
			out = out << 8 | (entry & 255);
			state = entry & ~255u;
		}
		put_bits(words, n_words, i, shift, out & mask);
		if (curve->levels > 32)
			put_bits(words, n_words, i, shift + 64, upper & upper_mask);
	}
}

/* Bits 4k to 4k + 3 moved to 8k to 8k + 3, of numbers of 32 bits. */
static inline uint64_t spread(uint64_t v)
{
	v = (v | v << 16) & 0x0000ffff0000ffff;
	v = (v | v << 8) & 0x00ff00ff00ff00ff;
	return (v | v << 4) & 0x0f0f0f0f0f0f0f0f;
}

/* Up to 32 levels: indices into the table side by side, all of a block first, then one look-up for
 * each; the digits fit one number. */
static void short_digits_2d(const struct curve *curve, const uint64_t lanes[][CURVE_BLOCK],
                            size_t n, uint32_t n_words, uint64_t *const *words, unsigned shift)
{
	const uint16_t *table = curve->table;
	unsigned low = curve->low, bits = 2 * (curve->top - low);
	uint64_t mask = low_bits(2 * curve->levels), indices[CURVE_BLOCK];

	for (size_t i = 0; i < n; i++)
		indices[i] = spread(lanes[0][i] >> low & UINT32_MAX) << 4 |
		             spread(lanes[1][i] >> low & UINT32_MAX);
	for (size_t i = 0; i < n; i++) {
		uint64_t out = 0;
		uint32_t entry = 0;

		for (unsigned at = bits; at > 0; at -= 8) {
			entry = table[(entry & ~255u) | (indices[i] >> (at - 8) & 255)];
			out = out << 8 | (entry & 255);
		}
		indices[i] = out & mask;
	}
	for (size_t i = 0; i < n; i++)
		put_bits(words, n_words, i, shift, indices[i]);
}

static void digits_3d(const struct curve *curve, const uint64_t lanes[][CURVE_BLOCK], size_t n,
                      uint32_t n_words, uint64_t *const *words, unsigned shift)
{
	const uint16_t *table = curve->table;
	unsigned low = curve->low, end = low + curve->levels;

	for (size_t i = 0; i < n; i++) {
		uint32_t state = 0;

		for (unsigned level = curve->top; level > low; level -= 2) {
			unsigned at = level - 2;
			uint32_t index =
				(uint32_t)((lanes[0][i] >> at & 3) << 4 |
			                   (lanes[1][i] >> at & 3) << 2 | (lanes[2][i] >> at & 3));
			uint32_t entry = table[state | index];

			put_bits(words, n_words, i, shift + 3 * (at - low),
			         entry & (at + 2 > end ? 7 : 63));
			state = entry & ~63u;
		}
	}
}

/* The cells as the first varying level sees them: shared low bits gone, axes as `start` says. */
static void take_block(const struct curve *curve, const uint64_t lanes[][CURVE_BLOCK], size_t n,
                       uint64_t mask, uint64_t out[][CURVE_BLOCK])
{
	for (uint32_t d = 0; d < curve->n_dims; d++) {
		const uint64_t *from = lanes[curve->start.axis[d]];
		uint64_t flip = curve->start.flip >> d & 1 ? UINT64_MAX : 0;

		for (size_t i = 0; i < n; i++)
			out[d][i] = ((from[i] >> curve->low) ^ flip) & mask;
	}
}

/* Skilling's loop, one level of one axis for all cells: where the axis's bit is set the lower bits
 * of axis 0 are reflected, elsewhere they change places with the axis's own. */
static void turn_axis(uint64_t *first, uint64_t *axis, size_t n, unsigned level)
{
	uint64_t below = ((uint64_t)1 << level) - 1;

	for (size_t i = 0; i < n; i++) {
		uint64_t set = 0 - (axis[i] >> level & 1);
		uint64_t moved = (first[i] ^ axis[i]) & below & ~set;

		first[i] ^= (below & set) | moved;
		axis[i] ^= moved;
	}
}

static void gray_block(const struct curve *curve, size_t n, uint64_t mask,
                       uint64_t x[][CURVE_BLOCK])
{
	uint64_t odd = curve->start.odd ? mask : 0;
	const uint64_t *last = x[curve->n_dims - 1];

	for (uint32_t d = 1; d < curve->n_dims; d++)
		for (size_t i = 0; i < n; i++)
			x[d][i] ^= x[d - 1][i];
	for (size_t i = 0; i < n; i++) {
		uint64_t parity = last[i] >> 1; /* of all levels above, in every bit */

		for (unsigned s = 1; s < 64; s *= 2)
			parity ^= parity >> s;
		parity ^= odd;
		for (uint32_t d = 0; d < curve->n_dims; d++)
			x[d][i] ^= parity;
	}
}

static void digits_any(const struct curve *curve, const uint64_t lanes[][CURVE_BLOCK], size_t n,
                       uint32_t n_words, uint64_t *const *words, unsigned shift)
{
	uint64_t x[CURVE_DIMS_MAX][CURVE_BLOCK];
	unsigned levels = curve->top - curve->low;
	uint64_t mask = low_bits(levels);

	take_block(curve, lanes, n, mask, x);
	if (curve->hilbert) {
		for (unsigned level = levels - 1; level > 0; level--)
			for (uint32_t d = 0; d < curve->n_dims; d++)
				turn_axis(x[0], x[d], n, level);
		gray_block(curve, n, mask, x);
	}
	for (unsigned level = 0; level < curve->levels; level++)
		for (uint32_t d = 0; d < curve->n_dims; d++) {
			unsigned at = shift + level * curve->n_dims + curve->n_dims - 1 - d;
			uint64_t *word = words[n_words - 1 - at / 64];

			for (size_t i = 0; i < n; i++)
				word[i] |= (x[d][i] >> level & 1) << (at % 64);
		}
}

void curve_digits(const struct curve *curve, const uint64_t lanes[][CURVE_BLOCK], size_t n,
                  uint32_t n_words, uint64_t *const *words, unsigned shift)
{
	if (!curve->levels)
		return;
	if (curve->table && curve->n_dims == 2 && curve->top - curve->low <= 32)
		short_digits_2d(curve, lanes, n, n_words, words, shift);
	else if (curve->table && curve->n_dims == 2)
		digits_2d(curve, lanes, n, n_words, words, shift);
	else if (curve->table && curve->n_dims == 3)
		digits_3d(curve, lanes, n, n_words, words, shift);
	else
		digits_any(curve, lanes, n, n_words, words, shift);
}
