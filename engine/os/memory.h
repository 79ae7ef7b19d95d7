/* A file system in memory that knows the difference between written and durable.
 *
 * Every file keeps the bytes as of its last sync beside the current ones, every directory the
 * names as of its last sync_dir. memory_power_cut() goes back to what a disk that only honours
 * syncs would hold. Clock and random bytes are deterministic: the clock starts at a given time and
 * moves 1 us per reading (settable), random bytes come from a seed.
 */
#ifndef TEG_ENGINE_OS_MEMORY_H
#define TEG_ENGINE_OS_MEMORY_H
#include "engine/os/os.h"

struct os *os_memory_new(const teg_allocator *alloc, uint64_t seed); /* NULL: no memory */

/* Drops all that was not synced, as a power cut may: contents of files without os_sync, names
 * without os_sync_dir. `keep` (a number from the caller's generator) chooses which unsynced parts
 * survive all the same, since a disk may have written them; 0 keeps none, UINT64_MAX keeps all.
 * Open files must have been closed. */
void memory_power_cut(struct os *os, uint64_t keep);

/* A full disk: writes that would bring the total of all contents above this give ENOSPC. */
void memory_set_room(struct os *os, uint64_t bytes);
void memory_set_read_only(struct os *os, bool read_only);
void memory_set_clock(struct os *os, int64_t now_us);

/* A deep copy, so that many crash states can be tried from one point; NULL: no memory. */
struct os *memory_clone(struct os *os);
/* Flips one bit of a file's current and durable bytes. False: no such file or byte. */
bool memory_flip(struct os *os, const char *path, uint64_t byte, unsigned bit);
bool memory_truncate(struct os *os, const char *path, uint64_t len);
#endif
