/* X8, NF4: after an erasure has been completed not one byte of what was erased is left, wherever it
 * lay: in attributes, lists, structs, dictionaries, string dimensions, boxes, statistics, key
 * indexes, index pages, segments inside manifests and on their own, and files that a crash left. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/tegula_unstable.h"
#include "tests/support/dir.h"
#include "tests/support/ok.h"

#define N_ROWS 3000
#define NEEDLE "NEEDLE-7f3a"
#define NUMBER INT64_C(0x00665544332211aa) /* the largest of its column: it is in the statistics */

/* What is looked for, as it may lie in a file: text, the eight bytes of its lane, a number. */
struct pattern {
	const char *what;
	uint8_t bytes[16];
	size_t len;
};

static size_t make_patterns(struct pattern out[3])
{
	int64_t number = NUMBER;

	out[0] = (struct pattern){ "text", NEEDLE, strlen(NEEDLE) };
	out[1] = (struct pattern){ "lane", { 0 }, 8 };
	for (size_t i = 0; i < 8; i++)
		out[1].bytes[i] = (uint8_t)NEEDLE[7 - i];
	out[2] = (struct pattern){ "number", { 0 }, 7 }; /* a lane differs in the highest byte */
	memcpy(out[2].bytes, &number, 7);
	return 3;
}

static size_t count_in(const uint8_t *at, size_t len, const struct pattern *p)
{
	size_t n = 0;

	for (size_t i = 0; i + p->len <= len; i++)
		n += memcmp(at + i, p->bytes, p->len) == 0;
	return n;
}

static size_t count_below(const char *path, const struct pattern *p)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir))) {
		char below[512];
		size_t len;
		uint8_t *bytes;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR) {
			n += count_below(below, p);
			continue;
		}
		bytes = test_file_read(below, &len);
		n += count_in(bytes, len, p);
		free(bytes);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* ---- among decoded values ---- */

struct search {
	const struct pattern *pattern;
	size_t n;
};

static bool search(void *ctx, const char *column, teg_type type, const void *bytes, size_t len)
{
	struct search *s = ctx;

	(void)column;
	(void)type;
	s->n += count_in(bytes, len, s->pattern);
	return true;
}

static bool search_bounds(void *ctx, const teg_column_info *column)
{
	struct search *s = ctx;
	const teg_value *ends[] = { &column->min, &column->max };

	for (int i = 0; i < 2; i++) {
		if (ends[i]->type == TEG_INT64)
			s->n += count_in((const uint8_t *)&ends[i]->as.i, 8, s->pattern);
		if (ends[i]->type == TEG_UTF8)
			s->n += count_in(ends[i]->as.bytes.at, ends[i]->as.bytes.len, s->pattern);
	}
	return true;
}

static size_t count_values(teg_store *store, const struct pattern *p)
{
	static const char *const arrays[] = { "table", "sparse" };
	struct search s = { p, 0 };
	teg_snapshot *snapshot;

	OK(teg_snapshot_open(store, &snapshot, err));
	for (int i = 0; i < 2; i++) {
		teg_array *array;

		OK(teg_array_open(snapshot, arrays[i], &array, err));
		OK(teg_walk_values(array, search, &s, err));
		OK(teg_walk_columns(array, search_bounds, &s, err));
		teg_array_close(array);
	}
	teg_snapshot_close(snapshot);
	return s.n;
}

/* ---- the store ---- */

