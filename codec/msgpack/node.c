/* The reading half: msgpack-c's unpack template builds nodes in the arena.
 *
 * The template is what msgpack-c's own object API is made from; that API takes its memory from
 * malloc, which would go past the store's allocator, so the callbacks are ours. The bytes have
 * passed the guard before, so counts are within bounds and depth is below the template's stack. */
#include "codec/msgpack/pack.h"
#include <msgpack/unpack_define.h>

_Static_assert(PACK_DEPTH_MAX < MSGPACK_EMBED_STACK_SIZE, "the template's stack is large enough");

/* As in msgpack-c's unpack.h, which would bring the object API in. */
enum { MSGPACK_UNPACK_PARSE_ERROR = -1, MSGPACK_UNPACK_NOMEM_ERROR = -2 };

/* A node that is being filled. */
struct growing {
	struct node node;
	struct node *items;
	uint32_t n_items;
};

struct builder {
	struct arena *arena;
};

static struct growing on_root(struct builder *b)
{
	(void)b;
	return (struct growing){ .node = { .type = NODE_NIL } };
}

static int on_unsigned(struct builder *b, uint64_t v, struct growing *out)
{
	(void)b;
	*out = (struct growing){ .node = { .type = NODE_UNSIGNED, .as.u = v } };
	return 0;
}

static int on_signed(struct builder *b, int64_t v, struct growing *out)
{
	if (v >= 0)
		return on_unsigned(b, (uint64_t)v, out);
	*out = (struct growing){ .node = { .type = NODE_SIGNED, .as.i = v } };
	return 0;
}

static int on_float(struct builder *b, double v, struct growing *out)
{
	(void)b, (void)v, (void)out;
	return MSGPACK_UNPACK_PARSE_ERROR;
}

static int on_nil(struct builder *b, struct growing *out)
{
	*out = on_root(b);
	return 0;
}

static int on_bool(struct builder *b, bool v, struct growing *out)
{
	(void)b;
	*out = (struct growing){ .node = { .type = NODE_BOOL, .as.b = v } };
	return 0;
}

static int on_true(struct builder *b, struct growing *out)
{
	return on_bool(b, true, out);
}

static int on_false(struct builder *b, struct growing *out)
{
	return on_bool(b, false, out);
}

static int start(struct builder *b, enum node_type type, uint32_t n, size_t n_items,
                 struct growing *out)
{
	struct node *items = arena_array(b->arena, n_items, sizeof *items);

	if (!items)
		return MSGPACK_UNPACK_NOMEM_ERROR;
	*out = (struct growing){ { type, n, { .items = items } }, items, 0 };
	return 0;
}

static int on_array(struct builder *b, unsigned int n, struct growing *out)
{
	return start(b, NODE_ARRAY, n, n, out);
}

static int on_array_item(struct builder *b, struct growing *array, struct growing item)
{
	(void)b;
	array->items[array->n_items++] = item.node;
	return 0;
}

static int on_map(struct builder *b, unsigned int n, struct growing *out)
{
	return start(b, NODE_MAP, n, 2 * (size_t)n, out);
}

static int on_map_item(struct builder *b, struct growing *map, struct growing key,
                       struct growing value)
{
	(void)b;
	map->items[map->n_items++] = key.node;
	map->items[map->n_items++] = value.node;
	return 0;
}

/* Empty text comes without a place: point at the start of all bytes, never at nothing. */
static int on_span(enum node_type type, const char *base, const char *at, unsigned int len,
                   struct growing *out)
{
	*out = (struct growing){ .node = { .type = type,
		                           .as.bytes = span_of(len ? at : base, len) } };
	return 0;
}

static int on_text(struct builder *b, const char *base, const char *at, unsigned int len,
                   struct growing *out)
{
	(void)b;
	return on_span(NODE_TEXT, base, at, len, out);
}

