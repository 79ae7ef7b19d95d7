/* import --verify: reads the source a second time and the rows as the commit stored them, and
 * compares their bits.
 *
 *   rows of a table       one after another: the order of the source is that of the rows
 *   other rows            as a set with repeats: every row of the source has its own in the store
 *   a NumPy array         box by box
 *
 * The store is read as of the commit's system time and for that time's rows only, so other writers
 * do not matter. A row of the source that a later row of the same cell replaced is a difference.
 */
#ifndef TILECTL_VERIFY_H
#define TILECTL_VERIFY_H
#include "tools/tilectl/npy_dense.h"
#include "tools/tilectl/source.h"

struct verify {
	teg_store *store;
	const char *array;
	const char *path; /* of the source */
	int64_t system_time;
	const teg_put_options *put;
};

/* EXIT_OK where all bits are there; else EXIT_FAILED, and the first column and row that differ are
 * said on stderr. */
int verify_rows(const struct verify *verify, struct source *source);
int verify_dense(const struct verify *verify, struct npy_dense *dense);
#endif
