#include "engine/time/derive.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The oracle is the rule itself, point by point, over a domain so small that collisions are the
 * rule: valid time 0 .. V_MAX, system times 1 .. S_MAX. */
#define V_MAX 12
#define S_MAX 30
#define N_MAX 14

static uint64_t state;

static uint32_t draw(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

struct history {
	struct version versions[N_MAX];
	size_t n;
	bool repeated;
};

static bool overlap(const struct version *a, const struct version *b)
{
	return a->valid_from < b->valid_until && b->valid_from < a->valid_until;
}

/* Rows of one commit are disjoint, as the write path makes them; those of repeated arrays need not
 * be. */
static bool fits(const struct history *h, const struct version *v)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->versions[i].system_from == v->system_from &&
		    (v->kind == ROW_ERASED || h->versions[i].kind == ROW_ERASED ||
		     (overlap(&h->versions[i], v) && (h->versions[i].claims || v->claims))))
			return false;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	if (x->system_from != y->system_from)
		return x->system_from > y->system_from ? -1 : 1;
	return (x->valid_from > y->valid_from) - (x->valid_from < y->valid_from);
}

static void draw_history(struct history *h, bool repeated, bool erase)
{
	size_t want = 1 + draw(N_MAX);

	memset(h, 0, sizeof *h);
	h->repeated = repeated;
	for (size_t tries = 0; h->n < want && tries < 100; tries++) {
		struct version v = { .system_from = 1 + draw(S_MAX),
			             .superseded_at = INT64_MAX,
			             .target = true };
		uint32_t kind = draw(10);

		v.valid_from = draw(4) ? (int64_t)draw(V_MAX) : INT64_MIN;
		v.valid_until = draw(3) ? (v.valid_from == INT64_MIN ? 0 : v.valid_from) + 1 +
		                                  (int64_t)draw(V_MAX)
		                        : INT64_MAX;
		v.kind = kind < 7 ? ROW_LIVE : kind < 9 || !erase ? ROW_TOMBSTONE : ROW_ERASED;
		if (v.kind == ROW_ERASED) {
			v.valid_from = INT64_MIN;
			v.valid_until = INT64_MAX;
		}
		v.claims = !repeated || v.kind != ROW_LIVE;
		if (fits(h, &v))
			h->versions[h->n++] = v;
	}
	qsort(h->versions, h->n, sizeof *h->versions, newest_first);
}

/* DESIGN 3.1 word for word, for arrays whose rows claim. Returns the index, -1: not found. */
static int64_t oracle(const struct history *h, int64_t s, int64_t v)
{
	int64_t best = -1, erased = -1;

	for (size_t i = 0; i < h->n; i++)
		if (h->versions[i].kind == ROW_ERASED &&
		    (erased < 0 || h->versions[i].system_from > h->versions[erased].system_from))
			erased = (int64_t)i;
	for (size_t i = 0; i < h->n; i++) {
		const struct version *r = &h->versions[i];

		if (r->kind == ROW_ERASED ||
		    (erased >= 0 && r->system_from < h->versions[erased].system_from))
			continue;
		if (r->system_from <= s && r->valid_from <= v && v < r->valid_until &&
		    (best < 0 || r->system_from > h->versions[best].system_from))
			best = (int64_t)i;
	}
	return best >= 0 ? best : erased;
}

static int64_t piece_at(const struct pieces *p, int64_t v)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].valid_from <= v && v < p->at[i].valid_until)
			return p->at[i].version;
	return -1;
}

