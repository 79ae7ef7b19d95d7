#include <stdio.h>
#include <stdlib.h>
#include "tests/support/spec.h"
#include "tests/support/world.h"

static void reopen_with(struct world *w, size_t budget)
{
	teg_store_close(w->store);
	w->store = world_handle(w, (teg_store_options){ .write_budget = budget,
	                                                .no_auto_compact = true });
}

static const teg_attribute value = { .name = "v", .type = { .type = TEG_INT64 } };

static teg_spec spec_of(teg_kind kind, teg_dimension *dims)
{
	for (int d = 0; d < 2; d++) {
		const char *name = d ? "y" : "x";

		dims[d] = kind == TEG_DENSE ? axis_within(name, 0, 99) : axis_of(name, TEG_INT64);
		dims[d].extent = kind == TEG_DENSE ? 16 : 0;
	}
	return spec_make(kind, dims, kind == TEG_TABLE ? 0 : 2, &value, 1);
}

static void create(struct world *w, const char *name, teg_kind kind)
{
	teg_dimension dims[2];
	teg_spec spec = spec_of(kind, dims);

	txn_create(w->store, name, &spec);
}

/* Cells (x, y) -> v. */
static teg_status put_cells(teg_txn *txn, const char *name, const int64_t *x, const int64_t *y,
                            const int64_t *v, size_t n, teg_error *err)
{
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "y", .values = y },
		                 { .name = "v", .values = v } };

	return teg_txn_put(txn, name, columns, 3, n, NULL, err);
}

static teg_status append(teg_txn *txn, const char *name, const int64_t *v, size_t n, teg_error *err)
{
	teg_column column = { .name = "v", .values = v };

	return teg_txn_put(txn, name, &column, 1, n, NULL, err);
}

/* How many cells a current scan finds, and the sum of their values. */
struct found {
	int64_t n, sum;
};

static struct found scan(struct world *w, const char *name)
{
	struct found found = { 0 };
	const char *columns[] = { "v" };
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns,
		                     .n_columns = 1 };
	struct ArrowArray batch;
	struct reading at;
	teg_scan *scan;

	reading_open(&at, w->store, name);
	scan = reading_scan(&at, &options);
	while (batch_next(scan, &batch)) {
		const int64_t *v = batch.children[0]->buffers[1];

		v += batch.children[0]->offset;
		for (int64_t i = 0; i < batch.length; i++)
			found.sum += v[i];
		found.n += batch.length;
		batch.release(&batch);
	}
	teg_scan_close(scan);
	reading_close(&at);
	return found;
}

static void expect(struct world *w, const char *name, int64_t n, int64_t sum)
{
	struct found found = scan(w, name);

	cr_assert_eq(found.n, n, "%lld cells, not %lld", (long long)found.n, (long long)n);
	cr_assert_eq(found.sum, sum, "sum %lld, not %lld", (long long)found.sum, (long long)sum);
}

Test(txn, what_is_put_is_found_after_the_commit_and_not_before) /* S1 */
{
	static const int64_t x[] = { 1, 2, 3 }, y[] = { 1, 1, 1 }, v[] = { 10, 20, 30 };
	struct world w;
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;

	world_init(&w);
	create(&w, "s", TEG_SPARSE);
	create(&w, "t", TEG_TABLE);
	txn = txn_begin(w.store);
	OK(put_cells(txn, "s", x, y, v, 3, err));
	OK(append(txn, "t", v, 3, err));
	expect(&w, "s", 0, 0);
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.version, 4);
	cr_assert_eq(result.n_rows, 6);
	cr_assert_eq(result.n_arrays, 2);
	cr_assert_eq(result.n_segments, 2);
	expect(&w, "s", 3, 60);
	expect(&w, "t", 3, 60);
	world_release(&w);
}

Test(txn, aborted_and_empty_transactions_make_no_version_and_no_file) /* V4 */
{
	static int64_t v[20000];
	struct world w;
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;
	teg_snapshot *snapshot;
	uint64_t used;

	world_init(&w);
	create(&w, "t", TEG_TABLE);
	for (int i = 0; i < 20000; i++)
		v[i] = (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15u);
	txn = txn_begin(w.store);
	OK(append(txn, "t", v, 0, err));
	cr_assert_eq(append(txn, "nothing", v, 1, NULL), TEG_NOT_FOUND);
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.version, 2);
	cr_assert_eq(result.system_time, 0);
	/* Closing removes the writer pin. */
	teg_store_close(w.store);
	used = memory_used(w.os);
	w.store = NULL;
	reopen_with(&w, 100000);
	txn = txn_begin(w.store);
	OK(append(txn, "t", v, 20000, err)); /* over the budget: a segment file is written */
	cr_assert_gt(memory_used(w.os), used);
	teg_txn_abort(txn);
	teg_store_close(w.store);
	cr_assert_eq(memory_used(w.os), used);
	w.store = NULL;
	world_reopen(&w);
	OK(teg_snapshot_open(w.store, &snapshot, err));
	cr_assert_eq(teg_snapshot_version(snapshot), 2);
	teg_snapshot_close(snapshot);
	expect(&w, "t", 0, 0);
	world_release(&w);
}

