#include "engine/write/tiler.h"
#include "engine/write/encode.h"
#include "engine/write/fit.h"
#include "engine/write/key_index.h"
#include "engine/write/levels.h"

/* Rows wait in `pending` until it is known where their tile ends, which takes one row more than the
 * tile has. A push that brings whole tiles is cut where it lies, without that copy. */
struct tiler {
	const struct schema *schema;
	struct tiler_options options;
	struct order order;
	struct encoder *encoder;
	struct levels levels;
	struct key_index *keys; /* NULL: the array has no key */
	struct segment_sink *sink;
	struct rows pending, spare;
	bool has_rows; /* pending and spare are made */
	bool implicit_ids, begun;
	bool one_step;      /* the rows at hand are of one step of the grid */
	bool goes_on;       /* the row before the next tile is of the same cell, maybe */
	uint32_t cells_max; /* rows of a tile */
	uint64_t ordinal;   /* rows in tiles so far */
	uint64_t *lanes[TEG_MAX_DIMENSIONS]; /* of the rows that a grid step is looked for in */
	struct column_stats *stats;
	uint32_t *attr_ids;
	uint32_t *long_columns; /* columns that may end a tile */
	uint32_t n_long;
	const teg_allocator *alloc;
};

/* ---- life cycle ---- */

static size_t n_stats(const struct tiler *t)
{
	return t->schema->n_attrs ? t->schema->n_attrs : 1;
}

static size_t n_fields(const struct tiler *t)
{
	return (size_t)t->schema->n_dims + t->schema->n_attrs;
}

static uint32_t widest(const struct schema *schema)
{
	uint32_t width = 1;

	for (uint32_t a = 0; a < schema->n_attrs; a++)
		if (schema->attrs[a].shape == COLUMN_FIXED && schema->attrs[a].width > width)
			width = schema->attrs[a].width;
	return width;
}

static uint32_t cells_max_of(const struct schema *schema)
{
	uint32_t most = schema->tile_cells, fit = TILE_COLUMN_MAX / widest(schema);

	if (!most || most > TILE_CELLS_MAX || schema->kind == TEG_DENSE)
		most = TILE_CELLS_MAX;
	return fit < most ? fit : most;
}

static teg_status make_parts(struct tiler *t, teg_error *err)
{
	t->encoder = encoder_new(t->schema, &t->order, &t->options, t->alloc);
	t->stats = mem_array(t->alloc, n_stats(t), sizeof *t->stats);
	t->attr_ids = mem_array(t->alloc, n_stats(t), sizeof *t->attr_ids);
	t->long_columns = mem_array(t->alloc, n_fields(t), sizeof *t->long_columns);
	if (!t->encoder || !t->stats || !t->attr_ids || !t->long_columns)
		return teg_fail(err, TEG_NOMEM, "no memory to write tiles");
	for (uint32_t a = 0; a < t->schema->n_attrs; a++)
		t->attr_ids[a] = t->schema->attrs[a].id;
	if (t->schema->key)
		return key_index_new(t->schema, t->sink, t->alloc, &t->keys, err);
	return TEG_OK;
}

teg_status tiler_new(const struct schema *schema, const struct tiler_options *options,
                     struct segment_sink *sink, const teg_allocator *alloc,
                     struct tiler **tiler_out, teg_error *err)
{
	struct tiler *t = mem_zalloc(alloc, sizeof *t);
	teg_status status;

	if (!t)
		return teg_fail(err, TEG_NOMEM, "no memory to write tiles");
	t->schema = schema;
	t->options = *options;
	t->sink = sink;
	t->alloc = alloc;
	t->cells_max = cells_max_of(schema);
	order_init(&t->order, schema);
	levels_init(&t->levels, schema->n_dims, schema->n_attrs, sink, alloc);
	status = make_parts(t, err);
	if (status != TEG_OK) {
		tiler_free(t);
		return status;
	}
	*tiler_out = t;
	return TEG_OK;
}

