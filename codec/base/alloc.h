/* The few functions through which all memory of the library goes. */
#ifndef TEG_CODEC_BASE_ALLOC_H
#define TEG_CODEC_BASE_ALLOC_H
#include <stdbool.h>
#include <stddef.h>
#include "codec/base/allocator.h"

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
