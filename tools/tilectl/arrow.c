#include "tools/tilectl/arrow.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/json.h"
#include "tools/tilectl/number.h"

static const struct {
	char letter;
	teg_type type;
	bool large;
} plain_formats[] = {
	{ 'b', TEG_BOOL, false },    { 'c', TEG_INT8, false },    { 'C', TEG_UINT8, false },
	{ 's', TEG_INT16, false },   { 'S', TEG_UINT16, false },  { 'i', TEG_INT32, false },
	{ 'I', TEG_UINT32, false },  { 'l', TEG_INT64, false },   { 'L', TEG_UINT64, false },
	{ 'e', TEG_FLOAT16, false }, { 'f', TEG_FLOAT32, false }, { 'g', TEG_FLOAT64, false },
	{ 'u', TEG_UTF8, false },    { 'U', TEG_UTF8, true },     { 'z', TEG_BYTES, false },
	{ 'Z', TEG_BYTES, true },
};

static bool read_unit(char letter, teg_time_unit *unit_out)
{
	static const char letters[] = "smun";
	const char *found = letter ? strchr(letters, letter) : NULL;

	if (found)
		*unit_out = (teg_time_unit)(found - letters);
	return found != NULL;
}

static bool read_plain(struct arrow_column *column, const char *format)
{
	for (size_t i = 0; i < sizeof plain_formats / sizeof *plain_formats; i++)
		if (format[0] == plain_formats[i].letter && !format[1]) {
			column->type.type = plain_formats[i].type;
			column->large = plain_formats[i].large;
			return true;
		}
	return false;
}

static bool read_temporal(teg_data_type *type, const char *format)
{
	if (!strcmp(format, "tdD")) {
		type->type = TEG_DATE32;
		return true;
	}
	if (strlen(format) < 3 || !read_unit(format[2], &type->unit))
		return false;
	if (format[1] == 's' && format[3] == ':') {
		type->type = TEG_TIMESTAMP;
		type->zone = format + 4;
		return true;
	}
	type->type = TEG_DURATION;
	return format[1] == 'D' && !format[3];
}

/* d:precision,scale and, where it is 128, ,width */
static bool read_decimal(teg_data_type *type, const char *format)
{
	char *end;
	long precision = strtol(format + 2, &end, 10), scale, width = 128;

	if (*end != ',')
		return false;
	scale = strtol(end + 1, &end, 10);
	if (*end == ',')
		width = strtol(end + 1, &end, 10);
	type->type = TEG_DECIMAL128;
	type->precision = (uint8_t)precision;
	type->scale = (int8_t)scale;
	return !*end && width == 128 && precision > 0 && precision <= 38 && scale >= -128 &&
	       scale <= 127;
}

static bool read_fixed(teg_data_type *type, const char *format)
{
	int64_t len;

	if (!number_read_int(format + 2, strlen(format + 2), 1, UINT32_MAX, &len))
		return false;
	type->type = TEG_FIXED_BYTES;
	type->fixed_len = (uint32_t)len;
	return true;
}

/* The type alone of a list or struct. */
static bool read_nested(struct arrow_column *column, const char *format)
{
	int64_t n;

	column->large = !strcmp(format, "+L");
	if (!strcmp(format, "+l") || column->large)
		column->type.type = TEG_LIST;
	else if (!strcmp(format, "+s"))
		column->type.type = TEG_STRUCT;
	if (!strncmp(format, "+w:", 3) &&
	    number_read_int(format + 3, strlen(format + 3), 0, UINT32_MAX, &n)) {
		column->type.type = TEG_FIXED_LIST;
		column->type.list_size = (uint32_t)n;
	}
	return column->type.type != 0;
}

static bool init_children(struct arrow_column *column, const struct ArrowSchema *field,
                          enum time_style style, struct why *why)
{
	size_t n = (size_t)field->n_children;

	column->children = need_memory(n, sizeof *column->children);
	for (size_t i = 0; i < n; i++, column->n_children++)
		if (!arrow_column_init(&column->children[i], field->children[i], false, style,
		                       why)) {
			arrow_column_release(column);
			return false;
		}
	return true;
}

