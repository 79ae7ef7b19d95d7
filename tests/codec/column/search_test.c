/* Ascending columns searched in their pages: the same places as in the plain values, whatever the
 * encoding. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/support/columns.h"
#include "tests/support/rng.h"

#define VALUES 20000

enum shape { STEPS, WIDE, RUNS, FEW, ONE, ENDS, N_SHAPES };

static int ascending(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	return (x > y) - (x < y);
}

static void make(int64_t *values, enum shape shape, struct rng *rng)
{
	for (size_t i = 0; i < VALUES; i++) {
		int64_t r = (int64_t)rng_u64(rng);

		switch (shape) {
		case STEPS: values[i] = r % 40000; break;
		case WIDE: values[i] = r; break;
		case RUNS: values[i] = r % 50; break;
		case FEW: values[i] = r % 7 * 0x0123456789abcde; break;
		case ENDS: values[i] = r % 3 == 0 ? INT64_MIN : r % 3 == 1 ? INT64_MAX : r; break;
		default: values[i] = i ? values[0] : r;
		}
	}
	qsort(values, VALUES, sizeof *values, ascending);
}

static uint32_t count(const int64_t *values, size_t n, uint64_t lane, bool after)
{
	uint32_t below = 0;

	for (size_t i = 0; i < n; i++)
		below += lane_of_i64(values[i]) < lane || (after && lane_of_i64(values[i]) == lane);
	return below;
}

static void check(struct encoded *e, const int64_t *values, uint64_t lane, int shape)
{
	const struct column_buf *dictionary = e->chunk.n_dictionary ? &e->dictionary : NULL;

	for (uint32_t p = 0; p < e->chunk.n_pages; p++) {
		const struct chunk_page *page = &e->chunk.pages[p];

		for (int after = 0; after < 2; after++) {
			uint32_t n = UINT32_MAX;

			cr_assert_eq(chunk_search_page(&e->chunk, dictionary, p,
			                               encoded_page(e, page), lane, after,
			                               e->scratch, &n, NULL),
			             TEG_OK);
			cr_assert_eq(n, count(values + page->first, page->n, lane, after),
			             "shape %d encoding %d page %u after %d", shape,
			             e->chunk.encoding, p, after);
		}
	}
}

Test(search, finds_places_in_every_encoding)
{
	static const enum profile profiles[] = { PROFILE_FAST, PROFILE_DENSE };
	int64_t *values = malloc(VALUES * sizeof *values);
	struct column c = { COLUMN_FIXED, 8, VALUES, NULL, (void *)values, NULL, NULL };
	struct rng rng = { 5 };
	unsigned seen = 0;

	for (int shape = 0; shape < N_SHAPES; shape++) {
		make(values, (enum shape)shape, &rng);
		for (size_t k = 0; k < 2; k++) {
			struct encoded e;

			encoded_init(&e, &c, VALUE_SIGNED, profiles[k]);
			seen |= 1u << e.chunk.encoding | (e.chunk.zstd ? 1u << 16 : 0);
			for (int i = 0; i < 40; i++) {
				int64_t v = values[rng_below(&rng, VALUES)];

				check(&e, values, lane_of_i64(v), shape);
				check(&e, values, lane_of_i64(v) + rng_below(&rng, 3) - 1, shape);
			}
			check(&e, values, 0, shape);
			check(&e, values, UINT64_MAX, shape);
			encoded_release(&e);
		}
	}
	cr_assert(seen & 1u << ENCODING_DELTA && seen & 1u << ENCODING_RUNS &&
	                  seen & 1u << ENCODING_FOR && seen & 1u << 16,
	          "encodings %x", seen);
	free(values);
}

Test(search, sees_damage)
{
	int64_t values[3000];
	struct column c = { COLUMN_FIXED, 8, 3000, NULL, (void *)values, NULL, NULL };
	struct encoded e;
	uint32_t n;

	for (int i = 0; i < 3000; i++)
		values[i] = i * 3;
	encoded_init(&e, &c, VALUE_SIGNED, PROFILE_FAST);
	cr_assert_eq(chunk_search_page(&e.chunk, NULL, e.chunk.n_pages, span_of(values, 8), 0,
	                               false, e.scratch, &n, NULL),
	             TEG_MISUSE);
	((uint8_t *)(uintptr_t)encoded_page(&e, &e.chunk.pages[0]).at)[5] ^= 1;
	cr_assert_eq(chunk_search_page(&e.chunk, NULL, 0, encoded_page(&e, &e.chunk.pages[0]), 0,
	                               false, e.scratch, &n, NULL),
	             TEG_CORRUPT);
	encoded_release(&e);
}
