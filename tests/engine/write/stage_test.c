#include "tests/engine/write/stage_fixture.h"
#include "tests/support/rng.h"

TestSuite(stage, .init = set_up, .fini = tear_down);

/* ---- strictness: B6 ---- */

Test(stage, a_put_comes_in)
{
	struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);
	struct column text;

	cr_assert_eq(put(&rows, good, 4, 3, NULL, NULL), TEG_OK);
	cr_assert_eq(rows.n, 3);
	cr_assert_eq(rows.valid_from.n + rows.valid_until.n + rows.kind.n, 0);
	cr_assert_arr_eq(rows.dims[0].values, xs, sizeof xs);
	cr_assert_eq(bits_of(&rows.dims[1], 1), 0, "-0.0 is 0.0 as a coordinate"); /* X12 */
	cr_assert_eq(bits_of(&rows.dims[1], 2), 0x7ff0000000000000u);              /* X12 */
	text = column_buf_view(&rows.attrs[1]);
	cr_assert(span_equal(column_value(&text, 2), span_of_text("LGA")));
	cr_assert(!column_valid(&text, 1) && column_valid(&text, 2));
	rows_release(&rows);
}

/* B6: column `at` of the good ones replaced (4: added), and what must come of it. */
static const struct {
	const char *why;
	size_t at;
	teg_column column;
	size_t n_columns;
	teg_status status;
	const char *named;
	int64_t row;
} strict[] = {
	{ "extra", 4, { .name = "z", .values = as }, 5, TEG_SCHEMA, "z", -1 },
	{ "twice", 4, { .name = "x", .values = xs }, 5, TEG_SCHEMA, "x", -1 },
	{ "missing dimension", 3, { .name = NULL }, 3, TEG_SCHEMA, "f", -1 },
	{ "nameless", 3, { .values = fs }, 4, TEG_MISUSE, "", -1 },
	{ "text for a number",
	  2,
	  { .name = "a", .values = texts, .offsets = ends, .type = { .type = TEG_UTF8 } },
	  4,
	  TEG_SCHEMA,
	  "a",
	  -1 }, /* B7 */
	{ "narrower",
	  1,
	  { .name = "x", .values = as, .type = { .type = TEG_INT64 } },
	  4,
	  TEG_SCHEMA,
	  "x",
	  -1 },
	{ "bytes for text",
	  0,
	  { .name = "s", .values = texts, .offsets = ends, .type = { .type = TEG_BYTES } },
	  4,
	  TEG_SCHEMA,
	  "s",
	  -1 },
	{ "null in required",
	  2,
	  { .name = "a", .values = as, .validity = middle_null },
	  4,
	  TEG_SCHEMA,
	  "a",
	  1 },
	{ "null coordinate",
	  1,
	  { .name = "x", .values = xs, .validity = middle_null },
	  4,
	  TEG_DOMAIN,
	  "x",
	  1 },
	{ "no memory", 2, { .name = "a" }, 4, TEG_MISUSE, "a", -1 },
	{ "text without offsets", 0, { .name = "s", .values = texts }, 4, TEG_MISUSE, "s", -1 },
	{ "offsets descend",
	  0,
	  { .name = "s", .values = texts, .offsets = (const int32_t[]){ 0, 3, 2, 6 } },
	  4,
	  TEG_MISUSE,
	  "s",
	  0 },
	{ "negative offset",
	  0,
	  { .name = "s", .values = texts, .offsets = (const int32_t[]){ -1, 3, 4, 6 } },
	  4,
	  TEG_MISUSE,
	  "s",
	  0 },
	{ "text with a stride",
	  0,
	  { .name = "s", .values = texts, .offsets = ends, .stride = 4 },
	  4,
	  TEG_MISUSE,
	  "s",
	  -1 },
	{ "latin-1",
	  0,
	  { .name = "s", .values = "JFK\xe9GA", .offsets = ends },
	  4,
	  TEG_SCHEMA,
	  "s",
	  2 },
	{ "character cut in two",
	  0,
	  { .name = "s", .values = "ab\xc3\xa9xx", .offsets = (const int32_t[]){ 0, 3, 4, 6 } },
	  4,
	  TEG_SCHEMA,
	  "s",
	  0 },
	{ "above the domain",
	  1,
	  { .name = "x", .values = (const int32_t[]){ 1, 99, 100 } },
	  4,
	  TEG_DOMAIN,
	  "x",
	  2 },
	{ "below the domain",
	  1,
	  { .name = "x", .values = (const int32_t[]){ 0, -1, 1 } },
	  4,
	  TEG_DOMAIN,
	  "x",
	  1 },
	{ "far out",
	  1,
	  { .name = "x", .values = (const int32_t[]){ 0, 1, INT32_MIN } },
	  4,
	  TEG_DOMAIN,
	  "x",
	  2 },
	{ "NaN coordinate",
	  3,
	  { .name = "f", .values = (const double[]){ 0, NAN, 1 } },
	  4,
	  TEG_DOMAIN,
	  "f",
	  1 },
};

