#include "engine/verify_rules.h"
#include "engine/arrow/import.h"
#include "engine/write/convert.h"
#include "engine/write/rules.h"

/* One scan of the columns that rules are about. */
struct checking {
	const struct schema *schema;
	const teg_allocator *alloc;
	const char **names; /* one per attribute with a rule, two rooms for each rule */
	size_t n_names;
	bool *broken; /* one per rule: it was told */
	int64_t row;  /* the first of the batch */
	teg_damage each;
	void *ctx;
	uint64_t *n_broken;
};

static void tell(const struct checking *c, const struct rule *rule, const struct field *field,
                 int64_t row)
{
	teg_error broken = { 0 };

	teg_fail(&broken, TEG_SCHEMA, "column %s, row %lld: the value breaks check '%s'",
	         field->name, (long long)row, rule->name);
	error_in_column(&broken, TEG_SCHEMA, field->name);
	error_at_row(&broken, TEG_SCHEMA, row);
	(*c->n_broken)++;
	if (c->each)
		c->each(c->ctx, &broken);
}

static const teg_column *column_of(const struct imported *in, const char *name)
{
	for (size_t i = 0; i < in->n_columns; i++)
		if (!strcmp(in->columns[i].name, name))
			return &in->columns[i];
	return NULL;
}

static teg_status take_values(const struct checking *c, const struct field *field,
                              const struct imported *in, struct column_buf *out, teg_error *err)
{
	const teg_column *given = column_of(in, field->name);

	column_buf_init_as(out, field_layout(field), c->alloc);
	return given ? convert_append_field(given, field, in->n_rows, out, err) : TEG_OK;
}

static teg_status check_rule(struct checking *c, uint32_t at, const struct imported *in,
                             teg_error *err)
{
	const struct rule *rule = &c->schema->rules[at];
	const struct field *field = schema_field_by_id(c->schema, rule->column);
	const struct field *also = rule->other ? schema_field_by_id(c->schema, rule->other) : field;
	struct column_buf values, others;
	struct column view, other;
	teg_status status;
	size_t row;

	if (c->broken[at])
		return TEG_OK;
	status = take_values(c, field, in, &values, err);
	column_buf_init_as(&others, field_layout(also), c->alloc);
	if (status == TEG_OK && rule->other)
		status = take_values(c, also, in, &others, err);
	view = column_buf_view(&values);
	other = column_buf_view(&others);
	row = status == TEG_OK ? rule_first_break(rule, field, &view, &other, 0, view.n) : view.n;
	if (row < view.n) {
		c->broken[at] = true;
		tell(c, rule, field, c->row + (int64_t)row);
	}
	column_buf_release(&values);
	column_buf_release(&others);
	return status;
}

static teg_status check_batch(struct checking *c, const struct ArrowSchema *schema,
                              const struct ArrowArray *batch, teg_error *err)
{
	struct imported in;
	teg_status status = TEG_OK;

	TEG_TRY(import_batch(schema, batch, c->alloc, &in, err));
	for (uint32_t i = 0; status == TEG_OK && i < c->schema->n_rules; i++)
		status = check_rule(c, i, &in, err);
	c->row += (int64_t)in.n_rows;
	import_release(&in);
	return status;
}

static teg_status run_scan(struct checking *c, struct teg_array *array, teg_error *err)
{
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = c->names,
		                     .n_columns = c->n_names };
	struct ArrowSchema schema = { 0 };
	struct ArrowArray batch;
	teg_scan *scan;
	teg_status status;

	TEG_TRY(teg_scan_open(array, &options, &scan, err));
	status = teg_scan_schema(scan, &schema, err);
	while (status == TEG_OK) {
		status = teg_scan_next(scan, &batch, err);
		if (status != TEG_OK)
			break;
		status = check_batch(c, &schema, &batch, err);
		batch.release(&batch);
	}
	if (schema.release)
		schema.release(&schema);
	teg_scan_close(scan);
	return status == TEG_END ? TEG_OK : status;
}

static void name_column(struct checking *c, uint32_t id)
{
	const char *name = schema_field_by_id(c->schema, id)->name;
	size_t k = 0;

	while (k < c->n_names && c->names[k] != name)
		k++;
	c->names[k] = name;
	c->n_names += k == c->n_names;
}

static void name_columns(struct checking *c)
{
	for (uint32_t i = 0; i < c->schema->n_rules; i++) {
		name_column(c, c->schema->rules[i].column);
		if (c->schema->rules[i].other)
			name_column(c, c->schema->rules[i].other);
	}
}

teg_status verify_rules(struct teg_array *array, teg_damage each, void *ctx, uint64_t *n_broken,
                        teg_error *err)
{
	const struct schema *schema = array->state.schema;
	struct checking c = { .schema = schema,
		              .alloc = array->arena.alloc,
		              .each = each,
		              .ctx = ctx,
		              .n_broken = n_broken };
	size_t n = schema->n_rules;
	teg_status status;

	if (!n)
		return TEG_OK;
	c.names = mem_array(c.alloc, 2 * n, sizeof *c.names);
	c.broken = mem_zalloc(c.alloc, n * sizeof *c.broken);
	if (c.names && c.broken) {
		name_columns(&c);
		status = run_scan(&c, array, err);
	} else {
		status = teg_fail(err, TEG_NOMEM, "no memory to check rules");
	}
	mem_free(c.alloc, (void *)c.names, 2 * n * sizeof *c.names);
	mem_free(c.alloc, c.broken, n * sizeof *c.broken);
	return status;
}
