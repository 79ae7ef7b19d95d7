/* tilectl recover: a store whose newest version is damaged goes back to the newest intact one. */
#include <inttypes.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/report.h"
#include "tools/tilectl/session.h"

static const struct report_column columns[] = {
	{ "lost_version", true }, { "action", false }, { "system_time", false },
	{ "arrays", true },       { "rows", true },    { "damage", false },
};

static void print_lost(void *ctx, const teg_lost_version *lost)
{
	struct report *r = ctx;

	report_u64(r, lost->version);
	if (lost->action) {
		report_string(r, lost->action);
		if (lost->system_time)
			report_time(r, lost->system_time);
		else
			report_null(r); /* upkeep */
		report_u64(r, lost->n_arrays);
		report_u64(r, lost->n_rows);
	} else {
		for (int i = 0; i < 4; i++)
			report_null(r);
	}
	report_string(r, lost->damage->message);
	report_end_row(r);
}

static int run(const struct args *args)
{
	teg_recover_result result = { .struct_size = sizeof result };
	struct report r;
	teg_recover_options options = { .struct_size = sizeof options, .each_ctx = &r };
	teg_error err;
	int code;

	/* Facts stand before rows: so it is looked at once before anything is done. */
	options.dry_run = true;
	options.each = NULL;
	if (teg_recover(args->operand[0], &options, &result, &err) != TEG_OK)
		return fail_call(&err);
	report_begin(&r, "recover", "lost", columns, sizeof columns / sizeof *columns,
	             args_format(args));
	report_fact_u64(&r, "version", result.version);
	options.dry_run = args->value[OPT_DRY_RUN] != NULL;
	options.each = print_lost;
	if (teg_recover(args->operand[0], &options, &result, &err) != TEG_OK) {
		report_abandon(&r);
		return fail_call(&err);
	}
	code = report_end(&r);
	return code == EXIT_OK && result.versions_lost ? EXIT_LOSS : code;
}

static const enum opt_id opts[] = { OPT_DRY_RUN, OPT_FORMAT, OPT_END };

const struct command cmd_recover = {
	"recover",
	"STORE",
	"go back to the newest intact version",
	"For a store that cannot be opened since its newest version is damaged. Versions that are lost are\n"
	"listed with what they had added, as far as that can be read; their manifests stay beside the\n"
	"others as *.lost. Exit 3: something was lost. Nobody else may have the store open.\n",
	opts,
	false,
	run
};
