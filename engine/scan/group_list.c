/* A list of all versions of a key, as they were written. */
#include <string.h>
#include "engine/scan/group.h"
#include "engine/time/derive.h"

/* All versions: what ended before the horizon cannot be asked for, dropped or not. */
static bool is_listed(const struct group *group, size_t i)
{
	const struct view *view = group->view;
	const struct version *v = &group->versions[i];
	int64_t horizon = view->below_horizon ? INT64_MIN : group->plan->array->state.horizon;

	return group_wants(group, v->kind) && v->valid_from < view->b && v->valid_until > view->a &&
	       group->superseded[i] > horizon;
}

/* A row among the versions [0, n) that is listed, were its kind asked for; n: none. */
static size_t find_told(const struct group *group, size_t n)
{
	int64_t horizon = group->plan->array->state.horizon;
	const struct view *view = group->view;
	size_t i = 0;

	for (; i < n; i++) {
		const struct version *v = &group->versions[i];

		if (v->row != UINT32_MAX && group->superseded[i] > horizon &&
		    v->valid_from < view->b && v->valid_until > view->a)
			break;
	}
	return i;
}

static bool add(struct group *group, struct listed one)
{
	void *block = group->listed;

	if (!mem_grow(group->alloc, &block, &group->listed_cap, group->n_listed + 1,
	              sizeof *group->listed))
		return false;
	group->listed = block;
	group->listed[group->n_listed++] = one;
	return true;
}

/* A box is told by a row for every key of which a row is told. */
static teg_status add_box(struct group *group, size_t i, uint32_t row)
{
	const struct view *view = group->view;
	int64_t horizon = group->plan->array->state.horizon;

	TEG_TRY(left_of_box(group->versions, i, &group->pieces));
	for (size_t p = 0; p < group->pieces.n; p++) {
		const struct piece *piece = &group->pieces.at[p];
		struct listed one = { group->versions[i].system_from,
			              piece->valid_from,
			              piece->valid_until,
			              piece->system_until,
			              row,
			              group->versions[i].kind,
			              true };

		if (piece->valid_from < view->b && piece->valid_until > view->a &&
		    piece->system_until > horizon && !add(group, one))
			return TEG_NOMEM;
	}
	return TEG_OK;
}

/* Newest first, of one commit by valid time, deletions after what they leave; an erasure last. */
static bool comes_before(const struct listed *a, const struct listed *b)
{
	if (a->system_from != b->system_from)
		return a->system_from > b->system_from;
	if (kind_erases(a->kind) != kind_erases(b->kind))
		return !kind_erases(a->kind);
	if (a->valid_from != b->valid_from)
		return a->valid_from < b->valid_from;
	return a->kind != b->kind ? a->kind < b->kind : a->valid_until < b->valid_until;
}

static void merge_runs(const struct listed *from, size_t n, size_t run, struct listed *to)
{
	for (size_t at = 0, out = 0; at < n; at = out) {
		size_t mid = n - at > run ? at + run : n, end = n - mid > run ? mid + run : n;

		for (size_t i = at, k = mid; out < end; out++)
			to[out] = i < mid && (k == end || !comes_before(&from[k], &from[i]))
			                  ? from[i++]
			                  : from[k++];
	}
}

/* They come in order but for boxes, which stand after the rows of their commits, and for events of one time
 * that begin together, of which a merge may have put some into another segment. */
static bool sort_listed(struct group *group)
{
	size_t n = group->n_listed, i = 1;
	struct listed *from = group->listed, *to;

	while (i < n && !comes_before(&from[i], &from[i - 1]))
		i++;
	if (i >= n)
		return true;
	to = mem_array(group->alloc, n, sizeof *to);
	if (!to)
		return false;
	for (size_t run = 1; run < n; run *= 2) {
		struct listed *swap = from;

		merge_runs(from, n, run, to);
		from = to;
		to = swap;
	}
	if (from != group->listed)
		memcpy(group->listed, from, n * sizeof *from);
	mem_free(group->alloc, from == group->listed ? to : from, n * sizeof *from);
	return true;
}

static teg_status emit_listed(struct group *group)
{
	if (!group_reserve(group, group->n_listed))
		return TEG_NOMEM;
	for (size_t i = 0; i < group->n_listed; i++) {
		const struct listed *one = &group->listed[i];
		void *block = group->boxed;

		if (one->boxed) {
			if (!mem_grow(group->alloc, &block, &group->boxed_cap, group->n_boxed + 1u,
			              sizeof *group->boxed))
				return TEG_NOMEM;
			group->boxed = block;
			group->boxed[group->n_boxed++] =
				(struct boxed){ group->n_out, one->system_from };
		}
		group_emit(group, one->row, one->valid_from, one->valid_until, one->system_until);
	}
	return TEG_OK;
}

/* What an erasure masks is not there. */
teg_status group_list(struct group *group, size_t n)
{
	size_t end = 0, told;

	TEG_TRY(derive_superseded(group->versions, n, &group->pieces, group->superseded,
	                          group->exact));
	while (end < n && !kind_erases(group->versions[end].kind))
		end++;
	end += end < n; /* the erasure itself */
	told = find_told(group, end);
	group->n_listed = 0;
	for (size_t i = 0; i < end; i++) {
		const struct version *v = &group->versions[i];
		struct listed one = { v->system_from, v->valid_from,
			              v->valid_until, group->superseded[i],
			              v->row,         v->kind,
			              false };

		if (!is_listed(group, i))
			continue;
		if (v->target && !add(group, one))
			return TEG_NOMEM;
		if (v->row == UINT32_MAX && v->kind == ROW_TOMBSTONE && told < end &&
		    !group->view->boxes_apart)
			TEG_TRY(add_box(group, i, group->versions[told].row));
	}
	return sort_listed(group) ? emit_listed(group) : TEG_NOMEM;
}
