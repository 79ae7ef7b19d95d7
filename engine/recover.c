/* Going back to the newest version that is intact: the manifests behind it get other names, so that
 * nobody reads them and nothing is destroyed. Only an explicit call does this; opening never does. */
#include <stdio.h>
#include <string.h>
#include "codec/base/sort.h"
#include "engine/store/create.h"
#include "engine/store/marker.h"
#include "engine/store/options.h"
#include "engine/store/version.h"

struct recovery {
	struct teg_store *store;
	teg_recover_options options;
	uint64_t *numbers; /* of the manifests there are, newest first */
	size_t n, cap;
	bool failed;        /* no memory for the list */
	teg_error *damages; /* why each of the first n_lost is none */
	size_t n_lost;
};

static void note(void *ctx, uint64_t number)
{
	struct recovery *r = ctx;
	void *block = r->numbers;

	r->failed = r->failed ||
	            !mem_grow(r->store->alloc, &block, &r->cap, r->n + 1, sizeof number);
	r->numbers = block;
	if (!r->failed)
		r->numbers[r->n++] = number;
}

static bool is_older(const void *ctx, const void *a, const void *b)
{
	return sort_u64_swapped(ctx, b, a);
}

static teg_status list(struct recovery *r, teg_error *err)
{
	TEG_TRY(manifests_list(r->store->os, note, r, err));
	r->damages = mem_array(r->store->alloc, r->n + 1, sizeof *r->damages);
	if (r->failed || !r->damages ||
	    !sort_array(r->store->alloc, r->numbers, r->n, sizeof *r->numbers, is_older, NULL))
		return teg_fail(err, TEG_NOMEM, "no memory for the list of manifests");
	return TEG_OK;
}

/* ---- whether a version is intact ---- */

/* Opening a segment reads both of its ends, and finds out whether it is there at its length. What
 * lies between is teg_verify's to look at: an older version would not have it any better. */
static teg_status check_segments(struct store_version *version, const char *name, teg_error *err)
{
	struct teg_array *array;
	struct segment *segment;
	teg_status status;

	TEG_TRY(array_of_version(version, name, &array, err));
	status = TEG_OK;
	for (uint32_t i = 0; i < array->state.n_segments && status == TEG_OK; i++)
		status = array_segment(array, i, &segment, err);
	array_unref(array);
	return status;
}

static teg_status check_arrays(struct store_version *version, teg_error *err)
{
	char name[256], after[256];
	teg_status status = version_next_array(version, NULL, name, err);

	while (status == TEG_OK) {
		TEG_TRY(check_segments(version, name, err));
		memcpy(after, name, sizeof after);
		status = version_next_array(version, after, name, err);
	}
	return status == TEG_END ? TEG_OK : status;
}

static teg_status check_version(struct teg_store *store, uint64_t number, teg_error *err)
{
	struct store_version *version;
	teg_status status;

	TEG_TRY(version_open(store, number, &version, err));
	status = version_read_catalog(version, err);
	if (status == TEG_OK)
		status = check_arrays(version, err);
	version_unref(version);
	return status;
}

static bool is_damage(teg_status status)
{
	return status == TEG_CORRUPT || status == TEG_NOT_FOUND || status == TEG_SNAPSHOT_EXPIRED;
}

/* Counts the versions to be given up. */
static teg_status find_intact(struct recovery *r, teg_error *err)
{
	for (; r->n_lost < r->n; r->n_lost++) {
		teg_error *own = &r->damages[r->n_lost];
		teg_status status = check_version(r->store, r->numbers[r->n_lost], own);

		if (!is_damage(status))
			return error_give(err, status, own);
	}
	return teg_fail(err, TEG_CORRUPT, "no version of the store is intact");
}

/* ---- giving up ---- */

/* What the version had added, as far as its own head can be read. */
static void tell(struct recovery *r, size_t i)
{
	teg_lost_version lost = { .version = r->numbers[i], .damage = &r->damages[i] };
	struct store_version *version = NULL;

	if (!r->options.each)
		return;
	if (version_open(r->store, r->numbers[i], &version, NULL) == TEG_OK) {
		const struct version_record *record = &version->head.record;

		lost.action = arena_text(&version->arena, record->action);
		lost.system_time = record->system_time;
		lost.n_arrays = record->n_arrays;
		lost.n_rows = record->n_rows;
	}
	r->options.each(r->options.each_ctx, &lost);
	if (version)
		version_unref(version);
}

static teg_status give_up(struct recovery *r, size_t i, teg_error *err)
{
	char from[OS_PATH_MAX], to[OS_PATH_MAX];

	manifest_path(r->numbers[i], from);
	snprintf(to, sizeof to, "%.*s.lost", (int)(sizeof to - 8), from);
	return os_rename(r->store->os, from, to, err);
}

/* Newest first: whoever stops on the way leaves a store that still says that it is damaged, since the
 * hint goes last. */
static teg_status go_back(struct recovery *r, teg_error *err)
{
	teg_status status;

	for (size_t i = 0; i < r->n_lost; i++)
		tell(r, i);
	if (r->options.dry_run)
		return TEG_OK;
	for (size_t i = 0; i < r->n_lost; i++)
		TEG_TRY(give_up(r, i, err));
	TEG_TRY(os_sync_dir(r->store->os, "manifests", err));
	status = os_unlink(r->store->os, HINT_PATH, err);
	if (status != TEG_OK && status != TEG_NOT_FOUND)
		return status;
	return os_sync_dir(r->store->os, "manifests", err);
}

/* Nothing is damaged where the newest version is intact and the hint knows of none behind it. */
static bool is_settled(const struct recovery *r)
{
	uint64_t newest;

	return !r->n_lost && version_newest_number(r->store, &newest, NULL) == TEG_OK;
}

static teg_status run(struct recovery *r, teg_recover_result *result, teg_error *err)
{
	TEG_TRY(list(r, err));
	TEG_TRY(find_intact(r, err));
	result->version = r->numbers[r->n_lost];
	result->versions_lost = r->n_lost;
	return is_settled(r) ? TEG_OK : go_back(r, err);
}

teg_status teg_recover(const char *path, const teg_recover_options *options,
                       teg_recover_result *result_out, teg_error *err)
{
	teg_recover_result result = { .struct_size = sizeof result };
	struct recovery r = { .n = 0 };
	teg_store_options open = { .struct_size = sizeof open };
	const teg_allocator *alloc;
	teg_status status;

	TEG_TRY(options_take(options, &r.options, sizeof r.options, "teg_recover_options", err));
	open.allocator = r.options.allocator;
	open.os = r.options.os;
	TEG_TRY(store_open_bare(path, &open, &r.store, err));
	alloc = r.store->alloc;
	status = run(&r, &result, err);
	mem_free(alloc, r.damages, (r.n + 1) * sizeof *r.damages);
	mem_free(alloc, r.numbers, r.cap * sizeof *r.numbers);
	store_unref(r.store);
	if (status != TEG_OK)
		return path ? error_in_file(err, status, path) : status;
	options_give(result_out, &result, sizeof result);
	return TEG_OK;
}
