/* Calls with bad arguments: a typed error that names the thing, a transaction that is as it was before
 * the call, and a store of the same bytes. Files and directories that are no good are in
 * bad_store_test.c. */
#include <math.h>
#include <string.h>
#include "tests/support/files.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

struct arrays {
	struct world world;
	teg_txn *txn;
	struct reading events, grid, rows;
};

static const teg_dimension dims[] = { { .name = "x",
	                                .type = { .type = TEG_FLOAT64 },
	                                .lo = { TEG_FLOAT64, { .f = 0 } },
	                                .hi = { TEG_FLOAT64, { .f = 10 } } },
	                              { .name = "who", .type = { .type = TEG_UTF8 } } };
static const teg_dimension box_dims[] = { { .name = "i",
	                                    .type = { .type = TEG_INT32 },
	                                    .lo = { TEG_INT32, { .i = -2 } },
	                                    .hi = { TEG_INT32, { .i = 5 } } } };
static const teg_attribute attributes[] = {
	{ .name = "v", .type = { .type = TEG_INT32 } },
	{ .name = "note", .type = { .type = TEG_UTF8 }, .nullable = true }
};

static teg_spec spec_of(teg_kind kind)
{
	teg_spec spec = spec_make(kind, kind == TEG_SPARSE ? dims : box_dims,
	                          kind == TEG_SPARSE ? 2 : kind == TEG_DENSE, attributes,
	                          kind == TEG_DENSE ? 1 : 2);

	spec.valid_time = kind == TEG_SPARSE;
	return spec;
}

/* ---- columns: two good rows, from which each case strays in one thing ---- */

static double xs[] = { 1, 2 };
static int32_t vs[] = { 10, 20 };
static int32_t offsets[] = { 0, 1, 3 };
static int32_t bad_offsets[] = { 0, 3, 1 };
static int64_t wide[] = { 1, (int64_t)1 << 40 };
static const uint8_t second_null = 1;

#define X                                 \
	{                                 \
		.name = "x", .values = xs \
	}
#define WHO                                                        \
	{                                                          \
		.name = "who", .values = "abb", .offsets = offsets \
	}
#define V                                 \
	{                                 \
		.name = "v", .values = vs \
	}
#define NOTE                                                              \
	{                                                                 \
		.name = "note", .values = "z\xc3\xa9", .offsets = offsets \
	}

static teg_status put(teg_txn *txn, const teg_column *columns, size_t n, teg_error *err)
{
	return teg_txn_put(txn, "events", columns, n, 2, NULL, err);
}

static void open_arrays(struct arrays *w)
{
	static const char *const names[] = { "rows", "events", "grid" };
	teg_column good[] = { X, WHO, V, NOTE };
	teg_column rows[] = { V, NOTE };

	world_make(&w->world, (teg_store_options){ 0 });
	w->txn = txn_begin(w->world.store);
	for (int kind = TEG_TABLE; kind <= TEG_DENSE; kind++) {
		teg_spec spec = spec_of((teg_kind)kind);

		OK(teg_txn_create(w->txn, names[kind - 1], &spec, err));
	}
	OK(put(w->txn, good, 4, err));
	OK(teg_txn_put(w->txn, "rows", rows, 2, 2, NULL, err));
	txn_commit(w->txn);
	reading_open(&w->events, w->world.store, "events");
	reading_open(&w->grid, w->world.store, "grid");
	reading_open(&w->rows, w->world.store, "rows");
	w->txn = txn_begin(w->world.store);
}

static uint64_t count(teg_store *store, const char *name, uint64_t *version_out)
{
	teg_array_info info = { .struct_size = sizeof info };
	struct reading at;

	reading_open(&at, store, name);
	OK(teg_array_get_info(at.array, &info, err));
	*version_out = teg_snapshot_version(at.snapshot);
	reading_close(&at);
	return info.n_rows;
}

