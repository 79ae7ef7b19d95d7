#include "engine/scan/plan.h"
#include "codec/base/checked.h"
#include "codec/base/sort.h"
#include <stdlib.h>

struct walk {
	struct plan *plan;
	const struct view *view;
	struct segment *segment;
	uint32_t segment_at;
	const teg_allocator *alloc;
	teg_error *err;
};

/* ---- pruning ---- */

static bool valid_may_match(const struct index_entry *entry, const struct view *view)
{
	bool finite_before = entry->n_open == 0 && entry->valid_until_max <= view->a;

	return !(entry->valid_from_min >= view->b || finite_before);
}

/* Times prune nothing where erasures may hide in the tile, nor where the reader wants to know when
 * a piece or a row ends. */
static bool times_may_match(const struct index_entry *entry, const struct view *view)
{
	if (entry->n_erased || view->all_versions)
		return true;
	if ((entry->system_from_min > view->s && !view->until) ||
	    entry->superseded_max <= view_earliest(view))
		return false;
	return view->whole_pieces || valid_may_match(entry, view);
}

static void copy_box(struct box *box, const struct index_entry *entry, uint32_t n_dims)
{
	memset(box, 0, sizeof *box);
	memcpy(box->lo, entry->lo, n_dims * sizeof *box->lo);
	memcpy(box->hi, entry->hi, n_dims * sizeof *box->hi);
}

/* Whether every k-th coordinate from the box's lower bound misses the tile along a dimension. */
static bool steps_over(const struct index_entry *entry, const struct view *view, uint32_t n_dims)
{
	for (uint32_t d = 0; view->step && d < n_dims; d++) {
		uint64_t lo = view->box->lo[d], step = view->step[d];

		if (entry->lo[d] > lo &&
		    (entry->lo[d] - lo - 1) / step == (entry->hi[d] - lo) / step)
			return true;
	}
	return false;
}

static bool box_may_match(const struct index_entry *entry, const struct view *view, uint32_t n_dims)
{
	struct box box;

	if (!view->box)
		return true;
	copy_box(&box, entry, n_dims);
	return box_overlaps(&box, view->box, n_dims) && !steps_over(entry, view, n_dims);
}

/* Keeps one in thirty-one in mind: which one follows from what is asked. */
static void note_skipped(struct plan *plan, const struct view *view, uint32_t segment,
                         const struct index_entry *entry)
{
	uint64_t mix =
		(entry->off ^ (uint64_t)view->s ^ (uint64_t)segment << 20) * 0x9e3779b97f4a7c15u;

	if (PLAN_RECHECKS && entry->shape != TILE_BOX && (mix >> 33) % 31 == 0)
		plan->skipped = (struct skipped_tile){ true, segment, entry->off };
}

void plan_spare(struct plan *plan, const struct view *view, const struct plan_tile *tile)
{
	plan->stats.tiles_spared++;
	note_skipped(plan, view, tile->segment, &tile->entry);
}

static bool may_answer(struct walk *w, const struct index_entry *entry, bool leaf)
{
	teg_scan_stats *stats = &w->plan->stats;
	uint32_t n_dims = w->segment->schema->n_dims;

	stats->tiles_seen += leaf ? 1 : 0;
	if (w->view->no_prune)
		return true;
	if (!box_may_match(entry, w->view, n_dims)) {
		stats->tiles_pruned_box += entry->n_tiles;
		stats->tiles_seen += leaf ? 0 : entry->n_tiles;
		return false;
	}
	if (!times_may_match(entry, w->view)) {
		stats->tiles_pruned_time += entry->n_tiles;
		stats->tiles_seen += leaf ? 0 : entry->n_tiles;
		return false;
	}
	return true;
}

static bool keep_entry(void *ctx, const struct index_entry *entry, bool leaf)
{
	struct walk *w = ctx;
	bool keeps = may_answer(w, entry, leaf);

	if (leaf && !keeps)
		note_skipped(w->plan, w->view, w->segment_at, entry);
	return keeps;
}

