/* Ranges, boxes and the cost of reading them, through the public interface. */
#include <string.h>
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS 10000
#define TILE 100
#define SIDE_X 7
#define SIDE_Y 5

struct arrays {
	struct world world;
	struct reading line, plane;
	teg_commit_result result;
	uint64_t n_parts, n_rows, n_bytes, n_segments;
};

static void add_part(void *ctx, const teg_commit_part *part)
{
	struct arrays *w = ctx;

	w->n_parts++;
	w->n_rows += part->n_rows;
	w->n_bytes += part->n_bytes;
	w->n_segments += part->n_segments;
}

static void create_both(teg_txn *txn)
{
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_dimension x = axis_of("x", TEG_INT64);
	teg_dimension plane[] = { axis_within("x", 0, SIDE_X - 1),
		                  axis_within("y", 0, SIDE_Y - 1) };
	teg_spec spec = spec_make(TEG_SPARSE, &x, 1, &v, 1);

	plane[0].extent = 3;
	plane[1].extent = 2;
	spec.tile_cells = TILE;
	OK(teg_txn_create(txn, "line", &spec, err));
	spec = spec_make(TEG_DENSE, plane, 2, &v, 1);
	OK(teg_txn_create(txn, "plane", &spec, err));
}

/* line: v = 3 x for x in 0 .. ROWS - 1; plane: v = 10 x + y, put with the rows upside down. */
static void arrays_init(struct arrays *w)
{
	static int64_t xs[ROWS], vs[ROWS];
	int64_t cells[SIDE_X][SIDE_Y];
	ptrdiff_t strides[] = { -(ptrdiff_t)sizeof cells[0], sizeof cells[0][0] };
	teg_column columns[] = { { .name = "x", .values = xs }, { .name = "v", .values = vs } };
	teg_range all[2] = { 0 };
	teg_buffer buffer = { .name = "v",
		              .values = cells[SIDE_X - 1],
		              .values_len = sizeof cells,
		              .strides = strides };
	teg_txn *txn;

	memset(w, 0, sizeof *w);
	w->result.struct_size = sizeof w->result;
	for (int64_t i = 0; i < ROWS; i++) {
		xs[i] = i;
		vs[i] = 3 * i;
	}
	for (int64_t x = 0; x < SIDE_X; x++)
		for (int64_t y = 0; y < SIDE_Y; y++)
			cells[SIDE_X - 1 - x][y] = 10 * x + y;
	world_make(&w->world, (teg_store_options){ 0 });
	txn = txn_begin(w->world.store);
	create_both(txn);
	OK(teg_txn_put(txn, "line", columns, 2, ROWS, NULL, err));
	OK(teg_txn_put_box(txn, "plane", all, &buffer, 1, NULL, err));
	OK(teg_txn_commit_parts(txn, &w->result, add_part, w, err));
	reading_open(&w->line, w->world.store, "line");
	reading_open(&w->plane, w->world.store, "plane");
}

static void arrays_release(struct arrays *w)
{
	reading_close(&w->line);
	reading_close(&w->plane);
	world_release(&w->world);
}

Test(ranges, the_parts_of_a_commit_add_up) /* B11 */
{
	struct arrays w;

	arrays_init(&w);
	cr_assert_eq(w.n_parts, 2);
	cr_assert_eq(w.result.n_arrays, w.n_parts);
	cr_assert_eq(w.result.n_rows, w.n_rows);
	cr_assert_eq(w.result.n_bytes, w.n_bytes);
	cr_assert_eq(w.result.n_segments, w.n_segments);
	cr_assert_gt(w.n_bytes, 0);
	arrays_release(&w);
}

/* ---- ranges of a sparse array ---- */

#define OPEN      \
	{         \
		0 \
	}
#define AT(n)                    \
	{                        \
		TEG_INT64,       \
		{                \
			.i = (n) \
		}                \
	}

