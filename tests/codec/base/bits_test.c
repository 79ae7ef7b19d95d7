#include "codec/base/bits.h"
#include "tests/support/rng.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define N_BITS 400

static size_t count_slowly(const uint8_t *map, size_t from, size_t n)
{
	size_t count = 0;

	for (size_t i = from; i < from + n; i++)
		count += map[i / 8] >> i % 8 & 1;
	return count;
}

Test(bits, lengths)
{
	cr_assert_eq(bitmap_len(0), 0);
	cr_assert_eq(bitmap_len(1), 1);
	cr_assert_eq(bitmap_len(8), 1);
	cr_assert_eq(bitmap_len(9), 2);
	cr_assert_eq(bitmap_len(SIZE_MAX), SIZE_MAX / 8 + 1);
}

Test(bits, one_bit_at_a_time)
{
	uint8_t map[4] = { 0 };

	bitmap_set(map, 9);
	cr_assert(map[1] == 2 && bitmap_get(map, 9) && !bitmap_get(map, 8));
	bitmap_put(map, 31, true);
	cr_assert_eq(map[3], 0x80);
	bitmap_put(map, 31, false);
	bitmap_clear(map, 9);
	cr_assert(!map[0] && !map[1] && !map[2] && !map[3]);
}

/* A map of the exact length, so that a sanitizer sees the first byte read past its end. */
Test(bits, count_agrees_with_the_slow_way)
{
	struct rng rng = { 2 };

	for (size_t round = 0; round < 3000; round++) {
		size_t from = rng_below(&rng, 80), n = rng_below(&rng, 300);
		size_t len = bitmap_len(from + n);
		uint8_t *map = malloc(len ? len : 1);

		rng_fill(&rng, map, len);
		cr_assert_eq(bitmap_count(map, from, n), count_slowly(map, from, n), "%zu+%zu",
		             from, n);
		free(map);
	}
}

Test(bits, copy_agrees_with_the_slow_way)
{
	struct rng rng = { 3 };

	for (size_t round = 0; round < 3000; round++) {
		size_t to = rng_below(&rng, 40), from = rng_below(&rng, 40),
		       n = rng_below(&rng, 300);
		size_t src_len = bitmap_len(from + n);
		uint8_t *src = malloc(src_len ? src_len : 1);
		uint8_t dst[N_BITS / 8], want[N_BITS / 8];

		rng_fill(&rng, src, src_len);
		rng_fill(&rng, dst, sizeof dst);
		memcpy(want, dst, sizeof dst);
		for (size_t i = 0; i < n; i++)
			bitmap_put(want, to + i, bitmap_get(src, from + i));
		bitmap_copy(dst, to, src, from, n);
		cr_assert_arr_eq(dst, want, sizeof dst, "%zu <- %zu, %zu bits", to, from, n);
		free(src);
	}
}

Test(bits, fill_touches_nothing_else)
{
	struct rng rng = { 4 };

	for (size_t round = 0; round < 3000; round++) {
		size_t from = rng_below(&rng, 80), n = rng_below(&rng, 300);
		bool on = rng_below(&rng, 2);
		uint8_t map[N_BITS / 8], want[N_BITS / 8];

		rng_fill(&rng, map, sizeof map);
		memcpy(want, map, sizeof map);
		for (size_t i = 0; i < n; i++)
			bitmap_put(want, from + i, on);
		bitmap_fill(map, from, n, on);
		cr_assert_arr_eq(map, want, sizeof map, "%zu+%zu", from, n);
	}
}

Test(bits, width)
{
	cr_assert_eq(bit_width(0), 0);
	cr_assert_eq(bit_width(UINT64_MAX), 64);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t top = UINT64_C(1) << i;

		cr_assert_eq(bit_width(top), i + 1);
		cr_assert_eq(bit_width(top | (top - 1)), i + 1);
	}
}
