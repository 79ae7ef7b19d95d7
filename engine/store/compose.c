#include "engine/store/compose.h"
#include "codec/base/hash.h"
#include "codec/base/sort.h"
#include "engine/store/policy.h"

void compose_init(struct compose *c, struct teg_store *store, struct store_version *base,
                  struct commit_request *request)
{
	*c = (struct compose){ .store = store, .base = base, .request = request };
	c->number = base ? base->number + 1 : 1;
	c->now = os_clock_us(store->os);
	c->newest_time = base ? base->head.newest_time : INT64_MIN;
	c->n_arrays = base ? base->head.n_arrays : 0;
	arena_init(&c->arena, store->alloc, SIZE_MAX);
	buf_init(&c->out, store->alloc, BUF_NO_LIMIT);
	buf_init(&c->directory, store->alloc, BUF_NO_LIMIT);
}

void compose_release(struct compose *c)
{
	if (c->tree.source)
		tree_release(&c->tree);
	mem_free(c->store->alloc, c->edits, c->edits_cap * sizeof *c->edits);
	mem_free(c->store->alloc, c->files, c->files_cap * sizeof *c->files);
	buf_release(&c->out);
	buf_release(&c->directory);
	arena_release(&c->arena);
}

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a manifest");
}

teg_status compose_edit(struct compose *c, struct span key, struct span value, teg_error *err)
{
	void *block = c->edits;
	struct span kept = arena_copy(&c->arena, key);

	if (!kept.at ||
	    !mem_grow(c->store->alloc, &block, &c->edits_cap, c->n_edits + 1, sizeof *c->edits))
		return no_memory(err);
	c->edits = block;
	c->edits[c->n_edits++] = (struct tree_edit){ kept, value };
	return TEG_OK;
}

teg_status compose_put(struct compose *c, const struct key *key, struct buf *b, teg_error *err)
{
	struct span value = { NULL, 0 };

	if (buf_status(b) == TEG_OK)
		value = arena_copy(&c->arena, buf_span(b));
	buf_release(b);
	return value.at ? compose_edit(c, key_span(key), value, err) : no_memory(err);
}

teg_status compose_inline(struct compose *c, struct span bytes, struct manifest_entry entry,
                          uint64_t *off_out, teg_error *err)
{
	entry.off = c->out.len;
	entry.len = bytes.len;
	*off_out = entry.off;
	buf_append_span(&c->out, bytes);
	manifest_put_entry(&entry, &c->directory);
	return buf_status(&c->out) == TEG_OK && buf_status(&c->directory) == TEG_OK
	               ? TEG_OK
	               : no_memory(err);
}

/* ---- files and what is live in them ---- */

static teg_status add_file(struct compose *c, const struct manifest_use *use, teg_error *err)
{
	void *block = c->files;

	if (!mem_grow(c->store->alloc, &block, &c->files_cap, c->n_files + 1, sizeof *c->files))
		return no_memory(err);
	c->files = block;
	c->files[c->n_files++] = *use;
	return TEG_OK;
}

static teg_status copy_files(struct compose *c, teg_error *err)
{
	if (!c->base)
		return TEG_OK;
	for (uint32_t i = 0; i < c->base->head.n_files; i++)
		if (!policy_is_done(&c->base->head.files[i], c->base->number))
			TEG_TRY(add_file(c, &c->base->head.files[i], err));
	return TEG_OK;
}

teg_status compose_unlive(struct compose *c, uint64_t manifest, uint64_t len, teg_error *err)
{
	size_t lo = 0, hi = c->n_files;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->files[mid].number < manifest)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == c->n_files || c->files[lo].number != manifest || c->files[lo].live_len < len)
		return teg_fail(err, TEG_CORRUPT,
		                "the list of files does not fit the catalog: file %llu",
		                (unsigned long long)manifest);
	c->files[lo].live_len -= len;
	if (!c->files[lo].live_len)
		c->files[lo].dead_since = c->number;
	return TEG_OK;
}

/* ---- the log of versions and of writers ---- */

static struct version_record record_of(const struct compose *c)
{
	const struct commit_request *r = c->request;
	struct version_record record = {
		.version = c->number,
		.system_time = c->result.system_time,
		.wall_time = c->now,
		.writer = span_of_text(c->store->writer),
		.library = span_of_text(teg_version()),
		.action = span_of_text(r->action),
		.n_arrays = c->result.n_arrays,
		.n_rows = c->result.n_rows,
		.n_segments = c->result.n_segments,
		.n_bytes = c->result.n_bytes,
		.metadata = r->metadata,
		.n_metadata = r->n_metadata,
	};

	memcpy(record.commit_id, r->commit_id, sizeof record.commit_id);
	return record;
}

static teg_status log_version(struct compose *c, teg_error *err)
{
	struct version_record record = record_of(c);
	struct key key = key_of_number(KEY_VERSION, c->number);
	struct buf b;

	buf_init(&b, c->store->alloc, BUF_NO_LIMIT);
	record_put_version(&record, &b);
	return compose_put(c, &key, &b, err);
}

