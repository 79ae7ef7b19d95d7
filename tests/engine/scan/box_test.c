/* Dense reads: how much of the files they touch, and what they do under failing memory. What slices
 * mean is compared with NumPy in slice_test.py; boxes with a model in tests/model. */
#include <string.h>
#include "engine/os/os.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

static void make(teg_store *store, const int64_t *sides, uint64_t extent, size_t n)
{
	teg_dimension dims[TEG_MAX_DIMENSIONS];
	char names[TEG_MAX_DIMENSIONS][2];
	teg_attribute attr = attribute_of("v", TEG_FLOAT64);
	teg_spec spec = spec_make(TEG_DENSE, dims, n, &attr, 1);

	attr.nullable = true;
	for (size_t d = 0; d < n; d++) {
		memcpy(names[d], (char[]){ (char)('a' + d), 0 }, 2);
		dims[d] = axis_within(names[d], 0, sides[d] - 1);
		dims[d].extent = extent;
	}
	txn_create(store, "a", &spec);
}

/* Puts the box of these lower corners and sides, packed. */
static void put(teg_store *store, const int64_t *lo, const int64_t *sides, size_t n, double *values,
                size_t len)
{
	teg_range box[TEG_MAX_DIMENSIONS];
	teg_buffer buffer = { .name = "v", .values = values, .values_len = len };
	teg_txn *txn = txn_begin(store);

	for (size_t d = 0; d < n; d++)
		box[d] = int_range(lo[d], lo[d] + sides[d] - 1);
	OK(teg_txn_put_box(txn, "a", n ? box : NULL, &buffer, 1, NULL, err));
	txn_commit(txn);
}

static teg_status open_array(teg_store *store, teg_array **array_out, teg_error *err)
{
	teg_snapshot *snapshot;
	teg_status status;

	TEG_TRY(teg_snapshot_open(store, &snapshot, err));
	status = teg_array_open(snapshot, "a", array_out, err);
	teg_snapshot_close(snapshot);
	return status;
}

#define CURVE_CELLS (151 * 40)

Test(box, one_curve_of_many_reads_about_one_tile) /* T2 */
{
	static double values[20 * CURVE_CELLS], out[CURVE_CELLS];
	int64_t sides[] = { 10000, 151, 40 }, some[] = { 20, 151, 40 };
	teg_slice slice = { .kind = TEG_SLICE_INDEX };
	teg_buffer buffer = { .name = "v", .values = out, .values_len = sizeof out };
	struct world w;
	teg_array *array;
	uint64_t bits = 1, before;

	world_make(&w, (teg_store_options){ 0 });
	make(w.store, sides, 0, 3);
	for (size_t i = 0; i < 20 * CURVE_CELLS; i++) { /* nothing that can be compressed */
		bits = bits * 6364136223846793005u + 1442695040888963407u;
		values[i] = (double)(bits >> 11) / 3;
	}
	for (int64_t at = 0; at < 200; at += 20)
		put(w.store, (int64_t[]){ at, 0, 0 }, some, 3, values, sizeof values);
	OK(teg_compact(w.store, NULL, NULL, err));
	OK(open_array(w.store, &array, err));
	OK(teg_read_slice(array, &slice, 1, &buffer, 1, NULL, NULL, err));
	before = w.os->n_read_bytes;
	slice.start = 157;
	OK(teg_read_slice(array, &slice, 1, &buffer, 1, NULL, NULL, err));
	cr_assert_arr_eq(out, values + 17 * CURVE_CELLS, sizeof out);
	cr_assert_lt(w.os->n_read_bytes - before, 6 * sizeof out);
	teg_array_close(array);
	world_release(&w);
}

static const struct {
	size_t rank;
	int64_t sides[TEG_MAX_DIMENSIONS];
	uint64_t n_cells;
} ranks[] = {
	{ 0, { 0 }, 1 },
	{ 1, { 0 }, 0 },
	{ 1, { 7 }, 7 },
	{ 3, { 4, 0, 3 }, 0 },
	{ 16, { 1, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 3, 1, 1, 2 }, 96 },
};

