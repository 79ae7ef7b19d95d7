/* Erasures that others lost: in a segment of their own, of keys that are only in history, of keys that were
 * never put, of text and of numbers, with a put again; and retention of several arrays. X7 X8 X17 NF4 NF5 */
#include <stdio.h>
#include <string.h>
#include "tests/support/show.h"
#include "tests/support/world.h"

/* ---- one array of any kind whose keys are 0, 1, 2 .. in some type ---- */

struct shape {
	const char *name;
	teg_kind kind;
	teg_type type;
};

static const struct shape shapes[] = {
	{ "table", TEG_TABLE, TEG_INT64 },     { "numbers", TEG_SPARSE, TEG_INT32 },
	{ "text", TEG_SPARSE, TEG_UTF8 },      { "bytes", TEG_SPARSE, TEG_BYTES },
	{ "floats", TEG_SPARSE, TEG_FLOAT64 }, { "times", TEG_SPARSE, TEG_TIMESTAMP },
	{ "dense", TEG_DENSE, TEG_INT32 },
};

struct key {
	union {
		int32_t i32;
		int64_t i64;
		double f64;
		char text[16];
	} as;
	int32_t offsets[2];
	teg_column column;
	teg_value value;
};

static void make_key(const struct shape *shape, int n, struct key *k)
{
	memset(k, 0, sizeof *k);
	k->column =
		(teg_column){ .name = shape->kind == TEG_TABLE ? "row_id" : "x", .values = &k->as };
	k->value.type = shape->type;
	if (shape->type == TEG_INT32) {
		k->as.i32 = n;
		k->value.as.i = n;
	} else if (shape->type == TEG_FLOAT64) {
		k->value.as.f = k->as.f64 = n * 0.5 - 1;
	} else if (shape->type == TEG_UTF8 || shape->type == TEG_BYTES) {
		k->offsets[1] = sprintf(k->as.text, "key-%d", n);
		k->column.offsets = k->offsets;
		k->value.as.bytes.at = k->as.text;
		k->value.as.bytes.len = (size_t)k->offsets[1];
	} else {
		k->value.as.i = k->as.i64 = n;
	}
}

static void create(struct world *w, const char *array, const struct shape *shape)
{
	teg_dimension x = { .name = "x", .type = { .type = shape->type, .unit = TEG_MICRO } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 }, .nullable = true };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = shape->kind,
		          .attributes = &value,
		          .n_attributes = 1,
		          .tile_cells = shape->kind == TEG_DENSE ? 0 : 2 };
	teg_txn *txn;

	if (shape->kind == TEG_DENSE) {
		x.lo = (teg_value){ .type = TEG_INT32, .as.i = 0 };
		x.hi = (teg_value){ .type = TEG_INT32, .as.i = 20 };
	}
	if (shape->kind != TEG_TABLE) {
		spec.dimensions = &x;
		spec.n_dimensions = 1;
	}
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, array, &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static teg_txn *begin(struct world *w, int64_t at)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, &options, &txn, err));
	return txn;
}

