/* Arrow batches as plain columns. */
#include "engine/arrow/import.h"
#include "codec/base/checked.h"
#include "engine/arrow/format.h"

/* One child being imported: values [from, from + n) of `array`. */
struct child {
	const struct ArrowSchema *schema;
	const struct ArrowArray *array;
	const char *name;
	size_t from, n;
	teg_error *err;
	struct imported *in;
};

static teg_status fail_child(const struct child *c, teg_status status, int64_t row, const char *why)
{
	if (row >= 0)
		teg_fail(c->err, status, "column %s, row %lld: %s", c->name, (long long)row, why);
	else
		teg_fail(c->err, status, "column %s: %s", c->name, why);
	error_in_column(c->err, status, c->name);
	return row >= 0 ? error_at_row(c->err, status, row) : status;
}

static teg_status no_memory(const struct child *c)
{
	return fail_child(c, TEG_NOMEM, -1, "no memory to import it");
}

/* ---- shape of the structs ---- */

static bool is_view(const char *format)
{
	return format[0] == 'v';
}

static bool is_runs(const char *format)
{
	return !strcmp(format, "u") || !strcmp(format, "U") || !strcmp(format, "z") ||
	       !strcmp(format, "Z");
}

static bool has_large_offsets(const char *format)
{
	return format[0] == 'U' || format[0] == 'Z' || format[1] == 'L';
}

static bool buffers_fit(const char *format, const struct ArrowArray *array)
{
	if (is_view(format))
		return array->n_buffers >= 3;
	if (!strcmp(format, "+s") || format[1] == 'w')
		return array->n_buffers == 1;
	return array->n_buffers == (is_runs(format) ? 3 : 2);
}

/* Lengths, offsets and the buffers that every value needs. */
static teg_status check_child(const struct child *c, const char *format)
{
	const struct ArrowArray *a = c->array;
	size_t end;

	if (!a->release || a->length < 0 || a->offset < 0 || !a->buffers || !buffers_fit(format, a))
		return fail_child(c, TEG_MISUSE, -1, "the Arrow array is released or malformed");
	/* `from` counts from the array's own offset on, which its length does not. */
	if (!size_add(c->from - (size_t)a->offset, c->n, &end) || end > (size_t)a->length)
		return fail_child(c, TEG_SCHEMA, -1, "the column is shorter than the batch");
	if (c->n && a->n_buffers > 1 && !a->buffers[1])
		return fail_child(c, TEG_MISUSE, -1, "a buffer is missing");
	if (a->null_count > 0 && !a->buffers[0])
		return fail_child(c, TEG_MISUSE, -1, "it has nulls but no validity");
	return TEG_OK;
}

static const uint8_t *validity_of(const struct ArrowArray *array)
{
	return array->null_count ? array->buffers[0] : NULL;
}

/* ---- what points into the batch ---- */

static void point_at(const struct child *c, const char *format, const teg_data_type *type,
                     teg_column *out)
{
	const struct ArrowArray *a = c->array;
	enum column_shape shape;
	enum value_class class;
	uint32_t width;

	out->validity = validity_of(a);
	out->validity_bit = c->from;
	type_layout(type, &shape, &width, &class);
	if (shape == COLUMN_FIXED) {
		out->values = a->buffers[1] ? (const uint8_t *)a->buffers[1] + c->from * width
		                            : NULL;
		return;
	}
	out->values = a->buffers[2];
	if (!a->buffers[1])
		return;
	if (has_large_offsets(format))
		out->large_offsets = (const int64_t *)a->buffers[1] + c->from;
	else
		out->offsets = (const int32_t *)a->buffers[1] + c->from;
}

/* ---- what is decoded ---- */

static teg_status set_validity(const struct child *c, struct column_buf *out)
{
	const uint8_t *validity = validity_of(c->array);

	if (validity &&
	    column_buf_set_validity(out, out->n - c->n, c->n, validity, c->from) != TEG_OK)
		return no_memory(c);
	return TEG_OK;
}

