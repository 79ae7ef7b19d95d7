/* Small merges ride in the manifests of commits; a lost race drops the merge, never the commit. */
#include "engine/merge/merge.h"
#include "engine/store/version.h"
#include "engine/tegula_unstable.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS 100

struct race {
	struct world world;
	teg_store *b; /* another handle */
	int64_t n;    /* rows so far: their values count up */
};

static void race_init(struct race *w)
{
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &v, 1);

	w->n = 0;
	world_make(&w->world, (teg_store_options){ 0 });
	memory_set_clock(w->world.os, INT64_C(1700000000000000));
	w->b = world_handle(&w->world, (teg_store_options){ 0 });
	txn_create(w->world.store, "t", &spec);
}

static void race_release(struct race *w)
{
	teg_store_close(w->b);
	world_release(&w->world);
}

/* Numbers that do not pack. */
static int64_t value_of(int64_t n)
{
	uint64_t x = (uint64_t)n * 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9u;
	return (int64_t)(x ^ x >> 29);
}

static teg_txn *stage(struct race *w, teg_store *store, size_t n)
{
	static int64_t v[30000];
	teg_column column = { .name = "v", .values = v };
	teg_txn *txn;

	for (size_t i = 0; i < n; i++)
		v[i] = value_of(w->n++);
	txn = txn_begin(store);
	OK(teg_txn_put(txn, "t", &column, 1, n, NULL, err));
	return txn;
}

static teg_commit_result commit(teg_txn *txn)
{
	teg_commit_result result = { .struct_size = sizeof result };

	OK(teg_txn_commit(txn, &result, err));
	return result;
}

static uint32_t n_segments(teg_store *store)
{
	struct store_version *version;
	struct array_state state;
	struct arena arena;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	OK(version_open_newest(store, &version, err));
	OK(version_array(version, "t", &arena, &state, err));
	version_unref(version);
	arena_release(&arena);
	return state.n_segments;
}

/* Every value once, in the order of their commits. */
static void check_rows(struct race *w)
{
	struct ArrowArray batch;
	struct reading at;
	teg_scan *scan;
	int64_t next = 0;

	verify_sound(w->b);
	reading_open(&at, w->b, "t");
	scan = reading_scan(&at, NULL);
	while (batch_next(scan, &batch)) {
		const int64_t *v = (const int64_t *)batch.children[0]->buffers[1];

		for (int64_t i = 0; i < batch.length; i++)
			cr_assert_eq(v[batch.children[0]->offset + i], value_of(next++));
		batch.release(&batch);
	}
	cr_assert_eq(next, w->n);
	teg_scan_close(scan);
	reading_close(&at);
}

Test(ride, small_merges_make_no_versions_of_their_own) /* PUB-9 */
{
	struct race w;
	teg_commit_result result = { 0 };
	uint32_t most = 0;

	race_init(&w);
	for (int i = 0; i < 300; i++) {
		uint32_t n;

		result = commit(stage(&w, w.world.store, ROWS));
		cr_assert_eq(result.n_segments, 1, "the merge is not what the commit brought");
		cr_assert_eq(result.n_rows, ROWS);
		n = n_segments(w.world.store);
		most = n > most ? n : most;
	}
	cr_assert_eq(result.version, 302, "one version a commit");
	cr_assert_leq(most, 16, "%u segments", most);
	check_rows(&w);
	race_release(&w);
}

static int refuse_any(void *ctx, const char *name)
{
	(void)ctx;
	cr_assert_fail("a file that nobody needs was left behind: %s", name);
	return 1;
}

Test(ride, a_lost_race_drops_the_merge_and_keeps_the_commit) /* PUB-9 */
{
	struct race w;
	teg_commit_result result;
	teg_txn *first, *second;

	race_init(&w);
	for (uint32_t i = 0; i < MERGE_SEGMENTS_MIN; i++)
		commit(stage(&w, w.world.store, ROWS));
	cr_assert_eq(n_segments(w.world.store), MERGE_SEGMENTS_MIN);
	first = stage(&w, w.b, ROWS);
	second = stage(&w, w.world.store, ROWS);
	/* The one that comes first takes eight segments away; the other had begun with them. */
	cr_assert_eq(commit(first).n_rebases, 0);
	cr_assert_eq(n_segments(w.b), 2);
	result = commit(second);
	cr_assert_eq(result.n_rebases, 1);
	cr_assert_eq(n_segments(w.b), 3);
	check_rows(&w);
	cr_assert_eq(os_list(w.world.os, "segments", refuse_any, NULL, NULL), TEG_OK);
	race_release(&w);
}

Test(ride, large_segments_wait_for_a_version_of_their_own)
{
	struct race w;
	teg_commit_result result = { 0 };

	race_init(&w);
	for (uint32_t i = 0; i < MERGE_SEGMENTS_MIN + 1; i++)
		result = commit(stage(&w, w.world.store, 30000));
	cr_assert_eq(result.version, 2 + MERGE_SEGMENTS_MIN + 2, "a merge came between");
	cr_assert_eq(n_segments(w.world.store), 2);
	check_rows(&w);
	race_release(&w);
}

Test(ride, nothing_rides_where_merging_is_turned_off)
{
	struct race w;

	race_init(&w);
	world_reopen(&w.world);
	for (uint32_t i = 0; i < 3 * MERGE_SEGMENTS_MIN; i++)
		commit(stage(&w, w.world.store, ROWS));
	cr_assert_eq(n_segments(w.world.store), 3 * MERGE_SEGMENTS_MIN);
	check_rows(&w);
	race_release(&w);
}
