/* The rows of one commit and array, in call order -> a segment. What commits use.
 *
 *   rows ──positions──> sorted ──disjoint (only where cells collide)──> tiler ──> segment
 *
 * Only rows whose sort keys tie are looked at for collisions.
 */
#ifndef TEG_ENGINE_WRITE_BUILD_H
#define TEG_ENGINE_WRITE_BUILD_H
#include "engine/write/tiler.h"

/* A box tile of the commit: deleted or erased as a whole. */
struct row_box {
	struct box box;
	enum row_kind kind;
	int64_t system_from, valid_from, valid_until;
};

/* Sorts the rows, makes them disjoint (`rows` is spoilt: trimmed, split and put in another order) and
 * writes all of them to the sink: finished but for sink_finish(). TEG_MISUSE names the row (see
 * rows_make_disjoint); TEG_NOMEM, TEG_LIMIT, TEG_IO. */
teg_status write_sorted(struct rows *rows, const struct tiler_options *options,
                        struct segment_sink *sink, const teg_allocator *alloc,
                        struct segment_result *result_out, teg_error *err);

/* The same, with box tiles behind the rows. */
teg_status write_sorted_boxes(struct rows *rows, const struct row_box *boxes, uint32_t n_boxes,
                              const struct tiler_options *options, struct segment_sink *sink,
                              const teg_allocator *alloc, struct segment_result *result_out,
                              teg_error *err);

/* The rows sorted by position and key, call order within a key. perm_out has room for rows->n;
 * ties_out gets where neighbours have one position, of one cell or (texts) not. TEG_NOMEM. */
teg_status rows_sort(const struct rows *rows, const struct order *order, uint32_t *perm_out,
                     struct order_ties *ties_out, teg_error *err);
#endif
