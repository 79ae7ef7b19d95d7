/* X8, NF4: what was said beside the cells. A needle is put into every place that holds words of a caller:
 * metadata of commits, arrays and columns, fill values, rules, names, columns that were dropped, arrays
 * that were, rows that retention let go, manifests that a recovery set aside. It is taken back as a
 * caller can take it back; after a purge no file holds it. */
#include <stdio.h>
#include <string.h>
#include "engine/os/memory.h"
#include "engine/tegula_unstable.h"
#include "tests/support/files.h"
#include "tests/support/world.h"

#define NEEDLE "NEEDLE-7f3a"
#define NEEDLE_LEN (sizeof NEEDLE - 1)
#define N_ROWS 60

static const char *const words[2] = { "word", NEEDLE };

static size_t count(struct os *os)
{
	return files_count(os, NEEDLE, 7); /* as much as a number holds, but for its sign */
}

/* ---- what the places are made of ---- */

static teg_txn *begin(teg_store *store, const char *key, const char *value)
{
	teg_metadata metadata = { key, value, key ? strlen(key) : 0, value ? strlen(value) : 0 };
	teg_txn_options options = { .struct_size = sizeof options,
		                    .metadata = &metadata,
		                    .n_metadata = key ? 1 : 0 };
	teg_txn *txn;

	OK(teg_txn_begin(store, &options, &txn, err));
	return txn;
}

static void commit(teg_txn *txn)
{
	OK(teg_txn_commit(txn, NULL, err));
}

static void create(teg_txn *txn, const char *array)
{
	const teg_attribute attributes[] = {
		{ .name = "n", .type = { .type = TEG_INT64 } },
		{ .name = "text", .type = { .type = TEG_UTF8 }, .nullable = true }
	};
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attributes,
		          .n_attributes = 2 };

	OK(teg_txn_create(txn, array, &spec, err));
}

/* n rows of the word, appended, or of ids 0 to n - 1. */
static void put(teg_txn *txn, const char *array, size_t n, const char *word, bool again)
{
	static int64_t numbers[N_ROWS];
	static int32_t ends[N_ROWS + 1];
	static char text[N_ROWS * 16];
	teg_put_options options = { .struct_size = sizeof options,
		                    .row_id_column = again ? "id" : NULL };
	teg_column columns[] = { { .name = "n", .values = numbers },
		                 { .name = "text", .values = text, .offsets = ends },
		                 { .name = "id", .values = numbers } };

	for (size_t i = 0; i < n; i++) {
		numbers[i] = (int64_t)i;
		ends[i + 1] = ends[i] + (int32_t)strlen(word);
		memcpy(text + ends[i], word, strlen(word));
	}
	OK(teg_txn_put(txn, array, columns, again ? 3 : 2, n, &options, err));
}

static void put_rows(teg_store *store, size_t n)
{
	teg_txn *txn = begin(store, NULL, NULL);

	put(txn, "t", n, "word", false);
	commit(txn);
}

static void alter(teg_store *store, const char *array, const teg_alter *change)
{
	teg_txn *txn = begin(store, NULL, NULL);

	OK(teg_txn_alter(txn, array, change, 1, err));
	commit(txn);
}

static void set_metadata(teg_store *store, const char *attribute, const char *value)
{
	teg_alter change = { .kind = TEG_ALTER_METADATA,
		             .name = attribute,
		             .metadata = { "owner", value, 5, value ? strlen(value) : 0 } };

	alter(store, "t", &change);
}

/* ---- the places ---- */

static void commit_metadata(teg_store *store)
{
	for (int i = 0; i < 2; i++) {
		teg_txn *txn = begin(store, words[i], words[!i]);

		put(txn, "t", 3, "word", false);
		commit(txn);
	}
}

/* The fifth version; no row comes with it. */
static void alter_metadata(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_RENAME, .name = "n", .new_name = "m" };
	teg_txn *txn = begin(store, "why", NEEDLE);

	OK(teg_txn_alter(txn, "t", &change, 1, err));
	commit(txn);
}

