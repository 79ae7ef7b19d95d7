#include "engine/write/tiler.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/support/memory.h"
#include "tests/support/segments.h"

static const struct tiler_options fresh = { .array_id = 7, .fresh = true };
static const struct tiler_options compacted = { .array_id = 7 };

/* What is in a segment, tile by tile. */
struct seen {
	uint32_t n;
	struct index_entry entry[64];
	struct column_stats last[64]; /* of the first attribute */
	bool has[64][8];
	uint32_t n_columns[64];
};

static const uint32_t looked_for[8] = { 0,
	                                COLUMN_ID_SYSTEM_FROM,
	                                COLUMN_ID_SUPERSEDED,
	                                COLUMN_ID_VALID_FROM,
	                                COLUMN_ID_VALID_UNTIL,
	                                COLUMN_ID_KIND,
	                                COLUMN_ID_EXACT,
	                                COLUMN_ID_PRESENCE };

static void see_tile(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	struct seen *seen = ctx;

	(void)reader;
	cr_assert_lt(seen->n, 64);
	seen->entry[seen->n] = tile->entry;
	seen->last[seen->n] = tile->entry.stats[0];
	seen->n_columns[seen->n] = tile->header.n_columns;
	for (int i = 0; i < 8; i++)
		seen->has[seen->n][i] = tile_find_column(&tile->header, looked_for[i]) != NULL;
	seen->n++;
}

struct fixture {
	struct memory mem;
	struct segments s;
	struct rows rows;
	struct seen seen;
};

static void fixture_init(struct fixture *f, const teg_spec *spec)
{
	memory_init(&f->mem);
	memset(&f->seen, 0, sizeof f->seen);
	segments_init(&f->s, &f->mem.alloc, spec);
	cr_assert_eq(rows_init(&f->rows, f->s.schema, &f->mem.alloc, NULL), TEG_OK);
}

static void fixture_release(struct fixture *f)
{
	rows_release(&f->rows);
	segments_release(&f->s);
	memory_check(&f->mem);
}

