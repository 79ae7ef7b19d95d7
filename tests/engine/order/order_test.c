#include "engine/order/order.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/support/rng.h"

#define DIMS_MAX 5

/* A schema with just what an order is made from. */
struct axes {
	struct schema schema;
	struct field dims[TEG_MAX_DIMENSIONS];
};

static void axes_init(struct axes *axes, uint32_t n_dims, teg_order tile_order)
{
	memset(axes, 0, sizeof *axes);
	axes->schema.kind = TEG_SPARSE;
	axes->schema.n_dims = n_dims;
	axes->schema.dims = axes->dims;
	axes->schema.tile_order = tile_order;
	axes->schema.cell_order = TEG_ORDER_ROW;
	for (uint32_t d = 0; d < n_dims; d++) {
		axes->dims[d].shape = COLUMN_FIXED;
		axes->dims[d].width = 8;
		axes->dims[d].class = VALUE_UNSIGNED;
		axes->dims[d].hi = UINT64_MAX;
	}
}

static void axes_domain(struct axes *axes, uint64_t lo, uint64_t hi)
{
	for (uint32_t d = 0; d < axes->schema.n_dims; d++) {
		axes->dims[d].has_domain = true;
		axes->dims[d].lo = lo;
		axes->dims[d].hi = hi;
	}
}

/* Skilling's published routines, as the independent check: b bits, n axes. */
static void axes_to_transpose(uint64_t *x, unsigned b, unsigned n)
{
	uint64_t t;

	for (uint64_t q = (uint64_t)1 << (b - 1); q > 1; q >>= 1)
		for (unsigned i = 0; i < n; i++) {
			if (x[i] & q) {
				x[0] ^= q - 1;
			} else {
				t = (x[0] ^ x[i]) & (q - 1);
				x[0] ^= t;
				x[i] ^= t;
			}
		}
	for (unsigned i = 1; i < n; i++)
		x[i] ^= x[i - 1];
	t = 0;
	for (uint64_t q = (uint64_t)1 << (b - 1); q > 1; q >>= 1)
		if (x[n - 1] & q)
			t ^= q - 1;
	for (unsigned i = 0; i < n; i++)
		x[i] ^= t;
}

static void transpose_to_axes(uint64_t *x, unsigned b, unsigned n)
{
	uint64_t t = x[n - 1] >> 1;

	for (unsigned i = n - 1; i > 0; i--)
		x[i] ^= x[i - 1];
	x[0] ^= t;
	for (unsigned bit = 1; bit < b; bit++) {
		uint64_t below = ((uint64_t)1 << bit) - 1;

		for (unsigned i = n; i-- > 0;) {
			if (x[i] >> bit & 1) {
				x[0] ^= below;
			} else {
				t = (x[0] ^ x[i]) & below;
				x[0] ^= t;
				x[i] ^= t;
			}
		}
	}
}

/* The words of a position as bits of the transposed form, and back. */
static void words_to_transpose(const uint64_t *words, unsigned n, uint64_t *x)
{
	memset(x, 0, n * sizeof *x);
	for (unsigned at = 0; at < 64 * n; at++)
		if (words[n - 1 - at / 64] >> at % 64 & 1)
			x[n - 1 - at % n] |= (uint64_t)1 << at / n;
}

static uint64_t rng_lane(struct rng *rng, unsigned bits)
{
	return bits < 64 ? rng_u64(rng) >> (64 - bits) : rng_u64(rng);
}

static void check_against_skilling(uint32_t n_dims, const uint64_t *cell, const uint64_t *words)
{
	uint64_t want[TEG_MAX_DIMENSIONS], got[TEG_MAX_DIMENSIONS];

	memcpy(want, cell, n_dims * sizeof *want);
	axes_to_transpose(want, 64, n_dims);
	words_to_transpose(words, n_dims, got);
	cr_assert_arr_eq(got, want, n_dims * sizeof *want);
	transpose_to_axes(got, 64, n_dims);
	cr_assert_arr_eq(got, cell, n_dims * sizeof *want);
}

