#include "engine/time/visibility.h"
#include <string.h>

void pieces_init(struct pieces *pieces, const teg_allocator *alloc)
{
	*pieces = (struct pieces){ NULL, 0, 0, NULL, 0, alloc };
}

void pieces_release(struct pieces *pieces)
{
	mem_free(pieces->alloc, pieces->at, pieces->cap * sizeof *pieces->at);
	mem_free(pieces->alloc, pieces->work, pieces->work_cap);
	pieces_init(pieces, pieces->alloc);
}

/* ---- valid time as a sorted list of disjoint spans, each with the system time that ends it ---- */

struct span_of_time {
	int64_t from, until; /* valid time, half-open */
	int64_t ceiling;     /* system time from which something newer holds here */
};

struct spans {
	struct span_of_time *at;
	size_t n, cap;
	struct pieces *home; /* whose work memory this is */
};

static bool spans_reserve(struct spans *s, size_t need)
{
	void *block = s->at;
	size_t cap = s->cap;

	if (!mem_grow(s->home->alloc, &block, &cap, need, sizeof *s->at))
		return false;
	s->at = block;
	s->cap = cap;
	s->home->work = block;
	s->home->work_cap = cap * sizeof *s->at;
	return true;
}

static struct spans spans_in(struct pieces *home)
{
	return (struct spans){ home->work, 0, home->work_cap / sizeof(struct span_of_time), home };
}

/* The first span that ends after `v`. Histories mostly grow at the late end, so look there first. */
static size_t spans_after(const struct spans *s, int64_t v)
{
	size_t lo = 0, hi = s->n;

	if (hi && s->at[hi - 1].until > v && (hi == 1 || s->at[hi - 2].until <= v))
		return hi - 1;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->at[mid].until > v)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Replaces the spans [first, last) by up to three others. */
static bool spans_splice(struct spans *s, size_t first, size_t last,
                         const struct span_of_time *with, size_t n_with)
{
	size_t n = s->n - (last - first) + n_with;

	if (!spans_reserve(s, n))
		return false;
	memmove(s->at + first + n_with, s->at + last, (s->n - last) * sizeof *s->at);
	memcpy(s->at + first, with, n_with * sizeof *with);
	s->n = n;
	return true;
}

/* Over [from, until): take the time out (`keep` false), or lower its ceiling. Never touches what
 * lies outside. */
static bool spans_cover(struct spans *s, int64_t from, int64_t until, bool keep, int64_t ceiling)
{
	size_t first = spans_after(s, from), last = first;
	struct span_of_time with[3];
	size_t n = 0;

	while (last < s->n && s->at[last].from < until)
		last++;
	if (first < last && s->at[first].from < from)
		with[n++] = (struct span_of_time){ s->at[first].from, from, s->at[first].ceiling };
	if (keep)
		with[n++] = (struct span_of_time){ from, until, ceiling };
	if (first < last && s->at[last - 1].until > until)
		with[n++] = (struct span_of_time){ until, s->at[last - 1].until,
			                           s->at[last - 1].ceiling };
	return spans_splice(s, first, last, with, n);
}

/* ---- the rules ---- */

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The index of the newest erasure, or n. Erasures hold at every S. */
static size_t newest_erasure(const struct version *versions, size_t n)
{
	size_t i = 0;

	while (i < n && versions[i].kind != ROW_ERASED)
		i++;
	return i;
}

static bool add_piece(struct pieces *out, size_t version, int64_t from, int64_t until)
{
	void *block = out->at;

	if (out->n == out->cap) {
		if (!mem_grow(out->alloc, &block, &out->cap, out->n + 1, sizeof *out->at))
			return false;
		out->at = block;
	}
	out->at[out->n++] = (struct piece){ (uint32_t)version, from, until, INT64_MAX };
	return true;
}

/* What `versions[i]` has of the free time, as pieces. */
static bool take_free(const struct spans *free_time, const struct version *versions, size_t i,
                      struct pieces *out)
{
	const struct version *v = &versions[i];

	for (size_t k = spans_after(free_time, v->valid_from); k < free_time->n; k++) {
		const struct span_of_time *f = &free_time->at[k];

		if (f->from >= v->valid_until)
			break;
		if (!add_piece(out, i, max64(f->from, v->valid_from),
		               min64(f->until, v->valid_until)))
			return false;
	}
	return true;
}

/* Versions of one commit: those that do not claim come first, so that a delete of a repeated array
 * hides strictly older rows only. Returns the end of the group that starts at i. */
static size_t group_end(const struct version *versions, size_t i, size_t end)
{
	size_t k = i + 1;

	while (k < end && versions[k].system_from == versions[i].system_from)
		k++;
	return k;
}

static bool visit_group(struct spans *free_time, const struct version *versions, size_t i,
                        size_t end, int64_t s, struct pieces *out)
{
	for (size_t k = i; k < end; k++)
		if (!versions[k].claims && versions[k].target && versions[k].superseded_at > s &&
		    !take_free(free_time, versions, k, out))
			return false;
	for (size_t k = i; k < end; k++) {
		/* What is superseded for good lies wholly under newer claims. */
		if (!versions[k].claims || versions[k].superseded_at <= s)
			continue;
		if (versions[k].target && !take_free(free_time, versions, k, out))
			return false;
		if (!spans_cover(free_time, versions[k].valid_from, versions[k].valid_until, false,
		                 0))
			return false;
	}
	return true;
}

