#include "engine/scan/sweep.h"
#include "engine/scan/gather.h"
#include "engine/scan/mask.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a scan");
}

teg_status sweep_open(struct sweep *sweep, struct teg_array *array, const struct view *view,
                      teg_error *err)
{
	teg_status status;

	memset(sweep, 0, sizeof *sweep);
	sweep->view = *view;
	sweep->alloc = array->arena.alloc;
	column_buf_init(&sweep->work, COLUMN_FIXED, 8, sweep->alloc);
	TEG_TRY(plan_make(&sweep->plan, array, view, NULL, err));
	sweep->store = version_store(array->snapshot->version);
	status = store_reader_take(sweep->store, &sweep->reader, err);
	if (status != TEG_OK) {
		plan_release(&sweep->plan);
		return status;
	}
	group_init(&sweep->group, &sweep->plan, &sweep->view, &sweep->reader, sweep->alloc);
	sweep->group.done = true;
	sweep->gather = gather_new(sweep->alloc);
	if (sweep->gather)
		return TEG_OK;
	sweep_close(sweep);
	return no_memory(err);
}

static void close_tile(struct sweep *sweep)
{
	if (sweep->tile_open)
		tile_release(&sweep->tile);
	sweep->tile_open = false;
}

void sweep_close(struct sweep *sweep)
{
	close_tile(sweep);
	group_release(&sweep->group);
	gather_free(sweep->gather);
	mem_free(sweep->alloc, sweep->rows, sweep->rows_cap * sizeof *sweep->rows);
	mem_free(sweep->alloc, sweep->mask, sweep->rows_cap);
	column_buf_release(&sweep->work);
	store_reader_give(sweep->store, &sweep->reader);
	plan_release(&sweep->plan);
}

/* ---- one tile, filtered ---- */

static bool reserve_rows(struct sweep *sweep, size_t n)
{
	if (n <= sweep->rows_cap)
		return true;
	mem_free(sweep->alloc, sweep->rows, sweep->rows_cap * sizeof *sweep->rows);
	mem_free(sweep->alloc, sweep->mask, sweep->rows_cap);
	sweep->rows = mem_array(sweep->alloc, n, sizeof *sweep->rows);
	sweep->mask = mem_alloc(sweep->alloc, n);
	sweep->rows_cap = n;
	return sweep->rows && sweep->mask;
}

/* Rows [from, from + n) of a column of the open tile into the work column. */
static teg_status read_work(struct sweep *sweep, const struct field *field, uint32_t id,
                            uint32_t from, uint32_t n, teg_error *err)
{
	enum column_shape shape = field ? field->shape : COLUMN_FIXED;
	uint32_t width = field ? field->width : id == COLUMN_ID_KIND ? 1 : 8;

	if (sweep->work.shape != shape || sweep->work.width != width) {
		column_buf_release(&sweep->work);
		column_buf_init(&sweep->work, shape, width, sweep->alloc);
	}
	column_buf_clear(&sweep->work);
	return tile_read_column(&sweep->reader, &sweep->tile, id, from, n, &sweep->work, err);
}

struct run {
	uint32_t from, n; /* rows still in question; the mask counts from `from` */
	bool masked;
};

static void start_mask(struct sweep *sweep, struct run *run)
{
	if (!run->masked)
		memset(sweep->mask, 1, run->n);
	run->masked = true;
}

static const int64_t *work_times(const struct sweep *sweep)
{
	return (const int64_t *)(const void *)sweep->work.values;
}

static bool dim_inside(const struct sweep *sweep, uint32_t d)
{
	const struct index_entry *entry = &sweep->tile.entry;

	return !sweep->view.box ||
	       (entry->lo[d] >= sweep->view.box->lo[d] && entry->hi[d] <= sweep->view.box->hi[d]);
}

