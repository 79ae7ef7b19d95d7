/* Many arrays, many commits: what a commit costs must not depend on either. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "engine/tegula_unstable.h"
#include "tests/support/dir.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

static const teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };

static teg_status open_store(struct os *os, const char *path, teg_create create, teg_store **store,
                             teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options, .create = create, .os = os };

	return teg_store_open(path, &options, store, err);
}

static void append(teg_store *store, const char *name, size_t n)
{
	static int64_t values[4096];
	teg_column column = { .name = "v", .values = values };

	for (size_t i = 0; i < n; i++)
		values[i] = (int64_t)i;
	txn_put(store, name, &column, 1, n);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

Test(scale, a_commit_to_one_of_many_arrays_writes_little) /* CAT-2 */
{
	const size_t n_arrays = 120000;
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &v, 1);
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	double started = seconds(), made, opened;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
	teg_txn *txn;
	char name[32];
	uint64_t written;

	OK(open_store(os, NULL, TEG_CREATE_NEW, &store, err));
	txn = txn_begin(store);
	for (size_t i = 0; i < n_arrays; i++) {
		snprintf(name, sizeof name, "group/%zu/array", i * 7919 % n_arrays);
		OK(teg_txn_create(txn, name, &spec, err));
	}
	txn_commit(txn);
	teg_store_close(store);
	made = seconds();
	OK(open_store(os, NULL, TEG_CREATE_NO, &store, err));
	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_array_open(snapshot, "group/777/array", &array, err));
	opened = seconds();
	cr_assert_eq(teg_snapshot_n_arrays(snapshot), n_arrays);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "group/%d/array", i * 5000);
		written = os->n_written_bytes;
		append(store, name, 10);
		written = os->n_written_bytes - written;
		cr_assert_leq(written, 64 << 10, "commit %d writes %llu bytes", i,
		              (unsigned long long)written);
	}
	printf("120,000 arrays: made in %.2f s, opened with one in %.2f ms\n", made - started,
	       (opened - made) * 1e3);
	teg_store_close(store);
	os_free(os);
}

Test(scale, five_hundred_small_commits_leave_few_small_files) /* S5 T8 */
{
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &v, 1);
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	uint64_t early = 0, late = 0, written, most = 0;
	teg_store_facts facts;
	teg_store *store;

	OK(open_store(os, NULL, TEG_CREATE_NEW, &store, err));
	txn_create(store, "t", &spec);
	for (int i = 0; i < 500; i++) {
		written = os->n_written_bytes;
		append(store, "t", 20);
		written = os->n_written_bytes - written;
		if (i >= 50 && i < 150)
			early += written;
		if (i >= 400)
			late += written;
		OK(teg_store_get_facts(store, &facts, err));
		if (facts.n_manifest_files + facts.n_segment_files > most)
			most = facts.n_manifest_files + facts.n_segment_files;
	}
	printf("500 commits: %llu manifests of %llu bytes, %llu segments of %llu bytes, at most %llu "
	       "files; %llu and %llu bytes a commit\n",
	       (unsigned long long)facts.n_manifest_files, (unsigned long long)facts.manifest_bytes,
	       (unsigned long long)facts.n_segment_files, (unsigned long long)facts.segment_bytes,
	       (unsigned long long)most, (unsigned long long)early / 100,
	       (unsigned long long)late / 100);
	cr_assert_leq(most, 20);
	cr_assert_leq(facts.manifest_bytes + facts.segment_bytes, 1 << 20);
	cr_assert_leq(late, 2 * early, "the cost of a commit grows");
	teg_store_close(store);
	os_free(os);
}

Test(scale, a_moved_directory_is_the_same_store) /* T11 T9 */
{
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &v, 1);
	struct test_dir dir;
	char *here, *there;
	teg_verify_result result = { .struct_size = sizeof result };
	teg_snapshot *old, *now;
	teg_store *store;

	test_dir_make(&dir);
	here = test_dir_path(&dir, "here");
	there = test_dir_path(&dir, "there");
	OK(open_store(NULL, here, TEG_CREATE_NEW, &store, err));
	txn_create(store, "t", &spec);
	OK(teg_snapshot_open(store, &old, err));
	append(store, "t", 4096);
	OK(teg_snapshot_open(store, &now, err));
	cr_assert_gt(teg_snapshot_version(now), teg_snapshot_version(old), "growth shows");
	teg_snapshot_close(old);
	teg_snapshot_close(now);
	teg_store_close(store);
	cr_assert_eq(rename(here, there), 0);
	OK(open_store(NULL, there, TEG_CREATE_NO, &store, err));
	OK(teg_verify(store, true, NULL, NULL, &result, err));
	cr_assert_eq(result.damages, 0);
	cr_assert_eq(result.rows, 4096);
	append(store, "t", 1);
	teg_store_close(store);
	test_dir_remove(&dir);
}
