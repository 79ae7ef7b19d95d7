#include "engine/time/known.h"

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool holds_at(const struct version *v, int64_t s)
{
	return kind_erases(v->kind) || (v->system_from <= s && v->superseded_at > s);
}

static bool covers(const struct version *v, int64_t time)
{
	return kind_erases(v->kind) || (v->valid_from <= time && time < v->valid_until);
}

/* Of several of one commit the one that wins is not looked for: its piece lies within theirs. */
static inline void win(struct known *known, const struct version *v)
{
	bool newer = !known->found || v->system_from > known->system_from;
	bool erases = kind_erases(v->kind);
	int64_t from = erases ? INT64_MIN : v->valid_from;
	int64_t until = erases ? INT64_MAX : v->valid_until;

	if ((known->found && v->system_from < known->system_from) || !holds_at(v, known->asked.s) ||
	    !covers(v, known->asked.v))
		return;
	known->found = true;
	known->system_from = v->system_from;
	known->valid_from = newer ? from : min64(known->valid_from, from);
	known->valid_until = newer ? until : max64(known->valid_until, until);
	known->system_until = newer ? v->superseded_at
	                            : max64(known->system_until, v->superseded_at);
}

/* None of those that are newer than the winner covers V: each lies on one side of it. */
static inline void cut(struct known *known, const struct version *v)
{
	if (v->system_from <= known->system_from || !holds_at(v, known->asked.s))
		return;
	if (v->valid_from > known->asked.v)
		known->valid_until = min64(known->valid_until, v->valid_from);
	else
		known->valid_from = max64(known->valid_from, v->valid_until);
}

static inline void end(struct known *known, const struct version *v)
{
	if (v->system_from > known->asked.s && v->system_from > known->system_from &&
	    v->valid_from < known->valid_until && v->valid_until > known->valid_from)
		known->system_until = min64(known->system_until, v->system_from);
}

static inline struct version row_of(const struct known_rows *rows, uint32_t i)
{
	return (struct version){ .system_from = rows->system_from[i],
		                 .superseded_at = rows->superseded_at[i],
		                 .valid_from = rows->valid_from ? rows->valid_from[i] : INT64_MIN,
		                 .valid_until = rows->valid_until ? rows->valid_until[i]
		                                                  : INT64_MAX,
		                 .kind = rows->kind[i] };
}

/* A history may be long: each round is a loop of its own over its columns. */
#define EACH(step)                                          \
	do {                                                \
		for (size_t i = 0; i < n_boxes; i++)        \
			step(&known, &boxes[i]);            \
		for (uint32_t i = 0; i < rows->n; i++) {    \
			struct version v = row_of(rows, i); \
                                                            \
			step(&known, &v);                   \
		}                                           \
	} while (0)

struct known known_of(const struct point_asked *asked, const struct version *boxes, size_t n_boxes,
                      const struct known_rows *rows)
{
	struct known known = { .asked = *asked,
		               .system_from = INT64_MIN,
		               .system_until = INT64_MAX };

	EACH(win);
	if (known.found && asked->whole) {
		EACH(cut);
	} else {
		known.valid_from = asked->v;
		known.valid_until = asked->v + 1;
	}
	if (known.found && asked->until)
		EACH(end);
	return known;
}

/* What cuts the piece touches it, and what ends it has the time of its end. */
static inline bool keeps(const struct known *known, const struct version *v)
{
	if (kind_erases(v->kind))
		return true;
	if (v->system_from < known->system_from || v->valid_from > known->valid_until ||
	    v->valid_until < known->valid_from)
		return false;
	return v->system_from <= known->asked.s ||
	       (known->asked.until && known->found && v->system_from <= known->system_until);
}

uint32_t known_choose(const struct known *known, const struct known_rows *rows, uint32_t *at_out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rows->n; i++) {
		struct version v = row_of(rows, i);

		if (keeps(known, &v))
			at_out[n++] = i;
	}
	return n;
}

bool known_needs(const struct known *known, const struct unread *unread)
{
	int64_t s = known->asked.s;

	if (unread->erases)
		return true;
	if (unread->valid_from_min >= known->valid_until ||
	    unread->valid_until_max <= known->valid_from)
		return false;
	if (unread->system_from_min <= s && unread->system_from_max >= known->system_from)
		return true;
	return known->asked.until && known->found && unread->system_from_max > s &&
	       unread->system_from_min < known->system_until;
}

/* Of valid time between V and the nearest of them. */
static uint64_t distance(const struct known *known, const struct unread *unread)
{
	int64_t v = known->asked.v;

	if (unread->valid_from_min > v)
		return (uint64_t)unread->valid_from_min - (uint64_t)v;
	return unread->valid_until_max <= v ? (uint64_t)v - (uint64_t)unread->valid_until_max : 0;
}

/* First who wins, newest first; then the piece, from V outwards; then when it ends, oldest first. */
bool known_prefers(const struct known *known, const struct unread *a, const struct unread *b)
{
	bool later_a = a->system_from_min > known->asked.s,
	     later_b = b->system_from_min > known->asked.s;
	uint64_t far_a = distance(known, a), far_b = distance(known, b);

	if (later_a != later_b)
		return later_b;
	if (later_a)
		return a->system_from_min < b->system_from_min;
	if (far_a != far_b)
		return far_a < far_b;
	return a->system_from_max > b->system_from_max;
}
