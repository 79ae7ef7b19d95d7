/* What a read of single cells must be told: when, and as of when. DESIGN 3.3. */
#include <string.h>
#include "engine/os/memory.h"
#include "tests/support/ok.h"

struct world {
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
};

static void create(teg_txn *txn, const char *name, teg_kind kind, bool valid_time)
{
	teg_dimension x = { .name = "x",
		            .type = { .type = TEG_INT64 },
		            .lo = { TEG_INT64, { .i = 0 } },
		            .hi = { TEG_INT64, { .i = 9 } } };
	teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = kind,
		          .valid_time = valid_time,
		          .dimensions = &x,
		          .n_dimensions = kind != TEG_TABLE,
		          .attributes = &v,
		          .n_attributes = 1 };
	int64_t zero[] = { 0 };
	teg_column columns[] = { { .name = "v", .values = zero }, { .name = "x", .values = zero } };

	OK(teg_txn_create(txn, name, &spec, err));
	OK(teg_txn_put(txn, name, columns, kind == TEG_TABLE ? 1 : 2, 1, NULL, err));
}

static void world_init(struct world *w)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	teg_txn *txn;

	w->os = os_memory_new(teg_allocator_default(), 1);
	memory_set_clock(w->os, 1000);
	options.os = w->os;
	OK(teg_store_open(NULL, &options, &w->store, err));
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	create(txn, "table", TEG_TABLE, false);
	create(txn, "timed table", TEG_TABLE, true);
	create(txn, "sparse", TEG_SPARSE, false);
	create(txn, "timed sparse", TEG_SPARSE, true);
	create(txn, "dense", TEG_DENSE, false);
	create(txn, "timed dense", TEG_DENSE, true);
	OK(teg_txn_commit(txn, NULL, err));
	OK(teg_snapshot_open(w->store, &w->snapshot, err));
}

static void world_release(struct world *w)
{
	teg_snapshot_close(w->snapshot);
	teg_store_close(w->store);
	os_free(w->os);
}

static teg_status get(struct world *w, const teg_read_options *options, teg_error *err)
{
	teg_value key = { TEG_INT64, { .i = 0 } };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_outcome outcome;
	teg_status status = teg_get(w->array, &key, 1, options, &outcome, &schema, &batch, err);

	if (status != TEG_OK)
		return status;
	cr_assert_eq(outcome, TEG_OUTCOME_LIVE);
	schema.release(&schema);
	batch.release(&batch);
	return TEG_OK;
}

static teg_status take(struct world *w, const teg_read_options *options, teg_error *err)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	int64_t ordinal = 0;
	uint64_t n;
	teg_status status = teg_take(w->array, &ordinal, 1, NULL, 0, options, &schema, &batch, err);

	cr_assert_eq(teg_count_live(w->array, options, &n, err), status);
	if (status != TEG_OK)
		return status;
	schema.release(&schema);
	batch.release(&batch);
	return TEG_OK;
}

static teg_status read_box(struct world *w, const teg_read_options *options, teg_error *err)
{
	int64_t v;
	teg_buffer buffer = { .name = "v", .values = &v, .values_len = sizeof v };
	teg_range box = { { TEG_INT64, { .i = 0 } }, { TEG_INT64, { .i = 0 } } };

	return teg_read_box(w->array, &box, &buffer, 1, NULL, options, err);
}

static const struct {
	const char *array;
	teg_status (*read)(struct world *w, const teg_read_options *options, teg_error *err);
} reads[] = { { "table", get },           { "sparse", get },       { "dense", get },
	      { "timed table", get },     { "timed sparse", get }, { "timed dense", get },
	      { "table", take },          { "timed table", take }, { "dense", read_box },
	      { "timed dense", read_box } };

static const struct {
	const char *name;
	teg_read_options options;
	bool plain, timed; /* whether it is answered without, and with valid time */
} cases[] = {
	{ "nothing said", { 0 }, true, false },
	{ "as of", { .mode = TEG_SCAN_AS_OF, .system_time = 5000 }, true, false },
	{ "as of a version", { .mode = TEG_SCAN_AS_OF_VERSION, .version = 2 }, true, false },
	{ "valid at", { .has_valid_at = true, .valid_at = 7 }, true, true },
	{ "valid at the open start",
	  { .has_valid_at = true, .valid_at = INT64_MIN },
	  false,
	  false },
	{ "valid at the open end", { .has_valid_at = true, .valid_at = INT64_MAX }, false, false },
	{ "all versions",
	  { .mode = TEG_SCAN_ALL_VERSIONS, .has_valid_at = true, .valid_at = 7 },
	  false,
	  false },
	{ "no mode",
	  { .mode = (teg_scan_mode)9, .has_valid_at = true, .valid_at = 7 },
	  false,
	  false },
};

Test(point, reads_of_single_cells_need_one_valid_time)
{
	struct world w;

	world_init(&w);
	for (size_t r = 0; r < sizeof reads / sizeof *reads; r++)
		for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
			teg_read_options options = cases[c].options;
			bool timed = strncmp(reads[r].array, "timed", 5) == 0;
			bool answered = timed ? cases[c].timed : cases[c].plain;
			teg_error said = { 0 };

			options.struct_size = sizeof options;
			OK(teg_array_open(w.snapshot, reads[r].array, &w.array, err));
			cr_assert_eq(reads[r].read(&w, &options, &said),
			             answered ? TEG_OK : TEG_MISUSE, "%s, %s: %s", reads[r].array,
			             cases[c].name, said.message);
			if (c == 0)
				cr_assert_eq(reads[r].read(&w, NULL, &said),
				             timed ? TEG_MISUSE : TEG_OK);
			teg_array_close(w.array);
		}
	world_release(&w);
}
