#define _GNU_SOURCE /* pthread_mutex_t under strict C11 */
#include "engine/os/disk.h"
#include <errno.h>

struct disk *disk_enter(struct os *os)
{
	struct disk *d = (struct disk *)os;

	pthread_mutex_lock(&d->mutex);
	return d;
}

int disk_leave(struct disk *d, int rc)
{
	pthread_mutex_unlock(&d->mutex);
	return rc;
}

uint64_t disk_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* ---- nodes ---- */

struct node *disk_new_node(struct disk *d, bool is_dir)
{
	struct node *node = mem_zalloc(d->base.alloc, sizeof *node);

	if (!node)
		return NULL;
	node->is_dir = is_dir;
	node->mtime_us = d->clock_us;
	*d->nodes_end = node;
	d->nodes_end = &node->next;
	return node;
}

void disk_free_node(struct disk *d, struct node *node)
{
	struct node **at = &d->nodes;

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	if (!*at)
		d->nodes_end = at;
	mem_free(d->base.alloc, node->bytes, node->cap);
	mem_free(d->base.alloc, node, sizeof *node);
}

void disk_unref(struct disk *d, struct node *node)
{
	if (node && --node->refs == 0)
		disk_free_node(d, node);
}

struct node *disk_ref(struct node *node)
{
	if (node)
		node->refs++;
	return node;
}

uint64_t disk_used(struct disk *d)
{
	uint64_t used = 0;

	for (struct node *node = d->nodes; node; node = node->next)
		node->has_name = false;
	for (size_t i = 0; i < d->now.n; i++)
		d->now.at[i].node->has_name = true;
	for (struct node *node = d->nodes; node; node = node->next)
		if (node->has_name || node->n_open)
			used += node->len;
	return used;
}

uint64_t disk_room_left(struct disk *d)
{
	uint64_t used;

	if (d->room == UINT64_MAX)
		return UINT64_MAX;
	used = disk_used(d);
	return d->room > used ? d->room - used : 0;
}

/* ---- tables of names ---- */

struct name *disk_find(const struct names *table, const char *path)
{
	for (size_t i = 0; i < table->n; i++)
		if (!strcmp(table->at[i].path, path))
			return &table->at[i];
	return NULL;
}

void disk_push(struct names *table, const char *path, struct node *node, uint64_t op)
{
	struct name *name = &table->at[table->n++];

	memset(name, 0, sizeof *name);
	memcpy(name->path, path, strlen(path));
	name->node = disk_ref(node);
	name->op = op;
}

void disk_drop(struct disk *d, struct names *table, struct name *name)
{
	struct node *node = name->node;

	*name = table->at[--table->n];
	disk_unref(d, node);
}

void disk_put(struct disk *d, struct names *table, const char *path, struct node *node)
{
	struct name *name = disk_find(table, path);
	struct node *old;

	if (!node) {
		if (name)
			disk_drop(d, table, name);
		return;
	}
	if (!name) {
		disk_push(table, path, node, 0);
		return;
	}
	old = name->node;
	name->node = disk_ref(node);
	disk_unref(d, old);
}

bool disk_grow(struct disk *d, struct names *table, size_t need)
{
	void *at = table->at;
	bool grown = mem_grow(d->base.alloc, &at, &table->cap, need, sizeof *table->at);

	table->at = at;
	return grown;
}

bool disk_reserve(struct disk *d)
{
	size_t durable = d->kept.n + d->log.n + 2;
	size_t current = d->now.n + 2 > durable ? d->now.n + 2 : durable;

	return disk_grow(d, &d->log, d->log.n + 2) && disk_grow(d, &d->kept, durable) &&
	       disk_grow(d, &d->now, current);
}

void disk_change(struct disk *d, const char *path, struct node *node)
{
	disk_ref(node); /* the first table could otherwise drop the last name of it */
	disk_put(d, &d->now, path, node);
	disk_push(&d->log, path, node, d->n_ops);
	disk_unref(d, node);
}

/* The directory that holds `path`. */
static void parent_of(const char *path, char dir[static OS_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	memcpy(dir, path, len);
	dir[len] = 0;
}

bool disk_lies_in(const char *dir, const char *path)
{
	char parent[OS_PATH_MAX];

	parent_of(path, parent);
	return *path && !strcmp(parent, dir);
}

int disk_check_dir(const struct names *table, const char *path)
{
	const struct name *name = disk_find(table, path);

	if (!name)
		return ENOENT;
	return name->node->is_dir ? 0 : ENOTDIR;
}

int disk_check_parent(const struct names *table, const char *path)
{
	char dir[OS_PATH_MAX];

	if (!*path)
		return 0;
	parent_of(path, dir);
	return disk_check_dir(table, dir);
}
