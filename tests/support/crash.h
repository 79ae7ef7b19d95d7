/* Fails, kills or cuts the power at every single call that a body of code makes to its os, and lets
 * a test look at what is left. Written once, so that each test of the store is three functions.
 *
 *   prepare -> disk in memory -> copy -> body, its n-th call failing -> check    n = 1, 2, ..
 *                                                `-> copy, power cut -> check    per state
 *
 * Each function below goes on until n is beyond the last call; that last run must return TEG_OK and
 * is checked too. On top of that every run asserts that nothing leaked and that nothing was linked
 * before it was synced.
 */
#ifndef TEG_TESTS_SUPPORT_CRASH_H
#define TEG_TESTS_SUPPORT_CRASH_H
#include "engine/os/os.h"

struct crash_point {
	uint64_t n;  /* the call, from 1 */
	bool hit;    /* false: the body ended before its n-th call */
	bool killed; /* that call and all later ones never happened */
	bool cut;    /* the power went too: what `keep` chose survived (see memory.h) */
	uint64_t keep;
	bool answer_lost; /* the call did its work and failed all the same */
	int os_errno;
	bool forever;      /* the later calls failed too */
	teg_status status; /* what the body returned */
	char text[160];    /* all of this, for assertion messages */
};

struct crash_case {
	/* Brings a new memory os, in which not even the root exists, to where the body starts. */
	void (*prepare)(struct os *os, void *ctx);
	/* Runs many times. Must close what it opens, whatever fails. */
	teg_status (*body)(struct os *os, void *ctx);
	/* Sees the disk afterwards, without faults. */
	void (*check)(struct os *os, const struct crash_point *at, void *ctx);
	void *ctx;
	uint64_t seed;   /* of the os's random bytes and of the crash states */
	uint64_t stride; /* only every so many-th call; 0: each */
};

/* Call n fails with this errno, for n = 1, 2, ..; errno 0: reads and writes move one byte. Gives
 * the number of calls of a whole run. */
uint64_t crash_fail_each(const struct crash_case *c, int os_errno, bool forever);

/* Change n does its work and answers EIO. Gives the number of changes. */
uint64_t crash_lose_each_answer(const struct crash_case *c);

/* The process dies at change n; check sees the disk as it is, then as `n_states` power cuts would
 * leave it: nothing unsynced kept, all kept, each change but one, one change only, and mixtures.
 * Gives the number of states that were checked. */
uint64_t crash_kill_each(const struct crash_case *c, size_t n_states);
#endif
