#include "engine/store/reading.h"
#include <string.h>
#include "codec/base/checked.h"
#include "engine/store/kept_pages.h"

#define READ_MAX (512u << 10) /* bytes of neighbouring pages that are read at once */

teg_status tile_reader_init(struct tile_reader *reader, const teg_allocator *alloc, teg_error *err)
{
	memset(reader, 0, sizeof *reader);
	reader->alloc = alloc;
	buf_init(&reader->stored, alloc, BUF_NO_LIMIT);
	buf_init(&reader->picked, alloc, BUF_NO_LIMIT);
	column_buf_init(&reader->dictionary, COLUMN_FIXED, 8, alloc);
	column_buf_init(&reader->work, COLUMN_FIXED, 8, alloc);
	reader->scratch = codec_scratch_new(alloc);
	return reader->scratch ? TEG_OK : teg_fail(err, TEG_NOMEM, "no memory to read tiles");
}

void tile_reader_release(struct tile_reader *reader)
{
	if (!reader->alloc)
		return;
	codec_scratch_free(reader->scratch);
	tile_reader_let_go(reader);
	buf_release(&reader->stored);
	buf_release(&reader->picked);
	column_buf_release(&reader->dictionary);
	column_buf_release(&reader->work);
	reader->scratch = NULL;
}

void tile_reader_let_go(struct tile_reader *reader)
{
	kept_page_drop(reader->held);
	kept_page_drop(reader->held_dictionary);
	reader->held = reader->held_dictionary = NULL;
}

static uint64_t file_offset(const struct reading *r, uint64_t chunk_off)
{
	const struct tile *t = r->tile;

	return t->segment->ref->off + t->entry.off + t->entry.header_len + r->column->off +
	       chunk_off;
}

teg_status tile_blame(const struct tile *tile, const struct tile_column *column, uint64_t chunk_off,
                      teg_status status, teg_error *err)
{
	struct reading r = { .tile = tile, .column = column };
	char path[sizeof err->column];

	if (!err)
		return status;
	error_in_file(err, status, tile->segment->path);
	schema_node_path(tile->segment->schema, column->id, path, sizeof path);
	if (path[0])
		error_in_column(err, status, path);
	return error_at_offset(err, status, (int64_t)file_offset(&r, chunk_off));
}

teg_status reading_blame(const struct reading *r, teg_status status, uint64_t chunk_off)
{
	return tile_blame(r->tile, r->column, chunk_off, status, r->err);
}

/* Counted, and NULL where they must be read. */
static const uint8_t *mapped(struct reading *r, uint64_t chunk_off, uint64_t len)
{
	r->reader->reads++;
	r->reader->read_bytes += len;
	return segment_mapped(r->tile->segment, file_offset(r, chunk_off), len);
}

static teg_status read_to(struct reading *r, uint64_t chunk_off, void *to, uint64_t len)
{
	const struct segment *s = r->tile->segment;
	const uint8_t *at = mapped(r, chunk_off, len);

	if (!to)
		return teg_fail(r->err, TEG_NOMEM, "no memory for the pages of a column");
	if (!at)
		return os_read(s->os, s->file, s->path, file_offset(r, chunk_off), to, (size_t)len,
		               r->err);
	memcpy(to, at, (size_t)len);
	return TEG_OK;
}

/* Stored bytes: where they are mapped, else read into `room`. */
static teg_status bring(struct reading *r, struct buf *room, uint64_t chunk_off, uint64_t len,
                        struct span *out)
{
	const struct segment *s = r->tile->segment;

	if (s->map && segment_mapped(s, file_offset(r, chunk_off), len)) {
		*out = span_of(mapped(r, chunk_off, len), (size_t)len);
		return TEG_OK;
	}
	buf_clear(room);
	TEG_TRY(read_to(r, chunk_off, buf_extend(room, (size_t)len), len));
	*out = buf_span(room);
	return TEG_OK;
}

/* ---- pages that are kept ---- */

static struct page_name name_of(const struct reading *r, const struct chunk_page *page)
{
	const struct segment_ref *ref = r->tile->segment->ref;
	struct page_name name = { .off = file_offset(r, page->off), .hash = page->hash };

	if (ref->inlined)
		memcpy(name.object, &ref->manifest, sizeof ref->manifest);
	else
		memcpy(name.object, ref->object, sizeof name.object);
	return name;
}

/* Takes hold of a page that is kept, letting go of what was held there. */
static bool hold(const struct reading *r, const struct chunk_page *page, struct kept_page **held)
{
	struct kept_pages *kept = r->tile->segment->kept;
	struct page_name name;

	if (!kept)
		return false;
	name = name_of(r, page);
	kept_page_drop(*held);
	*held = kept_pages_get(kept, &name);
	return *held != NULL;
}

