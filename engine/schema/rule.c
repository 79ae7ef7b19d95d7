#include "engine/schema/rule.h"
#include "engine/schema/make.h"

static teg_status no_memory(teg_error *err)
{
	return teg_fail(err, TEG_NOMEM, "no memory for the rules of a schema");
}

static teg_status refuse(teg_error *err, const teg_check *check, const char *why)
{
	teg_fail(err, TEG_SCHEMA, "check '%.255s' of column %.255s: %s", check->name, check->column,
	         why);
	return error_in_column(err, TEG_SCHEMA, check->column);
}

/* ---- making ---- */

static bool has_range(const struct field *f)
{
	return f->class == VALUE_FLOAT || f->class == VALUE_SIGNED ||
	       (f->class == VALUE_UNSIGNED && f->type.type != TEG_BOOL);
}

static bool take_bound(const struct field *f, const teg_value *given, teg_value *kept,
                       uint64_t *lane_out)
{
	uint8_t room[16];
	struct span bytes;

	if (!given->type)
		return true;
	if (!value_bytes(f, given, room, &bytes))
		return false;
	*kept = value_of_bytes(f, bytes);
	*lane_out = lane_of_value(f->class, bytes);
	return f->class != VALUE_FLOAT || *lane_out != LANE_NAN;
}

static teg_status make_range(const struct field *f, const teg_check *given, struct rule *rule,
                             teg_error *err)
{
	rule->lo_lane = 0;
	rule->hi_lane = UINT64_MAX;
	if (!has_range(f))
		return refuse(err, given, "only numbers, dates and times have a range");
	if (!given->lo.type && !given->hi.type)
		return refuse(err, given, "a range has at least one end");
	if (!take_bound(f, &given->lo, &rule->lo, &rule->lo_lane) ||
	    !take_bound(f, &given->hi, &rule->hi, &rule->hi_lane))
		return refuse(err, given, "an end of the range does not fit the type");
	if (rule->lo_lane > rule->hi_lane)
		return refuse(err, given, "the range ends before it begins");
	return TEG_OK;
}

static bool is_list(const struct field *f)
{
	return f->shape == COLUMN_LIST || f->shape == COLUMN_FIXED_LIST;
}

static teg_status make_length(const struct schema *schema, const struct field *f,
                              const teg_check *given, struct rule *rule, teg_error *err)
{
	const struct field *other = given->other ? schema_field(schema, given->other) : NULL;

	if (!other || other->id < COLUMN_ID_ATTRIBUTE || other == f)
		return refuse(err, given, "there is no such other attribute");
	if (!is_list(f) || !is_list(other))
		return refuse(err, given, "only lists have a length");
	rule->other = other->id;
	return TEG_OK;
}

static teg_status make_rule(const struct schema *schema, const teg_check *given,
                            struct arena *arena, struct rule *rule, teg_error *err)
{
	const struct field *f;

	if (!given->column)
		return teg_fail(err, TEG_SCHEMA, "a check has no column");
	if (name_check(given->name, "a check", err) != TEG_OK)
		return refuse(err, given, "the check's name is not a name");
	f = schema_field(schema, given->column);
	if (!f || f->id < COLUMN_ID_ATTRIBUTE)
		return refuse(err, given, "there is no such attribute");
	*rule = (struct rule){ .name = arena_text(arena, span_of_text(given->name)),
		               .kind = given->kind,
		               .column = f->id };
	if (!rule->name)
		return no_memory(err);
	switch (given->kind) {
	case TEG_CHECK_RANGE: return make_range(f, given, rule, err);
	case TEG_CHECK_NOT_EMPTY:
		return shape_has_offsets(f->shape)
		               ? TEG_OK
		               : refuse(err, given, "values of this type are never empty");
	case TEG_CHECK_SAME_LENGTH: return make_length(schema, f, given, rule, err);
	}
	return refuse(err, given, "the check is of no kind there is");
}

static teg_status check_names(const struct rule *rules, uint32_t n, teg_error *err)
{
	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(rules[i].name, rules[k].name))
				return teg_fail(err, TEG_SCHEMA, "check %s is declared twice",
				                rules[i].name);
	return TEG_OK;
}

static teg_status make_public(struct schema *s, struct arena *arena, teg_error *err)
{
	teg_check *checks = arena_array(arena, s->n_rules, sizeof *checks);

	if (!checks)
		return no_memory(err);
	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct rule *r = &s->rules[i];

		checks[i] = (teg_check){ .name = r->name,
			                 .kind = r->kind,
			                 .column = schema_field_by_id(s, r->column)->name,
			                 .lo = r->lo,
			                 .hi = r->hi,
			                 .other = r->other ? schema_field_by_id(s, r->other)->name
			                                   : NULL };
	}
	s->spec.checks = checks;
	s->spec.n_checks = s->n_rules;
	return TEG_OK;
}

