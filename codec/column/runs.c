#include "codec/column/runs.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"

/* Returns how many runs there are. */
#define FIND(NAME, U, S, BITS)                                                               \
	static size_t find_##NAME(const uint8_t *words, size_t n, U *values, uint16_t *lens) \
	{                                                                                    \
		size_t start = 0, runs = 0;                                                  \
		U last = 0, v;                                                               \
                                                                                             \
		for (size_t i = 0; i < n; i++) {                                             \
			memcpy(&v, words + i * sizeof v, sizeof v);                          \
			if (i && v == last)                                                  \
				continue;                                                    \
			if (i)                                                               \
				lens[runs++] = (uint16_t)(i - start - 1);                    \
			values[runs] = v;                                                    \
			start = i;                                                           \
			last = v;                                                            \
		}                                                                            \
		lens[runs++] = (uint16_t)(n - start - 1);                                    \
		return runs;                                                                 \
	}
EACH_WORD(FIND)

static size_t find(const void *words, uint32_t width, size_t n, void *values, uint16_t *lens)
{
	switch (width) {
	case 1: return find_u8(words, n, values, lens);
	case 2: return find_u16(words, n, values, lens);
	case 4: return find_u32(words, n, values, lens);
	default: return find_u64(words, n, values, lens);
	}
}

void runs_encode(const void *words, uint32_t width, size_t n, bool is_signed,
                 struct codec_scratch *scratch, struct buf *out)
{
	void *values = scratch_array(&scratch->words, n, width);
	uint16_t *lens = scratch_array(&scratch->more, n, sizeof *lens);
	size_t runs;

	if (!values || !lens) {
		out->status = TEG_NOMEM;
		return;
	}
	runs = find(words, width, n, values, lens);
	buf_u32(out, (uint32_t)runs);
	for_encode(values, width, runs, is_signed, out);
	for_encode(lens, sizeof *lens, runs, false, out);
}

/* Writes the words of runs that lie in [from, from + n), n >= 1. The runs reach that far. */
#define EXPAND(NAME, U, S, BITS)                                                                \
	static void expand_##NAME(const U *values, const uint16_t *lens, size_t from, size_t n, \
	                          uint8_t *out)                                                 \
	{                                                                                       \
		size_t end = 0, done = 0;                                                       \
                                                                                                \
		for (size_t r = 0; done < n; r++) {                                             \
			U v = values[r];                                                        \
			size_t last;                                                            \
                                                                                                \
			end += (size_t)lens[r] + 1;                                             \
			if (end <= from)                                                        \
				continue;                                                       \
			last = end - from < n ? end - from : n;                                 \
			for (; done < last; done++)                                             \
				memcpy(out + done * sizeof v, &v, sizeof v);                    \
		}                                                                               \
	}
EACH_WORD(EXPAND)

static size_t total_of(const uint16_t *lens, size_t runs)
{
	size_t total = runs;

	for (size_t r = 0; r < runs; r++)
		total += lens[r];
	return total;
}

/* One word: the run that holds it, found by adding up lengths. */
static teg_status decode_one(const struct for_stream *values, const struct for_stream *lens,
                             size_t from, void *out)
{
	uint16_t some[PACK_BLOCK];
	size_t end = 0;

	for (size_t r = 0; r < lens->n; r++) {
		if (r % PACK_BLOCK == 0)
			for_decode(lens, r, size_min(PACK_BLOCK, lens->n - r), some);
		end += (size_t)some[r % PACK_BLOCK] + 1;
		if (end <= from)
			continue;
		word_store(out, values->width, for_get(values, r));
		return TEG_OK;
	}
	return TEG_CORRUPT;
}

teg_status runs_decode(struct reader *in, uint32_t width, size_t page_n, size_t from, size_t n,
                       struct codec_scratch *scratch, void *out)
{
	size_t runs = reader_u32(in);
	struct for_stream value_stream, len_stream;
	uint16_t *lens;
	void *values;

	if (!reader_ok(in) || !runs || runs > page_n || !for_open(in, width, runs, &value_stream) ||
	    !for_open(in, sizeof *lens, runs, &len_stream) || reader_left(in))
		return TEG_CORRUPT;
	if (n == 1)
		return decode_one(&value_stream, &len_stream, from, out);
	values = scratch_array(&scratch->words, runs, width);
	lens = scratch_array(&scratch->more, runs, sizeof *lens);
	if (!values || !lens)
		return TEG_NOMEM;
	for_decode(&len_stream, 0, runs, lens);
	if (total_of(lens, runs) != page_n)
		return TEG_CORRUPT;
	for_decode(&value_stream, 0, runs, values);
	if (n)
		BY_WIDTH(width, expand, values, lens, from, n, out);
	return TEG_OK;
}
