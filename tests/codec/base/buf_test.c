#include "codec/base/buf.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"
#include <criterion/criterion.h>

Test(buf, appends_little_endian)
{
	static const uint8_t want[] = { 1,  2,  3,  4,  5,  6,  7,   8,   9,
		                        10, 11, 12, 13, 14, 15, 'x', 'y', 0 };
	struct memory mem;
	struct buf b;

	memory_init(&mem);
	buf_init(&b, &mem.alloc, BUF_NO_LIMIT);
	buf_u8(&b, 0x01);
	buf_u16(&b, 0x0302);
	buf_u32(&b, 0x07060504);
	buf_u64(&b, 0x0f0e0d0c0b0a0908);
	buf_append_span(&b, span_of_text("xy"));
	buf_zeros(&b, 1);
	cr_assert_eq(buf_status(&b), TEG_OK);
	cr_assert(span_equal(buf_span(&b), span_of(want, sizeof want)));
	buf_release(&b);
	memory_check(&mem);
}

Test(buf, nothing_appended_is_nothing_allocated)
{
	struct memory mem;
	struct buf b;

	memory_init(&mem);
	buf_init(&b, &mem.alloc, 10);
	buf_append(&b, NULL, 0);
	buf_append_span(&b, span_of(NULL, 0));
	buf_zeros(&b, 0);
	cr_assert_eq(b.len, 0);
	cr_assert_eq(mem.n_requests, 0);
	cr_assert_eq(buf_status(&b), TEG_OK);
	buf_release(&b);
}

Test(buf, grows_in_few_steps_and_keeps_its_bytes)
{
	struct memory mem;
	struct rng rng = { 1 };
	struct buf b;

	memory_init(&mem);
	buf_init(&b, &mem.alloc, BUF_NO_LIMIT);
	for (size_t i = 0; i < 100000; i++)
		buf_u8(&b, (uint8_t)rng_u64(&rng));
	cr_assert_eq(b.len, 100000);
	cr_assert_lt(mem.n_requests, 30, "%zu requests", mem.n_requests);
	rng.state = 1;
	for (size_t i = 0; i < b.len; i++)
		cr_assert_eq(b.at[i], (uint8_t)rng_u64(&rng), "byte %zu", i);
	buf_release(&b);
	memory_check(&mem);
}

Test(buf, the_ceiling_is_exact)
{
	for (size_t max = 0; max < 200; max++) {
		struct memory mem;
		struct buf b;

		memory_init(&mem);
		buf_init(&b, &mem.alloc, max);
		for (size_t i = 0; i < max; i++)
			buf_u8(&b, 1);
		cr_assert_eq(buf_status(&b), TEG_OK, "max %zu", max);
		cr_assert_leq(mem.peak_len, 2 * max);
		buf_u8(&b, 1);
		cr_assert_eq(buf_status(&b), TEG_LIMIT, "max %zu", max);
		cr_assert_eq(b.len, max);
		buf_release(&b);
		memory_check(&mem);
	}
}

Test(buf, failure_sticks_until_cleared)
{
	struct memory mem;
	struct buf b;

	memory_init(&mem);
	buf_init(&b, &mem.alloc, 4);
	buf_u16(&b, 7);
	buf_u32(&b, 7);
	cr_assert_eq(buf_status(&b), TEG_LIMIT);
	buf_u8(&b, 9); /* would fit, but the bytes before it are missing */
	buf_zeros(&b, 1);
	cr_assert_null(buf_extend(&b, 1));
	cr_assert_null(buf_extend(&b, 0));
	cr_assert(!buf_reserve(&b, 0));
	cr_assert_eq(b.len, 2);
	buf_clear(&b);
	buf_u32(&b, 7);
	cr_assert_eq(buf_status(&b), TEG_OK);
	cr_assert_eq(b.len, 4);
	buf_release(&b);
	memory_check(&mem);
}

Test(buf, a_size_that_overflows_is_a_limit)
{
	struct memory mem;
	struct buf b;

	memory_init(&mem);
	buf_init(&b, &mem.alloc, SIZE_MAX);
	buf_u8(&b, 1);
	cr_assert(!buf_reserve(&b, SIZE_MAX));
	cr_assert_eq(buf_status(&b), TEG_LIMIT);
	buf_release(&b);
	memory_check(&mem);
}

static teg_status fill(const teg_allocator *alloc, void *ctx)
{
	struct buf b;
	teg_status status;

	(void)ctx;
	buf_init(&b, alloc, BUF_NO_LIMIT);
	for (size_t i = 0; i < 1000; i++)
		buf_u64(&b, i);
	status = buf_status(&b);
	buf_release(&b);
	return status;
}

Test(buf, every_refused_request_is_nomem)
{
	cr_assert_gt(memory_fail_each(fill, NULL), 5);
}

Test(buf, may_be_used_again_after_release)
{
	struct memory mem;
	struct buf b;

	memory_init(&mem);
	buf_init(&b, &mem.alloc, 100);
	buf_zeros(&b, 100);
	buf_release(&b);
	cr_assert(b.len == 0 && b.cap == 0 && b.max == 100);
	buf_zeros(&b, 100);
	cr_assert_eq(buf_status(&b), TEG_OK);
	buf_release(&b);
	memory_check(&mem);
}