/* A table's first rows are appended, in order. */
static void put(struct world *w, const char *array, const struct shape *shape, int n, int64_t value,
                int64_t at, bool append)
{
	bool no_key = append && shape->kind == TEG_TABLE;
	teg_put_options options = { .struct_size = sizeof options };
	teg_txn *txn = begin(w, at);
	struct key key;

	make_key(shape, n, &key);
	if (shape->kind == TEG_TABLE && !append)
		options.row_id_column = "row_id";
	OK(teg_txn_put(txn, array,
	               (teg_column[]){ { .name = "value", .values = &value }, key.column },
	               no_key ? 1 : 2, 1, &options, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void erase(struct world *w, const struct shape *shape, int n, bool forget, int64_t at)
{
	teg_txn *txn = begin(w, at);
	struct key key;
	teg_erase what = {
		.struct_size = sizeof what, .columns = &key.column, .n_columns = 1, .n_rows = 1
	};

	what.forget = forget;
	make_key(shape, n, &key);
	OK(teg_txn_erase(txn, "a", &what, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static void delete_one(struct world *w, const char *array, const struct shape *shape, int n,
                       int64_t at)
{
	teg_txn *txn = begin(w, at);
	struct key key;

	make_key(shape, n, &key);
	OK(teg_txn_delete(txn, array, &key.column, 1, 1, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* The value, or the outcome as a negative number. */
static int64_t get(struct world *w, const char *array, const struct shape *shape, int n, int64_t s)
{
	teg_read_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_AS_OF,
		                     .system_time = s };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_outcome outcome;
	teg_array *at;
	struct key key;
	int64_t value;

	make_key(shape, n, &key);
	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, array, &at, err));
	OK(teg_get(at, &key.value, 1, &options, &outcome, &schema, &batch, err));
	value = -(int64_t)outcome;
	if (outcome == TEG_OUTCOME_LIVE) {
		int child = shape->kind == TEG_TABLE ? 0 : 1;

		value = ((const int64_t *)batch.children[child]->buffers[1])[0];
		batch.release(&batch);
		schema.release(&schema);
	}
	teg_array_close(at);
	teg_snapshot_close(snapshot);
	return value;
}

/* ---- erasures ---- */

static const struct {
	int key;
	int64_t s, want;
} answers[] = {
	{ 0, 150, -TEG_OUTCOME_ERASED }, /* the version that only history has */
	{ 0, 250, -TEG_OUTCOME_ERASED },
	{ 0, 50, -TEG_OUTCOME_ERASED },
	{ 0, 399, -TEG_OUTCOME_ERASED },
	{ 0, 400, 77 }, /* put again */
	{ 0, 999, 77 },
	{ 1, 150, 11 }, /* its neighbour */
	{ 1, 999, 11 },
	{ 2, 150, -TEG_OUTCOME_ERASED }, /* deleted before it was erased: erased all the same */
	{ 2, 250, -TEG_OUTCOME_ERASED },
	{ 2, 999, -TEG_OUTCOME_ERASED },
	{ 3, 150, 13 }, /* only deleted */
	{ 3, 999, -TEG_OUTCOME_DELETED },
	{ 9, 999, -TEG_OUTCOME_ERASED }, /* never put */
	{ 8, 999, -TEG_OUTCOME_NOT_FOUND },
};

static void check(struct world *w, const struct shape *shape, const char *stage)
{
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		cr_assert_eq(get(w, "a", shape, answers[i].key, answers[i].s), answers[i].want,
		             "%s, %s: key %d at %d: %d, not %d", shape->name, stage, answers[i].key,
		             (int)answers[i].s,
		             (int)get(w, "a", shape, answers[i].key, answers[i].s),
		             (int)answers[i].want);
}

static void compact(struct world *w, bool by_policy)
{
	teg_compact_options options = { .struct_size = sizeof options, .by_policy = by_policy };

	OK(teg_compact(w->store, &options, NULL, err));
}

/* `merges`: after which commits, a bit each. */
static void make_history(struct world *w, const struct shape *shape, unsigned merges)
{
	int step = 0;

	create(w, "a", shape);
	for (int n = 0; n < 4; n++)
		put(w, "a", shape, n, 10 + n, 100 + n, true);
	for (; step < 7; step++) {
		if (merges >> step & 1)
			compact(w, step % 2);
		switch (step) {
		case 0: put(w, "a", shape, 0, 20, 200, false); break;
		case 1: delete_one(w, "a", shape, 2, 210); break;
		case 2: delete_one(w, "a", shape, 3, 220); break;
		case 3: erase(w, shape, 0, false, 300); break;
		case 4: erase(w, shape, 2, false, 310); break;
		case 5: put(w, "a", shape, 0, 77, 400, false); break;
		default: erase(w, shape, 9, false, 500); break;
		}
	}
}

/* #4036 #4576 #4577 #5714 of XTDB; X7, X8 and NF4 of keys of every kind. */
Test(erased, nothing_comes_back_whatever_the_key_and_whatever_was_merged)
{
	static const unsigned merges[] = { 0, 1, 4, 8, 16, 24, 32, 64, 127 };

	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
		for (size_t m = 0; m < sizeof merges / sizeof *merges; m++) {
			teg_purge_options purge = { .struct_size = sizeof purge, .array = "a" };
			struct world w;

			world_init(&w);
			make_history(&w, &shapes[s], merges[m]);
			check(&w, &shapes[s], "as it was written");
			compact(&w, true);
			check(&w, &shapes[s], "merged by policy");
			compact(&w, false);
			check(&w, &shapes[s], "merged");
			OK(teg_purge(w.store, &purge, NULL, err));
			check(&w, &shapes[s], "purged");
			world_reopen(&w);
			check(&w, &shapes[s], "opened anew");
			world_release(&w);
		}
}

/* A merge of the newer segments alone must not forget a key of which an older one holds the content. TIME-14 */
Test(erased, what_is_to_be_forgotten_is_masked_until_its_content_is_gone)
{
	enum { MANY = 30000 };
	static int32_t x[MANY];
	static int64_t values[MANY];
	const struct shape *shape = &shapes[1];
	const teg_column columns[] = { { .name = "x", .values = x },
		                       { .name = "value", .values = values } };
	teg_purge_options purge = { .struct_size = sizeof purge, .array = "a" };
	teg_compact_options by_policy = { .struct_size = sizeof by_policy, .by_policy = true };
	teg_compact_result result = { .struct_size = sizeof result };
	struct world w;
	teg_txn *txn;

	world_init(&w);
	create(&w, "a", shape);
	for (int i = 0; i < MANY; i++)
		values[i] = x[i] = i;
	txn = begin(&w, 100);
	OK(teg_txn_put(txn, "a", columns, 2, MANY, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
	erase(&w, shape, 3, true, 200);
	for (int i = 0; i < 20; i++)
		put(&w, "a", shape, 50 + i, 1, 300 + i, false);
	OK(teg_compact(w.store, &by_policy, &result, err));
	cr_assert_gt(result.segments_in, 1);
	cr_assert_lt(result.rows_in, MANY, "the large one stays: or this proves nothing");
	cr_assert_eq(get(&w, "a", shape, 3, 150), -TEG_OUTCOME_ERASED);
	cr_assert_eq(get(&w, "a", shape, 3, 999), -TEG_OUTCOME_ERASED);
	OK(teg_purge(w.store, &purge, NULL, err));
	cr_assert_eq(get(&w, "a", shape, 3, 150), -TEG_OUTCOME_NOT_FOUND);
	cr_assert_eq(get(&w, "a", shape, 3, 999), -TEG_OUTCOME_NOT_FOUND);
	cr_assert_eq(get(&w, "a", shape, 4, 999), 4);
	world_release(&w);
}

/* ---- retention ---- */

static teg_array_info info_of(struct world *w, const char *name)
{
	teg_array_info info = { .struct_size = sizeof info };
	teg_snapshot *snapshot;
	teg_array *array;

	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, name, &array, err));
	OK(teg_array_get_info(array, &info, err));
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return info;
}

/* What ended just after a horizon answers at it. */
static const struct {
	int key;
	int64_t s, want;
} asked[] = {
	{ 0, 150, 1 },
	{ 0, 203, 2 },
	{ 0, 204, 2 },
	{ 0, 205, 3 },
	{ 0, 303, 3 },
	{ 0, 304, 3 },
	{ 1, 303, 1 },
	{ 1, 204, 1 },
	{ 1, 203, 1 },
	{ 0, 999, 3 },
	{ 1, 304, -TEG_OUTCOME_DELETED },
};

static void retain(struct world *w, const char *array, int64_t duration)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN,
		             .retention = { .drops = true, .duration_us = duration } };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_alter(txn, array, &change, 1, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* X17 NF5: each array by its own policy and from its own newest time, whatever its kind; what has no policy
 * stays; a segment of which nothing is left goes; the second run drops nothing. */
Test(erased, every_array_is_held_to_its_own_retention)
{
	for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
		static const char *const names[] = { "short", "long", "kept" };
		static const uint64_t rows[] = { 2, 4, 5 };
		static const int64_t horizons[] = { 304, 204, INT64_MIN };
		teg_compact_result result = { .struct_size = sizeof result };
		struct world w;

		world_init(&w);
		for (int i = 0; i < 3; i++) {
			create(&w, names[i], &shapes[s]);
			put(&w, names[i], &shapes[s], 0, 1, 100, true);
			put(&w, names[i], &shapes[s], 1, 1, 101, true);
			put(&w, names[i], &shapes[s], 0, 2, 202, false);
			put(&w, names[i], &shapes[s], 0, 3, 205, false);
			delete_one(&w, names[i], &shapes[s], 1, 304);
		}
		retain(&w, "short", 0);
		retain(&w, "long", 100);
		OK(teg_compact(w.store, NULL, &result, err));
		cr_assert_eq(result.rows_expired, 3 + 1, "%s", shapes[s].name);
		for (int i = 0; i < 3; i++) {
			teg_array_info info = info_of(&w, names[i]);

			cr_assert_eq(info.horizon, horizons[i], "%s %s", shapes[s].name, names[i]);
			cr_assert_eq(info.n_rows, rows[i], "%s %s: %d rows", shapes[s].name,
			             names[i], (int)info.n_rows);
			cr_assert_eq(info.n_segments, i ? 2 : 1);
			for (size_t k = 0; k < sizeof asked / sizeof *asked; k++)
				cr_assert_eq(get(&w, names[i], &shapes[s], asked[k].key,
				                 asked[k].s),
				             asked[k].s < horizons[i] ? -TEG_OUTCOME_BEYOND_HORIZON
				                                      : asked[k].want,
				             "%s %s as of %d", shapes[s].name, names[i],
				             (int)asked[k].s);
		}
		OK(teg_compact(w.store, NULL, &result, err));
		cr_assert_eq(result.rows_expired, 0);
		world_release(&w);
	}
}
