/* Cuts the key space of two arrays into boxes that hold few rows of either, so that what lies in one
 * can be looked at whole. Cuts run along the edges of tiles where they can: tiles of a grid that both
 * share are read once.
 *
 *   tiles  [ a ][ a ][ a ]      parts   | 1 | 2 |  3  |
 *          [ b  ][ b  ][ b ]
 */
#ifndef TEG_ENGINE_SCAN_PARTS_H
#define TEG_ENGINE_SCAN_PARTS_H
#include "engine/scan/plan.h"

struct part_tile {
	uint64_t n_rows;
	const uint64_t *ends; /* lo per dimension, then hi */
};

struct part {
	struct box box;
	uint32_t n; /* tiles that reach into it: parts->list[from .. from + n) */
	size_t from;
};

struct parts {
	uint32_t n_dims;
	double rows; /* that a part should not hold more of, by the look of the tiles */
	struct arena arena;
	struct part_tile *tiles;
	size_t n_tiles, tiles_cap;
	uint32_t *list; /* a stack of lists, one per part below */
	size_t n_list, list_cap;
	struct part *stack;
	size_t n_stack, stack_cap;
	uint64_t *edges, *work; /* room for n_tiles each */
	struct part last;       /* what parts_next gave */
	const teg_allocator *alloc;
};

void parts_init(struct parts *parts, uint32_t n_dims, double rows, const teg_allocator *alloc);
void parts_release(struct parts *parts);
/* Adds the tiles of a plan. */
teg_status parts_add(struct parts *parts, const struct plan *plan, teg_error *err);
/* Starts with everything inside `box`. */
teg_status parts_begin(struct parts *parts, const struct box *box, teg_error *err);
/* The next part that tiles reach into; TEG_END. */
teg_status parts_next(struct parts *parts, struct box *box_out, teg_error *err);
/* The part that came last held too much: it comes again as two. TEG_LIMIT: it is one coordinate. */
teg_status parts_halve(struct parts *parts, teg_error *err);
#endif
