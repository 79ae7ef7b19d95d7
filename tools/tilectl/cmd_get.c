/* tilectl get: one cell, and which of the five answers it is. */
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/opt.h"
#include "tools/tilectl/rows.h"
#include "tools/tilectl/scan_args.h"
#include "tools/tilectl/session.h"

struct answer {
	teg_outcome outcome;
	struct ArrowSchema schema;
	struct ArrowArray batch;
};

static const char *outcome_name(teg_outcome outcome)
{
	switch (outcome) {
	case TEG_OUTCOME_LIVE: return "live";
	case TEG_OUTCOME_DELETED: return "deleted";
	case TEG_OUTCOME_ERASED: return "erased";
	case TEG_OUTCOME_NOT_FOUND: return "not found";
	case TEG_OUTCOME_BEYOND_HORIZON: return "beyond horizon";
	}
	return "unknown";
}

/* The outcome stands before the cell in every form: as a column of text, CSV and NDJSON, as a
 * member of the JSON document, whose cells are then a list (repeated cells may be many). */
static int print_cells(const char *array, const struct answer *answer, struct rows *rows,
                       enum format format)
{
	size_t lead = format != FORMAT_JSON;
	struct report_column *columns = need_memory(rows->n + 1, sizeof *columns);
	int64_t n = answer->batch.release ? answer->batch.length : 0;
	struct report r;
	int code;

	columns[0].name = "outcome";
	for (size_t c = 0; c < rows->n; c++)
		columns[c + lead] = rows->names[c];
	report_begin(&r, "get", format == FORMAT_TEXT && n <= 1 ? NULL : "cells", columns,
	             rows->n + lead, format);
	report_fact(&r, "array", FORM_QUOTED, array);
	report_fact(&r, "outcome", FORM_QUOTED, outcome_name(answer->outcome));
	for (int64_t row = 0; row < (n || !lead ? n : 1); row++) {
		if (lead)
			report_string(&r, outcome_name(answer->outcome));
		if (n)
			rows_report_cells(rows, &r, &answer->batch, row);
		report_end_row(&r);
	}
	code = report_end(&r);
	free(columns);
	return code;
}

static int print_answer(const char *array, const struct answer *answer, const struct args *args)
{
	struct rows rows = { 0, NULL, NULL, { NULL, 0, 0 } };
	int code = EXIT_OK;

	if (answer->batch.release && answer->schema.release)
		code = rows_init(&rows, &answer->schema, true, args_time_style(args));
	if (code == EXIT_OK)
		code = print_cells(array, answer, &rows, args_format(args));
	rows_free(&rows);
	return code;
}

/* Whether --at names the table's key attribute, as in 'id=7'. */
static bool names_key(const teg_spec *spec, const char *at)
{
	size_t len = spec->key ? strlen(spec->key) : 0;

	return len && !strncmp(at, spec->key, len) && at[len] == '=';
}

static int read_key(const teg_spec *spec, const struct args *args, struct box *point,
                    teg_value *key)
{
	teg_dimension named = { .name = spec->key };
	struct why why;

	for (size_t i = 0; i < spec->n_attributes; i++)
		if (!strcmp(spec->attributes[i].name, spec->key))
			named.type = spec->attributes[i].type;
	return box_read_point(args->value[OPT_AT], &named, 1, point, key, &why) == EXIT_OK
	               ? EXIT_OK
	               : usage(args, "--at: %s", why.text);
}

/* Rows found by the key: none, one or many. */
static int find(teg_array *array, const teg_value *key, const teg_read_options *options,
                const struct args *args)
{
	struct answer answer = { .outcome = TEG_OUTCOME_NOT_FOUND };
	teg_error err;
	uint64_t n;
	int code;

	if (teg_find(array, key, NULL, 0, options, &n, &answer.schema, &answer.batch, &err) !=
	    TEG_OK)
		return fail_call(&err);
	if (n)
		answer.outcome = TEG_OUTCOME_LIVE;
	else
		arrow_array_release(&answer.batch);
	code = print_answer(teg_array_name(array), &answer, args);
	arrow_array_release(&answer.batch);
	arrow_schema_release(&answer.schema);
	return code;
}

static int get_by_key(teg_array *array, const teg_read_options *options, const struct args *args)
{
	struct box point;
	teg_value key;
	int code = read_key(teg_array_spec(array), args, &point, &key);

	if (code == EXIT_OK)
		code = find(array, &key, options, args);
	box_release(&point);
	return code;
}

static int get_cell(teg_array *array, const teg_read_options *options, const struct args *args)
{
	const teg_spec *spec = teg_array_spec(array);
	struct answer answer = { .outcome = TEG_OUTCOME_NOT_FOUND };
	teg_value key[TEG_MAX_DIMENSIONS];
	struct box point;
	struct why why;
	teg_error err;
	int code;

	if (spec->valid_time && !options->has_valid_at)
		return usage(args,
		             "array %s has valid time: say at which one with --valid-at TIME "
		             "(tilectl cat --box shows every piece of a cell)",
		             teg_array_name(array));
	code = box_read_point(args->value[OPT_AT], spec->dimensions, spec->n_dimensions, &point,
	                      key, &why);

	if (code != EXIT_OK) {
		box_release(&point);
		return code == EXIT_USAGE
		               ? usage(args, "--at: %s", why.text)
		               : fail_with(code, "%s (array %s)", why.text, teg_array_name(array));
	}
	if (teg_get(array, key, spec->n_dimensions, options, &answer.outcome, &answer.schema,
	            &answer.batch, &err) != TEG_OK)
		code = fail_call(&err);
	else
		code = print_answer(teg_array_name(array), &answer, args);
	arrow_array_release(&answer.batch);
	arrow_schema_release(&answer.schema);
	box_release(&point);
	return code;
}

static int run(const struct args *args)
{
	struct session session = { NULL, NULL, NULL };
	teg_read_options options;
	int code;

	if (!args->value[OPT_AT])
		return usage(args, "tilectl get needs --at 'X=1,Y=2'");
	code = read_point_time(args, &options);
	if (code == EXIT_OK)
		code = session_open(&session, args->operand[0], args->value[OPT_ARRAY]);
	if (code == EXIT_OK)
		code = names_key(teg_array_spec(session.array), args->value[OPT_AT])
		               ? get_by_key(session.array, &options, args)
		               : get_cell(session.array, &options, args);
	session_close(&session);
	return code;
}

static const enum opt_id opts[] = { OPT_ARRAY,    OPT_AT,          OPT_AS_OF,  OPT_VERSION,
	                            OPT_VALID_AT, OPT_TIME_FORMAT, OPT_FORMAT, OPT_END };

const struct command cmd_get = {
	"get",
	"STORE",
	"print one cell and whether it is live",
	"The outcome is one of: live, deleted, erased, not found, beyond horizon. All five are answers:\n"
	"the exit code is 0. An array with valid time needs --valid-at; to see every piece of a cell's\n"
	"validity, use tilectl cat with a --box of that one cell.\n"
	"A table with a key column also takes --at 'KEY=VALUE' and prints the rows that hold the value.\n",
	opts,
	true,
	run
};
