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
		                .shape = field->shape,
		                .width = field->width,
		                .metadata = field->metadata,
		                .n_metadata = field->n_metadata };
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

	*out = (struct output){ .id = id, .shape = COLUMN_FIXED, .width = 8 };
	out->type = (teg_data_type){ .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "UTC" };
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		if (times[i].id != id)
			continue;
		out->name = times[i].name;
		out->nullable = times[i].nullable;
		return true;
	}
	if (id != COLUMN_ID_KIND)
		return false;
	out->name = "row_kind";
	out->width = 1;
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

/* Of the root and of children, which have none of their own. */
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

static bool export_field(struct arena *arena, const struct output *output, struct ArrowSchema *to)
{
	char format[ARROW_FORMAT_MAX];

	arrow_format(&output->type, format);
	to->format = arena_text(arena, span_of_text(format));
	to->name = arena_text(arena, span_of_text(output->name));
	to->flags = output->nullable ? ARROW_FLAG_NULLABLE : 0;
	return to->format && to->name &&
	       pack_metadata(arena, output->metadata, output->n_metadata, &to->metadata);
}

static bool export_fields(struct arena *arena, const struct output *outputs, uint32_t n,
                          struct ArrowSchema *root)
{
	struct ArrowSchema *children = arena_array(arena, n ? n : 1, sizeof *children);

	root->children = arena_array(arena, n ? n : 1, sizeof *root->children);
	if (!children || !root->children)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		root->children[i] = &children[i];
		if (!export_field(arena, &outputs[i], &children[i]))
			return false;
	}
	root->n_children = n;
	return true;
}

static void share_schema(struct schema_home *home, struct ArrowSchema *root)
{
	home->shares = (uint32_t)root->n_children + 1;
	root->private_data = home;
	root->release = release_schema;
	for (int64_t i = 0; i < root->n_children; i++) {
		root->children[i]->private_data = home;
		root->children[i]->release = release_schema;
	}
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
	if (export_fields(&home->arena, outputs, n, schema_out) &&
	    pack_metadata(&home->arena, metadata, n_metadata, &schema_out->metadata)) {
		share_schema(home, schema_out);
		return TEG_OK;
	}
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
	uint32_t n;
	struct shape {
		enum column_shape shape;
		uint32_t width;
		bool is_bool;
	} * shapes;
};

struct batch_pool *batch_pool_new(const struct output *outputs, uint32_t n,
                                  const teg_allocator *alloc)
{
	struct batch_pool *pool = mem_zalloc(alloc, sizeof *pool);

	if (!pool)
		return NULL;
	pool->shapes = mem_array(alloc, n, sizeof *pool->shapes);
	if (!pool->shapes) {
		mem_free(alloc, pool, sizeof *pool);
		return NULL;
	}
	pool->refs = 1;
	atomic_flag_clear(&pool->lock);
	pool->alloc = alloc;
	pool->n = n;
	for (uint32_t i = 0; i < n; i++)
		pool->shapes[i] = (struct shape){ outputs[i].shape, outputs[i].width,
			                          outputs[i].type.type == TEG_BOOL };
	return pool;
}

static void free_batch(struct batch *batch)
{
	const teg_allocator *alloc = batch->pool->alloc;
	uint32_t n = batch->n_columns;

	for (uint32_t i = 0; i < n; i++) {
		column_buf_release(&batch->columns[i]);
		if (batch->bitmaps)
			mem_free_aligned(alloc, batch->bitmaps[i], batch->bitmap_len[i]);
	}
	mem_free(alloc, batch->columns, n * sizeof *batch->columns);
	mem_free(alloc, batch->bitmaps, n * sizeof *batch->bitmaps);
	mem_free(alloc, batch->bitmap_len, n * sizeof *batch->bitmap_len);
	mem_free(alloc, batch, sizeof *batch);
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
	mem_free(pool->alloc, pool->shapes, pool->n * sizeof *pool->shapes);
	mem_free(pool->alloc, pool, sizeof *pool);
}

static struct batch *new_batch(struct batch_pool *pool)
{
	struct batch *batch = mem_zalloc(pool->alloc, sizeof *batch);

