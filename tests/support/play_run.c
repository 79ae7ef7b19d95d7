#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/support/play.h"

_Noreturn void play_fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	_exit(1);
}

/* ---- upkeep ---- */

int64_t play_horizon(const struct play *w, teg_array *at)
{
	teg_array_info info = { .struct_size = sizeof info };
	teg_error err;

	play_fine(w, teg_array_get_info(at, &info, &err), &err);
	return info.horizon;
}

struct prints {
	uint64_t of[N_ARRAYS];
	int64_t horizon[N_ARRAYS];
};

static struct prints print_all(struct play *w, bool any_order)
{
	struct prints prints;
	teg_snapshot *snapshot;
	teg_error err;

	play_fine(w, teg_snapshot_open(w->store, &snapshot, &err), &err);
	for (int array = 0; array < N_ARRAYS; array++) {
		teg_array *at;

		play_fine(w, teg_array_open(snapshot, play_names[array], &at, &err), &err);
		prints.of[array] = play_fingerprint(w, at, array, any_order);
		prints.horizon[array] = play_horizon(w, at);
		teg_array_close(at);
	}
	teg_snapshot_close(snapshot);
	return prints;
}

/* What a merge drops the model drops. Otherwise no answer changes, and no piece of one. */
static void compare_prints(struct play *w, const struct prints *before, bool any_order)
{
	struct prints after = print_all(w, any_order);

	for (int array = 0; array < N_ARRAYS; array++) {
		if (after.horizon[array] != before->horizon[array])
			model_expire(&w->models[array], after.horizon[array]);
		else if (w->seed % 4) /* what is forgotten is not found any more */
			PLAY_ASSERT(after.of[array] == before->of[array],
			            "seed %llu call %zu: a merge changed what %s answers",
			            (unsigned long long)w->seed, w->n_calls, play_names[array]);
	}
}

static void retain(struct play *w)
{
	teg_alter change = { .kind = TEG_ALTER_RETAIN,
		             .retention = { .drops = true, .duration_us = play_draw(w, 40) } };
	teg_txn *txn;
	teg_error err;

	play_fine(w, teg_txn_begin(w->store, NULL, &txn, &err), &err);
	play_fine(w, teg_txn_alter(txn, play_names[play_draw(w, N_ARRAYS)], &change, 1, &err),
	          &err);
	play_fine(w, teg_txn_commit(txn, NULL, &err), &err);
}

static void merge(struct play *w)
{
	teg_compact_options compact = { .struct_size = sizeof compact };
	struct prints before = print_all(w, false);
	teg_error err;

	compact.by_policy = !w->retains && play_draw(w, 2);
	compact.array = play_draw(w, 2) ? play_names[play_draw(w, N_ARRAYS)] : NULL;
	play_fine(w, teg_compact(w->store, &compact, NULL, &err), &err);
	compare_prints(w, &before, false);
}

/* Other extents of tiles: the order that everything lies in is another one then. NH1 */
static void rechunk(struct play *w)
{
	teg_extent extents[] = { { "x", play_draw(w, 5) }, { "y", play_draw(w, 5) } };
	teg_compact_options compact = {
		.struct_size = sizeof compact,
		.array = play_names[SPARSE + play_draw(w, N_ARRAYS - SPARSE)],
		.extents = extents,
		.n_extents = 1 + play_draw(w, 2)
	};
	struct prints before = print_all(w, true);
	teg_error err;

	play_fine(w, teg_compact(w->store, &compact, NULL, &err), &err);
	compare_prints(w, &before, true);
}

static void purge(struct play *w)
{
	teg_purge_options purge = { .struct_size = sizeof purge,
		                    .array = play_names[play_draw(w, N_ARRAYS)] };
	struct prints before = print_all(w, false);
	teg_error err;

	play_fine(w, teg_purge(w->store, &purge, NULL, &err), &err);
	compare_prints(w, &before, false);
}

/* A snapshot answers the same for as long as it is open, whatever is merged and removed meanwhile. */
static void hold(struct play *w)
{
	teg_error err;

	if (!w->held)
		play_fine(w, teg_snapshot_open(w->store, &w->held, &err), &err);
	for (int array = 0; array < N_ARRAYS; array++) {
		uint64_t print, *held = &w->held_prints[array];
		teg_array *at;

		play_fine(w, teg_array_open(w->held, play_names[array], &at, &err), &err);
		print = play_fingerprint(w, at, array, false);
		PLAY_ASSERT(!*held || *held == print,
		            "seed %llu call %zu: %s answers otherwise in an open snapshot",
		            (unsigned long long)w->seed, w->n_calls, play_names[array]);
		*held = *held ? 0 : print;
		teg_array_close(at);
	}
	if (w->held_prints[0])
		return;
	teg_snapshot_close(w->held);
	w->held = NULL;
}

