#include "engine/merge/policy.h"
#include <criterion/criterion.h>
#include <string.h>
#include "tests/support/rng.h"

#define SIZES_MAX 10001

static const struct {
	const char *name;
	uint64_t sizes[8];
	size_t n;
	size_t first, n_merged; /* 0: nothing to do */
} cases[] = {
	{ "none", { 0 }, 0, 0, 0 },
	{ "one", { 7 }, 1, 0, 0 },
	{ "holds", { 640, 320, 160, 7 }, 4, 0, 0 },
	{ "holds exactly", { 8, 4, 2, 1 }, 4, 0, 0 },
	{ "two alike", { 5, 5 }, 2, 0, 2 },
	{ "just too small", { 9, 5 }, 2, 0, 2 },
	{ "of the header", { 640, 320, 8, 7, 9 }, 5, 2, 3 },
	{ "only the newest two", { 640, 320, 9, 9 }, 4, 2, 2 },
	{ "the merged one is too large in turn", { 40, 10, 4, 4 }, 4, 1, 3 },
	{ "all the way", { 8, 4, 2, 1, 1 }, 5, 0, 5 },
	{ "a large one comes last", { 640, 320, 160, 100000 }, 4, 0, 4 },
	{ "broken in the middle", { 640, 6, 5, 2, 1 }, 5, 1, 2 },
	{ "the newest break goes first", { 5, 100, 1, 1 }, 4, 2, 2 },
	{ "and then the older one", { 5, 100, 2 }, 3, 0, 2 },
	{ "empty segments", { 0, 0, 0 }, 3, 0, 0 },
	{ "empty before full", { 0, 1 }, 2, 0, 2 },
	{ "full before empty", { 1, 0 }, 2, 0, 0 },
	{ "beyond 64 bits", { UINT64_MAX, UINT64_MAX, UINT64_MAX }, 3, 0, 3 },
	{ "half of 64 bits", { UINT64_MAX, UINT64_MAX / 2 }, 2, 0, 0 },
	{ "more than half", { UINT64_MAX, UINT64_MAX / 2 + 1 }, 2, 0, 2 },
};

Test(policy, chooses_what_breaks_the_progression)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t first = 99, n = 99;
		bool some = policy_choose(cases[i].sizes, cases[i].n, POLICY_FACTOR, &first, &n);

		cr_assert_eq(some, cases[i].n_merged > 0, "%s", cases[i].name);
		if (!some)
			continue;
		cr_assert_eq(first, cases[i].first, "%s: %zu", cases[i].name, first);
		cr_assert_eq(n, cases[i].n_merged, "%s: %zu", cases[i].name, n);
	}
}

Test(policy, heeds_the_factor)
{
	const uint64_t sizes[] = { 16, 4, 1 };
	size_t first, n;

	cr_assert_not(policy_choose(sizes, 3, 4, &first, &n));
	cr_assert(policy_choose(sizes, 3, 5, &first, &n));
	cr_assert_eq(first, 0);
	cr_assert_eq(n, 3);
	cr_assert_not(policy_choose(sizes, 3, 0, &first, &n));
	cr_assert(policy_choose(sizes, 3, UINT64_MAX, &first, &n));
}

/* ---- histories ---- */

static bool holds(const uint64_t *sizes, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (sizes[i - 1] < sizes[i] * POLICY_FACTOR)
			return false;
	return true;
}

/* Merges the run; returns the bytes written. */
static uint64_t merge(uint64_t *sizes, size_t *n, size_t first, size_t n_merged)
{
	uint64_t together = 0;

	for (size_t i = 0; i < n_merged; i++)
		together += sizes[first + i];
	sizes[first] = together;
	memmove(sizes + first + 1, sizes + first + n_merged,
	        (*n - first - n_merged) * sizeof *sizes);
	*n -= n_merged - 1;
	return together;
}

enum growth { EQUAL, RANDOM, HEAVY, RISING, FALLING };

static uint64_t size_of_commit(enum growth growth, struct rng *rng, uint64_t commit)
{
	switch (growth) {
	case EQUAL: return 1000;
	case RANDOM: return 1 + rng_below(rng, 2000);
	case HEAVY: return rng_below(rng, 100) ? 100 : 1000000; /* a bulk load now and then */
	case RISING: return commit;
	default: return 10001 - commit;
	}
}

static unsigned log2_of(uint64_t v)
{
	return v < 2 ? 0 : 1 + log2_of(v / 2);
}

/* One call after each of 10,000 commits. */
static void check_history(enum growth growth)
{
	static uint64_t sizes[SIZES_MAX];
	struct rng rng = { 1 };
	uint64_t total = 0, written = 0, smallest = UINT64_MAX;
	size_t n = 0, first, n_merged, most = 0;

	for (uint64_t commit = 1; commit <= 10000; commit++) {
		uint64_t size = size_of_commit(growth, &rng, commit);

		sizes[n++] = size;
		total += size;
		smallest = size < smallest ? size : smallest;
		if (policy_choose(sizes, n, POLICY_FACTOR, &first, &n_merged)) {
			cr_assert_geq(n_merged, 2);
			cr_assert_eq(first + n_merged, n, "a merge leaves out the newest segment");
			written += merge(sizes, &n, first, n_merged);
		}
		cr_assert(holds(sizes, n), "%d: commit %llu", (int)growth,
		          (unsigned long long)commit);
		most = n > most ? n : most;
	}
	/* Each segment is half of the one before, and a merged byte moves to a segment at least half
	 * again as large. */
	cr_assert_leq(most, log2_of(total / smallest) + 2, "%d: %zu segments", (int)growth, most);
	cr_assert_leq(written, 2 * total * (log2_of(total / smallest) + 1),
	              "%d: %llu of %llu bytes", (int)growth, (unsigned long long)written,
	              (unsigned long long)total);
}

Test(policy, keeps_segments_few_and_rewrites_rare)
{
	for (enum growth growth = EQUAL; growth <= FALLING; growth++)
		check_history(growth);
}

/* Compaction that was off for long catches up, whatever it finds. */
Test(policy, restores_any_sizes_in_a_few_calls)
{
	struct rng rng = { 2 };

	for (int i = 0; i < 2000; i++) {
		uint64_t sizes[40], total = 0, after = 0;
		size_t n = rng_below(&rng, 41), first, n_merged, broken = 0, calls = 0;

		for (size_t k = 0; k < n; k++)
			total += sizes[k] = rng_u64(&rng) >> (20 + rng_below(&rng, 44));
		for (size_t k = 1; k < n; k++)
			broken += sizes[k - 1] < sizes[k] * POLICY_FACTOR;
		while (policy_choose(sizes, n, POLICY_FACTOR, &first, &n_merged)) {
			cr_assert_geq(n_merged, 2);
			cr_assert_leq(first + n_merged, n);
			merge(sizes, &n, first, n_merged);
			calls++;
		}
		cr_assert(holds(sizes, n));
		cr_assert_leq(calls, broken);
		for (size_t k = 0; k < n; k++)
			after += sizes[k];
		cr_assert_eq(after, total);
	}
}
