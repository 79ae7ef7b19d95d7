/* Index pages: any bytes are refused, or are exactly what writing the parsed page gives again; and
 * memory asked for stays within some hundred times the input. */
#include "codec/tile/index.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct index_page *page, struct span bytes)
{
	struct column_stats stats[64];
	struct index_entry sum = { .stats = stats };
	struct buf again;

	buf_init(&again, teg_allocator_default(), BUF_NO_LIMIT);
	index_put_page(page, &again);
	must(buf_status(&again) == TEG_OK);
	must(span_equal(buf_span(&again), bytes));
	buf_release(&again);
	for (uint32_t i = 0; i < page->n; i++)
		index_widen(&sum, &page->entries[i], page->n_dims, page->n_attrs);
	must(sum.n_tiles != 0);
}

/* The first two bytes: dimensions and attributes, as a footer would state them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index_page page;
	struct arena arena;
	uint32_t n_dims, n_attrs;

	if (size < 2)
		return 0;
	n_dims = 1 + data[0] % TILE_DIMS_MAX;
	n_attrs = data[1] % 64;
	arena_init(&arena, teg_allocator_default(), 64u << 20);
	if (index_parse_page(span_of(data + 2, size - 2), 1u << 30, n_dims, n_attrs, &arena, &page,
	                     NULL) == TEG_OK)
		check(&page, span_of(data + 2, size - 2));
	arena_release(&arena);
	return 0;
}
