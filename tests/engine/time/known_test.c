/* What some versions tell of one V, against all of them: histories so small that collisions are the
 * rule, in blocks of which one after the other is looked at as long as it is needed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "engine/time/derive.h"
#include "engine/time/known.h"
#include "tests/support/rng.h"

#define V_MAX 12
#define S_MAX 30
#define N_MAX 14
#define BLOCKS 5
#define LONG 4000 /* versions of the longest history */

struct history {
	struct version versions[N_MAX]; /* newest first */
	size_t n;
	uint32_t block[N_MAX];
	uint32_t n_needed; /* blocks of the last question */
};

/* Rows of one commit are disjoint, and an erasure stands alone in its. */
static bool fits(const struct history *h, const struct version *v)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct version *o = &h->versions[i];

		if (o->system_from == v->system_from &&
		    (v->kind == ROW_ERASED || o->kind == ROW_ERASED ||
		     (o->valid_from < v->valid_until && v->valid_from < o->valid_until)))
			return false;
	}
	return true;
}

static struct version draw_version(struct rng *rng, bool erase)
{
	struct version v = { .system_from = 1 + (int64_t)rng_below(rng, S_MAX),
		             .superseded_at = INT64_MAX,
		             .claims = true,
		             .target = true };
	uint64_t kind = rng_below(rng, 12);

	v.valid_from = rng_below(rng, 4) ? (int64_t)rng_below(rng, V_MAX) : INT64_MIN;
	v.valid_until = v.valid_from == INT64_MIN ? 1 : v.valid_from + 1;
	v.valid_until += (int64_t)rng_below(rng, V_MAX);
	if (rng_below(rng, 3) == 0)
		v.valid_until = INT64_MAX;
	v.kind = kind < 9 ? ROW_LIVE : kind < 11 || !erase ? ROW_TOMBSTONE : ROW_ERASED;
	if (v.kind == ROW_ERASED) {
		v.valid_from = INT64_MIN;
		v.valid_until = INT64_MAX;
	}
	return v;
}

static int newest_first(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	if (x->system_from != y->system_from)
		return x->system_from > y->system_from ? -1 : 1;
	return (x->valid_from > y->valid_from) - (x->valid_from < y->valid_from);
}

/* Blocks of neighbours, as tiles of a run are, or of any versions, as tiles of commits may be. */
static void draw_history(struct rng *rng, struct history *h)
{
	size_t want = 1 + rng_below(rng, N_MAX);
	bool erase = rng_below(rng, 2), in_order = rng_below(rng, 2);

	memset(h, 0, sizeof *h);
	for (size_t tries = 0; h->n < want && tries < 100; tries++) {
		struct version v = draw_version(rng, erase);

		if (fits(h, &v))
			h->versions[h->n++] = v;
	}
	qsort(h->versions, h->n, sizeof *h->versions, newest_first);
	for (size_t i = 0; i < h->n; i++)
		h->block[i] = in_order ? (uint32_t)(i * BLOCKS / h->n)
		                       : (uint32_t)rng_below(rng, BLOCKS);
}

/* The merge's own: later than the truth where a newer commit is not merged. */
static void derive(struct rng *rng, struct history *h, struct pieces *scratch)
{
	int64_t superseded[N_MAX];
	uint8_t exact[N_MAX];
	size_t from = rng_below(rng, h->n + 1);

	cr_assert_eq(derive_superseded(h->versions + from, h->n - from, scratch, superseded, exact),
	             TEG_OK);
	for (size_t i = from; i < h->n; i++)
		h->versions[i].superseded_at = superseded[i - from];
}

static struct unread bounds_of(const struct history *h, uint32_t block)
{
	struct unread u = { INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, false };

	for (size_t i = 0; i < h->n; i++) {
		const struct version *v = &h->versions[i];

		if (h->block[i] != block)
			continue;
		u.system_from_min = v->system_from < u.system_from_min ? v->system_from
		                                                       : u.system_from_min;
		u.system_from_max = v->system_from > u.system_from_max ? v->system_from
		                                                       : u.system_from_max;
		u.valid_from_min = v->valid_from < u.valid_from_min ? v->valid_from
		                                                    : u.valid_from_min;
		u.valid_until_max = v->valid_until > u.valid_until_max ? v->valid_until
		                                                       : u.valid_until_max;
		u.erases |= v->kind == ROW_ERASED;
	}
	return u;
}

