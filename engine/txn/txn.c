#include "engine/txn/txn.h"
#include "codec/base/hash.h"
#include "engine/arrow/import.h"
#include "engine/merge/merge.h"
#include "engine/predicate/predicate.h"
#include "engine/store/options.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a transaction");
}

/* ---- beginning and ending ---- */

static teg_status copy_metadata(struct teg_txn *txn, const teg_metadata *from, size_t n,
                                teg_error *err)
{
	teg_metadata *all = arena_array(&txn->arena, n, sizeof *all);

	if (!all)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		if ((!from[i].key && from[i].key_len) || (!from[i].value && from[i].value_len))
			return teg_fail(err, TEG_MISUSE, "metadata %zu has no bytes", i);
		all[i] = (teg_metadata){
			arena_text(&txn->arena, span_of(from[i].key, from[i].key_len)),
			arena_text(&txn->arena, span_of(from[i].value, from[i].value_len)),
			from[i].key_len, from[i].value_len
		};
		if (!all[i].key || !all[i].value)
			return no_memory(err);
	}
	txn->metadata = all;
	txn->n_metadata = n;
	return TEG_OK;
}

/* What segments carry in their footers: random, unless the caller says that this commit may be made
 * again, by a key or a time of his own; then the same calls give the same bytes. */
static void name_segments(struct teg_txn *txn)
{
	struct {
		uint64_t writer, sequence, time;
	} of = { 0 };

	memcpy(txn->segment_id, txn->commit_id, sizeof txn->segment_id);
	if (!txn->key_writer && !txn->system_time)
		return;
	if (txn->key_writer)
		store_u64(&of.writer, hash_bytes(span_of_text(txn->key_writer)));
	store_u64(&of.sequence, txn->key_sequence);
	store_u64(&of.time, (uint64_t)txn->system_time);
	store_u64(txn->segment_id, hash_bytes(span_of(&of, sizeof of)));
	memset(txn->segment_id + 8, 0, 8);
}

static teg_status take_options(struct teg_txn *txn, const teg_txn_options *options, teg_error *err)
{
	teg_txn_options o;

	TEG_TRY(options_take(options, &o, sizeof o, "teg_txn_options", err));
	if (o.system_time == INT64_MIN || o.system_time == INT64_MAX ||
	    o.system_time == TEG_TIME_OF_COMMIT)
		return teg_fail(err, TEG_MISUSE, "system_time is no point in time");
	if (o.n_metadata && !o.metadata)
		return teg_fail(err, TEG_MISUSE, "metadata is NULL");
	if (o.key_writer) {
		TEG_TRY(name_check(o.key_writer, "key_writer", err));
		txn->key_writer = arena_text(&txn->arena, span_of_text(o.key_writer));
		if (!txn->key_writer)
			return no_memory(err);
	}
	txn->system_time = o.system_time;
	txn->key_sequence = o.key_sequence;
	txn->expect_version = o.expect_version;
	TEG_TRY(copy_metadata(txn, o.metadata, o.n_metadata, err));
	TEG_TRY(os_random(txn->store->os, txn->commit_id, sizeof txn->commit_id, err));
	name_segments(txn);
	return TEG_OK;
}

teg_status teg_txn_begin(teg_store *store, const teg_txn_options *options, teg_txn **txn_out,
                         teg_error *err)
{
	struct teg_txn *txn;
	teg_status status;

	if (!txn_out)
		return teg_fail(err, TEG_MISUSE, "txn_out is NULL");
	*txn_out = NULL;
	if (!store)
		return teg_fail(err, TEG_MISUSE, "no store");
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened for reading only");
	txn = mem_zalloc(store->alloc, sizeof *txn);
	if (!txn)
		return no_memory(err);
	store_ref(store);
	store_flight_begin(store);
	txn->store = store;
	txn->alloc = store->alloc;
	arena_init(&txn->arena, store->alloc, SIZE_MAX);
	status = take_options(txn, options, err);
	if (status == TEG_OK)
		status = version_open_newest(store, &txn->base, err);
	if (status == TEG_OK) {
		txn->evaluated = version_number(txn->base);
		*txn_out = txn;
	} else {
		teg_txn_abort(txn);
	}
	return status;
}

void txn_free_rows(struct teg_txn *txn, struct rows *rows)
{
	if (!rows)
		return;
	rows_release(rows);
	mem_free(txn->alloc, rows, sizeof *rows);
}

