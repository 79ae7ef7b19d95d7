/* A few newer rows over tiles of current ones (base.c, the runs of gather.c and rank.c): before a merge
 * they answer what they answer after it, whole and in parts, now and in the past. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/rng.h"
#include "tests/support/show.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS 280
#define SIDE 20 /* cells along each dimension of the sparse array */
#define NEWS 9
#define COMMITS 3

struct merged {
	struct world world;
	struct rng rng;
	bool table, nulls, deletes;
	uint64_t first_version;
};

static const teg_dimension dims[] = { { .name = "x", .type = { .type = TEG_INT32 } },
	                              { .name = "y", .type = { .type = TEG_INT32 } } };
static const teg_attribute attrs[] = {
	{ .name = "a", .type = { .type = TEG_INT64 } },
	{ .name = "b", .type = { .type = TEG_INT16 }, .nullable = true },
	{ .name = "c", .type = { .type = TEG_UTF8 } },
};

struct rows {
	size_t n;
	int64_t id[ROWS], a[ROWS];
	int32_t x[ROWS], y[ROWS];
	int16_t b[ROWS];
	uint8_t valid[ROWS / 8 + 1];
	int32_t ends[ROWS + 1];
	char text[ROWS * 4];
};

static void fill(struct merged *w, struct rows *rows, size_t n)
{
	rows->n = n;
	rows->ends[0] = 0;
	memset(rows->valid, 0xff, sizeof rows->valid);
	for (size_t i = 0; i < n; i++) {
		uint64_t r = rng_u64(&w->rng) >> 8;

		rows->a[i] = (int64_t)(r % 1000);
		rows->b[i] = (int16_t)(r >> 10 & 63);
		if (w->nulls && r >> 20 & 1)
			rows->valid[i / 8] &= (uint8_t) ~(1u << i % 8);
		rows->ends[i + 1] = rows->ends[i] + (int32_t)(r >> 24 & 3);
		memcpy(rows->text + rows->ends[i], "abcd", 4);
	}
}

static uint64_t commit(teg_txn *txn)
{
	teg_commit_result result = { .struct_size = sizeof result };

	OK(teg_txn_commit(txn, &result, err));
	return result.version;
}

/* As rows of the table (ids given where not fresh) or as cells. */
static void put(struct merged *w, teg_txn *txn, struct rows *rows, bool fresh)
{
	teg_put_options options = { .struct_size = sizeof options,
		                    .row_id_column = w->table && !fresh ? "id" : NULL };
	teg_column columns[] = { { .name = "a", .values = rows->a },
		                 { .name = "b", .values = rows->b, .validity = rows->valid },
		                 { .name = "c", .values = rows->text, .offsets = rows->ends },
		                 { .name = "x", .values = rows->x },
		                 { .name = "y", .values = rows->y } };

	if (w->table)
		columns[3] = (teg_column){ .name = "id", .values = rows->id };
	OK(teg_txn_put(txn, "t", columns, !w->table ? 5 : fresh ? 3 : 4, rows->n, &options, err));
}

static void place(struct merged *w, struct rows *rows, size_t step)
{
	size_t at = step > 1 ? rng_u64(&w->rng) / 256 % step : 0;

	for (size_t i = 0; i < rows->n; i++, at += step) {
		rows->id[i] = (int64_t)at;
		rows->x[i] = (int32_t)(at / SIDE);
		rows->y[i] = (int32_t)(at % SIDE);
	}
}

static void delete_some(struct merged *w, teg_txn *txn)
{
	teg_predicate *predicate;
	char text[40];

	snprintf(text, sizeof text, "a between %u and %u", (unsigned)(w->rng.state % 900),
	         (unsigned)(w->rng.state % 900) + 20);
	OK(teg_predicate_parse(text, NULL, &predicate, err));
	OK(teg_txn_delete_where(txn, "t", NULL, predicate, NULL, NULL, err));
	teg_predicate_free(predicate);
}

static void write_all(struct merged *w)
{
	teg_spec spec = spec_make(w->table ? TEG_TABLE : TEG_SPARSE, w->table ? NULL : dims,
	                          w->table ? 0 : 2, attrs, 3);
	teg_txn *txn = txn_begin(w->world.store);
	static struct rows rows;

	spec.tile_cells = 60;
	OK(teg_txn_create(txn, "t", &spec, err));
	fill(w, &rows, ROWS);
	place(w, &rows, 1);
	put(w, txn, &rows, true);
	w->first_version = commit(txn);
	for (int i = 0; i < COMMITS; i++) {
		txn = txn_begin(w->world.store);
		fill(w, &rows, NEWS);
		place(w, &rows, w->table ? ROWS / NEWS - 1 : SIDE * SIDE / NEWS - 1);
		put(w, txn, &rows, false);
		if (w->deletes)
			delete_some(w, txn);
		commit(txn);
	}
}

