/* Random predicates over random rows, against the oracle: what is run, and what is pruned. */
#include "engine/predicate/predicate.h"
#include <criterion/criterion.h>
#include "tests/support/conditions.h"
#include "tests/support/memory.h"

#define DEPTH 4

/* ---- run ---- */

struct bound {
	struct arena arena;
	const struct bound_predicate *predicate;
	struct column columns[CROWD_COLUMNS];
};

static teg_status bind(struct bound *b, const struct crowd *crowd, const char *text,
                       const teg_allocator *alloc, teg_error *err)
{
	teg_predicate *p = NULL;
	const uint32_t *ids;
	uint32_t n;
	teg_status status = teg_predicate_parse(text, alloc, &p, err);

	arena_init(&b->arena, alloc, SIZE_MAX);
	if (status == TEG_OK)
		status = predicate_bind(p, crowd->schema, &b->arena, &b->predicate, err);
	teg_predicate_free(p);
	if (status != TEG_OK)
		return status;
	ids = predicate_columns(b->predicate, &n);
	for (uint32_t i = 0; i < n; i++)
		b->columns[i] = column_buf_view(&crowd_column(crowd, ids[i])->values);
	return TEG_OK;
}

static void bind_well(struct bound *b, const struct crowd *crowd, const char *text)
{
	teg_error err;

	cr_assert_eq(bind(b, crowd, text, teg_allocator_default(), &err), TEG_OK, "%s: %s", text,
	             err.message);
}

/* V6: with null and NaN rows, every scalar type, PRED-13 to PRED-25 */
Test(predicate_run, answers_as_the_oracle_does)
{
	struct rng rng = { 1 };
	size_t n_yes = 0, n_unknown = 0;

	for (int i = 0; i < 2000; i++) {
		struct conditions c;
		struct crowd crowd;
		struct bound b;
		uint8_t mask[CROWD_ROWS];

		crowd_init(&crowd, &rng, 1 + rng_below(&rng, CROWD_ROWS));
		conditions_make(&c, &crowd, 1 + (int)rng_below(&rng, DEPTH));
		bind_well(&b, &crowd, c.text);
		memset(mask, 1, sizeof mask);
		cr_assert_eq(predicate_run(b.predicate, b.columns, crowd.n, teg_allocator_default(),
		                           mask, NULL),
		             TEG_OK);
		for (size_t row = 0; row < crowd.n; row++) {
			int want = conditions_answer(&c, row);

			cr_assert_eq(mask[row], want == 1, "%d: row %zu: %s", i, row, c.text);
			n_yes += want == 1;
			n_unknown += want == 2;
		}
		arena_release(&b.arena);
		crowd_release(&crowd);
	}
	cr_assert_gt(n_yes, 7000);
	cr_assert_gt(n_unknown, 7000);
}

Test(predicate_run, only_takes_rows_away) /* PRED-25 */
{
	struct rng rng = { 2 };
	struct crowd crowd;
	struct bound b;
	uint8_t mask[CROWD_ROWS] = { 0 };

	crowd_init(&crowd, &rng, CROWD_ROWS);
	bind_well(&b, &crowd, "system_from is not null");
	mask[3] = 1;
	cr_assert_eq(predicate_run(b.predicate, b.columns, crowd.n, teg_allocator_default(), mask,
	                           NULL),
	             TEG_OK);
	for (size_t row = 0; row < CROWD_ROWS; row++)
		cr_assert_eq(mask[row], row == 3);
	cr_assert_eq(predicate_run(b.predicate, b.columns, 0, teg_allocator_default(), mask, NULL),
	             TEG_OK);
	arena_release(&b.arena);
	crowd_release(&crowd);
}

/* More rows than are held at a time, and a null at every seventh. */
Test(predicate_run, goes_on_past_a_thousand_rows)
{
	enum { N = 5000 };
	static uint8_t mask[N];
	struct rng rng = { 3 };
	struct column_buf values;
	struct crowd crowd;
	struct bound b;

	crowd_init(&crowd, &rng, 1);
	bind_well(&b, &crowd, "i32 in (7, 1030, 4999, 2048) or i32 > 4500 or i32 is null");
	column_buf_init(&values, COLUMN_FIXED, 4, teg_allocator_default());
	for (int32_t i = 0; i < N; i++)
		cr_assert_eq(i % 7 ? column_buf_append_value(&values, span_of(&i, 4), 1)
		                   : column_buf_append_nulls(&values, 1),
		             TEG_OK);
	b.columns[0] = column_buf_view(&values);
	memset(mask, 1, sizeof mask);
	cr_assert_eq(predicate_run(b.predicate, b.columns, N, teg_allocator_default(), mask, NULL),
	             TEG_OK);
	for (int i = 0; i < N; i++)
		cr_assert_eq(mask[i], i % 7 == 0 || i == 1030 || i == 2048 || i > 4500, "%d", i);
	column_buf_release(&values);
	arena_release(&b.arena);
	crowd_release(&crowd);
}

