/* Puts and deletes: from the caller's memory to what the transaction holds. */
#include "codec/base/hash.h"
#include "engine/arrow/import.h"
#include "engine/predicate/predicate.h"
#include "engine/scan/scan.h"
#include "engine/store/options.h"
#include "engine/txn/txn.h"
#include "engine/write/interval.h"
#include "engine/write/replay.h"
#include "engine/write/stage.h"
#include <errno.h>

teg_status txn_rows(struct teg_txn *txn, struct rows **rows, const struct schema *schema,
                    teg_error *err)
{
	struct rows *made;
	teg_status status;

	if (*rows)
		return TEG_OK;
	made = mem_zalloc(txn->alloc, sizeof *made);
	if (!made)
		return teg_fail(err, TEG_NOMEM, "no memory for rows");
	status = rows_init(made, schema, txn->alloc, err);
	if (status != TEG_OK) {
		mem_free(txn->alloc, made, sizeof *made);
		return status;
	}
	*rows = made;
	return TEG_OK;
}

/* ---- the digest: what tells a retry from another commit under the same key ---- */

void txn_digest(struct teg_txn *txn, const void *bytes, size_t len)
{
	uint8_t both[24];

	if (!txn->key_writer)
		return;
	store_u64(both, txn->digest);
	store_u64(both + 8, hash_bytes(span_of(bytes, len)));
	store_u64(both + 16, len);
	txn->digest = hash_bytes(span_of(both, sizeof both));
}

static void digest_column(struct teg_txn *txn, const struct column_buf *column, size_t first)
{
	struct column view = column_buf_view(column);
	size_t n = column->n, below, n_below;

	if (n <= first)
		return;
	column_child_range(&view, 0, first, &below, &n_below);
	for (uint32_t i = 0; i < column->n_children; i++)
		digest_column(txn, &column->children[i], n_below);
	if (column->shape == COLUMN_FIXED)
		txn_digest(txn, column->values + first * column->width,
		           (n - first) * column->width);
	if (column->shape == COLUMN_BYTES)
		txn_digest(txn, column->values + column->offsets[first],
		           (size_t)(column->offsets[n] - column->offsets[first]));
	if (shape_has_offsets(column->shape)) {
		for (size_t i = first; i < n; i++) {
			int32_t len = column->offsets[i + 1] - column->offsets[i];

			txn_digest(txn, &len, sizeof len);
		}
	}
	for (size_t i = first; column->n_nulls && i < n; i++) {
		uint8_t valid = !column->validity || bitmap_get(column->validity, i);

		if (!valid)
			txn_digest(txn, &i, sizeof i);
	}
}

void txn_digest_rows(struct teg_txn *txn, const struct txn_array *array, const struct rows *rows,
                     uint32_t first)
{
	if (!txn->key_writer || rows->n == first)
		return;
	txn_digest(txn, array->name, strlen(array->name));
	for (uint32_t d = 0; !rows->implicit_ids && d < array->schema->n_dims; d++)
		digest_column(txn, &rows->dims[d], first);
	for (uint32_t a = 0; a < array->schema->n_attrs; a++)
		digest_column(txn, &rows->attrs[a], first);
	digest_column(txn, &rows->valid_from, first);
	digest_column(txn, &rows->valid_until, first);
	digest_column(txn, &rows->kind, first);
	digest_column(txn, &rows->system_from, first);
}

