/* CSV and NDJSON. Types are settled before the first batch: a reader is run over the beginning of
 * the file, then another over all of it with every type given. So it can be said what a later value
 * does not fit to, and a pipe needs no second reading. */
#include "tools/parquet/formats.h"
#include "tools/parquet/input.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/c/abi.h>
#include <arrow/csv/options.h>
#include <arrow/csv/reader.h>
#include <arrow/io/memory.h>
#include <arrow/json/options.h>
#include <arrow/json/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace teg
{

constexpr size_t LOOK = 4 << 20;
constexpr int32_t BLOCK = 1 << 20;

using types = std::unordered_map<std::string, std::shared_ptr<arrow::DataType>>;

/* The whole lines at the beginning; everything of a file without a line end that far. */
static arrow::Result<std::shared_ptr<arrow::Buffer>> beginning(input *bytes)
{
	ARROW_ASSIGN_OR_RAISE(std::string text, bytes->look(LOOK));
	size_t end = text.size() == LOOK ? text.rfind('\n') : std::string::npos;

	if (end != std::string::npos)
		text.resize(end + 1);
	return arrow::Buffer::FromString(std::move(text));
}

static std::vector<std::string> words(const char *const *at, size_t n)
{
	return { at, at + n };
}

static arrow::Status check_names(const arrow::Schema &schema)
{
	std::set<std::string> seen;

	for (const auto &field : schema.fields())
		if (!seen.insert(field->name()).second)
			return arrow::Status::Invalid("column ", field->name(), " is there twice");
	return arrow::Status::OK();
}

/* ---- CSV -------------------------------------------------------------------------------------- */

struct csv {
	arrow::csv::ReadOptions read = arrow::csv::ReadOptions::Defaults();
	arrow::csv::ParseOptions parse = arrow::csv::ParseOptions::Defaults();
	arrow::csv::ConvertOptions convert = arrow::csv::ConvertOptions::Defaults();

	explicit csv(const teg_text_options &options)
	{
		read.use_threads = false;
		read.block_size = BLOCK;
		parse.delimiter = options.delimiter ? options.delimiter : ',';
		parse.newlines_in_values = true;
		parse.ignore_empty_lines = false; /* one column's null is an empty line */
		convert.strings_can_be_null = true;
		convert.quoted_strings_can_be_null = false;
		convert.null_values = words(options.nulls, options.n_nulls);
		convert.null_values.push_back("");
		convert.true_values = { "true", "True", "TRUE" };
		convert.false_values = { "false", "False", "FALSE" };
		for (size_t i = 0; i < options.n_columns; i++)
			convert.column_types[options.columns[i]] = arrow::utf8();
	}

	arrow::Result<std::shared_ptr<arrow::csv::StreamingReader>> open(
		const std::shared_ptr<arrow::io::InputStream> &from) const
	{
		return arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), from,
		                                         read, parse, convert);
	}
};

static bool is_integer(std::string_view text)
{
	size_t digits = text.find_first_not_of("+-");

	return digits <= 1 && std::all_of(text.begin() + static_cast<long>(digits), text.end(),
	                                  [](unsigned char c) { return std::isdigit(c); });
}

/* Whether a column that was taken for doubles holds integers only: then these are beyond int64, and
 * doubles would round them. */
static arrow::Result<bool> holds_integers(csv options, const std::shared_ptr<arrow::Buffer> &text,
                                          const std::string &name)
{
	std::shared_ptr<arrow::RecordBatch> batch;

	options.convert.column_types[name] = arrow::utf8();
	options.convert.include_columns = { name };
	ARROW_ASSIGN_OR_RAISE(auto reader,
	                      options.open(std::make_shared<arrow::io::BufferReader>(text)));
	for (;;) {
		ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
		if (!batch)
			return true;
		const auto &column = static_cast<const arrow::StringArray &>(*batch->column(0));
		for (int64_t i = 0; i < column.length(); i++)
			if (column.IsValid(i) && !is_integer(column.GetView(i)))
				return false;
	}
}

/* What the values of the beginning are; what libarrow cannot say, or we cannot store, is text. */
static arrow::Status settle(csv *options, const std::shared_ptr<arrow::Buffer> &text)
{
	csv look = *options;

	look.read.block_size = static_cast<int32_t>(std::max<int64_t>(text->size(), 1));
	ARROW_ASSIGN_OR_RAISE(auto reader,
	                      look.open(std::make_shared<arrow::io::BufferReader>(text)));
	ARROW_RETURN_NOT_OK(check_names(*reader->schema()));
	for (const auto &field : reader->schema()->fields()) {
		std::shared_ptr<arrow::DataType> type = field->type();

		if (type->id() == arrow::Type::BINARY)
			return arrow::Status::Invalid("column ", field->name(), " is not UTF-8");
		if (type->id() == arrow::Type::NA || type->id() == arrow::Type::TIME32)
			type = arrow::utf8();
		if (type->id() == arrow::Type::DOUBLE) {
			ARROW_ASSIGN_OR_RAISE(bool whole,
			                      holds_integers(look, text, field->name()));
			type = whole ? arrow::uint64() : type;
		}
		options->convert.column_types[field->name()] = type;
	}
	return arrow::Status::OK();
}

/* libarrow takes the end of the file for the end of a quoted field: a file that was cut there would
 * pass for whole. Every quote of RFC 4180 has its second, so their number tells. */
class closed_quotes : public arrow::RecordBatchReader
{
      public:
	closed_quotes(std::shared_ptr<input> bytes,
	              std::shared_ptr<arrow::RecordBatchReader> reader)
		: bytes_(std::move(bytes)), reader_(std::move(reader))
	{
	}

