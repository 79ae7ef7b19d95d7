#include <criterion/criterion.h>
#include "codec/column/page.h"
#include "tests/support/rng.h"

struct vectors {
	struct column_buf values;
	struct buf bytes;
	struct arena arena;
	struct chunk chunk;
	teg_error err;
};

/* `before`: bytes that are in the buffer already. */
static teg_status encode(struct vectors *e, uint32_t width, size_t each, size_t n, size_t before)
{
	const teg_allocator *alloc = teg_allocator_default();
	struct rng rng = { 7 };
	struct column view;

	column_buf_init(&e->values, COLUMN_FIXED, width, alloc);
	buf_init(&e->bytes, alloc, BUF_NO_LIMIT);
	arena_init(&e->arena, alloc, SIZE_MAX);
	rng_fill(&rng, column_buf_extend(&e->values, n), n * width);
	cr_assert_neq(buf_extend(&e->bytes, before), NULL);
	view = column_buf_view(&e->values);
	return chunk_encode_vectors(&view, VALUE_FLOAT, each, &e->arena, &e->bytes, &e->chunk,
	                            &e->err);
}

static void release(struct vectors *e)
{
	column_buf_release(&e->values);
	buf_release(&e->bytes);
	arena_release(&e->arena);
}

static const struct {
	const char *what;
	uint32_t width;
	size_t each, n, before;
	uint32_t per_page; /* values of the first page */
} cases[] = {
	{ "one vector", 4, 64, 64, 0, 64 },
	{ "behind a chunk that ends anywhere", 8, 32, 320, 13, 320 },
	{ "half a page: one", 4, 4096, 4096 * 5, 64, 4096 },
	{ "two vectors a page", 4, 2048, 2048 * 5, 64, 4096 },
	{ "one and a bit a page: one", 4, 5000, 5000 * 3, 1, 5000 },
	{ "larger than a page", 8, 5000, 5000 * 2, 0, 4096 },
	{ "more values than a page", 2, 20000, 40000, 0, 16384 },
};

Test(vectors, lie_as_they_are_read) /* VECTOR-1 VECTOR-2 NEST-7 PAGE-3 */
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct vectors e;
		const struct chunk *c = &e.chunk;

		cr_assert_eq(encode(&e, cases[i].width, cases[i].each, cases[i].n, cases[i].before),
		             TEG_OK, "%s: %s", cases[i].what, e.err.message);
		cr_assert_eq((cases[i].before + c->pad) % CHUNK_ALIGN, 0, "%s", cases[i].what);
		cr_assert_eq(c->pages[0].off, c->pad);
		cr_assert_eq(c->pages[0].n, cases[i].per_page, "%s: %u", cases[i].what,
		             c->pages[0].n);
		cr_assert_eq(c->len, c->pad + cases[i].n * cases[i].width);
		cr_assert_eq(memcmp(e.bytes.at + cases[i].before + c->pad, e.values.values,
		                    cases[i].n * cases[i].width),
		             0, "%s", cases[i].what);
		for (uint32_t p = 0; p < c->n_pages; p++) {
			size_t first = c->pages[p].first, end = first + c->pages[p].n;

			cr_assert_leq(c->pages[p].stored_len, PAGE_STORED_MAX);
			cr_assert(first / cases[i].each == (end - 1) / cases[i].each ||
			                  (first % cases[i].each == 0 && end % cases[i].each == 0),
			          "%s: page %u has parts of two vectors", cases[i].what, p);
		}
		release(&e);
	}
}

Test(vectors, come_back_by_their_descriptor) /* VECTOR-1 CHUNK-1 */
{
	struct buf descriptor;
	struct vectors e;
	struct chunk back;
	struct arena arena;
	teg_error err;

	cr_assert_eq(encode(&e, 4, 100, 1000, 3), TEG_OK);
	buf_init(&descriptor, teg_allocator_default(), BUF_NO_LIMIT);
	chunk_put_descriptor(&e.chunk, &descriptor);
	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	cr_assert_eq(chunk_parse_descriptor(buf_span(&descriptor), e.chunk.len, &arena, &back,
	                                    &err),
	             TEG_OK, "%s", err.message);
	cr_assert(back.vectors);
	cr_assert_eq(back.pad, e.chunk.pad);
	cr_assert_eq(back.len, e.chunk.len);
	/* 64 bytes of padding are one too many; padding of a chunk without vectors is none. */
	descriptor.at[3] = CHUNK_ALIGN;
	cr_assert_eq(chunk_parse_descriptor(buf_span(&descriptor), UINT64_MAX, &arena, &back, &err),
	             TEG_CORRUPT);
	descriptor.at[3] = 1;
	descriptor.at[1] = 0;
	cr_assert_eq(chunk_parse_descriptor(buf_span(&descriptor), UINT64_MAX, &arena, &back, &err),
	             TEG_CORRUPT);
	for (uint8_t flag = 1; flag <= 2; flag++) { /* zstd, nulls */
		descriptor.at[3] = 0;
		descriptor.at[1] = (uint8_t)(64 | flag);
		cr_assert_eq(chunk_parse_descriptor(buf_span(&descriptor), UINT64_MAX, &arena,
		                                    &back, &err),
		             TEG_CORRUPT, "flag %u", flag);
	}
	arena_release(&arena);
	buf_release(&descriptor);
	release(&e);
}

Test(vectors, refuses_what_is_none)
{
	struct vectors e;

	cr_assert_eq(encode(&e, 4, 0, 10, 0), TEG_MISUSE);
	release(&e);
	cr_assert_eq(encode(&e, 4, 7, 10, 0), TEG_MISUSE);
	cr_assert_eq(e.bytes.len, 0);
	release(&e);
	cr_assert_eq(encode(&e, 3, 5, 10, 0), TEG_MISUSE); /* a float of three bytes */
	release(&e);
}
