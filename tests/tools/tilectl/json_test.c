#include "tools/tilectl/json.h"
#include <criterion/criterion.h>
#include <string.h>

static const struct {
	const char *bytes, *quoted;
} strings[] = {
	{ "", "\"\"" },
	{ "a/b", "\"a/b\"" },
	{ "\"\\", "\"\\\"\\\\\"" },
	{ "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"" },
	{ "\x1f\x7f", "\"\\u001f\\u007f\"" },
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "a\xff", "\"a\xef\xbf\xbd\"" },                               /* no such byte */
	{ "\xc3", "\"\xef\xbf\xbd\"" },                                 /* cut off */
	{ "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },                 /* over-long */
	{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* half a surrogate pair */
	{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

Test(json, quotes_strings)
{
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		struct text out = { NULL, 0, 0 };

		json_quote(&out, strings[i].bytes, strlen(strings[i].bytes));
		cr_expect_str_eq(out.at, strings[i].quoted);
		text_free(&out);
	}
}

Test(json, quotes_a_nul_inside)
{
	struct text out = { NULL, 0, 0 };

	json_quote(&out, "a\0b", 3);
	cr_expect_str_eq(out.at, "\"a\\u0000b\"");
	text_free(&out);
}

Test(json, sets_commas_at_every_depth)
{
	struct text out = { NULL, 0, 0 };
	struct json json;

	json_init(&json, &out);
	json_open_object(&json);
	json_key(&json, "a");
	json_open_array(&json);
	json_bare(&json, "1", 1);
	json_open_array(&json);
	json_close_array(&json);
	json_open_object(&json);
	json_close_object(&json);
	json_close_array(&json);
	json_key(&json, "b");
	json_quoted(&json, "c", 1);
	json_close_object(&json);
	cr_expect_str_eq(out.at, "{\"a\":[1,[],{}],\"b\":\"c\"}");
	text_free(&out);
}
