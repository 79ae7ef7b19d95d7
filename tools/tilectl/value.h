/* Single values and types of the library as text, and back.
 *
 * The text of a value is the one that `cat` prints and that --box, --at, --fill and --domain read.
 */
#ifndef TILECTL_VALUE_H
#define TILECTL_VALUE_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/text.h"

/* What a value is in JSON. */
enum form {
	FORM_NULL,
	FORM_BARE,   /* a number, true or false */
	FORM_QUOTED, /* a string: 64-bit integers, decimals, times, text, base64, NaN */
	FORM_JSON    /* a list or an object, already JSON text */
};

/* How times are printed. */
enum time_style { TIMES_RFC3339, TIMES_INT };

/* int32, timestamp[us, UTC], decimal128(10,2), list<struct<a: int32, b: utf8 not null>>, ... */
void type_add_name(struct text *out, const teg_data_type *type);
bool type_is_time(teg_type type);

/* Appends the value's text; returns its form. Type 0 appends nothing and is FORM_NULL. */
enum form value_add(struct text *out, const teg_data_type *type, const teg_value *value,
                    enum time_style style);

/* Reads the whole of `at` as a value of the type; false with the reason. */
bool value_read(const teg_data_type *type, const char *at, size_t len, teg_value *value_out,
                struct why *why);
/* Frees the bytes that value_read made. */
void value_release(teg_value *value);

/* The same for the parts that Arrow columns share. */
enum form value_add_time(struct text *out, int64_t units, teg_time_unit unit, bool zoned,
                         enum time_style style);
enum form value_add_date(struct text *out, int32_t days, enum time_style style);
#endif