void arrow_column_release(struct arrow_column *column)
{
	for (size_t i = 0; i < column->n_children; i++)
		arrow_column_release(&column->children[i]);
	free(column->children);
	column->children = NULL;
	column->n_children = 0;
}

/* The library's own columns that are numbers for words. */
static const char *const *words_of(const char *name)
{
	static const char *const kinds[] = { "live", "tombstone", "erased", NULL };
	static const char *const changes[] = {
		"none", "added", "changed", "deleted", "erased", NULL
	};

	return !strcmp(name, "row_kind") ? kinds : !strcmp(name, "change") ? changes : NULL;
}

bool arrow_column_init(struct arrow_column *column, const struct ArrowSchema *field, bool kinds,
                       enum time_style style, struct why *why)
{
	const char *format = field->format;

	memset(column, 0, sizeof *column);
	column->style = style;
	column->name = field->name ? field->name : "";
	column->words = kinds ? words_of(column->name) : NULL;
	if (!field->dictionary &&
	    (read_plain(column, format) ||
	     (format[0] == 't' && read_temporal(&column->type, format)) ||
	     (!strncmp(format, "d:", 2) && read_decimal(&column->type, format)) ||
	     (!strncmp(format, "w:", 2) && read_fixed(&column->type, format))))
		return true;
	if (!field->dictionary && format[0] == '+' && read_nested(column, format))
		return init_children(column, field, style, why);
	return refuse(why, "column '%.80s' has Arrow format '%.80s', which cannot be printed",
	              field->name ? field->name : "", format);
}

/* ---- cells ------------------------------------------------------------------------------------ */

static bool bit_at(const void *bits, int64_t i)
{
	return ((const uint8_t *)bits)[i / 8] >> (i % 8) & 1;
}

/* The integer at `i` of a buffer of signed or unsigned values. */
static teg_value read_int(teg_type type, const void *values, int64_t i)
{
	teg_value v = { .type = type };

	switch (type) {
	case TEG_INT8: v.as.i = ((const int8_t *)values)[i]; break;
	case TEG_INT16: v.as.i = ((const int16_t *)values)[i]; break;
	case TEG_INT32:
	case TEG_DATE32: v.as.i = ((const int32_t *)values)[i]; break;
	case TEG_UINT8: v.as.u = ((const uint8_t *)values)[i]; break;
	case TEG_UINT16: v.as.u = ((const uint16_t *)values)[i]; break;
	case TEG_UINT32: v.as.u = ((const uint32_t *)values)[i]; break;
	case TEG_UINT64: v.as.u = ((const uint64_t *)values)[i]; break;
	default: /* INT64, TIMESTAMP, DURATION */ v.as.i = ((const int64_t *)values)[i]; break;
	}
	return v;
}

static void read_bytes(const struct arrow_column *column, const struct ArrowArray *array, int64_t i,
                       teg_value *v)
{
	int64_t from, until;

	if (column->type.type == TEG_FIXED_BYTES || column->type.type == TEG_DECIMAL128) {
		v->as.bytes.len = column->type.type == TEG_DECIMAL128 ? 16 : column->type.fixed_len;
		v->as.bytes.at = (const char *)array->buffers[1] + (size_t)i * v->as.bytes.len;
		return;
	}
	if (column->large) {
		from = ((const int64_t *)array->buffers[1])[i];
		until = ((const int64_t *)array->buffers[1])[i + 1];
	} else {
		from = ((const int32_t *)array->buffers[1])[i];
		until = ((const int32_t *)array->buffers[1])[i + 1];
	}
	v->as.bytes.len = (size_t)(until - from);
	v->as.bytes.at = until > from ? (const char *)array->buffers[2] + from : "";
}

static teg_value read_value(const struct arrow_column *column, const struct ArrowArray *array,
                            int64_t i)
{
	teg_type type = column->type.type;
	teg_value v = { .type = type };

	if (type == TEG_BOOL)
		v.as.i = bit_at(array->buffers[1], i);
	else if (type == TEG_FLOAT64)
		v.as.f = ((const double *)array->buffers[1])[i];
	else if (type == TEG_FLOAT32)
		v.as.f = (double)((const float *)array->buffers[1])[i];
	else if (type == TEG_FLOAT16)
		v.as.f = number_from_f16(((const uint16_t *)array->buffers[1])[i]);
	else if (type == TEG_DECIMAL128 || (type >= TEG_UTF8 && type <= TEG_FIXED_BYTES))
		read_bytes(column, array, i, &v);
	else
		v = read_int(type, array->buffers[1], i);
	return v;
}

