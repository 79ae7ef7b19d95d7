/* Vectors of several KiB: read straight into the batch, in whatever order they are asked for, in batches
 * that end where they hold much. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "engine/os/memory.h"
#include "engine/tegula.h"
#include "engine/tegula_unstable.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define OK(call)                                                                      \
	do {                                                                          \
		teg_error err_ = { 0 }, *err = &err_;                                 \
		teg_status got_ = (call);                                             \
		cr_assert_eq(got_, TEG_OK, "%s: %s %s", #call, teg_status_name(got_), \
		             err->message);                                           \
	} while (0)

#define SIZE 2048 /* floats of a vector: 8 KiB */
#define ROWS 1100 /* more than two tiles */

static float values[ROWS * SIZE];

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
	char path[256];
	uint64_t off, len; /* of its segment */
};

static void keep(struct ArrowArray *array)
{
	array->release = NULL;
}

static void keep_schema(struct ArrowSchema *schema)
{
	schema->release = NULL;
}

static void put(teg_txn *txn)
{
	const void *buffers[2] = { NULL, values }, *none[1] = { NULL };
	struct ArrowArray item = {
		.length = ROWS * SIZE, .n_buffers = 2, .buffers = buffers, .release = keep
	};
	struct ArrowArray *items[1] = { &item };
	struct ArrowArray list = { .length = ROWS,
		                   .n_buffers = 1,
		                   .buffers = none,
		                   .n_children = 1,
		                   .children = items,
		                   .release = keep };
	struct ArrowArray *lists[1] = { &list };
	struct ArrowArray batch = { .length = ROWS,
		                    .n_buffers = 1,
		                    .buffers = none,
		                    .n_children = 1,
		                    .children = lists,
		                    .release = keep };
	struct ArrowSchema f = { .format = "f", .name = "item", .release = keep_schema };
	struct ArrowSchema *fs[1] = { &f };
	struct ArrowSchema w = {
		.format = "+w:2048", .name = "e", .n_children = 1, .children = fs
	};
	struct ArrowSchema *ws[1] = { &w };
	struct ArrowSchema s = {
		.format = "+s", .name = "", .n_children = 1, .children = ws, .release = keep_schema
	};

	OK(teg_txn_put_arrow(txn, "t", &s, &batch, NULL, err));
}

static bool note_segment(void *ctx, const teg_segment_info *info)
{
	struct world *w = ctx;

	snprintf(w->path, sizeof w->path, "segments/%s", info->object);
	w->off = info->offset;
	w->len = info->length;
	return false;
}

static void open_world(struct world *w)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	teg_attribute item = { .name = "item", .type = { .type = TEG_FLOAT32 } };
	teg_attribute attr = { .name = "e",
		               .type = { .type = TEG_FIXED_LIST,
		                         .list_size = SIZE,
		                         .children = &item,
		                         .n_children = 1 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = &attr,
		          .n_attributes = 1 };
	struct rng rng = { 5 };
	teg_txn *txn;

	memset(w, 0, sizeof *w);
	rng_fill(&rng, values, sizeof values);
	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	options.allocator = &w->mem.alloc;
	options.os = w->os;
	OK(teg_store_open(NULL, &options, &w->store, err));
	OK(teg_txn_begin(w->store, NULL, &txn, err));
	OK(teg_txn_create(txn, "t", &spec, err));
	put(txn);
	OK(teg_txn_commit(txn, NULL, err));
	OK(teg_snapshot_open(w->store, &w->snapshot, err));
	OK(teg_array_open(w->snapshot, "t", &w->array, err));
	OK(teg_walk_segments(w->array, note_segment, w, err));
}

static void close_world(struct world *w)
{
	teg_array_close(w->array);
	teg_snapshot_close(w->snapshot);
	teg_store_close(w->store);
	os_free(w->os);
	memory_check(&w->mem);
}

static const float *floats(const struct ArrowArray *batch)
{
	return (const float *)batch->children[0]->children[0]->buffers[1];
}

Test(gather, come_in_the_order_asked_for) /* H5 H12 */
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	struct rng rng = { 6 };
	int64_t at[200];
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < 200; i++)
		at[i] = (int64_t)rng_below(&rng, ROWS);
	at[100] = at[101] = at[7];
	OK(teg_take(w.array, at, 200, NULL, 0, NULL, &schema, &batch, err));
	cr_assert_eq(batch.length, 200);
	for (size_t i = 0; i < 200; i++)
		cr_assert_arr_eq(floats(&batch) + i * SIZE, values + at[i] * SIZE,
		                 SIZE * sizeof(float), "%zu", i);
	schema.release(&schema);
	batch.release(&batch);
	close_world(&w);
}

Test(gather, end_a_batch_that_holds_much)
{
	teg_scan_options options = { .struct_size = sizeof options };
	struct ArrowArray batch;
	struct world w;
	teg_status status;
	int64_t n = 0;
	teg_scan *scan;

	open_world(&w);
	OK(teg_scan_open(w.array, &options, &scan, err));
	while ((status = teg_scan_next(scan, &batch, NULL)) == TEG_OK) {
		cr_assert_leq(batch.length, 1024, "no more than two tiles of 4 MiB");
		cr_assert_arr_eq(floats(&batch), values + n * SIZE,
		                 (size_t)batch.length * SIZE * sizeof(float));
		n += batch.length;
		batch.release(&batch);
	}
	cr_assert_eq(status, TEG_END);
	cr_assert_eq(n, ROWS);
	teg_scan_close(scan);
	close_world(&w);
}

Test(gather, are_verified_where_they_lie) /* X1 X18 */
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	struct world w;
	size_t found = 0;

	open_world(&w);
	for (uint64_t byte = 5000; byte < w.len - 10000; byte += 1000003) {
		teg_scan_options options = { .struct_size = sizeof options };
		teg_error failure = { 0 };
		teg_scan *scan;

		cr_assert(memory_flip(w.os, w.path, w.off + byte, 3));
		for (int64_t i = 0; i < ROWS; i++) {
			teg_status status =
				teg_take(w.array, &i, 1, NULL, 0, NULL, &schema, &batch, &failure);

			found += status == TEG_CORRUPT;
			if (status != TEG_OK)
				continue;
			cr_assert_arr_eq(floats(&batch), values + i * SIZE, SIZE * sizeof(float));
			schema.release(&schema);
			batch.release(&batch);
		}
		cr_assert_str_eq(failure.file, w.path);
		cr_assert(strncmp(failure.column, "e", 1) == 0, "%s", failure.column);
		OK(teg_scan_open(w.array, &options, &scan, err));
		while (teg_scan_next(scan, &batch, &failure) == TEG_OK)
			batch.release(&batch);
		cr_assert_eq(failure.status, TEG_CORRUPT);
		teg_scan_close(scan);
		cr_assert(memory_flip(w.os, w.path, w.off + byte, 3));
	}
	cr_assert_geq(found, 9, "%zu", found);
	cr_assert_leq(found, 20, "one page each, not all");
	close_world(&w);
}
