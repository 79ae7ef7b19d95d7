#include "tools/tilectl/number.h"
#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	double value;
	const char *text;
	bool number;
} doubles[] = {
	{ 0.0, "0.0", true },
	{ -0.0, "-0.0", true },
	{ 1.0, "1.0", true },
	{ 0.1, "0.1", true },
	{ -2.5, "-2.5", true },
	{ 100.0, "100.0", true },
	{ 0.0001, "0.0001", true },
	{ 0.00001, "1e-5", true },
	{ 1e15, "1000000000000000.0", true },
	{ 9007199254740993.0, "9007199254740992.0", true },
	{ 1e16, "1e16", true },
	{ 1.5e300, "1.5e300", true },
	{ 1.0 / 3, "0.3333333333333333", true },
	{ 5e-324, "5e-324", true },
	{ 2.2250738585072014e-308, "2.2250738585072014e-308", true },
	{ DBL_MAX, "1.7976931348623157e308", true },
	{ 0x1p-44, "5.684341886080802e-14",
	  true }, /* the nearest of 16 digits does not read back */
	{ INFINITY, "Infinity", false },
	{ -INFINITY, "-Infinity", false },
};

Test(number, prints_doubles_in_fewest_digits)
{
	for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
		struct text out = { NULL, 0, 0 };

		cr_expect_eq(number_add_f64(&out, doubles[i].value), doubles[i].number);
		cr_expect_str_eq(text_string(&out), doubles[i].text);
		text_free(&out);
	}
}

Test(number, names_every_nan)
{
	struct text out = { NULL, 0, 0 };

	cr_expect_not(number_add_f64(&out, -(double)NAN));
	cr_expect_str_eq(out.at, "NaN");
	text_free(&out);
}

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state ^ *state >> 29;
}

Test(number, doubles_read_back_to_the_same_bits)
{
	struct text out = { NULL, 0, 0 };
	uint64_t state = 42, bits, back_bits;

	for (int i = 0; i < 20000; i++) {
		double value, back;

		bits = next(&state);
		memcpy(&value, &bits, sizeof value);
		text_clear(&out);
		if (!number_add_f64(&out, value))
			continue;
		back = strtod(out.at, NULL);
		memcpy(&back_bits, &back, sizeof back_bits);
		cr_assert_eq(back_bits, bits, "%s", out.at);
	}
	text_free(&out);
}

Test(number, floats_read_back_to_the_same_bits)
{
	struct text out = { NULL, 0, 0 };
	uint64_t state = 7;

	for (int i = 0; i < 20000; i++) {
		uint32_t bits = (uint32_t)next(&state), back_bits;
		float value, back;

		memcpy(&value, &bits, sizeof value);
		text_clear(&out);
		if (!number_add_f32(&out, value))
			continue;
		back = strtof(out.at, NULL);
		memcpy(&back_bits, &back, sizeof back_bits);
		cr_assert_eq(back_bits, bits, "%s", out.at);
		cr_assert_leq(strcspn(strpbrk(out.at, "123456789") ? out.at : "", "e"), 20);
	}
	text_clear(&out);
	number_add_f32(&out, 0.1f);
	cr_expect_str_eq(out.at, "0.1");
	text_clear(&out);
	number_add_f32(&out, FLT_TRUE_MIN);
	cr_expect_str_eq(out.at, "1e-45");
	text_free(&out);
}

Test(number, every_half_reads_back)
{
	struct text out = { NULL, 0, 0 };

	for (uint32_t bits = 0; bits < 0x10000; bits++) {
		text_clear(&out);
		if (number_add_f16(&out, (uint16_t)bits))
			cr_assert_eq(number_to_f16(strtod(out.at, NULL)), bits, "%04x %s", bits,
			             out.at);
	}
	text_free(&out);
}

static const struct {
	double value;
	uint16_t bits;
} halves[] = {
	{ 1.0, 0x3c00 },           { 65504.0, 0x7bff },       { 65519.9, 0x7bff },
	{ 65520.0, 0x7c00 },       { 0x1p-24, 0x0001 },       { 0x1p-25, 0x0000 },
	{ 0x1.8p-25, 0x0001 },     { 1.0 + 0x1p-11, 0x3c00 }, { 1.0 + 0x3p-11, 0x3c02 },
	{ 2.0 - 0x1p-12, 0x4000 }, { -0.0, 0x8000 },
};

