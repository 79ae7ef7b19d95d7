#include "tools/tilectl/module.h"
#include "tools/tilectl/fail.h"

int module_need(const char *path)
{
	if (module_built())
		return EXIT_OK;
	return fail_with(EXIT_FAILED, "this build has no Parquet module (file %s)", path);
}

#ifdef TEG_WITH_PARQUET
#include "tools/parquet/formats.h"

#define MESSAGE_LEN 512

bool module_built(void)
{
	return true;
}

static int say(int failed, const char *message)
{
	return failed ? fail_with(EXIT_FAILED, "%s", message) : EXIT_OK;
}

int module_open_parquet(const char *path, struct ArrowArrayStream *stream_out)
{
	char message[MESSAGE_LEN] = "";

	return say(teg_parquet_open(path, NULL, stream_out, message, sizeof message), message);
}

int module_open_arrow(const char *path, int fd, struct ArrowArrayStream *stream_out)
{
	char message[MESSAGE_LEN] = "";

	return say(teg_ipc_open(path, fd, stream_out, message, sizeof message), message);
}

static struct teg_text_options options_of(const struct text_reading *reading)
{
	return (struct teg_text_options){ .struct_size = sizeof(struct teg_text_options),
		                          .columns = reading->columns,
		                          .types = reading->types,
		                          .n_columns = reading->n_columns,
		                          .nulls = reading->nulls,
		                          .n_nulls = reading->n_nulls,
		                          .delimiter = reading->delimiter };
}

int module_open_csv(const char *path, int fd, const struct text_reading *reading,
                    struct ArrowArrayStream *stream_out)
{
	struct teg_text_options options = options_of(reading);
	char message[MESSAGE_LEN] = "";

	return say(teg_csv_open(path, fd, &options, stream_out, message, sizeof message), message);
}

int module_open_json(const char *path, int fd, const struct text_reading *reading,
                     struct ArrowArrayStream *stream_out)
{
	struct teg_text_options options = options_of(reading);
	char message[MESSAGE_LEN] = "";

	return say(teg_json_open(path, fd, &options, stream_out, message, sizeof message), message);
}

int module_write_parquet(struct ArrowArrayStream *stream, const char *path, int fd)
{
	struct teg_parquet_write_options options = { .struct_size = sizeof options,
		                                     .to_fd = true,
		                                     .fd = fd };
	char message[MESSAGE_LEN] = "";

	return say(teg_parquet_write(stream, path, &options, message, sizeof message), message);
}

int module_write_arrow(struct ArrowArrayStream *stream, const char *path, int fd, bool file)
{
	char message[MESSAGE_LEN] = "";

	return say(teg_ipc_write(stream, path, fd, file, message, sizeof message), message);
}

struct teg_inflater *module_inflater_new(void)
{
	return teg_inflater_new();
}

void module_inflater_free(struct teg_inflater *inflater)
{
	teg_inflater_free(inflater);
}

bool module_inflate(struct teg_inflater *inflater, const uint8_t **in, size_t *in_len,
                    uint8_t **out, size_t *out_len, bool *end_out)
{
	return teg_inflater_run(inflater, in, in_len, out, out_len, end_out);
}

#else

bool module_built(void)
{
	return false;
}

int module_open_parquet(const char *path, struct ArrowArrayStream *stream_out)
{
	stream_out->release = NULL;
	return module_need(path);
}

int module_open_arrow(const char *path, int fd, struct ArrowArrayStream *stream_out)
{
	(void)fd;
	return module_open_parquet(path, stream_out);
}

int module_open_csv(const char *path, int fd, const struct text_reading *reading,
                    struct ArrowArrayStream *stream_out)
{
	(void)reading;
	return module_open_arrow(path, fd, stream_out);
}

int module_open_json(const char *path, int fd, const struct text_reading *reading,
                     struct ArrowArrayStream *stream_out)
{
	(void)reading;
	return module_open_arrow(path, fd, stream_out);
}

int module_write_parquet(struct ArrowArrayStream *stream, const char *path, int fd)
{
	(void)fd;
	if (stream->release)
		stream->release(stream);
	return module_need(path);
}

int module_write_arrow(struct ArrowArrayStream *stream, const char *path, int fd, bool file)
{
	(void)file;
	return module_write_parquet(stream, path, fd);
}

struct teg_inflater *module_inflater_new(void)
{
	return NULL;
}

void module_inflater_free(struct teg_inflater *inflater)
{
	(void)inflater;
}

bool module_inflate(struct teg_inflater *inflater, const uint8_t **in, size_t *in_len,
                    uint8_t **out, size_t *out_len, bool *end_out)
{
	(void)inflater, (void)in, (void)in_len, (void)out, (void)out_len, (void)end_out;
	return false;
}

#endif
