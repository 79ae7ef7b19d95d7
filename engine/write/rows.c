#include "engine/write/rows.h"
#include <string.h>

/* ---- the optional columns: what each holds where it is left out ---- */

enum { VALID_FROM, VALID_UNTIL, KIND, SYSTEM_FROM, SUPERSEDED, EXACT, N_OPTIONAL };

static struct column_buf *optional(struct rows *rows, int which)
{
	switch (which) {
	case VALID_FROM: return &rows->valid_from;
	case VALID_UNTIL: return &rows->valid_until;
	case KIND: return &rows->kind;
	case SYSTEM_FROM: return &rows->system_from;
	case SUPERSEDED: return &rows->superseded;
	default: return &rows->exact;
	}
}

static const struct column_buf *optional_of(const struct rows *rows, int which)
{
	return optional((struct rows *)(uintptr_t)rows, which);
}

static uint32_t optional_width(int which)
{
	return which == KIND || which == EXACT ? 1 : 8;
}

/* n more values of the default. */
static teg_status add_default(struct column_buf *column, int which, size_t n)
{
	int64_t time = which == VALID_FROM ? INT64_MIN : which == SYSTEM_FROM ? 0 : INT64_MAX;
	uint8_t byte = which == EXACT;

	if (optional_width(which) == 1)
		return column_buf_append_value(column, span_of(&byte, 1), n);
	return column_buf_append_value(column, span_of(&time, sizeof time), n);
}

/* ---- life cycle ---- */

static uint32_t n_fields(const struct schema *schema)
{
	return schema->n_dims + schema->n_attrs;
}

/* Dimensions, then attributes. */
static struct column_buf *field_column(const struct rows *rows, uint32_t i)
{
	return i < rows->schema->n_dims ? &rows->dims[i] : &rows->attrs[i - rows->schema->n_dims];
}

teg_status rows_init(struct rows *rows, const struct schema *schema, const teg_allocator *alloc,
                     teg_error *err)
{
	*rows = (struct rows){ .schema = schema, .alloc = alloc };
	rows->dims = mem_array(alloc, n_fields(schema), sizeof *rows->dims);
	if (!rows->dims)
		return teg_fail(err, TEG_NOMEM, "no memory for %u columns of rows",
		                n_fields(schema));
	rows->attrs = rows->dims + schema->n_dims;
	for (uint32_t d = 0; d < schema->n_dims; d++)
		column_buf_init_as(&rows->dims[d], field_layout(&schema->dims[d]), alloc);
	for (uint32_t a = 0; a < schema->n_attrs; a++)
		column_buf_init_as(&rows->attrs[a], field_layout(&schema->attrs[a]), alloc);
	for (int o = 0; o < N_OPTIONAL; o++)
		column_buf_init(optional(rows, o), COLUMN_FIXED, optional_width(o), alloc);
	return TEG_OK;
}

void rows_release(struct rows *rows)
{
	if (!rows->dims)
		return;
	for (uint32_t i = 0; i < n_fields(rows->schema); i++)
		column_buf_release(field_column(rows, i));
	for (int o = 0; o < N_OPTIONAL; o++)
		column_buf_release(optional(rows, o));
	mem_free(rows->alloc, rows->dims, n_fields(rows->schema) * sizeof *rows->dims);
	rows->dims = rows->attrs = NULL;
	rows->n = 0;
}

void rows_clear(struct rows *rows)
{
	for (uint32_t i = 0; i < n_fields(rows->schema); i++)
		column_buf_clear(field_column(rows, i));
	for (int o = 0; o < N_OPTIONAL; o++)
		column_buf_clear(optional(rows, o));
	rows->n = 0;
}

size_t rows_size(const struct rows *rows)
{
	size_t size = n_fields(rows->schema) * sizeof *rows->dims;

	for (uint32_t i = 0; i < n_fields(rows->schema); i++)
		size += column_buf_size(field_column(rows, i));
	for (int o = 0; o < N_OPTIONAL; o++)
		size += column_buf_size(optional_of(rows, o));
	return size;
}

/* ---- appending ---- */

static teg_status append(struct column_buf *to, const struct column_buf *from, const uint32_t *at,
                         uint32_t first, uint32_t n)
{
	struct column view = column_buf_view(from);

	return at ? column_buf_gather(to, &view, at, n) : column_buf_append(to, &view, first, n);
}

static teg_status append_optional(struct rows *rows, const struct rows *from, int which,
                                  const uint32_t *at, uint32_t first, uint32_t n)
{
	struct column_buf *to = optional(rows, which);
	const struct column_buf *source = optional_of(from, which);

	if (!to->n && !source->n)
		return TEG_OK;
	if (!to->n && rows->n)
		TEG_TRY(add_default(to, which, rows->n));
	return source->n ? append(to, source, at, first, n) : add_default(to, which, n);
}

static teg_status append_all(struct rows *rows, const struct rows *from, const uint32_t *at,
                             uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n_fields(rows->schema); i++) {
		if (rows->implicit_ids && i < rows->schema->n_dims)
			continue;
		TEG_TRY(append(field_column(rows, i), field_column(from, i), at, first, n));
	}
	for (int o = 0; o < N_OPTIONAL; o++)
		TEG_TRY(append_optional(rows, from, o, at, first, n));
	return TEG_OK;
}

