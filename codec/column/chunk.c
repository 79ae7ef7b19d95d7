/* Reading a chunk's pages: checksum, zstd, validity, values. */
#include "codec/column/chunk.h"
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "codec/column/alp.h"
#include "codec/column/delta.h"
#include "codec/column/dictionary.h"
#include "codec/column/page.h"
#include "codec/column/patched.h"
#include "codec/column/planes.h"
#include "codec/column/raw.h"
#include "codec/column/runs.h"
#include "codec/column/validity.h"
#include "codec/column/zstd.h"

static teg_status verify(const struct chunk_page *page, struct span stored, const char *what,
                         uint32_t i, teg_error *err)
{
	if (stored.len != page->stored_len)
		return teg_fail(err, TEG_CORRUPT, "%s %u: %zu bytes instead of %u", what, i,
		                stored.len, page->stored_len);
	if (hash_bytes(stored) != page->hash)
		return teg_fail(err, TEG_CORRUPT, "%s %u: checksum differs", what, i);
	return TEG_OK;
}

/* The bytes before zstd of a page that was verified: they are still there where it was the last one. */
static teg_status open_payload(bool zstd, const struct chunk_page *page, struct span stored,
                               struct codec_scratch *scratch, struct span *payload_out)
{
	*payload_out = stored;
	if (!zstd)
		return TEG_OK;
	*payload_out = buf_span(&scratch->payload);
	if (scratch->opened && scratch->opened == page->hash && payload_out->len == page->raw_len)
		return TEG_OK;
	scratch->opened = 0;
	TEG_TRY(zstd_decompress(scratch, stored, page->raw_len, payload_out));
	scratch->opened = page->hash;
	return TEG_OK;
}

/* Says what failed, once, for whatever lies below. */
static teg_status blame(teg_status status, const char *what, uint32_t i, teg_error *err)
{
	if (status == TEG_OK)
		return TEG_OK;
	if (status == TEG_CORRUPT)
		return teg_fail(err, status, "%s %u: bytes that no writer makes", what, i);
	return teg_fail(err, status, "%s %u: %s", what, i,
	                status == TEG_LIMIT ? "values take more than a column can hold"
	                                    : "no memory");
}

static bool entries_are_planes(const struct chunk *c)
{
	return c->zstd_dictionary && planes_apply(c->class, c->width);
}

static teg_status decode_entries(const struct chunk *c, struct span payload, bool check_order,
                                 struct column_buf *values)
{
	struct reader in = reader_of(payload);
	struct column view;

	TEG_TRY(entries_are_planes(c)
	                ? planes_decode(&in, c->n_dictionary, 0, c->n_dictionary, values)
	                : raw_decode(&in, c->class, c->n_dictionary, 0, c->n_dictionary, NULL,
	                             values));
	view = column_buf_view(values);
	return !check_order || dictionary_ascends(&view, c->class) ? TEG_OK : TEG_CORRUPT;
}

static teg_status decode_dictionary(const struct chunk *c, struct span stored, bool check_order,
                                    struct codec_scratch *scratch, struct column_buf *values)
{
	struct span payload;

	TEG_TRY(open_payload(c->zstd_dictionary, &c->dictionary, stored, scratch, &payload));
	return decode_entries(c, payload, check_order, values);
}

teg_status chunk_verify_dictionary(const struct chunk *c, struct span stored, teg_error *err)
{
	return verify(&c->dictionary, stored, "dictionary page", 0, err);
}

static teg_status check_dictionary(const struct chunk *c, struct column_buf *values_out,
                                   teg_error *err)
{
	column_buf_clear(values_out);
	if (!c->n_dictionary || values_out->shape != c->shape || values_out->width != c->width)
		return teg_fail(err, TEG_MISUSE, "chunk has no dictionary of this shape");
	return TEG_OK;
}

static teg_status take_dictionary(const struct chunk *c, struct span stored, bool check_order,
                                  struct codec_scratch *scratch, struct column_buf *values_out,
                                  teg_error *err)
{
	teg_status status;

	TEG_TRY(check_dictionary(c, values_out, err));
	TEG_TRY(chunk_verify_dictionary(c, stored, err));
	status = decode_dictionary(c, stored, check_order, scratch, values_out);
	if (status != TEG_OK)
		column_buf_clear(values_out);
	return blame(status, "dictionary page", 0, err);
}

