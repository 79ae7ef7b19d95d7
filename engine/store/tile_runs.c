/* Reading runs of values of a column: what nested columns ask for. */
#include "engine/store/reading.h"

#define GAP_MAX 1024 /* values between runs that are decoded rather than begun anew after */

/* Runs at hand: the next value wanted is runs[i].from + done. */
struct runs {
	const struct tile_run *at;
	uint32_t n, i, done;
};

static uint32_t next_value(const struct runs *w)
{
	return w->at[w->i].from + w->done;
}

/* Where the values wanted of this page end that lie together, more or less; *single: they are one
 * run's. */
static uint32_t group_end(const struct runs *w, uint32_t page_end, bool *single)
{
	uint32_t end = w->at[w->i].from + w->at[w->i].n;

	*single = true;
	for (uint32_t i = w->i + 1; i < w->n && end < page_end && w->at[i].from < page_end &&
	                            w->at[i].from - end < GAP_MAX;
	     i++) {
		end = w->at[i].from + w->at[i].n;
		*single = false;
	}
	return end < page_end ? end : page_end;
}

/* The last page that follows `page` without one in between that no run touches. */
static uint32_t last_page_of_runs(const struct chunk *chunk, const struct runs *w, uint32_t page)
{
	uint32_t last = page;

	for (uint32_t i = w->i; i < w->n && last + 1 < chunk->n_pages; i++) {
		if (chunk_page_of(chunk, w->at[i].from) > last + 1)
			break;
		last = chunk_page_of(chunk, w->at[i].from + w->at[i].n - 1);
	}
	return last;
}

/* Moves on to `end`, appending what the runs take of `work`, which holds the values from `from` on. */
static teg_status take_runs(struct runs *w, const struct column_buf *work, uint32_t from,
                            uint32_t end, struct column_buf *out)
{
	struct column view;

	if (work)
		view = column_buf_view(work);
	while (w->i < w->n && next_value(w) < end) {
		uint32_t left = w->at[w->i].n - w->done, at = next_value(w);
		uint32_t n = left < end - at ? left : end - at;

		if (work)
			TEG_TRY(column_buf_append(out, &view, at - from, n));
		w->done += n;
		if (n == left) {
			w->i++;
			w->done = 0;
		}
	}
	return TEG_OK;
}

static teg_status read_group(struct reading *r, struct runs *w, uint32_t page, bool again,
                             struct column_buf *out)
{
	const struct chunk_page *p = &r->column->chunk.pages[page];
	struct column_buf *work = &r->reader->work;
	uint32_t from = next_value(w);
	bool single;
	uint32_t end = group_end(w, p->first + p->n, &single);

	if (single) {
		TEG_TRY(reading_decode(r, page, from - p->first, end - from, again, out));
		return take_runs(w, NULL, from, end, out);
	}
	column_buf_become(work, out);
	TEG_TRY(reading_decode(r, page, from - p->first, end - from, again, work));
	return take_runs(w, work, from, end, out);
}

/* The pages from `page` on that one run takes whole. */
static teg_status read_whole(struct reading *r, struct runs *w, uint32_t page, uint32_t *next_out,
                             struct column_buf *out)
{
	const struct tile_run *run = &w->at[w->i];
	uint32_t from = next_value(w);
	size_t before = out->n;

	TEG_TRY(reading_direct(r, page, run->from + run->n, out, next_out));
	return take_runs(w, NULL, from, from + (uint32_t)(out->n - before), out);
}

teg_status tile_read_runs(struct tile_reader *reader, const struct tile *tile,
                          const struct tile_column *column, const struct tile_run *runs,
                          uint32_t n_runs, struct column_buf *out, teg_error *err)
{
	struct reading r = { .reader = reader, .tile = tile, .column = column, .err = err };
	const struct chunk *chunk = &column->chunk;
	struct runs w = { runs, n_runs, 0, 0 };
	uint32_t last = UINT32_MAX, n = 0;
	bool plain = chunk_is_plain(chunk), done = false;

	if (!n_runs)
		return TEG_OK;
	for (uint32_t i = 0; i < n_runs; i++)
		n += runs[i].n;
	TEG_TRY(reading_start(&r, (uint64_t)runs[n_runs - 1].from + runs[n_runs - 1].n,
	                      n < chunk->n / 16 ? USE_SOME : USE_ALL, n, out));
	if (chunk->encoding == ENCODING_CONSTANT) {
		for (uint32_t i = 0; i < n_runs; i++)
			TEG_TRY(chunk_decode_constant(chunk, runs[i].n, out));
		return TEG_OK;
	}
	if (n_runs == 1)
		TEG_TRY(reading_borrow(&r, runs[0].from, n, out, &done));
	if (done)
		return TEG_OK;
	if (plain && column_buf_reserve(out, n, 0) != TEG_OK)
		return teg_fail(err, TEG_NOMEM, "no memory for the values of a column");
	while (w.i < w.n) {
		uint32_t page = chunk_page_of(chunk, next_value(&w)), next = page;

		if (plain && next_value(&w) == chunk->pages[page].first)
			TEG_TRY(read_whole(&r, &w, page, &next, out));
		if (next > page)
			continue;
		if (page < r.first_page || page >= r.end_page)
			TEG_TRY(reading_fetch(&r, page, last_page_of_runs(chunk, &w, page)));
		TEG_TRY(read_group(&r, &w, page, page == last, out));
		last = page;
	}
	return TEG_OK;
}