static void upkeep(struct play *w)
{
	teg_vacuum_options vacuum = { .struct_size = sizeof vacuum, .has_grace = true };
	static const char *const what[] = { "merge",   "vacuum", "open anew", "purge",
		                            "rechunk", "hold",   "retain" };
	uint32_t kind = play_draw(w, w->retains ? 7 : 6);
	teg_error err;

	if (w->tells)
		fprintf(stderr, "  %s\n", what[kind]);
	switch (kind) {
	case 0: merge(w); break;
	case 1: play_fine(w, teg_vacuum(w->store, &vacuum, NULL, &err), &err); break;
	case 2:
		teg_store_close(w->store);
		play_open(w);
		break;
	case 3: purge(w); break;
	case 4: rechunk(w); break;
	case 5: hold(w); break;
	default: retain(w); break;
	}
}

/* ---- one run ---- */

static void check_intact(struct play *w)
{
	teg_verify_result result = { .struct_size = sizeof result };
	teg_error err;

	play_fine(w, teg_verify(w->store, true, NULL, NULL, &result, &err), &err);
	PLAY_ASSERT(result.damages == 0, "seed %llu: verify finds damage",
	            (unsigned long long)w->seed);
}

static void start(struct play *w)
{
	w->last_time = INT64_MIN;
	w->spills = w->seed % 8 == 5;
	w->retains = w->seed % 5 == 0;
	w->steady = w->seed % 2;
	w->os = os_memory_new(teg_allocator_default(), w->seed);
	memory_set_clock(w->os, CLOCK_START);
	model_init(&w->models[TABLE], 0, w->seed / 3 % 3 == 1, false);
	model_init(&w->models[SPARSE], KEYS, w->seed / 7 % 5 != 4, false);
	model_init(&w->models[REPEATED], KEYS, w->seed / 2 % 3 == 1, true);
	model_init(&w->models[DENSE], KEYS, w->seed / 5 % 3 == 1, false);
	play_open(w);
	play_create(w);
}

static void commit(struct play *w)
{
	struct transaction a, b;
	bool race = play_draw(w, 5) == 0;
	/* After all others, so not for one that another overtakes. */
	int64_t at = !race && w->n_times && play_draw(w, 4) == 0
	                     ? w->last_time + 1 + play_draw(w, 20)
	                     : 0;

	play_begin(w, at, &a);
	if (race) { /* b comes first, a rebases over it */
		play_begin(w, 0, &b);
		play_commit(w, &b);
	}
	if (play_draw(w, 20))
		play_commit(w, &a);
	else
		teg_txn_abort(a.txn);
}

static void step(struct play *w)
{
	if (play_draw(w, 12))
		commit(w);
	else
		play_replay(w);
	if (play_draw(w, 8) == 0)
		upkeep(w);
	if (play_draw(w, 6) == 0)
		play_check(w);
}

/* A step draws from its own number, so that leaving others out does not change it. */
static void run(struct play *w, size_t n_calls)
{
	start(w);
	for (size_t i = 0; w->skip ? i < w->n_steps : w->n_calls < n_calls; i++) {
		if (w->skip && w->skip[i])
			continue;
		w->state = (w->seed << 20 | i) * 0x9e3779b97f4a7c15u + 1;
		if (w->tells)
			fprintf(stderr, "step %zu\n", i);
		else if (w->steps_out)
			*w->steps_out = i + 1;
		step(w);
	}
	play_check(w);
	check_intact(w);
	play_check_ledger(w);
	for (int i = 0; i < N_ARRAYS; i++)
		model_release(&w->models[i]);
	teg_snapshot_close(w->held);
	teg_store_close(w->store);
	os_free(w->os);
}

/* ---- many, each in a process of its own ---- */

/* False where it fails. */
static bool try(struct play *w, size_t n_calls, bool quiet)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (!child) {
		if (quiet && !freopen("/dev/null", "w", stderr))
			_exit(2);
		run(w, n_calls);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

/* Leaves out steps for as long as it still fails, larger parts first. */
static void shrink(struct play *w, size_t n_calls, uint8_t *skip)
{
	for (size_t part = w->n_steps / 2; part; part /= 2)
		for (size_t from = 0; from < w->n_steps; from += part) {
			size_t n = from + part > w->n_steps ? w->n_steps - from : part;
			uint8_t before[4096];

			memcpy(before, skip + from, n);
			memset(skip + from, 1, n);
			if (try(w, n_calls, true))
				memcpy(skip + from, before, n);
		}
}

static void explain(uint64_t seed, size_t n_calls, size_t n_steps)
{
	struct play w = { .seed = seed, .n_steps = n_steps < 4096 ? n_steps : 4096 };
	uint8_t *skip = calloc(w.n_steps + 1, 1);

	w.skip = skip;
	if (try(&w, n_calls, true))
		fprintf(stderr, "seed %llu fails only as a whole\n", (unsigned long long)seed);
	else
		shrink(&w, n_calls, skip);
	w.tells = true;
	(void)try(&w, n_calls, false);
	free(skip);
}

void play_assert_seeds(uint64_t first, uint64_t n, size_t n_calls)
{
	/* How far a child came. */
	size_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(shared, MAP_FAILED);
	for (uint64_t seed = first; seed < first + n; seed++) {
		struct play w = { .seed = seed };

		w.steps_out = shared;
		if (try(&w, n_calls, false))
			continue;
		explain(seed, n_calls, *w.steps_out);
		cr_assert_fail("seed %llu fails; its shortest script is above",
		               (unsigned long long)seed);
	}
	munmap(shared, sizeof *shared);
}
