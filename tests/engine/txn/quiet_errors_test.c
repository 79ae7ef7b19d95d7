/* After TEG_OK the caller's error is as it was, however many files were not there, pins not to be had
 * and versions overtaken on the way. */
#include <string.h>
#include "engine/os/memory.h"
#include "engine/os/os.h"
#include "engine/tegula_unstable.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"

#define POISON 0xa7

/* Succeeds, and leaves every byte of its error alone. */
#define QUIET(call)                                                                      \
	do {                                                                             \
		teg_error err_, *err = &err_;                                            \
		teg_status got_;                                                         \
		memset(err, POISON, sizeof *err);                                        \
		got_ = (call);                                                           \
		cr_assert_eq(got_, TEG_OK, "%s: %s", #call, teg_status_name(got_));      \
		for (size_t i_ = 0; i_ < sizeof *err; i_++)                              \
			cr_assert_eq(((uint8_t *)err)[i_], POISON, "%s left: %s", #call, \
			             err->message);                                      \
	} while (0)

static const teg_dimension axes[] = {
	{ .name = "x",
	  .type = { .type = TEG_INT64 },
	  .lo = { TEG_INT64, { .i = 0 } },
	  .hi = { TEG_INT64, { .i = 99 } } },
};
static const teg_attribute attributes[] = { { .name = "v", .type = { .type = TEG_INT64 } } };

static teg_spec spec_of(teg_kind kind)
{
	return (teg_spec){ .struct_size = sizeof(teg_spec),
		           .kind = kind,
		           .dimensions = axes,
		           .n_dimensions = kind != TEG_TABLE,
		           .attributes = attributes,
		           .n_attributes = 1 };
}

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store, *other; /* two handles of one store */
};

static teg_store_options options_of(struct world *w, teg_create create)
{
	return (teg_store_options){ .struct_size = sizeof(teg_store_options),
		                    .create = create,
		                    .allocator = &w->mem.alloc,
		                    .no_auto_compact = true,
		                    .os = w->os };
}

static void create_all(struct world *w)
{
	teg_spec table = spec_of(TEG_TABLE), sparse = spec_of(TEG_SPARSE),
		 dense = spec_of(TEG_DENSE);
	teg_txn *txn;

	QUIET(teg_txn_begin(w->store, NULL, &txn, err));
	QUIET(teg_txn_create(txn, "table", &table, err));
	QUIET(teg_txn_create(txn, "sparse", &sparse, err));
	QUIET(teg_txn_create(txn, "dense", &dense, err));
	QUIET(teg_txn_commit(txn, NULL, err));
}

static void world_init(struct world *w)
{
	teg_store_options create;

	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	memory_set_clock(w->os, INT64_C(1700000000000000));
	create = options_of(w, TEG_CREATE_IF_MISSING);
	QUIET(teg_store_open(NULL, &create, &w->store, err));
	QUIET(teg_store_open(NULL, &create, &w->other, err));
	create_all(w);
}

static void world_release(struct world *w)
{
	teg_store_close(w->store);
	teg_store_close(w->other);
	os_free(w->os);
	memory_check(&w->mem);
}

/* `n` cells from `from` on, with a key of the sequence where that is not 0. */
static void put(teg_store *store, const char *array, int64_t from, size_t n, uint64_t sequence)
{
	teg_txn_options options = { .struct_size = sizeof options,
		                    .key_writer = sequence ? "writer" : NULL,
		                    .key_sequence = sequence };
	int64_t x[5000];
	teg_column columns[] = { { .name = "v", .values = x }, { .name = "x", .values = x } };
	teg_txn *txn;

	for (size_t i = 0; i < n; i++)
		x[i] = from + (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15u >> 20) * (n > 100) +
		       (int64_t)i * (n <= 100);
	QUIET(teg_txn_begin(store, &options, &txn, err));
	QUIET(teg_txn_put(txn, array, columns, strcmp(array, "table") ? 2 : 1, n, NULL, err));
	QUIET(teg_txn_commit(txn, NULL, err));
}

static void vacuum(teg_store *store)
{
	teg_vacuum_options options = { .struct_size = sizeof options, .has_grace = true };

	QUIET(teg_vacuum(store, &options, NULL, err));
}

static void read_all(struct world *w, const char *name)
{
	teg_array_info info = { .struct_size = sizeof info };
	teg_scan_stats stats = { .struct_size = sizeof stats };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_outcome outcome;
	teg_array *array;
	teg_scan *scan;

	QUIET(teg_snapshot_open(w->store, &snapshot, err));
	QUIET(teg_array_open(snapshot, name, &array, err));
	QUIET(teg_array_get_info(array, &info, err));
	QUIET(teg_scan_open(array, NULL, &scan, err));
	QUIET(teg_scan_explain(scan, &stats, err));
	QUIET(teg_scan_schema(scan, &schema, err));
	QUIET(teg_scan_next(scan, &batch, err));
	schema.release(&schema);
	batch.release(&batch);
	teg_scan_close(scan);
	for (int64_t x = 3; x < 99; x += 90) { /* one that is there, one that is not */
		teg_value key = { TEG_INT64, { .i = x } };

		QUIET(teg_get(array, &key, 1, NULL, &outcome, &schema, &batch, err));
		if (outcome != TEG_OUTCOME_LIVE)
			continue;
		schema.release(&schema);
		batch.release(&batch);
	}
	teg_array_close(array);
	teg_snapshot_close(snapshot);
}