/* The commit's time is the last of a ledger's: of its rows from `first` on, and its boxes. */
static teg_status take_times(struct teg_txn *txn, const struct txn_array *a,
                             const struct rows *rows, uint32_t first, size_t first_box,
                             teg_error *err)
{
	int64_t max = txn->replays ? txn->replay_max : INT64_MIN;

	if (!rows->system_from.n && a->n_ledger_boxes == 0)
		return TEG_OK;
	for (uint32_t i = first; i < rows->n; i++)
		max = rows_system_from(rows, i) > max ? rows_system_from(rows, i) : max;
	for (size_t i = first_box; i < a->n_boxes; i++)
		max = a->boxes[i].system_from > max ? a->boxes[i].system_from : max;
	if (!max || (txn->system_time && txn->system_time < max))
		return teg_fail(err, TEG_MISUSE,
		                max ? "a row's system time is after that of the commit"
		                    : "a ledger's last system time cannot be 0");
	txn->replays = true;
	txn->replay_max = max;
	return TEG_OK;
}

/* ---- rows ---- */

static size_t array_size(const struct txn_array *a)
{
	return (a->cells ? rows_size(a->cells) : 0) + (a->appends ? rows_size(a->appends) : 0);
}

teg_status txn_keep_budget(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	array->is_built = false;
	if (array_size(array) <= txn->store->write_budget)
		return TEG_OK;
	TEG_TRY(txn_spill(txn, array, err));
	if (array_size(array) <= txn->store->write_budget)
		return TEG_OK;
	teg_fail(err, TEG_LIMIT,
	         "the transaction holds more than write_budget (%zu bytes) of cells "
	         "that have to be kept until it commits",
	         txn->store->write_budget);
	return error_in_array(err, TEG_LIMIT, array->name);
}

/* Rows with lists may be large, and a column that grows is there twice for a moment: so that a
 * transaction of them keeps within the budget all the same, what is held goes before more comes. */
static teg_status make_room(struct teg_txn *txn, struct txn_array *array, uint64_t more,
                            teg_error *err)
{
	bool nested = false;

	for (uint32_t a = 0; a < array->schema->n_attrs; a++)
		nested |= array->schema->attrs[a].n_children > 0;
	if (!nested || array_size(array) + more <= txn->store->write_budget / 5 * 2)
		return TEG_OK;
	array->is_built = false;
	return txn_spill(txn, array, err);
}

teg_status txn_may_delete(const struct teg_txn *txn, const struct txn_array *array, bool by_key,
                          teg_error *err)
{
	if (!array->cells_spilled && (by_key || !array->n_runs))
		return TEG_OK;
	return teg_fail(err, TEG_LIMIT,
	                "cells of the transaction beyond write_budget (%zu bytes) are in segments "
	                "already: nothing can be deleted after them",
	                txn->store->write_budget);
}

teg_status txn_stage(struct teg_txn *txn, struct txn_array *a, const teg_column *columns,
                     size_t n_columns, size_t n_rows, const struct stage_options *options,
                     teg_error *err)
{
	bool appends = stage_appends(a->schema, options);
	struct rows **rows = appends ? &a->appends : &a->cells;
	bool replays = options->put && options->put->system_time_column;
	size_t first_box = a->n_boxes;
	uint32_t first;

	if (a->n_puts)
		TEG_TRY(txn_expand_boxes(txn, a, err));
	if (options->tombstones)
		TEG_TRY(txn_may_delete(txn, a, !options->erases, err));
	TEG_TRY(txn_rows(txn, rows, a->schema, err));
	if (appends)
		(*rows)->implicit_ids = true;
	TEG_TRY(make_room(txn, a, stage_size(a->schema, columns, n_columns, n_rows), err));
	first = (*rows)->n;
	if (replays)
		TEG_TRY(txn_stage_ledger(txn, a, *rows, columns, n_columns, n_rows, options, err));
	else
		TEG_TRY(stage_columns(*rows, columns, n_columns, n_rows, options, err));
	if ((*rows)->n == first && a->n_boxes == first_box)
		return TEG_OK;
	txn_digest_rows(txn, a, *rows, first);
	TEG_TRY(take_times(txn, a, *rows, first, first_box, err));
	return txn_keep_budget(txn, a, err);
}

