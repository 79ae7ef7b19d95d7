/* Rows of a table by the value of its key attribute, against a plain list of what each row holds:
 * none, one and many, through updates, deletes, compaction and as of older versions. H10. */
#include <criterion/criterion.h>
#include <stdio.h>
#include "codec/base/bits.h"
#include "engine/os/memory.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/rng.h"

#define ROWS_MAX 4000
#define KEYS 600
#define COMMITS_MAX 64

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
	struct rng rng;
	bool text;
	int64_t n_rows;
	int n_commits;
	int16_t key[COMMITS_MAX][ROWS_MAX]; /* after each commit, by row id; -1: null, -2: no row */
	uint64_t version[COMMITS_MAX];
};

static teg_status create(teg_store *store, bool text, teg_error *err)
{
	teg_attribute attrs[] = {
		{ .name = "id", .type = { .type = text ? TEG_UTF8 : TEG_INT32 }, .nullable = true },
		{ .name = "v", .type = { .type = TEG_INT64 } }
	};
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attrs,
		          .n_attributes = 2,
		          .tile_cells = 200,
		          .key = "id" };
	teg_status status;
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	status = teg_txn_create(txn, "t", &spec, err);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

static void open_world(struct world *w, bool text, uint64_t seed)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .no_auto_compact = true };

	memset(w, 0, sizeof *w);
	w->rng = (struct rng){ seed };
	w->text = text;
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	options.allocator = &w->mem.alloc;
	options.os = w->os;
	OK(teg_store_open(NULL, &options, &w->store, err));
	OK(create(w->store, text, err));
	memset(w->key, -2, sizeof w->key);
}

static void close_array(struct world *w)
{
	teg_array_close(w->array);
	teg_snapshot_close(w->snapshot);
	w->array = NULL;
	w->snapshot = NULL;
}

static void close_world(struct world *w)
{
	close_array(w);
	teg_store_close(w->store);
	os_free(w->os);
	memory_check(&w->mem);
}

static void open_array(struct world *w)
{
	close_array(w);
	OK(teg_snapshot_open(w->store, &w->snapshot, err));
	OK(teg_array_open(w->snapshot, "t", &w->array, err));
}

/* ---- writing ---- */

static size_t text_of(int key, char *text)
{
	return key < 0 ? 0 : (size_t)sprintf(text, "key number %d", key);
}

struct put {
	int64_t ids[ROWS_MAX], values[ROWS_MAX];
	int32_t numbers[ROWS_MAX], offsets[ROWS_MAX + 1];
	char texts[ROWS_MAX * 20];
	uint8_t validity[ROWS_MAX / 8 + 1];
};

/* New keys for the rows of `ids`, or for n new rows. */
static void put(struct world *w, struct put *p, const int64_t *ids, int64_t n, teg_txn *txn)
{
	teg_put_options options = { .struct_size = sizeof options, .row_id_column = "row" };
	teg_column columns[] = { { .name = "id", .validity = p->validity },
		                 { .name = "v", .values = p->values },
		                 { .name = "row", .values = ids, .type = { .type = TEG_INT64 } } };

	p->offsets[0] = 0;
	for (int64_t i = 0; i < n; i++) {
		int key = (int)rng_below(&w->rng, KEYS) - 1;
		int64_t row = ids ? ids[i] : w->n_rows + i;

		p->values[i] = row;
		p->numbers[i] = key;
		p->offsets[i + 1] = p->offsets[i] + (int32_t)text_of(key, p->texts + p->offsets[i]);
		bitmap_put(p->validity, (size_t)i, key >= 0);
		w->key[w->n_commits][row] = (int16_t)key;
	}
	columns[0].values = w->text ? (const void *)p->texts : p->numbers;
	columns[0].offsets = w->text ? p->offsets : NULL;
	w->n_rows += ids ? 0 : n;
	OK(teg_txn_put(txn, "t", columns, ids ? 3 : 2, (size_t)n, ids ? &options : NULL, err));
}

static int64_t some_live(struct world *w, int64_t *ids, int64_t most)
{
	int64_t n = 0;

	for (int64_t id = (int64_t)rng_below(&w->rng, 5); id < w->n_rows && n < most;
	     id += 1 + (int64_t)rng_below(&w->rng, 9))
		if (w->key[w->n_commits][id] != -2)
			ids[n++] = id;
	return n;
}

