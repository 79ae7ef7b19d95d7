#include "engine/write/build.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/support/memory.h"
#include "tests/support/segments.h"

static const struct tiler_options fresh = { .array_id = 7, .fresh = true };

struct kind_case {
	const char *name;
	teg_kind kind;
	uint32_t n_dims;
	teg_type dims[4];
	bool valid_time, distinct;
	uint64_t range;
};

static const struct kind_case kinds[] = {
	{ "table", TEG_TABLE, 0, { 0 }, false, true, 1 },
	{ "table with valid time", TEG_TABLE, 0, { 0 }, true, true, 1 },
	{ "one integer", TEG_SPARSE, 1, { TEG_INT64 }, false, true, 1 },
	{ "two integers", TEG_SPARSE, 2, { TEG_INT64, TEG_INT64 }, false, true, 1000000 },
	{ "two narrow ones", TEG_SPARSE, 2, { TEG_UINT64, TEG_INT16 }, true, true, 20000 },
	{ "time and float", TEG_SPARSE, 2, { TEG_TIMESTAMP, TEG_FLOAT64 }, false, true, 5000 },
	{ "three", TEG_SPARSE, 3, { TEG_INT64, TEG_INT32, TEG_FLOAT32 }, true, true, 900 },
	{ "four with text",
	  TEG_SPARSE,
	  4,
	  { TEG_UINT64, TEG_UTF8, TEG_DATE32, TEG_UINT8 },
	  true,
	  true,
	  200 },
};

static void write_rows(struct segments *s, struct rows *rows, const struct tiler_options *options)
{
	teg_error err = { 0 };

	cr_assert_eq(segments_write(s, rows, options, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(segments_open(s, &err), TEG_OK, "%s", err.message);
}

static void check_kind(const struct kind_case *k, uint32_t n, uint32_t tile_cells, teg_order order,
                       struct memory *mem)
{
	struct rng rng = { n + tile_cells };
	teg_spec spec = *spec_of(k->kind, k->dims, k->n_dims, k->valid_time);
	struct segments s;
	struct rows rows;

	spec.tile_cells = tile_cells;
	spec.tile_order = order;
	segments_init(&s, &mem->alloc, &spec);
	cr_assert_eq(rows_init(&rows, s.schema, &mem->alloc, NULL), TEG_OK);
	rows.implicit_ids = k->kind == TEG_TABLE;
	rows_make_up(&rows, n, &rng, k->range, k->distinct);
	write_rows(&s, &rows, &fresh);
	segments_check_rows(&s, &rows);
	cr_assert_eq(s.ref.n_live, n, "%s", k->name);
	rows_release(&rows);
	segments_release(&s);
	memory_check(mem);
}

Test(build, what_is_written_is_read) /* X2 X19 ND2 */
{
	static const uint32_t counts[] = { 0, 1, 7, 8, 100, 3000 };
	struct memory mem;

	memory_init(&mem);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
			check_kind(&kinds[i], counts[n], n % 2 ? 0 : 64, TEG_ORDER_DEFAULT, &mem);
}

Test(build, in_every_order)
{
	static const teg_order orders[] = { TEG_ORDER_ROW, TEG_ORDER_COLUMN, TEG_ORDER_Z,
		                            TEG_ORDER_HILBERT };
	struct memory mem;

	memory_init(&mem);
	for (size_t i = 2; i < sizeof kinds / sizeof *kinds; i++)
		for (size_t o = 0; o < 4; o++)
			check_kind(&kinds[i], 1000, 100, orders[o], &mem);
}

static uint8_t *bytes_of(struct segments *s, struct rows *rows, size_t *len_out)
{
	write_rows(s, rows, &fresh);
	return segments_bytes(s, len_out);
}

static uint32_t *shuffled(uint32_t n, struct rng *rng)
{
	uint32_t *at = malloc(n * sizeof *at);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = (uint32_t)rng_below(rng, i + 1u);

		at[i] = at[k];
		at[k] = i;
	}
	return at;
}

/* So many rows are dealt by their keys before they are sorted; rows in order stay where they are. The
 * bytes are the same. `distinct`: no two rows of one cell, else they are many. */
static void check_dealing(const struct kind_case *k, bool distinct)
{
	const uint32_t n = (1u << 18) + 1000;
	struct rng rng = { n };
	struct rows made, mixed, ordered;
	struct order_ties ties;
	struct segments s;
	size_t len, want_len;
	uint8_t *bytes, *want;
	uint32_t *at = shuffled(n, &rng);

	segments_init(&s, teg_allocator_default(),
	              spec_of(k->kind, k->dims, k->n_dims, k->valid_time));
	cr_assert_eq(rows_init(&made, s.schema, teg_allocator_default(), NULL), TEG_OK);
	cr_assert_eq(rows_init(&mixed, s.schema, teg_allocator_default(), NULL), TEG_OK);
	cr_assert_eq(rows_init(&ordered, s.schema, teg_allocator_default(), NULL), TEG_OK);
	rows_make_up(&made, n, &rng, k->range, distinct);
	cr_assert_eq(rows_gather(&mixed, &made, at, n, NULL), TEG_OK);
	ties_init(&ties, teg_allocator_default());
	cr_assert_eq(rows_sort(&mixed, &s.order, at, &ties, NULL), TEG_OK);
	cr_assert_eq(!ties.n, distinct, "%s", k->name);
	cr_assert_eq(rows_gather(&ordered, &mixed, at, n, NULL), TEG_OK);
	want = bytes_of(&s, &ordered, &want_len);
	bytes = bytes_of(&s, &mixed, &len);
	cr_assert_eq(len, want_len, "%s", k->name);
	cr_assert(!memcmp(bytes, want, len), "%s", k->name);
	free(bytes);
	free(want);
	free(at);
	ties_release(&ties);
	rows_release(&made);
	rows_release(&mixed);
	rows_release(&ordered);
	segments_release(&s);
}

Test(build, rows_that_are_dealt_give_the_same_bytes)
{
	check_dealing(&kinds[3], true);
	check_dealing(&kinds[4], false);
	check_dealing(&kinds[7], false);
}

Test(build, an_index_of_several_levels_finds_every_tile) /* NE3 */
{
	struct memory mem;

	memory_init(&mem);
	check_kind(&kinds[0], 3000, 1, TEG_ORDER_DEFAULT, &mem); /* 3000 tiles, 12 leaf pages */
}
