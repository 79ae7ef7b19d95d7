#include "engine/predicate/number.h"
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/support/rng.h"

#define E19 10000000000000000000u
#define MAX_WIDE ((__int128)(((unsigned __int128)1 << 127) - 1))

static const struct {
	const char *text;
	int64_t i;
	int scale;
} read_as[] = {
	/* PRED-6 */
	{ "0", 0, 0 },
	{ "-0", 0, 0 },
	{ "000", 0, 0 },
	{ "0.00e99999", 0, 0 },
	{ "5", 5, 0 },
	{ "+5", 5, 0 },
	{ "-5", -5, 0 },
	{ "5.", 5, 0 },
	{ ".5", 5, 1 },
	{ "-.5", -5, 1 },
	{ "05.50", 55, 1 },
	{ "0.005", 5, 3 },
	{ "1.0203000", 10203, 4 },
	{ "1200", 12, -2 },
	{ "1200.0", 12, -2 },
	{ "10203e-4", 10203, 4 },
	{ "1e3", 1, -3 },
	{ "1.25E+3", 125, -1 },
	{ "2.9e-1", 29, 2 },
	{ "1e10000", 1, -10000 },
	{ "1e-10000", 1, 10000 },
	{ "9223372036854775807", INT64_MAX, 0 },
	{ "-9223372036854775808", INT64_MIN, 0 },
};

Test(number, reads_text_as_digits_and_a_power_of_ten) /* PRED-6 */
{
	for (size_t i = 0; i < sizeof read_as / sizeof *read_as; i++) {
		__int128 v = -1;
		int scale = -1;

		cr_assert_null(decimal_of_text(read_as[i].text, &v, &scale), "%s", read_as[i].text);
		cr_assert(v == read_as[i].i, "%s: %lld", read_as[i].text, (long long)v);
		cr_assert_eq(scale, read_as[i].scale, "%s: %d", read_as[i].text, scale);
	}
}

Test(number, reads_38_digits)
{
	const char *text = "-99999999999999999999999999999999999999";
	__int128 v, want = -(__int128)9999999999999999999u * E19 - 9999999999999999999u;
	int scale;

	cr_assert_null(decimal_of_text(text, &v, &scale));
	cr_assert(v == want);
	cr_assert_eq(scale, 0);
	cr_assert_null(
		decimal_of_text("0.000099999999999999999999999999999999999999000", &v, &scale));
	cr_assert(v == -want);
	cr_assert_eq(scale, 42);
}

Test(number, refuses_text_that_is_no_number) /* PRED-10 */
{
	static const char *const texts[] = {
		"",
		"+",
		"-",
		".",
		"-.",
		"e5",
		".e5",
		"1e",
		"1e+",
		"1e5.",
		"1e5e5",
		"1.2.3",
		"1x",
		"x1",
		"1 ",
		" 1",
		"--1",
		"+-1",
		"1e--1",
		"nan",
		"inf",
		"0x1p3",
		"1,5",
		"123456789012345678901234567890123456789",
		"1.00000000000000000000000000000000000001",
		"1e10001",
		"1e-10001",
		"10e10000",
		"1e999999999999999999999",
		"1e-999999999999999999999",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		__int128 v;
		int scale;

		cr_assert_not_null(decimal_of_text(texts[i], &v, &scale), "'%s'", texts[i]);
	}
}

/* ---- to float64, against the C library ---- */

static void check_float(const char *text)
{
	__int128 v;
	int scale;
	double want = strtod(text, NULL), got;

	cr_assert_null(decimal_of_text(text, &v, &scale), "%s", text);
	got = float_of_decimal(v, scale);
	cr_assert_eq(got, want, "%s: %a instead of %a", text, got, want);
}

Test(number, rounds_to_the_nearest_float) /* PRED-14 */
{
	static const char *const texts[] = {
		"0",
		"1",
		"-1",
		"0.1",
		"0.3",
		"1e22",
		"1e23",
		"-1e23",
		"9007199254740992",
		"9007199254740993",
		"9007199254740994",
		"9007199254740995",
		"9007199254740993.0000001",
		"1.7976931348623157e308",
		"1.7976931348623158e308",
		"1.7976931348623159e308",
		"1e309",
		"-1e400",
		"1e10000",
		"2.2250738585072014e-308",
		"2.2250738585072011e-308",
		"4.9406564584124654e-324",
		"2.4703282292062327e-324",
		"2.4703282292062328e-324",
		"7.4109846876186981e-324",
		"1e-330",
		"1e-400",
		"1e-10000",
		"-5e-324",
		"99999999999999999999999999999999999999",
		"1.23456789012345678901234567890123456e-300",
		"18446744073709551615",
		"0.5e-37",
		"6.63e-34",
		"89255e-22",
		"104110013277974872254e-225",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		check_float(texts[i]);
}

Test(number, rounds_as_the_c_library_does) /* PRED-14 */
{
	struct rng rng = { 1 };

	for (int i = 0; i < 20000; i++) {
		char text[80];
		uint64_t bits = rng_u64(&rng);
		double f;

		memcpy(&f, &bits, sizeof f);
		if (!isfinite(f))
			continue;
		snprintf(text, sizeof text, "%.*e", (int)rng_below(&rng, 38), f);
		check_float(text);
		snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)bits,
		         (unsigned long long)rng_below(&rng, E19) % 1000000,
		         (int)rng_below(&rng, 700) - 360);
		check_float(text);
	}
}