/* Takes back what a failed append has added. */
static void cut(struct rows *rows, uint32_t n, unsigned had)
{
	for (uint32_t i = 0; i < n_fields(rows->schema); i++)
		column_buf_truncate(field_column(rows, i), n);
	for (int o = 0; o < N_OPTIONAL; o++)
		column_buf_truncate(optional(rows, o), had >> o & 1 ? n : 0);
}

void rows_truncate(struct rows *rows, uint32_t n)
{
	cut(rows, n, UINT32_MAX);
	rows->n = n < rows->n ? n : rows->n;
}

static teg_status append_rows(struct rows *rows, const struct rows *from, const uint32_t *at,
                              uint32_t first, uint32_t n, teg_error *err)
{
	unsigned had = 0;
	teg_status status;

	if (n > UINT32_MAX - rows->n)
		return teg_fail(err, TEG_LIMIT, "more than 4,294,967,295 rows at once");
	if (!rows->n)
		rows->implicit_ids = from->implicit_ids;
	for (int o = 0; o < N_OPTIONAL; o++)
		had |= (optional(rows, o)->n ? 1u : 0) << o;
	status = append_all(rows, from, at, first, n);
	if (status != TEG_OK) {
		cut(rows, rows->n, had);
		return teg_fail(err, status,
		                status == TEG_NOMEM ? "no memory for %u rows"
		                                    : "%u rows: a text column would exceed 2 GiB",
		                n);
	}
	rows->n += n;
	return TEG_OK;
}

teg_status rows_gather(struct rows *rows, const struct rows *from, const uint32_t *at, uint32_t n,
                       teg_error *err)
{
	return append_rows(rows, from, at, 0, n, err);
}

teg_status rows_append(struct rows *rows, const struct rows *from, uint32_t first, uint32_t n,
                       teg_error *err)
{
	return append_rows(rows, from, NULL, first, n, err);
}

/* ---- single rows ---- */

/* By way of another column: what lies in children moves when they grow. */
static teg_status repeat_nested(struct column_buf *column, uint32_t i)
{
	struct column view = column_buf_view(column);
	struct column_buf copy;
	teg_status status;

	column_buf_init_as(&copy, column_buf_layout(column), column->alloc);
	status = column_buf_append(&copy, &view, i, 1);
	view = column_buf_view(&copy);
	if (status == TEG_OK)
		status = column_buf_append(column, &view, 0, 1);
	column_buf_release(&copy);
	return status;
}

/* Appends value i of a column to itself. Room first, so that the view stays good. */
static teg_status repeat(struct column_buf *column, uint32_t i)
{
	struct column view = column_buf_view(column);

	if (shape_is_nested(column->shape))
		return repeat_nested(column, i);
	TEG_TRY(column_buf_reserve(column, 1, column_value(&view, i).len));
	view = column_buf_view(column);
	return column_buf_append(column, &view, i, 1);
}

teg_status rows_repeat(struct rows *rows, uint32_t i, uint32_t *copy_out, teg_error *err)
{
	teg_status status = TEG_OK;
	uint32_t n = rows->n;

	for (uint32_t f = 0; status == TEG_OK && f < n_fields(rows->schema); f++)
		if (field_column(rows, f)->n)
			status = repeat(field_column(rows, f), i);
	for (int o = 0; status == TEG_OK && o < N_OPTIONAL; o++)
		if (optional(rows, o)->n)
			status = repeat(optional(rows, o), i);
	if (status != TEG_OK || n == UINT32_MAX) {
		cut(rows, n, UINT32_MAX);
		return teg_fail(err, status == TEG_OK ? TEG_LIMIT : status,
		                "no room for one more row");
	}
	*copy_out = rows->n++;
	return TEG_OK;
}

static void put_i64(struct column_buf *column, uint32_t i, int64_t v)
{
	memcpy(column->values + (size_t)i * sizeof v, &v, sizeof v);
}

teg_status rows_set_valid(struct rows *rows, uint32_t i, int64_t from, int64_t until,
                          teg_error *err)
{
	teg_status status = TEG_OK;

	if (!rows->valid_from.n && from != INT64_MIN)
		status = add_default(&rows->valid_from, VALID_FROM, rows->n);
	if (status == TEG_OK && !rows->valid_until.n && until != INT64_MAX)
		status = add_default(&rows->valid_until, VALID_UNTIL, rows->n);
	if (status != TEG_OK)
		return teg_fail(err, status, "no memory for the valid times of %u rows", rows->n);
	if (rows->valid_from.n)
		put_i64(&rows->valid_from, i, from);
	if (rows->valid_until.n)
		put_i64(&rows->valid_until, i, until);
	return TEG_OK;
}

bool rows_same_key(const struct rows *rows, uint32_t i, uint32_t j)
{
	for (uint32_t d = 0; d < rows->schema->n_dims; d++) {
		struct column view = column_buf_view(&rows->dims[d]);
		enum value_class class = rows->schema->dims[d].class;

		if (rows->implicit_ids)
			return i == j;
		if (class == VALUE_BYTES
		            ? !span_equal(column_value(&view, i), column_value(&view, j))
		            : lane_of_value(class, column_value(&view, i)) !=
		                      lane_of_value(class, column_value(&view, j)))
			return false;
	}
	return true;
}