/* ---- collecting ---- */

/* Rows that the index alone does not prove to be filterable: several versions of a key that no merge
 * has looked at, or rows that are not rectangles. Rows of one commit never overlap. */
static bool needs_resolution(const struct plan_tile *tile, const struct segment_ref *ref)
{
	return tile->entry.n_inexact > 0 || (!ref->fresh && !ref->compacted) ||
	       tile->entry.continued || tile->entry.n_erased > 0;
}

static uint64_t *entry_position(struct walk *w, const uint64_t *lanes)
{
	const struct order *order = w->plan->array->order;
	uint64_t *words = arena_array(&w->plan->arena, order->n_words, sizeof *words);

	if (words)
		order_position(order, lanes, words);
	return words;
}

static bool may_emit(const struct walk *w, const struct index_entry *entry)
{
	const struct segment_footer *footer = &w->segment->footer;
	uint32_t kinds = w->view->kinds;

	if (w->view->no_prune)
		return true;
	if (!w->view->all_versions && entry->system_from_min > w->view->s && !entry->n_erased)
		return false; /* it says only when others end */
	if (w->view->all_versions && !valid_may_match(entry, w->view))
		return false;
	if (!((kinds & TEG_KIND_LIVE && entry->n_live) ||
	      (kinds & TEG_KIND_TOMBSTONE && entry->n_tombstones) ||
	      (kinds & TEG_KIND_ERASED && entry->n_erased)))
		return false;
	return !w->view->predicate ||
	       predicate_may_match(w->view->predicate, entry, footer->attr_ids, footer->n_attrs);
}

static bool is_between(const struct view *view, int64_t min, int64_t max)
{
	return min <= view->s && max > view->s_from;
}

static teg_status add_tile(struct walk *w, const struct index_entry *entry, uint64_t number)
{
	struct plan *plan = w->plan;
	void *block = plan->tiles;
	struct plan_tile *tile;

	if (!mem_grow(w->alloc, &block, &plan->cap, plan->n_tiles + 1, sizeof *plan->tiles))
		return teg_fail(w->err, TEG_NOMEM, "no memory for the plan of a scan");
	plan->tiles = block;
	tile = &plan->tiles[plan->n_tiles];
	*tile = (struct plan_tile){ .segment = w->segment_at, .number = number, .entry = *entry };
	tile->emits = may_emit(w, entry);
	tile->entry.stats = NULL;
	tile->first = entry_position(w, entry->first);
	tile->last = entry_position(w, entry->last);
	if (!tile->first || !tile->last)
		return teg_fail(w->err, TEG_NOMEM, "no memory for the plan of a scan");
	tile->needs_resolution = w->view->changes || needs_resolution(tile, w->segment->ref);
	tile->changed = is_between(w->view, entry->system_from_min, entry->system_from_max);
	plan->n_tiles++;
	return TEG_OK;
}

static teg_status add_box(struct walk *w, const struct index_entry *entry)
{
	struct plan *plan = w->plan;
	void *block = plan->boxes;
	struct plan_box *box;
	bool open = entry->n_open != 0;

	if (!mem_grow(w->alloc, &block, &plan->boxes_cap, plan->n_boxes + 1, sizeof *plan->boxes))
		return teg_fail(w->err, TEG_NOMEM, "no memory for the plan of a scan");
	plan->boxes = block;
	box = &plan->boxes[plan->n_boxes];
	*box = (struct plan_box){ .segment = w->segment_at, .entry = *entry };
	box->entry.stats = NULL;
	copy_box(&box->box, entry, w->segment->schema->n_dims);
	box->version = (struct version){ .system_from = entry->system_from_min,
		                         .valid_from = entry->valid_from_min == TEG_TIME_OF_COMMIT
		                                               ? entry->system_from_min
		                                               : entry->valid_from_min,
		                         .valid_until = open ? INT64_MAX : entry->valid_until_max,
		                         .superseded_at = INT64_MAX,
		                         .row = UINT32_MAX,
		                         .kind = entry->n_erased ? ROW_ERASED : ROW_TOMBSTONE,
		                         .claims = true,
		                         .target = false };
	plan->n_boxes++;
	return TEG_OK;
}

