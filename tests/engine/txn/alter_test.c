/* Schemas that change: what old rows read as, what is refused, who comes first. */
#include "tests/support/show.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

/* ---- a table of one int32 `a`, required, and a text `b`, which may be null ---- */

static struct world w;

static void create_table(const char *name)
{
	teg_attribute attributes[] = { attribute_of("a", TEG_INT32), attribute_of("b", TEG_UTF8) };
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attributes, 2);

	attributes[1].nullable = true;
	txn_create(w.store, name, &spec);
}

static teg_status put_ab(teg_txn *txn, const char *name, int32_t a, const char *b, teg_error *err)
{
	int32_t offsets[2] = { 0, b ? (int32_t)strlen(b) : 0 };
	uint8_t validity = b ? 1 : 0;
	teg_column columns[] = {
		{ .name = "a", .values = &a },
		{ .name = "b", .values = b ? b : "", .offsets = offsets, .validity = &validity }
	};

	return teg_txn_put(txn, name, columns, 2, 1, NULL, err);
}

static void commit_ab(const char *name, int32_t a, const char *b)
{
	teg_txn *txn = txn_begin(w.store);

	OK(put_ab(txn, name, a, b, err));
	txn_commit(txn);
}

/* Every test begins with an empty table "t". */
static void setup(void)
{
	world_init(&w);
	create_table("t");
}

static void teardown(void)
{
	world_release(&w);
}

static void start_again(void)
{
	teardown();
	setup();
}

TestSuite(alter, .init = setup, .fini = teardown);

static void alter(const char *name, const teg_alter *change)
{
	teg_txn *txn = txn_begin(w.store);

	OK(teg_txn_alter(txn, name, change, 1, err));
	txn_commit(txn);
}

static const teg_attribute c_null = { .name = "c",
	                              .type = { .type = TEG_INT64 },
	                              .nullable = true };
static const teg_attribute c_seven = { .name = "c",
	                               .type = { .type = TEG_INT64 },
	                               .fill = { .type = TEG_INT64, .as.i = 7 } };
static const teg_alter add_c = { .kind = TEG_ALTER_ADD, .attribute = &c_null };
static const teg_alter add_c7 = { .kind = TEG_ALTER_ADD, .attribute = &c_seven };
static const teg_alter drop_a = { .kind = TEG_ALTER_DROP, .name = "a" };
static const teg_alter drop_b = { .kind = TEG_ALTER_DROP, .name = "b" };
static const teg_alter rename_a = { .kind = TEG_ALTER_RENAME, .name = "a", .new_name = "z" };
static const teg_alter widen_a = { .kind = TEG_ALTER_WIDEN,
	                           .name = "a",
	                           .type = { .type = TEG_INT64 } };
static const teg_alter drop_array = { .kind = TEG_ALTER_DROP_ARRAY };
static const teg_alter rename_array = { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "u" };

Test(alter, old_rows_read_by_the_new_schema) /* V7 ALTER-1 ALTER-2 ALTER-3 */
{
	const struct {
		const char *what;
		teg_alter change;
		const char *schema, *rows;
	} cases[] = {
		{ "nullable", add_c, "a int32, b utf8?, c int64?", "1 x -|-2 - -" },
		{ "defaulted", add_c7, "a int32, b utf8?, c int64", "1 x 7|-2 - 7" },
		{ "drop", drop_a, "b utf8?", "x|-" },
		{ "rename", rename_a, "z int32, b utf8?", "1 x|-2 -" },
		{ "widen", widen_a, "a int64, b utf8?", "1 x|-2 -" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teg_snapshot *before;

		commit_ab("t", 1, "x");
		commit_ab("t", -2, NULL);
		OK(teg_snapshot_open(w.store, &before, err));
		alter("t", &cases[i].change);
		cr_assert_str_eq(show_schema(w.store, "t"), cases[i].schema, "%s", cases[i].what);
		cr_assert_str_eq(show(w.store, "t", NULL), cases[i].rows, "%s", cases[i].what);
		cr_assert_str_eq(show_at(before, "t", NULL), "1 x|-2 -", "%s", cases[i].what);
		teg_snapshot_close(before);
		world_reopen(&w);
		cr_assert_str_eq(show(w.store, "t", NULL), cases[i].rows, "%s", cases[i].what);
		OK(teg_compact(w.store, NULL, NULL, err));
		cr_assert_str_eq(show(w.store, "t", NULL), cases[i].rows, "%s merged",
		                 cases[i].what);
		start_again();
	}
}

Test(alter, puts_of_the_same_transaction_see_the_new_schema) /* ALTER-5 */
{
	teg_alter changes[] = { widen_a, rename_a, drop_b, add_c7 };
	int64_t z = INT64_MAX, c = 8;
	teg_column columns[] = { { .name = "z", .values = &z }, { .name = "c", .values = &c } };
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;

	commit_ab("t", 1, "x");
	txn = txn_begin(w.store);
	OK(teg_txn_alter(txn, "t", changes, 4, err));
	REFUSED(TEG_SCHEMA, put_ab(txn, "t", 2, "y", err));
	OK(teg_txn_put(txn, "t", columns, 2, 1, NULL, err));
	cr_assert_str_eq(show(w.store, "t", NULL), "1 x");
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.version, 4, "one version for both");
	cr_assert_str_eq(show(w.store, "t", NULL), "1 7|9223372036854775807 8");
}

