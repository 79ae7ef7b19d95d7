/* Runs: rows at one position, mostly versions of one key, that are more than a range may hold. They
 * are taken in parts, in the order that all of them have together: by key, newest first.
 *
 * In a segment tiles follow one another, so the first that has rows of the run is enough; and of a
 * segment whose newest row is older than all that is being taken, none. So it is the segments that lie
 * beside each other in time that need memory at once, not their number.
 *
 *   segment 3   [tile][tile][tile]           newest
 *   segment 2        [tile]        <──── cut: a part is what comes before
 *   segment 1                 [tile]         not looked at yet
 */
#include "engine/scan/group.h"

#define WINDOW_MIN 128u /* rows of a tile that are loaded at once, at the least */

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for the versions of a key");
}

/* ---- life ---- */

teg_status group_begin_run(struct group *group, const uint64_t *position, teg_error *err)
{
	const struct array_state *state = &group->plan->array->state;

	memcpy(group->run.position, position,
	       group->range.order->n_words * sizeof *group->run.position);
	key_rows_init(&group->run.last, state->schema, group->range.order, group->alloc);
	group->run.seen = mem_alloc(group->alloc, state->n_segments);
	if (!group->run.seen)
		return no_memory(err);
	group->run.on = true;
	group->run.next_box = 0;
	for (uint32_t i = 0; i < group->n_hand; i++) {
		struct member *m = &group->members[group->hand[i]];

		m->ready = false;
		m->past = position_compare(m->plan->first, position, group->range.order->n_words) >
		          0;
	}
	return TEG_OK;
}

void group_end_run(struct group *group)
{
	if (!group->run.seen)
		return;
	mem_free(group->alloc, group->run.seen, group->plan->array->state.n_segments);
	group->run.seen = NULL;
	key_rows_release(&group->run.last);
	group->run.on = false;
}

/* ---- which tiles ---- */

/* Where a part ends: behind a row of a member, or (by_time) in front of all rows that are not newer;
 * neither: with the run. */
struct run_cut {
	const struct member *member;
	uint32_t row; /* of its keys */
	bool by_time;
	int64_t time;
};

/* The tile that may have the newest rows of those that are not ready and that no other of their segment
 * comes before. NULL: all are. */
static struct member *next_tile(struct group *group)
{
	struct member *best = NULL;

	memset(group->run.seen, 0, group->plan->array->state.n_segments);
	for (uint32_t i = 0; i < group->n_hand; i++) {
		struct member *m = &group->members[group->hand[i]];

		if (!m->at_hand || m->past || (m->ready && m->ends) ||
		    group->run.seen[m->plan->segment])
			continue;
		group->run.seen[m->plan->segment] = 1;
		if (!m->ready &&
		    (!best || m->plan->entry.system_from_max > best->plan->entry.system_from_max))
			best = m;
	}
	return best;
}

/* Keys come before times: only where all rows have one key does time alone tell. */
static bool is_behind(const struct group *group, const struct run_cut *cut, const struct member *m)
{
	return cut->member && !group->range.order->has_text &&
	       cut->member->keys.system_from[cut->row] > m->plan->entry.system_from_max;
}

/* Is anything that is ready newer than all that `m` has? Then a part can end before it. */
static bool can_stop_before(const struct group *group, const struct member *m)
{
	if (group->range.order->has_text)
		return false;
	for (uint32_t i = 0; i < group->n_hand; i++) {
		const struct member *r = &group->members[group->hand[i]];

		if (r->at_hand && r->ready &&
		    r->keys.system_from[r->perm[r->next - r->first]] >
		            m->plan->entry.system_from_max)
			return true;
	}
	return false;
}

/* Rows that are loaded of one tile: where keys are texts, every segment has a tile of them loaded. */
static uint32_t window(const struct group *group, uint64_t n_ready)
{
	uint64_t rows = group_range_rows(group), n = rows > n_ready ? (rows - n_ready) / 2 : 0;

	if (group->range.order->has_text)
		n = rows / group->plan->array->state.n_segments;
	return n < WINDOW_MIN ? WINDOW_MIN : (uint32_t)n;
}

static teg_status make_ready(struct group *group, struct member *m, uint64_t n_ready,
                             teg_error *err)
{
	group->window_rows = window(group, n_ready);
	TEG_TRY(group_load_member(group, m, err));
	m->until = group_find_row(group, m, group->run.position, false);
	m->ends = m->until < m->first + m->count || m->until == m->n;
	m->past = m->ends && m->until == m->next;
	m->ready = !m->past;
	return TEG_OK;
}

