/* Keys that lie close together, with gaps: their index has dense tiles, in which a key's place is not its
 * distance from the first. FIND-1 TILE-1 */
#include "tests/support/world.h"

#define ROWS_MAX 6000

static void create(struct world *w)
{
	teg_attribute id = { .name = "id", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = &id,
		          .n_attributes = 1,
		          .key = "id",
		          .key_unique = true };
	teg_txn *txn;

	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "t", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static teg_status put(struct world *w, const int64_t *ids, size_t n, teg_error *why)
{
	teg_column column = { .name = "id", .values = ids };
	teg_status status;
	teg_txn *txn;

	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_put(txn, "t", &column, 1, n, NULL, err));
	status = teg_txn_commit(txn, NULL, why);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

/* The row of the key, -1 where there is none. */
static int64_t find(teg_array *array, int64_t id)
{
	const char *const columns[] = { "row_id" };
	teg_value key = { .type = TEG_INT64, .as.i = id };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	int64_t row = -1;
	uint64_t n;

	OK(teg_find(array, &key, columns, 1, NULL, &n, &schema, &batch, err));
	cr_assert_leq(n, 1);
	if (n)
		row = ((const int64_t *)batch.children[0]->buffers[1])[0];
	batch.release(&batch);
	schema.release(&schema);
	return row;
}

static void check(struct world *w, const int64_t *ids, size_t n)
{
	size_t step = n > 100 ? 37 : 1;
	teg_snapshot *snapshot;
	teg_array *array;

	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "t", &array, err));
	for (size_t i = 0; i < n; i += step) {
		cr_assert_eq(find(array, ids[i]), (int64_t)i, "key %lld of %zu", (long long)ids[i],
		             n);
		if (i + 1 < n && ids[i + 1] != ids[i] + 1)
			cr_assert_eq(find(array, ids[i] + 1), -1, "a gap after %lld",
			             (long long)ids[i]);
	}
	cr_assert_eq(find(array, ids[0] - 1), -1);
	cr_assert_eq(find(array, ids[n - 1] + 1), -1);
	cr_assert_eq(find(array, INT64_MIN), -1);
	cr_assert_eq(find(array, INT64_MAX), -1);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
}

Test(find_gaps, every_key_is_found_and_none_may_come_twice)
{
	static const size_t counts[] = { 2, 3, 9, 1000, ROWS_MAX };
	static int64_t ids[ROWS_MAX];

	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
		for (int64_t every = 2; every < 5; every++) {
			size_t n = counts[c];
			struct world w;

			for (size_t i = 0; i < n; i++) /* one in `every` is left out */
				ids[i] = -7 + (int64_t)i + (int64_t)i / (every - 1);
			world_init(&w);
			create(&w);
			OK(put(&w, ids, n / 2 + 1, err));
			if (n > n / 2 + 1)
				OK(put(&w, ids + n / 2 + 1, n - n / 2 - 1, err));
			for (int merged = 0; merged < 2; merged++) {
				check(&w, ids, n);
				for (size_t i = 0; i < n; i += 1 + n / 5)
					REFUSED(TEG_EXISTS, put(&w, ids + i, 1, err));
				OK(teg_compact(w.store, NULL, NULL, err));
			}
			world_release(&w);
		}
}