static const teg_attribute required = { .name = "d", .type = { .type = TEG_INT64 } };
static const teg_attribute taken = { .name = "b", .type = { .type = TEG_INT8 }, .nullable = true };
static const teg_attribute misfit = { .name = "d",
	                              .type = { .type = TEG_INT8 },
	                              .fill = { .type = TEG_INT64, .as.i = 999 } };
static const struct {
	const char *what;
	teg_status status;
	teg_alter change;
} refused[] = {
	{ "no kind", TEG_MISUSE, { 0 } },
	{ "no attribute", TEG_MISUSE, { .kind = TEG_ALTER_ADD } },
	{ "required without fill", TEG_SCHEMA, { .kind = TEG_ALTER_ADD, .attribute = &required } },
	{ "taken", TEG_SCHEMA, { .kind = TEG_ALTER_ADD, .attribute = &taken } },
	{ "misfit", TEG_SCHEMA, { .kind = TEG_ALTER_ADD, .attribute = &misfit } },
	{ "drop nothing", TEG_MISUSE, { .kind = TEG_ALTER_DROP } },
	{ "drop unknown", TEG_NOT_FOUND, { .kind = TEG_ALTER_DROP, .name = "q" } },
	{ "drop a dimension", TEG_SCHEMA, { .kind = TEG_ALTER_DROP, .name = "row_id" } },
	{ "rename to taken",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_RENAME, .name = "a", .new_name = "b" } },
	{ "rename to a dimension",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_RENAME, .name = "a", .new_name = "row_id" } },
	{ "rename to nothing", TEG_MISUSE, { .kind = TEG_ALTER_RENAME, .name = "a" } },
	{ "rename to a bad name",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_RENAME, .name = "a", .new_name = "\n" } },
	{ "narrow",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_WIDEN, .name = "a", .type = { .type = TEG_INT16 } } },
	{ "same",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_WIDEN, .name = "a", .type = { .type = TEG_INT32 } } },
	{ "to float",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_WIDEN, .name = "a", .type = { .type = TEG_FLOAT64 } } },
	{ "to unsigned",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_WIDEN, .name = "a", .type = { .type = TEG_UINT64 } } },
	{ "to a time",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_WIDEN, .name = "a", .type = { .type = TEG_TIMESTAMP } } },
	{ "widen text",
	  TEG_SCHEMA,
	  { .kind = TEG_ALTER_WIDEN, .name = "b", .type = { .type = TEG_INT64 } } },
	{ "no key", TEG_MISUSE, { .kind = TEG_ALTER_METADATA } },
	{ "no such key",
	  TEG_NOT_FOUND,
	  { .kind = TEG_ALTER_METADATA, .metadata = { .key = "k", .key_len = 1 } } },
	{ "array's bad name", TEG_MISUSE, { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "" } },
	{ "array's taken name",
	  TEG_EXISTS,
	  { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "other" } },
};

Test(alter, what_cannot_be_is_refused_and_changes_nothing)
{
	create_table("other");
	commit_ab("t", 1, "x");
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		/* Whatever went before it in the same call does not happen either. */
		teg_alter changes[] = { add_c, refused[i].change };
		teg_error why = { 0 };
		teg_txn *txn;
		teg_status status;

		txn = txn_begin(w.store);
		status = teg_txn_alter(txn, "t", changes, 2, &why);
		cr_assert_eq(status, refused[i].status, "%s: %s %s", refused[i].what,
		             teg_status_name(status), why.message);
		cr_assert_eq(why.status, status, "%s", refused[i].what);
		cr_assert_str_eq(why.array, "t", "%s", refused[i].what);
		OK(put_ab(txn, "t", 2, "y", err)); /* by the old schema */
		teg_txn_abort(txn);
	}
	cr_assert_str_eq(show_schema(w.store, "t"), "a int32, b utf8?");
	cr_assert_str_eq(show(w.store, "t", NULL), "1 x");
}

