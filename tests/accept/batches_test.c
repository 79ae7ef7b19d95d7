/* Results of inference: 10,000 vectors of 10 floats in batches of 512, one commit each. What they take,
 * before and after a merge, and that they stay in the order in which they came. H5 H11. */
#include <stdio.h>
#include <string.h>
#include "engine/os/os.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define ROWS 10000
#define BATCH 512
#define SIZE 10
#define PAYLOAD (ROWS * SIZE * sizeof(float))

struct results {
	struct world world;
	float vectors[ROWS][SIZE];
};

static teg_status put_batch(struct results *w, teg_txn *txn, size_t first, teg_error *err)
{
	size_t n = ROWS - first < BATCH ? ROWS - first : BATCH;
	teg_column values = { .values = w->vectors[first] };
	teg_column column = { .name = "vector", .children = &values, .n_children = 1 };

	return teg_txn_put(txn, "results", &column, 1, n, NULL, err);
}

static void write_all(struct results *w)
{
	teg_attribute item = attribute_of("item", TEG_FLOAT32);
	teg_attribute vector = vector_of("vector", &item, SIZE);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &vector, 1);

	for (size_t first = 0; first < ROWS; first += BATCH) {
		teg_txn *txn = txn_begin(w->world.store);

		if (!first)
			OK(teg_txn_create(txn, "results", &spec, err));
		OK(put_batch(w, txn, first, err));
		txn_commit(txn);
	}
}

static void open_results(struct results *w)
{
	struct rng rng = { 11 };

	rng_fill(&rng, w->vectors, sizeof w->vectors); /* nothing that could be compressed */
	world_make(&w->world, (teg_store_options){ 0 });
	write_all(w);
}

/* ---- bytes of all files ---- */

struct listing {
	struct os *os;
	const char *folder;
	uint64_t bytes;
};

static int add_size(void *ctx, const char *name)
{
	struct listing *listing = ctx;
	char path[OS_PATH_MAX];
	struct os_stat stat;

	snprintf(path, sizeof path, "%s%s%s", listing->folder, listing->folder[0] ? "/" : "", name);
	OK(os_stat(listing->os, path, &stat, err));
	listing->bytes += stat.size;
	return 0;
}

static uint64_t bytes_of_files(struct results *w)
{
	static const char *const folders[] = { "", "manifests", "segments" };
	struct listing listing = { .os = w->world.os };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		listing.folder = folders[i];
		OK(os_list(w->world.os, folders[i], add_size, &listing, err));
	}
	return listing.bytes;
}

static void remove_old_files(struct results *w)
{
	teg_vacuum_options options = { .struct_size = sizeof options, .has_grace = true };
	teg_vacuum_result result = { .struct_size = sizeof result };

	OK(teg_vacuum(w->world.store, &options, &result, err));
	cr_assert_gt(result.files_removed, 0u);
}

static void check_order(struct results *w)
{
	static int64_t ordinals[ROWS];
	struct ArrowSchema schema;
	struct ArrowArray batch;
	struct reading at;

	for (int64_t i = 0; i < ROWS; i++)
		ordinals[i] = i;
	reading_open(&at, w->world.store, "results");
	OK(teg_take(at.array, ordinals, ROWS, (const char *[]){ "vector" }, 1, NULL, &schema,
	            &batch, err));
	cr_assert_eq(memcmp(batch.children[0]->children[0]->buffers[1], w->vectors, PAYLOAD), 0);
	batch.release(&batch);
	schema.release(&schema);
	reading_close(&at);
}

Test(batches, take_little_more_than_their_values) /* H11 */
{
	static struct results w;

	open_results(&w);
	remove_old_files(&w);
	cr_assert_leq(bytes_of_files(&w), PAYLOAD * 3 / 2);
	OK(teg_compact(w.world.store, NULL, NULL, err));
	remove_old_files(&w);
	cr_assert_leq(bytes_of_files(&w), PAYLOAD * 115 / 100);
	world_release(&w.world);
}

Test(batches, keep_the_order_in_which_they_came) /* H5 */
{
	static struct results w;

	open_results(&w);
	check_order(&w);
	OK(teg_compact(w.world.store, NULL, NULL, err));
	check_order(&w);
	world_release(&w.world);
}
