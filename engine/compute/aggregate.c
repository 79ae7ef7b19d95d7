#include "engine/compute/aggregate.h"
#include "codec/base/checked.h"
#include "engine/store/options.h"
#include <stdio.h>

#define MEMORY ((size_t)256 << 20)

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for an aggregate");
}

/* ---- what is asked for ---- */

static teg_status check_scan(const struct teg_array *array, const teg_scan_options *o,
                             teg_error *err)
{
	if (o->columns || o->limit || o->times || o->kinds || o->mode > TEG_SCAN_AS_OF_VERSION)
		return teg_fail(err, TEG_MISUSE,
		                "an aggregate takes no columns, limit, times, kinds or ranges of "
		                "system time from its scan");
	if (array->state.schema->valid_time && o->valid_mode != TEG_VALID_AT)
		return teg_fail(err, TEG_MISUSE,
		                "array '%s' has valid time: an aggregate needs a valid_at",
		                array->state.name);
	return TEG_OK;
}

static teg_status find_field(const struct aggregate *a, const char *name,
                             const struct field **field_out, teg_error *err)
{
	const char *shown = name ? name : "";

	*field_out = name ? schema_field(a->array->state.schema, name) : NULL;
	if (*field_out)
		return TEG_OK;
	teg_fail(err, TEG_NOT_FOUND, "array '%s' has no column '%s'", a->array->state.name, shown);
	return error_in_column(err, TEG_NOT_FOUND, shown);
}

static teg_status check_key(const struct field *field, teg_error *err)
{
	char type[96];

	if (!field->n_children)
		return TEG_OK;
	type_name(&field->type, type, sizeof type);
	teg_fail(err, TEG_MISUSE, "column %s: groups cannot be made by %s", field->name, type);
	return error_in_column(err, TEG_MISUSE, field->name);
}

static teg_status choose_groups(struct aggregate *a, const teg_aggregate_options *o, teg_error *err)
{
	const struct field *fields[GROUP_COLUMNS_MAX];

	if (o->n_by > GROUP_COLUMNS_MAX || (o->n_by && !o->by))
		return teg_fail(err, TEG_MISUSE, "%zu columns to group by, at most %d are allowed",
		                o->n_by, GROUP_COLUMNS_MAX);
	for (size_t i = 0; i < o->n_by; i++) {
		TEG_TRY(find_field(a, o->by[i], &fields[i], err));
		TEG_TRY(check_key(fields[i], err));
	}
	groups_init(&a->groups, fields, (uint32_t)o->n_by, a->alloc);
	return TEG_OK;
}

static teg_status choose_tallies(struct aggregate *a, const teg_measure *measures, size_t n,
                                 teg_error *err)
{
	a->tallies = mem_zalloc(a->alloc, n * sizeof *a->tallies);
	a->column_of = mem_zalloc(a->alloc, n * sizeof *a->column_of);
	a->n_tallies = a->tallies ? n : 0;
	if (!a->tallies || !a->column_of)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		a->tallies[i].function = measures[i].function;
		if (measures[i].column)
			TEG_TRY(find_field(a, measures[i].column, &a->tallies[i].field, err));
		TEG_TRY(tally_init(&a->tallies[i], a->alloc, err));
		if (!a->groups.n_columns)
			TEG_TRY(tally_grow(&a->tallies[i], 1, err));
	}
	return TEG_OK;
}

/* Columns of the scan: those to group by, then each measured one once. Without any, a column that is
 * there to carry the rows. */
static teg_status open_scan(struct aggregate *a, const teg_scan_options *given, teg_error *err)
{
	teg_scan_options o = *given;
	const struct schema *schema = a->array->state.schema;
	const char **names =
		mem_array(a->alloc, a->groups.n_columns + a->n_tallies + 1, sizeof *names);
	size_t n = 0, n_by = a->groups.n_columns;
	teg_status status;

	if (!names)
		return no_memory(err);
	for (; n < n_by; n++)
		names[n] = a->groups.fields[n]->name;
	for (size_t i = 0; i < a->n_tallies; i++) {
		const struct field *field = a->tallies[i].field;
		size_t at = n_by;

		a->column_of[i] = SIZE_MAX;
		if (!field)
			continue;
		while (at < n && strcmp(names[at], field->name) != 0)
			at++;
		names[at] = field->name;
		n += at == n;
		a->column_of[i] = at;
	}
	if (!n)
		names[n++] = (schema->n_dims ? schema->dims : schema->attrs)[0].name;
	o.columns = names;
	o.n_columns = n;
	status = teg_scan_open(a->array, &o, &a->scan, err);
	a->views = status == TEG_OK ? mem_array(a->alloc, n, sizeof *a->views) : NULL;
	mem_free(a->alloc, names, (n_by + a->n_tallies + 1) * sizeof *names);
	return status == TEG_OK && !a->views ? no_memory(err) : status;
}

