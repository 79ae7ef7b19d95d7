/* Two handles on one store: each sees what the other did, and neither loses anything. */
#include "engine/store/publish.h"
#include "tests/engine/store/fixture.h"
#include <pthread.h>

struct pair {
	struct memory mem;
	struct os *os;
	teg_store *a, *b;
};

static void pair_init(struct pair *p)
{
	teg_commit_result result;

	memory_init(&p->mem);
	p->os = os_memory_new(&p->mem.alloc, 1);
	cr_assert_eq(fixture_open(p->os, &p->mem.alloc, TEG_CREATE_NEW, &p->a, NULL), TEG_OK);
	cr_assert_eq(fixture_open(p->os, &p->mem.alloc, TEG_CREATE_NO, &p->b, NULL), TEG_OK);
	cr_assert_eq(fixture_create(p->a, "a", &result, NULL), TEG_OK);
}

static void pair_release(struct pair *p)
{
	teg_store_close(p->a);
	teg_store_close(p->b);
	os_free(p->os);
	memory_check(&p->mem);
}

/* Commits through the other handle while the first is between its base and its publish. */
struct between {
	teg_store *other;
	const char *array;
	uint64_t seed;
	int left;
	bool creates;
};

static teg_status come_between(void *ctx, struct store_version *base,
                               struct commit_request *request, teg_error *err)
{
	struct between *b = ctx;
	teg_commit_result result;

	(void)base, (void)request;
	if (!b->left)
		return TEG_OK;
	b->left--;
	if (b->creates)
		return fixture_create(b->other, b->array, &result, err);
	return fixture_put(b->other, b->array, b->seed++, 0, &result, err);
}

Test(race, whoever_comes_second_rebases) /* B13 */
{
	struct pair p;
	struct between between;
	struct commit_request request = fixture_request(0);
	teg_commit_result result;
	bool seen[20];
	uint64_t version;

	pair_init(&p);
	between = (struct between){ .other = p.b, .array = "a", .seed = 10, .left = 3 };
	request.rebase = come_between;
	request.rebase_ctx = &between;
	cr_assert_eq(fixture_append(p.a, "a", 1, 0, &request, &result, NULL), TEG_OK);
	cr_assert_eq(result.n_rebases, 3);
	cr_assert_eq(result.version, 6);
	cr_assert_eq(fixture_seen(p.b, "a", seen, 20, &version, NULL), TEG_OK);
	cr_assert(seen[1] && seen[10] && seen[11] && seen[12]);
	cr_assert_eq(version, 6);
	pair_release(&p);
}

Test(race, of_two_that_create_one_array_one_is_told)
{
	struct pair p;
	struct between between;
	struct commit_request request = fixture_request(7);
	struct array_change change = { .name = "x" };
	struct arena arena;
	teg_commit_result result;
	teg_error err = { 0 };

	pair_init(&p);
	arena_init(&arena, &p.mem.alloc, SIZE_MAX);
	between = (struct between){ .other = p.b, .array = "x", .left = 1, .creates = true };
	change.create = fixture_schema(&arena);
	change.array_id = 77;
	request.changes = &change;
	request.n_changes = 1;
	request.rebase = come_between;
	request.rebase_ctx = &between;
	cr_assert_eq(store_commit(p.a, &request, &result, NULL, &err), TEG_EXISTS);
	cr_assert_str_eq(err.array, "x");
	arena_release(&arena);
	pair_release(&p);
}

Test(race, expect_version_is_kept_to)
{
	struct pair p;
	struct commit_request request = fixture_request(0);
	teg_commit_result result;
	teg_error err = { 0 };

	pair_init(&p);
	request.expect_version = 2;
	cr_assert_eq(fixture_append(p.a, "a", 1, 0, &request, &result, &err), TEG_OK);
	cr_assert_eq(fixture_append(p.b, "a", 2, 0, &request, &result, &err), TEG_CONFLICT);
	pair_release(&p);
}

Test(race, times_never_go_back_and_given_ones_must_be_later) /* TIME-9 */
{
	struct pair p;
	struct commit_request request = fixture_request(0);
	teg_commit_result first, second;
	teg_error err = { 0 };

	pair_init(&p);
	memory_set_clock(p.os, 5000000);
	cr_assert_eq(fixture_put(p.a, "a", 1, 0, &first, NULL), TEG_OK);
	memory_set_clock(p.os, 1000000);
	cr_assert_eq(fixture_put(p.b, "a", 2, 0, &second, NULL), TEG_OK);
	cr_assert_eq(second.system_time, first.system_time + 1);
	cr_assert_gt(second.clock_distance_us, 3900000);
	request.system_time = second.system_time;
	cr_assert_eq(fixture_append(p.a, "a", 3, 0, &request, &first, &err), TEG_TIME_ORDER);
	cr_assert_str_eq(err.array, "a");
	request.system_time = second.system_time + 1;
	cr_assert_eq(fixture_append(p.a, "a", 3, 0, &request, &first, &err), TEG_OK);
	pair_release(&p);
}

