#include "tests/support/crowd.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/* ---- the schema ---- */

static const struct {
	const char *name;
	teg_data_type type;
	const char *fill; /* of the attributes that have one: text, or the low byte of a number */
} attributes[] = {
	{ "b", { .type = TEG_BOOL }, NULL },
	{ "i8", { .type = TEG_INT8 }, NULL },
	{ "i16", { .type = TEG_INT16 }, NULL },
	{ "i32", { .type = TEG_INT32 }, "5" },
	{ "i64", { .type = TEG_INT64 }, NULL },
	{ "u8", { .type = TEG_UINT8 }, NULL },
	{ "u16", { .type = TEG_UINT16 }, "5" },
	{ "u32", { .type = TEG_UINT32 }, NULL },
	{ "u64", { .type = TEG_UINT64 }, NULL },
	{ "f16", { .type = TEG_FLOAT16 }, NULL },
	{ "f32", { .type = TEG_FLOAT32 }, NULL },
	{ "f64", { .type = TEG_FLOAT64 }, "5" },
	{ "cents", { .type = TEG_DECIMAL128, .precision = 20, .scale = 2 }, NULL },
	{ "kilos", { .type = TEG_DECIMAL128, .precision = 20, .scale = -3 }, NULL },
	{ "day", { .type = TEG_DATE32 }, NULL },
	{ "at_s", { .type = TEG_TIMESTAMP, .unit = TEG_SECOND, .zone = "UTC" }, NULL },
	{ "at_ms", { .type = TEG_TIMESTAMP, .unit = TEG_MILLI }, NULL },
	{ "at_us", { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "UTC" }, NULL },
	{ "at_ns", { .type = TEG_TIMESTAMP, .unit = TEG_NANO }, NULL },
	{ "lasts", { .type = TEG_DURATION, .unit = TEG_MILLI }, NULL },
	{ "s", { .type = TEG_UTF8 }, "common prefix 1" },
	{ "y", { .type = TEG_BYTES }, NULL },
	{ "fixed", { .type = TEG_FIXED_BYTES, .fixed_len = 3 }, NULL },
};

#define N_ATTRIBUTES (sizeof attributes / sizeof *attributes)

static void make_schema(struct crowd *crowd)
{
	static const teg_dimension dims[] = {
		{ .name = "k", .type = { .type = TEG_INT64 } },
		{ .name = "t", .type = { .type = TEG_UTF8 } },
		{ .name = "x", .type = { .type = TEG_FLOAT64 } },
	};
	teg_attribute attrs[N_ATTRIBUTES] = { { .name = NULL } };
	teg_spec spec = { .struct_size = sizeof spec,
		          .kind = TEG_SPARSE,
		          .cells = TEG_CELLS_REPEATED,
		          .tile_cells = 4,
		          .dimensions = dims,
		          .n_dimensions = 3,
		          .attributes = attrs,
		          .n_attributes = N_ATTRIBUTES };
	teg_error err;

	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		const char *fill = attributes[i].fill;

		attrs[i].name = attributes[i].name;
		attrs[i].type = attributes[i].type;
		attrs[i].nullable = true;
		if (fill && attrs[i].type.type == TEG_UTF8) {
			attrs[i].fill.type = TEG_UTF8;
			attrs[i].fill.as.bytes.at = fill;
			attrs[i].fill.as.bytes.len = strlen(fill);
		} else if (fill) {
			attrs[i].fill.type = TEG_INT64;
			attrs[i].fill.as.i = atoi(fill);
		}
	}
	cr_assert_eq(schema_from_spec(&spec, &crowd->arena, &crowd->schema, &err), TEG_OK, "%s",
	             err.message);
}

/* ---- cells ---- */

static unsigned width_of(const teg_data_type *t)
{
	static const unsigned widths[] = {
		[TEG_BOOL] = 1,        [TEG_INT8] = 1,    [TEG_INT16] = 2,     [TEG_INT32] = 4,
		[TEG_INT64] = 8,       [TEG_UINT8] = 1,   [TEG_UINT16] = 2,    [TEG_UINT32] = 4,
		[TEG_UINT64] = 8,      [TEG_FLOAT16] = 2, [TEG_FLOAT32] = 4,   [TEG_FLOAT64] = 8,
		[TEG_DECIMAL128] = 16, [TEG_DATE32] = 4,  [TEG_TIMESTAMP] = 8, [TEG_DURATION] = 8
	};

	return widths[t->type];
}