teg_status chunk_decode_dictionary(const struct chunk *c, struct span stored,
                                   struct codec_scratch *scratch, struct column_buf *values_out,
                                   teg_error *err)
{
	return take_dictionary(c, stored, true, scratch, values_out, err);
}

teg_status chunk_decode_dictionary_values(const struct chunk *c, struct span stored,
                                          struct codec_scratch *scratch,
                                          struct column_buf *values_out, teg_error *err)
{
	return take_dictionary(c, stored, false, scratch, values_out, err);
}

bool chunk_is_plain(const struct chunk *c)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return false;
#endif
	return c->encoding == ENCODING_RAW && c->shape == COLUMN_FIXED && c->width && !c->zstd &&
	       !c->has_nulls;
}

teg_status chunk_verify_plain(const struct chunk *c, uint32_t page, struct span stored,
                              teg_error *err)
{
	const struct chunk_page *p = &c->pages[page];

	TEG_TRY(verify(p, stored, "page", page, err));
	return stored.len == (uint64_t)p->n * c->width ? TEG_OK
	                                               : blame(TEG_CORRUPT, "page", page, err);
}

/* A part of a page: what the decoders below need to know of it. */
struct part {
	const struct chunk *c;
	const struct column_buf *dictionary;
	struct span picked; /* or the bytes of its page before zstd */
	size_t page_n, from, n;
	const uint8_t *valid; /* bits of the values wanted; NULL: all valid */
	struct codec_scratch *scratch;
	bool known;  /* this page was decoded before: its validity holds what it should */
	bool opened; /* and what is given is before zstd */
};

static teg_status decode_for(struct reader *in, const struct part *p, uint32_t width, void *to)
{
	struct for_stream stream;

	if (!for_open(in, width, p->page_n, &stream) || reader_left(in))
		return TEG_CORRUPT;
	for_decode(&stream, p->from, p->n, to);
	return TEG_OK;
}

static teg_status decode_delta(struct reader *in, const struct part *p, uint32_t width, void *to)
{
	struct delta_stream stream;

	if (!delta_open(in, width, p->page_n, &stream) || reader_left(in))
		return TEG_CORRUPT;
	delta_decode(&stream, p->from, p->n, to);
	return TEG_OK;
}

/* The encodings of words: all of them give exactly p->n. */
static teg_status decode_words(struct reader *in, const struct part *p, struct column_buf *out)
{
	void *to = column_buf_extend(out, p->n);

	if (!to)
		return TEG_NOMEM;
	switch (p->c->encoding) {
	case ENCODING_FOR: return decode_for(in, p, out->width, to);
	case ENCODING_DELTA: return decode_delta(in, p, out->width, to);
	case ENCODING_PATCHED:
		return patched_decode(in, out->width, p->page_n, p->from, p->n, p->scratch, to);
	case ENCODING_ALP: return alp_decode(in, p->page_n, p->from, p->n, p->scratch, to);
	case ENCODING_RUNS:
		return runs_decode(in, out->width, p->page_n, p->from, p->n, p->scratch, to);
	default: return TEG_UNSUPPORTED;
	}
}

static teg_status decode_values(struct reader *in, const struct part *p, struct column_buf *out)
{
	switch (p->c->encoding) {
	case ENCODING_RAW:
		if (p->c->planes)
			return planes_decode(in, p->page_n, p->from, p->n, out);
		return raw_decode(in, p->c->class, p->page_n, p->from, p->n, p->valid, out);
	case ENCODING_DICTIONARY:
		if (p->picked.at)
			return dictionary_pick(in, p->picked, p->c->n_dictionary, p->c->class,
			                       p->page_n, p->from, p->n, p->valid, out);
		return dictionary_decode(in, p->dictionary, p->page_n, p->from, p->n, p->valid,
		                         out);
	default: return decode_words(in, p, out);
	}
}

/* The validity section, where the chunk has one. */
static bool open_validity(struct reader *in, const struct part *p, struct validity *validity_out)
{
	return p->known ? validity_reopen(in, p->page_n, validity_out)
	                : validity_open(in, p->page_n, validity_out);
}

