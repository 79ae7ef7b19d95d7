/* A stream of Arrow batches as a Parquet file: row groups bounded in rows and in bytes, written to
 * a temporary file that takes its name when it is complete and synced. */
#include "tools/parquet/output.h"
#include "tools/parquet/parquet.h"
#include "tools/parquet/pool.h"
#include "tools/parquet/shape.h"
#include "tools/parquet/status.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

namespace teg
{

constexpr int64_t DEFAULT_GROUP_ROWS = 1 << 20;
constexpr int64_t DEFAULT_GROUP_BYTES = 32 << 20;
constexpr int64_t PIECE_BYTES = 4 << 20;
constexpr int64_t DICTIONARY_BYTES = 256 << 10, DICTIONARIES_BYTES = 1 << 20;
constexpr int64_t PAGE_BYTES = 256
                               << 10; /* smaller than the default: the page index prunes by it */

/* The file under its temporary name; gone with this object unless publish() succeeded. */
class temporary
{
      public:
	explicit temporary(const char *path) : path_(path)
	{
	}
	temporary(const temporary &) = delete;
	temporary &operator=(const temporary &) = delete;
	~temporary()
	{
		if (fd_ >= 0)
			close(fd_);
		if (!name_.empty())
			unlink(name_.c_str());
	}

	outcome create()
	{
		struct stat facts;

		if (!stat(path_.c_str(), &facts) && !S_ISREG(facts.st_mode))
			return refuse(TEG_PARQUET_MISUSE, "exists and is not a plain file");
		for (unsigned i = 0; fd_ < 0; i++) {
			std::string name = path_ + ".part-" + std::to_string(getpid()) + "-" +
			                   std::to_string(i);

			fd_ = open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
			if (fd_ < 0 && errno != EEXIST)
				return refuse_errno(errno, "cannot create a file beside it");
			if (fd_ >= 0)
				name_ = name;
		}
		return {};
	}

	int fd() const
	{
		return fd_;
	}

	outcome publish()
	{
		if (fsync(fd_))
			return refuse_errno(errno, "cannot sync");
		if (rename(name_.c_str(), path_.c_str()))
			return refuse_errno(errno, "cannot rename into place");
		name_.clear();
		return sync_directory();
	}

      private:
	outcome sync_directory() const
	{
		size_t slash = path_.rfind('/');
		std::string dir = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
		int fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int failed = fd < 0 || fsync(fd) ? errno : 0;

		if (fd >= 0)
			close(fd);
		/* Some file systems cannot sync a directory and say so. */
		if (failed && failed != EINVAL && failed != ENOTSUP)
			return refuse_errno(failed, "cannot sync the directory");
		return {};
	}

