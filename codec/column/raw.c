#include "codec/column/raw.h"
#include "codec/base/checked.h"
#include "codec/column/for.h"
#include "codec/column/kernel.h"

uint32_t raw_word(enum value_class class, uint32_t width)
{
	return class == VALUE_BYTES || class == VALUE_OPAQUE ? 1 : width;
}

static void put_fixed(const struct column *c, enum value_class class, size_t from, size_t n,
                      struct buf *out)
{
	uint32_t word = raw_word(class, c->width);
	size_t len = n * c->width;
	uint8_t *at = buf_extend(out, len);

	if (!at || !len)
		return;
	memcpy(at, c->values + from * c->width, len);
	words_swap_to_little(at, word, len / word);
}

static void put_bytes(const struct column *c, size_t from, size_t n, struct buf *lens,
                      struct buf *out)
{
	size_t start = (size_t)c->offsets[from];
	uint32_t *len = scratch_array(lens, n, sizeof *len);

	if (!len) {
		out->status = lens->status;
		return;
	}
	for (size_t i = 0; i < n; i++)
		len[i] = (uint32_t)(c->offsets[from + i + 1] - c->offsets[from + i]);
	for_encode(len, sizeof *len, n, false, out);
	buf_append(out, c->values + start, (size_t)c->offsets[from + n] - start);
}

void raw_encode(const struct column *c, enum value_class class, size_t from, size_t n,
                struct codec_scratch *scratch, struct buf *out)
{
	if (c->shape == COLUMN_FIXED)
		put_fixed(c, class, from, n, out);
	else
		put_bytes(c, from, n, &scratch->words, out);
}

/* All that is left: page_n values of `width` bytes. */
static bool take_all(struct reader *in, size_t page_n, uint32_t width, struct span *all_out)
{
	size_t len;

	if (!size_mul(page_n, width, &len))
		return false;
	*all_out = reader_take(in, len);
	return reader_ok(in) && !reader_left(in);
}

teg_status raw_take(struct reader *in, enum value_class class, size_t page_n, const uint16_t *at,
                    size_t n, struct column_buf *out)
{
	uint32_t word = raw_word(class, out->width), width = out->width;
	struct span all;
	uint8_t *to;

	if (!take_all(in, page_n, width, &all))
		return TEG_CORRUPT;
	to = column_buf_extend(out, n);
	if (!to)
		return TEG_NOMEM;
	for (size_t i = 0; i < n && width == 8; i++)
		memcpy(to + i * 8, all.at + (size_t)at[i] * 8, 8);
	for (size_t i = 0; i < n && width != 8; i++)
		memcpy(to + i * width, all.at + (size_t)at[i] * width, width);
	if (width)
		words_swap_to_little(to, word, n * width / word);
	return TEG_OK;
}

static teg_status take_fixed(struct reader *in, enum value_class class, size_t page_n, size_t from,
                             size_t n, struct column_buf *out)
{
	uint32_t word = raw_word(class, out->width);
	struct span all;
	void *to;

	if (!take_all(in, page_n, out->width, &all))
		return TEG_CORRUPT;
	to = column_buf_extend(out, n);
	if (!to)
		return TEG_NOMEM;
	if (n && out->width) {
		memcpy(to, all.at + from * out->width, n * out->width);
		words_swap_to_little(to, word, n * out->width / word);
	}
	return TEG_OK;
}

/* Sum of lengths [from, from + n). */
static uint64_t sum_lengths(const struct for_stream *lengths, size_t from, size_t n)
{
	uint32_t lens[PACK_BLOCK];
	uint64_t sum = 0;

	while (n) {
		size_t m = size_min(n, PACK_BLOCK - from % PACK_BLOCK);

		for_decode(lengths, from, m, lens);
		for (size_t i = 0; i < m; i++)
			sum += lens[i];
		from += m;
		n -= m;
	}
	return sum;
}

/* Null slots are empty, so that what a null hides cannot be told from the bytes. */
static bool nulls_are_empty(const int32_t *lens, size_t n, const uint8_t *valid)
{
	for (size_t i = 0; valid && i < n; i++)
		if (lens[i] && !bitmap_get(valid, i))
			return false;
	return true;
}

static teg_status take_bytes(struct reader *in, size_t page_n, size_t from, size_t n,
                             const uint8_t *valid, struct column_buf *out)
{
	struct for_stream lengths;
	uint64_t before, mine;
	struct span bytes;
	int32_t *offsets;
	int32_t end;

	if (!for_open(in, 4, page_n, &lengths))
		return TEG_CORRUPT;
	bytes = reader_take(in, reader_left(in));
	before = sum_lengths(&lengths, 0, from);
	mine = sum_lengths(&lengths, from, n);
	if (before + mine + sum_lengths(&lengths, from + n, page_n - from - n) != bytes.len)
		return TEG_CORRUPT;
	TEG_TRY(column_buf_reserve(out, n, (size_t)mine));
	offsets = out->offsets + out->n;
	end = offsets[0];
	if (mine)
		memcpy(out->values + end, bytes.at + before, (size_t)mine);
	for_decode(&lengths, from, n, offsets + 1);
	if (!nulls_are_empty(offsets + 1, n, valid))
		return TEG_CORRUPT;
	for (size_t i = 1; i <= n; i++) {
		end += offsets[i];
		offsets[i] = end;
	}
	column_buf_count(out, n);
	return TEG_OK;
}

teg_status raw_decode(struct reader *in, enum value_class class, size_t page_n, size_t from,
                      size_t n, const uint8_t *valid, struct column_buf *out)
{
	if (out->shape == COLUMN_FIXED)
		return take_fixed(in, class, page_n, from, n, out);
	return take_bytes(in, page_n, from, n, valid, out);
}