/* The rows of `m` may end before the run does: then nothing that comes after them is taken yet. */
static void cut_behind(struct run_cut *cut, const struct member *m)
{
	uint32_t row;
	int order;

	if (m->ends || m->past) /* it may have no row of the run at all */
		return;
	row = m->perm[m->until - 1 - m->first];
	order = cut->member ? key_rows_compare(&m->keys, row, &cut->member->keys, cut->row) : -1;
	if (order < 0 || (order == 0 && m < cut->member))
		*cut = (struct run_cut){ .member = m, .row = row };
}

static teg_status make_all_ready(struct group *group, struct run_cut *cut, teg_error *err)
{
	uint64_t n_ready = 0;
	struct member *m;

	while ((m = next_tile(group)) && !is_behind(group, cut, m)) {
		if (n_ready > group_range_rows(group) && can_stop_before(group, m)) {
			cut->by_time = true;
			cut->time = m->plan->entry.system_from_max;
			break;
		}
		TEG_TRY(make_ready(group, m, n_ready, err));
		n_ready += m->ready ? m->until - m->next : 0;
		cut_behind(cut, m);
	}
	return TEG_OK;
}

/* ---- taking rows ---- */

static bool is_taken(const struct run_cut *cut, const struct member *m, uint32_t row)
{
	int order;

	if (cut->by_time && m->keys.system_from[row] <= cut->time)
		return false;
	if (!cut->member)
		return true;
	order = key_rows_compare(&m->keys, row, &cut->member->keys, cut->row);
	return order < 0 || (order == 0 && m <= cut->member);
}

/* Behind the last row that is taken. */
static uint32_t taken_until(const struct run_cut *cut, const struct member *m)
{
	uint32_t lo = m->next, hi = m->until;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (is_taken(cut, m, m->perm[mid - m->first]))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static teg_status take_rows(struct group *group, struct member *m, uint32_t end, teg_error *err)
{
	TEG_TRY(key_rows_append(&group->range, &m->keys, m->perm + (m->next - m->first),
	                        end - m->next, err));
	m->next = end;
	m->past = m->ends && end == m->until;
	if (m->next == m->n)
		m->at_hand = false;
	return TEG_OK;
}

/* The rows that the cut names are the members' own: all are taken before any goes. */
static teg_status take_ready(struct group *group, const struct run_cut *cut, bool *all_out,
                             teg_error *err)
{
	*all_out = true;
	for (uint32_t i = 0; i < group->n_hand; i++) {
		struct member *m = &group->members[group->hand[i]];

		if (m->at_hand && m->ready)
			TEG_TRY(take_rows(group, m, taken_until(cut, m), err));
		*all_out &= !m->at_hand || m->past;
	}
	return TEG_OK;
}

static void shed_keys(struct group *group)
{
	size_t kept = 0;

	for (uint32_t i = 0; i < group->n_hand; i++) {
		struct member *m = &group->members[group->hand[i]];

		m->ready = false;
		if (!m->at_hand || m->next == m->first + m->count)
			group_forget_keys(group, m);
		else
			group_shed_member(group, m, &kept);
	}
}

teg_status group_take_run(struct group *group, teg_error *err)
{
	struct run_cut cut = { 0 };
	bool all;

	group_close_finished(group);
	group->tight = true;
	TEG_TRY(make_all_ready(group, &cut, err));
	TEG_TRY(take_ready(group, &cut, &all, err));
	shed_keys(group);
	group->run.on = !all;
	return TEG_OK;
}

/* ---- from part to part ---- */

teg_status group_join_run(struct group *group, teg_error *err)
{
	const struct key_rows *range = &group->range;
	struct key_rows *last = &group->run.last;

	group->goes_on = range->n && last->n && key_rows_same(range, group->perm[0], last, 0);
	if (!group->run.on) {
		group_end_run(group);
		return TEG_OK;
	}
	key_rows_clear(last);
	return key_rows_append(last, range, &group->perm[range->n - 1], 1, err);
}

void group_run_times(const struct group *group, int64_t *from, int64_t *until)
{
	for (uint32_t i = 0; i < group->n_hand; i++) {
		const struct member *m = &group->members[group->hand[i]];
		const struct index_entry *entry = &m->plan->entry;
		int64_t last = entry->n_open ? INT64_MAX : entry->valid_until_max;

		if (!m->at_hand || m->past)
			continue;
		*from = entry->valid_from_min < *from ? entry->valid_from_min : *from;
		*until = last > *until ? last : *until;
	}
}
