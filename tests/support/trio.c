#include "tests/support/trio.h"
#include <string.h>
#include "tests/support/rng.h"
#include "tests/support/spec.h"
#include "tests/support/world.h"

const char *const trio_names[TRIO_ARRAYS] = { "table", "sparse", "dense" };

teg_status trio_open(struct os *os, const char *path, const teg_allocator *alloc, teg_create create,
                     teg_store **store_out, teg_error *err)
{
	teg_store_options options = {
		.struct_size = sizeof options, .create = create, .allocator = alloc, .os = os
	};

	return teg_store_open(path, &options, store_out, err);
}

static teg_status declare(teg_txn *txn, int i, teg_error *err)
{
	teg_attribute attributes[] = { attribute_of("value", TEG_INT64),
		                       attribute_of("noise", TEG_FIXED_BYTES) };
	teg_dimension x = axis_of("x", TEG_INT64);
	teg_spec spec = spec_make((teg_kind)(TEG_TABLE + i), &x, i > 0, attributes, 2);

	attributes[1].type.fixed_len = TRIO_NOISE_LEN;
	if (spec.kind == TEG_DENSE) {
		x = axis_within("x", 0, TRIO_MAX - 1);
		x.extent = 64;
	}
	return teg_txn_create(txn, trio_names[i], &spec, err);
}

teg_status trio_create(teg_store *store, teg_error *err)
{
	teg_txn *txn;
	teg_status status = teg_txn_begin(store, NULL, &txn, err);

	if (status != TEG_OK)
		return status;
	for (int i = 0; i < TRIO_ARRAYS && status == TEG_OK; i++)
		status = declare(txn, i, err);
	return txn_end(txn, status, err);
}

static void make_noise(int64_t v, uint8_t noise[TRIO_NOISE_LEN])
{
	struct rng rng = { (uint64_t)v };

	rng_fill(&rng, noise, TRIO_NOISE_LEN);
}

static teg_status put_all(teg_txn *txn, int64_t from, size_t n, teg_error *err)
{
	int64_t values[TRIO_ROWS_MAX];
	uint8_t noise[TRIO_ROWS_MAX][TRIO_NOISE_LEN];
	teg_column columns[] = { { .name = "value", .values = values },
		                 { .name = "noise", .values = noise },
		                 { .name = "x", .values = values } };
	teg_range box = int_range(from, from + (int64_t)n - 1);
	teg_buffer buffers[] = {
		{ .name = "value", .values = values, .values_len = n * sizeof *values },
		{ .name = "noise", .values = noise, .values_len = n * sizeof *noise }
	};
	teg_status status;

	cr_assert(n <= TRIO_ROWS_MAX);
	for (size_t i = 0; i < n; i++) {
		values[i] = from + (int64_t)i;
		make_noise(values[i], noise[i]);
	}
	status = teg_txn_put(txn, "table", columns, 2, n, NULL, err);
	if (status == TEG_OK)
		status = teg_txn_put(txn, "sparse", columns, 3, n, NULL, err);
	if (status == TEG_OK)
		status = teg_txn_put_box(txn, "dense", &box, buffers, 2, NULL, err);
	return status;
}

teg_status trio_put(teg_store *store, int64_t from, size_t n, teg_error *err)
{
	teg_txn *txn;
	teg_status status = teg_txn_begin(store, NULL, &txn, err);

	return status == TEG_OK ? txn_end(txn, put_all(txn, from, n, err), err) : status;
}

teg_status trio_delete_from(teg_store *store, int64_t from, teg_error *err)
{
	teg_value least = int_value(from);
	teg_predicate *where;
	teg_txn *txn;
	teg_status status = teg_txn_begin(store, NULL, &txn, err);

	if (status != TEG_OK)
		return status;
	/* The predicate is not the store's: it has no allocator that a test refuses. */
	cr_assert_eq(teg_predicate_compare("value", TEG_GE, &least, NULL, &where, NULL), TEG_OK);
	for (int i = 0; i < TRIO_ARRAYS && status == TEG_OK; i++)
		status = teg_txn_delete_where(txn, trio_names[i], NULL, where, NULL, NULL, err);
	teg_predicate_free(where);
	return txn_end(txn, status, err);
}

/* ---- reading ---- */

static void take(struct trio *trio, int i, const struct ArrowArray *batch)
{
	const struct ArrowArray *column = batch->children[0];
	const int64_t *values = (const int64_t *)column->buffers[1] + column->offset;
	const struct ArrowArray *noises = batch->children[1];
	const uint8_t *noise =
		(const uint8_t *)noises->buffers[1] + noises->offset * TRIO_NOISE_LEN;
	uint8_t want[TRIO_NOISE_LEN];

	for (int64_t r = 0; r < batch->length; r++) {
		cr_assert(values[r] >= 0 && values[r] < TRIO_MAX, "%s: value %lld", trio_names[i],
		          (long long)values[r]);
		cr_assert_not(trio->present[values[r]] & (1 << i), "%s has %lld twice",
		              trio_names[i], (long long)values[r]);
		trio->present[values[r]] |= (uint8_t)(1 << i);
		make_noise(values[r], want);
		cr_assert_arr_eq(noise + r * TRIO_NOISE_LEN, want, TRIO_NOISE_LEN,
		                 "%s: bytes of %lld", trio_names[i], (long long)values[r]);
	}
}

