#include "tools/tilectl/box.h"
#include <criterion/criterion.h>
#include <string.h>

static const teg_dimension dimensions[] = {
	{ .name = "x", .type = { .type = TEG_INT64 } },
	{ .name = "t", .type = { .type = TEG_TIMESTAMP, .unit = TEG_SECOND, .zone = "UTC" } },
	{ .name = "a b", .type = { .type = TEG_UTF8 } },
	{ .name = "k", .type = { .type = TEG_BYTES } },
	{ .name = "u", .type = { .type = TEG_UINT8 } },
	{ .name = "f", .type = { .type = TEG_FLOAT32 } },
	{ .name = "d", .type = { .type = TEG_DATE32 } },
};
#define N (sizeof dimensions / sizeof *dimensions)

static const struct {
	const char *text;
	int code;
	const char *box; /* as box_add writes the dimensions that are named */
} boxes[] = {
	{ "x=1:5", EXIT_OK, "x=1:5" },
	{ "x=5", EXIT_OK, "x=5:5" },
	{ "x=-3:", EXIT_OK, "x=-3:" },
	{ "x=:10", EXIT_OK, "x=:10" },
	{ "x=:", EXIT_OK, "x=:" },
	{ "u=255,x=1", EXIT_OK, "x=1:1,u=255:255" },
	{ "t='1970-01-01T00:00:00Z':'1970-01-02T00:00:00Z'", EXIT_OK,
	  "t='1970-01-01T00:00:00Z':'1970-01-02T00:00:00Z'" },
	{ "t=1970-01-01/1970-01-02", EXIT_OK, "t='1970-01-01T00:00:00Z':'1970-01-02T00:00:00Z'" },
	{ "t=1970-01-01T00:00:00Z/1970-01-01T00:00:09Z", EXIT_OK,
	  "t='1970-01-01T00:00:00Z':'1970-01-01T00:00:09Z'" },
	{ "t=0:9", EXIT_OK, "t='1970-01-01T00:00:00Z':'1970-01-01T00:00:09Z'" },
	{ "t=/9", EXIT_OK, "t=:'1970-01-01T00:00:09Z'" },
	{ "d=1970-01-02", EXIT_OK, "d=1970-01-02:1970-01-02" },
	{ "d=1970-01-02/", EXIT_OK, "d=1970-01-02:" },
	{ "\"a b\"=a/b:c", EXIT_OK, "\"a b\"='a/b':c" },
	{ "\"a b\"='it''s, : here'", EXIT_OK, "\"a b\"='it''s, : here':'it''s, : here'" },
	{ "\"a b\"=''", EXIT_OK, "\"a b\"='':''" },
	{ "k=x'00ff'", EXIT_OK, "k=x'00ff':x'00ff'" },
	{ "\"a b\"=x'6100'", EXIT_OK, "\"a b\"=x'6100':x'6100'" },
	{ "\"a b\"=x'61ff'", EXIT_USAGE, NULL }, /* not UTF-8 */
	{ "k=ab", EXIT_OK, "k=x'6162':x'6162'" },
	{ "f=0.1:Infinity", EXIT_OK, "f=0.1:Infinity" },

	{ "y=1", EXIT_FAILED, NULL },
	{ "", EXIT_USAGE, NULL },
	{ "x", EXIT_USAGE, NULL },
	{ "x=", EXIT_USAGE, NULL },
	{ "=1", EXIT_USAGE, NULL },
	{ "x=1,", EXIT_USAGE, NULL },
	{ "x=1:2:3", EXIT_USAGE, NULL },
	{ "x=1.5", EXIT_USAGE, NULL },
	{ "x=9223372036854775808", EXIT_USAGE, NULL },
	{ "x=1,x=2", EXIT_USAGE, NULL },
	{ "u=256", EXIT_USAGE, NULL },
	{ "u=-1", EXIT_USAGE, NULL },
	{ "f=nan", EXIT_USAGE, NULL },
	{ "t=1970-01-01T00:00:00Z", EXIT_USAGE, NULL }, /* colons without quotes */
	{ "t='1970-01-01T00:00:00'", EXIT_USAGE, NULL },
	{ "t='1970-01-01T00:00:00.5Z'", EXIT_USAGE, NULL },
	{ "k=x'0'", EXIT_USAGE, NULL },
	{ "k=x'0g'", EXIT_USAGE, NULL },
	{ "x='1", EXIT_USAGE, NULL },
	{ "\"a b\"='a'b", EXIT_USAGE, NULL },
};

static void write_named(struct text *out, const struct box *box)
{
	for (size_t d = 0; d < box->n; d++)
		if (box->named[d]) {
			text_adds(out, out->len ? "," : "");
			box_add(out, &dimensions[d], &box->range[d], 1);
		}
}

Test(box, reads_what_it_writes)
{
	for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
		struct text out = { NULL, 0, 0 };
		struct why why = { "" };
		struct box box;

		cr_expect_eq(box_read(boxes[i].text, dimensions, N, &box, &why), boxes[i].code,
		             "%s: %s", boxes[i].text, why.text);
		cr_expect_eq(why.text[0] != '\0', boxes[i].code != EXIT_OK, "%s", boxes[i].text);
		if (boxes[i].code == EXIT_OK) {
			write_named(&out, &box);
			cr_expect_str_eq(text_string(&out), boxes[i].box);
		}
		box_release(&box);
		text_free(&out);
	}
}

Test(box, a_point_needs_one_value_for_every_dimension)
{
	static const struct {
		const char *text;
		int code;
	} points[] = {
		{ "x=1,t=7", EXIT_OK },      { "t=7,x=1", EXIT_OK },     { "x=1", EXIT_USAGE },
		{ "x=1:2,t=7", EXIT_USAGE }, { "x=1:,t=7", EXIT_USAGE }, { "x=1,y=2", EXIT_FAILED },
	};

	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		teg_value key[2];
		struct why why;
		struct box box;

		cr_expect_eq(box_read_point(points[i].text, dimensions, 2, &box, key, &why),
		             points[i].code, "%s", points[i].text);
		if (points[i].code == EXIT_OK) {
			cr_expect_eq(key[0].as.i, 1);
			cr_expect_eq(key[1].as.i, 7);
		}
		box_release(&box);
	}
}
