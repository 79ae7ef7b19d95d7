/* One stored column of a tile while it is read: its dictionary, then page after page, neighbours in one
 * read, every page verified before it is decoded.
 *
 *   reading_start ──> reading_fetch (pages first .. end, one read) ──> reading_decode (rows of a page)
 */
#ifndef TEG_ENGINE_STORE_READING_H
#define TEG_ENGINE_STORE_READING_H
#include "engine/store/tile.h"

struct reading {
	struct tile_reader *reader;
	const struct tile *tile;
	const struct tile_column *column;
	const struct column_buf *dictionary;
	struct span picked; /* instead: its page, not decoded */
	/* pages [first_page, end_page) of the chunk are in `stored`, or one is in reader->held */
	uint32_t first_page, end_page;
	struct span stored;
	bool held;
	teg_error *err;
};

/* How a dictionary is read: whole, or for a few values only, which may cost less. */
enum use { USE_ALL, USE_SOME };

/* Checks that the column holds at least rows [0, end) of what `out` takes, and reads its dictionary for
 * n values of it. TEG_CORRUPT. */
teg_status reading_start(struct reading *r, uint64_t end, enum use use, uint32_t n,
                         const struct column_buf *out);
/* Brings page `page` in, with the neighbours up to `last` that fit one read. */
teg_status reading_fetch(struct reading *r, uint32_t page, uint32_t last);
/* Appends values [from, from + n) of such a page; `again`: not the first of it. */
teg_status reading_decode(struct reading *r, uint32_t page, uint32_t from, uint32_t n, bool again,
                          struct column_buf *out);
/* Appends the values at[0 .. n) of the chunk, ascending and all of them in such a page; see
 * chunk_has_rows. Not where the dictionary was left encoded. */
teg_status reading_take(struct reading *r, uint32_t page, const uint32_t *at, uint32_t n,
                        struct column_buf *out);
/* chunk_search_page on a page, which is brought in first. */
teg_status reading_search(struct reading *r, uint32_t page, uint64_t lane, bool after,
                          uint32_t *n_out);
/* Of a chunk whose pages are plain: reads the pages from `page` on that end at value `end` or before
 * straight into `out`, as many as fit one read; *next_out: the page after them. */
teg_status reading_direct(struct reading *r, uint32_t page, uint32_t end, struct column_buf *out,
                          uint32_t *next_out);
/* Vectors in a mapped file, where `out` is empty and has no room for more than these n values from
 * `from` on: verified, and shown as they lie in the file, on whose map `out` holds. *done_out is false,
 * and nothing done, where that cannot be. */
teg_status reading_borrow(struct reading *r, uint32_t from, uint32_t n, struct column_buf *out,
                          bool *done_out);
/* Says in which column and where in it. */
teg_status reading_blame(const struct reading *r, teg_status status, uint64_t chunk_off);
#endif
