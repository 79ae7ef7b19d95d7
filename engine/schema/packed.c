/* Schemas as bytes. A parsed schema goes through the same checks as a declared one. */
#include "codec/base/checked.h"
#include "codec/msgpack/pack.h"
#include "engine/schema/make.h"
#include "engine/schema/rule.h"

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "values in packed schemas are little-endian: this machine would need to swap them"
#endif

/* ---- writing ---- */

static void put_metadata(const teg_metadata *metadata, size_t n, struct buf *out)
{
	pack_key(out, "metadata");
	pack_array(out, (uint32_t)(2 * n));
	for (size_t i = 0; i < n; i++) {
		pack_bytes(out, span_of(metadata[i].key, metadata[i].key_len));
		pack_bytes(out, span_of(metadata[i].value, metadata[i].value_len));
	}
}

static void put_number(const char *key, uint64_t v, struct buf *out)
{
	pack_key(out, key);
	pack_u64(out, v);
}

/* Five pairs. */
static void put_type(const teg_data_type *type, struct buf *out)
{
	pack_key(out, "type");
	pack_u64(out, type->type);
	pack_key(out, "unit");
	pack_u64(out, type->type == TEG_TIMESTAMP || type->type == TEG_DURATION ? type->unit : 0);
	pack_key(out, "zone");
	pack_text(out, span_of_text(type->zone ? type->zone : ""));
	pack_key(out, "length");
	pack_u64(out, type->type == TEG_FIXED_BYTES  ? type->fixed_len
	              : type->type == TEG_FIXED_LIST ? type->list_size
	                                             : 0);
	pack_key(out, "decimal");
	pack_array(out, 2);
	pack_u64(out, type->type == TEG_DECIMAL128 ? type->precision : 0);
	pack_i64(out, type->type == TEG_DECIMAL128 ? type->scale : 0);
}

void value_pack(const char *key, const struct field *f, const teg_value *value, struct buf *out)
{
	uint8_t room[16];
	struct span bytes;

	pack_key(out, key);
	if (value->type && value_bytes(f, value, room, &bytes))
		pack_bytes(out, bytes);
	else
		pack_nil(out);
}

static void put_dimension(const struct field *f, struct buf *out)
{
	pack_map(out, 9u + (f->n_metadata > 0));
	pack_key(out, "name");
	pack_text(out, span_of_text(f->name));
	put_type(&f->type, out);
	value_pack("lo", f, &f->lo_value, out);
	value_pack("hi", f, &f->hi_value, out);
	pack_key(out, "extent");
	pack_u64(out, f->extent);
	if (f->n_metadata)
		put_metadata(f->metadata, f->n_metadata, out);
}

/* The nodes below a field, each before its own: two levels of msgpack for any depth of types. */
static void put_nodes(const struct field *f, struct buf *out)
{
	for (uint32_t i = 0; i < f->n_children; i++) {
		const struct field *child = &f->children[i];

		pack_map(out, 9);
		pack_key(out, "name");
		pack_text(out, span_of_text(child->name));
		put_type(&child->type, out);
		pack_key(out, "nullable");
		pack_bool(out, child->nullable);
		put_metadata(child->metadata, child->n_metadata, out);
		put_number("children", child->n_children, out);
		put_nodes(child, out);
	}
}

static void put_attribute(const struct field *f, struct buf *out)
{
	pack_map(out, f->n_children ? 12 : 10);
	pack_key(out, "id");
	pack_u64(out, f->id - COLUMN_ID_ATTRIBUTE);
	pack_key(out, "name");
	pack_text(out, span_of_text(f->name));
	put_type(&f->type, out);
	pack_key(out, "nullable");
	pack_bool(out, f->nullable);
	pack_key(out, "fill");
	if (f->fill.at)
		pack_bytes(out, f->fill);
	else
		pack_nil(out);
	put_metadata(f->metadata, f->n_metadata, out);
	if (!f->n_children)
		return;
	put_number("children", f->n_children, out);
	pack_key(out, "nodes");
	pack_array(out, field_nodes(f) - 1);
	put_nodes(f, out);
}

