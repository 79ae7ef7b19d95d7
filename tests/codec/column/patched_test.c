#include "codec/column/patched.h"
#include <criterion/criterion.h>
#include "codec/base/checked.h"
#include "tests/codec/column/scratch_fixture.h"
#include "tests/support/rng.h"

TestSuite(patched, .init = set_up, .fini = tear_down);

static void encode(const void *words, uint32_t width, size_t n, struct buf *out)
{
	struct patched_block splits[64];

	for (size_t b = 0; b * 1024 < n; b++) {
		const uint8_t *at = (const uint8_t *)words + b * 1024 * width;
		size_t m = size_min(1024, n - b * 1024);
		uint64_t min, max;

		words_bounds(at, width, m, false, &min, &max);
		splits[b] = patched_split(at, width, m, 1, min, max);
	}
	buf_init(out, teg_allocator_default(), BUF_NO_LIMIT);
	patched_encode(words, width, n, false, splits, scratch, out);
	cr_assert_eq(buf_status(out), TEG_OK);
}

static teg_status decode(struct span bytes, uint32_t width, size_t page_n, size_t from, size_t n,
                         void *out)
{
	struct reader in = reader_of(bytes);

	return patched_decode(&in, width, page_n, from, n, scratch, out);
}

static const uint8_t vector[] = { 0, 9, 1, 0, 3, 0, 0, 4 };

Test(patched, agrees_with_the_spec_vector) /* PATCH-1 EXC-1 EXC-3 */
{
	uint8_t words[300], back[300];
	struct buf out;

	memset(words, 9, sizeof words);
	words[3] = 4;
	encode(words, 1, sizeof words, &out);
	cr_assert_eq(out.len, sizeof vector);
	cr_assert_arr_eq(out.at, vector, sizeof vector);
	cr_assert_eq(decode(buf_span(&out), 1, sizeof words, 0, sizeof words, back), TEG_OK);
	cr_assert_arr_eq(back, words, sizeof words);
	buf_release(&out);
}

static uint64_t make(int shape, size_t i, struct rng *rng)
{
	uint64_t r = rng_u64(rng);

	switch (shape) {
	case 0: /* valid_until: mostly open */ return r % 40 ? INT64_MAX : r >> 14;
	case 1: /* small with outliers */ return r % 100 ? r % 50 : r;
	case 2: return r; /* nothing to gain */
	case 3: /* all but one are exceptions, in some blocks */ return i < 1500 ? r : 5;
	default: return i % 7 == 0 ? UINT64_MAX : 0;
	}
}

Test(patched, gives_any_range) /* X12 X13 ND4 */
{
	static uint64_t words[3500], back[3500];
	struct rng rng = { 29 };

	for (int shape = 0; shape < 5; shape++)
		for (uint32_t width = 1; width <= 8; width *= 2) {
			struct buf out;

			for (size_t i = 0; i < 3500; i++) {
				uint64_t v = make(shape, i, &rng);

				memcpy((uint8_t *)words + i * width, &v, width);
			}
			encode(words, width, 3500, &out);
			for (int turn = 0; turn < 60; turn++) {
				size_t from = rng_below(&rng, 3500);
				size_t n = turn % 3 ? rng_below(&rng, 3500 - from + 1) : 1;

				cr_assert_eq(decode(buf_span(&out), width, 3500, from, n, back),
				             TEG_OK);
				cr_assert_eq(memcmp(back, (uint8_t *)words + from * width,
				                    n * width),
				             0, "shape %d width %u: %zu + %zu", shape, width, from,
				             n);
			}
			buf_release(&out);
		}
}

Test(patched, takes_the_open_end_as_its_base)
{
	uint64_t words[1024], min, max;
	struct patched_block split;
	struct rng rng = { 31 };

	for (size_t i = 0; i < 1024; i++)
		words[i] = make(0, i, &rng);
	words_bounds(words, 8, 1024, true, &min, &max);
	split = patched_split(words, 8, 1024, 1, min, max);
	cr_assert_eq(split.base, (uint64_t)INT64_MAX);
	cr_assert_eq(split.w, 0);
}

static const struct {
	const char *why;
	size_t n, len;
	uint8_t bytes[16];
} refused[] = {
	{ "empty", 300, 0, { 0 } },
	{ "left over", 300, 9, { 0, 9, 1, 0, 3, 0, 0, 4, 0 } },
	{ "place outside its block", 300, 8, { 0, 9, 1, 0, 0x2c, 1, 0, 4 } },
	{ "place twice", 300, 10, { 0, 9, 2, 0, 3, 0, 3, 0, 0, 4 } },
	{ "places that descend", 300, 10, { 0, 9, 2, 0, 4, 0, 3, 0, 0, 4 } },
	{ "65535 exceptions", 300, 8, { 0, 9, 255, 255, 3, 0, 0, 4 } },
	{ "more exceptions than words", 1, 10, { 0, 9, 2, 0, 0, 0, 1, 0, 0, 4 } },
};

Test(patched, refuses_what_no_writer_makes) /* EXC-1 EXC-2 X18 */
{
	uint8_t back[300];

	for (size_t len = 0; len < sizeof vector; len++)
		cr_assert_eq(decode(span_of(vector, len), 1, 300, 0, 300, back), TEG_CORRUPT, "%zu",
		             len);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		cr_assert_eq(decode(span_of(refused[i].bytes, refused[i].len), 1, refused[i].n, 0,
		                    1, back),
		             TEG_CORRUPT, "%s", refused[i].why);
}
