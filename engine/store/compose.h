/* Composing the manifest of version N+1 from version N and a commit's changes, in memory.
 *
 *   changes ──> catalog edits ──┐
 *   inline segments ────────────┼──> [ header | inline | pages | directory | head | trailer ]
 *   live rests of old files ────┘
 *
 * Nothing here touches the disk but to read. Composing again for another base changes no byte of a
 * segment: what depends on the base is in references only.
 */
#ifndef TEG_ENGINE_STORE_COMPOSE_H
#define TEG_ENGINE_STORE_COMPOSE_H
#include "engine/store/keys.h"
#include "engine/store/manifest.h"
#include "engine/store/tree.h"
#include "engine/store/version.h"

struct compose {
	struct teg_store *store;
	struct store_version *base; /* NULL: version 1 */
	struct commit_request *request;
	uint64_t number;
	int64_t now;
	struct arena arena;
	struct tree tree;
	struct tree_edit *edits;
	size_t n_edits, edits_cap;
	size_t n_sorted; /* edits before these are in key order */
	struct manifest_use *files;
	size_t n_files, files_cap;
	struct buf out; /* the file */
	struct buf directory;
	int64_t newest_time;
	uint64_t n_arrays;
	teg_commit_result result;
};

void compose_init(struct compose *c, struct teg_store *store, struct store_version *base,
                  struct commit_request *request);
void compose_release(struct compose *c);
/* The whole file into c->out; c->result is what the commit will have given. Errors as
 * store_commit's. */
teg_status compose_run(struct compose *c, teg_error *err);

/* ---- between its parts ---- */
/* An edit of the catalog; `value` .at NULL: the key goes. The key is copied, the value is not. */
teg_status compose_edit(struct compose *c, struct span key, struct span value, teg_error *err);
/* The same with what `b` holds, which is copied and released in any case. */
teg_status compose_put(struct compose *c, const struct key *key, struct buf *b, teg_error *err);
/* An inline segment: `bytes` into the file. *off_out: where. */
teg_status compose_inline(struct compose *c, struct span bytes, struct manifest_entry entry,
                          uint64_t *off_out, teg_error *err);
/* `len` bytes of that file are reached no longer. */
teg_status compose_unlive(struct compose *c, uint64_t manifest, uint64_t len, teg_error *err);
/* The changes of arrays: compose_array.c. */
teg_status compose_arrays(struct compose *c, teg_error *err);
/* Takes metadata out of the records of earlier versions: compose_redact.c. Sets what the new version
 * says of it. */
teg_status compose_redact(struct compose *c, teg_error *err);
/* Copies live rests of old files forward: compose_move.c. Segments before the edits are applied,
 * pages after. */
teg_status compose_move_segments(struct compose *c, const struct manifest_use *from,
                                 teg_error *err);
teg_status compose_move_pages(struct compose *c, const struct manifest_use *from, teg_error *err);
#endif
