/* Writes the golden vectors of format-spec/vectors and the truth beside them: what was put in, never
 * what was read back.
 *
 *   generate FOLDER
 *
 *   FOLDER/zstd                    version of the zstd library: frames differ between versions
 *   FOLDER/chunks/NAME.chunk       length of the descriptor (u32), descriptor, chunk bytes
 *   FOLDER/chunks/NAME.json        encoding, class, width and values as hexadecimal bytes
 *   FOLDER/stores/NAME/            a store
 *   FOLDER/stores/NAME.json        every call that made it, row by row, in order
 *
 * Chunks and segments come out the same every time; ids in manifests do not. format-spec/vectors/README.md
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>
#include "codec/base/bits.h"
#include "engine/tegula.h"
#include "tests/reader/generate.h"
#include "tests/support/rng.h"
void fail(const char *what, const char *why)
{
	fprintf(stderr, "generate: %s: %s\n", what, why);
	exit(1);
}

void need(teg_status status, const teg_error *err)
{
	if (status != TEG_OK)
		fail(teg_status_name(status), err->message);
}

const char *path_of(const char *folder, const char *format, ...)
{
	static char path[4096];
	int len = snprintf(path, sizeof path, "%s/", folder);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path + len, sizeof path - (size_t)len, format, arguments);
	va_end(arguments);
	return path;
}

FILE *create_file(const char *path)
{
	FILE *file = fopen(path, "wb");

	if (!file)
		fail(path, "cannot be written");
	return file;
}

void put_hex(FILE *out, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", ((const uint8_t *)bytes)[i]);
}

void close_file(FILE *file)
{
	if (fclose(file))
		fail("a file", "cannot be written");
}

/* ---- stores: every call goes to the engine and into the truth ---- */

struct world {
	const char *folder, *name;
	teg_store *store;
	teg_txn *txn;
	FILE *truth;
	int64_t time;
	uint64_t n_ids;       /* of the table */
	bool some;            /* something is in the truth */
	const char *versions; /* what the history says of them; NULL: nothing */
};

/* A column: values of `width` bytes, or text with offsets where `offsets` is set. With children a list
 * (offsets), a fixed-size list (`width` values each) or a struct. */
struct data {
	const char *name;
	const void *values;
	size_t width;
	const int32_t *offsets;
	const uint8_t *validity;
	const struct data *children;
	size_t n_children;
};

static void open_world(struct world *w, const char *folder, const char *name)
{
	teg_store_options options = { .struct_size = sizeof options,
		                      .create = TEG_CREATE_NEW,
		                      .writer = "generate",
		                      .no_auto_compact = true };
	teg_error err;

	*w = (struct world){ .folder = folder, .name = name };
	need(teg_store_open(path_of(folder, "stores/%s", name), &options, &w->store, &err), &err);
	w->truth = create_file(path_of(folder, "stores/%s.json", name));
	fputs("{\"said\": [", w->truth);
}

static void close_world(struct world *w)
{
	fprintf(w->truth, "\n]%s%s}\n", w->versions ? ", \"versions\": " : "",
	        w->versions ? w->versions : "");
	close_file(w->truth);
	teg_store_close(w->store);
}

static void begin_noted(struct world *w, int64_t time, const char *note)
{
	const teg_metadata metadata = { "note", note, 4, note ? strlen(note) : 0 };
	teg_txn_options options = { .struct_size = sizeof options,
		                    .system_time = time,
		                    .metadata = &metadata,
		                    .n_metadata = note ? 1 : 0 };
	teg_error err;

	w->time = time;
	need(teg_txn_begin(w->store, &options, &w->txn, &err), &err);
}

static void begin(struct world *w, int64_t time)
{
	begin_noted(w, time, NULL);
}

static void commit(struct world *w)
{
	teg_error err;

	need(teg_txn_commit(w->txn, NULL, &err), &err);
}

static void create(struct world *w, const char *array, teg_spec spec)
{
	teg_error err;

	spec.struct_size = sizeof spec;
	spec.profile = TEG_FAST; /* no zstd in so few rows */
	need(teg_txn_create(w->txn, array, &spec, &err), &err);
}

