/* What staged values must be: not null where none may be, inside the domain, text that is text. */
#include "codec/base/checked.h"
#include "codec/base/utf8.h"
#include "engine/write/convert.h"

#define BLOCK 512

static bool is_valid(const struct column_buf *c, size_t i)
{
	return !c->n_nulls || bitmap_get(c->validity, i);
}

static struct span value_at(const struct column_buf *c, size_t i)
{
	struct column view = column_buf_view(c);

	return column_value(&view, i);
}

static teg_status check_nulls(const struct field *f, bool dimension, const struct column_buf *c,
                              size_t first, teg_error *err)
{
	if (!c->n_nulls || (f->nullable && !dimension))
		return TEG_OK;
	for (size_t i = first; i < c->n; i++)
		if (!is_valid(c, i))
			return refuse_value(err, dimension ? TEG_DOMAIN : TEG_SCHEMA, f->name,
			                    (int64_t)(i - first),
			                    "null in a column that must not be null");
	return TEG_OK;
}

static teg_status check_bools(const struct field *f, const struct column_buf *c, size_t first,
                              teg_error *err)
{
	for (size_t i = first; i < c->n; i++)
		if (c->values[i] > 1)
			return refuse_value(err, TEG_SCHEMA, f->name, (int64_t)(i - first),
			                    "a bool is one byte, 0 or 1");
	return TEG_OK;
}

/* ---- text ---- */

/* All of it at once: the run is UTF-8, and no value starts inside a character. */
static bool run_is_utf8(const struct column_buf *c, size_t first)
{
	int32_t from = c->offsets[first], to = c->offsets[c->n];

	if (!utf8_valid(span_of(c->values + from, (size_t)(to - from))))
		return false;
	for (size_t i = first; i < c->n; i++)
		if (c->offsets[i] < to && (c->values[c->offsets[i]] & 0xc0) == 0x80)
			return false;
	return true;
}

static teg_status check_utf8(const struct field *f, const struct column_buf *c, size_t first,
                             teg_error *err)
{
	if (first == c->n || run_is_utf8(c, first))
		return TEG_OK;
	for (size_t i = first; i < c->n; i++)
		if (!utf8_valid(value_at(c, i)))
			return refuse_value(err, TEG_SCHEMA, f->name, (int64_t)(i - first),
			                    "the text is not UTF-8");
	return TEG_OK;
}

static teg_status check_lengths(const struct field *f, const struct column_buf *c, size_t first,
                                size_t max, teg_error *err)
{
	for (size_t i = first; max && i < c->n; i++)
		if ((size_t)(c->offsets[i + 1] - c->offsets[i]) > max)
			return refuse_value(err, TEG_LIMIT, f->name, (int64_t)(i - first),
			                    "the value is longer than max_value_len");
	return TEG_OK;
}

/* ---- coordinates ---- */

/* One coordinate whose lane alone does not tell: text at a bound of its domain. */
static bool text_in_domain(const struct field *f, struct span value)
{
	return span_compare(value, span_of(f->lo_value.as.bytes.at, f->lo_value.as.bytes.len)) >=
	               0 &&
	       span_compare(value, span_of(f->hi_value.as.bytes.at, f->hi_value.as.bytes.len)) <= 0;
}

static bool in_domain(const struct field *f, const struct column_buf *c, size_t i, uint64_t lane)
{
	if (f->class == VALUE_BYTES)
		return !f->has_domain || text_in_domain(f, value_at(c, i));
	return lane >= f->lo && lane <= f->hi && (f->class != VALUE_FLOAT || lane != LANE_NAN);
}

/* The first of n lanes that must be looked at: outside the bounds, or NaN. */
static size_t first_doubtful(const uint64_t *lanes, size_t n, uint64_t lo, uint64_t hi)
{
	size_t doubtful = 0, i;

	for (i = 0; i < n; i++)
		doubtful += lanes[i] < lo || lanes[i] > hi;
	for (i = 0; doubtful && i < n; i++)
		if (lanes[i] < lo || lanes[i] > hi)
			return i;
	return n;
}

/* Bounds that only surely fitting lanes are within; a prefix at a bound needs a look. */
static void sure_bounds(const struct field *f, uint64_t *lo_out, uint64_t *hi_out)
{
	*lo_out = f->lo;
	*hi_out = f->hi;
	if (f->class == VALUE_FLOAT && f->hi == LANE_NAN)
		*hi_out = LANE_NAN - 1;
	if (f->class == VALUE_BYTES && f->has_domain) {
		*lo_out = 1;
		*hi_out = 0;
	}
}

