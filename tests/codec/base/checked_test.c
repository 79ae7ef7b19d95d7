#include "codec/base/checked.h"
#include <criterion/criterion.h>

static const struct {
	size_t a, b;
	bool fits;
} sums[] = {
	{ 0, 0, true },
	{ SIZE_MAX, 0, true },
	{ SIZE_MAX - 1, 1, true },
	{ SIZE_MAX, 1, false },
	{ SIZE_MAX, SIZE_MAX, false },
	{ SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, false },
};

Test(checked, sums)
{
	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
		size_t a = sums[i].a, b = sums[i].b, got;
		uint64_t wide;

		cr_assert_eq(size_add(a, b, &got), sums[i].fits, "%zu", i);
		cr_assert_eq(u64_add(a, b, &wide), sums[i].fits, "%zu", i);
		if (sums[i].fits)
			cr_assert(got == a + b && wide == a + b, "%zu", i);
	}
}

static const struct {
	uint64_t a, b;
	bool fits;
} products[] = {
	{ 0, UINT64_MAX, true },
	{ 1, UINT64_MAX, true },
	{ UINT32_MAX, UINT32_MAX, true },
	{ UINT64_C(1) << 32, UINT64_C(1) << 31, true },
	{ UINT64_C(1) << 32, UINT64_C(1) << 32, false },
	{ 2, UINT64_MAX / 2 + 1, false },
	{ UINT64_MAX, UINT64_MAX, false },
};

Test(checked, products)
{
	for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
		uint64_t a = products[i].a, b = products[i].b, got;
		size_t size;

		cr_assert_eq(u64_mul(a, b, &got), products[i].fits, "%zu", i);
		cr_assert_eq(size_mul((size_t)a, (size_t)b, &size), products[i].fits, "%zu", i);
		if (products[i].fits)
			cr_assert(got == a * b && size == a * b, "%zu", i);
	}
}

Test(checked, signed_sums)
{
	int64_t got;

	cr_assert(i64_add(INT64_MAX, INT64_MIN, &got));
	cr_assert_eq(got, -1);
	cr_assert(!i64_add(INT64_MAX, 1, &got));
	cr_assert(!i64_add(INT64_MIN, -1, &got));
}

Test(checked, min_and_max)
{
	cr_assert_eq(size_min(1, 2), 1);
	cr_assert_eq(size_min(2, 1), 1);
	cr_assert_eq(size_max(1, 2), 2);
	cr_assert_eq(size_max(2, 1), 2);
}