static void say(struct world *w, const char *array, int kind, const teg_put_options *o)
{
	int64_t from = o->valid_from, until = o->valid_until;

	if (!from && !until) {
		from = TEG_TIME_OPEN_START;
		until = TEG_TIME_OPEN_END;
	}
	fprintf(w->truth, "%s\n{\"array\": \"%s\", \"time\": %lld, \"kind\": %d, ",
	        w->some ? "," : "", array, (long long)w->time, kind);
	fprintf(w->truth, "\"from\": %lld, \"until\": %lld, ",
	        (long long)(from == TEG_TIME_OF_COMMIT ? w->time : from), (long long)until);
	w->some = true;
}

static void say_plain(struct world *w, const struct data *d, size_t i);

/* Lists and structs are arrays. */
static void say_nested(struct world *w, const struct data *d, size_t i)
{
	bool is_struct = !d->offsets && !d->width;
	size_t from = d->offsets ? (size_t)d->offsets[i] : i * d->width;
	size_t n = d->offsets ? (size_t)d->offsets[i + 1] - from : d->width;

	fputs("[", w->truth);
	for (size_t k = 0; k < (is_struct ? d->n_children : n); k++) {
		fputs(k ? ", " : "", w->truth);
		if (is_struct)
			say_plain(w, &d->children[k], i);
		else
			say_plain(w, d->children, from + k);
	}
	fputs("]", w->truth);
}

static void say_plain(struct world *w, const struct data *d, size_t i)
{
	const uint8_t *at = d->values;

	if (d->validity && !bitmap_get(d->validity, i)) {
		fputs("null", w->truth);
		return;
	}
	if (d->children) {
		say_nested(w, d, i);
		return;
	}
	fputs("\"", w->truth);
	if (d->offsets)
		put_hex(w->truth, at + d->offsets[i], (size_t)(d->offsets[i + 1] - d->offsets[i]));
	else
		put_hex(w->truth, at + i * d->width, d->width);
	fputs("\"", w->truth);
}

static void say_value(struct world *w, const struct data *d, size_t i)
{
	fprintf(w->truth, "\"%s\": ", d->name);
	say_plain(w, d, i);
}

/* `ids`: the rows are of a table and get the next row ids. */
static void say_rows(struct world *w, const char *array, int kind, const struct data *columns,
                     size_t n_columns, size_t n, bool ids, const teg_put_options *o)
{
	for (size_t i = 0; i < n; i++) {
		struct data id = { "row_id", &w->n_ids, 8, NULL, NULL, NULL, 0 };

		say(w, array, kind, o);
		fputs("\"cell\": {", w->truth);
		if (ids) {
			say_value(w, &id, 0);
			w->n_ids++;
		}
		for (size_t k = 0; k < n_columns; k++) {
			fputs(k || ids ? ", " : "", w->truth);
			say_value(w, &columns[k], i);
		}
		fputs("}}", w->truth);
	}
}

#define COLUMNS_MAX 32

/* Children follow the n columns, in the same room. */
static void to_columns(const struct data *data, size_t n, teg_column *columns, size_t *n_used)
{
	size_t first = *n_used;

	*n_used += n;
	if (*n_used > COLUMNS_MAX)
		fail("a put", "too many columns");
	for (size_t i = 0; i < n; i++) {
		columns[first + i] = (teg_column){ .name = data[i].name,
			                           .values = data[i].values,
			                           .offsets = data[i].offsets,
			                           .validity = data[i].validity,
			                           .children = columns + *n_used,
			                           .n_children = data[i].n_children };
		to_columns(data[i].children, data[i].n_children, columns, n_used);
	}
}

static void put(struct world *w, const char *array, const struct data *data, size_t n_data,
                size_t n, bool ids, teg_put_options options)
{
	teg_column columns[COLUMNS_MAX];
	size_t n_used = 0;
	teg_error err;

	options.struct_size = sizeof options;
	to_columns(data, n_data, columns, &n_used);
	need(teg_txn_put(w->txn, array, columns, n_data, n, &options, &err), &err);
	say_rows(w, array, 0, data, n_data, n, ids, &options);
}

