#include "engine/store/policy.h"

static bool is_cold(const struct manifest_use *file, uint64_t number)
{
	return file->live_len && file->number + VERSIONS_KEPT < number;
}

/* The smallest cold file that is not yet among the moved; n: none. */
static size_t smallest(const struct manifest_use *files, size_t n, uint64_t number,
                       const bool *moved)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (!moved[i] && is_cold(&files[i], number) &&
		    (best == n || files[i].live_len < files[best].live_len))
			best = i;
	return best;
}

static uint64_t budget(size_t n_cold)
{
	size_t shift = n_cold - COLD_FILES_FREE;

	return (uint64_t)COLD_MOVE_LEN << (shift < 32 ? shift : 32);
}

void policy_pick_moves(const struct manifest_use *files, size_t n, uint64_t number, bool *move_out)
{
	size_t n_cold = 0;
	uint64_t left;

	for (size_t i = 0; i < n; i++) {
		move_out[i] = false;
		n_cold += is_cold(&files[i], number);
	}
	if (n_cold <= COLD_FILES_FREE)
		return;
	left = budget(n_cold);
	for (;;) {
		size_t i = smallest(files, n, number, move_out);

		if (i == n || files[i].live_len > left)
			return;
		move_out[i] = true;
		left -= files[i].live_len;
	}
}

bool policy_is_done(const struct manifest_use *file, uint64_t newest)
{
	return file->dead_since && file->dead_since + VERSIONS_KEPT <= newest;
}
