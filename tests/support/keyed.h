/* A table with a key attribute, "id", and its store in memory; keys are small numbers, as int32 or as
 * text. For tests of unique keys.
 */
#ifndef TEG_TESTS_SUPPORT_KEYED_H
#define TEG_TESTS_SUPPORT_KEYED_H
#include "engine/tegula.h"
#include "tests/support/memory.h"

#define KEYED_NONE (-1) /* null */
#define KEYED_ROWS_MAX 5000

struct keyed {
	struct memory mem;
	struct os *os;
	teg_store *store;
	bool text;
};

struct keyed_choice {
	bool text, valid_time, many;
	size_t write_budget;
};

struct keyed_interval {
	int64_t from, until;
};

void keyed_open(struct keyed *f, const struct keyed_choice *choice);
void keyed_close(struct keyed *f);
/* Another handle of the same store. */
teg_store *keyed_handle(struct keyed *f, teg_create create, size_t write_budget);

teg_txn *keyed_begin(teg_store *store);
/* Ends the transaction; TEG_OK or TEG_EXISTS. */
teg_status keyed_end(teg_txn *txn, teg_error *err);
/* Rows with these keys: of those ids, or new ones where `ids` is NULL. `valid` may be NULL. */
void keyed_put(const struct keyed *f, teg_txn *txn, const int64_t *ids, const int *keys, size_t n,
               const struct keyed_interval *valid);
void keyed_delete(teg_txn *txn, const int64_t *ids, size_t n, const struct keyed_interval *valid);
void keyed_append(const struct keyed *f, teg_txn *txn, int key);
void keyed_update(const struct keyed *f, teg_txn *txn, int64_t id, int key);

/* teg_verify, deep; nothing is damaged. */
uint64_t keyed_broken_checks(const struct keyed *f);
void keyed_compact(const struct keyed *f);
#endif
