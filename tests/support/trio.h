/* Three arrays, one of each kind, that every transaction changes alike: whoever reads them at one
 * version must find the same numbers in all three, or has seen half a commit.
 *
 *   table   "table"    value = v, noise             v = 0 .. TRIO_MAX - 1, each put once
 *   sparse  "sparse"   x = v, value = v, noise
 *   dense   "dense"    x = v, value = v, noise      domain 0 .. TRIO_MAX - 1
 *
 * The noise is made from v and cannot be compressed: a thousand rows make a segment file, a few
 * travel inside the manifest. Whoever reads compares it too.
 */
#ifndef TEG_TESTS_SUPPORT_TRIO_H
#define TEG_TESTS_SUPPORT_TRIO_H
#include "engine/os/os.h"
#include "engine/tegula.h"

#define TRIO_MAX 4096
#define TRIO_ARRAYS 3
#define TRIO_NOISE_LEN 96  /* bytes a row */
#define TRIO_ROWS_MAX 1024 /* of one put */

extern const char *const trio_names[TRIO_ARRAYS];

/* The numbers that all three hold. */
struct trio {
	uint64_t version;
	size_t n;
	int64_t sum;
	uint8_t present[TRIO_MAX];
};

/* `os` NULL: the real directory `path`. */
teg_status trio_open(struct os *os, const char *path, const teg_allocator *alloc, teg_create create,
                     teg_store **store_out, teg_error *err);
/* One transaction that creates the arrays. */
teg_status trio_create(teg_store *store, teg_error *err);
/* One transaction that puts from, from + 1, .. from + n - 1 into each. */
teg_status trio_put(teg_store *store, int64_t from, size_t n, teg_error *err);
/* One transaction that deletes the values from `from` on in each. */
teg_status trio_delete_from(teg_store *store, int64_t from, teg_error *err);
/* Reads the newest version. Fails the test where a number comes twice or the arrays differ. */
teg_status trio_read(teg_store *store, struct trio *trio_out, teg_error *err);
teg_status trio_compact(teg_store *store, teg_error *err);
/* Without a grace period. */
teg_status trio_vacuum(teg_store *store, teg_error *err);
/* A new store of 1025 values as of version 6: segment files, inline segments and deletions. */
void trio_write(struct os *os, const char *path);
/* Opens the store as it is, damaged maybe, and reads it. */
teg_status trio_try(struct os *os, const char *path, struct trio *trio_out, teg_error *err);
/* Opens the store, without faults, reads it and verifies it deeply; fails the test where it cannot
 * or where verify finds damage. */
void trio_look(struct os *os, const char *path, struct trio *trio_out, const char *when);
bool trio_equal(const struct trio *a, const struct trio *b);
#endif