Test(txn, appends_beyond_the_budget_go_to_files_of_their_own) /* V9 */
{
	static int64_t v[50000];
	struct world w;
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;
	int64_t sum = 0;

	world_init(&w);
	create(&w, "t", TEG_TABLE);
	reopen_with(&w, 200000);
	for (int i = 0; i < 50000; i++)
		sum += v[i] = (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15u) >> 20;
	txn = txn_begin(w.store);
	for (int i = 0; i < 4; i++)
		OK(append(txn, "t", v, 50000, err));
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_gt(result.n_segments, 1);
	cr_assert_eq(result.n_rows, 200000);
	expect(&w, "t", 200000, 4 * sum);
	world_release(&w);
}

Test(txn, cells_beyond_the_budget_become_one_sorted_segment_in_which_the_last_put_wins) /* X15 */
{
	static int64_t x[20000], y[20000], v[20000];
	static const teg_range box[2];
	struct world w;
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;
	int64_t sum = 0;

	world_init(&w);
	create(&w, "s", TEG_SPARSE);
	reopen_with(&w, 200000);
	txn = txn_begin(w.store);
	for (int part = 0; part < 5; part++) {
		for (int i = 0; i < 20000;
		     i++) { /* the last part says the first one's cells again */
			x[i] = i % 200 + 1000 * (part % 4);
			y[i] = i / 200;
			v[i] = i + part;
			sum += part ? v[i] : 0;
		}
		OK(put_cells(txn, "s", x, y, v, 20000, err));
	}
	cr_assert_eq(teg_txn_delete_box(txn, "s", box, NULL, NULL), TEG_LIMIT);
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.n_segments, 1);
	cr_assert_eq(result.n_rows, 80000);
	expect(&w, "s", 80000, sum);
	world_release(&w);
}

static teg_commit_result put_with_key(struct world *w, uint64_t sequence, const int64_t *v,
                                      size_t n, teg_status expected)
{
	teg_txn_options options = { .struct_size = sizeof options,
		                    .key_writer = "importer",
		                    .key_sequence = sequence };
	teg_commit_result result = { .struct_size = sizeof result };
	teg_error error = { 0 };
	teg_txn *txn;
	teg_status status;

	OK(teg_txn_begin(w->store, &options, &txn, err));
	OK(append(txn, "t", v, n, err));
	status = teg_txn_commit(txn, &result, &error);
	cr_assert_eq(status, expected, "%s", error.message);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return result;
}

Test(txn, the_same_key_twice_is_one_commit_however_late) /* B12 */
{
	static const int64_t v[] = { 1, 2, 3 }, other[] = { 1, 2, 4 };
	struct world w;
	teg_commit_result first, again;

	world_init(&w);
	create(&w, "t", TEG_TABLE);
	create(&w, "u", TEG_TABLE);
	first = put_with_key(&w, 7, v, 3, TEG_OK);
	cr_assert_not(first.repeated);
	create(&w, "x", TEG_TABLE);
	world_reopen(&w);
	again = put_with_key(&w, 7, v, 3, TEG_OK);
	cr_assert(again.repeated);
	cr_assert_eq(again.version, first.version);
	cr_assert_eq(again.system_time, first.system_time);
	cr_assert_eq(again.n_rows, 3);
	put_with_key(&w, 7, other, 3, TEG_KEY_REUSED);
	put_with_key(&w, 7, v, 2, TEG_KEY_REUSED);
	put_with_key(&w, 6, v, 3, TEG_KEY_REUSED);
	expect(&w, "t", 3, 6);
	put_with_key(&w, 8, v, 3, TEG_OK);
	expect(&w, "t", 6, 12);
	world_release(&w);
}

Test(txn, deletes_follow_puts_in_call_order)
{
	static const int64_t x[] = { 1, 2, 3 }, y[] = { 1, 1, 1 }, v[] = { 10, 20, 30 };
	const teg_range box[2] = { int_range(2, 9) };
	teg_column keys[] = { { .name = "x", .values = x }, { .name = "y", .values = y } };
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, "s", TEG_SPARSE);
	txn = txn_begin(w.store);
	OK(put_cells(txn, "s", x, y, v, 3, err));
	OK(teg_txn_delete_box(txn, "s", box, NULL, err));
	OK(put_cells(txn, "s", x + 2, y, v, 1, err)); /* (3, 1) -> 10 */
	txn_commit(txn);
	expect(&w, "s", 2, 20);
	txn = txn_begin(w.store);
	OK(teg_txn_delete(txn, "s", keys, 2, 2, NULL, err)); /* (1, 1), (2, 1) */
	txn_commit(txn);
	expect(&w, "s", 1, 10);
	txn = txn_begin(w.store);
	OK(teg_txn_delete_box(txn, "s", box, NULL, err));
	txn_commit(txn);
	expect(&w, "s", 0, 0);
	world_release(&w);
}

