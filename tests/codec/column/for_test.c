#include "codec/column/for.h"
#include <criterion/criterion.h>
#include "tests/support/memory.h"
#include "tests/support/rng.h"

static struct buf encode(const void *words, uint32_t width, size_t n, bool is_signed)
{
	struct buf out;

	buf_init(&out, teg_allocator_default(), BUF_NO_LIMIT);
	for_encode(words, width, n, is_signed, &out);
	cr_assert_eq(buf_status(&out), TEG_OK);
	return out;
}

static bool opens(struct span bytes, uint32_t width, size_t n)
{
	struct reader in = reader_of(bytes);
	struct for_stream stream;

	return for_open(&in, width, n, &stream) && !reader_left(&in);
}

static const struct {
	const char *name;
	uint32_t width;
	bool is_signed;
	size_t n, len;
	uint64_t words[4];
	uint8_t bytes[20];
} vectors[] = {
	{ "none", 8, false, 0, 0, { 0 }, { 0 } },
	{ "one", 2, false, 1, 3, { 0x1234 }, { 0, 0x34, 0x12 } },
	{ "three of two bits", 2, false, 3, 4, { 1000, 1003, 1001 }, { 2, 0xe8, 0x03, 0x1c } },
	{ "both signs, signed", 1, true, 2, 3, { 0xff, 0x01 }, { 2, 0xff, 0x08 } },
	{ "both signs, unsigned", 1, false, 2, 4, { 0xff, 0x01 }, { 8, 0x01, 0xfe, 0x00 } },
};

Test(for_stream, agrees_with_the_spec_vectors) /* FOR-1 FOR-3 */
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		uint8_t words[32], back[32];
		struct for_stream stream;
		struct reader in;
		struct buf out;

		for (size_t j = 0; j < vectors[i].n; j++)
			memcpy(words + j * vectors[i].width, &vectors[i].words[j],
			       vectors[i].width);
		out = encode(words, vectors[i].width, vectors[i].n, vectors[i].is_signed);
		cr_assert_eq(out.len, vectors[i].len, "%s", vectors[i].name);
		if (out.len)
			cr_assert_arr_eq(out.at, vectors[i].bytes, out.len, "%s", vectors[i].name);
		in = reader_of(buf_span(&out));
		cr_assert(for_open(&in, vectors[i].width, vectors[i].n, &stream));
		for_decode(&stream, 0, vectors[i].n, back);
		if (out.len)
			cr_assert_arr_eq(back, words, vectors[i].n * vectors[i].width);
		buf_release(&out);
	}
}

Test(for_stream, gives_any_range_and_any_word) /* FOR-5 ND4 */
{
	static uint64_t words[5000], back[5000];
	struct rng rng = { 3 };

	for (uint32_t width = 1; width <= 8; width *= 2) {
		struct for_stream stream;
		struct reader in;
		struct buf out;

		for (size_t i = 0; i < 5000; i++) {
			uint64_t v = rng_u64(&rng) >> (i / 1024 * 9);

			memcpy((uint8_t *)words + i * width, &v, width);
		}
		out = encode(words, width, 5000, width & 2);
		in = reader_of(buf_span(&out));
		cr_assert(for_open(&in, width, 5000, &stream));
		for (int turn = 0; turn < 200; turn++) {
			size_t from = rng_below(&rng, 5000), n = rng_below(&rng, 5000 - from) + 1;
			uint64_t one = for_get(&stream, from);

			for_decode(&stream, from, turn & 1 ? n : 1, back);
			cr_assert_arr_eq(back, (uint8_t *)words + from * width,
			                 (turn & 1 ? n : 1) * width, "%u: %zu + %zu", width, from,
			                 n);
			cr_assert_eq(memcmp(&one, (uint8_t *)words + from * width, width), 0);
		}
		buf_release(&out);
	}
}

Test(for_stream, refuses_every_cut_and_what_is_left_over)
{
	uint64_t words[1100];
	struct rng rng = { 5 };
	struct buf out;

	for (size_t i = 0; i < 1100; i++)
		words[i] = rng_below(&rng, 300);
	out = encode(words, 8, 1100, false);
	for (size_t len = 0; len < out.len; len++)
		cr_assert_not(opens(span_of(out.at, len), 8, 1100), "%zu", len);
	cr_assert(opens(buf_span(&out), 8, 1100));
	buf_u8(&out, 0);
	cr_assert_not(opens(buf_span(&out), 8, 1100));
	buf_release(&out);
}

static const struct {
	const char *why;
	uint32_t width;
	size_t n, len;
	uint8_t bytes[12];
} refused[] = {
	{ "width above the word's", 1, 1, 4, { 9, 0, 0, 0 } },
	{ "width far above", 2, 1, 4, { 255, 0, 0, 0 } },
	{ "padding", 1, 1, 3, { 1, 0, 0x02 } },
	{ "more blocks than bytes", 1, 1u << 24, 4, { 0, 0, 0, 0 } },
	{ "widths but no bases", 8, 1024, 1, { 0 } },
};

Test(for_stream, refuses_what_no_writer_makes) /* FOR-2 BITS-2 X18 */
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		cr_assert_not(opens(span_of(refused[i].bytes, refused[i].len), refused[i].width,
		                    refused[i].n),
		              "%s", refused[i].why);
}

Test(for_stream, remembers_that_memory_was_short)
{
	uint64_t words[2048];
	struct memory mem;
	struct buf out;

	for (size_t i = 0; i < 2048; i++)
		words[i] = i * i;
	memory_init(&mem);
	for (size_t n = 1; n <= 3; n++) {
		mem.fail_at = mem.n_requests + n;
		buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
		for_encode(words, 8, 2048, false, &out);
		cr_assert_eq(buf_status(&out), TEG_NOMEM, "%zu", n);
		buf_release(&out);
	}
	memory_check(&mem);
}
