/* Locks and names between processes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/engine/os/posix_fixture.h"
#include "tests/support/seccomp.h"

static int try_lock(void)
{
	struct os_file *file;
	teg_status status;

	if (os_open_writable(os, "l", &file, NULL))
		return 100;
	status = os_lock(os, file, "l", OS_LOCK_EXCLUSIVE, NULL);
	os_close(os, file);
	return status == TEG_CONFLICT ? 1 : status == TEG_OK ? 0 : 101;
}

static struct os_file *inherited;

static int close_inherited(void)
{
	os_close(os, inherited);
	return 0;
}

Test(posix_lock, keeps_its_lock_across_fork_and_close, .init = setup, .fini = teardown)
{
	struct os_file *other;

	write_text("l", "");
	OK(os_open_writable(os, "l", &inherited, NULL));
	OK(os_lock(os, inherited, "l", OS_LOCK_EXCLUSIVE, NULL));
	cr_assert_eq(in_child(try_lock), 1);
	/* Either of these would drop a classic fcntl lock. */
	OK(os_open_writable(os, "l", &other, NULL));
	os_close(os, other);
	cr_assert_eq(in_child(close_inherited), 0);
	cr_assert_eq(in_child(try_lock), 1);
	OK(os_lock(os, inherited, "l", OS_LOCK_NONE, NULL));
	cr_assert_eq(in_child(try_lock), 0);
	os_close(os, inherited);
}

static void expect_locks(void)
{
	struct os_file *file;

	write_text("l", "");
	OK(os_open_writable(os, "l", &file, NULL));
	OK(os_lock(os, file, "l", OS_LOCK_SHARED, NULL));
	cr_assert_eq(in_child(try_lock), 1);
	OK(os_lock(os, file, "l", OS_LOCK_EXCLUSIVE, NULL));
	cr_assert_eq(in_child(try_lock), 1);
	OK(os_lock(os, file, "l", OS_LOCK_NONE, NULL));
	cr_assert_eq(in_child(try_lock), 0);
	os_close(os, file);
}

Test(posix_lock, locks, .init = setup, .fini = teardown)
{
	expect_locks();
}

Test(posix_lock, locks_with_flock_on_an_old_kernel, .init = setup, .fini = teardown)
{
	test_forbid_fcntl(F_OFD_SETLK, EINVAL);
	expect_locks();
}

Test(posix_lock, says_where_nothing_can_be_locked, .init = setup, .fini = teardown)
{
	struct os_file *file;
	teg_error said;

	write_text("l", "");
	OK(os_open_writable(os, "l", &file, NULL));
	test_forbid_fcntl(F_OFD_SETLK, ENOLCK);
	cr_assert_eq(os_lock(os, file, "l", OS_LOCK_SHARED, &said), TEG_IO);
	cr_assert_eq(said.os_errno, ENOLCK);
	os_close(os, file);
}

static int lock_and_die(void)
{
	struct os_file *file;

	if (os_open_writable(os, "l", &file, NULL) ||
	    os_lock(os, file, "l", OS_LOCK_EXCLUSIVE, NULL))
		return 1;
	raise(SIGKILL);
	return 2;
}

Test(posix_lock, loses_its_lock_by_death, .init = setup, .fini = teardown)
{
	write_text("l", "");
	cr_assert_eq(in_child(lock_and_die), -1);
	cr_assert_eq(try_lock(), 0);
}

static int publish(void)
{
	char name[32];
	teg_status status;

	snprintf(name, sizeof name, "tmp-%d", (int)getpid());
	if (os_write_file(os, name, span_of_text(name), NULL))
		return 100;
	status = os_link(os, name, "final", NULL);
	return status == TEG_OK ? 1 : status == TEG_EXISTS ? 0 : 101;
}

Test(posix_lock, lets_one_publisher_win, .init = setup, .fini = teardown) /* B13 */
{
	enum { N = 8 };
	int n_won = 0;

	for (int i = 0; i < N; i++) {
		pid_t pid = fork();

		cr_assert_geq(pid, 0);
		if (!pid)
			_exit(publish());
	}
	for (int i = 0; i < N; i++) {
		int status;

		cr_assert_gt(wait(&status), 0);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		n_won += WEXITSTATUS(status);
	}
	cr_assert_eq(n_won, 1);
}
