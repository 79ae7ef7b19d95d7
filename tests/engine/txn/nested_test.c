/* Rows with lists: writers in bounded memory, reads that leave lists alone, changes of the schema, and
 * what goes wrong half-way. */
#include "engine/os/faulty.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define BUDGET (4u << 20)
#define POINT 4                 /* doubles of one */
#define MOST 4700               /* points of a row: 150 KB */
#define BATCH 8                 /* rows of a put */
#define ROWS 480                /* about 36 MiB */
#define CELLS 800               /* about 60 MiB */
#define SLACK (12u << 20)       /* a tile being encoded, its index, one batch */
#define SCAN_MAX (20u << 20)    /* of a batch that takes in another tile */
#define MERGE_SLACK (44u << 20) /* and what a merge of runs moves at a time */

static const teg_attribute number[] = { { .type = { .type = TEG_FLOAT64 } } };
static const teg_attribute point[] = { {
	.type = { .type = TEG_FIXED_LIST, .list_size = POINT, .children = number, .n_children = 1 },
} };
static const teg_attribute attributes[] = {
	{ .name = "id", .type = { .type = TEG_INT64 } },
	{ .name = "capacity", .type = { .type = TEG_FLOAT64 }, .nullable = true },
	{ .name = "vertices",
	  .type = { .type = TEG_LIST, .children = point, .n_children = 1 },
	  .nullable = true },
};

struct batch {
	int64_t x[BATCH], id[BATCH];
	double capacity[BATCH];
	int32_t ends[BATCH + 1];
	uint8_t valid[1];
	double values[BATCH * MOST * POINT];
};

/* Row r: null where r % 7 is 3, else some points, of which the first number is r. */
static void fill(struct batch *b, int64_t first, size_t most)
{
	struct rng rng = { (uint64_t)first + 1 };

	memset(b->valid, 0, sizeof b->valid);
	b->ends[0] = 0;
	for (int i = 0; i < BATCH; i++) {
		int64_t r = first + i;
		size_t n = r % 7 == 3 ? 0 : 1 + rng_u64(&rng) % most;

		b->id[i] = r;
		b->x[i] = r * 7919 % 1000003;
		b->capacity[i] = (double)r / 2;
		b->ends[i + 1] = b->ends[i] + (int32_t)n;
		if (r % 7 != 3)
			b->valid[0] |= (uint8_t)(1 << i);
		for (size_t k = 0; k < n * POINT; k++)
			b->values[(size_t)b->ends[i] * POINT + k] = k ? (double)rng_u64(&rng)
			                                              : (double)r;
	}
}

static teg_status put(teg_txn *txn, struct batch *b, bool sparse, teg_error *err)
{
	teg_column values = { .values = b->values };
	teg_column points = { .children = &values, .n_children = 1 };
	teg_column columns[] = {
		{ .name = "id", .values = b->id },
		{ .name = "capacity", .values = b->capacity },
		{ .name = "vertices",
		  .offsets = b->ends,
		  .validity = b->valid,
		  .children = &points,
		  .n_children = 1 },
		{ .name = "x", .values = b->x },
	};

	return teg_txn_put(txn, "a", columns, sparse ? 4 : 3, BATCH, NULL, err);
}

static teg_status create(teg_txn *txn, bool sparse, teg_error *err)
{
	teg_dimension x = axis_of("x", TEG_INT64);
	teg_spec spec = spec_make(sparse ? TEG_SPARSE : TEG_TABLE, &x, sparse, attributes, 3);

	return teg_txn_create(txn, "a", &spec, err);
}

static teg_status open_store(struct os *os, const teg_allocator *alloc, size_t budget,
                             teg_store **store, teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING,
		                      .allocator = alloc,
		                      .write_budget = budget,
		                      .cache_budget = 1 << 20,
		                      .no_auto_compact = true,
		                      .os = os };

	return teg_store_open(NULL, &options, store, err);
}

/* ---- memory: V5 V9 ---- */

struct budgeted {
	struct memory mem; /* the store's alone, not its os's */
	struct os *os;
	teg_store *store;
	struct batch *batch;
};

