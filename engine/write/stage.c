#include "engine/write/stage.h"
#include "codec/base/options.h"
#include "engine/write/convert.h"
#include "engine/write/interval.h"
#include "engine/write/replay.h"
#include "engine/write/rules.h"

/* Which of the caller's columns each field takes; lives for one call. */
struct match {
	const struct schema *schema;
	teg_put_options put;
	const struct stage_options *options;
	const teg_column **of_field; /* dimensions, then attributes; NULL: none */
	size_t n_fields;
	const teg_column *valid_from, *valid_until;
	const teg_column *system_time, *row_kind, *ignored;
	bool appends;
};

static teg_put_options no_options(void)
{
	teg_put_options put;

	memset(&put, 0, sizeof put);
	put.struct_size = sizeof put;
	return put;
}

static bool table_appends(const struct schema *schema, const teg_put_options *put, bool tombstones)
{
	return schema->kind == TEG_TABLE && !put->row_id_column && !tombstones;
}

bool stage_appends(const struct schema *schema, const struct stage_options *options)
{
	teg_put_options put = no_options();

	if (!options_take(&put, sizeof put, options->put))
		put = no_options();
	return table_appends(schema, &put, options->tombstones);
}

/* ---- matching ---- */

static teg_status refuse_column(teg_error *err, const char *column, const char *why)
{
	return refuse_value(err, TEG_SCHEMA, column, -1, why);
}

/* Where the column of that name belongs; NULL: nowhere. */
static const teg_column **place_of(struct match *m, const char *name)
{
	const struct schema *s = m->schema;
	const struct field *f;

	if (m->put.valid_from_column && !strcmp(name, m->put.valid_from_column))
		return &m->valid_from;
	if (m->put.valid_until_column && !strcmp(name, m->put.valid_until_column))
		return &m->valid_until;
	if (m->put.row_id_column && !strcmp(name, m->put.row_id_column))
		return &m->of_field[0];
	if (m->put.system_time_column && !strcmp(name, m->put.system_time_column))
		return &m->system_time;
	if (m->put.row_kind_column && !strcmp(name, m->put.row_kind_column))
		return &m->row_kind;
	f = schema_field(s, name);
	if (!f) /* what an export of all versions has besides is derived */
		return m->put.system_time_column && !strcmp(name, "system_until") ? &m->ignored
		                                                                  : NULL;
	if (f->id >= COLUMN_ID_ATTRIBUTE)
		return m->options->tombstones ? NULL
		                              : &m->of_field[s->n_dims + (size_t)(f - s->attrs)];
	/* The id of an appended row is the store's to give, that of others comes by its role. */
	if (m->appends || m->put.row_id_column)
		return NULL;
	return &m->of_field[f->id];
}

static teg_status match_column(struct match *m, const teg_column *column, teg_error *err)
{
	const teg_column **place;

	if (!column->name)
		return teg_fail(err, TEG_MISUSE, "a column has no name");
	place = place_of(m, column->name);
	if (!place)
		return refuse_column(
			err, column->name,
			m->appends && !strcmp(column->name, "row_id")
				? "the store gives row ids; set row_id_column to update rows"
				: "the array has no such column");
	if (*place)
		return refuse_column(err, column->name, "the column comes twice");
	*place = column;
	return TEG_OK;
}

static const struct field *field_at(const struct schema *s, size_t i)
{
	return i < s->n_dims ? &s->dims[i] : &s->attrs[i - s->n_dims];
}

static teg_status check_missing(const struct match *m, teg_error *err)
{
	const struct schema *s = m->schema;
	size_t n = m->options->tombstones ? s->n_dims : m->n_fields;

	if (m->put.valid_from_column && !m->valid_from)
		return refuse_column(err, m->put.valid_from_column, "the column is missing");
	if (m->put.valid_until_column && !m->valid_until)
		return refuse_column(err, m->put.valid_until_column, "the column is missing");
	if (m->put.system_time_column && !m->system_time)
		return refuse_column(err, m->put.system_time_column, "the column is missing");
	if (m->put.row_kind_column && !m->row_kind)
		return refuse_column(err, m->put.row_kind_column, "the column is missing");
	for (size_t i = m->appends ? s->n_dims : 0; i < n; i++) {
		const struct field *f = field_at(s, i);
		bool may_be_filled = i >= s->n_dims && f->nullable && m->put.fill_missing;

		if (!m->of_field[i] && !may_be_filled)
			return refuse_column(err, f->name, "the column is missing");
	}
	return TEG_OK;
}

