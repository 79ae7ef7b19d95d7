#include "tools/tilectl/value.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/json.h"
#include "tools/tilectl/number.h"
#include "tools/tilectl/when.h"

static const struct {
	const char *name;
	int64_t lo, hi; /* signed integers */
	uint64_t most;  /* unsigned integers */
} types[] = {
	[TEG_BOOL] = { "bool", 0, 1, 0 },
	[TEG_INT8] = { "int8", INT8_MIN, INT8_MAX, 0 },
	[TEG_INT16] = { "int16", INT16_MIN, INT16_MAX, 0 },
	[TEG_INT32] = { "int32", INT32_MIN, INT32_MAX, 0 },
	[TEG_INT64] = { "int64", INT64_MIN, INT64_MAX, 0 },
	[TEG_UINT8] = { "uint8", 0, 0, UINT8_MAX },
	[TEG_UINT16] = { "uint16", 0, 0, UINT16_MAX },
	[TEG_UINT32] = { "uint32", 0, 0, UINT32_MAX },
	[TEG_UINT64] = { "uint64", 0, 0, UINT64_MAX },
	[TEG_FLOAT16] = { "float16", 0, 0, 0 },
	[TEG_FLOAT32] = { "float32", 0, 0, 0 },
	[TEG_FLOAT64] = { "float64", 0, 0, 0 },
	[TEG_DECIMAL128] = { "decimal128", 0, 0, 0 },
	[TEG_DATE32] = { "date32", INT32_MIN, INT32_MAX, 0 },
	[TEG_TIMESTAMP] = { "timestamp", INT64_MIN, INT64_MAX, 0 },
	[TEG_DURATION] = { "duration", INT64_MIN, INT64_MAX, 0 },
	[TEG_UTF8] = { "utf8", 0, 0, 0 },
	[TEG_BYTES] = { "bytes", 0, 0, 0 },
	[TEG_FIXED_BYTES] = { "fixed_bytes", 0, 0, 0 },
	[TEG_LIST] = { "list", 0, 0, 0 },
	[TEG_FIXED_LIST] = { "fixed_size_list", 0, 0, 0 },
	[TEG_STRUCT] = { "struct", 0, 0, 0 },
};

static const char *const units[] = { "s", "ms", "us", "ns" };

static bool has_zone(const teg_data_type *type)
{
	return type->zone && type->zone[0];
}

static void add_children(struct text *out, const teg_data_type *type)
{
	text_adds(out, "<");
	for (size_t i = 0; i < type->n_children; i++) {
		text_adds(out, i ? ", " : "");
		if (type->type == TEG_STRUCT)
			text_addf(out, "%s: ", type->children[i].name);
		type_add_name(out, &type->children[i].type);
		if (!type->children[i].nullable)
			text_adds(out, " not null");
	}
	if (type->type == TEG_FIXED_LIST)
		text_addf(out, ", %" PRIu32, type->list_size);
	text_adds(out, ">");
}

void type_add_name(struct text *out, const teg_data_type *type)
{
	if (type->type < TEG_BOOL || type->type > TEG_STRUCT) {
		text_addf(out, "type %d", (int)type->type);
		return;
	}
	text_adds(out, types[type->type].name);
	if (type->type == TEG_DECIMAL128)
		text_addf(out, "(%d,%d)", type->precision, type->scale);
	else if (type->type == TEG_FIXED_BYTES)
		text_addf(out, "(%" PRIu32 ")", type->fixed_len);
	else if (type->type >= TEG_LIST)
		add_children(out, type);
	else if (type->type == TEG_DURATION)
		text_addf(out, "[%s]", units[type->unit]);
	else if (type->type == TEG_TIMESTAMP)
		text_addf(out, "[%s%s%s]", units[type->unit], has_zone(type) ? ", " : "",
		          has_zone(type) ? type->zone : "");
}

bool type_is_time(teg_type type)
{
	return type == TEG_TIMESTAMP || type == TEG_DATE32;
}

/* ---- writing ---------------------------------------------------------------------------------- */

enum form value_add_time(struct text *out, int64_t value, teg_time_unit unit, bool zoned,
                         enum time_style style)
{
	if (style == TIMES_INT)
		number_add_int(out, value);
	else
		when_add_time(out, value, unit, zoned);
	return FORM_QUOTED;
}

enum form value_add_date(struct text *out, int32_t days, enum time_style style)
{
	if (style == TIMES_INT) {
		number_add_int(out, days);
		return FORM_BARE;
	}
	when_add_date(out, days);
	return FORM_QUOTED;
}

static enum form add_float(struct text *out, teg_type type, double value)
{
	bool number = type == TEG_FLOAT64   ? number_add_f64(out, value)
	              : type == TEG_FLOAT32 ? number_add_f32(out, (float)value)
	                                    : number_add_f16(out, number_to_f16(value));

	return number ? FORM_BARE : FORM_QUOTED;
}

static enum form add_bytes(struct text *out, const teg_data_type *type, const teg_value *value)
{
	if (type->type == TEG_UTF8)
		text_add(out, value->as.bytes.at, value->as.bytes.len);
	else if (type->type == TEG_DECIMAL128 && value->as.bytes.len == 16)
		number_add_decimal128(out, value->as.bytes.at, type->scale);
	else
		number_add_base64(out, value->as.bytes.at, value->as.bytes.len);
	return FORM_QUOTED;
}

