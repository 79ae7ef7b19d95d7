/* The scan options of the command line as the library takes them. */
#ifndef TILECTL_SCAN_ARGS_H
#define TILECTL_SCAN_ARGS_H
#include "engine/tegula.h"
#include "tools/tilectl/box.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/slices.h"
#include "tools/tilectl/word.h"

struct scan_args {
	teg_scan_options options; /* points into the rest of this struct */
	struct word_names columns;
	struct box box;
	struct slices slices;
	teg_predicate *predicate;
	uint64_t n_damages; /* that --skip-damaged left out, each said on stderr */
	bool no_rows;       /* --limit 0: the schema, but no row */
};

/* Reads everything that needs no array. An exit code, said on stderr. Release in any case. */
int scan_args_read(struct scan_args *scan, const struct args *args);
/* The same for a scan of changes, between --from and --to. */
int scan_args_read_changes(struct scan_args *scan, const struct args *args);
/* Reads the box, whose values have the types of the array's dimensions. */
int scan_args_bind(struct scan_args *scan, const struct args *args, teg_array *array);
/* EXIT_LOSS where a command ended well but left something out; else `code`. */
int scan_args_loss(const struct scan_args *scan, int code);
void scan_args_release(struct scan_args *scan);

/* Reads --where into *predicate_out, NULL where it is not given. */
int read_predicate(const struct args *args, teg_predicate **predicate_out);
/* Reads --box; *box_out is empty and *given_out false where it is not given. */
int read_box(const struct args *args, const teg_array *array, struct box *box_out, bool *given_out);
/* Reads --as-of, --version and --valid-at for point reads. */
int read_point_time(const struct args *args, teg_read_options *options_out);
#endif