static void write_all(struct budgeted *w, int64_t n_rows, bool sparse)
{
	teg_txn *txn;

	memory_init(&w->mem);
	w->os = os_memory_new(teg_allocator_default(), 1);
	w->batch = malloc(sizeof *w->batch);
	OK(open_store(w->os, &w->mem.alloc, BUDGET, &w->store, err));
	w->mem.cap = BUDGET + (sparse ? MERGE_SLACK : SLACK);
	txn = txn_begin(w->store);
	OK(create(txn, sparse, err));
	for (int64_t r = 0; r < n_rows; r += BATCH) {
		fill(w->batch, r, MOST);
		OK(put(txn, w->batch, sparse, err));
	}
	txn_commit(txn);
}

static void release(struct budgeted *w)
{
	teg_store_close(w->store);
	memory_check(&w->mem);
	os_free(w->os);
	free(w->batch);
}

static const double *doubles(const struct ArrowArray *points)
{
	return points->children[0]->buffers[1];
}

/* Every row is there, in the order of the ids or by coordinate. */
static void check_rows(struct budgeted *w, int64_t n)
{
	teg_scan_options all = { .struct_size = sizeof all, .batch_rows = 16 };
	struct reading at;
	struct ArrowArray batch;
	teg_scan *scan;
	int64_t found = 0, sum = 0;

	reading_open(&at, w->store, "a");
	scan = reading_scan(&at, &all);
	while (batch_next(scan, &batch)) {
		const struct ArrowArray *list = batch.children[batch.n_children - 1];
		const int64_t *ids = batch.children[batch.n_children - 3]->buffers[1];
		const int32_t *ends = list->buffers[1];

		for (int64_t i = 0; i < batch.length; i++) {
			cr_assert_eq(ends[i + 1] > ends[i], ids[i] % 7 != 3, "row %lld",
			             (long long)ids[i]);
			if (ids[i] % 7 != 3)
				cr_assert_eq(doubles(list->children[0])[ends[i] * POINT],
				             (double)ids[i]);
			sum += ids[i];
		}
		found += batch.length;
		batch.release(&batch);
	}
	cr_assert_eq(found, n);
	cr_assert_eq(sum, n * (n - 1) / 2);
	teg_scan_close(scan);
	reading_close(&at);
}

static uint64_t bytes_read(struct budgeted *w, const char *const *columns, size_t n_columns)
{
	teg_scan_options some = { .struct_size = sizeof some,
		                  .columns = columns,
		                  .n_columns = n_columns };
	teg_scan_stats stats = { .struct_size = sizeof stats };
	struct reading at;
	struct ArrowArray batch;
	teg_scan *scan;

	reading_open(&at, w->store, "a");
	scan = reading_scan(&at, &some);
	while (batch_next(scan, &batch))
		batch.release(&batch);
	teg_scan_get_stats(scan, &stats);
	cr_assert_eq(stats.rows_emitted, ROWS);
	teg_scan_close(scan);
	reading_close(&at);
	return stats.read_bytes;
}

Test(nested, a_table_of_ragged_rows_is_written_within_the_budget) /* V5 V9 */
{
	static const char *const scalars[] = { "id", "capacity" };
	teg_compact_options merge = { .struct_size = sizeof merge, .memory = BUDGET };
	struct budgeted w;
	uint64_t all, few;

	write_all(&w, ROWS, false);
	cr_assert_gt(w.mem.peak_len, BUDGET / 4);
	w.mem.cap = w.mem.live_len + SCAN_MAX;
	all = bytes_read(&w, NULL, 0);
	few = bytes_read(&w, scalars, 2);
	cr_assert_lt(few * 100, all, "%llu of %llu bytes", (unsigned long long)few,
	             (unsigned long long)all);
	check_rows(&w, ROWS);
	w.mem.cap = w.mem.live_len + MERGE_SLACK;
	OK(teg_compact(w.store, &merge, NULL, err));
	check_rows(&w, ROWS);
	release(&w);
}

