/* From what is staged to segments. */
#include "engine/store/hex.h"
#include "engine/txn/txn.h"
#include <stdio.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a transaction's segments");
}

void txn_free_built(struct teg_txn *txn, struct built *built, bool keep_file)
{
	if (!keep_file && !txn->unknown && !built->added.ref.inlined)
		(void)os_unlink(txn->store->os, built->sink.path, NULL);
	sink_release(&built->sink);
	mem_free(txn->alloc, built, sizeof *built);
}

void txn_drop_built(struct teg_txn *txn, struct txn_array *array, bool rebuilt_only)
{
	size_t n = 0;

	for (size_t i = 0; i < array->n_built; i++)
		if (rebuilt_only && !array->built[i]->rebuilt)
			array->built[n++] = array->built[i];
		else
			txn_free_built(txn, array->built[i], false);
	array->n_built = n;
	array->is_built = false;
}

static teg_status new_built(struct teg_txn *txn, struct txn_array *array, struct built **built_out,
                            teg_error *err)
{
	char path[OS_PATH_MAX], hex[33];
	void *block = (void *)array->built;
	struct built *built;
	uint8_t id[16];

	TEG_TRY(store_new_id(txn->store, id, err));
	if (!mem_grow(txn->alloc, &block, &array->built_cap, array->n_built + 1,
	              sizeof *array->built))
		return no_memory(err);
	array->built = block;
	built = mem_zalloc(txn->alloc, sizeof *built);
	if (!built)
		return no_memory(err);
	hex_put(id, sizeof id, hex);
	snprintf(path, sizeof path, "segments/%s", hex);
	memcpy(built->object, id, sizeof id);
	sink_init(&built->sink, txn->store->os, path, INLINE_SEGMENT_MAX, txn->alloc);
	*built_out = built;
	return TEG_OK;
}

static void fill_ref(struct built *built, const struct schema *schema,
                     const struct segment_result *result)
{
	segment_ref_of_result(result, schema->n_dims, &built->box, &built->added.ref);
	memcpy(built->added.ref.object, built->object, sizeof built->object);
	built->added.ref.schema_version = schema->version;
	if (result->inlined)
		built->added.inline_bytes = buf_span(&built->sink.bytes);
}

/* One segment from rows and boxes, or from put boxes where `rows` is NULL. */
static teg_status build_one(struct teg_txn *txn, struct txn_array *array, struct rows *rows,
                            const struct row_box *boxes, size_t n_boxes, bool rebuilt,
                            teg_error *err)
{
	struct tiler_options options = { .array_id = array->id, .fresh = true };
	struct segment_result result;
	struct built *built = NULL;
	teg_status status;

	memcpy(options.commit_id, txn->segment_id, sizeof options.commit_id);
	TEG_TRY(new_built(txn, array, &built, err));
	status = rows ? write_sorted_boxes(rows, boxes, (uint32_t)n_boxes, &options, &built->sink,
	                                   txn->alloc, &result, err)
	              : txn_write_boxes(txn, array, &options, &built->sink, &result, err);
	if (status == TEG_OK)
		status = sink_finish(&built->sink, err);
	if (status != TEG_OK) {
		sink_release(&built->sink);
		mem_free(txn->alloc, built, sizeof *built);
		return error_in_array(err, status, array->name);
	}
	fill_ref(built, array->schema, &result);
	built->rebuilt = rebuilt;
	array->built[array->n_built++] = built;
	return TEG_OK;
}

static teg_status empty(struct teg_txn *txn, struct rows *rows, teg_error *err)
{
	const struct schema *schema = rows->schema;
	bool implicit_ids = rows->implicit_ids;

	rows_release(rows);
	TEG_TRY(rows_init(rows, schema, txn->alloc, err));
	rows->implicit_ids = implicit_ids;
	return TEG_OK;
}

static teg_status spill_appends(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	if (!array->appends || !array->appends->n)
		return TEG_OK;
	TEG_TRY(build_one(txn, array, array->appends, NULL, 0, false, err));
	return empty(txn, array->appends, err);
}

teg_status txn_spill(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	TEG_TRY(spill_appends(txn, array, err));
	if (!array->cells || !array->cells->n || array->n_wheres)
		return TEG_OK;
	TEG_TRY(txn_note_spilled(txn, array, array->cells, err));
	TEG_TRY(build_one(txn, array, array->cells, NULL, 0, false, err));
	array->cells_spilled = true;
	return empty(txn, array->cells, err);
}

/* Cells are made disjoint in place, and a predicate may have to be run again afterwards: then they
 * are built from a copy. */
static teg_status build_cells(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	struct rows copy;
	teg_status status;

	if (!array->n_wheres)
		return build_one(txn, array, array->cells, array->boxes, array->n_boxes, false,
		                 err);
	TEG_TRY(rows_init(&copy, array->schema, txn->alloc, err));
	status = rows_append(&copy, array->cells, 0, array->cells->n, err);
	if (status == TEG_OK)
		status = build_one(txn, array, &copy, array->boxes, array->n_boxes, true, err);
	rows_release(&copy);
	return status;
}

teg_status txn_build(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	if (array->is_built)
		return TEG_OK;
	TEG_TRY(spill_appends(txn, array, err));
	if (array->n_puts)
		TEG_TRY(build_one(txn, array, NULL, NULL, 0, false, err));
	if ((array->cells && array->cells->n) || array->n_boxes) {
		TEG_TRY(txn_rows(txn, &array->cells, array->schema, err));
		if (array->cells_spilled && !array->rest_noted)
			TEG_TRY(txn_note_spilled(txn, array, array->cells, err));
		array->rest_noted = true; /* a commit may be tried again */
		TEG_TRY(build_cells(txn, array, err));
	}
	array->is_built = true;
	return TEG_OK;
}
