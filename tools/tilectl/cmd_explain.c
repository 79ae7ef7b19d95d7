/* tilectl explain: what a scan would read, and what it need not. */
#include "tools/tilectl/opt.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"

static const struct report_column columns[] = {
	{ "array", false },
	{ "system_time", false },
	{ "segments_seen", true },
	{ "segments_pruned", true },
	{ "tiles_seen", true },
	{ "tiles_pruned_box", true },
	{ "tiles_pruned_attribute", true },
	{ "tiles_pruned_time", true },
	{ "tiles_to_read", true },
	{ "tiles_to_resolve", true },
	{ "index_pages_read", true },
	{ "index_pages_pruned", true },
};

static int print_plan(teg_array *array, const teg_scan_stats *s, enum format format)
{
	struct report r;

	report_begin(&r, "explain", NULL, columns, sizeof columns / sizeof *columns, format);
	report_string(&r, teg_array_name(array));
	report_time(&r, s->system_time);
	report_u64(&r, s->segments_seen);
	report_u64(&r, s->segments_pruned);
	report_u64(&r, s->tiles_seen);
	report_u64(&r, s->tiles_pruned_box);
	report_u64(&r, s->tiles_pruned_attribute);
	report_u64(&r, s->tiles_pruned_time);
	report_u64(&r, s->tiles_read);
	report_u64(&r, s->tiles_resolved);
	report_u64(&r, s->index_pages_read);
	report_u64(&r, s->index_pages_pruned);
	report_end_row(&r);
	return report_end(&r);
}

static int explain(struct session *session, struct scan_args *wanted, const struct args *args)
{
	teg_scan_stats stats = { .struct_size = sizeof stats };
	int code = scan_args_bind(wanted, args, session->array);
	teg_scan *scan;
	teg_error err;

	if (code != EXIT_OK)
		return code;
	if (teg_scan_open(session->array, &wanted->options, &scan, &err) != TEG_OK)
		return fail_call(&err);
	if (teg_scan_explain(scan, &stats, &err) != TEG_OK)
		code = fail_call(&err);
	else
		code = print_plan(session->array, &stats, args_format(args));
	teg_scan_close(scan);
	return code;
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	struct scan_args wanted;
	int code = scan_args_read(&wanted, args);

	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = explain(&session, &wanted, args);
	scan_args_release(&wanted);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY, SCAN_OPTS, OPT_FORMAT, OPT_END };

const struct command cmd_explain = { "explain",
	                             "STORE",
	                             "say what a scan would read and what it would skip",
	                             "Reads the tile indexes, no tile.\n",
	                             opts,
	                             true,
	                             run };