static teg_status each_entry(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct walk *w = ctx;

	if (entry->shape == TILE_BOX)
		return add_box(w, entry);
	return add_tile(w, entry, number);
}

/* What the reference says, in the form of an index entry, to prune a segment before opening it. */
static struct index_entry entry_of_ref(const struct segment_ref *ref, uint32_t n_dims)
{
	struct index_entry e = { .n_tiles = ref->n_tiles,
		                 .n_erased = ref->n_erased,
		                 .n_open = ref->n_open,
		                 .system_from_min = ref->system_from_min,
		                 .superseded_max = ref->superseded_max,
		                 .valid_from_min = ref->valid_from_min,
		                 .valid_until_max = ref->valid_until_max };

	memcpy(e.lo, ref->box->lo, n_dims * sizeof *e.lo);
	memcpy(e.hi, ref->box->hi, n_dims * sizeof *e.hi);
	return e;
}

static teg_status walk_segment(struct walk *w, uint32_t at)
{
	struct teg_array *array = w->plan->array;
	const struct segment_ref *ref = &array->state.segments[at];
	struct index_entry entry = entry_of_ref(ref, array->state.schema->n_dims);
	struct index_counters counters = { 0 };
	teg_scan_stats *stats = &w->plan->stats;

	stats->segments_seen++;
	if (!w->view->no_prune && (!box_may_match(&entry, w->view, array->state.schema->n_dims) ||
	                           !times_may_match(&entry, w->view))) {
		stats->segments_pruned++;
		entry.off = UINT64_MAX;
		note_skipped(w->plan, w->view, at, &entry);
		return TEG_OK;
	}
	TEG_TRY(array_segment(array, at, &w->segment, w->err));
	w->segment_at = at;
	TEG_TRY(segment_walk(w->segment, keep_entry, each_entry, w, &counters, w->err));
	stats->index_pages_read += counters.pages_read;
	stats->index_pages_pruned += counters.pages_pruned;
	stats->reads += counters.reads;
	stats->read_bytes += counters.read_bytes;
	return TEG_OK;
}

/* ---- groups ---- */

static bool by_first(const void *ctx, const void *a, const void *b)
{
	const struct plan_tile *x = a, *y = b;
	int order = position_compare(x->first, y->first, *(const uint32_t *)ctx);

	if (order)
		return order > 0;
	return x->segment != y->segment ? x->segment > y->segment : x->number > y->number;
}

static bool sort_tiles(struct plan *plan, const teg_allocator *alloc)
{
	return sort_array(alloc, plan->tiles, plan->n_tiles, sizeof *plan->tiles, by_first,
	                  &plan->array->order->n_words);
}

static bool hides(const struct plan_tile *tile, const struct schema *schema)
{
	return schema->cells == TEG_CELLS_UNIQUE || tile->entry.n_tombstones ||
	       tile->entry.n_erased;
}

static bool one_merge(const struct segment_ref *a, const struct segment_ref *b)
{
	return a->compacted && b->compacted && a->first_version == b->first_version;
}

/* May a key of one supersede a key of the other? */
static bool conflict(const struct plan *plan, const struct plan_tile *a, const struct plan_tile *b)
{
	const struct array_state *state = &plan->array->state;
	const struct segment_ref *ra = &state->segments[a->segment],
				 *rb = &state->segments[b->segment];
	struct box x, y;

	/* Tiles of one segment meet in one key's run alone. Those between may have been passed over. */
	if (a->segment == b->segment)
		return a->needs_resolution || b->entry.n_inexact || !ra->compacted;
	/* What one output of a merge supersedes in another is known there, but rows come in order. */
	if (!one_merge(ra, rb) && !hides(a, state->schema) && !hides(b, state->schema))
		return false;
	copy_box(&x, &a->entry, state->schema->n_dims);
	copy_box(&y, &b->entry, state->schema->n_dims);
	return box_overlaps(&x, &y, state->schema->n_dims);
}