static void array_metadata(teg_store *store)
{
	set_metadata(store, NULL, NEEDLE);
}

static void unset_array_metadata(teg_store *store)
{
	set_metadata(store, NULL, NULL);
}

static void column_metadata(teg_store *store)
{
	set_metadata(store, "text", NEEDLE);
}

static void unset_column_metadata(teg_store *store)
{
	set_metadata(store, "text", NULL);
}

static void add_filled(teg_store *store)
{
	teg_attribute attribute = { .name = "note",
		                    .type = { .type = TEG_UTF8 },
		                    .fill = { .type = TEG_UTF8,
		                              .as.bytes = { NEEDLE, NEEDLE_LEN } } };
	teg_alter change = { .kind = TEG_ALTER_ADD, .attribute = &attribute };

	alter(store, "t", &change);
}

static void drop_filled(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_DROP, .name = "note" };

	alter(store, "t", &change);
}

static void name_column(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_RENAME, .name = "n", .new_name = NEEDLE };

	alter(store, "t", &change);
}

static void rename_column(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_RENAME, .name = NEEDLE, .new_name = "n" };

	alter(store, "t", &change);
}

static void drop_named_column(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_DROP, .name = NEEDLE };

	alter(store, "t", &change);
}

static void add_rule(teg_store *store)
{
	teg_check check = { .name = "rule " NEEDLE, .kind = TEG_CHECK_NOT_EMPTY, .column = "text" };
	teg_alter change = { .kind = TEG_ALTER_CHECK, .check = &check };

	alter(store, "t", &change);
}

static void drop_rule(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_UNCHECK, .name = "rule " NEEDLE };

	alter(store, "t", &change);
}

static void add_bound(teg_store *store)
{
	teg_check check = {
		.name = "rule", .kind = TEG_CHECK_RANGE, .column = "n", .hi.type = TEG_INT64
	};
	teg_alter change = { .kind = TEG_ALTER_CHECK, .check = &check };

	memcpy(&check.hi.as.i, NEEDLE, 8);
	alter(store, "t", &change);
}

static void drop_bound(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_UNCHECK, .name = "rule" };

	alter(store, "t", &change);
}

/* In a segment that has been merged and would not be again. */
static void column_of_needles(teg_store *store)
{
	teg_txn *txn = begin(store, NULL, NULL);

	put(txn, "t", N_ROWS, NEEDLE, false);
	commit(txn);
	OK(teg_compact(store, NULL, NULL, err));
}

static void drop_column(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_DROP, .name = "text" };

	alter(store, "t", &change);
}

/* Enough names around it for pages above the leaves, which repeat some of their keys. */
static void name_arrays(teg_store *store)
{
	teg_txn *txn = begin(store, NULL, NULL);
	char name[32];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, NEEDLE "-%03d", i);
		create(txn, name);
	}
	put(txn, NEEDLE "-100", N_ROWS, NEEDLE, false);
	put(txn, NEEDLE "-101", 2, NEEDLE, false);
	commit(txn);
	txn = begin(store, "of", NEEDLE "-100");
	put(txn, NEEDLE "-100", N_ROWS, NEEDLE, true);
	commit(txn);
	OK(teg_compact(store, NULL, NULL, err));
}

static void drop_arrays(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_DROP_ARRAY };
	teg_txn *txn = begin(store, NULL, NULL);
	char name[32];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, NEEDLE "-%03d", i);
		OK(teg_txn_alter(txn, name, &change, 1, err));
	}
	commit(txn);
}

/* A merge that dropped its rows has noted the name of the array. */
static void expire_under_name(teg_store *store)
{
	teg_alter retain = { .kind = TEG_ALTER_RETAIN, .retention = { .drops = true } };
	teg_txn *txn = begin(store, NULL, NULL);

	create(txn, NEEDLE);
	put(txn, NEEDLE, 3, "word", false);
	commit(txn);
	txn = begin(store, NULL, NULL);
	put(txn, NEEDLE, 3, "word", true);
	commit(txn);
	alter(store, NEEDLE, &retain);
	OK(teg_compact(store, NULL, NULL, err));
}