/* The leading dimension is sorted within a tile: cut the run instead of masking it. */
static teg_status cut_sorted(struct sweep *sweep, struct run *run, const struct field *field,
                             uint64_t lo, uint64_t hi, teg_error *err)
{
	uint32_t first, end, run_end = run->from + run->n;

	TEG_TRY(tile_search_column(&sweep->reader, &sweep->tile, field, lo, hi, &first, &end, err));
	first = first > run->from ? first : run->from;
	end = end < run_end ? end : run_end;
	run->from = first;
	run->n = end > first ? end - first : 0;
	return TEG_OK;
}

static teg_status filter_dim(struct sweep *sweep, struct run *run, uint32_t d, bool leading,
                             teg_error *err)
{
	const struct field *field = &sweep->tile.segment->schema->dims[d];
	uint64_t lo = sweep->view.box->lo[d], hi = sweep->view.box->hi[d];
	struct column view;

	if (leading && !run->masked &&
	    (tile_find_column(&sweep->tile.header, field->id) ||
	     sweep->tile.segment->ref->implicit_ids))
		return cut_sorted(sweep, run, field, lo, hi, err);
	TEG_TRY(read_work(sweep, field, field->id, run->from, run->n, err));
	view = column_buf_view(&sweep->work);
	start_mask(sweep, run);
	lanes_mask(&view, field->class, lo, hi, sweep->mask);
	return TEG_OK;
}

/* Dense readers find the cells of a full tile by its box: they take all of its rows. */
static bool box_is_theirs(const struct sweep *sweep)
{
	const struct tile_header *header = &sweep->tile.header;

	return sweep->view.step && header->shape == TILE_DENSE &&
	       !tile_find_column(header, COLUMN_ID_PRESENCE);
}

static teg_status filter_box(struct sweep *sweep, struct run *run, teg_error *err)
{
	const struct order *order = sweep->plan.array->order;

	if (box_is_theirs(sweep))
		return TEG_OK;
	for (uint32_t at = 0; at < order->n_dims && run->n; at++) {
		uint32_t d = order->cell_order == TEG_ORDER_COLUMN ? order->n_dims - 1 - at : at;

		if (!dim_inside(sweep, d))
			TEG_TRY(filter_dim(sweep, run, d, at == 0, err));
	}
	return TEG_OK;
}

static teg_status filter_kind(struct sweep *sweep, struct run *run, teg_error *err)
{
	const struct index_entry *entry = &sweep->tile.entry;
	uint32_t kinds = sweep->view.kinds;

	if ((kinds & TEG_KIND_LIVE || !entry->n_live) &&
	    (kinds & TEG_KIND_TOMBSTONE || !entry->n_tombstones) &&
	    (kinds & TEG_KIND_ERASED || !entry->n_erased))
		return TEG_OK;
	TEG_TRY(read_work(sweep, NULL, COLUMN_ID_KIND, run->from, run->n, err));
	start_mask(sweep, run);
	for (uint32_t i = 0; i < run->n; i++)
		sweep->mask[i] &= (kinds >> sweep->work.values[i]) & 1;
	return TEG_OK;
}

static teg_status filter_system_time(struct sweep *sweep, struct run *run, teg_error *err)
{
	int64_t s = sweep->view.s;

	if (sweep->view.all_versions) {
		s = sweep->plan.array->state.horizon;
		if (sweep->view.below_horizon || s == INT64_MIN)
			return TEG_OK;
	} else if (sweep->tile.entry.system_from_max > s) {
		TEG_TRY(read_work(sweep, NULL, COLUMN_ID_SYSTEM_FROM, run->from, run->n, err));
		start_mask(sweep, run);
		for (uint32_t i = 0; i < run->n; i++)
			sweep->mask[i] &= work_times(sweep)[i] <= s;
	}
	s = sweep->view.all_versions ? s : view_earliest(&sweep->view);
	if (tile_find_column(&sweep->tile.header, COLUMN_ID_SUPERSEDED)) {
		TEG_TRY(read_work(sweep, NULL, COLUMN_ID_SUPERSEDED, run->from, run->n, err));
		start_mask(sweep, run);
		for (uint32_t i = 0; i < run->n; i++)
			sweep->mask[i] &= work_times(sweep)[i] > s;
	}
	return TEG_OK;
}

