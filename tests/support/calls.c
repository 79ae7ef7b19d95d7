#include "tests/support/calls.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "engine/os/memory.h"
#include "tests/support/answers.h"
#include "tests/support/crash.h"
#include "tests/support/files.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/past.h"

#define STEPS_MAX 3

/* ---- the tables ---- */

static const struct operation {
	const char *name;
	past_call steps[STEPS_MAX];
	bool hides;  /* the first step erases, the last one leaves no needle */
	bool mapped; /* files mapped, pages kept */
} operations[] = {
	{ "add", { past_add }, false, false },
	{ "drop, compact", { past_drop_word, past_compact }, false, false },
	{ "rename, widen, set", { past_rename_and_widen }, false, false },
	{ "rules", { past_add_rule, past_drop_rule }, false, false },
	{ "unique", { past_make_unique }, false, false },
	{ "resize", { past_resize }, false, false },
	{ "rename an array", { past_rename_array }, false, false },
	{ "drop an array, vacuum", { past_drop_array, past_vacuum }, false, false },
	{ "retain, compact, vacuum", { past_retain, past_compact, past_vacuum }, false, false },
	{ "rechunk", { past_rechunk, past_vacuum }, false, false },
	{ "retile", { past_retile }, false, false },
	{ "erase, purge", { past_erase, past_purge }, true, false },
	{ "forget, purge", { past_erase_and_forget, past_purge }, true, true },
	{ "ledger in parts", { past_replay_first, past_replay_second, past_vacuum }, false, false },
	{ "copy", { past_copy }, false, true },
	{ "ask", { past_ask }, false, false },
	{ "ask of mapped files", { past_ask }, false, true },
};

/* Those that make several versions, one array after another; all others are one commit or none. */
static bool is_upkeep(past_call step)
{
	return step == past_compact || step == past_rechunk || step == past_retile ||
	       step == past_purge || step == past_vacuum;
}

/* ---- a run ---- */

struct run {
	const struct operation *operation;
	const teg_allocator *alloc; /* of the store; NULL: the default */
	int n_steps, done;
	teg_status open;
	struct answers states[STEPS_MAX + 1]; /* before the first step, after each */
};

static void prepare(struct os *os, void *ctx)
{
	(void)ctx;
	past_prepare(os);
}

static teg_status body(struct os *os, void *ctx)
{
	struct run *run = ctx;
	teg_error err = { 0 };
	teg_store *store;
	teg_status status;

	run->done = 0;
	run->open = past_open_store(os, run->alloc, TEG_CREATE_NO, run->operation->mapped, &store,
	                            &err);
	if (run->open != TEG_OK)
		return run->open;
	do {
		status = run->operation->steps[run->done](store, &err);
		cr_assert(status == TEG_OK || (err.status == status && err.message[0]),
		          "%s returns %s, but the error says %s \"%s\"", run->operation->name,
		          teg_status_name(status), teg_status_name(err.status), err.message);
	} while (status == TEG_OK && ++run->done < run->n_steps);
	teg_store_close(store);
	return status;
}

static void look(struct os *os, struct answers *out, const char *when)
{
	teg_error err = { 0 };
	teg_store *store;

	cr_assert_eq(past_open_store(os, NULL, TEG_CREATE_NO, false, &store, &err), TEG_OK,
	             "%s: %s", when, err.message);
	cr_assert_eq(answers_read(store, out, &err), TEG_OK, "%s: %s", when, err.message);
	teg_store_close(store);
}

/* What the store answers at first and after each step, where nothing fails. */
static void rehearse(struct run *run, const struct operation *operation)
{
	struct os *os = os_memory_new(teg_allocator_default(), 7);
	teg_store *store;

	*run = (struct run){ .operation = operation };
	past_prepare(os);
	look(os, &run->states[0], operation->name);
	while (run->n_steps < STEPS_MAX && operation->steps[run->n_steps]) {
		OK(past_open_store(os, NULL, TEG_CREATE_NO, operation->mapped, &store, err));
		OK(operation->steps[run->n_steps](store, err));
		teg_store_close(store);
		look(os, &run->states[++run->n_steps], operation->name);
	}
	os_free(os);
}

/* ---- old or new ---- */

/* The section of an array, from its name to the next one's. */
static size_t section_len(const char *at)
{
	const char *next = strstr(at + 1, "\narray ");

	return next ? (size_t)(next + 1 - at) : strlen(at);
}

/* As `one` or as `other`; of upkeep each array as the one or the other. */
static bool is_between(const char *got, const char *one, const char *other)
{
	while (*got && *one && *other) {
		size_t n = section_len(got), n_one = section_len(one), n_other = section_len(other);

		if (!(n == n_one && !memcmp(got, one, n)) &&
		    !(n == n_other && !memcmp(got, other, n)))
			return false;
		got += n;
		one += n_one;
		other += n_other;
	}
	return !*got && !*one && !*other;
}

