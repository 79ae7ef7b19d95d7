/* The descriptor of a chunk: CHUNK-1 to CHUNK-6. */
#include "codec/base/checked.h"
#include "codec/column/kernel.h"
#include "codec/column/page.h"
#include "codec/column/planes.h"
#include "codec/column/raw.h"

enum {
	FLAG_ZSTD = 1,
	FLAG_NULLS = 2,
	FLAG_ALL_NULL = 4,
	FLAG_BYTES = 8,
	FLAG_PLANES = 16,
	FLAG_NESTED = 32,
	FLAG_VECTORS = 64,
	FLAG_ZSTD_DICTIONARY = 128
};

static uint8_t flags_of(const struct chunk *c)
{
	return (uint8_t)((c->zstd ? FLAG_ZSTD : 0) | (c->has_nulls ? FLAG_NULLS : 0) |
	                 (c->all_null ? FLAG_ALL_NULL : 0) |
	                 (c->shape == COLUMN_BYTES ? FLAG_BYTES : 0) |
	                 (c->planes ? FLAG_PLANES : 0) | (c->nested ? FLAG_NESTED : 0) |
	                 (c->vectors ? FLAG_VECTORS : 0) |
	                 (c->zstd_dictionary ? FLAG_ZSTD_DICTIONARY : 0));
}

static void put_page(bool zstd, const struct chunk_page *page, struct buf *out)
{
	buf_u32(out, page->n);
	buf_u32(out, page->stored_len);
	if (zstd)
		buf_u32(out, page->raw_len);
	buf_u64(out, page->hash);
}

static void put_constant(const struct chunk *c, struct buf *out)
{
	uint32_t word = c->width ? raw_word(c->class, c->width) : 1;
	uint8_t *at = buf_extend(out, c->constant.len);

	if (!at || !c->constant.len)
		return;
	memcpy(at, c->constant.at, c->constant.len);
	words_swap_to_little(at, word, c->constant.len / word);
}

void chunk_put_descriptor(const struct chunk *c, struct buf *out)
{
	buf_u8(out, (uint8_t)c->encoding);
	buf_u8(out, flags_of(c));
	buf_u8(out, (uint8_t)c->class);
	buf_u8(out, c->pad);
	buf_u32(out, c->width);
	buf_u32(out, c->n);
	if (c->encoding == ENCODING_CONSTANT) {
		buf_u32(out, (uint32_t)c->constant.len);
		put_constant(c, out);
		return;
	}
	if (c->encoding == ENCODING_DICTIONARY)
		put_page(c->zstd_dictionary, &c->dictionary, out);
	buf_u32(out, c->n_pages);
	for (uint32_t i = 0; i < c->n_pages; i++)
		put_page(c->zstd, &c->pages[i], out);
}

static teg_status parse_head(struct reader *in, struct chunk *c, teg_error *err)
{
	uint8_t encoding = reader_u8(in), flags = reader_u8(in), class = reader_u8(in);
	uint8_t pad = reader_u8(in);
	bool vectors = flags & FLAG_VECTORS;

	c->width = reader_u32(in);
	c->n = reader_u32(in);
	if (!reader_ok(in))
		return teg_fail(err, TEG_CORRUPT, "chunk descriptor is cut off");
	if (encoding > ENCODING_ALP)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "chunk has encoding %u, which this version does not know",
		                encoding);
	if (class > VALUE_OFFSETS || pad >= (vectors ? CHUNK_ALIGN : 1) || !page_size_ok(c))
		return teg_fail(err, TEG_CORRUPT,
		                "chunk descriptor has flags %u, class %u, %u values of width %u",
		                flags, class, c->n, c->width);
	c->encoding = (enum encoding)encoding;
	c->class = (enum value_class) class;
	c->zstd = flags & FLAG_ZSTD;
	c->zstd_dictionary = flags & FLAG_ZSTD_DICTIONARY;
	c->planes = flags & FLAG_PLANES;
	c->nested = flags & FLAG_NESTED;
	c->vectors = vectors;
	c->pad = pad;
	c->len = pad;
	c->has_nulls = flags & FLAG_NULLS;
	c->all_null = flags & FLAG_ALL_NULL;
	c->shape = flags & FLAG_BYTES ? COLUMN_BYTES : COLUMN_FIXED;
	if ((c->shape == COLUMN_BYTES) != (c->width == 0))
		return teg_fail(err, TEG_CORRUPT, "chunk has values of width %u", c->width);
	return TEG_OK;
}

bool page_types_agree(const struct chunk *c)
{
	bool fixed = c->shape == COLUMN_FIXED;
	bool number = c->class == VALUE_UNSIGNED || c->class == VALUE_SIGNED ||
	              c->class == VALUE_FLOAT || c->class == VALUE_OFFSETS;

	if (number && (!fixed || !word_width(c->width)))
		return false;
	if (c->class == VALUE_FLOAT && c->width == 1)
		return false;
	if (c->class == VALUE_OFFSETS && (c->width != 4 || c->encoding == ENCODING_DICTIONARY))
		return false;
	if (c->zstd_dictionary && c->encoding != ENCODING_DICTIONARY)
		return false;
	if (c->vectors && (c->encoding != ENCODING_RAW || !fixed || c->zstd || c->has_nulls))
		return false;
	if (c->class == VALUE_WIDE && (!fixed || c->width != 16))
		return false;
	if (c->planes && (c->encoding != ENCODING_RAW || !c->zstd || !fixed ||
	                  !planes_apply(c->class, c->width)))
		return false;
	switch (c->encoding) {
	case ENCODING_RAW:
	case ENCODING_CONSTANT:
	case ENCODING_DICTIONARY: return true;
	case ENCODING_ALP: return c->class == VALUE_FLOAT && c->width == 8;
	default: return number;
	}
}

