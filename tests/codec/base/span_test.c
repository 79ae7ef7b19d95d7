#include "codec/base/span.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
	const char *a, *b;
	int order;
} pairs[] = {
	{ "", "", 0 },     { "", "a", -1 },   { "a", "b", -1 },       { "a", "a", 0 },
	{ "ab", "b", -1 }, { "a", "ab", -1 }, { "\x7f", "\xff", -1 }, { "\xc3\xa9", "z", 1 },
};

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

Test(span, compares_bytes_then_length)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct span a = span_of_text(pairs[i].a), b = span_of_text(pairs[i].b);

		cr_assert_eq(sign(span_compare(a, b)), pairs[i].order, "%zu", i);
		cr_assert_eq(sign(span_compare(b, a)), -pairs[i].order, "%zu", i);
		cr_assert_eq(span_equal(a, b), pairs[i].order == 0, "%zu", i);
	}
}

Test(span, an_empty_one_needs_no_address)
{
	struct span none = { NULL, 0 };

	cr_assert(span_equal(none, none));
	cr_assert_eq(span_compare(none, span_of_text("")), 0);
	cr_assert_lt(span_compare(none, span_of_text("a")), 0);
}

Test(span, loads_and_stores_little_endian_at_any_address)
{
	uint8_t bytes[16];

	for (size_t at = 0; at < 8; at++) {
		memset(bytes, 0, sizeof bytes);
		store_u16(bytes + at, 0x0201);
		cr_assert(bytes[at] == 1 && bytes[at + 1] == 2 && load_u16(bytes + at) == 0x0201);
		store_u32(bytes + at, 0x04030201);
		cr_assert(bytes[at] == 1 && bytes[at + 3] == 4 &&
		          load_u32(bytes + at) == 0x04030201);
		store_u64(bytes + at, 0x0807060504030201);
		cr_assert(bytes[at] == 1 && bytes[at + 7] == 8);
		cr_assert_eq(load_u64(bytes + at), 0x0807060504030201);
	}
}

/* Blocks of the exact length, so that a sanitizer sees a byte read past the end. */
static uint8_t *counting_bytes(size_t len)
{
	uint8_t *bytes = malloc(len ? len : 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i + 1);
	return bytes;
}

Test(reader, reads_in_order)
{
	uint8_t *bytes = counting_bytes(18);
	struct reader r = reader_of(span_of(bytes, 18));
	struct span rest;

	cr_assert_eq(reader_u8(&r), 0x01);
	cr_assert_eq(reader_u16(&r), 0x0302);
	cr_assert_eq(reader_u32(&r), 0x07060504);
	cr_assert_eq(reader_u64(&r), 0x0f0e0d0c0b0a0908);
	cr_assert_eq(reader_left(&r), 3);
	rest = reader_take(&r, 3);
	cr_assert(rest.at == bytes + 15 && rest.len == 3);
	cr_assert(reader_ok(&r));
	cr_assert_eq(reader_left(&r), 0);
	cr_assert_eq(reader_take(&r, 0).len, 0);
	cr_assert(reader_ok(&r), "nothing may be taken at the end");
	free(bytes);
}

/* One more than there is, for every width and every length. */
Test(reader, never_passes_the_end)
{
	for (size_t len = 0; len < 8; len++) {
		uint8_t *bytes = counting_bytes(len);
		struct span in = span_of(bytes, len);
		struct reader r;

		for (size_t want = len + 1; want < len + 4; want++) {
			r = reader_of(in);
			cr_assert_null(reader_take(&r, want).at);
			cr_assert(!reader_ok(&r));
		}
		r = reader_of(in);
		cr_assert_null(reader_take(&r, SIZE_MAX).at);
		cr_assert(!reader_ok(&r));
		r = reader_of(in);
		cr_assert(len >= 2 || reader_u16(&r) == 0);
		cr_assert(len >= 4 || reader_u32(&r) == 0);
		cr_assert(len >= 8 || reader_u64(&r) == 0);
		cr_assert(!reader_ok(&r));
		free(bytes);
	}
}

Test(reader, failure_sticks)
{
	uint8_t *bytes = counting_bytes(4);
	struct reader r = reader_of(span_of(bytes, 4));

	cr_assert_eq(reader_u8(&r), 1);
	cr_assert_eq(reader_u32(&r), 0);
	cr_assert(!reader_ok(&r));
	cr_assert_eq(reader_left(&r), 0);
	cr_assert_eq(reader_u8(&r), 0, "three bytes are left, but none after a failure");
	cr_assert_null(reader_take(&r, 0).at);
	free(bytes);
}

Test(reader, an_offset_near_the_top_does_not_wrap)
{
	uint8_t *bytes = counting_bytes(4);
	struct reader r = reader_of(span_of(bytes, 4));

	reader_take(&r, 3);
	cr_assert_null(reader_take(&r, SIZE_MAX - 2).at);
	cr_assert(!reader_ok(&r));
	free(bytes);
}
