#define _GNU_SOURCE /* openat2, O_PATH, OFD locks, getrandom */
#include "engine/os/os.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

#define FILE_MODE 0666 /* less the umask */
#define DIR_MODE 0777

struct posix {
	struct os base;
	_Atomic int root; /* -1 until the directory is there */
	/* The kernel or its sandbox has no openat2: paths are walked part by part. */
	_Atomic bool walks;
	_Atomic bool syncs_parent; /* mkdir("") was called */
	_Atomic bool made_root;    /* and it was this call that made it */
	size_t path_len;
	char path[];
};

struct os_file {
	int fd;
};

/* Where a name lives: an open directory and the name in it. */
struct place {
	int dir;
	bool owned; /* dir is not the root */
	const char *name;
};

static struct posix *posix_of(struct os *os)
{
	return (struct posix *)os;
}

/* ---- from a path to a descriptor ---- */

/* The root, opened when it is first wanted and there. It alone may be reached by symbolic links. */
static int root_of(struct posix *p, int *fd_out)
{
	int none = -1;
	int fd = atomic_load(&p->root);

	*fd_out = -1;
	if (fd < 0) {
		fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return errno;
		if (!atomic_compare_exchange_strong(&p->root, &none, fd)) {
			close(fd);
			fd = none;
		}
	}
	*fd_out = fd;
	return 0;
}