Test(box, any_rank_and_no_cells_at_all) /* T4 */
{
	for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
		double values[96], out[96] = { 0 };
		int64_t lo[TEG_MAX_DIMENSIONS] = { 0 };
		teg_range whole[TEG_MAX_DIMENSIONS] = { 0 };
		teg_buffer buffer = { .name = "v", .values = out, .values_len = sizeof out };
		uint8_t mask[96] = { 0 };
		size_t n_axes, n = ranks[i].n_cells;
		uint64_t shape[TEG_MAX_DIMENSIONS], n_cells = 1;
		struct world w;
		teg_array *array;

		for (size_t k = 0; k < 96; k++)
			values[k] = (double)k + 0.5;
		world_make(&w, (teg_store_options){ 0 });
		make(w.store, ranks[i].sides, 2, ranks[i].rank);
		if (n)
			put(w.store, lo, ranks[i].sides, ranks[i].rank, values, n * 8);
		OK(open_array(w.store, &array, err));
		OK(teg_array_shape(array, NULL, 0, &n_axes, shape, err));
		cr_assert_eq(n_axes, ranks[i].rank);
		for (size_t d = 0; d < n_axes; d++) {
			cr_assert_eq(shape[d], (uint64_t)ranks[i].sides[d]);
			n_cells *= shape[d];
		}
		cr_assert_eq(n_cells, n);
		OK(teg_read_box(array, whole, &buffer, 1, mask, NULL, err));
		cr_assert(!n || !memcmp(out, values, n * 8), "rank %zu", ranks[i].rank);
		for (size_t k = 0; k < 96; k++)
			cr_assert_eq(mask[k], k < n, "rank %zu, cell %zu", ranks[i].rank, k);
		teg_array_close(array);
		world_release(&w);
	}
}

/* One full tile whose cells are of two commits: as of the first, half of its rows answer. */
Test(box, a_part_of_a_full_tile_as_of_one_of_its_commits) /* T2 */
{
	int64_t sides[] = { 8, 8 }, half[] = { 4, 8 };
	double values[64], out[8 * 3];
	uint8_t mask[6];
	teg_buffer buffer = { .name = "v", .values = out + 8, .values_len = 6 * sizeof *out };
	teg_range part[] = { int_range(2, 4), int_range(5, 6) };
	teg_read_options as_of = { .struct_size = sizeof as_of, .mode = TEG_SCAN_AS_OF_VERSION };
	struct world w;
	teg_array *array;

	for (int i = 0; i < 64; i++)
		values[i] = i + 1;
	memset(out, 0x55, sizeof out);
	world_make(&w, (teg_store_options){ 0 });
	make(w.store, sides, 8, 2);
	put(w.store, (int64_t[]){ 0, 0 }, half, 2, values, 32 * 8);
	put(w.store, (int64_t[]){ 4, 0 }, half, 2, values + 32, 32 * 8);
	OK(teg_compact(w.store, NULL, NULL, err));
	OK(open_array(w.store, &array, err));
	as_of.version = 3;
	OK(teg_read_box(array, part, &buffer, 1, mask, &as_of, err));
	for (size_t k = 0; k < 6; k++) {
		cr_assert_eq(mask[k], k < 4, "cell %zu", k);
		cr_assert_eq(out[8 + k], k < 4 ? (double)((2 + k / 2) * 8 + 5 + k % 2 + 1) : 0);
	}
	for (size_t k = 0; k < 8; k++) /* nothing beside the buffer */
		cr_assert(out[k] == out[0] && out[16 + k] == out[0]);
	teg_array_close(array);
	world_release(&w);
}

/* ---- resizing ---- */

static teg_status resize(teg_store *store, const char *name, int64_t hi, teg_error *err)
{
	teg_alter change = { .kind = TEG_ALTER_RESIZE, .name = name, .hi = int_value(hi) };
	teg_txn *txn = txn_begin(store);

	return txn_end(txn, teg_txn_alter(txn, "a", &change, 1, err), err);
}

static void check_rows(teg_store *store, uint64_t n_rows, uint64_t n_written)
{
	double out[100 * 3];
	teg_buffer buffer = { .name = "v", .values = out, .values_len = sizeof out };
	uint64_t shape[TEG_MAX_DIMENSIONS];
	size_t n_axes;
	teg_array *array;

	OK(open_array(store, &array, err));
	OK(teg_array_shape(array, NULL, 0, &n_axes, shape, err));
	cr_assert_eq(shape[0], n_rows);
	OK(teg_read_slice(array, NULL, 0, &buffer, 1, NULL, NULL, err));
	for (size_t i = 0; i < n_rows * 3; i++)
		cr_assert_eq(out[i], i < n_written * 3 ? (double)(i + 1) : 0, "cell %zu", i);
	teg_array_close(array);
}