/* Keeps a page of which a call has just made something. */
static void keep(const struct reading *r, const struct chunk_page *page, struct span stored)
{
	struct kept_pages *kept = r->tile->segment->kept;
	struct page_name name;
	struct span opened;

	if (!kept)
		return;
	name = name_of(r, page);
	opened = chunk_opened(&r->column->chunk, page, stored, r->reader->scratch);
	if (opened.at)
		kept_pages_put(kept, &name, opened);
}

/* ---- dictionaries ---- */

#define PICKS 4 /* values looked up in a dictionary that stays encoded */

static teg_status use_held_dictionary(struct reading *r, enum use use, uint32_t n)
{
	const struct chunk *chunk = &r->column->chunk;
	struct span opened = kept_page_bytes(r->reader->held_dictionary);

	if (use == USE_SOME && n <= PICKS && chunk_can_pick(chunk)) {
		r->picked = opened;
		return TEG_OK;
	}
	r->dictionary = &r->reader->dictionary;
	return chunk_decode_dictionary_opened(chunk, opened, use == USE_ALL, &r->reader->dictionary,
	                                      r->err);
}

static teg_status read_dictionary(struct reading *r, enum use use, uint32_t n)
{
	const struct chunk *chunk = &r->column->chunk;
	struct tile_reader *reader = r->reader;
	const struct chunk_page *page = &chunk->dictionary;
	bool picks = use == USE_SOME && n <= PICKS && !chunk->zstd_dictionary;
	struct span stored;

	if (hold(r, page, &reader->held_dictionary))
		return use_held_dictionary(r, use, n);
	TEG_TRY(bring(r, picks ? &reader->picked : &reader->stored, page->off, page->stored_len,
	              &stored));
	if (picks) {
		r->picked = stored;
		TEG_TRY(chunk_verify_dictionary(chunk, stored, r->err));
	} else {
		r->dictionary = &reader->dictionary;
		TEG_TRY((use == USE_SOME ? chunk_decode_dictionary_values
		                         : chunk_decode_dictionary)(chunk, stored, reader->scratch,
		                                                    &reader->dictionary, r->err));
	}
	keep(r, page, stored);
	return TEG_OK;
}

teg_status reading_start(struct reading *r, uint64_t end, enum use use, uint32_t n,
                         const struct column_buf *out)
{
	const struct chunk *chunk = &r->column->chunk;
	teg_status status;

	if (end > chunk->n)
		return reading_blame(r,
		                     teg_fail(r->err, TEG_CORRUPT,
		                              "a column is shorter than its tile"),
		                     0);
	if (chunk->shape != out->shape || chunk->width != out->width)
		return reading_blame(r,
		                     teg_fail(r->err, TEG_CORRUPT,
		                              "a column has another type than the schema"),
		                     0);
	if (!chunk->n_dictionary)
		return TEG_OK;
	column_buf_become(&r->reader->dictionary, out);
	status = read_dictionary(r, use, n);
	return status == TEG_OK ? status : reading_blame(r, status, chunk->dictionary.off);
}

/* ---- pages ---- */

teg_status reading_fetch(struct reading *r, uint32_t page, uint32_t last)
{
	const struct chunk_page *pages = r->column->chunk.pages;
	uint64_t len = pages[page].stored_len;
	uint32_t end = page + 1;

	if (page >= r->first_page && page < r->end_page)
		return TEG_OK;
	r->held = hold(r, &pages[page], &r->reader->held);
	if (r->held) {
		r->first_page = page;
		r->end_page = end;
		return TEG_OK;
	}
	while (end <= last && len + pages[end].stored_len <= READ_MAX)
		len += pages[end++].stored_len;
	r->first_page = r->end_page = 0;
	TEG_TRY(bring(r, &r->reader->stored, pages[page].off, len, &r->stored));
	r->first_page = page;
	r->end_page = end;
	return TEG_OK;
}

/* The stored bytes of a page that was read. */
static struct span stored_page(const struct reading *r, uint32_t page)
{
	const struct chunk_page *pages = r->column->chunk.pages;

	return span_of(r->stored.at + (pages[page].off - pages[r->first_page].off),
	               pages[page].stored_len);
}

static struct page_bytes source_of(const struct reading *r, uint32_t page)
{
	return (struct page_bytes){ .bytes = r->held ? kept_page_bytes(r->reader->held)
		                                     : stored_page(r, page),
		                    .opened = r->held,
		                    .dictionary = r->dictionary,
		                    .picked = r->picked };
}

