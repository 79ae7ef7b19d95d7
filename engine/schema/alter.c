#include "engine/schema/alter.h"
#include "codec/base/checked.h"
#include "engine/schema/make.h"
#include "engine/schema/rule.h"

/* The schema to be, as a declaration. */
struct altering {
	struct draft draft;
	teg_dimension *dims;  /* draft.spec.dimensions */
	teg_attribute *attrs; /* draft.spec.attributes, with room for what is added */
	uint32_t *ids;
	uint32_t n;
	teg_check *checks; /* likewise */
	uint32_t n_checks;
	struct arena *arena;
};

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory to alter a schema");
}

static teg_status refuse(teg_error *err, teg_status status, const char *column, const char *why)
{
	teg_fail(err, status, "column %s: %s", column, why);
	return error_in_column(err, status, column);
}

static teg_status missing(teg_error *err, const char *what)
{
	return teg_fail(err, TEG_MISUSE, "a change of a schema lacks its %s", what);
}

/* ---- finding ---- */

static teg_attribute *find(const struct altering *a, const char *name)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (!strcmp(a->attrs[i].name, name))
			return &a->attrs[i];
	return NULL;
}

static bool is_dimension(const struct altering *a, const char *name)
{
	for (size_t d = 0; d < a->draft.spec.n_dimensions; d++)
		if (!strcmp(a->draft.spec.dimensions[d].name, name))
			return true;
	return false;
}

static teg_status attribute(const struct altering *a, const char *name, teg_attribute **out,
                            teg_error *err)
{
	if (!name)
		return missing(err, "name");
	*out = find(a, name);
	if (*out)
		return TEG_OK;
	if (is_dimension(a, name))
		return refuse(err, TEG_SCHEMA, name, "a dimension stays as it was declared");
	teg_fail(err, TEG_NOT_FOUND, "there is no attribute %.255s", name);
	return error_in_column(err, TEG_NOT_FOUND, name);
}

static teg_status check_free(const struct altering *a, const char *name, teg_error *err)
{
	if (find(a, name) || is_dimension(a, name))
		return refuse(err, TEG_SCHEMA, name, "the array has a column of that name");
	return TEG_OK;
}

/* ---- attributes ---- */

static bool is_key(const struct altering *a, const char *name)
{
	return a->draft.spec.key && !strcmp(a->draft.spec.key, name);
}

/* Rows written before need a value: without one a required attribute would be a lie about them. */
static teg_status add(struct altering *a, const teg_alter *change, teg_error *err)
{
	const teg_attribute *given = change->attribute;
	size_t n_nodes;

	if (!given || !given->name)
		return missing(err, "attribute");
	TEG_TRY(check_free(a, given->name, err));
	if (!given->nullable && !given->fill.type)
		return refuse(err, TEG_SCHEMA, given->name,
		              "a required attribute needs a fill, as which earlier rows read");
	TEG_TRY(attribute_walk(given, NULL, NULL, &n_nodes, err));
	a->attrs[a->n] = *given;
	a->ids[a->n++] = a->draft.next_attr_id;
	a->draft.next_attr_id += (uint32_t)n_nodes;
	return TEG_OK;
}

static bool is_checked(const struct altering *a, const char *column)
{
	for (uint32_t i = 0; i < a->n_checks; i++)
		if (!strcmp(a->checks[i].column, column) ||
		    (a->checks[i].other && !strcmp(a->checks[i].other, column)))
			return true;
	return false;
}

static teg_status drop(struct altering *a, const teg_alter *change, teg_error *err)
{
	teg_attribute *gone;
	uint32_t at;

	TEG_TRY(attribute(a, change->name, &gone, err));
	if (a->n == 1)
		return refuse(err, TEG_SCHEMA, change->name,
		              "an array keeps at least one attribute");
	if (is_key(a, change->name))
		return refuse(err, TEG_SCHEMA, change->name, "it is the key of the table");
	if (is_checked(a, change->name))
		return refuse(err, TEG_SCHEMA, change->name, "a check of the array needs it");
	at = (uint32_t)(gone - a->attrs);
	a->n--;
	memmove(gone, gone + 1, (a->n - at) * sizeof *gone);
	memmove(&a->ids[at], &a->ids[at + 1], (a->n - at) * sizeof *a->ids);
	return TEG_OK;
}

