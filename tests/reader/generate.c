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
#include "codec/column/chunk.h"
#include "engine/tegula.h"
#include "tests/support/rng.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "generate: %s: %s\n", what, why);
	exit(1);
}

static void need(teg_status status, const teg_error *err)
{
	if (status != TEG_OK)
		fail(teg_status_name(status), err->message);
}

static const char *path_of(const char *folder, const char *format, ...)
{
	static char path[4096];
	int len = snprintf(path, sizeof path, "%s/", folder);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path + len, sizeof path - (size_t)len, format, arguments);
	va_end(arguments);
	return path;
}

static FILE *create_file(const char *path)
{
	FILE *file = fopen(path, "wb");

	if (!file)
		fail(path, "cannot be written");
	return file;
}

static void put_hex(FILE *out, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", ((const uint8_t *)bytes)[i]);
}

static void close_file(FILE *file)
{
	if (fclose(file))
		fail("a file", "cannot be written");
}

/* ---- chunks ---- */

enum shape {
	SHAPE_NOISE,
	SHAPE_SMALL,
	SHAPE_ASCENDING,
	SHAPE_MOSTLY_OPEN,
	SHAPE_RUNS,
	SHAPE_FEW,
	SHAPE_ONE,
	SHAPE_DECIMAL,
	SHAPE_PRICES, /* decimals that ascend */
	SHAPE_ALIKE   /* words whose lower bytes are alike */
};

struct vector {
	const char *name;
	enum encoding
		encoding; /* that the writer must choose, or the vector tests something else */
	enum value_class class;
	uint32_t width; /* 0: BYTES */
	enum shape shape;
	size_t n, null_every;
	enum profile profile;
};

static const struct vector vectors[] = {
	{ "empty", ENCODING_CONSTANT, VALUE_SIGNED, 8, SHAPE_ONE, 0, 0, PROFILE_BALANCED },
	{ "all_null", ENCODING_CONSTANT, VALUE_FLOAT, 8, SHAPE_ONE, 9, 1, PROFILE_BALANCED },
	{ "all_null_text", ENCODING_CONSTANT, VALUE_BYTES, 0, SHAPE_ONE, 9, 1, PROFILE_BALANCED },
	{ "constant", ENCODING_CONSTANT, VALUE_SIGNED, 4, SHAPE_ONE, 2000, 0, PROFILE_BALANCED },
	{ "constant_text", ENCODING_CONSTANT, VALUE_BYTES, 0, SHAPE_ONE, 5, 0, PROFILE_BALANCED },
	{ "raw", ENCODING_RAW, VALUE_UNSIGNED, 8, SHAPE_NOISE, 70, 0, PROFILE_FAST },
	{ "raw_pages", ENCODING_RAW, VALUE_OPAQUE, 40, SHAPE_NOISE, 900, 0, PROFILE_FAST },
	{ "raw_wide", ENCODING_RAW, VALUE_WIDE, 16, SHAPE_NOISE, 60, 7, PROFILE_FAST },
	{ "raw_text", ENCODING_RAW, VALUE_BYTES, 0, SHAPE_NOISE, 300, 5, PROFILE_FAST },
	{ "for_8", ENCODING_FOR, VALUE_UNSIGNED, 1, SHAPE_SMALL, 1030, 0, PROFILE_FAST },
	{ "for_16", ENCODING_FOR, VALUE_SIGNED, 2, SHAPE_SMALL, 1030, 0, PROFILE_FAST },
	{ "for_32", ENCODING_FOR, VALUE_SIGNED, 4, SHAPE_SMALL, 2050, 0, PROFILE_FAST },
	{ "for_64", ENCODING_FOR, VALUE_UNSIGNED, 8, SHAPE_SMALL, 1030, 0, PROFILE_FAST },
	{ "for_few_nulls", ENCODING_FOR, VALUE_SIGNED, 4, SHAPE_SMALL, 1030, 300, PROFILE_FAST },
	{ "for_many_nulls", ENCODING_FOR, VALUE_SIGNED, 4, SHAPE_SMALL, 1030, 3, PROFILE_FAST },
	{ "delta", ENCODING_DELTA, VALUE_SIGNED, 8, SHAPE_ASCENDING, 2050, 0, PROFILE_FAST },
	{ "delta_32", ENCODING_DELTA, VALUE_UNSIGNED, 4, SHAPE_ASCENDING, 1030, 0, PROFILE_FAST },
	{ "patched", ENCODING_PATCHED, VALUE_SIGNED, 8, SHAPE_MOSTLY_OPEN, 2050, 0, PROFILE_FAST },
	{ "runs", ENCODING_RUNS, VALUE_UNSIGNED, 4, SHAPE_RUNS, 3000, 0, PROFILE_FAST },
	{ "dictionary", ENCODING_DICTIONARY, VALUE_SIGNED, 8, SHAPE_FEW, 1100, 0, PROFILE_FAST },
	{ "dictionary_text", ENCODING_DICTIONARY, VALUE_BYTES, 0, SHAPE_FEW, 1100, 9,
	  PROFILE_FAST },
	{ "alp", ENCODING_ALP, VALUE_FLOAT, 8, SHAPE_DECIMAL, 1100, 0, PROFILE_FAST },
	{ "alp_delta", ENCODING_ALP, VALUE_FLOAT, 8, SHAPE_PRICES, 2050, 0, PROFILE_FAST },
	{ "zstd_text", ENCODING_RAW, VALUE_BYTES, 0, SHAPE_ASCENDING, 600, 0, PROFILE_DENSE },
	{ "zstd_planes", ENCODING_RAW, VALUE_FLOAT, 8, SHAPE_ALIKE, 1500, 0, PROFILE_DENSE },
};

