/* Rows that bring their own system times and kinds: what is refused, and boxes among them. Replays of
 * random histories are tests/model's. TIME-5, TIME-19 to TIME-21 */
#include "tests/support/show.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define NONE INT64_MIN

static void create(struct world *w, teg_kind kind)
{
	teg_dimension x = axis_of("x", TEG_INT32);
	teg_attribute value = attribute_of("value", TEG_INT64);
	teg_spec spec = spec_make(kind, &x, kind != TEG_TABLE, &value, 1);

	x.lo = (teg_value){ .type = TEG_INT32, .as.i = 0 };
	x.hi = (teg_value){ .type = TEG_INT32, .as.i = 9 };
	spec.valid_time = true;
	txn_create(w->store, "a", &spec);
}

/* One row; NONE is null. */
struct row {
	int32_t x;
	int64_t value, time, kind, from, until, end;
};

#define ROWS_MAX 8
struct memory_of_rows {
	int32_t x[ROWS_MAX], end[ROWS_MAX];
	int64_t value[ROWS_MAX], time[ROWS_MAX], kind[ROWS_MAX], from[ROWS_MAX], until[ROWS_MAX];
	uint8_t no_value, no_time, no_kind, no_from, no_until, no_end;
	teg_column columns[7];
};

static void lay_out(struct memory_of_rows *m, const struct row *rows, size_t n)
{
	*m = (struct memory_of_rows){ .no_value = 0xff,
		                      .no_time = 0xff,
		                      .no_kind = 0xff,
		                      .no_from = 0xff,
		                      .no_until = 0xff,
		                      .no_end = 0xff };
	for (size_t i = 0; i < n; i++) {
		uint8_t bit = (uint8_t)(1u << i);

		m->x[i] = rows[i].x;
		m->value[i] = rows[i].value == NONE ? 0 : rows[i].value;
		m->time[i] = rows[i].time == NONE ? 0 : rows[i].time;
		m->kind[i] = rows[i].kind == NONE ? 0 : rows[i].kind;
		m->from[i] = rows[i].from == NONE ? 0 : rows[i].from;
		m->until[i] = rows[i].until == NONE ? 0 : rows[i].until;
		m->end[i] = rows[i].end == NONE ? 0 : (int32_t)rows[i].end;
		m->no_value &= rows[i].value == NONE ? (uint8_t)~bit : 0xff;
		m->no_time &= rows[i].time == NONE ? (uint8_t)~bit : 0xff;
		m->no_kind &= rows[i].kind == NONE ? (uint8_t)~bit : 0xff;
		m->no_from &= rows[i].from == NONE ? (uint8_t)~bit : 0xff;
		m->no_until &= rows[i].until == NONE ? (uint8_t)~bit : 0xff;
		m->no_end &= rows[i].end == NONE ? (uint8_t)~bit : 0xff;
	}
	m->columns[0] = (teg_column){ .name = "x", .values = m->x };
	m->columns[1] =
		(teg_column){ .name = "value", .values = m->value, .validity = &m->no_value };
	m->columns[2] = (teg_column){ .name = "t", .values = m->time, .validity = &m->no_time };
	m->columns[3] = (teg_column){ .name = "k",
		                      .values = m->kind,
		                      .validity = &m->no_kind,
		                      .type = { .type = TEG_INT64 } };
	m->columns[4] = (teg_column){ .name = "f", .values = m->from, .validity = &m->no_from };
	m->columns[5] = (teg_column){ .name = "u", .values = m->until, .validity = &m->no_until };
	m->columns[6] =
		(teg_column){ .name = "box_end.x", .values = m->end, .validity = &m->no_end };
}

static const teg_put_options roles = { .struct_size = sizeof roles,
	                               .valid_from_column = "f",
	                               .valid_until_column = "u",
	                               .system_time_column = "t",
	                               .row_kind_column = "k" };

