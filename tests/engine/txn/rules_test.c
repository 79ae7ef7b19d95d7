/* Check rules: what they take and refuse, through every way in, and what verify says of old rows. */
#include <math.h>
#include <stdio.h>
#include "tests/support/show.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

static const teg_attribute attributes[] = {
	{ .name = "i", .type = { .type = TEG_INT32 }, .nullable = true },
	{ .name = "f", .type = { .type = TEG_FLOAT64 }, .nullable = true },
	{ .name = "t", .type = { .type = TEG_UTF8 }, .nullable = true },
};

static teg_value whole(int64_t v)
{
	return (teg_value){ .type = TEG_INT32, .as.i = v };
}

static teg_value real(double v)
{
	return (teg_value){ .type = TEG_FLOAT64, .as.f = v };
}

/* i in [-3, 5], f from 0 on and below every NaN, t not empty */
static void make_checks(teg_check checks[3])
{
	checks[0] = (teg_check){ .name = "i is small",
		                 .kind = TEG_CHECK_RANGE,
		                 .column = "i",
		                 .lo = whole(-3),
		                 .hi = whole(5) };
	checks[1] = (teg_check){ .name = "f is a number",
		                 .kind = TEG_CHECK_RANGE,
		                 .column = "f",
		                 .lo = real(0),
		                 .hi = real(INFINITY) };
	checks[2] = (teg_check){ .name = "t says something",
		                 .kind = TEG_CHECK_NOT_EMPTY,
		                 .column = "t" };
}

static void create(struct world *w, const teg_check *checks, size_t n)
{
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attributes, 3);

	spec.checks = checks;
	spec.n_checks = n;
	txn_create(w->store, "a", &spec);
}

/* ---- rows ---- */

struct row {
	int32_t i;
	double f;
	const char *t;
	uint8_t valid; /* bits: i, f, t */
};

static teg_status put_rows(teg_txn *txn, const struct row *rows, size_t n, teg_error *err)
{
	int32_t i[8], offsets[9] = { 0 };
	double f[8];
	char text[64] = { 0 };
	uint8_t valid[3] = { 0 };
	teg_column columns[] = {
		{ .name = "i", .values = i, .validity = &valid[0], .type.type = TEG_INT32 },
		{ .name = "f", .values = f, .validity = &valid[1] },
		{ .name = "t", .values = text, .offsets = offsets, .validity = &valid[2] },
	};

	for (size_t k = 0; k < n; k++) {
		i[k] = rows[k].i;
		f[k] = rows[k].f;
		strcat(text, rows[k].t);
		offsets[k + 1] = (int32_t)strlen(text);
		for (int c = 0; c < 3; c++)
			valid[c] |= (uint8_t)((rows[k].valid >> c & 1) << k);
	}
	return teg_txn_put(txn, "a", columns, 3, n, NULL, err);
}

static const struct {
	const char *what;
	struct row row;
	const char *column; /* at fault; NULL: accepted */
} cases[] = {
	{ "inside", { 0, 1, "x", 7 }, NULL },
	{ "lower end", { -3, 0, "x", 7 }, NULL },
	{ "upper end", { 5, INFINITY, "x", 7 }, NULL },
	{ "minus zero", { 0, -0.0, "x", 7 }, NULL },
	{ "nulls over bad bytes", { 99, -9, "", 0 }, NULL },
	{ "below", { -4, 1, "x", 7 }, "i" },
	{ "above", { 6, 1, "x", 7 }, "i" },
	{ "f below", { 0, -5e-324, "x", 7 }, "f" },
	{ "f nan", { 0, NAN, "x", 7 }, "f" },
	{ "empty", { 0, 1, "", 7 }, "t" },
};

Test(rules, every_put_is_held_to_them) /* V10 B6 RULE-1 RULE-2 RULE-3 */
{
	teg_check checks[3];
	struct world w;

	make_checks(checks);
	world_init(&w);
	create(&w, checks, 3);
	world_reopen(&w);
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct row rows[] = { { 1, 1, "one", 7 }, { 2, 2, "two", 7 }, cases[k].row };
		teg_error why = { 0 };
		teg_status status;
		teg_txn *txn;

		txn = txn_begin(w.store);
		OK(put_rows(txn, rows, 2, err));
		status = put_rows(txn, rows, 3, &why);
		cr_assert_eq(status, cases[k].column ? TEG_SCHEMA : TEG_OK, "%s: %s", cases[k].what,
		             why.message);
		if (cases[k].column) {
			cr_assert_str_eq(why.column, cases[k].column, "%s", cases[k].what);
			cr_assert_eq(why.row, 2, "%s: row %lld", cases[k].what, (long long)why.row);
			cr_assert(strstr(why.message, "check '"), "%s", why.message);
		}
		teg_txn_abort(txn);
	}
	world_release(&w);
}

