/* One key with a long history in small tiles: what a read of one valid time touches, and that it gives
 * what a read of everything gives, whatever is asked for besides and whatever else was said. */
#include <stdio.h>
#include "tests/support/rng.h"
#include "tests/support/show.h"
#include "tests/support/world.h"

#define VERSIONS 240
#define TILE_CELLS 16
#define KEY 5

enum shape { OPEN_ENDED, READINGS, BACKDATED, TIMELESS, N_SHAPES };

static const char *const names[] = { "open-ended", "readings", "backdated", "without valid time" };

static void interval_of(enum shape shape, int64_t i, int64_t *from_out, int64_t *until_out)
{
	*from_out = 10 * (shape == BACKDATED ? VERSIONS - i : i);
	*until_out = shape == OPEN_ENDED ? INT64_MAX : *from_out + (shape == READINGS ? 10 : 15);
}

static void create(teg_txn *txn, enum shape shape)
{
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT64 } };
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .tile_cells = TILE_CELLS,
		          .valid_time = shape != TIMELESS,
		          .dimensions = &x,
		          .n_dimensions = 1,
		          .attributes = &v,
		          .n_attributes = 1 };

	OK(teg_txn_create(txn, "a", &spec, err));
}

/* The key's versions at 10, 20 .., and one each of its neighbours before them. */
static void fill(struct world *w, enum shape shape)
{
	static int64_t x[VERSIONS], t[VERSIONS], from[VERSIONS], until[VERSIONS];
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "v", .values = t },
		                 { .name = "t", .values = t },
		                 { .name = "f", .values = from },
		                 { .name = "u", .values = until } };
	teg_put_options ledger = { .struct_size = sizeof ledger, .system_time_column = "t" };
	teg_txn *txn;

	for (int64_t i = 0; i < VERSIONS; i++) {
		x[i] = i < 4 ? 2 * i + 2 : KEY;
		t[i] = 10 * i + 10;
		interval_of(shape, i, &from[i], &until[i]);
	}
	if (shape != TIMELESS) {
		ledger.valid_from_column = "f";
		ledger.valid_until_column = "u";
	}
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	create(txn, shape);
	OK(teg_txn_put(txn, "a", columns, shape == TIMELESS ? 3 : 5, VERSIONS, &ledger, err));
	OK(teg_txn_commit(txn, NULL, err));
	OK(teg_compact(w->store, NULL, NULL, err));
}

/* ---- one question, asked in several ways ---- */

struct question {
	int64_t key, s, v;
	enum shape shape;
};

static const char *const column_sets[][3] = { { "v", NULL, NULL },
	                                      { "v", "system_until", NULL },
	                                      { "v", "valid_from", "valid_until" },
	                                      { "system_until", "row_kind", "valid_from" } };
#define N_SETS (sizeof column_sets / sizeof *column_sets)

static teg_scan_options options_of(const struct question *q, const teg_range *box, size_t set)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF,
		                     .system_time = q->s,
		                     .box = box,
		                     .columns = column_sets[set],
		                     .kinds = set % 2 ? 7 : TEG_KIND_LIVE,
		                     .valid_mode = TEG_VALID_AT,
		                     .valid_at = q->v };

	while (options.n_columns < 3 && column_sets[set][options.n_columns])
		options.n_columns++;
	if (q->shape == TIMELESS) {
		options.valid_mode = TEG_VALID_ANY;
		options.n_columns = set == 2 ? 1 : set == 3 ? 2 : options.n_columns;
	}
	return options;
}

static teg_scan_stats stats_of(teg_snapshot *snapshot, const teg_scan_options *options)
{
	teg_scan_stats plan = { .struct_size = sizeof plan }, stats = plan;
	struct ArrowArray batch;
	teg_array *array;
	teg_scan *scan;

	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_scan_open(array, options, &scan, err));
	OK(teg_scan_explain(scan, &plan, err));
	while (teg_scan_next(scan, &batch, NULL) == TEG_OK)
		batch.release(&batch);
	teg_scan_get_stats(scan, &stats);
	cr_assert_eq(stats.tiles_read + stats.tiles_spared, plan.tiles_read);
	teg_scan_close(scan);
	teg_array_close(array);
	return stats;
}

/* A point read gives what the scan does. */
static void check_get(teg_snapshot *snapshot, const struct question *q, const char *all)
{
	teg_value key = { TEG_INT64, { .i = q->key } };
	teg_read_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF,
		                     .system_time = q->s,
		                     .has_valid_at = q->shape != TIMELESS,
		                     .valid_at = q->v };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_outcome outcome;
	teg_array *array;

	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_get(array, &key, 1, &options, &outcome, &schema, &batch, err));
	cr_assert_eq(outcome == TEG_OUTCOME_LIVE, all[0] != 0);
	if (outcome == TEG_OUTCOME_LIVE) {
		cr_assert_str_eq(show_batch(&schema, &batch), all);
		schema.release(&schema);
		batch.release(&batch);
	}
	teg_array_close(array);
}

