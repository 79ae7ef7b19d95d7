/* tilectl explain: what a scan would read, and what it need not; and what it did read. */
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
	{ "tiles_read", true }, /* these after the scan has run */
	{ "tiles_spared", true },
	{ "pages_read", true },
	{ "bytes_read", true },
	{ "rows_read", true },
	{ "rows_emitted", true },
};
#define N_OF_RUN 6

/* `done` NULL: it has not run. */
static int print_plan(teg_array *array, const teg_scan_stats *s, const teg_scan_stats *done,
                      enum format format)
{
	size_t n = sizeof columns / sizeof *columns;
	struct report r;

	report_begin(&r, "explain", NULL, columns, done ? n : n - N_OF_RUN, format);
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
	if (done) {
		report_u64(&r, done->tiles_read);
		report_u64(&r, done->tiles_spared);
		report_u64(&r, done->reads - s->reads);
		report_u64(&r, done->read_bytes - s->read_bytes);
		report_u64(&r, done->rows_read);
		report_u64(&r, done->rows_emitted);
	}
	report_end_row(&r);
	return report_end(&r);
}

static teg_status run_scan(teg_scan *scan, teg_scan_stats *stats_out, teg_error *err)
{
	struct ArrowArray batch;
	teg_status status;

	while ((status = teg_scan_next(scan, &batch, err)) == TEG_OK)
		batch.release(&batch);
	teg_scan_get_stats(scan, stats_out);
	return status == TEG_END ? TEG_OK : status;
}

static int explain(struct session *session, struct scan_args *wanted, const struct args *args)
{
	teg_scan_stats stats = { .struct_size = sizeof stats }, done = stats;
	bool runs = args->value[OPT_RUN] != NULL;
	int code = scan_args_bind(wanted, args, session->array);
	teg_scan *scan;
	teg_error err;

	if (code != EXIT_OK)
		return code;
	if (teg_scan_open(session->array, &wanted->options, &scan, &err) != TEG_OK)
		return fail_call(&err);
	if (teg_scan_explain(scan, &stats, &err) != TEG_OK ||
	    (runs && run_scan(scan, &done, &err) != TEG_OK))
		code = fail_call(&err);
	else
		code = print_plan(session->array, &stats, runs ? &done : NULL, args_format(args));
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

static const enum opt_id opts[] = { OPT_ARRAY, SCAN_OPTS, OPT_RUN, OPT_FORMAT, OPT_END };

const struct command cmd_explain = {
	"explain",
	"STORE",
	"say what a scan would read and what it would skip",
	"Reads the tile indexes, no tile. A scan of one key at one valid time stops at\n"
	"the answer: tiles_to_read is the most that it may read. With --run the scan\n"
	"is made: tiles_spared are those of the plan that it did without, and pages\n"
	"and bytes are those of columns, besides the index.\n",
	opts,
	true,
	run
};
