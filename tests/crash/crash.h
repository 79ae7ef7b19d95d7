/* Several processes that commit to the same arrays of a real directory, beside a compactor and a
 * vacuum without grace and a reader, killed at random moments and started again. What each was told to be
 * committed it writes down first thing, and at the end all of it must be there, once. */
#ifndef TEG_TESTS_CRASH_CRASH_H
#define TEG_TESTS_CRASH_CRASH_H
#include "engine/tegula.h"
#include "tests/support/dir.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAYS 3
#define WRITERS 4
#define READER (WRITERS + 2)
#define ROLES (WRITERS + 3)

struct crash {
	struct test_dir dir;
	char store[300], acks[300];
	int n_commits; /* per writer */
	int n_kills;
};

static inline teg_store *crash_open(const struct crash *c, teg_create create)
{
	teg_store_options options = { .struct_size = sizeof options, .create = create };
	teg_store *store;
	teg_error err = { 0 };

	if (teg_store_open(c->store, &options, &store, &err) == TEG_OK)
		return store;
	fprintf(stderr, "open: %s (%s)\n", err.message, err.file);
	_exit(3);
}

static inline void crash_name(int i, char name[16])
{
	snprintf(name, 16, "a%d", i);
}

/* Commit `sequence` of writer w: one row into each array, with the value w * 1,000,000 + sequence.
 * The key makes it safe to do again what may have been done before a kill. */
static inline teg_status crash_commit(teg_store *store, int w, int sequence, teg_error *err)
{
	int64_t value = (int64_t)w * 1000000 + sequence;
	teg_column column = { .name = "v", .values = &value };
	char writer[16], name[16];
	teg_txn_options options = { .struct_size = sizeof options,
		                    .key_writer = writer,
		                    .key_sequence = (uint64_t)sequence };
	teg_txn *txn;
	teg_status status;

	snprintf(writer, sizeof writer, "writer%d", w);
	status = teg_txn_begin(store, &options, &txn, err);
	for (int i = 0; i < ARRAYS && status == TEG_OK; i++) {
		crash_name(i, name);
		status = teg_txn_put(txn, name, &column, 1, 1, NULL, err);
	}
	if (status == TEG_OK)
		status = teg_txn_commit(txn, NULL, err);
	if (status != TEG_OK)
		teg_txn_abort(txn);
	return status;
}

/* The last sequence that writer w was told to be committed. */
static inline int crash_acked(const struct crash *c, int w)
{
	char path[400];
	int fd, last = 0, one;

	snprintf(path, sizeof path, "%s/%d", c->acks, w);
	fd = open(path, O_RDONLY);
	while (fd >= 0 && read(fd, &one, sizeof one) == sizeof one)
		last = one;
	if (fd >= 0)
		close(fd);
	return last;
}

static inline void crash_writer(const struct crash *c, int w)
{
	teg_store *store = crash_open(c, TEG_CREATE_NO);
	char path[400];
	int fd;

	snprintf(path, sizeof path, "%s/%d", c->acks, w);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	for (int s = crash_acked(c, w) + 1; s <= c->n_commits; s++) {
		teg_error err = { 0 };
		teg_status status = crash_commit(store, w, s, &err);

		if (status != TEG_OK) {
			fprintf(stderr, "writer %d commit %d: %s %s (%s)\n", w, s,
			        teg_status_name(status), err.message, err.file);
			_exit(4);
		}
		if (write(fd, &s, sizeof s) != sizeof s)
			_exit(5);
	}
	teg_store_close(store);
	_exit(0);
}

/* Compacts or vacuums until killed. */
static inline void crash_keeper(const struct crash *c, bool compact)
{
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	teg_store *store = crash_open(c, TEG_CREATE_NO);

	for (;;) {
		teg_error err = { 0 };
		teg_status status = compact ? teg_compact(store, NULL, NULL, &err)
		                            : teg_vacuum(store, &now, NULL, &err);

		if (status != TEG_OK && status != TEG_CONFLICT && status != TEG_SNAPSHOT_EXPIRED) {
			fprintf(stderr, "%s: %s %s (%s)\n", compact ? "compact" : "vacuum",
			        teg_status_name(status), err.message, err.file);
			_exit(6);
		}
		usleep(2000);
	}
}

