#include "codec/tile/index.h"
#include "codec/base/checked.h"

/* A page is a head, one form byte per column, then the columns in that order:
 *
 *   [ "TIDX" | n u32 | n_dims u16 | leaf u16 | n_attrs u32 ][ forms ][ column 0 ][ column 1 ] ...
 *
 * Form 0: every entry has the column's default and nothing is stored; 1: one value for all; 2: one
 * per entry. The smallest form that holds the values is the only one allowed. */
#define MAGIC 0x58444954u /* "TIDX" */

enum form { FORM_DEFAULT, FORM_ONE, FORM_EACH };

/* Columns: 19 of the entry, then lo, hi, first, last per dimension, then 5 per attribute. */
#define N_FIXED 19
#define PER_DIM 4
#define PER_ATTR 5

static uint32_t n_columns_of(uint32_t n_dims, uint32_t n_attrs)
{
	return N_FIXED + PER_DIM * n_dims + PER_ATTR * n_attrs;
}

/* Bytes of one value of a column. */
static unsigned width_of(uint32_t column, uint32_t n_dims)
{
	if (column == 2)
		return 4;
	if (column == 4 || column == 5)
		return 1;
	if (column < N_FIXED + PER_DIM * n_dims)
		return 8;
	return (column - N_FIXED - PER_DIM * n_dims) % PER_ATTR == 4 ? 1 : 8;
}

static uint64_t default_of(uint32_t column)
{
	switch (column) {
	case 6: return 1;                    /* n_tiles */
	case 14: return INT64_MAX;           /* superseded_max */
	case 15:                             /* valid_from_min */
	case 16: return (uint64_t)INT64_MIN; /* valid_until_max */
	default: return 0;
	}
}

#define STATS_HAS_BOUNDS 1u
#define STATS_EXACT 2u

static uint64_t get_stats(const struct column_stats *stats, uint32_t column)
{
	switch (column) {
	case 0: return stats->min;
	case 1: return stats->max;
	case 2: return stats->n_nulls;
	case 3: return stats->n_nan;
	default:
		return (stats->has_bounds ? STATS_HAS_BOUNDS : 0) |
		       (stats->exact ? STATS_EXACT : 0);
	}
}

static void set_stats(struct column_stats *stats, uint32_t column, uint64_t v)
{
	switch (column) {
	case 0: stats->min = v; break;
	case 1: stats->max = v; break;
	case 2: stats->n_nulls = v; break;
	case 3: stats->n_nan = v; break;
	default: stats->has_bounds = v & STATS_HAS_BOUNDS; stats->exact = v & STATS_EXACT;
	}
}

static uint64_t get_fixed(const struct index_entry *e, uint32_t column)
{
	switch (column) {
	case 0: return e->off;
	case 1: return e->len;
	case 2: return e->header_len;
	case 3: return e->hash;
	case 4: return e->shape;
	case 5: return e->continued;
	case 6: return e->n_tiles;
	case 7: return e->n_rows;
	case 8: return e->n_live;
	case 9: return e->n_tombstones;
	case 10: return e->n_erased;
	case 11: return e->column_len_max;
	case 12: return (uint64_t)e->system_from_min;
	case 13: return (uint64_t)e->system_from_max;
	case 14: return (uint64_t)e->superseded_max;
	case 15: return (uint64_t)e->valid_from_min;
	case 16: return (uint64_t)e->valid_until_max;
	case 17: return e->n_open;
	default: return e->n_inexact;
	}
}

static void set_fixed(struct index_entry *e, uint32_t column, uint64_t v)
{
	switch (column) {
	case 0: e->off = v; break;
	case 1: e->len = v; break;
	case 2: e->header_len = (uint32_t)v; break;
	case 3: e->hash = v; break;
	case 4: e->shape = (uint8_t)v; break;
	case 5: e->continued = v != 0; break;
	case 6: e->n_tiles = v; break;
	case 7: e->n_rows = v; break;
	case 8: e->n_live = v; break;
	case 9: e->n_tombstones = v; break;
	case 10: e->n_erased = v; break;
	case 11: e->column_len_max = v; break;
	case 12: e->system_from_min = (int64_t)v; break;
	case 13: e->system_from_max = (int64_t)v; break;
	case 14: e->superseded_max = (int64_t)v; break;
	case 15: e->valid_from_min = (int64_t)v; break;
	case 16: e->valid_until_max = (int64_t)v; break;
	case 17: e->n_open = v; break;
	default: e->n_inexact = v; break;
	}
}

