/* Lists and structs of the caller's memory, appended to trees of ours. What null lists and structs hide
 * is left behind, so what lies below a null of ours is always tidy. */
#include <stdio.h>
#include "codec/base/checked.h"
#include "engine/write/convert.h"

/* Values [first, first + n) of a column of type `from`. */
struct source {
	const teg_column *column;
	const teg_data_type *from;
	size_t first, n;
};

static bool is_valid(const struct source *s, size_t i)
{
	const teg_column *c = s->column;

	return !c->validity || bitmap_get(c->validity, c->validity_bit + s->first + i);
}

/* ---- types ---- */

static bool same_names(const teg_data_type *a, const teg_data_type *b)
{
	for (size_t i = 0; a->type == TEG_STRUCT && i < a->n_children; i++)
		if (!a->children[i].name || strcmp(a->children[i].name, b->children[i].name) != 0)
			return false;
	return true;
}

bool convert_nested_allowed(const teg_data_type *from, const teg_data_type *to)
{
	bool lists = from->type != TEG_STRUCT && to->type != TEG_STRUCT;

	if (!type_is_nested(from->type) || !type_is_nested(to->type) ||
	    (from->type != to->type && !lists) || !from->children ||
	    from->n_children != to->n_children)
		return false;
	if (from->type == TEG_FIXED_LIST && to->type == from->type &&
	    from->list_size != to->list_size)
		return false;
	if (!same_names(from, to))
		return false;
	for (size_t i = 0; i < to->n_children; i++)
		if (!convert_allowed(&from->children[i].type, &to->children[i].type))
			return false;
	return true;
}

/* ---- errors: a child's row becomes ours, its name goes behind ours ---- */

teg_status convert_lift(teg_error *err, teg_status status, const char *child, int64_t row)
{
	char below[sizeof err->column];

	if (!err)
		return status;
	err->row = err->row < 0 ? -1 : row;
	memcpy(below, err->column, sizeof below);
	err->column[0] = 0;
	error_in_column(err, status, child);
	if (below[0]) {
		size_t len = strlen(err->column);

		snprintf(err->column + len, sizeof err->column - len, ".%s", below);
	}
	return status;
}

teg_status convert_name_error(teg_error *err, teg_status status, const char *column)
{
	char why[sizeof err->message];
	teg_error kept;

	if (!err || status == TEG_NOMEM)
		return status;
	convert_lift(err, status, column, err->row);
	kept = *err;
	memcpy(why, err->message, sizeof why);
	refuse_value(err, status, kept.column, kept.row, why);
	return status;
}

/* ---- appending ---- */

static teg_status append(const struct source *s, const struct field *to, struct column_buf *out,
                         teg_error *err);

static teg_status refuse(teg_error *err, teg_status status, size_t row, const char *why)
{
	return refuse_value(err, status, NULL, (int64_t)row, why);
}

static teg_status no_memory(teg_error *err, teg_status status)
{
	if (status == TEG_LIMIT)
		return refuse_value(err, status, NULL, -1, "a list holds more than 2^31 values");
	return teg_fail(err, TEG_NOMEM, "no memory for nested values");
}

static teg_status append_flat(const struct source *s, const struct field *to,
                              struct column_buf *out, teg_error *err)
{
	teg_column c = *s->column;
	enum column_shape shape;
	enum value_class class;
	uint32_t width;

	type_layout(s->from, &shape, &width, &class);
	c.name = NULL;
	c.validity_bit += s->first;
	if (c.values && shape == COLUMN_FIXED)
		c.values = (const uint8_t *)c.values +
		           (ptrdiff_t)s->first * (c.stride ? c.stride : (ptrdiff_t)width);
	if (c.offsets)
		c.offsets += s->first;
	if (c.large_offsets)
		c.large_offsets += s->first;
	return convert_append(&c, s->from, &to->type, s->n, out, err);
}

