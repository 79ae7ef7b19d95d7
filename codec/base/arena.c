#include "codec/base/arena.h"
#include "codec/base/checked.h"

#define BLOCK_LEN 4000 /* bytes of payload; larger requests get a block of their own */
#define UNIT 16

struct arena_block {
	struct arena_block *older;
	size_t len, used;
	_Alignas(UNIT) uint8_t bytes[];
};

void arena_init(struct arena *a, const teg_allocator *alloc, size_t max)
{
	*a = (struct arena){ NULL, alloc, 0, max, 0 };
}

void arena_release(struct arena *a)
{
	while (a->newest) {
		struct arena_block *older = a->newest->older;

		mem_free(a->alloc, a->newest, sizeof *a->newest + a->newest->len);
		a->newest = older;
	}
	a->used = a->held = 0;
}

static struct arena_block *add_block(struct arena *a, size_t size)
{
	size_t len = size_max(size, BLOCK_LEN);
	size_t total;
	struct arena_block *block;

	if (!size_add(sizeof *block, len, &total))
		return NULL;
	block = mem_zalloc(a->alloc, total);
	if (!block)
		return NULL;
	block->older = a->newest;
	block->len = len;
	a->newest = block;
	a->held += total;
	return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *block = a->newest;
	size_t need;
	void *out;

	if (!size_add(size ? size : 1, UNIT - 1, &need))
		return NULL;
	need &= ~(size_t)(UNIT - 1);
	if (need > a->max - size_min(a->used, a->max))
		return NULL;
	if (!block || block->len - block->used < need)
		block = add_block(a, need);
	if (!block)
		return NULL;
	out = block->bytes + block->used;
	block->used += need;
	a->used += need;
	return out;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	return size_mul(n, size, &total) ? arena_alloc(a, total) : NULL;
}

struct span arena_copy(struct arena *a, struct span bytes)
{
	uint8_t *to = arena_alloc(a, bytes.len + 1);

	if (!to)
		return (struct span){ NULL, 0 };
	if (bytes.len)
		memcpy(to, bytes.at, bytes.len);
	return (struct span){ to, bytes.len };
}

char *arena_text(struct arena *a, struct span text)
{
	return (char *)(uintptr_t)arena_copy(a, text).at;
}
