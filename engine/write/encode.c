#include "engine/write/encode.h"
#include "codec/base/hash.h"
#include "codec/tile/tile.h"
#include "engine/write/encoder.h"
#include "engine/write/tiler.h"

/* A sparse array's tile is tried as a dense one when more than six cells in ten are there: below
 * that coordinates hardly ever lose, and what is tried costs time. */
#define TRY_DENSE_TENTHS 6

struct encoder *encoder_new(const struct schema *schema, const struct order *order,
                            const struct tiler_options *options, const teg_allocator *alloc)
{
	static const uint32_t widths[N_WIDTHS] = { 1, 2, 4, 8, 16, 1, 0 };
	struct encoder *e = mem_zalloc(alloc, sizeof *e);

	if (!e)
		return NULL;
	e->schema = schema;
	e->order = order;
	e->fresh = options->fresh;
	e->poll = options->poll;
	e->alloc = alloc;
	e->lent = options->scratch != NULL;
	e->scratch = e->lent ? options->scratch : codec_scratch_new(alloc);
	cells_init(&e->cells, schema, order, alloc);
	e->n_columns = schema->n_dims + 8;
	for (uint32_t a = 0; a < schema->n_attrs; a++)
		e->n_columns += field_nodes(&schema->attrs[a]);
	column_buf_init(&e->nested, COLUMN_FIXED, 1, alloc);
	for (int i = 0; i < N_WIDTHS; i++)
		column_buf_init(&e->work[i], i == N_WIDTHS - 1 ? COLUMN_BYTES : COLUMN_FIXED,
		                widths[i], alloc);
	arena_init(&e->arena, alloc, SIZE_MAX / 2);
	buf_init(&e->header_bytes, alloc, TILE_HEADER_MAX);
	buf_init(&e->chunks, alloc, BUF_NO_LIMIT);
	buf_init(&e->spare, alloc, BUF_NO_LIMIT);
	if (e->scratch)
		return e;
	encoder_free(e);
	return NULL;
}

void encoder_free(struct encoder *e)
{
	if (!e)
		return;
	if (!e->lent)
		codec_scratch_free(e->scratch);
	cells_release(&e->cells);
	for (int i = 0; i < N_WIDTHS; i++)
		column_buf_release(&e->work[i]);
	column_buf_release(&e->nested);
	arena_release(&e->arena);
	buf_release(&e->header_bytes);
	buf_release(&e->chunks);
	buf_release(&e->spare);
	mem_free(e->alloc, e, sizeof *e);
}

void encoder_place(struct encoder *e, uint64_t off)
{
	e->off = off;
}

struct span encoder_header(const struct encoder *e)
{
	return buf_span(&e->header_bytes);
}

struct span encoder_chunks(const struct encoder *e)
{
	return buf_span(&e->chunks);
}

void encoder_shed(struct encoder *e)
{
	if (e->chunks.cap <= TILE_COLUMN_MAX)
		return;
	buf_release(&e->chunks);
	buf_init(&e->chunks, e->alloc, BUF_NO_LIMIT);
}

static teg_status no_memory(teg_error *err, teg_status status)
{
	return teg_fail(err, status, "no memory to gather a tile's columns");
}

/* ---- coordinates ---- */

teg_status encoder_lanes(struct encoder *e, const struct slice *slice, uint32_t d,
                         uint64_t *lanes_out)
{
	struct column view;

	TEG_TRY(encoder_take(e, slice, &slice->rows->dims[d], &view));
	lanes_of_column(&view, e->schema->dims[d].class, 0, slice->n, lanes_out);
	return TEG_OK;
}

/* Coordinates in cell order out of the lanes at hand: the rows' own values lie far apart, and were
 * fetched once already. */
static teg_status coordinates_of_lanes(struct encoder *e, uint32_t d, struct column *view_out)
{
	const struct field *dim = &e->schema->dims[d];
	struct column_buf *work = encoder_work(e, COLUMN_FIXED, dim->width);
	uint64_t flip = dim->class == VALUE_SIGNED ? (uint64_t)1 << 63 : 0;
	uint8_t *to = column_buf_extend(work, e->cells.n);
	const uint64_t *lanes = e->cells.lanes[d];

	if (!to)
		return TEG_NOMEM;
	if (dim->class != VALUE_FLOAT && dim->width == 8)
		for (uint32_t i = 0; i < e->cells.n; i++)
			((uint64_t *)(void *)to)[i] = lanes[e->cells.perm[i]] ^ flip;
	else
		for (uint32_t i = 0; i < e->cells.n; i++)
			lane_to_value(dim->class, dim->width, lanes[e->cells.perm[i]],
			              to + (size_t)i * dim->width);
	*view_out = column_buf_view(work);
	return TEG_OK;
}

