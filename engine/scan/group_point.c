/* One key at one V. Its tiles are read one after the other, the likeliest first, until those that are
 * left can change nothing: of a long history one or two.
 *
 *   newest                          oldest
 *   [ began after V ][ the winner ][ older ][ older ]        read: the second
 */
#include "engine/scan/group.h"
#include "engine/time/known.h"

bool group_is_one_key(const struct group *group)
{
	const struct box *box = group->view->box;
	const struct order *order = group->plan->array->order;

	if (!box || order->has_text)
		return false;
	for (uint32_t d = 0; d < order->n_dims; d++)
		if (box->lo[d] != box->hi[d])
			return false;
	return true;
}

bool group_is_point(const struct group *group)
{
	const struct view *view = group->view;
	const struct schema *schema = group->plan->array->state.schema;

	return group_is_one_key(group) && !view->no_prune && !view->all_versions && !view->range &&
	       !view->changes && schema->cells == TEG_CELLS_UNIQUE &&
	       (!schema->valid_time || (view->a != INT64_MIN && view->b == view->a + 1));
}

/* Without valid time all of it has one answer: any V does. */
static struct point_asked asked_of(const struct group *group)
{
	const struct view *view = group->view;

	return (struct point_asked){ .s = view->s,
		                     .v = group->range.valid_time ? view->a : 0,
		                     .whole = view->whole_pieces,
		                     .until = view->until };
}

static struct unread unread_of(const struct group *group, const struct member *m)
{
	const struct index_entry *entry = &m->plan->entry;
	struct unread unread = { .system_from_min = entry->system_from_min,
		                 .system_from_max = entry->system_from_max,
		                 .valid_from_min = INT64_MIN,
		                 .valid_until_max = INT64_MAX,
		                 .erases = entry->n_erased != 0 };

	if (!group->range.valid_time)
		return unread;
	unread.valid_from_min = entry->valid_from_min;
	if (!entry->n_open)
		unread.valid_until_max = entry->valid_until_max;
	return unread;
}

static struct known_rows rows_of(const struct group *group)
{
	const struct key_rows *range = &group->range;

	return (struct known_rows){ range->n,          range->system_from, range->superseded,
		                    range->valid_from, range->valid_until, range->kind };
}

size_t group_take_boxes(struct group *group)
{
	const struct plan *plan = group->plan;
	size_t n = 0;

	for (uint32_t i = 0; i < plan->n_boxes; i++)
		if (box_contains(&plan->boxes[i].box, group->view->box, plan->array->order->n_dims))
			group->versions[n++] = plan->boxes[i].version;
	return n;
}

/* NULL: what is known is the answer. */
static struct member *next_needed(struct group *group, const struct known *known)
{
	struct member *best = NULL;
	struct unread best_unread;

	for (uint32_t i = 0; i < group->n_members; i++) {
		struct member *m = &group->members[i];
		struct unread unread = unread_of(group, m);

		if (m->open || !known_needs(known, &unread) ||
		    (best && !known_prefers(known, &unread, &best_unread)))
			continue;
		best = m;
		best_unread = unread;
	}
	return best;
}

static teg_status take_member(struct group *group, struct member *m, teg_error *err)
{
	TEG_TRY(group_open_member(group, m, err));
	return key_rows_load(&group->range, group->reader, &m->tile, (uint32_t)(m - group->members),
	                     group->view->box, err);
}

/* Of a long history few rows are left to sort and resolve. */
static teg_status leave_useful(struct group *group, const struct known *known, teg_error *err)
{
	const struct known_rows rows = rows_of(group);
	void *perm = group->perm;

	if (!mem_grow(group->alloc, &perm, &group->perm_cap, rows.n + 1u, sizeof *group->perm))
		return teg_fail(err, TEG_NOMEM, "no memory to resolve tiles");
	group->perm = perm;
	key_rows_choose(&group->range, group->perm, known_choose(known, &rows, group->perm));
	return TEG_OK;
}

teg_status group_take_point(struct group *group, teg_error *err)
{
	const struct point_asked asked = asked_of(group);
	struct known_rows rows = rows_of(group);
	struct known known;
	struct member *m;
	size_t n_boxes;

	if (!group_reserve_versions(group, group->plan->n_boxes))
		return teg_fail(err, TEG_NOMEM, "no memory to resolve tiles");
	n_boxes = group_take_boxes(group);
	known = known_of(&asked, group->versions, n_boxes, &rows);
	while ((m = next_needed(group, &known))) {
		TEG_TRY(take_member(group, m, err));
		rows = rows_of(group);
		known = known_of(&asked, group->versions, n_boxes, &rows);
	}
	TEG_TRY(leave_useful(group, &known, err));
	for (uint32_t i = 0; i < group->n_members; i++)
		if (!group->members[i].open)
			plan_spare(group->plan, group->view, group->members[i].plan);
	group->done = true;
	return group->range.n ? TEG_OK : TEG_END;
}
