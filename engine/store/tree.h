/* Changing a catalog: the pages that differ are held as nodes in memory, everything else stays a
 * reference; at the end the nodes are written as new pages, lowest first.
 *
 * Edits come sorted and are applied in one pass, so creating 120,000 arrays costs as much per entry
 * as creating one, and a small commit loads and rewrites one path per place it touches. A node may
 * grow beyond a page; it is cut into pages of even size only when it is written. Small neighbours
 * are joined then.
 */
#ifndef TEG_ENGINE_STORE_TREE_H
#define TEG_ENGINE_STORE_TREE_H
#include "codec/base/arena.h"
#include "engine/store/catalog.h"

struct tree_edit {
	struct span key;
	struct span value; /* .at NULL: the key goes */
};

struct tree_node;

struct tree {
	const struct page_source *source;
	struct tree_node *root;
	struct arena arena; /* nodes, and the bytes of pages loaded */
	/* Pages that the tree no longer uses, once tree_write() has run. */
	struct page_ref *freed;
	size_t n_freed, freed_cap;
};

/* A tree to change; `root` NULL: an empty one. */
void tree_init(struct tree *tree, const struct page_source *source);
teg_status tree_open(struct tree *tree, const struct page_ref *root, teg_error *err);
void tree_release(struct tree *tree);

/* Applies n edits, keys strictly ascending. What they point to must live until tree_write(). A key
 * to remove that is not there is no error. After an error the tree can only be released. */
teg_status tree_apply(struct tree *tree, const struct tree_edit *edits, size_t n, teg_error *err);

/* Makes the tree rewrite the page at `ref`, whose level and first key these are, if it is one of its
 * pages. */
teg_status tree_touch(struct tree *tree, const struct page_ref *ref, uint8_t level,
                      struct span first_key, teg_error *err);

/* Appends all changed pages to `out`, which will lie in `manifest` from offset `off` on (out's own
 * length at the call counts from there). Gives the new root. */
teg_status tree_write(struct tree *tree, uint64_t manifest, uint64_t off, struct buf *out,
                      struct page_ref *root_out, teg_error *err);
#endif
