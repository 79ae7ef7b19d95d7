#include <criterion/criterion.h>
#include "tests/support/columns.h"
#include "tests/support/memory.h"

/* A DICTIONARY chunk of strings with nulls, without zstd: 3 values in a page of 7 bytes, the
 * dictionary of 2 values in 12 bytes. */
static const uint8_t good[] = {
	6,  2 | 8, 3, 0,             /* encoding, flags, class, zero */
	0,  0,     0, 0,             /* width */
	3,  0,     0, 0,             /* n */
	2,  0,     0, 0,             /* dictionary: values, */
	12, 0,     0, 0,             /* bytes, */
	1,  1,     1, 1, 1, 1, 1, 1, /* hash */
	1,  0,     0, 0,             /* pages */
	3,  0,     0, 0,             /* the first: values, */
	7,  0,     0, 0,             /* bytes, */
	2,  2,     2, 2, 2, 2, 2, 2, /* hash */
};

static teg_status parse(struct span bytes, uint64_t len_max, struct chunk *chunk_out)
{
	struct arena arena;
	teg_status status;
	teg_error err;

	arena_init(&arena, teg_allocator_default(), 1 << 20);
	status = chunk_parse_descriptor(bytes, len_max, &arena, chunk_out, &err);
	if (status != TEG_OK)
		cr_assert_neq(err.message[0], 0);
	arena_release(&arena);
	return status;
}

static const struct {
	const char *why;
	size_t at;
	uint8_t byte;
	teg_status status;
} changed[] = {
	{ "unknown encoding", 0, 8, TEG_UNSUPPORTED }, /* ND3 CHUNK-4 */
	{ "unknown encoding, far away", 0, 255, TEG_UNSUPPORTED },
	{ "an encoding of numbers for strings", 0, 2, TEG_CORRUPT },
	{ "ALP for strings", 0, 7, TEG_CORRUPT },
	{ "a frame for a dictionary, without its length", 1, 128 | 2 | 8, TEG_CORRUPT },
	{ "vectors of text", 1, 64 | 2 | 8, TEG_CORRUPT },
	{ "planes of a dictionary", 1, 16 | 2 | 8, TEG_CORRUPT },
	{ "all null, with pages", 1, 2 | 4 | 8, TEG_CORRUPT },
	{ "FIXED of width 0", 1, 2, TEG_CORRUPT },
	{ "unknown class", 2, 6, TEG_CORRUPT },
	{ "strings as numbers", 2, 0, TEG_CORRUPT },
	{ "wide strings", 2, 4, TEG_CORRUPT },
	{ "reserved byte", 3, 1, TEG_CORRUPT },
	{ "BYTES with a width", 4, 1, TEG_CORRUPT },
	{ "BYTES with a width of 2^31", 7, 128, TEG_CORRUPT },
	{ "fewer values than the pages hold", 8, 2, TEG_CORRUPT },
	{ "more values than the pages hold", 8, 4, TEG_CORRUPT },
	{ "2^24 + 3 values", 11, 1, TEG_CORRUPT },
	{ "an empty dictionary", 12, 0, TEG_CORRUPT },
	{ "a dictionary of more values than the chunk", 12, 4, TEG_CORRUPT },
	{ "a dictionary of 2^31 values", 15, 128, TEG_CORRUPT },
	{ "a dictionary page over 32 KiB", 17, 128, TEG_CORRUPT },
	{ "no pages", 28, 0, TEG_CORRUPT },
	{ "more pages than entries", 28, 2, TEG_CORRUPT },
	{ "2^31 pages", 31, 128, TEG_CORRUPT },
	{ "a page without values", 32, 0, TEG_CORRUPT },
	{ "a page of 65539 values", 34, 1, TEG_CORRUPT },
	{ "a page over 32 KiB", 37, 129, TEG_CORRUPT },
	{ "a page of 4 GiB", 39, 255, TEG_CORRUPT },
};

Test(descriptor, refuses_what_no_writer_makes) /* CHUNK-1 to CHUNK-6 PAGE-1 to PAGE-3 ND3 X18 */
{
	uint8_t bytes[sizeof good];
	struct chunk chunk;

	for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
		memcpy(bytes, good, sizeof good);
		bytes[changed[i].at] = changed[i].byte;
		cr_assert_eq(parse(span_of(bytes, sizeof bytes), 1 << 20, &chunk),
		             changed[i].status, "%s", changed[i].why);
	}
}