static teg_status check_types(const struct match *m, teg_error *err)
{
	char from[96], to[96];

	for (size_t i = 0; i < m->n_fields; i++) {
		const struct field *f = field_at(m->schema, i);
		const teg_column *c = m->of_field[i];

		if (!c || !c->type.type || convert_allowed(&c->type, &f->type))
			continue;
		type_name(&c->type, from, sizeof from);
		type_name(&f->type, to, sizeof to);
		teg_fail(err, TEG_SCHEMA, "column %s: %s does not become %s", c->name, from, to);
		return error_in_column(err, TEG_SCHEMA, c->name);
	}
	return TEG_OK;
}

static teg_status match_columns(struct match *m, const teg_column *columns, size_t n_columns,
                                teg_error *err)
{
	if (m->put.row_id_column && m->schema->kind != TEG_TABLE)
		return teg_fail(err, TEG_MISUSE, "row_id_column: only a table has row ids");
	TEG_TRY(interval_check_options(m->schema, &m->put, err));
	TEG_TRY(replay_check_options(m->schema, &m->put, m->options->tombstones, err));
	for (size_t i = 0; i < n_columns; i++)
		TEG_TRY(match_column(m, &columns[i], err));
	TEG_TRY(check_missing(m, err));
	return check_types(m, err);
}

/* ---- appending ---- */

static teg_status append_nulls(struct column_buf *column, size_t n, teg_error *err)
{
	if (column_buf_append_nulls(column, n) != TEG_OK)
		return teg_fail(err, TEG_NOMEM, "no memory for %zu rows", n);
	return TEG_OK;
}

static teg_status append_field(const struct match *m, size_t i, struct column_buf *column, size_t n,
                               teg_error *err)
{
	const struct field *f = field_at(m->schema, i);
	const teg_column *c = m->of_field[i];
	struct field loose = *f;
	size_t first = column->n;

	if (!c)
		return append_nulls(column, n, err);
	TEG_TRY(convert_append_field(c, f, n, column, err));
	if (m->system_time && i >= m->schema->n_dims) { /* null by kind: replay_append() */
		loose.nullable = true;
		f = &loose;
	}
	if (m->options->boxes && i < m->schema->n_dims) {
		loose.has_domain = false;
		loose.lo = 0;
		loose.hi = UINT64_MAX;
		f = &loose;
	}
	return check_values(f, i < m->schema->n_dims, column, first, m->options->max_value_len,
	                    err);
}

static teg_status check_row_ids(const struct column_buf *ids, size_t first, teg_error *err)
{
	const int64_t *values = (const int64_t *)(const void *)ids->values;

	for (size_t i = first; i < ids->n; i++)
		if (values[i] < 0)
			return refuse_value(err, TEG_DOMAIN, "row_id", (int64_t)(i - first),
			                    "a row id is not negative");
	return TEG_OK;
}

static teg_status append_kind(struct rows *rows, const struct stage_options *options, size_t n,
                              teg_error *err)
{
	static const uint8_t live = ROW_LIVE;
	uint8_t kind = ROW_LIVE;

	if (options->tombstones)
		kind = options->erases ? (uint8_t)options->erases : ROW_TOMBSTONE;
	return optional_append(&rows->kind, rows->n, &live, &kind, n, err);
}

