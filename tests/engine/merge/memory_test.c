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

enum shape { CELLS, TEXTS, INTERVALS };

static void create(teg_txn *txn, enum shape shape)
{
	teg_dimension dims[] = { { .name = "x",
		                   .type = { .type = shape == TEXTS ? TEG_UTF8 : TEG_INT64 } },
		                 { .name = "y", .type = { .type = TEG_INT64 } } };
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .valid_time = shape == INTERVALS,
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

static void make_up(struct cells *c, struct rng *rng, uint64_t range)
{
	for (size_t i = 0; i < N_CELLS; i++) {
		c->x[i] = (int64_t)rng_below(rng, range);
		c->y[i] = (int64_t)rng_below(rng, range);
		c->v[i] = (int64_t)rng_u64(rng);
		c->from[i] = (int64_t)i * 10;
		c->until[i] = c->from[i] + 10;
		/* Texts that share the bytes that positions are made of. */
		memcpy(c->names + 12 * i, "prefixed", 8);
		for (size_t k = 8; k < 12; k++)
			c->names[12 * i + k] = (char)('a' + rng_below(rng, 20));
		c->offsets[i + 1] = (int32_t)(12 * i + 12);
	}
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
	bool intervals = shape == INTERVALS;
	teg_txn *txn;

	if (shape == TEXTS)
		columns[0] = (teg_column){ .name = "x", .values = c->names, .offsets = c->offsets };
	OK(teg_txn_begin(store, NULL, &txn, err));
	if (first)
		create(txn, shape);
	OK(teg_txn_put(txn, "a", columns, intervals ? 5 : 3, N_CELLS, intervals ? &options : NULL,
	               err));
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
		put(store, c, shape, i == 0);
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
	uint64_t sum; /* of all bytes, order told */
};

static int add_file(void *ctx, const char *name)
{
	struct listing *l = ctx;
	char path[128];
	uint8_t *bytes;
	size_t len;

	snprintf(path, sizeof path, "segments/%s", name);
	OK(os_read_file(l->os, path, SIZE_MAX / 2, teg_allocator_default(), &bytes, &len, err));
	for (size_t i = 0; i < len; i++)
		l->sum = l->sum * 0x9e3779b97f4a7c15u + bytes[i];
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
