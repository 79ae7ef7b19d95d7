#include "engine/compute/pairs.h"
#include "codec/base/checked.h"
#include "codec/base/sort.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to pair cells");
}

static teg_status init_side(struct side *side, struct teg_scan *scan, const teg_allocator *alloc)
{
	side->scan = scan;
	side->has_box = scan->view.box != NULL;
	side->box = scan->box;
	side->columns = mem_array(alloc, scan->n_outputs + 1u, sizeof *side->columns);
	return side->columns ? TEG_OK : TEG_NOMEM;
}

teg_status pairs_init(struct pairs *p, struct teg_scan *left, struct teg_scan *right,
                      teg_error *err)
{
	memset(p, 0, sizeof *p);
	p->alloc = left->alloc;
	p->schema = left->array->state.schema;
	for (uint32_t d = 0; d < p->schema->n_dims; d++)
		p->has_text |= p->schema->dims[d].shape == COLUMN_BYTES;
	if (init_side(&p->left, left, p->alloc) == TEG_OK &&
	    init_side(&p->right, right, p->alloc) == TEG_OK)
		return TEG_OK;
	p->left.scan = left;
	p->right.scan = right;
	return no_memory(err);
}

static void free_side(struct side *side, const teg_allocator *alloc)
{
	if (!side->scan)
		return;
	mem_free(alloc, side->lanes, side->lanes_len * sizeof *side->lanes);
	mem_free(alloc, side->perm, side->perm_len * sizeof *side->perm);
	if (side->columns)
		mem_free(alloc, side->columns,
		         (side->scan->n_outputs + 1u) * sizeof *side->columns);
	teg_scan_close(side->scan);
}

void pairs_release(struct pairs *p)
{
	free_side(&p->left, p->alloc);
	free_side(&p->right, p->alloc);
	mem_free(p->alloc, p->left_rows, p->cap * sizeof *p->left_rows);
	mem_free(p->alloc, p->right_rows, p->cap * sizeof *p->right_rows);
}

/* ---- one side of a part ---- */

/* What a row takes beside its values: lanes, a place in the order, a pair. */
static size_t row_size(const struct side *side)
{
	const struct schema *schema = side->scan->array->state.schema;
	size_t size = 8 * (size_t)schema->n_dims + 12;

	for (uint32_t i = 0; i < side->scan->n_outputs; i++)
		size += side->scan->outputs[i].layout.width + 4;
	return size;
}

static size_t batch_size(const struct batch *batch)
{
	size_t size = 0;

	for (uint32_t i = 0; i < batch->n_columns; i++)
		size += column_buf_size(&batch->columns[i]);
	return size;
}

static bool cut_to_own(const struct side *side, uint32_t n_dims, struct box *box)
{
	for (uint32_t d = 0; side->has_box && d < n_dims; d++) {
		box->lo[d] = box->lo[d] > side->box.lo[d] ? box->lo[d] : side->box.lo[d];
		box->hi[d] = box->hi[d] < side->box.hi[d] ? box->hi[d] : side->box.hi[d];
		if (box->lo[d] > box->hi[d])
			return false;
	}
	return true;
}

#define ROWS_LEAST 1024 /* of a side that are read whatever the memory */

static teg_status read_side(struct side *side, struct box box, uint32_t n_dims, size_t memory,
                            bool *fits_out, teg_error *err)
{
	struct teg_scan *scan = side->scan;
	size_t most = size_max(memory / row_size(side), ROWS_LEAST);

	if (scan->batch)
		batch_give(scan->batch);
	scan->batch = NULL;
	scan->batch_rows = (uint32_t)size_min(most, UINT32_MAX / 2);
	scan->in_one = true;
	TEG_TRY(scan_begin_batch(scan, err));
	*fits_out = true;
	if (cut_to_own(side, n_dims, &box)) {
		TEG_TRY(scan_gather_box(scan, &box, err));
		/* Bytes count where values have no width of their own. */
		*fits_out = scan->taken == scan->kept && (scan->batch->n_rows <= ROWS_LEAST ||
		                                          batch_size(scan->batch) / 2 <= memory);
	}
	side->n = scan->batch->n_rows;
	for (uint32_t i = 0; i < scan->n_outputs; i++)
		side->columns[i] = column_buf_view(&scan->batch->columns[i]);
	return TEG_OK;
}

/* ---- order ---- */

static bool reserve_side(struct side *side, uint32_t n_dims, const teg_allocator *alloc)
{
	size_t lanes = (size_t)side->n * n_dims + 1, n = 2 * (size_t)side->n + 1;

	if (lanes > side->lanes_len) {
		mem_free(alloc, side->lanes, side->lanes_len * sizeof *side->lanes);
		side->lanes = mem_array(alloc, lanes, sizeof *side->lanes);
		side->lanes_len = side->lanes ? lanes : 0;
	}
	if (n > side->perm_len) {
		mem_free(alloc, side->perm, side->perm_len * sizeof *side->perm);
		side->perm = mem_array(alloc, n, sizeof *side->perm);
		side->perm_len = side->perm ? n : 0;
	}
	return side->lanes && side->perm;
}