static teg_status decode_bools(const struct child *c, struct column_buf *out)
{
	const uint8_t *bits = c->array->buffers[1];
	uint8_t *to = column_buf_extend(out, c->n);

	if (!to)
		return no_memory(c);
	for (size_t i = 0; i < c->n; i++)
		to[i] = bitmap_get(bits, c->from + i);
	return set_validity(c, out);
}

static bool is_valid(const struct child *c, size_t i)
{
	const uint8_t *validity = validity_of(c->array);

	return !validity || bitmap_get(validity, c->from + i);
}

/* A view is 16 bytes: length, then the bytes themselves up to 12 of them, else four bytes of
 * prefix, the number of a buffer and an offset into it. The last buffer holds the sizes. */
static bool view_bytes(const struct child *c, size_t i, struct span *out)
{
	const struct ArrowArray *a = c->array;
	const uint8_t *view = (const uint8_t *)a->buffers[1] + (c->from + i) * 16;
	int64_t n_data = a->n_buffers - 3;
	const int64_t *sizes = a->buffers[a->n_buffers - 1];
	int32_t len, buffer, off;

	memcpy(&len, view, 4);
	memcpy(&buffer, view + 8, 4);
	memcpy(&off, view + 12, 4);
	*out = span_of(view + 4, (size_t)len);
	if (len < 0)
		return false;
	if (len <= 12)
		return true;
	if (buffer < 0 || buffer >= n_data || !sizes || off < 0 ||
	    (int64_t)off + len > sizes[buffer] || !a->buffers[2 + buffer])
		return false;
	*out = span_of((const uint8_t *)a->buffers[2 + buffer] + off, (size_t)len);
	return true;
}

static teg_status append_run(const struct child *c, size_t i, struct span value,
                             struct column_buf *out)
{
	teg_status status = column_buf_append_value(out, value, 1);

	if (status == TEG_LIMIT)
		return fail_child(c, TEG_LIMIT, (int64_t)i,
		                  "the column holds more than 2 GiB from here on");
	return status == TEG_OK ? TEG_OK : no_memory(c);
}

static teg_status decode_views(const struct child *c, struct column_buf *out)
{
	struct span value;

	for (size_t i = 0; i < c->n; i++) {
		bool valid = is_valid(c, i);

		if (valid && !view_bytes(c, i, &value))
			return fail_child(c, TEG_SCHEMA, (int64_t)i,
			                  "a view lies outside its buffers");
		TEG_TRY(append_run(c, i, valid ? value : span_of("", 0), out));
	}
	return set_validity(c, out);
}

static teg_status decode_runs(const struct child *c, const teg_column *plain,
                              struct column_buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		int64_t from = plain->offsets ? plain->offsets[i] : plain->large_offsets[i];
		int64_t to = plain->offsets ? plain->offsets[i + 1] : plain->large_offsets[i + 1];

		if (from < 0 || to < from || (to > from && !plain->values))
			return fail_child(c, TEG_MISUSE, (int64_t)i,
			                  "its offsets descend or are negative");
		TEG_TRY(append_run(c, i,
		                   span_of((const uint8_t *)plain->values + (to > from ? from : 0),
		                           (size_t)(to - from)),
		                   out));
	}
	return set_validity(c, out);
}

/* Any array without a dictionary of its own into memory of ours: the values of a dictionary. */
static teg_status decode(const struct child *c, const char *format, const teg_data_type *type,
                         struct column_buf *out)
{
	teg_column plain = { 0 };
	struct column view = { .shape = COLUMN_FIXED, .width = out->width, .n = c->n };

	if (!c->n)
		return TEG_OK;
	if (type->type == TEG_BOOL)
		return decode_bools(c, out);
	if (is_view(format))
		return decode_views(c, out);
	point_at(c, format, type, &plain);
	if (out->shape == COLUMN_BYTES)
		return decode_runs(c, &plain, out);
	view.values = plain.values;
	if (column_buf_append(out, &view, 0, c->n) != TEG_OK)
		return no_memory(c);
	return set_validity(c, out);
}

/* ---- dictionaries ---- */