static teg_status put(teg_txn *txn, const struct row *rows, size_t n, teg_error *err)
{
	struct memory_of_rows m;

	lay_out(&m, rows, n);
	return teg_txn_put(txn, "a", m.columns, 7, n, &roles, err);
}

static teg_status replay(teg_store *store, const struct row *rows, size_t n, teg_error *err)
{
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	return txn_end(txn, put(txn, rows, n, err), err);
}

/* ---- what is refused ---- */

static const struct {
	const char *why, *column;
	teg_status status;
	int64_t row; /* -1: none is named */
	struct row rows[2];
} refused[] = {
	{ "null time",
	  "t",
	  TEG_SCHEMA,
	  1,
	  { { 1, 5, 20, 0, NONE, NONE, NONE }, { 2, 5, NONE, 0, NONE, NONE, NONE } } },
	{ "time is an open end", "t", TEG_SCHEMA, 0, { { 1, 5, INT64_MAX, 0, NONE, NONE, NONE } } },
	{ "before the newest commit",
	  "",
	  TEG_TIME_ORDER,
	  -1,
	  { { 1, 5, 30, 0, NONE, NONE, NONE }, { 2, 5, 9, 0, NONE, NONE, NONE } } },
	{ "at the newest commit", "", TEG_TIME_ORDER, -1, { { 1, 5, 10, 0, NONE, NONE, NONE } } },
	{ "null kind", "k", TEG_SCHEMA, 0, { { 1, 5, 20, NONE, NONE, NONE, NONE } } },
	{ "unknown kind",
	  "k",
	  TEG_SCHEMA,
	  1,
	  { { 1, 5, 20, 0, NONE, NONE, NONE }, { 1, NONE, 21, 3, NONE, NONE, NONE } } },
	{ "negative kind", "k", TEG_SCHEMA, 0, { { 1, NONE, 20, -1, NONE, NONE, NONE } } },
	{ "a live row without its value",
	  "value",
	  TEG_SCHEMA,
	  0,
	  { { 1, NONE, 20, 0, NONE, NONE, NONE } } },
	{ "a tombstone with a value",
	  "value",
	  TEG_SCHEMA,
	  0,
	  { { 1, 5, 20, 1, NONE, NONE, NONE } } },
	{ "an erased row with a value",
	  "value",
	  TEG_SCHEMA,
	  0,
	  { { 1, 5, 20, 2, NONE, NONE, NONE } } },
	{ "valid times reversed",
	  "f",
	  TEG_SCHEMA,
	  1,
	  { { 1, 5, 20, 0, 1, 2, NONE }, { 1, 5, 21, 0, 2, 1, NONE } } },
	{ "valid times empty", "f", TEG_SCHEMA, 0, { { 1, 5, 20, 0, 2, 2, NONE } } },
	{ "outside the domain", "x", TEG_DOMAIN, 0, { { 10, 5, 20, 0, NONE, NONE, NONE } } },
	{ "a live box", "box_end.x", TEG_SCHEMA, 0, { { 1, 5, 20, 0, NONE, NONE, 4 } } },
	{ "a box with a value", "value", TEG_SCHEMA, 0, { { 1, 5, 20, 1, NONE, NONE, 4 } } },
	{ "a box that ends before it begins",
	  "box_end.x",
	  TEG_SCHEMA,
	  0,
	  { { 4, NONE, 20, 1, NONE, NONE, 3 } } },
	{ "an erased box of some time",
	  "box_end.x",
	  TEG_SCHEMA,
	  0,
	  { { 1, NONE, 20, 2, 1, NONE, 4 } } },
	{ "a box before the newest commit",
	  "",
	  TEG_TIME_ORDER,
	  -1,
	  { { 1, NONE, 10, 1, NONE, NONE, 4 } } },
	{ "a cell outside the domain beside a box",
	  "x",
	  TEG_DOMAIN,
	  1,
	  { { 1, NONE, 20, 1, NONE, NONE, 4 }, { 10, 5, 20, 0, NONE, NONE, NONE } } },
	{ "a null time of a box",
	  "t",
	  TEG_SCHEMA,
	  1,
	  { { 1, 5, 20, 0, NONE, NONE, NONE }, { 1, NONE, NONE, 1, NONE, NONE, 4 } } },
};

