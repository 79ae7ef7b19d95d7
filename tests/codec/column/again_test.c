#include "tests/support/columns.h"
#include <criterion/criterion.h>
#include <string.h>

/* Pages that were decoded once give any part of themselves again without the checks over the whole
 * page: the parts are the same values, null for null. */

#define VALUES 5000

static const struct {
	const char *name;
	size_t null_every; /* 0: none */
	bool text;
} cases[] = {
	{ "no nulls", 0, false },
	{ "few nulls, by position", 611, false },
	{ "many nulls, as a bitmap", 3, false },
	{ "all null", 1, false },
	{ "text, no nulls", 0, true },
	{ "text, few nulls", 611, true },
	{ "text, many nulls", 3, true },
};

struct made {
	int64_t numbers[VALUES];
	char text[VALUES * 3];
	int32_t offsets[VALUES + 1];
	uint8_t validity[VALUES / 8 + 1];
	struct column column;
};

static void make(struct made *m, size_t which)
{
	static const char *const words[] = { "JFK", "LG", "", "E" };
	size_t every = cases[which].null_every;

	memset(m->validity, 0xff, sizeof m->validity);
	m->offsets[0] = 0;
	for (size_t i = 0; i < VALUES; i++) {
		const char *word = words[i * 7 % 4];
		size_t len = strlen(word);
		bool null = every && i % every == 0;

		if (null)
			m->validity[i / 8] &= (uint8_t) ~(1u << i % 8);
		m->numbers[i] = null ? 0 : (int64_t)(i * i % 1777);
		memcpy(m->text + m->offsets[i], word, null ? 0 : len);
		m->offsets[i + 1] = m->offsets[i] + (null ? 0 : (int32_t)len);
	}
	m->column = (struct column){ .shape = cases[which].text ? COLUMN_BYTES : COLUMN_FIXED,
		                     .width = cases[which].text ? 0 : 8,
		                     .n = VALUES,
		                     .validity = every ? m->validity : NULL,
		                     .values = cases[which].text ? (const uint8_t *)m->text
		                                                 : (const uint8_t *)m->numbers,
		                     .offsets = cases[which].text ? m->offsets : NULL };
}

static void check_page(struct encoded *e, const struct column *want, uint32_t page,
                       const char *name)
{
	const struct chunk_page *p = &e->chunk.pages[page];
	const struct column_buf *dictionary = e->chunk.n_dictionary ? &e->dictionary : NULL;
	struct span stored = encoded_page(e, p);
	struct column_buf out;

	column_buf_init(&out, want->shape, want->width, teg_allocator_default());
	cr_assert_eq(chunk_decode_page(&e->chunk, dictionary, page, stored, 0, 1, e->scratch, &out,
	                               NULL),
	             TEG_OK, "%s", name);
	for (uint32_t from = 0; from < p->n; from += 97) {
		uint32_t n = from % 5 ? 1 : (p->n - from < 1500 ? p->n - from : 1500);

		column_buf_clear(&out);
		cr_assert_eq(chunk_decode_again(&e->chunk, dictionary, page, stored, from, n,
		                                e->scratch, &out, NULL),
		             TEG_OK, "%s", name);
		cr_assert_eq(out.n, n);
		columns_check_equal(want, p->first + from, &out, name);
	}
	column_buf_release(&out);
}

Test(again, gives_the_same_values_as_the_first_time)
{
	static struct made made;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct encoded e;

		make(&made, i);
		encoded_init(&e, &made.column, cases[i].text ? VALUE_BYTES : VALUE_SIGNED,
		             PROFILE_BALANCED);
		for (uint32_t page = 0; page < e.chunk.n_pages; page++)
			check_page(&e, &made.column, page, cases[i].name);
		encoded_release(&e);
	}
}

Test(again, refuses_what_lies_outside_the_page)
{
	static struct made made;
	struct encoded e;
	struct column_buf out;
	struct span stored;

	make(&made, 0);
	encoded_init(&e, &made.column, VALUE_SIGNED, PROFILE_BALANCED);
	column_buf_init(&out, COLUMN_FIXED, 8, teg_allocator_default());
	stored = encoded_page(&e, &e.chunk.pages[0]);
	cr_expect_eq(chunk_decode_again(&e.chunk, NULL, 0, stored, e.chunk.pages[0].n, 1, e.scratch,
	                                &out, NULL),
	             TEG_MISUSE);
	cr_expect_eq(chunk_decode_again(&e.chunk, NULL, e.chunk.n_pages, stored, 0, 1, e.scratch,
	                                &out, NULL),
	             TEG_MISUSE);
	stored.len = 1;
	cr_expect_eq(chunk_decode_again(&e.chunk, NULL, 0, stored, 0, 1, e.scratch, &out, NULL),
	             TEG_CORRUPT);
	cr_expect_eq(out.n, 0);
	column_buf_release(&out);
	encoded_release(&e);
}

/* What is kept of a page before zstd is never taken for another page's. */
Test(again, tells_pages_apart_that_zstd_packed)
{
	enum { MANY = 60000 };
	static int64_t numbers[MANY];
	const struct column column = {
		.shape = COLUMN_FIXED, .width = 8, .n = MANY, .values = (const uint8_t *)numbers
	};
	struct encoded e;
	struct column_buf out;

	for (size_t i = 0; i < MANY; i++)
		numbers[i] = (int64_t)(i % 900 * 0x9e3779b97f4a7c15u);
	encoded_init(&e, &column, VALUE_SIGNED, PROFILE_DENSE);
	cr_assert(e.chunk.zstd);
	cr_assert_geq(e.chunk.n_pages, 2);
	column_buf_init(&out, COLUMN_FIXED, 8, teg_allocator_default());
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t page = i % 3 ? 0 : 1 + i % (e.chunk.n_pages - 1);

		column_buf_clear(&out);
		cr_assert_eq(chunk_decode_again(&e.chunk,
		                                e.chunk.n_dictionary ? &e.dictionary : NULL, page,
		                                encoded_page(&e, &e.chunk.pages[page]), i, 700,
		                                e.scratch, &out, NULL),
		             TEG_OK);
		columns_check_equal(&column, e.chunk.pages[page].first + i, &out, "zstd");
	}
	column_buf_release(&out);
	encoded_release(&e);
}
