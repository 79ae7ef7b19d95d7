/* Boxes of dense arrays: copied as they are put, written grid tile by grid tile, so that memory is
 * the caller's cells and one tile's rows. */
#include "codec/base/checked.h"
#include "engine/scan/scan.h"
#include "engine/store/options.h"
#include "engine/txn.h"
#include "engine/write/interval.h"
#include <stdlib.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a box");
}

void txn_free_put(struct teg_txn *txn, const struct schema *schema, struct put_box *put)
{
	for (uint32_t a = 0; put->attrs && a < schema->n_attrs; a++)
		column_buf_release(&put->attrs[a]);
	mem_free(txn->alloc, put->attrs, schema->n_attrs * sizeof *put->attrs);
	put->attrs = NULL;
}

/* ---- taking a box from the caller ---- */

static uint64_t side(const struct box *box, uint32_t d)
{
	return box->hi[d] - box->lo[d] + 1;
}

static bool count_cells(const struct box *box, uint32_t n_dims, uint64_t *n_out)
{
	uint64_t n = 1;

	for (uint32_t d = 0; d < n_dims; d++)
		if (!side(box, d) || !u64_mul(n, side(box, d), &n))
			return false;
	*n_out = n;
	return true;
}

static teg_status check_box(const struct schema *schema, const teg_range *ranges, struct box *box,
                            uint64_t *n_out, teg_error *err)
{
	bool exact;

	TEG_TRY(read_box_lanes(schema, ranges, box, &exact, err));
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		const struct field *f = &schema->dims[d];

		if (!ranges[d].lo.type)
			box->lo[d] = f->lo;
		if (!ranges[d].hi.type)
			box->hi[d] = f->hi;
		if (box->lo[d] > box->hi[d]) {
			teg_fail(err, TEG_MISUSE, "the box ends before it begins");
			return error_in_column(err, TEG_MISUSE, f->name);
		}
		if (box->lo[d] < f->lo || box->hi[d] > f->hi) {
			teg_fail(err, TEG_DOMAIN, "the box is not inside the domain");
			return error_in_column(err, TEG_DOMAIN, f->name);
		}
	}
	if (!count_cells(box, schema->n_dims, n_out) || *n_out > UINT32_MAX / 4)
		return teg_fail(err, TEG_LIMIT, "a box of more cells than one put takes");
	return TEG_OK;
}

/* Where the cells of a buffer lie. */
struct walk {
	uint32_t n_dims;
	uint64_t sides[TEG_MAX_DIMENSIONS];
	ptrdiff_t strides[TEG_MAX_DIMENSIONS];
};

static teg_status walk_init(struct walk *w, const struct schema *schema, const struct box *box,
                            const teg_buffer *buffer, uint32_t width, teg_error *err)
{
	ptrdiff_t packed = (ptrdiff_t)width;
	uint64_t low = 0, high = width; /* bytes below and above the first cell that are touched */

	w->n_dims = schema->n_dims;
	for (uint32_t d = schema->n_dims; d-- > 0;) {
		uint64_t reach, step;

		w->sides[d] = side(box, d);
		w->strides[d] = buffer->strides ? buffer->strides[d] : packed;
		packed *= (ptrdiff_t)w->sides[d];
		step = (uint64_t)(w->strides[d] < 0 ? -w->strides[d] : w->strides[d]);
		if (!u64_mul(step, w->sides[d] - 1, &reach) ||
		    !u64_add(w->strides[d] < 0 ? low : high, reach,
		             w->strides[d] < 0 ? &low : &high))
			return teg_fail(err, TEG_MISUSE, "strides that no memory has");
	}
	if (low + high > buffer->values_len || low > buffer->values_len)
		return teg_fail(err, TEG_MISUSE, "the buffer has %zu bytes, the box needs %llu",
		                buffer->values_len, (unsigned long long)(low + high));
	return TEG_OK;
}

