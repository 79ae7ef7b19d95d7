/* Where a cell lies: the one total order in which an array's tiles follow one another.
 *
 * Each coordinate is a lane (codec/column/lane.h). Lanes are first brought to scale: with a declared
 * domain the lower bound is subtracted and the rest shifted up so that the domain fills 64 bits;
 * with an extent they are first divided into grid steps. The curve then turns the d scaled lanes
 * into a position of d words, most significant first, always at full width, so every segment of an
 * array has the same order whatever it holds. In a grid, cells of one grid step follow in cell
 * order. format-spec/order.md, POS-1 and on.
 *
 *   row, column     the lanes themselves, first or last dimension most significant
 *   Z               bits of the lanes interleaved, first dimension first
 *   Hilbert         Skilling's transform (AIP Conf. Proc. 707, 2004), at 64 bits per dimension
 *
 * Positions compare as arrays of words. Text lanes are prefixes, so unequal text can share a
 * position; the texts themselves then decide (CELL-2).
 */
#ifndef TEG_ENGINE_ORDER_ORDER_H
#define TEG_ENGINE_ORDER_ORDER_H
#include "engine/order/curve.h"
#include "engine/schema/schema.h"

#define POSITION_WORDS_MAX (2 * TEG_MAX_DIMENSIONS)

/* How an array orders its cells; made once from the schema, immutable. */
struct order {
	uint32_t n_dims;
	uint32_t n_words; /* of a position: n_dims, or 2 * n_dims in a grid */
	teg_order curve, cell_order;
	bool grid, dense;
	bool has_text; /* some dimension is BYTES shaped: lanes do not tell all */
	struct {
		uint64_t lo;    /* lane subtracted */
		unsigned shift; /* then shifted left (no grid) */
		uint64_t
			extent; /* or divided by this, then shifted left by grid_shift; 0: one step */
		unsigned grid_shift;
	} scale[TEG_MAX_DIMENSIONS];
};

void order_init(struct order *order, const struct schema *schema);

/* Positions of n cells. lanes[d] has n lanes of dimension d; words_out[w] room for n words: word w
 * of every position, most significant word first. */
void order_positions(const struct order *order, const uint64_t *const *lanes, size_t n,
                     uint64_t *const *words_out);

/* One position: lanes[d] of one cell into words_out[0 .. n_words). */
void order_position(const struct order *order, const uint64_t *lanes, uint64_t *words_out);

static inline int position_compare(const uint64_t *a, const uint64_t *b, uint32_t n_words)
{
	for (uint32_t w = 0; w < n_words; w++)
		if (a[w] != b[w])
			return a[w] < b[w] ? -1 : 1;
	return 0;
}

/* The grid step that holds `cell` (lanes): its first and last lane per dimension, clipped to the
 * domain where there is one. Grid orders only. */
void order_grid_box(const struct order *order, const struct schema *schema, const uint64_t *cell,
                    uint64_t *lo_out, uint64_t *hi_out);

/* ---- sort keys: positions cut down to what tells the cells of one batch apart ----
 *
 * Order among the cells of the batch is that of their positions, and equal keys are equal positions;
 * between batches keys mean nothing. First every cell is looked at (batch_add), then keys are made. */
struct order_part {
	enum { PART_CURVE, PART_SCALED, PART_LANE, PART_OFFSET } from;
	uint32_t dim;
	uint64_t base;     /* subtracted */
	unsigned shift;    /* then shifted right */
	unsigned bits, at; /* width in the key, and its lowest bit */
};

struct order_batch {
	const struct order *order;
	size_t n;
	uint64_t diff; /* bits in which scaled lanes differ, of any dimension */
	uint64_t first[TEG_MAX_DIMENSIONS]; /* scaled, of the first cell */
	uint64_t lane_min[TEG_MAX_DIMENSIONS], lane_max[TEG_MAX_DIMENSIONS];
	uint64_t min[TEG_MAX_DIMENSIONS], max[TEG_MAX_DIMENSIONS]; /* scaled, in a grid */
	uint32_t n_parts;
	struct order_part parts[2 * TEG_MAX_DIMENSIONS];
	unsigned n_bits;  /* of a key */
	uint32_t n_words; /* at least 1 */
	struct curve curve;
	uint16_t table[CURVE_TABLE_MAX];
};

void batch_init(struct order_batch *batch, const struct order *order);
/* lanes[d] has n lanes of dimension d. */
void batch_add(struct order_batch *batch, const uint64_t *const *lanes, size_t n);
void batch_finish(struct order_batch *batch);
/* Keys of n cells that batch_add has seen into words_out[w][0 .. n), most significant word first. */
void batch_keys(const struct order_batch *batch, const uint64_t *const *lanes, size_t n,
                uint64_t *const *words_out);

/* ---- sorting ---- */

/* Sorts n numbers by their bits from `low_bit` up, in place, stable; `work` has room for n. Returns
 * where the sorted numbers are, `at` or `work`. At once where they are in order already. */
uint64_t *sort_packed(uint64_t *at, uint64_t *work, size_t n, unsigned low_bit);

/* Fills perm_out with 0 .. n-1 sorted by the words (words[0] most significant), equal ones in
 * ascending index (stable). Least significant digit radix sort over the bits that differ at all;
 * memory from `alloc` for the run of the call: at most 32 bytes per row. TEG_NOMEM. */
teg_status order_sort(const uint64_t *const *words, uint32_t n_words, uint32_t n,
                      const teg_allocator *alloc, uint32_t *perm_out);

/* Where sorted rows tie: `at` ascends, and at[k] = i says that perm[i - 1] and perm[i] have equal
 * words. */
struct order_ties {
	uint32_t *at;
	size_t n, cap;
	const teg_allocator *alloc;
};
void ties_init(struct order_ties *ties, const teg_allocator *alloc);
void ties_release(struct order_ties *ties);
/* As order_sort, and adds the ties found (NULL: not asked for). */
teg_status order_sort_ties(const uint64_t *const *words, uint32_t n_words, uint32_t n,
                           const teg_allocator *alloc, uint32_t *perm_out, struct order_ties *ties);

/* The same for words that are no longer needed: keys of n_bits from batch_keys(), which are spoilt. */
teg_status order_sort_keys(uint64_t *const *words, uint32_t n_words, unsigned n_bits, uint32_t n,
                           const teg_allocator *alloc, uint32_t *perm_out, struct order_ties *ties);

/* ---- boxes: inclusive ranges of lanes per dimension ---- */
struct box {
	uint64_t lo[TEG_MAX_DIMENSIONS], hi[TEG_MAX_DIMENSIONS];
};

static inline bool box_overlaps(const struct box *a, const struct box *b, uint32_t n_dims)
{
	for (uint32_t d = 0; d < n_dims; d++)
		if (a->lo[d] > b->hi[d] || b->lo[d] > a->hi[d])
			return false;
	return true;
}

static inline bool box_contains(const struct box *outer, const struct box *inner, uint32_t n_dims)
{
	for (uint32_t d = 0; d < n_dims; d++)
		if (inner->lo[d] < outer->lo[d] || inner->hi[d] > outer->hi[d])
			return false;
	return true;
}
#endif
