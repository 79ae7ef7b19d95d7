/* What only a real file system has: links, pipes, permissions, processes, descriptors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/engine/os/posix_fixture.h"
#include "tests/support/seccomp.h"

static void expect_text(const char *path, const char *text)
{
	uint8_t *bytes;
	size_t len;

	OK(os_read_file(os, path, 1000, &mem.alloc, &bytes, &len, NULL));
	cr_assert(span_equal(span_of(bytes, len), span_of_text(text)), "%s", path);
	mem_free(&mem.alloc, bytes, len);
}

static int no_names(void *ctx, const char *name)
{
	(void)ctx;
	cr_assert_fail("listed %s", name);
	return 0;
}

/* ---- symbolic links ---- */

/* Outside the store: a file, a directory. Inside: links to both, to a file inside, to nothing. */
static void make_links(void)
{
	test_file_write(full("secret"), "secret", 6);
	cr_assert_eq(mkdir(full("outside"), 0777), 0);
	test_file_write(full("outside/a"), "secret", 6);
	write_text("inside", "inside");
	cr_assert_eq(symlink("../secret", full("store/file")), 0);
	cr_assert_eq(symlink("../outside", full("store/dir")), 0);
	cr_assert_eq(symlink("inside", full("store/near")), 0);
	cr_assert_eq(symlink("../new", full("store/dangling")), 0);
	cr_assert_eq(symlink(".", full("store/here")), 0);
}

static void expect_links_refused(void)
{
	static const char *const links[] = { "file",  "dir",  "near",       "dangling",
		                             "dir/a", "here", "here/inside" };
	struct os_file *file;
	struct os_stat st;

	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		cr_assert_eq(os_open(os, links[i], &file, NULL), TEG_IO, "%s", links[i]);
		cr_assert_eq(os_open_writable(os, links[i], &file, NULL), TEG_IO, "%s", links[i]);
		cr_assert_eq(os_stat(os, links[i], &st, NULL), TEG_IO, "%s", links[i]);
		cr_assert_eq(os_list(os, links[i], no_names, NULL, NULL), TEG_IO, "%s", links[i]);
		cr_assert_eq(os_sync_dir(os, links[i], NULL), TEG_IO, "%s", links[i]);
	}
	cr_assert_eq(os_create(os, "dangling", &file, NULL), TEG_EXISTS);
	cr_assert_eq(os_create(os, "dir/new", &file, NULL), TEG_IO);
	cr_assert_eq(os_make_dir(os, "dir/new", NULL), TEG_IO);
	cr_assert_eq(os_link(os, "inside", "dir/new", NULL), TEG_IO);
	cr_assert_eq(os_rename(os, "inside", "dir/new", NULL), TEG_IO);
	cr_assert_eq(os_unlink(os, "dir/a", NULL), TEG_IO);
	cr_assert_eq(test_dir_count(full("outside")), 1);
	cr_assert_eq(access(full("new"), F_OK), -1);
	expect_text("inside", "inside");
}

Test(posix, refuses_links, .init = setup, .fini = teardown)
{
	make_links();
	expect_links_refused();
}

Test(posix, replaces_a_link_and_not_its_target, .init = setup, .fini = teardown)
{
	size_t len;
	uint8_t *bytes;

	make_links();
	OK(os_rename(os, "inside", "file", NULL));
	expect_text("file", "inside");
	OK(os_unlink(os, "near", NULL));
	bytes = test_file_read(full("secret"), &len);
	cr_assert(span_equal(span_of(bytes, len), span_of_text("secret")));
	free(bytes);
}

static void expect_work_without_openat2(int with_errno)
{
#ifdef SYS_openat2
	test_forbid(SYS_openat2, with_errno);
#endif
	OK(os_make_dir(os, "d", NULL));
	OK(os_make_dir(os, "d/e", NULL));
	write_text("d/e/a", "deep");
	expect_text("d/e/a", "deep");
	OK(os_sync_dir(os, "d/e", NULL));
	make_links();
	expect_links_refused();
}

Test(posix, walks_paths_on_an_old_kernel, .init = setup, .fini = teardown)
{
	expect_work_without_openat2(ENOSYS);
}

Test(posix, walks_paths_in_an_old_sandbox, .init = setup, .fini = teardown)
{
	expect_work_without_openat2(EPERM);
}

