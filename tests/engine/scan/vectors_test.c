/* Embeddings: fixed-size lists of floats, read as a whole and by the row. */
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define WIDTH 4096 /* floats: 16 KiB */
#define ROWS 1000

struct embeddings {
	struct world world;
	struct reading at;
	uint32_t *floats; /* any bits: signalling NaN among them */
};

static void open_embeddings(struct embeddings *w, teg_profile profile)
{
	const teg_attribute number = attribute_of(NULL, TEG_FLOAT32);
	const teg_attribute vector = vector_of("v", &number, WIDTH);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &vector, 1);
	teg_column values, column = { .name = "v", .children = &values, .n_children = 1 };
	struct rng rng = { 9 };
	teg_txn *txn;

	spec.profile = profile;
	world_make(&w->world, (teg_store_options){ .no_auto_compact = true });
	w->floats = malloc((size_t)ROWS * WIDTH * sizeof *w->floats);
	rng_fill(&rng, w->floats, (size_t)ROWS * WIDTH * sizeof *w->floats);
	txn = txn_begin(w->world.store);
	OK(teg_txn_create(txn, "e", &spec, err));
	for (size_t from = 0; from < ROWS; from += ROWS / 2) {
		values = (teg_column){ .values = w->floats + from * WIDTH };
		OK(teg_txn_put(txn, "e", &column, 1, ROWS / 2, NULL, err));
	}
	txn_commit(txn);
	reading_open(&w->at, w->world.store, "e");
}

static void close_embeddings(struct embeddings *w)
{
	reading_close(&w->at);
	world_release(&w->world);
	free(w->floats);
}

Test(vectors, all_of_them_are_one_buffer_read_into_place) /* H13 H1 */
{
	teg_scan_options all = { .struct_size = sizeof all, .batch_rows = UINT32_MAX };
	size_t len = (size_t)ROWS * WIDTH * sizeof(float), before;
	struct ArrowArray batch, more;
	struct embeddings w;
	teg_scan *scan;

	open_embeddings(&w, TEG_BALANCED);
	before = w.world.mem.live_len;
	w.world.mem.peak_len = before;
	scan = reading_scan(&w.at, &all);
	OK(teg_scan_next(scan, &batch, err));
	cr_assert_eq(batch.length, ROWS);
	{
		const void *values = batch.children[0]->children[0]->buffers[1];

		cr_assert_eq((uintptr_t)values % 64, 0);
		cr_assert_eq(memcmp(values, w.floats, len), 0);
	}
	/* Nowhere a second time, not even on the way. */
	cr_assert_lt(w.world.mem.peak_len - before, len + (2u << 20), "%zu bytes for %zu",
	             w.world.mem.peak_len - before, len);
	cr_assert_not(batch_next(scan, &more));
	teg_scan_close(scan);
	batch.release(&batch);
	close_embeddings(&w);
}

Test(vectors, a_take_costs_the_pages_of_its_rows) /* H12 H3 */
{
	static const int64_t rows[] = { 700, 0, 700, 999 };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	struct embeddings w;

	open_embeddings(&w, TEG_BALANCED);
	OK(teg_take(w.at.array, rows, 4, NULL, 0, NULL, &schema, &batch, err));
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
	close_embeddings(&w);
}
