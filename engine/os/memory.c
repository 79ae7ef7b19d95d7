#define _GNU_SOURCE /* pthread_mutex_t under strict C11 */
#include "engine/os/disk.h"
#include <errno.h>
#include <stdatomic.h>

#define CLOCK_START_US ((int64_t)1600000000 * 1000000) /* 2020-09-13 12:26:40 */

struct os_file {
	struct node *node;
	bool writable;
	enum os_lock lock;
};

/* ---- looking up ---- */

/* *node_out is NULL where only the last part is missing. */
static int look_up(const struct disk *d, const char *path, struct node **node_out)
{
	const struct name *name = disk_find(&d->now, path);

	*node_out = name ? name->node : NULL;
	return disk_check_parent(&d->now, path);
}

static int look_up_there(const struct disk *d, const char *path, struct node **node_out)
{
	int rc = look_up(d, path, node_out);

	return rc || *node_out ? rc : ENOENT;
}

/* ---- files ---- */

static int open_node(struct disk *d, struct node *node, bool writable, struct os_file **file_out)
{
	struct os_file *file = mem_alloc(d->base.alloc, sizeof *file);

	if (!file)
		return ENOMEM;
	file->node = disk_ref(node);
	node->n_open++;
	file->writable = writable;
	file->lock = OS_LOCK_NONE;
	*file_out = file;
	return 0;
}

static int memory_open(struct os *os, const char *path, bool writable, struct os_file **file_out)
{
	struct disk *d = disk_enter(os);
	struct node *node;
	int rc = look_up_there(d, path, &node);

	if (!rc && node->is_dir)
		rc = EISDIR;
	if (!rc && writable && d->read_only)
		rc = EROFS;
	if (!rc)
		rc = open_node(d, node, writable, file_out);
	return disk_leave(d, rc);
}

/* What must hold before a new name is made. */
static int check_new(struct disk *d, const char *path)
{
	struct node *node;
	int rc = look_up(d, path, &node);

	if (rc)
		return rc;
	if (node)
		return EEXIST;
	if (d->read_only)
		return EROFS;
	return disk_reserve(d) ? 0 : ENOMEM;
}

static int make_node(struct disk *d, const char *path, bool is_dir, struct node **node_out)
{
	int rc = check_new(d, path);

	if (rc)
		return rc;
	*node_out = disk_new_node(d, is_dir);
	if (!*node_out)
		return ENOMEM;
	d->n_ops++;
	disk_change(d, path, *node_out);
	return 0;
}

static int memory_create(struct os *os, const char *path, struct os_file **file_out)
{
	struct disk *d = disk_enter(os);
	struct os_file *file = mem_zalloc(os->alloc, sizeof *file);
	int rc = file ? make_node(d, path, false, &file->node) : ENOMEM;

	if (rc) {
		mem_free(os->alloc, file, sizeof *file);
		return disk_leave(d, rc);
	}
	disk_ref(file->node);
	file->node->n_open++;
	file->writable = true;
	file->lock = OS_LOCK_NONE;
	*file_out = file;
	return disk_leave(d, 0);
}

static void unlock(struct os_file *file)
{
	if (file->lock == OS_LOCK_SHARED)
		file->node->n_shared--;
	if (file->lock == OS_LOCK_EXCLUSIVE)
		file->node->exclusive = false;
	file->lock = OS_LOCK_NONE;
}

static int memory_close(struct os *os, struct os_file *file)
{
	struct disk *d = disk_enter(os);

	unlock(file);
	file->node->n_open--;
	disk_unref(d, file->node);
	mem_free(os->alloc, file, sizeof *file);
	return disk_leave(d, 0);
}

static int memory_size(struct os *os, struct os_file *file, uint64_t *size_out)
{
	struct disk *d = disk_enter(os);

	*size_out = file->node->len;
	return disk_leave(d, 0);
}

static int memory_read(struct os *os, struct os_file *file, uint64_t off, void *to, size_t len,
                       size_t *n_out)
{
	struct disk *d = disk_enter(os);
	const struct node *node = file->node;
	size_t n = 0;

	if (off < node->len) {
		n = node->len - (size_t)off;
		if (n > len)
			n = len;
		memcpy(to, node->bytes + off, n);
	}
	*n_out = n;
	return disk_leave(d, 0);
}

static void free_map(struct os_map *map)
{
	mem_free_aligned(map->alloc, (void *)(uintptr_t)map->at, map->len);
	mem_free(map->alloc, map, sizeof *map);
}