/* Index i, widened; UINT64_MAX where it is negative. */
static uint64_t index_at(const struct child *c, uint32_t width, bool is_signed, size_t i)
{
	const uint8_t *at = (const uint8_t *)c->array->buffers[1] + (c->from + i) * width;
	enum value_class class = is_signed ? VALUE_SIGNED : VALUE_UNSIGNED;
	uint64_t lane = lane_of_value(class, span_of(at, width));
	int64_t v = lane_to_i64(lane);

	if (!is_signed)
		return lane;
	return v < 0 ? UINT64_MAX : (uint64_t)v;
}

struct lookup {
	struct column_buf values; /* of the dictionary */
	uint32_t *at;             /* per row; 0 for nulls */
	uint8_t *valid;           /* bitmap: neither the index nor what it names is null */
};

static teg_status resolve_indices(const struct child *c, const teg_data_type *index,
                                  struct lookup *l)
{
	struct column values = column_buf_view(&l->values);
	enum column_shape shape;
	enum value_class class;
	uint32_t width;

	type_layout(index, &shape, &width, &class);
	for (size_t i = 0; i < c->n; i++) {
		uint64_t at;

		l->at[i] = 0;
		if (!is_valid(c, i))
			continue;
		at = index_at(c, width, class == VALUE_SIGNED, i);
		if (at >= values.n)
			return fail_child(c, TEG_SCHEMA, (int64_t)i,
			                  "the index is outside the dictionary");
		l->at[i] = (uint32_t)at;
		if (column_valid(&values, (size_t)at))
			bitmap_set(l->valid, i);
	}
	return TEG_OK;
}

static teg_status gather_values(const struct child *c, const struct lookup *l,
                                struct column_buf *out)
{
	struct column values = column_buf_view(&l->values);
	teg_status status;

	if (!values.n)
		status = column_buf_append_nulls(out, c->n);
	else {
		values.validity = NULL;
		status = column_buf_gather(out, &values, l->at, c->n);
		if (status == TEG_OK)
			status = column_buf_set_validity(out, 0, c->n, l->valid, 0);
	}
	if (status == TEG_LIMIT)
		return fail_child(c, TEG_LIMIT, -1, "the decoded column holds more than 2 GiB");
	return status == TEG_OK ? TEG_OK : no_memory(c);
}

static teg_status check_dictionary(const struct child *c, const teg_data_type *index)
{
	bool whole = arrow_type(c->schema->format, &(teg_data_type){ 0 }) &&
	             index->type >= TEG_INT8 && index->type <= TEG_UINT64;

	if (!whole || !c->array->dictionary)
		return fail_child(c, TEG_MISUSE, -1, "the dictionary is malformed");
	if (c->schema->dictionary->dictionary)
		return fail_child(c, TEG_UNSUPPORTED, -1,
		                  "a dictionary of dictionaries is not supported");
	return check_child(c, c->schema->format);
}

static teg_status decode_dictionary(const struct child *c, const teg_data_type *type,
                                    struct column_buf *out)
{
	const struct ArrowArray *dictionary = c->array->dictionary;
	const char *format = c->schema->dictionary->format;
	struct child values = { c->schema->dictionary, dictionary, c->name, 0, 0, c->err, c->in };
	teg_data_type index;
	struct lookup l;
	teg_status status;

	arrow_type(c->schema->format, &index);
	TEG_TRY(check_dictionary(c, &index));
	if (dictionary->offset >= 0 && dictionary->length >= 0) {
		values.from = (size_t)dictionary->offset;
		values.n = (size_t)dictionary->length;
	}
	TEG_TRY(check_child(&values, format));
	column_buf_init(&l.values, out->shape, out->width, out->alloc);
	l.at = mem_array(out->alloc, c->n, sizeof *l.at);
	l.valid = mem_zalloc(out->alloc, bitmap_len(c->n));
	status = l.at && l.valid ? decode(&values, format, type, &l.values) : no_memory(c);
	if (status == TEG_OK)
		status = resolve_indices(c, &index, &l);
	if (status == TEG_OK && c->n)
		status = gather_values(c, &l, out);
	mem_free(out->alloc, l.at, c->n * sizeof *l.at);
	mem_free(out->alloc, l.valid, bitmap_len(c->n));
	column_buf_release(&l.values);
	return status;
}