static teg_status filter_valid_time(struct sweep *sweep, struct run *run, teg_error *err)
{
	const struct view *view = &sweep->view;

	if (!sweep->tile.segment->schema->valid_time ||
	    (view->a == INT64_MIN && view->b == INT64_MAX))
		return TEG_OK;
	start_mask(sweep, run);
	TEG_TRY(read_work(sweep, NULL, COLUMN_ID_VALID_FROM, run->from, run->n, err));
	for (uint32_t i = 0; i < run->n; i++)
		sweep->mask[i] &= work_times(sweep)[i] < view->b;
	TEG_TRY(read_work(sweep, NULL, COLUMN_ID_VALID_UNTIL, run->from, run->n, err));
	for (uint32_t i = 0; i < run->n; i++)
		sweep->mask[i] &= work_times(sweep)[i] > view->a;
	return TEG_OK;
}

static teg_status filter_tile(struct sweep *sweep, const struct plan_tile *plan,
                              struct selection *out, teg_error *err)
{
	struct segment *segment;
	struct run run = { 0, 0, false };
	teg_scan_stats *stats = &sweep->plan.stats;

	close_tile(sweep);
	TEG_TRY(array_segment(sweep->plan.array, plan->segment, &segment, err));
	TEG_TRY(tile_open(&sweep->tile, segment, &plan->entry, sweep->alloc, err));
	sweep->tile_open = true;
	sweep->tile_at = &sweep->tile;
	stats->tiles_read++;
	stats->rows_read += sweep->tile.header.n_rows;
	run.n = sweep->tile.header.n_rows;
	if (!reserve_rows(sweep, run.n + MASK_SLACK))
		return no_memory(err);
	TEG_TRY(filter_box(sweep, &run, err));
	TEG_TRY(filter_kind(sweep, &run, err));
	TEG_TRY(filter_system_time(sweep, &run, err));
	TEG_TRY(filter_valid_time(sweep, &run, err));
	*out = (struct selection){ .n = run.n, .row0 = run.from, .tiles = &sweep->tile_at };
	if (run.masked) {
		out->n = mask_list(sweep->mask, run.n, run.from, sweep->rows);
		out->rows = sweep->rows;
	}
	return TEG_OK;
}

/* ---- the next selection ---- */

/* Gathers the indexes of the group that starts at sweep->at and marks its tiles as taken. Its
 * members start before the last of them ends. */
#define GROUP_TAKEN UINT32_MAX

void sweep_skip(struct sweep *sweep, uint32_t i)
{
	sweep->plan.tiles[i].group = GROUP_TAKEN;
}

static teg_status begin_group(struct sweep *sweep, teg_error *err)
{
	struct plan_tile *tiles = sweep->plan.tiles;
	uint32_t n_words = sweep->plan.array->order->n_words, id = tiles[sweep->at].group, n = 0;
	const uint64_t *last = tiles[sweep->at].last;
	uint32_t *at = mem_array(sweep->alloc, sweep->plan.n_tiles, sizeof *at);
	teg_status status;

	if (!at)
		return no_memory(err);
	for (uint32_t i = sweep->at; i < sweep->plan.n_tiles; i++) {
		if (position_compare(tiles[i].first, last, n_words) > 0)
			break;
		if (tiles[i].group != id)
			continue;
		if (position_compare(tiles[i].last, last, n_words) > 0)
			last = tiles[i].last;
		tiles[i].group = GROUP_TAKEN;
		at[n++] = i;
	}
	group_end(&sweep->group);
	status = group_begin(&sweep->group, at, n, err);
	mem_free(sweep->alloc, at, sweep->plan.n_tiles * sizeof *at);
	return status;
}

