#include "codec/tile/tile.h"
#include "codec/base/checked.h"
#include "codec/msgpack/pack.h"

#define WHAT "tile header"

/* ---- writing ---- */

/* Zeros, so that the header ends where chunks of vectors are aligned. */
static void put_padding(uint64_t off, struct buf *out)
{
	static const uint8_t zeros[CHUNK_ALIGN];
	uint64_t end;

	pack_key(out, "pad");
	end = off + out->len + 2; /* the head of up to 255 bytes */
	pack_bytes(out, span_of(zeros, (CHUNK_ALIGN - end % CHUNK_ALIGN) % CHUNK_ALIGN));
}

void tile_put_header(const struct tile_header *header, struct buf *out)
{
	size_t start = out->len;
	struct buf descriptor;

	buf_init(&descriptor, out->alloc, out->max);
	pack_map(out, (header->shape == TILE_SPARSE ? 3u : 4u) + header->has_vectors);
	pack_key(out, "shape");
	pack_u64(out, header->shape);
	pack_key(out, "rows");
	pack_u64(out, header->n_rows);
	if (header->shape != TILE_SPARSE) {
		pack_key(out, "box");
		pack_array(out, 2 * header->n_dims);
		for (uint32_t d = 0; d < header->n_dims; d++) {
			pack_u64(out, header->lo[d]);
			pack_u64(out, header->hi[d]);
		}
	}
	pack_key(out, "columns");
	pack_array(out, 2 * header->n_columns);
	for (uint32_t c = 0; c < header->n_columns; c++) {
		buf_clear(&descriptor);
		chunk_put_descriptor(&header->columns[c].chunk, &descriptor);
		pack_u64(out, header->columns[c].id);
		pack_bytes(out, buf_span(&descriptor));
		if (buf_status(&descriptor) != TEG_OK)
			out->status = buf_status(&descriptor);
	}
	buf_release(&descriptor);
	if (header->has_vectors)
		put_padding(header->off - start, out);
}

/* ---- reading ---- */

static teg_status corrupt(teg_error *err, const char *why)
{
	return teg_fail(err, TEG_CORRUPT, WHAT ": %s", why);
}

static teg_status parse_shape(const struct node *root, struct tile_header *header, teg_error *err)
{
	uint64_t shape, rows;

	if (root->type != NODE_MAP)
		return corrupt(err, "not a map");
	if (!node_u64(node_get(root, "shape"), UINT64_MAX, &shape))
		return corrupt(err, "no shape");
	if (shape > TILE_BOX)
		return teg_fail(err, TEG_UNSUPPORTED, WHAT ": unknown shape %llu",
		                (unsigned long long)shape);
	if (!node_u64(node_get(root, "rows"), TILE_CELLS_MAX, &rows) || !rows)
		return corrupt(err, "row count out of range");
	if (shape == TILE_BOX && rows != 1)
		return corrupt(err, "a box tile has one row");
	header->shape = (enum tile_shape)shape;
	header->n_rows = (uint32_t)rows;
	return TEG_OK;
}

static teg_status parse_box(const struct node *root, struct tile_header *header, teg_error *err)
{
	const struct node *items;
	uint32_t n;

	header->n_dims = 0;
	if (header->shape == TILE_SPARSE)
		return node_get(root, "box") ? corrupt(err, "a sparse tile has no box") : TEG_OK;
	if (!node_array(node_get(root, "box"), 2 * TILE_DIMS_MAX, &items, &n) || n % 2)
		return corrupt(err, "box missing or of a wrong length");
	header->n_dims = n / 2;
	for (uint32_t d = 0; d < header->n_dims; d++)
		if (!node_u64(&items[2 * d], UINT64_MAX, &header->lo[d]) ||
		    !node_u64(&items[2 * d + 1], UINT64_MAX, &header->hi[d]) ||
		    header->lo[d] > header->hi[d])
			return corrupt(err, "box bound missing or lower above upper");
	if (header->shape == TILE_DENSE && tile_volume(header) > TILE_VOLUME_MAX)
		return corrupt(err, "dense box is too large");
	return TEG_OK;
}

