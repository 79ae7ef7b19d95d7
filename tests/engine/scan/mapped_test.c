/* Mapped files: vectors reach the caller where they lie, whatever becomes of file and store. H13 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "engine/os/faulty.h"
#include "tests/support/dir.h"
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define WIDTH 1024 /* floats: 4 KiB */
#define ROWS 200   /* of one commit: one tile, in a segment file */

static struct {
	struct memory mem;
	struct test_dir dir;
	struct os *os; /* NULL: a directory */
	teg_store *store;
	struct reading at;
	uint32_t floats[2 * ROWS * WIDTH];
} w;

static void open_store(teg_create create, bool map_files)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .allocator = &w.mem.alloc,
		                      .no_auto_compact = true,
		                      .os = w.os,
		                      .map_files = map_files };

	OK(teg_store_open(w.os ? NULL : test_dir_path(&w.dir, "s"), &options, &w.store, err));
}

static void put(uint32_t from)
{
	teg_column values = { .values = w.floats + (size_t)from * WIDTH };
	teg_column column = { .name = "v", .children = &values, .n_children = 1 };

	txn_put(w.store, "e", &column, 1, ROWS);
}

static void create(void)
{
	const teg_attribute number = attribute_of(NULL, TEG_FLOAT32);
	const teg_attribute vector = vector_of("v", &number, WIDTH);
	teg_spec spec = spec_make(TEG_TABLE, NULL, 0, &vector, 1);
	struct rng rng = { 9 };

	memory_init(&w.mem);
	rng_fill(&rng, w.floats, sizeof w.floats);
	open_store(TEG_CREATE_NEW, false);
	txn_create(w.store, "e", &spec);
	put(0);
}

static void open_array(bool map_files)
{
	if (w.store)
		teg_store_close(w.store);
	open_store(TEG_CREATE_NO, map_files);
	reading_open(&w.at, w.store, "e");
}

static void close_store(void)
{
	reading_close(&w.at);
	teg_store_close(w.store);
	w.store = NULL;
}

static void setup(void)
{
	memset(&w, 0, sizeof w);
	test_dir_make(&w.dir);
	create();
}

static void teardown(void)
{
	if (w.store)
		close_store();
	test_dir_remove(&w.dir);
	memory_check(&w.mem);
}

TestSuite(mapped, .init = setup, .fini = teardown);

static teg_status scan(uint32_t batch_rows, struct ArrowArray *batch_out, teg_error *err)
{
	teg_scan_options options = { .struct_size = sizeof options, .batch_rows = batch_rows };
	teg_scan *scan;
	teg_status status = teg_scan_open(w.at.array, &options, &scan, err);

	if (status != TEG_OK)
		return status;
	status = teg_scan_next(scan, batch_out, err);
	teg_scan_close(scan);
	return status;
}

static const uint32_t *values_of(const struct ArrowArray *batch)
{
	return batch->children[0]->children[0]->buffers[1];
}

static void check_values(const struct ArrowArray *batch, uint32_t from, uint32_t n)
{
	cr_assert_eq(batch->length, n);
	cr_assert_eq((uintptr_t)values_of(batch) % 64, 0);
	cr_assert_eq(memcmp(values_of(batch), w.floats + (size_t)from * WIDTH,
	                    (size_t)n * WIDTH * sizeof(float)),
	             0);
}

Test(mapped, a_batch_within_one_tile_is_the_file_itself) /* H13 */
{
	struct ArrowArray all, again, part, row;
	struct ArrowSchema schema;

	open_array(true);
	OK(scan(UINT32_MAX, &all, err));
	OK(scan(0, &again, err));
	OK(scan(50, &part, err));
	OK(teg_take(w.at.array, (int64_t[]){ 7 }, 1, NULL, 0, NULL, &schema, &row, err));
	check_values(&all, 0, ROWS);
	check_values(&part, 0, 50);
	check_values(&row, 7, 1);
	/* All at once, at the same place: no copies. */
	cr_assert_eq(values_of(&all), values_of(&again));
	cr_assert_eq(values_of(&all), values_of(&part));
	cr_assert_eq(values_of(&all) + (ptrdiff_t)7 * WIDTH, values_of(&row));
	all.release(&all);
	again.release(&again);
	part.release(&part);
	check_values(&row, 7, 1);
	row.release(&row);
	schema.release(&schema);
}

Test(mapped, without_the_option_batches_are_copies)
{
	struct ArrowArray a, b;

	open_array(false);
	OK(scan(0, &a, err));
	OK(scan(0, &b, err));
	check_values(&a, 0, ROWS);
	cr_assert_neq(values_of(&a), values_of(&b));
	a.release(&a);
	b.release(&b);
}

