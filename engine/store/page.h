/* A page of the catalog: sorted entries, key -> value, in a few KiB.
 *
 *   0   1      2     4        8        12
 *   [ P |level| zero | length | n     ][ n x (key end, value end) ][ key 0 | value 0 | key 1 ... ]
 *
 * A leaf (level 0) holds the catalog's own entries; a page above maps the first key of each page
 * below to a reference. Every page is reached by a reference that holds its hash, so a page is
 * verified before it is parsed. format-spec/manifest.md, CPAGE-1 to CPAGE-6.
 */
#ifndef TEG_ENGINE_STORE_PAGE_H
#define TEG_ENGINE_STORE_PAGE_H
#include "codec/base/alloc.h"
#include "codec/base/buf.h"
#include "codec/base/error.h"
#include "codec/base/span.h"

#define PAGE_HEADER_LEN 12
#define PAGE_SLOT_LEN 8
#define PAGE_LEN_MAX 4096           /* bytes; only a page of one entry may be longer */
#define PAGE_LEN_LIMIT (256u << 20) /* bytes; even then */
#define PAGE_KEY_MAX 512            /* bytes */
#define PAGE_LEVEL_MAX 15

/* Where a page lies: a range of a manifest file, and the hash of its bytes. */
struct page_ref {
	uint64_t manifest, off;
	uint32_t len;
	uint64_t hash;
};

#define PAGE_REF_LEN 28

void page_ref_put(const struct page_ref *ref, uint8_t out[PAGE_REF_LEN]);
struct page_ref page_ref_load(const uint8_t *at);
bool page_ref_equal(const struct page_ref *a, const struct page_ref *b);

struct page_entry {
	struct span key, value;
};

/* Bytes that an entry takes in a page. */
static inline size_t page_entry_len(const struct page_entry *entry)
{
	return PAGE_SLOT_LEN + entry->key.len + entry->value.len;
}

/* Appends a page of these entries, keys strictly ascending. */
void page_put(uint8_t level, const struct page_entry *entries, size_t n, struct buf *out);

/* A parsed page: a view of its bytes. */
struct page {
	uint8_t level;
	uint32_t n;
	const uint8_t *slots, *data;
};

/* Checks everything a writer guarantees: canonical layout, keys strictly ascending, whole references
 * above level 0, no empty page but a leaf. TEG_CORRUPT with the offset in the page. */
teg_status page_parse(struct span bytes, struct page *page_out, teg_error *err);

struct page_entry page_at(const struct page *page, uint32_t i);
struct span page_key(const struct page *page, uint32_t i);
/* The first entry whose key is not below `key`; page->n where there is none. */
uint32_t page_lower_bound(const struct page *page, struct span key);
/* Above level 0: the entry whose page would hold `key` (the last not above it; else the first). */
uint32_t page_child(const struct page *page, struct span key);
#endif
