#include "tools/tilectl/number.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* digits * 10^power, as a decimal that is tried out. */
struct decimal {
	uint64_t digits;
	int power;
};

enum width { BINARY16, BINARY32, BINARY64 };

static const struct {
	int sure, most; /* digits that always survive; digits that always suffice */
	double normal;  /* below it digits are lost */
} widths[] = {
	[BINARY16] = { 3, 5, 0x1p-14 },
	[BINARY32] = { FLT_DIG, 9, (double)FLT_MIN },
	[BINARY64] = { DBL_DIG, 17, DBL_MIN },
};

/* The digits of `value` before `end`; returns where they start. */
static char *digits_before(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return end;
}

/* Whether the decimal reads back as `value`, which is of that width and positive. */
static bool reads_back(struct decimal d, double value, enum width width)
{
	char text[40], *end = text + 26, *start = digits_before(end, d.digits);
	size_t power = (size_t)(d.power < 0 ? -d.power : d.power);
	char *tail = text + 39;

	*tail = '\0';
	tail = digits_before(tail, power);
	*--tail = d.power < 0 ? '-' : '+';
	*end++ = 'e';
	memmove(end, tail, (size_t)(text + 40 - tail));
	if (width == BINARY32)
		return (double)strtof(start, NULL) == value;
	if (width == BINARY16)
		return number_to_f16(strtod(start, NULL)) == number_to_f16(value);
	return strtod(start, NULL) == value;
}

/* The value to as many digits as always suffice. */
static struct decimal longest(double value, enum width width)
{
	char text[40], *e;
	struct decimal d = { 0, 0 };
	int n = widths[width].most;

	snprintf(text, sizeof text, "%.*e", n - 1, value);
	e = strchr(text, 'e');
	d.power = atoi(e + 1) - (n - 1);
	for (const char *at = text; at < e; at++)
		if (*at != '.')
			d.digits = d.digits * 10 + (uint64_t)(*at - '0');
	return d;
}

/* The decimal without its last `drop` digits, rounded. */
static struct decimal shortened(struct decimal d, int drop)
{
	uint64_t scale = 1;

	for (int i = 0; i < drop; i++)
		scale *= 10;
	return (struct decimal){ d.digits / scale + (d.digits % scale * 2 >= scale && scale > 1),
		                 d.power + drop };
}

/* The shortest decimal that reads back. Where the nearest of n digits does not, a neighbour may:
 * below a power of two the gap between floats is half as wide as above. */
static struct decimal shortest(double value, enum width width)
{
	struct decimal all = longest(value, width);
	int n = value < widths[width].normal ? 1 : widths[width].sure;

	for (; n < widths[width].most; n++) {
		struct decimal d = shortened(all, widths[width].most - n);

		if (reads_back(d, value, width))
			return d;
		if (n == widths[width].sure) /* the neighbours are too far off */
			continue;
		d.digits++;
		if (reads_back(d, value, width))
			return d;
		d.digits -= 2;
		if (reads_back(d, value, width))
			return d;
	}
	return all;
}

static void add_zeros(struct text *out, int n)
{
	while (n-- > 0)
		text_add(out, "0", 1);
}

static void add_decimal(struct text *out, struct decimal d)
{
	char digits[24], *at;
	int n, point;

	while (d.digits && d.digits % 10 == 0) {
		d.digits /= 10;
		d.power++;
	}
	at = digits_before(digits + sizeof digits, d.digits);
	n = (int)(digits + sizeof digits - at);
	point = n + d.power; /* the value is 0.digits * 10^point */
	if (point > 16 || point < -3) {
		text_add(out, at, 1);
		if (n > 1)
			text_adds(out, ".");
		text_add(out, at + 1, (size_t)n - 1);
		text_adds(out, "e");
		number_add_int(out, point - 1);
	} else if (point <= 0) {
		text_adds(out, "0.");
		add_zeros(out, -point);
		text_add(out, at, (size_t)n);
	} else if (point < n) {
		text_add(out, at, (size_t)point);
		text_adds(out, ".");
		text_add(out, at + point, (size_t)(n - point));
	} else {
		text_add(out, at, (size_t)n);
		add_zeros(out, point - n);
		text_adds(out, ".0");
	}
}