/* The transaction that met all the errors is empty still, and good. */
static void close_arrays(struct arrays *w)
{
	uint64_t before, after;
	teg_commit_result committed = { .struct_size = sizeof committed };

	count(w->world.store, "events", &before);
	OK(teg_txn_commit(w->txn, &committed, err));
	cr_assert_eq(committed.n_rows, 0);
	cr_assert_eq(count(w->world.store, "events", &after), 2);
	cr_assert_eq(before, after, "an empty transaction made version %d", (int)after);
	cr_assert_eq(count(w->world.store, "rows", &after), 2);
	verify_sound(w->world.store);
	reading_close(&w->events);
	reading_close(&w->grid);
	reading_close(&w->rows);
	world_release(&w->world);
}

/* ---- rows ---- */

static double outside[] = { 1, 10.5 }, below[] = { 1, -1e-300 }, nans[] = { 1, NAN },
	      infinite[] = { INFINITY, 1 };
static const struct {
	const char *why;
	teg_column columns[5];
	size_t n;
	teg_status status;
	const char *column;
	int64_t row;
} bad_rows[] = {
	{ "outside the domain",
	  { { .name = "x", .values = outside }, WHO, V, NOTE },
	  4,
	  TEG_DOMAIN,
	  "x",
	  1 },
	{ "just below it",
	  { { .name = "x", .values = below }, WHO, V, NOTE },
	  4,
	  TEG_DOMAIN,
	  "x",
	  1 },
	{ "NaN coordinate",
	  { { .name = "x", .values = nans }, WHO, V, NOTE },
	  4,
	  TEG_DOMAIN,
	  "x",
	  1 },
	{ "infinite",
	  { { .name = "x", .values = infinite }, WHO, V, NOTE },
	  4,
	  TEG_DOMAIN,
	  "x",
	  0 },
	{ "null coordinate",
	  { { .name = "x", .values = xs, .validity = &second_null }, WHO, V, NOTE },
	  4,
	  TEG_DOMAIN,
	  "x",
	  1 },
	{ "null text coordinate",
	  { X,
	    { .name = "who", .values = "abb", .offsets = offsets, .validity = &second_null },
	    V,
	    NOTE },
	  4,
	  TEG_DOMAIN,
	  "who",
	  1 },
	{ "null in a required column",
	  { X, WHO, { .name = "v", .values = vs, .validity = &second_null }, NOTE },
	  4,
	  TEG_SCHEMA,
	  "v",
	  1 },
	{ "wrong type",
	  { X,
	    WHO,
	    { .name = "v", .values = xs, .type = { .type = TEG_UTF8 }, .offsets = offsets },
	    NOTE },
	  4,
	  TEG_SCHEMA,
	  "v",
	  -1 },
	{ "a wider type",
	  { X, WHO, { .name = "v", .values = wide, .type = { .type = TEG_INT64 } }, NOTE },
	  4,
	  TEG_SCHEMA,
	  "v",
	  -1 },
	{ "unknown column",
	  { X, WHO, V, NOTE, { .name = "hue", .values = vs } },
	  5,
	  TEG_SCHEMA,
	  "hue",
	  -1 },
	{ "missing attribute", { X, WHO, NOTE }, 3, TEG_SCHEMA, "v", -1 },
	{ "missing nullable attribute", { X, WHO, V }, 3, TEG_SCHEMA, "note", -1 },
	{ "missing dimension", { X, V, NOTE }, 3, TEG_SCHEMA, "who", -1 },
	{ "the same column twice", { X, WHO, V, NOTE, V }, 5, TEG_SCHEMA, "v", -1 },
	{ "text that is not UTF-8",
	  { X, WHO, V, { .name = "note", .values = "z\xc3(", .offsets = offsets } },
	  4,
	  TEG_SCHEMA,
	  "note",
	  1 },
	{ "offsets that descend",
	  { X, { .name = "who", .values = "abb", .offsets = bad_offsets }, V, NOTE },
	  4,
	  TEG_MISUSE,
	  "who",
	  0 },
};

