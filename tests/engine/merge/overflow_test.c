/* The ceiling of a key that is too long for memory: what is derived through a file is what is derived
 * in memory, and a file that was changed meanwhile is found out. */
#include "engine/merge/overflow.h"
#include "tests/support/fragile.h"
#include "tests/support/rng.h"
#include "tests/support/world.h"
#include <errno.h>
#include <stdio.h>

#define VERSIONS 6000
#define PART 500

static struct version versions[VERSIONS];
static int64_t superseded[VERSIONS], expected[VERSIONS];
static uint8_t exact[VERSIONS], expected_exact[VERSIONS];

/* Newest first; most hold for a short time, a few for a long one: a list of thousands of spans. */
static void make_versions(uint64_t seed)
{
	struct rng rng = { seed };

	for (size_t i = 0; i < VERSIONS; i++) {
		int64_t from = (int64_t)rng_below(&rng, 100000000);
		int64_t len = (int64_t)rng_below(&rng, i % 50 ? 1000 : 1000000);

		versions[i] = (struct version){ .system_from = (int64_t)(VERSIONS - i),
			                        .valid_from = from,
			                        .valid_until = from + len + 1,
			                        .superseded_at = INT64_MAX,
			                        .row = (uint32_t)i,
			                        .claims = true,
			                        .target = true };
	}
}

static int flip(void *ctx, const char *name)
{
	struct world *w = ctx;
	char path[64];

	snprintf(path, sizeof path, "segments/%s", name);
	for (uint64_t at = 0; memory_flip(w->os, path, at, 3); at += 4096)
		;
	return 0;
}

/* The first n versions, part after part; before the last one every page of the file of the world, if
 * there is one, is changed. */
static teg_status derive_some(teg_store *store, size_t n, struct world *damaged,
                              const teg_allocator *alloc, teg_error *err)
{
	struct overflow *overflow = overflow_new(store, 1, alloc);
	struct deriving d = { .alloc = alloc };
	struct pieces scratch;
	teg_status status;

	if (!overflow)
		return TEG_NOMEM;
	pieces_init(&scratch, alloc);
	status = deriving_begin(&d, &scratch, overflow_begin(overflow), true, err);
	for (size_t at = 0; status == TEG_OK && at < n; at += PART) {
		bool more = at + PART < n;

		if (damaged && !more)
			cr_assert_eq(os_list(damaged->os, "segments", flip, damaged, err), TEG_OK);
		status = derive_more(&d, versions + at, PART, more, superseded + at, exact + at,
		                     err);
	}
	deriving_end(&d);
	overflow_free(overflow);
	pieces_release(&scratch);
	return status;
}

static teg_status derive(struct world *w, bool damages, teg_error *err)
{
	return derive_some(w->store, VERSIONS, damages ? w : NULL, &w->mem.alloc, err);
}

static int note(void *ctx, const char *name)
{
	(void)name;
	++*(size_t *)ctx;
	return 0;
}

Test(overflow, derives_what_memory_would)
{
	struct world w;
	struct pieces scratch;
	size_t n_files = 0;

	world_init(&w);
	pieces_init(&scratch, &w.mem.alloc);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		make_versions(seed);
		cr_assert_eq(derive_superseded(versions, VERSIONS, &scratch, expected,
		                               expected_exact),
		             TEG_OK);
		OK(derive(&w, false, err));
		cr_assert_arr_eq(superseded, expected, sizeof expected);
		cr_assert_arr_eq(exact, expected_exact, sizeof expected_exact);
	}
	OK(os_list(w.os, "segments", note, &n_files, err));
	cr_assert_eq(n_files, 0);
	pieces_release(&scratch);
	world_release(&w);
}

Test(overflow, finds_out_that_its_file_was_changed)
{
	struct world w;
	teg_error err;

	world_init(&w);
	make_versions(1);
	cr_assert_eq(derive(&w, true, &err), TEG_CORRUPT);
	cr_assert(strstr(err.message, "segments/"), "%s", err.message);
	world_release(&w);
}

#define FEW 2000

static size_t n_left(struct os *os)
{
	size_t n = 0;

	OK(os_list(os, "segments", note, &n, err));
	return n;
}

static teg_status derive_few(const teg_allocator *alloc, void *ctx)
{
	struct world *w = ctx;
	teg_status status = derive_some(w->store, FEW, NULL, alloc, NULL);

	cr_assert_eq(n_left(w->os), 0);
	return status;
}

Test(overflow, leaves_nothing_without_memory)
{
	struct world w;

	world_init(&w);
	make_versions(1);
	cr_assert_gt(memory_fail_each(derive_few, &w), 20);
	world_release(&w);
}

/* The n-th call to the system fails, or all from there on. Whether it was reached. */
static bool lose(struct fragile *f, teg_store *store, uint64_t n, bool forever,
                 teg_status *status_out)
{
	bool hit;

	faulty_set(f->os, n, EIO, forever);
	*status_out = derive_some(store, FEW, NULL, &f->mem.alloc, NULL);
	hit = faulty_hit(f->os);
	faulty_set(f->os, 0, 0, false);
	return hit;
}

static int remove_file(void *ctx, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "segments/%s", name);
	return os_unlink(ctx, path, NULL) != TEG_OK;
}

/* Only a file that could not be removed stays, and what is derived does not depend on that. */
Test(overflow, leaves_nothing_behind_calls_that_fail)
{
	struct fragile f;
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	size_t n_refused = 0, n_kept = 0;
	teg_status status;
	teg_store *store;

	fragile_init(&f, 1);
	options.os = f.os;
	options.allocator = &f.mem.alloc;
	OK(teg_store_open(NULL, &options, &store, err));
	make_versions(1);
	for (uint64_t n = 1; lose(&f, store, n, false, &status); n++) {
		cr_assert(status == TEG_OK || status == TEG_IO, "call %d: %d", (int)n, (int)status);
		cr_assert_leq(n_left(f.disk), status == TEG_OK, "call %d", (int)n);
		n_refused += status == TEG_IO;
		n_kept += n_left(f.disk);
		OK(os_list(f.disk, "segments", remove_file, f.disk, err));
		lose(&f, store, n, true, &status);
		cr_assert(status == TEG_OK || status == TEG_IO, "from %d: %d", (int)n, (int)status);
		OK(os_list(f.disk, "segments", remove_file, f.disk, err));
	}
	cr_assert_gt(n_refused, 10);
	cr_assert_gt(n_kept, 0);
	teg_store_close(store);
	(void)fragile_heal(&f);
	fragile_release(&f);
}