static uint64_t *lanes_of(struct index_entry *e, uint32_t column)
{
	switch (column % PER_DIM) {
	case 0: return e->lo;
	case 1: return e->hi;
	case 2: return e->first;
	default: return e->last;
	}
}

static uint64_t get_value(const struct index_entry *e, uint32_t column, uint32_t n_dims)
{
	uint32_t dim_column = column - N_FIXED, attr_column = dim_column - PER_DIM * n_dims;

	if (column < N_FIXED)
		return get_fixed(e, column);
	if (dim_column < PER_DIM * n_dims)
		return lanes_of((struct index_entry *)(uintptr_t)e,
		                dim_column)[dim_column / PER_DIM];
	return get_stats(&e->stats[attr_column / PER_ATTR], attr_column % PER_ATTR);
}

static void set_value(struct index_entry *e, uint32_t column, uint32_t n_dims, uint64_t v)
{
	uint32_t dim_column = column - N_FIXED, attr_column = dim_column - PER_DIM * n_dims;

	if (column < N_FIXED)
		set_fixed(e, column, v);
	else if (dim_column < PER_DIM * n_dims)
		lanes_of(e, dim_column)[dim_column / PER_DIM] = v;
	else
		set_stats(&e->stats[attr_column / PER_ATTR], attr_column % PER_ATTR, v);
}

/* ---- writing ---- */

static enum form form_of(const struct index_page *page, uint32_t column)
{
	uint64_t first = get_value(&page->entries[0], column, page->n_dims);

	for (uint32_t i = 1; i < page->n; i++)
		if (get_value(&page->entries[i], column, page->n_dims) != first)
			return FORM_EACH;
	return first == default_of(column) ? FORM_DEFAULT : FORM_ONE;
}

static void put_value(struct buf *out, unsigned width, uint64_t v)
{
	uint8_t bytes[8];

	store_u64(bytes, v);
	buf_append(out, bytes, width);
}

void index_put_page(const struct index_page *page, struct buf *out)
{
	uint32_t n_columns = n_columns_of(page->n_dims, page->n_attrs);
	size_t forms;

	buf_u32(out, MAGIC);
	buf_u32(out, page->n);
	buf_u16(out, (uint16_t)page->n_dims);
	buf_u16(out, page->leaf);
	buf_u32(out, page->n_attrs);
	forms = out->len;
	buf_zeros(out, n_columns);
	for (uint32_t c = 0; c < n_columns && buf_status(out) == TEG_OK; c++) {
		enum form form = form_of(page, c);
		uint32_t n = form == FORM_EACH ? page->n : form == FORM_ONE;

		out->at[forms + c] = (uint8_t)form;
		for (uint32_t i = 0; i < n; i++)
			put_value(out, width_of(c, page->n_dims),
			          get_value(&page->entries[i], c, page->n_dims));
	}
}

/* ---- reading ---- */

static teg_status corrupt(teg_error *err, const char *why)
{
	return teg_fail(err, TEG_CORRUPT, "index page: %s", why);
}

static uint64_t take_value(struct reader *r, unsigned width)
{
	struct span s = reader_take(r, width);
	uint8_t bytes[8] = { 0 };

	if (!s.len)
		return 0;
	memcpy(bytes, s.at, s.len);
	return load_u64(bytes);
}

/* Bits that mean nothing must not be there: one page, one row of bytes. */
static bool value_allowed(uint32_t column, uint32_t n_dims, uint64_t v)
{
	if (column == 4)
		return v <= TILE_BOX;
	if (column == 5)
		return v <= 1;
	return column < N_FIXED || width_of(column, n_dims) == 8 ||
	       v <= (STATS_HAS_BOUNDS | STATS_EXACT);
}

