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

/* Places ascend within a block of m words and lie inside it. */
static bool places_ok(const uint8_t *places, size_t n, size_t m)
{
	int last = -1;

	for (size_t i = 0; i < n; i++) {
		int place = load_u16(places + 2 * i);

		if (place <= last || (size_t)place >= m)
			return false;
		last = place;
	}
	return true;
}

bool patches_open(struct reader *in, uint32_t width, size_t page_n, struct patches *p)
{
	size_t blocks = page_n / PACK_BLOCK + (page_n % PACK_BLOCK != 0), n = 0;

	p->page_n = page_n;
	p->counts = reader_take(in, 2 * blocks).at;
	if (!reader_ok(in))
		return false;
	for (size_t b = 0; b < blocks; b++)
		n += load_u16(p->counts + 2 * b);
	p->places = reader_take(in, 2 * n).at;
	return reader_ok(in) && n <= page_n && for_open(in, width, n, &p->values) &&
	       !reader_left(in);
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

/* Overwrites those of block b; `values` are its exceptions and `places` theirs. */
static teg_status apply_block(const struct patches *p, size_t b, const uint8_t *places,
                              const uint8_t *values, size_t from, size_t n, uint8_t *out)
{
	uint32_t width = p->values.width;
	size_t start = b * PACK_BLOCK, count = load_u16(p->counts + 2 * b);
	size_t low = size_max(start, from), high = size_min(start + PACK_BLOCK, from + n);

	if (!places_ok(places, count, size_min(PACK_BLOCK, p->page_n - start)))
		return TEG_CORRUPT;
	BY_WIDTH(width, overwrite, places, values, count, low - start, high - start,
	         out + (low - from) * width);
	return TEG_OK;
}

/* Exceptions in blocks [b, end). */
static size_t count_between(const struct patches *p, size_t b, size_t end)
{
	size_t n = 0;

	for (; b < end; b++)
		n += load_u16(p->counts + 2 * b);
	return n;
}

teg_status patches_apply(const struct patches *p, size_t from, size_t n,
                         struct codec_scratch *scratch, uint8_t *out)
{
	size_t b = from / PACK_BLOCK, end = (from + n + PACK_BLOCK - 1) / PACK_BLOCK;
	size_t first = count_between(p, 0, b), count = count_between(p, b, end);
	const uint8_t *places = p->places + 2 * first;
	uint32_t width = p->values.width;
	uint8_t *values;

	if (!count)
		return TEG_OK;
	values = scratch_array(&scratch->words, count, width);
	if (!values)
		return TEG_NOMEM;
	for_decode(&p->values, first, count, values);
	for (; b < end; b++) {
		size_t in_block = load_u16(p->counts + 2 * b);

		TEG_TRY(apply_block(p, b, places, values, from, n, out));
		places += 2 * in_block;
		values += in_block * width;
	}
	return TEG_OK;
}

/* Overwrites those among n words of one block; its exceptions are `count` from `first` on. */
static void take_in_block(const struct patches *p, size_t first, size_t count, const uint16_t *at,
                          size_t n, uint8_t *to)
{
	const uint8_t *places = p->places + 2 * first;
	uint32_t width = p->values.width;

	for (size_t i = 0, e = 0; i < n; i++, to += width) {
		size_t place = at[i] % PACK_BLOCK;

		while (e < count && load_u16(places + 2 * e) < place)
			e++;
		if (e < count && load_u16(places + 2 * e) == place)
			word_store(to, width, for_get(&p->values, first + e));
	}
}

teg_status patches_take(const struct patches *p, const uint16_t *at, size_t n, uint8_t *out)
{
	size_t b = 0, first = 0;

	for (size_t i = 0, k; i < n; i += k) {
		size_t block = at[i] / PACK_BLOCK, count = load_u16(p->counts + 2 * block);

		first += count_between(p, b, block);
		b = block;
		k = places_in_block(at + i, n - i, b);
		if (!places_ok(p->places + 2 * first, count,
		               size_min(PACK_BLOCK, p->page_n - b * PACK_BLOCK)))
			return TEG_CORRUPT;
		take_in_block(p, first, count, at + i, k, out + i * p->values.width);
	}
	return TEG_OK;
}
