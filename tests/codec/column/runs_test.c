#include "codec/column/runs.h"
#include <criterion/criterion.h>
#include "tests/codec/column/scratch_fixture.h"
#include "tests/support/rng.h"

TestSuite(runs, .init = set_up, .fini = tear_down);

static void encode(const void *words, uint32_t width, size_t n, struct buf *out)
{
	buf_init(out, teg_allocator_default(), BUF_NO_LIMIT);
	runs_encode(words, width, n, false, scratch, out);
	cr_assert_eq(buf_status(out), TEG_OK);
}

static teg_status decode(struct span bytes, uint32_t width, size_t page_n, size_t from, size_t n,
                         void *out)
{
	struct reader in = reader_of(bytes);

	return runs_decode(&in, width, page_n, from, n, scratch, out);
}

Test(runs, agree_with_the_spec_vector) /* RUNS-1 RUNS-2 */
{
	static const uint8_t words[] = { 7, 7, 7, 9, 9 };
	static const uint8_t bytes[] = { 2, 0, 0, 0, 2, 7, 0x08, 1, 1, 0, 0x01 };
	uint8_t back[5];
	struct buf out;

	encode(words, 1, 5, &out);
	cr_assert_eq(out.len, sizeof bytes);
	cr_assert_arr_eq(out.at, bytes, sizeof bytes);
	cr_assert_eq(decode(buf_span(&out), 1, 5, 0, 5, back), TEG_OK);
	cr_assert_arr_eq(back, words, 5);
	buf_release(&out);
}

Test(runs, give_any_range) /* ND1 ND4 */
{
	static uint64_t words[65536], back[65536];
	static const size_t longest[] = { 1, 2, 40, 65536 };
	struct rng rng = { 23 };

	for (size_t i = 0; i < 4; i++)
		for (uint32_t width = 1; width <= 8; width *= 2) {
			size_t done = 0;
			struct buf out;

			while (done < 65536) {
				size_t len = rng_below(&rng, longest[i]) + 1;
				uint64_t v = rng_u64(&rng);

				for (; len && done < 65536; len--, done++)
					memcpy((uint8_t *)words + done * width, &v, width);
			}
			encode(words, width, 65536, &out);
			for (int turn = 0; turn < 8; turn++) {
				size_t from = rng_below(&rng, 65536);
				size_t n = turn ? rng_below(&rng, 65536 - from + 1) : 1;

				cr_assert_eq(decode(buf_span(&out), width, 65536, from, n, back),
				             TEG_OK);
				cr_assert_eq(memcmp(back, (uint8_t *)words + from * width,
				                    n * width),
				             0, "%u: %zu + %zu", width, from, n);
			}
			buf_release(&out);
		}
}

static const struct {
	const char *why;
	size_t n, len;
	uint8_t bytes[16];
} refused[] = {
	{ "empty", 5, 0, { 0 } },
	{ "cut off", 5, 10, { 2, 0, 0, 0, 2, 7, 0x08, 1, 1, 0 } },
	{ "left over", 5, 12, { 2, 0, 0, 0, 2, 7, 0x08, 1, 1, 0, 0x01, 0 } },
	{ "no runs", 5, 4, { 0, 0, 0, 0 } },
	{ "too few values", 6, 11, { 2, 0, 0, 0, 2, 7, 0x08, 1, 1, 0, 0x01 } },
	{ "too many values", 4, 11, { 2, 0, 0, 0, 2, 7, 0x08, 1, 1, 0, 0x01 } },
	{ "more runs than values", 1, 11, { 2, 0, 0, 0, 2, 7, 0x08, 1, 1, 0, 0x01 } },
	{ "2^32 - 1 runs", 5, 11, { 255, 255, 255, 255, 2, 7, 0x08, 1, 1, 0, 0x01 } },
};

Test(runs, refuse_a_word_behind_the_last_run) /* RUNS-3: also where only that word is read */
{
	static const uint8_t bytes[] = { 2, 0, 0, 0, 2, 7, 0x08, 1, 1, 0, 0x01 };
	uint8_t back;

	cr_assert_eq(decode(span_of(bytes, sizeof bytes), 1, 6, 4, 1, &back), TEG_OK);
	cr_assert_eq(back, 9);
	cr_assert_eq(decode(span_of(bytes, sizeof bytes), 1, 6, 5, 1, &back), TEG_CORRUPT);
}

Test(runs, refuse_what_no_writer_makes) /* RUNS-1 RUNS-3 X18 */
{
	uint8_t back[16];

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		cr_assert_eq(decode(span_of(refused[i].bytes, refused[i].len), 1, refused[i].n, 0,
		                    refused[i].n, back),
		             TEG_CORRUPT, "%s", refused[i].why);
}