enum form value_add(struct text *out, const teg_data_type *type, const teg_value *value,
                    enum time_style style)
{
	switch (value->type) {
	case TEG_BOOL: text_adds(out, value->as.i ? "true" : "false"); return FORM_BARE;
	case TEG_INT8:
	case TEG_INT16:
	case TEG_INT32:
	case TEG_INT64:
	case TEG_DURATION:
		number_add_int(out, value->as.i);
		return value->type == TEG_INT64 || value->type == TEG_DURATION ? FORM_QUOTED
		                                                               : FORM_BARE;
	case TEG_UINT8:
	case TEG_UINT16:
	case TEG_UINT32:
	case TEG_UINT64:
		number_add_uint(out, value->as.u);
		return value->type == TEG_UINT64 ? FORM_QUOTED : FORM_BARE;
	case TEG_FLOAT16:
	case TEG_FLOAT32:
	case TEG_FLOAT64: return add_float(out, value->type, value->as.f);
	case TEG_DATE32: return value_add_date(out, (int32_t)value->as.i, style);
	case TEG_TIMESTAMP:
		return value_add_time(out, value->as.i, type->unit, has_zone(type), style);
	case TEG_UTF8:
	case TEG_BYTES:
	case TEG_FIXED_BYTES:
	case TEG_DECIMAL128: return add_bytes(out, type, value);
	case TEG_LIST:
	case TEG_FIXED_LIST:
	case TEG_STRUCT: break; /* no single value: see arrow_add_cell */
	}
	return FORM_NULL;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool refuse_value(struct why *why, const teg_data_type *type, const char *at, size_t len)
{
	struct text name = { NULL, 0, 0 };

	type_add_name(&name, type);
	refuse(why, "'%.*s' is not a value of type %s", (int)(len < 80 ? len : 80), at,
	       text_string(&name));
	text_free(&name);
	return false;
}

static bool read_bool(const char *at, size_t len, int64_t *value_out)
{
	*value_out = len == 4 && !memcmp(at, "true", 4);
	return *value_out || (len == 5 && !memcmp(at, "false", 5));
}

/* The nearest value of the type, as `cat` prints it. */
static bool read_float(teg_type type, const char *at, size_t len, double *value_out)
{
	if (!number_read_float(at, len, value_out))
		return false;
	if (type == TEG_FLOAT32) {
		struct text copy = { NULL, 0, 0 };

		text_add(&copy, at, len);
		*value_out = (double)strtof(copy.at, NULL);
		text_free(&copy);
	} else if (type == TEG_FLOAT16) {
		*value_out = number_from_f16(number_to_f16(*value_out));
	}
	return true;
}

static bool read_time(const teg_data_type *type, const char *at, size_t len, int64_t *value_out,
                      struct why *why)
{
	int32_t days;

	/* Integers are in the column's own unit. */
	if (number_read_int(at, len, types[type->type].lo, types[type->type].hi, value_out))
		return true;
	if (type->type == TEG_TIMESTAMP)
		return when_read_time(at, len, type->unit, has_zone(type) ? WHEN_ZONED : WHEN_WALL,
		                      value_out, why);
	if (!when_read_date(at, len, &days, why))
		return false;
	*value_out = days;
	return true;
}

static bool read_bytes(const teg_data_type *type, const char *at, size_t len, teg_value *value)
{
	uint8_t decimal[16];
	void *copy;

	if (type->type == TEG_DECIMAL128) {
		if (!number_read_decimal128(at, len, type->precision, type->scale, decimal))
			return false;
		at = (const char *)decimal;
		len = sizeof decimal;
	}
	if (type->type == TEG_FIXED_BYTES && len != type->fixed_len)
		return false;
	for (size_t i = 0, n; type->type == TEG_UTF8 && i < len; i += n) {
		n = utf8_length(at + i, len - i);
		if (!n)
			return false;
	}
	copy = need_memory(len + 1, 1);
	memcpy(copy, at, len);
	value->as.bytes.at = copy;
	value->as.bytes.len = len;
	return true;
}

bool value_read(const teg_data_type *type, const char *at, size_t len, teg_value *value_out,
                struct why *why)
{
	teg_type t = type->type;
	bool ok = false;

	*value_out = (teg_value){ .type = t };
	if (t == TEG_TIMESTAMP || t == TEG_DATE32)
		return read_time(type, at, len, &value_out->as.i, why);
	if (t == TEG_BOOL)
		ok = read_bool(at, len, &value_out->as.i);
	else if ((t >= TEG_INT8 && t <= TEG_INT64) || t == TEG_DURATION)
		ok = number_read_int(at, len, types[t].lo, types[t].hi, &value_out->as.i);
	else if (t >= TEG_UINT8 && t <= TEG_UINT64)
		ok = number_read_uint(at, len, types[t].most, &value_out->as.u);
	else if (t >= TEG_FLOAT16 && t <= TEG_FLOAT64)
		ok = read_float(t, at, len, &value_out->as.f);
	else if (t == TEG_DECIMAL128 || (t >= TEG_UTF8 && t <= TEG_FIXED_BYTES))
		ok = read_bytes(type, at, len, value_out);
	if (!ok)
		*value_out = (teg_value){ .type = 0 };
	return ok || refuse_value(why, type, at, len);
}

void value_release(teg_value *value)
{
	if (value->type == TEG_DECIMAL128 ||
	    (value->type >= TEG_UTF8 && value->type <= TEG_FIXED_BYTES))
		free((void *)(uintptr_t)value->as.bytes.at);
	*value = (teg_value){ .type = 0 };
}
