/* Arithmetic on sizes that come from outside: false where the result does not fit. */
#ifndef TEG_CODEC_BASE_CHECKED_H
#define TEG_CODEC_BASE_CHECKED_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool size_add(size_t a, size_t b, size_t *sum_out)
{
	return !__builtin_add_overflow(a, b, sum_out);
}

static inline bool size_mul(size_t a, size_t b, size_t *product_out)
{
	return !__builtin_mul_overflow(a, b, product_out);
}

static inline bool u64_add(uint64_t a, uint64_t b, uint64_t *sum_out)
{
	return !__builtin_add_overflow(a, b, sum_out);
}

static inline bool u64_mul(uint64_t a, uint64_t b, uint64_t *product_out)
{
	return !__builtin_mul_overflow(a, b, product_out);
}

static inline bool i64_add(int64_t a, int64_t b, int64_t *sum_out)
{
	return !__builtin_add_overflow(a, b, sum_out);
}

static inline size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
	return a > b ? a : b;
}
#endif
