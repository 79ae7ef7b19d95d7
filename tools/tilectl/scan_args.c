#include "tools/tilectl/scan_args.h"
#include <inttypes.h>
#include <string.h>
#include "engine/tegula_unstable.h"
#include "tools/tilectl/number.h"
#include "tools/tilectl/when.h"

static int usage_why(const struct args *args, enum opt_id id, const struct why *why)
{
	return usage(args, "--%s: %s", opt_table[id].name, why->text);
}

static int read_time(const struct args *args, enum opt_id id, int64_t *us_out)
{
	const char *value = args->value[id];
	struct why why;

	if (when_read_option(value, strlen(value), us_out, &why))
		return EXIT_OK;
	return usage_why(args, id, &why);
}

static int read_count(const struct args *args, enum opt_id id, uint64_t *n_out)
{
	const char *value = args->value[id];

	if (number_read_uint(value, strlen(value), UINT64_MAX, n_out))
		return EXIT_OK;
	return usage(args, "--%s: '%.80s' is not a count", opt_table[id].name, value);
}

int read_predicate(const struct args *args, teg_predicate **predicate_out)
{
	teg_error err;

	*predicate_out = NULL;
	if (!args->value[OPT_WHERE] ||
	    teg_predicate_parse(args->value[OPT_WHERE], NULL, predicate_out, &err) == TEG_OK)
		return EXIT_OK;
	return fail_call(&err);
}

int read_box(const struct args *args, const teg_array *array, struct box *box_out, bool *given_out)
{
	const teg_spec *spec = teg_array_spec(array);
	const char *text = args->value[OPT_BOX];
	struct why why;
	int code;

	*given_out = text != NULL;
	memset(box_out, 0, sizeof *box_out);
	if (!text)
		return EXIT_OK;
	code = box_read(text, spec->dimensions, spec->n_dimensions, box_out, &why);
	if (code == EXIT_USAGE)
		return usage_why(args, OPT_BOX, &why);
	return code == EXIT_OK ? code
	                       : fail_with(code, "%s (array %s)", why.text, teg_array_name(array));
}

/* The mode, from the options that exclude each other. */
static int read_mode(const struct args *args, teg_scan_mode *mode_out, int64_t *system_time_out,
                     uint64_t *version_out)
{
	int code = args_exclude(args, OPT_AS_OF, OPT_VERSION);

	if (code == EXIT_OK && args->value[OPT_AS_OF]) {
		*mode_out = TEG_SCAN_AS_OF;
		code = read_time(args, OPT_AS_OF, system_time_out);
	} else if (code == EXIT_OK && args->value[OPT_VERSION]) {
		*mode_out = TEG_SCAN_AS_OF_VERSION;
		code = read_count(args, OPT_VERSION, version_out);
	}
	return code;
}

int read_point_time(const struct args *args, teg_read_options *options_out)
{
	int code;

	*options_out = (teg_read_options){ .struct_size = sizeof *options_out };
	code = read_mode(args, &options_out->mode, &options_out->system_time,
	                 &options_out->version);
	options_out->has_valid_at = args->value[OPT_VALID_AT] != NULL;
	if (code == EXIT_OK && options_out->has_valid_at)
		code = read_time(args, OPT_VALID_AT, &options_out->valid_at);
	return code;
}

static int read_system_range(teg_scan_options *o, const struct args *args)
{
	static const enum opt_id others[] = { OPT_AS_OF, OPT_VERSION, OPT_ALL_VERSIONS };
	int code = EXIT_OK;
	struct why why;

	for (size_t i = 0; i < sizeof others / sizeof *others && code == EXIT_OK; i++)
		code = args_exclude(args, others[i], OPT_SYSTEM_RANGE);
	o->mode = TEG_SCAN_SYSTEM_RANGE;
	if (code == EXIT_OK &&
	    !when_read_range(args->value[OPT_SYSTEM_RANGE], &o->system_time, &o->system_end, &why))
		code = usage_why(args, OPT_SYSTEM_RANGE, &why);
	return code;
}

static int read_changes(teg_scan_options *o, const struct args *args)
{
	int code = EXIT_OK;

	if (!args->value[OPT_FROM_TIME])
		return usage(args, "tilectl diff needs --from TIME");
	o->mode = TEG_SCAN_CHANGES;
	o->system_end = INT64_MAX;
	o->times = args->value[OPT_TIMES] != NULL;
	code = read_time(args, OPT_FROM_TIME, &o->system_time);
	if (code == EXIT_OK && args->value[OPT_TO_TIME])
		code = read_time(args, OPT_TO_TIME, &o->system_end);
	if (code == EXIT_OK && o->system_time >= o->system_end)
		code = usage(args, "--to must lie after --from");
	return code;
}

static int read_system(struct scan_args *scan, const struct args *args)
{
	teg_scan_options *o = &scan->options;
	int code = args_exclude(args, OPT_AS_OF, OPT_ALL_VERSIONS);

	if (code == EXIT_OK)
		code = args_exclude(args, OPT_VERSION, OPT_ALL_VERSIONS);
	if (code == EXIT_OK)
		code = read_mode(args, &o->mode, &o->system_time, &o->version);
	if (args->value[OPT_ALL_VERSIONS])
		o->mode = TEG_SCAN_ALL_VERSIONS;
	if (code == EXIT_OK && args->value[OPT_SYSTEM_RANGE])
		code = read_system_range(o, args);
	o->times = args->value[OPT_TIMES] || o->mode == TEG_SCAN_ALL_VERSIONS;
	return code;
}

