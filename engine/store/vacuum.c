/* Vacuum: deletes what no version kept, no pin and no commit in flight needs.
 *
 * Segment files are marked from the newest version and from every version that a live pin holds, and
 * swept by name; manifests go by their own table (sweep.h). The order makes it safe beside others:
 * list the files, mark the newest version, look at the pins, and look whether that version still is
 * the newest; again where it is not. A listed file of a commit in flight is protected by its writer's
 * pin, which is older than the file; where that pin has gone before it was looked at, the commit was
 * published before, and the file is referred to. A reader that pins later sees the newest version or
 * one after it. format-spec/manifest.md, VAC-1 to VAC-4. */
#include <stdlib.h>
#include <string.h>
#include "codec/base/sort.h"
#include "engine/store/hex.h"
#include "engine/store/keys.h"
#include "engine/store/options.h"
#include "engine/store/pin.h"
#include "engine/store/sweep.h"
#include "engine/store/version.h"

#define SETTLE_TRIES 50
#define GRACE_US (24 * INT64_C(3600000000))

struct names {
	uint8_t (*at)[16];
	size_t n, cap;
	const teg_allocator *alloc;
};

static bool add_name(struct names *names, const uint8_t id[16])
{
	void *block = names->at;

	if (!mem_grow(names->alloc, &block, &names->cap, names->n + 1, sizeof *names->at))
		return false;
	names->at = block;
	memcpy(names->at[names->n++], id, sizeof *names->at);
	return true;
}

