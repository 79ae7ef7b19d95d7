/* Opening a tile, and the columns that are not stored: defaults and implied coordinates. */
#include "engine/store/tile.h"
#include <string.h>
#include "codec/base/hash.h"
#include "engine/store/headers.h"
#include "codec/column/widen.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to open a tile");
}

static teg_status in_place(const struct segment *s, teg_status status, uint64_t off, teg_error *err)
{
	error_in_file(err, status, s->path);
	return error_at_offset(err, status, (int64_t)(s->ref->off + off));
}

/* The header must say what the index says of the tile. */
static bool agrees(const struct tile *tile)
{
	const struct tile_header *h = &tile->header;
	const struct index_entry *e = &tile->entry;

	return h->shape == (enum tile_shape)e->shape && h->n_rows == e->n_rows &&
	       (h->n_dims == 0 || h->n_dims == tile->segment->schema->n_dims);
}

static teg_status read_header(struct tile *tile, teg_error *err)
{
	const struct segment *s = tile->segment;
	const struct index_entry *e = &tile->entry;
	uint8_t *bytes = arena_alloc(&tile->arena, e->header_len);

	if (!bytes)
		return no_memory(err);
	if (e->header_len > e->len)
		return teg_fail(err, TEG_CORRUPT, "a tile's header is longer than the tile");
	TEG_TRY(os_read(s->os, s->file, s->path, s->ref->off + e->off, bytes, e->header_len, err));
	if (hash_bytes(span_of(bytes, e->header_len)) != e->hash)
		return teg_fail(err, TEG_CORRUPT, "a tile header's checksum differs");
	TEG_TRY(tile_parse_header(span_of(bytes, e->header_len), e->len - e->header_len,
	                          &tile->arena, &tile->header, err));
	return agrees(tile)
	               ? TEG_OK
	               : teg_fail(err, TEG_CORRUPT, "a tile's header differs from its index entry");
}

teg_status tile_open(struct tile *tile, const struct segment *segment,
                     const struct index_entry *entry, const teg_allocator *alloc, teg_error *err)
{
	teg_status status;

	memset(tile, 0, sizeof *tile);
	tile->segment = segment;
	tile->entry = *entry;
	arena_init(&tile->arena, alloc, SIZE_MAX);
	if (headers_find(segment->headers, entry->off, &tile->header))
		return TEG_OK;
	status = read_header(tile, err);
	if (status == TEG_OK)
		status = error_of_memory(err,
		                         headers_keep(segment->headers, entry->off, &tile->header,
		                                      &tile->arena),
		                         "to open a tile");
	if (status == TEG_OK)
		return TEG_OK;
	tile_release(tile);
	return in_place(segment, status, entry->off, err);
}

void tile_release(struct tile *tile)
{
	arena_release(&tile->arena);
	tile->cells = NULL;
}

/* ---- implied coordinates ---- */

/* Cells from one coordinate of dimension d to the next, and how many coordinates it has. */
static void cell_steps(const struct tile *tile, uint32_t d, uint64_t *stride_out,
                       uint64_t *side_out)
{
	const struct tile_header *h = &tile->header;
	bool columns = tile->segment->schema->cell_order == TEG_ORDER_COLUMN;
	uint64_t stride = 1;

	for (uint32_t k = 0; k < h->n_dims; k++)
		if (columns ? k < d : k > d)
			stride *= h->hi[k] - h->lo[k] + 1;
	*stride_out = stride;
	*side_out = h->hi[d] - h->lo[d] + 1;
}

