#include "engine/merge/merge.h"
#include "engine/merge/policy.h"
#include "engine/scan/gather.h"
#include "engine/scan/sweep.h"
#include <string.h>

#define SLICE_ROWS (64u << 10) /* rows moved at a time: what bounds the attributes in memory */

struct merging {
	struct teg_array *array;
	const struct schema *schema;
	const teg_allocator *alloc;
	const struct merge_options *options;
	bool runs; /* of one commit: only what a later run leaves goes on, as fresh rows */
	struct view view;
	struct plan plan;
	struct tile_reader reader;
	struct group group;
	struct gather *gather;
	struct rows rows;
	struct tiler *tiler;
	uint32_t *identity; /* 0 .. SLICE_ROWS - 1 */
	/* the range in its order, and what is derived for it */
	size_t cap;
	uint32_t *tile_of, *row_of;
	int64_t *superseded, *superseded_one;
	uint8_t *exact, *exact_one;
	struct version *versions;
	struct pieces pieces;
	uint64_t n_done, n_total;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to merge segments");
}

/* ---- a range: every version, with what is derived ---- */

static void free_range(struct merging *m)
{
	mem_free(m->alloc, m->tile_of, m->cap * sizeof *m->tile_of);
	mem_free(m->alloc, m->row_of, m->cap * sizeof *m->row_of);
	mem_free(m->alloc, m->superseded, m->cap * sizeof *m->superseded);
	mem_free(m->alloc, m->exact, m->cap * sizeof *m->exact);
	mem_free(m->alloc, m->versions, m->cap * sizeof *m->versions);
	mem_free(m->alloc, m->superseded_one, m->cap * sizeof *m->superseded_one);
	mem_free(m->alloc, m->exact_one, m->cap * sizeof *m->exact_one);
	m->tile_of = m->row_of = NULL;
	m->superseded = m->superseded_one = NULL;
	m->exact = m->exact_one = NULL;
	m->versions = NULL;
	m->cap = 0;
}

/* Room for the rows of the range and for the boxes that may lie over a key. */
static bool reserve_range(struct merging *m, size_t need)
{
	if (need <= m->cap)
		return true;
	free_range(m);
	need += need / 2;
	m->cap = need;
	m->tile_of = mem_array(m->alloc, need, sizeof *m->tile_of);
	m->row_of = mem_array(m->alloc, need, sizeof *m->row_of);
	m->superseded = mem_array(m->alloc, need, sizeof *m->superseded);
	m->exact = mem_array(m->alloc, need, sizeof *m->exact);
	m->versions = mem_array(m->alloc, need, sizeof *m->versions);
	m->superseded_one = mem_array(m->alloc, need, sizeof *m->superseded_one);
	m->exact_one = mem_array(m->alloc, need, sizeof *m->exact_one);
	if (m->tile_of && m->row_of && m->superseded && m->exact && m->versions &&
	    m->superseded_one && m->exact_one)
		return true;
	free_range(m);
	return false;
}

/* One key: its rows perm[at .. end), newest first. */
static teg_status derive_key(struct merging *m, uint32_t at, uint32_t end)
{
	size_t n = group_versions(&m->group, at, end, m->versions);
	uint32_t out = at;

	TEG_TRY(derive_superseded(m->versions, n, &m->pieces, m->superseded_one, m->exact_one));
	for (size_t i = 0; i < n; i++) {
		if (m->versions[i].row == UINT32_MAX)
			continue; /* a box */
		m->superseded[out] = m->superseded_one[i];
		m->exact[out++] = m->exact_one[i];
	}
	return TEG_OK;
}

