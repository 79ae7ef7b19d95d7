/* tilectl: looks into and works on Tegula stores. The words go to the command they name. */
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/opt.h"

#ifdef __GLIBC__
#include <malloc.h>

/* Gives large blocks back when they are freed. By itself malloc raises the size from which it does
 * with every block freed, and then holds on to what an import or export needed for a moment. */
static void keep_little_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
}
#else
static void keep_little_memory(void)
{
}
#endif

static int print_help(const struct command *command)
{
	struct text out = { NULL, 0, 0 };
	int code;

	help_add(&out, command);
	code = report_plain(text_string(&out));
	text_free(&out);
	return code;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command;
	struct args args;
	int code;

	keep_little_memory();
	if (!name)
		return fail_with(EXIT_USAGE, "a command is missing (see tilectl help)");
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return print_help(NULL);
	command = command_find(strcmp(name, "--version") != 0 ? name : "version");
	if (!command)
		return fail_with(EXIT_USAGE, "there is no command '%.80s' (see tilectl help)",
		                 name);
	if (!command->run)
		return not_built(command->name);
	code = args_read(command, argc - 2, argv + 2, &args);
	if (code != EXIT_OK)
		return code;
	return args.value[OPT_HELP] ? print_help(command) : command->run(&args);
}
