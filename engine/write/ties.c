#include "engine/write/ties.h"
#include <string.h>

struct ties {
	const struct rows *rows;
	const struct order *order;
	struct column dims[TEG_MAX_DIMENSIONS];
};

static int compare(const struct ties *t, uint32_t i, uint32_t j)
{
	uint32_t n_dims = t->order->n_dims;

	for (uint32_t w = 0; w < n_dims; w++) {
		uint32_t d = t->order->cell_order == TEG_ORDER_COLUMN ? n_dims - 1 - w : w;
		int order;

		if (t->dims[d].shape != COLUMN_BYTES)
			continue;
		order = span_compare(column_value(&t->dims[d], i), column_value(&t->dims[d], j));
		if (order)
			return order;
	}
	return 0;
}

static void merge(const struct ties *t, const uint32_t *from, size_t mid, size_t end, uint32_t *to)
{
	size_t i = 0, k = mid;

	for (size_t out = 0; out < end; out++) {
		bool left = i < mid && (k >= end || compare(t, from[i], from[k]) <= 0);

		to[out] = left ? from[i++] : from[k++];
	}
}

/* Merge sort from the bottom up; `work` has room for n. */
static void sort_run(const struct ties *t, uint32_t *at, size_t n, uint32_t *work)
{
	for (size_t len = 1; len < n; len *= 2) {
		for (size_t from = 0; from < n; from += 2 * len) {
			size_t end = n - from < 2 * len ? n - from : 2 * len;

			merge(t, at + from, len < end ? len : end, end, work + from);
		}
		memcpy(at, work, n * sizeof *at);
	}
}

teg_status ties_settle(const struct rows *rows, const struct order *order,
                       const struct order_ties *ties, uint32_t *at, teg_error *err)
{
	struct ties t = { .rows = rows, .order = order };
	uint32_t *work = mem_array(rows->alloc, ties->n + 1, sizeof *work);

	if (!work)
		return teg_fail(err, TEG_NOMEM, "no memory to sort %zu rows by text", ties->n);
	for (uint32_t d = 0; d < order->n_dims; d++)
		t.dims[d] = column_buf_view(&rows->dims[d]);
	for (size_t k = 0; k < ties->n;) {
		uint32_t from = ties->at[k] - 1, to = ties->at[k] + 1;

		for (k++; k < ties->n && ties->at[k] == to; k++)
			to++;
		sort_run(&t, at + from, to - from, work);
	}
	mem_free(rows->alloc, work, (ties->n + 1) * sizeof *work);
	return TEG_OK;
}
