#include "engine/scan/group.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to resolve tiles");
}

void group_init(struct group *group, struct plan *plan, const struct view *view,
                struct tile_reader *reader, const teg_allocator *alloc)
{
	memset(group, 0, sizeof *group);
	group->plan = plan;
	group->view = view;
	group->reader = reader;
	group->alloc = alloc;
	key_rows_init(&group->range, plan->array->state.schema, plan->array->order, alloc);
	pieces_init(&group->pieces, alloc);
	base_init(&group->base, plan->array->order, alloc);
	pieces_init(&group->before, alloc);
	pieces_init(&group->after, alloc);
	group_limit_scan(group);
}

void group_shed_outputs(struct group *group)
{
	mem_free(group->alloc, group->tile_of, group->out_cap * sizeof *group->tile_of);
	mem_free(group->alloc, group->rows, group->out_cap * sizeof *group->rows);
	mem_free(group->alloc, group->valid_from, group->out_cap * sizeof *group->valid_from);
	mem_free(group->alloc, group->valid_until, group->out_cap * sizeof *group->valid_until);
	mem_free(group->alloc, group->system_until, group->out_cap * sizeof *group->system_until);
	mem_free(group->alloc, group->change, group->out_cap);
	group->change = NULL;
	group->tile_of = group->rows = NULL;
	group->valid_from = group->valid_until = group->system_until = NULL;
	group->out_cap = 0;
	group->n_out = 0;
}

void group_shed_range(struct group *group)
{
	key_rows_release(&group->range);
	mem_free(group->alloc, group->perm, group->perm_cap * sizeof *group->perm);
	group->perm = NULL;
	group->perm_cap = 0;
}

static void free_versions(struct group *group)
{
	mem_free(group->alloc, group->versions, group->versions_cap * sizeof *group->versions);
	mem_free(group->alloc, group->superseded, group->versions_cap * sizeof *group->superseded);
	mem_free(group->alloc, group->exact, group->versions_cap * sizeof *group->exact);
	group->versions = NULL;
	group->superseded = NULL;
	group->exact = NULL;
	group->versions_cap = 0;
}

void group_release(struct group *group)
{
	if (!group->alloc)
		return;
	group_end(group);
	group_shed_range(group);
	group_shed_outputs(group);
	mem_free(group->alloc, group->boxed, group->boxed_cap * sizeof *group->boxed);
	group->boxed = NULL;
	group->boxed_cap = 0;
	mem_free(group->alloc, group->listed, group->listed_cap * sizeof *group->listed);
	group->listed = NULL;
	group->listed_cap = 0;
	free_versions(group);
	pieces_release(&group->pieces);
	base_release(&group->base);
	pieces_release(&group->before);
	pieces_release(&group->after);
}

/* ---- resolution ---- */

bool group_reserve(struct group *group, size_t more)
{
	size_t want = group->n_out + more;

	if (want > group->out_cap) {
		size_t cap[6] = { group->out_cap, group->out_cap, group->out_cap,
			          group->out_cap, group->out_cap, group->out_cap };
		void *block[6] = { group->tile_of,     group->rows,         group->valid_from,
			           group->valid_until, group->system_until, group->change };
		size_t elem[6] = { 4, 4, 8, 8, 8, 1 };
		bool ok = true;
		int grown = 0;

		if (want < group->out_cap + group->out_cap / 2)
			want = group->out_cap + group->out_cap / 2;
		for (; ok && grown < 6; grown += ok)
			ok = mem_grow(group->alloc, &block[grown], &cap[grown], want, elem[grown]);
		group->tile_of = block[0];
		group->rows = block[1];
		group->valid_from = block[2];
		group->valid_until = block[3];
		group->system_until = block[4];
		group->change = block[5];
		if (!ok) { /* give back what has another size than the rest */
			for (int i = 0; i < 6; i++)
				mem_free(group->alloc, block[i], cap[i] * elem[i]);
			group->change = NULL;
			group->tile_of = group->rows = NULL;
			group->valid_from = group->valid_until = group->system_until = NULL;
			group->out_cap = 0;
			return false;
		}
		group->out_cap = cap[0];
	}
	return true;
}

void group_emit(struct group *group, uint32_t i, int64_t valid_from, int64_t valid_until,
                int64_t system_until)
{
	uint32_t at = group->n_out++;

	group->tile_of[at] = group->range.tile[i];
	group->rows[at] = group->range.row[i];
	group->valid_from[at] = valid_from;
	group->valid_until[at] = valid_until;
	group->system_until[at] = system_until;
	group->change[at] = CHANGE_NONE;
}

bool group_wants(const struct group *group, uint8_t kind)
{
	return (group->view->kinds >> kind) & 1;
}

bool group_reserve_versions(struct group *group, size_t need)
{
	if (need <= group->versions_cap)
		return true;
	free_versions(group);
	need += need / 2;
	group->versions = mem_array(group->alloc, need, sizeof *group->versions);
	group->superseded = mem_array(group->alloc, need, sizeof *group->superseded);
	group->exact = mem_array(group->alloc, need, sizeof *group->exact);
	group->versions_cap = need;
	if (group->versions && group->superseded && group->exact)
		return true;
	free_versions(group);
	return false;
}

static void find_near(struct group *group, uint32_t at)
{
	uint32_t n = group->range.n - at, n_dims = group->plan->array->order->n_dims;
	struct box bounds;

	n = n < GROUP_NEAR_ROWS ? n : GROUP_NEAR_ROWS;
	key_rows_bounds(&group->range, group->perm + at, n, &bounds);
	group->n_near = 0;
	for (uint32_t i = 0; i < group->plan->n_boxes; i++)
		if (box_overlaps(&bounds, &group->plan->boxes[i].box, n_dims))
			group->near[group->n_near++] = i;
	group->near_end = at + n;
}

