/* Valid time as a sorted list of disjoint spans, each with the system time that ends it: what the
 * rules of time claim from, newest version first.
 *
 *   valid   --[ open )--[ 300 )--[ open )-->
 */
#ifndef TEG_ENGINE_TIME_SPANS_H
#define TEG_ENGINE_TIME_SPANS_H
#include "engine/time/visibility.h"

struct span_of_time {
	int64_t from, until; /* valid time, half-open */
	int64_t ceiling;     /* system time from which something newer holds here */
};

struct spans {
	struct span_of_time *at;
	size_t n, cap;
	struct pieces *home; /* whose work memory this is */
};
/* Empty, in the work memory of `home`, which one at a time may use. */
struct spans spans_in(struct pieces *home);
/* The first span that ends after `v`. */
size_t spans_after(const struct spans *s, int64_t v);
/* Over [from, until): take the time out (`keep` false), or lower its ceiling. Never touches what lies
 * outside. False: no memory. */
bool spans_cover(struct spans *s, int64_t from, int64_t until, bool keep, int64_t ceiling);
#endif