static const struct row first = { 3, 7, 10, 0, NONE, NONE, NONE };

Test(ledger, refuses_what_no_ledger_holds) /* X17 NE2 */
{
	struct world w;

	world_init(&w);
	create(&w, TEG_SPARSE);
	OK(replay(w.store, &first, 1, err));
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		size_t n = refused[i].rows[1].time ? 2 : 1;
		teg_error err;
		teg_status status = replay(w.store, refused[i].rows, n, &err);

		cr_assert_eq(status, refused[i].status, "%s: %s %s", refused[i].why,
		             teg_status_name(status), err.message);
		cr_assert_str_eq(err.column, refused[i].column, "%s: %s", refused[i].why,
		                 err.message);
		cr_assert(refused[i].status == TEG_MISUSE || err.row == refused[i].row,
		          "%s: row %lld", refused[i].why, (long long)err.row);
	}
	cr_assert_str_eq(show(w.store, "a", NULL), "3 7");
	world_release(&w);
}

/* After a refusal the transaction is as it was: what came before commits, and nothing of the call. */
Test(ledger, a_refused_put_leaves_the_transaction_as_it_was)
{
	static const struct row good[] = { { 1, 5, 20, 0, NONE, NONE, NONE },
		                           { 5, NONE, 21, 1, NONE, NONE, 8 } };
	static const struct row bad[] = { { 2, NONE, 30, 1, NONE, NONE, 4 },
		                          { 10, 5, 31, 0, NONE, NONE, NONE } };
	teg_scan_options all = { .struct_size = sizeof all,
		                 .mode = TEG_SCAN_ALL_VERSIONS,
		                 .kinds = 7 | TEG_KIND_BOX };
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, TEG_SPARSE);
	txn = txn_begin(w.store);
	OK(put(txn, good, 2, err));
	REFUSED(TEG_DOMAIN, put(txn, bad, 2, err));
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "a", &all), "1 5 20 - - - 0 -|5 - 21 - - - 1 8");
	world_release(&w);
}

Test(ledger, stands_alone_in_a_transaction)
{
	static const struct row box = { 1, NONE, 20, 1, NONE, NONE, 4 };
	teg_range range = { { .type = TEG_INT32, .as.i = 1 }, { .type = TEG_INT32, .as.i = 2 } };
	int32_t x = 1;
	int64_t value = 1;
	teg_column columns[] = { { .name = "x", .values = &x },
		                 { .name = "value", .values = &value } };
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, TEG_SPARSE);
	for (int i = 0; i < 4; i++) {
		const struct row *row = i < 2 ? &box : &first;

		txn = txn_begin(w.store);
		OK(put(txn, row, 1, err));
		if (i % 2)
			OK(teg_txn_delete_box(txn, "a", &range, NULL, err));
		else if (i)
			REFUSED(TEG_MISUSE, teg_txn_put(txn, "a", columns, 2, 1, NULL, err));
		else
			OK(teg_txn_put(txn, "a", columns, 2, 1, NULL, err));
		if (i != 2)
			REFUSED(TEG_MISUSE, teg_txn_commit(txn, NULL, err));
		teg_txn_abort(txn);
	}
	cr_assert_str_eq(show(w.store, "a", NULL), "");
	world_release(&w);
}

