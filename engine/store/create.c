#include "engine/store/create.h"
#include "codec/tile/segment.h"
#include "engine/store/compose.h"
#include "engine/store/hex.h"
#include "engine/store/marker.h"
#include "engine/store/publish.h"
#include <stdio.h>

/* ---- looking ---- */

struct look {
	bool marker;
	uint64_t newest; /* the newest version, where there is one beyond the first */
	char other[OS_PATH_MAX];
};

static bool is_ours(const char *name)
{
	return strcmp(name, "manifests") == 0 || strcmp(name, "segments") == 0 ||
	       strcmp(name, "pins") == 0 || strncmp(name, MARKER_PATH ".", 7) == 0;
}

static int look_at(void *ctx, const char *name)
{
	struct look *look = ctx;

	if (strcmp(name, MARKER_PATH) == 0)
		look->marker = true;
	else if (!is_ours(name) && !look->other[0])
		snprintf(look->other, sizeof look->other, "%.60s", name);
	return 0;
}

static int look_at_manifest(void *ctx, const char *name)
{
	struct look *look = ctx;
	uint64_t number;

	if (manifest_number(name, &number) && number > 1 && number > look->newest) {
		look->newest = number;
		manifest_path(number, look->other);
	}
	return 0;
}

static int look_at_segment(void *ctx, const char *name)
{
	struct look *look = ctx;

	snprintf(look->other, sizeof look->other, "segments/%.50s", name);
	return 1;
}

/* What no creation leaves, however early it died: then a store has lost its marker. */
static teg_status look_below(struct os *os, struct look *look, teg_error *err)
{
	teg_status status = os_list(os, "manifests", look_at_manifest, look, err);
	struct os_stat st;

	if (status != TEG_NOT_FOUND)
		TEG_TRY(status);
	if (!look->other[0])
		status = os_list(os, "segments", look_at_segment, look, err);
	if (status != TEG_NOT_FOUND)
		TEG_TRY(status);
	/* Or somebody else has completed a creation, and gone on, since we looked. */
	look->marker = look->other[0] && os_stat(os, MARKER_PATH, &st, NULL) == TEG_OK;
	return TEG_OK;
}

teg_status store_look(struct os *os, enum store_found *found_out, char name_out[64], teg_error *err)
{
	struct look look = { 0 };
	teg_status status = os_list(os, "", look_at, &look, err);

	*found_out = FOUND_NOTHING;
	name_out[0] = 0;
	if (status == TEG_NOT_FOUND)
		return TEG_OK;
	TEG_TRY(status);
	if (!look.marker && !look.other[0])
		TEG_TRY(look_below(os, &look, err));
	if (look.marker)
		*found_out = FOUND_STORE;
	else if (look.other[0])
		*found_out = FOUND_OTHER;
	snprintf(name_out, 64, "%.63s", look.other);
	return TEG_OK;
}

/* ---- making ---- */

static teg_status make_dir(struct teg_store *store, const char *path, teg_error *err)
{
	teg_status status = os_make_dir(store->os, path, err);

	return status == TEG_EXISTS ? TEG_OK : status;
}

static teg_status make_dirs(struct teg_store *store, teg_error *err)
{
	TEG_TRY(make_dir(store, "", err));
	TEG_TRY(make_dir(store, "manifests", err));
	TEG_TRY(make_dir(store, "segments", err));
	TEG_TRY(make_dir(store, "pins", err));
	return os_sync_dir(store->os, "", err);
}

/* The id that version 1 was published with. */
static teg_status read_id(struct teg_store *store, teg_error *err)
{
	uint8_t header[MANIFEST_HEADER_LEN];
	char path[OS_PATH_MAX];
	struct os_file *file;
	teg_status status;

	manifest_path(1, path);
	TEG_TRY(os_open(store->os, path, &file, err));
	status = os_read(store->os, file, path, 0, header, sizeof header, err);
	os_close(store->os, file);
	TEG_TRY(status);
	memcpy(store->id, header + 24, sizeof store->id);
	return manifest_check_header(span_of(header, sizeof header), 1, store->id, err);
}

/* Version 1 is empty: no arrays, only its own record. */
static teg_status publish_first(struct teg_store *store, teg_error *err)
{
	struct commit_request request = { .action = "create" };
	enum publish_outcome outcome;
	struct compose c;
	struct span file;
	teg_status status;

	TEG_TRY(os_random(store->os, store->id, sizeof store->id, err));
	TEG_TRY(os_random(store->os, request.commit_id, sizeof request.commit_id, err));
	compose_init(&c, store, NULL, &request);
	TEG_DO(compose_run(&c, err));
	file = buf_span(&c.out);
	TEG_DO(publish(store, 1, request.commit_id, &file, 1, &outcome, err));
	/* Somebody else is making this store too, or died doing so: it is the same store then. */
	if (outcome == PUBLISH_LOST) {
		TEG_DO(read_id(store, err));
		status = os_sync_dir(store->os, "manifests", err);
	}
done:
	compose_release(&c);
	return status;
}

static teg_status put_marker(struct teg_store *store, teg_error *err)
{
	struct marker marker = { .major = FORMAT_MAJOR, .minor = FORMAT_MINOR };
	uint8_t bytes[MARKER_LEN], id[16];
	char temporary[OS_PATH_MAX], hex[33];
	teg_status status;

	TEG_TRY(os_random(store->os, id, sizeof id, err));
	hex_put(id, sizeof id, hex);
	snprintf(temporary, sizeof temporary, MARKER_PATH ".%s.tmp", hex);
	memcpy(marker.store_id, store->id, sizeof marker.store_id);
	marker_put(&marker, bytes);
	TEG_TRY(os_write_file(store->os, temporary, span_of(bytes, sizeof bytes), err));
	status = os_link(store->os, temporary, MARKER_PATH, err);
	(void)os_unlink(store->os, temporary, NULL);
	if (status != TEG_EXISTS)
		TEG_TRY(status);
	return os_sync_dir(store->os, "", err);
}

teg_status store_make(struct teg_store *store, teg_error *err)
{
	TEG_TRY(make_dirs(store, err));
	TEG_TRY(publish_first(store, err));
	return put_marker(store, err);
}
