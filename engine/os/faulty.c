#define _GNU_SOURCE /* pthread_mutex_t under strict C11 */
#include "engine/os/faulty.h"
#include <errno.h>
#include <pthread.h>
#include "engine/os/memory.h"

struct faulty {
	struct os base;
	struct os *inner;
	pthread_mutex_t mutex; /* for all below */
	uint64_t n, calls;
	int os_errno;
	bool forever, changes_only, answer_lost, kill;
	bool hit, barriers_held;
};

/* What becomes of one call. */
struct fate {
	int rc;        /* its answer where not 0 */
	bool reaches;  /* the inner os is called */
	bool one_byte; /* for read and write */
};

enum what { LOOKS, CHANGES };

static struct faulty *faulty_of(struct os *os)
{
	return (struct faulty *)os;
}

static bool is_due(const struct faulty *f)
{
	return f->n && (f->calls == f->n || (f->forever && f->calls > f->n));
}

static struct fate gate(struct faulty *f, enum what what)
{
	struct fate fate = { 0, true, false };
	bool due = false;

	pthread_mutex_lock(&f->mutex);
	if (what == CHANGES || !f->changes_only) {
		f->calls++;
		due = is_due(f);
	}
	f->hit |= due;
	if (f->kill && f->hit) {
		fate.rc = EIO;
		fate.reaches = false;
	} else if (due) {
		fate.rc = f->os_errno;
		fate.reaches = !f->os_errno || (f->answer_lost && what == CHANGES);
		fate.one_byte = !f->os_errno;
	}
	pthread_mutex_unlock(&f->mutex);
	return fate;
}

static int answer(const struct fate *fate, int rc)
{
	return fate->rc ? fate->rc : rc;
}

/* ---- files ---- */

/* The inner os's handles are passed on as they are. */

static int faulty_open(struct os *os, const char *path, bool writable, struct os_file **file_out)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return fate.rc ? fate.rc : inner->ops->open(inner, path, writable, file_out);
}

static int faulty_create(struct os *os, const char *path, struct os_file **file_out)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);
	struct os_file *file;
	int rc;

	if (!fate.reaches)
		return fate.rc;
	rc = inner->ops->create(inner, path, &file);
	if (!rc && fate.rc)
		inner->ops->close(inner, file);
	if (!rc && !fate.rc)
		*file_out = file;
	return answer(&fate, rc);
}

/* As with close(2) the handle is gone whatever the answer; a killed process closes all it has. */
static int faulty_close(struct os *os, struct os_file *file)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return answer(&fate, inner->ops->close(inner, file));
}

static int faulty_size(struct os *os, struct os_file *file, uint64_t *size_out)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return fate.rc ? fate.rc : inner->ops->size(inner, file, size_out);
}

static int faulty_read(struct os *os, struct os_file *file, uint64_t off, void *to, size_t len,
                       size_t *n_out)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	if (fate.rc)
		return fate.rc;
	return inner->ops->read(inner, file, off, to, fate.one_byte && len ? 1 : len, n_out);
}

static int faulty_map(struct os *os, struct os_file *file, size_t len, struct os_map **map_out)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return fate.rc ? fate.rc : inner->ops->map(inner, file, len, map_out);
}

static int faulty_write(struct os *os, struct os_file *file, const void *from, size_t len,
                        size_t *n_out)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);

	if (!fate.reaches)
		return fate.rc;
	return answer(&fate,
	              inner->ops->write(inner, file, from, fate.one_byte && len ? 1 : len, n_out));
}

static int faulty_sync(struct os *os, struct os_file *file)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);

	return fate.reaches ? answer(&fate, inner->ops->sync(inner, file)) : fate.rc;
}

static int faulty_lock(struct os *os, struct os_file *file, enum os_lock lock)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return fate.rc ? fate.rc : inner->ops->lock(inner, file, lock);
}

/* ---- names ---- */

static void audit(struct faulty *f, const char *from)
{
	if (!os_is_memory(f->inner) || memory_is_synced(f->inner, from))
		return;
	pthread_mutex_lock(&f->mutex);
	f->barriers_held = false;
	pthread_mutex_unlock(&f->mutex);
}

static int faulty_link(struct os *os, const char *from, const char *to)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);

	if (!fate.reaches)
		return fate.rc;
	audit(faulty_of(os), from);
	return answer(&fate, inner->ops->link(inner, from, to));
}

static int faulty_rename(struct os *os, const char *from, const char *to)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);

	return fate.reaches ? answer(&fate, inner->ops->rename(inner, from, to)) : fate.rc;
}

