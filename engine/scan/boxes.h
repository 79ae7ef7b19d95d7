/* Deleted and erased boxes as rows of their own: what a ledger needs besides the rows of cells, since
 * a box says something of keys that were never put too. format-spec/time.md, TIME-19 to TIME-21.
 *
 *   x  y  value  ...  row_kind   box_end.x  box_end.y
 *   3  7     12       live            null       null
 *   0  0   null       tombstone          9          4     deleted: x 0 to 9, y 0 to 4
 */
#ifndef TEG_ENGINE_SCAN_BOXES_H
#define TEG_ENGINE_SCAN_BOXES_H
#include "engine/scan/scan.h"

/* Is all that `old` says hidden for good by the box that comes before it in the plan? */
bool box_hides(const struct plan_box *newer, const struct plan_box *old, uint32_t n_dims);

/* Whether boxes are rows of the scan, as its options ask for. TEG_MISUSE. */
teg_status boxes_choose(struct teg_scan *scan, const teg_scan_options *options, teg_error *err);
/* The upper corner, a column per dimension, into scan->outputs, where there is room for them.
 * TEG_SCHEMA where the array has a column of such a name itself. */
teg_status boxes_add_outputs(struct teg_scan *scan, teg_error *err);
/* Fills scan->batch, which is empty, with the next boxes of the plan. TEG_END after the last. */
teg_status boxes_fill_batch(struct teg_scan *scan, teg_error *err);
#endif
