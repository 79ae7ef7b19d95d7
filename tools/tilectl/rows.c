#include "tools/tilectl/rows.h"
#include <stdlib.h>
#include <string.h>

static bool is_number(teg_type type)
{
	return (type >= TEG_INT8 && type <= TEG_DECIMAL128) || type == TEG_DURATION;
}

int rows_init(struct rows *rows, const struct ArrowSchema *schema, bool times,
              enum time_style style)
{
	struct why why;

	memset(rows, 0, sizeof *rows);
	rows->n = (size_t)schema->n_children;
	rows->columns = need_memory(rows->n, sizeof *rows->columns);
	memset(rows->columns, 0, rows->n * sizeof *rows->columns);
	rows->names = need_memory(rows->n, sizeof *rows->names);
	for (size_t c = 0; c < rows->n; c++) {
		const struct ArrowSchema *field = schema->children[c];
		struct arrow_column *column = &rows->columns[c];

		if (!arrow_column_init(column, field, times, style, &why))
			return fail_with(EXIT_FAILED, "%s", why.text);
		rows->names[c].name = field->name;
		rows->names[c].right = is_number(column->type.type) && !column->words;
	}
	return EXIT_OK;
}

void rows_free(struct rows *rows)
{
	for (size_t c = 0; c < rows->n && rows->columns; c++)
		arrow_column_release(&rows->columns[c]);
	free(rows->columns);
	free(rows->names);
	text_free(&rows->cell);
}

void rows_report_cells(struct rows *rows, struct report *report, const struct ArrowArray *batch,
                       int64_t row)
{
	for (size_t c = 0; c < rows->n; c++) {
		enum form form;

		text_clear(&rows->cell);
		/* The offset of a struct counts for its children too. */
		form = arrow_add_cell(&rows->cell, &rows->columns[c], batch->children[c],
		                      row + batch->offset);
		report_cell(report, form, text_string(&rows->cell), rows->cell.len,
		            text_string(&rows->cell));
	}
}

void rows_report(struct rows *rows, struct report *report, const struct ArrowArray *batch)
{
	for (int64_t row = 0; row < batch->length; row++) {
		rows_report_cells(rows, report, batch, row);
		report_end_row(report);
	}
}

int rows_report_scan(struct rows *rows, struct report *report, teg_scan *scan)
{
	for (;;) {
		struct ArrowArray batch = { .release = NULL };
		teg_error err;
		teg_status status = teg_scan_next(scan, &batch, &err);

		if (status == TEG_END)
			return report_end(report);
		if (status != TEG_OK) {
			report_abandon(report);
			return fail_call(&err);
		}
		rows_report(rows, report, &batch);
		arrow_array_release(&batch);
	}
}
