#include "engine/order/order.h"
#include "engine/order/scale.h"

/* ---- how an array orders its cells ---- */

/* The range of lanes that a dimension can hold at all. */
static void lane_range(const struct field *dim, uint64_t *lo_out, uint64_t *hi_out)
{
	*lo_out = 0;
	*hi_out = UINT64_MAX;
	if (dim->has_domain) {
		*lo_out = dim->lo;
		*hi_out = dim->hi;
	} else if (dim->class == VALUE_UNSIGNED && dim->width < 8) {
		*hi_out = ((uint64_t)1 << (8 * dim->width)) - 1;
	} else if (dim->class == VALUE_SIGNED && dim->width < 8) {
		int64_t half = (int64_t)1 << (8 * dim->width - 1);

		*lo_out = lane_of_i64(-half);
		*hi_out = lane_of_i64(half - 1);
	}
}

static unsigned shift_to_fill(uint64_t top)
{
	return top ? 64u - bit_width(top) : 0;
}

void order_init(struct order *order, const struct schema *schema)
{
	memset(order, 0, sizeof *order);
	order->n_dims = schema->n_dims;
	order->curve = schema->tile_order;
	order->cell_order = schema->cell_order;
	order->dense = schema->kind == TEG_DENSE;
	order->grid = order->dense;
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		order->scale[d].extent = schema->dims[d].extent;
		order->grid |= schema->dims[d].extent != 0;
		order->has_text |= schema->dims[d].shape == COLUMN_BYTES;
	}
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		uint64_t lo, hi, extent = order->scale[d].extent;

		lane_range(&schema->dims[d], &lo, &hi);
		order->scale[d].lo = lo;
		order->scale[d].shift = shift_to_fill(hi - lo);
		/* A dense array's steps stay as they are: its domain may grow. */
		if (extent && !order->dense)
			order->scale[d].grid_shift = shift_to_fill((hi - lo) / extent);
	}
	order->n_words = order->grid ? 2 * order->n_dims : order->n_dims;
}

void order_grid_box(const struct order *order, const struct schema *schema, const uint64_t *cell,
                    uint64_t *lo_out, uint64_t *hi_out)
{
	for (uint32_t d = 0; d < order->n_dims; d++) {
		uint64_t extent = order->scale[d].extent, lo, hi, within;

		lane_range(&schema->dims[d], &lo, &hi);
		lo_out[d] = lo;
		hi_out[d] = hi;
		if (!extent)
			continue;
		within = (cell[d] - lo) % extent;
		lo_out[d] = cell[d] - within;
		if (hi - lo_out[d] > extent - 1)
			hi_out[d] = lo_out[d] + extent - 1;
	}
}

/* ---- lanes brought to scale ---- */

static void steps_of(uint64_t lo, uint64_t extent, unsigned shift, const uint64_t *lanes, size_t n,
                     uint64_t *out)
{
	if (!extent) {
		memset(out, 0, n * sizeof *out);
	} else if ((extent & (extent - 1)) == 0) {
		unsigned down = bit_width(extent) - 1;

		for (size_t i = 0; i < n; i++)
			out[i] = (lanes[i] - lo) >> down << shift;
	} else {
		for (size_t i = 0; i < n; i++)
			out[i] = (lanes[i] - lo) / extent << shift;
	}
}

