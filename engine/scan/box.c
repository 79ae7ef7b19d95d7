#include "engine/scan/box.h"
#include "codec/base/checked.h"
#include "engine/scan/gather.h"
#include <string.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to read a box");
}

static bool reserve(struct box_read *r, size_t n_rows)
{
	void *block = r->place, *rows = r->rows;
	bool ok = mem_grow(r->alloc, &block, &r->place_cap, n_rows * (r->schema->n_dims + 1u),
	                   sizeof *r->place);

	r->place = block;
	ok = ok && mem_grow(r->alloc, &rows, &r->rows_cap, n_rows, sizeof *r->rows);
	r->rows = rows;
	return ok;
}

/* ---- a full dense tile: lines from where they lie to where they go ---- */

/* How the cells of a tile follow one another. */
struct cells {
	const struct tile *tile;
	bool by_column;
	uint32_t inner; /* the dimension along which they do so fastest */
	uint64_t stride[TEG_MAX_DIMENSIONS];
};

static void cells_of_tile(struct cells *c, const struct box_read *r, const struct tile *tile)
{
	uint32_t n_dims = r->schema->n_dims;
	uint64_t stride = 1;

	c->tile = tile;
	c->by_column = r->schema->cell_order == TEG_ORDER_COLUMN;
	c->inner = c->by_column || !n_dims ? 0 : n_dims - 1;
	for (uint32_t i = 0; i < n_dims; i++) {
		uint32_t d = c->by_column ? i : n_dims - 1 - i;

		c->stride[d] = stride;
		stride *= tile->header.hi[d] - tile->header.lo[d] + 1;
	}
}

/* The row of the tile that is the cell at a place of the lattice. */
static uint32_t row_of(const struct cells *c, const struct lattice *l, const uint64_t *place)
{
	uint64_t row = 0;

	for (uint32_t d = 0; d < l->n_dims; d++)
		row += (l->lo[d] + place[d] * l->step[d] - c->tile->header.lo[d]) * c->stride[d];
	return (uint32_t)row;
}

/* Rows of a window: all from the first to the last where they are a fair part of them, else listed. */
struct share {
	struct window window;
	uint64_t n, line; /* cells in all, and in a line of the inner dimension */
	bool listed;
	uint32_t first, n_rows; /* rows to decode */
	ptrdiff_t row_step;     /* of neighbours in a line, among the decoded rows */
};

#define SPARSE_PART 16 /* a part smaller than this of the rows is listed */

static void measure(struct share *p, const struct cells *c, const struct lattice *l)
{
	uint64_t last[TEG_MAX_DIMENSIONS];

	p->line = l->n_dims ? p->window.n[c->inner] : 1;
	for (uint32_t d = 0; d < l->n_dims; d++)
		last[d] = p->window.first[d] + p->window.n[d] - 1;
	p->first = row_of(c, l, p->window.first);
	p->n_rows = row_of(c, l, last) - p->first + 1;
	p->listed = p->n < p->n_rows / SPARSE_PART;
	p->row_step = l->n_dims && !p->listed ? (ptrdiff_t)l->step[c->inner] : 1;
}

static void list_rows(struct box_read *r, const struct cells *c, struct share *p)
{
	const struct lattice *l = &r->lattice;
	uint64_t at[TEG_MAX_DIMENSIONS];
	uint32_t n = 0, step = l->n_dims ? (uint32_t)l->step[c->inner] : 0;

	memcpy(at, p->window.first, sizeof at);
	do {
		uint32_t row = row_of(c, l, at);

		for (uint64_t i = 0; i < p->line; i++, row += step)
			r->rows[n++] = row;
	} while (window_next_line(&p->window, l->n_dims, c->inner, c->by_column, at));
	p->n_rows = n;
}

/* The decoded rows of a column to their places. */
static void put_lines(const struct box_read *r, const struct cells *c, const struct share *p,
                      const struct places *to, const uint8_t *values)
{
	const struct lattice *l = &r->lattice;
	ptrdiff_t width = (ptrdiff_t)to->width;
	uint64_t at[TEG_MAX_DIMENSIONS];
	uint32_t done = 0;

	memcpy(at, p->window.first, sizeof at);
	do {
		uint32_t row = p->listed ? done : row_of(c, l, at) - p->first;

		places_put_line(to, l->n_dims, at, c->inner, p->line,
		                values + (size_t)row * to->width, p->row_step * width);
		done += (uint32_t)p->line;
	} while (window_next_line(&p->window, l->n_dims, c->inner, c->by_column, at));
}

