/* A disk in memory behind calls that can be made to fail, for tests that lose the n-th of them.
 *
 *   fragile_init(&f, n);   faulty_set(f.os, n, EIO, false);   work(f.os, &f.mem.alloc);
 *   hit = fragile_heal(&f);      what is left is f.disk
 *   fragile_release(&f);         fails the test where memory leaked
 */
#ifndef TEG_TESTS_SUPPORT_FRAGILE_H
#define TEG_TESTS_SUPPORT_FRAGILE_H
#include "engine/os/faulty.h"
#include "engine/os/memory.h"
#include "tests/support/memory.h"

struct fragile {
	struct memory mem;
	struct os *disk, *os; /* os: NULL once it is healed */
};

/* `seed`: of the random bytes that the os gives. */
void fragile_init(struct fragile *f, uint64_t seed);
/* Takes the faults away; whether a call met one. Fails the test where something was linked before it was
 * synced. */
bool fragile_heal(struct fragile *f);
void fragile_release(struct fragile *f);
#endif
