#include "engine/write/cells.h"
#include "codec/base/checked.h"
#include "engine/write/ties.h"

void cells_init(struct cells *cells, const struct schema *schema, const struct order *order,
                const teg_allocator *alloc)
{
	memset(cells, 0, sizeof *cells);
	cells->schema = schema;
	cells->order = order;
	cells->alloc = alloc;
	ties_init(&cells->ties, alloc);
	cells->within.n_dims = cells->within.n_words = order->n_dims;
	cells->within.curve = cells->within.cell_order = order->cell_order;
	cells->within.has_text = order->has_text;
}

/* Sort keys have a word at the least, where there are no dimensions too. */
static uint32_t n_words(const struct cells *cells)
{
	return cells->schema->n_dims ? cells->schema->n_dims : 1;
}

static void free_room(struct cells *cells)
{
	for (uint32_t d = 0; d < n_words(cells); d++) {
		mem_free(cells->alloc, cells->lanes[d], cells->cap * sizeof **cells->lanes);
		mem_free(cells->alloc, cells->words[d], cells->cap * sizeof **cells->words);
		cells->lanes[d] = cells->words[d] = NULL;
	}
	mem_free(cells->alloc, cells->perm, cells->cap * sizeof *cells->perm);
	mem_free(cells->alloc, cells->rows, cells->cap * sizeof *cells->rows);
	cells->perm = cells->rows = NULL;
	cells->cap = 0;
}

void cells_release(struct cells *cells)
{
	free_room(cells);
	ties_release(&cells->ties);
	mem_free(cells->alloc, cells->batch, sizeof *cells->batch);
	cells->batch = NULL;
}

teg_status cells_reserve(struct cells *cells, uint32_t n, teg_error *err)
{
	bool ok = true;

	if (!cells->batch)
		cells->batch = mem_alloc(cells->alloc, sizeof *cells->batch);
	if (cells->batch && n <= cells->cap)
		return TEG_OK;
	free_room(cells);
	cells->cap = n;
	for (uint32_t d = 0; d < n_words(cells); d++) {
		cells->lanes[d] = mem_array(cells->alloc, n, sizeof **cells->lanes);
		cells->words[d] = mem_array(cells->alloc, n, sizeof **cells->words);
		ok = ok && cells->lanes[d] && cells->words[d];
	}
	cells->perm = mem_array(cells->alloc, n, sizeof *cells->perm);
	cells->rows = mem_array(cells->alloc, n, sizeof *cells->rows);
	if (ok && cells->batch && cells->perm && cells->rows)
		return TEG_OK;
	return teg_fail(err, TEG_NOMEM, "no memory for the coordinates of %u cells", n);
}

static void note_bounds(struct cells *cells)
{
	for (uint32_t d = 0; d < cells->schema->n_dims; d++) {
		cells->min[d] = cells->batch->lane_min[d];
		cells->max[d] = cells->batch->lane_max[d];
		cells->first[d] = cells->lanes[d][0];
		cells->last[d] = cells->lanes[d][cells->n - 1];
	}
}

static teg_status sort_lanes(struct cells *cells, uint32_t n, teg_error *err)
{
	const uint64_t *const *lanes = (const uint64_t *const *)cells->lanes;

	batch_init(cells->batch, &cells->within);
	batch_add(cells->batch, lanes, n);
	batch_finish(cells->batch);
	batch_keys(cells->batch, lanes, n, cells->words);
	cells->ties.n = 0;
	if (order_sort_keys(cells->words, cells->batch->n_words, cells->batch->n_bits, n,
	                    cells->alloc, cells->perm, &cells->ties) != TEG_OK)
		return teg_fail(err, TEG_NOMEM, "no memory to sort %u cells", n);
	return TEG_OK;
}

teg_status cells_sort(struct cells *cells, const struct slice *slice, struct slice *sorted_out,
                      teg_error *err)
{
	bool moved = false;

	cells->n = slice->n;
	TEG_TRY(sort_lanes(cells, slice->n, err));
	note_bounds(cells);
	cells->unique = !cells->ties.n;
	for (uint32_t i = 0; i < slice->n; i++) {
		cells->rows[i] = slice_row(slice, cells->perm[i]);
		moved |= cells->perm[i] != i;
	}
	*sorted_out = *slice;
	if (!cells->unique && cells->order->has_text) {
		TEG_TRY(ties_settle(slice->rows, &cells->within, &cells->ties, cells->rows, err));
		moved = true;
	}
	if (moved) {
		sorted_out->at = cells->rows;
		sorted_out->from = 0;
	}
	return TEG_OK;
}

uint64_t cells_volume(const struct cells *cells)
{
	uint64_t volume = 1;

	for (uint32_t d = 0; d < cells->schema->n_dims; d++) {
		uint64_t len = cells->max[d] - cells->min[d];

		if (len == UINT64_MAX || !u64_mul(volume, len + 1, &volume))
			return UINT64_MAX;
	}
	return volume;
}

void cells_presence(const struct cells *cells, uint8_t *map, size_t volume)
{
	uint32_t n_dims = cells->schema->n_dims;
	bool column_major = cells->order->cell_order == TEG_ORDER_COLUMN;

	memset(map, 0, volume);
	for (uint32_t i = 0; i < cells->n; i++) {
		uint64_t at = 0;

		for (uint32_t k = 0; k < n_dims; k++) {
			uint32_t d = column_major ? n_dims - 1 - k : k;

			at = at * (cells->max[d] - cells->min[d] + 1) +
			     (cells->lanes[d][i] - cells->min[d]);
		}
		map[at] = 1;
	}
}
