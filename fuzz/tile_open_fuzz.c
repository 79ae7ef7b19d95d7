/* Tile headers: any bytes are refused or give a header that keeps what tile.h promises. */
#include "codec/tile/tile.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct tile_header *h, uint64_t chunks_len)
{
	uint64_t off = 0;

	must(h->n_rows && h->n_rows <= TILE_CELLS_MAX && h->shape <= TILE_BOX);
	must((h->shape == TILE_SPARSE) == (h->n_dims == 0));
	for (uint32_t c = 0; c < h->n_columns; c++) {
		const struct tile_column *column = &h->columns[c];

		must(column->off == off);
		off += column->chunk.len;
		must(tile_find_column(h, column->id) == column);
		must(column->id == TILE_PRESENCE_ID || column->chunk.n == h->n_rows);
	}
	must(off == chunks_len);
	if (h->shape == TILE_DENSE)
		must(tile_volume(h) <= TILE_VOLUME_MAX);
}

/* The first four bytes: how long the chunks behind the header are said to be. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tile_header header;
	struct arena arena;
	uint32_t chunks_len;

	if (size < 4)
		return 0;
	chunks_len = load_u32(data);
	arena_init(&arena, teg_allocator_default(), 64u << 20);
	if (tile_parse_header(span_of(data + 4, size - 4), chunks_len, &arena, &header, NULL) ==
	    TEG_OK)
		check(&header, chunks_len);
	arena_release(&arena);
	return 0;
}