Test(order, hilbert_is_skillings_transform_at_64_bits) /* NB1, POS-11 */
{
	struct rng rng = { 7 };

	for (uint32_t n_dims = 2; n_dims <= TEG_MAX_DIMENSIONS; n_dims++)
		for (int i = 0; i < 200; i++) {
			struct axes axes;
			struct order order;
			uint64_t cell[TEG_MAX_DIMENSIONS], words[POSITION_WORDS_MAX];

			axes_init(&axes, n_dims, TEG_ORDER_HILBERT);
			order_init(&order, &axes.schema);
			for (uint32_t d = 0; d < n_dims; d++)
				cell[d] = rng_lane(&rng, 1 + (unsigned)i % 64);
			order_position(&order, cell, words);
			check_against_skilling(n_dims, cell, words);
		}
}

struct many {
	uint32_t n_dims, n;
	uint64_t *lanes[TEG_MAX_DIMENSIONS], *words[POSITION_WORDS_MAX];
};

static void many_init(struct many *m, uint32_t n_dims, uint32_t n)
{
	m->n_dims = n_dims;
	m->n = n;
	for (uint32_t d = 0; d < n_dims; d++)
		m->lanes[d] = calloc(n, sizeof **m->lanes);
	for (uint32_t w = 0; w < 2 * n_dims; w++)
		m->words[w] = calloc(n, sizeof **m->words);
}

static void many_free(struct many *m)
{
	for (uint32_t d = 0; d < m->n_dims; d++)
		free(m->lanes[d]);
	for (uint32_t w = 0; w < 2 * m->n_dims; w++)
		free(m->words[w]);
}

static const uint64_t *const *many_lanes(const struct many *m)
{
	return (const uint64_t *const *)m->lanes;
}

static int many_compare(const struct many *m, uint32_t n_words, uint32_t i, uint32_t j)
{
	for (uint32_t w = 0; w < n_words; w++)
		if (m->words[w][i] != m->words[w][j])
			return m->words[w][i] < m->words[w][j] ? -1 : 1;
	return 0;
}

Test(order, shared_bits_and_tables_change_nothing) /* POS-11 */
{
	struct rng rng = { 11 };

	for (uint32_t n_dims = 2; n_dims <= DIMS_MAX; n_dims++)
		for (unsigned bits = 0; bits <= 64; bits += bits < 8 ? 1 : 7) {
			struct axes axes;
			struct order order;
			struct many m;
			uint64_t base[TEG_MAX_DIMENSIONS];

			axes_init(&axes, n_dims, TEG_ORDER_HILBERT);
			order_init(&order, &axes.schema);
			many_init(&m, n_dims, 3000);
			for (uint32_t d = 0; d < n_dims; d++)
				base[d] = bits < 64 ? rng_u64(&rng) >> bits << bits : 0;
			for (uint32_t i = 0; i < m.n; i++)
				for (uint32_t d = 0; d < n_dims; d++)
					m.lanes[d][i] = base[d] | (bits ? rng_lane(&rng, bits) : 0);
			order_positions(&order, many_lanes(&m), m.n, m.words);
			for (uint32_t i = 0; i < m.n; i += 97) {
				uint64_t cell[TEG_MAX_DIMENSIONS], words[TEG_MAX_DIMENSIONS];

				for (uint32_t d = 0; d < n_dims; d++) {
					cell[d] = m.lanes[d][i];
					words[d] = m.words[d][i];
				}
				check_against_skilling(n_dims, cell, words);
			}
			many_free(&m);
		}
}

/* Every cell of a cube of side 2^bits: all positions differ, and along the curve each cell is a
 * neighbour of the one before. */
