/* Which rows of a selection a scan's predicate and slices keep. */
#include "engine/scan/mask.h"
#include "engine/scan/scan.h"
#include <string.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a scan");
}

static bool reserve_keep(struct teg_scan *scan, size_t n)
{
	if (n <= scan->keep_cap)
		return true;
	mem_free(scan->alloc, scan->keep, scan->keep_cap * sizeof *scan->keep);
	mem_free(scan->alloc, scan->mask, scan->keep_cap);
	scan->keep = mem_array(scan->alloc, n, sizeof *scan->keep);
	scan->mask = mem_alloc(scan->alloc, n);
	scan->keep_cap = n;
	return scan->keep && scan->mask;
}

static teg_status mask_predicate(struct teg_scan *scan, uint32_t n, teg_error *err)
{
	uint32_t n_columns;
	const uint32_t *ids = predicate_columns(scan->filter, &n_columns);

	for (uint32_t i = 0; i < n_columns; i++) {
		column_buf_clear(&scan->filter_columns[i]);
		TEG_TRY(sweep_column(&scan->sweep, ids[i], &scan->filter_columns[i], err));
		scan->filter_views[i] = column_buf_view(&scan->filter_columns[i]);
	}
	return predicate_run(scan->filter, scan->filter_views, n, scan->alloc, scan->mask, err);
}

/* How many of the selection's rows from `from` on are filtered together: long values are held until
 * then. */
static uint32_t filter_fit(const struct teg_scan *scan, uint32_t from)
{
	uint32_t n = scan->selection.n - from;

	for (uint32_t i = 0; i < scan->n_filter; i++)
		if (scan->filter_columns[i].shape != COLUMN_FIXED)
			return selection_fit(&scan->selection, NULL, from, n, SCAN_SLICE_LEN);
	return n;
}

static teg_status filter_slice(struct teg_scan *scan, uint32_t from, uint32_t n, teg_error *err)
{
	TEG_TRY(sweep_bind(&scan->sweep, &scan->selection, NULL, from, n, err));
	memset(scan->mask, 1, n);
	if (scan->cut)
		TEG_TRY(cut_mask(scan->cut, &scan->sweep, scan->mask, err));
	if (scan->filter)
		TEG_TRY(mask_predicate(scan, n, err));
	scan->kept += mask_list(scan->mask, n, from, scan->keep + scan->kept);
	return TEG_OK;
}

teg_status scan_run_filter(struct teg_scan *scan, teg_error *err)
{
	uint32_t all = scan->selection.n;

	if (!reserve_keep(scan, (size_t)all + MASK_SLACK))
		return no_memory(err);
	scan->kept = 0;
	for (uint32_t from = 0, n; from < all; from += n) {
		n = filter_fit(scan, from);
		TEG_TRY(filter_slice(scan, from, n, err));
	}
	for (uint32_t i = 0; scan->selection.resolved && i < scan->n_filter; i++)
		column_buf_release(&scan->filter_columns[i]);
	return TEG_OK;
}
