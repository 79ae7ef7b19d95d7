/* Aggregates from statistics: tiles that would be emitted whole, without a look at their rows. */
#include "engine/compute/aggregate.h"

struct known {
	struct aggregate *a;
	uint32_t segment;
	const struct segment *open;
	uint32_t *by_number; /* indexes into the plan's tiles, by segment and number */
	uint32_t n;
	teg_error *err;
};

/* Sums need the rows, and so do groups, predicates and valid time. */
static bool may_know(const struct aggregate *a)
{
	const struct view *view = &a->scan->view;

	for (size_t i = 0; i < a->n_tallies; i++)
		if (a->tallies[i].function == TEG_SUM || a->tallies[i].function == TEG_MEAN)
			return false;
	return !a->groups.n_columns && !a->scan->filter && !a->scan->cut && !view->no_prune &&
	       !a->array->state.schema->valid_time;
}

static bool inside(const struct index_entry *entry, const struct box *box, uint32_t n_dims)
{
	for (uint32_t d = 0; box && d < n_dims; d++)
		if (entry->lo[d] < box->lo[d] || entry->hi[d] > box->hi[d])
			return false;
	return true;
}

static bool answers_whole(const struct aggregate *a, const struct plan_tile *tile)
{
	const struct index_entry *e = &tile->entry;
	const struct array_state *state = &a->array->state;
	const struct view *view = &a->scan->view;

	return !tile->needs_resolution && e->n_live == e->n_rows && e->system_from_max <= view->s &&
	       inside(e, view->box, state->schema->n_dims);
}

/* In merged segments a row may be superseded; where none of a tile is, the column is left out. */
static teg_status none_superseded(const struct known *k, const struct plan_tile *tile, bool *out)
{
	struct tile open;

	*out = true;
	if (!k->a->array->state.segments[tile->segment].compacted)
		return TEG_OK;
	TEG_TRY(tile_open(&open, k->open, &tile->entry, k->a->alloc, k->err));
	*out = !tile_find_column(&open.header, COLUMN_ID_SUPERSEDED);
	tile_release(&open);
	return TEG_OK;
}

static const struct column_stats *stats_of(const struct known *k, const struct index_entry *entry,
                                           const struct field *field)
{
	const struct segment_footer *footer = &k->open->footer;

	for (uint32_t i = 0; entry->stats && i < footer->n_attrs; i++)
		if (footer->attr_ids[i] == field->id)
			return &entry->stats[i];
	return NULL;
}

/* Nulls, values and bounds of a tally's column in a tile; false where statistics do not tell. */
static bool facts_of(const struct known *k, const struct index_entry *entry, const struct tally *t,
                     uint64_t *n_valid, uint64_t *lo, uint64_t *hi)
{
	const struct column_stats *stats;
	bool extreme = t->function == TEG_MIN || t->function == TEG_MAX;

	*n_valid = entry->n_rows;
	if (!t->field)
		return true;
	if (t->field->id <
	    COLUMN_ID_ATTRIBUTE) { /* a dimension: never null, its bounds are exact */
		*lo = entry->lo[t->field->id];
		*hi = entry->hi[t->field->id];
	} else {
		stats = stats_of(k, entry, t->field);
		if (!stats || stats->n_nulls > entry->n_rows)
			return false;
		*n_valid -= stats->n_nulls;
		*lo = stats->min;
		*hi = stats->max;
		if (extreme && *n_valid && (!stats->has_bounds || !stats->exact))
			return false;
	}
	return !extreme || !*n_valid || tally_lane_tells(t, t->function == TEG_MIN ? *lo : *hi);
}

static teg_status count_in(const struct known *k, uint32_t tile, const struct index_entry *entry)
{
	struct aggregate *a = k->a;
	uint64_t n_valid, lo = 0, hi = 0;
	bool open;

	for (size_t i = 0; i < a->n_tallies; i++)
		if (!facts_of(k, entry, &a->tallies[i], &n_valid, &lo, &hi))
			return TEG_OK;
	TEG_TRY(none_superseded(k, &a->scan->sweep.plan.tiles[tile], &open));
	if (!open)
		return TEG_OK;
	for (size_t i = 0; i < a->n_tallies; i++) {
		facts_of(k, entry, &a->tallies[i], &n_valid, &lo, &hi);
		tally_add_known(&a->tallies[i], entry->n_rows, n_valid, lo, hi);
	}
	sweep_skip(&a->scan->sweep, tile);
	return TEG_OK;
}

