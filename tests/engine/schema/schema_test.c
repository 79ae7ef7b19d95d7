#include "engine/schema/schema.h"
#include "codec/msgpack/pack.h"
#include "tests/support/scrap.h"
#include "tests/support/spec.h"
#include "tests/support/values.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

static const teg_attribute one_attr[] = { { .name = "a", .type = { .type = TEG_INT32 } } };
static const teg_dimension one_dim[] = { { .name = "x", .type = { .type = TEG_INT64 } } };

TestSuite(schema, .init = scrap_init, .fini = scrap_release);

/* ---- refusals ---- */

static const struct {
	const char *why;
	teg_status status;
	teg_kind kind;
	teg_dimension dim;
	teg_attribute attr;
	const char *column; /* that the error names */
} refused[] = {
	/* NA1 NB2 SCHEMA-5 SCHEMA-6 SCHEMA-7 */
	{ "lo above hi",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_INT64 }, I(2), I(1), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "text lo above hi",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_UTF8 }, S("samepreFix b"), S("samepreFix a"), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "one bound",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_INT64 }, I(2), { 0 }, 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "text bound",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_INT64 }, S("1"), I(1), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "float bound",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_INT64 }, F(0), I(1), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "bound out of type",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_INT8 }, I(0), I(128), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "negative bound",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_UINT64 }, I(-1), I(1), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "NaN bound",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_FLOAT64 }, F(0), F(NAN), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "inexact bound",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_FLOAT32 }, F(0), F(0.1), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "extent of a float",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_FLOAT64 }, { 0 }, { 0 }, 4, NULL, 0 },
	  { 0 },
	  "x" },
	{ "extent of text",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { "x", { .type = TEG_UTF8 }, { 0 }, { 0 }, 4, NULL, 0 },
	  { 0 },
	  "x" },
	{ "bool dimension",
	  TEG_UNSUPPORTED,
	  TEG_SPARSE,
	  { .name = "x", .type = { .type = TEG_BOOL } },
	  { 0 },
	  "x" },
	{ "decimal dimension",
	  TEG_UNSUPPORTED,
	  TEG_SPARSE,
	  { .name = "x", .type = { .type = TEG_DECIMAL128, .precision = 4 } },
	  { 0 },
	  "x" },
	{ "half dimension",
	  TEG_UNSUPPORTED,
	  TEG_SPARSE,
	  { .name = "x", .type = { .type = TEG_FLOAT16 } },
	  { 0 },
	  "x" },
	{ "no type", TEG_UNSUPPORTED, TEG_SPARSE, { .name = "x" }, { 0 }, "x" },
	{ "same name twice",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { .name = "a", .type = { .type = TEG_INT64 } },
	  { 0 },
	  "a" },
	{ "empty name",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { .name = "", .type = { .type = TEG_INT64 } },
	  { 0 },
	  "" },
	{ "control character",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { .name = "a\n", .type = { .type = TEG_INT64 } },
	  { 0 },
	  "" },
	{ "dense without domain",
	  TEG_SCHEMA,
	  TEG_DENSE,
	  { .name = "x", .type = { .type = TEG_INT64 } },
	  { 0 },
	  "x" },
	{ "dense float",
	  TEG_SCHEMA,
	  TEG_DENSE,
	  { "x", { .type = TEG_FLOAT64 }, F(0), F(1), 0, NULL, 0 },
	  { 0 },
	  "x" },
	{ "tile too large",
	  TEG_SCHEMA,
	  TEG_DENSE,
	  { "x", { .type = TEG_INT64 }, I(0), I(1000000), 65537, NULL, 0 },
	  { 0 },
	  "x" },
	{ "precision 39",
	  TEG_UNSUPPORTED,
	  TEG_SPARSE,
	  { 0 },
	  { .name = "d", .type = { .type = TEG_DECIMAL128, .precision = 39 } },
	  "d" },
	{ "no bytes at all",
	  TEG_UNSUPPORTED,
	  TEG_SPARSE,
	  { 0 },
	  { .name = "d", .type = { .type = TEG_FIXED_BYTES } },
	  "d" },
	{ "too many bytes",
	  TEG_UNSUPPORTED,
	  TEG_SPARSE,
	  { 0 },
	  { .name = "d", .type = { .type = TEG_FIXED_BYTES, .fixed_len = 65536 } },
	  "d" },
	{ "unknown unit",
	  TEG_UNSUPPORTED,
	  TEG_SPARSE,
	  { 0 },
	  { .name = "d", .type = { .type = TEG_TIMESTAMP, .unit = (teg_time_unit)4 } },
	  "d" },
	{ "fill of another type",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { 0 },
	  { .name = "d", .type = { .type = TEG_INT8 }, .fill = S("x") },
	  "d" },
	{ "fill out of range",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { 0 },
	  { .name = "d", .type = { .type = TEG_INT8 }, .fill = I(-129) },
	  "d" },
	{ "fill is not UTF-8",
	  TEG_SCHEMA,
	  TEG_SPARSE,
	  { 0 },
	  { .name = "d", .type = { .type = TEG_UTF8 }, .fill = S("\xff") },
	  "d" },
	{ "table with a dimension",
	  TEG_SCHEMA,
	  TEG_TABLE,
	  { .name = "x", .type = { .type = TEG_INT64 } },
	  { 0 },
	  "" },
};

