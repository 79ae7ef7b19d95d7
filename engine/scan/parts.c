#include "engine/scan/parts.h"
#include "codec/base/checked.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to cut arrays into parts");
}

void parts_init(struct parts *p, uint32_t n_dims, double rows, const teg_allocator *alloc)
{
	memset(p, 0, sizeof *p);
	p->n_dims = n_dims;
	p->rows = rows;
	p->alloc = alloc;
	arena_init(&p->arena, alloc, SIZE_MAX);
}

void parts_release(struct parts *p)
{
	if (!p->alloc)
		return;
	mem_free(p->alloc, p->tiles, p->tiles_cap * sizeof *p->tiles);
	mem_free(p->alloc, p->list, p->list_cap * sizeof *p->list);
	mem_free(p->alloc, p->stack, p->stack_cap * sizeof *p->stack);
	if (p->edges)
		mem_free(p->alloc, p->edges, 2 * (p->n_tiles + 1) * sizeof *p->edges);
	arena_release(&p->arena);
}

teg_status parts_add(struct parts *p, const struct plan *plan, teg_error *err)
{
	void *block = p->tiles;
	size_t n_dims = p->n_dims;

	if (!mem_grow(p->alloc, &block, &p->tiles_cap, p->n_tiles + plan->n_tiles + 1,
	              sizeof *p->tiles))
		return no_memory(err);
	p->tiles = block;
	for (uint32_t i = 0; i < plan->n_tiles; i++) {
		const struct index_entry *entry = &plan->tiles[i].entry;
		uint64_t *ends = arena_array(&p->arena, 2 * n_dims + 1, sizeof *ends);

		if (!ends)
			return no_memory(err);
		memcpy(ends, entry->lo, n_dims * sizeof *ends);
		memcpy(ends + n_dims, entry->hi, n_dims * sizeof *ends);
		p->tiles[p->n_tiles++] = (struct part_tile){ entry->n_rows, ends };
	}
	return TEG_OK;
}

static teg_status push(struct parts *p, const struct part *part, teg_error *err)
{
	void *block = p->stack;

	if (!mem_grow(p->alloc, &block, &p->stack_cap, p->n_stack + 1, sizeof *p->stack))
		return no_memory(err);
	p->stack = block;
	p->stack[p->n_stack++] = *part;
	return TEG_OK;
}

teg_status parts_begin(struct parts *p, const struct box *box, teg_error *err)
{
	struct part all = { .box = *box, .n = (uint32_t)p->n_tiles };
	void *block = p->list;

	p->edges = mem_array(p->alloc, 2 * (p->n_tiles + 1), sizeof *p->edges);
	if (!p->edges || !mem_grow(p->alloc, &block, &p->list_cap, p->n_tiles + 1, sizeof *p->list))
		return no_memory(err);
	p->work = p->edges + p->n_tiles + 1;
	p->list = block;
	for (uint32_t i = 0; i < all.n; i++)
		p->list[p->n_list++] = i;
	return push(p, &all, err);
}

/* ---- what a part holds ---- */

/* The part of a box's side that a tile covers, 0 to 1. */
static double cover(const struct parts *p, const struct part *part, const struct part_tile *tile,
                    uint32_t d)
{
	uint64_t lo = part->box.lo[d], hi = part->box.hi[d], from = tile->ends[d],
		 to = tile->ends[p->n_dims + d];

	from = from > lo ? from : lo;
	to = to < hi ? to : hi;
	return ((double)(to - from) + 1) / ((double)(hi - lo) + 1);
}

/* The rows of a tile inside a part, if they are spread evenly. */
static double share(const struct parts *p, const struct part *part, const struct part_tile *tile)
{
	double rows = (double)tile->n_rows;

	for (uint32_t d = 0; d < p->n_dims; d++) {
		uint64_t lo = tile->ends[d], hi = tile->ends[p->n_dims + d], from = part->box.lo[d],
			 to = part->box.hi[d];

		from = from > lo ? from : lo;
		to = to < hi ? to : hi;
		rows *= ((double)(to - from) + 1) / ((double)(hi - lo) + 1);
	}
	return rows;
}

static double rows_of(const struct parts *p, const struct part *part)
{
	double rows = 0;

	for (uint32_t i = 0; i < part->n; i++)
		rows += share(p, part, &p->tiles[p->list[part->from + i]]);
	return rows;
}