/* ---- one column, one batch ---- */

static void point_at_decoded(const struct column_buf *decoded, teg_column *out)
{
	struct column view = column_buf_view(decoded);

	out->values = view.values;
	out->offsets = view.offsets;
	out->validity = view.validity;
}

static teg_status import_flat(const struct child *c, teg_column *out)
{
	const char *format = c->schema->format;
	struct column_buf *decoded = &c->in->decoded[c->in->n_used++];
	enum value_class class;

	type_layout(&out->type, &decoded->shape, &decoded->width, &class);
	if (c->schema->dictionary)
		TEG_TRY(decode_dictionary(c, &out->type, decoded));
	else
		TEG_TRY(check_child(c, format));
	if (!c->schema->dictionary && (out->type.type == TEG_BOOL || is_view(format)))
		TEG_TRY(decode(c, format, &out->type, decoded));
	else if (!c->schema->dictionary) {
		point_at(c, format, &out->type, out);
		return TEG_OK;
	}
	point_at_decoded(decoded, out);
	return TEG_OK;
}

/* ---- lists and structs ---- */

static int64_t offset_at(const teg_column *list, size_t i)
{
	return list->offsets ? list->offsets[i] : list->large_offsets[i];
}

/* The part of the child that the lists take; their offsets count from its start then. */
static teg_status cut_child(const struct child *c, teg_column *out, struct child *child)
{
	int64_t start, *offsets;

	child->from = child->n = 0;
	if (!c->n) {
		static const int32_t none[1] = { 0 };

		out->large_offsets = NULL;
		out->offsets = none;
		return TEG_OK;
	}
	start = offset_at(out, 0);
	if (start < 0 || offset_at(out, c->n) < start)
		return fail_child(c, TEG_MISUSE, -1, "its offsets descend or are negative");
	child->from = (size_t)start;
	child->n = (size_t)(offset_at(out, c->n) - start);
	if (!start)
		return TEG_OK;
	offsets = arena_array(&c->in->arena, c->n + 1, sizeof *offsets);
	if (!offsets)
		return no_memory(c);
	for (size_t i = 0; i <= c->n; i++)
		offsets[i] = offset_at(out, i) - start;
	out->offsets = NULL;
	out->large_offsets = offsets;
	return TEG_OK;
}

static teg_status import_child(const struct child *c, teg_column *out);

static teg_status import_below(const struct child *c, size_t i, struct child child, teg_column *out)
{
	const struct ArrowArray *array = c->array->children[i];

	child.schema = c->schema->children[i];
	child.array = array;
	if (!array || array->offset < 0 ||
	    !size_add((size_t)array->offset, child.from, &child.from))
		return fail_child(c, TEG_MISUSE, -1, "a child of it is malformed");
	out->name = child.schema->name ? child.schema->name : "";
	return import_child(&child, out);
}

static teg_status import_nested(const struct child *c, teg_column *out)
{
	const char *format = c->schema->format;
	size_t each = out->type.type == TEG_FIXED_LIST ? out->type.list_size : 1;
	struct child child = *c;
	teg_column *children;

	TEG_TRY(check_child(c, format));
	if (c->array->n_children != (int64_t)out->type.n_children || !c->array->children)
		return fail_child(c, TEG_MISUSE, -1, "it has other children than its type");
	children = arena_array(&c->in->arena, out->type.n_children, sizeof *children);
	if (!children)
		return no_memory(c);
	out->validity = validity_of(c->array);
	out->validity_bit = c->from;
	if (!size_mul(c->from, each, &child.from) || !size_mul(c->n, each, &child.n))
		return fail_child(c, TEG_LIMIT, -1, "it has too many values");
	if (out->type.type == TEG_LIST && c->n) {
		if (has_large_offsets(format))
			out->large_offsets = (const int64_t *)c->array->buffers[1] + c->from;
		else
			out->offsets = (const int32_t *)c->array->buffers[1] + c->from;
	}
	if (out->type.type == TEG_LIST)
		TEG_TRY(cut_child(c, out, &child));
	for (size_t i = 0; i < out->type.n_children; i++) {
		children[i].type = out->type.children[i].type;
		TEG_TRY(import_below(c, i, child, &children[i]));
	}
	out->children = children;
	out->n_children = out->type.n_children;
	return TEG_OK;
}

