#include "tools/tilectl/typed.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/arrow_make.h"
#include "tools/tilectl/number.h"
#include "tools/tilectl/type_name.h"
#include "tools/tilectl/value.h"

/* ---- the columns ------------------------------------------------------------------------------ */

void *typed_own(void *columns, size_t size)
{
	struct typed_columns *c = columns;
	void *block = need_memory(1, size);

	memset(block, 0, size);
	c->owned = need_more((void *)c->owned, c->n_owned + 1, sizeof *c->owned);
	c->owned[c->n_owned++] = block;
	return block;
}

static const char *own_text(struct typed_columns *columns, const char *text)
{
	return text ? strcpy(typed_own(columns, strlen(text) + 1), text) : NULL;
}

static void own_type(struct typed_columns *columns, teg_data_type *type)
{
	teg_attribute *children = NULL;

	type->zone = own_text(columns, type->zone);
	if (type->n_children)
		children = typed_own(columns, type->n_children * sizeof *children);
	for (size_t i = 0; i < type->n_children; i++) {
		children[i] = (teg_attribute){ .name = own_text(columns, type->children[i].name),
			                       .type = type->children[i].type,
			                       .nullable = type->children[i].nullable };
		own_type(columns, &children[i].type);
	}
	type->children = children;
}

bool typed_add(struct typed_columns *columns, const char *name, const teg_data_type *type,
               bool asked)
{
	struct typed_column column = { .type = *type, .asked = asked };

	if (typed_find(columns, name))
		return false;
	column.name = own_text(columns, name);
	own_type(columns, &column.type);
	columns->at = need_more(columns->at, columns->n + 1, sizeof *columns->at);
	columns->at[columns->n++] = column;
	return true;
}

const struct typed_column *typed_find(const struct typed_columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->n; i++)
		if (!strcmp(columns->at[i].name, name))
			return &columns->at[i];
	return NULL;
}

void typed_free(struct typed_columns *columns)
{
	for (size_t i = 0; i < columns->n_owned; i++)
		free(columns->owned[i]);
	free((void *)columns->owned);
	free(columns->at);
	*columns = (struct typed_columns){ .n = 0 };
}

/* ---- the schema ------------------------------------------------------------------------------- */

static bool is_text(const struct ArrowSchema *field)
{
	return !strcmp(field->format, "u");
}

static bool is_list(const struct ArrowSchema *field)
{
	return !strcmp(field->format, "+l");
}

/* The type of child c of a field that is of type `type`; NULL: it has none. */
static const teg_data_type *type_below(const teg_data_type *type, const struct ArrowSchema *field,
                                       int64_t c)
{
	if (is_list(field) && (type->type == TEG_LIST || type->type == TEG_FIXED_LIST))
		return &type->children[0].type;
	for (size_t i = 0;
	     type->type == TEG_STRUCT && !strcmp(field->format, "+s") && i < type->n_children; i++)
		if (!strcmp(type->children[i].name, field->children[c]->name))
			return &type->children[i].type;
	return NULL;
}

static const char *format_of(struct typed_columns *columns, const teg_data_type *type)
{
	struct text format = { NULL, 0, 0 };
	const char *owned;

	type_add_format(&format, type);
	owned = own_text(columns, text_string(&format));
	text_free(&format);
	return owned;
}

static bool is_flat(const teg_data_type *type)
{
	return type->type < TEG_LIST;
}

static void set_formats(struct typed_columns *columns, const teg_data_type *type,
                        struct ArrowSchema *field)
{
	if (is_text(field) && is_flat(type))
		field->format = format_of(columns, type);
	for (int64_t c = 0; c < field->n_children; c++) {
		const teg_data_type *below = type_below(type, field, c);

		if (below)
			set_formats(columns, below, field->children[c]);
	}
}

bool typed_schema(struct typed_columns *columns, struct ArrowSchema *schema, struct why *why)
{
	for (size_t i = 0; i < columns->n; i++) {
		const struct typed_column *column = &columns->at[i];
		struct ArrowSchema *field = NULL;

		for (int64_t c = 0; c < schema->n_children; c++)
			if (!strcmp(schema->children[c]->name, column->name))
				field = schema->children[c];
		if (!field && column->asked)
			return refuse(why, "there is no column '%.80s'", column->name);
		if (field)
			set_formats(columns, &column->type, field);
		if (field && column->asked && is_flat(&column->type) &&
		    strcmp(field->format, format_of(columns, &column->type)) != 0)
			return refuse(why, "column %.80s holds other values than of its type",
			              column->name);
	}
	return true;
}

/* ---- values ----------------------------------------------------------------------------------- */

static size_t width_of(const teg_data_type *type)
{
	switch (type->type) {
	case TEG_INT8:
	case TEG_UINT8: return 1;
	case TEG_INT16:
	case TEG_UINT16:
	case TEG_FLOAT16: return 2;
	case TEG_INT32:
	case TEG_UINT32:
	case TEG_FLOAT32:
	case TEG_DATE32:
	case TEG_BYTES: return 4;
	case TEG_DECIMAL128: return 16;
	case TEG_FIXED_BYTES: return type->fixed_len;
	default: return 8;
	}
}