static void create(teg_txn *txn)
{
	static const teg_attribute item = { .name = "item", .type = { .type = TEG_UTF8 } };
	static const teg_attribute fields[] = {
		{ .name = "name", .type = { .type = TEG_UTF8 } },
		{ .name = "n", .type = { .type = TEG_INT64 } },
	};
	const teg_attribute attributes[] = {
		{ .name = "id", .type = { .type = TEG_UTF8 } },
		{ .name = "word", .type = { .type = TEG_UTF8 } },
		{ .name = "number", .type = { .type = TEG_INT64 } },
		{ .name = "tags",
		  .type = { .type = TEG_LIST, .children = &item, .n_children = 1 } },
		{ .name = "point",
		  .type = { .type = TEG_STRUCT, .children = fields, .n_children = 2 } },
	};
	const teg_dimension dims[] = { { .name = "name", .type = { .type = TEG_UTF8 } },
		                       { .name = "k", .type = { .type = TEG_INT64 } } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attributes,
		          .n_attributes = 5,
		          .key = "id",
		          .profile = TEG_FAST };

	OK(teg_txn_create(txn, "table", &spec, err));
	spec.key = NULL;
	spec.kind = TEG_SPARSE;
	spec.dimensions = dims;
	spec.n_dimensions = 2;
	spec.attributes = &attributes[1];
	spec.n_attributes = 2;
	OK(teg_txn_create(txn, "sparse", &spec, err));
}

struct strings {
	char *bytes;
	int32_t offsets[N_ROWS + 1];
};

/* Row `at` holds the needle; the others one of `n_words` words. */
static void make_strings(struct strings *s, size_t n, size_t at, size_t n_words)
{
	s->bytes = malloc(n * 32);
	s->offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		int len = i == at ? snprintf(s->bytes + s->offsets[i], 32, "%s", NEEDLE)
		                  : snprintf(s->bytes + s->offsets[i], 32, "word-%zu", i % n_words);

		s->offsets[i + 1] = s->offsets[i] + len;
	}
}

static teg_column column_of(const char *name, const struct strings *s)
{
	return (teg_column){ .name = name, .values = s->bytes, .offsets = s->offsets };
}

/* n rows into both arrays, number `at` with needles everywhere. */
static void put(teg_txn *txn, size_t n, size_t at)
{
	static struct strings ids, words;
	static int64_t numbers[N_ROWS];
	static int32_t ones[N_ROWS + 1];
	teg_column item, fields[2], columns[5], cells[4];

	make_strings(&ids, n, at, N_ROWS);
	make_strings(&words, n, at, 7);
	for (size_t i = 0; i < n; i++) {
		numbers[i] = i == at ? NUMBER : (int64_t)i;
		ones[i + 1] = (int32_t)i + 1;
	}
	item = column_of("item", &words);
	fields[0] = column_of("name", &words);
	fields[1] = (teg_column){ .name = "n", .values = numbers };
	columns[0] = column_of("id", &ids);
	columns[1] = cells[0] = column_of("word", &words);
	columns[2] = cells[1] = (teg_column){ .name = "number", .values = numbers };
	columns[3] =
		(teg_column){ .name = "tags", .offsets = ones, .children = &item, .n_children = 1 };
	columns[4] = (teg_column){ .name = "point", .children = fields, .n_children = 2 };
	cells[2] = column_of("name", &ids);
	cells[3] = (teg_column){ .name = "k", .values = numbers };
	OK(teg_txn_put(txn, "table", columns, 5, n, NULL, err));
	OK(teg_txn_put(txn, "sparse", cells, 4, n, NULL, err));
	free(ids.bytes);
	free(words.bytes);
}

static void commit_rows(teg_store *store, size_t n, size_t at, bool creates)
{
	teg_txn *txn;

	OK(teg_txn_begin(store, NULL, &txn, err));
	if (creates)
		create(txn);
	put(txn, n, at);
	OK(teg_txn_commit(txn, NULL, err));
}

static void erase(teg_store *store, const char *array)
{
	teg_erase what = { .struct_size = sizeof what, .forget = true };
	teg_predicate *where;
	teg_txn *txn;

	OK(teg_predicate_parse("word = '" NEEDLE "'", NULL, &where, err));
	what.predicate = where;
	OK(teg_txn_begin(store, NULL, &txn, err));
	OK(teg_txn_erase(txn, array, &what, err));
	OK(teg_txn_commit(txn, NULL, err));
	teg_predicate_free(where);
}

