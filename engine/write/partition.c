#include "engine/write/partition.h"
#include <string.h>

#define PAYS_FROM (1u << 18) /* rows: fewer lie in the caches anyway */
#define PART_BITS 16         /* rows of one part, as a power of two: about a tile */
#define PARTS_MAX 256        /* more places to write to at a time cost more than they save */
#define SPARES_MAX 12        /* widths of columns that one array may have here */

struct partition {
	struct rows *rows;
	uint32_t *dest; /* where each row goes */
	struct column_buf spares[SPARES_MAX];
	size_t text_len; /* bytes of the largest text column */
	uint32_t starts[PARTS_MAX + 1];
	uint32_t n_spares;
};

/* ---- columns of rows ---- */

static uint32_t n_columns(const struct rows *rows)
{
	return rows->schema->n_dims + rows->schema->n_attrs + 6;
}

static struct column_buf *column_at(struct rows *rows, uint32_t i)
{
	uint32_t n_dims = rows->schema->n_dims, n_attrs = rows->schema->n_attrs;
	struct column_buf *own[] = { &rows->valid_from,  &rows->valid_until, &rows->kind,
		                     &rows->system_from, &rows->superseded,  &rows->exact };

	if (i < n_dims)
		return &rows->dims[i];
	return i < n_dims + n_attrs ? &rows->attrs[i - n_dims] : own[i - n_dims - n_attrs];
}

/* ---- spare columns: each hands its memory on to the next of its width ---- */

static struct column_buf *spare_for(struct partition *p, const struct column_buf *column)
{
	for (uint32_t i = 0; i < p->n_spares; i++)
		if (p->spares[i].shape == column->shape && p->spares[i].width == column->width)
			return &p->spares[i];
	if (p->n_spares == SPARES_MAX)
		return NULL;
	column_buf_init(&p->spares[p->n_spares], column->shape, column->width, p->rows->alloc);
	return &p->spares[p->n_spares++];
}

static bool prepare_spare(struct partition *p, const struct column_buf *column)
{
	struct column_buf *spare = spare_for(p, column);
	struct column view = column_buf_view(column);
	size_t bytes = column->shape == COLUMN_BYTES ? column_len(&view) : 0;
	bool ok;

	if (!spare)
		return false;
	p->text_len = bytes > p->text_len ? bytes : p->text_len;
	ok = column_buf_reserve(spare, p->rows->n, bytes ? p->text_len : 0) == TEG_OK;
	if (ok && column->n_nulls) /* a null brings the memory for validity with it */
		ok = column_buf_append_nulls(spare, 1) == TEG_OK;
	column_buf_clear(spare);
	return ok;
}

/* Columns that may end up as the spare of one with nulls need memory for validity as well. */
static bool match_validity(struct partition *p, struct column_buf *column)
{
	uint8_t null = 0, valid = 1;

	if (!spare_for(p, column)->validity || column->validity)
		return true;
	return column_buf_set_validity(column, 0, 1, &null, 0) == TEG_OK &&
	       column_buf_set_validity(column, 0, 1, &valid, 0) == TEG_OK;
}

/* What nested attributes hold is copied in runs when tiles are cut, and not dealt twice. */
static bool has_nested(const struct rows *rows)
{
	for (uint32_t a = 0; a < rows->schema->n_attrs; a++)
		if (rows->schema->attrs[a].n_children)
			return true;
	return false;
}

static bool prepare_spares(struct partition *p)
{
	for (uint32_t i = 0; i < n_columns(p->rows); i++)
		if (column_at(p->rows, i)->n && !prepare_spare(p, column_at(p->rows, i)))
			return false;
	for (uint32_t i = 0; i < n_columns(p->rows); i++)
		if (column_at(p->rows, i)->n && !match_validity(p, column_at(p->rows, i)))
			return false;
	return true;
}

static void release_spares(struct partition *p)
{
	for (uint32_t i = 0; i < p->n_spares; i++)
		column_buf_release(&p->spares[i]);
}

/* ---- dealing ---- */

#define DEAL(T)                                                                         \
	static void deal_##T(const void *in, void *out, const uint32_t *dest, size_t n) \
	{                                                                               \
		const T *from = in;                                                     \
		T *to = out;                                                            \
                                                                                        \
		for (size_t i = 0; i < n; i++)                                          \
			to[dest[i]] = from[i];                                          \
	}
DEAL(uint8_t)
DEAL(uint16_t)
DEAL(uint32_t)
DEAL(uint64_t)

