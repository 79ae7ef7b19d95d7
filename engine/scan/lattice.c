#include "engine/scan/lattice.h"
#include "codec/base/checked.h"
#include <string.h>

bool lattice_finish(struct lattice *l)
{
	uint64_t n = 1;

	for (uint32_t d = 0; d < l->n_dims; d++) {
		if (!l->count[d]) {
			l->n_cells = 0;
			return true;
		}
		if (!u64_mul(n, l->count[d], &n))
			n = UINT64_MAX;
	}
	l->n_cells = n;
	return n <= SIZE_MAX / 16;
}

void lattice_box(const struct lattice *l, struct box *box_out)
{
	memset(box_out, 0, sizeof *box_out);
	for (uint32_t d = 0; d < l->n_dims; d++) {
		box_out->lo[d] = l->lo[d];
		box_out->hi[d] = l->lo[d] + (l->count[d] - 1) * l->step[d];
	}
}

uint64_t lattice_window(const struct lattice *l, const uint64_t *lo, const uint64_t *hi,
                        struct window *window_out)
{
	uint64_t n = 1;

	for (uint32_t d = 0; d < l->n_dims; d++) {
		uint64_t first = 0, last;

		if (hi[d] < l->lo[d] || !l->count[d])
			return 0;
		if (lo[d] > l->lo[d])
			first = (lo[d] - l->lo[d] - 1) / l->step[d] + 1;
		last = (hi[d] - l->lo[d]) / l->step[d];
		if (last > l->count[d] - 1)
			last = l->count[d] - 1;
		if (first > last)
			return 0;
		window_out->first[d] = first;
		window_out->n[d] = last - first + 1;
		n *= window_out->n[d];
	}
	return n;
}

void lattice_mask(const struct lattice *l, uint32_t d, const uint64_t *lanes, uint32_t n,
                  uint8_t *mask)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t off = lanes[i] - l->lo[d]; /* what lies below wraps around */

		mask[i] &= off % l->step[d] == 0 && off / l->step[d] < l->count[d];
	}
}

void places_pack(struct places *places, const struct lattice *l)
{
	ptrdiff_t stride = (ptrdiff_t)places->width;

	for (uint32_t d = l->n_dims; d-- > 0;) {
		places->stride[d] = stride;
		stride *= (ptrdiff_t)l->count[d];
	}
}

/* A width that the compiler knows is one move, not a call. */
#define PUT_WIDTH(w)                                                           \
	case w:                                                                \
		for (uint64_t i = 0; i < n; i++, to += step, values += stride) \
			memcpy(to, values, w);                                 \
		break

void places_put_line(const struct places *places, uint32_t n_dims, const uint64_t *from, uint32_t d,
                     uint64_t n, const uint8_t *values, ptrdiff_t stride)
{
	ptrdiff_t step = n_dims ? places->stride[d] : 0;
	uint8_t *to = places->at;

	for (uint32_t k = 0; k < n_dims; k++)
		to += (ptrdiff_t)from[k] * places->stride[k];
	if (step == (ptrdiff_t)places->width && stride == step) {
		memcpy(to, values, n * places->width);
		return;
	}
	switch (places->width) {
		PUT_WIDTH(1);
		PUT_WIDTH(2);
		PUT_WIDTH(4);
		PUT_WIDTH(8);
		PUT_WIDTH(16);
	default:
		for (uint64_t i = 0; i < n; i++, to += step, values += stride)
			memcpy(to, values, places->width);
	}
}

static bool all_alike(const uint8_t *value, size_t width)
{
	for (size_t i = 1; i < width; i++)
		if (value[i] != value[0])
			return false;
	return true;
}

void places_fill(const struct places *places, const struct lattice *l, const uint8_t *value)
{
	struct window whole = { 0 };
	struct places packed = { .width = places->width };
	uint64_t at[TEG_MAX_DIMENSIONS] = { 0 };
	uint32_t last = l->n_dims ? l->n_dims - 1 : 0;

	if (!l->n_cells)
		return;
	places_pack(&packed, l);
	if (!memcmp(packed.stride, places->stride, l->n_dims * sizeof *places->stride) &&
	    all_alike(value, places->width)) {
		memset(places->at, value[0], l->n_cells * places->width);
		return;
	}
	memcpy(whole.n, l->count, sizeof whole.n);
	do
		places_put_line(places, l->n_dims, at, last, l->n_dims ? l->count[last] : 1, value,
		                0);
	while (window_next_line(&whole, l->n_dims, last, false, at));
}

bool window_next_line(const struct window *window, uint32_t n_dims, uint32_t d, bool by_column,
                      uint64_t *at)
{
	for (uint32_t i = 0; i < n_dims; i++) {
		uint32_t k = by_column ? i : n_dims - 1 - i;

		if (k == d)
			continue;
		if (++at[k] < window->first[k] + window->n[k])
			return true;
		at[k] = window->first[k];
	}
	return false;
}
