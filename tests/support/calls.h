/* Every call that writes or reads a past, with its n-th call to the system failing, dying there with the
 * power cut, and its n-th allocation refused. After each the store opens, answers at sampled system and
 * valid times as it did or as it should, is undamaged, and has no file left that nothing refers to once
 * it has been vacuumed; what was erased does not come back.
 *
 *   what is looked at                              where
 *   create, put, files, delete where, verify       tests/crash/faults_test.c
 *   erase, purge, retain and vacuum of a table     tests/crash/erase_test.c
 *   recover                                        tests/engine/recover_test.c
 *   unique keys, lists, spills                     tests/engine/unique, txn, write
 *   all that stands in the table of calls.c        here: quick tests pick, slow ones leave nothing out
 */
#ifndef TEG_TESTS_SUPPORT_CALLS_H
#define TEG_TESTS_SUPPORT_CALLS_H
#include <stddef.h>
#include <stdint.h>

size_t calls_count(void);
const char *calls_name(size_t i);
/* Operation i with every `stride`-th of its calls to the system failing, once and from there on. Gives
 * about how many there are. */
uint64_t calls_fail(size_t i, uint64_t stride);
/* Dies at every `stride`-th change, with so many power cuts each. Gives the states that were checked. */
uint64_t calls_kill(size_t i, uint64_t stride, size_t n_states);
/* Every `stride`-th allocation refused, once and for good in turn. Gives about how many there are. */
uint64_t calls_starve(size_t i, uint64_t stride);
#endif
