#include "engine/write/build.h"
#include <criterion/criterion.h>
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define OPEN INT64_MAX
#define START INT64_MIN
#define OF_COMMIT TEG_TIME_OF_COMMIT

/* One sparse array of one integer dimension and one attribute, the number of the call. */
struct fixture {
	struct memory mem;
	struct arena arena;
	const struct schema *schema;
	struct order order;
	struct rows rows;
};

static void fixture_init(struct fixture *f, teg_cells cells)
{
	teg_dimension dim = { .name = "x", .type = { .type = TEG_INT64 } };
	teg_attribute attr = { .name = "call", .type = { .type = TEG_INT32 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .cells = cells,
		          .valid_time = true,
		          .dimensions = &dim,
		          .n_dimensions = 1,
		          .attributes = &attr,
		          .n_attributes = 1 };

	memory_init(&f->mem);
	arena_init(&f->arena, teg_allocator_default(), SIZE_MAX);
	cr_assert_eq(schema_from_spec(&spec, &f->arena, &f->schema, NULL), TEG_OK);
	order_init(&f->order, f->schema);
	cr_assert_eq(rows_init(&f->rows, f->schema, &f->mem.alloc, NULL), TEG_OK);
}

static void fixture_release(struct fixture *f)
{
	rows_release(&f->rows);
	arena_release(&f->arena);
	memory_check(&f->mem);
}

static void add_i64(struct column_buf *b, int64_t v)
{
	cr_assert_eq(column_buf_append_value(b, span_of(&v, sizeof v), 1), TEG_OK);
}

struct call {
	int64_t key, from, until;
	uint8_t kind;
	int64_t system; /* 0: none of the rows has one */
};

static void add_call(struct fixture *f, const struct call *call)
{
	int32_t number = (int32_t)f->rows.n;

	add_i64(&f->rows.dims[0], call->key);
	if (call->kind == ROW_LIVE)
		cr_assert_eq(column_buf_append_value(&f->rows.attrs[0], span_of(&number, 4), 1),
		             TEG_OK);
	else
		cr_assert_eq(column_buf_append_nulls(&f->rows.attrs[0], 1), TEG_OK);
	add_i64(&f->rows.valid_from, call->from);
	add_i64(&f->rows.valid_until, call->until);
	cr_assert_eq(column_buf_append_value(&f->rows.kind, span_of(&call->kind, 1), 1), TEG_OK);
	if (call->system)
		add_i64(&f->rows.system_from, call->system);
	f->rows.n++;
}

struct outcome {
	teg_status status;
	uint32_t n;
	uint32_t at[400];
	teg_error err;
};

static void make(struct fixture *f, struct outcome *out)
{
	uint32_t perm[200], n = f->rows.n;
	struct order_ties ties;

	memset(out, 0, sizeof *out);
	cr_assert_leq(n, 100);
	ties_init(&ties, &f->mem.alloc);
	cr_assert_eq(rows_sort(&f->rows, &f->order, perm, &ties, NULL), TEG_OK);
	out->status = rows_make_disjoint(&f->rows, perm, n, &ties, out->at, &out->n, &out->err);
	ties_release(&ties);
}

static const struct {
	const char *name;
	teg_cells cells;
	uint32_t n_in, n_out;
	struct call in[5];
	struct {
		int64_t key, from, until;
		int32_t call; /* -1: a tombstone or erasure */
	} out[6];
} cases[] = {
	{ "nothing", 0, 0, 0, { { 0 } }, { { 0 } } },
	{ "later covers earlier",
	  0,
	  2,
	  1,
	  { { 1, 0, 10, 0, 0 }, { 1, 0, 10, 0, 0 } },
	  { { 1, 0, 10, 1 } } },
	{ "later wins the overlap, earlier keeps the start",
	  0,
	  2,
	  2,
	  { { 1, 0, 10, 0, 0 }, { 1, 5, 20, 0, 0 } },
	  { { 1, 0, 5, 0 }, { 1, 5, 20, 1 } } },
	{ "earlier keeps the end",
	  0,
	  2,
	  2,
	  { { 1, 5, 20, 0, 0 }, { 1, 0, 10, 0, 0 } },
	  { { 1, 0, 10, 1 }, { 1, 10, 20, 0 } } },
	{ "earlier is split",
	  0,
	  2,
	  3,
	  { { 1, START, OPEN, 0, 0 }, { 1, 5, 8, 0, 0 } },
	  { { 1, START, 5, 0 }, { 1, 5, 8, 1 }, { 1, 8, OPEN, 0 } } },
	{ "three calls, split twice",
	  0,
	  3,
	  5,
	  { { 1, 0, 100, 0, 0 }, { 1, 10, 20, 0, 0 }, { 1, 30, 40, 0, 0 } },
	  { { 1, 0, 10, 0 },
	    { 1, 10, 20, 1 },
	    { 1, 20, 30, 0 },
	    { 1, 30, 40, 2 },
	    { 1, 40, 100, 0 } } },
	{ "disjoint ones live side by side",
	  0,
	  2,
	  2,
	  { { 1, 20, 30, 0, 0 }, { 1, 0, 10, 0, 0 } },
	  { { 1, 0, 10, 1 }, { 1, 20, 30, 0 } } },
	{ "touching is not overlapping",
	  0,
	  2,
	  2,
	  { { 1, 10, 20, 0, 0 }, { 1, 0, 10, 0, 0 } },
	  { { 1, 0, 10, 1 }, { 1, 10, 20, 0 } } },
	{ "a delete takes part",
	  0,
	  2,
	  3,
	  { { 1, 0, 100, 0, 0 }, { 1, 40, 50, ROW_TOMBSTONE, 0 } },
	  { { 1, 0, 40, 0 }, { 1, 40, 50, -1 }, { 1, 50, 100, 0 } } },
	{ "a put after a delete",
	  0,
	  2,
	  2,
	  { { 1, 0, 100, ROW_TOMBSTONE, 0 }, { 1, 50, 100, 0, 0 } },
	  { { 1, 0, 50, -1 }, { 1, 50, 100, 1 } } },
	{ "other keys are left alone",
	  0,
	  4,
	  4,
	  { { 2, 0, 10, 0, 0 }, { 1, 0, 10, 0, 0 }, { 3, 0, 10, 0, 0 }, { 2, 5, 10, 0, 0 } },
	  { { 1, 0, 10, 1 }, { 2, 0, 5, 0 }, { 2, 5, 10, 3 }, { 3, 0, 10, 2 } } },
	{ "repeated: puts never claim",
	  TEG_CELLS_REPEATED,
	  2,
	  2,
	  { { 1, 0, 10, 0, 0 }, { 1, 0, 10, 0, 0 } },
	  { { 1, 0, 10, 0 }, { 1, 0, 10, 1 } } },
	{ "repeated: a later delete takes the commit's own rows",
	  TEG_CELLS_REPEATED,
	  2,
	  2,
	  { { 1, 0, 30, 0, 0 }, { 1, 0, 20, ROW_TOMBSTONE, 0 } },
	  { { 1, 0, 20, -1 }, { 1, 20, 30, 0 } } },
	{ "repeated: an earlier delete does not",
	  TEG_CELLS_REPEATED,
	  2,
	  2,
	  { { 1, 0, 20, ROW_TOMBSTONE, 0 }, { 1, 0, 30, 0, 0 } },
	  { { 1, 0, 20, -1 }, { 1, 0, 30, 1 } } },
	{ "repeated: deletes are made disjoint",
	  TEG_CELLS_REPEATED,
	  2,
	  2,
	  { { 1, 0, 20, ROW_TOMBSTONE, 0 }, { 1, 10, 30, ROW_TOMBSTONE, 0 } },
	  { { 1, 0, 10, -1 }, { 1, 10, 30, -1 } } },
	{ "an erasure drops what was before",
	  0,
	  3,
	  1,
	  { { 1, 0, 10, 0, 0 }, { 1, 20, 30, 0, 0 }, { 1, START, OPEN, ROW_ERASED, 0 } },
	  { { 1, START, OPEN, -1 } } },
	{ "an erasure stays whole and comes last",
	  0,
	  2,
	  2,
	  { { 1, START, OPEN, ROW_ERASED, 0 }, { 1, 5, 10, 0, 0 } },
	  { { 1, 5, 10, 1 }, { 1, START, OPEN, -1 } } },
	{ "an erasure drops rows of repeated arrays too",
	  TEG_CELLS_REPEATED,
	  3,
	  2,
	  { { 1, 0, 10, 0, 0 }, { 1, START, OPEN, ROW_ERASED, 0 }, { 1, 0, 10, 0, 0 } },
	  { { 1, 0, 10, 2 }, { 1, START, OPEN, -1 } } },
	{ "system times are apart, newest first",
	  0,
	  2,
	  2,
	  { { 1, 0, 10, 0, 100 }, { 1, 5, 10, 0, 200 } },
	  { { 1, 5, 10, 1 }, { 1, 0, 10, 0 } } },
	{ "an erasure drops older system times",
	  0,
	  3,
	  2,
	  { { 1, 0, 10, 0, 100 }, { 1, START, OPEN, ROW_ERASED, 200 }, { 1, 0, 9, 0, 300 } },
	  { { 1, 0, 9, 2 }, { 1, START, OPEN, -1 } } },
	{ "from the commit's time, twice",
	  0,
	  2,
	  1,
	  { { 1, OF_COMMIT, OPEN, 0, 0 }, { 1, OF_COMMIT, OPEN, 0, 0 } },
	  { { 1, OF_COMMIT, OPEN, 1 } } },
	{ "all of time over from the commit's",
	  0,
	  2,
	  1,
	  { { 1, OF_COMMIT, OPEN, 0, 0 }, { 1, START, OPEN, 0, 0 } },
	  { { 1, START, OPEN, 1 } } },
};

Test(disjoint, later_calls_win) /* X14, D4 */
{
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		struct fixture f;
		struct outcome out;

		fixture_init(&f, cases[c].cells);
		for (uint32_t i = 0; i < cases[c].n_in; i++)
			add_call(&f, &cases[c].in[i]);
		make(&f, &out);
		cr_assert_eq(out.status, TEG_OK, "%s", cases[c].name);
		cr_assert_eq(out.n, cases[c].n_out, "%s: %u rows", cases[c].name, out.n);
		for (uint32_t i = 0; i < out.n; i++) {
			uint32_t row = out.at[i];
			struct column attr = column_buf_view(&f.rows.attrs[0]);
			int32_t call = column_valid(&attr, row)
			                       ? ((const int32_t *)(const void *)attr.values)[row]
			                       : -1;

			cr_assert_eq(rows_valid_from(&f.rows, row), cases[c].out[i].from, "%s %u",
			             cases[c].name, i);
			cr_assert_eq(rows_valid_until(&f.rows, row), cases[c].out[i].until, "%s %u",
			             cases[c].name, i);
			cr_assert_eq(call, cases[c].out[i].call, "%s %u", cases[c].name, i);
		}
		fixture_release(&f);
	}
}