static void delete_some(struct world *w, struct put *p, teg_txn *txn)
{
	teg_column column = { .name = "row_id", .values = p->ids };
	int64_t n = some_live(w, p->ids, 30);

	for (int64_t i = 0; i < n; i++)
		w->key[w->n_commits][p->ids[i]] = -2;
	OK(teg_txn_delete(txn, "t", &column, 1, (size_t)n, NULL, err));
}

static void commit(struct world *w)
{
	static struct put p;
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;

	if (w->n_commits)
		memcpy(w->key[w->n_commits], w->key[w->n_commits - 1], sizeof *w->key);
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	if (w->n_commits && rng_below(&w->rng, 2))
		put(w, &p, p.ids, some_live(w, p.ids, 50), txn);
	if (w->n_rows < ROWS_MAX - 300) /* last: new rows have no ids to update them by yet */
		put(w, &p, NULL, 1 + (int64_t)rng_below(&w->rng, 300), txn);
	OK(teg_txn_commit(txn, &result, err));
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	delete_some(w, &p, txn);
	OK(teg_txn_commit(txn, &result, err));
	w->version[w->n_commits++] = result.version;
}

/* ---- finding ---- */

static teg_value value_of(const struct world *w, int key, char text[20])
{
	teg_value value = { .type = w->text ? TEG_UTF8 : TEG_INT32 };

	if (w->text) {
		value.as.bytes.at = text;
		value.as.bytes.len = text_of(key, text);
	} else {
		value.as.i = key;
	}
	return value;
}

static void check_rows(const struct world *w, int at, int key, const struct ArrowArray *batch)
{
	const int64_t *ids = batch->children[0]->buffers[1];
	int64_t n = 0;

	for (int64_t id = 0; id < w->n_rows; id++) {
		if (w->key[at][id] != key)
			continue;
		cr_assert_lt(n, batch->length, "key %d at %d: row %lld is missing", key, at,
		             (long long)id);
		cr_assert_eq(ids[n], id, "key %d at %d of %d: row %lld, not %lld (of %lld)", key,
		             at, w->n_commits, (long long)ids[n], (long long)id,
		             (long long)batch->length);
		n++;
	}
	cr_assert_eq(batch->length, n, "key %d at %d: %lld rows, not %lld", key, at,
	             (long long)batch->length, (long long)n);
}

static void check_key(const struct world *w, int at, int key)
{
	teg_read_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF_VERSION,
		                     .version = w->version[at] };
	char text[20];
	teg_value value = value_of(w, key, text);
	struct ArrowSchema schema;
	struct ArrowArray batch;
	uint64_t n;

	OK(teg_find(w->array, &value, NULL, 0, at == w->n_commits - 1 ? NULL : &options, &n,
	            &schema, &batch, err));
	cr_assert_eq(n, (uint64_t)batch.length);
	cr_assert_str_eq(schema.children[0]->name, "row_id");
	cr_assert_eq(schema.n_children, 3);
	check_rows(w, at, key, &batch);
	schema.release(&schema);
	batch.release(&batch);
}

static void check_all(struct world *w)
{
	open_array(w);
	for (int i = 0; i < 40; i++)
		check_key(w, w->n_commits - 1, (int)rng_below(&w->rng, KEYS + 20));
	for (int i = 0; i < 20; i++)
		check_key(w, (int)rng_below(&w->rng, (uint64_t)w->n_commits),
		          (int)rng_below(&w->rng, KEYS));
}

static void verify(struct world *w)
{
	teg_verify_result result = { .struct_size = sizeof result };

	OK(teg_verify(w->store, true, NULL, NULL, &result, err));
	cr_assert_eq(result.damages, 0);
}

static void compact(struct world *w)
{
	teg_compact_options options = { .struct_size = sizeof options, .array = "t" };
	teg_compact_result result = { .struct_size = sizeof result };

	OK(teg_compact(w->store, &options, &result, err));
}

static void check_world(bool text)
{
	struct world *w = calloc(1, sizeof *w);

	cr_assert(w);
	open_world(w, text, 11);
	for (int i = 0; i < 16; i++) {
		commit(w);
		if (i == 7)
			compact(w);
		check_all(w);
	}
	verify(w);
	compact(w);
	check_all(w);
	verify(w);
	close_world(w);
	free(w);
}

Test(find, numbers)
{
	check_world(false);
}

Test(find, texts)
{
	check_world(true);
}

