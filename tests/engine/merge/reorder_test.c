/* Other extents under failing memory and failing calls: all of it has happened, or nothing. NH1 */
#include "codec/base/error.h"
#include "tests/support/fragile.h"
#include "tests/support/trio.h"
#include "tests/support/world.h"

#define ROWS 600

struct shaky {
	struct fragile disk;
	teg_store *store;
};

static void open_shaky(struct shaky *w)
{
	fragile_init(&w->disk, 1);
	OK(trio_open(w->disk.os, NULL, &w->disk.mem.alloc, TEG_CREATE_NEW, &w->store, err));
	OK(trio_create(w->store, err));
	OK(trio_put(w->store, 0, ROWS - 50, err));
	OK(trio_put(w->store, ROWS - 50, 50, err));
	OK(trio_delete_from(w->store, ROWS - 100, err));
}

static void close_shaky(struct shaky *w)
{
	teg_store_close(w->store);
	fragile_release(&w->disk);
}

static teg_status rechunk(const struct shaky *w, const char *array, teg_error *err)
{
	teg_extent extent = { "x", 77 };
	teg_compact_options options = {
		.struct_size = sizeof options, .array = array, .extents = &extent, .n_extents = 1
	};

	return teg_compact(w->store, &options, NULL, err);
}

static uint64_t extent_of(const struct shaky *w, const char *name)
{
	struct reading at;
	uint64_t extent;

	reading_open(&at, w->store, name);
	extent = teg_array_spec(at.array)->dimensions[0].extent;
	reading_close(&at);
	return extent;
}

/* Whatever came of it, all arrays still hold the same numbers. */
static void check(const struct shaky *w, const char *array, teg_status status)
{
	struct trio trio;

	OK(trio_read(w->store, &trio, err));
	cr_assert_eq(trio.n, ROWS - 100);
	verify_sound(w->store);
	if (status == TEG_OK)
		cr_assert_eq(extent_of(w, array), 77);
}

Test(reorder, where_memory_is_short)
{
	for (int i = 1; i < TRIO_ARRAYS; i++)
		for (size_t n = 1;; n += 7) {
			struct shaky w;
			teg_status status;
			teg_error why;
			bool refused;

			open_shaky(&w);
			w.disk.mem.fail_at = w.disk.mem.n_requests + n;
			status = rechunk(&w, trio_names[i], &why);
			w.disk.mem.fail_at = 0;
			refused = w.disk.mem.n_refused > 0;
			/* The disk has its memory from there too, and may not be asked whether it holds. */
			cr_assert(status == TEG_OK || (refused && (status == TEG_NOMEM ||
			                                           status == TEG_COMMIT_UNKNOWN)),
			          "%zu: %s", n, why.message);
			check(&w, trio_names[i], status);
			close_shaky(&w);
			if (!refused)
				break;
		}
}

Test(reorder, where_a_call_fails)
{
	for (int i = 1; i < TRIO_ARRAYS; i++)
		for (uint64_t n = 1;; n++) {
			struct shaky w;
			teg_status status;
			teg_error why;
			bool hit;

			open_shaky(&w);
			faulty_set(w.disk.os, n, 5, false);
			status = rechunk(&w, trio_names[i], &why);
			hit = faulty_hit(w.disk.os);
			faulty_set(w.disk.os, 0, 0, false);
			cr_assert(hit || status == TEG_OK, "%s", why.message);
			teg_store_close(w.store);
			OK(trio_open(w.disk.os, NULL, &w.disk.mem.alloc, TEG_CREATE_NO, &w.store,
			             err));
			check(&w, trio_names[i], status);
			close_shaky(&w);
			if (!hit)
				break;
		}
}