/* Validity, then values, then validity into `out`. */
static teg_status decode_payload(struct span payload, struct part p, struct column_buf *out)
{
	struct reader in = reader_of(payload);
	uint8_t bits[PAGE_VALUES_MAX / 8];
	struct validity validity;
	size_t first = out->n;

	if (p.c->has_nulls) {
		if (!open_validity(&in, &p, &validity))
			return TEG_CORRUPT;
		if (validity_bits(&validity, p.from, p.n, bits))
			p.valid = bits;
	}
	TEG_TRY(decode_values(&in, &p, out));
	return p.valid ? column_buf_set_validity(out, first, p.n, p.valid, 0) : TEG_OK;
}

bool chunk_can_pick(const struct chunk *c)
{
	return c->encoding == ENCODING_DICTIONARY && !entries_are_planes(c);
}

static teg_status decode_page(const struct chunk *c, uint32_t page, struct span stored,
                              struct part p, struct column_buf *out, teg_error *err)
{
	size_t n_before = out->n, nulls_before = out->n_nulls;
	struct span payload;
	teg_status status;

	if (page >= c->n_pages || p.from > c->pages[page].n || p.n > c->pages[page].n - p.from ||
	    out->shape != c->shape || out->width != c->width ||
	    (p.picked.at && !chunk_can_pick(c)) ||
	    (c->n_dictionary && !p.picked.at &&
	     (!p.dictionary || p.dictionary->n != c->n_dictionary)))
		return teg_fail(err, TEG_MISUSE, "values [%zu, %zu + %zu) of page %u", p.from,
		                p.from, p.n, page);
	p.page_n = c->pages[page].n;
	status = open_payload(c->zstd && !p.opened, &c->pages[page], stored, p.scratch, &payload);
	if (status == TEG_OK)
		status = decode_payload(payload, p, out);
	if (status != TEG_OK) {
		out->n = n_before;
		out->n_nulls = nulls_before;
	}
	return blame(status, "page", page, err);
}

teg_status chunk_decode_verified(const struct chunk *c, const struct column_buf *dictionary,
                                 uint32_t page, struct span stored, uint32_t from, uint32_t n,
                                 struct codec_scratch *scratch, struct column_buf *out,
                                 teg_error *err)
{
	struct part p = {
		.c = c, .dictionary = dictionary, .from = from, .n = n, .scratch = scratch
	};

	return decode_page(c, page, stored, p, out, err);
}

teg_status chunk_decode_again(const struct chunk *c, const struct column_buf *dictionary,
                              uint32_t page, struct span stored, uint32_t from, uint32_t n,
                              struct codec_scratch *scratch, struct column_buf *out, teg_error *err)
{
	struct part p = { .c = c,
		          .dictionary = dictionary,
		          .from = from,
		          .n = n,
		          .scratch = scratch,
		          .known = true };

	return decode_page(c, page, stored, p, out, err);
}

/* ---- pages that are kept ---- */

struct span chunk_opened(const struct chunk *c, const struct chunk_page *page, struct span stored,
                         const struct codec_scratch *scratch)
{
	if (!(page == &c->dictionary ? c->zstd_dictionary : c->zstd))
		return stored;
	return scratch->opened == page->hash ? buf_span(&scratch->payload) : span_of(NULL, 0);
}

teg_status chunk_decode_dictionary_opened(const struct chunk *c, struct span opened,
                                          bool check_order, struct column_buf *values_out,
                                          teg_error *err)
{
	teg_status status;

	TEG_TRY(check_dictionary(c, values_out, err));
	status = decode_entries(c, opened, check_order, values_out);
	if (status != TEG_OK)
		column_buf_clear(values_out);
	return blame(status, "dictionary page", 0, err);
}

static struct part part_of(const struct chunk *c, const struct page_bytes *source,
                           struct codec_scratch *scratch)
{
	return (struct part){ .c = c,
		              .dictionary = source->dictionary,
		              .picked = source->picked,
		              .scratch = scratch,
		              .known = source->opened,
		              .opened = source->opened };
}

static teg_status verify_source(const struct chunk *c, uint32_t page,
                                const struct page_bytes *source, teg_error *err)
{
	if (page >= c->n_pages)
		return teg_fail(err, TEG_MISUSE, "chunk has no page %u", page);
	return source->opened ? TEG_OK : verify(&c->pages[page], source->bytes, "page", page, err);
}

teg_status chunk_decode_from(const struct chunk *c, uint32_t page, const struct page_bytes *source,
                             uint32_t from, uint32_t n, struct codec_scratch *scratch,
                             struct column_buf *out, teg_error *err)
{
	struct part p = part_of(c, source, scratch);

