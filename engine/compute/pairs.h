/* Cells of two arrays in one part of the key space, paired by key.
 *
 * A side is a scan whose first columns are the dimensions. Its rows are read part after part, sorted
 * by key in row-major order, and merged with the other side's.
 *
 *   left    (1,1) (1,3) (2,2)
 *   right   (1,3) (2,1)          pairs   0 -   1 0   - 1   2 -
 */
#ifndef TEG_ENGINE_COMPUTE_PAIRS_H
#define TEG_ENGINE_COMPUTE_PAIRS_H
#include "engine/scan/scan.h"
#include "engine/compute/term.h"

struct side {
	struct teg_scan *scan;
	bool has_box;
	struct box box; /* the scan's own */
	/* of the part at hand; columns are the batch's */
	struct column *columns;
	uint32_t n;
	uint64_t *lanes; /* n_dims runs of n */
	uint32_t *perm;
	size_t lanes_len, perm_len; /* elements of room */
};

struct pairs {
	const struct schema *schema; /* of the left array: dimensions of both are of one type */
	bool has_text;
	struct side left, right;
	uint32_t *left_rows, *right_rows; /* NO_ROW: none */
	uint32_t n;
	size_t cap;
	const teg_allocator *alloc;
};

/* Takes both scans over. TEG_NOMEM. */
teg_status pairs_init(struct pairs *pairs, struct teg_scan *left, struct teg_scan *right,
                      teg_error *err);
void pairs_release(struct pairs *pairs);
/* Reads the cells of a box and pairs them; those of one side only too, but where `both` is set.
 * *fits_out false: a side needs more than half of `memory` there. */
teg_status pairs_read(struct pairs *pairs, const struct box *box, bool both, size_t memory,
                      bool *fits_out, teg_error *err);
/* Appends the keys of pairs [from, from + n), dimension d. */
teg_status pairs_keys(const struct pairs *pairs, uint32_t d, uint32_t from, uint32_t n,
                      struct column_buf *out);
#endif
