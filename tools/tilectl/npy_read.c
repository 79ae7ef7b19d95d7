#include "tools/tilectl/npy_read.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/arrow.h"
#include "tools/tilectl/arrow_make.h"
#include "tools/tilectl/npy_values.h"
#include "tools/tilectl/type_name.h"
#include "tools/tilectl/zip.h"

#define BATCH_ROWS 65536
#define BATCH_BYTES ((size_t)4 << 20)

/* A column of the rows: all values that a field has in a row, or one of them. */
struct column {
	struct npy_array *array;
	struct npy_values values;
	char *name;
	bool list;
};

struct npy_stream {
	struct npy_array *arrays;
	uint8_t **rows; /* of each array, of this batch */
	size_t *row_len;
	size_t n_arrays;
	struct column *columns;
	size_t n_columns;
	uint64_t n_rows, at;
	size_t batch_rows;
	bool ended;
	struct why why;
};

/* ---- columns ---------------------------------------------------------------------------------- */

static struct column *add_column(struct npy_stream *s, struct npy_array *array,
                                 const struct npy_field *field)
{
	struct column *column;

	s->columns = need_more(s->columns, s->n_columns + 1, sizeof *s->columns);
	column = &s->columns[s->n_columns++];
	*column = (struct column){ .array = array };
	npy_values_init(&column->values, &array->header, field);
	return column;
}

static void name_column(struct column *column, const struct npy_field *field, size_t i,
                        bool numbered)
{
	const char *base = field->name ? field->name : column->array->name;
	struct text name = { NULL, 0, 0 };

	text_adds(&name, base ? base : "value");
	if (numbered)
		text_addf(&name, "_%zu", i);
	column->name = name.at;
}

static bool add_columns(struct npy_stream *s, struct npy_array *array, bool as_columns,
                        struct why *why)
{
	for (size_t f = 0; f < array->header.n_fields; f++) {
		const struct npy_field *field = &array->header.fields[f];
		size_t n = npy_values_in_row(&array->header, field);
		bool one = array->header.rank <= 1 && !field->rank, split = as_columns && !one;

		if (split && array->header.rank + field->rank > 2)
			return refuse(why, "--vectors columns is for arrays of rank 2");
		if (split && n > NPY_MAX_FIELDS)
			return refuse(why, "%zu columns are too many: --vectors list", n);
		for (size_t i = 0; i < (split ? n : 1); i++) {
			struct column *column = add_column(s, array, field);

			name_column(column, field, i, split);
			column->list = !one && !split;
			column->values.first = split ? i : 0;
			column->values.n = split || one ? 1 : n;
		}
	}
	return true;
}

/* All arrays have as many rows; a batch of all columns is a few MiB. */
static bool settle(struct npy_stream *s, bool as_columns, struct why *why)
{
	size_t all = 1;

	s->rows = need_memory(s->n_arrays, sizeof *s->rows);
	s->row_len = need_memory(s->n_arrays, sizeof *s->row_len);
	for (size_t i = 0; i < s->n_arrays; i++) {
		struct npy_array *array = &s->arrays[i];
		uint64_t n = array->header.rank ? array->header.shape[0] : 1;

		if (i && n != s->n_rows)
			return refuse(why,
			              "member %.60s has %" PRIu64
			              " rows, member %.60s has %" PRIu64,
			              s->arrays[0].name, s->n_rows, array->name, n);
		s->n_rows = n;
		if (!npy_row_len(&array->header, &s->row_len[i], why) ||
		    !add_columns(s, array, as_columns, why))
			return false;
		all += s->row_len[i];
	}
	s->batch_rows = all > BATCH_BYTES ? 1 : BATCH_BYTES / all;
	s->batch_rows = s->batch_rows < BATCH_ROWS ? s->batch_rows : BATCH_ROWS;
	for (size_t i = 0; i < s->n_arrays; i++)
		s->rows[i] = need_memory(s->batch_rows, s->row_len[i] ? s->row_len[i] : 1);
	return true;
}

/* ---- the schema ------------------------------------------------------------------------------- */

/* [2, 3]: what the values of a list were, where that is more than their number. */
static void keep_shape(const struct column *column, struct ArrowSchema *field)
{
	const struct npy_header *h = &column->array->header;
	const struct npy_field *of = column->values.field;
	struct text shape = { NULL, 0, 0 };

	text_adds(&shape, "[");
	for (size_t i = 1; i < h->rank; i++)
		text_addf(&shape, "%s%" PRIu64, shape.len > 1 ? ", " : "", h->shape[i]);
	for (size_t i = 0; i < of->rank; i++)
		text_addf(&shape, "%s%" PRIu64, shape.len > 1 ? ", " : "", of->shape[i]);
	text_adds(&shape, "]");
	if ((h->rank ? h->rank - 1 : 0) + of->rank > 1)
		arrow_set_metadata(field, "tensor_shape", shape.at);
	text_free(&shape);
}

static void make_column(const struct column *column, struct ArrowSchema *field_out)
{
	struct text format = { NULL, 0, 0 };
	bool nullable = npy_values_nullable(&column->values);

	type_add_format(&format, &column->values.field->type);
	if (column->list) {
		struct text list = { NULL, 0, 0 };

		text_addf(&list, "+w:%zu", column->values.n);
		arrow_make_field(field_out, column->name, list.at, false, 1);
		arrow_make_field(field_out->children[0], "item", format.at, nullable, 0);
		keep_shape(column, field_out);
		text_free(&list);
	} else {
		arrow_make_field(field_out, column->name, format.at, nullable, 0);
	}
	text_free(&format);
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema_out)
{
	const struct npy_stream *s = stream->private_data;

	arrow_make_field(schema_out, "", "+s", false, s->n_columns);
	for (size_t i = 0; i < s->n_columns; i++)
		make_column(&s->columns[i], schema_out->children[i]);
	return 0;
}

