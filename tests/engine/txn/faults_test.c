/* A whole transaction, with segments in files, under failing calls, failing memory and power cuts. */
#include "codec/base/error.h"
#include "tests/support/fragile.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define CELLS 12000

static teg_status open_store(struct os *os, const teg_allocator *alloc, teg_create create,
                             teg_store **store, teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .allocator = alloc,
		                      .write_budget = 250000,
		                      .os = os };

	return teg_store_open(NULL, &options, store, err);
}

/* What was acknowledged: the array, then cells of a first commit, then all but those of a box. */
struct told {
	int steps;
	bool doubt; /* the step after may have happened too */
};

static teg_status create(teg_txn *txn, teg_error *err)
{
	teg_dimension x = axis_of("x", TEG_INT64);
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, &x, 1, &v, 1);

	return teg_txn_create(txn, "s", &spec, err);
}

static teg_status put(teg_txn *txn, teg_error *err)
{
	static int64_t x[CELLS], v[CELLS];
	teg_column columns[] = { { .name = "x", .values = x }, { .name = "v", .values = v } };

	for (int i = 0; i < CELLS; i++) {
		x[i] = i;
		v[i] = (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15u);
	}
	TEG_TRY(teg_txn_put(txn, "s", columns, 2, CELLS / 2, NULL, err));
	columns[0].values = x + CELLS / 2;
	return teg_txn_put(txn, "s", columns, 2, CELLS / 2, NULL, err);
}

static teg_status delete_some(teg_txn *txn, teg_error *err)
{
	teg_range box = int_range(0, 99);
	teg_predicate *predicate;
	teg_status status;

	TEG_TRY(teg_txn_delete_box(txn, "s", &box, NULL, err));
	TEG_TRY(teg_predicate_parse("x >= 100 and x < 200", teg_allocator_default(), &predicate,
	                            err));
	status = teg_txn_delete_where(txn, "s", NULL, predicate, NULL, NULL, err);
	teg_predicate_free(predicate);
	return status;
}

static teg_status (*const steps[])(teg_txn *txn, teg_error *err) = { create, put, delete_some };

static teg_status step(teg_store *store, int i, struct told *told)
{
	teg_error err = { 0 };
	teg_txn *txn;
	teg_status status = teg_txn_begin(store, NULL, &txn, &err);

	if (status != TEG_OK) {
		cr_assert_eq(err.status, status, "begin");
		return status;
	}
	status = steps[i](txn, &err);
	cr_assert(status == TEG_OK || err.status == status, "step %d: %s, but the error says %s", i,
	          teg_status_name(status), teg_status_name(err.status));
	if (status == TEG_OK) {
		/* Killed inside the commit it may be there or not. */
		told->doubt = true;
		status = teg_txn_commit(txn, NULL, &err);
		cr_assert(status == TEG_OK || err.status == status,
		          "commit of step %d: %s, but the error says %s", i,
		          teg_status_name(status), teg_status_name(err.status));
		told->steps += status == TEG_OK;
		told->doubt = status == TEG_COMMIT_UNKNOWN || status == TEG_IO;
	}
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

static teg_status work(struct os *os, const teg_allocator *alloc, struct told *told)
{
	teg_store *store = NULL;
	teg_error err = { 0 };
	teg_status status = open_store(os, alloc, TEG_CREATE_IF_MISSING, &store, &err);

	for (int i = 0; i < 3 && status == TEG_OK; i++)
		status = step(store, i, told);
	teg_store_close(store);
	return status;
}

/* Cells found after so many steps. */
static const uint64_t expected[] = { 0, 0, CELLS, CELLS - 200 };

static void check(struct os *os, const teg_allocator *alloc, const struct told *told, size_t n)
{
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	teg_verify_result result = { .struct_size = sizeof result };
	teg_error said = { 0 };
	teg_store *store;
	teg_status status;
	uint64_t found;

	cr_assert_eq(open_store(os, alloc, TEG_CREATE_IF_MISSING, &store, &said), TEG_OK,
	             "call %zu: %s", n, said.message);
	OK(teg_vacuum(store, &now, NULL, err));
	OK(teg_verify(store, false, NULL, NULL, &result, err));
	cr_assert_eq(result.damages, 0, "call %zu", n);
	status = rows_count(store, "s", NULL, &found, NULL);
	cr_assert(status == TEG_OK || status == TEG_NOT_FOUND, "call %zu: %s", n,
	          teg_status_name(status));
	cr_assert(found == expected[told->steps] ||
	                  (told->doubt && told->steps < 3 && found == expected[told->steps + 1]),
	          "call %zu: %llu cells after %d steps", n, (unsigned long long)found, told->steps);
	teg_store_close(store);
}

Test(faults, every_change_of_the_disk_fails_in_turn) /* S9 B2 */
{
	static const int codes[] = { 5, 28 };

	for (size_t c = 0; c < 2; c++)
		for (uint64_t n = 1;; n++) {
			struct told told = { 0 };
			struct fragile d;
			bool hit;

			fragile_init(&d, n);
			faulty_count_changes_only(d.os, true);
			faulty_set(d.os, n, codes[c], c == 0);
			(void)work(d.os, &d.mem.alloc, &told);
			hit = fragile_heal(&d);
			check(d.disk, &d.mem.alloc, &told, n);
			fragile_release(&d);
			if (!hit) {
				cr_assert_eq(told.steps, 3);
				cr_assert_gt(n, 30);
				break;
			}
		}
}

Test(faults, killed_at_every_change_and_the_power_cut) /* B2 S1 */
{
	for (uint64_t n = 1;; n++) {
		struct told told = { 0 };
		struct fragile d;
		bool hit;

		fragile_init(&d, n);
		faulty_count_changes_only(d.os, true);
		faulty_kill(d.os, n);
		(void)work(d.os, &d.mem.alloc, &told);
		hit = fragile_heal(&d);
		memory_power_cut(d.disk, n % 3 ? n * 0x9e3779b97f4a7c15u : 0);
		check(d.disk, &d.mem.alloc, &told, (size_t)n);
		fragile_release(&d);
		if (!hit) {
			cr_assert_eq(told.steps, 3);
			cr_assert_gt(n, 30);
			break;
		}
	}
}

Test(faults, memory_fails_at_every_third_request_in_turn)
{
	for (size_t n = 1;; n += 3) {
		struct memory disk, mem;
		struct told told = { 0 };
		struct os *os;
		teg_status status;

		memory_init(&disk);
		memory_init(&mem);
		os = os_memory_new(&disk.alloc, 1);
		mem.fail_at = n;
		status = work(os, &mem.alloc, &told);
		cr_assert(status == TEG_OK || status == TEG_NOMEM || status == TEG_COMMIT_UNKNOWN,
		          "request %zu: %s", n, teg_status_name(status));
		memory_check(&mem);
		if (n % 5 == 0 || !mem.n_refused)
			check(os, &disk.alloc, &told, n);
		os_free(os);
		memory_check(&disk);
		if (!mem.n_refused) {
			cr_assert_eq(told.steps, 3, "%s", teg_status_name(status));
			cr_assert_gt(n, 300);
			break;
		}
	}
}
