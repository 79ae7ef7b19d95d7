#include "bench/glue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/glue_internal.h"
#include "bench/sum.h"

#define MAX_NAMES 64

struct glue {
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
	int64_t as_of;    /* system time; 0: current */
	int64_t valid_at; /* 0: at any time */
};

/* Names separated by commas, cut in a copy. */
struct names {
	char *text;
	const char *at[MAX_NAMES];
	size_t n;
};

static void split(const char *list, struct names *names)
{
	char *rest = NULL;

	names->n = 0;
	names->text = list ? strdup(list) : NULL;
	if (!names->text)
		return;
	for (char *word = strtok_r(names->text, ",", &rest); word && names->n < MAX_NAMES;
	     word = strtok_r(NULL, ",", &rest))
		names->at[names->n++] = word;
}

/* ---- opening ---- */

static teg_status open_all(struct glue *glue, const char *path, const char *array,
                           teg_create create, size_t cache, int mapped, teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .cache_budget = cache,
		                      .map_files = mapped != 0 };
	teg_status s = teg_store_open(path, &options, &glue->store, err);

	if (!s && array)
		s = teg_snapshot_open(glue->store, &glue->snapshot, err);
	if (!s && array)
		s = teg_array_open(glue->snapshot, array, &glue->array, err);
	return s;
}

static void close_all(struct glue *glue)
{
	teg_array_close(glue->array);
	teg_snapshot_close(glue->snapshot);
	teg_store_close(glue->store);
	memset(glue, 0, sizeof *glue);
}

int glue_open(const char *path, const char *array, size_t cache, int mapped, struct glue **out)
{
	struct glue *glue = calloc(1, sizeof *glue);
	teg_error err = { 0 };

	if (!glue)
		return -1;
	if (open_all(glue, path, array, TEG_CREATE_NO, cache, mapped, &err)) {
		close_all(glue);
		free(glue);
		return glue_fail(&err);
	}
	*out = glue;
	return 0;
}

void glue_close(struct glue *glue)
{
	if (!glue)
		return;
	close_all(glue);
	free(glue);
}

teg_array *glue_array(const struct glue *glue)
{
	return glue->array;
}

int glue_time_open(const char *path, const char *array, size_t repeats, uint64_t *ns_out)
{
	for (size_t i = 0; i < repeats; i++) {
		struct glue glue = { 0 };
		teg_error err = { 0 };
		uint64_t start = glue_now_ns();
		teg_status s = open_all(&glue, path, array, TEG_CREATE_NO, 0, 0, &err);

		close_all(&glue);
		ns_out[i] = glue_now_ns() - start;
		if (s)
			return glue_fail(&err);
	}
	return 0;
}

/* ---- writing ---- */

static teg_status create(teg_txn *txn, const char *array, int kind, int profile,
                         const struct names *dims, const char *key, struct ArrowArrayStream *stream,
                         teg_error *err)
{
	teg_dimension dimensions[MAX_NAMES] = { 0 };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = (teg_kind)kind,
		          .profile = (teg_profile)profile,
		          .dimensions = dims->n ? dimensions : NULL,
		          .n_dimensions = dims->n,
		          .key = key };
	struct ArrowSchema schema;
	teg_status s;

	for (size_t i = 0; i < dims->n; i++)
		dimensions[i].name = dims->at[i];
	if (stream->get_schema(stream, &schema))
		return TEG_IO;
	s = teg_txn_create_from_arrow(txn, array, &spec, &schema, NULL, err);
	schema.release(&schema);
	return s;
}

int glue_import(const char *path, const char *array, int kind, int profile, const char *dims,
                const char *key, struct ArrowArrayStream *stream, uint64_t *bytes_out)
{
	struct glue glue = { 0 };
	struct names names;
	teg_txn *txn = NULL;
	teg_error err = { 0 };
	teg_commit_result result = { .struct_size = sizeof result };
	uint64_t rows;
	teg_status s = open_all(&glue, path, NULL, TEG_CREATE_IF_MISSING, 0, 0, &err);

	split(dims, &names);
	if (!s)
		s = teg_txn_begin(glue.store, NULL, &txn, &err);
	if (!s)
		s = create(txn, array, kind, profile, &names, key, stream, &err);
	if (!s)
		s = teg_txn_put_stream(txn, array, stream, NULL, &rows, &err);
	if (!s)
		s = teg_txn_commit(txn, &result, &err);
	if (s)
		teg_txn_abort(txn);
	if (bytes_out)
		*bytes_out = result.n_bytes;
	free(names.text);
	close_all(&glue);
	return s ? glue_fail(&err) : 0;
}