void tiler_free(struct tiler *t)
{
	if (!t)
		return;
	encoder_free(t->encoder);
	key_index_free(t->keys);
	levels_release(&t->levels);
	if (t->has_rows) {
		rows_release(&t->pending);
		rows_release(&t->spare);
	}
	for (uint32_t d = 0; d < t->schema->n_dims; d++)
		mem_free(t->alloc, t->lanes[d], (size_t)TILE_CELLS_MAX * sizeof **t->lanes);
	mem_free(t->alloc, t->stats, n_stats(t) * sizeof *t->stats);
	mem_free(t->alloc, t->attr_ids, n_stats(t) * sizeof *t->attr_ids);
	mem_free(t->alloc, t->long_columns, n_fields(t) * sizeof *t->long_columns);
	mem_free(t->alloc, t, sizeof *t);
}

static teg_status begin(struct tiler *t, teg_error *err)
{
	struct buf head;
	teg_status status;

	if (t->begun)
		return TEG_OK;
	buf_init(&head, t->alloc, SEGMENT_HEADER_LEN);
	segment_put_header(&head);
	status = buf_status(&head) == TEG_OK
	                 ? sink_write(t->sink, buf_span(&head), err)
	                 : teg_fail(err, TEG_NOMEM, "no memory for a segment's header");
	buf_release(&head);
	t->begun = status == TEG_OK;
	return status;
}

/* ---- where a tile ends ---- */

static const struct column_buf *field_of(const struct tiler *t, const struct rows *rows, uint32_t c)
{
	return c < t->schema->n_dims ? &rows->dims[c] : &rows->attrs[c - t->schema->n_dims];
}

static void find_long_columns(struct tiler *t, const struct rows *rows)
{
	t->n_long = 0;
	for (uint32_t c = 0; c < n_fields(t); c++)
		if (fit_may_fill(field_of(t, rows, c), t->cells_max))
			t->long_columns[t->n_long++] = c;
}

/* The most rows from the slice's start that fit a tile by count and bytes; at least one. */
static uint32_t fit_bytes(const struct tiler *t, const struct slice *s)
{
	uint32_t n = s->n < t->cells_max ? s->n : t->cells_max;

	for (uint32_t c = 0; c < t->n_long; c++)
		n = fit_column(field_of(t, s->rows, t->long_columns[c]), s, n);
	return n;
}

static teg_status load_lanes(struct tiler *t, const struct slice *part, teg_error *err)
{
	for (uint32_t d = 0; d < t->schema->n_dims; d++) {
		if (!t->lanes[d])
			t->lanes[d] = mem_array(t->alloc, TILE_CELLS_MAX, sizeof **t->lanes);
		if (!t->lanes[d] || encoder_lanes(t->encoder, part, d, t->lanes[d]) != TEG_OK)
			return teg_fail(err, TEG_NOMEM, "no memory to cut tiles");
	}
	return TEG_OK;
}

/* Dense arrays: how many of the first *n rows lie in the first one's grid step. Looks at a few rows
 * first, for steps may be small. */
static teg_status fit_grid(struct tiler *t, const struct slice *s, uint32_t *n, teg_error *err)
{
	uint32_t n_dims = t->schema->n_dims, end;
	struct slice part = *s;

	part.n = *n < 256 ? *n : 256;
	for (;;) {
		uint64_t cell[TEG_MAX_DIMENSIONS], lo[TEG_MAX_DIMENSIONS], hi[TEG_MAX_DIMENSIONS];

		TEG_TRY(load_lanes(t, &part, err));
		for (uint32_t d = 0; d < n_dims; d++)
			cell[d] = t->lanes[d][0];
		order_grid_box(&t->order, t->schema, cell, lo, hi);
		end = part.n;
		for (uint32_t d = 0; d < n_dims; d++)
			for (uint32_t i = 0; i < end; i++)
				if (t->lanes[d][i] < lo[d] || t->lanes[d][i] > hi[d])
					end = i;
		if (end < part.n || part.n == *n)
			break;
		part.n = *n / 8 < part.n ? *n : part.n * 8;
	}
	*n = end;
	return TEG_OK;
}

