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

/* As with a real directory that does not exist yet, os_make_dir(os, "") comes first.
 * NULL: no memory. */
struct os *os_memory_new(const teg_allocator *alloc, uint64_t seed);
bool os_is_memory(const struct os *os);

/* Drops all that was not synced, as a power cut may: contents of files without os_sync, names
 * without os_sync_dir. `keep` chooses which unsynced parts survive all the same, since a disk may
 * have written them; 0 keeps none, UINT64_MAX keeps all. Bit by bit, the lowest first: one for each
 * change of a name, in order (a rename is one, the others need not be kept in order), then two for
 * each file with an unsynced tail: 0 gone, 1 torn, 2 zeros of full length, 3 whole. Past 64 bits
 * they follow from `keep`. Open files must have been closed; never fails, asks for no memory. */
void memory_power_cut(struct os *os, uint64_t keep);

/* A full disk: writes that would bring the total of all contents above this give ENOSPC. */
void memory_set_room(struct os *os, uint64_t bytes);
/* What counts for that now. */
uint64_t memory_used(struct os *os);
void memory_set_read_only(struct os *os, bool read_only);
void memory_set_clock(struct os *os, int64_t now_us);

/* A deep copy, so that many crash states can be tried from one point; NULL: no memory. */
struct os *memory_clone(struct os *os);
/* Flips one bit of a file's current and durable bytes. False: no such file or byte. */
bool memory_flip(struct os *os, const char *path, uint64_t byte, unsigned bit);
/* Cuts both to `len` bytes. False: no such file, or it is shorter. */
bool memory_truncate(struct os *os, const char *path, uint64_t len);
/* False where this is a file with bytes that a power cut may take. */
bool memory_is_synced(struct os *os, const char *path);
#endif
