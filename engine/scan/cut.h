/* NumPy's basic slices as a lattice of cells of a dense array.
 *
 *   domain x = 10 .. 19     slice 8:1:-3     positions 8 5 2     lanes 12 15 18, backwards
 */
#ifndef TEG_ENGINE_SCAN_CUT_H
#define TEG_ENGINE_SCAN_CUT_H
#include "engine/scan/lattice.h"
#include "engine/scan/sweep.h"

/* What slices come down to: a lattice, which of its dimensions the result shows, and which of them
 * backwards. n_cells of the lattice is UINT64_MAX where there are more. */
struct cut {
	struct lattice lattice;
	bool dropped[TEG_MAX_DIMENSIONS], reversed[TEG_MAX_DIMENSIONS];
};

/* As teg_read_slice says. */
teg_status cut_of_slices(const struct teg_array *array, const teg_slice *slices, size_t n,
                         struct cut *cut, teg_error *err);
/* Clears mask[i], one per row that the sweep has bound, where the cell is not of the cut. */
teg_status cut_mask(const struct cut *cut, struct sweep *sweep, uint8_t *mask, teg_error *err);
/* TEG_MISUSE. */
teg_status must_be_dense(const struct teg_array *array, teg_error *err);
#endif
