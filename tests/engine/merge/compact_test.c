/* Compaction beside others that are faster: it looks again for as long as they get on. */
#include <string.h>
#include "tests/support/spec.h"
#include "tests/support/world.h"

struct race {
	struct world world;
	teg_store *other;
	int n_calls, n_again; /* of progress; how often somebody else is to come first */
	bool vacuum, cancel;
};

/* Enough rows for a segment file of their own. */
static void append(teg_store *store, const char *array, size_t n)
{
	static int64_t v[4000];
	teg_attribute attribute = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &attribute, 1);
	teg_column column = { .name = "v", .values = v };
	teg_status status;
	teg_txn *txn;

	for (size_t i = 0; i < n; i++)
		v[i] = (int64_t)(i * 0x9e3779b97f4a7c15u);
	txn = txn_begin(store);
	status = teg_txn_create(txn, array, &spec, NULL);
	cr_assert(status == TEG_OK || status == TEG_EXISTS);
	OK(teg_txn_put(txn, array, &column, 1, n, NULL, err));
	txn_commit(txn);
}

static void race_init(struct race *w)
{
	memset(w, 0, sizeof *w);
	world_init(&w->world);
	memory_set_clock(w->world.os, INT64_C(1700000000000000));
	w->other = world_handle(&w->world, (teg_store_options){ .no_auto_compact = true });
	append(w->world.store, "a", 4000);
	append(w->world.store, "a", 4000);
	append(w->world.store, "b", 100);
}

static void race_release(struct race *w)
{
	teg_store_close(w->other);
	world_release(&w->world);
}

/* While a merge runs: another merge of everything, an append, and a vacuum without grace. */
static bool overtake(void *ctx, uint64_t done, uint64_t total)
{
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	struct race *w = ctx;

	(void)done;
	(void)total;
	w->n_calls++;
	if (w->cancel && w->n_calls > 3)
		return false;
	if (w->n_again-- <= 0)
		return true;
	OK(teg_compact(w->other, NULL, NULL, err));
	append(w->other, "a", 1000); /* so that there is something left to merge */
	if (w->vacuum)
		OK(teg_vacuum(w->other, &now, NULL, err));
	return true;
}

static teg_status compact(struct race *w, const char *array, teg_compact_result *result,
                          teg_error *err)
{
	teg_compact_options options = { .struct_size = sizeof options,
		                        .array = array,
		                        .progress = overtake,
		                        .progress_ctx = w };

	return teg_compact(w->world.store, &options, result, err);
}

static uint64_t count(struct race *w, const char *name)
{
	struct reading at;
	uint64_t n;

	reading_open(&at, w->world.store, name);
	OK(teg_count_live(at.array, NULL, &n, err));
	reading_close(&at);
	return n;
}

Test(compact, looks_again_however_often_others_come_first)
{
	static const char *const arrays[] = { "a", NULL };

	for (int i = 0; i < 4; i++) {
		teg_compact_result result = { .struct_size = sizeof result };
		teg_error said, before;
		struct race w;

		race_init(&w);
		w.n_again = 25;
		w.vacuum = i & 1;
		memset(&said, 0x5c, sizeof said);
		before = said;
		cr_assert_eq(compact(&w, arrays[i / 2], &result, &said), TEG_OK, "%s",
		             said.message);
		cr_assert_eq(memcmp(&said, &before, sizeof said), 0, "said: %s", said.message);
		cr_assert_leq(w.n_again, 0);
		cr_assert_eq(count(&w, "a"), 8000 + 25 * 1000);
		cr_assert_eq(count(&w, "b"), 100);
		OK(teg_verify(w.world.store, true, NULL, NULL, NULL, err));
		race_release(&w);
	}
}

Test(compact, ends_early_only_where_it_is_told_to)
{
	teg_error err = { 0 };
	struct race w;

	race_init(&w);
	w.n_again = 1 << 20;
	w.cancel = true;
	cr_assert_eq(compact(&w, "a", NULL, &err), TEG_CANCELLED);
	cr_assert_eq(err.status, TEG_CANCELLED);
	cr_assert_eq(w.n_calls, 4);
	cr_assert_eq(compact(&w, "nothing", NULL, &err), TEG_NOT_FOUND);
	cr_assert_str_eq(err.array, "nothing");
	race_release(&w);
}

/* ---- how often it asks ---- */

struct polls {
	uint64_t n, done, total, widest;
	bool descends;
};

static bool count_poll(void *ctx, uint64_t done, uint64_t total)
{
	struct polls *p = ctx;

	p->descends |= done < p->done || done > total;
	p->widest = done - p->done > p->widest ? done - p->done : p->widest;
	p->done = done;
	p->total = total;
	p->n++;
	return true;
}

/* An interrupt is answered soon: between two polls a merge never takes more rows than a tile has. */
Test(compact, asks_at_least_once_a_tile)
{
	struct polls polls = { 0 };
	teg_compact_options options = { .struct_size = sizeof options,
		                        .array = "c",
		                        .progress = count_poll,
		                        .progress_ctx = &polls };
	struct race w;

	race_init(&w);
	for (int i = 0; i < 60; i++)
		append(w.world.store, "c", 4000);
	OK(teg_compact(w.world.store, &options, NULL, err));
	cr_assert_eq(polls.total, 240000);
	cr_assert_eq(polls.done, polls.total);
	cr_assert_not(polls.descends);
	cr_assert_leq(polls.widest, 65536);
	cr_assert_geq(polls.n, 240000 / 65536);
	race_release(&w);
}