Test(schema, refuses_and_names_what_is_wrong)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const teg_dimension *dim = refused[i].dim.name ? &refused[i].dim : one_dim;
		const teg_attribute *attr = refused[i].attr.name ? &refused[i].attr : one_attr;
		teg_spec spec = spec_make(TEG_SPARSE, dim, 1, attr, 1);
		const struct schema *schema = NULL;
		teg_error err = { 0 };

		spec.kind = refused[i].kind;
		cr_assert_eq(schema_from_spec(&spec, &arena, &schema, &err), refused[i].status,
		             "%s: %s", refused[i].why, err.message);
		cr_assert_eq(err.status, refused[i].status, "%s", refused[i].why);
		cr_assert_str_eq(err.column, refused[i].column, "%s", refused[i].why);
		cr_assert_null(schema);
	}
}

Test(schema, refuses_counts) /* NA1 X12 SCHEMA-7 */
{
	static const char *const names[] = { "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8",
		                             "a9", "b0", "b1", "b2", "b3", "b4", "b5", "b6" };
	teg_dimension dims[17] = { 0 };
	const struct schema *schema;
	teg_error err;
	teg_spec spec = spec_make(TEG_SPARSE, dims, 17, one_attr, 1);

	for (size_t d = 0; d < 17; d++)
		dims[d] = (teg_dimension){ .name = names[d], .type = { .type = TEG_INT32 } };
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, &err), TEG_SCHEMA);
	cr_assert(strstr(err.message, "17"), "%s", err.message);
	spec.n_dimensions = 16;
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, &err), TEG_OK);
	spec.n_dimensions = 0;
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, &err), TEG_SCHEMA);
	spec = spec_make(TEG_SPARSE, one_dim, 1, one_attr, 0);
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, &err), TEG_SCHEMA);
	spec = spec_make(TEG_SPARSE, one_dim, 1, NULL, 1);
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, &err), TEG_MISUSE);
}

static teg_status with(void (*change)(teg_spec *spec))
{
	teg_spec spec = spec_make(TEG_SPARSE, one_dim, 1, one_attr, 1);
	const struct schema *schema;
	teg_error err;

	change(&spec);
	return schema_from_spec(&spec, &arena, &schema, &err);
}

static void bad_kind(teg_spec *spec)
{
	spec->kind = (teg_kind)4;
}
static void bad_cells(teg_spec *spec)
{
	spec->cells = (teg_cells)2;
}
static void repeated_table(teg_spec *spec)
{
	spec->kind = TEG_TABLE;
	spec->n_dimensions = 0;
	spec->cells = TEG_CELLS_REPEATED;
}
static void bad_tile_order(teg_spec *spec)
{
	spec->tile_order = (teg_order)5;
}
static void bad_cell_order(teg_spec *spec)
{
	spec->cell_order = TEG_ORDER_Z;
}
static void bad_profile(teg_spec *spec)
{
	spec->profile = (teg_profile)3;
}
static void bad_tile_cells(teg_spec *spec)
{
	spec->tile_cells = TILE_CELLS_MAX + 1;
}
static void no_size(teg_spec *spec)
{
	spec->struct_size = 0;
}