Test(alter, misuse_of_the_call_is_told)
{
	teg_alter both[] = { drop_a, drop_b }, drop_more[] = { drop_array, drop_a };
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &c_null, 1);
	teg_txn *txn = txn_begin(w.store);

	REFUSED(TEG_MISUSE, teg_txn_alter(NULL, "t", &drop_a, 1, err));
	REFUSED(TEG_MISUSE, teg_txn_alter(txn, NULL, &drop_a, 1, err));
	REFUSED(TEG_MISUSE, teg_txn_alter(txn, "t", NULL, 1, err));
	REFUSED(TEG_NOT_FOUND, teg_txn_alter(txn, "none", &drop_a, 1, err));
	REFUSED(TEG_SCHEMA, teg_txn_alter(txn, "t", both, 2, err));
	REFUSED(TEG_MISUSE, teg_txn_alter(txn, "t", drop_more, 2, err));
	OK(teg_txn_alter(txn, "t", NULL, 0, err));
	OK(put_ab(txn, "t", 1, "x", err));
	REFUSED(TEG_MISUSE, teg_txn_alter(txn, "t", &drop_a, 1, err));
	OK(teg_txn_create(txn, "new", &spec, err));
	REFUSED(TEG_MISUSE, teg_txn_alter(txn, "new", &add_c, 1, err));
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "t", NULL), "1 x");
}

/* ---- who comes first ---- */

Test(alter, of_two_changes_of_one_schema_the_second_is_a_conflict) /* ALTER-6 */
{
	teg_txn *txn = txn_begin(w.store);

	OK(teg_txn_alter(txn, "t", &add_c, 1, err));
	alter("t", &widen_a);
	REFUSED(TEG_CONFLICT, teg_txn_commit(txn, NULL, err));
	teg_txn_abort(txn);
	cr_assert_str_eq(show_schema(w.store, "t"), "a int64, b utf8?");
}

Test(alter, a_change_rebases_over_appends)
{
	teg_txn *txn = txn_begin(w.store);

	OK(teg_txn_alter(txn, "t", &add_c7, 1, err));
	commit_ab("t", 1, "x");
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "t", NULL), "1 x 7");
}

Test(alter, rows_staged_for_the_old_schema_go_in_where_they_still_fit) /* ALTER-6 */
{
	static const teg_alter note = { .kind = TEG_ALTER_METADATA,
		                        .metadata = { "k", "v", 1, 1 } };
	const struct {
		const char *what;
		teg_alter change;
		teg_status status;
		const char *rows;
	} cases[] = {
		{ "added", add_c7, TEG_OK, "1 x 7|2 y 7" },
		{ "widened", widen_a, TEG_OK, "1 x|2 y" },
		{ "renamed", rename_a, TEG_OK, "1 x|2 y" },
		{ "noted", note, TEG_OK, "1 x|2 y" },
		{ "dropped", drop_b, TEG_CONFLICT, "1" },
		{ "array renamed", rename_array, TEG_CONFLICT, "1 x" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teg_error why = { 0 };
		teg_status status;
		teg_txn *txn;
		const char *name;

		commit_ab("t", 1, "x");
		txn = txn_begin(w.store);
		OK(put_ab(txn, "t", 2, "y", err));
		alter("t", &cases[i].change);
		status = teg_txn_commit(txn, NULL, &why);
		cr_assert_eq(status, cases[i].status, "%s: %s", cases[i].what, why.message);
		if (status != TEG_OK)
			teg_txn_abort(txn);
		name = cases[i].change.kind == TEG_ALTER_RENAME_ARRAY ? "u" : "t";
		cr_assert_str_eq(show(w.store, name, NULL), cases[i].rows, "%s", cases[i].what);
		start_again();
	}
}

/* ---- arrays as a whole ---- */

static bool has_array(const char *name)
{
	teg_snapshot *snapshot;
	teg_array *array = NULL;
	bool there;

	OK(teg_snapshot_open(w.store, &snapshot, err));
	there = teg_array_open(snapshot, name, &array, NULL) == TEG_OK;
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return there;
}

static teg_status create_c(teg_txn *txn, const char *name, teg_error *err)
{
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &c_null, 1);

	return teg_txn_create(txn, name, &spec, err);
}

static teg_status put_c(teg_txn *txn, const char *name, int64_t c, teg_error *err)
{
	teg_column column = { .name = "c", .values = &c };

	return teg_txn_put(txn, name, &column, 1, 1, NULL, err);
}

