#include "engine/store/version.h"
#include "codec/base/hash.h"
#include "engine/store/files.h"
#include "engine/store/keys.h"
#include "engine/store/page_cache.h"
#include <stdio.h>

#define OPEN_TRIES 100 /* versions that may come and go while one is being opened */

/* ---- which version is newest ---- */

void hint_put(uint64_t number, char out[HINT_LEN + 1])
{
	char hash[24];

	snprintf(out, HINT_LEN + 1, "%020llu", (unsigned long long)number);
	snprintf(hash, sizeof hash, " %016llx\n", (unsigned long long)hash_bytes(span_of(out, 20)));
	memcpy(out + 20, hash, HINT_LEN - 20 + 1);
}

static uint64_t parse_line(const uint8_t line[HINT_LEN])
{
	char digits[21] = { 0 }, whole[HINT_LEN + 1];
	uint64_t number;

	memcpy(digits, line, 20);
	if (!manifest_number(digits, &number))
		return 0;
	hint_put(number, whole);
	return memcmp(whole, line, HINT_LEN) == 0 ? number : 0;
}

uint64_t hint_parse(struct span bytes)
{
	uint64_t largest = 0;

	for (size_t end = HINT_LEN; end <= bytes.len; end++) {
		uint64_t number = bytes.at[end - 1] == '\n' ? parse_line(bytes.at + end - HINT_LEN)
		                                            : 0;

		largest = number > largest ? number : largest;
	}
	return largest;
}

/* A hint that is missing or unreadable is no hint; only memory is an error. */
static teg_status read_hint(struct teg_store *store, uint64_t *hint_out, teg_error *err)
{
	uint8_t *bytes;
	size_t len;
	teg_error own;
	teg_status status;

	*hint_out = 0;
	status =
		os_read_file(store->os, HINT_PATH, HINT_FILE_MAX, store->alloc, &bytes, &len, &own);
	if (status == TEG_NOMEM)
		return error_give(err, status, &own);
	if (status != TEG_OK)
		return TEG_OK;
	*hint_out = hint_parse(span_of(bytes, len));
	mem_free(store->alloc, bytes, len);
	return TEG_OK;
}

struct listing {
	void (*each)(void *ctx, uint64_t number);
	void *ctx;
};

static int list_one(void *ctx, const char *name)
{
	struct listing *listing = ctx;
	uint64_t number;

	if (manifest_number(name, &number))
		listing->each(listing->ctx, number);
	return 0;
}

teg_status manifests_list(struct os *os, void (*each)(void *ctx, uint64_t number), void *ctx,
                          teg_error *err)
{
	struct listing listing = { each, ctx };

	return os_list(os, "manifests", list_one, &listing, err);
}

static void keep_largest(void *ctx, uint64_t number)
{
	uint64_t *largest = ctx;

	if (number > *largest)
		*largest = number;
}

teg_status manifests_last(struct os *os, uint64_t *number_out, teg_error *err)
{
	*number_out = 0;
	return manifests_list(os, keep_largest, number_out, err);
}

teg_status version_newest_number(struct teg_store *store, uint64_t *number_out, teg_error *err)
{
	char path[OS_PATH_MAX] = "manifests";
	uint64_t hint;
	teg_status status;

	TEG_TRY(read_hint(store, &hint, err));
	status = manifests_last(store->os, number_out, err);
	if (status == TEG_NOT_FOUND)
		return error_in_file(err, teg_fail(err, TEG_CORRUPT, "directory is missing"), path);
	TEG_TRY(status);
	if (!*number_out)
		return error_in_file(err, teg_fail(err, TEG_CORRUPT, "no manifest is left"), path);
	if (hint <= *number_out)
		return TEG_OK;
	manifest_path(hint, path);
	teg_fail(err, TEG_CORRUPT, "the newest manifest is missing: the last one there is %llu",
	         (unsigned long long)*number_out);
	return error_in_file(err, TEG_CORRUPT, path);
}

/* ---- pages ---- */

