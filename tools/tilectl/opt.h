/* The one table of options and the one table of commands: parsing, --help, the man page and the
 * completion script are all made from them, so they cannot differ.
 *
 *   cmd_*.c   struct command { name, operands, options, run }      commands.c   the list
 *   opt.c     struct option { name, value, help }, the parser      help.c man.c completion.c
 *
 * An option that takes a value takes the next word, whatever it begins with (or --name=value).
 * "--" ends the options. A command without `run`, and an option marked `later`, belong to the
 * grammar but are not built yet: they are recognised and answered with exit code 2.
 */
#ifndef TILECTL_OPT_H
#define TILECTL_OPT_H
#include "engine/tegula.h"
#include "tools/tilectl/fail.h"
#include "tools/tilectl/report.h"

enum opt_id {
	OPT_END = 0, /* ends a command's list */
	OPT_ARRAY,
	OPT_HISTORY_ARRAY,
	OPT_CREATE,
	OPT_APPEND,
	OPT_KIND,
	OPT_DIMS,
	OPT_CELLS,
	OPT_KEY_COLUMN,
	OPT_KEYS,
	OPT_ROW_ID,
	OPT_DOMAIN,
	OPT_TILE,
	OPT_FILL,
	OPT_TILE_ORDER,
	OPT_PROFILE,
	OPT_VALID_FROM,
	OPT_VALID_UNTIL,
	OPT_SYSTEM_TIME_COLUMN,
	OPT_ROW_KIND,
	OPT_KEY,
	OPT_PART_ROWS,
	OPT_VERIFY,
	OPT_FILE_FORMAT,
	OPT_TYPES,
	OPT_NULLS,
	OPT_DELIMITER,
	OPT_REPLACE,
	OPT_VECTORS,
	OPT_AT,
	OPT_COLUMNS,
	OPT_WHERE,
	OPT_BOX,
	OPT_AS_OF,
	OPT_VERSION,
	OPT_VALID_AT,
	OPT_VALID_RANGE,
	OPT_SYSTEM_RANGE,
	OPT_ALL_VERSIONS,
	OPT_KINDS,
	OPT_TIMES,
	OPT_TIME_FORMAT,
	OPT_SKIP_DAMAGED,
	OPT_LIMIT,
	OPT_SELECT,
	OPT_BY,
	OPT_SYSTEM_TIME,
	OPT_ADD,
	OPT_DROP,
	OPT_RENAME,
	OPT_WIDEN,
	OPT_SET,
	OPT_UNSET,
	OPT_OF,
	OPT_CHECK,
	OPT_UNCHECK,
	OPT_RESIZE,
	OPT_RETAIN,
	OPT_RETAIN_FLOOR,
	OPT_TO,
	OPT_INTO,
	OPT_FROM_TIME,
	OPT_TO_TIME,
	OPT_FORGET,
	OPT_NOW,
	OPT_METADATA,
	OPT_WAIT,
	OPT_NEEDLE,
	OPT_RECHUNK,
	OPT_TILE_CELLS,
	OPT_NEW_PROFILE,
	OPT_GRACE,
	OPT_DRY_RUN,
	OPT_RUN,
	OPT_DEEP,
	OPT_FORMAT,
	OPT_MAN,
	OPT_HELP,
	N_OPTS
};

struct option {
	const char *name;    /* without the dashes */
	const char *value;   /* what stands for its value in help; NULL: a flag */
	const char *choices; /* "a|b|c": the only values; NULL: any */
	const char *help;
	bool later;
};
extern const struct option opt_table[N_OPTS];

#define MAX_OPERANDS 2
#define MAX_NEEDLES 64

struct args {
	const struct command *command;
	const char *value[N_OPTS]; /* "" for a flag; NULL: not given */
	const char *operand[MAX_OPERANDS];
	size_t n_operands;
	const char *needle[MAX_NEEDLES]; /* the one option that may come again */
	size_t n_needles;
};

struct command {
	const char *name;
	const char *operands; /* "FILE STORE": all are needed; "[COMMAND]": may be left out */
	const char *summary;  /* one line, no full stop */
	const char *text;     /* paragraphs for its help, or NULL */
	const enum opt_id *opts;
	bool needs_array;
	int (*run)(const struct args *args);
};
/* Ends with a command without name. */
extern const struct command *const commands[];

const struct command *command_find(const char *name);
/* The options of scans, to be listed by the commands that take them. */
#define SCAN_OPTS                                                                               \
	OPT_COLUMNS, OPT_WHERE, OPT_BOX, OPT_AS_OF, OPT_VERSION, OPT_VALID_AT, OPT_VALID_RANGE, \
		OPT_SYSTEM_RANGE, OPT_ALL_VERSIONS, OPT_KINDS, OPT_TIMES, OPT_TIME_FORMAT,      \
		OPT_SKIP_DAMAGED

/* Reads the words after the command's name. The words must outlive `args_out`. EXIT_OK or
 * EXIT_USAGE, said on stderr. --help is given to the caller like any other option. */
int args_read(const struct command *command, int n_words, char **words, struct args *args_out);

/* The position of the value among the option's choices; `otherwise` where it is not given. */
size_t args_choice(const struct args *args, enum opt_id id, size_t otherwise);
enum format args_format(const struct args *args);
enum time_style args_time_style(const struct args *args);
/* Says that the command line makes no sense and where help is; EXIT_USAGE. */
int usage(const struct args *args, const char *format, ...) TEG_PRINTF(2, 3);
int not_built(const char *what);
/* EXIT_USAGE where both are given. */
int args_exclude(const struct args *args, enum opt_id a, enum opt_id b);

/* Each prints to `out`: of one command, or of all where `command` is NULL. */
void help_add(struct text *out, const struct command *command);
void man_add(struct text *out);
void completion_add_bash(struct text *out);
#endif