static teg_status parse_constant(struct reader *in, struct arena *arena, struct chunk *c,
                                 teg_error *err)
{
	uint32_t word = c->width ? raw_word(c->class, c->width) : 1;
	struct span value = reader_take(in, reader_u32(in));
	uint8_t *copy;

	if (!reader_ok(in) || reader_left(in))
		return teg_fail(err, TEG_CORRUPT, "chunk descriptor: the constant does not fit");
	if (c->zstd || c->has_nulls != (c->all_null && c->n))
		return teg_fail(err, TEG_CORRUPT, "chunk descriptor: flags do not suit a constant");
	if (c->all_null
	            ? value.len != 0
	            : !c->n || value.len > CONSTANT_LEN_MAX || (c->width && value.len != c->width))
		return teg_fail(err, TEG_CORRUPT, "chunk descriptor: a constant of %zu bytes",
		                value.len);
	copy = arena_alloc(arena, value.len);
	if (!copy)
		return teg_fail(err, TEG_NOMEM, "no memory for a chunk");
	if (value.len)
		memcpy(copy, value.at, value.len);
	words_swap_to_little(copy, word, value.len / word);
	c->constant = span_of(copy, value.len);
	return TEG_OK;
}

/* One entry of the page table. */
static bool parse_page(struct reader *in, bool zstd, struct chunk_page *page)
{
	page->n = reader_u32(in);
	page->stored_len = reader_u32(in);
	page->raw_len = zstd ? reader_u32(in) : page->stored_len;
	page->hash = reader_u64(in);
	if (!reader_ok(in) || !page->n || page->n > PAGE_VALUES_MAX)
		return false;
	if (page->n > 1 && page->stored_len > PAGE_STORED_MAX)
		return false;
	return !zstd || page->raw_len <= (page->n > 1 ? PAGE_RAW_MAX : VALUE_RAW_MAX);
}

static teg_status parse_dictionary(struct reader *in, struct chunk *c, teg_error *err)
{
	struct chunk_page *page = &c->dictionary;

	if (!parse_page(in, c->zstd_dictionary, page) || page->stored_len > PAGE_STORED_MAX ||
	    page->raw_len > PAGE_RAW_MAX || page->n > c->n)
		return teg_fail(err, TEG_CORRUPT, "dictionary page: %u values in %u bytes", page->n,
		                page->stored_len);
	c->n_dictionary = page->n;
	c->len += page->stored_len;
	return TEG_OK;
}

static teg_status parse_pages(struct reader *in, struct arena *arena, struct chunk *c,
                              teg_error *err)
{
	size_t entry_len = c->zstd ? 20 : 16;
	bool blocks = !c->vectors && page_of_blocks(c->encoding, c->shape, c->width);
	struct chunk_page *pages;
	uint32_t first = 0;

	c->n_pages = reader_u32(in);
	if (!reader_ok(in) || reader_left(in) / entry_len != c->n_pages ||
	    reader_left(in) % entry_len)
		return teg_fail(err, TEG_CORRUPT, "chunk descriptor: %u pages do not fit",
		                c->n_pages);
	pages = arena_array(arena, c->n_pages, sizeof *pages);
	if (!pages)
		return teg_fail(err, TEG_NOMEM, "no memory for %u pages", c->n_pages);
	for (uint32_t i = 0; i < c->n_pages; i++) {
		bool ok = parse_page(in, c->zstd, &pages[i]) && pages[i].n <= c->n - first;

		if (!ok || (blocks && i + 1 < c->n_pages && pages[i].n % BLOCK_VALUES))
			return teg_fail(err, TEG_CORRUPT, "page %u: %u values in %u bytes", i,
			                pages[i].n, pages[i].stored_len);
		pages[i].first = first;
		pages[i].off = c->len;
		first += pages[i].n;
		c->len += pages[i].stored_len;
	}
	c->pages = pages;
	if (first != c->n || !c->n)
		return teg_fail(err, TEG_CORRUPT, "pages hold %u values, the chunk %u", first,
		                c->n);
	return TEG_OK;
}

teg_status chunk_parse_descriptor(struct span bytes, uint64_t chunk_len_max, struct arena *arena,
                                  struct chunk *chunk_out, teg_error *err)
{
	struct reader in = reader_of(bytes);
	struct chunk c = { 0 };

	TEG_TRY(parse_head(&in, &c, err));
	if (!page_types_agree(&c))
		return teg_fail(err, TEG_CORRUPT, "chunk has encoding %u for class %u, width %u",
		                c.encoding, c.class, c.width);
	if (c.encoding == ENCODING_CONSTANT) {
		TEG_TRY(parse_constant(&in, arena, &c, err));
	} else {
		if (c.all_null)
			return teg_fail(err, TEG_CORRUPT, "chunk of nulls with pages");
		if (c.encoding == ENCODING_DICTIONARY)
			TEG_TRY(parse_dictionary(&in, &c, err));
		TEG_TRY(parse_pages(&in, arena, &c, err));
	}
	if (c.len > chunk_len_max)
		return teg_fail(err, TEG_CORRUPT, "chunk of %llu bytes where %llu are left",
		                (unsigned long long)c.len, (unsigned long long)chunk_len_max);
	*chunk_out = c;
	return TEG_OK;
}

uint32_t chunk_page_of(const struct chunk *c, uint32_t i)
{
	uint32_t low = 0, high = c->n_pages;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (c->pages[mid].first <= i)
			low = mid;
		else
			high = mid;
	}
	return low;
}
