/* Reading columns of a tile: ranges of rows, or rows here and there, of which no more pages are read
 * than hold them. */
#include <string.h>
#include "engine/store/reading.h"
#include "engine/time/visibility.h"

/* Room for n more values at once rather than page by page. Of text a guess: as long as the values of
 * the dictionary, or all pages before zstd. */
static teg_status make_room(const struct reading *r, uint32_t n, struct column_buf *out)
{
	const struct chunk *chunk = &r->column->chunk;
	uint64_t bytes = 0;

	if (chunk->shape == COLUMN_BYTES && r->dictionary)
		bytes = (uint64_t)r->dictionary->offsets[r->dictionary->n] * n / r->dictionary->n;
	for (uint32_t p = 0; chunk->shape == COLUMN_BYTES && !r->dictionary && p < chunk->n_pages;
	     p++)
		bytes += chunk->pages[p].raw_len;
	if (column_buf_reserve(out, n, (size_t)bytes) != TEG_NOMEM)
		return TEG_OK; /* where the guess is too much, decoding will say */
	return teg_fail(r->err, TEG_NOMEM, "no memory for the values of a column");
}

static teg_status read_pages(struct reading *r, uint32_t from, uint32_t end, struct column_buf *out)
{
	const struct chunk *chunk = &r->column->chunk;
	uint32_t page = chunk_page_of(chunk, from), last = chunk_page_of(chunk, end - 1);
	bool plain = chunk_is_plain(chunk);

	while (page <= last) {
		const struct chunk_page *p = &chunk->pages[page];
		uint32_t a = from > p->first ? from - p->first : 0, next = page;
		uint32_t b = end < p->first + p->n ? end - p->first : p->n;

		if (plain && !a)
			TEG_TRY(reading_direct(r, page, end, out, &next));
		if (next == page) {
			TEG_TRY(reading_fetch(r, page, last));
			TEG_TRY(reading_decode(r, page, a, b - a, false, out));
			next++;
		}
		page = next;
	}
	return TEG_OK;
}

teg_status tile_read_stored(struct tile_reader *reader, const struct tile *tile,
                            const struct tile_column *column, uint32_t from, uint32_t n,
                            struct column_buf *out, teg_error *err)
{
	struct reading r = { .reader = reader, .tile = tile, .column = column, .err = err };
	const struct chunk *chunk = &column->chunk;
	uint32_t end = from + n;

	if (!n)
		return TEG_OK;
	TEG_TRY(reading_start(&r, end, n < chunk->n / 16 ? USE_SOME : USE_ALL, n, out));
	if (chunk->encoding == ENCODING_CONSTANT)
		return chunk_decode_constant(chunk, n, out);
	if (n == chunk->n)
		TEG_TRY(make_room(&r, n, out));
	return read_pages(&r, from, end, out);
}

/* ---- searching ---- */

/* Values below the bound in the whole chunk: the page in which the bound falls, then the place. */
static teg_status search_pages(struct reading *r, uint64_t lane, bool after, uint32_t *n_out)
{
	const struct chunk_page *pages = r->column->chunk.pages;
	uint32_t low = 0, high = r->column->chunk.n_pages - 1, n = 0;

	for (;;) {
		uint32_t mid = low + (high - low) / 2;

		TEG_TRY(reading_search(r, mid, lane, after, &n));
		if (n == pages[mid].n && mid < high)
			low = mid + 1;
		else if (!n && mid > low)
			high = mid - 1;
		else {
			*n_out = pages[mid].first + n;
			return TEG_OK;
		}
	}
}

/* Row ids that are left out count up from the tile's first. */
static void search_ids(const struct tile *tile, uint64_t lo, uint64_t hi, uint32_t *first_out,
                       uint32_t *end_out)
{
	uint64_t first = tile->entry.first[0], n = tile->header.n_rows;

	*first_out = lo <= first ? 0 : (uint32_t)(lo - first < n ? lo - first : n);
	*end_out = hi < first ? 0 : (uint32_t)(hi - first < n ? hi - first + 1 : n);
}

/* The same where coordinates are left out and not every cell has a row: rows are counted. */
static teg_status search_cells(struct tile_reader *reader, const struct tile *tile,
                               const struct tile_column *presence, uint64_t lo, uint64_t hi,
                               uint32_t *first_out, uint32_t *end_out, teg_error *err)
{
	uint64_t origin = tile->header.lo[0], n = presence->chunk.n;
	uint64_t first = lo <= origin ? 0 : lo - origin < n ? lo - origin : n;
	uint64_t end = hi < origin ? 0 : hi - origin < n ? hi - origin + 1 : n;
	struct column_buf bits;
	teg_status status;

	column_buf_init(&bits, COLUMN_FIXED, 1, reader->alloc);
	status = tile_read_stored(reader, tile, presence, 0, (uint32_t)end, &bits, err);
	*first_out = *end_out = 0;
	for (uint64_t cell = 0; status == TEG_OK && cell < end; cell++) {
		*first_out += cell < first && bits.values[cell];
		*end_out += bits.values[cell] != 0;
	}
	column_buf_release(&bits);
	return status;
}

