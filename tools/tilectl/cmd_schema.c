/* tilectl schema: dimensions and attributes with their types. */
#include <string.h>
#include "tools/tilectl/facts.h"

static const struct report_column columns[] = {
	{ "array", false },    { "name", false },     { "role", false }, { "type", false },
	{ "nullable", false }, { "lo", false },       { "hi", false },   { "extent", true },
	{ "fill", false },     { "metadata", false },
};

static void print_dimension(struct report *r, const char *array, const teg_dimension *d)
{
	report_string(r, array);
	report_string(r, d->name);
	report_string(r, "dimension");
	report_type(r, &d->type);
	report_bool(r, false);
	report_value(r, &d->type, &d->lo);
	report_value(r, &d->type, &d->hi);
	if (d->extent)
		report_u64(r, d->extent);
	else
		report_null(r);
	report_null(r);
	report_metadata(r, d->metadata, d->n_metadata);
	report_end_row(r);
}

static void print_attribute(struct report *r, const char *array, const teg_attribute *a,
                            const teg_spec *spec)
{
	bool is_key = spec->key && !strcmp(a->name, spec->key);

	report_string(r, array);
	report_string(r, a->name);
	report_string(r, !is_key ? "attribute" : spec->key_unique ? "unique key" : "key");
	report_type(r, &a->type);
	report_bool(r, a->nullable);
	report_null(r);
	report_null(r);
	report_null(r);
	report_value(r, &a->type, &a->fill);
	report_metadata(r, a->metadata, a->n_metadata);
	report_end_row(r);
}

/* A rule stands under the column that it is about: its name where a column has its type. */
static void print_check(struct report *r, const char *array, const teg_spec *spec,
                        const teg_check *check)
{
	static const char *const kinds[] = { [TEG_CHECK_RANGE] = "check range",
		                             [TEG_CHECK_NOT_EMPTY] = "check nonempty",
		                             [TEG_CHECK_SAME_LENGTH] = "check length" };
	const teg_data_type *type = NULL;

	for (size_t a = 0; a < spec->n_attributes; a++)
		if (!strcmp(spec->attributes[a].name, check->column))
			type = &spec->attributes[a].type;
	report_string(r, array);
	report_string(r, check->column);
	report_string(r, kinds[check->kind]);
	report_string(r, check->name);
	report_null(r);
	report_value(r, type, &check->lo);
	report_value(r, type, &check->hi);
	report_null(r);
	report_null(r);
	report_metadata(r, NULL, 0);
	report_end_row(r);
}

static int print_array(void *ctx, teg_array *array)
{
	const teg_spec *spec = teg_array_spec(array);

	for (size_t d = 0; d < spec->n_dimensions; d++)
		print_dimension(ctx, teg_array_name(array), &spec->dimensions[d]);
	for (size_t a = 0; a < spec->n_attributes; a++)
		print_attribute(ctx, teg_array_name(array), &spec->attributes[a], spec);
	for (size_t c = 0; c < spec->n_checks; c++)
		print_check(ctx, teg_array_name(array), spec, &spec->checks[c]);
	return EXIT_OK;
}

static int run(const struct args *args)
{
	return run_per_array(args, "fields", columns, sizeof columns / sizeof *columns,
	                     print_array);
}

static const enum opt_id opts[] = { OPT_ARRAY, OPT_FORMAT, OPT_END };

const struct command cmd_schema = {
	"schema",
	"STORE",
	"list dimensions and attributes with their types",
	"Metadata of fields are kept from the source; those of the array are told by info --array.\n"
	"Checks follow the attributes: a row with the column, its rule in place of the type.\n",
	opts,
	false,
	run
};
