/* Lists, fixed-size lists and structs of a tile: any header over any chunks is refused, or gives columns
 * whose parts fit together, the same whether all rows are read or each alone.
 *
 *   length of the header, u32 | header | chunks
 *
 * Hashes of pages are made to fit first, so that damage reaches what is behind them. The highest byte of
 * the length, above 0: how many allocations a second run is given. */
#include <stdlib.h>
#include "codec/base/hash.h"
#include "engine/os/memory.h"
#include "engine/store/segment.h"
#include "fuzz/failing.h"

#define FILE_NAME "segments/00000000000000000000000000000000"
#define N_ATTRIBUTES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* That of the golden store with lists: format-spec/vectors/stores/nested. */
static const struct schema *make_schema(struct arena *arena)
{
	static const teg_attribute floats[] = { { .type = { .type = TEG_FLOAT32 } } };
	static const teg_attribute ints[] = { { .type = { .type = TEG_INT32 }, .nullable = true } };
	static const teg_attribute pair[] = { { .type = { .type = TEG_FLOAT64 } } };
	static const teg_attribute point[] = {
		{ .name = "at",
		  .type = { .type = TEG_FIXED_LIST,
		            .list_size = 2,
		            .children = pair,
		            .n_children = 1 } },
		{ .name = "tag", .type = { .type = TEG_UTF8 }, .nullable = true },
	};
	static const teg_attribute points[] = {
		{ .type = { .type = TEG_STRUCT, .children = point, .n_children = 2 },
		  .nullable = true },
	};
	static const teg_attribute attributes[N_ATTRIBUTES] = {
		{ .name = "list",
		  .type = { .type = TEG_LIST, .children = ints, .n_children = 1 },
		  .nullable = true },
		{ .name = "vector",
		  .type = { .type = TEG_FIXED_LIST,
		            .list_size = 70,
		            .children = floats,
		            .n_children = 1 },
		  .nullable = true },
		{ .name = "points",
		  .type = { .type = TEG_LIST, .children = points, .n_children = 1 },
		  .nullable = true },
	};
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attributes,
		          .n_attributes = N_ATTRIBUTES };
	const struct schema *schema = NULL;

	must(schema_from_spec(&spec, arena, &schema, NULL) == TEG_OK);
	return schema;
}

/* ---- what was read ---- */

static void check_tree(const struct column_buf *b)
{
	struct column view = column_buf_view(b);
	size_t from, n;

	must(!b->n_nulls || b->validity);
	for (size_t i = 0; shape_has_offsets(b->shape) && i < b->n; i++)
		must(b->offsets[i] <= b->offsets[i + 1]);
	if (!b->n_children || !b->n)
		return;
	column_child_range(&view, 0, b->n, &from, &n);
	for (uint32_t i = 0; i < b->n_children; i++) {
		must(from == 0 && b->children[i].n == n);
		check_tree(&b->children[i]);
	}
}

static void check_same(const struct column *a, size_t i, const struct column *b, size_t j)
{
	size_t from_a, from_b, n_a, n_b;

	must(column_valid(a, i) == column_valid(b, j));
	if (!column_valid(a, i))
		return;
	if (!shape_is_nested(a->shape)) {
		must(span_equal(column_value(a, i), column_value(b, j)));
		return;
	}
	column_child_range(a, i, 1, &from_a, &n_a);
	column_child_range(b, j, 1, &from_b, &n_b);
	must(n_a == n_b);
	for (uint32_t c = 0; c < (a->shape == COLUMN_STRUCT ? 2 : 1); c++) {
		struct column x = column_buf_view(&a->children[c]);
		struct column y = column_buf_view(&b->children[c]);

		for (size_t k = 0; k < n_a; k++)
			check_same(&x, from_a + k, &y, from_b + k);
	}
}

/* ---- reading ---- */

struct reading {
	struct tile_reader reader;
	struct tile tile;
	const struct schema *schema;
	const teg_allocator *alloc;
};

/* Rows from the last to the first, in twos and threes, against all of them at once. */
static void read_parts(struct reading *r, const struct field *f, const struct column_buf *all)
{
	struct column whole = column_buf_view(all);
	uint32_t n = r->tile.header.n_rows, step = n / 7 + 1;
	struct column_buf part;

	column_buf_init_as(&part, field_layout(f), r->alloc);
	for (uint32_t from = 0; from < n; from += step) {
		uint32_t at[3] = { from, from + step / 2, n - 1 };
		uint32_t n_at = at[1] > at[0] && at[1] < at[2] ? 3 : 1;
		struct column view;

		column_buf_clear(&part);
		must(tile_gather_column(&r->reader, &r->tile, f->id, at, n_at, &part, NULL) ==
		     TEG_OK);
		must(part.n == n_at);
		view = column_buf_view(&part);
		for (uint32_t i = 0; i < n_at; i++)
			check_same(&whole, at[i], &view, i);
	}
	column_buf_release(&part);
}

