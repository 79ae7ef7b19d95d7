#include "tools/tilectl/type_name.h"
#include <inttypes.h>
#include <string.h>
#include "tools/tilectl/number.h"
#include "tools/tilectl/value.h"

static const struct {
	teg_type type;
	const char *format, *json;
} plain[] = {
	{ TEG_BOOL, "b", "bool" },     { TEG_INT8, "c", "int8" },
	{ TEG_INT16, "s", "int16" },   { TEG_INT32, "i", "int32" },
	{ TEG_INT64, "l", "int64" },   { TEG_UINT8, "C", "uint8" },
	{ TEG_UINT16, "S", "uint16" }, { TEG_UINT32, "I", "uint32" },
	{ TEG_UINT64, "L", "uint64" }, { TEG_FLOAT16, "e", NULL },
	{ TEG_FLOAT32, "f", "float" }, { TEG_FLOAT64, "g", "double" },
	{ TEG_DATE32, "tdD", NULL },   { TEG_UTF8, "u", NULL },
	{ TEG_BYTES, "z", NULL },
};

static const char *const units[] = { "s", "ms", "us", "ns" };

static bool read_unit(const char *at, size_t len, teg_time_unit *unit_out)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strlen(units[i]) == len && !memcmp(units[i], at, len)) {
			*unit_out = (teg_time_unit)i;
			return true;
		}
	return false;
}

/* What stands between the brackets after a name. */
static bool take_inside(const char *name, const char **at, size_t *len)
{
	size_t n = strlen(name);
	char close = name[n - 1] == '(' ? ')' : ']';

	if (*len < n + 2 || memcmp(*at, name, n) != 0 || (*at)[*len - 1] != close)
		return false;
	*at += n;
	*len -= n + 1;
	return true;
}

static bool read_decimal(const char *at, size_t len, teg_data_type *type)
{
	const char *comma = memchr(at, ',', len);
	size_t n = comma ? (size_t)(comma - at) : len;
	uint64_t precision;
	int64_t scale = 0;

	if (comma) {
		const char *digits = comma + 1 + strspn(comma + 1, " ");

		if (!number_read_int(digits, len - (size_t)(digits - at), -128, 127, &scale))
			return false;
	}
	type->type = TEG_DECIMAL128;
	type->scale = (int8_t)scale;
	if (!number_read_uint(at, n, 38, &precision))
		return false;
	type->precision = (uint8_t)precision;
	return precision > 0;
}

static bool read_timestamp(const char *at, size_t len, teg_data_type *type, struct text *zone)
{
	const char *comma = memchr(at, ',', len);
	size_t n = comma ? (size_t)(comma - at) : len;

	type->type = TEG_TIMESTAMP;
	if (comma) {
		const char *name = comma + 1 + strspn(comma + 1, " ");

		text_add(zone, name, len - (size_t)(name - at));
		type->zone = zone->at;
	}
	return read_unit(at, n, &type->unit);
}

static bool read_parts(const char *at, size_t len, teg_data_type *type, struct text *zone)
{
	uint64_t n;

	if (take_inside("decimal128(", &at, &len))
		return read_decimal(at, len, type);
	if (take_inside("timestamp[", &at, &len))
		return read_timestamp(at, len, type, zone);
	if (take_inside("duration[", &at, &len)) {
		type->type = TEG_DURATION;
		return read_unit(at, len, &type->unit);
	}
	if (!take_inside("fixed_bytes(", &at, &len) || !number_read_uint(at, len, 65535, &n))
		return false;
	type->type = TEG_FIXED_BYTES;
	type->fixed_len = (uint32_t)n;
	return n > 0;
}

bool type_read_name(const char *at, size_t len, teg_data_type *type_out, struct text *zone_out,
                    struct why *why)
{
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		struct text name = { NULL, 0, 0 };
		bool same;

		*type_out = (teg_data_type){ .type = plain[i].type };
		type_add_name(&name, type_out);
		same = name.len == len && !memcmp(name.at, at, len);
		text_free(&name);
		if (same)
			return true;
	}
	*type_out = (teg_data_type){ .type = 0 };
	return read_parts(at, len, type_out, zone_out) ||
	       refuse(why, "'%.*s' is not a type", (int)(len < 80 ? len : 80), at);
}

void type_add_format(struct text *out, const teg_data_type *type)
{
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (plain[i].type == type->type)
			text_adds(out, plain[i].format);
	if (type->type == TEG_DECIMAL128)
		text_addf(out, "d:%d,%d", type->precision, type->scale);
	else if (type->type == TEG_FIXED_BYTES)
		text_addf(out, "w:%" PRIu32, type->fixed_len);
	else if (type->type == TEG_DURATION)
		text_addf(out, "tD%c", "smun"[type->unit]);
	else if (type->type == TEG_TIMESTAMP)
		text_addf(out, "ts%c:%s", "smun"[type->unit], type -> zone ? type -> zone : "");
}

const char *type_json_name(teg_type type)
{
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (plain[i].type == type)
			return plain[i].json;
	return NULL;
}
