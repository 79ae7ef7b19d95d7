/* The only door to the system: files, directories, locks, the clock, random bytes.
 *
 * An os is a table of functions and is rooted at one directory, the store. Paths are relative to
 * that root, made of [a-z0-9._-] and '/', at most OS_PATH_MAX bytes: ids and numbers, never user
 * text. There are three:
 *
 *   posix    a directory of a real file system; symbolic links below the root are refused
 *   memory   the same in memory, for tests and fuzzers; knows what a power cut would lose
 *   faulty   wraps another one; makes the n-th call fail, or cuts the power there
 *
 * The table's functions return 0 or an errno; they may read or write short and may be interrupted.
 * The os_* calls below loop, check and turn errno into a teg_error that names the file. Nothing
 * else in the engine sees errno. Functions of one os may be called from several threads.
 */
#ifndef TEG_ENGINE_OS_OS_H
#define TEG_ENGINE_OS_OS_H
#include <stdbool.h>
#include "codec/base/alloc.h"
#include "codec/base/error.h"
#include "codec/base/span.h"

#define OS_PATH_MAX 120 /* bytes, terminator included */

struct os;
struct os_file; /* opaque, made by the table's own open or create */

struct os_stat {
	uint64_t size;    /* bytes, 0 for a directory */
	int64_t mtime_us; /* microseconds since 1970, UTC */
};

enum os_lock {
	OS_LOCK_SHARED,
	OS_LOCK_EXCLUSIVE,
	OS_LOCK_NONE /* unlock */
};

/* Called once per name (no path, no "." and ".."); non-zero stops the listing. */
typedef int (*os_list_fn)(void *ctx, const char *name);

/* A file's bytes where they lie, for reading, however many hold it. It stays when the file is closed or
 * loses its name, and outlives the os; `free` is called with the last share. */
struct os_map {
	_Atomic uint32_t shares;
	const uint8_t *at;
	size_t len;
	const teg_allocator *alloc;
	void (*free)(struct os_map *map);
};

struct os_ops {
	int (*open)(struct os *os, const char *path, bool writable, struct os_file **file_out);
	/* Fails with EEXIST where the name exists, links included. */
	int (*create)(struct os *os, const char *path, struct os_file **file_out);
	int (*close)(struct os *os, struct os_file *file);
	int (*size)(struct os *os, struct os_file *file, uint64_t *size_out);
	/* n_out 0 at the end of the file. */
	int (*read)(struct os *os, struct os_file *file, uint64_t off, void *to, size_t len,
	            size_t *n_out);
	/* The first len bytes, len above 0; EINVAL where the file has fewer. NULL: not to be had. */
	int (*map)(struct os *os, struct os_file *file, size_t len, struct os_map **map_out);
	/* Appends. */
	int (*write)(struct os *os, struct os_file *file, const void *from, size_t len,
	             size_t *n_out);
	int (*sync)(struct os *os, struct os_file *file);
	/* Whole-file advisory lock that belongs to this open file, not to the process (OFD);
	 * EAGAIN where another open file holds it. Never waits. */
	int (*lock)(struct os *os, struct os_file *file, enum os_lock lock);
	int (*link)(struct os *os, const char *from, const char *to);   /* EEXIST: `to` is there */
	int (*rename)(struct os *os, const char *from, const char *to); /* a file; replaces `to` */
	int (*unlink)(struct os *os, const char *path);
	/* EEXIST as mkdir(2). "" makes the root itself, but no directory above it. */
	int (*mkdir)(struct os *os, const char *path);
	/* "" after mkdir("") makes the root's own name durable too. */
	int (*sync_dir)(struct os *os, const char *path);
	/* In no order; other people's files may be among the names. */
	int (*list)(struct os *os, const char *path, os_list_fn each, void *ctx);
	int (*stat)(struct os *os, const char *path, struct os_stat *stat_out);
	int64_t (*clock_us)(struct os *os); /* wall clock, microseconds since 1970, UTC */
	int (*random)(struct os *os, void *to, size_t len);
	void (*free)(struct os *os);
};

