#include "engine/os/os.h"
#include "codec/base/checked.h"
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>

#define PIECE_MAX ((size_t)1 << 30) /* Linux moves no more than 2 GiB in one call */
#define STALLS_MAX 100              /* calls in a row that moved nothing, then it is an error */

/* ---- paths ---- */

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* The length of the path's part at `at`; 0 where it has none, or it is "." or "..". */
static size_t part_len(const char *at)
{
	size_t n = 0;

	while (name_char(at[n]))
		n++;
	if (at[0] == '.' && (n == 1 || (n == 2 && at[1] == '.')))
		return 0;
	return n;
}

static bool path_ok(const char *path)
{
	size_t len = 0;

	for (;;) {
		size_t n = part_len(path + len);

		len += n;
		if (!n || len >= OS_PATH_MAX)
			return false;
		if (!path[len])
			return true;
		if (path[len++] != '/')
			return false;
	}
}

static teg_status check_path(const char *path, teg_error *err)
{
	if (path_ok(path))
		return TEG_OK;
	return teg_fail(err, TEG_MISUSE, "'%s' is not a path inside a store", path);
}

/* As check_path, and "" is the root. */
static teg_status check_dir(const char *path, teg_error *err)
{
	return *path ? check_path(path, err) : TEG_OK;
}

/* ---- errors and counters ---- */

enum what { LOOKS, CHANGES };

static teg_status status_of(int os_errno, enum what what)
{
	switch (os_errno) {
	case ENOENT: return TEG_NOT_FOUND;
	case EEXIST: return TEG_EXISTS;
	case ENOMEM: return TEG_NOMEM;
	case EACCES:
	case EPERM:
	case EROFS: return what == CHANGES ? TEG_READ_ONLY : TEG_IO;
	default: return TEG_IO;
	}
}