teg_status tile_search_column(struct tile_reader *reader, const struct tile *tile,
                              const struct field *field, uint64_t lo, uint64_t hi,
                              uint32_t *first_out, uint32_t *end_out, teg_error *err)
{
	const struct tile_column *column = tile_find_column(&tile->header, field->id);
	struct reading r = { .reader = reader, .tile = tile, .column = column, .err = err };
	const struct tile_column *presence = tile_find_column(&tile->header, COLUMN_ID_PRESENCE);
	struct column_buf like;
	uint64_t lane;

	if (!column && presence)
		return search_cells(reader, tile, presence, lo, hi, first_out, end_out, err);
	if (!column) {
		search_ids(tile, lo, hi, first_out, end_out);
		return TEG_OK;
	}
	column_buf_init(&like, field->shape, field->width, reader->alloc);
	TEG_TRY(reading_start(&r, column->chunk.n, USE_ALL, column->chunk.n, &like));
	if (column->chunk.encoding == ENCODING_CONSTANT) {
		lane = lane_of_value(field->class, column->chunk.constant);
		*first_out = lane < lo ? column->chunk.n : 0;
		*end_out = lane > hi ? 0 : column->chunk.n;
		return TEG_OK;
	}
	TEG_TRY(search_pages(&r, lo, false, first_out));
	TEG_TRY(search_pages(&r, hi, true, end_out));
	return TEG_OK;
}

/* ---- gathering ---- */

/* How many of the rows at[0 .. n), the first of them among these, lie before row `end`. */
static uint32_t rows_before(const uint32_t *at, uint32_t n, uint32_t end)
{
	uint32_t low = 0, high = 1;

	while (high < n && at[high] < end) {
		low = high;
		high *= 2;
	}
	high = high < n ? high : n;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (at[mid] < end)
			low = mid;
		else
			high = mid;
	}
	return high;
}

/* Decodes all between the first and the last, and gathers out of that. */
static teg_status gather_between(struct reading *r, uint32_t page, const uint32_t *at, uint32_t n,
                                 struct column_buf *out)
{
	struct column_buf *work = &r->reader->work;
	struct column view;
	uint32_t index[BLOCK_VALUES];

	column_buf_become(work, out);
	TEG_TRY(reading_decode(r, page, at[0] - r->column->chunk.pages[page].first,
	                       at[n - 1] - at[0] + 1, false, work));
	view = column_buf_view(work);
	for (uint32_t i = 0, k; i < n; i += k) {
		for (k = 0; k < BLOCK_VALUES && i + k < n; k++)
			index[k] = at[i + k] - at[0];
		if (column_buf_gather(out, &view, index, k) != TEG_OK)
			return teg_fail(r->err, TEG_NOMEM, "no memory to gather rows");
	}
	return TEG_OK;
}

/* Rows at[0 .. n) of the chunk, all of page `page`. */
static teg_status gather_page(struct reading *r, uint32_t page, const uint32_t *at, uint32_t n,
                              struct column_buf *out)
{
	const struct chunk *chunk = &r->column->chunk;

	if (at[n - 1] - at[0] + 1 == n)
		return reading_decode(r, page, at[0] - chunk->pages[page].first, n, false, out);
	if (chunk_has_rows(chunk) && !r->picked.at)
		return reading_take(r, page, at, n, out);
	if (!r->picked.at)
		return gather_between(r, page, at, n, out);
	for (uint32_t i = 0; i < n; i++)
		TEG_TRY(reading_decode(r, page, at[i] - chunk->pages[page].first, 1, i > 0, out));
	return TEG_OK;
}

/* The last page that holds one of the rows and that follows `page` without a page in between that
 * holds none: what is worth one read. */
static uint32_t last_neighbour(const struct chunk *chunk, uint32_t page, const uint32_t *at,
                               uint32_t n)
{
	uint32_t last = page;

	for (uint32_t i = 0; i < n;) {
		uint32_t p = chunk_page_of(chunk, at[i]);

		if (p > last + 1)
			break;
		last = p;
		while (i < n && at[i] < chunk->pages[p].first + chunk->pages[p].n)
			i++;
	}
	return last;
}

static teg_status gather_stored(struct tile_reader *reader, const struct tile *tile,
                                const struct tile_column *column, const uint32_t *at, uint32_t n,
                                struct column_buf *out, teg_error *err)
{
	struct reading r = { .reader = reader, .tile = tile, .column = column, .err = err };
	const struct chunk *chunk = &column->chunk;

	TEG_TRY(reading_start(&r, n ? at[n - 1] + 1ull : 0, USE_SOME, n, out));
	if (chunk->encoding == ENCODING_CONSTANT)
		return chunk_decode_constant(chunk, n, out);
	for (uint32_t i = 0, k; i < n; i += k) {
		uint32_t page = chunk_page_of(chunk, at[i]),
			 end = chunk->pages[page].first + chunk->pages[page].n;

		k = rows_before(at + i, n - i, end);
		if (page < r.first_page || page >= r.end_page)
			TEG_TRY(reading_fetch(&r, page,
			                      last_neighbour(chunk, page, at + i, n - i)));
		TEG_TRY(gather_page(&r, page, at + i, k, out));
	}
	return TEG_OK;
}