/* The head of every implementation. Counters are for tests, explain and benchmarks. */
struct os {
	const struct os_ops *ops;
	const teg_allocator *alloc;
	_Atomic uint64_t n_reads, n_read_bytes, n_writes, n_written_bytes, n_syncs, n_opens;
};

/* A real directory. It need not exist yet (os_make_dir(os, "") makes it); a relative `root` must
 * then keep its meaning until it does. TEG_NOMEM; TEG_IO where it exists and cannot be opened. */
teg_status os_posix_new(const char *root, const teg_allocator *alloc, struct os **os_out,
                        teg_error *err);
/* Frees any kind; NULL is fine. Open files must have been closed. */
void os_free(struct os *os);

/* ---- files ---- */
teg_status os_open(struct os *os, const char *path, struct os_file **file_out, teg_error *err);
teg_status os_open_writable(struct os *os, const char *path, struct os_file **file_out,
                            teg_error *err);
teg_status os_create(struct os *os, const char *path, struct os_file **file_out, teg_error *err);
/* NULL is fine. An error at close is reported by os_close_written only. */
void os_close(struct os *os, struct os_file *file);
teg_status os_close_written(struct os *os, struct os_file *file, const char *path, teg_error *err);
teg_status os_size(struct os *os, struct os_file *file, const char *path, uint64_t *size_out,
                   teg_error *err);
/* Exactly `len` bytes from `off`; TEG_CORRUPT with the offset where the file ends before that. */
teg_status os_read(struct os *os, struct os_file *file, const char *path, uint64_t off, void *to,
                   size_t len, teg_error *err);
/* The first `len` bytes of a file that nobody changes any more, with one share. Any failure means no
 * more than that they are to be read: TEG_UNSUPPORTED, TEG_NOMEM, TEG_IO. A file that is cut short
 * while it is mapped, or that the device cannot give, ends the process (SIGBUS) when it is touched. */
teg_status os_map(struct os *os, struct os_file *file, const char *path, size_t len,
                  struct os_map **map_out, teg_error *err);
struct os_map *os_map_share(struct os_map *map);
void os_map_drop(struct os_map *map); /* NULL is fine */
teg_status os_write(struct os *os, struct os_file *file, const char *path, struct span bytes,
                    teg_error *err);
/* Never retried: after a failed sync the file must be abandoned. */
teg_status os_sync(struct os *os, struct os_file *file, const char *path, teg_error *err);
/* TEG_CONFLICT where another open file holds it. */
teg_status os_lock(struct os *os, struct os_file *file, const char *path, enum os_lock lock,
                   teg_error *err);

/* ---- names ---- */
/* TEG_NOT_FOUND (ENOENT), TEG_EXISTS (EEXIST), TEG_NOMEM (ENOMEM), TEG_READ_ONLY (EACCES, EPERM or
 * EROFS where the call would change something or open for writing), else TEG_IO; TEG_MISUSE for a
 * path that is none. True of every call here and of open and create above. "" is the root for
 * make_dir, sync_dir, list and stat. */
teg_status os_link(struct os *os, const char *from, const char *to, teg_error *err);
teg_status os_rename(struct os *os, const char *from, const char *to, teg_error *err);
teg_status os_unlink(struct os *os, const char *path, teg_error *err);
teg_status os_make_dir(struct os *os, const char *path, teg_error *err);
teg_status os_sync_dir(struct os *os, const char *path, teg_error *err);
teg_status os_list(struct os *os, const char *path, os_list_fn each, void *ctx, teg_error *err);
teg_status os_stat(struct os *os, const char *path, struct os_stat *stat_out, teg_error *err);

/* Creates `path` with these bytes, synced and closed; removes it again where that fails. */
teg_status os_write_file(struct os *os, const char *path, struct span bytes, teg_error *err);
/* Reads a whole file of at most `max` bytes into memory from `alloc`; TEG_LIMIT above that. */
teg_status os_read_file(struct os *os, const char *path, size_t max, const teg_allocator *alloc,
                        uint8_t **bytes_out, size_t *len_out, teg_error *err);

int64_t os_clock_us(struct os *os);
teg_status os_random(struct os *os, void *to, size_t len, teg_error *err);
#endif
