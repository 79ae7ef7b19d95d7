/* Cases that broke others' arrays with a past, through the public API: each before and after a merge, and
 * after the store was opened anew. */
#include <stdio.h>
#include <string.h>
#include "tests/support/show.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS 24

static void create(struct world *w, teg_kind kind, teg_type dim)
{
	teg_dimension x = axis_of("x", dim);
	teg_attribute attributes[] = { attribute_of("v", TEG_INT64),
		                       attribute_of("f", TEG_FLOAT64) };
	teg_spec spec = spec_make(kind, &x, kind != TEG_TABLE, attributes, 2);

	attributes[0].nullable = attributes[1].nullable = true;
	txn_create(w->store, "a", &spec);
}

/* Cells from, from + 1 ..: v = 10 x + version, f null where x is odd. */
static void put(teg_txn *txn, int32_t from, size_t n, int64_t version, bool table)
{
	int32_t x[ROWS];
	int64_t v[ROWS];
	double f[ROWS];
	uint8_t even[] = { 0x55, 0x55, 0x55 };
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "v", .values = v },
		                 { .name = "f", .values = f, .validity = even } };

	for (size_t i = 0; i < n; i++) {
		x[i] = from + (int32_t)i;
		v[i] = 10 * x[i] + version;
		f[i] = (double)x[i] / 2;
	}
	columns[2].validity_bit = (size_t)from % 2;
	OK(teg_txn_put(txn, "a", columns + table, table ? 2 : 3, n, NULL, err));
}

static void delete_one(teg_txn *txn, int64_t key, bool table)
{
	int32_t x = (int32_t)key;
	teg_column column = { .name = table ? "row_id" : "x", .values = &x };

	if (table)
		column.values = &key;
	OK(teg_txn_delete(txn, "a", &column, 1, 1, NULL, err));
}

static void erase_one(teg_txn *txn, int64_t key, bool table)
{
	int32_t x = (int32_t)key;
	teg_column column = { .name = table ? "row_id" : "x", .values = &x };
	teg_erase what = {
		.struct_size = sizeof what, .columns = &column, .n_columns = 1, .n_rows = 1
	};

	if (table)
		column.values = &key;
	OK(teg_txn_erase(txn, "a", &what, err));
}

/* As it is, merged, and opened anew. */
#define STAGES 3

static void next_stage(struct world *w, int stage)
{
	if (stage == 0)
		OK(teg_compact(w->store, NULL, NULL, err));
	else if (stage == 1)
		world_reopen(w);
}

/* ---- nulls and reads from disk ---- */

/* X1 X2: more rows than fit in a byte of validity, a column with nulls and one that is all null; box,
 * projection, as of, and a filter on an attribute that is somebody's key. */
Test(past, nulls_and_every_way_to_read_from_disk)
{
	teg_range box = { { .type = TEG_INT32, .as.i = 3 }, { .type = TEG_INT32, .as.i = 5 } };
	const char *const v_only[] = { "v" }, *const f_only[] = { "f" };
	teg_scan_options boxed = { .struct_size = sizeof boxed, .box = &box };
	teg_scan_options values = {
		.struct_size = sizeof values, .box = &box, .columns = v_only, .n_columns = 1
	};
	teg_scan_options floats = { .struct_size = sizeof floats,
		                    .box = &box,
		                    .columns = f_only,
		                    .n_columns = 1,
		                    .mode = TEG_SCAN_AS_OF,
		                    .system_time = 150 };
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, TEG_SPARSE, TEG_INT32);
	txn = txn_begin_at(w.store, 100);
	put(txn, 0, ROWS, 1, false);
	txn_commit(txn);
	txn = txn_begin_at(w.store, 200);
	put(txn, 4, 1, 2, false);
	txn_commit(txn);
	for (int stage = 0; stage < STAGES; stage++) {
		cr_assert_str_eq(show(w.store, "a", &boxed), "3 31 -|4 42 2|5 51 -");
		cr_assert_str_eq(show(w.store, "a", &values), "31|42|51");
		cr_assert_str_eq(show(w.store, "a", &floats), "-|2|-");
		cr_assert_str_eq(show_where(w.store, "a", "v in (42, 41, 111)"), "4 42 2|11 111 -");
		cr_assert_str_eq(show_where(w.store, "a", "f is null and x < 4"), "1 11 -|3 31 -");
		next_stage(&w, stage);
	}
	world_release(&w);
}

/* ---- deletions beside live rows ---- */

