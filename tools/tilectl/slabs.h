/* A box of cells in row-major order, in pieces of a few MiB that lie in one piece in a file.
 *
 *   shape (4, 3, 1000), pieces of 2,000 cells:  (0, 0:2, :)  (0, 2:3, :)  (1, 0:2, :) ...
 *
 * Axes before `axis` go one by one, `axis` is cut, those after it are whole.
 */
#ifndef TILECTL_SLABS_H
#define TILECTL_SLABS_H
#include "engine/tegula.h"

struct slabs {
	size_t rank, axis;
	uint64_t shape[TEG_MAX_DIMENSIONS];
	uint64_t at[TEG_MAX_DIMENSIONS], n[TEG_MAX_DIMENSIONS]; /* of this piece */
	uint64_t cells, most;                                   /* of it, of any */
	uint64_t step, first; /* along the axis; the piece's first cell, counted in the box */
};

/* Takes the first piece; false where the box has no cell. `width` is of a cell, in bytes. */
bool slabs_begin(struct slabs *slabs, const uint64_t *shape, size_t rank, size_t width);
bool slabs_next(struct slabs *slabs);
#endif
