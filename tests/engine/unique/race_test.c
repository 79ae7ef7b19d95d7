/* Several processes that put the same keys into one table of a real directory: of each key one row. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/dir.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define WRITERS 3
#define KEYS 24

static teg_store *open_at(const char *path, teg_create create)
{
	teg_store_options options = { .struct_size = sizeof options, .create = create };
	teg_store *store;

	OK(teg_store_open(path, &options, &store, err));
	return store;
}

static void make(const char *path)
{
	teg_attribute id = attribute_of("id", TEG_INT64);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &id, 1);
	teg_store *store = open_at(path, TEG_CREATE_NEW);

	spec.key = "id";
	spec.key_unique = true;
	txn_create(store, "t", &spec);
	teg_store_close(store);
}

/* How many keys the writer got; 255: something else went wrong. */
static int write_keys(const char *path)
{
	teg_store *store = open_at(path, TEG_CREATE_NO);
	int n = 0;

	for (int64_t key = 0; key < KEYS; key++) {
		teg_column column = { .name = "id", .values = &key };
		teg_status status;
		teg_txn *txn;

		if (teg_txn_begin(store, NULL, &txn, NULL) != TEG_OK ||
		    teg_txn_put(txn, "t", &column, 1, 1, NULL, NULL) != TEG_OK)
			return 255;
		status = teg_txn_commit(txn, NULL, NULL);
		if (status != TEG_OK)
			teg_txn_abort(txn);
		if (status != TEG_OK && status != TEG_EXISTS)
			return 255;
		n += status == TEG_OK;
	}
	teg_store_close(store);
	return n;
}

static void check_rows(const char *path)
{
	teg_store *store = open_at(path, TEG_CREATE_NO);
	teg_verify_result result = { .struct_size = sizeof result };
	teg_snapshot *snapshot;
	teg_array *array;
	uint64_t n;

	OK(teg_verify(store, true, NULL, NULL, &result, err));
	cr_assert_eq(result.damages + result.broken_checks, 0);
	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_array_open(snapshot, "t", &array, err));
	OK(teg_count_live(array, NULL, &n, err));
	cr_assert_eq(n, KEYS);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
}

Test(race, of_each_key_one_process_wins) /* UNIQUE-3 */
{
	struct test_dir dir;
	pid_t pids[WRITERS];
	char path[300];
	int n = 0;

	test_dir_make(&dir);
	snprintf(path, sizeof path, "%s/store", dir.path);
	make(path);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(write_keys(path));
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) <= KEYS);
		n += WEXITSTATUS(status);
	}
	cr_assert_eq(n, KEYS);
	check_rows(path);
	test_dir_remove(&dir);
}
