/* What a merge holds in memory does not depend on how much it merges, nor what it writes on how much
 * memory it has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/os/memory.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/rng.h"

#define N_CELLS 5000

enum shape {
	CELLS,
	TEXTS,
	INTERVALS, /* one after the other, the same in each commit */
	APART,     /* with gaps, in any order over all commits */
	LAYERS,    /* of any length, others in each commit */
	EVENTS,    /* of repeated cells */
	LABELS     /* of texts that share the bytes that positions are made of */
};

static void create(teg_txn *txn, enum shape shape)
{
	bool text = shape == TEXTS || shape == LABELS;
	teg_dimension dims[] = { { .name = "x", .type = { .type = text ? TEG_UTF8 : TEG_INT64 } },
		                 { .name = "y", .type = { .type = TEG_INT64 } } };
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .cells = shape == EVENTS ? TEG_CELLS_REPEATED : TEG_CELLS_UNIQUE,
		          .valid_time = shape >= INTERVALS,
		          .dimensions = dims,
		          .n_dimensions = 2,
		          .attributes = &v,
		          .n_attributes = 1 };

	OK(teg_txn_create(txn, "a", &spec, err));
}

struct cells {
	int64_t x[N_CELLS], y[N_CELLS], v[N_CELLS], from[N_CELLS], until[N_CELLS];
	int32_t offsets[N_CELLS + 1];
	char names[N_CELLS * 12];
};

/* The intervals of a commit, which do not meet. */
static void make_up_times(struct cells *c, enum shape shape, size_t commit, struct rng *rng)
{
	int64_t at = 0;

	for (size_t i = 0; i < N_CELLS; i++) {
		size_t place = (commit * N_CELLS + i) * 7919 % 100003;

		c->from[i] = shape == INTERVALS ? (int64_t)i * 10 : (int64_t)place * 10;
		c->until[i] = c->from[i] + (shape == INTERVALS ? 10 : 7);
		if (shape <= APART)
			continue;
		c->from[i] = at += (int64_t)rng_below(rng, 40);
		c->until[i] = at += 1 + (int64_t)rng_below(rng, i % 100 ? 40 : 8000);
	}
	for (size_t i = 0; shape == LABELS && i < N_CELLS; i++) /* three of them */
		memcpy(c->names + 12 * i + 8, i % 3 ? i % 2 ? "aaaa" : "aaab" : "aaac", 4);
	if (shape == LAYERS)
		c->until[N_CELLS - 1] = INT64_MAX;
}

static void make_up(struct cells *c, struct rng *rng, uint64_t range)
{
	for (size_t i = 0; i < N_CELLS; i++) {
		c->x[i] = (int64_t)rng_below(rng, range);
		c->y[i] = (int64_t)rng_below(rng, range);
		c->v[i] = (int64_t)rng_u64(rng);
		/* Texts that share the bytes that positions are made of. */
		memcpy(c->names + 12 * i, "prefixed", 8);
		for (size_t k = 8; k < 12; k++)
			c->names[12 * i + k] = (char)('a' + rng_below(rng, 20));
		c->offsets[i + 1] = (int32_t)(12 * i + 12);
	}
}

static const teg_put_options part = { .struct_size = sizeof part,
	                              .valid_from = 20000,
	                              .valid_until = 90000 };

static void delete_part(teg_txn *txn, enum shape shape)
{
	const char name[12] = "prefixedaaaa";
	const int32_t offsets[] = { 0, 12 };
	const int64_t zero = 0;
	teg_column key[] = { { .name = "x", .values = &zero }, { .name = "y", .values = &zero } };

	if (shape == LABELS)
		key[0] = (teg_column){ .name = "x", .values = name, .offsets = offsets };
	OK(teg_txn_delete(txn, "a", key, 2, 1, &part, err));
}

