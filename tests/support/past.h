/* A store with a past, and the calls that change it or ask it: what tests of crashes are made of.
 *
 *   cells, events   sparse, unique and repeated, with valid time        grid   dense, 5 x 5
 *   keys            a table with a key                                  blobs  a table in segment files
 *
 * Four commits, at 1000, 2000, 3000 and 4000: put, put again, put again, deleted in part; a merge after
 * the second. One row of each array has the needle, the metadata of commits too.
 */
#ifndef TEG_TESTS_SUPPORT_PAST_H
#define TEG_TESTS_SUPPORT_PAST_H
#include "engine/os/os.h"
#include "engine/tegula.h"

#define PAST_NEEDLE "NEEDLE-7f3a"

/* `mapped`: files are mapped, and pages kept. */
teg_status past_open_store(struct os *os, const teg_allocator *alloc, teg_create create,
                           bool mapped, teg_store **store_out, teg_error *err);
void past_prepare(struct os *os);

typedef teg_status (*past_call)(teg_store *store, teg_error *err);
teg_status past_add(teg_store *store, teg_error *err);
teg_status past_drop_word(teg_store *store, teg_error *err);
teg_status past_rename_and_widen(teg_store *store, teg_error *err);
teg_status past_add_rule(teg_store *store, teg_error *err);
teg_status past_drop_rule(teg_store *store, teg_error *err);
teg_status past_make_unique(teg_store *store, teg_error *err);
teg_status past_resize(teg_store *store, teg_error *err);
teg_status past_rename_array(teg_store *store, teg_error *err);
teg_status past_drop_array(teg_store *store, teg_error *err);
teg_status past_retain(teg_store *store, teg_error *err);
teg_status past_compact(teg_store *store, teg_error *err);
teg_status past_rechunk(teg_store *store, teg_error *err);
teg_status past_retile(teg_store *store, teg_error *err);
teg_status past_erase(teg_store *store, teg_error *err);
teg_status past_erase_and_forget(teg_store *store, teg_error *err);
teg_status past_purge(teg_store *store, teg_error *err);
teg_status past_vacuum(teg_store *store, teg_error *err);
teg_status past_replay_first(teg_store *store, teg_error *err);
teg_status past_replay_second(teg_store *store, teg_error *err);
teg_status past_copy(teg_store *store, teg_error *err);
teg_status past_ask(teg_store *store, teg_error *err);
#endif
