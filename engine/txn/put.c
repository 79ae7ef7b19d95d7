#include <string.h>
#include "codec/base/checked.h"
#include "engine/arrow/import.h"
#include "engine/txn/txn.h"

static bool known_options(const teg_put_options *options)
{
	return !options || options->struct_size <= sizeof *options;
}

/* Shorter structs of older callers become whole ones. */
static const teg_put_options *whole(const teg_put_options *options, teg_put_options *room)
{
	if (!options)
		return NULL;
	memset(room, 0, sizeof *room);
	memcpy(room, options, size_min(options->struct_size, sizeof *room));
	return room;
}

static teg_status stage(struct teg_txn *txn, struct txn_array *array, const teg_column *columns,
                        size_t n_columns, size_t n_rows, const teg_put_options *options,
                        bool tombstones, teg_error *err)
{
	struct stage_options how = { options, tombstones, txn->store->max_value_len };
	struct rows *rows = stage_appends(array->schema, &how) ? &array->appended : &array->named;
	teg_status status = stage_columns(rows, columns, n_columns, n_rows, &how, err);

	if (status == TEG_OK && n_rows)
		txn_drop_parts(array);
	return status == TEG_OK ? status : error_in_array(err, status, array->name);
}

teg_status teg_txn_put(teg_txn *txn, const char *array, const teg_column *columns, size_t n_columns,
                       size_t n_rows, const teg_put_options *options, teg_error *err)
{
	teg_put_options room;
	struct txn_array *to;

	if (!txn || !array || (n_columns && !columns) || !known_options(options))
		return teg_fail(err, TEG_MISUSE,
		                "teg_txn_put needs a transaction, an array and columns");
	TEG_TRY(txn_array(txn, array, &to, err));
	return stage(txn, to, columns, n_columns, n_rows, whole(options, &room), false, err);
}

teg_status teg_txn_delete(teg_txn *txn, const char *array, const teg_column *columns,
                          size_t n_columns, size_t n_rows, const teg_put_options *options,
                          teg_error *err)
{
	teg_put_options room;
	struct txn_array *to;

	if (!txn || !array || (n_columns && !columns) || !known_options(options))
		return teg_fail(err, TEG_MISUSE,
		                "teg_txn_delete needs a transaction, an array and keys");
	TEG_TRY(txn_array(txn, array, &to, err));
	return stage(txn, to, columns, n_columns, n_rows, whole(options, &room), true, err);
}

teg_status teg_txn_put_arrow(teg_txn *txn, const char *array, const struct ArrowSchema *schema,
                             const struct ArrowArray *batch, const teg_put_options *options,
                             teg_error *err)
{
	struct imported in;
	teg_status status;

	if (!txn || !array || !schema || !batch)
		return teg_fail(
			err, TEG_MISUSE,
			"teg_txn_put_arrow needs a transaction, an array, a schema and a batch");
	status = import_batch(schema, batch, txn->alloc, &in, err);
	if (status != TEG_OK)
		return error_in_array(err, status, array);
	status = teg_txn_put(txn, array, in.columns, in.n_columns, in.n_rows, options, err);
	import_release(&in);
	return status;
}

static teg_status stream_failed(struct ArrowArrayStream *stream, int code, teg_error *err)
{
	const char *why = stream->get_last_error ? stream->get_last_error(stream) : NULL;

	return teg_fail(err, TEG_IO, "the Arrow stream failed with code %d: %s", code,
	                why ? why : "no reason given");
}

static teg_status put_batches(teg_txn *txn, const char *array, struct ArrowArrayStream *stream,
                              const struct ArrowSchema *schema, const teg_put_options *options,
                              uint64_t *n_rows, teg_error *err)
{
	/* Columns are checked even where no row comes. */
	struct ArrowArray batch;
	int code;

	while ((code = stream->get_next(stream, &batch)) == 0 && batch.release) {
		teg_status status = teg_txn_put_arrow(txn, array, schema, &batch, options, err);

		*n_rows += status == TEG_OK ? (uint64_t)batch.length : 0;
		batch.release(&batch);
		if (status != TEG_OK) {
			if (err && err->row >= 0)
				err->row += (int64_t)*n_rows;
			return status;
		}
	}
	return code ? stream_failed(stream, code, err) : TEG_OK;
}

teg_status teg_txn_put_stream(teg_txn *txn, const char *array, struct ArrowArrayStream *stream,
                              const teg_put_options *options, uint64_t *n_rows_out, teg_error *err)
{
	struct ArrowSchema schema;
	uint64_t n_rows = 0;
	teg_status status;
	int code;

	if (!txn || !array || !stream || !stream->release)
		return teg_fail(err, TEG_MISUSE,
		                "teg_txn_put_stream needs a transaction, an array and a stream");
	code = stream->get_schema(stream, &schema);
	if (code) {
		status = stream_failed(stream, code, err);
	} else {
		status = put_batches(txn, array, stream, &schema, options, &n_rows, err);
		schema.release(&schema);
	}
	stream->release(stream);
	if (n_rows_out)
		*n_rows_out = n_rows;
	return status;
}
