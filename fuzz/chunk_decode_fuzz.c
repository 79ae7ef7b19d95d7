/* Any descriptor with any pages behind it: refused, or decoded to as many values as it says, the
 * same in parts as in one go. Checksums are made to fit, or nothing would get past them.
 *
 *   input   descriptor length u16 | descriptor | chunk bytes
 */
#include <stdlib.h>
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "codec/column/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct decoder {
	const struct chunk *chunk;
	struct span bytes;
	struct codec_scratch *scratch;
	struct column_buf dictionary, whole, part;
};

static teg_status decode(struct decoder *d, uint32_t page, uint32_t from, uint32_t n,
                         struct column_buf *out)
{
	const struct chunk_page *p = &d->chunk->pages[page];
	struct span stored = { d->bytes.at + p->off, p->stored_len };
	teg_error err;
	teg_status status = chunk_decode_verified(d->chunk, &d->dictionary, page, stored, from, n,
	                                          d->scratch, out, &err);

	must(status == TEG_OK || status == TEG_CORRUPT || status == TEG_LIMIT);
	must(status != TEG_OK || out->n == n);
	return status;
}

static void same_values(const struct column_buf *whole, size_t from, const struct column_buf *part)
{
	struct column a = column_buf_view(whole), b = column_buf_view(part);

	for (size_t i = 0; i < b.n; i++) {
		must(column_valid(&a, from + i) == column_valid(&b, i));
		must(span_equal(column_value(&a, from + i), column_value(&b, i)));
	}
}

/* The page at once, and then two parts of it. */
static void decode_page(struct decoder *d, uint32_t page)
{
	uint32_t n = d->chunk->pages[page].n, half = n / 2, few = n - half < 5 ? n - half : 5;

	column_buf_clear(&d->whole);
	column_buf_clear(&d->part);
	if (decode(d, page, 0, n, &d->whole) != TEG_OK)
		return;
	must(decode(d, page, half, few, &d->part) == TEG_OK);
	same_values(&d->whole, half, &d->part);
	column_buf_clear(&d->part);
	must(decode(d, page, half, 1, &d->part) == TEG_OK);
	same_values(&d->whole, half, &d->part);
}

/* Values need not ascend, whatever the caller hopes: a page is searched to some count. */
static void search_page(struct decoder *d, uint32_t page)
{
	struct chunk chunk = *d->chunk;
	struct chunk_page p = chunk.pages[page];
	struct span stored = { d->bytes.at + p.off, p.stored_len };
	uint32_t below;
	teg_status status;

	if (chunk.class == VALUE_WIDE || chunk.class == VALUE_OPAQUE)
		return;
	p.hash = hash_bytes(stored);
	chunk.pages = &p;
	chunk.n_pages = 1;
	status = chunk_search_page(&chunk, &d->dictionary, 0, stored,
	                           d->whole.n * UINT64_C(0x9e3779b97f4a7c15), false, d->scratch,
	                           &below, NULL);
	must(status == TEG_CORRUPT || status == TEG_LIMIT || (status == TEG_OK && below <= p.n));
}

/* Every third row of a page that could be decoded, which is in `whole`, from its bytes before zstd. */
static void take_rows(struct decoder *d, uint32_t page)
{
	static uint32_t rows[65536 / 3 + 1];
	const struct chunk_page *p = &d->chunk->pages[page];
	struct span stored = { d->bytes.at + p->off, p->stored_len };
	struct page_bytes from = { .opened = true, .dictionary = &d->dictionary };
	uint32_t n = 0;

	from.bytes = chunk_opened(d->chunk, p, stored, d->scratch);
	if (!chunk_has_rows(d->chunk) || d->whole.n != p->n || !from.bytes.at)
		return;
	for (uint32_t at = p->n % 3 ? 0 : 2; at < p->n; at += 3)
		rows[n++] = p->first + at;
	column_buf_clear(&d->part);
	must(chunk_take_rows(d->chunk, page, &from, rows, n, d->scratch, &d->part, NULL) == TEG_OK);
	must(d->part.n == n);
	for (uint32_t i = 0; i < n; i++) {
		struct column whole = column_buf_view(&d->whole), part = column_buf_view(&d->part);
		uint32_t at = rows[i] - p->first;

		must(column_valid(&whole, at) == column_valid(&part, i));
		must(span_equal(column_value(&whole, at), column_value(&part, i)));
	}
}

static void read_page(struct decoder *d, uint32_t page)
{
	decode_page(d, page);
	take_rows(d, page);
	search_page(d, page);
}

static bool decode_dictionary(struct decoder *d, struct chunk *chunk)
{
	struct span stored = { d->bytes.at, chunk->dictionary.stored_len };
	teg_status status;

	chunk->dictionary.hash = hash_bytes(stored);
	status = chunk_decode_dictionary(chunk, stored, d->scratch, &d->dictionary, NULL);
	must(status == TEG_OK || status == TEG_CORRUPT);
	return status == TEG_OK;
}

static void decode_chunk(struct chunk *chunk, struct span bytes, const teg_allocator *alloc)
{
	struct decoder d = { .chunk = chunk, .bytes = bytes };

	d.scratch = codec_scratch_new(alloc);
	column_buf_init(&d.dictionary, chunk->shape, chunk->width, alloc);
	column_buf_init(&d.whole, chunk->shape, chunk->width, alloc);
	column_buf_init(&d.part, chunk->shape, chunk->width, alloc);
	if (chunk->encoding == ENCODING_CONSTANT)
		must(chunk_decode_constant(chunk, size_min(chunk->n, 5), &d.whole) == TEG_OK);
	else if (!chunk->n_dictionary || decode_dictionary(&d, chunk))
		for (uint32_t i = 0; i < chunk->n_pages; i++)
			read_page(&d, i);
	column_buf_release(&d.part);
	column_buf_release(&d.whole);
	column_buf_release(&d.dictionary);
	codec_scratch_free(d.scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const teg_allocator *alloc = teg_allocator_default();
	struct reader in = reader_of(span_of(data, size));
	struct span descriptor = reader_take(&in, reader_u16(&in));
	struct span bytes = reader_take(&in, reader_left(&in));
	struct arena arena;
	struct chunk chunk;
	teg_error err;

	arena_init(&arena, alloc, 1 << 20);
	if (reader_ok(&in) &&
	    chunk_parse_descriptor(descriptor, bytes.len, &arena, &chunk, &err) == TEG_OK)
		decode_chunk(&chunk, bytes, alloc);
	arena_release(&arena);
	return 0;
}
