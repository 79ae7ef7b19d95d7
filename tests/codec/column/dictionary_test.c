#include "codec/column/dictionary.h"
#include <criterion/criterion.h>
#include "tests/codec/column/scratch_fixture.h"
#include "tests/support/columns.h"

TestSuite(dictionary, .init = set_up, .fini = tear_down);

static struct column fixed(const void *values, uint32_t width, size_t n)
{
	return (struct column){ COLUMN_FIXED, width, n, NULL, values, NULL, NULL };
}

Test(dictionary, orders_values_by_their_class) /* DICT-2 */
{
	static const int16_t numbers[] = { 5, -1, 5, INT16_MIN, 0, INT16_MAX, -1 };
	static const int16_t as_signed[] = { INT16_MIN, -1, 0, 5, INT16_MAX };
	static const int16_t as_unsigned[] = { 0, 5, INT16_MAX, INT16_MIN, -1 };
	struct column c = fixed(numbers, 2, 7);
	struct dictionary d;

	cr_assert_eq(dictionary_build(&c, VALUE_SIGNED, 10, 32768, scratch, &d), TEG_OK);
	cr_assert_eq(d.n, 5);
	cr_assert_arr_eq(scratch->values.values, as_signed, sizeof as_signed);
	cr_assert_arr_eq(d.codes, ((uint16_t[]){ 3, 1, 3, 0, 2, 4, 1 }), 14);
	cr_assert_eq(dictionary_build(&c, VALUE_UNSIGNED, 10, 32768, scratch, &d), TEG_OK);
	cr_assert_arr_eq(scratch->values.values, as_unsigned, sizeof as_unsigned);
}

Test(dictionary, orders_strings_by_bytes_then_length) /* DICT-2 NC1 */
{
	static const int32_t offsets[] = { 0, 2, 2, 3, 5, 14, 23 };
	static const char bytes[] = "abaab12345678x12345678y";
	struct column c = { COLUMN_BYTES, 0, 6, NULL, (const uint8_t *)bytes, offsets, NULL };
	struct dictionary d;

	cr_assert_eq(dictionary_build(&c, VALUE_BYTES, 10, 32768, scratch, &d), TEG_OK);
	cr_assert_eq(d.n, 5, "repeated values share an entry");
	cr_assert_eq(memcmp(scratch->values.values, "12345678x12345678yaab", 21), 0);
	cr_assert_arr_eq(d.codes, ((uint16_t[]){ 4, 0, 3, 4, 1, 2 }), 12);
}

Test(dictionary, orders_wide_numbers_by_value) /* DICT-2 */
{
	static const uint64_t values[][2] = {
		{ 1, 0 }, { 0, UINT64_MAX }, { 0, 0 }, { UINT64_MAX, 0 }
	};
	struct column c = fixed(values, 16, 4);
	struct dictionary d;

	cr_assert_eq(dictionary_build(&c, VALUE_WIDE, 10, 32768, scratch, &d), TEG_OK);
	cr_assert_arr_eq(d.codes, ((uint16_t[]){ 2, 0, 1, 3 }), 8);
}

Test(dictionary, keeps_zeros_and_nans_apart) /* X12 ND4 */
{
	static const uint64_t bits[] = {
		0, 0x8000000000000000, 0x7ff8000000000000, 0x7ff8000000000001, 0, 0x7ff8000000000001
	};
	struct column c = fixed(bits, 8, 6);
	struct dictionary d;

	cr_assert_eq(dictionary_build(&c, VALUE_FLOAT, 10, 32768, scratch, &d), TEG_OK);
	cr_assert_eq(d.n, 4);
	cr_assert_arr_eq(d.codes, ((uint16_t[]){ 0, 3, 1, 2, 0, 2 }), 12);
}