/* How many rows the newest snapshot's array i has, and their sum. */
static inline teg_status crash_sum(teg_snapshot *snapshot, int i, int64_t sum[2], teg_error *err)
{
	struct ArrowArray batch;
	teg_array *array;
	teg_scan *scan = NULL;
	teg_status status;
	char name[16];

	crash_name(i, name);
	sum[0] = sum[1] = 0;
	status = teg_array_open(snapshot, name, &array, err);
	if (status == TEG_OK)
		status = teg_scan_open(array, NULL, &scan, err);
	while (status == TEG_OK && (status = teg_scan_next(scan, &batch, err)) == TEG_OK) {
		struct ArrowArray *column = batch.children[batch.n_children - 1];
		const int64_t *v = (const int64_t *)column->buffers[1] + column->offset;

		sum[0] += batch.length;
		for (int64_t r = 0; r < batch.length; r++)
			sum[1] += v[r];
		batch.release(&batch);
	}
	teg_scan_close(scan);
	teg_array_close(array);
	return status == TEG_END ? TEG_OK : status;
}

static inline teg_status crash_look(teg_store *store, uint64_t *version, teg_error *err)
{
	int64_t sums[ARRAYS][2];
	teg_snapshot *snapshot;
	teg_status status = teg_snapshot_open(store, &snapshot, err);

	if (status != TEG_OK)
		return status;
	for (int i = 0; i < ARRAYS && status == TEG_OK; i++)
		status = crash_sum(snapshot, i, sums[i], err);
	if (status == TEG_OK && (memcmp(sums[0], sums[1], sizeof sums[0]) ||
	                         memcmp(sums[0], sums[2], sizeof sums[0]))) {
		fprintf(stderr, "reader: half a commit in version %llu\n",
		        (unsigned long long)teg_snapshot_version(snapshot));
		_exit(7);
	}
	if (teg_snapshot_version(snapshot) < *version)
		_exit(8);
	*version = teg_snapshot_version(snapshot);
	teg_snapshot_close(snapshot);
	return status;
}

/* Reads until killed: all arrays of a version hold the same, and versions never go back. */
static inline void crash_reader(const struct crash *c)
{
	teg_store *store = crash_open(c, TEG_CREATE_NO);
	uint64_t version = 0;

	for (;;) {
		teg_error err = { 0 };
		teg_status status = crash_look(store, &version, &err);

		if (status != TEG_OK) {
			fprintf(stderr, "reader: %s %s (%s)\n", teg_status_name(status),
			        err.message, err.file);
			_exit(9);
		}
		usleep(1000);
	}
}

static inline pid_t crash_start(const struct crash *c, int role)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
	if (role < WRITERS)
		crash_writer(c, role);
	if (role == READER)
		crash_reader(c);
	crash_keeper(c, role == WRITERS);
	_exit(0);
}

static inline void crash_setup(struct crash *c)
{
	static const teg_attribute v = { .name = "v", .type = { .type = TEG_INT64 } };
	teg_spec spec = {
		.struct_size = sizeof spec, .kind = TEG_TABLE, .attributes = &v, .n_attributes = 1
	};
	teg_store *store;
	teg_txn *txn;
	char name[16];

	test_dir_make(&c->dir);
	snprintf(c->store, sizeof c->store, "%s/store", c->dir.path);
	snprintf(c->acks, sizeof c->acks, "%s/acks", c->dir.path);
	cr_assert_eq(mkdir(c->acks, 0700), 0);
	store = crash_open(c, TEG_CREATE_NEW);
	cr_assert_eq(teg_txn_begin(store, NULL, &txn, NULL), TEG_OK);
	for (int i = 0; i < ARRAYS; i++) {
		crash_name(i, name);
		cr_assert_eq(teg_txn_create(txn, name, &spec, NULL), TEG_OK);
	}
	cr_assert_eq(teg_txn_commit(txn, NULL, NULL), TEG_OK);
	teg_store_close(store);
}

