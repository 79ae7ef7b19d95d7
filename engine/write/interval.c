#include "engine/write/interval.h"
#include "engine/write/convert.h"

teg_status interval_check_options(const struct schema *schema, const teg_put_options *put,
                                  teg_error *err)
{
	bool constant = put->valid_from || put->valid_until;
	bool columns = put->valid_from_column || put->valid_until_column;

	if ((constant || columns) && !schema->valid_time)
		return teg_fail(err, TEG_MISUSE, "the array has no valid time");
	if (constant && columns)
		return teg_fail(err, TEG_MISUSE,
		                "valid times are given both for all rows and per row");
	if (columns && put->valid_from_column && put->valid_until_column &&
	    !strcmp(put->valid_from_column, put->valid_until_column))
		return teg_fail(err, TEG_MISUSE,
		                "one column cannot be both ends of the valid interval");
	if (put->valid_from == TEG_TIME_OF_COMMIT && put->valid_until &&
	    put->valid_until != TEG_TIME_OPEN_END)
		return teg_fail(err, TEG_MISUSE,
		                "an interval from the commit's time has an open end");
	if (put->valid_until == TEG_TIME_OF_COMMIT)
		return teg_fail(err, TEG_MISUSE, "only a start can be the commit's time");
	if (constant && put->valid_from != TEG_TIME_OF_COMMIT &&
	    put->valid_from >= put->valid_until)
		return teg_fail(err, TEG_MISUSE, "valid_from is not before valid_until");
	return TEG_OK;
}

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for valid times");
}

teg_status optional_append(struct column_buf *column, uint32_t before, const void *fallback,
                           const void *value, size_t n, teg_error *err)
{
	bool is_default = !memcmp(value, fallback, column->width);

	if (!n || (!column->n && is_default))
		return TEG_OK;
	if (!column->n && before &&
	    column_buf_append_value(column, span_of(fallback, column->width), before) != TEG_OK)
		return no_memory(err);
	if (column_buf_append_value(column, span_of(value, column->width), n) != TEG_OK)
		return no_memory(err);
	return TEG_OK;
}

/* ---- per row ---- */

static const teg_data_type whole_us = { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "UTC" };
static const teg_data_type local_us = { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "" };
static const teg_data_type int64 = { .type = TEG_INT64 };

/* What the column is read as on the way to microseconds; NULL: a type that is no time. */
static const teg_data_type *read_as(const teg_column *c)
{
	if (!c->type.type || c->type.type == TEG_INT64)
		return &int64;
	if (c->type.type != TEG_TIMESTAMP)
		return NULL;
	return c->type.zone && c->type.zone[0] ? &whole_us : &local_us;
}

static int64_t *values_from(struct column_buf *column, size_t first)
{
	return (int64_t *)(void *)column->values + first;
}

/* Nulls become the open end; TEG_TIME_OF_COMMIT is for options only. */
static teg_status open_nulls(struct column_buf *column, size_t first, const teg_column *given,
                             int64_t open, teg_error *err)
{
	int64_t *values = values_from(column, first);

	for (size_t i = first; i < column->n; i++) {
		if (column->n_nulls && !bitmap_get(column->validity, i))
			values[i - first] = open;
		else if (values[i - first] == TEG_TIME_OF_COMMIT)
			return refuse_value(err, TEG_SCHEMA, given->name, (int64_t)(i - first),
			                    "this number is reserved for the commit's own time");
	}
	if (column->validity)
		bitmap_fill(column->validity, 0, column->n, true);
	column->n_nulls = 0;
	return TEG_OK;
}

static teg_status append_end(struct column_buf *column, uint32_t before, const teg_column *given,
                             int64_t open, size_t n, teg_error *err)
{
	const teg_data_type *as;
	size_t first;

	if (!given)
		return optional_append(column, before, &open, &open, n, err);
	as = read_as(given);
	if (!as)
		return refuse_value(err, TEG_SCHEMA, given->name, -1,
		                    "valid times are int64 microseconds or timestamps");
	if (!column->n && before && n &&
	    column_buf_append_value(column, span_of(&open, sizeof open), before) != TEG_OK)
		return no_memory(err);
	first = column->n;
	TEG_TRY(convert_append(given, given->type.type ? &given->type : as, as, n, column, err));
	return open_nulls(column, first, given, open, err);
}

static teg_status check_order(const struct rows *rows, size_t n, const char *column, teg_error *err)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t row = rows->n + (uint32_t)i;

		if (rows_valid_from(rows, row) >= rows_valid_until(rows, row))
			return refuse_value(err, TEG_SCHEMA, column, (int64_t)i,
			                    "valid_from is not before valid_until");
	}
	return TEG_OK;
}

teg_status interval_append(struct rows *rows, const teg_column *from, const teg_column *until,
                           const teg_put_options *put, size_t n, teg_error *err)
{
	static const int64_t open_start = INT64_MIN, open_end = INT64_MAX;
	bool constant = put->valid_from || put->valid_until;
	bool from_commit = put->valid_from == TEG_TIME_OF_COMMIT;
	const int64_t *one_from = constant ? &put->valid_from : &open_start;
	const int64_t *one_until = constant && !from_commit ? &put->valid_until : &open_end;

	if (!from && !until) {
		TEG_TRY(optional_append(&rows->valid_from, rows->n, &open_start, one_from, n, err));
		return optional_append(&rows->valid_until, rows->n, &open_end, one_until, n, err);
	}
	TEG_TRY(append_end(&rows->valid_from, rows->n, from, INT64_MIN, n, err));
	TEG_TRY(append_end(&rows->valid_until, rows->n, until, INT64_MAX, n, err));
	return check_order(rows, n, from ? from->name : until->name, err);
}
