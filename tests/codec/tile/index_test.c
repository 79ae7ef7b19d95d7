#include "codec/tile/index.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "tests/support/rng.h"

#define DIMS 2
#define ATTRS 3
#define SEGMENT_LEN 1000000

struct page_of {
	struct index_entry entries[INDEX_FANOUT + 1];
	struct column_stats stats[INDEX_FANOUT + 1][ATTRS];
	struct index_page page;
};

static struct page_of *page_new(uint32_t n, bool leaf)
{
	struct page_of *p = calloc(1, sizeof *p);
	struct rng rng = { n };

	p->page = (struct index_page){ n, DIMS, ATTRS, leaf, p->entries };
	for (uint32_t i = 0; i < n; i++) {
		struct index_entry *e = &p->entries[i];

		e->off = 16 + i * 1000;
		e->len = 900;
		e->header_len = leaf ? 80 : 0;
		e->hash = rng_u64(&rng);
		e->n_tiles = leaf ? 1 : 5;
		e->n_rows = 100 + i;
		e->n_live = 90 + i;
		e->n_tombstones = 7;
		e->n_erased = 3;
		e->column_len_max = 800;
		e->system_from_min = 5;
		e->system_from_max = 9 + i;
		e->superseded_max = INT64_MAX;
		e->valid_from_min = INT64_MIN;
		e->valid_until_max = INT64_MIN;
		e->n_open = 50;
		for (int d = 0; d < DIMS; d++) {
			e->lo[d] = 10 * i;
			e->hi[d] = 10 * i + 10; /* touches the next */
			e->first[d] = e->lo[d] + 1;
			e->last[d] = e->lo[d] + 2;
		}
		e->stats = p->stats[i];
		for (int a = 0; a < ATTRS; a++)
			p->stats[i][a] = (struct column_stats){ i, i + 3u, 2, 1, true, a != 1 };
	}
	return p;
}

static teg_status parse(const struct page_of *p, struct arena *arena, struct index_page *out,
                        teg_error *err)
{
	struct buf bytes;
	teg_status status;

	buf_init(&bytes, teg_allocator_default(), BUF_NO_LIMIT);
	index_put_page(&p->page, &bytes);
	cr_assert_eq(buf_status(&bytes), TEG_OK);
	status = index_parse_page(buf_span(&bytes), SEGMENT_LEN, DIMS, ATTRS, arena, out, err);
	buf_release(&bytes);
	return status;
}

static bool stats_equal(const struct column_stats *a, const struct column_stats *b)
{
	return a->min == b->min && a->max == b->max && a->n_nulls == b->n_nulls &&
	       a->n_nan == b->n_nan && a->has_bounds == b->has_bounds && a->exact == b->exact;
}

static void check_entry(const struct index_entry *a, const struct index_entry *b)
{
	cr_assert(a->off == b->off && a->len == b->len && a->header_len == b->header_len);
	cr_assert(a->hash == b->hash && a->shape == b->shape && a->continued == b->continued);
	cr_assert(a->n_tiles == b->n_tiles && a->n_rows == b->n_rows && a->n_live == b->n_live);
	cr_assert(a->n_tombstones == b->n_tombstones && a->n_erased == b->n_erased);
	cr_assert(a->column_len_max == b->column_len_max && a->n_open == b->n_open);
	cr_assert(a->system_from_min == b->system_from_min && a->n_inexact == b->n_inexact);
	cr_assert(a->system_from_max == b->system_from_max);
	cr_assert(a->superseded_max == b->superseded_max);
	cr_assert(a->valid_from_min == b->valid_from_min);
	cr_assert(a->valid_until_max == b->valid_until_max);
	for (int d = 0; d < DIMS; d++)
		cr_assert(a->lo[d] == b->lo[d] && a->hi[d] == b->hi[d] &&
		          a->first[d] == b->first[d] && a->last[d] == b->last[d]);
	for (int i = 0; i < ATTRS; i++)
		cr_assert(stats_equal(&a->stats[i], &b->stats[i]));
}

Test(index, pages_come_back) /* INDEX-1 to INDEX-7 */
{
	static const uint32_t counts[] = { 1, 2, 50, INDEX_FANOUT };

	for (size_t c = 0; c < 8; c++) {
		struct page_of *p = page_new(counts[c % 4], c < 4);
		struct index_page out;
		struct arena arena;
		teg_error err = { 0 };

		arena_init(&arena, teg_allocator_default(), SIZE_MAX);
		cr_assert_eq(parse(p, &arena, &out, &err), TEG_OK, "%s", err.message);
		cr_assert(out.n == p->page.n && out.leaf == p->page.leaf);
		for (uint32_t i = 0; i < out.n; i++)
			check_entry(&out.entries[i], &p->entries[i]);
		arena_release(&arena);
		free(p);
	}
}

