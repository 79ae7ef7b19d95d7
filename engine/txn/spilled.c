/* Which cells of a transaction are in segments already. Two segments of one commit must not hold the
 * same cell, for nothing would say which of them came later; so of each cell that leaves memory a hash
 * of its key stays, eight bytes for what took many. */
#include "codec/base/hash.h"
#include "engine/txn/txn.h"
#include <stdlib.h>

static uint64_t hash_row(const struct rows *rows, uint32_t row)
{
	uint64_t parts[TEG_MAX_DIMENSIONS];

	for (uint32_t d = 0; d < rows->schema->n_dims; d++) {
		struct column view = column_buf_view(&rows->dims[d]);

		parts[d] = hash_bytes(column_value(&view, row));
	}
	return hash_bytes(span_of(parts, rows->schema->n_dims * sizeof *parts));
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The keys of the rows, sorted, each once. */
static uint32_t hash_rows(const struct rows *rows, uint64_t *keys)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rows->n; i++)
		keys[i] = hash_row(rows, i);
	qsort(keys, rows->n, sizeof *keys, ascending);
	for (uint32_t i = 0; i < rows->n; i++)
		if (!n || keys[n - 1] != keys[i])
			keys[n++] = keys[i];
	return n;
}

/* Merges `keys` into those of the array, from the back. False where one is in both. */
static bool merge_keys(struct txn_array *a, const uint64_t *keys, size_t n)
{
	size_t i = a->n_keys, k = n, to = a->n_keys + n;

	a->n_keys = to;
	while (k) {
		if (i && a->keys[i - 1] == keys[k - 1])
			return false;
		if (i && a->keys[i - 1] > keys[k - 1])
			a->keys[--to] = a->keys[--i];
		else
			a->keys[--to] = keys[--k];
	}
	return true;
}

static teg_status take_keys(struct teg_txn *txn, struct txn_array *a, const uint64_t *keys,
                            size_t n, teg_error *err)
{
	void *block = a->keys;

	if (!mem_grow(txn->alloc, &block, &a->keys_cap, a->n_keys + n, sizeof *a->keys))
		return teg_fail(err, TEG_NOMEM, "no memory for the keys of a transaction");
	a->keys = block;
	if (merge_keys(a, keys, n))
		return TEG_OK;
	return teg_fail(
		err, TEG_LIMIT,
		"the same cell comes twice in a transaction larger than write_budget (%zu bytes)",
		txn->store->write_budget);
}

teg_status txn_note_spilled(struct teg_txn *txn, struct txn_array *array, const struct rows *rows,
                            teg_error *err)
{
	uint64_t *keys;
	teg_status status;

	/* Events may share a cell. */
	if (array->schema->cells == TEG_CELLS_REPEATED)
		return TEG_OK;
	keys = mem_array(txn->alloc, rows->n, sizeof *keys);
	if (!keys)
		return teg_fail(err, TEG_NOMEM, "no memory for the keys of a transaction");
	status = take_keys(txn, array, keys, hash_rows(rows, keys), err);
	mem_free(txn->alloc, keys, rows->n * sizeof *keys);
	return status;
}
