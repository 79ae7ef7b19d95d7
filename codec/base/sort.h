/* Stable merge sort: qsort has no context for a comparison and may allocate behind our back.
 *
 * Runs of doubling length are merged from one array into the other; what is in order already, the
 * whole or two neighbouring runs, is not compared again, and what is in reverse order is turned
 * round. Inlined, so that `size` and the comparison are constants where it is used.
 *
 *   [ 3 9 | 1 4 | 2 7 ]  ->  [ 1 3 4 9 | 2 7 ]  ->  [ 1 2 3 4 7 9 ]
 */
#ifndef TEG_CODEC_BASE_SORT_H
#define TEG_CODEC_BASE_SORT_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "codec/base/alloc.h"
#include "codec/base/checked.h"

/* Must *b come before *a, although it stands behind it? */
typedef bool sort_swapped(const void *ctx, const void *a, const void *b);

#define SORT_INLINE static inline __attribute__((always_inline))

/* Merges [at, mid) and [mid, end) of `from` into the same places of `to`. */
SORT_INLINE void sort_merge(const uint8_t *from, uint8_t *to, size_t at, size_t mid, size_t end,
                            size_t size, sort_swapped *swapped, const void *ctx)
{
	size_t i = at, k = mid;

	if (mid == end || !swapped(ctx, from + (mid - 1) * size, from + mid * size)) {
		memcpy(to + at * size, from + at * size, (end - at) * size);
		return;
	}
	for (; i < mid && k < end; at++) {
		bool right = swapped(ctx, from + i * size, from + k * size);

		memcpy(to + at * size, from + (right ? k : i) * size, size);
		k += right;
		i += !right;
	}
	memcpy(to + at * size, from + i * size, (mid - i) * size);
	memcpy(to + (at + mid - i) * size, from + k * size, (end - k) * size);
}

SORT_INLINE bool sort_is_sorted(const uint8_t *at, size_t n, size_t size, sort_swapped *swapped,
                                const void *ctx)
{
	for (size_t i = 1; i < n; i++)
		if (swapped(ctx, at + (i - 1) * size, at + i * size))
			return false;
	return true;
}

/* Does every element come before the one in front of it? */
SORT_INLINE bool sort_is_reversed(const uint8_t *at, size_t n, size_t size, sort_swapped *swapped,
                                  const void *ctx)
{
	for (size_t i = 1; i < n; i++)
		if (!swapped(ctx, at + (i - 1) * size, at + i * size))
			return false;
	return true;
}

SORT_INLINE void sort_reverse(uint8_t *at, size_t n, size_t size)
{
	for (size_t i = 0, k = n; i + 1 < k--; i++) {
		for (size_t b = 0; b < size; b++) {
			uint8_t byte = at[i * size + b];

			at[i * size + b] = at[k * size + b];
			at[k * size + b] = byte;
		}
	}
}

/* Sorts what is in order already, or in the reverse of it. False: it is neither. */
SORT_INLINE bool sort_easily(void *at, size_t n, size_t size, sort_swapped *swapped,
                             const void *ctx)
{
	if (sort_is_sorted(at, n, size, swapped, ctx))
		return true;
	if (!sort_is_reversed(at, n, size, swapped, ctx))
		return false;
	sort_reverse(at, n, size);
	return true;
}

/* Sorts the n elements of `size` bytes at `at`; `room` has room for as many. */
SORT_INLINE void sort_stable(void *at, void *room, size_t n, size_t size, sort_swapped *swapped,
                             const void *ctx)
{
	uint8_t *from = at, *to = room;

	if (sort_easily(at, n, size, swapped, ctx))
		return;
	for (size_t run = 1; run < n; run *= 2) {
		uint8_t *swap = from;

		for (size_t i = 0; i < n; i += 2 * run)
			sort_merge(from, to, i, size_min(i + run, n), size_min(i + 2 * run, n),
			           size, swapped, ctx);
		from = to;
		to = swap;
	}
	if (from != at)
		memcpy(at, from, n * size);
}

/* The same, with room of its own for what is not in order yet. False: no memory. */
SORT_INLINE bool sort_array(const teg_allocator *alloc, void *at, size_t n, size_t size,
                            sort_swapped *swapped, const void *ctx)
{
	void *room;

	if (sort_easily(at, n, size, swapped, ctx))
		return true;
	room = mem_array(alloc, n, size);
	if (room)
		sort_stable(at, room, n, size, swapped, ctx);
	mem_free(alloc, room, n * size);
	return room != NULL;
}

/* Is `v` one of n numbers in ascending order? */
static inline bool sort_has_u64(const uint64_t *at, size_t n, uint64_t v)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (at[mid] < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && at[lo] == v;
}

/* Ascending numbers. */
static inline bool sort_u64_swapped(const void *ctx, const void *a, const void *b)
{
	(void)ctx;
	return *(const uint64_t *)a > *(const uint64_t *)b;
}

static inline bool sort_i64_swapped(const void *ctx, const void *a, const void *b)
{
	(void)ctx;
	return *(const int64_t *)a > *(const int64_t *)b;
}
#endif
