/* Deletes by predicate: a scan of the base, whose pieces are deleted one by one, and run again where
 * another commit came first. */
#include "engine/arrow/import.h"
#include "engine/predicate/predicate.h"
#include "engine/scan/scan.h"
#include "engine/store/options.h"
#include "engine/store/version.h"
#include "engine/txn/txn.h"
#include "engine/write/stage.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a delete");
}

/* ---- running one ---- */

/* The columns of a scan that name what to delete: the key, and the piece's interval. */
struct key_columns {
	const char *names[TEG_MAX_DIMENSIONS + 2];
	size_t n;
	teg_put_options put;
};

static void name_columns(const struct schema *schema, bool erases, struct key_columns *columns)
{
	*columns = (struct key_columns){ .put = { .struct_size = sizeof(teg_put_options) } };
	for (uint32_t d = 0; d < schema->n_dims; d++)
		columns->names[columns->n++] = schema->dims[d].name;
	if (!schema->valid_time || erases)
		return;
	columns->put.valid_from_column = columns->names[columns->n++] = "valid_from";
	columns->put.valid_until_column = columns->names[columns->n++] = "valid_until";
}

static teg_status stage_batch(struct teg_txn *txn, struct rows *rows, teg_scan *scan,
                              const struct key_columns *columns, enum row_kind erases,
                              bool *end_out, teg_error *err)
{
	struct stage_options options = { .put = &columns->put,
		                         .tombstones = true,
		                         .erases = erases,
		                         .max_value_len = txn->store->max_value_len };
	struct ArrowSchema schema = { 0 };
	struct ArrowArray batch = { 0 };
	struct imported in;
	teg_status status = teg_scan_next(scan, &batch, err);

	*end_out = status == TEG_END;
	if (status != TEG_OK)
		return status == TEG_END ? TEG_OK : status;
	status = teg_scan_schema(scan, &schema, err);
	if (status == TEG_OK)
		status = import_batch(&schema, &batch, txn->alloc, &in, err);
	if (status == TEG_OK) {
		status = stage_columns(rows, in.columns, in.n_columns, in.n_rows, &options, err);
		import_release(&in);
	}
	if (schema.release)
		schema.release(&schema);
	if (batch.release)
		batch.release(&batch);
	return status;
}

static teg_status run_scan(struct teg_txn *txn, struct teg_array *array, const struct where *where,
                           struct rows *rows, teg_error *err)
{
	struct key_columns columns;
	teg_scan_options options = { .struct_size = sizeof options };
	teg_scan *scan;
	bool end = false;
	teg_status status;

	name_columns(array->state.schema, where->erases, &columns);
	options.columns = columns.names;
	options.n_columns = columns.n;
	options.box = where->box;
	options.predicate = where->predicate;
	if (where->valid_from != INT64_MIN || where->valid_until != INT64_MAX) {
		options.valid_mode = TEG_VALID_RANGE;
		options.valid_at = where->valid_from;
		options.valid_end = where->valid_until;
	}
	TEG_TRY(teg_scan_open(array, &options, &scan, err));
	/* Every version counts, and of what lies below the horizon the bytes are there still. */
	scan->view.all_versions = scan->view.below_horizon = where->erases != ROW_LIVE;
	do
		status = stage_batch(txn, rows, scan, &columns, where->erases, &end, err);
	while (status == TEG_OK && !end);
	teg_scan_close(scan);
	return status;
}

/* Appends to `rows` a tombstone for every piece that `where` finds in `version`. */
static teg_status run(struct teg_txn *txn, struct store_version *version, const char *name,
                      const struct where *where, struct rows *rows, teg_error *err)
{
	struct teg_array *array;
	teg_status status;

	TEG_TRY(array_of_version(version, name, &array, err));
	status = run_scan(txn, array, where, rows, err);
	array_unref(array);
	return status;
}

/* ---- the public call ---- */