static void free_names(struct names *names)
{
	mem_free(names->alloc, names->at, names->cap * sizeof *names->at);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static bool swapped(const void *ctx, const void *a, const void *b)
{
	(void)ctx;
	return by_bytes(a, b) > 0;
}

struct vacuum {
	struct teg_store *store;
	int64_t grace_us, now_us;
	bool dry_run, failed;
	bool lost;       /* manifests that a recovery gave up go as well */
	sweep_each each; /* told before a file goes; NULL: nobody */
	void *ctx;
	const struct poll *poll;
	struct names listed, needed;
	struct pins pins;
	teg_vacuum_result result;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to vacuum");
}

/* ---- mark ---- */

static int note_file(void *ctx, const char *name)
{
	struct vacuum *v = ctx;
	uint8_t id[16];

	if (strlen(name) == 32 && hex_parse(name, sizeof id, id) && !add_name(&v->listed, id))
		v->failed = true;
	return v->failed;
}

static teg_status mark_entry(struct vacuum *v, struct page_entry entry, teg_error *err)
{
	struct arena scratch;
	struct segment_ref ref;
	uint32_t n_dims;
	teg_status status;

	TEG_TRY(poll_ask(v->poll, err));
	arena_init(&scratch, v->store->alloc, SIZE_MAX);
	status = record_segment_dims(entry.value, &scratch, &n_dims, err);
	if (status == TEG_OK)
		status = record_parse_segment(entry.key, entry.value, n_dims, &scratch, &scratch,
		                              &ref, err);
	if (status == TEG_OK && !ref.inlined && !add_name(&v->needed, ref.object))
		status = no_memory(err);
	arena_release(&scratch);
	return status;
}

/* Every segment file that the version refers to. */
static teg_status mark_version(struct vacuum *v, struct store_version *version, teg_error *err)
{
	struct key all = key_of_kind(KEY_SEGMENT);
	struct cursor c;
	teg_status status;

	cursor_init(&c, &version->source, &version->head.root);
	status = cursor_seek(&c, key_span(&all), err);
	while (status == TEG_OK && c.valid && key_is_prefix(&all, cursor_entry(&c).key)) {
		status = mark_entry(v, cursor_entry(&c), err);
		if (status == TEG_OK)
			status = cursor_next(&c, err);
	}
	cursor_release(&c);
	return status;
}

/* A pinned version may have lost its manifest to an earlier vacuum: its reader is told then. */
static teg_status mark_pinned(struct vacuum *v, teg_error *err)
{
	for (size_t i = 0; i < v->pins.n_readers; i++) {
		struct store_version *version;
		teg_status status = version_open(v->store, v->pins.readers[i], &version, err);

		if (status == TEG_NOT_FOUND)
			continue;
		TEG_TRY(status);
		status = mark_version(v, version, err);
		version_unref(version);
		TEG_TRY(status);
	}
	return TEG_OK;
}

/* ---- sweep ---- */

static bool is_needed(const struct vacuum *v, const uint8_t id[16])
{
	return v->needed.n && bsearch(id, v->needed.at, v->needed.n, 16, by_bytes);
}

static teg_status remove_path(struct vacuum *v, const char *path, teg_error *err)
{
	struct os_stat st;
	teg_status status;

	TEG_TRY(poll_ask(v->poll, err));
	status = os_stat(v->store->os, path, &st, err);
	if (status == TEG_NOT_FOUND)
		return TEG_OK;
	TEG_TRY(status);
	if (v->grace_us && st.mtime_us > v->now_us - v->grace_us) {
		v->result.files_kept_young++;
		return TEG_OK;
	}
	if (v->each && !v->dry_run)
		TEG_TRY(v->each(v->ctx, path, st.size, err));
	status = v->dry_run ? TEG_OK : os_unlink(v->store->os, path, err);
	if (status == TEG_NOT_FOUND) /* another vacuum was faster */
		return TEG_OK;
	TEG_TRY(status);
	v->result.files_removed++;
	v->result.bytes_removed += st.size;
	return TEG_OK;
}

static teg_status remove_file(struct vacuum *v, const uint8_t id[16], teg_error *err)
{
	struct segment_ref ref = { .inlined = false };
	char path[OS_PATH_MAX];

	memcpy(ref.object, id, sizeof ref.object);
	segment_path(&ref, path);
	return remove_path(v, path, err);
}

static teg_status sweep_files(struct vacuum *v, teg_error *err)
{
	if (!sort_array(v->store->alloc, v->needed.at, v->needed.n, 16, swapped, NULL))
		return no_memory(err);
	for (size_t i = 0; i < v->listed.n; i++) {
		if (is_needed(v, v->listed.at[i]))
			continue;
		if (pins_hold_file(&v->pins, v->listed.at[i])) {
			v->result.files_kept_pinned++;
			continue;
		}
		TEG_TRY(remove_file(v, v->listed.at[i], err));
	}
	return TEG_OK;
}

/* ---- what a dead writer or a recovery left behind in manifests/ ---- */

#define TEMPORARY ".tmp"
#define LOST ".lost"

struct leftovers {
	struct vacuum *v;
	teg_status status;
	teg_error *err;
};

/* <prefix><32 hex>.tmp, the hex naming the writer as a segment's name does. */
static bool is_temporary(const char *name, uint8_t id[16])
{
	size_t len = strlen(name), tail = strlen(TEMPORARY);

	return len >= 32 + tail && len < 64 && strcmp(name + len - tail, TEMPORARY) == 0 &&
	       hex_parse(name + len - tail - 32, 16, id);
}

/* 00000000000000000007.lost */
static bool is_lost(const char *name)
{
	size_t len = strlen(name), tail = strlen(LOST);
	char stem[OS_PATH_MAX];
	uint64_t number;

	if (len <= tail || len >= sizeof stem || strcmp(name + len - tail, LOST) != 0)
		return false;
	memcpy(stem, name, len - tail);
	stem[len - tail] = 0;
	return manifest_number(stem, &number);
}

static teg_status remove_leftover(struct vacuum *v, const char *name, teg_error *err)
{
	char path[OS_PATH_MAX] = "manifests/";

	strncat(path, name, sizeof path - strlen(path) - 1);
	return remove_path(v, path, err);
}

static int each_leftover(void *ctx, const char *name)
{
	struct leftovers *l = ctx;
	uint8_t id[16];

	if (!is_temporary(name, id)) {
		if (l->v->lost && is_lost(name))
			l->status = remove_leftover(l->v, name, l->err);
	} else if (pins_hold_file(&l->v->pins, id)) {
		l->v->result.files_kept_pinned++;
	} else {
		l->status = remove_leftover(l->v, name, l->err);
	}
	return l->status != TEG_OK;
}

static teg_status sweep_leftovers(struct vacuum *v, teg_error *err)
{
	struct leftovers l = { v, TEG_OK, err };

	TEG_TRY(os_list(v->store->os, "manifests", each_leftover, &l, err));
	return l.status;
}

/* ---- the whole ---- */

static teg_status mark_newest(struct vacuum *v, struct store_version **newest_out, teg_error *err)
{
	teg_status status;

	TEG_TRY(version_open_newest(v->store, newest_out, err));
	status = mark_version(v, *newest_out, err);
	if (status != TEG_OK) {
		version_unref(*newest_out);
		*newest_out = NULL;
	}
	return status;
}

/* The newest version and the pins, with no commit between: else a segment could come with one commit,
 * be pinned, and go with the next, all unseen. */
static teg_status mark_all(struct vacuum *v, struct store_version **newest_out, teg_error *err)
{
	for (int i = 0; i < SETTLE_TRIES; i++) {
		uint64_t after;
		teg_status status = mark_newest(v, newest_out, err);

		if (status == TEG_SNAPSHOT_EXPIRED) /* others are that fast */
			continue;
		TEG_TRY(status);
		if (v->pins.alloc)
			pins_release(&v->pins);
		TEG_TRY(pins_look(v->store, !v->dry_run, &v->pins, err));
		TEG_TRY(version_newest_number(v->store, &after, err));
		if (after == version_number(*newest_out))
			return mark_pinned(v, err);
		version_unref(*newest_out);
		*newest_out = NULL;
	}
	return teg_fail(err, TEG_CONFLICT,
	                "commits come too fast to vacuum between them; try again");
}

static teg_status sweep_all(struct vacuum *v, struct store_version *newest, teg_error *err)
{
	struct sweep_options options = { .all = !v->grace_us,
		                         .dry_run = v->dry_run,
		                         .count = true,
		                         .each = v->each,
		                         .ctx = v->ctx };
	struct sweep_result manifests;

	/* A pin in the making may be of any version up to the newest: keep everything this time. */
	if (v->pins.unknown) {
		v->result.files_kept_pinned = v->listed.n + 1; /* manifests count as one */
		return TEG_OK;
	}
	TEG_TRY(sweep_files(v, err));
	TEG_TRY(sweep_leftovers(v, err));
	TEG_TRY(sweep_manifests(newest, &options, &manifests, err));
	v->result.manifests_removed = manifests.n_removed;
	v->result.files_removed += manifests.n_removed;
	v->result.bytes_removed += manifests.n_bytes;
	v->result.files_kept_pinned += manifests.n_pinned;
	return TEG_OK;
}

/* What is said to be removed stays so when the power goes: erasures are proven by it. */
static teg_status sync_removals(struct vacuum *v, teg_error *err)
{
	teg_status status;

	if (v->dry_run || !v->result.files_removed)
		return TEG_OK;
	status = os_sync_dir(v->store->os, "segments", err);
	if (status != TEG_NOT_FOUND)
		TEG_TRY(status);
	return os_sync_dir(v->store->os, "manifests", err);
}

static teg_status run(struct vacuum *v, teg_error *err)
{
	struct store_version *newest = NULL;
	teg_status status = os_list(v->store->os, "segments", note_file, v, err);

	/* Copies of a store may come without its empty directories. */
	if (status != TEG_NOT_FOUND)
		TEG_TRY(status);
	if (v->failed)
		return no_memory(err);
	status = mark_all(v, &newest, err);
	if (status == TEG_OK)
		status = sweep_all(v, newest, err);
	if (status == TEG_OK)
		status = sync_removals(v, err);
	version_unref(newest);
	return status;
}

static teg_status vacuum(struct vacuum *v, teg_error *err)
{
	teg_error own; /* others may take a file away first, which is no failure */
	teg_status status;

	v->now_us = os_clock_us(v->store->os);
	v->listed.alloc = v->needed.alloc = v->store->alloc;
	status = error_give(err, run(v, &own), &own);
	free_names(&v->listed);
	free_names(&v->needed);
	if (v->pins.alloc)
		pins_release(&v->pins);
	return status;
}

teg_status vacuum_now(struct teg_store *store, sweep_each each, void *ctx, const struct poll *poll,
                      teg_vacuum_result *result_out, teg_error *err)
{
	struct vacuum v = { .store = store, .lost = true, .each = each, .ctx = ctx, .poll = poll };

	TEG_TRY(vacuum(&v, err));
	*result_out = v.result;
	return TEG_OK;
}

teg_status teg_vacuum(teg_store *store, const teg_vacuum_options *options,
                      teg_vacuum_result *result_out, teg_error *err)
{
	teg_vacuum_options known;
	struct vacuum v = { .store = store };

	if (!store)
		return teg_fail(err, TEG_MISUSE, "teg_vacuum needs a store");
	TEG_TRY(options_take(options, &known, sizeof known, "teg_vacuum_options", err));
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened to be read only");
	v.grace_us = known.has_grace ? known.grace_us : GRACE_US;
	if (v.grace_us < 0)
		return teg_fail(err, TEG_MISUSE, "a grace period cannot be negative");
	v.dry_run = known.dry_run;
	TEG_TRY(vacuum(&v, err));
	options_give(result_out, &v.result, sizeof v.result);
	return TEG_OK;
}
