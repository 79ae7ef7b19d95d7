/* Find by key: the rows that hold one value of the table's key attribute.
 *
 *   code of the value ──key indexes of all segments──> ids that may hold it ──resolved scan──> rows
 *
 * Indexes name rows of any version; what holds at (S, V) the scan decides, as for every reader.
 */
#include "engine/scan/scan.h"
#include "codec/base/sort.h"
#include "engine/schema/key.h"
#include <string.h>

#define NEAR_IDS 1024 /* ids so close together are read as one range */

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to find a key");
}

/* ---- the ids ---- */

static teg_status look_in_segments(struct teg_array *array, uint64_t code, struct column_buf *ids,
                                   teg_error *err)
{
	struct tile_reader reader;
	teg_status status = tile_reader_init(&reader, array->arena.alloc, err);

	for (uint32_t i = 0; i < array->state.n_segments && status == TEG_OK; i++) {
		struct segment *segment;

		status = array_segment(array, i, &segment, err);
		if (status == TEG_OK)
			status = segment_find_key(segment, code, &reader, ids, err);
	}
	tile_reader_release(&reader);
	return status;
}

/* ---- the rows ---- */

static teg_status gather_rows(struct teg_scan *scan, int64_t *ids, size_t n,
                              struct ArrowArray *batch_out, teg_error *err)
{
	TEG_TRY(scan_begin_batch(scan, err));
	if (!sort_array(scan->alloc, ids, n, sizeof *ids, sort_i64_swapped, NULL))
		return teg_fail(err, TEG_NOMEM, "no memory to sort the rows found");
	for (size_t i = 0, k; i < n; i = k) {
		struct box box = { .lo = { lane_of_i64(ids[i]) } };

		for (k = i + 1; k < n && ids[k] - ids[k - 1] <= NEAR_IDS; k++)
			;
		box.hi[0] = lane_of_i64(ids[k - 1]);
		TEG_TRY(scan_gather_box(scan, &box, err));
	}
	return scan_export_batch(scan, batch_out, err);
}

struct finding {
	struct teg_array *array;
	const teg_value *key;
	uint64_t code;
	teg_scan_options options;
	const char **columns; /* made here where the caller gave none */
	size_t n_columns;
};

static teg_status check_key(struct finding *f, teg_error *err)
{
	const struct field *field = f->array->state.schema->key;
	struct span bytes;
	uint8_t room[16];

	if (!field)
		return teg_fail(err, TEG_MISUSE, "array '%s' has no key attribute",
		                f->array->state.name);
	if (!f->key->type || !value_bytes(field, f->key, room, &bytes)) {
		teg_fail(err, TEG_MISUSE, "the value does not fit the key '%s'", field->name);
		return error_in_column(err, TEG_MISUSE, field->name);
	}
	f->code = key_code(field, bytes);
	return TEG_OK;
}

/* Row ids first, then every attribute. */
static teg_status choose_columns(struct finding *f, teg_error *err)
{
	const struct schema *schema = f->array->state.schema;

	if (f->options.columns)
		return TEG_OK;
	f->n_columns = (size_t)schema->n_attrs + 1;
	f->columns = mem_array(f->array->arena.alloc, f->n_columns, sizeof *f->columns);
	if (!f->columns)
		return no_memory(err);
	f->columns[0] = schema->dims[0].name;
	for (uint32_t i = 0; i < schema->n_attrs; i++)
		f->columns[i + 1] = schema->attrs[i].name;
	f->options.columns = f->columns;
	f->options.n_columns = f->n_columns;
	return TEG_OK;
}

static teg_status open_scan(struct finding *f, struct teg_scan **scan_out, teg_error *err)
{
	const struct schema *schema = f->array->state.schema;
	const teg_allocator *alloc = f->array->arena.alloc;
	teg_predicate *is_key = NULL;
	teg_status status;

	TEG_TRY(teg_predicate_compare(schema->key->name, TEG_EQ, f->key, alloc, &is_key, err));
	f->options.predicate = is_key;
	f->options.batch_rows = UINT32_MAX;
	status = teg_scan_open(f->array, &f->options, scan_out, err);
	teg_predicate_free(is_key);
	return status;
}

static teg_status find_rows(struct finding *f, struct teg_scan *scan, struct ArrowArray *batch_out,
                            teg_error *err)
{
	struct column_buf ids;
	teg_status status;

	column_buf_init(&ids, COLUMN_FIXED, 8, f->array->arena.alloc);
	status = look_in_segments(f->array, f->code, &ids, err);
	if (status == TEG_OK)
		status = gather_rows(scan, (int64_t *)(void *)ids.values, ids.n, batch_out, err);
	column_buf_release(&ids);
	return status;
}

static teg_status find(struct finding *f, uint64_t *n_out, struct ArrowSchema *schema_out,
                       struct ArrowArray *batch_out, teg_error *err)
{
	struct teg_scan *scan = NULL;
	teg_status status;

	TEG_TRY(check_key(f, err));
	status = choose_columns(f, err);
	if (status == TEG_OK)
		status = open_scan(f, &scan, err);
	if (status == TEG_OK)
		status = find_rows(f, scan, batch_out, err);
	if (status == TEG_OK)
		*n_out = (uint64_t)batch_out->length;
	if (status == TEG_OK)
		status = teg_scan_schema(scan, schema_out, err);
	teg_scan_close(scan);
	mem_free(f->array->arena.alloc, (void *)f->columns, f->n_columns * sizeof *f->columns);
	if (status != TEG_OK && batch_out->release)
		batch_out->release(batch_out);
	return status;
}

static teg_status take_options(struct finding *f, const teg_read_options *options, teg_error *err)
{
	struct view view;

	TEG_TRY(read_view(f->array, options, &view, err));
	if (!options)
		return TEG_OK;
	f->options.mode = options->mode;
	f->options.system_time = options->system_time;
	f->options.version = options->version;
	f->options.valid_mode = options->has_valid_at ? TEG_VALID_AT : TEG_VALID_ANY;
	f->options.valid_at = options->valid_at;
	return TEG_OK;
}

teg_status teg_find(teg_array *array, const teg_value *key, const char *const *columns,
                    size_t n_columns, const teg_read_options *options, uint64_t *n_out,
                    struct ArrowSchema *schema_out, struct ArrowArray *batch_out, teg_error *err)
{
	struct finding f = { .array = array, .key = key };
	teg_status status;

	if (!array || !key || !n_out || !schema_out || !batch_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_find needs an array, a key and places for the answer");
	memset(schema_out, 0, sizeof *schema_out);
	memset(batch_out, 0, sizeof *batch_out);
	*n_out = 0;
	f.options = (teg_scan_options){ .struct_size = sizeof f.options,
		                        .columns = columns,
		                        .n_columns = n_columns };
	status = take_options(&f, options, err);
	if (status == TEG_OK)
		status = find(&f, n_out, schema_out, batch_out, err);
	return status == TEG_OK ? status : error_in_array(err, status, array->state.name);
}