void number_add_uint(struct text *out, uint64_t value)
{
	char digits[24], *at = digits_before(digits + sizeof digits, value);

	text_add(out, at, (size_t)(digits + sizeof digits - at));
}

void number_add_int(struct text *out, int64_t value)
{
	if (value < 0)
		text_add(out, "-", 1);
	number_add_uint(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static bool add_float(struct text *out, double value, enum width width)
{
	if (isnan(value)) {
		text_adds(out, "NaN");
		return false;
	}
	if (signbit(value))
		text_adds(out, "-");
	if (isinf(value)) {
		text_adds(out, "Infinity");
		return false;
	}
	if (fpclassify(value) == FP_ZERO)
		text_adds(out, "0.0");
	else
		add_decimal(out, shortest(fabs(value), width));
	return true;
}

bool number_add_f64(struct text *out, double value)
{
	return add_float(out, value, BINARY64);
}

bool number_add_f32(struct text *out, float value)
{
	return add_float(out, (double)value, BINARY32);
}

bool number_add_f16(struct text *out, uint16_t bits)
{
	return add_float(out, number_from_f16(bits), BINARY16);
}

double number_from_f16(uint16_t bits)
{
	int exponent = bits >> 10 & 0x1f;
	double fraction = bits & 0x3ff, value;

	if (exponent == 0x1f)
		value = bits & 0x3ff ? (double)NAN : (double)INFINITY;
	else if (exponent)
		value = ldexp(fraction + 1024, exponent - 25);
	else
		value = ldexp(fraction, -24);
	return bits & 0x8000 ? -value : value;
}

uint16_t number_to_f16(double value)
{
	uint16_t sign = signbit(value) ? 0x8000 : 0;
	double size = fabs(value), scaled;
	int exponent;

	if (isnan(value))
		return (uint16_t)(sign | 0x7e00);
	if (size >= 65520) /* halfway between the largest and what would follow */
		return (uint16_t)(sign | 0x7c00);
	frexp(size, &exponent);
	if (exponent < -13 || size <= 0)
		exponent = -13; /* denormals share the exponent of the least normal */
	scaled = nearbyint(ldexp(size, 11 - exponent));
	/* A carry out of the fraction runs into the exponent, which is what it should do. */
	return (uint16_t)(sign | (unsigned)((exponent + 13) * 1024 + (int)scaled));
}

/* ---- decimals --------------------------------------------------------------------------------- */

/* Divides the 128-bit number, high half first, by 10; returns the remainder. */
static unsigned divide_by_10(uint32_t limbs[4])
{
	uint64_t rest = 0;

	for (int i = 3; i >= 0; i--) {
		uint64_t part = rest << 32 | limbs[i];

		limbs[i] = (uint32_t)(part / 10);
		rest = part % 10;
	}
	return (unsigned)rest;
}

/* limbs = limbs * 10 + digit. */
static void push_digit(uint32_t limbs[4], unsigned digit)
{
	uint64_t carry = digit;

	for (int i = 0; i < 4; i++) {
		carry += (uint64_t)limbs[i] * 10;
		limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static void negate(uint32_t limbs[4])
{
	uint64_t carry = 1;

	for (int i = 0; i < 4; i++) {
		carry += (uint32_t)~limbs[i];
		limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static void load(const uint8_t bytes[16], uint32_t limbs[4])
{
	for (int i = 0; i < 4; i++)
		limbs[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 |
		           (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
}

static void store(const uint32_t limbs[4], uint8_t bytes[16])
{
	for (int i = 0; i < 16; i++)
		bytes[i] = (uint8_t)(limbs[i / 4] >> (8 * (i % 4)));
}

void number_add_decimal128(struct text *out, const uint8_t bytes[16], int scale)
{
	char digits[200];
	size_t at = sizeof digits;
	uint32_t limbs[4];
	int n = 0;

	load(bytes, limbs);
	if (bytes[15] & 0x80) {
		text_adds(out, "-");
		negate(limbs);
	}
	while (n <= scale || limbs[0] || limbs[1] || limbs[2] || limbs[3] || !n) {
		if (n && n == scale)
			digits[--at] = '.';
		digits[--at] = (char)('0' + divide_by_10(limbs));
		n++;
		if (at < 2)
			break;
	}
	text_add(out, digits + at, sizeof digits - at);
	if (scale < 0 && !(n == 1 && digits[at] == '0'))
		for (int i = 0; i > scale; i--)
			text_adds(out, "0");
}

/* The next digit of a decimal without its sign and point; false at its end. */
static bool take_digit(const char **at, const char *end, bool *fraction, unsigned *digit_out)
{
	if (*at < end && **at == '.' && !*fraction) {
		*fraction = true;
		++*at;
	}
	if (*at >= end || **at < '0' || **at > '9')
		return false;
	*digit_out = (unsigned)(*(*at)++ - '0');
	return true;
}

bool number_read_decimal128(const char *at, size_t len, int precision, int scale,
                            uint8_t bytes_out[16])
{
	const char *end = at + len;
	uint32_t limbs[4] = { 0, 0, 0, 0 };
	bool minus = len && *at == '-', fraction = false, any = false;
	int after = 0, significant = 0;
	unsigned digit;

	if (len && (*at == '-' || *at == '+'))
		at++;
	while (take_digit(&at, end, &fraction, &digit)) {
		any = true;
		if (fraction && after == scale) {
			if (digit)
				return false;
			continue;
		}
		after += fraction;
		significant += significant || digit;
		if (significant > precision)
			return false;
		push_digit(limbs, digit);
	}
	for (; after < scale; after++) {
		significant += significant > 0;
		push_digit(limbs, 0);
	}
	if (at != end || !any || scale < 0 || significant > precision)
		return false;
	if (minus)
		negate(limbs);
	store(limbs, bytes_out);
	return true;
}

void number_add_base64(struct text *out, const uint8_t *bytes, size_t len)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;
		char four[4];

		if (have > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (have > 2)
			group |= bytes[i + 2];
		for (size_t k = 0; k < 4; k++)
			four[k] = k <= have ? letters[group >> (18 - 6 * k) & 63] : '=';
		text_add(out, four, 4);
	}
}

/* ---- reading ---------------------------------------------------------------------------------- */

bool number_read_uint(const char *at, size_t len, uint64_t hi, uint64_t *value_out)
{
	uint64_t value = 0;

	if (len && *at == '+') {
		at++;
		len--;
	}
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(at[i] - '0');

		if (at[i] < '0' || at[i] > '9' || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*value_out = value;
	return value <= hi;
}

bool number_read_int(const char *at, size_t len, int64_t lo, int64_t hi, int64_t *value_out)
{
	bool minus = len && *at == '-';
	uint64_t size;

	if (minus && len > 1 && at[1] == '+')
		return false;
	if (!number_read_uint(at + minus, len - minus, (uint64_t)INT64_MAX + minus, &size))
		return false;
	*value_out = !minus ? (int64_t)size : size ? -(int64_t)(size - 1) - 1 : 0;
	return *value_out >= lo && *value_out <= hi;
}

bool number_read_float(const char *at, size_t len, double *value_out)
{
	struct text copy = { NULL, 0, 0 };
	bool plain;
	char *end;

	text_add(&copy, at, len);
	/* strtod alone would take blanks, hexadecimal and NaN. */
	plain = len && !strpbrk(copy.at, " \t\n\v\f\rxXpP(") && strlen(copy.at) == len;
	*value_out = strtod(copy.at, &end);
	plain = plain && *end == '\0' && !isnan(*value_out);
	text_free(&copy);
	return plain;
}