Test(rules, a_refused_put_leaves_the_transaction_as_it_was) /* B6 */
{
	struct row good = { 1, 1, "one", 7 }, bad = { 9, 1, "one", 7 };
	teg_check checks[3];
	struct world w;
	teg_txn *txn;

	make_checks(checks);
	world_init(&w);
	create(&w, checks, 3);
	txn = txn_begin(w.store);
	OK(put_rows(txn, &good, 1, err));
	REFUSED(TEG_SCHEMA, put_rows(txn, &bad, 1, err));
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "a", NULL), "1 1 one");
	world_release(&w);
}

Test(rules, boxes_of_dense_arrays_are_held_to_them) /* RULE-1 */
{
	teg_dimension x = axis_within("x", 0, 9);
	teg_check check = {
		.name = "small", .kind = TEG_CHECK_RANGE, .column = "i", .hi = whole(5)
	};
	teg_spec spec = spec_make(TEG_DENSE, &x, 1, attributes, 1);
	teg_range box = int_range(2, 4);
	int32_t values[] = { 1, 6, 3 };
	uint8_t valid[] = { 1, 0, 1 };
	teg_buffer buffer = { .name = "i", .values = values, .values_len = sizeof values };
	teg_error why = { 0 };
	struct world w;
	teg_txn *txn;

	spec.checks = &check;
	spec.n_checks = 1;
	world_init(&w);
	txn = txn_begin(w.store);
	OK(teg_txn_create(txn, "a", &spec, err));
	cr_assert_eq(teg_txn_put_box(txn, "a", &box, &buffer, 1, NULL, &why), TEG_SCHEMA);
	cr_assert_eq(why.row, 1);
	cr_assert_str_eq(why.column, "i");
	buffer.validity = valid;
	OK(teg_txn_put_box(txn, "a", &box, &buffer, 1, NULL, err));
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "a", NULL), "2 1|3 -|4 3");
	world_release(&w);
}

/* ---- declaring ---- */

Test(rules, what_is_no_rule_is_refused) /* RULE-4 */
{
	static const teg_value nan_end = { .type = TEG_FLOAT64, .as.f = NAN };
	teg_value text = { .type = TEG_UTF8, .as.bytes = { "x", 1 } }, none = { 0 };
	const struct {
		const char *what;
		teg_check check;
	} refused[] = {
		{ "no name", { NULL, TEG_CHECK_RANGE, "i", whole(1), none, NULL } },
		{ "bad name", { "\n", TEG_CHECK_RANGE, "i", whole(1), none, NULL } },
		{ "no column", { "c", TEG_CHECK_RANGE, NULL, whole(1), none, NULL } },
		{ "unknown column", { "c", TEG_CHECK_RANGE, "q", whole(1), none, NULL } },
		{ "a dimension", { "c", TEG_CHECK_RANGE, "row_id", whole(1), none, NULL } },
		{ "no kind", { "c", 0, "i", whole(1), none, NULL } },
		{ "unknown kind", { "c", 77, "i", whole(1), none, NULL } },
		{ "no ends", { "c", TEG_CHECK_RANGE, "i", none, none, NULL } },
		{ "backwards", { "c", TEG_CHECK_RANGE, "i", whole(2), whole(1), NULL } },
		{ "an end too large",
		  { "c", TEG_CHECK_RANGE, "i", none, whole(INT64_C(1) << 40), NULL } },
		{ "an end of another type", { "c", TEG_CHECK_RANGE, "i", text, none, NULL } },
		{ "nan", { "c", TEG_CHECK_RANGE, "f", nan_end, none, NULL } },
		{ "range of text", { "c", TEG_CHECK_RANGE, "t", text, none, NULL } },
		{ "length of a number", { "c", TEG_CHECK_SAME_LENGTH, "i", none, none, "f" } },
		{ "length as of nothing", { "c", TEG_CHECK_SAME_LENGTH, "i", none, none, NULL } },
		{ "empty number", { "c", TEG_CHECK_NOT_EMPTY, "i", none, none, NULL } },
	};
	struct world w;

	world_init(&w);
	create(&w, NULL, 0);
	for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
		teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attributes, 3);
		teg_alter change = { .kind = TEG_ALTER_CHECK, .check = &refused[k].check };
		bool missing = !refused[k].check.name || !refused[k].check.column;
		teg_txn *txn = txn_begin(w.store);

		spec.checks = change.check;
		spec.n_checks = 1;
		REFUSED(TEG_SCHEMA, teg_txn_create(txn, "b", &spec, err));
		REFUSED(missing ? TEG_MISUSE : TEG_SCHEMA,
		        teg_txn_alter(txn, "a", &change, 1, err));
		teg_txn_abort(txn);
	}
	cr_assert_str_eq(show_schema(w.store, "a"), "i int32?, f float64?, t utf8?");
	world_release(&w);
}

