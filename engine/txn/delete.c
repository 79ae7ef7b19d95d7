/* Deletes of boxes and by predicate. */
#include <string.h>
#include "engine/scan/scan.h"
#include "engine/txn/txn.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a delete");
}

/* ---- tombstones for rows that a scan found ---- */

static teg_status append_times(struct column_buf *times, const struct rows *rows, int64_t fallback,
                               int64_t value, uint32_t n)
{
	if (!times->n && value == fallback)
		return TEG_OK;
	if (!times->n)
		TEG_TRY(column_buf_append_value(times, span_of(&fallback, 8), rows->n));
	return column_buf_append_value(times, span_of(&value, 8), n);
}

/* The rows of a selection that the filter kept, as tombstones over [from, until) or over their own
 * pieces where the delete has no interval. */
struct finding {
	struct teg_scan *scan;
	struct rows *found;
	int64_t from, until;
	const struct schema *schema;
};

static teg_status append_keys(struct finding *f, const struct ArrowArray *batch, teg_error *err)
{
	struct rows *rows = f->found;
	uint32_t n = (uint32_t)batch->length;
	static const uint8_t tombstone = ROW_TOMBSTONE;

	for (uint32_t d = 0; d < f->schema->n_dims; d++) {
		const struct ArrowArray *child = batch->children[d];
		struct column c = {
			f->schema->dims[d].shape, f->schema->dims[d].width, n, NULL, NULL, NULL
		};

		c.values = child->buffers[c.shape == COLUMN_BYTES ? 2 : 1];
		c.offsets = c.shape == COLUMN_BYTES ? child->buffers[1] : NULL;
		if (column_buf_append(&rows->dims[d], &c, 0, n) != TEG_OK)
			return no_memory(err);
	}
	for (uint32_t i = 0; i < f->schema->n_attrs; i++)
		if (column_buf_append_nulls(&rows->attrs[i], n) != TEG_OK)
			return no_memory(err);
	if (column_buf_append_value(&rows->kind, span_of(&tombstone, 1), n) != TEG_OK)
		return no_memory(err);
	return TEG_OK;
}

static int64_t time_at(const struct ArrowArray *child, uint32_t i, int64_t open)
{
	const uint8_t *validity = child->buffers[0];

	return validity && !bitmap_get(validity, i) ? open
	                                            : ((const int64_t *)child->buffers[1])[i];
}

/* A delete removes the pieces that the scan returned. */
static teg_status append_intervals(struct finding *f, const struct ArrowArray *batch,
                                   teg_error *err)
{
	uint32_t n_dims = f->schema->n_dims;

	for (uint32_t i = 0; f->schema->valid_time && i < (uint32_t)batch->length; i++) {
		int64_t from = time_at(batch->children[n_dims], i, INT64_MIN);
		int64_t until = time_at(batch->children[n_dims + 1], i, INT64_MAX);

		if (append_times(&f->found->valid_from, f->found, INT64_MIN, from, 1) != TEG_OK ||
		    append_times(&f->found->valid_until, f->found, INT64_MAX, until, 1) != TEG_OK)
			return no_memory(err);
		f->found->n++;
	}
	if (!f->schema->valid_time)
		f->found->n += (uint32_t)batch->length;
	return TEG_OK;
}

static teg_status take_batches(struct finding *f, teg_error *err)
{
	struct ArrowArray batch;
	teg_status status;

	while ((status = teg_scan_next(f->scan, &batch, err)) == TEG_OK) {
		status = append_keys(f, &batch, err);
		if (status == TEG_OK)
			status = append_intervals(f, &batch, err);
		batch.release(&batch);
		if (status != TEG_OK)
			return status;
	}
	return status == TEG_END ? TEG_OK : status;
}

static teg_status scan_for(struct teg_array *array, struct predicate_delete *p,
                           const struct schema *schema, teg_error *err)
{
	const char *columns[TEG_MAX_DIMENSIONS + 2];
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns,
		                     .box = p->box,
		                     .predicate = p->predicate };
	struct finding f = {
		.found = &p->found, .from = p->valid_from, .until = p->valid_until, .schema = schema
	};
	teg_status status;

	for (uint32_t d = 0; d < schema->n_dims; d++)
		columns[options.n_columns++] = schema->dims[d].name;
	if (schema->valid_time) {
		columns[options.n_columns++] = "valid_from";
		columns[options.n_columns++] = "valid_until";
	}
	if (p->valid_from != INT64_MIN || p->valid_until != INT64_MAX) {
		options.valid_mode = TEG_VALID_RANGE;
		options.valid_at = p->valid_from;
		options.valid_end = p->valid_until;
	}
	TEG_TRY(teg_scan_open(array, &options, &f.scan, err));
	status = take_batches(&f, err);
	teg_scan_close(f.scan);
	return status;
}

