/* What must hold of bytes before a parser sees them. One loop, no recursion, no memory: the open
 * containers are a short array, and their number is what PACK_DEPTH_MAX bounds. */
#include "codec/base/utf8.h"
#include "codec/msgpack/pack.h"

struct open_container {
	uint32_t left; /* items still to come; of a map, keys and values both */
	bool map;
	uint32_t n_keys;
	struct span keys[PACK_PAIRS_MAX];
};

struct guard {
	struct reader in;
	const char *what;
	teg_error *err;
	uint32_t n_nodes, depth;
	struct open_container open[PACK_DEPTH_MAX];
};

/* The head of one value: its type, and its number, length or count. */
struct head {
	enum node_type type;
	uint64_t n;
	bool shortest;
	bool known;
};

static teg_status refuse(struct guard *g, const char *why)
{
	teg_fail(g->err, TEG_CORRUPT, "%s: byte %zu: %s", g->what, g->in.off, why);
	return error_at_offset(g->err, TEG_CORRUPT, (int64_t)g->in.off);
}

static uint64_t take_number(struct guard *g, unsigned len)
{
	struct span s = reader_take(&g->in, len);
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.at[i];
	return v;
}

/* Integers of 1, 2, 4 or 8 bytes: 0xcc to 0xcf unsigned, 0xd0 to 0xd3 signed. */
static struct head take_integer(struct guard *g, uint8_t byte)
{
	unsigned len = 1u << (byte & 3), bits = 8 * len;
	bool is_signed = byte >= 0xd0;
	uint64_t v = take_number(g, len);
	uint64_t extended = v << (64 - bits);
	int64_t i = (int64_t)extended >> (64 - bits);
	int64_t narrow = len == 1 ? -32 : -(INT64_C(1) << (bits / 2 - 1));

	if (!is_signed)
		return (struct head){ NODE_UNSIGNED, v, len == 1 ? v > 0x7f : v >> (bits / 2),
			              true };
	return (struct head){ NODE_SIGNED, (uint64_t)i, i < narrow, true };
}

/* Lengths and counts that follow their byte: text, bytes, arrays and maps. */
static struct head take_length(struct guard *g, uint8_t byte)
{
	static const struct {
		uint8_t first, last;
		uint8_t len; /* bytes of the first one's length; each later one has twice as many */
		uint8_t above; /* lengths up to this have a shorter head than the first one */
		enum node_type type;
	} heads[] = {
		{ 0xc4, 0xc6, 1, 0, NODE_BYTES },
		{ 0xd9, 0xdb, 1, 31, NODE_TEXT },
		{ 0xdc, 0xdd, 2, 15, NODE_ARRAY },
		{ 0xde, 0xdf, 2, 15, NODE_MAP },
	};

	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		unsigned len;
		uint64_t n;
		bool first = byte == heads[i].first;

		if (byte < heads[i].first || byte > heads[i].last)
			continue;
		len = (unsigned)heads[i].len << (byte - heads[i].first);
		n = take_number(g, len);
		return (struct head){ heads[i].type, n,
			              first ? n > heads[i].above || heads[i].type == NODE_BYTES
			                    : n >> (4 * len) != 0,
			              true };
	}
	return (struct head){ .known = false };
}

static struct head take_head(struct guard *g)
{
	uint8_t byte = reader_u8(&g->in);

	if (byte < 0x80)
		return (struct head){ NODE_UNSIGNED, byte, true, true };
	if (byte < 0x90)
		return (struct head){ NODE_MAP, byte & 0x0f, true, true };
	if (byte < 0xa0)
		return (struct head){ NODE_ARRAY, byte & 0x0f, true, true };
	if (byte < 0xc0)
		return (struct head){ NODE_TEXT, byte & 0x1f, true, true };
	if (byte >= 0xe0)
		return (struct head){ NODE_SIGNED, 0, true, true };
	if (byte == 0xc0)
		return (struct head){ NODE_NIL, 0, true, true };
	if (byte == 0xc2 || byte == 0xc3)
		return (struct head){ NODE_BOOL, 0, true, true };
	if (byte >= 0xcc && byte <= 0xd3)
		return take_integer(g, byte);
	return take_length(g, byte);
}

static teg_status enter(struct guard *g, const struct head *head)
{
	bool map = head->type == NODE_MAP;
	uint64_t items = map ? 2 * head->n : head->n;

	/* Every item takes a byte at least: a count above what is left is a lie. */
	if (items > reader_left(&g->in))
		return refuse(g, "a count is larger than what follows");
	if (map && head->n > PACK_PAIRS_MAX)
		return refuse(g, "a map has too many pairs");
	if (items > PACK_NODES_MAX - g->n_nodes)
		return refuse(g, "too many values");
	if (g->depth == PACK_DEPTH_MAX)
		return refuse(g, "nested too deep");
	if (!items)
		return TEG_OK;
	g->open[g->depth].left = (uint32_t)items;
	g->open[g->depth].map = map;
	g->open[g->depth].n_keys = 0;
	g->depth++;
	return TEG_OK;
}

static teg_status note_key(struct guard *g, struct open_container *map, struct span key)
{
	for (uint32_t i = 0; i < map->n_keys; i++)
		if (span_equal(map->keys[i], key))
			return refuse(g, "a key comes twice");
	map->keys[map->n_keys++] = key;
	return TEG_OK;
}

static teg_status check_bytes(struct guard *g, const struct head *head,
                              struct open_container *keyed)
{
	struct span bytes;

	if (head->n > reader_left(&g->in))
		return refuse(g, "a length is larger than what follows");
	bytes = reader_take(&g->in, (size_t)head->n);
	if (head->type == NODE_TEXT && !utf8_valid(bytes))
		return refuse(g, "text is not UTF-8");
	return keyed ? note_key(g, keyed, bytes) : TEG_OK;
}

/* One value, or the head of a container. */
static teg_status check_one(struct guard *g)
{
	struct open_container *in = g->depth ? &g->open[g->depth - 1] : NULL;
	struct open_container *keyed = in && in->map && in->left % 2 == 0 ? in : NULL;
	struct head head;

	if (!reader_left(&g->in))
		return refuse(g, "cut off");
	head = take_head(g);
	if (!reader_ok(&g->in))
		return refuse(g, "cut off");
	if (!head.known)
		return refuse(g, "a type that headers do not use");
	if (!head.shortest)
		return refuse(g, "not in the shortest form");
	if (keyed && head.type != NODE_TEXT)
		return refuse(g, "a key is not text");
	g->n_nodes++;
	if (in)
		in->left--;
	if (head.type == NODE_MAP || head.type == NODE_ARRAY)
		return enter(g, &head);
	if (head.type == NODE_TEXT || head.type == NODE_BYTES)
		return check_bytes(g, &head, keyed);
	return TEG_OK;
}

teg_status guard_check(struct span bytes, const char *what, teg_error *err)
{
	struct guard g;

	g.in = reader_of(bytes);
	g.what = what;
	g.err = err;
	g.n_nodes = 0;
	g.depth = 0;
	do {
		TEG_TRY(check_one(&g));
		while (g.depth && !g.open[g.depth - 1].left)
			g.depth--;
	} while (g.depth);
	return reader_left(&g.in) ? refuse(&g, "bytes are left over") : TEG_OK;
}
