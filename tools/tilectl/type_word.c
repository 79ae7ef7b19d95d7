#include "tools/tilectl/type_word.h"
#include <string.h>
#include "tools/tilectl/number.h"

/* A word that is being read from its front. */
struct rest {
	const char *at;
	size_t len;
	const struct type_room *room;
	int depth; /* of types around the one at hand */
};

static bool take(struct rest *r, const char *word)
{
	size_t n = strlen(word);

	if (r->len < n || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	r->len -= n;
	return true;
}

static bool take_number(struct rest *r, int64_t lo, int64_t hi, int64_t *out)
{
	size_t n = 0;

	while (n < r->len && !strchr(",)> ", r->at[n]))
		n++;
	if (!number_read_int(r->at, n, lo, hi, out))
		return false;
	r->at += n;
	r->len -= n;
	return true;
}

static bool take_unit(struct rest *r, teg_time_unit *out)
{
	static const char *const units[] = { "s", "ms", "us", "ns" };

	for (int i = 0; i < 4; i++)
		if (take(r, units[i])) {
			*out = (teg_time_unit)i;
			return true;
		}
	return false;
}

/* Up to one of the ends, which stays; false where nothing is there. */
static bool take_text(struct rest *r, const char *ends, const char **out)
{
	size_t n = 0;
	char *text;

	while (n < r->len && !strchr(ends, r->at[n]))
		n++;
	if (!n)
		return false;
	text = r->room->own(r->room->ctx, n + 1);
	memcpy(text, r->at, n);
	text[n] = '\0';
	*out = text;
	r->at += n;
	r->len -= n;
	return true;
}

static void skip_spaces(struct rest *r)
{
	while (take(r, " "))
		;
}

static bool take_zone(struct rest *r, const char **out)
{
	if (!take(r, ","))
		return true;
	skip_spaces(r);
	return take_text(r, "]", out);
}

/* ---- nested types ---- */

static bool take_type(struct rest *r, teg_data_type *type_out);

static bool take_child(struct rest *r, bool named, teg_attribute *child)
{
	child->name = NULL;
	skip_spaces(r);
	if (named && (!take_text(r, ":", &child->name) || !take(r, ":")))
		return false;
	skip_spaces(r);
	if (!take_type(r, &child->type))
		return false;
	child->nullable = !take(r, " not null");
	return true;
}

/* At most as many children as there are commas. */
static size_t most_children(const struct rest *r)
{
	size_t n = 1;

	for (size_t i = 0; i < r->len; i++)
		n += r->at[i] == ',';
	return n;
}

static bool take_children(struct rest *r, teg_data_type *type)
{
	bool named = type->type == TEG_STRUCT;
	teg_attribute *children;
	int64_t n;

	if (!take(r, "<") || r->depth == TEG_MAX_DEPTH)
		return false;
	children = r->room->own(r->room->ctx, (named ? most_children(r) : 1) * sizeof *children);
	r->depth++;
	do
		if (!take_child(r, named, &children[type->n_children++]))
			return false;
	while (named && take(r, ","));
	r->depth--;
	type->children = children;
	if (type->type == TEG_FIXED_LIST) {
		if (!take(r, ","))
			return false;
		skip_spaces(r);
		if (!take_number(r, 0, 1 << 24, &n))
			return false;
		type->list_size = (uint32_t)n;
	}
	return take(r, ">");
}

static bool take_parameters(struct rest *r, teg_data_type *type)
{
	int64_t a, b;

	switch (type->type) {
	case TEG_DECIMAL128:
		if (!take(r, "(") || !take_number(r, 1, 38, &a) || !take(r, ","))
			return false;
		skip_spaces(r);
		if (!take_number(r, -128, 127, &b))
			return false;
		type->precision = (uint8_t)a;
		type->scale = (int8_t)b;
		return take(r, ")");
	case TEG_FIXED_BYTES:
		if (!take(r, "(") || !take_number(r, 1, 65535, &a))
			return false;
		type->fixed_len = (uint32_t)a;
		return take(r, ")");
	case TEG_DURATION: return take(r, "[") && take_unit(r, &type->unit) && take(r, "]");
	case TEG_TIMESTAMP:
		return take(r, "[") && take_unit(r, &type->unit) && take_zone(r, &type->zone) &&
		       take(r, "]");
	case TEG_LIST:
	case TEG_FIXED_LIST:
	case TEG_STRUCT: return take_children(r, type);
	default: return true;
	}
}

static const struct {
	const char *name;
	teg_type type;
} names[] = {
	{ "bool", TEG_BOOL },
	{ "int8", TEG_INT8 },
	{ "int16", TEG_INT16 },
	{ "int32", TEG_INT32 },
	{ "int64", TEG_INT64 },
	{ "uint8", TEG_UINT8 },
	{ "uint16", TEG_UINT16 },
	{ "uint32", TEG_UINT32 },
	{ "uint64", TEG_UINT64 },
	{ "float16", TEG_FLOAT16 },
	{ "float32", TEG_FLOAT32 },
	{ "float64", TEG_FLOAT64 },
	{ "decimal128", TEG_DECIMAL128 },
	{ "date32", TEG_DATE32 },
	{ "timestamp", TEG_TIMESTAMP },
	{ "duration", TEG_DURATION },
	{ "utf8", TEG_UTF8 },
	{ "bytes", TEG_BYTES },
	{ "fixed_bytes", TEG_FIXED_BYTES },
	{ "list", TEG_LIST },
	{ "fixed_size_list", TEG_FIXED_LIST },
	{ "struct", TEG_STRUCT },
};

/* A name may begin another one, which then does not end where its parameters do. */
static bool ends(const struct rest *r)
{
	return !r->len || strchr(",> ", r->at[0]);
}

static bool take_type(struct rest *r, teg_data_type *type_out)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct rest rest = *r;
		teg_data_type type = { .type = names[i].type };

		if (take(&rest, names[i].name) && take_parameters(&rest, &type) && ends(&rest)) {
			*type_out = type;
			*r = rest;
			return true;
		}
	}
	return false;
}

bool type_read(const char *at, size_t len, const struct type_room *room, teg_data_type *type_out,
               struct why *why)
{
	struct rest rest = { at, len, room, 1 };

	return (take_type(&rest, type_out) && !rest.len) ||
	       refuse(why, "'%.*s' is no type (write them as schema prints them)",
	              (int)(len < 80 ? len : 80), at);
}
