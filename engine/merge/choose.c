/* What to merge: by hand, by policy, for its age. */
#include "codec/base/checked.h"
#include "engine/merge/merge.h"
#include "engine/merge/policy.h"

int64_t retention_horizon(const struct array_state *state)
{
	const struct retention *keep = &state->retention;
	int64_t horizon;

	if (!keep->drops || state->last_system_time == INT64_MIN ||
	    !i64_add(state->last_system_time, -keep->duration_us, &horizon))
		return state->horizon;
	return horizon > state->horizon ? horizon : state->horizon;
}

static bool may_expire(const struct array_state *state, uint32_t n)
{
	int64_t horizon = retention_horizon(state);

	for (uint32_t i = 0; i < n; i++)
		if (state->segments[i].history && state->segments[i].superseded_min <= horizon)
			return true;
	return false;
}

/* A merge of everything leaves one interval of commits, in at most a current and a history part. */
bool merge_is_settled(const struct array_state *state, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!state->segments[i].compacted ||
		    state->segments[i].first_version != state->segments[0].first_version)
			return false;
	return !may_expire(state, n);
}

bool merge_choose(const struct array_state *state, const teg_allocator *alloc, uint32_t *first_out,
                  uint32_t *n_out)
{
	size_t room = state->n_segments + 1u, first, count;
	uint64_t *sizes = mem_array(alloc, room, sizeof *sizes);
	uint32_t *starts = mem_array(alloc, room, sizeof *starts), n = 0;
	bool chosen = false;

	/* Sizes of whole commits: several parts of one are merged together or not at all. */
	for (uint32_t i = 0; sizes && starts && i < state->n_segments; i++) {
		if (n && state->segments[i].first_version == state->segments[i - 1].first_version) {
			sizes[n - 1] += state->segments[i].len;
			continue;
		}
		starts[n] = i;
		sizes[n++] = state->segments[i].len;
	}
	if (sizes && starts && policy_choose(sizes, n, POLICY_FACTOR, &first, &count)) {
		starts[n] = state->n_segments;
		*first_out = starts[first];
		*n_out = starts[first + count] - starts[first];
		chosen = true;
	}
	mem_free(alloc, sizes, room * sizeof *sizes);
	mem_free(alloc, starts, room * sizeof *starts);
	return chosen;
}
