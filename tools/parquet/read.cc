/* A Parquet file as a stream of Arrow batches: row group by row group, page by page. */
#include "tools/parquet/parquet.h"
#include "tools/parquet/pool.h"
#include "tools/parquet/shape.h"
#include "tools/parquet/status.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include <arrow/c/bridge.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/size_statistics.h>

namespace teg
{

constexpr int64_t DEFAULT_BATCH_ROWS = 65536;
constexpr int64_t DEFAULT_BATCH_BYTES = 2 << 20;
constexpr int64_t PAGE_BUFFER = 64 << 10; /* of compressed bytes, one per column */

/* Bytes of a column chunk as Arrow holds it. Dictionaries hide how long text becomes, so the size
 * statistics are asked first; without them the stored size is the best there is. */
static int64_t decoded_bytes(const parquet::ColumnChunkMetaData &chunk, int type_length)
{
	std::shared_ptr<parquet::SizeStatistics> sizes = chunk.size_statistics();
	int64_t values = chunk.num_values();

	switch (chunk.type()) {
	case parquet::Type::BOOLEAN: return values / 8;
	case parquet::Type::INT32:
	case parquet::Type::FLOAT: return values * 4;
	case parquet::Type::INT64:
	case parquet::Type::DOUBLE:
	case parquet::Type::INT96: return values * 8;
	case parquet::Type::FIXED_LEN_BYTE_ARRAY: return values * std::max(type_length, 1);
	default:
		if (sizes && sizes->unencoded_byte_array_data_bytes)
			return values * 4 + *sizes->unencoded_byte_array_data_bytes;
		return std::max(values * 4, chunk.total_uncompressed_size());
	}
}

static int64_t decoded_bytes(const parquet::RowGroupMetaData &group)
{
	int64_t bytes = 0;

	for (int i = 0; i < group.num_columns(); i++)
		bytes += decoded_bytes(*group.ColumnChunk(i),
		                       group.schema()->Column(i)->type_length());
	return bytes;
}

/* Reads one row group at a time, in batches short enough for the width of its rows. */
class group_stream : public arrow::RecordBatchReader
{
      public:
	group_stream(std::unique_ptr<parquet::arrow::FileReader> file,
	             std::shared_ptr<arrow::Schema> schema, teg_parquet_read_options options)
		: file_(std::move(file)), schema_(std::move(schema)), options_(options)
	{
		for (const auto &field : schema_->fields())
			least_row_bytes_ += least_bytes(*field->type());
	}

	std::shared_ptr<arrow::Schema> schema() const override
	{
		return schema_;
	}

	arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch> *batch_out) override
	{
		try {
			return next(batch_out);
		} catch (const std::bad_alloc &) {
			return arrow::Status::OutOfMemory("out of memory");
		} catch (const std::exception &thrown) {
			return arrow::Status::IOError(thrown.what());
		}
	}

      private:
	arrow::Status next(std::shared_ptr<arrow::RecordBatch> *batch_out)
	{
		batch_out->reset();
		for (;;) {
			if (group_)
				ARROW_RETURN_NOT_OK(group_->ReadNext(batch_out));
			if (*batch_out)
				return restore(batch_out);
			group_.reset();
			if (next_group_ == file_->num_row_groups())
				return arrow::Status::OK();
			ARROW_RETURN_NOT_OK(open_group(next_group_++));
		}
	}

	arrow::Status open_group(int i)
	{
		auto metadata = file_->parquet_reader()->metadata()->RowGroup(i);
		int64_t rows = std::max<int64_t>(metadata->num_rows(), 1);
		int64_t row_bytes = std::max(decoded_bytes(*metadata) / rows, least_row_bytes_);
		int64_t fit = std::max<int64_t>(options_.batch_bytes / row_bytes, 1);

		file_->set_batch_size(std::min(fit, options_.batch_rows));
		return file_->GetRecordBatchReader({ i }).Value(&group_);
	}

	/* Gives a batch the stream's schema: its metadata, and what its columns were. */
	arrow::Status restore(std::shared_ptr<arrow::RecordBatch> *batch)
	{
		arrow::ArrayVector columns = (*batch)->columns();

		for (size_t i = 0; i < columns.size(); i++) {
			const auto &type = schema_->field(static_cast<int>(i))->type();

			ARROW_ASSIGN_OR_RAISE(columns[i], teg::restore(columns[i], type));
		}
		*batch =
			arrow::RecordBatch::Make(schema_, (*batch)->num_rows(), std::move(columns));
		return arrow::Status::OK();
	}

