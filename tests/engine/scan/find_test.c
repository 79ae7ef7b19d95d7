/* Rows of a table by the value of its key attribute, against a plain list of what each row holds:
 * none, one and many, through updates, deletes, compaction and as of older versions. H10. */
#include <stdio.h>
#include "codec/base/bits.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS_MAX 4000
#define KEYS 600
#define COMMITS_MAX 64

struct table {
	struct world world;
	struct reading at;
	struct rng rng;
	bool text;
	int64_t n_rows;
	int n_commits;
	int16_t key[COMMITS_MAX][ROWS_MAX]; /* after each commit, by row id; -1: null, -2: no row */
	uint64_t version[COMMITS_MAX];
};

/* On the heap: it is large. close_table frees it. */
static struct table *open_table(bool text, uint64_t seed)
{
	teg_attribute attrs[] = { attribute_of("id", text ? TEG_UTF8 : TEG_INT32),
		                  attribute_of("v", TEG_INT64) };
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attrs, 2);
	struct table *w = calloc(1, sizeof *w);

	cr_assert(w);
	attrs[0].nullable = true;
	spec.tile_cells = 200;
	spec.key = "id";
	w->rng = (struct rng){ seed };
	w->text = text;
	world_make(&w->world, (teg_store_options){ .no_auto_compact = true });
	txn_create(w->world.store, "t", &spec);
	memset(w->key, -2, sizeof w->key);
	return w;
}

static void close_table(struct table *w)
{
	reading_close(&w->at);
	world_release(&w->world);
	free(w);
}

static void open_array(struct table *w)
{
	reading_close(&w->at);
	reading_open(&w->at, w->world.store, "t");
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
static void put(struct table *w, struct put *p, const int64_t *ids, int64_t n, teg_txn *txn)
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

static int64_t some_live(struct table *w, int64_t *ids, int64_t most)
{
	int64_t n = 0;

	for (int64_t id = (int64_t)rng_below(&w->rng, 5); id < w->n_rows && n < most;
	     id += 1 + (int64_t)rng_below(&w->rng, 9))
		if (w->key[w->n_commits][id] != -2)
			ids[n++] = id;
	return n;
}

static void delete_some(struct table *w, struct put *p, teg_txn *txn)
{
	teg_column column = { .name = "row_id", .values = p->ids };
	int64_t n = some_live(w, p->ids, 30);

	for (int64_t i = 0; i < n; i++)
		w->key[w->n_commits][p->ids[i]] = -2;
	OK(teg_txn_delete(txn, "t", &column, 1, (size_t)n, NULL, err));
}

static void commit(struct table *w)
{
	static struct put p;
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;

	if (w->n_commits)
		memcpy(w->key[w->n_commits], w->key[w->n_commits - 1], sizeof *w->key);
	txn = txn_begin(w->world.store);
	if (w->n_commits && rng_below(&w->rng, 2))
		put(w, &p, p.ids, some_live(w, p.ids, 50), txn);
	if (w->n_rows < ROWS_MAX - 300) /* last: new rows have no ids to update them by yet */
		put(w, &p, NULL, 1 + (int64_t)rng_below(&w->rng, 300), txn);
	OK(teg_txn_commit(txn, &result, err));
	txn = txn_begin(w->world.store);
	delete_some(w, &p, txn);
	OK(teg_txn_commit(txn, &result, err));
	w->version[w->n_commits++] = result.version;
}

/* ---- finding ---- */

static teg_value value_of(const struct table *w, int key, char text[24])
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

static void check_rows(const struct table *w, int at, int key, const struct ArrowArray *batch)
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

static void check_key(const struct table *w, int at, int key)
{
	teg_read_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF_VERSION,
		                     .version = w->version[at] };
	char text[24];
	teg_value value = value_of(w, key, text);
	struct ArrowSchema schema;
	struct ArrowArray batch;
	uint64_t n;

	OK(teg_find(w->at.array, &value, NULL, 0, at == w->n_commits - 1 ? NULL : &options, &n,
	            &schema, &batch, err));
	cr_assert_eq(n, (uint64_t)batch.length);
	cr_assert_str_eq(schema.children[0]->name, "row_id");
	cr_assert_eq(schema.n_children, 3);
	check_rows(w, at, key, &batch);
	schema.release(&schema);
	batch.release(&batch);
}