Test(stage, refuses_names_column_and_row_and_changes_nothing) /* B6 X12 H6 */
{
	struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);

	cr_assert_eq(put(&rows, good, 4, 3, NULL, NULL), TEG_OK);
	for (size_t i = 0; i < sizeof strict / sizeof *strict; i++) {
		teg_column columns[5];
		teg_error err = { .row = -1 };

		memcpy(columns, good, sizeof good);
		columns[strict[i].at] = strict[i].column;
		cr_assert_eq(put(&rows, columns, strict[i].n_columns, 3, NULL, &err),
		             strict[i].status, "%s: %s", strict[i].why, err.message);
		cr_assert_str_eq(err.column, strict[i].named, "%s: %s", strict[i].why, err.message);
		cr_assert_eq(err.row, strict[i].row, "%s: %s", strict[i].why, err.message);
		cr_assert_eq(rows.n, 3);
		for (int c = 0; c < 2; c++) {
			cr_assert_eq(rows.dims[c].n, 3, "%s", strict[i].why);
			cr_assert_eq(rows.attrs[c].n, 3, "%s", strict[i].why);
			cr_assert_eq(rows.dims[c].n_nulls, 0, "%s", strict[i].why);
		}
		cr_assert_eq(rows.attrs[1].n_nulls, 1, "%s", strict[i].why);
	}
	cr_assert_eq(put(&rows, good, 4, 3, NULL, NULL), TEG_OK);
	cr_assert_eq(rows.n, 6);
	rows_release(&rows);
}

Test(stage, missing_columns_can_be_filled) /* B6 B9 */
{
	struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);
	teg_put_options fill = { .struct_size = sizeof fill, .fill_missing = true };
	teg_column without_a[3] = { good[0], good[1], good[3] };
	teg_error err;

	cr_assert_eq(put(&rows, good + 1, 3, 3, NULL, &err), TEG_SCHEMA);
	cr_assert_str_eq(err.column, "s");
	cr_assert_eq(put(&rows, good + 1, 3, 3, &fill, &err), TEG_OK);
	cr_assert_eq(rows.attrs[1].n_nulls, 3);
	cr_assert_eq(put(&rows, without_a, 3, 3, &fill, &err), TEG_SCHEMA, "a is required");
	rows_release(&rows);
}

Test(stage, zero_rows_are_checked_like_others) /* V4 S3 H8 */
{
	struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);
	teg_column columns[4];

	memset(columns, 0, sizeof columns);
	for (int i = 0; i < 4; i++)
		columns[i].name = good[i].name;
	cr_assert_eq(put(&rows, columns, 4, 0, NULL, NULL), TEG_OK);
	cr_assert_eq(rows.n, 0);
	cr_assert_eq(put(&rows, columns, 3, 0, NULL, NULL), TEG_SCHEMA);
	columns[2].type.type = TEG_UTF8;
	cr_assert_eq(put(&rows, columns, 4, 0, NULL, NULL), TEG_SCHEMA);
	rows_release(&rows);
}

Test(stage, counts_may_vary_from_put_to_put) /* S3 */
{
	static const size_t counts[] = { 0, 3, 1, 0, 2 };
	struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);
	uint32_t total = 0;

	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(put(&rows, good, 4, counts[i], NULL, NULL), TEG_OK);
		total += (uint32_t)counts[i];
		cr_assert_eq(rows.n, total);
	}
	rows_release(&rows);
}

