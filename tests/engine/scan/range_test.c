/* Ranges of a resolved scan: however few rows one may have, the answer is the same, no key is torn
 * apart, and a batch of wide rows ends before it is large. */
#include <stdlib.h>
#include <string.h>
#include "engine/scan/scan.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
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
	teg_dimension dims[] = { axis_of("x", TEG_INT64), axis_of("y", TEG_INT64) };
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, dims, 2, &v, 1);

	spec.cells = cells;
	spec.valid_time = valid_time;
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
		txn = txn_begin(w->store);
		if (!c)
			create(txn, cells, valid_time);
		OK(teg_txn_put(txn, "a", columns, 3, ROWS, &options, err));
		if (c % 7 == 6)
			OK(teg_txn_delete(txn, "a", columns, 2, 9, NULL, err));
		txn_commit(txn);
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
	struct reading at;
	teg_scan *scan;

	reading_open(&at, w->store, "a");
	scan = reading_scan(&at, options);
	scan->batch_rows = 50; /* to look in between */
	OK(scan_start(scan, err));
	if (most)
		limit(&scan->sweep.group, most);
	while (batch_next(scan, &batch)) {
		a.n_tight += scan->sweep.group.tight;
		add(&a, &batch);
		batch.release(&batch);
	}
	teg_scan_close(scan);
	reading_close(&at);
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
	teg_range box[2] = { int_range(3, 9) };
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
	teg_attribute attrs[] = { attribute_of("k", TEG_INT64), attribute_of("b", TEG_BYTES) };
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attrs, 2);
	int64_t keys[BLOBS] = { 0 };
	int32_t offsets[BLOBS + 1];
	uint8_t *bytes = malloc(BLOBS * BLOB_LEN);
	teg_column columns[] = { { .name = "k", .values = keys },
		                 { .name = "b", .values = bytes, .offsets = offsets } };
	struct rng rng = { 3 };

	spec.key = "k";
	rng_fill(&rng, bytes, BLOBS * BLOB_LEN);
	for (int i = 0; i <= BLOBS; i++)
		offsets[i] = i * (int32_t)BLOB_LEN;
	txn_create(w->store, "a", &spec);
	txn_put(w->store, "a", columns, 2, BLOBS);
	free(bytes);
}

Test(range, a_batch_of_wide_rows_is_bounded_in_bytes)
{
	teg_value key = int_value(0);
	struct ArrowSchema schema;
	struct ArrowArray batch;
	struct reading at;
	teg_scan *scan;
	int64_t n = 0;
	struct world w;
	uint64_t found;

	world_init(&w);
	put_blobs(&w);
	reading_open(&at, w.store, "a");
	scan = reading_scan(&at, NULL);
	while (batch_next(scan, &batch)) {
		cr_expect_leq(batch.length, 8 + 5, "%lld MiB", (long long)batch.length);
		n += batch.length;
		batch.release(&batch);
	}
	cr_assert_eq(n, BLOBS);
	teg_scan_close(scan);
	/* What is found comes in one batch, all of it. */
	OK(teg_find(at.array, &key, NULL, 0, NULL, &found, &schema, &batch, err));
	cr_assert_eq(found, BLOBS);
	cr_assert_eq(batch.length, BLOBS);
	batch.release(&batch);
	schema.release(&schema);
	reading_close(&at);
	world_release(&w);
}
