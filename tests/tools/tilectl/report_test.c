#include "tools/tilectl/report.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a report writes to stdout, caught in a file. */
static char *caught(void (*write)(struct report *, enum format), enum format format)
{
	static char text[4096];
	struct report report;
	FILE *file = tmpfile();
	int saved = dup(1);
	size_t n;

	fflush(stdout);
	dup2(fileno(file), 1);
	write(&report, format);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	rewind(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static const struct report_column columns[] = { { "name", false }, { "n,1", true } };

static void write_rows(struct report *r, enum format format)
{
	report_begin(r, "test", "rows", columns, 2, format);
	report_fact_u64(r, "version", 18446744073709551615u);
	report_string(r, "a\n\"b\"\x01");
	report_u64(r, 7);
	report_end_row(r);
	report_string(r, "");
	report_null(r);
	report_end_row(r);
	report_cell(r, FORM_JSON, "[1]", 3, "[1]");
	report_bool(r, true);
	report_end_row(r);
	report_end_rows(r);
	report_fact(r, "last", FORM_NULL, NULL);
	cr_assert_eq(report_end(r), 0);
}

static void write_nothing(struct report *r, enum format format)
{
	report_begin(r, "test", "rows", columns, 2, format);
	cr_assert_eq(report_end(r), 0);
}

static void write_record(struct report *r, enum format format)
{
	report_begin(r, "test", NULL, columns, 2, format);
	report_string(r, "a");
	report_time(r, INT64_MAX);
	report_end_row(r);
	cr_assert_eq(report_end(r), 0);
}

static void write_broken_off(struct report *r, enum format format)
{
	report_begin(r, "test", "rows", columns, 2, format);
	report_string(r, "a");
	report_u64(r, 7);
	report_end_row(r);
	report_abandon(r);
}

static const struct {
	const char *name;
	void (*write)(struct report *, enum format);
	enum format format;
	const char *text;
} reports[] = {
	{ "text", write_rows, FORMAT_TEXT,
	  "name         n,1\n"
	  "a\\n\"b\"\\x01     7\n"
	  "            null\n"
	  "[1]         true\n" },
	{ "csv", write_rows, FORMAT_CSV,
	  "name,\"n,1\"\r\n\"a\n\"\"b\"\"\x01\",7\r\n\"\",\r\n[1],true\r\n" },
	{ "json", write_rows, FORMAT_JSON,
	  "{\"schema\":\"tilectl.test/1\",\"version\":\"18446744073709551615\",\"rows\":["
	  "\n{\"name\":\"a\\n\\\"b\\\"\\u0001\",\"n,1\":\"7\"},"
	  "\n{\"name\":\"\",\"n,1\":null},"
	  "\n{\"name\":[1],\"n,1\":true}\n],\"last\":null}\n" },
	{ "ndjson", write_rows, FORMAT_NDJSON,
	  "{\"name\":\"a\\n\\\"b\\\"\\u0001\",\"n,1\":\"7\"}\n{\"name\":\"\",\"n,1\":null}\n"
	  "{\"name\":[1],\"n,1\":true}\n" },
	/* B10: the columns of an empty answer are still told */
	{ "empty text", write_nothing, FORMAT_TEXT, "name  n,1\n" },
	{ "empty csv", write_nothing, FORMAT_CSV, "name,\"n,1\"\r\n" },
	{ "empty json", write_nothing, FORMAT_JSON,
	  "{\"schema\":\"tilectl.test/1\",\"rows\":[\n]}\n" },
	{ "empty ndjson", write_nothing, FORMAT_NDJSON, "" },
	{ "record text", write_record, FORMAT_TEXT, "name  a\nn,1   null\n" },
	{ "record csv", write_record, FORMAT_CSV, "name,\"n,1\"\r\na,\r\n" },
	{ "record json", write_record, FORMAT_JSON,
	  "{\"schema\":\"tilectl.test/1\",\"name\":\"a\",\"n,1\":null}\n" },
	{ "record ndjson", write_record, FORMAT_NDJSON, "{\"name\":\"a\",\"n,1\":null}\n" },
	/* Nobody takes it for whole. */
	{ "broken off", write_broken_off, FORMAT_JSON,
	  "{\"schema\":\"tilectl.test/1\",\"rows\":[\n{\"name\":\"a\",\"n,1\":\"7\"}" },
};

Test(report, writes_every_format)
{
	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
		const char *text = caught(reports[i].write, reports[i].format);

		cr_expect(!strcmp(text, reports[i].text), "%s:\n%s\n---\n%s", reports[i].name, text,
		          reports[i].text);
	}
}

static void write_many(struct report *r, enum format format)
{
	report_begin(r, "test", "rows", columns, 2, format);
	for (uint64_t i = 0; i < 300; i++) {
		report_string(r, "abc");
		report_u64(r, i);
		report_end_row(r);
	}
	cr_assert_eq(report_end(r), 0);
}

Test(report, text_keeps_the_widths_it_measured)
{
	const char *text = caught(write_many, FORMAT_TEXT);

	cr_expect(strstr(text, "\nabc     0\n"));
	cr_expect(strstr(text, "\nabc   299\n"));
}