/* Passes a table's result on: TEG_OK for 0. */
static teg_status answer(int os_errno, enum what what, const char *verb, const char *path,
                         teg_error *err)
{
	teg_status status;

	if (!os_errno)
		return TEG_OK;
	status = status_of(os_errno, what);
	teg_fail_os(err, os_errno, "cannot %s %s", verb, *path ? path : "the store's directory");
	if (err)
		err->status = status;
	return error_in_file(err, status, path);
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Whether a call that changes nothing is worth asking again. It is bounded, since a file system
 * that is interrupted for ever must not hang its caller. */
static bool again(int os_errno, unsigned *stalls)
{
	return os_errno == EINTR && ++*stalls < STALLS_MAX;
}

void os_free(struct os *os)
{
	if (os)
		os->ops->free(os);
}

/* ---- files ---- */

static teg_status open_file(struct os *os, const char *path, bool writable,
                            struct os_file **file_out, teg_error *err)
{
	unsigned stalls = 0;
	int rc;

	TEG_TRY(check_path(path, err));
	do
		rc = os->ops->open(os, path, writable, file_out);
	while (again(rc, &stalls));
	if (!rc)
		count(&os->n_opens, 1);
	return answer(rc, writable ? CHANGES : LOOKS, "open", path, err);
}

teg_status os_open(struct os *os, const char *path, struct os_file **file_out, teg_error *err)
{
	return open_file(os, path, false, file_out, err);
}

teg_status os_open_writable(struct os *os, const char *path, struct os_file **file_out,
                            teg_error *err)
{
	return open_file(os, path, true, file_out, err);
}

teg_status os_create(struct os *os, const char *path, struct os_file **file_out, teg_error *err)
{
	int rc;

	TEG_TRY(check_path(path, err));
	rc = os->ops->create(os, path, file_out);
	if (!rc)
		count(&os->n_opens, 1);
	return answer(rc, CHANGES, "create", path, err);
}

void os_close(struct os *os, struct os_file *file)
{
	if (file)
		os->ops->close(os, file);
}

teg_status os_close_written(struct os *os, struct os_file *file, const char *path, teg_error *err)
{
	return answer(os->ops->close(os, file), CHANGES, "close", path, err);
}

teg_status os_size(struct os *os, struct os_file *file, const char *path, uint64_t *size_out,
                   teg_error *err)
{
	unsigned stalls = 0;
	int rc;

	do
		rc = os->ops->size(os, file, size_out);
	while (again(rc, &stalls));
	return answer(rc, LOOKS, "take the size of", path, err);
}

static teg_status too_short(const char *path, uint64_t end, uint64_t off, size_t len,
                            teg_error *err)
{
	teg_fail(err, TEG_CORRUPT, "%s ends at %" PRIu64 ", before %zu bytes from %" PRIu64, path,
	         end, len, off);
	error_at_offset(err, TEG_CORRUPT, end > INT64_MAX ? INT64_MAX : (int64_t)end);
	return error_in_file(err, TEG_CORRUPT, path);
}

teg_status os_read(struct os *os, struct os_file *file, const char *path, uint64_t off, void *to,
                   size_t len, teg_error *err)
{
	uint8_t *at = to;
	unsigned stalls = 0;
	size_t done = 0;

	/* No file is longer than INT64_MAX; a larger offset would turn negative further down. */
	if (off > INT64_MAX || len > INT64_MAX - off)
		return too_short(path, INT64_MAX, off, len, err);
	while (done < len) {
		size_t n = 0;
		int rc = os->ops->read(os, file, off + done, at + done,
		                       size_min(len - done, PIECE_MAX), &n);

		count(&os->n_reads, 1);
		if (again(rc, &stalls))
			continue;
		if (rc)
			return error_at_offset(err, answer(rc, LOOKS, "read", path, err),
			                       (int64_t)(off + done));
		if (!n)
			return too_short(path, off + done, off, len, err);
		count(&os->n_read_bytes, n);
		done += n;
		stalls = 0;
	}
	return TEG_OK;
}

teg_status os_map(struct os *os, struct os_file *file, const char *path, size_t len,
                  struct os_map **map_out, teg_error *err)
{
	int rc;

	*map_out = NULL;
	if (!os->ops->map || !len)
		return teg_fail(err, TEG_UNSUPPORTED, "%s cannot be mapped", path);
	rc = os->ops->map(os, file, len, map_out);
	return rc ? answer(rc, LOOKS, "map", path, err) : TEG_OK;
}

struct os_map *os_map_share(struct os_map *map)
{
	atomic_fetch_add(&map->shares, 1);
	return map;
}

void os_map_drop(struct os_map *map)
{
	if (map && atomic_fetch_sub(&map->shares, 1) == 1)
		map->free(map);
}

teg_status os_write(struct os *os, struct os_file *file, const char *path, struct span bytes,
                    teg_error *err)
{
	unsigned stalls = 0;
	size_t done = 0;

	while (done < bytes.len) {
		size_t n = 0;
		int rc = os->ops->write(os, file, bytes.at + done,
		                        size_min(bytes.len - done, PIECE_MAX), &n);

		count(&os->n_writes, 1);
		if (again(rc, &stalls) || (!rc && !n && ++stalls < STALLS_MAX))
			continue;
		if (!rc && !n)
			rc = EIO;
		if (rc)
			return answer(rc, CHANGES, "write", path, err);
		count(&os->n_written_bytes, n);
		done += n;
		stalls = 0;
	}
	return TEG_OK;
}

teg_status os_sync(struct os *os, struct os_file *file, const char *path, teg_error *err)
{
	count(&os->n_syncs, 1);
	return answer(os->ops->sync(os, file), CHANGES, "sync", path, err);
}

teg_status os_lock(struct os *os, struct os_file *file, const char *path, enum os_lock lock,
                   teg_error *err)
{
	unsigned stalls = 0;
	int rc;

	do
		rc = os->ops->lock(os, file, lock);
	while (again(rc, &stalls));
	if (rc == EAGAIN) {
		teg_fail(err, TEG_CONFLICT, "%s is locked through another handle", path);
		return error_in_file(err, TEG_CONFLICT, path);
	}
	return answer(rc, LOOKS, "lock", path, err);
}

/* ---- names ---- */

teg_status os_link(struct os *os, const char *from, const char *to, teg_error *err)
{
	TEG_TRY(check_path(from, err));
	TEG_TRY(check_path(to, err));
	return answer(os->ops->link(os, from, to), CHANGES, "link", to, err);
}

teg_status os_rename(struct os *os, const char *from, const char *to, teg_error *err)
{
	TEG_TRY(check_path(from, err));
	TEG_TRY(check_path(to, err));
	return answer(os->ops->rename(os, from, to), CHANGES, "rename", from, err);
}

teg_status os_unlink(struct os *os, const char *path, teg_error *err)
{
	TEG_TRY(check_path(path, err));
	return answer(os->ops->unlink(os, path), CHANGES, "remove", path, err);
}

teg_status os_make_dir(struct os *os, const char *path, teg_error *err)
{
	TEG_TRY(check_dir(path, err));
	return answer(os->ops->mkdir(os, path), CHANGES, "make", path, err);
}

teg_status os_sync_dir(struct os *os, const char *path, teg_error *err)
{
	TEG_TRY(check_dir(path, err));
	count(&os->n_syncs, 1);
	return answer(os->ops->sync_dir(os, path), CHANGES, "sync the directory", path, err);
}

teg_status os_list(struct os *os, const char *path, os_list_fn each, void *ctx, teg_error *err)
{
	TEG_TRY(check_dir(path, err));
	return answer(os->ops->list(os, path, each, ctx), LOOKS, "list", path, err);
}

teg_status os_stat(struct os *os, const char *path, struct os_stat *stat_out, teg_error *err)
{
	unsigned stalls = 0;
	int rc;

	TEG_TRY(check_dir(path, err));
	do
		rc = os->ops->stat(os, path, stat_out);
	while (again(rc, &stalls));
	return answer(rc, LOOKS, "look up", path, err);
}

/* ---- whole files ---- */

teg_status os_write_file(struct os *os, const char *path, struct span bytes, teg_error *err)
{
	struct os_file *file;
	teg_status status;

	TEG_TRY(os_create(os, path, &file, err));
	status = os_write(os, file, path, bytes, err);
	if (!status)
		status = os_sync(os, file, path, err);
	if (status)
		os_close(os, file);
	else
		status = os_close_written(os, file, path, err);
	/* The first failure is the one to report, whether or not the remains can be removed. */
	if (status)
		(void)os->ops->unlink(os, path);
	return status;
}

static teg_status read_all(struct os *os, struct os_file *file, const char *path, size_t max,
                           const teg_allocator *alloc, uint8_t **bytes_out, size_t *len_out,
                           teg_error *err)
{
	uint64_t size;
	uint8_t *bytes;
	teg_status status;

	TEG_TRY(os_size(os, file, path, &size, err));
	if (size > max) {
		teg_fail(err, TEG_LIMIT, "%s has %" PRIu64 " bytes, more than %zu", path, size,
		         max);
		return error_in_file(err, TEG_LIMIT, path);
	}
	bytes = mem_alloc(alloc, (size_t)size);
	if (!bytes)
		return teg_fail(err, TEG_NOMEM, "no memory for the %" PRIu64 " bytes of %s", size,
		                path);
	status = os_read(os, file, path, 0, bytes, (size_t)size, err);
	if (status) {
		mem_free(alloc, bytes, (size_t)size);
		return status;
	}
	*bytes_out = bytes;
	*len_out = (size_t)size;
	return TEG_OK;
}

teg_status os_read_file(struct os *os, const char *path, size_t max, const teg_allocator *alloc,
                        uint8_t **bytes_out, size_t *len_out, teg_error *err)
{
	struct os_file *file;
	teg_status status;

	TEG_TRY(os_open(os, path, &file, err));
	status = read_all(os, file, path, max, alloc, bytes_out, len_out, err);
	os_close(os, file);
	return status;
}

/* ---- the rest ---- */

int64_t os_clock_us(struct os *os)
{
	return os->ops->clock_us(os);
}

teg_status os_random(struct os *os, void *to, size_t len, teg_error *err)
{
	unsigned stalls = 0;
	int rc;

	do
		rc = os->ops->random(os, to, len);
	while (again(rc, &stalls));
	if (!rc)
		return TEG_OK;
	return teg_fail_os(err, rc, "cannot get %zu random bytes", len);
}
