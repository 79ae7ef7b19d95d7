/* A merge of segments that are in another order than their rows shall have: rows are sorted some tiles
 * at a time, and the runs merged as segments are.
 *
 *   segments, old order ──tiles at a time──> [run][run][run], new order ──merge──> current, history
 */
#include "engine/merge/merge.h"
#include <string.h>

struct run {
	struct segment_sink sink;
	struct segment_ref ref;
	struct box box; /* of it */
};

struct runs {
	struct teg_array *from; /* the segments, as if they were in the new order */
	struct run **at;
	size_t n, cap;
	const teg_allocator *alloc;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to sort segments anew");
}

/* NULL: no memory. */
static struct run *add_run(struct runs *runs)
{
	void *at = (void *)runs->at;
	struct run *run;

	if (!mem_grow(runs->alloc, &at, &runs->cap, runs->n + 1, sizeof *runs->at))
		return NULL;
	runs->at = at;
	run = mem_zalloc(runs->alloc, sizeof *run);
	if (run)
		runs->at[runs->n++] = run;
	return run;
}

/* As a segment of all commits: what is erased in its bytes is erased in all that it was made of. */
static void fill_ref(const struct runs *runs, struct run *run, const struct segment_result *result)
{
	const struct array_state *state = &runs->from->state;
	struct segment_ref *ref = &run->ref;
	uint8_t object[16];

	memcpy(object, ref->object, sizeof object);
	segment_ref_of_result(result, state->schema->n_dims, &run->box, ref);
	memcpy(ref->object, object, sizeof object);
	ref->first_version = state->segments[0].first_version;
	ref->last_version = state->segments[state->n_segments - 1].last_version;
	ref->part = (uint32_t)runs->n - 1;
	ref->schema_version = state->schema->version;
	ref->erased_through = UINT64_MAX;
	for (uint32_t i = 0; i < state->n_segments; i++)
		if (state->segments[i].erased_through < ref->erased_through)
			ref->erased_through = state->segments[i].erased_through;
}

static teg_status write_run(struct runs *runs, uint32_t *next_tile,
                            const struct merge_options *options, bool *more, teg_error *err)
{
	struct teg_store *store = version_store(runs->from->snapshot->version);
	struct run *run = add_run(runs);
	struct segment_result result;
	char path[OS_PATH_MAX];

	if (!run)
		return no_memory(err);
	TEG_TRY(store_new_id(store, run->ref.object, err));
	segment_path(&run->ref, path);
	sink_init(&run->sink, store->os, path, 0, runs->alloc);
	TEG_TRY(merge_sort_tiles(runs->from, next_tile, options, &run->sink, &result, more, err));
	fill_ref(runs, run, &result);
	return TEG_OK;
}

static teg_status write_runs(struct runs *runs, const struct merge_options *options, teg_error *err)
{
	struct merge_options own = *options;
	uint32_t next_tile = 0;
	bool more = true;

	own.array_id = runs->from->state.id;
	while (more)
		TEG_TRY(write_run(runs, &next_tile, &own, &more, err));
	return TEG_OK;
}

/* An array of other segments, or of the same ones under another schema, else as `like`. */
static teg_status array_like(const struct teg_array *like, const struct schema *schema,
                             struct segment_ref *refs, uint32_t n, struct teg_array **array_out,
                             teg_error *err)
{
	const struct array_state *state = &like->state;
	struct array_state *to;

	TEG_TRY(array_of_refs(like->snapshot->version, schema, refs, n, array_out, err));
	to = &(*array_out)->state;
	to->id = state->id;
	memcpy(to->name, state->name, sizeof to->name);
	to->last_system_time = state->last_system_time;
	to->horizon = state->horizon;
	to->retention = state->retention;
	return TEG_OK;
}

static teg_status merge_sorted(struct runs *runs, struct segment_ref *refs,
                               const struct merge_options *options, struct merge *merge_out,
                               teg_error *err)
{
	struct teg_array *sorted;
	teg_status status;

	for (size_t i = 0; i < runs->n; i++)
		refs[i] = runs->at[i]->ref;
	TEG_TRY(array_like(runs->from, runs->from->state.schema, refs, (uint32_t)runs->n, &sorted,
	                   err));
	status = merge_run(sorted, 0, (uint32_t)runs->n, options, merge_out, err);
	array_unref(sorted);
	return status;
}

static teg_status merge_all(struct runs *runs, const struct teg_array *array,
                            const struct merge_options *options, struct merge *merge_out,
                            teg_error *err)
{
	struct segment_ref *refs = mem_array(runs->alloc, runs->n, sizeof *refs);
	teg_status status = refs ? merge_sorted(runs, refs, options, merge_out, err)
	                         : no_memory(err);

	mem_free(runs->alloc, refs, runs->n * sizeof *refs);
	if (status != TEG_OK)
		return status;
	merge_out->removed = array->state.segments;
	merge_out->n_removed = array->state.n_segments;
	merge_count_inputs(merge_out);
	return TEG_OK;
}

static void release(struct runs *runs)
{
	for (size_t i = 0; i < runs->n; i++) {
		struct run *run = runs->at[i];

		if (run->sink.os) {
			(void)os_unlink(run->sink.os, run->sink.path, NULL);
			sink_release(&run->sink);
		}
		mem_free(runs->alloc, run, sizeof *run);
	}
	mem_free(runs->alloc, (void *)runs->at, runs->cap * sizeof *runs->at);
	array_unref(runs->from);
}

teg_status merge_reordered(struct teg_array *array, const struct schema *to,
                           const struct merge_options *options, struct merge *merge_out,
                           teg_error *err)
{
	struct runs runs = { .alloc = array->arena.alloc };
	teg_status status;

	memset(merge_out, 0, sizeof *merge_out);
	if (!array->state.n_segments)
		return TEG_OK;
	status = array_like(array, to, array->state.segments, array->state.n_segments, &runs.from,
	                    err);
	if (status == TEG_OK)
		status = write_runs(&runs, options, err);
	if (status == TEG_OK)
		status = merge_all(&runs, array, options, merge_out, err);
	release(&runs);
	return status;
}
