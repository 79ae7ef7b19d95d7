#include "tests/engine/write/stage_fixture.h"

TestSuite(interval, .init = set_up, .fini = tear_down);

/* ---- valid intervals ---- */

static const struct {
	const char *why;
	int64_t from, until;
	teg_status status;
	int64_t stored_from, stored_until;
} constants[] = {
	{ "all of time", 0, 0, TEG_OK, INT64_MIN, INT64_MAX },
	{ "an interval", -5, 5, TEG_OK, -5, 5 },
	{ "open start", INT64_MIN, 5, TEG_OK, INT64_MIN, 5 },
	{ "open end", 5, INT64_MAX, TEG_OK, 5, INT64_MAX },
	{ "the commit's time", TEG_TIME_OF_COMMIT, INT64_MAX, TEG_OK, TEG_TIME_OF_COMMIT,
	  INT64_MAX },
	{ "the commit's time, no end", TEG_TIME_OF_COMMIT, 0, TEG_OK, TEG_TIME_OF_COMMIT,
	  INT64_MAX },
	{ "the commit's time to an end", TEG_TIME_OF_COMMIT, 9, TEG_MISUSE, 0, 0 },
	{ "empty", 5, 5, TEG_MISUSE, 0, 0 },
	{ "backwards", 5, 4, TEG_MISUSE, 0, 0 },
	{ "ends at the commit", INT64_MIN, TEG_TIME_OF_COMMIT, TEG_MISUSE, 0, 0 },
	{ "never", INT64_MIN, INT64_MIN, TEG_MISUSE, 0, 0 },
};

Test(interval, one_interval_for_all)
{
	for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
		struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);
		teg_put_options with = { .struct_size = sizeof with,
			                 .valid_from = constants[i].from,
			                 .valid_until = constants[i].until };

		cr_assert_eq(put(&rows, good, 4, 3, NULL, NULL), TEG_OK);
		cr_assert_eq(put(&rows, good, 4, 3, &with, NULL), constants[i].status, "%s",
		             constants[i].why);
		if (constants[i].status == TEG_OK) {
			cr_assert_eq(rows_valid_from(&rows, 2), INT64_MIN);
			cr_assert_eq(rows_valid_until(&rows, 2), INT64_MAX);
			cr_assert_eq(rows_valid_from(&rows, 5), constants[i].stored_from, "%s",
			             constants[i].why);
			cr_assert_eq(rows_valid_until(&rows, 5), constants[i].stored_until, "%s",
			             constants[i].why);
		}
		cr_assert_eq(put(&rows, good, 4, 3, NULL, NULL), TEG_OK);
		cr_assert_eq(rows_valid_until(&rows, rows.n - 1), INT64_MAX);
		cr_assert(rows.valid_from.n == 0 || rows.valid_from.n == rows.n);
		rows_release(&rows);
	}
}

static const struct {
	const char *why;
	teg_data_type type;
	int64_t from[3], until[3]; /* the middle one is null where `nulls` */
	bool nulls;
	teg_status status;
	int64_t row;
} intervals[] = {
	{ "micros", { 0 }, { 1, 2, 3 }, { 2, 3, 4 }, false, TEG_OK, -1 },
	{ "open ends", { .type = TEG_INT64 }, { 1, 99, 3 }, { 2, 9, 4 }, true, TEG_OK, -1 },
	{ "nanos",
	  { .type = TEG_TIMESTAMP, .unit = TEG_NANO, .zone = "Asia/Tokyo" },
	  { 1000, 2000, 3000 },
	  { 2000, 3000, 4000 },
	  false,
	  TEG_OK,
	  -1 },
	{ "no whole micros",
	  { .type = TEG_TIMESTAMP, .unit = TEG_NANO },
	  { 1000, 2001, 3000 },
	  { 2000, 3000, 4000 },
	  false,
	  TEG_SCHEMA,
	  1 },
	{ "seconds beyond int64",
	  { .type = TEG_TIMESTAMP, .unit = TEG_SECOND },
	  { 1, 2, 3 },
	  { 2, 3, INT64_MAX },
	  false,
	  TEG_SCHEMA,
	  2 },
	{ "empty", { 0 }, { 1, 2, 3 }, { 2, 2, 4 }, false, TEG_SCHEMA, 1 },
	{ "backwards", { 0 }, { 1, 2, 5 }, { 2, 3, 4 }, false, TEG_SCHEMA, 2 },
	{ "reserved", { 0 }, { 1, TEG_TIME_OF_COMMIT, 3 }, { 2, 3, 4 }, false, TEG_SCHEMA, 1 },
	{ "a float", { .type = TEG_FLOAT64 }, { 1, 2, 3 }, { 2, 3, 4 }, false, TEG_SCHEMA, -1 },
	{ "a date", { .type = TEG_DATE32 }, { 1, 2, 3 }, { 2, 3, 4 }, false, TEG_SCHEMA, -1 },
};

