#include "codec/column/alp.h"
#include <criterion/criterion.h>
#include <math.h>
#include "tests/codec/column/scratch_fixture.h"
#include "tests/support/rng.h"

TestSuite(alp, .init = set_up, .fini = tear_down);

static double from_bits(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

/* Encodes as (e, f), reads ranges back and compares bits. Returns the exceptions. */
static size_t check(const double *values, size_t n, const struct alp *given, const char *name)
{
	static int64_t integers[4000];
	static double back[4000];
	struct alp alp = *given;
	struct rng rng = { 37 };
	size_t misses;
	struct buf out;

	buf_init(&out, teg_allocator_default(), BUF_NO_LIMIT);
	misses = alp_integers((const uint8_t *)values, n, &alp, integers);
	for (int inner = ALP_INNER_FOR; inner <= ALP_INNER_DELTA; inner++) {
		alp.inner = (enum alp_inner)inner;
		buf_clear(&out);
		alp_encode((const uint8_t *)values, integers, n, &alp, scratch, &out);
		cr_assert_eq(buf_status(&out), TEG_OK);
		for (int turn = 0; turn < 20; turn++) {
			size_t from = turn ? rng_below(&rng, n) : 0;
			size_t use = turn == 1 ? 1 : turn ? rng_below(&rng, n - from + 1) : n;
			struct reader in = reader_of(buf_span(&out));

			cr_assert_eq(alp_decode(&in, n, from, use, scratch, (uint8_t *)back),
			             TEG_OK, "%s", name);
			cr_assert_eq(memcmp(back, values + from, use * 8), 0, "%s: %zu + %zu", name,
			             from, use);
		}
	}
	buf_release(&out);
	return misses;
}

Test(alp, gives_decimals_back_without_exceptions) /* ALP-3 */
{
	static double values[4000];
	struct rng rng = { 41 };

	for (int digits = 0; digits <= 6; digits++) {
		double power = pow(10, digits);
		struct alp alp;

		for (size_t i = 0; i < 4000; i++)
			values[i] = (double)((int64_t)rng_below(&rng, 2000000) - 1000000) / power;
		for (size_t i = 0; i < 4000; i++)
			if (values[i] == 0)
				values[i] = 1;
		cr_assert(alp_guess((const uint8_t *)values, 4000, &alp), "%d digits", digits);
		cr_assert_leq(check(values, 4000, &alp, "decimals"), 40, "%d digits", digits);
	}
}

/* X12: nothing here may change a bit, nor what stands beside it. */
static const uint64_t odd_ones[] = {
	0x8000000000000000,                     /* -0.0 */
	0x7ff0000000000000, 0xfff0000000000000, /* infinities */
	0x7ff8000000000000, 0x7ff0000000000001,
	0xfff8dead0000beef,                     /* NaN: quiet, signalling, payload */
	0x0000000000000001, 0x800fffffffffffff, /* denormals */
	0x7fefffffffffffff, 0xffefffffffffffff, /* largest */
	0x4320000000000000, 0x4330000000000001, /* 2^51 and above 2^52 */
	0x43e0000000000000, 0x3fb999999999999a,
	0x3fb999999999999b, /* 2^63; 0.1 and its neighbour */
};

Test(alp, keeps_every_bit_of_odd_doubles) /* ALP-6 ND4 H1 X12 */
{
	double values[1100];
	const size_t n_odd = sizeof odd_ones / sizeof *odd_ones;

	for (size_t i = 0; i < 1100; i++)
		values[i] = i % 3 ? (double)i / 10 : from_bits(odd_ones[i / 3 % n_odd]);
	for (unsigned e = 0; e <= ALP_EXPONENT_MAX; e++)
		for (unsigned f = 0; f <= e; f++) {
			struct alp alp = { e, f, ALP_INNER_FOR, NULL };

			check(values, 1100, &alp, "odd ones");
		}
}

Test(alp, takes_pages_of_exceptions_only) /* ND4 */
{
	double values[1030];
	struct alp alp = { 0, 0, ALP_INNER_FOR, NULL };

	for (size_t i = 0; i < 1030; i++)
		values[i] = from_bits(0x7ff8000000000000 + i);
	cr_assert_eq(check(values, 1030, &alp, "NaN"), 1030);
}

Test(alp, is_not_guessed_for_what_is_no_decimal)
{
	double values[2000];
	struct rng rng = { 43 };
	struct alp alp;

	for (size_t i = 0; i < 2000; i++)
		values[i] = rng_unit(&rng);
	cr_assert_not(alp_guess((const uint8_t *)values, 2000, &alp));
	for (size_t i = 0; i < 2000; i++)
		values[i] = from_bits(rng_u64(&rng));
	cr_assert_not(alp_guess((const uint8_t *)values, 2000, &alp));
}

/* One double, 2.5 as 25 * 10^0 * 10^-1. */
static const uint8_t vector[] = { 1, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

static teg_status decode_one(const uint8_t *bytes, size_t len, double *out)
{
	struct reader in = reader_of(span_of(bytes, len));

	return alp_decode(&in, 1, 0, 1, scratch, (uint8_t *)out);
}

static const struct {
	const char *why;
	size_t at;
	uint8_t byte;
} refused[] = {
	{ "e above 18", 0, 19 },           { "f above e", 1, 2 },
	{ "unknown inner stream", 2, 2 },  { "width above 64", 3, 65 },
	{ "integer out of range", 11, 1 }, { "an exception that is missing", 12, 1 },
};

Test(alp, agrees_with_the_spec_vector_and_refuses_others) /* ALP-1 ALP-2 ALP-4 */
{
	uint8_t bytes[sizeof vector + 1];
	double v;

	cr_assert_eq(decode_one(vector, sizeof vector, &v), TEG_OK);
	cr_assert_eq(v, 2.5);
	for (size_t len = 0; len < sizeof vector; len++)
		cr_assert_eq(decode_one(vector, len, &v), TEG_CORRUPT, "%zu", len);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		memcpy(bytes, vector, sizeof vector);
		bytes[refused[i].at] = refused[i].byte;
		cr_assert_eq(decode_one(bytes, sizeof vector, &v), TEG_CORRUPT, "%s",
		             refused[i].why);
	}
	memcpy(bytes, vector, sizeof vector);
	bytes[sizeof vector] = 0;
	cr_assert_eq(decode_one(bytes, sizeof bytes, &v), TEG_CORRUPT, "left over");
}

/* ---- trimming ---- */

static const struct {
	const char *name;
	int64_t low, spread; /* of most integers */
	int64_t far;         /* of some of 1024 */
	size_t n_far, trimmed;
} trims[] = {
	{ "a few far ones", -20, 100, 1300, 10, 10 },
	{ "the first and the last", 1000, 7, 1 << 30, 2, 2 },
	{ "none", 5, 100, 0, 0, 0 },
	{ "too many", -20, 100, 1300, 200, 0 },
	{ "not far enough to pay", -20, 100, 130, 20, 0 },
	{ "the whole range", -((int64_t)1 << 51), 100, ((int64_t)1 << 51) - 1, 3, 3 },
};

Test(alp, trims_few_that_widen_all) /* ALP-5 ALP-6 */
{
	for (size_t t = 0; t < sizeof trims / sizeof *trims; t++) {
		int64_t integers[1024];
		struct rng rng = { 41 };
		size_t step = trims[t].n_far > 1 ? 1023 / (trims[t].n_far - 1) : 1;

		for (size_t i = 0; i < 1024; i++)
			integers[i] = trims[t].low +
			              (int64_t)(rng_below(&rng, (uint64_t)trims[t].spread));
		for (size_t i = 0; i < trims[t].n_far; i++)
			integers[i * step] = trims[t].far;
		cr_assert_eq(alp_trim(integers, 1024), trims[t].trimmed, "%s", trims[t].name);
		for (size_t i = 0; trims[t].trimmed && i < 1024; i++)
			cr_assert(integers[i] >= trims[t].low &&
			                  integers[i] < trims[t].low + trims[t].spread,
			          "%s: %zu", trims[t].name, i);
	}
}

Test(alp, what_was_trimmed_comes_back) /* ALP-6 */
{
	static double values[3000], back[3000];
	static int64_t integers[3000];
	struct rng rng = { 43 };
	struct alp alp = { 0, 0, ALP_INNER_FOR, NULL };
	size_t trimmed = 0;
	struct reader in;
	struct buf out;

	for (size_t i = 0; i < 3000; i++)
		values[i] = (double)rng_below(&rng, 500) + (i % 97 ? 0 : 1e6);
	cr_assert_eq(alp_integers((const uint8_t *)values, 3000, &alp, integers), 0);
	for (size_t i = 0; i < 3000; i += 1024)
		trimmed += alp_trim(integers + i, i + 1024 < 3000 ? 1024 : 3000 - i);
	cr_assert_eq(trimmed, 31);
	buf_init(&out, teg_allocator_default(), BUF_NO_LIMIT);
	alp_encode((const uint8_t *)values, integers, 3000, &alp, scratch, &out);
	in = reader_of(buf_span(&out));
	cr_assert_eq(alp_decode(&in, 3000, 0, 3000, scratch, (uint8_t *)back), TEG_OK);
	cr_assert_arr_eq(back, values, sizeof values);
	cr_assert_lt(out.len, 3000 * 9 / 8 + 500);
	buf_release(&out);
}