Test(ledger, roles_that_contradict_each_other)
{
	struct memory_of_rows m;
	teg_put_options o;
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, TEG_TABLE);
	lay_out(&m, &first, 1);
	txn = txn_begin(w.store);
	o = roles;
	REFUSED(TEG_MISUSE, teg_txn_put(txn, "a", m.columns + 1, 5, 1, &o, err)); /* no row ids */
	o.system_time_column = NULL;
	REFUSED(TEG_MISUSE, teg_txn_put(txn, "a", m.columns + 1, 5, 1, &o, err));
	o = roles;
	o.row_id_column = "x";
	o.row_kind_column = "kind";
	REFUSED(TEG_SCHEMA, teg_txn_put(txn, "a", m.columns, 6, 1, &o, err));
	o.row_kind_column = "k";
	m.columns[6].name = "box_end.y";
	REFUSED(TEG_SCHEMA, teg_txn_put(txn, "a", m.columns, 7, 1, &o, err));
	m.columns[6].name = "box_end.row_id";
	m.columns[0].name = "box_end.row_id";
	REFUSED(TEG_SCHEMA, teg_txn_put(txn, "a", m.columns, 7, 1, &o, err));
	teg_txn_abort(txn);
	cr_assert_str_eq(show(w.store, "a", NULL), "");
	world_release(&w);
}

/* ---- boxes ---- */

static const char *told(teg_store *store, teg_error *err)
{
	teg_scan_options all = { .struct_size = sizeof all,
		                 .mode = TEG_SCAN_ALL_VERSIONS,
		                 .kinds = 7 | TEG_KIND_BOX };

	(void)err;
	return show(store, "a", &all);
}

/* Newest first, of one commit the later first; a box that a newer one hides for good ends with it, one
 * that an erased one hides is not there. TIME-20 TIME-21 */
Test(ledger, boxes_come_back_as_they_went_in)
{
	static const struct row rows[] = {
		{ 1, 5, 20, 0, NONE, NONE, NONE }, { 0, NONE, 50, 2, NONE, NONE, 3 },
		{ 2, NONE, 40, 1, NONE, NONE, 8 }, { 1, NONE, 30, 1, 5, NONE, 2 },
		{ 3, NONE, 25, 1, NONE, NONE, 7 }, { -5, NONE, 22, 1, 4, 6, 100 },
	};
	const char *want =
		"0 - 50 - - - 2 3|2 - 40 - - - 1 8|3 - 25 40 - - 1 7|-5 - 22 - 4 6 1 100";
	struct world w;

	world_init(&w);
	create(&w, TEG_SPARSE);
	OK(replay(w.store, rows, 6, err));
	cr_assert_str_eq(told(w.store, NULL), want);
	OK(teg_compact(w.store, NULL, NULL, err));
	cr_assert_str_eq(told(w.store, NULL), want);
	world_release(&w);
}

Test(ledger, boxes_are_rows_of_all_versions_only)
{
	teg_scan_options o = { .struct_size = sizeof o, .kinds = 7 | TEG_KIND_BOX };
	struct reading at;
	teg_predicate *where;
	teg_scan *scan;
	struct world w;

	world_init(&w);
	create(&w, TEG_SPARSE);
	OK(teg_predicate_parse("value > 3", &w.mem.alloc, &where, err));
	reading_open(&at, w.store, "a");
	REFUSED(TEG_MISUSE, teg_scan_open(at.array, &o, &scan, err));
	o.mode = TEG_SCAN_ALL_VERSIONS;
	o.predicate = where;
	REFUSED(TEG_MISUSE, teg_scan_open(at.array, &o, &scan, err));
	reading_close(&at);
	teg_predicate_free(where);
	cr_assert_str_eq(show(w.store, "a", NULL), "");
	world_release(&w);
}

/* An export's columns are as names are; where an array has such a name itself, boxes cannot be told. */
Test(ledger, a_column_of_that_name_is_an_attribute)
{
	teg_dimension x = axis_of("x", TEG_INT32);
	teg_attribute value = attribute_of("box_end.x", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, &x, 1, &value, 1);
	teg_scan_options o = { .struct_size = sizeof o,
		               .mode = TEG_SCAN_ALL_VERSIONS,
		               .kinds = 7 | TEG_KIND_BOX };
	int32_t three = 3;
	int64_t values[] = { 7, 5 };
	teg_column columns[] = { { .name = "x", .values = &three },
		                 { .name = "box_end.x", .values = &values[0] },
		                 { .name = "t", .values = &values[1] } };
	teg_put_options put = { .struct_size = sizeof put, .system_time_column = "t" };
	struct reading at;
	teg_scan *scan;
	struct world w;
	teg_txn *txn;

	world_init(&w);
	txn = txn_begin(w.store);
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_put(txn, "a", columns, 3, 1, &put, err));
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "a", NULL), "3 7");
	reading_open(&at, w.store, "a");
	REFUSED(TEG_SCHEMA, teg_scan_open(at.array, &o, &scan, err));
	reading_close(&at);
	world_release(&w);
}

