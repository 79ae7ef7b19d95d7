/* Small durable commits, and what the file system asks for one: C on both sides. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/glue.h"
#include "bench/glue_internal.h"

#define RAW_LEN 4096
#define MOST_ROWS 4096

/* One driver, one thread: the last error can be one text. */
static char last_error[1024] = "";

const char *glue_error(void)
{
	return last_error;
}

int glue_fail(const teg_error *err)
{
	snprintf(last_error, sizeof last_error,
	         "%s: %s (array '%s' column '%s' row %lld file '%s')", teg_status_name(err->status),
	         err->message, err->array, err->column, (long long)err->row, err->file);
	return -1;
}

uint64_t glue_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static const teg_attribute attributes[] = {
	{ .name = "step", .type = { .type = TEG_INT64 } },
	{ .name = "value", .type = { .type = TEG_FLOAT64 } },
};

static teg_status make_table(teg_store *store, teg_error *err)
{
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = attributes,
		          .n_attributes = 2 };
	teg_txn *txn = NULL;
	teg_status s = teg_txn_begin(store, NULL, &txn, err);

	if (!s)
		s = teg_txn_create(txn, "steps", &spec, err);
	if (!s)
		s = teg_txn_commit(txn, NULL, err);
	if (s)
		teg_txn_abort(txn);
	return s;
}

static teg_status commit_one(teg_store *store, const char *array, size_t number, size_t rows,
                             teg_error *err)
{
	int64_t steps[MOST_ROWS];
	double values[MOST_ROWS];
	teg_column columns[] = { { .name = "step", .values = steps },
		                 { .name = "value", .values = values } };
	teg_txn *txn = NULL;
	teg_status s;

	for (size_t i = 0; i < rows; i++) {
		steps[i] = (int64_t)(number * rows + i);
		values[i] = (double)(steps[i] * 7919 % 1000) / 8;
	}
	s = teg_txn_begin(store, NULL, &txn, err);
	if (!s)
		s = teg_txn_put(txn, array, columns, 2, rows, NULL, err);
	if (!s)
		s = teg_txn_commit(txn, NULL, err);
	if (s)
		teg_txn_abort(txn);
	return s;
}

int glue_time_commits(const char *path, size_t commits, size_t rows, uint64_t *ns_out)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	teg_store *store = NULL;
	teg_error err = { .status = TEG_MISUSE };
	teg_status s = TEG_MISUSE;

	if (rows <= MOST_ROWS)
		s = teg_store_open(path, &options, &store, &err);
	if (!s)
		s = make_table(store, &err);
	for (size_t i = 0; i < commits && !s; i++) {
		uint64_t start = glue_now_ns();

		s = commit_one(store, "steps", i, rows, &err);
		ns_out[i] = glue_now_ns() - start;
	}
	teg_store_close(store);
	return s ? glue_fail(&err) : 0;
}

static void wait_until(uint64_t due_ns)
{
	struct timespec t = { (time_t)(due_ns / 1000000000u), (long)(due_ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

int glue_time_paced(const char *path, const char *array, size_t commits, size_t rows,
                    size_t per_second, const volatile int *stop, uint64_t *ns_out, size_t *done_out)
{
	teg_store_options options = { .struct_size = sizeof options };
	teg_store *store = NULL;
	teg_error err = { .status = TEG_MISUSE };
	teg_status s = TEG_MISUSE;
	uint64_t start;

	*done_out = 0;
	if (rows <= MOST_ROWS)
		s = teg_store_open(path, &options, &store, &err);
	start = glue_now_ns();
	while (!s && *done_out < commits && !*stop) {
		uint64_t due = start + *done_out * 1000000000u / per_second;

		wait_until(due);
		s = commit_one(store, array, *done_out, rows, &err);
		ns_out[(*done_out)++] = glue_now_ns() - due;
	}
	teg_store_close(store);
	return s ? glue_fail(&err) : 0;
}

static bool raw_commit(int dir, size_t number)
{
	char block[RAW_LEN], name[32];
	int fd = openat(dir, "temporary", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	bool ok = fd >= 0;

	memset(block, (int)(number & 0xff), sizeof block);
	snprintf(name, sizeof name, "%zu", number);
	ok = ok && write(fd, block, sizeof block) == (ssize_t)sizeof block && !fsync(fd);
	ok = ok && !linkat(dir, "temporary", dir, name, 0) && !unlinkat(dir, "temporary", 0);
	ok = ok && !fsync(dir);
	if (fd >= 0)
		close(fd);
	return ok;
}

int glue_time_raw_commits(const char *directory, size_t commits, uint64_t *ns_out)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = dir >= 0;

	for (size_t i = 0; i < commits && ok; i++) {
		uint64_t start = glue_now_ns();

		ok = raw_commit(dir, i);
		ns_out[i] = glue_now_ns() - start;
	}
	if (!ok)
		snprintf(last_error, sizeof last_error, "raw commits: %s", strerror(errno));
	if (dir >= 0)
		close(dir);
	return ok ? 0 : -1;
}