static uint32_t find_group(struct plan_tile *tiles, uint32_t i)
{
	while (tiles[i].group != i) {
		tiles[i].group = tiles[tiles[i].group].group;
		i = tiles[i].group;
	}
	return i;
}

/* A group is named by its first tile, so that it comes up where that tile stands. */
static void join(struct plan_tile *tiles, uint32_t i, uint32_t k)
{
	uint32_t a = find_group(tiles, i), b = find_group(tiles, k);

	if (a < b)
		tiles[b].group = a;
	else
		tiles[a].group = b;
}

/* Tiles in order of their first cell; `active` holds those whose last cell is not behind yet. */
static void make_groups(struct plan *plan, uint32_t *active)
{
	struct plan_tile *tiles = plan->tiles;
	uint32_t n_words = plan->array->order->n_words, n_active = 0;

	for (uint32_t i = 0; i < plan->n_tiles; i++) {
		uint32_t kept = 0;

		tiles[i].group = i;
		for (uint32_t k = 0; k < n_active; k++) {
			uint32_t t = active[k];

			if (position_compare(tiles[t].last, tiles[i].first, n_words) < 0)
				continue;
			active[kept++] = t;
			if (conflict(plan, &tiles[t], &tiles[i]))
				join(tiles, t, i);
		}
		n_active = kept;
		active[n_active++] = i;
	}
	for (uint32_t i = 0; i < plan->n_tiles; i++)
		tiles[i].group = find_group(tiles, i);
}

static void mark_under_boxes(struct plan *plan, const struct view *view)
{
	uint32_t n_dims = plan->array->state.schema->n_dims;

	const struct segment_ref *refs = plan->array->state.segments;

	for (uint32_t i = 0; i < plan->n_tiles; i++) {
		struct plan_tile *tile = &plan->tiles[i];
		struct box box;

		copy_box(&box, &tile->entry, n_dims);
		for (uint32_t k = 0; k < plan->n_boxes; k++) {
			const struct plan_box *over = &plan->boxes[k];
			bool merged = one_merge(&refs[over->segment], &refs[tile->segment]);

			if (!box_overlaps(&box, &over->box, n_dims) ||
			    (over->segment < tile->segment && !merged && !view->all_versions))
				continue;
			tile->changed |= is_between(view, over->version.system_from,
			                            over->version.system_from);
			if (!merged || view->all_versions)
				tile->needs_resolution = true;
			tile->emits |= view->all_versions;
		}
	}
}

/* Alone and filtered, a tile has whole pieces: none of them around a V that it does not reach. */
static bool is_elsewhere(const struct plan_tile *tile, uint32_t n_together, const struct view *view)
{
	return view->whole_pieces && !view->no_prune && n_together == 1 &&
	       !tile->needs_resolution && !valid_may_match(&tile->entry, view);
}

/* Drops groups in which nothing can emit, or nothing was changed where that is asked for; a tile of
 * several is resolved. */
static void settle_groups(struct plan *plan, const struct view *view, uint8_t *group_emits,
                          uint32_t *group_size)
{
	const uint8_t emits = 1, changed = 2;
	uint8_t needed = view->changes && !view->no_prune ? emits | changed : emits;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < plan->n_tiles; i++) {
		group_size[plan->tiles[i].group]++;
		if (plan->tiles[i].emits)
			group_emits[plan->tiles[i].group] |= emits;
		if (plan->tiles[i].changed)
			group_emits[plan->tiles[i].group] |= changed;
	}
	for (uint32_t i = 0; i < plan->n_tiles; i++) {
		struct plan_tile *tile = &plan->tiles[i];

		if ((group_emits[tile->group] & needed) != needed) {
			plan->stats.tiles_pruned_attribute++;
			note_skipped(plan, view, tile->segment, &tile->entry);
			continue;
		}
		if (is_elsewhere(tile, group_size[tile->group], view)) {
			plan->stats.tiles_pruned_time++;
			note_skipped(plan, view, tile->segment, &tile->entry);
			continue;
		}
		if (group_size[tile->group] > 1)
			tile->needs_resolution = true;
		plan->tiles[kept++] = *tile;
	}
	plan->n_tiles = kept;
}

