/* Vectors: raw pages that lie as they are read. */
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "codec/column/page.h"
#include "codec/column/raw.h"

#define VECTORS_LEN \
	(16u << 10) /* bytes of a page of several: one is not to cost much more than itself */

/* Values of the page that starts at value `first`: whole vectors, or as much as a page takes of one
 * that is longer. */
static size_t page_values(size_t first, size_t each, size_t width)
{
	size_t most = size_min(PAGE_STORED_MAX / width, PAGE_VALUES_MAX);

	most = size_max(most, 1);
	if (each <= most)
		return size_max(size_min(VECTORS_LEN / width, most) / each, 1) * each;
	return size_min(most, each - first % each);
}

static size_t count_pages(const struct column *c, size_t each)
{
	size_t n = 0;

	for (size_t first = 0; first < c->n; n++)
		first += page_values(first, each, c->width);
	return n;
}

static void put_pages(const struct column *c, enum value_class class, size_t each, size_t start,
                      struct chunk_page *pages, struct buf *out)
{
	for (size_t first = 0, n; first < c->n; first += n, pages++) {
		size_t off = out->len;

		n = size_min(page_values(first, each, c->width), c->n - first);
		raw_encode(c, class, first, n, NULL, out);
		if (buf_status(out) != TEG_OK)
			return;
		*pages = (struct chunk_page){ (uint32_t)first,
			                      (uint32_t)n,
			                      off - start,
			                      (uint32_t)(out->len - off),
			                      (uint32_t)(out->len - off),
			                      hash_bytes(span_of(out->at + off, out->len - off)) };
	}
}

teg_status chunk_encode_vectors(const struct column *c, enum value_class class, size_t each,
                                struct arena *arena, struct buf *out, struct chunk *chunk_out,
                                teg_error *err)
{
	static const uint8_t zeros[CHUNK_ALIGN];
	struct chunk chunk = { .encoding = ENCODING_RAW,
		               .shape = c->shape,
		               .width = c->width,
		               .class = class,
		               .vectors = true,
		               .n = (uint32_t)c->n };
	size_t start = out->len;
	struct chunk_page *pages;

	if (!each || !c->n || c->n % each || c->n > CHUNK_VALUES_MAX || !page_size_ok(&chunk) ||
	    !page_types_agree(&chunk))
		return teg_fail(err, TEG_MISUSE, "no vectors of %zu values among %zu", each, c->n);
	TEG_TRY(buf_status(out));
	chunk.n_pages = (uint32_t)count_pages(c, each);
	pages = arena_array(arena, chunk.n_pages, sizeof *pages);
	if (!pages)
		return teg_fail(err, TEG_NOMEM, "no memory for %u pages", chunk.n_pages);
	chunk.pad = (uint8_t)((CHUNK_ALIGN - start % CHUNK_ALIGN) % CHUNK_ALIGN);
	buf_append(out, zeros, chunk.pad);
	put_pages(c, class, each, start, pages, out);
	if (buf_status(out) != TEG_OK) {
		out->len = start;
		return teg_fail(err, buf_status(out), "vectors: no room");
	}
	chunk.pages = pages;
	chunk.len = out->len - start;
	*chunk_out = chunk;
	return TEG_OK;
}