Test(bad_input, a_bad_row_is_refused_with_its_column_and_number) /* X12 B6 */
{
	struct arrays w;
	uint64_t before;

	open_arrays(&w);
	before = files_hash(w.world.os);
	for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
		teg_error why = { 0 };
		teg_status status = put(w.txn, bad_rows[i].columns, bad_rows[i].n, &why);

		cr_expect_eq(status, bad_rows[i].status, "%s: %s: %s", bad_rows[i].why,
		             teg_status_name(status), why.message);
		cr_expect_eq(why.status, status, "%s", bad_rows[i].why);
		cr_expect_str_eq(why.array, "events", "%s", bad_rows[i].why);
		cr_expect_str_eq(why.column, bad_rows[i].column, "%s: %s", bad_rows[i].why,
		                 why.message);
		cr_expect_eq(why.row, bad_rows[i].row, "%s: row %lld", bad_rows[i].why,
		             (long long)why.row);
		cr_expect(why.message[0], "%s", bad_rows[i].why);
		cr_expect_eq(files_hash(w.world.os), before, "%s: a file is another",
		             bad_rows[i].why);
	}
	close_arrays(&w);
}

/* ---- everything else ---- */

static teg_status put_unknown(struct arrays *w, teg_error *err)
{
	teg_column columns[] = { V };

	return teg_txn_put(w->txn, "evnets", columns, 1, 2, NULL, err);
}

static teg_status open_unknown(struct arrays *w, teg_error *err)
{
	teg_array *array;
	teg_status status = teg_array_open(w->events.snapshot, "evnets", &array, err);

	cr_assert_null(array);
	return status;
}

static teg_status create_again(struct arrays *w, teg_error *err)
{
	teg_spec spec = spec_of(TEG_TABLE);

	return teg_txn_create(w->txn, "rows", &spec, err);
}

static teg_status create_nan_domain(struct arrays *w, teg_error *err)
{
	teg_spec spec = spec_of(TEG_SPARSE);
	teg_dimension bad[2] = { dims[0], dims[1] };

	spec.dimensions = bad;
	bad[0].lo.as.f = NAN;
	return teg_txn_create(w->txn, "new", &spec, err);
}

static teg_status scan_columns(teg_array *array, const char *column, const teg_range *box,
                               const char *where, teg_error *err)
{
	teg_scan_options options = {
		.struct_size = sizeof options, .columns = &column, .n_columns = 1, .box = box
	};
	teg_predicate *predicate = NULL;
	teg_scan *scan = NULL;
	teg_status status;

	if (where)
		cr_assert_eq(teg_predicate_parse(where, NULL, &predicate, err), TEG_OK);
	options.predicate = predicate;
	status = teg_scan_open(array, &options, &scan, err);
	teg_predicate_free(predicate);
	cr_assert(status == TEG_OK || !scan);
	teg_scan_close(scan);
	return status;
}

static teg_status scan_unknown(struct arrays *w, teg_error *err)
{
	return scan_columns(w->events.array, "hue", NULL, NULL, err);
}

static teg_status filter_unknown(struct arrays *w, teg_error *err)
{
	return scan_columns(w->events.array, "v", NULL, "hue = 3", err);
}

static teg_status filter_wrong_type(struct arrays *w, teg_error *err)
{
	return scan_columns(w->events.array, "v", NULL, "v = 'red'", err);
}

static teg_status scan_box_wrong_type(struct arrays *w, teg_error *err)
{
	teg_range box[2] = { { { TEG_UTF8, { .bytes = { "a", 1 } } }, { 0 } } };

	return scan_columns(w->events.array, "v", box, NULL, err);
}

static teg_status box_call(struct arrays *w, bool write, int32_t lo, int32_t hi, const char *name,
                           size_t len, teg_error *err)
{
	int32_t values[16] = { 0 };
	teg_range box = { { TEG_INT32, { .i = lo } }, { TEG_INT32, { .i = hi } } };
	teg_buffer buffer = { .name = name, .values = values, .values_len = len };

	return write ? teg_txn_put_box(w->txn, "grid", &box, &buffer, 1, NULL, err)
	             : teg_read_box(w->grid.array, &box, &buffer, 1, NULL, NULL, err);
}

static teg_status put_box_outside(struct arrays *w, teg_error *err)
{
	return box_call(w, true, 4, 6, "v", 12, err);
}

static teg_status put_box_inverted(struct arrays *w, teg_error *err)
{
	return box_call(w, true, 4, 3, "v", 12, err);
}

static teg_status put_box_short(struct arrays *w, teg_error *err)
{
	return box_call(w, true, 0, 3, "v", 15, err);
}

