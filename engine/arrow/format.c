#include "engine/arrow/format.h"
#include <stdio.h>

void arrow_format(const teg_data_type *type, char format_out[ARROW_FORMAT_MAX])
{
	static const char *const plain[] = {
		[TEG_BOOL] = "b",     [TEG_INT8] = "c",    [TEG_INT16] = "s",   [TEG_INT32] = "i",
		[TEG_INT64] = "l",    [TEG_UINT8] = "C",   [TEG_UINT16] = "S",  [TEG_UINT32] = "I",
		[TEG_UINT64] = "L",   [TEG_FLOAT16] = "e", [TEG_FLOAT32] = "f", [TEG_FLOAT64] = "g",
		[TEG_DATE32] = "tdD", [TEG_UTF8] = "u",    [TEG_BYTES] = "z"
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
	case TEG_FIXED_BYTES:
		snprintf(format_out, ARROW_FORMAT_MAX, "w:%u", type->fixed_len);
		break;
	default: snprintf(format_out, ARROW_FORMAT_MAX, "%s", plain[type->type]);
	}
}
