#include "engine/schema/schema.h"
#include "engine/store/keys.h"
#include "engine/store/pin.h"
#include "engine/store/version.h"

void snapshot_ref(struct teg_snapshot *snapshot)
{
	atomic_fetch_add(&snapshot->refs, 1);
}

void snapshot_unref(struct teg_snapshot *snapshot)
{
	struct teg_store *store;

	if (!snapshot || atomic_fetch_sub(&snapshot->refs, 1) != 1)
		return;
	store = version_store(snapshot->version);
	pin_drop(store, snapshot->pin_path, snapshot->pin);
	version_unref(snapshot->version);
	mem_free(store->alloc, snapshot, sizeof *snapshot);
	store_unref(store);
}

teg_status snapshot_of_version(struct store_version *version, struct teg_snapshot **snapshot_out,
                               teg_error *err)
{
	struct teg_store *store = version_store(version);
	struct teg_snapshot *snapshot = mem_zalloc(store->alloc, sizeof *snapshot);

	if (!snapshot)
		return teg_fail(err, TEG_NOMEM, "no memory for a snapshot");
	atomic_init(&snapshot->refs, 1);
	version_ref(version);
	store_ref(store);
	snapshot->version = version;
	*snapshot_out = snapshot;
	return TEG_OK;
}

/* A store that cannot be written is read without a pin. */
static bool goes_without(teg_status status)
{
	return status == TEG_READ_ONLY || status == TEG_IO;
}

/* First the locked pin, then a look at which version is newest: whoever removes files looks the
 * other way round, so nothing of that version is gone or will go. */
static teg_status open_pinned(struct teg_store *store, struct teg_snapshot *pin,
                              struct store_version **version_out, teg_error *err)
{
	teg_status status = TEG_READ_ONLY;
	teg_error own;

	if (!store->read_only)
		status = pin_make(store, NULL, pin->pin_path, &pin->pin, &own);
	if (status != TEG_OK && !goes_without(status))
		return error_give(err, status, &own);
	TEG_TRY(version_open_newest(store, version_out, err));
	if (!pin->pin)
		return TEG_OK;
	status = pin_state(store, pin->pin_path, pin->pin, (*version_out)->number, &own);
	if (goes_without(status)) {
		pin_drop(store, pin->pin_path, pin->pin);
		pin->pin = NULL;
		return TEG_OK;
	}
	if (status != TEG_OK)
		version_unref(*version_out);
	return error_give(err, status, &own);
}

teg_status teg_snapshot_open(teg_store *store, teg_snapshot **snapshot_out, teg_error *err)
{
	struct teg_snapshot pin = { 0 };
	struct store_version *version;
	teg_status status;

	if (!snapshot_out)
		return teg_fail(err, TEG_MISUSE, "snapshot_out is NULL");
	*snapshot_out = NULL;
	if (!store)
		return teg_fail(err, TEG_MISUSE, "no store");
	status = open_pinned(store, &pin, &version, err);
	if (status == TEG_OK) {
		status = snapshot_of_version(version, snapshot_out, err);
		version_unref(version);
	}
	if (status != TEG_OK) {
		pin_drop(store, pin.pin_path, pin.pin);
		return status;
	}
	(*snapshot_out)->pin = pin.pin;
	memcpy((*snapshot_out)->pin_path, pin.pin_path, sizeof pin.pin_path);
	return TEG_OK;
}

void teg_snapshot_close(teg_snapshot *snapshot)
{
	snapshot_unref(snapshot);
}

uint64_t teg_snapshot_version(const teg_snapshot *snapshot)
{
	return version_number(snapshot->version);
}

uint64_t teg_snapshot_n_arrays(const teg_snapshot *snapshot)
{
	return version_n_arrays(snapshot->version);
}

teg_status teg_snapshot_next_array(teg_snapshot *snapshot, const char *after, char *name_out,
                                   teg_error *err)
{
	if (!snapshot || !name_out)
		return teg_fail(err, TEG_MISUSE, "snapshot or name_out is NULL");
	return version_next_array(snapshot->version, after, name_out, err);
}

/* The first key after `after`: a name is no longer than 255 bytes, so one zero byte more is next. */
teg_status version_next_array(struct store_version *version, const char *after, char name_out[256],
                              teg_error *err)
{
	struct key key = key_of_name(KEY_ARRAY, span_of_text(after ? after : ""));
	struct cursor c;
	struct span found;
	teg_status status;

	if (after)
		key.bytes[key.len++] = 0;
	name_out[0] = 0;
	cursor_init(&c, &version->source, &version->head.root);
	TEG_DO(cursor_seek(&c, key_span(&key), err));
	found = c.valid ? cursor_entry(&c).key : (struct span){ NULL, 0 };
	if (!found.len || found.at[0] != KEY_ARRAY)
		TEG_DO(TEG_END);
	if (found.len > NAME_LEN_MAX + 1)
		TEG_DO(teg_fail(err, TEG_CORRUPT, "catalog: name of %zu bytes", found.len - 1));
	memcpy(name_out, found.at + 1, found.len - 1);
	name_out[found.len - 1] = 0;
done:
	cursor_release(&c);
	return status;
}
