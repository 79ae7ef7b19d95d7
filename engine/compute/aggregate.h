/* An aggregate at work: a scan, what is tallied, and the groups.
 *
 *   scan ── tiles that statistics answer for ───────────────┐
 *      └─── batches ── groups of rows ── columns ── tallies ─┴── one batch
 */
#ifndef TEG_ENGINE_COMPUTE_AGGREGATE_H
#define TEG_ENGINE_COMPUTE_AGGREGATE_H
#include "engine/compute/groups.h"
#include "engine/scan/scan.h"
#include "engine/compute/tally.h"

struct aggregate {
	struct teg_array *array;
	const teg_allocator *alloc;
	struct teg_scan *scan;
	struct tally *tallies;
	size_t n_tallies;
	size_t *column_of; /* of the scan's outputs, per tally; SIZE_MAX: none */
	struct groups groups;
	size_t memory;
	struct column *views;
};

/* Counts in the tiles of the plan that statistics tell all about, and leaves them out of the sweep. */
teg_status aggregate_known(struct aggregate *aggregate, teg_error *err);
#endif
