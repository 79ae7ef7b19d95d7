/* Ranges of a resolved scan: however few rows one may have, the answer is the same, no key is torn
 * apart, and a batch of wide rows ends before it is large. */
#include <stdlib.h>
#include <string.h>
#include "engine/scan/scan.h"
#include "tests/support/rng.h"
#include "tests/support/world.h"

#define COMMITS 30
#define ROWS 120
#define SIDE 18

struct answer {
	size_t n;
	int64_t sum;
	size_t n_tight; /* batches of ranges that were cut */
};

static void create(teg_txn *txn, teg_cells cells, bool valid_time)
{
	teg_dimension dims[] = { { .name = "x", .type = { .type = TEG_INT64 } },
		                 { .name = "y", .type = { .type = TEG_INT64 } } };
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .cells = cells,
		          .valid_time = valid_time,
		          .dimensions = dims,
		          .n_dimensions = 2,
		          .attributes = &v,
		          .n_attributes = 1 };

	OK(teg_txn_create(txn, "a", &spec, err));
}

/* Commits all over a domain so small that most keys have versions in many of them. */
static void fill(struct world *w, teg_cells cells, bool valid_time)
{
	int64_t x[ROWS], y[ROWS], v[ROWS];
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "y", .values = y },
		                 { .name = "v", .values = v } };
	struct rng rng = { 7 };
	teg_txn *txn;

	for (int c = 0; c < COMMITS; c++) {
		teg_put_options options = { .struct_size = sizeof options };

		if (valid_time) {
			options.valid_from = (int64_t)rng_below(&rng, 50);
			options.valid_until = options.valid_from + 1 + (int64_t)rng_below(&rng, 50);
		}
		for (int i = 0; i < ROWS; i++) {
			x[i] = (int64_t)rng_below(&rng, SIDE);
			y[i] = (int64_t)rng_below(&rng, SIDE);
			v[i] = c * ROWS + i;
		}
		OK(teg_txn_begin(w->store, NULL, &txn, err));
		if (!c)
			create(txn, cells, valid_time);
		OK(teg_txn_put(txn, "a", columns, 3, ROWS, &options, err));
		if (c % 7 == 6)
			OK(teg_txn_delete(txn, "a", columns, 2, 9, NULL, err));
		OK(teg_txn_commit(txn, NULL, err));
	}
}

static void add(struct answer *a, const struct ArrowArray *batch)
{
	const int64_t *x = batch->children[0]->buffers[1], *v = batch->children[2]->buffers[1];

	for (int64_t i = 0; i < batch->length; i++) {
		a->n++;
		a->sum += v[i] * 31 + x[i];
	}
}

static void limit(struct group *group, uint32_t most)
{
	group->limits.range_len = group->limits.row_len * most;
	group->limits.few_len = group->limits.keys_len = group->limits.key_len * most;
	group->limits.small_len = 0;
}

/* `most` rows a range; 0: as many as the engine would have. */
static struct answer ask(struct world *w, const teg_scan_options *options, uint32_t most)
{
	struct answer a = { 0 };
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_array *array;
	teg_scan *scan;
	teg_status status;

	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_scan_open(array, options, &scan, err));
	scan->batch_rows = 50; /* to look in between */
	OK(scan_start(scan, err));
	if (most)
		limit(&scan->sweep.group, most);
	while ((status = teg_scan_next(scan, &batch, NULL)) == TEG_OK) {
		a.n_tight += scan->sweep.group.tight;
		add(&a, &batch);
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END);
	teg_scan_close(scan);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return a;
}

static void same_however_short(struct world *w, const teg_scan_options *options, const char *why)
{
	static const uint32_t most[] = { 1, 5, 40, 1000 };
	struct answer whole = ask(w, options, 0);

	cr_assert_gt(whole.n, 10, "%s", why);
	for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
		struct answer cut = ask(w, options, most[i]);

		cr_expect_eq(cut.n, whole.n, "%s, ranges of %u: %zu rows, not %zu", why, most[i],
		             cut.n, whole.n);
		cr_expect_eq(cut.sum, whole.sum, "%s, ranges of %u", why, most[i]);
		cr_expect_gt(cut.n_tight, 0, "%s: nothing was cut", why);
	}
}

static void each_mode(struct world *w)
{
	teg_range box[2] = { { .lo = { TEG_INT64, { .i = 3 } }, .hi = { TEG_INT64, { .i = 9 } } } };
	teg_scan_options now = { .struct_size = sizeof now },
			 old = { .struct_size = sizeof now,
		                 .mode = TEG_SCAN_AS_OF_VERSION,
		                 .version = COMMITS * 4 / 5 },
			 all = { .struct_size = sizeof now, .mode = TEG_SCAN_ALL_VERSIONS },
			 part = { .struct_size = sizeof now, .box = box, .times = true };

	same_however_short(w, &now, "now");
	same_however_short(w, &old, "as of");
	same_however_short(w, &all, "all versions");
	same_however_short(w, &part, "box");
}

static void check(teg_cells cells, bool valid_time)
{
	struct world w;

	world_init(&w);
	fill(&w, cells, valid_time);
	each_mode(&w);
	world_release(&w);
}

Test(range, short_ranges_answer_as_long_ones)
{
	check(TEG_CELLS_UNIQUE, false);
}

Test(range, short_ranges_answer_as_long_ones_in_valid_time)
{
	check(TEG_CELLS_UNIQUE, true);
}

Test(range, short_ranges_answer_as_long_ones_of_repeated_cells)
{
	check(TEG_CELLS_REPEATED, true);
}

/* ---- wide rows ---- */

#define BLOBS 40
#define BLOB_LEN (1u << 20)

static void put_blobs(struct world *w)
{
	teg_attribute attrs[] = { { .name = "k", .type = { .type = TEG_INT64 } },
		                  { .name = "b", .type = { .type = TEG_BYTES } } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .key = "k",
		          .attributes = attrs,
		          .n_attributes = 2 };
	int64_t keys[BLOBS] = { 0 };
	int32_t offsets[BLOBS + 1];
	uint8_t *bytes = malloc(BLOBS * BLOB_LEN);
	teg_column columns[] = { { .name = "k", .values = keys },
		                 { .name = "b", .values = bytes, .offsets = offsets } };
	struct rng rng = { 3 };
	teg_txn *txn;

	rng_fill(&rng, bytes, BLOBS * BLOB_LEN);
	for (int i = 0; i <= BLOBS; i++)
		offsets[i] = i * (int32_t)BLOB_LEN;
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_put(txn, "a", columns, 2, BLOBS, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
	free(bytes);
}

Test(range, a_batch_of_wide_rows_is_bounded_in_bytes)
{
	teg_value key = { TEG_INT64, { .i = 0 } };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_array *array;
	teg_scan *scan;
	int64_t n = 0;
	struct world w;
	uint64_t found;

	world_init(&w);
	put_blobs(&w);
	OK(teg_snapshot_open(w.store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_scan_open(array, NULL, &scan, err));
	while (teg_scan_next(scan, &batch, NULL) == TEG_OK) {
		cr_expect_leq(batch.length, 8 + 5, "%lld MiB", (long long)batch.length);
		n += batch.length;
		batch.release(&batch);
	}
	cr_assert_eq(n, BLOBS);
	teg_scan_close(scan);
	/* What is found comes in one batch, all of it. */
	OK(teg_find(array, &key, NULL, 0, NULL, &found, &schema, &batch, err));
	cr_assert_eq(found, BLOBS);
	cr_assert_eq(batch.length, BLOBS);
	batch.release(&batch);
	schema.release(&schema);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	world_release(&w);
}
