/* Chunks of every encoding, damaged: cut, flipped bit by bit, with and without their checksums. */
#include <criterion/criterion.h>
#include <stdio.h>
#include "codec/column/page.h"
#include "tests/support/columns.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define N 1100

/* Columns that take the encoding named, in the profile named. */
static const struct sample {
	const char *name;
	enum encoding encoding;
	enum value_class class;
	enum profile profile;
	bool bytes, nulls, zstd, planes;
} samples[] = {
	{ "raw", ENCODING_RAW, VALUE_FLOAT, PROFILE_FAST, false, false, false, false },
	{ "for", ENCODING_FOR, VALUE_SIGNED, PROFILE_FAST, false, true, false, false },
	{ "delta", ENCODING_DELTA, VALUE_SIGNED, PROFILE_FAST, false, false, false, false },
	{ "patched", ENCODING_PATCHED, VALUE_SIGNED, PROFILE_FAST, false, true, false, false },
	{ "runs", ENCODING_RUNS, VALUE_SIGNED, PROFILE_FAST, false, false, false, false },
	{ "dictionary", ENCODING_DICTIONARY, VALUE_BYTES, PROFILE_FAST, true, true, false, false },
	{ "alp", ENCODING_ALP, VALUE_FLOAT, PROFILE_FAST, false, false, false, false },
	{ "strings", ENCODING_RAW, VALUE_BYTES, PROFILE_BALANCED, true, true, true, false },
	{ "planes", ENCODING_RAW, VALUE_FLOAT, PROFILE_BALANCED, false, true, true, true },
};
#define N_SAMPLES (sizeof samples / sizeof *samples)

static uint64_t make(enum encoding encoding, size_t i, struct rng *rng)
{
	double v = (double)rng_below(rng, 900) / 10;
	uint64_t bits;

	switch (encoding) {
	case ENCODING_FOR: return rng_below(rng, 8);
	case ENCODING_DELTA: return i * 1000 + rng_below(rng, 9);
	case ENCODING_PATCHED: return rng_below(rng, 90) ? INT64_MAX : rng_u64(rng) >> 30;
	case ENCODING_RUNS: return i / 120 * 0x123456789;
	case ENCODING_ALP: memcpy(&bits, &v, sizeof bits); return i % 300 ? bits : rng_u64(rng);
	default: return rng_u64(rng);
	}
}

static void make_column(const struct sample *s, size_t n, struct column_buf *b)
{
	struct rng rng = { 83 };
	char text[40];

	column_buf_init(b, s->bytes ? COLUMN_BYTES : COLUMN_FIXED, 8, teg_allocator_default());
	for (size_t i = 0; i < n; i++) {
		uint64_t v = make(s->encoding, i, &rng) &
		             (s->planes ? UINT64_MAX << 32 : UINT64_MAX);
		struct span value = span_of(&v, 8);

		if (s->encoding == ENCODING_DICTIONARY)
			value = span_of(text, (size_t)sprintf(text, "city %d", (int)(v % 6)));
		else if (s->bytes)
			value = span_of(text, (size_t)sprintf(text, "street and number %d",
			                                      (int)(v % 900)));
		if (s->nulls && rng_below(&rng, 200) == 0)
			cr_assert_eq(column_buf_append_nulls(b, 1), TEG_OK);
		else
			cr_assert_eq(column_buf_append_value(b, value, 1), TEG_OK);
	}
}

static void init(const struct sample *s, size_t n, struct encoded *e)
{
	struct column_buf b;
	struct column c;

	make_column(s, n, &b);
	c = column_buf_view(&b);
	encoded_init(e, &c, s->class, s->profile);
	cr_assert_eq(e->chunk.encoding, s->encoding, "%s: %d", s->name, e->chunk.encoding);
	cr_assert_eq(e->chunk.zstd, s->zstd, "%s", s->name);
	cr_assert_eq(e->chunk.planes, s->planes, "%s", s->name);
	column_buf_release(&b);
}

static const struct column_buf *dictionary_of(const struct encoded *e)
{
	return e->chunk.n_dictionary ? &e->dictionary : NULL;
}

