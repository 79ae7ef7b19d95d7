#include "tools/tilectl/alter_args.h"
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/type_word.h"
#include "tools/tilectl/value.h"
#include "tools/tilectl/when.h"
#include "tools/tilectl/word.h"

/* ---- memory ---- */

static void *own(struct alteration *a, size_t size)
{
	void *block = need_memory(1, size);

	memset(block, 0, size);
	a->owned = need_more((void *)a->owned, a->n_owned + 1, sizeof *a->owned);
	a->owned[a->n_owned++] = block;
	return block;
}

static void *own_for_type(void *ctx, size_t size)
{
	return own(ctx, size);
}

static const char *own_text(struct alteration *a, const char *at, size_t len)
{
	char *text = own(a, len + 1);

	memcpy(text, at, len);
	return text;
}

static teg_alter *add_change(struct alteration *a, teg_alter_kind kind)
{
	a->changes = need_more(a->changes, a->n + 1, sizeof *a->changes);
	a->changes[a->n] = (teg_alter){ .kind = kind };
	return &a->changes[a->n++];
}

static bool read_value(struct alteration *a, const teg_data_type *type, const struct text *word,
                       teg_value *to, struct why *why)
{
	if (!value_read(type, text_string(word), word->len, to, why))
		return false;
	a->values = need_more((void *)a->values, a->n_values + 1, sizeof *a->values);
	a->values[a->n_values++] = to;
	return true;
}

/* ---- items: NAME=... ---- */

/* The type that an attribute will have by the changes so far. */
static const teg_data_type *type_of(const struct alteration *a, const char *name)
{
	for (size_t i = a->n; i-- > 0;) {
		const teg_alter *c = &a->changes[i];

		if (c->kind == TEG_ALTER_ADD && !strcmp(c->attribute->name, name))
			return &c->attribute->type;
		if (c->kind == TEG_ALTER_WIDEN && !strcmp(c->name, name))
			return &c->type;
		if (c->kind == TEG_ALTER_RENAME && !strcmp(c->new_name, name))
			name = c->name;
	}
	for (size_t i = 0; i < a->spec->n_attributes; i++)
		if (!strcmp(a->spec->attributes[i].name, name))
			return &a->spec->attributes[i].type;
	return NULL;
}

/* NAME=TYPE, NAME=TYPE:FILL or NAME=TYPE?:FILL. */
static bool read_add(struct alteration *a, const char *name, const char *at, size_t len,
                     struct why *why)
{
	const struct type_room room = { own_for_type, a };
	teg_attribute *attribute = own(a, sizeof *attribute);
	struct word_range word;
	size_t n;
	bool ok, optional;

	attribute->name = name;
	ok = word_read_range(at, len, false, &word, why);
	n = word.lo.len;
	optional = ok && n && word.lo.at[n - 1] == '?';
	attribute->nullable = optional || !word.has_hi || word.single;
	ok = ok && type_read(text_string(&word.lo), n - optional, &room, &attribute->type, why);
	if (ok && !word.single && word.has_hi)
		ok = read_value(a, &attribute->type, &word.hi, &attribute->fill, why);
	word_range_free(&word);
	if (ok)
		add_change(a, TEG_ALTER_ADD)->attribute = attribute;
	return ok;
}

static bool read_widen(struct alteration *a, const char *name, const char *at, size_t len,
                       struct why *why)
{
	const struct type_room room = { own_for_type, a };
	struct word_range word;
	teg_data_type type;
	bool ok = word_read_range(at, len, false, &word, why) &&
	          type_read(text_string(&word.lo), word.lo.len, &room, &type, why);

	if (ok) {
		teg_alter *change = add_change(a, TEG_ALTER_WIDEN);

		change->name = name;
		change->type = (teg_data_type){ .type = type.type };
	}
	word_range_free(&word);
	return ok;
}

