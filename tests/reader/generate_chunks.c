/* Golden chunks: one of every encoding. See generate.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "codec/column/chunk.h"
#include "tests/reader/generate.h"
#include "tests/support/rng.h"

enum shape {
	SHAPE_NOISE,
	SHAPE_SMALL,
	SHAPE_ASCENDING,
	SHAPE_MOSTLY_OPEN,
	SHAPE_RUNS,
	SHAPE_FEW,
	SHAPE_ONE,
	SHAPE_DECIMAL,
	SHAPE_PRICES, /* decimals that ascend */
	SHAPE_HOURS,  /* some of 1,500 values with much in common */
	SHAPE_ALIKE   /* words whose lower bytes are alike */
};

struct vector {
	const char *name;
	enum encoding
		encoding; /* that the writer must choose, or the vector tests something else */
	enum value_class class;
	uint32_t width; /* 0: BYTES */
	enum shape shape;
	size_t n, null_every;
	enum profile profile;
};

static const struct vector vectors[] = {
	{ "empty", ENCODING_CONSTANT, VALUE_SIGNED, 8, SHAPE_ONE, 0, 0, PROFILE_BALANCED },
	{ "all_null", ENCODING_CONSTANT, VALUE_FLOAT, 8, SHAPE_ONE, 9, 1, PROFILE_BALANCED },
	{ "all_null_text", ENCODING_CONSTANT, VALUE_BYTES, 0, SHAPE_ONE, 9, 1, PROFILE_BALANCED },
	{ "constant", ENCODING_CONSTANT, VALUE_SIGNED, 4, SHAPE_ONE, 2000, 0, PROFILE_BALANCED },
	{ "constant_text", ENCODING_CONSTANT, VALUE_BYTES, 0, SHAPE_ONE, 5, 0, PROFILE_BALANCED },
	{ "raw", ENCODING_RAW, VALUE_UNSIGNED, 8, SHAPE_NOISE, 70, 0, PROFILE_FAST },
	{ "raw_pages", ENCODING_RAW, VALUE_OPAQUE, 40, SHAPE_NOISE, 900, 0, PROFILE_FAST },
	{ "raw_wide", ENCODING_RAW, VALUE_WIDE, 16, SHAPE_NOISE, 60, 7, PROFILE_FAST },
	{ "raw_text", ENCODING_RAW, VALUE_BYTES, 0, SHAPE_NOISE, 300, 5, PROFILE_FAST },
	{ "for_8", ENCODING_FOR, VALUE_UNSIGNED, 1, SHAPE_SMALL, 1030, 0, PROFILE_FAST },
	{ "for_16", ENCODING_FOR, VALUE_SIGNED, 2, SHAPE_SMALL, 1030, 0, PROFILE_FAST },
	{ "for_32", ENCODING_FOR, VALUE_SIGNED, 4, SHAPE_SMALL, 2050, 0, PROFILE_FAST },
	{ "for_64", ENCODING_FOR, VALUE_UNSIGNED, 8, SHAPE_SMALL, 1030, 0, PROFILE_FAST },
	{ "for_few_nulls", ENCODING_FOR, VALUE_SIGNED, 4, SHAPE_SMALL, 1030, 300, PROFILE_FAST },
	{ "for_many_nulls", ENCODING_FOR, VALUE_SIGNED, 4, SHAPE_SMALL, 1030, 3, PROFILE_FAST },
	{ "delta", ENCODING_DELTA, VALUE_SIGNED, 8, SHAPE_ASCENDING, 2050, 0, PROFILE_FAST },
	{ "delta_32", ENCODING_DELTA, VALUE_UNSIGNED, 4, SHAPE_ASCENDING, 1030, 0, PROFILE_FAST },
	{ "patched", ENCODING_PATCHED, VALUE_SIGNED, 8, SHAPE_MOSTLY_OPEN, 2050, 0, PROFILE_FAST },
	{ "runs", ENCODING_RUNS, VALUE_UNSIGNED, 4, SHAPE_RUNS, 3000, 0, PROFILE_FAST },
	{ "dictionary", ENCODING_DICTIONARY, VALUE_SIGNED, 8, SHAPE_FEW, 1100, 0, PROFILE_FAST },
	{ "dictionary_text", ENCODING_DICTIONARY, VALUE_BYTES, 0, SHAPE_FEW, 1100, 9,
	  PROFILE_FAST },
	{ "dictionary_zstd", ENCODING_DICTIONARY, VALUE_SIGNED, 8, SHAPE_HOURS, 12000, 5,
	  PROFILE_BALANCED },
	{ "dictionary_text_zstd", ENCODING_DICTIONARY, VALUE_BYTES, 0, SHAPE_HOURS, 3000, 0,
	  PROFILE_BALANCED },
	{ "alp", ENCODING_ALP, VALUE_FLOAT, 8, SHAPE_DECIMAL, 1100, 0, PROFILE_FAST },
	{ "alp_delta", ENCODING_ALP, VALUE_FLOAT, 8, SHAPE_PRICES, 2050, 0, PROFILE_FAST },
	{ "zstd_text", ENCODING_RAW, VALUE_BYTES, 0, SHAPE_ASCENDING, 600, 0, PROFILE_DENSE },
	{ "zstd_planes", ENCODING_RAW, VALUE_FLOAT, 8, SHAPE_ALIKE, 1500, 0, PROFILE_DENSE },
};

static uint64_t double_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

