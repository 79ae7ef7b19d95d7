/* Every operation of the public interface with its n-th call to the system failing, its n-th
 * allocation refused, and killed at every change with the power cut: the store is as before or as
 * after, a handle that met the failure goes on or says that it cannot, and nothing leaks. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "engine/os/memory.h"
#include "tests/support/crash.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/trio.h"

#define FILE_ROWS 700 /* enough for a segment file */
#define FEW_ROWS 40   /* travel inside the manifest */

/* Of the first put that the operations find done. */
static size_t n_rows;

/* ---- the operations ---- */

static teg_status create(teg_store *store, teg_error *err)
{
	return trio_create(store, err);
}

static teg_status put(teg_store *store, teg_error *err)
{
	return trio_put(store, 2000, 6, err);
}

static teg_status put_files(teg_store *store, teg_error *err)
{
	return trio_put(store, 2000, FILE_ROWS, err);
}

static teg_status delete_where(teg_store *store, teg_error *err)
{
	return trio_delete_from(store, 1004, err);
}

static teg_status scan(teg_store *store, teg_error *err)
{
	static struct trio got;
	teg_status status = trio_read(store, &got, err);

	if (status == TEG_OK)
		cr_assert_eq(got.n, n_rows + 14);
	return status;
}

/* Runs on one array of the newest snapshot. */
static teg_status on_array(teg_store *store, const char *name,
                           teg_status (*call)(teg_array *array, teg_error *err), teg_error *err)
{
	teg_snapshot *snapshot;
	teg_array *array = NULL;
	teg_status status = teg_snapshot_open(store, &snapshot, err);

	if (status == TEG_OK)
		status = teg_array_open(snapshot, name, &array, err);
	if (status == TEG_OK)
		status = call(array, err);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return status;
}

static int64_t first_value(struct ArrowArray *batch, int child, int64_t row)
{
	const struct ArrowArray *column = batch->children[child];

	return ((const int64_t *)column->buffers[1])[column->offset + row];
}

static teg_status get_one(teg_array *array, teg_error *err)
{
	teg_value key = { TEG_INT64, { .i = 1003 } };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_outcome outcome;
	teg_status status = teg_get(array, &key, 1, NULL, &outcome, &schema, &batch, err);

	if (status != TEG_OK) {
		cr_assert(!schema.release && !batch.release);
		return status;
	}
	cr_assert_eq(outcome, TEG_OUTCOME_LIVE);
	cr_assert_eq(first_value(&batch, 1, 0), 1003);
	schema.release(&schema);
	batch.release(&batch);
	return TEG_OK;
}

static teg_status take_some(teg_array *array, teg_error *err)
{
	int64_t ordinals[] = { (int64_t)n_rows + 3, 5, (int64_t)n_rows + 3 };
	static const char *const columns[] = { "value" };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_status status = teg_take(array, ordinals, 3, columns, 1, NULL, &schema, &batch, err);

	if (status != TEG_OK) {
		cr_assert(!schema.release && !batch.release);
		return status;
	}
	cr_assert_eq(first_value(&batch, 0, 0), 1003);
	cr_assert_eq(first_value(&batch, 0, 1), 5);
	cr_assert_eq(first_value(&batch, 0, 2), 1003);
	schema.release(&schema);
	batch.release(&batch);
	return TEG_OK;
}

static teg_status read_some(teg_array *array, teg_error *err)
{
	int64_t values[11];
	teg_range box = { { TEG_INT64, { .i = 999 } }, { TEG_INT64, { .i = 1009 } } };
	teg_buffer buffer = { .name = "value", .values = values, .values_len = sizeof values };
	teg_status status = teg_read_box(array, &box, &buffer, 1, NULL, NULL, err);

	for (int i = 0; status == TEG_OK && i < 11; i++)
		cr_assert_eq(values[i], i >= 1 && i <= 8 ? 999 + i : 0, "cell %d", 999 + i);
	return status;
}

static teg_status get(teg_store *store, teg_error *err)
{
	return on_array(store, "sparse", get_one, err);
}

static teg_status take(teg_store *store, teg_error *err)
{
	return on_array(store, "table", take_some, err);
}

static teg_status read_box(teg_store *store, teg_error *err)
{
	return on_array(store, "dense", read_some, err);
}

static teg_status verify(teg_store *store, teg_error *err)
{
	teg_verify_result result = { .struct_size = sizeof result };

	return teg_verify(store, true, NULL, NULL, &result, err);
}

