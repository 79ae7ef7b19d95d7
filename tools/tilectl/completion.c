/* The completion script for bash, from the tables. */
#include <string.h>
#include "tools/tilectl/opt.h"

static void add_words(struct text *out, const char *choices)
{
	for (; *choices; choices++)
		text_add(out, *choices == '|' ? " " : choices, 1);
}

/* command:--option) words of its choices */
static void add_choices(struct text *out)
{
	for (size_t i = 0; commands[i]; i++)
		for (const enum opt_id *id = commands[i]->opts; *id != OPT_END; id++) {
			const struct option *o = &opt_table[*id];

			if (!o->value)
				continue;
			text_addf(out, "\t%s:--%s) words=\"", commands[i]->name, o->name);
			add_words(out, o->choices ? o->choices : "");
			text_adds(out, "\" ;;\n");
		}
}

static void add_options(struct text *out)
{
	for (size_t i = 0; commands[i]; i++) {
		text_addf(out, "\t%s) words=\"", commands[i]->name);
		for (const enum opt_id *id = commands[i]->opts; *id != OPT_END; id++)
			if (!opt_table[*id].later)
				text_addf(out, "--%s ", opt_table[*id].name);
		text_adds(out, "--help\" ;;\n");
	}
}

void completion_add_bash(struct text *out)
{
	text_adds(out,
	          "# bash completion for tilectl: source <(tilectl completion bash)\n"
	          "_tilectl()\n{\n"
	          "\tlocal word=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
	          "\tlocal command=\"${COMP_WORDS[1]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
	          "\tCOMPREPLY=()\n"
	          "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords=\"");
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->run)
			text_addf(out, "%s%s", i ? " " : "", commands[i]->name);
	text_adds(out,
	          "\"\n\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n\t\treturn\n\tfi\n"
	          "\tcase \"$command:$before\" in\n");
	add_choices(out);
	text_adds(out, "\t*) case \"$word\" in\n\t-*) case \"$command\" in\n");
	add_options(out);
	text_adds(out,
	          "\tesac ;;\n\t*) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n\tesac ;;\n"
	          "\tesac\n"
	          "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
	          "complete -o filenames -F _tilectl tilectl\n");
}