/* Halfway between two floats, and a little to either side: the hardest cases. */
Test(number, rounds_ties_to_even)
{
	struct rng rng = { 2 };

	for (int i = 0; i < 20000; i++) {
		uint64_t m = rng_u64(&rng) >> 11 | 1ull << 52;
		__int128 tie = (__int128)(2 * m + 1) << rng_below(&rng, 60);
		double down = (double)m, got;
		int moved = (int)rng_below(&rng, 3) - 1;

		while ((__int128)down + (__int128)down < tie - (tie >> 20))
			down *= 2;
		down *= 2;
		got = float_of_decimal(tie * 100 + moved, 2);
		if (moved < 0 || (!moved && m % 2 == 0))
			cr_assert_eq(got, down, "%a", down);
		else
			cr_assert_eq(got, nextafter(down, INFINITY), "%a", down);
	}
}

/* ---- to whole numbers ---- */

static const struct {
	int64_t i;
	int from, to;
	int64_t floor;
	bool more;
	int beyond;
} decimals[] = {
	/* PRED-13 */
	{ 0, 5, 100, 0, false, 0 },      { 0, 5, -100, 0, false, 0 },
	{ 25, 1, 0, 2, true, 0 },        { -25, 1, 0, -3, true, 0 },
	{ 20, 1, 0, 2, false, 0 },       { -20, 1, 0, -2, false, 0 },
	{ 25, 1, 1, 25, false, 0 },      { 25, 1, 3, 2500, false, 0 },
	{ 1, -3, 0, 1000, false, 0 },    { 1234, 2, -1, 1, true, 0 },
	{ 1, 38, 0, 0, true, 0 },        { 1, 39, 0, 0, true, 0 },
	{ 1, 10000, 0, 0, true, 0 },     { -1, 10000, 0, -1, true, 0 },
	{ 1, -39, 0, 0, false, 1 },      { -1, -39, 0, 0, false, -1 },
	{ 1, -10000, 127, 0, false, 1 }, { 18, -37, 0, 0, false, 1 },
	{ -18, -37, 0, 0, false, -1 },
};

Test(number, floors_decimals) /* PRED-13 */
{
	for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++) {
		struct whole w = whole_of_decimal(decimals[i].i, decimals[i].from, decimals[i].to);

		cr_assert_eq(w.beyond, decimals[i].beyond, "%zu", i);
		cr_assert_eq(w.more, decimals[i].more, "%zu", i);
		cr_assert(w.beyond || w.floor == decimals[i].floor, "%zu", i);
	}
}

Test(number, knows_the_largest_whole_number)
{
	struct whole w = whole_of_decimal(MAX_WIDE, 0, 0);

	cr_assert(!w.beyond && !w.more && w.floor == MAX_WIDE);
	w = whole_of_decimal(-MAX_WIDE, 0, 0);
	cr_assert(!w.beyond && !w.more && w.floor == -MAX_WIDE);
	w = whole_of_decimal(MAX_WIDE, 0, 1);
	cr_assert_eq(w.beyond, 1);
	w = whole_of_decimal(17, -37, 0);
	cr_assert(!w.beyond && w.floor == (__int128)17 * E19 * 1000000000000000000);
}

static const struct {
	double f;
	int to;
	int64_t floor;
	bool more;
	int beyond;
} floats[] = {
	/* PRED-15 */
	{ 0.0, 38, 0, false, 0 },         { -0.0, -38, 0, false, 0 },
	{ 2.5, 0, 2, true, 0 },           { -2.5, 0, -3, true, 0 },
	{ 2.5, 1, 25, false, 0 },         { 0.29, 2, 28, true, 0 }, /* 0.28999999999999998... */
	{ 0.1, 1, 1, true, 0 },                                     /* 0.10000000000000000555... */
	{ 1e3, -3, 1, false, 0 },         { 1e3, -4, 0, true, 0 },
	{ -1e3, -4, -1, true, 0 },        { 0x1p-1074, 0, 0, true, 0 },
	{ -0x1p-1074, 127, -1, true, 0 }, { DBL_MAX, 0, 0, false, 1 },
	{ -DBL_MAX, 127, 0, false, -1 },  { DBL_MAX, -128, 0, false, 1 },
	{ 0x1p127, 0, 0, false, 1 },      { -0x1p127, 0, 0, false, -1 },
	{ INFINITY, 0, 0, false, 1 },     { -INFINITY, 0, 0, false, -1 },
	{ NAN, 0, 0, false, 1 },          { 0x1p62, 0, 1ll << 62, false, 0 },
	{ 1e-100, 100, 1, true, 0 },
};

Test(number, floors_floats) /* PRED-15 */
{
	for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
		struct whole w = whole_of_float(floats[i].f, floats[i].to);

		cr_assert_eq(w.beyond, floats[i].beyond, "%a", floats[i].f);
		cr_assert_eq(w.more, floats[i].more, "%a", floats[i].f);
		cr_assert(w.beyond || w.floor == floats[i].floor, "%a", floats[i].f);
	}
}

Test(number, floors_floats_as_floor_does)
{
	struct rng rng = { 3 };

	for (int i = 0; i < 50000; i++) {
		double f = ldexp(rng_unit(&rng) - 0.5, (int)rng_below(&rng, 200) - 70);
		struct whole w = whole_of_float(f, 0);

		cr_assert_eq(w.beyond != 0, fabs(f) >= 0x1p127, "%a", f);
		if (w.beyond)
			continue;
		cr_assert(w.floor == (__int128)floor(f), "%a", f);
		cr_assert_eq(w.more, floor(f) != f, "%a", f);
	}
}