static teg_status put_box_unknown(struct arrays *w, teg_error *err)
{
	return box_call(w, true, 0, 3, "hue", 16, err);
}

static teg_status read_box_outside(struct arrays *w, teg_error *err)
{
	return box_call(w, false, -3, 0, "v", 16, err);
}

static teg_status read_box_short(struct arrays *w, teg_error *err)
{
	return box_call(w, false, -2, 5, "v", 31, err);
}

static teg_status read_box_unknown(struct arrays *w, teg_error *err)
{
	return box_call(w, false, -2, 5, "hue", 32, err);
}

static teg_status read_box_of_table(struct arrays *w, teg_error *err)
{
	int32_t values[2];
	teg_range box = { { TEG_INT64, { .i = 0 } }, { TEG_INT64, { .i = 1 } } };
	teg_buffer buffer = { .name = "v", .values = values, .values_len = sizeof values };

	return teg_read_box(w->rows.array, &box, &buffer, 1, NULL, NULL, err);
}

static teg_status get_call(teg_array *array, const teg_value *key, size_t n, teg_error *err)
{
	teg_read_options at = { .struct_size = sizeof at, .has_valid_at = true };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_outcome outcome;

	return teg_get(array, key, n, &at, &outcome, &schema, &batch, err);
}

static teg_status get_nan(struct arrays *w, teg_error *err)
{
	teg_value key[] = { { TEG_FLOAT64, { .f = NAN } }, { TEG_UTF8, { .bytes = { "a", 1 } } } };

	return get_call(w->events.array, key, 2, err);
}

static teg_status get_short_key(struct arrays *w, teg_error *err)
{
	teg_value key = { TEG_FLOAT64, { .f = 1 } };

	return get_call(w->events.array, &key, 1, err);
}

static teg_status get_wrong_type(struct arrays *w, teg_error *err)
{
	teg_value key[] = { { TEG_UTF8, { .bytes = { "a", 1 } } },
		            { TEG_UTF8, { .bytes = { "a", 1 } } } };

	return get_call(w->events.array, key, 2, err);
}

static teg_status take_call(struct arrays *w, int64_t ordinal, const char *column, teg_error *err)
{
	int64_t ordinals[] = { 1, 0, ordinal };
	struct ArrowSchema schema;
	struct ArrowArray batch;

	return teg_take(w->rows.array, ordinals, 3, &column, 1, NULL, &schema, &batch, err);
}

static teg_status take_minus_one(struct arrays *w, teg_error *err)
{
	return take_call(w, -1, "v", err);
}

static teg_status take_beyond(struct arrays *w, teg_error *err)
{
	return take_call(w, 2, "v", err);
}

static teg_status take_unknown(struct arrays *w, teg_error *err)
{
	return take_call(w, 0, "hue", err);
}

static teg_status delete_unknown(struct arrays *w, teg_error *err)
{
	teg_predicate *where;
	teg_status status;

	cr_assert_eq(teg_predicate_parse("v > 3", NULL, &where, err), TEG_OK);
	status = teg_txn_delete_where(w->txn, "evnets", NULL, where, NULL, NULL, err);
	teg_predicate_free(where);
	return status;
}

static teg_status delete_nan(struct arrays *w, teg_error *err)
{
	teg_column key[] = { { .name = "x", .values = nans }, WHO };

	return teg_txn_delete(w->txn, "events", key, 2, 2, NULL, err);
}

static teg_status put_inverted_interval(struct arrays *w, teg_error *err)
{
	teg_put_options options = { .struct_size = sizeof options,
		                    .valid_from = 5,
		                    .valid_until = 5 };
	teg_column columns[] = { X, WHO, V, NOTE };

	return teg_txn_put(w->txn, "events", columns, 4, 2, &options, err);
}

static teg_status compact_unknown(struct arrays *w, teg_error *err)
{
	teg_compact_options options = { .struct_size = sizeof options, .array = "evnets" };

	return teg_compact(w->world.store, &options, NULL, err);
}

static teg_status vacuum_negative(struct arrays *w, teg_error *err)
{
	teg_vacuum_options options = { .struct_size = sizeof options,
		                       .has_grace = true,
		                       .grace_us = -1 };

	return teg_vacuum(w->world.store, &options, NULL, err);
}