teg_status txn_find(struct teg_txn *txn, struct txn_array *array, struct predicate_delete *p,
                    struct store_version *base, teg_error *err)
{
	struct teg_array *at;
	teg_status status;

	(void)txn;
	rows_clear(&p->found);
	if (array->creating)
		return TEG_OK; /* the base version knows no such array */
	TEG_TRY(array_of_version(base, array->name, &at, err));
	status = scan_for(at, p, array->schema, err);
	array_unref(at);
	return status;
}

/* ---- the calls ---- */

/* Ranges and their texts in one block. */
static teg_range *copy_ranges(const teg_range *box, uint32_t n_dims, const teg_allocator *alloc,
                              size_t *len_out)
{
	size_t len = n_dims * sizeof *box;
	teg_range *copy;
	uint8_t *at;

	for (uint32_t d = 0; d < n_dims; d++)
		for (int end = 0; end < 2; end++) {
			const teg_value *v = end ? &box[d].hi : &box[d].lo;

			len += v->type >= TEG_UTF8 ? v->as.bytes.len : 0;
		}
	copy = mem_alloc(alloc, len);
	*len_out = len;
	if (!copy)
		return NULL;
	memcpy(copy, box, n_dims * sizeof *box);
	at = (uint8_t *)(copy + n_dims);
	for (uint32_t d = 0; d < n_dims; d++)
		for (int end = 0; end < 2; end++) {
			teg_value *v = end ? &copy[d].hi : &copy[d].lo;

			if (v->type < TEG_UTF8)
				continue;
			memcpy(at, v->as.bytes.at, v->as.bytes.len);
			v->as.bytes.at = at;
			at += v->as.bytes.len;
		}
	return copy;
}

static void free_delete(struct teg_txn *txn, struct predicate_delete *p)
{
	teg_predicate_free(p->predicate);
	if (p->found.alloc)
		rows_release(&p->found);
	mem_free(txn->alloc, p->box, p->box_len);
	mem_free(txn->alloc, p, sizeof *p);
}

static teg_status fill_delete(struct teg_txn *txn, struct txn_array *array, const teg_range *box,
                              const teg_predicate *predicate, struct predicate_delete *p,
                              teg_error *err)
{
	if (box) {
		p->box = copy_ranges(box, array->schema->n_dims, txn->alloc, &p->box_len);
		if (!p->box)
			return no_memory(err);
	}
	if (predicate)
		TEG_TRY(predicate_copy(predicate, txn->alloc, &p->predicate, err));
	TEG_TRY(rows_init(&p->found, array->schema, txn->alloc, err));
	return txn_find(txn, array, p, txn->base, err);
}

static teg_status delete_where(struct teg_txn *txn, struct txn_array *array, const teg_range *box,
                               const teg_predicate *predicate, const teg_put_options *options,
                               uint64_t *n_rows_out, teg_error *err)
{
	struct predicate_delete *p = mem_zalloc(txn->alloc, sizeof *p);
	teg_status status;

	if (!p)
		return no_memory(err);
	p->at = array->named.n;
	status = txn_interval(array, options, &p->valid_from, &p->valid_until, err);
	if (status == TEG_OK)
		status = fill_delete(txn, array, box, predicate, p, err);
	if (status != TEG_OK) {
		free_delete(txn, p);
		return error_in_array(err, status, array->name);
	}
	if (array->last_predicate)
		array->last_predicate->next = p;
	else
		array->predicates = p;
	array->last_predicate = p;
	txn_drop_parts(array);
	if (n_rows_out)
		*n_rows_out = p->found.n;
	return TEG_OK;
}

teg_status teg_txn_delete_where(teg_txn *txn, const char *array, const teg_range *box,
                                const teg_predicate *predicate, const teg_put_options *options,
                                uint64_t *n_rows_out, teg_error *err)
{
	struct txn_array *from;

	if (!txn || !array || (!box && !predicate))
		return teg_fail(
			err, TEG_MISUSE,
			"teg_txn_delete_where needs a transaction, an array and a condition");
	TEG_TRY(txn_array(txn, array, &from, err));
	return delete_where(txn, from, box, predicate, options, n_rows_out, err);
}

