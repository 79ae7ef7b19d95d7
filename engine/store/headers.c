#include "engine/store/headers.h"
#include <stdatomic.h>
#include "codec/base/bits.h"

#define SLOTS_MAX 1024u
#define PROBES 4u /* slots in which a header may lie */

struct kept {
	uint64_t off;
	struct tile_header header;
	struct arena arena;
};

struct headers {
	const teg_allocator *alloc;
	_Atomic size_t size; /* bytes kept */
	uint32_t n_slots;    /* a power of two */
	struct kept *_Atomic slots[];
};

static size_t headers_size(uint32_t n_slots)
{
	return sizeof(struct headers) + n_slots * sizeof(struct kept *);
}

struct headers *headers_new(uint64_t n_tiles, const teg_allocator *alloc)
{
	uint32_t n_slots = n_tiles < SLOTS_MAX ? 1u << bit_width(n_tiles) : SLOTS_MAX;
	struct headers *headers = mem_zalloc(alloc, headers_size(n_slots));

	if (!headers)
		return NULL;
	headers->alloc = alloc;
	headers->n_slots = n_slots;
	return headers;
}

static void free_kept(const teg_allocator *alloc, struct kept *kept)
{
	arena_release(&kept->arena);
	mem_free(alloc, kept, sizeof *kept);
}

void headers_free(struct headers *headers)
{
	if (!headers)
		return;
	for (uint32_t i = 0; i < headers->n_slots; i++) {
		struct kept *kept = atomic_load(&headers->slots[i]);

		if (kept)
			free_kept(headers->alloc, kept);
	}
	mem_free(headers->alloc, headers, headers_size(headers->n_slots));
}

static struct kept *_Atomic *slot_of(struct headers *headers, uint64_t off, uint32_t probe)
{
	uint32_t hash = (uint32_t)(off * 0x9e3779b97f4a7c15u >> 32);

	return &headers->slots[(hash + probe) & (headers->n_slots - 1)];
}

bool headers_find(struct headers *headers, uint64_t off, struct tile_header *header_out)
{
	for (uint32_t probe = 0; probe < PROBES; probe++) {
		const struct kept *kept = atomic_load(slot_of(headers, off, probe));

		if (!kept)
			return false;
		if (kept->off != off)
			continue;
		*header_out = kept->header;
		return true;
	}
	return false;
}

void headers_keep(struct headers *headers, uint64_t off, const struct tile_header *header,
                  struct arena *arena)
{
	size_t size = sizeof(struct kept) + arena->used;
	struct kept *kept = NULL;

	if (atomic_fetch_add(&headers->size, size) <= HEADERS_KEPT)
		kept = mem_alloc(headers->alloc, sizeof *kept);
	if (kept) {
		*kept = (struct kept){ off, *header, *arena };
		for (uint32_t probe = 0; probe < PROBES; probe++) {
			struct kept *none = NULL;

			if (!atomic_compare_exchange_strong(slot_of(headers, off, probe), &none,
			                                    kept))
				continue;
			arena_init(arena, arena->alloc, arena->max);
			return;
		}
		mem_free(headers->alloc, kept, sizeof *kept);
	}
	atomic_fetch_sub(&headers->size, size);
}
