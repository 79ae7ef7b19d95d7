/* Names to columns, literals to what the column's values can be compared with. */
#include "engine/predicate/number.h"
#include "engine/predicate/bound.h"
#include <float.h>
#include <math.h>

struct binder {
	const struct schema *schema;
	struct arena *arena;
	struct bound_predicate *out;
	teg_error *err;
};

static teg_status no_memory(struct binder *b)
{
	return teg_fail(b->err, TEG_NOMEM, "no memory for a predicate");
}

/* ---- columns ---- */

/* The engine's own columns; a field of the same name goes first. */
static bool find_own_slot(const char *name, struct bound_slot *slot)
{
	static const struct {
		const char *name;
		uint32_t id;
	} own[] = { { "system_from", COLUMN_ID_SYSTEM_FROM },
		    { "system_until", COLUMN_ID_SYSTEM_UNTIL },
		    { "valid_from", COLUMN_ID_VALID_FROM },
		    { "valid_until", COLUMN_ID_VALID_UNTIL },
		    { "row_kind", COLUMN_ID_KIND } };

	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		bool kind = own[i].id == COLUMN_ID_KIND;

		if (strcmp(name, own[i].name) != 0)
			continue;
		slot->id = own[i].id;
		slot->type.type = kind ? TEG_UINT8 : TEG_TIMESTAMP;
		slot->type.unit = kind ? 0 : TEG_MICRO;
		slot->type.zone = kind ? NULL : "UTC";
		slot->class = kind ? VALUE_UNSIGNED : VALUE_SIGNED;
		return true;
	}
	return false;
}

static bool find_slot(struct binder *b, const char *name, struct bound_slot *slot)
{
	const struct field *field = schema_field(b->schema, name);

	*slot = (struct bound_slot){ .id = 0 };
	if (!field)
		return find_own_slot(name, slot);
	slot->id = field->id;
	slot->type = field->type;
	slot->class = field->class;
	slot->fill = field->fill;
	return true;
}

static teg_status slot_of(struct binder *b, const char *name, uint32_t *slot_out)
{
	struct bound_predicate *p = b->out;
	struct bound_slot slot;

	if (!find_slot(b, name, &slot)) {
		teg_fail(b->err, TEG_NOT_FOUND, "there is no column '%s'", name);
		return error_in_column(b->err, TEG_NOT_FOUND, name);
	}
	for (*slot_out = 0; *slot_out < p->n_slots; (*slot_out)++)
		if (p->slots[*slot_out].id == slot.id)
			return TEG_OK;
	p->slots[p->n_slots] = slot;
	p->ids[p->n_slots++] = slot.id;
	return TEG_OK;
}

static teg_status mismatch(struct binder *b, const char *column, const struct bound_slot *slot,
                           const char *what)
{
	char type[96];

	type_name(&slot->type, type, sizeof type);
	teg_fail(b->err, TEG_MISUSE, "column '%s' is %s: it cannot be compared with %s", column,
	         type, what);
	return error_in_column(b->err, TEG_MISUSE, column);
}

/* ---- literals as whole numbers of the column's own ---- */

static struct whole divide(__int128 v, __int128 by)
{
	__int128 q = v / by, r = v % by;

	return (struct whole){ .floor = r < 0 ? q - 1 : q, .more = r != 0 };
}

static bool whole_of_time(const struct bound_slot *slot, struct span text, struct whole *out)
{
	static const int64_t per_second[] = { 1, 1000, 1000000, 1000000000 };
	int64_t us;
	int ns;

	if (!time_of_text(text, &us, &ns))
		return false;
	if (slot->type.type == TEG_DATE32)
		*out = divide((__int128)us * 1000 + ns, 86400 * (__int128)1000000000);
	else
		*out = divide((__int128)us * 1000 + ns, 1000000000 / per_second[slot->type.unit]);
	return true;
}