/* How many rows from the slice's start are the next tile; 0: more rows are needed to know. */
static teg_status next_cut(struct tiler *t, const struct slice *s, bool last, uint32_t *n_out,
                           teg_error *err)
{
	uint32_t n = fit_bytes(t, s), cut;

	if (t->order.dense && !t->one_step)
		TEG_TRY(fit_grid(t, s, &n, err));
	*n_out = n;
	if (n == s->n) {
		*n_out = last ? n : 0;
		return TEG_OK;
	}
	/* Not inside the rows of one cell, unless these alone are more than a tile. */
	cut = n;
	while (cut && rows_same_key(s->rows, slice_row(s, cut - 1), slice_row(s, n)))
		cut--;
	*n_out = cut ? cut : n;
	return TEG_OK;
}

/* ---- tiles ---- */

static teg_status put_tile(struct tiler *t, struct index_entry *entry, teg_error *err)
{
	entry->off = sink_offset(t->sink);
	TEG_TRY(sink_write(t->sink, encoder_header(t->encoder), err));
	TEG_TRY(sink_write(t->sink, encoder_chunks(t->encoder), err));
	encoder_shed(t->encoder);
	return levels_add(&t->levels, entry, err);
}

/* Takes whole tiles off the front of the slice. */
static teg_status cut_tiles(struct tiler *t, struct slice *s, bool last, teg_error *err)
{
	find_long_columns(t, s->rows);
	while (s->n) {
		struct index_entry entry = { .stats = t->stats };
		struct slice tile = *s;
		uint32_t n;

		TEG_TRY(next_cut(t, s, last, &n, err));
		if (!n)
			return TEG_OK;
		tile.n = n;
		encoder_place(t->encoder, t->sink->len);
		TEG_TRY(encode_tile(t->encoder, &tile, t->ordinal, &entry, err));
		if (t->keys)
			TEG_TRY(key_index_add(t->keys, &tile, t->ordinal, err));
		entry.continued = t->goes_on;
		t->goes_on = n < s->n &&
		             rows_same_key(s->rows, slice_row(s, n - 1), slice_row(s, n));
		TEG_TRY(put_tile(t, &entry, err));
		t->ordinal += n;
		s->from += n;
		s->n -= n;
	}
	return TEG_OK;
}

static teg_status make_rows(struct tiler *t, teg_error *err)
{
	teg_status status;

	if (t->has_rows)
		return TEG_OK;
	TEG_TRY(rows_init(&t->pending, t->schema, t->alloc, err));
	status = rows_init(&t->spare, t->schema, t->alloc, err);
	if (status != TEG_OK)
		rows_release(&t->pending);
	t->has_rows = status == TEG_OK;
	return status;
}

static teg_status keep_rest(struct rows *to, const struct slice *s, teg_error *err)
{
	if (!s->n)
		return TEG_OK;
	return s->at ? rows_gather(to, s->rows, s->at + s->from, s->n, err)
	             : rows_append(to, s->rows, s->from, s->n, err);
}

static teg_status cut_pending(struct tiler *t, bool last, teg_error *err)
{
	struct slice s = { &t->pending, NULL, 0, t->pending.n };

	TEG_TRY(cut_tiles(t, &s, last, err));
	if (!s.from)
		return TEG_OK;
	/* There and back, not in turns: else both would come to have room for a whole tile. */
	rows_clear(&t->spare);
	TEG_TRY(keep_rest(&t->spare, &s, err));
	rows_clear(&t->pending);
	return t->spare.n ? rows_append(&t->pending, &t->spare, 0, t->spare.n, err) : TEG_OK;
}