static enum form add_word(struct text *out, const char *const *words, uint64_t at)
{
	uint64_t n = 0;

	while (words[n] && n < at)
		n++;
	if (words[n])
		text_adds(out, words[n]);
	else
		text_addf(out, "%" PRIu64, at);
	return FORM_QUOTED;
}

/* ---- lists and structs as JSON ---- */

static void add_json(struct text *out, const struct arrow_column *column,
                     const struct ArrowArray *array, int64_t row)
{
	struct text cell = { NULL, 0, 0 };
	enum form form = arrow_add_cell(&cell, column, array, row);

	if (form == FORM_NULL)
		text_adds(out, "null");
	else if (form == FORM_QUOTED)
		json_quote(out, text_string(&cell), cell.len);
	else
		text_add(out, text_string(&cell), cell.len);
	text_free(&cell);
}

static void add_list(struct text *out, const struct arrow_column *column,
                     const struct ArrowArray *array, int64_t i)
{
	int64_t from = i * column->type.list_size, until = from + column->type.list_size;

	if (column->type.type == TEG_LIST && column->large) {
		from = ((const int64_t *)array->buffers[1])[i];
		until = ((const int64_t *)array->buffers[1])[i + 1];
	} else if (column->type.type == TEG_LIST) {
		from = ((const int32_t *)array->buffers[1])[i];
		until = ((const int32_t *)array->buffers[1])[i + 1];
	}
	text_adds(out, "[");
	for (int64_t k = from; k < until; k++) {
		text_adds(out, k > from ? "," : "");
		add_json(out, &column->children[0], array->children[0], k);
	}
	text_adds(out, "]");
}

static void add_struct(struct text *out, const struct arrow_column *column,
                       const struct ArrowArray *array, int64_t i)
{
	text_adds(out, "{");
	for (size_t c = 0; c < column->n_children; c++) {
		const struct arrow_column *child = &column->children[c];

		text_adds(out, c ? "," : "");
		json_quote(out, child->name, strlen(child->name));
		text_adds(out, ":");
		add_json(out, child, array->children[c], i);
	}
	text_adds(out, "}");
}

enum form arrow_add_cell(struct text *out, const struct arrow_column *column,
                         const struct ArrowArray *array, int64_t row)
{
	int64_t i = row + array->offset;
	teg_value value;

	if (array->null_count != 0 && array->buffers[0] && !bit_at(array->buffers[0], i))
		return FORM_NULL;
	if (column->type.type == TEG_STRUCT)
		add_struct(out, column, array, i);
	else if (column->n_children)
		add_list(out, column, array, i);
	if (column->n_children)
		return FORM_JSON;
	value = read_value(column, array, i);
	if (column->words && value.type == TEG_UINT8)
		return add_word(out, column->words, value.as.u);
	return value_add(out, &column->type, &value, column->style);
}

/* ---- life cycle, metadata --------------------------------------------------------------------- */

void arrow_schema_release(struct ArrowSchema *schema)
{
	if (schema->release)
		schema->release(schema);
}

void arrow_array_release(struct ArrowArray *array)
{
	if (array->release)
		array->release(array);
}

void arrow_stream_release(struct ArrowArrayStream *stream)
{
	if (stream->release)
		stream->release(stream);
}

static size_t take_len(const char **at)
{
	int32_t len;

	memcpy(&len, *at, sizeof len);
	*at += sizeof len;
	return len < 0 ? 0 : (size_t)len;
}

void arrow_each_metadata(const char *metadata, void (*each)(void *ctx, const teg_metadata *pair),
                         void *ctx)
{
	size_t n = metadata ? take_len(&metadata) : 0;

	for (size_t i = 0; i < n; i++) {
		teg_metadata pair;

		pair.key_len = take_len(&metadata);
		pair.key = metadata;
		metadata += pair.key_len;
		pair.value_len = take_len(&metadata);
		pair.value = metadata;
		metadata += pair.value_len;
		each(ctx, &pair);
	}
}