static void rename_array(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "other" };

	alter(store, NEEDLE, &change);
}

static void supersede(teg_store *store)
{
	for (int i = 0; i < 2; i++) {
		teg_txn *txn = begin(store, NULL, NULL);

		put(txn, "t", N_ROWS, i ? "word" : NEEDLE, true);
		commit(txn);
	}
	OK(teg_compact(store, NULL, NULL, err));
}

static void let_go(teg_store *store)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN, .retention = { .drops = true } };

	alter(store, "t", &change);
}

static void nothing(teg_store *store)
{
	(void)store;
}

static const struct place {
	const char *what;
	void (*put)(teg_store *store);
	void (*take_back)(teg_store *store);
	bool whole_store, metadata;
	uint64_t version;
	uint64_t removed; /* versions whose metadata goes */
} places[] = {
	{ "metadata of commits", commit_metadata, nothing, false, true, 0, 2 },
	{ "the same, all of the store", commit_metadata, nothing, true, true, 0, 2 },
	{ "metadata of one version", alter_metadata, nothing, false, false, 5, 1 },
	{ "the same, all of the store", alter_metadata, nothing, true, true, 0, 1 },
	{ "metadata of the array", array_metadata, unset_array_metadata, false, false, 0, 0 },
	{ "metadata of a column", column_metadata, unset_column_metadata, false, false, 0, 0 },
	{ "metadata of a column dropped", column_metadata, drop_column, false, false, 0, 0 },
	{ "a fill value", add_filled, drop_filled, false, false, 0, 0 },
	{ "a column's name, changed", name_column, rename_column, false, false, 0, 0 },
	{ "a column's name, dropped", name_column, drop_named_column, false, false, 0, 0 },
	{ "the name of a rule", add_rule, drop_rule, false, false, 0, 0 },
	{ "the bound of a rule", add_bound, drop_bound, false, false, 0, 0 },
	{ "values of a column dropped", column_of_needles, drop_column, false, false, 0, 0 },
	{ "arrays dropped", name_arrays, drop_arrays, true, true, 0, 1 },
	{ "an array's name in an audit", expire_under_name, rename_array, true, true, 0, 1 },
	{ "rows that were superseded", supersede, let_go, false, false, 0, 0 },
};

static void begin_world(struct world *w)
{
	teg_txn *txn;

	world_init(w);
	txn = begin(w->store, NULL, NULL);
	create(txn, "t");
	put(txn, "t", 3, "word", false);
	commit(txn);
	put_rows(w->store, N_ROWS);
	OK(teg_compact(w->store, NULL, NULL, err)); /* a segment that nothing asks to be merged */
}

static void purge_place(struct world *w, const struct place *place)
{
	teg_purge_options options = { .struct_size = sizeof options,
		                      .array = place->whole_store ? NULL : "t",
		                      .metadata = place->metadata,
		                      .versions = &place->version,
		                      .n_versions = place->version ? 1 : 0 };
	teg_purge_result result = { .struct_size = sizeof result };

	OK(teg_purge(w->store, &options, &result, err));
	cr_expect_eq(result.files_kept, 0, "%s", place->what);
	cr_expect_eq(result.metadata_removed, place->removed, "%s: of %llu versions", place->what,
	             (unsigned long long)result.metadata_removed);
}

Test(traces, are_nowhere_after_a_purge)
{
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const struct place *place = &places[i];
		struct world w;

		begin_world(&w);
		place->put(w.store);
		cr_assert_gt(count(w.os), 0, "%s: was never there", place->what);
		place->take_back(w.store);
		purge_place(&w, place);
		cr_expect_eq(count(w.os), 0, "%s", place->what);
		OK(teg_verify(w.store, true, NULL, NULL, NULL, err));
		world_release(&w);
	}
}

/* ---- what nobody can take back, or nobody has to ---- */

