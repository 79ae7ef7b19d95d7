/* Arrow IPC: files with a footer (Feather version 2 is the same) and streams. */
#include "tools/parquet/formats.h"
#include "tools/parquet/input.h"
#include "tools/parquet/output.h"

#include <unistd.h>

#include <arrow/c/bridge.h>
#include <arrow/io/file.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

namespace teg
{

static const std::string FILE_MAGIC = "ARROW1";
constexpr size_t FILE_HEAD = 8; /* the magic, padded */

/* The batches of a file in order, each found through the footer. */
class file_reader : public arrow::RecordBatchReader
{
      public:
	explicit file_reader(std::shared_ptr<arrow::ipc::RecordBatchFileReader> file)
		: file_(std::move(file))
	{
	}

	std::shared_ptr<arrow::Schema> schema() const override
	{
		return file_->schema();
	}

	arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch> *batch_out) override
	{
		batch_out->reset();
		if (next_ == file_->num_record_batches())
			return arrow::Status::OK();
		return file_->ReadRecordBatch(next_++).Value(batch_out);
	}

      private:
	std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
	int next_ = 0;
};

/* A file that comes through a pipe is a stream behind its first bytes. */
static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> open_reader(
	const std::shared_ptr<input> &bytes, const arrow::ipc::IpcReadOptions &options)
{
	ARROW_ASSIGN_OR_RAISE(std::string head, bytes->look(FILE_HEAD));
	bool is_file = head.compare(0, FILE_MAGIC.size(), FILE_MAGIC) == 0;

	if (head.compare(0, 4, "FEA1") == 0)
		return arrow::Status::NotImplemented("is of the old version 1 of Feather");
	if (is_file && lseek(bytes->fd(), 0, SEEK_SET) == 0) {
		int fd = dup(bytes->fd());

		if (fd < 0)
			return arrow::Status::IOError("cannot open a second time");
		ARROW_ASSIGN_OR_RAISE(auto file,
		                      arrow::io::ReadableFile::Open(fd, options.memory_pool));
		ARROW_ASSIGN_OR_RAISE(auto reader,
		                      arrow::ipc::RecordBatchFileReader::Open(file, options));
		return std::make_shared<file_reader>(std::move(reader));
	}
	if (is_file)
		ARROW_RETURN_NOT_OK(bytes->Advance(FILE_HEAD));
	return arrow::ipc::RecordBatchStreamReader::Open(
		std::static_pointer_cast<arrow::io::InputStream>(bytes), options);
}

static outcome open_ipc(const char *path, int fd, struct ArrowArrayStream *stream_out)
{
	auto options = arrow::ipc::IpcReadOptions::Defaults();
	std::shared_ptr<input> bytes;
	outcome opened = input::open(path, fd, &bytes);

	if (opened.code != TEG_PARQUET_OK)
		return opened;
	options.memory_pool = budget_for(bytes->fd());
	options.use_threads = false;
	auto reader = open_reader(bytes, options);
	if (!reader.ok())
		return from_arrow(reader.status(), TEG_PARQUET_CORRUPT);
	return from_arrow(export_checked(*reader, stream_out), TEG_PARQUET_CORRUPT);
}

static outcome copy(arrow::RecordBatchReader *source, arrow::ipc::RecordBatchWriter *to)
{
	std::shared_ptr<arrow::RecordBatch> batch;

	for (;;) {
		batch.reset();
		arrow::Status status = source->ReadNext(&batch);

		if (!status.ok())
			return refuse(TEG_PARQUET_STREAM, status.message());
		if (!batch)
			return from_arrow(to->Close(), TEG_PARQUET_IO);
		status = to->WriteRecordBatch(*batch);
		if (!status.ok())
			return from_arrow(status, TEG_PARQUET_UNSUPPORTED);
	}
}

static outcome write_ipc(struct ArrowArrayStream *stream, int fd, bool file)
{
	auto source = arrow::ImportRecordBatchReader(stream);
	auto options = arrow::ipc::IpcWriteOptions::Defaults();

	if (!source.ok())
		return refuse(TEG_PARQUET_STREAM, source.status().message());
	output sink(fd);
	options.use_threads = false;
	auto schema = (*source)->schema();
	auto writer = file ? arrow::ipc::MakeFileWriter(&sink, schema, options)
	                   : arrow::ipc::MakeStreamWriter(&sink, schema, options);
	if (!writer.ok())
		return from_arrow(writer.status(), TEG_PARQUET_UNSUPPORTED);
	return copy(source->get(), writer->get());
}

} /* namespace teg */

extern "C" int teg_ipc_open(const char *path, int fd, struct ArrowArrayStream *stream_out,
                            char *message, size_t message_len)
{
	stream_out->release = nullptr;
	return teg::answer(path, message, message_len,
	                   [&] { return teg::open_ipc(path, fd, stream_out); });
}

extern "C" int teg_ipc_write(struct ArrowArrayStream *stream, const char *path, int fd, bool file,
                             char *message, size_t message_len)
{
	int code = teg::answer(path, message, message_len,
	                       [&] { return teg::write_ipc(stream, fd, file); });

	if (stream->release)
		stream->release(stream);
	return code;
}
