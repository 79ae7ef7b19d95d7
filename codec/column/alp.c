#include "codec/column/alp.h"
#include "codec/base/bits.h"
#include "codec/base/checked.h"
#include "codec/column/delta.h"
#include "codec/column/kernel.h"

#define SAMPLE 64    /* values that (e, f) is chosen by */
#define MISSES_MAX 4 /* of them may be exceptions */

/* 1.5 * 2^52: a double that small added to it is rounded to an integer, which then stands in the
 * low bits. */
#define MAGIC 6755399441055744.0
#define MAGIC_BITS 0x4338000000000000
#define HALF_RANGE ((uint64_t)1 << 51)

/* Correctly rounded by the compiler; those of positive powers are exact. */
static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
	                         1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18 };
static const double inverses[] = { 1e-0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,
	                           1e-7,  1e-8,  1e-9,  1e-10, 1e-11, 1e-12, 1e-13,
	                           1e-14, 1e-15, 1e-16, 1e-17, 1e-18 };

ALWAYS_INLINE double double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

ALWAYS_INLINE uint64_t bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

/* ALP-3. Exact for integers in range. */
ALWAYS_INLINE uint64_t bits_of_integer(int64_t integer, double power, double inverse)
{
	double v = double_of((uint64_t)integer + MAGIC_BITS) - MAGIC;

	return bits_of(v * power * inverse);
}

/* The nearest integer of `bits`, whatever it is where there is none in range. */
ALWAYS_INLINE int64_t integer_of(uint64_t bits, double power, double inverse)
{
	return (int64_t)(bits_of(double_of(bits) * power * inverse + MAGIC) - MAGIC_BITS);
}

ALWAYS_INLINE bool in_range(int64_t integer)
{
	return (uint64_t)integer + HALF_RANGE < 2 * HALF_RANGE;
}

/* ---- encoding -------------------------------------------------------------------------------- */

/* Bits that the integers of a sample take in (e, f), exceptions counted dear; SIZE_MAX: too many. */
static size_t cost(const uint64_t *sample, size_t n, unsigned e, unsigned f)
{
	int64_t min = INT64_MAX, max = INT64_MIN;
	size_t misses = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t integer = integer_of(sample[i], powers[e], inverses[f]);

		if (!in_range(integer) ||
		    bits_of_integer(integer, powers[f], inverses[e]) != sample[i]) {
			if (++misses > MISSES_MAX)
				return SIZE_MAX;
			continue;
		}
		min = integer < min ? integer : min;
		max = integer > max ? integer : max;
	}
	if (min > max)
		return SIZE_MAX;
	return n * bit_width((uint64_t)(max - min)) + misses * 96;
}

bool alp_guess(const uint8_t *values, size_t n, struct alp *alp_out)
{
	size_t step = size_max(n / SAMPLE, 1), best = SIZE_MAX, m = 0;
	uint64_t sample[SAMPLE];

	for (size_t i = 0; i < n && m < SAMPLE; i += step)
		memcpy(&sample[m++], values + i * 8, 8);
	for (unsigned e = 0; e <= ALP_EXPONENT_MAX; e++)
		for (unsigned f = 0; f <= e; f++) {
			size_t bits = cost(sample, m, e, f);

			if (bits >= best)
				continue;
			best = bits;
			*alp_out = (struct alp){ e, f, ALP_INNER_FOR, NULL };
		}
	return best < m * 48;
}

KERNEL static void all_integers(const uint8_t *values, size_t n, double power, double inverse,
                                int64_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		memcpy(&bits, values + i * 8, 8);
		out[i] = integer_of(bits, power, inverse);
	}
}

static bool exact(int64_t integer, const uint8_t *value, const struct alp *alp)
{
	uint64_t bits;

	memcpy(&bits, value, 8);
	return in_range(integer) &&
	       bits_of_integer(integer, powers[alp->f], inverses[alp->e]) == bits;
}

size_t alp_integers(const uint8_t *values, size_t n, const struct alp *alp, int64_t *integers_out)
{
	size_t misses = 0, first = 0;
	int64_t last;

	all_integers(values, n, powers[alp->e], inverses[alp->f], integers_out);
	while (first < n && !exact(integers_out[first], values + first * 8, alp))
		first++;
	last = first < n ? integers_out[first] : 0;
	for (size_t i = 0; i < n; i++) {
		bool ok = exact(integers_out[i], values + i * 8, alp);

		last = ok ? integers_out[i] : last;
		integers_out[i] = last;
		misses += !ok;
	}
	return misses;
}

#define TRIM_COST 80 /* bits of an exception */
#define TRIM_MOST \
	32 /* one value of so many, or the exceptions take longer to read than all the rest */

/* The width that serves all but a few values best, by how many have which width above the least. */
static unsigned best_width(const uint32_t counts[65], size_t n)
{
	unsigned widest = 64, best;
	size_t above = 0, least;

	while (widest && !counts[widest])
		widest--;
	best = widest;
	least = n * widest / 16 * 15; /* what saves less is not worth it */
	for (unsigned width = widest; width-- > 0;) {
		above += counts[width + 1];
		if (above > n / TRIM_MOST)
			break;
		if (n * width + above * TRIM_COST >= least)
			continue;
		least = n * width + above * TRIM_COST;
		best = width;
	}
	return best;
}

