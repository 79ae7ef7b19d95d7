/* Ordinals of live rows: where the i-th of them lies. Built by one sweep that reads keys and times
 * only where tiles need resolution; a run of plain tiles costs one entry per tile. */
#ifndef TEG_ENGINE_SCAN_RANK_H
#define TEG_ENGINE_SCAN_RANK_H
#include "engine/scan/sweep.h"

struct rank_run {
	uint64_t ordinal; /* of its first row */
	uint32_t n;
	uint32_t tile;  /* of the plan; resolved runs: UINT32_MAX */
	uint32_t row0;  /* rows row0 .. where rows is NULL */
	uint32_t *rows; /* n rows; resolved runs: n pairs (tile of the plan, row) */
};

struct rank {
	const teg_allocator *alloc;
	uint64_t n_live;
	uint32_t n_runs;
	size_t cap;
	struct rank_run *runs;
};

teg_status rank_build(struct rank *rank, struct sweep *sweep, teg_error *err);
void rank_release(struct rank *rank);
/* Tile (of the sweep's plan) and row of a live row; ordinal < n_live. */
void rank_find(const struct rank *rank, uint64_t ordinal, uint32_t *tile_out, uint32_t *row_out);
#endif