static teg_status append_all(const struct match *m, struct rows *rows, size_t n, teg_error *err)
{
	const struct schema *s = m->schema;

	for (size_t i = m->appends ? s->n_dims : 0; i < m->n_fields; i++)
		TEG_TRY(append_field(m, i,
		                     i < s->n_dims ? &rows->dims[i] : &rows->attrs[i - s->n_dims],
		                     n, err));
	if (s->kind == TEG_TABLE && !m->appends)
		TEG_TRY(check_row_ids(&rows->dims[0], rows->n, err));
	TEG_TRY(interval_append(rows, m->valid_from, m->valid_until, &m->put, n, err));
	if (m->system_time)
		return replay_append(rows, m->system_time, m->row_kind, n, err);
	if (rows->system_from.n && n)
		return teg_fail(err, TEG_MISUSE,
		                "rows with and without system times do not mix in a transaction");
	return append_kind(rows, m->options, n, err);
}

uint64_t stage_size(const struct schema *schema, const teg_column *columns, size_t n_columns,
                    size_t n_rows)
{
	uint64_t size = 0;

	for (size_t i = 0; columns && i < n_columns; i++) {
		const teg_column *c = &columns[i];
		const struct field *f = c->name ? schema_field(schema, c->name) : NULL;

		if (f)
			size += convert_size(c, c->type.type ? &c->type : &f->type, 0, n_rows);
	}
	return size;
}

/* ---- all or nothing ---- */

/* Back to rows->n rows; `optional` columns that came into being go. */
static void cut_rows(struct rows *rows, bool had_from, bool had_until, bool had_kind)
{
	for (uint32_t d = 0; d < rows->schema->n_dims; d++)
		column_buf_truncate(&rows->dims[d], rows->n);
	for (uint32_t i = 0; i < rows->schema->n_attrs; i++)
		column_buf_truncate(&rows->attrs[i], rows->n);
	column_buf_truncate(&rows->valid_from, had_from ? rows->n : 0);
	column_buf_truncate(&rows->valid_until, had_until ? rows->n : 0);
	column_buf_truncate(&rows->kind, had_kind ? rows->n : 0);
	column_buf_truncate(&rows->system_from, rows->system_from.n ? rows->n : 0);
}

static teg_status check_room(const struct match *m, const struct rows *rows, size_t n,
                             teg_error *err)
{
	if (n > UINT32_MAX - rows->n)
		return teg_fail(err, TEG_LIMIT, "%zu rows are more than one put holds", n);
	if (m->schema->kind == TEG_TABLE && rows->n && rows->implicit_ids != m->appends)
		return teg_fail(err, TEG_MISUSE, "appended and named rows do not mix");
	return TEG_OK;
}

static teg_status stage_matched(const struct match *m, struct rows *rows, size_t n, teg_error *err)
{
	bool had_from = rows->valid_from.n, had_until = rows->valid_until.n,
	     had_kind = rows->kind.n;
	teg_status status = append_all(m, rows, n, err);

	if (status == TEG_OK && !m->options->tombstones)
		status = rules_check(m->schema, rows->attrs, rows->n, n, err);
	if (status != TEG_OK) {
		cut_rows(rows, had_from, had_until, had_kind);
		return status;
	}
	if (n)
		rows->implicit_ids = m->appends;
	rows->n += (uint32_t)n;
	return TEG_OK;
}

teg_status stage_columns(struct rows *rows, const teg_column *columns, size_t n_columns,
                         size_t n_rows, const struct stage_options *options, teg_error *err)
{
	struct match m = { .schema = rows->schema, .options = options };
	teg_status status;

	if (!options_take(&m.put, sizeof m.put, options->put))
		return teg_fail(err, TEG_MISUSE,
		                "the put options' struct_size is not one this build knows");
	m.appends = table_appends(m.schema, &m.put, options->tombstones);
	m.n_fields = m.schema->n_dims + m.schema->n_attrs;
	m.of_field = mem_zalloc(rows->alloc, m.n_fields * sizeof *m.of_field);
	if (!m.of_field)
		return teg_fail(err, TEG_NOMEM, "no memory to match columns");
	TEG_DO(match_columns(&m, columns, n_columns, err));
	TEG_DO(check_room(&m, rows, n_rows, err));
	status = stage_matched(&m, rows, n_rows, err);
done:
	mem_free(rows->alloc, m.of_field, m.n_fields * sizeof *m.of_field);
	return status;
}
