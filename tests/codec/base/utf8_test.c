#include "codec/base/utf8.h"
#include <criterion/criterion.h>

static const struct {
	const char *name, *text;
	size_t valid; /* bytes of the valid prefix */
} cases[] = {
	{ "empty", "", 0 },
	{ "ascii", "plain text, longer than eight bytes", 35 },
	{ "two bytes", "\xc2\x80\xdf\xbf", 4 },
	{ "three bytes", "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12 },
	{ "four bytes", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8 },
	{ "after a word of ascii", "12345678\xc3\xa9", 10 },
	{ "lone continuation", "a\x80", 1 },
	{ "over-long two", "\xc1\xbf", 0 },
	{ "over-long three", "\xe0\x9f\xbf", 0 },
	{ "over-long four", "\xf0\x8f\xbf\xbf", 0 },
	{ "surrogate", "ab\xed\xa0\x80", 2 },
	{ "above the last", "\xf4\x90\x80\x80", 0 },
	{ "no such head", "\xf5\x80\x80\x80", 0 },
	{ "cut off", "1234567890\xe2\x82", 10 },
	{ "bad third byte", "\xe2\x82\x28", 0 },
	{ "latin-1 among ascii", "12345678abc\xe9xyz", 11 },
};

Test(utf8, finds_the_valid_prefix) /* PACK-6 */
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span text = span_of_text(cases[i].text);

		cr_assert_eq(utf8_valid_len(text), cases[i].valid, "%s", cases[i].name);
		cr_assert_eq(utf8_valid(text), cases[i].valid == text.len, "%s", cases[i].name);
	}
}