/* What was looked for is not written down, found or not. */
Test(traces, of_predicates_are_never_there)
{
	teg_erase erase = { .struct_size = sizeof erase };
	teg_predicate *where;
	struct world w;
	teg_txn *txn;

	begin_world(&w);
	OK(teg_predicate_parse("text = '" NEEDLE "' or n = 1", &w.mem.alloc, &where, err));
	txn = begin(w.store, NULL, NULL);
	OK(teg_txn_delete_where(txn, "t", NULL, where, NULL, NULL, err));
	commit(txn);
	erase.predicate = where;
	txn = begin(w.store, NULL, NULL);
	OK(teg_txn_erase(txn, "t", &erase, err));
	commit(txn);
	teg_predicate_free(where);
	cr_assert_eq(count(w.os), 0);
	world_release(&w);
}

/* A transaction that spilled and was given up leaves nothing, and needs no purge. */
Test(traces, of_a_transaction_that_was_aborted_are_nowhere)
{
	struct world w;
	teg_txn *txn;

	begin_world(&w);
	txn = begin(w.store, "why", NEEDLE);
	for (int i = 0; i < 50; i++)
		put(txn, "t", N_ROWS, NEEDLE, false);
	teg_txn_abort(txn);
	cr_assert_eq(count(w.os), 0);
	world_release(&w);
}

/* A damaged version that was given up keeps its bytes under another name: vacuum leaves them, for whoever
 * wants to look at them, a purge does not. */
Test(traces, of_versions_that_a_recovery_gave_up_go_with_a_purge)
{
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	teg_recover_options options = { .struct_size = sizeof options };
	struct place place = { .what = "a lost version", .whole_store = true };
	static const char newest[] = "manifests/00000000000000000005";
	struct os_stat st;
	struct world w;
	teg_txn *txn;

	begin_world(&w);
	txn = begin(w.store, NULL, NULL);
	put(txn, "t", 3, NEEDLE, false);
	commit(txn);
	teg_store_close(w.store);
	OK(os_stat(w.os, newest, &st, err));
	memory_flip(w.os, newest, st.size - 1, 0); /* of the trailer */
	options.allocator = &w.mem.alloc;
	options.os = w.os;
	OK(teg_recover(NULL, &options, NULL, err));
	world_open(&w, TEG_CREATE_NO);
	OK(teg_vacuum(w.store, &now, NULL, err));
	cr_assert_gt(count(w.os), 0);
	purge_place(&w, &place);
	cr_assert_eq(count(w.os), 0);
	world_release(&w);
}

/* ---- beside others ---- */

struct rival {
	teg_store *store;
	int n;
};

/* Another writer, which commits and merges the newest segments while the purge is at it. */
static bool overtake(void *ctx, uint64_t done, uint64_t total)
{
	teg_compact_options options = { .struct_size = sizeof options, .by_policy = true };
	struct rival *rival = ctx;

	(void)done;
	(void)total;
	if (rival->n == 6)
		return true;
	rival->n++;
	for (int i = 0; i < 12; i++)
		put_rows(rival->store, 1);
	OK(teg_compact(rival->store, &options, NULL, err));
	return true;
}

/* What was there when it began is done, however often it has to begin again. */
Test(traces, go_beside_a_writer_that_merges)
{
	teg_store_options options = { .struct_size = sizeof options };
	teg_erase erase = { .struct_size = sizeof erase };
	struct rival rival = { .n = 0 };
	teg_purge_options purge = { .struct_size = sizeof purge,
		                    .array = "t",
		                    .progress = overtake,
		                    .progress_ctx = &rival };
	teg_predicate *where;
	struct world w;
	teg_txn *txn;

	begin_world(&w);
	options.os = w.os;
	options.allocator = &w.mem.alloc;
	options.no_auto_compact = true;
	OK(teg_store_open(NULL, &options, &rival.store, err));
	txn = begin(w.store, NULL, NULL);
	put(txn, "t", 3, NEEDLE, false);
	commit(txn);
	for (int i = 0; i < 20; i++)
		put_rows(w.store, 1);
	OK(teg_predicate_parse("text = '" NEEDLE "'", &w.mem.alloc, &where, err));
	erase.predicate = where;
	txn = begin(w.store, NULL, NULL);
	OK(teg_txn_erase(txn, "t", &erase, err));
	commit(txn);
	teg_predicate_free(where);
	OK(teg_purge(w.store, &purge, NULL, err));
	teg_store_close(rival.store);
	purge.only_vacuum = true;
	OK(teg_purge(w.store, &purge, NULL, err));
	cr_assert_gt(rival.n, 0);
	cr_assert_eq(count(w.os), 0);
	world_release(&w);
}