static teg_status set_validity(const struct source *s, struct column_buf *out, teg_error *err)
{
	const teg_column *c = s->column;
	teg_status status = TEG_OK;

	column_buf_count(out, s->n);
	if (c->validity)
		status = column_buf_set_validity(out, out->n - s->n, s->n, c->validity,
		                                 c->validity_bit + s->first);
	return status == TEG_OK ? TEG_OK : no_memory(err, status);
}

/* ---- lists of both kinds ---- */

struct range {
	int64_t from, to;
};

static struct range range_of(const struct source *s, size_t i)
{
	const teg_column *c = s->column;
	int64_t at = (int64_t)(s->first + i), size = s->from->list_size;

	if (s->from->type == TEG_FIXED_LIST)
		return (struct range){ at * size, (at + 1) * size };
	if (c->offsets)
		return (struct range){ c->offsets[at], c->offsets[at + 1] };
	return (struct range){ c->large_offsets[at], c->large_offsets[at + 1] };
}

/* Lists on their way: the values [run.from, run.to) of the child are still to be appended. */
struct lists {
	const struct source *source;
	const struct field *to;
	struct column_buf *out;
	struct range run;
	size_t run_row; /* the row it began with */
	teg_error *err;
};

static teg_status flush(struct lists *l)
{
	struct source child = { &l->source->column->children[0], &l->source->from->children[0].type,
		                (size_t)l->run.from, (size_t)(l->run.to - l->run.from) };
	const struct field *to = &l->to->children[0];
	teg_status status;
	size_t row = l->run_row;

	if (!child.n)
		return TEG_OK;
	status = append(&child, to, &l->out->children[0], l->err);
	if (status == TEG_OK)
		return TEG_OK;
	while (l->err && l->err->row >= 0 && row + 1 < l->source->n &&
	       (!is_valid(l->source, row) ||
	        range_of(l->source, row).to <= l->run.from + l->err->row))
		row++;
	return convert_lift(l->err, status, to->name, (int64_t)row);
}

static teg_status take_list(struct lists *l, size_t i)
{
	struct range r = range_of(l->source, i);
	bool fixed = l->out->shape == COLUMN_FIXED_LIST;

	if (r.from < 0 || r.to < r.from)
		return refuse(l->err, TEG_MISUSE, i, "its offsets descend or are negative");
	if (fixed && r.to - r.from != (int64_t)l->out->width)
		return refuse(l->err, TEG_SCHEMA, i, "the list is not as long as the type says");
	if (r.from != l->run.to) {
		TEG_TRY(flush(l));
		l->run = (struct range){ r.from, r.from };
		l->run_row = i;
	}
	l->run.to = r.to;
	return TEG_OK;
}

/* A null fixed list has values all the same: zeros. */
static teg_status take_null(struct lists *l, size_t i)
{
	teg_status status;

	if (l->out->shape == COLUMN_LIST)
		return TEG_OK;
	TEG_TRY(flush(l));
	l->run = (struct range){ -1, -1 };
	l->run_row = i;
	status = column_buf_append_zeros(&l->out->children[0], l->out->width);
	return status == TEG_OK ? TEG_OK : no_memory(l->err, status);
}

static void put_offsets(const struct source *s, struct column_buf *out)
{
	int32_t *to = out->offsets + out->n;

	for (size_t i = 0; i < s->n; i++) {
		struct range r = range_of(s, i);

		to[i + 1] = to[i] + (is_valid(s, i) ? (int32_t)(r.to - r.from) : 0);
	}
}

static teg_status append_lists(const struct source *s, const struct field *to,
                               struct column_buf *out, teg_error *err)
{
	struct lists l = { s, to, out, { 0, 0 }, 0, err };
	bool fixed = s->from->type == TEG_FIXED_LIST;
	bool one_run = fixed && out->shape == COLUMN_FIXED_LIST && !s->column->validity;

