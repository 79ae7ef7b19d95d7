/* What the tests of the store share: a store over a memory os, and commits of segments whose bytes
 * mean nothing to it. */
#ifndef TEG_TESTS_ENGINE_STORE_FIXTURE_H
#define TEG_TESTS_ENGINE_STORE_FIXTURE_H
#include "engine/os/faulty.h"
#include "engine/os/memory.h"
#include "engine/store/manifest.h"
#include "engine/store/store.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"
#include <criterion/criterion.h>

static inline teg_status fixture_open(struct os *os, const teg_allocator *alloc, teg_create create,
                                      teg_store **store_out, teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .allocator = alloc,
		                      .writer = "test",
		                      .no_auto_compact = true,
		                      .os = os };

	return teg_store_open(NULL, &options, store_out, err);
}

/* A sparse array of one int64 dimension, x, and one attribute, a. */
static inline const struct schema *fixture_schema(struct arena *arena)
{
	teg_dimension x = { .name = "x", .type = { .type = TEG_INT64 } };
	teg_attribute a = { .name = "a", .type = { .type = TEG_INT64 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .dimensions = &x,
		          .n_dimensions = 1,
		          .attributes = &a,
		          .n_attributes = 1 };
	const struct schema *schema;

	cr_assert_eq(schema_from_spec(&spec, arena, &schema, NULL), TEG_OK);
	return schema;
}

static inline struct commit_request fixture_request(uint64_t n)
{
	struct commit_request request = { .action = "commit" };

	store_u64(request.commit_id, n);
	request.commit_id[15] = 1;
	return request;
}

static inline teg_status fixture_create(teg_store *store, const char *name,
                                        teg_commit_result *result_out, teg_error *err)
{
	struct commit_request request = fixture_request(UINT64_MAX);
	struct array_change change = { .name = name };
	struct store_version *base;
	struct arena arena;
	teg_status status;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX);
	change.create = fixture_schema(&arena);
	request.changes = &change;
	request.n_changes = 1;
	request.action = "create";
	status = os_random(store->os, request.commit_id, 16, err);
	if (status == TEG_OK)
		status = version_open_newest(store, &base, err);
	if (status == TEG_OK) {
		status = array_new_id(base, name, &change.array_id, err);
		version_unref(base);
	}
	if (status == TEG_OK)
		status = store_commit(store, &request, result_out, NULL, err);
	arena_release(&arena);
	return status;
}

/* One inline segment of `len` bytes of `seed` for that array. */
static inline teg_status fixture_append(teg_store *store, const char *name, uint64_t seed,
                                        size_t len, struct commit_request *request,
                                        teg_commit_result *result_out, teg_error *err)
{
	static uint8_t bytes[INLINE_SEGMENT_MAX];
	struct box box = { .lo = { seed }, .hi = { seed } };
	struct new_segment add = { .ref = { .inlined = true,
		                            .len = len,
		                            .checksum = seed,
		                            .schema_version = 1,
		                            .fresh = true,
		                            .n_tiles = 1,
		                            .n_rows = 1,
		                            .n_live = 1,
		                            .box = &box },
		                   .inline_bytes = { bytes, len } };
	struct array_change change = { .name = name, .n_add = 1, .add = &add, .facts = true };
	teg_status status;

	memset(bytes, (int)(seed & 0xff), len);
	request->changes = &change;
	request->n_changes = 1;
	request->n_rows = 1;
	status = os_random(store->os, request->commit_id, 16, err);
	return status == TEG_OK ? store_commit(store, request, result_out, NULL, err) : status;
}

static inline teg_status fixture_put(teg_store *store, const char *name, uint64_t seed, size_t len,
                                     teg_commit_result *result_out, teg_error *err)
{
	struct commit_request request = fixture_request(0);

	return fixture_append(store, name, seed, len, &request, result_out, err);
}

/* Which seeds the newest version's array holds, read back byte by byte: sets seen[seed]. */
static inline teg_status fixture_seen(teg_store *store, const char *name, bool *seen, size_t n_seen,
                                      uint64_t *version_out, teg_error *err)
{
	struct store_version *version;
	struct array_state state;
	struct arena arena;
	teg_status status;

	memset(seen, 0, n_seen * sizeof *seen);
	arena_init(&arena, store->alloc, SIZE_MAX);
	status = version_open_newest(store, &version, err);
	if (status != TEG_OK)
		return status;
	*version_out = version_number(version);
	status = version_array(version, name, &arena, &state, err);
	for (uint32_t i = 0; status == TEG_OK && i < state.n_segments; i++) {
		const struct segment_ref *ref = &state.segments[i];
		static uint8_t bytes[INLINE_SEGMENT_MAX];
		char path[OS_PATH_MAX];
		struct os_file *file;

		manifest_path(ref->manifest, path);
		status = store_file_get(store, path, &file, err);
		if (status != TEG_OK)
			break;
		status = os_read(store->os, file, path, ref->off, bytes, ref->len, err);
		store_file_put(store, file);
		for (uint64_t b = 0; status == TEG_OK && b < ref->len; b++)
			cr_assert_eq(bytes[b], (uint8_t)ref->checksum, "byte %llu of segment %llu",
			             (unsigned long long)b, (unsigned long long)ref->checksum);
		cr_assert_lt(ref->checksum, n_seen);
		cr_assert_not(seen[ref->checksum], "segment %llu twice",
		              (unsigned long long)ref->checksum);
		seen[ref->checksum] = true;
	}
	arena_release(&arena);
	version_unref(version);
	return status;
}

static inline int fixture_count_one(void *ctx, const char *name)
{
	(void)name;
	++*(size_t *)ctx;
	return 0;
}

static inline size_t fixture_count(struct os *os, const char *path)
{
	size_t n = 0;

	cr_assert_eq(os_list(os, path, fixture_count_one, &n, NULL), TEG_OK);
	return n;
}
#endif
