/* Rows in position order -> tiles -> a segment. The only writer of segments.
 *
 * Cuts tiles at tile_cells rows or TILE_COLUMN_MAX bytes of a column, never inside the run of one
 * key unless the run alone exceeds a tile; dense arrays cut at every grid cell. Sorts each tile in
 * cell order, picks sparse or dense by encoded size where dimensions are integers or timestamps,
 * encodes, and keeps the index. Same rows, same bytes.
 *
 *     rows ──tiler_push──> [tile being filled] ──encode──> sink ──tiler_finish──> segment
 */
#ifndef TEG_ENGINE_WRITE_TILER_H
#define TEG_ENGINE_WRITE_TILER_H
#include "codec/base/poll.h"
#include "codec/tile/segment.h"
#include "engine/order/order.h"
#include "engine/os/os.h"
#include "engine/write/rows.h"

/* Where the segment's bytes go: into memory, and from `spill_len` bytes on into a file that is
 * created then. Small segments travel inside the manifest. */
struct segment_sink {
	struct os *os;
	char path[OS_PATH_MAX]; /* of the file, should one be needed */
	size_t spill_len;       /* bytes; 0: a file at once */
	struct os_file *file;   /* NULL: all in `bytes` */
	struct buf bytes;
	uint64_t len;  /* written so far */
	uint64_t base; /* where the segment at hand starts: one may lie within another */
};
/* Of the next byte, in the segment at hand. */
static inline uint64_t sink_offset(const struct segment_sink *sink)
{
	return sink->len - sink->base;
}
void sink_init(struct segment_sink *sink, struct os *os, const char *path, size_t spill_len,
               const teg_allocator *alloc);
void sink_release(struct segment_sink *sink); /* closes; removes a file that was not finished */
teg_status sink_write(struct segment_sink *sink, struct span bytes, teg_error *err);
/* Syncs and closes the file, if there is one. Not the directory. */
teg_status sink_finish(struct segment_sink *sink, teg_error *err);

/* What a finished segment is, for its reference. */
struct segment_result {
	uint64_t len, checksum;
	bool inlined;            /* the bytes are in the sink's buffer */
	struct index_entry root; /* stats NULL */
	bool fresh, implicit_ids;
};

/* What a catalog keeps of it: bounds, counts and times of the root, into `ref`, whose box becomes
 * `box`. Which commits, where it lies and what it is called are the caller's to fill in. */
struct segment_ref;
void segment_ref_of_result(const struct segment_result *result, uint32_t n_dims, struct box *box,
                           struct segment_ref *ref);

struct tiler;
struct tiler_options {
	uint64_t array_id;
	uint8_t commit_id[16];
	bool fresh;              /* system_from is left out */
	const struct poll *poll; /* asked column by column; NULL: nobody */
	/* Lent by who writes many small segments, one after the other; NULL: the tiler's own. */
	struct codec_scratch *scratch;
};
/* The sink must live until tiler_free. */
teg_status tiler_new(const struct schema *schema, const struct tiler_options *options,
                     struct segment_sink *sink, const teg_allocator *alloc,
                     struct tiler **tiler_out, teg_error *err);
void tiler_free(struct tiler *tiler);
/* Rows at[0 .. n) of `rows`, which follow all pushed before in position order; rows of one key lie
 * together, in stored order. Copies what it keeps. */
teg_status tiler_push(struct tiler *tiler, const struct rows *rows, const uint32_t *at, uint32_t n,
                      teg_error *err);
/* The same for all rows of one step of a dense array's grid, which so are known to end a tile: none is
 * copied to wait for more. `at` NULL: the first n. */
teg_status tiler_push_step(struct tiler *tiler, const struct rows *rows, const uint32_t *at,
                           uint32_t n, teg_error *err);
/* A box tile: bounds per dimension, kind (tombstone or erased) and valid interval. system_from is
 * ignored in fresh segments. */
teg_status tiler_push_box(struct tiler *tiler, const struct box *box, enum row_kind kind,
                          int64_t system_from, int64_t valid_from, int64_t valid_until,
                          teg_error *err);
teg_status tiler_finish(struct tiler *tiler, struct segment_result *result_out, teg_error *err);
#endif
