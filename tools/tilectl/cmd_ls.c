/* tilectl ls: the arrays of a store. */
#include "tools/tilectl/facts.h"

static const struct report_column columns[] = {
	{ "array", false },     { "kind", false }, { "dimensions", true },
	{ "attributes", true }, { "rows", true },  { "live", true },
	{ "segments", true },   { "bytes", true }, { "last_system_time", false },
};

static int print_array(void *ctx, teg_array *array)
{
	teg_array_info info = { .struct_size = sizeof info };
	const teg_spec *spec = teg_array_spec(array);
	struct report *r = ctx;
	teg_error err;

	if (teg_array_get_info(array, &info, &err) != TEG_OK)
		return fail_call(&err);
	report_string(r, teg_array_name(array));
	report_string(r, kind_name(spec->kind));
	report_u64(r, spec->n_dimensions);
	report_u64(r, spec->n_attributes);
	report_u64(r, info.n_rows);
	report_u64(r, info.n_live);
	report_u64(r, info.n_segments);
	report_u64(r, info.n_bytes);
	report_time(r, info.last_system_time);
	report_end_row(r);
	return EXIT_OK;
}

static int run(const struct args *args)
{
	return run_per_array(args, "arrays", columns, sizeof columns / sizeof *columns,
	                     print_array);
}

static const enum opt_id opts[] = { OPT_ARRAY, OPT_FORMAT, OPT_END };

const struct command cmd_ls = { "ls",
	                        "STORE",
	                        "list the arrays of a store",
	                        "Rows are stored rows, older versions and deletions included.\n",
	                        opts,
	                        false,
	                        run };