static void check_cube(teg_order curve, uint32_t n_dims, unsigned bits, bool neighbours)
{
	struct axes axes;
	struct order order;
	struct many m;
	uint32_t *perm;

	axes_init(&axes, n_dims, curve);
	axes_domain(&axes, 1000, 1000 + ((uint64_t)1 << bits) - 1);
	order_init(&order, &axes.schema);
	many_init(&m, n_dims, 1u << bits * n_dims);
	perm = calloc(m.n, sizeof *perm);
	for (uint32_t i = 0; i < m.n; i++)
		for (uint32_t d = 0; d < n_dims; d++)
			m.lanes[d][i] = 1000 + (i >> bits * d & ((1u << bits) - 1));
	order_positions(&order, many_lanes(&m), m.n, m.words);
	cr_assert_eq(order_sort((const uint64_t *const *)m.words, n_dims, m.n,
	                        teg_allocator_default(), perm),
	             TEG_OK);
	for (uint32_t i = 1; i < m.n; i++) {
		uint64_t steps = 0;

		cr_assert_lt(many_compare(&m, n_dims, perm[i - 1], perm[i]), 0);
		for (uint32_t d = 0; d < n_dims; d++) {
			uint64_t a = m.lanes[d][perm[i - 1]], b = m.lanes[d][perm[i]];

			steps += a > b ? a - b : b - a;
		}
		if (neighbours)
			cr_assert_eq(steps, 1, "%u dims, cell %u", n_dims, i);
	}
	free(perm);
	many_free(&m);
}

Test(order, curves_visit_every_cell_once_and_hilbert_goes_to_neighbours) /* NB1 */
{
	for (unsigned bits = 1; bits <= 6; bits++)
		check_cube(TEG_ORDER_HILBERT, 2, bits, true);
	for (unsigned bits = 1; bits <= 4; bits++)
		check_cube(TEG_ORDER_HILBERT, 3, bits, true);
	check_cube(TEG_ORDER_HILBERT, 4, 3, true);
	check_cube(TEG_ORDER_Z, 2, 6, false);
	check_cube(TEG_ORDER_Z, 3, 4, false);
}

Test(order, z_interleaves_first_dimension_first) /* POS-9 POS-10 */
{
	struct axes axes;
	struct order order;
	uint64_t cell[3] = { 1, 0, 2 }, words[3];

	axes_init(&axes, 3, TEG_ORDER_Z);
	order_init(&order, &axes.schema);
	order_position(&order, cell, words);
	cr_assert_eq(words[0] | words[1], 0);
	cr_assert_eq(words[2],
	             1u << 2 | 1u << 3); /* bit 0 of dim 0 is bit 2; bit 1 of dim 2 bit 3 */
}

Test(order, row_and_column_take_the_lanes_as_they_are) /* POS-8 */
{
	uint64_t cell[2] = { 5, 9 }, words[2];
	struct axes axes;
	struct order order;

	axes_init(&axes, 2, TEG_ORDER_ROW);
	order_init(&order, &axes.schema);
	order_position(&order, cell, words);
	cr_assert(words[0] == 5 && words[1] == 9);
	axes_init(&axes, 2, TEG_ORDER_COLUMN);
	order_init(&order, &axes.schema);
	order_position(&order, cell, words);
	cr_assert(words[0] == 9 && words[1] == 5);
}

Test(order, one_dimension_is_its_lane_whatever_the_curve) /* POS-7 */
{
	static const teg_order curves[] = { TEG_ORDER_ROW, TEG_ORDER_COLUMN, TEG_ORDER_Z,
		                            TEG_ORDER_HILBERT };

	for (size_t i = 0; i < 4; i++) {
		struct axes axes;
		struct order order;
		uint64_t cell = 77, word = 0;

		axes_init(&axes, 1, curves[i]);
		order_init(&order, &axes.schema);
		order_position(&order, &cell, &word);
		cr_assert_eq(word, 77);
	}
}

