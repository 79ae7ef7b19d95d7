#include "engine/arrow/export.h"
#include "engine/arrow/format.h"
#include <stdatomic.h>

/* ---- outputs ---- */

struct output output_of_field(const struct field *field)
{
	return (struct output){ .id = field->id,
		                .name = field->name,
		                .type = field->type,
		                .nullable = field->nullable,
		                .layout = field_layout(field),
		                .metadata = field->metadata,
		                .n_metadata = field->n_metadata };
}

void output_may_lack(struct output *output)
{
	output->nullable |= output->id >= COLUMN_ID_ATTRIBUTE && output->id < COLUMN_ID_SYSTEM_FROM;
}

bool output_of_time(uint32_t id, struct output *out)
{
	static const struct {
		uint32_t id;
		const char *name;
		bool nullable;
	} times[] = { { COLUMN_ID_SYSTEM_FROM, "system_from", false },
		      { COLUMN_ID_SYSTEM_UNTIL, "system_until", true },
		      { COLUMN_ID_VALID_FROM, "valid_from", true },
		      { COLUMN_ID_VALID_UNTIL, "valid_until", true } };

	*out = (struct output){ .id = id, .layout = { .shape = COLUMN_FIXED, .width = 8 } };
	out->type = (teg_data_type){ .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "UTC" };
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		if (times[i].id != id)
			continue;
		out->name = times[i].name;
		out->nullable = times[i].nullable;
		return true;
	}
	if (id != COLUMN_ID_KIND && id != COLUMN_ID_CHANGE)
		return false;
	out->name = id == COLUMN_ID_KIND ? "row_kind" : "change";
	out->layout.width = 1;
	out->type = (teg_data_type){ .type = TEG_UINT8 };
	return true;
}

/* ---- schema ---- */

/* Everything an exported schema shows, in one arena. The root and every child hold a share of it,
 * because a consumer may move a child out and release it later than the rest. */
struct schema_home {
	_Atomic uint32_t shares;
	struct arena arena;
	const teg_allocator *alloc;
};

static void drop_schema_share(struct schema_home *home)
{
	const teg_allocator *alloc = home->alloc;

	if (atomic_fetch_sub(&home->shares, 1) != 1)
		return;
	arena_release(&home->arena);
	mem_free(alloc, home, sizeof *home);
}

/* Of the root and of children of any depth. */
static void release_schema(struct ArrowSchema *schema)
{
	struct schema_home *home = schema->private_data;

	for (int64_t i = 0; i < schema->n_children; i++)
		if (schema->children[i]->release)
			schema->children[i]->release(schema->children[i]);
	schema->release = NULL;
	drop_schema_share(home);
}

/* Arrow's form: count, then length and bytes of each key and value, int32 in the machine's order. */
static bool pack_metadata(struct arena *arena, const teg_metadata *metadata, size_t n,
                          const char **out)
{
	size_t len = 4;
	char *at;

	*out = NULL;
	if (!n)
		return true;
	for (size_t i = 0; i < n; i++)
		len += 8 + metadata[i].key_len + metadata[i].value_len;
	if (len > INT32_MAX || !(at = arena_alloc(arena, len)))
		return false;
	*out = at;
	memcpy(at, &(int32_t){ (int32_t)n }, 4);
	at += 4;
	for (size_t i = 0; i < n; i++) {
		memcpy(at, &(int32_t){ (int32_t)metadata[i].key_len }, 4);
		memcpy(at + 4, metadata[i].key, metadata[i].key_len);
		at += 4 + metadata[i].key_len;
		memcpy(at, &(int32_t){ (int32_t)metadata[i].value_len }, 4);
		memcpy(at + 4, metadata[i].value, metadata[i].value_len);
		at += 4 + metadata[i].value_len;
	}
	return true;
}

static bool export_field(struct schema_home *home, const teg_attribute *field,
                         struct ArrowSchema *to);

static bool export_children(struct schema_home *home, const teg_data_type *type,
                            struct ArrowSchema *to)
{
	size_t n = type->n_children;
	struct ArrowSchema *children;

