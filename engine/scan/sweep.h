/* The one resolved scan. Every reader pulls selections out of a sweep: rows that answer at (S, V),
 * group after group in the plan's order, and then asks for the columns it wants.
 *
 * A selection either filters one tile (a run of rows, or a list), or picks rows out of several tiles
 * that were resolved together; then every row has its piece of valid time. Nothing here reads an
 * attribute before it is asked for.
 *
 *   plan ── group of one, exact ──> filter ──┐
 *        └─ group of several ──> sort keys, resolve ──> selection ──> columns
 */
#ifndef TEG_ENGINE_SCAN_SWEEP_H
#define TEG_ENGINE_SCAN_SWEEP_H
#include "engine/scan/group.h"
#include "engine/scan/plan.h"

struct selection {
	uint32_t n;
	bool resolved;
	/* filtered: one tile */
	uint32_t row0;             /* rows row0 .. row0 + n where `rows` is NULL */
	const uint32_t *rows;      /* ascending where not resolved */
	struct tile *const *tiles; /* one, or the group's */
	/* resolved: one entry per row */
	const uint32_t *tile_of;
	const int64_t *valid_from, *valid_until, *system_until;
	/* or, where all hold for good, runs of rows and none of the above but `tiles` */
	const struct row_run *runs;
	uint32_t n_runs;
	const uint8_t *change; /* a scan of changes */
	const struct boxed *boxed;
	uint32_t n_boxed;
};

/* How many of rows [from, from + n) of a selection (or of those that keep[0 .. n) lists)
 * have columns of at most about `len` bytes; at least one. Rows of a filtered tile always do. */
uint32_t selection_fit(const struct selection *selection, const uint32_t *keep, uint32_t from,
                       uint32_t n, size_t len);

struct sweep {
	struct plan plan;
	struct view view;
	struct tile_reader reader;
	struct teg_store *store; /* where the reader goes back to */
	const teg_allocator *alloc;
	uint32_t at;      /* next tile of the plan */
	struct tile tile; /* of a filtered selection */
	struct tile *tile_at;
	bool tile_open;
	uint32_t *rows; /* room for rows_cap */
	uint8_t *mask;
	size_t rows_cap;
	struct column_buf work;
	struct group group; /* of a resolved selection */
	/* the bound slice, see sweep_bind */
	struct selection bound;
	uint32_t bound_from, bound_n;
	struct gather *gather;
};

/* Plans. The view's predicate only prunes; callers filter what they get. */
teg_status sweep_open(struct sweep *sweep, struct teg_array *array, const struct view *view,
                      teg_error *err);
void sweep_close(struct sweep *sweep);

/* Leaves tile i of the plan out: what it would say is known. */
void sweep_skip(struct sweep *sweep, uint32_t i);

/* The next selection of at least one row, valid until the next call. TEG_END. */
teg_status sweep_next(struct sweep *sweep, struct selection *out, teg_error *err);

/* After an error: whatever is left of the tiles that were to be resolved together is not read. */
void sweep_leave_group(struct sweep *sweep);

/* Binds rows [from, from + n) of a selection, or those that `keep` lists (ascending indexes into the
 * selection, n of them; from 0), for sweep_column. `keep` must live until the next bind. */
teg_status sweep_bind(struct sweep *sweep, const struct selection *selection, const uint32_t *keep,
                      uint32_t from, uint32_t n, teg_error *err);
/* Appends the bound rows of a column: a field, or one of the time columns (open ends as nulls). */
teg_status sweep_column(struct sweep *sweep, uint32_t column_id, struct column_buf *out,
                        teg_error *err);
#endif