/* The index goes by the attribute's id, and a code by the number, whatever its width. */
Test(find, after_the_key_was_renamed_and_widened)
{
	struct world *w = calloc(1, sizeof *w);
	teg_alter changes[] = {
		{ .kind = TEG_ALTER_RENAME, .name = "id", .new_name = "number" },
		{ .kind = TEG_ALTER_WIDEN, .name = "number", .type = { .type = TEG_INT64 } }
	};
	teg_alter drop = { .kind = TEG_ALTER_DROP, .name = "number" };
	teg_error refused = { 0 };
	teg_txn *txn;

	cr_assert(w);
	open_world(w, false, 3);
	for (int i = 0; i < 3; i++)
		commit(w);
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_alter(txn, "t", changes, 2, err));
	OK(teg_txn_commit(txn, NULL, err));
	check_all(w);
	cr_assert_str_eq(teg_array_spec(w->array)->key, "number");
	compact(w);
	check_all(w);
	verify(w);
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	cr_assert_eq(teg_txn_alter(txn, "t", &drop, 1, &refused), TEG_SCHEMA);
	cr_assert_str_eq(refused.column, "number");
	teg_txn_abort(txn);
	close_world(w);
	free(w);
}

/* ---- refusals ---- */

static void check_refused(teg_array *array, const teg_value *value, const char *what)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_error err;
	uint64_t n = 7;

	cr_assert_eq(teg_find(array, value, NULL, 0, NULL, &n, &schema, &batch, &err), TEG_MISUSE,
	             "%s", what);
	cr_assert_eq(n, 0);
	cr_assert(!schema.release && !batch.release);
	cr_assert_str_eq(err.array, "t");
}

Test(find, refuses_values_that_are_no_keys)
{
	struct world *w = calloc(1, sizeof *w);
	teg_value text = { .type = TEG_UTF8, .as.bytes = { "x", 1 } }, null = { 0 };
	teg_value real = { .type = TEG_FLOAT64, .as.f = 1.5 };

	cr_assert(w);
	open_world(w, false, 1);
	open_array(w);
	check_refused(w->array, &text, "a text for a number");
	check_refused(w->array, &null, "null");
	check_refused(w->array, &real, "a fraction");
	close_world(w);
	free(w);
}

Test(find, schemas_that_cannot_have_a_key)
{
	teg_attribute attrs[] = { { .name = "f", .type = { .type = TEG_FLOAT64 } },
		                  { .name = "b", .type = { .type = TEG_BOOL } },
		                  { .name = "i", .type = { .type = TEG_INT64 } } };
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT64 } };
	static const struct {
		const char *name, *key;
		bool sparse;
	} cases[] = { { "a float", "f", false },
		      { "a truth value", "b", false },
		      { "no column", "q", false },
		      { "the row id", "row_id", false },
		      { "a sparse array", "i", true } };
	struct world *w = calloc(1, sizeof *w);

	cr_assert(w);
	open_world(w, false, 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teg_spec spec = { .struct_size = sizeof spec,
			          .kind = cases[i].sparse ? TEG_SPARSE : TEG_TABLE,
			          .dimensions = &x,
			          .n_dimensions = cases[i].sparse,
			          .attributes = attrs,
			          .n_attributes = 3,
			          .key = cases[i].key };
		teg_error refused = { 0 };
		teg_txn *txn;

		OK(teg_txn_begin(w->store, NULL, &txn, err));
		cr_assert_eq(teg_txn_create(txn, "u", &spec, &refused), TEG_SCHEMA, "%s",
		             cases[i].name);
		teg_txn_abort(txn);
	}
	close_world(w);
	free(w);
}

Test(find, every_allocation_may_fail)
{
	struct world *w = calloc(1, sizeof *w);
	teg_status status = TEG_NOMEM;

	cr_assert(w);
	open_world(w, true, 5);
	for (int i = 0; i < 4; i++)
		commit(w);
	for (size_t n = 1; status != TEG_OK; n++) {
		char text[20];
		teg_value value = value_of(w, 17, text);
		struct ArrowSchema schema;
		struct ArrowArray batch;
		teg_error err = { 0 };
		uint64_t found;

		cr_assert_lt(n, 3000);
		open_array(w);
		w->mem.fail_at = w->mem.n_requests + n;
		status = teg_find(w->array, &value, NULL, 0, NULL, &found, &schema, &batch, &err);
		w->mem.fail_at = 0;
		cr_assert(status == TEG_OK || status == TEG_NOMEM, "request %zu: %s", n,
		          err.message);
		if (status == TEG_OK) {
			check_rows(w, w->n_commits - 1, 17, &batch);
			schema.release(&schema);
			batch.release(&batch);
		}
	}
	close_world(w);
	free(w);
}