/* ---- rows ---- */

static teg_status keep_to_budget(const struct aggregate *a, teg_error *err)
{
	size_t size = groups_size(&a->groups);

	for (size_t i = 0; i < a->n_tallies; i++)
		size += tally_size(&a->tallies[i]);
	if (size <= a->memory)
		return TEG_OK;
	return teg_fail(err, TEG_LIMIT, "%zu groups need more than the %zu bytes they may take",
	                a->groups.n, a->memory);
}

static teg_status add_batch(struct aggregate *a, teg_error *err)
{
	const struct batch *batch = a->scan->batch;
	const uint32_t *group = NULL;

	for (uint32_t c = 0; c < batch->n_columns; c++)
		a->views[c] = column_buf_view(&batch->columns[c]);
	if (a->groups.n_columns) {
		TEG_TRY(groups_find(&a->groups, a->views, batch->n_rows, err));
		group = a->groups.of_row;
	}
	for (size_t i = 0; i < a->n_tallies; i++) {
		size_t at = a->column_of[i];

		if (group)
			TEG_TRY(tally_grow(&a->tallies[i], a->groups.n, err));
		TEG_TRY(tally_add(&a->tallies[i], at == SIZE_MAX ? NULL : &a->views[at], group,
		                  batch->n_rows, err));
	}
	return keep_to_budget(a, err);
}

/* The next rows into the scan's batch; the one before is done with. */
static teg_status next_batch(struct teg_scan *scan, teg_error *err)
{
	if (scan->batch)
		batch_give(scan->batch);
	scan->batch = NULL;
	TEG_TRY(scan_begin_batch(scan, err));
	return scan_fill_batch(scan, err);
}

static teg_status add_rows(struct aggregate *a, teg_error *err)
{
	teg_status status;

	TEG_TRY(aggregate_known(a, err));
	while ((status = next_batch(a->scan, err)) == TEG_OK)
		TEG_TRY(add_batch(a, err));
	return status == TEG_END ? TEG_OK : status;
}

/* ---- the result ---- */

static bool name_measure(struct arena *arena, const struct tally *t, struct output *out)
{
	static const char *const names[] = {
		"", "count", "null_count", "sum", "min", "max", "mean"
	};
	const char *column = t->field ? t->field->name : "";
	size_t len = strlen(column) + 16;
	char *name = arena_alloc(arena, len);

	if (!name)
		return false;
	snprintf(name, len, "%s(%s)", names[t->function], column);
	*out = t->output;
	out->name = name;
	return true;
}

static teg_status fill_batch(const struct aggregate *a, const uint32_t *order, uint32_t n,
                             struct batch *batch, teg_error *err)
{
	uint32_t n_by = a->groups.n_columns;

	for (uint32_t c = 0; c < n_by; c++) {
		struct column key = column_buf_view(&a->groups.keys[c]);

		if (column_buf_gather(&batch->columns[c], &key, order, n) != TEG_OK)
			return no_memory(err);
	}
	for (size_t i = 0; i < a->n_tallies; i++)
		TEG_TRY(tally_result(&a->tallies[i], order, n, &batch->columns[n_by + i], err));
	batch->n_rows = n;
	return TEG_OK;
}

static teg_status export(const struct aggregate *a, const struct output *outputs,
                         const uint32_t *order, uint32_t n, struct ArrowSchema *schema_out,
                         struct ArrowArray *batch_out, teg_error *err)
{
	uint32_t n_outputs = a->groups.n_columns + (uint32_t)a->n_tallies;
	struct batch_pool *pool = batch_pool_new(outputs, n_outputs, a->alloc);
	struct batch *batch = pool ? batch_take(pool) : NULL;
	teg_status status = batch ? fill_batch(a, order, n, batch, err) : no_memory(err);

