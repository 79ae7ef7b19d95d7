#include "engine/scan/gather.h"
#include "engine/order/order.h"
#include "engine/scan/sweep.h"

/* Rows of one tile: ascending, each once. */
struct part {
	struct tile *tile;
	uint32_t from, n; /* of gather->rows */
};

struct gather {
	const teg_allocator *alloc;
	const uint32_t *keep;
	uint32_t from, n;
	bool run; /* rows first_row .. + n of one tile */
	uint32_t first_row;
	uint32_t *rows; /* ascending within each part */
	uint32_t *slot; /* bound row -> place among all parts' rows */
	uint32_t *work;
	size_t rows_cap, slot_cap, work_cap;
	bool in_order; /* slot is the identity */
	uint32_t n_parts, n_rows;
	struct part *parts;
	size_t parts_cap;
	struct column_buf together;
};

struct gather *gather_new(const teg_allocator *alloc)
{
	struct gather *g = mem_zalloc(alloc, sizeof *g);

	if (g) {
		g->alloc = alloc;
		column_buf_init(&g->together, COLUMN_FIXED, 8, alloc);
	}
	return g;
}

void gather_shed(struct gather *g)
{
	mem_free(g->alloc, g->rows, g->rows_cap * sizeof *g->rows);
	mem_free(g->alloc, g->slot, g->slot_cap * sizeof *g->slot);
	mem_free(g->alloc, g->work, g->work_cap * sizeof *g->work);
	mem_free(g->alloc, g->parts, g->parts_cap * sizeof *g->parts);
	g->rows = g->slot = g->work = NULL;
	g->parts = NULL;
	g->rows_cap = g->slot_cap = g->work_cap = g->parts_cap = 0;
	g->n = g->n_rows = g->n_parts = 0;
	column_buf_release(&g->together);
}

void gather_free(struct gather *g)
{
	if (!g)
		return;
	gather_shed(g);
	mem_free(g->alloc, g, sizeof *g);
}

uint32_t gather_index(const struct gather *g, uint32_t i)
{
	return g->keep ? g->keep[i] : g->from + i;
}

static bool grow(struct gather *g, uint32_t **block, size_t *cap, size_t need)
{
	void *at = *block;

	if (!mem_grow(g->alloc, &at, cap, need, sizeof **block))
		return false;
	*block = at;
	return true;
}

static bool add_part(struct gather *g, struct tile *tile, uint32_t from, uint32_t n)
{
	void *at = g->parts;

	if (!mem_grow(g->alloc, &at, &g->parts_cap, g->n_parts + 1, sizeof *g->parts))
		return false;
	g->parts = at;
	g->parts[g->n_parts++] = (struct part){ tile, from, n };
	return true;
}

/* One tile, rows ascending: a list, or a run. */
static bool bind_filtered(struct gather *g, const struct selection *sel)
{
	g->in_order = true;
	g->n_rows = g->n;
	g->run = !sel->rows && !g->keep;
	g->first_row = sel->row0 + g->from;
	if (!g->run) {
		if (!grow(g, &g->rows, &g->rows_cap, g->n))
			return false;
		for (uint32_t i = 0; i < g->n; i++) {
			uint32_t at = gather_index(g, i);

			g->rows[i] = sel->rows ? sel->rows[at] : sel->row0 + at;
		}
	}
	return add_part(g, sel->tiles[0], 0, g->n);
}

/* Bound rows sorted by tile (counting), in slot[]; counts end up as the start of each tile's run. */
static bool sort_by_tile(struct gather *g, const struct selection *sel, uint32_t n_tiles)
{
	if (!grow(g, &g->work, &g->work_cap, (size_t)n_tiles + 1 + g->n))
		return false;
	memset(g->work, 0, ((size_t)n_tiles + 1) * sizeof *g->work);
	for (uint32_t i = 0; i < g->n; i++)
		g->work[sel->tile_of[gather_index(g, i)] + 1]++;
	for (uint32_t t = 0; t < n_tiles; t++)
		g->work[t + 1] += g->work[t];
	for (uint32_t i = 0; i < g->n; i++)
		g->work[n_tiles + 1 + g->work[sel->tile_of[gather_index(g, i)]]++] = i;
	return true;
}

/* Insertion is enough for rows that come ascending but for the versions of one key; a take in random
 * order is sorted properly. */
#define INSERTION_MAX 32

static void insert_rows(const struct gather *g, const struct selection *sel, uint32_t *bound,
                        uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint32_t b = bound[i], row = sel->rows[gather_index(g, b)], k = i;

		for (; k && sel->rows[gather_index(g, bound[k - 1])] > row; k--)
			bound[k] = bound[k - 1];
		bound[k] = b;
	}
}

static bool ascending(const struct gather *g, const struct selection *sel, const uint32_t *bound,
                      uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (sel->rows[gather_index(g, bound[i - 1])] > sel->rows[gather_index(g, bound[i])])
			return false;
	return true;
}

