#include "engine/store/pin.h"
#include "engine/store/hex.h"
#include "engine/store/manifest.h"
#include <stdio.h>

#define MAKE_TRIES 100

static teg_status try_make(struct teg_store *store, const uint8_t *prefix, char path[OS_PATH_MAX],
                           struct os_file **file_out, teg_error *err)
{
	uint8_t id[16];
	char hex[33];
	struct os_stat st;
	teg_status status;

	TEG_TRY(os_random(store->os, id, sizeof id, err));
	if (prefix)
		memcpy(id, prefix, 8);
	hex_put(id, sizeof id, hex);
	snprintf(path, OS_PATH_MAX, "pins/%s", hex);
	TEG_TRY(os_create(store->os, path, file_out, err));
	status = os_lock(store->os, *file_out, path, OS_LOCK_EXCLUSIVE, err);
	/* Before we had the lock somebody may have taken the file for a dead pin and removed it. */
	if (status == TEG_OK)
		status = os_stat(store->os, path, &st, err);
	if (status == TEG_OK)
		return TEG_OK;
	(void)os_unlink(store->os, path, NULL);
	os_close(store->os, *file_out);
	*file_out = NULL;
	return status == TEG_NOT_FOUND ? TEG_CONFLICT : status;
}

teg_status pin_make(struct teg_store *store, const uint8_t *prefix, char path_out[OS_PATH_MAX],
                    struct os_file **file_out, teg_error *err)
{
	teg_status status;
	teg_error own;
	int left = MAKE_TRIES;

	*file_out = NULL;
	do {
		status = try_make(store, prefix, path_out, file_out, &own);
		/* Copies of a store may come without its empty directories. */
		if (status == TEG_NOT_FOUND && os_make_dir(store->os, "pins", NULL) == TEG_OK)
			status = TEG_CONFLICT;
	} while ((status == TEG_CONFLICT || status == TEG_EXISTS) && --left);
	return error_give(err, status, &own);
}

teg_status pin_state(struct teg_store *store, const char *path, struct os_file *file,
                     uint64_t version, teg_error *err)
{
	char text[PIN_LEN_MAX];

	if (version)
		snprintf(text, sizeof text, "reader %020llu\n", (unsigned long long)version);
	else
		snprintf(text, sizeof text, "writer\n");
	return os_write(store->os, file, path, span_of_text(text), err);
}

void pin_drop(struct teg_store *store, const char *path, struct os_file *file)
{
	if (!file)
		return;
	(void)os_unlink(store->os, path, NULL);
	os_close(store->os, file);
}

/* ---- the writer's ---- */

teg_status pin_writer(struct teg_store *store, teg_error *err)
{
	char path[OS_PATH_MAX];
	struct os_file *file;
	bool first;
	teg_status status;

	spin_lock(&store->lock);
	first = !store->writer_pin;
	spin_unlock(&store->lock);
	if (!first)
		return TEG_OK;
	TEG_TRY(pin_make(store, store->writer_id, path, &file, err));
	status = pin_state(store, path, file, 0, err);
	spin_lock(&store->lock);
	first = status == TEG_OK && !store->writer_pin;
	if (first) {
		store->writer_pin = file;
		memcpy(store->writer_pin_path, path, sizeof path);
	}
	spin_unlock(&store->lock);
	if (!first)
		pin_drop(store, path, file);
	return status;
}

void pin_drop_writer(struct teg_store *store)
{
	pin_drop(store, store->writer_pin_path, store->writer_pin);
	store->writer_pin = NULL;
}

/* ---- looking ---- */

struct names {
	char (*at)[33];
	size_t n, cap;
	const teg_allocator *alloc;
};

static int note_name(void *ctx, const char *name)
{
	struct names *names = ctx;
	void *block = names->at;

	if (strlen(name) != 32)
		return 0;
	if (!mem_grow(names->alloc, &block, &names->cap, names->n + 1, sizeof *names->at))
		return 12; /* any errno: reported as no memory below */
	names->at = block;
	memcpy(names->at[names->n++], name, 33);
	return 0;
}

static teg_status add_writer(struct pins *pins, const uint8_t id[16])
{
	void *block = pins->writers;

	if (!mem_grow(pins->alloc, &block, &pins->cap, pins->n_writers + 1, sizeof *pins->writers))
		return TEG_NOMEM;
	pins->writers = block;
	memcpy(pins->writers[pins->n_writers++], id, 8);
	return TEG_OK;
}

static teg_status add_reader(struct pins *pins, uint64_t version)
{
	void *block = pins->readers;

	if (!mem_grow(pins->alloc, &block, &pins->readers_cap, pins->n_readers + 1, sizeof version))
		return TEG_NOMEM;
	pins->readers = block;
	pins->readers[pins->n_readers++] = version;
	if (version > pins->newest_reader)
		pins->newest_reader = version;
	return TEG_OK;
}

