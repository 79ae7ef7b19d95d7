/* From the caller's memory into rows: the one path that every put and delete by key takes.
 *
 * Columns are matched to the schema by name, converted where that loses nothing, and checked: nulls,
 * domain, UTF-8, intervals. Either all rows are in or none is.
 *
 *   teg_column ──match──> field ──append──> column_buf ──check──> rows
 *
 * A column goes in by copy, packed ones of the same type with one memcpy. teg_put_options.borrow is
 * a permission, not a promise: copying at once keeps that contract too.
 *
 * Conversions: integers to wider integers and, value by value where exact, to float32 and float64;
 * floats to wider floats; decimals to a higher precision of the same scale; timestamps (both with or
 * both without a zone) and durations to another unit where exact. Nothing else: text is never parsed.
 */
#ifndef TEG_ENGINE_WRITE_STAGE_H
#define TEG_ENGINE_WRITE_STAGE_H
#include "engine/write/rows.h"

struct stage_options {
	const teg_put_options *put; /* NULL: all defaults */
	bool tombstones;            /* a delete: keys only, attributes become null slots */
	enum row_kind erases;       /* with tombstones: ROW_ERASED or ROW_FORGET instead */
	bool boxes;                 /* corners of boxes: no coordinate is held to its domain */
	size_t max_value_len;       /* bytes of one utf8 or bytes value; 0: only COLUMN_BYTES_MAX */
};

/* True where such a put appends to a table: rows->implicit_ids. Rows of a table are all appended or
 * all named, so a transaction that does both keeps two `struct rows`. */
bool stage_appends(const struct schema *schema, const struct stage_options *options);

/* About the bytes that the rows will take. */
uint64_t stage_size(const struct schema *schema, const teg_column *columns, size_t n_columns,
                    size_t n_rows);

/* Appends n_rows rows. Zero rows are checked like others and add nothing.
 *   TEG_SCHEMA  column and row named: missing, extra, twice, null where none may be, a type or
 *               value that cannot be converted exactly, text that is not UTF-8, an empty interval
 *   TEG_DOMAIN  a coordinate that is null, NaN or outside the domain; a negative row id
 *   TEG_MISUSE  options that contradict each other or the schema; a column without memory
 *   TEG_LIMIT   more rows or bytes than one `struct rows` holds, a value above max_value_len
 *   TEG_NOMEM
 * `rows` is as before then. Time columns of `rows` stay empty as long as they are all default. */
teg_status stage_columns(struct rows *rows, const teg_column *columns, size_t n_columns,
                         size_t n_rows, const struct stage_options *options, teg_error *err);
#endif
