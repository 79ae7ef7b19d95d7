/* tilectl history: the versions of a store, newest first. */
#include "engine/tegula_unstable.h"
#include "tools/tilectl/facts.h"
#include "tools/tilectl/session.h"

static const struct report_column columns[] = {
	{ "version", true },    { "system_time", false }, { "wall_time", false },
	{ "action", false },    { "arrays", true },       { "rows", true },
	{ "bytes", true },      { "writer", false },      { "library", false },
	{ "commit_id", false }, { "metadata", false },    { "redacted", true },
};

static bool print_version(void *ctx, const teg_version_info *v)
{
	struct report *r = ctx;

	report_u64(r, v->version);
	if (v->system_time)
		report_time(r, v->system_time);
	else
		report_null(r); /* upkeep makes versions, not facts */
	report_time(r, v->wall_time);
	report_string(r, v->action);
	report_u64(r, v->n_arrays);
	report_u64(r, v->n_rows);
	report_u64(r, v->n_bytes);
	report_string(r, v->writer);
	report_string(r, v->library);
	report_hex(r, v->commit_id, sizeof v->commit_id);
	report_metadata(r, v->metadata, v->n_metadata);
	if (v->redacted)
		report_u64(r, v->redacted);
	else
		report_null(r);
	report_end_row(r);
	return true;
}

static teg_status walk(const struct session *session, struct report *report, teg_error *err)
{
	if (session->array)
		return teg_walk_array_versions(session->array, print_version, report, err);
	return teg_walk_versions(session->snapshot, print_version, report, err);
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	int code = session_open(&session, args->operand[0], args->value[OPT_HISTORY_ARRAY]);
	struct report report;
	teg_error err;

	if (code == EXIT_OK) {
		report_begin(&report, "history", "versions", columns,
		             sizeof columns / sizeof *columns, args_format(args));
		if (walk(&session, &report, &err) == TEG_OK) {
			code = report_end(&report);
		} else {
			report_abandon(&report);
			code = fail_call(&err);
		}
	}
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_HISTORY_ARRAY, OPT_FORMAT, OPT_END };

const struct command cmd_history = {
	"history",
	"STORE",
	"list the versions of a store, newest first",
	"--array lists those that put, deleted or erased cells of the array, and the one that made it;\n"
	"merges and changes of the schema are not kept by array. \"redacted\" is the version by which\n"
	"metadata was taken away (tilectl erase --metadata).\n",
	opts,
	false,
	run
};
