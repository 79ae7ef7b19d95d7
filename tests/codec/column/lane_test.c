#include "codec/column/lane.h"
#include <criterion/criterion.h>
#include <math.h>
#include "tests/support/rng.h"

static double from_bits(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

Test(lane, of_floats_is_their_total_order) /* LANE X12 X16 */
{
	static const double ascending[] = { -INFINITY, -1.7e308, -1.5,     -1.0,   -1e-300,
		                            -4.9e-324, 0.0,      4.9e-324, 1e-300, 1.0,
		                            1.5,       1.7e308,  INFINITY, NAN };
	const size_t n = sizeof ascending / sizeof *ascending;

	for (size_t i = 1; i < n; i++)
		cr_assert_lt(lane_of_f64(ascending[i - 1]), lane_of_f64(ascending[i]), "%zu", i);
	cr_assert_eq(lane_of_f64(-0.0), lane_of_f64(0.0));
	cr_assert_eq(lane_of_f64(from_bits(0xfff8000000000123)), LANE_NAN);
	cr_assert_eq(lane_of_f64(from_bits(0x7ff0000000000001)), LANE_NAN);
	for (size_t i = 0; i + 1 < n; i++)
		cr_assert_eq(lane_to_f64(lane_of_f64(ascending[i])), ascending[i], "%zu", i);
	cr_assert(isnan(lane_to_f64(LANE_NAN)));
	cr_assert_eq(lane_to_f64(LANE_NAN - 1), INFINITY);
	cr_assert_eq(lane_to_f64(0), -INFINITY);
}

static uint64_t lane_of_half(uint16_t half)
{
	return lane_of_value(VALUE_FLOAT, span_of(&half, 2));
}

Test(lane, of_half_floats_is_that_of_the_same_double) /* H1 */
{
	static const struct {
		uint16_t half;
		double value;
	} cases[] = {
		{ 0x0000, 0.0 },       { 0x8000, 0.0 },       { 0x3c00, 1.0 },
		{ 0xc000, -2.0 },      { 0x7bff, 65504.0 },   { 0x0001, 0x1p-24 },
		{ 0x03ff, 0x3ffp-24 }, { 0x0400, 0x1p-14 },   { 0x3555, 0x1.554p-2 },
		{ 0x7c00, INFINITY },  { 0xfc00, -INFINITY }, { 0x8001, -0x1p-24 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_assert_eq(lane_of_half(cases[i].half), lane_of_f64(cases[i].value), "%04x",
		             cases[i].half);
	for (uint32_t half = 0x7c01; half < 0x8000; half++)
		cr_assert_eq(lane_of_half((uint16_t)half), LANE_NAN);
}

Test(lane, goes_back_to_every_half_float) /* H1 */
{
	for (uint32_t half = 0; half < 0x10000; half++) {
		uint64_t lane = lane_of_half((uint16_t)half);
		uint16_t back;

		lane_to_value(VALUE_FLOAT, 2, lane, &back);
		cr_assert_eq(lane_of_half(back), lane, "%04x became %04x", half, back);
		cr_assert((half & 0x7fff) == 0 || lane == LANE_NAN || back == half, "%04x", half);
	}
}

Test(lane, rounds_down_to_a_narrower_float)
{
	static const struct {
		double from;
		float down;
	} cases[] = {
		{ 1.0, 1.0f },
		{ 0x1.0000010p0, 1.0f }, /* between 1 and its successor */
		{ -0x1.0000010p0, -0x1.000002p0f },
		{ 1e300, 0x1.fffffep127f },
		{ -1e300, -INFINITY },
		{ 1e-300, 0.0f },
		{ -1e-300, -0x1p-149f },
		{ INFINITY, INFINITY },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		float got;

		lane_to_value(VALUE_FLOAT, 4, lane_of_f64(cases[i].from), &got);
		cr_assert_eq(got, cases[i].down, "%g: %a", cases[i].from, (double)got);
	}
}

Test(lane, of_integers_keeps_their_order_and_comes_back) /* X12 X16 */
{
	struct rng rng = { 101 };

	cr_assert_eq(lane_of_i64(INT64_MIN), 0);
	cr_assert_eq(lane_of_i64(INT64_MAX), UINT64_MAX);
	for (uint32_t width = 1; width <= 8; width *= 2)
		for (int i = 0; i < 1000; i++) {
			uint64_t a = rng_u64(&rng), b = 0, c = 0;

			lane_to_value(VALUE_SIGNED, width,
			              lane_of_value(VALUE_SIGNED, span_of(&a, width)), &b);
			lane_to_value(VALUE_UNSIGNED, width,
			              lane_of_value(VALUE_UNSIGNED, span_of(&a, width)), &c);
			cr_assert_eq(memcmp(&a, &b, width), 0);
			cr_assert_eq(memcmp(&a, &c, width), 0);
		}
	cr_assert_lt(lane_of_value(VALUE_SIGNED, span_of("\xff", 1)),
	             lane_of_value(VALUE_SIGNED, span_of("\0", 1)));
	cr_assert_lt(lane_of_value(VALUE_UNSIGNED, span_of("\0", 1)),
	             lane_of_value(VALUE_UNSIGNED, span_of("\xff", 1)));
}

Test(lane, of_bytes_orders_by_the_first_eight) /* X11 X12 */
{
	static const char *const ascending[] = { "",         "\x01",     "A",    "AA",
		                                 "B",        "JFK",      "JFKX", "a",
		                                 "abcdefgh", "abcdefgi", "\xff" };

	for (size_t i = 1; i < sizeof ascending / sizeof *ascending; i++)
		cr_assert_lt(lane_of_bytes(span_of_text(ascending[i - 1])),
		             lane_of_bytes(span_of_text(ascending[i])), "%zu", i);
	cr_assert_eq(lane_of_bytes(span_of_text("abcdefgh")),
	             lane_of_bytes(span_of_text("abcdefghij")));
}

Test(lane, of_wide_numbers_is_their_upper_half)
{
	int64_t minus_one[2] = { -1, -1 }, zero[2] = { 0, 0 }, large[2] = { 0, 1 };

	cr_assert_lt(lane_of_value(VALUE_WIDE, span_of(minus_one, 16)),
	             lane_of_value(VALUE_WIDE, span_of(zero, 16)));
	cr_assert_lt(lane_of_value(VALUE_WIDE, span_of(zero, 16)),
	             lane_of_value(VALUE_WIDE, span_of(large, 16)));
}

Test(lane, of_columns_is_that_of_each_value)
{
	static const struct {
		enum value_class class;
		uint32_t width;
	} kinds[] = { { VALUE_UNSIGNED, 1 }, { VALUE_UNSIGNED, 2 }, { VALUE_UNSIGNED, 4 },
		      { VALUE_UNSIGNED, 8 }, { VALUE_SIGNED, 1 },   { VALUE_SIGNED, 2 },
		      { VALUE_SIGNED, 4 },   { VALUE_SIGNED, 8 },   { VALUE_FLOAT, 2 },
		      { VALUE_FLOAT, 4 },    { VALUE_FLOAT, 8 },    { VALUE_BYTES, 5 },
		      { VALUE_WIDE, 16 } };
	uint8_t bytes[200 * 16];
	uint64_t lanes[200];
	struct rng rng = { 103 };

	rng_fill(&rng, bytes, sizeof bytes);
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct column c = { COLUMN_FIXED, kinds[k].width, 200, NULL, bytes, NULL, NULL };

		lanes_of_column(&c, kinds[k].class, 7, 150, lanes);
		for (size_t i = 0; i < 150; i++)
			cr_assert_eq(lanes[i],
			             lane_of_value(kinds[k].class, column_value(&c, 7 + i)),
			             "kind %zu value %zu", k, i);
	}
}

Test(lane, mask_says_which_lie_between)
{
	static const struct {
		enum value_class class;
		uint32_t width;
	} kinds[] = { { VALUE_UNSIGNED, 1 }, { VALUE_UNSIGNED, 2 }, { VALUE_UNSIGNED, 4 },
		      { VALUE_UNSIGNED, 8 }, { VALUE_SIGNED, 1 },   { VALUE_SIGNED, 2 },
		      { VALUE_SIGNED, 4 },   { VALUE_SIGNED, 8 },   { VALUE_FLOAT, 4 },
		      { VALUE_FLOAT, 8 },    { VALUE_BYTES, 5 } };
	uint8_t bytes[700 * 8], mask[700];
	uint64_t lanes[700];
	struct rng rng = { 104 };

	rng_fill(&rng, bytes, sizeof bytes);
	for (int round = 0; round < 500; round++) {
		size_t k = (size_t)round % (sizeof kinds / sizeof *kinds);
		struct column c = { COLUMN_FIXED, kinds[k].width, 700, NULL, bytes, NULL, NULL };
		uint64_t lo, hi;

		lanes_of_column(&c, kinds[k].class, 0, 700, lanes);
		lo = round % 7 == 0 ? 0 : lanes[rng_below(&rng, 700)] + rng_below(&rng, 3) - 1;
		hi = round % 5 == 0 ? UINT64_MAX : lanes[rng_below(&rng, 700)];
		memset(mask, 1, sizeof mask);
		mask[3] = 0;
		lanes_mask(&c, kinds[k].class, lo, hi, mask);
		for (size_t i = 0; i < 700; i++)
			cr_assert_eq(mask[i], i != 3 && lanes[i] >= lo && lanes[i] <= hi,
			             "round %d kind %zu value %zu", round, k, i);
	}
}

Test(stats, count_nulls_and_nan_and_bound_the_rest) /* NC2 V3 X16 */
{
	static const double values[] = { 3, NAN, -0.0, -7, NAN, 1e9, 5 };
	uint8_t validity = 0x5f; /* 1e9 is null */
	struct column c = { COLUMN_FIXED, 8, 7, &validity, (const uint8_t *)values, NULL, NULL };
	struct column_stats s;

	column_stats_of(&c, VALUE_FLOAT, &s);
	cr_assert_eq(s.n_nulls, 1);
	cr_assert_eq(s.n_nan, 2);
	cr_assert(s.has_bounds && s.exact);
	cr_assert_eq(s.min, lane_of_f64(-7));
	cr_assert_eq(s.max, LANE_NAN);
}

Test(stats, of_long_columns_see_every_value) /* NC2 */
{
	static int32_t values[3000];
	static uint8_t validity[375];
	struct column c = { COLUMN_FIXED, 4, 3000, NULL, (const uint8_t *)values, NULL, NULL };
	struct column_stats s;

	for (size_t at = 0; at < 3000; at += 499) {
		memset(values, 0, sizeof values);
		values[at] = -5;
		values[2999 - at] = 9;
		c.validity = NULL;
		column_stats_of(&c, VALUE_SIGNED, &s);
		cr_assert_eq(s.min, lane_of_i64(-5));
		cr_assert_eq(s.max, lane_of_i64(9));
		memset(validity, 0xff, sizeof validity);
		bitmap_clear(validity, at);
		c.validity = validity;
		column_stats_of(&c, VALUE_SIGNED, &s);
		cr_assert_eq(s.min, lane_of_i64(0), "a null does not count");
		cr_assert_eq(s.n_nulls, 1);
	}
}

static const struct {
	const char *name;
	int32_t offsets[3];
	const char *bytes;
	uint8_t validity;
	bool has_bounds, exact;
} texts[] = {
	{ "short", { 0, 3, 8 }, "abcdefgh", 3, true, true },
	{ "of eight", { 0, 0, 8 }, "abcdefgh", 3, true, true },
	{ "of nine", { 0, 0, 9 }, "abcdefghi", 3, true, false },
	{ "ending in zero", { 0, 1, 3 }, "ab\0", 3, true, false },
	{ "of nine, but null", { 0, 1, 10 }, "abcdefghij", 1, true, true },
	{ "all null", { 0, 0, 0 }, "", 0, false, false },
};

Test(stats, of_strings_are_exact_where_lanes_tell_all) /* NC2 */
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct column c = { COLUMN_BYTES,
			            0,
			            2,
			            &texts[i].validity,
			            (const uint8_t *)texts[i].bytes,
			            texts[i].offsets,
			            NULL };
		struct column_stats s;

		column_stats_of(&c, VALUE_BYTES, &s);
		cr_assert_eq(s.has_bounds, texts[i].has_bounds, "%s", texts[i].name);
		cr_assert_eq(s.exact, texts[i].exact, "%s", texts[i].name);
	}
}

Test(stats, of_nothing_and_of_what_has_no_order_are_absent) /* NC2 */
{
	uint64_t values[] = { 1, 2 };
	struct column c = { COLUMN_FIXED, 8, 2, NULL, (const uint8_t *)values, NULL, NULL };
	struct column_stats s;

	column_stats_of(&c, VALUE_OPAQUE, &s);
	cr_assert_not(s.has_bounds);
	c.n = 0;
	column_stats_of(&c, VALUE_SIGNED, &s);
	cr_assert_not(s.has_bounds || s.exact);
	c = (struct column){ COLUMN_FIXED, 16, 1, NULL, (const uint8_t *)values, NULL, NULL };
	column_stats_of(&c, VALUE_WIDE, &s);
	cr_assert(s.has_bounds && !s.exact);
}
