#include "engine/merge/merge.h"
#include "codec/base/sort.h"
#include "engine/merge/sides.h"
#include "engine/scan/gather.h"
#include "engine/scan/sweep.h"
#include <string.h>

/* Moved at a time: what bounds the attributes in memory. */
#define SLICE_ROWS (64u << 10)
#define SLICE_LEN (2u << 20)     /* bytes of the longest column, about */
#define SLICE_NUMBERS (4u << 20) /* bytes of all columns, but for texts and the items of lists */
#define MERGE_MEMORY ((size_t)64 << 20)

struct merging {
	struct teg_array *array;
	const struct schema *schema;
	const teg_allocator *alloc;
	const struct merge_options *options;
	bool runs; /* of one commit: only what a later run leaves goes on, as fresh rows */
	bool sorts; /* tiles [first_tile, end_tile) of the plan, whatever their order: all their rows */
	uint32_t first_tile, end_tile;
	struct view view;
	struct poll poll;
	struct plan plan;
	struct tile_reader reader;
	struct group group;
	struct gather *gather;
	struct rows rows;
	struct sides sides;
	struct tiler *current, *history; /* runs: the first alone */
	uint64_t n_current, n_history;   /* rows and boxes written */
	uint32_t *identity;              /* 0 .. SLICE_ROWS - 1 */
	uint32_t slice_max;              /* rows */
	uint64_t longest; /* bytes of a row in the longest column, where that is most */
	uint64_t n_done, n_total;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to merge segments");
}

static bool goes_on(void *ctx)
{
	const struct merging *m = ctx;
	const struct merge_options *o = m->options;

	return !o->progress || o->progress(o->progress_ctx, m->n_done, m->n_total);
}

/* ---- moving rows ---- */

static teg_status gather_into(struct merging *m, uint32_t id, struct column_buf *to, teg_error *err)
{
	TEG_TRY(poll_ask(&m->poll, err));
	return gather_column(m->gather, &m->reader, id, to, err);
}

static bool any_differs(const int64_t *values, uint32_t n, int64_t usual)
{
	for (uint32_t i = 0; i < n; i++)
		if (values[i] != usual)
			return true;
	return false;
}

/* Derived columns are left out where they say what their absence says. */
static teg_status put_derived(struct merging *m, const struct side *side, uint32_t from, uint32_t n)
{
	struct column superseded = {
		COLUMN_FIXED, 8, n, NULL, (const uint8_t *)(side->superseded + from), NULL, NULL
	};
	struct column exact = { COLUMN_FIXED, 1, n, NULL, side->exact + from, NULL, NULL };

	if (any_differs(side->superseded + from, n, INT64_MAX))
		TEG_TRY(column_buf_append(&m->rows.superseded, &superseded, 0, n));
	if (memchr(side->exact + from, 0, n))
		TEG_TRY(column_buf_append(&m->rows.exact, &exact, 0, n));
	return TEG_OK;
}

static teg_status put_times(struct merging *m, const struct side *side, uint32_t from, uint32_t n,
                            teg_error *err)
{
	TEG_TRY(gather_into(m, COLUMN_ID_SYSTEM_FROM, &m->rows.system_from, err));
	TEG_TRY(gather_into(m, COLUMN_ID_KIND, &m->rows.kind, err));
	if (m->schema->valid_time) {
		TEG_TRY(gather_into(m, COLUMN_ID_VALID_FROM, &m->rows.valid_from, err));
		TEG_TRY(gather_into(m, COLUMN_ID_VALID_UNTIL, &m->rows.valid_until, err));
	}
	return put_derived(m, side, from, n) == TEG_OK ? TEG_OK : no_memory(err);
}

static struct column times_of(const int64_t *times, uint32_t n)
{
	return (struct column){ COLUMN_FIXED, 8, n, NULL, (const uint8_t *)times, NULL, NULL };
}

/* The pieces that resolution left, with the commit's own time still to come. */
static teg_status put_pieces(struct merging *m, uint32_t from, uint32_t n, teg_error *err)
{
	struct column valid_from = times_of(m->group.valid_from + from, n);
	struct column valid_until = times_of(m->group.valid_until + from, n);

	TEG_TRY(gather_into(m, COLUMN_ID_KIND, &m->rows.kind, err));
	if (!m->schema->valid_time)
		return TEG_OK;
	if (column_buf_append(&m->rows.valid_from, &valid_from, 0, n) != TEG_OK ||
	    column_buf_append(&m->rows.valid_until, &valid_until, 0, n) != TEG_OK)
		return no_memory(err);
	return TEG_OK;
}

