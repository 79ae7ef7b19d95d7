/* Many small objects with one lifetime: parsed headers, plans, schemas. Freed all at once.
 * Memory is zeroed, so padding and unset fields never carry old bytes. */
#ifndef TEG_CODEC_BASE_ARENA_H
#define TEG_CODEC_BASE_ARENA_H
#include "codec/base/alloc.h"
#include "codec/base/span.h"

struct arena_block;

struct arena {
	struct arena_block *newest;
	const teg_allocator *alloc;
	size_t used, max; /* bytes handed out so far, and their ceiling */
	size_t held;      /* bytes taken from the allocator */
};

void arena_init(struct arena *a, const teg_allocator *alloc, size_t max);
void arena_release(struct arena *a);

/* Zeroed memory aligned to 16 bytes that lives until arena_release; NULL where the allocator or
 * the ceiling says no. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);
/* A terminated copy; NULL as above. */
char *arena_text(struct arena *a, struct span text);
struct span arena_copy(struct arena *a, struct span bytes); /* .at NULL as above */
#endif
