/* Two histories through the public API: what answers before and after merges, erasures and retention. */
#include <stdio.h>
#include <string.h>
#include "engine/tegula_unstable.h"
#include "tests/support/line.h"
#include "tests/support/show.h"

#define ALL LINE_OPEN_START, LINE_OPEN_END

static void erase_now(struct line *c)
{
	teg_purge_options options = { .struct_size = sizeof options, .array = "cells" };
	teg_purge_result result = { .struct_size = sizeof result };

	OK(teg_purge(c->world.store, &options, &result, err));
	cr_assert_eq(result.files_kept, 0);
}

/* ---- who wins ---- */

static void check_cutoffs(struct line *c)
{
	line_expect_get(c, 1, 5, 99, LINE_NOT_FOUND);
	line_expect_get(c, 1, 5, 100, 1); /* exactly at a commit */
	line_expect_get(c, 1, 5, 199, 1);
	line_expect_get(c, 1, 5, 200, 2);
	line_expect_get(c, 1, 12, 200, 1); /* falls through to the older version */
	line_expect_get(c, 1, 5, 300, LINE_DELETED);
	line_expect_get(c, 1, 9, 300, 2); /* the delete covers [0, 8) only: X14 */
	line_expect_get(c, 1, -1, 300, 1);
	line_expect_get(c, 1, 5, LINE_NOW, LINE_DELETED);
	line_expect_get(c, 2, 5, 400, LINE_DELETED);
	line_expect_get(c, 2, 15, 400, LINE_NOT_FOUND); /* a gap */
	line_expect_get(c, 3, 5, LINE_NOW, LINE_NOT_FOUND);
}

/* NF1, NF3, X14 */
Test(history, the_newest_version_that_covers_the_time_wins_before_and_after_merging)
{
	struct line c;
	uint64_t n;

	line_init(&c, true);
	line_put(&c, 1, 1, ALL, 100);
	line_put(&c, 1, 2, 0, 10, 200);
	line_put(&c, 2, 7, 0, 10, 250);
	line_delete(&c, 1, 0, 8, 300);
	line_delete(&c, 2, 0, 10, 400);
	check_cutoffs(&c);
	n = line_count(&c, TEG_SCAN_ALL_VERSIONS, NULL);
	line_compact(&c);
	check_cutoffs(&c);
	cr_assert_eq(line_count(&c, TEG_SCAN_ALL_VERSIONS, NULL), n);
	world_reopen(&c.world);
	check_cutoffs(&c);
	line_release(&c);
}

/* ---- a key whose versions fill several tiles ---- */

