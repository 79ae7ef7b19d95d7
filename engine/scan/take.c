/* Take by ordinal: the i-th live rows of a table, in the order asked for. */
#include "engine/scan/gather.h"
#include "engine/scan/rank.h"
#include "engine/scan/scan.h"
#include <stdatomic.h>
#include <string.h>

/* Where every live row lies at one (S, V): kept with the array, since snapshots never change. */
struct take_index {
	struct plan plan;
	struct rank rank;
	int64_t s, a;
	const teg_allocator *alloc;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to take rows");
}

static void free_index(void *take)
{
	struct take_index *index = take;

	if (!index)
		return;
	rank_release(&index->rank);
	plan_release(&index->plan);
	mem_free(index->alloc, index, sizeof *index);
}

static teg_status build_index(struct teg_array *array, const struct view *view,
                              struct take_index **index_out, teg_error *err)
{
	const teg_allocator *alloc = array->arena.alloc;
	struct take_index *index = mem_zalloc(alloc, sizeof *index);
	struct sweep sweep;
	teg_status status;

	if (!index)
		return no_memory(err);
	index->alloc = alloc;
	index->s = view->s;
	index->a = view->a;
	status = sweep_open(&sweep, array, view, err);
	if (status == TEG_OK) {
		status = rank_build(&index->rank, &sweep, err);
		index->plan = sweep.plan; /* the ranks name its tiles */
		memset(&sweep.plan, 0, sizeof sweep.plan);
		arena_init(&sweep.plan.arena, alloc, 0);
		sweep_close(&sweep);
	}
	if (status == TEG_OK) {
		*index_out = index;
		return TEG_OK;
	}
	if (index->plan.array)
		plan_release(&index->plan);
	mem_free(alloc, index, sizeof *index);
	return status;
}

/* The array's own index where it fits, else one for this call: *own_out says which. */
static teg_status get_index(struct teg_array *array, const struct view *view,
                            struct take_index **index_out, bool *own_out, teg_error *err)
{
	struct take_index *kept = atomic_load(&array->take);
	void *none = NULL;

	*own_out = false;
	if (kept && kept->s == view->s && kept->a == view->a) {
		*index_out = kept;
		return TEG_OK;
	}
	TEG_TRY(build_index(array, view, index_out, err));
	*own_out = true;
	atomic_store(&array->take_free, free_index);
	if (!kept && atomic_compare_exchange_strong(&array->take, &none, *index_out))
		*own_out = false;
	return TEG_OK;
}

/* ---- rows ---- */

struct taking {
	struct teg_array *array;
	const teg_allocator *alloc;
	const struct take_index *index;
	uint32_t n, n_tiles;
	uint32_t *tile_of, *rows; /* per row asked for */
	uint32_t *opened;         /* plan tile -> place in tiles + 1 */
	struct tile *tiles;
	struct tile **tile_at;
	struct gather *gather;
	struct tile_reader reader;
};

static void stop_taking(struct taking *t)
{
	size_t n_plan = t->index->plan.n_tiles;

	for (uint32_t i = 0; i < t->n_tiles; i++)
		tile_release(&t->tiles[i]);
	mem_free(t->alloc, t->tile_of, t->n * sizeof *t->tile_of);
	mem_free(t->alloc, t->rows, t->n * sizeof *t->rows);
	mem_free(t->alloc, t->opened, n_plan * sizeof *t->opened);
	mem_free(t->alloc, t->tiles, t->n * sizeof *t->tiles);
	mem_free(t->alloc, t->tile_at, t->n * sizeof(struct tile *));
	gather_free(t->gather);
	store_reader_give(version_store(t->array->snapshot->version), &t->reader);
}

static teg_status start_taking(struct taking *t, teg_error *err)
{
	size_t n_plan = t->index->plan.n_tiles;

	t->tile_of = mem_array(t->alloc, t->n, sizeof *t->tile_of);
	t->rows = mem_array(t->alloc, t->n, sizeof *t->rows);
	t->opened = mem_zalloc(t->alloc, n_plan * sizeof *t->opened);
	t->tiles = mem_array(t->alloc, t->n, sizeof *t->tiles);
	t->tile_at = mem_array(t->alloc, t->n, sizeof(struct tile *));
	t->gather = gather_new(t->alloc);
	if (!t->tile_of || !t->rows || !t->opened || !t->tiles || !t->tile_at || !t->gather)
		return no_memory(err);
	return store_reader_take(version_store(t->array->snapshot->version), &t->reader, err);
}

static teg_status open_tile_of(struct taking *t, uint32_t plan_tile, uint32_t *at_out,
                               teg_error *err)
{
	const struct plan_tile *tile = &t->index->plan.tiles[plan_tile];
	struct segment *segment;

	if (!t->opened[plan_tile]) {
		TEG_TRY(array_segment(t->array, tile->segment, &segment, err));
		TEG_TRY(tile_open(&t->tiles[t->n_tiles], segment, &tile->entry, t->alloc, err));
		t->tile_at[t->n_tiles] = &t->tiles[t->n_tiles];
		t->opened[plan_tile] = ++t->n_tiles;
	}
	*at_out = t->opened[plan_tile] - 1;
	return TEG_OK;
}

static teg_status find_rows(struct taking *t, const int64_t *ordinals, teg_error *err)
{
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t tile;

		if (ordinals[i] < 0 || (uint64_t)ordinals[i] >= t->index->rank.n_live) {
			teg_fail(err, TEG_DOMAIN, "ordinal %lld is outside the %llu live rows",
			         (long long)ordinals[i], (unsigned long long)t->index->rank.n_live);
			error_in_array(err, TEG_DOMAIN, t->array->state.name);
			return error_at_row(err, TEG_DOMAIN, i);
		}
		rank_find(&t->index->rank, (uint64_t)ordinals[i], &tile, &t->rows[i]);
		TEG_TRY(open_tile_of(t, tile, &t->tile_of[i], err));
	}
	return TEG_OK;
}

