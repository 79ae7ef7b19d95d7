#include "codec/column/choose.h"
#include "codec/base/checked.h"
#include "codec/column/for.h"
#include "codec/column/kernel.h"
#include "codec/column/page.h"
#include "codec/column/validity.h"

#define CONSTANT_MAX 1024 /* bytes: a longer value does not belong into a tile's header */
#define SAMPLE 1024       /* values looked at before a dictionary is tried */

bool choose_integers(const struct column *c, enum value_class class)
{
	return c->shape == COLUMN_FIXED && word_width(c->width) && class != VALUE_BYTES &&
	       class != VALUE_OPAQUE && class != VALUE_WIDE;
}

static size_t n_blocks(size_t n)
{
	return n / PACK_BLOCK + (n % PACK_BLOCK != 0);
}

/* What the cost of a block follows from. */
struct block_stats {
	uint64_t min, max;
};

static struct block_stats *collect_stats(const struct column *c, bool is_signed, struct buf *room)
{
	size_t blocks = n_blocks(c->n);
	struct block_stats *stats = scratch_array(room, blocks, sizeof *stats);

	for (size_t b = 0; stats && b < blocks; b++)
		words_bounds(c->values + b * PACK_BLOCK * c->width, c->width,
		             size_min(PACK_BLOCK, c->n - b * PACK_BLOCK), is_signed, &stats[b].min,
		             &stats[b].max);
	return stats;
}

static bool all_equal(const struct column *c)
{
	struct span first = column_value(c, 0);

	for (size_t i = 1; i < c->n; i++)
		if (!span_equal(first, column_value(c, i)))
			return false;
	return true;
}

/* Distinct values among those sampled, evenly spread. A small table of hashes is good enough:
 * a collision makes the column look a little more repetitive than it is. */
static size_t sample_distinct(const struct column *c, size_t *n_sampled_out)
{
	uint8_t seen[SAMPLE * 8 / 8] = { 0 };
	size_t step = size_max(c->n / SAMPLE, 1), n = 0, distinct = 0;

	for (size_t i = 0; i < c->n && n < SAMPLE; i += step, n++) {
		size_t at = dictionary_hash(column_value(c, i)) & (SAMPLE * 8 - 1);

		distinct += !bitmap_get(seen, at);
		bitmap_set(seen, at);
	}
	*n_sampled_out = n;
	return distinct;
}

static size_t code_block_len(size_t n_values, size_t m)
{
	return for_block_len(2, m, bit_width(n_values - 1));
}

static size_t dictionary_len(const struct dictionary *d, size_t n)
{
	size_t tail = n % PACK_BLOCK;

	return d->len + n / PACK_BLOCK * code_block_len(d->n, PACK_BLOCK) +
	       (tail ? code_block_len(d->n, tail) : 0);
}

/* Takes a dictionary where it is clearly smaller than `best` bytes. */
static teg_status try_dictionary(const struct column *c, enum value_class class, size_t best,
                                 struct codec_scratch *scratch, struct plan *plan)
{
	size_t sampled, distinct = sample_distinct(c, &sampled);
	struct dictionary d;

	/* Codes alone take at least the bits that tell the sampled values apart. */
	if (distinct * 2 > sampled || c->n * bit_width(distinct) / 8 > best * 4 / 5)
		return TEG_OK;
	TEG_TRY(dictionary_build(c, class, c->n / 2, scratch, &d));
	if (d.n && dictionary_len(&d, c->n) <= best * 4 / 5) {
		plan->encoding = ENCODING_DICTIONARY;
		plan->dictionary = d;
	}
	return TEG_OK;
}

static teg_status choose_integer(const struct column *c, bool had_nulls,
                                 struct codec_scratch *scratch, struct plan *plan, size_t *len_out)
{
	const struct block_stats *stats = collect_stats(c, plan->is_signed, &scratch->blocks);
	size_t blocks = n_blocks(c->n), raw = c->n * c->width, len = 0;
	bool constant = !had_nulls;

	if (!stats)
		return TEG_NOMEM;
	for (size_t b = 0; b < blocks; b++) {
		size_t m = size_min(PACK_BLOCK, c->n - b * PACK_BLOCK);
		uint64_t range = (stats[b].max - stats[b].min) & low_mask(8 * c->width);

		len += for_block_len(c->width, m, bit_width(range));
		constant = constant && !range && stats[b].min == stats[0].min;
	}
	plan->encoding = len <= raw - raw / 16 ? ENCODING_FOR : ENCODING_RAW;
	if (constant)
		plan->encoding = ENCODING_CONSTANT;
	*len_out = plan->encoding == ENCODING_RAW ? raw : len;
	return TEG_OK;
}