void schema_pack(const struct schema *schema, struct buf *out)
{
	uint32_t n_dims = schema->kind == TEG_TABLE ? 0 : schema->n_dims;

	pack_map(out, 12u + (schema->key != NULL) + schema->key_unique + (schema->n_rules > 0));
	put_number("version", schema->version, out);
	put_number("kind", schema->kind, out);
	put_number("cells", schema->cells, out);
	pack_key(out, "valid_time");
	pack_bool(out, schema->valid_time);
	put_number("tile_order", schema->tile_order, out);
	put_number("cell_order", schema->cell_order, out);
	put_number("profile", schema->profile, out);
	put_number("tile_cells", schema->tile_cells, out);
	pack_key(out, "dimensions");
	pack_array(out, n_dims);
	for (uint32_t d = 0; d < n_dims; d++)
		put_dimension(&schema->dims[d], out);
	pack_key(out, "attributes");
	pack_array(out, schema->n_attrs);
	for (uint32_t i = 0; i < schema->n_attrs; i++)
		put_attribute(&schema->attrs[i], out);
	put_number("next_attribute", schema->next_attr_id, out);
	put_metadata(schema->metadata, schema->n_metadata, out);
	if (schema->key) /* by id, for names change */
		put_number("key", schema->key->id - COLUMN_ID_ATTRIBUTE, out);
	if (schema->key_unique) {
		pack_key(out, "unique");
		pack_bool(out, true);
	}
	rules_pack(schema, out);
}

/* ---- reading: false where a key is missing or its value is of the wrong type or size ---- */

struct parsing {
	struct arena *arena;
	bool no_memory;
};

static void *take_room(struct parsing *in, size_t n, size_t size)
{
	void *room = arena_array(in->arena, n, size);

	in->no_memory |= !room;
	return room;
}

