/* Pairs of numbers sorted in bounded memory: runs of them go to a file of their own once there are
 * many, and come back merged.
 *
 *   add ──> [ up to SPOOL_PAIRS in memory ] ──sort──> run ──┐
 *                                           ──sort──> run ──┴─merge──> next, next, ...
 *
 * The file lies beside the one it is made for, under the same writer's pin, and is removed with the
 * spool; after a crash it is a file that nothing refers to, which vacuum finds. It is private to the
 * call that writes it, so its bytes carry no checksum.
 */
#ifndef TEG_ENGINE_WRITE_SPOOL_H
#define TEG_ENGINE_WRITE_SPOOL_H
#include "engine/os/os.h"

#define SPOOL_PAIRS (1u << 20) /* kept in memory: 16 MiB, and half as much again while sorting */

struct spool_pair {
	uint64_t key, value;
};

struct spool;
/* `path`: of the file, made when there are more than `most` pairs (0: SPOOL_PAIRS). NULL: no memory. */
struct spool *spool_new(struct os *os, const char *path, size_t most, const teg_allocator *alloc);
/* Removes the file. NULL is fine. */
void spool_free(struct spool *spool);
/* TEG_NOMEM, TEG_IO. */
teg_status spool_add(struct spool *spool, uint64_t key, uint64_t value, teg_error *err);
/* After the last pair: sorts what is left. */
teg_status spool_finish(struct spool *spool, teg_error *err);
/* The next pairs by key, pairs of one key as they were added, up to `max`: *n_out 0 at the end. */
teg_status spool_next(struct spool *spool, struct spool_pair *pairs_out, size_t max, size_t *n_out,
                      teg_error *err);
#endif
