/* From what is staged to segments. */
#include "engine/merge/merge.h"
#include "engine/store/hex.h"
#include "engine/txn/txn.h"
#include <stdio.h>

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a transaction's segments");
}

/* Layers below say TEG_NOMEM without a word. */
static teg_status told(const struct txn_array *array, teg_status status, teg_error *err)
{
	if (status == TEG_NOMEM && err && err->status != TEG_NOMEM)
		no_memory(err);
	return error_in_array(err, status, array->name);
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

static bool reserve_one(struct teg_txn *txn, struct built ***list, size_t *cap, size_t n)
{
	void *block = (void *)*list;

	if (!mem_grow(txn->alloc, &block, cap, n + 1, sizeof **list))
		return false;
	*list = block;
	return true;
}

/* `inline_max`: bytes up to which the segment stays in memory; 0: a file at once. */
static teg_status new_built(struct teg_txn *txn, size_t inline_max, struct built **built_out,
                            teg_error *err)
{
	char path[OS_PATH_MAX], hex[33];
	struct built *built;
	uint8_t id[16];

	TEG_TRY(store_new_id(txn->store, id, err));
	built = mem_zalloc(txn->alloc, sizeof *built);
	if (!built)
		return no_memory(err);
	hex_put(id, sizeof id, hex);
	snprintf(path, sizeof path, "segments/%s", hex);
	memcpy(built->object, id, sizeof id);
	sink_init(&built->sink, txn->store->os, path, inline_max, txn->alloc);
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

/* Without memory for a scratch each tiler says so itself. */
static struct tiler_options options_of(struct teg_txn *txn, const struct txn_array *array)
{
	struct tiler_options options = { .array_id = array->id, .fresh = true };

	if (!txn->scratch)
		txn->scratch = codec_scratch_new(txn->alloc);
	options.scratch = txn->scratch;
	memcpy(options.commit_id, txn->segment_id, sizeof options.commit_id);
	return options;
}

static bool brings_times(const struct txn_array *array, const struct rows *rows)
{
	return rows && rows != array->appends && (rows->system_from.n || array->n_ledger_boxes);
}

static bool stands_alone(const struct txn_array *array, const struct rows *rows)
{
	return array->n_boxes == array->n_ledger_boxes && !array->n_wheres && !array->n_puts &&
	       (!rows->n || rows->system_from.n);
}

/* One segment from rows and boxes, or from put boxes where `rows` is NULL. */
static teg_status build_one(struct teg_txn *txn, struct txn_array *array, struct rows *rows,
                            const struct row_box *boxes, size_t n_boxes, bool rebuilt,
                            teg_error *err)
{
	struct tiler_options options = options_of(txn, array);
	struct segment_result result;
	struct built *built = NULL;
	teg_status status;

	options.fresh = !brings_times(array, rows);
	if (!options.fresh && !stands_alone(array, rows))
		return teg_fail(err, TEG_MISUSE,
		                "rows that bring their system times stand alone in a transaction");
	if (!reserve_one(txn, &array->built, &array->built_cap, array->n_built))
		return no_memory(err);
	TEG_TRY(new_built(txn, INLINE_SEGMENT_MAX, &built, err));
	status = rows ? write_sorted_boxes(rows, boxes, (uint32_t)n_boxes, &options, &built->sink,
	                                   txn->alloc, &result, err)
	              : txn_write_boxes(txn, array, &options, &built->sink, &result, err);
	if (status == TEG_OK)
		status = sink_finish(&built->sink, err);
	if (status != TEG_OK) {
		sink_release(&built->sink);
		mem_free(txn->alloc, built, sizeof *built);
		return told(array, status, err);
	}
	fill_ref(built, array->schema, &result);
	built->rebuilt = rebuilt;
	array->built[array->n_built++] = built;
	return TEG_OK;
}

/* ---- sorted runs ---- */

void txn_drop_runs(struct teg_txn *txn, struct txn_array *array)
{
	while (array->n_runs)
		txn_free_built(txn, array->runs[--array->n_runs], false);
}

static bool has_commit_times(const struct rows *rows)
{
	for (uint32_t i = 0; rows->valid_from.n && i < rows->n; i++)
		if (rows_valid_from(rows, i) == TEG_TIME_OF_COMMIT)
			return true;
	return false;
}

static bool has_erasures(const struct rows *rows)
{
	for (uint32_t i = 0; i < rows->kind.n; i++)
		if (kind_erases(rows->kind.values[i]))
			return true;
	return false;
}

/* Runs stand for calls by their system times, 1 and up: what a later run says hides what an earlier
 * one said. "From the commit's time" has no number there, and an erasure under a later put must stay, so
 * such cells stay in memory. */
static bool may_run(const struct txn_array *array)
{
	return array->cells && array->cells->n && !array->n_wheres && !array->n_boxes &&
	       !array->n_puts && array->schema->kind != TEG_DENSE && !array->cells->system_from.n &&
	       !has_commit_times(array->cells) && !has_erasures(array->cells);
}

static teg_status write_run(struct teg_txn *txn, struct txn_array *array, struct built *run,
                            teg_error *err)
{
	struct tiler_options options = options_of(txn, array);
	struct segment_ref *ref = &run->added.ref;
	struct segment_result result;

	TEG_TRY(write_sorted(array->cells, &options, &run->sink, txn->alloc, &result, err));
	TEG_TRY(sink_finish(&run->sink, err));
	fill_ref(run, array->schema, &result);
	ref->first_version = ref->last_version = array->n_runs + 1;
	ref->system_time = ref->system_from_min = ref->system_from_max = (int64_t)array->n_runs + 1;
	return TEG_OK;
}

static teg_status add_run(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	struct built *run = NULL;
	teg_status status;

	if (!reserve_one(txn, &array->runs, &array->runs_cap, array->n_runs))
		return no_memory(err);
	TEG_TRY(new_built(txn, 0, &run, err));
	status = write_run(txn, array, run, err);
	if (status != TEG_OK) {
		txn_free_built(txn, run, false);
		return told(array, status, err);
	}
	array->runs[array->n_runs++] = run;
	rows_release(array->cells);
	return rows_init(array->cells, array->schema, txn->alloc, err);
}

static teg_status merge_into(struct teg_txn *txn, struct txn_array *array, struct segment_ref *refs,
                             struct built *built, teg_error *err)
{
	struct merge_options options = { .array_id = array->id };
	struct segment_result result;
	struct teg_array *runs;
	teg_status status;

	memcpy(options.segment_id, txn->segment_id, sizeof options.segment_id);
	TEG_TRY(array_of_refs(txn->base, array->schema, refs, (uint32_t)array->n_runs, &runs, err));
	status = merge_runs(runs, &options, &built->sink, &result, err);
	array_unref(runs);
	TEG_TRY(status);
	fill_ref(built, array->schema, &result);
	return TEG_OK;
}

/* All runs become one segment, and go. */
static teg_status merge_all_runs(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	struct segment_ref *refs = mem_array(txn->alloc, array->n_runs, sizeof *refs);
	struct built *built = NULL;
	teg_status status;

	if (!refs || !reserve_one(txn, &array->built, &array->built_cap, array->n_built)) {
		mem_free(txn->alloc, refs, array->n_runs * sizeof *refs);
		return no_memory(err);
	}
	for (size_t i = 0; i < array->n_runs; i++)
		refs[i] = array->runs[i]->added.ref;
	status = new_built(txn, INLINE_SEGMENT_MAX, &built, err);
	if (status == TEG_OK)
		status = merge_into(txn, array, refs, built, err);
	mem_free(txn->alloc, refs, array->n_runs * sizeof *refs);
	if (status != TEG_OK) {
		if (built)
			txn_free_built(txn, built, false);
		return told(array, status, err);
	}
	array->built[array->n_built++] = built;
	txn_drop_runs(txn, array);
	return TEG_OK;
}

/* ---- what is staged ---- */

static teg_status build_appends(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	TEG_TRY(build_one(txn, array, array->appends, NULL, 0, false, err));
	rows_release(array->appends);
	TEG_TRY(rows_init(array->appends, array->schema, txn->alloc, err));
	array->appends->implicit_ids = true;
	return TEG_OK;
}

teg_status txn_spill(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	bool repeated = array->schema->cells == TEG_CELLS_REPEATED;

	if (array->appends && array->appends->n)
		TEG_TRY(build_appends(txn, array, err));
	if (array->cells && array->cells->n && !array->n_wheres &&
	    array->n_boxes == array->n_ledger_boxes &&
	    ((repeated && !array->cells->kind.n) || array->cells->system_from.n)) {
		TEG_TRY(build_one(txn, array, array->cells, NULL, 0, false, err));
		array->cells_spilled = true; /* boxes of a ledger wait for the last of them */
		rows_release(array->cells);
		TEG_TRY(rows_init(array->cells, array->schema, txn->alloc, err));
	}
	return !repeated && may_run(array) ? add_run(txn, array, err) : TEG_OK;
}

static teg_status build_ledger(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	size_t n = array->n_boxes;
	struct row_box *boxes = mem_array(txn->alloc, n, sizeof *boxes);
	teg_status status;

	if (!boxes)
		return no_memory(err);
	status = txn_sort_ledger_boxes(array, txn->alloc, boxes, err);
	if (status == TEG_OK)
		status = build_one(txn, array, array->cells, boxes, n, false, err);
	mem_free(txn->alloc, boxes, n * sizeof *boxes);
	return status;
}

/* Cells are made disjoint in place, and a predicate may have to be run again afterwards: then they
 * are built from a copy. */
static teg_status build_cells(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	struct rows copy;
	teg_status status;

	if (array->n_ledger_boxes)
		return build_ledger(txn, array, err);
	if (!array->n_wheres)
		return build_one(txn, array, array->cells, array->boxes, array->n_boxes, true, err);
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
	txn_drop_built(txn, array, true);
	if (array->n_runs && array->cells->n)
		TEG_TRY(add_run(txn, array, err));
	if (array->n_runs)
		TEG_TRY(merge_all_runs(txn, array, err));
	if (array->appends && array->appends->n)
		TEG_TRY(build_appends(txn, array, err));
	if (array->n_puts)
		TEG_TRY(build_one(txn, array, NULL, NULL, 0, true, err));
	if ((array->cells && array->cells->n) || array->n_boxes) {
		TEG_TRY(txn_rows(txn, &array->cells, array->schema, err));
		TEG_TRY(build_cells(txn, array, err));
	}
	array->is_built = true;
	return TEG_OK;
}