/* ---- what the history says then ---- */

struct told {
	uint64_t versions[8], by[8];
	size_t n, n_kept;
	char said[8][64];
};

static bool tell(void *ctx, const teg_version_info *v)
{
	struct told *told = ctx;

	for (size_t i = 0; i < v->n_metadata; i++)
		snprintf(told->said[told->n_kept++ % 8], 64, "%s %s=%s", v->action,
		         v->metadata[i].key, v->metadata[i].value);
	if (v->redacted) {
		told->versions[told->n] = v->version;
		told->by[told->n++] = v->redacted;
	}
	return true;
}

static struct told history(teg_store *store)
{
	struct told told = { .n = 0 };
	teg_snapshot *snapshot;

	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_walk_versions(snapshot, tell, &told, err));
	teg_snapshot_close(snapshot);
	return told;
}

/* Which versions, by which one; what it was nobody says. Counts of upkeep stay. */
Test(traces, of_their_removal_stay_in_the_history)
{
	const uint64_t versions[] = { 5 };
	teg_purge_options options = {
		.struct_size = sizeof options, .array = "t", .versions = versions, .n_versions = 1
	};
	struct told told;
	struct world w;

	begin_world(&w);
	commit_metadata(w.store); /* versions 5 and 6 */
	expire_under_name(w.store);
	OK(teg_purge(w.store, &options, NULL, err));
	told = history(w.store);
	cr_assert_eq(told.n, 1);
	cr_assert_eq(told.versions[0], 5);
	cr_assert_eq(told.by[0], 12);
	cr_assert_str_eq(told.said[0], "redact metadata_removed=1");
	cr_assert_str_eq(told.said[4], "commit " NEEDLE "=word");
	options.array = NULL;
	options.metadata = true;
	OK(teg_purge(w.store, &options, NULL, err));
	told = history(w.store);
	cr_assert_eq(told.n, 3);
	cr_assert_eq(told.by[0], 13, "a merge whose audit named the array");
	cr_assert_eq(told.by[1], 13);
	cr_assert_eq(told.by[2], 12, "once is enough");
	cr_assert_eq(told.n_kept, 4);
	cr_assert_str_eq(told.said[0], "redact metadata_removed=2");
	cr_assert_str_eq(told.said[1], "redact metadata_removed=1");
	cr_assert_str_eq(told.said[2], "purge rows_expired=3");
	world_release(&w);
}

static const struct {
	const char *why;
	teg_status status;
	uint64_t versions[3];
	size_t n;
	bool only_vacuum, null;
} refused[] = {
	{ "a version that is not", TEG_NOT_FOUND, { 3, 99 }, 2, false, false },
	{ "version 0", TEG_NOT_FOUND, { 0 }, 1, false, false },
	{ "descending", TEG_MISUSE, { 3, 2 }, 2, false, false },
	{ "twice", TEG_MISUSE, { 3, 3 }, 2, false, false },
	{ "no numbers", TEG_MISUSE, { 0 }, 2, false, true },
	{ "without a rewrite", TEG_MISUSE, { 3 }, 1, true, false },
};

Test(traces, of_versions_that_make_no_sense_are_refused)
{
	struct world w;

	begin_world(&w);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		teg_purge_options options = { .struct_size = sizeof options,
			                      .array = "t",
			                      .versions = refused[i].null ? NULL
			                                                  : refused[i].versions,
			                      .n_versions = refused[i].n,
			                      .only_vacuum = refused[i].only_vacuum };

		REFUSED(refused[i].status, teg_purge(w.store, &options, NULL, err));
	}
	cr_assert_eq(history(w.store).n, 0);
	world_release(&w);
}
