/* Memory that fails at every request in turn while a past is erased, let go, merged, purged and compared:
 * no call says that it did what it did not, and the store answers as before or after it. */
#include "tests/support/world.h"

enum { LIVE_ROWS = 6 };

static teg_status commit(teg_txn *txn, teg_status status, teg_error *err)
{
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

static teg_status put(teg_store *store, int64_t version, teg_error *err)
{
	teg_dimension dim = { .name = "x", .type = { .type = TEG_INT32 } };
	teg_attribute attribute = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .valid_time = true,
		          .dimensions = &dim,
		          .n_dimensions = 1,
		          .attributes = &attribute,
		          .n_attributes = 1 };
	int32_t x[LIVE_ROWS + 1];
	int64_t v[LIVE_ROWS + 1];
	teg_column columns[] = { { .name = "x", .values = x }, { .name = "v", .values = v } };
	teg_status status;
	teg_txn *txn;

	for (int i = 0; i <= LIVE_ROWS; i++) {
		x[i] = i;
		v[i] = 10 * i + version;
	}
	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	status = version == 1 ? teg_txn_create(txn, "a", &spec, err) : TEG_OK;
	if (status == TEG_OK)
		status = teg_txn_put(txn, "a", columns, 2, LIVE_ROWS + 1, NULL, err);
	return commit(txn, status, err);
}

static teg_status erase(teg_store *store, teg_error *err)
{
	int32_t x = 0;
	teg_column column = { .name = "x", .values = &x };
	teg_erase what = {
		.struct_size = sizeof what, .columns = &column, .n_columns = 1, .n_rows = 1
	};
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	return commit(txn, teg_txn_erase(txn, "a", &what, err), err);
}

static teg_status retain(teg_store *store, teg_error *err)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN, .retention = { .drops = true } };
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	return commit(txn, teg_txn_alter(txn, "a", &change, 1, err), err);
}

/* Rows of a scan, to its end. */
static teg_status count(teg_store *store, const teg_scan_options *options, uint64_t *n_out,
                        teg_error *err)
{
	teg_snapshot *snapshot = NULL;
	teg_array *array = NULL;
	teg_scan *scan = NULL;
	struct ArrowArray batch;
	teg_status status = teg_snapshot_open(store, &snapshot, err);

	*n_out = 0;
	if (status == TEG_OK)
		status = teg_array_open(snapshot, "a", &array, err);
	if (status == TEG_OK)
		status = teg_scan_open(array, options, &scan, err);
	while (status == TEG_OK && (status = teg_scan_next(scan, &batch, err)) == TEG_OK) {
		*n_out += (uint64_t)batch.length;
		batch.release(&batch);
	}
	teg_scan_close(scan);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return status == TEG_END ? TEG_OK : status;
}

/* Everything in turn; how far it came. */
static teg_status work(teg_store *store, int *steps, teg_error *err)
{
	teg_scan_options changes = { .struct_size = sizeof changes,
		                     .mode = TEG_SCAN_CHANGES,
		                     .system_time = INT64_MIN,
		                     .system_end = INT64_MAX };
	teg_scan_options range = { .struct_size = sizeof range,
		                   .mode = TEG_SCAN_SYSTEM_RANGE,
		                   .system_time = INT64_MIN,
		                   .system_end = INT64_MAX };
	teg_purge_options purge = { .struct_size = sizeof purge, .array = "a" };
	uint64_t n;

	TEG_TRY(count(store, &changes, &n, err));
	cr_assert_eq(n, LIVE_ROWS + 1);
	TEG_TRY(count(store, &range, &n, err));
	cr_assert_eq(n, 2 * (LIVE_ROWS + 1));
	TEG_TRY(erase(store, err));
	++*steps;
	TEG_TRY(teg_compact(store, NULL, NULL, err));
	TEG_TRY(retain(store, err));
	++*steps;
	return teg_purge(store, &purge, NULL, err);
}

Test(time_memory, fails_at_every_request_in_turn)
{
	bool missed = true;

	for (size_t n = 1; missed; n += 3) {
		teg_store_options options = { .struct_size = sizeof options,
			                      .no_auto_compact = true };
		teg_error said = { 0 };
		struct memory mem;
		struct world w;
		teg_store *store;
		teg_status status;
		uint64_t live;
		int steps = 0;

		world_init(&w);
		OK(put(w.store, 1, err));
		OK(put(w.store, 2, err));
		memory_init(&mem);
		options.allocator = &mem.alloc;
		options.os = w.os;
		OK(teg_store_open(NULL, &options, &store, err));
		mem.fail_at = mem.n_requests + n;
		mem.fail_once = n % 2;
		status = work(store, &steps, &said);
		missed = mem.n_refused > 0;
		cr_assert(status == TEG_OK || status == TEG_NOMEM || status == TEG_COMMIT_UNKNOWN,
		          "request %zu: %s %s", n, teg_status_name(status), said.message);
		cr_assert(status == TEG_OK || said.status == status, "request %zu", n);
		mem.fail_at = 0;
		teg_store_close(store);
		memory_check(&mem);
		OK(count(w.store, NULL, &live, err));
		cr_assert(live == LIVE_ROWS || (live == LIVE_ROWS + 1 && steps == 0),
		          "request %zu: %llu rows after %d steps", n, (unsigned long long)live,
		          steps);
		world_release(&w);
		cr_assert(missed || n > 300);
	}
}
