#include "engine/merge/policy.h"
#include "codec/base/checked.h"

/* True where `older` is too small to stand before `newer`. */
static bool too_small(uint64_t older, uint64_t newer, uint64_t factor)
{
	uint64_t least;

	return !u64_mul(newer, factor, &least) || older < least;
}

bool policy_choose(const uint64_t *sizes, size_t n_sizes, uint64_t factor, size_t *first_out,
                   size_t *n_out)
{
	size_t end = n_sizes, first;
	uint64_t together;

	while (end > 1 && !too_small(sizes[end - 2], sizes[end - 1], factor))
		end--;
	if (end < 2)
		return false;
	/* Merging makes one larger segment, before which others may be too small in turn. */
	first = end - 1;
	together = sizes[first];
	while (first > 0 && too_small(sizes[first - 1], together, factor)) {
		first--;
		if (!u64_add(together, sizes[first], &together))
			together = UINT64_MAX;
	}
	*first_out = first;
	*n_out = end - first;
	return true;
}