/* Rows in a segment of their own, in one inside a manifest, in the history of a merge. */
static void fill(teg_store *store)
{
	teg_value above = { .type = TEG_INT64, .as.i = 0x1000000 };
	teg_predicate *where;
	teg_txn *txn;

	commit_rows(store, N_ROWS, 1234, true);
	OK(teg_predicate_compare("number", TEG_GT, &above, NULL, &where, err));
	OK(teg_txn_begin(store, NULL, &txn, err));
	OK(teg_txn_delete_where(txn, "table", NULL, where, NULL, NULL, err));
	OK(teg_txn_delete_where(txn, "sparse", NULL, where, NULL, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
	teg_predicate_free(where);
	OK(teg_compact(store, NULL, NULL, err));
	commit_rows(store, 3, 1, false);
	commit_rows(store, 2000, 1999, false);
}

static void leave_behind(const struct test_dir *dir)
{
	test_file_write(test_dir_path(dir, "segments/0123456789abcdef0123456789abcdef"), NEEDLE,
	                11);
	test_file_write(test_dir_path(dir, "manifests/00000000000000000009."
	                                   "0123456789abcdef0123456789abcdef.tmp"),
	                NEEDLE, 11);
}

static void purge(teg_store *store, const char *array)
{
	teg_purge_options options = { .struct_size = sizeof options, .array = array };
	teg_purge_result result = { .struct_size = sizeof result };

	OK(teg_purge(store, &options, &result, err));
	cr_assert_eq(result.files_kept, 0);
	cr_assert_geq(result.rows_erased, 4, "rows and tombstones");
}

Test(needle, is_nowhere_after_a_purge)
{
	static const char *const arrays[] = { "table", "sparse" };
	struct test_dir dir;
	struct pattern patterns[3];
	size_t n = make_patterns(patterns);
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .no_auto_compact = true };
	teg_store *store;

	test_dir_make(&dir);
	rmdir(dir.path);
	OK(teg_store_open(dir.path, &options, &store, err));
	fill(store);
	leave_behind(&dir);
	for (size_t i = 0; i < n; i++)
		cr_assert_gt(count_below(dir.path, &patterns[i]) +
		                     count_values(store, &patterns[i]),
		             0, "%s was never there", patterns[i].what);
	for (int i = 0; i < 2; i++)
		erase(store, arrays[i]);
	for (int i = 0; i < 2; i++)
		purge(store, arrays[i]);
	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(count_below(dir.path, &patterns[i]), 0, "%s is in a file",
		             patterns[i].what);
		cr_expect_eq(count_values(store, &patterns[i]), 0, "%s is among the values",
		             patterns[i].what);
	}
	OK(teg_verify(store, true, NULL, NULL, NULL, err));
	teg_store_close(store);
	test_dir_remove(&dir);
}

static void set_metadata(teg_store *store, const char *attribute, const char *value)
{
	teg_alter change = { .kind = TEG_ALTER_METADATA,
		             .name = attribute,
		             .metadata = { "owner", value, 5, value ? strlen(value) : 0 } };
	teg_txn *txn;

	OK(teg_txn_begin(store, NULL, &txn, err));
	OK(teg_txn_alter(txn, "table", &change, 1, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* What was said of an array or of a column, and taken back, goes with the files of a purge: schemas of
 * older versions are among what no one can read any more. */
Test(needle, metadata_that_was_taken_back_is_nowhere_after_a_purge)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .no_auto_compact = true };
	teg_purge_options purge_table = { .struct_size = sizeof purge_table, .array = "table" };
	struct test_dir dir;
	struct pattern patterns[3];
	teg_store *store;

	(void)make_patterns(patterns);
	test_dir_make(&dir);
	rmdir(dir.path);
	OK(teg_store_open(dir.path, &options, &store, err));
	commit_rows(store, 100, 1000, true);
	set_metadata(store, NULL, NEEDLE);
	set_metadata(store, "word", NEEDLE " of a column");
	commit_rows(store, 100, 1000, false);
	cr_assert_geq(count_below(dir.path, &patterns[0]), 2);
	set_metadata(store, NULL, NULL);
	set_metadata(store, "word", "somebody");
	OK(teg_purge(store, &purge_table, NULL, err));
	cr_assert_eq(count_below(dir.path, &patterns[0]), 0);
	teg_store_close(store);
	test_dir_remove(&dir);
}
