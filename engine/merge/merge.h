/* Merging segments of an array into one, without losing a fact.
 *
 * Rows are taken range after range in position order, every version of every key; for each the merge
 * derives and stores superseded_at (the first system time from which no part of it answers any more)
 * and whether it is exact, so that readers of the result filter instead of resolving. Memory is
 * bounded by the tiles at hand, never by the input. The same input gives the same bytes.
 *
 *   segments [3][4][5]  ──>  one segment over commits 3 to 5, published by one manifest swap
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
	teg_progress progress;  /* may be NULL */
	void *progress_ctx;
};

/* A finished merge, to be published. */
struct merge {
	struct segment_sink sink;
	struct new_segment added;
	struct box box;                    /* of added.ref */
	const struct segment_ref *removed; /* the array's */
	uint32_t n_removed;
	uint64_t rows_in, bytes_in;
};

/* Merges segments [first, first + n) of the array. TEG_CANCELLED, or what reading and writing give;
 * nothing is left behind then. */
teg_status merge_run(struct teg_array *array, uint32_t first, uint32_t n,
                     const struct merge_options *options, struct merge *merge_out, teg_error *err);
/* Gives the buffers back. A segment file that was not published stays for vacuum to find. */
void merge_release(struct merge *merge);

/* Merges the sorted runs of one transaction, earlier calls in earlier segments, into one fresh
 * segment: of rows of one key a later run trims, splits or drops an earlier one's. `runs` is of
 * array_of_refs(), its segments' system times 1, 2, 3 and so on. */
teg_status merge_runs(struct teg_array *runs, const struct merge_options *options,
                      struct segment_sink *sink, struct segment_result *result_out, teg_error *err);

/* The run of segments that the policy would merge now, whole commits only. False: none. */
bool merge_choose(const struct array_state *state, const teg_allocator *alloc, uint32_t *first_out,
                  uint32_t *n_out);

/* After a commit: merges what the policy chooses in the arrays named, until it chooses nothing.
 * A merge that loses a race is dropped. Errors do not matter to the commit that came before. */
void merge_after_commit(struct teg_store *store, const char *const *names, uint32_t n_names);
#endif