static void free_array(struct teg_txn *txn, struct txn_array *a)
{
	txn_drop_built(txn, a, false);
	txn_free_rows(txn, a->cells);
	txn_free_rows(txn, a->appends);
	for (size_t i = 0; i < a->n_puts; i++)
		txn_free_put(txn, a->schema, &a->puts[i]);
	for (size_t i = 0; i < a->n_wheres; i++)
		teg_predicate_free(a->wheres[i].predicate);
	mem_free(txn->alloc, a->boxes, a->boxes_cap * sizeof *a->boxes);
	mem_free(txn->alloc, a->puts, a->puts_cap * sizeof *a->puts);
	mem_free(txn->alloc, a->wheres, a->wheres_cap * sizeof *a->wheres);
	mem_free(txn->alloc, (void *)a->built, a->built_cap * sizeof *a->built);
	txn_drop_runs(txn, a);
	mem_free(txn->alloc, (void *)a->runs, a->runs_cap * sizeof *a->runs);
}

void teg_txn_abort(teg_txn *txn)
{
	struct teg_store *store;

	if (!txn)
		return;
	store = txn->store;
	for (size_t i = 0; i < txn->n_arrays; i++)
		free_array(txn, txn->arrays[i]);
	mem_free(txn->alloc, (void *)txn->arrays, txn->arrays_cap * sizeof *txn->arrays);
	mem_free(txn->alloc, txn->slots, txn->n_slots * sizeof *txn->slots);
	codec_scratch_free(txn->scratch);
	merge_rides_end(store, &txn->rides, txn->unknown);
	version_unref(txn->base);
	arena_release(&txn->arena);
	mem_free(txn->alloc, txn, sizeof *txn);
	store_flight_end(store);
	store_unref(store);
}

/* ---- arrays by name ---- */

static bool is_renamed(const struct txn_array *a)
{
	return strcmp(a->name, a->base_name) != 0;
}

static bool answers_to(const struct txn_array *a, const char *name)
{
	return !a->dropped && strcmp(a->name, name) == 0;
}

/* The base has an array of that name, but the transaction has taken it away. */
static bool has_left(const struct txn_array *a, const char *name)
{
	return (a->dropped || is_renamed(a)) && !a->created && strcmp(a->base_name, name) == 0;
}

static struct txn_array *lookup(const struct teg_txn *txn, const char *name,
                                bool (*is_it)(const struct txn_array *a, const char *name))
{
	size_t mask = txn->n_slots - 1;
	size_t i = txn->n_slots ? (size_t)hash_bytes(span_of_text(name)) & mask : 0;

	for (; txn->n_slots && txn->slots[i]; i = (i + 1) & mask)
		if (is_it(txn->arrays[txn->slots[i] - 1], name))
			return txn->arrays[txn->slots[i] - 1];
	return NULL;
}

static void insert_slot(struct teg_txn *txn, const char *name, size_t index)
{
	size_t mask = txn->n_slots - 1;
	size_t i = (size_t)hash_bytes(span_of_text(name)) & mask;

	while (txn->slots[i])
		i = (i + 1) & mask;
	txn->slots[i] = (uint32_t)index + 1;
	txn->n_names++;
}

/* Room for one more name. */
static bool grow_slots(struct teg_txn *txn)
{
	size_t old = txn->n_slots, n = old ? 2 * old : 16;
	uint32_t *slots;

	if (2 * (txn->n_names + 1) <= old)
		return true;
	slots = mem_zalloc(txn->alloc, n * sizeof *slots);
	if (!slots)
		return false;
	mem_free(txn->alloc, txn->slots, old * sizeof *slots);
	txn->slots = slots;
	txn->n_slots = n;
	txn->n_names = 0;
	for (size_t i = 0; i < txn->n_arrays; i++) {
		insert_slot(txn, txn->arrays[i]->base_name, i);
		if (is_renamed(txn->arrays[i]))
			insert_slot(txn, txn->arrays[i]->name, i);
	}
	return true;
}

teg_status txn_add_array(struct teg_txn *txn, const char *name, const struct schema *schema,
                         uint64_t id, bool created, struct txn_array **array_out, teg_error *err)
{
	struct txn_array *a = arena_alloc(&txn->arena, sizeof *a);
	void *block = (void *)txn->arrays;

	if (!a || !grow_slots(txn) ||
	    !mem_grow(txn->alloc, &block, &txn->arrays_cap, txn->n_arrays + 1, sizeof *txn->arrays))
		return no_memory(err);
	txn->arrays = block;
	a->name = a->base_name = arena_text(&txn->arena, span_of_text(name));
	if (!a->name)
		return no_memory(err);
	a->schema = schema;
	a->id = id;
	a->created = created;
	a->first_row_id = -1;
	txn->arrays[txn->n_arrays++] = a;
	insert_slot(txn, a->name, txn->n_arrays - 1);
	*array_out = a;
	return TEG_OK;
}

