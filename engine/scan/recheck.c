#include "engine/scan/recheck.h"

#define RECHECK_ROWS 4096 /* of an array that is looked at */

static uint64_t n_rows(const struct array_state *state)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < state->n_segments; i++)
		n += state->segments[i].n_rows;
	return n;
}

static bool is_skipped(const struct teg_scan *scan, const struct tile *tile)
{
	const struct skipped_tile *skipped = &scan->sweep.plan.skipped;

	return (skipped->off == UINT64_MAX || skipped->off == tile->entry.off) &&
	       tile->segment->ref == &scan->array->state.segments[skipped->segment];
}

/* The tile of row i of a selection. */
static const struct tile *tile_of(const struct selection *selection, uint32_t i)
{
	for (uint32_t r = 0; selection->runs && r < selection->n_runs; r++)
		if (i < selection->runs[r].at + selection->runs[r].n)
			return selection->tiles[selection->runs[r].tile];
	return selection->tiles[selection->tile_of ? selection->tile_of[i] : 0];
}

static teg_status look(const struct teg_scan *scan, struct teg_scan *again, teg_error *err)
{
	teg_status status;

	while ((status = scan_next_selection(again, err)) == TEG_OK)
		for (uint32_t k = 0; k < again->kept; k++) {
			bool all = again->kept == again->selection.n;

			if (is_skipped(scan, tile_of(&again->selection, all ? k : again->keep[k])))
				return teg_fail(err, TEG_INTERNAL,
				                "a tile that the plan passed over has an answer");
		}
	return status;
}

teg_status recheck_skipped(struct teg_scan *scan, teg_error *err)
{
	struct teg_scan *again;
	teg_status status;

	if (!PLAN_RECHECKS || !scan->sweep.plan.skipped.any || scan->damaged ||
	    n_rows(&scan->array->state) > RECHECK_ROWS)
		return TEG_END;
	again = mem_zalloc(scan->alloc, sizeof *again);
	if (!again)
		return teg_fail(err, TEG_NOMEM, "no memory to look at a tile again");
	again->array = scan->array;
	again->alloc = scan->alloc;
	again->view = scan->view;
	again->view.no_prune = true;
	again->cut = scan->cut;
	again->filter = scan->filter; /* whose columns the scan needs no more */
	again->filter_columns = scan->filter_columns;
	again->filter_views = scan->filter_views;
	again->n_filter = scan->n_filter;
	status = scan_start(again, err);
	if (status == TEG_OK)
		status = look(scan, again, err);
	if (again->sweep_open)
		sweep_close(&again->sweep);
	mem_free(scan->alloc, again->keep, again->keep_cap * sizeof *again->keep);
	mem_free(scan->alloc, again->mask, again->keep_cap);
	mem_free(scan->alloc, again, sizeof *again);
	scan->sweep.plan.skipped.any = false;
	return status;
}
