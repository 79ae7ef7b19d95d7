#include "engine/arrow/format.h"
#include <stdio.h>
#include <string.h>

void arrow_format(const teg_data_type *type, char format_out[ARROW_FORMAT_MAX])
{
	static const char *const plain[] = {
		[TEG_BOOL] = "b",     [TEG_INT8] = "c",    [TEG_INT16] = "s",   [TEG_INT32] = "i",
		[TEG_INT64] = "l",    [TEG_UINT8] = "C",   [TEG_UINT16] = "S",  [TEG_UINT32] = "I",
		[TEG_UINT64] = "L",   [TEG_FLOAT16] = "e", [TEG_FLOAT32] = "f", [TEG_FLOAT64] = "g",
		[TEG_DATE32] = "tdD", [TEG_UTF8] = "u",    [TEG_BYTES] = "z",   [TEG_LIST] = "+l",
		[TEG_STRUCT] = "+s"
	};
	static const char unit[] = { 's', 'm', 'u', 'n' };

	switch (type->type) {
	case TEG_TIMESTAMP:
		snprintf(format_out, ARROW_FORMAT_MAX, "ts%c:%s", unit[type->unit & 3],
		         type->zone ? type->zone : "");
		break;
	case TEG_DURATION:
		snprintf(format_out, ARROW_FORMAT_MAX, "tD%c", unit[type->unit & 3]);
		break;
	case TEG_DECIMAL128:
		snprintf(format_out, ARROW_FORMAT_MAX, "d:%d,%d", type->precision, type->scale);
		break;
	case TEG_FIXED_LIST:
		snprintf(format_out, ARROW_FORMAT_MAX, "+w:%u", type->list_size);
		break;
	case TEG_FIXED_BYTES:
		snprintf(format_out, ARROW_FORMAT_MAX, "w:%u", type->fixed_len);
		break;
	default: snprintf(format_out, ARROW_FORMAT_MAX, "%s", plain[type->type]);
	}
}

/* ---- and back ---- */

static bool take_unit(char c, teg_time_unit *unit_out)
{
	const char *units = "smun", *at = c ? strchr(units, c) : NULL;

	if (at)
		*unit_out = (teg_time_unit)(at - units);
	return at != NULL;
}

/* A decimal number in [lo, hi] at *at, which moves behind it. */
static bool take_number(const char **at, long lo, long hi, long *out)
{
	bool negative = **at == '-';
	long v = 0;

	*at += negative;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9' && v <= 100000000; (*at)++)
		v = 10 * v + (**at - '0');
	*out = negative ? -v : v;
	return *out >= lo && *out <= hi;
}

/* "d:precision,scale" and, if it is 128, ",bits". */
static bool take_decimal(const char *at, teg_data_type *out)
{
	long precision, scale, bits = 128;

	if (!take_number(&at, 1, 38, &precision) || *at++ != ',' ||
	    !take_number(&at, INT8_MIN, INT8_MAX, &scale))
		return false;
	if (*at == ',') {
		at++;
		if (!take_number(&at, 128, 128, &bits))
			return false;
	}
	out->type = TEG_DECIMAL128;
	out->precision = (uint8_t)precision;
	out->scale = (int8_t)scale;
	return *at == 0;
}

static bool take_fixed(const char *at, teg_data_type *out)
{
	long len;

	if (!take_number(&at, 1, 65535, &len) || *at)
		return false;
	out->type = TEG_FIXED_BYTES;
	out->fixed_len = (uint32_t)len;
	return true;
}

/* "tdD", "ts<unit>:<zone>", "tD<unit>". */
static bool take_time(const char *format, teg_data_type *out)
{
	if (!strcmp(format, "tdD")) {
		out->type = TEG_DATE32;
		return true;
	}
	if (format[1] == 's' && take_unit(format[2], &out->unit) && format[3] == ':') {
		out->type = TEG_TIMESTAMP;
		out->zone = format + 4;
		return true;
	}
	if (format[1] == 'D' && take_unit(format[2], &out->unit) && !format[3]) {
		out->type = TEG_DURATION;
		return true;
	}
	return false;
}

bool arrow_type(const char *format, teg_data_type *type_out)
{
	static const struct {
		const char *format;
		teg_type type;
	} plain[] = { { "b", TEG_BOOL },    { "c", TEG_INT8 },    { "s", TEG_INT16 },
		      { "i", TEG_INT32 },   { "l", TEG_INT64 },   { "C", TEG_UINT8 },
		      { "S", TEG_UINT16 },  { "I", TEG_UINT32 },  { "L", TEG_UINT64 },
		      { "e", TEG_FLOAT16 }, { "f", TEG_FLOAT32 }, { "g", TEG_FLOAT64 },
		      { "u", TEG_UTF8 },    { "U", TEG_UTF8 },    { "vu", TEG_UTF8 },
		      { "z", TEG_BYTES },   { "Z", TEG_BYTES },   { "vz", TEG_BYTES } };

	*type_out = (teg_data_type){ .zone = "" };
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (!strcmp(format, plain[i].format)) {
			type_out->type = plain[i].type;
			return true;
		}
	if (!strncmp(format, "d:", 2))
		return take_decimal(format + 2, type_out);
	if (!strncmp(format, "w:", 2))
		return take_fixed(format + 2, type_out);
	return format[0] == 't' && take_time(format, type_out);
}

bool arrow_nested_type(const char *format, teg_data_type *type_out)
{
	const char *size = format + 3;
	long n;

	*type_out = (teg_data_type){ .zone = "" };
	if (!strcmp(format, "+l") || !strcmp(format, "+L")) {
		type_out->type = TEG_LIST;
	} else if (!strcmp(format, "+s")) {
		type_out->type = TEG_STRUCT;
	} else if (!strncmp(format, "+w:", 3) && take_number(&size, 0, INT32_MAX, &n) && !*size) {
		type_out->type = TEG_FIXED_LIST;
		type_out->list_size = (uint32_t)n;
	}
	return type_out->type != 0;
}

const char *arrow_format_name(const char *format)
{
	static const struct {
		const char *start, *name;
	} names[] = { { "n", "null" },
		      { "d:", "decimal (of another width than 128)" },
		      { "w:", "fixed-size bytes (of that length)" },
		      { "tdm", "date64" },
		      { "tts", "time32[s]" },
		      { "ttm", "time32[ms]" },
		      { "ttu", "time64[us]" },
		      { "ttn", "time64[ns]" },
		      { "ti", "interval" },
		      { "+l", "list" },
		      { "+L", "large list" },
		      { "+vl", "list view" },
		      { "+vL", "large list view" },
		      { "+w", "fixed-size list" },
		      { "+s", "struct" },
		      { "+m", "map" },
		      { "+u", "union" },
		      { "+r", "run-end encoded" } };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(format, names[i].start, strlen(names[i].start)))
			return names[i].name;
	return format;
}
