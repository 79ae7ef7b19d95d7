#include "engine/os/faulty.h"
#include "engine/os/memory.h"
#include "tests/support/crash.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include <errno.h>

static struct memory mem;
static struct os *disk, *os;

static void setup(void)
{
	memory_init(&mem);
	disk = os_memory_new(&mem.alloc, 1);
	os = os_faulty_new(disk, &mem.alloc);
	OK(os_make_dir(os, "", NULL));
	OK(os_write_file(os, "a", span_of_text("abc"), NULL));
	OK(os_sync_dir(os, "", NULL));
}

static void teardown(void)
{
	os_free(os);
	os_free(disk);
	memory_check(&mem);
}

static teg_status stat_a(struct os *in)
{
	struct os_stat st;

	return os_stat(in, "a", &st, NULL);
}

static int ignore_name(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return 0;
}

/* ---- counting and failing ---- */

Test(faulty, fails_the_nth_call_once, .init = setup, .fini = teardown)
{
	teg_error said;

	faulty_set(os, 3, EIO, false);
	OK(stat_a(os));
	OK(stat_a(os));
	cr_assert_not(faulty_hit(os));
	cr_assert_eq(os_make_dir(os, "d", &said), TEG_IO);
	cr_assert_eq(said.os_errno, EIO);
	cr_assert(faulty_hit(os));
	OK(os_make_dir(os, "d", NULL)); /* it had not happened */
	cr_assert_eq(faulty_calls(os), 4);
	faulty_set(os, 0, EIO, true);
	OK(stat_a(os));
	cr_assert_not(faulty_hit(os));
	cr_assert_eq(faulty_calls(os), 1);
}

Test(faulty, fails_for_ever, .init = setup, .fini = teardown)
{
	faulty_set(os, 2, EIO, true);
	OK(stat_a(os));
	for (int i = 0; i < 5; i++)
		cr_assert_eq(stat_a(os), TEG_IO);
	faulty_set(os, 0, 0, false);
	OK(stat_a(os));
}

Test(faulty, counts_changes_only, .init = setup, .fini = teardown)
{
	faulty_set(os, 2, ENOSPC, true);
	faulty_count_changes_only(os, true);
	OK(stat_a(os));
	OK(os_make_dir(os, "d", NULL));
	OK(stat_a(os));
	cr_assert_eq(os_make_dir(os, "e", NULL), TEG_IO);
	OK(stat_a(os)); /* no change, so no failure either */
	cr_assert_eq(os_unlink(os, "a", NULL), TEG_IO);
	cr_assert_eq(faulty_calls(os), 3);
}

/* Every call of the table that can fail does, with what it was told. */
Test(faulty, reaches_every_call, .init = setup, .fini = teardown)
{
	struct os_file *file, *other;
	struct os_map *map;
	struct os_stat st;
	uint64_t size;
	char byte;

	OK(os_open_writable(os, "a", &file, NULL));
	faulty_set(os, 1, ENOSPC, true);
	cr_assert_eq(os_open(os, "a", &other, NULL), TEG_IO);
	cr_assert_eq(os_create(os, "b", &other, NULL), TEG_IO);
	cr_assert_eq(os_size(os, file, "a", &size, NULL), TEG_IO);
	cr_assert_eq(os_read(os, file, "a", 0, &byte, 1, NULL), TEG_IO);
	cr_assert_eq(os_map(os, file, "a", 1, &map, NULL), TEG_IO);
	cr_assert_eq(os_write(os, file, "a", span_of_text("x"), NULL), TEG_IO);
	cr_assert_eq(os_sync(os, file, "a", NULL), TEG_IO);
	cr_assert_eq(os_lock(os, file, "a", OS_LOCK_SHARED, NULL), TEG_IO);
	cr_assert_eq(os_link(os, "a", "b", NULL), TEG_IO);
	cr_assert_eq(os_rename(os, "a", "b", NULL), TEG_IO);
	cr_assert_eq(os_unlink(os, "a", NULL), TEG_IO);
	cr_assert_eq(os_make_dir(os, "d", NULL), TEG_IO);
	cr_assert_eq(os_sync_dir(os, "", NULL), TEG_IO);
	cr_assert_eq(os_list(os, "", ignore_name, NULL, NULL), TEG_IO);
	cr_assert_eq(os_stat(os, "a", &st, NULL), TEG_IO);
	cr_assert_eq(os_random(os, &byte, 1, NULL), TEG_IO);
	cr_assert_eq(os_close_written(os, file, "a", NULL), TEG_IO); /* and is closed: no leak */
	cr_assert_eq(faulty_calls(os), 17);
	os_clock_us(os);
	cr_assert_eq(faulty_calls(os), 17, "the clock cannot fail");
	OK(stat_a(disk));
}

