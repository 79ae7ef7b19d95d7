#include "codec/column/planes.h"
#include <criterion/criterion.h>
#include "tests/support/columns.h"
#include "tests/support/rng.h"

Test(planes, agree_with_the_spec_vector) /* PLANE-1 PLANE-2 */
{
	static const uint16_t values[] = { 0x1234, 0x1256, 0x1278 };
	static const uint8_t bytes[] = { 0x34, 0x56, 0x78, 0x12, 0x12, 0x12 };
	struct column c = { COLUMN_FIXED, 2, 3, NULL, (const uint8_t *)values, NULL, NULL };
	struct buf out;

	buf_init(&out, teg_allocator_default(), 100);
	planes_encode(&c, 0, 3, &out);
	cr_assert_eq(out.len, sizeof bytes);
	cr_assert_arr_eq(out.at, bytes, sizeof bytes);
	buf_release(&out);
}

Test(planes, give_any_range_of_any_width) /* H1 */
{
	static const uint32_t widths[] = { 2, 4, 8, 16 };
	static uint8_t values[1500 * 16];
	struct rng rng = { 107 };

	rng_fill(&rng, values, sizeof values);
	for (size_t w = 0; w < 4; w++) {
		struct column c = { COLUMN_FIXED, widths[w], 1500, NULL, values, NULL, NULL };
		struct column_buf back;
		struct buf out;

		buf_init(&out, teg_allocator_default(), 1 << 20);
		planes_encode(&c, 100, 1400, &out);
		column_buf_init(&back, COLUMN_FIXED, widths[w], teg_allocator_default());
		for (int turn = 0; turn < 20; turn++) {
			size_t from = rng_below(&rng, 1400), n = rng_below(&rng, 1400 - from + 1);
			struct reader in = reader_of(buf_span(&out));

			column_buf_clear(&back);
			cr_assert_eq(planes_decode(&in, 1400, from, n, &back), TEG_OK);
			columns_check_equal(&c, 100 + from, &back, "planes");
		}
		column_buf_release(&back);
		buf_release(&out);
	}
}

Test(planes, refuse_too_few_and_too_many_bytes) /* PLANE-1 X19 */
{
	static const uint8_t bytes[41] = { 0 };

	for (size_t len = 0; len <= 41; len++) {
		struct reader in = reader_of(span_of(bytes, len));
		struct column_buf out;

		column_buf_init(&out, COLUMN_FIXED, 8, teg_allocator_default());
		cr_assert_eq(planes_decode(&in, 5, 0, 5, &out), len == 40 ? TEG_OK : TEG_CORRUPT,
		             "%zu", len);
		column_buf_release(&out);
	}
}

static const struct {
	enum value_class class;
	uint32_t width;
	bool apply;
} kinds[] = {
	{ VALUE_FLOAT, 8, true },     { VALUE_SIGNED, 2, true }, { VALUE_WIDE, 16, true },
	{ VALUE_UNSIGNED, 1, false }, { VALUE_BYTES, 8, false }, { VALUE_OPAQUE, 16, false },
};

Test(planes, are_for_numbers_of_several_bytes) /* CHUNK-6 */
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		cr_assert_eq(planes_apply(kinds[i].class, kinds[i].width), kinds[i].apply, "%zu",
		             i);
}
