/* tilectl delete: ends cells, by predicate or by box. */
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"
#include "tools/tilectl/when.h"

struct wanted {
	teg_txn_options txn;
	teg_put_options put;
	teg_predicate *predicate;
	struct box box;
	bool boxed;
};

static int read_times(const struct args *args, struct wanted *wanted)
{
	const char *at = args->value[OPT_SYSTEM_TIME], *range = args->value[OPT_VALID_RANGE];
	struct why why;

	if (at && !when_read_option(at, strlen(at), &wanted->txn.system_time, &why))
		return usage(args, "--system-time: %s", why.text);
	if (at && !wanted->txn.system_time)
		return usage(args, "--system-time: 0 stands for the clock; leave the option out");
	if (range &&
	    !when_read_range(range, &wanted->put.valid_from, &wanted->put.valid_until, &why))
		return usage(args, "--valid-range: %s", why.text);
	return EXIT_OK;
}

static int report_commit(const struct args *args, const teg_commit_result *result,
                         const uint64_t *n_rows)
{
	static const struct report_column columns[] = {
		{ "array", false }, { "version", true },  { "system_time", false },
		{ "rows", true },   { "segments", true }, { "bytes", true },
	};
	struct report r;

	report_begin(&r, "delete", NULL, columns, sizeof columns / sizeof *columns,
	             args_format(args));
	report_string(&r, args->value[OPT_ARRAY]);
	report_u64(&r, result->version);
	if (result->system_time)
		report_time(&r, result->system_time);
	else
		report_null(&r);
	if (n_rows)
		report_u64(&r, *n_rows);
	else
		report_null(&r);
	report_u64(&r, result->n_segments);
	report_u64(&r, result->n_bytes);
	report_end_row(&r);
	return report_end(&r);
}

static int commit(struct session *session, const struct wanted *wanted, const struct args *args)
{
	teg_commit_result result = { .struct_size = sizeof result };
	const char *array = args->value[OPT_ARRAY];
	const teg_range *box = wanted->boxed ? wanted->box.range : NULL;
	uint64_t n_rows = 0;
	teg_txn *txn;
	teg_status status;
	teg_error err;

	if (teg_txn_begin(session->store, &wanted->txn, &txn, &err) != TEG_OK)
		return fail_call(&err);
	status = wanted->predicate ? teg_txn_delete_where(txn, array, box, wanted->predicate,
	                                                  &wanted->put, &n_rows, &err)
	                           : teg_txn_delete_box(txn, array, box, &wanted->put, &err);
	if (status == TEG_OK)
		status = teg_txn_commit(txn, &result, &err);
	if (status != TEG_OK) {
		teg_txn_abort(txn);
		return fail_call(&err);
	}
	return report_commit(args, &result, wanted->predicate ? &n_rows : NULL);
}

static int run(const struct args *args)
{
	struct wanted wanted = { .txn = { .struct_size = sizeof wanted.txn },
		                 .put = { .struct_size = sizeof wanted.put } };
	struct session session = { NULL, NULL, NULL };
	int code;

	if (!args->value[OPT_WHERE] && !args->value[OPT_BOX])
		return usage(args, "tilectl delete needs --where or --box");
	code = read_times(args, &wanted);
	if (code == EXIT_OK)
		code = read_predicate(args, &wanted.predicate);
	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = read_box(args, session.array, &wanted.box, &wanted.boxed);
	if (code == EXIT_OK)
		code = commit(&session, &wanted, args);
	box_release(&wanted.box);
	teg_predicate_free(wanted.predicate);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY,       OPT_WHERE,  OPT_BOX, OPT_VALID_RANGE,
	                            OPT_SYSTEM_TIME, OPT_FORMAT, OPT_END };

const struct command cmd_delete = {
	"delete",
	"STORE",
	"delete cells by predicate or box",
	"With --valid-range only that part of their validity ends. The past stays readable by --as-of.\n"
	"A box alone is deleted whole, cells that were never written included; its rows are not\n"
	"counted.\n",
	opts,
	true,
	run
};
