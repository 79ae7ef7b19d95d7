/* Vacuum and verify over stores with real segments. */
#include <stdio.h>
#include "engine/tegula_unstable.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

/* `n` rows appended to the table "t", made where it is missing. */
static void append(struct world *w, size_t n, uint64_t seed)
{
	static int64_t v[60000];
	static double x[60000];
	const teg_attribute attributes[] = { attribute_of("v", TEG_INT64),
		                             attribute_of("x", TEG_FLOAT64) };
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, attributes, 2);
	teg_column columns[] = { { .name = "v", .values = v }, { .name = "x", .values = x } };
	struct rng rng = { seed };
	teg_txn *txn;
	teg_status status;

	for (size_t i = 0; i < n; i++) {
		v[i] = (int64_t)rng_u64(&rng) >> 30;
		x[i] = (double)v[i] / 8;
	}
	txn = txn_begin(w->store);
	status = teg_txn_create(txn, "t", &spec, NULL);
	cr_assert(status == TEG_OK || status == TEG_EXISTS);
	OK(teg_txn_put(txn, "t", columns, 2, n, NULL, err));
	txn_commit(txn);
}

static void begin(struct world *w)
{
	world_init(w);
	memory_set_clock(w->os, INT64_C(1700000000000000));
}

static teg_verify_result verify(struct world *w, bool deep)
{
	teg_verify_result result = { .struct_size = sizeof result };

	OK(teg_verify(w->store, deep, NULL, NULL, &result, err));
	return result;
}

static teg_vacuum_result vacuum(struct world *w, int64_t grace_us, bool dry_run)
{
	teg_vacuum_options options = { .struct_size = sizeof options,
		                       .has_grace = true,
		                       .grace_us = grace_us,
		                       .dry_run = dry_run };
	teg_vacuum_result result = { .struct_size = sizeof result };

	OK(teg_vacuum(w->store, &options, &result, err));
	return result;
}

static teg_store_facts facts(struct world *w)
{
	teg_store_facts facts;

	OK(teg_store_get_facts(w->store, &facts, err));
	return facts;
}

static void compact(struct world *w)
{
	OK(teg_compact(w->store, NULL, NULL, err));
}

Test(upkeep, a_sound_store_verifies)
{
	struct world w;
	teg_verify_result result;

	begin(&w);
	append(&w, 0, 1);
	append(&w, 100, 2);
	append(&w, 50000, 3);
	result = verify(&w, true);
	cr_assert_eq(result.damages, 0);
	cr_assert_eq(result.rows, 50100);
	cr_assert_gt(result.tiles, 0);
	cr_assert_gt(result.files, 3);
	compact(&w);
	result = verify(&w, true);
	cr_assert_eq(result.damages, 0);
	cr_assert_eq(result.rows, 50100);
	world_release(&w);
}

/* A box that was deleted is one row, whoever counts. */
Test(upkeep, everybody_counts_the_same_rows)
{
	teg_compact_result merged = { .struct_size = sizeof merged };
	teg_array_info info = { .struct_size = sizeof info };
	teg_range box = int_range(5, 70);
	teg_commit_result result = { .struct_size = sizeof result };
	struct reading at;
	struct world w;
	teg_txn *txn;

	begin(&w);
	append(&w, 100, 1);
	txn = txn_begin(w.store);
	OK(teg_txn_delete_box(txn, "t", &box, NULL, err));
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.n_rows, 1);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(verify(&w, true).rows, 101);
		cr_assert_eq(verify(&w, false).rows, 101);
		reading_open(&at, w.store, "t");
		OK(teg_array_get_info(at.array, &info, err));
		cr_assert_eq(info.n_rows, 101);
		reading_close(&at);
		if (!i)
			OK(teg_compact(w.store, NULL, &merged, err));
	}
	cr_assert_eq(merged.rows_in, 101);
	cr_assert_eq(merged.rows_out, 101);
	world_release(&w);
}

Test(upkeep, vacuum_never_takes_files_of_a_transaction_in_flight)
{
	static int64_t v[60000];
	teg_column columns[] = { { .name = "v", .values = v }, { .name = "x", .values = v } };
	struct world w;
	teg_store *other;
	teg_txn *txn;

	begin(&w);
	append(&w, 10, 1);
	columns[1].type.type = TEG_FLOAT64;
	for (size_t i = 0; i < 60000; i++)
		v[i] = (int64_t)((i * 0x9e3779b97f4a7c15u) >> 20);
	teg_store_close(w.store);
	other = world_handle(&w, (teg_store_options){ .write_budget = 100000,
	                                              .no_auto_compact = true });
	txn = txn_begin(other);
	OK(teg_txn_put(txn, "t", columns, 2, 60000, NULL, err));
	w.store = world_handle(&w, (teg_store_options){ .no_auto_compact = true });
	cr_assert_eq(facts(&w).n_segment_files, 1);
	cr_assert_eq(vacuum(&w, 0, false).files_kept_pinned, 1);
	txn_commit(txn);
	teg_store_close(other);
	vacuum(&w, 0, false);
	cr_assert_eq(verify(&w, true).damages, 0);
	cr_assert_eq(verify(&w, true).rows, 60010);
	world_release(&w);
}

struct last_damage {
	teg_error err;
	int n;
};

static void keep_damage(void *ctx, const teg_error *damage)
{
	struct last_damage *last = ctx;

	last->err = *damage;
	last->n++;
}

struct flip {
	struct world *w;
	struct rng rng;
	size_t n_flips, n_found, n_unnamed;
};

