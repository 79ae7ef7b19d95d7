/* Tile readers that wait for the next read: their buffers and zstd's state are warm. */
#include <string.h>
#include "engine/store/store.h"

#define STORED_KEPT ((size_t)1 << 20) /* bytes: a larger buffer is not kept */

static bool pop(struct teg_store *store, struct tile_reader *out)
{
	bool found;

	spin_lock(&store->lock);
	found = store->n_idle_readers > 0;
	if (found)
		*out = store->idle_readers[--store->n_idle_readers];
	spin_unlock(&store->lock);
	return found;
}

static bool push(struct teg_store *store, const struct tile_reader *reader)
{
	bool room;

	spin_lock(&store->lock);
	room = store->n_idle_readers < IDLE_READERS;
	if (room)
		store->idle_readers[store->n_idle_readers++] = *reader;
	spin_unlock(&store->lock);
	return room;
}

teg_status store_reader_take(struct teg_store *store, struct tile_reader *reader_out,
                             teg_error *err)
{
	if (!pop(store, reader_out))
		return tile_reader_init(reader_out, store->alloc, err);
	reader_out->reads = reader_out->read_bytes = 0;
	return TEG_OK;
}

void store_reader_give(struct teg_store *store, struct tile_reader *reader)
{
	if (!reader->alloc)
		return;
	tile_reader_let_go(reader);
	if (!reader->scratch || reader->stored.cap > STORED_KEPT ||
	    column_buf_size(&reader->work) > STORED_KEPT || !push(store, reader))
		tile_reader_release(reader);
	memset(reader, 0, sizeof *reader);
}
