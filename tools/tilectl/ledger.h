/* A ledger on its way in: too long for one commit, it is published in parts, each the rows of a range
 * of system times, so that no time is ever in two of them. A part is all or nothing, and a run that was
 * cut off goes on behind the last one: each says in the store's history whose part it is.
 *
 *   file    x 1 2 3 1 2 1      times are looked at first, where the file is longer than one part
 *           t 1 1 2 5 6 9      parts  (.., 2]  (2, 6]  (6, ..]
 */
#ifndef TILECTL_LEDGER_H
#define TILECTL_LEDGER_H
#include "tools/tilectl/source.h"

struct ledger {
	teg_store *store;
	struct source *source;
	const char *array;
	const teg_spec *spec; /* of the array to be made; NULL: it is there */
	teg_put_options put;
	teg_txn_options txn; /* the key, where there is one */
	uint64_t part_rows;
	/* the file's times */
	int64_t *samples; /* of every `stride`-th row */
	size_t n_samples;
	uint64_t n_rows, stride;
	int64_t newest; /* of the rows so far */
	bool ascends;
	/* the end of each part but the last */
	int64_t *cuts;
	size_t n_cuts;
	/* what the store has of it */
	char key[300];
	bool found, finished; /* some part; all */
	int64_t after;        /* system time of the newest part */
	/* the sum of what was published, and the newest commit's own */
	teg_commit_result result;
};

/* Looks in the array, which has that key's parts or not. */
teg_status ledger_look(struct ledger *ledger, teg_array *array, teg_error *err);
/* Publishes what the store does not have. After TEG_IO the source's own error may say more. */
teg_status ledger_import(struct ledger *ledger, teg_error *err);
void ledger_release(struct ledger *ledger);
#endif