/* ---- finding the entries again: the plan does not keep statistics ---- */

static int compare(const struct plan_tile *tile, uint32_t segment, uint64_t number)
{
	if (tile->segment != segment)
		return tile->segment < segment ? -1 : 1;
	return (tile->number > number) - (tile->number < number);
}

static teg_status each_entry(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct known *k = ctx;
	const struct plan_tile *tiles = k->a->scan->sweep.plan.tiles;
	uint32_t lo = 0, hi = k->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (compare(&tiles[k->by_number[mid]], k->segment, number) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == k->n || compare(&tiles[k->by_number[lo]], k->segment, number) != 0)
		return TEG_OK;
	return count_in(k, k->by_number[lo], entry);
}

static bool keep_entry(void *ctx, const struct index_entry *entry, bool leaf)
{
	struct known *k = ctx;
	const struct box *box = k->a->scan->view.box;
	struct box own;

	(void)leaf;
	memset(&own, 0, sizeof own);
	memcpy(own.lo, entry->lo, sizeof entry->lo);
	memcpy(own.hi, entry->hi, sizeof entry->hi);
	return !box || box_overlaps(&own, box, k->a->array->state.schema->n_dims);
}

static teg_status list_tiles(struct known *k, teg_error *err)
{
	const struct plan *plan = &k->a->scan->sweep.plan;
	uint64_t *words[2], *room;
	uint32_t *perm;
	teg_status status = TEG_NOMEM;

	room = mem_array(k->a->alloc, (size_t)plan->n_tiles + 1, 3 * sizeof *room);
	if (!room)
		return teg_fail(err, TEG_NOMEM, "no memory for an aggregate");
	words[0] = room;
	words[1] = room + plan->n_tiles;
	perm = (uint32_t *)(room + 2 * (size_t)plan->n_tiles);
	for (uint32_t i = 0; i < plan->n_tiles; i++)
		if (answers_whole(k->a, &plan->tiles[i])) {
			words[0][k->n] = plan->tiles[i].segment;
			words[1][k->n] = plan->tiles[i].number;
			k->by_number[k->n++] = i;
		}
	status = order_sort((const uint64_t *const *)words, 2, k->n, k->a->alloc, perm);
	for (uint32_t i = 0; status == TEG_OK && i < k->n; i++)
		words[0][i] = k->by_number[perm[i]];
	for (uint32_t i = 0; status == TEG_OK && i < k->n; i++)
		k->by_number[i] = (uint32_t)words[0][i];
	mem_free(k->a->alloc, room, ((size_t)plan->n_tiles + 1) * 3 * sizeof *room);
	return error_of_memory(err, status, "for an aggregate");
}

static teg_status walk_segments(struct known *k, teg_error *err)
{
	const struct plan_tile *tiles = k->a->scan->sweep.plan.tiles;

	for (uint32_t i = 0; i < k->n; i++) {
		struct segment *segment;

		if (i && tiles[k->by_number[i]].segment == k->segment)
			continue;
		k->segment = tiles[k->by_number[i]].segment;
		TEG_TRY(array_segment(k->a->array, k->segment, &segment, err));
		k->open = segment;
		TEG_TRY(segment_walk(segment, keep_entry, each_entry, k, NULL, err));
	}
	return TEG_OK;
}

teg_status aggregate_known(struct aggregate *a, teg_error *err)
{
	struct known k = { .a = a, .err = err };
	size_t size;
	teg_status status;

	TEG_TRY(scan_start(a->scan, err));
	if (!may_know(a))
		return TEG_OK;
	size = ((size_t)a->scan->sweep.plan.n_tiles + 1) * sizeof *k.by_number;
	k.by_number = mem_alloc(a->alloc, size);
	if (!k.by_number)
		return teg_fail(err, TEG_NOMEM, "no memory for an aggregate");
	status = list_tiles(&k, err);
	if (status == TEG_OK)
		status = walk_segments(&k, err);
	mem_free(a->alloc, k.by_number, size);
	return status;
}
