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

/* ---- dealing by keys ---- */

/* The bits of the row's x that a word holds; skewed: nearly all rows have one of two keys. */
static uint64_t word_of(uint64_t x, uint32_t i, uint32_t w, unsigned high, bool skewed)
{
	if (w)
		return x * (w + 1);
	return skewed && i % 1000 ? x >> 63 : x >> (64 - high);
}

static void fill_words(const struct fixture *f, struct column_buf *words, uint32_t n_words,
                       unsigned n_bits, bool skewed)
{
	const uint64_t *x = (const uint64_t *)(const void *)f->before.dims[0].values;
	unsigned high = n_bits - 64 * (n_words - 1);

	for (uint32_t w = 0; w < n_words; w++) {
		column_buf_init(&words[w], COLUMN_FIXED, 8, f->rows.alloc);
		for (uint32_t i = 0; i < N; i++) {
			uint64_t word = word_of(x[i], i, w, high, skewed);

			cr_assert_eq(column_buf_append_value(&words[w], span_of(&word, 8), 1),
			             TEG_OK);
		}
	}
}

static uint64_t value_at(const struct column_buf *column, uint32_t i)
{
	return ((const uint64_t *)(const void *)column->values)[i];
}

struct origin {
	uint64_t x;
	uint32_t row;
};

static int by_x(const void *a, const void *b)
{
	uint64_t x = ((const struct origin *)a)->x, y = ((const struct origin *)b)->x;

	return x < y ? -1 : x > y;
}

/* want[i]: the row that now lies at i, told by its x, of which there are no two alike. */
static void find_origins(struct fixture *f)
{
	struct origin *origins = malloc(N * sizeof *origins);

	for (uint32_t i = 0; i < N; i++)
		origins[i] = (struct origin){ value_at(&f->before.dims[0], i), i };
	qsort(origins, N, sizeof *origins, by_x);
	for (uint32_t i = 0; i < N; i++) {
		struct origin key = { value_at(&f->rows.dims[0], i), 0 };
		struct origin *found = bsearch(&key, origins, N, sizeof key, by_x);

		cr_assert(found, "row %u", i);
		f->want[i] = found->row;
		f->perm[i] = i;
	}
	free(origins);
	f->n = N;
}

/* Rows and words went the same way; keys of a part are below those of the next; rows of a part are in
 * the order they had. */
static void check_dealt(struct fixture *f, const struct row_parts *parts,
                        const struct column_buf *words, uint32_t n_words, unsigned n_bits)
{
	unsigned high = n_bits - 64 * (n_words - 1);

	find_origins(f);
	check_all(f);
	cr_assert_eq(parts->starts[0], 0);
	cr_assert_eq(parts->starts[parts->n], N);
	for (uint32_t p = 0, i = 0; p < parts->n; p++) {
		uint64_t max_before = i ? value_at(&words[0], i - 1) : 0;

		for (uint32_t k = p ? parts->starts[p - 1] : 0; k < i; k++)
			max_before = value_at(&words[0], k) > max_before ? value_at(&words[0], k)
			                                                 : max_before;
		cr_assert_lt(i, parts->starts[p + 1]);
		for (; i < parts->starts[p + 1]; i++) {
			cr_assert(!p || value_at(&words[0], i) > max_before, "part %u", p);
			cr_assert(i == parts->starts[p] || f->want[i] > f->want[i - 1], "row %u",
			          i);
			for (uint32_t w = 0; w < n_words; w++)
				cr_assert_eq(value_at(&words[w], i),
				             word_of(value_at(&f->rows.dims[0], i), f->want[i], w,
				                     high, false));
		}
	}
}

static void release_words(struct column_buf *words, uint32_t n_words)
{
	for (uint32_t w = 0; w < n_words; w++)
		column_buf_release(&words[w]);
}

