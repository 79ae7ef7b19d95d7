/* Every call that an erasure, a purge, retention and a vacuum make to the os fails once, and dies once:
 * what is read afterwards is what was, or what was wanted, never a part of it; and what was erased does
 * not come back. NF4 X7 X8 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/support/crash.h"
#include "tests/support/files.h"
#include "tests/support/ok.h"
#include "tests/support/show.h"

#define STATES 40

static teg_status open_store(struct os *os, teg_create create, teg_store **store_out,
                             teg_error *err)
{
	teg_store_options options = {
		.struct_size = sizeof options, .create = create, .os = os, .no_auto_compact = true
	};

	return teg_store_open(NULL, &options, store_out, err);
}

static void put(teg_store *store, bool first, const char *text, int32_t ends[3], int64_t n[2])
{
	static const teg_attribute attrs[] = { { .name = "who", .type = { .type = TEG_UTF8 } },
		                               { .name = "n", .type = { .type = TEG_INT64 } } };
	static int64_t ids[] = { 0, 1 };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attrs,
		          .n_attributes = 2,
		          .key = "who" };
	teg_put_options options = { .struct_size = sizeof options,
		                    .row_id_column = first ? NULL : "id" };
	teg_column columns[] = { { .name = "who", .values = text, .offsets = ends },
		                 { .name = "n", .values = n },
		                 { .name = "id", .values = ids } };
	teg_txn *txn;

	OK(teg_txn_begin(store, NULL, &txn, err));
	if (first)
		OK(teg_txn_create(txn, "t", &spec, err));
	OK(teg_txn_put(txn, "t", columns, first ? 2 : 3, 2, &options, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* Version 2: ann 1, mary 2. Version 3: ann 3, mary 4. */
static void prepare(struct os *os, void *ctx)
{
	teg_store *store;

	(void)ctx;
	OK(open_store(os, TEG_CREATE_NEW, &store, err));
	put(store, true, "annmary", (int32_t[]){ 0, 3, 7 }, (int64_t[]){ 1, 2 });
	put(store, false, "annmary", (int32_t[]){ 0, 3, 7 }, (int64_t[]){ 3, 4 });
	teg_store_close(store);
}

static teg_status vacuum(teg_store *store, teg_error *err)
{
	teg_vacuum_options options = { .struct_size = sizeof options, .has_grace = true };

	return teg_vacuum(store, &options, NULL, err);
}

static const char *as_of(teg_snapshot *snapshot, uint64_t version)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF_VERSION,
		                     .version = version };

	return show_at(snapshot, "t", &options);
}

/* ---- erasure ---- */

static teg_status erase(teg_store *store, teg_error *err)
{
	teg_predicate *predicate;
	teg_erase what = { .struct_size = sizeof what };
	teg_status status;
	teg_txn *txn;

	TEG_TRY(teg_predicate_parse("who = 'mary'", NULL, &predicate, err));
	what.predicate = predicate;
	status = teg_txn_begin(store, NULL, &txn, err);
	if (status == TEG_OK) {
		status = teg_txn_erase(txn, "t", &what, err);
		if (status == TEG_OK)
			status = teg_txn_commit(txn, NULL, err);
		if (status != TEG_OK)
			teg_txn_abort(txn);
	}
	teg_predicate_free(predicate);
	return status;
}

static teg_status erase_and_purge(struct os *os, void *ctx)
{
	teg_purge_options options = { .struct_size = sizeof options, .array = "t" };
	teg_purge_result result = { .struct_size = sizeof result };
	teg_store *store;
	teg_status status;

	(void)ctx;
	TEG_TRY(open_store(os, TEG_CREATE_NO, &store, NULL));
	status = erase(store, NULL);
	if (status == TEG_OK)
		status = teg_purge(store, &options, &result, NULL);
	if (status == TEG_OK && result.files_kept)
		status = TEG_CONFLICT; /* a pin could not be read: try again */
	teg_store_close(store);
	return status;
}

static bool is_anywhere(struct os *os)
{
	return files_count(os, "mary", 4) > 0;
}