Test(schema, refuses_choices) /* NA1 */
{
	cr_assert_eq(with(bad_kind), TEG_SCHEMA);
	cr_assert_eq(with(bad_cells), TEG_SCHEMA);
	cr_assert_eq(with(repeated_table), TEG_SCHEMA);
	cr_assert_eq(with(bad_tile_order), TEG_SCHEMA);
	cr_assert_eq(with(bad_cell_order), TEG_SCHEMA);
	cr_assert_eq(with(bad_profile), TEG_SCHEMA);
	cr_assert_eq(with(bad_tile_cells), TEG_SCHEMA);
	cr_assert_eq(with(no_size), TEG_MISUSE);
}

Test(schema, a_longer_spec_is_fine_where_the_rest_is_zero)
{
	struct {
		teg_spec spec;
		uint64_t later;
	} given = { spec_make(TEG_SPARSE, one_dim, 1, one_attr, 1), 0 };
	const struct schema *schema;

	given.spec.struct_size = sizeof given;
	cr_assert_eq(schema_from_spec(&given.spec, &arena, &schema, NULL), TEG_OK);
	given.later = 1;
	cr_assert_eq(schema_from_spec(&given.spec, &arena, &schema, NULL), TEG_MISUSE);
}

/* ---- what is made ---- */

static const teg_metadata pairs[] = { { "k", "v", 1, 1 },
	                              { "\0k", "", 2, 0 },
	                              { "k", "again", 1, 5 } };

static const teg_dimension many_dims[] = {
	{ "i", { .type = TEG_INT64 }, I(INT64_MIN), I(INT64_MAX), 1000, NULL, 0 },
	{ "u",
	  { .type = TEG_UINT64 },
	  { .type = TEG_UINT64, .as.u = 0 },
	  { .type = TEG_UINT64, .as.u = UINT64_MAX },
	  0,
	  NULL,
	  0 },
	{ "f", { .type = TEG_FLOAT64 }, F(-INFINITY), F(-0.0), 0, NULL, 0 },
	{ "t",
	  { .type = TEG_TIMESTAMP, .unit = TEG_NANO, .zone = "Europe/Berlin" },
	  { 0 },
	  { 0 },
	  10,
	  NULL,
	  0 },
	{ "d", { .type = TEG_DATE32 }, I(-5), I(5), 0, NULL, 0 },
	{ "s", { .type = TEG_UTF8 }, S(""), S("zzzzzzzzzzzz"), 0, NULL, 0 },
	{ .name = "b", .type = { .type = TEG_BYTES } },
};

static const teg_attribute many_attrs[] = {
	{ .name = "bool", .type = { .type = TEG_BOOL }, .fill = { .type = TEG_BOOL, .as.i = 1 } },
	{ .name = "half", .type = { .type = TEG_FLOAT16 }, .fill = F(-0.0) },
	{ .name = "float", .type = { .type = TEG_FLOAT32 }, .fill = F(NAN) },
	{ .name = "decimal",
	  .type = { .type = TEG_DECIMAL128, .precision = 38, .scale = -3 },
	  .nullable = true },
	{ .name = "time",
	  .type = { .type = TEG_TIMESTAMP, .unit = TEG_MILLI, .zone = "UTC" },
	  .fill = { .type = TEG_TIMESTAMP, .as.i = -1 } },
	{ .name = "span", .type = { .type = TEG_DURATION, .unit = TEG_SECOND }, .nullable = true },
	{ .name = "text",
	  .type = { .type = TEG_UTF8 },
	  .nullable = true,
	  .fill = S("none"),
	  .metadata = pairs,
	  .n_metadata = 3 },
	{ .name = "fixed",
	  .type = { .type = TEG_FIXED_BYTES, .fixed_len = 3 },
	  .fill = { .type = TEG_BYTES, .as.bytes = { "abc", 3 } } },
};

static teg_spec rich_spec(void)
{
	teg_spec spec = spec_make(TEG_SPARSE, many_dims, 7, many_attrs, 8);

	spec.valid_time = true;
	spec.cells = TEG_CELLS_REPEATED;
	spec.profile = TEG_SMALL;
	spec.tile_cells = 4096;
	spec.metadata = pairs;
	spec.n_metadata = 2;
	return spec;
}

