#include "codec/column/widen.h"
#include "codec/column/kernel.h"

bool widen_possible(enum value_class class, uint32_t from_width, uint32_t to_width)
{
	bool number = class == VALUE_UNSIGNED || class == VALUE_SIGNED || class == VALUE_FLOAT;

	return number && word_width(from_width) && word_width(to_width) && from_width < to_width &&
	       (class != VALUE_FLOAT || from_width > 1);
}

/* ---- whole numbers ---- */

#define WIDEN(NAME, FROM, TO)                                                   \
	KERNEL static void widen_##NAME(const uint8_t *restrict from, size_t n, \
	                                uint8_t *restrict to)                   \
	{                                                                       \
		for (size_t i = 0; i < n; i++) {                                \
			FROM v;                                                 \
			TO wide;                                                \
                                                                                \
			memcpy(&v, from + i * sizeof v, sizeof v);              \
			wide = v;                                               \
			memcpy(to + i * sizeof wide, &wide, sizeof wide);       \
		}                                                               \
	}
WIDEN(i8_i16, int8_t, int16_t)
WIDEN(i8_i32, int8_t, int32_t)
WIDEN(i8_i64, int8_t, int64_t)
WIDEN(i16_i32, int16_t, int32_t)
WIDEN(i16_i64, int16_t, int64_t)
WIDEN(i32_i64, int32_t, int64_t)
WIDEN(u8_u16, uint8_t, uint16_t)
WIDEN(u8_u32, uint8_t, uint32_t)
WIDEN(u8_u64, uint8_t, uint64_t)
WIDEN(u16_u32, uint16_t, uint32_t)
WIDEN(u16_u64, uint16_t, uint64_t)
WIDEN(u32_u64, uint32_t, uint64_t)

/* ---- floats: by their bits, since the processor makes signalling NaNs quiet ---- */

ALWAYS_INLINE uint32_t f32_of_f16(uint32_t v)
{
	uint32_t sign = (v & 0x8000u) << 16, exponent = v >> 10 & 0x1fu, fraction = v & 0x3ffu;

	if (exponent == 0x1f)
		return sign | 0x7f800000u | fraction << 13;
	if (exponent)
		return sign | (exponent + 112) << 23 | fraction << 13;
	if (!fraction)
		return sign;
	for (exponent = 113; !(fraction & 0x400u); exponent--)
		fraction <<= 1;
	return sign | exponent << 23 | (fraction & 0x3ffu) << 13;
}

ALWAYS_INLINE uint64_t f64_of_f32(uint32_t v)
{
	uint64_t payload = (uint64_t)(v & 0x80000000u) << 32 | 0x7ff0000000000000u |
	                   (uint64_t)(v & 0x7fffffu) << 29;
	float narrow;
	double wide;
	uint64_t bits;

	memcpy(&narrow, &v, sizeof narrow);
	wide = (double)narrow;
	memcpy(&bits, &wide, sizeof bits);
	return (v & 0x7fffffffu) > 0x7f800000u ? payload : bits;
}

KERNEL static void widen_f16_f32(const uint8_t *restrict from, size_t n, uint8_t *restrict to)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t v;
		uint32_t wide;

		memcpy(&v, from + i * 2, sizeof v);
		wide = f32_of_f16(v);
		memcpy(to + i * 4, &wide, sizeof wide);
	}
}

KERNEL static void widen_f16_f64(const uint8_t *restrict from, size_t n, uint8_t *restrict to)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t v;
		uint64_t wide;

		memcpy(&v, from + i * 2, sizeof v);
		wide = f64_of_f32(f32_of_f16(v));
		memcpy(to + i * 8, &wide, sizeof wide);
	}
}

KERNEL static void widen_f32_f64(const uint8_t *restrict from, size_t n, uint8_t *restrict to)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t v;
		uint64_t wide;

		memcpy(&v, from + i * 4, sizeof v);
		wide = f64_of_f32(v);
		memcpy(to + i * 8, &wide, sizeof wide);
	}
}

/* ---- by class and widths ---- */

static unsigned step_of(uint32_t width)
{
	return width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;
}

void widen_values(enum value_class class, uint32_t from_width, uint32_t to_width,
                  const uint8_t *from, size_t n, uint8_t *to)
{
	static void (*const loops[3][3][4])(const uint8_t *restrict, size_t, uint8_t *restrict) = {
		[VALUE_UNSIGNED] = { { NULL, widen_u8_u16, widen_u8_u32, widen_u8_u64 },
		                     { NULL, NULL, widen_u16_u32, widen_u16_u64 },
		                     { NULL, NULL, NULL, widen_u32_u64 } },
		[VALUE_SIGNED] = { { NULL, widen_i8_i16, widen_i8_i32, widen_i8_i64 },
		                   { NULL, NULL, widen_i16_i32, widen_i16_i64 },
		                   { NULL, NULL, NULL, widen_i32_i64 } },
		[VALUE_FLOAT] = { { NULL },
		                  { NULL, NULL, widen_f16_f32, widen_f16_f64 },
		                  { NULL, NULL, NULL, widen_f32_f64 } },
	};

	if (n && widen_possible(class, from_width, to_width))
		loops[class][step_of(from_width)][step_of(to_width)](from, n, to);
}
