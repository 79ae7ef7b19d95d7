/* What a read of single cells must be told: when, and as of when. DESIGN 3.3. */
#include <string.h>
#include "tests/support/spec.h"
#include "tests/support/world.h"

static void create(teg_txn *txn, const char *name, teg_kind kind, bool valid_time)
{
	teg_dimension x = axis_within("x", 0, 9);
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(kind, &x, kind != TEG_TABLE, &v, 1);
	int64_t zero[] = { 0 };
	teg_column columns[] = { { .name = "v", .values = zero }, { .name = "x", .values = zero } };

	spec.valid_time = valid_time;
	OK(teg_txn_create(txn, name, &spec, err));
	OK(teg_txn_put(txn, name, columns, kind == TEG_TABLE ? 1 : 2, 1, NULL, err));
}

static void create_all(struct world *w)
{
	teg_txn *txn;

	world_init(w);
	memory_set_clock(w->os, 1000);
	txn = txn_begin(w->store);
	create(txn, "table", TEG_TABLE, false);
	create(txn, "timed table", TEG_TABLE, true);
	create(txn, "sparse", TEG_SPARSE, false);
	create(txn, "timed sparse", TEG_SPARSE, true);
	create(txn, "dense", TEG_DENSE, false);
	create(txn, "timed dense", TEG_DENSE, true);
	txn_commit(txn);
}

static teg_status get(teg_array *array, const teg_read_options *options, teg_error *err)
{
	teg_value key = int_value(0);
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_outcome outcome;
	teg_status status = teg_get(array, &key, 1, options, &outcome, &schema, &batch, err);

	if (status != TEG_OK)
		return status;
	cr_assert_eq(outcome, TEG_OUTCOME_LIVE);
	schema.release(&schema);
	batch.release(&batch);
	return TEG_OK;
}

static teg_status take(teg_array *array, const teg_read_options *options, teg_error *err)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	int64_t ordinal = 0;
	uint64_t n;
	teg_status status = teg_take(array, &ordinal, 1, NULL, 0, options, &schema, &batch, err);

	cr_assert_eq(teg_count_live(array, options, &n, err), status);
	if (status != TEG_OK)
		return status;
	schema.release(&schema);
	batch.release(&batch);
	return TEG_OK;
}

static teg_status read_box(teg_array *array, const teg_read_options *options, teg_error *err)
{
	int64_t v;
	teg_buffer buffer = { .name = "v", .values = &v, .values_len = sizeof v };
	teg_range box = int_range(0, 0);

	return teg_read_box(array, &box, &buffer, 1, NULL, options, err);
}

static const struct {
	const char *array;
	teg_status (*read)(teg_array *array, const teg_read_options *options, teg_error *err);
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

	create_all(&w);
	for (size_t r = 0; r < sizeof reads / sizeof *reads; r++)
		for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
			teg_read_options options = cases[c].options;
			bool timed = strncmp(reads[r].array, "timed", 5) == 0;
			bool answered = timed ? cases[c].timed : cases[c].plain;
			teg_error said = { 0 };
			struct reading at;

			options.struct_size = sizeof options;
			reading_open(&at, w.store, reads[r].array);
			cr_assert_eq(reads[r].read(at.array, &options, &said),
			             answered ? TEG_OK : TEG_MISUSE, "%s, %s: %s", reads[r].array,
			             cases[c].name, said.message);
			if (c == 0)
				cr_assert_eq(reads[r].read(at.array, NULL, &said),
				             timed ? TEG_MISUSE : TEG_OK);
			reading_close(&at);
		}
	world_release(&w);
}
