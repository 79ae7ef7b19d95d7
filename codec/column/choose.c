#include "codec/column/choose.h"
#include "codec/base/checked.h"
#include "codec/column/delta.h"
#include "codec/column/kernel.h"
#include "codec/column/measure.h"
#include "codec/column/page.h"
#include "codec/column/patched.h"
#include "codec/column/runs.h"
#include "codec/column/validity.h"

#define ALP_EXCEPTION_LEN 10 /* bytes: the double and its place */
#define ALP_BLOCK_EXTRA 20   /* bytes: heads of streams, at the most */
#define SAMPLE 4096          /* values looked at before a dictionary is tried */
#define MANY_NUMBERS 16384   /* values: a dictionary of fewer has to save a fifth in any profile */
#define DICTIONARY_PLAIN (8u << 10) /* bytes */
#define NUMBERS_PLAIN (3u << 10)

bool choose_integers(const struct column *c, enum value_class class)
{
	return c->shape == COLUMN_FIXED && word_width(c->width) && class != VALUE_BYTES &&
	       class != VALUE_OPAQUE && class != VALUE_WIDE;
}

static bool many_numbers(const struct column *c, enum value_class class)
{
	return choose_integers(c, class) && c->n >= MANY_NUMBERS;
}

size_t choose_plain_dictionary(const struct column *c, enum value_class class)
{
	return many_numbers(c, class) ? NUMBERS_PLAIN : DICTIONARY_PLAIN;
}

static size_t n_blocks(size_t n)
{
	return n / PACK_BLOCK + (n % PACK_BLOCK != 0);
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
	uint8_t seen[SAMPLE * 16 / 8] = { 0 };
	size_t step = size_max(c->n / SAMPLE, 1), n = 0, distinct = 0;

	for (size_t i = 0; i < c->n && n < SAMPLE; i += step, n++) {
		size_t at = dictionary_hash(column_value(c, i)) & (SAMPLE * 16 - 1);

		distinct += !bitmap_get(seen, at);
		bitmap_set(seen, at);
	}
	*n_sampled_out = n;
	return distinct;
}

/* How many distinct values a column has of which a sample holds `distinct`: were there D of them, n
 * values taken at random would show D * (1 - exp(-n / D)). 0: too many to say. */
