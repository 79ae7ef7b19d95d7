/* Rows of a table by ordinal, against a plain array of what is live: one run of a tile, many rows of
 * many tiles in any order, the same row twice, rows that were updated or deleted since. Under teg_take
 * lie the ranks (rank.c) and the gathering of columns (gather.c). */
#include <stdio.h>
#include "codec/base/bits.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS_MAX 3000
#define TILE_CELLS 100

struct table {
	struct world world;
	struct reading at;
	struct rng rng;
	int64_t n_rows, n_live;
	int64_t value[ROWS_MAX]; /* by row id; -1: deleted */
	int64_t live[ROWS_MAX];  /* ordinal -> row id */
};

static void open_table(struct table *w, uint64_t seed, size_t cache)
{
	teg_attribute attrs[] = { attribute_of("v", TEG_INT64), attribute_of("s", TEG_UTF8) };
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attrs, 2);

	attrs[1].nullable = true;
	spec.tile_cells = TILE_CELLS;
	memset(w, 0, sizeof *w);
	w->rng = (struct rng){ seed };
	world_make(&w->world,
	           (teg_store_options){ .cache_budget = cache, .no_auto_compact = true });
	txn_create(w->world.store, "t", &spec);
}

static void open_array(struct table *w)
{
	reading_close(&w->at);
	reading_open(&w->at, w->world.store, "t");
	w->n_live = 0;
	for (int64_t id = 0; id < w->n_rows; id++)
		if (w->value[id] >= 0)
			w->live[w->n_live++] = id;
}

static void close_table(struct table *w)
{
	reading_close(&w->at);
	world_release(&w->world);
}

/* What the text of a value is: null for every fifth. */
static size_t text_of(int64_t value, char *text)
{
	return value % 5 ? (size_t)sprintf(text, "row %lld", (long long)value) : 0;
}

/* Puts `n` rows: new ones, or new versions of those in `ids`. */
static void put(struct table *w, const int64_t *ids, int64_t n)
{
	static int64_t values[ROWS_MAX];
	static int32_t offsets[ROWS_MAX + 1];
	static char texts[ROWS_MAX * 16];
	uint8_t validity[ROWS_MAX / 8 + 1];
	teg_put_options options = { .struct_size = sizeof options, .row_id_column = "id" };
	teg_column columns[] = {
		{ .name = "v", .values = values },
		{ .name = "s", .values = texts, .offsets = offsets, .validity = validity },
		{ .name = "id", .values = ids, .type = { .type = TEG_INT64 } }
	};
	teg_txn *txn;

	for (int64_t i = 0; i < n; i++) {
		values[i] = (int64_t)rng_below(&w->rng, 1000000);
		offsets[i + 1] = offsets[i] + (int32_t)text_of(values[i], texts + offsets[i]);
		bitmap_put(validity, (size_t)i, values[i] % 5 != 0);
		w->value[ids ? ids[i] : w->n_rows + i] = values[i];
	}
	w->n_rows += ids ? 0 : n;
	txn = txn_begin(w->world.store);
	OK(teg_txn_put(txn, "t", columns, ids ? 3 : 2, (size_t)n, ids ? &options : NULL, err));
	txn_commit(txn);
}

static void remove_rows(struct table *w, const int64_t *ids, int64_t n)
{
	teg_column column = { .name = "row_id", .values = ids };
	teg_txn *txn;

	for (int64_t i = 0; i < n; i++)
		w->value[ids[i]] = -1;
	txn = txn_begin(w->world.store);
	OK(teg_txn_delete(txn, "t", &column, 1, (size_t)n, NULL, err));
	txn_commit(txn);
}

/* Every `step`-th row from `from` on, of those in [from, to) that are live. */
static int64_t some_ids(const struct table *w, int64_t from, int64_t to, int64_t step, int64_t *ids)
{
	int64_t n = 0;

	for (int64_t id = from; id < to; id += step)
		if (w->value[id] >= 0)
			ids[n++] = id;
	return n;
}

/* ---- takes ---- */

