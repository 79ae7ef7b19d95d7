/* Which segments to merge: a pure function over their sizes.
 *
 * Sizes, oldest first, are kept in a geometric progression: each at least `factor` times the one
 * after it. So n commits leave O(log n) segments, and a byte is rewritten O(log n) times. Merges take
 * neighbours only, since segments state contiguous intervals of commits. After git's reftable.
 *
 *   sizes  640 320 8 7 9     ->  merge the last three
 */
#ifndef TEG_ENGINE_MERGE_POLICY_H
#define TEG_ENGINE_MERGE_POLICY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_FACTOR 2

/* The run [first, first + n) to merge, n >= 2: the newest place where the progression is broken, and as
 * much before it as the merged segment makes too small. Where only the newest segment has come since
 * the progression held, one call restores it; otherwise as many as there are broken places, at the
 * most. False: the progression holds, there is nothing to do. */
bool policy_choose(const uint64_t *sizes, size_t n_sizes, uint64_t factor, size_t *first_out,
                   size_t *n_out);
#endif