static bool take_u32(const struct node *map, const char *key, uint32_t max, uint32_t *out)
{
	uint64_t v;

	if (!node_u64(node_get(map, key), max, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Text without a zero byte, as a C string in the arena. */
static bool take_text(const struct node *node, struct parsing *in, const char **out)
{
	struct span text;

	if (!node_text(node, &text) || memchr(text.at, 0, text.len))
		return false;
	*out = arena_text(in->arena, text);
	in->no_memory |= !*out;
	return *out != NULL;
}

static bool take_type(const struct node *map, struct parsing *in, teg_data_type *out)
{
	const struct node *decimal;
	uint32_t type, unit, n;
	uint64_t precision;
	int64_t scale;

	if (!take_u32(map, "type", TEG_STRUCT, &type) || !take_u32(map, "unit", TEG_NANO, &unit) ||
	    !take_u32(map, "length", UINT32_MAX, &out->fixed_len) ||
	    !take_text(node_get(map, "zone"), in, &out->zone) ||
	    !node_array(node_get(map, "decimal"), 2, &decimal, &n) || n != 2)
		return false;
	if (!node_u64(&decimal[0], 38, &precision) || !node_i64(&decimal[1], &scale) ||
	    scale < INT8_MIN || scale > INT8_MAX)
		return false;
	out->list_size = out->fixed_len;
	out->type = (teg_type)type;
	out->unit = (teg_time_unit)unit;
	out->precision = (uint8_t)precision;
	out->scale = (int8_t)scale;
	return true;
}

/* A value by its stored bytes; nil leaves it null. */
static bool take_value(const struct node *node, const teg_data_type *type, teg_value *out)
{
	struct field f = { .type = *type };
	struct span bytes;

	if (node && node->type == NODE_NIL)
		return true;
	if (!node_bytes(node, &bytes) || !type_layout(type, &f.shape, &f.width, &f.class))
		return false;
	if (f.shape == COLUMN_FIXED && bytes.len != f.width)
		return false;
	*out = value_of_bytes(&f, bytes);
	return true;
}

static bool take_metadata(const struct node *map, struct parsing *in, const teg_metadata **out,
                          size_t *n_out)
{
	const struct node *items;
	struct span key, value;
	teg_metadata *pairs;
	uint32_t n;

	if (!node_array(node_get(map, "metadata"), PACK_NODES_MAX, &items, &n) || n % 2)
		return false;
	pairs = take_room(in, n / 2, sizeof *pairs);
	for (uint32_t i = 0; pairs && i < n; i += 2) {
		if (!node_bytes(&items[i], &key) || !node_bytes(&items[i + 1], &value))
			return false;
		pairs[i / 2] = (teg_metadata){ (const char *)key.at, (const char *)value.at,
			                       key.len, value.len };
	}
	*out = pairs;
	*n_out = n / 2;
	return pairs != NULL;
}

/* Nodes that are left to take, in preorder. */
struct nodes {
	const struct node *at;
	uint32_t n;
};

static bool take_children(const struct node *map, struct nodes *left, struct parsing *in, int depth,
                          teg_data_type *out)
{
	teg_attribute *children;
	uint32_t n;

	if (!type_is_nested(out->type))
		return true;
	if (depth == TEG_MAX_DEPTH || !take_u32(map, "children", left->n, &n))
		return false;
	children = take_room(in, n, sizeof *children);
	for (uint32_t i = 0; children && i < n; i++) {
		const struct node *node = left->at;

		if (!left->n)
			return false;
		left->at++;
		left->n--;
		if (!take_text(node_get(node, "name"), in, &children[i].name) ||
		    !take_type(node, in, &children[i].type) ||
		    !node_bool(node_get(node, "nullable"), &children[i].nullable) ||
		    !take_metadata(node, in, &children[i].metadata, &children[i].n_metadata) ||
		    !take_children(node, left, in, depth + 1, &children[i].type))
			return false;
	}
	out->children = children;
	out->n_children = n;
	return children != NULL;
}

static bool take_nodes(const struct node *map, struct parsing *in, teg_data_type *out)
{
	struct nodes left = { NULL, 0 };

	if (!type_is_nested(out->type))
		return true;
	return node_array(node_get(map, "nodes"), SCHEMA_ATTRIBUTES_MAX, &left.at, &left.n) &&
	       take_children(map, &left, in, 1, out) && !left.n;
}

static bool take_dimension(const struct node *map, struct parsing *in, teg_dimension *out)
{
	return take_text(node_get(map, "name"), in, &out->name) && take_type(map, in, &out->type) &&
	       take_value(node_get(map, "lo"), &out->type, &out->lo) &&
	       take_value(node_get(map, "hi"), &out->type, &out->hi) &&
	       node_u64(node_get(map, "extent"), UINT64_MAX, &out->extent) &&
	       (!node_get(map, "metadata") ||
	        take_metadata(map, in, &out->metadata, &out->n_metadata));
}

/* That of a nested attribute says no more than whether null may be. */
static bool take_fill(const struct node *map, teg_attribute *out)
{
	const struct node *fill = node_get(map, "fill");

	if (type_is_nested(out->type.type))
		return fill && (fill->type == NODE_NIL || fill->type == NODE_BYTES);
	return take_value(fill, &out->type, &out->fill);
}

static bool take_attribute(const struct node *map, struct parsing *in, uint32_t *id_out,
                           teg_attribute *out)
{
	return take_u32(map, "id", UINT32_MAX, id_out) &&
	       take_text(node_get(map, "name"), in, &out->name) && take_type(map, in, &out->type) &&
	       node_bool(node_get(map, "nullable"), &out->nullable) && take_fill(map, out) &&
	       take_metadata(map, in, &out->metadata, &out->n_metadata) &&
	       take_nodes(map, in, &out->type);
}

static bool take_columns(const struct node *map, struct parsing *in, struct draft *draft)
{
	const struct node *dims, *attrs;
	teg_dimension *d_out;
	teg_attribute *a_out;
	uint32_t n_dims, n_attrs, *ids;

	if (!node_array(node_get(map, "dimensions"), TEG_MAX_DIMENSIONS, &dims, &n_dims) ||
	    !node_array(node_get(map, "attributes"), SCHEMA_ATTRIBUTES_MAX, &attrs, &n_attrs))
		return false;
	d_out = take_room(in, n_dims, sizeof *d_out);
	a_out = take_room(in, n_attrs, sizeof *a_out);
	ids = take_room(in, n_attrs, sizeof *ids);
	if (!d_out || !a_out || !ids)
		return false;
	for (uint32_t d = 0; d < n_dims; d++)
		if (!take_dimension(&dims[d], in, &d_out[d]))
			return false;
	for (uint32_t i = 0; i < n_attrs; i++)
		if (!take_attribute(&attrs[i], in, &ids[i], &a_out[i]))
			return false;
	draft->spec.dimensions = d_out;
	draft->spec.n_dimensions = n_dims;
	draft->spec.attributes = a_out;
	draft->spec.n_attributes = n_attrs;
	draft->attr_ids = ids;
	return true;
}

static bool take_key(const struct node *map, struct draft *draft)
{
	const struct node *unique = node_get(map, "unique");
	uint32_t id;

	if (unique && (!node_bool(unique, &draft->spec.key_unique) || !draft->spec.key_unique))
		return false;
	if (!node_get(map, "key"))
		return !unique;
	if (!take_u32(map, "key", UINT32_MAX, &id))
		return false;
	for (size_t i = 0; i < draft->spec.n_attributes; i++)
		if (draft->attr_ids[i] == id)
			draft->spec.key = draft->spec.attributes[i].name;
	return draft->spec.key != NULL;
}

static bool take_choices(const struct node *map, struct parsing *in, struct draft *draft)
{
	uint32_t kind, cells, tile_order, cell_order, profile;
	teg_spec *spec = &draft->spec;

	if (!take_u32(map, "version", UINT32_MAX, &draft->version) || !draft->version ||
	    !take_u32(map, "kind", TEG_DENSE, &kind) ||
	    !take_u32(map, "cells", TEG_CELLS_REPEATED, &cells) ||
	    !node_bool(node_get(map, "valid_time"), &spec->valid_time) ||
	    !take_u32(map, "tile_order", TEG_ORDER_HILBERT, &tile_order) || !tile_order ||
	    !take_u32(map, "cell_order", TEG_ORDER_COLUMN, &cell_order) || !cell_order ||
	    !take_u32(map, "profile", TEG_SMALL, &profile) ||
	    !take_u32(map, "tile_cells", TILE_CELLS_MAX, &spec->tile_cells) || !spec->tile_cells ||
	    !take_u32(map, "next_attribute", UINT32_MAX, &draft->next_attr_id))
		return false;
	spec->kind = (teg_kind)kind;
	spec->cells = (teg_cells)cells;
	spec->tile_order = (teg_order)tile_order;
	spec->cell_order = (teg_order)cell_order;
	spec->profile = (teg_profile)profile;
	return take_metadata(map, in, &spec->metadata, &spec->n_metadata);
}

/* ---- only what a writer makes ---- */

static bool covers(const struct node *given, const struct node *canonical);

static bool covers_map(const struct node *given, const struct node *canonical)
{
	for (uint32_t i = 0; i < canonical->n; i++) {
		const struct node *key = &canonical->as.items[2 * i];
		char name[NAME_LEN_MAX + 1] = { 0 };

		memcpy(name, key->as.bytes.at, size_min(key->as.bytes.len, NAME_LEN_MAX));
		if (!covers(node_get(given, name), key + 1))
			return false;
	}
	return true;
}

static bool covers_array(const struct node *given, const struct node *canonical)
{
	if (given->n != canonical->n)
		return false;
	for (uint32_t i = 0; i < canonical->n; i++)
		if (!covers(&given->as.items[i], &canonical->as.items[i]))
			return false;
	return true;
}

/* Whether `given` says all that `canonical` says; keys of a later version may be there besides. */
static bool covers(const struct node *given, const struct node *canonical)
{
	if (!given || given->type != canonical->type)
		return false;
	switch (given->type) {
	case NODE_NIL: return true;
	case NODE_BOOL: return given->as.b == canonical->as.b;
	case NODE_UNSIGNED:
	case NODE_SIGNED: return given->as.u == canonical->as.u;
	case NODE_TEXT:
	case NODE_BYTES: return span_equal(given->as.bytes, canonical->as.bytes);
	case NODE_ARRAY: return covers_array(given, canonical);
	case NODE_MAP: return covers_map(given, canonical);
	}
	return false;
}

/* What schema_make fills in for a caller (a fill value, an extent, a tidy zero) a writer has written
 * out: a stored schema that still lacks it is no writer's. */
static teg_status check_canonical(const struct node *root, const struct schema *schema,
                                  struct arena *arena, teg_error *err)
{
	const struct node *canonical;
	struct buf packed;
	teg_status status;

	buf_init(&packed, arena->alloc, BUF_NO_LIMIT);
	schema_pack(schema, &packed);
	status = buf_status(&packed) == TEG_OK ? TEG_OK
	                                       : teg_fail(err, TEG_NOMEM, "no memory for a schema");
	if (status == TEG_OK)
		status = node_parse(buf_span(&packed), "schema", arena, &canonical, err);
	if (status == TEG_OK && !covers(root, canonical))
		status = teg_fail(err, TEG_CORRUPT, "schema: no writer declares it like this");
	buf_release(&packed);
	return status;
}

static teg_status corrupt_where_wrong(teg_status status, teg_error *err)
{
	if (status != TEG_SCHEMA && status != TEG_LIMIT)
		return status;
	if (err)
		err->status = TEG_CORRUPT;
	return TEG_CORRUPT;
}

teg_status schema_parse(struct span bytes, struct arena *arena, const struct schema **schema_out,
                        teg_error *err)
{
	struct draft draft = { .spec.struct_size = sizeof draft.spec };
	struct parsing in = { arena, false };
	const struct node *root;
	const struct schema *made;

	TEG_TRY(node_parse(bytes, "schema", arena, &root, err));
	if (!take_choices(root, &in, &draft) || !take_columns(root, &in, &draft) ||
	    !take_key(root, &draft) || !rules_take(root, &draft, arena, &in.no_memory)) {
		if (in.no_memory)
			return teg_fail(err, TEG_NOMEM, "no memory for a schema");
		return teg_fail(err, TEG_CORRUPT, "schema: a part is missing or of a wrong type");
	}
	TEG_TRY(corrupt_where_wrong(schema_make(&draft, arena, &made, err), err));
	TEG_TRY(check_canonical(root, made, arena, err));
	*schema_out = made;
	return TEG_OK;
}