static const struct {
	const char *what;
	uint32_t n_words;
	unsigned n_bits;
} shapes[] = {
	{ "fewer bits than buckets", 1, 5 },
	{ "one word", 1, 40 },
	{ "a few bits more", 2, 70 },
	{ "three whole words", 3, 3 * 64 },
};

Test(partition, deals_rows_and_keys_alike_into_parts_in_order)
{
	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
		uint32_t n_words = shapes[s].n_words;
		struct column_buf words[3];
		struct row_parts parts;
		struct memory mem;
		struct fixture f;

		memory_init(&mem);
		fixture_init(&f, &mem.alloc);
		fill_words(&f, words, n_words, shapes[s].n_bits, false);
		cr_assert(rows_deal(&f.rows, words, n_words, shapes[s].n_bits, &parts), "%s",
		          shapes[s].what);
		cr_assert_gt(parts.n, 3, "%s", shapes[s].what);
		check_dealt(&f, &parts, words, n_words, shapes[s].n_bits);
		release_words(words, n_words);
		fixture_release(&f);
		memory_check(&mem);
	}
}

/* Rows, keys and parts are as they were. */
static void refuses_to_deal(struct fixture *f, struct column_buf *words, unsigned n_bits,
                            const char *why)
{
	struct row_parts parts = { .n = 7 };

	cr_assert_not(rows_deal(&f->rows, words, 1, n_bits, &parts), "%s", why);
	cr_assert_eq(parts.n, 0, "%s", why);
	f->n = N;
	for (uint32_t i = 0; i < N; i++)
		f->perm[i] = f->want[i] = i;
	check_all(f);
}

Test(partition, does_not_deal_where_it_does_not_pay)
{
	struct column_buf word;
	uint64_t *keys;
	struct fixture f;

	fixture_init(&f, teg_allocator_default());
	fill_words(&f, &word, 1, 40, true);
	refuses_to_deal(&f, &word, 40, "nearly all rows in two buckets");
	keys = (uint64_t *)(void *)word.values;
	for (uint32_t i = 0; i < N; i++)
		keys[i] = i;
	refuses_to_deal(&f, &word, 19, "in order already");
	memset(keys, 0, N * sizeof *keys);
	refuses_to_deal(&f, &word, 0, "one cell");
	column_buf_release(&word);
	fixture_release(&f);
}

/* An error that names a row names the caller's: rows that may bring one stay where they are. */
Test(partition, does_not_deal_rows_valid_from_the_commits_time)
{
	int64_t of_commit = TEG_TIME_OF_COMMIT;
	struct column_buf word;
	struct fixture f;

	fixture_init(&f, teg_allocator_default());
	fill_words(&f, &word, 1, 40, false);
	memcpy(f.rows.valid_from.values + 8 * (N / 2), &of_commit, 8);
	memcpy(f.before.valid_from.values + 8 * (N / 2), &of_commit, 8);
	refuses_to_deal(&f, &word, 40, "a row valid from the commit's time");
	column_buf_release(&word);
	fixture_release(&f);
}

Test(partition, deals_nothing_without_memory)
{
	struct row_parts parts;
	struct column_buf word;
	struct memory mem;
	struct fixture f;
	size_t n_failed = 0;

	memory_init(&mem);
	fixture_init(&f, &mem.alloc);
	fill_words(&f, &word, 1, 40, false);
	for (;; n_failed++) {
		size_t refused = mem.n_refused;

		mem.fail_at = mem.n_requests + n_failed + 1;
		if (rows_deal(&f.rows, &word, 1, 40, &parts))
			break;
		mem.fail_at = 0;
		cr_assert_gt(mem.n_refused, refused);
		cr_assert_eq(parts.n, 0);
		cr_assert(!memcmp(f.rows.dims[0].values, f.before.dims[0].values, 8 * (size_t)N));
	}
	mem.fail_at = 0;
	cr_assert_gt(n_failed, 4);
	check_dealt(&f, &parts, &word, 1, 40);
	column_buf_release(&word);
	fixture_release(&f);
	memory_check(&mem);
}
