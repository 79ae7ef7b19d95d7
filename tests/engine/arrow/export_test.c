#include "engine/arrow/export.h"
#include "engine/arrow/import.h"
#include "tests/support/memory.h"
#include <criterion/criterion.h>
#include <pthread.h>

static struct memory mem;

static void set_up(void)
{
	memory_init(&mem);
}

static void tear_down(void)
{
	memory_check(&mem);
}

TestSuite(export, .init = set_up, .fini = tear_down);

static const teg_metadata pairs[] = { { "unit", "\0mm", 4, 3 }, { "", "x", 0, 1 } };

static struct output output_of(const char *name, teg_type type)
{
	struct output o = { .name = name, .type = { .type = type }, .nullable = true };
	enum value_class class;

	cr_assert(type_layout(&o.type, &o.layout.shape, &o.layout.width, &class));
	return o;
}

/* Columns of the batches below: int32, bool, utf8. */
static void make_outputs(struct output out[3])
{
	out[0] = output_of("number", TEG_INT32);
	out[1] = output_of("flag", TEG_BOOL);
	out[2] = output_of("text", TEG_UTF8);
	out[0].metadata = pairs;
	out[0].n_metadata = 2;
	out[1].nullable = false;
}

static teg_status fill(struct batch *batch, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int32_t number = (int32_t)i;
		uint8_t flag = i % 3 == 0;
		bool null = i % 4 == 1;

		if (null)
			TEG_TRY(column_buf_append_nulls(&batch->columns[0], 1));
		else
			TEG_TRY(column_buf_append_value(&batch->columns[0], span_of(&number, 4),
			                                1));
		TEG_TRY(column_buf_append_value(&batch->columns[1], span_of(&flag, 1), 1));
		TEG_TRY(column_buf_append_value(&batch->columns[2], span_of("abcdefg", i % 8), 1));
	}
	batch->n_rows = n;
	return TEG_OK;
}

/* ---- schemas ---- */

Test(export, a_schema_shows_names_types_nulls_and_metadata) /* H15 P1 */
{
	struct output outputs[3];
	struct ArrowSchema schema, moved;
	struct arena arena;
	const teg_metadata *back;
	size_t n;

	make_outputs(outputs);
	arena_init(&arena, &mem.alloc, SIZE_MAX);
	cr_assert_eq(export_schema(outputs, 3, pairs, 1, &mem.alloc, &schema, NULL), TEG_OK);
	cr_assert_str_eq(schema.format, "+s");
	cr_assert_eq(schema.n_children, 3);
	cr_assert_str_eq(schema.children[0]->format, "i");
	cr_assert_str_eq(schema.children[1]->format, "b");
	cr_assert_str_eq(schema.children[2]->name, "text");
	cr_assert(schema.children[0]->flags & ARROW_FLAG_NULLABLE);
	cr_assert_not(schema.children[1]->flags & ARROW_FLAG_NULLABLE);
	cr_assert_null(schema.children[1]->metadata);
	cr_assert_eq(import_metadata(schema.children[0]->metadata, &arena, &back, &n, NULL),
	             TEG_OK);
	cr_assert_eq(n, 2);
	cr_assert_arr_eq(back[0].value, "\0mm", 3);
	cr_assert_eq(back[1].key_len, 0);
	cr_assert_eq(import_metadata(schema.metadata, &arena, &back, &n, NULL), TEG_OK);
	cr_assert_eq(n, 1);
	/* A child moved out outlives its parent. */
	moved = *schema.children[2];
	schema.children[2]->release = NULL;
	schema.release(&schema);
	cr_assert_null(schema.release);
	cr_assert_str_eq(moved.name, "text");
	moved.release(&moved);
	arena_release(&arena);
}

Test(export, times_are_utc_microseconds_and_open_is_null)
{
	static const struct {
		uint32_t id;
		const char *name;
		bool nullable;
	} times[] = { { COLUMN_ID_SYSTEM_FROM, "system_from", false },
		      { COLUMN_ID_SYSTEM_UNTIL, "system_until", true },
		      { COLUMN_ID_VALID_FROM, "valid_from", true },
		      { COLUMN_ID_VALID_UNTIL, "valid_until", true },
		      { COLUMN_ID_KIND, "row_kind", false } };
	struct output o;

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		teg_data_type utc = { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "UTC" };

		cr_assert(output_of_time(times[i].id, &o));
		cr_assert_str_eq(o.name, times[i].name);
		cr_assert_eq(o.nullable, times[i].nullable);
		cr_assert_eq(type_equal(&o.type, &utc), times[i].id != COLUMN_ID_KIND);
	}
	cr_assert_not(output_of_time(COLUMN_ID_EXACT, &o));
	cr_assert_not(output_of_time(0, &o));
}

/* ---- batches ---- */

