#include "tools/tilectl/receipt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/text.h"

/* A reader of JSON that passes over what it does not look for. `at` stands before the next value. */
struct reading {
	const char *at, *end;
	bool failed;
};

static void skip_blanks(struct reading *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at))
		r->at++;
}

static bool take(struct reading *r, char c)
{
	skip_blanks(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static char unescape(char c)
{
	switch (c) {
	case 'n': return '\n';
	case 't': return '\t';
	case 'r': return '\r';
	case 'b': return '\b';
	case 'f': return '\f';
	default: return c;
	}
}

/* Names of files and arrays hold no control characters, so \\u comes in none that we look for. */
static void read_string(struct reading *r, struct text *out)
{
	text_clear(out);
	r->failed |= !take(r, '"');
	while (!r->failed && r->at < r->end && *r->at != '"') {
		char c = *r->at++;

		if (c == '\\' && r->at < r->end)
			c = unescape(*r->at++);
		text_add(out, &c, 1);
	}
	r->failed |= r->at == r->end;
	r->at += !r->failed;
}

static void skip_value(struct reading *r, unsigned depth);

static void skip_members(struct reading *r, char close, bool keyed, unsigned depth)
{
	struct text key = { 0 };

	if (take(r, close))
		return;
	do {
		if (keyed) {
			read_string(r, &key);
			r->failed |= !take(r, ':');
		}
		skip_value(r, depth + 1);
	} while (!r->failed && take(r, ','));
	r->failed |= !take(r, close);
	text_free(&key);
}

static void skip_value(struct reading *r, unsigned depth)
{
	struct text text = { 0 };

	skip_blanks(r);
	r->failed |= depth > 32 || r->at == r->end;
	if (r->failed)
		return;
	if (take(r, '{'))
		skip_members(r, '}', true, depth);
	else if (take(r, '['))
		skip_members(r, ']', false, depth);
	else if (*r->at == '"')
		read_string(r, &text);
	else
		while (r->at < r->end && !strchr(",]} \t\r\n", *r->at))
			r->at++;
	text_free(&text);
}

static void add_removed(struct receipt *to, const struct text *path)
{
	char *copy = need_memory(path->len + 1, 1);

	memcpy(copy, text_string(path), path->len + 1);
	to->removed = need_more(to->removed, to->n_removed + 1, sizeof *to->removed);
	to->removed[to->n_removed++] = copy;
}

static void read_file(struct reading *r, struct receipt *to)
{
	struct text key = { 0 }, path = { 0 };

	r->failed |= !take(r, '{');
	while (!r->failed) {
		read_string(r, &key);
		r->failed |= !take(r, ':');
		if (!strcmp(text_string(&key), "file"))
			read_string(r, &path);
		else
			skip_value(r, 1);
		if (!take(r, ','))
			break;
	}
	r->failed |= !take(r, '}') || !path.len;
	if (!r->failed)
		add_removed(to, &path);
	text_free(&key);
	text_free(&path);
}

static void read_removed(struct reading *r, struct receipt *to)
{
	r->failed |= !take(r, '[');
	if (r->failed || take(r, ']'))
		return;
	do
		read_file(r, to);
	while (!r->failed && take(r, ','));
	r->failed |= !take(r, ']');
}

/* A string, or null, which is empty. */
static void read_text(struct reading *r, struct text *out)
{
	skip_blanks(r);
	if (r->at < r->end && *r->at == '"')
		read_string(r, out);
	else
		skip_value(r, 0);
}

static void read_member(struct reading *r, const char *key, struct receipt *to)
{
	struct text text = { 0 };

	if (!strcmp(key, "removed")) {
		read_removed(r, to);
		return;
	}
	if (!strcmp(key, "schema")) {
		read_text(r, &text);
		to->known = !strcmp(text_string(&text), "tilectl.erase/1");
	} else if (!strcmp(key, "array")) {
		read_text(r, &text);
		snprintf(to->array, sizeof to->array, "%s", text_string(&text));
	} else if (!strcmp(key, "version")) {
		read_text(r, &text);
		to->version = strtoull(text_string(&text), NULL, 10);
	} else {
		skip_value(r, 0);
	}
	text_free(&text);
}

static bool parse(struct reading *r, struct receipt *to)
{
	struct text key = { 0 };

	r->failed |= !take(r, '{');
	while (!r->failed) {
		read_string(r, &key);
		r->failed |= !take(r, ':');
		if (!r->failed)
			read_member(r, text_string(&key), to);
		if (!take(r, ','))
			break;
	}
	r->failed |= !take(r, '}');
	text_free(&key);
	return !r->failed && to->known;
}

int receipt_read(const char *path, struct receipt *receipt_out)
{
	struct text bytes = { 0 };
	struct reading r = { 0 };
	char piece[4096];
	FILE *file = fopen(path, "rb");
	bool whole;
	size_t n;

	memset(receipt_out, 0, sizeof *receipt_out);
	if (!file)
		return fail_with(EXIT_FAILED, "cannot open the receipt %s", path);
	while ((n = fread(piece, 1, sizeof piece, file)) > 0)
		text_add(&bytes, piece, n);
	fclose(file);
	r.at = text_string(&bytes);
	r.end = r.at + bytes.len;
	whole = parse(&r, receipt_out);
	text_free(&bytes);
	return whole ? EXIT_OK : fail_with(EXIT_FAILED, "%s is no receipt of an erasure", path);
}

void receipt_release(struct receipt *receipt)
{
	for (size_t i = 0; i < receipt->n_removed; i++)
		free(receipt->removed[i]);
	free(receipt->removed);
	memset(receipt, 0, sizeof *receipt);
}
