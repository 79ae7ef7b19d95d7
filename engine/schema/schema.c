#include "engine/schema/schema.h"
#include "codec/base/checked.h"
#include "codec/base/hash.h"
#include "codec/base/options.h"
#include "engine/schema/make.h"
#include "engine/schema/rule.h"

#define METADATA_PAIRS_MAX 65536u
#define METADATA_LEN_MAX (16u << 20)
#define ATTR_IDS_END (COLUMN_ID_SYSTEM_FROM - COLUMN_ID_ATTRIBUTE)

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for a schema");
}

/* ---- names: a table of positions by hash, open addressing ---- */

static const struct field *field_at(const struct schema *s, uint32_t i)
{
	return i < s->n_dims ? &s->dims[i] : &s->attrs[i - s->n_dims];
}

/* The slot of `name`: where it is, or the empty one where it would be. */
static uint32_t *slot_of(const struct schema *s, const char *name)
{
	uint32_t mask = s->n_slots - 1;
	uint32_t at = (uint32_t)hash_bytes(span_of_text(name)) & mask;

	while (s->slots[at] && strcmp(field_at(s, s->slots[at] - 1)->name, name) != 0)
		at = (at + 1) & mask;
	return &s->slots[at];
}

static teg_status index_names(struct schema *s, struct arena *arena, teg_error *err)
{
	uint32_t n = s->n_dims + s->n_attrs;

	s->n_slots = 4;
	while (s->n_slots < 2 * n)
		s->n_slots *= 2;
	s->slots = arena_array(arena, s->n_slots, sizeof *s->slots);
	if (!s->slots)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++) {
		const char *name = field_at(s, i)->name;
		uint32_t *slot = slot_of(s, name);

		if (*slot) {
			teg_fail(err, TEG_SCHEMA, "column %s is declared twice", name);
			return error_in_column(err, TEG_SCHEMA, name);
		}
		*slot = i + 1;
	}
	return TEG_OK;
}

const struct field *schema_field(const struct schema *schema, const char *name)
{
	uint32_t position = *slot_of(schema, name);

	return position ? field_at(schema, position - 1) : NULL;
}

