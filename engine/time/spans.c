#include "engine/time/spans.h"
#include <string.h>

struct spans spans_in(struct pieces *home)
{
	return (struct spans){ home, 0, 0 };
}

static struct span_leaf *leaf_at(const struct spans *s, uint32_t leaf)
{
	return &s->home->leaves[s->home->order[leaf]];
}

static bool ends_after(const struct spans *s, uint32_t leaf, int64_t v)
{
	const struct span_leaf *l = leaf_at(s, leaf);

	return l->at[l->n - 1].until > v;
}

/* Histories mostly grow at the late end, so look there first. */
static uint32_t leaf_after(const struct spans *s, int64_t v)
{
	uint32_t lo = 0, hi = s->n;

	if (hi && (hi == 1 || !ends_after(s, hi - 2, v)))
		return ends_after(s, hi - 1, v) ? hi - 1 : hi;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ends_after(s, mid, v))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct span_place spans_after(const struct spans *s, int64_t v)
{
	struct span_place place = { leaf_after(s, v), 0 };
	const struct span_leaf *l;
	uint32_t hi;

	if (place.leaf == s->n)
		return place;
	l = leaf_at(s, place.leaf);
	hi = l->n - 1; /* ends after v */
	if (hi && l->at[hi - 1].until <= v)
		place.i = hi;
	while (place.i < hi) {
		uint32_t mid = place.i + (hi - place.i) / 2;

		if (l->at[mid].until > v)
			hi = mid;
		else
			place.i = mid + 1;
	}
	return place;
}

const struct span_of_time *spans_next(const struct spans *s, struct span_place *place)
{
	const struct span_leaf *l;

	if (place->leaf == s->n)
		return NULL;
	l = leaf_at(s, place->leaf);
	if (place->i < l->n)
		return &l->at[place->i++];
	*place = (struct span_place){ place->leaf + 1, 0 };
	return spans_next(s, place);
}

/* ---- changes ---- */

static bool reserve_leaf(struct spans *s)
{
	struct pieces *home = s->home;
	void *leaves = home->leaves, *order = home->order;
	bool grown = mem_grow(home->alloc, &leaves, &home->leaves_cap, s->used + 1u,
	                      sizeof *home->leaves);

	home->leaves = leaves;
	grown = grown &&
	        mem_grow(home->alloc, &order, &home->order_cap, s->used + 1u, sizeof *home->order);
	home->order = order;
	return grown;
}

/* An empty leaf before leaf `leaf`. */
static bool add_leaf(struct spans *s, uint32_t leaf)
{
	uint32_t *order, index;

	if (s->n == s->used) {
		if (!reserve_leaf(s))
			return false;
		s->home->order[s->used] = s->used;
		s->used++;
	}
	order = s->home->order;
	index = order[s->n];
	memmove(order + leaf + 1, order + leaf, (s->n - leaf) * sizeof *order);
	order[leaf] = index;
	s->n++;
	leaf_at(s, leaf)->n = 0;
	return true;
}

static void drop_leaf(struct spans *s, uint32_t leaf)
{
	uint32_t *order = s->home->order, index = order[leaf];

	s->n--;
	memmove(order + leaf, order + leaf + 1, (s->n - leaf) * sizeof *order);
	order[s->n] = index;
}

/* Takes out the spans from `at` on that begin before `until`, of which *last_out is the last. False:
 * there are none. */
static bool take_out(struct spans *s, struct span_place at, int64_t until,
                     struct span_of_time *last_out)
{
	bool any = false, on = true;

	for (; on && at.leaf < s->n; at.i = 0) {
		struct span_leaf *l = leaf_at(s, at.leaf);
		uint32_t end = at.i;

		while (end < l->n && l->at[end].from < until)
			end++;
		on = end == l->n;
		if (end > at.i) {
			*last_out = l->at[end - 1];
			any = true;
		}
		memmove(l->at + at.i, l->at + end, (l->n - end) * sizeof *l->at);
		l->n -= end - at.i;
		if (l->n)
			at.leaf++;
		else
			drop_leaf(s, at.leaf);
	}
	return any;
}

/* The upper half of a leaf becomes one of its own. */
static bool cut_leaf(struct spans *s, struct span_place *at)
{
	const uint32_t half = LEAF_SPANS / 2;
	struct span_leaf *l, *upper;

	if (!add_leaf(s, at->leaf + 1))
		return false;
	l = leaf_at(s, at->leaf);
	upper = leaf_at(s, at->leaf + 1);
	upper->n = l->n - half;
	l->n = half;
	memcpy(upper->at, l->at + half, upper->n * sizeof *l->at);
	if (at->i > half)
		*at = (struct span_place){ at->leaf + 1, at->i - half };
	return true;
}

static bool put_in(struct spans *s, struct span_place at, const struct span_of_time *with,
                   uint32_t n)
{
	struct span_leaf *l;

	if (!s->n && !add_leaf(s, 0))
		return false;
	if (at.leaf == s->n) {
		at.leaf--;
		at.i = leaf_at(s, at.leaf)->n;
	}
	if (leaf_at(s, at.leaf)->n + n > LEAF_SPANS && !cut_leaf(s, &at))
		return false;
	l = leaf_at(s, at.leaf);
	memmove(l->at + at.i + n, l->at + at.i, (l->n - at.i) * sizeof *l->at);
	memcpy(l->at + at.i, with, n * sizeof *with);
	l->n += n;
	return true;
}

bool spans_cover(struct spans *s, int64_t from, int64_t until, bool keep, int64_t ceiling)
{
	struct span_place at = spans_after(s, from), look = at;
	const struct span_of_time *first = spans_next(s, &look);
	struct span_of_time with[3], last;
	uint32_t n = 0;

	if (first && first->from < from && first->from < until)
		with[n++] = (struct span_of_time){ first->from, from, first->ceiling };
	if (keep)
		with[n++] = (struct span_of_time){ from, until, ceiling };
	if (take_out(s, at, until, &last) && last.until > until)
		with[n++] = (struct span_of_time){ until, last.until, last.ceiling };
	return !n || put_in(s, at, with, n);
}

bool spans_lower(struct spans *ceiling, const struct version *versions, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (versions[i].claims &&
		    !spans_cover(ceiling, versions[i].valid_from, versions[i].valid_until, true,
		                 versions[i].system_from))
			return false;
	return true;
}