/* All versions come in the order of their positions, however they lie in tiles. */
static void group_all(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_tiles; i++) {
		plan->tiles[i].group = 0;
		plan->tiles[i].needs_resolution = true;
	}
}

static teg_status group_tiles(struct plan *plan, const struct view *view,
                              const teg_allocator *alloc, teg_error *err)
{
	size_t n = plan->n_tiles;
	uint32_t *work = mem_zalloc(alloc, (n + 1) * 2 * sizeof *work);
	uint8_t *emits = mem_zalloc(alloc, n + 1);
	teg_status status = TEG_NOMEM;

	if (work && emits && sort_tiles(plan, alloc)) {
		make_groups(plan, work);
		mark_under_boxes(plan, view);
		settle_groups(plan, view, emits, work + n + 1);
		if (view->all_versions)
			group_all(plan);
		status = TEG_OK;
	}
	mem_free(alloc, work, (n + 1) * 2 * sizeof *work);
	mem_free(alloc, emits, n + 1);
	return status == TEG_OK ? TEG_OK
	                        : teg_fail(err, status, "no memory for the plan of a scan");
}

static bool box_is_older(const void *ctx, const void *a, const void *b)
{
	const struct plan_box *x = a, *y = b;

	(void)ctx;
	return x->version.system_from < y->version.system_from;
}

/* Newest first, the order in which versions of a key are asked; of one commit, the later before. */
static teg_status sort_boxes(struct plan *plan, const teg_allocator *alloc)
{
	uint32_t n = plan->n_boxes;
	struct plan_box *room = mem_array(alloc, n, sizeof *room);

	if (!room)
		return TEG_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		room[n - 1 - i] = plan->boxes[i];
	memcpy(plan->boxes, room, n * sizeof *room);
	sort_stable(plan->boxes, room, n, sizeof *room, box_is_older, NULL);
	mem_free(alloc, room, n * sizeof *room);
	return TEG_OK;
}

teg_status plan_make(struct plan *plan, struct teg_array *array, const struct view *view,
                     const bool *use, teg_error *err)
{
	const teg_allocator *alloc = array->arena.alloc;
	struct walk w = { plan, view, NULL, 0, alloc, err };
	teg_status status = TEG_OK;

	memset(plan, 0, sizeof *plan);
	plan->array = array;
	arena_init(&plan->arena, alloc, SIZE_MAX);
	for (uint32_t i = 0; i < array->state.n_segments && status == TEG_OK; i++)
		if (!use || use[i])
			status = walk_segment(&w, i);
	if (status == TEG_OK)
		status = group_tiles(plan, view, alloc, err);
	if (status == TEG_OK && plan->n_boxes)
		status = error_of_memory(err, sort_boxes(plan, alloc), "to plan a scan");
	if (status != TEG_OK)
		plan_release(plan);
	return status;
}

void plan_release(struct plan *plan)
{
	const teg_allocator *alloc = plan->arena.alloc;

	mem_free(alloc, plan->tiles, plan->cap * sizeof *plan->tiles);
	mem_free(alloc, plan->boxes, plan->boxes_cap * sizeof *plan->boxes);
	arena_release(&plan->arena);
	plan->tiles = NULL;
	plan->boxes = NULL;
	plan->n_tiles = plan->n_boxes = 0;
	plan->cap = plan->boxes_cap = 0;
}

size_t plan_n_live(const struct plan *plan, uint64_t most)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < plan->n_tiles; i++)
		n += plan->tiles[i].entry.n_live;
	return (size_t)(n < most ? n : most);
}
