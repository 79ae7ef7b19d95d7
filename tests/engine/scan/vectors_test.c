/* Embeddings: fixed-size lists of floats, read as a whole and by the row. */
#include <criterion/criterion.h>
#include "engine/os/memory.h"
#include "engine/tegula.h"
#include "tests/support/memory.h"
#include "tests/support/rng.h"

#define OK(call) cr_assert_eq(call, TEG_OK, "%s", err.message)
#define WIDTH 4096 /* floats: 16 KiB */
#define ROWS 1000

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
	teg_snapshot *snapshot;
	teg_array *array;
	uint32_t *floats; /* any bits: signalling NaN among them */
};

static void world_init(struct world *w, teg_profile profile)
{
	static const teg_attribute number[] = { { .type = { .type = TEG_FLOAT32 } } };
	const teg_attribute vector = { .name = "v",
		                       .type = { .type = TEG_FIXED_LIST,
		                                 .list_size = WIDTH,
		                                 .children = number,
		                                 .n_children = 1 } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .profile = profile,
		          .attributes = &vector,
		          .n_attributes = 1 };
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .allocator = &w->mem.alloc,
		                      .no_auto_compact = true };
	teg_column values, column = { .name = "v", .children = &values, .n_children = 1 };
	struct rng rng = { 9 };
	teg_error err = { 0 };
	teg_txn *txn;

	memory_init(&w->mem);
	w->os = options.os = os_memory_new(teg_allocator_default(), 1);
	w->floats = malloc((size_t)ROWS * WIDTH * sizeof *w->floats);
	rng_fill(&rng, w->floats, (size_t)ROWS * WIDTH * sizeof *w->floats);
	OK(teg_store_open(NULL, &options, &w->store, &err));
	OK(teg_txn_begin(w->store, NULL, &txn, &err));
	OK(teg_txn_create(txn, "e", &spec, &err));
	for (size_t from = 0; from < ROWS; from += ROWS / 2) {
		values = (teg_column){ .values = w->floats + from * WIDTH };
		OK(teg_txn_put(txn, "e", &column, 1, ROWS / 2, NULL, &err));
	}
	OK(teg_txn_commit(txn, NULL, &err));
	OK(teg_snapshot_open(w->store, &w->snapshot, &err));
	OK(teg_array_open(w->snapshot, "e", &w->array, &err));
}

static void world_release(struct world *w)
{
	teg_array_close(w->array);
	teg_snapshot_close(w->snapshot);
	teg_store_close(w->store);
	os_free(w->os);
	free(w->floats);
	memory_check(&w->mem);
}

Test(vectors, all_of_them_are_one_buffer_read_into_place) /* H13 H1 */
{
	teg_scan_options all = { .struct_size = sizeof all, .batch_rows = UINT32_MAX };
	size_t len = (size_t)ROWS * WIDTH * sizeof(float), before;
	teg_error err = { 0 };
	struct ArrowArray batch, more;
	struct world w;
	teg_scan *scan;

	world_init(&w, TEG_BALANCED);
	before = w.mem.live_len;
	w.mem.peak_len = before;
	OK(teg_scan_open(w.array, &all, &scan, &err));
	OK(teg_scan_next(scan, &batch, &err));
	cr_assert_eq(batch.length, ROWS);
	{
		const void *values = batch.children[0]->children[0]->buffers[1];

		cr_assert_eq((uintptr_t)values % 64, 0);
		cr_assert_eq(memcmp(values, w.floats, len), 0);
	}
	/* Nowhere a second time, not even on the way. */
	cr_assert_lt(w.mem.peak_len - before, len + (2u << 20), "%zu bytes for %zu",
	             w.mem.peak_len - before, len);
	cr_assert_eq(teg_scan_next(scan, &more, &err), TEG_END);
	teg_scan_close(scan);
	batch.release(&batch);
	world_release(&w);
}

Test(vectors, a_take_costs_the_pages_of_its_rows) /* H12 H3 */
{
	static const int64_t rows[] = { 700, 0, 700, 999 };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_error err = { 0 };
	struct world w;

	world_init(&w, TEG_BALANCED);
	OK(teg_take(w.array, rows, 4, NULL, 0, NULL, &schema, &batch, &err));
	cr_assert_eq(batch.length, 4);
	for (int i = 0; i < 4; i++) {
		const struct ArrowArray *list = batch.children[batch.n_children - 1];
		const uint32_t *values = list->children[0]->buffers[1];

		cr_assert_eq(memcmp(values + i * WIDTH, w.floats + rows[i] * WIDTH,
		                    WIDTH * sizeof(float)),
		             0, "row %lld", (long long)rows[i]);
	}
	batch.release(&batch);
	schema.release(&schema);
	world_release(&w);
}
