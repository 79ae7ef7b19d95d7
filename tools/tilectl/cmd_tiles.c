/* tilectl tiles: the units of encoding, with their boxes and times. */
#include "engine/tegula_unstable.h"
#include "tools/tilectl/facts.h"

static const struct report_column columns[] = {
	{ "array", false },
	{ "segment", true },
	{ "tile", true },
	{ "shape", false },
	{ "offset", true },
	{ "bytes", true },
	{ "rows", true },
	{ "live", true },
	{ "tombstones", true },
	{ "erased", true },
	{ "system_from_min", false },
	{ "system_from_max", false },
	{ "superseded_at_max", false },
	{ "valid_from_min", false },
	{ "valid_until_max", false },
	{ "open", true },
	{ "inexact", true },
	{ "box", false },
	{ "box_exact", false },
};

struct walk {
	struct report *report;
	teg_array *array;
};

static bool print_tile(void *ctx, const teg_tile_info *t)
{
	const struct walk *walk = ctx;
	struct report *r = walk->report;

	report_string(r, teg_array_name(walk->array));
	report_u64(r, t->segment);
	report_u64(r, t->number);
	report_string(r, t->shape);
	report_u64(r, t->offset);
	report_u64(r, t->length);
	report_u64(r, t->n_rows);
	report_u64(r, t->n_live);
	report_u64(r, t->n_tombstones);
	report_u64(r, t->n_erased);
	report_time(r, t->system_from_min);
	report_time(r, t->system_from_max);
	report_time(r, t->superseded_at_max);
	report_time(r, t->valid_from_min);
	report_time(r, t->valid_until_max);
	report_u64(r, t->n_open);
	report_u64(r, t->n_inexact);
	report_box(r, teg_array_spec(walk->array), t->box, t->n_dimensions);
	report_bool(r, t->box_exact);
	report_end_row(r);
	return true;
}

static int print_array(void *ctx, teg_array *array)
{
	struct walk walk = { ctx, array };
	teg_error err;

	if (teg_walk_tiles(array, print_tile, &walk, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

static int run(const struct args *args)
{
	return run_per_array(args, "tiles", columns, sizeof columns / sizeof *columns, print_array);
}

static const enum opt_id opts[] = { OPT_ARRAY, OPT_FORMAT, OPT_END };

const struct command cmd_tiles = { "tiles", "STORE", "list the tiles of arrays with their boxes",
	                           NULL,    opts,    false,
	                           run };
