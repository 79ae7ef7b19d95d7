/* Where the ceiling of a key goes that has grown too long for memory (engine/time/derive.h): a file of
 * spans in the order of valid time, written anew each time the list above it is full.
 *
 *   page 0 [ from ceiling | from ceiling | ... ]  page 1 [ ... ]     each span ends where the next begins
 *   in memory: where each page begins, the lowest and highest ceiling in it, and its checksum
 *
 * So a look at a short interval reads one page, at a long one the two at its ends. What no version that
 * is still to come reaches is left out: histories that come in the order of their valid time, either
 * way, never make a long file. It lies beside the segments and is removed with the overflow; after a
 * crash it is a file that nothing refers to, which vacuum finds.
 */
#ifndef TEG_ENGINE_MERGE_OVERFLOW_H
#define TEG_ENGINE_MERGE_OVERFLOW_H
#include "engine/store/store.h"
#include "engine/time/derive.h"

struct overflow;
/* For lists of up to `memory` bytes. NULL: no memory. */
struct overflow *overflow_new(struct teg_store *store, size_t memory, const teg_allocator *alloc);
/* Removes the file. NULL is fine. */
void overflow_free(struct overflow *overflow);
/* For a new key: nothing is below it. */
struct below *overflow_begin(struct overflow *overflow);
/* No version of the key that is still to come is valid outside [from, until). */
void overflow_needs(struct overflow *overflow, int64_t from, int64_t until);
#endif
