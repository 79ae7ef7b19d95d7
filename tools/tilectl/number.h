/* Numbers as text, exactly: what is printed reads back to the same bits.
 *
 * Floats get the fewest digits that do, and always a point or an exponent, so that -0.0 and 1.0
 * stay floats for a JSON reader: 0.1, -0.0, 1e300, 5e-324. NaN and the infinities are words.
 */
#ifndef TILECTL_NUMBER_H
#define TILECTL_NUMBER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tools/tilectl/text.h"

void number_add_int(struct text *out, int64_t value);
void number_add_uint(struct text *out, uint64_t value);
/* Each appends the number; false where it is a word (NaN, Infinity, -Infinity). */
bool number_add_f64(struct text *out, double value);
bool number_add_f32(struct text *out, float value);
bool number_add_f16(struct text *out, uint16_t bits);

/* The value of the bits of an IEEE 754 binary16, which is exact. */
double number_from_f16(uint16_t bits);
/* The nearest binary16, ties to even. */
uint16_t number_to_f16(double value);

/* 16 bytes, little-endian two's complement, times 10^-scale. */
void number_add_decimal128(struct text *out, const uint8_t bytes[16], int scale);
/* RFC 4648 base64 with padding. */
void number_add_base64(struct text *out, const uint8_t *bytes, size_t len);

/* The whole of `at` as an integer in [lo, hi]; one sign is allowed. */
bool number_read_int(const char *at, size_t len, int64_t lo, int64_t hi, int64_t *value_out);
bool number_read_uint(const char *at, size_t len, uint64_t hi, uint64_t *value_out);
/* The whole of `at` as a float; "inf" and "infinity" with a sign, not NaN. */
bool number_read_float(const char *at, size_t len, double *value_out);
/* A decimal as 16 bytes: false where it has more digits after the point than the scale or more in
 * all than the precision. */
bool number_read_decimal128(const char *at, size_t len, int precision, int scale,
                            uint8_t bytes_out[16]);
#endif
