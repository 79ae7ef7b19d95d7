/* What a store is made of: its versions, its files. */
#include <string.h>
#include "engine/store/files.h"
#include "engine/store/keys.h"
#include "engine/store/marker.h"
#include "engine/store/pin.h"
#include "engine/store/version.h"
#include "engine/tegula_unstable.h"

/* ---- versions ---- */

static const char *text_of(struct arena *arena, struct span text)
{
	const char *copy = arena_text(arena, text);

	return copy ? copy : "";
}

static teg_status show_version(struct store_version *version, uint64_t n,
                               bool (*each)(void *, const teg_version_info *), void *ctx,
                               bool *stop_out, teg_error *err)
{
	struct version_record record;
	teg_version_info info;
	struct arena arena;
	teg_status status;

	arena_init(&arena, version->store->alloc, SIZE_MAX);
	status = version_find_record(version, n, &arena, &record, err);
	if (status == TEG_OK) {
		info = (teg_version_info){ .version = n,
			                   .system_time = record.system_time,
			                   .wall_time = record.wall_time,
			                   .writer = text_of(&arena, record.writer),
			                   .library = text_of(&arena, record.library),
			                   .action = text_of(&arena, record.action),
			                   .n_arrays = record.n_arrays,
			                   .n_rows = record.n_rows,
			                   .n_bytes = record.n_bytes,
			                   .metadata = record.metadata,
			                   .n_metadata = record.n_metadata,
			                   .redacted = record.redacted };
		memcpy(info.commit_id, record.commit_id, sizeof info.commit_id);
		*stop_out = !each(ctx, &info);
	}
	arena_release(&arena);
	return status;
}

teg_status teg_walk_versions(teg_snapshot *snapshot, bool (*each)(void *, const teg_version_info *),
                             void *ctx, teg_error *err)
{
	bool stop = false;

	if (!snapshot || !each)
		return teg_fail(err, TEG_MISUSE, "a walk needs a snapshot and a callback");
	for (uint64_t n = snapshot->version->number; n && !stop; n--) {
		teg_error own;
		teg_status status = show_version(snapshot->version, n, each, ctx, &stop, &own);

		if (status != TEG_OK && status != TEG_NOT_FOUND)
			return error_give(err, status, &own);
	}
	return TEG_OK;
}

/* The version that made the array comes last, whether or not it put anything into it. */
static teg_status change_before(const struct teg_array *array, uint64_t n, uint64_t *at_out,
                                teg_error *err)
{
	uint64_t made = array->state.created_version;

	TEG_TRY(version_array_change(array->snapshot->version, array->state.id, n, at_out, err));
	if (*at_out < made)
		*at_out = n >= made ? made : 0;
	return TEG_OK;
}

teg_status teg_walk_array_versions(teg_array *array, bool (*each)(void *, const teg_version_info *),
                                   void *ctx, teg_error *err)
{
	bool stop = false;
	uint64_t n;

	if (!array || !each)
		return teg_fail(err, TEG_MISUSE, "a walk needs an array and a callback");
	TEG_TRY(change_before(array, array->snapshot->version->number, &n, err));
	while (n && !stop) {
		teg_error own;
		teg_status status =
			show_version(array->snapshot->version, n, each, ctx, &stop, &own);

		if (status != TEG_OK && status != TEG_NOT_FOUND)
			return error_give(err, status, &own);
		TEG_TRY(change_before(array, n - 1, &n, err));
	}
	return TEG_OK;
}

/* ---- files ---- */

struct counting {
	struct teg_store *store;
	const char *directory;
	uint64_t n, n_bytes;
};

static int count_file(void *ctx, const char *name)
{
	struct counting *c = ctx;
	char path[OS_PATH_MAX];
	struct os_stat st;
	size_t len = strlen(c->directory), name_len = strlen(name);

	if (len + 1 + name_len >= sizeof path)
		return 0;
	memcpy(path, c->directory, len);
	path[len] = '/';
	memcpy(path + len + 1, name, name_len + 1);
	/* A file may go while it is counted; names of others are none of ours. */
	if (os_stat(c->store->os, path, &st, NULL) != TEG_OK)
		return 0;
	c->n++;
	c->n_bytes += st.size;
	return 0;
}

static teg_status count_files(struct teg_store *store, const char *directory, uint64_t *n_out,
                              uint64_t *n_bytes_out, teg_error *err)
{
	struct counting c = { store, directory, 0, 0 };

	TEG_TRY(os_list(store->os, directory, count_file, &c, err));
	*n_out = c.n;
	if (n_bytes_out)
		*n_bytes_out = c.n_bytes;
	return TEG_OK;
}

teg_status teg_store_get_facts(teg_store *store, teg_store_facts *facts_out, teg_error *err)
{
	struct store_version *version;
	struct marker marker;

	if (!store || !facts_out)
		return teg_fail(err, TEG_MISUSE, "facts need a store and a place to go");
	memset(facts_out, 0, sizeof *facts_out);
	TEG_TRY(marker_read(store->os, store->alloc, &marker, err));
	memcpy(facts_out->store_id, marker.store_id, sizeof facts_out->store_id);
	facts_out->format_major = marker.major;
	facts_out->format_minor = marker.minor;
	facts_out->required_features = marker.required;
	facts_out->optional_features = marker.optional;
	TEG_TRY(version_open_newest(store, &version, err));
	facts_out->version = version_number(version);
	facts_out->n_arrays = version_n_arrays(version);
	version_unref(version);
	TEG_TRY(count_files(store, "manifests", &facts_out->n_manifest_files,
	                    &facts_out->manifest_bytes, err));
	TEG_TRY(count_files(store, "segments", &facts_out->n_segment_files,
	                    &facts_out->segment_bytes, err));
	return count_files(store, "pins", &facts_out->n_pins, NULL, err);
}