static bool kind_of_text(struct span text, struct whole *out)
{
	static const char *const names[] = { "live", "tombstone", "erased" };

	for (int i = 0; i < 3; i++) {
		if (!span_equal(text, span_of_text(names[i])))
			continue;
		*out = (struct whole){ .floor = i };
		return true;
	}
	return false;
}

static bool is_time(const struct bound_slot *slot)
{
	return slot->type.type == TEG_TIMESTAMP || slot->type.type == TEG_DATE32;
}

/* False: a literal of that type says nothing about the column. */
static bool whole_of_literal(const struct bound_slot *slot, const struct literal *l,
                             struct whole *out)
{
	int scale = slot->type.type == TEG_DECIMAL128 ? slot->type.scale : 0;

	switch (l->type) {
	case LITERAL_INTEGER:
	case LITERAL_DECIMAL: *out = whole_of_decimal(l->i, l->scale, scale); return true;
	case LITERAL_FLOAT: *out = whole_of_float(l->f, scale); return true;
	case LITERAL_BOOL:
		*out = (struct whole){ .floor = l->i };
		return slot->type.type == TEG_BOOL;
	case LITERAL_WIDE: *out = (struct whole){ .floor = l->i }; return slot->class == VALUE_WIDE;
	case LITERAL_TEXT:
		return is_time(slot) ? whole_of_time(slot, l->bytes, out)
		                     : slot->id == COLUMN_ID_KIND && kind_of_text(l->bytes, out);
	default: return false;
	}
}

/* ---- one comparison ---- */

static void decide(struct bound_node *node, bool result)
{
	node->test = TEST_CONSTANT;
	node->result = result;
}

/* x op (floor + something) has the same answer as one comparison with floor. */
static bool settle_fraction(struct bound_node *node, bool more)
{
	if (!more)
		return false;
	switch (node->op) {
	case TEG_EQ: decide(node, false); return true;
	case TEG_NE: decide(node, true); return true;
	case TEG_LT:
	case TEG_LE: node->op = TEG_LE; return false;
	default: node->op = TEG_GT; return false;
	}
}

static void compare_whole(struct bound_node *node, const struct bound_slot *slot, struct whole w)
{
	__int128 lo = slot->class == VALUE_SIGNED ? INT64_MIN : 0;
	__int128 hi = slot->class == VALUE_SIGNED ? (__int128)INT64_MAX : (__int128)UINT64_MAX;

	if (w.beyond || (slot->class != VALUE_WIDE && (w.floor < lo || w.floor > hi))) {
		bool below = w.beyond ? w.beyond < 0 : w.floor < lo;

		decide(node, compare_holds(node->op, below ? 1 : -1));
		return;
	}
	if (settle_fraction(node, w.more))
		return;
	if (slot->class == VALUE_WIDE) {
		node->test = TEST_WIDE;
		node->wide = w.floor;
		return;
	}
	node->test = TEST_LANE;
	node->lane = slot->class == VALUE_SIGNED ? lane_of_i64((int64_t)w.floor)
	                                         : (uint64_t)w.floor;
}

/* The largest float64 that is not above the literal, and whether it is the literal itself. */
static bool float_of_literal(const struct literal *l, double *out, bool *more_out)
{
	struct whole back;

	*more_out = false;
	switch (l->type) {
	case LITERAL_INTEGER:
		*out = float_of_decimal(l->i, 0);
		back = whole_of_float(*out, 0);
		if (back.beyond > 0 || back.floor > l->i)
			*out = nextafter(*out, -INFINITY);
		*more_out = back.beyond || back.floor != l->i;
		return true;
	case LITERAL_DECIMAL:
		*out = float_of_decimal(l->i, l->scale);
		*more_out = isinf(*out);
		if (*out == INFINITY)
			*out = DBL_MAX;
		return true;
	default: *out = l->f; return l->type == LITERAL_FLOAT;
	}
}