/* Moves rows from the slice into `pending` until what waits there is cut, or the slice is empty. */
static teg_status feed_pending(struct tiler *t, struct slice *s, teg_error *err)
{
	while (s->n && t->pending.n) {
		struct slice part = *s;

		/* Up to one row more than a tile can have: then at least one tile goes. */
		part.n = t->pending.n <= t->cells_max ? t->cells_max + 1 - t->pending.n : 1;
		part.n = part.n < s->n ? part.n : s->n;
		TEG_TRY(keep_rest(&t->pending, &part, err));
		s->from += part.n;
		s->n -= part.n;
		TEG_TRY(cut_pending(t, false, err));
	}
	return TEG_OK;
}

teg_status tiler_push(struct tiler *t, const struct rows *rows, const uint32_t *at, uint32_t n,
                      teg_error *err)
{
	struct slice s = { rows, at, 0, n };

	if (!n)
		return TEG_OK;
	TEG_TRY(begin(t, err));
	TEG_TRY(make_rows(t, err));
	t->implicit_ids = rows->implicit_ids;
	TEG_TRY(feed_pending(t, &s, err));
	TEG_TRY(cut_tiles(t, &s, false, err));
	return keep_rest(&t->pending, &s, err);
}

teg_status tiler_push_step(struct tiler *t, const struct rows *rows, const uint32_t *at, uint32_t n,
                           teg_error *err)
{
	struct slice s = { rows, at, 0, n };
	teg_status status;

	if (!n)
		return TEG_OK;
	TEG_TRY(begin(t, err));
	if (t->has_rows)
		TEG_TRY(cut_pending(t, true, err));
	t->goes_on = false;
	t->one_step = true;
	status = cut_tiles(t, &s, true, err);
	t->one_step = false;
	return status;
}

teg_status tiler_push_box(struct tiler *t, const struct box *box, enum row_kind kind,
                          int64_t system_from, int64_t valid_from, int64_t valid_until,
                          teg_error *err)
{
	struct index_entry entry = { .stats = t->stats };

	TEG_TRY(begin(t, err));
	/* The rows before go first: tiles of one key must be neighbours. */
	if (t->has_rows)
		TEG_TRY(cut_pending(t, true, err));
	TEG_TRY(encode_box(t->encoder, box, kind, system_from, valid_from, valid_until, &entry,
	                   err));
	return put_tile(t, &entry, err);
}

/* ---- the end ---- */

static teg_status put_footer(struct tiler *t, const struct segment_footer *footer,
                             uint64_t *checksum_out, teg_error *err)
{
	struct buf bytes;
	teg_status status;

	buf_init(&bytes, t->alloc, BUF_NO_LIMIT);
	segment_put_footer(footer, sink_offset(t->sink), &bytes, checksum_out);
	status = buf_status(&bytes) == TEG_OK
	                 ? sink_write(t->sink, buf_span(&bytes), err)
	                 : teg_fail(err, TEG_NOMEM, "no memory for a segment's footer");
	buf_release(&bytes);
	return status;
}

teg_status tiler_finish(struct tiler *t, struct segment_result *result_out, teg_error *err)
{
	struct segment_footer footer = { .array_id = t->options.array_id,
		                         .schema_version = t->schema->version,
		                         .fresh = t->options.fresh,
		                         .implicit_ids = t->implicit_ids,
		                         .n_dims = t->schema->n_dims,
		                         .n_attrs = t->schema->n_attrs,
		                         .attr_ids = t->attr_ids,
		                         .root = { .stats = t->stats } };

	TEG_TRY(begin(t, err));
	if (t->has_rows)
		TEG_TRY(cut_pending(t, true, err));
	memcpy(footer.commit_id, t->options.commit_id, sizeof footer.commit_id);
	TEG_TRY(levels_finish(&t->levels, &footer.levels, &footer.root, err));
	if (t->keys)
		TEG_TRY(key_index_finish(t->keys, &t->options, &footer, err));
	TEG_TRY(put_footer(t, &footer, &result_out->checksum, err));
	result_out->len = sink_offset(t->sink);
	result_out->inlined = !t->sink->file;
	result_out->root = footer.root;
	result_out->root.stats = NULL;
	result_out->fresh = footer.fresh;
	result_out->implicit_ids = footer.implicit_ids;
	return TEG_OK;
}
