/* tilectl columns: how every column of every tile is encoded. */
#include <string.h>
#include "engine/tegula_unstable.h"
#include "tools/tilectl/facts.h"

static const struct report_column columns[] = {
	{ "array", false },  { "segment", true },       { "tile", true },
	{ "column", false }, { "encoding", false },     { "values", true },
	{ "nulls", true },   { "nan", true },           { "pages", true },
	{ "bytes", true },   { "raw_bytes", true },     { "min", false },
	{ "max", false },    { "bounds_exact", false },
};

struct walk {
	struct report *report;
	teg_array *array;
};

/* The declared type of a column; that of the time columns where the array declares none. */
static teg_data_type type_of(const teg_spec *spec, const char *name, const teg_value *value)
{
	for (size_t d = 0; d < spec->n_dimensions; d++)
		if (!strcmp(spec->dimensions[d].name, name))
			return spec->dimensions[d].type;
	for (size_t a = 0; a < spec->n_attributes; a++)
		if (!strcmp(spec->attributes[a].name, name))
			return spec->attributes[a].type;
	return (teg_data_type){ .type = value->type, .unit = TEG_MICRO, .zone = "UTC" };
}

static bool print_column(void *ctx, const teg_column_info *c)
{
	const struct walk *walk = ctx;
	teg_data_type type = type_of(teg_array_spec(walk->array), c->name, &c->min);
	struct report *r = walk->report;

	report_string(r, teg_array_name(walk->array));
	report_u64(r, c->segment);
	report_u64(r, c->tile);
	report_string(r, c->name);
	report_string(r, c->encoding);
	report_u64(r, c->n_values);
	report_u64(r, c->n_nulls);
	report_u64(r, c->n_nan);
	report_u64(r, c->n_pages);
	report_u64(r, c->stored_len);
	report_u64(r, c->raw_len);
	report_value(r, &type, &c->min);
	report_value(r, &type, &c->max);
	report_bool(r, c->bounds_exact);
	report_end_row(r);
	return true;
}

static int print_array(void *ctx, teg_array *array)
{
	struct walk walk = { ctx, array };
	teg_error err;

	if (teg_walk_columns(array, print_column, &walk, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

static int run(const struct args *args)
{
	return run_per_array(args, "columns", columns, sizeof columns / sizeof *columns,
	                     print_array);
}

static const enum opt_id opts[] = { OPT_ARRAY, OPT_FORMAT, OPT_END };

const struct command cmd_columns = {
	"columns", "STORE", "list the columns of tiles with encodings and bounds", NULL, opts,
	false,     run
};