Test(box, a_dimension_grows_with_its_cells) /* T9 */
{
	int64_t sides[] = { 0, 3 };
	double values[100 * 3];
	struct world w;

	for (int i = 0; i < 300; i++)
		values[i] = i + 1;
	world_make(&w, (teg_store_options){ 0 });
	make(w.store, sides, 4, 2);
	check_rows(w.store, 0, 0);
	for (int64_t n = 0; n < 90;
	     n += 9) { /* crosses 64, where an order by the domain would turn */
		OK(resize(w.store, "a", n + 8, err));
		check_rows(w.store, (uint64_t)n + 9, (uint64_t)n);
		put(w.store, (int64_t[]){ n, 0 }, (int64_t[]){ 9, 3 }, 2, values + n * 3, 27 * 8);
		check_rows(w.store, (uint64_t)n + 9, (uint64_t)n + 9);
	}
	OK(teg_compact(w.store, NULL, NULL, err));
	check_rows(w.store, 90, 90);
	OK(resize(w.store, "a", 99, err));
	OK(resize(w.store, "a", 89, err));
	check_rows(w.store, 90, 90);
	world_release(&w);
}

Test(box, a_dimension_does_not_shrink_over_cells)
{
	static const struct {
		const char *name;
		int64_t hi;
		teg_status status;
	} cases[] = {
		{ "a", 5, TEG_DOMAIN },
		{ "a", -2, TEG_SCHEMA },
		{ "v", 9, TEG_NOT_FOUND },
		{ "nothing", 9, TEG_NOT_FOUND },
	};
	int64_t sides[] = { 9, 3 };
	double values[27] = { 0 };
	struct world w;
	teg_txn *txn;
	teg_buffer buffer = { .name = "v", .values = values, .values_len = sizeof values };
	teg_range whole[2] = { 0 };

	world_make(&w, (teg_store_options){ 0 });
	make(w.store, sides, 4, 2);
	put(w.store, (int64_t[]){ 0, 0 }, (int64_t[]){ 7, 3 }, 2, values, 21 * 8);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_assert_eq(resize(w.store, cases[i].name, cases[i].hi, NULL), cases[i].status,
		             "case %zu", i);
	/* A box staged for the old domain does not follow the array into a smaller one. */
	txn = txn_begin(w.store);
	OK(teg_txn_put_box(txn, "a", whole, &buffer, 1, NULL, err));
	OK(resize(w.store, "a", 6, err));
	cr_assert_eq(teg_txn_commit(txn, NULL, NULL), TEG_CONFLICT);
	teg_txn_abort(txn);
	world_release(&w);
}

/* ---- failing memory ---- */

static teg_status read_slice(teg_array *array)
{
	double out[64];
	uint8_t mask[64], validity[64];
	teg_buffer buffer = {
		.name = "v", .values = out, .values_len = sizeof out, .validity = validity
	};
	teg_slice slices[] = { { .step = -2 }, { .has_start = true, .start = 3, .step = 3 } };

	return teg_read_slice(array, slices, 2, &buffer, 1, mask, NULL, NULL);
}

Test(box, every_allocation_of_a_read_may_fail)
{
	int64_t sides[] = { 9, 11 }, few[] = { 3, 4 };
	double values[99] = { 1, 2, 3 };
	struct world w;
	teg_array *array;
	teg_status status = TEG_NOMEM;

	world_make(&w, (teg_store_options){ 0 });
	make(w.store, sides, 4, 2);
	put(w.store, (int64_t[]){ 0, 0 }, sides, 2, values, sizeof values);
	put(w.store, (int64_t[]){ 2, 2 }, few, 2, values, sizeof values);
	OK(open_array(w.store, &array, err));
	for (size_t n = 1; status != TEG_OK; n++) {
		size_t refused = w.mem.n_refused;

		w.mem.fail_at = w.mem.n_requests + n;
		status = read_slice(array);
		w.mem.fail_at = 0;
		cr_assert_eq(status, w.mem.n_refused > refused ? TEG_NOMEM : TEG_OK, "request %zu",
		             n);
	}
	teg_array_close(array);
	world_release(&w);
}
