/* From staged rows to a version. */
#include <string.h>
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "engine/merge/merge.h"
#include "engine/txn/txn.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to commit");
}

/* ---- segments ---- */

static teg_status build_part(struct teg_txn *txn, struct txn_array *array, struct rows *rows,
                             bool boxes, teg_error *err)
{
	struct part *part = &array->parts[array->n_add];
	struct segment_ref *ref = &array->add[array->n_add].ref, name = { .inlined = false };
	struct tiler_options tiling = { .array_id = array->id, .fresh = true };
	struct segment_result result;
	char path[OS_PATH_MAX];

	TEG_TRY(store_new_id(txn->store, name.object, err));
	segment_path(&name, path);
	sink_init(&part->sink, txn->store->os, path, INLINE_SEGMENT_MAX, txn->alloc);
	part->made = true;
	TEG_TRY(write_sorted_boxes(rows, array->boxes, boxes ? (uint32_t)array->n_boxes : 0,
	                           &tiling, &part->sink, txn->alloc, &result, err));
	TEG_TRY(sink_finish(&part->sink, err));
	segment_ref_of_result(&result, array->schema->n_dims, &part->box, ref);
	memcpy(ref->object, name.object, sizeof ref->object);
	ref->part = array->n_add;
	ref->schema_version = array->schema->version;
	array->add[array->n_add].inline_bytes = result.inlined ? buf_span(&part->sink.bytes)
	                                                       : (struct span){ NULL, 0 };
	array->n_add++;
	return TEG_OK;
}

/* Named rows with what predicates found put in where the call stood. */
static teg_status weave(const struct txn_array *array, struct rows *all, teg_error *err)
{
	uint32_t from = 0;

	for (const struct predicate_delete *p = array->predicates; p; p = p->next) {
		if (p->at > from)
			TEG_TRY(rows_append(all, &array->named, from, p->at - from, err));
		if (p->found.n)
			TEG_TRY(rows_append(all, &p->found, 0, p->found.n, err));
		from = p->at;
	}
	if (array->named.n > from)
		return rows_append(all, &array->named, from, array->named.n - from, err);
	return TEG_OK;
}

static teg_status build_woven(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	struct rows all;
	teg_status status = rows_init(&all, array->schema, txn->alloc, err);

	if (status == TEG_OK)
		status = weave(array, &all, err);
	if (status == TEG_OK && (all.n || array->n_boxes))
		status = build_part(txn, array, &all, true, err);
	if (all.alloc)
		rows_release(&all);
	return status;
}

/* Building trims what later calls cover; doing it again to the same rows changes nothing more, so a
 * commit may be tried again without a copy. */
static teg_status build_named(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	if (array->predicates)
		return build_woven(txn, array, err);
	if (array->named.n || array->n_boxes)
		return build_part(txn, array, &array->named, true, err);
	return TEG_OK;
}

teg_status txn_build(struct teg_txn *txn, struct txn_array *array, teg_error *err)
{
	teg_status status = TEG_OK;

	if (array->built)
		return TEG_OK;
	txn_drop_parts(array);
	if (array->appended.n)
		status = build_part(txn, array, &array->appended, false, err);
	if (status == TEG_OK)
		status = build_named(txn, array, err);
	if (status != TEG_OK) {
		txn_drop_parts(array);
		return error_in_array(err, status, array->name);
	}
	array->built = true;
	return TEG_OK;
}

/* ---- the request ---- */

static void fill_change(struct txn_array *array, struct array_change *change)
{
	*change = (struct array_change){ .name = array->name,
		                         .array_id = array->id,
		                         .create = array->creating ? array->schema : NULL,
		                         .n_add = array->n_add,
		                         .add = array->add,
		                         .n_new_ids = array->appended.n,
		                         .facts = array->n_add > 0,
		                         .first_row_id = -1 };
}

static uint64_t n_rows_of(const struct txn_array *array)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < array->n_add; i++)
		n += array->add[i].ref.n_rows;
	return n;
}

/* Arrays that got nothing and are not new stay out of the version. */
static void fill_request(struct teg_txn *txn, struct commit_request *request)
{
	bool creates = false;

	request->n_changes = 0;
	request->n_rows = 0;
	for (struct txn_array *array = txn->arrays; array; array = array->next) {
		if (!array->n_add && !array->creating)
			continue;
		fill_change(array, &txn->changes[request->n_changes++]);
		request->n_rows += n_rows_of(array);
		creates |= array->creating;
	}
	request->changes = txn->changes;
	request->action = creates && !request->n_rows ? "create" : "commit";
}

static bool has_predicates(const struct teg_txn *txn)
{
	for (const struct txn_array *array = txn->arrays; array; array = array->next)
		if (array->predicates)
			return true;
	return false;
}

