/* Batches of a scan as rows of a report. */
#ifndef TILECTL_ROWS_H
#define TILECTL_ROWS_H
#include "engine/tegula.h"
#include "tools/tilectl/arrow.h"
#include "tools/tilectl/report.h"

struct rows {
	size_t n;
	struct arrow_column *columns;
	struct report_column *names; /* for report_begin */
	struct text cell;
};

/* Sets up the columns of a struct schema, which must live as long. An exit code, said on stderr.
 * Free in any case. */
int rows_init(struct rows *rows, const struct ArrowSchema *schema, bool times,
              enum time_style style);
void rows_free(struct rows *rows);
/* Every row of a struct batch. */
void rows_report(struct rows *rows, struct report *report, const struct ArrowArray *batch);
/* Every row of a scan that is left, and the end of the report; an exit code, said on stderr. */
int rows_report_scan(struct rows *rows, struct report *report, teg_scan *scan);
/* The cells of one row: the caller ends the row. */
void rows_report_cells(struct rows *rows, struct report *report, const struct ArrowArray *batch,
                       int64_t row);
#endif