/* Every column has a slot per row; presence one per cell of the box. */
static teg_status check_column(const struct tile_header *header, const struct tile_column *column,
                               teg_error *err)
{
	const struct chunk *chunk = &column->chunk;

	if (column->id == TILE_PRESENCE_ID) {
		if (header->shape != TILE_DENSE)
			return corrupt(err, "presence of a tile that is not dense");
		if (chunk->n != tile_volume(header) || chunk->shape != COLUMN_FIXED ||
		    chunk->width != 1 || chunk->has_nulls)
			return corrupt(err, "presence does not fit the box");
		return TEG_OK;
	}
	if (chunk->nested && (column->id < 0x100 || column->id >= 0xf000))
		return corrupt(err, "a column that cannot be nested says it is");
	if (!chunk->nested && chunk->n != header->n_rows)
		return teg_fail(err, TEG_CORRUPT, WHAT ": column %#x has %u values for %u rows",
		                column->id, chunk->n, header->n_rows);
	if (header->shape == TILE_BOX && chunk->encoding != ENCODING_CONSTANT)
		return corrupt(err, "column of a box tile is not constant");
	return TEG_OK;
}

static teg_status parse_columns(const struct node *items, uint64_t chunks_len, struct arena *arena,
                                struct tile_header *header, teg_error *err)
{
	uint64_t off = 0;

	for (uint32_t c = 0; c < header->n_columns; c++) {
		struct tile_column *column = &header->columns[c];
		struct span descriptor;
		uint64_t id;

		if (!node_u64(&items[2 * c], UINT16_MAX, &id) ||
		    !node_bytes(&items[2 * c + 1], &descriptor))
			return corrupt(err, "column is not an id and a descriptor");
		if (c && id <= header->columns[c - 1].id)
			return corrupt(err, "column ids do not ascend");
		TEG_TRY(chunk_parse_descriptor(descriptor, chunks_len - off, arena, &column->chunk,
		                               err));
		column->id = (uint32_t)id;
		column->off = off;
		if (column->chunk.len > chunks_len - off)
			return corrupt(err, "chunks are longer than the tile");
		off += column->chunk.len;
		TEG_TRY(check_column(header, column, err));
	}
	return off == chunks_len ? TEG_OK : corrupt(err, "chunks do not fill the tile");
}

teg_status tile_parse_header(struct span bytes, uint64_t chunks_len, struct arena *arena,
                             struct tile_header *header_out, teg_error *err)
{
	const struct node *root, *items;
	uint32_t n;

	memset(header_out, 0, sizeof *header_out);
	if (bytes.len > TILE_HEADER_MAX)
		return corrupt(err, "too long");
	TEG_TRY(node_parse(bytes, WHAT, arena, &root, err));
	TEG_TRY(parse_shape(root, header_out, err));
	TEG_TRY(parse_box(root, header_out, err));
	/* Both bytes are there for each item, so the array is no larger than some times the header. */
	if (!node_array(node_get(root, "columns"), UINT32_MAX, &items, &n) || n % 2)
		return corrupt(err, "no columns");
	header_out->n_columns = n / 2;
	header_out->columns = arena_array(arena, n / 2, sizeof *header_out->columns);
	if (!header_out->columns)
		return teg_fail(err, TEG_NOMEM, WHAT ": no memory for %u columns", n / 2);
	TEG_TRY(parse_columns(items, chunks_len, arena, header_out, err));
	if (header_out->shape == TILE_DENSE && !tile_find_column(header_out, TILE_PRESENCE_ID) &&
	    tile_volume(header_out) != header_out->n_rows)
		return corrupt(err, "rows do not fill the box, and no presence");
	return TEG_OK;
}

const struct tile_column *tile_find_column(const struct tile_header *header, uint32_t id)
{
	uint32_t lo = 0, hi = header->n_columns;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (header->columns[mid].id == id)
			return &header->columns[mid];
		if (header->columns[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

uint64_t tile_volume(const struct tile_header *header)
{
	uint64_t volume = 1;

	for (uint32_t d = 0; d < header->n_dims; d++) {
		uint64_t len = header->hi[d] - header->lo[d];

		if (len == UINT64_MAX || !u64_mul(volume, len + 1, &volume))
			return UINT64_MAX;
	}
	return volume;
}