int glue_append(struct glue *glue, const char *array, struct ArrowArrayStream *stream,
                const char *row_ids, int64_t *time_out)
{
	teg_put_options options = { .struct_size = sizeof options, .row_id_column = row_ids };
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn = NULL;
	teg_error err = { 0 };
	uint64_t rows;
	teg_status s = teg_txn_begin(glue->store, NULL, &txn, &err);

	if (!s)
		s = teg_txn_put_stream(txn, array, stream, &options, &rows, &err);
	if (!s)
		s = teg_txn_commit(txn, &result, &err);
	if (s)
		teg_txn_abort(txn);
	if (time_out)
		*time_out = result.system_time;
	return s ? glue_fail(&err) : 0;
}

int glue_delete(struct glue *glue, const char *array, const int64_t *row_ids, size_t n)
{
	teg_column column = { .name = "row_id", .values = row_ids };
	teg_txn *txn = NULL;
	teg_error err = { 0 };
	teg_status s = teg_txn_begin(glue->store, NULL, &txn, &err);

	if (!s)
		s = teg_txn_delete(txn, array, &column, 1, n, NULL, &err);
	if (!s)
		s = teg_txn_commit(txn, NULL, &err);
	if (s)
		teg_txn_abort(txn);
	return s ? glue_fail(&err) : 0;
}

int glue_compact(struct glue *glue)
{
	teg_error err = { 0 };

	return teg_compact(glue->store, NULL, NULL, &err) ? glue_fail(&err) : 0;
}

void glue_as_of(struct glue *glue, int64_t system_time)
{
	glue->as_of = system_time;
}

void glue_valid_at(struct glue *glue, int64_t valid_at)
{
	glue->valid_at = valid_at;
}

/* ---- reading ---- */

static teg_status open_scan(struct glue *glue, const struct names *columns, const int64_t *lo,
                            const int64_t *hi, const char *where, teg_scan **scan_out,
                            teg_error *err)
{
	teg_range box[TEG_MAX_DIMENSIONS];
	teg_predicate *predicate = NULL;
	size_t n = teg_array_spec(glue->array)->n_dimensions;
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns->n ? columns->at : NULL,
		                     .n_columns = columns->n,
		                     .box = lo ? box : NULL,
		                     .mode = glue->as_of ? TEG_SCAN_AS_OF : TEG_SCAN_CURRENT,
		                     .system_time = glue->as_of,
		                     .valid_mode = glue->valid_at ? TEG_VALID_AT : TEG_VALID_ANY,
		                     .valid_at = glue->valid_at };
	teg_status s = TEG_OK;

	for (size_t i = 0; lo && i < n; i++)
		box[i] = (teg_range){ .lo = { .type = TEG_INT64, .as.i = lo[i] },
			              .hi = { .type = TEG_INT64, .as.i = hi[i] } };
	if (where)
		s = teg_predicate_parse(where, NULL, &predicate, err);
	options.predicate = predicate;
	if (!s)
		s = teg_scan_open(glue->array, &options, scan_out, err);
	teg_predicate_free(predicate);
	return s;
}

int glue_scan(struct glue *glue, const char *columns, const int64_t *lo, const int64_t *hi,
              const char *where, struct ArrowArrayStream *stream_out)
{
	struct names names;
	teg_scan *scan = NULL;
	teg_error err = { 0 };
	teg_status s;

	split(columns, &names);
	s = open_scan(glue, &names, lo, hi, where, &scan, &err);
	if (!s)
		s = teg_scan_stream(scan, stream_out, &err);
	free(names.text);
	return s ? glue_fail(&err) : 0;
}

static teg_status drain(teg_scan *scan, uint64_t *rows_out, uint64_t *sum_out, teg_error *err)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_status s = teg_scan_schema(scan, &schema, err);

	if (s)
		return s;
	*rows_out = *sum_out = 0;
	while ((s = teg_scan_next(scan, &batch, err)) == TEG_OK) {
		*rows_out += (uint64_t)batch.length;
		*sum_out += sum_batch(&schema, &batch);
		batch.release(&batch);
	}
	schema.release(&schema);
	return s == TEG_END ? TEG_OK : s;
}