static teg_status put(struct teg_txn *txn, const char *name, const teg_column *columns,
                      size_t n_columns, size_t n_rows, const teg_put_options *options,
                      bool tombstones, teg_error *err)
{
	struct stage_options stage_options = { .tombstones = tombstones };
	teg_put_options o;
	struct txn_array *a;
	teg_status status;

	if (n_columns && !columns)
		return teg_fail(err, TEG_MISUSE, "columns is NULL");
	TEG_TRY(txn_array(txn, name, &a, err));
	TEG_TRY(options_take(options, &o, sizeof o, "teg_put_options", err));
	stage_options.put = &o;
	stage_options.max_value_len = txn->store->max_value_len;
	status = txn_stage(txn, a, columns, n_columns, n_rows, &stage_options, err);
	return status == TEG_OK ? TEG_OK : error_in_array(err, status, a->name);
}

teg_status teg_txn_put(teg_txn *txn, const char *array, const teg_column *columns, size_t n_columns,
                       size_t n_rows, const teg_put_options *options, teg_error *err)
{
	return put(txn, array, columns, n_columns, n_rows, options, false, err);
}

teg_status teg_txn_delete(teg_txn *txn, const char *array, const teg_column *columns,
                          size_t n_columns, size_t n_rows, const teg_put_options *options,
                          teg_error *err)
{
	return put(txn, array, columns, n_columns, n_rows, options, true, err);
}

teg_status teg_txn_put_arrow(teg_txn *txn, const char *array, const struct ArrowSchema *schema,
                             const struct ArrowArray *batch, const teg_put_options *options,
                             teg_error *err)
{
	struct imported in;
	teg_status status;

	if (!txn || !schema || !batch)
		return teg_fail(err, TEG_MISUSE, "transaction, schema or batch is NULL");
	TEG_TRY(import_batch(schema, batch, txn->alloc, &in, err));
	status = put(txn, array, in.columns, in.n_columns, in.n_rows, options, false, err);
	import_release(&in);
	return status;
}

static teg_status stream_failed(struct ArrowArrayStream *stream, int code, teg_error *err)
{
	const char *why = stream->get_last_error ? stream->get_last_error(stream) : NULL;

	if (!why)
		why = "it does not say why";
	if (code == ENOMEM) /* ours, most likely: a scan's memory is that of its store */
		return teg_fail(err, TEG_NOMEM, "the stream failed: %.200s", why);
	return teg_fail_os(err, code, "the stream failed: %.200s", why);
}

/* A stream without batches has a schema all the same, and it must fit. */
static teg_status check_fields(struct teg_txn *txn, const char *array,
                               const struct ArrowSchema *schema, const teg_put_options *options,
                               teg_error *err)
{
	size_t n = (size_t)schema->n_children;
	teg_column *columns = mem_array(txn->alloc, n, sizeof *columns);
	teg_status status = TEG_OK;
	struct arena arena;

	if (!columns)
		return teg_fail(err, TEG_NOMEM, "no memory for columns");
	arena_init(&arena, txn->alloc, SIZE_MAX);
	for (size_t i = 0; status == TEG_OK && i < n; i++) {
		teg_attribute as;

		status = attribute_from_arrow(schema->children[i], &arena, &as, err);
		columns[i] = (teg_column){ .name = as.name, .type = as.type };
	}
	if (status == TEG_OK)
		status = put(txn, array, columns, n, 0, options, false, err);
	arena_release(&arena);
	mem_free(txn->alloc, columns, n * sizeof *columns);
	return status;
}