static const struct {
	int os_errno;
	teg_status change, look;
} errors[] = {
	{ ENOENT, TEG_NOT_FOUND, TEG_NOT_FOUND },
	{ EEXIST, TEG_EXISTS, TEG_EXISTS },
	{ EACCES, TEG_READ_ONLY, TEG_IO },
	{ EPERM, TEG_READ_ONLY, TEG_IO },
	{ EROFS, TEG_READ_ONLY, TEG_IO },
	{ ENOMEM, TEG_NOMEM, TEG_NOMEM },
	{ ENOSPC, TEG_IO, TEG_IO },
	{ EMFILE, TEG_IO, TEG_IO },
	{ EINTR, TEG_IO, TEG_OK }, /* a look is repeated, a change may have happened */
};

Test(faulty, turns_errno_into_a_status, .init = setup, .fini = teardown)
{
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		teg_error said = { 0 };

		faulty_set(os, 1, errors[i].os_errno, false);
		cr_assert_eq(os_make_dir(os, "d", &said), errors[i].change, "errno %d",
		             errors[i].os_errno);
		cr_assert_eq(said.status, errors[i].change);
		cr_assert_eq(said.os_errno, errors[i].os_errno);
		cr_assert_str_eq(said.file, "d");
		faulty_set(os, 1, errors[i].os_errno, false);
		cr_assert_eq(stat_a(os), errors[i].look, "errno %d", errors[i].os_errno);
		faulty_set(os, 1, errors[i].os_errno, false);
		cr_assert_eq(os_make_dir(os, "d", NULL),
		             errors[i].change); /* a NULL error is fine */
	}
}

/* ---- interrupted and short ---- */

static teg_status write_and_read(struct os *in, void *ctx)
{
	uint8_t *bytes;
	size_t len;

	(void)ctx;
	TEG_TRY(os_write_file(in, "w", span_of_text("0123456789"), NULL));
	TEG_TRY(os_read_file(in, "w", 10, in->alloc, &bytes, &len, NULL));
	cr_assert(span_equal(span_of(bytes, len), span_of_text("0123456789")));
	mem_free(in->alloc, bytes, len);
	return TEG_OK;
}

Test(faulty, goes_on_after_short_reads_and_writes, .init = setup, .fini = teardown)
{
	faulty_set(os, 1, 0, true);
	OK(write_and_read(os, NULL));
	cr_assert_eq(os->n_writes, 1 + 10);
	cr_assert_eq(os->n_reads, 10);
	cr_assert_eq(os->n_read_bytes, 10);
}

Test(faulty, goes_on_after_interruptions, .init = setup, .fini = teardown)
{
	struct os_file *file;
	char got[3];

	OK(os_open_writable(os, "a", &file, NULL));
	faulty_set(os, 1, EINTR, false);
	OK(os_write(os, file, "a", span_of_text("d"), NULL));
	faulty_set(os, 1, EINTR, false);
	OK(os_read(os, file, "a", 1, got, 3, NULL));
	cr_assert(!memcmp(got, "bcd", 3));
	faulty_set(os, 1, EINTR, false);
	OK(os_lock(os, file, "a", OS_LOCK_SHARED, NULL));
	os_close(os, file);
}

Test(faulty, does_not_hang_where_interrupted_for_ever, .init = setup, .fini = teardown,
     .timeout = 60)
{
	struct os_file *file;
	teg_error said;
	char byte;

	OK(os_open_writable(os, "a", &file, NULL));
	faulty_set(os, 1, EINTR, true);
	cr_assert_eq(os_read(os, file, "a", 0, &byte, 1, &said), TEG_IO);
	cr_assert_eq(said.os_errno, EINTR);
	cr_assert_eq(os_write(os, file, "a", span_of_text("x"), NULL), TEG_IO);
	cr_assert_eq(os_random(os, &byte, 1, NULL), TEG_IO);
	cr_assert_eq(stat_a(os), TEG_IO);
	os_close(os, file);
}

