/* One column of the caller's memory, appended to a column of ours: copied, or converted where no
 * value changes. The parts of stage.c that loop over values. */
#ifndef TEG_ENGINE_WRITE_CONVERT_H
#define TEG_ENGINE_WRITE_CONVERT_H
#include "engine/schema/schema.h"

/* True where values of type `from` can become values of `to`, all of them or where exact. */
bool convert_allowed(const teg_data_type *from, const teg_data_type *to);

/* Appends n values of type `from`, which is allowed, to `out`, a column of `to`. Null slots become
 * zero bytes. TEG_SCHEMA with the row whose value would change, TEG_MISUSE where memory is missing
 * or offsets descend, TEG_LIMIT, TEG_NOMEM; `out` may then hold some of the values. */
teg_status convert_append(const teg_column *column, const teg_data_type *from,
                          const teg_data_type *to, size_t n, struct column_buf *out,
                          teg_error *err);

/* The same for nested types, which have the children to tell by: their names, order and types. */
bool convert_nested_allowed(const teg_data_type *from, const teg_data_type *to);
/* About the bytes that n values of a column of that type take. */
uint64_t convert_size(const teg_column *column, const teg_data_type *type, size_t first, size_t n);
/* Appends n values of a column that may be nested, of its own type or the field's. An error names the
 * part of the column ("geometry.item"), and the row of the attribute. */
teg_status convert_append_field(const teg_column *column, const struct field *to, size_t n,
                                struct column_buf *out, teg_error *err);
/* An error of a child, told without a column: its row becomes `row`, its column "child" or, where one
 * is named already, "child.that". Then, for the whole: the message gets column and row. */
teg_status convert_lift(teg_error *err, teg_status status, const char *child, int64_t row);
teg_status convert_name_error(teg_error *err, teg_status status, const char *column);

/* What values [first, out->n) of a column must be, besides being converted. The row in an error
 * counts from `first`. -0.0 in a dimension becomes 0.0. */
teg_status check_values(const struct field *field, bool dimension, struct column_buf *column,
                        size_t first, size_t max_value_len, teg_error *err);

/* Fills the error with column and row, both of which may be missing (NULL, -1). */
teg_status refuse_value(teg_error *err, teg_status status, const char *column, int64_t row,
                        const char *why);
#endif
