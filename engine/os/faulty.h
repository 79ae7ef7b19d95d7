/* Wraps an os and makes the n-th call through it fail, once or from then on.
 *
 * Counts every call of the table that can fail, in order, from 1. faulty_kill() makes that call and
 * all after it fail with EIO without reaching the inner os, as if the process had died there; close
 * still closes, as the death of a process does. The test then throws the handles away, cuts the
 * power of the inner memory os, and opens again.
 */
#ifndef TEG_ENGINE_OS_FAULTY_H
#define TEG_ENGINE_OS_FAULTY_H
#include "engine/os/os.h"

/* Does not own `inner`. NULL: no memory. */
struct os *os_faulty_new(struct os *inner, const teg_allocator *alloc);

/* Call number n (counted from now, 1 = the next) fails with this errno; `forever` = every later
 * one too. n = 0: no failure. Short reads and writes: errno 0 makes a read or write of call n move
 * one byte only (a correct caller goes on), and is no failure for other calls. */
void faulty_set(struct os *os, uint64_t n, int os_errno, bool forever);
void faulty_kill(struct os *os, uint64_t n);
/* Only calls that change the disk count: create, write, sync, link, rename, unlink, mkdir and
 * sync_dir. */
void faulty_count_changes_only(struct os *os, bool on);
/* With faulty_set, a call that changes the disk does its work and fails all the same, as where the
 * reply of a network file system is lost. Other calls just fail. */
void faulty_lose_answer(struct os *os, bool on);
/* Calls counted since the last faulty_set or faulty_kill. */
uint64_t faulty_calls(const struct os *os);
/* True where the n-th call was reached. */
bool faulty_hit(const struct os *os);

/* The barrier audit: true as long as no link() has published a name whose file was not synced.
 * Checked at each link, where the inner os is a `memory` one; true with any other. */
bool faulty_barriers_held(const struct os *os);
#endif