static void delete (struct world *w, const char *array, const struct data *data, size_t n_data,
                    size_t n, teg_put_options options)
{
	teg_column columns[COLUMNS_MAX];
	size_t n_used = 0;
	teg_error err;

	options.struct_size = sizeof options;
	to_columns(data, n_data, columns, &n_used);
	need(teg_txn_delete(w->txn, array, columns, n_data, n, &options, &err), &err);
	say_rows(w, array, 1, data, n_data, n, false, &options);
}

static void delete_box(struct world *w, const char *array, const int32_t lo[2], const int32_t hi[2])
{
	teg_put_options options = { .struct_size = sizeof options };
	teg_range box[2];
	teg_error err;

	for (int d = 0; d < 2; d++) {
		box[d].lo = (teg_value){ .type = TEG_INT32, .as.i = lo[d] };
		box[d].hi = (teg_value){ .type = TEG_INT32, .as.i = hi[d] };
	}
	need(teg_txn_delete_box(w->txn, array, box, &options, &err), &err);
	say(w, array, 1, &options);
	fprintf(w->truth, "\"box\": [[%d, %d], [%d, %d]]}", lo[0], hi[0], lo[1], hi[1]);
}

/* ---- types: a table with a column of every type ---- */

static const teg_attribute types[] = {
	{ .name = "bool", .type = { .type = TEG_BOOL } },
	{ .name = "i8", .type = { .type = TEG_INT8 } },
	{ .name = "i16", .type = { .type = TEG_INT16 } },
	{ .name = "i32", .type = { .type = TEG_INT32 } },
	{ .name = "i64", .type = { .type = TEG_INT64 } },
	{ .name = "u8", .type = { .type = TEG_UINT8 } },
	{ .name = "u16", .type = { .type = TEG_UINT16 } },
	{ .name = "u32", .type = { .type = TEG_UINT32 } },
	{ .name = "u64", .type = { .type = TEG_UINT64 } },
	{ .name = "f16", .type = { .type = TEG_FLOAT16 } },
	{ .name = "f32", .type = { .type = TEG_FLOAT32 } },
	{ .name = "f64", .type = { .type = TEG_FLOAT64 } },
	{ .name = "dec", .type = { .type = TEG_DECIMAL128, .precision = 20, .scale = 2 } },
	{ .name = "date", .type = { .type = TEG_DATE32 } },
	{ .name = "ts", .type = { .type = TEG_TIMESTAMP, .unit = TEG_NANO, .zone = "UTC" } },
	{ .name = "dur", .type = { .type = TEG_DURATION, .unit = TEG_MILLI } },
	{ .name = "text", .type = { .type = TEG_UTF8 } },
	{ .name = "bytes", .type = { .type = TEG_BYTES } },
	{ .name = "fixed", .type = { .type = TEG_FIXED_BYTES, .fixed_len = 3 } },
};

