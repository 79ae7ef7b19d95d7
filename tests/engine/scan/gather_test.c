/* Vectors of several KiB: read straight into the batch, in whatever order they are asked for, in batches
 * that end where they hold much. */
#include <stdio.h>
#include <string.h>
#include "engine/tegula_unstable.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define SIZE 2048 /* floats of a vector: 8 KiB */
#define ROWS 1100 /* more than two tiles */

static float values[ROWS * SIZE];

struct vectors {
	struct world world;
	struct reading at;
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
	struct vectors *w = ctx;

	snprintf(w->path, sizeof w->path, "segments/%s", info->object);
	w->off = info->offset;
	w->len = info->length;
	return false;
}

static void open_vectors(struct vectors *w)
{
	teg_attribute item = attribute_of("item", TEG_FLOAT32), e = vector_of("e", &item, SIZE);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &e, 1);
	struct rng rng = { 5 };
	teg_txn *txn;

	rng_fill(&rng, values, sizeof values);
	world_make(&w->world, (teg_store_options){ 0 });
	txn = txn_begin(w->world.store);
	OK(teg_txn_create(txn, "t", &spec, err));
	put(txn);
	txn_commit(txn);
	reading_open(&w->at, w->world.store, "t");
	OK(teg_walk_segments(w->at.array, note_segment, w, err));
}

static void close_vectors(struct vectors *w)
{
	reading_close(&w->at);
	world_release(&w->world);
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
	struct vectors w;

	open_vectors(&w);
	for (size_t i = 0; i < 200; i++)
		at[i] = (int64_t)rng_below(&rng, ROWS);
	at[100] = at[101] = at[7];
	OK(teg_take(w.at.array, at, 200, NULL, 0, NULL, &schema, &batch, err));
	cr_assert_eq(batch.length, 200);
	for (size_t i = 0; i < 200; i++)
		cr_assert_arr_eq(floats(&batch) + i * SIZE, values + at[i] * SIZE,
		                 SIZE * sizeof(float), "%zu", i);
	schema.release(&schema);
	batch.release(&batch);
	close_vectors(&w);
}

Test(gather, end_a_batch_that_holds_much)
{
	teg_scan_options options = { .struct_size = sizeof options };
	struct ArrowArray batch;
	struct vectors w;
	int64_t n = 0;
	teg_scan *scan;

	open_vectors(&w);
	scan = reading_scan(&w.at, &options);
	while (batch_next(scan, &batch)) {
		cr_assert_leq(batch.length, 1024, "no more than two tiles of 4 MiB");
		cr_assert_arr_eq(floats(&batch), values + n * SIZE,
		                 (size_t)batch.length * SIZE * sizeof(float));
		n += batch.length;
		batch.release(&batch);
	}
	cr_assert_eq(n, ROWS);
	teg_scan_close(scan);
	close_vectors(&w);
}

Test(gather, are_verified_where_they_lie) /* X1 X18 */
{
	struct ArrowSchema schema;
	struct ArrowArray batch;
	struct vectors w;
	size_t found = 0;

	open_vectors(&w);
	for (uint64_t byte = 5000; byte < w.len - 10000; byte += 1000003) {
		teg_scan_options options = { .struct_size = sizeof options };
		teg_error failure = { 0 };
		teg_scan *scan;

		cr_assert(memory_flip(w.world.os, w.path, w.off + byte, 3));
		for (int64_t i = 0; i < ROWS; i++) {
			teg_status status = teg_take(w.at.array, &i, 1, NULL, 0, NULL, &schema,
			                             &batch, &failure);

			found += status == TEG_CORRUPT;
			if (status != TEG_OK)
				continue;
			cr_assert_arr_eq(floats(&batch), values + i * SIZE, SIZE * sizeof(float));
			schema.release(&schema);
			batch.release(&batch);
		}
		cr_assert_str_eq(failure.file, w.path);
		cr_assert(strncmp(failure.column, "e", 1) == 0, "%s", failure.column);
		scan = reading_scan(&w.at, &options);
		while (teg_scan_next(scan, &batch, &failure) == TEG_OK)
			batch.release(&batch);
		cr_assert_eq(failure.status, TEG_CORRUPT);
		teg_scan_close(scan);
		cr_assert(memory_flip(w.world.os, w.path, w.off + byte, 3));
	}
	cr_assert_geq(found, 9, "%zu", found);
	cr_assert_leq(found, 20, "one page each, not all");
	close_vectors(&w);
}