static teg_status next_of_group(struct sweep *sweep, struct selection *out, teg_error *err)
{
	struct group *group = &sweep->group;

	/* What one step needs the next one does not: none of it is kept where memory is short. */
	if (group->tight) {
		gather_shed(sweep->gather);
		group_shed_outputs(group);
	}
	TEG_TRY(group_next_range(group, sweep->view.all_versions, err));
	TEG_TRY(group_resolve(group, err));
	if (group->tight)
		group_shed_range(group);
	if (group->base.tile) {
		*out = (struct selection){ .n = group->base.n_rows,
			                   .resolved = true,
			                   .tiles = group->tiles,
			                   .runs = group->base.runs,
			                   .n_runs = group->base.n_runs };
		return TEG_OK;
	}
	*out = (struct selection){ .n = group->n_out,
		                   .resolved = true,
		                   .rows = group->rows,
		                   .tiles = group->tiles,
		                   .tile_of = group->tile_of,
		                   .valid_from = group->valid_from,
		                   .valid_until = group->valid_until,
		                   .system_until = group->system_until,
		                   .change = group->change,
		                   .boxed = group->boxed,
		                   .n_boxed = group->n_boxed };
	return TEG_OK;
}

static teg_status next_any(struct sweep *sweep, struct selection *out, teg_error *err)
{
	struct plan_tile *tile;

	if (!sweep->group.done) {
		teg_status status = next_of_group(sweep, out, err);

		if (status != TEG_END)
			return status;
		group_end(&sweep->group);
	}
	while (sweep->at < sweep->plan.n_tiles && sweep->plan.tiles[sweep->at].group == GROUP_TAKEN)
		sweep->at++;
	if (sweep->at == sweep->plan.n_tiles)
		return TEG_END;
	out->n = 0;
	tile = &sweep->plan.tiles[sweep->at];
	if (tile->needs_resolution)
		return begin_group(sweep, err);
	sweep->at++;
	return filter_tile(sweep, tile, out, err);
}

teg_status sweep_next(struct sweep *sweep, struct selection *out, teg_error *err)
{
	do {
		out->n = 0;
		TEG_TRY(next_any(sweep, out, err));
	} while (out->n == 0);
	return TEG_OK;
}

void sweep_leave_group(struct sweep *sweep)
{
	group_end(&sweep->group);
}

/* ---- columns ---- */

teg_status sweep_bind(struct sweep *sweep, const struct selection *selection, const uint32_t *keep,
                      uint32_t from, uint32_t n, teg_error *err)
{
	sweep->bound = *selection;
	sweep->bound_from = from;
	sweep->bound_n = n;
	return gather_bind(sweep->gather, selection, keep, from, n, err);
}

static int64_t clip(const struct sweep *sweep, uint32_t id, int64_t time)
{
	const struct view *view = &sweep->view;

	if (view->whole_pieces || view->all_versions)
		return time;
	if (id == COLUMN_ID_VALID_FROM)
		return time > view->a ? time : view->a;
	return time < view->b ? time : view->b;
}

/* Times of resolved rows stand in the selection; `k` counts within the bound slice. */
static const int64_t *resolved_times(const struct sweep *sweep, uint32_t id)
{
	if (!sweep->bound.resolved)
		return NULL;
	switch (id) {
	case COLUMN_ID_VALID_FROM: return sweep->bound.valid_from;
	case COLUMN_ID_VALID_UNTIL: return sweep->bound.valid_until;
	case COLUMN_ID_SYSTEM_UNTIL: return sweep->bound.system_until;
	default: return NULL;
	}
}

/* Open ends are nulls. */
static teg_status mark_open(struct column_buf *out, size_t from, uint32_t id)
{
	const int64_t *times = (const int64_t *)(const void *)out->values;
	int64_t open = id == COLUMN_ID_VALID_FROM ? INT64_MIN : INT64_MAX;
	uint8_t null = 0;

	for (size_t i = from; i < out->n; i++)
		if (times[i] == open)
			TEG_TRY(column_buf_set_validity(out, i, 1, &null, 0));
	return TEG_OK;
}