static void check_batch(const struct table *w, const int64_t *ordinals, size_t n,
                        const struct ArrowArray *batch, const char *name)
{
	const struct ArrowArray *v = batch->children[0], *s = batch->children[1];
	const int64_t *values = v->buffers[1];
	const uint8_t *validity = s->buffers[0];
	const int32_t *offsets = s->buffers[1];
	const char *texts = s->buffers[2];

	cr_assert_eq(batch->length, (int64_t)n, "%s", name);
	for (size_t i = 0; i < n; i++) {
		int64_t want = w->value[w->live[ordinals[i]]];
		size_t at = (size_t)(s->offset) + i;
		char text[40];
		size_t len = text_of(want, text);

		cr_assert_eq(values[(size_t)v->offset + i], want, "%s: place %zu", name, i);
		cr_assert_eq(!validity || bitmap_get(validity, at), want % 5 != 0, "%s", name);
		cr_assert_eq((size_t)(offsets[at + 1] - offsets[at]), len, "%s", name);
		cr_assert(!len || !memcmp(texts + offsets[at], text, len), "%s", name);
	}
}

static void check_take(struct table *w, const int64_t *ordinals, size_t n, const char *name)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;

	OK(teg_take(w->at.array, ordinals, n, NULL, 0, NULL, &schema, &batch, err));
	cr_assert_str_eq(schema.children[0]->name, "v");
	check_batch(w, ordinals, n, &batch, name);
	batch.release(&batch);
	schema.release(&schema);
}

static void check_takes(struct table *w, const char *name)
{
	static int64_t at[ROWS_MAX];
	uint64_t live = (uint64_t)w->n_live, counted;

	open_array(w);
	live = (uint64_t)w->n_live;
	OK(teg_count_live(w->at.array, NULL, &counted, err));
	cr_assert_eq(counted, live, "%s", name);
	check_take(w, NULL, 0, name);
	for (size_t i = 0; i < live; i++)
		at[i] = (int64_t)i;
	check_take(w, at, live, name); /* all, in order */
	for (size_t i = 0; i < live; i++)
		at[i] = (int64_t)(live - 1 - i);
	check_take(w, at, live, name); /* backwards */
	for (size_t i = 0; i < live; i++)
		at[i] = (int64_t)rng_below(&w->rng, live);
	check_take(w, at, live, name); /* anywhere, many twice */
	for (size_t i = 0; i < 40; i++)
		at[i] = (int64_t)(i % 3 * (live - 1) / 2);
	check_take(w, at, 40, name); /* the first, the middle and the last, over and over */
	for (int round = 0; round < 20; round++) {
		size_t n = 1 + rng_below(&w->rng, 12), from = rng_below(&w->rng, live - n);

		for (size_t i = 0; i < n; i++)
			at[i] = (int64_t)(from + i);
		check_take(w, at, n, name); /* a short run */
	}
}

static void check_any_ordinals(size_t cache)
{
	static struct table w;
	static int64_t ids[ROWS_MAX];

	open_table(&w, 1, cache);
	put(&w, NULL, 950);
	check_takes(&w, "one commit");
	put(&w, NULL, 1);
	put(&w, NULL, 1200);
	check_takes(&w, "three commits");
	remove_rows(&w, ids, some_ids(&w, 0, 120, 1, ids));
	check_takes(&w, "the first tile deleted");
	remove_rows(&w, ids, some_ids(&w, 300, 900, 7, ids));
	check_takes(&w, "holes");
	put(&w, ids, some_ids(&w, 500, 1500, 3, ids));
	check_takes(&w, "updates");
	put(&w, ids, some_ids(&w, 700, 710, 1, ids));
	put(&w, NULL, 300);
	remove_rows(&w, ids, some_ids(&w, 2449, w.n_rows, 1, ids));
	check_takes(&w, "updates of updates, the last rows deleted");
	close_table(&w);
}

Test(take, gives_the_rows_of_any_ordinals) /* V1 H2 */
{
	check_any_ordinals(0);
}

Test(take, gives_the_same_rows_from_pages_that_are_kept)
{
	check_any_ordinals(8 << 10); /* some come and go */
	check_any_ordinals(4 << 20);
}