Test(nested, cells_beyond_the_budget_become_runs_and_are_merged) /* V9 */
{
	struct budgeted w;

	write_all(&w, CELLS, true);
	check_rows(&w, CELLS);
	release(&w);
}

/* ---- changes: V7 V8, update and delete ---- */

static void small_store(struct budgeted *w, size_t n)
{
	teg_txn *txn;

	memory_init(&w->mem);
	w->os = os_memory_new(teg_allocator_default(), 1);
	w->batch = malloc(sizeof *w->batch);
	OK(open_store(w->os, &w->mem.alloc, 0, &w->store, err));
	txn = txn_begin(w->store);
	OK(create(txn, false, err));
	for (size_t r = 0; r < n; r += BATCH) {
		fill(w->batch, (int64_t)r, 5);
		OK(put(txn, w->batch, false, err));
	}
	txn_commit(txn);
}

static teg_status alter(struct budgeted *w, const teg_alter *changes, size_t n, teg_error *err)
{
	teg_txn *txn = txn_begin(w->store);

	return txn_end(txn, teg_txn_alter(txn, "a", changes, n, err), err);
}

/* Nulls of a column in what a scan gives now. */
static int64_t nulls_of(struct budgeted *w, const char *column)
{
	teg_scan_options one = { .struct_size = sizeof one, .columns = &column, .n_columns = 1 };
	teg_error err = { 0 };
	struct reading at;
	struct ArrowArray batch;
	teg_scan *scan;
	int64_t n = 0;

	reading_open(&at, w->store, "a");
	scan = reading_scan(&at, &one);
	while (teg_scan_next(scan, &batch, &err) == TEG_OK) {
		n += batch.children[0]->null_count;
		batch.release(&batch);
	}
	teg_scan_close(scan);
	reading_close(&at);
	return n;
}

Test(nested, attributes_with_lists_are_added_and_dropped) /* V7 */
{
	const teg_attribute tags = {
		.name = "tags",
		.type = { .type = TEG_LIST, .children = attributes + 1, .n_children = 1 },
		.nullable = true
	};
	const teg_alter add[] = { { .kind = TEG_ALTER_ADD, .attribute = &tags } };
	const teg_alter rename[] = {
		{ .kind = TEG_ALTER_RENAME, .name = "vertices", .new_name = "points" }
	};
	const teg_attribute points = { .name = "points",
		                       .type = { .type = TEG_INT32 },
		                       .nullable = true };
	const teg_alter again[] = { { .kind = TEG_ALTER_ADD, .attribute = &points } };
	const teg_alter drop[] = { { .kind = TEG_ALTER_DROP, .name = "points" } };
	teg_compact_options merge = { .struct_size = sizeof merge };
	struct budgeted w;

	small_store(&w, 40);
	OK(alter(&w, add, 1, err));
	cr_assert_eq(nulls_of(&w, "tags"), 40);
	OK(alter(&w, rename, 1, err));
	cr_assert_eq(nulls_of(&w, "points"), 6);
	OK(teg_compact(w.store, &merge, NULL, err));
	cr_assert_eq(nulls_of(&w, "tags"), 40);
	cr_assert_eq(nulls_of(&w, "points"), 6);
	OK(alter(&w, drop, 1, err));
	/* The ids of its nodes are not given again. */
	OK(alter(&w, again, 1, err));
	cr_assert_eq(nulls_of(&w, "points"), 40);
	release(&w);
}