/* What a live pin says. */
static teg_status read_pin(struct teg_store *store, const char *path, struct os_file *file,
                           const uint8_t id[16], struct pins *pins)
{
	char text[PIN_LEN_MAX] = { 0 };
	uint64_t len = 0, version;

	if (os_size(store->os, file, path, &len, NULL) != TEG_OK || len >= sizeof text ||
	    os_read(store->os, file, path, 0, text, (size_t)len, NULL) != TEG_OK)
		len = 0;
	if (len == 7 && memcmp(text, "writer\n", 7) == 0)
		return add_writer(pins, id);
	if (len == 28 && memcmp(text, "reader ", 7) == 0) {
		text[27] = 0;
		if (manifest_number(text + 7, &version))
			return add_reader(pins, version);
	}
	pins->unknown = true;
	return TEG_OK;
}

/* A second handle on a file that we hold locked must be refused; where it is not, a free lock says
 * nothing about who is alive. Once proven is proven: it is the same file system all along. */
static bool locks_are_proven(struct teg_store *store)
{
	char path[OS_PATH_MAX];
	struct os_file *held, *other;
	bool proven = atomic_load(&store->locks_proven);

	if (proven)
		return true;
	if (pin_make(store, NULL, path, &held, NULL) != TEG_OK)
		return false;
	if (os_open_writable(store->os, path, &other, NULL) == TEG_OK) {
		proven = os_lock(store->os, other, path, OS_LOCK_EXCLUSIVE, NULL) == TEG_CONFLICT;
		os_close(store->os, other);
	}
	pin_drop(store, path, held);
	if (proven)
		atomic_store(&store->locks_proven, true);
	return proven;
}

static bool is_old(struct teg_store *store, const char *path)
{
	struct os_stat st;

	return os_stat(store->os, path, &st, NULL) == TEG_OK &&
	       os_clock_us(store->os) - PIN_UNPROVEN_US > st.mtime_us;
}

static teg_status look_at(struct teg_store *store, const char *name, bool proven, bool clean,
                          struct pins *pins)
{
	char path[OS_PATH_MAX];
	struct os_file *file;
	uint8_t id[16];
	teg_status status;

	if (!hex_parse(name, sizeof id, id))
		return TEG_OK;
	snprintf(path, sizeof path, "pins/%s", name);
	status = os_open_writable(store->os, path, &file, NULL);
	if (status == TEG_NOT_FOUND)
		return TEG_OK;
	if (status != TEG_OK) {
		pins->unknown = true;
		return status == TEG_NOMEM ? status : TEG_OK;
	}
	status = os_lock(store->os, file, path, OS_LOCK_EXCLUSIVE, NULL);
	if (status == TEG_OK && (proven || is_old(store, path))) {
		if (clean)
			(void)os_unlink(store->os, path, NULL);
	} else {
		status = read_pin(store, path, file, id, pins);
	}
	os_close(store->os, file);
	return status;
}

teg_status pins_look(struct teg_store *store, bool clean, struct pins *pins_out, teg_error *err)
{
	struct names names = { .alloc = store->alloc };
	bool proven;
	teg_status status;

	*pins_out = (struct pins){ .alloc = store->alloc };
	status = os_list(store->os, "pins", note_name, &names, err);
	if (status == TEG_NOT_FOUND)
		status = TEG_OK;
	proven = status == TEG_OK && names.n && locks_are_proven(store);
	for (size_t i = 0; status == TEG_OK && i < names.n; i++)
		status = look_at(store, names.at[i], proven, clean, pins_out);
	mem_free(store->alloc, names.at, names.cap * sizeof *names.at);
	if (status == TEG_NOMEM)
		teg_fail(err, status, "no memory for the list of pins");
	if (status != TEG_OK)
		pins_release(pins_out);
	return status;
}

void pins_release(struct pins *pins)
{
	mem_free(pins->alloc, pins->readers, pins->readers_cap * sizeof *pins->readers);
	mem_free(pins->alloc, pins->writers, pins->cap * sizeof *pins->writers);
	*pins = (struct pins){ .alloc = pins->alloc };
}

bool pins_hold_file(const struct pins *pins, const uint8_t id[16])
{
	for (size_t i = 0; i < pins->n_writers; i++)
		if (memcmp(pins->writers[i], id, 8) == 0)
			return true;
	return pins->unknown;
}

bool pins_hold_manifest(const struct pins *pins, uint64_t number)
{
	return pins->unknown || number <= pins->newest_reader;
}