/* A piece of few versions is sorted by insertion: they come nearly in order. */
static void sort_pieces(struct pieces *out)
{
	for (size_t i = 1; i < out->n; i++) {
		struct piece p = out->at[i];
		size_t k = i;

		for (; k && out->at[k - 1].valid_from > p.valid_from; k--)
			out->at[k] = out->at[k - 1];
		out->at[k] = p;
	}
}

/* The first version after S, oldest first, that claims part of a piece ends it. */
static void fill_until(const struct version *versions, size_t n, int64_t s, struct pieces *out)
{
	size_t newer = 0;

	while (newer < n && versions[newer].system_from > s)
		newer++;
	for (size_t p = 0; p < out->n; p++) {
		struct piece *piece = &out->at[p];

		for (size_t i = newer; i-- > 0;) {
			if (versions[i].claims && versions[i].valid_from < piece->valid_until &&
			    versions[i].valid_until > piece->valid_from) {
				piece->system_until = versions[i].system_from;
				break;
			}
		}
	}
}

teg_status visible_at(const struct version *versions, size_t n, int64_t s, int64_t a, int64_t b,
                      bool with_until, struct pieces *out)
{
	size_t erasure = newest_erasure(versions, n);
	struct spans free_time = spans_in(out);
	size_t i = 0;

	out->n = 0;
	if (!spans_cover(&free_time, a, b, true, 0))
		return TEG_NOMEM;
	while (i < erasure && versions[i].system_from > s)
		i++;
	while (i < erasure && free_time.n) {
		size_t end = group_end(versions, i, erasure);

		if (!visit_group(&free_time, versions, i, end, s, out))
			return TEG_NOMEM;
		i = end;
	}
	if (erasure < n && versions[erasure].target)
		for (size_t k = 0; k < free_time.n; k++)
			if (!add_piece(out, erasure, free_time.at[k].from, free_time.at[k].until))
				return TEG_NOMEM;
	sort_pieces(out);
	if (with_until)
		fill_until(versions, n, s, out);
	return TEG_OK;
}

int64_t visible_point(const struct version *versions, size_t n, int64_t s, int64_t v)
{
	for (size_t i = 0; i < n; i++) {
		if (versions[i].kind == ROW_ERASED)
			return (int64_t)i;
		if (versions[i].system_from <= s && versions[i].valid_from <= v &&
		    v < versions[i].valid_until)
			return (int64_t)i;
	}
	return -1;
}

/* ---- what compaction derives ---- */

struct derived {
	int64_t superseded;
	uint8_t exact;
};

static struct derived derive_one(const struct spans *ceiling, const struct version *v)
{
	struct derived d = { INT64_MIN, 1 };
	bool first = true;

	for (size_t k = spans_after(ceiling, v->valid_from); k < ceiling->n; k++) {
		int64_t until = min64(ceiling->at[k].ceiling, v->superseded_at);

		if (ceiling->at[k].from >= v->valid_until)
			break;
		if (!first && until != d.superseded)
			d.exact = 0;
		d.superseded = max64(d.superseded, until);
		first = false;
	}
	return d;
}

/* The versions [i, end) of one commit. */
static bool derive_group(struct spans *ceiling, const struct version *versions, size_t i,
                         size_t end, int64_t *superseded_out, uint8_t *exact_out)
{
	for (size_t k = i; k < end; k++) {
		struct derived d = derive_one(ceiling, &versions[k]);

		superseded_out[k] = d.superseded;
		exact_out[k] = d.exact;
	}
	for (size_t k = i; k < end; k++)
		if (versions[k].claims &&
		    !spans_cover(ceiling, versions[k].valid_from, versions[k].valid_until, true,
		                 versions[k].system_from))
			return false;
	return true;
}

teg_status derive_superseded(const struct version *versions, size_t n, struct pieces *scratch,
                             int64_t *superseded_out, uint8_t *exact_out)
{
	size_t erasure = newest_erasure(versions, n);
	struct spans ceiling = spans_in(scratch);
	size_t i = 0;

	if (!spans_cover(&ceiling, INT64_MIN, INT64_MAX, true, INT64_MAX))
		return TEG_NOMEM;
	while (i < erasure) {
		size_t end = group_end(versions, i, erasure);

		if (!derive_group(&ceiling, versions, i, end, superseded_out, exact_out))
			return TEG_NOMEM;
		i = end;
	}
	if (i < n) { /* the newest erasure holds for ever; what is older answers nothing at any S */
		superseded_out[i] = INT64_MAX;
		exact_out[i++] = 0;
	}
	for (; i < n; i++) {
		superseded_out[i] = versions[i].system_from;
		exact_out[i] = 1;
	}
	return TEG_OK;
}
