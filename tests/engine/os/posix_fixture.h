/* A directory of the test's own and an os over it, for what only a real file system has.
 *
 *   TestSuite(.., .init = setup, .fini = teardown)
 */
#ifndef TEG_TESTS_ENGINE_OS_POSIX_FIXTURE_H
#define TEG_TESTS_ENGINE_OS_POSIX_FIXTURE_H
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine/os/os.h"
#include "tests/support/dir.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"

static struct test_dir dir;
static struct memory mem;
static struct os *os; /* of "store" in the directory */

/* A path in the directory, good until the next one. */
static inline char *full(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", dir.path, name);
	return path;
}

static inline void setup(void)
{
	test_dir_make(&dir);
	memory_init(&mem);
	OK(os_posix_new(full("store"), &mem.alloc, &os, err));
	OK(os_make_dir(os, "", err));
}

static inline void teardown(void)
{
	os_free(os);
	memory_check(&mem);
	test_dir_remove(&dir);
}

static inline void write_text(const char *path, const char *text)
{
	OK(os_write_file(os, path, span_of_text(text), err));
}

/* Runs `body` in a child and returns its exit status. */
static inline int in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status;

	cr_assert_geq(pid, 0);
	if (!pid)
		_exit(body());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#endif