static teg_status read_one(teg_snapshot *snapshot, int i, struct trio *trio, teg_error *err)
{
	static const char *const columns[] = { "value", "noise" };
	teg_scan_options options = { .struct_size = sizeof options,
		                     .columns = columns,
		                     .n_columns = 2 };
	struct ArrowArray batch;
	teg_array *array;
	teg_scan *scan;
	teg_status status = teg_array_open(snapshot, trio_names[i], &array, err);

	if (status == TEG_NOT_FOUND) /* not created yet, or none of them is */
		return TEG_OK;
	if (status != TEG_OK)
		return status;
	status = teg_scan_open(array, &options, &scan, err);
	while (status == TEG_OK) {
		status = teg_scan_next(scan, &batch, err);
		if (status != TEG_OK)
			break;
		take(trio, i, &batch);
		batch.release(&batch);
	}
	teg_scan_close(scan);
	teg_array_close(array);
	return status == TEG_END ? TEG_OK : status;
}

static void compare(struct trio *trio)
{
	for (int64_t v = 0; v < TRIO_MAX; v++) {
		if (!trio->present[v])
			continue;
		cr_assert_eq(trio->present[v], 7, "half a commit: %lld is in arrays %d only",
		             (long long)v, trio->present[v]);
		trio->present[v] = 1;
		trio->n++;
		trio->sum += v;
	}
}

teg_status trio_read(teg_store *store, struct trio *trio_out, teg_error *err)
{
	teg_snapshot *snapshot;
	teg_status status = teg_snapshot_open(store, &snapshot, err);

	memset(trio_out, 0, sizeof *trio_out);
	if (status != TEG_OK)
		return status;
	trio_out->version = teg_snapshot_version(snapshot);
	for (int i = 0; i < TRIO_ARRAYS && status == TEG_OK; i++)
		status = read_one(snapshot, i, trio_out, err);
	teg_snapshot_close(snapshot);
	if (status == TEG_OK)
		compare(trio_out);
	return status;
}

teg_status trio_compact(teg_store *store, teg_error *err)
{
	teg_compact_options options = { .struct_size = sizeof options };

	return teg_compact(store, &options, NULL, err);
}

teg_status trio_vacuum(teg_store *store, teg_error *err)
{
	teg_vacuum_options options = { .struct_size = sizeof options, .has_grace = true };

	return teg_vacuum(store, &options, NULL, err);
}

void trio_write(struct os *os, const char *path)
{
	teg_store *store;

	OK(trio_open(os, path, NULL, TEG_CREATE_NEW, &store, err));
	OK(trio_create(store, err));
	OK(trio_put(store, 0, 1000, err));
	OK(trio_put(store, 1000, 10, err));
	OK(trio_delete_from(store, 1005, err));
	OK(trio_put(store, 2000, 20, err));
	teg_store_close(store);
}

teg_status trio_try(struct os *os, const char *path, struct trio *trio_out, teg_error *err)
{
	teg_store *store;
	teg_status status = trio_open(os, path, NULL, TEG_CREATE_NO, &store, err);

	if (status == TEG_OK) {
		status = trio_read(store, trio_out, err);
		teg_store_close(store);
	}
	return status;
}

static void note_damage(void *ctx, const teg_error *damage)
{
	cr_log_error("%s: %s at %lld: %s", (const char *)ctx, damage->file,
	             (long long)damage->offset, damage->message);
}

void trio_look(struct os *os, const char *path, struct trio *trio_out, const char *when)
{
	teg_verify_result result = { .struct_size = sizeof result };
	teg_error err = { 0 };
	teg_store *store;

	cr_assert_eq(trio_open(os, path, NULL, TEG_CREATE_NO, &store, &err), TEG_OK,
	             "%s: cannot open: %s (%s)", when, err.message, err.file);
	cr_assert_eq(trio_read(store, trio_out, &err), TEG_OK, "%s: cannot read: %s (%s)", when,
	             err.message, err.file);
	cr_assert_eq(teg_verify(store, true, note_damage, (void *)(uintptr_t)when, &result, &err),
	             TEG_OK, "%s: cannot verify: %s (%s)", when, err.message, err.file);
	cr_assert_eq(result.damages, 0, "%s: verify finds damage", when);
	teg_store_close(store);
}

bool trio_equal(const struct trio *a, const struct trio *b)
{
	return a->n == b->n && a->sum == b->sum &&
	       memcmp(a->present, b->present, sizeof a->present) == 0;
}
