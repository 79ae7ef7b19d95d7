/* A bound predicate: columns by slot, literals as lanes, wide integers or bytes, and comparisons
 * that no value of the column's type can change decided. Shared by bind.c, run.c and prune.c. */
#ifndef TEG_ENGINE_PREDICATE_BOUND_H
#define TEG_ENGINE_PREDICATE_BOUND_H
#include "engine/predicate/predicate.h"
#include "engine/predicate/tree.h"

enum bound_test {
	TEST_CONSTANT, /* `result` for every value that is not null */
	TEST_LANE,     /* lane of the value against `lane` */
	TEST_WIDE,     /* decimal128 against `wide` */
	TEST_BYTES,
	TEST_IN_LANES, /* sorted */
	TEST_IN_WIDE,
	TEST_IN_BYTES,
	TEST_COLUMNS, /* slot against other_slot */
	TEST_NULL,
	TEST_NAN,
	TEST_AND,
	TEST_OR,
	TEST_NOT
};

struct bound_node {
	enum bound_test test;
	teg_compare op;
	uint32_t slot, other_slot;
	bool result;
	uint64_t lane;
	__int128 wide;
	struct span bytes;
	uint32_t n;
	uint64_t *lanes;
	__int128 *wides;
	struct span *texts;
	struct bound_node *a, *b;
};

struct bound_slot {
	uint32_t id;
	teg_data_type type;
	enum value_class class;
	struct span fill; /* what rows hold that are older than the attribute; .at NULL: null */
};

struct bound_predicate {
	struct bound_node *root;
	uint32_t n_slots, cap;
	struct bound_slot *slots;
	uint32_t *ids; /* of the slots, for predicate_columns() */
};

static inline bool compare_holds(teg_compare op, int order)
{
	switch (op) {
	case TEG_EQ: return order == 0;
	case TEG_NE: return order != 0;
	case TEG_LT: return order < 0;
	case TEG_LE: return order <= 0;
	case TEG_GT: return order > 0;
	default: return order >= 0;
	}
}
#endif