static void measure_lengths(const struct column *c, struct plan *plan, size_t *len_out)
{
	uint32_t min = UINT32_MAX, max = 0;

	for (size_t i = 0; i < c->n; i++) {
		uint32_t len = (uint32_t)(c->offsets[i + 1] - c->offsets[i]);

		min = len < min ? len : min;
		max = len > max ? len : max;
	}
	plan->length_bits = bit_width(max - min);
	*len_out = column_len(c) + n_blocks(c->n) * 5 + c->n * plan->length_bits / 8;
}

static uint32_t block_len_of(const struct plan *plan, const struct column *c,
                             const struct block_stats *stats, size_t b)
{
	size_t m = size_min(PACK_BLOCK, c->n - b * PACK_BLOCK);
	uint64_t range;

	switch (plan->encoding) {
	case ENCODING_DICTIONARY:
		return (uint32_t)code_block_len(plan->dictionary.n, m);
	case ENCODING_FOR:
		range = (stats[b].max - stats[b].min) & low_mask(8 * c->width);
		return (uint32_t)for_block_len(c->width, m, bit_width(range));
	default:
		return (uint32_t)(m * c->width);
	}
}

/* Bytes per block, where pages are made of whole blocks. */
static teg_status measure_blocks(const struct column *c, struct codec_scratch *scratch,
                                 struct plan *plan)
{
	const struct block_stats *stats = (const void *)scratch->blocks.at;
	size_t blocks = n_blocks(c->n);
	uint32_t *len;

	if (!page_of_blocks(plan->encoding, c->shape, c->width))
		return TEG_OK;
	len = scratch_array(&scratch->lens, blocks, sizeof *len);
	if (!len)
		return TEG_NOMEM;
	for (size_t b = 0; b < blocks; b++)
		len[b] = block_len_of(plan, c, stats, b);
	plan->block_len = len;
	return TEG_OK;
}

teg_status choose(const struct column *c, enum value_class class, bool had_nulls,
                  struct codec_scratch *scratch, struct plan *plan_out)
{
	struct plan *plan = plan_out;
	size_t best = column_len(c);

	*plan = (struct plan){ .encoding = ENCODING_RAW, .is_signed = class == VALUE_SIGNED };
	if (choose_integers(c, class))
		TEG_TRY(choose_integer(c, had_nulls, scratch, plan, &best));
	else if (!had_nulls && column_value(c, 0).len <= CONSTANT_MAX && all_equal(c))
		plan->encoding = ENCODING_CONSTANT;
	else if (c->shape == COLUMN_BYTES)
		measure_lengths(c, plan, &best);
	if (plan->encoding == ENCODING_CONSTANT)
		return TEG_OK;
	TEG_TRY(try_dictionary(c, class, best, scratch, plan));
	return measure_blocks(c, scratch, plan);
}

/* ---- cutting pages ---------------------------------------------------------------------------- */

static size_t page_blocks(const struct plan *plan, size_t n, size_t first, bool has_nulls,
                          size_t target)
{
	size_t len = 0, values = 0;

	while (first + values < n && values < PAGE_VALUES_MAX) {
		size_t m = size_min(PACK_BLOCK, n - first - values);
		size_t more = plan->block_len[(first + values) / PACK_BLOCK];

		len += more;
		if (values && len + (has_nulls ? validity_bound(values + m) : 0) > target)
			break;
		values += m;
	}
	return values;
}

/* The most values, up to `n`, whose bytes fit; offsets ascend, so it can be searched. */
static size_t page_bytes(const struct plan *plan, const struct column *c, size_t first, size_t n,
                         bool has_nulls, size_t target)
{
	size_t low = 1, high = n;

	while (low < high) {
		size_t mid = high - (high - low) / 2;
		size_t len = n_blocks(mid) * 5 + mid * plan->length_bits / 8 + n_blocks(mid) +
		             (size_t)(c->offsets[first + mid] - c->offsets[first]);

		if (len + (has_nulls ? validity_bound(mid) : 0) <= target)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

size_t choose_page(const struct plan *plan, const struct column *c, size_t first, bool has_nulls,
                   size_t target)
{
	size_t left = size_min(c->n - first, PAGE_VALUES_MAX), n, room;

	if (plan->block_len)
		return page_blocks(plan, c->n, first, has_nulls, target);
	if (c->shape == COLUMN_BYTES) {
		n = page_bytes(plan, c, first, left, has_nulls, target);
	} else {
		room = target > 8 ? (target - 8) * 8 : 0; /* in bits, the null's bit among them */
		n = size_min(left, size_max(room / ((size_t)c->width * 8 + has_nulls), 1));
	}
	return n > PACK_BLOCK && n < left ? n / PACK_BLOCK * PACK_BLOCK : n;
}
