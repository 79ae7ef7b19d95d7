/* What a merge of a dense array holds: 64 MiB, and of many columns the rows of two tiles besides. Grids written over and over, whole and in part, with boxes deleted and filled, with wide
 * columns and with many. The allocator counts every byte that the store has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define MIB ((size_t)1 << 20)
#define MERGE_MAX (64 * MIB)
#define ATTRS_MAX 24

enum width { NUMBERS, VECTORS, TEXTS };

struct grid {
	const char *what;
	int64_t side, extent; /* of the array, of a tile: both axes */
	size_t n_commits;     /* the first writes everything */
	int64_t part;         /* side of what the later ones write, somewhere; 0: everything too */
	size_t n_boxes;       /* deleted or filled between two commits */
	enum width width;
	size_t len, n_attrs; /* bytes of a value, the most of a text; columns */
	bool valid_time;
};

/* Of one commit, row-major: a square, and all attributes' values. */
struct cells {
	int64_t x, y, side;
	size_t n;
	int64_t *xs, *ys;
	uint8_t *values;
	int32_t *offsets;
};

static void cells_init(struct cells *c, const struct grid *grid)
{
	size_t n = (size_t)(grid->side * grid->side);

	c->xs = calloc(n, sizeof *c->xs);
	c->ys = calloc(n, sizeof *c->ys);
	c->offsets = calloc(n + 1, sizeof *c->offsets);
	c->values = calloc(n, grid->len + sizeof(uint64_t));
}

static void cells_release(struct cells *c)
{
	free(c->xs);
	free(c->ys);
	free(c->offsets);
	free(c->values);
}

static void make_up(struct cells *c, const struct grid *grid, bool whole, struct rng *rng)
{
	size_t len = 0;

	c->side = whole || !grid->part ? grid->side : grid->part;
	c->x = (int64_t)rng_below(rng, (uint64_t)(grid->side - c->side + 1));
	c->y = (int64_t)rng_below(rng, (uint64_t)(grid->side - c->side + 1));
	c->n = (size_t)(c->side * c->side);
	for (size_t i = 0; i < c->n; i++) {
		c->xs[i] = c->x + (int64_t)i / c->side;
		c->ys[i] = c->y + (int64_t)i % c->side;
		len += grid->width == TEXTS ? rng_below(rng, grid->len) : grid->len;
		c->offsets[i + 1] = (int32_t)len;
	}
	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		uint64_t bits = rng_u64(rng);

		if (grid->width == TEXTS)
			bits &= UINT64_C(0x3f3f3f3f3f3f3f3f);
		memcpy(c->values + at, &bits, sizeof bits);
	}
}

static teg_spec spec_of(const struct grid *grid, teg_dimension dims[2], teg_attribute *attrs)
{
	static const char *const names[ATTRS_MAX] = { "a", "b", "c", "d", "e", "f", "g", "h",
		                                      "i", "j", "k", "l", "m", "n", "o", "p",
		                                      "q", "r", "s", "t", "u", "v", "w", "z" };
	static const teg_attribute item = { .name = "item", .type = { .type = TEG_INT64 } };
	teg_spec spec;

	dims[0] = axis_within("x", 0, grid->side - 1);
	dims[1] = axis_within("y", 0, grid->side - 1);
	dims[0].extent = dims[1].extent = (uint64_t)grid->extent;
	for (size_t a = 0; a < grid->n_attrs; a++)
		attrs[a] = grid->width == VECTORS
		                   ? vector_of(names[a], &item, (uint32_t)(grid->len / 8))
		                   : attribute_of(names[a],
		                                  grid->width == TEXTS ? TEG_UTF8 : TEG_INT64);
	spec = spec_make(TEG_DENSE, dims, 2, attrs, grid->n_attrs);
	spec.valid_time = grid->valid_time;
	return spec;
}

static void put(teg_txn *txn, const struct grid *grid, const struct cells *c,
                const teg_attribute *attrs, const teg_put_options *options)
{
	const teg_column item = { .name = "item", .values = c->values };
	teg_column columns[2 + ATTRS_MAX] = { { .name = "x", .values = c->xs },
		                              { .name = "y", .values = c->ys } };

	for (size_t a = 0; a < grid->n_attrs; a++) {
		teg_column *column = &columns[2 + a];

		*column = (teg_column){ .name = attrs[a].name, .values = c->values };
		if (grid->width == TEXTS)
			column->offsets = c->offsets;
		if (grid->width == VECTORS)
			*column = (teg_column){ .name = attrs[a].name,
				                .children = &item,
				                .n_children = 1 };
	}
	OK(teg_txn_put(txn, "a", columns, 2 + grid->n_attrs, c->n, options, err));
}

static teg_put_options some_time(const struct grid *grid, struct rng *rng)
{
	teg_put_options options = { .struct_size = sizeof options };

	if (grid->valid_time) {
		options.valid_from = (int64_t)rng_below(rng, 1000);
		options.valid_until = options.valid_from + 1 + (int64_t)rng_below(rng, 1000);
	}
	return options;
}

