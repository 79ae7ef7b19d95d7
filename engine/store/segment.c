#include "engine/store/segment.h"
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "engine/store/headers.h"
#include "engine/store/segment_keys.h"

#define TAIL_LEN 4096 /* bytes: trailer, footer and often the root page in one read */

struct index_leaf {
	struct arena arena;
	struct index_page page;
};

void segment_path(const struct segment_ref *ref, char path_out[OS_PATH_MAX])
{
	int len;

	if (ref->inlined) {
		snprintf(path_out, OS_PATH_MAX, "manifests/%020llu",
		         (unsigned long long)ref->manifest);
		return;
	}
	len = snprintf(path_out, OS_PATH_MAX, "segments/");
	for (size_t i = 0; i < sizeof ref->object; i++)
		len += snprintf(path_out + len, (size_t)(OS_PATH_MAX - len), "%02x",
		                ref->object[i]);
}

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to open a segment");
}

/* ---- opening ---- */

/* The last bytes of the segment, and where in it they start. */
struct tail {
	uint8_t *at;
	size_t len;
	uint64_t off;
};

static teg_status read_at(const struct segment *s, uint64_t off, void *to, size_t len,
                          teg_error *err)
{
	return os_read(s->os, s->file, s->path, s->ref->off + off, to, len, err);
}

/* `len` bytes at `off` of the segment, out of the tail where it holds them, else into the arena. */
static teg_status bytes_at(struct segment *s, const struct tail *tail, uint64_t off, size_t len,
                           struct span *out, teg_error *err)
{
	uint8_t *to;

	if (off >= tail->off) {
		*out = span_of(tail->at + (off - tail->off), len);
		return TEG_OK;
	}
	to = arena_alloc(&s->arena, len);
	if (!to)
		return no_memory(err);
	*out = span_of(to, len);
	return read_at(s, off, to, len, err);
}

static teg_status corrupt(const struct segment *s, uint64_t off, const char *what, teg_error *err)
{
	teg_fail(err, TEG_CORRUPT, "%s", what);
	error_in_file(err, TEG_CORRUPT, s->path);
	return error_at_offset(err, TEG_CORRUPT, (int64_t)(s->ref->off + off));
}

static teg_status check_size(const struct segment *s, teg_error *err)
{
	uint64_t size, end;

	TEG_TRY(os_size(s->os, s->file, s->path, &size, err));
	if (s->ref->len < SEGMENT_HEADER_LEN + SEGMENT_TRAILER_LEN ||
	    !u64_add(s->ref->off, s->ref->len, &end))
		return corrupt(s, 0, "a reference names a segment that is too short to be one",
		               err);
	if (s->ref->inlined || s->ref->within ? size < end : size != end)
		return corrupt(s, 0, "the file does not have the length that its reference states",
		               err);
	return TEG_OK;
}

static teg_status read_footer(struct segment *s, const struct tail *tail, teg_error *err)
{
	struct span bytes, header;
	uint64_t off;
	uint32_t len;

	TEG_TRY(bytes_at(s, tail, 0, SEGMENT_HEADER_LEN, &header, err));
	TEG_TRY(segment_check_header(header, err));
	TEG_TRY(segment_parse_trailer(span_of(tail->at + tail->len - SEGMENT_TRAILER_LEN,
	                                      SEGMENT_TRAILER_LEN),
	                              s->ref->len, &off, &len, err));
	TEG_TRY(bytes_at(s, tail, off, (size_t)(s->ref->len - off), &bytes, err));
	if (hash_bytes(bytes) != s->ref->checksum)
		return corrupt(s, off, "the footer's checksum differs from the reference's", err);
	TEG_TRY(segment_parse_footer(bytes, s->ref->len, &s->arena, &s->footer, err));
	if (s->footer.n_dims != s->schema->n_dims || s->footer.fresh != s->ref->fresh ||
	    s->footer.implicit_ids != s->ref->implicit_ids)
		return corrupt(s, off,
		               "the footer does not agree with the array's schema and reference",
		               err);
	return TEG_OK;
}

static uint64_t row_id_lane(const struct segment_ref *ref, uint64_t ordinal)
{
	return lane_of_i64((int64_t)((uint64_t)ref->first_row_id + ordinal));
}

