#include "codec/column/kernel.h"
#include "engine/order/order.h"
#include "engine/order/scale.h"

void batch_init(struct order_batch *batch, const struct order *order)
{
	batch->order = order;
	batch->n = 0;
	batch->diff = 0;
	batch->n_parts = 0;
	batch->n_bits = 0;
	batch->n_words = 1;
	batch->curve = (struct curve){ .hilbert = order->curve == TEG_ORDER_HILBERT,
		                       .n_dims = order->n_dims };
	for (uint32_t d = 0; d < order->n_dims; d++) {
		batch->min[d] = batch->lane_min[d] = UINT64_MAX;
		batch->max[d] = batch->lane_max[d] = 0;
	}
}

/* Widens *min and *max by n numbers, and adds to *diff the bits in which one less `lo` differs from
 * `first`. */
KERNEL static void note(const uint64_t *at, size_t n, uint64_t lo, uint64_t first, uint64_t *min,
                        uint64_t *max, uint64_t *diff)
{
	uint64_t least = *min, most = *max, bits = *diff;

	for (size_t i = 0; i < n; i++) {
		least = at[i] < least ? at[i] : least;
		most = at[i] > most ? at[i] : most;
		bits |= (at[i] - lo) ^ first;
	}
	*min = least;
	*max = most;
	*diff = bits;
}

/* Grid steps alone are needed as such; without a grid lanes are only moved, which note() allows for. */
static void add_lanes(struct order_batch *batch, uint32_t d, const uint64_t *lanes, size_t n)
{
	const struct order *order = batch->order;
	uint64_t lo = order->scale[d].lo, scaled[CURVE_BLOCK], diff = 0, unused = 0;

	if (!order->grid) {
		note(lanes, n, lo, batch->first[d] >> order->scale[d].shift, &batch->lane_min[d],
		     &batch->lane_max[d], &diff);
		batch->diff |= diff << order->scale[d].shift;
		return;
	}
	for (size_t from = 0; from < n; from += CURVE_BLOCK) {
		size_t m = n - from < CURVE_BLOCK ? n - from : CURVE_BLOCK;

		scale_lanes(order, d, lanes + from, m, scaled);
		note(scaled, m, 0, batch->first[d], &batch->min[d], &batch->max[d], &batch->diff);
		note(lanes + from, m, 0, 0, &batch->lane_min[d], &batch->lane_max[d], &unused);
	}
}

void batch_add(struct order_batch *batch, const uint64_t *const *lanes, size_t n)
{
	for (uint32_t d = 0; n && d < batch->order->n_dims; d++) {
		if (!batch->n)
			scale_lanes(batch->order, d, lanes[d], 1, &batch->first[d]);
		add_lanes(batch, d, lanes[d], n);
	}
	batch->n += n;
}

/* Parts are listed from the most significant down; `at` is set once all are known. */
static void add_part(struct order_batch *batch, struct order_part part)
{
	if (!part.bits)
		return;
	batch->parts[batch->n_parts++] = part;
	batch->n_bits += part.bits;
}

static void add_lane(struct order_batch *batch, uint32_t d, bool in_grid)
{
	uint64_t extent = batch->order->scale[d].extent;
	unsigned bits = bit_width(batch->lane_max[d] - batch->lane_min[d]);

	/* Where the grid step is the same, the offset in it is enough. */
	if (in_grid && extent && bit_width(extent - 1) < bits)
		add_part(batch, (struct order_part){ PART_OFFSET, d, batch->order->scale[d].lo, 0,
		                                     bit_width(extent - 1), 0 });
	else
		add_part(batch,
		         (struct order_part){ PART_LANE, d, batch->lane_min[d], 0, bits, 0 });
}

static void add_steps(struct order_batch *batch, uint32_t d)
{
	unsigned shift = batch->order->scale[d].grid_shift;
	uint64_t range = (batch->max[d] - batch->min[d]) >> shift;

	add_part(batch,
	         (struct order_part){ PART_SCALED, d, batch->min[d], shift, bit_width(range), 0 });
}

static void add_curve(struct order_batch *batch)
{
	struct curve *curve = &batch->curve;

	curve_narrow(curve, batch->diff, batch->first);
	if (curve_table_levels(curve->n_dims) && batch->n >= CURVE_BLOCK)
		curve_table_fill(curve, batch->table);
	add_part(batch,
	         (struct order_part){ PART_CURVE, 0, 0, 0, curve->n_dims * curve->levels, 0 });
}

