/* Publishing a manifest: version N comes into being under its final name, whole and durable, and only
 * if nobody was faster. format-spec/manifest.md, PUB-1 to PUB-9.
 *
 *   create temporary ─> write ─> fsync ─> link to manifests/N ─> fsync directory ─> hint ─> answer
 *                                         └─ taken: another commit came first
 */
#ifndef TEG_ENGINE_STORE_PUBLISH_H
#define TEG_ENGINE_STORE_PUBLISH_H
#include "engine/store/store.h"

enum publish_outcome {
	PUBLISHED,
	PUBLISH_LOST /* another commit has this number, or the number lies in a gap that vacuum left */
};

/* `parts` are the file's bytes, in order. After an error nothing was published, but after
 * TEG_COMMIT_UNKNOWN, which also poisons the handle. */
teg_status publish(struct teg_store *store, uint64_t number, const uint8_t commit_id[16],
                   const struct span *parts, size_t n_parts, enum publish_outcome *outcome_out,
                   teg_error *err);

/* Tells later openers how far the versions go. Failure does no harm. */
void publish_hint(struct teg_store *store, uint64_t number);
#endif
