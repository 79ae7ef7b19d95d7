/* parquet_copy IN OUT [NAME=VALUE]... : teg_parquet_open into teg_parquet_write, for the tests.
 *
 * Names: batch_rows batch_bytes group_rows group_bytes compression level, sorted_by (a column, may
 * be given several times), and fail_after, which makes the stream fail after that many batches.
 * Prints {"batches", "most_rows", "rows", "peak_kib", "code"} as JSON; messages go to stderr. The
 * exit status is the code of parquet.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tegula.h"
#include "tools/parquet/parquet.h"

/* A stream that counts what passes through it and may fail on the way. */
struct meter {
	struct ArrowArrayStream inner;
	long batches, most_rows, rows, fail_after;
};

static int meter_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct meter *meter = stream->private_data;

	return meter->inner.get_schema(&meter->inner, out);
}

static int meter_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct meter *meter = stream->private_data;
	int failed;

	if (meter->fail_after >= 0 && meter->batches >= meter->fail_after)
		return EIO;
	failed = meter->inner.get_next(&meter->inner, out);
	if (failed || !out->release)
		return failed;
	meter->batches++;
	meter->rows += (long)out->length;
	if (out->length > meter->most_rows)
		meter->most_rows = (long)out->length;
	return 0;
}

static const char *meter_error(struct ArrowArrayStream *stream)
{
	struct meter *meter = stream->private_data;

	if (meter->fail_after >= 0 && meter->batches >= meter->fail_after)
		return "failed as it was told to";
	return meter->inner.get_last_error(&meter->inner);
}

static void meter_release(struct ArrowArrayStream *stream)
{
	struct meter *meter = stream->private_data;

	if (meter->inner.release)
		meter->inner.release(&meter->inner);
	stream->release = NULL;
}

struct arguments {
	struct teg_parquet_read_options read;
	struct teg_parquet_write_options write;
	const char *sorted_by[8];
	long fail_after;
};

static bool take_number(struct arguments *to, const char *name, long value)
{
	if (!strcmp(name, "batch_rows"))
		to->read.batch_rows = value;
	else if (!strcmp(name, "batch_bytes"))
		to->read.batch_bytes = value;
	else if (!strcmp(name, "group_rows"))
		to->write.row_group_rows = value;
	else if (!strcmp(name, "group_bytes"))
		to->write.row_group_bytes = value;
	else if (!strcmp(name, "level"))
		to->write.compression_level = (int)value;
	else if (!strcmp(name, "fail_after"))
		to->fail_after = value;
	else
		return false;
	return true;
}

static bool take_argument(struct arguments *to, char *argument)
{
	char *value = strchr(argument, '=');

	if (!value)
		return false;
	*value++ = '\0';
	if (!strcmp(argument, "compression")) {
		to->write.compression = value;
		return true;
	}
	if (!strcmp(argument, "sorted_by")) {
		if (to->write.n_sorted_by == sizeof to->sorted_by / sizeof *to->sorted_by)
			return false;
		to->sorted_by[to->write.n_sorted_by++] = value;
		return true;
	}
	return take_number(to, argument, atol(value));
}

static int copy(const char *from, const char *to, const struct arguments *with, struct meter *meter,
                char *message, size_t message_len)
{
	struct ArrowArrayStream stream = { meter_schema, meter_next, meter_error, meter_release,
		                           meter };
	int code = teg_parquet_open(from, &with->read, &meter->inner, message, message_len);

	if (code)
		return code;
	meter->fail_after = with->fail_after;
	code = teg_parquet_write(&stream, to, &with->write, message, message_len);
	if (meter->inner.release) {
		fputs("the stream was not released\n", stderr);
		return 99;
	}
	return code;
}

/* The most memory this program has had: getrusage would count its parent's before exec. */
static long peak_kib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (status && fgets(line, sizeof line, status))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (status)
		fclose(status);
	return kib;
}

int main(int argc, char **argv)
{
	struct arguments with = { .read.struct_size = sizeof with.read,
		                  .write.struct_size = sizeof with.write,
		                  .fail_after = -1 };
	struct meter meter = { 0 };
	char message[512] = "";
	int code;

	with.write.sorted_by = with.sorted_by;
	for (int i = 3; i < argc; i++) {
		if (!take_argument(&with, argv[i])) {
			fprintf(stderr, "bad argument: %s\n", argv[i]);
			return 98;
		}
	}
	if (argc < 3)
		return 98;
	code = copy(argv[1], argv[2], &with, &meter, message, sizeof message);
	printf("{\"batches\": %ld, \"most_rows\": %ld, \"rows\": %ld, \"peak_kib\": %ld, \"code\": %d}\n",
	       meter.batches, meter.most_rows, meter.rows, peak_kib(), code);
	if (code)
		fprintf(stderr, "%s\n", message);
	return code;
}
