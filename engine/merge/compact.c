/* Publishing merges: by hand, and in small steps after commits. */
#include "codec/base/checked.h"
#include "engine/merge/merge.h"
#include <string.h>

#define TRIES 8 /* a merge that keeps losing its segments to other merges gives up */

/* After a commit a merge waits for this many segments: a version costs two syncs, and eight more
 * segments cost a reader next to nothing. */
#define STEP_SEGMENTS 8

struct job {
	struct teg_store *store;
	const char *name;
	bool by_policy;
	uint32_t least; /* segments that make a merge worth a version of its own */
	struct merge_options options;
	teg_compact_result *result;
};

static bool choose(const struct job *job, const struct array_state *state, uint32_t *first,
                   uint32_t *n)
{
	if (job->by_policy)
		return merge_choose(state, job->store->alloc, first, n) && *n >= job->least;
	*first = 0;
	*n = state->n_segments;
	return state->n_segments > 1 || (state->n_segments == 1 && !state->segments[0].compacted);
}

static void add_result(teg_compact_result *to, const struct merge *merge, uint64_t version)
{
	to->version = version;
	to->segments_in += merge->n_removed;
	to->segments_out += 1;
	to->rows_in += merge->rows_in;
	to->bytes_in += merge->bytes_in;
	to->rows_out += merge->added.ref.n_rows;
	to->bytes_out += merge->added.ref.len;
}

static teg_status publish(const struct job *job, struct merge *merge, teg_error *err)
{
	struct array_change change = { .name = job->name,
		                       .n_add = 1,
		                       .add = &merge->added,
		                       .n_remove = merge->n_removed,
		                       .remove = merge->removed };
	struct commit_request request = { .changes = &change, .n_changes = 1, .action = "compact" };
	teg_commit_result result = { .struct_size = sizeof result };

	memcpy(request.commit_id, job->options.commit_id, sizeof request.commit_id);
	TEG_TRY(store_commit(job->store, &request, &result, NULL, err));
	add_result(job->result, merge, result.version);
	return TEG_OK;
}

/* One merge, from choosing to publishing. TEG_END: nothing to merge. */
static teg_status choose_and_merge(struct job *job, teg_error *err)
{
	struct store_version *version;
	struct teg_array *array;
	struct merge merge;
	uint32_t first, n;
	teg_status status;

	TEG_TRY(store_new_id(job->store, job->options.commit_id, err));
	TEG_TRY(version_open_newest(job->store, &version, err));
	status = array_of_version(version, job->name, &array, err);
	version_unref(version);
	TEG_TRY(status);
	status = choose(job, &array->state, &first, &n)
	                 ? merge_run(array, first, n, &job->options, &merge, err)
	                 : TEG_END;
	if (status == TEG_OK) {
		status = publish(job, &merge, err);
		merge_release(&merge);
	}
	array_unref(array);
	return status;
}

static teg_status merge_once(struct job *job, teg_error *err)
{
	teg_status status;

	store_flight_begin(job->store);
	status = choose_and_merge(job, err);
	store_flight_end(job->store);
	return status;
}

/* By hand: one merge of everything; by policy: until the policy is content. Another merge may take
 * segments away, or vacuum remove what it has replaced: look again then. */
static teg_status compact_array(struct job *job, teg_error *err)
{
	for (int lost = 0; lost < TRIES;) {
		teg_status status = merge_once(job, err);

		if (status == TEG_CONFLICT || status == TEG_SNAPSHOT_EXPIRED) {
			lost++;
			continue;
		}
		if (status != TEG_OK)
			return status == TEG_END ? TEG_OK : status;
		if (!job->by_policy)
			return TEG_OK;
	}
	return teg_fail(err, TEG_CONFLICT, "other merges of array '%s' came first %d times",
	                job->name, TRIES);
}

static teg_status compact_all(struct job *job, teg_error *err)
{
	struct store_version *version;
	char after[256], name[256];
	teg_status status;

	TEG_TRY(version_open_newest(job->store, &version, err));
	status = version_next_array(version, NULL, name, err);
	while (status == TEG_OK) {
		job->name = name;
		status = compact_array(job, err);
		if (status != TEG_OK)
			break;
		memcpy(after, name, sizeof after);
		status = version_next_array(version, after, name, err);
	}
	version_unref(version);
	return status == TEG_END ? TEG_OK : status;
}

teg_status teg_compact(teg_store *store, const teg_compact_options *options,
                       teg_compact_result *result_out, teg_error *err)
{
	teg_compact_options known = { .struct_size = sizeof known };
	teg_compact_result result = { .struct_size = sizeof result };
	struct job job = { .store = store, .result = &result };
	teg_status status;

	if (!store || (options && options->struct_size > sizeof known))
		return teg_fail(err, TEG_MISUSE,
		                "teg_compact needs a store, and options of a known size");
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened to be read only");
	if (options)
		memcpy(&known, options, options->struct_size);
	job.by_policy = known.by_policy;
	job.options = (struct merge_options){ .memory = known.memory,
		                              .progress = known.progress,
		                              .progress_ctx = known.progress_ctx };
	job.name = known.array;
	status = known.array ? compact_array(&job, err) : compact_all(&job, err);
	if (status == TEG_OK && result_out)
		memcpy(result_out, &result, size_min(result_out->struct_size, sizeof result));
	return status;
}

void merge_after_commit(struct teg_store *store, const char *const *names, uint32_t n_names)
{
	for (uint32_t i = 0; i < n_names; i++) {
		teg_compact_result result = { .struct_size = sizeof result };
		struct job job = { .store = store,
			           .name = names[i],
			           .by_policy = true,
			           .least = STEP_SEGMENTS,
			           .result = &result };

		/* A failure is the next compaction's to find: this commit is durable already. */
		if (compact_array(&job, NULL) != TEG_OK)
			return;
	}
}
