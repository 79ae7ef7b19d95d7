/* Names that Arrow has for types. */
#ifndef TILECTL_TYPE_NAME_H
#define TILECTL_TYPE_NAME_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

/* Appends the format of the Arrow C Data Interface; text and bytes have 32-bit offsets. */
void type_add_format(struct text *out, const teg_data_type *type);
/* The name of libarrow ("double"), for types that JSON holds as numbers or words; else NULL. */
const char *type_json_name(teg_type type);
#endif
