/* How soon a merge and a purge notice that they are asked to stop: the most work between two calls of
 * their progress, in time of the processor, which other programs on the machine do not lengthen; and what
 * is left where they stop. C2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/support/rng.h"
#include "tests/support/world.h"

#define COLUMNS 40
#define ROWS 30000
#define COMMITS 10
#define AT_MOST_MS 100

struct watch {
	double last, longest; /* ms */
	uint64_t n, stop_at;  /* calls; 0: never stops */
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void look(struct watch *w)
{
	double now = now_ms();

	w->longest = now - w->last > w->longest ? now - w->last : w->longest;
	w->last = now_ms();
}

static bool goes_on(void *ctx, uint64_t done, uint64_t total)
{
	struct watch *w = ctx;

	cr_assert_leq(done, total);
	look(w);
	return ++w->n != w->stop_at;
}

static void put(struct world *w, int commit, struct rng *rng, int64_t *x, double *values)
{
	static char names[COLUMNS][8];
	teg_attribute attrs[COLUMNS];
	teg_column columns[COLUMNS + 1];
	teg_dimension dim = { .name = "x", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = &dim,
		          .n_dimensions = 1,
		          .attributes = attrs,
		          .n_attributes = COLUMNS };
	teg_txn *txn;

	memset(attrs, 0, sizeof attrs);
	memset(columns, 0, sizeof columns);
	for (int c = 0; c < COLUMNS; c++) {
		snprintf(names[c], sizeof names[c], "c%d", c);
		attrs[c] = (teg_attribute){ .name = names[c], .type = { .type = TEG_FLOAT64 } };
		columns[c] = (teg_column){ .name = names[c], .values = values };
	}
	for (size_t i = 0; i < ROWS; i++) {
		x[i] = (int64_t)rng_below(rng, 20 * ROWS);
		values[i] = rng_unit(rng);
	}
	columns[COLUMNS] = (teg_column){ .name = "x", .values = x };
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	if (!commit)
		OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_put(txn, "a", columns, COLUMNS + 1, ROWS, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void fill(struct world *w)
{
	int64_t *x = calloc(ROWS, sizeof *x);
	double *values = calloc(ROWS, sizeof *values);
	struct rng rng = { 3 };

	world_init(w);
	for (int i = 0; i < COMMITS; i++)
		put(w, i, &rng, x, values);
	free(x);
	free(values);
}

static int count_name(void *ctx, const char *name)
{
	(void)name;
	++*(int *)ctx;
	return 0;
}

static int n_files(struct world *w)
{
	int n = 0;

	OK(os_list(w->os, "segments", count_name, &n, err));
	return n;
}

static teg_status merge(struct world *w, struct watch *watch, teg_error *err)
{
	teg_compact_options options = { .struct_size = sizeof options,
		                        .array = "a",
		                        .progress = goes_on,
		                        .progress_ctx = watch };

	watch->last = now_ms();
	return teg_compact(w->store, &options, NULL, err);
}

static void tell(void *ctx, const teg_purged_file *file)
{
	(void)file;
	++*(int *)ctx;
}

static teg_status purge(struct world *w, struct watch *watch, int *n_told, teg_error *err)
{
	teg_purge_options options = { .struct_size = sizeof options,
		                      .array = "a",
		                      .each = tell,
		                      .each_ctx = n_told,
		                      .progress = goes_on,
		                      .progress_ctx = watch };

	watch->last = now_ms();
	return teg_purge(w->store, &options, NULL, err);
}

Test(interrupt, is_seen_within_little_work)
{
	struct watch merged = { 0 }, purged = { 0 };
	struct world w;
	int n_told = 0;

	fill(&w);
	OK(merge(&w, &merged, err));
	look(&merged);
	OK(purge(&w, &purged, &n_told, err));
	look(&purged);
	printf("merge: %llu calls, at most %.1f ms between two; purge: %llu calls, %.1f ms\n",
	       (unsigned long long)merged.n, merged.longest, (unsigned long long)purged.n,
	       purged.longest);
	cr_expect_leq(merged.longest, AT_MOST_MS);
	cr_expect_leq(purged.longest, AT_MOST_MS);
	cr_expect_gt(n_told, COMMITS - 1);
	world_release(&w);
}

/* Wherever it is stopped: no file is left, and the next one does the work. */
Test(interrupt, leaves_nothing_behind)
{
	struct watch whole = { 0 };
	struct rng rng = { 5 };
	struct world w;
	int before, n_told = 0;

	fill(&w);
	before = n_files(&w);
	for (int i = 0; i < 8; i++) {
		struct watch watch = { .stop_at = 1 + rng_below(&rng, 400) };

		REFUSED(TEG_CANCELLED, merge(&w, &watch, err));
		cr_expect_eq(watch.n, watch.stop_at, "asked again after it had said so");
		cr_expect_eq(n_files(&w), before);
	}
	OK(merge(&w, &whole, err));
	for (uint64_t at = 1; at < 6; at++) {
		struct watch watch = { .stop_at = at };

		REFUSED(TEG_CANCELLED, purge(&w, &watch, &n_told, err));
	}
	OK(purge(&w, &whole, &n_told, err));
	cr_expect_lt(n_files(&w), before);
	world_release(&w);
}
