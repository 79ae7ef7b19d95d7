#include "tools/tilectl/slabs.h"
#include <string.h>

#define SLAB_BYTES ((size_t)4 << 20)

/* Whole axes from the last on, as long as they fit; then some positions of the one before. */
static void cut(struct slabs *s, uint64_t most)
{
	uint64_t inner = 1;

	s->axis = s->rank;
	while (s->axis && s->shape[s->axis - 1] <= most / inner)
		inner *= s->shape[--s->axis];
	s->step = 1;
	s->most = inner;
	if (s->axis) {
		s->axis--;
		s->step = most / inner ? most / inner : 1;
		s->most = s->step * inner;
	} else if (s->rank) {
		s->step = s->shape[0];
	}
}

static void settle(struct slabs *s)
{
	s->cells = 1;
	for (size_t d = 0; d < s->rank; d++) {
		uint64_t left = s->shape[d] - s->at[d];

		s->n[d] = d < s->axis ? 1 : d > s->axis ? s->shape[d] : left;
		if (d == s->axis && left > s->step)
			s->n[d] = s->step;
		s->cells *= s->n[d];
	}
}

bool slabs_begin(struct slabs *s, const uint64_t *shape, size_t rank, size_t width)
{
	uint64_t most = SLAB_BYTES / (width ? width : 1);

	*s = (struct slabs){ .rank = rank, .most = 1 };
	for (size_t d = 0; d < rank; d++) {
		s->shape[d] = shape[d];
		if (!shape[d])
			return false;
	}
	cut(s, most ? most : 1);
	settle(s);
	return true;
}

bool slabs_next(struct slabs *s)
{
	if (!s->rank)
		return false;
	s->first += s->cells;
	s->at[s->axis] += s->n[s->axis];
	for (size_t d = s->axis; s->at[d] >= s->shape[d]; d--) {
		s->at[d] = 0;
		if (!d)
			return false;
		s->at[d - 1]++;
	}
	settle(s);
	return true;
}