static teg_status derive_range(struct merging *m, teg_error *err)
{
	const struct key_rows *keys = &m->group.range;

	if (!reserve_range(m, (size_t)keys->n + m->plan.n_boxes))
		return no_memory(err);
	for (uint32_t at = 0, end; at < keys->n; at = end) {
		end = at + 1;
		while (end < keys->n && key_rows_same(keys, m->group.perm[at], m->group.perm[end]))
			end++;
		if (derive_key(m, at, end) != TEG_OK)
			return no_memory(err);
	}
	for (uint32_t i = 0; i < keys->n; i++) {
		m->tile_of[i] = keys->tile[m->group.perm[i]];
		m->row_of[i] = keys->row[m->group.perm[i]];
	}
	return TEG_OK;
}

/* ---- moving rows ---- */

static teg_status gather_into(struct merging *m, uint32_t id, struct column_buf *to, teg_error *err)
{
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
static teg_status put_derived(struct merging *m, uint32_t from, uint32_t n)
{
	struct column superseded = {
		COLUMN_FIXED, 8, n, NULL, (const uint8_t *)(m->superseded + from), NULL, NULL
	};
	struct column exact = { COLUMN_FIXED, 1, n, NULL, m->exact + from, NULL, NULL };

	if (any_differs(m->superseded + from, n, INT64_MAX))
		TEG_TRY(column_buf_append(&m->rows.superseded, &superseded, 0, n));
	if (memchr(m->exact + from, 0, n))
		TEG_TRY(column_buf_append(&m->rows.exact, &exact, 0, n));
	return TEG_OK;
}

static teg_status put_times(struct merging *m, uint32_t from, uint32_t n, teg_error *err)
{
	TEG_TRY(gather_into(m, COLUMN_ID_SYSTEM_FROM, &m->rows.system_from, err));
	TEG_TRY(gather_into(m, COLUMN_ID_KIND, &m->rows.kind, err));
	if (m->schema->valid_time) {
		TEG_TRY(gather_into(m, COLUMN_ID_VALID_FROM, &m->rows.valid_from, err));
		TEG_TRY(gather_into(m, COLUMN_ID_VALID_UNTIL, &m->rows.valid_until, err));
	}
	return put_derived(m, from, n) == TEG_OK ? TEG_OK : no_memory(err);
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

static teg_status push_slice(struct merging *m, const struct selection *range, uint32_t from,
                             uint32_t n, teg_error *err)
{
	rows_clear(&m->rows);
	TEG_TRY(gather_bind(m->gather, range, NULL, from, n, err));
	for (uint32_t d = 0; d < m->schema->n_dims; d++)
		TEG_TRY(gather_into(m, m->schema->dims[d].id, &m->rows.dims[d], err));
	for (uint32_t i = 0; i < m->schema->n_attrs; i++)
		TEG_TRY(gather_into(m, m->schema->attrs[i].id, &m->rows.attrs[i], err));
	if (m->runs)
		TEG_TRY(put_pieces(m, from, n, err));
	else
		TEG_TRY(put_times(m, from, n, err));
	m->rows.n = n;
	return tiler_push(m->tiler, &m->rows, m->identity, n, err);
}

static teg_status report(const struct merging *m, teg_error *err)
{
	const struct merge_options *o = m->options;

	if (o->progress && !o->progress(o->progress_ctx, m->n_done, m->n_total))
		return teg_fail(err, TEG_CANCELLED, "the merge was asked to stop");
	return TEG_OK;
}

static teg_status push_range(struct merging *m, teg_error *err)
{
	struct selection range = { .n = m->runs ? m->group.n_out : m->group.range.n,
		                   .resolved = true,
		                   .rows = m->runs ? m->group.rows : m->row_of,
		                   .tiles = m->group.tiles,
		                   .tile_of = m->runs ? m->group.tile_of : m->tile_of };

	for (uint32_t from = 0; from < range.n; from += SLICE_ROWS) {
		uint32_t n = range.n - from < SLICE_ROWS ? range.n - from : SLICE_ROWS;

		TEG_TRY(push_slice(m, &range, from, n, err));
		m->n_done += n;
		TEG_TRY(report(m, err));
	}
	return TEG_OK;
}

/* ---- the whole ---- */

/* Oldest first, as they were written. */
static teg_status push_boxes(struct merging *m, teg_error *err)
{
	for (uint32_t i = m->plan.n_boxes; i-- > 0;) {
		const struct plan_box *box = &m->plan.boxes[i];

		TEG_TRY(tiler_push_box(m->tiler, &box->box, (enum row_kind)box->version.kind,
		                       box->version.system_from, box->version.valid_from,
		                       box->version.valid_until, err));
	}
	return TEG_OK;
}

static teg_status begin_all(struct merging *m, teg_error *err)
{
	size_t n = m->plan.n_tiles + 1u;
	uint32_t *all = mem_array(m->alloc, n, sizeof *all);
	teg_status status;

	if (!all)
		return no_memory(err);
	for (uint32_t i = 0; i < m->plan.n_tiles; i++) {
		all[i] = i;
		m->n_total += m->plan.tiles[i].entry.n_rows;
	}
	status = group_begin(&m->group, all, m->plan.n_tiles, err);
	mem_free(m->alloc, all, n * sizeof *all);
	return status;
}

static teg_status push_all(struct merging *m, teg_error *err)
{
	teg_status status = begin_all(m, err);

	while (status == TEG_OK) {
		status = group_next_range(&m->group, true, err);
		if (status == TEG_OK)
			status = m->runs ? group_resolve(&m->group, err) : derive_range(m, err);
		if (status == TEG_OK)
			status = push_range(m, err);
	}
	return status == TEG_END ? push_boxes(m, err) : status;
}

static teg_status start(struct merging *m, const bool *use, struct segment_sink *sink,
                        teg_error *err)
{
	struct tiler_options tiling = { .array_id = m->options->array_id, .fresh = m->runs };

	memcpy(tiling.commit_id, m->options->segment_id, sizeof tiling.commit_id);
	/* After everything: INT64_MAX itself is the open end of what supersedes. */
	m->view = (struct view){ .s = INT64_MAX - 1,
		                 .all_versions = !m->runs,
		                 .a = INT64_MIN,
		                 .b = INT64_MAX,
		                 .kinds = 7,
		                 .no_prune = true };
	TEG_TRY(rows_init(&m->rows, m->schema, m->alloc, err));
	TEG_TRY(tile_reader_init(&m->reader, m->alloc, err));
	TEG_TRY(plan_make(&m->plan, m->array, &m->view, use, err));
	group_init(&m->group, &m->plan, &m->view, &m->reader, m->alloc);
	m->gather = gather_new(m->alloc);
	m->identity = mem_array(m->alloc, SLICE_ROWS, sizeof *m->identity);
	if (!m->gather || !m->identity)
		return no_memory(err);
	for (uint32_t i = 0; i < SLICE_ROWS; i++)
		m->identity[i] = i;
	return tiler_new(m->schema, &tiling, sink, m->alloc, &m->tiler, err);
}

static void stop(struct merging *m)
{
	tiler_free(m->tiler);
	free_range(m);
	pieces_release(&m->pieces);
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

static teg_status write_merged(struct merging *m, const bool *use, struct segment_sink *sink,
                               struct segment_result *result_out, teg_error *err)
{
	teg_status status;

	m->schema = m->array->state.schema;
	m->alloc = m->array->arena.alloc;
	pieces_init(&m->pieces, m->alloc);
	status = start(m, use, sink, err);
	if (status == TEG_OK)
		status = push_all(m, err);
	if (status == TEG_OK)
		status = tiler_finish(m->tiler, result_out, err);
	if (status == TEG_OK)
		status = sink_finish(sink, err);
	stop(m);
	return status;
}

teg_status merge_runs(struct teg_array *runs, const struct merge_options *options,
                      struct segment_sink *sink, struct segment_result *result_out, teg_error *err)
{
	struct merging m = { .array = runs, .options = options, .runs = true };

	return write_merged(&m, NULL, sink, result_out, err);
}

/* The reference of what was written; publishing fills in where an inline segment lies. */
static void fill_ref(struct merge *merge, const struct segment_result *result,
                     struct teg_array *array, uint32_t first, uint32_t n)
{
	const struct segment_ref *from = &array->state.segments[first];
	struct segment_ref *ref = &merge->added.ref;

	segment_ref_of_result(result, array->state.schema->n_dims, &merge->box, ref);
	ref->first_version = from->first_version;
	ref->last_version = from[n - 1].last_version;
	ref->schema_version = array->state.schema->version;
	ref->compacted = true;
	ref->derived_through = ref->last_version;
	ref->erased_through = from->erased_through;
	for (uint32_t i = 0; i < n; i++) {
		if (from[i].erased_through < ref->erased_through)
			ref->erased_through = from[i].erased_through;
		merge->rows_in += from[i].n_rows;
		merge->bytes_in += from[i].len;
	}
	if (result->inlined)
		merge->added.inline_bytes = buf_span(&merge->sink.bytes);
	merge->removed = from;
	merge->n_removed = n;
}

teg_status merge_run(struct teg_array *array, uint32_t first, uint32_t n,
                     const struct merge_options *options, struct merge *merge_out, teg_error *err)
{
	const teg_allocator *alloc = array->arena.alloc;
	struct teg_store *store = version_store(array->snapshot->version);
	size_t use_len = array->state.n_segments + 1u;
	struct segment_ref name = { .inlined = false };
	struct merge_options own = *options;
	struct merging m = { .array = array, .options = &own };
	struct segment_result result;
	char path[OS_PATH_MAX];
	bool *use = mem_zalloc(alloc, use_len);
	teg_status status = use ? store_new_id(store, name.object, err) : no_memory(err);

	memset(merge_out, 0, sizeof *merge_out);
	own.array_id = array->state.id;
	if (status == TEG_OK) {
		memset(use + first, true, n);
		segment_path(&name, path);
		sink_init(&merge_out->sink, store->os, path, INLINE_SEGMENT_MAX, alloc);
		status = write_merged(&m, use, &merge_out->sink, &result, err);
	}
	mem_free(alloc, use, use_len);
	if (status == TEG_OK) {
		fill_ref(merge_out, &result, array, first, n);
		memcpy(merge_out->added.ref.object, name.object, sizeof name.object);
		return TEG_OK;
	}
	merge_release(merge_out);
	return error_in_array(err, status, array->state.name);
}

void merge_release(struct merge *merge)
{
	if (merge->sink.os)
		sink_release(&merge->sink);
	memset(merge, 0, sizeof *merge);
}

/* ---- what to merge ---- */

bool merge_choose(const struct array_state *state, const teg_allocator *alloc, uint32_t *first_out,
                  uint32_t *n_out)
{
	size_t room = state->n_segments + 1u, first, count;
	uint64_t *sizes = mem_array(alloc, room, sizeof *sizes);
	uint32_t *starts = mem_array(alloc, room, sizeof *starts), n = 0;
	bool chosen = false;

	/* Sizes of whole commits: several parts of one are merged together or not at all. */
	for (uint32_t i = 0; sizes && starts && i < state->n_segments; i++) {
		if (n && state->segments[i].first_version == state->segments[i - 1].first_version) {
			sizes[n - 1] += state->segments[i].len;
			continue;
		}
		starts[n] = i;
		sizes[n++] = state->segments[i].len;
	}
	if (sizes && starts && policy_choose(sizes, n, POLICY_FACTOR, &first, &count)) {
		starts[n] = state->n_segments;
		*first_out = starts[first];
		*n_out = starts[first + count] - starts[first];
		chosen = true;
	}
	mem_free(alloc, sizes, room * sizeof *sizes);
	mem_free(alloc, starts, room * sizeof *starts);
	return chosen;
}
