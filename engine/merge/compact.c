/* Publishing merges: by hand, and in small steps after commits. */
#include "codec/base/checked.h"
#include "engine/merge/merge.h"
#include "engine/schema/alter.h"
#include "engine/store/version.h"
#include <stdio.h>
#include <string.h>

/* A merge of everything that lost its segments this often leaves out some of the newest, then more:
 * they are what a writer beside it merges itself. */
#define PATIENCE 2
#define LEFT_OUT_MAX 7 /* eighths */
#define RECHUNKS_MAX 5 /* begun again this often, then it is given up */

struct job {
	struct teg_store *store;
	const char *name;
	bool by_policy;
	uint32_t least;              /* segments that make a merge worth a version of its own */
	const struct retile *retile; /* NULL: tiles stay as they are */
	uint64_t through; /* a purge: commits up to there must be merged, under the newest
	                     schema; 0: it is none */
	struct merge_options options;
	teg_compact_result *result;
	uint32_t lost; /* merges of this array whose segments were gone when they were done */
	uint64_t base; /* version of the newest try */
};

/* How many of the oldest segments a merge by hand takes: whole commits only. A purge leaves out what came
 * after it had begun, and nothing else. */
static uint32_t oldest(const struct job *job, const struct array_state *state)
{
	uint32_t eighths = job->lost <= PATIENCE ? 0 : job->lost - PATIENCE;
	uint32_t n = state->n_segments;

	if (job->through) {
		while (n && state->segments[n - 1].first_version > job->through)
			n--;
		return n;
	}
	n -= (uint32_t)((uint64_t)n * (eighths < LEFT_OUT_MAX ? eighths : LEFT_OUT_MAX) / 8);
	while (n < state->n_segments &&
	       (n < 2 || state->segments[n].first_version == state->segments[n - 1].first_version))
		n++;
	return n;
}

/* What could ride in the next commit's manifest is given the time to do so. */
static bool is_worth_it(const struct job *job, const struct array_state *state, uint32_t first,
                        uint32_t n)
{
	bool may_ride = merge_len(state, first, n) <= MERGE_RIDE_LEN_MAX;

	return n >= job->least * (may_ride ? 2 : 1);
}

/* Some segment was written by an earlier schema, which may have had other tile settings. */
static bool has_older_tiles(const struct array_state *state, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (state->segments[i].schema_version < state->schema->version)
			return true;
	return false;
}

static bool choose(const struct job *job, const struct array_state *state, uint32_t *first,
                   uint32_t *n)
{
	if (job->by_policy)
		return merge_choose(state, job->store->alloc, first, n) &&
		       is_worth_it(job, state, *first, *n);
	*first = 0;
	*n = oldest(job, state);
	return !merge_is_settled(state, *n) ||
	       ((job->retile || job->through) && has_older_tiles(state, *n));
}

static void add_result(teg_compact_result *to, const struct merge *merge, uint64_t version)
{
	to->version = version;
	to->segments_in += merge->n_removed;
	to->rows_in += merge->rows_in;
	to->bytes_in += merge->bytes_in;
	to->rows_expired += merge->n_expired;
	to->rows_erased += merge->n_erased;
	for (int i = 0; i < 2; i++) {
		const struct merge_output *output = &merge->outputs[i];

		to->segments_out += output->used;
		to->rows_out += output->used ? output->added.ref.n_rows : 0;
		to->bytes_out += output->used ? output->added.ref.len : 0;
	}
}

/* What history keeps of a merge that dropped rows: how many and why, never what. */
struct audit {
	teg_metadata pairs[4];
	size_t n;
	char text[3][24];
};

static void audit_number(struct audit *audit, const char *key, long long value)
{
	char *text = audit->text[audit->n];

	snprintf(text, sizeof audit->text[0], "%lld", value);
	audit->pairs[audit->n++] = (teg_metadata){ key, text, strlen(key), strlen(text) };
}