static teg_status put_coordinates(struct encoder *e, const struct slice *s,
                                  struct index_entry *entry, teg_error *err)
{
	for (uint32_t d = 0; d < e->schema->n_dims; d++) {
		const struct field *dim = &e->schema->dims[d];
		struct column view;
		teg_status status = dim->shape == COLUMN_FIXED
		                            ? coordinates_of_lanes(e, d, &view)
		                            : encoder_take(e, s, &s->rows->dims[d], &view);

		if (status != TEG_OK)
			return no_memory(err, status);
		encoder_note(entry, &view);
		TEG_TRY(encoder_put(e, dim->id, &view, dim->class, err));
	}
	return TEG_OK;
}

static bool may_be_dense(const struct encoder *e, uint64_t volume)
{
	if (e->schema->kind == TEG_TABLE || !e->cells.unique || volume > TILE_VOLUME_MAX)
		return false;
	for (uint32_t d = 0; d < e->schema->n_dims; d++)
		if (e->schema->dims[d].class != VALUE_SIGNED &&
		    e->schema->dims[d].class != VALUE_UNSIGNED)
			return false;
	return e->order->dense || e->cells.n * 10 > volume * TRY_DENSE_TENTHS;
}

/* Encodes presence into `spare`; it goes to its place, behind all others, later. */
static teg_status encode_presence(struct encoder *e, uint64_t volume, struct tile_column *to,
                                  teg_error *err)
{
	struct column_buf *work = encoder_work(e, COLUMN_FIXED, 1);
	uint8_t *map = column_buf_extend(work, (size_t)volume);
	struct column view;

	if (!map)
		return no_memory(err, TEG_NOMEM);
	cells_presence(&e->cells, map, (size_t)volume);
	view = column_buf_view(work);
	buf_clear(&e->spare);
	to->id = TILE_PRESENCE_ID;
	return chunk_encode(&view, VALUE_UNSIGNED, (enum profile)e->schema->profile, e->scratch,
	                    &e->arena, &e->spare, &to->chunk, err);
}

static size_t descriptor_len(struct encoder *e, const struct tile_column *column)
{
	size_t len;

	buf_clear(&e->header_bytes);
	chunk_put_descriptor(&column->chunk, &e->header_bytes);
	len = e->header_bytes.len;
	buf_clear(&e->header_bytes);
	return len;
}

static size_t coordinates_len(struct encoder *e)
{
	size_t len = e->chunks.len;

	for (uint32_t c = 0; c < e->header.n_columns; c++)
		len += descriptor_len(e, &e->header.columns[c]);
	return len;
}

static void become_dense(struct encoder *e)
{
	e->header.shape = TILE_DENSE;
	e->header.n_dims = e->schema->n_dims;
	for (uint32_t d = 0; d < e->schema->n_dims; d++) {
		e->header.lo[d] = e->cells.min[d];
		e->header.hi[d] = e->cells.max[d];
	}
	e->header.n_columns = 0;
	buf_clear(&e->chunks);
}

/* Coordinates, or a box with presence, whichever is shorter. *presence: id 0 where there is none. */
static teg_status put_cells(struct encoder *e, const struct slice *s, struct index_entry *entry,
                            struct tile_column *presence, teg_error *err)
{
	uint64_t volume = cells_volume(&e->cells);
	bool dense = may_be_dense(e, volume);

	presence->id = 0;
	if (!dense)
		return put_coordinates(e, s, entry, err);
	if (volume != s->n)
		TEG_TRY(encode_presence(e, volume, presence, err));
	if (volume != s->n && !e->order->dense) {
		size_t len = e->spare.len + descriptor_len(e, presence);

		TEG_TRY(put_coordinates(e, s, entry, err));
		if (coordinates_len(e) <= len) {
			presence->id = 0;
			return TEG_OK;
		}
		entry->column_len_max = 0;
	}
	become_dense(e);
	return TEG_OK;
}

/* ---- attributes ---- */