/* `side`: what was derived; NULL: the pieces of a run. */
static teg_status push_slice(struct merging *m, const struct selection *range,
                             const struct side *side, uint32_t from, uint32_t n, teg_error *err)
{
	bool is_history = side == &m->sides.history;

	rows_clear(&m->rows);
	TEG_TRY(gather_bind(m->gather, range, NULL, from, n, err));
	for (uint32_t d = 0; d < m->schema->n_dims; d++)
		TEG_TRY(gather_into(m, m->schema->dims[d].id, &m->rows.dims[d], err));
	for (uint32_t i = 0; i < m->schema->n_attrs; i++)
		TEG_TRY(gather_into(m, m->schema->attrs[i].id, &m->rows.attrs[i], err));
	if (side)
		TEG_TRY(put_times(m, side, from, n, err));
	else
		TEG_TRY(put_pieces(m, from, n, err));
	m->rows.n = n;
	*(is_history ? &m->n_history : &m->n_current) += n;
	return tiler_push(is_history ? m->history : m->current, &m->rows, m->identity, n, err);
}

static uint64_t row_len(const struct index_entry *entry)
{
	return entry->column_len_max / entry->n_rows;
}

/* Bytes of a row, but for texts and the items of lists. */
static uint64_t numbers_len(const struct schema *schema)
{
	/* Coordinates, times, kind and whether they are exact. */
	uint64_t len = (schema->n_dims + 4) * sizeof(int64_t) + 2;

	for (uint32_t a = 0; a < schema->n_attrs; a++)
		len += schema->attrs[a].shape == COLUMN_FIXED ? schema->attrs[a].width : 8;
	return len;
}

/* What is left for keys and ranges beside the rows that wait for the ends of their tiles, and the bytes
 * that these become, of both outputs. */
static size_t memory_of_groups(const struct schema *schema, size_t memory)
{
	uint64_t tiles = 4 * TILE_CELLS_MAX * numbers_len(schema);

	return tiles < memory - memory / 4 ? memory - (size_t)tiles : memory / 4;
}

/* How many of the rows from `from` on go together. */
static uint32_t slice_rows(const struct merging *m, const struct selection *range, uint32_t from)
{
	uint32_t n = range->n - from < m->slice_max ? range->n - from : m->slice_max;
	uint64_t len = 0;

	if (m->longest * n <= SLICE_LEN)
		return n;
	for (uint32_t i = 0; i < n; i++) {
		len += row_len(&range->tiles[range->tile_of[from + i]]->entry);
		if (len > SLICE_LEN && i)
			return i;
	}
	return n;
}

static teg_status push_selection(struct merging *m, const struct selection *range,
                                 const struct side *side, teg_error *err)
{
	for (uint32_t from = 0, n; from < range->n; from += n) {
		n = slice_rows(m, range, from);
		TEG_TRY(push_slice(m, range, side, from, n, err));
	}
	return TEG_OK;
}

static teg_status push_side(struct merging *m, const struct side *side, teg_error *err)
{
	struct selection range = { .n = side->n,
		                   .resolved = true,
		                   .rows = side->row_of,
		                   .tiles = m->group.tiles,
		                   .tile_of = side->tile_of };

	return push_selection(m, &range, side, err);
}

static teg_status push_pieces(struct merging *m, teg_error *err)
{
	struct selection range = { .resolved = true, .tiles = m->group.tiles };

	TEG_TRY(group_resolve(&m->group, err));
	range.n = m->group.n_out;
	range.rows = m->group.rows;
	range.tile_of = m->group.tile_of;
	return push_selection(m, &range, NULL, err);
}

static teg_status push_range(struct merging *m, teg_error *err)
{
	if (m->runs)
		return push_pieces(m, err);
	TEG_TRY((m->sorts ? sides_take_all : sides_derive)(&m->sides, &m->group, err));
	m->n_done += m->group.range.n;
	TEG_TRY(push_side(m, &m->sides.current, err));
	TEG_TRY(push_side(m, &m->sides.history, err));
	return poll_ask(&m->poll, err);
}

/* ---- the whole ---- */

/* What the index does not say of an erased box: does its key go as well? */
static teg_status read_box_kind(struct merging *m, struct plan_box *box, teg_error *err)
{
	struct column_buf kind;
	struct segment *segment;
	struct tile tile;
	teg_status status;

	if (!kind_erases(box->version.kind))
		return TEG_OK;
	TEG_TRY(array_segment(m->array, box->segment, &segment, err));
	TEG_TRY(tile_open(&tile, segment, &box->entry, m->alloc, err));
	column_buf_init(&kind, COLUMN_FIXED, 1, m->alloc);
	status = tile_read_column(&m->reader, &tile, COLUMN_ID_KIND, 0, 1, &kind, err);
	if (status == TEG_OK)
		box->forget = kind.values[0] == ROW_FORGET;
	column_buf_release(&kind);
	tile_release(&tile);
	return status;
}