	if (fixed ? s->column->offsets || s->column->large_offsets
	          : !s->column->offsets == !s->column->large_offsets)
		return refuse_value(err, TEG_MISUSE, NULL, -1,
		                    "lists need offsets of one kind, fixed-size lists none");
	if (one_run)
		l.run = (struct range){ range_of(s, 0).from, range_of(s, s->n - 1).to };
	for (size_t i = 0; !one_run && i < s->n; i++)
		TEG_TRY(is_valid(s, i) ? take_list(&l, i) : take_null(&l, i));
	TEG_TRY(flush(&l));
	if (out->children[0].n > COLUMN_BYTES_MAX)
		return no_memory(err, TEG_LIMIT);
	if (out->shape == COLUMN_LIST)
		put_offsets(s, out);
	return set_validity(s, out, err);
}

/* ---- structs ---- */

static teg_status append_field(const struct source *s, uint32_t c, const struct field *to, size_t i,
                               size_t n, bool valid, struct column_buf *out, teg_error *err)
{
	struct source child = { &s->column->children[c], &s->from->children[c].type, s->first + i,
		                n };
	teg_status status;

	if (!valid) {
		status = column_buf_append_zeros(&out->children[c], n);
		return status == TEG_OK ? TEG_OK : no_memory(err, status);
	}
	status = append(&child, &to->children[c], &out->children[c], err);
	if (status == TEG_OK)
		return TEG_OK;
	return convert_lift(err, status, to->children[c].name, err ? err->row + (int64_t)i : -1);
}

static teg_status append_struct(const struct source *s, const struct field *to,
                                struct column_buf *out, teg_error *err)
{
	for (size_t i = 0, k; i < s->n; i += k) {
		bool valid = is_valid(s, i);

		for (k = 1; i + k < s->n && is_valid(s, i + k) == valid; k++)
			;
		for (uint32_t c = 0; c < to->n_children; c++)
			TEG_TRY(append_field(s, c, to, i, k, valid, out, err));
	}
	return set_validity(s, out, err);
}

static teg_status append(const struct source *s, const struct field *to, struct column_buf *out,
                         teg_error *err)
{
	teg_status status;

	if (!s->n)
		return TEG_OK;
	if (!shape_is_nested(to->shape))
		return append_flat(s, to, out, err);
	if (!s->column->children || s->column->n_children != to->n_children)
		return refuse_value(err, TEG_MISUSE, NULL, -1,
		                    "it has other children than its type");
	status = column_buf_reserve(out, s->n, 0);
	if (status != TEG_OK)
		return no_memory(err, status);
	if (to->shape == COLUMN_STRUCT)
		return append_struct(s, to, out, err);
	return append_lists(s, to, out, err);
}

uint64_t convert_size(const teg_column *column, const teg_data_type *type, size_t first, size_t n)
{
	const struct source s = { column, type, first, n };
	enum column_shape shape;
	enum value_class class;
	uint32_t width = 0;
	uint64_t size = 0;
	size_t each = type->type == TEG_FIXED_LIST ? type->list_size : 1;

	if (!n || !type_layout(type, &shape, &width, &class))
		return 0;
	if (shape == COLUMN_FIXED)
		return (uint64_t)n * width;
	if (shape_has_offsets(shape)) {
		if (!column->offsets && !column->large_offsets)
			return 0; /* refused later */
		struct range all = { range_of(&s, 0).from, range_of(&s, n - 1).to };

		size = 4 * (uint64_t)n;
		if (all.from < 0 || all.to < all.from)
			return size;
		first = (size_t)all.from;
		n = (size_t)(all.to - all.from);
	}
	if (shape == COLUMN_BYTES)
		return size + n;
	for (size_t i = 0; column->children && i < type->n_children && i < column->n_children; i++)
		size += convert_size(&column->children[i], &type->children[i].type, first * each,
		                     n * each);
	return size;
}

teg_status convert_append_field(const teg_column *column, const struct field *to, size_t n,
                                struct column_buf *out, teg_error *err)
{
	const teg_data_type *from = column->type.type ? &column->type : &to->type;
	struct source s = { column, from, 0, n };
	teg_status status;

	if (!to->n_children)
		return convert_append(column, from, &to->type, n, out, err);
	status = append(&s, to, out, err);
	return status == TEG_OK ? TEG_OK : convert_name_error(err, status, to->name);
}