static void read_special(struct world *w)
{
	int64_t ordinals[] = { 2, 0 }, cells[4];
	teg_buffer buffer = { .name = "v", .values = cells, .values_len = sizeof cells };
	teg_range box = { { TEG_INT64, { .i = 2 } }, { TEG_INT64, { .i = 5 } } };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_array *array;
	char name[256];
	uint64_t n;

	QUIET(teg_snapshot_open(w->other, &snapshot, err));
	QUIET(teg_snapshot_next_array(snapshot, NULL, name, err));
	QUIET(teg_array_open(snapshot, "table", &array, err));
	QUIET(teg_count_live(array, NULL, &n, err));
	QUIET(teg_take(array, ordinals, 2, NULL, 0, NULL, &schema, &batch, err));
	schema.release(&schema);
	batch.release(&batch);
	teg_array_close(array);
	QUIET(teg_array_open(snapshot, "dense", &array, err));
	QUIET(teg_read_box(array, &box, &buffer, 1, NULL, NULL, err));
	teg_array_close(array);
	teg_snapshot_close(snapshot);
}

Test(quiet_errors, whatever_works_leaves_the_error_alone)
{
	static const char *const names[] = { "table", "sparse", "dense" };
	struct world w;

	world_init(&w);
	for (uint64_t round = 0; round < 2; round++)
		for (int i = 0; i < 3; i++) {
			put(w.store, names[i], (int64_t)round * 4, 10, 3 * round + (uint64_t)i + 1);
			put(w.other, names[i], (int64_t)round * 4, 10, 0);
			read_all(&w, names[i]);
		}
	put(w.other, "dense", 4, 10, 6); /* known already */
	read_special(&w);
	QUIET(teg_compact(w.store, NULL, NULL, err));
	vacuum(w.other);
	read_special(&w);
	QUIET(teg_verify(w.store, true, NULL, NULL, NULL, err));
	world_release(&w);
}

/* Copies of a store may come without its empty directories, and the hint is no more than that. */
Test(quiet_errors, what_may_be_missing_is_not_told_of)
{
	teg_store_options options;
	struct world w;

	world_init(&w);
	put(w.store, "table", 0, 10, 0);
	teg_store_close(w.store);
	teg_store_close(w.other);
	OK(os_unlink(w.os, "manifests/hint", err));
	options = options_of(&w, TEG_CREATE_IF_MISSING);
	QUIET(teg_store_open(NULL, &options, &w.store, err));
	QUIET(teg_store_open(NULL, &options, &w.other, err));
	read_all(&w, "table");
	vacuum(w.store);
	world_release(&w);
}

/* The base of a transaction goes while it is written: it takes a newer one. */
Test(quiet_errors, a_base_that_vacuum_took_is_renewed)
{
	teg_spec spec = spec_of(TEG_SPARSE);
	int64_t x[] = { 50 };
	teg_column columns[] = { { .name = "v", .values = x }, { .name = "x", .values = x } };
	teg_predicate *above;
	struct world w;
	teg_txn *txn;

	world_init(&w);
	put(w.store, "sparse", 0, 10, 0);
	put(w.store, "table", 0, 5000, 0);
	QUIET(teg_txn_begin(w.store, NULL, &txn, err));
	for (int i = 0; i < 20; i++) {
		put(w.other, "table", 0, 5000, 0);
		put(w.other, "sparse", 20, 10, 0);
	}
	QUIET(teg_compact(w.other, NULL, NULL, err));
	vacuum(w.other);
	QUIET(teg_predicate_parse("v >= 25", NULL, &above, err));
	QUIET(teg_txn_create(txn, "new", &spec, err));
	QUIET(teg_txn_delete_where(txn, "sparse", NULL, above, NULL, NULL, err));
	QUIET(teg_txn_put(txn, "new", columns, 2, 1, NULL, err));
	put(w.other, "sparse", 20, 10, 0);
	QUIET(teg_compact(w.other, NULL, NULL, err));
	vacuum(w.other);
	QUIET(teg_txn_commit(txn, NULL, err));
	teg_predicate_free(above);
	world_release(&w);
}

/* A reader without the right to write goes without a pin. */
Test(quiet_errors, readers_that_cannot_pin_do_without)
{
	teg_store_options options;
	struct world w;

	world_init(&w);
	put(w.store, "table", 0, 10, 0);
	teg_store_close(w.store);
	options = options_of(&w, TEG_CREATE_NO);
	options.read_only = true;
	QUIET(teg_store_open(NULL, &options, &w.store, err));
	read_all(&w, "table");
	world_release(&w);
}
