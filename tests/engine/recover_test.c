/* Recovery under every failure: a store is as damaged as before, or is its newest intact version. What
 * the command prints is in tests/cli/cases/recover.case. B4 B12 */
#include "engine/os/faulty.h"
#include "engine/os/memory.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/spec.h"

static teg_status open_store(struct os *os, teg_store **store, teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING,
		                      .os = os };

	return teg_store_open(NULL, &options, store, err);
}

/* Versions 2 and on, each with one more array. */
static void fill(struct os *os, int n)
{
	teg_attribute attr = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &attr, 1);
	int64_t v[] = { 1, 2, 3 };
	teg_column column = { .name = "v", .values = v };
	teg_store *store;
	teg_txn *txn;

	OK(open_store(os, &store, err));
	for (int i = 0; i < n; i++) {
		char name[] = { 'a', (char)('0' + i), 0 };

		OK(teg_txn_begin(store, NULL, &txn, err));
		OK(teg_txn_create(txn, name, &spec, err));
		OK(teg_txn_put(txn, name, &column, 1, 3, NULL, err));
		OK(teg_txn_commit(txn, NULL, err));
	}
	teg_store_close(store);
}

static uint64_t version_of(struct os *os)
{
	teg_store *store;
	teg_snapshot *snapshot;
	uint64_t version;

	if (open_store(os, &store, NULL) != TEG_OK)
		return 0;
	OK(teg_snapshot_open(store, &snapshot, err));
	version = teg_snapshot_version(snapshot);
	cr_assert_eq(teg_snapshot_n_arrays(snapshot), version - 1);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
	return version;
}

#define NEWEST "manifests/00000000000000000005"

/* Versions 1 to 5, the newest with a flipped bit in its trailer. */
static struct os *damaged_store(void)
{
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	struct os_stat st;

	fill(os, 4);
	OK(os_stat(os, NEWEST, &st, err));
	cr_assert(memory_flip(os, NEWEST, st.size - 20, 3));
	cr_assert_eq(version_of(os), 0);
	return os;
}

static teg_status recover(struct os *os, const teg_allocator *alloc, teg_recover_result *result)
{
	teg_recover_options options = { .struct_size = sizeof options,
		                        .allocator = alloc,
		                        .os = os };

	return teg_recover(NULL, &options, result, NULL);
}

Test(recover, the_newest_intact_version_comes_back)
{
	teg_recover_result result = { .struct_size = sizeof result };
	struct os *os = damaged_store();

	cr_assert_eq(recover(os, NULL, &result), TEG_OK);
	cr_assert_eq(result.version, 4);
	cr_assert_eq(result.versions_lost, 1);
	memory_power_cut(os, 0);
	cr_assert_eq(version_of(os), 4);
	fill(os, 0);
	cr_assert_eq(recover(os, NULL, &result), TEG_OK);
	cr_assert_eq(result.versions_lost, 0);
	os_free(os);
}

/* Every call fails once, or is the last before the power goes: then the store is damaged still, or it is
 * version 4, and another try completes it. */
Test(recover, every_call_to_the_system_may_fail)
{
	struct os *start = damaged_store();
	bool hit = true;

	for (uint64_t n = 1; hit; n++) {
		for (int dies = 0; dies < 2; dies++) {
			struct os *inner = memory_clone(start);
			struct os *os = os_faulty_new(inner, teg_allocator_default());
			teg_status status;
			uint64_t version;

			if (dies)
				faulty_kill(os, n);
			else
				faulty_set(os, n, 5, false);
			status = recover(os, NULL, NULL);
			hit = faulty_hit(os);
			os_free(os);
			memory_power_cut(inner, n % 3 ? 0 : UINT64_MAX);
			version = version_of(inner);
			cr_assert(version == 0 || version == 4, "call %llu", (unsigned long long)n);
			cr_assert(status != TEG_OK || version == 4, "call %llu",
			          (unsigned long long)n);
			cr_assert_eq(recover(inner, NULL, NULL), TEG_OK);
			cr_assert_eq(version_of(inner), 4);
			os_free(inner);
		}
	}
	os_free(start);
}

Test(recover, every_allocation_may_fail)
{
	struct os *os = damaged_store();
	teg_status status = TEG_NOMEM;
	struct memory mem;

	memory_init(&mem);
	for (size_t n = 1; status != TEG_OK; n++) {
		size_t refused = mem.n_refused;

		mem.fail_at = mem.n_requests + n;
		status = recover(os, &mem.alloc, NULL);
		mem.fail_at = 0;
		cr_assert_eq(status, mem.n_refused > refused ? TEG_NOMEM : TEG_OK, "request %zu",
		             n);
	}
	cr_assert_eq(version_of(os), 4);
	memory_check(&mem);
	os_free(os);
}

Test(recover, what_is_no_store_is_left_alone)
{
	struct os *os = os_memory_new(teg_allocator_default(), 1);

	cr_assert_eq(recover(os, NULL, NULL), TEG_NOT_FOUND);
	cr_assert_eq(teg_recover(NULL, NULL, NULL, NULL), TEG_MISUSE);
	os_free(os);
}
