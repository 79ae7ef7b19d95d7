/* The files of a directory that together are one source, in the order of their numbers.
 *
 *   part-1.parquet part-2.parquet part-10.parquet      (not part-1 part-10 part-2)
 *
 * Names that begin with a dot or an underscore are nobody's data. Numbers in names are compared as
 * numbers. Names that differ in one number only are a sequence, in which no number between the
 * first and the last may be missing; dates (2013-01-05: digits before the number, one sign between)
 * are none.
 */
#ifndef TILECTL_PARTS_H
#define TILECTL_PARTS_H
#include <stdbool.h>
#include <stddef.h>
#include "tools/tilectl/fail.h"

struct parts {
	char **at; /* paths */
	size_t n;
};

/* Orders names of files; negative, 0 or positive. */
int parts_compare(const char *a, const char *b);
/* Whether sorted names have no gap; else which number is missing. */
bool parts_are_whole(char *const *names, size_t n, struct why *why);
/* Lists the directory. An exit code, said on stderr: nothing in it, something that is no plain file,
 * a number that is missing. */
int parts_list(const char *directory, struct parts *parts_out);
void parts_free(struct parts *parts);
#endif
