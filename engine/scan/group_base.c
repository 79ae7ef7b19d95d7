#include "engine/scan/group.h"

/* ---- choosing ---- */

/* Rows that brought their times may be several of a key until a merge has looked at them. */
static bool has_each_key_once(const struct group *group, const struct plan_tile *tile)
{
	const struct segment_ref *ref = &group->plan->array->state.segments[tile->segment];

	return ref->fresh || ref->compacted;
}

/* The largest tile at hand that suits, and of which no range has taken anything. */
static struct member *base_candidate(struct group *group)
{
	struct member *best = NULL;
	uint32_t n = group->small ? group->n_members : group->n_hand;

	for (uint32_t i = 0; i < n; i++) {
		struct member *m = &group->members[group->small ? i : group->hand[i]];

		if (!m->loaded && !m->next && m->plan->emits && has_each_key_once(group, m->plan) &&
		    base_suits(&m->plan->entry, group->view) &&
		    (!best || m->plan->entry.n_rows > best->plan->entry.n_rows))
			best = m;
	}
	return best;
}

/* Moves the end of a range to that of tile `m`, where that brings few other rows. */
static void extend_range(struct group *group, const struct member *m, const uint64_t **end)
{
	uint32_t n_words = group->plan->array->order->n_words, next = group->next_member;
	uint64_t n_rows = 0;

	if (position_compare(m->plan->last, *end, n_words) <= 0)
		return;
	for (uint32_t i = 0; i < group->n_hand; i++)
		if (&group->members[group->hand[i]] != m)
			n_rows += group->members[group->hand[i]].plan->entry.n_rows;
	for (; next < group->n_members; next++) {
		const struct plan_tile *tile = group->members[next].plan;

		if (position_compare(tile->first, m->plan->last, n_words) > 0)
			break;
		n_rows += tile->entry.n_rows;
	}
	if (n_rows > GROUP_ROWS_SMALL)
		return;
	while (group->next_member < next)
		group_take_to_hand(group);
	*end = m->plan->last;
}

struct member *group_find_base(struct group *group, const uint64_t **end)
{
	uint32_t n_words = group->plan->array->order->n_words;
	struct member *m = base_candidate(group);

	if (!m || !end)
		return m;
	extend_range(group, m, end);
	return position_compare(m->plan->last, *end, n_words) > 0 ? NULL : m;
}

/* ---- resolving ---- */

/* The newest of a key's rows at S. UINT32_MAX: none. */
static uint32_t newest(const struct group *group, uint32_t at, uint32_t end)
{
	while (at < end && group->range.system_from[group->perm[at]] > group->view->s)
		at++;
	return at < end ? group->perm[at] : UINT32_MAX;
}

/* Runs of the base's rows, but those whose key another row answers for. */
teg_status group_resolve_base(struct group *group)
{
	const struct key_rows *keys = &group->range;
	struct base *base = &group->base;
	uint32_t own = 0, from = 0;

	base->n_runs = base->n_rows = 0;
	for (uint32_t at = 0, end; at < keys->n; at = end) {
		uint32_t row;
		bool same;

		end = at + 1;
		while (end < keys->n &&
		       key_rows_same(keys, group->perm[at], keys, group->perm[end]))
			end++;
		own = base_find(base, keys, group->perm[at], own, &same);
		row = newest(group, at, end);
		if (row == UINT32_MAX || (same && !base_is_older(base, own, keys, row)))
			continue;
		if (!base_add_own(base, from, own))
			return TEG_NOMEM;
		from = own + same;
		if (keys->superseded[row] > group->view->s &&
		    (group->view->kinds >> keys->kind[row]) & 1 &&
		    group->members[keys->tile[row]].plan->emits &&
		    !base_add_row(base, keys->tile[row], keys->row[row]))
			return TEG_NOMEM;
	}
	return base_add_own(base, from, base->tile->header.n_rows) ? TEG_OK : TEG_NOMEM;
}
