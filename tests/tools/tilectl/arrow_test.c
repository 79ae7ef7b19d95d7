#include "tools/tilectl/arrow.h"
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Two values, the second of which the offset makes row 0, and a null after it. */
#define OFFSET 1

static const struct {
	const char *format;
	const void *values, *data;
	enum form form;
	const char *text;
} cells[] = {
	{ "b", (const uint8_t[]){ 2 }, NULL, FORM_BARE, "true" },
	{ "c", (const int8_t[]){ 0, -128 }, NULL, FORM_BARE, "-128" },
	{ "C", (const uint8_t[]){ 0, 255 }, NULL, FORM_BARE, "255" },
	{ "s", (const int16_t[]){ 0, -32768 }, NULL, FORM_BARE, "-32768" },
	{ "S", (const uint16_t[]){ 0, 65535 }, NULL, FORM_BARE, "65535" },
	{ "i", (const int32_t[]){ 0, INT32_MIN }, NULL, FORM_BARE, "-2147483648" },
	{ "I", (const uint32_t[]){ 0, UINT32_MAX }, NULL, FORM_BARE, "4294967295" },
	{ "l", (const int64_t[]){ 0, INT64_MIN }, NULL, FORM_QUOTED, "-9223372036854775808" },
	{ "L", (const uint64_t[]){ 0, UINT64_MAX }, NULL, FORM_QUOTED, "18446744073709551615" },
	{ "e", (const uint16_t[]){ 0, 0x3c00 }, NULL, FORM_BARE, "1.0" },
	{ "e", (const uint16_t[]){ 0, 0x7e01 }, NULL, FORM_QUOTED, "NaN" },
	{ "f", (const float[]){ 0, 0.1f }, NULL, FORM_BARE, "0.1" },
	{ "g", (const double[]){ 0, -0.0 }, NULL, FORM_BARE, "-0.0" },
	{ "g", (const double[]){ 0, -INFINITY }, NULL, FORM_QUOTED, "-Infinity" },
	{ "d:10,2", (const uint64_t[]){ 0, 0, UINT64_MAX, UINT64_MAX }, NULL, FORM_QUOTED,
	  "-0.01" },
	{ "d:10,2,128", (const uint64_t[]){ 0, 0, 5, 0 }, NULL, FORM_QUOTED, "0.05" },
	{ "u", (const int32_t[]){ 0, 2, 5 }, "abcde", FORM_QUOTED, "cde" },
	{ "u", (const int32_t[]){ 0, 0, 0 }, NULL, FORM_QUOTED, "" },
	{ "U", (const int64_t[]){ 0, 2, 5 }, "abcde", FORM_QUOTED, "cde" },
	{ "z", (const int32_t[]){ 0, 2, 5 }, "abcde", FORM_QUOTED, "Y2Rl" },
	{ "Z", (const int64_t[]){ 0, 2, 5 }, "abcde", FORM_QUOTED, "Y2Rl" },
	{ "w:2", "abcd", NULL, FORM_QUOTED, "Y2Q=" },
	{ "tdD", (const int32_t[]){ 0, -1 }, NULL, FORM_QUOTED, "1969-12-31" },
	{ "tss:", (const int64_t[]){ 0, 1 }, NULL, FORM_QUOTED, "1970-01-01T00:00:01" },
	{ "tsm:UTC", (const int64_t[]){ 0, 1 }, NULL, FORM_QUOTED, "1970-01-01T00:00:00.001Z" },
	{ "tsu:Europe/Berlin", (const int64_t[]){ 0, 1 }, NULL, FORM_QUOTED,
	  "1970-01-01T00:00:00.000001Z" },
	{ "tsn:", (const int64_t[]){ 0, 1 }, NULL, FORM_QUOTED, "1970-01-01T00:00:00.000000001" },
	{ "tDm", (const int64_t[]){ 0, -1500 }, NULL, FORM_QUOTED, "-1500" },
};

Test(arrow, prints_every_type)
{
	for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
		const void *buffers[] = { (const uint8_t[]){ 0x02 }, cells[i].values,
			                  cells[i].data };
		struct ArrowArray array = { .length = 2,
			                    .null_count = -1,
			                    .offset = OFFSET,
			                    .n_buffers = 3,
			                    .buffers = buffers };
		struct ArrowSchema field = { .format = cells[i].format, .name = "c" };
		struct arrow_column column;
		struct text out = { NULL, 0, 0 };
		struct why why = { "" };

		cr_assert(arrow_column_init(&column, &field, false, TIMES_RFC3339, &why), "%s",
		          cells[i].format);
		cr_expect_eq(arrow_add_cell(&out, &column, &array, 0), cells[i].form, "%s",
		             cells[i].format);
		cr_expect_str_eq(text_string(&out), cells[i].text);
		text_clear(&out);
		cr_expect_eq(arrow_add_cell(&out, &column, &array, 1), FORM_NULL, "%s",
		             cells[i].format);
		cr_expect_eq(out.len, 0);
		text_free(&out);
	}
}

Test(arrow, prints_times_as_integers_where_asked)
{
	const void *buffers[] = { NULL, (const int64_t[]){ 1500 } };
	struct ArrowArray array = { .length = 1, .n_buffers = 2, .buffers = buffers };
	struct ArrowSchema field = { .format = "tsm:UTC", .name = "c" };
	struct arrow_column column;
	struct text out = { NULL, 0, 0 };
	struct why why;

	cr_assert(arrow_column_init(&column, &field, false, TIMES_INT, &why));
	cr_expect_eq(arrow_add_cell(&out, &column, &array, 0), FORM_QUOTED);
	cr_expect_str_eq(out.at, "1500");
	text_free(&out);
}

Test(arrow, names_row_kinds)
{
	const void *buffers[] = { NULL, (const uint8_t[]){ 0, 1, 2, 3 } };
	struct ArrowArray array = { .length = 4, .n_buffers = 2, .buffers = buffers };
	struct ArrowSchema field = { .format = "C", .name = "row_kind" };
	struct arrow_column column;
	struct text out = { NULL, 0, 0 };
	struct why why;

	cr_assert(arrow_column_init(&column, &field, true, TIMES_RFC3339, &why));
	for (int64_t i = 0; i < 4; i++) {
		cr_expect_eq(arrow_add_cell(&out, &column, &array, i), FORM_QUOTED);
		text_adds(&out, " ");
	}
	cr_expect_str_eq(out.at, "live tombstone erased 3 ");
	text_free(&out);
}

Test(arrow, refuses_by_name_what_it_cannot_print)
{
	static const char *const formats[] = { "",       "n",         "vu",  "+vl", "+m",  "+w:x",
		                               "d:40,2", "d:9,2,256", "w:x", "tdm", "ttu", "tiM",
		                               "tsx:",   "ts",        "tDx", "bb" };
	struct arrow_column column;
	struct why why;

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct ArrowSchema field = { .format = formats[i], .name = "odd" };

		cr_expect_not(arrow_column_init(&column, &field, false, TIMES_RFC3339, &why), "%s",
		              formats[i]);
		cr_expect(strstr(why.text, "'odd'"), "%s", why.text);
	}
}
