/* A public scan: a sweep, a filter, and batches. Also what take, get, read_box and the transaction's
 * own reads share: turning options into a view. */
#ifndef TEG_ENGINE_SCAN_SCAN_H
#define TEG_ENGINE_SCAN_SCAN_H
#include "engine/arrow/export.h"
#include "engine/scan/cut.h"
#include "engine/scan/sweep.h"

#define SCAN_SLICE_LEN ((size_t)2 << 20) /* bytes of rows taken together, unless one row has more */

struct teg_scan {
	struct teg_array *array;
	struct arena arena; /* outputs, bound predicate, box */
	const teg_allocator *alloc;
	struct output *outputs;
	uint32_t n_outputs;
	struct view view;
	struct box box;
	struct cut *cut; /* slices asked for; NULL: none */
	const struct bound_predicate *filter;
	struct sweep sweep;
	bool sweep_open;
	struct batch_pool *pool;
	struct batch *batch; /* being filled */
	uint64_t left;       /* of the limit */
	uint32_t batch_rows;
	bool in_one;        /* all rows into one batch, however long they are */
	uint32_t next_box;  /* of the plan, where boxes are rows */
	teg_damage damaged; /* NULL: damage is an error */
	void *damaged_ctx;
	/* the selection at hand */
	struct selection selection;
	uint32_t taken, kept; /* rows of it that are out; how many the filter kept */
	uint32_t *keep;       /* filtered indexes; NULL-like where there is no filter */
	uint8_t *mask;
	size_t keep_cap;
	struct column_buf *filter_columns;
	struct column *filter_views;
	uint32_t n_filter;
	teg_error stream_error;
};

/* A batch put together from several boxes: begin, gather as often as needed, export. The scan's own
 * box is replaced, its filter and limit hold. */
teg_status scan_begin_batch(struct teg_scan *scan, teg_error *err);
teg_status scan_gather_box(struct teg_scan *scan, const struct box *box, teg_error *err);
teg_status scan_export_batch(struct teg_scan *scan, struct ArrowArray *batch_out, teg_error *err);
/* Makes the plan: scan->sweep is open. */
teg_status scan_start(struct teg_scan *scan, teg_error *err);
/* The next rows that the filter keeps: scan->selection, scan->kept. TEG_END. */
teg_status scan_next_selection(struct teg_scan *scan, teg_error *err);
/* The rows of the selection that the predicate and the slices keep into scan->keep. */
teg_status scan_run_filter(struct teg_scan *scan, teg_error *err);
/* Fills scan->batch, which scan_begin_batch has taken. TEG_END: nothing came. */
teg_status scan_fill_batch(struct teg_scan *scan, teg_error *err);

/* The system time a read of this array is answered at: INT64_MIN where nothing was written by then.
 * TEG_BEYOND_HORIZON, TEG_NOT_FOUND (version). */
teg_status read_system_time(struct teg_array *array, teg_scan_mode mode, int64_t system_time,
                            uint64_t version, int64_t *s_out, teg_error *err);
/* The two ends of a scan of a range, or of changes, into the view: both modes, or neither. TEG_MISUSE,
 * TEG_BEYOND_HORIZON. */
teg_status read_range(struct teg_array *array, const teg_scan_options *options, struct view *view,
                      teg_error *err);
/* The view of point and box reads. TEG_MISUSE where valid time needs a V and there is none. */
teg_status read_view(struct teg_array *array, const teg_read_options *options,
                     struct view *view_out, teg_error *err);
/* Ranges of values as lanes. Text bounds become prefixes: *exact_out false where they do. */
teg_status read_box_lanes(const struct schema *schema, const teg_range *ranges, struct box *box_out,
                          bool *exact_out, teg_error *err);
#endif
