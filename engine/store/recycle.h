/* The store's allocator: hands out the caller's memory and keeps large blocks that come back.
 *
 * The first touch of fresh pages runs at a tenth of the speed of decoding, so what one read gives
 * back the next one takes. Everything of a store uses it: columns, batches, pages, sort runs.
 * Small requests pass through. Blocks come in classes, four to a doubling; one up to twice as large
 * as asked for will do. At most RECYCLE_KEEP bytes lie idle, and where none fits all but
 * RECYCLE_FLOOR go back first, so that old blocks are no burden on top of new ones.
 *
 *   block   [ next | class size ] [ what the caller sees ........ ]
 *
 * Batches outlive their store, and the last block to come back frees the recycler. Safe between
 * threads where the allocator below is.
 */
#ifndef TEG_ENGINE_STORE_RECYCLE_H
#define TEG_ENGINE_STORE_RECYCLE_H
#include "codec/base/alloc.h"

#define RECYCLE_FROM ((size_t)8 << 10)  /* bytes: smaller blocks are the allocator's own */
#define RECYCLE_KEEP ((size_t)32 << 20) /* bytes idle */
#define RECYCLE_FLOOR ((size_t)2 << 20) /* of them kept where none fits */

struct recycler;

/* NULL: no memory. `under` must outlive every block. */
struct recycler *recycler_new(const teg_allocator *under);
/* No more reads: gives idle blocks back, and itself once the last block is back. */
void recycler_close(struct recycler *recycler);
const teg_allocator *recycler_allocator(const struct recycler *recycler);
/* Bytes that lie idle. */
size_t recycler_idle(struct recycler *recycler);
#endif
