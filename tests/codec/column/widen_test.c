#include "codec/column/widen.h"
#include <criterion/criterion.h>
#include <math.h>

static const struct {
	const char *name;
	enum value_class class;
	uint32_t from, to;
	uint8_t narrow[4], wide[8];
} vectors[] = {
	{ "-1", VALUE_SIGNED, 1, 2, { 0xff }, { 0xff, 0xff } },
	{ "127", VALUE_SIGNED, 1, 4, { 0x7f }, { 0x7f } },
	{ "-128", VALUE_SIGNED, 1, 8, { 0x80 }, { 0x80, 255, 255, 255, 255, 255, 255, 255 } },
	{ "-2", VALUE_SIGNED, 2, 4, { 0xfe, 0xff }, { 0xfe, 255, 255, 255 } },
	{ "-32768", VALUE_SIGNED, 2, 8, { 0, 0x80 }, { 0, 0x80, 255, 255, 255, 255, 255, 255 } },
	{ "lowest", VALUE_SIGNED, 4, 8, { 0, 0, 0, 0x80 }, { 0, 0, 0, 0x80, 255, 255, 255, 255 } },
	{ "255", VALUE_UNSIGNED, 1, 2, { 0xff }, { 0xff } },
	{ "200", VALUE_UNSIGNED, 1, 4, { 200 }, { 200 } },
	{ "128", VALUE_UNSIGNED, 1, 8, { 0x80 }, { 0x80 } },
	{ "65535", VALUE_UNSIGNED, 2, 4, { 0xff, 0xff }, { 0xff, 0xff } },
	{ "32768", VALUE_UNSIGNED, 2, 8, { 0, 0x80 }, { 0, 0x80 } },
	{ "highest", VALUE_UNSIGNED, 4, 8, { 255, 255, 255, 255 }, { 255, 255, 255, 255 } },
	{ "1.0", VALUE_FLOAT, 2, 4, { 0, 0x3c }, { 0, 0, 0x80, 0x3f } },
	{ "-0.0", VALUE_FLOAT, 2, 8, { 0, 0x80 }, { 0, 0, 0, 0, 0, 0, 0, 0x80 } },
	{ "least f16", VALUE_FLOAT, 2, 4, { 1, 0 }, { 0, 0, 0x80, 0x33 } },
	{ "quiet f16", VALUE_FLOAT, 2, 4, { 1, 0xfe }, { 0, 0x20, 0xc0, 0xff } },
	{ "signalling f16", VALUE_FLOAT, 2, 4, { 1, 0x7c }, { 0, 0x20, 0x80, 0x7f } },
	{ "signalling f16", VALUE_FLOAT, 2, 8, { 1, 0x7c }, { 0, 0, 0, 0, 0, 4, 0xf0, 0x7f } },
	{ "-0.0f", VALUE_FLOAT, 4, 8, { 0, 0, 0, 0x80 }, { 0, 0, 0, 0, 0, 0, 0, 0x80 } },
	{ "least f32", VALUE_FLOAT, 4, 8, { 1 }, { 0, 0, 0, 0, 0, 0, 0xa0, 0x36 } },
	{ "-inf", VALUE_FLOAT, 4, 8, { 0, 0, 0x80, 0xff }, { 0, 0, 0, 0, 0, 0, 0xf0, 0xff } },
	{ "signalling f32",
	  VALUE_FLOAT,
	  4,
	  8,
	  { 1, 0, 0x80, 0x7f },
	  { 0, 0, 0, 0x20, 0, 0, 0xf0, 0x7f } },
	{ "quiet f32", VALUE_FLOAT, 4, 8, { 0, 0, 0xc0, 0xff }, { 0, 0, 0, 0, 0, 0, 0xf8, 0xff } },
};

/* Many of one value, so that the loops' wide parts and tails are both taken. */
Test(widen, agrees_with_the_vectors) /* ALTER-4 */
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		uint8_t narrow[37 * 4], wide[37 * 8 + 1];

		for (size_t k = 0; k < 37; k++)
			memcpy(narrow + k * vectors[i].from, vectors[i].narrow, vectors[i].from);
		memset(wide, 0xa5, sizeof wide);
		cr_assert(widen_possible(vectors[i].class, vectors[i].from, vectors[i].to));
		widen_values(vectors[i].class, vectors[i].from, vectors[i].to, narrow, 37, wide);
		for (size_t k = 0; k < 37; k++)
			cr_assert_arr_eq(wide + k * vectors[i].to, vectors[i].wide, vectors[i].to,
			                 "%s, value %zu", vectors[i].name, k);
		cr_assert_eq(wide[37 * vectors[i].to], 0xa5, "%s", vectors[i].name);
	}
}

Test(widen, keeps_the_lane_of_every_half) /* ALTER-4: statistics hold */
{
	for (uint32_t bits = 0; bits < 65536; bits++) {
		uint16_t half = (uint16_t)bits;
		uint8_t f32[4], f64[8];
		struct span narrow = { (const uint8_t *)&half, 2 };
		uint64_t lane = lane_of_value(VALUE_FLOAT, narrow);

		widen_values(VALUE_FLOAT, 2, 4, narrow.at, 1, f32);
		widen_values(VALUE_FLOAT, 2, 8, narrow.at, 1, f64);
		cr_assert_eq(lane_of_value(VALUE_FLOAT, span_of(f32, 4)), lane, "%x", bits);
		cr_assert_eq(lane_of_value(VALUE_FLOAT, span_of(f64, 8)), lane, "%x", bits);
		cr_assert_eq(f32[3] >> 7, bits >> 15, "sign of %x", bits);
		cr_assert_eq(f64[7] >> 7, bits >> 15, "sign of %x", bits);
	}
}

Test(widen, every_other_pair_is_refused_and_writes_nothing)
{
	static const struct {
		enum value_class class;
		uint32_t from, to;
	} refused[] = { { VALUE_SIGNED, 4, 4 },    { VALUE_SIGNED, 8, 4 }, { VALUE_UNSIGNED, 3, 8 },
		        { VALUE_UNSIGNED, 4, 16 }, { VALUE_FLOAT, 1, 2 },  { VALUE_FLOAT, 8, 8 },
		        { VALUE_WIDE, 8, 16 },     { VALUE_BYTES, 1, 2 },  { VALUE_OPAQUE, 4, 8 },
		        { VALUE_SIGNED, 0, 8 } };

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		uint8_t from[16] = { 1 }, to[16];

		memset(to, 0xa5, sizeof to);
		cr_assert_not(widen_possible(refused[i].class, refused[i].from, refused[i].to));
		widen_values(refused[i].class, refused[i].from, refused[i].to, from, 1, to);
		cr_assert_eq(to[0], 0xa5);
	}
}
