/* 120,000 arrays in a directory of a real file system, and one of many rows: what opening one of them
 * and reading 200 values costs, in bytes (asserted) and in time (printed; the goal is 2 ms, warm), and
 * what a commit to one of them writes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "engine/os/os.h"
#include "tests/support/dir.h"
#include "tests/support/ok.h"

#define N_ARRAYS 120000u
#define N_VALUES 200u
#define N_LOOKS 101u
#define N_COMMITS 400u         /* each to another array */
#define N_EARLY 50u            /* before any page of an older file is moved */
#define COMMIT_MAX (64u << 10) /* bytes */
#define READ_MAX (64u << 10)

static const teg_attribute value = { .name = "value", .type = { .type = TEG_FLOAT64 } };
static const teg_spec spec = {
	.struct_size = sizeof spec, .kind = TEG_TABLE, .attributes = &value, .n_attributes = 1
};

struct place {
	struct test_dir dir;
	struct os *os; /* counts what is read and written */
};

static void place_init(struct place *place)
{
	test_dir_make(&place->dir);
	OK(os_posix_new(test_dir_path(&place->dir, "store"), teg_allocator_default(), &place->os,
	                err));
}

static void place_release(struct place *place)
{
	os_free(place->os);
	test_dir_remove(&place->dir);
}

static teg_store *open_store(struct place *place, teg_create create)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = create,
		                      .os = place->os };
	teg_store *store;

	OK(teg_store_open(NULL, &options, &store, err));
	return store;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void put(teg_txn *txn, const char *name, uint64_t seed, size_t n)
{
	double *values = malloc(n * sizeof *values);
	teg_column column = { .name = "value", .values = values };

	for (size_t i = 0; i < n; i++)
		values[i] = (double)(seed * 2654435761u + i * 40503u % 65536u) / 1024;
	OK(teg_txn_put(txn, name, &column, 1, n, NULL, err));
	free(values);
}

static void name_of(uint32_t i, char name[32])
{
	snprintf(name, 32, "entity/%u/curve", i);
}

static void make_all(struct place *place)
{
	teg_store *store = open_store(place, TEG_CREATE_NEW);
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn;
	char name[32];

	OK(teg_txn_begin(store, NULL, &txn, err));
	for (uint32_t i = 0; i < N_ARRAYS; i++) {
		name_of(i * 7919u % N_ARRAYS, name);
		OK(teg_txn_create(txn, name, &spec, err));
		put(txn, name, i * 7919u % N_ARRAYS, N_VALUES);
	}
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.n_arrays, N_ARRAYS);
	cr_assert_eq(result.n_rows, (uint64_t)N_ARRAYS * N_VALUES);
	teg_store_close(store);
}

/* A store opened anew, the array in it, and its first 200 values; milliseconds. */
static double look(struct place *place, const char *name, uint64_t seed)
{
	teg_scan_options options = { .struct_size = sizeof options, .limit = N_VALUES };
	double began = now_ms(), took;
	teg_store *store = open_store(place, TEG_CREATE_NO);
	struct ArrowArray batch;
	teg_snapshot *snapshot;
	const double *values;
	teg_array *array;
	teg_scan *scan;

	OK(teg_snapshot_open(store, &snapshot, err));
	OK(teg_array_open(snapshot, name, &array, err));
	OK(teg_scan_open(array, &options, &scan, err));
	OK(teg_scan_next(scan, &batch, err));
	took = now_ms() - began;
	cr_assert_eq(batch.length, N_VALUES);
	values = batch.children[0]->buffers[1];
	for (size_t i = 0; i < N_VALUES; i++)
		cr_assert_eq(values[i], (double)(seed * 2654435761u + i * 40503u % 65536u) / 1024);
	batch.release(&batch);
	teg_scan_close(scan);
	teg_array_close(array);
	teg_snapshot_close(snapshot);
	teg_store_close(store);
	return took;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median over arrays all over the store, or over one. */
static double look_often(struct place *place, const char *only, uint64_t seed, uint64_t *bytes_out)
{
	double took[N_LOOKS];
	char name[32];

	for (uint32_t i = 0; i < N_LOOKS; i++) {
		uint32_t at = i * 104729u % N_ARRAYS;
		uint64_t before = place->os->n_read_bytes;

		name_of(at, name);
		took[i] = look(place, only ? only : name, only ? seed : at);
		*bytes_out = place->os->n_read_bytes - before;
		cr_assert_leq(*bytes_out, READ_MAX, "opening %s reads %llu bytes",
		              only ? only : name, (unsigned long long)*bytes_out);
	}
	qsort(took, N_LOOKS, sizeof *took, by_value);
	return took[N_LOOKS / 2];
}

Test(many_arrays, one_of_120000_is_opened_and_written_by_itself)
{
	struct place place;
	uint64_t bytes, early = 0, most = 0, sum = 0;
	double began, made, opened;
	char name[32];

	place_init(&place);
	began = now_ms();
	make_all(&place);
	made = now_ms() - began;
	opened = look_often(&place, NULL, 0, &bytes);
	for (uint32_t i = 0; i < N_COMMITS; i++) {
		teg_store *store = open_store(&place, TEG_CREATE_NO);
		uint64_t before = place.os->n_written_bytes;
		teg_txn *txn;

		name_of(i * 5987u % N_ARRAYS, name);
		OK(teg_txn_begin(store, NULL, &txn, err));
		put(txn, name, 1, N_VALUES);
		OK(teg_txn_commit(txn, NULL, err));
		before = place.os->n_written_bytes - before;
		sum += before;
		most = before > most ? before : most;
		early = i < N_EARLY ? most : early;
		teg_store_close(store);
	}
	printf("120,000 arrays of 200 values: made in %.1f s; open + 200 values %.3f ms, %llu bytes; "
	       "%u commits to one each write %llu bytes on average, at most %llu, "
	       "and %llu among the first 50\n",
	       made / 1e3, opened, (unsigned long long)bytes, N_COMMITS,
	       (unsigned long long)sum / N_COMMITS, (unsigned long long)most,
	       (unsigned long long)early);
	cr_assert_leq(early, COMMIT_MAX);
	cr_assert_leq(sum / N_COMMITS, COMMIT_MAX);
	place_release(&place);
}

Test(many_arrays, opening_does_not_depend_on_how_many_rows_there_are) /* T8 */
{
	static const size_t n_rows[] = { 200, 20000, 2000000, 20000000 };
	static const char *const names[] = { "a", "b", "c", "d" };
	uint64_t bytes[4];
	struct place place;
	teg_store *store;
	teg_txn *txn;

	place_init(&place);
	store = open_store(&place, TEG_CREATE_NEW);
	for (size_t i = 0; i < 4; i++) {
		OK(teg_txn_begin(store, NULL, &txn, err));
		OK(teg_txn_create(txn, names[i], &spec, err));
		put(txn, names[i], i, n_rows[i]);
		OK(teg_txn_commit(txn, NULL, err));
	}
	teg_store_close(store);
	for (size_t i = 0; i < 4; i++)
		printf("%9zu rows: open + 200 values %.3f ms", n_rows[i],
		       look_often(&place, names[i], i, &bytes[i])),
			printf(", %llu bytes\n", (unsigned long long)bytes[i]);
	cr_assert_leq(bytes[3], bytes[1] + (32u << 10), "%llu bytes of many rows, %llu of few",
	              (unsigned long long)bytes[3], (unsigned long long)bytes[1]);
	place_release(&place);
}
