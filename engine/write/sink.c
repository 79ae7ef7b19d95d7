#include "engine/write/tiler.h"

#define GATHER_LEN (256u << 10) /* bytes: smaller writes to a file are gathered up to this */

void sink_init(struct segment_sink *sink, struct os *os, const char *path, size_t spill_len,
               const teg_allocator *alloc)
{
	*sink = (struct segment_sink){ .os = os, .spill_len = spill_len };
	strncpy(sink->path, path, sizeof sink->path - 1);
	buf_init(&sink->bytes, alloc, BUF_NO_LIMIT);
}

void sink_release(struct segment_sink *sink)
{
	if (sink->file) {
		os_close(sink->os, sink->file);
		(void)os_unlink(sink->os, sink->path, NULL);
		sink->file = NULL;
	}
	buf_release(&sink->bytes);
}

static teg_status flush(struct segment_sink *sink, teg_error *err)
{
	TEG_TRY(os_write(sink->os, sink->file, sink->path, buf_span(&sink->bytes), err));
	buf_clear(&sink->bytes);
	return TEG_OK;
}

teg_status sink_write(struct segment_sink *sink, struct span bytes, teg_error *err)
{
	bool in_file = sink->len + bytes.len > sink->spill_len || !sink->spill_len;

	if (in_file && !sink->file)
		TEG_TRY(os_create(sink->os, sink->path, &sink->file, err));
	if (in_file && sink->bytes.len + bytes.len > GATHER_LEN)
		TEG_TRY(flush(sink, err));
	if (in_file && bytes.len >= GATHER_LEN)
		TEG_TRY(os_write(sink->os, sink->file, sink->path, bytes, err));
	else
		buf_append_span(&sink->bytes, bytes);
	if (buf_status(&sink->bytes) != TEG_OK)
		return teg_fail(err, buf_status(&sink->bytes), "no memory for a segment's bytes");
	sink->len += bytes.len;
	return TEG_OK;
}

teg_status sink_finish(struct segment_sink *sink, teg_error *err)
{
	struct os_file *file = sink->file;
	teg_status status;

	if (!file)
		return TEG_OK;
	TEG_TRY(flush(sink, err));
	TEG_TRY(os_sync(sink->os, file, sink->path, err));
	sink->file = NULL;
	status = os_close_written(sink->os, file, sink->path, err);
	if (status != TEG_OK)
		(void)os_unlink(sink->os, sink->path, NULL);
	return status;
}
