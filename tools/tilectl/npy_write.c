#include "tools/tilectl/npy_write.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/tilectl/arrow.h"
#include "tools/tilectl/npy.h"
#include "tools/tilectl/number.h"
#include "tools/tilectl/slabs.h"

#define HEADER_LEN 512 /* room for any shape, padded as numpy does; a multiple of 64 */

struct writer {
	const struct way_out *out;
	const teg_attribute *attribute;
	const teg_data_type *value; /* its type, or that of the values in its fixed-size lists */
	uint64_t inner[TEG_MAX_DEPTH], each; /* lengths of those, outermost first; their product */
	size_t n_inner;
	uint64_t axes[TEG_MAX_DEPTH]; /* after the first: those lengths, or what they were before */
	size_t n_axes;
	FILE *to;   /* the target, or a file that is copied to stdout when its header is known */
	uint64_t n; /* values */
};

/* ---- values ----------------------------------------------------------------------------------- */

static int fail_write(const struct writer *w)
{
	return fail_with(EXIT_FAILED, "cannot write: %s (file %s)", strerror(errno),
	                 w->out->target->path);
}

static int fail_value(const struct writer *w, uint64_t at, const char *what)
{
	return fail_with(EXIT_FAILED,
	                 "%s cannot stand in a .npy file (array %s, column %s, row %" PRIu64 ")",
	                 what, teg_array_name(w->out->array), w->attribute->name, at / w->each);
}

static bool is_time(teg_type type)
{
	return type == TEG_TIMESTAMP || type == TEG_DURATION || type == TEG_DATE32;
}

/* Times one by one: NumPy's days have 64 bits, its null is a value. */
static int put_times(struct writer *w, const uint8_t *values, const uint8_t *valid, size_t n)
{
	bool days = w->value->type == TEG_DATE32;

	for (size_t i = 0; i < n; i++) {
		int64_t value = INT64_MIN;
		int32_t day;

		if (days)
			memcpy(&day, values + i * 4, 4);
		if (!valid || valid[i]) {
			memcpy(&value, values + i * (days ? 4 : 8), days ? 4 : 8);
			value = days ? day : value;
			if (value == INT64_MIN)
				return fail_value(w, w->n + i, "a time that NumPy takes for NaT");
		}
		if (!fwrite(&value, sizeof value, 1, w->to))
			return fail_write(w);
	}
	w->n += n;
	return EXIT_OK;
}

/* Values of one width with a byte of validity each; NULL: all are there. */
static int put_values(struct writer *w, const uint8_t *values, const uint8_t *valid, size_t n)
{
	if (is_time(w->value->type))
		return put_times(w, values, valid, n);
	for (size_t i = 0; valid && i < n; i++)
		if (!valid[i])
			return fail_value(w, w->n + i, "a null");
	if (n && fwrite(values, npy_width(w->value->type), n, w->to) != n)
		return fail_write(w);
	w->n += n;
	return EXIT_OK;
}

/* ---- the header ------------------------------------------------------------------------------- */

static int put_header(struct writer *w, const uint64_t *shape, size_t rank)
{
	struct text text = { NULL, 0, 0 };
	uint16_t len = HEADER_LEN - 10;
	char name[16];
	int code = EXIT_OK;

	npy_type_name(w->value, name);
	text_add(&text, "\x93NUMPY\1\0", 8);
	text_add(&text, (const char *)&len, 2);
	text_addf(&text, "{'descr': '%s', 'fortran_order': False, 'shape': (", name);
	for (size_t i = 0; i < rank; i++)
		text_addf(&text, "%" PRIu64 "%s", shape[i],
		          rank == 1      ? ","
		          : i + 1 < rank ? ", "
		                         : "");
	text_adds(&text, "), }");
	if (text.len > HEADER_LEN - 1)
		code = fail_with(EXIT_FAILED, "the shape is too long (file %s)",
		                 w->out->target->path);
	while (text.len < HEADER_LEN - 1)
		text_adds(&text, " ");
	text_adds(&text, "\n");
	if (code == EXIT_OK && fwrite(text.at, HEADER_LEN, 1, w->to) != 1)
		code = fail_write(w);
	text_free(&text);
	return code;
}

