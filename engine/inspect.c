/* The inspection walk over segments, tiles and columns. format-spec/ says what the figures mean. */
#include <stdio.h>
#include <string.h>
#include "engine/order/order.h"
#include "engine/predicate/predicate.h"
#include "engine/store/store.h"
#include "engine/tegula_unstable.h"

static void name_object(const struct segment_ref *ref, char object[40])
{
	char path[OS_PATH_MAX];
	const char *name;

	segment_path(ref, path);
	name = strchr(path, '/') + 1;
	if (ref->inlined)
		snprintf(object, 40, "manifests/%llu", (unsigned long long)ref->manifest);
	else
		snprintf(object, 40, "%.36s", name);
}

static void fill_segment(const struct segment_ref *ref, uint64_t number, teg_segment_info *info)
{
	*info = (teg_segment_info){ .number = number,
		                    .offset = ref->off,
		                    .length = ref->len,
		                    .checksum = ref->checksum,
		                    .first_version = ref->first_version,
		                    .last_version = ref->last_version,
		                    .erased_through = ref->erased_through,
		                    .inlined = ref->inlined,
		                    .compacted = ref->compacted,
		                    .history = ref->history,
		                    .system_from_min = ref->system_from_min,
		                    .system_from_max = ref->system_from_max,
		                    .n_tiles = ref->n_tiles,
		                    .n_rows = ref->n_rows,
		                    .n_live = ref->n_live,
		                    .n_tombstones = ref->n_tombstones,
		                    .n_erased = ref->n_erased };
	name_object(ref, info->object);
}

teg_status teg_walk_segments(teg_array *array, bool (*each)(void *, const teg_segment_info *),
                             void *ctx, teg_error *err)
{
	if (!array || !each)
		return teg_fail(err, TEG_MISUSE, "a walk needs an array and a callback");
	for (uint32_t i = 0; i < array->state.n_segments; i++) {
		teg_segment_info info;

		fill_segment(&array->state.segments[i], i, &info);
		if (!each(ctx, &info))
			break;
	}
	return TEG_OK;
}

/* ---- tiles ---- */

struct tile_walk {
	teg_array *array;
	struct segment *segment;
	uint32_t segment_at;
	bool (*each_tile)(void *, const teg_tile_info *);
	bool (*each_column)(void *, const teg_column_info *);
	void *ctx;
	bool stopped;
	teg_error *err;
};

/* A box of lanes as values; texts point into `room`, eight bytes a bound. */
static bool fill_box(const struct schema *schema, const struct index_entry *entry, teg_range *box,
                     uint8_t room[TEG_MAX_DIMENSIONS][2][8])
{
	bool exact = true;

	for (uint32_t d = 0; d < schema->n_dims; d++) {
		box[d].lo = value_of_lane(&schema->dims[d], entry->lo[d], room[d][0]);
		box[d].hi = value_of_lane(&schema->dims[d], entry->hi[d], room[d][1]);
		exact &= schema->dims[d].class != VALUE_BYTES;
	}
	return exact;
}

static const char *shape_name(uint8_t shape)
{
	return shape == TILE_DENSE ? "dense" : shape == TILE_BOX ? "box" : "sparse";
}

static bool show_tile(struct tile_walk *w, const struct index_entry *e, uint64_t number)
{
	const struct schema *schema = w->array->state.schema;
	uint8_t room[TEG_MAX_DIMENSIONS][2][8];
	teg_range box[TEG_MAX_DIMENSIONS];
	teg_tile_info info = { .segment = w->segment_at,
		               .number = number,
		               .shape = shape_name(e->shape),
		               .offset = e->off,
		               .length = e->len,
		               .n_rows = e->n_rows,
		               .n_live = e->n_live,
		               .n_tombstones = e->n_tombstones,
		               .n_erased = e->n_erased,
		               .system_from_min = e->system_from_min,
		               .system_from_max = e->system_from_max,
		               .superseded_at_max = e->superseded_max,
		               .valid_from_min = e->valid_from_min,
		               .valid_until_max = e->n_open ? INT64_MAX : e->valid_until_max,
		               .n_open = e->n_open,
		               .n_inexact = e->n_inexact,
		               .box = box,
		               .n_dimensions = schema->n_dims };

	info.box_exact = fill_box(schema, e, box, room);
	return w->each_tile(w->ctx, &info);
}

/* ---- columns ---- */

static const char *time_name(uint32_t id)
{
	switch (id) {
	case COLUMN_ID_SYSTEM_FROM: return "system_from";
	case COLUMN_ID_SUPERSEDED: return "superseded_at";
	case COLUMN_ID_VALID_FROM: return "valid_from";
	case COLUMN_ID_VALID_UNTIL: return "valid_until";
	case COLUMN_ID_KIND: return "row_kind";
	case COLUMN_ID_EXACT: return "exact";
	default: return "presence";
	}
}

