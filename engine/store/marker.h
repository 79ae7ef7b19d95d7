/* The marker file STORE/tegula: this directory is a store, of this format, with this id.
 *
 *   0       8     10    12         20         28         44         52
 *   [ magic |major|minor| required | optional | store id | checksum ]
 *
 * Written last when a store is made, and never again. format-spec/overview.md, STORE-2 to STORE-4.
 */
#ifndef TEG_ENGINE_STORE_MARKER_H
#define TEG_ENGINE_STORE_MARKER_H
#include "engine/os/os.h"

#define MARKER_PATH "tegula"
#define MARKER_LEN 52

struct marker {
	uint16_t major, minor;
	uint64_t required, optional;
	uint8_t store_id[16];
};

void marker_put(const struct marker *marker, uint8_t out[MARKER_LEN]);
/* TEG_CORRUPT, or TEG_UNSUPPORTED with the version or the features named. */
teg_status marker_parse(struct span bytes, struct marker *marker_out, teg_error *err);
teg_status marker_read(struct os *os, const teg_allocator *alloc, struct marker *marker_out,
                       teg_error *err);
#endif
