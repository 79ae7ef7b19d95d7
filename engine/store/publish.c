#include "engine/store/publish.h"
#include "engine/store/hex.h"
#include "engine/store/version.h"
#include <stdio.h>

/* Names of temporary files begin with the writer's id, which its pin protects. */
static teg_status temporary_path(struct teg_store *store, const char *prefix,
                                 char path_out[OS_PATH_MAX], teg_error *err)
{
	uint8_t id[16];
	char hex[33];

	TEG_TRY(store_new_id(store, id, err));
	hex_put(id, sizeof id, hex);
	snprintf(path_out, OS_PATH_MAX, "%s%s.tmp", prefix, hex);
	return TEG_OK;
}

static teg_status write_parts(struct teg_store *store, const char *path, const struct span *parts,
                              size_t n_parts, teg_error *err)
{
	struct os_file *file;
	teg_status status = TEG_OK;

	TEG_TRY(os_create(store->os, path, &file, err));
	for (size_t i = 0; i < n_parts && status == TEG_OK; i++)
		if (parts[i].len)
			status = os_write(store->os, file, path, parts[i], err);
	if (status == TEG_OK)
		status = os_sync(store->os, file, path, err);
	if (status == TEG_OK)
		return os_close_written(store->os, file, path, err);
	os_close(store->os, file);
	return status;
}

static teg_status unknown(struct teg_store *store, uint64_t number, const char *why, teg_error *err)
{
	atomic_store(&store->poisoned, true);
	return teg_fail(err, TEG_COMMIT_UNKNOWN,
	                "version %llu may or may not be durable: %s; open the store anew and look",
	                (unsigned long long)number, why);
}

enum owner {
	OWNER_NOBODY, /* no such manifest */
	OWNER_US,
	OWNER_OTHER
};

/* Whose commit has that number? Read from the file itself, past every cache. */
static teg_status owner_of(struct teg_store *store, uint64_t number, const uint8_t commit_id[16],
                           enum owner *owner_out, teg_error *err)
{
	char path[OS_PATH_MAX];
	struct manifest_head head;
	struct os_file *file;
	struct arena arena;
	uint8_t id[16];
	teg_status status;

	manifest_path(number, path);
	status = os_open(store->os, path, &file, err);
	if (status == TEG_NOT_FOUND) {
		*owner_out = OWNER_NOBODY;
		return TEG_OK;
	}
	TEG_TRY(status);
	arena_init(&arena, store->alloc, 2 * MANIFEST_HEAD_MAX);
	/* While a store is made, version 1 may be there under another's id. */
	status = os_read(store->os, file, path, 24, id, sizeof id, err);
	if (status == TEG_OK)
		status = manifest_read(store->os, file, number, id, &arena, &head, err);
	if (status == TEG_OK)
		*owner_out = memcmp(head.record.commit_id, commit_id, 16) ? OWNER_OTHER : OWNER_US;
	arena_release(&arena);
	os_close(store->os, file);
	return status;
}

/* A name that exists already may be our own: the answer to an earlier link can have been lost. */
static teg_status link_once(struct teg_store *store, const char *from, uint64_t number,
                            const uint8_t commit_id[16], enum publish_outcome *outcome_out,
                            teg_error *err)
{
	char path[OS_PATH_MAX];
	enum owner owner;
	teg_error why = { 0 };
	teg_status status;

	manifest_path(number, path);
	status = os_link(store->os, from, path, &why);
	*outcome_out = PUBLISHED;
	if (status == TEG_OK)
		return TEG_OK;
	if (owner_of(store, number, commit_id, &owner, NULL) != TEG_OK)
		return unknown(store, number, "the answer to its link was lost", err);
	if (owner == OWNER_US)
		return TEG_OK;
	*outcome_out = PUBLISH_LOST;
	/* The temporary is gone: somebody swept it away. As good as a lost race. */
	if (owner == OWNER_OTHER || status == TEG_EXISTS || status == TEG_NOT_FOUND)
		return TEG_OK;
	if (err)
		*err = why;
	return status;
}

