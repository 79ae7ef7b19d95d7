/* Gathering: values from all over a column, in any order. */
#include "codec/column/column.h"
#include "codec/base/checked.h"

/* Gathers jump about in more memory than the caches hold; what is needed soon is asked for early. */
#define AHEAD 64
#define SHORT_TEXT 16 /* bytes: copied as a whole, without a call */

#define GATHER(T)                                                                    \
	static void gather_##T(T *to, const T *values, const uint32_t *at, size_t n) \
	{                                                                            \
		for (size_t i = 0; i < n; i++) {                                     \
			if (i + AHEAD < n)                                           \
				__builtin_prefetch(values + at[i + AHEAD]);          \
			to[i] = values[at[i]];                                       \
		}                                                                    \
	}
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

static bool aligned(const void *a, const void *b, size_t unit)
{
	return (((uintptr_t)a | (uintptr_t)b) & (unit - 1)) == 0;
}

static void gather_any(uint8_t *to, const uint8_t *values, size_t width, const uint32_t *at,
                       size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * width, values + at[i] * width, width);
}

static void gather_fixed(uint8_t *to, const struct column *c, const uint32_t *at, size_t n)
{
	const void *values = c->values;
	void *out = to;

	if (!aligned(out, values, c->width <= 8 ? size_max(c->width, 1) : 1))
		gather_any(to, c->values, c->width, at, n);
	else if (c->width == 8)
		gather_uint64_t(out, values, at, n);
	else if (c->width == 4)
		gather_uint32_t(out, values, at, n);
	else if (c->width == 2)
		gather_uint16_t(out, values, at, n);
	else if (c->width == 1)
		gather_uint8_t(to, c->values, at, n);
	else if (c->width == 16)
		gather_any(to, c->values, 16, at, n);
	else
		gather_any(to, c->values, c->width, at, n);
}

/* Short values, away from the end of their bytes, are copied sixteen bytes at once: the slack takes
 * what is too much. */
static void gather_bytes(struct column_buf *b, const struct column *c, const uint32_t *at, size_t n)
{
	const int32_t all = c->offsets[c->n];
	int32_t *offsets = b->offsets + b->n;
	uint8_t *to = b->values;

	for (size_t i = 0; i < n; i++) {
		int32_t from = c->offsets[at[i]];
		int32_t len = c->offsets[at[i] + 1] - from;

		if (i + 2 * AHEAD < n)
			__builtin_prefetch(c->offsets + at[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			__builtin_prefetch(c->values + c->offsets[at[i + AHEAD]]);
		if (len <= 16 && all - from >= 16)
			memcpy(to + offsets[i], c->values + from, 16);
		else if (len)
			memcpy(to + offsets[i], c->values + from, (size_t)len);
		offsets[i + 1] = offsets[i] + len;
	}
}

static size_t gathered_bytes(const struct column *c, const uint32_t *at, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			__builtin_prefetch(c->offsets + at[i + AHEAD]);
		bytes += (size_t)(c->offsets[at[i] + 1] - c->offsets[at[i]]);
	}
	return bytes;
}

#define TEXTS 256 /* looked up twice, the second time in the first cache */

static teg_status gather_texts(struct column_buf *b, const struct column *c, const uint32_t *at,
                               size_t n)
{
	size_t before = b->n;

	TEG_TRY(column_buf_reserve(b, n, 0));
	for (size_t i = 0; i < n; i += TEXTS) {
		size_t part = size_min(TEXTS, n - i);
		teg_status status = column_buf_reserve(b, part, gathered_bytes(c, at + i, part));

		if (status != TEG_OK) {
			column_buf_truncate(b, before);
			return status;
		}
		gather_bytes(b, c, at + i, part);
		column_buf_count(b, part);
	}
	return TEG_OK;
}

static void gather_validity(struct column_buf *b, const uint8_t *validity, const uint32_t *at,
                            size_t n)
{
	size_t from = b->n - n, n_nulls = 0;

	for (size_t i = 0; i < n; i++) {
		if (bitmap_get(validity, at[i]))
			continue;
		bitmap_clear(b->validity, from + i);
		n_nulls++;
	}
	b->n_nulls += n_nulls;
}

/* Neighbours go together: what lies in children is copied in runs. */
static teg_status gather_nested(struct column_buf *b, const struct column *c, const uint32_t *at,
                                size_t n)
{
	size_t before = b->n;

	TEG_TRY(column_buf_reserve(b, n, 0));
	for (size_t i = 0, k; i < n; i += k) {
		teg_status status;

		for (k = 1; i + k < n && at[i + k] == at[i] + k; k++)
			;
		status = column_buf_append(b, c, at[i], k);
		if (status != TEG_OK) {
			column_buf_truncate(b, before);
			return status;
		}
	}
	return TEG_OK;
}

teg_status column_buf_gather(struct column_buf *b, const struct column *c, const uint32_t *at,
                             size_t n)
{
	bool fixed = c->shape == COLUMN_FIXED;

	if (!n)
		return TEG_OK;
	if (shape_is_nested(c->shape))
		return gather_nested(b, c, at, n);
	TEG_TRY(column_buf_reserve(b, n, 0));
	if (c->validity)
		TEG_TRY(column_buf_need_validity(b));
	if (fixed) {
		gather_fixed(b->values + b->n * b->width, c, at, n);
		column_buf_count(b, n);
	} else {
		TEG_TRY(gather_texts(b, c, at, n));
	}
	if (c->validity)
		gather_validity(b, c->validity, at, n);
	return TEG_OK;
}
