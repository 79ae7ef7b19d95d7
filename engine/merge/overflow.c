#include "engine/merge/overflow.h"
#include <string.h>
#include "codec/base/hash.h"

#define PAGE_SPANS 256u /* 4 KiB */
#define CACHED 16u      /* pages */
#define LEAVES_MIN 4u

/* As it lies in the file; it ends where the next one begins. */
struct stored {
	int64_t from, ceiling;
};

struct page {
	uint64_t hash;
	int64_t from;
	struct ceilings met; /* in all of it */
};

/* A file while it is read or written. */
struct spans_file {
	struct os_file *file; /* NULL: nothing is there */
	char path[OS_PATH_MAX];
	uint64_t n;
	int64_t until; /* of the last span */
	struct page *pages;
	size_t n_pages, pages_cap;
};

struct overflow {
	struct below below;
	struct teg_store *store;
	struct spans_file file;
	int64_t needed_from, needed_until;
	struct stored *cache; /* CACHED pages */
	uint64_t cached[CACHED];
	const teg_allocator *alloc;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for the times of a key's versions");
}

/* ---- files ---- */

static void drop_file(struct overflow *o, struct spans_file *f)
{
	if (f->file) {
		os_close(o->store->os, f->file);
		(void)os_unlink(o->store->os, f->path, NULL);
	}
	mem_free(o->alloc, f->pages, f->pages_cap * sizeof *f->pages);
	*f = (struct spans_file){ 0 };
}

static teg_status create_file(struct overflow *o, struct spans_file *f, teg_error *err)
{
	struct segment_ref name = { .inlined = false };

	TEG_TRY(store_new_id(o->store, name.object, err));
	segment_path(&name, f->path);
	return os_create(o->store->os, f->path, &f->file, err);
}

static uint32_t page_n(const struct spans_file *f, uint64_t page)
{
	uint64_t left = f->n - page * PAGE_SPANS;

	return left < PAGE_SPANS ? (uint32_t)left : PAGE_SPANS;
}

static teg_status read_page(struct overflow *o, uint64_t page, const struct stored **spans_out,
                            teg_error *err)
{
	uint32_t slot = (uint32_t)(page % CACHED);
	struct stored *spans = o->cache + (size_t)slot * PAGE_SPANS;
	size_t len = page_n(&o->file, page) * sizeof *spans;

	*spans_out = spans;
	if (o->cached[slot] == page)
		return TEG_OK;
	o->cached[slot] = UINT64_MAX;
	TEG_TRY(os_read(o->store->os, o->file.file, o->file.path, page * PAGE_SPANS * sizeof *spans,
	                spans, len, err));
	if (hash_bytes(span_of(spans, len)) != o->file.pages[page].hash)
		return teg_fail(err, TEG_CORRUPT, "%s does not hold what the merge wrote there",
		                o->file.path);
	o->cached[slot] = page;
	return TEG_OK;
}

/* ---- writing ---- */

struct writer {
	struct overflow *o;
	struct spans_file to;
	struct stored *spans; /* of the page that is being filled */
	uint32_t n;
	uint64_t next; /* of the old file's spans */
};

static teg_status add_page(struct writer *w, teg_error *err)
{
	void *block = w->to.pages;
	struct span bytes = span_of(w->spans, w->n * sizeof *w->spans);
	struct page page = { hash_bytes(bytes), w->spans[0].from, { INT64_MAX, INT64_MIN } };

	if (!mem_grow(w->o->alloc, &block, &w->to.pages_cap, w->to.n_pages + 1,
	              sizeof *w->to.pages))
		return no_memory(err);
	w->to.pages = block;
	for (uint32_t i = 0; i < w->n; i++) {
		page.met.low = min64(page.met.low, w->spans[i].ceiling);
		page.met.high = max64(page.met.high, w->spans[i].ceiling);
	}
	w->to.pages[w->to.n_pages++] = page;
	TEG_TRY(os_write(w->o->store->os, w->to.file, w->to.path, bytes, err));
	w->to.n += w->n;
	w->n = 0;
	return TEG_OK;
}

/* Spans come one after the other; what nothing will ask for is left out. */
static teg_status put_span(struct writer *w, int64_t from, int64_t until, int64_t ceiling,
                           teg_error *err)
{
	from = max64(from, w->o->needed_from);
	until = min64(until, w->o->needed_until);
	if (from >= until)
		return TEG_OK;
	w->to.until = until;
	if (w->n && w->spans[w->n - 1].ceiling == ceiling)
		return TEG_OK;
	if (w->n == PAGE_SPANS)
		TEG_TRY(add_page(w, err));
	w->spans[w->n++] = (struct stored){ from, ceiling };
	return TEG_OK;
}