Test(race, a_writer_that_slept_is_never_acknowledged_outside_the_chain) /* PUB-4 */
{
	struct pair p;
	uint8_t id[16] = { 9 };
	struct span nothing = span_of("never read", 10);
	enum publish_outcome outcome;
	teg_commit_result result;
	bool seen[200];
	uint64_t version;
	size_t before;

	pair_init(&p);
	for (uint64_t i = 0; i < 100; i++)
		cr_assert_eq(fixture_put(p.a, "a", i, 10, &result, NULL), TEG_OK);
	before = fixture_count(p.os, "manifests");
	/* The base of version 30 is long gone, and so is 30 itself: the name is free. */
	cr_assert_eq(publish(p.b, 30, id, &nothing, 1, &outcome, NULL), TEG_OK);
	cr_assert_eq(outcome, PUBLISH_LOST);
	cr_assert_eq(fixture_count(p.os, "manifests"), before);
	cr_assert_eq(fixture_seen(p.b, "a", seen, 200, &version, NULL), TEG_OK);
	cr_assert_eq(version, 102);
	pair_release(&p);
}

Test(race, a_failed_directory_sync_leaves_it_unknown_and_ends_writing)
{
	struct pair p;
	struct os *faulty;
	teg_store *store;
	teg_commit_result result;
	uint64_t n_unknown = 0;

	pair_init(&p);
	for (uint64_t n = 1; n < 60; n++) {
		teg_error err = { 0 };

		faulty = os_faulty_new(p.os, &p.mem.alloc);
		cr_assert_eq(fixture_open(faulty, &p.mem.alloc, TEG_CREATE_NO, &store, &err),
		             TEG_OK);
		faulty_count_changes_only(faulty, true);
		faulty_set(faulty, n, 5, false);
		if (fixture_put(store, "a", n, 5, &result, &err) == TEG_COMMIT_UNKNOWN) {
			n_unknown++;
			cr_assert_eq(fixture_put(store, "a", 100 + n, 5, &result, &err), TEG_IO,
			             "%s", err.message);
		}
		teg_store_close(store);
		os_free(faulty);
	}
	cr_assert_eq(n_unknown, 1);
	pair_release(&p);
}

/* ---- threads on one handle ---- */

struct thread {
	pthread_t id;
	teg_store *store;
	int which, n_bad;
};

static void *read_on(void *ctx)
{
	struct thread *t = ctx;
	uint64_t last = 0;

	for (int i = 0; i < 60; i++) {
		teg_snapshot *snapshot;
		char name[256];

		if (teg_snapshot_open(t->store, &snapshot, NULL) != TEG_OK) {
			t->n_bad++;
			continue;
		}
		t->n_bad += teg_snapshot_version(snapshot) < last;
		last = teg_snapshot_version(snapshot);
		t->n_bad += teg_snapshot_next_array(snapshot, NULL, name, NULL) != TEG_OK;
		teg_snapshot_close(snapshot);
	}
	return NULL;
}

static void *write_on(void *ctx)
{
	struct thread *t = ctx;

	for (int i = 0; i < 20; i++) {
		struct commit_request request = fixture_request(0);
		struct array_change change = { .name = "a", .facts = true };
		struct box box = { .lo = { 0 } };
		uint8_t byte = (uint8_t)(t->which * 100 + i);
		struct new_segment add = { .ref = { .inlined = true,
			                            .len = 1,
			                            .checksum = (uint64_t)(t->which * 100 + i),
			                            .schema_version = 1,
			                            .fresh = true,
			                            .box = &box },
			                   .inline_bytes = { &byte, 1 } };
		teg_commit_result result;

		change.n_add = 1;
		change.add = &add;
		request.changes = &change;
		request.n_changes = 1;
		if (os_random(t->store->os, request.commit_id, 16, NULL) != TEG_OK ||
		    store_commit(t->store, &request, &result, NULL, NULL) != TEG_OK)
			t->n_bad++;
	}
	return NULL;
}

Test(race, threads_share_a_handle) /* T10 B14 */
{
	struct pair p;
	struct thread threads[8] = { 0 };
	bool seen[400];
	teg_error err = { 0 };
	uint64_t version;

	pair_init(&p);
	for (int i = 0; i < 8; i++) {
		threads[i].store = i % 2 ? p.a : p.b;
		threads[i].which = i;
		cr_assert_eq(pthread_create(&threads[i].id, NULL, i < 3 ? write_on : read_on,
		                            &threads[i]),
		             0);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i].id, NULL);
		cr_assert_eq(threads[i].n_bad, 0, "thread %d", i);
	}
	cr_assert_eq(fixture_seen(p.a, "a", seen, 400, &version, &err), TEG_OK, "%s (%s) at %lld",
	             err.message, err.file, (long long)err.offset);
	for (int w = 0; w < 3; w++)
		for (int i = 0; i < 20; i++)
			cr_assert(seen[w * 100 + i], "commit %d of thread %d", i, w);
	cr_assert_eq(version, 2 + 60);
	pair_release(&p);
}