static int read_valid(struct scan_args *scan, const struct args *args)
{
	teg_scan_options *o = &scan->options;
	int code = args_exclude(args, OPT_VALID_AT, OPT_VALID_RANGE);
	struct why why;

	if (code != EXIT_OK)
		return code;
	if (args->value[OPT_VALID_AT]) {
		o->valid_mode = TEG_VALID_AT;
		return read_time(args, OPT_VALID_AT, &o->valid_at);
	}
	if (args->value[OPT_VALID_RANGE]) {
		o->valid_mode = TEG_VALID_RANGE;
		if (!when_read_range(args->value[OPT_VALID_RANGE], &o->valid_at, &o->valid_end,
		                     &why))
			return usage_why(args, OPT_VALID_RANGE, &why);
	}
	return EXIT_OK;
}

static int read_kinds(struct scan_args *scan, const struct args *args)
{
	static const char *const words[] = { "live", "tombstone", "erased" };
	struct word_names names = { NULL, 0 };
	struct why why;
	int code = EXIT_OK;

	if (!args->value[OPT_KINDS])
		return EXIT_OK;
	if (!word_read_names(args->value[OPT_KINDS], &names, &why))
		return usage_why(args, OPT_KINDS, &why);
	for (size_t i = 0; i < names.n && code == EXIT_OK; i++) {
		size_t k = 0;

		while (k < 3 && strcmp(words[k], names.at[i]) != 0)
			k++;
		if (k == 3)
			code = usage(args, "--kinds: '%.80s' is not live, tombstone or erased",
			             names.at[i]);
		scan->options.kinds |= 1u << k;
	}
	word_names_free(&names);
	return code;
}

static int read_columns(struct scan_args *scan, const struct args *args)
{
	struct why why;

	if (!args->value[OPT_COLUMNS])
		return EXIT_OK;
	if (!word_read_names(args->value[OPT_COLUMNS], &scan->columns, &why))
		return usage_why(args, OPT_COLUMNS, &why);
	scan->options.columns = (const char *const *)scan->columns.at;
	scan->options.n_columns = scan->columns.n;
	return EXIT_OK;
}

static void leave_out(void *ctx, const teg_error *damage)
{
	struct scan_args *scan = ctx;

	scan->n_damages++;
	(void)fail_call(damage);
}

int scan_args_loss(const struct scan_args *scan, int code)
{
	return code == EXIT_OK && scan->n_damages ? EXIT_LOSS : code;
}

static int read_all(struct scan_args *scan, const struct args *args, bool changes)
{
	int code;

	memset(scan, 0, sizeof *scan);
	scan->options.struct_size = sizeof scan->options;
	code = read_columns(scan, args);
	if (code == EXIT_OK)
		code = changes ? read_changes(&scan->options, args) : read_system(scan, args);
	if (code == EXIT_OK)
		code = read_valid(scan, args);
	if (code == EXIT_OK)
		code = read_kinds(scan, args);
	if (code == EXIT_OK && args->value[OPT_LIMIT])
		code = read_count(args, OPT_LIMIT, &scan->options.limit);
	scan->no_rows = args->value[OPT_LIMIT] && !scan->options.limit;
	if (code == EXIT_OK)
		code = read_predicate(args, &scan->predicate);
	scan->options.predicate = scan->predicate;
	if (args->value[OPT_SKIP_DAMAGED]) {
		scan->options.damaged = leave_out;
		scan->options.damaged_ctx = scan;
	}
	return code;
}

int scan_args_read(struct scan_args *scan, const struct args *args)
{
	return read_all(scan, args, false);
}

int scan_args_read_changes(struct scan_args *scan, const struct args *args)
{
	return read_all(scan, args, true);
}

static bool stop_at_box(void *ctx, const teg_tile_info *tile)
{
	bool *found = ctx;

	*found = !strcmp(tile->shape, "box");
	return !*found;
}

/* All versions are complete with the boxes alone; where there are none, nor are their columns. */
static int choose_boxes(struct scan_args *scan, teg_array *array)
{
	teg_scan_options *o = &scan->options;
	bool found = false;
	teg_error err;

	if (o->mode != TEG_SCAN_ALL_VERSIONS || o->kinds || o->predicate)
		return EXIT_OK;
	if (teg_walk_tiles(array, stop_at_box, &found, &err) != TEG_OK)
		return fail_call(&err);
	if (found)
		o->kinds = TEG_KIND_LIVE | TEG_KIND_TOMBSTONE | TEG_KIND_ERASED | TEG_KIND_BOX;
	return EXIT_OK;
}

int scan_args_bind(struct scan_args *scan, const struct args *args, teg_array *array)
{
	const char *text = args->value[OPT_BOX];
	struct why why;
	bool given;
	int code;

	if (text && slices_look(text)) {
		if (!slices_read(text, &scan->slices, &why))
			return usage_why(args, OPT_BOX, &why);
		scan->options.slices = scan->slices.at;
		scan->options.n_slices = scan->slices.n;
		return EXIT_OK;
	}
	code = read_box(args, array, &scan->box, &given);
	scan->options.box = given ? scan->box.range : NULL;
	return code == EXIT_OK ? choose_boxes(scan, array) : code;
}

void scan_args_release(struct scan_args *scan)
{
	word_names_free(&scan->columns);
	box_release(&scan->box);
	teg_predicate_free(scan->predicate);
}