	TEG_TRY(verify_source(c, page, source, err));
	p.from = from;
	p.n = n;
	return decode_page(c, page, source->bytes, p, out, err);
}

teg_status chunk_decode_page(const struct chunk *c, const struct column_buf *dictionary,
                             uint32_t page, struct span stored, uint32_t from, uint32_t n,
                             struct codec_scratch *scratch, struct column_buf *out, teg_error *err)
{
	struct page_bytes bytes = { .bytes = stored, .dictionary = dictionary };

	return chunk_decode_from(c, page, &bytes, from, n, scratch, out, err);
}

/* ---- rows here and there ---- */

bool chunk_has_rows(const struct chunk *c)
{
	return c->shape == COLUMN_FIXED || c->encoding == ENCODING_DICTIONARY;
}

/* The encodings of words. */
static teg_status take_words(struct reader *in, const struct part *p, const uint16_t *at,
                             struct column_buf *out)
{
	void *to = column_buf_extend(out, p->n);
	struct delta_stream delta;
	struct for_stream stream;

	if (!to)
		return TEG_NOMEM;
	switch (p->c->encoding) {
	case ENCODING_FOR:
		if (!for_open(in, out->width, p->page_n, &stream) || reader_left(in))
			return TEG_CORRUPT;
		for_take(&stream, at, p->n, to);
		return TEG_OK;
	case ENCODING_DELTA:
		if (!delta_open(in, out->width, p->page_n, &delta) || reader_left(in))
			return TEG_CORRUPT;
		delta_take(&delta, at, p->n, to);
		return TEG_OK;
	case ENCODING_PATCHED: return patched_take(in, out->width, p->page_n, at, p->n, to);
	case ENCODING_ALP: return alp_take(in, p->page_n, at, p->n, to);
	case ENCODING_RUNS: return runs_take(in, out->width, p->page_n, at, p->n, to);
	default: return TEG_UNSUPPORTED;
	}
}

static teg_status take_values(struct reader *in, const struct part *p, const uint16_t *at,
                              struct column_buf *out)
{
	switch (p->c->encoding) {
	case ENCODING_RAW:
		return p->c->planes ? planes_take(in, p->page_n, at, p->n, out)
		                    : raw_take(in, p->c->class, p->page_n, at, p->n, out);
	case ENCODING_DICTIONARY:
		return dictionary_take(in, p->dictionary, p->page_n, at, p->n, p->valid, out);
	default: return take_words(in, p, at, out);
	}
}

/* At most BLOCK_VALUES of them. */
static teg_status take_places(struct span payload, struct part p, const uint16_t *at,
                              struct column_buf *out)
{
	struct reader in = reader_of(payload);
	uint8_t bits[BLOCK_VALUES / 8];
	struct validity validity;
	size_t first = out->n;

	if (p.c->has_nulls) {
		if (!open_validity(&in, &p, &validity))
			return TEG_CORRUPT;
		if (validity_take(&validity, at, p.n, bits))
			p.valid = bits;
	}
	TEG_TRY(take_values(&in, &p, at, out));
	return p.valid ? column_buf_set_validity(out, first, p.n, p.valid, 0) : TEG_OK;
}

static teg_status take_rows(struct span payload, struct part p, uint32_t first, const uint32_t *at,
                            uint32_t n, struct column_buf *out)
{
	uint16_t places[BLOCK_VALUES];

	for (uint32_t i = 0; i < n; i += (uint32_t)p.n) {
		p.n = size_min(n - i, BLOCK_VALUES);
		for (uint32_t k = 0; k < p.n; k++)
			places[k] = (uint16_t)(at[i + k] - first);
		TEG_TRY(take_places(payload, p, places, out));
		p.known = true;
	}
	return TEG_OK;
}

teg_status chunk_take_rows(const struct chunk *c, uint32_t page, const struct page_bytes *source,
                           const uint32_t *at, uint32_t n, struct codec_scratch *scratch,
                           struct column_buf *out, teg_error *err)
{
	struct part p = part_of(c, source, scratch);
	size_t n_before = out->n, nulls_before = out->n_nulls;
	const struct chunk_page *at_page;
	struct span payload;
	teg_status status;