/* A copy, which stays whatever becomes of the disk. */
static int memory_map(struct os *os, struct os_file *file, size_t len, struct os_map **map_out)
{
	struct disk *d = disk_enter(os);
	struct os_map *map = mem_zalloc(os->alloc, sizeof *map);
	uint8_t *at = mem_alloc_aligned(os->alloc, len);
	int rc = map && at ? 0 : ENOMEM;

	if (!rc && file->node->len < len)
		rc = EINVAL;
	if (rc) {
		mem_free(os->alloc, map, sizeof *map);
		mem_free_aligned(os->alloc, at, len);
		return disk_leave(d, rc);
	}
	memcpy(at, file->node->bytes, len);
	*map = (struct os_map){ .at = at, .len = len, .alloc = os->alloc, .free = free_map };
	atomic_init(&map->shares, 1);
	*map_out = map;
	return disk_leave(d, 0);
}

static int append(struct disk *d, struct node *node, const void *from, size_t len)
{
	void *bytes = node->bytes;

	if (!mem_grow(d->base.alloc, &bytes, &node->cap, node->len + len, 1))
		return ENOMEM;
	node->bytes = bytes;
	memcpy(node->bytes + node->len, from, len);
	node->len += len;
	node->mtime_us = d->clock_us;
	return 0;
}

/* A disk that fills up takes what still fits first. */
static int memory_write(struct os *os, struct os_file *file, const void *from, size_t len,
                        size_t *n_out)
{
	struct disk *d = disk_enter(os);
	uint64_t left = disk_room_left(d);
	size_t n = len < left ? len : (size_t)left;
	int rc;

	if (!file->writable)
		return disk_leave(d, EBADF);
	if (d->read_only)
		return disk_leave(d, EROFS);
	if (len && !n)
		return disk_leave(d, ENOSPC);
	rc = n ? append(d, file->node, from, n) : 0;
	if (!rc)
		*n_out = n;
	return disk_leave(d, rc);
}

static int memory_sync(struct os *os, struct os_file *file)
{
	struct disk *d = disk_enter(os);

	file->node->n_synced = file->node->len;
	return disk_leave(d, 0);
}

static int memory_lock(struct os *os, struct os_file *file, enum os_lock lock)
{
	struct disk *d = disk_enter(os);
	struct node *node = file->node;
	bool others_share = node->n_shared > (file->lock == OS_LOCK_SHARED ? 1u : 0u);
	bool others_own = node->exclusive && file->lock != OS_LOCK_EXCLUSIVE;

	if (lock == OS_LOCK_EXCLUSIVE && !file->writable)
		return disk_leave(d, EBADF);
	if (lock != OS_LOCK_NONE && others_own)
		return disk_leave(d, EAGAIN);
	if (lock == OS_LOCK_EXCLUSIVE && others_share)
		return disk_leave(d, EAGAIN);
	unlock(file);
	file->lock = lock;
	if (lock == OS_LOCK_SHARED)
		node->n_shared++;
	if (lock == OS_LOCK_EXCLUSIVE)
		node->exclusive = true;
	return disk_leave(d, 0);
}

/* ---- names ---- */

static int memory_link(struct os *os, const char *from, const char *to)
{
	struct disk *d = disk_enter(os);
	struct node *node;
	int rc = look_up_there(d, from, &node);

	if (!rc && node->is_dir)
		rc = EPERM;
	if (!rc)
		rc = check_new(d, to);
	if (!rc) {
		d->n_ops++;
		disk_change(d, to, node);
	}
	return disk_leave(d, rc);
}

static int check_rename(struct disk *d, const char *from, const char *to, struct node **node_out,
                        struct node **old_out)
{
	int rc = look_up_there(d, from, node_out);

	if (!rc)
		rc = look_up(d, to, old_out);
	if (rc)
		return rc;
	if ((*node_out)->is_dir || (*old_out && (*old_out)->is_dir))
		return EISDIR;
	if (d->read_only)
		return EROFS;
	return disk_reserve(d) ? 0 : ENOMEM;
}

static int memory_rename(struct os *os, const char *from, const char *to)
{
	struct disk *d = disk_enter(os);
	struct node *node, *old;
	int rc = check_rename(d, from, to, &node, &old);

	/* Two names of one file: rename(2) then does nothing, and both stay. */
	if (!rc && node != old) {
		d->n_ops++;
		disk_change(d, to, node);
		disk_change(d, from, NULL);
	}
	return disk_leave(d, rc);
}

static int memory_unlink(struct os *os, const char *path)
{
	struct disk *d = disk_enter(os);
	struct node *node;
	int rc = look_up_there(d, path, &node);

	if (!rc && node->is_dir)
		rc = EISDIR;
	if (!rc && d->read_only)
		rc = EROFS;
	if (!rc && !disk_reserve(d))
		rc = ENOMEM;
	if (!rc) {
		d->n_ops++;
		disk_change(d, path, NULL);
	}
	return disk_leave(d, rc);
}

