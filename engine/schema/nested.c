/* Nested types: the fields below an attribute, made from its type's children, and found again. */
#include <stdio.h>
#include "codec/base/checked.h"
#include "engine/schema/make.h"

static teg_status refuse(teg_error *err, const char *column, const char *why)
{
	teg_fail(err, TEG_SCHEMA, "column %s: %s", column, why);
	return error_in_column(err, TEG_SCHEMA, column);
}

/* ---- checks and counts, before anything is made ---- */

struct walk {
	const char *column; /* the attribute */
	size_t n_nodes;
	teg_status (*each)(void *ctx, const teg_attribute *node, teg_error *err);
	void *ctx;
	teg_error *err;
};

static teg_status check_children(const struct walk *w, const teg_data_type *type, int depth)
{
	bool one = type->type != TEG_STRUCT;

	if (depth >= TEG_MAX_DEPTH)
		return refuse(w->err, w->column, "its type is more than 32 types deep");
	if (!type->children || !type->n_children)
		return refuse(w->err, w->column, "a list or struct has no children");
	if (one && type->n_children != 1)
		return refuse(w->err, w->column, "a list has more than one child");
	return TEG_OK;
}

static teg_status walk_node(struct walk *w, const teg_attribute *node, int depth)
{
	const teg_data_type *type = &node->type;

	if (++w->n_nodes > SCHEMA_ATTRIBUTES_MAX)
		return refuse(w->err, w->column, "its type has more than 10,000 nodes");
	if (w->each)
		TEG_TRY(w->each(w->ctx, node, w->err));
	if (!type_is_nested(type->type))
		return TEG_OK;
	TEG_TRY(check_children(w, type, depth));
	for (size_t i = 0; i < type->n_children; i++)
		TEG_TRY(walk_node(w, &type->children[i], depth + 1));
	return TEG_OK;
}

teg_status attribute_walk(const teg_attribute *attribute,
                          teg_status (*each)(void *ctx, const teg_attribute *node, teg_error *err),
                          void *ctx, size_t *n_nodes_out, teg_error *err)
{
	struct walk w = { attribute->name ? attribute->name : "", 0, each, ctx, err };
	teg_status status = walk_node(&w, attribute, 1);

	*n_nodes_out = w.n_nodes;
	return status;
}

/* Values of the innermost type in one value of `f`, of fixed lists alone. */
static bool size_fits(const struct field *f)
{
	uint64_t n = 1;

	for (; f->shape == COLUMN_FIXED_LIST; f = &f->children[0])
		if (!u64_mul(n, f->width, &n) || n > SCHEMA_VALUES_MAX)
			return false;
	return true;
}

/* ---- making ---- */

struct making {
	struct arena *arena;
	uint32_t next_id;
	teg_error *err;
};

static teg_status no_memory(struct making *m)
{
	return teg_fail(m->err, TEG_NOMEM, "no memory for a schema");
}

static teg_status make_node(struct making *m, const teg_attribute *given, bool of_list,
                            struct field *f);

static bool named_before(const struct field *children, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(children[i].name, name))
			return true;
	return false;
}

static teg_status make_fields(struct making *m, struct field *f, struct field *children,
                              struct column_layout *nested, teg_attribute *types)
{
	bool of_list = f->type.type != TEG_STRUCT;

	for (uint32_t i = 0; i < f->n_children; i++) {
		struct field *child = &children[i];

		TEG_TRY(make_node(m, &f->type.children[i], of_list, child));
		if (named_before(children, i, child->name))
			return refuse(m->err, child->name, "is twice in a struct");
		nested[i] = field_layout(child);
		types[i] = (teg_attribute){ .name = child->name,
			                    .type = child->type,
			                    .nullable = child->nullable,
			                    .metadata = child->metadata,
			                    .n_metadata = child->n_metadata };
	}
	return TEG_OK;
}

/* The fields below `f`, whose type still has the children that were given. */
static teg_status make_below(struct making *m, struct field *f)
{
	size_t n = f->type.n_children;
	struct field *children;
	struct column_layout *nested;
	teg_attribute *types;

	if (!shape_is_nested(f->shape))
		return TEG_OK;
	children = arena_array(m->arena, n, sizeof *children);
	nested = arena_array(m->arena, n, sizeof *nested);
	types = arena_array(m->arena, n, sizeof *types);
	if (!children || !nested || !types)
		return no_memory(m);
	f->n_children = (uint32_t)n;
	TEG_TRY(make_fields(m, f, children, nested, types));
	f->children = children;
	f->nested = nested;
	f->type.children = types;
	if (size_fits(f))
		return TEG_OK;
	return refuse(m->err, f->name, "a fixed-size list has more than 2^24 values");
}

static teg_status make_node(struct making *m, const teg_attribute *given, bool of_list,
                            struct field *f)
{
	bool nameless = of_list && (!given->name || !given->name[0]);

	TEG_TRY(make_base(nameless ? "item" : given->name, &given->type, "a field of a struct",
	                  m->arena, f, m->err));
	f->id = m->next_id++;
	f->nullable = given->nullable;
	f->hi = UINT64_MAX;
	f->n_metadata = given->n_metadata;
	TEG_TRY(make_metadata(given->metadata, given->n_metadata, m->arena, &f->metadata, m->err));
	return make_below(m, f);
}

teg_status make_children(struct field *f, struct arena *arena, teg_error *err)
{
	struct making m = { arena, f->id + 1, err };

	return make_below(&m, f);
}

/* ---- finding ---- */

uint32_t field_nodes(const struct field *field)
{
	uint32_t n = 1;

	for (uint32_t i = 0; i < field->n_children; i++)
		n += field_nodes(&field->children[i]);
	return n;
}

/* The last of n fields whose id is not above `id`; NULL. Ids ascend. */
static const struct field *last_upto(const struct field *fields, uint32_t n, uint32_t id)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (fields[mid].id <= id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &fields[lo - 1] : NULL;
}

const struct field *schema_node_by_id(const struct schema *schema, uint32_t id)
{
	const struct field *f = schema_field_by_id(schema, id);

	if (f || id < COLUMN_ID_ATTRIBUTE)
		return f;
	f = last_upto(schema->attrs, schema->n_attrs, id);
	while (f && f->id != id)
		f = last_upto(f->children, f->n_children, id);
	return f;
}

void schema_node_path(const struct schema *schema, uint32_t id, char *path_out, size_t room)
{
	const struct field *f = last_upto(schema->attrs, schema->n_attrs, id);
	size_t len = 0;

	path_out[0] = 0;
	if (!schema_node_by_id(schema, id))
		return;
	if (id < COLUMN_ID_ATTRIBUTE)
		f = id < schema->n_dims ? &schema->dims[id] : NULL;
	for (; f; f = f->id == id ? NULL : last_upto(f->children, f->n_children, id)) {
		snprintf(path_out + len, room - len, "%s%s", len ? "." : "", f->name);
		len = strlen(path_out);
	}
}
