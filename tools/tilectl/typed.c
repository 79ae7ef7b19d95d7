#include "tools/tilectl/typed.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tilectl/number.h"
#include "tools/tilectl/type_name.h"
#include "tools/tilectl/value.h"

bool typed_add(struct typed_columns *columns, const char *name, const teg_data_type *type,
               bool asked)
{
	struct typed_column *column;

	if (typed_find(columns, name))
		return false;
	columns->at = need_more(columns->at, columns->n + 1, sizeof *columns->at);
	column = &columns->at[columns->n++];
	*column = (struct typed_column){ .type = *type, .asked = asked };
	column->name = need_memory(strlen(name) + 1, 1);
	memcpy(column->name, name, strlen(name) + 1);
	text_adds(&column->zone, type->zone ? type->zone : "");
	column->type.zone = column->zone.at;
	type_add_format(&column->format, &column->type);
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
	for (size_t i = 0; i < columns->n; i++) {
		free(columns->at[i].name);
		text_free(&columns->at[i].zone);
		text_free(&columns->at[i].format);
	}
	free(columns->at);
	*columns = (struct typed_columns){ NULL, 0 };
}

static bool is_text(const struct ArrowSchema *field)
{
	return !strcmp(field->format, "u");
}

bool typed_schema(const struct typed_columns *columns, struct ArrowSchema *schema, struct why *why)
{
	for (size_t i = 0; i < columns->n; i++) {
		const struct typed_column *column = &columns->at[i];
		struct ArrowSchema *field = NULL;

		for (int64_t c = 0; c < schema->n_children; c++)
			if (!strcmp(schema->children[c]->name, column->name))
				field = schema->children[c];
		if (!field && column->asked)
			return refuse(why, "there is no column '%.80s'", column->name);
		if (field && is_text(field))
			field->format = column->format.at;
		else if (field && column->asked && strcmp(field->format, column->format.at) != 0)
			return refuse(why, "column %.80s holds other values than of its type",
			              column->name);
	}
	return true;
}

/* ---- values ----------------------------------------------------------------------------------- */

/* The new column while it is made. */
struct making {
	const teg_data_type *type;
	struct text values, heap; /* heap: of bytes, to which `values` has the offsets */
	uint8_t *validity;
	int64_t n, n_nulls;
};

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

static bool read_bytes(struct making *m, const char *at, size_t len)
{
	struct text *out = m->type->type == TEG_BYTES ? &m->heap : &m->values;
	size_t before = out->len;
	int32_t end;

	if (!read_base64(at, len, out))
		return false;
	if (m->type->type == TEG_FIXED_BYTES)
		return out->len - before == m->type->fixed_len;
	end = (int32_t)out->len; /* shorter than the text, which has 32-bit offsets */
	text_add(&m->values, (const char *)&end, sizeof end);
	return true;
}

/* Puts the value's low bytes: the machine is little-endian, as the store is. */
static void add_bits(struct making *m, const teg_value *value)
{
	float f32;
	uint16_t f16;

	switch (m->type->type) {
	case TEG_FLOAT32:
		f32 = (float)value->as.f;
		text_add(&m->values, (const char *)&f32, sizeof f32);
		return;
	case TEG_FLOAT16:
		f16 = number_to_f16(value->as.f);
		text_add(&m->values, (const char *)&f16, sizeof f16);
		return;
	default: text_add(&m->values, (const char *)&value->as, width_of(m->type));
	}
}

static bool read_one(struct making *m, const char *at, size_t len, struct why *why)
{
	teg_type type = m->type->type;
	teg_value value = { .type = type };
	uint8_t decimal[16];

	if (type == TEG_BYTES || type == TEG_FIXED_BYTES)
		return read_bytes(m, at, len) || refuse(why, "not base64 of a value of the type");
	if (type == TEG_DECIMAL128) {
		if (!number_read_decimal128(at, len, m->type->precision, m->type->scale, decimal))
			return refuse(why, "'%.*s' does not fit decimal128(%d,%d)",
			              (int)(len < 80 ? len : 80), at, m->type->precision,
			              m->type->scale);
		text_add(&m->values, (const char *)decimal, sizeof decimal);
		return true;
	}
	if (type >= TEG_FLOAT16 && type <= TEG_FLOAT64 && len == 3 && !memcmp(at, "NaN", 3))
		value.as.f = (double)NAN;
	else if (!value_read(m->type, at, len, &value, why))
		return false;
	add_bits(m, &value);
	return true;
}