	if (status == TEG_OK)
		status = batch_export_alone(batch, outputs, NULL, 0, schema_out, batch_out, err);
	if (status != TEG_OK && batch)
		batch_give(batch);
	batch_pool_release(pool);
	return status;
}

static teg_status give(const struct aggregate *a, struct ArrowSchema *schema_out,
                       struct ArrowArray *batch_out, teg_error *err)
{
	uint32_t n_by = a->groups.n_columns, n = n_by ? (uint32_t)a->groups.n : 1;
	size_t n_outputs = n_by + a->n_tallies;
	uint32_t *order = mem_zalloc(a->alloc, ((size_t)n + 1) * sizeof *order);
	struct output *outputs;
	struct arena arena;
	teg_status status;

	arena_init(&arena, a->alloc, SIZE_MAX);
	outputs = arena_array(&arena, n_outputs, sizeof *outputs);
	status = order && outputs ? TEG_OK : no_memory(err);
	for (uint32_t c = 0; status == TEG_OK && c < n_by; c++)
		outputs[c] = output_of_field(a->groups.fields[c]);
	for (size_t i = 0; status == TEG_OK && i < a->n_tallies; i++)
		if (!name_measure(&arena, &a->tallies[i], &outputs[n_by + i]))
			status = no_memory(err);
	if (status == TEG_OK && n_by)
		status = groups_sort(&a->groups, order, err);
	if (status == TEG_OK)
		status = export(a, outputs, order, n, schema_out, batch_out, err);
	arena_release(&arena);
	mem_free(a->alloc, order, ((size_t)n + 1) * sizeof *order);
	return status;
}

/* ---- the call ---- */

static void release(struct aggregate *a)
{
	if (a->views)
		mem_free(a->alloc, a->views, a->scan->n_outputs * sizeof *a->views);
	for (size_t i = 0; i < a->n_tallies; i++)
		tally_release(&a->tallies[i]);
	teg_scan_close(a->scan);
	groups_release(&a->groups);
}

static teg_status run(struct aggregate *a, const teg_measure *measures, size_t n,
                      const teg_aggregate_options *o, const teg_scan_options *scan,
                      struct ArrowSchema *schema_out, struct ArrowArray *batch_out, teg_error *err)
{
	TEG_TRY(check_scan(a->array, scan, err));
	TEG_TRY(choose_groups(a, o, err));
	TEG_TRY(choose_tallies(a, measures, n, err));
	TEG_TRY(open_scan(a, scan, err));
	TEG_TRY(add_rows(a, err));
	if (o->stats)
		teg_scan_get_stats(a->scan, o->stats);
	return give(a, schema_out, batch_out, err);
}

teg_status teg_aggregate(teg_array *array, const teg_measure *measures, size_t n_measures,
                         const teg_aggregate_options *options, const teg_scan_options *scan,
                         struct ArrowSchema *schema_out, struct ArrowArray *batch_out,
                         teg_error *err)
{
	struct aggregate a = { .array = array };
	teg_aggregate_options o;
	teg_scan_options s;
	teg_status status;

	if (!array || !measures || !n_measures || !schema_out || !batch_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_aggregate needs an array, measures and places for the batch");
	memset(schema_out, 0, sizeof *schema_out);
	memset(batch_out, 0, sizeof *batch_out);
	TEG_TRY(options_take(options, &o, sizeof o, "teg_aggregate_options", err));
	TEG_TRY(options_take(scan, &s, sizeof s, "teg_scan_options", err));
	a.alloc = array->arena.alloc;
	a.memory = o.memory ? o.memory : MEMORY;
	status = run(&a, measures, n_measures, &o, &s, schema_out, batch_out, err);
	release(&a);
	mem_free(a.alloc, a.tallies, n_measures * sizeof *a.tallies);
	mem_free(a.alloc, a.column_of, n_measures * sizeof *a.column_of);
	return status == TEG_OK ? status : error_in_array(err, status, array->state.name);
}
