/* Dense reads into the caller's memory: what teg_read_box and teg_read_slice share.
 *
 *   ranges or slices ──> lattice ──┐
 *   buffers, mask ──────> places ──┴─> sweep ──> lines of tiles, straight to their places
 */
#ifndef TEG_ENGINE_SCAN_BOX_H
#define TEG_ENGINE_SCAN_BOX_H
#include "engine/scan/lattice.h"
#include "engine/scan/scan.h"

/* One attribute on its way into one buffer. */
struct target {
	const struct field *field;
	struct places values, validity; /* validity.at NULL: not asked for */
	struct column_buf column;
};

struct box_read {
	struct teg_array *array;
	const struct schema *schema;
	const teg_allocator *alloc;
	struct lattice lattice;
	size_t n_targets;
	struct target *targets;
	struct places mask; /* at NULL: not asked for */
	uint64_t n_placed;
	struct column_buf lanes[TEG_MAX_DIMENSIONS]; /* coordinates of a selection, as stored */
	uint64_t *place;                             /* per dimension and row of a selection */
	uint32_t *rows;
	size_t place_cap, rows_cap;
};

/* Reads the cells of the lattice; everything above is set. */
teg_status box_read_run(struct box_read *read, const struct view *view, teg_error *err);
#endif