void batch_finish(struct order_batch *batch)
{
	const struct order *order = batch->order;
	uint32_t n_dims = order->n_dims;
	bool curve = n_dims > 1 &&
	             (order->curve == TEG_ORDER_HILBERT || order->curve == TEG_ORDER_Z);
	unsigned at;

	if (batch->n && curve)
		add_curve(batch);
	for (uint32_t w = 0; batch->n && !curve && w < n_dims; w++) {
		uint32_t d = order->curve == TEG_ORDER_COLUMN ? n_dims - 1 - w : w;

		if (order->grid)
			add_steps(batch, d);
		else
			add_lane(batch, d, false);
	}
	for (uint32_t w = 0; batch->n && order->grid && w < n_dims; w++)
		add_lane(batch, order->cell_order == TEG_ORDER_COLUMN ? n_dims - 1 - w : w, true);
	at = batch->n_bits;
	for (uint32_t p = 0; p < batch->n_parts; p++)
		batch->parts[p].at = at -= batch->parts[p].bits;
	batch->n_words = batch->n_bits > 64 ? (batch->n_bits + 63) / 64 : 1;
}

/* What a part takes from a block of lanes. */
static void part_values(const struct order_batch *batch, const struct order_part *part,
                        const uint64_t *lanes, const uint64_t *scaled, size_t n, uint64_t *out)
{
	uint64_t extent = batch->order->scale[part->dim].extent;
	const uint64_t *from = part->from == PART_SCALED ? scaled : lanes;

	for (size_t i = 0; i < n; i++)
		out[i] = (from[i] - part->base) >> part->shift;
	if (part->from != PART_OFFSET)
		return;
	if ((extent & (extent - 1)) == 0)
		for (size_t i = 0; i < n; i++)
			out[i] &= extent - 1;
	else
		for (size_t i = 0; i < n; i++)
			out[i] %= extent;
}

static void put_part(const uint64_t *values, size_t n, unsigned at, uint32_t n_words,
                     uint64_t *const *words)
{
	uint32_t w = n_words - 1 - at / 64;
	unsigned bit = at % 64;

	for (size_t i = 0; i < n; i++)
		words[w][i] |= values[i] << bit;
	for (size_t i = 0; bit && w && i < n; i++)
		words[w - 1][i] |= values[i] >> (64 - bit);
}

static void block_keys(const struct order_batch *batch, const uint64_t *const *lanes, size_t n,
                       uint64_t *const *words)
{
	uint64_t scaled[CURVE_DIMS_MAX][CURVE_BLOCK], values[CURVE_BLOCK];

	for (uint32_t w = 0; w < batch->n_words; w++)
		memset(words[w], 0, n * sizeof *words[w]);
	for (uint32_t d = 0; d < batch->order->n_dims; d++)
		scale_lanes(batch->order, d, lanes[d], n, scaled[d]);
	for (uint32_t p = 0; p < batch->n_parts; p++) {
		const struct order_part *part = &batch->parts[p];

		if (part->from == PART_CURVE) {
			curve_digits(&batch->curve, (const uint64_t(*)[CURVE_BLOCK])scaled, n,
			             batch->n_words, words, part->at);
			continue;
		}
		part_values(batch, part, lanes[part->dim], scaled[part->dim], n, values);
		put_part(values, n, part->at, batch->n_words, words);
	}
}

void batch_keys(const struct order_batch *batch, const uint64_t *const *lanes, size_t n,
                uint64_t *const *words_out)
{
	const uint64_t *in[TEG_MAX_DIMENSIONS];
	uint64_t *out[POSITION_WORDS_MAX];
	struct order_batch const *b = batch;

	for (size_t from = 0; from < n; from += CURVE_BLOCK) {
		for (uint32_t d = 0; d < b->order->n_dims; d++)
			in[d] = lanes[d] + from;
		for (uint32_t w = 0; w < b->n_words; w++)
			out[w] = words_out[w] + from;
		block_keys(b, in, n - from < CURVE_BLOCK ? n - from : CURVE_BLOCK, out);
	}
}