Test(alter, a_dropped_array_made_again_starts_clean) /* NI1 KEY-8 */
{
	for (int together = 0; together < 2; together++) {
		teg_snapshot *before;
		teg_txn *txn, *late;

		create_table("other");
		commit_ab("t", 1, "x");
		OK(teg_snapshot_open(w.store, &before, err));
		late = txn_begin(w.store);
		OK(put_ab(late, "t", 9, "late", err));
		txn = txn_begin(w.store);
		OK(put_ab(txn, "t", 2, "gone", err));
		OK(teg_txn_alter(txn, "t", &drop_array, 1, err));
		REFUSED(TEG_NOT_FOUND, put_ab(txn, "t", 3, "gone", err));
		REFUSED(TEG_NOT_FOUND, teg_txn_alter(txn, "t", &drop_array, 1, err));
		if (!together) {
			txn_commit(txn);
			cr_assert(!has_array("t"));
			cr_assert(has_array("other"));
			txn = txn_begin(w.store);
		}
		OK(create_c(txn, "t", err));
		OK(put_c(txn, "t", 5, err));
		txn_commit(txn);
		cr_assert_str_eq(show(w.store, "t", NULL), "5");
		cr_assert_str_eq(show_at(before, "t", NULL), "1 x");
		/* Rows that were meant for the array before it. */
		REFUSED(TEG_CONFLICT, teg_txn_commit(late, NULL, err));
		teg_txn_abort(late);
		teg_snapshot_close(before);
		OK(teg_vacuum(w.store,
		              &(teg_vacuum_options){ .struct_size = sizeof(teg_vacuum_options),
		                                     .has_grace = true },
		              NULL, err));
		world_reopen(&w);
		cr_assert_str_eq(show(w.store, "t", NULL), "5");
		OK(teg_verify(w.store, true, NULL, NULL, NULL, err));
		start_again();
	}
}

Test(alter, dropping_twice_gives_each_its_own_id) /* KEY-8 */
{
	teg_txn *txn;

	for (int i = 0; i < 3; i++) {
		if (i)
			create_table("t");
		commit_ab("t", i, "x");
		txn = txn_begin(w.store);
		OK(teg_txn_alter(txn, "t", &drop_array, 1, err));
		txn_commit(txn);
	}
	cr_assert(!has_array("t"));
	create_table("t");
	cr_assert_str_eq(show(w.store, "t", NULL), "");
}

Test(alter, a_renamed_array_keeps_everything_and_leaves_its_name_free) /* KEY-7 */
{
	teg_txn *txn;

	commit_ab("t", 1, "x");
	txn = txn_begin(w.store);
	OK(teg_txn_alter(txn, "t", &rename_array, 1, err));
	REFUSED(TEG_NOT_FOUND, put_ab(txn, "t", 2, "y", err));
	OK(put_ab(txn, "u", 2, "y", err));
	OK(create_c(txn, "t", err));
	OK(put_c(txn, "t", 5, err));
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "u", NULL), "1 x|2 y");
	cr_assert_str_eq(show(w.store, "t", NULL), "5");
	commit_ab("u", 3, "z");
	OK(teg_compact(w.store, NULL, NULL, err));
	world_reopen(&w);
	cr_assert_str_eq(show(w.store, "u", NULL), "1 x|2 y|3 z");
	cr_assert_str_eq(show(w.store, "t", NULL), "5");
}

Test(alter, two_arrays_exchange_their_names)
{
	teg_alter to[] = { { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "spare" },
		           { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "t" },
		           { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "u" } };
	teg_txn *txn;

	create_table("u");
	commit_ab("t", 1, "t");
	commit_ab("u", 2, "u");
	txn = txn_begin(w.store);
	REFUSED(TEG_EXISTS, teg_txn_alter(txn, "t", &to[2], 1, err));
	OK(teg_txn_alter(txn, "t", &to[0], 1, err));
	OK(teg_txn_alter(txn, "u", &to[1], 1, err));
	OK(teg_txn_alter(txn, "spare", &to[2], 1, err));
	txn_commit(txn);
	cr_assert_str_eq(show(w.store, "t", NULL), "2 u");
	cr_assert_str_eq(show(w.store, "u", NULL), "1 t");
	cr_assert(!has_array("spare"));
}

Test(alter, a_name_taken_meanwhile_is_told)
{
	teg_txn *txn = txn_begin(w.store);

	OK(teg_txn_alter(txn, "t", &rename_array, 1, err));
	create_table("u");
	REFUSED(TEG_EXISTS, teg_txn_commit(txn, NULL, err));
	teg_txn_abort(txn);
	cr_assert(has_array("t"));
}
