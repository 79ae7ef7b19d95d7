#include "codec/base/alloc.h"
#include "codec/base/checked.h"
#include <stdlib.h>
#include <string.h>

static void *std_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void *std_realloc(void *ctx, void *block, size_t old_size, size_t size)
{
	(void)ctx;
	(void)old_size;
	return realloc(block, size);
}

static void std_free(void *ctx, void *block, size_t size)
{
	(void)ctx;
	(void)size;
	free(block);
}

const teg_allocator *teg_allocator_default(void)
{
	static const teg_allocator std = { std_alloc, std_realloc, std_free, NULL };

	return &std;
}

void *mem_alloc(const teg_allocator *alloc, size_t size)
{
	return alloc->alloc(alloc->ctx, size ? size : 1);
}

void *mem_zalloc(const teg_allocator *alloc, size_t size)
{
	void *block = mem_alloc(alloc, size);

	if (block)
		memset(block, 0, size ? size : 1);
	return block;
}

void *mem_realloc(const teg_allocator *alloc, void *block, size_t old_size, size_t size)
{
	if (!block)
		return mem_alloc(alloc, size);
	return alloc->realloc(alloc->ctx, block, old_size ? old_size : 1, size ? size : 1);
}

void *mem_array(const teg_allocator *alloc, size_t n, size_t size)
{
	size_t total;

	return size_mul(n, size, &total) ? mem_alloc(alloc, total) : NULL;
}

void mem_free(const teg_allocator *alloc, void *block, size_t size)
{
	if (block)
		alloc->free(alloc->ctx, block, size ? size : 1);
}

/* The byte before the block tells how far it was moved: 1 to MEM_ALIGN. */
void *mem_alloc_aligned(const teg_allocator *alloc, size_t size)
{
	size_t total;
	uint8_t *raw;
	size_t shift;

	if (!size_add(size, MEM_ALIGN, &total))
		return NULL;
	raw = mem_alloc(alloc, total);
	if (!raw)
		return NULL;
	shift = MEM_ALIGN - ((uintptr_t)raw & (MEM_ALIGN - 1));
	raw[shift - 1] = (uint8_t)shift;
	return raw + shift;
}

void mem_free_aligned(const teg_allocator *alloc, void *block, size_t size)
{
	uint8_t *at = block;

	if (at)
		mem_free(alloc, at - at[-1], size + MEM_ALIGN);
}

bool mem_grow(const teg_allocator *alloc, void **block, size_t *cap, size_t need, size_t elem)
{
	size_t want = *cap + *cap / 2;
	size_t old_bytes, bytes;
	void *grown;

	if (need <= *cap)
		return true;
	if (want < need)
		want = need;
	if (want < 8)
		want = 8;
	if (!size_mul(want, elem, &bytes) || !size_mul(*cap, elem, &old_bytes))
		return false;
	grown = mem_realloc(alloc, *block, old_bytes, bytes);
	if (!grown)
		return false;
	*block = grown;
	*cap = want;
	return true;
}
