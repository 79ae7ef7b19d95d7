/* tilectl export: what a scan returns, as a file. */
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/parquet_edge.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"

static int export_array(struct session *session, struct scan_args *wanted, const struct args *args)
{
	int code = scan_args_bind(wanted, args, session->array);
	struct ArrowArrayStream stream = { .release = NULL };
	teg_scan *scan;
	teg_error err;

	if (code != EXIT_OK)
		return code;
	if (teg_scan_open(session->array, &wanted->options, &scan, &err) != TEG_OK)
		return fail_call(&err);
	if (teg_scan_stream(scan, &stream, &err) != TEG_OK)
		return fail_call(&err);
	return parquet_write(&stream, args->operand[1]);
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	struct scan_args wanted;
	int code = parquet_check_name(args->operand[1]);

	if (code != EXIT_OK)
		return code;
	code = scan_args_read(&wanted, args);
	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = export_array(&session, &wanted, args);
	scan_args_release(&wanted);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY, SCAN_OPTS, OPT_END };

const struct command cmd_export = {
	"export",
	"STORE FILE",
	"write the rows of an array to a Parquet file",
	"The file appears under its name when it is complete, in place of one of that name.\n"
	"The end of the name says what it is: .parquet; others are not built yet.\n",
	opts,
	true,
	run
};
