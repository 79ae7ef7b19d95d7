/* An arena over an allocator that sees every leak, for tests of parsers.
 *
 *   TestSuite(.., .init = scrap_init, .fini = scrap_release)
 */
#ifndef TEG_TESTS_SUPPORT_SCRAP_H
#define TEG_TESTS_SUPPORT_SCRAP_H
#include "codec/base/arena.h"
#include "tests/support/memory.h"

static struct memory mem;
static struct arena arena;

static inline void scrap_init(void)
{
	memory_init(&mem);
	arena_init(&arena, &mem.alloc, SIZE_MAX);
}

static inline void scrap_release(void)
{
	arena_release(&arena);
	memory_check(&mem);
}
#endif