/* ---- things that are no files ---- */

Test(posix, refuses_pipes_and_devices, .init = setup, .fini = teardown, .timeout = 60)
{
	struct os_file *file;
	struct os_stat st;

	cr_assert_eq(mkfifo(full("store/pipe"), 0666), 0);
	cr_assert_eq(os_open(os, "pipe", &file, NULL), TEG_IO); /* and does not wait for a writer */
	cr_assert_eq(os_open_writable(os, "pipe", &file, NULL), TEG_IO);
	cr_assert_eq(os_stat(os, "pipe", &st, NULL), TEG_IO);
	cr_assert_eq(os_create(os, "pipe", &file, NULL), TEG_EXISTS);
}

static int note_stranger(void *ctx, const char *name)
{
	*(bool *)ctx |= !strcmp(name, "READ ME");
	return 0;
}

Test(posix, lists_strangers_too, .init = setup, .fini = teardown)
{
	struct os_stat st;
	bool seen = false;

	test_file_write(full("store/READ ME"), "", 0);
	write_text("a", "");
	OK(os_list(os, "", note_stranger, &seen, NULL));
	cr_assert(seen);
	cr_assert_eq(os_stat(os, "READ ME", &st, NULL), TEG_MISUSE);
}

/* ---- the root ---- */

Test(posix, needs_a_directory_as_root, .init = setup, .fini = teardown)
{
	struct os *other;
	teg_error said;

	test_file_write(full("plain"), "", 0);
	cr_assert_eq(os_posix_new(full("plain"), &mem.alloc, &other, &said), TEG_IO);
	cr_assert_eq(said.os_errno, ENOTDIR);
	cr_assert_not_null(strstr(said.message, full("plain")));
	OK(os_posix_new(full("no/such"), &mem.alloc, &other, NULL));
	cr_assert_eq(os_make_dir(other, "", NULL), TEG_NOT_FOUND); /* makes no parents */
	os_free(other);
	OK(os_posix_new("", &mem.alloc, &other, NULL));
	cr_assert_eq(os_make_dir(other, "", NULL), TEG_NOT_FOUND);
	os_free(other);
}

Test(posix, finds_a_root_that_another_process_makes, .init = setup, .fini = teardown)
{
	struct os_stat st;
	struct os *other;

	OK(os_posix_new(full("late/"), &mem.alloc, &other, NULL));
	cr_assert_eq(os_stat(other, "", &st, NULL), TEG_NOT_FOUND);
	cr_assert_eq(mkdir(full("late"), 0777), 0);
	OK(os_stat(other, "", &st, NULL));
	cr_assert_eq(os_make_dir(other, "", NULL), TEG_EXISTS);
	OK(os_sync_dir(other, "", NULL));
	os_free(other);
}

Test(posix, follows_links_to_the_root_alone, .init = setup, .fini = teardown)
{
	struct os *other;
	struct os_stat st;

	write_text("a", "x");
	cr_assert_eq(symlink("store", full("alias")), 0);
	OK(os_posix_new(full("alias"), &mem.alloc, &other, NULL));
	OK(os_stat(other, "a", &st, NULL));
	cr_assert_eq(os_make_dir(other, "", NULL), TEG_EXISTS);
	OK(os_sync_dir(other, "", NULL));
	os_free(other);
}

Test(posix, stays_with_a_root_that_moves, .init = setup, .fini = teardown) /* T11 */
{
	char from[512];

	write_text("a", "x");
	snprintf(from, sizeof from, "%s", full("store"));
	cr_assert_eq(rename(from, full("moved")), 0);
	expect_text("a", "x");
	write_text("b", "y");
	cr_assert_eq(test_dir_count(full("moved")), 2);
}

/* ---- permissions ---- */

static mode_t mode_of(const char *name)
{
	struct stat st;

	cr_assert_eq(stat(full(name), &st), 0);
	return st.st_mode & 07777;
}

Test(posix, leaves_permissions_to_the_umask, .init = setup, .fini = teardown)
{
	umask(027);
	write_text("a", "");
	OK(os_make_dir(os, "d", NULL));
	cr_assert_eq(mode_of("store/a"), 0640);
	cr_assert_eq(mode_of("store/d"), 0750);
	umask(0);
	write_text("b", "");
	cr_assert_eq(mode_of("store/b"), 0666);
}