static void put_small_tiles(struct world *w, int32_t x, int64_t value, int64_t at, bool create,
                            const teg_put_options *interval)
{
	teg_dimension dim = { .name = "x", .type = { .type = TEG_INT32 } };
	teg_attribute attribute = { .name = "value", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .tile_cells = 4,
		          .valid_time = interval != NULL,
		          .dimensions = &dim,
		          .n_dimensions = 1,
		          .attributes = &attribute,
		          .n_attributes = 1 };
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };
	teg_column columns[] = { { .name = "x", .values = &x },
		                 { .name = "value", .values = &value } };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, &options, &txn, err));
	if (create)
		OK(teg_txn_create(txn, "cells", &spec, err));
	OK(teg_txn_put(txn, "cells", columns, 2, 1, interval, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* Each version ends where a merge said, whether or not the one that ended it lies in the same tile: here
 * the older ones share a tile with another key's, which ended later. X5 NF1 */
Test(history, versions_of_one_key_in_several_tiles_answer_once)
{
	struct world w;

	world_init(&w);
	for (int64_t at = 1; at <= 7; at++)
		put_small_tiles(&w, 1, 100 + at, at, at == 1, NULL);
	for (int64_t at = 30; at <= 32; at++)
		put_small_tiles(&w, 2, 200 + at, at, false, NULL);
	OK(teg_compact(w.store, NULL, NULL, err));
	for (int more = 0; more < 2; more++) {
		for (int64_t s = 1; s <= 29; s++) {
			teg_scan_options options = { .struct_size = sizeof options,
				                     .mode = TEG_SCAN_AS_OF,
				                     .system_time = s };
			char want[16];

			snprintf(want, sizeof want, "1 %d", (int)(100 + (s < 7 ? s : 7)));
			cr_assert_str_eq(show(w.store, "cells", &options), want, "S %lld",
			                 (long long)s);
			options.times = true; /* the ends of pieces are asked for as well */
			cr_assert_eq(strchr(show(w.store, "cells", &options), '|'), NULL);
		}
		put_small_tiles(&w, 1, 300, 40 + more, false, NULL);
	}
	world_release(&w);
}

/* Part of an old row is covered by a newer one two tiles before: what lies between ended long ago and is
 * not read. X5 NF1 */
Test(history, a_row_is_cut_by_one_beyond_a_tile_that_is_not_read)
{
	teg_put_options all = { .struct_size = sizeof all };
	teg_put_options low = { .struct_size = sizeof low, .valid_from = 1, .valid_until = 10 };
	teg_put_options high = { .struct_size = sizeof high, .valid_from = 20, .valid_until = 30 };
	teg_scan_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF,
		                     .system_time = 50 };
	const char *want = "1 1|1 11|1 1|1 10|1 1";
	struct world w;

	world_init(&w);
	put_small_tiles(&w, 1, 1, 1, true, &all);
	for (int64_t at = 2; at <= 10; at++)
		put_small_tiles(&w, 1, at, at, false, &high);
	put_small_tiles(&w, 1, 11, 11, false, &low);
	put_small_tiles(&w, 1, 100, 100, false, &all);
	cr_assert_str_eq(show(w.store, "cells", &options), want);
	OK(teg_compact(w.store, NULL, NULL, err));
	cr_assert_str_eq(show(w.store, "cells", &options), want);
	world_release(&w);
}

/* NF6: beliefs changed later about an earlier day; each day's view stays what it was. */
Test(history, a_cube_of_variants_reclassified_later)
{
	struct line c;
	int32_t x;

	line_init(&c, true);
	for (x = 0; x < 100; x++)
		line_put(&c, x, 0, 1, LINE_OPEN_END, 1000 + x);
	for (x = 0; x < 20; x++)
		line_put(&c, x, 1, 1, LINE_OPEN_END, 3000 + x);
	for (int merged = 0; merged < 2; merged++) {
		int64_t now = 0, day15 = 0;

		for (x = 0; x < 100; x++) {
			day15 += line_get(&c, x, 1, 2000);
			now += line_get(&c, x, 1, LINE_NOW);
			line_expect_get(&c, x, 30, LINE_NOW, x < 20);
		}
		cr_assert_eq(day15, 0);
		cr_assert_eq(now, 20);
		line_compact(&c);
	}
	line_release(&c);
}

/* X9: a merge, then more, then open again: nothing is overwritten. */
Test(history, merging_and_writing_in_turn_loses_nothing)
{
	struct line c;

	line_init(&c, false);
	for (int32_t i = 0; i < 30; i++) {
		line_put(&c, i % 7, i, ALL, 100 + i);
		if (i % 4 == 3)
			line_compact(&c);
		if (i % 5 == 4)
			world_reopen(&c.world);
	}
	for (int32_t i = 0; i < 30; i++)
		line_expect_get(&c, i % 7, 0, 100 + i, i);
	cr_assert_eq(line_count(&c, TEG_SCAN_ALL_VERSIONS, NULL), 30);
	line_release(&c);
}

/* ---- current and history ---- */

Test(history, a_read_of_now_never_opens_a_history_segment)
{
	teg_scan_stats stats = { .struct_size = sizeof stats };
	struct line c;

	line_init(&c, true);
	for (int32_t i = 0; i < 40; i++)
		line_put(&c, i % 10, i, ALL, 100 + i);
	cr_assert_eq(line_compact(&c).segments_out, 2);
	cr_assert_eq(line_count(&c, TEG_SCAN_CURRENT, &stats), 10);
	cr_assert_eq(stats.segments_seen, 2);
	cr_assert_eq(stats.segments_pruned, 1);
	cr_assert_eq(stats.tiles_resolved, 0, "exact rows are filtered, not resolved");
	cr_assert_eq(stats.rows_read, 10);
	cr_assert_eq(line_count(&c, TEG_SCAN_ALL_VERSIONS, NULL), 40);
	/* A second merge of the same changes nothing. */
	cr_assert_eq(line_compact(&c).segments_in, 0);
	line_release(&c);
}

/* ---- retention ---- */

/* X5, NF2, NF6: the whole window from the horizon to now stays exact. */
Test(history, retention_keeps_every_answer_from_the_horizon_on)
{
	struct line c;

	line_init(&c, false);
	line_put(&c, 1, 2, ALL, 200);
	line_put(&c, 2, 9, ALL, 210); /* only in an old segment, never superseded */
	line_put(&c, 3, 5, ALL, 215);
	line_delete(&c, 3, ALL, 220); /* in force at the horizon: stays */
	line_put(&c, 1, 1, ALL, 240);
	line_put(&c, 1, 3, ALL, 300);
	line_retain(&c, true, 50, 0);
	cr_assert_eq(line_info(&c).horizon, INT64_MIN, "only a merge moves it");
	line_expect_get(&c, 1, 0, 200, 2);
	cr_assert_eq(line_compact(&c).rows_expired, 2, "1 as of 200, 3 as of 215");
	cr_assert_eq(line_info(&c).horizon, 250);
	for (int i = 0; i < 2; i++) {
		line_expect_get(&c, 1, 0, 249, LINE_BEYOND);
		line_expect_get(&c, 1, 0, 250, 1);
		line_expect_get(&c, 1, 0, 275, 1);
		line_expect_get(&c, 1, 0, 300, 3);
		line_expect_get(&c, 2, 0, 275, 9);
		line_expect_get(&c, 3, 0, 275, LINE_DELETED);
		cr_assert_eq(line_compact(&c).rows_expired, 0, "NF5: once is enough");
	}
	line_release(&c);
}

/* X6: both intervals of a key that are older than the horizon answer on. */
Test(history, disjoint_intervals_older_than_the_horizon_survive)
{
	struct line c;

	line_init(&c, true);
	line_put(&c, 1, 1, 0, 10, 100);
	line_put(&c, 1, 2, 20, 30, 110);
	line_put(&c, 2, 0, ALL, 900);
	line_retain(&c, true, 0, 0);
	line_compact(&c);
	line_expect_get(&c, 1, 5, LINE_NOW, 1);
	line_expect_get(&c, 1, 25, LINE_NOW, 2);
	line_expect_get(&c, 1, 15, LINE_NOW, LINE_NOT_FOUND);
	line_release(&c);
}

static teg_status retain(struct line *c, teg_retention to)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN, .retention = to };
	teg_status status;
	teg_txn *txn;
	teg_error error;

	OK(teg_txn_begin(c->world.store, NULL, &txn, err));
	status = teg_txn_alter(txn, "cells", &change, 1, &error);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, &error);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