static void audit_merge(struct audit *audit, const struct job *job, const struct merge *merge)
{
	*audit = (struct audit){ .n = 0 };
	if (merge->n_expired) {
		audit_number(audit, "rows_expired", (long long)merge->n_expired);
		audit_number(audit, "horizon", (long long)merge->horizon);
	}
	if (merge->n_erased)
		audit_number(audit, "rows_erased", (long long)merge->n_erased);
	if (audit->n)
		audit->pairs[audit->n++] =
			(teg_metadata){ "array", job->name, 5, strlen(job->name) };
}

/* Segments that came meanwhile would be in another order than the schema says. */
static teg_status check_nothing_came(void *ctx, struct store_version *base,
                                     const struct commit_request *request, int64_t system_time,
                                     teg_error *err)
{
	const struct array_change *change = &request->changes[0];
	const struct job *job = ctx;
	struct array_state now;
	struct arena arena;
	teg_status status;

	(void)system_time;
	arena_init(&arena, job->store->alloc, SIZE_MAX);
	status = version_array(base, change->name, &arena, &now, err);
	if (status == TEG_OK && now.n_segments != change->n_remove)
		status = teg_fail(err, TEG_CONFLICT,
		                  "others add to array '%s' while its tiles get other extents",
		                  change->name);
	arena_release(&arena);
	return status;
}

/* `to`: the schema that comes with it; NULL: it stays. */
static teg_status publish(struct job *job, const struct array_state *state, struct merge *merge,
                          const struct schema *to, teg_error *err)
{
	struct new_segment add[2];
	struct array_change change = { .name = job->name,
		                       .array_id = state->id,
		                       .add = add,
		                       .n_remove = merge->n_removed,
		                       .remove = merge->removed,
		                       .horizon = merge->horizon };
	struct commit_request request = { .changes = &change,
		                          .n_changes = 1,
		                          .action = merge->n_expired ? "purge" : "compact" };
	teg_commit_result result = { .struct_size = sizeof result };
	struct audit audit;
	teg_status status;

	if (to) {
		change.alter = to;
		change.alters = state->schema->version;
		request.check = check_nothing_came;
		request.rebase_ctx = job;
	}
	change.n_add = merge_added(merge, add);
	if (merge->n_expired)
		change.dropped_by = &state->retention;
	audit_merge(&audit, job, merge);
	request.metadata = audit.pairs;
	request.n_metadata = audit.n;
	memcpy(request.commit_id, job->options.commit_id, sizeof request.commit_id);
	status = store_commit(job->store, &request, &result, NULL, err);
	if (status == TEG_OK)
		add_result(job->result, merge, result.version);
	else if (status != TEG_COMMIT_UNKNOWN)
		merge_discard(merge);
	return status;
}

static teg_status merge_chosen(struct job *job, struct teg_array *array, teg_error *err)
{
	struct merge merge;
	uint32_t first, n;
	teg_status status;

	if (!choose(job, &array->state, &first, &n))
		return TEG_END;
	TEG_TRY(merge_run(array, first, n, &job->options, &merge, err));
	status = publish(job, &array->state, &merge, NULL, err);
	merge_release(&merge);
	return status;
}

/* Schema and segments in one version: no reader ever finds the one without the other. */
static teg_status rechunk(struct job *job, struct teg_array *array, const struct schema *to,
                          teg_error *err)
{
	struct merge merge;
	teg_status status;

	TEG_TRY(merge_reordered(array, to, &job->options, &merge, err));
	status = publish(job, &array->state, &merge, to, err);
	merge_release(&merge);
	return status;
}

