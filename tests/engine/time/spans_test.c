/* Spans of time beside a plain array of instants, with lists long enough to fill many leaves. */
#include <criterion/criterion.h>
#include "engine/time/spans.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define INSTANTS 8000
#define NOTHING INT64_MIN

struct instants {
	int64_t ceiling[INSTANTS]; /* NOTHING: taken out */
};

static void cover_instants(struct instants *t, int64_t from, int64_t until, int64_t ceiling)
{
	for (int64_t v = from; v < until; v++)
		t->ceiling[v] = ceiling;
}

/* Every instant is told by one span or by none, and the spans ascend. */
static void check_equal(const struct spans *s, const struct instants *t, uint64_t seed)
{
	struct span_place place = { 0, 0 };
	const struct span_of_time *span;
	int64_t v = 0;

	while ((span = spans_next(s, &place))) {
		cr_assert(span->from < span->until && span->from >= v, "seed %lu", seed);
		for (; v < span->from; v++)
			cr_assert_eq(t->ceiling[v], NOTHING, "seed %lu, instant %ld", seed, v);
		for (; v < span->until; v++)
			cr_assert_eq(t->ceiling[v], span->ceiling, "seed %lu, instant %ld", seed,
			             v);
	}
	for (; v < INSTANTS; v++)
		cr_assert_eq(t->ceiling[v], NOTHING, "seed %lu, instant %ld", seed, v);
}

static void check_after(const struct spans *s, const struct instants *t, int64_t v)
{
	struct span_place place = spans_after(s, v);
	const struct span_of_time *span = spans_next(s, &place);
	int64_t next = v;

	while (next < INSTANTS && t->ceiling[next] == NOTHING)
		next++;
	cr_assert_eq(span != NULL, next < INSTANTS);
	cr_assert(!span || (span->until > v && (next == v ? span->from <= v : span->from == next)));
}

/* Short claims in order, in reverse and anywhere, long ones among them. */
static void claim(struct rng *rng, uint64_t seed, int64_t i, int64_t *from_out, int64_t *until_out)
{
	int64_t at = seed % 3 == 0   ? 3 * i % INSTANTS
	             : seed % 3 == 1 ? INSTANTS - 1 - 3 * i % INSTANTS
	                             : (int64_t)rng_below(rng, INSTANTS);
	int64_t len = 1 + (int64_t)rng_below(rng, rng_below(rng, 200) ? 2 : INSTANTS);

	*from_out = at;
	*until_out = at + len < INSTANTS ? at + len : INSTANTS;
}

static void play(struct pieces *home, uint64_t seed)
{
	struct spans s = spans_in(home);
	struct rng rng = { seed };
	struct instants t;

	for (int64_t v = 0; v < INSTANTS; v++)
		t.ceiling[v] = NOTHING;
	if (seed % 2) {
		cr_assert(spans_cover(&s, 0, INSTANTS, true, 1));
		cover_instants(&t, 0, INSTANTS, 1);
	}
	for (int64_t i = 0; i < 4000; i++) {
		bool keep = rng_below(&rng, 3) || !(seed % 2);
		int64_t from, until;

		claim(&rng, seed, i, &from, &until);
		cr_assert(spans_cover(&s, from, until, keep, i));
		cover_instants(&t, from, until, keep ? i : NOTHING);
		check_after(&s, &t, (int64_t)rng_below(&rng, INSTANTS));
		if (i % 500 == 499)
			check_equal(&s, &t, seed);
	}
}

Test(spans, say_of_every_instant_what_was_said_last)
{
	struct memory mem;
	struct pieces home;

	memory_init(&mem);
	pieces_init(&home, &mem.alloc);
	for (uint64_t seed = 0; seed < 12; seed++)
		play(&home, seed);
	pieces_release(&home);
	memory_check(&mem);
}

/* One more, before span i of a leaf that is full. */
static void cut_at(struct pieces *home, int64_t i)
{
	struct spans s = spans_in(home);
	struct instants t;

	for (int64_t v = 0; v < INSTANTS; v++)
		t.ceiling[v] = NOTHING;
	for (int64_t k = 0; k < LEAF_SPANS; k++) {
		cr_assert(spans_cover(&s, 4 * k + 2, 4 * k + 3, true, k));
		cover_instants(&t, 4 * k + 2, 4 * k + 3, k);
	}
	cr_assert_eq(s.n, 1);
	cr_assert(spans_cover(&s, 4 * i, 4 * i + 1, true, -1));
	cover_instants(&t, 4 * i, 4 * i + 1, -1);
	cr_assert_eq(s.n, 2);
	check_equal(&s, &t, (uint64_t)i);
}

Test(spans, a_full_leaf_is_cut_wherever_the_next_span_goes)
{
	struct pieces home;

	pieces_init(&home, teg_allocator_default());
	for (int64_t i = 0; i <= LEAF_SPANS; i++)
		cut_at(&home, i);
	pieces_release(&home);
}

static teg_status fill(const teg_allocator *alloc, void *ctx)
{
	struct pieces home;
	struct spans s;
	bool done = true;

	(void)ctx;
	pieces_init(&home, alloc);
	s = spans_in(&home);
	for (int64_t i = 0; i < 64 * LEAF_SPANS && done; i++)
		done = spans_cover(&s, 2 * i, 2 * i + 1, true, i);
	pieces_release(&home);
	return done ? TEG_OK : TEG_NOMEM;
}

Test(spans, no_memory_is_told)
{
	cr_assert_gt(memory_fail_each(fill, NULL), 2);
}
