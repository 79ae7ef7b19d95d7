/* Taking metadata out of the log of versions. */
#include "engine/store/compose.h"
#include <stdio.h>
#include "codec/base/sort.h"

/* Counts that the engine noted of its own upkeep say nothing of any cell; all else goes. */
static bool is_count(struct span action, const teg_metadata *pair)
{
	static const char *const upkeep[] = { "compact", "purge", "gather", "redact" };
	static const char *const counts[] = { "rows_expired", "horizon", "rows_erased",
		                              "metadata_removed" };
	struct span key = span_of(pair->key, pair->key_len);
	bool ours = false, counts_it = false;

	for (size_t i = 0; i < sizeof upkeep / sizeof *upkeep; i++)
		ours |= span_equal(action, span_of_text(upkeep[i]));
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		counts_it |= span_equal(key, span_of_text(counts[i]));
	return ours && counts_it;
}

static teg_status strip(struct compose *c, struct version_record *record, struct arena *arena,
                        teg_error *err)
{
	teg_metadata *kept = arena_array(arena, record->n_metadata, sizeof *kept);
	struct key key = key_of_number(KEY_VERSION, record->version);
	struct buf b;
	size_t n = 0;

	if (!kept)
		return teg_fail(err, TEG_NOMEM, "no memory for a version's record");
	for (size_t i = 0; i < record->n_metadata; i++)
		if (is_count(record->action, &record->metadata[i]))
			kept[n++] = record->metadata[i];
	if (n == record->n_metadata)
		return TEG_OK;
	record->metadata = kept;
	record->n_metadata = n;
	record->redacted = c->number;
	c->request->redact->n_redacted++;
	buf_init(&b, c->store->alloc, BUF_NO_LIMIT);
	record_put_version(record, &b);
	return compose_put(c, &key, &b, err);
}

static teg_status redact_version(struct compose *c, uint64_t version, teg_error *err)
{
	struct version_record record;
	struct arena arena;
	teg_status status;

	arena_init(&arena, c->store->alloc, SIZE_MAX);
	status = version_find_record(c->base, version, &arena, &record, err);
	if (status == TEG_OK)
		status = strip(c, &record, &arena, err);
	arena_release(&arena);
	return status;
}

/* ---- which ---- */

static bool is_named(const struct redaction *r, uint64_t version)
{
	return sort_has_u64(r->versions, r->n_versions, version);
}

static teg_status redact_named(struct compose *c, const struct redaction *r, teg_error *err)
{
	for (size_t i = 0; i < r->n_versions; i++) {
		teg_status status = redact_version(c, r->versions[i], err);

		if (status == TEG_NOT_FOUND)
			return teg_fail(err, TEG_NOT_FOUND, "there is no version %llu",
			                (unsigned long long)r->versions[i]);
		TEG_TRY(status);
	}
	return TEG_OK;
}

/* The versions that the last eight bytes of all keys with this prefix name, but those named and `done`. */
static teg_status redact_keys(struct compose *c, const struct key *prefix, uint64_t done,
                              teg_error *err)
{
	const struct redaction *r = c->request->redact;
	struct cursor at;
	teg_status status;

	cursor_init(&at, &c->base->source, &c->base->head.root);
	status = cursor_seek(&at, key_span(prefix), err);
	while (status == TEG_OK && at.valid && key_is_prefix(prefix, cursor_entry(&at).key)) {
		struct span key = cursor_entry(&at).key;
		uint64_t version = key.len == prefix->len + 8 ? key_load(key.at + prefix->len, 8)
		                                              : 0;

		if (version && version != done && !is_named(r, version))
			status = redact_version(c, version, err);
		if (status == TEG_OK || status == TEG_NOT_FOUND) /* nothing is said of it */
			status = cursor_next(&at, err);
	}
	cursor_release(&at);
	return status;
}

/* Those that made the array or gave it cells. */
static teg_status redact_array(struct compose *c, const char *name, teg_error *err)
{
	const struct redaction *r = c->request->redact;
	struct array_record array;
	struct arena arena;
	struct key times;
	teg_status status;

	arena_init(&arena, c->store->alloc, SIZE_MAX);
	status = version_find_array(c->base, span_of_text(name), &arena, &array, err);
	arena_release(&arena); /* the numbers of the record stay */
	TEG_TRY(status);
	if (!is_named(r, array.created_version))
		status = redact_version(c, array.created_version, err);
	if (status != TEG_NOT_FOUND)
		TEG_TRY(status);
	times = key_of_number(KEY_TIME, array.id);
	return redact_keys(c, &times, array.created_version, err);
}

static teg_status redact(struct compose *c, const struct redaction *r, teg_error *err)
{
	struct key every = key_of_kind(KEY_VERSION);

	TEG_TRY(redact_named(c, r, err));
	if (r->of_all)
		return redact_keys(c, &every, 0, err);
	return r->of_array ? redact_array(c, c->request->changes[0].name, err) : TEG_OK;
}

/* How many, in the new version's own record: the audit. */
static void say_so(struct commit_request *request)
{
	struct redaction *r = request->redact;

	snprintf(r->count, sizeof r->count, "%llu", (unsigned long long)r->n_redacted);
	r->said = (teg_metadata){ "metadata_removed", r->count, 16, strlen(r->count) };
	request->metadata = &r->said;
	request->n_metadata = r->n_redacted ? 1 : 0;
}

teg_status compose_redact(struct compose *c, teg_error *err)
{
	struct redaction *r = c->request->redact;

	r->n_redacted = 0; /* of an earlier try */
	TEG_TRY(redact(c, r, err));
	say_so(c->request);
	return TEG_OK;
}