static void check_batch(const struct ArrowArray *array, uint32_t n)
{
	const struct ArrowArray *number = array->children[0], *flag = array->children[1];
	const struct ArrowArray *texts = array->children[2];

	cr_assert_eq(array->length, n);
	cr_assert_eq(array->n_children, 3);
	cr_assert_eq(number->null_count, (n + 2) / 4);
	cr_assert_eq(flag->null_count, 0);
	cr_assert_null(flag->buffers[0], "no validity without nulls");
	cr_assert_eq(number->n_buffers, 2);
	cr_assert_eq(texts->n_buffers, 3);
	for (uint32_t i = 0; i < n; i++) {
		const int32_t *at = texts->buffers[1];
		bool null = number->buffers[0] && !bitmap_get(number->buffers[0], i);

		cr_assert_eq(null, i % 4 == 1);
		cr_assert(null || ((const int32_t *)number->buffers[1])[i] == (int32_t)i);
		cr_assert_eq(bitmap_get(flag->buffers[1], i), i % 3 == 0);
		cr_assert_eq(at[i + 1] - at[i], (int32_t)(i % 8));
	}
	for (int c = 0; c < 3; c++)
		for (int b = 1; b < array->children[c]->n_buffers; b++)
			cr_assert_eq((uintptr_t)array->children[c]->buffers[b] % 64, 0);
}

static struct batch_pool *new_pool(const teg_allocator *alloc)
{
	struct output outputs[3];

	make_outputs(outputs);
	return batch_pool_new(outputs, 3, alloc);
}

Test(export, a_batch_is_arrow_and_outlives_the_pool) /* P4 H13 */
{
	static const uint32_t counts[] = { 0, 1, 2, 7, 8, 9, 1000 };

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct batch_pool *pool = new_pool(&mem.alloc);
		struct batch *batch = batch_take(pool);
		struct ArrowArray array;

		cr_assert_eq(fill(batch, counts[i]), TEG_OK);
		cr_assert_eq(batch_export(batch, &array, NULL), TEG_OK);
		batch_pool_release(pool);
		check_batch(&array, counts[i]);
		array.release(&array);
		cr_assert_null(array.release);
	}
}

Test(export, a_child_can_be_moved_out)
{
	struct batch_pool *pool = new_pool(&mem.alloc);
	struct batch *batch = batch_take(pool);
	struct ArrowArray array, moved;

	cr_assert_eq(fill(batch, 9), TEG_OK);
	cr_assert_eq(batch_export(batch, &array, NULL), TEG_OK);
	moved = *array.children[0];
	array.children[0]->release = NULL;
	array.release(&array);
	batch_pool_release(pool);
	cr_assert_eq(((const int32_t *)moved.buffers[1])[8], 8);
	moved.release(&moved);
}

Test(export, memory_goes_round)
{
	struct batch_pool *pool = new_pool(&mem.alloc);
	const void *before = NULL;

	for (int round = 0; round < 5; round++) {
		struct batch *batch = batch_take(pool);
		struct ArrowArray array;

		cr_assert_eq(fill(batch, 500), TEG_OK);
		cr_assert_eq(batch_export(batch, &array, NULL), TEG_OK);
		check_batch(&array, 500);
		cr_assert(!before || before == array.children[0]->buffers[1], "round %d", round);
		before = array.children[0]->buffers[1];
		array.release(&array);
	}
	batch_give(batch_take(pool));
	batch_pool_release(pool);
}

static void *release_here(void *ctx)
{
	struct ArrowArray *array = ctx;

	array->release(array);
	return NULL;
}

Test(export, batches_are_released_on_any_thread) /* T10 */
{
	struct batch_pool *pool = new_pool(&mem.alloc);
	struct ArrowArray arrays[16];
	pthread_t threads[16];

	for (int i = 0; i < 16; i++) {
		struct batch *batch = batch_take(pool);

		cr_assert_eq(fill(batch, 64), TEG_OK);
		cr_assert_eq(batch_export(batch, &arrays[i], NULL), TEG_OK);
	}
	for (int i = 0; i < 16; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, release_here, &arrays[i]), 0);
	batch_pool_release(pool);
	for (int i = 0; i < 16; i++)
		pthread_join(threads[i], NULL);
}

static teg_status export_one(const teg_allocator *alloc, void *ctx)
{
	struct output outputs[3];
	struct ArrowSchema schema;
	struct ArrowArray array;
	struct batch_pool *pool;
	struct batch *batch = NULL;
	teg_status status;

	(void)ctx;
	make_outputs(outputs);
	TEG_TRY(export_schema(outputs, 3, pairs, 2, alloc, &schema, NULL));
	schema.release(&schema);
	pool = new_pool(alloc);
	if (pool)
		batch = batch_take(pool);
	status = batch ? fill(batch, 100) : TEG_NOMEM;
	if (status == TEG_OK)
		status = batch_export(batch, &array, NULL);
	if (status == TEG_OK)
		array.release(&array);
	else if (batch)
		batch_give(batch);
	batch_pool_release(pool);
	return status;
}

Test(export, every_failed_allocation_is_reported)
{
	cr_assert_gt(memory_fail_each(export_one, NULL), 10);
}