static void check_rich(const struct schema *s)
{
	const struct field *f = schema_field(s, "text");

	cr_assert_eq(s->tile_order, TEG_ORDER_HILBERT);
	cr_assert_eq(s->cell_order, TEG_ORDER_ROW);
	cr_assert_eq(s->tile_cells, 4096);
	cr_assert(s->valid_time);
	cr_assert_eq(s->dims[0].lo, 0);
	cr_assert_eq(s->dims[0].hi, UINT64_MAX);
	cr_assert_not(signbit(s->dims[2].hi_value.as.f), "-0.0 is 0.0 as a bound"); /* SCHEMA-5 */
	cr_assert_eq(s->dims[2].hi, lane_of_f64(0.0));
	cr_assert_not(s->dims[3].has_domain);
	cr_assert_eq(s->dims[3].hi, UINT64_MAX);
	cr_assert_str_eq(s->dims[3].type.zone, "Europe/Berlin");
	cr_assert_eq(s->dims[5].lo_value.as.bytes.len, 0);
	cr_assert_eq(f->id, COLUMN_ID_ATTRIBUTE + 6);
	cr_assert_eq(schema_field_by_id(s, f->id), f);
	cr_assert(span_equal(f->fill, span_of_text("none")));
	cr_assert_eq(f->n_metadata, 3);
	cr_assert_arr_eq(f->metadata[1].key, "\0k", 2);
	cr_assert_null(schema_field(s, "decimal")->fill.at);
	cr_assert_arr_eq(schema_field(s, "half")->fill.at, "\0\x80", 2);
	cr_assert(isnan(s->spec.attributes[2].fill.as.f));
	cr_assert_null(schema_field(s, "nothing"));
	cr_assert_null(schema_field_by_id(s, 7));
	cr_assert_null(schema_field_by_id(s, COLUMN_ID_ATTRIBUTE + 8));
	cr_assert_null(schema_field_by_id(s, COLUMN_ID_KIND));
}

Test(schema, packs_and_comes_back_the_same) /* SCHEMA-1 to SCHEMA-9 */
{
	teg_spec spec = rich_spec();
	const struct schema *schema, *back, *third;
	struct buf out, again;

	buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
	buf_init(&again, &mem.alloc, BUF_NO_LIMIT);
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_OK);
	check_rich(schema);
	schema_pack(schema, &out);
	cr_assert_eq(schema_parse(buf_span(&out), &arena, &back, NULL), TEG_OK);
	check_rich(back);
	schema_pack(back, &again);
	cr_assert(span_equal(buf_span(&out), buf_span(&again)));
	cr_assert_arr_eq(schema->identity, back->identity, 16);
	/* What teg_array_spec gives declares the same array. */
	cr_assert_eq(schema_from_spec(&back->spec, &arena, &third, NULL), TEG_OK);
	cr_assert_arr_eq(schema->identity, third->identity, 16);
	buf_release(&out);
	buf_release(&again);
}

static void identity_of(const teg_spec *spec, uint8_t identity[16])
{
	const struct schema *schema;

	cr_assert_eq(schema_from_spec(spec, &arena, &schema, NULL), TEG_OK);
	memcpy(identity, schema->identity, 16);
}

Test(schema, identity_is_the_content) /* NA2: the array's name is no part of a schema at all */
{
	teg_attribute renamed = one_attr[0];
	teg_spec spec = spec_make(TEG_SPARSE, one_dim, 1, one_attr, 1);
	uint8_t a[16], b[16];

	identity_of(&spec, a);
	identity_of(&spec, b);
	cr_assert_arr_eq(a, b, 16);
	renamed.name = "b";
	spec.attributes = &renamed;
	identity_of(&spec, b);
	cr_assert(memcmp(a, b, 16) != 0);
	renamed = one_attr[0];
	renamed.nullable = true;
	identity_of(&spec, b);
	cr_assert(memcmp(a, b, 16) != 0);
}

Test(schema, a_table_has_row_id)
{
	teg_spec spec = spec_make(TEG_SPARSE, NULL, 0, one_attr, 1);
	const struct schema *schema, *again;

	spec.kind = TEG_TABLE;
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_OK);
	cr_assert_eq(schema->n_dims, 1);
	cr_assert_str_eq(schema->dims[0].name, "row_id");
	cr_assert_eq(schema->dims[0].type.type, TEG_INT64);
	cr_assert_eq(schema->spec.n_dimensions, 1);
	cr_assert_eq(schema->tile_order, TEG_ORDER_ROW);
	cr_assert_eq(schema_from_spec(&schema->spec, &arena, &again, NULL), TEG_OK);
	cr_assert_arr_eq(schema->identity, again->identity, 16);
}