static void flip_in(struct flip *f, const char *path, size_t n)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .allocator = &f->w->mem.alloc,
		                      .no_auto_compact = true,
		                      .os = f->w->os };
	struct os_stat st;

	OK(os_stat(f->w->os, path, &st, err));
	for (size_t i = 0; i < n; i++) {
		uint64_t byte = rng_below(&f->rng, st.size);
		unsigned bit = (unsigned)rng_below(&f->rng, 8);
		struct last_damage last = { .n = 0 };
		teg_error error = { 0 };
		teg_status status;

		cr_assert(memory_flip(f->w->os, path, byte, bit));
		/* A fresh handle: nothing read before the damage helps. */
		teg_store_close(f->w->store);
		f->w->store = NULL;
		status = teg_store_open(NULL, &options, &f->w->store, &error);
		if (status == TEG_OK)
			status = teg_verify(f->w->store, false, keep_damage, &last, NULL, &error);
		f->n_flips++;
		f->n_found += status != TEG_OK || last.n;
		f->n_unnamed += status != TEG_OK ? !error.file[0] : last.n && !last.err.file[0];
		teg_store_close(f->w->store);
		cr_assert(memory_flip(f->w->os, path, byte, bit));
		f->w->store = world_handle(f->w, options);
	}
}

struct names {
	char at[64][64];
	size_t n;
};

static int note_name(void *ctx, const char *name)
{
	struct names *names = ctx;

	if (names->n < 64 && strlen(name) < 64)
		snprintf(names->at[names->n++], 64, "%s", name);
	return 0;
}

Test(upkeep, verify_finds_every_flipped_bit_that_matters_and_names_the_file) /* B4 */
{
	struct world w;
	struct flip flip = { .w = &w, .rng = { 5 } };
	struct names names = { .n = 0 };
	char path[OS_PATH_MAX];

	begin(&w);
	append(&w, 300, 2);
	append(&w, 50000, 3);
	flip_in(&flip, "tegula", 40);
	OK(os_list(w.os, "segments", note_name, &names, err));
	cr_assert_eq(names.n, 1);
	snprintf(path, sizeof path, "segments/%.40s", names.at[0]);
	flip_in(&flip, path, 60);
	cr_assert_eq(flip.n_found, flip.n_flips, "%zu of %zu", flip.n_found, flip.n_flips);
	/* The newest manifest: only what it no longer shares with anything is not referred to. */
	snprintf(path, sizeof path, "manifests/%020d", 3);
	flip_in(&flip, path, 100);
	cr_assert_eq(flip.n_found, flip.n_flips, "%zu of %zu", flip.n_found, flip.n_flips);
	cr_assert_eq(flip.n_unnamed, 0);
	world_release(&w);
}

Test(upkeep, vacuum_removes_what_nothing_needs_and_nothing_else)
{
	struct world w;
	teg_vacuum_result result;

	begin(&w);
	append(&w, 50000, 1);
	append(&w, 50000, 2);
	compact(&w);
	cr_assert_eq(facts(&w).n_segment_files, 3);
	/* Within the grace the few versions before the newest stay whole. */
	result = vacuum(&w, INT64_C(3600000000), false);
	cr_assert_eq(result.files_removed, 0);
	cr_assert_eq(facts(&w).n_segment_files, 3);
	result = vacuum(&w, 0, true);
	cr_assert_geq(result.files_removed, 2);
	cr_assert_eq(facts(&w).n_segment_files, 3, "a dry run removes nothing");
	result = vacuum(&w, 0, false);
	cr_assert_eq(facts(&w).n_segment_files, 1);
	cr_assert_gt(result.bytes_removed, 100000);
	cr_assert_eq(verify(&w, true).damages, 0);
	result = vacuum(&w, 0, false);
	cr_assert_eq(result.files_removed, 0, "once is enough");
	world_release(&w);
}

Test(upkeep, vacuum_keeps_what_an_open_snapshot_reads)
{
	struct world w;
	teg_snapshot *snapshot;
	teg_array *array;
	uint64_t n;

	begin(&w);
	append(&w, 50000, 1);
	append(&w, 50000, 2);
	OK(teg_snapshot_open(w.store, &snapshot, err));
	compact(&w);
	append(&w, 10, 3);
	vacuum(&w, 0, false);
	OK(teg_array_open(snapshot, "t", &array, err));
	OK(teg_count_live(array, NULL, &n, err));
	cr_assert_eq(n, 100000);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	vacuum(&w, 0, false);
	cr_assert_eq(facts(&w).n_segment_files, 1);
	cr_assert_leq(facts(&w).n_pins, 1, "the writer's own");
	cr_assert_eq(verify(&w, true).damages, 0);
	world_release(&w);
}

static bool count_version(void *ctx, const teg_version_info *info)
{
	uint64_t *last = ctx;

	cr_assert(!*last || info->version == *last - 1, "newest first, none left out");
	cr_assert_str_eq(info->library, teg_version());
	*last = info->version;
	return true;
}

Test(upkeep, history_keeps_every_version_however_old)
{
	struct world w;
	teg_snapshot *snapshot;
	uint64_t last = 0;

	begin(&w);
	for (int i = 0; i < 60; i++)
		append(&w, 3, (uint64_t)i);
	OK(teg_snapshot_open(w.store, &snapshot, err));
	OK(teg_walk_versions(snapshot, count_version, &last, err));
	cr_assert_eq(last, 1);
	teg_snapshot_close(snapshot);
	cr_assert_leq(facts(&w).n_manifest_files, 16);
	world_release(&w);
}