	TEG_TRY(verify_source(c, page, source, err));
	at_page = &c->pages[page];
	if (!n || at[0] < at_page->first || at[n - 1] - at_page->first >= at_page->n ||
	    !chunk_has_rows(c) || out->shape != c->shape || out->width != c->width ||
	    (c->n_dictionary && (!p.dictionary || p.dictionary->n != c->n_dictionary)))
		return teg_fail(err, TEG_MISUSE, "%u rows of page %u", n, page);
	p.page_n = at_page->n;
	status = open_payload(c->zstd && !p.opened, at_page, source->bytes, scratch, &payload);
	if (status == TEG_OK)
		status = take_rows(payload, p, at_page->first, at, n, out);
	if (status != TEG_OK) {
		out->n = n_before;
		out->n_nulls = nulls_before;
	}
	return blame(status, "page", page, err);
}

/* ---- searching ---- */

static uint32_t lanes_below(const uint64_t *lanes, uint32_t n, uint64_t lane, bool after)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t mid = low + (n - low) / 2;

		if (lanes[mid] < lane || (after && lanes[mid] == lane))
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

/* Counts in values [from, from + n) of the payload, at most a block. */
static teg_status search_part(struct span payload, struct part p, size_t from, size_t n,
                              uint64_t lane, bool after, uint32_t *n_out)
{
	struct column_buf *work = &p.scratch->searched;
	uint64_t lanes[BLOCK_VALUES];
	struct column view;

	if (work->shape != p.c->shape || work->width != p.c->width) {
		column_buf_release(work);
		column_buf_init(work, p.c->shape, p.c->width, p.scratch->alloc);
	}
	column_buf_clear(work);
	p.from = from;
	p.n = n;
	TEG_TRY(decode_payload(payload, p, work));
	view = column_buf_view(work);
	lanes_of_column(&view, p.c->class, 0, n, lanes);
	*n_out = lanes_below(lanes, (uint32_t)n, lane, after);
	return TEG_OK;
}

/* First for the last block whose first value is below, then in that block. */
static teg_status search(struct span payload, struct part p, uint64_t lane, bool after,
                         uint32_t *n_out)
{
	size_t low = 0, high = (p.page_n - 1) / BLOCK_VALUES;
	uint32_t below;

	while (low < high) {
		size_t mid = high - (high - low) / 2;

		TEG_TRY(search_part(payload, p, mid * BLOCK_VALUES, 1, lane, after, &below));
		p.known = true;
		if (below)
			low = mid;
		else
			high = mid - 1;
	}
	low *= BLOCK_VALUES;
	TEG_TRY(search_part(payload, p, low, size_min(BLOCK_VALUES, p.page_n - low), lane, after,
	                    &below));
	*n_out = (uint32_t)low + below;
	return TEG_OK;
}

teg_status chunk_search_from(const struct chunk *c, uint32_t page, const struct page_bytes *source,
                             uint64_t lane, bool after, struct codec_scratch *scratch,
                             uint32_t *n_out, teg_error *err)
{
	struct part p = part_of(c, source, scratch);
	struct span payload;
	teg_status status;

	TEG_TRY(verify_source(c, page, source, err));
	if (c->n_dictionary && !p.dictionary)
		return teg_fail(err, TEG_MISUSE, "a search without the dictionary");
	p.page_n = c->pages[page].n;
	status = open_payload(c->zstd && !p.opened, &c->pages[page], source->bytes, scratch,
	                      &payload);
	if (status == TEG_OK)
		status = search(payload, p, lane, after, n_out);
	return blame(status, "page", page, err);
}

teg_status chunk_search_page(const struct chunk *c, const struct column_buf *dictionary,
                             uint32_t page, struct span stored, uint64_t lane, bool after,
                             struct codec_scratch *scratch, uint32_t *n_out, teg_error *err)
{
	struct page_bytes source = { .bytes = stored, .dictionary = dictionary };

	return chunk_search_from(c, page, &source, lane, after, scratch, n_out, err);
}

teg_status chunk_decode_constant(const struct chunk *c, size_t n, struct column_buf *out)
{
	if (c->encoding != ENCODING_CONSTANT || out->shape != c->shape || out->width != c->width)
		return TEG_MISUSE;
	return c->all_null ? column_buf_append_nulls(out, n)
	                   : column_buf_append_value(out, c->constant, n);
}