/* Row 0 plain, row 1 extreme, row 2 null. */
static const struct data values[] = {
	{ "bool", (const uint8_t[]){ 1, 0, 0 }, 1, NULL, NULL, NULL, 0 },
	{ "i8", (const int8_t[]){ 1, -128, 0 }, 1, NULL, NULL, NULL, 0 },
	{ "i16", (const int16_t[]){ 1, INT16_MIN, 0 }, 2, NULL, NULL, NULL, 0 },
	{ "i32", (const int32_t[]){ 1, INT32_MIN, 0 }, 4, NULL, NULL, NULL, 0 },
	{ "i64", (const int64_t[]){ 1, INT64_MIN, 0 }, 8, NULL, NULL, NULL, 0 },
	{ "u8", (const uint8_t[]){ 1, 255, 0 }, 1, NULL, NULL, NULL, 0 },
	{ "u16", (const uint16_t[]){ 1, 65535, 0 }, 2, NULL, NULL, NULL, 0 },
	{ "u32", (const uint32_t[]){ 1, UINT32_MAX, 0 }, 4, NULL, NULL, NULL, 0 },
	{ "u64", (const uint64_t[]){ 1, UINT64_MAX, 0 }, 8, NULL, NULL, NULL, 0 },
	{ "f16", (const uint16_t[]){ 0x3c00, 0x7e01, 0 }, 2, NULL, NULL, NULL, 0 },
	{ "f32", (const uint32_t[]){ 0x3dcccccd, 0xff800000, 0 }, 4, NULL, NULL, NULL, 0 },
	{ "f64", (const uint64_t[]){ 0x3fb999999999999a, 0x7ff0dead0000beef, 0 }, 8, NULL, NULL,
	  NULL, 0 },
	{ "dec", (const uint64_t[]){ 12345, 0, UINT64_MAX, UINT64_MAX, 0, 0 }, 16, NULL, NULL, NULL,
	  0 },
	{ "date", (const int32_t[]){ 15706, -1, 0 }, 4, NULL, NULL, NULL, 0 },
	{ "ts", (const int64_t[]){ 1357016400000000000, -1, 0 }, 8, NULL, NULL, NULL, 0 },
	{ "dur", (const int64_t[]){ 1500, -1, 0 }, 8, NULL, NULL, NULL, 0 },
	{ "text", "a \"b\", c\xc3\xa9", 0, (const int32_t[]){ 0, 10, 10, 10 }, NULL, NULL, 0 },
	{ "bytes", "\x00\xff\x10", 0, (const int32_t[]){ 0, 3, 3, 3 }, NULL, NULL, 0 },
	{ "fixed", "abc\0\xff\0\0\0\0", 3, NULL, NULL, NULL, 0 },
};

static void make_types(struct world *w)
{
	static const uint8_t two_of_three[] = { 3 };
	static const int64_t first[] = { 0 }, second[] = { 1 };
	const struct data id = { "row_id", second, 8, NULL, NULL, NULL, 0 };
	struct data columns[COUNT(values) + 1];
	teg_attribute attributes[COUNT(types)];

	for (size_t i = 0; i < COUNT(types); i++) {
		attributes[i] = types[i];
		attributes[i].nullable = true;
		columns[i + 1] = values[i];
		columns[i + 1].validity = two_of_three;
	}
	begin(w, 1000);
	create(w, "types",
	       (teg_spec){
		       .kind = TEG_TABLE, .attributes = attributes, .n_attributes = COUNT(types) });
	put(w, "types", columns + 1, COUNT(values), 3, true, (teg_put_options){ 0 });
	commit(w);
	begin(w, 2000);
	columns[0] = (struct data){ "row_id", first, 8, NULL, NULL, NULL, 0 };
	put(w, "types", columns, COUNT(columns), 1, false,
	    (teg_put_options){ .row_id_column = "row_id" });
	delete (w, "types", &id, 1, 1, (teg_put_options){ 0 });
	commit(w);
}

/* ---- nested: null, [], [null] and what is in each other; vectors ---- */

#define VECTOR 70 /* of 4 bytes: long enough to lie raw */

static const teg_attribute floats[] = { { .type = { .type = TEG_FLOAT32 } } };
static const teg_attribute ints[] = { { .type = { .type = TEG_INT32 }, .nullable = true } };
static const teg_attribute pair[] = { { .type = { .type = TEG_FLOAT64 } } };
static const teg_attribute point[] = {
	{ .name = "at",
	  .type = { .type = TEG_FIXED_LIST, .list_size = 2, .children = pair, .n_children = 1 } },
	{ .name = "tag", .type = { .type = TEG_UTF8 }, .nullable = true },
};
static const teg_attribute points[] = {
	{ .type = { .type = TEG_STRUCT, .children = point, .n_children = 2 }, .nullable = true },
};
static const teg_attribute nested_types[] = {
	{ .name = "list",
	  .type = { .type = TEG_LIST, .children = ints, .n_children = 1 },
	  .nullable = true },
	{ .name = "vector",
	  .type = { .type = TEG_FIXED_LIST,
	            .list_size = VECTOR,
	            .children = floats,
	            .n_children = 1 },
	  .nullable = true },
	{ .name = "points",
	  .type = { .type = TEG_LIST, .children = points, .n_children = 1 },
	  .nullable = true },
};

