#include "engine/time/visibility.h"
#include "codec/base/sort.h"
#include "engine/time/spans.h"

void pieces_init(struct pieces *pieces, const teg_allocator *alloc)
{
	*pieces = (struct pieces){ .alloc = alloc };
}

void pieces_release(struct pieces *pieces)
{
	mem_free(pieces->alloc, pieces->at, pieces->cap * sizeof *pieces->at);
	mem_free(pieces->alloc, pieces->leaves, pieces->leaves_cap * sizeof *pieces->leaves);
	mem_free(pieces->alloc, pieces->order, pieces->order_cap * sizeof *pieces->order);
	pieces_init(pieces, pieces->alloc);
}

/* ---- the rules ---- */

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

/* Most versions that were not superseded have one piece: of a long history room is made at once. */
static bool reserve_pieces(struct pieces *out, const struct version *versions, size_t n, int64_t s)
{
	void *block = out->at;
	size_t need = 0;
	bool grown;

	for (size_t i = 0; i < n; i++)
		need += versions[i].superseded_at > s;
	grown = mem_grow(out->alloc, &block, &out->cap, need, sizeof *out->at);
	out->at = block;
	return grown;
}

/* All of them are of one version. */
static bool add_spans(const struct spans *spans, size_t version, struct pieces *out)
{
	struct span_place at = { 0, 0 };
	const struct span_of_time *span;

	while ((span = spans_next(spans, &at)))
		if (!add_piece(out, version, span->from, span->until))
			return false;
	return true;
}

/* What `versions[i]` has of the free time, as pieces. */
static bool take_free(const struct spans *free_time, const struct version *versions, size_t i,
                      struct pieces *out)
{
	const struct version *v = &versions[i];
	struct span_place at = spans_after(free_time, v->valid_from);
	const struct span_of_time *f;

	while ((f = spans_next(free_time, &at)) && f->from < v->valid_until)
		if (!add_piece(out, i, max64(f->from, v->valid_from),
		               min64(f->until, v->valid_until)))
			return false;
	return true;
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

static bool later(const void *ctx, const void *a, const void *b)
{
	(void)ctx;
	return ((const struct piece *)a)->valid_from > ((const struct piece *)b)->valid_from;
}

/* Within a commit, live rows that do not claim come before its claims. */
static bool older(const void *ctx, const void *a, const void *b)
{
	(void)ctx;
	return ((const struct piece *)a)->version > ((const struct piece *)b)->version;
}

/* The leaves are free by now. */
static teg_status sort_pieces(struct pieces *out, sort_swapped *swapped)
{
	size_t need = out->n * sizeof *out->at / sizeof *out->leaves + 1;
	void *room = out->leaves;

	if (sort_easily(out->at, out->n, sizeof *out->at, swapped, NULL))
		return TEG_OK;
	if (!mem_grow(out->alloc, &room, &out->leaves_cap, need, sizeof *out->leaves))
		return TEG_NOMEM;
	out->leaves = room;
	sort_stable(out->at, room, out->n, sizeof *out->at, swapped, NULL);
	return TEG_OK;
}

/* What an erasure masks ends nothing. */
static size_t n_newer(const struct version *versions, size_t n, int64_t s)
{
	size_t newer = 0;

	while (newer < n && versions[newer].system_from > s && versions[newer].kind != ROW_ERASED)
		newer++;
	return newer;
}

/* The first newer version that claims part of a piece ends it. What a merge derived counts as well: the
 * row that ended this one need not be among the versions. */
static void fill_until(const struct spans *ceiling, const struct version *versions,
                       struct piece *piece)
{
	struct span_place at = spans_after(ceiling, piece->valid_from);
	const struct span_of_time *span;

	piece->system_until = versions[piece->version].superseded_at;
	while ((span = spans_next(ceiling, &at)) && span->from < piece->valid_until)
		piece->system_until = min64(piece->system_until, span->ceiling);
}

/* The pieces at S by version, newest first, those of one version by valid time. */
static teg_status list_at(const struct version *versions, size_t n, int64_t s, int64_t a, int64_t b,
                          struct pieces *out)
{
	size_t erasure = versions_erasure(versions, n);
	struct spans free_time = spans_in(out);
	size_t i = 0;