static void keep_integer(struct cell *cell, const teg_data_type *t, __int128 v)
{
	cell->i = v;
	cell->f = (long double)v;
	cell->len = width_of(t);
	memcpy(cell->bytes, &v, cell->len);
}

static void make_integer(struct crowd *crowd, const teg_data_type *t, struct cell *cell)
{
	bool is_signed = t->type < TEG_UINT8;
	unsigned bits = 8 * width_of(t);
	__int128 top = ((__int128)1 << (is_signed ? bits - 1 : bits)) - 1;
	__int128 bottom = is_signed ? -top - 1 : 0, v;

	switch (crowd_below(crowd, 8)) {
	case 0: v = top; break;
	case 1: v = bottom; break;
	case 2: v = top - (__int128)crowd_below(crowd, 3); break;
	case 3: v = bottom + (__int128)(rng_u64(crowd->rng) & (uint64_t)top); break;
	case 4:
		v = top > ((__int128)1 << 54)
		            ? ((__int128)1 << 53) + (__int128)crowd_below(crowd, 3)
		            : 7;
		break;
	default: v = (__int128)crowd_below(crowd, 12) - (is_signed ? 6 : 0);
	}
	keep_integer(cell, t, v);
}

static void make_float(struct crowd *crowd, const teg_data_type *t, struct cell *cell)
{
	/* Each can be told as a float16 too. */
	static const struct {
		double f;
		uint16_t half;
	} pool[] = { { 0.0, 0 },           { -0.0, 0x8000 },      { 1.0, 0x3c00 },
		     { 2.5, 0x4100 },      { -2.5, 0xc100 },      { 5.0, 0x4500 },
		     { 65504.0, 0x7bff },  { 0x1p-24, 1 },        { -0x1p-15, 0x8200 },
		     { INFINITY, 0x7c00 }, { -INFINITY, 0xfc00 }, { NAN, 0x7e01 },
		     { NAN, 0xfe00 } };
	static const double wide[] = { 0.1,
		                       1e22,
		                       9007199254740992.0,
		                       -9.3e18,
		                       1.8446744073709552e19,
		                       1.7976931348623157e308,
		                       5e-324,
		                       0.30000001192092896 };
	size_t pick = crowd_below(crowd, sizeof pool / sizeof *pool);
	double f = pool[pick].f;
	uint16_t half = pool[pick].half;
	float narrow;

	cell->len = width_of(t);
	if (t->type != TEG_FLOAT16 && !crowd_below(crowd, 3))
		f = wide[crowd_below(crowd, sizeof wide / sizeof *wide)];
	if (t->type == TEG_FLOAT32 && fabs(f) > 3e38 && isfinite(f))
		f = 0.5;
	narrow = (float)f;
	if (t->type == TEG_FLOAT32)
		f = (double)narrow;
	if (isnan(f) && crowd_below(crowd, 2))
		f = -f;
	memcpy(cell->bytes,
	       t->type == TEG_FLOAT16   ? (void *)&half
	       : t->type == TEG_FLOAT32 ? (void *)&narrow
	                                : (void *)&f,
	       cell->len);
	cell->f = (long double)f;
}

static void make_run(struct crowd *crowd, const teg_data_type *t, struct cell *cell)
{
	static const char *const pool[] = { "",
		                            "a",
		                            "b",
		                            "ab",
		                            "JFK",
		                            "it's",
		                            "common p",
		                            "common prefix 1",
		                            "common prefix 2",
		                            "common prefix",
		                            "\xc3\xa9t\xc3\xa9",
		                            "zzzzzzzzz" };
	const char *text = pool[crowd_below(crowd, sizeof pool / sizeof *pool)];

	cell->len = strlen(text);
	memcpy(cell->bytes, text, cell->len);
	if (t->type == TEG_UTF8)
		return;
	if (t->type == TEG_FIXED_BYTES)
		cell->len = 3;
	for (size_t i = 0; i < cell->len; i++)
		if (!crowd_below(crowd, 4))
			cell->bytes[i] = (uint8_t)(crowd_below(crowd, 3) * 127);
}

void crowd_make_cell(struct crowd *crowd, const teg_data_type *t, struct cell *cell)
{
	if (crowd_is_integer(t))
		make_integer(crowd, t, cell);
	else if (crowd_is_float(t))
		make_float(crowd, t, cell);
	else if (crowd_is_run(t))
		make_run(crowd, t, cell);
	else if (t->type == TEG_BOOL)
		keep_integer(cell, t, crowd_below(crowd, 2));
	else if (t->type == TEG_DATE32)
		keep_integer(cell, t, (__int128)crowd_below(crowd, 9) - 4);
	else if (t->type == TEG_DECIMAL128 && !crowd_below(crowd, 4))
		keep_integer(cell, t, (__int128)rng_u64(crowd->rng) - INT64_MAX);
	else
		keep_integer(cell, t,
		             ((__int128)crowd_below(crowd, 9) - 4) *
		                     (crowd_below(crowd, 2) ? 1 : 250));
}