/* The cell of every row, from the presence column. */
static teg_status load_cells(struct tile_reader *reader, struct tile *tile, teg_error *err)
{
	const struct tile_column *presence = tile_find_column(&tile->header, COLUMN_ID_PRESENCE);
	struct column_buf bits;
	uint32_t *cells, n = 0;
	teg_status status;

	if (tile->cells || !presence)
		return TEG_OK;
	cells = arena_array(&tile->arena, tile->header.n_rows + 1u, sizeof *cells);
	if (!cells)
		return no_memory(err);
	column_buf_init(&bits, COLUMN_FIXED, 1, reader->alloc);
	status = tile_read_stored(reader, tile, presence, 0, presence->chunk.n, &bits, err);
	for (uint32_t i = 0; status == TEG_OK && i < bits.n; i++) {
		if (!bits.values[i])
			continue;
		if (n == tile->header.n_rows) {
			n++;
			break;
		}
		cells[n++] = i;
	}
	column_buf_release(&bits);
	TEG_TRY(status);
	if (n != tile->header.n_rows)
		return teg_fail(err, TEG_CORRUPT,
		                "a tile's presence column does not count its rows");
	tile->cells = cells;
	return TEG_OK;
}

static void put_lane(const struct field *field, uint64_t lane, uint8_t *to)
{
	lane_to_value(field->class, field->width, lane, to);
}

/* Runs of equal coordinates of neighbouring cells, for a tile in which every cell has a row. */
static void put_runs(const struct field *field, uint64_t lo, uint64_t stride, uint64_t side,
                     uint64_t cell, uint32_t n, uint8_t *to)
{
	uint64_t at = cell / stride % side, left = stride - cell % stride;
	uint32_t width = field->width;

	for (uint32_t i = 0; i < n;) {
		uint8_t value[8];
		uint32_t run = left < n - i ? (uint32_t)left : n - i;

		put_lane(field, lo + at, value);
		for (uint32_t k = 0; k < run; k++, to += width)
			memcpy(to, value, width);
		i += run;
		left = stride;
		at = at + 1 == side ? 0 : at + 1;
	}
}

static teg_status dense_coordinates(struct tile_reader *reader, struct tile *tile,
                                    const struct field *field, const uint32_t *at, uint32_t from,
                                    uint32_t n, struct column_buf *out, teg_error *err)
{
	uint64_t stride, side, lo = tile->header.lo[field->id];
	uint8_t *to;

	TEG_TRY(load_cells(reader, tile, err));
	to = column_buf_extend(out, n);
	if (!to)
		return no_memory(err);
	cell_steps(tile, field->id, &stride, &side);
	if (!at && !tile->cells) {
		put_runs(field, lo, stride, side, from, n, to);
		return TEG_OK;
	}
	for (uint32_t i = 0; i < n; i++, to += field->width) {
		uint32_t row = at ? at[i] : from + i;
		uint64_t cell = tile->cells ? tile->cells[row] : row;

		put_lane(field, lo + cell / stride % side, to);
	}
	return TEG_OK;
}

static teg_status row_ids(const struct tile *tile, const uint32_t *at, uint32_t from, uint32_t n,
                          struct column_buf *out, teg_error *err)
{
	int64_t first = lane_to_i64(tile->entry.first[0]);
	int64_t *to = column_buf_extend(out, n);

	if (!to)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++)
		to[i] = first + (at ? at[i] : from + i);
	return TEG_OK;
}

/* ---- defaults ---- */

static teg_status constant(struct column_buf *out, const void *value, size_t len, uint32_t n,
                           teg_error *err)
{
	if (column_buf_append_value(out, span_of(value, len), n) == TEG_OK)
		return TEG_OK;
	return no_memory(err);
}

static teg_status append_fill(const struct field *field, uint32_t n, struct column_buf *out,
                              teg_error *err)
{
	teg_status status = TEG_NOMEM;

	if (field->fill.at)
		status = field->n_children ? column_buf_append_zeros(out, n)
		                           : column_buf_append_value(out, field->fill, n);
	if (status == TEG_OK)
		return TEG_OK;
	if (!field->fill.at && column_buf_append_nulls(out, n) == TEG_OK)
		return TEG_OK;
	return no_memory(err);
}

