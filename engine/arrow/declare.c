/* Arrow schemas as declarations of arrays. */
#include <stdio.h>
#include "codec/base/options.h"
#include "engine/arrow/format.h"
#include "engine/arrow/import.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for an Arrow schema");
}

static const char *name_of(const struct ArrowSchema *field)
{
	return field->name ? field->name : "";
}

/* A field, and those it lies in. */
struct place {
	const struct ArrowSchema *field;
	const struct place *above;
	int depth;
	struct arena *arena; /* NULL: children are left out */
};

static void name_place(const struct place *p, char *name, size_t room)
{
	size_t len;

	name[0] = 0;
	if (p->above)
		name_place(p->above, name, room);
	len = strlen(name);
	snprintf(name + len, room - len, "%s%s", len ? "." : "", name_of(p->field));
}

static teg_status refuse(const struct place *p, teg_status status, const char *why, teg_error *err)
{
	char name[96];

	name_place(p, name, sizeof name);
	teg_fail(err, status, "column %s: %s", name, why);
	return error_in_column(err, status, name);
}

static teg_status attribute(const struct place *p, teg_attribute *out, teg_error *err);

static teg_status take_children(const struct place *p, teg_attribute *out, teg_error *err)
{
	size_t n = p->field->n_children > 0 ? (size_t)p->field->n_children : 0;
	teg_attribute *children;

	if (p->depth > TEG_MAX_DEPTH)
		return refuse(p, TEG_SCHEMA, "its type is more than 32 types deep", err);
	if (!n || !p->field->children)
		return refuse(p, TEG_MISUSE, "a list or struct has no children", err);
	children = arena_array(p->arena, n, sizeof *children);
	if (!children)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		struct place child = { p->field->children[i], p, p->depth + 1, p->arena };

		TEG_TRY(attribute(&child, &children[i], err));
	}
	out->type.children = children;
	out->type.n_children = n;
	return TEG_OK;
}

static teg_status attribute(const struct place *p, teg_attribute *out, teg_error *err)
{
	const struct ArrowSchema *field = p->field;
	const char *format;
	char why[96];

	if (!field || !out || !field->format)
		return teg_fail(err, TEG_MISUSE, "no Arrow field was given");
	memset(out, 0, sizeof *out);
	out->name = name_of(field);
	out->nullable = field->flags & ARROW_FLAG_NULLABLE;
	format = field->dictionary ? field->dictionary->format : field->format;
	if (p->above)
		TEG_TRY(import_metadata(field->metadata, p->arena, &out->metadata, &out->n_metadata,
		                        err));
	if (format && arrow_type(format, &out->type))
		return TEG_OK;
	if (!field->dictionary && arrow_nested_type(format, &out->type))
		return p->arena ? take_children(p, out, err) : TEG_OK;
	snprintf(why, sizeof why, "type %s is not supported",
	         format ? arrow_format_name(format) : "unknown");
	return refuse(p, TEG_UNSUPPORTED, why, err);
}

teg_status attribute_from_arrow(const struct ArrowSchema *field, struct arena *arena,
                                teg_attribute *out, teg_error *err)
{
	return attribute(&(struct place){ field, NULL, 1, arena }, out, err);
}

teg_status teg_attribute_from_arrow(const struct ArrowSchema *field, teg_attribute *out,
                                    teg_error *err)
{
	return attribute_from_arrow(field, NULL, out, err);
}

/* ---- metadata: count, then length and bytes of each key and value, int32 ---- */

static bool take_text(const char **at, const char **text_out, size_t *len_out)
{
	int32_t len;

	memcpy(&len, *at, sizeof len);
	*text_out = *at + sizeof len;
	*len_out = (size_t)len;
	if (len < 0)
		return false;
	*at += sizeof len + (size_t)len;
	return true;
}

teg_status import_metadata(const char *encoded, struct arena *arena,
                           const teg_metadata **metadata_out, size_t *n_out, teg_error *err)
{
	teg_metadata *pairs;
	int32_t n = 0;

	*metadata_out = NULL;
	*n_out = 0;
	if (encoded)
		memcpy(&n, encoded, sizeof n);
	if (!n)
		return TEG_OK;
	if (n < 0)
		return teg_fail(err, TEG_SCHEMA, "Arrow metadata with a negative count");
	pairs = arena_array(arena, (size_t)n, sizeof *pairs);
	if (!pairs)
		return no_memory(err);
	encoded += sizeof n;
	for (int32_t i = 0; i < n; i++)
		if (!take_text(&encoded, &pairs[i].key, &pairs[i].key_len) ||
		    !take_text(&encoded, &pairs[i].value, &pairs[i].value_len))
			return teg_fail(err, TEG_SCHEMA, "Arrow metadata with a negative length");
	*metadata_out = pairs;
	*n_out = (size_t)n;
	return TEG_OK;
}

/* ---- declarations ---- */

struct declaring {
	teg_spec spec;
	teg_put_options roles;
	const struct ArrowSchema *schema;
	struct arena *arena;
	teg_error *err;
};

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static bool is_role(const struct declaring *d, const char *name)
{
	return same(name, d->roles.valid_from_column) || same(name, d->roles.valid_until_column) ||
	       same(name, d->roles.row_id_column) || same(name, d->roles.system_time_column) ||
	       same(name, d->roles.row_kind_column) ||
	       (d->roles.system_time_column &&
	        (same(name, "system_until") ||
	         !strncmp(name, BOX_END_PREFIX, strlen(BOX_END_PREFIX))));
}

