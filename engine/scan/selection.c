#include "engine/scan/sweep.h"

/* The longest column's bytes of a row of a tile, about. */
static uint64_t row_len(const struct selection *s, uint32_t tile)
{
	return s->tiles[tile]->entry.column_len_max / s->tiles[tile]->entry.n_rows;
}

static uint32_t fit_runs(const struct selection *s, uint32_t n, size_t len)
{
	uint64_t longest = 1;

	for (uint32_t k = 0; k < s->n_runs; k++)
		if (row_len(s, s->runs[k].tile) > longest)
			longest = row_len(s, s->runs[k].tile);
	if (longest >= len)
		return n > 0;
	return n < len / longest ? n : (uint32_t)(len / longest);
}

uint32_t selection_fit(const struct selection *s, const uint32_t *keep, uint32_t from, uint32_t n,
                       size_t len)
{
	uint64_t taken = 0;

	if (s->runs)
		return fit_runs(s, n, len);
	for (uint32_t i = 0; s->resolved && i < n; i++) {
		taken += row_len(s, s->tile_of[keep ? keep[i] : from + i]);
		if (taken > len && i)
			return i;
	}
	return n;
}
