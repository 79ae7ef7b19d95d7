#include "codec/base/arena.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>

Test(arena, hands_out_zeroed_aligned_memory)
{
	struct memory mem;
	struct arena a;
	uint8_t *last = NULL;

	memory_init(&mem);
	arena_init(&a, &mem.alloc, SIZE_MAX);
	for (size_t size = 0; size < 9000; size += 37) {
		uint8_t *at = arena_alloc(&a, size);

		cr_assert_not_null(at);
		cr_assert_neq(at, last, "two objects share an address");
		cr_assert_eq((uintptr_t)at % 16, 0);
		for (size_t i = 0; i < size; i++)
			cr_assert_eq(at[i], 0);
		memset(at, 0xff, size);
		last = at;
	}
	arena_release(&a);
	memory_check(&mem);
}

Test(arena, small_objects_share_a_block)
{
	struct memory mem;
	struct arena a;

	memory_init(&mem);
	arena_init(&a, &mem.alloc, SIZE_MAX);
	for (size_t i = 0; i < 1000; i++)
		cr_assert_not_null(arena_alloc(&a, 16));
	cr_assert_leq(mem.n_requests, 5);
	arena_release(&a);
	memory_check(&mem);
}

Test(arena, the_ceiling_counts_what_was_handed_out)
{
	struct memory mem;
	struct arena a;

	memory_init(&mem);
	arena_init(&a, &mem.alloc, 64);
	for (size_t i = 0; i < 4; i++)
		cr_assert_not_null(arena_alloc(&a, 1));
	cr_assert_null(arena_alloc(&a, 1));
	cr_assert_null(arena_alloc(&a, 0));
	cr_assert_eq(a.used, 64);
	arena_release(&a);
	cr_assert_not_null(arena_alloc(&a, 64), "an arena may be used again after its release");
	arena_release(&a);
	memory_check(&mem);
}

Test(arena, sizes_that_overflow_are_refused)
{
	struct memory mem;
	struct arena a;

	memory_init(&mem);
	arena_init(&a, &mem.alloc, SIZE_MAX);
	cr_assert_null(arena_alloc(&a, SIZE_MAX));
	cr_assert_null(arena_alloc(&a, SIZE_MAX - 15));
	cr_assert_null(arena_alloc(&a, SIZE_MAX - 31));
	cr_assert_null(arena_array(&a, SIZE_MAX / 8 + 1, 8));
	cr_assert_null(arena_array(&a, SIZE_MAX, SIZE_MAX));
	cr_assert_eq(mem.n_requests, 0);
	arena_release(&a);
}

Test(arena, copies_are_terminated)
{
	struct memory mem;
	struct arena a;
	struct span copy;

	memory_init(&mem);
	arena_init(&a, &mem.alloc, SIZE_MAX);
	cr_assert_str_eq(arena_text(&a, span_of("abcdef", 3)), "abc");
	cr_assert_str_eq(arena_text(&a, span_of(NULL, 0)), "");
	copy = arena_copy(&a, span_of("x\0y", 3));
	cr_assert(span_equal(copy, span_of("x\0y", 3)));
	arena_release(&a);
	memory_check(&mem);
}

Test(arena, a_copy_that_does_not_fit_is_null)
{
	struct memory mem;
	struct arena a;

	memory_init(&mem);
	arena_init(&a, &mem.alloc, 16);
	cr_assert_null(arena_copy(&a, span_of("0123456789abcdef", 16)).at);
	cr_assert_null(arena_text(&a, span_of("0123456789abcdef", 16)));
	cr_assert_not_null(arena_text(&a, span_of("0123456789abcde", 15)));
	arena_release(&a);
	memory_check(&mem);
}

static teg_status build(const teg_allocator *alloc, void *ctx)
{
	struct arena a;
	bool ok = true;

	(void)ctx;
	arena_init(&a, alloc, SIZE_MAX);
	for (size_t i = 0; ok && i < 20; i++)
		ok = arena_alloc(&a, i * 500) != NULL;
	arena_release(&a);
	return ok ? TEG_OK : TEG_NOMEM;
}

Test(arena, every_refused_request_is_null)
{
	cr_assert_gt(memory_fail_each(build, NULL), 5);
}