static size_t estimate_distinct(size_t distinct, size_t n_sampled, size_t n)
{
	static const unsigned shown[] = { 632, 787, 885, 940 }; /* per mille, of n, 2 n, 4 n, 8 n */

	if (n_sampled == n || distinct * 1000 <= n_sampled * shown[0])
		return distinct;
	for (unsigned i = 1; i < sizeof shown / sizeof *shown; i++)
		if (distinct * 1000 <= n_sampled * shown[i])
			return n_sampled << (i - 1);
	return 0;
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

/* Bytes that a frame saves of the page of a long dictionary of numbers, about: as planes they take as
 * many bytes as the gap between two of them has, and a little. */
static size_t frame_saves(const struct column *c, const struct dictionary *d,
                          const struct column_buf *values)
{
	uint64_t first = word_load(values->values, c->width);
	uint64_t last = word_load(values->values + (d->n - 1) * c->width, c->width);
	size_t each = bit_width(((last - first) & low_mask(8 * c->width)) / d->n) / 8 + 1;
	size_t len = d->n * each + d->n / 4;

	return d->len > NUMBERS_PLAIN && len < d->len ? d->len - len : 0;
}

/* Takes a dictionary where it needs no more than that many percent of `best` bytes. */
static teg_status try_dictionary(const struct column *c, enum value_class class, size_t best,
                                 const struct dictionary_limits *limits,
                                 struct codec_scratch *scratch, struct plan *plan)
{
	bool numbers = many_numbers(c, class);
	size_t sampled, distinct = sample_distinct(c, &sampled), len;
	size_t most = best * (numbers ? limits->percent : 80) / 100;
	struct dictionary d;

	distinct = estimate_distinct(distinct, sampled, c->n);
	/* Codes alone take at least the bits that tell the values apart. */
	if (!distinct || distinct > c->n / 2 || c->n * bit_width(distinct) / 8 > most)
		return TEG_OK;
	TEG_TRY(dictionary_build(c, class, c->n / 2, limits->page_len, scratch, &d));
	len = d.n ? dictionary_len(&d, c->n) : SIZE_MAX;
	if (d.n && numbers && limits->frame)
		len -= frame_saves(c, &d, &scratch->values);
	if (d.n && len <= most) {
		plan->encoding = ENCODING_DICTIONARY;
		plan->dictionary = d;
	}
	return TEG_OK;
}

/* ---- integers -------------------------------------------------------------------------------- */

/* What is known of a column of words before one of the encodings is chosen. */
struct integers {
	const struct column *c;
	const struct block_stats *stats;
	bool is_signed;
	size_t blocks, n_runs;
	unsigned bits;                /* that tell all words apart */
	struct patched_block *splits; /* where PATCHED was considered */
	size_t *alp_len;              /* where ALP was: the most that each block takes */
};

static size_t block_values(const struct column *c, size_t b)
{
	return size_min(PACK_BLOCK, c->n - b * PACK_BLOCK);
}

static unsigned range_bits(const struct column *c, uint64_t min, uint64_t max)
{
	return bit_width((max - min) & low_mask(8 * c->width));
}

static size_t for_len(const struct integers *v, size_t b)
{
	return for_block_len(v->c->width, block_values(v->c, b),
	                     range_bits(v->c, v->stats[b].min, v->stats[b].max));
}

static size_t delta_len(const struct integers *v, size_t b)
{
	return delta_block_len(v->c->width, block_values(v->c, b),
	                       range_bits(v->c, v->stats[b].step_min, v->stats[b].step_max));
}

static size_t runs_len(const struct integers *v, size_t b)
{
	return runs_block_bound(v->c->width, v->stats[b].n_changes + 1, v->bits);
}

static struct patched_block split(const struct integers *v, size_t b, size_t step)
{
	return patched_split(v->c->values + b * PACK_BLOCK * v->c->width, v->c->width,
	                     block_values(v->c, b), step, v->stats[b].min, v->stats[b].max);
}

static size_t patched_len(const struct integers *v, size_t b)
{
	return patched_block_len(v->c->width, block_values(v->c, b), &v->splits[b]);
}

static size_t sum_of(const struct integers *v, size_t (*len)(const struct integers *, size_t))
{
	size_t sum = 0;

	for (size_t b = 0; b < v->blocks; b++)
		sum += len(v, b);
	return sum;
}

/* About what PATCHED would take, from a sixteenth of up to eight blocks: splitting all of them
 * costs more than the rest of the choice and is of no use for most columns. */
static size_t guess_patched(const struct integers *v)
{
	size_t whole = v->c->n / PACK_BLOCK, step = size_max(whole / 8, 1);
	size_t len = 0, n = 0;

	for (size_t b = 0; b < whole; b += step, n++) {
		struct patched_block block = split(v, b, 16);

		len += patched_block_len(v->c->width, PACK_BLOCK, &block);
	}
	return n ? len / n * v->blocks : 0;
}

static teg_status measure(const struct column *c, bool is_signed, struct codec_scratch *scratch,
                          struct integers *v)
{
	uint64_t flip = is_signed ? (uint64_t)1 << (8 * c->width - 1) : 0;
	uint64_t low = UINT64_MAX, high = 0;

	*v = (struct integers){ .c = c, .is_signed = is_signed, .blocks = n_blocks(c->n) };
	v->stats = measure_blocks(c, is_signed, &scratch->blocks);
	v->splits = scratch_array(&scratch->splits, v->blocks, sizeof *v->splits);
	if (!v->stats || !v->splits)
		return TEG_NOMEM;
	for (size_t b = 0; b < v->blocks; b++) {
		uint64_t min = v->stats[b].min ^ flip, max = v->stats[b].max ^ flip;

		low = min < low ? min : low;
		high = max > high ? max : high;
		v->n_runs += v->stats[b].n_changes + 1;
	}
	v->bits = bit_width(high - low);
	return TEG_OK;
}

/* Takes `encoding` where it needs no more than num/den of the bytes that the best so far needs. */
static void consider(struct plan *plan, size_t *best, enum encoding encoding, size_t len,
                     size_t num, size_t den)
{
	if (len * den > *best * num)
		return;
	plan->encoding = encoding;
	*best = len;
}

static void consider_patched(const struct integers *v, struct plan *plan, size_t *best)
{
	if (guess_patched(v) > *best / 10 * 9)
		return;
	for (size_t b = 0; b < v->blocks; b++)
		v->splits[b] = split(v, b, 1);
	plan->splits = v->splits;
	consider(plan, best, ENCODING_PATCHED, sum_of(v, patched_len), 9, 10);
}

/* Integers of all values, exceptions counted by block. */
static teg_status take_integers(const struct integers *v, struct codec_scratch *scratch,
                                struct alp *alp, int64_t **integers_out, uint16_t **counts_out,
                                size_t *n_exceptions_out)
{
	int64_t *integers = scratch_array(&scratch->integers, v->c->n, sizeof *integers);
	uint16_t *counts = scratch_array(&scratch->counts, v->blocks, sizeof *counts);

	if (!integers || !counts)
		return TEG_NOMEM;
	*n_exceptions_out = 0;
	for (size_t b = 0; b < v->blocks; b++) {
		size_t first = b * PACK_BLOCK;
		size_t n = alp_integers(v->c->values + first * 8, block_values(v->c, b), alp,
		                        integers + first);

		counts[b] = (uint16_t)n;
		*n_exceptions_out += n;
	}
	alp->integers = *integers_out = integers;
	*counts_out = counts;
	return TEG_OK;
}

/* Doubles as decimals: a guess from a sample, then the integers' exact cost. Where it wins,
 * v->alp_len gives the most that each block takes. */
static teg_status consider_alp(struct integers *v, struct codec_scratch *scratch, struct plan *plan,
                               size_t *best)
{
	struct column ints = { COLUMN_FIXED, 8, v->c->n, NULL, NULL, NULL, NULL };
	struct integers of = { .c = &ints, .blocks = v->blocks };
	size_t n_exceptions, len;
	uint16_t *counts;
	int64_t *integers;

	if (!alp_guess(v->c->values, v->c->n, &plan->alp))
		return TEG_OK;
	TEG_TRY(take_integers(v, scratch, &plan->alp, &integers, &counts, &n_exceptions));
	if (n_exceptions > v->c->n / 20)
		return TEG_OK;
	for (size_t b = 0; b < v->blocks; b++) {
		size_t n = alp_trim(integers + b * PACK_BLOCK, block_values(v->c, b));

		counts[b] = (uint16_t)(counts[b] + n);
		n_exceptions += n;
	}
	ints.values = (const uint8_t *)integers;
	of.stats = measure_blocks(&ints, true, &scratch->integer_blocks);
	v->alp_len = scratch_array(&scratch->alp_lens, v->blocks, sizeof *v->alp_len);
	if (!of.stats || !v->alp_len)
		return TEG_NOMEM;
	len = sum_of(&of, for_len);
	if (sum_of(&of, delta_len) < len / 6 * 5) {
		plan->alp.inner = ALP_INNER_DELTA;
		len = sum_of(&of, delta_len);
	}
	for (size_t b = 0; b < v->blocks; b++)
		v->alp_len[b] = (plan->alp.inner == ALP_INNER_DELTA ? delta_len : for_len)(&of, b) +
		                ALP_BLOCK_EXTRA + ALP_EXCEPTION_LEN * counts[b];
	consider(plan, best, ENCODING_ALP, len + n_exceptions * ALP_EXCEPTION_LEN, 5, 6);
	return TEG_OK;
}

/* What takes longer to read has to save more: ratios from measured decoding speeds. Packed floats
 * are no longer to be had in place, nor does zstd find much in them. */
static void choose_integer(const struct integers *v, enum value_class class, bool had_nulls,
                           struct plan *plan, size_t *best)
{
	if (!v->bits && !had_nulls) {
		plan->encoding = ENCODING_CONSTANT;
		return;
	}
	consider(plan, best, ENCODING_FOR, sum_of(v, for_len), class == VALUE_FLOAT ? 12 : 15, 16);
	consider(plan, best, ENCODING_DELTA, sum_of(v, delta_len), 5, 6);
	if (v->n_runs * 3 <= v->c->n + 3)
		consider(plan, best, ENCODING_RUNS, sum_of(v, runs_len), 5, 6);
	consider_patched(v, plan, best);
}

static size_t integer_bound(const struct integers *v, enum encoding encoding, size_t b)
{
	switch (encoding) {
	case ENCODING_FOR: return for_len(v, b);
	case ENCODING_DELTA: return delta_len(v, b);
	case ENCODING_RUNS: return runs_len(v, b);
	case ENCODING_ALP: return v->alp_len[b];
	case ENCODING_PATCHED:
		return patched_block_bound(v->c->width, block_values(v->c, b), &v->splits[b]);
	default: return block_values(v->c, b) * v->c->width;
	}
}

/* ---- the choice ------------------------------------------------------------------------------ */

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

/* Bytes per block, where pages are made of whole blocks. `v` is for integer encodings only. */
static teg_status bound_blocks(const struct column *c, const struct integers *v,
                               struct codec_scratch *scratch, struct plan *plan)
{
	size_t blocks = n_blocks(c->n);
	uint32_t *len;

	if (!page_of_blocks(plan->encoding, c->shape, c->width))
		return TEG_OK;
	len = scratch_array(&scratch->lens, blocks, sizeof *len);
	if (!len)
		return TEG_NOMEM;
	for (size_t b = 0; b < blocks; b++) {
		if (plan->encoding == ENCODING_DICTIONARY)
			len[b] = (uint32_t)code_block_len(plan->dictionary.n, block_values(c, b));
		else if (plan->encoding == ENCODING_RAW)
			len[b] = (uint32_t)(block_values(c, b) * c->width);
		else
			len[b] = (uint32_t)integer_bound(v, plan->encoding, b);
	}
	plan->block_len = len;
	return TEG_OK;
}

teg_status choose(const struct column *c, enum value_class class, bool had_nulls,
                  const struct dictionary_limits *limits, struct codec_scratch *scratch,
                  struct plan *plan_out)
{
	struct plan *plan = plan_out;
	struct integers v = { 0 };
	size_t best = column_len(c);

	*plan = (struct plan){ .encoding = ENCODING_RAW, .is_signed = class == VALUE_SIGNED };
	if (choose_integers(c, class)) {
		TEG_TRY(measure(c, plan->is_signed, scratch, &v));
		choose_integer(&v, class, had_nulls, plan, &best);
		if (class == VALUE_FLOAT && c->width == 8 && v.bits)
			TEG_TRY(consider_alp(&v, scratch, plan, &best));
	} else if (!had_nulls && column_value(c, 0).len <= CONSTANT_LEN_MAX && all_equal(c)) {
		plan->encoding = ENCODING_CONSTANT;
	} else if (c->shape == COLUMN_BYTES) {
		measure_lengths(c, plan, &best);
	}
	if (plan->encoding == ENCODING_CONSTANT)
		return TEG_OK;
	if (class != VALUE_OFFSETS)
		TEG_TRY(try_dictionary(c, class, best, limits, scratch, plan));
	return bound_blocks(c, &v, scratch, plan);
}

/* ---- cutting pages --------------------------------------------------------------------------- */

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
