/* A store over a memory os, with an allocator that sees every leak: what tests of the engine start from.
 *
 *   world_init(&w);      the clock begins at a second, nothing merges by itself
 *   world_make(&w, (teg_store_options){ .cache_budget = 1 << 20 });      as the test wants it
 *   ..
 *   world_release(&w);   fails the test where memory leaked
 *
 * Each call fails the test where the engine refuses, but for those that return a status.
 */
#ifndef TEG_TESTS_SUPPORT_WORLD_H
#define TEG_TESTS_SUPPORT_WORLD_H
#include "engine/os/memory.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
};

void world_init(struct world *w);
/* The os, the allocator and, where none is said, TEG_CREATE_NEW are the world's; the clock is the os's. */
void world_make(struct world *w, teg_store_options options);
/* As world_init does, where no handle is open; world_reopen closes it first. */
void world_open(struct world *w, teg_create create);
void world_reopen(struct world *w);
void world_release(struct world *w);

/* Another handle of the same store; with the world's allocator where none is said. */
teg_store *world_handle(struct world *w, teg_store_options options);

/* A handle with an allocator of its own, of which requests can be refused while the world's go on. */
struct handle {
	struct memory mem;
	teg_store *store;
};
void handle_open(struct handle *h, struct world *w, teg_store_options options);
void handle_close(struct handle *h);

/* ---- one transaction ---- */

teg_txn *txn_begin(teg_store *store);
/* Its commits have that system time. */
teg_txn *txn_begin_at(teg_store *store, int64_t system_time);
void txn_commit(teg_txn *txn);
/* Commits; or gives the transaction up where something before failed. */
teg_status txn_end(teg_txn *txn, teg_status status, teg_error *err);
void txn_create(teg_store *store, const char *array, const teg_spec *spec);
void txn_put(teg_store *store, const char *array, const teg_column *columns, size_t n_columns,
             size_t n_rows);

/* ---- reading ---- */

/* The newest version, and one array of it. */
struct reading {
	teg_snapshot *snapshot;
	teg_array *array;
};
void reading_open(struct reading *r, teg_store *store, const char *array);
/* Fine on one that is closed, or all zero. */
void reading_close(struct reading *r);

teg_scan *reading_scan(const struct reading *r, const teg_scan_options *options);
/* False at the end. */
bool batch_next(teg_scan *scan, struct ArrowArray *batch_out);
/* Everything is there and as it was written. */
void verify_sound(teg_store *store);
/* The rows of a scan. */
teg_status rows_count(teg_store *store, const char *array, const teg_scan_options *options,
                      uint64_t *n_out, teg_error *err);
#endif