	if (!n)
		return true;
	children = arena_array(&home->arena, n, sizeof *children);
	to->children = arena_array(&home->arena, n, sizeof *to->children);
	if (!children || !to->children)
		return false;
	to->n_children = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		to->children[i] = &children[i];
		if (!export_field(home, &type->children[i], &children[i]))
			return false;
	}
	return true;
}

static bool export_field(struct schema_home *home, const teg_attribute *field,
                         struct ArrowSchema *to)
{
	char format[ARROW_FORMAT_MAX];

	arrow_format(&field->type, format);
	to->format = arena_text(&home->arena, span_of_text(format));
	to->name = arena_text(&home->arena, span_of_text(field->name));
	to->flags = field->nullable ? ARROW_FLAG_NULLABLE : 0;
	to->private_data = home;
	to->release = release_schema;
	home->shares++;
	return to->format && to->name &&
	       pack_metadata(&home->arena, field->metadata, field->n_metadata, &to->metadata) &&
	       export_children(home, &field->type, to);
}

static bool export_fields(struct schema_home *home, const struct output *outputs, uint32_t n,
                          struct ArrowSchema *root)
{
	struct ArrowSchema *children = arena_array(&home->arena, n ? n : 1, sizeof *children);

	root->children = arena_array(&home->arena, n ? n : 1, sizeof *root->children);
	if (!children || !root->children)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		teg_attribute field = { .name = outputs[i].name,
			                .type = outputs[i].type,
			                .nullable = outputs[i].nullable,
			                .metadata = outputs[i].metadata,
			                .n_metadata = outputs[i].n_metadata };

		root->children[i] = &children[i];
		if (!export_field(home, &field, &children[i]))
			return false;
	}
	root->n_children = n;
	return true;
}

teg_status export_schema(const struct output *outputs, uint32_t n, const teg_metadata *metadata,
                         size_t n_metadata, const teg_allocator *alloc,
                         struct ArrowSchema *schema_out, teg_error *err)
{
	struct schema_home *home = mem_zalloc(alloc, sizeof *home);

	memset(schema_out, 0, sizeof *schema_out);
	if (!home)
		return teg_fail(err, TEG_NOMEM, "no memory for an Arrow schema");
	home->alloc = alloc;
	arena_init(&home->arena, alloc, SIZE_MAX);
	schema_out->format = "+s";
	schema_out->name = "";
	home->shares = 1;
	schema_out->private_data = home;
	schema_out->release = release_schema;
	if (export_fields(home, outputs, n, schema_out) &&
	    pack_metadata(&home->arena, metadata, n_metadata, &schema_out->metadata))
		return TEG_OK;
	arena_release(&home->arena);
	mem_free(alloc, home, sizeof *home);
	memset(schema_out, 0, sizeof *schema_out);
	return teg_fail(err, TEG_NOMEM, "no memory for an Arrow schema");
}

/* ---- pool ---- */

#define POOL_KEEP 4 /* idle batches that are kept for the next use */

struct batch_pool {
	_Atomic uint32_t refs; /* the scan's, and one per batch out */
	atomic_flag lock;      /* over idle and n_idle: held for a few instructions */
	struct batch *idle;
	uint32_t n_idle;
	const teg_allocator *alloc;
	uint32_t n, n_nodes;
	struct column_layout *layouts; /* of the outputs */
	bool *is_bool;                 /* of their nodes, in preorder */
};

static uint32_t count_nodes(const teg_data_type *type)
{
	uint32_t n = 1;

	for (size_t i = 0; i < type->n_children; i++)
		n += count_nodes(&type->children[i].type);
	return n;
}

static bool *note_bools(const teg_data_type *type, bool *is_bool)
{
	*is_bool++ = type->type == TEG_BOOL;
	for (size_t i = 0; i < type->n_children; i++)
		is_bool = note_bools(&type->children[i].type, is_bool);
	return is_bool;
}