/* Of a node below an attribute the way to it, of a column that was dropped since its number. */
static const char *name_column(const struct schema *schema, uint32_t id, char *path, size_t room)
{
	if (id >= COLUMN_ID_SYSTEM_FROM)
		return time_name(id);
	schema_node_path(schema, id, path, room);
	if (!path[0])
		snprintf(path, room, "%#x", (unsigned)id);
	return path;
}

static void name_encoding(const struct chunk *chunk, char *name, size_t room)
{
	static const char *const names[] = { "raw",     "constant", "for",        "delta",
		                             "patched", "runs",     "dictionary", "alp" };

	snprintf(name, room, "%s%s", names[chunk->encoding], chunk->zstd ? "+zstd" : "");
}

static const struct column_stats *stats_of(const struct tile_walk *w, const struct index_entry *e,
                                           uint32_t id)
{
	const struct segment_footer *footer = &w->segment->footer;

	for (uint32_t i = 0; e->stats && i < footer->n_attrs; i++)
		if (footer->attr_ids[i] == id)
			return &e->stats[i];
	return NULL;
}

static bool show_column(struct tile_walk *w, const struct index_entry *e, uint64_t number,
                        const struct tile_column *column)
{
	const struct field *field = schema_field_by_id(w->array->state.schema, column->id);
	char path[512];
	const struct column_stats *stats = stats_of(w, e, column->id);
	uint8_t room[2][8];
	char encoding[32];
	teg_column_info info = { .segment = w->segment_at,
		                 .tile = number,
		                 .name = name_column(w->array->state.schema, column->id, path,
		                                     sizeof path),
		                 .encoding = encoding,
		                 .n_values = column->chunk.n,
		                 .n_pages = column->chunk.n_pages,
		                 .stored_len = column->chunk.len };

	name_encoding(&column->chunk, encoding, sizeof encoding);
	for (uint32_t p = 0; p < column->chunk.n_pages; p++)
		info.raw_len += column->chunk.pages[p].raw_len;
	if (stats) {
		info.n_nulls = stats->n_nulls;
		info.n_nan = stats->n_nan;
		info.bounds_exact = stats->exact;
	}
	if (stats && stats->has_bounds && field) {
		info.min = value_of_lane(field, stats->min, room[0]);
		info.max = value_of_lane(field, stats->max, room[1]);
	}
	return w->each_column(w->ctx, &info);
}

static teg_status show_columns(struct tile_walk *w, const struct index_entry *e, uint64_t number)
{
	struct tile tile;

	TEG_TRY(tile_open(&tile, w->segment, e, w->array->arena.alloc, w->err));
	for (uint32_t i = 0; i < tile.header.n_columns && !w->stopped; i++)
		w->stopped = !show_column(w, e, number, &tile.header.columns[i]);
	tile_release(&tile);
	return w->stopped ? TEG_END : TEG_OK;
}

static teg_status each_entry(void *ctx, const struct index_entry *entry, uint64_t number)
{
	struct tile_walk *w = ctx;

	if (w->each_column)
		return show_columns(w, entry, number);
	w->stopped = !show_tile(w, entry, number);
	return w->stopped ? TEG_END : TEG_OK;
}

static teg_status walk(struct tile_walk *w)
{
	for (uint32_t i = 0; i < w->array->state.n_segments && !w->stopped; i++) {
		teg_status status = array_segment(w->array, i, &w->segment, w->err);

		w->segment_at = i;
		if (status == TEG_OK)
			status = segment_walk(w->segment, NULL, each_entry, w, NULL, w->err);
		if (status != TEG_OK && status != TEG_END)
			return error_in_array(w->err, status, w->array->state.name);
	}
	return TEG_OK;
}

teg_status teg_walk_tiles(teg_array *array, bool (*each)(void *, const teg_tile_info *), void *ctx,
                          teg_error *err)
{
	struct tile_walk w = { .array = array, .each_tile = each, .ctx = ctx, .err = err };

	if (!array || !each)
		return teg_fail(err, TEG_MISUSE, "a walk needs an array and a callback");
	return walk(&w);
}

teg_status teg_walk_columns(teg_array *array, bool (*each)(void *, const teg_column_info *),
                            void *ctx, teg_error *err)
{
	struct tile_walk w = { .array = array, .each_column = each, .ctx = ctx, .err = err };

	if (!array || !each)
		return teg_fail(err, TEG_MISUSE, "a walk needs an array and a callback");
	return walk(&w);
}