/* Root may write everywhere, so the test becomes somebody else. */
static void drop_privileges(void)
{
	cr_assert_eq(chmod(dir.path, 0777), 0);
	if (geteuid() == 0)
		cr_assert_eq(seteuid(65534), 0);
}

static void regain_privileges(void)
{
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
}

Test(posix, reads_a_directory_that_it_cannot_write, .init = setup, .fini = teardown) /* S9 */
{
	struct os_file *file, *tmp;
	teg_error said;

	write_text("a", "x");
	cr_assert_eq(chmod(full("store/a"), 0444), 0);
	cr_assert_eq(chmod(full("store"), 0555), 0);
	drop_privileges();
	expect_text("a", "x");
	OK(os_open(os, "a", &file, NULL));
	OK(os_lock(os, file, "a", OS_LOCK_SHARED, NULL));
	os_close(os, file);
	cr_assert_eq(os_open_writable(os, "a", &file, &said), TEG_READ_ONLY);
	cr_assert_eq(said.os_errno, EACCES);
	cr_assert_eq(os_create(os, "b", &tmp, NULL), TEG_READ_ONLY);
	cr_assert_eq(os_make_dir(os, "d", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_link(os, "a", "b", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_rename(os, "a", "b", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_unlink(os, "a", NULL), TEG_READ_ONLY);
	cr_assert_eq(os_make_dir(os, "", NULL), TEG_EXISTS);
	OK(os_sync_dir(os, "", NULL));
	regain_privileges();
}

Test(posix, says_io_where_it_may_not_read, .init = setup, .fini = teardown)
{
	struct os_file *file;
	struct os *other;

	write_text("a", "x");
	cr_assert_eq(chmod(full("store/a"), 0), 0);
	drop_privileges();
	cr_assert_eq(os_open(os, "a", &file, NULL), TEG_IO);
	regain_privileges();
	cr_assert_eq(chmod(full("store"), 0), 0);
	drop_privileges();
	cr_assert_eq(os_posix_new(full("store"), &mem.alloc, &other, NULL), TEG_IO);
	regain_privileges();
}

/* ---- descriptors and limits ---- */

static size_t n_descriptors(void)
{
	return test_dir_count("/proc/self/fd");
}

static void use_everything(void)
{
	struct os_file *file;
	struct os_stat st;

	OK(os_make_dir(os, "d", NULL));
	write_text("d/a", "x");
	expect_text("d/a", "x");
	OK(os_link(os, "d/a", "d/b", NULL));
	OK(os_rename(os, "d/b", "d/c", NULL));
	OK(os_stat(os, "d/c", &st, NULL));
	OK(os_sync_dir(os, "d", NULL));
	OK(os_sync_dir(os, "", NULL));
	cr_assert_eq(os_create(os, "d/a", &file, NULL), TEG_EXISTS);
	cr_assert_eq(os_open(os, "d", &file, NULL), TEG_IO);
	cr_assert_eq(os_link(os, "d/a", "e/b", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_link(os, "d/x", "d/y", NULL), TEG_NOT_FOUND);
	cr_assert_eq(os_list(os, "d/a", no_names, NULL, NULL), TEG_IO);
	OK(os_unlink(os, "d/a", NULL));
	OK(os_unlink(os, "d/c", NULL));
	OK(os_list(os, "d", no_names, NULL, NULL));
}

Test(posix, leaks_no_descriptor, .init = setup, .fini = teardown)
{
	size_t before = n_descriptors();

	use_everything();
	cr_assert_eq(n_descriptors(), before);
#ifdef SYS_openat2
	test_forbid(SYS_openat2, ENOSYS);
	OK(os_rename(os, "d", "old", NULL));
	use_everything();
	cr_assert_eq(n_descriptors(), before);
#endif
}

Test(posix, hands_no_descriptor_to_programs, .init = setup, .fini = teardown)
{
	char link[32], target[512];
	struct os_file *file;
	int n = 0;

	write_text("a", "");
	OK(os_open(os, "a", &file, NULL));
	for (int fd = 0; fd < 256; fd++) {
		ssize_t len;

		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		len = readlink(link, target, sizeof target);
		if (len < 0 || strncmp(target, dir.path, strlen(dir.path)))
			continue;
		cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC, "descriptor %d", fd);
		n++;
	}
	cr_assert_eq(n, 2); /* the root and the file */
	os_close(os, file);
}

static void limit(int what, rlim_t to, struct rlimit *old_out)
{
	struct rlimit now;

	cr_assert_eq(getrlimit((__rlimit_resource_t)what, old_out), 0);
	now = *old_out;
	now.rlim_cur = to;
	cr_assert_eq(setrlimit((__rlimit_resource_t)what, &now), 0);
}

Test(posix, reports_a_lack_of_descriptors, .init = setup, .fini = teardown)
{
	struct os_file *file;
	struct rlimit old;
	teg_error said;

	write_text("a", "");
	limit(RLIMIT_NOFILE, 0, &old);
	cr_assert_eq(os_open(os, "a", &file, &said), TEG_IO);
	cr_assert_eq(said.os_errno, EMFILE);
	cr_assert_eq(os_create(os, "b", &file, NULL), TEG_IO);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	OK(os_open(os, "a", &file, NULL));
	os_close(os, file);
}

Test(posix, removes_a_file_that_cannot_be_written_whole, .init = setup, .fini = teardown) /* S9 */
{
	static const uint8_t bytes[8192];
	struct rlimit old;
	teg_error said;

	signal(SIGXFSZ, SIG_IGN);
	limit(RLIMIT_FSIZE, 5000, &old);
	cr_assert_eq(os_write_file(os, "a", span_of(bytes, sizeof bytes), &said), TEG_IO);
	cr_assert_eq(said.os_errno, EFBIG);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	cr_assert_eq(test_dir_count(full("store")), 0);
}

static const struct {
	long number;
	int with_errno;
	teg_status write_file, sync_dir, random;
} broken[] = {
	{ SYS_fsync, EIO, TEG_IO, TEG_IO, TEG_OK },
	{ SYS_write, EIO, TEG_IO, TEG_OK, TEG_OK },
	{ SYS_write, EINTR, TEG_IO, TEG_OK, TEG_OK }, /* for ever */
	{ SYS_getrandom, ENOSYS, TEG_OK, TEG_OK, TEG_IO },
};

static int broken_at;

static int use_broken(void)
{
	uint8_t byte;
	struct os_stat st;
	teg_status written, synced, random;

	test_forbid(broken[broken_at].number, broken[broken_at].with_errno);
	written = os_write_file(os, "a", span_of_text("abc"), NULL);
	synced = os_sync_dir(os, "", NULL);
	random = os_random(os, &byte, 1, NULL);
	if (written && os_stat(os, "a", &st, NULL) == TEG_OK)
		return 10;
	return written != broken[broken_at].write_file ? 1
	       : synced != broken[broken_at].sync_dir  ? 2
	       : random != broken[broken_at].random    ? 3
	                                               : 0;
}

Test(posix, reports_what_the_system_refuses, .init = setup, .fini = teardown)
{
	struct os_stat st;

	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		broken_at = (int)i;
		cr_assert_eq(in_child(use_broken), 0, "case %zu", i);
		if (os_stat(os, "a", &st, NULL) == TEG_OK)
			OK(os_unlink(os, "a", NULL));
	}
}

static teg_status use_allocator(const teg_allocator *alloc, void *ctx)
{
	struct os *other;
	teg_status status;
	uint8_t *bytes;
	size_t len;

	(void)ctx;
	TEG_TRY(os_posix_new(full("store"), alloc, &other, NULL));
	status = os_write_file(other, "a", span_of_text("abc"), NULL);
	if (!status) {
		status = os_read_file(other, "a", 10, alloc, &bytes, &len, NULL);
		if (!status)
			mem_free(alloc, bytes, len);
		OK(os_unlink(other, "a", NULL));
	}
	os_free(other);
	return status;
}

Test(posix, survives_a_lack_of_memory, .init = setup, .fini = teardown)
{
	cr_assert_eq(memory_fail_each(use_allocator, NULL), 4);
	cr_assert_eq(test_dir_count(full("store")), 0);
}

/* Not time(), which answers from the last tick and may be a second behind when one begins. */
static int64_t exact_time_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

Test(posix, tells_the_time, .init = setup, .fini = teardown)
{
	int64_t before = exact_time_us(), now = os_clock_us(os);

	cr_assert_geq(now, before);
	cr_assert_leq(now, exact_time_us());
}
