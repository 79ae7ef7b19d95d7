/* The coordinates of one tile while it is made: lanes, bounds, and the sort in cell order. Private
 * to engine/write. */
#ifndef TEG_ENGINE_WRITE_CELLS_H
#define TEG_ENGINE_WRITE_CELLS_H
#include "engine/write/encode.h"

struct cells {
	const struct schema *schema;
	const struct order *order; /* of the array */
	struct order within;       /* cell order, as an order of its own */
	uint32_t n;                /* 0: rows without coordinates */
	bool unique;               /* no two rows of one cell, for all that lanes tell */
	struct order_ties ties;
	uint64_t min[TEG_MAX_DIMENSIONS], max[TEG_MAX_DIMENSIONS];
	uint64_t first[TEG_MAX_DIMENSIONS], last[TEG_MAX_DIMENSIONS]; /* in position order */
	uint64_t *lanes[TEG_MAX_DIMENSIONS];                          /* as loaded; room for cap */
	uint32_t *perm, *rows; /* cell order -> lane; -> row of the source */
	uint64_t *words[TEG_MAX_DIMENSIONS];
	uint32_t cap;
	struct order_batch *batch;
	const teg_allocator *alloc;
};

void cells_init(struct cells *cells, const struct schema *schema, const struct order *order,
                const teg_allocator *alloc);
void cells_release(struct cells *cells);
/* Room for the lanes of n cells. TEG_NOMEM. */
teg_status cells_reserve(struct cells *cells, uint32_t n, teg_error *err);
/* From the loaded lanes of the slice's rows: bounds, uniqueness, and the slice in cell order, whose
 * `at` lives until the next call. Rows of one cell keep their order. TEG_NOMEM. */
teg_status cells_sort(struct cells *cells, const struct slice *slice, struct slice *sorted_out,
                      teg_error *err);
/* Cells of the bounding box; UINT64_MAX where that overflows. */
uint64_t cells_volume(const struct cells *cells);
/* One byte per cell of the box in cell order: 1 where it has a row. */
void cells_presence(const struct cells *cells, uint8_t *map, size_t volume);
#endif
