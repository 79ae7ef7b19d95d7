#include "tools/tilectl/write_rows.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tools/tilectl/rows.h"

static int write_scan(const struct way_out *out, teg_scan *scan, enum format format, FILE *to)
{
	struct ArrowSchema schema = { .release = NULL };
	struct report report;
	struct rows rows;
	teg_error err;
	int code;

	if (teg_scan_schema(scan, &schema, &err) != TEG_OK)
		return fail_call(&err);
	code = rows_init(&rows, &schema, true, args_time_style(out->args));
	if (code == EXIT_OK) {
		report_begin(&report, "export", "rows", rows.names, rows.n, format);
		report_to(&report, to, out->target->path);
		code = rows_report_scan(&rows, &report, scan);
	}
	rows_free(&rows);
	arrow_schema_release(&schema);
	return code;
}

int write_rows(const struct way_out *out, enum format format)
{
	int own = dup(out->target->fd), code;
	FILE *to = own < 0 ? NULL : fdopen(own, "w");
	teg_scan *scan;
	teg_error err;

	if (!to)
		return fail_with(EXIT_FAILED, "cannot write: %s (file %s)", strerror(errno),
		                 out->target->path);
	if (teg_scan_open(out->array, out->scan, &scan, &err) == TEG_OK) {
		code = write_scan(out, scan, format, to);
		teg_scan_close(scan);
	} else {
		code = fail_call(&err);
	}
	if (fclose(to) && code == EXIT_OK)
		code = fail_with(EXIT_FAILED, "cannot write: %s (file %s)", strerror(errno),
		                 out->target->path);
	return code;
}