	out->n = 0;
	while (i < erasure && versions[i].system_from > s)
		i++;
	if (!reserve_pieces(out, versions + i, erasure - i, s) ||
	    !spans_cover(&free_time, a, b, true, 0))
		return TEG_NOMEM;
	while (i < erasure && free_time.n) { /* until all the time is claimed */
		size_t end = versions_commit(versions, i, erasure);

		if (!visit_group(&free_time, versions, i, end, s, out))
			return TEG_NOMEM;
		i = end;
	}
	if (erasure < n && versions[erasure].target && !add_spans(&free_time, erasure, out))
		return TEG_NOMEM;
	return TEG_OK;
}

teg_status visible_at(const struct version *versions, size_t n, int64_t s, int64_t a, int64_t b,
                      bool with_until, struct pieces *out)
{
	struct spans ceiling = spans_in(out);

	TEG_TRY(list_at(versions, n, s, a, b, out));
	TEG_TRY(sort_pieces(out, later));
	if (!with_until)
		return TEG_OK;
	if (!spans_lower(&ceiling, versions, 0, n_newer(versions, n, s)))
		return TEG_NOMEM;
	for (size_t p = 0; p < out->n; p++)
		fill_until(&ceiling, versions, &out->at[p]);
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

/* ---- boxes ---- */

/* When the last of a piece ends. */
static int64_t ceiling_over(const struct spans *ceiling, const struct piece *piece)
{
	struct span_place at = spans_after(ceiling, piece->valid_from);
	const struct span_of_time *span;
	int64_t until = INT64_MIN;

	while ((span = spans_next(ceiling, &at)) && span->from < piece->valid_until)
		until = max64(until, span->ceiling);
	return until;
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
	if (!add_spans(&left, i, out))
		return TEG_NOMEM;
	ceiling = spans_in(out);
	if (!spans_cover(&ceiling, INT64_MIN, INT64_MAX, true, INT64_MAX) ||
	    !spans_lower(&ceiling, versions, 0, first))
		return TEG_NOMEM;
	for (size_t k = 0; k < out->n; k++) {
		out->at[k].system_until = ceiling_over(&ceiling, &out->at[k]);
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
	struct span_place at = spans_after(ceiling, v->valid_from);
	const struct span_of_time *span;
	size_t first = out->n;

	while ((span = spans_next(ceiling, &at)) && span->from < v->valid_until) {
		struct piece piece = { .version = (uint32_t)i,
			               .valid_from = max64(v->valid_from, range->a),
			               .valid_until = min64(v->valid_until, range->b) };

		piece.valid_from = max64(piece.valid_from, span->from);
		piece.valid_until = min64(piece.valid_until, span->until);
		piece.system_until = min64(span->ceiling, v->superseded_at);
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
	return spans_lower(ceiling, versions, i, end);
}

teg_status visible_between(const struct version *versions, size_t n, int64_t s_from, int64_t s_to,
                           int64_t a, int64_t b, struct pieces *out)
{
	const struct range range = { s_from, s_to, a, b };
	size_t erasure = versions_erasure(versions, n);
	struct spans ceiling = spans_in(out);

	out->n = 0;
	if (!spans_cover(&ceiling, INT64_MIN, INT64_MAX, true, INT64_MAX))
		return TEG_NOMEM;
	for (size_t i = 0, end; i < erasure; i = end) {
		end = versions_commit(versions, i, erasure);
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

/* Answers that are gone were ended after s_from, those that are new not before s_to. */
static bool fill_changes(const struct changing *c, size_t n)
{
	struct spans ceiling = spans_in(c->out);
	size_t newer = n_newer(c->versions, n, c->s_to),
	       newest = n_newer(c->versions, n, c->s_from);

	if (!spans_lower(&ceiling, c->versions, 0, newer))
		return false;
	for (size_t p = 0; p < c->out->n; p++)
		if (c->out->at[p].change != CHANGE_DELETED)
			fill_until(&ceiling, c->versions, &c->out->at[p]);
	if (!spans_lower(&ceiling, c->versions, newer, newest))
		return false;
	for (size_t p = 0; p < c->out->n; p++)
		if (c->out->at[p].change == CHANGE_DELETED)
			fill_until(&ceiling, c->versions, &c->out->at[p]);
	return true;
}

teg_status visible_changes(const struct version *versions, size_t n, int64_t s_from, int64_t s_to,
                           int64_t a, int64_t b, struct pieces *before, struct pieces *after,
                           struct pieces *out)
{
	struct changing c = { .versions = versions, .s_from = s_from, .s_to = s_to, .out = out };
	bool walked;

	out->n = 0;
	for (size_t i = 0; i < n; i++)
		c.apart |= !versions[i].claims;
	TEG_TRY(list_at(versions, n, s_from, a, b, before));
	TEG_TRY(list_at(versions, n, s_to, a, b, after));
	TEG_TRY(sort_pieces(before, c.apart ? older : later));
	TEG_TRY(sort_pieces(after, c.apart ? older : later));
	if (c.apart)
		walked = walk_each(&c, before, after);
	else
		walked = walk_changes(&c, (struct lane){ before->at, before->at + before->n },
		                      (struct lane){ after->at, after->at + after->n });
	return walked && fill_changes(&c, n) ? TEG_OK : TEG_NOMEM;
}