static teg_status put_stream(struct teg_txn *txn, const char *array,
                             struct ArrowArrayStream *stream, const teg_put_options *options,
                             uint64_t *n_rows, teg_error *err)
{
	struct ArrowSchema schema = { 0 };
	teg_status status = TEG_OK;
	bool any = false;
	int code = stream->get_schema(stream, &schema);

	if (code)
		return stream_failed(stream, code, err);
	while (status == TEG_OK) {
		struct ArrowArray batch = { 0 };

		code = stream->get_next(stream, &batch);
		if (code)
			status = stream_failed(stream, code, err);
		if (code || !batch.release)
			break;
		status = teg_txn_put_arrow(txn, array, &schema, &batch, options, err);
		if (status == TEG_OK)
			*n_rows += (uint64_t)batch.length;
		else if (err && err->row >= 0)
			err->row += (int64_t)*n_rows; /* counted over the whole stream */
		any = true;
		batch.release(&batch);
	}
	if (status == TEG_OK && !any)
		status = check_fields(txn, array, &schema, options, err);
	if (schema.release)
		schema.release(&schema);
	return status;
}

teg_status teg_txn_put_stream(teg_txn *txn, const char *array, struct ArrowArrayStream *stream,
                              const teg_put_options *options, uint64_t *n_rows_out, teg_error *err)
{
	struct txn_array *a;
	uint64_t n_rows = 0;
	teg_status status;

	if (!stream || !stream->release)
		return teg_fail(err, TEG_MISUSE, "no stream, or one that was released");
	status = txn_array(txn, array, &a, err);
	if (status == TEG_OK)
		status = put_stream(txn, array, stream, options, &n_rows, err);
	stream->release(stream);
	if (n_rows_out)
		*n_rows_out = n_rows;
	return status;
}

/* ---- boxes ---- */

static bool is_inside(const struct rows *rows, uint32_t row, const struct box *box)
{
	for (uint32_t d = 0; d < rows->schema->n_dims; d++) {
		struct column view = column_buf_view(&rows->dims[d]);
		uint64_t lane =
			lane_of_value(rows->schema->dims[d].class, column_value(&view, row));

		if (lane < box->lo[d] || lane > box->hi[d])
			return false;
	}
	return true;
}

/* Appends a delete, or an erasure, of row i's cell over the box's interval. */
static teg_status append_tombstone(struct rows *rows, uint32_t i, const struct row_box *box)
{
	static const uint8_t live = ROW_LIVE;
	static const int64_t start = INT64_MIN, end = INT64_MAX;
	const struct schema *schema = rows->schema;
	uint8_t kind = (uint8_t)box->kind;

	for (uint32_t d = 0; d < schema->n_dims; d++) {
		struct column view;

		/* The value lies in the column that it is appended to. */
		view = column_buf_view(&rows->dims[d]);
		TEG_TRY(column_buf_reserve(&rows->dims[d], 1, column_value(&view, i).len));
		view = column_buf_view(&rows->dims[d]);
		TEG_TRY(column_buf_append_value(&rows->dims[d], column_value(&view, i), 1));
	}
	for (uint32_t a = 0; a < schema->n_attrs; a++)
		TEG_TRY(column_buf_append_nulls(&rows->attrs[a], 1));
	TEG_TRY(optional_append(&rows->kind, rows->n, &live, &kind, 1, NULL));
	TEG_TRY(optional_append(&rows->valid_from, rows->n, &start, &box->valid_from, 1, NULL));
	TEG_TRY(optional_append(&rows->valid_until, rows->n, &end, &box->valid_until, 1, NULL));
	rows->n++;
	return TEG_OK;
}

/* Rows that this transaction staged before lie above its boxes, so a delete names them one by one. */
teg_status txn_delete_staged(struct rows *rows, uint32_t first, uint32_t end,
                             const struct row_box *box, teg_error *err)
{
	for (uint32_t i = first; i < end; i++) {
		if (!is_inside(rows, i, &box->box) ||
		    (rows_kind(rows, i) == ROW_TOMBSTONE && !kind_erases((uint8_t)box->kind)))
			continue;
		if (rows->n < UINT32_MAX / 4 && append_tombstone(rows, i, box) == TEG_OK)
			continue;
		return teg_fail(err, TEG_NOMEM, "no memory for the cells of a box: abort");
	}
	return TEG_OK;
}