static void check(teg_snapshot *snapshot, const struct question *q, uint64_t tiles)
{
	teg_range box = { { TEG_INT64, { .i = q->key } }, { TEG_INT64, { .i = q->key } } };
	teg_scan_options options;

	for (size_t set = 0; set < N_SETS; set++) {
		const char *got;

		options = options_of(q, &box, set);
		got = show_at(snapshot, "a", &options);
		cr_assert_leq(stats_of(snapshot, &options).tiles_read, tiles,
		              "%s, columns %zu, S %ld, V %ld", names[q->shape], set, q->s, q->v);
		options.no_prune = true;
		cr_assert_str_eq(got, show_at(snapshot, "a", &options),
		                 "%s, columns %zu, S %ld, V %ld", names[q->shape], set, q->s, q->v);
	}
	options = options_of(q, &box, 0);
	options.columns = NULL;
	options.n_columns = 0;
	options.times = options.no_prune = true;
	check_get(snapshot, q, show_at(snapshot, "a", &options));
}

static void check_many(struct world *w, enum shape shape, struct rng *rng, uint64_t tiles)
{
	teg_snapshot *snapshot;

	OK(teg_snapshot_open(w->store, &snapshot, err));
	for (int round = 0; round < 15; round++) {
		struct question q = { .key = rng_below(rng, 8) ? KEY : 2,
			              .s = (int64_t)rng_below(rng, 10 * VERSIONS + 30),
			              .v = (int64_t)rng_below(rng, 10 * VERSIONS + 30),
			              .shape = shape };

		if (rng_below(rng, 2))
			q.s = 1000000;
		check(snapshot, &q, tiles);
	}
	teg_snapshot_close(snapshot);
}

/* C, TIME-1 */
Test(one_key, a_point_read_touches_two_tiles_of_a_long_history)
{
	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rng rng = { shape };
		struct world w;

		world_init(&w);
		fill(&w, shape);
		check_many(&w, shape, &rng, 2);
		world_release(&w);
	}
}

/* ---- more is said of it ---- */

static void say(struct world *w, struct rng *rng, enum shape shape)
{
	int64_t key = rng_below(rng, 4) ? KEY : 2, value = (int64_t)rng_below(rng, 1000);
	teg_put_options options = { .struct_size = sizeof options };
	teg_erase erase = { .struct_size = sizeof erase, .forget = rng_below(rng, 2) };
	teg_range box = { { TEG_INT64, { .i = key - 1 } }, { TEG_INT64, { .i = key } } };
	teg_column columns[] = { { .name = "x", .values = &key },
		                 { .name = "v", .values = &value } };
	uint64_t what = rng_below(rng, 20);
	teg_txn *txn;

	if (shape != TIMELESS && rng_below(rng, 4)) {
		options.valid_from = (int64_t)rng_below(rng, 10 * VERSIONS);
		options.valid_until = options.valid_from + 1 + (int64_t)rng_below(rng, 2000);
	}
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	erase.columns = columns;
	erase.n_columns = erase.n_rows = 1;
	if (what < 9)
		OK(teg_txn_put(txn, "a", columns, 2, 1, &options, err));
	else if (what < 15)
		OK(teg_txn_delete(txn, "a", columns, 1, 1, &options, err));
	else if (what < 19)
		OK(teg_txn_delete_box(txn, "a", &box, &options, err));
	else
		OK(teg_txn_erase(txn, "a", &erase, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* NF1, X6: rows and boxes of later commits, merged or not, in part or all */
Test(one_key, whatever_else_is_said_a_point_read_gives_what_a_read_of_all_tiles_gives)
{
	for (enum shape shape = 0; shape < N_SHAPES; shape++) {
		struct rng rng = { 100 + shape };
		struct world w;

		world_init(&w);
		memory_set_clock(w.os, 10 * VERSIONS + 1);
		fill(&w, shape);
		for (int round = 0; round < 18; round++) {
			teg_compact_options options = { .struct_size = sizeof options,
				                        .by_policy = round % 2 };

			say(&w, &rng, shape);
			if (round % 3 == 2)
				check_many(&w, shape, &rng, UINT64_MAX);
			if (round % 7 == 6)
				OK(teg_compact(w.store, &options, NULL, err));
		}
		world_release(&w);
	}
}