	std::shared_ptr<arrow::Schema> schema() const override
	{
		return reader_->schema();
	}

	arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch> *batch_out) override
	{
		ARROW_RETURN_NOT_OK(reader_->ReadNext(batch_out));
		if (!*batch_out && bytes_->quotes() % 2)
			return arrow::Status::Invalid("a quote is not closed");
		return arrow::Status::OK();
	}

      private:
	std::shared_ptr<input> bytes_;
	std::shared_ptr<arrow::RecordBatchReader> reader_;
};

static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> open_csv(
	const std::shared_ptr<input> &bytes, const teg_text_options &given)
{
	csv options(given);
	ARROW_ASSIGN_OR_RAISE(auto text, beginning(bytes.get()));

	ARROW_RETURN_NOT_OK(settle(&options, text));
	ARROW_ASSIGN_OR_RAISE(auto reader, options.open(bytes));
	return std::make_shared<closed_quotes>(bytes, std::move(reader));
}

/* ---- NDJSON ----------------------------------------------------------------------------------- */

static std::shared_ptr<arrow::DataType> type_called(const std::string &name)
{
	for (const auto &type : { arrow::boolean(), arrow::int8(), arrow::int16(), arrow::int32(),
	                          arrow::int64(), arrow::uint8(), arrow::uint16(), arrow::uint32(),
	                          arrow::uint64(), arrow::float32(), arrow::float64() })
		if (type->name() == name)
			return type;
	return nullptr;
}

static bool is_text(const arrow::DataType &type)
{
	return type.id() == arrow::Type::STRING || type.id() == arrow::Type::TIMESTAMP ||
	       type.id() == arrow::Type::NA;
}

/* What is null, or empty, all through the beginning is taken for text; `known`: by the caller, who reads
 * times from text himself. */
static std::shared_ptr<arrow::DataType> settled(const std::shared_ptr<arrow::DataType> &type,
                                                bool known)
{
	if (type->id() == arrow::Type::NA || (known && type->id() == arrow::Type::TIMESTAMP))
		return arrow::utf8();
	arrow::FieldVector below = type->fields();
	for (auto &field : below)
		field = field->WithType(settled(field->type(), known));
	if (type->id() == arrow::Type::LIST)
		return arrow::list(below[0]);
	return type->id() == arrow::Type::STRUCT ? arrow::struct_(below) : type;
}

/* The type of a column: what the beginning shows, unless the caller knows better. */
static std::shared_ptr<arrow::DataType> type_for(const arrow::Field &field,
                                                 const teg_text_options &given)
{
	for (size_t i = 0; i < given.n_columns; i++) {
		if (field.name() != given.columns[i])
			continue;
		auto type = given.types[i] ? type_called(given.types[i]) : nullptr;
		if (is_text(*field.type()))
			return arrow::utf8();
		return type ? type : settled(field.type(), true);
	}
	return settled(field.type(), false);
}

static arrow::Result<std::shared_ptr<arrow::json::StreamingReader>> make_json(
	const std::shared_ptr<arrow::io::InputStream> &from,
	const std::shared_ptr<arrow::Schema> &schema, int64_t block)
{
	auto read = arrow::json::ReadOptions::Defaults();
	auto parse = arrow::json::ParseOptions::Defaults();

	read.use_threads = false;
	read.block_size = static_cast<int32_t>(block);
	parse.explicit_schema = schema;
	parse.newlines_in_values = false;
	parse.unexpected_field_behavior = schema ? arrow::json::UnexpectedFieldBehavior::Error
	                                         : arrow::json::UnexpectedFieldBehavior::InferType;
	return arrow::json::StreamingReader::Make(from, read, parse);
}

static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> open_json(
	const std::shared_ptr<input> &bytes, const teg_text_options &given)
{
	ARROW_ASSIGN_OR_RAISE(auto text, beginning(bytes.get()));
	ARROW_ASSIGN_OR_RAISE(auto look, make_json(std::make_shared<arrow::io::BufferReader>(text),
	                                           nullptr, std::max<int64_t>(text->size(), 1)));
	arrow::FieldVector fields = look->schema()->fields();

	ARROW_RETURN_NOT_OK(check_names(*look->schema()));
	for (auto &field : fields)
		field = field->WithType(type_for(*field, given));
	return make_json(bytes, arrow::schema(std::move(fields)), BLOCK);
}

/* ---- both ------------------------------------------------------------------------------------- */

using opener = arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> (*)(
	const std::shared_ptr<input> &, const teg_text_options &);

static int open_text(const char *path, int fd, const teg_text_options *given,
                     struct ArrowArrayStream *stream_out, char *message, size_t message_len,
                     opener open)
{
	stream_out->release = nullptr;
	return answer(path, message, message_len, [&] {
		std::shared_ptr<input> bytes;
		outcome opened = input::open(path, fd, &bytes);

		if (opened.code != TEG_PARQUET_OK)
			return opened;
		auto reader = open(bytes, options_of(given));
		if (!reader.ok())
			return from_arrow(reader.status(), TEG_PARQUET_CORRUPT);
		return from_arrow(export_checked(*reader, stream_out), TEG_PARQUET_CORRUPT);
	});
}

} /* namespace teg */

extern "C" int teg_csv_open(const char *path, int fd, const struct teg_text_options *options,
                            struct ArrowArrayStream *stream_out, char *message, size_t message_len)
{
	return teg::open_text(path, fd, options, stream_out, message, message_len, teg::open_csv);
}

extern "C" int teg_json_open(const char *path, int fd, const struct teg_text_options *options,
                             struct ArrowArrayStream *stream_out, char *message, size_t message_len)
{
	return teg::open_text(path, fd, options, stream_out, message, message_len, teg::open_json);
}
