/* Pages of tiles as they are before zstd, verified, kept between the reads of one store handle: what
 * `cache_budget` asks for. The next read of such a page neither reads, verifies nor decompresses it.
 *
 * A page never changes, and is known by the segment's file, its offset there and its hash. The pages
 * used last stay; with the memory that keeps their books they never take more than the budget. A page
 * may be given up while somebody reads it: its bytes go with the last reader.
 *
 *   kept_pages_get ──> struct kept_page, read ──> kept_page_drop
 */
#ifndef TEG_ENGINE_STORE_KEPT_PAGES_H
#define TEG_ENGINE_STORE_KEPT_PAGES_H
#include <stdbool.h>
#include "codec/base/alloc.h"
#include "codec/base/span.h"

struct page_name {
	uint8_t object[16]; /* the segment's; of an inline one its manifest's number */
	uint64_t off;       /* in the file */
	uint64_t hash;
};

struct kept_pages;
struct kept_page;

/* `alloc` must outlive it and every page. NULL: no memory, or a budget that holds no page. */
struct kept_pages *kept_pages_new(size_t budget, const teg_allocator *alloc);
/* Pages that somebody holds live on. */
void kept_pages_free(struct kept_pages *kept);

/* The page, held until it is dropped; NULL: it is not kept. From any thread, as all of these. */
struct kept_page *kept_pages_get(struct kept_pages *kept, const struct page_name *name);
/* Keeps a copy of the page's bytes in place of what was used longest ago, or does not: where memory is
 * short, and pages of more than an eighth of the budget. */
void kept_pages_put(struct kept_pages *kept, const struct page_name *name, struct span bytes);

struct span kept_page_bytes(const struct kept_page *page);
void kept_page_drop(struct kept_page *page); /* NULL is fine */
#endif
