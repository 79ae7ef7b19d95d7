/* Numbers for property tests: the same on every machine, from a seed that a failing test prints.
 * SplitMix64. */
#ifndef TEG_TESTS_SUPPORT_RNG_H
#define TEG_TESTS_SUPPORT_RNG_H
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state; /* the seed at first */
};

static inline uint64_t rng_u64(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 to n - 1; n is not 0. */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return rng_u64(rng) % n;
}

/* 0 up to, not including, 1. */
static inline double rng_unit(struct rng *rng)
{
	return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

static inline void rng_fill(struct rng *rng, void *bytes, size_t len)
{
	uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)rng_u64(rng);
}
#endif
