#include "engine/compute/groups.h"
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "codec/base/sort.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for groups");
}

void groups_init(struct groups *g, const struct field *const *fields, uint32_t n,
                 const teg_allocator *alloc)
{
	memset(g, 0, sizeof *g);
	g->n_columns = n;
	g->alloc = alloc;
	for (uint32_t c = 0; c < n; c++) {
		g->fields[c] = fields[c];
		column_buf_init(&g->keys[c], fields[c]->shape, fields[c]->width, alloc);
	}
}

void groups_release(struct groups *g)
{
	if (!g->alloc)
		return;
	for (uint32_t c = 0; c < g->n_columns; c++)
		column_buf_release(&g->keys[c]);
	mem_free(g->alloc, g->hashes, g->hashes_cap * sizeof *g->hashes);
	mem_free(g->alloc, g->slots, g->n_slots * sizeof *g->slots);
	mem_free(g->alloc, g->row_hashes, g->rows_cap * sizeof *g->row_hashes);
	mem_free(g->alloc, g->of_row, g->rows_cap * sizeof *g->of_row);
}

size_t groups_size(const struct groups *g)
{
	size_t size = g->hashes_cap * sizeof *g->hashes + g->n_slots * sizeof *g->slots;

	for (uint32_t c = 0; c < g->n_columns; c++)
		size += column_buf_size(&g->keys[c]);
	return size;
}

/* ---- keys of rows ---- */

static bool reserve_rows(struct groups *g, size_t n)
{
	if (n <= g->rows_cap)
		return true;
	mem_free(g->alloc, g->row_hashes, g->rows_cap * sizeof *g->row_hashes);
	mem_free(g->alloc, g->of_row, g->rows_cap * sizeof *g->of_row);
	g->row_hashes = mem_array(g->alloc, n, sizeof *g->row_hashes);
	g->of_row = mem_array(g->alloc, n, sizeof *g->of_row);
	g->rows_cap = n;
	return g->row_hashes && g->of_row;
}

/* Equal lanes become equal bits; in place, since the column is the scan's own copy. */
static void tidy_floats(const struct column *column, const struct field *field)
{
	uint8_t *at = (uint8_t *)(uintptr_t)column->values;

	for (size_t i = 0; i < column->n; i++, at += field->width)
		lane_to_value(field->class, field->width,
		              lane_of_value(field->class, span_of(at, field->width)), at);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

static void hash_column(struct groups *g, const struct column *column, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v = 0;

		if (!column_valid(column, i))
			v = 0x517cc1b727220a95u;
		else if (column->shape == COLUMN_FIXED && column->width <= 8)
			memcpy(&v, column->values + (size_t)i * column->width, column->width);
		else
			v = hash_bytes(column_value(column, i));
		g->row_hashes[i] = mix(g->row_hashes[i], v);
	}
}

static bool equal_value(const struct column *a, size_t i, const struct column *b, size_t k)
{
	bool valid = column_valid(a, i);

	if (valid != column_valid(b, k))
		return false;
	return !valid || span_compare(column_value(a, i), column_value(b, k)) == 0;
}

static bool is_group(const struct groups *g, uint32_t group, const struct column *columns,
                     uint32_t row)
{
	for (uint32_t c = 0; c < g->n_columns; c++) {
		struct column key = column_buf_view(&g->keys[c]);

		if (!equal_value(&key, group, &columns[c], row))
			return false;
	}
	return true;
}

/* ---- the table ---- */

static bool grow_table(struct groups *g)
{
	size_t n = g->n_slots ? g->n_slots * 2 : 64;
	uint32_t *slots = mem_zalloc(g->alloc, n * sizeof *slots);

	if (!slots)
		return false;
	for (size_t i = 0; i < g->n; i++) {
		size_t at = g->hashes[i] & (n - 1);

		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)i + 1;
	}
	mem_free(g->alloc, g->slots, g->n_slots * sizeof *g->slots);
	g->slots = slots;
	g->n_slots = n;
	return true;
}

