#include "engine/txn/txn.h"
#include <string.h>
#include "codec/base/checked.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a transaction");
}

/* ---- begin and end ---- */

static teg_status copy_metadata(struct teg_txn *txn, const teg_metadata *from, size_t n,
                                teg_error *err)
{
	txn->metadata = arena_array(&txn->arena, n ? n : 1, sizeof *txn->metadata);
	if (!txn->metadata)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		txn->metadata[i] = from[i];
		txn->metadata[i].key =
			arena_text(&txn->arena, span_of(from[i].key, from[i].key_len));
		txn->metadata[i].value =
			arena_text(&txn->arena, span_of(from[i].value, from[i].value_len));
		if (!txn->metadata[i].key || !txn->metadata[i].value)
			return no_memory(err);
	}
	txn->n_metadata = n;
	return TEG_OK;
}

static teg_status take_options(struct teg_txn *txn, const teg_txn_options *o, teg_error *err)
{
	txn->system_time = o->system_time;
	txn->key_sequence = o->key_sequence;
	txn->expect_version = o->expect_version;
	if (o->key_writer) {
		txn->key_writer = arena_text(&txn->arena, span_of_text(o->key_writer));
		if (!txn->key_writer)
			return no_memory(err);
	}
	return copy_metadata(txn, o->metadata, o->n_metadata, err);
}

teg_status teg_txn_begin(teg_store *store, const teg_txn_options *options, teg_txn **txn_out,
                         teg_error *err)
{
	teg_txn_options known = { .struct_size = sizeof known };
	struct teg_txn *txn;
	teg_status status;

	if (!store || !txn_out || (options && options->struct_size > sizeof known))
		return teg_fail(
			err, TEG_MISUSE,
			"teg_txn_begin needs a store, a place to go and options of a known size");
	*txn_out = NULL;
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened to be read only");
	if (options)
		memcpy(&known, options, options->struct_size);
	txn = mem_zalloc(store->alloc, sizeof *txn);
	if (!txn)
		return no_memory(err);
	txn->store = store;
	txn->alloc = store->alloc;
	store_ref(store);
	arena_init(&txn->arena, txn->alloc, SIZE_MAX);
	status = take_options(txn, &known, err);
	if (status == TEG_OK)
		status = store_new_id(store, txn->commit_id, err);
	if (status == TEG_OK)
		status = version_open_newest(store, &txn->base, err);
	if (status == TEG_OK)
		*txn_out = txn;
	else
		teg_txn_abort(txn);
	return status;
}

void txn_drop_parts(struct txn_array *array)
{
	for (uint32_t i = 0; i < PARTS_MAX; i++)
		if (array->parts[i].made)
			sink_release(&array->parts[i].sink);
	memset(array->parts, 0, sizeof array->parts);
	array->n_add = 0;
	array->built = false;
}

static void free_predicates(struct teg_txn *txn, struct txn_array *array)
{
	while (array->predicates) {
		struct predicate_delete *p = array->predicates;

		array->predicates = p->next;
		teg_predicate_free(p->predicate);
		rows_release(&p->found);
		mem_free(txn->alloc, p->box, p->box_len);
		mem_free(txn->alloc, p, sizeof *p);
	}
}

static void free_array(struct teg_txn *txn, struct txn_array *array)
{
	txn_drop_parts(array);
	free_predicates(txn, array);
	if (array->appended.alloc)
		rows_release(&array->appended);
	if (array->named.alloc)
		rows_release(&array->named);
	mem_free(txn->alloc, array->boxes, array->boxes_cap * sizeof *array->boxes);
	mem_free(txn->alloc, array, sizeof *array);
}

void teg_txn_abort(teg_txn *txn)
{
	struct teg_store *store;

	if (!txn)
		return;
	while (txn->arrays) {
		struct txn_array *array = txn->arrays;

		txn->arrays = array->next;
		free_array(txn, array);
	}
	if (txn->base)
		version_unref(txn->base);
	arena_release(&txn->arena);
	store = txn->store;
	mem_free(txn->alloc, txn, sizeof *txn);
	store_unref(store);
}

/* ---- arrays ---- */

static struct txn_array *find(struct teg_txn *txn, const char *name)
{
	struct txn_array *array = txn->arrays;

	while (array && strcmp(array->name, name) != 0)
		array = array->next;
	return array;
}

static teg_status new_array(struct teg_txn *txn, const char *name, const struct schema *schema,
                            uint64_t id, struct txn_array **array_out, teg_error *err)
{
	struct txn_array *array = mem_zalloc(txn->alloc, sizeof *array);
	teg_status status;

	if (!array)
		return no_memory(err);
	memcpy(array->name, name, strlen(name) + 1);
	array->schema = schema;
	array->id = id;
	order_init(&array->order, schema);
	status = rows_init(&array->appended, schema, txn->alloc, err);
	if (status == TEG_OK)
		status = rows_init(&array->named, schema, txn->alloc, err);
	if (status != TEG_OK) {
		free_array(txn, array);
		return status;
	}
	array->appended.implicit_ids = schema->kind == TEG_TABLE;
	if (txn->last_array)
		txn->last_array->next = array;
	else
		txn->arrays = array;
	txn->last_array = array;
	txn->n_arrays++;
	*array_out = array;
	return TEG_OK;
}

teg_status txn_array(struct teg_txn *txn, const char *name, struct txn_array **array_out,
                     teg_error *err)
{
	struct array_state state;

	*array_out = find(txn, name);
	if (*array_out)
		return TEG_OK;
	TEG_TRY(name_check(name, "array", err));
	TEG_TRY(version_array(txn->base, name, &txn->arena, &state, err));
	return new_array(txn, name, state.schema, state.id, array_out, err);
}

teg_status txn_add_array(struct teg_txn *txn, const char *name, const struct schema *schema,
                         struct txn_array **array_out, teg_error *err)
{
	uint64_t id;

	if (find(txn, name)) {
		teg_fail(err, TEG_EXISTS, "array '%s' is declared already", name);
		return error_in_array(err, TEG_EXISTS, name);
	}
	TEG_TRY(array_new_id(txn->base, name, &id, err));
	TEG_TRY(new_array(txn, name, schema, id, array_out, err));
	(*array_out)->creating = true;
	return TEG_OK;
}

teg_status txn_interval(const struct txn_array *array, const teg_put_options *options,
                        int64_t *from_out, int64_t *until_out, teg_error *err)
{
	bool given = options && (options->valid_from || options->valid_until);

	*from_out = INT64_MIN;
	*until_out = INT64_MAX;
	if (!given)
		return TEG_OK;
	if (!array->schema->valid_time)
		return teg_fail(err, TEG_MISUSE, "array '%s' has no valid time", array->name);
	if (options->valid_from >= options->valid_until)
		return teg_fail(err, TEG_SCHEMA,
		                "the valid interval is empty: it ends at %lld and starts at %lld",
		                (long long)options->valid_until, (long long)options->valid_from);
	*from_out = options->valid_from;
	*until_out = options->valid_until;
	return TEG_OK;
}
