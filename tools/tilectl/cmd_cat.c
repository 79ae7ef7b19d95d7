/* tilectl cat and diff: the rows of an array that a scan returns, of what is or of what changed. */
#include "tools/tilectl/opt.h"
#include "tools/tilectl/rows.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"

extern const struct command cmd_cat, cmd_diff;

static int print_scan(teg_array *array, teg_scan *scan, const struct scan_args *wanted,
                      const struct args *args)
{
	teg_scan_stats stats = { .struct_size = sizeof stats };
	struct ArrowSchema schema = { .release = NULL };
	struct report report;
	struct rows rows;
	teg_error err;
	int code;

	if (teg_scan_schema(scan, &schema, &err) != TEG_OK)
		return fail_call(&err);
	code = rows_init(&rows, &schema, true, args_time_style(args));
	if (code == EXIT_OK) {
		teg_scan_get_stats(scan, &stats);
		report_begin(&report, args->command->name, "rows", rows.names, rows.n,
		             args_format(args));
		report_fact(&report, "array", FORM_QUOTED, teg_array_name(array));
		report_fact_time(&report, "system_time", stats.system_time);
		code = wanted->no_rows ? report_end(&report)
		                       : rows_report_scan(&rows, &report, scan);
	}
	rows_free(&rows);
	arrow_schema_release(&schema);
	return code;
}

static int cat_array(struct session *session, struct scan_args *wanted, const struct args *args)
{
	int code = scan_args_bind(wanted, args, session->array);
	teg_scan *scan;
	teg_error err;

	if (code != EXIT_OK)
		return code;
	if (teg_scan_open(session->array, &wanted->options, &scan, &err) != TEG_OK)
		return fail_call(&err);
	code = print_scan(session->array, scan, wanted, args);
	teg_scan_close(scan);
	return code;
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	struct scan_args wanted;
	int code = args->command == &cmd_diff ? scan_args_read_changes(&wanted, args)
	                                      : scan_args_read(&wanted, args);

	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = cat_array(&session, &wanted, args);
	code = scan_args_loss(&wanted, code);
	scan_args_release(&wanted);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY, SCAN_OPTS, OPT_LIMIT, OPT_FORMAT, OPT_END };

const struct command cmd_cat = {
	"cat",
	"STORE",
	"print the rows of an array",
	"Dimensions first, then attributes, or exactly the columns named, in that order. --times adds\n"
	"system_from, system_until, valid_from, valid_until and row_kind (and row_id in a table).\n"
	"--all-versions tells deleted and erased boxes last, each by its lower corner and, in columns\n"
	"box_end.DIMENSION, its upper one, unless --where or --kinds choose rows.\n"
	"A dense array shows its written cells only. Its --box may be NumPy's basic slices in brackets:\n"
	"positions from 0, negative ones from the end, START:STOP:STEP without the stop, '...'. Rows come\n"
	"in the order of the array, whatever the sign of a step.\n",
	opts,
	true,
	run
};

static const enum opt_id diff_opts[] = { OPT_ARRAY, OPT_FROM_TIME,   OPT_TO_TIME,  OPT_COLUMNS,
	                                 OPT_WHERE, OPT_BOX,         OPT_VALID_AT, OPT_VALID_RANGE,
	                                 OPT_TIMES, OPT_TIME_FORMAT, OPT_LIMIT,    OPT_FORMAT,
	                                 OPT_END };

const struct command cmd_diff = {
	"diff",
	"STORE",
	"print what changed between two system times",
	"Each row says in its first column what became of a cell, or of a part of its valid time, by\n"
	"--to: added (it was not live at --from), changed (another put tells it), deleted (the row is\n"
	"what was there) or erased. A put of the same values is a change. Erasures hide at every system\n"
	"time, so what was erased is told by its key alone; erased boxes are not listed.\n",
	diff_opts,
	true,
	run
};