static bool compare_float(struct bound_node *node, const struct literal *l)
{
	bool more;
	double f;

	if (!float_of_literal(l, &f, &more))
		return false;
	if (settle_fraction(node, more))
		return true;
	node->test = TEST_LANE;
	node->lane = lane_of_f64(f);
	return true;
}

static teg_status bind_literal(struct binder *b, const char *column, struct bound_node *node,
                               const struct literal *l)
{
	const struct bound_slot *slot = &b->out->slots[node->slot];
	struct whole w;

	if (slot->class == VALUE_OPAQUE)
		return mismatch(b, column, slot, "anything but null");
	if (slot->class == VALUE_BYTES) {
		bool text = slot->type.type == TEG_UTF8;

		if (l->type != (text ? LITERAL_TEXT : LITERAL_BYTES) &&
		    (text || l->type != LITERAL_TEXT))
			return mismatch(b, column, slot,
			                text ? "anything but text" : "anything but bytes");
		node->test = TEST_BYTES;
		node->bytes = arena_copy(b->arena, l->bytes);
		return node->bytes.at ? TEG_OK : no_memory(b);
	}
	if (slot->class == VALUE_FLOAT)
		return compare_float(node, l)
		               ? TEG_OK
		               : mismatch(b, column, slot, "text, bytes or truth values");
	if (!whole_of_literal(slot, l, &w))
		return mismatch(b, column, slot,
		                is_time(slot) ? "anything but a time" : "a literal of that type");
	compare_whole(node, slot, w);
	return TEG_OK;
}

/* ---- lists ---- */

/* Shell sort takes no memory; these steps keep even a million items quick. */
static uint32_t first_gap(uint32_t n)
{
	return n > 1 ? (n < 5 ? 1 : (uint32_t)((uint64_t)n * 5 / 11)) : 0;
}

#define SORT_LIST(items, type, n, above)                                         \
	for (uint32_t gap = first_gap(n); gap; gap = first_gap(gap))             \
		for (uint32_t i = gap; i < (n); i++) {                           \
			type v = (items)[i];                                     \
			uint32_t k = i;                                          \
                                                                                 \
			for (; k >= gap && above((items)[k - gap], v); k -= gap) \
				(items)[k] = (items)[k - gap];                   \
			(items)[k] = v;                                          \
		}

#define NUMBER_ABOVE(a, b) ((a) > (b))
#define BYTES_ABOVE(a, b) (span_compare(a, b) > 0)

static void sort_list(struct bound_node *node)
{
	if (node->test == TEST_IN_LANES)
		SORT_LIST(node->lanes, uint64_t, node->n, NUMBER_ABOVE)
	else if (node->test == TEST_IN_WIDE)
		SORT_LIST(node->wides, __int128, node->n, NUMBER_ABOVE)
	else
		SORT_LIST(node->texts, struct span, node->n, BYTES_ABOVE)
}

/* Each item as `= item`; items that no value can equal fall away. */
static teg_status bind_list(struct binder *b, const struct teg_predicate *p,
                            struct bound_node *node)
{
	const struct bound_slot *slot = &b->out->slots[node->slot];
	struct bound_node one;

	node->lanes = arena_array(b->arena, p->n_literals + 1u, sizeof *node->lanes);
	node->wides = arena_array(b->arena, p->n_literals + 1u, sizeof *node->wides);
	node->texts = arena_array(b->arena, p->n_literals + 1u, sizeof *node->texts);
	if (!node->lanes || !node->wides || !node->texts)
		return no_memory(b);
	for (uint32_t i = 0; i < p->n_literals; i++) {
		one = (struct bound_node){ .op = TEG_EQ, .slot = node->slot };
		TEG_TRY(bind_literal(b, p->column, &one, &p->literals[i]));
		if (one.test == TEST_CONSTANT)
			continue;
		node->lanes[node->n] = one.lane;
		node->wides[node->n] = one.wide;
		node->texts[node->n++] = one.bytes;
	}
	node->test = slot->class == VALUE_BYTES  ? TEST_IN_BYTES
	             : slot->class == VALUE_WIDE ? TEST_IN_WIDE
	                                         : TEST_IN_LANES;
	sort_list(node);
	return TEG_OK;
}

