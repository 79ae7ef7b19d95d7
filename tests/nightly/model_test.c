/* The same as tests/model, for a million operations and more. TEG_MODEL_SEEDS=FIRST:COUNT takes other
 * seeds, so that what never ran before runs too. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/support/play.h"

Test(model, agrees_with_a_naive_model_over_a_million_operations, .timeout = 7200)
{
	const char *seeds = getenv("TEG_MODEL_SEEDS");
	unsigned long long first = 1000, n = 220;
	char *rest;

	if (seeds) {
		first = strtoull(seeds, &rest, 10);
		cr_assert_eq(*rest, ':', "TEG_MODEL_SEEDS=%s is not FIRST:COUNT", seeds);
		n = strtoull(rest + 1, &rest, 10);
		cr_assert(!*rest && n, "TEG_MODEL_SEEDS=%s is not FIRST:COUNT", seeds);
	}
	play_assert_seeds(first, n, 5000);
}
