/* Unique keys: no two live rows of a table hold one value of its key attribute at the same valid time.
 * format-spec/schema.md, UNIQUE-1 to UNIQUE-4.
 *
 * What segments carry to find keys tells the codes that several rows may hold; whether they do, at the
 * array's last system time, the one resolved scan tells.
 *
 *   key indexes of new segments ──> codes, sorted, block by block ──┐
 *   key indexes of the others, where they have such codes ──────────┴──> codes of several rows
 *                                                                              │
 *   a value that two rows hold at once <── values and intervals <── scan of these rows
 *
 * Memory is bounded by a block, and by the rows that ever held the codes of one.
 */
#ifndef TEG_ENGINE_UNIQUE_UNIQUE_H
#define TEG_ENGINE_UNIQUE_UNIQUE_H
#include "engine/store/store.h"

struct clash {
	bool found;
	int64_t rows[2]; /* ids, the smaller one first */
	char key[96];    /* the value as text, cut where it is long */
};

/* Finds two rows with one key, of which at least one comes out of a segment of version `since` or
 * later; 0: any two. */
teg_status unique_check(struct teg_array *array, uint64_t since, struct clash *clash_out,
                        teg_error *err);
#endif
