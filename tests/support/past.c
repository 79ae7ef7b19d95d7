#include "tests/support/past.h"
#include <string.h>
#include "codec/base/error.h"
#include "tests/support/answers.h"
#include "tests/support/ok.h"
#include "tests/support/rng.h"

/* ---- a store with a past: five arrays, four commits ---- */

teg_status past_open_store(struct os *os, const teg_allocator *alloc, teg_create create,
                           bool mapped, teg_store **store_out, teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .os = os,
		                      .allocator = alloc,
		                      .map_files = mapped,
		                      .cache_budget = mapped ? 100000 : 0,
		                      .no_auto_compact = true };

	return teg_store_open(NULL, &options, store_out, err);
}

static teg_txn *begin(teg_store *store, int64_t at)
{
	teg_metadata why = { "why", PAST_NEEDLE, 3, strlen(PAST_NEEDLE) };
	teg_txn_options options = {
		.struct_size = sizeof options, .system_time = at, .metadata = &why, .n_metadata = 1
	};
	teg_txn *txn;

	OK(teg_txn_begin(store, &options, &txn, err));
	return txn;
}

static void declare(teg_txn *txn)
{
	static const teg_attribute attributes[] = {
		{ .name = "v", .type = { .type = TEG_INT32 } },
		{ .name = "word", .type = { .type = TEG_UTF8 }, .nullable = true }
	};
	static const teg_dimension axes[] = {
		{ .name = "x",
		  .type = { .type = TEG_INT64 },
		  .lo = { TEG_INT64, { .i = 0 } },
		  .hi = { TEG_INT64, { .i = 4 } } },
		{ .name = "y",
		  .type = { .type = TEG_INT64 },
		  .lo = { TEG_INT64, { .i = 0 } },
		  .hi = { TEG_INT64, { .i = 4 } } },
	};
	static const struct {
		const char *name;
		teg_kind kind;
		teg_cells cells;
		bool valid_time, key;
	} arrays[] = {
		{ "cells", TEG_SPARSE, TEG_CELLS_UNIQUE, true, false },
		{ "events", TEG_SPARSE, TEG_CELLS_REPEATED, true, false },
		{ "grid", TEG_DENSE, TEG_CELLS_UNIQUE, false, false },
		{ "keys", TEG_TABLE, TEG_CELLS_UNIQUE, false, true },
	};

	for (size_t i = 0; i < 4; i++) {
		teg_spec spec = { .struct_size = sizeof spec,
			          .kind = arrays[i].kind,
			          .cells = arrays[i].cells,
			          .valid_time = arrays[i].valid_time,
			          .attributes = attributes,
			          .n_attributes = arrays[i].kind == TEG_DENSE ? 1 : 2,
			          .dimensions = axes,
			          .n_dimensions = arrays[i].kind == TEG_TABLE ? 0 : 2,
			          .key = arrays[i].key ? "v" : NULL };

		OK(teg_txn_create(txn, arrays[i].name, &spec, err));
	}
}

/* A table whose rows are too long to travel in a manifest: noise, with a needle where v is 2. */
#define NOISE_LEN 40000

static void declare_blobs(teg_txn *txn)
{
	static const teg_attribute attributes[] = { { .name = "v", .type = { .type = TEG_INT32 } },
		                                    { .name = ANSWERS_LONG,
		                                      .type = { .type = TEG_BYTES } } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attributes,
		          .n_attributes = 2 };

	OK(teg_txn_create(txn, "blobs", &spec, err));
}

/* Two rows, or the first one again. */
static void put_blobs(teg_txn *txn, bool again)
{
	static uint8_t noise[2 * NOISE_LEN];
	static const int32_t ends[] = { 0, NOISE_LEN, 2 * NOISE_LEN };
	const int32_t v[] = { again ? 3 : 1, 2 };
	const int64_t id = 0;
	teg_put_options put = { .struct_size = sizeof put, .row_id_column = again ? "id" : NULL };
	teg_column columns[] = { { .name = "v", .values = v },
		                 { .name = ANSWERS_LONG, .values = noise, .offsets = ends },
		                 { .name = "id", .values = &id } };
	struct rng rng = { again };

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)rng_u64(&rng);
	memcpy(noise + NOISE_LEN + 5000, PAST_NEEDLE, strlen(PAST_NEEDLE));
	OK(teg_txn_put(txn, "blobs", columns, again ? 3 : 2, again ? 1 : 2, &put, err));
}

/* Rows 0 to 4 of a sparse array on the diagonal, or of the table where `ids`: v and words. */
struct rows {
	int64_t at[5];
	int32_t v[5], ends[6];
	char words[64];
};