static teg_status rename_one(struct altering *a, const teg_alter *change, teg_error *err)
{
	teg_attribute *renamed;

	TEG_TRY(attribute(a, change->name, &renamed, err));
	if (!change->new_name)
		return missing(err, "new name");
	TEG_TRY(check_free(a, change->new_name, err));
	if (is_key(a, change->name))
		a->draft.spec.key = change->new_name;
	for (uint32_t i = 0; i < a->n_checks; i++) {
		if (!strcmp(a->checks[i].column, renamed->name))
			a->checks[i].column = change->new_name;
		if (a->checks[i].other && !strcmp(a->checks[i].other, renamed->name))
			a->checks[i].other = change->new_name;
	}
	renamed->name = change->new_name;
	return TEG_OK;
}

bool type_widens(const teg_data_type *from, const teg_data_type *to)
{
	static const teg_type ends[][2] = { { TEG_INT8, TEG_INT64 },
		                            { TEG_UINT8, TEG_UINT64 },
		                            { TEG_FLOAT16, TEG_FLOAT64 } };

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (from->type >= ends[i][0] && to->type <= ends[i][1] && from->type < to->type)
			return true;
	return false;
}

/* Numbers of one kind lie alike in a teg_value. */
static void set_type(teg_value *value, teg_type type)
{
	if (value->type)
		value->type = type;
}

static teg_status widen(struct altering *a, const teg_alter *change, teg_error *err)
{
	teg_attribute *wider;
	char from[96], to[96];

	TEG_TRY(attribute(a, change->name, &wider, err));
	if (!type_widens(&wider->type, &change->type)) {
		type_name(&wider->type, from, sizeof from);
		type_name(&change->type, to, sizeof to);
		teg_fail(err, TEG_SCHEMA, "column %s: %s cannot be widened to %s", change->name,
		         from, to);
		return error_in_column(err, TEG_SCHEMA, change->name);
	}
	wider->type = change->type;
	set_type(&wider->fill, change->type.type);
	for (uint32_t i = 0; i < a->n_checks; i++)
		if (!strcmp(a->checks[i].column, wider->name)) {
			set_type(&a->checks[i].lo, change->type.type);
			set_type(&a->checks[i].hi, change->type.type);
		}
	return TEG_OK;
}

/* ---- dimensions ---- */

/* The position of a cell in a dense array does not depend on where its domain ends (POS-6). */
static teg_status resize(struct altering *a, const teg_alter *change, teg_error *err)
{
	if (!change->name || !change->hi.type)
		return missing(err, change->name ? "upper bound" : "name");
	if (a->draft.spec.kind != TEG_DENSE)
		return refuse(err, TEG_SCHEMA, change->name,
		              "only dimensions of dense arrays are resized");
	for (size_t d = 0; d < a->draft.spec.n_dimensions; d++)
		if (!strcmp(a->dims[d].name, change->name)) {
			a->dims[d].hi = change->hi;
			return TEG_OK;
		}
	teg_fail(err, TEG_NOT_FOUND, "there is no dimension %.255s", change->name);
	return error_in_column(err, TEG_NOT_FOUND, change->name);
}

/* ---- tiles ---- */

/* Of tiles to be written: those that are there are read as they are. */
static teg_status set_tiles(struct altering *a, const teg_alter *change, teg_error *err)
{
	if (!change->tile_cells && !change->has_profile)
		return missing(err, "tile_cells or profile");
	if (change->tile_cells && a->draft.spec.kind == TEG_DENSE)
		return teg_fail(err, TEG_SCHEMA, "the cells of a dense tile follow from extents");
	if (change->tile_cells)
		a->draft.spec.tile_cells = change->tile_cells;
	if (change->has_profile)
		a->draft.spec.profile = change->profile;
	return TEG_OK;
}

/* ---- the key ---- */

/* What rows hold is looked at when the change commits. */
static teg_status set_unique(struct altering *a, const teg_alter *change, teg_error *err)
{
	if (!a->draft.spec.key)
		return teg_fail(err, TEG_SCHEMA, "the array has no key attribute");
	a->draft.spec.key_unique = change->key_unique;
	return TEG_OK;
}

/* ---- metadata ---- */

static bool same_key(const teg_metadata *a, const teg_metadata *b)
{
	return span_equal(span_of(a->key, a->key_len), span_of(b->key, b->key_len));
}

