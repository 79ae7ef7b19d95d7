/* tilectl copy: what a scan returns, as a new array of the same schema, in this store or another. */
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/arrow.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"

struct copy {
	const struct args *args;
	const teg_spec *spec; /* of the source */
	const char *name;     /* of the new array */
	const char **columns;
	uint64_t n_rows;
};

static bool has_column(const teg_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->n_attributes; i++)
		if (!strcmp(spec->attributes[i].name, name))
			return true;
	for (size_t d = 0; d < spec->n_dimensions; d++)
		if (!strcmp(spec->dimensions[d].name, name))
			return true;
	return false;
}

/* Keys and attributes, and the valid interval where there is one. Rows of a table get ids anew. */
static int choose_columns(struct copy *copy, teg_scan_options *options)
{
	const teg_spec *spec = copy->spec;
	size_t n = 0;

	copy->columns =
		need_memory(spec->n_dimensions + spec->n_attributes + 2, sizeof *copy->columns);
	for (size_t d = 0; d < spec->n_dimensions && spec->kind != TEG_TABLE; d++)
		copy->columns[n++] = spec->dimensions[d].name;
	for (size_t i = 0; i < spec->n_attributes; i++)
		copy->columns[n++] = spec->attributes[i].name;
	if (spec->valid_time) {
		if (has_column(spec, "valid_from") || has_column(spec, "valid_until"))
			return fail_with(EXIT_FAILED,
			                 "the array has a column of the name of a valid time");
		copy->columns[n++] = "valid_from";
		copy->columns[n++] = "valid_until";
	}
	options->columns = copy->columns;
	options->n_columns = n;
	return EXIT_OK;
}

static int put(struct copy *copy, teg_txn *txn, struct ArrowArrayStream *stream)
{
	teg_put_options options = { .struct_size = sizeof options };
	teg_spec spec = *copy->spec;
	teg_error err;

	if (spec.kind == TEG_TABLE)
		spec.n_dimensions = 0;
	if (spec.valid_time) {
		options.valid_from_column = "valid_from";
		options.valid_until_column = "valid_until";
	}
	if (teg_txn_create(txn, copy->name, &spec, &err) != TEG_OK) {
		stream->release(stream);
		return fail_call(&err);
	}
	return teg_txn_put_stream(txn, copy->name, stream, &options, &copy->n_rows, &err) == TEG_OK
	               ? EXIT_OK
	               : fail_call(&err);
}

static int report(const struct copy *copy, const teg_commit_result *result)
{
	static const struct report_column columns[] = { { "array", false },
		                                        { "version", true },
		                                        { "rows", true } };
	struct report r;

	report_begin(&r, "copy", NULL, columns, sizeof columns / sizeof *columns,
	             args_format(copy->args));
	report_string(&r, copy->name);
	report_u64(&r, result->version);
	report_u64(&r, copy->n_rows);
	report_end_row(&r);
	return report_end(&r);
}

/* One commit: the whole copy, or nothing. */
static int write_copy(struct copy *copy, teg_store *store, struct ArrowArrayStream *stream)
{
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;
	teg_error err;
	int code;

	if (teg_txn_begin(store, NULL, &txn, &err) != TEG_OK) {
		stream->release(stream);
		return fail_call(&err);
	}
	code = put(copy, txn, stream);
	if (code == EXIT_OK && teg_txn_commit(txn, &result, &err) != TEG_OK)
		code = fail_call(&err);
	if (code == EXIT_OK)
		return report(copy, &result);
	teg_txn_abort(txn);
	return code;
}

static int copy_array(struct copy *copy, teg_array *array, struct scan_args *wanted,
                      teg_store *store)
{
	struct ArrowArrayStream stream;
	teg_scan *scan;
	teg_error err;
	int code = scan_args_bind(wanted, copy->args, array);

	if (code == EXIT_OK)
		code = choose_columns(copy, &wanted->options);
	if (code != EXIT_OK)
		return code;
	if (teg_scan_open(array, &wanted->options, &scan, &err) != TEG_OK)
		return fail_call(&err);
	if (teg_scan_stream(scan, &stream, &err) != TEG_OK) {
		teg_scan_close(scan);
		return fail_call(&err);
	}
	return write_copy(copy, store, &stream);
}

/* A handle of its own, that holds more than an import before it spills: cells of dense arrays stay
 * until they are committed. */
static int open_target(const struct args *args, teg_store **store_out)
{
	const char *path = args->value[OPT_INTO] ? args->value[OPT_INTO] : args->operand[0];
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING,
		                      .writer = "tilectl" };
	teg_error err;

	if (teg_store_open(path, &options, store_out, &err) == TEG_OK)
		return EXIT_OK;
	return fail_call(&err);
}

static int run(const struct args *args)
{
	struct copy copy = { .args = args, .name = args->value[OPT_TO] };
	struct session session = { NULL, NULL, NULL };
	struct scan_args wanted = { .columns = { NULL, 0 } };
	teg_store *target = NULL;
	int code;

	if (!copy.name && args->value[OPT_INTO])
		copy.name = args->value[OPT_ARRAY];
	if (!copy.name)
		return usage(args, "tilectl copy needs --to NAME or --into STORE");
	code = scan_args_read(&wanted, args);
	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = open_target(args, &target);
	if (code == EXIT_OK) {
		copy.spec = teg_array_spec(session.array);
		code = copy_array(&copy, session.array, &wanted, target);
	}
	free(copy.columns);
	teg_store_close(target);
	scan_args_release(&wanted);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY,       OPT_TO,     OPT_INTO,    OPT_WHERE,
	                            OPT_BOX,         OPT_AS_OF,  OPT_VERSION, OPT_VALID_AT,
	                            OPT_VALID_RANGE, OPT_FORMAT, OPT_END };

const struct command cmd_copy = {
	"copy",
	"STORE",
	"copy an array, in this store or into another",
	"The new array has the schema of the old one, its settings and metadata, and the cells that a scan\n"
	"with these options returns, with their valid times, in one commit; all of it is there or nothing.\n"
	"Earlier versions stay behind, and rows of a table get new ids from 0. --into makes the store\n"
	"where there is none; the name is kept where --to does not give another.\n",
	opts,
	true,
	run
};
