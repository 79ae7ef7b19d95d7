/* Runs Criterion tests without Criterion's own runner.
 *
 * That one starts each test in a process it clones at a fixed address, which ThreadSanitizer's
 * memory map does not allow. Under -fsanitize=thread this file is linked in its place: the tests and
 * their assertions stay as they are, each runs in a fork of this process, and what a child says or
 * how it ends decides.
 *
 *   Criterion's macros put a pointer to each test in section cr_tst, to each suite in cr_sts.
 */
#include <criterion/criterion.h>
#include <criterion/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

struct criterion_options criterion_options;

static const struct criterion_test *running;

/* ---- what the macros of a test call ---- */

int cr_asprintf(char **text_out, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(text_out, format, args);
	va_end(args);
	return len;
}

void cr_asprintf_free(char *text)
{
	free(text);
}

char *cr_translate_assert_msg(int kind, ...)
{
	va_list args;
	char *text;

	va_start(args, kind);
	text = strdup(va_arg(args, const char *));
	va_end(args);
	return text;
}

void cr_log(enum criterion_severity severity, const char *format, ...)
{
	(void)severity;
	(void)format;
}

void cri_asserts_passed_incr(void)
{
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
	if (!stats->passed)
		printf("%s:%u: assertion failed: %s\n", stats->file, stats->line, stats->message);
}

void criterion_abort_test(void)
{
	fflush(NULL);
	_exit(1);
}

void criterion_skip_test(const char *format, ...)
{
	(void)format;
	fflush(NULL);
	_exit(running->data->exit_code);
}

/* cr_expect goes on; the test fails all the same. */
static bool expectation_failed;

void criterion_continue_test(void)
{
	expectation_failed = true;
}

/* ---- one test ---- */

static const struct criterion_test_extra_data *suite_of(const struct criterion_test *test)
{
	for (struct criterion_suite **s = __start_cr_sts; s < __stop_cr_sts; s++)
		if (*s && !strcmp((*s)->name, test->category))
			return (*s)->data;
	return NULL;
}

void criterion_internal_test_setup(void)
{
	const struct criterion_test_extra_data *suite = suite_of(running);

	if (suite && suite->init)
		suite->init();
	if (running->data->init)
		running->data->init();
}

void criterion_internal_test_main(void (*body)(void))
{
	body();
}

void criterion_internal_test_teardown(void)
{
	const struct criterion_test_extra_data *suite = suite_of(running);

	if (running->data->fini)
		running->data->fini();
	if (suite && suite->fini)
		suite->fini();
}

/* Whether the test ends as it says it does. */
static bool passes(const struct criterion_test *test)
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0)
		return false;
	if (!child) {
		running = test;
		alarm(test->data->timeout > 0 ? (unsigned)test->data->timeout * 10 + 1 : 0);
		test->test();
		fflush(NULL);
		exit(expectation_failed ? 1 : 0);
	}
	if (waitpid(child, &status, 0) != child)
		return false;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == test->data->signal;
	return !test->data->signal && WEXITSTATUS(status) == test->data->exit_code;
}

int main(void)
{
	size_t n = 0, n_failed = 0;

	for (struct criterion_test **t = __start_cr_tst; t < __stop_cr_tst; t++) {
		if (!*t || (*t)->data->disabled)
			continue;
		n++;
		if (!passes(*t)) {
			printf("FAILED %s::%s\n", (*t)->category, (*t)->name);
			n_failed++;
		}
	}
	printf("Synthesis: Tested: %zu | Failing: %zu\n", n, n_failed);
	return n_failed > 0;
}
