/* What the memory os keeps: files and directories, their names now, and their names on the disk.
 *
 *   now    the names as every call sees them
 *   log    changes of names since the directory's last sync, in order
 *   kept   the names as a disk that only honours syncs would hold them
 *
 * Files only grow, so what is durable of a file is always the front of its bytes. A node lives
 * while one of the tables or an open file holds it. Used by memory.c and memory_control.c alone;
 * everything but disk_enter wants the mutex held.
 */
#ifndef TEG_ENGINE_OS_DISK_H
#define TEG_ENGINE_OS_DISK_H
#include <pthread.h>
#include "engine/os/memory.h"

struct node {
	struct node *next; /* in disk.nodes */
	struct node *copy; /* for memory_clone */
	size_t refs, n_open;
	bool is_dir;
	bool has_name; /* for disk_used */
	uint8_t *bytes;
	size_t len, cap, n_synced;
	int64_t mtime_us;
	size_t n_shared; /* locks */
	bool exclusive;
};

struct name {
	char path[OS_PATH_MAX];
	struct node *node; /* NULL in the log: the name was removed */
	uint64_t op;       /* log only: the two halves of a rename share one */
};

struct names {
	struct name *at;
	size_t n, cap;
};

struct disk {
	struct os base;
	pthread_mutex_t mutex;
	struct node *nodes, **nodes_end;
	struct names now, kept, log;
	uint64_t n_ops;
	uint64_t room; /* bytes of all contents */
	uint64_t random;
	int64_t clock_us;
	bool read_only;
};

/* Takes the mutex; disk_leave gives it back and returns `rc`. */
struct disk *disk_enter(struct os *os);
int disk_leave(struct disk *d, int rc);

/* A step of the splitmix64 generator. */
uint64_t disk_mix(uint64_t x);

/* A node that nothing holds yet; NULL: no memory. */
struct node *disk_new_node(struct disk *d, bool is_dir);
void disk_free_node(struct disk *d, struct node *node);
/* NULL is fine for both. */
struct node *disk_ref(struct node *node);
void disk_unref(struct disk *d, struct node *node);

/* The bytes of all files that have a name now or are open, each counted once. */
uint64_t disk_used(struct disk *d);
uint64_t disk_room_left(struct disk *d);

/* Room for `need` names in all. False: no memory. */
bool disk_grow(struct disk *d, struct names *table, size_t need);
struct name *disk_find(const struct names *table, const char *path);
/* Appends; the caller has seen to the room. */
void disk_push(struct names *table, const char *path, struct node *node, uint64_t op);
/* Makes `path` name `node`, or nothing where that is NULL; the caller has seen to the room. */
void disk_put(struct disk *d, struct names *table, const char *path, struct node *node);
void disk_drop(struct disk *d, struct names *table, struct name *name);

/* Room for one more change of up to two names, and so much in the other tables that neither
 * sync_dir nor a power cut need ask for memory later. False: no memory. */
bool disk_reserve(struct disk *d);
/* Changes a name now and in the log, as part of operation d->n_ops; after disk_reserve. */
void disk_change(struct disk *d, const char *path, struct node *node);

/* Whether `path` is a name in the directory `dir`. */
bool disk_lies_in(const char *dir, const char *path);
/* 0, or ENOENT or ENOTDIR where the table has no such directory. */
int disk_check_dir(const struct names *table, const char *path);
int disk_check_parent(const struct names *table, const char *path);
#endif