static void add_null(struct making *m)
{
	static const char zeros[64];
	size_t left = width_of(m->type);
	int32_t end = (int32_t)m->heap.len;

	m->n_nulls++;
	if (m->type->type == TEG_BYTES) {
		text_add(&m->values, (const char *)&end, sizeof end);
		return;
	}
	for (size_t n; left; left -= n) {
		n = left < sizeof zeros ? left : sizeof zeros;
		text_add(&m->values, zeros, n);
	}
}

/* ---- columns ---------------------------------------------------------------------------------- */

static bool bit_at(const uint8_t *bits, int64_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static bool read_all(struct making *m, const struct ArrowArray *from, int64_t row, struct why *why)
{
	const uint8_t *valid = from->null_count ? from->buffers[0] : NULL;
	const int32_t *offsets = from->buffers[1];
	const char *text = from->buffers[2];

	m->n = from->length;
	m->validity = need_memory((size_t)m->n / 8 + 1, 1);
	if (m->type->type == TEG_BYTES)
		text_add(&m->values, "\0\0\0", 4);
	for (int64_t i = 0; i < m->n; i++) {
		int64_t at = i + from->offset;
		struct why inner;

		if (valid && !bit_at(valid, at)) {
			add_null(m);
			continue;
		}
		m->validity[i / 8] |= (uint8_t)(1u << (i % 8));
		if (!read_one(m, text + offsets[at], (size_t)(offsets[at + 1] - offsets[at]),
		              &inner))
			return refuse(why, "row %" PRId64 ": %s", row + i, inner.text);
	}
	return true;
}

/* One byte a value to one bit a value. */
static void pack_bools(struct making *m)
{
	struct text bits = { NULL, 0, 0 };

	for (int64_t i = 0; i < m->n; i += 8) {
		char byte = 0;

		for (int64_t b = 0; b < 8 && i + b < m->n; b++)
			byte = (char)(byte | (m->values.at[(i + b) * 8] ? 1 << b : 0));
		text_add(&bits, &byte, 1);
	}
	text_free(&m->values);
	m->values = bits;
}

struct made {
	const void *buffers[3];
	struct text values, heap;
	uint8_t *validity;
};

static void release_made(struct ArrowArray *array)
{
	struct made *made = array->private_data;

	text_free(&made->values);
	text_free(&made->heap);
	free(made->validity);
	free(made);
	array->release = NULL;
}

static void export_made(struct making *m, struct ArrowArray *array)
{
	struct made *made = need_memory(1, sizeof *made);
	bool bytes = m->type->type == TEG_BYTES;

	if (m->type->type == TEG_BOOL)
		pack_bools(m);
	made->values = m->values;
	made->heap = m->heap;
	made->validity = m->validity;
	made->buffers[0] = made->validity;
	made->buffers[1] = text_string(&made->values);
	made->buffers[2] = text_string(&made->heap);
	*array = (struct ArrowArray){ .length = m->n,
		                      .null_count = m->n_nulls,
		                      .n_buffers = bytes ? 3 : 2,
		                      .buffers = made->buffers,
		                      .release = release_made,
		                      .private_data = made };
}

static bool convert(const struct typed_column *column, struct ArrowArray *array, int64_t row,
                    struct why *why)
{
	struct making m = { .type = &column->type };
	struct why inner;

	if (!read_all(&m, array, row, &inner)) {
		text_free(&m.values);
		text_free(&m.heap);
		free(m.validity);
		return refuse(why, "column %.80s, %s", column->name, inner.text);
	}
	array->release(array);
	export_made(&m, array);
	return true;
}

bool typed_convert(const struct typed_columns *columns, const struct ArrowSchema *from,
                   struct ArrowArray *batch, int64_t row, struct why *why)
{
	for (int64_t c = 0; c < from->n_children; c++) {
		const struct typed_column *column = typed_find(columns, from->children[c]->name);

		if (!column || !is_text(from->children[c]) || column->type.type == TEG_UTF8)
			continue;
		if (!convert(column, batch->children[c], row, why))
			return false;
	}
	return true;
}