/* ---- rows of a scan --------------------------------------------------------------------------- */

static bool bit_at(const void *bits, int64_t i)
{
	return ((const uint8_t *)bits)[i / 8] >> (i % 8) & 1;
}

static void spread(const void *bits, int64_t from, size_t n, struct text *out)
{
	text_clear(out);
	for (size_t i = 0; i < n; i++)
		text_add(out, bit_at(bits, from + (int64_t)i) ? "\1" : "", 1);
}

static int put_column(struct writer *w, const struct ArrowArray *column, int64_t from, size_t n,
                      struct text *valid, struct text *bools)
{
	const uint8_t *values = (const uint8_t *)column->buffers[1];
	bool nulls = column->null_count && column->buffers[0];

	if (nulls)
		spread(column->buffers[0], from, n, valid);
	if (w->value->type == TEG_BOOL) {
		spread(values, from, n, bools);
		values = (const uint8_t *)text_string(bools);
	} else {
		values += (size_t)from * npy_width(w->value->type);
	}
	return put_values(w, values, nulls ? (const uint8_t *)valid->at : NULL, n);
}

static int put_batch(struct writer *w, const struct ArrowArray *batch, struct text *valid,
                     struct text *bools)
{
	const struct ArrowArray *column = batch->children[0];
	int64_t from = batch->offset + column->offset;
	size_t n = (size_t)batch->length;
	uint64_t each = w->each;

	for (size_t level = 0; level < w->n_inner; level++) {
		for (size_t i = 0; column->null_count && column->buffers[0] && i < n; i++)
			if (!bit_at(column->buffers[0], from + (int64_t)i))
				return fail_value(w, w->n + i * each, "a null");
		column = column->children[0];
		from = from * (int64_t)w->inner[level] + column->offset;
		n *= w->inner[level];
		each /= w->inner[level];
	}
	return put_column(w, column, from, n, valid, bools);
}

/* One row of the result for each row, whatever it holds. */
static int put_rows_header(struct writer *w)
{
	uint64_t shape[TEG_MAX_DEPTH + 1] = { w->n / w->each };

	memcpy(shape + 1, w->axes, w->n_axes * sizeof *shape);
	return put_header(w, shape, w->n_axes + 1);
}

static int put_scan(struct writer *w, teg_scan *scan)
{
	struct text valid = { NULL, 0, 0 }, bools = { NULL, 0, 0 };
	int code = put_rows_header(w);

	while (code == EXIT_OK) {
		struct ArrowArray batch = { .release = NULL };
		teg_error err;
		teg_status status = teg_scan_next(scan, &batch, &err);

		if (status == TEG_END)
			break;
		code = status == TEG_OK ? put_batch(w, &batch, &valid, &bools) : fail_call(&err);
		arrow_array_release(&batch);
	}
	text_free(&valid);
	text_free(&bools);
	if (code == EXIT_OK && fseek(w->to, 0, SEEK_SET))
		code = fail_write(w);
	return code == EXIT_OK ? put_rows_header(w) : code;
}

static int write_rows_of(struct writer *w)
{
	teg_scan_options options = *w->out->scan;
	teg_scan *scan;
	teg_error err;
	int code;

	options.columns = &w->attribute->name;
	options.n_columns = 1;
	if (teg_scan_open(w->out->array, &options, &scan, &err) != TEG_OK)
		return fail_call(&err);
	code = put_scan(w, scan);
	teg_scan_close(scan);
	return code;
}

/* ---- the cells of a box ----------------------------------------------------------------------- */

/* Positions of the array, which the box may begin anywhere in. */
static void slice_of(const struct slabs *s, const int64_t *from, teg_slice *slices_out)
{
	for (size_t d = 0; d < s->rank; d++)
		slices_out[d] = (teg_slice){ .has_start = true,
			                     .has_stop = true,
			                     .start = from[d] + (int64_t)s->at[d],
			                     .stop = from[d] + (int64_t)(s->at[d] + s->n[d]) };
}

