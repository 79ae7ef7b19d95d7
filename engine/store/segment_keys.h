/* The key index of an open segment, as its owner keeps it. */
#ifndef TEG_ENGINE_STORE_SEGMENT_KEYS_H
#define TEG_ENGINE_STORE_SEGMENT_KEYS_H
#include "engine/store/segment.h"

struct key_segment {
	struct segment segment;
	struct segment_ref ref;
	struct arena arena; /* its schema */
};
void segment_keys_free(struct key_segment *keys, const teg_allocator *alloc);
#endif
