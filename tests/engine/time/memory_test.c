/* Memory that fails at every request in turn while a past is erased, let go, merged, purged and compared:
 * no call says that it did what it did not, and the store answers as before or after it. */
#include "tests/support/spec.h"
#include "tests/support/world.h"

enum { LIVE_ROWS = 6 };

static teg_status put(teg_store *store, int64_t version, teg_error *err)
{
	teg_dimension dim = axis_of("x", TEG_INT32);
	teg_attribute attribute = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, &dim, 1, &attribute, 1);
	int32_t x[LIVE_ROWS + 1];
	int64_t v[LIVE_ROWS + 1];
	teg_column columns[] = { { .name = "x", .values = x }, { .name = "v", .values = v } };
	teg_status status;
	teg_txn *txn;

	spec.valid_time = true;
	for (int i = 0; i <= LIVE_ROWS; i++) {
		x[i] = i;
		v[i] = 10 * i + version;
	}
	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	status = version == 1 ? teg_txn_create(txn, "a", &spec, err) : TEG_OK;
	if (status == TEG_OK)
		status = teg_txn_put(txn, "a", columns, 2, LIVE_ROWS + 1, NULL, err);
	return txn_end(txn, status, err);
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
	return txn_end(txn, teg_txn_erase(txn, "a", &what, err), err);
}

static teg_status retain(teg_store *store, teg_error *err)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN, .retention = { .drops = true } };
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	return txn_end(txn, teg_txn_alter(txn, "a", &change, 1, err), err);
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

	TEG_TRY(rows_count(store, "a", &changes, &n, err));
	cr_assert_eq(n, LIVE_ROWS + 1);
	TEG_TRY(rows_count(store, "a", &range, &n, err));
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
		teg_error said = { 0 };
		struct handle h;
		struct world w;
		teg_status status;
		uint64_t live;
		int steps = 0;

		world_init(&w);
		OK(put(w.store, 1, err));
		OK(put(w.store, 2, err));
		handle_open(&h, &w, (teg_store_options){ .no_auto_compact = true });
		h.mem.fail_at = h.mem.n_requests + n;
		h.mem.fail_once = n % 2;
		status = work(h.store, &steps, &said);
		missed = h.mem.n_refused > 0;
		cr_assert(status == TEG_OK || status == TEG_NOMEM || status == TEG_COMMIT_UNKNOWN,
		          "request %zu: %s %s", n, teg_status_name(status), said.message);
		cr_assert(status == TEG_OK || said.status == status, "request %zu", n);
		h.mem.fail_at = 0;
		handle_close(&h);
		OK(rows_count(w.store, "a", NULL, &live, err));
		cr_assert(live == LIVE_ROWS || (live == LIVE_ROWS + 1 && steps == 0),
		          "request %zu: %llu rows after %d steps", n, (unsigned long long)live,
		          steps);
		world_release(&w);
		cr_assert(missed || n > 300);
	}
}
