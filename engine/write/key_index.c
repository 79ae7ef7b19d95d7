#include "engine/write/key_index.h"
#include "engine/schema/key.h"
#include "engine/write/spool.h"

#define PUSH_ROWS 65536

struct key_index {
	const struct schema *schema; /* of the host */
	const struct schema *entries;
	struct segment_sink *sink;
	struct spool *spool;
	struct arena arena;
	uint64_t last_code, last_row;
	bool any;
	const teg_allocator *alloc;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a key index");
}

/* The same name but for its last bytes: no other file of the writer has it, for names are random. */
static void spool_path(const char *path, char out[OS_PATH_MAX])
{
	size_t len = strlen(path), tail = len < 8 ? len : 8;

	memcpy(out, path, len + 1);
	for (size_t i = len - tail; i < len; i++)
		out[i] = out[i] < 'a' ? (char)('a' + (out[i] - '0') % 6) : '0';
}

static teg_status make_parts(struct key_index *index, teg_error *err)
{
	char path[OS_PATH_MAX];

	spool_path(index->sink->path, path);
	index->spool = spool_new(index->sink->os, path, 0, index->alloc);
	if (!index->spool)
		return no_memory(err);
	return key_index_schema(&index->arena, &index->entries, err);
}

teg_status key_index_new(const struct schema *schema, struct segment_sink *sink,
                         const teg_allocator *alloc, struct key_index **index_out, teg_error *err)
{
	struct key_index *index = mem_zalloc(alloc, sizeof *index);
	teg_status status;

	if (!index)
		return no_memory(err);
	index->schema = schema;
	index->sink = sink;
	index->alloc = alloc;
	arena_init(&index->arena, alloc, SIZE_MAX);
	status = make_parts(index, err);
	if (status == TEG_OK)
		*index_out = index;
	else
		key_index_free(index);
	return status;
}

void key_index_free(struct key_index *index)
{
	if (!index)
		return;
	spool_free(index->spool);
	arena_release(&index->arena);
	mem_free(index->alloc, index, sizeof *index);
}

/* Versions of one row that keep its key are neighbours: one entry serves them. */
static teg_status add(struct key_index *index, uint64_t code, uint64_t row, teg_error *err)
{
	if (index->any && index->last_code == code && index->last_row == row)
		return TEG_OK;
	index->any = true;
	index->last_code = code;
	index->last_row = row;
	return spool_add(index->spool, code, row, err);
}

teg_status key_index_add(struct key_index *index, const struct slice *slice, uint64_t ordinal,
                         teg_error *err)
{
	const struct rows *rows = slice->rows;
	const struct field *key = index->schema->key;
	struct column values = column_buf_view(&rows->attrs[key - index->schema->attrs]);
	const int64_t *ids =
		rows->implicit_ids ? NULL : (const int64_t *)(const void *)rows->dims[0].values;

	for (uint32_t i = 0; i < slice->n; i++) {
		uint32_t row = slice_row(slice, i);

		if (rows_kind(rows, row) != ROW_LIVE || !column_valid(&values, row))
			continue;
		TEG_TRY(add(index, key_code(key, column_value(&values, row)),
		            ids ? (uint64_t)ids[row] : ordinal + i, err));
	}
	return TEG_OK;
}

/* ---- the entries as a segment ---- */

static teg_status fill(struct rows *rows, const struct spool_pair *pairs, size_t n, teg_error *err)
{
	uint64_t *codes, *ids;

	rows_clear(rows);
	codes = column_buf_extend(&rows->dims[0], n);
	ids = column_buf_extend(&rows->attrs[0], n);
	if (!codes || !ids)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		codes[i] = pairs[i].key;
		ids[i] = pairs[i].value;
	}
	rows->n = (uint32_t)n;
	return TEG_OK;
}

static teg_status push_all(struct key_index *index, struct tiler *tiler, struct rows *rows,
                           struct spool_pair *pairs, teg_error *err)
{
	for (;;) {
		size_t n;

		TEG_TRY(spool_next(index->spool, pairs, PUSH_ROWS, &n, err));
		if (!n)
			return TEG_OK;
		TEG_TRY(fill(rows, pairs, n, err));
		TEG_TRY(tiler_push(tiler, rows, NULL, (uint32_t)n, err));
	}
}

static teg_status write_entries(struct key_index *index, const struct tiler_options *options,
                                struct segment_result *result_out, teg_error *err)
{
	struct spool_pair *pairs = mem_array(index->alloc, PUSH_ROWS, sizeof *pairs);
	struct tiler *tiler = NULL;
	struct rows rows;
	teg_status status = pairs ? TEG_OK : no_memory(err);

	if (status == TEG_OK)
		status = tiler_new(index->entries, options, index->sink, index->alloc, &tiler, err);
	if (status == TEG_OK)
		status = rows_init(&rows, index->entries, index->alloc, err);
	if (status == TEG_OK) {
		status = push_all(index, tiler, &rows, pairs, err);
		rows_release(&rows);
	}
	if (status == TEG_OK)
		status = tiler_finish(tiler, result_out, err);
	tiler_free(tiler);
	mem_free(index->alloc, pairs, PUSH_ROWS * sizeof *pairs);
	return status;
}

teg_status key_index_finish(struct key_index *index, const struct tiler_options *options,
                            struct segment_footer *footer, teg_error *err)
{
	struct segment_sink *sink = index->sink;
	struct tiler_options entries = *options;
	struct segment_result result;
	uint64_t outer = sink->base;
	teg_status status;

	if (!index->any)
		return TEG_OK;
	TEG_TRY(spool_finish(index->spool, err));
	footer->keys.off = sink_offset(sink);
	entries.fresh = true;
	sink->base = sink->len;
	status = write_entries(index, &entries, &result, err);
	sink->base = outer;
	TEG_TRY(status);
	footer->keys.len = result.len;
	footer->keys.checksum = result.checksum;
	return TEG_OK;
}