static void write_and_look(struct fixture *f, const struct tiler_options *options)
{
	teg_error err = { 0 };

	cr_assert_eq(segments_write(&f->s, &f->rows, options, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(segments_open(&f->s, &err), TEG_OK, "%s", err.message);
	f->seen.n = 0;
	cr_assert_eq(segments_each(&f->s, see_tile, &f->seen, &err), TEG_OK, "%s", err.message);
}

static const teg_spec *two_dims(teg_kind kind, uint32_t tile_cells, bool text)
{
	static teg_dimension dims[2];
	static teg_attribute attr;
	static teg_spec spec;

	memset(dims, 0, sizeof dims);
	dims[0] = (teg_dimension){ .name = "x", .type = { .type = TEG_INT64 } };
	dims[1] = (teg_dimension){ .name = "y", .type = { .type = TEG_INT64 } };
	for (int d = 0; d < 2; d++) {
		dims[d].lo = (teg_value){ TEG_INT64, { .i = -100 } };
		dims[d].hi = (teg_value){ TEG_INT64, { .i = 899 } };
	}
	attr = (teg_attribute){ .name = "a",
		                .type = { .type = text ? TEG_UTF8 : TEG_INT32 },
		                .nullable = true };
	spec = (teg_spec){ .struct_size = sizeof spec,
		           .kind = kind,
		           .valid_time = true,
		           .dimensions = dims,
		           .n_dimensions = 2,
		           .attributes = &attr,
		           .n_attributes = 1,
		           .tile_cells = tile_cells };
	return &spec;
}

static void add_i64(struct column_buf *b, int64_t v)
{
	cr_assert_eq(column_buf_append_value(b, span_of(&v, sizeof v), 1), TEG_OK);
}

static void add_cell(struct fixture *f, int64_t x, int64_t y, int32_t a)
{
	add_i64(&f->rows.dims[0], x);
	add_i64(&f->rows.dims[1], y);
	cr_assert_eq(column_buf_append_value(&f->rows.attrs[0], span_of(&a, 4), 1), TEG_OK);
	f->rows.n++;
}

/* ---- shapes ---- */

/* side x side cells, of which every `skip`-th is left out (0: none). */
static void fill_square(struct fixture *f, int64_t side, int64_t skip)
{
	for (int64_t i = 0; i < side * side; i++)
		if (!skip || i % skip)
			add_cell(f, i / side, i % side, (int32_t)(i % 9));
}

static const struct {
	const char *name;
	int64_t side, skip;
	enum tile_shape shape;
	bool presence;
} shapes[] = {
	{ "full", 64, 0, TILE_DENSE, false },         { "nine in ten", 64, 10, TILE_DENSE, true },
	{ "three in four", 64, 4, TILE_DENSE, true }, { "half", 64, 2, TILE_SPARSE, false },
	{ "one cell", 1, 0, TILE_DENSE, false },
};

Test(tiler, dense_enough_tiles_become_dense) /* NC3 TILE-12 */
{
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		struct fixture f;

		fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
		fill_square(&f, shapes[i].side, shapes[i].skip);
		write_and_look(&f, &fresh);
		cr_assert_eq(f.seen.n, 1, "%s", shapes[i].name);
		cr_assert_eq(f.seen.entry[0].shape, shapes[i].shape, "%s", shapes[i].name);
		cr_assert_eq(f.seen.has[0][7], shapes[i].presence, "%s", shapes[i].name);
		cr_assert_eq(f.seen.has[0][0], shapes[i].shape == TILE_SPARSE);
		fixture_release(&f);
	}
}

Test(tiler, two_versions_of_a_cell_keep_a_tile_sparse) /* TILE-3 */
{
	struct fixture f;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	fill_square(&f, 20, 0);
	add_cell(&f, 3, 3, 5);
	for (uint32_t i = 0; i < f.rows.n; i++) {
		add_i64(&f.rows.valid_from, i + 1 == f.rows.n ? 50 : 0);
		add_i64(&f.rows.valid_until, INT64_MAX);
	}
	write_and_look(&f, &fresh);
	cr_assert_eq(f.seen.entry[0].shape, TILE_SPARSE);
	cr_assert_eq(f.seen.entry[0].n_rows, 401);
	cr_assert_eq(f.seen.entry[0].valid_from_min, 0);
	cr_assert_eq(f.seen.entry[0].valid_until_max, 50); /* the earlier version ends there */
	cr_assert_eq(f.seen.entry[0].n_open, 400);
	fixture_release(&f);
}

static void check_dense_rows(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	uint32_t *n = ctx;
	struct column_buf x, y, a;

	column_buf_init(&x, COLUMN_FIXED, 8, reader->alloc);
	column_buf_init(&y, COLUMN_FIXED, 8, reader->alloc);
	column_buf_init(&a, COLUMN_FIXED, 4, reader->alloc);
	cr_assert_eq(tile_read_column(reader, tile, 0, 0, tile->header.n_rows, &x, NULL), TEG_OK);
	cr_assert_eq(tile_read_column(reader, tile, 1, 0, tile->header.n_rows, &y, NULL), TEG_OK);
	cr_assert_eq(tile_read_column(reader, tile, 0x100, 0, tile->header.n_rows, &a, NULL),
	             TEG_OK);
	for (uint32_t i = 0; i < tile->header.n_rows; i++) {
		int64_t cx = ((int64_t *)(void *)x.values)[i],
			cy = ((int64_t *)(void *)y.values)[i];

		cr_assert_eq(((int32_t *)(void *)a.values)[i], (int32_t)(cx * 1000 + cy));
	}
	*n += tile->header.n_rows;
	column_buf_release(&x);
	column_buf_release(&y);
	column_buf_release(&a);
}

Test(tiler, dense_arrays_cut_at_every_grid_step) /* CELL-5 */
{
	struct fixture f;
	teg_spec spec = *two_dims(TEG_DENSE, 0, false);
	teg_dimension dims[2] = { spec.dimensions[0], spec.dimensions[1] };
	uint32_t n = 0;

	dims[0].extent = 16;
	dims[1].extent = 10;
	spec.dimensions = dims;
	fixture_init(&f, &spec);
	for (int64_t x = -100; x < -60; x++) /* 2.5 steps by 3 */
		for (int64_t y = -95; y < -65; y++)
			if ((x + y) % 7)
				add_cell(&f, x, y, (int32_t)(x * 1000 + y));
	write_and_look(&f, &fresh);
	cr_assert_eq(f.seen.n, 3 * 4);
	for (uint32_t i = 0; i < f.seen.n; i++) {
		const struct index_entry *e = &f.seen.entry[i];

		cr_assert_eq(e->shape, TILE_DENSE);
		for (int d = 0; d < 2; d++) {
			uint64_t extent = d ? 10 : 16, lo = lane_of_i64(-100);

			cr_assert_eq((e->lo[d] - lo) / extent, (e->hi[d] - lo) / extent);
		}
	}
	cr_assert_eq(segments_each(&f.s, check_dense_rows, &n, NULL), TEG_OK);
	cr_assert_eq(n, f.rows.n);
	fixture_release(&f);
}

Test(tiler, scattered_cells_of_a_dense_array_come_back)
{
	struct fixture f;
	struct rng rng = { 5 };
	uint32_t n = 0;

	fixture_init(&f, two_dims(TEG_DENSE, 0, false));
	for (int i = 0; i < 300; i++) {
		int64_t x = (int64_t)rng_below(&rng, 1000) - 100, y = i * 3 - 100;

		add_cell(&f, x, y, (int32_t)(x * 1000 + y));
	}
	write_and_look(&f, &fresh);
	cr_assert_eq(segments_each(&f.s, check_dense_rows, &n, NULL), TEG_OK);
	cr_assert_eq(n, 300);
	fixture_release(&f);
}

/* ---- where tiles end ---- */

static void add_versions(struct fixture *f, int64_t x, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		add_cell(f, x, 0, (int32_t)i);
		add_i64(&f->rows.valid_from, 10 * (int64_t)i);
		add_i64(&f->rows.valid_until, 10 * (int64_t)i + 10);
	}
}