/* Four rows: lists [1, null, 3], null, [], [null]; vectors of which the third is null; points. */
static void put_nested(struct world *w, const uint32_t *vectors_of, size_t n, const int64_t *ids)
{
	static const int32_t list_ends[] = { 0, 3, 3, 3, 4 }, point_ends[] = { 0, 2, 2, 2, 3 };
	static const int32_t tag_ends[] = { 0, 1, 1, 6 };
	static const int32_t numbers[] = { 1, 0, 3, 0 };
	static const double places[] = { -0.0, 1.5, 0, 0, 2, 1e300 };
	const struct data number = { .values = numbers, .width = 4, .validity = (uint8_t[]){ 5 } };
	const struct data word = { .values = vectors_of, .width = 4 };
	const struct data place = { .values = places, .width = 8 };
	const struct data fields[] = {
		{ "at", NULL, 2, NULL, NULL, &place, 1 },
		{ "tag", "aline2", 0, tag_ends, (uint8_t[]){ 5 }, NULL, 0 },
	};
	const struct data element = { .validity = (uint8_t[]){ 5 },
		                      .children = fields,
		                      .n_children = 2 };
	const struct data data[] = {
		{ "list", NULL, 0, list_ends, (uint8_t[]){ 13 }, &number, 1 },
		{ "vector", NULL, VECTOR, NULL, (uint8_t[]){ 11 }, &word, 1 },
		{ "points", NULL, 0, point_ends, (uint8_t[]){ 11 }, &element, 1 },
		{ "row_id", ids, 8, NULL, NULL, NULL, 0 },
	};

	put(w, "nested", data, ids ? 4 : 3, n, !ids,
	    (teg_put_options){ .row_id_column = ids ? "row_id" : NULL });
}

static void make_nested(struct world *w)
{
	static const int64_t second[] = { 1 }, third[] = { 2 };
	const struct data gone = { .name = "row_id", .values = third, .width = 8 };
	uint32_t words[4 * VECTOR];
	struct rng rng = { 3 };

	rng_fill(&rng, words, sizeof words);
	memset(words + 2 * VECTOR, 0, VECTOR * sizeof *words);
	begin(w, 1000);
	create(w, "nested",
	       (teg_spec){ .kind = TEG_TABLE,
	                   .attributes = nested_types,
	                   .n_attributes = COUNT(nested_types) });
	put_nested(w, words, 4, NULL);
	put_nested(w, words, 2, NULL);
	commit(w);
	begin(w, 2000);
	put_nested(w, words, 1, second);
	delete (w, "nested", &gone, 1, 1, (teg_put_options){ 0 });
	commit(w);
}

static void make_nested_merged(struct world *w)
{
	teg_error err;

	make_nested(w);
	need(teg_compact(w->store, NULL, NULL, &err), &err);
}

/* ---- cells: both times, text as a coordinate ---- */

static const teg_attribute float_value[] = {
	{ .name = "v", .type = { .type = TEG_FLOAT64 }, .nullable = true }
};

static void put_cells(struct world *w, const char *keys, const int32_t *offsets, const int32_t *y,
                      const double *v, size_t n, int64_t from, int64_t until)
{
	const struct data data[] = { { "k", keys, 0, offsets, NULL, NULL, 0 },
		                     { "y", y, 4, NULL, NULL, NULL, 0 },
		                     { "v", v, 8, NULL, NULL, NULL, 0 } };

	put(w, "cells", data, COUNT(data), n, false,
	    (teg_put_options){ .valid_from = from, .valid_until = until });
}

