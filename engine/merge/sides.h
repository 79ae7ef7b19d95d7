/* What becomes of every row of a range in a merge: kept as current, moved to history, or dropped.
 *
 *   superseded_at open                 current: a read of now sees these and no others
 *   superseded_at known                history
 *   superseded_at <= drop_through      dropped: retention (TIME-13)
 *   older than an erasure of its key   dropped: its bytes are what the erasure is about (TIME-6)
 *   an erased row to be forgotten      dropped where nothing older is left outside the merge
 */
#ifndef TEG_ENGINE_MERGE_SIDES_H
#define TEG_ENGINE_MERGE_SIDES_H
#include "engine/merge/overflow.h"
#include "engine/scan/group.h"

/* Rows of the range in its order: parallel arrays. */
struct side {
	uint32_t n;
	uint32_t *tile_of, *row_of;
	int64_t *superseded;
	uint8_t *exact;
};

struct sides {
	struct side current, history;
	size_t cap;
	struct version *versions; /* of one key */
	int64_t *superseded;
	uint8_t *exact;
	struct pieces pieces;
	struct overflow *overflow;
	struct deriving key;    /* the one that goes on, in parts */
	bool masked;            /* its newest erasure has come */
	int64_t drop_through;   /* INT64_MIN: nothing is dropped for its age */
	bool forgets;           /* no older segment stays outside the merge */
	int64_t superseded_min; /* of all history rows so far; INT64_MAX: none */
	uint64_t n_expired, n_erased;
	const teg_allocator *alloc;
};
void sides_init(struct sides *sides, const teg_allocator *alloc);
/* Before any key comes in parts: what goes on of it is kept in about so many bytes. TEG_NOMEM. */
teg_status sides_limit(struct sides *sides, struct teg_store *store, size_t memory, teg_error *err);
void sides_release(struct sides *sides);
/* The rows of the group's range. */
teg_status sides_derive(struct sides *sides, struct group *group, teg_error *err);
/* All rows of the range as current ones, nothing derived and nothing dropped. */
teg_status sides_take_all(struct sides *sides, struct group *group, teg_error *err);
/* The boxes of the plan that stay: in keep_out (one per box). */
teg_status sides_choose_boxes(struct sides *sides, const struct plan *plan, const struct poll *poll,
                              bool *keep_out, teg_error *err);
#endif