static const struct {
	uint64_t span[3], given[3], extent[3];
	uint32_t tile_cells;
} extents[] = {
	/* SCHEMA-6 */
	{ { 1000000, 1, 1 }, { 0 }, { 65536, 1, 1 }, 0 },
	{ { 10000, 151, 40 }, { 0 }, { 40, 40, 40 }, 0 },
	{ { 10000, 151, 40 }, { 1, 0, 0 }, { 1, 151, 40 }, 0 },
	{ { 600, 400, 1 }, { 0 }, { 256, 256, 1 }, 0 },
	{ { 3, 3, 3 }, { 0 }, { 3, 3, 3 }, 0 },
	{ { 3, 3, 3 }, { 9, 0, 0 }, { 9, 3, 3 }, 0 },
	{ { 0, 3, 3 }, { 0, 0, 0 }, { 7281, 3, 3 }, 0 },
	{ { 0, 3, 3 }, { 100, 0, 0 }, { 100, 3, 3 }, 0 },
	{ { 1000, 1000, 1000 }, { 0 }, { 10, 10, 10 }, 1000 },
	{ { 1000, 1000, 1000 }, { 65536 / 64, 0, 0 }, { 1024, 8, 8 }, 65536 },
};

Test(schema, dense_extents_are_chosen_within_the_domain)
{
	for (size_t i = 0; i < sizeof extents / sizeof *extents; i++) {
		teg_dimension dims[3];
		teg_spec spec = spec_make(TEG_SPARSE, dims, 3, one_attr, 1);
		const struct schema *schema;

		for (int d = 0; d < 3; d++)
			dims[d] = (teg_dimension){ &"x\0y\0z" [2 * d],
				                   { .type = TEG_INT64 },
				                   I(-7),
				                   I((int64_t)extents[i].span[d] - 8),
				                   extents[i].given[d],
				                   NULL,
				                   0 };
		spec.kind = TEG_DENSE;
		spec.tile_cells = extents[i].tile_cells;
		cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_OK, "%zu", i);
		for (int d = 0; d < 3; d++)
			cr_assert_eq(schema->dims[d].extent, extents[i].extent[d], "%zu %d %llu", i,
			             d, (unsigned long long)schema->dims[d].extent);
	}
}

/* ---- damage and memory ---- */

Test(schema, every_cut_and_flip_of_the_bytes_ends_well) /* SCHEMA-10 */
{
	teg_spec spec = rich_spec();
	const struct schema *schema;
	struct buf out;

	buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_OK);
	schema_pack(schema, &out);
	for (size_t i = 0; i < out.len; i++) {
		struct arena scrap;

		arena_init(&scrap, &mem.alloc, SIZE_MAX);
		cr_assert_eq(schema_parse(span_of(out.at, i), &scrap, &schema, NULL), TEG_CORRUPT);
		for (int bit = 0; bit < 8; bit++) {
			teg_status status;

			out.at[i] ^= (uint8_t)(1 << bit);
			status = schema_parse(buf_span(&out), &scrap, &schema, NULL);
			cr_assert(status == TEG_OK || status == TEG_CORRUPT ||
			                  status == TEG_UNSUPPORTED,
			          "byte %zu bit %d: %d", i, bit, status);
			out.at[i] ^= (uint8_t)(1 << bit);
		}
		arena_release(&scrap);
	}
	buf_release(&out);
}

/* A packed schema whose one attribute is as given, and a dense dimension of that extent. */
static void put_by_hand(struct buf *out, uint32_t n_extra, bool nullable, uint64_t extent)
{
	teg_attribute attr = { .name = "a", .type = { .type = TEG_INT8 }, .nullable = nullable };
	teg_dimension dim = { "x", { .type = TEG_INT64 }, I(0), I(9), 5, NULL, 0 };
	teg_spec spec = spec_make(TEG_SPARSE, &dim, 1, &attr, 1);
	const struct schema *made;
	struct schema bent;
	struct field a;
	struct field x;

	spec.kind = TEG_DENSE;
	cr_assert_eq(schema_from_spec(&spec, &arena, &made, NULL), TEG_OK);
	bent = *made;
	a = made->attrs[0];
	x = made->dims[0];
	a.fill.at = NULL;
	x.extent = extent;
	bent.attrs = &a;
	bent.dims = &x;
	schema_pack(&bent, out);
	cr_assert_eq(out->at[0], 0x8c, "a map of twelve");
	out->at[0] = (uint8_t)(out->at[0] + n_extra);
	for (uint32_t i = 0; i < n_extra; i++) {
		pack_key(out, "of a later version");
		pack_u64(out, i);
	}
}