/* DIM=HI. */
static bool read_resize(struct alteration *a, const char *name, const char *at, size_t len,
                        struct why *why)
{
	struct word_range word;
	teg_value *hi = own(a, sizeof *hi);
	const teg_dimension *dim = NULL;
	bool ok = word_read_range(at, len, false, &word, why) &&
	          (word.single || refuse(why, "'%.80s' is not one value", at));

	for (size_t d = 0; d < a->spec->n_dimensions; d++)
		if (!strcmp(a->spec->dimensions[d].name, name))
			dim = &a->spec->dimensions[d];
	/* A dimension that does not exist is the library's to refuse. */
	*hi = (teg_value){ .type = TEG_INT64 };
	ok = ok && (!dim || read_value(a, &dim->type, &word.lo, hi, why));
	word_range_free(&word);
	if (ok) {
		teg_alter *change = add_change(a, TEG_ALTER_RESIZE);

		change->name = name;
		change->hi = *hi;
	}
	return ok;
}

static bool read_rename(struct alteration *a, const char *name, const char *at, size_t len,
                        struct why *why)
{
	struct word_range word;
	bool ok = word_read_range(at, len, false, &word, why) &&
	          (word.single || refuse(why, "'%.80s' is not a name", at));

	if (ok) {
		teg_alter *change = add_change(a, TEG_ALTER_RENAME);

		change->name = name;
		change->new_name = own_text(a, text_string(&word.lo), word.lo.len);
	}
	word_range_free(&word);
	return ok;
}

/* COL(OTHER) of "length(OTHER)": the name between the brackets, or nothing. */
static const char *other_of(struct alteration *a, const struct text *word)
{
	static const char start[] = "length(";
	size_t n = sizeof start - 1;

	if (word->len < n + 2 || memcmp(word->at, start, n) != 0 || word->at[word->len - 1] != ')')
		return NULL;
	return own_text(a, word->at + n, word->len - n - 1);
}

/* COL=LO:HI, COL=nonempty or COL=length(OTHER); the rule is called as it was written. */
static bool read_check(struct alteration *a, const char *name, const char *at, size_t len,
                       struct why *why)
{
	const teg_data_type *type = type_of(a, name);
	teg_check *check = own(a, sizeof *check);
	struct word_range word;
	bool ok;

	check->kind = TEG_CHECK_NOT_EMPTY;
	check->column = name;
	ok = word_read_range(at, len, type && type_is_time(type->type), &word, why);
	/* An attribute that does not exist is the library's to refuse. */
	if (ok && word.single)
		check->other = other_of(a, &word.lo);
	if (check->other) {
		check->kind = TEG_CHECK_SAME_LENGTH;
	} else if (ok && type && !(word.single && !strcmp(text_string(&word.lo), "nonempty"))) {
		check->kind = TEG_CHECK_RANGE;
		ok = (!word.has_lo || read_value(a, type, &word.lo, &check->lo, why)) &&
		     (!word.has_hi || read_value(a, type, &word.hi, &check->hi, why));
	}
	word_range_free(&word);
	if (!ok)
		return false;
	check->name = own_text(a, at - strlen(name) - 1, strlen(name) + 1 + len);
	add_change(a, TEG_ALTER_CHECK)->check = check;
	return true;
}

static bool read_set(struct alteration *a, const char *name, const char *at, size_t len,
                     struct why *why)
{
	struct word_range word = { .single = true };
	bool quoted = len && (at[0] == '\'' || at[0] == '"');
	const char *value = at;
	teg_alter *change;

	if (quoted && !word_read_range(at, len, false, &word, why)) {
		word_range_free(&word);
		return false;
	}
	if (quoted) {
		value = text_string(&word.lo);
		len = word.lo.len;
	}
	change = add_change(a, TEG_ALTER_METADATA);
	change->name = a->of;
	change->metadata = (teg_metadata){ name, own_text(a, value, len), strlen(name), len };
	word_range_free(&word);
	return true;
}

struct items {
	struct alteration *a;
	bool (*read)(struct alteration *a, const char *name, const char *at, size_t len,
	             struct why *why);
};

