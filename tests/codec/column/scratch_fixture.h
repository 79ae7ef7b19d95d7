/* The scratch that encoders want, a new one for each test.
 *
 *   TestSuite(.., .init = set_up, .fini = tear_down)
 */
#ifndef TEG_TESTS_CODEC_COLUMN_SCRATCH_FIXTURE_H
#define TEG_TESTS_CODEC_COLUMN_SCRATCH_FIXTURE_H
#include "codec/column/chunk.h"

static struct codec_scratch *scratch;

static inline void set_up(void)
{
	scratch = codec_scratch_new(teg_allocator_default());
}

static inline void tear_down(void)
{
	codec_scratch_free(scratch);
}
#endif