void scale_lanes(const struct order *order, uint32_t d, const uint64_t *lanes, size_t n,
                 uint64_t *out)
{
	uint64_t lo = order->scale[d].lo;
	unsigned shift = order->scale[d].shift;

	if (order->grid) {
		steps_of(lo, order->scale[d].extent, order->scale[d].grid_shift, lanes, n, out);
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (lanes[i] - lo) << shift;
}

/* ---- positions ---- */

static bool is_curve(const struct order *order)
{
	return order->n_dims > 1 &&
	       (order->curve == TEG_ORDER_HILBERT || order->curve == TEG_ORDER_Z);
}

/* Dimension whose lane is word w in that order. */
static uint32_t dim_of_word(teg_order how, uint32_t n_dims, uint32_t w)
{
	return how == TEG_ORDER_COLUMN ? n_dims - 1 - w : w;
}

/* Word w of the cells' numbers: the digits that all of them share, zeros below. */
static void shared_digits(const struct curve *curve, const uint64_t *cell, uint64_t *words_out)
{
	struct curve_state state;
	unsigned n_words = curve->n_dims;

	curve_start(&state);
	memset(words_out, 0, n_words * sizeof *words_out);
	for (unsigned level = 64; level > curve->levels; level--) {
		uint32_t bits = 0, digit;
		unsigned at = (level - 1) * curve->n_dims;

		for (uint32_t d = 0; d < curve->n_dims; d++)
			bits |= (uint32_t)(cell[d] >> (level - 1) & 1) << d;
		digit = curve_step(curve->hilbert, curve->n_dims, &state, bits);
		for (uint32_t b = 0; b < curve->n_dims; b++)
			words_out[n_words - 1 - (at + b) / 64] |= (uint64_t)(digit >> b & 1)
			                                          << (at + b) % 64;
	}
}

struct positions {
	const struct order *order;
	struct curve curve;
	uint64_t shared[TEG_MAX_DIMENSIONS];
	uint16_t table[CURVE_TABLE_MAX];
};

#define TABLE_PAYS 2048 /* cells from which on making the table is worth it */

static void prepare(struct positions *p, const struct order *order, const uint64_t *const *lanes,
                    size_t n)
{
	uint64_t first[TEG_MAX_DIMENSIONS], diff = 0, scaled[CURVE_BLOCK];

	p->order = order;
	p->curve = (struct curve){ .hilbert = order->curve == TEG_ORDER_HILBERT,
		                   .n_dims = order->n_dims };
	for (uint32_t d = 0; d < order->n_dims; d++)
		for (size_t from = 0; from < n; from += CURVE_BLOCK) {
			size_t m = n - from < CURVE_BLOCK ? n - from : CURVE_BLOCK;

			scale_lanes(order, d, lanes[d] + from, m, scaled);
			if (!from)
				first[d] = scaled[0];
			for (size_t i = 0; i < m; i++)
				diff |= scaled[i] ^ first[d];
		}
	/* Down to bit 0: the lowest digits differ with the state even where the bits do not. */
	curve_narrow(&p->curve, diff | 1, first);
	shared_digits(&p->curve, first, p->shared);
	if (n >= TABLE_PAYS && curve_table_levels(order->n_dims))
		curve_table_fill(&p->curve, p->table);
}

static void block_positions(const struct positions *p, const uint64_t scaled[][CURVE_BLOCK],
                            size_t n, uint64_t *const *words)
{
	uint32_t n_dims = p->order->n_dims;

	for (uint32_t w = 0; w < n_dims; w++) {
		uint32_t d = dim_of_word(p->order->curve, n_dims, w);

		if (!is_curve(p->order))
			memcpy(words[w], scaled[d], n * sizeof *words[w]);
		for (size_t i = 0; is_curve(p->order) && i < n; i++)
			words[w][i] = p->shared[w];
	}
	if (is_curve(p->order))
		curve_digits(&p->curve, scaled, n, n_dims, words, 0);
}

void order_positions(const struct order *order, const uint64_t *const *lanes, size_t n,
                     uint64_t *const *words_out)
{
	struct positions p;
	uint64_t scaled[CURVE_DIMS_MAX][CURVE_BLOCK];
	uint64_t *words[POSITION_WORDS_MAX];

	p.order = order;
	if (n && is_curve(order))
		prepare(&p, order, lanes, n);
	for (size_t from = 0; from < n; from += CURVE_BLOCK) {
		size_t m = n - from < CURVE_BLOCK ? n - from : CURVE_BLOCK;

		for (uint32_t w = 0; w < order->n_words; w++)
			words[w] = words_out[w] + from;
		for (uint32_t d = 0; d < order->n_dims; d++)
			scale_lanes(order, d, lanes[d] + from, m, scaled[d]);
		block_positions(&p, (const uint64_t(*)[CURVE_BLOCK])scaled, m, words);
		for (uint32_t w = 0; order->grid && w < order->n_dims; w++) {
			uint32_t d = dim_of_word(order->cell_order, order->n_dims, w);

			memcpy(words[order->n_dims + w], lanes[d] + from, m * sizeof **words);
		}
	}
}

void order_position(const struct order *order, const uint64_t *lanes, uint64_t *words_out)
{
	const uint64_t *in[TEG_MAX_DIMENSIONS];
	uint64_t *out[POSITION_WORDS_MAX];

	for (uint32_t d = 0; d < order->n_dims; d++)
		in[d] = &lanes[d];
	for (uint32_t w = 0; w < order->n_words; w++)
		out[w] = &words_out[w];
	order_positions(order, in, 1, out);
}
