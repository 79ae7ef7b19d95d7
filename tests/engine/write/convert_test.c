#include "tests/engine/write/stage_fixture.h"

TestSuite(convert, .init = set_up, .fini = tear_down);

/* ---- conversions: B7 ---- */

enum { S = TEG_SECOND, MS = TEG_MILLI, US = TEG_MICRO, NS = TEG_NANO };

static const struct {
	teg_type from, to;
	int from_unit, to_unit;
	uint64_t in, out; /* bits */
	teg_status status;
} conversions[] = {
	{ TEG_INT8, TEG_INT64, 0, 0, 0x80, (uint64_t)-128, TEG_OK },
	{ TEG_INT16, TEG_INT32, 0, 0, 0x8000, 0xffff8000, TEG_OK },
	{ TEG_UINT8, TEG_INT16, 0, 0, 0xff, 0xff, TEG_OK },
	{ TEG_UINT32, TEG_INT64, 0, 0, UINT32_MAX, UINT32_MAX, TEG_OK },
	{ TEG_UINT16, TEG_UINT64, 0, 0, 0xffff, 0xffff, TEG_OK },
	{ TEG_UINT64, TEG_INT64, 0, 0, 1, 0, TEG_SCHEMA },
	{ TEG_INT64, TEG_UINT64, 0, 0, 1, 0, TEG_SCHEMA },
	{ TEG_INT8, TEG_UINT8, 0, 0, 1, 0, TEG_SCHEMA },
	{ TEG_INT64, TEG_INT32, 0, 0, 1, 0, TEG_SCHEMA },
	{ TEG_UINT8, TEG_INT8, 0, 0, 1, 0, TEG_SCHEMA },
	{ TEG_INT64, TEG_FLOAT64, 0, 0, UINT64_C(1) << 53, 0x4340000000000000u, TEG_OK },
	{ TEG_INT64, TEG_FLOAT64, 0, 0, (UINT64_C(1) << 53) + 1, 0, TEG_SCHEMA },
	{ TEG_INT64, TEG_FLOAT64, 0, 0, (UINT64_C(1) << 53) + 2, 0x4340000000000001u, TEG_OK },
	{ TEG_INT64, TEG_FLOAT64, 0, 0, (uint64_t)-9007199254740993, 0, TEG_SCHEMA },
	{ TEG_INT64, TEG_FLOAT64, 0, 0, 0x8000000000000000u, 0xc3e0000000000000u, TEG_OK },
	{ TEG_INT64, TEG_FLOAT64, 0, 0, INT64_MAX, 0, TEG_SCHEMA },
	{ TEG_UINT64, TEG_FLOAT64, 0, 0, 0x8000000000000000u, 0x43e0000000000000u, TEG_OK },
	{ TEG_UINT64, TEG_FLOAT64, 0, 0, UINT64_MAX, 0, TEG_SCHEMA },
	{ TEG_INT32, TEG_FLOAT32, 0, 0, 16777216, 0x4b800000, TEG_OK },
	{ TEG_INT32, TEG_FLOAT32, 0, 0, 16777217, 0, TEG_SCHEMA },
	{ TEG_INT32, TEG_FLOAT16, 0, 0, 1, 0, TEG_SCHEMA },
	{ TEG_FLOAT32, TEG_FLOAT64, 0, 0, 0x3f800000, 0x3ff0000000000000u, TEG_OK },
	{ TEG_FLOAT32, TEG_FLOAT64, 0, 0, 0x80000000, 0x8000000000000000u, TEG_OK },
	{ TEG_FLOAT16, TEG_FLOAT32, 0, 0, 0x3c00, 0x3f800000, TEG_OK },
	{ TEG_FLOAT16, TEG_FLOAT64, 0, 0, 0x8000, 0x8000000000000000u, TEG_OK },
	{ TEG_FLOAT64, TEG_FLOAT32, 0, 0, 0, 0, TEG_SCHEMA },
	{ TEG_FLOAT64, TEG_INT64, 0, 0, 0, 0, TEG_SCHEMA },
	{ TEG_BOOL, TEG_INT8, 0, 0, 1, 0, TEG_SCHEMA },
	{ TEG_TIMESTAMP, TEG_TIMESTAMP, S, NS, 5, 5000000000, TEG_OK },
	{ TEG_TIMESTAMP, TEG_TIMESTAMP, S, NS, INT64_MAX / 1000, 0, TEG_SCHEMA },
	{ TEG_TIMESTAMP, TEG_TIMESTAMP, NS, US, 5000, 5, TEG_OK },
	{ TEG_TIMESTAMP, TEG_TIMESTAMP, NS, US, 5001, 0, TEG_SCHEMA },
	{ TEG_TIMESTAMP, TEG_TIMESTAMP, NS, US, (uint64_t)-5000, (uint64_t)-5, TEG_OK },
	{ TEG_DURATION, TEG_DURATION, MS, S, 2000, 2, TEG_OK },
	{ TEG_DURATION, TEG_TIMESTAMP, MS, MS, 2000, 0, TEG_SCHEMA },
	{ TEG_INT64, TEG_TIMESTAMP, 0, US, 2000, 0, TEG_SCHEMA },
	{ TEG_TIMESTAMP, TEG_INT64, US, 0, 2000, 0, TEG_SCHEMA },
	{ TEG_DATE32, TEG_TIMESTAMP, 0, US, 1, 0, TEG_SCHEMA },
};