/* ---- prune ---- */

/* A tile of the crowd's rows; attributes that are absent have no statistics. */
struct tile {
	struct index_entry entry;
	uint32_t n_attrs, attr_ids[CROWD_COLUMNS];
	struct column_stats stats[CROWD_COLUMNS];
};

static void live_stats(const struct crowd *crowd, const struct crowd_column *column,
                       struct column_stats *out)
{
	struct column_buf live;
	struct column view = column_buf_view(&column->values);
	uint32_t at[CROWD_ROWS];
	size_t n = 0;

	for (uint32_t i = 0; i < crowd->n; i++)
		if (crowd->kinds[i] == 0)
			at[n++] = i;
	column_buf_init(&live, view.shape, view.width, teg_allocator_default());
	cr_assert_eq(column_buf_gather(&live, &view, at, n), TEG_OK);
	view = column_buf_view(&live);
	column_stats_of(&view, column->field->class, out);
	column_buf_release(&live);
}

static void bound_by(const struct crowd_column *column, size_t n, uint64_t *lo, uint64_t *hi)
{
	enum value_class class = column->field ? column->field->class : VALUE_SIGNED;

	*lo = UINT64_MAX;
	*hi = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t lane =
			lane_of_value(class, span_of(column->cells[i].bytes, column->cells[i].len));

		*lo = lane < *lo ? lane : *lo;
		*hi = lane > *hi ? lane : *hi;
	}
}

static void make_tile(const struct crowd *crowd, struct tile *tile)
{
	uint64_t lo, hi;

	memset(tile, 0, sizeof *tile);
	tile->entry.stats = tile->stats;
	tile->entry.n_rows = crowd->n;
	for (size_t i = 0; i < crowd->n; i++)
		tile->entry.n_live += crowd->kinds[i] == 0;
	for (uint32_t d = 0; d < crowd->schema->n_dims; d++)
		bound_by(crowd_column(crowd, d), crowd->n, &tile->entry.lo[d], &tile->entry.hi[d]);
	bound_by(crowd_column(crowd, COLUMN_ID_SYSTEM_FROM), crowd->n, &lo, &hi);
	tile->entry.system_from_min = lane_to_i64(lo);
	tile->entry.system_from_max = lane_to_i64(hi);
	for (uint32_t a = 0; a < crowd->schema->n_attrs; a++) {
		const struct crowd_column *column = crowd_column(crowd, crowd->schema->attrs[a].id);

		if (column->absent)
			continue;
		live_stats(crowd, column, &tile->stats[tile->n_attrs]);
		tile->attr_ids[tile->n_attrs++] = column->id;
	}
}

/* PRED-26 to PRED-28: with prefixes of texts, NaN, nothing but nulls, attributes of a later schema */
Test(predicate_prune, never_loses_a_row)
{
	struct rng rng = { 4 };
	size_t n_pruned = 0, n_empty = 0;

	for (int i = 0; i < 4000; i++) {
		struct conditions c;
		struct crowd crowd;
		struct bound b;
		struct tile tile;
		bool any = false, may;

		crowd_init(&crowd, &rng, 1 + rng_below(&rng, 6));
		conditions_make(&c, &crowd, 1 + (int)rng_below(&rng, DEPTH));
		bind_well(&b, &crowd, c.text);
		make_tile(&crowd, &tile);
		may = predicate_may_match(b.predicate, &tile.entry, tile.attr_ids, tile.n_attrs);
		for (size_t row = 0; row < crowd.n; row++)
			any |= conditions_answer(&c, row) == 1;
		cr_assert(may || !any, "%d: %s", i, c.text);
		n_pruned += !may;
		n_empty += !any;
		arena_release(&b.arena);
		crowd_release(&crowd);
	}
	/* And it is worth having: most of the tiles that could be left out are. */
	cr_assert_gt(n_pruned * 2, n_empty, "%zu of %zu pruned", n_pruned, n_empty);
}

/* ---- memory ---- */

struct work {
	const struct crowd *crowd;
	const char *text;
};

static teg_status parse_bind_run(const teg_allocator *alloc, void *ctx)
{
	const struct work *work = ctx;
	uint8_t mask[CROWD_ROWS] = { 0 };
	struct bound b;
	teg_status status = bind(&b, work->crowd, work->text, alloc, NULL);

	if (status == TEG_OK)
		status = predicate_run(b.predicate, b.columns, work->crowd->n, alloc, mask, NULL);
	arena_release(&b.arena);
	return status;
}

Test(predicate_run, survives_memory_that_fails_at_any_point)
{
	struct rng rng = { 5 };
	struct conditions c;
	struct crowd crowd;
	struct work work = { &crowd, c.text };

	crowd_init(&crowd, &rng, CROWD_ROWS);
	for (int i = 0; i < 12; i++) {
		conditions_make(&c, &crowd, DEPTH);
		cr_assert_gt(memory_fail_each(parse_bind_run, &work), 5, "%s", c.text);
	}
	crowd_release(&crowd);
}