size_t alp_trim(int64_t *integers, size_t n)
{
	uint32_t counts[65] = { 0 };
	int64_t min = INT64_MAX, last;
	size_t trimmed = 0, first = 0;
	unsigned width;

	for (size_t i = 0; i < n; i++)
		min = integers[i] < min ? integers[i] : min;
	for (size_t i = 0; i < n; i++)
		counts[bit_width((uint64_t)integers[i] - (uint64_t)min)]++;
	width = best_width(counts, n);
	while (first < n && bit_width((uint64_t)integers[first] - (uint64_t)min) > width)
		first++;
	last = first < n ? integers[first] : 0;
	for (size_t i = 0; i < n; i++) {
		bool far = bit_width((uint64_t)integers[i] - (uint64_t)min) > width;

		last = far ? last : integers[i];
		integers[i] = last;
		trimmed += far;
	}
	return trimmed;
}

static void take_exceptions(const uint8_t *values, const int64_t *integers, size_t m,
                            const struct alp *alp, struct exceptions *e)
{
	for (size_t i = 0; i < m; i++) {
		memcpy(e->values + e->n * 8, values + i * 8, 8);
		e->places[e->n] = (uint16_t)i;
		e->n += !exact(integers[i], values + i * 8, alp);
	}
}

void alp_encode(const uint8_t *values, const int64_t *integers, size_t n, const struct alp *alp,
                struct codec_scratch *scratch, struct buf *out)
{
	size_t blocks = n / PACK_BLOCK + (n % PACK_BLOCK != 0);
	struct exceptions e = { 0 };
	uint16_t *room;

	buf_u8(out, (uint8_t)alp->e);
	buf_u8(out, (uint8_t)alp->f);
	buf_u8(out, (uint8_t)alp->inner);
	if (alp->inner == ALP_INNER_DELTA)
		delta_encode(integers, 8, n, &scratch->words, out);
	else
		for_encode(integers, 8, n, true, out);
	e.values = scratch_array(&scratch->words, n + 1, 8);
	room = scratch_array(&scratch->more, n + 1 + blocks, sizeof *room);
	if (!e.values || !room) {
		out->status = TEG_NOMEM;
		return;
	}
	e.counts = room;
	e.places = room + blocks;
	for (size_t b = 0; b < blocks; b++) {
		size_t first = b * PACK_BLOCK, before = e.n;

		take_exceptions(values + first * 8, integers + first,
		                size_min(PACK_BLOCK, n - first), alp, &e);
		e.counts[b] = (uint16_t)(e.n - before);
	}
	patches_encode(&e, blocks, 8, false, out);
}

/* ---- decoding -------------------------------------------------------------------------------- */

/* Turns n integers into doubles in place; false where one is out of range. */
KERNEL static bool to_doubles(uint8_t *words, size_t n, double power, double inverse)
{
	uint64_t outside = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t word;

		memcpy(&word, words + i * 8, 8);
		outside |= (word + HALF_RANGE) >> 52;
		word = bits_of_integer((int64_t)word, power, inverse);
		memcpy(words + i * 8, &word, 8);
	}
	return !outside;
}

/* The integers of a page: one of the two streams. */
struct integers {
	unsigned inner;
	struct delta_stream delta;
	struct for_stream stream;
};

static bool open_integers(struct reader *in, unsigned inner, size_t page_n, struct integers *out)
{
	out->inner = inner;
	if (inner == ALP_INNER_DELTA)
		return delta_open(in, 8, page_n, &out->delta);
	return inner == ALP_INNER_FOR && for_open(in, 8, page_n, &out->stream);
}

/* A page taken apart; false for bytes that no writer makes. */
static bool open_page(struct reader *in, size_t page_n, double *power, double *inverse,
                      struct integers *integers, struct patches *patches)
{
	unsigned e = reader_u8(in), f = reader_u8(in), inner = reader_u8(in);

	if (!reader_ok(in) || e > ALP_EXPONENT_MAX || f > e)
		return false;
	*power = powers[f];
	*inverse = inverses[e];
	return open_integers(in, inner, page_n, integers) && patches_open(in, 8, page_n, patches);
}

teg_status alp_decode(struct reader *in, size_t page_n, size_t from, size_t n,
                      struct codec_scratch *scratch, uint8_t *out)
{
	struct integers integers;
	struct patches patches;
	double power, inverse;

	if (!open_page(in, page_n, &power, &inverse, &integers, &patches))
		return TEG_CORRUPT;
	if (integers.inner == ALP_INNER_DELTA)
		delta_decode(&integers.delta, from, n, out);
	else
		for_decode(&integers.stream, from, n, out);
	if (!to_doubles(out, n, power, inverse))
		return TEG_CORRUPT;
	return patches_apply(&patches, from, n, scratch, out);
}

teg_status alp_take(struct reader *in, size_t page_n, const uint16_t *at, size_t n, uint8_t *out)
{
	struct integers integers;
	struct patches patches;
	double power, inverse;

	if (!open_page(in, page_n, &power, &inverse, &integers, &patches))
		return TEG_CORRUPT;
	if (integers.inner == ALP_INNER_DELTA)
		delta_take(&integers.delta, at, n, out);
	else
		for_take(&integers.stream, at, n, out);
	if (!to_doubles(out, n, power, inverse))
		return TEG_CORRUPT;
	return patches_take(&patches, at, n, out);
}