	if (!batch)
		return NULL;
	batch->pool = pool;
	batch->columns = mem_array(pool->alloc, pool->n, sizeof *batch->columns);
	batch->bitmaps = mem_zalloc(pool->alloc, pool->n * sizeof *batch->bitmaps);
	batch->bitmap_len = mem_zalloc(pool->alloc, pool->n * sizeof *batch->bitmap_len);
	if (batch->columns && batch->bitmaps && batch->bitmap_len) {
		batch->n_columns = pool->n;
		for (uint32_t i = 0; i < pool->n; i++)
			column_buf_init(&batch->columns[i], pool->shapes[i].shape,
			                pool->shapes[i].width, pool->alloc);
		return batch;
	}
	mem_free(pool->alloc, batch->columns, pool->n * sizeof *batch->columns);
	mem_free(pool->alloc, batch->bitmaps, pool->n * sizeof *batch->bitmaps);
	mem_free(pool->alloc, batch->bitmap_len, pool->n * sizeof *batch->bitmap_len);
	mem_free(pool->alloc, batch, sizeof *batch);
	return NULL;
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
	batch->n_rows = 0;
	for (uint32_t i = 0; i < batch->n_columns; i++)
		column_buf_clear(&batch->columns[i]);
	atomic_fetch_add(&pool->refs, 1);
	return batch;
}

void batch_give(struct batch *batch)
{
	struct batch_pool *pool = batch->pool;

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
	uint32_t n;
	struct ArrowArray *children;
	struct ArrowArray **child_at;
	const void **buffers; /* BUFFERS_MAX per column, and one for the root */
};

static void free_home(struct array_home *home)
{
	const teg_allocator *alloc = home->alloc;

	mem_free(alloc, home->children, home->n * sizeof *home->children);
	mem_free(alloc, home->child_at, home->n * sizeof *home->child_at);
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

static void release_child(struct ArrowArray *array)
{
	struct array_home *home = array->private_data;

	array->release = NULL;
	drop_share(home);
}

static void release_root(struct ArrowArray *array)
{
	struct array_home *home = array->private_data;

	for (int64_t i = 0; i < array->n_children; i++)
		if (array->children[i]->release)
			array->children[i]->release(array->children[i]);
	array->release = NULL;
	drop_share(home);
}

static bool make_bitmap(struct batch *batch, uint32_t i)
{
	struct column_buf *column = &batch->columns[i];
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

static void fill_child(struct array_home *home, uint32_t i)
{
	struct column_buf *column = &home->batch->columns[i];
	struct ArrowArray *child = &home->children[i];
	const void **buffers = home->buffers + (size_t)i * BUFFERS_MAX;
	bool is_bool = home->batch->pool->shapes[i].is_bool;

	*child = (struct ArrowArray){ .length = (int64_t)column->n,
		                      .null_count = (int64_t)column->n_nulls };
	buffers[0] = column->n_nulls ? column->validity : NULL;
	if (column->shape == COLUMN_BYTES) {
		buffers[1] = column->offsets ? (const void *)column->offsets : nothing;
		buffers[2] = column->values ? column->values : nothing;
	} else {
		buffers[1] = is_bool ? home->batch->bitmaps[i] : column->values;
		if (!buffers[1])
			buffers[1] = nothing;
	}
	child->n_buffers = column->shape == COLUMN_BYTES ? 3 : 2;
	child->buffers = buffers;
	child->private_data = home;
	child->release = release_child;
	home->child_at[i] = child;
}

static struct array_home *new_home(struct batch *batch)
{
	const teg_allocator *alloc = batch->pool->alloc;
	struct array_home *home = mem_zalloc(alloc, sizeof *home);
	uint32_t n = batch->n_columns;
	bool ok = home != NULL;

	if (!ok)
		return NULL;
	home->batch = batch;
	home->alloc = alloc;
	home->n = n;
	home->shares = n + 1;
	home->children = mem_array(alloc, n, sizeof *home->children);
	home->child_at = mem_array(alloc, n, sizeof *home->child_at);
	home->buffers = mem_zalloc(alloc, ((size_t)n + 1) * BUFFERS_MAX * sizeof *home->buffers);
	ok = home->children && home->child_at && home->buffers;
	for (uint32_t i = 0; ok && i < n; i++)
		ok = !batch->pool->shapes[i].is_bool || make_bitmap(batch, i);
	if (ok)
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
	for (uint32_t i = 0; i < home->n; i++)
		fill_child(home, i);
	*array_out = (struct ArrowArray){ .length = batch->n_rows,
		                          .n_buffers = 1,
		                          .buffers = home->buffers + (size_t)home->n * BUFFERS_MAX,
		                          .n_children = home->n,
		                          .children = home->child_at,
		                          .private_data = home,
		                          .release = release_root };
	return TEG_OK;
}
