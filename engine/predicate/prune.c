/* Predicates over index entries: what may be true, and what may be false, of some row below. */
#include "engine/predicate/bound.h"

struct may {
	bool be_true, be_false;
};

/* What is known of one column of a tile. */
struct known {
	bool bounds;   /* min and max hold for every value that is not null */
	bool exact;    /* a lane names one value */
	bool no_value; /* every row is null */
	bool maybe_null;
	uint64_t min, max; /* lanes */
};

struct pruning {
	const struct bound_predicate *bound;
	const struct index_entry *entry;
	const uint32_t *attr_ids;
	uint32_t n_attrs;
};

static bool exact_class(const struct bound_slot *slot)
{
	return slot->class == VALUE_SIGNED || slot->class == VALUE_UNSIGNED ||
	       slot->class == VALUE_FLOAT;
}

static struct known known_attribute(const struct pruning *p, const struct bound_slot *slot)
{
	struct known k = { .maybe_null = true };
	bool others = p->entry->n_rows > p->entry->n_live; /* their attributes are null */

	k.exact = exact_class(slot);
	for (uint32_t i = 0; i < p->n_attrs; i++) {
		const struct column_stats *s;

		if (p->attr_ids[i] != slot->id)
			continue;
		s = &p->entry->stats[i];
		k.bounds = s->has_bounds;
		k.min = s->min;
		k.max = s->max;
		k.maybe_null = s->n_nulls > 0 || others;
		k.no_value = !s->has_bounds && slot->class != VALUE_OPAQUE &&
		             s->n_nulls >= p->entry->n_live;
		return k;
	}
	/* Added to the schema later: every row has the fill value. */
	k.no_value = !slot->fill.at;
	k.bounds = slot->fill.at && slot->class != VALUE_OPAQUE;
	k.min = k.max = k.bounds ? lane_of_value(slot->class, slot->fill) : 0;
	return k;
}

static struct known known_of(const struct pruning *p, uint32_t slot_at)
{
	const struct bound_slot *slot = &p->bound->slots[slot_at];
	struct known k = { .exact = true };

	if (slot->id < TEG_MAX_DIMENSIONS) {
		k.bounds = true;
		k.exact = exact_class(slot);
		k.min = p->entry->lo[slot->id];
		k.max = p->entry->hi[slot->id];
		return k;
	}
	if (slot->id == COLUMN_ID_SYSTEM_FROM) {
		k.bounds = true;
		k.min = lane_of_i64(p->entry->system_from_min);
		k.max = lane_of_i64(p->entry->system_from_max);
		return k;
	}
	if (slot->id >= COLUMN_ID_SYSTEM_FROM) {
		k.maybe_null = true;
		return k;
	}
	return known_attribute(p, slot);
}

static bool may_hold(teg_compare op, uint64_t lane, const struct known *k)
{
	switch (op) {
	case TEG_EQ: return k->min <= lane && lane <= k->max;
	case TEG_NE: return !k->exact || k->min != lane || k->max != lane;
	case TEG_LT: return k->exact ? k->min < lane : k->min <= lane;
	case TEG_LE: return k->min <= lane;
	case TEG_GT: return k->exact ? k->max > lane : k->max >= lane;
	default: return k->max >= lane;
	}
}

static teg_compare opposite(teg_compare op)
{
	static const teg_compare other[] = { 0, TEG_NE, TEG_EQ, TEG_GE, TEG_GT, TEG_LE, TEG_LT };

	return other[op];
}

static struct may may_compare(const struct bound_node *node, uint64_t lane, const struct known *k)
{
	if (k->no_value)
		return (struct may){ false, false };
	if (!k->bounds)
		return (struct may){ true, true };
	return (struct may){ may_hold(node->op, lane, k), may_hold(opposite(node->op), lane, k) };
}

static uint64_t wide_lane(__int128 wide)
{
	return lane_of_i64((int64_t)(wide >> 64));
}

static struct may may_list(const struct bound_node *node, const struct known *k)
{
	struct may m = { false, true };

	if (k->no_value)
		return (struct may){ false, false };
	for (uint32_t i = 0; i < node->n && !m.be_true; i++) {
		uint64_t lane = node->test == TEST_IN_LANES  ? node->lanes[i]
		                : node->test == TEST_IN_WIDE ? wide_lane(node->wides[i])
		                                             : lane_of_bytes(node->texts[i]);

		m.be_true = !k->bounds || may_hold(TEG_EQ, lane, k);
	}
	return m;
}

static struct may may_node(const struct pruning *p, const struct bound_node *node);

static struct may may_inner(const struct pruning *p, const struct bound_node *node)
{
	struct may a = may_node(p, node->a), b;

	if (node->test == TEST_NOT)
		return (struct may){ a.be_false, a.be_true };
	b = may_node(p, node->b);
	if (node->test == TEST_AND)
		return (struct may){ a.be_true && b.be_true, a.be_false || b.be_false };
	return (struct may){ a.be_true || b.be_true, a.be_false && b.be_false };
}

static struct may may_node(const struct pruning *p, const struct bound_node *node)
{
	struct known k;

	if (node->test >= TEST_AND)
		return may_inner(p, node);
	k = known_of(p, node->slot);
	switch (node->test) {
	case TEST_CONSTANT:
		return (struct may){ node->result && !k.no_value, !node->result && !k.no_value };
	case TEST_LANE: return may_compare(node, node->lane, &k);
	case TEST_WIDE: return may_compare(node, wide_lane(node->wide), &k);
	case TEST_BYTES: return may_compare(node, lane_of_bytes(node->bytes), &k);
	case TEST_NULL: return (struct may){ k.maybe_null || k.no_value, !k.no_value };
	case TEST_NAN:
		return (struct may){ !k.no_value && (!k.bounds || k.max == LANE_NAN), !k.no_value };
	case TEST_COLUMNS: return (struct may){ true, true };
	default: return may_list(node, &k);
	}
}

bool predicate_may_match(const struct bound_predicate *bound, const struct index_entry *entry,
                         const uint32_t *attr_ids, uint32_t n_attrs)
{
	struct pruning p = { bound, entry, attr_ids, n_attrs };

	return may_node(&p, bound->root).be_true;
}
