/* Text out of dictionaries of every mix of lengths, against one value after another. */
#include "codec/column/spell.h"
#include <criterion/criterion.h>
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define CODES 1024

static const struct {
	uint32_t shortest, longest;
	size_t n;
} dictionaries[] = { { 0, 0, 1 },      { 1, 1, 9 },    { 3, 3, 100 }, { 4, 4, 5 },
	             { 5, 5, 50 },     { 8, 8, 8 },    { 9, 9, 700 }, { 16, 16, 3 },
	             { 17, 17, 30 },   { 32, 32, 64 }, { 0, 6, 40 },  { 2, 12, 900 },
	             { 0, 16, 60000 }, { 7, 30, 77 },  { 33, 33, 4 }, { 0, 200, 9 } };

static void make(struct column_buf *b, size_t which, const teg_allocator *alloc, struct rng *rng)
{
	uint32_t shortest = dictionaries[which].shortest;
	uint32_t range = dictionaries[which].longest - shortest + 1;
	uint8_t bytes[200];

	column_buf_init(b, COLUMN_BYTES, 0, alloc);
	for (size_t i = 0; i < dictionaries[which].n; i++) {
		rng_fill(rng, bytes, sizeof bytes);
		cr_assert_eq(column_buf_append_value(b,
		                                     span_of(bytes,
		                                             shortest + rng_below(rng, range)),
		                                     1),
		             TEG_OK);
	}
}

static void check(const struct column_buf *out, size_t first, const struct column_buf *values,
                  const uint16_t *codes, size_t n, const uint8_t *valid, size_t bit)
{
	struct column got = column_buf_view(out), from = column_buf_view(values);

	for (size_t i = 0; i < n; i++) {
		struct span want = column_value(&from, codes[i]);

		if (valid && !bitmap_get(valid, bit + i))
			want.len = 0;
		cr_assert(span_equal(column_value(&got, first + i), want), "value %zu", i);
	}
}

Test(spell, agrees_with_one_value_after_another)
{
	uint8_t valid[CODES / 8 + 16];
	uint16_t codes[CODES];
	struct rng rng = { 9 };
	struct memory mem;

	memory_init(&mem);
	for (size_t k = 0; k < sizeof dictionaries / sizeof *dictionaries; k++) {
		struct column_buf values, out;

		make(&values, k, &mem.alloc, &rng);
		column_buf_init(&out, COLUMN_BYTES, 0, &mem.alloc);
		for (int round = 0; round < 30; round++) {
			size_t n = round % 4 ? rng_below(&rng, CODES + 1) : rng_below(&rng, 3);
			size_t bit = rng_below(&rng, 17), first = out.n;
			struct spelling s = spelling_of(&values, n);
			const uint8_t *bits = round % 3 ? valid : NULL;

			cr_assert_leq(s.shortest, dictionaries[k].longest);
			cr_assert_geq(s.longest, dictionaries[k].shortest);
			rng_fill(&rng, valid, sizeof valid);
			for (size_t i = 0; i < n; i++)
				codes[i] = (uint16_t)rng_below(&rng, values.n);
			cr_assert_eq(spell(&s, &values, codes, n, bits, bit, &out), TEG_OK);
			cr_assert_eq(out.n, first + n);
			check(&out, first, &values, codes, n, bits, bit);
		}
		column_buf_release(&values);
		column_buf_release(&out);
	}
	memory_check(&mem);
}

Test(spell, reports_that_memory_is_short)
{
	struct column_buf values, out;
	uint16_t codes[CODES] = { 0 };
	struct rng rng = { 1 };
	struct memory mem;
	struct spelling s;

	memory_init(&mem);
	make(&values, 14, &mem.alloc, &rng);
	column_buf_init(&out, COLUMN_BYTES, 0, &mem.alloc);
	s = spelling_of(&values, CODES);
	mem.fail_at = mem.n_requests + 1;
	cr_assert_eq(spell(&s, &values, codes, CODES, NULL, 0, &out), TEG_NOMEM);
	cr_assert_eq(out.n, 0);
	column_buf_release(&values);
	column_buf_release(&out);
	memory_check(&mem);
}