/* ---- columns ---- */

static void put_cell(struct crowd_column *column, const struct cell *cell)
{
	struct column_buf *b = &column->values;

	cr_assert_eq(cell->null ? column_buf_append_nulls(b, 1)
	                        : column_buf_append_value(b, span_of(cell->bytes, cell->len), 1),
	             TEG_OK);
}

static void fill_cell(struct cell *cell, const struct field *field)
{
	cell->null = !field->fill.at;
	if (cell->null)
		return;
	cell->len = field->fill.len;
	memcpy(cell->bytes, field->fill.at, cell->len);
	cell->i = 5;
	cell->f = 5;
}

static void add_column(struct crowd *crowd, const struct field *field, const char *name,
                       uint32_t id, teg_data_type type)
{
	struct crowd_column *column = &crowd->columns[crowd->n_columns++];
	bool own = id >= COLUMN_ID_SYSTEM_FROM, dimension = id < COLUMN_ID_ATTRIBUTE;
	int nulls = crowd_below(crowd, 6) ? (int)crowd_below(crowd, 4) : 100;

	*column = (struct crowd_column){ .field = field, .name = name, .id = id, .type = type };
	column->absent = !own && !dimension && !crowd_below(crowd, 5);
	column_buf_init(&column->values,
	                crowd_is_run(&type) && type.type != TEG_FIXED_BYTES ? COLUMN_BYTES
	                                                                    : COLUMN_FIXED,
	                field ? field->width : width_of(&type), teg_allocator_default());
	for (size_t i = 0; i < crowd->n; i++) {
		struct cell *cell = &column->cells[i];

		crowd_make_cell(crowd, &type, cell);
		if (dimension && isnan((double)cell->f)) { /* coordinates are never NaN */
			memset(cell->bytes, 0, sizeof cell->bytes);
			cell->f = 0;
		}
		cell->null =
			!dimension && id != COLUMN_ID_SYSTEM_FROM && id != COLUMN_ID_KIND &&
			(crowd_below(crowd, 10) < (uint64_t)nulls || (!own && crowd->kinds[i]));
		if (column->absent)
			fill_cell(cell, field);
		if (id == COLUMN_ID_KIND)
			keep_integer(cell, &type, crowd->kinds[i]);
		put_cell(column, cell);
	}
}

void crowd_init(struct crowd *crowd, struct rng *rng, size_t n)
{
	teg_data_type us = { .type = TEG_TIMESTAMP, .unit = TEG_MICRO };

	cr_assert_leq(n, CROWD_ROWS);
	memset(crowd, 0, sizeof *crowd);
	crowd->rng = rng;
	crowd->n = n;
	arena_init(&crowd->arena, teg_allocator_default(), SIZE_MAX);
	make_schema(crowd);
	for (size_t i = 0; i < n; i++)
		crowd->kinds[i] = (uint8_t)(crowd_below(crowd, 3) ? 0 : crowd_below(crowd, 3));
	for (uint32_t d = 0; d < crowd->schema->n_dims; d++) {
		const struct field *field = &crowd->schema->dims[d];

		add_column(crowd, field, field->name, field->id, field->type);
	}
	for (uint32_t a = 0; a < crowd->schema->n_attrs; a++) {
		const struct field *field = &crowd->schema->attrs[a];

		add_column(crowd, field, field->name, field->id, field->type);
	}
	add_column(crowd, NULL, "system_from", COLUMN_ID_SYSTEM_FROM, us);
	add_column(crowd, NULL, "system_until", COLUMN_ID_SYSTEM_UNTIL, us);
	add_column(crowd, NULL, "valid_from", COLUMN_ID_VALID_FROM, us);
	add_column(crowd, NULL, "row_kind", COLUMN_ID_KIND, (teg_data_type){ .type = TEG_UINT8 });
}

void crowd_release(struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->n_columns; i++)
		column_buf_release(&crowd->columns[i].values);
	arena_release(&crowd->arena);
}

const struct crowd_column *crowd_column(const struct crowd *crowd, uint32_t id)
{
	for (uint32_t i = 0; i < crowd->n_columns; i++)
		if (crowd->columns[i].id == id)
			return &crowd->columns[i];
	return NULL;
}
