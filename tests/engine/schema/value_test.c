#include "engine/schema/schema.h"
#include <criterion/criterion.h>
#include <math.h>
#include "tests/support/values.h"

static struct field field_of(teg_data_type type)
{
	struct field f = { .type = type };

	cr_assert(type_layout(&type, &f.shape, &f.width, &f.class));
	return f;
}

static const struct {
	teg_type type;
	teg_value value;
	bool fits;
	uint64_t bits; /* stored, little-endian */
} numbers[] = {
	/* X12: extremes */
	{ TEG_INT8, I(-128), true, 0x80 },
	{ TEG_INT8, I(127), true, 0x7f },
	{ TEG_INT8, I(-129), false, 0 },
	{ TEG_INT8, I(128), false, 0 },
	{ TEG_INT16, I(-32768), true, 0x8000 },
	{ TEG_INT16, U(32768), false, 0 },
	{ TEG_INT32, I(INT32_MIN), true, 0x80000000 },
	{ TEG_INT32, I((int64_t)INT32_MAX + 1), false, 0 },
	{ TEG_INT64, I(INT64_MIN), true, 0x8000000000000000u },
	{ TEG_INT64, I(INT64_MAX), true, INT64_MAX },
	{ TEG_INT64, U((uint64_t)INT64_MAX + 1), false, 0 },
	{ TEG_INT64, F(1), false, 0 },
	{ TEG_UINT8, I(255), true, 255 },
	{ TEG_UINT8, I(256), false, 0 },
	{ TEG_UINT8, I(-1), false, 0 },
	{ TEG_UINT64, U(UINT64_MAX), true, UINT64_MAX },
	{ TEG_UINT64, I(INT64_MIN), false, 0 },
	{ TEG_DATE32, I(INT32_MIN), true, 0x80000000 },
	{ TEG_DATE32, { .type = TEG_TIMESTAMP, .as.i = 3 }, false, 0 },
	{ TEG_TIMESTAMP, { .type = TEG_TIMESTAMP, .as.i = -3 }, true, (uint64_t)-3 },
	{ TEG_TIMESTAMP, { .type = TEG_DATE32, .as.i = 3 }, false, 0 },
	{ TEG_DURATION, { .type = TEG_DURATION, .as.i = 3 }, true, 3 },
	{ TEG_INT64, { .type = TEG_TIMESTAMP, .as.i = 3 }, false, 0 },
	{ TEG_BOOL, { .type = TEG_BOOL, .as.i = 1 }, true, 1 },
	{ TEG_BOOL, { .type = TEG_BOOL, .as.i = 2 }, false, 0 },
	{ TEG_BOOL, I(1), false, 0 },
	{ TEG_INT8, { .type = TEG_BOOL, .as.i = 1 }, false, 0 },
	{ TEG_FLOAT64, F(-0.0), true, 0x8000000000000000u },
	{ TEG_FLOAT64, I(INT64_C(1) << 53), true, 0x4340000000000000u },
	{ TEG_FLOAT64, I((INT64_C(1) << 53) + 1), false, 0 },
	{ TEG_FLOAT64, I(INT64_MIN), true, 0xc3e0000000000000u },
	{ TEG_FLOAT64, U(UINT64_MAX), false, 0 },
	{ TEG_FLOAT64, U(UINT64_MAX - 2047), true, 0x43efffffffffffffu },
	{ TEG_FLOAT32, F(0.5), true, 0x3f000000 },
	{ TEG_FLOAT32, F(0.1), false, 0 },
	{ TEG_FLOAT32, F(1e300), false, 0 },
	{ TEG_FLOAT32, F(-INFINITY), true, 0xff800000 },
	{ TEG_FLOAT32, I(16777217), false, 0 },
	{ TEG_FLOAT16, F(1.0), true, 0x3c00 },
	{ TEG_FLOAT16, F(-0.0), true, 0x8000 },
	{ TEG_FLOAT16, F(65504), true, 0x7bff },
	{ TEG_FLOAT16, F(65505), false, 0 },
	{ TEG_FLOAT16, F(5.9604644775390625e-08), true, 1 },
	{ TEG_FLOAT16, F(1e-8), false, 0 },
	{ TEG_FLOAT16, F(NAN), true, 0x7e00 },
};

Test(value, numbers_are_stored_exactly_or_not_at_all)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct field f = field_of((teg_data_type){ .type = numbers[i].type });
		uint8_t room[16] = { 0 };
		struct span bytes;
		uint64_t lane, stored = 0;
		teg_value back;

		cr_assert_eq(value_bytes(&f, &numbers[i].value, room, &bytes), numbers[i].fits,
		             "%zu", i);
		cr_assert_eq(value_lane(&f, &numbers[i].value, &lane), numbers[i].fits, "%zu", i);
		if (!numbers[i].fits)
			continue;
		memcpy(&stored, bytes.at, bytes.len);
		cr_assert_eq(stored, numbers[i].bits, "%zu: %llx", i, (unsigned long long)stored);
		cr_assert_eq(lane, lane_of_value(f.class, bytes));
		back = value_of_bytes(&f, bytes);
		cr_assert_eq(back.type, numbers[i].type);
		cr_assert(value_bytes(&f, &back, room, &bytes));
		stored = 0;
		memcpy(&stored, bytes.at, bytes.len);
		cr_assert_eq(stored, numbers[i].bits, "%zu back: %llx", i,
		             (unsigned long long)stored);
	}
}

