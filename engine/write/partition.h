/* Rows brought near to where they are needed, before tiles are gathered from them.
 *
 * A tile's rows lie all over what was staged, and fetching them one by one misses the caches once for
 * every value. Here each column is read once from front to back and dealt out to some hundred places,
 * one for the rows of each run of positions; a tile then gathers from memory that fits the caches.
 * Measured on 5 M rows: 11 ms for a column of 8 bytes, against 40.
 *
 *   staged   r0 r1 r2 r3 r4 r5 ...        perm   4 0 2 | 5 1 3
 *   after    r0 r2 r4 | r1 r3 r5          perm   2 0 1 | 5 3 4
 *
 * Private to engine/write. */
#ifndef TEG_ENGINE_WRITE_PARTITION_H
#define TEG_ENGINE_WRITE_PARTITION_H
#include "engine/write/rows.h"

/* Changes the order of `rows`, and perm[0 .. n) so that it names the same rows in the same order.
 * Rows that perm does not name are dropped. Rows of one cell keep their order, so that a commit that
 * fails later may be tried again. Needs one spare column of each width; where rows are few or memory
 * is short all stays as it is. */
void rows_partition(struct rows *rows, uint32_t *perm, uint32_t n);
#endif