static const struct {
	const char *why;
	teg_range range;
	int64_t n, first; /* rows that lie in it */
} ranges[] = {
	{ "inclusive", { AT(50), AT(120) }, 71, 50 },
	{ "one", { AT(99), AT(99) }, 1, 99 },
	{ "two tiles' seam", { AT(99), AT(100) }, 2, 99 },
	{ "open below", { OPEN, AT(120) }, 121, 0 },
	{ "open above", { AT(9950), OPEN }, 50, 9950 },
	{ "open", { OPEN, OPEN }, ROWS, 0 },
	{ "before all", { AT(-9), AT(-1) }, 0, 0 },
	{ "after all", { AT(ROWS), AT(INT64_MAX) }, 0, 0 },
	{ "beyond both ends", { AT(INT64_MIN), AT(INT64_MAX) }, ROWS, 0 },
	{ "inverted", { AT(120), AT(50) }, 0, 0 },
};

struct found {
	int64_t n, sum;
	teg_scan_stats stats;
};

static struct found scan(const struct reading *at, const teg_range *box, bool no_prune,
                         const char *why)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .box = box,
		                     .no_prune = no_prune };
	struct found found = { .stats.struct_size = sizeof found.stats };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_scan *scan = reading_scan(at, &options);

	OK(teg_scan_schema(scan, &schema, err));
	cr_assert_eq(schema.n_children, 2, "%s", why); /* B10 */
	cr_assert_str_eq(schema.children[0]->name, "x");
	cr_assert_str_eq(schema.children[1]->format, "l");
	schema.release(&schema);
	while (batch_next(scan, &batch)) {
		const struct ArrowArray *v = batch.children[1];

		cr_assert_gt(batch.length, 0);
		for (int64_t i = 0; i < batch.length; i++)
			found.sum += ((const int64_t *)v->buffers[1])[v->offset + i];
		found.n += batch.length;
		batch.release(&batch);
	}
	teg_scan_get_stats(scan, &found.stats);
	teg_scan_close(scan);
	return found;
}

Test(ranges, a_range_gives_its_rows_and_reads_only_their_tiles) /* B5 B10 */
{
	struct arrays w;

	arrays_init(&w);
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		struct found pruned = scan(&w.line, &ranges[i].range, false, ranges[i].why);
		struct found whole = scan(&w.line, &ranges[i].range, true, ranges[i].why);
		int64_t n = ranges[i].n, sum = 3 * (n * ranges[i].first + n * (n - 1) / 2);

		cr_expect_eq(pruned.n, n, "%s: %lld rows", ranges[i].why, (long long)pruned.n);
		cr_expect_eq(pruned.sum, sum, "%s", ranges[i].why);
		cr_expect_eq(whole.n, n, "%s: %lld rows unpruned", ranges[i].why,
		             (long long)whole.n);
		cr_expect_eq(whole.sum, sum, "%s", ranges[i].why);
		cr_expect_leq(pruned.stats.tiles_read, n ? (uint64_t)(n - 1) / TILE + 2 : 0,
		              "%s: %llu tiles", ranges[i].why,
		              (unsigned long long)pruned.stats.tiles_read);
		cr_expect_leq(pruned.stats.tiles_read, whole.stats.tiles_read);
	}
	arrays_release(&w);
}

/* ---- boxes of a dense array ---- */

