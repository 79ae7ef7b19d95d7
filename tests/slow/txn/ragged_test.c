/* Ragged rows of 5 to 150 KB in one transaction: what the writer holds does not grow with the rows, is
 * bounded by write_budget, and a scalar column reads under a hundredth of the bytes. V9 V5 */
#include <criterion/criterion.h>
#include "tests/support/dir.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"

#define MIB ((size_t)1 << 20)
#define BUDGET (64 * MIB)
#define SLACK (12 * MIB) /* a tile being encoded, its index, one batch */
#define POINT 4          /* doubles of one */
#define LEAST 160        /* points of a row: 5 KB */
#define MOST 4700        /* 150 KB */
#define BATCH 16         /* rows of a put */

struct batch {
	int64_t id[BATCH];
	int32_t ends[BATCH + 1];
	double values[BATCH * MOST * POINT];
};

static void create(teg_txn *txn)
{
	static const teg_attribute number[] = { { .type = { .type = TEG_FLOAT64 } } };
	static const teg_attribute point[] = { { .type = { .type = TEG_FIXED_LIST,
		                                           .list_size = POINT,
		                                           .children = number,
		                                           .n_children = 1 } } };
	static const teg_attribute attributes[] = {
		{ .name = "id", .type = { .type = TEG_INT64 } },
		{ .name = "vertices",
		  .type = { .type = TEG_LIST, .children = point, .n_children = 1 } }
	};
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attributes, 2);

	OK(teg_txn_create(txn, "a", &spec, err));
}

/* Numbers that nothing compresses. */
static void fill(struct batch *b, int64_t first, struct rng *rng)
{
	b->ends[0] = 0;
	for (int i = 0; i < BATCH; i++) {
		b->id[i] = first + i;
		b->ends[i + 1] = b->ends[i] + LEAST + (int32_t)rng_below(rng, MOST - LEAST);
	}
	for (size_t k = 0; k < (size_t)b->ends[BATCH] * POINT; k++)
		b->values[k] = (double)rng_u64(rng);
}

static void put_all(teg_txn *txn, struct batch *b, int64_t n_rows)
{
	teg_column values = { .values = b->values };
	teg_column points = { .children = &values, .n_children = 1 };
	teg_column columns[] = {
		{ .name = "id", .values = b->id },
		{ .name = "vertices", .offsets = b->ends, .children = &points, .n_children = 1 }
	};
	struct rng rng = { 9 };

	for (int64_t r = 0; r < n_rows; r += BATCH) {
		fill(b, r, &rng);
		OK(teg_txn_put(txn, "a", columns, 2, BATCH, NULL, err));
	}
}

static uint64_t bytes_of(teg_store *store, const char *const *columns, int64_t n_rows)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns,
		                     .n_columns = columns ? 1 : 0 };
	teg_scan_stats stats = { .struct_size = sizeof stats };
	teg_snapshot *snapshot;
	struct ArrowArray batch;
	teg_array *array;
	teg_scan *scan;

	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_scan_open(array, &options, &scan, err));
	while (teg_scan_next(scan, &batch, NULL) == TEG_OK)
		batch.release(&batch);
	teg_scan_get_stats(scan, &stats);
	cr_assert_eq(stats.rows_emitted, (uint64_t)n_rows);
	teg_scan_close(scan);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return stats.read_bytes;
}

/* The most that the store held while it wrote so many rows. */
static size_t write_rows(int64_t n_rows)
{
	static const char *const scalar[] = { "id" };
	static struct batch batch;
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .write_budget = BUDGET };
	struct test_dir dir;
	struct memory mem;
	teg_store *store;
	teg_txn *txn;
	size_t peak;

	memory_init(&mem);
	mem.cap = BUDGET + SLACK;
	options.allocator = &mem.alloc;
	test_dir_make(&dir);
	OK(teg_store_open(test_dir_path(&dir, "store"), &options, &store, err));
	OK(teg_txn_begin(store, NULL, &txn, err));
	create(txn);
	put_all(txn, &batch, n_rows);
	OK(teg_txn_commit(txn, NULL, err));
	peak = mem.peak_len;
	cr_assert_lt(bytes_of(store, scalar, n_rows) * 100, bytes_of(store, NULL, n_rows));
	teg_store_close(store);
	memory_check(&mem);
	test_dir_remove(&dir);
	return peak;
}

Test(ragged, what_a_writer_holds_does_not_grow_with_the_rows, .timeout = 900)
{
	size_t few = write_rows(2000), many = write_rows(8000);

	cr_assert_gt(few, BUDGET / 4);
	cr_assert_leq(many, few + MIB, "%zu bytes for 2,000 rows, %zu for 8,000", few, many);
	cr_log_info("%zu and %zu bytes", few, many);
}