static void fill_rows(struct rows *r, int version)
{
	memset(r, 0, sizeof *r);
	for (int i = 0; i < 5; i++) {
		const char *word = i == 2 ? PAST_NEEDLE : "word";

		r->at[i] = i;
		r->v[i] = 1 + i + 10 * (version - 1);
		r->ends[i + 1] = r->ends[i] + (int32_t)strlen(word);
		memcpy(r->words + r->ends[i], word, strlen(word));
	}
}

static teg_status put_rows(teg_txn *txn, const char *array, bool table, int version,
                           teg_put_options put, teg_error *err)
{
	struct rows r;
	teg_column columns[] = { { .name = "v", .values = r.v, .type.type = TEG_INT32 },
		                 { .name = "word", .values = r.words, .offsets = r.ends },
		                 { .name = table ? "id" : "x", .values = r.at },
		                 { .name = "y", .values = r.at } };

	fill_rows(&r, version);
	put.struct_size = sizeof put;
	put.row_id_column = table && version > 1 ? "id" : NULL;
	return teg_txn_put(txn, array, columns, table ? version > 1 ? 3 : 2 : 4, 5, &put, err);
}

static void put_grid(teg_txn *txn, int32_t value, int64_t from, int64_t to)
{
	const teg_range side = { { TEG_INT64, { .i = from } }, { TEG_INT64, { .i = to } } };
	const teg_range box[] = { side, side };
	int32_t values[25];
	teg_buffer buffer = { .name = "v", .values = values, .values_len = sizeof values };

	for (int i = 0; i < 25; i++)
		values[i] = value + i;
	OK(teg_txn_put_box(txn, "grid", box, &buffer, 1, NULL, err));
}

/* A corner of the grid, cells and events. */
static void delete_corner(teg_txn *txn)
{
	const teg_range side = { { TEG_INT64, { .i = 4 } }, { TEG_INT64, { .i = 4 } } };
	const teg_range box[] = { side, side };

	OK(teg_txn_delete_box(txn, "grid", box, NULL, err));
	OK(teg_txn_delete_box(txn, "cells", box, NULL, err));
	OK(teg_txn_delete_box(txn, "events", box, NULL, err));
}

void past_prepare(struct os *os)
{
	teg_put_options some = { .valid_from = 10, .valid_until = 20 };
	int64_t gone = 4;
	teg_column id = { .name = "row_id", .values = &gone };
	teg_store *store;
	teg_txn *txn;

	OK(past_open_store(os, NULL, TEG_CREATE_NEW, false, &store, err));
	for (int version = 1; version <= 3; version++) {
		txn = begin(store, 1000 * version);
		if (version == 1) {
			declare(txn);
			declare_blobs(txn);
		}
		if (version != 2)
			put_blobs(txn, version == 3);
		OK(put_rows(txn, "cells", false, version,
		            version == 2 ? some : (teg_put_options){ 0 }, err));
		OK(put_rows(txn, "events", false, version, some, err));
		OK(put_rows(txn, "keys", true, version, (teg_put_options){ 0 }, err));
		put_grid(txn, 10 * version, 0, 5 - version);
		OK(teg_txn_commit(txn, NULL, err));
		if (version == 2)
			OK(teg_compact(store, NULL, NULL, err));
	}
	txn = begin(store, 4000);
	delete_corner(txn);
	OK(teg_txn_delete(txn, "keys", &id, 1, 1, NULL, err));
	OK(teg_txn_commit(txn, NULL, err));
	teg_store_close(store);
}

/* ---- the calls ---- */

static teg_status end(teg_txn *txn, teg_status status, teg_error *err)
{
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

static teg_status start(teg_store *store, int64_t at, teg_txn **txn_out, teg_error *err)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = at };

	return teg_txn_begin(store, &options, txn_out, err);
}

static teg_status alter(teg_store *store, const char *array, const teg_alter *change,
                        teg_error *err)
{
	teg_txn *txn;

	TEG_TRY(start(store, 0, &txn, err));
	return end(txn, teg_txn_alter(txn, array, change, 1, err), err);
}

teg_status past_add(teg_store *store, teg_error *err)
{
	const teg_attribute attribute = { .name = "n",
		                          .type = { .type = TEG_INT64 },
		                          .fill = { TEG_INT64, { .i = 7 } } };
	const teg_alter change = { .kind = TEG_ALTER_ADD, .attribute = &attribute };

	return alter(store, "cells", &change, err);
}