Test(nested, rows_are_updated_and_deleted_by_whether_a_list_is_null)
{
	const teg_put_options update = { .struct_size = sizeof update, .row_id_column = "x" };
	teg_predicate *missing;
	teg_txn *txn;
	struct budgeted w;
	teg_column values, points;

	small_store(&w, 40);
	OK(teg_predicate_parse("vertices is null and id < 30", teg_allocator_default(), &missing,
	                       err));
	OK(teg_txn_begin(w.store, NULL, &txn, err));
	OK(teg_txn_delete_where(txn, "a", NULL, missing, NULL, NULL, err));
	txn_commit(txn);
	cr_assert_eq(nulls_of(&w, "vertices"), 2);

	/* Row 31 gets a list, row 0 loses its own. */
	fill(w.batch, 0, 5);
	w.batch->x[0] = 31;
	w.batch->x[1] = 0;
	w.batch->ends[1] = w.batch->ends[2] = 1;
	w.batch->valid[0] = 1;
	values = (teg_column){ .values = w.batch->values };
	points = (teg_column){ .children = &values, .n_children = 1 };
	{
		teg_column columns[] = { { .name = "x", .values = w.batch->x },
			                 { .name = "id", .values = w.batch->id },
			                 { .name = "capacity", .values = w.batch->capacity },
			                 { .name = "vertices",
			                   .offsets = w.batch->ends,
			                   .validity = w.batch->valid,
			                   .children = &points,
			                   .n_children = 1 } };

		OK(teg_txn_begin(w.store, NULL, &txn, err));
		OK(teg_txn_put(txn, "a", columns, 4, 2, &update, err));
		txn_commit(txn);
	}
	cr_assert_eq(nulls_of(&w, "vertices"), 2);
	OK(teg_compact(w.store, NULL, NULL, err));
	cr_assert_eq(nulls_of(&w, "vertices"), 2);
	teg_predicate_free(missing);
	release(&w);
}

/* ---- what goes wrong half-way ---- */

static struct batch shared;

static teg_status in_store(teg_store *store, teg_error *err)
{
	teg_txn *txn;
	teg_status status;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	status = create(txn, false, err);
	for (int64_t r = 0; status == TEG_OK && r < 3 * BATCH; r += BATCH) {
		fill(&shared, r, 300);
		status = put(txn, &shared, false, err);
	}
	return txn_end(txn, status, err);
}

/* A budget so small that each put spills. */
static teg_status work(struct os *os, const teg_allocator *alloc, uint64_t *n)
{
	teg_store *store = NULL;
	teg_error err = { 0 };
	teg_status status = open_store(os, alloc, 100000, &store, &err);

	if (status == TEG_OK)
		status = in_store(store, &err);
	if (status == TEG_OK)
		status = teg_compact(store, NULL, NULL, &err);
	if (status == TEG_OK)
		status = rows_count(store, "a", NULL, n, &err);
	cr_assert(status == TEG_OK || err.status == status, "%s", teg_status_name(status));
	teg_store_close(store);
	return status;
}

Test(nested, every_allocation_fails_in_turn)
{
	for (size_t n = 1;; n++) {
		struct os *os = os_memory_new(teg_allocator_default(), 1);
		struct memory mem;
		uint64_t found = 0;
		teg_status status;

		memory_init(&mem);
		mem.fail_at = n;
		status = work(os, &mem.alloc, &found);
		cr_assert(status == TEG_OK || status == TEG_NOMEM || status == TEG_COMMIT_UNKNOWN,
		          "request %zu: %s", n, teg_status_name(status));
		cr_assert(status != TEG_OK || found == 3 * BATCH);
		memory_check(&mem);
		os_free(os);
		if (!mem.n_refused)
			break;
	}
}

Test(nested, every_call_of_the_system_fails_in_turn)
{
	for (uint64_t n = 1;; n++) {
		struct os *inner = os_memory_new(teg_allocator_default(), n);
		struct os *os = os_faulty_new(inner, teg_allocator_default());
		teg_store *store = NULL;
		uint64_t found = 0;
		teg_status status;
		bool hit;

		faulty_set(os, n, 5, true);
		status = work(os, teg_allocator_default(), &found);
		hit = faulty_hit(os);
		cr_assert_eq(status == TEG_OK && found != 3 * BATCH, false);
		os_free(os);
		OK(open_store(inner, teg_allocator_default(), 0, &store, err));
		status = rows_count(store, "a", NULL, &found, NULL);
		cr_assert(status == TEG_NOT_FOUND || (status == TEG_OK && found == 3 * BATCH),
		          "call %llu: %s, %llu rows", (unsigned long long)n,
		          teg_status_name(status), (unsigned long long)found);
		teg_store_close(store);
		os_free(inner);
		if (!hit)
			break;
		cr_assert_lt(n, 2000);
	}
}