/* Statistics of a nested attribute are its nulls alone. */
static teg_status put_attribute(struct encoder *e, const struct slice *s, uint32_t a,
                                struct index_entry *entry, teg_error *err)
{
	const struct field *attr = &e->schema->attrs[a];
	struct column_stats *stats = &entry->stats[a];
	struct column view;
	teg_status status;

	if (attr->n_children)
		return encoder_put_nested(e, s, attr, &s->rows->attrs[a], entry, &stats->n_nulls,
		                          err);
	status = encoder_take(e, s, &s->rows->attrs[a], &view);
	if (status != TEG_OK)
		return no_memory(err, status);
	column_stats_of(&view, attr->class, stats);
	encoder_note(entry, &view);
	return encoder_put(e, attr->id, &view, attr->class, err);
}

/* Statistics are over live rows: the null slots of others do not count. */
static teg_status put_attributes(struct encoder *e, const struct slice *s, uint32_t n_live,
                                 struct index_entry *entry, teg_error *err)
{
	for (uint32_t a = 0; a < e->schema->n_attrs; a++) {
		struct column_stats *stats = &entry->stats[a];
		teg_status status = put_attribute(e, s, a, entry, err);

		if (status != TEG_OK)
			return error_in_column(err, status, e->schema->attrs[a].name);
		stats->n_nulls -= stats->n_nulls < s->n - n_live ? stats->n_nulls : s->n - n_live;
	}
	return TEG_OK;
}

/* ---- the engine's own columns ---- */

static bool all_i64(const struct column *c, int64_t usual)
{
	const int64_t *v = (const int64_t *)(const void *)c->values;

	for (size_t i = 0; i < c->n; i++)
		if (v[i] != usual)
			return false;
	return true;
}

/* Bounds of an int64 column; *n_open: how many are INT64_MAX, which do not count for the maximum. */
static void bounds_i64(const struct column *c, int64_t *min, int64_t *max, uint64_t *n_open)
{
	const int64_t *v = (const int64_t *)(const void *)c->values;

	*min = INT64_MAX;
	*max = INT64_MIN;
	*n_open = 0;
	for (size_t i = 0; i < c->n; i++) {
		*min = v[i] < *min ? v[i] : *min;
		*max = v[i] > *max && v[i] != INT64_MAX ? v[i] : *max;
		*n_open += v[i] == INT64_MAX;
	}
}

static teg_status put_system_from(struct encoder *e, const struct slice *s,
                                  struct index_entry *entry, teg_error *err)
{
	struct column view;
	uint64_t n_open;
	teg_status status;

	if (e->fresh)
		return TEG_OK;
	if (!s->rows->system_from.n)
		return teg_fail(err, TEG_MISUSE,
		                "rows without system times for a segment that "
		                "stores them");
	status = encoder_take(e, s, &s->rows->system_from, &view);
	if (status != TEG_OK)
		return no_memory(err, status);
	bounds_i64(&view, &entry->system_from_min, &entry->system_from_max, &n_open);
	return encoder_put(e, COLUMN_ID_SYSTEM_FROM, &view, VALUE_SIGNED, err);
}

/* An int64 column that is left out where every value is `usual`. */
static teg_status put_time(struct encoder *e, const struct slice *s, const struct column_buf *from,
                           uint32_t id, int64_t usual, struct index_entry *entry, teg_error *err)
{
	struct column view;
	int64_t min, max;
	uint64_t n_open;
	teg_status status;

	if (!from->n)
		return TEG_OK;
	status = encoder_take(e, s, from, &view);
	if (status != TEG_OK)
		return no_memory(err, status);
	if (all_i64(&view, usual))
		return TEG_OK;
	bounds_i64(&view, &min, &max, &n_open);
	if (id == COLUMN_ID_SUPERSEDED) {
		entry->superseded_max = n_open ? INT64_MAX : max;
	} else if (id == COLUMN_ID_VALID_FROM) {
		entry->valid_from_min = min;
	} else {
		entry->valid_until_max = max;
		entry->n_open = n_open;
	}
	return encoder_put(e, id, &view, VALUE_SIGNED, err);
}

