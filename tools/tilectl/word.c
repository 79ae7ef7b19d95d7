#include "tools/tilectl/word.h"
#include <stdlib.h>
#include <string.h>

/* The position of the first of `stops` outside of quotes, `len` where there is none, SIZE_MAX where
 * a quote is not closed. */
static size_t find(const char *at, size_t len, const char *stops)
{
	char quote = 0;

	for (size_t i = 0; i < len; i++) {
		if (quote) {
			if (at[i] == quote)
				quote = 0; /* a doubled quote opens again at once */
		} else if (at[i] == '\'' || at[i] == '"') {
			quote = at[i];
		} else if (strchr(stops, at[i])) {
			return i;
		}
	}
	return quote ? (size_t)-1 : len;
}

bool word_split(const char *text,
                bool (*each)(void *ctx, const char *at, size_t len, struct why *why), void *ctx,
                struct why *why)
{
	size_t left = strlen(text);

	for (;;) {
		size_t n = find(text, left, ",");

		if (n == (size_t)-1)
			return refuse(why, "a quote is not closed in '%.80s'", text);
		if (!each(ctx, text, n, why))
			return false;
		if (n == left)
			return true;
		text += n + 1;
		left -= n + 1;
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool add_hex(const char *at, size_t len, struct text *out, struct why *why)
{
	if (len % 2)
		return refuse(why, "x'%.*s' has an odd number of digits", (int)(len % 80), at);
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(at[i]), low = hex_digit(at[i + 1]);
		char byte = (char)(high * 16 + low);

		if (high < 0 || low < 0)
			return refuse(why, "'%.2s' is not a hexadecimal byte", at + i);
		text_add(out, &byte, 1);
	}
	return true;
}

/* The text of one word: as it is, or what its quotes hold. */
static bool unquote(const char *at, size_t len, struct text *out, struct why *why)
{
	char quote;

	if (len >= 3 && (at[0] == 'x' || at[0] == 'X') && at[1] == '\'' && at[len - 1] == '\'')
		return add_hex(at + 2, len - 3, out, why);
	if (!len || (at[0] != '\'' && at[0] != '"')) {
		text_add(out, at, len);
		return true;
	}
	quote = at[0];
	if (len < 2 || at[len - 1] != quote)
		return refuse(why, "text follows the closing quote in %.*s", (int)(len % 80), at);
	text_add(out, "", 0);
	for (size_t i = 1; i < len - 1; i++) {
		if (at[i] == quote && (i + 1 == len - 1 || at[++i] != quote))
			return refuse(why, "a quote inside quotes is written twice");
		text_add(out, at + i, 1);
	}
	return true;
}

static bool keep_name(void *ctx, const char *at, size_t len, struct why *why)
{
	struct word_names *names = ctx;
	struct text name = { NULL, 0, 0 };

	if (!unquote(at, len, &name, why)) {
		text_free(&name);
		return false;
	}
	if (!name.len) {
		text_free(&name);
		return refuse(why, "a name is missing");
	}
	names->at = need_more(names->at, names->n + 1, sizeof *names->at);
	names->at[names->n++] = name.at;
	for (size_t i = 0; i + 1 < names->n; i++)
		if (!strcmp(names->at[i], name.at))
			return refuse(why, "'%.80s' is named twice", name.at);
	return true;
}

bool word_read_names(const char *text, struct word_names *names_out, struct why *why)
{
	*names_out = (struct word_names){ NULL, 0 };
	if (word_split(text, keep_name, names_out, why))
		return true;
	word_names_free(names_out);
	return false;
}

void word_names_free(struct word_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct word_names){ NULL, 0 };
}

bool word_take_name(const char **at, size_t *len, struct text *name_out, struct why *why)
{
	size_t n = find(*at, *len, "=");

	if (n >= *len)
		return refuse(why, "'%.*s' lacks its '=' (write NAME=VALUE)", (int)(*len % 80),
		              *at);
	if (!unquote(*at, n, name_out, why))
		return false;
	if (!name_out->len)
		return refuse(why, "a name is missing before '='");
	*at += n + 1;
	*len -= n + 1;
	return true;
}

/* Where a range is parted: at a slash where there is one, else at its colon. */
static size_t find_separator(const char *at, size_t len, bool slash)
{
	size_t n = slash ? find(at, len, "/") : len;

	return n == len ? find(at, len, ":") : n;
}

bool word_read_range(const char *at, size_t len, bool slash, struct word_range *range_out,
                     struct why *why)
{
	size_t n = find_separator(at, len, slash), rest;
	struct word_range *r = range_out;

	memset(r, 0, sizeof *r);
	if (n == (size_t)-1)
		return refuse(why, "a quote is not closed in '%.80s'", at);
	if (!len)
		return refuse(why, "a value is missing");
	rest = n == len ? len : n + 1;
	if (n < len && find(at + rest, len - rest, at[n] == '/' ? "/" : ":") < len - rest)
		return refuse(why,
		              "'%.*s' has more than one '%c': put values with one in single quotes",
		              (int)(len < 80 ? len : 80), at, at[n]);
	r->single = n == len;
	r->has_lo = n > 0;
	r->has_hi = r->single || rest < len;
	if (!unquote(at, n, &r->lo, why))
		return false;
	return r->single ? unquote(at, n, &r->hi, why)
	                 : unquote(at + rest, len - rest, &r->hi, why);
}

void word_range_free(struct word_range *range)
{
	text_free(&range->lo);
	text_free(&range->hi);
}
