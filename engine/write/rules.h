/* Values held to the check rules of their array, a column at a time. */
#ifndef TEG_ENGINE_WRITE_RULES_H
#define TEG_ENGINE_WRITE_RULES_H
#include "engine/schema/rule.h"

/* Rows [first, first + n) of the schema's attributes. TEG_SCHEMA names the rule, its column and the
 * first row, counted from `first`, that breaks it. */
teg_status rules_check(const struct schema *schema, const struct column_buf *attrs, size_t first,
                       size_t n, teg_error *err);
/* The first row of [first, end) of its column that breaks one rule; `end` where none does. `other`: the
 * column that rule->other means. */
size_t rule_first_break(const struct rule *rule, const struct field *field,
                        const struct column *column, const struct column *other, size_t first,
                        size_t end);
#endif