Test(interval, an_interval_per_row)
{
	for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
		struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);
		teg_put_options with = { .struct_size = sizeof with,
			                 .valid_from_column = "vf",
			                 .valid_until_column = "vu" };
		const uint8_t *nulls = intervals[i].nulls ? middle_null : NULL;
		teg_column columns[6] = { { .name = "vf",
			                    .values = intervals[i].from,
			                    .validity = nulls,
			                    .type = intervals[i].type },
			                  { .name = "vu",
			                    .values = intervals[i].until,
			                    .validity = nulls,
			                    .type = intervals[i].type } };
		teg_error err = { .row = -1 };

		memcpy(columns + 2, good, sizeof good);
		cr_assert_eq(put(&rows, good, 4, 2, NULL, NULL), TEG_OK);
		cr_assert_eq(put(&rows, columns, 6, 3, &with, &err), intervals[i].status, "%s: %s",
		             intervals[i].why, err.message);
		cr_assert_eq(err.row, intervals[i].row, "%s: %s", intervals[i].why, err.message);
		if (intervals[i].status == TEG_OK) {
			cr_assert_eq(rows_valid_until(&rows, 1), INT64_MAX);
			cr_assert_eq(rows_valid_from(&rows, 4), 3);
			cr_assert_eq(rows_valid_from(&rows, 3), intervals[i].nulls ? INT64_MIN : 2);
			cr_assert_eq(rows_valid_until(&rows, 3),
			             intervals[i].nulls ? INT64_MAX : 3);
			cr_assert_eq(rows.valid_from.n_nulls, 0);
		} else {
			cr_assert_eq(rows.valid_from.n + rows.valid_until.n, 0, "%s",
			             intervals[i].why);
		}
		cr_assert_eq(put(&rows, columns, 5, 3, &with, NULL), TEG_SCHEMA,
		             "a column is missing");
		rows_release(&rows);
	}
}

Test(interval, options_that_contradict_each_other)
{
	const struct schema *schema = sparse_schema();
	struct rows rows = rows_of_schema(schema, &mem.alloc);
	teg_put_options both = { .struct_size = sizeof both,
		                 .valid_from = 1,
		                 .valid_until = 2,
		                 .valid_from_column = "vf" };
	teg_put_options same = { .struct_size = sizeof same,
		                 .valid_from_column = "v",
		                 .valid_until_column = "v" };
	teg_put_options ids = { .struct_size = sizeof ids, .row_id_column = "id" };
	teg_put_options sizeless = { .struct_size = 1 };
	struct schema untimed = *schema;
	teg_put_options timed = { .struct_size = sizeof timed, .valid_from = 1, .valid_until = 2 };

	cr_assert_eq(put(&rows, good, 4, 3, &both, NULL), TEG_MISUSE);
	cr_assert_eq(put(&rows, good, 4, 3, &same, NULL), TEG_MISUSE);
	cr_assert_eq(put(&rows, good, 4, 3, &ids, NULL), TEG_MISUSE);
	cr_assert_eq(put(&rows, good, 4, 3, &sizeless, NULL), TEG_MISUSE);
	untimed.valid_time = false;
	rows.schema = &untimed;
	cr_assert_eq(put(&rows, good, 4, 3, &timed, NULL), TEG_MISUSE);
	rows.schema = schema;
	rows_release(&rows);
}
