/* What a merge derives of each version of a key: the first system time from which no part of it
 * answers any more, and whether it is exact, one rectangle in S x V.
 *
 * Versions come newest first, all at once or in parts, and each looks at what newer ones left over its
 * interval: the ceiling, a list of spans of valid time. However many versions there are, that list is
 * all that stays of them; where it would take too much memory it goes below, into whatever the caller
 * keeps it in, and a new one begins above it, in which only what was claimed since has a ceiling.
 *
 *   above    --[ 300 )--------[ 280 )-->     in memory, newest part of the list
 *   below    --[ 400 )[ open )[ 350 )-->     looked at where nothing is above
 */
#ifndef TEG_ENGINE_TIME_DERIVE_H
#define TEG_ENGINE_TIME_DERIVE_H
#include "engine/time/spans.h"

/* The ceilings met with over an interval. */
struct ceilings {
	int64_t low, high; /* low above high: none */
};

/* Where a list goes that has grown too long. */
struct below {
	void *ctx;
	size_t leaves_max; /* of the list above it */
	/* Takes the list in: its spans go over what is there already, but those without a ceiling. */
	teg_status (*take)(void *ctx, const struct spans *above, teg_error *err);
	/* Adds what there is over [from, until). */
	teg_status (*look)(void *ctx, int64_t from, int64_t until, struct ceilings *met,
	                   teg_error *err);
};

#define NO_CEILING INT64_MIN /* of a span above: look below */

/* A key of which the versions come in parts. */
struct deriving {
	struct spans ceiling;
	struct below *below;
	bool erased;   /* everything that is still to come is */
	bool disjoint; /* versions of one commit never overlap: else they must not hide each other, */
	int64_t commit; /* so what this one claims, maybe not all of it yet, waits */
	struct version *waiting;
	size_t n_waiting, waiting_cap;
	const teg_allocator *alloc;
};
/* `scratch` is the key's own until the end. */
teg_status deriving_begin(struct deriving *d, struct pieces *scratch, struct below *below,
                          bool disjoint, teg_error *err);
/* The next versions, of which `more` may follow. TEG_NOMEM, or what `below` fails with. */
teg_status derive_more(struct deriving *d, const struct version *versions, size_t n, bool more,
                       int64_t *superseded_out, uint8_t *exact_out, teg_error *err);
void deriving_end(struct deriving *d);

/* All versions of a key at once: for each superseded_at (INT64_MAX: some part always answers) and
 * whether it is exact. TEG_NOMEM. */
teg_status derive_superseded(const struct version *versions, size_t n, struct pieces *scratch,
                             int64_t *superseded_out, uint8_t *exact_out);
#endif