Test(order, a_domain_fills_the_width) /* NB2, POS-4 POS-5 */
{
	static const struct {
		uint64_t lo, hi, cell, word;
	} cases[] = {
		{ 100, 355, 100, 0 },
		{ 100, 355, 355, (uint64_t)255 << 56 },
		{ 100, 355, 101, (uint64_t)1 << 56 },
		{ 0, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ 9, 9, 9, 0 },
		{ 7, 8, 8, (uint64_t)1 << 63 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct axes axes;
		struct order order;
		uint64_t word = 1;

		axes_init(&axes, 1, TEG_ORDER_ROW);
		axes_domain(&axes, cases[i].lo, cases[i].hi);
		order_init(&order, &axes.schema);
		order_position(&order, &cases[i].cell, &word);
		cr_assert_eq(word, cases[i].word, "case %zu", i);
	}
}

Test(order, a_narrow_type_fills_the_width_without_a_domain) /* NB2, POS-4 POS-5 */
{
	struct axes axes;
	struct order order;
	uint64_t cell = lane_of_i64(-128), word = 1;

	axes_init(&axes, 1, TEG_ORDER_ROW);
	axes.dims[0].class = VALUE_SIGNED;
	axes.dims[0].width = 1;
	order_init(&order, &axes.schema);
	order_position(&order, &cell, &word);
	cr_assert_eq(word, 0);
	cell = lane_of_i64(127);
	order_position(&order, &cell, &word);
	cr_assert_eq(word, (uint64_t)255 << 56);
}

Test(order, cells_of_one_grid_step_share_the_prefix) /* NB3, POS-6 POS-12 */
{
	static const teg_order curves[] = { TEG_ORDER_ROW, TEG_ORDER_COLUMN, TEG_ORDER_Z,
		                            TEG_ORDER_HILBERT };
	struct rng rng = { 3 };

	for (size_t c = 0; c < 4; c++)
		for (int i = 0; i < 2000; i++) {
			struct axes axes;
			struct order order;
			uint64_t a[2], b[2], wa[4], wb[4];
			bool same;

			axes_init(&axes, 2, curves[c]);
			axes_domain(&axes, 50, 50 + 9999);
			axes.dims[0].extent = 10;
			axes.dims[1].extent = 16;
			order_init(&order, &axes.schema);
			cr_assert_eq(order.n_words, 4);
			for (int d = 0; d < 2; d++) {
				a[d] = 50 + rng_u64(&rng) % 40;
				b[d] = 50 + rng_u64(&rng) % 40;
			}
			order_position(&order, a, wa);
			order_position(&order, b, wb);
			same = (a[0] - 50) / 10 == (b[0] - 50) / 10 &&
			       (a[1] - 50) / 16 == (b[1] - 50) / 16;
			cr_assert_eq(position_compare(wa, wb, 2) == 0, same);
			cr_assert(wa[2] == a[0] && wa[3] == a[1]);
		}
}

Test(order, grid_boxes_are_clipped_to_the_domain) /* NB3 */
{
	struct axes axes;
	struct order order;
	uint64_t cell[1] = { 107 }, lo, hi;

	axes_init(&axes, 1, TEG_ORDER_ROW);
	axes_domain(&axes, 100, 108);
	axes.dims[0].extent = 5;
	order_init(&order, &axes.schema);
	order_grid_box(&order, &axes.schema, cell, &lo, &hi);
	cr_assert(lo == 105 && hi == 108);
	cell[0] = 104;
	order_grid_box(&order, &axes.schema, cell, &lo, &hi);
	cr_assert(lo == 100 && hi == 104);
}

Test(order, more_than_4095_steps_per_dimension_in_five) /* X12 */
{
	struct axes axes;
	struct order order;
	uint64_t a[5], b[5], wa[10], wb[10];

	axes_init(&axes, 5, TEG_ORDER_HILBERT);
	axes_domain(&axes, 0, UINT64_MAX);
	for (int d = 0; d < 5; d++)
		axes.dims[d].extent = 3;
	order_init(&order, &axes.schema);
	for (int d = 0; d < 5; d++)
		a[d] = b[d] = 3 * (UINT64_MAX / 6);
	b[4] += 3;
	order_position(&order, a, wa);
	order_position(&order, b, wb);
	cr_assert_neq(position_compare(wa, wb, 5), 0);
}

/* ---- sort keys ---- */

static void fill_lanes(struct many *m, struct rng *rng, uint64_t lo, uint64_t range)
{
	for (uint32_t d = 0; d < m->n_dims; d++)
		for (uint32_t i = 0; i < m->n; i++)
			m->lanes[d][i] = lo + (range ? rng_u64(rng) % range : 0);
}

static void check_keys(const struct order *order, struct many *m)
{
	struct order_batch *batch = malloc(sizeof *batch);
	uint64_t *keys[POSITION_WORDS_MAX];

	batch_init(batch, order);
	batch_add(batch, many_lanes(m), m->n);
	batch_finish(batch);
	cr_assert_leq(batch->n_words, order->n_words);
	order_positions(order, many_lanes(m), m->n, m->words);
	for (uint32_t w = 0; w < batch->n_words; w++)
		keys[w] = calloc(m->n, sizeof **keys);
	batch_keys(batch, many_lanes(m), m->n, keys);
	for (uint32_t i = 1; i < m->n; i++) {
		int want = many_compare(m, order->n_words, i - 1, i), got = 0;

		for (uint32_t w = 0; !got && w < batch->n_words; w++)
			got = (keys[w][i - 1] > keys[w][i]) - (keys[w][i - 1] < keys[w][i]);
		cr_assert_eq(got, want, "cell %u", i);
	}
	for (uint32_t w = 0; w < batch->n_words; w++)
		free(keys[w]);
	free(batch);
}

Test(order, sort_keys_order_cells_as_positions_do)
{
	static const teg_order curves[] = { TEG_ORDER_ROW, TEG_ORDER_COLUMN, TEG_ORDER_Z,
		                            TEG_ORDER_HILBERT };
	static const uint64_t ranges[] = { 0, 1, 2, 5, 300, 1 << 20, (uint64_t)1 << 40 };
	struct rng rng = { 19 };

	for (uint32_t n_dims = 1; n_dims <= DIMS_MAX; n_dims++)
		for (size_t c = 0; c < 4 * 7 * 3; c++) {
			struct axes axes;
			struct order order;
			struct many m;

			axes_init(&axes, n_dims, curves[c % 4]);
			axes_domain(&axes, 900, 900 + ((uint64_t)1 << 41) + 5);
			for (uint32_t d = 0; d < n_dims && c / 28; d++)
				axes.dims[d].extent = c / 28 == 2 ? 10 : d % 2 ? 0 : 64;
			order_init(&order, &axes.schema);
			many_init(&m, n_dims, 700);
			fill_lanes(&m, &rng, 1000, ranges[c / 4 % 7]);
			check_keys(&order, &m);
			many_free(&m);
		}
}

/* ---- sorting ---- */

struct item {
	uint64_t word[3];
	uint32_t index;
};

static int item_compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = position_compare(x->word, y->word, 3);

	return order ? order : x->index < y->index ? -1 : 1;
}

