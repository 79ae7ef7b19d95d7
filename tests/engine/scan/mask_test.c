#include "engine/scan/mask.h"
#include <criterion/criterion.h>
#include <string.h>
#include "tests/support/rng.h"

/* Every mask of eight, and random ones of every length up to 200. */
Test(mask, lists_what_stays)
{
	uint32_t list[200 + MASK_SLACK], want[200];
	struct rng rng = { 3 };
	uint8_t mask[200];

	for (uint32_t round = 0; round < 2000; round++) {
		uint32_t n = round < 256 ? 8 : (uint32_t)rng_below(&rng, 201), kept = 0;
		uint32_t first = round % 2 ? 0 : 4000000000u;

		for (uint32_t i = 0; i < n; i++) {
			mask[i] = (uint8_t)(round < 256 ? round >> i & 1 : rng_below(&rng, 2));
			want[kept] = first + i;
			kept += mask[i];
		}
		cr_assert_eq(mask_list(mask, n, first, list), kept, "round %u", round);
		cr_assert_arr_eq(list, want, kept * sizeof *list, "round %u", round);
	}
}