static size_t versions_of(const struct history *h, uint32_t blocks, struct version *out)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		if (blocks & 1u << h->block[i]) {
			out[n] = h->versions[i];
			out[n++].row = (uint32_t)i;
		}
	return n;
}

static uint32_t next_block(const struct history *h, const struct known *known, uint32_t read)
{
	uint32_t best = BLOCKS;
	struct unread best_bounds;

	for (uint32_t b = 0; b < BLOCKS; b++) {
		struct unread bounds = bounds_of(h, b);

		if (read & 1u << b || bounds.system_from_min == INT64_MAX ||
		    !known_needs(known, &bounds) ||
		    (best < BLOCKS && !known_prefers(known, &bounds, &best_bounds)))
			continue;
		best = b;
		best_bounds = bounds;
	}
	return best;
}

struct columns {
	int64_t system_from[LONG], superseded_at[LONG], valid_from[LONG], valid_until[LONG];
	uint8_t kind[LONG];
};

/* As rows of tiles are known. */
static struct known_rows columns_of(const struct version *versions, size_t n)
{
	static struct columns c;

	for (size_t i = 0; i < n; i++) {
		c.system_from[i] = versions[i].system_from;
		c.superseded_at[i] = versions[i].superseded_at;
		c.valid_from[i] = versions[i].valid_from;
		c.valid_until[i] = versions[i].valid_until;
		c.kind[i] = versions[i].kind;
	}
	return (struct known_rows){ (uint32_t)n,  c.system_from, c.superseded_at,
		                    c.valid_from, c.valid_until, c.kind };
}

static size_t drop_useless(const struct known *known, struct version *versions, size_t n)
{
	struct known_rows rows = columns_of(versions, n);
	uint32_t at[N_MAX], kept = known_choose(known, &rows, at);

	for (uint32_t i = 0; i < kept; i++)
		versions[i] = versions[at[i]];
	return kept;
}

/* The versions that a reader looks at before it stops, and resolves. */
static size_t read_point(struct history *h, const struct point_asked *asked, struct version *out)
{
	uint32_t read = 0, block = 0;
	struct known_rows rows;
	struct known known;

	h->n_needed = 0;
	do {
		size_t n = versions_of(h, read, out);

		/* Any order will do. */
		for (size_t i = 0; i + 1 < n && h->n % 2; i += 2) {
			struct version v = out[i];

			out[i] = out[i + 1];
			out[i + 1] = v;
		}
		rows = columns_of(out + n / 3, n - n / 3);
		known = known_of(asked, out, n / 3, &rows);
		block = next_block(h, &known, read);
		if (block < BLOCKS)
			read |= 1u << block;
		h->n_needed += block < BLOCKS;
	} while (block < BLOCKS);
	return drop_useless(&known, out, versions_of(h, read, out));
}

static struct piece piece_of(const struct version *versions, size_t n,
                             const struct point_asked *asked, struct pieces *pieces)
{
	int64_t a = asked->whole ? INT64_MIN : asked->v,
		b = asked->whole ? INT64_MAX : asked->v + 1;

	cr_assert_eq(visible_at(versions, n, asked->s, a, b, asked->until, pieces), TEG_OK);
	for (size_t p = 0; p < pieces->n; p++)
		if (pieces->at[p].valid_from <= asked->v && asked->v < pieces->at[p].valid_until) {
			struct piece piece = pieces->at[p];

			piece.version = versions[piece.version].row;
			return piece;
		}
	return (struct piece){ UINT32_MAX, 0, 0, 0, 0 };
}

static void check(struct history *h, const struct point_asked *asked, struct pieces *pieces,
                  uint64_t seed)
{
	struct version all[N_MAX], some[N_MAX];
	struct piece want, got;

	want = piece_of(all, versions_of(h, UINT32_MAX, all), asked, pieces);
	got = piece_of(some, read_point(h, asked, some), asked, pieces);
	cr_assert(want.version == got.version && want.valid_from == got.valid_from &&
	                  want.valid_until == got.valid_until &&
	                  want.system_until == got.system_until,
	          "seed %lu, S %ld, V %ld, whole %d, until %d: version %u, not %u; [%ld, %ld) to "
	          "%ld, not [%ld, %ld) to %ld",
	          seed, asked->s, asked->v, asked->whole, asked->until, got.version, want.version,
	          got.valid_from, got.valid_until, got.system_until, want.valid_from,
	          want.valid_until, want.system_until);
}