static teg_status take_column(struct reader *r, struct index_page *page, uint32_t column,
                              uint8_t form, teg_error *err)
{
	unsigned width = width_of(column, page->n_dims);
	uint64_t v = default_of(column), first = 0;
	bool differ = false;

	if (form > FORM_EACH)
		return corrupt(err, "unknown form of a column");
	for (uint32_t i = 0; i < page->n; i++) {
		if (form == FORM_EACH || (form == FORM_ONE && !i))
			v = take_value(r, width);
		if (!i)
			first = v;
		differ |= v != first;
		if (!value_allowed(column, page->n_dims, v))
			return corrupt(err, "value out of range");
		set_value(&page->entries[i], column, page->n_dims, v);
	}
	if (!reader_ok(r))
		return corrupt(err, "cut off");
	if ((form == FORM_EACH && !differ) || (form == FORM_ONE && v == default_of(column)))
		return corrupt(err, "a shorter form exists");
	return TEG_OK;
}

static bool bounds_agree(const struct index_entry *e, const struct index_page *page)
{
	for (uint32_t d = 0; d < page->n_dims; d++)
		if (e->lo[d] > e->hi[d] || e->first[d] < e->lo[d] || e->first[d] > e->hi[d] ||
		    e->last[d] < e->lo[d] || e->last[d] > e->hi[d])
			return false;
	for (uint32_t a = 0; a < page->n_attrs; a++) {
		const struct column_stats *s = &e->stats[a];

		if (s->n_nulls > e->n_live || s->n_nan > e->n_live - s->n_nulls ||
		    s->min > s->max || (!s->has_bounds && (s->min || s->max)))
			return false;
	}
	return e->system_from_min <= e->system_from_max;
}

static bool counts_agree(const struct index_entry *e, bool leaf)
{
	uint64_t sum;

	return e->n_rows && e->n_tiles && u64_add(e->n_live, e->n_tombstones, &sum) &&
	       u64_add(sum, e->n_erased, &sum) && sum == e->n_rows && e->n_open <= e->n_rows &&
	       e->n_inexact <= e->n_rows && e->n_tiles <= e->n_rows && (!leaf || e->n_tiles == 1) &&
	       (!leaf || e->n_rows <= TILE_CELLS_MAX);
}

/* What an entry points at lies in the segment, after what the one before points at. */
static bool place_agrees(const struct index_entry *e, uint64_t from, uint64_t segment_len,
                         bool leaf)
{
	uint64_t end;

	if (e->off < from || !u64_add(e->off, e->len, &end) || end > segment_len || !e->len)
		return false;
	return leaf ? e->header_len && e->header_len <= e->len && e->header_len <= TILE_HEADER_MAX
	            : !e->header_len && !e->shape && !e->continued;
}

static teg_status check_entries(const struct index_page *page, uint64_t segment_len, teg_error *err)
{
	uint64_t from = 0;

	for (uint32_t i = 0; i < page->n; i++) {
		const struct index_entry *e = &page->entries[i];

		if (!place_agrees(e, from, segment_len, page->leaf))
			return corrupt(err,
			               "tile or page lies outside the segment or out of order");
		from = e->off + e->len;
		if (!counts_agree(e, page->leaf))
			return corrupt(err, "counts do not add up");
		if (!bounds_agree(e, page))
			return corrupt(err, "bounds contradict each other");
	}
	return TEG_OK;
}

static teg_status take_head(struct reader *r, uint32_t n_dims, uint32_t n_attrs,
                            struct index_page *page, teg_error *err)
{
	uint32_t magic = reader_u32(r), n = reader_u32(r), dims = reader_u16(r),
		 leaf = reader_u16(r);
	uint32_t attrs = reader_u32(r);

	if (!reader_ok(r) || magic != MAGIC)
		return corrupt(err, "wrong magic");
	if (dims != n_dims || attrs != n_attrs || leaf > 1)
		return corrupt(err, "dimensions or attributes differ from the footer's");
	if (!n || n > index_fanout(n_attrs))
		return corrupt(err, "entry count out of range");
	*page = (struct index_page){ .n = n, .n_dims = n_dims, .n_attrs = n_attrs, .leaf = leaf };
	return TEG_OK;
}

static teg_status make_entries(struct index_page *page, struct arena *arena, teg_error *err)
{
	struct column_stats *stats;
	size_t n_stats;

	if (!size_mul(page->n, page->n_attrs, &n_stats))
		return corrupt(err, "entry count out of range");
	page->entries = arena_array(arena, page->n, sizeof *page->entries);
	stats = arena_array(arena, n_stats, sizeof *stats);
	if (!page->entries || !stats)
		return teg_fail(err, TEG_NOMEM, "index page: no memory for %u entries", page->n);
	for (uint32_t i = 0; i < page->n; i++)
		page->entries[i].stats = stats + (size_t)i * page->n_attrs;
	return TEG_OK;
}

