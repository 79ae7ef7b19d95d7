/* Tile headers: any bytes are refused or give a header that keeps what tile.h promises. */
#include "codec/tile/tile.h"
#include <stdlib.h>
#include "fuzz/failing.h"

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
		must(column->id == TILE_PRESENCE_ID || column->chunk.nested ||
		     column->chunk.n == h->n_rows);
	}
	must(off == chunks_len);
	if (h->shape == TILE_DENSE)
		must(tile_volume(h) <= TILE_VOLUME_MAX);
}

/* What was read and is written is read the same again. */
static void put_again(const struct tile_header *h, uint32_t chunks_len, struct arena *arena)
{
	const teg_allocator *alloc = teg_allocator_default();
	struct tile_header again;
	struct buf once, twice;

	buf_init(&once, alloc, BUF_NO_LIMIT);
	buf_init(&twice, alloc, BUF_NO_LIMIT);
	tile_put_header(h, &once);
	must(buf_status(&once) == TEG_OK);
	must(tile_parse_header(buf_span(&once), chunks_len, arena, &again, NULL) == TEG_OK);
	tile_put_header(&again, &twice);
	must(span_equal(buf_span(&once), buf_span(&twice)));
	buf_release(&once);
	buf_release(&twice);
}

static void parse(struct span bytes, uint32_t chunks_len, const teg_allocator *alloc,
                  const struct failing *memory)
{
	struct tile_header header;
	struct arena arena;
	teg_error err;
	teg_status status;

	arena_init(&arena, alloc, 64u << 20);
	status = tile_parse_header(bytes, chunks_len, &arena, &header, &err);
	must(status == TEG_OK || err.status == status);
	must(status != TEG_NOMEM || !memory || memory->refused);
	if (status == TEG_OK) {
		check(&header, chunks_len);
		if (!memory)
			put_again(&header, chunks_len, &arena);
	}
	arena_release(&arena);
}

/* The first three bytes: how long the chunks behind the header are said to be; the fourth, above 0:
 * the first allocation to be refused in a second run. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct failing memory;
	uint32_t chunks_len;

	if (size < 4)
		return 0;
	chunks_len = load_u32(data) & 0xffffff;
	parse(span_of(data + 4, size - 4), chunks_len, teg_allocator_default(), NULL);
	if (!data[3])
		return 0;
	failing_init(&memory, data[3] - 1u);
	parse(span_of(data + 4, size - 4), chunks_len, &memory.alloc, &memory);
	return 0;
}