	std::string path_, name_;
	int fd_ = -1;
};

static const struct {
	const char *name;
	arrow::Compression::type codec;
} codecs[] = {
	{ "zstd", arrow::Compression::ZSTD },     { "snappy", arrow::Compression::SNAPPY },
	{ "gzip", arrow::Compression::GZIP },     { "lz4", arrow::Compression::LZ4 },
	{ "brotli", arrow::Compression::BROTLI }, { "none", arrow::Compression::UNCOMPRESSED },
};

static bool find_codec(const char *name, arrow::Compression::type *codec_out)
{
	for (const auto &known : codecs) {
		if (std::strcmp(known.name, name ? name : "zstd") == 0) {
			*codec_out = known.codec;
			return true;
		}
	}
	return false;
}

/* Sorting columns count leaves, so a column of the top level has the index of its only leaf. */
static int leaf_of(const parquet::SchemaDescriptor &leaves, const std::string &name)
{
	for (int i = 0; i < leaves.num_columns(); i++)
		if (leaves.Column(i)->path()->ToDotVector() == std::vector<std::string>{ name })
			return i;
	return -1;
}

static outcome sorting(const arrow::Schema &schema, const teg_parquet_write_options &options,
                       parquet::WriterProperties::Builder *builder)
{
	std::vector<parquet::SortingColumn> columns;
	std::shared_ptr<parquet::SchemaDescriptor> leaves;
	auto status = parquet::arrow::ToParquetSchema(&schema,
	                                              *parquet::default_writer_properties(),
	                                              &leaves);

	if (!status.ok())
		return from_arrow(status, TEG_PARQUET_UNSUPPORTED);
	for (size_t i = 0; i < options.n_sorted_by; i++) {
		parquet::SortingColumn column{};

		column.column_idx = leaf_of(*leaves, options.sorted_by[i]);
		if (column.column_idx < 0)
			return refuse(TEG_PARQUET_MISUSE,
			              std::string("cannot be sorted by ") + options.sorted_by[i]);
		columns.push_back(column);
	}
	builder->set_sorting_columns(std::move(columns));
	return {};
}

/* What the dictionary of one column may grow to before its values are written plainly. While it
 * grows, libparquet holds a hash table of up to forty times that for every column. */
static int64_t dictionary_share(const arrow::Schema &schema)
{
	int64_t share = DICTIONARIES_BYTES / std::max(schema.num_fields(), 1);

	return std::clamp(share, DICTIONARY_BYTES / 16, DICTIONARY_BYTES);
}

static outcome writer_properties(const arrow::Schema &schema,
                                 const teg_parquet_write_options &options,
                                 std::shared_ptr<parquet::WriterProperties> *properties_out)
{
	parquet::WriterProperties::Builder builder;
	arrow::Compression::type codec;

	if (!find_codec(options.compression, &codec))
		return refuse(TEG_PARQUET_MISUSE,
		              std::string("no compression is called ") + options.compression);
	builder.memory_pool(pool());
	builder.compression(codec);
	if (options.compression_level)
		builder.compression_level(options.compression_level);
	builder.max_row_group_length(options.row_group_rows);
	builder.data_pagesize(PAGE_BYTES);
	builder.dictionary_pagesize_limit(dictionary_share(schema));
	builder.enable_statistics();
	builder.enable_write_page_index();
	builder.enable_page_checksum();
	if (options.n_sorted_by) {
		outcome sorted = sorting(schema, options, &builder);

		if (sorted.code != TEG_PARQUET_OK)
			return sorted;
	}
	*properties_out = builder.build();
	return {};
}

/* Feeds batches to the file and starts a new row group when one has its share. */
class group_writer
{
      public:
	group_writer(parquet::arrow::FileWriter *file, std::shared_ptr<arrow::Schema> schema,
	             const teg_parquet_write_options &options)
		: file_(file), schema_(std::move(schema)), options_(options)
	{
	}

	/* Cuts the batch into pieces, because libparquet looks at the size of a page only between
	 * them: rows of 100 KB would make pages of 100 MB. */
	arrow::Status write(const std::shared_ptr<arrow::RecordBatch> &batch)
	{
		if (!batch->num_rows())
			return arrow::Status::OK();
		nulls_.look_at(*batch);
		return write_all(batch);
	}

	/* Behind the last batch. */
	arrow::Status describe(const arrow::Schema &schema)
	{
		ARROW_ASSIGN_OR_RAISE(auto pairs, nulls_.describe(schema));
		return file_->AddKeyValueMetadata(pairs);
	}

      private:
	arrow::Status write_all(std::shared_ptr<arrow::RecordBatch> batch)
	{
		arrow::ArrayVector columns = batch->columns();

		for (size_t i = 0; i < columns.size(); i++) {
			const auto &type = schema_->field(static_cast<int>(i))->type();

			ARROW_ASSIGN_OR_RAISE(columns[i], restore(columns[i], type));
		}
		batch = arrow::RecordBatch::Make(schema_, batch->num_rows(), std::move(columns));
		ARROW_ASSIGN_OR_RAISE(int64_t bytes, arrow::util::ReferencedBufferSize(*batch));
		int64_t pieces = bytes / std::min(options_.row_group_bytes, PIECE_BYTES) + 1;
		int64_t step = std::max<int64_t>((batch->num_rows() + pieces - 1) / pieces, 1);

		for (int64_t at = 0; at < batch->num_rows(); at += step)
			ARROW_RETURN_NOT_OK(write_piece(*batch->Slice(at, step), bytes / pieces));
		return arrow::Status::OK();
	}

	arrow::Status write_piece(const arrow::RecordBatch &piece, int64_t bytes)
	{
		if (!open_ || held_bytes_ + bytes > options_.row_group_bytes ||
		    held_rows_ + piece.num_rows() > options_.row_group_rows)
			ARROW_RETURN_NOT_OK(start());
		held_bytes_ += bytes;
		held_rows_ += piece.num_rows();
		return file_->WriteRecordBatch(piece);
	}

	arrow::Status start()
	{
		open_ = true;
		held_bytes_ = 0;
		held_rows_ = 0;
		return file_->NewBufferedRowGroup();
	}

