/* Commits whose rows bring their own system times, several in one, in any order. */
#include <stdio.h>
#include "tests/support/play.h"

#define REPLAY_MAX 12

struct ledger {
	size_t n;
	int64_t times[REPLAY_MAX], values[REPLAY_MAX], keys[REPLAY_MAX];
	int64_t from[REPLAY_MAX], until[REPLAY_MAX];
	int32_t x[REPLAY_MAX], y[REPLAY_MAX];
	uint8_t kinds[REPLAY_MAX];
	uint8_t has_value[2], has_from[2], has_until[2];
};

static void set_bit(uint8_t *bits, size_t i, bool on)
{
	bits[i >> 3] |= (uint8_t)(on << (i & 7));
}

/* One key comes once at a time, or its intervals might overlap. */
static bool said_then(const struct ledger *l, int64_t key, int64_t time)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->keys[i] == key && l->times[i] == time)
			return true;
	return false;
}

static void draw_row(struct play *w, int array, struct ledger *l)
{
	const struct model *m = &w->models[array];
	/* A table's may be new ones. */
	uint32_t n_keys = (uint32_t)m->n_keys + (array == TABLE ? 2 : 0), kind = play_draw(w, 10);
	int64_t key = play_draw(w, n_keys), time = w->last_time + 1 + play_draw(w, 5);
	size_t i = l->n;

	if (said_then(l, key, time))
		return;
	l->keys[i] = key;
	l->times[i] = time;
	l->x[i] = (int32_t)(key / SIDE);
	l->y[i] = (int32_t)(key % SIDE);
	l->kinds[i] = kind < 7 ? 0 : kind < 9 ? 1 : 2;
	l->values[i] = l->kinds[i] || play_draw(w, 10) == 0 ? NULL_VALUE
	                                                    : (int64_t)play_draw(w, 20);
	l->from[i] = INT64_MIN;
	l->until[i] = INT64_MAX;
	if (m->valid_time && l->kinds[i] < 2 && play_draw(w, 3))
		play_draw_interval(w, &l->from[i], &l->until[i]);
	set_bit(l->has_value, i, l->values[i] != NULL_VALUE);
	set_bit(l->has_from, i, l->from[i] != INT64_MIN);
	set_bit(l->has_until, i, l->until[i] != INT64_MAX);
	l->n++;
}

static void put_rows(struct play *w, teg_txn *txn, int array, struct ledger *l)
{
	teg_put_options roles = { .struct_size = sizeof roles,
		                  .system_time_column = "at",
		                  .row_kind_column = "kind" };
	teg_column columns[7] = {
		{ .name = "at", .values = l->times },
		{ .name = "kind", .values = l->kinds },
		{ .name = "value", .values = l->values, .validity = l->has_value },
	};
	size_t n = 3;
	teg_error err;

	if (array == TABLE) {
		roles.row_id_column = "row_id";
		columns[n++] = (teg_column){ .name = "row_id", .values = l->keys };
	} else {
		columns[n++] = (teg_column){ .name = "x", .values = l->x };
		columns[n++] = (teg_column){ .name = "y", .values = l->y };
	}
	if (w->models[array].valid_time) {
		roles.valid_from_column = "from";
		roles.valid_until_column = "until";
		columns[n++] =
			(teg_column){ .name = "from", .values = l->from, .validity = l->has_from };
		columns[n++] = (teg_column){ .name = "until",
			                     .values = l->until,
			                     .validity = l->has_until };
	}
	play_fine(w, teg_txn_put(txn, play_names[array], columns, n, l->n, &roles, &err), &err);
}

static void tell_at(struct play *w, int array, const struct ledger *l, int64_t time)
{
	struct model *m = &w->models[array];

	for (size_t i = 0; i < l->n; i++) {
		if (l->times[i] != time)
			continue;
		while ((size_t)l->keys[i] >= m->n_keys)
			model_add_key(m);
		model_say(m, (size_t)l->keys[i], l->from[i], l->until[i], time,
		          l->kinds[i] == 0   ? SAID_LIVE
		          : l->kinds[i] == 1 ? SAID_DELETED
		                             : SAID_ERASED,
		          l->values[i]);
	}
}

static void tell_all(struct play *w, int array, const struct ledger *l,
                     const teg_commit_result *result)
{
	for (int64_t time = w->last_time + 1; time <= result->system_time; time++) {
		bool any = false;

		for (size_t i = 0; i < l->n; i++)
			any |= l->times[i] == time;
		if (!any)
			continue;
		tell_at(w, array, l, time);
		play_note(w, result, time);
	}
}

static void tell_rows(int array, const struct ledger *l)
{
	for (size_t i = 0; i < l->n; i++)
		fprintf(stderr, "  %s replay %lld=%lld at %lld kind %d valid [%lld, %lld)\n",
		        play_names[array], (long long)l->keys[i], (long long)l->values[i],
		        (long long)l->times[i], l->kinds[i], (long long)l->from[i],
		        (long long)l->until[i]);
}

void play_replay(struct play *w)
{
	int array = w->spills ? (int)play_draw(w, REPEATED) : (int)play_draw(w, N_ARRAYS);
	struct ledger l = { 0 };
	teg_commit_result result = { .struct_size = sizeof result };
	int64_t largest = 0;
	uint32_t n = 1 + play_draw(w, REPLAY_MAX);
	teg_txn *txn;
	teg_error err;

	if (!w->n_times)
		return;
	for (uint32_t i = 0; i < n; i++)
		draw_row(w, array, &l);
	for (size_t i = 0; i < l.n; i++)
		largest = l.times[i] > largest ? l.times[i] : largest;
	play_fine(w, teg_txn_begin(w->store, NULL, &txn, &err), &err);
	put_rows(w, txn, array, &l);
	play_fine(w, teg_txn_commit(txn, &result, &err), &err);
	PLAY_ASSERT(result.system_time == largest, "seed %llu call %zu: a replay's time",
	            (unsigned long long)w->seed, w->n_calls);
	w->n_calls += l.n;
	if (w->tells)
		tell_rows(array, &l);
	tell_all(w, array, &l, &result);
}
