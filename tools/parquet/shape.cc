#include "tools/parquet/shape.h"
#include "tools/parquet/pool.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/base64.h>

namespace teg
{

static const std::string READERS = "ARROW:schema", TRUTH = "TEGULA:schema";
constexpr int64_t LIST_SIZE_MAX = 1 << 24;
constexpr int64_t PADDING_MAX = 1 << 28; /* values below null lists of a batch */

using data_type = std::shared_ptr<arrow::DataType>;

static bool is_list(const arrow::DataType &type)
{
	return type.id() == arrow::Type::LIST || type.id() == arrow::Type::LARGE_LIST;
}

static bool is_fixed(const arrow::DataType &type)
{
	return type.id() == arrow::Type::FIXED_SIZE_LIST;
}

static int32_t size_of(const arrow::DataType &type)
{
	return static_cast<const arrow::FixedSizeListType &>(type).list_size();
}

static bool is_time_in(const arrow::DataType &type, arrow::TimeUnit::type unit)
{
	return type.id() == arrow::Type::TIMESTAMP &&
	       static_cast<const arrow::TimestampType &>(type).unit() == unit;
}

/* The type with other children. */
static data_type with_children(const data_type &type, arrow::FieldVector children)
{
	switch (type->id()) {
	case arrow::Type::LIST: return arrow::list(children[0]);
	case arrow::Type::LARGE_LIST: return arrow::large_list(children[0]);
	case arrow::Type::FIXED_SIZE_LIST:
		return arrow::fixed_size_list(children[0], size_of(*type));
	case arrow::Type::STRUCT: return arrow::struct_(std::move(children));
	default: return type;
	}
}

/* ---- schemas as text ---- */

static arrow::Result<std::string> to_text(const arrow::Schema &schema)
{
	ARROW_ASSIGN_OR_RAISE(auto bytes, arrow::ipc::SerializeSchema(schema));
	return arrow::util::base64_encode(std::string_view(*bytes));
}

/* Decoding base64 could not fail in older releases of Arrow. */
[[maybe_unused]] static std::string text_of(std::string decoded)
{
	return decoded;
}

[[maybe_unused]] static std::string text_of(arrow::Result<std::string> decoded)
{
	return std::move(decoded).ValueOr("");
}

std::shared_ptr<arrow::Schema> stored_schema(const arrow::KeyValueMetadata *pairs)
{
	int at = pairs ? pairs->FindKey(TRUTH) : -1;

	if (pairs && at < 0)
		at = pairs->FindKey(READERS);
	if (at < 0)
		return nullptr;
	auto bytes =
		arrow::Buffer::FromString(text_of(arrow::util::base64_decode(pairs->value(at))));
	arrow::io::BufferReader input(bytes);
	arrow::ipc::DictionaryMemo memo;
	auto schema = arrow::ipc::ReadSchema(&input, &memo);
	return schema.ok() ? *schema : nullptr;
}

/* ---- lists that are null ---- */

static void look_at(const arrow::Array &array, bool hidden, size_t *at, std::vector<bool> *seen)
{
	size_t node = (*at)++;
	bool nulls = hidden || array.null_count() > 0;

	if (seen->size() < *at)
		seen->resize(*at);
	if (is_fixed(*array.type())) {
		const auto &list = static_cast<const arrow::FixedSizeListArray &>(array);

		if (nulls)
			(*seen)[node] = true;
		look_at(*list.values(), false, at, seen);
	} else if (array.type_id() == arrow::Type::LIST) {
		look_at(*static_cast<const arrow::ListArray &>(array).values(), false, at, seen);
	} else if (array.type_id() == arrow::Type::LARGE_LIST) {
		look_at(*static_cast<const arrow::LargeListArray &>(array).values(), false, at,
		        seen);
	} else if (array.type_id() == arrow::Type::STRUCT) {
		for (int i = 0; i < array.num_fields(); i++)
			look_at(*static_cast<const arrow::StructArray &>(array).field(i), nulls, at,
			        seen);
	}
}

void null_lists::look_at(const arrow::RecordBatch &batch)
{
	size_t at = 0;

	for (const auto &column : batch.columns())
		teg::look_at(*column, false, &at, &seen_);
}

/* The type with lists for the fixed-size ones that `open` says, which is asked in order. */
static data_type opened(const data_type &type,
                        const std::function<bool(const arrow::DataType &)> &open)
{
	arrow::FieldVector children;
	bool becomes_list = open(*type);

	for (const auto &field : type->fields())
		children.push_back(field->WithType(opened(field->type(), open)));
	if (becomes_list)
		return arrow::list(children[0]);
	return children.empty() ? type : with_children(type, std::move(children));
}

static std::shared_ptr<arrow::Schema> opened(
	const arrow::Schema &schema, const std::function<bool(const arrow::DataType &)> &open)
{
	arrow::FieldVector fields;

	for (const auto &field : schema.fields())
		fields.push_back(field->WithType(opened(field->type(), open)));
	return arrow::schema(std::move(fields), schema.metadata());
}

arrow::Result<std::shared_ptr<arrow::KeyValueMetadata>> null_lists::describe(
	const arrow::Schema &schema) const
{
	auto pairs = std::make_shared<arrow::KeyValueMetadata>();
	bool differs = false;
	size_t at = 0;
	auto shown = opened(schema, [&](const arrow::DataType &type) {
		bool open = is_fixed(type) && (!size_of(type) || (at < seen_.size() && seen_[at]));

		at++;
		differs |= open;
		return open;
	});
	ARROW_ASSIGN_OR_RAISE(auto text, to_text(*shown));
	pairs->Append(READERS, text);
	if (differs) {
		ARROW_ASSIGN_OR_RAISE(text, to_text(schema));
		pairs->Append(TRUTH, text);
	}
	return pairs;
}

std::shared_ptr<arrow::Schema> writable_schema(const arrow::Schema &schema)
{
	return opened(schema,
	              [](const arrow::DataType &type) { return is_fixed(type) && !size_of(type); });
}

arrow::Result<std::shared_ptr<arrow::KeyValueMetadata>> readable_schema(
	const std::shared_ptr<arrow::Schema> &stored)
{
	bool differs = false;

	if (!stored)
		return nullptr;
	auto lists = opened(*stored, [&](const arrow::DataType &type) {
		differs |= is_fixed(type);
		return is_fixed(type);
	});
	if (!differs)
		return nullptr;
	ARROW_ASSIGN_OR_RAISE(auto text, to_text(*lists));
	return std::make_shared<arrow::KeyValueMetadata>(std::vector<std::string>{ READERS },
	                                                 std::vector<std::string>{ text });
}

/* ---- what was read, as what it was ---- */

static data_type restored(const data_type &read, const data_type &stored)
{
	bool lists = (is_list(*read) || is_fixed(*read)) && (is_list(*stored) || is_fixed(*stored));
	bool structs = read->id() == arrow::Type::STRUCT && stored->id() == read->id() &&
	               read->num_fields() == stored->num_fields();
	arrow::FieldVector children;

	if (is_time_in(*stored, arrow::TimeUnit::SECOND) &&
	    is_time_in(*read, arrow::TimeUnit::MILLI))
		return stored;
	if (!lists && !structs)
		return read;
	for (int i = 0; i < read->num_fields(); i++) {
		const auto &field = read->field(i), &was = stored->field(i);

		if (structs && field->name() != was->name())
			return read;
		children.push_back(arrow::field(was->name(), restored(field->type(), was->type()),
		                                field->nullable(), was->metadata()));
	}
	if (!is_fixed(*stored))
		return with_children(read, std::move(children));
	return size_of(*stored) > LIST_SIZE_MAX
	               ? read
	               : arrow::fixed_size_list(children[0], size_of(*stored));
}

std::shared_ptr<arrow::Schema> restored_schema(const std::shared_ptr<arrow::Schema> &read,
                                               const std::shared_ptr<arrow::Schema> &stored)
{
	arrow::FieldVector fields = read->fields();
	auto pairs = read->metadata() ? read->metadata()->Copy() : nullptr;

	if (pairs && pairs->Contains(TRUTH))
		ARROW_UNUSED(pairs->Delete(TRUTH));
	if (stored && stored->num_fields() == read->num_fields())
		for (size_t i = 0; i < fields.size(); i++)
			fields[i] = fields[i]->WithType(
				restored(fields[i]->type(),
			                 stored->field(static_cast<int>(i))->type()));
	return arrow::schema(std::move(fields), std::move(pairs));
}

/* Milliseconds to seconds, exactly; null slots hold anything and give zero. */
static arrow::Result<std::shared_ptr<arrow::Array>> to_seconds(const arrow::Array &column,
                                                               const data_type &type)
{
	const auto &times = static_cast<const arrow::TimestampArray &>(column);
	ARROW_ASSIGN_OR_RAISE(auto validity, arrow::AllocateBitmap(column.length(), pool()));
	ARROW_ASSIGN_OR_RAISE(auto values, arrow::AllocateBuffer(column.length() * 8, pool()));
	auto *seconds = reinterpret_cast<int64_t *>(values->mutable_data());

	std::memset(validity->mutable_data(), 0, static_cast<size_t>(validity->size()));
	for (int64_t i = 0; i < column.length(); i++) {
		int64_t value = times.IsNull(i) ? 0 : times.Value(i);

		if (value % 1000)
			return arrow::Status::Invalid("a time in seconds is not whole seconds");
		seconds[i] = value / 1000;
		if (times.IsValid(i))
			validity->mutable_data()[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
	}
	return std::make_shared<arrow::TimestampArray>(type, column.length(),
	                                               std::shared_ptr<arrow::Buffer>(
							       std::move(values)),
	                                               std::move(validity), column.null_count());
}

using result = arrow::Result<std::shared_ptr<arrow::Array>>;
using slots = std::vector<bool>; /* empty: none */

static result restore_below(const std::shared_ptr<arrow::Array> &column, const data_type &type,
                            const slots &hidden);

/* The values of the lists end to end, with as many nulls for each list that is null or, in a slot that a
 * null struct hides, empty. */
template <class T> static result padded_values(const T &lists, int64_t size, const slots &hidden)
{
	auto is_there = [&](int64_t i) {
		return lists.IsValid(i) && (hidden.empty() || !hidden[static_cast<size_t>(i)]);
	};
	arrow::ArrayVector parts;
	int64_t n_none = 0;

	for (int64_t i = 0, n; i < lists.length(); i += n) {
		bool there = is_there(i);

		for (n = 0; i + n < lists.length() && is_there(i + n) == there; n++)
			if (there && lists.value_length(i + n) != size)
				return arrow::Status::Invalid("a list has ",
				                              lists.value_length(i + n),
				                              " values where all have ", size);
		if (there) {
			parts.push_back(lists.values()->Slice(lists.value_offset(i), n * size));
			continue;
		}
		n_none += n;
		if (n_none > PADDING_MAX / std::max<int64_t>(size, 1))
			return arrow::Status::OutOfMemory("null lists of ", size,
			                                  " values are too many");
		ARROW_ASSIGN_OR_RAISE(auto none,
		                      arrow::MakeArrayOfNull(lists.value_type(), n * size));
		parts.push_back(std::move(none));
	}
	if (parts.empty())
		return lists.values()->Slice(0, 0);
	return parts.size() == 1 ? parts[0] : arrow::Concatenate(parts);
}

/* Validity of an array without an offset; nothing where all are valid. */
static arrow::Result<std::shared_ptr<arrow::Buffer>> validity_of(const arrow::Array &array)
{
	if (!array.null_count())
		return nullptr;
	ARROW_ASSIGN_OR_RAISE(auto bits, arrow::AllocateEmptyBitmap(array.length()));
	for (int64_t i = 0; i < array.length(); i++)
		if (array.IsValid(i))
			bits->mutable_data()[i / 8] |= static_cast<uint8_t>(1u << (i % 8));
	return bits;
}

static result to_fixed(const arrow::Array &lists, const data_type &type, const slots &hidden)
{
	int64_t size = size_of(*type);
	ARROW_ASSIGN_OR_RAISE(auto values,
	                      lists.type_id() == arrow::Type::LIST
	                              ? padded_values(static_cast<const arrow::ListArray &>(lists),
	                                              size, hidden)
	                              : padded_values(static_cast<const arrow::LargeListArray &>(
							      lists),
	                                              size, hidden));
	ARROW_ASSIGN_OR_RAISE(values, restore_below(values, type->field(0)->type(), {}));
	ARROW_ASSIGN_OR_RAISE(auto validity, validity_of(lists));
	return std::make_shared<arrow::FixedSizeListArray>(type, lists.length(), std::move(values),
	                                                   std::move(validity), lists.null_count());
}

/* Fixed-size lists of no values as lists of none. */
static result to_empty_lists(const arrow::Array &lists, const data_type &type)
{
	auto none = static_cast<const arrow::FixedSizeListArray &>(lists).values()->Slice(0, 0);
	int64_t len = (lists.length() + 1) * static_cast<int64_t>(sizeof(int32_t));
	ARROW_ASSIGN_OR_RAISE(auto offsets, arrow::AllocateBuffer(len, pool()));
	ARROW_ASSIGN_OR_RAISE(auto validity, validity_of(lists));
	ARROW_ASSIGN_OR_RAISE(none, restore_below(none, type->field(0)->type(), {}));

	std::memset(offsets->mutable_data(), 0, static_cast<size_t>(len));
	return std::make_shared<arrow::ListArray>(type, lists.length(),
	                                          std::shared_ptr<arrow::Buffer>(
							  std::move(offsets)),
	                                          std::move(none), std::move(validity),
	                                          lists.null_count());
}

static result to_struct(const arrow::StructArray &column, const data_type &type,
                        const slots &hidden)
{
	slots below = hidden;
	arrow::ArrayVector children;

	if (column.null_count() && below.empty())
		below.resize(static_cast<size_t>(column.length()));
	for (size_t i = 0; i < below.size(); i++)
		below[i] = below[i] || column.IsNull(static_cast<int64_t>(i));
	for (int i = 0; i < type->num_fields(); i++) {
		ARROW_ASSIGN_OR_RAISE(auto child, restore_below(column.field(i),
		                                                type->field(i)->type(), below));

		children.push_back(std::move(child));
	}
	ARROW_ASSIGN_OR_RAISE(auto validity, validity_of(column));
	return std::make_shared<arrow::StructArray>(type, column.length(), std::move(children),
	                                            std::move(validity), column.null_count());
}

static result restore_below(const std::shared_ptr<arrow::Array> &column, const data_type &type,
                            const slots &hidden)
{
	if (column->type()->Equals(*type, /*check_metadata=*/true))
		return column;
	if (is_time_in(*type, arrow::TimeUnit::SECOND) &&
	    is_time_in(*column->type(), arrow::TimeUnit::MILLI))
		return to_seconds(*column, type);
	if (is_fixed(*type) && is_list(*column->type()))
		return to_fixed(*column, type, hidden);
	if (type->id() == arrow::Type::LIST && is_fixed(*column->type()) &&
	    !size_of(*column->type()))
		return to_empty_lists(*column, type);
	if (column->type_id() != type->id() || column->type()->num_fields() != type->num_fields())
		return arrow::Status::Invalid("a column of type ", column->type()->ToString(),
		                              " cannot become ", type->ToString());
	if (type->id() == arrow::Type::STRUCT)
		return to_struct(static_cast<const arrow::StructArray &>(*column), type, hidden);
	auto data = column->data()->Copy();
	data->type = type;
	for (auto &child : data->child_data) {
		ARROW_ASSIGN_OR_RAISE(auto made, restore_below(arrow::MakeArray(child),
		                                               type->field(0)->type(), {}));

		child = made->data();
	}
	return arrow::MakeArray(data);
}

result restore(const std::shared_ptr<arrow::Array> &column, const data_type &type)
{
	return restore_below(column, type, {});
}

int64_t least_bytes(const arrow::DataType &type)
{
	int64_t bytes = 0;

	for (const auto &field : type.fields())
		bytes += least_bytes(*field->type());
	if (is_fixed(type))
		return size_of(type) * bytes;
	if (is_list(type))
		return 4;
	return type.num_fields() ? bytes : std::max(type.bit_width() / 8, 1);
}

} /* namespace teg */