static void deal_fixed(const struct column_buf *in, struct column_buf *out, const uint32_t *dest)
{
	size_t n = in->n, width = in->width;

	if (width == 8)
		deal_uint64_t(in->values, out->values, dest, n);
	else if (width == 4)
		deal_uint32_t(in->values, out->values, dest, n);
	else if (width == 2)
		deal_uint16_t(in->values, out->values, dest, n);
	else if (width == 1)
		deal_uint8_t(in->values, out->values, dest, n);
	else
		for (size_t i = 0; i < n; i++)
			memcpy(out->values + dest[i] * width, in->values + i * width, width);
}

static void deal_text(const struct column_buf *in, struct column_buf *out, const uint32_t *dest)
{
	const int32_t *from = in->offsets;
	int32_t *to = out->offsets;

	to[0] = 0;
	for (size_t i = 0; i < in->n; i++)
		to[dest[i] + 1] = from[i + 1] - from[i];
	for (size_t i = 0; i < in->n; i++)
		to[i + 1] += to[i];
	for (size_t i = 0; i < in->n; i++) {
		size_t len = (size_t)(from[i + 1] - from[i]);

		if (len)
			memcpy(out->values + to[dest[i]], in->values + from[i], len);
	}
}

static void deal_validity(const struct column_buf *in, struct column_buf *out, const uint32_t *dest)
{
	bitmap_fill(out->validity, 0, in->n, true);
	for (size_t i = 0; i < in->n; i++)
		if (!bitmap_get(in->validity, i))
			bitmap_clear(out->validity, dest[i]);
}

static void deal_column(struct partition *p, struct column_buf *column)
{
	struct column_buf *spare = spare_for(p, column), swap = *column;

	if (column->shape == COLUMN_FIXED)
		deal_fixed(column, spare, p->dest);
	else
		deal_text(column, spare, p->dest);
	if (column->n_nulls)
		deal_validity(column, spare, p->dest);
	else if (spare->validity)
		bitmap_fill(spare->validity, 0, column->n, true);
	spare->n = column->n;
	spare->n_nulls = column->n_nulls;
	*column = *spare;
	*spare = swap;
	column_buf_clear(spare);
}

/* ---- places ---- */

static unsigned part_bits(uint32_t n)
{
	unsigned bits = PART_BITS;

	while (n >> bits >= PARTS_MAX)
		bits++;
	return bits;
}

/* Where each part starts, moved on to where a cell's rows end; false where that takes a whole part. */
static bool find_starts(struct partition *p, const uint32_t *perm, uint32_t n, unsigned bits)
{
	for (uint32_t part = 1; part <= PARTS_MAX; part++) {
		uint64_t from = (uint64_t)part << bits, start = from;

		while (start < n && rows_same_key(p->rows, perm[start - 1], perm[start]))
			start++;
		if (start - from >= (uint64_t)1 << bits)
			return false;
		p->starts[part] = start < n ? (uint32_t)start : n;
	}
	return true;
}

/* Rows keep their order within a part; those that perm does not name go to the end. */
static void find_places(struct partition *p, uint32_t *perm, uint32_t n, unsigned bits)
{
	uint32_t next[PARTS_MAX + 1], rest = n, *dest = p->dest;

	memcpy(next, p->starts, sizeof next);
	memset(dest, 0xff, p->rows->n * sizeof *dest);
	for (uint32_t k = 0; k < n; k++)
		dest[perm[k]] = k;
	for (uint32_t row = 0; row < p->rows->n; row++) {
		uint32_t k = dest[row], part = k >> bits;

		if (k == UINT32_MAX) {
			dest[row] = rest++;
			continue;
		}
		part -= k < p->starts[part];
		dest[row] = next[part]++;
		perm[k] = dest[row];
	}
}

void rows_partition(struct rows *rows, uint32_t *perm, uint32_t n)
{
	struct partition p = { .rows = rows };
	unsigned bits = part_bits(n);
	uint32_t n_after = rows->n;

	if (n < PAYS_FROM || has_nested(rows) || !find_starts(&p, perm, n, bits))
		return;
	p.dest = mem_array(rows->alloc, rows->n, sizeof *p.dest);
	if (p.dest && prepare_spares(&p)) {
		find_places(&p, perm, n, bits);
		for (uint32_t i = 0; i < n_columns(rows); i++)
			if (column_at(rows, i)->n)
				deal_column(&p, column_at(rows, i));
		n_after = n;
	}
	release_spares(&p);
	mem_free(rows->alloc, p.dest, rows->n * sizeof *p.dest);
	rows_truncate(rows, n_after);
}
