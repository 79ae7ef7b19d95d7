/* Pairs sorted in memory and through a file: the same order, nothing left behind, every call and
 * allocation may fail. */
#include <criterion/criterion.h>
#include "engine/os/faulty.h"
#include "engine/os/memory.h"
#include "engine/write/spool.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define PATH "segments/spool"

struct fixture {
	struct memory mem;
	struct os *os;
};

static void open_fixture(struct fixture *f)
{
	memory_init(&f->mem);
	f->os = os_memory_new(&f->mem.alloc, 1);
	cr_assert_eq(os_make_dir(f->os, "", NULL), TEG_OK);
	cr_assert_eq(os_make_dir(f->os, "segments", NULL), TEG_OK);
}

static void close_fixture(struct fixture *f)
{
	os_free(f->os);
	memory_check(&f->mem);
}

/* n pairs whose keys are below `keys`; the value is the place. */
static teg_status sort(struct os *os, const teg_allocator *alloc, size_t n, uint64_t keys,
                       size_t most, struct spool_pair *out)
{
	struct spool *spool = spool_new(os, PATH, most, alloc);
	struct rng rng = { 7 };
	teg_status status = spool ? TEG_OK : TEG_NOMEM;
	size_t got = 1, at = 0;

	for (size_t i = 0; i < n && status == TEG_OK; i++)
		status = spool_add(spool, rng_below(&rng, keys), i, NULL);
	if (status == TEG_OK)
		status = spool_finish(spool, NULL);
	while (status == TEG_OK && got) {
		status = spool_next(spool, out + at, 7 < n + 1 - at ? 7 : n + 1 - at, &got, NULL);
		at += status == TEG_OK ? got : 0;
	}
	spool_free(spool);
	cr_assert(status != TEG_OK || at == n, "%zu of %zu pairs", at, n);
	return status;
}

static void check_order(const struct spool_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 1; i < n; i++)
		cr_assert(pairs[i - 1].key < pairs[i].key || (pairs[i - 1].key == pairs[i].key &&
		                                              pairs[i - 1].value < pairs[i].value),
		          "%s: pair %zu", name, i);
}

Test(spool, sorts_pairs_and_keeps_the_order_of_equal_keys)
{
	static const struct {
		const char *name;
		size_t n, most;
		uint64_t keys;
	} cases[] = {
		{ "none", 0, 10, 1 },
		{ "one", 1, 10, 1 },
		{ "all in memory", 1000, 0, 50 },
		{ "exactly what fits", 64, 64, 10 },
		{ "one more than fits", 65, 64, 10 },
		{ "many runs", 5000, 64, 1000 },
		{ "one key", 500, 64, 1 },
		{ "keys of all widths", 3000, 100, UINT64_MAX },
	};
	static struct spool_pair pairs[5001];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct os_stat stat;
		struct fixture f;

		open_fixture(&f);
		cr_assert_eq(sort(f.os, &f.mem.alloc, cases[i].n, cases[i].keys, cases[i].most,
		                  pairs),
		             TEG_OK);
		check_order(pairs, cases[i].n, cases[i].name);
		cr_assert_eq(os_stat(f.os, PATH, &stat, NULL), TEG_NOT_FOUND, "%s: a file is left",
		             cases[i].name);
		close_fixture(&f);
	}
}

Test(spool, every_allocation_may_fail)
{
	static struct spool_pair pairs[301];
	teg_status status = TEG_NOMEM;

	for (size_t n = 1; status != TEG_OK; n++) {
		struct fixture f;

		cr_assert_lt(n, 200);
		open_fixture(&f);
		f.mem.fail_at = f.mem.n_requests + n;
		status = sort(f.os, &f.mem.alloc, 300, 100, 50, pairs);
		cr_assert(status == TEG_OK || status == TEG_NOMEM);
		f.mem.fail_at = 0;
		close_fixture(&f);
	}
	check_order(pairs, 300, "after failures");
}

Test(spool, every_call_of_the_system_may_fail)
{
	static struct spool_pair pairs[301];
	teg_status status = TEG_IO;

	for (uint64_t n = 1; status != TEG_OK; n++) {
		struct fixture f;
		struct os *faulty;

		cr_assert_lt(n, 200);
		open_fixture(&f);
		faulty = os_faulty_new(f.os, &f.mem.alloc);
		faulty_set(faulty, n, 5, false);
		status = sort(faulty, &f.mem.alloc, 300, 100, 50, pairs);
		os_free(faulty);
		close_fixture(&f);
	}
	check_order(pairs, 300, "after failures");
}
