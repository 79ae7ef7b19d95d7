/* The test's side of the memory os: power cuts, damage, a full disk, copies. */
#define _GNU_SOURCE /* pthread_mutex_t under strict C11 */
#include "engine/os/disk.h"

/* ---- power cut ---- */

/* Hands out the bits of `keep`, then bits derived from it; all 0 and all 1 stay so. */
struct chooser {
	uint64_t keep, word, n;
};

static bool next_bit(struct chooser *c)
{
	bool bit = (c->word >> (c->n % 64)) & 1;

	c->n++;
	if (c->n % 64 == 0 && c->keep != 0 && c->keep != UINT64_MAX)
		c->word = disk_mix(c->keep + c->n);
	return bit;
}

/* Any of the logged changes may have reached the disk, whatever came before them. */
static void cut_names(struct disk *d, struct chooser *c)
{
	bool survives = false;

	for (size_t i = 0; i < d->log.n; i++) {
		struct name *name = &d->log.at[i];

		if (i == 0 || name->op != d->log.at[i - 1].op)
			survives = next_bit(c);
		if (survives)
			disk_put(d, &d->kept, name->path, name->node);
	}
	while (d->log.n)
		disk_drop(d, &d->log, &d->log.at[d->log.n - 1]);
}

/* A name whose directory was lost cannot be reached. Its own names go in a later round. */
static void drop_orphans(struct disk *d)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = d->kept.n; i-- > 0;) {
			if (!disk_check_parent(&d->kept, d->kept.at[i].path))
				continue;
			disk_drop(d, &d->kept, &d->kept.at[i]);
			again = true;
		}
	}
}

static void start_from_kept(struct disk *d)
{
	while (d->now.n)
		disk_drop(d, &d->now, &d->now.at[d->now.n - 1]);
	for (size_t i = 0; i < d->kept.n; i++)
		disk_push(&d->now, d->kept.at[i].path, d->kept.at[i].node, 0);
}

/* Two bits: the tail is gone, torn somewhere, of full length but zeros, or whole. */
static void cut_tail(struct node *node, struct chooser *c)
{
	size_t tail = node->len - node->n_synced;
	bool low, high;

	if (!tail)
		return;
	low = next_bit(c);
	high = next_bit(c);
	if (!low && !high)
		node->len = node->n_synced;
	else if (!high)
		node->len = node->n_synced + (size_t)(disk_mix(c->keep ^ c->n) % tail);
	else if (!low)
		memset(node->bytes + node->n_synced, 0, tail);
	node->n_synced = node->len;
}

void memory_power_cut(struct os *os, uint64_t keep)
{
	struct disk *d = disk_enter(os);
	struct chooser c = { keep, keep, 0 };

	cut_names(d, &c);
	drop_orphans(d);
	start_from_kept(d);
	for (struct node *node = d->nodes; node; node = node->next)
		cut_tail(node, &c);
	disk_leave(d, 0);
}

/* ---- settings ---- */

void memory_set_room(struct os *os, uint64_t bytes)
{
	struct disk *d = disk_enter(os);

	d->room = bytes;
	disk_leave(d, 0);
}

void memory_set_read_only(struct os *os, bool read_only)
{
	struct disk *d = disk_enter(os);

	d->read_only = read_only;
	disk_leave(d, 0);
}

void memory_set_clock(struct os *os, int64_t now_us)
{
	struct disk *d = disk_enter(os);

	d->clock_us = now_us;
	disk_leave(d, 0);
}

uint64_t memory_used(struct os *os)
{
	struct disk *d = disk_enter(os);
	uint64_t used = disk_used(d);

	disk_leave(d, 0);
	return used;
}

/* ---- damage ---- */

static struct node *file_of(struct disk *d, const char *path)
{
	struct name *name = disk_find(&d->now, path);

	return name && !name->node->is_dir ? name->node : NULL;
}

bool memory_flip(struct os *os, const char *path, uint64_t byte, unsigned bit)
{
	struct disk *d = disk_enter(os);
	struct node *node = file_of(d, path);
	bool there = node && byte < node->len && bit < 8;

	if (there)
		node->bytes[byte] ^= (uint8_t)(1u << bit);
	disk_leave(d, 0);
	return there;
}

bool memory_truncate(struct os *os, const char *path, uint64_t len)
{
	struct disk *d = disk_enter(os);
	struct node *node = file_of(d, path);
	bool there = node && len <= node->len;

	if (there) {
		node->len = (size_t)len;
		if (node->n_synced > node->len)
			node->n_synced = node->len;
	}
	disk_leave(d, 0);
	return there;
}

bool memory_is_synced(struct os *os, const char *path)
{
	struct disk *d = disk_enter(os);
	const struct node *node = file_of(d, path);
	bool synced = !node || node->n_synced == node->len;

	disk_leave(d, 0);
	return synced;
}

/* ---- copies ---- */

static bool copy_node(struct disk *to, struct node *from)
{
	struct node *node = disk_new_node(to, from->is_dir);

	if (!node)
		return false;
	from->copy = node;
	if (from->len) {
		node->bytes = mem_alloc(to->base.alloc, from->len);
		if (!node->bytes)
			return false;
		memcpy(node->bytes, from->bytes, from->len);
	}
	node->cap = node->len = from->len;
	node->n_synced = from->n_synced;
	node->mtime_us = from->mtime_us;
	return true;
}

static bool copy_names(struct disk *to, struct names *table, const struct names *from, size_t room)
{
	if (!disk_grow(to, table, room))
		return false;
	for (size_t i = 0; i < from->n; i++) {
		const struct name *name = &from->at[i];

		disk_push(table, name->path, name->node ? name->node->copy : NULL, name->op);
	}
	return true;
}

/* Files that only an open handle holds do not come along. */
static void drop_unheld(struct disk *d)
{
	struct node *next;

	for (struct node *node = d->nodes; node; node = next) {
		next = node->next;
		if (!node->refs)
			disk_free_node(d, node);
	}
}

static bool copy_all(struct disk *to, struct disk *from)
{
	/* What disk_reserve has promised for `from` must hold for the copy too. */
	size_t room = from->now.n + from->kept.n + from->log.n;

	to->n_ops = from->n_ops;
	to->room = from->room;
	to->random = from->random;
	to->clock_us = from->clock_us;
	to->read_only = from->read_only;
	for (struct node *node = from->nodes; node; node = node->next)
		if (!copy_node(to, node))
			return false;
	if (!copy_names(to, &to->now, &from->now, room) ||
	    !copy_names(to, &to->kept, &from->kept, room) ||
	    !copy_names(to, &to->log, &from->log, room))
		return false;
	drop_unheld(to);
	return true;
}

struct os *memory_clone(struct os *os)
{
	struct os *clone = os_memory_new(os->alloc, 0);
	struct disk *d;
	bool whole;

	if (!clone)
		return NULL;
	d = disk_enter(os);
	whole = copy_all((struct disk *)clone, d);
	disk_leave(d, 0);
	if (whole)
		return clone;
	os_free(clone);
	return NULL;
}