/* The first cell's address: negative strides go down from it. */
static const uint8_t *first_cell(const struct walk *w, const teg_buffer *buffer)
{
	const uint8_t *at = buffer->values;

	for (uint32_t d = 0; d < w->n_dims; d++)
		if (w->strides[d] < 0)
			at += (size_t)-w->strides[d] * (w->sides[d] - 1);
	return at;
}

/* Copies all cells in row-major order, one line of the last dimension at a time. */
static void copy_cells(const struct walk *w, const uint8_t *at, uint32_t width, uint64_t n,
                       uint8_t *to)
{
	uint64_t index[TEG_MAX_DIMENSIONS] = { 0 };
	uint32_t last = w->n_dims - 1;
	bool packed = w->strides[last] == (ptrdiff_t)width;

	for (uint64_t done = 0; done < n; done += w->sides[last]) {
		const uint8_t *line = at;

		for (uint32_t d = 0; d < last; d++)
			line += (ptrdiff_t)index[d] * w->strides[d];
		if (packed)
			memcpy(to, line, w->sides[last] * width);
		for (uint64_t i = 0; !packed && i < w->sides[last]; i++)
			memcpy(to + i * width, line + (ptrdiff_t)i * w->strides[last], width);
		to += w->sides[last] * width;
		for (uint32_t d = last; d-- > 0 && ++index[d] == w->sides[d];)
			index[d] = 0;
	}
}

/* One byte per cell becomes one bit; null slots become zero bytes. */
static teg_status copy_validity(struct column_buf *to, const teg_buffer *buffer, uint32_t width,
                                uint64_t n, const teg_allocator *alloc, teg_error *err)
{
	uint8_t *bits = mem_zalloc(alloc, bitmap_len((size_t)n));
	teg_status status;

	if (!bits)
		return no_memory(err);
	for (uint64_t i = 0; i < n; i++) {
		bitmap_put(bits, i, buffer->validity[i] != 0);
		if (!buffer->validity[i])
			memset(to->values + i * width, 0, width);
	}
	status = column_buf_set_validity(to, 0, (size_t)n, bits, 0);
	mem_free(alloc, bits, bitmap_len((size_t)n));
	return status == TEG_OK ? TEG_OK : no_memory(err);
}

static const teg_buffer *find_buffer(const teg_buffer *buffers, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (buffers[i].name && strcmp(buffers[i].name, name) == 0)
			return &buffers[i];
	return NULL;
}

static teg_status take_values(struct teg_txn *txn, const struct schema *schema,
                              const struct field *field, const teg_buffer *buffer,
                              const struct put_box *put, struct column_buf *to, teg_error *err)
{
	struct walk walk;
	uint8_t *at;

	if (field->shape != COLUMN_FIXED)
		return teg_fail(err, TEG_UNSUPPORTED, "only values of fixed width go through buffers");
	if (!buffer->values)
		return teg_fail(err, TEG_MISUSE, "the buffer has no memory");
	if (buffer->validity && !field->nullable)
		for (uint64_t i = 0; i < put->n_cells; i++)
			if (!buffer->validity[i])
				return teg_fail(err, TEG_SCHEMA, "null in an attribute that is not nullable");
	TEG_TRY(walk_init(&walk, schema, &put->box, buffer, field->width, err));
	at = column_buf_extend(to, (size_t)put->n_cells);
	if (!at)
		return no_memory(err);
	copy_cells(&walk, first_cell(&walk, buffer), field->width, put->n_cells, at);
	if (field->type.type == TEG_BOOL)
		for (uint64_t i = 0; i < put->n_cells; i++)
			if (at[i] > 1)
				return teg_fail(err, TEG_SCHEMA, "a bool that is neither 0 nor 1");
	if (buffer->validity)
		return copy_validity(to, buffer, field->width, put->n_cells, txn->alloc, err);
	return TEG_OK;
}