teg_status version_file_gone(struct store_version *version, const char *path, teg_error *err)
{
	uint64_t newest = 0;

	if (manifests_last(version->store->os, &newest, NULL) == TEG_OK && newest > version->number)
		teg_fail(err, TEG_SNAPSHOT_EXPIRED, "version %llu is no longer kept",
		         (unsigned long long)version->number);
	else
		teg_fail(err, TEG_CORRUPT, "a file that the newest version needs is missing");
	return error_in_file(err, newest > version->number ? TEG_SNAPSHOT_EXPIRED : TEG_CORRUPT,
	                     path);
}

static teg_status read_page_file(void *ctx, const struct page_ref *ref, struct buf *into,
                                 teg_error *err)
{
	struct store_version *version = ctx;
	char path[OS_PATH_MAX];
	struct os_file *file;
	teg_status status;
	uint8_t *at;

	manifest_path(ref->manifest, path);
	if (ref->manifest > version->number || ref->len < PAGE_HEADER_LEN ||
	    ref->len > PAGE_LEN_LIMIT)
		return error_in_file(err, teg_fail(err, TEG_CORRUPT, "bad reference to a page"),
		                     path);
	status = store_file_get(version->store, path, &file, err);
	if (status == TEG_NOT_FOUND)
		return version_file_gone(version, path, err);
	TEG_TRY(status);
	buf_clear(into);
	at = buf_extend(into, ref->len);
	TEG_DO(at ? TEG_OK : teg_fail(err, TEG_NOMEM, "no memory for a catalog page"));
	TEG_DO(os_read(version->store->os, file, path, ref->off, at, ref->len, err));
	if (hash_bytes(span_of(at, ref->len)) != ref->hash) {
		teg_fail(err, TEG_CORRUPT, "catalog page: checksum differs");
		error_at_offset(err, TEG_CORRUPT, (int64_t)ref->off);
		status = error_in_file(err, TEG_CORRUPT, path);
	}
done:
	store_file_put(version->store, file);
	return status;
}

static teg_status read_page(void *ctx, const struct page_ref *ref, struct buf *into, teg_error *err)
{
	struct store_version *version = ctx;
	struct page_cache *pages = version->store->pages;

	if (page_cache_get(pages, ref, into))
		return TEG_OK;
	TEG_TRY(read_page_file(version, ref, into, err));
	page_cache_put(pages, ref, buf_span(into));
	return TEG_OK;
}

teg_status version_read_catalog(struct store_version *version, teg_error *err)
{
	struct page_source files = { read_page_file, version, version->store->alloc };
	struct cursor c;
	teg_status status;

	cursor_init(&c, &files, &version->head.root);
	status = cursor_seek(&c, (struct span){ NULL, 0 }, err);
	while (status == TEG_OK && c.valid)
		status = cursor_next(&c, err);
	cursor_release(&c);
	return status;
}

/* ---- opening ---- */

void version_ref(struct store_version *version)
{
	atomic_fetch_add(&version->refs, 1);
}

/* The store keeps its current version, and so must not be kept by it: a version holds its store only
 * through whoever asked for it. */
void version_unref(struct store_version *version)
{
	struct teg_store *store;

	if (!version)
		return;
	store = version->store;
	if (atomic_fetch_sub(&version->refs, 1) != 1)
		return;
	arena_release(&version->arena);
	mem_free(store->alloc, version, sizeof *version);
}

uint64_t version_number(const struct store_version *version)
{
	return version->number;
}

uint64_t version_n_arrays(const struct store_version *version)
{
	return version->head.n_arrays;
}

struct teg_store *version_store(const struct store_version *version)
{
	return version->store;
}

/* NULL where memory is short. */
static struct store_version *version_new(struct teg_store *store, uint64_t number)
{
	struct store_version *version = mem_zalloc(store->alloc, sizeof *version);

	if (!version)
		return NULL;
	atomic_init(&version->refs, 1);
	version->store = store;
	version->number = number;
	version->source = (struct page_source){ read_page, version, store->alloc };
	arena_init(&version->arena, store->alloc, 2 * MANIFEST_HEAD_MAX + (64u << 20));
	return version;
}

