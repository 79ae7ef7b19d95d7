/* Files of the store that are open for reading, shared by everything that reads: a few dozen, the
 * least recently used closed first. Files never change once they have their final name, so a handle
 * serves until nobody needs the file, even after its name is gone. */
#ifndef TEG_ENGINE_STORE_FILES_H
#define TEG_ENGINE_STORE_FILES_H
#include "engine/os/os.h"

#define FILES_KEPT 48

struct file_cache;

/* NULL: no memory. */
struct file_cache *files_new(struct os *os, const teg_allocator *alloc);
void files_free(struct file_cache *files); /* closes all; every file has been put back */

teg_status files_get(struct file_cache *files, const char *path, struct os_file **file_out,
                     teg_error *err);
void files_put(struct file_cache *files, struct os_file *file);
#endif
