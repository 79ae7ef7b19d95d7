#include "engine/merge/sides.h"
#include "engine/scan/boxes.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to merge segments");
}

void sides_init(struct sides *sides, const teg_allocator *alloc)
{
	*sides = (struct sides){ .alloc = alloc,
		                 .drop_through = INT64_MIN,
		                 .superseded_min = INT64_MAX };
	pieces_init(&sides->pieces, alloc);
	sides->key.alloc = alloc;
}

teg_status sides_limit(struct sides *sides, struct teg_store *store, size_t memory, teg_error *err)
{
	sides->overflow = overflow_new(store, memory, sides->alloc);
	return sides->overflow ? TEG_OK : no_memory(err);
}

static void free_side(struct sides *sides, struct side *side)
{
	mem_free(sides->alloc, side->tile_of, sides->cap * sizeof *side->tile_of);
	mem_free(sides->alloc, side->row_of, sides->cap * sizeof *side->row_of);
	mem_free(sides->alloc, side->superseded, sides->cap * sizeof *side->superseded);
	mem_free(sides->alloc, side->exact, sides->cap * sizeof *side->exact);
	*side = (struct side){ .n = 0 };
}

static void free_all(struct sides *sides)
{
	free_side(sides, &sides->current);
	free_side(sides, &sides->history);
	mem_free(sides->alloc, sides->versions, sides->cap * sizeof *sides->versions);
	mem_free(sides->alloc, sides->superseded, sides->cap * sizeof *sides->superseded);
	mem_free(sides->alloc, sides->exact, sides->cap * sizeof *sides->exact);
	sides->versions = NULL;
	sides->superseded = NULL;
	sides->exact = NULL;
	sides->cap = 0;
}

void sides_release(struct sides *sides)
{
	if (!sides->alloc)
		return;
	free_all(sides);
	deriving_end(&sides->key);
	overflow_free(sides->overflow);
	sides->overflow = NULL;
	pieces_release(&sides->pieces);
}

static bool make_side(struct sides *sides, struct side *side, size_t n)
{
	side->tile_of = mem_array(sides->alloc, n, sizeof *side->tile_of);
	side->row_of = mem_array(sides->alloc, n, sizeof *side->row_of);
	side->superseded = mem_array(sides->alloc, n, sizeof *side->superseded);
	side->exact = mem_array(sides->alloc, n, sizeof *side->exact);
	return side->tile_of && side->row_of && side->superseded && side->exact;
}

/* Room for the rows of a range and for the boxes that may lie over a key. */
static bool reserve(struct sides *sides, size_t need)
{
	bool made;

	if (need <= sides->cap)
		return true;
	free_all(sides);
	need += need / 2;
	sides->cap = need;
	made = make_side(sides, &sides->current, need);
	made &= make_side(sides, &sides->history, need);
	sides->versions = mem_array(sides->alloc, need, sizeof *sides->versions);
	sides->superseded = mem_array(sides->alloc, need, sizeof *sides->superseded);
	sides->exact = mem_array(sides->alloc, need, sizeof *sides->exact);
	if (made && sides->versions && sides->superseded && sides->exact)
		return true;
	free_all(sides);
	return false;
}

/* Version i of the key stays, on one side or the other. */
static void keep(struct sides *sides, const struct group *group, size_t i)
{
	int64_t superseded = sides->superseded[i];
	struct side *side = superseded == INT64_MAX ? &sides->current : &sides->history;
	uint32_t row = sides->versions[i].row;

	side->tile_of[side->n] = group->range.tile[row];
	side->row_of[side->n] = group->range.row[row];
	side->superseded[side->n] = superseded;
	side->exact[side->n++] = sides->exact[i];
	if (superseded < sides->superseded_min)
		sides->superseded_min = superseded;
}