static int faulty_unlink(struct os *os, const char *path)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);

	return fate.reaches ? answer(&fate, inner->ops->unlink(inner, path)) : fate.rc;
}

static int faulty_mkdir(struct os *os, const char *path)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);

	return fate.reaches ? answer(&fate, inner->ops->mkdir(inner, path)) : fate.rc;
}

static int faulty_sync_dir(struct os *os, const char *path)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), CHANGES);

	return fate.reaches ? answer(&fate, inner->ops->sync_dir(inner, path)) : fate.rc;
}

static int faulty_list(struct os *os, const char *path, os_list_fn each, void *ctx)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return fate.rc ? fate.rc : inner->ops->list(inner, path, each, ctx);
}

static int faulty_stat(struct os *os, const char *path, struct os_stat *stat_out)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return fate.rc ? fate.rc : inner->ops->stat(inner, path, stat_out);
}

/* ---- clock, random bytes, life cycle ---- */

static int64_t faulty_clock_us(struct os *os)
{
	struct os *inner = faulty_of(os)->inner;

	return inner->ops->clock_us(inner);
}

static int faulty_random(struct os *os, void *to, size_t len)
{
	struct os *inner = faulty_of(os)->inner;
	struct fate fate = gate(faulty_of(os), LOOKS);

	return fate.rc ? fate.rc : inner->ops->random(inner, to, len);
}

static void faulty_free(struct os *os)
{
	struct faulty *f = faulty_of(os);

	pthread_mutex_destroy(&f->mutex);
	mem_free(os->alloc, f, sizeof *f);
}

static const struct os_ops faulty_ops = {
	.open = faulty_open,
	.create = faulty_create,
	.close = faulty_close,
	.size = faulty_size,
	.read = faulty_read,
	.map = faulty_map,
	.write = faulty_write,
	.sync = faulty_sync,
	.lock = faulty_lock,
	.link = faulty_link,
	.rename = faulty_rename,
	.unlink = faulty_unlink,
	.mkdir = faulty_mkdir,
	.sync_dir = faulty_sync_dir,
	.list = faulty_list,
	.stat = faulty_stat,
	.clock_us = faulty_clock_us,
	.random = faulty_random,
	.free = faulty_free,
};

struct os *os_faulty_new(struct os *inner, const teg_allocator *alloc)
{
	struct faulty *f = mem_zalloc(alloc, sizeof *f);

	if (!f)
		return NULL;
	f->base.ops = &faulty_ops;
	f->base.alloc = alloc;
	f->inner = inner;
	f->barriers_held = true;
	pthread_mutex_init(&f->mutex, NULL);
	return &f->base;
}

/* ---- the test's side ---- */

static void aim(struct faulty *f, uint64_t n, int os_errno, bool forever, bool kill)
{
	pthread_mutex_lock(&f->mutex);
	f->n = n;
	f->calls = 0;
	f->os_errno = os_errno;
	f->forever = forever;
	f->kill = kill;
	f->hit = false;
	pthread_mutex_unlock(&f->mutex);
}

void faulty_set(struct os *os, uint64_t n, int os_errno, bool forever)
{
	aim(faulty_of(os), n, os_errno, forever, false);
}

void faulty_kill(struct os *os, uint64_t n)
{
	aim(faulty_of(os), n, EIO, true, true);
}

static void set_flag(struct faulty *f, bool *flag, bool on)
{
	pthread_mutex_lock(&f->mutex);
	*flag = on;
	pthread_mutex_unlock(&f->mutex);
}

void faulty_count_changes_only(struct os *os, bool on)
{
	set_flag(faulty_of(os), &faulty_of(os)->changes_only, on);
}

void faulty_lose_answer(struct os *os, bool on)
{
	set_flag(faulty_of(os), &faulty_of(os)->answer_lost, on);
}

static bool get_flag(const struct os *os, const bool *flag)
{
	struct faulty *f = (struct faulty *)(uintptr_t)os;
	bool on;

	pthread_mutex_lock(&f->mutex);
	on = *flag;
	pthread_mutex_unlock(&f->mutex);
	return on;
}

bool faulty_hit(const struct os *os)
{
	return get_flag(os, &((const struct faulty *)os)->hit);
}

bool faulty_barriers_held(const struct os *os)
{
	return get_flag(os, &((const struct faulty *)os)->barriers_held);
}

uint64_t faulty_calls(const struct os *os)
{
	struct faulty *f = (struct faulty *)(uintptr_t)os;
	uint64_t calls;

	pthread_mutex_lock(&f->mutex);
	calls = f->calls;
	pthread_mutex_unlock(&f->mutex);
	return calls;
}
