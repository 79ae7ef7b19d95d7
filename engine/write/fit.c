#include "engine/write/fit.h"
#include "codec/tile/tile.h"

/* The columns from an attribute down to one of its nodes. */
struct path {
	struct column at[TEG_MAX_DEPTH];
	uint32_t depth;
};

/* Bytes of values [from, from + n) of a node. Every node counts for something, so that the number of
 * values is bounded as well (NEST-6). */
static uint64_t node_len(const struct column *c, size_t from, size_t n)
{
	switch (c->shape) {
	case COLUMN_FIXED: return (uint64_t)n * c->width;
	case COLUMN_BYTES: return (uint64_t)(c->offsets[from + n] - c->offsets[from]) + 4 * n;
	case COLUMN_LIST: return 4 * (uint64_t)n;
	default: return n;
	}
}

static uint64_t row_len(const struct path *p, uint32_t row)
{
	const struct column *node = &p->at[p->depth - 1];
	size_t from = row, n = 1;

	for (uint32_t i = 0; i + 1 < p->depth; i++)
		column_child_range(&p->at[i], from, n, &from, &n);
	return node_len(node, from, n);
}

/* ---- may it fill ---- */

static bool text_may_fill(const struct column_buf *column, uint32_t rows_max)
{
	int32_t longest = 0;

	for (size_t i = 0; i < column->n; i++) {
		int32_t len = column->offsets[i + 1] - column->offsets[i];

		longest = len > longest ? len : longest;
	}
	return (uint64_t)longest * rows_max > TILE_COLUMN_MAX;
}

static bool nested_may_fill(const struct column_buf *column)
{
	struct column view = column_buf_view(column);

	if (node_len(&view, 0, view.n) > TILE_COLUMN_MAX)
		return true;
	for (uint32_t i = 0; column->children && i < column->n_children; i++)
		if (nested_may_fill(&column->children[i]))
			return true;
	return false;
}

bool fit_may_fill(const struct column_buf *column, uint32_t rows_max)
{
	if (column->shape == COLUMN_FIXED)
		return false;
	return column->shape == COLUMN_BYTES ? text_may_fill(column, rows_max)
	                                     : nested_may_fill(column);
}

/* ---- how much fits ---- */

static uint32_t fit_text(const struct column_buf *column, const struct slice *s, uint32_t n)
{
	uint64_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = slice_row(s, i);

		len += (uint32_t)(column->offsets[row + 1] - column->offsets[row]);
		if (len > TILE_COLUMN_MAX && i)
			return i;
	}
	return n;
}

static uint32_t fit_node(const struct path *p, const struct slice *s, uint32_t n)
{
	const struct column *node = &p->at[p->depth - 1];
	uint64_t len = 0;

	if (node_len(node, 0, node->n) <= TILE_COLUMN_MAX)
		return n;
	for (uint32_t i = 0; i < n; i++) {
		len += row_len(p, slice_row(s, i));
		if (len > TILE_COLUMN_MAX && i)
			return i;
	}
	return n;
}

static uint32_t fit_tree(struct path *p, const struct column_buf *column, const struct slice *s,
                         uint32_t n)
{
	p->at[p->depth++] = column_buf_view(column);
	n = fit_node(p, s, n);
	for (uint32_t i = 0; column->children && i < column->n_children; i++)
		n = fit_tree(p, &column->children[i], s, n);
	p->depth--;
	return n;
}

uint32_t fit_column(const struct column_buf *column, const struct slice *slice, uint32_t n)
{
	struct path path = { .depth = 0 };

	if (column->shape == COLUMN_BYTES)
		return fit_text(column, slice, n);
	return shape_is_nested(column->shape) ? fit_tree(&path, column, slice, n) : n;
}
