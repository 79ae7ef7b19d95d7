/* The kinds of file that data comes from and goes to: one table for import, export, help, the man
 * page and completion.
 *
 *   FILE.arrow  --way_of--> "arrow"   read ways.c source.c   write export_way
 *
 * The end of a file's name says its kind, or --file-format does; "-", stdin or stdout, needs it.
 */
#ifndef TILECTL_WAYS_H
#define TILECTL_WAYS_H
#include "engine/tegula.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/target.h"

#define WAY_NAMES "parquet|arrow|csv|ndjson|npy|npz"

/* One file that is read: a part of what an import is given. */
struct part {
	const char *path;
	int fd;                    /* stdin; -1: a file at `path` */
	const struct reading *how; /* source.h */
};

/* What an export writes and where. */
struct way_out {
	const struct args *args;
	teg_array *array;
	const teg_scan_options *scan;
	struct target *target;
};

struct way {
	const char *name;
	const char *endings; /* ".arrow .feather": the first is the usual one */
	const char *what;    /* for help */
	bool from_pipe;      /* it can be read front to back */
	/* Exit codes, said on stderr. NULL: cannot be written. */
	int (*open)(const struct part *part, struct ArrowArrayStream *stream_out);
	int (*write)(const struct way_out *out);
};
/* Ends with one without a name; in the order of WAY_NAMES. */
extern const struct way ways[];

/* By the end of the name; NULL where it says nothing. */
const struct way *way_by_name(const char *path);
/* The way of --file-format or of the name: EXIT_USAGE, said with the list, where neither says. */
int way_of(const struct args *args, const char *path, const struct way **way_out);
/* The table as lines of help. */
void ways_add_help(struct text *out);
#endif