Test(tiler, the_rows_of_a_cell_stay_together) /* CELL-4 */
{
	static const struct {
		uint32_t runs[4];
		uint32_t tiles[6];
		bool continued[6];
	} cases[] = {
		{ { 4, 4, 4, 4 }, { 8, 8 }, { 0 } },
		{ { 6, 6, 2, 2 }, { 6, 8, 2 }, { 0 } },
		{ { 1, 8, 1, 0 }, { 1, 8, 1 }, { 0 } },
		{ { 20, 3, 0, 0 }, { 8, 8, 7 }, { false, true, true } },
		{ { 2, 17, 0, 0 }, { 2, 8, 8, 1 }, { false, false, true, true } },
		{ { 8, 8, 0, 0 }, { 8, 8 }, { 0 } },
	};

	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		teg_spec spec = *two_dims(TEG_SPARSE, 8, false);
		struct fixture f;

		spec.tile_order = TEG_ORDER_ROW;
		fixture_init(&f, &spec);
		for (int r = 0; r < 4; r++)
			add_versions(&f, r, cases[c].runs[r]);
		write_and_look(&f, &fresh);
		for (uint32_t t = 0; t < 6 && cases[c].tiles[t]; t++) {
			cr_assert_gt(f.seen.n, t, "case %zu", c);
			cr_assert_eq(f.seen.entry[t].n_rows, cases[c].tiles[t],
			             "case %zu tile %u: %llu", c, t,
			             (unsigned long long)f.seen.entry[t].n_rows);
			cr_assert_eq(f.seen.entry[t].continued, cases[c].continued[t],
			             "case %zu tile %u", c, t);
		}
		fixture_release(&f);
	}
}

Test(tiler, long_texts_end_a_tile) /* TILE-2 */
{
	struct fixture f;
	char *text = malloc(1 << 20);
	static const uint64_t want[] = { 4, 4, 2, 1, 1 };

	memset(text, 'x', 1 << 20);
	fixture_init(&f, two_dims(TEG_SPARSE, 0, true));
	for (int i = 0; i < 10; i++) {
		add_i64(&f.rows.dims[0], i);
		add_i64(&f.rows.dims[1], i);
		cr_assert_eq(column_buf_append_value(&f.rows.attrs[0], span_of(text, 1 << 20), 1),
		             TEG_OK);
		f.rows.n++;
	}
	write_and_look(&f, &fresh);
	cr_assert_eq(f.seen.n, 3);
	for (uint32_t t = 0; t < 3; t++) {
		cr_assert_eq(f.seen.entry[t].n_rows, want[t]);
		cr_assert_eq(f.seen.entry[t].column_len_max, want[t] << 20);
	}
	free(text);
	fixture_release(&f);
}

