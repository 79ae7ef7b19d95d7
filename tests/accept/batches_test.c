/* Results of inference: 10,000 vectors of 10 floats in batches of 512, one commit each. What they take,
 * before and after a merge, and that they stay in the order in which they came. H5 H11. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "engine/os/memory.h"
#include "engine/os/os.h"
#include "tests/support/memory.h"
#include "tests/support/ok.h"
#include "tests/support/rng.h"

#define ROWS 10000
#define BATCH 512
#define SIZE 10
#define PAYLOAD (ROWS * SIZE * sizeof(float))

struct world {
	struct memory mem;
	struct os *os;
	teg_store *store;
	float vectors[ROWS][SIZE];
};

static const teg_attribute item = { .name = "item", .type = { .type = TEG_FLOAT32 } };
static const teg_attribute vector = {
	.name = "vector",
	.type = { .type = TEG_FIXED_LIST, .list_size = SIZE, .children = &item, .n_children = 1 }
};

static teg_status put_batch(struct world *w, teg_txn *txn, size_t first, teg_error *err)
{
	size_t n = ROWS - first < BATCH ? ROWS - first : BATCH;
	teg_column values = { .values = w->vectors[first] };
	teg_column column = { .name = "vector", .children = &values, .n_children = 1 };

	return teg_txn_put(txn, "results", &column, 1, n, NULL, err);
}

static void write_all(struct world *w)
{
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_TABLE,
		          .attributes = &vector,
		          .n_attributes = 1 };

	for (size_t first = 0; first < ROWS; first += BATCH) {
		teg_txn *txn;

		OK(teg_txn_begin(w->store, NULL, &txn, err));
		if (!first)
			OK(teg_txn_create(txn, "results", &spec, err));
		OK(put_batch(w, txn, first, err));
		OK(teg_txn_commit(txn, NULL, err));
	}
}

static void open_world(struct world *w)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	struct rng rng = { 11 };

	memory_init(&w->mem);
	w->os = os_memory_new(&w->mem.alloc, 1);
	options.allocator = &w->mem.alloc;
	options.os = w->os;
	rng_fill(&rng, w->vectors, sizeof w->vectors); /* nothing that could be compressed */
	OK(teg_store_open(NULL, &options, &w->store, err));
	write_all(w);
}

static void close_world(struct world *w)
{
	teg_store_close(w->store);
	os_free(w->os);
	memory_check(&w->mem);
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

static uint64_t bytes_of_files(struct world *w)
{
	static const char *const folders[] = { "", "manifests", "segments" };
	struct listing listing = { .os = w->os };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		listing.folder = folders[i];
		OK(os_list(w->os, folders[i], add_size, &listing, err));
	}
	return listing.bytes;
}

static void remove_old_files(struct world *w)
{
	teg_vacuum_options options = { .struct_size = sizeof options, .has_grace = true };
	teg_vacuum_result result = { .struct_size = sizeof result };

	OK(teg_vacuum(w->store, &options, &result, err));
	cr_assert_gt(result.files_removed, 0u);
}

static void check_order(struct world *w)
{
	static int64_t ordinals[ROWS];
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	teg_array *array;

	for (int64_t i = 0; i < ROWS; i++)
		ordinals[i] = i;
	OK(teg_snapshot_open(w->store, &snapshot, err));
	OK(teg_array_open(snapshot, "results", &array, err));
	OK(teg_take(array, ordinals, ROWS, (const char *[]){ "vector" }, 1, NULL, &schema, &batch,
	            err));
	cr_assert_eq(memcmp(batch.children[0]->children[0]->buffers[1], w->vectors, PAYLOAD), 0);
	batch.release(&batch);
	schema.release(&schema);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
}

Test(batches, take_little_more_than_their_values) /* H11 */
{
	static struct world w;

	open_world(&w);
	remove_old_files(&w);
	cr_assert_leq(bytes_of_files(&w), PAYLOAD * 3 / 2);
	OK(teg_compact(w.store, NULL, NULL, err));
	remove_old_files(&w);
	cr_assert_leq(bytes_of_files(&w), PAYLOAD * 115 / 100);
	close_world(&w);
}

Test(batches, keep_the_order_in_which_they_came) /* H5 */
{
	static struct world w;

	open_world(&w);
	check_order(&w);
	OK(teg_compact(w.store, NULL, NULL, err));
	check_order(&w);
	close_world(&w);
}