static teg_status copy_value(struct teg_txn *txn, const teg_value *from, teg_value *to,
                             teg_error *err)
{
	struct span bytes;

	*to = *from;
	switch (from->type) {
	case TEG_UTF8:
	case TEG_BYTES:
	case TEG_FIXED_BYTES:
	case TEG_DECIMAL128:
		bytes = arena_copy(&txn->arena, span_of(from->as.bytes.at, from->as.bytes.len));
		to->as.bytes.at = bytes.at;
		return bytes.at ? TEG_OK : no_memory(err);
	default: return TEG_OK;
	}
}

teg_status txn_copy_box(struct teg_txn *txn, const struct schema *schema, const teg_range *box,
                        teg_range **copy_out, teg_error *err)
{
	teg_range *copy;

	*copy_out = NULL;
	if (!box)
		return TEG_OK;
	copy = arena_array(&txn->arena, schema->n_dims, sizeof *copy);
	if (!copy)
		return no_memory(err);
	for (uint32_t d = 0; d < schema->n_dims; d++) {
		TEG_TRY(copy_value(txn, &box[d].lo, &copy[d].lo, err));
		TEG_TRY(copy_value(txn, &box[d].hi, &copy[d].hi, err));
	}
	*copy_out = copy;
	return TEG_OK;
}

static teg_status check_options(const struct txn_array *a, const teg_put_options *o,
                                struct where *where, teg_error *err)
{
	where->valid_from = INT64_MIN;
	where->valid_until = INT64_MAX;
	if (o->valid_from_column || o->valid_until_column || o->row_id_column)
		return teg_fail(err, TEG_MISUSE, "a delete by predicate has no columns");
	if (!o->valid_from && !o->valid_until)
		return TEG_OK;
	if (!a->schema->valid_time)
		return teg_fail(err, TEG_MISUSE, "the array has no valid time");
	if (o->valid_from == TEG_TIME_OF_COMMIT)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "a delete by predicate cannot begin at its commit's time");
	if (o->valid_from >= o->valid_until)
		return teg_fail(err, TEG_MISUSE, "valid_from is not before valid_until");
	where->valid_from = o->valid_from;
	where->valid_until = o->valid_until;
	return TEG_OK;
}

static teg_status add_where(struct teg_txn *txn, struct txn_array *a, const struct where *where,
                            teg_error *err)
{
	void *block = a->wheres;

	if (!mem_grow(txn->alloc, &block, &a->wheres_cap, a->n_wheres + 1, sizeof *a->wheres))
		return no_memory(err);
	a->wheres = block;
	a->wheres[a->n_wheres++] = *where;
	a->is_built = false;
	return TEG_OK;
}

/* Other predicates saw the old base then: all are run again at commit. */
static teg_status run_on_base(struct teg_txn *txn, struct txn_array *a, struct where *where,
                              teg_error *err)
{
	for (;;) {
		teg_error own;
		teg_status status = run(txn, txn->base, a->base_name, where, a->cells, &own);

		if (status != TEG_SNAPSHOT_EXPIRED || a->cells->n != where->first)
			return error_give(err, status, &own);
		TEG_TRY(txn_renew_base(txn, err));
	}
}

teg_status txn_remove_where(struct teg_txn *txn, struct txn_array *a, struct where *where,
                            teg_error *err)
{
	if (a->n_puts)
		TEG_TRY(txn_expand_boxes(txn, a, err));
	TEG_TRY(txn_may_delete(txn, a, false, err));
	TEG_TRY(txn_rows(txn, &a->cells, a->schema, err));
	where->first = a->cells->n;
	where->n_boxes = a->n_boxes;
	TEG_TRY(add_where(txn, a, where, err));
	where = &a->wheres[a->n_wheres - 1];
	if (!a->created) {
		teg_status status = run_on_base(txn, a, where, err);

		if (status != TEG_OK) {
			txn->broken = a->cells->n != where->first;
			a->n_wheres--; /* the predicate is the caller's to free */
			return status;
		}
	}
	where->n = a->cells->n - where->first;
	txn_digest(txn, &where->valid_from, sizeof where->valid_from);
	txn_digest(txn, &where->valid_until, sizeof where->valid_until);
	txn_digest(txn, &where->erases, sizeof where->erases);
	return txn_keep_budget(txn, a, err);
}

