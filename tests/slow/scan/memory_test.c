/* What a scan holds: at most 16 MiB, the largest row, and the batch that the consumer holds,
 * however many segments it merges; and what a put holds that goes beyond the writer's budget. The
 * allocator counts every byte that the store has, idle blocks and index pages included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/rng.h"
#include "tests/support/world.h"

#define MIB ((size_t)1 << 20)
#define SCAN_MAX (16 * MIB)
#define RANGE 1000000

/* Commits, each all over the domain, none merged: tiles of all of them overlap. */
struct shape {
	int segments;
	size_t rows, text_len; /* of a segment; the longest text of a row */
	teg_cells cells;
	bool valid_time;
};
static const struct shape many_segments = { 200, 4000, 40, TEG_CELLS_UNIQUE, false };

struct rows {
	size_t n;
	int64_t *x, *y, *number;
	double *noise;
	int32_t *at;
	char *text;
};

static void rows_init(struct rows *rows, const struct shape *shape)
{
	rows->n = shape->rows;
	rows->x = calloc(rows->n, sizeof *rows->x);
	rows->y = calloc(rows->n, sizeof *rows->y);
	rows->number = calloc(rows->n, sizeof *rows->number);
	rows->noise = calloc(rows->n, sizeof *rows->noise);
	rows->at = calloc(rows->n + 1, sizeof *rows->at);
	rows->text = calloc(rows->n, shape->text_len);
}

static void rows_release(struct rows *rows)
{
	free(rows->x);
	free(rows->y);
	free(rows->number);
	free(rows->noise);
	free(rows->at);
	free(rows->text);
}

static const teg_dimension dims[] = { { .name = "x", .type = { .type = TEG_INT64 } },
	                              { .name = "y", .type = { .type = TEG_INT64 } } };
static const teg_attribute attrs[] = { { .name = "number", .type = { .type = TEG_INT64 } },
	                               { .name = "noise", .type = { .type = TEG_FLOAT64 } },
	                               { .name = "text", .type = { .type = TEG_UTF8 } } };

static teg_spec spec_of_kind(teg_kind kind, const struct shape *shape)
{
	return (teg_spec){ .struct_size = sizeof(teg_spec),
		           .kind = kind,
		           .cells = shape->cells,
		           .valid_time = shape->valid_time,
		           .dimensions = dims,
		           .n_dimensions = kind == TEG_TABLE ? 0 : 2,
		           .attributes = attrs,
		           .n_attributes = 3 };
}

static void make_up(struct rows *rows, size_t text_len, struct rng *rng)
{
	for (size_t i = 0; i < rows->n; i++) {
		size_t len = rng_below(rng, text_len);

		/* Every tenth cell overwrites one of a tenth as many that all commits share. */
		rows->x[i] = (int64_t)rng_below(rng, i % 10 ? RANGE : 100);
		rows->y[i] = (int64_t)rng_below(rng, i % 10 ? RANGE : 1000);
		rows->number[i] = (int64_t)rng_u64(rng);
		rows->noise[i] = rng_unit(rng);
		rows->at[i + 1] = rows->at[i] + (int32_t)len;
		memset(rows->text + rows->at[i], 'a' + (int)rng_below(rng, 26), len);
	}
}

static void put(teg_txn *txn, const struct rows *rows, bool coordinates)
{
	teg_column columns[] = { { .name = "number", .values = rows->number },
		                 { .name = "noise", .values = rows->noise },
		                 { .name = "text", .values = rows->text, .offsets = rows->at },
		                 { .name = "x", .values = rows->x },
		                 { .name = "y", .values = rows->y } };

	OK(teg_txn_put(txn, "a", columns, coordinates ? 5 : 3, rows->n, NULL, err));
}