static teg_status add_group(struct groups *g, const struct column *columns, uint32_t row,
                            teg_error *err)
{
	void *block = g->hashes;

	if (g->n >= UINT32_MAX - 1)
		return teg_fail(err, TEG_LIMIT, "more groups than 32 bits count");
	if (!mem_grow(g->alloc, &block, &g->hashes_cap, g->n + 1, sizeof *g->hashes))
		return no_memory(err);
	g->hashes = block;
	for (uint32_t c = 0; c < g->n_columns; c++)
		if (column_buf_append(&g->keys[c], &columns[c], row, 1) != TEG_OK)
			return no_memory(err);
	g->hashes[g->n++] = g->row_hashes[row];
	return TEG_OK;
}

static teg_status find_row(struct groups *g, const struct column *columns, uint32_t row,
                           teg_error *err)
{
	uint64_t hash = g->row_hashes[row];
	size_t at;

	if (g->n * 2 >= g->n_slots && !grow_table(g))
		return no_memory(err);
	at = hash & (g->n_slots - 1);
	while (g->slots[at] && (g->hashes[g->slots[at] - 1] != hash ||
	                        !is_group(g, g->slots[at] - 1, columns, row)))
		at = (at + 1) & (g->n_slots - 1);
	if (!g->slots[at]) {
		TEG_TRY(add_group(g, columns, row, err));
		g->slots[at] = (uint32_t)g->n;
	}
	g->of_row[row] = g->slots[at] - 1;
	return TEG_OK;
}

/* Neighbours often have one key: then the table is not asked again. */
static bool like_before(const struct groups *g, const struct column *columns, uint32_t row)
{
	if (!row || g->row_hashes[row] != g->row_hashes[row - 1])
		return false;
	for (uint32_t c = 0; c < g->n_columns; c++)
		if (!equal_value(&columns[c], row - 1, &columns[c], row))
			return false;
	return true;
}

teg_status groups_find(struct groups *g, struct column *columns, uint32_t n, teg_error *err)
{
	if (!reserve_rows(g, n))
		return no_memory(err);
	memset(g->row_hashes, 0, n * sizeof *g->row_hashes);
	for (uint32_t c = 0; c < g->n_columns; c++) {
		if (g->fields[c]->class == VALUE_FLOAT)
			tidy_floats(&columns[c], g->fields[c]);
		hash_column(g, &columns[c], n);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (like_before(g, columns, i))
			g->of_row[i] = g->of_row[i - 1];
		else
			TEG_TRY(find_row(g, columns, i, err));
	}
	return TEG_OK;
}

/* ---- order ---- */

static int compare_wide(const uint8_t *a, const uint8_t *b)
{
	__int128 x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static int compare_key(const struct groups *g, uint32_t c, uint32_t i, uint32_t k)
{
	struct column key = column_buf_view(&g->keys[c]);
	enum value_class class = g->fields[c]->class;
	struct span a, b;
	uint64_t x, y;

	if (!column_valid(&key, i) || !column_valid(&key, k))
		return column_valid(&key, k) - column_valid(&key, i);
	a = column_value(&key, i);
	b = column_value(&key, k);
	if (class == VALUE_WIDE)
		return compare_wide(a.at, b.at);
	if (class == VALUE_BYTES || class == VALUE_OPAQUE)
		return span_compare(a, b);
	x = lane_of_value(class, a);
	y = lane_of_value(class, b);
	return (x > y) - (x < y);
}

static int compare(const struct groups *g, uint32_t i, uint32_t k)
{
	int order = 0;

	for (uint32_t c = 0; c < g->n_columns && !order; c++)
		order = compare_key(g, c, i, k);
	return order;
}

static bool swapped(const void *ctx, const void *a, const void *b)
{
	return compare(ctx, *(const uint32_t *)a, *(const uint32_t *)b) > 0;
}

teg_status groups_sort(const struct groups *g, uint32_t *order_out, teg_error *err)
{
	for (uint32_t i = 0; i < g->n; i++)
		order_out[i] = i;
	if (!sort_array(g->alloc, order_out, g->n, sizeof *order_out, swapped, g))
		return no_memory(err);
	return TEG_OK;
}