	parquet::arrow::FileWriter *file_;
	std::shared_ptr<arrow::Schema> schema_; /* of what is written */
	const teg_parquet_write_options &options_;
	bool open_ = false;
	int64_t held_bytes_ = 0, held_rows_ = 0;
	null_lists nulls_;
};

/* A failure of the source is told from one of the file. */
static outcome copy(arrow::RecordBatchReader *source, parquet::arrow::FileWriter *file,
                    std::shared_ptr<arrow::Schema> written,
                    const teg_parquet_write_options &options)
{
	group_writer groups(file, std::move(written), options);
	std::shared_ptr<arrow::RecordBatch> batch;

	for (;;) {
		batch.reset(); /* before the next comes, not when it has come */
		arrow::Status status = source->ReadNext(&batch);

		if (!status.ok())
			return refuse(TEG_PARQUET_STREAM, status.message());
		if (!batch)
			return from_arrow(groups.describe(*source->schema()), TEG_PARQUET_IO);
		status = groups.write(batch);
		if (!status.ok())
			return from_arrow(status, TEG_PARQUET_UNSUPPORTED);
	}
}

/* Types of Arrow that Parquet has no place for, by name; `in`: of what the field is in. */
static outcome check_field(const arrow::Field &field, const std::string &in)
{
	const std::string name = in + field.name();

	auto decimal = dynamic_cast<const arrow::DecimalType *>(field.type().get());

	if (decimal && (decimal->scale() < 0 || decimal->scale() > decimal->precision()))
		return refuse(TEG_PARQUET_UNSUPPORTED,
		              "column " + name + ": " + field.type()->ToString() +
		                      " has a scale that Parquet does not have");
	for (const auto &child : field.type()->fields()) {
		outcome checked = check_field(*child, name + ".");
		if (checked.code != TEG_PARQUET_OK)
			return checked;
	}
	return outcome{};
}

static outcome check_fields(const arrow::Schema &schema)
{
	for (const auto &field : schema.fields()) {
		outcome checked = check_field(*field, "");
		if (checked.code != TEG_PARQUET_OK)
			return checked;
	}
	return outcome{};
}

static outcome write_to(arrow::RecordBatchReader *source,
                        const std::shared_ptr<arrow::io::OutputStream> &sink,
                        const teg_parquet_write_options &options)
{
	std::shared_ptr<parquet::WriterProperties> properties;
	auto arrow_properties = parquet::default_arrow_writer_properties();
	auto schema = writable_schema(*source->schema());
	outcome checked = check_fields(*schema);
	if (checked.code != TEG_PARQUET_OK)
		return checked;
	outcome made = writer_properties(*schema, options, &properties);
	if (made.code != TEG_PARQUET_OK)
		return made;
	auto file = parquet::arrow::FileWriter::Open(*schema, pool(), sink, properties,
	                                             arrow_properties);
	if (!file.ok())
		return from_arrow(file.status(), TEG_PARQUET_UNSUPPORTED);
	outcome copied = copy(source, file->get(), schema, options);
	if (copied.code != TEG_PARQUET_OK)
		return copied;
	outcome closed = from_arrow((*file)->Close(), TEG_PARQUET_IO);
	if (closed.code != TEG_PARQUET_OK)
		return closed;
	return from_arrow(sink->Close(), TEG_PARQUET_IO);
}

static outcome write_stream(struct ArrowArrayStream *stream, const char *path,
                            const teg_parquet_write_options *given)
{
	teg_parquet_write_options options = options_of(given);
	auto source = arrow::ImportRecordBatchReader(stream);

	if (!source.ok())
		return refuse(TEG_PARQUET_STREAM, source.status().message());
	if (!path || options.row_group_rows < 0 || options.row_group_bytes < 0)
		return refuse(TEG_PARQUET_MISUSE, "bad argument");
	if (!options.row_group_rows)
		options.row_group_rows = DEFAULT_GROUP_ROWS;
	if (!options.row_group_bytes)
		options.row_group_bytes = DEFAULT_GROUP_BYTES;
	if (options.to_fd)
		return write_to(source->get(), std::make_shared<output>(options.fd), options);
	temporary file(path);
	outcome result = file.create();
	if (result.code == TEG_PARQUET_OK)
		result = write_to(source->get(), std::make_shared<output>(file.fd()), options);
	return result.code == TEG_PARQUET_OK ? file.publish() : result;
}

} /* namespace teg */

extern "C" int teg_parquet_write(struct ArrowArrayStream *stream, const char *path,
                                 const struct teg_parquet_write_options *options, char *message,
                                 size_t message_len)
{
	int code = teg::answer(path, message, message_len, [&] {
		if (!stream || !stream->release)
			return teg::refuse(TEG_PARQUET_MISUSE, "no stream to write");
		return teg::write_stream(stream, path, options);
	});

	if (stream && stream->release)
		stream->release(stream);
	return code;
}