static void fill(struct world *w, teg_kind kind, const struct shape *shape)
{
	teg_spec spec = spec_of_kind(kind, shape);
	struct rows rows;
	struct rng rng = { 1 };
	teg_txn *txn;

	rows_init(&rows, shape);
	for (int i = 0; i < shape->segments; i++) {
		make_up(&rows, shape->text_len, &rng);
		OK(teg_txn_begin(w->store, NULL, &txn, err));
		if (!i)
			OK(teg_txn_create(txn, "a", &spec, err));
		put(txn, &rows, kind != TEG_TABLE);
		OK(teg_txn_commit(txn, NULL, err));
	}
	rows_release(&rows);
}

/* The store's files are the memory os's, which has another allocator than the one that counts. */
static void world_apart(struct world *w)
{
	memory_init(&w->mem);
	w->os = os_memory_new(teg_allocator_default(), 1);
	memory_set_clock(w->os, 1000000);
	world_open(w, TEG_CREATE_NEW);
}

struct scanned {
	uint64_t n_rows;
	size_t largest_batch, peak;
};

static size_t batch_size(const struct ArrowArray *batch)
{
	size_t size = (size_t)(batch->length * batch->n_children * 8); /* at most, for numbers */

	for (int64_t i = 0; i < batch->n_children; i++) {
		const struct ArrowArray *child = batch->children[i];

		if (child->n_buffers == 3)
			size += (size_t)((const int32_t *)child->buffers[1])[batch->length];
	}
	return size;
}

static void run(struct world *w, const teg_scan_options *options, struct scanned *out)
{
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_array *array;
	teg_scan *scan;
	teg_status status;
	teg_error failure;
	size_t before = w->mem.live_len;

	memset(out, 0, sizeof *out);
	w->mem.peak_len = before;
	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_scan_open(array, options, &scan, err));
	while ((status = teg_scan_next(scan, &batch, &failure)) == TEG_OK) {
		size_t size = batch_size(&batch);

		out->n_rows += (uint64_t)batch.length;
		out->largest_batch = size > out->largest_batch ? size : out->largest_batch;
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END, "%s", failure.message);
	teg_scan_close(scan);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	out->peak = w->mem.peak_len - before;
}

static void stays_within(struct world *w, const char *what, const teg_scan_options *options)
{
	struct scanned scanned;

	world_reopen(w);
	run(w, options, &scanned);
	printf("%-28s %8llu rows, peak %5.1f MiB, largest batch %4.1f MiB\n", what,
	       (unsigned long long)scanned.n_rows, (double)scanned.peak / (double)MIB,
	       (double)scanned.largest_batch / (double)MIB);
	cr_expect_leq(scanned.peak, SCAN_MAX + scanned.largest_batch, "%s: %zu bytes", what,
	              scanned.peak);
}

static void each_scan(struct world *w, teg_kind kind, const struct shape *shape)
{
	teg_predicate *large = NULL;
	const teg_range half = { .lo = { .type = TEG_INT64, .as.i = 1000 },
		                 .hi = { .type = TEG_INT64, .as.i = RANGE / 2 } },
			box[2] = { half, half };
	const char *x[] = { "number" };
	teg_scan_options all = { .struct_size = sizeof all },
			 as_of = { .struct_size = sizeof all,
		                   .mode = TEG_SCAN_AS_OF,
		                   .system_time = 1000000 + shape->segments / 2 },
			 versions = { .struct_size = sizeof all, .mode = TEG_SCAN_ALL_VERSIONS },
			 boxed = { .struct_size = sizeof all, .box = box, .times = true },
			 one = { .struct_size = sizeof all, .columns = x, .n_columns = 1 },
			 filtered = { .struct_size = sizeof all };

	OK(teg_predicate_parse("noise > 0.25 and text <> 'a'", NULL, &large, err));
	filtered.predicate = large;
	stays_within(w, "current", &all);
	stays_within(w, "as of", &as_of);
	stays_within(w, "all versions", &versions);
	stays_within(w, "one column", &one);
	stays_within(w, "filtered", &filtered);
	if (kind != TEG_TABLE)
		stays_within(w, "box, with times", &boxed);
	teg_predicate_free(large);
}

