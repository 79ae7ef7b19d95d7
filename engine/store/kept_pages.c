#include "engine/store/kept_pages.h"
#include <stdatomic.h>
#include <string.h>
#include "codec/base/bits.h"
#include "engine/store/spin.h"

#define PAGE_LEN 16384u /* bytes of a page, about: sizes the table */
#define BUCKETS_MAX (1u << 16)

struct kept_page {
	struct page_name name;
	struct kept_page *next;          /* of the same bucket */
	struct kept_page *newer, *older; /* by use */
	_Atomic uint32_t shares;         /* one is the cache's */
	const teg_allocator *alloc;
	size_t len;
	uint8_t bytes[];
};

struct kept_pages {
	const teg_allocator *alloc;
	size_t budget;
	struct spin lock; /* over the rest */
	size_t size;      /* bytes of memory, this included */
	struct kept_page *newest, *oldest;
	uint32_t n_buckets; /* a power of two */
	struct kept_page *buckets[];
};

static size_t cache_size(uint32_t n_buckets)
{
	return sizeof(struct kept_pages) + n_buckets * sizeof(struct kept_page *);
}

static size_t page_size(size_t len)
{
	return sizeof(struct kept_page) + len;
}

struct kept_pages *kept_pages_new(size_t budget, const teg_allocator *alloc)
{
	size_t most = budget / PAGE_LEN < BUCKETS_MAX ? budget / PAGE_LEN : BUCKETS_MAX;
	uint32_t n_buckets = most ? 1u << (bit_width(most) - 1) : 1;
	struct kept_pages *kept;

	if (budget <= cache_size(n_buckets))
		return NULL;
	kept = mem_zalloc(alloc, cache_size(n_buckets));
	if (!kept)
		return NULL;
	spin_init(&kept->lock);
	kept->alloc = alloc;
	kept->budget = budget;
	kept->size = cache_size(n_buckets);
	kept->n_buckets = n_buckets;
	return kept;
}

void kept_pages_free(struct kept_pages *kept)
{
	if (!kept)
		return;
	while (kept->newest) {
		struct kept_page *page = kept->newest;

		kept->newest = page->older;
		kept_page_drop(page);
	}
	mem_free(kept->alloc, kept, cache_size(kept->n_buckets));
}

struct span kept_page_bytes(const struct kept_page *page)
{
	return span_of(page->bytes, page->len);
}

void kept_page_drop(struct kept_page *page)
{
	if (page && atomic_fetch_sub(&page->shares, 1) == 1)
		mem_free(page->alloc, page, page_size(page->len));
}

/* ---- under the lock ---- */

static bool same_name(const struct page_name *a, const struct page_name *b)
{
	return a->hash == b->hash && a->off == b->off &&
	       !memcmp(a->object, b->object, sizeof a->object);
}

/* Where the page hangs, or would. */
static struct kept_page **find(struct kept_pages *kept, const struct page_name *name)
{
	struct kept_page **at = &kept->buckets[name->hash & (kept->n_buckets - 1)];

	while (*at && !same_name(&(*at)->name, name))
		at = &(*at)->next;
	return at;
}

static void unlink_use(struct kept_pages *kept, struct kept_page *page)
{
	*(page->newer ? &page->newer->older : &kept->newest) = page->older;
	*(page->older ? &page->older->newer : &kept->oldest) = page->newer;
}

static void link_newest(struct kept_pages *kept, struct kept_page *page)
{
	page->newer = NULL;
	page->older = kept->newest;
	*(kept->newest ? &kept->newest->newer : &kept->oldest) = page;
	kept->newest = page;
}

/* Takes out what was used longest ago until there is room for `size` bytes more; by `next`. */
static struct kept_page *make_room(struct kept_pages *kept, size_t size)
{
	struct kept_page *gone = NULL;

	while (kept->oldest && kept->size + size > kept->budget) {
		struct kept_page *page = kept->oldest;

		*find(kept, &page->name) = page->next;
		unlink_use(kept, page);
		kept->size -= page_size(page->len);
		page->next = gone;
		gone = page;
	}
	return gone;
}

/* ---- */

struct kept_page *kept_pages_get(struct kept_pages *kept, const struct page_name *name)
{
	struct kept_page *page;

	spin_lock(&kept->lock);
	page = *find(kept, name);
	if (page) {
		atomic_fetch_add(&page->shares, 1);
		unlink_use(kept, page);
		link_newest(kept, page);
	}
	spin_unlock(&kept->lock);
	return page;
}

void kept_pages_put(struct kept_pages *kept, const struct page_name *name, struct span bytes)
{
	size_t size = page_size(bytes.len);
	struct kept_page *page = size <= kept->budget / 8 ? mem_alloc(kept->alloc, size) : NULL;
	struct kept_page *gone = page, **at;

	if (!page)
		return;
	*page = (struct kept_page){ .name = *name, .alloc = kept->alloc, .len = bytes.len };
	atomic_init(&page->shares, 1);
	memcpy(page->bytes, bytes.at, bytes.len);
	spin_lock(&kept->lock);
	if (!*find(kept, name)) { /* else another thread was faster */
		gone = make_room(kept, size);
		at = find(kept, name);
		*at = page;
		link_newest(kept, page);
		kept->size += size;
	}
	spin_unlock(&kept->lock);
	while (gone) {
		struct kept_page *next = gone->next;

		kept_page_drop(gone);
		gone = next;
	}
}
