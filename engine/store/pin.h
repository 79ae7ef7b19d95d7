/* Pins: who is using the store now. A pin is a file in pins/ and a lock on it; the lock dies with its
 * owner, so nobody has to clean up for the dead. format-spec/manifest.md, PIN-1 to PIN-8.
 *
 *   pins/<32 hex>   "reader 00000000000000000041\n"  version 41 and older files it reaches stay
 *                   "writer\n"                       files whose names begin with the first 16 hex
 *                                                    digits of the pin's belong to a live writer
 *                   empty, or anything else          both: it is being made; nothing may go
 *
 * Order makes them safe. A reader first has its locked pin and then looks which version is newest.
 * A writer first has its pin and then creates files. Whoever removes files first looks which
 * version is newest and lists the files it may remove, and then looks at the pins.
 */
#ifndef TEG_ENGINE_STORE_PIN_H
#define TEG_ENGINE_STORE_PIN_H
#include "engine/store/store.h"

#define PIN_LEN_MAX 64
#define PIN_UNPROVEN_US (7 * INT64_C(86400000000)) /* where locks do not work: age of a dead pin */

/* Makes and locks an empty pin with a random name, or with one that begins with `prefix` (8 bytes,
 * may be NULL). TEG_READ_ONLY where the directory cannot be written. */
teg_status pin_make(struct teg_store *store, const uint8_t *prefix, char path_out[OS_PATH_MAX],
                    struct os_file **file_out, teg_error *err);
/* Says what it is for: version 0 is a writer's. */
teg_status pin_state(struct teg_store *store, const char *path, struct os_file *file,
                     uint64_t version, teg_error *err);
/* Removes and unlocks. */
void pin_drop(struct teg_store *store, const char *path, struct os_file *file);

/* The first file that this handle writes: makes its writer pin. */
teg_status pin_writer(struct teg_store *store, teg_error *err);
void pin_drop_writer(struct teg_store *store);

/* What the live pins hold at one moment. */
struct pins {
	bool unknown;           /* a pin is being made */
	uint64_t newest_reader; /* the largest version pinned; 0: none */
	size_t n_readers, n_writers, cap, readers_cap;
	uint64_t *readers;
	uint8_t (*writers)[8];
	const teg_allocator *alloc;
};
/* Looks at every pin; removes those whose owner is dead (`clean`). */
teg_status pins_look(struct teg_store *store, bool clean, struct pins *pins_out, teg_error *err);
void pins_release(struct pins *pins);
/* May a file be of a commit in flight? `id`: what its name says, 16 bytes. */
bool pins_hold_file(const struct pins *pins, const uint8_t id[16]);
/* Might a pinned version need manifest `number`, which the newest does not? */
bool pins_hold_manifest(const struct pins *pins, uint64_t number);
#endif
