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

/* Cold files that cost too little to be moved: more of them in a large store. */
static size_t n_free(const struct manifest_use *files, size_t n)
{
	uint64_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += files[i].live_len;
	len /= COLD_FILE_SHARE;
	return COLD_FILES_FREE + (size_t)(len < COLD_FILES_MORE ? len : COLD_FILES_MORE);
}

static uint64_t budget(size_t n_cold, size_t n_free)
{
	size_t shift = n_cold - n_free;

	return (uint64_t)COLD_MOVE_LEN << (shift < 32 ? shift : 32);
}

void policy_pick_moves(const struct manifest_use *files, size_t n, uint64_t number, bool *move_out)
{
	size_t n_cold = 0, free_files;
	uint64_t left;

	for (size_t i = 0; i < n; i++) {
		move_out[i] = false;
		n_cold += is_cold(&files[i], number);
	}
	free_files = n_free(files, n);
	if (n_cold <= free_files)
		return;
	left = budget(n_cold, free_files);
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
