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

KERNEL static size_t total_of(const uint16_t *lens, size_t runs)
{
	size_t total = runs;

	for (size_t r = 0; r < runs; r++)
		total += lens[r];
	return total;
}

/* The words of the m runs from run r on, the first of which begins at place `start`: as many of
 * at[0 .. n) as they hold, which is returned. */
static size_t take_of_runs(const struct for_stream *values, size_t r, const uint16_t *lens,
                           size_t m, size_t start, const uint16_t *at, size_t n, uint8_t *to)
{
	size_t end = start + total_of(lens, m), done = 0;

	start += (size_t)lens[0] + 1;
	for (size_t k = 0; done < n && at[done] < end; done++, to += values->width) {
		while (start <= at[done])
			start += (size_t)lens[++k] + 1;
		word_store(to, values->width, for_get(values, r + k));
	}
	return done;
}

/* Lengths are added up block by block, and one by one only where a place lies. */
static teg_status take_words(const struct for_stream *values, const struct for_stream *lens,
                             const uint16_t *at, size_t n, uint8_t *to)
{
	uint16_t some[PACK_BLOCK];
	size_t start = 0, done = 0;

	for (size_t r = 0; r < lens->n && done < n; r += PACK_BLOCK) {
		size_t m = size_min(PACK_BLOCK, lens->n - r);

		for_decode(lens, r, m, some);
		done += take_of_runs(values, r, some, m, start, at + done, n - done,
		                     to + done * values->width);
		start += total_of(some, m);
	}
	return done == n ? TEG_OK : TEG_CORRUPT;
}

static bool open_runs(struct reader *in, uint32_t width, size_t page_n, struct for_stream *values,
                      struct for_stream *lens)
{
	size_t runs = reader_u32(in);

	return reader_ok(in) && runs && runs <= page_n && for_open(in, width, runs, values) &&
	       for_open(in, sizeof(uint16_t), runs, lens) && !reader_left(in);
}

teg_status runs_take(struct reader *in, uint32_t width, size_t page_n, const uint16_t *at, size_t n,
                     void *out)
{
	struct for_stream values, lens;

	if (!open_runs(in, width, page_n, &values, &lens))
		return TEG_CORRUPT;
	return take_words(&values, &lens, at, n, out);
}

teg_status runs_decode(struct reader *in, uint32_t width, size_t page_n, size_t from, size_t n,
                       struct codec_scratch *scratch, void *out)
{
	struct for_stream value_stream, len_stream;
	size_t runs;
	uint16_t *lens;
	void *values;

	if (!open_runs(in, width, page_n, &value_stream, &len_stream))
		return TEG_CORRUPT;
	if (n == 1)
		return take_words(&value_stream, &len_stream, &(uint16_t){ (uint16_t)from }, 1,
		                  out);
	runs = len_stream.n;
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
