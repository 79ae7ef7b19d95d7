/* What teg_scan_explain fills, and what it costs: index pages, never a tile. */
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS 40000

static void make(teg_store *store)
{
	static int64_t x[ROWS];
	teg_dimension axis = axis_of("x", TEG_INT64);
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, &axis, 1, &v, 1);
	teg_column columns[] = { { .name = "x", .values = x }, { .name = "v", .values = x } };

	for (int64_t i = 0; i < ROWS; i++)
		x[i] = i;
	spec.tile_cells = 16;
	txn_create(store, "a", &spec);
	txn_put(store, "a", columns, 2, ROWS);
}

static teg_scan_stats explain(teg_scan *scan)
{
	teg_scan_stats stats = { .struct_size = sizeof stats };

	OK(teg_scan_explain(scan, &stats, err));
	return stats;
}

static void read_to_end(teg_scan *scan)
{
	struct ArrowArray batch;

	while (batch_next(scan, &batch))
		batch.release(&batch);
}

static void check_plan(const teg_scan_stats *plan)
{
	cr_assert_eq(plan->segments_seen, 1);
	cr_assert_gt(plan->tiles_seen, 0);
	cr_assert_gt(plan->tiles_read, 0);
	cr_assert_gt(plan->index_pages_read, 1);
	cr_assert_gt(plan->index_pages_pruned, 0);
	cr_assert_eq(plan->rows_read, 0);
	cr_assert_eq(plan->rows_emitted, 0);
}

Test(explain, counts_the_reads_of_the_index_and_reads_no_tile)
{
	teg_range box = int_range(20000, 20099);
	teg_scan_options few = { .struct_size = sizeof few, .box = &box };
	teg_scan_stats plan, again, done;
	struct reading at;
	struct world w;
	teg_scan *scan;
	uint64_t bytes;

	world_make(&w, (teg_store_options){ 0 });
	make(w.store);
	reading_open(&at, w.store, "a");
	scan = reading_scan(&at, &few);
	bytes = w.os->n_read_bytes;
	plan = explain(scan);
	bytes = w.os->n_read_bytes - bytes;
	check_plan(&plan);
	cr_assert_eq(plan.reads, plan.index_pages_read - 1, "the root comes with the segment");
	cr_assert_gt(plan.read_bytes, 0);
	cr_assert_leq(plan.read_bytes, bytes);
	read_to_end(scan);
	done = explain(scan);
	cr_assert_eq(done.tiles_read, plan.tiles_read);
	cr_assert_eq(done.rows_emitted, 100);
	cr_assert_gt(done.reads, plan.reads);
	teg_scan_close(scan);
	scan = reading_scan(&at, &few);
	again = explain(scan); /* its pages are in memory now */
	check_plan(&again);
	cr_assert_eq(again.reads, 0);
	cr_assert_eq(again.index_pages_read, plan.index_pages_read);
	teg_scan_close(scan);
	reading_close(&at);
	world_release(&w);
}