static void make_cells(struct world *w)
{
	static const teg_dimension dims[] = { { .name = "k", .type = { .type = TEG_UTF8 } },
		                              { .name = "y", .type = { .type = TEG_INT32 } } };
	static const char keys[] = "JFKLGAlong name onelong name two";
	static const int32_t offsets[] = { 0, 3, 6, 19, 32 }, y[] = { 1, -1, 7, 7 };
	static const double v[] = { 1.5, -0.0, NAN, 4.25 };
	const struct data gone[] = { { "k", keys, 0, offsets + 1, NULL, NULL, 0 },
		                     { "y", y + 1, 4, NULL, NULL, NULL, 0 } };

	begin(w, 1000);
	create(w, "cells",
	       (teg_spec){ .kind = TEG_SPARSE,
	                   .valid_time = true,
	                   .dimensions = dims,
	                   .n_dimensions = 2,
	                   .attributes = float_value,
	                   .n_attributes = 1 });
	put_cells(w, keys, offsets, y, v, 4, 0, 0);
	commit(w);
	begin(w, 2000);
	put_cells(w, keys, offsets, y, v + 3, 1, 100, 200);
	put_cells(w, keys, offsets + 2, y + 2, v, 2, TEG_TIME_OF_COMMIT, TEG_TIME_OPEN_END);
	commit(w);
	begin(w, 3000);
	delete (w, "cells", gone, 2, 1, (teg_put_options){ .valid_from = 50, .valid_until = 150 });
	commit(w);
}

static void make_merged(struct world *w)
{
	teg_error err;

	make_cells(w);
	need(teg_compact(w->store, NULL, NULL, &err), &err);
}

/* ---- grid: dense, in part and full, and a box deleted ---- */

static void put_square(struct world *w, const char *array, int32_t from, int32_t side)
{
	int32_t x[64], y[64];
	double v[64];
	const struct data data[] = { { "x", x, 4, NULL, NULL, NULL, 0 },
		                     { "y", y, 4, NULL, NULL, NULL, 0 },
		                     { "v", v, 8, NULL, NULL, NULL, 0 } };
	size_t n = (size_t)(side * side);

	for (size_t i = 0; i < n; i++) {
		x[i] = from + (int32_t)i / side;
		y[i] = from + (int32_t)i % side;
		v[i] = (double)i / 4;
	}
	put(w, array, data, COUNT(data), n, false, (teg_put_options){ 0 });
}

static void create_plane(struct world *w, const char *array, teg_spec spec, uint64_t extent)
{
	teg_value lo = { .type = TEG_INT32, .as.i = 0 }, hi = { .type = TEG_INT32, .as.i = 7 };
	const teg_dimension dims[] = {
		{ .name = "x",
		  .type = { .type = TEG_INT32 },
		  .lo = lo,
		  .hi = hi,
		  .extent = extent },
		{ .name = "y",
		  .type = { .type = TEG_INT32 },
		  .lo = lo,
		  .hi = hi,
		  .extent = extent },
	};

	spec.dimensions = dims;
	spec.n_dimensions = COUNT(dims);
	spec.attributes = float_value;
	spec.n_attributes = COUNT(float_value);
	create(w, array, spec);
}

static void make_grid(struct world *w)
{
	begin(w, 1000);
	create_plane(w, "grid", (teg_spec){ .kind = TEG_DENSE }, 4);
	put_square(w, "grid", 0, 8);
	commit(w);
	begin(w, 2000);
	put_square(w, "grid", 1, 3);
	commit(w);
	begin(w, 3000);
	delete_box(w, "grid", (const int32_t[]){ 2, 0 }, (const int32_t[]){ 3, 7 });
	commit(w);
}

/* ---- events: repeated cells, in column order ---- */

static void make_events(struct world *w)
{
	begin(w, 1000);
	create_plane(w, "events",
	             (teg_spec){ .kind = TEG_SPARSE,
	                         .cells = TEG_CELLS_REPEATED,
	                         .tile_order = TEG_ORDER_Z,
	                         .cell_order = TEG_ORDER_COLUMN },
	             0);
	put_square(w, "events", 0, 3);
	put_square(w, "events", 1, 2);
	commit(w);
	begin(w, 2000);
	put_square(w, "events", 0, 2);
	commit(w);
	begin(w, 3000);
	delete_box(w, "events", (const int32_t[]){ 0, 0 }, (const int32_t[]){ 0, 7 });
	commit(w);
}

/* ---- levels: so many tiles that the index has two levels ---- */

