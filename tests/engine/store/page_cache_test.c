/* Pages kept under their whole reference, bounded, never a wrong one. */
#include "engine/store/page_cache.h"
#include "engine/store/version.h"
#include "tests/engine/store/fixture.h"

static struct page_ref ref_of(uint64_t hash, uint64_t off, uint32_t len)
{
	return (struct page_ref){ .manifest = 3, .off = off, .len = len, .hash = hash };
}

Test(page_cache, gives_back_what_was_kept_under_that_reference_only)
{
	struct memory mem;
	struct page_cache *cache;
	struct page_ref a = ref_of(5, 40, 6), b = ref_of(5 + PAGES_KEPT, 40, 6);
	struct page_ref other = ref_of(5, 41, 6), shorter = ref_of(5, 40, 5);
	struct buf into;

	memory_init(&mem);
	cache = page_cache_new(&mem.alloc);
	buf_init(&into, &mem.alloc, PAGE_LEN_LIMIT);
	cr_assert_not(page_cache_get(cache, &a, &into));
	page_cache_put(cache, &a, span_of("kept a", 6));
	cr_assert(page_cache_get(cache, &a, &into));
	cr_assert(span_equal(buf_span(&into), span_of("kept a", 6)));
	/* The same hash elsewhere, or of another length, is another page. */
	cr_assert_not(page_cache_get(cache, &other, &into));
	cr_assert_not(page_cache_get(cache, &shorter, &into));
	cr_assert_not(page_cache_get(cache, &b, &into));
	page_cache_put(cache, &b, span_of("kept b", 6));
	cr_assert(page_cache_get(cache, &b, &into));
	cr_assert_not(page_cache_get(cache, &a, &into));
	buf_release(&into);
	page_cache_free(cache);
	memory_check(&mem);
}

Test(page_cache, holds_no_more_than_its_bound_and_no_long_page)
{
	static uint8_t bytes[PAGE_LEN_MAX + 1];
	struct page_ref long_one = ref_of(1, 0, sizeof bytes);
	struct memory mem;
	struct page_cache *cache;
	struct buf into;

	memory_init(&mem);
	cache = page_cache_new(&mem.alloc);
	buf_init(&into, &mem.alloc, PAGE_LEN_LIMIT);
	page_cache_put(cache, &long_one, span_of(bytes, sizeof bytes));
	cr_assert_not(page_cache_get(cache, &long_one, &into));
	for (uint64_t i = 0; i < 4 * PAGES_KEPT; i++) {
		struct page_ref ref = ref_of(i * 7, i, PAGE_LEN_MAX);

		page_cache_put(cache, &ref, span_of(bytes, PAGE_LEN_MAX));
	}
	cr_assert_leq(mem.live_len, PAGES_KEPT * (PAGE_LEN_MAX + 64) + (64u << 10));
	buf_release(&into);
	page_cache_free(cache);
	memory_check(&mem);
}

static void count_reads(teg_store *store, struct os *os, uint64_t *reads, uint64_t *opens)
{
	teg_commit_result result;

	*reads = os->n_reads;
	*opens = os->n_opens;
	cr_assert_eq(fixture_put(store, "a", 9, 0, &result, NULL), TEG_OK);
	*reads = os->n_reads - *reads;
	*opens = os->n_opens - *opens;
}

/* A commit reads no page that this handle has read or written before, and of the rest of the store
 * nothing at all but names. */
Test(page_cache, a_commit_after_another_reads_nothing)
{
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_commit_result result;
	uint64_t reads, opens;

	memory_init(&mem);
	os = os_memory_new(&mem.alloc, 1);
	cr_assert_eq(fixture_open(os, &mem.alloc, TEG_CREATE_NEW, &store, NULL), TEG_OK);
	cr_assert_eq(fixture_create(store, "a", &result, NULL), TEG_OK);
	count_reads(store, os, &reads, &opens);
	count_reads(store, os, &reads, &opens);
	cr_assert_eq(reads, 0);
	cr_assert_leq(opens, 2); /* the temporary, and the hint */
	teg_store_close(store);
	os_free(os);
	memory_check(&mem);
}