/* A part of a key's versions. What has ended before them and behind is not asked for any more. */
static teg_status derive_part(struct sides *sides, struct group *group, size_t n, bool goes_on,
                              bool more, teg_error *err)
{
	bool disjoint = group->plan->array->state.schema->cells == TEG_CELLS_UNIQUE;
	int64_t from = INT64_MAX, until = INT64_MIN;

	if (!goes_on) {
		deriving_end(&sides->key);
		TEG_TRY(deriving_begin(&sides->key, &sides->pieces, overflow_begin(sides->overflow),
		                       disjoint, err));
	}
	group_run_times(group, &from, &until);
	for (size_t i = 0; i < n; i++) {
		const struct version *v = &sides->versions[i];

		from = v->valid_from < from ? v->valid_from : from;
		until = v->valid_until > until ? v->valid_until : until;
	}
	overflow_needs(sides->overflow, from, until);
	return derive_more(&sides->key, sides->versions, n, more, sides->superseded, sides->exact,
	                   err);
}

/* The versions of one key, or a part of them. */
static teg_status derive_versions(struct sides *sides, struct group *group, size_t n, bool goes_on,
                                  bool more, teg_error *err)
{
	if (goes_on || more)
		return derive_part(sides, group, n, goes_on, more, err);
	return error_of_memory(err,
	                       derive_superseded(sides->versions, n, &sides->pieces,
	                                         sides->superseded, sides->exact),
	                       "to derive when versions end");
}

static void place_versions(struct sides *sides, const struct group *group, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct version *v = &sides->versions[i];
		bool hidden = sides->masked;

		sides->masked |= kind_erases(v->kind);
		if (v->row == UINT32_MAX)
			continue; /* a box */
		if (hidden)
			sides->n_erased++;
		else if (sides->superseded[i] <= sides->drop_through)
			sides->n_expired++;
		else if (!(sides->forgets && group->range.kind[v->row] == ROW_FORGET))
			keep(sides, group, i);
	}
}

/* One key: its rows perm[at .. end), newest first. */
static teg_status derive_key(struct sides *sides, struct group *group, uint32_t at, uint32_t end,
                             teg_error *err)
{
	bool goes_on = !at && group->goes_on, more = group_has_more(group, end);
	size_t n = group_versions(group, at, end, sides->versions);

	TEG_TRY(derive_versions(sides, group, n, goes_on, more, err));
	sides->masked &= goes_on;
	place_versions(sides, group, n);
	return TEG_OK;
}

teg_status sides_derive(struct sides *sides, struct group *group, teg_error *err)
{
	const struct key_rows *keys = &group->range;

	sides->current.n = sides->history.n = 0;
	if (!reserve(sides, (size_t)keys->n + group->plan->n_boxes))
		return no_memory(err);
	for (uint32_t at = 0, end; at < keys->n; at = end) {
		end = at + 1;
		while (end < keys->n &&
		       key_rows_same(keys, group->perm[at], keys, group->perm[end]))
			end++;
		TEG_TRY(derive_key(sides, group, at, end, err));
	}
	return TEG_OK;
}

teg_status sides_take_all(struct sides *sides, struct group *group, teg_error *err)
{
	const struct key_rows *keys = &group->range;
	struct side *all = &sides->current;

	all->n = sides->history.n = 0;
	if (!reserve(sides, keys->n))
		return no_memory(err);
	for (uint32_t i = 0; i < keys->n; i++) {
		all->tile_of[i] = keys->tile[group->perm[i]];
		all->row_of[i] = keys->row[group->perm[i]];
		all->superseded[i] = INT64_MAX;
		all->exact[i] = 1;
	}
	all->n = keys->n;
	return TEG_OK;
}

/* ---- boxes ---- */

static bool box_stays(struct sides *sides, const struct plan *plan, uint32_t i)
{
	uint32_t n_dims = plan->array->order->n_dims;
	const struct plan_box *box = &plan->boxes[i];

	if (sides->forgets && box->forget)
		return false;
	for (uint32_t k = 0; k < i; k++) {
		const struct plan_box *newer = &plan->boxes[k];

		if (!box_hides(newer, box, n_dims))
			continue;
		if (kind_erases(newer->version.kind)) {
			sides->n_erased++;
			return false;
		}
		if (newer->version.system_from <= sides->drop_through) {
			sides->n_expired++;
			return false;
		}
	}
	return true;
}

teg_status sides_choose_boxes(struct sides *sides, const struct plan *plan, const struct poll *poll,
                              bool *keep_out, teg_error *err)
{
	for (uint32_t i = 0; i < plan->n_boxes; i++) {
		TEG_TRY(poll_ask(poll, err));
		keep_out[i] = box_stays(sides, plan, i);
	}
	return TEG_OK;
}
