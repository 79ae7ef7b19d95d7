#include "tools/tilectl/report.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/fail.h"

#define MEASURED_ROWS 1000
#define FLUSH_BYTES 65536
#define WIDEST 80 /* a wider cell pushes its row out of line instead of widening all */

static void flush(struct report *r)
{
	if (r->out.len)
		fwrite(r->out.at, 1, r->out.len, r->to);
	text_clear(&r->out);
}

static void flush_some(struct report *r)
{
	if (r->out.len >= FLUSH_BYTES)
		flush(r);
}

/* ---- text ------------------------------------------------------------------------------------- */

/* Keeps a row on its line: control characters are written as escapes. */
static void add_visible(struct text *out, const char *plain, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)plain[i];

		if (c == '\n')
			text_adds(out, "\\n");
		else if (c == '\t')
			text_adds(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			text_addf(out, "\\x%02x", c);
		else
			text_add(out, plain + i, 1);
	}
}

/* Characters, not bytes. */
static size_t width_of(const char *string)
{
	size_t n = 0;

	for (; *string; string++)
		n += ((unsigned char)*string & 0xc0) != 0x80;
	return n;
}

static void add_padded(struct report *r, const char *cell, size_t c)
{
	size_t width = width_of(cell), pad = width < r->widths[c] ? r->widths[c] - width : 0;
	bool last = c + 1 == r->n_columns;

	if (c)
		text_adds(&r->out, "  ");
	if (r->columns[c].right)
		text_addf(&r->out, "%*s", (int)pad, "");
	text_adds(&r->out, cell);
	if (!r->columns[c].right && !last)
		text_addf(&r->out, "%*s", (int)pad, "");
	if (last)
		text_adds(&r->out, "\n");
}

static const char *measure(struct report *r, const char *cell, size_t c)
{
	size_t width = width_of(cell);

	if (width > r->widths[c] && width <= WIDEST)
		r->widths[c] = width;
	return cell + strlen(cell) + 1;
}

static void add_record(struct report *r)
{
	const char *cell = text_string(&r->cells);
	size_t width = 0;

	for (size_t c = 0; c < r->n_columns; c++)
		width = width_of(r->columns[c].name) > width ? width_of(r->columns[c].name) : width;
	for (size_t c = 0; c < r->n_columns; c++) {
		text_addf(&r->out, "%s%*s  %s\n", r->columns[c].name,
		          (int)(width - width_of(r->columns[c].name)), "", cell);
		cell += strlen(cell) + 1;
	}
}

static void add_waiting_rows(struct report *r)
{
	const char *cell = text_string(&r->cells);

	for (uint64_t row = 0; row < r->n_waiting; row++)
		for (size_t c = 0; c < r->n_columns; c++) {
			add_padded(r, cell, c);
			cell += strlen(cell) + 1;
		}
}

/* Lets the rows go that waited for their widths; the first time with the heading. */
static void release_rows(struct report *r)
{
	if (r->n_columns && r->rows_key && !r->measured) {
		const char *cell = text_string(&r->cells);

		for (size_t c = 0; c < r->n_columns; c++)
			measure(r, r->columns[c].name, c);
		for (uint64_t row = 0; row < r->n_waiting; row++)
			for (size_t c = 0; c < r->n_columns; c++)
				cell = measure(r, cell, c);
		for (size_t c = 0; c < r->n_columns; c++)
			add_padded(r, r->columns[c].name, c);
		r->measured = true;
	}
	if (r->rows_key)
		add_waiting_rows(r);
	else if (r->n_waiting)
		add_record(r);
	text_clear(&r->cells);
	r->n_waiting = 0;
}

static void end_text_row(struct report *r)
{
	r->n_waiting++;
	if (r->measured || r->n_waiting == MEASURED_ROWS)
		release_rows(r);
}

/* ---- CSV -------------------------------------------------------------------------------------- */

static void add_csv(struct text *out, enum form form, const char *plain, size_t len)
{
	if (form == FORM_NULL)
		return;
	if (len && !memchr(plain, '\0', len) && strcspn(plain, ",\"\r\n") >= len) {
		text_add(out, plain, len);
		return;
	}
	text_adds(out, "\"");
	for (size_t i = 0; i < len; i++)
		text_add(out, plain[i] == '"' ? "\"\"" : plain + i, plain[i] == '"' ? 2 : 1);
	text_adds(out, "\"");
}

static void add_csv_heading(struct report *r)
{
	for (size_t c = 0; c < r->n_columns; c++) {
		text_adds(&r->out, c ? "," : "");
		add_csv(&r->out, FORM_QUOTED, r->columns[c].name, strlen(r->columns[c].name));
	}
	text_adds(&r->out, "\r\n");
}

/* ---- the document ----------------------------------------------------------------------------- */

void report_begin(struct report *r, const char *command, const char *rows_key,
                  const struct report_column *columns, size_t n, enum format format)
{
	char schema[64];

	memset(r, 0, sizeof *r);
	r->format = format;
	r->rows_key = rows_key;
	r->columns = columns;
	r->n_columns = n;
	r->to = stdout;
	r->path = "stdout";
	r->widths = need_memory(n, sizeof *r->widths);
	json_init(&r->json, &r->out);
	if (format == FORMAT_CSV)
		add_csv_heading(r);
	if (format != FORMAT_JSON)
		return;
	snprintf(schema, sizeof schema, "tilectl.%s/1", command);
	json_open_object(&r->json);
	report_fact(r, "schema", FORM_QUOTED, schema);
}

void report_to(struct report *r, FILE *to, const char *path)
{
	r->to = to;
	r->path = path;
}

