/* Put boxes on their way to tiles: written grid tile by grid tile, so that memory is the caller's
 * cells and one tile's rows; or as cells like any others, where other calls are mixed in. */
#include "engine/txn/txn.h"
#include "codec/base/checked.h"
#include "codec/base/sort.h"
#include "engine/write/interval.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a box");
}

uint64_t txn_box_side(const struct box *box, uint32_t d)
{
	return box->hi[d] - box->lo[d] + 1;
}

bool txn_box_cells(const struct box *box, uint32_t n_dims, uint64_t *n_out)
{
	uint64_t n = 1;

	for (uint32_t d = 0; d < n_dims; d++)
		if (!txn_box_side(box, d) || !u64_mul(n, txn_box_side(box, d), &n))
			return false;
	*n_out = n;
	return true;
}

/* ---- from boxes to rows ---- */

/* Cells of a box line by line in cell order; what is put lies row-major. */
struct lines {
	const struct put_box *put;
	const struct box *part;
	uint32_t n_dims, inner; /* the dimension along a line */
	bool by_column;
	uint64_t n;                      /* cells of a line */
	uint64_t at[TEG_MAX_DIMENSIONS]; /* its first cell */
};

static void lines_begin(struct lines *l, const struct schema *schema, const struct put_box *put,
                        const struct box *part)
{
	*l = (struct lines){ .put = put, .part = part, .n_dims = schema->n_dims };
	l->by_column = schema->cell_order == TEG_ORDER_COLUMN;
	l->inner = l->by_column || !l->n_dims ? 0 : l->n_dims - 1;
	l->n = l->n_dims ? txn_box_side(part, l->inner) : 1;
	memcpy(l->at, part->lo, sizeof l->at);
}

static bool lines_next(struct lines *l)
{
	for (uint32_t k = 1; k < l->n_dims; k++) {
		uint32_t d = l->by_column ? k : l->n_dims - 1 - k;

		if (l->at[d]++ < l->part->hi[d])
			return true;
		l->at[d] = l->part->lo[d];
	}
	return false;
}

/* Where the line begins among the values put, and how far its cells lie from one another. */
static uint64_t line_place(const struct lines *l, uint64_t *step_out)
{
	uint64_t place = 0;

	*step_out = 1;
	for (uint32_t d = 0; d < l->n_dims; d++) {
		place = place * txn_box_side(&l->put->box, d) + (l->at[d] - l->put->box.lo[d]);
		*step_out = d > l->inner ? *step_out * txn_box_side(&l->put->box, d) : *step_out;
	}
	return place;
}

/* Coordinates of all lines, dimension d. */
static teg_status append_coordinates(struct rows *rows, uint32_t d, struct lines l, uint64_t n)
{
	const struct field *f = &rows->schema->dims[d];
	uint8_t *at = column_buf_extend(&rows->dims[d], (size_t)n), *first = at;
	size_t len = (size_t)l.n * f->width;

	if (!at)
		return TEG_NOMEM;
	do {
		/* Along every line the inner dimension runs alike; the others stand still. */
		if (d == l.inner && at > first) {
			memcpy(at, first, len);
			at += len;
			continue;
		}
		for (uint64_t i = 0; i < l.n; i++, at += f->width)
			lane_to_value(f->class, f->width, d == l.inner ? l.at[d] + i : l.at[d], at);
	} while (lines_next(&l));
	return TEG_OK;
}

/* n values that lie `step` apart. */
static teg_status append_scattered(struct column_buf *to, const struct column *from, uint64_t place,
                                   uint64_t step, uint64_t n)
{
	uint32_t places[256];

	while (n) {
		uint32_t part = n < 256 ? (uint32_t)n : 256;

		for (uint32_t i = 0; i < part; i++, place += step)
			places[i] = (uint32_t)place;
		TEG_TRY(column_buf_gather(to, from, places, part));
		n -= part;
	}
	return TEG_OK;
}

static teg_status append_values(struct column_buf *to, const struct column_buf *from,
                                struct lines l)
{
	struct column view = column_buf_view(from);

	do {
		uint64_t step, place = line_place(&l, &step);

		if (step == 1)
			TEG_TRY(column_buf_append(to, &view, (size_t)place, (size_t)l.n));
		else
			TEG_TRY(append_scattered(to, &view, place, step, l.n));
	} while (lines_next(&l));
	return TEG_OK;
}

