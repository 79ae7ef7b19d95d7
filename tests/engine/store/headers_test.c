#include "engine/store/headers.h"
#include <criterion/criterion.h>
#include "tests/support/memory.h"

/* A header whose arena holds `len` bytes. */
static void keep(struct headers *headers, struct memory *mem, uint64_t off, size_t len)
{
	struct tile_header header = { .n_rows = (uint32_t)off };
	struct arena arena;

	arena_init(&arena, &mem->alloc, SIZE_MAX);
	header.columns = arena_alloc(&arena, len);
	cr_assert_not_null(header.columns);
	cr_assert_eq(headers_keep(headers, off, &header, &arena), TEG_OK);
	arena_release(&arena);
}

Test(headers, come_back_as_they_were_kept)
{
	struct tile_header header;
	struct headers *headers;
	struct memory mem;
	size_t found = 0;

	memory_init(&mem);
	headers = headers_new(100, HEADERS_KEPT, &mem.alloc);
	cr_assert(!headers_find(headers, 64, &header));
	for (uint64_t off = 64; off < 100 * 64; off += 64)
		keep(headers, &mem, off, 100);
	for (uint64_t off = 64; off < 100 * 64; off += 64) {
		if (!headers_find(headers, off, &header))
			continue;
		found++;
		cr_assert_eq(header.n_rows, off);
		memset(header.columns, 1, 100);
	}
	cr_assert_gt(found, 90, "few collide");
	cr_assert(!headers_find(headers, 32, &header));
	headers_free(headers);
	memory_check(&mem);
}

Test(headers, keep_within_their_bytes)
{
	struct tile_header header;
	struct headers *headers;
	struct memory mem;
	size_t found = 0;

	memory_init(&mem);
	headers = headers_new(1000000, HEADERS_KEPT, &mem.alloc);
	for (uint64_t off = 1; off < 100; off++)
		keep(headers, &mem, off, 100 << 10);
	for (uint64_t off = 1; off < 100; off++)
		found += headers_find(headers, off, &header);
	cr_assert(found >= 8 && found <= 11, "%zu", found);
	cr_assert_leq(mem.peak_len, HEADERS_KEPT + (300 << 10));
	headers_free(headers);
	memory_check(&mem);
}

Test(headers, do_without_memory)
{
	struct tile_header header;
	struct headers *headers;
	struct arena arena;
	struct memory mem;

	memory_init(&mem);
	mem.fail_at = 1;
	cr_assert_null(headers_new(1, HEADERS_KEPT, &mem.alloc));
	mem.fail_at = 0;
	headers = headers_new(1, HEADERS_KEPT, &mem.alloc);
	arena_init(&arena, &mem.alloc, SIZE_MAX);
	cr_assert_not_null(arena_alloc(&arena, 10));
	cr_assert_not_null(arena_alloc(&arena, 3900));
	mem.fail_at = mem.n_requests + 1;
	cr_assert_eq(headers_keep(headers, 5, &header, &arena), TEG_NOMEM);
	cr_assert(!headers_find(headers, 5, &header));
	arena_release(&arena);
	headers_free(headers);
	memory_check(&mem);
}

Test(headers, none_are_kept_in_none)
{
	struct tile_header header = { 0 };
	struct arena arena;
	struct memory mem;

	memory_init(&mem);
	arena_init(&arena, &mem.alloc, SIZE_MAX);
	cr_assert_not_null(arena_alloc(&arena, 10));
	cr_assert_eq(headers_keep(NULL, 5, &header, &arena), TEG_OK);
	cr_assert_neq(arena.used, 0, "the caller's still");
	cr_assert(!headers_find(NULL, 5, &header));
	headers_free(NULL);
	arena_release(&arena);
	memory_check(&mem);
}