static void check_all(struct table *w)
{
	open_array(w);
	for (int i = 0; i < 40; i++)
		check_key(w, w->n_commits - 1, (int)rng_below(&w->rng, KEYS + 20));
	for (int i = 0; i < 20; i++)
		check_key(w, (int)rng_below(&w->rng, (uint64_t)w->n_commits),
		          (int)rng_below(&w->rng, KEYS));
}

static void compact(struct table *w)
{
	teg_compact_options options = { .struct_size = sizeof options, .array = "t" };
	teg_compact_result result = { .struct_size = sizeof result };

	OK(teg_compact(w->world.store, &options, &result, err));
}

static void check_world(bool text)
{
	struct table *w = open_table(text, 11);

	for (int i = 0; i < 16; i++) {
		commit(w);
		if (i == 7)
			compact(w);
		check_all(w);
	}
	verify_sound(w->world.store);
	compact(w);
	check_all(w);
	verify_sound(w->world.store);
	close_table(w);
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
	struct table *w = open_table(false, 3);
	teg_alter changes[] = {
		{ .kind = TEG_ALTER_RENAME, .name = "id", .new_name = "number" },
		{ .kind = TEG_ALTER_WIDEN, .name = "number", .type = { .type = TEG_INT64 } }
	};
	teg_alter drop = { .kind = TEG_ALTER_DROP, .name = "number" };
	teg_error refused = { 0 };
	teg_txn *txn;

	for (int i = 0; i < 3; i++)
		commit(w);
	txn = txn_begin(w->world.store);
	OK(teg_txn_alter(txn, "t", changes, 2, err));
	txn_commit(txn);
	check_all(w);
	cr_assert_str_eq(teg_array_spec(w->at.array)->key, "number");
	compact(w);
	check_all(w);
	verify_sound(w->world.store);
	txn = txn_begin(w->world.store);
	cr_assert_eq(teg_txn_alter(txn, "t", &drop, 1, &refused), TEG_SCHEMA);
	cr_assert_str_eq(refused.column, "number");
	teg_txn_abort(txn);
	close_table(w);
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
	struct table *w = open_table(false, 1);
	teg_value text = { .type = TEG_UTF8, .as.bytes = { "x", 1 } }, null = { 0 };
	teg_value real = { .type = TEG_FLOAT64, .as.f = 1.5 };

	open_array(w);
	check_refused(w->at.array, &text, "a text for a number");
	check_refused(w->at.array, &null, "null");
	check_refused(w->at.array, &real, "a fraction");
	close_table(w);
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
	struct table *w = open_table(false, 1);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		teg_spec spec = spec_make(cases[i].sparse ? TEG_SPARSE : TEG_TABLE, &x,
		                          cases[i].sparse, attrs, 3);
		teg_txn *txn = txn_begin(w->world.store);
		teg_error refused = { 0 };

		spec.key = cases[i].key;
		cr_assert_eq(teg_txn_create(txn, "u", &spec, &refused), TEG_SCHEMA, "%s",
		             cases[i].name);
		teg_txn_abort(txn);
	}
	close_table(w);
}

Test(find, every_allocation_may_fail)
{
	struct table *w = open_table(true, 5);
	teg_status status = TEG_NOMEM;

	for (int i = 0; i < 4; i++)
		commit(w);
	for (size_t n = 1; status != TEG_OK; n++) {
		char text[24];
		teg_value value = value_of(w, 17, text);
		struct ArrowSchema schema;
		struct ArrowArray batch;
		teg_error err = { 0 };
		uint64_t found;

		cr_assert_lt(n, 3000);
		open_array(w);
		w->world.mem.fail_at = w->world.mem.n_requests + n;
		status =
			teg_find(w->at.array, &value, NULL, 0, NULL, &found, &schema, &batch, &err);
		w->world.mem.fail_at = 0;
		cr_assert(status == TEG_OK || status == TEG_NOMEM, "request %zu: %s", n,
		          err.message);
		if (status == TEG_OK) {
			check_rows(w, w->n_commits - 1, 17, &batch);
			schema.release(&schema);
			batch.release(&batch);
		}
	}
	close_table(w);
}
