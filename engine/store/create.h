/* Making a store. Every step can be repeated, so a creation that died half way is completed by the
 * next one, and of two at once both succeed: whoever publishes version 1 decides the id, and the
 * marker, linked last, repeats it. format-spec/overview.md, STORE-5 to STORE-8. */
#ifndef TEG_ENGINE_STORE_CREATE_H
#define TEG_ENGINE_STORE_CREATE_H
#include "engine/store/store.h"

/* What lies at the root of the os. */
enum store_found {
	FOUND_STORE,   /* a marker */
	FOUND_NOTHING, /* no directory, an empty one, or a creation that was not completed */
	FOUND_OTHER /* something else, or a store without its marker: `name` of the first thing */
};
teg_status store_look(struct os *os, enum store_found *found_out, char name_out[64],
                      teg_error *err);
/* Makes the store and reads its marker. */
teg_status store_make(struct teg_store *store, teg_error *err);
/* The store there, its newest version not looked at. */
teg_status store_open_bare(const char *path, const teg_store_options *options,
                           struct teg_store **store_out, teg_error *err);
#endif
