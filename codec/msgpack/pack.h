/* Headers and footers as msgpack: written and unpacked by msgpack-c, behind a guard.
 *
 * Bytes from outside pass guard_check() first, iteratively: depth, node count, every length
 * against the bytes that remain, shortest forms, no floats, no ext types, keys are text and come
 * once, text is UTF-8, nothing left over. Only then does msgpack-c's parser see them, and it builds
 * nodes in the caller's arena, so a hostile count allocates nothing. format-spec/conventions.md, PACK-1 to PACK-7.
 *
 *   { "n": 3, "name": "JFK" }   ->   node MAP, n 2, items: key, value, key, value
 */
#ifndef TEG_CODEC_MSGPACK_PACK_H
#define TEG_CODEC_MSGPACK_PACK_H
#include "codec/base/arena.h"
#include "codec/base/buf.h"
#include "codec/base/error.h"

#define PACK_DEPTH_MAX 8
#define PACK_NODES_MAX (1u << 20)
#define PACK_PAIRS_MAX 64 /* of one map: its keys are a fixed vocabulary, data goes into arrays */

/* ---- writing: canonical, shortest forms; failure stays in the buffer ---- */
void pack_map(struct buf *out, uint32_t n_pairs);
void pack_array(struct buf *out, uint32_t n);
void pack_nil(struct buf *out);
void pack_bool(struct buf *out, bool v);
void pack_u64(struct buf *out, uint64_t v);
void pack_i64(struct buf *out, int64_t v);
void pack_text(struct buf *out, struct span text);
void pack_bytes(struct buf *out, struct span bytes);
/* A key of a map. */
void pack_key(struct buf *out, const char *key);

/* ---- reading ---- */
enum node_type {
	NODE_NIL,
	NODE_BOOL,
	NODE_UNSIGNED, /* any integer >= 0 */
	NODE_SIGNED,   /* any integer < 0 */
	NODE_TEXT,
	NODE_BYTES,
	NODE_ARRAY,
	NODE_MAP
};

struct node {
	enum node_type type;
	uint32_t n; /* items of an array, pairs of a map */
	union {
		bool b;
		uint64_t u;
		int64_t i;
		struct span bytes;        /* TEXT, BYTES: points into the parsed bytes */
		const struct node *items; /* n, or 2 n: key, value, key, value ... */
	} as;
};

/* TEG_CORRUPT with the offset, TEG_NOMEM. `what` names the thing in messages ("tile header"). */
teg_status guard_check(struct span bytes, const char *what, teg_error *err);
teg_status node_parse(struct span bytes, const char *what, struct arena *arena,
                      const struct node **node_out, teg_error *err);

/* The value of `key` in a map, NULL where there is none or `map` is not a map (or NULL). */
const struct node *node_get(const struct node *map, const char *key);
/* Each is false, and leaves *out alone, where the node is NULL, of another type, or out of range. */
bool node_u64(const struct node *node, uint64_t max, uint64_t *out);
bool node_i64(const struct node *node, int64_t *out);
bool node_bool(const struct node *node, bool *out);
bool node_text(const struct node *node, struct span *out);
bool node_bytes(const struct node *node, struct span *out);
bool node_array(const struct node *node, uint32_t max, const struct node **items_out,
                uint32_t *n_out);
#endif
