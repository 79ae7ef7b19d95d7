/* Makes the stores that the cases of tests/cli look into, through the public API and with system
 * times of its own, so that what tilectl prints about them never changes.
 *
 *   fixture KIND STORE
 *
 *   types     table "types": a column of every type; plain values, extremes, nulls
 *   cells     sparse "cells" (x int64, y int32) with valid time, three commits and a delete
 *   dense     dense "grid" (x, y of 0 to 3, int32) with one box written
 *   names     arrays whose names and text need quoting, one of them empty
 *   long      table "long" of 3,000 rows
 *   noted     table "people", each of its commits with metadata; a table "other" with a note too
 */
#include "engine/tegula.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void need(teg_status status, const teg_error *err)
{
	if (status == TEG_OK)
		return;
	fprintf(stderr, "fixture: %s: %s\n", teg_status_name(err->status), err->message);
	exit(1);
}

static teg_store *open_store(const char *path)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_IF_MISSING,
		                      .writer = "fixture",
		                      .no_auto_compact = true };
	teg_store *store;
	teg_error err;

	need(teg_store_open(path, &options, &store, &err), &err);
	return store;
}

static teg_txn *begin_noted(teg_store *store, int64_t system_time, const char *note)
{
	const teg_metadata metadata = { "note", note, 4, note ? strlen(note) : 0 };
	teg_txn_options options = { .struct_size = sizeof options,
		                    .system_time = system_time,
		                    .metadata = &metadata,
		                    .n_metadata = note ? 1 : 0 };
	teg_txn *txn;
	teg_error err;

	need(teg_txn_begin(store, &options, &txn, &err), &err);
	return txn;
}

static teg_txn *begin(teg_store *store, int64_t system_time)
{
	return begin_noted(store, system_time, NULL);
}

static void create(teg_txn *txn, const char *array, teg_spec spec)
{
	teg_error err;

	spec.struct_size = sizeof spec;
	need(teg_txn_create(txn, array, &spec, &err), &err);
}

static void put(teg_txn *txn, const char *array, const teg_column *columns, size_t n_columns,
                size_t n_rows, int64_t valid_from, int64_t valid_until)
{
	teg_put_options options = { .struct_size = sizeof options,
		                    .valid_from = valid_from,
		                    .valid_until = valid_until };
	teg_error err;

	need(teg_txn_put(txn, array, columns, n_columns, n_rows, &options, &err), &err);
}

static void commit(teg_txn *txn)
{
	teg_commit_result result = { .struct_size = sizeof result };
	teg_error err;

	need(teg_txn_commit(txn, &result, &err), &err);
}

/* ---- types ------------------------------------------------------------------------------------ */

/* Row 0 is plain, row 1 extreme, row 2 null in every column. */
static const struct {
	teg_attribute attribute;
	const void *values;
	const int32_t *offsets;
} types[] = {
	{ { .name = "bool", .type = { .type = TEG_BOOL } }, (const uint8_t[]){ 1, 0, 0 }, NULL },
	{ { .name = "i8", .type = { .type = TEG_INT8 } }, (const int8_t[]){ 1, -128, 0 }, NULL },
	{ { .name = "i16", .type = { .type = TEG_INT16 } },
	  (const int16_t[]){ 1, -32768, 0 },
	  NULL },
	{ { .name = "i32", .type = { .type = TEG_INT32 } },
	  (const int32_t[]){ 1, INT32_MIN, 0 },
	  NULL },
	{ { .name = "i64", .type = { .type = TEG_INT64 } },
	  (const int64_t[]){ 1, INT64_MIN, 0 },
	  NULL },
	{ { .name = "u8", .type = { .type = TEG_UINT8 } }, (const uint8_t[]){ 1, 255, 0 }, NULL },
	{ { .name = "u16", .type = { .type = TEG_UINT16 } },
	  (const uint16_t[]){ 1, 65535, 0 },
	  NULL },
	{ { .name = "u32", .type = { .type = TEG_UINT32 } },
	  (const uint32_t[]){ 1, UINT32_MAX, 0 },
	  NULL },
	{ { .name = "u64", .type = { .type = TEG_UINT64 } },
	  (const uint64_t[]){ 1, UINT64_MAX, 0 },
	  NULL },
	{ { .name = "f16", .type = { .type = TEG_FLOAT16 } },
	  (const uint16_t[]){ 0x3c00, 0x7e00, 0 },
	  NULL },
	{ { .name = "f32", .type = { .type = TEG_FLOAT32 } },
	  (const float[]){ 0.1f, -INFINITY, 0 },
	  NULL },
	{ { .name = "f64", .type = { .type = TEG_FLOAT64 } },
	  (const double[]){ 0.1, -0.0, 0 },
	  NULL },
	{ { .name = "dec", .type = { .type = TEG_DECIMAL128, .precision = 20, .scale = 2 } },
	  (const uint64_t[]){ 12345, 0, UINT64_MAX, UINT64_MAX, 0, 0 },
	  NULL },
	{ { .name = "date", .type = { .type = TEG_DATE32 } },
	  (const int32_t[]){ 15706, -1, 0 },
	  NULL },
	{ { .name = "ts", .type = { .type = TEG_TIMESTAMP, .unit = TEG_MICRO, .zone = "UTC" } },
	  (const int64_t[]){ 1357016400000000, -1, 0 },
	  NULL },
	{ { .name = "wall", .type = { .type = TEG_TIMESTAMP, .unit = TEG_SECOND } },
	  (const int64_t[]){ 1357016400, -1, 0 },
	  NULL },
	{ { .name = "dur", .type = { .type = TEG_DURATION, .unit = TEG_MILLI } },
	  (const int64_t[]){ 1500, -1, 0 },
	  NULL },
	{ { .name = "text", .type = { .type = TEG_UTF8 } },
	  "a \"b\", c",
	  (const int32_t[]){ 0, 8, 8, 8 } },
	{ { .name = "bytes", .type = { .type = TEG_BYTES } },
	  "\x00\xff\x10",
	  (const int32_t[]){ 0, 3, 3, 3 } },
	{ { .name = "fixed", .type = { .type = TEG_FIXED_BYTES, .fixed_len = 2 } },
	  "ab\x00\xff\x00",
	  NULL },
};