/* What each case does to the entries of a page of three, before it is written. */
#define SPOIL(name, ...)                            \
	static void name(struct page_of *p)         \
	{                                           \
		struct index_entry *e = p->entries; \
		__VA_ARGS__;                        \
	}
SPOIL(beyond, e[2].len = SEGMENT_LEN)
SPOIL(overflow, e[2].off = UINT64_MAX - 10)
SPOIL(backwards, e[1].off = e[0].off)
SPOIL(no_bytes, e[0].len = 0)
SPOIL(no_rows, e[0].n_rows = e[0].n_live = e[0].n_tombstones = e[0].n_erased = 0)
SPOIL(wrong_sum, e[1].n_live++)
SPOIL(sum_overflows, e[1].n_live = e[1].n_tombstones = UINT64_MAX / 2 + 60)
SPOIL(open_too_many, e[1].n_open = e[1].n_rows + 1)
SPOIL(inexact_too_many, e[1].n_inexact = e[1].n_rows + 1)
SPOIL(two_tiles, e[1].n_tiles = 2)
SPOIL(no_tiles, e[1].n_tiles = 0)
SPOIL(header_too_long, e[1].header_len = 901)
SPOIL(no_header, e[1].header_len = 0)
SPOIL(unknown_shape, e[1].shape = TILE_BOX + 1)
SPOIL(upside_down, e[1].lo[1] = e[1].hi[1] + 1)
SPOIL(first_outside, e[1].first[0] = e[1].hi[0] + 1)
SPOIL(last_outside, e[1].last[0] = e[1].lo[0] - 1)
SPOIL(system_upside_down, e[1].system_from_min = 1000)
SPOIL(stats_upside_down, p->stats[1][0].min = 100; (void)e)
SPOIL(nulls_too_many, p->stats[1][0].n_nulls = 1000; (void)e)
SPOIL(nan_too_many, p->stats[1][0].n_nan = 1000; (void)e)
SPOIL(bounds_of_nothing, p->stats[1][0].has_bounds = false; (void)e)

static const struct {
	const char *why;
	void (*spoil)(struct page_of *p);
} refused[] = {
	{ "tile beyond the segment", beyond },
	{ "offset overflows", overflow },
	{ "tiles out of order", backwards },
	{ "empty tile", no_bytes },
	{ "no rows", no_rows },
	{ "kinds do not add up", wrong_sum },
	{ "sum overflows", sum_overflows },
	{ "more open ends than rows", open_too_many },
	{ "more inexact than rows", inexact_too_many },
	{ "two tiles in a leaf entry", two_tiles },
	{ "no tiles", no_tiles },
	{ "header longer than the tile", header_too_long },
	{ "no header", no_header },
	{ "unknown shape", unknown_shape },
	{ "box upside down", upside_down },
	{ "first outside the box", first_outside },
	{ "last outside the box", last_outside },
	{ "system times upside down", system_upside_down },
	{ "bounds upside down", stats_upside_down },
	{ "more nulls than rows", nulls_too_many },
	{ "more NaN than rows", nan_too_many },
	{ "bounds of nothing", bounds_of_nothing },
};

Test(index, what_no_writer_makes_is_refused) /* X18 INDEX-8 INDEX-10 */
{
	for (size_t c = 0; c < sizeof refused / sizeof *refused; c++) {
		struct page_of *p = page_new(3, true);
		struct index_page out;
		struct arena arena;

		arena_init(&arena, teg_allocator_default(), SIZE_MAX);
		refused[c].spoil(p);
		cr_assert_eq(parse(p, &arena, &out, NULL), TEG_CORRUPT, "%s", refused[c].why);
		arena_release(&arena);
		free(p);
	}
}

static struct buf page_bytes(uint32_t n)
{
	struct page_of *p = page_new(n, true);
	struct buf bytes;

	buf_init(&bytes, teg_allocator_default(), BUF_NO_LIMIT);
	index_put_page(&p->page, &bytes);
	free(p);
	return bytes;
}

static teg_status parse_bytes(struct span bytes)
{
	struct index_page out;
	struct arena arena;
	teg_status status;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	status = index_parse_page(bytes, SEGMENT_LEN, DIMS, ATTRS, &arena, &out, NULL);
	arena_release(&arena);
	return status;
}