/* One merge of what the version holds, from choosing to publishing. TEG_END: nothing to merge. */
static teg_status choose_and_merge(struct job *job, struct store_version *version, teg_error *err)
{
	const struct retile *retile = job->retile;
	const struct schema *to = NULL;
	struct teg_array *array;
	struct arena arena;
	teg_status status = TEG_OK;

	job->base = version_number(version);
	TEG_TRY(store_new_id(job->store, job->options.commit_id, err));
	TEG_TRY(array_of_version(version, job->name, &array, err));
	arena_init(&arena, job->store->alloc, SIZE_MAX);
	if (retile && retile->n_extents)
		status = schema_set_extents(array->state.schema, retile->extents, retile->n_extents,
		                            &arena, &to, err);
	if (status == TEG_OK)
		status = to && !schema_same_extents(to, array->state.schema)
		                 ? rechunk(job, array, to, err)
		                 : merge_chosen(job, array, err);
	if (status != TEG_OK && status != TEG_END)
		error_in_array(err, status, job->name);
	arena_release(&arena);
	array_unref(array);
	return status;
}

/* A pin costs two changes of files: only a merge that lost what it read takes one, against a vacuum
 * that is fast. */
static teg_status merge_newest(struct job *job, teg_error *err)
{
	struct teg_snapshot *pinned = NULL;
	struct store_version *version;
	teg_status status;

	if (job->lost) {
		TEG_TRY(teg_snapshot_open(job->store, &pinned, err));
		version = pinned->version;
		version_ref(version);
	} else {
		TEG_TRY(version_open_newest(job->store, &version, err));
	}
	status = choose_and_merge(job, version, err);
	version_unref(version);
	teg_snapshot_close(pinned);
	return status;
}

static teg_status merge_once(struct job *job, teg_error *err)
{
	teg_status status;

	store_flight_begin(job->store);
	status = merge_newest(job, err);
	store_flight_end(job->store);
	return status;
}

/* Another merge took segments away, or vacuum removed what it had replaced: both mean that there is
 * a newer version, to be looked at again. So whoever loses knows that somebody else got on. */
static bool was_overtaken(const struct job *job, teg_status status)
{
	uint64_t newest;

	return (status == TEG_CONFLICT || status == TEG_SNAPSHOT_EXPIRED) &&
	       version_newest_number(job->store, &newest, NULL) == TEG_OK && newest > job->base;
}

static teg_status begin_again(struct job *job, teg_error *err)
{
	job->lost++;
	if (job->retile && job->retile->n_extents && job->lost > RECHUNKS_MAX)
		return teg_fail(err, TEG_CONFLICT,
		                "others write to array '%s' faster than it is written anew",
		                job->name);
	if (!job->options.progress || job->options.progress(job->options.progress_ctx, 0, 0))
		return TEG_OK;
	return teg_fail(err, TEG_CANCELLED, "compaction was cancelled");
}

/* By hand: one merge of everything; by policy: until the policy is content. After a commit a merge
 * that was overtaken is dropped. */
static teg_status compact_array(struct job *job, teg_error *err)
{
	job->lost = 0;
	if (job->retile && (job->retile->tile_cells || job->retile->has_profile))
		TEG_TRY(merge_retile(job->store, job->name, job->retile, err));
	for (;;) {
		teg_error own;
		teg_status status = merge_once(job, &own);

		if (!job->least && was_overtaken(job, status)) {
			TEG_TRY(begin_again(job, err));
			continue;
		}
		if (status != TEG_OK)
			return status == TEG_END ? TEG_OK : error_give(err, status, &own);
		if (!job->by_policy)
			return TEG_OK;
	}
}

/* The array that follows `after` now. Arrays that are made beside this may be passed over. */
static teg_status next_array(const struct job *job, const char *after, char name_out[256],
                             teg_error *err)
{
	for (;;) { /* each time there is a newer version */
		struct store_version *version;
		teg_error own;
		teg_status status;

		TEG_TRY(version_open_newest(job->store, &version, err));
		status = version_next_array(version, after, name_out, &own);
		version_unref(version);
		if (status != TEG_SNAPSHOT_EXPIRED)
			return error_give(err, status, &own);
	}
}