static uint64_t double_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	return bits;
}

static uint64_t word_of(enum shape shape, size_t i, struct rng *rng)
{
	static const double odd[] = { -0.0, NAN, INFINITY, 5e-324 };
	uint64_t r = rng_u64(rng);

	switch (shape) {
	case SHAPE_NOISE: return r;
	case SHAPE_SMALL: return (r >> 5) % 60 + 20;
	case SHAPE_ASCENDING: return i * 1000003 + (r >> 5) % 9;
	case SHAPE_MOSTLY_OPEN: return (r >> 5) % 40 ? INT64_MAX : r >> 20;
	case SHAPE_RUNS: return i / 90 * 0x12345;
	case SHAPE_FEW: return (r >> 5) % 11 * 0x0123456789abcdefu;
	case SHAPE_DECIMAL:
		return double_bits(i % 200 == 7 ? odd[i / 200 % 4]
		                                : (double)((r >> 5) % 900000) / 100);
	case SHAPE_PRICES: return double_bits((double)(i * 1000 + r % 7) / 10);
	case SHAPE_ALIKE: return (r & 0xffffffffff000000) | 0x123456;
	default: return 42;
	}
}

static size_t text_of(enum shape shape, size_t i, struct rng *rng, char text[64])
{
	uint64_t r = rng_u64(rng) >> 5;

	switch (shape) {
	case SHAPE_ASCENDING:
		return (size_t)snprintf(text, 64, "station %03zu, platform %u", i,
		                        (unsigned)(r % 9));
	case SHAPE_FEW: return (size_t)snprintf(text, 64, "carrier %u", (unsigned)(r % 7));
	case SHAPE_NOISE: rng_fill(rng, text, 20); return r % 20;
	default: return (size_t)snprintf(text, 64, "the same");
	}
}

static void make_values(const struct vector *v, struct column_buf *column)
{
	struct rng rng = { 1 };
	char text[64];

	for (size_t i = 0; i < v->n; i++) {
		uint64_t words[8] = { word_of(v->shape, i, &rng) };
		struct span value = span_of(words, v->width);

		rng_fill(&rng, words + 1, v->width > 8 ? sizeof words - 8 : 0);
		if (!v->width)
			value = span_of(text, text_of(v->shape, i, &rng, text));
		need(v->null_every && i % v->null_every == v->null_every - 1
		             ? column_buf_append_nulls(column, 1)
		             : column_buf_append_value(column, value, 1),
		     &(teg_error){ .message = "no memory" });
	}
}

static void write_truth(const struct vector *v, const struct column *column, const char *path)
{
	FILE *out = create_file(path);

	fprintf(out, "{\"encoding\": %d, \"class\": %d, \"width\": %u, \"values\": [", v->encoding,
	        v->class, v->width);
	for (size_t i = 0; i < column->n; i++) {
		struct span value = column_value(column, i);

		fputs(i ? ", " : "", out);
		fputs(column_valid(column, i) ? "\"" : "null", out);
		if (!column_valid(column, i))
			continue;
		put_hex(out, value.at, value.len);
		fputs("\"", out);
	}
	fputs("]}\n", out);
	close_file(out);
}

static void put_bytes(FILE *out, struct span bytes)
{
	if (bytes.len && fwrite(bytes.at, 1, bytes.len, out) != bytes.len)
		fail("a chunk", "cannot be written");
}

