/* The plan of a read: which tiles it needs, and which of them must be looked at together.
 *
 * Segments and tiles are pruned by box, both times and statistics. What is left is cut into groups:
 * two tiles fall into one group where a key of one may supersede a key of the other. A tile alone in
 * its group, whose rows are exact, is emitted by filtering; everything else goes through resolution
 * (DESIGN 3.5). A tile that cannot emit is kept only where it may supersede one that can, and then
 * gives up key and time columns, never attributes.
 *
 *   tiles by first cell   [ A ][  B  ][ D ]        groups  {A} {B, C} {D}
 *                                [ C ]
 */
#ifndef TEG_ENGINE_SCAN_PLAN_H
#define TEG_ENGINE_SCAN_PLAN_H
#include "codec/base/poll.h"
#include "engine/order/order.h"
#include "engine/predicate/predicate.h"
#include "engine/store/store.h"
#include "engine/time/visibility.h"

/* What a reader asks for, on both axes. */
struct view {
	int64_t s;             /* system time; INT64_MIN: before everything */
	bool all_versions;     /* stored rows as written */
	bool range;            /* all that answered at a time from s_from to s, both included */
	bool changes;          /* what answers at s and did not at s_from, and the reverse */
	int64_t s_from;        /* range, changes */
	int64_t a, b;          /* valid window, half-open; one V: [V, V + 1) */
	bool whole_pieces;     /* at one V: the whole piece around it */
	bool until;            /* system_until is asked for */
	uint32_t kinds;        /* TEG_KIND_* bits */
	const struct box *box; /* NULL: everything */
	/* Of the box only every step[d]-th coordinate, from its lower bound: tiles without one are
	 * pruned; rows are the reader's to drop, of full dense tiles those outside the box too.
	 * NULL: all. */
	const uint64_t *step;
	const struct bound_predicate
		*predicate; /* NULL: none. The plan prunes by it, does not filter */
	bool no_prune;
	bool below_horizon;      /* all versions: those that no question can reach as well */
	const struct poll *poll; /* a merge's; NULL: nobody asks it to stop */
	bool boxes_apart;        /* likewise: boxes are rows of their own, not told key by key */
};

/* What ended by then is not asked for. */
static inline int64_t view_earliest(const struct view *view)
{
	return view->range || view->changes ? view->s_from : view->s;
}

struct plan_tile {
	uint32_t segment;         /* of the array */
	uint64_t number;          /* of the tile in its segment */
	struct index_entry entry; /* stats NULL */
	uint64_t *first, *last;   /* positions */
	uint32_t group;           /* equal numbers belong together */
	bool emits;
	bool needs_resolution; /* alone too */
	bool changed;          /* a scan of changes: something was said here between the times */
};

/* Debug builds look now and then whether a tile that was passed over had an answer (recheck.h). */
#ifdef NDEBUG
enum { PLAN_RECHECKS = 0 };
#else
enum { PLAN_RECHECKS = 1 };
#endif

struct skipped_tile {
	bool any;
	uint32_t segment;
	uint64_t off; /* of the tile in it; UINT64_MAX: all of them */
};

struct plan {
	struct arena arena;
	struct teg_array *array;
	uint32_t n_tiles;
	struct plan_tile *tiles; /* by first position, then segment */
	size_t cap;
	uint32_t n_boxes; /* box tiles, newest first: bounds, kind and times, no rows */
	struct plan_box *boxes;
	size_t boxes_cap;
	teg_scan_stats stats;
	struct skipped_tile skipped; /* one of those, of a small array */
};

struct plan_box {
	struct box box;
	struct version version; /* row: UINT32_MAX */
	uint32_t segment;
	struct index_entry entry; /* stats NULL */
	bool forget;              /* a merge's: erased, and the box goes as well */
};

/* Plans a read of the segments `use` (NULL: all of the array's). */
teg_status plan_make(struct plan *plan, struct teg_array *array, const struct view *view,
                     const bool *use, teg_error *err);
void plan_release(struct plan *plan);
/* Notes that a tile of the plan will not be read: what it would say is known. */
void plan_spare(struct plan *plan, const struct view *view, const struct plan_tile *tile);
/* Live rows of all tiles, at most `most`. */
size_t plan_n_live(const struct plan *plan, uint64_t most);
#endif