static const struct {
	const char *why;
	uint32_t n_extra;
	bool nullable;
	uint64_t extent;
	teg_status status;
} by_hand[] = {
	{ "as written", 0, true, 5, TEG_OK },
	{ "a key that we do not know", 1, true, 5, TEG_OK },            /* PACK-7 */
	{ "required, but its fill is null", 0, false, 5, TEG_CORRUPT }, /* SCHEMA-5 */
	{ "dense without extent", 0, true, 0, TEG_CORRUPT },            /* SCHEMA-6 */
	{ "an extent above the domain", 0, true, 11, TEG_OK },          /* SCHEMA-6 */
	{ "an extent above what a tile holds", 0, true, 65537, TEG_CORRUPT },
};

Test(schema, what_a_caller_may_leave_out_a_writer_may_not) /* SCHEMA-10 */
{
	for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++) {
		const struct schema *schema = NULL;
		struct buf out;

		buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
		put_by_hand(&out, by_hand[i].n_extra, by_hand[i].nullable, by_hand[i].extent);
		cr_assert_eq(schema_parse(buf_span(&out), &arena, &schema, NULL), by_hand[i].status,
		             "%s", by_hand[i].why);
		cr_assert_eq(schema != NULL, by_hand[i].status == TEG_OK);
		buf_release(&out);
	}
}

static teg_status make_pack_parse(const teg_allocator *alloc, void *ctx)
{
	const struct schema *schema, *back;
	teg_spec spec = rich_spec();
	struct arena scrap;
	struct buf out;
	teg_status status;

	(void)ctx;
	arena_init(&scrap, alloc, SIZE_MAX);
	buf_init(&out, alloc, BUF_NO_LIMIT);
	TEG_DO(schema_from_spec(&spec, &scrap, &schema, NULL));
	schema_pack(schema, &out);
	TEG_DO(buf_status(&out));
	TEG_DO(schema_parse(buf_span(&out), &scrap, &back, NULL));
done:
	buf_release(&out);
	arena_release(&scrap);
	return status;
}

Test(schema, every_failed_allocation_is_reported)
{
	cr_assert_gt(memory_fail_each(make_pack_parse, NULL), 3);
}

Test(schema, metadata_has_a_ceiling) /* SCHEMA-8 */
{
	static teg_metadata many[65537];
	teg_spec spec = spec_make(TEG_SPARSE, one_dim, 1, one_attr, 1);
	const struct schema *schema;

	for (size_t i = 0; i < 65537; i++)
		many[i] = pairs[0];
	spec.metadata = many;
	spec.n_metadata = 65537;
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_LIMIT);
	many[0].value_len = 16u << 20;
	spec.n_metadata = 1;
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_LIMIT);
}

Test(schema, ten_thousand_attributes_pack_and_parse)
{
	static char names[SCHEMA_ATTRIBUTES_MAX][16];
	static teg_attribute attrs[SCHEMA_ATTRIBUTES_MAX];
	teg_spec spec = spec_make(TEG_SPARSE, one_dim, 1, attrs, SCHEMA_ATTRIBUTES_MAX);
	const struct schema *schema;
	struct buf out;

	for (int i = 0; i < SCHEMA_ATTRIBUTES_MAX; i++) {
		snprintf(names[i], sizeof names[i], "a%d", i);
		attrs[i] = (teg_attribute){ .name = names[i], .type = { .type = TEG_INT32 } };
	}
	buf_init(&out, &mem.alloc, BUF_NO_LIMIT);
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_OK);
	schema_pack(schema, &out);
	cr_assert_eq(schema_parse(buf_span(&out), &arena, &schema, NULL), TEG_OK);
	cr_assert_eq(schema_field(schema, "a9999")->id, COLUMN_ID_ATTRIBUTE + 9999);
	attrs[9999].name = "a17";
	cr_assert_eq(schema_from_spec(&spec, &arena, &schema, NULL), TEG_SCHEMA);
	buf_release(&out);
}
