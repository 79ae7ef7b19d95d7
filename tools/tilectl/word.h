/* The small grammar inside option values: lists, pairs and ranges with quoting.
 *
 *   a,"b, c"                            a list of names
 *   x=1:5,t='2013-01-01T05:00:00Z':     NAME=RANGE items
 *   2013-01-01/2013-02-01               a range of times as in ISO 8601
 *
 * 'text' in single quotes may hold anything, '' is a quote in it; "names" likewise. x'6162' is two
 * bytes. A value with a colon, a comma or a space stands in single quotes.
 */
#ifndef TILECTL_WORD_H
#define TILECTL_WORD_H
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

/* Two ends, either of which may be absent. */
struct word_range {
	bool single; /* one value, no separator: lo and hi are the same */
	bool has_lo, has_hi;
	struct text lo, hi;
};

/* Splits `text` at the commas outside of quotes; calls `each` with every piece, which may be empty.
 * False where a quote is not closed or `each` says no. */
bool word_split(const char *text,
                bool (*each)(void *ctx, const char *at, size_t len, struct why *why), void *ctx,
                struct why *why);
/* A list of names without repeats; the caller frees with word_names_free. */
struct word_names {
	char **at;
	size_t n;
};
bool word_read_names(const char *text, struct word_names *names_out, struct why *why);
void word_names_free(struct word_names *names);

/* Takes NAME= off the front of an item. */
bool word_take_name(const char **at, size_t *len, struct text *name_out, struct why *why);
/* A:B, A:, :B, A or :, and where `slash` is set A/B. Always to be freed. */
bool word_read_range(const char *at, size_t len, bool slash, struct word_range *range_out,
                     struct why *why);
void word_range_free(struct word_range *range);
#endif