Test(mapped, a_batch_of_several_tiles_is_one_buffer_all_the_same) /* H13 */
{
	static const int64_t rows[] = { 399, 0, 200, 200 };
	struct ArrowArray all, some;
	struct ArrowSchema schema;

	put(ROWS);
	open_array(true);
	OK(scan(UINT32_MAX, &all, err));
	check_values(&all, 0, 2 * ROWS);
	OK(teg_take(w.at.array, rows, 4, NULL, 0, NULL, &schema, &some, err));
	for (int i = 0; i < 4; i++)
		cr_assert_eq(memcmp(values_of(&some) + i * WIDTH, w.floats + rows[i] * WIDTH,
		                    WIDTH * sizeof(float)),
		             0);
	some.release(&some);
	schema.release(&schema);
	all.release(&all);
}

Test(mapped, a_batch_outlives_file_and_store)
{
	teg_vacuum_options now = { .struct_size = sizeof now, .has_grace = true };
	teg_vacuum_result result = { .struct_size = sizeof result };
	struct ArrowArray batch;

	open_array(true);
	OK(scan(0, &batch, err));
	reading_close(&w.at);
	put(ROWS);
	OK(teg_compact(w.store, NULL, NULL, err));
	OK(teg_vacuum(w.store, &now, &result, err));
	cr_assert_gt(result.files_removed, 0);
	check_values(&batch, 0, ROWS);
	teg_store_close(w.store);
	w.store = NULL;
	check_values(&batch, 0, ROWS);
	batch.release(&batch);
}

static char *only_segment(void)
{
	char *segments = test_dir_path(&w.dir, "s/segments"), *path = NULL;
	DIR *dir = opendir(segments);

	cr_assert_not_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		char name[300];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "s/segments/%s", entry->d_name);
		path = test_dir_path(&w.dir, name);
	}
	closedir(dir);
	cr_assert_not_null(path);
	return path;
}

Test(mapped, damage_is_seen_before_it_is_believed)
{
	struct ArrowArray batch;
	teg_error err = { 0 };
	char *path = only_segment();
	uint8_t *bytes;
	size_t len;

	bytes = test_file_read(path, &len);
	bytes[len / 2] ^= 1;
	test_file_write(path, bytes, len);
	open_array(true);
	cr_assert_eq(scan(0, &batch, &err), TEG_CORRUPT);
	cr_assert(strstr(path, err.file), "%s", err.file);
	cr_assert_gt(err.offset, 0);
	free(bytes);
}

/* ---- what fails ---- */

static teg_status open_and_scan(teg_error *err)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .allocator = &w.mem.alloc,
		                      .no_auto_compact = true,
		                      .os = w.os,
		                      .map_files = true };
	struct ArrowArray batch;
	teg_status status = teg_store_open(NULL, &options, &w.store, err);

	if (status == TEG_OK)
		status = teg_snapshot_open(w.store, &w.at.snapshot, err);
	if (status == TEG_OK)
		status = teg_array_open(w.at.snapshot, "e", &w.at.array, err);
	if (status == TEG_OK)
		status = scan(0, &batch, err);
	if (status == TEG_OK) {
		check_values(&batch, 0, ROWS);
		batch.release(&batch);
	}
	close_store();
	return status;
}

/* In a store of its own, in memory behind an os that fails. */
static struct os *open_faulty(void)
{
	struct os *disk = os_memory_new(teg_allocator_default(), 1);

	teardown();
	memset(&w, 0, sizeof w);
	test_dir_make(&w.dir);
	w.os = os_faulty_new(disk, teg_allocator_default());
	create();
	close_store();
	return disk;
}

Test(mapped, survives_calls_that_fail_and_reads_what_cannot_be_mapped)
{
	struct os *disk = open_faulty();
	size_t n_failed = 0, n_went_on = 0;
	teg_error err;

	for (uint64_t n = 1;; n++) {
		teg_status status;

		faulty_set(w.os, n, EIO, false);
		status = open_and_scan(&err);
		if (!faulty_hit(w.os))
			break;
		n_failed += status != TEG_OK;
		n_went_on += status == TEG_OK;
		cr_assert(status == TEG_OK || status == TEG_IO, "%s", teg_status_name(status));
	}
	cr_assert_gt(n_failed, 5);
	cr_assert_gt(n_went_on, 0);
	os_free(w.os);
	os_free(disk);
}

Test(mapped, survives_memory_that_fails)
{
	struct os *disk = open_faulty();
	size_t n_failed = 0;
	teg_error err;

	for (size_t n = 1;; n++) {
		teg_status status;

		w.mem.n_requests = w.mem.n_refused = 0;
		w.mem.fail_at = n;
		status = open_and_scan(&err);
		w.mem.fail_at = 0;
		if (!w.mem.n_refused)
			break;
		n_failed += status != TEG_OK;
		cr_assert(status == TEG_OK || status == TEG_NOMEM, "%s", teg_status_name(status));
	}
	cr_assert_gt(n_failed, 20);
	os_free(w.os);
	os_free(disk);
}