/* Live rows have the fill, others no value, as in every column. */
static teg_status missing_attribute(struct tile_reader *reader, const struct tile *tile,
                                    const struct field *field, const uint32_t *at, uint32_t from,
                                    uint32_t n, struct column_buf *out, teg_error *err)
{
	struct column_buf kinds;
	teg_status status;

	if (!field->fill.at || tile->entry.n_live == tile->entry.n_rows)
		return append_fill(field, n, out, err);
	column_buf_init(&kinds, COLUMN_FIXED, 1, reader->alloc);
	status = at ? tile_gather_column(reader, tile, COLUMN_ID_KIND, at, n, &kinds, err)
	            : tile_read_column(reader, tile, COLUMN_ID_KIND, from, n, &kinds, err);
	for (uint32_t i = 0, end; status == TEG_OK && i < n; i = end) {
		bool live = !kinds.values[i];

		for (end = i + 1; end < n && !kinds.values[end] == live; end++)
			;
		status = live ? append_fill(field, end - i, out, err)
		              : column_buf_append_nulls(out, end - i);
	}
	column_buf_release(&kinds);
	return status == TEG_NOMEM ? no_memory(err) : status;
}

/* ---- attributes that are wider now ---- */

bool tile_is_narrower(const struct tile *tile, const struct tile_column *column,
                      const struct column_buf *out)
{
	const struct chunk *chunk = &column->chunk;
	const struct field *field;

	if (chunk->width >= out->width || chunk->shape != COLUMN_FIXED)
		return false;
	field = schema_field_by_id(tile->segment->schema, column->id);
	return field && field->id >= COLUMN_ID_ATTRIBUTE && field->width == out->width &&
	       field->type.type >= TEG_INT8 && field->type.type <= TEG_FLOAT64 &&
	       widen_possible(field->class, chunk->width, out->width);
}

teg_status tile_append_wider(const struct tile *tile, const struct tile_column *column,
                             const struct column_buf *narrow, struct column_buf *out,
                             teg_error *err)
{
	const struct field *field = schema_field_by_id(tile->segment->schema, column->id);
	size_t from = out->n;
	uint8_t *to = column_buf_extend(out, narrow->n);

	if (!to)
		return no_memory(err);
	widen_values(field->class, narrow->width, out->width, narrow->values, narrow->n, to);
	if (narrow->n_nulls &&
	    column_buf_set_validity(out, from, narrow->n, narrow->validity, 0) != TEG_OK)
		return no_memory(err);
	return TEG_OK;
}

/* ---- what is not stored ---- */

teg_status tile_default_column(struct tile_reader *reader, struct tile *tile, uint32_t column_id,
                               const uint32_t *at, uint32_t from, uint32_t n,
                               struct column_buf *out, teg_error *err)
{
	static const int64_t start = INT64_MIN, end = INT64_MAX;
	const struct segment *s = tile->segment;
	const struct field *field = schema_field_by_id(s->schema, column_id);

	if (field && field->id >= COLUMN_ID_ATTRIBUTE)
		return missing_attribute(reader, tile, field, at, from, n, out, err);
	if (field && tile->header.shape == TILE_DENSE)
		return dense_coordinates(reader, tile, field, at, from, n, out, err);
	if (field && s->ref->implicit_ids)
		return row_ids(tile, at, from, n, out, err);
	switch (column_id) {
	case COLUMN_ID_SYSTEM_FROM:
		if (!s->ref->fresh)
			break;
		return constant(out, &s->ref->system_time, 8, n, err);
	case COLUMN_ID_VALID_FROM: return constant(out, &start, 8, n, err);
	case COLUMN_ID_SUPERSEDED:
	case COLUMN_ID_VALID_UNTIL: return constant(out, &end, 8, n, err);
	case COLUMN_ID_KIND: return constant(out, "\0", 1, n, err);
	case COLUMN_ID_EXACT: return constant(out, "\1", 1, n, err);
	default: break;
	}
	teg_fail(err, TEG_CORRUPT, "a tile lacks its column %#x", column_id);
	return in_place(s, TEG_CORRUPT, tile->entry.off, err);
}