static void add_json_value(struct report *r, enum form form, const char *value, size_t len)
{
	if (form == FORM_NULL)
		json_bare(&r->json, "null", 4);
	else if (form == FORM_QUOTED)
		json_quoted(&r->json, value, len);
	else
		json_bare(&r->json, value, len);
}

void report_fact(struct report *r, const char *name, enum form form, const char *value)
{
	if (r->format != FORMAT_JSON)
		return;
	json_key(&r->json, name);
	add_json_value(r, form, value, value ? strlen(value) : 0);
}

void report_fact_u64(struct report *r, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, value);
	report_fact(r, name, FORM_QUOTED, digits);
}

void report_fact_time(struct report *r, const char *name, int64_t us)
{
	struct text time = { NULL, 0, 0 };

	if (us == TEG_TIME_OPEN_START || us == TEG_TIME_OPEN_END) {
		report_fact(r, name, FORM_NULL, NULL);
		return;
	}
	value_add_time(&time, us, TEG_MICRO, true, TIMES_RFC3339);
	report_fact(r, name, FORM_QUOTED, text_string(&time));
	text_free(&time);
}

/* The array of rows of a JSON document opens late, so that facts may stand before it. */
static void open_rows(struct report *r)
{
	if (r->rows_open || !r->rows_key)
		return;
	json_key(&r->json, r->rows_key);
	json_open_array(&r->json);
	r->rows_open = true;
}

void report_end_rows(struct report *r)
{
	if (r->format == FORMAT_TEXT)
		release_rows(r);
	if (r->format != FORMAT_JSON || !r->rows_key)
		return;
	open_rows(r);
	text_adds(&r->out, "\n");
	json_close_array(&r->json);
	r->rows_key = NULL;
}

static bool row_is_object(const struct report *r)
{
	return r->format == FORMAT_NDJSON || (r->format == FORMAT_JSON && r->rows_key);
}

static void start_row(struct report *r)
{
	if (r->format == FORMAT_NDJSON) {
		json_init(&r->json, &r->out);
		json_open_object(&r->json);
	} else if (r->format == FORMAT_JSON && r->rows_key) {
		open_rows(r);
		json_open_row(&r->json);
	}
}

void report_cell(struct report *r, enum form form, const char *plain, size_t len, const char *json)
{
	if (!r->column)
		start_row(r);
	if (r->format == FORMAT_TEXT) {
		if (form == FORM_NULL)
			text_adds(&r->cells, "null");
		else
			add_visible(&r->cells, plain, len);
		text_add(&r->cells, "", 1);
	} else if (r->format == FORMAT_CSV) {
		text_adds(&r->out, r->column ? "," : "");
		add_csv(&r->out, form, plain, len);
	} else {
		json_key(&r->json, r->columns[r->column].name);
		add_json_value(r, form, form == FORM_JSON ? json : plain,
		               form == FORM_JSON ? strlen(json) : len);
	}
	r->column++;
}

void report_end_row(struct report *r)
{
	if (!r->column) /* a row without columns is still a row */
		start_row(r);
	r->column = 0;
	if (r->format == FORMAT_TEXT)
		end_text_row(r);
	else if (r->format == FORMAT_CSV)
		text_adds(&r->out, "\r\n");
	if (row_is_object(r))
		json_close_object(&r->json);
	if (r->format == FORMAT_NDJSON)
		text_adds(&r->out, "\n");
	flush_some(r);
}

/* ---- cells ------------------------------------------------------------------------------------ */

void report_null(struct report *r)
{
	report_cell(r, FORM_NULL, "", 0, NULL);
}

void report_string(struct report *r, const char *string)
{
	report_cell(r, FORM_QUOTED, string, strlen(string), NULL);
}

void report_u64(struct report *r, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, value);
	report_string(r, digits);
}

void report_i64(struct report *r, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRId64, value);
	report_string(r, digits);
}

void report_bool(struct report *r, bool value)
{
	report_cell(r, FORM_BARE, value ? "true" : "false", value ? 4 : 5, NULL);
}

void report_hex(struct report *r, const uint8_t *bytes, size_t len)
{
	struct text hex = { NULL, 0, 0 };

	for (size_t i = 0; i < len; i++)
		text_addf(&hex, "%02x", bytes[i]);
	report_string(r, text_string(&hex));
	text_free(&hex);
}

void report_time(struct report *r, int64_t us)
{
	struct text time = { NULL, 0, 0 };

	if (us == TEG_TIME_OPEN_START || us == TEG_TIME_OPEN_END) {
		report_null(r);
		return;
	}
	value_add_time(&time, us, TEG_MICRO, true, TIMES_RFC3339);
	report_string(r, text_string(&time));
	text_free(&time);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void free_report(struct report *r)
{
	free(r->widths);
	text_free(&r->out);
	text_free(&r->cells);
}

static int finish(FILE *to, const char *path)
{
	if (fflush(to) || ferror(to))
		return fail_with(EXIT_FAILED, "cannot write to %s: %s", path, strerror(errno));
	return EXIT_OK;
}

int report_end(struct report *r)
{
	report_end_rows(r);
	if (r->format == FORMAT_JSON) {
		json_close_object(&r->json);
		text_adds(&r->out, "\n");
	}
	flush(r);
	free_report(r);
	return finish(r->to, r->path);
}

void report_abandon(struct report *r)
{
	if (r->format == FORMAT_TEXT && r->n_waiting)
		release_rows(r);
	flush(r);
	free_report(r);
	fflush(r->to);
}

int report_plain(const char *text)
{
	fputs(text, stdout);
	return finish(stdout, "stdout");
}