static void write_chunk(struct span descriptor, struct span bytes, const char *path)
{
	FILE *out = create_file(path);
	uint8_t len[4];

	store_u32(len, (uint32_t)descriptor.len);
	put_bytes(out, span_of(len, sizeof len));
	put_bytes(out, descriptor);
	put_bytes(out, bytes);
	close_file(out);
}

static void make_chunk(const char *folder, const struct vector *v)
{
	const teg_allocator *alloc = teg_allocator_default();
	struct codec_scratch *scratch = codec_scratch_new(alloc);
	struct column_buf values;
	struct buf bytes, descriptor;
	struct arena arena;
	struct column column;
	struct chunk chunk;
	teg_error err;

	column_buf_init(&values, v->width ? COLUMN_FIXED : COLUMN_BYTES, v->width, alloc);
	buf_init(&bytes, alloc, BUF_NO_LIMIT);
	buf_init(&descriptor, alloc, BUF_NO_LIMIT);
	arena_init(&arena, alloc, SIZE_MAX);
	make_values(v, &values);
	column = column_buf_view(&values);
	need(chunk_encode(&column, v->class, v->profile, scratch, &arena, &bytes, &chunk, &err),
	     &err);
	if (chunk.encoding != v->encoding)
		fail(v->name, "the writer chose another encoding");
	chunk_put_descriptor(&chunk, &descriptor);
	write_chunk(buf_span(&descriptor), buf_span(&bytes),
	            path_of(folder, "chunks/%s.chunk", v->name));
	write_truth(v, &column, path_of(folder, "chunks/%s.json", v->name));
	arena_release(&arena);
	buf_release(&descriptor);
	buf_release(&bytes);
	column_buf_release(&values);
	codec_scratch_free(scratch);
}

/* ---- stores: every call goes to the engine and into the truth ---- */

struct world {
	const char *folder, *name;
	teg_store *store;
	teg_txn *txn;
	FILE *truth;
	int64_t time;
	uint64_t n_ids; /* of the table */
	bool some;      /* something is in the truth */
};

/* A column: values of `width` bytes, or text with offsets where `offsets` is set. */
struct data {
	const char *name;
	const void *values;
	size_t width;
	const int32_t *offsets;
	const uint8_t *validity;
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
	fputs("\n]}\n", w->truth);
	close_file(w->truth);
	teg_store_close(w->store);
}