/* Whether the newest version's log has ours under its number. */
static teg_status find_in_chain(struct teg_store *store, uint64_t number,
                                const uint8_t commit_id[16], bool *found_out, teg_error *err)
{
	struct store_version *newest;
	struct version_record record;
	struct arena arena;
	teg_status status;

	TEG_TRY(version_open_newest(store, &newest, err));
	arena_init(&arena, store->alloc, 1u << 30);
	status = version_find_record(newest, number, &arena, &record, err);
	*found_out = status == TEG_OK && memcmp(record.commit_id, commit_id, 16) == 0;
	arena_release(&arena);
	version_unref(newest);
	return status == TEG_NOT_FOUND ? TEG_OK : status;
}

/* Our base may have been removed while we slept, and with it the name that we then took: a version
 * outside the chain, which nobody will ever read. */
static teg_status check_chain(struct teg_store *store, uint64_t number, const uint8_t commit_id[16],
                              enum publish_outcome *outcome_out, teg_error *err)
{
	char path[OS_PATH_MAX];
	uint64_t last;
	bool found;
	teg_status status;

	TEG_TRY(manifests_last(store->os, &last, err));
	if (last <= number)
		return TEG_OK;
	do /* the newest may be old, and vacuumed, before we have read in it */
		status = find_in_chain(store, number, commit_id, &found, err);
	while (status == TEG_SNAPSHOT_EXPIRED);
	if (status == TEG_OK && !found) {
		manifest_path(number, path);
		(void)os_unlink(store->os, path, NULL);
		*outcome_out = PUBLISH_LOST;
	}
	return status;
}

static teg_status publish_file(struct teg_store *store, const char *temporary, uint64_t number,
                               const uint8_t commit_id[16], enum publish_outcome *outcome_out,
                               teg_error *err)
{
	TEG_TRY(link_once(store, temporary, number, commit_id, outcome_out, err));
	if (*outcome_out != PUBLISHED)
		return TEG_OK;
	if (os_sync_dir(store->os, "manifests", NULL) != TEG_OK)
		return unknown(store, number, "its directory could not be synced", err);
	if (check_chain(store, number, commit_id, outcome_out, NULL) != TEG_OK)
		return unknown(store, number, "newer versions could not be read", err);
	return TEG_OK;
}

teg_status publish(struct teg_store *store, uint64_t number, const uint8_t commit_id[16],
                   const struct span *parts, size_t n_parts, enum publish_outcome *outcome_out,
                   teg_error *err)
{
	char temporary[OS_PATH_MAX];
	teg_status status;

	TEG_TRY(temporary_path(store, "manifests/", temporary, err));
	status = write_parts(store, temporary, parts, n_parts, err);
	if (status == TEG_OK)
		status = publish_file(store, temporary, number, commit_id, outcome_out, err);
	(void)os_unlink(store->os, temporary, NULL);
	return status;
}

/* A file of one line, in the place of whatever is there. */
static void begin_hint(struct teg_store *store, struct span line)
{
	char temporary[OS_PATH_MAX];
	struct os_file *file;
	teg_status status;

	if (temporary_path(store, "manifests/", temporary, NULL) != TEG_OK ||
	    os_create(store->os, temporary, &file, NULL) != TEG_OK)
		return;
	status = os_write(store->os, file, temporary, line, NULL);
	os_close(store->os, file);
	if (status == TEG_OK)
		status = os_rename(store->os, temporary, HINT_PATH, NULL);
	if (status != TEG_OK)
		(void)os_unlink(store->os, temporary, NULL);
}

/* A line more costs next to nothing where a new name costs as much as a commit's other steps. */
void publish_hint(struct teg_store *store, uint64_t number)
{
	char text[HINT_LEN + 1];
	struct span line = span_of(text, HINT_LEN);
	struct os_file *file;
	bool done;

	hint_put(number, text);
	if (number % HINT_LINES_MAX != 0 &&
	    os_open_writable(store->os, HINT_PATH, &file, NULL) == TEG_OK) {
		done = os_write(store->os, file, HINT_PATH, line, NULL) == TEG_OK;
		os_close(store->os, file);
		if (done)
			return;
	}
	begin_hint(store, line);
}
