#include "engine/store/catalog.h"

teg_status catalog_load(const struct page_source *source, const struct page_ref *ref,
                        const struct page *above, uint32_t at, struct buf *bytes,
                        struct page *page_out, teg_error *err)
{
	TEG_TRY(source->read(source->ctx, ref, bytes, err));
	TEG_TRY(page_parse(buf_span(bytes), page_out, err));
	if (!above)
		return TEG_OK;
	if (page_out->level + 1 != above->level)
		return teg_fail(err, TEG_CORRUPT, "catalog page: level %u below level %u",
		                page_out->level, above->level);
	if (!page_out->n || !span_equal(page_key(page_out, 0), page_key(above, at)))
		return teg_fail(err, TEG_CORRUPT,
		                "catalog page: first key differs from the page above");
	return TEG_OK;
}

void cursor_init(struct cursor *c, const struct page_source *source, const struct page_ref *root)
{
	*c = (struct cursor){ .source = source, .root = *root };
	for (int i = 0; i <= PAGE_LEVEL_MAX; i++)
		buf_init(&c->level[i].bytes, source->alloc, PAGE_LEN_LIMIT);
}

void cursor_release(struct cursor *c)
{
	for (int i = 0; i <= PAGE_LEVEL_MAX; i++)
		buf_release(&c->level[i].bytes);
	c->depth = 0;
	c->valid = false;
}

/* Loads the page at `ref` as the cursor's next level. */
static teg_status push(struct cursor *c, const struct page_ref *ref, teg_error *err)
{
	const struct page *above = c->depth ? &c->level[c->depth - 1].page : NULL;
	uint32_t at = above ? c->level[c->depth - 1].at : 0;

	TEG_TRY(catalog_load(c->source, ref, above, at, &c->level[c->depth].bytes,
	                     &c->level[c->depth].page, err));
	c->level[c->depth].at = 0;
	c->depth++;
	return TEG_OK;
}

static struct page_ref child_ref(const struct cursor *c, int depth)
{
	struct page_entry entry = page_at(&c->level[depth].page, c->level[depth].at);

	return page_ref_load(entry.value.at);
}

static const struct page *leaf(const struct cursor *c)
{
	return &c->level[c->depth - 1].page;
}

/* Down to the leaf that would hold `key`. */
static teg_status descend(struct cursor *c, struct span key, teg_error *err)
{
	c->depth = 0;
	c->valid = false;
	TEG_TRY(push(c, &c->root, err));
	while (leaf(c)->level) {
		struct page_ref ref;

		c->level[c->depth - 1].at = page_child(leaf(c), key);
		ref = child_ref(c, c->depth - 1);
		TEG_TRY(push(c, &ref, err));
	}
	return TEG_OK;
}

/* To the leaf after this one, first entry; invalid at the end. */
static teg_status next_leaf(struct cursor *c, teg_error *err)
{
	int d = c->depth - 2;

	while (d >= 0 && c->level[d].at + 1 >= c->level[d].page.n)
		d--;
	if (d < 0) {
		c->valid = false;
		return TEG_OK;
	}
	c->level[d].at++;
	c->depth = d + 1;
	while (leaf(c)->level) {
		struct page_ref ref = child_ref(c, c->depth - 1);

		TEG_TRY(push(c, &ref, err));
	}
	c->valid = leaf(c)->n > 0;
	return TEG_OK;
}

teg_status cursor_seek(struct cursor *c, struct span key, teg_error *err)
{
	TEG_TRY(descend(c, key, err));
	c->level[c->depth - 1].at = page_lower_bound(leaf(c), key);
	if (c->level[c->depth - 1].at == leaf(c)->n)
		return next_leaf(c, err);
	c->valid = true;
	return TEG_OK;
}

teg_status cursor_floor(struct cursor *c, struct span key, teg_error *err)
{
	uint32_t i;

	TEG_TRY(descend(c, key, err));
	i = page_lower_bound(leaf(c), key);
	if (i < leaf(c)->n && span_equal(page_key(leaf(c), i), key))
		i++;
	/* A page's first key is the least below it, so nothing lower lies in the pages before. */
	if (!i)
		return TEG_OK;
	c->level[c->depth - 1].at = i - 1;
	c->valid = true;
	return TEG_OK;
}

teg_status cursor_next(struct cursor *c, teg_error *err)
{
	if (!c->valid)
		return TEG_OK;
	if (++c->level[c->depth - 1].at < leaf(c)->n)
		return TEG_OK;
	c->valid = false;
	return next_leaf(c, err);
}

struct page_entry cursor_entry(const struct cursor *c)
{
	return page_at(leaf(c), c->level[c->depth - 1].at);
}

teg_status cursor_find(struct cursor *c, struct span key, teg_error *err)
{
	TEG_TRY(cursor_seek(c, key, err));
	if (!c->valid || !span_equal(cursor_entry(c).key, key))
		return TEG_NOT_FOUND;
	return TEG_OK;
}