static teg_status push_box(struct merging *m, const struct plan_box *box, teg_error *err)
{
	enum row_kind kind = box->forget ? ROW_FORGET : (enum row_kind)box->version.kind;

	m->n_current++;
	return tiler_push_box(m->current, &box->box, kind, box->version.system_from,
	                      box->version.valid_from, box->version.valid_until, err);
}

/* Oldest first, as they were written. */
static teg_status push_boxes(struct merging *m, teg_error *err)
{
	bool *keep = mem_zalloc(m->alloc, m->plan.n_boxes + 1u);
	teg_status status = keep ? TEG_OK : no_memory(err);

	for (uint32_t i = 0; i < m->plan.n_boxes && status == TEG_OK; i++)
		status = read_box_kind(m, &m->plan.boxes[i], err);
	if (status == TEG_OK && m->sorts)
		memset(keep, !m->first_tile, m->plan.n_boxes); /* the first run has them */
	else if (status == TEG_OK)
		status = sides_choose_boxes(&m->sides, &m->plan, &m->poll, keep, err);
	for (uint32_t i = m->plan.n_boxes; i-- > 0 && status == TEG_OK;)
		if (keep[i])
			status = push_box(m, &m->plan.boxes[i], err);
	mem_free(m->alloc, keep, m->plan.n_boxes + 1u);
	return status;
}

/* So many tiles that they are one range, which is sorted whole: one at least. */
static uint32_t sorted_at_once(const struct merging *m)
{
	uint32_t end = m->first_tile;
	uint64_t n_rows = 0;

	while (end < m->plan.n_tiles) {
		n_rows += m->plan.tiles[end].entry.n_rows;
		if (n_rows > GROUP_ROWS_SMALL && end > m->first_tile)
			break;
		end++;
	}
	return end;
}

static teg_status begin_all(struct merging *m, teg_error *err)
{
	size_t n = m->plan.n_tiles + 1u;
	uint32_t *all = mem_array(m->alloc, n, sizeof *all);
	teg_status status;

	if (!all)
		return no_memory(err);
	m->end_tile = m->sorts ? sorted_at_once(m) : m->plan.n_tiles;
	for (uint32_t i = m->first_tile; i < m->end_tile; i++) {
		uint64_t len = row_len(&m->plan.tiles[i].entry);

		all[i - m->first_tile] = i;
		m->longest = len > m->longest ? len : m->longest;
		m->n_total += m->plan.tiles[i].entry.n_rows;
	}
	status = group_begin(&m->group, all, m->end_tile - m->first_tile, err);
	mem_free(m->alloc, all, n * sizeof *all);
	return status;
}

static teg_status push_all(struct merging *m, teg_error *err)
{
	teg_status status = begin_all(m, err);

	while (status == TEG_OK) {
		status = group_next_range(&m->group, true, err);
		if (status == TEG_OK)
			status = push_range(m, err);
	}
	return status == TEG_END ? push_boxes(m, err) : status;
}

static teg_status new_tiler(struct merging *m, struct segment_sink *sink, struct tiler **tiler_out,
                            teg_error *err)
{
	struct tiler_options tiling = { .array_id = m->options->array_id,
		                        .poll = &m->poll,
		                        .fresh = m->runs };

	memcpy(tiling.commit_id, m->options->segment_id, sizeof tiling.commit_id);
	return tiler_new(m->schema, &tiling, sink, m->alloc, tiler_out, err);
}

/* As they lie, so that rows of one key and time keep their order. */
static bool lies_behind(const void *ctx, const void *a, const void *b)
{
	const struct plan_tile *x = a, *y = b;

	(void)ctx;
	return x->segment != y->segment ? x->segment > y->segment : x->number > y->number;
}

static teg_status start(struct merging *m, const bool *use, struct segment_sink *current,
                        struct segment_sink *history, teg_error *err)
{
	size_t memory = m->options->memory ? m->options->memory : MERGE_MEMORY;