/* What every use of a page ends with: says where it failed, or keeps the page. */
static teg_status used_page(const struct reading *r, uint32_t page, teg_status status)
{
	const struct chunk_page *p = &r->column->chunk.pages[page];

	if (status != TEG_OK)
		return reading_blame(r, status, p->off);
	if (!r->held)
		keep(r, p, stored_page(r, page));
	return TEG_OK;
}

teg_status reading_decode(struct reading *r, uint32_t page, uint32_t from, uint32_t n, bool again,
                          struct column_buf *out)
{
	const struct chunk *chunk = &r->column->chunk;
	struct page_bytes source = source_of(r, page);
	teg_status status;

	if (again && !source.opened && !source.picked.at) {
		status = chunk_decode_again(chunk, r->dictionary, page, source.bytes, from, n,
		                            r->reader->scratch, out, r->err);
		return status == TEG_OK ? TEG_OK : reading_blame(r, status, chunk->pages[page].off);
	}
	status = chunk_decode_from(chunk, page, &source, from, n, r->reader->scratch, out, r->err);
	return used_page(r, page, status);
}

teg_status reading_take(struct reading *r, uint32_t page, const uint32_t *at, uint32_t n,
                        struct column_buf *out)
{
	struct page_bytes source = source_of(r, page);

	return used_page(r, page,
	                 chunk_take_rows(&r->column->chunk, page, &source, at, n,
	                                 r->reader->scratch, out, r->err));
}

teg_status reading_search(struct reading *r, uint32_t page, uint64_t lane, bool after,
                          uint32_t *n_out)
{
	struct page_bytes source;

	TEG_TRY(reading_fetch(r, page, page));
	source = source_of(r, page);
	return used_page(r, page,
	                 chunk_search_from(&r->column->chunk, page, &source, lane, after,
	                                   r->reader->scratch, n_out, r->err));
}

/* Pages [page, end) were read to `at`. */
static teg_status verify_direct(struct reading *r, uint32_t page, uint32_t end, const uint8_t *at)
{
	const struct chunk *chunk = &r->column->chunk;

	for (; page < end; page++) {
		struct span stored = span_of(at, chunk->pages[page].stored_len);
		teg_status status = chunk_verify_plain(chunk, page, stored, r->err);

		if (status != TEG_OK)
			return reading_blame(r, status, chunk->pages[page].off);
		at += stored.len;
	}
	return TEG_OK;
}

static void drop_map(void *map)
{
	os_map_drop(map);
}

teg_status reading_borrow(struct reading *r, uint32_t from, uint32_t n, struct column_buf *out,
                          bool *done_out)
{
	const struct chunk *chunk = &r->column->chunk;
	const struct chunk_page *pages = chunk->pages;
	struct column_lender lender = { r->tile->segment->map, drop_map };
	uint32_t first, last;
	const uint8_t *at;
	uint64_t skip;

	*done_out = false;
	if (!lender.owner || !chunk->vectors || !chunk_is_plain(chunk) || out->n || out->cap > n)
		return TEG_OK;
	first = chunk_page_of(chunk, from);
	last = chunk_page_of(chunk, from + n - 1);
	skip = (uint64_t)(from - pages[first].first) * chunk->width;
	at = mapped(r, pages[first].off,
	            pages[last].off + pages[last].stored_len - pages[first].off);
	if (!at || ((uintptr_t)at + skip) % MEM_ALIGN)
		return TEG_OK;
	TEG_TRY(verify_direct(r, first, last + 1, at));
	os_map_share(lender.owner);
	column_buf_borrow(out, at + skip, n, lender);
	*done_out = true;
	return TEG_OK;
}

teg_status reading_direct(struct reading *r, uint32_t page, uint32_t end, struct column_buf *out,
                          uint32_t *next_out)
{
	const struct chunk_page *pages = r->column->chunk.pages;
	uint64_t len = 0;
	size_t n = 0, before = out->n;
	uint32_t next = page;
	teg_status status;
	uint8_t *to;

	while (next < r->column->chunk.n_pages && pages[next].first + pages[next].n <= end &&
	       (next == page || len + pages[next].stored_len <= READ_MAX)) {
		len += pages[next].stored_len;
		n += pages[next++].n;
	}
	*next_out = next;
	if (next == page)
		return TEG_OK;
	if (len != (uint64_t)n * out->width)
		return reading_blame(r,
		                     teg_fail(r->err, TEG_CORRUPT,
		                              "pages that do not hold their values"),
		                     pages[page].off);
	to = column_buf_extend(out, n);
	status = read_to(r, pages[page].off, to, len);
	if (status == TEG_OK)
		status = verify_direct(r, page, next, to);
	if (status != TEG_OK && to)
		column_buf_truncate(out, before);
	return status;
}
