#include "engine/store/page_cache.h"
#include "engine/store/spin.h"

struct place {
	struct page_ref ref;
	uint8_t *bytes; /* PAGE_LEN_MAX of them; NULL: nothing was kept here yet */
};

struct page_cache {
	struct spin lock;
	struct place places[PAGES_KEPT];
	const teg_allocator *alloc;
};

struct page_cache *page_cache_new(const teg_allocator *alloc)
{
	struct page_cache *cache = mem_zalloc(alloc, sizeof *cache);

	if (!cache)
		return NULL;
	spin_init(&cache->lock);
	cache->alloc = alloc;
	return cache;
}

void page_cache_free(struct page_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < PAGES_KEPT; i++)
		mem_free(cache->alloc, cache->places[i].bytes, PAGE_LEN_MAX);
	mem_free(cache->alloc, cache, sizeof *cache);
}

static struct place *place_of(struct page_cache *cache, const struct page_ref *ref)
{
	return &cache->places[ref->hash % PAGES_KEPT];
}

bool page_cache_get(struct page_cache *cache, const struct page_ref *ref, struct buf *into)
{
	struct place *place = place_of(cache, ref);
	bool found = false;
	uint8_t *to;

	buf_clear(into);
	if (ref->len > PAGE_LEN_MAX)
		return false;
	to = buf_extend(into, ref->len);
	if (!to)
		return false;
	spin_lock(&cache->lock);
	if (place->bytes && page_ref_equal(&place->ref, ref)) {
		memcpy(to, place->bytes, ref->len);
		found = true;
	}
	spin_unlock(&cache->lock);
	return found;
}

void page_cache_put(struct page_cache *cache, const struct page_ref *ref, struct span bytes)
{
	struct place *place = place_of(cache, ref);
	uint8_t *room = NULL;

	if (bytes.len > PAGE_LEN_MAX)
		return;
	spin_lock(&cache->lock);
	if (!place->bytes) {
		spin_unlock(&cache->lock);
		room = mem_alloc(cache->alloc, PAGE_LEN_MAX);
		if (!room)
			return;
		spin_lock(&cache->lock);
	}
	if (!place->bytes) {
		place->bytes = room;
		room = NULL;
	}
	memcpy(place->bytes, bytes.at, bytes.len);
	place->ref = *ref;
	spin_unlock(&cache->lock);
	mem_free(cache->alloc, room, PAGE_LEN_MAX);
}
