#include "tests/support/model.h"
#include <stdlib.h>
#include <string.h>

void model_init(struct model *m, size_t n_keys, bool valid_time, bool repeated)
{
	memset(m, 0, sizeof *m);
	m->valid_time = valid_time;
	m->repeated = repeated;
	while (m->n_keys < n_keys)
		model_add_key(m);
}

void model_release(struct model *m)
{
	for (size_t k = 0; k < m->n_keys; k++)
		for (int v = 0; v < V_POINTS; v++)
			free(m->points[k][v].at);
	free(m->points);
}

size_t model_add_key(struct model *m)
{
	if (m->n_keys == m->keys_cap) {
		m->keys_cap = m->keys_cap ? 2 * m->keys_cap : 64;
		m->points = realloc(m->points, m->keys_cap * sizeof *m->points);
	}
	memset(&m->points[m->n_keys], 0, sizeof *m->points);
	return m->n_keys++;
}

void model_say(struct model *m, size_t key, int64_t from, int64_t until, int64_t system_time,
               enum said what, int64_t value)
{
	for (int v = 0; v < V_POINTS; v++) {
		int64_t point = model_point(v);
		struct history *h = &m->points[key][v];

		if (!(from <= point && point < until))
			continue;
		if (h->n == h->cap) {
			h->cap = h->cap ? 2 * h->cap : 4;
			h->at = realloc(h->at, h->cap * sizeof *h->at);
		}
		h->at[h->n++] = (struct saying){ system_time, value, what };
	}
}

struct saying model_ask(const struct model *m, size_t key, int64_t s, int v)
{
	const struct history *h = &m->points[key][v];

	for (size_t i = h->n; i-- > 0;)
		if (h->at[i].system_time <= s || h->at[i].what == SAID_ERASED)
			return h->at[i];
	return (struct saying){ 0, 0, SAID_NOTHING };
}

size_t model_count(const struct model *m, size_t key, int64_t s, int v, int64_t value)
{
	const struct history *h = &m->points[key][v];
	size_t n = 0;

	for (size_t i = h->n; i-- > 0;) {
		if (h->at[i].what == SAID_ERASED)
			break; /* at every S */
		if (h->at[i].system_time > s)
			continue;
		if (h->at[i].what == SAID_DELETED)
			break; /* hides all that was said before */
		n += h->at[i].value == value;
	}
	return n;
}

/* When what was said last but `i` ends: at its own time where its commit did not store it. */
static int64_t event_until(const struct history *h, size_t i)
{
	int64_t until = INT64_MAX;

	for (size_t k = h->n; --k > i;)
		if (h->at[k].what == SAID_ERASED)
			return h->at[i].system_time;
		else if (h->at[k].what == SAID_DELETED)
			until = h->at[k].system_time;
	return until;
}

size_t model_events(const struct model *m, size_t key, int v, int64_t value, int64_t s1, int64_t s2)
{
	const struct history *h = &m->points[key][v];
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct saying *at = &h->at[i];

		n += at->what == SAID_LIVE && at->value == value && at->system_time < s2 &&
		     event_until(h, i) > s1 && event_until(h, i) > at->system_time;
	}
	return n;
}

int64_t model_until(const struct model *m, size_t key, int64_t s, int v)
{
	const struct history *h = &m->points[key][v];

	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].system_time > s && (!m->repeated || h->at[i].what != SAID_LIVE))
			return h->at[i].system_time;
	return INT64_MAX;
}

/* Of what one commit says of a point the last is stored; of events, all that it does not delete. */
static bool point_ever_above(const struct model *m, const struct history *h, int64_t above)
{
	const struct saying *later = NULL;

	for (size_t i = h->n; i-- > 0;) {
		const struct saying *s = &h->at[i];
		bool hidden = later && later->system_time == s->system_time &&
		              (!m->repeated || later->what == SAID_DELETED);

		if (s->what == SAID_ERASED)
			return false;
		if (s->what == SAID_LIVE && s->value > above && !hidden)
			return true;
		if (!m->repeated || s->what == SAID_DELETED)
			later = s;
	}
	return false;
}

bool model_ever_above(const struct model *m, size_t key, int64_t above)
{
	for (int v = 0; v < V_POINTS; v++)
		if (point_ever_above(m, &m->points[key][v], above))
			return true;
	return false;
}

size_t model_told(const struct model *m, size_t key, int v, struct saying *out)
{
	const struct history *h = &m->points[key][v];
	size_t n = 0;

	for (size_t i = h->n; i-- > 0 && n < SAYINGS_MAX;) {
		/* An erasure stays under what its own commit put later. */
		if (n && out[n - 1].system_time == h->at[i].system_time &&
		    h->at[i].what != SAID_ERASED)
			continue;
		out[n++] = h->at[i];
		if (h->at[i].what == SAID_ERASED)
			break;
	}
	return n;
}

/* The last of a commit counts; where it ended by the horizon, all that was said until then goes. */
static void expire(struct history *h, int64_t horizon)
{
	size_t keep = 0, first = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].system_time <= horizon)
			first = i;
	for (size_t i = 0; i < h->n; i++)
		if (i >= first || h->at[i].what == SAID_ERASED)
			h->at[keep++] = h->at[i];
	h->n = keep;
}

static void expire_events(struct history *h, int64_t horizon)
{
	size_t keep = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].what != SAID_LIVE || event_until(h, i) > horizon)
			h->at[keep++] = h->at[i];
	h->n = keep;
}

void model_expire(struct model *m, int64_t horizon)
{
	for (size_t key = 0; key < m->n_keys; key++)
		for (int v = 0; v < V_POINTS; v++)
			if (m->repeated)
				expire_events(&m->points[key][v], horizon);
			else
				expire(&m->points[key][v], horizon);
}
