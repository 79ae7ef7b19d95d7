/* Single values of dictionary columns, looked up in a dictionary page that stays encoded. */
#include "codec/column/dictionary.h"
#include <criterion/criterion.h>
#include "codec/column/for.h"
#include "codec/column/raw.h"
#include "tests/support/columns.h"
#include "tests/support/rng.h"

#define VALUES 6000

static void make(struct column_buf *b, bool text, size_t null_every, struct rng *rng)
{
	static const char *const words[] = { "JFK", "LGA", "", "a long name of a place", "E" };

	column_buf_init(b, text ? COLUMN_BYTES : COLUMN_FIXED, text ? 0 : 8,
	                teg_allocator_default());
	for (size_t i = 0; i < VALUES; i++) {
		uint64_t pick = rng_below(rng, 5), number = pick * 0x123456789abcdefu;

		if (null_every && rng_below(rng, null_every) == 0)
			cr_assert_eq(column_buf_append_nulls(b, 1), TEG_OK);
		else
			cr_assert_eq(column_buf_append_value(b,
			                                     text ? span_of_text(words[pick])
			                                          : span_of(&number, 8),
			                                     1),
			             TEG_OK);
	}
}

static teg_status pick(struct encoded *e, struct span dictionary, uint32_t page, struct span stored,
                       uint32_t from, uint32_t n, struct column_buf *out)
{
	struct page_bytes bytes = { .bytes = stored, .picked = dictionary };

	return chunk_decode_from(&e->chunk, page, &bytes, from, n, e->scratch, out, NULL);
}

static void check_pages(struct encoded *e, const struct column *want, struct rng *rng)
{
	struct span dictionary = encoded_page(e, &e->chunk.dictionary);
	struct column_buf out;

	cr_assert_eq(chunk_verify_dictionary(&e->chunk, dictionary, NULL), TEG_OK);
	column_buf_init(&out, want->shape, want->width, teg_allocator_default());
	for (uint32_t p = 0; p < e->chunk.n_pages; p++)
		for (int round = 0; round < 300; round++) {
			const struct chunk_page *page = &e->chunk.pages[p];
			uint32_t from = (uint32_t)rng_below(rng, page->n);
			uint32_t n = from + 3 < page->n ? 1 + (uint32_t)rng_below(rng, 3) : 1;

			column_buf_clear(&out);
			cr_assert_eq(pick(e, dictionary, p, encoded_page(e, page), from, n, &out),
			             TEG_OK);
			cr_assert_eq(out.n, n);
			columns_check_equal(want, page->first + from, &out, "picked");
		}
	column_buf_release(&out);
}

Test(pick, agrees_with_the_column)
{
	static const size_t null_rates[] = { 0, 2, 300 };
	struct rng rng = { 17 };

	for (int text = 0; text < 2; text++)
		for (size_t k = 0; k < 3; k++) {
			struct column_buf b;
			struct column c;
			struct encoded e;

			make(&b, text, null_rates[k], &rng);
			c = column_buf_view(&b);
			encoded_init(&e, &c, text ? VALUE_BYTES : VALUE_UNSIGNED, PROFILE_FAST);
			cr_assert_eq(e.chunk.encoding, ENCODING_DICTIONARY);
			check_pages(&e, &c, &rng);
			encoded_release(&e);
			column_buf_release(&b);
		}
}

Test(pick, refuses_codes_outside_the_dictionary) /* DICT-4 */
{
	static const uint16_t codes[] = { 0, 2, 3 };
	static const uint64_t numbers[] = { 5, 6, 7 };
	struct span values = span_of(numbers, sizeof numbers);
	struct column_buf out;
	struct reader in;
	struct buf page;

	buf_init(&page, teg_allocator_default(), BUF_NO_LIMIT);
	column_buf_init(&out, COLUMN_FIXED, 8, teg_allocator_default());
	for_encode(codes, 2, 3, false, &page);
	in = reader_of(buf_span(&page));
	cr_assert_eq(dictionary_pick(&in, values, 3, VALUE_UNSIGNED, 3, 0, 2, NULL, &out), TEG_OK);
	cr_assert_eq(((const uint64_t *)(const void *)out.values)[1], 7);
	in = reader_of(buf_span(&page));
	cr_assert_eq(dictionary_pick(&in, values, 3, VALUE_UNSIGNED, 3, 2, 1, NULL, &out),
	             TEG_CORRUPT);
	in = reader_of(span_of(page.at, page.len - 1));
	cr_assert_eq(dictionary_pick(&in, values, 3, VALUE_UNSIGNED, 3, 0, 1, NULL, &out),
	             TEG_CORRUPT);
	column_buf_release(&out);
	buf_release(&page);
}

Test(pick, sees_damage_and_misuse)
{
	struct rng rng = { 3 };
	struct column_buf b, out;
	struct column c;
	struct encoded e;
	struct span dictionary, page;

	make(&b, true, 0, &rng);
	c = column_buf_view(&b);
	encoded_init(&e, &c, VALUE_BYTES, PROFILE_FAST);
	column_buf_init(&out, COLUMN_BYTES, 0, teg_allocator_default());
	dictionary = encoded_page(&e, &e.chunk.dictionary);
	page = encoded_page(&e, &e.chunk.pages[0]);
	cr_assert_eq(pick(&e, span_of(NULL, 0), 0, page, 0, 1, &out), TEG_MISUSE);
	cr_assert_eq(pick(&e, dictionary, e.chunk.n_pages, page, 0, 1, &out), TEG_MISUSE);
	((uint8_t *)(uintptr_t)page.at)[9] ^= 1;
	cr_assert_eq(pick(&e, dictionary, 0, page, 0, 1, &out), TEG_CORRUPT);
	((uint8_t *)(uintptr_t)dictionary.at)[3] ^= 1;
	cr_assert_eq(chunk_verify_dictionary(&e.chunk, dictionary, NULL), TEG_CORRUPT);
	column_buf_release(&out);
	encoded_release(&e);
	column_buf_release(&b);
}