/* The same rows pushed in pieces of any size give the same tiles. */
static uint64_t pushed_in_pieces(struct fixture *f, uint32_t piece, uint64_t *len_out)
{
	struct segment_sink sink;
	struct segment_result result;
	struct tiler *tiler;

	sink_init(&sink, f->s.os, SEGMENT_FILE, SIZE_MAX, &f->mem.alloc);
	cr_assert_eq(tiler_new(f->s.schema, &fresh, &sink, &f->mem.alloc, &tiler, NULL), TEG_OK);
	for (uint32_t from = 0; from < f->rows.n; from += piece) {
		struct rows part;
		uint32_t n = f->rows.n - from < piece ? f->rows.n - from : piece;
		uint32_t *at = calloc(n, sizeof *at);

		cr_assert_eq(rows_init(&part, f->s.schema, &f->mem.alloc, NULL), TEG_OK);
		cr_assert_eq(rows_append(&part, &f->rows, from, n, NULL), TEG_OK);
		for (uint32_t i = 0; i < n; i++)
			at[i] = i;
		cr_assert_eq(tiler_push(tiler, &part, at, n, NULL), TEG_OK);
		rows_release(&part);
		free(at);
	}
	cr_assert_eq(tiler_finish(tiler, &result, NULL), TEG_OK);
	cr_assert(result.inlined);
	*len_out = result.len;
	tiler_free(tiler);
	sink_release(&sink);
	return result.checksum;
}

Test(tiler, however_rows_are_pushed_the_bytes_are_the_same) /* X15 */
{
	static const uint32_t pieces[] = { 1, 3, 8, 9, 64, 1000 };
	teg_spec spec = *two_dims(TEG_SPARSE, 8, false);
	struct fixture f;
	uint64_t len, want_len, want;

	spec.tile_order = TEG_ORDER_ROW;
	fixture_init(&f, &spec);
	for (int r = 0; r < 30; r++)
		add_versions(&f, r, 1 + (uint32_t)(r * 7 % 11));
	want = pushed_in_pieces(&f, f.rows.n, &want_len);
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
		cr_assert_eq(pushed_in_pieces(&f, pieces[p], &len), want, "pieces of %u",
		             pieces[p]);
		cr_assert_eq(len, want_len);
	}
	fixture_release(&f);
}

/* ---- what is stored and what is known of it ---- */

Test(tiler, columns_that_say_nothing_are_left_out) /* TILE-7 */
{
	struct fixture f;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	for (int i = 0; i < 10; i++) {
		uint8_t live = ROW_LIVE, exact = 1;

		add_cell(&f, i * 50, i, i);
		add_i64(&f.rows.valid_from, INT64_MIN);
		add_i64(&f.rows.valid_until, INT64_MAX);
		add_i64(&f.rows.superseded, INT64_MAX);
		add_i64(&f.rows.system_from, 100);
		cr_assert_eq(column_buf_append_value(&f.rows.kind, span_of(&live, 1), 1), TEG_OK);
		cr_assert_eq(column_buf_append_value(&f.rows.exact, span_of(&exact, 1), 1), TEG_OK);
	}
	write_and_look(&f, &fresh);
	for (int c = 1; c < 8; c++)
		cr_assert_not(f.seen.has[0][c], "column %#x", looked_for[c]);
	cr_assert_eq(f.seen.entry[0].system_from_min, 1000); /* the commit's */
	write_and_look(&f, &compacted);
	cr_assert(f.seen.has[0][1]);
	cr_assert_eq(f.seen.entry[0].system_from_max, 100);
	fixture_release(&f);
}

Test(tiler, rows_without_system_times_are_misuse_where_they_are_stored)
{
	struct fixture f;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	add_cell(&f, 1, 1, 1);
	cr_assert_eq(segments_write(&f.s, &f.rows, &compacted, NULL), TEG_MISUSE);
	fixture_release(&f);
}

static void add_row(struct fixture *f, int64_t x, uint8_t kind, int64_t system, int64_t superseded,
                    uint8_t exact)
{
	add_i64(&f->rows.dims[0], x);
	add_i64(&f->rows.dims[1], 0);
	if (kind == ROW_LIVE)
		cr_assert_eq(column_buf_append_value(&f->rows.attrs[0], span_of(&x, 4), 1), TEG_OK);
	else
		cr_assert_eq(column_buf_append_nulls(&f->rows.attrs[0], 1), TEG_OK);
	add_i64(&f->rows.system_from, system);
	add_i64(&f->rows.superseded, superseded);
	cr_assert_eq(column_buf_append_value(&f->rows.kind, span_of(&kind, 1), 1), TEG_OK);
	cr_assert_eq(column_buf_append_value(&f->rows.exact, span_of(&exact, 1), 1), TEG_OK);
	f->rows.n++;
}

