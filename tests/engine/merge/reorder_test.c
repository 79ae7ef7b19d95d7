/* Other extents under failing memory and failing calls: all of it has happened, or nothing. NH1 */
#include "codec/base/error.h"
#include "engine/os/faulty.h"
#include "tests/support/trio.h"
#include "tests/support/world.h"

#define ROWS 600

struct faulty {
	struct memory mem;
	struct os *inner, *os;
	teg_store *store;
};

static void open_world(struct faulty *w)
{
	memset(w, 0, sizeof *w);
	memory_init(&w->mem);
	w->inner = os_memory_new(&w->mem.alloc, 1);
	w->os = os_faulty_new(w->inner, &w->mem.alloc);
	OK(trio_open(w->os, NULL, &w->mem.alloc, TEG_CREATE_NEW, &w->store, err));
	OK(trio_create(w->store, err));
	OK(trio_put(w->store, 0, ROWS - 50, err));
	OK(trio_put(w->store, ROWS - 50, 50, err));
	OK(trio_delete_from(w->store, ROWS - 100, err));
}

static void close_world(struct faulty *w)
{
	teg_store_close(w->store);
	os_free(w->os);
	os_free(w->inner);
	memory_check(&w->mem);
}

static teg_status rechunk(const struct faulty *w, const char *array, teg_error *err)
{
	teg_extent extent = { "x", 77 };
	teg_compact_options options = {
		.struct_size = sizeof options, .array = array, .extents = &extent, .n_extents = 1
	};

	return teg_compact(w->store, &options, NULL, err);
}

static uint64_t extent_of(const struct faulty *w, const char *name)
{
	struct reading at;
	uint64_t extent;

	reading_open(&at, w->store, name);
	extent = teg_array_spec(at.array)->dimensions[0].extent;
	reading_close(&at);
	return extent;
}

/* Whatever came of it, all arrays still hold the same numbers. */
static void check(const struct faulty *w, const char *array, teg_status status)
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
			struct faulty w;
			teg_status status;
			teg_error why;
			bool refused;

			open_world(&w);
			w.mem.fail_at = w.mem.n_requests + n;
			status = rechunk(&w, trio_names[i], &why);
			w.mem.fail_at = 0;
			refused = w.mem.n_refused > 0;
			cr_assert(status == TEG_OK || (refused && status == TEG_NOMEM), "%zu: %s",
			          n, why.message);
			check(&w, trio_names[i], status);
			close_world(&w);
			if (!refused)
				break;
		}
}

Test(reorder, where_a_call_fails)
{
	for (int i = 1; i < TRIO_ARRAYS; i++)
		for (uint64_t n = 1;; n++) {
			struct faulty w;
			teg_status status;
			teg_error why;
			bool hit;

			open_world(&w);
			faulty_set(w.os, n, 5, false);
			status = rechunk(&w, trio_names[i], &why);
			hit = faulty_hit(w.os);
			faulty_set(w.os, 0, 0, false);
			cr_assert(hit || status == TEG_OK, "%s", why.message);
			teg_store_close(w.store);
			OK(trio_open(w.os, NULL, &w.mem.alloc, TEG_CREATE_NO, &w.store, err));
			check(&w, trio_names[i], status);
			close_world(&w);
			if (!hit)
				break;
		}
}
