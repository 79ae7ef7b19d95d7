#include "tests/support/world.h"

teg_store *world_handle(struct world *w, teg_store_options options)
{
	teg_store *store;

	options.struct_size = sizeof options;
	options.os = w->os;
	if (!options.allocator)
		options.allocator = &w->mem.alloc;
	OK(teg_store_open(NULL, &options, &store, err));
	return store;
}

static void world_prepare(struct world *w)
{
	*w = (struct world){ .os = NULL };
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
}

void world_make(struct world *w, teg_store_options options)
{
	world_prepare(w);
	if (!options.create)
		options.create = TEG_CREATE_NEW;
	w->store = world_handle(w, options);
}

void world_open(struct world *w, teg_create create)
{
	w->store = world_handle(w, (teg_store_options){ .create = create,
	                                                .writer = "test",
	                                                .no_auto_compact = true });
}

void world_init(struct world *w)
{
	world_prepare(w);
	memory_set_clock(w->os, 1000000);
	world_open(w, TEG_CREATE_NEW);
}

void world_reopen(struct world *w)
{
	teg_store_close(w->store);
	world_open(w, TEG_CREATE_NO);
}

void world_release(struct world *w)
{
	teg_store_close(w->store);
	os_free(w->os);
	memory_check(&w->mem);
}

void handle_open(struct handle *h, struct world *w, teg_store_options options)
{
	memory_init(&h->mem);
	options.allocator = &h->mem.alloc;
	h->store = world_handle(w, options);
}

void handle_close(struct handle *h)
{
	teg_store_close(h->store);
	memory_check(&h->mem);
}

/* ---- one transaction ---- */

teg_txn *txn_begin_at(teg_store *store, int64_t system_time)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = system_time };
	teg_txn *txn;

	OK(teg_txn_begin(store, &options, &txn, err));
	return txn;
}

teg_txn *txn_begin(teg_store *store)
{
	teg_txn *txn;

	OK(teg_txn_begin(store, NULL, &txn, err));
	return txn;
}

void txn_commit(teg_txn *txn)
{
	OK(teg_txn_commit(txn, NULL, err));
}

teg_status txn_end(teg_txn *txn, teg_status status, teg_error *err)
{
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

void txn_create(teg_store *store, const char *array, const teg_spec *spec)
{
	teg_txn *txn = txn_begin(store);

	OK(teg_txn_create(txn, array, spec, err));
	txn_commit(txn);
}

void txn_put(teg_store *store, const char *array, const teg_column *columns, size_t n_columns,
             size_t n_rows)
{
	teg_txn *txn = txn_begin(store);

	OK(teg_txn_put(txn, array, columns, n_columns, n_rows, NULL, err));
	txn_commit(txn);
}

/* ---- reading ---- */

void reading_open(struct reading *r, teg_store *store, const char *array)
{
	OK(teg_snapshot_open(store, &r->snapshot, err));
	OK(teg_array_open(r->snapshot, array, &r->array, err));
}

void reading_close(struct reading *r)
{
	teg_array_close(r->array);
	teg_snapshot_close(r->snapshot);
	*r = (struct reading){ NULL, NULL };
}

teg_scan *reading_scan(const struct reading *r, const teg_scan_options *options)
{
	teg_scan *scan;

	OK(teg_scan_open(r->array, options, &scan, err));
	return scan;
}

bool batch_next(teg_scan *scan, struct ArrowArray *batch_out)
{
	teg_error err = { 0 };
	teg_status status = teg_scan_next(scan, batch_out, &err);

	if (status == TEG_OK)
		return true;
	cr_assert_eq(status, TEG_END, "%s %s", teg_status_name(status), err.message);
	return false;
}

void verify_sound(teg_store *store)
{
	teg_verify_result result = { .struct_size = sizeof result };

	OK(teg_verify(store, true, NULL, NULL, &result, err));
	cr_assert_eq(result.damages, 0, "%d damages", (int)result.damages);
}

teg_status rows_count(teg_store *store, const char *array, const teg_scan_options *options,
                      uint64_t *n_out, teg_error *err)
{
	struct reading r = { NULL, NULL };
	teg_scan *scan = NULL;
	struct ArrowArray batch;
	teg_status status = teg_snapshot_open(store, &r.snapshot, err);

	*n_out = 0;
	if (status == TEG_OK)
		status = teg_array_open(r.snapshot, array, &r.array, err);
	if (status == TEG_OK)
		status = teg_scan_open(r.array, options, &scan, err);
	while (status == TEG_OK && (status = teg_scan_next(scan, &batch, err)) == TEG_OK) {
		*n_out += (uint64_t)batch.length;
		batch.release(&batch);
	}
	teg_scan_close(scan);
	reading_close(&r);
	return status == TEG_END ? TEG_OK : status;
}