static bool row_in_box(const struct txn_array *array, uint32_t i, const struct box *box)
{
	for (uint32_t d = 0; d < array->schema->n_dims; d++) {
		struct column view = column_buf_view(&array->named.dims[d]);
		uint64_t lane;

		lanes_of_column(&view, array->schema->dims[d].class, i, 1, &lane);
		if (lane < box->lo[d] || lane > box->hi[d])
			return false;
	}
	return true;
}

/* One tombstone, with the key of staged row i. */
static teg_status add_tombstone(const struct txn_array *array, uint32_t i,
                                const struct row_box *del, struct rows *to)
{
	static const uint8_t tombstone = ROW_TOMBSTONE;

	for (uint32_t d = 0; d < array->schema->n_dims; d++) {
		struct column view = column_buf_view(&array->named.dims[d]);

		TEG_TRY(column_buf_gather(&to->dims[d], &view, &i, 1));
	}
	for (uint32_t k = 0; k < array->schema->n_attrs; k++)
		TEG_TRY(column_buf_append_nulls(&to->attrs[k], 1));
	TEG_TRY(column_buf_append_value(&to->kind, span_of(&tombstone, 1), 1));
	if (array->schema->valid_time) {
		TEG_TRY(column_buf_append_value(&to->valid_from, span_of(&del->valid_from, 8), 1));
		TEG_TRY(column_buf_append_value(&to->valid_until, span_of(&del->valid_until, 8),
		                                1));
	}
	to->n++;
	return TEG_OK;
}

/* Rows of this transaction that lie in the box are deleted too: a tombstone each, in call order. */
static teg_status delete_staged(struct teg_txn *txn, struct txn_array *array,
                                const struct row_box *del, teg_error *err)
{
	struct rows dead;
	teg_status status = rows_init(&dead, array->schema, txn->alloc, err);

	for (uint32_t i = 0; status == TEG_OK && i < array->named.n; i++)
		if (row_in_box(array, i, &del->box) &&
		    add_tombstone(array, i, del, &dead) != TEG_OK)
			status = no_memory(err);
	if (status == TEG_OK && dead.n)
		status = rows_append(&array->named, &dead, 0, dead.n, err);
	if (dead.alloc)
		rows_release(&dead);
	return status;
}

static teg_status delete_box(struct teg_txn *txn, struct txn_array *array, const teg_range *box,
                             const teg_put_options *options, teg_error *err)
{
	struct row_box del = { .kind = ROW_TOMBSTONE };
	void *block = array->boxes;
	bool exact;

	TEG_TRY(txn_interval(array, options, &del.valid_from, &del.valid_until, err));
	TEG_TRY(read_box_lanes(array->schema, box, &del.box, &exact, err));
	for (uint32_t d = 0; d < array->schema->n_dims; d++)
		if (del.box.lo[d] > del.box.hi[d])
			return teg_fail(err, TEG_MISUSE, "the box is empty along dimension '%s'",
			                array->schema->dims[d].name);
	if (!mem_grow(txn->alloc, &block, &array->boxes_cap, array->n_boxes + 1,
	              sizeof *array->boxes))
		return no_memory(err);
	array->boxes = block;
	TEG_TRY(delete_staged(txn, array, &del, err));
	array->boxes[array->n_boxes++] = del;
	txn_drop_parts(array);
	return TEG_OK;
}

/* Text bounds cannot be told by lanes alone: such boxes are found by a scan. */
static bool has_text(const struct schema *schema)
{
	for (uint32_t d = 0; d < schema->n_dims; d++)
		if (schema->dims[d].class == VALUE_BYTES)
			return true;
	return false;
}

teg_status teg_txn_delete_box(teg_txn *txn, const char *array, const teg_range *box,
                              const teg_put_options *options, teg_error *err)
{
	struct txn_array *from;
	teg_status status;

	if (!txn || !array || !box)
		return teg_fail(err, TEG_MISUSE,
		                "teg_txn_delete_box needs a transaction, an array and a box");
	TEG_TRY(txn_array(txn, array, &from, err));
	if (has_text(from->schema))
		return delete_where(txn, from, box, NULL, options, NULL, err);
	status = delete_box(txn, from, box, options, err);
	return status == TEG_OK ? status : error_in_array(err, status, array);
}
