/* Arrow's format strings ("l", "tsu:UTC", "d:10,2") and our types, both ways. */
#ifndef TEG_ENGINE_ARROW_FORMAT_H
#define TEG_ENGINE_ARROW_FORMAT_H
#include "engine/tegula.h"

#define ARROW_FORMAT_MAX 320 /* bytes, a long time zone included */
/* Of nested types the format alone: children are their own. */
void arrow_format(const teg_data_type *type, char format_out[ARROW_FORMAT_MAX]);

/* The type that a format string declares: large and view forms are the same type to us. The zone
 * points into `format`. False for what we do not store. */
bool arrow_type(const char *format, teg_data_type *type_out);
/* The same for "+l" (also "+L"), "+w:4" and "+s": type and list size, children are the caller's. */
bool arrow_nested_type(const char *format, teg_data_type *type_out);
/* What people call the type of any format string ("struct", "date64"), ours or not. */
const char *arrow_format_name(const char *format);
#endif
