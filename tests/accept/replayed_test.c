/* What a ledger says is what the same rows said one by one, before it is merged too, and whatever columns are
 * asked for: every array without valid time. B12 X4 NF1 */
#include <stdio.h>
#include "tests/support/show.h"
#include "tests/support/world.h"

#define KEYS 5
#define TIMES 4
#define ROWS (KEYS * TIMES) /* more than a tile that is resolved row by row */

static void create(struct world *w, teg_kind kind)
{
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT32 } };
	teg_attribute value = { .name = "value", .type = { .type = TEG_INT64 } };
	teg_spec spec = {
		.struct_size = sizeof spec, .kind = kind, .attributes = &value, .n_attributes = 1
	};
	teg_txn *txn;

	x.lo = (teg_value){ .type = TEG_INT32, .as.i = 0 };
	x.hi = (teg_value){ .type = TEG_INT32, .as.i = KEYS - 1 };
	if (kind != TEG_TABLE) {
		spec.dimensions = &x;
		spec.n_dimensions = 1;
	}
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "a", &spec, err));
	OK(teg_txn_commit(txn, NULL, err));
}

/* Every key at every time: 10 * time + key, times 1 to TIMES after `base`. */
static void replay(struct world *w, teg_kind kind, int64_t base)
{
	int64_t ids[ROWS], values[ROWS], times[ROWS];
	int32_t x[ROWS];
	teg_put_options roles = { .struct_size = sizeof roles, .system_time_column = "at" };
	teg_column columns[] = { { .name = "at", .values = times },
		                 { .name = "value", .values = values },
		                 { .name = "x", .values = x } };
	teg_txn *txn;

	for (int i = 0; i < ROWS; i++) {
		x[i] = (int32_t)(ids[i] = i % KEYS);
		times[i] = base + 1 + i / KEYS;
		values[i] = 10 * times[i] + ids[i];
	}
	if (kind == TEG_TABLE) {
		roles.row_id_column = "row_id";
		columns[2] = (teg_column){ .name = "row_id", .values = ids };
	}
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_put(txn, "a", columns, 3, ROWS, &roles, err));
	OK(teg_txn_commit(txn, NULL, err));
}

static const char *expected(int64_t time)
{
	static char text[256];
	int len = 0;

	text[0] = 0;
	for (int key = 0; key < KEYS && time > 0; key++)
		len += sprintf(text + len, "%s%d", key ? "|" : "", (int)(10 * time + key));
	return text;
}

static void check(struct world *w, int64_t last, const char *stage)
{
	static const char *const value[] = { "value" };

	for (int64_t s = 0; s <= last + 1; s++) {
		teg_scan_options options = { .struct_size = sizeof options,
			                     .columns = value,
			                     .n_columns = 1,
			                     .mode = TEG_SCAN_AS_OF,
			                     .system_time = s };

		if (s > last)
			options.mode = TEG_SCAN_CURRENT;
		cr_assert_str_eq(show(w->store, "a", &options), expected(s > last ? last : s),
		                 "%s, as of %d", stage, (int)s);
		options.no_prune = true;
		cr_assert_str_eq(show(w->store, "a", &options), expected(s > last ? last : s));
	}
}

static int64_t n_live(struct world *w)
{
	static const teg_measure count = { TEG_COUNT, NULL };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_array *array;
	int64_t n;

	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	OK(teg_aggregate(array, &count, 1, NULL, NULL, &schema, &batch, err));
	n = ((const int64_t *)batch.children[0]->buffers[1])[0];
	batch.release(&batch);
	schema.release(&schema);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return n;
}

Test(replayed, a_ledger_answers_once_for_every_key)
{
	static const teg_kind kinds[] = { TEG_TABLE, TEG_SPARSE, TEG_DENSE };

	for (int k = 0; k < 3; k++)
		for (int parts = 1; parts < 4; parts++) {
			struct world w;

			world_init(&w);
			create(&w, kinds[k]);
			for (int part = 0; part < parts; part++)
				replay(&w, kinds[k], TIMES * part);
			check(&w, (int64_t)TIMES * parts, "as it came");
			cr_assert_eq(n_live(&w), KEYS);
			world_reopen(&w);
			check(&w, (int64_t)TIMES * parts, "opened anew");
			OK(teg_compact(w.store, NULL, NULL, err));
			check(&w, (int64_t)TIMES * parts, "merged");
			cr_assert_eq(n_live(&w), KEYS);
			replay(&w, kinds[k], (int64_t)TIMES * parts);
			check(&w, (int64_t)TIMES * (parts + 1), "over what was merged");
			world_release(&w);
		}
}
