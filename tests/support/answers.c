#include "tests/support/answers.h"
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "codec/base/error.h"
#include "tests/support/show.h"

static void add(struct answers *out, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(out->text + out->len, sizeof out->text - out->len, format, arguments);
	va_end(arguments);
	cr_assert(n >= 0 && (size_t)n < sizeof out->text - out->len, "too many answers");
	out->len += (size_t)n;
}

/* ---- scans ---- */

static teg_status add_scan(struct answers *out, teg_scan *scan, teg_error *err)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_status status = teg_scan_schema(scan, &schema, err);

	if (status != TEG_OK)
		return status;
	while ((status = teg_scan_next(scan, &batch, err)) == TEG_OK) {
		add(out, " %s;", show_batch(&schema, &batch));
		batch.release(&batch);
	}
	schema.release(&schema);
	return status == TEG_END ? TEG_OK : status;
}

/* Not what is too long to print. */
static size_t pick_columns(teg_array *array)
{
	const teg_spec *spec = teg_array_spec(array);

	return !strcmp(spec->attributes[spec->n_attributes - 1].name, ANSWERS_LONG) ? 1 : 0;
}

static teg_status ask_scan(teg_array *array, const char *what, teg_scan_options options,
                           struct answers *out, teg_error *err)
{
	teg_scan *scan;
	teg_status status;

	options.n_columns = pick_columns(array);
	options.columns = options.n_columns ? &teg_array_spec(array)->attributes[0].name : NULL;
	status = teg_scan_open(array, &options, &scan, err);

	add(out, "%s:", what);
	if (status == TEG_BEYOND_HORIZON) {
		add(out, " beyond\n");
		return TEG_OK;
	}
	if (status != TEG_OK)
		return status;
	status = add_scan(out, scan, err);
	teg_scan_close(scan);
	add(out, "\n");
	return status;
}

static teg_status ask_as_of(teg_array *array, struct answers *out, teg_error *err)
{
	teg_scan_options options = { .struct_size = sizeof options, .mode = TEG_SCAN_AS_OF };
	char what[40];

	for (int i = 1; i <= ANSWERS_TIMES; i++) {
		options.system_time = 1000 * i;
		options.valid_mode = TEG_VALID_ANY;
		snprintf(what, sizeof what, "at %d", 1000 * i);
		TEG_TRY(ask_scan(array, what, options, out, err));
		if (!teg_array_spec(array)->valid_time)
			continue;
		options.valid_mode = TEG_VALID_AT;
		options.valid_at = 15;
		TEG_TRY(ask_scan(array, "at 15", options, out, err));
	}
	return TEG_OK;
}

static teg_status ask_ranges(teg_array *array, struct answers *out, teg_error *err)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .mode = TEG_SCAN_SYSTEM_RANGE,
		                     .times = true,
		                     .system_time = 1500,
		                     .system_end = 4000 };

	TEG_TRY(ask_scan(array, "range", options, out, err));
	options.mode = TEG_SCAN_CHANGES;
	return ask_scan(array, "changes", options, out, err);
}

/* ---- one call, one batch ---- */

static void add_batch(struct answers *out, const char *what, struct ArrowSchema *schema,
                      struct ArrowArray *batch)
{
	add(out, "%s: %s\n", what, show_batch(schema, batch));
	schema->release(schema);
	batch->release(batch);
}

static teg_read_options now_of(teg_array *array)
{
	return (teg_read_options){ .struct_size = sizeof(teg_read_options),
		                   .has_valid_at = teg_array_spec(array)->valid_time,
		                   .valid_at = 15 };
}

static teg_status ask_get(teg_array *array, int64_t x, struct answers *out, teg_error *err)
{
	teg_value key[] = { { TEG_INT64, { .i = x } }, { TEG_INT64, { .i = x } } };
	teg_read_options options = now_of(array);
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_outcome outcome;

	TEG_TRY(teg_get(array, key, teg_array_spec(array)->n_dimensions, &options, &outcome,
	                &schema, &batch, err));
	add(out, "get %d: outcome %d\n", (int)x, (int)outcome);
	if (batch.release)
		add_batch(out, "cell", &schema, &batch);
	return TEG_OK;
}

static teg_status ask_points(teg_array *array, struct answers *out, teg_error *err)
{
	for (int64_t x = 0; x < 5; x++)
		TEG_TRY(ask_get(array, x, out, err));
	return TEG_OK;
}

static teg_status ask_aggregate(teg_array *array, struct answers *out, teg_error *err)
{
	teg_read_options now = now_of(array);
	teg_scan_options scan = { .struct_size = sizeof scan,
		                  .valid_mode = now.has_valid_at ? TEG_VALID_AT : TEG_VALID_ANY,
		                  .valid_at = now.valid_at };
	const teg_measure measures[] = { { TEG_COUNT, NULL },
		                         { TEG_MAX, teg_array_spec(array)->attributes[0].name } };
	struct ArrowSchema schema;
	struct ArrowArray batch;

	TEG_TRY(teg_aggregate(array, measures, 2, NULL, &scan, &schema, &batch, err));
	add_batch(out, "aggregate", &schema, &batch);
	return TEG_OK;
}

static teg_status next_of_stream(struct ArrowArrayStream *stream, struct answers *out)
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	int code = stream->get_schema(stream, &schema);

	if (code)
		return code == 12 ? TEG_NOMEM : TEG_IO;
	while (!(code = stream->get_next(stream, &batch)) && batch.release) {
		add(out, " %s;", show_batch(&schema, &batch));
		batch.release(&batch);
	}
	schema.release(&schema);
	return !code ? TEG_OK : code == 12 ? TEG_NOMEM : TEG_IO;
}