/* ---- memory of the caller ---- */

Test(stage, strides_of_structs_and_backwards) /* H7 */
{
	struct {
		int32_t a;
		char other;
	} agents[] = { { 1, 'x' }, { 2, 'y' }, { 3, 'z' } };
	static const uint64_t want[] = { 1, 2, 3, 3, 2, 1 };
	teg_column column = { .name = "a", .values = agents, .stride = sizeof agents[0] };
	struct rows rows;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_INT32 }, false), &column, 3, &rows,
	                   NULL),
	             TEG_OK);
	column.values = &agents[2];
	column.stride = -(ptrdiff_t)sizeof agents[0];
	cr_assert_eq(put(&rows, &column, 1, 3, NULL, NULL), TEG_OK);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(bits_of(&rows.attrs[0], i), want[i]);
	rows_release(&rows);
}

Test(stage, what_is_put_stays_when_the_memory_changes) /* S2 */
{
	teg_put_options borrow = { .struct_size = sizeof borrow, .borrow = true };
	char text[] = "abc";
	int32_t number = 7, at[] = { 0, 3 };
	static const teg_attribute two[] = { { .name = "n", .type = { .type = TEG_INT32 } },
		                             { .name = "t", .type = { .type = TEG_UTF8 } } };
	teg_column columns[] = { { .name = "n", .values = &number },
		                 { .name = "t", .values = text, .offsets = at } };
	struct rows rows = rows_of_schema(schema_of(TEG_TABLE, NULL, 0, two, 2), &mem.alloc);

	cr_assert_eq(put(&rows, columns, 2, 1, NULL, NULL), TEG_OK);
	cr_assert_eq(put(&rows, columns, 2, 1, &borrow, NULL), TEG_OK);
	memset(text, '#', 3);
	number = -1;
	at[1] = 0;
	for (size_t i = 0; i < 2; i++) {
		struct column t = column_buf_view(&rows.attrs[1]);

		cr_assert_eq(bits_of(&rows.attrs[0], i), 7);
		cr_assert(span_equal(column_value(&t, i), span_of_text("abc")));
	}
	rows_release(&rows);
}

Test(stage, bytes_under_a_null_are_left_out)
{
	static const int64_t at[] = { 2, 5, 9, 9 };
	teg_column column = { .name = "a",
		              .values = "..abcsecr",
		              .large_offsets = at,
		              .validity = (const uint8_t[]){ 0x0a },
		              .validity_bit = 1 };
	struct rows rows;
	struct column text;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_UTF8 }, true), &column, 3, &rows,
	                   NULL),
	             TEG_OK);
	text = column_buf_view(&rows.attrs[0]);
	cr_assert_eq(column_len(&text), 3);
	cr_assert(span_equal(column_value(&text, 0), span_of_text("abc")));
	cr_assert(!column_valid(&text, 1) && column_valid(&text, 2));
	rows_release(&rows);
}

Test(stage, refuses_what_one_column_cannot_hold) /* X18 */
{
	static const int64_t huge[] = { 0, INT64_C(3) << 30 };
	static const int32_t five[] = { 0, 5 };
	struct stage_options short_values = { .max_value_len = 4 };
	teg_column column = { .name = "a", .values = "x", .large_offsets = huge };
	struct rows rows;
	teg_error err;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_BYTES }, false), &column, 1, &rows,
	                   &err),
	             TEG_MISUSE);
	cr_assert_eq(put(&rows, &column, 1, UINT32_MAX + (size_t)1, NULL, &err), TEG_LIMIT);
	column = (teg_column){ .name = "a", .values = "hello", .offsets = five };
	cr_assert_eq(stage_columns(&rows, &column, 1, 1, &short_values, &err), TEG_LIMIT);
	cr_assert_eq(err.row, 0);
	short_values.max_value_len = 5;
	cr_assert_eq(stage_columns(&rows, &column, 1, 1, &short_values, &err), TEG_OK);
	rows_release(&rows);
}

