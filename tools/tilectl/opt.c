#include "tools/tilectl/opt.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tools/tilectl/ways.h"

const struct option opt_table[N_OPTS] = {
	[OPT_ARRAY] = { "array", "NAME", NULL, "the array", false },
	[OPT_HISTORY_ARRAY] = { "array", "NAME", NULL, "only versions that changed its cells",
	                        false },
	[OPT_CREATE] = { "create", NULL, NULL,
	                 "make the array, which must be new, and the store where there is none "
	                 "(default)",
	                 false },
	[OPT_APPEND] = { "append", NULL, NULL, "add to an array that exists", false },
	[OPT_KIND] = { "kind", "KIND", "table|sparse|dense",
	               "kind of the new array (table; sparse with --dims)", false },
	[OPT_DIMS] = { "dims", "A,B", NULL, "columns that are the dimensions, in order", false },
	[OPT_CELLS] = { "cells", "HOW", "unique|repeated",
	                "whether a second put of a key is a new version (unique) or another cell",
	                false },
	[OPT_KEY_COLUMN] = { "key-column", "COL", NULL,
	                     "table: the attribute by which rows are found", false },
	[OPT_KEYS] = { "keys", "HOW", "unique|many",
	               "whether one row at most may have a key, or many may (many)", false },
	[OPT_ROW_ID] = { "row-id", "COL", NULL, "column with the ids of table rows to update",
	                 false },
	[OPT_DOMAIN] = { "domain", "'X=0:99'", NULL, "domain of dimensions, inclusive", false },
	[OPT_TILE] = { "tile", "'X=256'", NULL, "extent of a tile along dimensions", false },
	[OPT_FILL] = { "fill", "'A=0'", NULL, "what unwritten dense cells read as", false },
	[OPT_TILE_ORDER] = { "tile-order", "ORDER", "hilbert|row|column|z",
	                     "order of the tiles (hilbert)", false },
	[OPT_PROFILE] = { "profile", "PROFILE", "fast|balanced|dense", "encoding effort (balanced)",
	                  false },
	[OPT_VALID_FROM] = { "valid-from", "COL", NULL,
	                     "column with the start of validity, null: open", false },
	[OPT_VALID_UNTIL] = { "valid-until", "COL", NULL,
	                      "column with the end of validity, null: open", false },
	[OPT_SYSTEM_TIME_COLUMN] = { "system-time", "COL", NULL,
	                             "column with the rows' own system times: a ledger", false },
	[OPT_ROW_KIND] = { "row-kind", "COL", NULL, "column with the row kinds of a ledger",
	                   false },
	[OPT_PART_ROWS] = { "part-rows", "N", NULL,
	                    "a ledger: about how many rows a commit takes (4194304)", false },
	[OPT_KEY] = { "key", "WRITER[:SEQUENCE]", NULL,
	              "idempotency key: the same import again adds nothing (SEQUENCE 1)", false },
	[OPT_VERIFY] = { "verify", NULL, NULL,
	                 "read the source again and compare its bits with what was stored", false },
	[OPT_FILE_FORMAT] = { "file-format", "KIND", WAY_NAMES,
	                      "what the file is, whatever its name says", false },
	[OPT_TYPES] = { "types", "'A=int64'", NULL,
	                "types of columns of CSV or NDJSON, as schema prints them, not to be guessed",
	                false },
	[OPT_NULLS] = { "nulls", "NA,null", NULL,
	                "words that stand for null in CSV, beside the empty field", false },
	[OPT_DELIMITER] = { "delimiter", "CHAR", NULL,
	                    "what parts the fields of CSV (comma; .tsv: tab)", false },
	[OPT_VECTORS] = { "vectors", "HOW", "list|columns",
	                  "what the axes after the first of a NumPy array become (list)", false },
	[OPT_REPLACE] = { "replace", NULL, NULL, "put the file in place of one of that name",
	                  false },
	[OPT_AT] = { "at", "'X=1,Y=2'", NULL, "the cell: a value for every dimension", false },
	[OPT_COLUMNS] = { "columns", "A,B", NULL, "only these columns, in this order", false },
	[OPT_WHERE] = { "where", "EXPR", NULL, "only rows for which EXPR is true", false },
	[OPT_BOX] = { "box", "'X=1:5,Y=:10'", NULL, "only cells of the box, ends included", false },
	[OPT_AS_OF] = { "as-of", "TIME", NULL, "as the store knew it at this system time", false },
	[OPT_VERSION] = { "version", "N", NULL, "as of version N of the store", false },
	[OPT_VALID_AT] = { "valid-at", "TIME", NULL, "only what holds at this valid time", false },
	[OPT_VALID_RANGE] = { "valid-range", "A:B", NULL, "only what holds in [A, B), cut to it",
	                      false },
	[OPT_SYSTEM_RANGE] = { "system-range", "A:B", NULL, "all that answered in [A, B)", false },
	[OPT_ALL_VERSIONS] = { "all-versions", NULL, NULL,
	                       "every stored row with its times, deletions and erasures too",
	                       false },
	[OPT_KINDS] = { "kinds", "K,K", NULL, "row kinds to show: live, tombstone, erased", false },
	[OPT_TIMES] = { "times", NULL, NULL, "add the columns of times and row kind", false },
	[OPT_TIME_FORMAT] = { "time-format", "FORM", "rfc3339|int",
	                      "times of rows as RFC 3339 or as integers of their unit", false },
	[OPT_SKIP_DAMAGED] = { "skip-damaged", NULL, NULL, "leave damaged tiles out, exit 3",
	                       false },
	[OPT_LIMIT] = { "limit", "N", NULL, "at most N rows, counted after every filter", false },
	[OPT_SELECT] = { "select", "'F(A),..'", NULL, "what to compute: 'count(), mean(a)'",
	                 false },
	[OPT_BY] = { "by", "A,B", NULL, "one row per group of equal values of these columns",
	             false },
	[OPT_SYSTEM_TIME] = { "system-time", "TIME", NULL, "system time of this commit", false },
	[OPT_ADD] = { "add", "'A=TYPE'", NULL, "attributes to add; 'A=TYPE:FILL': required",
	              false },
	[OPT_DROP] = { "drop", "A,B", NULL, "attributes to drop", false },
	[OPT_RENAME] = { "rename", "'A=B'", NULL, "attributes to rename, old name first", false },
	[OPT_WIDEN] = { "widen", "'A=TYPE'", NULL, "attributes to give a type of more bits",
	                false },
	[OPT_SET] = { "set", "'KEY=VALUE'", NULL, "metadata to set, of the array or of --of",
	              false },
	[OPT_UNSET] = { "unset", "KEY,KEY", NULL, "metadata to remove, likewise", false },
	[OPT_OF] = { "of", "A", NULL, "the attribute that --set and --unset speak of", false },
	[OPT_CHECK] = { "check", "'A=LO:HI'", NULL,
	                "rules that rows to come must keep: a range, or 'A=nonempty'", false },
	[OPT_UNCHECK] = { "uncheck", "RULE,RULE", NULL, "rules to give up", false },
	[OPT_RESIZE] = { "resize", "'X=HI'", NULL, "dense: new upper bounds of dimensions", false },
	[OPT_RETAIN] = { "retain", "DURATION|keep", NULL,
	                 "how long superseded rows are kept before a merge may drop them", false },
	[OPT_RETAIN_FLOOR] = { "retain-floor", "DURATION", NULL,
	                       "the least that --retain may ever say; it can be raised only",
	                       false },
	[OPT_TO] = { "to", "NAME", NULL, "the new name", false },
	[OPT_FROM_TIME] = { "from", "TIME", NULL, "the earlier system time", false },
	[OPT_TO_TIME] = { "to", "TIME", NULL, "the later system time (the last)", false },
	[OPT_FORGET] = { "forget", NULL, NULL, "the keys go as well: then they are not found",
	                 false },
	[OPT_NOW] = { "now", NULL, NULL, "take the bytes out of every file before it ends", false },
	[OPT_METADATA] = { "metadata", "all|2,5:9", NULL,
	                   "with --now: the metadata of these commits goes as well", false },
	[OPT_WAIT] = { "wait", "DURATION", NULL, "with --now: how long to wait for open snapshots",
	               false },
	[OPT_NEEDLE] = { "needle", "VALUE", NULL, "search for it in every file; may come again",
	                 false },
	[OPT_INTO] = { "into", "STORE", NULL, "another store for the copy", false },
	[OPT_RECHUNK] = { "rechunk", "'X=256'", NULL,
	                  "new extents of tiles: everything is written anew", false },
	[OPT_TILE_CELLS] = { "tile-cells", "N", NULL,
	                     "new size of tiles, at most 65536: everything is written anew",
	                     false },
	[OPT_NEW_PROFILE] = { "profile", "PROFILE", "fast|balanced|dense",
	                      "new encoding effort: everything is written anew", false },
	[OPT_GRACE] = { "grace", "DURATION", NULL, "keep files younger than this (24h)", false },
	[OPT_DRY_RUN] = { "dry-run", NULL, NULL, "say what would go, remove nothing", false },
	[OPT_RUN] = { "run", NULL, NULL, "read it too, and say what was read", false },
	[OPT_DEEP] = { "deep", NULL, NULL, "decode everything and check the statistics too",
	               false },
	[OPT_FORMAT] = { "format", "FORMAT", "text|csv|json|ndjson",
	                 "form of what is printed (text)", false },
	[OPT_MAN] = { "man", NULL, NULL, "print the manual page as roff", false },
	[OPT_HELP] = { "help", NULL, NULL, "print help of the command", false },
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int usage(const struct args *args, const char *format, ...)
{
	va_list list;

	fputs("tilectl: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, " (see tilectl %s --help)\n", args->command->name);
	return EXIT_USAGE;
}

int not_built(const char *what)
{
	return fail_with(EXIT_USAGE, "%s is not built yet", what);
}

/* ---- reading the words ------------------------------------------------------------------------ */

/* The option of the command whose name the word starts with; OPT_END where there is none. */
static enum opt_id find_option(const struct command *command, const char *name, size_t len)
{
	for (const enum opt_id *id = command->opts; *id != OPT_END; id++) {
		const char *known = opt_table[*id].name;

		if (strlen(known) == len && !memcmp(known, name, len))
			return *id;
	}
	return len == 4 && !memcmp(name, "help", 4) ? OPT_HELP : OPT_END;
}

/* Whether `value` is one of "a|b|c"; its position. */
static bool find_choice(const char *choices, const char *value, size_t *position_out)
{
	size_t len = strlen(value);

	for (size_t i = 0;; i++) {
		size_t n = strcspn(choices, "|");

		if (n == len && !memcmp(choices, value, n)) {
			*position_out = i;
			return true;
		}
		if (!choices[n])
			return false;
		choices += n + 1;
	}
}

static int keep_option(struct args *args, enum opt_id id, const char *value)
{
	const struct option *option = &opt_table[id];
	size_t position;

	if (id == OPT_NEEDLE) {
		if (args->n_needles == MAX_NEEDLES)
			return usage(args, "--needle can come %d times", MAX_NEEDLES);
		args->needle[args->n_needles++] = value;
		return EXIT_OK;
	}
	if (args->value[id])
		return usage(args, "--%s is given twice", option->name);
	if (option->choices && !find_choice(option->choices, value, &position))
		return usage(args, "--%s must be one of %s, not '%s'", option->name,
		             option->choices, value);
	args->value[id] = value;
	return EXIT_OK;
}

/* Reads the option at words[*at], with its value, and moves *at to the last word used. */
static int read_option(struct args *args, int n_words, char **words, int *at)
{
	const char *name = words[*at] + 2, *given = strchr(name, '=');
	size_t len = given ? (size_t)(given - name) : strlen(name);
	enum opt_id id = find_option(args->command, name, len);

	if (id == OPT_END)
		return usage(args, "there is no option '%s'", words[*at]);
	if (!opt_table[id].value)
		return given ? usage(args, "--%s takes no value", opt_table[id].name)
		             : keep_option(args, id, "");
	if (given)
		return keep_option(args, id, given + 1);
	if (*at + 1 == n_words)
		return usage(args, "--%s needs its value: %s", opt_table[id].name,
		             opt_table[id].value);
	return keep_option(args, id, words[++*at]);
}

/* How many operands there must be at the least, and may be at the most. */
static void count_operands(const char *operands, size_t *least_out, size_t *most_out)
{
	*least_out = *most_out = 0;
	while (*operands) {
		*least_out += *operands != '[';
		++*most_out;
		operands += strcspn(operands, " ");
		operands += strspn(operands, " ");
	}
}

static int check(const struct args *args)
{
	const struct command *command = args->command;
	size_t least, most;

	if (args->value[OPT_HELP])
		return EXIT_OK;
	count_operands(command->operands, &least, &most);
	if (args->n_operands < least)
		return usage(args, "tilectl %s needs %s", command->name, command->operands);
	for (enum opt_id id = OPT_END; id < N_OPTS; id++)
		if (args->value[id] && opt_table[id].later) {
			char name[32];

			snprintf(name, sizeof name, "--%s", opt_table[id].name);
			return not_built(name);
		}
	if (command->needs_array && !args->value[OPT_ARRAY])
		return usage(args, "tilectl %s needs --array NAME", command->name);
	return EXIT_OK;
}

int args_read(const struct command *command, int n_words, char **words, struct args *args_out)
{
	bool options = true;
	size_t least, most;

	memset(args_out, 0, sizeof *args_out);
	args_out->command = command;
	count_operands(command->operands, &least, &most);
	for (int i = 0; i < n_words; i++) {
		int code = EXIT_OK;

		if (options && !strcmp(words[i], "--"))
			options = false;
		else if (options && !strcmp(words[i], "-h"))
			args_out->value[OPT_HELP] = "";
		else if (options && !strncmp(words[i], "--", 2))
			code = read_option(args_out, n_words, words, &i);
		else if (options && words[i][0] == '-' && words[i][1])
			code = usage(args_out, "there is no option '%s'", words[i]);
		else if (args_out->n_operands == most)
			code = usage(args_out, "'%s' is one word too many", words[i]);
		else
			args_out->operand[args_out->n_operands++] = words[i];
		if (code != EXIT_OK)
			return code;
	}
	return check(args_out);
}

size_t args_choice(const struct args *args, enum opt_id id, size_t otherwise)
{
	size_t position = otherwise;

	if (args->value[id])
		find_choice(opt_table[id].choices, args->value[id], &position);
	return position;
}

enum format args_format(const struct args *args)
{
	return (enum format)args_choice(args, OPT_FORMAT, FORMAT_TEXT);
}

enum time_style args_time_style(const struct args *args)
{
	return (enum time_style)args_choice(args, OPT_TIME_FORMAT, TIMES_RFC3339);
}

int args_exclude(const struct args *args, enum opt_id a, enum opt_id b)
{
	if (!args->value[a] || !args->value[b])
		return EXIT_OK;
	return usage(args, "--%s and --%s exclude each other", opt_table[a].name,
	             opt_table[b].name);
}
