/* Taking erased bytes out of every file: rewrite, expire, vacuum. */
#include "codec/base/hash.h"
#include "engine/merge/merge.h"
#include "engine/store/options.h"
#include "engine/store/sweep.h"

#define PIECE_LEN (1u << 20)

struct purge {
	struct teg_store *store;
	teg_purge_options options;
	struct poll poll;
	uint8_t *piece; /* PIECE_LEN */
};

/* How far removing files is cannot be said in rows. */
static bool goes_on(void *ctx)
{
	const struct purge *p = ctx;

	return !p->options.progress || p->options.progress(p->options.progress_ctx, 0, 0);
}

/* The hash of the hashes of its pieces: a file of any length in little memory. */
static teg_status digest_file(struct purge *p, struct os_file *file, const char *path,
                              uint64_t size, uint64_t *digest_out, teg_error *err)
{
	uint8_t both[16] = { 0 };
	uint64_t digest = 0;

	for (uint64_t off = 0; off < size; off += PIECE_LEN) {
		size_t len = (size_t)(size - off < PIECE_LEN ? size - off : PIECE_LEN);

		TEG_TRY(poll_ask(&p->poll, err));
		TEG_TRY(os_read(p->store->os, file, path, off, p->piece, len, err));
		store_u64(both, digest);
		store_u64(both + 8, hash_bytes(span_of(p->piece, len)));
		digest = hash_bytes(span_of(both, sizeof both));
	}
	*digest_out = digest;
	return TEG_OK;
}

static teg_status tell_file(void *ctx, const char *path, uint64_t size, teg_error *err)
{
	struct purge *p = ctx;
	teg_purged_file told = { .path = path, .len = size };
	struct os_file *file;
	teg_status status;

	if (!p->options.each)
		return TEG_OK;
	status = os_open(p->store->os, path, &file, err);
	if (status == TEG_NOT_FOUND) /* another vacuum was faster */
		return TEG_OK;
	TEG_TRY(status);
	status = digest_file(p, file, path, size, &told.digest, err);
	os_close(p->store->os, file);
	if (status == TEG_OK)
		p->options.each(p->options.each_ctx, &told);
	return status;
}

static teg_status run(struct purge *p, teg_purge_result *result, teg_error *err)
{
	const teg_purge_options *o = &p->options;
	struct redaction redact = { .versions = o->versions,
		                    .n_versions = o->n_versions,
		                    .of_array = o->metadata && o->array,
		                    .of_all = o->metadata && !o->array };
	teg_compact_result merged;
	teg_vacuum_result vacuumed;

	if (!o->only_vacuum) {
		TEG_TRY(merge_and_gather(p->store, o->array, &redact, o->progress, o->progress_ctx,
		                         &merged, err));
		result->version = merged.version;
		result->metadata_removed = redact.n_redacted;
		result->rows_erased = merged.rows_erased;
		result->rows_expired = merged.rows_expired;
	}
	TEG_TRY(vacuum_now(p->store, tell_file, p, &p->poll, &vacuumed, err));
	result->files_removed = vacuumed.files_removed;
	result->bytes_removed = vacuumed.bytes_removed;
	result->files_kept = vacuumed.files_kept_pinned;
	return TEG_OK;
}

static teg_status check_options(const teg_purge_options *options, teg_error *err)
{
	if (options->n_versions && !options->versions)
		return teg_fail(err, TEG_MISUSE, "a purge of versions needs their numbers");
	for (size_t i = 1; i < options->n_versions; i++)
		if (options->versions[i] <= options->versions[i - 1])
			return teg_fail(err, TEG_MISUSE,
			                "the versions to purge are not in ascending order");
	if (options->only_vacuum && (options->metadata || options->n_versions))
		return teg_fail(err, TEG_MISUSE, "only_vacuum leaves metadata as it is");
	return TEG_OK;
}

teg_status teg_purge(teg_store *store, const teg_purge_options *options,
                     teg_purge_result *result_out, teg_error *err)
{
	struct purge p = { .store = store };
	teg_purge_result result = { .struct_size = sizeof result };
	teg_status status;

	if (!store)
		return teg_fail(err, TEG_MISUSE, "teg_purge needs a store");
	TEG_TRY(options_take(options, &p.options, sizeof p.options, "teg_purge_options", err));
	TEG_TRY(check_options(&p.options, err));
	if (store->read_only)
		return teg_fail(err, TEG_READ_ONLY, "the store was opened to be read only");
	p.poll = (struct poll){ goes_on, &p };
	p.piece = mem_alloc(store->alloc, PIECE_LEN);
	if (!p.piece)
		return teg_fail(err, TEG_NOMEM, "no memory to purge");
	status = run(&p, &result, err);
	mem_free(store->alloc, p.piece, PIECE_LEN);
	if (status == TEG_OK)
		options_give(result_out, &result, sizeof result);
	return status == TEG_OK || !p.options.array ? status
	                                            : error_in_array(err, status, p.options.array);
}
