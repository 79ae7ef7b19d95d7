#include <criterion/criterion.h>
#include "codec/base/sort.h"
#include "tests/support/rng.h"

#define MOST 300

struct item {
	uint32_t key, place;
};

static bool by_key(const void *ctx, const void *a, const void *b)
{
	size_t *compared = (size_t *)(uintptr_t)ctx;

	++*compared;
	return ((const struct item *)a)->key > ((const struct item *)b)->key;
}

static void check(struct item *items, size_t n)
{
	struct item room[MOST];
	uint64_t sum = 0, sum_after = 0;
	size_t compared = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)items[i].key * items[i].key;
	sort_stable(items, room, n, sizeof *items, by_key, &compared);
	for (size_t i = 0; i < n; i++) {
		sum_after += (uint64_t)items[i].key * items[i].key;
		cr_assert(!i || items[i - 1].key < items[i].key ||
		                  (items[i - 1].key == items[i].key &&
		                   items[i - 1].place < items[i].place),
		          "item %zu of %zu", i, n);
	}
	cr_assert_eq(sum, sum_after);
}

Test(sort, keeps_equal_items_in_order_whatever_their_number)
{
	struct rng rng = { 1 };
	struct item items[MOST];

	for (size_t n = 0; n <= MOST; n++)
		for (uint32_t keys = 1; keys < 1000; keys = keys * 3 + 1) {
			for (size_t i = 0; i < n; i++)
				items[i] = (struct item){ (uint32_t)rng_below(&rng, keys),
					                  (uint32_t)i };
			check(items, n);
		}
}

Test(sort, what_is_in_order_is_compared_once)
{
	struct item items[MOST], room[MOST];
	size_t compared = 0;

	for (uint32_t i = 0; i < MOST; i++)
		items[i] = (struct item){ i / 2, i };
	sort_stable(items, room, MOST, sizeof *items, by_key, &compared);
	cr_assert_eq(compared, MOST - 1);
}
