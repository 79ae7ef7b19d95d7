#include "codec/column/lane.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"

#define SIGN 0x8000000000000000u
#define INF_BITS 0x7ff0000000000000u
#define LANE_INF (INF_BITS | SIGN)          /* lanes above it are NaN */
#define LANE_MINUS_INF (~(INF_BITS | SIGN)) /* no number has a lane below it */

static uint64_t f64_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

/* Branch-free, so that a column of them vectorises. */
static inline uint64_t lane_of_f64_bits(uint64_t bits)
{
	uint64_t size = bits & ~SIGN;
	uint64_t negative = (uint64_t)0 - (bits >> 63);
	uint64_t lane = (bits ^ negative) | (~negative & SIGN);

	lane = size ? lane : SIGN; /* -0.0 is 0.0 */
	return size > INF_BITS ? LANE_NAN : lane;
}

uint64_t lane_of_f64(double v)
{
	return lane_of_f64_bits(f64_bits(v));
}

static uint64_t bits_of_lane(uint64_t lane)
{
	if (lane == LANE_NAN)
		return 0x7ff8000000000000u;
	if (lane > LANE_INF)
		lane = LANE_INF;
	if (lane < LANE_MINUS_INF)
		lane = LANE_MINUS_INF;
	return lane & SIGN ? lane ^ SIGN : ~lane;
}

double lane_to_f64(uint64_t lane)
{
	uint64_t bits = bits_of_lane(lane);
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

double float_value(const uint8_t *at, uint32_t width)
{
	uint16_t half;
	float single;
	double v;

	if (width == 8) {
		memcpy(&v, at, sizeof v);
		return v;
	}
	if (width == 4) {
		memcpy(&single, at, sizeof single);
		return (double)single;
	}
	memcpy(&half, at, sizeof half);
	v = lane_to_f64(lane_of_value(VALUE_FLOAT, span_of(at, width)));
	return half == 0x8000 ? -0.0 : v;
}

static uint64_t lane_of_f32_bits(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof v);
	return lane_of_f64((double)v);
}

/* Half precision: 1 sign, 5 exponent, 10 fraction bits, as a double's bits. */
static uint64_t lane_of_f16_bits(uint32_t half)
{
	uint64_t sign = (uint64_t)(half & 0x8000) << 48;
	uint64_t exponent = (half >> 10) & 31, fraction = half & 0x3ff;
	unsigned width;

	if (exponent == 31)
		return lane_of_f64_bits(sign | INF_BITS | fraction << 42);
	if (exponent)
		return lane_of_f64_bits(sign | (exponent + 1008) << 52 | fraction << 42);
	if (!fraction)
		return SIGN;
	/* A denormal: fraction * 2^-24, normal as a double. */
	width = bit_width(fraction);
	return lane_of_f64_bits(sign | (uint64_t)(width + 998) << 52 |
	                        (fraction << (53 - width) & 0xfffffffffffffu));
}

uint64_t lane_of_bytes(struct span bytes)
{
	uint8_t first[8] = { 0 };

	if (bytes.len >= 8)
		return __builtin_bswap64(load_u64(bytes.at));
	if (bytes.len)
		memcpy(first, bytes.at, bytes.len);
	return __builtin_bswap64(load_u64(first));
}

/* The machine's integer of 1, 2, 4 or 8 bytes at `at`, 0 for other widths. */
static uint64_t load_word(const uint8_t *at, size_t width)
{
	return word_width((uint32_t)width) ? word_load(at, (uint32_t)width) : 0;
}

/* The sign bit moved to the top and the rest extended. */
static uint64_t sign_extend(uint64_t word, size_t width)
{
	unsigned shift = 64 - 8 * (unsigned)width;

	return shift ? (uint64_t)((int64_t)(word << shift) >> shift) : word;
}

static uint64_t lane_of_float(const uint8_t *at, size_t width)
{
	if (width == 8)
		return lane_of_f64_bits(load_word(at, 8));
	if (width == 4)
		return lane_of_f32_bits((uint32_t)load_word(at, 4));
	return lane_of_f16_bits((uint32_t)load_word(at, 2));
}

uint64_t lane_of_value(enum value_class class, struct span value)
{
	switch (class) {
	case VALUE_UNSIGNED: return load_word(value.at, value.len);
	case VALUE_SIGNED: return sign_extend(load_word(value.at, value.len), value.len) ^ SIGN;
	case VALUE_FLOAT: return lane_of_float(value.at, value.len);
	case VALUE_BYTES: return lane_of_bytes(value);
	case VALUE_WIDE: return load_u64(value.at + 8) ^ SIGN;
	case VALUE_OPAQUE:
	case VALUE_OFFSETS: break;
	}
	return 0;
}