	/* After everything: INT64_MAX itself is the open end of what supersedes. */
	m->view = (struct view){ .s = INT64_MAX - 1,
		                 .poll = &m->poll,
		                 .all_versions = !m->runs,
		                 .a = INT64_MIN,
		                 .b = INT64_MAX,
		                 .kinds = 7,
		                 .no_prune = true };
	TEG_TRY(rows_init(&m->rows, m->schema, m->alloc, err));
	TEG_TRY(tile_reader_init(&m->reader, m->alloc, err));
	TEG_TRY(plan_make(&m->plan, m->array, &m->view, use, err));
	if (m->sorts && !sort_array(m->alloc, m->plan.tiles, m->plan.n_tiles, sizeof *m->plan.tiles,
	                            lies_behind, NULL))
		return no_memory(err);
	group_init(&m->group, &m->plan, &m->view, &m->reader, m->alloc);
	if (m->sorts) /* which takes no more tiles than that */
		group_unlimit(&m->group);
	else
		group_limit(&m->group, memory_of_groups(m->schema, memory));
	if (!m->runs && !m->sorts) {
		group_take_parts(&m->group);
		TEG_TRY(sides_limit(&m->sides, version_store(m->array->snapshot->version),
		                    memory / 8, err));
	}
	m->gather = gather_new(m->alloc);
	m->identity = mem_array(m->alloc, SLICE_ROWS, sizeof *m->identity);
	if (!m->gather || !m->identity)
		return no_memory(err);
	for (uint32_t i = 0; i < SLICE_ROWS; i++)
		m->identity[i] = i;
	if (history)
		TEG_TRY(new_tiler(m, history, &m->history, err));
	return new_tiler(m, current, &m->current, err);
}

static void stop(struct merging *m)
{
	tiler_free(m->current);
	tiler_free(m->history);
	sides_release(&m->sides);
	group_release(&m->group);
	gather_free(m->gather);
	mem_free(m->alloc, m->identity, SLICE_ROWS * sizeof *m->identity);
	if (m->plan.array)
		plan_release(&m->plan);
	if (m->reader.alloc)
		tile_reader_release(&m->reader);
	if (m->rows.alloc)
		rows_release(&m->rows);
}

static void prepare(struct merging *m)
{
	m->schema = m->array->state.schema;
	m->slice_max = (uint32_t)(SLICE_NUMBERS / numbers_len(m->schema) + 1);
	m->slice_max = m->slice_max < SLICE_ROWS ? m->slice_max : SLICE_ROWS;
	m->alloc = m->array->arena.alloc;
	m->poll = (struct poll){ goes_on, m };
	sides_init(&m->sides, m->alloc);
}

static teg_status finish(struct tiler *tiler, struct segment_sink *sink,
                         struct segment_result *result_out, teg_error *err)
{
	TEG_TRY(tiler_finish(tiler, result_out, err));
	return sink_finish(sink, err);
}

/* All segments into one, from prepare() up to stop(). */
static teg_status write_one(struct merging *m, struct segment_sink *sink,
                            struct segment_result *result_out, teg_error *err)
{
	prepare(m);
	TEG_TRY(start(m, NULL, sink, NULL, err));
	TEG_TRY(push_all(m, err));
	return finish(m->current, sink, result_out, err);
}

teg_status merge_runs(struct teg_array *runs, const struct merge_options *options,
                      struct segment_sink *sink, struct segment_result *result_out, teg_error *err)
{
	struct merging m = { .array = runs, .options = options, .runs = true };
	teg_status status = write_one(&m, sink, result_out, err);

	stop(&m);
	return status;
}

teg_status merge_sort_tiles(struct teg_array *array, uint32_t *next_tile,
                            const struct merge_options *options, struct segment_sink *sink,
                            struct segment_result *result_out, bool *more_out, teg_error *err)
{
	struct merging m = {
		.array = array, .options = options, .sorts = true, .first_tile = *next_tile
	};
	teg_status status = write_one(&m, sink, result_out, err);

	*next_tile = m.end_tile;
	*more_out = m.end_tile < m.plan.n_tiles;
	stop(&m);
	return status;
}

/* ---- the segments that come of it ---- */

static teg_status begin_output(struct teg_array *array, struct merge_output *output, teg_error *err)
{
	struct teg_store *store = version_store(array->snapshot->version);
	struct segment_ref name = { .inlined = false };
	char path[OS_PATH_MAX];

	TEG_TRY(store_new_id(store, name.object, err));
	memcpy(output->object, name.object, sizeof name.object);
	segment_path(&name, path);
	sink_init(&output->sink, store->os, path, INLINE_SEGMENT_MAX, array->arena.alloc);
	return TEG_OK;
}

/* All erasures up to its last version that concern its rows were at hand. */
static uint64_t erased_through(const struct merge *merge, uint64_t last_version)
{
	uint64_t erased = UINT64_MAX;

	for (uint32_t i = 0; i < merge->n_removed; i++)
		if (merge->removed[i].erased_through < erased)
			erased = merge->removed[i].erased_through;
	return erased > last_version ? erased : last_version;
}

