/* The keys of the catalog. The first byte is the kind of entry; numbers are big-endian, so that
 * byte order is number order. format-spec/manifest.md, KEY-1 to KEY-8.
 *
 *   A name                                    -> the array of that name
 *   I array id (8)                            -> its name; empty: dropped, the id is spent
 *   S array id (8) first version (8) part (4) -> a segment of it
 *   L array id (8) version (8)                -> the system time that version gave it
 *   V version (8)                             -> who committed it, when and what
 *   W writer                                  -> the last idempotency key of that writer
 */
#ifndef TEG_ENGINE_STORE_KEYS_H
#define TEG_ENGINE_STORE_KEYS_H
#include "codec/base/span.h"

enum key_kind {
	KEY_ARRAY = 'A',
	KEY_ID = 'I',
	KEY_SEGMENT = 'S',
	KEY_TIME = 'L',
	KEY_VERSION = 'V',
	KEY_WRITER = 'W'
};

/* A key being made: at most a kind and 255 bytes of name. */
struct key {
	uint8_t bytes[260];
	size_t len;
};

static inline void key_put(struct key *key, const void *bytes, size_t len)
{
	memcpy(key->bytes + key->len, bytes, len);
	key->len += len;
}

static inline void key_number(struct key *key, uint64_t v, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes; i++)
		key->bytes[key->len++] = (uint8_t)(v >> (8 * (n_bytes - 1 - i)));
}

static inline uint64_t key_load(const uint8_t *at, unsigned n_bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n_bytes; i++)
		v = v << 8 | at[i];
	return v;
}

static inline struct key key_of_kind(enum key_kind kind)
{
	struct key key = { .len = 1 };

	key.bytes[0] = (uint8_t)kind;
	return key;
}

/* `name`: at most 255 bytes. */
static inline struct key key_of_name(enum key_kind kind, struct span name)
{
	struct key key = key_of_kind(kind);

	if (name.len)
		key_put(&key, name.at, name.len < 255 ? name.len : 255);
	return key;
}

static inline struct key key_of_number(enum key_kind kind, uint64_t a)
{
	struct key key = key_of_kind(kind);

	key_number(&key, a, 8);
	return key;
}

static inline struct key key_of_time(uint64_t array_id, uint64_t version)
{
	struct key key = key_of_number(KEY_TIME, array_id);

	key_number(&key, version, 8);
	return key;
}

static inline struct key key_of_segment(uint64_t array_id, uint64_t first_version, uint32_t part)
{
	struct key key = key_of_number(KEY_SEGMENT, array_id);

	key_number(&key, first_version, 8);
	key_number(&key, part, 4);
	return key;
}

static inline struct span key_span(const struct key *key)
{
	return span_of(key->bytes, key->len);
}

/* Does `bytes` begin with all of `key`? */
static inline bool key_is_prefix(const struct key *key, struct span bytes)
{
	return bytes.len >= key->len && memcmp(bytes.at, key->bytes, key->len) == 0;
}
#endif
