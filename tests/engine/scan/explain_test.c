/* What teg_scan_explain fills, and what it costs: index pages, never a tile. */
#include "engine/os/memory.h"
#include "tests/support/ok.h"

#define ROWS 40000

static void make(teg_store *store)
{
	static int64_t x[ROWS];
	teg_dimension axis = { .name = "x", .type = { .type = TEG_INT64 } };
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = &axis,
		          .n_dimensions = 1,
		          .attributes = &v,
		          .n_attributes = 1,
		          .tile_cells = 16 };
	teg_column columns[] = { { .name = "x", .values = x }, { .name = "v", .values = x } };
	teg_txn *txn;

	for (int64_t i = 0; i < ROWS; i++)
		x[i] = i;
	OK(teg_txn_begin(store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_put(txn, "a", columns, 2, ROWS, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
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

	while (teg_scan_next(scan, &batch, NULL) == TEG_OK)
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
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	teg_store_options create = { .struct_size = sizeof create,
		                     .create = TEG_CREATE_NEW,
		                     .os = os };
	teg_range box = { { TEG_INT64, { .i = 20000 } }, { TEG_INT64, { .i = 20099 } } };
	teg_scan_options few = { .struct_size = sizeof few, .box = &box };
	teg_scan_stats plan, again, done;
	teg_snapshot *snapshot;
	teg_store *store;
	teg_array *array;
	teg_scan *scan;
	uint64_t bytes;

	OK(teg_store_open(NULL, &create, &store, err));
	make(store);
	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_scan_open(array, &few, &scan, err));
	bytes = os->n_read_bytes;
	plan = explain(scan);
	bytes = os->n_read_bytes - bytes;
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
	OK(teg_scan_open(array, &few, &scan, err));
	again = explain(scan); /* its pages are in memory now */
	check_plan(&again);
	cr_assert_eq(again.reads, 0);
	cr_assert_eq(again.index_pages_read, plan.index_pages_read);
	teg_scan_close(scan);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
	os_free(os);
}