static void make_types(teg_store *store)
{
	static const uint8_t two_of_three[] = { 0x03 };
	teg_attribute attributes[COUNT(types)];
	teg_column columns[COUNT(types)];
	teg_txn *txn = begin(store, 1000000);

	for (size_t i = 0; i < COUNT(types); i++) {
		attributes[i] = types[i].attribute;
		attributes[i].nullable = true;
		columns[i] = (teg_column){ .name = types[i].attribute.name,
			                   .values = types[i].values,
			                   .offsets = types[i].offsets,
			                   .validity = two_of_three };
	}
	create(txn, "types",
	       (teg_spec){
		       .kind = TEG_TABLE, .attributes = attributes, .n_attributes = COUNT(types) });
	put(txn, "types", columns, COUNT(types), 3, 0, 0);
	commit(txn);
}

/* ---- cells ------------------------------------------------------------------------------------ */

static void put_cells(teg_txn *txn, size_t n, const int64_t *x, const int32_t *y, const double *a,
                      int64_t valid_from, int64_t valid_until)
{
	const teg_column columns[] = { { .name = "x", .values = x },
		                       { .name = "y", .values = y },
		                       { .name = "a", .values = a } };

	put(txn, "cells", columns, COUNT(columns), n, valid_from, valid_until);
}

/* S = 1 s: four cells, always valid.  2 s: (1, 1) is 10 from 100 to 200 us of valid time.
 * 3 s: (2, 1) is deleted, (9, 9) is new. */
static void make_cells(teg_store *store)
{
	static const teg_dimension dimensions[] = { { .name = "x", .type = { .type = TEG_INT64 } },
		                                    { .name = "y",
		                                      .type = { .type = TEG_INT32 } } };
	static const teg_attribute attributes[] = {
		{ .name = "a", .type = { .type = TEG_FLOAT64 }, .nullable = true }
	};
	static const int64_t x[] = { 1, 2, 1, 2 }, two[] = { 2 }, nine[] = { 9 };
	static const int32_t y[] = { 1, 1, 2, 2 }, one[] = { 1 }, nine_y[] = { 9 };
	const teg_column key[] = { { .name = "x", .values = two }, { .name = "y", .values = one } };
	teg_txn *txn = begin(store, 1000000);
	teg_error err;

	create(txn, "cells",
	       (teg_spec){ .kind = TEG_SPARSE,
	                   .valid_time = true,
	                   .dimensions = dimensions,
	                   .n_dimensions = COUNT(dimensions),
	                   .attributes = attributes,
	                   .n_attributes = COUNT(attributes) });
	put_cells(txn, 4, x, y, (const double[]){ 1.5, 2.5, 3.5, 4.5 }, 0, 0);
	commit(txn);
	txn = begin(store, 2000000);
	put_cells(txn, 1, x, y, (const double[]){ 10 }, 100, 200);
	commit(txn);
	txn = begin(store, 3000000);
	need(teg_txn_delete(txn, "cells", key, COUNT(key), 1, NULL, &err), &err);
	put_cells(txn, 1, nine, nine_y, (const double[]){ NAN }, 0, 0);
	commit(txn);
}

/* ---- the others ------------------------------------------------------------------------------- */

