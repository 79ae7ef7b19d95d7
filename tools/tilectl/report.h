/* What a command prints on stdout, in the four formats: rows of named cells, as they come.
 *
 *   text     aligned columns under a heading; a single record stands as "name  value" lines
 *   csv      RFC 4180, a heading, null an empty field, the empty string ""
 *   ndjson   one object a row
 *   json     {"schema":"tilectl.ls/1", head..., "arrays":[rows], tail...}
 *
 *   report_begin(&r, "ls", "arrays", columns, n, format);
 *   report_u64(&r, 7); report_string(&r, "flights"); report_end_row(&r);
 *   code = report_end(&r);
 *
 * Rows are never all held: text measures the first thousand and keeps their widths. A command that
 * fails calls report_abandon instead of report_end: what was vouched for has gone out, and a JSON
 * document stays open, so that nobody takes it for whole.
 */
#ifndef TILECTL_REPORT_H
#define TILECTL_REPORT_H
#include <stdio.h>
#include "engine/tegula.h"
#include "tools/tilectl/json.h"
#include "tools/tilectl/value.h"

enum format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON, FORMAT_NDJSON };

struct report_column {
	const char *name;
	bool right; /* numbers stand to the right in text */
};

struct report {
	enum format format;
	const char *rows_key; /* NULL: one record, whose cells are members of the document */
	const struct report_column *columns;
	size_t n_columns, column;
	size_t *widths;
	struct text out, cells; /* cells: of rows that wait for the widths, each ended by a NUL */
	uint64_t n_waiting;
	bool measured, rows_open;
	struct json json;
	FILE *to;         /* stdout */
	const char *path; /* of it, for messages */
};

void report_begin(struct report *report, const char *command, const char *rows_key,
                  const struct report_column *columns, size_t n, enum format format);
/* Prints elsewhere than on stdout. At once after report_begin. */
void report_to(struct report *report, FILE *to, const char *path);
/* Members of the JSON document before or after the rows; the other formats leave them out. */
void report_fact(struct report *report, const char *name, enum form form, const char *value);
void report_fact_u64(struct report *report, const char *name, uint64_t value);
void report_fact_time(struct report *report, const char *name, int64_t us);
/* No more rows: facts after this stand behind them. */
void report_end_rows(struct report *report);

/* The next cell of the row. `json` is its JSON text for FORM_JSON, else unused. */
void report_cell(struct report *report, enum form form, const char *plain, size_t len,
                 const char *json);
void report_null(struct report *report);
void report_string(struct report *report, const char *string);
void report_u64(struct report *report, uint64_t value);
void report_i64(struct report *report, int64_t value);
void report_bool(struct report *report, bool value);
void report_hex(struct report *report, const uint8_t *bytes, size_t len);
/* Microseconds; an open end is null. */
void report_time(struct report *report, int64_t us);
void report_end_row(struct report *report);

/* Writes what is left. EXIT_FAILED, said on stderr, where stdout cannot take it. */
int report_end(struct report *report);
void report_abandon(struct report *report);
/* A line of plain text that is data (help, completion, version). */
int report_plain(const char *text);
#endif
