#include "tools/tilectl/type_word.h"
#include <string.h>
#include "tools/tilectl/number.h"

/* A word that is being read from its front. */
struct rest {
	const char *at;
	size_t len;
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

	while (n < r->len && !strchr(",) ", r->at[n]))
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

static bool take_zone(struct rest *r, const char **out)
{
	if (!take(r, ","))
		return true;
	while (take(r, " "))
		;
	*out = r->at;
	for (; r->len && r->at[0] != ']'; r->at++)
		r->len--;
	return r->at != *out;
}

static bool take_parameters(struct rest *r, teg_data_type *type)
{
	int64_t a, b;

	switch (type->type) {
	case TEG_DECIMAL128:
		if (!take(r, "(") || !take_number(r, 1, 38, &a) || !take(r, ","))
			return false;
		while (take(r, " "))
			;
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
};

bool type_read(const char *at, size_t len, teg_data_type *type_out, struct why *why)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct rest rest = { at, len };
		teg_data_type type = { .type = names[i].type };

		if (take(&rest, names[i].name) && take_parameters(&rest, &type) && !rest.len) {
			*type_out = type;
			return true;
		}
	}
	return refuse(why, "'%.*s' is no type (write them as schema prints them)",
	              (int)(len < 80 ? len : 80), at);
}