static void free_pool(struct batch_pool *pool)
{
	mem_free(pool->alloc, pool->layouts, pool->n * sizeof *pool->layouts);
	mem_free(pool->alloc, pool->is_bool, pool->n_nodes * sizeof *pool->is_bool);
	mem_free(pool->alloc, pool, sizeof *pool);
}

struct batch_pool *batch_pool_new(const struct output *outputs, uint32_t n,
                                  const teg_allocator *alloc)
{
	struct batch_pool *pool = mem_zalloc(alloc, sizeof *pool);
	bool *is_bool;

	if (!pool)
		return NULL;
	pool->alloc = alloc;
	pool->n = n;
	for (uint32_t i = 0; i < n; i++)
		pool->n_nodes += count_nodes(&outputs[i].type);
	pool->layouts = mem_array(alloc, n, sizeof *pool->layouts);
	pool->is_bool = mem_array(alloc, pool->n_nodes, sizeof *pool->is_bool);
	if (!pool->layouts || !pool->is_bool) {
		free_pool(pool);
		return NULL;
	}
	pool->refs = 1;
	atomic_flag_clear(&pool->lock);
	is_bool = pool->is_bool;
	for (uint32_t i = 0; i < n; i++) {
		pool->layouts[i] = outputs[i].layout;
		is_bool = note_bools(&outputs[i].type, is_bool);
	}
	return pool;
}

static void free_batch(struct batch *batch)
{
	const struct batch_pool *pool = batch->pool;

	for (uint32_t i = 0; i < batch->n_columns; i++)
		column_buf_release(&batch->columns[i]);
	for (uint32_t i = 0; batch->bitmaps && batch->bitmap_len && i < pool->n_nodes; i++)
		mem_free_aligned(pool->alloc, batch->bitmaps[i], batch->bitmap_len[i]);
	mem_free(pool->alloc, batch->columns, pool->n * sizeof *batch->columns);
	mem_free(pool->alloc, batch->bitmaps, pool->n_nodes * sizeof *batch->bitmaps);
	mem_free(pool->alloc, batch->bitmap_len, pool->n_nodes * sizeof *batch->bitmap_len);
	mem_free(pool->alloc, batch, sizeof *batch);
}

void batch_pool_release(struct batch_pool *pool)
{
	if (!pool || atomic_fetch_sub(&pool->refs, 1) != 1)
		return;
	while (pool->idle) {
		struct batch *next = pool->idle->next;

		free_batch(pool->idle);
		pool->idle = next;
	}
	free_pool(pool);
}

static struct batch *new_batch(struct batch_pool *pool)
{
	struct batch *batch = mem_zalloc(pool->alloc, sizeof *batch);

	if (!batch)
		return NULL;
	batch->pool = pool;
	batch->columns = mem_array(pool->alloc, pool->n, sizeof *batch->columns);
	batch->bitmaps = mem_zalloc(pool->alloc, pool->n_nodes * sizeof *batch->bitmaps);
	batch->bitmap_len = mem_zalloc(pool->alloc, pool->n_nodes * sizeof *batch->bitmap_len);
	if (!batch->columns || !batch->bitmaps || !batch->bitmap_len) {
		free_batch(batch);
		return NULL;
	}
	batch->n_columns = pool->n;
	for (uint32_t i = 0; i < pool->n; i++)
		column_buf_init_as(&batch->columns[i], pool->layouts[i], pool->alloc);
	return batch;
}

static struct batch *pop_idle(struct batch_pool *pool)
{
	struct batch *batch;

	while (atomic_flag_test_and_set(&pool->lock))
		;
	batch = pool->idle;
	if (batch) {
		pool->idle = batch->next;
		pool->n_idle--;
	}
	atomic_flag_clear(&pool->lock);
	return batch;
}

static bool push_idle(struct batch_pool *pool, struct batch *batch)
{
	bool keep;

	while (atomic_flag_test_and_set(&pool->lock))
		;
	keep = pool->n_idle < POOL_KEEP;
	if (keep) {
		batch->next = pool->idle;
		pool->idle = batch;
		pool->n_idle++;
	}
	atomic_flag_clear(&pool->lock);
	return keep;
}

