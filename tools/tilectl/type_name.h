/* Names of types, read: what type_add_name of value.h writes, and Arrow's names of it. */
#ifndef TILECTL_TYPE_NAME_H
#define TILECTL_TYPE_NAME_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

/* int32, timestamp[us, UTC], decimal128(10,2), fixed_bytes(16), ... `zone_out` takes the zone, which
 * the type then points into; the caller frees it. */
bool type_read_name(const char *at, size_t len, teg_data_type *type_out, struct text *zone_out,
                    struct why *why);
/* Appends the format of the Arrow C Data Interface; text and bytes have 32-bit offsets. */
void type_add_format(struct text *out, const teg_data_type *type);
/* The name of libarrow ("double"), for types that JSON holds as numbers or words; else NULL. */
const char *type_json_name(teg_type type);
#endif