static const struct operation {
	const char *name;
	teg_status (*call)(teg_store *store, teg_error *err);
	bool on_nothing; /* makes the store itself first */
	bool changes;
} operations[] = {
	{ "create", create, true, true },
	{ "put", put, false, true },
	{ "put of files", put_files, false, true },
	{ "delete where", delete_where, false, true },
	{ "compact", trio_compact, false, false },
	{ "vacuum", trio_vacuum, false, false },
	{ "scan", scan, false, false },
	{ "get", get, false, false },
	{ "take", take, false, false },
	{ "read box", read_box, false, false },
	{ "verify", verify, false, false },
};

#define N_OPERATIONS (sizeof operations / sizeof *operations)

/* ---- a run ---- */

struct run {
	const struct operation *operation;
	const teg_allocator *alloc; /* of the store; NULL: the default */
	struct trio before, after;
	bool exists;            /* before */
	teg_status open, retry; /* retry: a small put through the handle that met a failure */
};

static void prepare(struct os *os, void *ctx)
{
	struct run *run = ctx;
	teg_store *store;

	if (run->operation->on_nothing)
		return;
	OK(trio_open(os, NULL, NULL, TEG_CREATE_NEW, &store, err));
	OK(trio_create(store, err));
	OK(trio_put(store, 0, n_rows, err));
	OK(trio_put(store, 1000, 8, err));
	OK(trio_put(store, 1010, 8, err));
	OK(trio_delete_from(store, 1016, err));
	teg_store_close(store);
}

static teg_status body(struct os *os, void *ctx)
{
	struct run *run = ctx;
	teg_create how = run->operation->on_nothing ? TEG_CREATE_IF_MISSING : TEG_CREATE_NO;
	teg_error err = { 0 };
	teg_store *store;
	teg_status status;

	run->retry = TEG_END;
	run->open = trio_open(os, NULL, run->alloc, how, &store, &err);
	cr_assert(run->open == TEG_OK || !store);
	if (run->open != TEG_OK)
		return run->open;
	status = run->operation->call(store, &err);
	cr_assert(status == TEG_OK || (err.status == status && err.message[0]),
	          "%s returns %s, but the error says %s \"%s\"", run->operation->name,
	          teg_status_name(status), teg_status_name(err.status), err.message);
	if (status != TEG_OK && !run->operation->on_nothing)
		run->retry = trio_put(store, 3000, 2, &err);
	teg_store_close(store);
	return status;
}

/* Takes what the retry put out of `trio`; it must be there where it was acknowledged. */
static void without_retry(struct trio *trio, const struct run *run, const char *when)
{
	bool there = trio->present[3000];

	cr_assert_eq(there, trio->present[3001] != 0, "%s", when);
	if (run->retry == TEG_OK)
		cr_assert(there, "%s: the put after the failure is lost", when);
	if (!there)
		return;
	cr_assert_neq(run->retry, TEG_END, "%s", when);
	trio->present[3000] = trio->present[3001] = 0;
	trio->n -= 2;
	trio->sum -= 6001;
}

static void check_content(struct os *os, struct run *run, teg_status status, bool cut,
                          const char *when)
{
	static struct trio got;
	char text[256];

	snprintf(text, sizeof text, "%s: %s", run->operation->name, when);
	trio_look(os, NULL, &got, text);
	without_retry(&got, run, text);
	if (status == TEG_OK)
		cr_assert(trio_equal(&got, &run->after), "%s: acknowledged and lost", text);
	else if (status == TEG_COMMIT_UNKNOWN || cut)
		cr_assert(trio_equal(&got, &run->after) || trio_equal(&got, &run->before),
		          "%s: neither before nor after", text);
	else
		cr_assert(trio_equal(&got, &run->before), "%s: refused, but there is something",
		          text);
}

/* A store of which not even the making was acknowledged may be missing, but can then be made. */
static void check_new(struct os *os, struct run *run, teg_status status, const char *when)
{
	static struct trio got;
	teg_store *store;
	teg_error why = { 0 };
	teg_create how = run->open == TEG_OK ? TEG_CREATE_NO : TEG_CREATE_IF_MISSING;

	cr_assert_eq(trio_open(os, NULL, NULL, how, &store, &why), TEG_OK, "create: %s: %s", when,
	             why.message);
	OK(trio_read(store, &got, err));
	cr_assert_eq(got.n, 0);
	if (status != TEG_OK && trio_create(store, &why) == TEG_EXISTS)
		cr_assert_neq(status, TEG_NOMEM, "create: %s: refused, and there", when);
	OK(trio_put(store, 0, 3, err));
	teg_store_close(store);
	trio_look(os, NULL, &got, when);
	cr_assert_eq(got.n, 3);
}