Test(stage, a_bool_is_zero_or_one)
{
	static const uint8_t values[] = { 0, 1, 2 };
	teg_column column = { .name = "a", .values = values };
	struct rows rows;
	teg_error err;

	cr_assert_eq(put_a(table_of((teg_data_type){ .type = TEG_BOOL }, false), &column, 3, &rows,
	                   &err),
	             TEG_SCHEMA);
	cr_assert_eq(err.row, 2);
	cr_assert_eq(put(&rows, &column, 1, 2, NULL, &err), TEG_OK);
	rows_release(&rows);
}

Test(stage, text_dimensions_keep_to_their_domain) /* X12: the empty string */
{
	static const teg_dimension named[] = { { "n",
		                                 { .type = TEG_UTF8 },
		                                 TEXT("long prefix b"),
		                                 TEXT("long prefix d"),
		                                 0,
		                                 NULL,
		                                 0 } };
	static const teg_dimension any[] = { { .name = "n", .type = { .type = TEG_UTF8 } } };
	static const teg_attribute a[] = { { .name = "a", .type = { .type = TEG_INT8 } } };
	static const int32_t at[] = { 0, 13, 26 };
	teg_column columns[] = {
		{ .name = "n", .values = "long prefix clong prefix a", .offsets = at },
		{ .name = "a", .values = "xy" }
	};
	struct rows rows = rows_of_schema(schema_of(TEG_SPARSE, named, 1, a, 1), &mem.alloc);
	teg_error err;

	cr_assert_eq(put(&rows, columns, 2, 1, NULL, &err), TEG_OK);
	cr_assert_eq(put(&rows, columns, 2, 2, NULL, &err), TEG_DOMAIN);
	cr_assert_eq(err.row, 1);
	rows_release(&rows);
	rows = rows_of_schema(schema_of(TEG_SPARSE, any, 1, a, 1), &mem.alloc);
	columns[0].offsets = (const int32_t[]){ 0, 0, 13 };
	cr_assert_eq(put(&rows, columns, 2, 2, NULL, &err), TEG_OK);
	rows_release(&rows);
}

/* ---- tables and deletes ---- */

Test(stage, tables_append_or_name_their_rows)
{
	static const int32_t values[] = { 1, 2 };
	static const uint32_t ids[] = { 7, 3 };
	static const int64_t negative[] = { 5, -1 };
	teg_put_options update = { .struct_size = sizeof update, .row_id_column = "row_id" };
	const struct schema *schema = table_of((teg_data_type){ .type = TEG_INT32 }, false);
	teg_column columns[] = {
		{ .name = "a", .values = values },
		{ .name = "row_id", .values = ids, .type = { .type = TEG_UINT32 } }
	};
	struct rows appended = rows_of_schema(schema, &mem.alloc),
		    named = rows_of_schema(schema, &mem.alloc);
	teg_error err;

	cr_assert(stage_appends(schema, &(struct stage_options){ 0 }));
	cr_assert_not(stage_appends(schema, &(struct stage_options){ .put = &update }));
	cr_assert_not(stage_appends(schema, &(struct stage_options){ .tombstones = true }));
	cr_assert_eq(put(&appended, columns, 1, 2, NULL, &err), TEG_OK);
	cr_assert(appended.implicit_ids);
	cr_assert_eq(appended.dims[0].n, 0);
	cr_assert_eq(put(&appended, columns, 2, 2, NULL, &err), TEG_SCHEMA,
	             "ids are the store's to give");
	cr_assert_eq(put(&appended, columns, 2, 2, &update, &err), TEG_MISUSE, "not both in one");
	cr_assert_eq(put(&named, columns, 2, 2, &update, &err), TEG_OK);
	cr_assert_not(named.implicit_ids);
	cr_assert_eq(bits_of(&named.dims[0], 0), 7);
	cr_assert_eq(put(&named, columns, 1, 2, &update, &err), TEG_SCHEMA, "the ids are missing");
	columns[1] = (teg_column){ .name = "row_id", .values = negative };
	cr_assert_eq(put(&named, columns, 2, 2, &update, &err), TEG_DOMAIN);
	cr_assert_eq(err.row, 1);
	rows_release(&appended);
	rows_release(&named);
}

