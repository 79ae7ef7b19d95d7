#include "engine/scan/gather.h"
#include "engine/order/order.h"
#include "engine/scan/sweep.h"

/* Rows of one tile: ascending, each once. */
struct part {
	struct tile *tile;
	uint32_t from, n; /* of gather->rows; of the tile where `whole` */
	bool whole;
};

/* Neighbours among all parts' rows. */
struct stretch {
	uint32_t from, n;
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
	bool in_place;             /* the last part is the bound rows, but where others have one */
	struct stretch *stretches; /* in the order of the bound rows, instead of `slot` */
	uint32_t n_stretches;
	size_t stretches_cap;
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
	mem_free(g->alloc, g->stretches, g->stretches_cap * sizeof *g->stretches);
	g->rows = g->slot = g->work = NULL;
	g->parts = NULL;
	g->stretches = NULL;
	g->rows_cap = g->slot_cap = g->work_cap = g->parts_cap = g->stretches_cap = 0;
	g->n = g->n_rows = g->n_parts = g->n_stretches = 0;
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
	g->parts[g->n_parts++] = (struct part){ tile, from, n, false };
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

/* ---- runs ---- */

/* What a slice takes of one tile: all between the first and the last of its rows, where most of those
 * are wanted, else a list. */
struct share {
	uint32_t lo, hi, n; /* its rows lie in [lo, hi) */
	bool whole;
	uint32_t start;       /* among all parts' rows */
	uint32_t list, taken; /* where its list begins in g->rows, and how long it is yet */
};

/* The run that holds row `at` of the selection. */
static uint32_t run_of(const struct selection *sel, uint32_t at)
{
	uint32_t lo = 0, hi = sel->n_runs;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (sel->runs[mid].at <= at)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Run k cut to the bound rows. False: it lies behind them. */
static bool cut_run(const struct gather *g, const struct selection *sel, uint32_t k,
                    struct row_run *out)
{
	uint32_t end = g->from + g->n, skip;

	if (k == sel->n_runs || sel->runs[k].at >= end)
		return false;
	*out = sel->runs[k];
	skip = out->at < g->from ? g->from - out->at : 0;
	out->row0 += skip;
	out->n -= skip;
	out->at += skip;
	out->n = out->n < end - out->at ? out->n : end - out->at;
	return true;
}

static void measure_shares(const struct gather *g, const struct selection *sel, uint32_t k,
                           struct share *shares)
{
	struct row_run run;

	for (; cut_run(g, sel, k, &run); k++) {
		struct share *share = &shares[run.tile];

		if (!share->n)
			share->lo = run.row0;
		share->hi = run.row0 + run.n;
		share->n += run.n;
	}
}

static bool add_share(struct gather *g, struct share *share, struct tile *tile, uint32_t *start)
{
	uint32_t n = share->whole ? share->hi - share->lo : share->n;

	if (!share->n)
		return true;
	share->start = *start;
	share->list = g->n_rows;
	*start += n;
	if (!add_part(g, tile, share->whole ? share->lo : share->list, n))
		return false;
	g->parts[g->n_parts - 1].whole = share->whole;
	g->n_rows += share->whole ? 0 : n;
	return true;
}

/* The tile of which most is wanted comes last. */
static bool add_shares(struct gather *g, const struct selection *sel, struct share *shares,
                       uint32_t n_tiles)
{
	uint32_t start = 0, last = 0;

	for (uint32_t t = 0; t < n_tiles; t++) {
		shares[t].whole = shares[t].n > (shares[t].hi - shares[t].lo) / 2;
		last = shares[t].n > shares[last].n ? t : last;
	}
	for (uint32_t t = 0; t < n_tiles; t++)
		if (t != last && !add_share(g, &shares[t], sel->tiles[t], &start))
			return false;
	return add_share(g, &shares[last], sel->tiles[last], &start) &&
	       grow(g, &g->rows, &g->rows_cap, g->n_rows);
}

static bool add_stretch(struct gather *g, uint32_t from, uint32_t n)
{
	void *at = g->stretches;

	if (!mem_grow(g->alloc, &at, &g->stretches_cap, g->n_stretches + 1u, sizeof *g->stretches))
		return false;
	g->stretches = at;
	g->stretches[g->n_stretches++] = (struct stretch){ from, n };
	return true;
}

/* Where the run's rows are among all parts' rows, those of a list entered. */
static uint32_t place_run(struct gather *g, struct share *share, const struct row_run *run)
{
	uint32_t at = share->start + share->taken;

	if (share->whole)
		return share->start + run->row0 - share->lo;
	for (uint32_t i = 0; i < run->n; i++)
		g->rows[share->list + share->taken++] = run->row0 + i;
	return at;
}

static bool bind_shares(struct gather *g, const struct selection *sel, struct share *shares,
                        uint32_t n_tiles)
{
	uint32_t first = run_of(sel, g->from);
	const struct part *last;
	struct row_run run;

	measure_shares(g, sel, first, shares);
	if (!add_shares(g, sel, shares, n_tiles))
		return false;
	last = &g->parts[g->n_parts - 1];
	g->in_place = last->whole && last->n == g->n;
	for (uint32_t k = first; cut_run(g, sel, k, &run); k++) {
		if (!add_stretch(g, place_run(g, &shares[run.tile], &run), run.n))
			return false;
		g->in_place &= sel->tiles[run.tile] != last->tile ||
		               run.row0 - last->from == run.at - g->from;
	}
	if (g->n_parts == 1 && g->n_stretches == 1 && g->parts[0].whole) {
		g->run = true;
		g->first_row = g->parts[0].from;
	}
	return true;
}

static bool bind_runs(struct gather *g, const struct selection *sel)
{
	uint32_t n_tiles = 0;
	struct share *shares;
	bool done;

	for (uint32_t k = 0; k < sel->n_runs; k++)
		n_tiles = sel->runs[k].tile < n_tiles ? n_tiles : sel->runs[k].tile + 1;
	shares = mem_zalloc(g->alloc, n_tiles * sizeof *shares);
	done = shares && bind_shares(g, sel, shares, n_tiles);
	mem_free(g->alloc, shares, n_tiles * sizeof *shares);
	return done;
}

/* Single rows out of runs: those that `keep` lists, ascending. */
static bool bind_kept(struct gather *g, const struct selection *sel)
{
	struct selection flat = { .tiles = sel->tiles };
	uint32_t *tile_of = mem_array(g->alloc, (size_t)sel->n * 2 + 1, sizeof *tile_of);
	uint32_t *rows = tile_of + sel->n;
	bool done;

	for (uint32_t k = 0; tile_of && k < sel->n_runs; k++) {
		const struct row_run *run = &sel->runs[k];

		for (uint32_t i = 0; i < run->n; i++) {
			tile_of[run->at + i] = run->tile;
			rows[run->at + i] = run->row0 + i;
		}
	}
	flat.tile_of = tile_of;
	flat.rows = rows;
	done = tile_of && bind_resolved(g, &flat);
	mem_free(g->alloc, tile_of, ((size_t)sel->n * 2 + 1) * sizeof *tile_of);
	return done;
}

static bool bind(struct gather *g, const struct selection *sel)
{
	if (!sel->resolved)
		return bind_filtered(g, sel);
	if (!sel->runs)
		return bind_resolved(g, sel);
	return g->keep ? bind_kept(g, sel) : bind_runs(g, sel);
}

teg_status gather_bind(struct gather *g, const struct selection *sel, const uint32_t *keep,
                       uint32_t from, uint32_t n, teg_error *err)
{
	g->keep = keep;
	g->from = from;
	g->n = n;
	g->n_parts = 0;
	g->n_rows = 0;
	g->in_order = false;
	g->n_stretches = 0;
	g->in_place = false;
	g->run = false;
	if (bind(g, sel))
		return TEG_OK;
	return teg_fail(err, TEG_NOMEM, "no memory to gather %u rows", n);
}

/* The rows of the first n parts, side by side. */
static teg_status gather_parts(struct gather *g, uint32_t n, struct tile_reader *reader,
                               uint32_t column_id, struct column_buf *out, teg_error *err)
{
	for (uint32_t p = 0; p < n; p++) {
		const struct part *part = &g->parts[p];

		if (part->whole)
			TEG_TRY(tile_read_column(reader, part->tile, column_id, part->from, part->n,
			                         out, err));
		else
			TEG_TRY(tile_gather_column(reader, part->tile, column_id,
			                           g->rows + part->from, part->n, out, err));
	}
	return TEG_OK;
}

/* Numbers, all of them there. */
static bool put_words(const struct gather *g, const struct column *together, struct column_buf *out)
{
	uint8_t *to = column_buf_extend(out, g->n);

	for (uint32_t k = 0; to && k < g->n_stretches; k++) {
		const struct stretch *s = &g->stretches[k];

		if (s->n == 1 && together->width == 8)
			memcpy(to, together->values + (size_t)s->from * 8, 8);
		else
			memcpy(to, together->values + (size_t)s->from * together->width,
			       (size_t)s->n * together->width);
		to += (size_t)s->n * together->width;
	}
	return to != NULL;
}

/* The bound rows out of all parts' rows. */
static teg_status put_in_order(const struct gather *g, const struct column *together,
                               struct column_buf *out)
{
	if (!g->n_stretches)
		return column_buf_gather(out, together, g->slot, g->n);
	if (together->shape == COLUMN_FIXED && !together->validity && !out->nested)
		return put_words(g, together, out) ? TEG_OK : TEG_NOMEM;
	for (uint32_t k = 0; k < g->n_stretches; k++)
		TEG_TRY(column_buf_append(out, together, g->stretches[k].from, g->stretches[k].n));
	return TEG_OK;
}

/* Rows of other parts over those of the last, which lie in `out` from `first` on. */
static void put_over(const struct gather *g, const struct column *others, size_t first,
                     struct column_buf *out)
{
	uint8_t *to = out->values + first * out->width;

	for (uint32_t k = 0; k < g->n_stretches; k++) {
		const struct stretch *s = &g->stretches[k];

		if (s->from < others->n)
			memcpy(to, others->values + (size_t)s->from * out->width,
			       (size_t)s->n * out->width);
		to += (size_t)s->n * out->width;
	}
}

/* Reads the last part to where it belongs. *done_out is false, and `out` as before, where nulls are
 * among the rows. */
static teg_status gather_in_place(struct gather *g, struct tile_reader *reader, uint32_t column_id,
                                  struct column_buf *out, bool *done_out, teg_error *err)
{
	const struct part *last = &g->parts[g->n_parts - 1];
	size_t first = out->n, n_nulls = out->n_nulls;
	struct column others;

	TEG_TRY(gather_parts(g, g->n_parts - 1, reader, column_id, &g->together, err));
	TEG_TRY(tile_read_column(reader, last->tile, column_id, last->from, last->n, out, err));
	others = column_buf_view(&g->together);
	*done_out = !g->together.n_nulls && out->n_nulls == n_nulls;
	if (*done_out) {
		put_over(g, &others, first, out);
		return TEG_OK;
	}
	out->n = first;
	out->n_nulls = n_nulls;
	column_buf_clear(&g->together);
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
	bool done = false;

	if (g->run)
		return tile_read_column(reader, g->parts[0].tile, column_id, g->first_row, g->n,
		                        out, err);
	if (g->in_order)
		return gather_parts(g, g->n_parts, reader, column_id, out, err);
	if (!g->n_stretches && rows_are_large(out))
		return gather_one_by_one(g, reader, column_id, out, err);
	column_buf_become(&g->together, out);
	if (g->in_place && out->shape == COLUMN_FIXED && !out->nested)
		TEG_TRY(gather_in_place(g, reader, column_id, out, &done, err));
	if (done)
		return TEG_OK;
	TEG_TRY(gather_parts(g, g->n_parts, reader, column_id, &g->together, err));
	together = column_buf_view(&g->together);
	if (put_in_order(g, &together, out) == TEG_OK)
		return TEG_OK;
	return teg_fail(err, TEG_NOMEM, "no memory to gather %u rows", g->n);
}
