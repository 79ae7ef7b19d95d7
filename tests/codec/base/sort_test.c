#include <criterion/criterion.h>
#include "codec/base/sort.h"
#include "tests/support/memory.h"
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

Test(sort, what_is_in_reverse_is_turned_round_without_room)
{
	for (uint32_t n = 2; n < 9; n++) {
		struct item items[8];
		size_t compared = 0;

		for (uint32_t i = 0; i < n; i++)
			items[i] = (struct item){ n - i, i };
		cr_assert(sort_easily(items, n, sizeof *items, by_key, &compared));
		for (uint32_t i = 0; i < n; i++)
			cr_assert(items[i].key == i + 1 && items[i].place == n - 1 - i);
	}
}

Test(sort, an_array_is_sorted_in_memory_of_the_hook_or_left_as_it_was) /* S10 */
{
	struct memory mem;
	int64_t numbers[] = { 3, INT64_MIN, 7, -1, INT64_MAX, 3 };
	const int64_t as_it_was[] = { 3, INT64_MIN, 7, -1, INT64_MAX, 3 };
	const int64_t sorted[] = { INT64_MIN, -1, 3, 3, 7, INT64_MAX };

	memory_init(&mem);
	mem.fail_at = 1;
	cr_assert_not(sort_array(&mem.alloc, numbers, 6, 8, sort_i64_swapped, NULL));
	cr_assert_arr_eq(numbers, as_it_was, sizeof numbers);
	mem.fail_at = 0;
	cr_assert(sort_array(&mem.alloc, numbers, 6, 8, sort_i64_swapped, NULL));
	cr_assert_arr_eq(numbers, sorted, sizeof numbers);
	mem.fail_at = mem.n_requests + 1;
	cr_assert(sort_array(&mem.alloc, numbers, 6, 8, sort_i64_swapped, NULL),
	          "in order already");
	cr_assert(sort_array(&mem.alloc, NULL, 0, 8, sort_i64_swapped, NULL));
	memory_check(&mem);
}