/* ---- both, with what the tile does not store ---- */

static bool has_commit_times(const struct column_buf *out, size_t from)
{
	const int64_t *times = (const int64_t *)(const void *)out->values;

	for (size_t i = from; i < out->n; i++)
		if (times[i] == TEG_TIME_OF_COMMIT)
			return true;
	return false;
}

static teg_status check_kinds(const struct tile *tile, const struct column_buf *out, size_t from,
                              teg_error *err)
{
	uint8_t most = 0;

	for (size_t i = from; i < out->n; i++)
		most = out->values[i] > most ? out->values[i] : most;
	if (most <= ROW_KIND_MAX)
		return TEG_OK;
	teg_fail(err, TEG_CORRUPT, "a row is of kind %u, which there is not", most);
	error_in_column(err, TEG_CORRUPT, "row_kind");
	return error_in_file(err, TEG_CORRUPT, tile->segment->path);
}

static teg_status read_any(struct tile_reader *reader, const struct tile *tile, uint32_t column_id,
                           const uint32_t *at, uint32_t from, uint32_t n, struct column_buf *out,
                           teg_error *err);

/* "From the commit's time" is stored as such, so that a rebase keeps the bytes: here it becomes the
 * row's system time. */
static teg_status fill_commit_times(struct tile_reader *reader, const struct tile *tile,
                                    const uint32_t *at, uint32_t from, uint32_t n,
                                    struct column_buf *out, size_t out_from, teg_error *err)
{
	int64_t *times = (int64_t *)(void *)out->values + out_from;
	struct column_buf system;
	teg_status status;

	column_buf_init(&system, COLUMN_FIXED, 8, reader->alloc);
	status = read_any(reader, tile, COLUMN_ID_SYSTEM_FROM, at, from, n, &system, err);
	for (uint32_t i = 0; status == TEG_OK && i < n; i++)
		if (times[i] == TEG_TIME_OF_COMMIT)
			times[i] = ((const int64_t *)(const void *)system.values)[i];
	column_buf_release(&system);
	return status;
}

static teg_status read_as_stored(struct tile_reader *reader, const struct tile *tile,
                                 const struct tile_column *column, const uint32_t *at,
                                 uint32_t from, uint32_t n, struct column_buf *out, teg_error *err)
{
	if (at)
		return gather_stored(reader, tile, column, at, n, out, err);
	return tile_read_stored(reader, tile, column, from, n, out, err);
}

/* A column that was widened after the tile was written. */
static teg_status read_narrow(struct tile_reader *reader, const struct tile *tile,
                              const struct tile_column *column, const uint32_t *at, uint32_t from,
                              uint32_t n, struct column_buf *out, teg_error *err)
{
	struct column_buf narrow;
	teg_status status;

	column_buf_init(&narrow, COLUMN_FIXED, column->chunk.width, reader->alloc);
	status = read_as_stored(reader, tile, column, at, from, n, &narrow, err);
	if (status == TEG_OK)
		status = tile_append_wider(tile, column, &narrow, out, err);
	column_buf_release(&narrow);
	return status;
}

static teg_status read_any(struct tile_reader *reader, const struct tile *tile, uint32_t column_id,
                           const uint32_t *at, uint32_t from, uint32_t n, struct column_buf *out,
                           teg_error *err)
{
	const struct tile_column *column = tile_find_column(&tile->header, column_id);
	size_t out_from = out->n;

	if (!n)
		return TEG_OK;
	if (!column)
		return tile_default_column(reader, (struct tile *)(uintptr_t)tile, column_id, at,
		                           from, n, out, err);
	if (shape_is_nested(out->shape))
		return tile_read_nested(reader, tile, column_id, at, from, n, out, err);
	if (tile_is_narrower(tile, column, out))
		return read_narrow(reader, tile, column, at, from, n, out, err);
	TEG_TRY(read_as_stored(reader, tile, column, at, from, n, out, err));
	if (column_id == COLUMN_ID_KIND)
		return check_kinds(tile, out, out_from, err);
	if (column_id == COLUMN_ID_VALID_FROM && has_commit_times(out, out_from))
		return fill_commit_times(reader, tile, at, from, n, out, out_from, err);
	return TEG_OK;
}

teg_status tile_read_column(struct tile_reader *reader, const struct tile *tile, uint32_t column_id,
                            uint32_t from, uint32_t n, struct column_buf *out, teg_error *err)
{
	return error_of_memory(err, read_any(reader, tile, column_id, NULL, from, n, out, err),
	                       "to read a column");
}

teg_status tile_gather_column(struct tile_reader *reader, const struct tile *tile,
                              uint32_t column_id, const uint32_t *at, uint32_t n,
                              struct column_buf *out, teg_error *err)
{
	return error_of_memory(err, read_any(reader, tile, column_id, at, 0, n, out, err),
	                       "to read a column");
}