/* The interval that the options give, all of valid time by default. */
static teg_status interval_of(const struct txn_array *a, const teg_put_options *o, int64_t *from,
                              int64_t *until, teg_error *err)
{
	*from = INT64_MIN;
	*until = INT64_MAX;
	if (o->valid_from_column || o->valid_until_column || o->row_id_column)
		return teg_fail(err, TEG_MISUSE, "a box has no columns");
	if (!o->valid_from && !o->valid_until)
		return TEG_OK;
	if (!a->schema->valid_time)
		return teg_fail(err, TEG_MISUSE, "the array has no valid time");
	if (o->valid_from >= o->valid_until)
		return teg_fail(err, TEG_MISUSE, "valid_from is not before valid_until");
	*from = o->valid_from;
	*until = o->valid_until;
	return TEG_OK;
}

teg_status txn_add_box(struct teg_txn *txn, struct txn_array *a, const struct row_box *box,
                       teg_error *err)
{
	void *block = a->boxes;

	if (!mem_grow(txn->alloc, &block, &a->boxes_cap, a->n_boxes + 1, sizeof *a->boxes))
		return teg_fail(err, TEG_NOMEM, "no memory for a box");
	a->boxes = block;
	a->boxes[a->n_boxes++] = *box;
	txn_digest(txn, &box->box, sizeof box->box);
	txn_digest(txn, &box->valid_from, sizeof box->valid_from);
	txn_digest(txn, &box->valid_until, sizeof box->valid_until);
	txn_digest(txn, &box->kind, sizeof box->kind);
	txn_digest(txn, &box->system_from, sizeof box->system_from);
	a->is_built = false;
	return TEG_OK;
}

bool txn_has_text(const struct schema *schema)
{
	for (uint32_t d = 0; d < schema->n_dims; d++)
		if (schema->dims[d].shape == COLUMN_BYTES)
			return true;
	return false;
}

teg_status txn_remove_box(struct teg_txn *txn, struct txn_array *a, struct row_box *box,
                          teg_error *err)
{
	teg_status status;

	for (uint32_t d = 0; d < a->schema->n_dims; d++)
		if (box->box.lo[d] > box->box.hi[d])
			return TEG_OK;
	if (a->n_puts)
		TEG_TRY(txn_expand_boxes(txn, a, err));
	TEG_TRY(txn_may_delete(txn, a, false, err));
	status = txn_delete_staged(a->cells, 0, a->cells ? a->cells->n : 0, box, err);
	txn->broken |= status != TEG_OK;
	return status == TEG_OK ? txn_add_box(txn, a, box, err) : status;
}

static teg_status delete_box(struct teg_txn *txn, struct txn_array *a, const teg_range *ranges,
                             const teg_put_options *o, teg_error *err)
{
	struct row_box box = { .kind = ROW_TOMBSTONE };
	bool exact;

	TEG_TRY(interval_of(a, o, &box.valid_from, &box.valid_until, err));
	TEG_TRY(read_box_lanes(a->schema, ranges, &box.box, &exact, err));
	return txn_remove_box(txn, a, &box, err);
}

teg_status teg_txn_delete_box(teg_txn *txn, const char *array, const teg_range *box,
                              const teg_put_options *options, teg_error *err)
{
	teg_put_options o;
	struct txn_array *a;
	teg_status status;

	TEG_TRY(txn_array(txn, array, &a, err));
	if (!box)
		return teg_fail(err, TEG_MISUSE, "box is NULL");
	TEG_TRY(options_take(options, &o, sizeof o, "teg_put_options", err));
	/* Lanes of text are prefixes: such a box would take more than it says. */
	if (txn_has_text(a->schema))
		return teg_txn_delete_where(txn, array, box, NULL, options, NULL, err);
	status = delete_box(txn, a, box, &o, err);
	return status == TEG_OK ? TEG_OK : error_in_array(err, status, a->name);
}