/* A column of bytes, the same way. */
static teg_status put_bytes(struct encoder *e, const struct slice *s, const struct column_buf *from,
                            uint32_t id, uint8_t usual, uint64_t *n_other, teg_error *err)
{
	struct column view;
	teg_status status;

	*n_other = 0;
	if (!from->n)
		return TEG_OK;
	status = encoder_take(e, s, from, &view);
	if (status != TEG_OK)
		return no_memory(err, status);
	for (uint32_t i = 0; i < s->n; i++)
		*n_other += view.values[i] != usual;
	return *n_other ? encoder_put(e, id, &view, VALUE_UNSIGNED, err) : TEG_OK;
}

static teg_status put_own(struct encoder *e, const struct slice *s, struct index_entry *entry,
                          teg_error *err)
{
	uint64_t n_not_live;

	TEG_TRY(put_system_from(e, s, entry, err));
	TEG_TRY(put_time(e, s, &s->rows->superseded, COLUMN_ID_SUPERSEDED, INT64_MAX, entry, err));
	TEG_TRY(put_time(e, s, &s->rows->valid_from, COLUMN_ID_VALID_FROM, INT64_MIN, entry, err));
	TEG_TRY(put_time(e, s, &s->rows->valid_until, COLUMN_ID_VALID_UNTIL, INT64_MAX, entry,
	                 err));
	TEG_TRY(put_bytes(e, s, &s->rows->kind, COLUMN_ID_KIND, ROW_LIVE, &n_not_live, err));
	return put_bytes(e, s, &s->rows->exact, COLUMN_ID_EXACT, 1, &entry->n_inexact, err);
}

/* ---- the tile ---- */

static void count_kinds(const struct slice *s, struct index_entry *entry)
{
	entry->n_rows = entry->n_live = s->n;
	for (uint32_t i = 0; s->rows->kind.n && i < s->n; i++) {
		enum row_kind kind = rows_kind(s->rows, slice_row(s, i));

		entry->n_live -= kind != ROW_LIVE;
		entry->n_tombstones += kind == ROW_TOMBSTONE;
		entry->n_erased += kind_erases(kind);
	}
}

static teg_status begin(struct encoder *e, struct index_entry *entry, teg_error *err)
{
	struct column_stats *stats = entry->stats;

	arena_release(&e->arena);
	buf_clear(&e->chunks);
	buf_clear(&e->header_bytes);
	memset(&e->header, 0, sizeof e->header);
	e->header.columns = arena_array(&e->arena, e->n_columns, sizeof *e->header.columns);
	if (!e->header.columns)
		return no_memory(err, TEG_NOMEM);
	*entry = (struct index_entry){ .stats = stats,
		                       .n_tiles = 1,
		                       .superseded_max = INT64_MAX,
		                       .valid_from_min = INT64_MIN,
		                       .valid_until_max = INT64_MIN };
	for (uint32_t a = 0; a < e->schema->n_attrs; a++)
		stats[a] = (struct column_stats){ 0 };
	return TEG_OK;
}

static teg_status finish(struct encoder *e, struct index_entry *entry, teg_error *err)
{
	buf_clear(&e->header_bytes);
	e->header.off = e->off;
	tile_put_header(&e->header, &e->header_bytes);
	if (buf_status(&e->chunks) != TEG_OK)
		return teg_fail(err, buf_status(&e->chunks), "no memory for a tile");
	if (buf_status(&e->header_bytes) != TEG_OK)
		return teg_fail(err, buf_status(&e->header_bytes), "tile header: no room");
	entry->header_len = (uint32_t)e->header_bytes.len;
	entry->hash = hash_bytes(buf_span(&e->header_bytes));
	entry->len = e->header_bytes.len + e->chunks.len;
	entry->shape = (uint8_t)e->header.shape;
	return TEG_OK;
}

static void put_bounds(struct encoder *e, uint64_t ordinal, uint32_t n, struct index_entry *entry)
{
	size_t len = e->schema->n_dims * sizeof *entry->lo;

	if (!e->cells.n) { /* implicit ids: the rows' numbers in the segment */
		entry->lo[0] = entry->first[0] = ordinal;
		entry->hi[0] = entry->last[0] = ordinal + n - 1;
		return;
	}
	memcpy(entry->lo, e->cells.min, len);
	memcpy(entry->hi, e->cells.max, len);
	memcpy(entry->first, e->cells.first, len);
	memcpy(entry->last, e->cells.last, len);
}

