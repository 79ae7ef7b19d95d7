#include "codec/column/raw.h"
#include <criterion/criterion.h>

static teg_status decode(struct span bytes, enum column_shape shape, uint32_t width, size_t page_n,
                         size_t from, size_t n, const uint8_t *valid, struct column_buf *out)
{
	struct reader in = reader_of(bytes);

	column_buf_init(out, shape, width, teg_allocator_default());
	return raw_decode(&in, VALUE_BYTES, page_n, from, n, valid, out);
}

/* "JFK" "" "LG" */
static const uint8_t text[] = { 2, 0, 0, 0, 0, 0x23, 'J', 'F', 'K', 'L', 'G' };

Test(raw, agrees_with_the_spec_vector) /* RAW-2 */
{
	static const int32_t offsets[] = { 2, 5, 5, 7 };
	struct column c = { COLUMN_BYTES, 0, 3, NULL, (const uint8_t *)"..JFKLG", offsets, NULL };
	struct codec_scratch *scratch = codec_scratch_new(teg_allocator_default());
	struct column_buf back;
	struct buf out;

	buf_init(&out, teg_allocator_default(), BUF_NO_LIMIT);
	raw_encode(&c, VALUE_BYTES, 0, 3, scratch, &out);
	cr_assert_eq(out.len, sizeof text);
	cr_assert_arr_eq(out.at, text, sizeof text);
	cr_assert_eq(decode(buf_span(&out), COLUMN_BYTES, 0, 3, 2, 1, NULL, &back), TEG_OK);
	cr_assert_eq(back.n, 1);
	cr_assert_eq(back.offsets[1], 2);
	cr_assert_eq(memcmp(back.values, "LG", 2), 0);
	column_buf_release(&back);
	buf_release(&out);
	codec_scratch_free(scratch);
}

static const struct {
	const char *why;
	uint32_t width;
	size_t n, len;
	uint8_t bytes[12], valid;
} refused[] = {
	{ "values cut off", 4, 2, 7, { 1, 2, 3, 4, 5, 6, 7 }, 3 },
	{ "values left over", 4, 2, 9, { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 3 },
	{ "lengths cut off", 0, 3, 5, { 2, 0, 0, 0, 0 }, 7 },
	{ "too few bytes", 0, 3, 10, { 2, 0, 0, 0, 0, 0x23, 'J', 'F', 'K', 'L' }, 7 },
	{ "too many bytes", 0, 3, 12, { 2, 0, 0, 0, 0, 0x23, 'J', 'F', 'K', 'L', 'G', '!' }, 7 },
	{ "a length of 2^32 - 1", 0, 1, 6, { 0, 255, 255, 255, 255, 'x' }, 1 },
	{ "lengths that wrap around to the right sum",
	  0,
	  2,
	  8,
	  { 1, 255, 255, 255, 255, 0x02, 'x', 'y' },
	  3 },
	{ "a null that is not empty",
	  0,
	  3,
	  11,
	  { 2, 0, 0, 0, 0, 0x23, 'J', 'F', 'K', 'L', 'G' },
	  3 },
};

Test(raw, refuses_what_no_writer_makes) /* RAW-1 RAW-3 RAW-4 X18 X19 */
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct column_buf out;

		cr_assert_eq(decode(span_of(refused[i].bytes, refused[i].len),
		                    refused[i].width ? COLUMN_FIXED : COLUMN_BYTES,
		                    refused[i].width, refused[i].n, 0, refused[i].n,
		                    &refused[i].valid, &out),
		             TEG_CORRUPT, "%s", refused[i].why);
		column_buf_release(&out);
	}
}