/* Where span i of the old file ends. */
static teg_status read_span(struct overflow *o, uint64_t i, struct span_of_time *out,
                            teg_error *err)
{
	const struct stored *spans;
	uint64_t page = i / PAGE_SPANS;

	TEG_TRY(read_page(o, page, &spans, err));
	out->from = spans[i % PAGE_SPANS].from;
	out->ceiling = spans[i % PAGE_SPANS].ceiling;
	if (i + 1 == o->file.n)
		out->until = o->file.until;
	else if ((i + 1) % PAGE_SPANS)
		out->until = spans[i % PAGE_SPANS + 1].from;
	else
		out->until = o->file.pages[page + 1].from;
	return TEG_OK;
}

/* What lies below a span without a ceiling. */
static teg_status copy_below(struct writer *w, const struct span_of_time *above, teg_error *err)
{
	struct span_of_time old;

	for (; w->next < w->o->file.n; w->next++) {
		TEG_TRY(read_span(w->o, w->next, &old, err));
		if (old.from >= above->until)
			return TEG_OK;
		TEG_TRY(put_span(w, max64(old.from, above->from), min64(old.until, above->until),
		                 old.ceiling, err));
		if (old.until > above->until)
			return TEG_OK;
	}
	return TEG_OK;
}

static teg_status write_spans(struct writer *w, const struct spans *above, teg_error *err)
{
	struct span_place at = { 0, 0 };
	const struct span_of_time *span;

	while ((span = spans_next(above, &at)))
		TEG_TRY(span->ceiling == NO_CEILING
		                ? copy_below(w, span, err)
		                : put_span(w, span->from, span->until, span->ceiling, err));
	return w->n ? add_page(w, err) : TEG_OK;
}

static teg_status take(void *ctx, const struct spans *above, teg_error *err)
{
	struct overflow *o = ctx;
	struct writer w = { .o = o };
	teg_status status;

	w.spans = mem_array(o->alloc, PAGE_SPANS, sizeof *w.spans);
	status = w.spans ? create_file(o, &w.to, err) : no_memory(err);
	if (status == TEG_OK)
		status = write_spans(&w, above, err);
	mem_free(o->alloc, w.spans, PAGE_SPANS * sizeof *w.spans);
	if (status != TEG_OK) {
		drop_file(o, &w.to);
		return status;
	}
	drop_file(o, &o->file);
	o->file = w.to;
	memset(o->cached, 0xff, sizeof o->cached);
	return TEG_OK;
}

/* ---- looking ---- */

/* The page that `v` lies in, or the first. */
static size_t page_of(const struct spans_file *f, int64_t v)
{
	size_t lo = 0, hi = f->n_pages;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->pages[mid].from <= v)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static void meet(struct ceilings *met, struct ceilings other)
{
	met->low = min64(met->low, other.low);
	met->high = max64(met->high, other.high);
}

/* Of one page, a part of which is meant. */
static teg_status look_in(struct overflow *o, size_t page, int64_t from, int64_t until,
                          struct ceilings *met, teg_error *err)
{
	uint32_t n = page_n(&o->file, page), lo = 0, hi = n;
	const struct stored *spans;

	TEG_TRY(read_page(o, page, &spans, err));
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (spans[mid].from <= from)
			lo = mid;
		else
			hi = mid;
	}
	for (; lo < n && spans[lo].from < until; lo++)
		meet(met, (struct ceilings){ spans[lo].ceiling, spans[lo].ceiling });
	return TEG_OK;
}

static teg_status look(void *ctx, int64_t from, int64_t until, struct ceilings *met, teg_error *err)
{
	struct overflow *o = ctx;
	const struct spans_file *f = &o->file;
	size_t first, last;

	if (!f->n || from >= f->until)
		return TEG_OK;
	first = page_of(f, from);
	last = page_of(f, until - 1);
	TEG_TRY(look_in(o, first, from, until, met, err));
	for (size_t p = first + 1; p < last; p++)
		meet(met, f->pages[p].met);
	return last > first ? look_in(o, last, from, until, met, err) : TEG_OK;
}

/* ---- life ---- */

struct overflow *overflow_new(struct teg_store *store, size_t memory, const teg_allocator *alloc)
{
	struct overflow *o = mem_zalloc(alloc, sizeof *o);

	if (!o)
		return NULL;
	o->alloc = alloc;
	o->store = store;
	o->below = (struct below){ o, memory / sizeof(struct span_leaf), take, look };
	o->below.leaves_max = o->below.leaves_max < LEAVES_MIN ? LEAVES_MIN : o->below.leaves_max;
	o->cache = mem_array(alloc, CACHED * PAGE_SPANS, sizeof *o->cache);
	if (o->cache)
		return o;
	overflow_free(o);
	return NULL;
}

void overflow_free(struct overflow *o)
{
	if (!o)
		return;
	drop_file(o, &o->file);
	mem_free(o->alloc, o->cache, CACHED * PAGE_SPANS * sizeof *o->cache);
	mem_free(o->alloc, o, sizeof *o);
}

struct below *overflow_begin(struct overflow *o)
{
	drop_file(o, &o->file);
	overflow_needs(o, INT64_MIN, INT64_MAX);
	return &o->below;
}

void overflow_needs(struct overflow *o, int64_t from, int64_t until)
{
	o->needed_from = from;
	o->needed_until = until;
}