static int64_t get(struct world *w, int64_t x, int64_t at)
{
	teg_value key = { .type = TEG_INT32, .as.i = x };
	teg_read_options options = { .struct_size = sizeof options };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_outcome outcome;
	teg_array *array;
	int64_t value;

	if (at) {
		options.mode = TEG_SCAN_AS_OF;
		options.system_time = at;
	}
	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_get(array, &key, 1, &options, &outcome, &schema, &batch, err));
	value = -(int64_t)outcome;
	if (outcome == TEG_OUTCOME_LIVE) {
		value = ((const int64_t *)batch.children[1]->buffers[1])[0];
		batch.release(&batch);
		schema.release(&schema);
	}
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return value;
}

/* X3 X4 NC4: a deletion lies before live rows of its tile and has no values there; the rows behind it keep
 * theirs. A live row of nulls, a deleted one and an erased one are three things. */
Test(past, a_deletion_before_live_rows_moves_no_value)
{
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, TEG_SPARSE, TEG_INT32);
	txn = txn_begin_at(w.store, 100);
	delete_one(txn, 0, false);
	put(txn, 1, 12, 1, false);
	erase_one(txn, 5, false);
	delete_one(txn, 6, false);
	txn_commit(txn);
	txn = txn_begin_at(w.store, 200);
	put(txn, 8, 1, 2, false);
	delete_one(txn, 9, false);
	txn_commit(txn);
	for (int stage = 0; stage < STAGES; stage++) {
		cr_assert_str_eq(show_where(w.store, "a", "x <= 10"),
		                 "1 11 -|2 21 1|3 31 -|4 41 2|7 71 -|8 82 4|10 101 5");
		cr_assert_eq(get(&w, 1, 0), 11);
		cr_assert_eq(get(&w, 8, 0), 82);
		cr_assert_eq(get(&w, 8, 150), 81);
		cr_assert_eq(get(&w, 9, 150), 91);
		cr_assert_eq(get(&w, 9, 0), -TEG_OUTCOME_DELETED);
		cr_assert_eq(get(&w, 0, 0), -TEG_OUTCOME_DELETED);
		cr_assert_eq(get(&w, 6, 0), -TEG_OUTCOME_DELETED);
		cr_assert_eq(get(&w, 5, 0), -TEG_OUTCOME_ERASED);
		cr_assert_eq(get(&w, 5, 50), -TEG_OUTCOME_ERASED);
		cr_assert_eq(get(&w, 20, 0), -TEG_OUTCOME_NOT_FOUND);
		next_stage(&w, stage);
	}
	world_release(&w);
}

/* NE2: one place at several system times: the newest at or before the cutoff, newest first in a list. */
Test(past, one_place_at_many_times)
{
	teg_scan_options all = { .struct_size = sizeof all, .mode = TEG_SCAN_ALL_VERSIONS };
	struct world w;

	world_init(&w);
	create(&w, TEG_SPARSE, TEG_INT32);
	for (int64_t at = 100; at <= 400; at += 100) {
		teg_txn *txn = txn_begin_at(w.store, at);

		put(txn, 2, 1, at / 100, false);
		txn_commit(txn);
	}
	for (int stage = 0; stage < STAGES; stage++) {
		cr_assert_eq(get(&w, 2, 99), -TEG_OUTCOME_NOT_FOUND);
		for (int64_t at = 100; at <= 400; at += 100) {
			cr_assert_eq(get(&w, 2, at), 20 + at / 100);
			cr_assert_eq(get(&w, 2, at + 99), 20 + at / 100);
		}
		cr_assert_str_eq(
			show(w.store, "a", &all),
			"2 24 1 400 - 0|2 23 1 300 400 0|2 22 1 200 300 0|2 21 1 100 200 0");
		next_stage(&w, stage);
	}
	world_release(&w);
}

/* H4: ordinals count live rows only, whatever was deleted or erased, and keep their order. */
Test(past, ordinals_count_live_rows)
{
	int64_t ordinals[] = { 0, 3, 4, 5, 20 }, one_more = 21;
	static const int64_t want[] = { 1, 51, 61, 81, 231 };
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, TEG_TABLE, TEG_INT64);
	txn = txn_begin_at(w.store, 100);
	put(txn, 0, ROWS, 1, true);
	txn_commit(txn);
	txn = txn_begin_at(w.store, 200);
	delete_one(txn, 2, true);
	erase_one(txn, 4, true);
	delete_one(txn, 7, true);
	txn_commit(txn);
	for (int stage = 0; stage < STAGES; stage++) {
		struct ArrowSchema schema;
		struct ArrowArray batch;
		struct reading at;
		uint64_t n;

		reading_open(&at, w.store, "a");
		OK(teg_count_live(at.array, NULL, &n, err));
		cr_assert_eq(n, ROWS - 3);
		OK(teg_take(at.array, ordinals, 5, NULL, 0, NULL, &schema, &batch, err));
		cr_assert_arr_eq(batch.children[0]->buffers[1], want, sizeof want, "stage %d",
		                 stage);
		batch.release(&batch);
		schema.release(&schema);
		REFUSED(TEG_DOMAIN,
		        teg_take(at.array, &one_more, 1, NULL, 0, NULL, &schema, &batch, err));
		reading_close(&at);
		next_stage(&w, stage);
	}
	world_release(&w);
}