Test(txn, a_predicate_is_run_again_on_what_came_first)
{
	static const int64_t x[] = { 1, 2, 3 }, y[] = { 1, 1, 1 }, v[] = { 10, 20, 30 };
	teg_commit_result result = { .struct_size = sizeof result };
	teg_predicate *predicate;
	struct world w;
	teg_txn *txn, *other;
	uint64_t n;

	world_init(&w);
	create(&w, "s", TEG_SPARSE);
	OK(teg_predicate_parse("v >= 20", &w.mem.alloc, &predicate, err));
	txn = txn_begin(w.store);
	OK(put_cells(txn, "s", x, y, v, 2, err));
	txn_commit(txn);
	txn = txn_begin(w.store);
	OK(teg_txn_delete_where(txn, "s", NULL, predicate, NULL, &n, err));
	teg_predicate_free(predicate);
	cr_assert_eq(n, 1);
	other = txn_begin(w.store);
	OK(put_cells(other, "s", x + 2, y, v + 2, 1, err)); /* (3, 1) -> 30 */
	txn_commit(other);
	expect(&w, "s", 3, 60);
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.n_rows, 2);
	expect(&w, "s", 1, 10);
	world_release(&w);
}

static teg_status put_box(teg_txn *txn, int64_t x0, int64_t x1, int64_t y0, int64_t y1, int64_t v,
                          teg_error *err)
{
	teg_range box[2] = { int_range(x0, x1), int_range(y0, y1) };
	size_t n = (size_t)((x1 - x0 + 1) * (y1 - y0 + 1));
	int64_t *cells = malloc(n * sizeof *cells);
	teg_buffer buffer = { .name = "v", .values = cells, .values_len = n * sizeof *cells };
	teg_status status;

	for (size_t i = 0; i < n; i++)
		cells[i] = v;
	status = teg_txn_put_box(txn, "d", box, &buffer, 1, NULL, err);
	memset(cells, 0x55, n * sizeof *cells); /* S2: the memory is the caller's again */
	free(cells);
	return status;
}

Test(txn, boxes_of_a_dense_array_and_the_later_wins) /* S2 */
{
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, "d", TEG_DENSE);
	txn = txn_begin(w.store);
	OK(put_box(txn, 0, 99, 0, 99, 1, err));
	OK(put_box(txn, 10, 19, 10, 19, 5, err));
	cr_assert_eq(put_box(txn, 10, 100, 10, 19, 5, NULL), TEG_DOMAIN);
	txn_commit(txn);
	expect(&w, "d", 10000, 9900 + 500);
	txn = txn_begin(w.store);
	OK(put_box(txn, 0, 0, 0, 99, 2, err));
	txn_commit(txn);
	expect(&w, "d", 10000, 9900 + 500 + 100 - 100 + 100);
	/* Cells after a box, and a box after cells. */
	txn = txn_begin(w.store);
	OK(put_box(txn, 50, 59, 50, 59, 7, err));
	OK(put_cells(txn, "d", (int64_t[]){ 50 }, (int64_t[]){ 50 }, (int64_t[]){ 9 }, 1, err));
	OK(put_box(txn, 51, 51, 50, 50, 8, err));
	txn_commit(txn);
	expect(&w, "d", 10000, 10500 + 600 + 2 + 1);
	world_release(&w);
}

Test(txn, arrays_are_made_and_filled_in_one_commit) /* S3 */
{
	static const int64_t v[] = { 1, 2, 3 };
	teg_dimension dims[2];
	teg_spec spec = spec_of(TEG_TABLE, dims);
	teg_commit_result result = { .struct_size = sizeof result };
	struct world w;
	teg_txn *txn;
	char name[16];

	world_init(&w);
	txn = txn_begin(w.store);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "a%02d", i);
		OK(teg_txn_create(txn, name, &spec, err));
		OK(append(txn, name, v, (size_t)(i % 4), err));
		cr_assert_eq(teg_txn_create(txn, name, &spec, NULL), TEG_EXISTS);
	}
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.version, 2);
	expect(&w, "a00", 0, 0);
	expect(&w, "a03", 3, 6);
	world_release(&w);
}