static const struct {
	const char *name;
	int64_t row;
	struct call in[2];
} refused[] = {
	{ "explicit after", 1, { { 1, OF_COMMIT, OPEN, 0, 0 }, { 1, 5, 10, 0, 0 } } },
	{ "explicit before", 0, { { 1, 5, 10, 0, 0 }, { 1, OF_COMMIT, OPEN, 0, 0 } } },
	{ "explicit delete",
	  1,
	  { { 1, OF_COMMIT, OPEN, 0, 0 }, { 1, 5, OPEN, ROW_TOMBSTONE, 0 } } },
	{ "all of time before", 0, { { 1, START, OPEN, 0, 0 }, { 1, OF_COMMIT, OPEN, 0, 0 } } },
};

Test(disjoint, the_commits_time_beside_another_interval_is_misuse)
{
	for (size_t c = 0; c < sizeof refused / sizeof *refused; c++) {
		struct fixture f;
		struct outcome out;

		fixture_init(&f, TEG_CELLS_UNIQUE);
		add_call(&f, &refused[c].in[0]);
		add_call(&f, &refused[c].in[1]);
		make(&f, &out);
		cr_assert_eq(out.status, TEG_MISUSE, "%s", refused[c].name);
		cr_assert_eq(out.err.row, refused[c].row, "%s", refused[c].name);
		fixture_release(&f);
	}
}