/* ---- in parts ---- */

/* What lies outside of the part is passed over, boxes too; parts that follow each other make the whole. */
Test(ledger, goes_in_by_several_commits)
{
	static const struct row rows[] = { { 1, 5, 20, 0, NONE, NONE, NONE },
		                           { 2, 6, 30, 0, NONE, NONE, NONE },
		                           { 3, 7, 40, 0, NONE, NONE, NONE },
		                           { 1, NONE, 30, 1, NONE, NONE, 8 },
		                           { 0, NONE, 40, 1, 5, 6, 2 } };
	static const int64_t cuts[] = { INT64_MIN, 19, 20, 30, 35, INT64_MAX };
	static const int n_boxes[] = { 0, 0, 1, 1, 2 };
	struct world w;

	world_init(&w);
	create(&w, TEG_SPARSE);
	for (int i = 0; i < 5; i++) {
		struct memory_of_rows m;
		teg_put_options part = roles;
		teg_txn *txn;
		int bars = 0;

		part.system_after = cuts[i];
		part.system_through = cuts[i + 1];
		lay_out(&m, rows, 5);
		txn = txn_begin(w.store);
		OK(teg_txn_put(txn, "a", m.columns, 7, 5, &part, err));
		txn_commit(txn);
		for (const char *c = told(w.store, NULL); *c; c++)
			bars += *c == '|';
		cr_assert_eq(bars + (i > 0), (i > 0) + (i > 1) + (i > 3) + n_boxes[i],
		             "part %d: %s", i, told(w.store, NULL));
	}
	cr_assert_str_eq(told(w.store, NULL), "1 5 20 30 - - 0 -|2 6 30 - - - 0 -|3 7 40 - - - 0 -|"
	                                      "0 - 40 - 5 6 1 2|1 - 30 - - - 1 8");
	world_release(&w);
}

/* ---- every allocation ---- */

Test(ledger, memory_fails_at_every_request_in_turn)
{
	static const struct row rows[] = { { 1, 5, 20, 0, NONE, NONE, NONE },
		                           { 0, NONE, 50, 2, NONE, NONE, 3 },
		                           { 2, NONE, 40, 1, NONE, NONE, 8 } };
	teg_scan_options all = { .struct_size = sizeof all,
		                 .mode = TEG_SCAN_ALL_VERSIONS,
		                 .kinds = 7 | TEG_KIND_BOX };
	bool missed = true;

	for (size_t n = 1; missed; n++) {
		struct handle h;
		struct world w;
		teg_status status;
		uint64_t n_told = 0;

		world_init(&w);
		create(&w, TEG_SPARSE);
		handle_open(&h, &w, (teg_store_options){ .no_auto_compact = true });
		h.mem.fail_at = h.mem.n_requests + n;
		h.mem.fail_once = n % 2;
		status = replay(h.store, rows, 3, NULL);
		if (status == TEG_OK)
			status = rows_count(h.store, "a", &all, &n_told, NULL);
		missed = h.mem.n_refused > 0;
		cr_assert(status == TEG_NOMEM || status == TEG_COMMIT_UNKNOWN ||
		                  (status == TEG_OK && n_told == 2),
		          "request %zu: %s, %llu rows", n, teg_status_name(status),
		          (unsigned long long)n_told);
		handle_close(&h);
		world_release(&w);
		cr_assert(missed || n > 100);
	}
}
