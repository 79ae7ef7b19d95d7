/* Exact numbers for predicates: decimal text, and what lies where between integers and floats.
 *
 * The C library's reader follows the host's locale, and 0.29 * 100 is not 29: so text becomes an
 * integer and a power of ten, and every step from there to a column's own numbers is made in whole
 * numbers. format-spec/predicates.md, PRED-13 to PRED-15.
 *
 *   "2.9e-1"   i 29, scale 2          29 / 10^2
 *   floor(f * 10^2), and whether something is left, of a float64 f
 */
#ifndef TEG_ENGINE_PREDICATE_NUMBER_H
#define TEG_ENGINE_PREDICATE_NUMBER_H
#include <stdbool.h>

#define DECIMAL_DIGITS_MAX 38   /* what fits 128 bits with a sign, whatever the digits */
#define DECIMAL_SCALE_MAX 10000 /* and no less than its negative */

/* A number as the largest integer not above it. */
struct whole {
	__int128 floor;
	bool more;  /* it lies above floor, below floor + 1 */
	int beyond; /* 1: above every 128-bit integer, -1: below; floor then means nothing */
};

/* i / 10^scale of text as "-12.50e3": a sign, digits with a point somewhere or none, an exponent.
 * Zeros at either end do not count as digits. NULL, or what is wrong with the text. */
const char *decimal_of_text(const char *text, __int128 *i_out, int *scale_out);

/* The float64 nearest to i / 10^scale, ties to even; infinite beyond the largest. */
double float_of_decimal(__int128 i, int scale);

/* i / 10^from as a multiple of 1 / 10^to. */
struct whole whole_of_decimal(__int128 i, int from, int to);
/* f as a multiple of 1 / 10^to; NaN lies beyond infinity. */
struct whole whole_of_float(double f, int to);
#endif
