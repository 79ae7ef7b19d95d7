#include "codec/column/zstd.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>
#include <zstd.h>

static struct codec_scratch *scratch;
static struct buf frame;
static const char content[] = "the same again, the same again, the same again, the same again";

static void set_up(void)
{
	scratch = codec_scratch_new(teg_allocator_default());
	buf_init(&frame, teg_allocator_default(), BUF_NO_LIMIT);
	cr_assert(zstd_compress(scratch, span_of_text(content), &frame));
}

static void tear_down(void)
{
	buf_release(&frame);
	codec_scratch_free(scratch);
}

TestSuite(zstd, .init = set_up, .fini = tear_down);

static teg_status decompress(struct span bytes, size_t raw_len)
{
	struct span raw;

	return zstd_decompress(scratch, bytes, raw_len, &raw);
}

Test(zstd, gives_back_what_went_in) /* ZSTD-1 ZSTD-2 */
{
	struct span raw;

	cr_assert_lt(frame.len, sizeof content);
	cr_assert_eq(zstd_decompress(scratch, buf_span(&frame), strlen(content), &raw), TEG_OK);
	cr_assert(span_equal(raw, span_of_text(content)));
}

Test(zstd, refuses_every_cut_and_any_other_size) /* ZSTD-3 */
{
	size_t n = strlen(content);

	for (size_t len = 0; len < frame.len; len++)
		cr_assert_eq(decompress(span_of(frame.at, len), n), TEG_CORRUPT, "%zu", len);
	cr_assert_eq(decompress(buf_span(&frame), n - 1), TEG_CORRUPT);
	cr_assert_eq(decompress(buf_span(&frame), n + 1), TEG_CORRUPT);
	cr_assert_eq(decompress(buf_span(&frame), 0), TEG_CORRUPT);
}

Test(zstd, refuses_what_follows_the_frame) /* ZSTD-1 ZSTD-3 */
{
	static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0 };
	size_t one = frame.len, n = strlen(content);

	buf_append(&frame, skippable, sizeof skippable);
	cr_assert_eq(decompress(buf_span(&frame), n), TEG_CORRUPT);
	cr_assert_eq(decompress(span_of(skippable, sizeof skippable), 0), TEG_CORRUPT);
	frame.len = one;
	cr_assert(zstd_compress(scratch, span_of_text(content), &frame));
	cr_assert_eq(decompress(buf_span(&frame), 2 * n), TEG_CORRUPT, "two frames");
}

Test(zstd, refuses_a_frame_that_does_not_state_its_size) /* ZSTD-2 */
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	uint8_t bytes[256];
	size_t len;

	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
	len = ZSTD_compress2(ctx, bytes, sizeof bytes, content, strlen(content));
	cr_assert_not(ZSTD_isError(len));
	cr_assert_eq(decompress(span_of(bytes, len), strlen(content)), TEG_CORRUPT);
	ZSTD_freeCCtx(ctx);
}

/* A page there and back in memory that is given by `mem` only. */
static teg_status there_and_back(const teg_allocator *alloc, void *ctx)
{
	static uint8_t page[32 << 10];
	struct codec_scratch *own = codec_scratch_new(alloc);
	teg_status status = TEG_NOMEM;
	struct span raw;
	struct buf out;

	(void)ctx;
	for (size_t i = 0; i < sizeof page; i++)
		page[i] = (uint8_t)(i * i >> 7);
	buf_init(&out, alloc, BUF_NO_LIMIT);
	if (own && zstd_compress(own, span_of(page, sizeof page), &out)) {
		cr_assert_lt(out.len, sizeof page);
		status = zstd_decompress(own, buf_span(&out), sizeof page, &raw);
	}
	if (status == TEG_OK)
		cr_assert(span_equal(raw, span_of(page, sizeof page)));
	buf_release(&out);
	codec_scratch_free(own);
	return status;
}

#ifdef TEG_ZSTD_TAKES_ALLOCATOR
Test(zstd, takes_all_its_memory_from_the_allocator) /* S10 */
{
	struct memory mem;

	memory_init(&mem);
	cr_assert_eq(there_and_back(&mem.alloc, NULL), TEG_OK);
	memory_check(&mem);
	/* The context of a compressor alone is larger than everything else together. */
	cr_assert_gt(mem.peak_len, 128u << 10);
}
#endif

Test(zstd, survives_every_refusal_of_memory) /* S10 */
{
	cr_assert_gt(memory_fail_each(there_and_back, NULL), 4);
}