static teg_status log_writer(struct compose *c, teg_error *err)
{
	const struct commit_request *r = c->request;
	struct writer_record record = {
		.sequence = r->key_sequence,
		.digest = r->key_digest,
		.version = c->number,
		.system_time = c->result.system_time,
		.clock_distance = c->result.clock_distance_us,
		.n_arrays = c->result.n_arrays,
		.n_rows = c->result.n_rows,
		.n_segments = c->result.n_segments,
		.n_bytes = c->result.n_bytes,
	};
	struct key key;
	struct buf b;

	if (!r->key_writer)
		return TEG_OK;
	key = key_of_name(KEY_WRITER, span_of_text(r->key_writer));
	buf_init(&b, c->store->alloc, BUF_NO_LIMIT);
	record_put_writer(&record, &b);
	return compose_put(c, &key, &b, err);
}

/* ---- putting it together ---- */

static bool swapped(const void *ctx, const void *a, const void *b)
{
	const struct tree_edit *x = a, *y = b;

	(void)ctx;
	return span_compare(x->key, y->key) > 0;
}

/* Sorted, and of two edits of one key the one with a value: a segment that is replaced. */
static teg_status sort_edits(struct compose *c, teg_error *err)
{
	size_t n = 0;

	if (!sort_array(c->store->alloc, c->edits, c->n_edits, sizeof *c->edits, swapped, NULL))
		return no_memory(err);
	for (size_t i = 0; i < c->n_edits; i++) {
		if (!n || !span_equal(c->edits[n - 1].key, c->edits[i].key))
			c->edits[n++] = c->edits[i];
		else if (!c->edits[n - 1].value.at)
			c->edits[n - 1] = c->edits[i];
		else if (c->edits[i].value.at)
			return teg_fail(err, TEG_MISUSE, "one commit changes the same array twice");
	}
	c->n_edits = n;
	c->n_sorted = n;
	return TEG_OK;
}

static teg_status run_moves(struct compose *c, const bool *move, size_t n,
                            teg_status (*step)(struct compose *c, const struct manifest_use *from,
                                               teg_error *err),
                            teg_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (move[i])
			TEG_TRY(step(c, &c->files[i], err));
	return TEG_OK;
}

/* Applies all edits and writes the pages that differ. */
static teg_status write_pages(struct compose *c, const bool *move, size_t n_move,
                              struct page_ref *root_out, teg_error *err)
{
	/* An empty tree reads no page. */
	static const struct page_source nowhere = { NULL, NULL, NULL };
	struct page_source *source = arena_alloc(&c->arena, sizeof *source);

	if (!source)
		return no_memory(err);
	*source = c->base ? c->base->source : nowhere;
	source->alloc = c->store->alloc;
	tree_init(&c->tree, source);
	TEG_TRY(tree_open(&c->tree, c->base ? &c->base->head.root : NULL, err));
	TEG_TRY(sort_edits(c, err));
	TEG_TRY(tree_apply(&c->tree, c->edits, c->n_edits, err));
	TEG_TRY(run_moves(c, move, n_move, compose_move_pages, err));
	TEG_TRY(tree_write(&c->tree, c->number, c->out.len, &c->out, root_out, err));
	for (size_t i = 0; i < c->tree.n_freed; i++)
		TEG_TRY(compose_unlive(c, c->tree.freed[i].manifest, c->tree.freed[i].len, err));
	return TEG_OK;
}

static teg_status write_tail(struct compose *c, const struct page_ref *root, uint64_t pages_off,
                             teg_error *err)
{
	struct manifest_use own = { c->number, c->out.len - MANIFEST_HEADER_LEN, 0 };
	struct manifest_layout layout = { .pages_off = pages_off, .dir_off = c->out.len };
	struct manifest_head head = { .record = record_of(c) };

	TEG_TRY(add_file(c, &own, err));
	head.parent_hash = c->base ? c->base->head.layout.hash : 0;
	head.newest_time = c->newest_time;
	head.n_arrays = c->n_arrays;
	head.root = *root;
	head.dir_hash = hash_bytes(buf_span(&c->directory));
	head.n_files = (uint32_t)c->n_files;
	head.files = c->files;
	buf_append_span(&c->out, buf_span(&c->directory));
	if (buf_status(&c->out) == TEG_OK) {
		uint8_t header[MANIFEST_HEADER_LEN];

		memcpy(header, c->out.at, sizeof header);
		manifest_put_tail(&head, header, c->out.len, &layout, &c->out);
	}
	if (buf_status(&c->out) == TEG_LIMIT)
		return teg_fail(err, TEG_LIMIT, "the manifest's head is too large");
	return buf_status(&c->out) == TEG_OK ? TEG_OK : no_memory(err);
}

teg_status compose_run(struct compose *c, teg_error *err)
{
	struct page_ref root;
	uint64_t pages_off;
	size_t n_move;
	bool *move;

	manifest_put_header(c->number, c->store->id, &c->out);
	TEG_TRY(copy_files(c, err));
	n_move = c->n_files;
	move = arena_array(&c->arena, n_move, sizeof *move);
	if (!move)
		return no_memory(err);
	policy_pick_moves(c->files, n_move, c->number, move);
	for (size_t i = 0; c->request->gathers && i < n_move; i++)
		move[i] = c->files[i].live_len > 0;
	c->result.version = c->number;
	TEG_TRY(compose_arrays(c, err));
	if (c->request->redact)
		TEG_TRY(compose_redact(c, err));
	TEG_TRY(log_version(c, err));
	TEG_TRY(log_writer(c, err));
	TEG_TRY(sort_edits(c, err));
	TEG_TRY(run_moves(c, move, n_move, compose_move_segments, err));
	pages_off = c->out.len;
	TEG_TRY(write_pages(c, move, n_move, &root, err));
	return write_tail(c, &root, pages_off, err);
}
