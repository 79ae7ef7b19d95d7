/* Catalog pages kept in memory between the reads and commits of one store handle.
 *
 * A page never changes and every reference to it holds its hash, so a page is kept under its whole
 * reference, and only after its bytes were verified (or made here, by the commit that wrote them). At
 * most PAGES_KEPT pages of at most PAGE_LEN_MAX bytes: 1 MiB. Each reference has one place; whoever
 * comes later takes it. A page that is not kept is read again: nothing depends on the cache.
 */
#ifndef TEG_ENGINE_STORE_PAGE_CACHE_H
#define TEG_ENGINE_STORE_PAGE_CACHE_H
#include "engine/store/page.h"

#define PAGES_KEPT 256

struct page_cache;

/* NULL where memory is short. */
struct page_cache *page_cache_new(const teg_allocator *alloc);
void page_cache_free(struct page_cache *cache);
/* Copies the page's bytes into `into` (cleared first); false where they are not kept or there is no
 * memory. From any thread. */
bool page_cache_get(struct page_cache *cache, const struct page_ref *ref, struct buf *into);
/* Keeps a copy of a page's verified bytes, or does not: pages longer than PAGE_LEN_MAX never. */
void page_cache_put(struct page_cache *cache, const struct page_ref *ref, struct span bytes);
#endif