teg_status past_drop_word(teg_store *store, teg_error *err)
{
	const teg_alter change = { .kind = TEG_ALTER_DROP, .name = "word" };
	teg_txn *txn;
	teg_status status;

	TEG_TRY(start(store, 0, &txn, err));
	status = teg_txn_alter(txn, "cells", &change, 1, err);
	if (status == TEG_OK)
		status = teg_txn_alter(txn, "events", &change, 1, err);
	if (status == TEG_OK)
		status = teg_txn_alter(txn, "keys", &change, 1, err);
	return end(txn, status, err);
}

teg_status past_rename_and_widen(teg_store *store, teg_error *err)
{
	const teg_alter changes[] = {
		{ .kind = TEG_ALTER_WIDEN, .name = "v", .type = { .type = TEG_INT64 } },
		{ .kind = TEG_ALTER_RENAME, .name = "v", .new_name = "w" },
		{ .kind = TEG_ALTER_METADATA, .metadata = { "unit", "m", 4, 1 } },
		{ .kind = TEG_ALTER_TILES, .tile_cells = 1024, .has_profile = true },
	};
	teg_txn *txn;

	TEG_TRY(start(store, 0, &txn, err));
	return end(txn, teg_txn_alter(txn, "cells", changes, 4, err), err);
}

teg_status past_add_rule(teg_store *store, teg_error *err)
{
	const teg_check check = { .name = "rule", .kind = TEG_CHECK_NOT_EMPTY, .column = "word" };
	const teg_alter change = { .kind = TEG_ALTER_CHECK, .check = &check };

	return alter(store, "cells", &change, err);
}

teg_status past_drop_rule(teg_store *store, teg_error *err)
{
	const teg_alter change = { .kind = TEG_ALTER_UNCHECK, .name = "rule" };

	return alter(store, "cells", &change, err);
}

teg_status past_make_unique(teg_store *store, teg_error *err)
{
	const teg_alter change = { .kind = TEG_ALTER_UNIQUE, .key_unique = true };

	return alter(store, "keys", &change, err);
}

teg_status past_resize(teg_store *store, teg_error *err)
{
	const teg_alter change = { .kind = TEG_ALTER_RESIZE,
		                   .name = "x",
		                   .hi = { TEG_INT64, { .i = 9 } } };

	return alter(store, "grid", &change, err);
}

teg_status past_rename_array(teg_store *store, teg_error *err)
{
	const teg_alter change = { .kind = TEG_ALTER_RENAME_ARRAY, .new_name = "zones" };

	return alter(store, "grid", &change, err);
}

teg_status past_drop_array(teg_store *store, teg_error *err)
{
	const teg_alter change = { .kind = TEG_ALTER_DROP_ARRAY };

	return alter(store, "events", &change, err);
}

teg_status past_retain(teg_store *store, teg_error *err)
{
	const teg_alter change = { .kind = TEG_ALTER_RETAIN,
		                   .retention = { .drops = true, .duration_us = 1500 } };
	static const char *const names[] = { "cells", "events", "grid", "keys", "blobs" };
	teg_status status = TEG_OK;
	teg_txn *txn;

	TEG_TRY(start(store, 0, &txn, err));
	for (int i = 0; i < 5 && status == TEG_OK; i++)
		status = teg_txn_alter(txn, names[i], &change, 1, err);
	return end(txn, status, err);
}

teg_status past_compact(teg_store *store, teg_error *err)
{
	return teg_compact(store, NULL, NULL, err);
}

teg_status past_rechunk(teg_store *store, teg_error *err)
{
	const teg_extent extents[] = { { "x", 2 }, { "y", 2 } };
	teg_compact_options options = {
		.struct_size = sizeof options, .array = "grid", .extents = extents, .n_extents = 2
	};

	TEG_TRY(teg_compact(store, &options, NULL, err));
	options.array = "cells";
	return teg_compact(store, &options, NULL, err);
}

teg_status past_retile(teg_store *store, teg_error *err)
{
	teg_compact_options options = { .struct_size = sizeof options,
		                        .tile_cells = 1024,
		                        .has_profile = true,
		                        .profile = TEG_SMALL };

	return teg_compact(store, &options, NULL, err);
}

