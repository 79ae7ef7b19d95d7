/* An allocator for tests that sees everything: leaks, wrong sizes given back, memory used after it
 * was freed or before it was set, and how much was in use at the worst moment. It can also refuse:
 * the n-th request, or what would take the total over a cap.
 *
 *   struct memory mem;
 *   memory_init(&mem);                    mem.fail_at = 3;  or  mem.cap = 1 << 20;
 *   do_something(&mem.alloc, ...);
 *   memory_check(&mem);                   fails the test where a block is still live
 *
 *   block:  | size | magic | bytes given out, 0xA5 at first, 0x5A when freed | magic |
 *
 * Safe between threads. A block freed with the wrong size, or written past its end, fails the test
 * at once.
 */
#ifndef TEG_TESTS_SUPPORT_MEMORY_H
#define TEG_TESTS_SUPPORT_MEMORY_H
#include "codec/base/alloc.h"
#include <pthread.h>

struct memory {
	teg_allocator alloc;     /* hand out &mem.alloc; its ctx points back here */
	size_t n_live, live_len; /* blocks and bytes in use */
	size_t peak_len;         /* the most bytes that were ever in use */
	size_t n_requests;       /* calls of alloc and realloc so far */
	size_t fail_at;          /* this request (from 1) and all later ones are refused; 0: none */
	bool fail_once;          /* with fail_at: only that one request is refused */
	size_t cap;              /* bytes that may be in use; SIZE_MAX at first */
	size_t n_refused;        /* requests refused so far */
	pthread_mutex_t lock;
};

void memory_init(struct memory *mem);

/* Fails the test where anything is still live. */
void memory_check(struct memory *mem);

/* Runs `action` with the first request refused, then the second, and so on until it gets through
 * without a refusal, each time with only that request and then with all later ones refused too.
 * Fails the test where a refused run does not return TEG_NOMEM, where any run leaks, or where the
 * run that met no refusal does not return TEG_OK. Gives the number of requests of a whole run. */
size_t memory_fail_each(teg_status (*action)(const teg_allocator *alloc, void *ctx), void *ctx);
#endif