Test(number, halves_round_to_even)
{
	for (size_t i = 0; i < sizeof halves / sizeof *halves; i++)
		cr_expect_eq(number_to_f16(halves[i].value), halves[i].bits, "%a gives %04x",
		             halves[i].value, number_to_f16(halves[i].value));
}

static const struct {
	const char *text;
	int precision, scale;
	const char *printed; /* NULL: refused */
} decimals[] = {
	{ "0", 5, 2, "0.00" },
	{ "1.5", 5, 2, "1.50" },
	{ "-1.5", 5, 2, "-1.50" },
	{ "+.25", 5, 2, "0.25" },
	{ "12", 4, 0, "12" },
	{ "0.100", 5, 1, "0.1" },
	{ "99999999999999999999999999999999999999", 38, 0,
	  "99999999999999999999999999999999999999" },
	{ "-0.01", 38, 38, "-0.01000000000000000000000000000000000000" },
	{ "1.234", 5, 2, NULL },
	{ "1000", 5, 2, NULL },
	{ "", 5, 2, NULL },
	{ ".", 5, 2, NULL },
	{ "1x", 5, 2, NULL },
	{ "1.5.5", 5, 2, NULL },
	{ "--1", 5, 2, NULL },
};

Test(number, decimals_both_ways)
{
	for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++) {
		struct text out = { NULL, 0, 0 };
		uint8_t bytes[16];
		bool ok = number_read_decimal128(decimals[i].text, strlen(decimals[i].text),
		                                 decimals[i].precision, decimals[i].scale, bytes);

		cr_expect_eq(ok, decimals[i].printed != NULL, "%s", decimals[i].text);
		if (ok && decimals[i].printed) {
			number_add_decimal128(&out, bytes, decimals[i].scale);
			cr_expect_str_eq(out.at, decimals[i].printed);
		}
		text_free(&out);
	}
}

Test(number, decimals_with_a_negative_scale_end_in_zeros)
{
	uint8_t twelve[16] = { 12 }, zero[16] = { 0 };
	struct text out = { NULL, 0, 0 };

	number_add_decimal128(&out, twelve, -3);
	text_adds(&out, " ");
	number_add_decimal128(&out, zero, -3);
	cr_expect_str_eq(out.at, "12000 0");
	text_free(&out);
}

Test(number, base64_has_the_vectors_of_the_rfc)
{
	static const char *const vectors[][2] = {
		{ "", "" },        { "f", "Zg==" },        { "ab", "YWI=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe", "//4=" }
	};

	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct text out = { NULL, 0, 0 };

		number_add_base64(&out, (const uint8_t *)vectors[i][0], strlen(vectors[i][0]));
		cr_expect_str_eq(text_string(&out), vectors[i][1]);
		text_free(&out);
	}
}

static const struct {
	const char *text;
	bool ok;
	int64_t value;
} integers[] = {
	{ "0", true, 0 },
	{ "-1", true, -1 },
	{ "+7", true, 7 },
	{ "9223372036854775807", true, INT64_MAX },
	{ "-9223372036854775808", true, INT64_MIN },
	{ "9223372036854775808", false, 0 },
	{ "-9223372036854775809", false, 0 },
	{ "99999999999999999999999", false, 0 },
	{ "", false, 0 },
	{ "-", false, 0 },
	{ "-+1", false, 0 },
	{ "1 ", false, 0 },
	{ "0x1", false, 0 },
	{ "1e3", false, 0 },
};

Test(number, integers_are_whole_and_in_range)
{
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
		int64_t value = 0;
		bool ok = number_read_int(integers[i].text, strlen(integers[i].text), INT64_MIN,
		                          INT64_MAX, &value);

		cr_expect_eq(ok, integers[i].ok, "%s", integers[i].text);
		if (ok)
			cr_expect_eq(value, integers[i].value, "%s", integers[i].text);
	}
}

Test(number, floats_of_other_notations_are_refused)
{
	static const char *const refused[] = { "",    " 1",  "1 ", "0x10", "nan",
		                               "NaN", "1,5", "1e", "e1" };
	double value;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		cr_expect_not(number_read_float(refused[i], strlen(refused[i]), &value), "%s",
		              refused[i]);
	cr_expect(number_read_float("-Infinity", 9, &value) && isinf(value) && value < 0);
	cr_expect(number_read_float("1e3", 3, &value) && value >= 1000 && value <= 1000);
}
