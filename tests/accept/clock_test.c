/* System times: whose they are, in what order, how far from the clock; intervals from the commit's time.
 * DESIGN 3.2 and 3.9. */
#include <string.h>
#include "tests/support/show.h"
#include "tests/support/world.h"

static void create(struct world *w, const char *array)
{
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT32 } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .valid_time = true,
		          .dimensions = &x,
		          .n_dimensions = 1,
		          .attributes = &value,
		          .n_attributes = 1 };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, array, &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static teg_txn *begin(teg_store *store, int64_t at)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };
	teg_txn *txn;

	OK(teg_txn_begin(store, &options, &txn, err));
	return txn;
}

static void put(teg_txn *txn, const char *array, int32_t x, int64_t value, int64_t from,
                int64_t until)
{
	teg_column columns[] = { { .name = "x", .values = &x },
		                 { .name = "value", .values = &value } };
	teg_put_options options = { .struct_size = sizeof options,
		                    .valid_from = from,
		                    .valid_until = until };

	OK(teg_txn_put(txn, array, columns, 2, 1, &options, err));
}

static teg_commit_result commit(teg_txn *txn)
{
	teg_commit_result result = { .struct_size = sizeof result };

	OK(teg_txn_commit(txn, &result, err));
	return result;
}

/* A clock that jumps, either way, never turns history round, and the result says how far off it is. */
Test(clock, that_jumps_reorders_nothing)
{
	static const int64_t year_2100 = 4102444800000000;
	teg_commit_result result;
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, "a");
	create(&w, "b");
	memory_set_clock(w.os, year_2100);
	put(txn = begin(w.store, 0), "a", 1, 1, 0, 0);
	result = commit(txn);
	cr_assert_geq(result.system_time, year_2100);
	cr_assert_eq(result.clock_distance_us, 0);
	memory_set_clock(w.os, 2000000);
	put(txn = begin(w.store, 0), "a", 1, 2, 0, 0);
	cr_assert_eq(commit(txn).system_time, result.system_time + 1);
	put(txn = begin(w.store, 0), "a", 1, 3, 0, 0);
	put(txn, "b", 1, 3, 0, 0);
	result = commit(txn);
	cr_assert_gt(result.clock_distance_us, year_2100 - 3000000);
	cr_assert_lt(result.clock_distance_us, year_2100);
	cr_assert_str_eq(show(w.store, "a", NULL), "1 3");
	world_release(&w);
}

/* Arrays that the commit does not touch have no say. */
Test(clock, of_another_array_is_not_asked)
{
	teg_commit_result result;
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, "a");
	create(&w, "b");
	put(txn = begin(w.store, 900000000), "a", 1, 1, 0, 0);
	commit(txn);
	put(txn = begin(w.store, 0), "b", 1, 1, 0, 0);
	result = commit(txn);
	cr_assert_lt(result.system_time, 900000000);
	cr_assert_eq(result.clock_distance_us, 0);
	put(txn = begin(w.store, result.system_time + 1), "b", 1, 1, 0, 0);
	commit(txn);
	world_release(&w);
}

/* A commit that would lie too far from the clock is refused, and goes through once the clock is right. */
Test(clock, may_not_be_further_than_is_allowed)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .max_clock_jump_us = 1000,
		                      .no_auto_compact = true };
	struct world w;
	teg_store *store;
	teg_txn *txn;

	world_init(&w);
	create(&w, "a");
	put(txn = begin(w.store, 5000000), "a", 1, 1, 0, 0);
	commit(txn);
	options.os = w.os;
	options.allocator = &w.mem.alloc;
	OK(teg_store_open(NULL, &options, &store, err));
	put(txn = begin(store, 0), "a", 1, 2, 0, 0);
	REFUSED(TEG_TIME_ORDER, teg_txn_commit(txn, NULL, err));
	cr_assert_str_eq(show(w.store, "a", NULL), "1 1");
	memory_set_clock(w.os, 5000000 - 500);
	cr_assert_eq(commit(txn).system_time, 5000001);
	cr_assert_str_eq(show(w.store, "a", NULL), "1 2");
	teg_store_close(store);
	world_release(&w);
}