Test(dictionary, gives_up_where_there_are_too_many)
{
	static uint64_t values[6000];
	struct column c = fixed(values, 8, 6000);
	struct dictionary d;

	for (size_t i = 0; i < 6000; i++)
		values[i] = i * 77;
	cr_assert_eq(dictionary_build(&c, VALUE_SIGNED, 5999, 32768, scratch, &d), TEG_OK);
	cr_assert_eq(d.n, 0, "48000 bytes are too many for its page");
	c.n = 4000;
	cr_assert_eq(dictionary_build(&c, VALUE_SIGNED, 3999, 32768, scratch, &d), TEG_OK);
	cr_assert_eq(d.n, 0);
	cr_assert_eq(dictionary_build(&c, VALUE_SIGNED, 4000, 32768, scratch, &d), TEG_OK);
	cr_assert_eq(d.n, 4000);
	for (size_t i = 0; i < 4000; i++)
		cr_assert_eq(d.codes[i], i);
}

static const struct {
	const char *why;
	enum value_class class;
	uint8_t values[4];
	bool ok;
} orders[] = {
	{ "ascending", VALUE_UNSIGNED, { 1, 2, 127, 128 }, true },
	{ "a value twice", VALUE_UNSIGNED, { 1, 2, 2, 3 }, false },
	{ "descending", VALUE_UNSIGNED, { 1, 3, 2, 4 }, false },
	{ "signed, by number", VALUE_SIGNED, { 128, 255, 0, 127 }, true },
	{ "signed, by bits", VALUE_SIGNED, { 0, 127, 128, 255 }, false },
};

Test(dictionary, must_ascend) /* DICT-2 */
{
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		struct column c = fixed(orders[i].values, 1, 4);

		cr_assert_eq(dictionary_ascends(&c, orders[i].class), orders[i].ok, "%s",
		             orders[i].why);
	}
}

Test(dictionary, refuses_codes_outside_it) /* DICT-4 X18 */
{
	static const uint8_t pages[][6] = {
		{ 2, 0, 0, 0x24 },    /* codes 0 1 2 */
		{ 0, 3, 0 },          /* code 3, three times */
		{ 0, 255, 255 },      /* 65535 */
		{ 17, 0, 0 },         /* 17 bits */
		{ 2, 0, 0, 0x24, 0 }, /* left over */
		{ 2, 0, 0 },          /* cut off */
	};
	static const size_t lens[] = { 4, 3, 3, 3, 5, 3 };
	struct column_buf values, out;

	column_buf_init(&values, COLUMN_BYTES, 0, teg_allocator_default());
	for (int i = 0; i < 3; i++)
		cr_assert_eq(column_buf_append_value(&values, span_of("abc", 1 + (size_t)i), 1),
		             TEG_OK);
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		struct reader in = reader_of(span_of(pages[i], lens[i]));

		column_buf_init(&out, COLUMN_BYTES, 0, teg_allocator_default());
		cr_assert_eq(dictionary_decode(&in, &values, 3, 0, 3, NULL, &out),
		             i ? TEG_CORRUPT : TEG_OK, "%zu", i);
		cr_assert(i || memcmp(out.values, "aababc", 6) == 0);
		column_buf_release(&out);
	}
	column_buf_release(&values);
}

Test(dictionary, null_slots_of_strings_are_empty) /* COL-4: or 2^16 nulls could take gigabytes */
{
	uint8_t page[] = { 0, 0, 0 }, valid = 0x02;
	struct reader in = reader_of(span_of(page, sizeof page));
	struct column_buf values, out;

	column_buf_init(&values, COLUMN_BYTES, 0, teg_allocator_default());
	column_buf_init(&out, COLUMN_BYTES, 0, teg_allocator_default());
	cr_assert_eq(column_buf_append_value(&values, span_of_text("long"), 1), TEG_OK);
	cr_assert_eq(dictionary_decode(&in, &values, 3, 0, 3, &valid, &out), TEG_OK);
	cr_assert_arr_eq(out.offsets, ((int32_t[]){ 0, 0, 4, 4 }), 16);
	column_buf_release(&values);
	column_buf_release(&out);
}