teg_status txn_rename_array(struct teg_txn *txn, struct txn_array *array, const char *name,
                            teg_error *err)
{
	size_t at = 0;

	if (!grow_slots(txn))
		return no_memory(err);
	while (txn->arrays[at] != array)
		at++;
	array->name = name;
	if (is_renamed(array))
		insert_slot(txn, name, at);
	return TEG_OK;
}

teg_status txn_renew_base(struct teg_txn *txn, teg_error *err)
{
	struct store_version *newest;

	TEG_TRY(version_open_newest(txn->store, &newest, err));
	version_unref(txn->base);
	txn->base = newest;
	txn->evaluated = 0;
	return TEG_OK;
}

static teg_status find_array(struct teg_txn *txn, const char *name, struct array_state *state,
                             teg_error *err)
{
	for (;;) { /* each time there is a newer version */
		teg_error own;
		teg_status status = version_array(txn->base, name, &txn->arena, state, &own);

		if (status != TEG_SNAPSHOT_EXPIRED)
			return error_give(err, status, &own);
		TEG_TRY(txn_renew_base(txn, err));
	}
}

teg_status txn_name_is_taken(struct teg_txn *txn, const char *name, bool *taken_out, teg_error *err)
{
	for (;;) {
		teg_status status = TEG_OK;
		teg_error own;

		*taken_out = lookup(txn, name, answers_to) != NULL;
		if (!*taken_out && !lookup(txn, name, has_left))
			status = version_has_array(txn->base, name, taken_out, &own);
		if (status != TEG_SNAPSHOT_EXPIRED)
			return error_give(err, status, &own);
		TEG_TRY(txn_renew_base(txn, err));
	}
}

/* The id of an array to be made; TEG_EXISTS where there is one of that name. */
static teg_status new_id(struct teg_txn *txn, const char *name, uint64_t *id_out, teg_error *err)
{
	for (;;) {
		bool there;
		teg_error own;
		teg_status status = txn_name_is_taken(txn, name, &there, &own);

		if (status == TEG_OK && there)
			return error_in_array(err,
			                      teg_fail(err, TEG_EXISTS, "the array exists already"),
			                      name);
		if (status == TEG_OK)
			status = array_new_id(txn->base, name, id_out, &own);
		if (status != TEG_SNAPSHOT_EXPIRED)
			return error_give(err, status, &own);
		TEG_TRY(txn_renew_base(txn, err));
	}
}

teg_status txn_array(struct teg_txn *txn, const char *name, struct txn_array **array_out,
                     teg_error *err)
{
	struct array_state state;

	if (!txn || !name)
		return teg_fail(err, TEG_MISUSE, "transaction or array is NULL");
	if (txn->broken)
		return teg_fail(err, TEG_MISUSE,
		                "a call failed half way: the transaction must be aborted");
	*array_out = lookup(txn, name, answers_to);
	if (*array_out)
		return TEG_OK;
	if (lookup(txn, name, has_left))
		return error_in_array(err,
		                      teg_fail(err, TEG_NOT_FOUND,
		                               "the transaction has dropped or renamed the array"),
		                      name);
	TEG_TRY(find_array(txn, name, &state, err));
	TEG_TRY(txn_add_array(txn, name, state.schema, state.id, false, array_out, err));
	(*array_out)->n_segments = state.n_segments;
	return TEG_OK;
}

teg_status teg_txn_create(teg_txn *txn, const char *name, const teg_spec *spec, teg_error *err)
{
	const struct schema *schema;
	struct txn_array *a;
	uint64_t id;
	teg_status status;

	if (!txn || !spec)
		return teg_fail(err, TEG_MISUSE, "transaction or spec is NULL");
	TEG_TRY(name_check(name, "array", err));
	TEG_TRY(new_id(txn, name, &id, err));
	status = schema_from_spec(spec, &txn->arena, &schema, err);
	if (status != TEG_OK)
		return error_in_array(err, status, name);
	txn_digest(txn, name, strlen(name));
	txn_digest(txn, schema->identity, sizeof schema->identity);
	return txn_add_array(txn, name, schema, id, true, &a, err);
}