	std::unique_ptr<parquet::arrow::FileReader> file_;
	std::shared_ptr<arrow::Schema> schema_;
	teg_parquet_read_options options_;
	std::unique_ptr<arrow::RecordBatchReader> group_; /* of file_: goes first */
	int next_group_ = 0;
	int64_t least_row_bytes_ = 1;
};

static parquet::ReaderProperties reader_properties()
{
	parquet::ReaderProperties properties(pool());

	properties.enable_buffered_stream();
	properties.set_buffer_size(PAGE_BUFFER);
	properties.set_page_checksum_verification(true);
	return properties;
}

/* libparquet cannot read fixed-size lists that are null: it is told that they are lists. It makes its
 * plan from the pairs of the footer, so the plan is made again from other pairs. */
static arrow::Status read_as_lists(parquet::arrow::FileReader *reader,
                                   const parquet::ArrowReaderProperties &properties,
                                   const std::shared_ptr<arrow::Schema> &stored)
{
	ARROW_ASSIGN_OR_RAISE(auto pairs, readable_schema(stored));
	auto &plan = const_cast<parquet::arrow::SchemaManifest &>(reader->manifest());
	parquet::arrow::SchemaManifest lists;

	if (!pairs)
		return arrow::Status::OK();
	ARROW_RETURN_NOT_OK(
		parquet::arrow::SchemaManifest::Make(plan.descr, pairs, properties, &lists));
	plan = std::move(lists);
	return arrow::Status::OK();
}

static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> open_reader(
	int fd, const teg_parquet_read_options &options)
{
	ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(fd, pool()));
	auto raw = parquet::ParquetFileReader::Open(file, reader_properties());
	parquet::ArrowReaderProperties properties(/*use_threads=*/false);
	std::shared_ptr<arrow::Schema> schema;

	properties.set_pre_buffer(false);
	auto stored = stored_schema(raw->metadata()->key_value_metadata().get());
	ARROW_ASSIGN_OR_RAISE(auto reader,
	                      parquet::arrow::FileReader::Make(pool(), std::move(raw), properties));
	ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
	ARROW_RETURN_NOT_OK(read_as_lists(reader.get(), properties, stored));
	return std::make_shared<group_stream>(std::move(reader), restored_schema(schema, stored),
	                                      options);
}

/* Opens for reading what is a plain file; the descriptor goes to libarrow. */
static outcome open_plain(const char *path, int *fd_out)
{
	struct stat facts;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return refuse_errno(errno, "cannot open");
	if (fstat(fd, &facts) || !S_ISREG(facts.st_mode)) {
		close(fd);
		return refuse(TEG_PARQUET_MISUSE, "is not a plain file");
	}
	*fd_out = fd;
	return {};
}

static outcome open_stream(const char *path, const teg_parquet_read_options *given,
                           struct ArrowArrayStream *stream_out)
{
	teg_parquet_read_options options = options_of(given);
	int fd = -1;

	if (!path || options.batch_rows < 0 || options.batch_bytes < 0)
		return refuse(TEG_PARQUET_MISUSE, "bad argument");
	if (!options.batch_rows)
		options.batch_rows = DEFAULT_BATCH_ROWS;
	if (!options.batch_bytes)
		options.batch_bytes = DEFAULT_BATCH_BYTES;
	outcome opened = open_plain(path, &fd);
	if (opened.code != TEG_PARQUET_OK)
		return opened;
	auto reader = open_reader(fd, options);
	if (!reader.ok())
		return from_arrow(reader.status(), TEG_PARQUET_CORRUPT);
	return from_arrow(arrow::ExportRecordBatchReader(*reader, stream_out), TEG_PARQUET_CORRUPT);
}

} /* namespace teg */

extern "C" int teg_parquet_open(const char *path, const struct teg_parquet_read_options *options,
                                struct ArrowArrayStream *stream_out, char *message,
                                size_t message_len)
{
	if (stream_out)
		stream_out->release = nullptr;
	return teg::answer(path, message, message_len, [&] {
		if (!stream_out)
			return teg::refuse(TEG_PARQUET_MISUSE, "no stream to open into");
		return teg::open_stream(path, options, stream_out);
	});
}
