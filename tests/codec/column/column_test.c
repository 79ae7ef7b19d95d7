#include "codec/column/column.h"
#include <criterion/criterion.h>
#include "tests/support/columns.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"

static struct memory mem;

static void set_up(void)
{
	memory_init(&mem);
}

static void tear_down(void)
{
	memory_check(&mem);
}

TestSuite(column, .init = set_up, .fini = tear_down);

static void check_text(const struct column_buf *b, size_t i, const char *text)
{
	struct column c = column_buf_view(b);

	if (text)
		cr_assert(column_valid(&c, i) &&
		                  span_equal(column_value(&c, i), span_of_text(text)),
		          "%zu is not %s", i, text);
	else
		cr_assert_not(column_valid(&c, i), "%zu is not null", i);
}

Test(column, of_strings_takes_every_kind_of_append) /* V2 X1: null and "" differ */
{
	static const int32_t offsets[] = { 1, 4, 4, 6 };
	uint8_t validity = 0x05;
	struct column c = {
		COLUMN_BYTES, 0, 3, &validity, (const uint8_t *)".JFKLG", offsets, NULL
	};
	uint32_t at[] = { 2, 0, 0, 1 };
	struct column_buf b;

	column_buf_init(&b, COLUMN_BYTES, 0, &mem.alloc);
	cr_assert_eq(column_buf_append_value(&b, span_of_text(""), 1), TEG_OK);
	cr_assert_eq(column_buf_append(&b, &c, 0, 3), TEG_OK);
	cr_assert_eq(column_buf_append_nulls(&b, 1), TEG_OK);
	cr_assert_eq(column_buf_append_value(&b, span_of_text("xy"), 2), TEG_OK);
	cr_assert_eq(column_buf_gather(&b, &c, at, 4), TEG_OK);
	cr_assert_eq(column_buf_append(&b, &c, 2, 1), TEG_OK);
	cr_assert_eq(b.n, 12);
	cr_assert_eq(b.n_nulls, 3);
	static const char *const want[] = { "",   "JFK", NULL,  "LG",  NULL, "xy",
		                            "xy", "LG",  "JFK", "JFK", NULL, "LG" };
	for (size_t i = 0; i < 12; i++)
		check_text(&b, i, want[i]);
	column_buf_release(&b);
}

Test(column, of_any_width_gathers_what_is_asked_for) /* H3 */
{
	static const uint32_t widths[] = { 1, 2, 3, 4, 8, 16, 24 };
	struct rng rng = { 97 };

	for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
		uint8_t values[100 * 24 + 1], bits[13];
		struct column c = { COLUMN_FIXED,   widths[w], 100, w % 2 ? bits : NULL,
			            values + w % 2, NULL,      NULL }; /* odd addresses too */
		uint32_t at[300];
		struct column_buf b;

		rng_fill(&rng, values, sizeof values);
		rng_fill(&rng, bits, sizeof bits);
		for (size_t i = 0; i < 300; i++)
			at[i] = (uint32_t)rng_below(&rng, 100);
		column_buf_init(&b, COLUMN_FIXED, widths[w], &mem.alloc);
		for (size_t i = 0; i < 300; i += 60)
			cr_assert_eq(column_buf_gather(&b, &c, at + i, 60), TEG_OK);
		for (size_t i = 0; i < 300; i++) {
			struct column got = column_buf_view(&b);

			cr_assert_eq(column_valid(&got, i), column_valid(&c, at[i]));
			cr_assert(span_equal(column_value(&got, i), column_value(&c, at[i])));
		}
		column_buf_release(&b);
	}
}

