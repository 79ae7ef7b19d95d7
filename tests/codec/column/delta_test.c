#include "codec/column/delta.h"
#include <criterion/criterion.h>
#include "tests/support/rng.h"

static void encode(const void *words, uint32_t width, size_t n, struct buf *out)
{
	struct buf room;

	buf_init(&room, teg_allocator_default(), BUF_NO_LIMIT);
	buf_init(out, teg_allocator_default(), BUF_NO_LIMIT);
	delta_encode(words, width, n, &room, out);
	cr_assert_eq(buf_status(out), TEG_OK);
	buf_release(&room);
}

static bool opens(struct span bytes, uint32_t width, size_t n)
{
	struct reader in = reader_of(bytes);
	struct delta_stream stream;

	return delta_open(&in, width, n, &stream) && !reader_left(&in);
}

static const struct {
	const char *name;
	size_t n, len;
	int16_t words[5];
	uint8_t bytes[8];
} vectors[] = {
	{ "one", 1, 5, { 258 }, { 0x02, 0x01, 0, 0, 0 } },
	{ "ascending", 4, 6, { 100, 107, 112, 120 }, { 100, 0, 2, 5, 0, 0xca } },
	{ "over the edge", 2, 5, { INT16_MAX, INT16_MIN }, { 0xff, 0x7f, 0, 1, 0 } },
	{ "under the edge", 2, 5, { INT16_MIN, INT16_MAX }, { 0x00, 0x80, 0, 0xff, 0xff } },
};

Test(delta, agrees_with_the_spec_vectors) /* DELTA-1 to DELTA-4 X13 */
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct delta_stream stream;
		struct reader in;
		int16_t back[5];
		struct buf out;

		encode(vectors[i].words, 2, vectors[i].n, &out);
		cr_assert_eq(out.len, vectors[i].len, "%s", vectors[i].name);
		cr_assert_arr_eq(out.at, vectors[i].bytes, out.len, "%s", vectors[i].name);
		in = reader_of(buf_span(&out));
		cr_assert(delta_open(&in, 2, vectors[i].n, &stream));
		delta_decode(&stream, 0, vectors[i].n, back);
		cr_assert_arr_eq(back, vectors[i].words, 2 * vectors[i].n, "%s", vectors[i].name);
		buf_release(&out);
	}
}

static uint64_t make(int shape, size_t i, struct rng *rng)
{
	switch (shape) {
	case 0: return i * 3;
	case 1: return rng_u64(rng);
	case 2: /* X13: open and finite ends by turns */
		return i & 1 ? INT64_MAX : 1700000000000000u;
	case 3: return i % 3 ? (uint64_t)INT64_MIN : INT64_MAX;
	default: return 7;
	}
}

Test(delta, gives_any_range) /* ND1 ND4 X12 X13 */
{
	static uint64_t words[4000], back[4000];
	struct rng rng = { 17 };

	for (int shape = 0; shape < 5; shape++)
		for (uint32_t width = 1; width <= 8; width *= 2) {
			struct delta_stream stream;
			struct reader in;
			struct buf out;

			for (size_t i = 0; i < 4000; i++) {
				uint64_t v = make(shape, i, &rng);

				memcpy((uint8_t *)words + i * width, &v, width);
			}
			encode(words, width, 4000, &out);
			in = reader_of(buf_span(&out));
			cr_assert(delta_open(&in, width, 4000, &stream));
			for (int turn = 0; turn < 50; turn++) {
				size_t from = rng_below(&rng, 4000);
				size_t n = turn % 3 ? rng_below(&rng, 4000 - from) + 1 : 1;

				delta_decode(&stream, from, n, back);
				cr_assert_arr_eq(back, (uint8_t *)words + from * width, n * width,
				                 "shape %d width %u: %zu + %zu", shape, width, from,
				                 n);
			}
			buf_release(&out);
		}
}

Test(delta, refuses_every_cut_and_what_is_left_over)
{
	uint32_t words[1500];
	struct buf out;

	for (uint32_t i = 0; i < 1500; i++)
		words[i] = i * i;
	encode(words, 4, 1500, &out);
	for (size_t len = 0; len < out.len; len++)
		cr_assert_not(opens(span_of(out.at, len), 4, 1500), "%zu", len);
	cr_assert(opens(buf_span(&out), 4, 1500));
	buf_u8(&out, 0);
	cr_assert_not(opens(buf_span(&out), 4, 1500));
	buf_release(&out);
}
