/* Valid time as a sorted list of disjoint spans, each with the system time that ends it: what the
 * rules of time claim from, newest version first.
 *
 *   valid   --[ open )--[ 300 )--[ open )-->
 *
 * A key may have a million versions in any order, so the list lies in leaves of a few hundred spans,
 * and a leaf that is full is cut in two: no change moves more than a leaf.
 */
#ifndef TEG_ENGINE_TIME_SPANS_H
#define TEG_ENGINE_TIME_SPANS_H
#include "engine/time/visibility.h"

struct span_of_time {
	int64_t from, until; /* valid time, half-open */
	int64_t ceiling;     /* system time from which something newer holds here */
};

#define LEAF_SPANS 256

struct span_leaf {
	uint32_t n;
	struct span_of_time at[LEAF_SPANS];
};

struct spans {
	struct pieces *home; /* whose memory this is: order[0 .. n) of its leaves, by time, */
	uint32_t n, used;    /* and order[n .. used) are those that became empty */
};

/* Empty, in the memory of `home`, which one at a time may use. */
struct spans spans_in(struct pieces *home);

struct span_place {
	uint32_t leaf, i;
};
/* Where the first span is that ends after `v`. */
struct span_place spans_after(const struct spans *s, int64_t v);
/* The span there, and on to the next one. NULL: there are no more. */
const struct span_of_time *spans_next(const struct spans *s, struct span_place *place);
/* Over [from, until): take the time out (`keep` false), or lower its ceiling. Never touches what lies
 * outside. False: no memory. */
bool spans_cover(struct spans *s, int64_t from, int64_t until, bool keep, int64_t ceiling);
/* Lowers the ceiling under the claims of versions [from, to), newest first: in the end it is, at each
 * valid time, the system time of the oldest of them. False: no memory. */
bool spans_lower(struct spans *ceiling, const struct version *versions, size_t from, size_t to);

/* ---- versions of one key, newest first ---- */

/* The index of the newest erasure, or n. Erasures hold at every S. */
static inline size_t versions_erasure(const struct version *versions, size_t n)
{
	size_t i = 0;

	while (i < n && versions[i].kind != ROW_ERASED)
		i++;
	return i;
}

/* The end of the commit that starts at i. Versions of one commit: those that do not claim come first,
 * so that a delete of a repeated array hides strictly older rows only. */
static inline size_t versions_commit(const struct version *versions, size_t i, size_t end)
{
	size_t k = i + 1;

	while (k < end && versions[k].system_from == versions[i].system_from)
		k++;
	return k;
}

static inline int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}
#endif