/* All pairs of the key become one, in the place of the first, or none. */
static teg_status set_pair(const teg_metadata *list, size_t n, const teg_metadata *pair,
                           struct arena *arena, const teg_metadata **list_out, size_t *n_out,
                           teg_error *err)
{
	teg_metadata *made = arena_array(arena, n + 1, sizeof *made);
	bool found = false;
	size_t kept = 0;

	if (!made)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		if (!same_key(&list[i], pair))
			made[kept++] = list[i];
		else if (!found && pair->value)
			made[kept++] = *pair;
		found |= same_key(&list[i], pair);
	}
	if (!found && !pair->value)
		return teg_fail(err, TEG_NOT_FOUND, "there is no metadata '%.*s'",
		                (int)size_min(pair->key_len, 255), pair->key);
	if (!found)
		made[kept++] = *pair;
	*list_out = made;
	*n_out = kept;
	return TEG_OK;
}

static teg_status set_metadata(struct altering *a, const teg_alter *change, teg_error *err)
{
	teg_spec *spec = &a->draft.spec;
	teg_attribute *of;
	teg_status status;

	if (!change->metadata.key)
		return missing(err, "metadata's key");
	if (!change->name)
		return set_pair(spec->metadata, spec->n_metadata, &change->metadata, a->arena,
		                &spec->metadata, &spec->n_metadata, err);
	TEG_TRY(attribute(a, change->name, &of, err));
	status = set_pair(of->metadata, of->n_metadata, &change->metadata, a->arena, &of->metadata,
	                  &of->n_metadata, err);
	return error_in_column(err, status, change->name);
}

/* ---- checks ---- */

static teg_status add_check(struct altering *a, const teg_alter *change, teg_error *err)
{
	if (!change->check || !change->check->name || !change->check->column)
		return missing(err, "check");
	a->checks[a->n_checks++] = *change->check;
	return TEG_OK;
}

static teg_status remove_check(struct altering *a, const teg_alter *change, teg_error *err)
{
	if (!change->name)
		return missing(err, "name");
	for (uint32_t i = 0; i < a->n_checks; i++) {
		if (strcmp(a->checks[i].name, change->name) != 0)
			continue;
		a->n_checks--;
		memmove(&a->checks[i], &a->checks[i + 1], (a->n_checks - i) * sizeof *a->checks);
		return TEG_OK;
	}
	return teg_fail(err, TEG_NOT_FOUND, "there is no check %.255s", change->name);
}

/* ---- all of them ---- */

static bool is_of_array(teg_alter_kind kind)
{
	return kind == TEG_ALTER_RENAME_ARRAY || kind == TEG_ALTER_DROP_ARRAY ||
	       kind == TEG_ALTER_RETAIN;
}

static teg_status apply(struct altering *a, const teg_alter *change, teg_error *err)
{
	switch (change->kind) {
	case TEG_ALTER_ADD: return add(a, change, err);
	case TEG_ALTER_DROP: return drop(a, change, err);
	case TEG_ALTER_RENAME: return rename_one(a, change, err);
	case TEG_ALTER_WIDEN: return widen(a, change, err);
	case TEG_ALTER_METADATA: return set_metadata(a, change, err);
	case TEG_ALTER_CHECK: return add_check(a, change, err);
	case TEG_ALTER_UNCHECK: return remove_check(a, change, err);
	case TEG_ALTER_RESIZE: return resize(a, change, err);
	case TEG_ALTER_TILES: return set_tiles(a, change, err);
	case TEG_ALTER_UNIQUE: return set_unique(a, change, err);
	case TEG_ALTER_RENAME_ARRAY:
	case TEG_ALTER_RETAIN:
	case TEG_ALTER_DROP_ARRAY: return TEG_OK;
	}
	return teg_fail(err, TEG_MISUSE, "%d is no kind of change", change->kind);
}

static void *copy_list(struct arena *arena, const void *list, size_t n, size_t n_more, size_t size)
{
	size_t room;
	void *copy = size_add(n, n_more, &room) ? arena_array(arena, room, size) : NULL;

	if (copy && n)
		memcpy(copy, list, n * size);
	return copy;
}

