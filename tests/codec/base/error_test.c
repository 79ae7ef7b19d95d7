#include "codec/base/error.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool whole_utf8(const char *text)
{
	for (size_t i = 0; text[i];) {
		unsigned char c = (unsigned char)text[i];
		size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;

		if (!len)
			return false;
		for (size_t k = 1; k < len; k++)
			if (((unsigned char)text[i + k] & 0xc0) != 0x80)
				return false;
		i += len;
	}
	return true;
}

Test(error, says_what_and_where)
{
	teg_error err;

	memset(&err, 0xff, sizeof err);
	cr_assert_eq(teg_fail(&err, TEG_CORRUPT, "page %d: checksum differs", 7), TEG_CORRUPT);
	cr_assert_eq(err.status, TEG_CORRUPT);
	cr_assert_str_eq(err.message, "page 7: checksum differs");
	cr_assert_eq(err.os_errno, 0);
	cr_assert_eq(err.offset, -1);
	cr_assert_eq(err.row, -1);
	cr_assert_str_empty(err.file);
	cr_assert_str_empty(err.array);
	cr_assert_str_empty(err.column);
}

Test(error, adds_the_reason_of_the_system)
{
	teg_error err;

	cr_assert_eq(teg_fail_os(&err, ENOENT, "open %s", "a"), TEG_IO);
	cr_assert_eq(err.os_errno, ENOENT);
	cr_assert_str_eq(err.message, "open a: No such file or directory");
	teg_fail_os(&err, 123456, "open a");
	cr_assert_eq(strncmp(err.message, "open a: ", 8), 0);
	cr_assert_gt(strlen(err.message), 8);
}

Test(error, layers_above_fill_only_what_is_empty)
{
	teg_error err;

	teg_fail(&err, TEG_SCHEMA, "too long");
	cr_assert_eq(error_in_column(&err, TEG_SCHEMA, "geometry"), TEG_SCHEMA);
	cr_assert_eq(error_in_column(&err, TEG_SCHEMA, "other"), TEG_SCHEMA);
	cr_assert_eq(error_in_array(&err, TEG_SCHEMA, "flights"), TEG_SCHEMA);
	cr_assert_eq(error_in_array(&err, TEG_SCHEMA, "other"), TEG_SCHEMA);
	cr_assert_eq(error_in_file(&err, TEG_SCHEMA, "segments/1"), TEG_SCHEMA);
	cr_assert_eq(error_in_file(&err, TEG_SCHEMA, "other"), TEG_SCHEMA);
	cr_assert_eq(error_at_row(&err, TEG_SCHEMA, 0), TEG_SCHEMA);
	cr_assert_eq(error_at_row(&err, TEG_SCHEMA, 9), TEG_SCHEMA);
	cr_assert_eq(error_at_offset(&err, TEG_SCHEMA, 12), TEG_SCHEMA);
	cr_assert_eq(error_at_offset(&err, TEG_SCHEMA, 13), TEG_SCHEMA);
	cr_assert_str_eq(err.column, "geometry");
	cr_assert_str_eq(err.array, "flights");
	cr_assert_str_eq(err.file, "segments/1");
	cr_assert_eq(err.row, 0);
	cr_assert_eq(err.offset, 12);
	cr_assert_str_eq(err.message, "too long");
}

Test(error, null_is_fine_everywhere)
{
	cr_assert_eq(teg_fail(NULL, TEG_LIMIT, "%s", "x"), TEG_LIMIT);
	cr_assert_eq(teg_fail_os(NULL, EIO, "%s", "x"), TEG_IO);
	cr_assert_eq(error_in_file(NULL, TEG_IO, "f"), TEG_IO);
	cr_assert_eq(error_in_array(NULL, TEG_IO, "a"), TEG_IO);
	cr_assert_eq(error_in_column(NULL, TEG_IO, "c"), TEG_IO);
	cr_assert_eq(error_at_row(NULL, TEG_IO, 1), TEG_IO);
	cr_assert_eq(error_at_offset(NULL, TEG_IO, 1), TEG_IO);
}

/* Names and messages of every length around the room there is, made of characters of 1 to 4 bytes. */
Test(error, cuts_at_a_whole_character)
{
	static const char *const chars[] = { "x", "\u00e9", "\u20ac", "\U0001f600" };

	for (size_t c = 0; c < sizeof chars / sizeof *chars; c++) {
		for (size_t lead = 0; lead < 4; lead++) {
			char text[700] = "";
			teg_error err;
			size_t len;

			memset(text, 'a', lead);
			while (strlen(text) < 600)
				strcat(text, chars[c]);
			teg_fail(&err, TEG_MISUSE, "%s", text);
			error_in_file(&err, TEG_MISUSE, text);
			error_in_array(&err, TEG_MISUSE, text);
			error_in_column(&err, TEG_MISUSE, text);
			len = strlen(chars[c]);
			cr_assert(whole_utf8(err.message), "char %zu lead %zu: %s", c, lead,
			          err.message);
			cr_assert(whole_utf8(err.file), "char %zu lead %zu", c, lead);
			cr_assert_geq(strlen(err.message) + len, sizeof err.message);
			cr_assert_geq(strlen(err.file) + len, sizeof err.file);
			cr_assert_eq(strncmp(err.array, text, strlen(err.array)), 0);
			cr_assert_str_eq(err.column, err.array);
		}
	}
}

Test(error, a_long_message_of_the_system_is_cut_too)
{
	char text[700];
	teg_error err;

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = 0;
	for (size_t len = 250; len < 320; len++) {
		teg_fail_os(&err, EIO, "%.*s", (int)len, text);
		cr_assert_lt(strlen(err.message), sizeof err.message);
		cr_assert_eq(err.message[0], 'a');
	}
}