/* Asked of the version that the commit would follow: predicates are evaluated there. */
static teg_status rebase(void *ctx, struct store_version *base, struct commit_request *request,
                         teg_error *err)
{
	struct teg_txn *txn = ctx;

	for (struct txn_array *array = txn->arrays; array; array = array->next) {
		for (struct predicate_delete *p = array->predicates; p; p = p->next) {
			if (version_number(base) == version_number(txn->base))
				break;
			TEG_TRY(txn_find(txn, array, p, base, err));
			array->built = false;
		}
		TEG_TRY(txn_build(txn, array, err));
	}
	version_ref(base);
	version_unref(txn->base);
	txn->base = base;
	fill_request(txn, request);
	return TEG_OK;
}

/* What tells a retry of the same content from another one under the same key: the segments. */
static uint64_t digest_of(const struct teg_txn *txn)
{
	uint64_t parts[2 + 2 * PARTS_MAX], digest = 0;

	for (const struct txn_array *array = txn->arrays; array; array = array->next) {
		memset(parts, 0, sizeof parts);
		parts[0] = digest;
		parts[1] = hash_bytes(span_of_text(array->name));
		for (uint32_t i = 0; i < array->n_add; i++) {
			parts[2 + 2 * i] = array->add[i].ref.checksum;
			parts[3 + 2 * i] = array->add[i].ref.len;
		}
		digest = hash_bytes(span_of(parts, sizeof parts));
	}
	return digest;
}

static teg_status publish(struct teg_txn *txn, teg_commit_result *result, teg_error *err)
{
	struct commit_request request = { .system_time = txn->system_time,
		                          .key_writer = txn->key_writer,
		                          .key_sequence = txn->key_sequence,
		                          .expect_version = txn->expect_version,
		                          .metadata = txn->metadata,
		                          .n_metadata = txn->n_metadata,
		                          .action = "commit" };

	memcpy(request.commit_id, txn->commit_id, sizeof request.commit_id);
	for (struct txn_array *array = txn->arrays; array; array = array->next)
		TEG_TRY(txn_build(txn, array, err));
	fill_request(txn, &request);
	request.key_digest = digest_of(txn);
	if (has_predicates(txn)) {
		request.rebase = rebase;
		request.rebase_ctx = txn;
	}
	return store_commit(txn->store, &request, result, NULL, err);
}

static void report_parts(const struct teg_txn *txn, uint32_t n_changes,
                         void (*each)(void *ctx, const teg_commit_part *part), void *ctx)
{
	uint32_t at = 0;

	for (const struct txn_array *array = txn->arrays; array; array = array->next) {
		teg_commit_part part = { .array = array->name,
			                 .n_segments = array->n_add,
			                 .first_row_id = -1 };

		if (!array->n_add && !array->creating)
			continue;
		if (at < n_changes && array->appended.n)
			part.first_row_id = txn->changes[at].first_row_id;
		at++;
		part.n_rows = n_rows_of(array);
		for (uint32_t i = 0; i < array->n_add; i++)
			part.n_bytes += array->add[i].ref.len;
		each(ctx, &part);
	}
}

/* The names outlive the transaction's rows, which are given up before merging needs memory. */
static void merge_touched(struct teg_txn *txn)
{
	const char **names = mem_array(txn->alloc, txn->n_arrays + 1u, sizeof *names);
	uint32_t n = 0;

	if (!names)
		return; /* merging can wait for the next commit */
	for (struct txn_array *array = txn->arrays; array; array = array->next)
		if (array->n_add && !array->creating)
			names[n++] = array->name;
	merge_after_commit(txn->store, names, n);
	mem_free(txn->alloc, names, (txn->n_arrays + 1u) * sizeof *names);
}

teg_status teg_txn_commit_parts(teg_txn *txn, teg_commit_result *result_out,
                                void (*each)(void *ctx, const teg_commit_part *part), void *ctx,
                                teg_error *err)
{
	teg_commit_result result = { .struct_size = sizeof result };
	teg_status status;

	if (!txn || (result_out && result_out->struct_size > sizeof result))
		return teg_fail(err, TEG_MISUSE,
		                "teg_txn_commit needs a transaction, and a result of a known size");
	txn->changes = mem_zalloc(txn->alloc, (txn->n_arrays + 1u) * sizeof *txn->changes);
	status = txn->changes ? publish(txn, &result, err) : no_memory(err);
	if (status == TEG_OK) {
		if (result_out)
			memcpy((char *)result_out + sizeof(size_t),
			       (char *)&result + sizeof(size_t),
			       result_out->struct_size - sizeof(size_t));
		if (each)
			report_parts(txn, txn->n_arrays, each, ctx);
		if (!txn->store->no_auto_compact && !result.repeated)
			merge_touched(txn);
	}
	mem_free(txn->alloc, txn->changes, (txn->n_arrays + 1u) * sizeof *txn->changes);
	txn->changes = NULL;
	if (status == TEG_OK)
		teg_txn_abort(txn);
	return status;
}

teg_status teg_txn_commit(teg_txn *txn, teg_commit_result *result_out, teg_error *err)
{
	return teg_txn_commit_parts(txn, result_out, NULL, NULL, err);
}