#define INTEGER_LANES(NAME, U, S, BITS)                                                      \
	KERNEL static void lanes_unsigned_##NAME(const uint8_t *at, size_t n, uint64_t *out) \
	{                                                                                    \
		for (size_t i = 0; i < n; i++) {                                             \
			U v;                                                                 \
                                                                                             \
			memcpy(&v, at + i * sizeof v, sizeof v);                             \
			out[i] = v;                                                          \
		}                                                                            \
	}                                                                                    \
	KERNEL static void lanes_signed_##NAME(const uint8_t *at, size_t n, uint64_t *out)   \
	{                                                                                    \
		for (size_t i = 0; i < n; i++) {                                             \
			S v;                                                                 \
                                                                                             \
			memcpy(&v, at + i * sizeof v, sizeof v);                             \
			out[i] = (uint64_t)(int64_t)v ^ SIGN;                                \
		}                                                                            \
	}
EACH_WORD(INTEGER_LANES)

KERNEL static void lanes_f64(const uint8_t *at, size_t n, uint64_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, at + i * 8, 8);
		out[i] = lane_of_f64_bits(bits);
	}
}

KERNEL static void lanes_f32(const uint8_t *at, size_t n, uint64_t *out)
{
	for (size_t i = 0; i < n; i++) {
		float v;

		memcpy(&v, at + i * 4, 4);
		out[i] = lane_of_f64_bits(f64_bits((double)v));
	}
}

typedef void lanes_fn(const uint8_t *at, size_t n, uint64_t *out);

/* The loop for a class and width, NULL where there is none of its own. */
static lanes_fn *lanes_loop(enum value_class class, uint32_t width)
{
	static lanes_fn *const loops[2][4] = {
		{ lanes_unsigned_u8, lanes_unsigned_u16, lanes_unsigned_u32, lanes_unsigned_u64 },
		{ lanes_signed_u8, lanes_signed_u16, lanes_signed_u32, lanes_signed_u64 },
	};

	if (class == VALUE_FLOAT && width >= 4)
		return width == 8 ? lanes_f64 : lanes_f32;
	if (class != VALUE_UNSIGNED && class != VALUE_SIGNED)
		return NULL;
	if (!word_width(width))
		return NULL;
	return loops[class == VALUE_SIGNED][bit_width(width) - 1];
}

/* Strings: away from the end of their bytes, eight are read at once and those too many cut off. */
static void lanes_of_strings(const struct column *c, size_t from, size_t n, uint64_t *lanes_out)
{
	const uint8_t *end = c->values + c->offsets[from + n];

	for (size_t i = 0; i < n; i++) {
		struct span v = column_value(c, from + i);

		if (end - v.at >= 8)
			lanes_out[i] = __builtin_bswap64(
				load_u64(v.at) & low_mask(8 * (unsigned)size_min(v.len, 8)));
		else
			lanes_out[i] = lane_of_bytes(v);
	}
}

void lanes_of_column(const struct column *c, enum value_class class, size_t from, size_t n,
                     uint64_t *lanes_out)
{
	lanes_fn *loop = c->shape == COLUMN_FIXED ? lanes_loop(class, c->width) : NULL;

	if (!n)
		return;
	if (loop) {
		loop(c->values + from * c->width, n, lanes_out);
		return;
	}
	if (c->shape == COLUMN_BYTES && class == VALUE_BYTES) {
		lanes_of_strings(c, from, n, lanes_out);
		return;
	}
	for (size_t i = 0; i < n; i++)
		lanes_out[i] = lane_of_value(class, column_value(c, from + i));
}

/* Numbers wrap, so one comparison with the distance from `lo` says whether a value lies inside,
 * signed or not. */
#define MASK(NAME, U, S, BITS)                                                        \
	KERNEL static void mask_##NAME(const uint8_t *values, size_t n, U lo, U span, \
	                               uint8_t *mask)                                 \
	{                                                                             \
		for (size_t i = 0; i < n; i++) {                                      \
			U v;                                                          \
                                                                                      \
			memcpy(&v, values + i * sizeof v, sizeof v);                  \
			mask[i] &= (uint8_t)((U)(v - lo) <= span);                    \
		}                                                                     \
	}
EACH_WORD(MASK)

/* The lanes of the least and the greatest value of an integer type. */
static void lane_range(enum value_class class, uint32_t width, uint64_t *lo, uint64_t *hi)
{
	uint64_t half = (uint64_t)1 << (8 * width - 1);

	*lo = class == VALUE_SIGNED ? SIGN - half : 0;
	*hi = *lo + (half - 1) + half;
}

static void mask_integers(const struct column *c, enum value_class class, uint64_t lo, uint64_t hi,
                          uint8_t *mask)
{
	uint64_t flip = class == VALUE_SIGNED ? SIGN : 0, least, greatest;

	lane_range(class, c->width, &least, &greatest);
	lo = lo > least ? lo : least;
	hi = hi < greatest ? hi : greatest;
	if (lo > hi) {
		memset(mask, 0, c->n);
		return;
	}
	hi -= lo;
	lo ^= flip;
	switch (c->width) {
	case 1: mask_u8(c->values, c->n, (uint8_t)lo, (uint8_t)hi, mask); break;
	case 2: mask_u16(c->values, c->n, (uint16_t)lo, (uint16_t)hi, mask); break;
	case 4: mask_u32(c->values, c->n, (uint32_t)lo, (uint32_t)hi, mask); break;
	default: mask_u64(c->values, c->n, lo, hi, mask); break;
	}
}