static teg_status fill_batch(struct taking *t, const struct output *outputs, struct batch *batch,
                             teg_error *err)
{
	struct selection sel = { .n = t->n,
		                 .resolved = true,
		                 .rows = t->rows,
		                 .tiles = t->tile_at,
		                 .tile_of = t->tile_of };

	if (t->n)
		TEG_TRY(gather_bind(t->gather, &sel, NULL, 0, t->n, err));
	for (uint32_t i = 0; t->n && i < batch->n_columns; i++)
		TEG_TRY(gather_column(t->gather, &t->reader, outputs[i].id, &batch->columns[i],
		                      err));
	batch->n_rows = t->n;
	return TEG_OK;
}

/* ---- outputs ---- */

static teg_status choose(struct teg_array *array, const char *const *columns, size_t n_columns,
                         struct output *outputs, uint32_t *n_out, teg_error *err)
{
	const struct schema *schema = array->state.schema;

	*n_out = 0;
	for (uint32_t i = 0; !columns && i < schema->n_attrs; i++)
		outputs[(*n_out)++] = output_of_field(&schema->attrs[i]);
	for (size_t i = 0; columns && i < n_columns; i++) {
		const struct field *field = schema_field(schema, columns[i]);

		if (!field) {
			teg_fail(err, TEG_NOT_FOUND, "array '%s' has no column '%s'",
			         array->state.name, columns[i]);
			error_in_array(err, TEG_NOT_FOUND, array->state.name);
			return error_in_column(err, TEG_NOT_FOUND, columns[i]);
		}
		outputs[(*n_out)++] = output_of_field(field);
	}
	return TEG_OK;
}

static teg_status take_columns(struct taking *t, const struct output *outputs, uint32_t n_outputs,
                               struct ArrowSchema *schema_out, struct ArrowArray *batch_out,
                               teg_error *err)
{
	const struct schema *schema = t->array->state.schema;
	struct batch_pool *pool = batch_pool_new(outputs, n_outputs, t->alloc);
	struct batch *batch = pool ? batch_take(pool) : NULL;
	teg_status status = batch ? TEG_OK : no_memory(err);

	if (status == TEG_OK)
		status = fill_batch(t, outputs, batch, err);
	if (status == TEG_OK)
		status = batch_export_alone(batch, outputs, schema->metadata, schema->n_metadata,
		                            schema_out, batch_out, err);
	if (status != TEG_OK && batch)
		batch_give(batch);
	batch_pool_release(pool);
	return status;
}

static teg_status take_rows(struct teg_array *array, const struct take_index *index,
                            const int64_t *ordinals, size_t n, const struct output *outputs,
                            uint32_t n_outputs, struct ArrowSchema *schema_out,
                            struct ArrowArray *batch_out, teg_error *err)
{
	struct taking t = {
		.array = array, .alloc = array->arena.alloc, .index = index, .n = (uint32_t)n
	};
	teg_status status = start_taking(&t, err);

	if (status == TEG_OK)
		status = find_rows(&t, ordinals, err);
	if (status == TEG_OK)
		status = take_columns(&t, outputs, n_outputs, schema_out, batch_out, err);
	stop_taking(&t);
	return status;
}

static teg_status check_table(const struct teg_array *array, teg_error *err)
{
	if (array->state.schema->kind == TEG_TABLE)
		return TEG_OK;
	return teg_fail(err, TEG_MISUSE, "rows are taken by ordinal from tables only: '%s' is none",
	                array->state.name);
}

teg_status teg_take(teg_array *array, const int64_t *ordinals, size_t n, const char *const *columns,
                    size_t n_columns, const teg_read_options *options,
                    struct ArrowSchema *schema_out, struct ArrowArray *batch_out, teg_error *err)
{
	struct take_index *index;
	struct output *outputs;
	struct view view;
	uint32_t n_outputs;
	bool own;
	size_t most;
	teg_status status;

	if (!array || (n && !ordinals) || n > UINT32_MAX / 2 || !schema_out || !batch_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_take needs an array, ordinals and places for the rows");
	memset(schema_out, 0, sizeof *schema_out);
	memset(batch_out, 0, sizeof *batch_out);
	TEG_TRY(check_table(array, err));
	TEG_TRY(read_view(array, options, &view, err));
	most = (columns ? n_columns : array->state.schema->n_attrs) + 1;
	outputs = mem_array(array->arena.alloc, most, sizeof *outputs);
	if (!outputs)
		return no_memory(err);
	status = choose(array, columns, n_columns, outputs, &n_outputs, err);
	if (status == TEG_OK)
		status = get_index(array, &view, &index, &own, err);
	if (status == TEG_OK) {
		status = take_rows(array, index, ordinals, n, outputs, n_outputs, schema_out,
		                   batch_out, err);
		if (own)
			free_index(index);
	}
	mem_free(array->arena.alloc, outputs, most * sizeof *outputs);
	return status;
}

teg_status teg_count_live(teg_array *array, const teg_read_options *options, uint64_t *n_out,
                          teg_error *err)
{
	struct take_index *index;
	struct view view;
	bool own;

	if (!array || !n_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_count_live needs an array and a place for the count");
	TEG_TRY(check_table(array, err));
	TEG_TRY(read_view(array, options, &view, err));
	TEG_TRY(get_index(array, &view, &index, &own, err));
	*n_out = index->rank.n_live;
	if (own)
		free_index(index);
	return TEG_OK;
}