static bool read_base64(const char *at, size_t len, struct text *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t pad = len > 1 ? (size_t)(at[len - 1] == '=') + (at[len - 2] == '=') : 0;
	uint32_t bits = 0;

	if (len % 4)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *digit = i < len - pad && at[i] ? strchr(alphabet, at[i]) : alphabet;
		char bytes[3];

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		if (i % 4 != 3)
			continue;
		for (int b = 0; b < 3; b++)
			bytes[b] = (char)(bits >> (16 - 8 * b) & 0xff);
		text_add(out, bytes, i + 1 == len ? 3 - pad : 3);
		bits = 0;
	}
	return true;
}

/* The heap is shorter than the text, so its offsets have 32 bits too. */
static bool read_bytes(struct making *m, const teg_data_type *type, const char *at, size_t len)
{
	struct text *out = type->type == TEG_BYTES ? &m->heap : &m->values;
	size_t before = out->len;

	return read_base64(at, len, out) &&
	       (type->type == TEG_BYTES || out->len - before == type->fixed_len);
}

/* Puts the value's low bytes: the machine is little-endian, as the store is. */
static void add_bits(struct making *m, const teg_data_type *type, const teg_value *value)
{
	float f32;
	uint16_t f16;

	switch (type->type) {
	case TEG_FLOAT32:
		f32 = (float)value->as.f;
		text_add(&m->values, (const char *)&f32, sizeof f32);
		return;
	case TEG_FLOAT16:
		f16 = number_to_f16(value->as.f);
		text_add(&m->values, (const char *)&f16, sizeof f16);
		return;
	default: text_add(&m->values, (const char *)&value->as, width_of(type));
	}
}

static bool read_one(struct making *m, const teg_data_type *t, const char *at, size_t len,
                     struct why *why)
{
	teg_type type = t->type;
	teg_value value = { .type = type };
	uint8_t decimal[16];

	if (type == TEG_BYTES || type == TEG_FIXED_BYTES)
		return read_bytes(m, t, at, len) ||
		       refuse(why, "not base64 of a value of the type");
	if (type == TEG_DECIMAL128) {
		if (!number_read_decimal128(at, len, t->precision, t->scale, decimal))
			return refuse(why, "'%.*s' does not fit decimal128(%d,%d)",
			              (int)(len < 80 ? len : 80), at, t->precision, t->scale);
		text_add(&m->values, (const char *)decimal, sizeof decimal);
		return true;
	}
	if (type >= TEG_FLOAT16 && type <= TEG_FLOAT64 && len == 3 && !memcmp(at, "NaN", 3))
		value.as.f = (double)NAN;
	else if (!value_read(t, at, len, &value, why))
		return false;
	add_bits(m, t, &value);
	return true;
}

/* ---- columns ---------------------------------------------------------------------------------- */

static bool bit_at(const uint8_t *bits, int64_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

/* `row`: of the first value; -1: they are in lists. */
static bool read_all(struct making *m, const teg_data_type *type, const struct ArrowArray *from,
                     int64_t row, struct why *why)
{
	const uint8_t *valid = from->null_count ? from->buffers[0] : NULL;
	const int32_t *offsets = from->buffers[1];
	const char *text = from->buffers[2];

	making_init(m, type->type == TEG_BYTES, from->length, true);
	for (int64_t i = 0; i < from->length; i++) {
		int64_t at = i + from->offset;
		bool there = !valid || bit_at(valid, at);
		struct why inner;

		if (!there && !m->runs)
			making_add_zeros(m, width_of(type));
		if (there && !read_one(m, type, text + offsets[at],
		                       (size_t)(offsets[at + 1] - offsets[at]), &inner))
			return row < 0 ? refuse(why, "%s", inner.text)
			               : refuse(why, "row %" PRId64 ": %s", row + i, inner.text);
		making_end_value(m, there);
	}
	return true;
}

static bool convert(const teg_data_type *type, struct ArrowArray *array, int64_t row,
                    struct why *why)
{
	struct making m;

	if (!read_all(&m, type, array, row, why)) {
		making_free(&m);
		return false;
	}
	if (type->type == TEG_BOOL)
		making_pack_bools(&m, width_of(type));
	array->release(array);
	making_export(&m, array);
	return true;
}

static bool convert_field(const teg_data_type *type, const struct ArrowSchema *field,
                          struct ArrowArray *array, int64_t row, struct why *why)
{
	if (is_text(field) && is_flat(type) && type->type != TEG_UTF8)
		return convert(type, array, row, why);
	for (int64_t c = 0; c < field->n_children; c++) {
		const teg_data_type *below = type_below(type, field, c);
		struct why inner;

		if (below && !convert_field(below, field->children[c], array->children[c],
		                            is_list(field) ? -1 : row, &inner))
			return refuse(why, "%.80s: %s", field->children[c]->name, inner.text);
	}
	return true;
}

bool typed_convert(const struct typed_columns *columns, const struct ArrowSchema *from,
                   struct ArrowArray *batch, int64_t row, struct why *why)
{
	for (int64_t c = 0; c < from->n_children; c++) {
		const struct typed_column *column = typed_find(columns, from->children[c]->name);
		struct why inner;

		if (column && !convert_field(&column->type, from->children[c], batch->children[c],
		                             row, &inner))
			return refuse(why, "column %.80s, %s", column->name, inner.text);
	}
	return true;
}
