/* tilectl compact and vacuum: fewer, larger segments; fewer files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/tilectl/box.h"
#include "tools/tilectl/number.h"
#include "tools/tilectl/opt.h"
#include "tools/tilectl/session.h"
#include "tools/tilectl/when.h"

/* A line on the terminal that is written over, at whole percents. */
static bool show_progress(void *ctx, uint64_t done, uint64_t total)
{
	int *shown = ctx, percent = total ? (int)((double)done * 100 / (double)total) : 100;

	if (percent != *shown)
		fprintf(stderr, "\r%3d %%", percent);
	*shown = percent;
	return true;
}

static int read_tiles(const struct args *args, teg_compact_options *options)
{
	static const teg_profile profiles[] = { TEG_FAST, TEG_BALANCED, TEG_SMALL };
	const char *cells = args->value[OPT_TILE_CELLS];
	uint64_t n = 0;

	if (cells && (!number_read_uint(cells, strlen(cells), UINT32_MAX, &n) || !n))
		return usage(args, "--tile-cells: '%.80s' is not a number of cells", cells);
	options->tile_cells = (uint32_t)n;
	options->has_profile = args->value[OPT_NEW_PROFILE] != NULL;
	options->profile = profiles[args_choice(args, OPT_NEW_PROFILE, 1)];
	return EXIT_OK;
}

struct extents {
	teg_extent *at;
	size_t n;
};

static int read_extent(void *ctx, const char *name, const char *at, size_t len, struct why *why)
{
	struct extents *extents = ctx;
	uint64_t extent;

	if (!number_read_uint(at, len, UINT64_MAX, &extent) || !extent) {
		refuse(why, "'%.*s' is not an extent", (int)(len < 80 ? len : 80), at);
		return EXIT_USAGE;
	}
	extents->at = need_more(extents->at, extents->n + 1, sizeof *extents->at);
	extents->at[extents->n].dimension = strcpy(need_memory(strlen(name) + 1, 1), name);
	extents->at[extents->n++].extent = extent;
	return EXIT_OK;
}

static void free_extents(struct extents *extents)
{
	for (size_t i = 0; i < extents->n; i++)
		free((void *)(uintptr_t)extents->at[i].dimension);
	free(extents->at);
}

static int read_extents(const struct args *args, struct extents *extents)
{
	const char *text = args->value[OPT_RECHUNK];
	struct why why;
	int code;

	if (text && !args->value[OPT_ARRAY])
		return usage(args, "--rechunk goes with --array");
	if (!text || box_each_item(text, read_extent, extents, &code, &why))
		return EXIT_OK;
	return usage(args, "--rechunk: %s", why.text);
}

static int run_compact(const struct args *args)
{
	static const struct report_column columns[] = {
		{ "version", true },   { "segments_in", true },  { "segments_out", true },
		{ "rows_in", true },   { "rows_out", true },     { "bytes_in", true },
		{ "bytes_out", true }, { "rows_expired", true }, { "rows_erased", true },
	};
	teg_compact_result result = { .struct_size = sizeof result };
	teg_compact_options options = { .struct_size = sizeof options,
		                        .array = args->value[OPT_ARRAY] };
	struct session session = { NULL, NULL, NULL };
	struct extents extents = { NULL, 0 };
	int shown = -1,
	    code = session_open_store(&session, args->operand[0], TEG_CREATE_NO, "tilectl");
	teg_error err;
	struct report r;

	if (code == EXIT_OK)
		code = read_tiles(args, &options);
	if (code == EXIT_OK)
		code = read_extents(args, &extents);
	options.extents = extents.at;
	options.n_extents = extents.n;
	if (isatty(STDERR_FILENO)) {
		options.progress = show_progress;
		options.progress_ctx = &shown;
	}
	if (code == EXIT_OK && teg_compact(session.store, &options, &result, &err) != TEG_OK)
		code = fail_call(&err);
	if (shown >= 0)
		fputs("\r     \r", stderr);
	if (code == EXIT_OK) {
		report_begin(&r, "compact", NULL, columns, sizeof columns / sizeof *columns,
		             args_format(args));
		report_u64(&r, result.version);
		report_u64(&r, result.segments_in);
		report_u64(&r, result.segments_out);
		report_u64(&r, result.rows_in);
		report_u64(&r, result.rows_out);
		report_u64(&r, result.bytes_in);
		report_u64(&r, result.bytes_out);
		report_u64(&r, result.rows_expired);
		report_u64(&r, result.rows_erased);
		report_end_row(&r);
		code = report_end(&r);
	}
	free_extents(&extents);
	session_close(&session);
	return code;
}

static int run_vacuum(const struct args *args)
{
	static const struct report_column columns[] = {
		{ "dry_run", false },          { "files_removed", true },
		{ "bytes_removed", true },     { "manifests_removed", true },
		{ "files_kept_pinned", true }, { "files_kept_young", true },
	};
	teg_vacuum_result result = { .struct_size = sizeof result };
	teg_vacuum_options options = { .struct_size = sizeof options };
	struct session session = { NULL, NULL, NULL };
	struct why why;
	teg_error err;
	struct report r;
	int code;

	options.dry_run = args->value[OPT_DRY_RUN] != NULL;
	options.has_grace = args->value[OPT_GRACE] != NULL;
	if (options.has_grace &&
	    !when_read_duration(args->value[OPT_GRACE], &options.grace_us, &why))
		return usage(args, "--grace: %s", why.text);
	code = session_open_store(&session, args->operand[0], TEG_CREATE_NO, "tilectl");
	if (code == EXIT_OK && teg_vacuum(session.store, &options, &result, &err) != TEG_OK)
		code = fail_call(&err);
	if (code == EXIT_OK) {
		report_begin(&r, "vacuum", NULL, columns, sizeof columns / sizeof *columns,
		             args_format(args));
		report_bool(&r, options.dry_run);
		report_u64(&r, result.files_removed);
		report_u64(&r, result.bytes_removed);
		report_u64(&r, result.manifests_removed);
		report_u64(&r, result.files_kept_pinned);
		report_u64(&r, result.files_kept_young);
		report_end_row(&r);
		code = report_end(&r);
	}
	session_close(&session);
	return code;
}

static const enum opt_id compact_opts[] = { OPT_ARRAY,       OPT_RECHUNK, OPT_TILE_CELLS,
	                                    OPT_NEW_PROFILE, OPT_FORMAT,  OPT_END };
static const enum opt_id vacuum_opts[] = { OPT_GRACE, OPT_DRY_RUN, OPT_FORMAT, OPT_END };

const struct command cmd_compact = {
	"compact",
	"STORE",
	"merge the segments of one array or all, without losing a fact",
	"--tile-cells, --profile and --rechunk give the array other tiles, which those to come have too;\n"
	"every version of every cell stays. --rechunk gives tiles of a sparse or dense array other extents\n"
	"along the dimensions named; transactions that began before it and write to the array fail.\n",
	compact_opts,
	false,
	run_compact
};
const struct command cmd_vacuum = { "vacuum",
	                            "STORE",
	                            "delete files that no version kept and no reader needs",
	                            "--grace 0 removes at once what would otherwise wait a day.\n",
	                            vacuum_opts,
	                            false,
	                            run_vacuum };
