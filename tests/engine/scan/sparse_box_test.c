/* Boxes of one large tile against every cell looked at: the leading dimension is searched in its
 * pages, the other one compared, and the rows that stay are gathered. */
#include <criterion/criterion.h>
#include "engine/os/memory.h"
#include "engine/tegula.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/rng.h"

#define CELLS 40000 /* of eight random bytes: many pages of the leading dimension */

static int64_t x[CELLS], y[CELLS], v[CELLS];

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
};

/* `spread` values of x; 0: all there are. */
static void open_world(struct world *w, uint64_t spread)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	teg_dimension dims[] = { { .name = "x", .type = { .type = TEG_INT64 } },
		                 { .name = "y", .type = { .type = TEG_INT64 } } };
	teg_attribute attribute = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .cells = TEG_CELLS_REPEATED,
		          .dimensions = dims,
		          .n_dimensions = 2,
		          .attributes = &attribute,
		          .n_attributes = 1 };
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "y", .values = y },
		                 { .name = "v", .values = v } };
	struct rng rng = { spread };
	teg_txn *txn;

	for (size_t i = 0; i < CELLS; i++) {
		x[i] = spread ? (int64_t)rng_below(&rng, spread) : (int64_t)rng_u64(&rng);
		y[i] = (int64_t)rng_below(&rng, 1000) - 500;
		v[i] = (int64_t)i;
	}
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	options.allocator = &w->mem.alloc;
	options.os = w->os;
	OK(teg_store_open(NULL, &options, &w->store, err));
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_put(txn, "a", columns, 3, CELLS, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
	OK(teg_snapshot_open(w->store, &w->snapshot, err));
	OK(teg_array_open(w->snapshot, "a", &w->array, err));
}

static void close_world(struct world *w)
{
	teg_array_close(w->array);
	teg_snapshot_close(w->snapshot);
	teg_store_close(w->store);
	os_free(w->os);
	memory_check(&w->mem);
}

static teg_value number(int64_t n)
{
	return (teg_value){ .type = TEG_INT64, .as.i = n };
}

static void check(struct world *w, int64_t x0, int64_t x1, int64_t y0, int64_t y1)
{
	teg_range box[] = { { number(x0), number(x1) }, { number(y0), number(y1) } };
	teg_scan_options options = { .struct_size = sizeof options, .box = box };
	size_t n = 0, want = 0;
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status s;

	OK(teg_scan_open(w->array, &options, &scan, err));
	while ((s = teg_scan_next(scan, &batch, NULL)) == TEG_OK) {
		const int64_t *i = batch.children[2]->buffers[1];

		for (int64_t k = 0; k < batch.length; k++)
			cr_assert(x[i[k]] >= x0 && x[i[k]] <= x1 && y[i[k]] >= y0 && y[i[k]] <= y1);
		n += (size_t)batch.length;
		batch.release(&batch);
	}
	cr_assert_eq(s, TEG_END);
	teg_scan_close(scan);
	for (size_t i = 0; i < CELLS; i++)
		want += x[i] >= x0 && x[i] <= x1 && y[i] >= y0 && y[i] <= y1;
	cr_assert_eq(n, want, "%lld to %lld", (long long)x0, (long long)x1);
}

static void check_many(uint64_t spread)
{
	struct rng rng = { spread + 1 };
	struct world w;

	open_world(&w, spread);
	for (int i = 0; i < 60; i++) {
		int64_t a = x[rng_below(&rng, CELLS)], b = x[rng_below(&rng, CELLS)];
		int64_t c = y[rng_below(&rng, CELLS)], d = y[rng_below(&rng, CELLS)];

		check(&w, a < b ? a : b, a < b ? b : a, c < d ? c : d, c < d ? d : c);
		check(&w, a, a, -500, i % 2 ? 499 : d);
	}
	check(&w, INT64_MIN + 1, INT64_MAX - 1, 0, 0);
	check(&w, INT64_MIN + 1, x[0], -10, 10);
	check(&w, x[0], INT64_MAX - 1, -10, 10);
	close_world(&w);
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
