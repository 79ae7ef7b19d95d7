#include "tools/tilectl/arrow_make.h"
#include <stdlib.h>
#include <string.h>

/* ---- columns ---------------------------------------------------------------------------------- */

static void add_offset(struct making *m)
{
	int32_t at = (int32_t)m->heap.len;

	text_add(&m->values, (const char *)&at, sizeof at);
}

void making_init(struct making *m, bool runs, int64_t n, bool nullable)
{
	*m = (struct making){ .runs = runs };
	if (nullable)
		m->validity = need_memory((size_t)n / 8 + 1, 1);
	if (runs)
		add_offset(m);
}

void making_end_value(struct making *m, bool valid)
{
	if (m->runs)
		add_offset(m);
	if (m->validity && valid)
		m->validity[m->n / 8] |= (uint8_t)(1u << (m->n % 8));
	m->n_nulls += !valid;
	m->n++;
}

void making_add_zeros(struct making *m, size_t width)
{
	static const char zeros[64];

	for (size_t n; width; width -= n) {
		n = width < sizeof zeros ? width : sizeof zeros;
		text_add(&m->values, zeros, n);
	}
}

void making_pack_bools(struct making *m, size_t width)
{
	struct text bits = { NULL, 0, 0 };

	for (int64_t i = 0; i < m->n; i += 8) {
		char byte = 0;

		for (int64_t b = 0; b < 8 && i + b < m->n; b++)
			byte = (char)(byte | (m->values.at[(size_t)(i + b) * width] ? 1 << b : 0));
		text_add(&bits, &byte, 1);
	}
	text_free(&m->values);
	m->values = bits;
}

void making_free(struct making *m)
{
	text_free(&m->values);
	text_free(&m->heap);
	free(m->validity);
	*m = (struct making){ .validity = NULL };
}

struct made {
	struct making column;
	const void *buffers[3];
};

static void release_column(struct ArrowArray *array)
{
	struct made *made = array->private_data;

	making_free(&made->column);
	free(made);
	array->release = NULL;
}

void making_export(struct making *m, struct ArrowArray *array_out)
{
	struct made *made = need_memory(1, sizeof *made);

	made->column = *m;
	made->buffers[0] = m->validity;
	made->buffers[1] = text_string(&made->column.values);
	made->buffers[2] = text_string(&made->column.heap);
	*array_out = (struct ArrowArray){ .length = m->n,
		                          .null_count = m->n_nulls,
		                          .n_buffers = m->runs ? 3 : 2,
		                          .buffers = made->buffers,
		                          .release = release_column,
		                          .private_data = made };
}

/* ---- groups ----------------------------------------------------------------------------------- */

struct group {
	const void *buffers[1];
	struct ArrowArray *children; /* of one block */
	struct ArrowArray **pointers;
};

static void release_group(struct ArrowArray *array)
{
	struct group *group = array->private_data;

	for (int64_t i = 0; i < array->n_children; i++)
		if (array->children[i]->release)
			array->children[i]->release(array->children[i]);
	free(group->children);
	free(group->pointers);
	free(group);
	array->release = NULL;
}

void arrow_make_group(struct ArrowArray *array_out, int64_t n, size_t n_children)
{
	struct group *group = need_memory(1, sizeof *group);

	group->children = need_memory(n_children, sizeof *group->children);
	group->pointers = need_memory(n_children, sizeof(struct ArrowArray *));
	for (size_t i = 0; i < n_children; i++)
		group->pointers[i] = &group->children[i];
	*array_out = (struct ArrowArray){ .length = n,
		                          .n_buffers = 1,
		                          .n_children = (int64_t)n_children,
		                          .buffers = group->buffers,
		                          .children = group->pointers,
		                          .release = release_group,
		                          .private_data = group };
}

/* ---- schemas ---------------------------------------------------------------------------------- */

struct field {
	struct text name, format, metadata;
	struct ArrowSchema *children;
	struct ArrowSchema **pointers;
};

static void release_field(struct ArrowSchema *schema)
{
	struct field *field = schema->private_data;

	for (int64_t i = 0; i < schema->n_children; i++)
		if (schema->children[i]->release)
			schema->children[i]->release(schema->children[i]);
	text_free(&field->name);
	text_free(&field->format);
	text_free(&field->metadata);
	free(field->children);
	free(field->pointers);
	free(field);
	schema->release = NULL;
}

void arrow_make_field(struct ArrowSchema *field_out, const char *name, const char *format,
                      bool nullable, size_t n_children)
{
	struct field *field = need_memory(1, sizeof *field);

	text_adds(&field->name, name);
	text_adds(&field->format, format);
	field->children = need_memory(n_children, sizeof *field->children);
	field->pointers = need_memory(n_children, sizeof(struct ArrowSchema *));
	for (size_t i = 0; i < n_children; i++)
		field->pointers[i] = &field->children[i];
	*field_out = (struct ArrowSchema){ .format = field->format.at,
		                           .name = field->name.at,
		                           .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
		                           .n_children = (int64_t)n_children,
		                           .children = field->pointers,
		                           .release = release_field,
		                           .private_data = field };
}

static void add_counted(struct text *out, const char *text)
{
	int32_t len = (int32_t)strlen(text);

	text_add(out, (const char *)&len, sizeof len);
	text_adds(out, text);
}

void arrow_set_metadata(struct ArrowSchema *schema, const char *key, const char *value)
{
	struct field *field = schema->private_data;
	int32_t one = 1;

	text_add(&field->metadata, (const char *)&one, sizeof one);
	add_counted(&field->metadata, key);
	add_counted(&field->metadata, value);
	schema->metadata = field->metadata.at;
}