static void check(struct os *os, const struct crash_point *at, void *ctx)
{
	struct run *run = ctx;

	if (run->operation->on_nothing) {
		check_new(os, run, at->status, at->text);
		return;
	}
	if (at->hit && !at->killed && !at->forever && at->status != TEG_OK && run->open == TEG_OK)
		cr_assert(run->retry == TEG_OK ||
		                  (at->status == TEG_COMMIT_UNKNOWN && run->retry == TEG_IO),
		          "%s: %s: a put on the same handle gives %s", run->operation->name,
		          at->text, teg_status_name(run->retry));
	check_content(os, run, at->status, at->killed, at->text);
}

/* What the store holds before and after a run that nothing disturbs. */
static void rehearse(struct run *run, const struct operation *operation, size_t rows)
{
	struct os *os = os_memory_new(teg_allocator_default(), 7);

	n_rows = rows;
	*run = (struct run){ .operation = operation };
	prepare(os, run);
	if (!operation->on_nothing)
		trio_look(os, NULL, &run->before, "before");
	cr_assert_eq(body(os, run), TEG_OK, "%s", operation->name);
	trio_look(os, NULL, &run->after, "after");
	cr_assert_eq(trio_equal(&run->before, &run->after),
	             operation->on_nothing || !operation->changes, "%s", operation->name);
	os_free(os);
}

static struct run run;

static struct crash_case case_of(size_t i)
{
	rehearse(&run, &operations[i], FILE_ROWS);
	return (struct crash_case){
		.prepare = prepare, .body = body, .check = check, .ctx = &run, .seed = 7
	};
}

Test(faults, every_call_fails_once, .timeout = 100) /* B2 S1 S9 */
{
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		struct crash_case c = case_of(i);

		cr_assert_gt(crash_fail_each(&c, EIO, false), 5, "%s", operations[i].name);
	}
}

Test(faults, every_call_fails_for_ever, .timeout = 100) /* B2 S1 S9 */
{
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		struct crash_case c = case_of(i);

		crash_fail_each(&c, ENOSPC, true);
	}
}

Test(faults, every_answer_is_lost, .timeout = 100) /* B2 S1 */
{
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		struct crash_case c = case_of(i);

		crash_lose_each_answer(&c);
	}
}

Test(faults, killed_at_every_change_and_the_power_cut, .timeout = 100) /* B2 S1 */
{
	uint64_t n = 0;

	for (size_t i = 0; i < 6; i++) { /* those that change files */
		struct crash_case c = case_of(i);

		n += crash_kill_each(&c, 12);
	}
	cr_log_info("%llu states", (unsigned long long)n);
	cr_assert_gt(n, 500);
}

/* ---- allocations ---- */

static bool allocation_fails(struct os *base, size_t n, bool once)
{
	struct memory mem;
	struct os *os = memory_clone(base);
	char when[64];
	teg_status status;

	memory_init(&mem);
	mem.fail_at = n;
	mem.fail_once = once;
	run.alloc = &mem.alloc;
	status = body(os, &run);
	snprintf(when, sizeof when, "allocation %zu refused%s", n, once ? " once" : "");
	cr_assert(status == TEG_OK || status == TEG_NOMEM || status == TEG_COMMIT_UNKNOWN,
	          "%s: %s: %s", run.operation->name, when, teg_status_name(status));
	memory_check(&mem);
	if (status != TEG_OK && once && run.open == TEG_OK && !run.operation->on_nothing)
		cr_assert(run.retry == TEG_OK ||
		                  (status == TEG_COMMIT_UNKNOWN && run.retry == TEG_IO),
		          "%s: %s: a put on the same handle gives %s", run.operation->name, when,
		          teg_status_name(run.retry));
	if (run.operation->on_nothing)
		check_new(os, &run, status, when);
	else if (run.operation->changes || n % 16 == 0)
		check_content(os, &run, status, false, when);
	os_free(os);
	return mem.n_refused > 0;
}

Test(faults, every_allocation_is_refused, .timeout = 400) /* B2 S10 */
{
	size_t total = 0;

	for (size_t i = 0; i < N_OPERATIONS; i++) {
		struct os *base = os_memory_new(teg_allocator_default(), 7);
		size_t n = 1;

		rehearse(&run, &operations[i], FEW_ROWS);
		prepare(base, &run);
		while (allocation_fails(base, n, true)) {
			allocation_fails(base, n, false);
			n++;
		}
		cr_assert_gt(n, 20, "%s", operations[i].name);
		total += n;
		os_free(base);
	}
	cr_log_info("%zu allocations", total);
}