/* A box of cells that is written slab by slab. */
struct boxed {
	struct slabs slabs;
	int64_t from[TEG_MAX_DIMENSIONS];
	teg_read_options when;
};

static int put_slab(struct writer *w, const struct boxed *b, uint8_t *values, uint8_t *valid)
{
	teg_slice slices[TEG_MAX_DIMENSIONS];
	teg_buffer buffer = { .name = w->attribute->name, .values = values };
	teg_error err;

	slice_of(&b->slabs, b->from, slices);
	buffer.values_len = (size_t)b->slabs.cells * npy_width(w->value->type);
	buffer.validity = w->attribute->nullable ? valid : NULL;
	if (teg_read_slice(w->out->array, slices, b->slabs.rank, &buffer, 1, NULL, &b->when,
	                   &err) != TEG_OK)
		return fail_call(&err);
	return put_values(w, values, buffer.validity, (size_t)b->slabs.cells);
}

static int put_slabs(struct writer *w, struct boxed *b, size_t rank, const uint64_t *shape)
{
	size_t width = npy_width(w->value->type);
	int code = put_header(w, shape, rank);
	bool more = slabs_begin(&b->slabs, shape, rank, width);
	uint8_t *values = need_memory((size_t)b->slabs.most, width);
	uint8_t *valid = need_memory((size_t)b->slabs.most, 1);

	for (; code == EXIT_OK && more; more = slabs_next(&b->slabs))
		code = put_slab(w, b, values, valid);
	free(values);
	free(valid);
	return code;
}

/* Where the box begins and how long it is along dimension d, in positions. */
static int read_side(const struct writer *w, size_t d, int64_t *from_out, uint64_t *len)
{
	const teg_dimension *dimension = &teg_array_spec(w->out->array)->dimensions[d];
	const teg_range *range = w->out->scan->box ? &w->out->scan->box[d] : NULL;
	int64_t first = range && range->lo.type ? (int64_t)(range->lo.as.u - dimension->lo.as.u)
	                                        : 0;
	int64_t last = range && range->hi.type ? (int64_t)(range->hi.as.u - dimension->lo.as.u)
	                                       : (int64_t)*len - 1;

	if (first < 0 || last >= (int64_t)*len || first > last + 1)
		return fail_with(EXIT_FAILED,
		                 "the box lies outside of the domain (array %s, column %s)",
		                 teg_array_name(w->out->array), dimension->name);
	*from_out = first;
	*len = (uint64_t)(last - first + 1);
	return EXIT_OK;
}

static int write_box(struct writer *w)
{
	const teg_scan_options *scan = w->out->scan;
	struct boxed box = { .when = { .struct_size = sizeof box.when,
		                       .mode = scan->mode,
		                       .system_time = scan->system_time,
		                       .version = scan->version,
		                       .has_valid_at = scan->valid_mode == TEG_VALID_AT,
		                       .valid_at = scan->valid_at } };
	uint64_t shape[TEG_MAX_DIMENSIONS];
	size_t rank;
	teg_error err;

	if (scan->n_slices)
		return usage(w->out->args, "a .npy file takes a --box of coordinates, not slices");
	if (scan->predicate || scan->kinds || scan->times || scan->valid_mode == TEG_VALID_RANGE)
		return usage(w->out->args, "a box of cells takes no --where, --kinds, --times, "
		                           "--all-versions or --valid-range");
	if (teg_array_shape(w->out->array, NULL, 0, &rank, shape, &err) != TEG_OK)
		return fail_call(&err);
	for (size_t d = 0; d < rank; d++) {
		int code = read_side(w, d, &box.from[d], &shape[d]);

		if (code != EXIT_OK)
			return code;
	}
	return put_slabs(w, &box, rank, shape);
}

/* ---- one attribute ---------------------------------------------------------------------------- */