/* The same with a second page: the first must hold whole blocks then. */
static teg_status parse_two(uint16_t first_n, uint16_t n)
{
	uint8_t bytes[sizeof good + 16];
	struct chunk chunk;

	memcpy(bytes, good, sizeof good);
	memcpy(bytes + sizeof good, good + sizeof good - 16, 16);
	bytes[8] = (uint8_t)n;
	bytes[9] = (uint8_t)(n >> 8);
	bytes[28] = 2;
	bytes[32] = (uint8_t)first_n;
	bytes[33] = (uint8_t)(first_n >> 8);
	return parse(span_of(bytes, sizeof bytes), 1 << 20, &chunk);
}

Test(descriptor, has_whole_blocks_in_all_pages_but_the_last) /* PAGE-2 CHUNK-3 */
{
	cr_assert_eq(parse_two(1024, 1027), TEG_OK);
	cr_assert_eq(parse_two(2048, 2051), TEG_OK);
	cr_assert_eq(parse_two(1023, 1026), TEG_CORRUPT);
	cr_assert_eq(parse_two(3, 6), TEG_CORRUPT);
	cr_assert_eq(parse_two(1024, 1026), TEG_CORRUPT);
	cr_assert_eq(parse_two(1024, 1000), TEG_CORRUPT);
}

Test(descriptor, gives_what_was_put) /* CHUNK-1 to CHUNK-3 */
{
	struct arena arena;
	struct chunk chunk;
	struct buf out;

	arena_init(&arena, teg_allocator_default(), 1 << 20);
	cr_assert_eq(chunk_parse_descriptor(span_of(good, sizeof good), 19, &arena, &chunk, NULL),
	             TEG_OK);
	cr_assert_eq(chunk.encoding, ENCODING_DICTIONARY);
	cr_assert_eq(chunk.n_dictionary, 2);
	cr_assert_eq(chunk.dictionary.off, 0);
	cr_assert_eq(chunk.pages[0].off, 12);
	cr_assert_eq(chunk.pages[0].hash, 0x0202020202020202);
	cr_assert_eq(chunk.len, 19);
	buf_init(&out, teg_allocator_default(), 1 << 20);
	chunk_put_descriptor(&chunk, &out);
	cr_assert(span_equal(buf_span(&out), span_of(good, sizeof good)));
	buf_release(&out);
	arena_release(&arena);
}

Test(descriptor, compresses_a_dictionary_only_where_there_is_one) /* CHUNK-6 */
{
	static const uint8_t raw[] = { 0, 128, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,
		                       1, 0,   0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	uint8_t bytes[sizeof raw];
	struct chunk chunk;

	memcpy(bytes, raw, sizeof raw);
	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 8, &chunk), TEG_CORRUPT);
	bytes[1] = 0;
	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 8, &chunk), TEG_OK);
}

Test(descriptor, must_fit_what_is_left_of_the_file) /* X18 */
{
	struct chunk chunk;

	cr_assert_eq(parse(span_of(good, sizeof good), 19, &chunk), TEG_OK);
	cr_assert_eq(parse(span_of(good, sizeof good), 18, &chunk), TEG_CORRUPT);
	cr_assert_eq(parse(span_of(good, sizeof good), 0, &chunk), TEG_CORRUPT);
}

Test(descriptor, refuses_every_cut_and_what_is_left_over)
{
	uint8_t bytes[sizeof good + 1] = { 0 };
	struct chunk chunk;

	memcpy(bytes, good, sizeof good);
	for (size_t cut = 0; cut < sizeof good; cut++)
		cr_assert_eq(parse(span_of(bytes, cut), 1 << 20, &chunk), TEG_CORRUPT, "%zu", cut);
	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 1 << 20, &chunk), TEG_CORRUPT);
}

