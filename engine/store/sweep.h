/* Removing manifest files that nothing needs any more: the small step after each commit, and the same
 * for vacuum. Oldest first. format-spec/manifest.md, MAN-20 to MAN-24. */
#ifndef TEG_ENGINE_STORE_SWEEP_H
#define TEG_ENGINE_STORE_SWEEP_H
#include "codec/base/poll.h"
#include "engine/store/version.h"

/* After commits one in so many sweeps: looking at the pins and removing names cost as much for one
 * file as for all. */
#define SWEEP_EVERY 3

struct sweep_result {
	uint64_t n_removed, n_bytes; /* bytes are counted only where `count` is set */
	uint64_t n_pinned;           /* would have gone, but for a pin */
};
/* Told of a file that is about to be removed. An error stops the removing. */
typedef teg_status (*sweep_each)(void *ctx, const char *path, uint64_t size, teg_error *err);
/* What `version` (the newest, or one that was) and the few before it do not reach. `all`: not even
 * those before it, for vacuum without grace. */
struct sweep_options {
	bool all, dry_run, count;
	sweep_each each; /* told before a file goes; NULL: nobody */
	void *ctx;
};
/* Vacuum without a grace period, which removes what a recovery has set aside, too. `poll`: asked now and
 * then; NULL: nobody is. */
teg_status vacuum_now(struct teg_store *store, sweep_each each, void *ctx, const struct poll *poll,
                      teg_vacuum_result *result_out, teg_error *err);
teg_status sweep_manifests(struct store_version *version, const struct sweep_options *options,
                           struct sweep_result *result_out, teg_error *err);
#endif
