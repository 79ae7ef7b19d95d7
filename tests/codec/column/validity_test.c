#include "codec/column/validity.h"
#include <criterion/criterion.h>
#include "codec/base/bits.h"
#include "tests/support/rng.h"

static const struct {
	const char *name;
	size_t n, len;
	uint8_t bits[3], bytes[4];
} vectors[] = {
	{ "all valid", 9, 1, { 0xff, 0x01 }, { 0 } },
	{ "all null", 9, 1, { 0x00, 0xfe }, { 1 } },
	{ "a bitmap", 9, 3, { 0xf7, 0x01 }, { 2, 0xf7, 0x01 } },
	{ "bits past the end do not count", 3, 2, { 0xfd }, { 2, 0x05 } },
};

Test(validity, agrees_with_the_spec_vectors) /* VALID-1 to VALID-3 */
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct buf out;

		buf_init(&out, teg_allocator_default(), BUF_NO_LIMIT);
		validity_encode(vectors[i].bits, 0, vectors[i].n, &out);
		cr_assert_eq(out.len, vectors[i].len, "%s", vectors[i].name);
		cr_assert_arr_eq(out.at, vectors[i].bytes, out.len, "%s", vectors[i].name);
		buf_release(&out);
	}
}

Test(validity, lists_few_nulls_by_position) /* VALID-4 VALID-5 */
{
	uint8_t bits[13], expected[] = { 3, 2, 0, 1, 0, 99, 0 };
	struct buf out;

	memset(bits, 0xff, sizeof bits);
	bitmap_clear(bits, 1);
	bitmap_clear(bits, 99);
	buf_init(&out, teg_allocator_default(), BUF_NO_LIMIT);
	validity_encode(bits, 0, 100, &out);
	cr_assert_eq(out.len, sizeof expected);
	cr_assert_arr_eq(out.at, expected, sizeof expected);
	buf_release(&out);
}

static void check(size_t n, size_t null_every, struct rng *rng)
{
	uint8_t bits[800], back[800];
	size_t shift = rng_below(rng, 20), n_nulls = 0;
	struct validity v;
	struct reader in;
	struct buf out;

	memset(bits, 0, sizeof bits);
	for (size_t i = 0; i < n; i++) {
		bool valid = null_every && rng_below(rng, null_every);

		bitmap_put(bits, shift + i, valid);
		n_nulls += !valid;
	}
	buf_init(&out, teg_allocator_default(), BUF_NO_LIMIT);
	validity_encode(bits, shift, n, &out);
	cr_assert_leq(out.len, validity_bound(n));
	in = reader_of(buf_span(&out));
	cr_assert(validity_open(&in, n, &v));
	cr_assert_eq(v.n_nulls, n_nulls);
	for (int turn = 0; turn < 10; turn++) {
		size_t from = rng_below(rng, n), use = rng_below(rng, n - from) + 1;

		if (!validity_bits(&v, from, use, back))
			bitmap_fill(back, 0, use, true);
		for (size_t i = 0; i < use; i++)
			cr_assert_eq(bitmap_get(back, i), bitmap_get(bits, shift + from + i));
	}
	buf_release(&out);
}

Test(validity, gives_any_range) /* X1 */
{
	static const size_t rates[] = { 0, 1, 2, 10, 500, 100000 };
	struct rng rng = { 47 };

	for (size_t n = 1; n < 6000; n = n * 3 / 2 + 1)
		for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
			check(n, rates[i], &rng);
}

static const struct {
	const char *why;
	size_t n, len;
	uint8_t bytes[12];
} refused[] = {
	{ "empty", 9, 0, { 0 } },
	{ "unknown mode", 9, 1, { 4 } },
	{ "bitmap cut off", 9, 2, { 2, 0xf7 } },
	{ "bits past the end", 9, 3, { 2, 0xf7, 0x03 } },
	{ "a bitmap without nulls", 9, 3, { 2, 0xff, 0x01 } },
	{ "a bitmap of nulls", 9, 3, { 2, 0, 0 } },
	{ "a bitmap where a list is shorter",
	  80,
	  11,
	  { 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254 } },
	{ "positions cut off", 100, 4, { 3, 1, 0, 5 } },
	{ "no positions", 100, 3, { 3, 0, 0 } },
	{ "a position twice", 100, 7, { 3, 2, 0, 5, 0, 5, 0 } },
	{ "positions that descend", 100, 7, { 3, 2, 0, 6, 0, 5, 0 } },
	{ "a position outside", 100, 5, { 3, 1, 0, 100, 0 } },
	{ "65535 positions", 100, 5, { 3, 255, 255, 1, 0 } },
	{ "a list where a bitmap is shorter", 9, 5, { 3, 1, 0, 1, 0 } },
};

Test(validity, refuses_what_no_writer_makes) /* VALID-3 to VALID-5 X18 */
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct reader in = reader_of(span_of(refused[i].bytes, refused[i].len));
		struct validity v;

		cr_assert_not(validity_open(&in, refused[i].n, &v), "%s", refused[i].why);
	}
}