static const struct {
	const char *why;
	uint8_t flags;
	uint32_t n;
	size_t len;
	uint8_t value[4];
	teg_status status;
} constants[] = {
	{ "a value", 0, 9, 2, { 7, 0 }, TEG_OK },
	{ "all null", 2 | 4, 9, 0, { 0 }, TEG_OK },
	{ "no values", 4, 0, 0, { 0 }, TEG_OK },
	{ "a value for no values", 0, 0, 2, { 7, 0 }, TEG_CORRUPT },
	{ "a value of another width", 0, 9, 3, { 7, 0, 0 }, TEG_CORRUPT },
	{ "no value", 0, 9, 0, { 0 }, TEG_CORRUPT },
	{ "all null and a value", 2 | 4, 9, 2, { 7, 0 }, TEG_CORRUPT },
	{ "all null without nulls", 4, 9, 0, { 0 }, TEG_CORRUPT },
	{ "some nulls", 2, 9, 2, { 7, 0 }, TEG_CORRUPT },
	{ "nulls among no values", 2 | 4, 0, 0, { 0 }, TEG_CORRUPT },
	{ "zstd of nothing", 1, 9, 2, { 7, 0 }, TEG_CORRUPT },
};

Test(descriptor, takes_constants_of_their_width_only) /* CONST-1 CONST-2 */
{
	for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
		uint8_t bytes[24] = { 1, constants[i].flags, 0, 0, 2, 0, 0, 0 };
		struct chunk chunk;

		bytes[8] = (uint8_t)constants[i].n;
		bytes[12] = (uint8_t)constants[i].len;
		memcpy(bytes + 16, constants[i].value, 4);
		cr_assert_eq(parse(span_of(bytes, 16 + constants[i].len), 0, &chunk),
		             constants[i].status, "%s", constants[i].why);
	}
}

Test(descriptor, refuses_columns_that_nobody_can_hold) /* COL-1 X18 */
{
	/* CONSTANT, all null, OPAQUE */
	uint8_t bytes[16] = { 1, 2 | 4, 5, 0, 0, 0, 0, 4, 31, 0, 0, 0 };
	struct chunk chunk;

	cr_assert_eq(parse(span_of(bytes, 16), 0, &chunk), TEG_OK, "31 times 64 MiB");
	bytes[8] = 32;
	cr_assert_eq(parse(span_of(bytes, 16), 0, &chunk), TEG_CORRUPT, "2 GiB");
	bytes[8] = bytes[4] = 1;
	cr_assert_eq(parse(span_of(bytes, 16), 0, &chunk), TEG_CORRUPT, "over 64 MiB");
}

Test(descriptor, refuses_long_constants) /* CONST-1 */
{
	static uint8_t bytes[16 + 1025] = { 1, 8, 3, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 4, 0, 0 };
	struct chunk chunk;

	cr_assert_eq(parse(span_of(bytes, 16 + 1024), 0, &chunk), TEG_OK);
	bytes[12] = 1;
	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 0, &chunk), TEG_CORRUPT);
}

Test(descriptor, bounds_what_zstd_may_unpack) /* PAGE-4 X18 */
{
	uint8_t bytes[] = {
		0, 1, 5, 0, 100, 0, 0, 0, 2, 0, 0, 0, /* RAW, OPAQUE, 2 of 100 bytes */
		1, 0, 0, 0, 2,   0, 0, 0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
	};
	struct chunk chunk;

	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 9, &chunk), TEG_OK, "64 KiB");
	bytes[24] = 1;
	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 9, &chunk), TEG_CORRUPT);
	bytes[8] = bytes[16] = 1; /* one value may be larger */
	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 9, &chunk), TEG_OK);
	bytes[27] = 4;
	cr_assert_eq(parse(span_of(bytes, sizeof bytes), 9, &chunk), TEG_CORRUPT, "over 64 MiB");
}

Test(descriptor, finds_the_page_of_a_value)
{
	static const struct chunk_page pages[] = { { .first = 0, .n = 1024 },
		                                   { .first = 1024, .n = 2048 },
		                                   { .first = 3072, .n = 5 } };
	struct chunk chunk = { .n = 3077, .n_pages = 3, .pages = pages };
	static const struct {
		uint32_t i, page;
	} cases[] = { { 0, 0 }, { 1023, 0 }, { 1024, 1 }, { 3071, 1 }, { 3072, 2 }, { 3076, 2 } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_assert_eq(chunk_page_of(&chunk, cases[i].i), cases[i].page, "%u", cases[i].i);
}
