/* Any column, encoded and decoded: the same bits and the same nulls.
 *
 *   input   kind u8 | profile u8 | null rate u8 | repeat u8 | values
 *
 * The kind picks shape, width and class; every value comes `repeat` + 1 times, so that few bytes
 * make long columns. The i-th value is null where a hash of i falls under the rate.
 */
#include <stdlib.h>
#include "codec/column/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct {
	enum value_class class;
	uint32_t width; /* 0: BYTES */
} kinds[] = {
	{ VALUE_UNSIGNED, 1 }, { VALUE_UNSIGNED, 2 }, { VALUE_UNSIGNED, 4 }, { VALUE_UNSIGNED, 8 },
	{ VALUE_SIGNED, 1 },   { VALUE_SIGNED, 2 },   { VALUE_SIGNED, 4 },   { VALUE_SIGNED, 8 },
	{ VALUE_FLOAT, 2 },    { VALUE_FLOAT, 4 },    { VALUE_FLOAT, 8 },    { VALUE_BYTES, 0 },
	{ VALUE_BYTES, 5 },    { VALUE_OPAQUE, 16 },  { VALUE_WIDE, 16 },    { VALUE_BYTES, 40 },
};

/* The next value of the input; BYTES take a length first. */
static struct span next_value(struct reader *in, uint32_t width)
{
	size_t len = width ? width : reader_u8(in);

	return reader_take(in, len < reader_left(in) || width ? len : reader_left(in));
}

static void append(struct column_buf *b, struct span value, size_t times, uint8_t null_rate)
{
	for (size_t i = 0; i < times; i++) {
		uint64_t hash = (b->n + 1) * 0x9e3779b97f4a7c15u >> 56;

		must((hash < null_rate ? column_buf_append_nulls(b, 1)
		                       : column_buf_append_value(b, value, 1)) == TEG_OK);
	}
}

static void make(struct reader *in, uint32_t width, struct column_buf *b)
{
	uint8_t null_rate = reader_u8(in);
	size_t times = (size_t)reader_u8(in) + 1;

	column_buf_init(b, width ? COLUMN_FIXED : COLUMN_BYTES, width, teg_allocator_default());
	while (reader_left(in) && b->n < 60000) {
		struct span value = next_value(in, width);

		if (reader_ok(in))
			append(b, value, times, null_rate);
	}
}

static void check_equal(const struct column *a, const struct column_buf *got)
{
	struct column b = column_buf_view(got);

	must(a->n == b.n);
	for (size_t i = 0; i < a->n; i++) {
		must(column_valid(a, i) == column_valid(&b, i));
		must(!column_valid(a, i) || span_equal(column_value(a, i), column_value(&b, i)));
	}
}

static void decode(const struct chunk *chunk, const uint8_t *at, struct codec_scratch *scratch,
                   struct column_buf *out)
{
	struct column_buf dictionary;

	if (chunk->encoding == ENCODING_CONSTANT) {
		must(chunk_decode_constant(chunk, chunk->n, out) == TEG_OK);
		return;
	}
	column_buf_init(&dictionary, chunk->shape, chunk->width, teg_allocator_default());
	if (chunk->n_dictionary)
		must(chunk_decode_dictionary(chunk, span_of(at, chunk->dictionary.stored_len),
		                             scratch, &dictionary, NULL) == TEG_OK);
	for (uint32_t i = 0; i < chunk->n_pages; i++) {
		const struct chunk_page *p = &chunk->pages[i];

		must(chunk_decode_page(chunk, &dictionary, i, span_of(at + p->off, p->stored_len),
		                       0, p->n, scratch, out, NULL) == TEG_OK);
	}
	column_buf_release(&dictionary);
}

static void round_trip(const struct column *c, enum value_class class, enum profile profile)
{
	const teg_allocator *alloc = teg_allocator_default();
	struct codec_scratch *scratch = codec_scratch_new(alloc);
	struct buf bytes, descriptor;
	struct chunk made, chunk;
	struct column_buf out;
	struct arena arena;

	arena_init(&arena, alloc, SIZE_MAX);
	buf_init(&bytes, alloc, BUF_NO_LIMIT);
	buf_init(&descriptor, alloc, BUF_NO_LIMIT);
	column_buf_init(&out, c->shape, c->width, alloc);
	must(chunk_encode(c, class, profile, scratch, &arena, &bytes, &made, NULL) == TEG_OK);
	chunk_put_descriptor(&made, &descriptor);
	must(chunk_parse_descriptor(buf_span(&descriptor), bytes.len, &arena, &chunk, NULL) ==
	     TEG_OK);
	must(chunk.len == bytes.len);
	decode(&chunk, bytes.at, scratch, &out);
	check_equal(c, &out);
	column_buf_release(&out);
	buf_release(&descriptor);
	buf_release(&bytes);
	arena_release(&arena);
	codec_scratch_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader in = reader_of(span_of(data, size));
	size_t kind = reader_u8(&in) % (sizeof kinds / sizeof *kinds);
	enum profile profile = (enum profile)(reader_u8(&in) % 3);
	struct column_buf b;
	struct column c;

	make(&in, kinds[kind].width, &b);
	c = column_buf_view(&b);
	round_trip(&c, kinds[kind].class, profile);
	column_buf_release(&b);
	return 0;
}