struct batch *batch_take(struct batch_pool *pool)
{
	struct batch *batch = pop_idle(pool);

	if (!batch)
		batch = new_batch(pool);
	if (!batch)
		return NULL;
	atomic_fetch_add(&pool->refs, 1);
	return batch;
}

teg_status batch_reserve(struct batch *batch, size_t n)
{
	for (uint32_t i = 0; i < batch->n_columns; i++)
		TEG_TRY(column_buf_reserve_below(&batch->columns[i], n));
	return TEG_OK;
}

size_t batch_len(const struct batch *batch)
{
	size_t len = 0;

	for (uint32_t i = 0; i < batch->n_columns; i++)
		len += column_buf_len(&batch->columns[i]);
	return len;
}

/* Emptied now, not when it is used again, because of what is borrowed. */
void batch_give(struct batch *batch)
{
	struct batch_pool *pool = batch->pool;

	batch->n_rows = 0;

	for (uint32_t i = 0; i < batch->n_columns; i++)
		column_buf_clear(&batch->columns[i]);

	if (!push_idle(pool, batch))
		free_batch(batch);
	batch_pool_release(pool);
}

/* ---- arrays ---- */

#define BUFFERS_MAX 3

/* What an exported array points into; shared like a schema_home. */
struct array_home {
	_Atomic uint32_t shares;
	struct batch *batch;
	const teg_allocator *alloc;
	uint32_t n;                  /* nodes of all columns */
	struct ArrowArray *nodes;    /* in preorder */
	struct ArrowArray **node_at; /* the root's children, then those of each node that has any */
	const void **buffers;        /* BUFFERS_MAX per node, and one for the root */
	uint32_t n_filled, n_listed; /* of nodes and of node_at, on the way */
};

static void free_home(struct array_home *home)
{
	const teg_allocator *alloc = home->alloc;

	mem_free(alloc, home->nodes, home->n * sizeof *home->nodes);
	mem_free(alloc, home->node_at, home->n * sizeof *home->node_at);
	mem_free(alloc, home->buffers, ((size_t)home->n + 1) * BUFFERS_MAX * sizeof *home->buffers);
	mem_free(alloc, home, sizeof *home);
}

static void drop_share(struct array_home *home)
{
	if (atomic_fetch_sub(&home->shares, 1) != 1)
		return;
	batch_give(home->batch);
	free_home(home);
}

/* Of the root and of children of any depth. */
static void release_array(struct ArrowArray *array)
{
	struct array_home *home = array->private_data;

	for (int64_t i = 0; i < array->n_children; i++)
		if (array->children[i]->release)
			array->children[i]->release(array->children[i]);
	array->release = NULL;
	drop_share(home);
}

static bool make_bitmap(struct batch *batch, uint32_t i, const struct column_buf *column)
{
	size_t len = bitmap_len(column->n) + 8;
	uint8_t *map = batch->bitmaps[i];

	if (batch->bitmap_len[i] < len) {
		mem_free_aligned(batch->pool->alloc, map, batch->bitmap_len[i]);
		map = mem_alloc_aligned(batch->pool->alloc, len);
		batch->bitmaps[i] = map;
		batch->bitmap_len[i] = map ? len : 0;
	}
	if (!map)
		return false;
	memset(map, 0, len);
	for (size_t k = 0; k < column->n; k++)
		map[k >> 3] |= (uint8_t)((column->values[k] & 1u) << (k & 7));
	return true;
}

/* Arrow wants valid pointers even where there is nothing to point at. */
static const uint8_t nothing[MEM_ALIGN] __attribute__((aligned(MEM_ALIGN)));

static void fill_buffers(struct array_home *home, const struct column_buf *column, uint32_t node)
{
	const void **buffers = home->buffers + (size_t)node * BUFFERS_MAX;
	bool is_bool = home->batch->pool->is_bool[node];

	buffers[0] = column->n_nulls ? column->validity : NULL;
	if (shape_has_offsets(column->shape))
		buffers[1] = column->offsets;
	else
		buffers[1] = is_bool ? home->batch->bitmaps[node] : column->values;
	buffers[2] = column->values;
	for (int i = 1; i < BUFFERS_MAX; i++)
		if (!buffers[i])
			buffers[i] = nothing;
}

