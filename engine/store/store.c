#include "engine/store/store.h"
#include "engine/store/files.h"
#include "engine/store/kept_pages.h"
#include "engine/store/page_cache.h"
#include "engine/store/pin.h"
#include "engine/store/recycle.h"
#include "engine/store/version.h"

void store_ref(struct teg_store *store)
{
	atomic_fetch_add(&store->refs, 1);
}

void store_unref(struct teg_store *store)
{
	struct recycler *recycler;

	if (!store || atomic_fetch_sub(&store->refs, 1) != 1)
		return;
	pin_drop_writer(store);
	version_unref(store->current);
	while (store->n_idle_readers)
		tile_reader_release(&store->idle_readers[--store->n_idle_readers]);
	files_free(store->files);
	page_cache_free(store->pages);
	kept_pages_free(store->kept);
	if (store->own_os)
		os_free(store->os);
	recycler = store->recycler;
	mem_free(store->alloc, store, sizeof *store);
	recycler_close(recycler);
}

teg_status store_file_get(struct teg_store *store, const char *path, struct os_file **file_out,
                          teg_error *err)
{
	return files_get(store->files, path, file_out, err);
}

void store_file_put(struct teg_store *store, struct os_file *file)
{
	files_put(store->files, file);
}

teg_status store_new_id(struct teg_store *store, uint8_t id_out[16], teg_error *err)
{
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened for reading only");
	TEG_TRY(pin_writer(store, err));
	TEG_TRY(os_random(store->os, id_out, 16, err));
	memcpy(id_out, store->writer_id, 8);
	return TEG_OK;
}

void store_flight_begin(struct teg_store *store)
{
	spin_lock(&store->lock);
	store->n_flights++;
	spin_unlock(&store->lock);
}

void store_flight_end(struct teg_store *store)
{
	char path[OS_PATH_MAX];
	struct os_file *pin = NULL;
	uint8_t id[8];
	bool fresh = os_random(store->os, id, sizeof id, NULL) == TEG_OK;

	spin_lock(&store->lock);
	store->n_flights--;
	if (fresh && !store->n_flights && store->pin_is_stale) {
		pin = store->writer_pin;
		memcpy(path, store->writer_pin_path, sizeof path);
		store->writer_pin = NULL;
		store->pin_is_stale = false;
		memcpy(store->writer_id, id, sizeof id);
	}
	spin_unlock(&store->lock);
	if (pin)
		pin_drop(store, path, pin);
}
