/* A whole segment: opened, walked, every column of every tile read. The footer's hashes are made to
 * fit the bytes first, so that damage reaches the parser behind them, as if a hostile writer had
 * computed them; pages and headers below it have fuzz targets of their own. */
#include <stdlib.h>
#include "codec/base/hash.h"
#include "engine/os/memory.h"
#include "engine/store/segment.h"

#define FILE_NAME "segments/00000000000000000000000000000000"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct schema *make_schema(struct arena *arena)
{
	teg_dimension dims[] = { { .name = "x", .type = { .type = TEG_INT64 } },
		                 { .name = "y", .type = { .type = TEG_INT32 } } };
	teg_attribute attrs[] = {
		{ .name = "a", .type = { .type = TEG_FLOAT64 }, .nullable = true },
		{ .name = "t", .type = { .type = TEG_UTF8 }, .nullable = true }
	};
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .valid_time = true,
		          .dimensions = dims,
		          .n_dimensions = 2,
		          .attributes = attrs,
		          .n_attributes = 2 };
	const struct schema *schema = NULL;

	return schema_from_spec(&spec, arena, &schema, NULL) == TEG_OK ? schema : NULL;
}

struct reading {
	struct segment *segment;
	struct tile_reader reader;
};

static void read_column(struct reading *r, const struct tile *tile, uint32_t id,
                        enum column_shape shape, uint32_t width)
{
	uint32_t n = tile->header.n_rows, at[2] = { 0, n - 1 };
	struct column_buf out;

	column_buf_init(&out, shape, width, teg_allocator_default());
	if (tile_read_column(&r->reader, tile, id, 0, n, &out, NULL) == TEG_OK && out.n != n)
		abort();
	column_buf_clear(&out);
	(void)tile_gather_column(&r->reader, tile, id, at, n > 1 ? 2 : 1, &out, NULL);
	column_buf_release(&out);
}

static teg_status read_tile(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct reading *r = ctx;
	struct tile tile;

	(void)number;
	if (tile_open(&tile, r->segment, entry, teg_allocator_default(), NULL) != TEG_OK)
		return TEG_OK;
	if (tile.header.shape != TILE_BOX) {
		read_column(r, &tile, 0, COLUMN_FIXED, 8);
		read_column(r, &tile, 1, COLUMN_FIXED, 4);
		read_column(r, &tile, 0x100, COLUMN_FIXED, 8);
		read_column(r, &tile, 0x101, COLUMN_BYTES, 0);
	}
	for (uint32_t id = COLUMN_ID_SYSTEM_FROM; id < COLUMN_ID_KIND; id++)
		read_column(r, &tile, id, COLUMN_FIXED, 8);
	read_column(r, &tile, COLUMN_ID_KIND, COLUMN_FIXED, 1);
	read_column(r, &tile, COLUMN_ID_EXACT, COLUMN_FIXED, 1);
	tile_release(&tile);
	return TEG_OK;
}

/* The footer, written anew, says the same. */
static void put_footer_again(const struct segment *segment)
{
	const teg_allocator *alloc = teg_allocator_default();
	struct segment_footer again;
	struct buf once, twice;
	uint64_t off, sum, sum_again;
	struct arena arena;
	uint32_t len;

	arena_init(&arena, alloc, 64u << 20);
	buf_init(&once, alloc, BUF_NO_LIMIT);
	buf_init(&twice, alloc, BUF_NO_LIMIT);
	segment_put_header(&once);
	if (segment_check_header(buf_span(&once), NULL) != TEG_OK)
		abort();
	buf_clear(&once);
	off = segment->ref->len; /* whatever lies before it */
	segment_put_footer(&segment->footer, off, &once, &sum);
	if (segment_parse_trailer(span_of(once.at + once.len - SEGMENT_TRAILER_LEN,
	                                  SEGMENT_TRAILER_LEN),
	                          off + once.len, &off, &len, NULL) != TEG_OK ||
	    segment_parse_footer(buf_span(&once), off + once.len, &arena, &again, NULL) != TEG_OK)
		abort();
	segment_put_footer(&again, off, &twice, &sum_again);
	if (sum != sum_again || !span_equal(buf_span(&once), buf_span(&twice)))
		abort();
	buf_release(&once);
	buf_release(&twice);
	arena_release(&arena);
}

static void read_segment(struct os *os, const struct segment_ref *ref, const struct schema *schema)
{
	struct segment segment;
	struct reading r = { .segment = &segment };
	struct os_file *file;
	teg_error err;

	if (os_open(os, FILE_NAME, &file, NULL) != TEG_OK)
		return;
	if (segment_open(&segment, ref, schema, os, file, teg_allocator_default(), &err) ==
	    TEG_OK) {
		put_footer_again(&segment);
		if (tile_reader_init(&r.reader, teg_allocator_default(), NULL) == TEG_OK) {
			(void)segment_walk(&segment, NULL, read_tile, &r, NULL, &err);
			tile_reader_release(&r.reader);
		}
		segment_release(&segment);
	}
	os_close(os, file);
}

/* Makes the trailer's own hash and the reference's checksum those of the bytes. */
static void sign(uint8_t *bytes, size_t len, struct segment_ref *ref)
{
	uint64_t footer_off = load_u64(bytes + len - SEGMENT_TRAILER_LEN);

	ref->len = len;
	if (footer_off > len - SEGMENT_TRAILER_LEN)
		return;
	store_u64(bytes + len - 16, hash_bytes(span_of(bytes + footer_off, len - 16 - footer_off)));
	ref->checksum = hash_bytes(span_of(bytes + footer_off, len - footer_off));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	struct segment_ref ref = { .fresh = true, .system_time = 1000 };
	uint8_t *bytes = malloc(size + 1);
	struct os_file *file = NULL;
	struct arena arena;
	const struct schema *schema;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX / 2);
	schema = make_schema(&arena);
	if (os && bytes && schema && size >= SEGMENT_HEADER_LEN + SEGMENT_TRAILER_LEN &&
	    os_make_dir(os, "", NULL) == TEG_OK && os_make_dir(os, "segments", NULL) == TEG_OK &&
	    os_create(os, FILE_NAME, &file, NULL) == TEG_OK) {
		memcpy(bytes, data, size);
		sign(bytes, size, &ref);
		if (os_write(os, file, FILE_NAME, span_of(bytes, size), NULL) == TEG_OK)
			read_segment(os, &ref, schema);
		os_close(os, file);
	}
	free(bytes);
	arena_release(&arena);
	os_free(os);
	return 0;
}