/* Opens the directory before each '/' in turn, so that no link is followed on the way. */
static int walk(int root, const char *path, int flags, int *fd_out)
{
	char part[OS_PATH_MAX];
	int dir = root, fd, rc;
	const char *slash;

	while ((slash = strchr(path, '/')) != NULL) {
		size_t len = (size_t)(slash - path);

		memcpy(part, path, len);
		part[len] = 0;
		fd = openat(dir, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		rc = errno;
		if (dir != root)
			close(dir);
		if (fd < 0)
			return rc;
		dir = fd;
		path = slash + 1;
	}
	fd = openat(dir, path, flags, FILE_MODE);
	rc = errno;
	if (dir != root)
		close(dir);
	*fd_out = fd;
	return fd < 0 ? rc : 0;
}

#ifdef SYS_openat2
static int open_beneath(int root, const char *path, int flags)
{
	struct open_how how = { 0 };

	how.flags = (unsigned)flags;
	how.mode = flags & O_CREAT ? FILE_MODE : 0;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}
#else
static int open_beneath(int root, const char *path, int flags)
{
	(void)root;
	(void)path;
	(void)flags;
	errno = ENOSYS;
	return -1;
}
#endif

/* "" opens the root anew. */
static int open_path(struct posix *p, const char *path, int flags, int *fd_out)
{
	int root, fd, rc;

	rc = root_of(p, &root);
	if (rc)
		return rc;
	if (!*path)
		path = ".";
	flags |= O_NOFOLLOW | O_CLOEXEC;
	if (!atomic_load_explicit(&p->walks, memory_order_relaxed)) {
		fd = open_beneath(root, path, flags);
		*fd_out = fd;
		if (fd >= 0)
			return 0;
		/* Older sandboxes answer EPERM to calls that they do not know. */
		if (errno != ENOSYS && errno != EPERM)
			return errno;
		if (errno == ENOSYS)
			atomic_store_explicit(&p->walks, true, memory_order_relaxed);
	}
	return walk(root, path, flags, fd_out);
}

static int place_of(struct posix *p, const char *path, struct place *place_out)
{
	const char *slash = strrchr(path, '/');
	char dir[OS_PATH_MAX];

	place_out->owned = slash != NULL;
	place_out->name = slash ? slash + 1 : *path ? path : ".";
	if (!slash)
		return root_of(p, &place_out->dir);
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = 0;
	return open_path(p, dir, O_PATH | O_DIRECTORY, &place_out->dir);
}

/* Returns what a system call has answered, and leaves the place. */
static int leave(const struct place *place, int result)
{
	int rc = result < 0 ? errno : 0;

	if (place->owned)
		close(place->dir);
	return rc;
}

/* ---- files ---- */

static int check_regular(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return S_ISREG(st.st_mode) ? 0 : EINVAL;
}

static int open_file(struct os *os, const char *path, int flags, struct os_file **file_out)
{
	struct os_file *file = mem_alloc(os->alloc, sizeof *file);
	int rc;

	if (!file)
		return ENOMEM;
	/* O_NONBLOCK: a pipe under the name must not hang the caller. */
	rc = open_path(posix_of(os), path, flags | O_NONBLOCK | O_NOCTTY, &file->fd);
	if (!rc && !(flags & O_EXCL)) { /* what O_EXCL has just made is regular */
		rc = check_regular(file->fd);
		if (rc)
			close(file->fd);
	}
	if (rc) {
		mem_free(os->alloc, file, sizeof *file);
		return rc;
	}
	*file_out = file;
	return 0;
}

static int posix_open(struct os *os, const char *path, bool writable, struct os_file **file_out)
{
	return open_file(os, path, writable ? O_RDWR | O_APPEND : O_RDONLY, file_out);
}

static int posix_create(struct os *os, const char *path, struct os_file **file_out)
{
	return open_file(os, path, O_RDWR | O_APPEND | O_CREAT | O_EXCL, file_out);
}

static int posix_close(struct os *os, struct os_file *file)
{
	int rc = close(file->fd) < 0 ? errno : 0;

	mem_free(os->alloc, file, sizeof *file);
	/* The descriptor is gone even then; a second close could hit another thread's file. */
	return rc == EINTR ? 0 : rc;
}

static int posix_size(struct os *os, struct os_file *file, uint64_t *size_out)
{
	struct stat st;

	(void)os;
	if (fstat(file->fd, &st) < 0)
		return errno;
	*size_out = (uint64_t)st.st_size;
	return 0;
}

static int posix_read(struct os *os, struct os_file *file, uint64_t off, void *to, size_t len,
                      size_t *n_out)
{
	ssize_t n = pread(file->fd, to, len, (off_t)off);

	(void)os;
	if (n < 0)
		return errno;
	*n_out = (size_t)n;
	return 0;
}

static void free_map(struct os_map *map)
{
	munmap((void *)(uintptr_t)map->at, map->len);
	mem_free(map->alloc, map, sizeof *map);
}

/* Shared: the page cache itself. The size is asked for, since what lies behind the end of a file can be
 * mapped but not touched. */
static int posix_map(struct os *os, struct os_file *file, size_t len, struct os_map **map_out)
{
	struct os_map *map;
	struct stat st;
	void *at;

	if (fstat(file->fd, &st) < 0)
		return errno;
	if ((uint64_t)st.st_size < len)
		return EINVAL;
	map = mem_zalloc(os->alloc, sizeof *map);
	if (!map)
		return ENOMEM;
	at = mmap(NULL, len, PROT_READ, MAP_SHARED, file->fd, 0);
	if (at == MAP_FAILED) {
		int rc = errno;

		mem_free(os->alloc, map, sizeof *map);
		return rc;
	}
	*map = (struct os_map){ .at = at, .len = len, .alloc = os->alloc, .free = free_map };
	atomic_init(&map->shares, 1);
	*map_out = map;
	return 0;
}

static int posix_write(struct os *os, struct os_file *file, const void *from, size_t len,
                       size_t *n_out)
{
	ssize_t n = write(file->fd, from, len);

	(void)os;
	if (n < 0)
		return errno;
	*n_out = (size_t)n;
	return 0;
}

static int posix_sync(struct os *os, struct os_file *file)
{
	(void)os;
	return fsync(file->fd) < 0 ? errno : 0;
}

static int lock_flock(int fd, enum os_lock lock)
{
	int op = lock == OS_LOCK_EXCLUSIVE ? LOCK_EX : lock == OS_LOCK_SHARED ? LOCK_SH : LOCK_UN;

	return flock(fd, op | LOCK_NB) < 0 ? errno : 0;
}

/* Never classic fcntl locks: closing any other descriptor of the file would drop them. */
static int posix_lock(struct os *os, struct os_file *file, enum os_lock lock)
{
#ifdef F_OFD_SETLK
	struct flock whole = { 0 };

	(void)os;
	whole.l_type = lock == OS_LOCK_EXCLUSIVE ? F_WRLCK
	               : lock == OS_LOCK_SHARED  ? F_RDLCK
	                                         : F_UNLCK;
	whole.l_whence = SEEK_SET;
	if (fcntl(file->fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	if (errno != EINVAL)
		return errno == EACCES ? EAGAIN : errno;
#else
	(void)os;
#endif
	return lock_flock(file->fd, lock);
}

/* ---- names ---- */

typedef int (*pair_call)(int from_dir, const char *from, int to_dir, const char *to);

static int call_pair(struct os *os, const char *from, const char *to, pair_call call)
{
	struct place a, b;
	int rc = place_of(posix_of(os), from, &a);

	if (rc)
		return rc;
	rc = place_of(posix_of(os), to, &b);
	if (!rc)
		rc = leave(&b, call(a.dir, a.name, b.dir, b.name));
	leave(&a, 0);
	return rc;
}

static int link_unfollowed(int from_dir, const char *from, int to_dir, const char *to)
{
	return linkat(from_dir, from, to_dir, to, 0);
}

static int posix_link(struct os *os, const char *from, const char *to)
{
	return call_pair(os, from, to, link_unfollowed);
}

static int posix_rename(struct os *os, const char *from, const char *to)
{
	return call_pair(os, from, to, renameat);
}

static int posix_unlink(struct os *os, const char *path)
{
	struct place place;
	int rc = place_of(posix_of(os), path, &place);

	return rc ? rc : leave(&place, unlinkat(place.dir, place.name, 0));
}

static int make_root(struct posix *p)
{
	int rc = mkdir(p->path, DIR_MODE) < 0 ? errno : 0;
	int root, opened;

	if (rc && rc != EEXIST)
		return rc;
	opened = root_of(p, &root);
	if (opened)
		return opened;
	atomic_store(&p->syncs_parent, true);
	if (!rc)
		atomic_store(&p->made_root, true);
	return rc;
}

static int posix_mkdir(struct os *os, const char *path)
{
	struct place place;
	int rc;

	if (!*path)
		return make_root(posix_of(os));
	rc = place_of(posix_of(os), path, &place);
	return rc ? rc : leave(&place, mkdirat(place.dir, place.name, DIR_MODE));
}

static int sync_fd(int fd)
{
	int rc = fsync(fd) < 0 ? errno : 0;

	close(fd);
	return rc;
}

/* Makes the root's own name durable: also where another process made it, since that one may have
 * died before its own sync. Only then may the directory above be one that cannot be read. */
static int sync_parent(struct posix *p)
{
	int root, fd;
	int rc = root_of(p, &root);

	if (rc)
		return rc;
	fd = openat(root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES && !atomic_load(&p->made_root) ? 0 : errno;
	rc = sync_fd(fd);
	return rc == EROFS ? 0 : rc;
}

static int posix_sync_dir(struct os *os, const char *path)
{
	struct posix *p = posix_of(os);
	int fd, rc;

	rc = open_path(p, path, O_RDONLY | O_DIRECTORY, &fd);
	if (!rc)
		rc = sync_fd(fd);
	if (!rc && !*path && atomic_load(&p->syncs_parent))
		rc = sync_parent(p);
	return rc;
}

static int list_open(DIR *dir, os_list_fn each, void *ctx)
{
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return errno;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (each(ctx, entry->d_name))
			return 0;
	}
}

static int posix_list(struct os *os, const char *path, os_list_fn each, void *ctx)
{
	int fd, rc;
	DIR *dir;

	rc = open_path(posix_of(os), path, O_RDONLY | O_DIRECTORY, &fd);
	if (rc)
		return rc;
	dir = fdopendir(fd);
	if (!dir) {
		rc = errno;
		close(fd);
		return rc;
	}
	rc = list_open(dir, each, ctx);
	closedir(dir);
	return rc;
}

static int posix_stat(struct os *os, const char *path, struct os_stat *stat_out)
{
	struct place place;
	struct stat st;
	int rc = place_of(posix_of(os), path, &place);

	if (!rc)
		rc = leave(&place, fstatat(place.dir, place.name, &st, AT_SYMLINK_NOFOLLOW));
	if (rc)
		return rc;
	if (S_ISLNK(st.st_mode))
		return ELOOP;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return EINVAL;
	stat_out->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	stat_out->mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
	return 0;
}

/* ---- clock, random bytes, life cycle ---- */

static int64_t posix_clock_us(struct os *os)
{
	struct timespec now;

	(void)os;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int posix_random(struct os *os, void *to, size_t len)
{
	uint8_t *at = to;

	(void)os;
	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0)
			return errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static void posix_free(struct os *os)
{
	struct posix *p = posix_of(os);
	int root = atomic_load(&p->root);

	if (root >= 0)
		close(root);
	mem_free(os->alloc, p, sizeof *p + p->path_len + 1);
}

static const struct os_ops posix_ops = {
	.open = posix_open,
	.create = posix_create,
	.close = posix_close,
	.size = posix_size,
	.read = posix_read,
	.map = posix_map,
	.write = posix_write,
	.sync = posix_sync,
	.lock = posix_lock,
	.link = posix_link,
	.rename = posix_rename,
	.unlink = posix_unlink,
	.mkdir = posix_mkdir,
	.sync_dir = posix_sync_dir,
	.list = posix_list,
	.stat = posix_stat,
	.clock_us = posix_clock_us,
	.random = posix_random,
	.free = posix_free,
};

teg_status os_posix_new(const char *root, const teg_allocator *alloc, struct os **os_out,
                        teg_error *err)
{
	size_t len = strlen(root);
	struct posix *p = mem_zalloc(alloc, sizeof *p + len + 1);
	int fd, rc;

	if (!p)
		return teg_fail(err, TEG_NOMEM, "no memory to open %s", root);
	p->base.ops = &posix_ops;
	p->base.alloc = alloc;
	p->path_len = len;
	memcpy(p->path, root, len);
	atomic_init(&p->root, -1);
	rc = root_of(p, &fd);
	if (rc && rc != ENOENT) {
		posix_free(&p->base);
		return teg_fail_os(err, rc, "cannot open the directory %s", root);
	}
	*os_out = &p->base;
	return TEG_OK;
}
