#include "engine/write/partition.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define N 300000u

struct fixture {
	struct arena arena;
	const struct schema *schema;
	struct rows rows, before;
	uint32_t *perm, *want;
	uint32_t n; /* of perm: some rows are in no tile */
};

static void add_row(struct rows *rows, uint32_t i, struct rng *rng)
{
	uint64_t key = rng_u64(rng);
	char text[40];
	int len = snprintf(text, sizeof text, "%.*s%u", (int)rng_below(rng, 20),
	                   "a text of some length", i % 1000);
	uint8_t fixed[5] = { (uint8_t)i, (uint8_t)(i >> 8), 3, 4, 5 };
	uint16_t small = (uint16_t)i;

	column_buf_append_value(&rows->dims[0], span_of(&key, 8), 1);
	if (i % 7)
		column_buf_append_value(&rows->attrs[0], span_of(text, (size_t)len), 1);
	else
		column_buf_append_nulls(&rows->attrs[0], 1);
	column_buf_append_value(&rows->attrs[1], span_of(fixed, 5), 1);
	column_buf_append_value(&rows->attrs[2], span_of(&small, 2), 1);
	if (i % 3)
		column_buf_append_value(&rows->attrs[3], span_of(&key, 8), 1);
	else
		column_buf_append_nulls(&rows->attrs[3], 1);
	column_buf_append_value(&rows->valid_from, span_of(&key, 8), 1);
	rows->n++;
}

static void fixture_init(struct fixture *f, const teg_allocator *alloc)
{
	teg_dimension dim = { .name = "x", .type = { .type = TEG_UINT64 } };
	teg_attribute attrs[] = {
		{ .name = "t", .type = { .type = TEG_UTF8 }, .nullable = true },
		{ .name = "f", .type = { .type = TEG_FIXED_BYTES, .fixed_len = 5 } },
		{ .name = "s", .type = { .type = TEG_UINT16 } },
		{ .name = "i", .type = { .type = TEG_INT64 }, .nullable = true },
	};
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .valid_time = true,
		          .dimensions = &dim,
		          .n_dimensions = 1,
		          .attributes = attrs,
		          .n_attributes = 4 };
	struct rng rng = { 41 };

	arena_init(&f->arena, teg_allocator_default(), SIZE_MAX);
	cr_assert_eq(schema_from_spec(&spec, &f->arena, &f->schema, NULL), TEG_OK);
	cr_assert_eq(rows_init(&f->rows, f->schema, alloc, NULL), TEG_OK);
	cr_assert_eq(rows_init(&f->before, f->schema, teg_allocator_default(), NULL), TEG_OK);
	for (uint32_t i = 0; i < N; i++)
		add_row(&f->rows, i, &rng);
	cr_assert_eq(rows_append(&f->before, &f->rows, 0, N, NULL), TEG_OK);
	f->perm = malloc(N * sizeof *f->perm);
	f->want = malloc(N * sizeof *f->want);
	for (uint32_t i = 0; i < N; i++)
		f->perm[i] = i;
	for (uint32_t i = N - 1; i > 0; i--) {
		uint32_t k = (uint32_t)rng_below(&rng, i + 1u), swap = f->perm[i];

		f->perm[i] = f->perm[k];
		f->perm[k] = swap;
	}
	f->n = N - 1000;
	memcpy(f->want, f->perm, N * sizeof *f->want);
}

static void fixture_release(struct fixture *f)
{
	rows_release(&f->rows);
	rows_release(&f->before);
	arena_release(&f->arena);
	free(f->perm);
	free(f->want);
}

static void check_column(const struct fixture *f, const struct column_buf *got,
                         const struct column_buf *want, const char *name)
{
	struct column a = column_buf_view(got), b = column_buf_view(want);

	cr_assert_eq(a.n, f->rows.n);
	cr_assert_eq(got->n_nulls, column_n_nulls(&a));
	for (uint32_t k = 0; k < f->n; k++) {
		bool valid = column_valid(&b, f->want[k]);

		if (column_valid(&a, f->perm[k]) != valid ||
		    (valid &&
		     !span_equal(column_value(&a, f->perm[k]), column_value(&b, f->want[k]))))
			cr_assert_fail("%s, place %u", name, k);
	}
}

static void check_all(const struct fixture *f)
{
	check_column(f, &f->rows.dims[0], &f->before.dims[0], "x");
	for (int a = 0; a < 4; a++)
		check_column(f, &f->rows.attrs[a], &f->before.attrs[a], f->schema->attrs[a].name);
	check_column(f, &f->rows.valid_from, &f->before.valid_from, "valid_from");
	cr_assert_eq(f->rows.kind.n, 0);
}

Test(partition, names_the_same_rows_in_the_same_order_nearer_by)
{
	struct memory mem;
	struct fixture f;

	memory_init(&mem);
	fixture_init(&f, &mem.alloc);
	rows_partition(&f.rows, f.perm, f.n);
	check_all(&f);
	for (uint32_t k = 0; k < f.n; k++)
		cr_assert_eq(f.perm[k] >> 16, k >> 16, "place %u", k);
	cr_assert_eq(f.rows.n, f.n); /* the others are gone */
	fixture_release(&f);
	memory_check(&mem);
}

/* Rows of one cell, wherever a part ends: in the order of the calls, and none apart. */
Test(partition, keeps_the_order_of_a_cells_rows)
{
	static const uint32_t runs[] = { 3, 1000, 70000 };

	for (size_t r = 0; r < 3; r++) {
		struct fixture f;

		fixture_init(&f, teg_allocator_default());
		for (uint32_t k = 0; k < N; k++) {
			uint64_t key = k / runs[r];

			memcpy(f.rows.dims[0].values + 8 * (size_t)f.perm[k], &key, 8);
			memcpy(f.before.dims[0].values + 8 * (size_t)f.perm[k], &key, 8);
		}
		/* Stored order is any order; call order is that of the row numbers. */
		rows_partition(&f.rows, f.perm, f.n);
		check_all(&f);
		for (uint32_t k = 1; k < f.n; k++)
			if (k / runs[r] == (k - 1) / runs[r])
				cr_assert_eq(f.perm[k - 1] < f.perm[k], f.want[k - 1] < f.want[k],
				             "run of %u, place %u", runs[r], k);
		fixture_release(&f);
	}
}

Test(partition, changes_nothing_without_memory)
{
	struct memory mem;
	struct fixture f;

	memory_init(&mem);
	fixture_init(&f, &mem.alloc);
	for (size_t n = 1; n < 12; n++) {
		size_t refused = mem.n_refused;

		mem.fail_at = mem.n_requests + n;
		rows_partition(&f.rows, f.perm, f.n);
		mem.fail_at = 0;
		if (mem.n_refused == refused)
			break;
		cr_assert_arr_eq(f.perm, f.want, f.n * sizeof *f.perm);
		check_all(&f);
	}
	fixture_release(&f);
	memory_check(&mem);
}

Test(partition, leaves_few_rows_where_they_are)
{
	struct fixture f;

	fixture_init(&f, teg_allocator_default());
	rows_partition(&f.rows, f.perm, 1000);
	cr_assert_arr_eq(f.perm, f.want, 1000 * sizeof *f.perm);
	fixture_release(&f);
}
