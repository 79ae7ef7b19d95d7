#include "codec/base/alloc.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>
#include <string.h>

Test(alloc, the_default_is_the_c_library)
{
	const teg_allocator *alloc = teg_allocator_default();
	uint8_t *block = mem_alloc(alloc, 3);

	cr_assert_not_null(block);
	memcpy(block, "abc", 3);
	block = mem_realloc(alloc, block, 3, 3000);
	cr_assert_eq(memcmp(block, "abc", 3), 0);
	mem_free(alloc, block, 3000);
	mem_free(alloc, NULL, 3000);
	alloc->free(alloc->ctx, NULL, 0);
}

Test(alloc, size_zero_is_a_block_of_its_own)
{
	struct memory mem;
	void *a, *b;

	memory_init(&mem);
	a = mem_alloc(&mem.alloc, 0);
	b = mem_zalloc(&mem.alloc, 0);
	cr_assert(a && b && a != b);
	a = mem_realloc(&mem.alloc, a, 0, 0);
	cr_assert_not_null(a);
	mem_free(&mem.alloc, a, 0);
	mem_free(&mem.alloc, b, 0);
	memory_check(&mem);
}

Test(alloc, zalloc_zeroes)
{
	struct memory mem;
	uint8_t *block;

	memory_init(&mem);
	block = mem_zalloc(&mem.alloc, 100);
	for (size_t i = 0; i < 100; i++)
		cr_assert_eq(block[i], 0);
	mem_free(&mem.alloc, block, 100);
	memory_check(&mem);
}

Test(alloc, a_product_that_overflows_is_no_request)
{
	struct memory mem;

	memory_init(&mem);
	cr_assert_null(mem_array(&mem.alloc, SIZE_MAX / 2, 3));
	cr_assert_null(mem_array(&mem.alloc, SIZE_MAX, SIZE_MAX));
	cr_assert_null(mem_alloc_aligned(&mem.alloc, SIZE_MAX));
	cr_assert_eq(mem.n_requests, 0);
}

Test(alloc, aligned_blocks_come_and_go)
{
	struct memory mem;

	memory_init(&mem);
	for (size_t size = 0; size < 300; size++) {
		uint8_t *block = mem_alloc_aligned(&mem.alloc, size);

		cr_assert_eq((uintptr_t)block % MEM_ALIGN, 0);
		memset(block, 0xff, size);
		mem_free_aligned(&mem.alloc, block, size);
	}
	mem_free_aligned(&mem.alloc, NULL, 5);
	memory_check(&mem);
	mem.cap = 10;
	cr_assert_null(mem_alloc_aligned(&mem.alloc, 10));
}

Test(alloc, grow_keeps_what_is_there)
{
	struct memory mem;
	uint32_t *values = NULL;
	size_t cap = 0, moves = 0;

	memory_init(&mem);
	for (uint32_t i = 0; i < 10000; i++) {
		void *block = values;
		size_t before = cap;

		cr_assert(mem_grow(&mem.alloc, &block, &cap, i + 1, sizeof *values));
		values = block;
		moves += cap != before;
		values[i] = i;
	}
	for (uint32_t i = 0; i < 10000; i++)
		cr_assert_eq(values[i], i);
	cr_assert_lt(moves, 25, "%zu moves", moves);
	mem_free(&mem.alloc, values, cap * sizeof *values);
	memory_check(&mem);
}

Test(alloc, grow_that_fails_changes_nothing)
{
	struct memory mem;
	void *block = NULL;
	size_t cap = 0;
	void *before;

	memory_init(&mem);
	cr_assert(mem_grow(&mem.alloc, &block, &cap, 5, 8));
	before = block;
	mem.fail_at = mem.n_requests + 1;
	cr_assert(!mem_grow(&mem.alloc, &block, &cap, cap + 1, 8));
	cr_assert(!mem_grow(&mem.alloc, &block, &cap, SIZE_MAX / 4, 8));
	cr_assert(block == before && cap == 8);
	cr_assert(mem_grow(&mem.alloc, &block, &cap, 8, 8));
	mem_free(&mem.alloc, block, cap * 8);
	memory_check(&mem);
}
