#include "engine/write/replay.h"
#include "engine/write/convert.h"
#include "engine/write/interval.h"

teg_status replay_check_options(const struct schema *schema, const teg_put_options *put,
                                bool tombstones, teg_error *err)
{
	bool says_more = put->row_kind_column || put->system_after || put->system_through;

	if (!put->system_time_column)
		return says_more ? teg_fail(err, TEG_MISUSE,
		                            "row_kind_column, system_after and system_through: "
		                            "only rows that bring their system times have these")
		                 : TEG_OK;
	if (tombstones)
		return teg_fail(err, TEG_MISUSE, "a delete takes no system times per row");
	if (schema->kind == TEG_TABLE && !put->row_id_column)
		return teg_fail(err, TEG_MISUSE,
		                "rows that bring their system times name their row ids");
	if (put->valid_from == TEG_TIME_OF_COMMIT)
		return teg_fail(err, TEG_MISUSE,
		                "rows that bring their system times bring their valid times");
	return TEG_OK;
}

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for rows of a ledger");
}

/* ---- system times ---- */

static teg_status append_times(struct rows *rows, const teg_column *given, size_t n, teg_error *err)
{
	const teg_data_type us = { .type = TEG_TIMESTAMP,
		                   .unit = TEG_MICRO,
		                   .zone = given->type.zone ? given->type.zone : "" };
	const teg_data_type whole = { .type = TEG_INT64 };
	const teg_data_type *as = given->type.type == TEG_TIMESTAMP ? &us : &whole;
	size_t first = rows->system_from.n;
	const int64_t *times;

	if (given->type.type && given->type.type != TEG_TIMESTAMP && given->type.type != TEG_INT64)
		return refuse_value(err, TEG_SCHEMA, given->name, -1,
		                    "system times are int64 microseconds or timestamps");
	TEG_TRY(convert_append(given, given->type.type ? &given->type : as, as, n,
	                       &rows->system_from, err));
	times = (const int64_t *)(const void *)rows->system_from.values;
	for (size_t i = first; i < rows->system_from.n; i++)
		if ((rows->system_from.n_nulls && !bitmap_get(rows->system_from.validity, i)) ||
		    times[i] <= TEG_TIME_OF_COMMIT || times[i] == INT64_MAX)
			return refuse_value(err, TEG_SCHEMA, given->name, (int64_t)(i - first),
			                    "a system time is a point in time");
	return TEG_OK;
}

/* ---- kinds ---- */

static int kind_of_word(struct span word)
{
	static const char *const words[] = { "live", "tombstone", "erased" };

	for (int k = 0; k < 3; k++)
		if (word.len == strlen(words[k]) && !memcmp(word.at, words[k], word.len))
			return k;
	return -1;
}

static int kind_at(const struct column_buf *values, size_t i)
{
	struct column view = column_buf_view(values);
	int64_t number;

	if (!column_valid(&view, i))
		return -1;
	if (values->shape == COLUMN_BYTES)
		return kind_of_word(column_value(&view, i));
	memcpy(&number, values->values + 8 * i, sizeof number);
	return number >= 0 && number <= ROW_ERASED ? (int)number : -1;
}

static teg_status add_kinds(struct rows *rows, const teg_column *given,
                            const struct column_buf *values, teg_error *err)
{
	static const uint8_t live = ROW_LIVE;

	for (size_t i = 0; i < values->n; i++) {
		int kind = kind_at(values, i);
		uint8_t byte = (uint8_t)kind;

		if (kind < 0)
			return refuse_value(err, TEG_SCHEMA, given->name, (int64_t)i,
			                    "a row kind is live, tombstone or erased: 0, 1 or 2");
		TEG_TRY(optional_append(&rows->kind, rows->n + (uint32_t)i, &live, &byte, 1, err));
	}
	return TEG_OK;
}

static teg_status append_kinds(struct rows *rows, const teg_column *given, size_t n, teg_error *err)
{
	static const teg_data_type words = { .type = TEG_UTF8 }, numbers = { .type = TEG_INT64 },
				   bytes = { .type = TEG_UINT8 };
	const teg_data_type *from = given->type.type ? &given->type : &bytes;
	bool is_text = from->type == TEG_UTF8;
	const teg_data_type *to = is_text ? &words : &numbers;
	struct column_buf values;
	teg_status status;

	if (!convert_allowed(from, to))
		return refuse_value(err, TEG_SCHEMA, given->name, -1,
		                    "row kinds are integers or words");
	column_buf_init(&values, is_text ? COLUMN_BYTES : COLUMN_FIXED, is_text ? 0 : 8,
	                rows->alloc);
	status = convert_append(given, from, to, n, &values, err);
	if (status == TEG_OK)
		status = add_kinds(rows, given, &values, err);
	column_buf_release(&values);
	return status;
}

/* ---- values by kind ---- */

static teg_status check_attribute(const struct rows *rows, uint32_t a, size_t n, teg_error *err)
{
	const struct field *field = &rows->schema->attrs[a];
	const struct column_buf *column = &rows->attrs[a];

	for (size_t i = 0; i < n; i++) {
		size_t at = rows->n + i;
		bool null = column->n_nulls && !bitmap_get(column->validity, at);

		if (rows_kind(rows, (uint32_t)at) != ROW_LIVE) {
			if (!null)
				return refuse_value(err, TEG_SCHEMA, field->name, (int64_t)i,
				                    "a row that is not live has no value");
		} else if (null && !field->nullable) {
			return refuse_value(err, TEG_SCHEMA, field->name, (int64_t)i,
			                    "the column may not be null");
		}
	}
	return TEG_OK;
}

teg_status replay_append(struct rows *rows, const teg_column *times, const teg_column *kinds,
                         size_t n, teg_error *err)
{
	if (rows->n && !rows->system_from.n)
		return teg_fail(err, TEG_MISUSE,
		                "rows with and without system times do not mix in a transaction");
	if (column_buf_reserve(&rows->system_from, n, 0) != TEG_OK)
		return no_memory(err);
	TEG_TRY(append_times(rows, times, n, err));
	if (kinds)
		TEG_TRY(append_kinds(rows, kinds, n, err));
	else if (rows->kind.n)
		TEG_TRY(optional_append(&rows->kind, rows->n, &(uint8_t){ ROW_LIVE },
		                        &(uint8_t){ ROW_LIVE }, n, err));
	for (uint32_t a = 0; a < rows->schema->n_attrs; a++)
		TEG_TRY(check_attribute(rows, a, n, err));
	return TEG_OK;
}