bool group_has_more(const struct group *group, uint32_t end)
{
	return group->run.on && end == group->range.n;
}

size_t group_versions(struct group *group, uint32_t at, uint32_t end, struct version *out)
{
	bool repeated = group->plan->array->state.schema->cells == TEG_CELLS_REPEATED;
	bool goes_on = !at && group->goes_on, more = group_has_more(group, end);
	uint32_t near = 0, key = group->perm[at];
	size_t n = 0;

	if (at >= group->near_end)
		find_near(group, at);
	while (goes_on && near < group->n_near && group->near[near] < group->run.next_box)
		near++;
	for (uint32_t i = at; i < end + !more; i++) {
		int64_t next = i < end ? group->range.system_from[group->perm[i]] : INT64_MIN;

		for (; near < group->n_near; near++) {
			const struct plan_box *box = &group->plan->boxes[group->near[near]];

			if (i < end && box->version.system_from <= next)
				break;
			if (key_rows_in_box(&group->range, key, &box->box))
				out[n++] = box->version;
		}
		if (i == end)
			break;
		out[n] = key_rows_version(&group->range, group->perm[i], repeated);
		out[n++].target = group->members[group->range.tile[group->perm[i]]].plan->emits;
	}
	group->run.next_box = near < group->n_near ? group->near[near] : group->plan->n_boxes;
	return n;
}

/* A scan of changes compares the winners, whatever a predicate would say of them. */
static teg_status find_changes(struct group *group, size_t n, int64_t a, int64_t b)
{
	for (size_t i = 0; i < n; i++)
		group->versions[i].target = group->versions[i].row != UINT32_MAX;
	return visible_changes(group->versions, n, group->view->s_from, group->view->s, a, b,
	                       &group->before, &group->after, &group->pieces);
}

static teg_status find_pieces(struct group *group, size_t n)
{
	const struct view *view = group->view;
	int64_t a = view->whole_pieces ? INT64_MIN : view->a,
		b = view->whole_pieces ? INT64_MAX : view->b;

	if (view->changes)
		return find_changes(group, n, a, b);
	if (view->range)
		return visible_between(group->versions, n, view->s_from, view->s, a, b,
		                       &group->pieces);
	return visible_at(group->versions, n, view->s, a, b, view->until, &group->pieces);
}

static teg_status resolve_versions(struct group *group, size_t n)
{
	const struct view *view = group->view;

	TEG_TRY(find_pieces(group, n));
	if (!group_reserve(group, group->pieces.n))
		return TEG_NOMEM;
	for (size_t p = 0; p < group->pieces.n; p++) {
		const struct piece *piece = &group->pieces.at[p];
		const struct version *v = &group->versions[piece->version];

		if (group_wants(group, v->kind) && piece->valid_from < view->b &&
		    piece->valid_until > view->a) {
			group_emit(group, v->row, piece->valid_from, piece->valid_until,
			           piece->system_until);
			group->change[group->n_out - 1] = piece->change;
		}
	}
	return TEG_OK;
}

/* The common case: no valid time, no boxes, no erasures, rows claim. The newest row at S wins, unless a
 * merge said that it ended: then the row that ended it lies in another group. */
static void resolve_simply(struct group *group, uint32_t at, uint32_t end)
{
	const struct key_rows *keys = &group->range;

	for (uint32_t i = at; i < end; i++) {
		uint32_t row = group->perm[i];

		if (keys->system_from[row] > group->view->s)
			continue;
		if (keys->superseded[row] > group->view->s && group_wants(group, keys->kind[row]) &&
		    group->members[keys->tile[row]].plan->emits)
			group_emit(group, row, INT64_MIN, INT64_MAX, INT64_MAX);
		break;
	}
}

static teg_status resolve_key(struct group *group, uint32_t at, uint32_t end)
{
	size_t n;

	if (!group_reserve_versions(group, (size_t)(end - at) + group->plan->n_boxes))
		return TEG_NOMEM;
	n = group_versions(group, at, end, group->versions);
	return group->view->all_versions ? group_list(group, n) : resolve_versions(group, n);
}

bool group_is_simple(const struct group *group)
{
	const struct schema *schema = group->plan->array->state.schema;

	if (schema->valid_time || schema->cells == TEG_CELLS_REPEATED || group->plan->n_boxes ||
	    group->view->until || group->view->all_versions || group->view->range ||
	    group->view->changes)
		return false;
	for (uint32_t i = 0; i < group->n_members; i++)
		if (group->members[i].plan->entry.n_erased)
			return false;
	return true;
}

teg_status group_resolve(struct group *group, teg_error *err)
{
	bool is_simple = group_is_simple(group);
	teg_status status = TEG_OK;

	group->n_out = group->n_boxed = 0;
	if (group->base.tile) {
		TEG_TRY(base_load_times(&group->base, &group->range, group->reader, err));
		return error_of_memory(err, group_resolve_base(group), "to resolve tiles");
	}
	if (is_simple && !group_reserve(group, group->range.n))
		return no_memory(err);
	for (uint32_t at = 0, end; at < group->range.n && status == TEG_OK; at = end) {
		end = at + 1;
		while (end < group->range.n && key_rows_same(&group->range, group->perm[at],
		                                             &group->range, group->perm[end]))
			end++;
		/* Where a dimension is text, rows outside the box were loaded all the same. */
		if (group->view->box &&
		    !key_rows_in_box(&group->range, group->perm[at], group->view->box))
			continue;
		if (is_simple)
			resolve_simply(group, at, end);
		else
			status = resolve_key(group, at, end);
	}
	return status == TEG_OK ? TEG_OK : no_memory(err);
}