/* What only the reference knows: the commit's time and its first row id. */
static void fill_in(const struct segment_ref *ref, struct index_entry *entry)
{
	if (ref->fresh)
		entry->system_from_min = entry->system_from_max = ref->system_time;
	if (!ref->implicit_ids)
		return;
	entry->lo[0] = row_id_lane(ref, entry->lo[0]);
	entry->hi[0] = row_id_lane(ref, entry->hi[0]);
	entry->first[0] = row_id_lane(ref, entry->first[0]);
	entry->last[0] = row_id_lane(ref, entry->last[0]);
}

static teg_status parse_page(const struct segment *s, struct span bytes,
                             const struct index_entry *entry, struct arena *arena,
                             struct index_page *out, teg_error *err)
{
	if (hash_bytes(bytes) != entry->hash)
		return corrupt(s, entry->off, "an index page's checksum differs", err);
	TEG_TRY(index_parse_page(bytes, s->ref->len, s->footer.n_dims, s->footer.n_attrs, arena,
	                         out, err));
	for (uint32_t i = 0; i < out->n; i++)
		fill_in(s->ref, &out->entries[i]);
	return TEG_OK;
}

static teg_status read_root(struct segment *s, const struct tail *tail, teg_error *err)
{
	const struct index_entry *root = &s->footer.root;
	struct span bytes;

	if (!s->footer.levels)
		return TEG_OK;
	TEG_TRY(bytes_at(s, tail, root->off, (size_t)root->len, &bytes, err));
	TEG_TRY(parse_page(s, bytes, root, &s->arena, &s->root, err));
	if (s->root.leaf != (s->footer.levels == 1))
		return corrupt(s, root->off,
		               "the index does not have the levels that the footer states", err);
	if (s->root.leaf)
		return TEG_OK;
	s->lower = arena_array(&s->arena, s->root.n, sizeof *s->lower);
	return s->lower ? TEG_OK : no_memory(err);
}

static teg_status open_parts(struct segment *s, teg_error *err)
{
	struct tail tail = { NULL, 0, 0 };

	TEG_TRY(check_size(s, err));
	tail.len = (size_t)(s->ref->len < TAIL_LEN ? s->ref->len : TAIL_LEN);
	tail.off = s->ref->len - tail.len;
	tail.at = arena_alloc(&s->arena, tail.len);
	if (!tail.at)
		return no_memory(err);
	TEG_TRY(read_at(s, tail.off, tail.at, tail.len, err));
	TEG_TRY(read_footer(s, &tail, err));
	return read_root(s, &tail, err);
}

void segment_map(struct segment *s)
{
	uint64_t end = s->ref->off + s->ref->len; /* as far as was checked against the file */

	if (!s->ref->inlined && end <= SIZE_MAX)
		(void)os_map(s->os, s->file, s->path, (size_t)end, &s->map, NULL);
}

const uint8_t *segment_mapped(const struct segment *s, uint64_t off, uint64_t len)
{
	if (!s->map || off > s->map->len || len > s->map->len - off)
		return NULL;
	return s->map->at + off;
}

teg_status segment_keep_headers(struct segment *segment, size_t len_max, teg_error *err)
{
	uint64_t n_tiles = segment->footer.levels == 1 ? segment->root.n : UINT64_MAX;

	segment->headers = headers_new(n_tiles, len_max, segment->alloc);
	return segment->headers ? TEG_OK : no_memory(err);
}

teg_status segment_open(struct segment *segment, const struct segment_ref *ref,
                        const struct schema *schema, struct os *os, struct os_file *file,
                        const teg_allocator *alloc, teg_error *err)
{
	teg_status status;

	memset(segment, 0, sizeof *segment);
	segment->ref = ref;
	segment->schema = schema;
	segment->os = os;
	segment->file = file;
	segment->alloc = alloc;
	segment_path(ref, segment->path);
	arena_init(&segment->arena, alloc, SIZE_MAX);
	status = open_parts(segment, err);
	if (status == TEG_OK)
		return TEG_OK;
	segment_release(segment);
	return error_in_file(err, status, segment->path);
}