teg_status teg_txn_create_from_arrow(teg_txn *txn, const char *array, const teg_spec *spec,
                                     const struct ArrowSchema *schema, const teg_put_options *roles,
                                     teg_error *err)
{
	teg_spec whole;

	if (!txn || !spec || !schema)
		return teg_fail(err, TEG_MISUSE, "transaction, spec or schema is NULL");
	TEG_TRY(spec_from_arrow(spec, schema, roles, &txn->arena, &whole, err));
	return teg_txn_create(txn, array, &whole, err);
}

/* ---- commit ---- */

/* What of the transaction concerns one array; false where nothing does. */
static teg_status change_of(struct teg_txn *txn, struct txn_array *a, struct array_change *out,
                            bool *any_out, teg_error *err)
{
	struct new_segment *add;

	*out = (struct array_change){ .name = a->base_name, .array_id = a->id, .drop = a->dropped };
	*any_out = a->dropped;
	if (a->dropped)
		return TEG_OK;
	TEG_TRY(txn_build(txn, a, err));
	add = arena_array(&txn->arena, a->n_built, sizeof *add);
	if (!add)
		return no_memory(err);
	for (size_t k = 0; k < a->n_built; k++)
		add[k] = a->built[k]->added;
	out->create = a->created ? a->schema : NULL;
	out->alter = a->base_schema ? a->schema : NULL;
	out->alters = a->base_schema ? a->base_schema->version : 0;
	out->rename = is_renamed(a) ? a->name : NULL;
	out->made_for = a->schema;
	out->retention = a->retains ? &a->retention : NULL;
	out->n_add = (uint32_t)a->n_built;
	out->add = add;
	out->facts = a->n_built > 0;
	*any_out = out->create || out->alter || out->rename || out->retention || out->n_add;
	return TEG_OK;
}

/* In the history: what the commit did where it did nothing else. */
static const char *action_of(const struct commit_request *request)
{
	uint32_t n_drops = 0, n_renames = 0, n_alters = 0;

	for (uint32_t i = 0; i < request->n_changes; i++) {
		const struct array_change *change = &request->changes[i];
		bool other = change->create || change->n_add;

		n_drops += change->drop;
		n_renames += !other && change->rename && !change->alter;
		n_alters += !other && (change->alter || change->retention);
	}
	if (!n_drops && !n_renames && !n_alters)
		return "commit";
	if (n_drops == request->n_changes)
		return "drop";
	if (n_renames == request->n_changes)
		return "rename";
	return n_drops + n_renames + n_alters == request->n_changes ? "alter" : "commit";
}

/* Reads stay cheap over a long history because every writer merges a little. */
static void let_merges_ride(struct teg_txn *txn, struct store_version *base,
                            struct commit_request *request)
{
	merge_rides_end(txn->store, &txn->rides, false);
	if (txn->rode || txn->store->no_auto_compact)
		return;
	txn->rode = true;
	for (size_t i = 0, n = 0; n < request->n_changes; i++) {
		const struct txn_array *a = txn->arrays[i];
		struct array_change *change = &request->changes[n];

		if (a->base_name != change->name)
			continue;
		n++;
		if (change->n_add && !change->create && !change->alter && !change->rename &&
		    a->n_segments >= MERGE_SEGMENTS_MIN)
			merge_ride(base, &txn->rides, change);
	}
}

/* Called by the commit before each try: predicates are run again where the base has changed. */
static teg_status rebase(void *ctx, struct store_version *base, struct commit_request *request,
                         teg_error *err)
{
	struct teg_txn *txn = ctx;
	uint32_t n = 0;

	if (version_number(base) != txn->evaluated)
		TEG_TRY(txn_evaluate(txn, base, err));
	request->n_rows = 0;
	for (size_t i = 0; i < txn->n_arrays; i++) {
		struct array_change *change = &request->changes[n];
		bool any;

		TEG_TRY(change_of(txn, txn->arrays[i], change, &any, err));
		for (uint32_t k = 0; k < change->n_add; k++)
			request->n_rows += change->add[k].ref.n_rows;
		n += any;
	}
	request->n_changes = n;
	request->action = action_of(request);
	if (txn->erases && strcmp(request->action, "commit") == 0)
		request->action = "erase";
	let_merges_ride(txn, base, request);
	return TEG_OK;
}

