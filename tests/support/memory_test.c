/* What the tests rely on when they use this allocator. What it refuses to go on with ends a process,
 * so a child tries it; tests.cmake links this file with the runner of tests/support/runner. */
#include "tests/support/memory.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether `action` fails the test it is in. */
static bool fails(void (*action)(void))
{
	int status;
	pid_t child = fork();

	if (!child) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(2);
		action();
		_exit(42);
	}
	waitpid(child, &status, 0);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 42;
}

static void leak(void)
{
	struct memory mem;

	memory_init(&mem);
	if (!mem_alloc(&mem.alloc, 1))
		_exit(42);
	memory_check(&mem);
}

static void give_back_another_size(void)
{
	struct memory mem;

	memory_init(&mem);
	mem_free(&mem.alloc, mem_alloc(&mem.alloc, 10), 11);
}

static void write_past_the_end(void)
{
	struct memory mem;
	uint8_t *volatile block;

	memory_init(&mem);
	block = mem_alloc(&mem.alloc, 10);
	block[10] = 1;
	mem_free(&mem.alloc, block, 10);
}

static void do_nothing_wrong(void)
{
	struct memory mem;

	memory_init(&mem);
	mem_free(&mem.alloc, mem_alloc(&mem.alloc, 10), 10);
	memory_check(&mem);
}

static teg_status swallow_nomem(const teg_allocator *alloc, void *ctx)
{
	(void)ctx;
	mem_free(alloc, mem_alloc(alloc, 10), 10);
	return TEG_OK;
}

static void hide_a_refusal(void)
{
	memory_fail_each(swallow_nomem, NULL);
}

Test(memory, sees_what_is_wrong)
{
	cr_assert(!fails(do_nothing_wrong));
	cr_assert(fails(leak));
	cr_assert(fails(give_back_another_size));
	cr_assert(fails(write_past_the_end));
	cr_assert(fails(hide_a_refusal));
}

Test(memory, counts)
{
	struct memory mem;
	void *a, *b;

	memory_init(&mem);
	a = mem_alloc(&mem.alloc, 100);
	b = mem_alloc(&mem.alloc, 50);
	mem_free(&mem.alloc, a, 100);
	b = mem_realloc(&mem.alloc, b, 50, 60);
	cr_assert_eq(mem.n_requests, 3);
	cr_assert_eq(mem.n_live, 1);
	cr_assert_eq(mem.live_len, 60);
	cr_assert_geq(mem.peak_len, 150);
	mem_free(&mem.alloc, b, 60);
	memory_check(&mem);
}

Test(memory, refuses_as_told)
{
	struct memory mem;
	void *a, *b;

	memory_init(&mem);
	mem.cap = 100;
	a = mem_alloc(&mem.alloc, 100);
	cr_assert_not_null(a);
	cr_assert_null(mem_alloc(&mem.alloc, 1));
	mem_free(&mem.alloc, a, 100);
	mem.fail_at = mem.n_requests + 2;
	mem.fail_once = true;
	a = mem_alloc(&mem.alloc, 1);
	cr_assert_null(mem_alloc(&mem.alloc, 1));
	b = mem_alloc(&mem.alloc, 1);
	cr_assert(a && b);
	mem.fail_at = mem.n_requests + 1;
	mem.fail_once = false;
	for (int i = 0; i < 3; i++)
		cr_assert_null(mem_alloc(&mem.alloc, 1));
	cr_assert_eq(mem.n_refused, 5);
	mem_free(&mem.alloc, a, 1);
	mem_free(&mem.alloc, b, 1);
	memory_check(&mem);
}