static void scans_of(teg_kind kind, const struct shape *shape)
{
	struct world w;

	world_apart(&w);
	fill(&w, kind, shape);
	each_scan(&w, kind, shape);
	world_release(&w);
}

Test(memory, scan_of_unique_cells)
{
	scans_of(TEG_SPARSE, &many_segments);
}

Test(memory, scan_of_repeated_cells)
{
	struct shape shape = many_segments;

	shape.cells = TEG_CELLS_REPEATED;
	scans_of(TEG_SPARSE, &shape);
}

Test(memory, scan_of_a_table)
{
	scans_of(TEG_TABLE, &many_segments);
}

/* Few tiles, as many rows as a tile can have. */
Test(memory, scan_of_sixteen_full_tiles_that_overlap)
{
	const struct shape shape = { 16, 65536, 40, TEG_CELLS_UNIQUE, false };

	scans_of(TEG_SPARSE, &shape);
}

Test(memory, scan_of_sixteen_full_tiles_with_valid_time)
{
	const struct shape shape = { 16, 65536, 40, TEG_CELLS_REPEATED, true };

	scans_of(TEG_SPARSE, &shape);
}

Test(memory, scan_of_two_full_tiles_that_overlap)
{
	const struct shape shape = { 2, 65536, 40, TEG_CELLS_UNIQUE, true };

	scans_of(TEG_SPARSE, &shape);
}

Test(memory, scan_of_segments_of_ten_thousand_cells)
{
	const struct shape shape = { 100, 10000, 40, TEG_CELLS_UNIQUE, false };

	scans_of(TEG_SPARSE, &shape);
}

Test(memory, scan_of_long_texts)
{
	const struct shape shape = { 12, 8000, 4000, TEG_CELLS_UNIQUE, false };

	scans_of(TEG_SPARSE, &shape);
}

/* One text of 20 MiB between small ones. It is held as it was stored (compressed), as it was before,
 * and in its batch. */
#define LARGE (20 * MIB)

Test(memory, scan_of_a_very_large_row)
{
	static const size_t lens[] = { 100, LARGE, 100, LARGE / 2 };
	const struct shape shape = { 1, 4, 1, TEG_CELLS_UNIQUE, false };
	teg_spec spec = spec_of_kind(TEG_SPARSE, &shape);
	teg_scan_options all = { .struct_size = sizeof all };
	struct scanned scanned;
	struct rows rows;
	struct rng rng = { 1 };
	struct world w;
	teg_txn *txn;

	rows_init(&rows, &shape);
	free(rows.text);
	rows.text = malloc(2 * LARGE);
	for (size_t i = 0; i < rows.n; i++) {
		rows.x[i] = rows.y[i] = (int64_t)i;
		rows.at[i + 1] = rows.at[i] + (int32_t)lens[i];
	}
	for (size_t i = 0; i < (size_t)rows.at[rows.n]; i++)
		rows.text[i] = (char)('a' + rng_below(&rng, 26));
	world_apart(&w);
	for (int commit = 0; commit < 2; commit++) { /* of the same cells: they are resolved */
		OK(teg_txn_begin(w.store, NULL, &txn, err));
		if (!commit)
			OK(teg_txn_create(txn, "a", &spec, err));
		put(txn, &rows, true);
		OK(teg_txn_commit(txn, NULL, err));
	}
	world_reopen(&w);
	run(&w, &all, &scanned);
	printf("a row of 20 MiB: %llu rows, peak %5.1f MiB, largest batch %4.1f MiB\n",
	       (unsigned long long)scanned.n_rows, (double)scanned.peak / (double)MIB,
	       (double)scanned.largest_batch / (double)MIB);
	cr_expect_eq(scanned.n_rows, 4);
	cr_expect_leq(scanned.peak, SCAN_MAX + 2 * LARGE + scanned.largest_batch);
	world_release(&w);
	rows_release(&rows);
}