Test(column, keeps_its_memory_when_cleared)
{
	struct column_buf b;
	size_t requests, size;

	column_buf_init(&b, COLUMN_FIXED, 8, &mem.alloc);
	cr_assert_eq(column_buf_append_nulls(&b, 5000), TEG_OK);
	size = column_buf_size(&b);
	requests = mem.n_requests;
	column_buf_clear(&b);
	cr_assert_eq(column_buf_view(&b).validity, NULL);
	cr_assert_eq(column_buf_append_nulls(&b, 5000), TEG_OK);
	cr_assert_eq(mem.n_requests, requests);
	cr_assert_eq(column_buf_size(&b), size);
	cr_assert_geq(size, 5000 * 8 + 625);
	cr_assert_eq((uintptr_t)b.values % MEM_ALIGN, 0);
	column_buf_release(&b);
}

Test(column, marks_what_a_decoder_says) /* X1 */
{
	static const uint8_t bits[] = { 0xaa, 0xff, 0x00 };
	struct column_buf b;
	uint64_t *at;

	column_buf_init(&b, COLUMN_FIXED, 8, &mem.alloc);
	at = column_buf_extend(&b, 20);
	cr_assert_not_null(at);
	memset(at, 0, 160);
	cr_assert_eq(column_buf_set_validity(&b, 3, 8, bits + 1, 0), TEG_OK);
	cr_assert_eq(b.n_nulls, 0);
	cr_assert_eq(b.validity, NULL, "nothing but valid values needs no bitmap");
	cr_assert_eq(column_buf_set_validity(&b, 3, 12, bits, 1), TEG_OK);
	cr_assert_eq(b.n_nulls, 3);
	for (size_t i = 0; i < 20; i++)
		cr_assert_eq(bitmap_get(b.validity, i), i < 3 || i >= 10 || i % 2, "%zu", i);
	cr_assert_eq(column_buf_set_validity(&b, 0, 20, bits, 0), TEG_OK);
	cr_assert_eq(b.n_nulls, 8);
	cr_assert_eq(column_n_nulls(&(struct column){ COLUMN_FIXED, 8, 20, b.validity, b.values,
	                                              NULL, NULL }),
	             8);
	column_buf_release(&b);
}

Test(column, has_lengths_without_validity)
{
	static const int32_t offsets[] = { 3, 4, 9 };
	struct column text = { COLUMN_BYTES, 0, 2, NULL, NULL, offsets, NULL };
	struct column wide = { COLUMN_FIXED, 16, 5, NULL, NULL, NULL, NULL };
	struct column_buf b;
	struct column none;

	cr_assert_eq(column_len(&text), 6);
	cr_assert_eq(column_len(&wide), 80);
	column_buf_init(&b, COLUMN_BYTES, 0, &mem.alloc);
	none = column_buf_view(&b);
	cr_assert_eq(column_len(&none), 0);
	cr_assert_eq(none.offsets[0], 0, "the view of nothing has its one offset");
}

Test(column, refuses_more_bytes_than_offsets_can_say) /* X18 */
{
	struct column_buf b;

	column_buf_init(&b, COLUMN_BYTES, 0, &mem.alloc);
	cr_assert_eq(column_buf_append_value(&b, span_of_text("ab"), 1), TEG_OK);
	cr_assert_eq(column_buf_reserve(&b, 1, COLUMN_BYTES_MAX), TEG_LIMIT);
	cr_assert_eq(column_buf_reserve(&b, 1, SIZE_MAX), TEG_LIMIT);
	cr_assert_eq(column_buf_append_value(&b, span_of_text("abcd"), SIZE_MAX / 2), TEG_LIMIT);
	cr_assert_eq(column_buf_reserve(&b, SIZE_MAX, 0), TEG_NOMEM);
	cr_assert_eq(b.n, 1);
	check_text(&b, 0, "ab");
	column_buf_release(&b);
}

Test(column, takes_no_more_than_it_needs_for_wide_values) /* X18 */
{
	struct column_buf b;

	column_buf_init(&b, COLUMN_FIXED, 1 << 20, &mem.alloc);
	cr_assert_eq(column_buf_append_nulls(&b, 1), TEG_OK);
	cr_assert_lt(mem.peak_len, 2u << 20);
	column_buf_release(&b);
}