/* "[2, 3]": the axes that an import made one list of. */
static void read_shape(struct writer *w, const char *at, size_t len)
{
	uint64_t axes[TEG_MAX_DEPTH], n = 1;
	size_t n_axes = 0;

	if (len < 2 || at[0] != '[' || at[len - 1] != ']')
		return;
	for (size_t i = 1, k; i < len && n_axes < TEG_MAX_DEPTH; i = k + 1) {
		i += i > 1 && at[i] == ' ';
		for (k = i; at[k] != ',' && at[k] != ']'; k++)
			;
		if (!number_read_uint(at + i, k - i, UINT32_MAX, &axes[n_axes]) || n > w->each)
			return;
		n *= axes[n_axes++];
		if (at[k] == ']' && k + 1 < len)
			return;
	}
	if (n != w->each)
		return;
	memcpy(w->axes, axes, n_axes * sizeof *axes);
	w->n_axes = n_axes;
}

static void choose_axes(struct writer *w)
{
	static const char key[] = "tensor_shape";
	const teg_attribute *a = w->attribute;

	memcpy(w->axes, w->inner, sizeof w->axes);
	w->n_axes = w->n_inner;
	for (size_t i = 0; w->n_inner == 1 && i < a->n_metadata; i++)
		if (a->metadata[i].key_len == sizeof key - 1 &&
		    !memcmp(a->metadata[i].key, key, sizeof key - 1))
			read_shape(w, a->metadata[i].value, a->metadata[i].value_len);
}

/* Fixed-size lists of rows become axes; a list of none has no shape that could be read back. */
static bool find_value(struct writer *w)
{
	bool dense = teg_array_spec(w->out->array)->kind == TEG_DENSE;

	w->value = &w->attribute->type;
	w->each = 1;
	for (; w->value->type == TEG_FIXED_LIST; w->value = &w->value->children[0].type) {
		if (dense || !w->value->list_size)
			return false;
		w->inner[w->n_inner++] = w->value->list_size;
		w->each *= w->value->list_size;
	}
	choose_axes(w);
	return true;
}

static int find_attribute(struct writer *w)
{
	const teg_spec *spec = teg_array_spec(w->out->array);
	const teg_scan_options *scan = w->out->scan;
	const char *name = scan->n_columns == 1 ? scan->columns[0] : NULL;
	char dtype[16];

	if (scan->times || (scan->n_columns != 1 && spec->n_attributes != 1))
		return usage(w->out->args, "a .npy file holds one column: --columns NAME");
	for (size_t i = 0; i < spec->n_attributes; i++)
		if (!name || !strcmp(spec->attributes[i].name, name))
			w->attribute = &spec->attributes[i];
	if (!w->attribute)
		return fail_with(EXIT_FAILED, "there is no such attribute (array %s, column %s)",
		                 teg_array_name(w->out->array), name);
	if (find_value(w) && npy_type_name(w->value, dtype))
		return EXIT_OK;
	return fail_with(EXIT_FAILED,
	                 "its type is none that NumPy has as numbers (array %s, column %s)",
	                 teg_array_name(w->out->array), w->attribute->name);
}

static int copy_out(struct writer *w)
{
	char piece[65536];
	size_t n;

	rewind(w->to);
	while ((n = fread(piece, 1, sizeof piece, w->to)) > 0)
		if (fwrite(piece, 1, n, stdout) != n)
			return fail_write(w);
	return fflush(stdout) || ferror(w->to) ? fail_write(w) : EXIT_OK;
}

int npy_write_way(const struct way_out *out)
{
	struct writer w = { .out = out };
	bool pipe = !out->target->temporary;
	int code = find_attribute(&w), own;

	if (code != EXIT_OK)
		return code;
	own = pipe ? -1 : dup(out->target->fd);
	w.to = pipe ? tmpfile() : own < 0 ? NULL : fdopen(own, "w");
	if (!w.to)
		return fail_write(&w);
	code = teg_array_spec(out->array)->kind == TEG_DENSE ? write_box(&w) : write_rows_of(&w);
	if (code == EXIT_OK && fflush(w.to))
		code = fail_write(&w);
	if (code == EXIT_OK && pipe)
		code = copy_out(&w);
	if (fclose(w.to) && code == EXIT_OK)
		code = fail_write(&w);
	return code;
}