static void tell_parts(const struct commit_request *request, bool repeated,
                       void (*each)(void *ctx, const teg_commit_part *part), void *ctx)
{
	for (uint32_t i = 0; each && !repeated && i < request->n_changes; i++) {
		const struct array_change *change = &request->changes[i];
		teg_commit_part part = { .array = change->rename ? change->rename : change->name,
			                 .n_segments = change->n_add,
			                 .first_row_id = change->first_row_id };

		for (uint32_t k = 0; k < change->n_add; k++) {
			part.n_rows += change->add[k].ref.n_rows;
			part.n_bytes += change->add[k].ref.len;
		}
		each(ctx, &part);
	}
}

/* What was too large to ride, or missed its ride too often. */
static bool may_need_merge(const struct teg_txn *txn, const struct txn_array *a)
{
	return !a->dropped && a->n_built && !txn->store->no_auto_compact &&
	       a->n_segments + a->n_built >= MERGE_SEGMENTS_MIN;
}

static void merge_some(struct teg_txn *txn)
{
	const char **names = mem_array(txn->alloc, txn->n_arrays, sizeof *names);
	uint32_t n = 0;

	for (size_t i = 0; names && i < txn->n_arrays; i++)
		if (may_need_merge(txn, txn->arrays[i]))
			names[n++] = txn->arrays[i]->name;
	if (names)
		merge_after_commit(txn->store, names, n);
	mem_free(txn->alloc, (void *)names, txn->n_arrays * sizeof *names);
}

/* Segment files that the new version holds must outlive the transaction; those of a commit that was
 * there already are of no use. */
static void keep_files(struct teg_txn *txn)
{
	for (size_t i = 0; i < txn->n_arrays; i++) {
		struct txn_array *a = txn->arrays[i];

		for (size_t k = 0; k < a->n_built; k++)
			txn_free_built(txn, a->built[k], true);
		a->n_built = 0;
	}
}

static struct commit_request request_of(struct teg_txn *txn, struct array_change *changes)
{
	struct commit_request request = { .changes = changes,
		                          .system_time = txn->replays && !txn->system_time
		                                                 ? txn->replay_max
		                                                 : txn->system_time,
		                          .key_writer = txn->key_writer,
		                          .key_sequence = txn->key_sequence,
		                          .key_digest = txn->digest,
		                          .expect_version = txn->expect_version,
		                          .metadata = txn->metadata,
		                          .n_metadata = txn->n_metadata,
		                          .action = "commit",
		                          .rebase = rebase,
		                          .rebase_ctx = txn,
		                          .check = txn_check_keys };

	memcpy(request.commit_id, txn->commit_id, sizeof request.commit_id);
	return request;
}

static teg_status commit(struct teg_txn *txn, teg_commit_result *result,
                         void (*each)(void *ctx, const teg_commit_part *part), void *ctx,
                         teg_error *err)
{
	struct array_change *changes = mem_array(txn->alloc, txn->n_arrays, sizeof *changes);
	struct commit_request request = request_of(txn, changes);
	teg_status status;

	if (!changes)
		return no_memory(err);
	status = store_commit(txn->store, &request, result, NULL, err);
	if (status == TEG_COMMIT_UNKNOWN)
		txn->unknown = true;
	if (status == TEG_OK && !result->repeated) {
		merge_rides_end(txn->store, &txn->rides, true);
		tell_parts(&request, result->repeated, each, ctx);
		merge_some(txn);
		keep_files(txn);
	}
	mem_free(txn->alloc, changes, txn->n_arrays * sizeof *changes);
	return status;
}

teg_status teg_txn_commit_parts(teg_txn *txn, teg_commit_result *result_out,
                                void (*each)(void *ctx, const teg_commit_part *part), void *ctx,
                                teg_error *err)
{
	teg_commit_result result = { 0 };
	teg_status status;

	if (!txn)
		return teg_fail(err, TEG_MISUSE, "no transaction");
	if (txn->broken)
		return teg_fail(err, TEG_MISUSE,
		                "a call failed half way: the transaction must be aborted");
	status = commit(txn, &result, each, ctx, err);
	if (status != TEG_OK)
		return status;
	options_give(result_out, &result, sizeof result);
	teg_txn_abort(txn);
	return TEG_OK;
}

teg_status teg_txn_commit(teg_txn *txn, teg_commit_result *result_out, teg_error *err)
{
	return teg_txn_commit_parts(txn, result_out, NULL, NULL, err);
}