/* The same value for every cell of the window. */
static void put_same(const struct box_read *r, const struct cells *c, const struct share *p,
                     const struct places *to, const uint8_t *value)
{
	const struct lattice *l = &r->lattice;
	uint64_t at[TEG_MAX_DIMENSIONS];

	memcpy(at, p->window.first, sizeof at);
	do
		places_put_line(to, l->n_dims, at, c->inner, p->line, value, 0);
	while (window_next_line(&p->window, l->n_dims, c->inner, c->by_column, at));
}

static teg_status put_validity(struct box_read *r, const struct cells *c, const struct share *p,
                               const struct target *target, teg_error *err)
{
	const struct column_buf *column = &target->column;
	uint8_t *bytes;

	if (!column->validity) {
		put_same(r, c, p, &target->validity, (const uint8_t *)"\1");
		return TEG_OK;
	}
	bytes = mem_alloc(r->alloc, column->n);
	if (!bytes)
		return no_memory(err);
	for (size_t i = 0; i < column->n; i++)
		bytes[i] = bitmap_get(column->validity, i);
	put_lines(r, c, p, &target->validity, bytes);
	mem_free(r->alloc, bytes, column->n);
	return TEG_OK;
}

static teg_status put_share(struct box_read *r, struct sweep *sweep, struct tile *const *tiles,
                            const struct cells *c, struct share *p, teg_error *err)
{
	struct selection sel = { .n = p->n_rows, .row0 = p->first, .tiles = tiles };

	if (p->listed) {
		if (!reserve(r, p->n))
			return no_memory(err);
		list_rows(r, c, p);
		sel.n = p->n_rows;
		sel.rows = r->rows;
	}
	TEG_TRY(sweep_bind(sweep, &sel, NULL, 0, sel.n, err));
	for (size_t i = 0; i < r->n_targets; i++) {
		struct target *target = &r->targets[i];

		column_buf_clear(&target->column);
		TEG_TRY(sweep_column(sweep, target->field->id, &target->column, err));
		put_lines(r, c, p, &target->values, target->column.values);
		if (target->validity.at)
			TEG_TRY(put_validity(r, c, p, target, err));
	}
	if (r->mask.at)
		put_same(r, c, p, &r->mask, (const uint8_t *)"\1");
	r->n_placed += p->n;
	return TEG_OK;
}

/* Whether the selection is a whole dense tile with a row in every cell: then where rows lie follows
 * from the tile's box alone. */
static bool is_whole(const struct selection *sel)
{
	const struct tile_header *header = &sel->tiles[0]->header;

	return !sel->resolved && !sel->rows && sel->n == header->n_rows &&
	       header->shape == TILE_DENSE && !tile_find_column(header, COLUMN_ID_PRESENCE);
}

static teg_status put_tile(struct box_read *r, struct sweep *sweep, const struct selection *sel,
                           teg_error *err)
{
	const struct tile *tile = sel->tiles[0];
	struct share share = { .n = 0 };
	struct cells cells;

	share.n = lattice_window(&r->lattice, tile->header.lo, tile->header.hi, &share.window);
	if (!share.n)
		return TEG_OK;
	cells_of_tile(&cells, r, tile);
	measure(&share, &cells, &r->lattice);
	return put_share(r, sweep, sel->tiles, &cells, &share, err);
}

/* ---- any selection: row by row ---- */

/* Places of the bound rows along every dimension; which of them are on the lattice into r->rows. */
static teg_status find_places(struct box_read *r, struct sweep *sweep, uint32_t n,
                              uint32_t *n_kept_out, teg_error *err)
{
	uint32_t kept = 0, n_dims = r->schema->n_dims;

	for (uint32_t d = 0; d < n_dims; d++) {
		uint64_t *lanes = r->place + (size_t)d * n;
		struct column view;

		column_buf_clear(&r->lanes[d]);
		TEG_TRY(sweep_column(sweep, r->schema->dims[d].id, &r->lanes[d], err));
		view = column_buf_view(&r->lanes[d]);
		lanes_of_column(&view, r->schema->dims[d].class, 0, n, lanes);
	}
	for (uint32_t i = 0; i < n; i++) {
		bool on = true;

		for (uint32_t d = 0; d < n_dims; d++) {
			uint64_t off = r->place[(size_t)d * n + i] - r->lattice.lo[d];

			/* What lies below wraps around. */
			on &= off % r->lattice.step[d] == 0 &&
			      off / r->lattice.step[d] < r->lattice.count[d];
		}
		r->rows[kept] = i;
		kept += on;
	}
	for (uint32_t d = 0; d < n_dims; d++)
		for (uint32_t k = 0; k < kept; k++)
			r->place[(size_t)d * n + k] =
				(r->place[(size_t)d * n + r->rows[k]] - r->lattice.lo[d]) /
				r->lattice.step[d];
	*n_kept_out = kept;
	return TEG_OK;
}