/* Decodes page 0 out of `stored`, beside what `out` holds already. */
static teg_status decode(struct encoded *e, struct span stored, bool verify, uint32_t from,
                         uint32_t n, struct column_buf *out)
{
	teg_error err = { 0 };
	teg_status status = verify ? chunk_decode_page(&e->chunk, dictionary_of(e), 0, stored, from,
	                                               n, e->scratch, out, &err)
	                           : chunk_decode_verified(&e->chunk, dictionary_of(e), 0, stored,
	                                                   from, n, e->scratch, out, &err);

	cr_assert(status == TEG_OK || status == TEG_CORRUPT, "%s", err.message);
	cr_assert(status == TEG_OK || err.message[0]);
	return status;
}

/* The first page of a sample of n values, and room for what it decodes to. */
struct first_page {
	const char *name;
	struct encoded e;
	struct span page;
	struct column_buf out;
};

static void on_each_sample(size_t n, void (*check)(struct first_page *p))
{
	for (size_t s = 0; s < N_SAMPLES; s++) {
		struct first_page p = { .name = samples[s].name };

		init(&samples[s], n, &p.e);
		p.page = encoded_page(&p.e, &p.e.chunk.pages[0]);
		column_buf_init(&p.out, p.e.chunk.shape, p.e.chunk.width, teg_allocator_default());
		check(&p);
		column_buf_release(&p.out);
		encoded_release(&p.e);
	}
}