/* Name and type of `out` are set. */
static teg_status import_child(const struct child *c, teg_column *out)
{
	return type_is_nested(out->type.type) ? import_nested(c, out) : import_flat(c, out);
}

static teg_status import_column(const struct child *c, teg_column *out)
{
	teg_attribute as;

	TEG_TRY(attribute_from_arrow(c->schema, &c->in->arena, &as, c->err));
	*out = (teg_column){ .name = as.name, .type = as.type };
	return import_child(c, out);
}

/* Nodes of a schema, itself included; deep ones are refused later. */
static size_t count_nodes(const struct ArrowSchema *schema, int depth)
{
	size_t n = 1;

	for (int64_t i = 0; depth < TEG_MAX_DEPTH && schema->children && i < schema->n_children;
	     i++)
		n += count_nodes(schema->children[i], depth + 1);
	return n;
}

static teg_status check_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                              teg_error *err)
{
	if (!schema->release || !schema->format || strcmp(schema->format, "+s") != 0)
		return teg_fail(err, TEG_MISUSE, "the Arrow schema is not a struct");
	if (!batch->release || batch->length < 0 || batch->offset < 0 ||
	    batch->n_children != schema->n_children || batch->n_children < 0)
		return teg_fail(err, TEG_MISUSE, "the Arrow batch does not belong to its schema");
	if (batch->n_buffers > 0 && batch->buffers && batch->buffers[0] && batch->null_count &&
	    bitmap_count(batch->buffers[0], (size_t)batch->offset, (size_t)batch->length) <
	            (size_t)batch->length)
		return teg_fail(err, TEG_UNSUPPORTED,
		                "the Arrow batch has rows that are null as a whole");
	return TEG_OK;
}

static teg_status import_children(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                                  struct imported *out, teg_error *err)
{
	for (size_t i = 0; i < out->n_columns; i++) {
		const struct ArrowSchema *field = schema->children[i];
		const struct ArrowArray *array = batch->children[i];
		struct child c = { field, array, field->name ? field->name : "", 0, out->n_rows,
			           err,   out };

		if (array->offset < 0 ||
		    !size_add((size_t)array->offset, (size_t)batch->offset, &c.from))
			return fail_child(&c, TEG_MISUSE, -1, "the Arrow array is malformed");
		TEG_TRY(import_column(&c, &out->columns[i]));
	}
	return TEG_OK;
}

teg_status import_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                        const teg_allocator *alloc, struct imported *out, teg_error *err)
{
	teg_status status;
	size_t n;

	memset(out, 0, sizeof *out);
	TEG_TRY(check_batch(schema, batch, err));
	n = (size_t)batch->n_children;
	out->alloc = alloc;
	out->n_rows = (size_t)batch->length;
	out->columns = mem_array(alloc, n, sizeof *out->columns);
	out->n_decoded = count_nodes(schema, 0);
	out->decoded = mem_array(alloc, out->n_decoded, sizeof *out->decoded);
	out->n_columns = n;
	arena_init(&out->arena, alloc, SIZE_MAX);
	for (size_t i = 0; out->decoded && i < out->n_decoded; i++)
		column_buf_init(&out->decoded[i], COLUMN_FIXED, 0, alloc);
	if (out->columns && out->decoded)
		status = import_children(schema, batch, out, err);
	else
		status = teg_fail(err, TEG_NOMEM, "no memory to import an Arrow batch");
	if (status != TEG_OK)
		import_release(out);
	return status;
}

void import_release(struct imported *in)
{
	for (size_t i = 0; in->decoded && i < in->n_decoded; i++)
		column_buf_release(&in->decoded[i]);
	if (in->alloc) {
		mem_free(in->alloc, in->columns, in->n_columns * sizeof *in->columns);
		mem_free(in->alloc, in->decoded, in->n_decoded * sizeof *in->decoded);
		arena_release(&in->arena);
	}
	memset(in, 0, sizeof *in);
}