static void make_dense(teg_store *store)
{
	teg_value zero = { .type = TEG_INT32, .as.i = 0 }, three = { .type = TEG_INT32, .as.i = 3 };
	teg_value one = { .type = TEG_INT32, .as.i = 1 }, two = { .type = TEG_INT32, .as.i = 2 };
	const teg_dimension dimensions[] = {
		{ .name = "x",
		  .type = { .type = TEG_INT32 },
		  .lo = zero,
		  .hi = three,
		  .extent = 2 },
		{ .name = "y",
		  .type = { .type = TEG_INT32 },
		  .lo = zero,
		  .hi = three,
		  .extent = 2 },
	};
	const teg_attribute attributes[] = { { .name = "v",
		                               .type = { .type = TEG_INT32 },
		                               .fill = { .type = TEG_INT32, .as.i = -1 } } };
	const teg_range box[] = { { one, two }, { one, one } };
	int32_t values[] = { 11, 21 };
	const teg_buffer buffer = { .name = "v", .values = values, .values_len = sizeof values };
	teg_txn *txn = begin(store, 1000000);
	teg_error err;

	create(txn, "grid",
	       (teg_spec){ .kind = TEG_DENSE,
	                   .dimensions = dimensions,
	                   .n_dimensions = COUNT(dimensions),
	                   .attributes = attributes,
	                   .n_attributes = COUNT(attributes) });
	need(teg_txn_put_box(txn, "grid", box, &buffer, 1, NULL, &err), &err);
	commit(txn);
}

static void make_names(teg_store *store)
{
	static const teg_metadata unit = { "unit", "m/s", 4, 3 },
				  source = { "source", "a\nb", 6, 3 };
	static const teg_attribute attributes[] = { { .name = "odd \"name\", really",
		                                      .type = { .type = TEG_UTF8 },
		                                      .nullable = true,
		                                      .metadata = &unit,
		                                      .n_metadata = 1 } };
	const teg_column column = { .name = attributes[0].name,
		                    .values = "line\nbreak\ttab",
		                    .offsets = (const int32_t[]){ 0, 14 } };
	teg_spec spec = { .kind = TEG_TABLE,
		          .attributes = attributes,
		          .n_attributes = 1,
		          .metadata = &source,
		          .n_metadata = 1 };
	teg_txn *txn = begin(store, 1000000);

	create(txn, "a b, \"c\"", spec);
	create(txn, "empty", spec);
	put(txn, "a b, \"c\"", &column, 1, 1, 0, 0);
	commit(txn);
}

static void make_long(teg_store *store)
{
	static const teg_attribute attributes[] = { { .name = "n",
		                                      .type = { .type = TEG_INT32 } } };
	static int32_t values[3000];
	const teg_column column = { .name = "n", .values = values };
	teg_txn *txn = begin(store, 1000000);

	for (int32_t i = 0; i < 3000; i++)
		values[i] = i;
	create(txn, "long",
	       (teg_spec){ .kind = TEG_TABLE, .attributes = attributes, .n_attributes = 1 });
	put(txn, "long", &column, 1, COUNT(values), 0, 0);
	commit(txn);
}

/* Versions 2 to 5: two of people, one of another array, one that adds no cells. */
static void make_noted(teg_store *store)
{
	static const teg_attribute attributes[] = { { .name = "name",
		                                      .type = { .type = TEG_UTF8 } } };
	static const char *const notes[] = { "asked by mary", "mary moved", "no mary here" };
	const teg_column columns[] = {
		{ .name = "name", .values = "annmary", .offsets = (const int32_t[]){ 0, 3, 7 } },
		{ .name = "name", .values = "mary b", .offsets = (const int32_t[]){ 0, 6 } },
		{ .name = "name", .values = "bob", .offsets = (const int32_t[]){ 0, 3 } },
	};
	const teg_alter rename = { .kind = TEG_ALTER_RENAME, .name = "name", .new_name = "who" };
	teg_txn *txn;
	teg_error err;

	for (int i = 0; i < 3; i++) {
		const char *array = i < 2 ? "people" : "other";

		txn = begin_noted(store, 1000000 * (i + 1), notes[i]);
		if (i != 1)
			create(txn, array,
			       (teg_spec){ .kind = TEG_TABLE,
			                   .attributes = attributes,
			                   .n_attributes = 1 });
		put(txn, array, &columns[i], 1, i ? 1 : 2, 0, 0);
		commit(txn);
	}
	txn = begin_noted(store, 0, "as mary wanted");
	need(teg_txn_alter(txn, "people", &rename, 1, &err), &err);
	commit(txn);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(teg_store *store);
	} kinds[] = { { "types", make_types }, { "cells", make_cells }, { "dense", make_dense },
		      { "names", make_names }, { "long", make_long },   { "noted", make_noted } };
	teg_store *store;

	for (size_t i = 0; argc == 3 && i < COUNT(kinds); i++)
		if (!strcmp(argv[1], kinds[i].name)) {
			store = open_store(argv[2]);
			kinds[i].make(store);
			teg_store_close(store);
			return 0;
		}
	fputs("fixture: KIND STORE\n", stderr);
	return 2;
}
