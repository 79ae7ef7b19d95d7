#include "engine/os/bytes.h"
#include "engine/store/files.h"
#include "engine/store/headers.h"
#include "engine/store/options.h"
#include "engine/store/version.h"

#define STATE_MAX ((size_t)4 << 30) /* bytes of schema and segment references of one array */

/* ---- handles ---- */

void array_ref(struct teg_array *array)
{
	atomic_fetch_add(&array->refs, 1);
}

/* What reads by ordinal keep names tiles of the segments, so it goes first. */
static void drop_take(struct teg_array *array)
{
	void *take = atomic_load(&array->take);
	void (*take_free)(void *take) = atomic_load(&array->take_free);

	if (take && take_free)
		take_free(take);
}

static void close_segments(struct teg_array *array, struct teg_store *store)
{
	for (uint32_t i = 0; array->open && i < array->state.n_segments; i++) {
		struct segment *segment = array->open[i];

		if (!segment)
			continue;
		store_file_put(store, segment->file);
		segment_release(segment);
		mem_free(store->alloc, segment, sizeof *segment);
	}
	mem_free(store->alloc, (void *)array->open, array->state.n_segments * sizeof *array->open);
}

void array_unref(struct teg_array *array)
{
	struct teg_snapshot *snapshot;
	struct teg_store *store;

	if (!array || atomic_fetch_sub(&array->refs, 1) != 1)
		return;
	snapshot = array->snapshot;
	store = version_store(snapshot->version);
	drop_take(array);
	close_segments(array, store);
	arena_release(&array->arena);
	mem_free(store->alloc, array, sizeof *array);
	snapshot_unref(snapshot);
}

static teg_status finish_array(struct teg_array *array, teg_error *err)
{
	const teg_allocator *alloc = array->arena.alloc;
	uint32_t n = array->state.n_segments;

	array->order = arena_alloc(&array->arena, sizeof *array->order);
	array->open = mem_array(alloc, n, sizeof *array->open);
	for (uint32_t i = 0; array->open && i < n; i++) /* before anything may close them */
		atomic_init(&array->open[i], NULL);
	if (!array->order || !array->open)
		return teg_fail(err, TEG_NOMEM, "no memory for an array");
	order_init(array->order, array->state.schema);
	return TEG_OK;
}

static struct teg_array *new_array(struct teg_snapshot *snapshot)
{
	struct teg_store *store = version_store(snapshot->version);
	struct teg_array *array = mem_zalloc(store->alloc, sizeof *array);

	if (!array)
		return NULL;
	atomic_init(&array->refs, 1);
	snapshot_ref(snapshot);
	array->snapshot = snapshot;
	arena_init(&array->arena, store->alloc, STATE_MAX);
	return array;
}

static teg_status open_in(struct teg_snapshot *snapshot, const char *name,
                          struct teg_array **array_out, teg_error *err)
{
	struct teg_array *array = new_array(snapshot);
	teg_status status;

	if (!array)
		return teg_fail(err, TEG_NOMEM, "no memory for an array");
	status = version_array(snapshot->version, name, &array->arena, &array->state, err);
	if (status == TEG_OK)
		status = finish_array(array, err);
	if (status == TEG_OK)
		*array_out = array;
	else
		array_unref(array);
	return status;
}

teg_status teg_array_open(teg_snapshot *snapshot, const char *name, teg_array **array_out,
                          teg_error *err)
{
	if (!array_out)
		return teg_fail(err, TEG_MISUSE, "array_out is NULL");
	*array_out = NULL;
	if (!snapshot || !name)
		return teg_fail(err, TEG_MISUSE, "snapshot or name is NULL");
	return open_in(snapshot, name, array_out, err);
}

teg_status array_of_version(struct store_version *version, const char *name,
                            struct teg_array **array_out, teg_error *err)
{
	struct teg_snapshot *snapshot;
	teg_status status;

	*array_out = NULL;
	TEG_TRY(snapshot_of_version(version, &snapshot, err));
	status = open_in(snapshot, name, array_out, err);
	snapshot_unref(snapshot);
	return status;
}

teg_status array_of_refs(struct store_version *version, const struct schema *schema,
                         struct segment_ref *refs, uint32_t n, struct teg_array **array_out,
                         teg_error *err)
{
	struct teg_snapshot *snapshot;
	struct teg_array *array;
	teg_status status = TEG_NOMEM;

	*array_out = NULL;
	TEG_TRY(snapshot_of_version(version, &snapshot, err));
	array = new_array(snapshot);
	snapshot_unref(snapshot);
	if (!array)
		return teg_fail(err, TEG_NOMEM, "no memory for an array");
	array->state = (struct array_state){
		.schema = schema, .horizon = INT64_MIN, .n_segments = n, .segments = refs
	};
	status = finish_array(array, err);
	if (status == TEG_OK)
		*array_out = array;
	else
		array_unref(array);
	return status;
}

/* ---- an array before its commit ---- */

static teg_status apply_change(struct teg_array *array, struct store_version *base,
                               const struct array_change *change, int64_t system_time,
                               teg_error *err)
{
	struct array_state *s = &array->state;
	struct segment_ref *refs;
	uint32_t n;

	*s = (struct array_state){ .id = change->array_id,
		                   .horizon = INT64_MIN,
		                   .last_system_time = INT64_MIN };
	if (!change->create)
		TEG_TRY(version_array(base, change->name, &array->arena, s, err));
	else
		s->schema = change->create;
	if (change->alter)
		s->schema = change->alter;
	n = s->n_segments;
	refs = arena_array(&array->arena, (size_t)n + change->n_add, sizeof *refs);
	if (!refs)
		return teg_fail(err, TEG_NOMEM, "no memory for an array");
	for (uint32_t i = 0; i < n; i++)
		refs[i] = s->segments[i];
	for (uint32_t i = 0; i < change->n_add; i++)
		refs[n + i] = change->add[i].ref;
	s->segments = refs;
	s->n_segments = n + change->n_add;
	if (change->facts)
		s->last_system_time = change->system_time_max > system_time
		                              ? change->system_time_max
		                              : system_time;
	return finish_array(array, err);
}

