#include "engine/store/tree.h"
#include "codec/base/hash.h"

/* Two neighbours that together fill less than this much of a page become one. */
#define FILL_LEN 2048u /* bytes: pages are written no larger, since a change writes one a level */
#define JOIN_LEN (FILL_LEN / 2)

/* An entry of a node: of a leaf, key and value; above, the key of the page below and either its
 * reference (as the value) or, once changed, its node. */
struct slot {
	struct page_entry entry;
	struct tree_node *below;
};

struct tree_node {
	uint8_t level;
	bool fresh; /* made here, replaces no page */
	struct page_ref from;
	struct slot *slots;
	size_t n;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for catalog pages");
}

void tree_init(struct tree *tree, const struct page_source *source)
{
	*tree = (struct tree){ .source = source };
	arena_init(&tree->arena, source->alloc, SIZE_MAX);
}

void tree_release(struct tree *tree)
{
	mem_free(tree->source->alloc, tree->freed, tree->freed_cap * sizeof *tree->freed);
	arena_release(&tree->arena);
	*tree = (struct tree){ .source = tree->source };
	arena_init(&tree->arena, tree->source->alloc, SIZE_MAX);
}

static struct tree_node *new_node(struct tree *tree, uint8_t level, size_t room)
{
	struct tree_node *node = arena_alloc(&tree->arena, sizeof *node);

	if (!node)
		return NULL;
	node->level = level;
	node->fresh = true;
	node->slots = arena_array(&tree->arena, room ? room : 1, sizeof *node->slots);
	return node->slots ? node : NULL;
}

static teg_status note_freed(struct tree *tree, const struct page_ref *ref, teg_error *err)
{
	void *block = tree->freed;

	if (!mem_grow(tree->source->alloc, &block, &tree->freed_cap, tree->n_freed + 1,
	              sizeof *tree->freed))
		return no_memory(err);
	tree->freed = block;
	tree->freed[tree->n_freed++] = *ref;
	return TEG_OK;
}

static teg_status node_of_page(struct tree *tree, const struct page *page,
                               struct tree_node **node_out, teg_error *err)
{
	struct tree_node *node = new_node(tree, page->level, page->n);

	if (!node)
		return no_memory(err);
	for (uint32_t i = 0; i < page->n; i++)
		node->slots[i].entry = page_at(page, i);
	node->n = page->n;
	node->fresh = false;
	*node_out = node;
	return TEG_OK;
}

/* Reads a page and keeps its bytes for the life of the tree. From here on it will be rewritten. */
static teg_status load(struct tree *tree, const struct page_ref *ref, const struct tree_node *above,
                       size_t at, struct tree_node **node_out, teg_error *err)
{
	struct buf bytes;
	struct page page;
	struct span kept;
	teg_status status;

	buf_init(&bytes, tree->source->alloc, PAGE_LEN_LIMIT);
	TEG_DO(tree->source->read(tree->source->ctx, ref, &bytes, err));
	kept = arena_copy(&tree->arena, buf_span(&bytes));
	TEG_DO(kept.at ? TEG_OK : no_memory(err));
	TEG_DO(page_parse(kept, &page, err));
	if (above && (page.level + 1 != above->level || !page.n ||
	              !span_equal(page_key(&page, 0), above->slots[at].entry.key)))
		TEG_DO(teg_fail(err, TEG_CORRUPT, "catalog page: does not fit the page above"));
	TEG_DO(node_of_page(tree, &page, node_out, err));
	(*node_out)->from = *ref;
	status = note_freed(tree, ref, err);
done:
	buf_release(&bytes);
	return status;
}

teg_status tree_open(struct tree *tree, const struct page_ref *root, teg_error *err)
{
	if (root)
		return load(tree, root, NULL, 0, &tree->root, err);
	tree->root = new_node(tree, 0, 0);
	return tree->root ? TEG_OK : no_memory(err);
}

/* The node below slot i, loaded if it still is a reference. */
static teg_status below(struct tree *tree, struct tree_node *node, size_t i, teg_error *err)
{
	struct slot *slot = &node->slots[i];
	struct page_ref ref;

	if (slot->below)
		return TEG_OK;
	ref = page_ref_load(slot->entry.value.at);
	return load(tree, &ref, node, i, &slot->below, err);
}

