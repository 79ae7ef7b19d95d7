/* Which encoding a column takes: the promises of ND1, and that nothing grows. */
#include <criterion/criterion.h>
#include <math.h>
#include "tests/support/columns.h"
#include "tests/support/rng.h"

static int64_t values[100000];

static enum encoding chosen(enum value_class class, size_t n, const char *name)
{
	struct column c = { COLUMN_FIXED, 8, n, NULL, (const uint8_t *)values, NULL, NULL };

	return columns_check_round_trip(&c, class, PROFILE_FAST, name);
}

Test(choose, long_runs_take_runs) /* ND1 */
{
	for (size_t i = 0; i < 100000; i++)
		values[i] = (int64_t)(i / 3000 * 12345 % 77);
	cr_assert_eq(chosen(VALUE_SIGNED, 100000, "runs"), ENCODING_RUNS);
}

Test(choose, one_run_is_a_constant) /* ND1 */
{
	for (size_t i = 0; i < 100000; i++)
		values[i] = -5;
	cr_assert_eq(chosen(VALUE_SIGNED, 100000, "100k run"), ENCODING_CONSTANT);
	cr_assert_eq(chosen(VALUE_SIGNED, 1, "single"), ENCODING_CONSTANT);
	cr_assert_eq(chosen(VALUE_SIGNED, 0, "empty"), ENCODING_CONSTANT);
}

Test(choose, monotone_takes_delta_and_non_monotone_keeps_its_values) /* ND1 */
{
	struct rng rng = { 53 };

	values[0] = 1700000000000000;
	for (size_t i = 1; i < 50000; i++)
		values[i] = values[i - 1] + (int64_t)rng_below(&rng, 2000);
	cr_assert_eq(chosen(VALUE_SIGNED, 50000, "timestamps"), ENCODING_DELTA);
	for (size_t i = 1; i < 50000; i++)
		values[i] = values[i - 1] + (int64_t)rng_below(&rng, 2000) - 1000;
	cr_assert_eq(chosen(VALUE_SIGNED, 50000, "wandering"), ENCODING_DELTA);
}

Test(choose, open_valid_ends_take_patched) /* X13 */
{
	struct rng rng = { 59 };

	for (size_t i = 0; i < 50000; i++)
		values[i] = rng_below(&rng, 50) ? INT64_MAX : (int64_t)(rng_u64(&rng) >> 13);
	cr_assert_eq(chosen(VALUE_SIGNED, 50000, "mostly open"), ENCODING_PATCHED);
}

Test(choose, small_ranges_take_for_and_noise_stays_raw)
{
	struct rng rng = { 61 };

	for (size_t i = 0; i < 50000; i++)
		values[i] = (int64_t)rng_below(&rng, 100000) - 50000;
	cr_assert_eq(chosen(VALUE_SIGNED, 50000, "range"), ENCODING_FOR);
	for (size_t i = 0; i < 50000; i++)
		values[i] = (int64_t)rng_u64(&rng);
	cr_assert_eq(chosen(VALUE_SIGNED, 50000, "noise"), ENCODING_RAW);
	cr_assert_eq(chosen(VALUE_FLOAT, 50000, "noise of floats"), ENCODING_RAW);
}

Test(choose, few_scattered_values_take_a_dictionary) /* NC1 */
{
	struct rng rng = { 67 };

	for (size_t i = 0; i < 50000; i++)
		values[i] = (int64_t)(rng_below(&rng, 300) * 0x9e3779b97f4a7c15u);
	cr_assert_eq(chosen(VALUE_SIGNED, 50000, "ids"), ENCODING_DICTIONARY);
}

/* Minutes of a day written as HHMM: 12 bits as they are, 11 as codes, whose dictionary is a frame. */
Test(choose, numbers_with_gaps_take_a_dictionary_but_in_fast)
{
	static const struct {
		enum profile profile;
		size_t n;
		enum encoding encoding;
	} cases[] = { { PROFILE_BALANCED, 60000, ENCODING_DICTIONARY },
		      { PROFILE_DENSE, 60000, ENCODING_DICTIONARY },
		      { PROFILE_FAST, 60000, ENCODING_FOR },
		      { PROFILE_BALANCED, 10000, ENCODING_FOR } };
	struct rng rng = { 11 };

	for (size_t i = 0; i < 60000; i++)
		values[i] = (int64_t)(rng_below(&rng, 24) * 100 + rng_below(&rng, 60));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct column c = { COLUMN_FIXED, 8,   cases[i].n, NULL, (const uint8_t *)values,
			            NULL,         NULL };
		enum encoding encoding = columns_check_round_trip(&c, VALUE_SIGNED,
		                                                  cases[i].profile,
		                                                  "minutes of a day");

		cr_expect_eq(encoding, cases[i].encoding, "%zu: %d", i, (int)encoding);
	}
}