Test(faulty, never_repeats_a_sync, .init = setup, .fini = teardown)
{
	static const int errnos[] = { EIO, EINTR, EAGAIN, ENOSPC };
	struct os_file *file;

	OK(os_open_writable(os, "a", &file, NULL));
	for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++) {
		faulty_set(os, 1, errnos[i], false);
		cr_assert_eq(os_sync(os, file, "a", NULL), TEG_IO);
		cr_assert_eq(faulty_calls(os), 1);
		faulty_set(os, 1, errnos[i], false);
		cr_assert_eq(os_sync_dir(os, "", NULL), TEG_IO);
		cr_assert_eq(faulty_calls(os), 1);
	}
	os_close(os, file);
}

/* ---- lost answers, death, barriers ---- */

Test(faulty, loses_answers, .init = setup, .fini = teardown)
{
	struct os_file *file;
	struct os_stat st;

	faulty_lose_answer(os, true);
	faulty_set(os, 1, EIO, true);
	cr_assert_eq(os_link(os, "a", "b", NULL), TEG_IO);
	OK(os_stat(disk, "b", &st, NULL));
	cr_assert_eq(os_create(os, "c", &file, NULL), TEG_IO);
	OK(os_stat(disk, "c", &st, NULL));
	cr_assert_eq(os_make_dir(os, "d", NULL), TEG_IO);
	OK(os_stat(disk, "d", &st, NULL));
	cr_assert_eq(os_rename(os, "a", "d/a", NULL), TEG_IO);
	OK(os_stat(disk, "d/a", &st, NULL));
	cr_assert_eq(os_unlink(os, "b", NULL), TEG_IO);
	cr_assert_eq(os_stat(disk, "b", &st, NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_sync_dir(os, "", NULL), TEG_IO);
	cr_assert_eq(stat_a(os), TEG_IO);
	memory_power_cut(disk, 0);
	OK(os_stat(disk, "d", &st, NULL));
}

Test(faulty, dies, .init = setup, .fini = teardown)
{
	struct os_file *file, *other;
	struct os_stat st;

	OK(os_open_writable(os, "a", &file, NULL));
	OK(os_lock(os, file, "a", OS_LOCK_EXCLUSIVE, NULL));
	faulty_kill(os, 2);
	OK(os_make_dir(os, "d", NULL));
	cr_assert_eq(os_make_dir(os, "e", NULL), TEG_IO);
	cr_assert_eq(os_write(os, file, "a", span_of_text("x"), NULL), TEG_IO);
	cr_assert_eq(stat_a(os), TEG_IO);
	faulty_lose_answer(os, true); /* the dead change nothing */
	cr_assert_eq(os_unlink(os, "a", NULL), TEG_IO);
	os_close(os, file);
	OK(stat_a(disk));
	cr_assert_eq(os_stat(disk, "e", &st, NULL), TEG_NOT_FOUND);
	OK(os_open_writable(disk, "a", &other, NULL));
	OK(os_lock(disk, other, "a", OS_LOCK_EXCLUSIVE, NULL)); /* locks die too */
	os_close(disk, other);
}

Test(faulty, sees_what_is_linked_too_early, .init = setup, .fini = teardown)
{
	struct os_file *file;

	OK(os_link(os, "a", "b", NULL));
	cr_assert_eq(os_link(os, "none", "c", NULL), TEG_NOT_FOUND);
	cr_assert(faulty_barriers_held(os));
	OK(os_create(os, "t", &file, NULL));
	OK(os_write(os, file, "t", span_of_text("x"), NULL));
	OK(os_sync(os, file, "t", NULL));
	OK(os_write(os, file, "t", span_of_text("y"), NULL));
	os_close(os, file);
	OK(os_link(os, "t", "u", NULL));
	cr_assert_not(faulty_barriers_held(os));
}

/* ---- the loops of tests/support/crash.h, over the smallest commit there is ---- */

static void prepare(struct os *in, void *ctx)
{
	(void)ctx;
	OK(os_make_dir(in, "", NULL));
	OK(os_write_file(in, "v1", span_of_text("one"), NULL));
	OK(os_sync_dir(in, "", NULL));
}

static teg_status commit(struct os *in, void *ctx)
{
	teg_status status;

	(void)ctx;
	TEG_TRY(os_write_file(in, "tmp", span_of_text("two"), NULL));
	status = os_link(in, "tmp", "v2", NULL);
	(void)os_unlink(in, "tmp", NULL);
	return status ? status : os_sync_dir(in, "", NULL);
}

static bool holds(struct os *in, const char *path, const char *text)
{
	uint8_t *bytes;
	size_t len;
	bool same;

	if (os_read_file(in, path, 10, in->alloc, &bytes, &len, NULL))
		return false;
	same = span_equal(span_of(bytes, len), span_of_text(text));
	mem_free(in->alloc, bytes, len);
	return same;
}

/* Old or new, never between; and new where it was acknowledged. */
static void check_commit(struct os *in, const struct crash_point *at, void *ctx)
{
	struct os_stat st;
	bool there = os_stat(in, "v2", &st, NULL) == TEG_OK;

	++*(size_t *)ctx;
	cr_assert(holds(in, "v1", "one"), "%s", at->text);
	cr_assert(!there || holds(in, "v2", "two"), "%s", at->text);
	cr_assert(at->status != TEG_OK || there, "%s", at->text);
	if (!at->cut && !at->killed && !at->forever && !at->answer_lost && at->os_errno == EIO &&
	    at->status)
		cr_assert_neq(os_stat(in, "tmp", &st, NULL), TEG_OK, "%s", at->text);
}

Test(crash, leaves_old_or_new) /* B2, on the smallest scale */
{
	size_t n_checks = 0;
	struct crash_case c = { prepare, commit, check_commit, &n_checks, 42, 1 };

	/* create, write, sync, close, link, unlink, sync_dir */
	cr_assert_eq(crash_fail_each(&c, EIO, false), 7);
	cr_assert_eq(n_checks, 8);
	cr_assert_eq(crash_fail_each(&c, EIO, true), 7);
	cr_assert_eq(crash_fail_each(&c, ENOSPC, false), 7);
	cr_assert_eq(crash_fail_each(&c, EINTR, false), 7);
	cr_assert_eq(crash_lose_each_answer(&c), 6);
	n_checks = 0;
	cr_assert_eq(crash_kill_each(&c, 100), 7 * 101);
	cr_assert_eq(n_checks, 7 * 101);
}

/* The loop must find what is wrong in commits that skip a step. */
struct hasty {
	bool skip_sync, skip_dir, caught;
};

static teg_status commit_hastily(struct os *in, void *ctx)
{
	const struct hasty *hasty = ctx;
	struct os_file *file;
	teg_status status;

	TEG_TRY(os_create(in, "v2", &file, NULL));
	status = os_write(in, file, "v2", span_of_text("two"), NULL);
	if (!status && !hasty->skip_sync)
		status = os_sync(in, file, "v2", NULL);
	os_close(in, file);
	return status || hasty->skip_dir ? status : os_sync_dir(in, "", NULL);
}

static void note_loss(struct os *in, const struct crash_point *at, void *ctx)
{
	struct hasty *hasty = ctx;

	if (!at->status && !holds(in, "v2", "two"))
		hasty->caught = true;
}

Test(crash, catches_commits_that_skip_a_step)
{
	for (int i = 0; i < 4; i++) {
		struct hasty hasty = { i & 1, i & 2, false };
		struct crash_case c = { prepare, commit_hastily, note_loss, &hasty, 1, 1 };

		crash_kill_each(&c, 40);
		cr_assert_eq(hasty.caught, i != 0, "%d", i);
	}
}

static void check_nothing_left(struct os *in, const struct crash_point *at, void *ctx)
{
	struct os_stat st;

	(void)ctx;
	if (at->status && at->os_errno == EIO && !at->forever)
		cr_assert_eq(os_stat(in, "w", &st, NULL), at->n > 4 ? TEG_OK : TEG_NOT_FOUND, "%s",
		             at->text);
}

Test(crash, write_file_removes_its_remains)
{
	struct crash_case c = { prepare, write_and_read, check_nothing_left, NULL, 1, 1 };

	/* create, write, sync, close; open, size, read, close */
	cr_assert_eq(crash_fail_each(&c, EIO, false), 8);
	crash_fail_each(&c, EIO, true);
	crash_fail_each(&c, 0, false);
	crash_fail_each(&c, 0, true);
}

static teg_status make_wrapper(const teg_allocator *alloc, void *ctx)
{
	struct os *wrapper = os_faulty_new(ctx, alloc);

	if (!wrapper)
		return TEG_NOMEM;
	os_free(wrapper);
	return TEG_OK;
}

Test(faulty, survives_a_lack_of_memory, .init = setup, .fini = teardown)
{
	cr_assert_eq(memory_fail_each(make_wrapper, disk), 1);
}
