#include "engine/store/policy.h"
#include "tests/engine/store/fixture.h"
#include "tests/support/world.h"

Test(commit, a_new_store_is_version_1_and_empty) /* H8 */
{
	struct world w;
	teg_snapshot *snapshot;
	char name[256];

	world_init(&w);
	OK(teg_snapshot_open(w.store, &snapshot, err));
	cr_assert_eq(teg_snapshot_version(snapshot), 1);
	cr_assert_eq(teg_snapshot_n_arrays(snapshot), 0);
	cr_assert_eq(teg_snapshot_next_array(snapshot, NULL, name, NULL), TEG_END);
	teg_snapshot_close(snapshot);
	world_release(&w);
}

Test(commit, arrays_come_back_after_a_reopen) /* B14 */
{
	struct world w;
	teg_snapshot *old, *now;
	teg_commit_result result;
	char name[256];
	bool seen[10];
	uint64_t version;

	world_init(&w);
	OK(fixture_create(w.store, "b", &result, err));
	cr_assert_eq(result.version, 2);
	cr_assert_eq(result.system_time, 0);
	OK(teg_snapshot_open(w.store, &old, err));
	OK(fixture_create(w.store, "a", &result, err));
	OK(fixture_put(w.store, "a", 3, 100, &result, err));
	cr_assert_eq(result.version, 4);
	cr_assert_geq(result.system_time, 1000000);
	OK(fixture_put(w.store, "a", 4, 200, &result, err));
	cr_assert_eq(teg_snapshot_n_arrays(old), 1, "an open snapshot does not change");
	cr_assert_eq(fixture_create(w.store, "a", &result, NULL), TEG_EXISTS);
	teg_snapshot_close(old);
	world_reopen(&w);
	OK(teg_snapshot_open(w.store, &now, err));
	cr_assert_eq(teg_snapshot_n_arrays(now), 2);
	OK(teg_snapshot_next_array(now, NULL, name, err));
	cr_assert_str_eq(name, "a");
	OK(teg_snapshot_next_array(now, name, name, err));
	cr_assert_str_eq(name, "b");
	cr_assert_eq(teg_snapshot_next_array(now, name, name, NULL), TEG_END);
	OK(fixture_seen(w.store, "a", seen, 10, &version, err));
	cr_assert(seen[3] && seen[4] && !seen[5]);
	teg_snapshot_close(now);
	cr_assert_eq(fixture_count(w.os, "pins"), 0);
	world_release(&w);
}

Test(commit, many_small_commits_leave_few_files_and_lose_nothing) /* MAN-20 S5 */
{
	static bool seen[600];
	struct world w;
	teg_commit_result result;
	uint64_t version, written, most = 0;
	size_t n_most = 0;

	world_init(&w);
	OK(fixture_create(w.store, "a", &result, err));
	for (uint64_t i = 0; i < 500; i++) {
		written = w.os->n_written_bytes;
		OK(fixture_put(w.store, "a", i, 300, &result, err));
		written = w.os->n_written_bytes - written;
		if (written > most)
			most = written;
		if (fixture_count(w.os, "manifests") > n_most)
			n_most = fixture_count(w.os, "manifests");
	}
	OK(fixture_seen(w.store, "a", seen, 600, &version, err));
	for (int i = 0; i < 500; i++)
		cr_assert(seen[i], "commit %d is lost", i);
	cr_assert_eq(version, 502);
	cr_assert_leq(n_most, 18, "%zu files", n_most);
	cr_assert_leq(most, 160000, "a commit of %llu bytes", (unsigned long long)most);
	cr_assert_leq(w.os->n_written_bytes / 500, 30000, "%llu bytes a commit",
	              (unsigned long long)w.os->n_written_bytes / 500);
	world_release(&w);
}