static const teg_dimension *dimension_named(const struct declaring *d, const char *name)
{
	for (size_t i = 0; i < d->spec.n_dimensions; i++)
		if (same(d->spec.dimensions[i].name, name))
			return &d->spec.dimensions[i];
	return NULL;
}

static const struct ArrowSchema *field_named(const struct declaring *d, const char *name)
{
	for (int64_t i = 0; i < d->schema->n_children; i++)
		if (same(name_of(d->schema->children[i]), name))
			return d->schema->children[i];
	return NULL;
}

static teg_status missing(const struct declaring *d, const char *name)
{
	teg_fail(d->err, TEG_SCHEMA, "column %s is not in the Arrow schema",
	         name ? name : "without a name");
	return name ? error_in_column(d->err, TEG_SCHEMA, name) : TEG_SCHEMA;
}

static teg_status take_dimension(const struct declaring *d, const teg_dimension *given,
                                 teg_dimension *out)
{
	const struct ArrowSchema *field = field_named(d, given->name);
	teg_attribute as;

	if (!field)
		return missing(d, given->name);
	TEG_TRY(attribute_from_arrow(field, d->arena, &as, d->err));
	*out = *given;
	if (!given->type.type)
		out->type = as.type;
	if (given->n_metadata)
		return TEG_OK;
	return import_metadata(field->metadata, d->arena, &out->metadata, &out->n_metadata, d->err);
}

static bool all_untyped(const struct declaring *d)
{
	for (size_t i = 0; i < d->spec.n_dimensions; i++)
		if (d->spec.dimensions[i].type.type)
			return false;
	return true;
}

static teg_status take_dimensions(const struct declaring *d, teg_dimension *out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->spec.n_dimensions; i++)
		TEG_TRY(take_dimension(d, &d->spec.dimensions[i], &out[i]));
	for (int64_t i = 0; all_untyped(d) && i < d->schema->n_children; i++) {
		const teg_dimension *given = dimension_named(d, name_of(d->schema->children[i]));

		if (given && n < d->spec.n_dimensions)
			TEG_TRY(take_dimension(d, given, &out[n++]));
	}
	return TEG_OK;
}

static teg_status take_fill(const struct declaring *d, const teg_attribute *given,
                            teg_attribute *attrs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (same(attrs[i].name, given->name)) {
			attrs[i].fill = given->fill;
			return TEG_OK;
		}
	return missing(d, given->name);
}

static teg_status take_attributes(const struct declaring *d, teg_attribute *out, size_t *n_out)
{
	size_t n = 0;

	for (int64_t i = 0; i < d->schema->n_children; i++) {
		const struct ArrowSchema *field = d->schema->children[i];

		if (is_role(d, name_of(field)) || dimension_named(d, name_of(field)))
			continue;
		TEG_TRY(attribute_from_arrow(field, d->arena, &out[n], d->err));
		TEG_TRY(import_metadata(field->metadata, d->arena, &out[n].metadata,
		                        &out[n].n_metadata, d->err));
		n++;
	}
	for (size_t i = 0; i < d->spec.n_attributes; i++)
		TEG_TRY(take_fill(d, &d->spec.attributes[i], out, n));
	*n_out = n;
	return TEG_OK;
}

/* The caller's own pairs, then the schema's. */
static teg_status join_metadata(const struct declaring *d, teg_spec *out)
{
	const teg_metadata *from_schema;
	teg_metadata *all;
	size_t own = d->spec.n_metadata, n;

	TEG_TRY(import_metadata(d->schema->metadata, d->arena, &from_schema, &n, d->err));
	if (!n)
		return TEG_OK;
	all = arena_array(d->arena, own + n, sizeof *all);
	if (!all)
		return no_memory(d->err);
	if (own)
		memcpy(all, d->spec.metadata, own * sizeof *all);
	memcpy(all + own, from_schema, n * sizeof *all);
	out->metadata = all;
	out->n_metadata = own + n;
	return TEG_OK;
}

static teg_status declare(const struct declaring *d, teg_spec *out)
{
	size_t n_fields = (size_t)d->schema->n_children;
	teg_attribute *attrs = arena_array(d->arena, n_fields, sizeof *attrs);
	teg_dimension *dims = arena_array(d->arena, d->spec.n_dimensions, sizeof *dims);

	if (!attrs || !dims)
		return no_memory(d->err);
	*out = d->spec;
	TEG_TRY(take_dimensions(d, dims));
	TEG_TRY(take_attributes(d, attrs, &out->n_attributes));
	out->attributes = attrs;
	out->dimensions = out->n_dimensions ? dims : NULL;
	return join_metadata(d, out);
}

teg_status spec_from_arrow(const teg_spec *spec, const struct ArrowSchema *schema,
                           const teg_put_options *roles, struct arena *arena, teg_spec *spec_out,
                           teg_error *err)
{
	struct declaring d = { .schema = schema, .arena = arena, .err = err };

	if (!spec || !options_take(&d.spec, sizeof d.spec, spec) ||
	    !options_take(&d.roles, sizeof d.roles, roles))
		return teg_fail(err, TEG_MISUSE, "struct_size is not one this build knows");
	if (!schema || !schema->release || !schema->format || strcmp(schema->format, "+s") != 0 ||
	    schema->n_children < 0)
		return teg_fail(err, TEG_MISUSE, "the Arrow schema is not a struct");
	if ((d.spec.n_dimensions && !d.spec.dimensions) ||
	    (d.spec.n_attributes && !d.spec.attributes))
		return teg_fail(err, TEG_MISUSE, "a count in the spec has no list");
	return declare(&d, spec_out);
}
