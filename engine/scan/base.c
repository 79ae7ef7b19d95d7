#include "engine/scan/base.h"

void base_init(struct base *base, const struct order *order, const teg_allocator *alloc)
{
	memset(base, 0, sizeof *base);
	base->alloc = alloc;
	base->order = order;
	column_buf_init(&base->work, COLUMN_FIXED, 8, alloc);
	column_buf_init(&base->times, COLUMN_FIXED, 8, alloc);
}

void base_release(struct base *base)
{
	if (!base->alloc)
		return;
	for (uint32_t d = 0; d < base->order->n_dims; d++) {
		mem_free(base->alloc, base->lane[d], base->lane_cap[d] * sizeof *base->lane[d]);
		base->lane[d] = NULL;
		base->lane_cap[d] = 0;
	}
	mem_free(base->alloc, base->runs, base->runs_cap * sizeof *base->runs);
	base->runs = NULL;
	base->runs_cap = 0;
	column_buf_release(&base->work);
	column_buf_release(&base->times);
}

bool base_suits(const struct index_entry *entry, const struct view *view)
{
	return entry->n_rows >= BASE_ROWS_MIN && entry->n_live == entry->n_rows &&
	       !entry->n_inexact && entry->system_from_max <= view->s;
}

/* ---- loading ---- */

static teg_status load_lane(struct base *base, uint32_t d, struct tile_reader *reader,
                            teg_error *err)
{
	const struct field *field = &base->tile->segment->schema->dims[d];
	uint32_t n = base->tile->header.n_rows;
	void *lanes = base->lane[d];
	struct column view;

	if (!mem_grow(base->alloc, &lanes, &base->lane_cap[d], n, sizeof *base->lane[d]))
		return teg_fail(err, TEG_NOMEM, "no memory for the keys of a tile");
	base->lane[d] = lanes;
	column_buf_release(&base->work);
	column_buf_init(&base->work, field->shape, field->width, base->alloc);
	TEG_TRY(tile_read_column(reader, base->tile, field->id, 0, n, &base->work, err));
	view = column_buf_view(&base->work);
	lanes_of_column(&view, field->class, 0, n, base->lane[d]);
	return TEG_OK;
}

/* Rows that are counted are cut by the box at once. */
static void cut_counted(struct base *base)
{
	uint64_t last = base->first + base->end - 1;

	if (!base->box)
		return;
	if (base->box->lo[0] > base->first)
		base->from = base->box->lo[0] > last ? base->end
		                                     : (uint32_t)(base->box->lo[0] - base->first);
	if (base->box->hi[0] < last)
		base->end = base->box->hi[0] < base->first
		                    ? base->from
		                    : (uint32_t)(base->box->hi[0] - base->first) + 1;
	base->box = NULL;
}

teg_status base_load(struct base *base, const struct tile *tile, uint32_t number,
                     const struct box *box, struct tile_reader *reader, teg_error *err)
{
	base->tile = tile;
	base->number = number;
	base->from = 0;
	base->end = tile->header.n_rows;
	if (box && box_has_tile(box, &tile->entry, base->order->n_dims))
		box = NULL;
	base->box = box;
	base->counted = tile->segment->ref->implicit_ids;
	base->first = tile->entry.lo[0];
	if (base->counted) {
		cut_counted(base);
		return TEG_OK;
	}
	for (uint32_t d = 0; d < base->order->n_dims; d++)
		TEG_TRY(load_lane(base, d, reader, err));
	return TEG_OK;
}

teg_status base_load_times(struct base *base, const struct key_rows *keys,
                           struct tile_reader *reader, teg_error *err)
{
	bool needed = false;

	for (uint32_t i = 0; i < keys->n; i++)
		needed |= keys->system_from[i] <= base->tile->entry.system_from_max;
	column_buf_clear(&base->times);
	if (!needed)
		return TEG_OK;
	return tile_read_column(reader, base->tile, COLUMN_ID_SYSTEM_FROM, 0,
	                        base->tile->header.n_rows, &base->times, err);
}

bool base_is_older(const struct base *base, uint32_t own, const struct key_rows *keys, uint32_t i)
{
	int64_t time;

	if (!base->times.n)
		return true;
	memcpy(&time, base->times.values + (size_t)own * sizeof time, sizeof time);
	return time < keys->system_from[i];
}

/* ---- finding ---- */

/* Below 0: row `row` of the base comes before row i of `keys` in cell order. */
static int compare(const struct base *base, uint32_t row, const struct key_rows *keys, uint32_t i)
{
	uint32_t n_dims = base->order->n_dims;

	for (uint32_t at = 0; at < n_dims; at++) {
		uint32_t d = base->order->cell_order == TEG_ORDER_COLUMN ? n_dims - 1 - at : at;
		uint64_t own = base->counted ? base->first + row : base->lane[d][row];

		if (own != keys->lane[d][i])
			return own < keys->lane[d][i] ? -1 : 1;
	}
	return 0;
}

/* Leaps ahead, then halves: keys come in order, and not far from each other. */
uint32_t base_find(const struct base *base, const struct key_rows *keys, uint32_t i, uint32_t from,
                   bool *same_out)
{
	uint32_t n = base->tile->header.n_rows, lo = from, hi = from, step = 1;

	if (base->counted && keys->lane[0][i] >= base->first) {
		uint64_t off = keys->lane[0][i] - base->first;

		lo = hi = off < n ? (uint32_t)off : n;
	}
	while (hi < n && compare(base, hi, keys, i) < 0) {
		lo = hi + 1;
		hi = n - hi > step ? hi + step : n;
		step *= 2;
	}
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (compare(base, mid, keys, i) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*same_out = lo < n && compare(base, lo, keys, i) == 0;
	return lo;
}

/* ---- runs ---- */

static bool add_run(struct base *base, uint32_t tile, uint32_t row0, uint32_t n)
{
	void *runs = base->runs;

	if (!mem_grow(base->alloc, &runs, &base->runs_cap, base->n_runs + 1u, sizeof *base->runs))
		return false;
	base->runs = runs;
	base->runs[base->n_runs++] = (struct row_run){ tile, row0, n, base->n_rows };
	base->n_rows += n;
	return true;
}

static bool in_box(const struct base *base, uint32_t row)
{
	for (uint32_t d = 0; d < base->order->n_dims; d++)
		if (base->lane[d][row] < base->box->lo[d] || base->lane[d][row] > base->box->hi[d])
			return false;
	return true;
}

bool base_add_own(struct base *base, uint32_t from, uint32_t end)
{
	from = from > base->from ? from : base->from;
	end = end < base->end ? end : base->end;
	if (!base->box)
		return from >= end || add_run(base, base->number, from, end - from);
	while (from < end) {
		uint32_t first;

		while (from < end && !in_box(base, from))
			from++;
		first = from;
		while (from < end && in_box(base, from))
			from++;
		if (from > first && !add_run(base, base->number, first, from - first))
			return false;
	}
	return true;
}

bool base_add_row(struct base *base, uint32_t tile, uint32_t row)
{
	return add_run(base, tile, row, 1);
}