Test(order, radix_sort_agrees_with_qsort)
{
	static const struct {
		uint64_t mask[3];
	} cases[] = {
		{ { 0, 0, 0 } },
		{ { 0, 0, 0xff } },
		{ { 0, 0xfffff00000, 0 } },
		{ { UINT64_MAX, 0, 0 } },
		{ { UINT64_MAX, UINT64_MAX, UINT64_MAX } },
		{ { 3, 0, 0x8000000000000001 } },
		{ { 0, 0x7fffffffffff, 0 } },
		{ { 0, 0x7000ffff, 0 } }, /* high digits tell few apart */
	};
	static const uint32_t counts[] = { 0, 1, 2, 3, 255, 5000, 70000 };
	struct rng rng = { 23 };

	for (size_t c = 0; c < 8 * 7; c++) {
		uint32_t n = counts[c / 8];
		struct order_ties ties;
		size_t tie = 0;
		uint64_t *words[3];
		uint32_t *perm = calloc(n + 1, sizeof *perm);
		struct item *items = calloc(n + 1, sizeof *items);

		ties_init(&ties, teg_allocator_default());
		for (int w = 0; w < 3; w++)
			words[w] = calloc(n + 1, sizeof **words);
		for (uint32_t i = 0; i < n; i++) {
			items[i].index = i;
			for (int w = 0; w < 3; w++)
				items[i].word[w] = words[w][i] =
					0x5000 | (rng_u64(&rng) & cases[c % 8].mask[w]);
		}
		cr_assert_eq(order_sort_ties((const uint64_t *const *)words, 3, n,
		                             teg_allocator_default(), perm, &ties),
		             TEG_OK);
		qsort(items, n, sizeof *items, item_compare);
		for (uint32_t i = 0; i < n; i++) {
			cr_assert_eq(perm[i], items[i].index, "case %zu row %u", c, i);
			if (i && !position_compare(items[i - 1].word, items[i].word, 3))
				cr_assert(tie < ties.n && ties.at[tie++] == i, "case %zu", c);
		}
		cr_assert_eq(tie, ties.n, "case %zu", c);
		ties_release(&ties);
		for (int w = 0; w < 3; w++)
			free(words[w]);
		free(items);
		free(perm);
	}
}