static void put(teg_store *store, const struct cells *c, enum shape shape, bool first)
{
	teg_put_options options = { .struct_size = sizeof options,
		                    .valid_from_column = "from",
		                    .valid_until_column = "until" };
	teg_column columns[] = { { .name = "x", .values = c->x },
		                 { .name = "y", .values = c->y },
		                 { .name = "v", .values = c->v },
		                 { .name = "from", .values = c->from },
		                 { .name = "until", .values = c->until } };
	bool intervals = shape >= INTERVALS;
	teg_txn *txn;

	if (shape == TEXTS || shape == LABELS)
		columns[0] = (teg_column){ .name = "x", .values = c->names, .offsets = c->offsets };
	OK(teg_txn_begin(store, NULL, &txn, err));
	if (first)
		create(txn, shape);
	if (shape == EVENTS) /* hides what is older, none of those that this commit puts */
		delete_part(txn, shape);
	OK(teg_txn_put(txn, "a", columns, intervals ? 5 : 3, N_CELLS, intervals ? &options : NULL,
	               err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* Takes part of the time of one cell, and of all of them as a box; or erases that cell. */
static void take_away(teg_store *store, enum shape shape, bool erase)
{
	const teg_range all[2] = { 0 };
	const teg_range zero = { { .type = TEG_INT64 }, { .type = TEG_INT64 } };
	const teg_range one[2] = { shape == LABELS ? all[0] : zero, zero };
	const teg_erase what = { .struct_size = sizeof what, .box = one };
	teg_txn *txn;

	OK(teg_txn_begin(store, NULL, &txn, err));
	if (erase)
		OK(teg_txn_erase(txn, "a", &what, err));
	else
		OK(teg_txn_delete_box(txn, "a", all, &part, err));
	OK(teg_txn_commit(txn, NULL, err));
	OK(teg_txn_begin(store, NULL, &txn, err));
	delete_part(txn, shape);
	OK(teg_txn_commit(txn, NULL, err));
}

static teg_store *open_in(struct os *os, struct memory *mem)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING,
		                      .allocator = &mem->alloc,
		                      .no_auto_compact = true,
		                      .os = os };
	teg_store *store;

	OK(teg_store_open(NULL, &options, &store, err));
	return store;
}

/* A store of so many commits, the same for the same arguments. */
static struct os *make_store(size_t n_commits, uint64_t range, enum shape shape)
{
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	struct cells *c = calloc(1, sizeof *c);
	struct rng rng = { range };
	struct memory mem;
	teg_store *store;

	memory_init(&mem);
	memory_set_clock(os, INT64_C(1700000000000000));
	store = open_in(os, &mem);
	for (size_t i = 0; i < n_commits; i++) {
		make_up(c, &rng, range);
		make_up_times(c, shape, i, &rng);
		put(store, c, shape, i == 0);
		if (shape >= LAYERS && i + 1 < n_commits)
			take_away(store, shape, i == 0);
	}
	teg_store_close(store);
	memory_check(&mem);
	free(c);
	return os;
}

/* Merges everything; gives the most memory that took. */
static size_t compact(struct os *os, size_t memory)
{
	teg_compact_options options = { .struct_size = sizeof options, .memory = memory };
	teg_compact_result result = { .struct_size = sizeof result };
	struct memory mem;
	teg_store *store;

	memory_init(&mem);
	store = open_in(os, &mem);
	OK(teg_compact(store, &options, &result, err));
	teg_store_close(store);
	memory_check(&mem);
	return mem.peak_len;
}

struct listing {
	struct os *os;
	size_t n_files, len;
	uint64_t sum; /* of all files' bytes, order told within each */
};

static int add_file(void *ctx, const char *name)
{
	struct listing *l = ctx;
	char path[128];
	uint64_t sum = 1;
	uint8_t *bytes;
	size_t len;

	snprintf(path, sizeof path, "segments/%s", name);
	OK(os_read_file(l->os, path, SIZE_MAX / 2, teg_allocator_default(), &bytes, &len, err));
	for (size_t i = 0; i < len; i++)
		sum = sum * 0x9e3779b97f4a7c15u + bytes[i];
	l->sum += sum;
	l->n_files++;
	l->len += len;
	mem_free(teg_allocator_default(), bytes, len);
	return 0;
}

static struct listing list(struct os *os)
{
	struct listing l = { .os = os };

	OK(os_list(os, "segments", add_file, &l, err));
	return l;
}

static const struct {
	const char *what;
	size_t n_commits;
	uint64_t range;
	enum shape shape;
} cases[] = {
	{ "cells all over", 6, 1 << 20, CELLS },
	{ "cells with many versions", 6, 60, CELLS },
	{ "a cell with many intervals", 3, 1, INTERVALS },
	{ "texts with one position", 3, 50, TEXTS },
	{ "a cell with intervals that are apart", 4, 1, APART },
	{ "a cell with intervals over one another", 4, 1, LAYERS },
	{ "a few cells with intervals", 4, 3, LAYERS },
	{ "events of one cell", 4, 1, EVENTS },
	{ "texts of one position with intervals", 4, 1, LABELS },
};

Test(memory, changes_nothing_that_is_written)
{
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		struct os *much = make_store(cases[c].n_commits, cases[c].range, cases[c].shape);
		struct os *little = make_store(cases[c].n_commits, cases[c].range, cases[c].shape);
		struct listing want, got;

		compact(much, (size_t)1 << 30);
		compact(little, (size_t)64 << 10);
		want = list(much);
		got = list(little);
		cr_assert_gt(want.n_files, 0, "%s", cases[c].what);
		cr_assert_eq(got.n_files, want.n_files, "%s", cases[c].what);
		cr_assert_eq(got.len, want.len, "%s", cases[c].what);
		cr_assert_eq(got.sum, want.sum, "%s", cases[c].what);
		os_free(much);
		os_free(little);
	}
}

/* Beside what it may take for keys and ranges there are buffers of a tile each. */
Test(memory, does_not_grow_with_what_is_merged)
{
	size_t few, many;
	struct os *os = make_store(4, 1 << 20, CELLS);

	few = compact(os, (size_t)2 << 20);
	os_free(os);
	os = make_store(24, 1 << 20, CELLS);
	many = compact(os, (size_t)2 << 20);
	os_free(os);
	printf("merges of 4 and 24 segments: %zu and %zu KiB\n", few >> 10, many >> 10);
	cr_assert_leq(many, 26u << 20); /* 39 MiB were it not for the limit */
}
