/* The ceiling of a key that is too long for memory: what is derived through a file is what is derived
 * in memory, and a file that was changed meanwhile is found out. */
#include "engine/merge/overflow.h"
#include "tests/support/rng.h"
#include "tests/support/world.h"
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

/* Part after part; before the last one every page of the file is changed where `damages`. */
static teg_status derive(struct world *w, bool damages, teg_error *err)
{
	struct overflow *overflow = overflow_new(w->store, 1, &w->mem.alloc);
	struct deriving d = { .alloc = &w->mem.alloc };
	struct pieces scratch;
	teg_status status;

	pieces_init(&scratch, &w->mem.alloc);
	status = deriving_begin(&d, &scratch, overflow_begin(overflow), true, err);
	for (size_t at = 0; status == TEG_OK && at < VERSIONS; at += PART) {
		bool more = at + PART < VERSIONS;

		if (damages && !more)
			cr_assert_eq(os_list(w->os, "segments", flip, w, err), TEG_OK);
		status = derive_more(&d, versions + at, PART, more, superseded + at, exact + at,
		                     err);
	}
	deriving_end(&d);
	overflow_free(overflow);
	pieces_release(&scratch);
	return status;
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