/* The caller's own: greater than the last of every array that is touched, whoever was faster. */
Test(clock, of_the_caller_ascends_strictly)
{
	static const int64_t too_early[] = { 1, 199, 200 };
	teg_txn *txn, *other;
	struct world w;

	world_init(&w);
	create(&w, "a");
	create(&w, "b");
	put(txn = begin(w.store, 200), "a", 1, 1, 0, 0);
	commit(txn);
	put(txn = begin(w.store, 100), "b", 1, 1, 0, 0);
	commit(txn);
	for (size_t i = 0; i < 3; i++) {
		teg_error why;

		put(txn = begin(w.store, too_early[i]), "b", 1, 9, 0, 0);
		put(txn, "a", 1, 9, 0, 0);
		cr_assert_eq(teg_txn_commit(txn, NULL, &why), TEG_TIME_ORDER);
		cr_assert(strstr(why.message, "200") || i == 0, "%s", why.message);
		teg_txn_abort(txn);
	}
	cr_assert_str_eq(show(w.store, "b", NULL), "1 1", "all or nothing");
	put(txn = begin(w.store, 201), "a", 1, 2, 0, 0);
	put(other = begin(w.store, 201), "a", 1, 3, 0, 0);
	cr_assert_eq(commit(other).system_time, 201);
	REFUSED(TEG_TIME_ORDER, teg_txn_commit(txn, NULL, err));
	teg_txn_abort(txn);
	cr_assert_str_eq(show(w.store, "a", NULL), "1 3");
	world_release(&w);
}

/* From the commit's time on, which a rebase does not change into another; the same cell may not have another
 * interval in that commit, and the row that has is named. */
Test(clock, gives_a_start_that_is_known_at_the_commit)
{
	teg_scan_options all = { .struct_size = sizeof all, .mode = TEG_SCAN_ALL_VERSIONS };
	teg_txn *txn, *other;
	teg_error why;
	struct world w;

	world_init(&w);
	create(&w, "a");
	put(txn = begin(w.store, 0), "a", 1, 1, 0, 0);
	commit(txn);
	memory_set_clock(w.os, 2000000);
	put(txn = begin(w.store, 300000000), "a", 1, 2, TEG_TIME_OF_COMMIT, 0);
	put(other = begin(w.store, 200000000), "a", 2, 3, TEG_TIME_OF_COMMIT, TEG_TIME_OPEN_END);
	commit(other);
	commit(txn);
	for (int merged = 0; merged < 2; merged++) {
		teg_scan_options at = { .struct_size = sizeof at,
			                .valid_mode = TEG_VALID_AT,
			                .valid_at = 299999999 };

		cr_assert_str_eq(show(w.store, "a", &at), "1 1|2 3");
		at.valid_at = 300000000;
		cr_assert_str_eq(show(w.store, "a", &at), "1 2|2 3");
		at.valid_at = 199999999;
		cr_assert_str_eq(show(w.store, "a", &at), "1 1");
		cr_assert(strstr(show(w.store, "a", &all), "1 2 300000000 - 300000000 - 0"), "%s",
		          show(w.store, "a", &all));
		OK(teg_compact(w.store, NULL, NULL, err));
	}
	put(txn = begin(w.store, 400000000), "a", 1, 5, 3, 4);
	put(txn, "a", 2, 5, 3, 4);
	put(txn, "a", 2, 6, TEG_TIME_OF_COMMIT, 0);
	cr_assert_eq(teg_txn_commit(txn, NULL, &why), TEG_MISUSE);
	cr_assert_eq(why.row, 1, "row %d", (int)why.row);
	cr_assert_str_eq(why.array, "a");
	teg_txn_abort(txn);
	cr_assert_str_eq(show_where(w.store, "a", "value > 4"), "");
	world_release(&w);
}