static void flip_every_bit(struct first_page *p)
{
	uint32_t n = p->e.chunk.pages[0].n;

	for (size_t bit = 0; bit < p->page.len * 8; bit++) {
		uint8_t *at = p->e.bytes.at + (p->page.at - p->e.bytes.at) + bit / 8;

		*at ^= (uint8_t)(1u << bit % 8);
		cr_assert_eq(decode(&p->e, p->page, true, 0, n, &p->out), TEG_CORRUPT,
		             "%s: bit %zu", p->name, bit);
		cr_assert_eq(p->out.n, 0);
		*at ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_eq(decode(&p->e, p->page, true, 0, n, &p->out), TEG_OK);
}

Test(damage, every_flipped_bit_is_found) /* ND4 CHUNK-7 */
{
	on_each_sample(250, flip_every_bit);
}

static void cut_everywhere(struct first_page *p)
{
	for (size_t len = 0; len < p->page.len; len++) {
		struct span cut = span_of(p->page.at, len);

		cr_assert_eq(decode(&p->e, cut, true, 0, 1, &p->out), TEG_CORRUPT, "%s: %zu",
		             p->name, len);
		cr_assert_eq(decode(&p->e, cut, false, 0, 1, &p->out), TEG_CORRUPT, "%s: %zu",
		             p->name, len);
	}
}

Test(damage, every_cut_is_found) /* ND4 */
{
	on_each_sample(N, cut_everywhere);
}

/* Behind a checksum that was made for it, damage may give other values, or be refused: nothing
 * else, and never a read or write out of bounds (the sanitizers watch). */
static void scribble(struct first_page *p)
{
	struct rng rng = { 89 + p->page.len };

	for (size_t turn = 0; turn < 3000; turn++) {
		uint8_t *copy = mem_alloc(teg_allocator_default(), p->page.len);
		uint32_t from = (uint32_t)rng_below(&rng, p->e.chunk.pages[0].n);
		uint32_t n = turn % 2 ? 1 : p->e.chunk.pages[0].n - from;

		memcpy(copy, p->page.at, p->page.len);
		for (size_t i = rng_below(&rng, 4); i < 4; i++)
			copy[rng_below(&rng, turn % 3 ? p->page.len : p->page.len / 8 + 1)] =
				(uint8_t)rng_u64(&rng);
		column_buf_clear(&p->out);
		if (decode(&p->e, span_of(copy, p->page.len), false, from, n, &p->out) == TEG_OK)
			cr_assert_eq(p->out.n, n);
		else
			cr_assert_eq(p->out.n, 0);
		mem_free(teg_allocator_default(), copy, p->page.len);
	}
}

Test(damage, with_a_checksum_of_its_own_does_no_harm) /* X18 X19 */
{
	on_each_sample(N, scribble);
}

Test(damage, of_a_descriptor_does_no_harm) /* X18 */
{
	for (size_t s = 0; s < N_SAMPLES; s++) {
		struct encoded e;
		struct chunk good;

		init(&samples[s], N, &e);
		good = e.chunk;
		for (size_t bit = 0; bit < e.descriptor.len * 8; bit++) {
			struct column_buf out;

			e.descriptor.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
			column_buf_init(&out, good.shape, good.width, teg_allocator_default());
			if (chunk_parse_descriptor(buf_span(&e.descriptor), good.len, &e.arena,
			                           &e.chunk, NULL) == TEG_OK &&
			    e.chunk.n_pages && e.chunk.shape == good.shape &&
			    e.chunk.width == good.width &&
			    e.chunk.n_dictionary == good.n_dictionary)
				decode(&e, encoded_page(&e, &e.chunk.pages[0]), false, 0,
				       e.chunk.pages[0].n, &out);
			e.descriptor.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
			e.chunk = good;
			column_buf_release(&out);
		}
		encoded_release(&e);
	}
}

Test(damage, misuse_changes_nothing)
{
	struct column_buf out, wrong;
	struct encoded e;
	struct span page;

	init(&samples[5], N, &e);
	page = encoded_page(&e, &e.chunk.pages[0]);
	column_buf_init(&out, COLUMN_BYTES, 0, teg_allocator_default());
	column_buf_init(&wrong, COLUMN_FIXED, 8, teg_allocator_default());
	cr_assert_eq(chunk_decode_page(&e.chunk, &e.dictionary, e.chunk.n_pages, page, 0, 1,
	                               e.scratch, &out, NULL),
	             TEG_MISUSE);
	cr_assert_eq(chunk_decode_page(&e.chunk, &e.dictionary, 0, page, N, 1, e.scratch, &out,
	                               NULL),
	             TEG_MISUSE);
	cr_assert_eq(chunk_decode_page(&e.chunk, &e.dictionary, 0, page, 1, UINT32_MAX, e.scratch,
	                               &out, NULL),
	             TEG_MISUSE);
	cr_assert_eq(chunk_decode_page(&e.chunk, NULL, 0, page, 0, 1, e.scratch, &out, NULL),
	             TEG_MISUSE);
	cr_assert_eq(chunk_decode_page(&e.chunk, &e.dictionary, 0, page, 0, 1, e.scratch, &wrong,
	                               NULL),
	             TEG_MISUSE);
	cr_assert_eq(chunk_decode_constant(&e.chunk, 1, &out), TEG_MISUSE);
	cr_assert_eq(out.n, 0);
	cr_assert_eq(wrong.n, 0);
	column_buf_release(&out);
	encoded_release(&e);
}

/* A dictionary page with other bytes and the right checksum for them. */
Test(damage, of_a_dictionary_is_found) /* DICT-2 X18 */
{
	teg_error err;
	struct encoded e;
	struct span page;

	init(&samples[5], N, &e);
	page = encoded_page(&e, &e.chunk.dictionary);
	for (size_t i = 0; i < page.len; i++) {
		uint8_t *at = e.bytes.at + (page.at - e.bytes.at) + i;

		*at ^= 0x10;
		cr_assert_eq(chunk_decode_dictionary(&e.chunk, page, e.scratch, &e.dictionary,
		                                     &err),
		             TEG_CORRUPT);
		cr_assert_eq(e.dictionary.n, 0);
		*at ^= 0x10;
		cr_assert_eq(chunk_decode_dictionary(&e.chunk, span_of(page.at, i), e.scratch,
		                                     &e.dictionary, &err),
		             TEG_CORRUPT);
	}
	encoded_release(&e);
}

/* ---- memory that runs out ------------------------------------------------------------------- */

struct trial {
	const struct column *column;
	const struct sample *sample;
};

static teg_status decode_all(const struct chunk *chunk, const uint8_t *bytes,
                             struct codec_scratch *scratch, struct column_buf *dictionary,
                             struct column_buf *out)
{
	if (chunk->n_dictionary)
		TEG_TRY(chunk_decode_dictionary(chunk, span_of(bytes, chunk->dictionary.stored_len),
		                                scratch, dictionary, NULL));
	for (uint32_t i = 0; i < chunk->n_pages; i++)
		TEG_TRY(chunk_decode_page(chunk, chunk->n_dictionary ? dictionary : NULL, i,
		                          span_of(bytes + chunk->pages[i].off,
		                                  chunk->pages[i].stored_len),
		                          0, chunk->pages[i].n, scratch, out, NULL));
	return TEG_OK;
}

static teg_status encode_and_decode(const teg_allocator *alloc, void *ctx)
{
	const struct trial *trial = ctx;
	const struct column *c = trial->column;
	struct codec_scratch *scratch = codec_scratch_new(alloc);
	struct column_buf dictionary, out;
	struct chunk made, chunk;
	struct buf bytes, descriptor;
	struct arena arena;
	teg_status status = TEG_NOMEM;

	if (!scratch)
		return TEG_NOMEM;
	arena_init(&arena, alloc, BUF_NO_LIMIT);
	buf_init(&bytes, alloc, BUF_NO_LIMIT);
	buf_init(&descriptor, alloc, BUF_NO_LIMIT);
	column_buf_init(&dictionary, c->shape, c->width, alloc);
	column_buf_init(&out, c->shape, c->width, alloc);
	TEG_DO(chunk_encode(c, trial->sample->class, trial->sample->profile, scratch, &arena,
	                    &bytes, &made, NULL));
	chunk_put_descriptor(&made, &descriptor);
	TEG_DO(buf_status(&descriptor));
	TEG_DO(chunk_parse_descriptor(buf_span(&descriptor), made.len, &arena, &chunk, NULL));
	TEG_DO(decode_all(&chunk, bytes.at, scratch, &dictionary, &out));
	columns_check_equal(c, 0, &out, trial->sample->name);
done:
	if (status != TEG_OK && buf_status(&bytes) != TEG_OK)
		cr_assert_eq(bytes.len, 0);
	column_buf_release(&out);
	column_buf_release(&dictionary);
	buf_release(&descriptor);
	buf_release(&bytes);
	arena_release(&arena);
	codec_scratch_free(scratch);
	return status;
}

Test(damage, any_allocation_may_fail)
{
	for (size_t s = 0; s < N_SAMPLES; s++) {
		struct column_buf b;
		struct column c;

		make_column(&samples[s], N, &b);
		c = column_buf_view(&b);
		cr_assert_gt(memory_fail_each(encode_and_decode,
		                              &(struct trial){ &c, &samples[s] }),
		             5, "%s", samples[s].name);
		column_buf_release(&b);
	}
}

Test(damage, an_output_that_is_full_keeps_its_length)
{
	struct column_buf b;
	struct column c;

	make_column(&samples[0], N, &b);
	c = column_buf_view(&b);
	for (size_t max = 6; max < 9000; max += 700) {
		struct codec_scratch *scratch = codec_scratch_new(teg_allocator_default());
		struct arena arena;
		struct chunk chunk;
		struct buf out;
		teg_status status;

		arena_init(&arena, teg_allocator_default(), BUF_NO_LIMIT);
		buf_init(&out, teg_allocator_default(), max);
		buf_append(&out, "before", 6);
		status = chunk_encode(&c, VALUE_FLOAT, PROFILE_DENSE, scratch, &arena, &out, &chunk,
		                      NULL);
		cr_assert_eq(status, max < 6 + N * 8 ? TEG_LIMIT : TEG_OK, "%zu", max);
		cr_assert(status == TEG_OK || out.len == 6);
		buf_release(&out);
		arena_release(&arena);
		codec_scratch_free(scratch);
	}
	column_buf_release(&b);
}
