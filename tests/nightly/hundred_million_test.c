/* 100 million sparse cells in one transaction, in a directory, with everything as it comes: in a
 * process of 512 MiB. Takes a minute or more and 3 GiB of disk. */
#include <stdio.h>
#include <sys/resource.h>
#include "tests/support/dir.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define N_CELLS 100000000u
#define BATCH 262144u
#define RANGE 10000000u

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void put_all(teg_txn *txn)
{
	static int64_t x[BATCH], y[BATCH], v[BATCH];
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "y", .values = y },
		                 { .name = "v", .values = v } };
	uint64_t state = 1;

	for (uint32_t done = 0, n; done < N_CELLS; done += n) {
		n = N_CELLS - done < BATCH ? N_CELLS - done : BATCH;
		for (uint32_t i = 0; i < n; i++) {
			x[i] = (int64_t)(next(&state) % RANGE);
			y[i] = (int64_t)(next(&state) % RANGE);
			v[i] = (int64_t)state;
		}
		OK(teg_txn_put(txn, "a", columns, 3, n, NULL, err));
	}
}

static void fill(teg_store *store)
{
	teg_dimension dims[] = { axis_of("x", TEG_INT64), axis_of("y", TEG_INT64) };
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, dims, 2, &v, 1);
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn = txn_begin(store);

	OK(teg_txn_create(txn, "a", &spec, err));
	put_all(txn);
	OK(teg_txn_commit(txn, &result, err));
	/* Two random cells are one now and then. */
	cr_assert_gt(result.n_rows, N_CELLS - 1000);
	cr_assert_eq(result.n_segments, 1);
}

Test(hundred_million, cells_of_one_transaction_in_512_mib, .timeout = 3600)
{
	teg_store_options options = { .struct_size = sizeof options, .create = TEG_CREATE_NEW };
	struct rusage usage;
	struct test_dir dir;
	teg_store *store;

	test_dir_make(&dir);
	OK(teg_store_open(test_dir_path(&dir, "store"), &options, &store, err));
	fill(store);
	teg_store_close(store);
	cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	printf("100 million cells: peak %ld MiB\n", usage.ru_maxrss >> 10);
	cr_assert_leq(usage.ru_maxrss, 512 << 10);
	test_dir_remove(&dir);
}