/* ---- comparing ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t split(const char *shown, char *text, char **rows)
{
	char *rest = NULL;
	size_t n = 0;

	strcpy(text, shown);
	for (char *row = strtok_r(text, "|", &rest); row; row = strtok_r(NULL, "|", &rest))
		rows[n++] = row;
	return n;
}

/* Tiles of a sparse array come in another order when they are cut otherwise; rows of a table never. */
static void compare(const struct merged *w, const char *got, const char *want, unsigned form)
{
	static char text[2][8192], *rows[2][2 * ROWS];
	size_t n = split(got, text[0], rows[0]);

	if (w->table) {
		cr_assert_str_eq(got, want, "form %u", form);
		return;
	}
	cr_assert_eq(split(want, text[1], rows[1]), n, "form %u", form);
	qsort(rows[0], n, sizeof *rows[0], by_text);
	qsort(rows[1], n, sizeof *rows[1], by_text);
	for (size_t i = 0; i < n; i++)
		cr_assert_str_eq(rows[0][i], rows[1][i], "form %u", form);
}

static void check_scans(struct merged *w, teg_snapshot *apart, teg_snapshot *merged)
{
	teg_range sparse_box[] = { { .lo = { TEG_INT32, { .i = 3 } },
		                     .hi = { TEG_INT32, { .i = 9 } } },
		                   { .lo = { TEG_INT32, { .i = 5 } } } };
	teg_range row_box = int_range(50, 130);
	teg_predicate *predicate;

	OK(teg_predicate_parse("a > 300 and a < 700", NULL, &predicate, err));
	for (unsigned form = 0; form < 40; form++) {
		teg_scan_options options = { .struct_size = sizeof options,
			                     .batch_rows = form & 1 ? 7 : 0,
			                     .predicate = form & 2 ? predicate : NULL,
			                     .version = w->first_version + form / 8 };

		if (form & 4)
			options.box = w->table ? &row_box : sparse_box;
		if (form / 8 < COMMITS + 1)
			options.mode = TEG_SCAN_AS_OF_VERSION;
		compare(w, show_at(apart, "t", &options), show_at(merged, "t", &options), form);
	}
	teg_predicate_free(predicate);
}

static void check_takes(struct merged *w, teg_snapshot *apart, teg_snapshot *merged)
{
	teg_snapshot *snapshots[] = { apart, merged };
	const char *shown[2];
	int64_t ordinals[40];

	for (size_t i = 0; i < 40; i++)
		ordinals[i] = (int64_t)(rng_u64(&w->rng) / 256 % (ROWS / 2));
	for (int s = 0; s < 2; s++) {
		struct ArrowSchema schema;
		struct ArrowArray batch;
		teg_array *array;

		OK(teg_array_open(snapshots[s], "t", &array, err));
		OK(teg_take(array, ordinals, 40, NULL, 0, NULL, &schema, &batch, err));
		shown[s] = show_batch(&schema, &batch);
		schema.release(&schema);
		batch.release(&batch);
		teg_array_close(array);
	}
	cr_assert_str_eq(shown[0], shown[1]);
}

static void check(uint64_t seed)
{
	struct merged w = {
		.rng = { seed }, .table = seed & 1, .nulls = seed & 2, .deletes = seed & 4
	};
	teg_snapshot *apart, *merged;

	world_make(&w.world, (teg_store_options){ .no_auto_compact = true });
	write_all(&w);
	OK(teg_snapshot_open(w.world.store, &apart, err));
	OK(teg_compact(w.world.store, NULL, NULL, err));
	OK(teg_snapshot_open(w.world.store, &merged, err));
	check_scans(&w, apart, merged);
	if (w.table)
		check_takes(&w, apart, merged);
	teg_snapshot_close(apart);
	teg_snapshot_close(merged);
	world_release(&w.world);
}

Test(base, answers_as_after_a_merge) /* X4 */
{
	for (uint64_t seed = 1; seed <= 24; seed++)
		check(seed);
}