static uint64_t word_of(enum shape shape, size_t i, struct rng *rng)
{
	static const double odd[] = { -0.0, NAN, INFINITY, 5e-324 };
	uint64_t r = rng_u64(rng);

	switch (shape) {
	case SHAPE_NOISE: return r;
	case SHAPE_SMALL: return (r >> 5) % 60 + 20;
	case SHAPE_ASCENDING: return i * 1000003 + (r >> 5) % 9;
	case SHAPE_MOSTLY_OPEN: return (r >> 5) % 40 ? INT64_MAX : r >> 20;
	case SHAPE_RUNS: return i / 90 * 0x12345;
	case SHAPE_FEW: return (r >> 5) % 11 * 0x0123456789abcdefu;
	case SHAPE_DECIMAL:
		return double_bits(i % 200 == 7 ? odd[i / 200 % 4]
		                                : (double)((r >> 5) % 900000) / 100);
	case SHAPE_PRICES: return double_bits((double)(i * 1000 + r % 7) / 10);
	case SHAPE_HOURS: return 1357034400000000 + (r >> 5) % 1500 * 3600000000;
	case SHAPE_ALIKE: return (r & 0xffffffffff000000) | 0x123456;
	default: return 42;
	}
}

static size_t text_of(enum shape shape, size_t i, struct rng *rng, char text[64])
{
	uint64_t r = rng_u64(rng) >> 5;

	switch (shape) {
	case SHAPE_ASCENDING:
		return (size_t)snprintf(text, 64, "station %03zu, platform %u", i,
		                        (unsigned)(r % 9));
	case SHAPE_HOURS:
		return (size_t)snprintf(text, 64, "2013-01-01T%03u:00", (unsigned)(r % 700));
	case SHAPE_FEW: return (size_t)snprintf(text, 64, "carrier %u", (unsigned)(r % 7));
	case SHAPE_NOISE: rng_fill(rng, text, 20); return r % 20;
	default: return (size_t)snprintf(text, 64, "the same");
	}
}

static void make_values(const struct vector *v, struct column_buf *column)
{
	struct rng rng = { 1 };
	char text[64];

	for (size_t i = 0; i < v->n; i++) {
		uint64_t words[8] = { word_of(v->shape, i, &rng) };
		struct span value = span_of(words, v->width);

		rng_fill(&rng, words + 1, v->width > 8 ? sizeof words - 8 : 0);
		if (!v->width)
			value = span_of(text, text_of(v->shape, i, &rng, text));
		need(v->null_every && i % v->null_every == v->null_every - 1
		             ? column_buf_append_nulls(column, 1)
		             : column_buf_append_value(column, value, 1),
		     &(teg_error){ .message = "no memory" });
	}
}

static void write_truth(const struct vector *v, const struct column *column, const char *path)
{
	FILE *out = create_file(path);

	fprintf(out, "{\"encoding\": %d, \"class\": %d, \"width\": %u, \"values\": [", v->encoding,
	        v->class, v->width);
	for (size_t i = 0; i < column->n; i++) {
		struct span value = column_value(column, i);

		fputs(i ? ", " : "", out);
		fputs(column_valid(column, i) ? "\"" : "null", out);
		if (!column_valid(column, i))
			continue;
		put_hex(out, value.at, value.len);
		fputs("\"", out);
	}
	fputs("]}\n", out);
	close_file(out);
}

static void put_bytes(FILE *out, struct span bytes)
{
	if (bytes.len && fwrite(bytes.at, 1, bytes.len, out) != bytes.len)
		fail("a chunk", "cannot be written");
}

static void write_chunk(struct span descriptor, struct span bytes, const char *path)
{
	FILE *out = create_file(path);
	uint8_t len[4];

	store_u32(len, (uint32_t)descriptor.len);
	put_bytes(out, span_of(len, sizeof len));
	put_bytes(out, descriptor);
	put_bytes(out, bytes);
	close_file(out);
}

static void make_chunk(const char *folder, const struct vector *v)
{
	const teg_allocator *alloc = teg_allocator_default();
	struct codec_scratch *scratch = codec_scratch_new(alloc);
	struct column_buf values;
	struct buf bytes, descriptor;
	struct arena arena;
	struct column column;
	struct chunk chunk;
	teg_error err;

	column_buf_init(&values, v->width ? COLUMN_FIXED : COLUMN_BYTES, v->width, alloc);
	buf_init(&bytes, alloc, BUF_NO_LIMIT);
	buf_init(&descriptor, alloc, BUF_NO_LIMIT);
	arena_init(&arena, alloc, SIZE_MAX);
	make_values(v, &values);
	column = column_buf_view(&values);
	need(chunk_encode(&column, v->class, v->profile, scratch, &arena, &bytes, &chunk, &err),
	     &err);
	if (chunk.encoding != v->encoding)
		fail(v->name, "the writer chose another encoding");
	chunk_put_descriptor(&chunk, &descriptor);
	write_chunk(buf_span(&descriptor), buf_span(&bytes),
	            path_of(folder, "chunks/%s.chunk", v->name));
	write_truth(v, &column, path_of(folder, "chunks/%s.json", v->name));
	arena_release(&arena);
	buf_release(&descriptor);
	buf_release(&bytes);
	column_buf_release(&values);
	codec_scratch_free(scratch);
}

void make_chunks(const char *folder)
{
	for (size_t i = 0; i < COUNT(vectors); i++)
		make_chunk(folder, &vectors[i]);
}
