#include "engine/write/levels.h"
#include "codec/base/hash.h"

void levels_init(struct levels *levels, uint32_t n_dims, uint32_t n_attrs,
                 struct segment_sink *sink, const teg_allocator *alloc)
{
	*levels = (struct levels){
		.n_dims = n_dims, .n_attrs = n_attrs, .sink = sink, .alloc = alloc
	};
	buf_init(&levels->page, alloc, BUF_NO_LIMIT);
}

static size_t stats_len(const struct levels *levels, uint32_t n)
{
	return (size_t)n * levels->n_attrs * sizeof(struct column_stats);
}

void levels_release(struct levels *levels)
{
	for (int l = 0; l < INDEX_LEVELS_MAX; l++) {
		struct level *level = &levels->level[l];

		mem_free(levels->alloc, level->entries, level->cap * sizeof *level->entries);
		mem_free(levels->alloc, level->stats, stats_len(levels, level->cap));
	}
	buf_release(&levels->page);
}

/* Twice the room, so that a segment of few tiles takes little memory. */
static teg_status grow(struct levels *levels, struct level *level, teg_error *err)
{
	uint32_t cap = level->cap ? 2 * level->cap : 2;
	struct index_entry *entries = mem_array(levels->alloc, cap, sizeof *entries);
	struct column_stats *stats = mem_alloc(levels->alloc, stats_len(levels, cap));

	if (!entries || !stats) {
		mem_free(levels->alloc, entries, cap * sizeof *entries);
		mem_free(levels->alloc, stats, stats_len(levels, cap));
		return teg_fail(err, TEG_NOMEM, "no memory for the tile index");
	}
	if (level->n) {
		memcpy(entries, level->entries, level->n * sizeof *entries);
		memcpy(stats, level->stats, stats_len(levels, level->n));
	}
	mem_free(levels->alloc, level->entries, level->cap * sizeof *entries);
	mem_free(levels->alloc, level->stats, stats_len(levels, level->cap));
	for (uint32_t i = 0; i < cap; i++)
		entries[i].stats = stats + (size_t)i * levels->n_attrs;
	level->entries = entries;
	level->stats = stats;
	level->cap = cap;
	return TEG_OK;
}

/* Writes the page of level l; *sum: its entry in the level above. */
static teg_status put_page(struct levels *levels, uint32_t l, struct index_entry *sum,
                           teg_error *err)
{
	struct level *level = &levels->level[l];
	struct index_page page = { .n = level->n,
		                   .n_dims = levels->n_dims,
		                   .n_attrs = levels->n_attrs,
		                   .leaf = l == 0,
		                   .entries = level->entries };

	sum->n_tiles = 0;
	for (uint32_t i = 0; i < level->n; i++)
		index_widen(sum, &level->entries[i], levels->n_dims, levels->n_attrs);
	buf_clear(&levels->page);
	index_put_page(&page, &levels->page);
	if (buf_status(&levels->page) != TEG_OK)
		return teg_fail(err, buf_status(&levels->page), "no memory for an index page");
	sum->off = sink_offset(levels->sink);
	sum->len = levels->page.len;
	sum->hash = hash_bytes(buf_span(&levels->page));
	level->n = 0;
	return sink_write(levels->sink, buf_span(&levels->page), err);
}

/* Level l's page becomes an entry of the level above, which has room by its fan-out. */
static teg_status move_up(struct levels *levels, uint32_t l, teg_error *err)
{
	struct level *above = &levels->level[l + 1];

	if (above->n == above->cap)
		TEG_TRY(grow(levels, above, err));
	TEG_TRY(put_page(levels, l, &above->entries[above->n], err));
	above->n++;
	return TEG_OK;
}

/* Room for one more entry in level `from`: full pages go up, the highest of them first. */
static teg_status make_room(struct levels *levels, uint32_t from, teg_error *err)
{
	uint32_t l = from;

	while (levels->level[l].n == index_fanout(levels->n_attrs))
		if (++l == INDEX_LEVELS_MAX)
			return teg_fail(err, TEG_LIMIT, "too many tiles for one segment");
	while (l-- > from)
		TEG_TRY(move_up(levels, l, err));
	return TEG_OK;
}

teg_status levels_add(struct levels *levels, const struct index_entry *tile, teg_error *err)
{
	struct level *level = &levels->level[0];
	struct index_entry *to;
	struct column_stats *stats;

	TEG_TRY(make_room(levels, 0, err));
	if (level->n == level->cap)
		TEG_TRY(grow(levels, level, err));
	to = &level->entries[level->n++];
	stats = to->stats;
	*to = *tile;
	to->stats = stats;
	if (levels->n_attrs)
		memcpy(stats, tile->stats, stats_len(levels, 1));
	return TEG_OK;
}

static bool is_top(const struct levels *levels, uint32_t l)
{
	for (l++; l < INDEX_LEVELS_MAX; l++)
		if (levels->level[l].n)
			return false;
	return true;
}

teg_status levels_finish(struct levels *levels, uint8_t *levels_out, struct index_entry *root_out,
                         teg_error *err)
{
	uint32_t l = 0;

	*levels_out = 0;
	root_out->n_tiles = 0;
	if (!levels->level[0].n)
		return TEG_OK;
	for (; !is_top(levels, l); l++) {
		TEG_TRY(make_room(levels, l + 1, err));
		TEG_TRY(move_up(levels, l, err));
	}
	*levels_out = (uint8_t)(l + 1);
	return put_page(levels, l, root_out, err);
}
