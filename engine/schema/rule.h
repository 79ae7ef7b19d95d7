/* Check rules: what an array asks of its live rows besides their types. Declared by the user, kept in
 * the schema, held against every put by engine/write/rules.h. A null is never against a rule.
 * format-spec/schema.md, RULE-1 to RULE-4.
 *
 *   "t above zero"   range      t     0 .. open
 *   "named"          not empty  name
 *   "one offset each" length    normals  offsets
 */
#ifndef TEG_ENGINE_SCHEMA_RULE_H
#define TEG_ENGINE_SCHEMA_RULE_H
#include "codec/msgpack/pack.h"
#include "engine/schema/schema.h"

#define SCHEMA_RULES_MAX 1000

struct rule {
	const char *name;
	teg_check_kind kind;
	uint32_t column;  /* id of the attribute */
	teg_value lo, hi; /* RANGE, of the attribute's type; null: open */
	uint64_t lo_lane, hi_lane;
	uint32_t other; /* SAME_LENGTH: id of another attribute */
};

struct draft;

/* The rules of a declaration, once the schema's fields are there: schema->rules and the checks of
 * schema->spec. TEG_SCHEMA names the column or the rule. */
teg_status rules_make(const struct draft *draft, struct schema *schema, struct arena *arena,
                      teg_error *err);
/* The pair "checks" of a packed schema; only where there are rules. */
void rules_pack(const struct schema *schema, struct buf *out);
/* And back, into draft->spec, whose attributes and ids are there. False where it is not a list of
 * rules. */
bool rules_take(const struct node *map, struct draft *draft, struct arena *arena,
                bool *no_memory_out);
/* Whether both ask the same, a widened attribute notwithstanding. */
bool rule_equal(const struct rule *a, const struct rule *b);
#endif