Test(order, keys_sort_as_words_do)
{
	struct rng rng = { 29 };

	for (unsigned bits = 0; bits <= 64; bits++) {
		uint32_t n = 700, perm[700], want[700];
		uint64_t *word = calloc(n, sizeof *word);
		struct order_ties ties, want_ties;

		ties_init(&ties, teg_allocator_default());
		ties_init(&want_ties, teg_allocator_default());
		for (uint32_t i = 0; i < n; i++)
			word[i] = bits ? rng_lane(&rng, bits) : 0;
		cr_assert_eq(order_sort_ties((const uint64_t *const[]){ word }, 1, n,
		                             teg_allocator_default(), want, &want_ties),
		             TEG_OK);
		cr_assert_eq(order_sort_keys(&word, 1, bits, n, teg_allocator_default(), perm,
		                             &ties),
		             TEG_OK);
		cr_assert_arr_eq(perm, want, sizeof perm, "%u bits", bits);
		cr_assert_eq(ties.n, want_ties.n);
		ties_release(&ties);
		ties_release(&want_ties);
		free(word);
	}
}

static void *no_alloc(void *ctx, size_t size)
{
	(void)ctx;
	(void)size;
	return NULL;
}

Test(order, sorted_input_costs_no_memory_and_lack_of_it_is_told)
{
	static const teg_allocator none = { no_alloc, NULL, NULL, NULL };
	uint64_t word[] = { 1, 2, 2, 9 };
	const uint64_t *words[] = { word };
	uint32_t perm[4];

	cr_assert_eq(order_sort(words, 1, 4, &none, perm), TEG_OK);
	cr_assert(perm[0] == 0 && perm[1] == 1 && perm[2] == 2 && perm[3] == 3);
	word[3] = 0;
	cr_assert_eq(order_sort(words, 1, 4, &none, perm), TEG_NOMEM);
}

/* ---- boxes ---- */

Test(order, boxes_that_touch_overlap) /* NE3 */
{
	struct box a = { { 0, 0 }, { 10, 10 } }, touch = { { 10, 10 }, { 20, 20 } };
	struct box apart = { { 0, 11 }, { 10, 12 } }, inner = { { 0, 5 }, { 10, 5 } };

	cr_assert(box_overlaps(&a, &touch, 2));
	cr_assert(box_overlaps(&touch, &a, 2));
	cr_assert_not(box_overlaps(&a, &apart, 2));
	cr_assert(box_overlaps(&a, &apart, 1));
	cr_assert(box_contains(&a, &inner, 2));
	cr_assert_not(box_contains(&a, &touch, 2));
}