/* Every acknowledged value once, none that nobody committed. */
static inline void crash_check_array(const struct crash *c, teg_snapshot *snapshot,
                                     const char *name)
{
	size_t n = (size_t)WRITERS * (size_t)(c->n_commits + 1);
	uint8_t *seen = calloc(n, 1);
	teg_array *array;
	teg_scan *scan;
	teg_error err = { 0 };
	struct ArrowArray batch;
	teg_status status;

	cr_assert_eq(teg_array_open(snapshot, name, &array, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(teg_scan_open(array, NULL, &scan, &err), TEG_OK, "%s", err.message);
	while ((status = teg_scan_next(scan, &batch, &err)) == TEG_OK) {
		struct ArrowArray *column = batch.children[batch.n_children - 1];
		const int64_t *v = (const int64_t *)column->buffers[1] + column->offset;

		for (int64_t i = 0; i < batch.length; i++) {
			int64_t w = v[i] / 1000000, s = v[i] % 1000000;

			cr_assert(w < WRITERS && s >= 1 && s <= c->n_commits);
			cr_assert_not(seen[w * (c->n_commits + 1) + s], "writer %d commit %d twice",
			              (int)w, (int)s);
			seen[w * (c->n_commits + 1) + s] = 1;
		}
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END, "%s", err.message);
	for (int w = 0; w < WRITERS; w++)
		for (int s = 1; s <= crash_acked(c, w); s++)
			cr_assert(seen[w * (c->n_commits + 1) + s], "writer %d commit %d is lost",
			          w, s);
	teg_scan_close(scan);
	teg_array_close(array);
	free(seen);
}

/* After a vacuum without grace there is nothing in the directory but what the store refers to. */
static inline void crash_check_strays(const struct crash *c, teg_store *store)
{
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	teg_vacuum_result again = { .struct_size = sizeof again };
	teg_error err = { 0 };
	char path[400], name[300];
	DIR *dir;
	struct dirent *entry;

	cr_assert_eq(teg_vacuum(store, &now, &again, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(again.files_removed, 0, "a second vacuum finds more");
	cr_assert_eq(again.files_kept_pinned, 0, "a dead process still holds files");
	snprintf(path, sizeof path, "%s/manifests", c->store);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof name, "%s", entry->d_name);
		cr_assert_null(strstr(name, ".tmp"), "%s is left", name);
	}
	cr_assert_not_null(dir);
	closedir(dir);
}

static inline void crash_check(const struct crash *c)
{
	teg_store *store = crash_open(c, TEG_CREATE_NO);
	teg_verify_result result = { .struct_size = sizeof result };
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	teg_snapshot *snapshot;
	teg_error err = { 0 };
	char name[16];

	cr_assert_eq(teg_verify(store, true, NULL, NULL, &result, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(result.damages, 0);
	cr_assert_eq(teg_snapshot_open(store, &snapshot, &err), TEG_OK, "%s", err.message);
	for (int i = 0; i < ARRAYS; i++) {
		crash_name(i, name);
		crash_check_array(c, snapshot, name);
	}
	teg_snapshot_close(snapshot);
	cr_assert_eq(teg_vacuum(store, &now, NULL, &err), TEG_OK, "%s", err.message);
	crash_check_strays(c, store);
	teg_store_close(store);
}

/* Kills one process after another at random moments, and starts it again, until the writers are
 * done. Gives the number of kills. */
static inline int crash_run(struct crash *c, unsigned seed)
{
	pid_t pids[ROLES];
	int left = WRITERS, kills = 0;

	crash_setup(c);
	srandom(seed);
	for (int i = 0; i < ROLES; i++)
		pids[i] = crash_start(c, i);
	while (left) {
		int status, role;
		pid_t pid;

		usleep((useconds_t)(random() % 20000));
		role = (int)(random() % ROLES);
		if (kills < c->n_kills && pids[role] > 0) {
			kill(pids[role], SIGKILL);
			kills++;
		}
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			for (role = 0; pids[role] != pid; role++)
				;
			cr_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0,
			          "process %d ends with %d", role, WEXITSTATUS(status));
			if (WIFSIGNALED(status)) {
				cr_assert_eq(WTERMSIG(status), SIGKILL);
				pids[role] = crash_start(c, role);
			} else {
				pids[role] = -1;
				left -= role < WRITERS;
			}
		}
	}
	for (int i = WRITERS; i < ROLES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	for (int w = 0; w < WRITERS; w++)
		cr_assert_eq(crash_acked(c, w), c->n_commits);
	crash_check(c);
	test_dir_remove(&c->dir);
	return kills;
}
#endif