/* An attribute without a buffer: null, where that was allowed. */
static teg_status take_attr(struct teg_txn *txn, const struct schema *schema, uint32_t a,
                            const teg_buffer *buffers, size_t n_buffers, bool fill_missing,
                            const struct put_box *put, teg_error *err)
{
	const struct field *field = &schema->attrs[a];
	const teg_buffer *buffer = find_buffer(buffers, n_buffers, field->name);
	struct column_buf *to = &put->attrs[a];

	column_buf_init(to, field->shape, field->width, txn->alloc);
	if (buffer)
		return take_values(txn, schema, field, buffer, put, to, err);
	if (!fill_missing || !field->nullable)
		return teg_fail(err, TEG_SCHEMA, "the attribute has no buffer");
	return column_buf_append_nulls(to, (size_t)put->n_cells) == TEG_OK ? TEG_OK : no_memory(err);
}

static teg_status check_names(const struct schema *schema, const teg_buffer *buffers, size_t n,
                              teg_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = buffers[i].name;
		const struct field *field = name ? schema_field(schema, name) : NULL;

		if (!field || field->id < COLUMN_ID_ATTRIBUTE) {
			teg_fail(err, TEG_SCHEMA, "no such attribute");
			return error_in_column(err, TEG_SCHEMA, name ? name : "");
		}
		if (find_buffer(buffers, i, name)) {
			teg_fail(err, TEG_SCHEMA, "the attribute comes twice");
			return error_in_column(err, TEG_SCHEMA, name);
		}
	}
	return TEG_OK;
}

static teg_status take_put(struct teg_txn *txn, const struct schema *schema,
                           const teg_buffer *buffers, size_t n_buffers, const teg_put_options *o,
                           struct put_box *put, teg_error *err)
{
	TEG_TRY(check_names(schema, buffers, n_buffers, err));
	put->attrs = mem_zalloc(txn->alloc, schema->n_attrs * sizeof *put->attrs);
	if (!put->attrs)
		return no_memory(err);
	for (uint32_t a = 0; a < schema->n_attrs; a++)
		column_buf_init(&put->attrs[a], COLUMN_FIXED, 1, txn->alloc);
	for (uint32_t a = 0; a < schema->n_attrs; a++) {
		teg_status status =
			take_attr(txn, schema, a, buffers, n_buffers, o->fill_missing, put, err);

		if (status != TEG_OK)
			return error_in_column(err, status, schema->attrs[a].name);
	}
	return TEG_OK;
}

static teg_status put_interval(const struct schema *schema, const teg_put_options *o,
                               struct put_box *put, teg_error *err)
{
	TEG_TRY(interval_check_options(schema, o, err));
	if (o->valid_from_column || o->valid_until_column || o->row_id_column)
		return teg_fail(err, TEG_MISUSE, "a box has no columns");
	put->valid_from = o->valid_from || o->valid_until ? o->valid_from : INT64_MIN;
	put->valid_until = o->valid_from || o->valid_until ? o->valid_until : INT64_MAX;
	return TEG_OK;
}

static size_t put_size(const struct txn_array *a)
{
	size_t size = 0;

	for (size_t i = 0; i < a->n_puts; i++)
		for (uint32_t k = 0; k < a->schema->n_attrs; k++)
			size += column_buf_size(&a->puts[i].attrs[k]);
	return size;
}

static teg_status add_put(struct teg_txn *txn, struct txn_array *a, struct put_box *put,
                          teg_error *err)
{
	void *block = a->puts;

	if (!mem_grow(txn->alloc, &block, &a->puts_cap, a->n_puts + 1, sizeof *a->puts))
		return no_memory(err);
	a->puts = block;
	a->puts[a->n_puts++] = *put;
	a->is_built = false;
	txn_digest(txn, &put->box, sizeof put->box);
	for (uint32_t k = 0; k < a->schema->n_attrs; k++)
		txn_digest(txn, put->attrs[k].values, (size_t)put->n_cells * put->attrs[k].width);
	if (put_size(a) > txn->store->write_budget) {
		a->n_puts--;
		return teg_fail(err, TEG_LIMIT, "the transaction holds more than write_budget");
	}
	/* Cells or boxes came before: order matters, so all go the same way. */
	return a->cells || a->n_boxes ? txn_expand_boxes(txn, a, err) : TEG_OK;
}