static teg_status start(struct altering *a, const struct schema *from, size_t n_changes,
                        teg_error *err)
{
	const teg_spec *spec = &from->spec;

	a->n = from->n_attrs;
	a->n_checks = from->n_rules;
	a->attrs = copy_list(a->arena, spec->attributes, a->n, n_changes, sizeof *a->attrs);
	a->ids = copy_list(a->arena, NULL, 0, a->n + n_changes, sizeof *a->ids);
	a->checks = copy_list(a->arena, spec->checks, a->n_checks, n_changes, sizeof *a->checks);
	a->dims = copy_list(a->arena, spec->dimensions, from->n_dims, 0, sizeof *a->dims);
	if (!a->attrs || !a->ids || !a->checks || !a->dims)
		return no_memory(err);
	for (uint32_t i = 0; i < a->n; i++)
		a->ids[i] = from->attrs[i].id - COLUMN_ID_ATTRIBUTE;
	a->draft = (struct draft){ .spec = *spec,
		                   .attr_ids = a->ids,
		                   .next_attr_id = from->next_attr_id,
		                   .version = from->version + 1 };
	return TEG_OK;
}

static teg_status make_next(struct altering *a, const struct schema *from,
                            const struct schema **schema_out, teg_error *err)
{
	if (from->version == UINT32_MAX)
		return teg_fail(err, TEG_LIMIT, "the schema was changed too often");
	a->draft.spec.dimensions = a->dims;
	a->draft.spec.attributes = a->attrs;
	a->draft.spec.n_attributes = a->n;
	a->draft.spec.checks = a->checks;
	a->draft.spec.n_checks = a->n_checks;
	return schema_make(&a->draft, a->arena, schema_out, err);
}

teg_status schema_alter(const struct schema *from, const teg_alter *changes, size_t n,
                        struct arena *arena, const struct schema **schema_out, teg_error *err)
{
	struct altering a = { .arena = arena };
	size_t n_of_schema = 0;

	TEG_TRY(start(&a, from, n, err));
	for (size_t i = 0; i < n; i++) {
		TEG_TRY(apply(&a, &changes[i], err));
		n_of_schema += !is_of_array(changes[i].kind);
	}
	*schema_out = from;
	if (!n_of_schema)
		return TEG_OK;
	return make_next(&a, from, schema_out, err);
}

/* ---- extents ---- */

static teg_dimension *find_dimension(const struct altering *a, const char *name)
{
	for (size_t d = 0; name && d < a->draft.spec.n_dimensions; d++)
		if (!strcmp(a->dims[d].name, name))
			return &a->dims[d];
	return NULL;
}

teg_status schema_set_extents(const struct schema *from, const teg_extent *extents, size_t n,
                              struct arena *arena, const struct schema **schema_out, teg_error *err)
{
	struct altering a = { .arena = arena };

	if (from->kind == TEG_TABLE)
		return teg_fail(err, TEG_SCHEMA, "tiles of a table have no extents");
	TEG_TRY(start(&a, from, 0, err));
	for (size_t i = 0; i < n; i++) {
		teg_dimension *dim = find_dimension(&a, extents[i].dimension);

		if (!dim)
			return teg_fail(err, TEG_NOT_FOUND, "there is no dimension %.255s",
			                extents[i].dimension ? extents[i].dimension : "(NULL)");
		dim->extent = extents[i].extent;
	}
	return make_next(&a, from, schema_out, err);
}

bool schema_same_extents(const struct schema *a, const struct schema *b)
{
	for (uint32_t d = 0; d < a->n_dims; d++)
		if (a->dims[d].extent != b->dims[d].extent)
			return false;
	return true;
}

/* ---- rebasing ---- */

bool schema_shrinks(const struct schema *to, const struct schema *from)
{
	/* Domains without coordinates end one below where they begin. */
	for (uint32_t d = 0; d < from->n_dims; d++)
		if (to->dims[d].hi + 1 - to->dims[d].lo < from->dims[d].hi + 1 - from->dims[d].lo)
			return true;
	return false;
}

static bool was_asked(const struct rule *rule, const struct schema *staged)
{
	for (uint32_t i = 0; i < staged->n_rules; i++)
		if (rule_equal(rule, &staged->rules[i]))
			return true;
	return false;
}

bool schema_accepts(const struct schema *now, const struct schema *staged)
{
	if (!schema_same_extents(now, staged) ||
	    (now->kind == TEG_DENSE && schema_shrinks(now, staged)))
		return false;
	for (uint32_t i = 0; i < now->n_rules; i++)
		if (!was_asked(&now->rules[i], staged))
			return false;
	for (uint32_t i = 0; i < staged->n_attrs; i++) {
		const struct field *was = &staged->attrs[i];
		const struct field *is = schema_field_by_id(now, was->id);

		if (!is || is->nullable != was->nullable ||
		    (!type_equal(&was->type, &is->type) && !type_widens(&was->type, &is->type)))
			return false;
	}
	return true;
}