/* A segment that travels inline is in no file yet. */
static teg_status open_unpublished(struct teg_array *array, uint32_t i, struct span bytes,
                                   teg_error *err)
{
	const teg_allocator *alloc = array->arena.alloc;
	struct segment_ref *ref = &array->state.segments[i];
	struct os_bytes *os = arena_alloc(&array->arena, sizeof *os);
	struct segment *segment = mem_zalloc(alloc, sizeof *segment);
	teg_status status = TEG_NOMEM;

	ref->off = 0;
	if (os && segment) {
		os_bytes_init(os, bytes, alloc);
		status = segment_open(segment, ref, array->state.schema, &os->os, os_bytes_file(os),
		                      alloc, err);
	}
	if (status == TEG_OK)
		atomic_store(&array->open[i], segment);
	else
		mem_free(alloc, segment, sizeof *segment);
	return error_of_memory(err, status, "for a segment");
}

teg_status array_of_change(struct store_version *base, const struct array_change *change,
                           int64_t system_time, struct teg_array **array_out, teg_error *err)
{
	struct teg_snapshot *snapshot;
	struct teg_array *array;
	teg_status status;

	*array_out = NULL;
	TEG_TRY(snapshot_of_version(base, &snapshot, err));
	array = new_array(snapshot);
	snapshot_unref(snapshot);
	if (!array)
		return teg_fail(err, TEG_NOMEM, "no memory for an array");
	status = apply_change(array, base, change, system_time, err);
	for (uint32_t i = 0; i < change->n_add && status == TEG_OK; i++)
		if (change->add[i].ref.inlined)
			status = open_unpublished(array,
			                          array->state.n_segments - change->n_add + i,
			                          change->add[i].inline_bytes, err);
	if (status == TEG_OK)
		*array_out = array;
	else
		array_unref(array);
	return status;
}

void teg_array_close(teg_array *array)
{
	array_unref(array);
}

const teg_spec *teg_array_spec(const teg_array *array)
{
	return &array->state.schema->spec;
}

const char *teg_array_name(const teg_array *array)
{
	return array->state.name;
}

teg_status teg_array_get_info(const teg_array *array, teg_array_info *info_out, teg_error *err)
{
	const struct array_state *s;
	teg_array_info info = { 0 };

	if (!array || !info_out)
		return teg_fail(err, TEG_MISUSE, "array or info_out is NULL");
	s = &array->state;
	info.array_id = s->id;
	info.created_version = s->created_version;
	info.last_system_time = s->last_system_time;
	info.horizon = s->horizon;
	info.retention = (teg_retention){ s->retention.drops, s->retention.duration_us,
		                          s->retention.floor_us };
	info.next_row_id = s->next_row_id;
	info.n_segments = s->n_segments;
	memcpy(info.identity, s->schema->identity, sizeof info.identity);
	for (uint32_t i = 0; i < s->n_segments; i++) {
		info.n_tiles += s->segments[i].n_tiles;
		info.n_bytes += s->segments[i].len;
		info.n_rows += s->segments[i].n_rows;
		info.n_live += s->segments[i].n_live;
		info.n_tombstones += s->segments[i].n_tombstones;
		info.n_erased += s->segments[i].n_erased;
	}
	options_give(info_out, &info, sizeof info);
	return TEG_OK;
}

/* ---- segments of an array ---- */

static teg_status open_segment(struct teg_array *array, uint32_t i, struct segment **segment_out,
                               teg_error *err)
{
	struct teg_store *store = version_store(array->snapshot->version);
	const struct segment_ref *ref = &array->state.segments[i];
	struct segment *segment = mem_zalloc(store->alloc, sizeof *segment);
	char path[OS_PATH_MAX];
	struct os_file *file;
	teg_status status;

	if (!segment)
		return teg_fail(err, TEG_NOMEM, "no memory for a segment");
	segment_path(ref, path);
	status = store_file_get(store, path, &file, err);
	if (status == TEG_NOT_FOUND)
		status = version_file_gone(array->snapshot->version, path, err);
	if (status == TEG_OK) {
		status = segment_open(segment, ref, array->state.schema, store->os, file,
		                      store->alloc, err);
		segment->kept = store->kept;
		if (status == TEG_OK && store->maps_files)
			segment_map(segment);
		if (status == TEG_OK)
			status = segment_keep_headers(segment,
			                              HEADERS_KEPT / array->state.n_segments, err);
		if (status != TEG_OK) {
			segment_release(segment);
			store_file_put(store, file);
		}
	}
	if (status == TEG_OK)
		*segment_out = segment;
	else
		mem_free(store->alloc, segment, sizeof *segment);
	return status;
}

teg_status array_segment(struct teg_array *array, uint32_t i, struct segment **segment_out,
                         teg_error *err)
{
	struct teg_store *store = version_store(array->snapshot->version);
	struct segment *mine = NULL, *theirs = NULL;

	*segment_out = atomic_load(&array->open[i]);
	if (*segment_out)
		return TEG_OK;
	TEG_TRY(open_segment(array, i, &mine, err));
	*segment_out = mine;
	if (atomic_compare_exchange_strong(&array->open[i], &theirs, mine))
		return TEG_OK;
	/* Another thread was faster. */
	*segment_out = theirs;
	store_file_put(store, mine->file);
	segment_release(mine);
	mem_free(store->alloc, mine, sizeof *mine);
	return TEG_OK;
}
