/* Aggregates under failing memory and the sanitizers: what they give is compared with brute force in
 * aggregate_test.py, which those cannot reach. */
#include <stdio.h>
#include <string.h>
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS 500

static void fill(teg_store *store)
{
	static int64_t x[ROWS], v[ROWS];
	static float f[ROWS];
	static int32_t offsets[ROWS + 1];
	static char texts[ROWS * 8];
	static uint8_t validity[ROWS / 8 + 1];
	teg_dimension dim = axis_of("x", TEG_INT64);
	teg_attribute attrs[] = { attribute_of("v", TEG_INT64), attribute_of("f", TEG_FLOAT32),
		                  attribute_of("s", TEG_UTF8) };
	teg_spec spec = spec_make(TEG_SPARSE, &dim, 1, attrs, 3);
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "v", .values = v, .validity = validity },
		                 { .name = "f", .values = f },
		                 { .name = "s", .values = texts, .offsets = offsets } };

	attrs[0].nullable = true;
	spec.tile_cells = 100;
	memset(validity, 0x77, sizeof validity);
	for (int i = 0; i < ROWS; i++) {
		x[i] = i;
		v[i] = i * 3;
		f[i] = (float)(i % 5) - 2;
		offsets[i + 1] = offsets[i] + sprintf(texts + offsets[i], "s%d", i % 7);
	}
	txn_create(store, "a", &spec);
	txn_put(store, "a", columns, 4, ROWS);
	txn_put(store, "a", columns, 4, 50); /* again: to be resolved */
}

static teg_status by_text(teg_array *array)
{
	static const char *const by[] = { "s", "f" };
	teg_measure measures[] = { { TEG_COUNT, NULL }, { TEG_SUM, "v" }, { TEG_MAX, "s" },
		                   { TEG_MEAN, "f" },   { TEG_MIN, "f" }, { TEG_NULL_COUNT, "v" } };
	teg_aggregate_options options = { .struct_size = sizeof options, .by = by, .n_by = 2 };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_status status =
		teg_aggregate(array, measures, 6, &options, NULL, &schema, &batch, NULL);

	if (status != TEG_OK) {
		cr_assert(!schema.release && !batch.release);
		return status;
	}
	cr_assert_eq(batch.length, 35);
	cr_assert_str_eq(schema.children[3]->name, "sum(v)");
	cr_assert_str_eq(schema.children[2]->name, "count()");
	batch.release(&batch);
	schema.release(&schema);
	return status;
}

static teg_status of_all(teg_array *array)
{
	teg_measure measures[] = { { TEG_COUNT, NULL }, { TEG_MIN, "v" }, { TEG_COUNT, "v" } };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_status status = teg_aggregate(array, measures, 3, NULL, NULL, &schema, &batch, NULL);
	const int64_t want[] = { ROWS, 0, 375 };

	if (status != TEG_OK)
		return status;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(((const int64_t *)batch.children[i]->buffers[1])[0], want[i], "%d", i);
	batch.release(&batch);
	schema.release(&schema);
	return status;
}

Test(tally, every_allocation_may_fail)
{
	static teg_status (*const calls[])(teg_array *) = { by_text, of_all };
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;

	memory_init(&mem);
	os = os_memory_new(&mem.alloc, 1);
	OK(teg_store_open(NULL,
	                  &(teg_store_options){ .struct_size = sizeof(teg_store_options),
	                                        .create = TEG_CREATE_NEW,
	                                        .no_auto_compact = true,
	                                        .allocator = &mem.alloc,
	                                        .os = os },
	                  &store, err));
	fill(store);
	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_array_open(snapshot, "a", &array, err));
	for (size_t i = 0; i < 2; i++) {
		size_t refused = mem.n_refused + 1;

		for (size_t n = 1; refused != mem.n_refused; n++) {
			teg_status status;

			refused = mem.n_refused;
			mem.fail_at = mem.n_requests + n;
			status = calls[i](array);
			mem.fail_at = 0;
			/* A cache may go without. */
			cr_assert(status == TEG_OK ||
			                  (status == TEG_NOMEM && mem.n_refused > refused),
			          "request %zu: %s", n, teg_status_name(status));
		}
		OK(calls[i](array));
	}
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
	os_free(os);
	memory_check(&mem);
}
