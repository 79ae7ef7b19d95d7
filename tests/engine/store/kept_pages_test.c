/* Pages kept between reads: under their whole name, within the budget, for as long as they are held. */
#include "engine/store/kept_pages.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include "tests/support/memory.h"

#define BUDGET ((size_t)256 << 10)
#define PAGE ((size_t)10 << 10)

static struct page_name name_of(uint64_t off, uint64_t hash)
{
	return (struct page_name){ .object = { 7 }, .off = off, .hash = hash };
}

static void put(struct kept_pages *kept, uint64_t off)
{
	uint8_t bytes[PAGE];
	struct page_name name = name_of(off, off * 3);

	memset(bytes, (int)off, sizeof bytes);
	kept_pages_put(kept, &name, span_of(bytes, sizeof bytes));
}

/* Whether it is there, and as it was put. */
static bool look(struct kept_pages *kept, uint64_t off)
{
	struct page_name name = name_of(off, off * 3);
	struct kept_page *page = kept_pages_get(kept, &name);

	if (!page)
		return false;
	cr_assert_eq(kept_page_bytes(page).len, PAGE);
	cr_assert_eq(kept_page_bytes(page).at[0], (uint8_t)off);
	cr_assert_eq(kept_page_bytes(page).at[PAGE - 1], (uint8_t)off);
	kept_page_drop(page);
	return true;
}

Test(kept_pages, are_known_by_file_place_and_hash)
{
	struct page_name other = name_of(5, 15), elsewhere = name_of(6, 15),
			 damaged = name_of(5, 14);
	struct memory mem;
	struct kept_pages *kept;

	memory_init(&mem);
	kept = kept_pages_new(BUDGET, &mem.alloc);
	cr_assert_not(look(kept, 5));
	put(kept, 5);
	put(kept, 5);
	cr_assert(look(kept, 5));
	other.object[15] = 1;
	cr_assert_null(kept_pages_get(kept, &other));
	cr_assert_null(kept_pages_get(kept, &elsewhere));
	cr_assert_null(kept_pages_get(kept, &damaged));
	kept_pages_free(kept);
	memory_check(&mem);
}

Test(kept_pages, stay_while_they_are_used_and_within_the_budget)
{
	struct memory mem;
	struct kept_pages *kept;
	size_t n = 0;

	memory_init(&mem);
	kept = kept_pages_new(BUDGET, &mem.alloc);
	for (uint64_t off = 1; off < 200; off++) {
		put(kept, off);
		cr_assert(look(kept, 1), "what is used all the time stays");
		cr_assert(look(kept, off));
	}
	for (uint64_t off = 1; off < 200; off++)
		n += look(kept, off);
	cr_assert(n >= 20 && n <= BUDGET / PAGE, "%zu", n);
	cr_assert_leq(mem.live_len, BUDGET);
	cr_assert_leq(mem.peak_len, BUDGET + PAGE + 200, "one on its way in");
	kept_pages_free(kept);
	memory_check(&mem);
}

Test(kept_pages, live_on_while_they_are_held)
{
	struct page_name name = name_of(1, 3);
	struct memory mem;
	struct kept_pages *kept;
	struct kept_page *page;

	memory_init(&mem);
	kept = kept_pages_new(BUDGET, &mem.alloc);
	put(kept, 1);
	page = kept_pages_get(kept, &name);
	for (uint64_t off = 2; off < 100; off++)
		put(kept, off);
	cr_assert_not(look(kept, 1));
	kept_pages_free(kept);
	cr_assert_eq(kept_page_bytes(page).at[PAGE - 1], 1);
	kept_page_drop(page);
	kept_page_drop(NULL);
	memory_check(&mem);
}

Test(kept_pages, do_without_memory_and_without_room)
{
	static uint8_t large[BUDGET / 8];
	struct page_name name = name_of(1, 1);
	struct memory mem;
	struct kept_pages *kept;

	memory_init(&mem);
	cr_assert_null(kept_pages_new(10, &mem.alloc));
	mem.fail_at = 1;
	cr_assert_null(kept_pages_new(BUDGET, &mem.alloc));
	mem.fail_at = 0;
	kept = kept_pages_new(BUDGET, &mem.alloc);
	kept_pages_put(kept, &name, span_of(large, sizeof large));
	cr_assert_null(kept_pages_get(kept, &name));
	mem.fail_at = mem.n_requests + 1;
	put(kept, 1);
	cr_assert_not(look(kept, 1));
	kept_pages_free(kept);
	memory_check(&mem);
}

static void *use(void *ctx)
{
	struct kept_pages *kept = ctx;

	for (uint64_t i = 0; i < 3000; i++) {
		put(kept, 1 + i * 7 % 60);
		look(kept, 1 + i * 11 % 60);
	}
	return NULL;
}

Test(kept_pages, serve_several_threads)
{
	struct kept_pages *kept = kept_pages_new(BUDGET, teg_allocator_default());
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, use, kept), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	kept_pages_free(kept);
}
