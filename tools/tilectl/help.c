/* Help on the terminal, from the tables. */
#include <ctype.h>
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/ways.h"

static const char about_values[] =
	"Values\n"
	"  TIME      RFC 3339 (2013-01-01T05:00:00Z) or an integer of microseconds since 1970\n"
	"  DURATION  0, 90s, 15m, 24h, 7d\n"
	"  Boxes are inclusive at both ends; valid and system ranges are half-open, A <= t < B.\n"
	"  Either end may be empty; x=5 is x=5:5. A value with a colon, a comma or a space stands\n"
	"  in single quotes; a pair of times may also be written A/B. Integers for a time column\n"
	"  are in the column's own unit. row_id, from 0, is the dimension of a table.\n"
	"  \"Current\", which is what is read unless a time is given, means as of the array's last\n"
	"  system time, with all valid pieces of every cell.\n";

static const char about_exit[] =
	"Exit codes\n"
	"  0 done   1 failed   2 usage, or not built yet   3 finished with loss   4 damage found\n";

static void add_options(struct text *out, const struct command *command)
{
	text_adds(out, "\nOptions\n");
	for (const enum opt_id *id = command->opts; *id != OPT_END; id++) {
		const struct option *o = &opt_table[*id];
		struct text head = { NULL, 0, 0 };

		text_addf(&head, "  --%s%s%s", o->name, o->value ? " " : "",
		          o->value ? o->value : "");
		text_addf(out, "%-28s  %s%s%s%s%s\n", head.at, o->help, o->choices ? ": " : "",
		          o->choices ? o->choices : "", o->later ? " (not built yet)" : "",
		          *id == OPT_ARRAY && command->needs_array ? " (needed)" : "");
		text_free(&head);
	}
}

static bool takes_files(const struct command *command)
{
	for (const enum opt_id *id = command->opts; *id != OPT_END; id++)
		if (*id == OPT_FILE_FORMAT)
			return true;
	return false;
}

static void add_command(struct text *out, const struct command *command)
{
	text_addf(out, "tilectl %s%s%s", command->name, command->operands[0] ? " " : "",
	          command->operands);
	if (command->needs_array)
		text_adds(out, " --array NAME");
	text_addf(out, "%s\n\n%c%s.%s\n", *command->opts != OPT_END ? " [options]" : "",
	          toupper((unsigned char)command->summary[0]), command->summary + 1,
	          command->run ? "" : " Not built yet.");
	if (command->text)
		text_addf(out, "\n%s", command->text);
	if (*command->opts != OPT_END)
		add_options(out, command);
	if (takes_files(command))
		ways_add_help(out);
	text_addf(out, "\n%s", about_values);
}

static void add_list(struct text *out)
{
	for (size_t i = 0; commands[i]; i++)
		text_addf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
}

void help_add(struct text *out, const struct command *command)
{
	if (command) {
		add_command(out, command);
	} else {
		text_adds(out,
		          "tilectl COMMAND ...: look into and work on Tegula stores\n\nCommands\n");
		add_list(out);
		text_addf(out, "\n%s", about_values);
		text_adds(out, "\nData goes to stdout, everything else to stderr.\n"
		               "tilectl COMMAND --help tells more.\n");
	}
	text_addf(out, "\n%s", about_exit);
}