/* Sorts bound rows by tile row. */
static bool sort_rows(const struct gather *g, const struct selection *sel, uint32_t *bound,
                      uint32_t n)
{
	size_t size = (size_t)n * (sizeof(uint64_t) + 2 * sizeof(uint32_t));
	uint64_t *rows;
	uint32_t *perm, *sorted;
	bool ok;

	if (ascending(g, sel, bound, n))
		return true;
	if (n <= INSERTION_MAX) {
		insert_rows(g, sel, bound, n);
		return true;
	}
	rows = mem_alloc(g->alloc, size);
	if (!rows)
		return false;
	perm = (uint32_t *)(rows + n);
	sorted = perm + n;
	for (uint32_t i = 0; i < n; i++)
		rows[i] = sel->rows[gather_index(g, bound[i])];
	ok = order_sort((const uint64_t *const[]){ rows }, 1, n, g->alloc, perm) == TEG_OK;
	for (uint32_t i = 0; ok && i < n; i++)
		sorted[i] = bound[perm[i]];
	if (ok)
		memcpy(bound, sorted, n * sizeof *bound);
	mem_free(g->alloc, rows, size);
	return ok;
}

static bool bind_tile(struct gather *g, const struct selection *sel, uint32_t tile, uint32_t *bound,
                      uint32_t n)
{
	uint32_t from = g->n_rows;

	if (!sort_rows(g, sel, bound, n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = sel->rows[gather_index(g, bound[i])];

		if (g->n_rows == from || g->rows[g->n_rows - 1] != row)
			g->rows[g->n_rows++] = row;
		g->slot[bound[i]] = g->n_rows - 1;
	}
	return add_part(g, sel->tiles[tile], from, g->n_rows - from);
}

static bool bind_resolved(struct gather *g, const struct selection *sel)
{
	uint32_t n_tiles = 0;

	for (uint32_t i = 0; i < g->n; i++)
		if (sel->tile_of[gather_index(g, i)] >= n_tiles)
			n_tiles = sel->tile_of[gather_index(g, i)] + 1;
	if (!grow(g, &g->rows, &g->rows_cap, g->n) || !grow(g, &g->slot, &g->slot_cap, g->n) ||
	    !sort_by_tile(g, sel, n_tiles))
		return false;
	/* After counting, work[t] is where tile t's run ends. */
	for (uint32_t t = 0, at = 0; t < n_tiles; at = g->work[t], t++)
		if (g->work[t] > at &&
		    !bind_tile(g, sel, t, g->work + n_tiles + 1 + at, g->work[t] - at))
			return false;
	g->in_order = g->n_rows == g->n;
	for (uint32_t i = 0; g->in_order && i < g->n; i++)
		g->in_order = g->slot[i] == i;
	return true;
}

teg_status gather_bind(struct gather *g, const struct selection *sel, const uint32_t *keep,
                       uint32_t from, uint32_t n, teg_error *err)
{
	g->keep = keep;
	g->from = from;
	g->n = n;
	g->n_parts = 0;
	g->n_rows = 0;
	g->run = false;
	if (sel->resolved ? bind_resolved(g, sel) : bind_filtered(g, sel))
		return TEG_OK;
	return teg_fail(err, TEG_NOMEM, "no memory to gather %u rows", n);
}

static teg_status gather_parts(struct gather *g, struct tile_reader *reader, uint32_t column_id,
                               struct column_buf *out, teg_error *err)
{
	for (uint32_t p = 0; p < g->n_parts; p++)
		TEG_TRY(tile_gather_column(reader, g->parts[p].tile, column_id,
		                           g->rows + g->parts[p].from, g->parts[p].n, out, err));
	return TEG_OK;
}

#define LARGE_ROW \
	4096 /* bytes: reading such rows one by one costs less than bringing them into order */

static bool rows_are_large(const struct column_buf *out)
{
	return out->shape == COLUMN_FIXED_LIST && out->nested->shape == COLUMN_FIXED &&
	       (uint64_t)out->width * out->nested->width >= LARGE_ROW;
}

static const struct part *part_of(const struct gather *g, uint32_t row)
{
	uint32_t low = 0, high = g->n_parts - 1;

	while (low < high) {
		uint32_t mid = high - (high - low) / 2;

		if (g->parts[mid].from <= row)
			low = mid;
		else
			high = mid - 1;
	}
	return &g->parts[low];
}

static teg_status gather_one_by_one(struct gather *g, struct tile_reader *reader,
                                    uint32_t column_id, struct column_buf *out, teg_error *err)
{
	if (column_buf_reserve(out, g->n, 0) != TEG_OK ||
	    column_buf_reserve(out->children, (size_t)g->n * out->width, 0) != TEG_OK)
		return teg_fail(err, TEG_NOMEM, "no memory to gather %u rows", g->n);
	for (uint32_t i = 0; i < g->n; i++)
		TEG_TRY(tile_gather_column(reader, part_of(g, g->slot[i])->tile, column_id,
		                           g->rows + g->slot[i], 1, out, err));
	return TEG_OK;
}

teg_status gather_column(struct gather *g, struct tile_reader *reader, uint32_t column_id,
                         struct column_buf *out, teg_error *err)
{
	struct column together;

	if (g->run)
		return tile_read_column(reader, g->parts[0].tile, column_id, g->first_row, g->n,
		                        out, err);
	if (g->in_order)
		return gather_parts(g, reader, column_id, out, err);
	if (rows_are_large(out))
		return gather_one_by_one(g, reader, column_id, out, err);
	column_buf_become(&g->together, out);
	TEG_TRY(gather_parts(g, reader, column_id, &g->together, err));
	together = column_buf_view(&g->together);
	if (column_buf_gather(out, &together, g->slot, g->n) == TEG_OK)
		return TEG_OK;
	return teg_fail(err, TEG_NOMEM, "no memory to gather %u rows", g->n);
}