teg_status teg_txn_delete_where(teg_txn *txn, const char *array, const teg_range *box,
                                const teg_predicate *predicate, const teg_put_options *options,
                                uint64_t *n_rows_out, teg_error *err)
{
	struct where where = { 0 };
	teg_put_options o;
	struct txn_array *a;
	size_t n_wheres;
	teg_status status;

	TEG_TRY(txn_array(txn, array, &a, err));
	TEG_TRY(options_take(options, &o, sizeof o, "teg_put_options", err));
	TEG_TRY(check_options(a, &o, &where, err));
	TEG_TRY(txn_copy_box(txn, a->schema, box, &where.box, err));
	if (predicate)
		TEG_TRY(predicate_copy(predicate, txn->alloc, &where.predicate, err));
	n_wheres = a->n_wheres;
	status = txn_remove_where(txn, a, &where, err);
	if (a->n_wheres == n_wheres)
		teg_predicate_free(where.predicate);
	if (status != TEG_OK)
		return error_in_array(err, status, a->name);
	if (n_rows_out)
		*n_rows_out = a->wheres[n_wheres].n;
	return TEG_OK;
}

/* ---- again, on another base ---- */

/* A later box deletes what was not found yet when it came. */
static teg_status apply_boxes(const struct txn_array *a, const struct where *where, struct rows *to,
                              teg_error *err)
{
	uint32_t end = to->n;

	for (size_t i = where->n_boxes; i < a->n_boxes; i++)
		TEG_TRY(txn_delete_staged(to, where->first, end, &a->boxes[i], err));
	return TEG_OK;
}

/* The cells as they would be had every call been made on `base`: what was put, in order, with what
 * each predicate finds now in its place. */
static teg_status replay(struct teg_txn *txn, struct store_version *base, struct txn_array *a,
                         struct rows *to, struct where *wheres, teg_error *err)
{
	uint32_t from = 0;

	for (size_t i = 0; i < a->n_wheres; i++) {
		struct where *w = &wheres[i];

		TEG_TRY(rows_append(to, a->cells, from, w->first - from, err));
		from = w->first + w->n;
		w->first = to->n;
		if (!a->created)
			TEG_TRY(run(txn, base, a->base_name, w, to, err));
		TEG_TRY(apply_boxes(a, w, to, err));
		w->n = to->n - w->first;
	}
	return rows_append(to, a->cells, from, a->cells->n - from, err);
}

static teg_status evaluate(struct teg_txn *txn, struct store_version *base, struct txn_array *a,
                           teg_error *err)
{
	struct where *wheres = mem_array(txn->alloc, a->n_wheres, sizeof *wheres);
	struct rows *fresh = NULL;
	teg_status status;

	if (!wheres)
		return no_memory(err);
	memcpy(wheres, a->wheres, a->n_wheres * sizeof *wheres);
	status = txn_rows(txn, &fresh, a->schema, err);
	if (status == TEG_OK)
		status = replay(txn, base, a, fresh, wheres, err);
	if (status == TEG_OK) {
		struct rows *old = a->cells;

		a->cells = fresh;
		fresh = old;
		memcpy(a->wheres, wheres, a->n_wheres * sizeof *wheres);
		txn_drop_built(txn, a, true);
	}
	if (fresh) {
		rows_release(fresh);
		mem_free(txn->alloc, fresh, sizeof *fresh);
	}
	mem_free(txn->alloc, wheres, a->n_wheres * sizeof *wheres);
	return status;
}

teg_status txn_evaluate(struct teg_txn *txn, struct store_version *base, teg_error *err)
{
	for (size_t i = 0; i < txn->n_arrays; i++)
		if (txn->arrays[i]->n_wheres && !txn->arrays[i]->dropped)
			TEG_TRY(evaluate(txn, base, txn->arrays[i], err));
	txn->evaluated = version_number(base);
	return TEG_OK;
}
