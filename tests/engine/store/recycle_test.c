/* Memory that a store keeps between reads: bounded, given back, and outliving the store. */
#include "engine/store/recycle.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"
#include <criterion/criterion.h>

struct bench {
	struct memory mem;
	struct recycler *recycler;
	const teg_allocator *alloc;
};

static void start(struct bench *b)
{
	memory_init(&b->mem);
	b->recycler = recycler_new(&b->mem.alloc);
	cr_assert_not_null(b->recycler);
	b->alloc = recycler_allocator(b->recycler);
}

static void stop(struct bench *b)
{
	recycler_close(b->recycler);
	memory_check(&b->mem);
}

static void *take(struct bench *b, size_t size)
{
	void *at = mem_alloc(b->alloc, size);

	cr_assert_not_null(at);
	memset(at, 0x11, size);
	return at;
}

Test(recycle, hands_out_again_what_came_back)
{
	struct bench b;
	void *first;
	size_t requests;

	start(&b);
	first = take(&b, 100000);
	mem_free(b.alloc, first, 100000);
	cr_assert_geq(recycler_idle(b.recycler), 100000);
	requests = b.mem.n_requests;
	for (size_t size = 60000; size <= 100000; size += 10000) {
		void *again = take(&b, size);

		cr_assert_eq(again, first, "%zu bytes", size);
		cr_assert_eq(recycler_idle(b.recycler), 0);
		mem_free(b.alloc, again, size);
	}
	cr_assert_eq(b.mem.n_requests, requests, "the allocator was asked again");
	stop(&b);
}

Test(recycle, does_not_waste_a_large_block_on_a_small_request)
{
	struct bench b;
	void *large, *small;

	start(&b);
	large = take(&b, 1 << 20);
	mem_free(b.alloc, large, 1 << 20);
	small = take(&b, 100 << 10);
	cr_assert_neq(small, large);
	mem_free(b.alloc, small, 100 << 10);
	small = take(&b, 100);
	mem_free(b.alloc, small, 100);
	cr_assert_geq(recycler_idle(b.recycler), (1 << 20) + (100 << 10), "both lie idle");
	stop(&b);
}

Test(recycle, keeps_no_more_than_it_may)
{
	void *at[48];
	struct bench b;

	start(&b);
	for (size_t i = 0; i < 48; i++)
		at[i] = take(&b, 1 << 20);
	for (size_t i = 0; i < 48; i++) {
		mem_free(b.alloc, at[i], 1 << 20);
		cr_assert_leq(recycler_idle(b.recycler), RECYCLE_KEEP);
	}
	cr_assert_gt(recycler_idle(b.recycler), RECYCLE_KEEP - (2 << 20));
	at[0] = take(&b, 5 << 20);
	cr_assert_leq(recycler_idle(b.recycler), RECYCLE_FLOOR, "a miss sheds old blocks");
	cr_assert_leq(b.mem.n_live, 2 + RECYCLE_FLOOR / (1 << 20));
	mem_free(b.alloc, at[0], 5 << 20);
	at[0] = take(&b, 200 << 20);
	mem_free(b.alloc, at[0], 200 << 20);
	cr_assert_leq(recycler_idle(b.recycler), RECYCLE_KEEP, "too large to be kept");
	stop(&b);
}

Test(recycle, blocks_outlive_it)
{
	struct bench b;
	void *at[3];

	start(&b);
	at[0] = take(&b, 10);
	at[1] = take(&b, 50000);
	at[2] = take(&b, 1 << 20);
	mem_free(b.alloc, take(&b, 9000), 9000);
	recycler_close(b.recycler);
	cr_assert_eq(b.mem.n_live, 4, "the three blocks and the recycler");
	mem_free(b.alloc, at[1], 50000);
	cr_assert_eq(b.mem.n_live, 3, "nothing is kept any more");
	mem_free(b.alloc, at[0], 10);
	mem_free(b.alloc, at[2], 1 << 20);
	memory_check(&b.mem);
}

/* Bytes that tell block and place apart. */
static void check_bytes(const uint8_t *at, size_t size, uint8_t tag)
{
	for (size_t i = 0; i < size; i += 97)
		cr_assert_eq(at[i], (uint8_t)(tag + i), "block %u at %zu", tag, i);
}

static void write_bytes(uint8_t *at, size_t size, uint8_t tag)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(tag + i);
}

/* Random blocks that grow, shrink and go, aligned ones among them. */
Test(recycle, keeps_blocks_apart)
{
	struct rng rng = { 7 };
	size_t size[16] = { 0 };
	uint8_t *at[16] = { 0 };
	struct bench b;

	start(&b);
	for (int step = 0; step < 3000; step++) {
		size_t i = rng_below(&rng, 16);
		size_t next = rng_below(&rng, step % 3 ? 40000 : 3000) + 1;

		if (at[i])
			check_bytes(at[i], size[i], (uint8_t)i);
		if (at[i] && rng_below(&rng, 3) == 0) {
			mem_free(b.alloc, at[i], size[i]);
			at[i] = NULL;
			size[i] = 0;
			continue;
		}
		at[i] = mem_realloc(b.alloc, at[i], size[i], next);
		cr_assert_eq((uintptr_t)at[i] % 16, 0);
		check_bytes(at[i], at[i] && size[i] < next ? size[i] : 0, (uint8_t)i);
		size[i] = next;
		write_bytes(at[i], next, (uint8_t)i);
	}
	for (size_t i = 0; i < 16; i++)
		mem_free(b.alloc, at[i], size[i]);
	stop(&b);
}

Test(recycle, reports_that_memory_is_short)
{
	struct bench b;
	void *at;

	start(&b);
	at = take(&b, 20000);
	b.mem.fail_at = b.mem.n_requests + 1;
	cr_assert_null(mem_alloc(b.alloc, 20000));
	cr_assert_null(mem_alloc(b.alloc, SIZE_MAX - 64));
	cr_assert_null(mem_realloc(b.alloc, at, 20000, 90000));
	memset(at, 1, 20000);
	mem_free(b.alloc, at, 20000);
	cr_assert_not_null(at = mem_alloc(b.alloc, 20000), "what lies idle needs nobody");
	mem_free(b.alloc, at, 20000);
	stop(&b);
}