teg_status teg_txn_put_box(teg_txn *txn, const char *array, const teg_range *box,
                           const teg_buffer *buffers, size_t n_buffers,
                           const teg_put_options *options, teg_error *err)
{
	struct put_box put = { 0 };
	teg_put_options o;
	struct txn_array *a;
	size_t n_puts;
	teg_status status;

	TEG_TRY(txn_array(txn, array, &a, err));
	if (!box || (n_buffers && !buffers))
		return teg_fail(err, TEG_MISUSE, "box or buffers is NULL");
	if (a->schema->kind != TEG_DENSE)
		return error_in_array(err, teg_fail(err, TEG_MISUSE, "the array is not dense"), array);
	TEG_TRY(options_take(options, &o, sizeof o, "teg_put_options", err));
	n_puts = a->n_puts;
	status = put_interval(a->schema, &o, &put, err);
	if (status == TEG_OK)
		status = check_box(a->schema, box, &put.box, &put.n_cells, err);
	if (status == TEG_OK)
		status = take_put(txn, a->schema, buffers, n_buffers, &o, &put, err);
	if (status == TEG_OK)
		status = add_put(txn, a, &put, err);
	if (status == TEG_OK)
		return TEG_OK;
	if (a->n_puts == n_puts)
		txn_free_put(txn, a->schema, &put);
	return error_in_array(err, status, array);
}

/* ---- from boxes to rows ---- */

/* The cells of `part`, which lies in the box of `put`, in cell order: their places in the box. */
static void cell_places(const struct schema *schema, const struct put_box *put,
                        const struct box *part, uint32_t *places, uint64_t n)
{
	uint64_t index[TEG_MAX_DIMENSIONS];
	bool by_column = schema->cell_order == TEG_ORDER_COLUMN;
	uint32_t n_dims = schema->n_dims;

	memcpy(index, part->lo, sizeof index);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t place = 0;

		for (uint32_t d = 0; d < n_dims; d++)
			place = place * side(&put->box, d) + (index[d] - put->box.lo[d]);
		places[i] = (uint32_t)place;
		for (uint32_t k = 0; k < n_dims; k++) {
			uint32_t d = by_column ? k : n_dims - 1 - k;

			if (index[d]++ < part->hi[d])
				break;
			index[d] = part->lo[d];
		}
	}
}

/* Coordinates of those cells, dimension d. */
static teg_status append_coordinates(struct rows *rows, uint32_t d, const struct put_box *put,
                                     const uint32_t *places, uint64_t n)
{
	const struct field *f = &rows->schema->dims[d];
	uint64_t below = 1;
	uint8_t *at = column_buf_extend(&rows->dims[d], (size_t)n);

	if (!at)
		return TEG_NOMEM;
	for (uint32_t k = d + 1; k < rows->schema->n_dims; k++)
		below *= side(&put->box, k);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t lane = put->box.lo[d] + places[i] / below % side(&put->box, d);

		lane_to_value(f->class, f->width, lane, at + i * f->width);
	}
	return TEG_OK;
}

