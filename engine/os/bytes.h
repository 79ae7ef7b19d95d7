/* An os of one file, whose bytes are in memory and of which nothing but reading is asked: how a
 * segment that is not in any file yet is read by those who read files.
 */
#ifndef TEG_ENGINE_OS_BYTES_H
#define TEG_ENGINE_OS_BYTES_H
#include "engine/os/os.h"

struct os_bytes {
	struct os os;
	struct span bytes;
};

/* `bytes` must outlive it. There is nothing to free. */
void os_bytes_init(struct os_bytes *os, struct span bytes, const teg_allocator *alloc);
/* Its file: open as long as the os is there, never closed. */
struct os_file *os_bytes_file(struct os_bytes *os);
#endif