/* The slot of an inner node below which `key` belongs. */
static size_t slot_for(const struct tree_node *node, struct span key)
{
	size_t lo = 0, hi = node->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (span_compare(node->slots[mid].entry.key, key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : 0;
}

/* ---- edits ---- */

static teg_status merge_leaf(struct tree *tree, struct tree_node *leaf,
                             const struct tree_edit *edits, size_t n, teg_error *err)
{
	struct slot *out = arena_array(&tree->arena, leaf->n + n, sizeof *out);
	size_t i = 0, n_out = 0;

	if (!out)
		return no_memory(err);
	for (size_t e = 0; e < n; e++) {
		while (i < leaf->n && span_compare(leaf->slots[i].entry.key, edits[e].key) < 0)
			out[n_out++] = leaf->slots[i++];
		if (i < leaf->n && span_equal(leaf->slots[i].entry.key, edits[e].key))
			i++;
		if (edits[e].value.at)
			out[n_out++].entry = (struct page_entry){ edits[e].key, edits[e].value };
	}
	while (i < leaf->n)
		out[n_out++] = leaf->slots[i++];
	leaf->slots = out;
	leaf->n = n_out;
	return TEG_OK;
}

/* How many of the edits belong below slot i. */
static size_t edits_below(const struct tree_node *node, size_t i, const struct tree_edit *edits,
                          size_t n)
{
	size_t lo = 0, hi = n;

	if (i + 1 == node->n)
		return n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (span_compare(edits[mid].key, node->slots[i + 1].entry.key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The depth of a tree is at most PAGE_LEVEL_MAX + 1, and so is this recursion's. */
static teg_status apply(struct tree *tree, struct tree_node *node, const struct tree_edit *edits,
                        size_t n, teg_error *err)
{
	if (!node->level)
		return merge_leaf(tree, node, edits, n, err);
	while (n) {
		size_t i = slot_for(node, edits->key);
		size_t m = edits_below(node, i, edits, n);

		TEG_TRY(below(tree, node, i, err));
		TEG_TRY(apply(tree, node->slots[i].below, edits, m, err));
		edits += m;
		n -= m;
	}
	return TEG_OK;
}

teg_status tree_apply(struct tree *tree, const struct tree_edit *edits, size_t n, teg_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (edits[i].key.len > PAGE_KEY_MAX || edits[i].value.len > PAGE_LEN_LIMIT / 2)
			return teg_fail(err, TEG_LIMIT, "catalog entry of %zu bytes",
			                edits[i].value.len);
	return n ? apply(tree, tree->root, edits, n, err) : TEG_OK;
}

/* Below the node a part of the tree that nothing has changed yet: is `ref` the page of that level
 * in which `key` would lie? */
static teg_status lies_below(struct tree *tree, const struct tree_node *node,
                             const struct page_ref *ref, uint8_t level, struct span key,
                             bool *yes_out, teg_error *err)
{
	struct page_ref at = page_ref_load(node->slots[slot_for(node, key)].entry.value.at);
	struct buf bytes;
	struct page page;
	teg_status status = TEG_OK;

	buf_init(&bytes, tree->source->alloc, PAGE_LEN_LIMIT);
	for (int l = node->level - 1; l > level; l--) {
		TEG_DO(catalog_load(tree->source, &at, NULL, 0, &bytes, &page, err));
		if (page.level != l)
			TEG_DO(teg_fail(err, TEG_CORRUPT, "catalog page: level %u, not %d",
			                page.level, l));
		at = page_ref_load(page_at(&page, page_child(&page, key)).value.at);
	}
	*yes_out = page_ref_equal(&at, ref);
done:
	buf_release(&bytes);
	return status;
}

teg_status tree_touch(struct tree *tree, const struct page_ref *ref, uint8_t level,
                      struct span first_key, teg_error *err)
{
	struct tree_node *node = tree->root;
	bool yes = false;

	while (node->level > level && node->n) {
		size_t i = slot_for(node, first_key);

		if (!node->slots[i].below) {
			if (!yes)
				TEG_TRY(lies_below(tree, node, ref, level, first_key, &yes, err));
			if (!yes)
				return TEG_OK;
			TEG_TRY(below(tree, node, i, err));
		}
		node = node->slots[i].below;
	}
	return TEG_OK;
}

/* ---- writing ---- */

static size_t node_len(const struct tree_node *node)
{
	size_t len = PAGE_HEADER_LEN;

	for (size_t i = 0; i < node->n; i++)
		len += node->slots[i].below
		               ? PAGE_SLOT_LEN + node->slots[i].entry.key.len + PAGE_REF_LEN
		               : page_entry_len(&node->slots[i].entry);
	return len;
}

/* Bytes of the page below slot i, as far as they are known without reading it. */
static size_t below_len(const struct tree_node *node, size_t i)
{
	const struct slot *slot = &node->slots[i];

	return slot->below ? node_len(slot->below) : load_u32(slot->entry.value.at + 16);
}

/* Moves what slot i + 1 holds to the end of slot i. */
static teg_status join(struct tree *tree, struct tree_node *node, size_t i, teg_error *err)
{
	struct tree_node *a, *b;
	struct slot *slots;

	TEG_TRY(below(tree, node, i, err));
	TEG_TRY(below(tree, node, i + 1, err));
	a = node->slots[i].below;
	b = node->slots[i + 1].below;
	slots = arena_array(&tree->arena, a->n + b->n + 1, sizeof *slots);
	if (!slots)
		return no_memory(err);
	memcpy(slots, a->slots, a->n * sizeof *slots);
	memcpy(slots + a->n, b->slots, b->n * sizeof *slots);
	a->slots = slots;
	a->n += b->n;
	memmove(&node->slots[i + 1], &node->slots[i + 2], (node->n - i - 2) * sizeof *node->slots);
	node->n--;
	return TEG_OK;
}

/* Joins small neighbours, of which one at least is changed; drops pages that became empty. */
static teg_status tidy(struct tree *tree, struct tree_node *node, teg_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < node->n; i++)
		if (!node->slots[i].below || node->slots[i].below->n)
			node->slots[n++] = node->slots[i];
	node->n = n;
	for (size_t i = 0; i + 1 < node->n;) {
		bool changed = node->slots[i].below || node->slots[i + 1].below;

		if (changed && below_len(node, i) + below_len(node, i + 1) < JOIN_LEN)
			TEG_TRY(join(tree, node, i, err));
		else
			i++;
	}
	return TEG_OK;
}

struct writer {
	struct tree *tree;
	uint64_t manifest, off;
	struct buf *out;
};

/* Writes entries [from, to) as one page and adds its reference to `refs`. */
static teg_status write_page(struct writer *w, uint8_t level, const struct page_entry *entries,
                             size_t n, struct slot *slot_out, teg_error *err)
{
	size_t start = w->out->len;
	uint8_t *value = arena_alloc(&w->tree->arena, PAGE_REF_LEN);
	struct page_ref ref;

	page_put(level, entries, n, w->out);
	if (!value || buf_status(w->out) != TEG_OK)
		return value && buf_status(w->out) == TEG_LIMIT
		               ? teg_fail(err, TEG_LIMIT, "catalog page too large")
		               : no_memory(err);
	ref = (struct page_ref){ w->manifest, w->off + start, (uint32_t)(w->out->len - start),
		                 hash_bytes(span_of(w->out->at + start, w->out->len - start)) };
	page_ref_put(&ref, value);
	slot_out->entry.key = n ? entries[0].key : (struct span){ NULL, 0 };
	slot_out->entry.value = span_of(value, PAGE_REF_LEN);
	slot_out->below = NULL;
	return TEG_OK;
}

/* Where the page that begins with entry `from` ends: at about `share` bytes, at most a page's. */
static size_t cut(const struct page_entry *entries, size_t from, size_t n, size_t share)
{
	size_t len = PAGE_HEADER_LEN, to = from;

	while (to < n &&
	       (to == from || (len < share && len + page_entry_len(&entries[to]) <= FILL_LEN)))
		len += page_entry_len(&entries[to++]);
	return to;
}

/* Cuts a node whose slots are all entries into pages of even size. */
static teg_status write_node(struct writer *w, const struct tree_node *node,
                             struct slot **slots_out, size_t *n_out, teg_error *err)
{
	struct arena *arena = &w->tree->arena;
	struct page_entry *entries = arena_array(arena, node->n + 1, sizeof *entries);
	struct slot *slots = arena_array(arena, node->n + 1, sizeof *slots);
	size_t room = FILL_LEN - PAGE_HEADER_LEN;
	size_t payload = node_len(node) - PAGE_HEADER_LEN;
	size_t n_pages = payload / room + (payload % room != 0);
	size_t share = n_pages > 1 ? payload / n_pages + PAGE_HEADER_LEN : FILL_LEN;
	size_t n = 0, from = 0;

	if (!entries || !slots)
		return no_memory(err);
	for (size_t i = 0; i < node->n; i++)
		entries[i] = node->slots[i].entry;
	do {
		size_t to = cut(entries, from, node->n, share);

		TEG_TRY(write_page(w, node->level, entries + from, to - from, &slots[n++], err));
		from = to;
	} while (from < node->n);
	*slots_out = slots;
	*n_out = n;
	return TEG_OK;
}

static teg_status write_tree(struct writer *w, struct tree_node *node, struct slot **slots_out,
                             size_t *n_out, teg_error *err);

/* Replaces every changed node below by the entries of its pages. */
static teg_status write_below(struct writer *w, struct tree_node *node, teg_error *err)
{
	struct slot *out = NULL;
	size_t n = 0, cap = 0;
	void *block = NULL;
	teg_status status = TEG_OK;

	for (size_t i = 0; i < node->n; i++) {
		struct slot *slots = &node->slots[i];
		size_t m = 1;

		if (node->slots[i].below)
			TEG_DO(write_tree(w, node->slots[i].below, &slots, &m, err));
		TEG_DO(mem_grow(w->tree->source->alloc, &block, &cap, n + m, sizeof *out)
		               ? TEG_OK
		               : no_memory(err));
		out = block;
		memcpy(out + n, slots, m * sizeof *out);
		n += m;
	}
	node->slots = arena_array(&w->tree->arena, n + 1, sizeof *out);
	TEG_DO(node->slots ? TEG_OK : no_memory(err));
	if (n)
		memcpy(node->slots, out, n * sizeof *out);
	node->n = n;
done:
	mem_free(w->tree->source->alloc, block, cap * sizeof *out);
	return status;
}

static teg_status write_tree(struct writer *w, struct tree_node *node, struct slot **slots_out,
                             size_t *n_out, teg_error *err)
{
	if (node->level) {
		TEG_TRY(write_below(w, node, err));
	}
	return write_node(w, node, slots_out, n_out, err);
}

/* Bottom up, as sizes of pages below decide what is joined above. */
static teg_status tidy_all(struct tree *tree, struct tree_node *node, teg_error *err)
{
	if (!node->level)
		return TEG_OK;
	for (size_t i = 0; i < node->n; i++)
		if (node->slots[i].below)
			TEG_TRY(tidy_all(tree, node->slots[i].below, err));
	return tidy(tree, node, err);
}

/* A root above one page only is that page. */
static teg_status shrink_root(struct tree *tree, teg_error *err)
{
	while (tree->root->level && tree->root->n <= 1) {
		if (!tree->root->n) {
			tree->root = new_node(tree, 0, 0);
			return tree->root ? TEG_OK : no_memory(err);
		}
		TEG_TRY(below(tree, tree->root, 0, err));
		tree->root = tree->root->slots[0].below;
	}
	return TEG_OK;
}

teg_status tree_write(struct tree *tree, uint64_t manifest, uint64_t off, struct buf *out,
                      struct page_ref *root_out, teg_error *err)
{
	struct writer w = { tree, manifest, off - out->len, out };
	struct slot *slots;
	uint8_t level;
	size_t n;

	TEG_TRY(tidy_all(tree, tree->root, err));
	TEG_TRY(shrink_root(tree, err));
	level = tree->root->level;
	TEG_TRY(write_tree(&w, tree->root, &slots, &n, err));
	while (n > 1) {
		struct tree_node above = { ++level, true, { 0 }, slots, n };

		if (level > PAGE_LEVEL_MAX)
			return teg_fail(err, TEG_LIMIT, "the catalog is too deep");
		TEG_TRY(write_node(&w, &above, &slots, &n, err));
	}
	*root_out = page_ref_load(slots[0].entry.value.at);
	return TEG_OK;
}