/* Every second one is filled again. */
static void take_boxes(struct world *w, const struct grid *grid, struct rng *rng)
{
	for (size_t i = 0; i < grid->n_boxes; i++) {
		teg_put_options options = some_time(grid, rng);
		int64_t x = (int64_t)rng_below(rng, (uint64_t)grid->side / 2);
		int64_t y = (int64_t)rng_below(rng, (uint64_t)grid->side / 2);
		int64_t step = grid->side / 4;
		teg_range box[2] = { int_range(x, x + step - 1), int_range(y, y + step - 1) };
		size_t n = (size_t)(step * step);
		int64_t *fill = calloc(n, sizeof *fill);
		teg_buffer buffer = { .name = "a", .values = fill, .values_len = n * sizeof *fill };
		teg_txn *txn = txn_begin(w->store);

		OK(teg_txn_delete_box(txn, "a", box, &options, err));
		txn_commit(txn);
		if (i % 2) {
			txn = txn_begin(w->store);
			OK(teg_txn_put_box(txn, "a", box, &buffer, 1, &options, err));
			txn_commit(txn);
		}
		free(fill);
	}
}

/* The store's files are the memory os's, which has another allocator than the one that counts. */
static void fill(struct world *w, const struct grid *grid)
{
	teg_dimension dims[2];
	teg_attribute attrs[ATTRS_MAX];
	teg_spec spec = spec_of(grid, dims, attrs);
	struct rng rng = { 7 };
	struct cells c;

	memory_init(&w->mem);
	w->os = os_memory_new(teg_allocator_default(), 1);
	memory_set_clock(w->os, 1000000);
	world_open(w, TEG_CREATE_NEW);
	txn_create(w->store, "a", &spec);
	cells_init(&c, grid);
	for (size_t i = 0; i < grid->n_commits; i++) {
		teg_put_options options = some_time(grid, &rng);
		teg_txn *txn = txn_begin(w->store);

		make_up(&c, grid, !i, &rng);
		put(txn, grid, &c, attrs, &options);
		txn_commit(txn);
		take_boxes(w, grid, &rng);
	}
	cells_release(&c);
	world_reopen(w);
}

/* Rows of many columns take more: those of one tile of each output, which has up to 64 Ki of them, wait
 * for its end. */
static size_t most_of(const struct grid *grid)
{
	return grid->n_attrs == 1 ? MERGE_MAX : MERGE_MAX + 2 * 65536 * grid->n_attrs * grid->len;
}

static void merges_within(const struct grid *grid, struct os *os, size_t memory)
{
	teg_compact_options options = { .struct_size = sizeof options, .memory = memory };
	teg_compact_result result = { .struct_size = sizeof result };
	size_t before, peak;
	struct world w = { .os = os };

	memory_init(&w.mem);
	world_open(&w, TEG_CREATE_NO);
	before = w.mem.peak_len = w.mem.live_len;
	OK(teg_compact(w.store, &options, &result, err));
	peak = w.mem.peak_len - before;
	printf("%-28s memory %2zu MiB: %8llu rows, %6.1f MiB in %3llu segments, peak %5.1f MiB\n",
	       grid->what, memory / MIB, (unsigned long long)result.rows_in,
	       (double)result.bytes_in / (double)MIB, (unsigned long long)result.segments_in,
	       (double)peak / (double)MIB);
	cr_expect_geq(result.segments_in, grid->n_commits);
	cr_expect_leq(peak, most_of(grid), "%s: %zu KiB", grid->what, peak >> 10);
	world_release(&w);
}

static void merges(const struct grid *grid)
{
	struct world w;
	struct os *other;

	fill(&w, grid);
	teg_store_close(w.store);
	memory_check(&w.mem);
	other = memory_clone(w.os);
	merges_within(grid, w.os, 0);
	merges_within(grid, other, 8 * MIB);
}

#define MERGE(name, ...)                              \
	Test(dense, name)                             \
	{                                             \
		const struct grid grid = __VA_ARGS__; \
                                                      \
		merges(&grid);                        \
	}

MERGE(whole_tiles, { "whole tiles", 768, 256, 6, 0, 0, NUMBERS, 8, 1, false })
MERGE(parts_of_tiles, { "parts of tiles", 768, 256, 6, 600, 0, NUMBERS, 8, 1, false })
MERGE(boxes, { "boxes deleted and filled", 512, 256, 6, 400, 2, NUMBERS, 8, 1, false })
MERGE(vectors, { "vectors of 4 KiB", 64, 32, 7, 0, 0, VECTORS, 4096, 1, false })
MERGE(parts_of_vectors, { "parts of vectors", 64, 64, 10, 40, 0, VECTORS, 4096, 1, false })
MERGE(texts, { "texts of up to 8 KiB", 64, 32, 7, 0, 0, TEXTS, 8192, 1, false })
MERGE(parts_of_texts, { "parts of texts", 64, 64, 10, 40, 0, TEXTS, 8192, 1, false })
MERGE(columns, { "24 columns", 256, 128, 9, 0, 0, NUMBERS, 8, 24, false })
MERGE(parts_of_columns, { "24 columns, in part", 256, 256, 10, 220, 0, NUMBERS, 8, 24, false })
MERGE(large_tiles, { "24 columns, large tiles", 512, 256, 2, 0, 0, NUMBERS, 8, 24, false })
MERGE(valid_time, { "valid time", 512, 256, 6, 400, 0, NUMBERS, 8, 1, true })
MERGE(valid_boxes, { "valid time, boxes", 512, 256, 6, 300, 2, NUMBERS, 8, 1, true })