teg_status rules_make(const struct draft *draft, struct schema *schema, struct arena *arena,
                      teg_error *err)
{
	const teg_spec *spec = &draft->spec;
	struct rule *rules;

	if (spec->n_checks && !spec->checks)
		return teg_fail(err, TEG_MISUSE, "a count in the spec has no list");
	if (spec->n_checks > SCHEMA_RULES_MAX)
		return teg_fail(err, TEG_SCHEMA, "%zu checks, at most %d are allowed",
		                spec->n_checks, SCHEMA_RULES_MAX);
	rules = arena_array(arena, spec->n_checks, sizeof *rules);
	if (!rules)
		return no_memory(err);
	schema->n_rules = (uint32_t)spec->n_checks;
	schema->rules = rules;
	for (uint32_t i = 0; i < schema->n_rules; i++)
		TEG_TRY(make_rule(schema, &spec->checks[i], arena, &rules[i], err));
	TEG_TRY(check_names(rules, schema->n_rules, err));
	return make_public(schema, arena, err);
}

/* ---- bytes ---- */

void rules_pack(const struct schema *schema, struct buf *out)
{
	if (!schema->n_rules)
		return;
	pack_key(out, "checks");
	pack_array(out, schema->n_rules);
	for (uint32_t i = 0; i < schema->n_rules; i++) {
		const struct rule *r = &schema->rules[i];
		const struct field *f = schema_field_by_id(schema, r->column);

		pack_map(out, r->other ? 6 : 5);
		pack_key(out, "name");
		pack_text(out, span_of_text(r->name));
		pack_key(out, "kind");
		pack_u64(out, r->kind);
		pack_key(out, "attribute");
		pack_u64(out, r->column - COLUMN_ID_ATTRIBUTE);
		value_pack("lo", f, &r->lo, out);
		value_pack("hi", f, &r->hi, out);
		if (!r->other)
			continue;
		pack_key(out, "other");
		pack_u64(out, r->other - COLUMN_ID_ATTRIBUTE);
	}
}

static const teg_attribute *attribute_of(const struct draft *draft, uint64_t id)
{
	for (size_t i = 0; i < draft->spec.n_attributes; i++)
		if (draft->attr_ids[i] == id)
			return &draft->spec.attributes[i];
	return NULL;
}

static bool take_end(const struct node *node, const teg_data_type *type, teg_value *out)
{
	struct field f = { .type = *type };
	struct span bytes;

	if (node && node->type == NODE_NIL)
		return true;
	if (!node_bytes(node, &bytes) || !type_layout(type, &f.shape, &f.width, &f.class) ||
	    f.shape != COLUMN_FIXED || bytes.len != f.width)
		return false;
	*out = value_of_bytes(&f, bytes);
	return true;
}

static bool take_other(const struct node *map, const struct draft *draft, teg_check *out)
{
	const teg_attribute *other;
	uint64_t id;

	if (out->kind != TEG_CHECK_SAME_LENGTH)
		return true;
	if (!node_u64(node_get(map, "other"), UINT32_MAX, &id))
		return false;
	other = attribute_of(draft, id);
	out->other = other ? other->name : NULL;
	return other != NULL;
}

static bool take_rule(const struct node *map, const struct draft *draft, struct arena *arena,
                      bool *no_memory_out, teg_check *out)
{
	const teg_attribute *attribute;
	struct span name;
	uint64_t kind, id;

	if (!node_text(node_get(map, "name"), &name) || memchr(name.at, 0, name.len) ||
	    !node_u64(node_get(map, "kind"), TEG_CHECK_SAME_LENGTH, &kind) ||
	    !node_u64(node_get(map, "attribute"), UINT32_MAX, &id))
		return false;
	attribute = attribute_of(draft, id);
	if (!attribute)
		return false;
	*out = (teg_check){ .name = arena_text(arena, name),
		            .kind = (teg_check_kind)kind,
		            .column = attribute->name };
	*no_memory_out |= !out->name;
	return out->name && take_other(map, draft, out) &&
	       take_end(node_get(map, "lo"), &attribute->type, &out->lo) &&
	       take_end(node_get(map, "hi"), &attribute->type, &out->hi);
}

bool rules_take(const struct node *map, struct draft *draft, struct arena *arena,
                bool *no_memory_out)
{
	const struct node *node = node_get(map, "checks"), *items;
	teg_check *checks;
	uint32_t n;

	if (!node)
		return true;
	if (!node_array(node, SCHEMA_RULES_MAX, &items, &n) || !n)
		return false;
	checks = arena_array(arena, n, sizeof *checks);
	*no_memory_out |= !checks;
	for (uint32_t i = 0; checks && i < n; i++)
		if (!take_rule(&items[i], draft, arena, no_memory_out, &checks[i]))
			return false;
	draft->spec.checks = checks;
	draft->spec.n_checks = n;
	return checks != NULL;
}

/* ---- comparing ---- */

bool rule_equal(const struct rule *a, const struct rule *b)
{
	return a->kind == b->kind && a->column == b->column && a->other == b->other &&
	       a->lo_lane == b->lo_lane && a->hi_lane == b->hi_lane && !strcmp(a->name, b->name);
}
