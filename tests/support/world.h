/* A store over a memory os whose clock stands still, with an allocator that sees every leak: what the
 * tests of transactions start from.
 *
 *   world_init(&w);   OK(teg_txn_begin(w.store, NULL, &txn, err));   ...   world_release(&w);
 */
#ifndef TEG_TESTS_SUPPORT_WORLD_H
#define TEG_TESTS_SUPPORT_WORLD_H
#include "engine/os/memory.h"
#include "engine/store/store.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>

/* The call's last argument is `err`. */
#define OK(call)                                                                           \
	do {                                                                               \
		teg_error err_ = { 0 }, *err = &err_;                                      \
		teg_status got_ = (call);                                                  \
		cr_assert_eq(got_, TEG_OK, "%s: %s %s (%s)", #call, teg_status_name(got_), \
		             err->message, err->file);                                     \
	} while (0)

#define REFUSED(expected, call)                                                                  \
	do {                                                                                     \
		teg_error err_ = { 0 }, *err = &err_;                                            \
		teg_status got_ = (call);                                                        \
		cr_assert_eq(got_, expected, "%s: %s, not %s: %s", #call, teg_status_name(got_), \
		             teg_status_name(expected), err->message);                           \
		cr_assert_eq(err->status, expected, "%s: the error says %s", #call,              \
		             teg_status_name(err->status));                                      \
		cr_assert(err->message[0], "%s: no word of why", #call);                         \
	} while (0)

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
};

static inline void world_open(struct world *w, teg_create create)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .allocator = &w->mem.alloc,
		                      .writer = "test",
		                      .no_auto_compact = true,
		                      .os = w->os };

	OK(teg_store_open(NULL, &options, &w->store, err));
}

static inline void world_init(struct world *w)
{
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	memory_set_clock(w->os, 1000000);
	world_open(w, TEG_CREATE_NEW);
}

static inline void world_reopen(struct world *w)
{
	teg_store_close(w->store);
	world_open(w, TEG_CREATE_NO);
}

static inline void world_release(struct world *w)
{
	teg_store_close(w->store);
	os_free(w->os);
	memory_check(&w->mem);
}
#endif