Test(tiler, the_index_counts_kinds_times_and_live_values) /* NC1 NC2 STAT-1 STAT-8 STAT-9 */
{
	struct fixture f;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	add_row(&f, 10, ROW_LIVE, 5, 90, 1);
	add_row(&f, 200, ROW_TOMBSTONE, 7, 80, 0);
	add_row(&f, 300, ROW_ERASED, 9, 70, 1);
	add_row(&f, 400, ROW_LIVE, 6, 60, 0);
	cr_assert_eq(column_buf_append_nulls(&f.rows.attrs[0], 0), TEG_OK);
	write_and_look(&f, &compacted);
	cr_assert_eq(f.seen.n, 1);
	{
		const struct index_entry *e = &f.seen.entry[0];

		cr_assert(e->n_rows == 4 && e->n_live == 2 && e->n_tombstones == 1 &&
		          e->n_erased == 1);
		cr_assert(e->system_from_min == 5 && e->system_from_max == 9);
		cr_assert(e->superseded_max == 90 && e->n_inexact == 2);
		cr_assert(e->valid_from_min == INT64_MIN && e->n_open == 4);
		cr_assert(e->lo[0] == lane_of_i64(10) && e->hi[0] == lane_of_i64(400));
		cr_assert(f.seen.last[0].n_nulls == 0 && f.seen.last[0].has_bounds);
		cr_assert(f.seen.last[0].min == lane_of_i64(10));
		cr_assert(f.seen.last[0].max == lane_of_i64(400));
	}
	fixture_release(&f);
}

static void check_kinds_refused(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	static const uint32_t first_two[] = { 0, 1 };
	uint8_t *kind = ctx;
	struct column_buf kinds;
	teg_error why = { 0 };

	column_buf_init(&kinds, COLUMN_FIXED, 1, reader->alloc);
	cr_assert_eq(tile_read_column(reader, tile, COLUMN_ID_KIND, 0, tile->header.n_rows, &kinds,
	                              &why),
	             *kind > ROW_KIND_MAX ? TEG_CORRUPT : TEG_OK, "kind %u: %s", *kind,
	             why.message);
	cr_assert_str_eq(why.column, *kind > ROW_KIND_MAX ? "row_kind" : "", "%s", why.message);
	cr_assert_eq(why.file[0] != 0, *kind > ROW_KIND_MAX);
	column_buf_clear(&kinds);
	/* Where it is not among the rows that are asked for, nobody has looked at it. */
	cr_assert_eq(tile_gather_column(reader, tile, COLUMN_ID_KIND, first_two, 2, &kinds, &why),
	             TEG_OK);
	column_buf_release(&kinds);
}

Test(tiler, a_kind_that_there_is_not_is_damage_and_never_live) /* NC1 */
{
	for (uint8_t kind = ROW_TOMBSTONE; kind <= 5; kind++) {
		struct fixture f;

		fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
		add_row(&f, 10, ROW_LIVE, 5, INT64_MAX, 0);
		add_row(&f, 20, ROW_TOMBSTONE, 5, INT64_MAX, 0);
		add_row(&f, 30, kind, 5, INT64_MAX, 0);
		write_and_look(&f, &compacted);
		cr_assert_eq(segments_each(&f.s, check_kinds_refused, &kind, NULL), TEG_OK);
		fixture_release(&f);
	}
}

Test(tiler, a_tile_of_erasures_alone) /* NC1: no attribute has a value */
{
	struct fixture f;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	add_row(&f, 10, ROW_ERASED, 5, INT64_MAX, 0);
	add_row(&f, 20, ROW_ERASED, 5, INT64_MAX, 0);
	write_and_look(&f, &compacted);
	cr_assert(f.seen.entry[0].n_live == 0 && f.seen.entry[0].n_erased == 2);
	cr_assert_not(f.seen.last[0].has_bounds);
	cr_assert_eq(f.seen.last[0].n_nulls, 0);
	fixture_release(&f);
}

/* ---- box tiles ---- */

