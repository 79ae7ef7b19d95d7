/* An allocator that gives `left` blocks and then none: what happens without memory is fuzzed too. */
#ifndef TEG_FUZZ_FAILING_H
#define TEG_FUZZ_FAILING_H
#include <stdbool.h>
#include <stdlib.h>
#include "codec/base/allocator.h"

struct failing {
	teg_allocator alloc; /* its ctx points back here */
	size_t left;
	bool refused;
};

static inline bool failing_takes(struct failing *f)
{
	if (f->left) {
		f->left--;
		return true;
	}
	f->refused = true;
	return false;
}

static inline void *failing_alloc(void *ctx, size_t size)
{
	return failing_takes(ctx) ? malloc(size ? size : 1) : NULL;
}

static inline void *failing_realloc(void *ctx, void *block, size_t old_size, size_t size)
{
	(void)old_size;
	return failing_takes(ctx) ? realloc(block, size ? size : 1) : NULL;
}

static inline void failing_free(void *ctx, void *block, size_t size)
{
	(void)ctx;
	(void)size;
	free(block);
}

static inline void failing_init(struct failing *f, size_t left)
{
	*f = (struct failing){ { failing_alloc, failing_realloc, failing_free, f }, left, false };
}
#endif
