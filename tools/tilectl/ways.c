#include "tools/tilectl/ways.h"
#include <string.h>
#include "tools/tilectl/module.h"
#include "tools/tilectl/npy_read.h"
#include "tools/tilectl/npy_write.h"
#include "tools/tilectl/source.h"
#include "tools/tilectl/write_rows.h"

/* ---- in --------------------------------------------------------------------------------------- */

static int open_parquet(const struct part *part, struct ArrowArrayStream *stream_out)
{
	return module_open_parquet(part->path, stream_out);
}

static int open_arrow(const struct part *part, struct ArrowArrayStream *stream_out)
{
	return module_open_arrow(part->path, part->fd, stream_out);
}

/* ---- out -------------------------------------------------------------------------------------- */

static int open_stream(const struct way_out *out, struct ArrowArrayStream *stream_out)
{
	teg_scan *scan;
	teg_error err;

	stream_out->release = NULL;
	if (teg_scan_open(out->array, out->scan, &scan, &err) != TEG_OK ||
	    teg_scan_stream(scan, stream_out, &err) != TEG_OK)
		return fail_call(&err);
	return EXIT_OK;
}

static int write_parquet(const struct way_out *out)
{
	struct ArrowArrayStream stream;
	int code = open_stream(out, &stream);

	if (code != EXIT_OK)
		return code;
	return module_write_parquet(&stream, out->target->path, out->target->fd);
}

/* A pipe takes the form without a footer, which readers of pipes expect. */
static int write_arrow(const struct way_out *out)
{
	struct ArrowArrayStream stream;
	int code = open_stream(out, &stream);

	if (code != EXIT_OK)
		return code;
	return module_write_arrow(&stream, out->target->path, out->target->fd,
	                          out->target->temporary != NULL);
}

static int write_csv(const struct way_out *out)
{
	return write_rows(out, FORMAT_CSV);
}

static int write_ndjson(const struct way_out *out)
{
	return write_rows(out, FORMAT_NDJSON);
}

/* ---- the table -------------------------------------------------------------------------------- */

const struct way ways[] = {
	{ "parquet", ".parquet", "Apache Parquet", false, open_parquet, write_parquet },
	{ "arrow", ".arrow .feather .ipc .arrows", "Arrow IPC, files and streams", true, open_arrow,
	  write_arrow },
	{ "csv", ".csv .tsv", "text as of RFC 4180, with a heading", true, text_open_csv,
	  write_csv },
	{ "ndjson", ".ndjson .jsonl", "one JSON object a line", true, text_open_json,
	  write_ndjson },
	{ "npy", ".npy", "a NumPy array", true, npy_open_way, npy_write_way },
	{ "npz", ".npz", "NumPy arrays of one length, a column each", false, npz_open_way, NULL },
	{ NULL, NULL, NULL, false, NULL, NULL },
};

static bool ends_with(const char *path, const char *end, size_t end_len)
{
	size_t len = strlen(path);

	return len > end_len && !memcmp(path + len - end_len, end, end_len);
}

static bool has_ending(const struct way *way, const char *path)
{
	for (const char *at = way->endings; *at;) {
		size_t len = strcspn(at, " ");

		if (ends_with(path, at, len))
			return true;
		at += len + strspn(at + len, " ");
	}
	return false;
}

const struct way *way_by_name(const char *path)
{
	for (const struct way *way = ways; way->name; way++)
		if (has_ending(way, path))
			return way;
	return NULL;
}

int way_of(const struct args *args, const char *path, const struct way **way_out)
{
	*way_out = args->value[OPT_FILE_FORMAT] ? &ways[args_choice(args, OPT_FILE_FORMAT, 0)]
	                                        : way_by_name(path);
	if (*way_out)
		return EXIT_OK;
	return usage(args, "'%.200s' does not say of what kind it is: --file-format %s", path,
	             WAY_NAMES);
}

void ways_add_help(struct text *out)
{
	text_adds(out, "\nFiles\n");
	for (const struct way *way = ways; way->name; way++)
		text_addf(out, "  %-8s  %s%s (%s)\n", way->name, way->what,
		          way->write ? "" : ", import only", way->endings);
}
