/* Who wins at (S, V): the rules of time as pure functions over the versions of one key.
 *
 * A version is a rectangle: from its system_from on, over [valid_from, valid_until). Of the versions
 * with system_from <= S that cover V, the one with the largest system_from wins. Erasures come
 * before that: an erased key answers "erased" for every older version, at every S.
 * format-spec/time.md, TIME-1 and on; reference algorithms checked against a brute-force oracle in
 * tests/engine/time/.
 *
 *   V ^        ┌─────────        versions newest first; each takes what newer ones left free
 *     │   ┌────┤ 2
 *     │   │ 1  └────┬────
 *     │   └─────────┤ (1 again)
 *     └──────────────────> S
 */
#ifndef TEG_ENGINE_TIME_VISIBILITY_H
#define TEG_ENGINE_TIME_VISIBILITY_H
#include "codec/base/alloc.h"
#include "codec/base/error.h"

/* ROW_FORGET is an erased row whose key goes as well, once nothing that it masks is left: stored as
 * such, an erased row to all who read. */
enum row_kind { ROW_LIVE = 0, ROW_TOMBSTONE = 1, ROW_ERASED = 2, ROW_FORGET = 3 };
#define ROW_KIND_MAX 3 /* a larger byte on disk is damage, never "live" */

static inline bool kind_erases(unsigned kind)
{
	return kind >= ROW_ERASED;
}

/* The kind that readers show. */
static inline uint8_t kind_shown(uint8_t kind)
{
	return kind == ROW_FORGET ? ROW_ERASED : kind;
}

/* One version of a key. Callers hand versions over newest first: system_from descending, and at one
 * system_from cells before boxes, later boxes before earlier ones. */
struct version {
	int64_t system_from, valid_from, valid_until;
	int64_t superseded_at; /* as stored; INT64_MAX: unknown or open. From there on: no answer */
	uint32_t row;          /* the caller's own index */
	uint8_t kind;
	bool claims; /* false: live row of a repeated array, hides nothing */
	bool target; /* false: only hides others, is not asked for */
};

/* A piece of an answer: version `version` wins on [valid_from, valid_until) at S, until the system
 * time system_until (INT64_MAX: still the whole answer in this snapshot). */
struct piece {
	uint32_t version; /* index into the versions */
	int64_t valid_from, valid_until;
	int64_t system_until;
	uint8_t change; /* of visible_changes() */
};

/* What became of an answer between two system times; teg_change has the same. */
enum change { CHANGE_NONE, CHANGE_ADDED, CHANGE_CHANGED, CHANGE_DELETED, CHANGE_ERASED };

struct span_leaf;

/* Reused between keys. */
struct pieces {
	struct piece *at;
	size_t n, cap;
	struct span_leaf *leaves; /* scratch: spans.h */
	uint32_t *order;
	size_t leaves_cap, order_cap;
	const teg_allocator *alloc;
};
void pieces_init(struct pieces *pieces, const teg_allocator *alloc);
void pieces_release(struct pieces *pieces);

/* The effective pieces at S within [a, b) (no filter: INT64_MIN, INT64_MAX), maximal, clipped,
 * ascending in valid time, for target versions of any kind. With `with_until` system_until is filled
 * in from versions after S as well. Erasures: a version older than the newest erasure of the key
 * gives no piece; the erasure itself is a piece over what is free. TEG_NOMEM. */
teg_status visible_at(const struct version *versions, size_t n, int64_t s, int64_t a, int64_t b,
                      bool with_until, struct pieces *out);

/* The rectangles of target versions that answer at a system time from s_from to s_to, both included,
 * and meet [a, b), clipped to it: newest version first, then by valid time. TEG_NOMEM. */
teg_status visible_between(const struct version *versions, size_t n, int64_t s_from, int64_t s_to,
                           int64_t a, int64_t b, struct pieces *out);

/* Where the answers at s_from and s_to differ within [a, b): maximal pieces of the version that is
 * new, or of the one that is gone. Versions that are not targets are as good as no answer. `before`
 * and `after` are scratch. TEG_NOMEM. */
teg_status visible_changes(const struct version *versions, size_t n, int64_t s_from, int64_t s_to,
                           int64_t a, int64_t b, struct pieces *before, struct pieces *after,
                           struct pieces *out);

/* Of a box, versions[i]: what the cells and later boxes of its own commit leave of its interval, which
 * is what it says of the key. TEG_NOMEM. */
teg_status left_of_box(const struct version *versions, size_t i, struct pieces *out);

/* At one V: the winning version's index, or -1. Stops at the first hit. For arrays whose live rows
 * claim. */
int64_t visible_point(const struct version *versions, size_t n, int64_t s, int64_t v);
#endif