static void make_levels(struct world *w)
{
	static const teg_attribute attribute[] = { { .name = "n", .type = { .type = TEG_INT64 } } };
	int64_t numbers[600];
	const struct data data = { "n", numbers, 8, NULL, NULL, NULL, 0 };

	for (size_t i = 0; i < COUNT(numbers); i++)
		numbers[i] = (int64_t)(i * i);
	begin(w, 1000);
	create(w, "levels",
	       (teg_spec){ .kind = TEG_TABLE,
	                   .attributes = attribute,
	                   .n_attributes = 1,
	                   .tile_cells = 2 });
	put(w, "levels", &data, 1, COUNT(numbers), true, (teg_put_options){ 0 });
	commit(w);
}

/* ---- keys: a table whose keys are unique; one is given on ---- */

static void make_keys(struct world *w)
{
	static const teg_attribute attribute[] = {
		{ .name = "id", .type = { .type = TEG_UTF8 }, .nullable = true }
	};
	static const char ids[] = "alphabetagamma";
	static const int32_t offsets[] = { 0, 5, 9, 9 };
	static const uint8_t validity = 3; /* the third has no key */
	static const int64_t first = 0;
	const struct data rows = { "id", ids, 0, offsets, &validity, NULL, 0 };
	const struct data gone = { "row_id", &first, 8, NULL, NULL, NULL, 0 };

	begin(w, 1000);
	create(w, "keys",
	       (teg_spec){ .kind = TEG_TABLE,
	                   .attributes = attribute,
	                   .n_attributes = 1,
	                   .key = "id",
	                   .key_unique = true });
	put(w, "keys", &rows, 1, 3, true, (teg_put_options){ 0 });
	commit(w);
	begin(w, 2000);
	delete (w, "keys", &gone, 1, 1, (teg_put_options){ 0 });
	put(w, "keys", &rows, 1, 1, true, (teg_put_options){ 0 });
	commit(w);
}

/* ---- redacted: what one of two commits said has been taken away ---- */

static void make_redacted(struct world *w)
{
	static const teg_attribute attribute[] = { { .name = "n", .type = { .type = TEG_INT64 } } };
	static const int64_t numbers[] = { 1, 2, 3 };
	static const uint64_t versions[] = { 2 };
	const teg_purge_options options = { .struct_size = sizeof options,
		                            .array = "redacted",
		                            .versions = versions,
		                            .n_versions = 1 };
	const struct data rows = { "n", numbers, 8, NULL, NULL, NULL, 0 };
	teg_error err;

	for (int i = 0; i < 2; i++) {
		begin_noted(w, 1000 * (i + 1), i ? "stays" : "goes");
		if (!i)
			create(w, "redacted",
			       (teg_spec){ .kind = TEG_TABLE,
			                   .attributes = attribute,
			                   .n_attributes = 1 });
		put(w, "redacted", &rows, 1, 3, true, (teg_put_options){ 0 });
		commit(w);
	}
	need(teg_purge(w->store, &options, NULL, &err), &err);
	w->versions = "{\"2\": 5, \"3\": [[\"note\", \"stays\"]],"
		      " \"5\": [[\"metadata_removed\", \"1\"]]}";
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(struct world *w);
	} stores[] = { { "types", make_types },   { "cells", make_cells },
		       { "merged", make_merged }, { "grid", make_grid },
		       { "events", make_events }, { "levels", make_levels },
		       { "keys", make_keys },     { "redacted", make_redacted },
		       { "nested", make_nested }, { "nested_merged", make_nested_merged } };
	FILE *version;
	struct world w;

	if (argc != 2)
		fail("usage", "generate FOLDER");
	mkdir(path_of(argv[1], "chunks"), 0777);
	mkdir(path_of(argv[1], "stores"), 0777);
	version = create_file(path_of(argv[1], "zstd"));
	fprintf(version, "%s\n", ZSTD_versionString());
	close_file(version);
	make_chunks(argv[1]);
	for (size_t i = 0; i < COUNT(stores); i++) {
		open_world(&w, argv[1], stores[i].name);
		stores[i].make(&w);
		close_world(&w);
	}
	return 0;
}