teg_status index_parse_page(struct span bytes, uint64_t segment_len, uint32_t n_dims,
                            uint32_t n_attrs, struct arena *arena, struct index_page *page_out,
                            teg_error *err)
{
	struct reader r = reader_of(bytes);
	struct index_page page;
	struct span forms;

	TEG_TRY(take_head(&r, n_dims, n_attrs, &page, err));
	if (n_dims > TILE_DIMS_MAX)
		return corrupt(err, "too many dimensions");
	forms = reader_take(&r, n_columns_of(n_dims, n_attrs));
	if (!reader_ok(&r))
		return corrupt(err, "cut off");
	TEG_TRY(make_entries(&page, arena, err));
	for (uint32_t c = 0; c < forms.len; c++)
		TEG_TRY(take_column(&r, &page, c, forms.at[c], err));
	if (reader_left(&r))
		return corrupt(err, "bytes left over");
	TEG_TRY(check_entries(&page, segment_len, err));
	*page_out = page;
	return TEG_OK;
}

/* ---- summing ---- */

static void widen_stats(struct column_stats *sum, const struct column_stats *s)
{
	if (!sum->has_bounds && s->has_bounds) {
		sum->min = s->min;
		sum->max = s->max;
		sum->exact = s->exact;
		sum->has_bounds = true;
	} else if (s->has_bounds) {
		sum->min = s->min < sum->min ? s->min : sum->min;
		sum->max = s->max > sum->max ? s->max : sum->max;
		sum->exact &= s->exact;
	}
	sum->n_nulls += s->n_nulls;
	sum->n_nan += s->n_nan;
}

static void widen_times(struct index_entry *sum, const struct index_entry *e)
{
	if (e->system_from_min < sum->system_from_min)
		sum->system_from_min = e->system_from_min;
	if (e->system_from_max > sum->system_from_max)
		sum->system_from_max = e->system_from_max;
	if (e->superseded_max > sum->superseded_max)
		sum->superseded_max = e->superseded_max;
	if (e->valid_from_min < sum->valid_from_min)
		sum->valid_from_min = e->valid_from_min;
	if (e->valid_until_max > sum->valid_until_max)
		sum->valid_until_max = e->valid_until_max;
}

static void widen_counts(struct index_entry *sum, const struct index_entry *e)
{
	sum->n_tiles += e->n_tiles;
	sum->n_rows += e->n_rows;
	sum->n_live += e->n_live;
	sum->n_tombstones += e->n_tombstones;
	sum->n_erased += e->n_erased;
	sum->n_open += e->n_open;
	sum->n_inexact += e->n_inexact;
	if (e->column_len_max > sum->column_len_max)
		sum->column_len_max = e->column_len_max;
}

static void copy_entry(struct index_entry *sum, const struct index_entry *entry, uint32_t n_attrs)
{
	struct column_stats *stats = sum->stats;

	*sum = *entry;
	sum->stats = stats;
	for (uint32_t a = 0; a < n_attrs; a++)
		stats[a] = entry->stats[a];
	sum->off = sum->len = sum->hash = 0;
	sum->header_len = 0;
	sum->shape = 0;
	sum->continued = false;
}

void index_widen(struct index_entry *sum, const struct index_entry *entry, uint32_t n_dims,
                 uint32_t n_attrs)
{
	if (!sum->n_tiles) {
		copy_entry(sum, entry, n_attrs);
		return;
	}
	widen_counts(sum, entry);
	widen_times(sum, entry);
	for (uint32_t d = 0; d < n_dims; d++) {
		sum->lo[d] = entry->lo[d] < sum->lo[d] ? entry->lo[d] : sum->lo[d];
		sum->hi[d] = entry->hi[d] > sum->hi[d] ? entry->hi[d] : sum->hi[d];
		sum->last[d] = entry->last[d];
	}
	for (uint32_t a = 0; a < n_attrs; a++)
		widen_stats(&sum->stats[a], &entry->stats[a]);
}