/* TIME-1, TIME-6, 3.3: whatever is asked for besides the winner */
Test(known, what_is_read_gives_what_everything_gives)
{
	uint64_t n_asked = 0, n_needed = 0;
	struct pieces pieces;

	pieces_init(&pieces, teg_allocator_default());
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct rng rng = { seed };
		struct history h;

		draw_history(&rng, &h);
		if (rng_below(&rng, 2))
			derive(&rng, &h, &pieces);
		for (int64_t s = 0; s <= S_MAX + 1; s += 1 + (int64_t)rng_below(&rng, 4))
			for (int64_t v = -1; v <= 2 * V_MAX + 1; v++) {
				uint64_t also = rng_below(&rng, 4);
				struct point_asked asked = { s, v, also & 1, also & 2 };

				check(&h, &asked, &pieces, seed);
				n_asked++;
				n_needed += h.n_needed;
			}
	}
	cr_assert_lt(n_needed, n_asked * 2, "%lu blocks for %lu questions", n_needed, n_asked);
	pieces_release(&pieces);
}

/* ---- how few are enough ---- */

#define OF_BLOCK 100

static struct version open_ended(int64_t i)
{
	return (struct version){ .valid_from = 10 * i, .valid_until = INT64_MAX };
}

static struct version reading(int64_t i)
{
	return (struct version){ .valid_from = 10 * i, .valid_until = 10 * i + 10 };
}

static struct version backdated(int64_t i)
{
	return (struct version){ .valid_from = 10 * (LONG - i),
		                 .valid_until = 10 * (LONG - i) + 15 };
}

static struct version *make(struct version (*shape)(int64_t i))
{
	static struct version all[LONG]; /* oldest first */

	for (int64_t i = 0; i < LONG; i++) {
		all[i] = shape(i);
		all[i].system_from = i + 1;
		all[i].superseded_at = INT64_MAX;
		all[i].claims = all[i].target = true;
	}
	return all;
}

static struct unread bounds_of_run(const struct version *at)
{
	struct unread u = { at[0].system_from, at[OF_BLOCK - 1].system_from, INT64_MAX, INT64_MIN,
		            false };

	for (size_t i = 0; i < OF_BLOCK; i++) {
		u.valid_from_min = at[i].valid_from < u.valid_from_min ? at[i].valid_from
		                                                       : u.valid_from_min;
		u.valid_until_max = at[i].valid_until > u.valid_until_max ? at[i].valid_until
		                                                          : u.valid_until_max;
	}
	return u;
}

static uint32_t blocks_needed(const struct version *all, const struct point_asked *asked)
{
	static struct version read[LONG];
	bool is_read[LONG / OF_BLOCK] = { false };
	uint32_t n = 0, best;

	do {
		struct known_rows rows = columns_of(read, (size_t)n * OF_BLOCK);
		struct known known = known_of(asked, NULL, 0, &rows);
		struct unread best_bounds = { 0 };

		best = UINT32_MAX;
		for (uint32_t b = 0; b < LONG / OF_BLOCK; b++) {
			struct unread bounds = bounds_of_run(all + b * OF_BLOCK);

			if (is_read[b] || !known_needs(&known, &bounds) ||
			    (best < UINT32_MAX && !known_prefers(&known, &bounds, &best_bounds)))
				continue;
			best = b;
			best_bounds = bounds;
		}
		if (best == UINT32_MAX)
			break;
		is_read[best] = true;
		memcpy(read + n++ * OF_BLOCK, all + best * OF_BLOCK, OF_BLOCK * sizeof *all);
	} while (true);
	return n;
}

/* C: a point read touches at most two blocks of a long history */
Test(known, two_blocks_of_a_long_history_are_enough)
{
	struct version (*const shapes[])(int64_t) = { open_ended, reading, backdated };
	struct rng rng = { 1 };

	for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
		const struct version *all = make(shapes[k]);

		for (int round = 0; round < 400; round++) {
			uint64_t also = rng_below(&rng, 4);
			struct point_asked asked = { .s = 1 + (int64_t)rng_below(&rng, LONG),
				                     .v = (int64_t)rng_below(&rng, 10 * LONG),
				                     .whole = also & 1,
				                     .until = also & 2 };

			if (rng_below(&rng, 2))
				asked.s = LONG;
			cr_assert_leq(blocks_needed(all, &asked), 2,
			              "shape %zu, S %ld, V %ld, whole %d, until %d", k, asked.s,
			              asked.v, asked.whole, asked.until);
		}
	}
}