static bool take_item(void *ctx, const char *at, size_t len, struct why *why)
{
	struct items *items = ctx;
	struct text name = { NULL, 0, 0 };
	bool ok = word_take_name(&at, &len, &name, why);

	ok = ok && items->read(items->a, own_text(items->a, name.at, name.len), at, len, why);
	text_free(&name);
	return ok;
}

/* ---- lists of names ---- */

static bool read_names(struct alteration *a, const char *text, teg_alter_kind kind, struct why *why)
{
	struct word_names names;

	if (!word_read_names(text, &names, why))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		teg_alter *change;
		const char *name = own_text(a, names.at[i], strlen(names.at[i]));

		change = add_change(a, kind);
		change->name = kind == TEG_ALTER_METADATA ? a->of : name;
		if (kind == TEG_ALTER_METADATA)
			change->metadata = (teg_metadata){ .key = name, .key_len = strlen(name) };
	}
	word_names_free(&names);
	return true;
}

/* ---- retention ---- */

/* What is not said stays as it is. */
static int read_retention(struct alteration *a, const struct args *args, const teg_retention *now)
{
	const char *retain = args->value[OPT_RETAIN], *floor = args->value[OPT_RETAIN_FLOOR];
	teg_retention to = { now->drops, now->duration_us, 0 };
	struct why why;

	if (!retain && !floor)
		return EXIT_OK;
	if (retain) {
		to.drops = strcmp(retain, "keep") != 0;
		to.duration_us = 0;
	}
	if (retain && to.drops && !when_read_duration(retain, &to.duration_us, &why))
		return usage(args, "--retain: %s, or keep", why.text);
	if (floor && !when_read_duration(floor, &to.floor_us, &why))
		return usage(args, "--retain-floor: %s", why.text);
	if (floor && !to.floor_us)
		return usage(args, "--retain-floor: more than 0; it cannot be taken back");
	add_change(a, TEG_ALTER_RETAIN)->retention = to;
	return EXIT_OK;
}

/* ---- all of them ---- */

int alteration_read(struct alteration *alteration, const struct args *args, const teg_spec *spec,
                    const teg_retention *retention)
{
	static const struct {
		enum opt_id opt;
		teg_alter_kind kind; /* of a list of names */
		bool (*read)(struct alteration *a, const char *name, const char *at, size_t len,
		             struct why *why);
	} steps[] = {
		{ OPT_UNCHECK, TEG_ALTER_UNCHECK, NULL },
		{ OPT_RESIZE, 0, read_resize },
		{ OPT_WIDEN, 0, read_widen },
		{ OPT_DROP, TEG_ALTER_DROP, NULL },
		{ OPT_RENAME, 0, read_rename },
		{ OPT_ADD, 0, read_add },
		{ OPT_UNSET, TEG_ALTER_METADATA, NULL },
		{ OPT_SET, 0, read_set },
		{ OPT_CHECK, 0, read_check },
	};

	memset(alteration, 0, sizeof *alteration);
	alteration->spec = spec;
	alteration->of = args->value[OPT_OF];
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		const char *text = args->value[steps[i].opt];
		struct items items = { alteration, steps[i].read };
		struct why why;

		if (!text)
			continue;
		if (steps[i].read ? !word_split(text, take_item, &items, &why)
		                  : !read_names(alteration, text, steps[i].kind, &why))
			return usage(args, "--%s: %s", opt_table[steps[i].opt].name, why.text);
	}
	if (args->value[OPT_KEYS])
		add_change(alteration, TEG_ALTER_UNIQUE)->key_unique =
			args_choice(args, OPT_KEYS, 1) == 0;
	return read_retention(alteration, args, retention);
}

void alteration_release(struct alteration *alteration)
{
	for (size_t i = 0; i < alteration->n_values; i++)
		value_release(alteration->values[i]);
	free((void *)alteration->values);
	for (size_t i = 0; i < alteration->n_owned; i++)
		free(alteration->owned[i]);
	free((void *)alteration->owned);
	free(alteration->changes);
}