/* X17: 0, longer than there is history, negative; and the floor. */
Test(history, retention_is_one_typed_policy_with_a_floor)
{
	struct line c;

	line_init(&c, false);
	line_put(&c, 1, 1, ALL, 100);
	line_put(&c, 1, 2, ALL, 200);
	cr_assert_eq(retain(&c, (teg_retention){ true, -1, 0 }), TEG_MISUSE);
	cr_assert_eq(retain(&c, (teg_retention){ true, 5, -1 }), TEG_MISUSE);
	cr_assert_eq(retain(&c, (teg_retention){ false, 5, 0 }), TEG_MISUSE);
	cr_assert_eq(retain(&c, (teg_retention){ true, 49, 50 }), TEG_MISUSE);
	cr_assert_eq(line_info(&c).retention.drops, false, "what failed changed nothing");
	cr_assert_eq(retain(&c, (teg_retention){ true, INT64_MAX, 50 }), TEG_OK);
	cr_assert_eq(line_compact(&c).rows_expired, 0);
	cr_assert_eq(line_info(&c).horizon, INT64_MIN, "no history is that old");
	cr_assert_eq(retain(&c, (teg_retention){ true, 0, 0 }), TEG_MISUSE, "below the floor");
	cr_assert_eq(retain(&c, (teg_retention){ true, 60, 40 }), TEG_MISUSE, "it only rises");
	cr_assert_eq(retain(&c, (teg_retention){ true, 100, 0 }), TEG_OK);
	line_put(&c, 1, 3, ALL, 250);
	cr_assert_eq(line_compact(&c).rows_expired, 0, "150: nothing had ended");
	line_put(&c, 1, 4, ALL, 300);
	cr_assert_eq(line_compact(&c).rows_expired, 1);
	cr_assert_eq(line_info(&c).horizon, 200);
	/* Keeping everything again does not bring back what went. */
	cr_assert_eq(retain(&c, (teg_retention){ false, 0, 0 }), TEG_OK);
	line_expect_get(&c, 1, 0, 150, LINE_BEYOND);
	line_expect_get(&c, 1, 0, 200, 2);
	line_release(&c);
}