/* ---- batches ---------------------------------------------------------------------------------- */

static bool fill_column(const struct npy_stream *s, const struct column *column, size_t n,
                        struct ArrowArray *array_out, struct why *why)
{
	size_t i = (size_t)(column->array - s->arrays);
	struct why inner;
	uint64_t row;

	if (column->list)
		arrow_make_group(array_out, (int64_t)n, 1);
	if (npy_values_read(&column->values, s->rows[i], s->row_len[i], n,
	                    column->list ? array_out->children[0] : array_out, &row, &inner))
		return true;
	return refuse(why, "column %.80s, row %" PRIu64 ": %s", column->name, s->at + row,
	              inner.text);
}

static bool read_batch(struct npy_stream *s, struct ArrowArray *batch_out, struct why *why)
{
	uint64_t left = s->n_rows - s->at;
	size_t n = left < s->batch_rows ? (size_t)left : s->batch_rows;

	for (size_t i = 0; i < s->n_arrays; i++)
		if (!npy_read_rows(&s->arrays[i], s->at, n, s->rows[i], why))
			return false;
	arrow_make_group(batch_out, (int64_t)n, s->n_columns);
	for (size_t i = 0; i < s->n_columns; i++)
		if (!fill_column(s, &s->columns[i], n, batch_out->children[i], why)) {
			arrow_array_release(batch_out);
			return false;
		}
	s->at += n;
	return true;
}

static bool check_end(struct npy_stream *s, struct why *why)
{
	for (size_t i = 0; !s->ended && i < s->n_arrays; i++) {
		struct why inner;

		if (bytes_end(&s->arrays[i].bytes, &inner))
			continue;
		return refuse(why, "%s%.80s%s%s", s->arrays[i].name ? "member " : "",
		              s->arrays[i].name ? s->arrays[i].name : "",
		              s->arrays[i].name ? ": " : "", inner.text);
	}
	s->ended = true;
	return true;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *batch_out)
{
	struct npy_stream *s = stream->private_data;

	batch_out->release = NULL;
	if (s->at == s->n_rows)
		return check_end(s, &s->why) ? 0 : EINVAL;
	return read_batch(s, batch_out, &s->why) ? 0 : EINVAL;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
	const struct npy_stream *s = stream->private_data;

	return s->why.text;
}

static void free_stream(struct npy_stream *s)
{
	for (size_t i = 0; i < s->n_arrays; i++) {
		npy_close(&s->arrays[i]);
		if (s->rows)
			free(s->rows[i]);
	}
	for (size_t i = 0; i < s->n_columns; i++)
		free(s->columns[i].name);
	free(s->arrays);
	free(s->rows);
	free(s->row_len);
	free(s->columns);
	free(s);
}

static void release_stream(struct ArrowArrayStream *stream)
{
	free_stream(stream->private_data);
	stream->release = NULL;
}

/* ---- opening ---------------------------------------------------------------------------------- */

static int finish(struct npy_stream *s, bool ok, const struct part *part, struct why *why,
                  struct ArrowArrayStream *stream_out)
{
	bool as_columns = args_choice(part->how->args, OPT_VECTORS, 0) == 1;

	if (ok && settle(s, as_columns, why)) {
		*stream_out = (struct ArrowArrayStream){ get_schema, get_next, get_last_error,
			                                 release_stream, s };
		return EXIT_OK;
	}
	free_stream(s);
	return fail_with(EXIT_FAILED, "%s (file %s)", why->text, part->path);
}

int npy_open_way(const struct part *part, struct ArrowArrayStream *stream_out)
{
	struct npy_stream *s = need_memory(1, sizeof *s);
	struct why why;

	s->arrays = need_memory(1, sizeof *s->arrays);
	s->n_arrays = 1;
	return finish(s, npy_open(s->arrays, part->path, part->fd, &why), part, &why, stream_out);
}

static bool open_member(const struct zip_member *member, const char *path, struct npy_array *array,
                        struct why *why)
{
	size_t len = strlen(member->name);
	struct why inner;

	if (len <= 4 || strcmp(member->name + len - 4, ".npy") != 0)
		return refuse(why, "member %.80s is not a .npy file", member->name);
	if (!zip_open(member, path, &array->bytes, why))
		return false;
	array->name = need_memory(len, 1);
	memcpy(array->name, member->name, len - 4);
	if (!npy_read_header_of(array, &inner))
		return refuse(why, "member %.80s: %s", member->name, inner.text);
	return array->header.n_fields == 1 && !array->header.fields[0].name
	               ? true
	               : refuse(why, "member %.80s has fields: take it out to import it",
	                        member->name);
}

static bool open_archive(struct npy_stream *s, const char *path, struct why *why)
{
	struct bytes file;
	struct zip zip = { NULL, 0 };
	bool ok = bytes_open(&file, path, -1, why) && zip_read(&file, &zip, why) &&
	          (zip.n || refuse(why, "there is no array in it"));

	s->arrays = need_memory(zip.n, sizeof *s->arrays);
	for (size_t i = 0; ok && i < zip.n; i++) {
		s->arrays[i].bytes.fd = -1;
		s->n_arrays = i + 1;
		ok = open_member(&zip.at[i], path, &s->arrays[i], why);
	}
	zip_free(&zip);
	bytes_close(&file);
	return ok;
}

int npz_open_way(const struct part *part, struct ArrowArrayStream *stream_out)
{
	struct npy_stream *s = need_memory(1, sizeof *s);
	struct why why;

	return finish(s, open_archive(s, part->path, &why), part, &why, stream_out);
}