Test(visibility, point_and_range_agree_with_the_rule_at_every_s_and_v) /* TIME-1 NF1 X6 X14 */
{
	struct pieces pieces;

	state = 11;
	pieces_init(&pieces, teg_allocator_default());
	for (int round = 0; round < 10000; round++) {
		struct history h;

		draw_history(&h, false, true);
		for (int64_t s = 0; s <= S_MAX + 1; s++) {
			cr_assert_eq(visible_at(h.versions, h.n, s, INT64_MIN, INT64_MAX, false,
			                        &pieces),
			             TEG_OK);
			for (int64_t v = -1; v <= 2 * V_MAX + 1; v++) {
				int64_t want = oracle(&h, s, v);

				cr_assert_eq(piece_at(&pieces, v), want, "round %d s %ld v %ld",
				             round, (long)s, (long)v);
				cr_assert_eq(visible_point(h.versions, h.n, s, v), want,
				             "point, round %d", round);
			}
			for (size_t i = 1; i < pieces.n; i++) {
				const struct piece *a = &pieces.at[i - 1], *b = &pieces.at[i];

				cr_assert(a->valid_until <= b->valid_from,
				          "pieces are ascending and disjoint");
				cr_assert(a->valid_until < b->valid_from ||
				                  a->version != b->version,
				          "pieces are maximal");
			}
		}
	}
	pieces_release(&pieces);
}

Test(visibility, a_window_clips_and_splitting_it_changes_nothing)
{
	struct pieces whole, part;

	state = 12;
	pieces_init(&whole, teg_allocator_default());
	pieces_init(&part, teg_allocator_default());
	for (int round = 0; round < 3000; round++) {
		struct history h;
		int64_t s = draw(S_MAX + 2), a = draw(V_MAX), b = a + 1 + draw(V_MAX),
			c = a + (int64_t)draw((uint32_t)(b - a));

		draw_history(&h, draw(2), true);
		cr_assert_eq(visible_at(h.versions, h.n, s, a, b, false, &whole), TEG_OK);
		for (size_t i = 0; i < whole.n; i++)
			cr_assert(whole.at[i].valid_from >= a && whole.at[i].valid_until <= b);
		for (int64_t v = a; v < b; v++) {
			size_t n_whole = 0, n_part = 0;
			bool left = v < c;

			cr_assert_eq(visible_at(h.versions, h.n, s, left ? a : c, left ? c : b,
			                        false, &part),
			             TEG_OK);
			for (size_t i = 0; i < whole.n; i++)
				n_whole += whole.at[i].valid_from <= v &&
				           v < whole.at[i].valid_until;
			for (size_t i = 0; i < part.n; i++)
				n_part += part.at[i].valid_from <= v && v < part.at[i].valid_until;
			cr_assert_eq(n_whole, n_part);
		}
	}
	pieces_release(&whole);
	pieces_release(&part);
}

/* Live rows of repeated arrays all answer, but for those that a later delete covers. */
Test(visibility, repeated_cells_hide_nothing_and_deletes_hide_strictly_older_rows) /* B15 */
{
	struct pieces pieces;

	state = 13;
	pieces_init(&pieces, teg_allocator_default());
	for (int round = 0; round < 3000; round++) {
		struct history h;
		int64_t s = draw(S_MAX + 2), v = draw(V_MAX);

		draw_history(&h, true, false);
		cr_assert_eq(visible_at(h.versions, h.n, s, v, v + 1, false, &pieces), TEG_OK);
		for (size_t i = 0; i < h.n; i++) {
			const struct version *r = &h.versions[i];
			bool want = r->kind == ROW_LIVE && r->system_from <= s &&
			            r->valid_from <= v && v < r->valid_until,
			     got = false;

			for (size_t k = 0; k < h.n; k++)
				if (h.versions[k].kind == ROW_TOMBSTONE &&
				    h.versions[k].system_from <= s &&
				    h.versions[k].system_from > r->system_from &&
				    h.versions[k].valid_from <= v && v < h.versions[k].valid_until)
					want = false;
			for (size_t k = 0; k < pieces.n; k++)
				got |= pieces.at[k].version == i;
			if (r->kind == ROW_LIVE)
				cr_assert_eq(got, want, "round %d row %zu", round, i);
		}
	}
	pieces_release(&pieces);
}

