#include "tests/support/crash.h"
#include "engine/os/faulty.h"
#include "engine/os/memory.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static void describe(struct crash_point *at)
{
	char keep[32] = "";

	if (at->cut)
		snprintf(keep, sizeof keep, ", power cut %016" PRIx64, at->keep);
	snprintf(at->text, sizeof at->text, "%s %" PRIu64 "%s: errno %d%s%s%s, body returned %s",
	         at->killed ? "killed at change" : "failing call", at->n,
	         at->hit ? "" : " (not reached)", at->os_errno, at->forever ? " for ever" : "",
	         at->answer_lost ? ", answer lost" : "", keep, teg_status_name(at->status));
}

static void check(const struct crash_case *c, struct os *disk, struct crash_point *at)
{
	describe(at);
	cr_assert(at->hit || at->status == TEG_OK, "%s", at->text);
	c->check(disk, at, c->ctx);
}

static void aim(struct os *faulty, const struct crash_point *at)
{
	faulty_count_changes_only(faulty, at->killed || at->answer_lost);
	faulty_lose_answer(faulty, at->answer_lost);
	if (at->killed)
		faulty_kill(faulty, at->n);
	else
		faulty_set(faulty, at->n, at->os_errno, at->forever);
}

static struct os *copy(struct os *os)
{
	struct os *clone = memory_clone(os);

	cr_assert_not_null(clone);
	return clone;
}

/* Runs the body on `disk` and fills in what came of it; gives the calls that were counted. */
static uint64_t run(const struct crash_case *c, struct os *disk, struct crash_point *at)
{
	struct os *faulty = os_faulty_new(disk, disk->alloc);
	uint64_t n_calls;

	cr_assert_not_null(faulty);
	aim(faulty, at);
	at->status = c->body(faulty, c->ctx);
	at->hit = faulty_hit(faulty);
	n_calls = faulty_calls(faulty);
	describe(at);
	cr_assert(faulty_barriers_held(faulty), "linked before it was synced; %s", at->text);
	os_free(faulty);
	return n_calls;
}

static struct os *prepare(const struct crash_case *c, struct memory *mem)
{
	struct os *base;

	memory_init(mem);
	base = os_memory_new(&mem->alloc, c->seed);
	cr_assert_not_null(base);
	if (c->prepare)
		c->prepare(base, c->ctx);
	return base;
}

static uint64_t stride(const struct crash_case *c)
{
	return c->stride ? c->stride : 1;
}

static void finish(struct os *base, struct memory *mem)
{
	os_free(base);
	memory_check(mem);
}

static uint64_t fail_each(const struct crash_case *c, struct crash_point at)
{
	struct memory mem;
	struct os *base = prepare(c, &mem);
	uint64_t n_calls;

	do {
		struct os *disk = copy(base);

		at.n += stride(c);
		n_calls = run(c, disk, &at);
		check(c, disk, &at);
		os_free(disk);
	} while (at.hit);
	finish(base, &mem);
	return n_calls;
}

uint64_t crash_fail_each(const struct crash_case *c, int os_errno, bool forever)
{
	return fail_each(c, (struct crash_point){ .os_errno = os_errno, .forever = forever });
}

uint64_t crash_lose_each_answer(const struct crash_case *c)
{
	return fail_each(c, (struct crash_point){ .os_errno = EIO, .answer_lost = true });
}

/* The i-th crash state: the extremes first, then single bits, then anything. */
static uint64_t keep_of(size_t i, struct rng *rng)
{
	if (i < 2)
		return i ? UINT64_MAX : 0;
	if (i < 18)
		return (uint64_t)1 << (i - 2);
	if (i < 34)
		return ~((uint64_t)1 << (i - 18));
	return rng_u64(rng);
}

static void cut_power(const struct crash_case *c, struct os *disk, struct crash_point at,
                      size_t n_states, struct rng *rng)
{
	at.cut = true;
	for (size_t i = 0; i < n_states; i++) {
		struct os *left = copy(disk);

		at.keep = keep_of(i, rng);
		memory_power_cut(left, at.keep);
		check(c, left, &at);
		os_free(left);
	}
}

uint64_t crash_kill_each(const struct crash_case *c, size_t n_states)
{
	struct memory mem;
	struct os *base = prepare(c, &mem);
	struct crash_point at = { .killed = true, .os_errno = EIO };
	struct rng rng = { c->seed };

	do {
		struct os *disk = copy(base);
		struct os *left;

		at.n += stride(c);
		run(c, disk, &at);
		left = copy(disk); /* check may change what it looks at */
		check(c, left, &at);
		os_free(left);
		cut_power(c, disk, at, n_states, &rng);
		os_free(disk);
	} while (at.hit);
	finish(base, &mem);
	return at.n / stride(c) * (n_states + 1);
}
