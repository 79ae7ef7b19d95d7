/* Types that a Parquet file has no word for: seconds, and lists of one size.
 *
 *   array --> file    ARROW:schema tells readers on libarrow what columns were; but they cannot read a
 *                     fixed-size list that is null, so where one is, it says list there, and
 *                     TEGULA:schema has the truth
 *   file --> array    lists are read as lists, times in milliseconds, and become what they were
 */
#ifndef TEG_TOOLS_PARQUET_SHAPE_H
#define TEG_TOOLS_PARQUET_SHAPE_H
#include <memory>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

namespace teg
{

/* ---- writing ---- */

/* Which of a schema's fixed-size lists are null somewhere, themselves or within a null struct. */
class null_lists
{
      public:
	void look_at(const arrow::RecordBatch &batch);
	/* The pairs that describe the schema to readers. */
	arrow::Result<std::shared_ptr<arrow::KeyValueMetadata>> describe(
		const arrow::Schema &schema) const;

      private:
	std::vector<bool> seen_; /* by node, in the order of the types */
};

/* The schema with lists for fixed-size lists of no values, over which libparquet falls: batches are
 * restored (below) to its types before they are written. */
std::shared_ptr<arrow::Schema> writable_schema(const arrow::Schema &schema);

/* ---- reading ---- */

/* The schema that the writer had, or nothing. */
std::shared_ptr<arrow::Schema> stored_schema(const arrow::KeyValueMetadata *pairs);

/* The same with lists in place of fixed-size lists, as pairs for libparquet; nothing where it has none
 * of those. */
arrow::Result<std::shared_ptr<arrow::KeyValueMetadata>> readable_schema(
	const std::shared_ptr<arrow::Schema> &stored);

/* The schema of what is read, with what the stored one knows better. */
std::shared_ptr<arrow::Schema> restored_schema(const std::shared_ptr<arrow::Schema> &read,
                                               const std::shared_ptr<arrow::Schema> &stored);

/* A column of a type that was read as one of the type it is restored to, or the other way to write it. */
arrow::Result<std::shared_ptr<arrow::Array>> restore(const std::shared_ptr<arrow::Array> &column,
                                                     const std::shared_ptr<arrow::DataType> &type);

/* Bytes that a value takes at least once it is restored. */
int64_t least_bytes(const arrow::DataType &type);

} /* namespace teg */
#endif
