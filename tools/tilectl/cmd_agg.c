/* tilectl agg: counts, sums, extremes and means of an array's columns, by groups. */
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/rows.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"
#include "tools/tilectl/word.h"

static const struct {
	const char *name;
	teg_function function;
} functions[] = { { "count", TEG_COUNT }, { "null_count", TEG_NULL_COUNT },
	          { "sum", TEG_SUM },     { "min", TEG_MIN },
	          { "max", TEG_MAX },     { "mean", TEG_MEAN } };

/* What --select and --by say. */
struct select {
	teg_measure *measures;
	struct word_names *columns; /* one name or none, per measure */
	size_t n;
	struct word_names by;
};

static bool find_function(const char *at, size_t len, teg_function *out)
{
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (strlen(functions[i].name) == len && !memcmp(functions[i].name, at, len)) {
			*out = functions[i].function;
			return true;
		}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A name in parentheses, or nothing between them. */
static bool read_column(const char *at, size_t len, struct word_names *name_out, struct why *why)
{
	struct text inner = { 0 };
	bool ok = true;

	while (len && is_blank(*at)) {
		at++;
		len--;
	}
	while (len && is_blank(at[len - 1]))
		len--;
	if (!len)
		return true;
	text_add(&inner, at, len);
	ok = word_read_names(text_string(&inner), name_out, why);
	text_free(&inner);
	if (ok && name_out->n != 1)
		return refuse(why, "a function takes one column");
	return ok;
}

/* One of 'count(), mean(a)'. */
static bool add_measure(void *ctx, const char *at, size_t len, struct why *why)
{
	struct select *s = ctx;
	const char *open;
	size_t name;

	for (; len && is_blank(*at); len--)
		at++;
	while (len && is_blank(at[len - 1]))
		len--;
	open = len ? memchr(at, '(', len) : NULL;
	if (!open || at[len - 1] != ')')
		return refuse(why, "'%.*s' is not FUNCTION(COLUMN)", (int)(len < 80 ? len : 80),
		              at);
	for (name = (size_t)(open - at); name && is_blank(at[name - 1]);)
		name--;
	s->measures = need_more(s->measures, s->n + 1, sizeof *s->measures);
	s->columns = need_more(s->columns, s->n + 1, sizeof *s->columns);
	memset(&s->columns[s->n], 0, sizeof *s->columns);
	memset(&s->measures[s->n], 0, sizeof *s->measures);
	s->n++;
	if (!find_function(at, name, &s->measures[s->n - 1].function))
		return refuse(why, "'%.*s' is not count, null_count, sum, min, max or mean",
		              (int)(name < 80 ? name : 80), at);
	return read_column(open + 1, (size_t)(at + len - 1 - (open + 1)), &s->columns[s->n - 1],
	                   why);
}

static int read_select(const struct args *args, struct select *s)
{
	struct why why;

	memset(s, 0, sizeof *s);
	if (!args->value[OPT_SELECT])
		return usage(args, "--select is missing");
	if (!word_split(args->value[OPT_SELECT], add_measure, s, &why))
		return usage(args, "--select: %s", why.text);
	for (size_t i = 0; i < s->n; i++)
		s->measures[i].column = s->columns[i].n ? s->columns[i].at[0] : NULL;
	if (args->value[OPT_BY] && !word_read_names(args->value[OPT_BY], &s->by, &why))
		return usage(args, "--by: %s", why.text);
	return EXIT_OK;
}

static void free_select(struct select *s)
{
	for (size_t i = 0; i < s->n; i++)
		word_names_free(&s->columns[i]);
	word_names_free(&s->by);
	free(s->columns);
	free(s->measures);
}

static int print(const teg_array *array, const teg_scan_stats *stats,
                 const struct ArrowSchema *schema, const struct ArrowArray *batch,
                 const struct args *args)
{
	struct report report;
	struct rows rows;
	int code = rows_init(&rows, schema, false, args_time_style(args));

	if (code == EXIT_OK) {
		report_begin(&report, "agg", "rows", rows.names, rows.n, args_format(args));
		report_fact(&report, "array", FORM_QUOTED, teg_array_name(array));
		report_fact_time(&report, "system_time", stats->system_time);
		rows_report(&rows, &report, batch);
		code = report_end(&report);
	}
	rows_free(&rows);
	return code;
}

static int aggregate(struct session *session, struct scan_args *wanted, const struct select *s,
                     const struct args *args)
{
	teg_scan_stats stats = { .struct_size = sizeof stats };
	teg_aggregate_options options = { .struct_size = sizeof options,
		                          .by = (const char *const *)s->by.at,
		                          .n_by = s->by.n,
		                          .stats = &stats };
	struct ArrowSchema schema;
	struct ArrowArray batch;
	teg_error err;
	int code = scan_args_bind(wanted, args, session->array);

	if (code != EXIT_OK)
		return code;
	if (teg_aggregate(session->array, s->measures, s->n, &options, &wanted->options, &schema,
	                  &batch, &err) != TEG_OK)
		return fail_call(&err);
	code = print(session->array, &stats, &schema, &batch, args);
	arrow_array_release(&batch);
	arrow_schema_release(&schema);
	return code;
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	struct scan_args wanted = { 0 };
	struct select select;
	int code = read_select(args, &select);

	if (code == EXIT_OK)
		code = scan_args_read(&wanted, args);
	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = aggregate(&session, &wanted, &select, args);
	free_select(&select);
	scan_args_release(&wanted);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY,       OPT_SELECT, OPT_BY,      OPT_WHERE,
	                            OPT_BOX,         OPT_AS_OF,  OPT_VERSION, OPT_VALID_AT,
	                            OPT_TIME_FORMAT, OPT_FORMAT, OPT_END };

const struct command cmd_agg = {
	"agg",
	"STORE",
	"aggregate the cells of an array",
	"--select lists count(), count(COL), null_count(COL), sum(COL), min(COL), max(COL) and\n"
	"mean(COL); nulls are skipped. --by makes one row per group, by ascending key, nulls last.\n"
	"Sums of integers are exact, and refused where they do not fit 64 bits. An array with valid\n"
	"time needs --valid-at.\n",
	opts,
	true,
	run
};