const struct field *schema_field_by_id(const struct schema *schema, uint32_t id)
{
	uint32_t lo = 0, hi = schema->n_attrs;

	if (id < COLUMN_ID_ATTRIBUTE)
		return id < schema->n_dims ? &schema->dims[id] : NULL;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (schema->attrs[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < schema->n_attrs && schema->attrs[lo].id == id ? &schema->attrs[lo] : NULL;
}

/* ---- checks of the whole ---- */

static bool is_row_id(const teg_dimension *d)
{
	return d->name && !strcmp(d->name, "row_id") && d->type.type == TEG_INT64 && !d->lo.type &&
	       !d->hi.type && !d->extent;
}

static teg_status check_pointers(const teg_spec *spec, teg_error *err)
{
	bool missing = (spec->n_dimensions && !spec->dimensions) ||
	               (spec->n_attributes && !spec->attributes) ||
	               (spec->n_metadata && !spec->metadata);

	return missing ? teg_fail(err, TEG_MISUSE, "a count in the spec has no list") : TEG_OK;
}

static teg_status check_counts(const teg_spec *spec, teg_error *err)
{
	bool table = spec->kind == TEG_TABLE;

	if (spec->n_dimensions > TEG_MAX_DIMENSIONS)
		return teg_fail(err, TEG_SCHEMA, "%zu dimensions, at most %d are allowed",
		                spec->n_dimensions, TEG_MAX_DIMENSIONS);
	/* A dense array without dimensions is one cell. */
	if (spec->kind == TEG_SPARSE && !spec->n_dimensions)
		return teg_fail(err, TEG_SCHEMA, "no dimensions");
	/* What teg_array_spec gives for a table is accepted back. */
	if (table && spec->n_dimensions &&
	    (spec->n_dimensions > 1 || !is_row_id(&spec->dimensions[0])))
		return teg_fail(err, TEG_SCHEMA, "a table has no dimensions but its row_id");
	if (!spec->n_attributes)
		return teg_fail(err, TEG_SCHEMA, "no attributes");
	if (spec->n_attributes > SCHEMA_ATTRIBUTES_MAX)
		return teg_fail(err, TEG_SCHEMA, "%zu attributes, at most %d are allowed",
		                spec->n_attributes, SCHEMA_ATTRIBUTES_MAX);
	return TEG_OK;
}

static teg_status check_choices(const teg_spec *spec, teg_error *err)
{
	if (spec->kind < TEG_TABLE || spec->kind > TEG_DENSE)
		return teg_fail(err, TEG_SCHEMA, "kind %d is none of table, sparse and dense",
		                spec->kind);
	if (spec->cells != TEG_CELLS_UNIQUE && spec->cells != TEG_CELLS_REPEATED)
		return teg_fail(err, TEG_SCHEMA, "cells %d is neither unique nor repeated",
		                spec->cells);
	if (spec->cells == TEG_CELLS_REPEATED && spec->kind != TEG_SPARSE)
		return teg_fail(err, TEG_SCHEMA, "only a sparse array can have repeated cells");
	if (spec->tile_order < TEG_ORDER_DEFAULT || spec->tile_order > TEG_ORDER_HILBERT)
		return teg_fail(err, TEG_SCHEMA, "tile order %d is unknown", spec->tile_order);
	if (spec->cell_order < TEG_ORDER_DEFAULT || spec->cell_order > TEG_ORDER_COLUMN)
		return teg_fail(err, TEG_SCHEMA, "cell order must be row or column");
	if (spec->profile < TEG_BALANCED || spec->profile > TEG_SMALL)
		return teg_fail(err, TEG_SCHEMA, "profile %d is unknown", spec->profile);
	if (spec->tile_cells > TILE_CELLS_MAX)
		return teg_fail(err, TEG_SCHEMA, "tile_cells %u, at most %u are allowed",
		                (unsigned)spec->tile_cells, TILE_CELLS_MAX);
	return TEG_OK;
}

/* Adds to the sums, so that what is accepted can be packed and parsed again. */
static teg_status count_metadata(const teg_metadata *metadata, size_t n, size_t *n_sum,
                                 size_t *len_sum, teg_error *err)
{
	if (!size_add(*n_sum, n, n_sum) || *n_sum > METADATA_PAIRS_MAX)
		return teg_fail(err, TEG_LIMIT, "more than %u pairs of metadata",
		                METADATA_PAIRS_MAX);
	for (size_t i = 0; i < n; i++)
		if (!size_add(*len_sum, metadata[i].key_len, len_sum) ||
		    !size_add(*len_sum, metadata[i].value_len, len_sum) ||
		    *len_sum > METADATA_LEN_MAX)
			return teg_fail(err, TEG_LIMIT, "more than %u bytes of metadata",
			                METADATA_LEN_MAX);
	return TEG_OK;
}

struct sums {
	size_t n, len;
};

static teg_status count_node(void *ctx, const teg_attribute *node, teg_error *err)
{
	struct sums *sums = ctx;

	if (node->n_metadata && !node->metadata)
		return teg_fail(err, TEG_MISUSE, "a count in the spec has no list");
	return count_metadata(node->metadata, node->n_metadata, &sums->n, &sums->len, err);
}

/* Metadata, and the trees of types. */
static teg_status check_attributes(const teg_spec *spec, teg_error *err)
{
	struct sums sums = { 0 };
	size_t n, n_nodes = 0;

	TEG_TRY(count_metadata(spec->metadata, spec->n_metadata, &sums.n, &sums.len, err));
	for (size_t d = 0; d < spec->n_dimensions; d++) {
		const teg_dimension *dim = &spec->dimensions[d];

		if (dim->n_metadata && !dim->metadata)
			return teg_fail(err, TEG_MISUSE, "a count in the spec has no list");
		TEG_TRY(count_metadata(dim->metadata, dim->n_metadata, &sums.n, &sums.len, err));
	}
	for (size_t i = 0; i < spec->n_attributes; i++) {
		TEG_TRY(attribute_walk(&spec->attributes[i], count_node, &sums, &n, err));
		n_nodes += n;
	}
	if (n_nodes > SCHEMA_ATTRIBUTES_MAX)
		return teg_fail(err, TEG_SCHEMA,
		                "%zu attributes, what is nested in them counted, at most %d are "
		                "allowed",
		                n_nodes, SCHEMA_ATTRIBUTES_MAX);
	return TEG_OK;
}

/* ---- making ---- */

static teg_status make_dims(const teg_spec *spec, struct arena *arena, struct schema *s,
                            teg_error *err)
{
	static const teg_dimension row_id = { .name = "row_id", .type = { .type = TEG_INT64 } };
	bool table = spec->kind == TEG_TABLE;

	s->n_dims = table ? 1 : (uint32_t)spec->n_dimensions;
	s->dims = arena_array(arena, s->n_dims, sizeof *s->dims);
	if (!s->dims)
		return no_memory(err);
	for (uint32_t d = 0; d < s->n_dims; d++)
		TEG_TRY(make_dimension(table ? &row_id : &spec->dimensions[d], d,
		                       spec->kind == TEG_DENSE, arena, &s->dims[d], err));
	return s->kind == TEG_DENSE ? make_extents(s->dims, s->n_dims, s->tile_cells, err) : TEG_OK;
}

static teg_status make_attrs(const struct draft *draft, struct arena *arena, struct schema *s,
                             teg_error *err)
{
	const uint32_t *ids = draft->attr_ids;

	s->n_attrs = (uint32_t)draft->spec.n_attributes;
	s->attrs = arena_array(arena, s->n_attrs, sizeof *s->attrs);
	if (!s->attrs)
		return no_memory(err);
	for (uint32_t i = 0; i < s->n_attrs; i++) {
		uint32_t id = ids ? ids[i] : s->next_attr_id;

		if (id < s->next_attr_id || id >= ATTR_IDS_END)
			return teg_fail(err, TEG_SCHEMA, "attribute ids do not ascend");
		TEG_TRY(make_attribute(&draft->spec.attributes[i], id, arena, &s->attrs[i], err));
		s->next_attr_id = id + field_nodes(&s->attrs[i]);
	}
	if (s->next_attr_id > ATTR_IDS_END)
		return teg_fail(err, TEG_SCHEMA, "attribute ids are used up");
	if (ids && draft->next_attr_id < s->next_attr_id)
		return teg_fail(err, TEG_SCHEMA, "the next attribute id is in use");
	s->next_attr_id = ids ? draft->next_attr_id : s->next_attr_id;
	return TEG_OK;
}

static teg_status refuse_key(const char *name, const char *why, teg_error *err)
{
	teg_fail(err, TEG_SCHEMA, "key '%s': %s", name, why);
	return error_in_column(err, TEG_SCHEMA, name);
}

/* What can be looked up: values that are equal where their bytes are. */
static bool may_be_key(const struct field *f)
{
	bool number = (f->class == VALUE_SIGNED || f->class == VALUE_UNSIGNED) &&
	              f->type.type != TEG_BOOL && f->type.type != TEG_DURATION;

	return number || f->class == VALUE_BYTES;
}

static teg_status take_key(struct schema *s, const teg_spec *spec, teg_error *err)
{
	if (!spec->key)
		return spec->key_unique
		               ? teg_fail(err, TEG_SCHEMA, "unique keys without a key attribute")
		               : TEG_OK;
	s->key_unique = spec->key_unique;
	if (s->kind != TEG_TABLE)
		return refuse_key(spec->key, "only a table has one", err);
	s->key = schema_field(s, spec->key);
	if (!s->key || s->key->id < COLUMN_ID_ATTRIBUTE)
		return refuse_key(spec->key, "no such attribute", err);
	if (!may_be_key(s->key))
		return refuse_key(spec->key, "values of its type cannot be looked up", err);
	return TEG_OK;
}

/* The public face: the same, with everything decided. */
static teg_status make_spec(struct schema *s, struct arena *arena, teg_error *err)
{
	teg_dimension *dims = arena_array(arena, s->n_dims, sizeof *dims);
	teg_attribute *attrs = arena_array(arena, s->n_attrs, sizeof *attrs);

	if (!dims || !attrs)
		return no_memory(err);
	for (uint32_t d = 0; d < s->n_dims; d++) {
		const struct field *f = &s->dims[d];

		dims[d] = (teg_dimension){ f->name,   f->type,     f->lo_value,  f->hi_value,
			                   f->extent, f->metadata, f->n_metadata };
	}
	for (uint32_t i = 0; i < s->n_attrs; i++) {
		const struct field *f = &s->attrs[i];

		attrs[i] = (teg_attribute){ f->name, f->type,     f->nullable,
			                    { 0 },   f->metadata, f->n_metadata };
		if (f->fill.at && !f->n_children)
			attrs[i].fill = value_of_bytes(f, f->fill);
	}
	s->spec = (teg_spec){ .struct_size = sizeof s->spec,
		              .kind = s->kind,
		              .cells = s->cells,
		              .valid_time = s->valid_time,
		              .dimensions = dims,
		              .n_dimensions = s->n_dims,
		              .attributes = attrs,
		              .n_attributes = s->n_attrs,
		              .tile_order = s->tile_order,
		              .cell_order = s->cell_order,
		              .profile = s->profile,
		              .tile_cells = s->tile_cells,
		              .metadata = s->metadata,
		              .n_metadata = s->n_metadata,
		              .key = s->key ? s->key->name : NULL,
		              .key_unique = s->key_unique };
	return TEG_OK;
}

static teg_status make_identity(struct schema *s, const teg_allocator *alloc, teg_error *err)
{
	struct buf packed;
	teg_status status;

	buf_init(&packed, alloc, BUF_NO_LIMIT);
	schema_pack(s, &packed);
	status = buf_status(&packed);
	if (status == TEG_OK)
		hash_identity(buf_span(&packed), s->identity);
	buf_release(&packed);
	return status == TEG_OK ? TEG_OK : no_memory(err);
}

static void take_choices(struct schema *s, const teg_spec *spec)
{
	/* In one dimension every curve is the row order. */
	teg_order tile_order = spec->n_dimensions > 1 ? TEG_ORDER_HILBERT : TEG_ORDER_ROW;

	s->kind = spec->kind;
	s->cells = spec->cells;
	s->valid_time = spec->valid_time;
	s->tile_order = spec->tile_order ? spec->tile_order : tile_order;
	s->cell_order = spec->cell_order ? spec->cell_order : TEG_ORDER_ROW;
	s->profile = spec->profile;
	s->tile_cells = spec->tile_cells ? spec->tile_cells : TILE_CELLS_MAX;
	s->n_metadata = spec->n_metadata;
}

teg_status schema_make(const struct draft *draft, struct arena *arena,
                       const struct schema **schema_out, teg_error *err)
{
	const teg_spec *spec = &draft->spec;
	struct schema *s = arena_alloc(arena, sizeof *s);

	if (!s)
		return no_memory(err);
	TEG_TRY(check_pointers(spec, err));
	TEG_TRY(check_choices(spec, err));
	TEG_TRY(check_counts(spec, err));
	TEG_TRY(check_attributes(spec, err));
	take_choices(s, spec);
	s->version = draft->version;
	TEG_TRY(make_dims(spec, arena, s, err));
	TEG_TRY(make_attrs(draft, arena, s, err));
	TEG_TRY(make_metadata(spec->metadata, spec->n_metadata, arena, &s->metadata, err));
	TEG_TRY(index_names(s, arena, err));
	TEG_TRY(take_key(s, spec, err));
	TEG_TRY(make_spec(s, arena, err));
	TEG_TRY(rules_make(draft, s, arena, err));
	TEG_TRY(make_identity(s, arena->alloc, err));
	*schema_out = s;
	return TEG_OK;
}

teg_status schema_from_spec(const teg_spec *spec, struct arena *arena,
                            const struct schema **schema_out, teg_error *err)
{
	struct draft draft = { .version = 1 };

	if (!spec || !options_take(&draft.spec, sizeof draft.spec, spec))
		return teg_fail(err, TEG_MISUSE,
		                "the spec's struct_size is not one this build knows");
	return schema_make(&draft, arena, schema_out, err);
}
