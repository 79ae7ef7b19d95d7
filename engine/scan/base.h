/* The common correction: one tile of current rows, and a few newer rows over it. The tile is the *base*
 * of a range: none of its rows is loaded, sorted or resolved but those whose key comes up elsewhere.
 *
 *   base     0 1 2 3 4 5 6 7 8 9          other rows of the range     3'  7'(deleted)
 *   runs     [0 1 2] 3' [4 5 6] [8 9]
 */
#ifndef TEG_ENGINE_SCAN_BASE_H
#define TEG_ENGINE_SCAN_BASE_H
#include "engine/scan/keys.h"
#include "engine/scan/plan.h"

#define BASE_ROWS_MIN 8 /* a smaller tile is resolved with the others */

/* Rows of one tile that answer, one after the other. */
struct row_run {
	uint32_t tile; /* of the group */
	uint32_t row0, n;
	uint32_t at; /* rows of the runs before */
};

struct base {
	const teg_allocator *alloc;
	const struct order *order;
	const struct tile *tile; /* NULL: the range has none */
	uint32_t number;         /* of it in the group */
	uint32_t from, end;      /* its rows that may lie in the box */
	const struct box *box;   /* NULL: all of those do */
	bool counted;            /* ids are `first`, first + 1 ..: no lanes */
	uint64_t first;
	uint64_t *lane[TEG_MAX_DIMENSIONS]; /* of its keys */
	size_t lane_cap[TEG_MAX_DIMENSIONS];
	struct column_buf work;
	struct column_buf times; /* system times of all rows, or empty: older than the others' */
	uint32_t n_runs, n_rows;
	struct row_run *runs;
	size_t runs_cap;
};

void base_init(struct base *base, const struct order *order, const teg_allocator *alloc);
void base_release(struct base *base);

/* Whether a tile, by its entry, holds nothing but current rows at the view's time, each key once. Its
 * header must not have a column of ends besides. */
bool base_suits(const struct index_entry *entry, const struct view *view);
/* Takes the open tile as the base. */
teg_status base_load(struct base *base, const struct tile *tile, uint32_t number,
                     const struct box *box, struct tile_reader *reader, teg_error *err);

/* Reads the times, or forgets them where `keys` are all newer than the tile. */
teg_status base_load_times(struct base *base, const struct key_rows *keys,
                           struct tile_reader *reader, teg_error *err);
/* Whether row i of `keys` is newer than row `own`, which has its key. */
bool base_is_older(const struct base *base, uint32_t own, const struct key_rows *keys, uint32_t i);

/* The first row, from `from` on, whose key is not before that of row i of `keys`; and whether it is
 * that key. */
uint32_t base_find(const struct base *base, const struct key_rows *keys, uint32_t i, uint32_t from,
                   bool *same_out);

/* Appends rows [from, end) of the base that lie in the box, or one row of another tile. False: no
 * memory. */
bool base_add_own(struct base *base, uint32_t from, uint32_t end);
bool base_add_row(struct base *base, uint32_t tile, uint32_t row);
#endif