/* Brute force: for every instant the last call that covers it. */
static int32_t winner(const struct call *calls, uint32_t n, int64_t key, int64_t v)
{
	for (uint32_t i = n; i-- > 0;)
		if (calls[i].key == key && calls[i].from <= v && v < calls[i].until)
			return calls[i].kind == ROW_LIVE ? (int32_t)i : -1;
	return -2;
}

static int32_t stored_at(const struct fixture *f, const struct outcome *out, int64_t key, int64_t v)
{
	struct column attr = column_buf_view(&f->rows.attrs[0]);
	int32_t found = -2, n = 0;

	for (uint32_t i = 0; i < out->n; i++) {
		uint32_t row = out->at[i];

		if (((const int64_t *)(const void *)f->rows.dims[0].values)[row] != key ||
		    rows_valid_from(&f->rows, row) > v || rows_valid_until(&f->rows, row) <= v)
			continue;
		found = column_valid(&attr, row) ? ((const int32_t *)(const void *)attr.values)[row]
		                                 : -1;
		n++;
	}
	cr_assert_leq(n, 1, "two rows at one instant");
	return found;
}

Test(disjoint, agrees_with_brute_force)
{
	struct rng rng = { 31 };

	for (int round = 0; round < 400; round++) {
		struct fixture f;
		struct outcome out;
		struct call calls[40];
		uint32_t n = (uint32_t)rng_below(&rng, 40);

		fixture_init(&f, TEG_CELLS_UNIQUE);
		for (uint32_t i = 0; i < n; i++) {
			int64_t from = (int64_t)rng_below(&rng, 12);

			calls[i] = (struct call){ (int64_t)rng_below(&rng, 3), from,
				                  from + 1 + (int64_t)rng_below(&rng, 8),
				                  rng_below(&rng, 3) ? ROW_LIVE : ROW_TOMBSTONE,
				                  0 };
			add_call(&f, &calls[i]);
		}
		make(&f, &out);
		cr_assert_eq(out.status, TEG_OK);
		for (int64_t key = 0; key < 3; key++)
			for (int64_t v = 0; v < 22; v++)
				cr_assert_eq(stored_at(&f, &out, key, v), winner(calls, n, key, v),
				             "round %d key %d at %d", round, (int)key, (int)v);
		fixture_release(&f);
	}
}

