#include <stdio.h>
#include "engine/schema/schema.h"

#define FIXED_BYTES_MAX 65535
#define PRECISION_MAX 38

/* What can be said of a type from its tag alone; width 0: it varies. */
static const struct {
	const char *name;
	uint32_t width;
	enum value_class class;
} types[] = {
	[TEG_BOOL] = { "bool", 1, VALUE_UNSIGNED },
	[TEG_INT8] = { "int8", 1, VALUE_SIGNED },
	[TEG_INT16] = { "int16", 2, VALUE_SIGNED },
	[TEG_INT32] = { "int32", 4, VALUE_SIGNED },
	[TEG_INT64] = { "int64", 8, VALUE_SIGNED },
	[TEG_UINT8] = { "uint8", 1, VALUE_UNSIGNED },
	[TEG_UINT16] = { "uint16", 2, VALUE_UNSIGNED },
	[TEG_UINT32] = { "uint32", 4, VALUE_UNSIGNED },
	[TEG_UINT64] = { "uint64", 8, VALUE_UNSIGNED },
	[TEG_FLOAT16] = { "float16", 2, VALUE_FLOAT },
	[TEG_FLOAT32] = { "float32", 4, VALUE_FLOAT },
	[TEG_FLOAT64] = { "float64", 8, VALUE_FLOAT },
	[TEG_DECIMAL128] = { "decimal128", 16, VALUE_WIDE },
	[TEG_DATE32] = { "date32", 4, VALUE_SIGNED },
	[TEG_TIMESTAMP] = { "timestamp", 8, VALUE_SIGNED },
	[TEG_DURATION] = { "duration", 8, VALUE_SIGNED },
	[TEG_UTF8] = { "utf8", 0, VALUE_BYTES },
	[TEG_BYTES] = { "bytes", 0, VALUE_BYTES },
	[TEG_FIXED_BYTES] = { "fixed_bytes", 0, VALUE_BYTES },
	[TEG_LIST] = { "list", 0, VALUE_OPAQUE },
	[TEG_FIXED_LIST] = { "fixed_size_list", 0, VALUE_OPAQUE },
	[TEG_STRUCT] = { "struct", 0, VALUE_OPAQUE },
};

static bool is_known(teg_type type)
{
	return type >= TEG_BOOL && type <= TEG_STRUCT;
}

static bool parameters_fit(const teg_data_type *type)
{
	switch (type->type) {
	case TEG_FIXED_BYTES: return type->fixed_len >= 1 && type->fixed_len <= FIXED_BYTES_MAX;
	case TEG_DECIMAL128: return type->precision >= 1 && type->precision <= PRECISION_MAX;
	case TEG_TIMESTAMP:
	case TEG_DURATION: return type->unit >= TEG_SECOND && type->unit <= TEG_NANO;
	case TEG_FIXED_LIST: return type->list_size <= SCHEMA_VALUES_MAX;
	default: return true;
	}
}

static enum column_shape shape_of(teg_type type)
{
	switch (type) {
	case TEG_UTF8:
	case TEG_BYTES: return COLUMN_BYTES;
	case TEG_LIST: return COLUMN_LIST;
	case TEG_FIXED_LIST: return COLUMN_FIXED_LIST;
	case TEG_STRUCT: return COLUMN_STRUCT;
	default: return COLUMN_FIXED;
	}
}

bool type_layout(const teg_data_type *type, enum column_shape *shape_out, uint32_t *width_out,
                 enum value_class *class_out)
{
	if (!is_known(type->type) || !parameters_fit(type))
		return false;
	*shape_out = shape_of(type->type);
	*width_out = types[type->type].width;
	if (type->type == TEG_FIXED_BYTES)
		*width_out = type->fixed_len;
	if (type->type == TEG_FIXED_LIST)
		*width_out = type->list_size;
	*class_out = types[type->type].class;
	return true;
}

static void name_flat(const teg_data_type *type, char *name_out, size_t room)
{
	static const char *const units[] = { "s", "ms", "us", "ns" };
	const char *name = is_known(type->type) ? types[type->type].name : "unknown";
	const char *unit = type->unit >= TEG_SECOND && type->unit <= TEG_NANO ? units[type->unit]
	                                                                      : "?";

	if (type->type == TEG_TIMESTAMP && type->zone && type->zone[0])
		snprintf(name_out, room, "%s[%s, %s]", name, unit, type->zone);
	else if (type->type == TEG_TIMESTAMP || type->type == TEG_DURATION)
		snprintf(name_out, room, "%s[%s]", name, unit);
	else if (type->type == TEG_DECIMAL128)
		snprintf(name_out, room, "%s(%d, %d)", name, type->precision, type->scale);
	else if (type->type == TEG_FIXED_BYTES)
		snprintf(name_out, room, "%s[%u]", name, (unsigned)type->fixed_len);
	else
		snprintf(name_out, room, "%s", name);
}

/* Appends to the text in `to`, cut off where it is full. */
static void add(char *to, size_t room, const char *text)
{
	size_t len = strlen(to);

	snprintf(to + len, room - len, "%s", text);
}

static void name_nested(const teg_data_type *type, char *to, size_t room, int depth);

static void name_any(const teg_data_type *type, char *to, size_t room, int depth)
{
	size_t len = strlen(to);

	if (type->type >= TEG_LIST && type->type <= TEG_STRUCT && depth < TEG_MAX_DEPTH)
		name_nested(type, to, room, depth);
	else
		name_flat(type, to + len, room - len);
}

static void name_nested(const teg_data_type *type, char *to, size_t room, int depth)
{
	char size[16];

	add(to, room, types[type->type].name);
	if (!type->children)
		return;
	add(to, room, "<");
	for (size_t i = 0; i < type->n_children; i++) {
		add(to, room, i ? ", " : "");
		if (type->type == TEG_STRUCT) {
			add(to, room, type->children[i].name ? type->children[i].name : "");
			add(to, room, ": ");
		}
		name_any(&type->children[i].type, to, room, depth + 1);
	}
	if (type->type == TEG_FIXED_LIST) {
		snprintf(size, sizeof size, ", %u", (unsigned)type->list_size);
		add(to, room, size);
	}
	add(to, room, ">");
}

void type_name(const teg_data_type *type, char *name_out, size_t room)
{
	name_out[0] = 0;
	name_any(type, name_out, room, 0);
}

static bool children_equal(const teg_data_type *a, const teg_data_type *b)
{
	if (a->n_children != b->n_children)
		return false;
	for (size_t i = 0; i < a->n_children; i++) {
		const teg_attribute *x = &a->children[i], *y = &b->children[i];

		if (x->nullable != y->nullable || !type_equal(&x->type, &y->type) ||
		    (a->type == TEG_STRUCT && strcmp(x->name, y->name) != 0))
			return false;
	}
	return true;
}

bool type_equal(const teg_data_type *a, const teg_data_type *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case TEG_TIMESTAMP:
		return a->unit == b->unit &&
		       !strcmp(a->zone ? a->zone : "", b->zone ? b->zone : "");
	case TEG_DURATION: return a->unit == b->unit;
	case TEG_DECIMAL128: return a->precision == b->precision && a->scale == b->scale;
	case TEG_FIXED_BYTES: return a->fixed_len == b->fixed_len;
	case TEG_FIXED_LIST: return a->list_size == b->list_size && children_equal(a, b);
	case TEG_LIST:
	case TEG_STRUCT: return children_equal(a, b);
	default: return true;
	}
}
