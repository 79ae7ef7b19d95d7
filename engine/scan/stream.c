/* A scan as an Arrow stream. */
#include "engine/scan/scan.h"
#include <errno.h>

static int stream_status(struct teg_scan *scan, teg_status status)
{
	switch (status) {
	case TEG_OK: return 0;
	case TEG_NOMEM: return ENOMEM;
	case TEG_MISUSE: return EINVAL;
	default: return scan->stream_error.os_errno ? scan->stream_error.os_errno : EIO;
	}
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct teg_scan *scan = stream->private_data;

	return stream_status(scan, teg_scan_schema(scan, out, &scan->stream_error));
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct teg_scan *scan = stream->private_data;
	teg_status status = teg_scan_next(scan, out, &scan->stream_error);

	if (status == TEG_END) {
		out->release = NULL;
		return 0;
	}
	return stream_status(scan, status);
}

static const char *stream_last_error(struct ArrowArrayStream *stream)
{
	struct teg_scan *scan = stream->private_data;

	return scan->stream_error.message[0] ? scan->stream_error.message : NULL;
}

static void stream_release(struct ArrowArrayStream *stream)
{
	teg_scan_close(stream->private_data);
	stream->private_data = NULL;
	stream->release = NULL;
}

teg_status teg_scan_stream(teg_scan *scan, struct ArrowArrayStream *stream_out, teg_error *err)
{
	if (!scan || !stream_out)
		return teg_fail(err, TEG_MISUSE,
		                "teg_scan_stream needs a scan and a place for the stream");
	*stream_out = (struct ArrowArrayStream){ .get_schema = stream_schema,
		                                 .get_next = stream_next,
		                                 .get_last_error = stream_last_error,
		                                 .release = stream_release,
		                                 .private_data = scan };
	return TEG_OK;
}