/* Loads the coordinates and sorts: *sorted is the slice in cell order. */
static teg_status sort_cells(struct encoder *e, const struct slice *s, struct slice *sorted,
                             teg_error *err)
{
	*sorted = *s;
	e->cells.n = 0;
	if (s->rows->implicit_ids)
		return TEG_OK;
	TEG_TRY(cells_reserve(&e->cells, s->n, err));
	for (uint32_t d = 0; d < e->schema->n_dims; d++) {
		teg_status status = encoder_lanes(e, s, d, e->cells.lanes[d]);

		if (status != TEG_OK)
			return no_memory(err, status);
	}
	return cells_sort(&e->cells, s, sorted, err);
}

teg_status encode_tile(struct encoder *e, const struct slice *slice, uint64_t ordinal,
                       struct index_entry *entry_out, teg_error *err)
{
	struct tile_column presence;
	struct slice s;

	TEG_TRY(begin(e, entry_out, err));
	TEG_TRY(sort_cells(e, slice, &s, err));
	e->header.n_rows = s.n;
	e->header.shape = TILE_SPARSE;
	entry_out->n_open = s.n;
	count_kinds(&s, entry_out);
	put_bounds(e, ordinal, s.n, entry_out);
	presence.id = 0;
	if (!s.rows->implicit_ids)
		TEG_TRY(put_cells(e, &s, entry_out, &presence, err));
	TEG_TRY(put_attributes(e, &s, (uint32_t)entry_out->n_live, entry_out, err));
	TEG_TRY(put_own(e, &s, entry_out, err));
	if (presence.id) {
		presence.off = e->chunks.len;
		e->header.columns[e->header.n_columns++] = presence;
		buf_append_span(&e->chunks, buf_span(&e->spare));
	}
	return finish(e, entry_out, err);
}

/* ---- box tiles ---- */

static teg_status put_one(struct encoder *e, uint32_t id, const void *value, uint32_t width,
                          enum value_class class, teg_error *err)
{
	struct column view = { .shape = COLUMN_FIXED, .width = width, .n = 1, .values = value };

	return encoder_put(e, id, &view, class, err);
}

static teg_status put_box_columns(struct encoder *e, uint8_t kind, int64_t system_from,
                                  int64_t valid_from, int64_t valid_until, teg_error *err)
{
	if (!e->fresh)
		TEG_TRY(put_one(e, COLUMN_ID_SYSTEM_FROM, &system_from, 8, VALUE_SIGNED, err));
	if (valid_from != INT64_MIN)
		TEG_TRY(put_one(e, COLUMN_ID_VALID_FROM, &valid_from, 8, VALUE_SIGNED, err));
	if (valid_until != INT64_MAX)
		TEG_TRY(put_one(e, COLUMN_ID_VALID_UNTIL, &valid_until, 8, VALUE_SIGNED, err));
	return put_one(e, COLUMN_ID_KIND, &kind, 1, VALUE_UNSIGNED, err);
}

teg_status encode_box(struct encoder *e, const struct box *box, enum row_kind kind,
                      int64_t system_from, int64_t valid_from, int64_t valid_until,
                      struct index_entry *entry_out, teg_error *err)
{
	size_t len = e->schema->n_dims * sizeof *box->lo;

	TEG_TRY(begin(e, entry_out, err));
	e->header.shape = TILE_BOX;
	e->header.n_rows = 1;
	e->header.n_dims = e->schema->n_dims;
	memcpy(e->header.lo, box->lo, len);
	memcpy(e->header.hi, box->hi, len);
	memcpy(entry_out->lo, box->lo, len);
	memcpy(entry_out->first, box->lo, len);
	memcpy(entry_out->hi, box->hi, len);
	memcpy(entry_out->last, box->hi, len);
	entry_out->n_rows = 1;
	entry_out->n_tombstones = kind == ROW_TOMBSTONE;
	entry_out->n_erased = kind_erases(kind);
	entry_out->n_live = kind == ROW_LIVE;
	entry_out->system_from_min = entry_out->system_from_max = e->fresh ? 0 : system_from;
	entry_out->valid_from_min = valid_from;
	entry_out->valid_until_max = valid_until == INT64_MAX ? INT64_MIN : valid_until;
	entry_out->n_open = valid_until == INT64_MAX;
	TEG_TRY(put_box_columns(e, (uint8_t)kind, system_from, valid_from, valid_until, err));
	return finish(e, entry_out, err);
}