/* X17: as much for an array of any name, and only for it; an unknown one is told. */
Test(history, a_purge_of_an_unknown_array_is_an_error)
{
	teg_purge_options options = { .struct_size = sizeof options, .array = "nope" };
	struct line c;

	line_init(&c, false);
	REFUSED(TEG_NOT_FOUND, teg_purge(c.world.store, &options, NULL, err));
	REFUSED(TEG_MISUSE, teg_purge(NULL, &options, NULL, err));
	cr_assert_eq(line_info(&c).n_rows, 0);
	line_release(&c);
}

struct found {
	int n_purges;
	bool horizon, rows;
};

static bool look(void *ctx, const teg_version_info *version)
{
	struct found *found = ctx;

	if (strcmp(version->action, "purge") != 0)
		return true;
	found->n_purges++;
	for (size_t i = 0; i < version->n_metadata; i++) {
		const teg_metadata *pair = &version->metadata[i];

		found->horizon |= !strcmp(pair->key, "horizon") && !strcmp(pair->value, "200");
		found->rows |= !strcmp(pair->key, "rows_expired") && !strcmp(pair->value, "1");
	}
	return true;
}

/* NF5: every purge leaves a record of itself, with counts and no content. */
Test(history, says_what_a_purge_dropped)
{
	struct found found = { 0 };
	teg_snapshot *snapshot;
	struct line c;

	line_init(&c, false);
	line_put(&c, 1, 1, ALL, 100);
	line_put(&c, 1, 2, ALL, 200);
	line_retain(&c, true, 0, 0);
	line_compact(&c);
	OK(teg_snapshot_open(c.world.store, &snapshot, err));
	OK(teg_walk_versions(snapshot, look, &found, err));
	teg_snapshot_close(snapshot);
	cr_assert_eq(found.n_purges, 1);
	cr_assert(found.horizon && found.rows);
	line_release(&c);
}

/* ---- erasure ---- */

static void check_erased(struct line *c)
{
	for (int64_t s = 50; s < 400; s += 50) {
		line_expect_get(c, 1, 5, s, LINE_ERASED);
		line_expect_get(c, 2, 5, s, LINE_ERASED); /* it was never put */
	}
	line_expect_get(c, 1, 5, 400, 9);
	line_expect_get(c, 1, 15, 400, LINE_ERASED); /* what the later put does not cover */
	line_expect_get(c, 3, 5, 150, 4);
	line_expect_get(c, 3, 5, LINE_NOW, LINE_DELETED);
}

/* X8, NF4: before the erasure too; before and after the rewrite; deleted is another answer. */
Test(history, an_erasure_hides_at_every_system_time)
{
	struct line c;

	line_init(&c, true);
	line_put(&c, 1, 1, ALL, 100);
	line_put(&c, 3, 4, ALL, 110);
	line_put(&c, 1, 2, 0, 10, 200);
	line_delete(&c, 3, ALL, 210);
	line_erase(&c, 1, false, 300);
	line_erase_box(&c, 2, 2, false, 310);
	line_put(&c, 1, 9, 0, 10, 400);
	check_erased(&c);
	line_compact_by_policy(&c);
	check_erased(&c);
	line_compact(&c);
	check_erased(&c);
	erase_now(&c);
	world_reopen(&c.world);
	check_erased(&c);
	line_release(&c);
}

