/* One pass over a column of words: for every block of 1024 what the integer encodings would cost.
 */
#ifndef TEG_CODEC_COLUMN_MEASURE_H
#define TEG_CODEC_COLUMN_MEASURE_H
#include "codec/base/buf.h"
#include "codec/column/column.h"

struct block_stats {
	uint64_t min, max;           /* by the order asked for */
	uint64_t step_min, step_max; /* differences of neighbours in the block, by signed order */
	size_t n_changes;            /* words unlike the one before them in the block */
};

/* Statistics of every block, in `room`; NULL: no memory. */
struct block_stats *measure_blocks(const struct column *c, bool is_signed, struct buf *room);
#endif
