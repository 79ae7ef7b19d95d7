#include "codec/column/patches.h"
#include "codec/base/checked.h"
#include "codec/column/kernel.h"

static void put_words16(const uint16_t *words, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_u16(out, words[i]);
}

void patches_encode(const struct exceptions *e, size_t blocks, uint32_t width, bool is_signed,
                    struct buf *out)
{
	put_words16(e->counts, blocks, out);
	put_words16(e->places, e->n, out);
	for_encode(e->values, width, e->n, is_signed, out);
}

/* Places ascend within their block and lie inside it. */
static bool places_ok(const struct patches *p, size_t page_n, size_t blocks)
{
	const uint8_t *at = p->places;

	for (size_t b = 0; b < blocks; b++) {
		size_t m = size_min(PACK_BLOCK, page_n - b * PACK_BLOCK);
		int last = -1;

		for (size_t i = load_u16(p->counts + 2 * b); i > 0; i--, at += 2) {
			int place = load_u16(at);

			if (place <= last || (size_t)place >= m)
				return false;
			last = place;
		}
	}
	return true;
}

bool patches_open(struct reader *in, uint32_t width, size_t page_n, struct patches *p)
{
	size_t blocks = page_n / PACK_BLOCK + (page_n % PACK_BLOCK != 0), n = 0;

	p->counts = reader_take(in, 2 * blocks).at;
	if (!reader_ok(in))
		return false;
	for (size_t b = 0; b < blocks; b++)
		n += load_u16(p->counts + 2 * b);
	p->places = reader_take(in, 2 * n).at;
	return reader_ok(in) && n <= page_n && for_open(in, width, n, &p->values) &&
	       !reader_left(in) && places_ok(p, page_n, blocks);
}

/* Overwrites those of n exceptions whose places lie in [from, to) of the block at `block`. */
#define OVERWRITE(NAME, U, S, BITS)                                                             \
	static void overwrite_##NAME(const uint8_t *places, const uint8_t *values, size_t n,    \
	                             size_t from, size_t to, uint8_t *block)                    \
	{                                                                                       \
		for (size_t i = 0; i < n; i++) {                                                \
			size_t at = load_u16(places + 2 * i);                                   \
                                                                                                \
			if (at >= from && at < to)                                              \
				memcpy(block + (at - from) * sizeof(U), values + i * sizeof(U), \
				       sizeof(U));                                              \
		}                                                                               \
	}
EACH_WORD(OVERWRITE)

teg_status patches_apply(const struct patches *p, size_t from, size_t n,
                         struct codec_scratch *scratch, uint8_t *out)
{
	uint32_t width = p->values.width;
	uint8_t *values = scratch_array(&scratch->words, p->values.n, width);
	size_t before = 0; /* exceptions of earlier blocks */

	if (!values)
		return TEG_NOMEM;
	if (p->values.n)
		for_decode(&p->values, 0, p->values.n, values);
	for (size_t b = 0; b * PACK_BLOCK < from + n; b++) {
		size_t start = b * PACK_BLOCK, count = load_u16(p->counts + 2 * b);
		size_t low = size_max(start, from) - start;

		if (start + PACK_BLOCK > from)
			BY_WIDTH(width, overwrite, p->places + 2 * before, values + before * width,
			         count, low, size_min(start + PACK_BLOCK, from + n) - start,
			         out + (start + low - from) * width);
		before += count;
	}
	return TEG_OK;
}