static void free_leaf(struct index_leaf *leaf, const teg_allocator *alloc)
{
	if (!leaf)
		return;
	arena_release(&leaf->arena);
	mem_free(alloc, leaf, sizeof *leaf);
}

void segment_release(struct segment *segment)
{
	segment_keys_free(atomic_load(&segment->keys), segment->alloc);
	atomic_store(&segment->keys, NULL);
	for (uint32_t i = 0; segment->lower && i < segment->root.n; i++)
		free_leaf(atomic_load(&segment->lower[i]), segment->alloc);
	segment->lower = NULL;
	headers_free(segment->headers);
	segment->headers = NULL;
	os_map_drop(segment->map);
	segment->map = NULL;
	arena_release(&segment->arena);
}

/* ---- walking ---- */

struct walking {
	struct segment *segment;
	index_keep keep;
	index_each each;
	void *ctx;
	struct index_counters *counters;
	uint64_t number;
	teg_error *err;
};

static teg_status load_leaf(struct segment *s, const struct index_entry *entry,
                            struct index_leaf **out, teg_error *err)
{
	struct index_leaf *leaf = mem_zalloc(s->alloc, sizeof *leaf);
	uint8_t *bytes = mem_alloc(s->alloc, (size_t)entry->len);
	teg_status status = leaf && bytes ? read_at(s, entry->off, bytes, (size_t)entry->len, err)
	                                  : no_memory(err);

	if (leaf)
		arena_init(&leaf->arena, s->alloc, SIZE_MAX);
	if (status == TEG_OK)
		status = parse_page(s, span_of(bytes, (size_t)entry->len), entry, &leaf->arena,
		                    &leaf->page, err);
	mem_free(s->alloc, bytes, (size_t)entry->len);
	if (status == TEG_OK)
		*out = leaf;
	else
		free_leaf(leaf, s->alloc);
	return status;
}

static teg_status walk_page(struct walking *w, const struct index_page *page, uint32_t level);

/* Pages below the root are kept once some walk has loaded them; deeper ones are read each time. */
static teg_status walk_below(struct walking *w, const struct index_page *page, uint32_t i,
                             uint32_t level)
{
	struct segment *s = w->segment;
	bool kept = page == &s->root;
	struct index_leaf *leaf = kept ? atomic_load(&s->lower[i]) : NULL, *other = NULL;
	teg_status status;

	if (w->counters)
		w->counters->pages_read++;
	if (!leaf) {
		TEG_TRY(load_leaf(s, &page->entries[i], &leaf, w->err));
		if (w->counters) {
			w->counters->reads++;
			w->counters->read_bytes += page->entries[i].len;
		}
		if (kept && !atomic_compare_exchange_strong(&s->lower[i], &other, leaf)) {
			free_leaf(leaf, s->alloc); /* another thread was faster */
			leaf = other;
		}
	}
	status = leaf->page.leaf == (level == 2)
	                 ? walk_page(w, &leaf->page, level - 1)
	                 : corrupt(s, page->entries[i].off,
	                           "the index has another depth than it states", w->err);
	if (!kept)
		free_leaf(leaf, s->alloc);
	return status;
}

static teg_status walk_page(struct walking *w, const struct index_page *page, uint32_t level)
{
	for (uint32_t i = 0; i < page->n; i++) {
		const struct index_entry *entry = &page->entries[i];
		uint64_t number = w->number;

		w->number += page->leaf ? 1 : entry->n_tiles;
		if (w->keep && !w->keep(w->ctx, entry, page->leaf)) {
			if (!page->leaf && w->counters)
				w->counters->pages_pruned++;
			continue;
		}
		if (page->leaf) {
			if (w->each)
				TEG_TRY(w->each(w->ctx, entry, number));
			continue;
		}
		w->number = number;
		TEG_TRY(walk_below(w, page, i, level));
		w->number = number + entry->n_tiles;
	}
	return TEG_OK;
}

teg_status segment_walk(struct segment *segment, index_keep keep, index_each each, void *ctx,
                        struct index_counters *counters, teg_error *err)
{
	struct walking w = { segment, keep, each, ctx, counters, 0, err };

	if (!segment->footer.levels)
		return TEG_OK;
	if (counters)
		counters->pages_read++;
	return walk_page(&w, &segment->root, segment->footer.levels);
}