static const struct {
	const char *why;
	teg_status (*call)(struct arrays *w, teg_error *err);
	teg_status status;
	const char *array, *column;
	int64_t row;
} calls[] = {
	{ "put into an unknown array", put_unknown, TEG_NOT_FOUND, "evnets", "", -1 },
	{ "open an unknown array", open_unknown, TEG_NOT_FOUND, "evnets", "", -1 },
	{ "create what exists", create_again, TEG_EXISTS, "rows", "", -1 },
	{ "create with a NaN bound", create_nan_domain, TEG_SCHEMA, "new", "x", -1 },
	{ "scan an unknown column", scan_unknown, TEG_NOT_FOUND, "events", "hue", -1 },
	{ "filter an unknown column", filter_unknown, TEG_NOT_FOUND, "events", "hue", -1 },
	{ "filter by another type", filter_wrong_type, TEG_MISUSE, "events", "v", -1 },
	{ "a box of another type", scan_box_wrong_type, TEG_MISUSE, "events", "x", -1 },
	{ "put a box outside", put_box_outside, TEG_DOMAIN, "grid", "i", -1 },
	{ "put an inverted box", put_box_inverted, TEG_MISUSE, "grid", "i", -1 },
	{ "put a box from too little", put_box_short, TEG_MISUSE, "grid", "v", -1 },
	{ "put a box of no column", put_box_unknown, TEG_SCHEMA, "grid", "hue", -1 },
	{ "read a box outside", read_box_outside, TEG_DOMAIN, "grid", "i", -1 },
	{ "read a box into too little", read_box_short, TEG_MISUSE, "grid", "v", -1 },
	{ "read a box of no column", read_box_unknown, TEG_NOT_FOUND, "grid", "hue", -1 },
	{ "read a box of a table", read_box_of_table, TEG_MISUSE, "rows", "", -1 },
	{ "get NaN", get_nan, TEG_DOMAIN, "events", "x", -1 },
	{ "get by half a key", get_short_key, TEG_MISUSE, "events", "", -1 },
	{ "get by another type", get_wrong_type, TEG_MISUSE, "events", "x", -1 },
	{ "take -1", take_minus_one, TEG_DOMAIN, "rows", "", 2 },
	{ "take beyond the last", take_beyond, TEG_DOMAIN, "rows", "", 2 },
	{ "take an unknown column", take_unknown, TEG_NOT_FOUND, "rows", "hue", -1 },
	{ "delete from an unknown array", delete_unknown, TEG_NOT_FOUND, "evnets", "", -1 },
	{ "delete NaN", delete_nan, TEG_DOMAIN, "events", "x", 1 },
	{ "an empty interval", put_inverted_interval, TEG_MISUSE, "events", "", -1 },
	{ "compact an unknown array", compact_unknown, TEG_NOT_FOUND, "evnets", "", -1 },
	{ "a negative grace period", vacuum_negative, TEG_MISUSE, "", "", -1 },
};

Test(bad_input, a_bad_call_is_refused_and_names_the_thing) /* X12 H2 H9 T4 */
{
	struct arrays w;

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		teg_error why = { 0 };
		teg_status status;
		uint64_t before;

		open_arrays(&w);
		before = files_hash(w.world.os);
		status = calls[i].call(&w, &why);

		cr_expect_eq(status, calls[i].status, "%s: %s: %s", calls[i].why,
		             teg_status_name(status), why.message);
		cr_expect_str_eq(why.array, calls[i].array, "%s: array %s: %s", calls[i].why,
		                 why.array, why.message);
		cr_expect_str_eq(why.column, calls[i].column, "%s: column %s: %s", calls[i].why,
		                 why.column, why.message);
		cr_expect_eq(why.row, calls[i].row, "%s: row %lld", calls[i].why,
		             (long long)why.row);
		cr_expect(why.message[0], "%s", calls[i].why);
		/* The error is optional, and changes nothing about the answer. */
		cr_expect_eq(calls[i].call(&w, NULL), status, "%s", calls[i].why);
		cr_expect_eq(files_hash(w.world.os), before, "%s: a file is another", calls[i].why);
		close_arrays(&w);
	}
}
