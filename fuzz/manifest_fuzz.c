/* A manifest file: header, trailer, head, and the catalog below its root with every record in it.
 * Hashes are made to fit or passed over, so that damage reaches the parsers behind them, as if a
 * hostile writer had computed them. All pages are looked for in this one file. */
#include <stdlib.h>
#include "codec/base/hash.h"
#include "engine/store/catalog.h"
#include "engine/store/keys.h"
#include "engine/store/manifest.h"
#include "engine/store/marker.h"
#include "engine/store/version.h"

#define STEPS_MAX 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static teg_status read_page(void *ctx, const struct page_ref *ref, struct buf *into, teg_error *err)
{
	const struct span *file = ctx;

	if (ref->off > file->len || ref->len > file->len - ref->off)
		return teg_fail(err, TEG_CORRUPT, "outside the file");
	buf_clear(into);
	buf_append(into, file->at + ref->off, ref->len);
	return buf_status(into);
}

static void parse_entry(struct page_entry entry)
{
	struct arena arena;
	struct array_record array;
	struct segment_ref segment = { 0 };
	struct version_record version;
	struct writer_record writer;
	const struct schema *schema;
	uint32_t n_dims;

	arena_init(&arena, teg_allocator_default(), 64u << 20);
	if (record_parse_array(entry.value, &arena, &array, NULL) == TEG_OK)
		(void)schema_parse(array.schema, &arena, &schema, NULL);
	if (record_segment_dims(entry.value, &arena, &n_dims, NULL) == TEG_OK &&
	    record_parse_segment(entry.key, entry.value, n_dims, &arena, &arena, &segment, NULL) ==
	            TEG_OK &&
	    (n_dims > TEG_MAX_DIMENSIONS || segment.last_version < segment.first_version))
		abort();
	(void)record_parse_version(1, entry.value, &arena, &version, NULL);
	(void)record_parse_writer(entry.value, &arena, &writer, NULL);
	arena_release(&arena);
}

/* Forwards through everything: keys ascend, or the walk ends with an error. */
static void walk(struct span file, const struct page_ref *root)
{
	struct page_source source = { read_page, &file, teg_allocator_default() };
	struct cursor c;

	cursor_init(&c, &source, root);
	if (cursor_seek(&c, (struct span){ NULL, 0 }, NULL) == TEG_OK)
		for (int i = 0; i < STEPS_MAX && c.valid; i++) {
			parse_entry(cursor_entry(&c));
			if (cursor_next(&c, NULL) != TEG_OK)
				break;
		}
	(void)cursor_floor(&c, span_of("V\xff", 2), NULL);
	(void)cursor_find(&c, span_of("Aa", 2), NULL);
	cursor_release(&c);
}

static void make_ends_fit(uint8_t *bytes, size_t size)
{
	uint8_t ends[MANIFEST_HEADER_LEN + 48];

	memcpy(ends, bytes, MANIFEST_HEADER_LEN);
	memcpy(ends + MANIFEST_HEADER_LEN, bytes + size - MANIFEST_TRAILER_LEN, 48);
	store_u64(bytes + size - 16, hash_bytes(span_of(ends, sizeof ends)));
}

static void parse_file(uint8_t *bytes, size_t size)
{
	struct span header = span_of(bytes, MANIFEST_HEADER_LEN);
	struct span trailer = span_of(bytes + size - MANIFEST_TRAILER_LEN, MANIFEST_TRAILER_LEN);
	uint64_t number = load_u64(bytes + 16);
	struct manifest_layout layout;
	struct manifest_head head;
	struct arena arena;

	make_ends_fit(bytes, size);
	(void)manifest_check_header(header, number, bytes + 24, NULL);
	if (manifest_parse_trailer(header, trailer, size, &layout, NULL) != TEG_OK)
		return;
	if (layout.head_off + layout.head_len > size || layout.dir_off > layout.head_off)
		abort();
	arena_init(&arena, teg_allocator_default(), 64u << 20);
	if (manifest_parse_head(span_of(bytes + layout.head_off, layout.head_len), number, &arena,
	                        &head, NULL) == TEG_OK)
		walk(span_of(bytes, size), &head.root);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct marker marker;
	uint8_t *bytes;

	(void)marker_parse(span_of(data, size), &marker, NULL);
	(void)hint_parse(span_of(data, size));
	if (size < MANIFEST_HEADER_LEN + MANIFEST_TRAILER_LEN)
		return 0;
	bytes = malloc(size);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	parse_file(bytes, size);
	free(bytes);
	return 0;
}