static void check_erased(struct os *os, const struct crash_point *at, void *ctx)
{
	teg_snapshot *snapshot;
	teg_store *store;
	bool gone;

	(void)ctx;
	OK(open_store(os, TEG_CREATE_NO, &store, err));
	OK(teg_snapshot_open(store, &snapshot, err));
	gone = !strcmp(as_of(snapshot, 3), "ann 3");
	cr_assert_str_eq(as_of(snapshot, 3), gone ? "ann 3" : "ann 3|mary 4", "%s", at->text);
	cr_assert_str_eq(as_of(snapshot, 2), gone ? "ann 1" : "ann 1|mary 2", "%s", at->text);
	cr_assert(gone || at->status != TEG_OK, "%s", at->text);
	cr_assert(at->status != TEG_OK || !is_anywhere(os), "%s", at->text);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
	OK(erase_and_purge(os, NULL) == TEG_OK ? TEG_OK : TEG_IO);
	cr_assert_not(is_anywhere(os), "%s", at->text);
}

static const struct crash_case erasing = {
	.prepare = prepare, .body = erase_and_purge, .check = check_erased, .seed = 5
};

Test(erase, any_call_may_fail)
{
	cr_assert_gt(crash_fail_each(&erasing, EIO, false), 40u);
	cr_assert_gt(crash_fail_each(&erasing, ENOSPC, true), 5u);
}

Test(erase, the_process_may_die_at_any_change)
{
	cr_assert_gt(crash_kill_each(&erasing, STATES), 100u);
}

/* ---- retention ---- */

static teg_status retain(teg_store *store, teg_error *err)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN, .retention = { .drops = true } };
	teg_status status;
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	status = teg_txn_alter(txn, "t", &change, 1, err);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

static teg_status drop_history(struct os *os, void *ctx)
{
	teg_store *store;
	teg_status status;

	(void)ctx;
	TEG_TRY(open_store(os, TEG_CREATE_NO, &store, NULL));
	status = retain(store, NULL);
	if (status == TEG_OK)
		status = teg_compact(store, NULL, NULL, NULL);
	if (status == TEG_OK)
		status = vacuum(store, NULL);
	teg_store_close(store);
	return status;
}

static teg_status read_version(teg_snapshot *snapshot, uint64_t version)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF_VERSION,
		                     .version = version };
	teg_array *array;
	teg_scan *scan;
	teg_status status;

	TEG_TRY(teg_array_open(snapshot, "t", &array, NULL));
	status = teg_scan_open(array, &options, &scan, NULL);
	if (status == TEG_OK)
		teg_scan_close(scan);
	teg_array_close(array);
	return status;
}

/* The past is whole, or it is beyond the horizon; the present is as it was. */
static void check_history(struct os *os, const struct crash_point *at, void *ctx)
{
	teg_snapshot *snapshot;
	teg_status past;
	teg_store *store;

	(void)ctx;
	OK(open_store(os, TEG_CREATE_NO, &store, err));
	cr_assert_str_eq(show(store, "t", NULL), "ann 3|mary 4", "%s", at->text);
	OK(teg_snapshot_open(store, &snapshot, err));
	past = read_version(snapshot, 2);
	cr_assert(past == TEG_OK || past == TEG_BEYOND_HORIZON, "%s: %s", at->text,
	          teg_status_name(past));
	if (past == TEG_OK)
		cr_assert_str_eq(as_of(snapshot, 2), "ann 1|mary 2", "%s", at->text);
	cr_assert(past != TEG_OK || at->status != TEG_OK, "%s", at->text);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
}

static const struct crash_case retaining = {
	.prepare = prepare, .body = drop_history, .check = check_history, .seed = 6
};

Test(retention, any_call_may_fail)
{
	cr_assert_gt(crash_fail_each(&retaining, EIO, false), 40u);
}

Test(retention, the_process_may_die_at_any_change)
{
	cr_assert_gt(crash_kill_each(&retaining, STATES), 100u);
}