static void check_box(struct arrays *w, struct rng *rng)
{
	int64_t x0 = (int64_t)rng_below(rng, SIDE_X), y0 = (int64_t)rng_below(rng, SIDE_Y);
	int64_t nx = 1 + (int64_t)rng_below(rng, (uint64_t)(SIDE_X - x0));
	int64_t ny = 1 + (int64_t)rng_below(rng, (uint64_t)(SIDE_Y - y0));
	teg_range box[] = { int_range(x0, x0 + nx - 1), int_range(y0, y0 + ny - 1) };
	int64_t room[SIDE_X * SIDE_Y * 6];
	ptrdiff_t step = 1 + (ptrdiff_t)rng_below(rng, 2); /* in values */
	bool by_column = rng_below(rng, 2), flip_x = rng_below(rng, 2), flip_y = rng_below(rng, 2);
	ptrdiff_t sx = by_column ? step : step * (ptrdiff_t)ny;
	ptrdiff_t sy = by_column ? step * (ptrdiff_t)nx : step;
	ptrdiff_t at =
		(flip_x ? sx * (ptrdiff_t)(nx - 1) : 0) + (flip_y ? sy * (ptrdiff_t)(ny - 1) : 0);
	ptrdiff_t strides[] = { (flip_x ? -sx : sx) * 8, (flip_y ? -sy : sy) * 8 };
	teg_buffer buffer = { .name = "v", .values = room + at, .strides = strides };
	size_t n_written = 0;

	buffer.values_len = 8 * (size_t)(sx * (ptrdiff_t)(nx - 1) + sy * (ptrdiff_t)(ny - 1) + 1);
	for (size_t i = 0; i < sizeof room / sizeof *room; i++)
		room[i] = -7;
	OK(teg_read_box(w->plane.array, box, &buffer, 1, NULL, NULL, err));
	for (int64_t x = 0; x < nx; x++)
		for (int64_t y = 0; y < ny; y++)
			cr_assert_eq(room[at + x * strides[0] / 8 + y * strides[1] / 8],
			             10 * (x0 + x) + y0 + y, "cell %d %d of %d x %d", (int)x,
			             (int)y, (int)nx, (int)ny);
	for (size_t i = 0; i < sizeof room / sizeof *room; i++)
		n_written += room[i] != -7;
	cr_assert_eq(n_written, (size_t)(nx * ny), "bytes between the cells were touched");
}

Test(ranges, boxes_land_where_the_strides_say) /* T3 T4 */
{
	struct rng rng = { 11 };
	struct arrays w;

	arrays_init(&w);
	for (int i = 0; i < 500; i++)
		check_box(&w, &rng);
	arrays_release(&w);
}

/* ---- what looking costs ---- */

Test(ranges, shape_and_version_are_known_without_reading_data) /* T8 T9 */
{
	teg_array_info info = { .struct_size = sizeof info };
	teg_range few = int_range(5000, 5199);
	struct reading at;
	struct arrays w;
	uint64_t read, reads;

	arrays_init(&w);
	read = w.world.os->n_read_bytes;
	reads = w.world.os->n_reads;
	reading_open(&at, w.world.store, "line");
	OK(teg_array_get_info(at.array, &info, err));
	cr_assert_eq(info.n_rows, ROWS);
	cr_assert_eq(teg_snapshot_version(at.snapshot), w.result.version);
	cr_assert_eq(teg_array_spec(at.array)->n_dimensions, 1);
	read = w.world.os->n_read_bytes - read;
	cr_assert_leq(read, 16384, "%llu bytes to look", (unsigned long long)read);
	cr_assert_eq(scan(&at, &few, false, "200 values").n, 200);
	/* The manifest and what it points to, the index, and two columns of three tiles at most. */
	cr_assert_leq(w.world.os->n_reads - reads, 24, "%llu reads",
	              (unsigned long long)(w.world.os->n_reads - reads));
	reading_close(&at);
	arrays_release(&w);
}

static uint64_t rows_now(struct arrays *w, teg_snapshot *snapshot)
{
	teg_array_info info = { .struct_size = sizeof info };
	uint64_t read = w->world.os->n_read_bytes;
	teg_array *array;

	OK(teg_array_open(snapshot, "line", &array, err));
	OK(teg_array_get_info(array, &info, err));
	teg_array_close(array);
	cr_assert_leq(w->world.os->n_read_bytes - read, 16384);
	return info.n_rows;
}

Test(ranges, growth_after_opening_shows_in_a_new_snapshot_only) /* T9 */
{
	const int64_t x = ROWS, v = 3 * ROWS;
	teg_column columns[] = { { .name = "x", .values = &x }, { .name = "v", .values = &v } };
	teg_snapshot *later;
	struct arrays w;

	arrays_init(&w);
	txn_put(w.world.store, "line", columns, 2, 1);
	OK(teg_snapshot_open(w.world.store, &later, err));
	cr_assert_gt(teg_snapshot_version(later), teg_snapshot_version(w.line.snapshot));
	cr_assert_eq(rows_now(&w, later), ROWS + 1);
	cr_assert_eq(rows_now(&w, w.line.snapshot), ROWS);
	teg_snapshot_close(later);
	arrays_release(&w);
}
