/* Small merges ride in the manifests of commits; a lost race drops the merge, never the commit. */
#include "engine/merge/merge.h"
#include "engine/os/memory.h"
#include "engine/store/version.h"
#include "engine/tegula_unstable.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>

#define OK(call)                                                                           \
	do {                                                                               \
		teg_error err_ = { 0 }, *err = &err_;                                      \
		teg_status got_ = (call);                                                  \
		cr_assert_eq(got_, TEG_OK, "%s: %s %s (%s)", #call, teg_status_name(got_), \
		             err->message, err->file);                                     \
	} while (0)

#define ROWS 100

struct world {
	struct memory mem;
	struct os *os;
	teg_store *a, *b;
	int64_t n; /* rows so far: their values count up */
};

static teg_store *open_one(struct world *w, teg_create create)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .allocator = &w->mem.alloc,
		                      .os = w->os };
	teg_store *store;

	OK(teg_store_open(NULL, &options, &store, err));
	return store;
}

static void world_init(struct world *w)
{
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = {
		.struct_size = sizeof spec, .kind = TEG_TABLE, .attributes = &v, .n_attributes = 1
	};
	teg_txn *txn;

	*w = (struct world){ 0 };
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	memory_set_clock(w->os, INT64_C(1700000000000000));
	w->a = open_one(w, TEG_CREATE_NEW);
	w->b = open_one(w, TEG_CREATE_NO);
	OK(teg_txn_begin(w->a, NULL, &txn, err));
	OK(teg_txn_create(txn, "t", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void world_release(struct world *w)
{
	teg_store_close(w->a);
	teg_store_close(w->b);
	os_free(w->os);
	memory_check(&w->mem);
}

/* Numbers that do not pack. */
static int64_t value_of(int64_t n)
{
	uint64_t x = (uint64_t)n * 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9u;
	return (int64_t)(x ^ x >> 29);
}

static teg_txn *stage(struct world *w, teg_store *store, size_t n)
{
	static int64_t v[30000];
	teg_column column = { .name = "v", .values = v };
	teg_txn *txn;

	for (size_t i = 0; i < n; i++)
		v[i] = value_of(w->n++);
	OK(teg_txn_begin(store, NULL, &txn, err));
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
static void check_rows(struct world *w)
{
	teg_verify_result verified = { .struct_size = sizeof verified };
	teg_snapshot *snapshot;
	teg_array *array;
	struct ArrowArray batch;
	teg_scan *scan;
	int64_t next = 0;

	OK(teg_verify(w->b, true, NULL, NULL, &verified, err));
	cr_assert_eq(verified.damages, 0);
	OK(teg_snapshot_open(w->b, &snapshot, err));
	OK(teg_array_open(snapshot, "t", &array, err));
	OK(teg_scan_open(array, NULL, &scan, err));
	while (teg_scan_next(scan, &batch, NULL) == TEG_OK) {
		const int64_t *v = (const int64_t *)batch.children[0]->buffers[1];

		for (int64_t i = 0; i < batch.length; i++)
			cr_assert_eq(v[batch.children[0]->offset + i], value_of(next++));
		batch.release(&batch);
	}
	cr_assert_eq(next, w->n);
	teg_scan_close(scan);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
}

Test(ride, small_merges_make_no_versions_of_their_own) /* PUB-9 */
{
	struct world w;
	teg_commit_result result = { 0 };
	uint32_t most = 0;

	world_init(&w);
	for (int i = 0; i < 300; i++) {
		uint32_t n;

		result = commit(stage(&w, w.a, ROWS));
		cr_assert_eq(result.n_segments, 1, "the merge is not what the commit brought");
		cr_assert_eq(result.n_rows, ROWS);
		n = n_segments(w.a);
		most = n > most ? n : most;
	}
	cr_assert_eq(result.version, 302, "one version a commit");
	cr_assert_leq(most, 16, "%u segments", most);
	check_rows(&w);
	world_release(&w);
}

static int refuse_any(void *ctx, const char *name)
{
	(void)ctx;
	cr_assert_fail("a file that nobody needs was left behind: %s", name);
	return 1;
}

Test(ride, a_lost_race_drops_the_merge_and_keeps_the_commit) /* PUB-9 */
{
	struct world w;
	teg_commit_result result;
	teg_txn *first, *second;

	world_init(&w);
	for (uint32_t i = 0; i < MERGE_SEGMENTS_MIN; i++)
		commit(stage(&w, w.a, ROWS));
	cr_assert_eq(n_segments(w.a), MERGE_SEGMENTS_MIN);
	first = stage(&w, w.b, ROWS);
	second = stage(&w, w.a, ROWS);
	/* The one that comes first takes eight segments away; the other had begun with them. */
	cr_assert_eq(commit(first).n_rebases, 0);
	cr_assert_eq(n_segments(w.b), 2);
	result = commit(second);
	cr_assert_eq(result.n_rebases, 1);
	cr_assert_eq(n_segments(w.b), 3);
	check_rows(&w);
	cr_assert_eq(os_list(w.os, "segments", refuse_any, NULL, NULL), TEG_OK);
	world_release(&w);
}

Test(ride, large_segments_wait_for_a_version_of_their_own)
{
	struct world w;
	teg_commit_result result = { 0 };

	world_init(&w);
	for (uint32_t i = 0; i < MERGE_SEGMENTS_MIN + 1; i++)
		result = commit(stage(&w, w.a, 30000));
	cr_assert_eq(result.version, 2 + MERGE_SEGMENTS_MIN + 2, "a merge came between");
	cr_assert_eq(n_segments(w.a), 2);
	check_rows(&w);
	world_release(&w);
}

Test(ride, nothing_rides_where_merging_is_turned_off)
{
	struct world w;
	teg_store_options options = { .struct_size = sizeof options, .no_auto_compact = true };

	world_init(&w);
	teg_store_close(w.a);
	options.allocator = &w.mem.alloc;
	options.os = w.os;
	OK(teg_store_open(NULL, &options, &w.a, err));
	for (uint32_t i = 0; i < 3 * MERGE_SEGMENTS_MIN; i++)
		commit(stage(&w, w.a, ROWS));
	cr_assert_eq(n_segments(w.a), 3 * MERGE_SEGMENTS_MIN);
	check_rows(&w);
	world_release(&w);
}
