/* When old manifest files go, as pure functions over their sizes.
 *
 * A file is kept while the newest version or one of the few before it reaches anything in it. What
 * remains live in files that are past that is copied forward, the smallest first and no more per
 * commit than the number of such files calls for, so that few files stay however long the history
 * and a small commit stays small. format-spec/manifest.md, MAN-20 to MAN-24.
 *
 *   cold files      4      5      6      7   ...
 *   bytes moved   16 K   32 K   64 K  128 K         at most, and only of the smallest files
 *
 * In a large store more files are left: what is live in them is mostly pages of a large catalog, which
 * take others along when they move.
 */
#ifndef TEG_ENGINE_STORE_POLICY_H
#define TEG_ENGINE_STORE_POLICY_H
#include "engine/store/manifest.h"

#define VERSIONS_KEPT \
	4 /* versions before the newest that stay whole, for recovery and for readers
                           without a pin */
#define COLD_FILES_FREE 3
#define COLD_FILES_MORE 61         /* and so many more, */
#define COLD_FILE_SHARE (1u << 20) /* one for each so many live bytes */
#define COLD_MOVE_LEN (8u << 10)

/* Sets move_out[i] for the files that version `number` should copy forward. */
void policy_pick_moves(const struct manifest_use *files, size_t n, uint64_t number, bool *move_out);
/* May it be removed once `newest` is the newest version (pins aside)? */
bool policy_is_done(const struct manifest_use *file, uint64_t newest);
#endif
