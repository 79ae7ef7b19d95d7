/* Boxes of one large tile against every cell looked at: the leading dimension is searched in its
 * pages, the other one compared, and the rows that stay are gathered. */
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define CELLS 40000 /* of eight random bytes: many pages of the leading dimension */

static int64_t x[CELLS], y[CELLS], v[CELLS];

/* `spread` values of x; 0: all there are. */
static void fill(struct world *w, uint64_t spread)
{
	teg_dimension dims[] = { axis_of("x", TEG_INT64), axis_of("y", TEG_INT64) };
	teg_attribute attribute = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, dims, 2, &attribute, 1);
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "y", .values = y },
		                 { .name = "v", .values = v } };
	struct rng rng = { spread };

	for (size_t i = 0; i < CELLS; i++) {
		x[i] = spread ? (int64_t)rng_below(&rng, spread) : (int64_t)rng_u64(&rng);
		y[i] = (int64_t)rng_below(&rng, 1000) - 500;
		v[i] = (int64_t)i;
	}
	spec.cells = TEG_CELLS_REPEATED;
	txn_create(w->store, "a", &spec);
	txn_put(w->store, "a", columns, 3, CELLS);
}

static void check(const struct reading *at, int64_t x0, int64_t x1, int64_t y0, int64_t y1)
{
	teg_range box[] = { int_range(x0, x1), int_range(y0, y1) };
	teg_scan_options options = { .struct_size = sizeof options, .box = box };
	size_t n = 0, want = 0;
	struct ArrowArray batch;
	teg_scan *scan = reading_scan(at, &options);

	while (batch_next(scan, &batch)) {
		const int64_t *i = batch.children[2]->buffers[1];

		for (int64_t k = 0; k < batch.length; k++)
			cr_assert(x[i[k]] >= x0 && x[i[k]] <= x1 && y[i[k]] >= y0 && y[i[k]] <= y1);
		n += (size_t)batch.length;
		batch.release(&batch);
	}
	teg_scan_close(scan);
	for (size_t i = 0; i < CELLS; i++)
		want += x[i] >= x0 && x[i] <= x1 && y[i] >= y0 && y[i] <= y1;
	cr_assert_eq(n, want, "%lld to %lld", (long long)x0, (long long)x1);
}

static void check_many(uint64_t spread)
{
	struct rng rng = { spread + 1 };
	struct reading at;
	struct world w;

	world_make(&w, (teg_store_options){ 0 });
	fill(&w, spread);
	reading_open(&at, w.store, "a");
	for (int i = 0; i < 60; i++) {
		int64_t a = x[rng_below(&rng, CELLS)], b = x[rng_below(&rng, CELLS)];
		int64_t c = y[rng_below(&rng, CELLS)], d = y[rng_below(&rng, CELLS)];

		check(&at, a < b ? a : b, a < b ? b : a, c < d ? c : d, c < d ? d : c);
		check(&at, a, a, -500, i % 2 ? 499 : d);
	}
	check(&at, INT64_MIN + 1, INT64_MAX - 1, 0, 0);
	check(&at, INT64_MIN + 1, x[0], -10, 10);
	check(&at, x[0], INT64_MAX - 1, -10, 10);
	reading_close(&at);
	world_release(&w);
}

Test(sparse_box, of_wide_coordinates_finds_what_lies_inside)
{
	check_many(0);
}

Test(sparse_box, of_close_coordinates_finds_what_lies_inside)
{
	check_many(30000);
}

Test(sparse_box, of_runs_finds_what_lies_inside)
{
	check_many(5);
}