/* The keys with the needle and, of the grid, a box, in one commit. */
static teg_status erase_kind(teg_store *store, bool forget, teg_error *err)
{
	const teg_range side = { { TEG_INT64, { .i = 2 } }, { TEG_INT64, { .i = 2 } } };
	const teg_range box[] = { side, side };
	static const char *const names[] = { "cells", "events", "grid", "keys", "blobs" };
	int32_t id = 1;
	teg_column row = { .name = "row_id", .values = &id, .type = { .type = TEG_INT32 } };
	teg_predicate *where;
	teg_status status;
	teg_txn *txn;

	TEG_TRY(teg_predicate_parse("word = '" PAST_NEEDLE "'", NULL, &where, err));
	status = start(store, 5000, &txn, err);
	if (status != TEG_OK) {
		teg_predicate_free(where);
		return status;
	}
	for (int i = 0; i < 5 && status == TEG_OK; i++) {
		teg_erase what = { .struct_size = sizeof what, .forget = forget };

		if (i == 2)
			what.box = box;
		else if (i < 4)
			what.predicate = where;
		else
			what.columns = &row;
		what.n_columns = what.n_rows = i == 4;
		status = teg_txn_erase(txn, names[i], &what, err);
	}
	teg_predicate_free(where);
	return end(txn, status, err);
}

teg_status past_erase(teg_store *store, teg_error *err)
{
	return erase_kind(store, false, err);
}

teg_status past_erase_and_forget(teg_store *store, teg_error *err)
{
	return erase_kind(store, true, err);
}

/* Every array, and what the commits said. */
teg_status past_purge(teg_store *store, teg_error *err)
{
	teg_purge_options options = { .struct_size = sizeof options, .metadata = true };
	teg_purge_result result = { .struct_size = sizeof result };
	teg_status status = teg_purge(store, &options, &result, err);

	if (status == TEG_OK && result.files_kept) /* a pin could not be read */
		return teg_fail(err, TEG_CONFLICT, "files are kept");
	return status;
}

teg_status past_vacuum(teg_store *store, teg_error *err)
{
	teg_vacuum_options options = { .struct_size = sizeof options, .has_grace = true };

	return teg_vacuum(store, &options, NULL, err);
}

/* One of two parts of a ledger of three times. */
static teg_status replay(teg_store *store, int64_t after, int64_t through, teg_error *err)
{
	static const int64_t x[] = { 0, 1, 1, 3 }, times[] = { 5000, 5000, 6000, 7000 };
	static const int32_t v[] = { 100, 101, 0, 103 };
	static const uint8_t kinds[] = { 0, 0, 1, 0 }, there = 0;
	const teg_column columns[] = {
		{ .name = "x", .values = x },
		{ .name = "y", .values = x },
		{ .name = "v", .values = v, .validity = (const uint8_t[]){ 11 } },
		{ .name = "word",
		  .values = "",
		  .offsets = (const int32_t[]){ 0, 0, 0, 0, 0 },
		  .validity = &there },
		{ .name = "when", .values = times },
		{ .name = "kind", .values = kinds, .type = { .type = TEG_UINT8 } },
	};
	teg_put_options options = { .struct_size = sizeof options,
		                    .system_time_column = "when",
		                    .row_kind_column = "kind",
		                    .system_after = after,
		                    .system_through = through };
	teg_txn *txn;

	TEG_TRY(teg_txn_begin(store, NULL, &txn, err));
	return end(txn, teg_txn_put(txn, "cells", columns, 6, 4, &options, err), err);
}

teg_status past_replay_first(teg_store *store, teg_error *err)
{
	return replay(store, 4000, 6000, err);
}

teg_status past_replay_second(teg_store *store, teg_error *err)
{
	return replay(store, 6000, INT64_MAX, err);
}

/* What tilectl copy does. */
teg_status past_copy(teg_store *store, teg_error *err)
{
	teg_snapshot *snapshot = NULL;
	teg_array *array = NULL;
	teg_scan *scan = NULL;
	teg_txn *txn = NULL;
	struct ArrowArrayStream stream = { 0 };
	uint64_t n;
	teg_status status = teg_snapshot_open(store, &snapshot, err);

	if (status == TEG_OK)
		status = teg_array_open(snapshot, "keys", &array, err);
	if (status == TEG_OK)
		status = teg_scan_open(array, NULL, &scan, err);
	if (status == TEG_OK)
		status = teg_scan_stream(scan, &stream, err);
	if (status == TEG_OK)
		status = start(store, 0, &txn, err);
	if (status == TEG_OK)
		status = teg_txn_create(txn, "twin", teg_array_spec(array), err);
	if (status == TEG_OK)
		status = teg_txn_put_stream(txn, "twin", &stream, NULL, &n, err);
	else if (stream.release)
		stream.release(&stream);
	if (txn)
		status = end(txn, status, err);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	return status;
}

teg_status past_ask(teg_store *store, teg_error *err)
{
	static struct answers got;

	return answers_read(store, &got, err);
}