Test(index, cuts_and_bytes_left_over_are_refused) /* INDEX-1 */
{
	struct buf bytes = page_bytes(20);

	cr_assert_eq(parse_bytes(buf_span(&bytes)), TEG_OK);
	for (size_t len = 0; len < bytes.len; len++)
		cr_assert_eq(parse_bytes(span_of(bytes.at, len)), TEG_CORRUPT, "%zu", len);
	buf_u8(&bytes, 0);
	cr_assert_eq(parse_bytes(buf_span(&bytes)), TEG_CORRUPT);
	buf_release(&bytes);
}

Test(index, counts_of_other_shape_are_refused) /* X18 INDEX-2 */
{
	static const struct {
		size_t at;
		uint8_t byte;
	} spoils[] = {
		{ 0, 'X' }, { 4, 0 },  { 7, 0x7f }, { 8, 3 },
		{ 10, 2 },  { 11, 1 }, { 12, 4 },   { 15, 1 },
	};

	for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
		struct buf bytes = page_bytes(20);

		bytes.at[spoils[i].at] = spoils[i].byte;
		cr_assert_eq(parse_bytes(buf_span(&bytes)), TEG_CORRUPT, "byte %zu", spoils[i].at);
		buf_release(&bytes);
	}
}

/* Canonical: whatever parses gives the same bytes when written again. */
Test(index, one_page_has_one_row_of_bytes) /* INDEX-4 */
{
	struct buf bytes = page_bytes(20);

	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct index_page out;
		struct arena arena;
		struct buf again;

		bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
		arena_init(&arena, teg_allocator_default(), SIZE_MAX);
		if (index_parse_page(buf_span(&bytes), SEGMENT_LEN, DIMS, ATTRS, &arena, &out,
		                     NULL) == TEG_OK) {
			buf_init(&again, teg_allocator_default(), BUF_NO_LIMIT);
			index_put_page(&out, &again);
			cr_assert(span_equal(buf_span(&again), buf_span(&bytes)), "bit %zu", bit);
			buf_release(&again);
		}
		arena_release(&arena);
		bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buf_release(&bytes);
}

Test(index, fan_out_bounds_what_a_page_can_ask_for)
{
	cr_assert_eq(index_fanout(0), 256);
	cr_assert_eq(index_fanout(256), 256);
	cr_assert_eq(index_fanout(512), 128);
	cr_assert_eq(index_fanout(10000), 16);
}

Test(index, sums_widen_bounds_and_add_counts) /* NC2 INDEX-9 STAT-6 */
{
	struct page_of *p = page_new(3, true);
	struct column_stats stats[ATTRS];
	struct index_entry sum = { .stats = stats };

	p->entries[1].superseded_max = 7; /* less than open: the sum stays open */
	p->entries[2].valid_until_max = 99;
	p->stats[1][0] = (struct column_stats){ .n_nulls = 91 }; /* all null */
	p->stats[2][2].exact = false;
	for (int i = 0; i < 3; i++)
		index_widen(&sum, &p->entries[i], DIMS, ATTRS);
	cr_assert(sum.n_tiles == 3 && sum.n_rows == 303 && sum.n_tombstones == 21);
	cr_assert(sum.lo[0] == 0 && sum.hi[0] == 30 && sum.first[1] == 1 && sum.last[1] == 22);
	cr_assert(sum.system_from_min == 5 && sum.system_from_max == 11);
	cr_assert(sum.superseded_max == INT64_MAX && sum.valid_until_max == 99);
	cr_assert(stats[0].has_bounds && stats[0].min == 0 && stats[0].max == 5);
	cr_assert(stats[0].n_nulls == 2 + 91 + 2 && stats[0].exact && !stats[1].exact);
	cr_assert(!stats[2].exact);
	cr_assert(sum.off == 0 && sum.header_len == 0);
	free(p);
}

Test(index, no_bounds_stay_no_bounds) /* STAT-2: absent is not zero */
{
	struct page_of *p = page_new(2, true);
	struct column_stats stats[ATTRS];
	struct index_entry sum = { .stats = stats };

	p->stats[0][0] = p->stats[1][0] = (struct column_stats){ .n_nulls = 90 };
	index_widen(&sum, &p->entries[0], DIMS, ATTRS);
	index_widen(&sum, &p->entries[1], DIMS, ATTRS);
	cr_assert_not(stats[0].has_bounds);
	cr_assert_eq(stats[0].n_nulls, 180);
	free(p);
}