static int memory_mkdir(struct os *os, const char *path)
{
	struct disk *d = disk_enter(os);
	struct node *node;

	return disk_leave(d, make_node(d, path, true, &node));
}

/* Applies the logged changes of names in `dir`, in order, and takes them off the log. The root's
 * own name goes with the names in it, as in posix. */
static void keep_names(struct disk *d, const char *dir)
{
	size_t left = 0;

	for (size_t i = 0; i < d->log.n; i++) {
		struct name name = d->log.at[i];

		if (!disk_lies_in(dir, name.path) && (*dir || *name.path)) {
			d->log.at[left++] = name;
			continue;
		}
		disk_put(d, &d->kept, name.path, name.node);
		disk_unref(d, name.node);
	}
	d->log.n = left;
}

static int memory_sync_dir(struct os *os, const char *path)
{
	struct disk *d = disk_enter(os);
	int rc = disk_check_dir(&d->now, path);

	if (!rc)
		keep_names(d, path);
	return disk_leave(d, rc);
}

static int collect(struct disk *d, const char *dir, struct names *list)
{
	for (size_t i = 0; i < d->now.n; i++) {
		const char *path = d->now.at[i].path;

		if (!disk_lies_in(dir, path))
			continue;
		if (!disk_grow(d, list, list->n + 1))
			return ENOMEM;
		disk_push(list, path + (*dir ? strlen(dir) + 1 : 0), NULL, 0);
	}
	return 0;
}

/* `each` may call back into this os: it sees a copy, made before. */
static int memory_list(struct os *os, const char *path, os_list_fn each, void *ctx)
{
	struct disk *d = disk_enter(os);
	struct names list = { NULL, 0, 0 };
	int rc = disk_check_dir(&d->now, path);

	if (!rc)
		rc = collect(d, path, &list);
	disk_leave(d, 0);
	for (size_t i = 0; !rc && i < list.n; i++)
		if (each(ctx, list.at[i].path))
			break;
	mem_free(os->alloc, list.at, list.cap * sizeof *list.at);
	return rc;
}

static int memory_stat(struct os *os, const char *path, struct os_stat *stat_out)
{
	struct disk *d = disk_enter(os);
	struct node *node;
	int rc = look_up_there(d, path, &node);

	if (!rc) {
		stat_out->size = node->len;
		stat_out->mtime_us = node->mtime_us;
	}
	return disk_leave(d, rc);
}

/* ---- clock, random bytes, life cycle ---- */

static int64_t memory_clock_us(struct os *os)
{
	struct disk *d = disk_enter(os);
	int64_t now_us = d->clock_us++;

	disk_leave(d, 0);
	return now_us;
}

static int memory_random(struct os *os, void *to, size_t len)
{
	struct disk *d = disk_enter(os);
	uint8_t *at = to;

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)disk_mix(d->random++);
	return disk_leave(d, 0);
}

static void free_names(struct disk *d, struct names *table)
{
	mem_free(d->base.alloc, table->at, table->cap * sizeof *table->at);
}

static void memory_free(struct os *os)
{
	struct disk *d = (struct disk *)os;

	while (d->nodes)
		disk_free_node(d, d->nodes);
	free_names(d, &d->now);
	free_names(d, &d->kept);
	free_names(d, &d->log);
	pthread_mutex_destroy(&d->mutex);
	mem_free(os->alloc, d, sizeof *d);
}

static const struct os_ops memory_ops = {
	.open = memory_open,
	.create = memory_create,
	.close = memory_close,
	.size = memory_size,
	.read = memory_read,
	.map = memory_map,
	.write = memory_write,
	.sync = memory_sync,
	.lock = memory_lock,
	.link = memory_link,
	.rename = memory_rename,
	.unlink = memory_unlink,
	.mkdir = memory_mkdir,
	.sync_dir = memory_sync_dir,
	.list = memory_list,
	.stat = memory_stat,
	.clock_us = memory_clock_us,
	.random = memory_random,
	.free = memory_free,
};

bool os_is_memory(const struct os *os)
{
	return os->ops == &memory_ops;
}

struct os *os_memory_new(const teg_allocator *alloc, uint64_t seed)
{
	struct disk *d = mem_zalloc(alloc, sizeof *d);

	if (!d)
		return NULL;
	d->base.ops = &memory_ops;
	d->base.alloc = alloc;
	pthread_mutex_init(&d->mutex, NULL);
	d->nodes_end = &d->nodes;
	d->room = UINT64_MAX;
	d->random = disk_mix(seed);
	d->clock_us = CLOCK_START_US;
	return &d->base;
}
