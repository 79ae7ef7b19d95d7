/* What a merge holds: 64 MiB, or what it was told, whatever it merges. One cell with a million versions
 * in each of the ways that they come, alone and beside others; arrays of many small commits. The
 * allocator counts every byte that the store has. TEG_VERSIONS says another number than a million. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/rng.h"
#include "tests/support/world.h"

#define MIB ((size_t)1 << 20)
#define MERGE_MAX (64 * MIB)

enum shape {
	READINGS,  /* short intervals, one after the other */
	BACKDATED, /* each before all that was said so far */
	GAPS,      /* short, apart, in any order */
	LONG,      /* of any length, over one another */
	OPEN,      /* each from its own time on, and with a system time of its own */
	EVENTS     /* of a repeated cell: none hides another */
};

struct versions {
	const char *what;
	enum shape shape;
	size_t n_commits;
	bool text; /* the cell's coordinate */
};

struct rows {
	size_t n;
	int64_t *x, *v, *from, *until, *at;
	int32_t *offsets;
	char *text;
};

static void rows_init(struct rows *rows, size_t n)
{
	rows->n = n;
	rows->x = calloc(n, sizeof *rows->x);
	rows->v = calloc(n, sizeof *rows->v);
	rows->from = calloc(n, sizeof *rows->from);
	rows->until = calloc(n, sizeof *rows->until);
	rows->at = calloc(n, sizeof *rows->at);
	rows->offsets = calloc(n + 1, sizeof *rows->offsets);
	rows->text = calloc(n, 11);
}

static void rows_release(struct rows *rows)
{
	free(rows->x);
	free(rows->v);
	free(rows->from);
	free(rows->until);
	free(rows->at);
	free(rows->offsets);
	free(rows->text);
}

/* Where the i-th of n intervals begins, each of ten, in the order in which they are put. A number
 * without a factor in common with n takes all places in turn, far from one another. */
static int64_t place(enum shape shape, size_t i, size_t n)
{
	if (shape == BACKDATED)
		return (int64_t)(n - i) * 10;
	return (int64_t)(shape == GAPS || shape == EVENTS ? i * 7368787 % n : i) * 10;
}

static void make_up(struct rows *rows, const struct versions *versions, size_t first, size_t n,
                    struct rng *rng)
{
	for (size_t i = 0; i < rows->n; i++) {
		int64_t *until = &rows->until[i], from = place(versions->shape, first + i, n);

		rows->x[i] = 5;
		rows->v[i] = (int64_t)rng_u64(rng);
		rows->from[i] = from;
		rows->at[i] = (int64_t)(2000000 + first + i);
		*until = from + (versions->shape == GAPS ? 7 : 10);
		if (versions->shape == LONG) /* of one commit they must not meet */
			*until = from + 10;
		if (versions->shape == OPEN)
			*until = INT64_MAX;
		memcpy(rows->text + 11 * i, "one-of-them", 11);
		rows->offsets[i + 1] = (int32_t)(11 * (i + 1));
	}
	for (size_t i = 0; versions->shape == LONG && i < rows->n; i++) {
		int64_t step = (int64_t)(1 + rng_below(rng, 1000));

		rows->from[i] = i ? rows->until[i - 1] : (int64_t)rng_below(rng, 1000);
		rows->until[i] = rows->from[i] + step;
	}
}

static void create(teg_txn *txn, const struct versions *versions)
{
	teg_dimension x = { .name = "x",
		            .type = { .type = versions->text ? TEG_UTF8 : TEG_INT64 } };
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .cells = versions->shape == EVENTS ? TEG_CELLS_REPEATED
		                                             : TEG_CELLS_UNIQUE,
		          .valid_time = true,
		          .dimensions = &x,
		          .n_dimensions = 1,
		          .attributes = &v,
		          .n_attributes = 1 };

	OK(teg_txn_create(txn, "a", &spec, err));
}

static void put(teg_txn *txn, const struct versions *versions, const struct rows *rows)
{
	bool ledger = versions->shape == OPEN;
	teg_put_options options = { .struct_size = sizeof options,
		                    .valid_from_column = "from",
		                    .valid_until_column = "until",
		                    .system_time_column = ledger ? "at" : NULL };
	teg_column columns[] = { { .name = "x", .values = rows->x },
		                 { .name = "v", .values = rows->v },
		                 { .name = "from", .values = rows->from },
		                 { .name = "until", .values = rows->until },
		                 { .name = "at", .values = rows->at } };

	if (versions->text)
		columns[0] =
			(teg_column){ .name = "x", .values = rows->text, .offsets = rows->offsets };
	OK(teg_txn_put(txn, "a", columns, ledger ? 5 : 4, rows->n, &options, err));
}

static size_t n_versions(void)
{
	const char *n = getenv("TEG_VERSIONS");

	return n ? strtoul(n, NULL, 10) : 1000000;
}

/* The store's files are the memory os's, which has another allocator than the one that counts. */
static void fill(struct world *w, const struct versions *versions)
{
	size_t n = n_versions();
	struct rng rng = { 7 };
	struct rows rows;
	teg_txn *txn;

	memory_init(&w->mem);
	w->os = os_memory_new(teg_allocator_default(), 1);
	memory_set_clock(w->os, 1000000);
	world_open(w, TEG_CREATE_NEW);
	rows_init(&rows, n / versions->n_commits);
	for (size_t i = 0; i < versions->n_commits; i++) {
		make_up(&rows, versions, i * rows.n, n, &rng);
		OK(teg_txn_begin(w->store, NULL, &txn, err));
		if (!i)
			create(txn, versions);
		put(txn, versions, &rows);
		OK(teg_txn_commit(txn, NULL, err));
	}
	rows_release(&rows);
	world_reopen(w);
}

static void merges_within(const struct versions *versions)
{
	teg_compact_result result = { .struct_size = sizeof result };
	struct world w;
	size_t before;

	fill(&w, versions);
	before = w.mem.live_len;
	w.mem.peak_len = before;
	OK(teg_compact(w.store, NULL, &result, err));
	printf("%-36s %8llu rows in %5llu segments, %8llu out, peak %5.1f MiB\n", versions->what,
	       (unsigned long long)result.rows_in, (unsigned long long)result.segments_in,
	       (unsigned long long)result.rows_out,
	       (double)(w.mem.peak_len - before) / (double)MIB);
	cr_expect_eq(result.rows_in, n_versions() / versions->n_commits * versions->n_commits);
	cr_expect_leq(w.mem.peak_len - before, MERGE_MAX, "%s", versions->what);
	world_release(&w);
}

#define MERGE(name, ...)                                      \
	Test(memory, name)                                    \
	{                                                     \
		const struct versions versions = __VA_ARGS__; \
                                                              \
		merges_within(&versions);                     \
	}

MERGE(readings, { "readings", READINGS, 20, false })
MERGE(readings_of_one_commit, { "readings of one commit", READINGS, 1, false })
MERGE(backdated, { "backdated", BACKDATED, 20, false })
MERGE(apart, { "apart, in any order", GAPS, 20, false })
MERGE(apart_in_one_commit, { "apart, of one commit", GAPS, 1, false })
MERGE(over_one_another, { "over one another", LONG, 20, false })
MERGE(open_ended, { "open ends", OPEN, 20, false })
MERGE(events, { "events of a repeated cell", EVENTS, 20, false })
MERGE(of_a_text, { "readings of a text", READINGS, 20, true })
MERGE(small_commits, { "readings, 400 commits", READINGS, 400, false })
MERGE(small_commits_of_a_text, { "of a text, 400 commits", READINGS, 400, true })
