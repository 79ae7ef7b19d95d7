/* The allocator hook, one per store handle, and the few functions through which all memory goes.
 *
 * Public: teg_allocator is installed beside tegula.h. Sizes are given back on realloc and free, so
 * a counting or capped allocator needs no header of its own. There is no global allocator.
 */
#ifndef TEG_CODEC_BASE_ALLOC_H
#define TEG_CODEC_BASE_ALLOC_H
#include <stdbool.h>
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

#define MEM_ALIGN 64 /* bytes: every column buffer starts on such a boundary */

/* Each returns NULL where the allocator does. A size of 0 gives a valid one-byte block. */
void *mem_alloc(const teg_allocator *alloc, size_t size);
void *mem_zalloc(const teg_allocator *alloc, size_t size);
void *mem_realloc(const teg_allocator *alloc, void *block, size_t old_size, size_t size);
/* n * size bytes; NULL where that overflows. */
void *mem_array(const teg_allocator *alloc, size_t n, size_t size);
void mem_free(const teg_allocator *alloc, void *block, size_t size);

/* The same on MEM_ALIGN boundaries; freed with mem_free_aligned and the size asked for. */
void *mem_alloc_aligned(const teg_allocator *alloc, size_t size);
void mem_free_aligned(const teg_allocator *alloc, void *block, size_t size);

/* Grows the array of `elem` bytes each at *block from room for *cap to room for at least `need`
 * elements, by half again at the least. False where memory is short: nothing changed. */
bool mem_grow(const teg_allocator *alloc, void **block, size_t *cap, size_t need, size_t elem);
#endif