static void check_answers(const struct run *run, const struct answers *got, teg_status status,
                          bool killed, const char *when)
{
	const char *old = run->states[run->done].text, *new;
	bool may_be_new;

	if (!strcmp(got->text, old))
		return;
	cr_assert_neq(status, TEG_OK, "%s: acknowledged, and\n%s\nnot\n%s", when, got->text, old);
	cr_assert_lt(run->done, run->n_steps, "%s", when);
	new = run->states[run->done + 1].text;
	may_be_new = killed || status == TEG_COMMIT_UNKNOWN ||
	             is_upkeep(run->operation->steps[run->done]);
	cr_assert(may_be_new && (!strcmp(got->text, new) || is_between(got->text, old, new)),
	          "%s: neither\n%s\nnor\n%s\nbut\n%s", when, old, new, got->text);
}

static int is_stray(void *ctx, const char *name)
{
	bool *found = ctx;

	*found |= strstr(name, ".tmp") != NULL;
	return 0;
}

/* No damage, and a vacuum leaves neither too little nor too much. */
static void check_files(struct os *os, const struct answers *want, const char *when)
{
	static struct answers after;
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	teg_vacuum_result again = { .struct_size = sizeof again };
	teg_verify_result verified = { .struct_size = sizeof verified };
	bool stray = false;
	teg_store *store;

	OK(past_open_store(os, NULL, TEG_CREATE_NO, false, &store, err));
	OK(teg_verify(store, true, NULL, NULL, &verified, err));
	cr_assert_eq(verified.damages, 0, "%s", when);
	OK(teg_vacuum(store, &now, NULL, err));
	OK(teg_vacuum(store, &now, &again, err));
	cr_assert_eq(again.files_removed + again.files_kept_pinned, 0, "%s", when);
	OK(answers_read(store, &after, err));
	cr_assert_str_eq(after.text, want->text, "%s: after a vacuum", when);
	OK(os_list(os, "manifests", is_stray, &stray, err));
	cr_assert_not(stray, "%s: a temporary file is left", when);
	teg_store_close(store);
}

/* Once erased is erased for good: another purge takes the last byte, whatever became of the first. */
static void check_needles(struct os *os, const struct run *run, teg_status status, const char *when)
{
	teg_store *store;

	if (status == TEG_OK)
		cr_assert_eq(files_count(os, PAST_NEEDLE, strlen(PAST_NEEDLE)), 0, "%s", when);
	if (!run->done)
		return;
	OK(past_open_store(os, NULL, TEG_CREATE_NO, false, &store, err));
	OK(past_purge(store, err));
	teg_store_close(store);
	cr_assert_eq(files_count(os, PAST_NEEDLE, strlen(PAST_NEEDLE)), 0,
	             "%s: after another purge", when);
}

static void check_store(struct os *os, const struct run *run, teg_status status, bool killed,
                        const char *why)
{
	static struct answers got;
	char when[256];

	snprintf(when, sizeof when, "%s: %s", run->operation->name, why);
	look(os, &got, when);
	check_answers(run, &got, status, killed, when);
	if (run->operation->hides)
		check_needles(os, run, status, when);
	else
		check_files(os, &got, when);
}

static void check(struct os *os, const struct crash_point *at, void *ctx)
{
	check_store(os, ctx, at->status, at->killed, at->text);
}

/* ---- the loops ---- */

static struct run run;

static struct crash_case case_of(size_t i, uint64_t stride)
{
	rehearse(&run, &operations[i]);
	return (struct crash_case){ prepare, body, check, &run, 7, stride };
}

size_t calls_count(void)
{
	return sizeof operations / sizeof *operations;
}

const char *calls_name(size_t i)
{
	return operations[i].name;
}

uint64_t calls_fail(size_t i, uint64_t stride)
{
	struct crash_case c = case_of(i, stride);

	return crash_fail_each(&c, EIO, false) + crash_fail_each(&c, ENOSPC, true);
}

uint64_t calls_kill(size_t i, uint64_t stride, size_t n_states)
{
	struct crash_case c = case_of(i, stride);

	return operations[i].steps[0] == past_ask ? n_states : crash_kill_each(&c, n_states);
}

static bool starve(struct os *base, size_t n, bool once)
{
	struct memory mem;
	struct os *os = memory_clone(base);
	char why[64];
	teg_status status;

	memory_init(&mem);
	mem.fail_at = n;
	mem.fail_once = once;
	run.alloc = &mem.alloc;
	status = body(os, &run);
	snprintf(why, sizeof why, "allocation %zu refused%s", n, once ? " once" : "");
	cr_assert(status == TEG_OK || status == TEG_NOMEM || status == TEG_COMMIT_UNKNOWN,
	          "%s: %s: %s", run.operation->name, why, teg_status_name(status));
	memory_check(&mem);
	check_store(os, &run, status, false, why);
	os_free(os);
	return mem.n_refused > 0;
}

uint64_t calls_starve(size_t i, uint64_t stride)
{
	struct os *base = os_memory_new(teg_allocator_default(), 7);
	size_t n = 1;

	rehearse(&run, &operations[i]);
	past_prepare(base);
	for (bool once = true; starve(base, n, once); once = !once)
		n += stride;
	os_free(base);
	return n;
}