/* Every call in a row; what a failed one leaves behind must be what was there before it. */
static teg_status append_much(const teg_allocator *alloc, void *ctx)
{
	static const int32_t offsets[] = { 0, 3, 5 };
	uint8_t validity = 0x02;
	struct column c = {
		COLUMN_BYTES, 0, 2, &validity, (const uint8_t *)"JFKLG", offsets, NULL
	};
	uint32_t at[200] = { 1 };
	struct column_buf b;
	teg_status status;

	(void)ctx;
	column_buf_init(&b, COLUMN_BYTES, 0, alloc);
	TEG_DO(column_buf_append_value(&b, span_of_text("abc"), 70));
	TEG_DO(column_buf_append(&b, &c, 0, 2));
	TEG_DO(column_buf_gather(&b, &c, at, 200));
	TEG_DO(column_buf_append_nulls(&b, 500));
done:
	cr_assert(b.n == 0 || b.n == 70 || b.n == 72 || b.n == 272 || b.n == 772, "%zu", b.n);
	cr_assert(b.n < 70 || b.offsets[70] == 210);
	column_buf_release(&b);
	return status;
}

Test(column, survives_memory_that_runs_out)
{
	cr_assert_gt(memory_fail_each(append_much, NULL), 4);
}

/* ---- borrowed values ---- */

static void count_back(void *owner)
{
	++*(int *)owner;
}

/* 32 words that nobody may write to. */
static const uint64_t lent[32] __attribute__((aligned(MEM_ALIGN))) = { 5, 6, 7 };

static struct column_buf borrow(int *back)
{
	struct column_buf b;

	column_buf_init(&b, COLUMN_FIXED, 8, &mem.alloc);
	cr_assert_not_null(column_buf_extend(&b, 100)); /* its own memory goes */
	column_buf_clear(&b);
	column_buf_borrow(&b, lent, 32, (struct column_lender){ back, count_back });
	cr_assert_eq(b.values, (const uint8_t *)lent);
	cr_assert_eq(b.n, 32);
	cr_assert_eq(column_buf_size(&b), 0);
	return b;
}

Test(column, gives_back_what_it_borrowed_when_cleared_or_released)
{
	int back = 0;
	struct column_buf b = borrow(&back);

	column_buf_clear(&b);
	cr_assert_eq(back, 1);
	cr_assert_eq(b.n, 0);
	cr_assert_not_null(column_buf_extend(&b, 3));
	column_buf_release(&b);
	b = borrow(&back);
	column_buf_release(&b);
	column_buf_release(&b);
	cr_assert_eq(back, 2);
}

Test(column, copies_what_it_borrowed_before_it_changes)
{
	uint8_t validity[] = { 0x0f, 0xff, 0xff, 0xff };
	int back = 0;
	struct column_buf b = borrow(&back);

	cr_assert_eq(column_buf_set_validity(&b, 0, 32, validity, 0), TEG_OK);
	cr_assert_eq(b.n_nulls, 4);
	cr_assert_eq(back, 0);
	column_buf_truncate(&b, 2);
	cr_assert_eq(column_buf_append_zeros(&b, 1), TEG_OK); /* where 7 is lent */
	cr_assert_eq(back, 1);
	cr_assert_eq(((const uint64_t *)(const void *)b.values)[1], 6);
	cr_assert_eq(((const uint64_t *)(const void *)b.values)[2], 0);
	column_buf_release(&b);
	b = borrow(&back);
	mem.fail_at = mem.n_requests + 1;
	cr_assert_eq(column_buf_append_zeros(&b, 1), TEG_NOMEM);
	mem.fail_at = 0;
	cr_assert_eq(b.values, (const uint8_t *)lent);
	cr_assert_eq(b.n, 32);
	cr_assert_eq(back, 1);
	column_buf_release(&b);
	cr_assert_eq(back, 2);
}
