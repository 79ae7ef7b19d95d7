/* Random predicates over a crowd, as text, with the answer worked out row by row: the oracle of
 * predicate tests. It shares no code with the engine: numbers are compared as long doubles and 128-bit
 * integers, times as nanoseconds, text by memcmp, and the three-valued logic is written out.
 *
 *   crowd_init(&crowd, &rng, n);
 *   conditions_make(&conditions, &crowd, 3);     not (i8 < 2.5 or s in ('a')) and u64 = "f32"
 *   conditions_answer(&conditions, row)          0 no, 1 yes, 2 unknown
 */
#ifndef TEG_TESTS_SUPPORT_CONDITIONS_H
#define TEG_TESTS_SUPPORT_CONDITIONS_H
#include "tests/support/crowd.h"

struct condition;

struct conditions {
	char text[8000];
	size_t len;
	struct condition *root; /* in the crowd's arena */
};

/* A random predicate of up to `depth` levels. */
void conditions_make(struct conditions *conditions, struct crowd *crowd, int depth);
int conditions_answer(const struct conditions *conditions, size_t row);
#endif
