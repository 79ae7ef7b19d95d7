/* The manual page, tilectl(1), as roff, from the tables. */
#include <ctype.h>
#include <string.h>
#include "tools/tilectl/opt.h"

/* Text that roff takes as it is: no request at the start of a line, dashes stay dashes. */
static void add_roff(struct text *out, const char *text)
{
	for (bool start = true; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			text_adds(out, "\\&");
		if (*text == '-')
			text_adds(out, "\\-");
		else if (*text == '\\')
			text_adds(out, "\\e");
		else
			text_add(out, text, 1);
		start = *text == '\n';
	}
}

static void add_option(struct text *out, const struct option *o)
{
	text_adds(out, ".TP\n\\fB\\-\\-");
	add_roff(out, o->name);
	text_adds(out, "\\fR");
	if (o->value) {
		text_adds(out, " \\fI");
		add_roff(out, o->value);
		text_adds(out, "\\fR");
	}
	text_adds(out, "\n");
	add_roff(out, o->help);
	if (o->choices) {
		text_adds(out, ": ");
		add_roff(out, o->choices);
	}
	text_adds(out, o->later ? " (not built yet)\n" : "\n");
}

static void add_command(struct text *out, const struct command *command)
{
	text_adds(out, ".SS ");
	add_roff(out, command->name);
	text_adds(out, "\n\\fBtilectl ");
	add_roff(out, command->name);
	text_adds(out, "\\fR ");
	add_roff(out, command->operands);
	text_adds(out, command->needs_array ? " \\fB\\-\\-array\\fR \\fINAME\\fR" : "");
	text_adds(out, *command->opts != OPT_END ? " [options]\n.PP\n" : "\n.PP\n");
	text_addf(out, "%c", toupper((unsigned char)command->summary[0]));
	add_roff(out, command->summary + 1);
	text_adds(out, command->run ? ".\n" : ". Not built yet.\n");
	if (command->text) {
		text_adds(out, ".PP\n");
		add_roff(out, command->text);
	}
	for (const enum opt_id *id = command->opts; *id != OPT_END; id++)
		add_option(out, &opt_table[*id]);
}

void man_add(struct text *out)
{
	text_addf(out, ".TH TILECTL 1 \"\" \"Tegula %s\"\n", teg_version());
	text_adds(out,
	          ".SH NAME\ntilectl \\- look into and work on Tegula stores\n"
	          ".SH SYNOPSIS\n\\fBtilectl\\fR \\fICOMMAND\\fR ...\n.SH DESCRIPTION\n"
	          "A store is a directory with named arrays whose cells have two histories: when "
	          "the store learned a fact (system time) and when the fact holds (valid time).\n"
	          "Data goes to stdout, everything else to stderr.\n.PP\n");
	text_adds(
		out,
		"A TIME is RFC 3339 or an integer of microseconds since 1970; a DURATION is 0, "
		"90s, 15m, 24h or 7d.\nBoxes are inclusive at both ends, valid and system ranges "
		"half\\-open; either end may be empty, and x=5 is x=5:5.\nA value with a colon, a "
		"comma or a space stands in single quotes; a pair of times may also be written "
		"A/B.\nIntegers for a time column are in the column\\(aqs own unit.\n.PP\n"
		"What is read unless a time is given is current: as of the array\\(aqs last "
		"system time, with all valid pieces of every cell.\n.SH COMMANDS\n");
	for (size_t i = 0; commands[i]; i++)
		add_command(out, commands[i]);
	text_adds(out,
	          ".SH EXIT STATUS\n0 done, 1 failed, 2 usage or not built yet, 3 finished with "
	          "loss, 4 damage found.\n");
}
