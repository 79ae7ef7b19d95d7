/* Small merges that ride in a commit's own manifest, instead of a version of their own after it. */
#include "engine/merge/merge.h"
#include <string.h>

struct merge_ride {
	struct teg_array *array; /* what the merge took away is named in its memory */
	struct merge merge;
	struct new_segment add[2];
	struct array_change change;
};

uint64_t merge_len(const struct array_state *state, uint32_t first, uint32_t n)
{
	uint64_t len = 0;

	for (uint32_t i = first; i < first + n; i++)
		len += state->segments[i].len;
	return len;
}

static void free_ride(struct teg_store *store, struct merge_ride *ride, bool keep_file)
{
	if (!keep_file)
		merge_discard(&ride->merge);
	merge_release(&ride->merge);
	array_unref(ride->array);
	mem_free(store->alloc, ride, sizeof *ride);
}

void merge_rides_end(struct teg_store *store, struct merge_rides *rides, bool keep_files)
{
	for (size_t i = 0; i < rides->n; i++)
		free_ride(store, rides->at[i], keep_files);
	mem_free(store->alloc, (void *)rides->at, rides->cap * sizeof *rides->at);
	*rides = (struct merge_rides){ 0 };
}

/* Chooses and merges; false where there is nothing to do, or it cannot be done. */
static bool run(struct merge_ride *ride, struct store_version *base, const char *name,
                uint64_t room)
{
	struct merge_options options = { .keeps = true };
	const struct array_state *state;
	uint32_t first, n;

	if (array_of_version(base, name, &ride->array, NULL) != TEG_OK)
		return false;
	state = &ride->array->state;
	if (!merge_choose(state, ride->array->arena.alloc, &first, &n) || n < MERGE_SEGMENTS_MIN ||
	    merge_len(state, first, n) > room)
		return false;
	return merge_run(ride->array, first, n, &options, &ride->merge, NULL) == TEG_OK;
}

static bool add_ride(struct teg_store *store, struct merge_rides *rides, struct merge_ride *ride)
{
	void *block = (void *)rides->at;

	if (!mem_grow(store->alloc, &block, &rides->cap, rides->n + 1, sizeof *rides->at))
		return false;
	rides->at = block;
	rides->at[rides->n++] = ride;
	rides->len += ride->merge.bytes_in;
	return true;
}

void merge_ride(struct store_version *base, struct merge_rides *rides, struct array_change *change)
{
	struct teg_store *store = version_store(base);
	struct merge_ride *ride = mem_zalloc(store->alloc, sizeof *ride);
	uint64_t room = MERGE_RIDES_LEN_MAX - rides->len;

	if (!ride)
		return;
	room = room < MERGE_RIDE_LEN_MAX ? room : MERGE_RIDE_LEN_MAX;
	if (!run(ride, base, change->name, room) || !add_ride(store, rides, ride)) {
		free_ride(store, ride, false);
		return;
	}
	ride->change = (struct array_change){ .name = change->name,
		                              .n_add = merge_added(&ride->merge, ride->add),
		                              .add = ride->add,
		                              .n_remove = ride->merge.n_removed,
		                              .remove = ride->merge.removed };
	change->ride = &ride->change;
}
