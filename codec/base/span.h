/* Bytes that somebody else owns, and the one bounded reader under all parsing.
 *
 * A reader is sticky: past the end it hands out zeros and remembers that it failed, so a parser
 * reads like the layout it parses and asks reader_ok() once, before it trusts anything.
 * All integers in Tegula's own layouts are little-endian. format-spec/conventions.md.
 */
#ifndef TEG_CODEC_BASE_SPAN_H
#define TEG_CODEC_BASE_SPAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *at;
	size_t len;
};

static inline struct span span_of(const void *at, size_t len)
{
	return (struct span){ (const uint8_t *)at, len };
}

static inline struct span span_of_text(const char *text)
{
	return (struct span){ (const uint8_t *)text, strlen(text) };
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Byte order, then length: <0, 0, >0. */
static inline int span_compare(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.at, b.at, n) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline uint16_t load_u16(const void *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	return v;
}

static inline uint32_t load_u32(const void *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline uint64_t load_u64(const void *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline void store_u16(void *at, uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap16(v);
#endif
	memcpy(at, &v, sizeof v);
}

static inline void store_u32(void *at, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	memcpy(at, &v, sizeof v);
}

static inline void store_u64(void *at, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(at, &v, sizeof v);
}

struct reader {
	struct span in;
	size_t off;
	bool failed;
};

static inline struct reader reader_of(struct span in)
{
	return (struct reader){ in, 0, false };
}

static inline bool reader_ok(const struct reader *r)
{
	return !r->failed;
}

static inline size_t reader_left(const struct reader *r)
{
	return r->failed ? 0 : r->in.len - r->off;
}

/* The next `len` bytes, or an empty span (and a failed reader) where fewer are left. */
static inline struct span reader_take(struct reader *r, size_t len)
{
	struct span out = { NULL, 0 };

	if (r->failed || len > r->in.len - r->off) {
		r->failed = true;
		return out;
	}
	out.at = r->in.at + r->off;
	out.len = len;
	r->off += len;
	return out;
}

static inline uint8_t reader_u8(struct reader *r)
{
	struct span s = reader_take(r, 1);

	return s.len ? s.at[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
	struct span s = reader_take(r, 2);

	return s.len ? load_u16(s.at) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
	struct span s = reader_take(r, 4);

	return s.len ? load_u32(s.at) : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
	struct span s = reader_take(r, 8);

	return s.len ? load_u64(s.at) : 0;
}
#endif
