/* Touching every value of an Arrow batch, at the speed of memory. */
#ifndef TEG_BENCH_SUM_H
#define TEG_BENCH_SUM_H
#include <stddef.h>
#include <stdint.h>

#include "engine/tegula.h"

/* The sum of the 64-bit words of a buffer and of the bytes left over. */
uint64_t sum_bytes(const void *buffer, size_t len);

/* The sum over validity, offsets and values of every column of a batch (scalar columns, text with
 * 32-bit offsets). */
uint64_t sum_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch);
#endif
