/* Merging segments of an array, without losing a fact above its horizon.
 *
 * Rows are taken range after range in position order, every version of every key; for each the merge
 * derives and stores superseded_at (the first system time from which no part of it answers any more)
 * and whether it is exact, so that readers of the result filter instead of resolving. Rows that some
 * question may still reach as of now go to a current segment, all others to a history segment of the
 * same commits (sides.h). Memory is bounded by the tiles at hand, never by the input. The same input
 * gives the same bytes.
 *
 *   segments [3][4][5]  ──>  current and history over commits 3 to 5, published by one manifest swap
 *
 * Small merges ride in the manifest of a commit to their array, large ones make a version of their
 * own after it; by hand everything is merged.
 */
#ifndef TEG_ENGINE_MERGE_MERGE_H
#define TEG_ENGINE_MERGE_MERGE_H
#include "engine/store/store.h"
#include "engine/write/tiler.h"

struct merge_options {
	uint8_t commit_id[16];  /* of the version that a merge becomes */
	uint64_t array_id;      /* merge_runs: of the array that the runs are for */
	uint8_t segment_id[16]; /* kept in the footer; zero: none */
	size_t memory;          /* bytes; 0: 64 MiB */
	bool keeps;             /* drops nothing for its age, so that the horizon stays */
	teg_progress progress;  /* may be NULL */
	void *progress_ctx;
};

/* One segment that a merge writes. */
struct merge_output {
	bool used; /* it has rows */
	struct segment_sink sink;
	struct new_segment added;
	struct box box; /* of added.ref */
	uint8_t object[16];
};

/* A finished merge, to be published: rows that may still answer go to the first output, superseded ones
 * to the second, so that a read of now never opens history. */
struct merge {
	struct merge_output outputs[2];
	const struct segment_ref *removed; /* the array's */
	uint32_t n_removed;
	uint64_t rows_in, bytes_in;
	uint64_t n_expired, n_erased; /* rows dropped by retention, and under erasures */
	int64_t horizon;              /* where rows have expired; else INT64_MIN */
};

/* Merges segments [first, first + n) of the array. TEG_CANCELLED, or what reading and writing give;
 * nothing is left behind then. */
teg_status merge_run(struct teg_array *array, uint32_t first, uint32_t n,
                     const struct merge_options *options, struct merge *merge_out, teg_error *err);
/* Of merge->removed. */
void merge_count_inputs(struct merge *merge);
/* The segments that it adds, none to two, as a change takes them. */
uint32_t merge_added(const struct merge *merge, struct new_segment add_out[2]);
/* Removes the segment files of a merge that was not published. Never where that is not known. */
void merge_discard(const struct merge *merge);
/* Gives the buffers back. */
void merge_release(struct merge *merge);

/* Merges the sorted runs of one transaction, earlier calls in earlier segments, into one fresh
 * segment: of rows of one key a later run trims, splits or drops an earlier one's. `runs` is of
 * array_of_refs(), its segments' system times 1, 2, 3 and so on. */
teg_status merge_runs(struct teg_array *runs, const struct merge_options *options,
                      struct segment_sink *sink, struct segment_result *result_out, teg_error *err);

/* Writes the rows of tiles [*next_tile, ...) of all segments, as many as are sorted at once, all versions
 * as they are, into one run in the array's order; box tiles go with the first. The array's order may
 * differ from that of its segments. *next_tile is where the next run begins. */
teg_status merge_sort_tiles(struct teg_array *array, uint32_t *next_tile,
                            const struct merge_options *options, struct segment_sink *sink,
                            struct segment_result *result_out, bool *more_out, teg_error *err);

/* As merge_run of all segments, for a schema in whose order they are not. */
teg_status merge_reordered(struct teg_array *array, const struct schema *to,
                           const struct merge_options *options, struct merge *merge_out,
                           teg_error *err);

/* Rows superseded up to there go by the array's retention: never below its horizon. INT64_MIN: none. */
int64_t retention_horizon(const struct array_state *state);

/* Is there nothing that one merge of the first n segments would change? */
bool merge_is_settled(const struct array_state *state, uint32_t n);

/* The run of segments that the policy would merge now, whole commits only. False: none. */
bool merge_choose(const struct array_state *state, const teg_allocator *alloc, uint32_t *first_out,
                  uint32_t *n_out);

/* Bytes of segments [first, first + n). */
uint64_t merge_len(const struct array_state *state, uint32_t first, uint32_t n);

/* What goes on beside commits waits for this many segments: eight more cost a reader next to nothing,
 * while a merge costs the writer. */
#define MERGE_SEGMENTS_MIN 8
#define MERGE_RIDE_LEN_MAX (1u << 20)  /* bytes of segments that one merge may take in to ride */
#define MERGE_RIDES_LEN_MAX (4u << 20) /* and those of one commit together */

/* Merges that ride in the manifest of one commit. */
struct merge_ride;
struct merge_rides {
	struct merge_ride **at;
	size_t n, cap;
	uint64_t len; /* bytes of the segments they take away */
};
/* Where the policy would merge segments of the changed array at `base`, and they are small, merges
 * them and lets the change carry the result (change->ride). Where there is nothing to merge or the
 * merge fails the change stays as it is: the commit does not depend on it. */
void merge_ride(struct store_version *base, struct merge_rides *rides, struct array_change *change);
/* `keep_files`: the commit has happened, or may have. All zeros is fine, and what is left. */
void merge_rides_end(struct teg_store *store, struct merge_rides *rides, bool keep_files);

/* Merges everything that was committed before, and what earlier schemas wrote, of one array or of all
 * (NULL), and makes a version that reaches nothing in older manifest files: afterwards only older
 * versions need what was there before. That version takes metadata away where `redact` says so. */
teg_status merge_and_gather(struct teg_store *store, const char *name, struct redaction *redact,
                            teg_progress progress, void *ctx, teg_compact_result *result_out,
                            teg_error *err);

/* Tile settings to be; zero: they stay. */
struct retile {
	uint32_t tile_cells; /* dense arrays: passed over, or MISUSE where one is `named` */
	bool named;
	bool has_profile;
	teg_profile profile;
	const teg_extent *extents; /* not for merge_retile */
	size_t n_extents;
};
/* Gives the array's schema those settings; segments stay. */
teg_status merge_retile(struct teg_store *store, const char *name, const struct retile *to,
                        teg_error *err);

/* After a commit: merges what the policy chooses in the arrays named, until it chooses nothing. What
 * is small enough to ride in a later commit waits for one, up to twice as many segments. A merge that
 * loses a race is dropped. Errors do not matter to the commit that came before. */
void merge_after_commit(struct teg_store *store, const char *const *names, uint32_t n_names);
#endif