Test(stage, a_delete_makes_tombstones)
{
	struct rows rows = rows_of_schema(sparse_schema(), &mem.alloc);
	teg_put_options part = { .struct_size = sizeof part, .valid_from = 10, .valid_until = 20 };
	struct stage_options erase = { .put = &part, .tombstones = true };
	teg_column keys[] = { good[1], good[3], good[2] };
	teg_error err;

	cr_assert_eq(put(&rows, good, 4, 3, NULL, NULL), TEG_OK);
	cr_assert_eq(rows.kind.n, 0);
	cr_assert_eq(stage_columns(&rows, keys, 3, 3, &erase, &err), TEG_SCHEMA, "a is no key");
	cr_assert_eq(stage_columns(&rows, keys, 1, 3, &erase, &err), TEG_SCHEMA, "f is missing");
	cr_assert_eq(stage_columns(&rows, keys, 2, 3, &erase, &err), TEG_OK, "%s", err.message);
	cr_assert_eq(rows_kind(&rows, 2), ROW_LIVE);
	cr_assert_eq(rows_kind(&rows, 5), ROW_TOMBSTONE);
	cr_assert_eq(rows_valid_from(&rows, 5), 10);
	cr_assert_eq(rows.attrs[0].n_nulls, 3);
	cr_assert_eq(bits_of(&rows.attrs[0], 5), 0);
	cr_assert_eq(put(&rows, good, 4, 3, NULL, NULL), TEG_OK);
	cr_assert_eq(rows_kind(&rows, 8), ROW_LIVE);
	rows_release(&rows);
}

/* ---- memory ---- */

static teg_status stage_much(const teg_allocator *alloc, void *ctx)
{
	teg_put_options with = { .struct_size = sizeof with, .valid_from = 1, .valid_until = 9 };
	struct rows rows;
	teg_status status;

	TEG_TRY(rows_init(&rows, ctx, alloc, NULL));
	TEG_DO(put(&rows, good, 4, 3, NULL, NULL));
	status = put(&rows, good, 4, 3, &with, NULL);
	cr_assert(status == TEG_OK || (status == TEG_NOMEM && rows.n == 3));
	cr_assert_eq(rows.attrs[0].n, rows.n);
	cr_assert(rows.valid_until.n == 0 || rows.valid_until.n == rows.n);
done:
	rows_release(&rows);
	return status;
}

Test(stage, every_failed_allocation_leaves_the_rows_alone)
{
	cr_assert_gt(memory_fail_each(stage_much, (void *)(uintptr_t)sparse_schema()), 5);
}

/* Blocks of 512 have ends: random lengths, nulls and offsets against the plain loop. */
Test(stage, long_columns_agree_with_a_plain_loop)
{
	struct rng rng = { 11 };
	const struct schema *schema = table_of((teg_data_type){ .type = TEG_UTF8 }, true);

	for (int round = 0; round < 60; round++) {
		size_t n = rng_below(&rng, 1600), bit = rng_below(&rng, 9);
		int32_t at[1601] = { (int32_t)rng_below(&rng, 5) };
		char bytes[1601 * 4 + 8];
		uint8_t validity[300];
		teg_column column = { .name = "a",
			              .values = bytes,
			              .offsets = at,
			              .validity = round % 3 ? validity : NULL,
			              .validity_bit = bit };
		struct rows rows;
		struct column text;

		memset(bytes, 'a', sizeof bytes);
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (char)('a' + rng_below(&rng, 26));
		for (size_t i = 0; i < n; i++)
			at[i + 1] = at[i] + (int32_t)rng_below(&rng, 4);
		memset(validity, 0xff, sizeof validity);
		for (size_t i = 0; i < n && round % 2; i += rng_below(&rng, 900))
			bitmap_clear(validity, bit + i++);
		cr_assert_eq(put_a(schema, &column, n, &rows, NULL), TEG_OK);
		text = column_buf_view(&rows.attrs[0]);
		for (size_t i = 0; i < n; i++) {
			bool valid = !column.validity || bitmap_get(validity, bit + i);
			struct span want = span_of(bytes + at[i], (size_t)(at[i + 1] - at[i]));

			cr_assert_eq(column_valid(&text, i), valid);
			cr_assert(
				span_equal(column_value(&text, i), valid ? want : span_of("", 0)));
		}
		rows_release(&rows);
	}
}
