#include "engine/predicate/number.h"
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- large natural numbers, of as many words as the worst case here takes (see below) ---- */

#define BIG_WORDS 48

struct big {
	uint32_t word[BIG_WORDS]; /* least significant first */
};

static struct big big_of(unsigned __int128 v)
{
	struct big b = { { 0 } };

	for (int i = 0; i < 4; i++)
		b.word[i] = (uint32_t)(v >> (32 * i));
	return b;
}

static void big_scale(struct big *b, int power_of_ten)
{
	for (; power_of_ten > 0; power_of_ten--) {
		uint64_t carry = 0;

		for (int i = 0; i < BIG_WORDS; i++) {
			carry += (uint64_t)b->word[i] * 10;
			b->word[i] = (uint32_t)carry;
			carry >>= 32;
		}
	}
}

static void big_shift(struct big *b, int bits)
{
	int words = bits / 32, rest = bits % 32;

	for (int i = BIG_WORDS - 1; i >= 0; i--) {
		uint64_t high = i >= words ? b->word[i - words] : 0;
		uint64_t low = i > words ? b->word[i - words - 1] : 0;

		b->word[i] = (uint32_t)((high << 32 | low) >> (32 - rest));
	}
}

static void big_halve(struct big *b)
{
	for (int i = 0; i < BIG_WORDS; i++) {
		uint32_t above = i + 1 < BIG_WORDS ? b->word[i + 1] : 0;

		b->word[i] = b->word[i] >> 1 | above << 31;
	}
}

static int big_bits(const struct big *b)
{
	for (int i = BIG_WORDS - 1; i >= 0; i--)
		if (b->word[i])
			return 32 * i + 32 - __builtin_clz(b->word[i]);
	return 0;
}

static bool big_less(const struct big *a, const struct big *b)
{
	for (int i = BIG_WORDS - 1; i >= 0; i--)
		if (a->word[i] != b->word[i])
			return a->word[i] < b->word[i];
	return false;
}

static void big_subtract(struct big *a, const struct big *b)
{
	uint64_t borrow = 0;

	for (int i = 0; i < BIG_WORDS; i++) {
		uint64_t d = (uint64_t)a->word[i] - b->word[i] - borrow;

		a->word[i] = (uint32_t)d;
		borrow = d >> 63;
	}
}

/* n / d, bit by bit. False where the quotient takes more than 127 bits. */
static bool big_divide(struct big *n, struct big *d, unsigned __int128 *quotient_out,
                       bool *rest_out)
{
	int at = big_bits(n) - big_bits(d);

	*quotient_out = 0;
	if (at >= 127)
		return false;
	if (at > 0)
		big_shift(d, at);
	for (; at >= 0; at--) {
		*quotient_out <<= 1;
		if (!big_less(n, d)) {
			big_subtract(n, d);
			*quotient_out |= 1;
		}
		big_halve(d);
	}
	*rest_out = big_bits(n) > 0;
	return true;
}

/* ---- text ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct decimal {
	unsigned __int128 i;
	int digits, scale;
	int zeros; /* read since the last other digit, not yet in i */
	bool any, point;
};

static void keep_digit(struct decimal *d, int digit)
{
	for (; d->zeros; d->zeros--, d->digits++)
		d->i = d->digits < DECIMAL_DIGITS_MAX ? d->i * 10 : d->i;
	d->i = d->digits < DECIMAL_DIGITS_MAX ? d->i * 10 + (unsigned)digit : d->i;
	d->digits++;
}

/* Zeros wait until a digit follows them: at the end they only move the point. */
static const char *take_digits(const char *text, struct decimal *d)
{
	for (; is_digit(*text) || (*text == '.' && !d->point); text++) {
		if (*text == '.') {
			d->point = true;
			continue;
		}
		d->any = true;
		d->scale += d->point;
		if (*text != '0')
			keep_digit(d, *text - '0');
		else
			d->zeros += d->digits > 0;
	}
	d->scale -= d->zeros;
	return text;
}

/* Takes an exponent, or nothing at the end of the text. NULL: it is none. */
static const char *take_exponent(const char *text, int *exponent_out)
{
	bool negative;

	*exponent_out = 0;
	if (!*text)
		return text;
	negative = text[1] == '-';
	text += 1 + (text[1] == '-' || text[1] == '+');
	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++)
		if (*exponent_out <= DECIMAL_SCALE_MAX)
			*exponent_out = *exponent_out * 10 + (*text - '0');
	if (negative)
		*exponent_out = -*exponent_out;
	return text;
}

const char *decimal_of_text(const char *text, __int128 *i_out, int *scale_out)
{
	struct decimal d = { 0 };
	bool negative = *text == '-';
	int exponent;

	text = take_digits(text + (*text == '-' || *text == '+'), &d);
	if (!d.any || (*text && *text != 'e' && *text != 'E'))
		return "a number makes no sense";
	text = take_exponent(text, &exponent);
	if (!text || *text)
		return "a number makes no sense";
	if (d.digits > DECIMAL_DIGITS_MAX)
		return "a number has more than 38 digits";
	d.scale = d.digits ? d.scale - exponent : 0;
	if (d.scale > DECIMAL_SCALE_MAX || d.scale < -DECIMAL_SCALE_MAX)
		return "a number is too large or too small";
	*i_out = negative ? -(__int128)d.i : (__int128)d.i;
	*scale_out = d.scale;
	return NULL;
}