Test(take, reads_nothing_where_all_pages_are_kept)
{
	static struct table w;
	uint64_t reads;

	open_table(&w, 5, 4 << 20);
	put(&w, NULL, 1000);
	check_takes(&w, "the first time");
	reads = w.world.os->n_reads;
	for (int64_t at = 999; at >= 0; at -= 7)
		check_take(&w, &at, 1, "again");
	cr_assert_eq(w.world.os->n_reads, reads);
	close_table(&w);
}

Test(take, is_the_same_after_a_compaction)
{
	static struct table w;
	static int64_t ids[ROWS_MAX];

	open_table(&w, 2, 1 << 20);
	for (int i = 0; i < 8; i++)
		put(&w, NULL, 90);
	put(&w, ids, some_ids(&w, 0, 720, 5, ids));
	remove_rows(&w, ids, some_ids(&w, 1, 720, 4, ids));
	check_takes(&w, "before");
	reading_close(&w.at);
	OK(teg_compact(w.world.store, NULL, NULL, err));
	check_takes(&w, "after");
	close_table(&w);
}

/* ---- refusals ---- */

Test(take, refuses_ordinals_that_no_row_has) /* H2 */
{
	static const int64_t wrong[] = { -1, 50, 51, INT64_MIN, INT64_MAX };
	static struct table w;

	open_table(&w, 3, 0);
	put(&w, NULL, 60);
	remove_rows(&w, (int64_t[]){ 0, 1, 2, 3, 4, 55, 56, 57, 58, 59 }, 10);
	open_array(&w);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int64_t at[] = { 0, 49, wrong[i], 3 };
		struct ArrowSchema schema;
		struct ArrowArray batch;
		teg_error err;

		cr_assert_eq(teg_take(w.at.array, at, 4, NULL, 0, NULL, &schema, &batch, &err),
		             TEG_DOMAIN, "%lld", (long long)wrong[i]);
		cr_assert_eq(err.row, 2);
		cr_assert_eq(teg_take(w.at.array, at, 2, (const char *[]){ "nothing" }, 1, NULL,
		                      &schema, &batch, &err),
		             TEG_NOT_FOUND);
		cr_assert_str_eq(err.column, "nothing");
	}
	close_table(&w);
}

/* ---- memory ---- */

static teg_status take_anew(struct table *w, teg_error *err)
{
	static const int64_t at[] = { 200, 3, 3, 150, 7, 199, 0 };
	struct reading r = { NULL, NULL };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_status status = teg_snapshot_open(w->world.store, &r.snapshot, err);

	if (status == TEG_OK)
		status = teg_array_open(r.snapshot, "t", &r.array, err);
	if (status == TEG_OK)
		status = teg_take(r.array, at, 7, NULL, 0, NULL, &schema, &batch, err);
	if (status == TEG_OK) {
		check_batch(w, at, 7, &batch, "after failures");
		batch.release(&batch);
		schema.release(&schema);
	}
	reading_close(&r);
	return status;
}

static void check_failing_memory(size_t cache)
{
	static int64_t ids[ROWS_MAX];
	static struct table w;
	teg_error err;
	size_t n_failed = 0;

	open_table(&w, 4, cache);
	put(&w, NULL, 300);
	put(&w, ids, some_ids(&w, 0, 300, 9, ids));
	remove_rows(&w, ids, some_ids(&w, 100, 120, 1, ids));
	open_array(&w);
	reading_close(&w.at);
	for (size_t i = 1;; i++) {
		teg_status status;

		w.world.mem.n_requests = 0;
		w.world.mem.n_refused = 0;
		w.world.mem.fail_at = i;
		status = take_anew(&w, &err);
		w.world.mem.fail_at = 0;
		if (status == TEG_OK && !w.world.mem.n_refused)
			break;
		n_failed += status != TEG_OK;
		cr_assert(status == TEG_OK || status == TEG_NOMEM, "%zu: %s", i,
		          teg_status_name(status));
		cr_assert(status == TEG_OK || err.message[0], "%zu: no message", i);
	}
	cr_assert_gt(n_failed, 20);
	close_table(&w);
}

Test(take, survives_memory_that_fails)
{
	check_failing_memory(0);
	check_failing_memory(1 << 20);
}