static teg_status time_column(struct sweep *sweep, uint32_t id, struct column_buf *out,
                              teg_error *err)
{
	const int64_t *times = resolved_times(sweep, id);
	size_t from = out->n;
	int64_t *to;

	if (times) {
		to = column_buf_extend(out, sweep->bound_n);
		if (!to)
			return no_memory(err);
		for (uint32_t i = 0; i < sweep->bound_n; i++)
			to[i] = times[gather_index(sweep->gather, i)];
	} else {
		TEG_TRY(gather_column(sweep->gather, &sweep->reader,
		                      id == COLUMN_ID_SYSTEM_UNTIL ? COLUMN_ID_SUPERSEDED : id, out,
		                      err));
		to = (int64_t *)(void *)out->values + from;
		for (uint32_t i = 0; id != COLUMN_ID_SYSTEM_UNTIL && i < sweep->bound_n; i++)
			to[i] = clip(sweep, id, to[i]);
	}
	return error_of_memory(err, mark_open(out, from, id), "for the times of rows");
}

/* The value at `i` of a column of a row that stands for a box over it. */
static teg_status put_said(struct column_buf *out, size_t i, uint32_t id, const struct boxed *boxed)
{
	const uint8_t null = 0;

	if (id >= COLUMN_ID_ATTRIBUTE && id < COLUMN_ID_SYSTEM_FROM)
		return column_buf_set_validity(out, i, 1, &null, 0);
	if (id == COLUMN_ID_SYSTEM_FROM)
		memcpy(out->values + 8 * i, &boxed->system_from, 8);
	if (id == COLUMN_ID_KIND)
		out->values[i] = ROW_TOMBSTONE;
	return TEG_OK;
}

static teg_status put_boxed(struct sweep *sweep, uint32_t id, struct column_buf *out)
{
	const struct selection *bound = &sweep->bound;
	size_t base = out->n - sweep->bound_n;
	uint32_t k = 0;

	for (uint32_t i = 0; i < sweep->bound_n; i++) {
		uint32_t at = gather_index(sweep->gather, i);

		while (k < bound->n_boxed && bound->boxed[k].at < at)
			k++;
		if (k < bound->n_boxed && bound->boxed[k].at == at)
			TEG_TRY(put_said(out, base + i, id, &bound->boxed[k]));
	}
	return TEG_OK;
}

/* Only resolution knows it. */
static teg_status change_column(struct sweep *sweep, struct column_buf *out, teg_error *err)
{
	uint8_t *to = column_buf_extend(out, sweep->bound_n);

	if (!to)
		return no_memory(err);
	for (uint32_t i = 0; i < sweep->bound_n; i++)
		to[i] = sweep->bound.change[gather_index(sweep->gather, i)];
	return TEG_OK;
}

teg_status sweep_column(struct sweep *sweep, uint32_t column_id, struct column_buf *out,
                        teg_error *err)
{
	if (column_id == COLUMN_ID_CHANGE)
		return change_column(sweep, out, err);
	if (column_id >= COLUMN_ID_BOX_END) /* rows of cells have none */
		return error_of_memory(err, column_buf_append_nulls(out, sweep->bound_n),
		                       "for rows of cells");
	if (column_id == COLUMN_ID_VALID_FROM || column_id == COLUMN_ID_VALID_UNTIL ||
	    column_id == COLUMN_ID_SYSTEM_UNTIL)
		return time_column(sweep, column_id, out, err);
	TEG_TRY(gather_column(sweep->gather, &sweep->reader, column_id, out, err));
	for (size_t i = out->n - sweep->bound_n; column_id == COLUMN_ID_KIND && i < out->n; i++)
		out->values[i] = kind_shown(out->values[i]);
	if (!sweep->bound.resolved || !sweep->bound.n_boxed)
		return TEG_OK;
	return error_of_memory(err, put_boxed(sweep, column_id, out), "for what boxes say");
}
