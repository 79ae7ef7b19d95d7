#include "engine/time/visibility.h"
#include "engine/time/spans.h"
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
	out->at[out->n++] = (struct piece){ (uint32_t)version, from, until, INT64_MAX, 0 };
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

/* What an erasure masks ends nothing. */
static size_t n_newer(const struct version *versions, size_t n, int64_t s)
{
	size_t newer = 0;

	while (newer < n && versions[newer].system_from > s && versions[newer].kind != ROW_ERASED)
		newer++;
	return newer;
}

/* Of the `newer` versions after S the first, oldest first, that claims part of a piece ends it. */
static void fill_until(const struct version *versions, size_t newer, struct piece *piece)
{
	for (size_t i = newer; i-- > 0;) {
		if (versions[i].claims && versions[i].valid_from < piece->valid_until &&
		    versions[i].valid_until > piece->valid_from) {
			piece->system_until = versions[i].system_from;
			break;
		}
	}
}

/* The pieces at S by version, newest first, those of one version by valid time. */
static teg_status list_at(const struct version *versions, size_t n, int64_t s, int64_t a, int64_t b,
                          struct pieces *out)
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
	return TEG_OK;
}

teg_status visible_at(const struct version *versions, size_t n, int64_t s, int64_t a, int64_t b,
                      bool with_until, struct pieces *out)
{
	size_t newer = n_newer(versions, n, s);

	TEG_TRY(list_at(versions, n, s, a, b, out));
	sort_pieces(out);
	for (size_t p = 0; with_until && p < out->n; p++)
		fill_until(versions, newer, &out->at[p]);
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

teg_status left_of_box(const struct version *versions, size_t i, struct pieces *out)
{
	struct spans left = spans_in(out), ceiling;
	size_t first = i; /* of its commit */

	out->n = 0;
	if (!spans_cover(&left, versions[i].valid_from, versions[i].valid_until, true, 0))
		return TEG_NOMEM;
	for (; first && versions[first - 1].system_from == versions[i].system_from; first--)
		if (versions[first - 1].claims &&
		    !spans_cover(&left, versions[first - 1].valid_from,
		                 versions[first - 1].valid_until, false, 0))
			return TEG_NOMEM;
	for (size_t k = 0; k < left.n; k++)
		if (!add_piece(out, i, left.at[k].from, left.at[k].until))
			return TEG_NOMEM;
	ceiling = spans_in(out);
	if (!spans_cover(&ceiling, INT64_MIN, INT64_MAX, true, INT64_MAX))
		return TEG_NOMEM;
	for (size_t k = 0; k < first; k++)
		if (versions[k].claims &&
		    !spans_cover(&ceiling, versions[k].valid_from, versions[k].valid_until, true,
		                 versions[k].system_from))
			return TEG_NOMEM;
	for (size_t k = 0; k < out->n; k++) {
		struct version piece = { .valid_from = out->at[k].valid_from,
			                 .valid_until = out->at[k].valid_until,
			                 .superseded_at = INT64_MAX };

		out->at[k].system_until = derive_one(&ceiling, &piece).superseded;
	}
	return TEG_OK;
}

/* ---- ranges of system time ---- */

/* A piece that goes on where the last one of its version stops is one with it. */
static bool add_rectangle(struct pieces *out, size_t first, struct piece piece)
{
	struct piece *last = out->n > first ? &out->at[out->n - 1] : NULL;

	if (last && last->version == piece.version && last->change == piece.change &&
	    last->valid_until == piece.valid_from && last->system_until == piece.system_until) {
		last->valid_until = piece.valid_until;
		return true;
	}
	if (!add_piece(out, piece.version, piece.valid_from, piece.valid_until))
		return false;
	out->at[out->n - 1] = piece;
	return true;
}

struct range {
	int64_t s_from, s_to, a, b;
};

static bool add_rectangles(const struct spans *ceiling, const struct version *versions, size_t i,
                           const struct range *range, struct pieces *out)
{
	const struct version *v = &versions[i];
	size_t first = out->n;

	for (size_t k = spans_after(ceiling, v->valid_from); k < ceiling->n; k++) {
		struct piece piece = { .version = (uint32_t)i,
			               .valid_from = max64(v->valid_from, range->a),
			               .valid_until = min64(v->valid_until, range->b) };

		if (ceiling->at[k].from >= v->valid_until)
			break;
		piece.valid_from = max64(piece.valid_from, ceiling->at[k].from);
		piece.valid_until = min64(piece.valid_until, ceiling->at[k].until);
		piece.system_until = min64(ceiling->at[k].ceiling, v->superseded_at);
		if (piece.valid_from < piece.valid_until && piece.system_until > range->s_from &&
		    !add_rectangle(out, first, piece))
			return false;
	}
	return true;
}

static bool range_group(struct spans *ceiling, const struct version *versions, size_t i, size_t end,
                        const struct range *range, struct pieces *out)
{
	for (size_t k = i; k < end; k++)
		if (versions[k].target && versions[k].system_from <= range->s_to &&
		    !add_rectangles(ceiling, versions, k, range, out))
			return false;
	for (size_t k = i; k < end; k++)
		if (versions[k].claims &&
		    !spans_cover(ceiling, versions[k].valid_from, versions[k].valid_until, true,
		                 versions[k].system_from))
			return false;
	return true;
}

teg_status visible_between(const struct version *versions, size_t n, int64_t s_from, int64_t s_to,
                           int64_t a, int64_t b, struct pieces *out)
{
	const struct range range = { s_from, s_to, a, b };
	size_t erasure = newest_erasure(versions, n);
	struct spans ceiling = spans_in(out);

	out->n = 0;
	if (!spans_cover(&ceiling, INT64_MIN, INT64_MAX, true, INT64_MAX))
		return TEG_NOMEM;
	for (size_t i = 0, end; i < erasure; i = end) {
		end = group_end(versions, i, erasure);
		if (!range_group(&ceiling, versions, i, end, &range, out))
			return TEG_NOMEM;
	}
	/* The newest erasure answers at every system time. */
	if (erasure < n && versions[erasure].target &&
	    !add_rectangles(&ceiling, versions, erasure, &range, out))
		return TEG_NOMEM;
	return TEG_OK;
}

/* ---- changes ---- */

struct changing {
	const struct version *versions;
	bool apart; /* live rows that do not claim: each changes by itself */
	int64_t s_from, s_to;
	struct pieces *out;
	size_t first; /* pieces from there on may be joined */
};

static const struct version *live_of(const struct changing *c, const struct piece *piece)
{
	const struct version *v = piece ? &c->versions[piece->version] : NULL;

	return v && v->kind == ROW_LIVE ? v : NULL;
}

/* What `then` became: `now`, over [from, until). */
static bool add_change(struct changing *c, const struct piece *then, const struct piece *now,
                       int64_t from, int64_t until)
{
	const struct version *was = live_of(c, then), *is = live_of(c, now);
	struct piece piece = { 0, from, until, INT64_MAX, CHANGE_NONE };

	if (is && is != was) {
		piece.version = now->version;
		piece.change = was ? CHANGE_CHANGED : CHANGE_ADDED;
	} else if (was && !is) {
		piece.version = then->version;
		piece.change = CHANGE_DELETED;
	} else if (now && c->versions[now->version].kind == ROW_ERASED &&
	           c->versions[now->version].system_from > c->s_from &&
	           c->versions[now->version].system_from <= c->s_to) {
		piece.version = now->version;
		piece.change = CHANGE_ERASED;
	}
	return piece.change == CHANGE_NONE || add_rectangle(c->out, c->first, piece);
}

/* Pieces of one S that do not meet each other, by valid time. */
struct lane {
	const struct piece *at, *end;
};

static const struct piece *piece_at(struct lane *lane, int64_t t)
{
	while (lane->at < lane->end && lane->at->valid_until <= t)
		lane->at++;
	return lane->at < lane->end && lane->at->valid_from <= t ? lane->at : NULL;
}

/* Where the answer at t may end, at the earliest. */
static int64_t next_edge(const struct lane *lane, int64_t t)
{
	if (lane->at == lane->end)
		return INT64_MAX;
	return lane->at->valid_from > t ? lane->at->valid_from : lane->at->valid_until;
}

static bool walk_changes(struct changing *c, struct lane then, struct lane now)
{
	int64_t t = min64(then.at < then.end ? then.at->valid_from : INT64_MAX,
	                  now.at < now.end ? now.at->valid_from : INT64_MAX);

	c->first = c->out->n;
	while (then.at < then.end || now.at < now.end) {
		const struct piece *p = piece_at(&then, t), *q = piece_at(&now, t);
		int64_t until = min64(next_edge(&then, t), next_edge(&now, t));

		if ((p || q) && !add_change(c, p, q, t, until))
			return false;
		if (until == INT64_MAX)
			break;
		t = until;
	}
	return true;
}

/* The pieces of one version, which lie together. */
static struct lane take_lane(const struct pieces *pieces, size_t *at, uint32_t version)
{
	struct lane lane = { pieces->at + *at, NULL };

	while (*at < pieces->n && pieces->at[*at].version == version)
		++*at;
	lane.end = pieces->at + *at;
	return lane;
}

static int by_version(const struct pieces *then, size_t i, const struct pieces *now, size_t k)
{
	if (i == then->n || k == now->n)
		return i < then->n ? -1 : 1;
	return (then->at[i].version > now->at[k].version) -
	       (then->at[i].version < now->at[k].version);
}

static bool walk_each(struct changing *c, const struct pieces *then, const struct pieces *now)
{
	size_t i = 0, k = 0;

	while (i < then->n || k < now->n) {
		uint32_t version = by_version(then, i, now, k) <= 0 ? then->at[i].version
		                                                    : now->at[k].version;
		struct lane before = take_lane(then, &i, version),
			    after = take_lane(now, &k, version);

		if (!walk_changes(c, before, after))
			return false;
	}
	return true;
}

/* Within a commit, live rows that do not claim come before its claims. */
static void sort_by_version(struct pieces *pieces)
{
	for (size_t i = 1; i < pieces->n; i++) {
		struct piece p = pieces->at[i];
		size_t k = i;

		for (; k && pieces->at[k - 1].version > p.version; k--)
			pieces->at[k] = pieces->at[k - 1];
		pieces->at[k] = p;
	}
}

teg_status visible_changes(const struct version *versions, size_t n, int64_t s_from, int64_t s_to,
                           int64_t a, int64_t b, struct pieces *before, struct pieces *after,
                           struct pieces *out)
{
	struct changing c = { .versions = versions, .s_from = s_from, .s_to = s_to, .out = out };
	size_t newer = n_newer(versions, n, s_to), newest = n_newer(versions, n, s_from);

	out->n = 0;
	for (size_t i = 0; i < n; i++)
		c.apart |= !versions[i].claims;
	TEG_TRY(list_at(versions, n, s_from, a, b, before));
	TEG_TRY(list_at(versions, n, s_to, a, b, after));
	if (c.apart) {
		sort_by_version(before);
		sort_by_version(after);
		if (!walk_each(&c, before, after))
			return TEG_NOMEM;
	} else {
		sort_pieces(before);
		sort_pieces(after);
		if (!walk_changes(&c, (struct lane){ before->at, before->at + before->n },
		                  (struct lane){ after->at, after->at + after->n }))
			return TEG_NOMEM;
	}
	for (size_t p = 0; p < out->n; p++)
		fill_until(versions, out->at[p].change == CHANGE_DELETED ? newest : newer,
		           &out->at[p]);
	return TEG_OK;
}