static teg_status compact_all(struct job *job, teg_error *err)
{
	char after[256], name[256];
	teg_status status = next_array(job, NULL, name, err);

	while (status == TEG_OK) {
		job->name = name;
		TEG_TRY(compact_array(job, err));
		memcpy(after, name, sizeof after);
		status = next_array(job, after, name, err);
	}
	return status == TEG_END ? TEG_OK : status;
}

teg_status teg_compact(teg_store *store, const teg_compact_options *options,
                       teg_compact_result *result_out, teg_error *err)
{
	teg_compact_options known = { .struct_size = sizeof known };
	teg_compact_result result = { .struct_size = sizeof result };
	struct job job = { .store = store, .result = &result };
	struct retile retile;
	bool retiles;
	teg_status status;

	if (!store || (options && options->struct_size > sizeof known))
		return teg_fail(err, TEG_MISUSE,
		                "teg_compact needs a store, and options of a known size");
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened to be read only");
	if (options)
		memcpy(&known, options, options->struct_size);
	retile = (struct retile){ known.tile_cells, known.array != NULL, known.has_profile,
		                  known.profile,    known.extents,       known.n_extents };
	if (known.n_extents && (!known.extents || !known.array))
		return teg_fail(err, TEG_MISUSE, "other extents are those of one array");
	retiles = retile.tile_cells || retile.has_profile || retile.n_extents;
	if (known.by_policy && retiles)
		return teg_fail(err, TEG_MISUSE,
		                "other tile settings rewrite everything: not by policy");
	job.by_policy = known.by_policy;
	job.options = (struct merge_options){ .memory = known.memory,
		                              .progress = known.progress,
		                              .progress_ctx = known.progress_ctx };
	job.name = known.array;
	job.retile = retiles ? &retile : NULL;
	status = known.array ? compact_array(&job, err) : compact_all(&job, err);
	if (status == TEG_OK && result_out)
		memcpy(result_out, &result, size_min(result_out->struct_size, sizeof result));
	return status;
}

/* A version of its own that reaches nothing in older manifest files, and says less of older versions. */
static teg_status gather(struct teg_store *store, const char *name, struct redaction *redact,
                         teg_commit_result *result, teg_error *err)
{
	bool redacts = redact->of_array || redact->of_all || redact->n_versions;
	struct array_change change = { .name = name };
	struct commit_request request = { .changes = &change,
		                          .n_changes = name ? 1 : 0,
		                          .action = redacts ? "redact" : "gather",
		                          .redact = redacts ? redact : NULL,
		                          .gathers = true };

	TEG_TRY(store_new_id(store, request.commit_id, err));
	return store_commit(store, &request, result, NULL, err);
}

teg_status merge_and_gather(struct teg_store *store, const char *name, struct redaction *redact,
                            teg_progress progress, void *ctx, teg_compact_result *result_out,
                            teg_error *err)
{
	struct job job = { .store = store, .name = name, .result = result_out };
	teg_commit_result result = { .struct_size = sizeof result };
	teg_status status;

	*result_out = (teg_compact_result){ .struct_size = sizeof *result_out };
	job.options = (struct merge_options){ .progress = progress, .progress_ctx = ctx };
	TEG_TRY(version_newest_number(store, &job.through, err));
	TEG_TRY(name ? compact_array(&job, err) : compact_all(&job, err));
	store_flight_begin(store);
	status = gather(store, name, redact, &result, err);
	store_flight_end(store);
	result_out->version = result.version;
	return status;
}

void merge_after_commit(struct teg_store *store, const char *const *names, uint32_t n_names)
{
	for (uint32_t i = 0; i < n_names; i++) {
		teg_compact_result result = { .struct_size = sizeof result };
		struct job job = { .store = store,
			           .name = names[i],
			           .by_policy = true,
			           .least = MERGE_SEGMENTS_MIN,
			           .result = &result };

		/* A failure is the next compaction's to find: this commit is durable already. */
		if (compact_array(&job, NULL) != TEG_OK)
			return;
	}
}
