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