static teg_status check_domain(const struct field *f, const struct column_buf *c, size_t first,
                               teg_error *err)
{
	struct column view = column_buf_view(c);
	uint64_t lanes[BLOCK], lo, hi;

	sure_bounds(f, &lo, &hi);
	if (lo == 0 && hi == UINT64_MAX)
		return TEG_OK;
	for (size_t at = first; at < c->n; at += BLOCK) {
		size_t n = size_min(BLOCK, c->n - at);

		lanes_of_column(&view, f->class, at, n, lanes);
		for (size_t i = first_doubtful(lanes, n, lo, hi); i < n; i++)
			if (!in_domain(f, c, at + i, lanes[i]))
				return refuse_value(
					err, TEG_DOMAIN, f->name, (int64_t)(at + i - first),
					f->class == VALUE_FLOAT && lanes[i] == LANE_NAN
						? "NaN is no coordinate"
						: "the coordinate is outside the domain");
	}
	return TEG_OK;
}

static void tidy_zeros(struct column_buf *c, size_t first)
{
	static const uint8_t minus[2][8] = { { 0, 0, 0, 0x80 }, { 0, 0, 0, 0, 0, 0, 0, 0x80 } };
	const uint8_t *minus_zero = minus[c->width == 8];

	for (size_t i = first; i < c->n; i++)
		if (!memcmp(c->values + i * c->width, minus_zero, c->width))
			memset(c->values + i * c->width, 0, c->width);
}

/* ---- what is nested ---- */

static teg_status check_tree(const struct field *f, struct column_buf *c, size_t first,
                             size_t max_value_len, teg_error *err);

/* The value of ours, counted from `first`, that value `at` of the child belongs to. */
static size_t owner_of(const struct column_buf *c, size_t first, size_t at)
{
	size_t lo = first, hi = c->n;

	if (c->shape == COLUMN_STRUCT)
		return at - first;
	if (c->shape == COLUMN_FIXED_LIST)
		return at / c->width - first;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((size_t)c->offsets[mid + 1] <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - first;
}

static teg_status check_children(const struct field *f, struct column_buf *c, size_t first,
                                 size_t max_value_len, teg_error *err)
{
	struct column view = column_buf_view(c);
	size_t from, n;

	column_child_range(&view, 0, first, &from, &n);
	from += n;
	for (uint32_t i = 0; i < f->n_children && c->n > first; i++) {
		teg_status status =
			check_tree(&f->children[i], &c->children[i], from, max_value_len, err);

		if (status != TEG_OK)
			return convert_lift(err, status, f->children[i].name,
			                    err && err->row >= 0
			                            ? (int64_t)owner_of(c, first,
			                                                from + (size_t)err->row)
			                            : -1);
	}
	return TEG_OK;
}

/* Errors name no column yet: see convert_lift. */
static teg_status check_tree(const struct field *f, struct column_buf *c, size_t first,
                             size_t max_value_len, teg_error *err)
{
	struct field nameless = *f;

	nameless.name = NULL;
	TEG_TRY(check_nulls(&nameless, false, c, first, err));
	if (shape_is_nested(f->shape))
		return check_children(f, c, first, max_value_len, err);
	return check_values(&nameless, false, c, first, max_value_len, err);
}

teg_status check_values(const struct field *field, bool dimension, struct column_buf *column,
                        size_t first, size_t max_value_len, teg_error *err)
{
	if (shape_is_nested(field->shape)) {
		teg_status status = check_tree(field, column, first, max_value_len, err);

		return status == TEG_OK ? TEG_OK : convert_name_error(err, status, field->name);
	}
	TEG_TRY(check_nulls(field, dimension, column, first, err));
	if (field->type.type == TEG_BOOL)
		TEG_TRY(check_bools(field, column, first, err));
	if (field->shape == COLUMN_BYTES)
		TEG_TRY(check_lengths(field, column, first, max_value_len, err));
	if (field->type.type == TEG_UTF8)
		TEG_TRY(check_utf8(field, column, first, err));
	if (!dimension)
		return TEG_OK;
	if (field->class == VALUE_FLOAT)
		tidy_zeros(column, first);
	return check_domain(field, column, first, err);
}