/* Cells a and b of two sides, which may be one, by key. */
static int compare(const struct pairs *p, const struct side *left, uint32_t a,
                   const struct side *right, uint32_t b)
{
	for (uint32_t d = 0; d < p->schema->n_dims; d++) {
		uint64_t x = left->lanes[(size_t)d * left->n + a],
			 y = right->lanes[(size_t)d * right->n + b];
		int order = (x > y) - (x < y);

		if (!order && p->schema->dims[d].shape == COLUMN_BYTES)
			order = span_compare(column_value(&left->columns[d], a),
			                     column_value(&right->columns[d], b));
		if (order)
			return order;
	}
	return 0;
}

static bool is_sorted(const struct pairs *p, const struct side *side)
{
	for (uint32_t i = 1; i < side->n; i++)
		if (compare(p, side, i - 1, side, i) > 0)
			return false;
	return true;
}

struct texts {
	const struct pairs *pairs;
	const struct side *side;
};

static bool swapped(const void *ctx, const void *a, const void *b)
{
	const struct texts *t = ctx;

	return compare(t->pairs, t->side, *(const uint32_t *)a, t->side, *(const uint32_t *)b) > 0;
}

/* Where lanes do not tell texts apart. Perm has room for as many behind it. */
static void sort_texts(const struct pairs *p, struct side *side)
{
	const struct texts texts = { p, side };

	sort_stable(side->perm, side->perm + side->n, side->n, sizeof *side->perm, swapped, &texts);
}

static teg_status sort_side(struct pairs *p, struct side *side, teg_error *err)
{
	uint32_t n_dims = p->schema->n_dims;
	const uint64_t *words[TEG_MAX_DIMENSIONS];

	if (!reserve_side(side, n_dims, p->alloc))
		return no_memory(err);
	for (uint32_t d = 0; d < n_dims; d++) {
		uint64_t *lanes = side->lanes + (size_t)d * side->n;

		words[d] = lanes;
		lanes_of_column(&side->columns[d], p->schema->dims[d].class, 0, side->n, lanes);
	}
	for (uint32_t i = 0; i < side->n; i++)
		side->perm[i] = i;
	if (is_sorted(p, side))
		return TEG_OK;
	if (p->has_text) {
		sort_texts(p, side);
		return TEG_OK;
	}
	return order_sort(words, n_dims, side->n, p->alloc, side->perm) == TEG_OK ? TEG_OK
	                                                                          : no_memory(err);
}

/* ---- pairs ---- */

static bool reserve_pairs(struct pairs *p, size_t n)
{
	if (n <= p->cap)
		return true;
	mem_free(p->alloc, p->left_rows, p->cap * sizeof *p->left_rows);
	mem_free(p->alloc, p->right_rows, p->cap * sizeof *p->right_rows);
	p->left_rows = mem_array(p->alloc, n, sizeof *p->left_rows);
	p->right_rows = mem_array(p->alloc, n, sizeof *p->right_rows);
	p->cap = n;
	return p->left_rows && p->right_rows;
}

static void merge(struct pairs *p, bool both)
{
	const struct side *left = &p->left, *right = &p->right;
	uint32_t i = 0, k = 0;

	p->n = 0;
	while (i < left->n || k < right->n) {
		int order = i == left->n ? 1
		            : k == right->n
		                    ? -1
		                    : compare(p, left, left->perm[i], right, right->perm[k]);

		p->left_rows[p->n] = order <= 0 ? left->perm[i++] : NO_ROW;
		p->right_rows[p->n] = order >= 0 ? right->perm[k++] : NO_ROW;
		p->n += !both || !order;
	}
}

teg_status pairs_read(struct pairs *p, const struct box *box, bool both, size_t memory,
                      bool *fits_out, teg_error *err)
{
	uint32_t n_dims = p->schema->n_dims;

	TEG_TRY(read_side(&p->left, *box, n_dims, memory / 2, fits_out, err));
	if (*fits_out)
		TEG_TRY(read_side(&p->right, *box, n_dims, memory / 2, fits_out, err));
	if (!*fits_out)
		return TEG_OK;
	TEG_TRY(sort_side(p, &p->left, err));
	TEG_TRY(sort_side(p, &p->right, err));
	if (!reserve_pairs(p, (size_t)p->left.n + p->right.n + 1))
		return no_memory(err);
	merge(p, both);
	return TEG_OK;
}

/* Runs of pairs that have a left cell take the key from there, others from the right. */
teg_status pairs_keys(const struct pairs *p, uint32_t d, uint32_t from, uint32_t n,
                      struct column_buf *out)
{
	uint32_t end = from + n;

	for (uint32_t at = from, to; at < end; at = to) {
		bool left = p->left_rows[at] != NO_ROW;
		const struct side *side = left ? &p->left : &p->right;
		const uint32_t *rows = left ? p->left_rows : p->right_rows;

		for (to = at + 1; to < end && (p->left_rows[to] != NO_ROW) == left;)
			to++;
		TEG_TRY(column_buf_gather(out, &side->columns[d], rows + at, to - at));
	}
	return TEG_OK;
}
