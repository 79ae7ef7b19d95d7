/* The cells that a dense read asks for: a box of the array, or every k-th coordinate of it.
 *
 *   dimension x    lo          lo + step        lo + 2 step          count = 3
 *   lanes          o . . . . . o . . . . . .  . o
 *   tile                [ . . . . . ]                   holds none: never read
 */
#ifndef TEG_ENGINE_SCAN_LATTICE_H
#define TEG_ENGINE_SCAN_LATTICE_H
#include "engine/order/order.h"

struct lattice {
	uint32_t n_dims;
	uint64_t lo[TEG_MAX_DIMENSIONS], step[TEG_MAX_DIMENSIONS], count[TEG_MAX_DIMENSIONS];
	uint64_t n_cells;
};

/* Counts the cells: false where they are more than memory can hold. */
bool lattice_finish(struct lattice *lattice);
/* The smallest box that holds them all; there is one where n_cells is not 0. */
void lattice_box(const struct lattice *lattice, struct box *box_out);

/* The part of a lattice inside a box: places first[d] .. first[d] + n[d] along each dimension. */
struct window {
	uint64_t first[TEG_MAX_DIMENSIONS], n[TEG_MAX_DIMENSIONS];
};
/* Returns the cells in it. */
uint64_t lattice_window(const struct lattice *lattice, const uint64_t *lo, const uint64_t *hi,
                        struct window *window_out);

/* Clears mask[i], 0 or 1 for each of n lanes of dimension d, where the lattice has no cell. */
void lattice_mask(const struct lattice *lattice, uint32_t d, const uint64_t *lanes, uint32_t n,
                  uint8_t *mask);

/* Memory that has a value for each cell, at `at` + sum(place[d] * stride[d]). */
struct places {
	uint8_t *at;
	size_t width;
	ptrdiff_t stride[TEG_MAX_DIMENSIONS];
};
/* Row-major. */
void places_pack(struct places *places, const struct lattice *lattice);
/* Writes a line of n values along dimension d from place `from` on; `stride` is that of the source,
 * which may be 0. */
void places_put_line(const struct places *places, uint32_t n_dims, const uint64_t *from, uint32_t d,
                     uint64_t n, const uint8_t *values, ptrdiff_t stride);
/* Writes one value to every cell. */
void places_fill(const struct places *places, const struct lattice *lattice, const uint8_t *value);

/* Steps through the lines of a window along dimension d, in cell order: `at` starts as window->first.
 * False after the last. */
bool window_next_line(const struct window *window, uint32_t n_dims, uint32_t d, bool by_column,
                      uint64_t *at);
#endif
