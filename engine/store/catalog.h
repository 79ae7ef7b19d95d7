/* The catalog of a version: a copy-on-write tree of pages, read key by key or in order.
 *
 * Keys are plain bytes; their first byte tells the kind of entry (keys.h). A tree never changes: a
 * commit writes new pages for what differs and shares the rest, so any root that was ever published
 * can be read as long as its files are there. format-spec/manifest.md, CAT-1 and on.
 *
 *        [ A.. | S.. | V.. ]               root, in the newest manifest
 *        /        |       \
 *   [ A A A ] [ S S S ] [ V V V W ]        leaves, wherever they were written last
 */
#ifndef TEG_ENGINE_STORE_CATALOG_H
#define TEG_ENGINE_STORE_CATALOG_H
#include "engine/store/page.h"

/* Where pages come from: fills `into` (cleared by the callee) with the bytes of `ref`, verified
 * against its length and hash. */
struct page_source {
	teg_status (*read)(void *ctx, const struct page_ref *ref, struct buf *into, teg_error *err);
	void *ctx;
	const teg_allocator *alloc;
};

/* Reads and parses one page. `above` is the page that refers to it in entry `at`, whose level and
 * key it must bear out; NULL for a root. */
teg_status catalog_load(const struct page_source *source, const struct page_ref *ref,
                        const struct page *above, uint32_t at, struct buf *bytes,
                        struct page *page_out, teg_error *err);

/* Walks one tree in key order. Key and value stay valid until the cursor moves. */
struct cursor {
	const struct page_source *source;
	struct page_ref root;
	int depth; /* pages held; 0: nowhere */
	struct {
		struct buf bytes;
		struct page page;
		uint32_t at;
	} level[PAGE_LEVEL_MAX + 1]; /* from the root down */
	bool valid;                  /* on an entry */
};

void cursor_init(struct cursor *c, const struct page_source *source, const struct page_ref *root);
void cursor_release(struct cursor *c);
/* To the first entry whose key is not below `key`; invalid where there is none. */
teg_status cursor_seek(struct cursor *c, struct span key, teg_error *err);
/* To the last entry whose key is not above `key`. */
teg_status cursor_floor(struct cursor *c, struct span key, teg_error *err);
teg_status cursor_next(struct cursor *c, teg_error *err);
struct page_entry cursor_entry(const struct cursor *c);

/* Puts the cursor on `key`, or TEG_NOT_FOUND without a message. */
teg_status cursor_find(struct cursor *c, struct span key, teg_error *err);
#endif