static int on_bytes(struct builder *b, const char *base, const char *at, unsigned int len,
                    struct growing *out)
{
	(void)b;
	return on_span(NODE_BYTES, base, at, len, out);
}

static int on_ext(struct builder *b, const char *base, const char *at, unsigned int len,
                  struct growing *out)
{
	(void)b, (void)base, (void)at, (void)len, (void)out;
	return MSGPACK_UNPACK_PARSE_ERROR;
}

#define template_uint8 on_unsigned
#define template_uint16 on_unsigned
#define template_uint32 on_unsigned
#define template_uint64 on_unsigned
#define template_int8 on_signed
#define template_int16 on_signed
#define template_int32 on_signed
#define template_int64 on_signed
#define template_float on_float
#define template_double on_float
#define template_nil on_nil
#define template_true on_true
#define template_false on_false
#define template_array on_array
#define template_array_item on_array_item
#define template_map on_map
#define template_map_item on_map_item
#define template_str on_text
#define template_bin on_bytes
#define template_ext on_ext
#define template_root on_root

#define msgpack_unpack_struct(name) struct template##name
#define msgpack_unpack_func(ret, name) static inline ret template##name
#define msgpack_unpack_callback(name) template##name
#define msgpack_unpack_object struct growing
#define msgpack_unpack_user struct builder
#include <msgpack/unpack_template.h>

teg_status node_parse(struct span bytes, const char *what, struct arena *arena,
                      const struct node **node_out, teg_error *err)
{
	struct template_context context;
	struct node *root;
	size_t off = 0;
	int done;

	TEG_TRY(guard_check(bytes, what, err));
	context.user.arena = arena;
	template_init(&context);
	root = arena_alloc(arena, sizeof *root);
	done = root ? template_execute(&context, (const char *)bytes.at, bytes.len, &off)
	            : MSGPACK_UNPACK_NOMEM_ERROR;
	if (done == MSGPACK_UNPACK_NOMEM_ERROR)
		return teg_fail(err, TEG_NOMEM, "%s: no memory for its values", what);
	if (done <= 0 || off != bytes.len)
		return teg_fail(err, TEG_CORRUPT, "%s: not one whole value", what);
	*root = template_data(&context).node;
	*node_out = root;
	return TEG_OK;
}

const struct node *node_get(const struct node *map, const char *key)
{
	struct span want = span_of_text(key);

	if (!map || map->type != NODE_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->n; i++)
		if (span_equal(map->as.items[2 * i].as.bytes, want))
			return &map->as.items[2 * i + 1];
	return NULL;
}

bool node_u64(const struct node *node, uint64_t max, uint64_t *out)
{
	if (!node || node->type != NODE_UNSIGNED || node->as.u > max)
		return false;
	*out = node->as.u;
	return true;
}

bool node_i64(const struct node *node, int64_t *out)
{
	if (!node || (node->type != NODE_SIGNED && node->type != NODE_UNSIGNED))
		return false;
	if (node->type == NODE_UNSIGNED && node->as.u > INT64_MAX)
		return false;
	*out = node->type == NODE_SIGNED ? node->as.i : (int64_t)node->as.u;
	return true;
}

bool node_bool(const struct node *node, bool *out)
{
	if (!node || node->type != NODE_BOOL)
		return false;
	*out = node->as.b;
	return true;
}

static bool take_span(const struct node *node, enum node_type type, struct span *out)
{
	if (!node || node->type != type)
		return false;
	*out = node->as.bytes;
	return true;
}

bool node_text(const struct node *node, struct span *out)
{
	return take_span(node, NODE_TEXT, out);
}

bool node_bytes(const struct node *node, struct span *out)
{
	return take_span(node, NODE_BYTES, out);
}

bool node_array(const struct node *node, uint32_t max, const struct node **items_out,
                uint32_t *n_out)
{
	if (!node || node->type != NODE_ARRAY || node->n > max)
		return false;
	*items_out = node->as.items;
	*n_out = node->n;
	return true;
}
