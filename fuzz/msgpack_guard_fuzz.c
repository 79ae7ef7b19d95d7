/* Whatever the guard lets through, msgpack-c's parser takes too, to the last byte, and every node
 * lies within the bytes. */
#include "codec/msgpack/pack.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void walk(const struct node *node, struct span all)
{
	if (node->type == NODE_TEXT || node->type == NODE_BYTES) {
		must(node->as.bytes.at >= all.at);
		must(node->as.bytes.len <= (size_t)(all.at + all.len - node->as.bytes.at));
	}
	if (node->type != NODE_ARRAY && node->type != NODE_MAP)
		return;
	for (uint32_t i = 0; i < node->n * (node->type == NODE_MAP ? 2 : 1); i++)
		walk(&node->as.items[i], all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { data, size };
	struct arena arena;
	const struct node *root = NULL;
	teg_error err;
	teg_status guarded = guard_check(bytes, "input", &err);

	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	must(node_parse(bytes, "input", &arena, &root, &err) == guarded);
	must(guarded == TEG_OK || guarded == TEG_CORRUPT);
	if (guarded == TEG_OK)
		walk(root, bytes);
	arena_release(&arena);
	return 0;
}