/* Shrinks the box of a part to what tiles reach into: cuts are made where rows are. */
static void shrink(const struct parts *p, struct part *part)
{
	for (uint32_t d = 0; d < p->n_dims; d++) {
		uint64_t lo = UINT64_MAX, hi = 0;

		for (uint32_t i = 0; i < part->n; i++) {
			const uint64_t *ends = p->tiles[p->list[part->from + i]].ends;

			lo = ends[d] < lo ? ends[d] : lo;
			hi = ends[p->n_dims + d] > hi ? ends[p->n_dims + d] : hi;
		}
		part->box.lo[d] = lo > part->box.lo[d] ? lo : part->box.lo[d];
		part->box.hi[d] = hi < part->box.hi[d] ? hi : part->box.hi[d];
	}
}

/* ---- cuts ---- */

/* The dimension along which tiles cover least of the box, so that a cut parts them; n_dims: the box is
 * one coordinate. */
static uint32_t dimension_to_cut(const struct parts *p, const struct part *part)
{
	uint32_t best = p->n_dims;
	double least = 0;

	for (uint32_t d = 0; d < p->n_dims; d++) {
		double sum = 0;

		if (part->box.lo[d] == part->box.hi[d])
			continue;
		for (uint32_t i = 0; i < part->n; i++)
			sum += cover(p, part, &p->tiles[p->list[part->from + i]], d);
		if (best == p->n_dims || sum < least) {
			best = d;
			least = sum;
		}
	}
	return best;
}

/* The last coordinate of the first half: where the middle one of the tiles that end inside ends. */
static uint64_t place_to_cut(const struct parts *p, const struct part *part, uint32_t d)
{
	uint64_t lo = part->box.lo[d], hi = part->box.hi[d], *edges = p->edges;
	size_t n = 0;

	for (uint32_t i = 0; i < part->n; i++) {
		uint64_t end = p->tiles[p->list[part->from + i]].ends[p->n_dims + d];

		if (end < hi)
			edges[n++] = end;
	}
	return n ? sort_packed(edges, p->work, n, 0)[n / 2] : lo + (hi - lo) / 2;
}

static bool reaches(const struct parts *p, uint32_t tile, const struct box *box)
{
	const uint64_t *ends = p->tiles[tile].ends;

	for (uint32_t d = 0; d < p->n_dims; d++)
		if (ends[d] > box->hi[d] || ends[p->n_dims + d] < box->lo[d])
			return false;
	return true;
}

/* A part of `whole`, whose tiles are still listed, on top of the stack. */
static teg_status push_half(struct parts *p, const struct part *whole, const struct box *box,
                            teg_error *err)
{
	struct part half = { .box = *box, .from = p->n_list };
	void *block = p->list;

	if (!mem_grow(p->alloc, &block, &p->list_cap, p->n_list + whole->n, sizeof *p->list))
		return no_memory(err);
	p->list = block;
	for (uint32_t i = 0; i < whole->n; i++) {
		uint32_t tile = p->list[whole->from + i];

		if (reaches(p, tile, box))
			p->list[half.from + half.n++] = tile;
	}
	p->n_list += half.n;
	return push(p, &half, err);
}

/* Puts both halves on the stack, the first one on top. The whole's list stays below theirs. */
static teg_status cut(struct parts *p, const struct part *whole, uint32_t d, teg_error *err)
{
	struct box first = whole->box, second = whole->box;

	first.hi[d] = place_to_cut(p, whole, d);
	second.lo[d] = first.hi[d] + 1;
	TEG_TRY(push_half(p, whole, &second, err));
	return push_half(p, whole, &first, err);
}

teg_status parts_next(struct parts *p, struct box *box_out, teg_error *err)
{
	while (p->n_stack) {
		struct part *part = &p->last;
		uint32_t d;

		*part = p->stack[--p->n_stack];
		p->n_list = part->from + part->n; /* lists above were of parts that are done */
		if (!part->n)
			continue;
		shrink(p, part);
		d = rows_of(p, part) > p->rows ? dimension_to_cut(p, part) : p->n_dims;
		if (d < p->n_dims) {
			struct part whole = *part;

			TEG_TRY(cut(p, &whole, d, err));
			continue;
		}
		*box_out = part->box;
		return TEG_OK;
	}
	return TEG_END;
}

teg_status parts_halve(struct parts *p, teg_error *err)
{
	struct part whole = p->last;
	uint32_t d = dimension_to_cut(p, &whole);

	if (d == p->n_dims)
		return teg_fail(err, TEG_LIMIT, "cells of one key do not fit the memory");
	return cut(p, &whole, d, err);
}