Test(value, bytes_and_text)
{
	struct field text = field_of((teg_data_type){ .type = TEG_UTF8 });
	struct field bytes = field_of((teg_data_type){ .type = TEG_BYTES });
	struct field three = field_of((teg_data_type){ .type = TEG_FIXED_BYTES, .fixed_len = 3 });
	struct field decimal = field_of((teg_data_type){ .type = TEG_DECIMAL128, .precision = 9 });
	teg_value jfk = { .type = TEG_UTF8, .as.bytes = { "JFK", 3 } };
	teg_value raw = { .type = TEG_BYTES, .as.bytes = { "\xff\0\1", 3 } };
	teg_value sixteen = { .type = TEG_DECIMAL128, .as.bytes = { "0123456789abcdef", 16 } };
	teg_value latin = { .type = TEG_UTF8, .as.bytes = { "\xe9", 1 } };
	teg_value empty = { .type = TEG_UTF8 };
	uint8_t room[16];
	struct span out;

	cr_assert(value_bytes(&text, &jfk, room, &out) &&
	          out.at == (const uint8_t *)jfk.as.bytes.at);
	cr_assert(value_bytes(&text, &empty, room, &out) && out.at && !out.len);
	cr_assert_not(value_bytes(&text, &latin, room, &out));
	cr_assert_not(value_bytes(&text, &raw, room, &out));
	cr_assert_not(value_bytes(&bytes, &jfk, room, &out));
	cr_assert(value_bytes(&bytes, &raw, room, &out));
	cr_assert(value_bytes(&three, &raw, room, &out));
	raw.as.bytes.len = 2;
	cr_assert_not(value_bytes(&three, &raw, room, &out));
	cr_assert(value_bytes(&decimal, &sixteen, room, &out) && out.len == 16);
	sixteen.as.bytes.len = 15;
	cr_assert_not(value_bytes(&decimal, &sixteen, room, &out));
}

Test(value, a_lane_gives_its_value_back)
{
	struct field i32 = field_of((teg_data_type){ .type = TEG_INT32 });
	struct field f32 = field_of((teg_data_type){ .type = TEG_FLOAT32 });
	struct field text = field_of((teg_data_type){ .type = TEG_UTF8 });
	struct field wide = field_of((teg_data_type){ .type = TEG_DECIMAL128, .precision = 3 });
	teg_value value = I(-77);
	uint8_t room[8];
	uint64_t lane;

	cr_assert(value_lane(&i32, &value, &lane));
	cr_assert_eq(value_of_lane(&i32, lane, room).as.i, -77);
	value = (teg_value)F(-2.5);
	cr_assert(value_lane(&f32, &value, &lane));
	cr_assert_eq(value_of_lane(&f32, lane, room).as.f, -2.5);
	value = (teg_value){ .type = TEG_UTF8, .as.bytes = { "abc", 3 } };
	cr_assert(value_lane(&text, &value, &lane));
	value = value_of_lane(&text, lane, room);
	cr_assert_eq(value.as.bytes.len, 3);
	cr_assert_arr_eq(value.as.bytes.at, "abc", 3);
	cr_assert_eq(value_of_lane(&wide, 5, room).type, 0);
}

Test(value, types_have_names_and_compare)
{
	static const struct {
		teg_data_type type;
		const char *name;
	} cases[] = {
		{ { .type = TEG_INT64 }, "int64" },
		{ { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "UTC" },
		  "timestamp[us, UTC]" },
		{ { .type = TEG_TIMESTAMP, .unit = TEG_MICRO }, "timestamp[us]" },
		{ { .type = TEG_TIMESTAMP, .unit = TEG_NANO }, "timestamp[ns]" },
		{ { .type = TEG_DURATION, .unit = TEG_MILLI }, "duration[ms]" },
		{ { .type = TEG_DECIMAL128, .precision = 10, .scale = 2 }, "decimal128(10, 2)" },
		{ { .type = TEG_DECIMAL128, .precision = 10, .scale = 3 }, "decimal128(10, 3)" },
		{ { .type = TEG_FIXED_BYTES, .fixed_len = 16 }, "fixed_bytes[16]" },
		{ { .type = TEG_FIXED_BYTES, .fixed_len = 17 }, "fixed_bytes[17]" },
		{ { .type = (teg_type)99 }, "unknown" },
	};
	size_t n = sizeof cases / sizeof *cases;
	teg_data_type zoned = { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "" };
	char name[64];

	for (size_t i = 0; i < n; i++) {
		type_name(&cases[i].type, name, sizeof name);
		cr_assert_str_eq(name, cases[i].name);
		for (size_t j = 0; j < n; j++)
			cr_assert_eq(type_equal(&cases[i].type, &cases[j].type), i == j);
	}
	cr_assert(type_equal(&zoned, &cases[2].type), "no zone and an empty zone are the same");
	type_name(&cases[1].type, name, 8);
	cr_assert_str_eq(name, "timesta");
}