static void check_box(void *ctx, const struct tile *tile, struct tile_reader *reader)
{
	struct column_buf kind, from, until, system;

	(void)ctx;
	column_buf_init(&kind, COLUMN_FIXED, 1, reader->alloc);
	column_buf_init(&from, COLUMN_FIXED, 8, reader->alloc);
	column_buf_init(&until, COLUMN_FIXED, 8, reader->alloc);
	column_buf_init(&system, COLUMN_FIXED, 8, reader->alloc);
	cr_assert_eq(tile->header.shape, TILE_BOX);
	cr_assert_eq(tile->header.hi[1], UINT64_MAX);
	cr_assert_eq(tile_read_column(reader, tile, COLUMN_ID_KIND, 0, 1, &kind, NULL), TEG_OK);
	cr_assert_eq(tile_read_column(reader, tile, COLUMN_ID_VALID_FROM, 0, 1, &from, NULL),
	             TEG_OK);
	cr_assert_eq(tile_read_column(reader, tile, COLUMN_ID_VALID_UNTIL, 0, 1, &until, NULL),
	             TEG_OK);
	cr_assert_eq(tile_read_column(reader, tile, COLUMN_ID_SYSTEM_FROM, 0, 1, &system, NULL),
	             TEG_OK);
	cr_assert_eq(kind.values[0], ROW_TOMBSTONE);
	/* From the commit's time, which is the reference's. */
	cr_assert_eq(*(int64_t *)(void *)from.values, 1000);
	cr_assert_eq(*(int64_t *)(void *)until.values, INT64_MAX);
	cr_assert_eq(*(int64_t *)(void *)system.values, 1000);
	column_buf_release(&kind);
	column_buf_release(&from);
	column_buf_release(&until);
	column_buf_release(&system);
}

Test(tiler, a_box_of_any_size_is_one_small_tile) /* TILE-1 TILE-10 */
{
	struct fixture f;
	struct row_box box = { { { 0, 0 }, { UINT64_MAX, UINT64_MAX } },
		               ROW_TOMBSTONE,
		               0,
		               TEG_TIME_OF_COMMIT,
		               INT64_MAX };
	struct segment_sink sink;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	sink_init(&sink, f.s.os, SEGMENT_FILE, 0, &f.mem.alloc);
	cr_assert_eq(write_sorted_boxes(&f.rows, &box, 1, &fresh, &sink, &f.mem.alloc, &f.s.result,
	                                NULL),
	             TEG_OK);
	cr_assert_eq(sink_finish(&sink, NULL), TEG_OK);
	sink_release(&sink);
	cr_assert_lt(f.s.result.len, 700);
	f.s.ref = (struct segment_ref){ .len = f.s.result.len,
		                        .checksum = f.s.result.checksum,
		                        .fresh = true,
		                        .system_time = 1000 };
	cr_assert_eq(segments_open(&f.s, NULL), TEG_OK);
	cr_assert_eq(segments_each(&f.s, check_box, NULL, NULL), TEG_OK);
	cr_assert_eq(f.s.result.root.n_tombstones, 1);
	fixture_release(&f);
}

/* ---- sinks ---- */

Test(tiler, small_segments_stay_in_memory_and_large_ones_go_to_a_file)
{
	struct fixture f;
	struct segment_sink sink;
	uint8_t byte[300] = { 0 };
	struct os_stat stat;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	sink_init(&sink, f.s.os, SEGMENT_FILE, 500, &f.mem.alloc);
	cr_assert_eq(sink_write(&sink, span_of(byte, 300), NULL), TEG_OK);
	cr_assert_null(sink.file);
	cr_assert_eq(os_stat(f.s.os, SEGMENT_FILE, &stat, NULL), TEG_NOT_FOUND);
	cr_assert_eq(sink_write(&sink, span_of(byte, 300), NULL), TEG_OK);
	cr_assert_not_null(sink.file);
	cr_assert_eq(sink_finish(&sink, NULL), TEG_OK);
	sink_release(&sink);
	cr_assert_eq(os_stat(f.s.os, SEGMENT_FILE, &stat, NULL), TEG_OK);
	cr_assert_eq(stat.size, 600);
	fixture_release(&f);
}

Test(tiler, a_file_that_was_not_finished_goes)
{
	struct fixture f;
	struct segment_sink sink;
	struct os_stat stat;

	fixture_init(&f, two_dims(TEG_SPARSE, 0, false));
	sink_init(&sink, f.s.os, SEGMENT_FILE, 0, &f.mem.alloc);
	cr_assert_eq(sink_write(&sink, span_of_text("half"), NULL), TEG_OK);
	cr_assert_eq(os_stat(f.s.os, SEGMENT_FILE, &stat, NULL), TEG_OK);
	sink_release(&sink);
	cr_assert_eq(os_stat(f.s.os, SEGMENT_FILE, &stat, NULL), TEG_NOT_FOUND);
	fixture_release(&f);
}
