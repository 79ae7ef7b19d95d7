/* The allocator hook, one per store handle. Public: installed beside tegula.h.
 *
 * Sizes are given back on realloc and free, so a counting or capped allocator needs no header of its
 * own. There is no global allocator.
 */
#ifndef TEG_CODEC_BASE_ALLOCATOR_H
#define TEG_CODEC_BASE_ALLOCATOR_H
#include <stddef.h>
#include "codec/base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `alloc` returns memory aligned for any object, or NULL. `realloc` keeps the first
 * min(old, size) bytes and on NULL leaves the old block as it was. `free` accepts NULL.
 * With handles used from several threads the functions must be safe between threads. */
typedef struct teg_allocator {
	void *(*alloc)(void *ctx, size_t size);
	void *(*realloc)(void *ctx, void *block, size_t old_size, size_t size);
	void (*free)(void *ctx, void *block, size_t size);
	void *ctx;
} teg_allocator;

/* malloc, realloc and free of the C library. */
TEG_API const teg_allocator *teg_allocator_default(void);

#ifdef __cplusplus
}
#endif
#endif
