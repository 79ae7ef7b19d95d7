/* What a transaction holds does not depend on how many cells are put: beyond its budget they go to
 * files as sorted runs, which the commit merges. tests/nightly has the same with 100 million. */
#include <stdio.h>
#include "tests/support/spec.h"
#include "tests/support/world.h"

#define BATCH 20000u
#define N_BATCHES 100u
#define BUDGET ((size_t)1 << 20)

/* A shuffle of 0 .. 2^21 - 1: cells all over, none twice. */
static int64_t place_of(uint32_t i)
{
	return (int64_t)(i * 0x9e375u & 0x1fffffu);
}

enum what { PUTS, DELETES };

static void put_batch(teg_txn *txn, uint32_t batch, enum what what)
{
	static int64_t x[BATCH], y[BATCH], v[BATCH];
	teg_column columns[] = { { .name = "x", .values = x },
		                 { .name = "y", .values = y },
		                 { .name = "v", .values = v } };

	for (uint32_t i = 0; i < BATCH; i++) {
		int64_t place = place_of(batch * BATCH + i);

		x[i] = place & 1023;
		y[i] = place >> 10;
		v[i] = place * 3;
	}
	if (what == PUTS)
		OK(teg_txn_put(txn, "a", columns, 3, BATCH, NULL, err));
	else
		OK(teg_txn_delete(txn, "a", columns, 2, BATCH, NULL, err));
}

static void fill(teg_store *store, enum what what)
{
	teg_dimension dims[] = { axis_of("x", TEG_INT64), axis_of("y", TEG_INT64) };
	teg_attribute v = attribute_of("v", TEG_INT64);
	teg_spec spec = spec_make(TEG_SPARSE, dims, 2, &v, 1);
	teg_commit_result result = { .struct_size = sizeof result };
	teg_txn *txn = txn_begin(store);

	OK(teg_txn_create(txn, "a", &spec, err));
	for (uint32_t i = 0; i < N_BATCHES; i++)
		put_batch(txn, i, what);
	OK(teg_txn_commit(txn, &result, err));
	cr_assert_eq(result.n_rows, N_BATCHES * BATCH);
	cr_assert_eq(result.n_segments, 1);
}

static void keeps_to_its_memory(enum what what)
{
	struct os *os = os_memory_new(teg_allocator_default(), 1);
	teg_verify_result result = { .struct_size = sizeof result };
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .write_budget = BUDGET,
		                      .no_auto_compact = true,
		                      .os = os };
	struct memory mem;
	teg_store *store;

	memory_init(&mem);
	mem.cap = (size_t)64 << 20;
	options.allocator = &mem.alloc;
	OK(teg_store_open(NULL, &options, &store, err));
	fill(store, what);
	OK(teg_verify(store, true, NULL, NULL, &result, err));
	cr_assert_eq(result.damages, 0);
	cr_assert_eq(result.rows, N_BATCHES * BATCH);
	teg_store_close(store);
	printf("%u cells of 24 bytes: peak %zu KiB\n", N_BATCHES * BATCH, mem.peak_len >> 10);
	memory_check(&mem);
	os_free(os);
}

Test(spill, a_transaction_of_any_size_keeps_to_its_memory)
{
	keeps_to_its_memory(PUTS);
}

Test(spill, so_does_one_that_only_deletes) /* X15 */
{
	keeps_to_its_memory(DELETES);
}