/* The array now, less itself at 2000. */
static teg_status ask_elementwise(teg_array *array, struct answers *out, teg_error *err)
{
	const teg_spec *spec = teg_array_spec(array);
	const char *column = spec->attributes[0].name;
	teg_read_options now = now_of(array);
	teg_scan_options sides[2] = {
		{ .struct_size = sizeof *sides,
		  .valid_mode = now.has_valid_at ? TEG_VALID_AT : TEG_VALID_ANY,
		  .valid_at = now.valid_at },
	};
	teg_elementwise_options options = { .struct_size = sizeof options,
		                            .left = &sides[0],
		                            .right = &sides[1] };
	teg_term term = { .op = TEG_SUBTRACT, .left = column, .right = column, .name = "d" };
	struct ArrowArrayStream stream;
	teg_status status;

	if (spec->cells == TEG_CELLS_REPEATED)
		return TEG_OK;
	sides[1] = sides[0];
	sides[1].mode = TEG_SCAN_AS_OF;
	sides[1].system_time = 2000;
	status = teg_elementwise(array, array, &term, 1, &options, &stream, err);
	add(out, "elementwise:");
	if (status == TEG_BEYOND_HORIZON) {
		add(out, " beyond\n");
		return TEG_OK;
	}
	TEG_TRY(status);
	status = next_of_stream(&stream, out);
	stream.release(&stream);
	add(out, "\n");
	return status == TEG_OK ? TEG_OK : teg_fail(err, status, "a stream ended early");
}

/* ---- of one kind ---- */

static teg_status ask_table(teg_array *array, struct answers *out, teg_error *err)
{
	const teg_spec *spec = teg_array_spec(array);
	teg_read_options now = now_of(array);
	teg_value key = { TEG_INT64, { .i = 3 } };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	int64_t ordinals[] = { 1, 0, 1 };
	uint64_t n;

	TEG_TRY(teg_count_live(array, &now, &n, err));
	add(out, "live: %d\n", (int)n);
	if (n > 1) {
		TEG_TRY(teg_take(array, ordinals, 3, &spec->attributes[0].name, pick_columns(array),
		                 &now, &schema, &batch, err));
		add_batch(out, "take", &schema, &batch);
	}
	if (!spec->key)
		return TEG_OK;
	TEG_TRY(teg_find(array, &key, NULL, 0, &now, &n, &schema, &batch, err));
	add_batch(out, "find", &schema, &batch);
	return TEG_OK;
}

static teg_status ask_dense(teg_array *array, struct answers *out, teg_error *err)
{
	teg_slice every_other = { .has_start = false, .step = -2 };
	teg_slice slices[] = { every_other, every_other };
	teg_read_options now = now_of(array);
	int64_t values[64] = { 0 };
	uint8_t mask[64] = { 0 };
	teg_buffer buffer = { .name = teg_array_spec(array)->attributes[0].name,
		              .values = values,
		              .values_len = sizeof values };
	size_t n_axes, n = 1;
	uint64_t shape[TEG_MAX_DIMENSIONS];

	TEG_TRY(teg_array_shape(array, slices, 2, &n_axes, shape, err));
	for (size_t i = 0; i < n_axes; i++)
		n *= shape[i];
	TEG_TRY(teg_read_slice(array, slices, 2, &buffer, 1, mask, &now, err));
	add(out, "slice:");
	for (size_t i = 0; i < n; i++)
		add(out, " %d%s", (int)values[i], mask[i] ? "" : "-");
	add(out, "\n");
	return TEG_OK;
}

static void add_spec(struct answers *out, const teg_array *array)
{
	const teg_spec *spec = teg_array_spec(array);

	add(out, "array %s, %d rules, %d metadata%s:", teg_array_name(array), (int)spec->n_checks,
	    (int)spec->n_metadata, spec->key_unique ? ", unique" : "");
	for (size_t i = 0; i < spec->n_attributes; i++)
		add(out, " %s %d", spec->attributes[i].name, (int)spec->attributes[i].type.type);
	for (size_t i = 0; i < spec->n_dimensions; i++)
		add(out, " [%d]", (int)spec->dimensions[i].hi.as.i);
	add(out, "\n");
}

static teg_status ask_array(teg_array *array, struct answers *out, teg_error *err)
{
	teg_kind kind = teg_array_spec(array)->kind;

	add_spec(out, array);
	TEG_TRY(ask_scan(array, "now",
	                 (teg_scan_options){ .struct_size = sizeof(teg_scan_options) }, out, err));
	TEG_TRY(ask_as_of(array, out, err));
	TEG_TRY(ask_ranges(array, out, err));
	if (!pick_columns(array))
		TEG_TRY(ask_points(array, out, err));
	TEG_TRY(ask_aggregate(array, out, err));
	TEG_TRY(ask_elementwise(array, out, err));
	if (kind == TEG_TABLE)
		return ask_table(array, out, err);
	return kind == TEG_DENSE ? ask_dense(array, out, err) : TEG_OK;
}

teg_status answers_read(teg_store *store, struct answers *out, teg_error *err)
{
	char name[256], after[256];
	teg_snapshot *snapshot;
	teg_status status;

	*out = (struct answers){ 0 };
	TEG_TRY(teg_snapshot_open(store, &snapshot, err));
	status = teg_snapshot_next_array(snapshot, NULL, name, err);
	while (status == TEG_OK) {
		teg_array *array;

		status = teg_array_open(snapshot, name, &array, err);
		if (status != TEG_OK)
			break;
		status = ask_array(array, out, err);
		teg_array_close(array);
		memcpy(after, name, sizeof after);
		if (status == TEG_OK)
			status = teg_snapshot_next_array(snapshot, after, name, err);
	}
	teg_snapshot_close(snapshot);
	return status == TEG_END ? TEG_OK : status;
}
