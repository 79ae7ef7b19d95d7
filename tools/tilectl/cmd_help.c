/* tilectl help, completion and version: what the program says about itself. */
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/module.h"

static int print_and_free(struct text *text)
{
	int code = report_plain(text_string(text));

	text_free(text);
	return code;
}

static int run_help(const struct args *args)
{
	const char *name = args->operand[0];
	const struct command *about = name ? command_find(name) : NULL;
	struct text out = { NULL, 0, 0 };

	if (name && !about)
		return usage(args, "there is no command '%.80s'", name);
	if (args->value[OPT_MAN])
		man_add(&out);
	else
		help_add(&out, about);
	return print_and_free(&out);
}

static int run_completion(const struct args *args)
{
	struct text out = { NULL, 0, 0 };

	if (strcmp(args->operand[0], "bash") != 0)
		return usage(args, "there is completion for bash only, not for '%.80s'",
		             args->operand[0]);
	completion_add_bash(&out);
	return print_and_free(&out);
}

static int run_version(const struct args *args)
{
	static const struct report_column columns[] = { { "tilectl", false },
		                                        { "parquet", false } };
	struct report r;

	report_begin(&r, "version", NULL, columns, 2, args_format(args));
	report_string(&r, teg_version());
	report_bool(&r, module_built());
	report_end_row(&r);
	return report_end(&r);
}

static const enum opt_id help_opts[] = { OPT_MAN, OPT_END };
static const enum opt_id completion_opts[] = { OPT_END };
static const enum opt_id version_opts[] = { OPT_FORMAT, OPT_END };

const struct command cmd_help = { "help",    "[COMMAND]", "print help", NULL,
	                          help_opts, false,       run_help };
const struct command cmd_completion = { "completion",  "bash",          "print a completion script",
	                                NULL,          completion_opts, false,
	                                run_completion };
const struct command cmd_version = {
	"version", "",         "print the version and what is built in", NULL, version_opts,
	false,     run_version
};
