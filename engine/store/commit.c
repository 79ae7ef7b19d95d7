#include "engine/store/compose.h"
#include "engine/store/publish.h"
#include "engine/store/sweep.h"

static bool changes_anything(const struct commit_request *request)
{
	if (request->gathers)
		return true;
	for (uint32_t i = 0; i < request->n_changes; i++) {
		const struct array_change *change = &request->changes[i];

		if (change->retention || change->create || change->alter || change->rename ||
		    change->drop || change->n_add || change->n_remove)
			return true;
	}
	return false;
}

static bool has_files(const struct array_change *change)
{
	for (uint32_t k = 0; k < change->n_add; k++)
		if (!change->add[k].ref.inlined)
			return true;
	return change->ride && has_files(change->ride);
}

static bool adds_files(const struct commit_request *request)
{
	for (uint32_t i = 0; i < request->n_changes; i++)
		if (has_files(&request->changes[i]))
			return true;
	return false;
}

/* TEG_OK with *known_out where the key's commit has happened already. */
static teg_status check_key(struct store_version *base, const struct commit_request *request,
                            teg_commit_result *result, bool *known_out, teg_error *err)
{
	struct writer_record w;
	teg_status status;

	*known_out = false;
	if (!request->key_writer)
		return TEG_OK;
	status = version_find_writer(base, request->key_writer, &w, err);
	if (status == TEG_NOT_FOUND)
		return TEG_OK;
	TEG_TRY(status);
	if (request->key_sequence > w.sequence)
		return TEG_OK;
	if (request->key_sequence < w.sequence)
		return teg_fail(err, TEG_KEY_REUSED,
		                "sequence %llu of writer %s is older than its last, %llu",
		                (unsigned long long)request->key_sequence, request->key_writer,
		                (unsigned long long)w.sequence);
	if (request->key_digest != w.digest)
		return teg_fail(err, TEG_KEY_REUSED,
		                "sequence %llu of writer %s was used for other content",
		                (unsigned long long)w.sequence, request->key_writer);
	*known_out = true;
	*result = (teg_commit_result){ .version = w.version,
		                       .system_time = w.system_time,
		                       .clock_distance_us = w.clock_distance,
		                       .n_arrays = w.n_arrays,
		                       .n_rows = w.n_rows,
		                       .n_segments = w.n_segments,
		                       .n_bytes = w.n_bytes,
		                       .repeated = true };
	return TEG_OK;
}

static teg_status check_expected(const struct store_version *base,
                                 const struct commit_request *request, teg_error *err)
{
	if (!request->expect_version || request->expect_version == base->number)
		return TEG_OK;
	return teg_fail(err, TEG_CONFLICT, "the newest version is %llu, not %llu",
	                (unsigned long long)base->number,
	                (unsigned long long)request->expect_version);
}

enum attempt {
	DONE,     /* nothing had to be published */
	MADE,     /* a new version */
	TRY_AGAIN /* another commit came first */
};

/* What a commit has made, and gives out. */
struct made {
	teg_commit_result *result;
	struct store_version
		*version; /* NULL where there was no memory for it, and before it is there */
};

/* Saves writing and syncing a file in vain; what decides is the link. */
static bool is_taken(struct teg_store *store, uint64_t number)
{
	char path[OS_PATH_MAX];
	struct os_stat st;

	manifest_path(number, path);
	return os_stat(store->os, path, &st, NULL) == TEG_OK;
}

static teg_status publish_on(struct teg_store *store, struct store_version *base,
                             struct commit_request *request, struct made *made,
                             enum attempt *attempt_out, teg_error *err)
{
	enum publish_outcome outcome;
	struct compose c;
	struct span file;
	teg_status status;

	*attempt_out = TRY_AGAIN;
	if (is_taken(store, base->number + 1))
		return TEG_OK;
	compose_init(&c, store, base, request);
	TEG_DO(compose_run(&c, err));
	if (request->check)
		TEG_DO(request->check(request->rebase_ctx, base, request, c.result.system_time,
		                      err));
	file = buf_span(&c.out);
	TEG_DO(publish(store, c.number, request->commit_id, &file, 1, &outcome, err));
	*attempt_out = outcome == PUBLISHED ? MADE : TRY_AGAIN;
	*made->result = c.result;
	/* Without memory for it the version is read when it is wanted. */
	if (outcome == PUBLISHED)
		(void)version_of_bytes(store, c.number, file, &made->version, NULL);
done:
	compose_release(&c);
	return status;
}