/* ---- coordinates and intervals ---- */

static void put_text(struct world *w, const char *text, int32_t len, int64_t value, int64_t at)
{
	int32_t offsets[] = { 0, len };
	double f = 0;
	teg_column columns[] = { { .name = "x", .values = text, .offsets = offsets },
		                 { .name = "v", .values = &value },
		                 { .name = "f", .values = &f } };
	teg_txn *txn = txn_begin_at(w->store, at);

	OK(teg_txn_put(txn, "a", columns, 3, 1, NULL, err));
	txn_commit(txn);
}

/* X11 X12: one text is one place, however it came; the empty one too, and those that begin alike. */
Test(past, one_text_is_one_place)
{
	struct world w;

	world_init(&w);
	create(&w, TEG_SPARSE, TEG_UTF8);
	put_text(&w, "", 0, 1, 100);
	put_text(&w, "prefixed-a", 10, 2, 200);
	put_text(&w, "prefixed-b", 10, 3, 300);
	put_text(&w, "prefixed", 8, 4, 400);
	world_reopen(&w);
	put_text(&w, "prefixed-a", 10, 5, 500);
	put_text(&w, "", 0, 6, 600);
	for (int stage = 0; stage < STAGES; stage++) {
		cr_assert_str_eq(show_where(w.store, "a", "x = ''"), " 6 0");
		cr_assert_str_eq(show_where(w.store, "a", "x >= 'prefixed'"),
		                 "prefixed 4 0|prefixed-a 5 0|prefixed-b 3 0");
		next_stage(&w, stage);
	}
	world_release(&w);
}

/* X13: the ends of valid time alternate between open and finite. */
Test(past, ends_of_valid_time_alternate)
{
	teg_dimension dim = axis_of("x", TEG_INT64);
	teg_attribute attribute = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, &dim, 1, &attribute, 1);
	teg_put_options options = { .struct_size = sizeof options, .valid_until_column = "until" };
	int64_t x[3000], until[3000];
	uint8_t odd[375];
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "v", .values = x },
		                 { .name = "until", .values = until, .validity = odd } };
	teg_scan_options at = { .struct_size = sizeof at,
		                .valid_mode = TEG_VALID_AT,
		                .valid_at = INT64_MAX - 1 };
	struct world w;
	teg_txn *txn;

	spec.valid_time = true;
	memset(odd, 0xaa, sizeof odd);
	for (int64_t i = 0; i < 3000; i++) {
		x[i] = i;
		until[i] = i % 4 == 1 ? INT64_MIN + 5 + i : i;
	}
	world_init(&w);
	txn = txn_begin_at(w.store, 100);
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_put(txn, "a", columns, 3, 3000, &options, err));
	txn_commit(txn);
	for (int stage = 0; stage < STAGES; stage++) {
		at.limit = 4;
		cr_assert_str_eq(show(w.store, "a", &at), "0 0|2 2|4 4|6 6", "stage %d", stage);
		cr_assert_str_eq(show_where(w.store, "a", "x in (5, 7) and valid_until < 7"),
		                 "5 5");
		next_stage(&w, stage);
	}
	world_release(&w);
}

/* ---- loads of deletions ---- */

/* X15: a load that only deletes is held to the budget as any other: four times as many keys, each of
 * which would take 12 bytes and more, take a few run headers more. */
Test(past, a_load_of_deletions_is_bounded)
{
	struct world w;
	size_t peaks[2];

	for (int round = 0; round < 2; round++) {
		size_t n = round ? 400000 : 100000;
		struct handle h;
		teg_txn *txn;

		world_init(&w);
		create(&w, TEG_SPARSE, TEG_INT32);
		handle_open(&h, &w,
		            (teg_store_options){ .write_budget = 1 << 18,
		                                 .no_auto_compact = true });
		txn = txn_begin(h.store);
		for (size_t i = 0; i < n; i += 5000) {
			int32_t x[5000];
			teg_column column = { .name = "x", .values = x };

			for (size_t k = 0; k < 5000; k++)
				x[k] = (int32_t)((i + k) * 2654435761u);
			OK(teg_txn_delete(txn, "a", &column, 1, 5000, NULL, err));
		}
		peaks[round] = h.mem.peak_len;
		txn_commit(txn);
		handle_close(&h);
		world_release(&w);
	}
	cr_assert_lt(peaks[1], 2 * peaks[0], "%zu, then %zu", peaks[0], peaks[1]);
	cr_assert_lt(peaks[1], (size_t)4 << 20);
}