/* The reference of what was written; publishing fills in where an inline segment lies. */
static void fill_ref(const struct merge *merge, struct merge_output *output,
                     const struct segment_result *result, const struct schema *schema)
{
	const struct segment_ref *from = merge->removed;
	struct segment_ref *ref = &output->added.ref;

	segment_ref_of_result(result, schema->n_dims, &output->box, ref);
	ref->first_version = from->first_version;
	ref->last_version = from[merge->n_removed - 1].last_version;
	ref->schema_version = schema->version;
	ref->compacted = true;
	ref->derived_through = ref->last_version;
	ref->erased_through = erased_through(merge, ref->last_version);
	memcpy(ref->object, output->object, sizeof ref->object);
	if (result->inlined)
		output->added.inline_bytes = buf_span(&output->sink.bytes);
}

/* Outputs without rows are left out. */
static teg_status finish_outputs(struct merging *m, struct merge *merge, teg_error *err)
{
	struct tiler *tilers[2] = { m->current, m->history };
	uint64_t n_rows[2] = { m->n_current, m->n_history };
	struct segment_result result;

	for (int i = 0; i < 2; i++) {
		struct merge_output *output = &merge->outputs[i];

		if (!n_rows[i])
			continue;
		TEG_TRY(finish(tilers[i], &output->sink, &result, err));
		fill_ref(merge, output, &result, m->schema);
		output->used = true;
	}
	merge->outputs[1].added.ref.history = true;
	merge->outputs[1].added.ref.superseded_min = m->sides.superseded_min;
	merge->n_expired = m->sides.n_expired;
	merge->n_erased = m->sides.n_erased;
	merge->horizon = merge->n_expired ? m->sides.drop_through : INT64_MIN;
	return TEG_OK;
}

static teg_status run(struct merging *m, struct merge *merge, const bool *use, teg_error *err)
{
	teg_status status = TEG_OK;

	for (int i = 0; i < 2 && status == TEG_OK; i++)
		status = begin_output(m->array, &merge->outputs[i], err);
	if (status == TEG_OK)
		status = start(m, use, &merge->outputs[0].sink, &merge->outputs[1].sink, err);
	if (status == TEG_OK)
		status = push_all(m, err);
	if (status == TEG_OK)
		status = finish_outputs(m, merge, err);
	stop(m);
	return status;
}

void merge_count_inputs(struct merge *merge)
{
	merge->rows_in = merge->bytes_in = 0;
	for (uint32_t i = 0; i < merge->n_removed; i++) {
		merge->rows_in += merge->removed[i].n_rows;
		merge->bytes_in += merge->removed[i].len;
	}
}

teg_status merge_run(struct teg_array *array, uint32_t first, uint32_t n,
                     const struct merge_options *options, struct merge *merge_out, teg_error *err)
{
	const teg_allocator *alloc = array->arena.alloc;
	size_t use_len = array->state.n_segments + 1u;
	struct merge_options own = *options;
	struct merging m = { .array = array, .options = &own };
	bool *use = mem_zalloc(alloc, use_len);
	teg_status status = use ? TEG_OK : no_memory(err);

	memset(merge_out, 0, sizeof *merge_out);
	merge_out->removed = &array->state.segments[first];
	merge_out->n_removed = n;
	merge_count_inputs(merge_out);
	own.array_id = array->state.id;
	prepare(&m);
	if (!own.keeps)
		m.sides.drop_through = retention_horizon(&array->state);
	m.sides.forgets = first == 0;
	if (status == TEG_OK) {
		memset(use + first, true, n);
		status = run(&m, merge_out, use, err);
	}
	mem_free(alloc, use, use_len);
	if (status == TEG_OK)
		return TEG_OK;
	merge_discard(merge_out);
	merge_release(merge_out);
	return error_in_array(err, status, array->state.name);
}

uint32_t merge_added(const struct merge *merge, struct new_segment add_out[2])
{
	uint32_t n = 0;

	for (int i = 0; i < 2; i++)
		if (merge->outputs[i].used)
			add_out[n++] = merge->outputs[i].added;
	return n;
}

void merge_discard(const struct merge *merge)
{
	for (int i = 0; i < 2; i++) {
		const struct merge_output *output = &merge->outputs[i];

		if (output->used && !output->added.ref.inlined)
			(void)os_unlink(output->sink.os, output->sink.path, NULL);
	}
}

void merge_release(struct merge *merge)
{
	for (int i = 0; i < 2; i++)
		if (merge->outputs[i].sink.os)
			sink_release(&merge->outputs[i].sink);
	memset(merge, 0, sizeof *merge);
}
