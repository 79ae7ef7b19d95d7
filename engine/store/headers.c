#include "engine/store/headers.h"
#include <stdatomic.h>
#include "codec/base/bits.h"

#define SLOTS_MAX 1024u
#define HEADER_LEN 4096u /* bytes that one takes, about */
#define PROBES 4u        /* slots in which a header may lie */

/* Lies in its own arena. */
struct kept {
	uint64_t off;
	struct tile_header header;
	struct arena arena;
};

struct headers {
	const teg_allocator *alloc;
	size_t len_max;
	_Atomic size_t len; /* bytes kept */
	uint32_t n_slots;   /* a power of two */
	struct kept *_Atomic slots[];
};

static size_t headers_size(uint32_t n_slots)
{
	return sizeof(struct headers) + n_slots * sizeof(struct kept *);
}

struct headers *headers_new(uint64_t n_tiles, size_t len_max, const teg_allocator *alloc)
{
	uint64_t most = len_max / HEADER_LEN < n_tiles ? len_max / HEADER_LEN : n_tiles;
	uint32_t n_slots = most < SLOTS_MAX / 4 ? 4u << bit_width(most) : SLOTS_MAX;
	struct headers *headers = mem_zalloc(alloc, headers_size(n_slots));

	if (!headers)
		return NULL;
	headers->alloc = alloc;
	headers->len_max = len_max;
	headers->n_slots = n_slots;
	return headers;
}

void headers_free(struct headers *headers)
{
	if (!headers)
		return;
	for (uint32_t i = 0; i < headers->n_slots; i++) {
		const struct kept *kept = atomic_load(&headers->slots[i]);
		struct arena arena; /* in which it lives itself */

		if (!kept)
			continue;
		arena = kept->arena;
		arena_release(&arena);
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
	for (uint32_t probe = 0; headers && probe < PROBES; probe++) {
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

/* Whether a slot was free. */
static bool put(struct headers *headers, struct kept *kept)
{
	for (uint32_t probe = 0; probe < PROBES; probe++) {
		struct kept *none = NULL;

		if (atomic_compare_exchange_strong(slot_of(headers, kept->off, probe), &none, kept))
			return true;
	}
	return false;
}

teg_status headers_keep(struct headers *headers, uint64_t off, const struct tile_header *header,
                        struct arena *arena)
{
	struct arena empty;
	struct kept *kept;
	size_t len;

	if (!headers || atomic_load(&headers->len) + arena->held > headers->len_max)
		return TEG_OK;
	arena_init(&empty, arena->alloc, arena->max);
	kept = arena_alloc(arena, sizeof *kept);
	if (!kept)
		return TEG_NOMEM;
	*kept = (struct kept){ off, *header, *arena };
	len = arena->held;
	if (atomic_fetch_add(&headers->len, len) + len <= headers->len_max && put(headers, kept))
		*arena = empty;
	else
		atomic_fetch_sub(&headers->len, len);
	return TEG_OK;
}