static teg_status attempt(struct teg_store *store, struct store_version *base,
                          struct commit_request *request, struct made *made,
                          enum attempt *attempt_out, teg_error *err)
{
	bool known;

	*attempt_out = DONE;
	TEG_TRY(check_key(base, request, made->result, &known, err));
	if (known)
		return TEG_OK;
	TEG_TRY(check_expected(base, request, err));
	if (request->rebase)
		TEG_TRY(request->rebase(request->rebase_ctx, base, request, err));
	if (!changes_anything(request)) {
		*made->result = (teg_commit_result){ .version = base->number };
		return TEG_OK;
	}
	if (adds_files(request))
		TEG_TRY(os_sync_dir(store->os, "segments", err));
	return publish_on(store, base, request, made, attempt_out, err);
}

/* After the answer is certain: what follows may fail without harm. */
static void finish(struct teg_store *store, const struct made *made)
{
	static const struct sweep_options step = { 0 };
	struct sweep_result swept;

	publish_hint(store, made->result->version);
	if (made->version && made->result->version % SWEEP_EVERY == 0)
		(void)sweep_manifests(made->version, &step, &swept, NULL);
}

static bool is_newest(struct teg_store *store, const struct store_version *version)
{
	uint64_t newest;

	return version_newest_number(store, &newest, NULL) == TEG_OK && newest == version->number;
}

/* A first try on the newest version that this handle has seen, without looking whether there is a
 * newer one: publishing finds that out, since the number is taken then or lies in a gap. Whatever
 * else comes of it counts only if the version turns out to be the newest. */
static teg_status attempt_on_seen(struct teg_store *store, struct commit_request *request,
                                  struct made *made, enum attempt *attempt_out, uint32_t *n_rebases,
                                  teg_error *err)
{
	struct store_version *base = version_seen(store);
	teg_status status;

	*attempt_out = TRY_AGAIN;
	if (!base)
		return TEG_OK;
	status = attempt(store, base, request, made, attempt_out, err);
	*n_rebases += status == TEG_OK && *attempt_out == TRY_AGAIN;
	if (status != TEG_COMMIT_UNKNOWN && *attempt_out != MADE && !is_newest(store, base)) {
		*attempt_out = TRY_AGAIN;
		status = TEG_OK;
	}
	version_unref(base);
	return status;
}

static teg_status attempt_on_newest(struct teg_store *store, struct commit_request *request,
                                    struct made *made, enum attempt *attempt_out, teg_error *err)
{
	struct store_version *base;
	teg_status status;

	TEG_TRY(version_open_newest(store, &base, err));
	status = attempt(store, base, request, made, attempt_out, err);
	version_unref(base);
	return status;
}

static teg_status commit(struct teg_store *store, struct commit_request *request, struct made *made,
                         teg_error *err)
{
	enum attempt outcome;
	uint32_t n_rebases = 0;
	teg_status status;

	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened for reading only");
	if (atomic_load(&store->poisoned))
		return teg_fail(err, TEG_IO,
		                "a directory could not be synced before: open the store anew");
	TEG_TRY(attempt_on_seen(store, request, made, &outcome, &n_rebases, err));
	while (outcome == TRY_AGAIN) {
		status = attempt_on_newest(store, request, made, &outcome, err);
		/* The base was vacuumed away under a slow writer: there is a newer one. */
		if (status == TEG_SNAPSHOT_EXPIRED)
			outcome = TRY_AGAIN;
		else
			TEG_TRY(status);
		n_rebases += outcome == TRY_AGAIN;
	}
	made->result->n_rebases = n_rebases;
	if (outcome == MADE)
		finish(store, made);
	return TEG_OK;
}

teg_status store_commit(struct teg_store *store, struct commit_request *request,
                        teg_commit_result *result_out, struct store_version **version_out,
                        teg_error *err)
{
	struct made made = { .result = result_out };
	teg_error own; /* tries before the last may have failed */
	teg_status status;

	if (version_out)
		*version_out = NULL;
	store_flight_begin(store);
	status = error_give(err, commit(store, request, &made, &own), &own);
	if (status == TEG_OK && adds_files(request)) {
		spin_lock(&store->lock);
		store->pin_is_stale = true;
		spin_unlock(&store->lock);
	}
	store_flight_end(store);
	if (status == TEG_OK && version_out && made.version) {
		*version_out = made.version;
		return TEG_OK;
	}
	version_unref(made.version);
	if (status == TEG_OK && version_out)
		status = version_open(store, result_out->version, version_out, err);
	return status;
}