/* X7: whichever parts are merged first, what was erased does not come back. */
Test(history, merging_any_subset_in_any_order_brings_nothing_back)
{
	for (int order = 0; order < 8; order++) {
		struct line c;

		line_init(&c, false);
		line_put(&c, 1, 1, ALL, 100);
		line_put(&c, 2, 1, ALL, 110);
		if (order & 1)
			line_compact(&c);
		line_put(&c, 1, 2, ALL, 200);
		line_erase(&c, 1, false, 300);
		line_put(&c, 4, 1, ALL, 310);
		if (order & 2)
			line_compact_by_policy(&c);
		line_retain(&c, true, 10, 0);
		line_put(&c, 3, 1, ALL, 400);
		if (order & 4)
			line_compact(&c);
		line_expect_get(&c, 1, 0, LINE_NOW, LINE_ERASED);
		line_compact(&c);
		line_expect_get(&c, 1, 0, LINE_NOW, LINE_ERASED);
		line_expect_get(&c, 2, 0, LINE_NOW, 1);
		line_release(&c);
	}
}

/* What any version had counts, also one that the horizon has left behind but no merge dropped. */
Test(history, an_erasure_by_predicate_matches_every_version)
{
	struct line c;

	line_init(&c, false);
	line_put(&c, 1, 77, ALL, 100);
	line_put(&c, 1, 1, ALL, 200);
	line_put(&c, 2, 1, ALL, 210);
	line_compact(&c);
	line_erase_above(&c, 50, 300);
	line_expect_get(&c, 1, 0, LINE_NOW, LINE_ERASED);
	line_expect_get(&c, 1, 0, 100, LINE_ERASED);
	line_expect_get(&c, 2, 0, LINE_NOW, 1);
	cr_assert_eq(line_compact(&c).rows_erased, 2);
	line_expect_get(&c, 1, 0, 100, LINE_ERASED);
	line_release(&c);
}

/* The key goes as well, when nothing is left that it would have to mask. */
Test(history, a_forgotten_key_is_not_found_after_the_rewrite)
{
	for (int box = 0; box < 2; box++) {
		struct line c;

		line_init(&c, false);
		line_put(&c, 1, 1, ALL, 100);
		line_put(&c, 2, 1, ALL, 110);
		if (box)
			line_erase_box(&c, 1, 1, true, 300);
		else
			line_erase(&c, 1, true, 300);
		line_expect_get(&c, 1, 0, 100, LINE_ERASED);
		erase_now(&c);
		line_expect_get(&c, 1, 0, 100, LINE_NOT_FOUND);
		line_expect_get(&c, 1, 0, LINE_NOW, LINE_NOT_FOUND);
		line_expect_get(&c, 2, 0, LINE_NOW, 1);
		cr_assert_eq(line_info(&c).n_erased, 0);
		line_release(&c);
	}
}

/* ---- while somebody reads ---- */

/* A snapshot from before sees what it saw, its files stay, and the next try removes them. */
Test(history, a_purge_waits_for_open_snapshots)
{
	teg_purge_options options = { .struct_size = sizeof options, .array = "cells" };
	teg_purge_result result = { .struct_size = sizeof result };
	teg_snapshot *before;
	struct line c;

	line_init(&c, false);
	line_put(&c, 1, 1, ALL, 100);
	OK(teg_snapshot_open(c.world.store, &before, err));
	line_erase(&c, 1, false, 200);
	OK(teg_purge(c.world.store, &options, &result, err));
	cr_assert_gt(result.files_kept, 0);
	options.only_vacuum = true;
	OK(teg_purge(c.world.store, &options, &result, err));
	cr_assert_gt(result.files_kept, 0);
	teg_snapshot_close(before);
	OK(teg_purge(c.world.store, &options, &result, err));
	cr_assert_eq(result.files_kept, 0);
	cr_assert_gt(result.files_removed, 0);
	line_release(&c);
}

/* NF2: nothing there, nothing to do. */
Test(history, an_array_without_rows_can_be_merged_purged_and_asked)
{
	struct line c;

	line_init(&c, true);
	line_retain(&c, true, 0, 0);
	cr_assert_eq(line_compact(&c).segments_in, 0);
	erase_now(&c);
	line_expect_get(&c, 1, 0, LINE_NOW, LINE_NOT_FOUND);
	cr_assert_eq(line_count(&c, TEG_SCAN_ALL_VERSIONS, NULL), 0);
	line_release(&c);
}