/* Whether the types fit and only the value did not: then the error names its row. */
static bool refused_by_value(size_t i)
{
	bool whole = conversions[i].from >= TEG_INT8 && conversions[i].from <= TEG_UINT64;

	if (conversions[i].to == TEG_FLOAT64 || conversions[i].to == TEG_FLOAT32)
		return whole;
	return conversions[i].from == conversions[i].to;
}

Test(convert, converts_where_no_value_changes) /* B7 */
{
	for (size_t i = 0; i < sizeof conversions / sizeof *conversions; i++) {
		teg_data_type to = { .type = conversions[i].to,
			             .unit = (teg_time_unit)conversions[i].to_unit };
		teg_data_type from = { .type = conversions[i].from,
			               .unit = (teg_time_unit)conversions[i].from_unit };
		uint64_t memory[2] = { 0, conversions[i].in };
		teg_column column = { .name = "a", .values = memory, .stride = 8, .type = from };
		struct rows rows;
		teg_error err = { .row = -1 };

		cr_assert_eq(put_a(table_of(to, false), &column, 2, &rows, &err),
		             conversions[i].status, "%zu: %s", i, err.message);
		if (conversions[i].status == TEG_OK) {
			cr_assert_eq(bits_of(&rows.attrs[0], 1), conversions[i].out, "%zu: %llx", i,
			             (unsigned long long)bits_of(&rows.attrs[0], 1));
		} else {
			cr_assert_eq(err.row, refused_by_value(i) ? 1 : -1, "%zu: %s", i,
			             err.message);
			cr_assert_str_eq(err.column, "a");
			cr_assert_eq(rows.n + rows.attrs[0].n, 0);
		}
		rows_release(&rows);
	}
}

Test(convert, a_null_slot_is_never_converted_and_becomes_zero)
{
	static const int64_t values[] = { 1, INT64_MAX, 3 };
	teg_column column = { .name = "a",
		              .values = values,
		              .validity = middle_null,
		              .type = { .type = TEG_INT64 } };
	struct rows rows;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_FLOAT64 }, true), &column, 3,
	                   &rows, NULL),
	             TEG_OK);
	cr_assert_eq(rows.attrs[0].n_nulls, 1);
	cr_assert_eq(bits_of(&rows.attrs[0], 1), 0);
	rows_release(&rows);
	column.type.type = TEG_INT64;
	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_INT64 }, true), &column, 3, &rows,
	                   NULL),
	             TEG_OK);
	cr_assert_eq(bits_of(&rows.attrs[0], 1), 0);
	cr_assert_eq(bits_of(&rows.attrs[0], 2), 3);
	rows_release(&rows);
}

Test(convert, null_and_nan_are_two_things) /* V3 */
{
	static const double values[] = { NAN, NAN, 1 };
	teg_column column = { .name = "a",
		              .values = values,
		              .validity = (const uint8_t[]){ 0x06 } };
	struct rows rows;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_FLOAT64 }, true), &column, 3,
	                   &rows, NULL),
	             TEG_OK);
	cr_assert_eq(rows.attrs[0].n_nulls, 1);
	cr_assert(!bitmap_get(rows.attrs[0].validity, 0) && bitmap_get(rows.attrs[0].validity, 1));
	cr_assert(isnan(((const double *)(const void *)rows.attrs[0].values)[1]));
	rows_release(&rows);
}

Test(convert, bits_are_never_tidied_in_attributes) /* H1 */
{
	static const uint64_t bits[] = { 0x7ff0000000000001u, 0xfff8dead00000000u,
		                         0x8000000000000000u, 1 };
	teg_column column = { .name = "a", .values = bits };
	struct rows rows;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_FLOAT64 }, false), &column, 4,
	                   &rows, NULL),
	             TEG_OK);
	cr_assert_arr_eq(rows.attrs[0].values, bits, sizeof bits);
	rows_release(&rows);
}

Test(convert, a_column_can_be_all_null_first) /* B8 */
{
	static const int32_t values[] = { 7, 8, 9 };
	teg_column column = { .name = "a", .values = values, .validity = (const uint8_t[]){ 0 } };
	struct rows rows;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_INT32 }, true), &column, 3, &rows,
	                   NULL),
	             TEG_OK);
	column.validity = NULL;
	cr_assert_eq(put(&rows, &column, 1, 3, NULL, NULL), TEG_OK);
	cr_assert_eq(rows.attrs[0].n_nulls, 3);
	cr_assert_eq(bits_of(&rows.attrs[0], 5), 9);
	rows_release(&rows);
}
