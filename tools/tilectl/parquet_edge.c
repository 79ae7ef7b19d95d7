#include "tools/tilectl/parquet_edge.h"
#include <string.h>
#include "tools/tilectl/fail.h"
#ifdef TEG_WITH_PARQUET
#include "tools/parquet/parquet.h"
#endif

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), end_len = strlen(end);

	return len > end_len && !strcmp(path + len - end_len, end);
}

int parquet_check_name(const char *path)
{
	if (!strcmp(path, "-"))
		return fail_with(EXIT_USAGE, "'-' (stdin or stdout) is not built yet");
	if (!ends_with(path, ".parquet"))
		return fail_with(EXIT_USAGE,
		                 "files other than .parquet are not built yet (file %s)", path);
	if (!parquet_built())
		return fail_with(EXIT_FAILED, "this build has no Parquet module (file %s)", path);
	return EXIT_OK;
}

#ifdef TEG_WITH_PARQUET

bool parquet_built(void)
{
	return true;
}

static int say(int failed, const char *message)
{
	if (!failed)
		return EXIT_OK;
	return fail_with(failed == TEG_PARQUET_CORRUPT ? EXIT_DAMAGE : EXIT_FAILED, "%s", message);
}

int parquet_read(const char *path, struct ArrowArrayStream *stream_out)
{
	char message[512] = "";

	return say(teg_parquet_open(path, NULL, stream_out, message, sizeof message), message);
}

int parquet_write(struct ArrowArrayStream *stream, const char *path)
{
	char message[512] = "";

	return say(teg_parquet_write(stream, path, NULL, message, sizeof message), message);
}

#else

bool parquet_built(void)
{
	return false;
}

int parquet_read(const char *path, struct ArrowArrayStream *stream_out)
{
	stream_out->release = NULL;
	return parquet_check_name(path);
}

int parquet_write(struct ArrowArrayStream *stream, const char *path)
{
	if (stream->release)
		stream->release(stream);
	return parquet_check_name(path);
}

#endif