Test(choose, decimals_take_alp)
{
	struct rng rng = { 71 };

	for (size_t i = 0; i < 50000; i++) {
		double v = (double)rng_below(&rng, 500000) / 100;

		if (i % 1000 == 0)
			v = i % 2000 ? (double)NAN : -0.0;
		memcpy(&values[i], &v, sizeof v);
	}
	cr_assert_eq(chosen(VALUE_FLOAT, 50000, "prices"), ENCODING_ALP);
}

/* What a chunk takes: its bytes and its pages' entries. */
static size_t chunk_len(const struct column *c, enum value_class class, enum profile profile)
{
	struct encoded e;
	size_t len;

	encoded_init(&e, c, class, profile);
	len = e.chunk.len + e.descriptor.len;
	encoded_release(&e);
	return len;
}

Test(choose, nothing_grows) /* noise costs its page table, no more */
{
	struct column c = { COLUMN_FIXED, 8, 50000, NULL, (const uint8_t *)values, NULL, NULL };
	struct rng rng = { 73 };

	for (size_t i = 0; i < 50000; i++)
		values[i] = (int64_t)rng_u64(&rng);
	for (int profile = PROFILE_BALANCED; profile <= PROFILE_DENSE; profile++)
		cr_assert_leq(chunk_len(&c, VALUE_FLOAT, (enum profile)profile), 400000 + 16 * 20,
		              "profile %d", profile);
}

Test(choose, profiles_differ_in_zstd) /* repeated text shrinks but in FAST FOR stays as it is */
{
	struct column c = { COLUMN_FIXED, 8, 40000, NULL, (const uint8_t *)values, NULL, NULL };
	struct rng rng = { 79 };
	size_t fast, balanced, dense;

	/* The same thousand numbers again and again: nothing that integer encodings see. */
	for (size_t i = 0; i < 40000; i++)
		values[i] = i < 6000 ? (int64_t)rng_u64(&rng) : values[i - 6000];
	fast = chunk_len(&c, VALUE_SIGNED, PROFILE_FAST);
	balanced = chunk_len(&c, VALUE_SIGNED, PROFILE_BALANCED);
	dense = chunk_len(&c, VALUE_SIGNED, PROFILE_DENSE);
	cr_assert_leq(balanced, fast);
	cr_assert_leq(dense, balanced);
	for (size_t i = 0; i < 40000; i++)
		values[i] = (int64_t)(rng_u64(&rng) & 0xff00ff00ff00);
	cr_assert_lt(chunk_len(&c, VALUE_SIGNED, PROFILE_BALANCED),
	             chunk_len(&c, VALUE_SIGNED, PROFILE_FAST));
}

static const struct {
	const char *why;
	enum column_shape shape;
	uint32_t width;
	enum value_class class;
} misused[] = {
	{ "a number of three bytes", COLUMN_FIXED, 3, VALUE_UNSIGNED },
	{ "a float of one byte", COLUMN_FIXED, 1, VALUE_FLOAT },
	{ "a signed string", COLUMN_BYTES, 0, VALUE_SIGNED },
	{ "a wide number of 8 bytes", COLUMN_FIXED, 8, VALUE_WIDE },
};

/* What the encoder says; where that is no, it has written nothing. */
static teg_status refuse(const struct column *c, enum value_class class)
{
	struct codec_scratch *scratch = codec_scratch_new(teg_allocator_default());
	struct arena arena;
	struct chunk chunk;
	struct buf out;
	teg_status status;

	arena_init(&arena, teg_allocator_default(), 10000);
	buf_init(&out, teg_allocator_default(), 10000);
	status = chunk_encode(c, class, PROFILE_FAST, scratch, &arena, &out, &chunk, NULL);
	cr_assert_eq(out.len, 0);
	arena_release(&arena);
	buf_release(&out);
	codec_scratch_free(scratch);
	return status;
}

Test(choose, refuses_columns_that_nobody_can_hold) /* COL-1 */
{
	struct column c = { COLUMN_FIXED, 8,   (1u << 24) + 1, NULL, (const uint8_t *)values,
		            NULL,         NULL };

	cr_assert_eq(refuse(&c, VALUE_SIGNED), TEG_LIMIT);
	c.n = 1u << 23;
	c.width = 256;
	cr_assert_eq(refuse(&c, VALUE_OPAQUE), TEG_LIMIT);
}

Test(choose, refuses_classes_that_do_not_go_with_a_width) /* COL-2 */
{
	static const int32_t offsets[] = { 0, 1 };

	for (size_t i = 0; i < sizeof misused / sizeof *misused; i++) {
		struct column c = { misused[i].shape,        misused[i].width, 1,   NULL,
			            (const uint8_t *)values, offsets,          NULL };

		cr_assert_eq(refuse(&c, misused[i].class), TEG_MISUSE, "%s", misused[i].why);
	}
}