int glue_time_scan(struct glue *glue, const char *columns, const int64_t *lo, const int64_t *hi,
                   const char *where, size_t repeats, uint64_t *ns_out, uint64_t *rows_out,
                   uint64_t *sum_out)
{
	struct names names;
	teg_error err = { 0 };
	teg_status s = TEG_OK;

	split(columns, &names);
	for (size_t i = 0; i < repeats && !s; i++) {
		uint64_t start = glue_now_ns();
		teg_scan *scan = NULL;

		s = open_scan(glue, &names, lo, hi, where, &scan, &err);
		if (!s)
			s = drain(scan, rows_out, sum_out, &err);
		teg_scan_close(scan);
		ns_out[i] = glue_now_ns() - start;
	}
	free(names.text);
	return s ? glue_fail(&err) : 0;
}

static teg_status take(struct glue *glue, const int64_t *ordinals, size_t n,
                       const struct names *names, struct ArrowSchema *schema_out,
                       struct ArrowArray *batch_out, teg_error *err)
{
	return teg_take(glue->array, ordinals, n, names->n ? names->at : NULL, names->n, NULL,
	                schema_out, batch_out, err);
}

int glue_take(struct glue *glue, const int64_t *ordinals, size_t n, const char *columns,
              struct ArrowSchema *schema_out, struct ArrowArray *batch_out)
{
	struct names names;
	teg_error err = { 0 };
	teg_status s;

	split(columns, &names);
	s = take(glue, ordinals, n, &names, schema_out, batch_out, &err);
	free(names.text);
	return s ? glue_fail(&err) : 0;
}

int glue_time_take(struct glue *glue, const int64_t *ordinals, size_t n, const char *columns,
                   size_t repeats, uint64_t *ns_out)
{
	struct names names;
	teg_error err = { 0 };
	teg_status s = TEG_OK;

	split(columns, &names);
	for (size_t i = 0; i < repeats && !s; i++) {
		uint64_t start = glue_now_ns();
		struct ArrowSchema schema;
		struct ArrowArray batch;

		s = take(glue, ordinals + i * n, n, &names, &schema, &batch, &err);
		if (!s) {
			sum_batch(&schema, &batch);
			schema.release(&schema);
			batch.release(&batch);
		}
		ns_out[i] = glue_now_ns() - start;
	}
	free(names.text);
	return s ? glue_fail(&err) : 0;
}

static teg_status find(struct glue *glue, const teg_value *key, struct ArrowSchema *schema_out,
                       struct ArrowArray *batch_out, teg_error *err)
{
	uint64_t n;

	return teg_find(glue->array, key, NULL, 0, NULL, &n, schema_out, batch_out, err);
}

static teg_value text_value(const char *text, size_t len)
{
	teg_value value = { .type = TEG_UTF8 };

	value.as.bytes.at = text;
	value.as.bytes.len = len;
	return value;
}

static teg_value number_value(int64_t number)
{
	return (teg_value){ .type = TEG_INT64, .as.i = number };
}

int glue_find(struct glue *glue, int64_t number, const char *text, struct ArrowSchema *schema_out,
              struct ArrowArray *batch_out)
{
	teg_value key = text ? text_value(text, strlen(text)) : number_value(number);
	teg_error err = { 0 };

	return find(glue, &key, schema_out, batch_out, &err) ? glue_fail(&err) : 0;
}

int glue_time_find(struct glue *glue, const int64_t *numbers, const char *texts, size_t n,
                   uint64_t *ns_out)
{
	teg_error err = { 0 };

	for (size_t i = 0; i < n; i++) {
		size_t len = texts ? strcspn(texts, ",") : 0;
		teg_value key = texts ? text_value(texts, len) : number_value(numbers[i]);
		uint64_t start = glue_now_ns();
		struct ArrowSchema schema;
		struct ArrowArray batch;

		if (find(glue, &key, &schema, &batch, &err))
			return glue_fail(&err);
		sum_batch(&schema, &batch);
		schema.release(&schema);
		batch.release(&batch);
		ns_out[i] = glue_now_ns() - start;
		texts = texts ? texts + len + 1 : NULL;
	}
	return 0;
}

uint64_t glue_sum(const void *buffer, size_t len)
{
	return sum_bytes(buffer, len);
}
