#include "engine/write/rules.h"
#include "codec/base/checked.h"
#include "engine/write/convert.h"
#include <stdio.h>

#define BLOCK 512

static size_t n_outside(const uint64_t *lanes, size_t n, uint64_t lo, uint64_t hi)
{
	size_t outside = 0;

	for (size_t i = 0; i < n; i++)
		outside += lanes[i] < lo || lanes[i] > hi;
	return outside;
}

/* Null slots may hold anything: only where some lane is outside is it worth to look one by one. */
static size_t first_outside(const struct rule *rule, const struct field *field,
                            const struct column *c, size_t first, size_t end)
{
	uint64_t lanes[BLOCK];

	for (size_t at = first; at < end; at += BLOCK) {
		size_t n = size_min(BLOCK, end - at);

		lanes_of_column(c, field->class, at, n, lanes);
		if (!n_outside(lanes, n, rule->lo_lane, rule->hi_lane))
			continue;
		for (size_t i = 0; i < n; i++)
			if ((lanes[i] < rule->lo_lane || lanes[i] > rule->hi_lane) &&
			    column_valid(c, at + i))
				return at + i;
	}
	return end;
}

static size_t first_empty(const struct column *c, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (c->offsets[i] == c->offsets[i + 1] && column_valid(c, i))
			return i;
	return end;
}

static size_t length_of(const struct column *c, size_t i)
{
	return c->shape == COLUMN_LIST ? (size_t)(c->offsets[i + 1] - c->offsets[i]) : c->width;
}

static size_t first_uneven(const struct column *a, const struct column *b, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (length_of(a, i) != length_of(b, i) && column_valid(a, i) && column_valid(b, i))
			return i;
	return end;
}

size_t rule_first_break(const struct rule *rule, const struct field *field,
                        const struct column *column, const struct column *other, size_t first,
                        size_t end)
{
	if (rule->kind == TEG_CHECK_SAME_LENGTH)
		return first_uneven(column, other, first, end);
	if (rule->kind == TEG_CHECK_RANGE)
		return first_outside(rule, field, column, first, end);
	return first_empty(column, first, end);
}

teg_status rules_check(const struct schema *schema, const struct column_buf *attrs, size_t first,
                       size_t n, teg_error *err)
{
	char why[300];

	for (uint32_t i = 0; i < schema->n_rules; i++) {
		const struct rule *rule = &schema->rules[i];
		const struct field *field = schema_field_by_id(schema, rule->column);
		const struct field *also = rule->other ? schema_field_by_id(schema, rule->other)
		                                       : field;
		struct column column = column_buf_view(&attrs[field - schema->attrs]);
		struct column other = column_buf_view(&attrs[also - schema->attrs]);
		size_t row = rule_first_break(rule, field, &column, &other, first, first + n);

		if (row == first + n)
			continue;
		snprintf(why, sizeof why, "the value breaks check '%s'", rule->name);
		return refuse_value(err, TEG_SCHEMA, field->name, (int64_t)(row - first), why);
	}
	return TEG_OK;
}