Test(visibility, system_until_is_the_first_time_the_piece_is_no_longer_whole)
{
	struct pieces now, later;

	state = 14;
	pieces_init(&now, teg_allocator_default());
	pieces_init(&later, teg_allocator_default());
	for (int round = 0; round < 3000; round++) {
		struct history h;
		int64_t s = 1 + draw(S_MAX);

		draw_history(&h, false, false);
		cr_assert_eq(visible_at(h.versions, h.n, s, INT64_MIN, INT64_MAX, true, &now),
		             TEG_OK);
		for (size_t i = 0; i < now.n; i++) {
			int64_t until = INT64_MAX;

			for (int64_t t = s + 1; t <= S_MAX && until == INT64_MAX; t++) {
				bool whole = false;

				cr_assert_eq(visible_at(h.versions, h.n, t, now.at[i].valid_from,
				                        now.at[i].valid_until, false, &later),
				             TEG_OK);
				whole = later.n == 1 && later.at[0].version == now.at[i].version &&
				        later.at[0].valid_from == now.at[i].valid_from &&
				        later.at[0].valid_until == now.at[i].valid_until;
				if (!whole)
					until = t;
			}
			cr_assert_eq(now.at[i].system_until, until, "round %d piece %zu", round, i);
		}
	}
	pieces_release(&now);
	pieces_release(&later);
}

/* The row that ended it may lie in a tile that this read has no use for. TIME-9, TIME-12 */
Test(visibility, system_until_is_no_later_than_what_a_merge_derived)
{
	const struct version versions[] = {
		{ .system_from = 19,
		  .valid_from = INT64_MIN,
		  .valid_until = INT64_MAX,
		  .superseded_at = INT64_MAX,
		  .row = UINT32_MAX,
		  .kind = ROW_TOMBSTONE,
		  .claims = true },
		{ .system_from = 2,
		  .valid_from = INT64_MIN,
		  .valid_until = INT64_MAX,
		  .superseded_at = 5,
		  .kind = ROW_LIVE,
		  .claims = true,
		  .target = true },
	};
	struct pieces now;

	pieces_init(&now, teg_allocator_default());
	cr_assert_eq(visible_at(versions, 2, 4, INT64_MIN, INT64_MAX, true, &now), TEG_OK);
	cr_assert_eq(now.n, 1);
	cr_assert_eq(now.at[0].system_until, 5);
	pieces_release(&now);
}

Test(visibility, derived_values_are_when_the_last_answer_ends_and_whether_it_is_a_rectangle)
{
	struct pieces scratch;

	state = 15;
	pieces_init(&scratch, teg_allocator_default());
	for (int round = 0; round < 3000; round++) {
		struct history h;
		int64_t superseded[N_MAX];
		uint8_t exact[N_MAX];

		draw_history(&h, false, false);
		cr_assert_eq(derive_superseded(h.versions, h.n, &scratch, superseded, exact),
		             TEG_OK);
		for (size_t i = 0; i < h.n; i++) {
			const struct version *r = &h.versions[i];
			int64_t last = INT64_MIN;

			for (int64_t v = -1; v <= 2 * V_MAX + 1; v++)
				for (int64_t s = r->system_from; s <= S_MAX + 1; s++)
					if (oracle(&h, s, v) == (int64_t)i && s > last)
						last = s;
			if (last > S_MAX)
				cr_assert_eq(superseded[i], INT64_MAX, "round %d row %zu", round,
				             i);
			else
				cr_assert_eq(superseded[i], last + 1, "round %d row %zu", round, i);
			for (int64_t v = -1; exact[i] && v <= 2 * V_MAX + 1; v++)
				for (int64_t s = 0; s <= S_MAX + 1; s++)
					cr_assert_eq(oracle(&h, s, v) == (int64_t)i,
					             s >= r->system_from && s < superseded[i] &&
					                     v >= r->valid_from &&
					                     v < r->valid_until,
					             "an exact row is filtered, round %d row %zu",
					             round, i);
		}
		/* Rows that answer nothing at S may be left out at S and after: the stored value is safe. */
		for (size_t i = 0; i < h.n; i++)
			h.versions[i].superseded_at = superseded[i];
		for (int64_t s = 0; s <= S_MAX; s++) {
			cr_assert_eq(visible_at(h.versions, h.n, s, INT64_MIN, INT64_MAX, false,
			                        &scratch),
			             TEG_OK);
			for (int64_t v = -1; v <= 2 * V_MAX + 1; v++)
				cr_assert_eq(piece_at(&scratch, v), oracle(&h, s, v));
		}
	}
	pieces_release(&scratch);
}