static int64_t n_buffers(enum column_shape shape)
{
	switch (shape) {
	case COLUMN_BYTES: return 3;
	case COLUMN_FIXED:
	case COLUMN_LIST: return 2;
	default: return 1;
	}
}

/* Fills the next node, and those below it. False: no memory. */
static bool fill_node(struct array_home *home, const struct column_buf *column)
{
	uint32_t at = home->n_filled++, list = home->n_listed;
	struct ArrowArray *node = &home->nodes[at];

	if (home->batch->pool->is_bool[at] && !make_bitmap(home->batch, at, column))
		return false;
	fill_buffers(home, column, at);
	*node = (struct ArrowArray){ .length = (int64_t)column->n,
		                     .null_count = (int64_t)column->n_nulls,
		                     .n_buffers = n_buffers(column->shape),
		                     .buffers = home->buffers + (size_t)at * BUFFERS_MAX,
		                     .n_children = column->n_children,
		                     .children = column->n_children ? &home->node_at[list] : NULL,
		                     .private_data = home,
		                     .release = release_array };
	home->n_listed += column->n_children;
	for (uint32_t i = 0; i < column->n_children; i++) {
		home->node_at[list + i] = &home->nodes[home->n_filled];
		if (!fill_node(home, &column->children[i]))
			return false;
	}
	return true;
}

static bool fill_nodes(struct array_home *home)
{
	struct batch *batch = home->batch;

	home->n_listed = batch->n_columns;
	for (uint32_t i = 0; i < batch->n_columns; i++) {
		/* So that the children of nested columns are there. */
		if (batch->columns[i].n_children &&
		    column_buf_reserve(&batch->columns[i], 0, 0) != TEG_OK)
			return false;
		home->node_at[i] = &home->nodes[home->n_filled];
		if (!fill_node(home, &batch->columns[i]))
			return false;
	}
	return true;
}

static struct array_home *new_home(struct batch *batch)
{
	const teg_allocator *alloc = batch->pool->alloc;
	struct array_home *home = mem_zalloc(alloc, sizeof *home);
	uint32_t n = batch->pool->n_nodes;

	if (!home)
		return NULL;
	home->batch = batch;
	home->alloc = alloc;
	home->n = n;
	home->shares = n + 1;
	home->nodes = mem_array(alloc, n, sizeof *home->nodes);
	home->node_at = mem_array(alloc, n, sizeof *home->node_at);
	home->buffers = mem_zalloc(alloc, ((size_t)n + 1) * BUFFERS_MAX * sizeof *home->buffers);
	if (home->nodes && home->node_at && home->buffers && fill_nodes(home))
		return home;
	free_home(home);
	return NULL;
}

teg_status batch_export(struct batch *batch, struct ArrowArray *array_out, teg_error *err)
{
	struct array_home *home = new_home(batch);

	memset(array_out, 0, sizeof *array_out);
	if (!home)
		return teg_fail(err, TEG_NOMEM, "no memory for an Arrow batch");
	*array_out = (struct ArrowArray){ .length = batch->n_rows,
		                          .n_buffers = 1,
		                          .buffers = home->buffers + (size_t)home->n * BUFFERS_MAX,
		                          .n_children = batch->n_columns,
		                          .children = home->node_at,
		                          .private_data = home,
		                          .release = release_array };
	return TEG_OK;
}

teg_status batch_export_alone(struct batch *batch, const struct output *outputs,
                              const teg_metadata *metadata, size_t n_metadata,
                              struct ArrowSchema *schema_out, struct ArrowArray *array_out,
                              teg_error *err)
{
	teg_status status;

	TEG_TRY(export_schema(outputs, batch->n_columns, metadata, n_metadata, batch->pool->alloc,
	                      schema_out, err));
	status = batch_export(batch, array_out, err);
	if (status != TEG_OK)
		schema_out->release(schema_out);
	return status;
}
