/* tilectl segments: what an array is stored in. */
#include <inttypes.h>
#include "engine/tegula_unstable.h"
#include "tools/tilectl/facts.h"

static const struct report_column columns[] = {
	{ "array", false },
	{ "segment", true },
	{ "object", false },
	{ "offset", true },
	{ "bytes", true },
	{ "checksum", false },
	{ "first_version", true },
	{ "last_version", true },
	{ "inlined", false },
	{ "compacted", false },
	{ "history", false },
	{ "system_from_min", false },
	{ "system_from_max", false },
	{ "tiles", true },
	{ "rows", true },
	{ "live", true },
	{ "tombstones", true },
	{ "erased", true },
};

struct walk {
	struct report *report;
	const char *array;
};

static bool print_segment(void *ctx, const teg_segment_info *s)
{
	const struct walk *walk = ctx;
	struct report *r = walk->report;
	struct text checksum = { NULL, 0, 0 };

	text_addf(&checksum, "%016" PRIx64, s->checksum);
	report_string(r, walk->array);
	report_u64(r, s->number);
	report_string(r, s->object);
	report_u64(r, s->offset);
	report_u64(r, s->length);
	report_string(r, text_string(&checksum));
	report_u64(r, s->first_version);
	report_u64(r, s->last_version);
	report_bool(r, s->inlined);
	report_bool(r, s->compacted);
	report_bool(r, s->history);
	report_time(r, s->system_from_min);
	report_time(r, s->system_from_max);
	report_u64(r, s->n_tiles);
	report_u64(r, s->n_rows);
	report_u64(r, s->n_live);
	report_u64(r, s->n_tombstones);
	report_u64(r, s->n_erased);
	report_end_row(r);
	text_free(&checksum);
	return true;
}

static int print_array(void *ctx, teg_array *array)
{
	struct walk walk = { ctx, teg_array_name(array) };
	teg_error err;

	if (teg_walk_segments(array, print_segment, &walk, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

static int run(const struct args *args)
{
	return run_per_array(args, "segments", columns, sizeof columns / sizeof *columns,
	                     print_array);
}

static const enum opt_id opts[] = { OPT_ARRAY, OPT_FORMAT, OPT_END };

const struct command cmd_segments = { "segments", "STORE", "list the segments of arrays",
	                              NULL,       opts,    false,
	                              run };
