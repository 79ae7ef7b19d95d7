#include "tools/tilectl/box.h"
#include <inttypes.h>
#include <string.h>
#include "tools/tilectl/word.h"

struct items {
	int (*each)(void *ctx, const char *name, const char *at, size_t len, struct why *why);
	void *ctx;
	int code;
};

static bool take_item(void *ctx, const char *at, size_t len, struct why *why)
{
	struct items *items = ctx;
	struct text name = { NULL, 0, 0 };

	items->code = EXIT_USAGE;
	if (word_take_name(&at, &len, &name, why))
		items->code = items->each(items->ctx, name.at, at, len, why);
	text_free(&name);
	return items->code == EXIT_OK;
}

bool box_each_item(const char *text,
                   int (*each)(void *ctx, const char *name, const char *at, size_t len,
                               struct why *why),
                   void *ctx, int *code_out, struct why *why)
{
	struct items items = { each, ctx, EXIT_USAGE };
	bool ok = word_split(text, take_item, &items, why);

	/* word_split itself fails after a good item only for a quote that is not closed. */
	*code_out = ok ? EXIT_OK : items.code == EXIT_OK ? EXIT_USAGE : items.code;
	return ok;
}

struct reading {
	const teg_dimension *dimensions;
	struct box *box;
};

static bool read_ends(const teg_data_type *type, const struct word_range *words, teg_range *range,
                      struct why *why)
{
	if (words->has_lo &&
	    !value_read(type, text_string(&words->lo), words->lo.len, &range->lo, why))
		return false;
	return !words->has_hi ||
	       value_read(type, text_string(&words->hi), words->hi.len, &range->hi, why);
}

static int read_dimension(void *ctx, const char *name, const char *at, size_t len, struct why *why)
{
	struct reading *r = ctx;
	struct word_range words;
	const teg_data_type *type;
	size_t d = 0;
	bool ok;

	while (d < r->box->n && strcmp(r->dimensions[d].name, name) != 0)
		d++;
	if (d == r->box->n) {
		refuse(why, "there is no dimension '%.80s'", name);
		return EXIT_FAILED;
	}
	if (r->box->named[d]) {
		refuse(why, "dimension '%.80s' is named twice", name);
		return EXIT_USAGE;
	}
	type = &r->dimensions[d].type;
	ok = word_read_range(at, len, type_is_time(type->type), &words, why) &&
	     read_ends(type, &words, &r->box->range[d], why);
	r->box->named[d] = ok;
	word_range_free(&words);
	return ok ? EXIT_OK : EXIT_USAGE;
}

int box_read(const char *text, const teg_dimension *dimensions, size_t n, struct box *box_out,
             struct why *why)
{
	struct reading reading = { dimensions, box_out };
	int code;

	memset(box_out, 0, sizeof *box_out);
	box_out->n = n < TEG_MAX_DIMENSIONS ? n : TEG_MAX_DIMENSIONS;
	box_each_item(text, read_dimension, &reading, &code, why);
	return code;
}

int box_read_point(const char *text, const teg_dimension *dimensions, size_t n, struct box *box_out,
                   teg_value *key_out, struct why *why)
{
	int code = box_read(text, dimensions, n, box_out, why);

	for (size_t d = 0; code == EXIT_OK && d < box_out->n; d++) {
		struct text lo = { NULL, 0, 0 }, hi = { NULL, 0, 0 };

		value_add(&lo, &dimensions[d].type, &box_out->range[d].lo, TIMES_INT);
		value_add(&hi, &dimensions[d].type, &box_out->range[d].hi, TIMES_INT);
		key_out[d] = box_out->range[d].lo;
		if (!key_out[d].type || !box_out->range[d].hi.type ||
		    strcmp(text_string(&lo), text_string(&hi)) != 0) {
			refuse(why, "a point needs one value for dimension '%.80s'",
			       dimensions[d].name);
			code = EXIT_USAGE;
		}
		text_free(&lo);
		text_free(&hi);
	}
	return code;
}

void box_release(struct box *box)
{
	for (size_t d = 0; d < box->n; d++) {
		value_release(&box->range[d].lo);
		value_release(&box->range[d].hi);
	}
	box->n = 0;
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* Appends text, quoted where a reader would otherwise part it. */
static void add_word(struct text *out, const char *at, size_t len, char quote)
{
	if (len && !memchr(at, '\0', len) && strcspn(at, ":,= /'\"") >= len) {
		text_add(out, at, len);
		return;
	}
	text_add(out, &quote, 1);
	for (size_t i = 0; i < len; i++) {
		if (at[i] == quote)
			text_add(out, &quote, 1);
		text_add(out, at + i, 1);
	}
	text_add(out, &quote, 1);
}

void box_add_value(struct text *out, const teg_data_type *type, const teg_value *value)
{
	struct text plain = { NULL, 0, 0 };

	if (!value->type)
		return;
	if (value->type == TEG_BYTES || value->type == TEG_FIXED_BYTES ||
	    (value->type == TEG_UTF8 && value->as.bytes.len &&
	     memchr(value->as.bytes.at, '\0', value->as.bytes.len))) {
		const unsigned char *bytes = value->as.bytes.at;

		text_adds(out, "x'");
		for (size_t i = 0; i < value->as.bytes.len; i++)
			text_addf(out, "%02x", bytes[i]);
		text_adds(out, "'");
		return;
	}
	value_add(&plain, type, value, TIMES_RFC3339);
	add_word(out, text_string(&plain), plain.len, '\'');
	text_free(&plain);
}

void box_add(struct text *out, const teg_dimension *dimensions, const teg_range *range, size_t n)
{
	for (size_t d = 0; d < n; d++) {
		if (d)
			text_adds(out, ",");
		add_word(out, dimensions[d].name, strlen(dimensions[d].name), '"');
		text_adds(out, "=");
		box_add_value(out, &dimensions[d].type, &range[d].lo);
		text_adds(out, ":");
		box_add_value(out, &dimensions[d].type, &range[d].hi);
	}
}