static teg_status append_part(struct rows *rows, const struct put_box *put, const uint32_t *places,
                              uint64_t n)
{
	static const uint8_t live = ROW_LIVE;
	static const int64_t start = INT64_MIN, end = INT64_MAX;

	for (uint32_t d = 0; d < rows->schema->n_dims; d++)
		TEG_TRY(append_coordinates(rows, d, put, places, n));
	for (uint32_t a = 0; a < rows->schema->n_attrs; a++) {
		struct column view = column_buf_view(&put->attrs[a]);

		TEG_TRY(column_buf_gather(&rows->attrs[a], &view, places, (size_t)n));
	}
	if (rows->kind.n)
		TEG_TRY(column_buf_append_value(&rows->kind, span_of(&live, 1), (size_t)n));
	TEG_TRY(optional_append(&rows->valid_from, rows->n, &start, &put->valid_from, (size_t)n));
	TEG_TRY(optional_append(&rows->valid_until, rows->n, &end, &put->valid_until, (size_t)n));
	rows->n += (uint32_t)n;
	return TEG_OK;
}

/* Appends the cells of `put` inside `window`. */
static teg_status append_window(struct teg_txn *txn, struct rows *rows, const struct put_box *put,
                                const struct box *window, teg_error *err)
{
	struct box part = *window;
	uint32_t *places;
	uint64_t n;
	teg_status status;

	for (uint32_t d = 0; d < rows->schema->n_dims; d++) {
		if (put->box.lo[d] > part.lo[d])
			part.lo[d] = put->box.lo[d];
		if (put->box.hi[d] < part.hi[d])
			part.hi[d] = put->box.hi[d];
		if (part.lo[d] > part.hi[d])
			return TEG_OK;
	}
	if (!count_cells(&part, rows->schema->n_dims, &n) || n > UINT32_MAX / 4 - rows->n)
		return teg_fail(err, TEG_LIMIT, "more cells than one transaction takes");
	places = mem_array(txn->alloc, (size_t)n, sizeof *places);
	if (!places)
		return no_memory(err);
	cell_places(rows->schema, put, &part, places, n);
	status = append_part(rows, put, places, n);
	mem_free(txn->alloc, places, (size_t)n * sizeof *places);
	return status == TEG_OK ? TEG_OK : no_memory(err);
}

teg_status txn_expand_boxes(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	teg_status status = txn_rows(txn, &array->cells, array->schema, err);

	for (size_t i = 0; i < array->n_puts && status == TEG_OK; i++)
		status = append_window(txn, array->cells, &array->puts[i], &array->puts[i].box, err);
	if (status != TEG_OK) {
		txn->broken = true;
		return status;
	}
	for (size_t i = 0; i < array->n_puts; i++)
		txn_free_put(txn, array->schema, &array->puts[i]);
	array->n_puts = 0;
	return txn_keep_budget(txn, array, err);
}

/* ---- grid tile by grid tile ---- */

struct grid_tile {
	uint64_t position[POSITION_WORDS_MAX];
	struct box box;
};

struct grid {
	const struct schema *schema;
	struct order order;
	struct grid_tile *tiles;
	size_t n, cap;
	const teg_allocator *alloc;
};

static struct box tile_box(const struct schema *schema, const uint64_t *steps)
{
	struct box box = { 0 };

	for (uint32_t d = 0; d < schema->n_dims; d++) {
		const struct field *f = &schema->dims[d];

		box.lo[d] = f->lo + steps[d] * f->extent;
		box.hi[d] = f->hi - box.lo[d] < f->extent - 1 ? f->hi : box.lo[d] + f->extent - 1;
	}
	return box;
}

static teg_status add_tile(struct grid *g, const uint64_t *steps, teg_error *err)
{
	void *block = g->tiles;
	struct grid_tile *tile;

	if (!mem_grow(g->alloc, &block, &g->cap, g->n + 1, sizeof *g->tiles))
		return no_memory(err);
	g->tiles = block;
	tile = &g->tiles[g->n++];
	memset(tile, 0, sizeof *tile);
	tile->box = tile_box(g->schema, steps);
	order_position(&g->order, tile->box.lo, tile->position);
	return TEG_OK;
}

