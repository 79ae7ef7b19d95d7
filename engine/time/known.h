/* What some versions of a key tell of its answer at one V, and which of those that nobody has looked at
 * yet may change it: so that a read of a point stops at the first hit, however long the history is.
 * format-spec/time.md, TIME-1, TIME-6; held against all versions in tests/engine/time/known_test.c.
 *
 *   V ^       ┌───────────────   the winner at (S, V), and its piece, which a newer row cuts off
 *     │       │
 *   V │- - - -│- - - - - - - -
 *     │       │    ┌──────────   newer: no later than S
 *     │       └────┴──────────   what lies outside of the piece, or is older than the winner,
 *     └─────────────── S ────>   has no say
 */
#ifndef TEG_ENGINE_TIME_KNOWN_H
#define TEG_ENGINE_TIME_KNOWN_H
#include "engine/time/visibility.h"

/* What is asked: who wins at (S, V); besides, its whole piece around V; and when that ends. */
struct point_asked {
	int64_t s, v;
	bool whole, until;
};

struct known {
	struct point_asked asked;
	bool found;
	int64_t system_from;             /* of the winner; INT64_MIN: none */
	int64_t valid_from, valid_until; /* of its piece, or more; not `whole`: [V, V + 1) */
	int64_t system_until;            /* where `until`: of that, or later */
};

/* Columns of n versions. */
struct known_rows {
	uint32_t n;
	const int64_t *system_from, *superseded_at;
	const int64_t *valid_from, *valid_until; /* NULL: all of valid time */
	const uint8_t *kind;
};

/* From boxes and rows in any order. All of them claim. */
struct known known_of(const struct point_asked *asked, const struct version *boxes, size_t n_boxes,
                      const struct known_rows *rows);
/* The rows that the answer needs, of those that it is known from, ascending into at_out (room for all):
 * without the others it is the same. Returns how many. */
uint32_t known_choose(const struct known *known, const struct known_rows *rows, uint32_t *at_out);

/* Versions that were not looked at lie within these. */
struct unread {
	int64_t system_from_min, system_from_max;
	int64_t valid_from_min, valid_until_max; /* INT64_MAX: with an open end, too */
	bool erases;                             /* an erasure may be among them, at any time */
};

/* Whether they may change the winner or what is asked of it. */
bool known_needs(const struct known *known, const struct unread *unread);
/* Whether `a` is the better one to look at next, of two that are needed. */
bool known_prefers(const struct known *known, const struct unread *a, const struct unread *b);
#endif