teg_status version_open(struct teg_store *store, uint64_t number,
                        struct store_version **version_out, teg_error *err)
{
	struct store_version *version = version_new(store, number);
	char path[OS_PATH_MAX];
	struct os_file *file;
	teg_status status;

	if (!version)
		return teg_fail(err, TEG_NOMEM, "no memory for a version");
	manifest_path(number, path);
	TEG_DO(store_file_get(store, path, &file, err));
	status = manifest_read(store->os, file, number, store->id, &version->arena, &version->head,
	                       err);
	store_file_put(store, file);
done:
	if (status == TEG_OK)
		*version_out = version;
	else
		version_unref(version);
	return status;
}

static struct store_version *take_current(struct teg_store *store, uint64_t number)
{
	struct store_version *version;

	spin_lock(&store->lock);
	version = store->current;
	if (version && version->number == number)
		version_ref(version);
	else
		version = NULL;
	spin_unlock(&store->lock);
	return version;
}

static void set_current(struct teg_store *store, struct store_version *version)
{
	struct store_version *old = version;

	version_ref(version);
	spin_lock(&store->lock);
	if (!store->current || store->current->number < version->number) {
		old = store->current;
		store->current = version;
	}
	spin_unlock(&store->lock);
	version_unref(old);
}

/* The pages of a manifest's bytes, one after the other. */
static void keep_pages(struct teg_store *store, const struct manifest_head *head, struct span file)
{
	const struct manifest_layout *l = &head->layout;
	struct page_ref ref = { .manifest = head->record.version, .off = l->pages_off };

	for (; ref.off < l->dir_off; ref.off += ref.len) {
		const uint8_t *at = file.at + ref.off;

		ref.len = load_u32(at + 4);
		ref.hash = hash_bytes(span_of(at, ref.len));
		page_cache_put(store->pages, &ref, span_of(at, ref.len));
	}
}

teg_status version_of_bytes(struct teg_store *store, uint64_t number, struct span file,
                            struct store_version **version_out, teg_error *err)
{
	struct store_version *version = version_new(store, number);
	teg_status status;

	if (!version)
		return teg_fail(err, TEG_NOMEM, "no memory for a version");
	status = manifest_parse(file, number, store->id, &version->arena, &version->head, err);
	if (status != TEG_OK) {
		version_unref(version);
		return status;
	}
	keep_pages(store, &version->head, file);
	set_current(store, version);
	*version_out = version;
	return TEG_OK;
}

struct store_version *version_seen(struct teg_store *store)
{
	struct store_version *version;

	spin_lock(&store->lock);
	version = store->current;
	if (version)
		version_ref(version);
	spin_unlock(&store->lock);
	return version;
}

/* `again`: its manifest is read even where it is in memory. */
static teg_status open_newest(struct teg_store *store, bool again,
                              struct store_version **version_out, teg_error *err)
{
	teg_status status = TEG_OK;
	teg_error own;

	for (int i = 0; i < OPEN_TRIES; i++) {
		uint64_t number;

		TEG_TRY(version_newest_number(store, &number, err));
		*version_out = again ? NULL : take_current(store, number);
		if (*version_out)
			return TEG_OK;
		status = version_open(store, number, version_out, &own);
		/* Gone since it was listed: a newer one must be there. */
		if (status == TEG_NOT_FOUND)
			continue;
		if (status == TEG_OK)
			set_current(store, *version_out);
		return error_give(err, status, &own);
	}
	return teg_fail(err, TEG_CORRUPT, "manifests vanish faster than they can be opened");
}

teg_status version_open_newest(struct teg_store *store, struct store_version **version_out,
                               teg_error *err)
{
	return open_newest(store, false, version_out, err);
}

teg_status version_read_newest(struct teg_store *store, struct store_version **version_out,
                               teg_error *err)
{
	return open_newest(store, true, version_out, err);
}

/* ---- the catalog ---- */

/* The value of the entry, copied into the arena. TEG_NOT_FOUND. */
static teg_status find_value(struct store_version *version, struct key key, struct arena *arena,
                             struct span *value_out, teg_error *err)
{
	struct cursor c;
	teg_status status;