/* Every grid tile that the box meets. */
static teg_status add_tiles(struct grid *g, const struct box *box, teg_error *err)
{
	uint64_t first[TEG_MAX_DIMENSIONS], last[TEG_MAX_DIMENSIONS], step[TEG_MAX_DIMENSIONS];
	uint32_t n_dims = g->schema->n_dims, d;

	for (d = 0; d < n_dims; d++) {
		const struct field *f = &g->schema->dims[d];

		step[d] = first[d] = (box->lo[d] - f->lo) / f->extent;
		last[d] = (box->hi[d] - f->lo) / f->extent;
	}
	do {
		TEG_TRY(add_tile(g, step, err));
		for (d = 0; d < n_dims; d++) {
			if (step[d]++ < last[d])
				break;
			step[d] = first[d];
		}
	} while (d < n_dims);
	return TEG_OK;
}

static int by_position(const void *a, const void *b)
{
	const struct grid_tile *x = a, *y = b;

	return position_compare(x->position, y->position, POSITION_WORDS_MAX);
}

/* The tiles of all boxes in position order, each once. */
static teg_status grid_of(struct grid *g, const struct txn_array *array, teg_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < array->n_puts; i++)
		TEG_TRY(add_tiles(g, &array->puts[i].box, err));
	qsort(g->tiles, g->n, sizeof *g->tiles, by_position);
	for (size_t i = 0; i < g->n; i++)
		if (!n || by_position(&g->tiles[n - 1], &g->tiles[i]) != 0)
			g->tiles[n++] = g->tiles[i];
	g->n = n;
	return TEG_OK;
}

/* In call order; where boxes meet, sorted and made disjoint like any rows. */
static teg_status push_tile(struct tiler *tiler, const struct grid *g, struct rows *rows,
                            bool alone, teg_error *err)
{
	uint32_t n = rows->n;
	size_t room = 3 * (size_t)n;
	uint32_t *perm = mem_array(g->alloc, room, sizeof *perm);
	bool distinct = true;
	teg_status status = TEG_OK;

	if (!perm)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++)
		perm[i] = i;
	if (!alone)
		status = rows_sort(rows, &g->order, perm, &distinct, err);
	if (status == TEG_OK && !distinct)
		status = rows_make_disjoint(rows, perm, &n, err);
	if (status == TEG_OK)
		status = tiler_push(tiler, rows, perm, n, err);
	mem_free(g->alloc, perm, room * sizeof *perm);
	return status;
}

static teg_status write_tiles(struct teg_txn *txn, const struct txn_array *array,
                              const struct grid *g, struct tiler *tiler, teg_error *err)
{
	struct rows rows;
	teg_status status = rows_init(&rows, array->schema, txn->alloc, err);

	for (size_t t = 0; t < g->n && status == TEG_OK; t++) {
		uint32_t n_parts = 0;

		rows_clear(&rows);
		for (size_t i = 0; i < array->n_puts && status == TEG_OK; i++) {
			uint32_t before = rows.n;

			status = append_window(txn, &rows, &array->puts[i], &g->tiles[t].box, err);
			n_parts += rows.n != before;
		}
		if (status == TEG_OK)
			status = push_tile(tiler, g, &rows, n_parts == 1, err);
	}
	rows_release(&rows);
	return status;
}

teg_status txn_write_boxes(struct teg_txn *txn, struct txn_array *array,
                           const struct tiler_options *options, struct segment_sink *sink,
                           struct segment_result *result_out, teg_error *err)
{
	struct grid g = { .schema = array->schema, .alloc = txn->alloc };
	struct tiler *tiler = NULL;
	teg_status status;

	order_init(&g.order, array->schema);
	status = grid_of(&g, array, err);
	if (status == TEG_OK)
		status = tiler_new(array->schema, options, sink, txn->alloc, &tiler, err);
	if (status == TEG_OK)
		status = write_tiles(txn, array, &g, tiler, err);
	if (status == TEG_OK)
		status = tiler_finish(tiler, result_out, err);
	tiler_free(tiler);
	mem_free(txn->alloc, g.tiles, g.cap * sizeof *g.tiles);
	return status;
}