static void begin(struct world *w, int64_t time)
{
	teg_txn_options options = { .struct_size = sizeof options, .system_time = time };
	teg_error err;

	w->time = time;
	need(teg_txn_begin(w->store, &options, &w->txn, &err), &err);
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

static void say_value(struct world *w, const struct data *d, size_t i)
{
	const uint8_t *at = d->values;

	fprintf(w->truth, "\"%s\": ", d->name);
	if (d->validity && !bitmap_get(d->validity, i)) {
		fputs("null", w->truth);
		return;
	}
	fputs("\"", w->truth);
	if (d->offsets)
		put_hex(w->truth, at + d->offsets[i], (size_t)(d->offsets[i + 1] - d->offsets[i]));
	else
		put_hex(w->truth, at + i * d->width, d->width);
	fputs("\"", w->truth);
}

/* `ids`: the rows are of a table and get the next row ids. */
static void say_rows(struct world *w, const char *array, int kind, const struct data *columns,
                     size_t n_columns, size_t n, bool ids, const teg_put_options *o)
{
	for (size_t i = 0; i < n; i++) {
		struct data id = { "row_id", &w->n_ids, 8, NULL, NULL };

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

static void to_columns(const struct data *data, size_t n, teg_column *columns)
{
	for (size_t i = 0; i < n; i++)
		columns[i] = (teg_column){ .name = data[i].name,
			                   .values = data[i].values,
			                   .offsets = data[i].offsets,
			                   .validity = data[i].validity };
}

static void put(struct world *w, const char *array, const struct data *data, size_t n_data,
                size_t n, bool ids, teg_put_options options)
{
	teg_column columns[32];
	teg_error err;

	options.struct_size = sizeof options;
	to_columns(data, n_data, columns);
	need(teg_txn_put(w->txn, array, columns, n_data, n, &options, &err), &err);
	say_rows(w, array, 0, data, n_data, n, ids, &options);
}

static void delete (struct world *w, const char *array, const struct data *data, size_t n_data,
                    size_t n, teg_put_options options)
{
	teg_column columns[32];
	teg_error err;

	options.struct_size = sizeof options;
	to_columns(data, n_data, columns);
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
	{ "bool", (const uint8_t[]){ 1, 0, 0 }, 1, NULL, NULL },
	{ "i8", (const int8_t[]){ 1, -128, 0 }, 1, NULL, NULL },
	{ "i16", (const int16_t[]){ 1, INT16_MIN, 0 }, 2, NULL, NULL },
	{ "i32", (const int32_t[]){ 1, INT32_MIN, 0 }, 4, NULL, NULL },
	{ "i64", (const int64_t[]){ 1, INT64_MIN, 0 }, 8, NULL, NULL },
	{ "u8", (const uint8_t[]){ 1, 255, 0 }, 1, NULL, NULL },
	{ "u16", (const uint16_t[]){ 1, 65535, 0 }, 2, NULL, NULL },
	{ "u32", (const uint32_t[]){ 1, UINT32_MAX, 0 }, 4, NULL, NULL },
	{ "u64", (const uint64_t[]){ 1, UINT64_MAX, 0 }, 8, NULL, NULL },
	{ "f16", (const uint16_t[]){ 0x3c00, 0x7e01, 0 }, 2, NULL, NULL },
	{ "f32", (const uint32_t[]){ 0x3dcccccd, 0xff800000, 0 }, 4, NULL, NULL },
	{ "f64", (const uint64_t[]){ 0x3fb999999999999a, 0x7ff0dead0000beef, 0 }, 8, NULL, NULL },
	{ "dec", (const uint64_t[]){ 12345, 0, UINT64_MAX, UINT64_MAX, 0, 0 }, 16, NULL, NULL },
	{ "date", (const int32_t[]){ 15706, -1, 0 }, 4, NULL, NULL },
	{ "ts", (const int64_t[]){ 1357016400000000000, -1, 0 }, 8, NULL, NULL },
	{ "dur", (const int64_t[]){ 1500, -1, 0 }, 8, NULL, NULL },
	{ "text", "a \"b\", c\xc3\xa9", 0, (const int32_t[]){ 0, 10, 10, 10 }, NULL },
	{ "bytes", "\x00\xff\x10", 0, (const int32_t[]){ 0, 3, 3, 3 }, NULL },
	{ "fixed", "abc\0\xff\0\0\0\0", 3, NULL, NULL },
};

static void make_types(struct world *w)
{
	static const uint8_t two_of_three[] = { 3 };
	static const int64_t first[] = { 0 }, second[] = { 1 };
	const struct data id = { "row_id", second, 8, NULL, NULL };
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
	columns[0] = (struct data){ "row_id", first, 8, NULL, NULL };
	put(w, "types", columns, COUNT(columns), 1, false,
	    (teg_put_options){ .row_id_column = "row_id" });
	delete (w, "types", &id, 1, 1, (teg_put_options){ 0 });
	commit(w);
}

/* ---- cells: both times, text as a coordinate ---- */

static const teg_attribute float_value[] = {
	{ .name = "v", .type = { .type = TEG_FLOAT64 }, .nullable = true }
};

static void put_cells(struct world *w, const char *keys, const int32_t *offsets, const int32_t *y,
                      const double *v, size_t n, int64_t from, int64_t until)
{
	const struct data data[] = { { "k", keys, 0, offsets, NULL },
		                     { "y", y, 4, NULL, NULL },
		                     { "v", v, 8, NULL, NULL } };

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
	const struct data gone[] = { { "k", keys, 0, offsets + 1, NULL },
		                     { "y", y + 1, 4, NULL, NULL } };

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
	const struct data data[] = { { "x", x, 4, NULL, NULL },
		                     { "y", y, 4, NULL, NULL },
		                     { "v", v, 8, NULL, NULL } };
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
	const struct data data = { "n", numbers, 8, NULL, NULL };

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

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(struct world *w);
	} stores[] = { { "types", make_types },   { "cells", make_cells },
		       { "merged", make_merged }, { "grid", make_grid },
		       { "events", make_events }, { "levels", make_levels } };
	FILE *version;
	struct world w;

	if (argc != 2)
		fail("usage", "generate FOLDER");
	mkdir(path_of(argv[1], "chunks"), 0777);
	mkdir(path_of(argv[1], "stores"), 0777);
	version = create_file(path_of(argv[1], "zstd"));
	fprintf(version, "%s\n", ZSTD_versionString());
	close_file(version);
	for (size_t i = 0; i < COUNT(vectors); i++)
		make_chunk(argv[1], &vectors[i]);
	for (size_t i = 0; i < COUNT(stores); i++) {
		open_world(&w, argv[1], stores[i].name);
		stores[i].make(&w);
		close_world(&w);
	}
	return 0;
}