static uint8_t *address(const struct box_read *r, const struct places *to, uint32_t n, uint32_t i)
{
	uint8_t *at = to->at;

	for (uint32_t d = 0; d < r->schema->n_dims; d++)
		at += (ptrdiff_t)r->place[(size_t)d * n + i] * to->stride[d];
	return at;
}

/* `n` rows were selected, the first `kept` places are theirs that are on the lattice. */
static void put_column(const struct box_read *r, const struct target *target, uint32_t n,
                       uint32_t kept)
{
	const struct column_buf *column = &target->column;
	size_t width = target->field->width;

	for (uint32_t i = 0; i < kept; i++)
		memcpy(address(r, &target->values, n, i), column->values + i * width, width);
	for (uint32_t i = 0; target->validity.at && i < kept; i++)
		*address(r, &target->validity, n, i) = !column->validity ||
		                                       bitmap_get(column->validity, i);
}

static teg_status put_rows(struct box_read *r, struct sweep *sweep, const struct selection *sel,
                           teg_error *err)
{
	uint32_t n = sel->n, kept;

	if (!reserve(r, n))
		return no_memory(err);
	TEG_TRY(sweep_bind(sweep, sel, NULL, 0, n, err));
	TEG_TRY(find_places(r, sweep, n, &kept, err));
	if (kept < n)
		TEG_TRY(sweep_bind(sweep, sel, r->rows, 0, kept, err));
	for (size_t i = 0; i < r->n_targets && kept; i++) {
		column_buf_clear(&r->targets[i].column);
		TEG_TRY(sweep_column(sweep, r->targets[i].field->id, &r->targets[i].column, err));
		put_column(r, &r->targets[i], n, kept);
	}
	for (uint32_t i = 0; r->mask.at && i < kept; i++)
		*address(r, &r->mask, n, i) = 1;
	r->n_placed += kept;
	return TEG_OK;
}

/* ---- the whole ---- */

static teg_status fill(const struct box_read *r, teg_error *err)
{
	for (size_t i = 0; i < r->n_targets; i++) {
		const struct target *t = &r->targets[i];
		const uint8_t *value = t->field->fill.at;
		bool valid = value || !t->field->nullable;
		uint8_t *zeros = value ? NULL : mem_zalloc(r->alloc, t->field->width);

		if (!value && !zeros)
			return no_memory(err);
		places_fill(&t->values, &r->lattice, value ? value : zeros);
		mem_free(r->alloc, zeros, t->field->width);
		if (t->validity.at)
			places_fill(&t->validity, &r->lattice,
			            (const uint8_t *)(valid ? "\1" : "\0"));
	}
	if (r->mask.at)
		places_fill(&r->mask, &r->lattice, (const uint8_t *)"\0");
	return TEG_OK;
}

/* Whether the tiles of the plan look as if every cell would get a value: then nothing is filled
 * beforehand, since writing memory twice costs as much as decoding. */
static bool looks_complete(const struct box_read *r, const struct plan *plan)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < plan->n_tiles; i++) {
		const struct index_entry *e = &plan->tiles[i].entry;
		struct window window;

		if (plan->tiles[i].needs_resolution || e->shape != TILE_DENSE)
			return false;
		n += lattice_window(&r->lattice, e->lo, e->hi, &window);
	}
	return n == r->lattice.n_cells;
}

static teg_status put_all(struct box_read *r, struct sweep *sweep, teg_error *err)
{
	struct selection sel;
	teg_status status;

	r->n_placed = 0;
	while ((status = sweep_next(sweep, &sel, err)) == TEG_OK)
		TEG_TRY(is_whole(&sel) ? put_tile(r, sweep, &sel, err)
		                       : put_rows(r, sweep, &sel, err));
	return status == TEG_END ? TEG_OK : status;
}

static teg_status read_once(struct box_read *r, const struct view *view, bool *again,
                            teg_error *err)
{
	struct sweep sweep;
	teg_status status = TEG_OK;
	bool filled = *again;

	TEG_TRY(sweep_open(&sweep, r->array, view, err));
	filled |= !looks_complete(r, &sweep.plan);
	if (filled)
		status = fill(r, err);
	if (status == TEG_OK)
		status = put_all(r, &sweep, err);
	sweep_close(&sweep);
	*again = !filled && r->n_placed < r->lattice.n_cells;
	return status;
}

teg_status box_read_run(struct box_read *r, const struct view *view, teg_error *err)
{
	struct view within = *view;
	struct box box;
	bool again = false;

	if (!r->lattice.n_cells)
		return TEG_OK;
	lattice_box(&r->lattice, &box);
	within.box = &box;
	within.step = r->lattice.step;
	TEG_TRY(read_once(r, &within, &again, err));
	/* Some rows of the tiles did not answer. */
	return again ? read_once(r, &within, &again, err) : TEG_OK;
}