/* ---- the tree ---- */

static bool is_number(const struct bound_slot *slot)
{
	return slot->class == VALUE_SIGNED || slot->class == VALUE_UNSIGNED ||
	       slot->class == VALUE_FLOAT;
}

static bool is_plain(const struct bound_slot *slot)
{
	return is_number(slot) && !is_time(slot) && slot->type.type != TEG_DURATION &&
	       slot->type.type != TEG_BOOL;
}

static teg_status bind_columns(struct binder *b, const struct teg_predicate *p,
                               struct bound_node *node)
{
	const struct bound_slot *x, *y;

	TEG_TRY(slot_of(b, p->other, &node->other_slot));
	x = &b->out->slots[node->slot];
	y = &b->out->slots[node->other_slot];
	node->test = TEST_COLUMNS;
	if ((is_plain(x) && is_plain(y)) || (x->class == VALUE_BYTES && y->class == VALUE_BYTES) ||
	    (x->class != VALUE_OPAQUE && x->type.type == y->type.type &&
	     x->type.unit == y->type.unit && x->type.scale == y->type.scale))
		return TEG_OK;
	return mismatch(b, p->column, x, "the other column");
}

static teg_status bind_node(struct binder *b, const struct teg_predicate *p,
                            struct bound_node **out);

static teg_status bind_inner(struct binder *b, const struct teg_predicate *p,
                             struct bound_node *node)
{
	node->test = p->node == NODE_AND ? TEST_AND : p->node == NODE_OR ? TEST_OR : TEST_NOT;
	TEG_TRY(bind_node(b, p->a, &node->a));
	return p->b ? bind_node(b, p->b, &node->b) : TEG_OK;
}

static teg_status bind_node(struct binder *b, const struct teg_predicate *p,
                            struct bound_node **out)
{
	struct bound_node *node = arena_alloc(b->arena, sizeof *node);

	if (!node)
		return no_memory(b);
	*out = node;
	node->op = p->op;
	if (p->a)
		return bind_inner(b, p, node);
	TEG_TRY(slot_of(b, p->column, &node->slot));
	switch (p->node) {
	case NODE_COMPARE: return bind_literal(b, p->column, node, &p->literals[0]);
	case NODE_COMPARE_COLUMNS: return bind_columns(b, p, node);
	case NODE_IN: return bind_list(b, p, node);
	case NODE_IS_NULL: node->test = TEST_NULL; return TEG_OK;
	default:
		node->test = TEST_NAN;
		if (b->out->slots[node->slot].class == VALUE_FLOAT)
			return TEG_OK;
		return mismatch(b, p->column, &b->out->slots[node->slot], "NaN");
	}
}

static uint32_t count_names(const struct teg_predicate *p)
{
	if (!p->a)
		return 2;
	return count_names(p->a) + (p->b ? count_names(p->b) : 0);
}

teg_status predicate_bind(const teg_predicate *predicate, const struct schema *schema,
                          struct arena *arena, const struct bound_predicate **bound_out,
                          teg_error *err)
{
	struct binder b = { schema, arena, arena_alloc(arena, sizeof *b.out), err };
	uint32_t most = count_names(predicate);

	if (!b.out)
		return no_memory(&b);
	b.out->slots = arena_array(arena, most, sizeof *b.out->slots);
	b.out->ids = arena_array(arena, most, sizeof *b.out->ids);
	if (!b.out->slots || !b.out->ids)
		return no_memory(&b);
	TEG_TRY(bind_node(&b, predicate, &b.out->root));
	*bound_out = b.out;
	return TEG_OK;
}

const uint32_t *predicate_columns(const struct bound_predicate *bound, uint32_t *n_out)
{
	*n_out = bound->n_slots;
	return bound->ids;
}