	cursor_init(&c, &version->source, &version->head.root);
	TEG_DO(cursor_find(&c, key_span(&key), err));
	*value_out = arena_copy(arena, cursor_entry(&c).value);
	TEG_DO(value_out->at ? TEG_OK : teg_fail(err, TEG_NOMEM, "no memory for a record"));
done:
	cursor_release(&c);
	return status;
}

teg_status version_find_array(struct store_version *version, struct span name, struct arena *arena,
                              struct array_record *record_out, teg_error *err)
{
	struct span bytes;

	TEG_TRY(find_value(version, key_of_name(KEY_ARRAY, name), arena, &bytes, err));
	return record_parse_array(bytes, arena, record_out, err);
}

teg_status version_find_record(struct store_version *version, uint64_t n, struct arena *arena,
                               struct version_record *record_out, teg_error *err)
{
	struct span bytes;

	TEG_TRY(find_value(version, key_of_number(KEY_VERSION, n), arena, &bytes, err));
	return record_parse_version(n, bytes, arena, record_out, err);
}

teg_status version_find_writer(struct store_version *version, const char *writer,
                               struct writer_record *record_out, teg_error *err)
{
	struct arena arena;
	struct span bytes;
	teg_status status;

	arena_init(&arena, version->store->alloc, 1u << 20);
	status = find_value(version, key_of_name(KEY_WRITER, span_of_text(writer)), &arena, &bytes,
	                    err);
	if (status == TEG_OK)
		status = record_parse_writer(bytes, &arena, record_out, err);
	arena_release(&arena);
	return status;
}

static teg_status parse_segment_at(const struct cursor *c, uint32_t n_dims, struct arena *arena,
                                   struct segment_ref *ref_out, teg_error *err)
{
	struct page_entry entry = cursor_entry(c);
	struct arena scratch;
	teg_status status;

	arena_init(&scratch, arena->alloc, 1u << 20);
	status =
		record_parse_segment(entry.key, entry.value, n_dims, &scratch, arena, ref_out, err);
	arena_release(&scratch);
	return status;
}

teg_status version_find_segment(struct store_version *version, uint64_t array_id,
                                uint64_t first_version, uint32_t part, uint32_t n_dims,
                                struct arena *arena, struct segment_ref *ref_out, teg_error *err)
{
	struct key key = key_of_segment(array_id, first_version, part);
	struct cursor c;
	teg_status status;

	cursor_init(&c, &version->source, &version->head.root);
	status = cursor_find(&c, key_span(&key), err);
	if (status == TEG_OK)
		status = parse_segment_at(&c, n_dims, arena, ref_out, err);
	cursor_release(&c);
	return status;
}

teg_status version_segments(struct store_version *version, uint64_t array_id, uint32_t n_dims,
                            struct arena *arena, struct segment_ref **refs_out, uint32_t *n_out,
                            teg_error *err)
{
	struct key prefix = key_of_number(KEY_SEGMENT, array_id);
	struct segment_ref *refs = NULL;
	size_t n = 0, cap = 0;
	void *block = NULL;
	struct cursor c;
	teg_status status;

	cursor_init(&c, &version->source, &version->head.root);
	TEG_DO(cursor_seek(&c, key_span(&prefix), err));
	while (c.valid && key_is_prefix(&prefix, cursor_entry(&c).key)) {
		TEG_DO(mem_grow(arena->alloc, &block, &cap, n + 1, sizeof *refs)
		               ? TEG_OK
		               : teg_fail(err, TEG_NOMEM, "no memory for segment references"));
		refs = block;
		memset(&refs[n], 0, sizeof *refs);
		TEG_DO(parse_segment_at(&c, n_dims, arena, &refs[n++], err));
		TEG_DO(cursor_next(&c, err));
	}
	*refs_out = arena_array(arena, n, sizeof *refs);
	TEG_DO(*refs_out ? TEG_OK : teg_fail(err, TEG_NOMEM, "no memory for segment references"));
	if (n)
		memcpy(*refs_out, refs, n * sizeof *refs);
	*n_out = (uint32_t)n;
done:
	cursor_release(&c);
	mem_free(arena->alloc, block, cap * sizeof *refs);
	return status;
}