static teg_status make_without_memory(const teg_allocator *alloc, void *ctx)
{
	struct fixture *f = ctx;
	struct rows rows;
	uint32_t perm[8], out[24], n_out, all[4] = { 0, 1, 2, 3 };
	struct order_ties ties;
	teg_status status = rows_init(&rows, f->schema, alloc, NULL);

	if (status != TEG_OK)
		return status;
	ties_init(&ties, alloc);
	status = rows_gather(&rows, &f->rows, all, 4, NULL);
	if (status == TEG_OK)
		status = rows_sort(&rows, &f->order, perm, &ties, NULL);
	if (status == TEG_OK)
		status = rows_make_disjoint(&rows, perm, 4, &ties, out, &n_out, NULL);
	ties_release(&ties);
	rows_release(&rows);
	return status;
}

Test(disjoint, lack_of_memory_is_told_at_every_point)
{
	struct fixture f;
	struct call calls[] = { { 1, 0, 100, 0, 0 },
		                { 1, 10, 20, 0, 0 },
		                { 1, 30, 40, 0, 0 },
		                { 1, 5, 15, ROW_TOMBSTONE, 0 } };

	fixture_init(&f, TEG_CELLS_UNIQUE);
	for (int i = 0; i < 4; i++)
		add_call(&f, &calls[i]);
	memory_fail_each(make_without_memory, &f);
	fixture_release(&f);
}
