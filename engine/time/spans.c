#include "engine/time/spans.h"
#include <string.h>

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

struct spans spans_in(struct pieces *home)
{
	return (struct spans){ home->work, 0, home->work_cap / sizeof(struct span_of_time), home };
}

/* Histories mostly grow at the late end, so look there first. */
size_t spans_after(const struct spans *s, int64_t v)
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

bool spans_cover(struct spans *s, int64_t from, int64_t until, bool keep, int64_t ceiling)
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