static teg_status append_part(struct rows *rows, const struct put_box *put, const struct box *part,
                              uint64_t n)
{
	static const uint8_t live = ROW_LIVE;
	static const int64_t start = INT64_MIN, end = INT64_MAX;
	struct lines l;

	lines_begin(&l, rows->schema, put, part);
	for (uint32_t d = 0; d < rows->schema->n_dims; d++)
		TEG_TRY(append_coordinates(rows, d, l, n));
	for (uint32_t a = 0; a < rows->schema->n_attrs; a++)
		TEG_TRY(append_values(&rows->attrs[a], &put->attrs[a], l));
	if (rows->kind.n)
		TEG_TRY(column_buf_append_value(&rows->kind, span_of(&live, 1), (size_t)n));
	TEG_TRY(optional_append(&rows->valid_from, rows->n, &start, &put->valid_from, (size_t)n,
	                        NULL));
	TEG_TRY(optional_append(&rows->valid_until, rows->n, &end, &put->valid_until, (size_t)n,
	                        NULL));
	rows->n += (uint32_t)n;
	return TEG_OK;
}

/* Appends the cells of `put` inside `window`. */
static teg_status append_window(struct rows *rows, const struct put_box *put,
                                const struct box *window, teg_error *err)
{
	struct box part = *window;
	uint64_t n;

	for (uint32_t d = 0; d < rows->schema->n_dims; d++) {
		if (put->box.lo[d] > part.lo[d])
			part.lo[d] = put->box.lo[d];
		if (put->box.hi[d] < part.hi[d])
			part.hi[d] = put->box.hi[d];
		if (part.lo[d] > part.hi[d])
			return TEG_OK;
	}
	if (!txn_box_cells(&part, rows->schema->n_dims, &n) || n > UINT32_MAX / 4 - rows->n)
		return teg_fail(err, TEG_LIMIT, "more cells than one transaction takes");
	return append_part(rows, put, &part, n) == TEG_OK ? TEG_OK : no_memory(err);
}

teg_status txn_expand_boxes(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	teg_status status = txn_rows(txn, &array->cells, array->schema, err);

	for (size_t i = 0; i < array->n_puts && status == TEG_OK; i++)
		status = append_window(array->cells, &array->puts[i], &array->puts[i].box, err);
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

static int compare(const struct grid_tile *a, const struct grid_tile *b)
{
	return position_compare(a->position, b->position, POSITION_WORDS_MAX);
}

static bool swapped(const void *ctx, const void *a, const void *b)
{
	(void)ctx;
	return compare(a, b) > 0;
}

/* The tiles of all boxes in position order, each once. */
static teg_status grid_of(struct grid *g, const struct txn_array *array, teg_error *err)
{
	size_t n = 0;

	for (size_t i = 0; i < array->n_puts; i++)
		TEG_TRY(add_tiles(g, &array->puts[i].box, err));
	if (!sort_array(g->alloc, g->tiles, g->n, sizeof *g->tiles, swapped, NULL))
		return teg_fail(err, TEG_NOMEM, "no memory for the tiles of a box");
	for (size_t i = 0; i < g->n; i++)
		if (!n || compare(&g->tiles[n - 1], &g->tiles[i]) != 0)
			g->tiles[n++] = g->tiles[i];
	g->n = n;
	return TEG_OK;
}

/* Where boxes meet in a tile, its rows are sorted and made disjoint like any others. */
static teg_status sort_tile(const struct grid *g, struct rows *rows, uint32_t *sorted,
                            uint32_t **perm_out, size_t *room_out, uint32_t *n_out, teg_error *err)
{
	struct order_ties ties;
	teg_status status;

	ties_init(&ties, g->alloc);
	status = rows_sort(rows, &g->order, sorted, &ties, err);
	if (status == TEG_OK) {
		*room_out = rows->n + 2 * ties.n;
		*perm_out = mem_array(g->alloc, *room_out, sizeof **perm_out);
		status = *perm_out ? rows_make_disjoint(rows, sorted, rows->n, &ties, *perm_out,
		                                        n_out, err)
		                   : no_memory(err);
	}
	ties_release(&ties);
	return status;
}

/* `alone`: the rows are of one box, so they are in cell order as they are. */
static teg_status push_tile(struct tiler *tiler, const struct grid *g, struct rows *rows,
                            bool alone, teg_error *err)
{
	uint32_t n_rows = rows->n, n = rows->n;
	uint32_t *sorted, *perm = NULL;
	size_t room = 0;
	teg_status status;

	if (alone)
		return tiler_push_step(tiler, rows, NULL, n, err);
	sorted = mem_array(g->alloc, n_rows, sizeof *sorted);
	if (!sorted)
		return no_memory(err);
	for (uint32_t i = 0; i < n_rows; i++)
		sorted[i] = i;
	status = sort_tile(g, rows, sorted, &perm, &room, &n, err);
	if (status == TEG_OK)
		status = tiler_push_step(tiler, rows, perm, n, err);
	mem_free(g->alloc, perm, room * sizeof *perm);
	mem_free(g->alloc, sorted, n_rows * sizeof *sorted);
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

			status = append_window(&rows, &array->puts[i], &g->tiles[t].box, err);
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
