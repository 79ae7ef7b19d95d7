#include "codec/base/hash.h"
#include "engine/store/compose.h"

/* A damaged file is left where it is: it is no reason not to commit, and whoever needs its bytes is
 * told. So TEG_CORRUPT and TEG_NOT_FOUND about the file itself end a move, not the commit. */
#define MOVE_READ_MAX (256u << 20) /* bytes of pages of a file that is looked through */

/* An old manifest, opened to be emptied. */
struct rest {
	struct os_file *file;
	char path[OS_PATH_MAX];
	struct manifest_head head;
	struct arena arena;
	struct buf bytes;
};

/* rest->file is NULL where there is nothing to move from. */
static teg_status rest_open(struct compose *c, uint64_t number, struct rest *rest, teg_error *err)
{
	teg_status status;

	*rest = (struct rest){ 0 };
	arena_init(&rest->arena, c->store->alloc, SIZE_MAX);
	buf_init(&rest->bytes, c->store->alloc, MOVE_READ_MAX);
	manifest_path(number, rest->path);
	status = store_file_get(c->store, rest->path, &rest->file, err);
	if (status == TEG_OK)
		status = manifest_read(c->store->os, rest->file, number, c->store->id, &rest->arena,
		                       &rest->head, err);
	if (status != TEG_CORRUPT && status != TEG_NOT_FOUND)
		return status;
	store_file_put(c->store, rest->file);
	rest->file = NULL;
	return TEG_OK;
}

static void rest_close(struct compose *c, struct rest *rest)
{
	store_file_put(c->store, rest->file);
	buf_release(&rest->bytes);
	arena_release(&rest->arena);
}

/* Bytes [off, off + len) of the file into rest->bytes. */
static teg_status rest_read(struct compose *c, struct rest *rest, uint64_t off, uint64_t len,
                            teg_error *err)
{
	uint8_t *at;

	buf_clear(&rest->bytes);
	at = len <= MOVE_READ_MAX ? buf_extend(&rest->bytes, (size_t)len) : NULL;
	if (!at)
		return teg_fail(err, TEG_NOMEM, "no memory to move a manifest's pages");
	return os_read(c->store->os, rest->file, rest->path, off, at, (size_t)len, err);
}

/* ---- inline segments ---- */

static bool is_edited(const struct compose *c, struct span key)
{
	size_t lo = 0, hi = c->n_sorted;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (span_compare(c->edits[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n_sorted && span_equal(c->edits[lo].key, key);
}

static teg_status move_ref(struct compose *c, struct rest *rest, const struct key *key,
                           struct segment_ref *ref, uint32_t n_dims, struct manifest_entry entry,
                           teg_error *err)
{
	struct buf b;

	TEG_TRY(rest_read(c, rest, entry.off, entry.len, err));
	TEG_TRY(compose_unlive(c, ref->manifest, ref->len, err));
	ref->manifest = c->number;
	TEG_TRY(compose_inline(c, buf_span(&rest->bytes), entry, &ref->off, err));
	buf_init(&b, c->store->alloc, BUF_NO_LIMIT);
	record_put_segment(ref, n_dims, &b);
	return compose_put(c, key, &b, err);
}

/* Moves the segment if the catalog still finds it here and this commit does not replace it. */
static teg_status move_segment(struct compose *c, struct rest *rest, struct manifest_entry entry,
                               teg_error *err)
{
	struct key key = key_of_segment(entry.array_id, entry.first_version, entry.part);
	struct segment_ref ref = { 0 };
	struct cursor cursor;
	uint32_t n_dims;
	teg_status status;

	if (is_edited(c, key_span(&key)))
		return TEG_OK;
	cursor_init(&cursor, &c->base->source, &c->base->head.root);
	status = cursor_find(&cursor, key_span(&key), err);
	if (status == TEG_OK)
		status = record_segment_dims(cursor_entry(&cursor).value, &rest->arena, &n_dims,
		                             err);
	if (status == TEG_OK)
		status = record_parse_segment(key_span(&key), cursor_entry(&cursor).value, n_dims,
		                              &rest->arena, &rest->arena, &ref, err);
	cursor_release(&cursor);
	if (status != TEG_OK)
		return status == TEG_NOT_FOUND ? TEG_OK : status;
	if (!ref.inlined || ref.manifest != rest->head.record.version || ref.off != entry.off ||
	    ref.len != entry.len)
		return TEG_OK;
	return move_ref(c, rest, &key, &ref, n_dims, entry, err);
}

static teg_status move_segments(struct compose *c, struct rest *rest, teg_error *err)
{
	const struct manifest_layout *l = &rest->head.layout;
	struct span directory;

	TEG_TRY(rest_read(c, rest, l->dir_off, l->head_off - l->dir_off, err));
	if (hash_bytes(buf_span(&rest->bytes)) != rest->head.dir_hash)
		return TEG_OK;
	directory = arena_copy(&rest->arena, buf_span(&rest->bytes));
	if (!directory.at)
		return teg_fail(err, TEG_NOMEM, "no memory to move segments");
	for (size_t i = 0; i < directory.len / MANIFEST_ENTRY_LEN; i++)
		TEG_TRY(move_segment(c, rest, manifest_entry_at(directory, i), err));
	return TEG_OK;
}

teg_status compose_move_segments(struct compose *c, const struct manifest_use *from, teg_error *err)
{
	struct rest rest;
	teg_status status = rest_open(c, from->number, &rest, err);

	if (rest.file && status == TEG_OK)
		status = move_segments(c, &rest, err);
	rest_close(c, &rest);
	return status;
}

/* ---- pages ---- */

static teg_status touch_pages(struct compose *c, struct rest *rest, teg_error *err)
{
	struct span bytes = buf_span(&rest->bytes);
	struct page_ref ref = { .manifest = rest->head.record.version,
		                .off = rest->head.layout.pages_off };
	struct page page;

	for (size_t at = 0; at < bytes.len; at += ref.len, ref.off += ref.len) {
		if (bytes.len - at < PAGE_HEADER_LEN)
			return TEG_OK;
		ref.len = load_u32(bytes.at + at + 4);
		if (ref.len < PAGE_HEADER_LEN || ref.len > bytes.len - at)
			return TEG_OK;
		ref.hash = hash_bytes(span_of(bytes.at + at, ref.len));
		if (page_parse(span_of(bytes.at + at, ref.len), &page, NULL) != TEG_OK)
			return TEG_OK;
		if (page.n)
			TEG_TRY(tree_touch(&c->tree, &ref, page.level, page_key(&page, 0), err));
	}
	return TEG_OK;
}

teg_status compose_move_pages(struct compose *c, const struct manifest_use *from, teg_error *err)
{
	struct rest rest;
	teg_status status = rest_open(c, from->number, &rest, err);

	if (rest.file && status == TEG_OK)
		status = rest_read(c, &rest, rest.head.layout.pages_off,
		                   rest.head.layout.dir_off - rest.head.layout.pages_off, err);
	if (rest.file && status == TEG_OK)
		status = touch_pages(c, &rest, err);
	rest_close(c, &rest);
	return status;
}