void lanes_mask(const struct column *c, enum value_class class, uint64_t lo, uint64_t hi,
                uint8_t *mask)
{
	uint64_t lanes[512];

	if (c->shape == COLUMN_FIXED && word_width(c->width) &&
	    (class == VALUE_SIGNED || class == VALUE_UNSIGNED)) {
		mask_integers(c, class, lo, hi, mask);
		return;
	}
	for (size_t from = 0; from < c->n; from += 512) {
		size_t n = size_min(512, c->n - from);

		lanes_of_column(c, class, from, n, lanes);
		for (size_t i = 0; i < n; i++)
			mask[from + i] &= (uint8_t)(lanes[i] >= lo) & (uint8_t)(lanes[i] <= hi);
	}
}

static uint64_t lane_of_narrow(uint32_t width, uint32_t bits)
{
	return width == 4 ? lane_of_f32_bits(bits) : lane_of_f16_bits(bits);
}

/* The bits of the largest float of `width` bytes (2 or 4) that is not above `lane`. Its bits,
 * negative numbers inverted, ascend with the lane, so they can be searched. */
static uint32_t narrow_float(uint32_t width, uint64_t lane)
{
	uint32_t sign = width == 4 ? 0x80000000u : 0x8000u;
	uint32_t inf = width == 4 ? 0x7f800000u : 0x7c00u;
	uint32_t low = sign - 1 - inf, high = sign + inf; /* -inf and inf */

	while (low < high) {
		uint32_t key = high - (high - low) / 2;
		uint32_t bits = key >= sign ? key - sign : (sign - 1 - key) | sign;

		if (lane_of_narrow(width, bits) <= lane)
			low = key;
		else
			high = key - 1;
	}
	return low >= sign ? low - sign : (sign - 1 - low) | sign;
}

static uint64_t float_bits(uint32_t width, uint64_t lane)
{
	if (width == 8)
		return bits_of_lane(lane);
	if (lane == LANE_NAN)
		return width == 4 ? 0x7fc00000u : 0x7e00u;
	return narrow_float(width, lane);
}

void lane_to_value(enum value_class class, uint32_t width, uint64_t lane, void *value_out)
{
	uint64_t v = lane;
	uint32_t w32;
	uint16_t w16;
	uint8_t w8;

	if (class == VALUE_SIGNED)
		v ^= SIGN;
	else if (class == VALUE_FLOAT)
		v = float_bits(width, lane);
	w32 = (uint32_t)v;
	w16 = (uint16_t)v;
	w8 = (uint8_t)v;
	memcpy(value_out,
	       width == 8   ? (void *)&v
	       : width == 4 ? (void *)&w32
	       : width == 2 ? (void *)&w16
	                    : (void *)&w8,
	       width);
}

/* ---- statistics ------------------------------------------------------------------------------ */

struct bounds {
	uint64_t min, max;
	uint64_t n_nan;
};

KERNEL static void bounds_of_lanes(const uint64_t *lanes, size_t n, struct bounds *b)
{
	uint64_t min = b->min, max = b->max, n_nan = 0;

	for (size_t i = 0; i < n; i++) {
		min = lanes[i] < min ? lanes[i] : min;
		max = lanes[i] > max ? lanes[i] : max;
		n_nan += lanes[i] == LANE_NAN;
	}
	b->min = min;
	b->max = max;
	b->n_nan += n_nan;
}

/* Moves the lanes of valid values to the front and returns how many there are. */
static size_t keep_valid(uint64_t *lanes, const uint8_t *validity, size_t from, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		lanes[kept] = lanes[i];
		kept += bitmap_get(validity, from + i);
	}
	return kept;
}

/* Whether one lane stands for one value only: a lane pads short values with zeros. */
static bool bytes_are_exact(const struct column *c)
{
	if (c->shape == COLUMN_FIXED)
		return c->width <= 8;
	for (size_t i = 0; i < c->n; i++) {
		struct span v = column_value(c, i);

		if (column_valid(c, i) && (v.len > 8 || (v.len && !v.at[v.len - 1])))
			return false;
	}
	return true;
}

void column_stats_of(const struct column *c, enum value_class class, struct column_stats *out)
{
	struct bounds b = { UINT64_MAX, 0, 0 };
	uint64_t lanes[512];
	size_t n_valid = 0;

	*out = (struct column_stats){ 0 };
	out->n_nulls = column_n_nulls(c);
	for (size_t i = 0; i < c->n && class != VALUE_OPAQUE; i += 512) {
		size_t n = size_min(512, c->n - i);

		lanes_of_column(c, class, i, n, lanes);
		if (c->validity)
			n = keep_valid(lanes, c->validity, i, n);
		bounds_of_lanes(lanes, n, &b);
		n_valid += n;
	}
	out->has_bounds = n_valid > 0;
	if (!out->has_bounds)
		return;
	out->min = b.min;
	out->max = b.max;
	out->n_nan = class == VALUE_FLOAT ? b.n_nan : 0;
	out->exact = class == VALUE_BYTES ? bytes_are_exact(c) : class != VALUE_WIDE;
}
