#include "codec/base/checked.h"
#include "engine/schema/schema.h"
#include "engine/store/create.h"
#include "engine/store/files.h"
#include "engine/store/kept_pages.h"
#include "engine/store/page_cache.h"
#include "engine/store/marker.h"
#include "engine/store/options.h"
#include "engine/store/recycle.h"
#include "engine/store/version.h"

#define TEXT_OF(x) #x
#define VERSION_TEXT(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

#define WRITE_BUDGET ((size_t)256 << 20)
#define VALUE_LEN_MAX ((size_t)256 << 20)

const char *teg_version(void)
{
	return VERSION_TEXT(TEG_VERSION_MAJOR, TEG_VERSION_MINOR, TEG_VERSION_PATCH);
}

static teg_status set_options(struct teg_store *store, const teg_store_options *o, teg_error *err)
{
	if (o->writer && *o->writer) {
		TEG_TRY(name_check(o->writer, "writer", err));
		memcpy(store->writer, o->writer, strlen(o->writer) + 1);
	}
	if (o->max_clock_jump_us < 0)
		return teg_fail(err, TEG_MISUSE, "max_clock_jump_us is negative");
	store->read_only = o->read_only;
	store->write_budget = o->write_budget ? o->write_budget : WRITE_BUDGET;
	store->max_value_len = o->max_value_len ? o->max_value_len : VALUE_LEN_MAX;
	store->max_clock_jump_us = o->max_clock_jump_us;
	store->no_auto_compact = o->no_auto_compact;
	store->maps_files = o->map_files;
	return TEG_OK;
}

static teg_status bare_store(const teg_allocator *alloc, struct teg_store **store_out,
                             teg_error *err)
{
	struct recycler *recycler = recycler_new(alloc);
	struct teg_store *store = NULL;

	if (recycler)
		store = mem_zalloc(recycler_allocator(recycler), sizeof *store);
	if (!store) {
		recycler_close(recycler);
		return teg_fail(err, TEG_NOMEM, "no memory for a store");
	}
	atomic_init(&store->refs, 1);
	store->recycler = recycler;
	store->alloc = recycler_allocator(recycler);
	spin_init(&store->lock);
	*store_out = store;
	return TEG_OK;
}

static teg_status store_new(const char *path, const teg_store_options *o,
                            struct teg_store **store_out, teg_error *err)
{
	struct teg_store *store = NULL;
	teg_status status;

	TEG_TRY(bare_store(o->allocator ? o->allocator : teg_allocator_default(), &store, err));
	TEG_DO(set_options(store, o, err));
	store->os = o->os;
	if (!store->os) {
		store->own_os = true;
		TEG_DO(os_posix_new(path, store->alloc, &store->os, err));
	}
	TEG_DO(os_random(store->os, store->writer_id, sizeof store->writer_id, err));
	store->files = files_new(store->os, store->alloc);
	store->pages = page_cache_new(store->alloc);
	TEG_DO(store->files && store->pages ? TEG_OK
	                                    : teg_fail(err, TEG_NOMEM, "no memory for a store"));
	/* Past the recycler, which rounds sizes up: the budget is one of memory. */
	if (o->cache_budget)
		store->kept = kept_pages_new(o->cache_budget,
		                             o->allocator ? o->allocator : teg_allocator_default());
done:
	if (status == TEG_OK)
		*store_out = store;
	else
		store_unref(store);
	return status;
}

static teg_status read_marker(struct teg_store *store, teg_error *err)
{
	struct marker marker;

	TEG_TRY(marker_read(store->os, store->alloc, &marker, err));
	memcpy(store->id, marker.store_id, sizeof store->id);
	return TEG_OK;
}

/* What is wrong with a place that holds no marker. */
static teg_status no_store(struct os *os, enum store_found found, const char *name, teg_error *err)
{
	struct os_stat st;

	if (found == FOUND_OTHER) {
		teg_fail(err, TEG_CORRUPT, "the directory is no store: it holds %s, but no marker",
		         name);
		return error_in_file(err, TEG_CORRUPT, MARKER_PATH);
	}
	if (os_stat(os, "manifests", &st, NULL) != TEG_OK)
		return teg_fail(err, TEG_NOT_FOUND, "there is no store here");
	teg_fail(err, TEG_CORRUPT, "the marker is missing");
	return error_in_file(err, TEG_CORRUPT, MARKER_PATH);
}

/* Another process may have made the store while we tried to. */
static teg_status make(struct teg_store *store, teg_create create, teg_error *err)
{
	char name[64];
	enum store_found found;
	teg_status status = store_make(store, err);

	if (status == TEG_OK || create == TEG_CREATE_NEW)
		return status;
	if (store_look(store->os, &found, name, NULL) == TEG_OK && found == FOUND_STORE)
		return TEG_OK;
	return status;
}

static teg_status find_or_make(struct teg_store *store, teg_create create, teg_error *err)
{
	char name[64];
	enum store_found found;

	TEG_TRY(store_look(store->os, &found, name, err));
	if (create == TEG_CREATE_NEW && found == FOUND_STORE)
		return teg_fail(err, TEG_EXISTS, "there is a store here already");
	if (create == TEG_CREATE_NEW && found == FOUND_OTHER)
		return teg_fail(err, TEG_EXISTS, "the directory is not empty: it holds %s", name);
	if (found == FOUND_STORE)
		return TEG_OK;
	if (create == TEG_CREATE_NO || found == FOUND_OTHER)
		return no_store(store->os, found, name, err);
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "there is no store here, and none may be made");
	return make(store, create, err);
}

/* Where no file of it is at fault, the store itself is. */
static teg_status name_store(const char *path, teg_status status, teg_error *err)
{
	return status == TEG_OK || !path ? status : error_in_file(err, status, path);
}

teg_status store_open_bare(const char *path, const teg_store_options *options,
                           struct teg_store **store_out, teg_error *err)
{
	struct teg_store *store = NULL;
	teg_status status;

	*store_out = NULL;
	if ((!path || !*path) && !options->os)
		return teg_fail(err, TEG_MISUSE, "no path");
	TEG_DO(store_new(path, options, &store, err));
	TEG_DO(find_or_make(store, TEG_CREATE_NO, err));
	TEG_DO(read_marker(store, err));
done:
	if (status == TEG_OK)
		*store_out = store;
	else
		store_unref(store);
	return name_store(path, status, err);
}

teg_status teg_store_open(const char *path, const teg_store_options *options, teg_store **store_out,
                          teg_error *err)
{
	teg_store_options o;
	struct store_version *version;
	struct teg_store *store = NULL;
	teg_error own; /* looking and making go on after much that fails */
	teg_status status;

	if (!store_out)
		return teg_fail(err, TEG_MISUSE, "store_out is NULL");
	*store_out = NULL;
	TEG_TRY(options_take(options, &o, sizeof o, "teg_store_options", err));
	if ((!path || !*path) && !o.os)
		return teg_fail(err, TEG_MISUSE, "no path");
	if (o.create > TEG_CREATE_IF_MISSING)
		return teg_fail(err, TEG_MISUSE, "create is no teg_create");
	TEG_DO(store_new(path, &o, &store, err));
	TEG_DO(error_give(err, find_or_make(store, o.create, &own), &own));
	TEG_DO(read_marker(store, err));
	TEG_DO(version_open_newest(store, &version, err));
	version_unref(version);
done:
	if (status == TEG_OK)
		*store_out = store;
	else
		store_unref(store);
	return name_store(path, status, err);
}

void teg_store_close(teg_store *store)
{
	store_unref(store);
}
