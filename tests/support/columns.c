#include "tests/support/columns.h"
#include <criterion/criterion.h>
#include "codec/base/checked.h"
#include "tests/support/rng.h"

void encoded_init(struct encoded *e, const struct column *c, enum value_class class,
                  enum profile profile)
{
	const teg_allocator *alloc = teg_allocator_default();
	teg_error err = { 0 };

	arena_init(&e->arena, alloc, BUF_NO_LIMIT);
	buf_init(&e->bytes, alloc, BUF_NO_LIMIT);
	buf_init(&e->descriptor, alloc, BUF_NO_LIMIT);
	e->scratch = codec_scratch_new(alloc);
	column_buf_init(&e->dictionary, c->shape, c->width, alloc);
	buf_append(&e->bytes, "before", 6); /* a chunk need not start at 0 */
	cr_assert_eq(chunk_encode(c, class, profile, e->scratch, &e->arena, &e->bytes, &e->made,
	                          &err),
	             TEG_OK, "%s", err.message);
	chunk_put_descriptor(&e->made, &e->descriptor);
	cr_assert_eq(chunk_parse_descriptor(buf_span(&e->descriptor), e->made.len, &e->arena,
	                                    &e->chunk, &err),
	             TEG_OK, "%s", err.message);
	cr_assert_eq(e->chunk.len, e->bytes.len - 6);
	if (e->chunk.n_dictionary)
		cr_assert_eq(chunk_decode_dictionary(&e->chunk,
		                                     encoded_page(e, &e->chunk.dictionary),
		                                     e->scratch, &e->dictionary, &err),
		             TEG_OK, "%s", err.message);
}

void encoded_release(struct encoded *e)
{
	column_buf_release(&e->dictionary);
	codec_scratch_free(e->scratch);
	buf_release(&e->descriptor);
	buf_release(&e->bytes);
	arena_release(&e->arena);
}

struct span encoded_page(const struct encoded *e, const struct chunk_page *page)
{
	cr_assert_leq(page->off + page->stored_len, e->chunk.len);
	return (struct span){ e->bytes.at + 6 + page->off, page->stored_len };
}

teg_status encoded_read(struct encoded *e, uint32_t from, uint32_t n, struct column_buf *out)
{
	const struct column_buf *dictionary = e->chunk.n_dictionary ? &e->dictionary : NULL;

	if (e->chunk.encoding == ENCODING_CONSTANT)
		return chunk_decode_constant(&e->chunk, n, out);
	while (n) {
		uint32_t i = chunk_page_of(&e->chunk, from);
		const struct chunk_page *page = &e->chunk.pages[i];
		uint32_t skip = from - page->first;
		uint32_t use = (uint32_t)size_min(n, page->n - skip);

		cr_assert(from >= page->first && skip < page->n, "page of %u", from);
		TEG_TRY(chunk_decode_page(&e->chunk, dictionary, i, encoded_page(e, page), skip,
		                          use, e->scratch, out, NULL));
		from += use;
		n -= use;
	}
	return TEG_OK;
}

/* Values `from` and on, or those of `rows`. */
static void check_equal(const struct column *want, size_t from, const uint32_t *rows,
                        const struct column_buf *got, const char *name)
{
	struct column view = column_buf_view(got);
	size_t n_nulls = 0;

	for (size_t i = 0; i < got->n; i++) {
		size_t at = rows ? rows[i] : from + i;
		bool valid = column_valid(want, at);

		n_nulls += !valid;
		cr_assert_eq(valid, column_valid(&view, i), "%s: null at %zu", name, at);
		cr_assert(!valid || span_equal(column_value(want, at), column_value(&view, i)),
		          "%s: value %zu", name, at);
	}
	cr_assert_eq(got->n_nulls, n_nulls, "%s", name);
}

void columns_check_equal(const struct column *want, size_t from, const struct column_buf *got,
                         const char *name)
{
	check_equal(want, from, NULL, got, name);
}

static void check_range(struct encoded *e, const struct column *c, size_t from, size_t n,
                        const char *name)
{
	struct column_buf out;

	column_buf_init(&out, c->shape, c->width, teg_allocator_default());
	cr_assert_eq(encoded_read(e, (uint32_t)from, (uint32_t)n, &out), TEG_OK, "%s", name);
	cr_assert_eq(out.n, n, "%s", name);
	columns_check_equal(c, from, &out, name);
	column_buf_release(&out);
}

/* Rows of a page in steps of up to `step`: as stored, then from its bytes before zstd. */
static void check_rows(struct encoded *e, const struct column *c, uint32_t page, uint32_t step,
                       struct rng *rng, const char *name)
{
	static uint32_t rows[65536];
	const struct chunk_page *p = &e->chunk.pages[page];
	struct page_bytes from = { .bytes = encoded_page(e, p),
		                   .dictionary = e->chunk.n_dictionary ? &e->dictionary : NULL };
	struct column_buf out;
	uint32_t n = 0;

	for (uint32_t at = (uint32_t)rng_below(rng, step); at < p->n; n++) {
		rows[n] = p->first + at;
		at += 1 + (uint32_t)rng_below(rng, step);
	}
	column_buf_init(&out, c->shape, c->width, teg_allocator_default());
	for (int opened = 0; n && opened < 2; opened++) {
		column_buf_clear(&out);
		cr_assert_eq(chunk_take_rows(&e->chunk, page, &from, rows, n, e->scratch, &out,
		                             NULL),
		             TEG_OK, "%s: rows", name);
		cr_assert_eq(out.n, n, "%s", name);
		check_equal(c, 0, rows, &out, name);
		from.bytes = chunk_opened(&e->chunk, p, from.bytes, e->scratch);
		from.opened = true;
		cr_assert_not_null(from.bytes.at, "%s", name);
	}
	column_buf_release(&out);
}

static void check_pages(const struct encoded *e, const char *name)
{
	for (uint32_t i = 0; i < e->chunk.n_pages; i++)
		cr_assert(e->chunk.pages[i].n == 1 ||
		                  e->chunk.pages[i].stored_len <= PAGE_STORED_MAX,
		          "%s: page %u", name, i);
}

enum encoding columns_check_round_trip(const struct column *c, enum value_class class,
                                       enum profile profile, const char *name)
{
	struct rng rng = { 7 };
	struct encoded e, again;
	enum encoding encoding;

	encoded_init(&e, c, class, profile);
	encoded_init(&again, c, class, profile);
	cr_assert(span_equal(buf_span(&e.bytes), buf_span(&again.bytes)), "%s", name);
	cr_assert(span_equal(buf_span(&e.descriptor), buf_span(&again.descriptor)), "%s", name);
	check_pages(&e, name);
	check_range(&e, c, 0, c->n, name);
	for (int i = 0; c->n && i < 12; i++) {
		size_t from = rng_u64(&rng) % c->n;
		size_t n = rng_u64(&rng) % (c->n - from + 1);

		check_range(&e, c, from, i % 3 == 0 ? 1 : n, name);
	}
	for (uint32_t page = 0; chunk_has_rows(&e.chunk) && page < e.chunk.n_pages; page++) {
		check_rows(&e, c, page, 3, &rng, name);
		check_rows(&e, c, page, 400, &rng, name);
	}
	encoding = e.chunk.encoding;
	encoded_release(&again);
	encoded_release(&e);
	return encoding;
}