static teg_status alter(struct world *w, const teg_alter *changes, size_t n, teg_error *err)
{
	teg_txn *txn = txn_begin(w->store);

	return txn_end(txn, teg_txn_alter(txn, "a", changes, n, err), err);
}

/* What verify tells of broken rules, one after the other: "column row". */
struct told {
	char text[200];
	int n;
};

static void tell(void *ctx, const teg_error *broken)
{
	struct told *told = ctx;
	size_t len = strlen(told->text);

	cr_assert_eq(broken->status, TEG_SCHEMA, "%s", broken->message);
	cr_assert_str_eq(broken->array, "a");
	snprintf(told->text + len, sizeof told->text - len, "%s%s %lld", len ? ", " : "",
	         broken->column, (long long)broken->row);
	told->n++;
}

static void expect_broken(struct world *w, const char *text, int n)
{
	teg_verify_result result = { .struct_size = sizeof result };
	struct told told = { 0 };

	OK(teg_verify(w->store, true, tell, &told, &result, err));
	cr_assert_str_eq(told.text, text);
	cr_assert_eq(result.broken_checks, (uint64_t)n);
	cr_assert_eq(result.damages, 0);
	memset(&told, 0, sizeof told);
	OK(teg_verify(w->store, false, tell, &told, NULL, err));
	cr_assert_eq(told.n, 0, "only a deep look finds them");
}

Test(rules, are_added_and_removed_and_verify_finds_rows_from_before) /* V10 RULE-3 */
{
	struct row old[] = { { 1, 1, "one", 7 }, { 9, NAN, "", 7 }, { 9, 1, "", 7 } };
	int64_t ids[] = { 1 };
	teg_column row_id = { .name = "row_id", .values = ids };
	teg_alter changes[4] = { { .kind = TEG_ALTER_CHECK },
		                 { .kind = TEG_ALTER_CHECK },
		                 { .kind = TEG_ALTER_CHECK },
		                 { .kind = TEG_ALTER_RENAME, .name = "i", .new_name = "k" } };
	teg_alter uncheck = { .kind = TEG_ALTER_UNCHECK, .name = "i is small" };
	teg_alter drop = { .kind = TEG_ALTER_DROP, .name = "t" };
	teg_check checks[3];
	struct world w;
	teg_txn *txn;

	make_checks(checks);
	for (int i = 0; i < 3; i++)
		changes[i].check = &checks[i];
	world_init(&w);
	create(&w, NULL, 0);
	txn = txn_begin(w.store);
	OK(put_rows(txn, old, 3, err));
	txn_commit(txn);
	expect_broken(&w, "", 0);
	OK(alter(&w, changes, 4, err));
	expect_broken(&w, "k 1, f 1, t 1", 3);
	REFUSED(TEG_SCHEMA, alter(&w, changes, 1, err)); /* under its name already, and no i */
	REFUSED(TEG_SCHEMA, alter(&w, &drop, 1, err));   /* a check needs it */
	txn = txn_begin(w.store);
	OK(teg_txn_delete(txn, "a", &row_id, 1, 1, NULL, err));
	txn_commit(txn);
	expect_broken(&w, "k 1, t 1", 2);
	OK(alter(&w, &uncheck, 1, err));
	expect_broken(&w, "t 1", 1);
	REFUSED(TEG_NOT_FOUND, alter(&w, &uncheck, 1, err));
	OK(teg_compact(w.store, NULL, NULL, err));
	expect_broken(&w, "t 1", 1);
	world_release(&w);
}

Test(rules, rows_that_were_not_asked_do_not_join) /* ALTER-6 */
{
	struct row good = { 1, 1, "one", 7 };
	teg_alter change = { .kind = TEG_ALTER_CHECK };
	teg_alter widen = { .kind = TEG_ALTER_WIDEN, .name = "i", .type = { .type = TEG_INT64 } };
	teg_check checks[3];
	struct world w;
	teg_txn *txn;

	make_checks(checks);
	change.check = &checks[1];
	world_init(&w);
	create(&w, checks, 1);
	txn = txn_begin(w.store);
	OK(put_rows(txn, &good, 1, err));
	OK(alter(&w, &widen, 1, err)); /* the rule on i goes with it */
	txn_commit(txn);
	txn = txn_begin(w.store);
	OK(put_rows(txn, &good, 1, err));
	OK(alter(&w, &change, 1, err));
	REFUSED(TEG_CONFLICT, teg_txn_commit(txn, NULL, err));
	teg_txn_abort(txn);
	good.i = 6;
	txn = txn_begin(w.store);
	REFUSED(TEG_SCHEMA, put_rows(txn, &good, 1, err));
	teg_txn_abort(txn);
	cr_assert_str_eq(show(w.store, "a", NULL), "1 1 one");
	world_release(&w);
}
