#include "engine/write/partition.h"
#include <string.h>

#define PAYS_FROM (1u << 18) /* rows: fewer lie in the caches anyway */
#define PART_BITS 16         /* rows of one part, as a power of two: about a tile */
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

/* Most values are short; a call for each would cost more than the bytes. Neither reads nor writes
 * beyond them, for their neighbours may be there already. */
static void copy_bytes(uint8_t *to, const uint8_t *from, size_t len)
{
	if (len > 16) {
		memcpy(to, from, len);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else {
		for (size_t i = 0; i < len; i++)
			to[i] = from[i];
	}
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
	for (size_t i = 0; i < in->n; i++)
		copy_bytes(out->values + to[dest[i]], in->values + from[i],
		           (size_t)(from[i + 1] - from[i]));
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

static void deal_all(struct partition *p)
{
	for (uint32_t i = 0; i < n_columns(p->rows); i++)
		if (column_at(p->rows, i)->n)
			deal_column(p, column_at(p->rows, i));
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
		deal_all(&p);
		n_after = n;
	}
	release_spares(&p);
	mem_free(rows->alloc, p.dest, rows->n * sizeof *p.dest);
	rows_truncate(rows, n_after);
}

/* ---- dealing by keys ---- */

#define BUCKET_BITS 12 /* of a key: what parts are made of */
#define BUCKETS (1u << BUCKET_BITS)
#define DEALT_LEAST (1u << 15) /* rows: a tile gathers from the two or three parts it lies in */

/* Neighbouring buckets become one part until it has rows enough. False: one part would have
 * most of the rows. */
static bool cut_parts(const uint32_t *counts, uint32_t n, uint8_t *part_of, struct row_parts *parts)
{
	uint32_t least = n / (PARTS_MAX - 1) + 1; /* so that there are no more than PARTS_MAX */
	uint32_t in_part = 0, sum = 0, largest = 0;

	least = least > DEALT_LEAST ? least : DEALT_LEAST;
	parts->n = 0;
	parts->starts[0] = 0;
	for (uint32_t b = 0; b < BUCKETS; b++) {
		part_of[b] = (uint8_t)parts->n;
		in_part += counts[b];
		sum += counts[b];
		largest = in_part > largest ? in_part : largest;
		if (in_part >= least) {
			parts->starts[++parts->n] = sum;
			in_part = 0;
		}
	}
	if (in_part)
		parts->starts[++parts->n] = sum;
	return largest <= n / 4;
}

static bool ascending(const uint64_t *word, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (word[i] < word[i - 1])
			return false;
	return true;
}

static bool plan_parts(const uint64_t *word, uint32_t n, unsigned shift, uint8_t *part_of,
                       struct row_parts *parts)
{
	uint32_t counts[BUCKETS] = { 0 };

	for (uint32_t i = 0; i < n; i++)
		counts[word[i] >> shift]++;
	return cut_parts(counts, n, part_of, parts);
}

static void place_rows(const uint64_t *word, unsigned shift, const uint8_t *part_of,
                       const struct row_parts *parts, uint32_t n, uint32_t *dest)
{
	uint32_t next[PARTS_MAX + 1];

	memcpy(next, parts->starts, (parts->n + 1) * sizeof *next);
	for (uint32_t i = 0; i < n; i++)
		dest[i] = next[part_of[word[i] >> shift]]++;
}

static bool of_commit(const struct rows *rows)
{
	for (uint32_t i = 0; rows->valid_from.n && i < rows->n; i++)
		if (rows_valid_from(rows, i) == TEG_TIME_OF_COMMIT)
			return true;
	return false;
}

/* The keys' columns take part in the exchange of memory. */
static bool prepare_words(struct partition *p, struct column_buf *words, uint32_t n_words)
{
	if (!prepare_spare(p, words))
		return false;
	for (uint32_t w = 0; w < n_words; w++)
		if (!match_validity(p, &words[w]))
			return false;
	return true;
}

bool rows_deal(struct rows *rows, struct column_buf *words, uint32_t n_words, unsigned n_bits,
               struct row_parts *parts_out)
{
	const uint64_t *first = (const uint64_t *)(const void *)words[0].values;
	unsigned high = n_bits - 64 * (n_words - 1);
	unsigned shift = high > BUCKET_BITS ? high - BUCKET_BITS : 0;
	struct partition p = { .rows = rows };
	uint8_t part_of[BUCKETS];
	bool dealt = rows->n >= PAYS_FROM && n_bits && !has_nested(rows) && !of_commit(rows) &&
	             !ascending(first, rows->n) &&
	             plan_parts(first, rows->n, shift, part_of, parts_out);

	if (dealt)
		p.dest = mem_array(rows->alloc, rows->n, sizeof *p.dest);
	dealt = p.dest && prepare_spares(&p) && prepare_words(&p, words, n_words);
	if (dealt) {
		place_rows(first, shift, part_of, parts_out, rows->n, p.dest);
		for (uint32_t w = 0; w < n_words; w++)
			deal_column(&p, &words[w]);
		deal_all(&p);
	}
	release_spares(&p);
	mem_free(rows->alloc, p.dest, rows->n * sizeof *p.dest);
	parts_out->n = dealt ? parts_out->n : 0;
	return dealt;
}
