#include "engine/store/sweep.h"
#include "codec/base/sort.h"
#include "engine/store/pin.h"
#include "engine/store/policy.h"

struct numbers {
	uint64_t *at;
	size_t n, cap;
	bool failed;
	const struct sweep_options *options;
	struct store_version *version;
};

/* Reached by the newest version or one of the few before it? */
static bool is_needed(const struct store_version *version, uint64_t number, bool all)
{
	const struct manifest_head *head = &version->head;

	if (number >= version->number)
		return true;
	for (uint32_t i = 0; i < head->n_files; i++)
		if (head->files[i].number == number)
			return all ? head->files[i].live_len > 0
			           : !policy_is_done(&head->files[i], version->number);
	return !all && number + VERSIONS_KEPT >= version->number;
}

static void note(void *ctx, uint64_t number)
{
	struct numbers *numbers = ctx;
	void *block = numbers->at;

	if (numbers->failed || is_needed(numbers->version, number, numbers->options->all))
		return;
	if (!mem_grow(numbers->version->store->alloc, &block, &numbers->cap, numbers->n + 1,
	              sizeof number)) {
		numbers->failed = true;
		return;
	}
	numbers->at = block;
	numbers->at[numbers->n++] = number;
}

static teg_status remove_one(struct teg_store *store, uint64_t number,
                             const struct sweep_options *options, struct sweep_result *result,
                             teg_error *err)
{
	char path[OS_PATH_MAX];
	struct os_stat st = { 0 };
	teg_status status = TEG_OK;

	manifest_path(number, path);
	if (options->count)
		status = os_stat(store->os, path, &st, err);
	if (status == TEG_OK && options->each && !options->dry_run)
		status = options->each(options->ctx, path, st.size, err);
	if (status == TEG_OK && !options->dry_run)
		status = os_unlink(store->os, path, err);
	if (status == TEG_NOT_FOUND) /* another sweep was faster */
		return TEG_OK;
	TEG_TRY(status);
	result->n_removed++;
	result->n_bytes += st.size;
	return TEG_OK;
}

static teg_status remove_all(struct numbers *numbers, struct sweep_result *result, teg_error *err)
{
	struct teg_store *store = numbers->version->store;
	struct pins pins;
	teg_status status;

	TEG_TRY(pins_look(store, false, &pins, err));
	status = TEG_OK;
	for (size_t i = 0; i < numbers->n && status == TEG_OK; i++) {
		if (pins_hold_manifest(&pins, numbers->at[i]))
			result->n_pinned++;
		else
			status = remove_one(store, numbers->at[i], numbers->options, result, err);
	}
	pins_release(&pins);
	return status;
}

teg_status sweep_manifests(struct store_version *version, const struct sweep_options *options,
                           struct sweep_result *result_out, teg_error *err)
{
	struct numbers numbers = { .options = options, .version = version };
	teg_status status;

	*result_out = (struct sweep_result){ 0 };
	status = manifests_list(version->store->os, note, &numbers, err);
	if (status == TEG_OK &&
	    (numbers.failed || !sort_array(version->store->alloc, numbers.at, numbers.n,
	                                   sizeof *numbers.at, sort_u64_swapped, NULL)))
		status = teg_fail(err, TEG_NOMEM, "no memory for the list of manifests");
	if (status == TEG_OK && numbers.n)
		status = remove_all(&numbers, result_out, err);
	mem_free(version->store->alloc, numbers.at, numbers.cap * sizeof *numbers.at);
	return status;
}
