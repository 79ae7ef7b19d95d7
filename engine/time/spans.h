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
#endif