/* ---- to float64 ---- */

#define QUOTIENT_BITS 64 /* at the least: 53, one to round by, and a few */

/* q / 2^shift, and a little more where `rest`, rounded to nearest, ties to even. */
static double round_to_float(unsigned __int128 q, int shift, bool rest)
{
	int bits = q >> 64 ? 128 - __builtin_clzll((uint64_t)(q >> 64))
	                   : 64 - __builtin_clzll((uint64_t)q);
	int lowest = bits - 1 - shift - (DBL_MANT_DIG - 1), drop;
	unsigned __int128 half, below;

	if (lowest < DBL_MIN_EXP - DBL_MANT_DIG)
		lowest = DBL_MIN_EXP - DBL_MANT_DIG; /* denormal */
	drop = lowest + shift;
	half = (unsigned __int128)1 << (drop - 1);
	below = q & (2 * half - 1);
	q >>= drop;
	q += below > half || (below == half && (rest || q & 1));
	return ldexp((double)(uint64_t)q, lowest);
}

static int count_digits(unsigned __int128 v)
{
	int n = 0;

	for (; v; v /= 10)
		n++;
	return n;
}

double float_of_decimal(__int128 i, int scale)
{
	unsigned __int128 size = i < 0 ? 0 - (unsigned __int128)i : (unsigned __int128)i, q;
	int exponent = count_digits(size) - scale,
	    shift; /* of ten; the number is below 10^exponent */
	struct big n = big_of(size), d = big_of(1);
	bool rest;
	double f;

	if (!i || exponent < -330)
		return i < 0 ? -0.0 : 0.0;
	if (exponent > 310)
		return i < 0 ? -INFINITY : INFINITY;
	/* Here either factor is below 10^369, so below 2^1226: with 128 bits more it fits. */
	big_scale(&n, -scale);
	big_scale(&d, scale);
	shift = QUOTIENT_BITS + big_bits(&d) - big_bits(&n);
	big_shift(shift > 0 ? &n : &d, shift > 0 ? shift : -shift);
	big_divide(&n, &d, &q, &rest);
	f = round_to_float(q, shift, rest);
	return i < 0 ? -f : f;
}

/* ---- to whole numbers ---- */

/* The floor of -(q and the rest) or of q and the rest. */
static struct whole whole_of_size(bool negative, unsigned __int128 q, bool rest)
{
	__int128 floor = negative ? -(__int128)q - rest : (__int128)q;

	return (struct whole){ .floor = floor, .more = rest };
}

struct whole whole_of_decimal(__int128 i, int from, int to)
{
	unsigned __int128 size = i < 0 ? 0 - (unsigned __int128)i : (unsigned __int128)i, by = 1;
	int steps = to > from ? to - from : from - to;

	if (!i)
		return (struct whole){ .floor = 0 };
	if (steps > DECIMAL_DIGITS_MAX)
		return to > from ? (struct whole){ .beyond = i < 0 ? -1 : 1 }
		                 : whole_of_size(i < 0, 0, true);
	while (steps-- > 0)
		by *= 10;
	if (to <= from)
		return whole_of_size(i < 0, size / by, size % by != 0);
	if (size > ((unsigned __int128)-1 >> 1) / by)
		return (struct whole){ .beyond = i < 0 ? -1 : 1 };
	return whole_of_size(i < 0, size * by, false);
}

struct whole whole_of_float(double f, int to)
{
	int exponent, place;
	struct big n, d = big_of(1);
	unsigned __int128 q;
	bool rest;

	if (isnan(f) || isinf(f))
		return (struct whole){ .beyond = f < 0 ? -1 : 1 };
	if (f == 0)
		return (struct whole){ .floor = 0 };
	n = big_of((uint64_t)ldexp(frexp(fabs(f), &exponent), DBL_MANT_DIG));
	place = exponent + to * 10 / 3; /* about the bits before the point */
	if (place < -64)
		return whole_of_size(f < 0, 0, true);
	if (place > 256)
		return (struct whole){ .beyond = f < 0 ? -1 : 1 };
	exponent -= DBL_MANT_DIG;
	/* |to| <= 128, so 10^to is below 2^426, and so the exponent between -550 and 700. */
	big_scale(to > 0 ? &n : &d, to > 0 ? to : -to);
	big_shift(exponent > 0 ? &n : &d, exponent > 0 ? exponent : -exponent);
	if (!big_divide(&n, &d, &q, &rest))
		return (struct whole){ .beyond = f < 0 ? -1 : 1 };
	return whole_of_size(f < 0, q, rest);
}