static void read_attribute(struct reading *r, const struct field *f, const struct failing *memory)
{
	uint32_t n = r->tile.header.n_rows;
	struct column_buf all;
	teg_error err;
	teg_status status;

	column_buf_init_as(&all, field_layout(f), r->alloc);
	status = tile_read_column(&r->reader, &r->tile, f->id, 0, n, &all, &err);
	must(status == TEG_OK || err.status == status);
	must(status != TEG_NOMEM || (memory && memory->refused));
	must(all.n == (status == TEG_OK ? n : 0));
	if (status == TEG_OK) {
		check_tree(&all);
		if (!memory)
			read_parts(r, f, &all);
	}
	column_buf_release(&all);
}

/* Pages say the hashes that they have. */
static void sign(const struct tile_header *header, struct span chunks)
{
	for (uint32_t c = 0; c < header->n_columns; c++) {
		const struct tile_column *column = &header->columns[c];
		struct chunk *chunk = (struct chunk *)&column->chunk;
		const uint8_t *at = chunks.at + column->off;

		if (chunk->encoding == ENCODING_DICTIONARY)
			chunk->dictionary.hash = hash_bytes(
				span_of(at + chunk->dictionary.off, chunk->dictionary.stored_len));
		for (uint32_t p = 0; p < chunk->n_pages; p++) {
			struct chunk_page *page = (struct chunk_page *)&chunk->pages[p];

			page->hash = hash_bytes(span_of(at + page->off, page->stored_len));
		}
	}
}

static void read_tile(struct reading *r, struct segment *segment, struct span header,
                      struct span chunks, const struct failing *memory)
{
	teg_error err;

	r->tile.segment = segment;
	r->tile.entry = (struct index_entry){ .off = 4,
		                              .len = header.len + chunks.len,
		                              .header_len = (uint32_t)header.len };
	arena_init(&r->tile.arena, teg_allocator_default(), 64u << 20);
	if (tile_parse_header(header, chunks.len, &r->tile.arena, &r->tile.header, &err) ==
	            TEG_OK &&
	    r->tile.header.shape == TILE_SPARSE &&
	    tile_reader_init(&r->reader, r->alloc, NULL) == TEG_OK) {
		sign(&r->tile.header, chunks);
		for (uint32_t a = 0; a < N_ATTRIBUTES; a++)
			if (tile_find_column(&r->tile.header, r->schema->attrs[a].id))
				read_attribute(r, &r->schema->attrs[a], memory);
		tile_reader_release(&r->reader);
	}
	tile_release(&r->tile);
}

static void read_all(struct os *os, const struct schema *schema, struct span header,
                     struct span chunks, const teg_allocator *alloc, const struct failing *memory)
{
	static const struct segment_ref ref;
	struct segment segment = { .ref = &ref, .schema = schema, .os = os, .path = FILE_NAME };
	struct reading r = { .schema = schema, .alloc = alloc };

	if (os_open(os, FILE_NAME, &segment.file, NULL) != TEG_OK)
		return;
	segment.alloc = alloc;
	read_tile(&r, &segment, header, chunks, memory);
	os_close(os, segment.file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t len = size > 8 ? load_u32(data) : 0, header_len = len & 0xffffff;
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	struct os_file *file = NULL;
	struct failing memory;
	struct arena arena;
	struct span header, chunks;

	arena_init(&arena, teg_allocator_default(), SIZE_MAX / 2);
	if (os && header_len && header_len <= size - 4 && os_make_dir(os, "", NULL) == TEG_OK &&
	    os_make_dir(os, "segments", NULL) == TEG_OK &&
	    os_create(os, FILE_NAME, &file, NULL) == TEG_OK) {
		const struct schema *schema = make_schema(&arena);

		must(os_write(os, file, FILE_NAME, span_of(data, size), NULL) == TEG_OK);
		header = span_of(data + 4, header_len);
		chunks = span_of(data + 4 + header_len, size - 4 - header_len);
		read_all(os, schema, header, chunks, teg_allocator_default(), NULL);
		if (len >> 24) {
			failing_init(&memory, len >> 24);
			read_all(os, schema, header, chunks, &memory.alloc, &memory);
		}
		os_close(os, file);
	}
	arena_release(&arena);
	os_free(os);
	return 0;
}
